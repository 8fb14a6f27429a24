"""One outward HTTP call: its closed set of results, and the transport that classifies it.

Beside the rooms of the architecture because all three clients (operator, platform, head end
system) share it and may not import each other. No wire's field names, no saga, no database.
"""
