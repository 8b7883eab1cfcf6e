"""What happens to money that arrives: its states and what it pays off."""
