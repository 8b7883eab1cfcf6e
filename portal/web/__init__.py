"""What every page has: headers, forgery tokens, languages, formats, fields."""
