"""The lender's desk: what it allows, as sentences and forms, in drafts that a second person approves."""
