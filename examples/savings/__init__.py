"""A village savings group in French, English and Swahili. It registers nothing in Python."""
