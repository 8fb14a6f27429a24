"""SMS centres: what the application needs of one (`base`), and a module for each wire.

Not in here: no texts, no languages, no counting of parts.
"""
