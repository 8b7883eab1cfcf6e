"""Money that goes back, is disputed, or waits to be placed: the pages and acts of finance."""
