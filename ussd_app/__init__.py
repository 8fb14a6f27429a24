"""The framework: flows, sessions, screens, gateways. Nothing of electricity outside `menus`.

Nor any money, any ledger, any head end system: what the web side needs of those is handed in by
`wsgi.py`, and jobs go by name. The one exception is `settings.py`: all settings of all
processes are read in one place, and are told at once when they are bad.
"""
