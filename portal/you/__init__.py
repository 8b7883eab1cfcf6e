"""You: how a person is reached, signs in and stays signed in, and what is held about that person."""
