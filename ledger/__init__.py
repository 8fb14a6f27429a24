"""Purchases and money in SQL: the truth. No HTTP, no queue, no decision about what comes next."""
