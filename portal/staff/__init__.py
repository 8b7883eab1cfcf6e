"""Staff of a lender: who they are, how they sign in, what each may do."""
