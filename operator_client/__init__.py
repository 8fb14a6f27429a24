"""Wallets and SMS centres of operators: drivers never retry, sleep or touch a database.

Nor may they import the platform's or the head end system's client, or decide what a result means
for a purchase.
"""
