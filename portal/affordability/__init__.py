"""What somebody can afford to pay: a budget, three models that work it out, and spending standards from a table."""
