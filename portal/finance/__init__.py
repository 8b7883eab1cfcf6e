"""Money that goes back, is disputed, or waits to be placed, the books against Stripe, and the journal."""
