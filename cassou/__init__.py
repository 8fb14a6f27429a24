"""The command, the supervisor and the embedded server; may import everything; nothing imports it.

No flow, no gateway's format, no money: it starts, shows and wires what the other rooms do.
"""
