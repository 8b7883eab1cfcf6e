"""Letters: what they may print, when they may be issued, and their PDF."""
