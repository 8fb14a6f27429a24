"""The command, supervisor and embedded server; may import everything, nothing imports it."""
