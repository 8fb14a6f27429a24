"""Drivers of head end systems: what the application needs of one (`base`), a module for each wire.

Not in here: no retries, no sleeping, no database, no keys, no making of tokens.
"""
