"""Tokens for meters: the STS rules, our own head end system, and drivers for other people's.

Not in here: no money, no USSD, no text a client reads.
"""
