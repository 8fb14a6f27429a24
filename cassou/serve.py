"""`python -m cassou.serve`: the web side under its WSGI server, as the settings say.

Why this server and these numbers stands in docs/decisions/0003-wsgi-server.md.
"""

from __future__ import annotations

import os
import sys

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

import wsgi  # noqa: TID251  # to check, before the server does, what it will build
from ussd_app.endpoints import budgets_of
from ussd_app.flow.diagnostics import FlowError
from ussd_app.settings import BadSettings
from workers import settings as settings_module


def main() -> None:
    """Serve until told to stop; exit 2 when the settings are bad."""
    try:
        settings = settings_module.load_connected()
        # The server's own processes would fail on these again and again.
        endpoints = wsgi.checked_endpoints(settings, os.environ)
        wsgi.load_directory(settings, budgets_of(endpoints))
    except (BadSettings, FlowError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None
    Granian(
        target="wsgi:application",
        factory=True,
        address=settings.web_host,
        port=settings.web_port,
        interface=Interfaces.WSGI,
        workers=settings.web_processes,
        blocking_threads=settings.web_threads,
        # It bounds connections, idle ones too: gateways keep theirs open, and one that finds no
        # room is not even accepted. Who waits for a thread waits in the server, not in Python.
        backpressure=settings.web_connections_max,
        blocking_threads_idle_timeout=600,
        websockets=False,
        # Its warnings are about the number of threads, which is chosen by measurement.
        log_level=LogLevels.error,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=5,
    ).serve()


if __name__ == "__main__":
    main()
