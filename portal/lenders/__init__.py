"""The lender: name, brand, jurisdiction, currency, zone, languages."""
