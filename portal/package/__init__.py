"""Everything about one debt as one file, which anybody can check without us: the evidence package."""
