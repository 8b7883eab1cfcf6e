"""What stands at the head and the end of a lender's letters: set by its administrator, shown on a sample before."""
