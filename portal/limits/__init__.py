"""What a lender allows, as cards of rules, and how they are read from a file."""
