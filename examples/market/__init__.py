"""A farmers' input shop in Portuguese and French, with filters, a rule and functions of its own."""
