"""The other parties of a purchase, as real HTTP servers on loopback, with faults to order.

Nothing here may import Cassou: a simulator that shares code with its client repeats the client's
mistake and the test passes. The one exception is the MISTY1 cipher, which the meter borrows.
"""
