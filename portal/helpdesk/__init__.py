"""Customer service: what people asked for, answered."""
