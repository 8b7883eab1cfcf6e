"""A lender's file brought in by hand: looked at before anything is written, confirmed, brought in, and taken back."""
