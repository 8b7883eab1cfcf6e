"""The lender's desk: what it allows, as sentences."""
