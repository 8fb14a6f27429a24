"""A farmers' input shop in French and Arabic, with filters, a rule and functions of its own."""
