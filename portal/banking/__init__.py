"""Money that comes to the lender's own account or desk: its bank's files, matched by reference, each entry once."""
