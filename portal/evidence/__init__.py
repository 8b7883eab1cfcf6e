"""What was done, by whom, for whom and why: one line an act."""
