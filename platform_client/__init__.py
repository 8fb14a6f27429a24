"""The platform of meters, tariffs and sales: its client never retries, sleeps or uses a database.

Nor does it compute a price, or keep anything but answers to look-ups for a stated time.
"""
