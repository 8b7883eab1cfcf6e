"""Home and one debt: what a person sees first, from everything below."""
