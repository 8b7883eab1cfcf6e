"""Thanks for keeping to a plan: what earns points and what takes them back."""
