"""YAML to a compiled flow plus diagnostics. No session, no gateway, no I/O but reading a file."""
