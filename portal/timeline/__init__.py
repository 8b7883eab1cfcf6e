"""Everything that happened to a person and her debts, in plain words, with who did it and when."""
