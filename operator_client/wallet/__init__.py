"""Wallets: what the application needs of one (`base`), and a module for each operator's wire.

Not in here: no PIN. The operator asks the client for it; we never see it.
"""
