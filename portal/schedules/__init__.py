"""When each payment is due and how much it is, for every kind of arrangement."""
