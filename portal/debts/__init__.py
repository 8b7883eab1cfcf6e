"""What a person owes a lender: reading a lender's file, and the debts that come of it."""
