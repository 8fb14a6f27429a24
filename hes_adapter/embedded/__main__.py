"""Run the embedded head end system: `python -m hes_adapter.embedded --help`.

One server process with a few blocking threads: vends of one meter wait for each other anyway, and
one process has one courier.
"""

import argparse
import logging
import multiprocessing
import os
import socket
import sys
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import requests
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels
from sqlalchemy.exc import SQLAlchemyError

from hes_adapter.embedded.seed import SeedError
from hes_adapter.embedded.service import Service
from hes_adapter.embedded.settings import Settings, SettingsError, read_settings
from hes_adapter.embedded.vault import SealBrokenError
from hes_adapter.embedded.web import create_app

_THREADS: Final = 8
_STOP_SECONDS: Final = 5  # a request takes milliseconds; whatever is not done by then hangs
_READY_SECONDS: Final = 30.0
_LOGGING: Final[dict[str, Any]] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    # Standard output carries one line only, the address; whoever started us reads it.
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"level": "INFO", "handlers": ["stderr"]},
    "loggers": {},  # instead of Granian's own, which write to standard output
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; give the exit status, 2 when it could not start."""
    options = _parser().parse_args(arguments)
    try:
        settings = read_settings(os.environ, store_url=options.store, meters_url=options.meters_url)
        _prepare(settings, options.seed)
        port = _free_port(options.host, options.port)
    except (SettingsError, SeedError, SealBrokenError) as error:
        return _complain(str(error))
    except SQLAlchemyError as error:
        # Its text may quote the URL, and the URL may hold a password.
        return _complain(f"The store cannot be opened ({type(error).__name__}); check --store.")
    except OSError as error:
        return _complain(f"Port {options.port} of {options.host} cannot be used: {error.strerror}.")
    server = Granian(
        target="hes_adapter.embedded",
        address=options.host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=_THREADS,
        workers_kill_timeout=_STOP_SECONDS,
        log_level=LogLevels.error,
        log_dictconfig=_LOGGING,
    )
    loader = partial(_load, settings, options.host, port)
    server.serve(target_loader=loader, wrap_loader=False)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hes_adapter.embedded",
        description="Sell STS electricity tokens under our own vending keys, over HTTP.",
        epilog="Environment: CASSOU_HES_MASTER_KEY (64 hex digits, wraps keys and tokens at rest), "
        "CASSOU_HES_API_KEY (what callers present), CASSOU_METERS_API_KEY (what we present to the "
        "AMI; optional).",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (%(default)s)")
    parser.add_argument("--store", required=True, help="sqlite:///PATH, or a PostgreSQL URL")
    parser.add_argument("--meters-url", help="base URL of the AMI that delivers to the meters")
    parser.add_argument("--seed", type=Path, help="YAML file of vending keys and meters to load")
    return parser


def _prepare(settings: Settings, seed: Path | None) -> None:
    """Prove store and master key, and load the seed, before the server process is split off."""
    service = Service.open(settings)
    try:
        if seed is not None:
            service.seed(seed)
    finally:
        service.close()


def _free_port(host: str, port: int) -> int:
    """Give the port to listen on; 0 becomes a free one. Raises OSError when it is taken.

    The server shares its port among processes (SO_REUSEPORT), so without this a second service on
    the same port would start and take half of the calls.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        return int(probe.getsockname()[1])


def _load(settings: Settings, host: str, port: int) -> Any:
    """Make the app in the server process, and let two threads look after that process."""
    app = create_app(settings)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    threading.Thread(target=_announce, args=(host, port), daemon=True).start()
    return app


def _end_with_parent() -> None:
    """End the server process when the one that watches over it was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        # Nothing to tidy: what was acknowledged is committed, and the rest is repeated.
        os._exit(1)


def _announce(host: str, port: int) -> None:
    """Print the address once the service answers there."""
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    with requests.Session() as http:
        http.trust_env = False
        waited = threading.Event()
        for _ in range(int(_READY_SECONDS / 0.05)):
            try:
                if http.get(f"{address}/health", timeout=2).status_code == 200:
                    sys.stdout.write(f"hes listening on {address}\n")
                    sys.stdout.flush()
                    return
            except requests.ConnectionError:
                waited.wait(0.05)
    logging.getLogger(__name__).error("The service does not answer at %s.", address)


def _complain(sentence: str) -> int:
    sys.stderr.write(f"hes: {sentence}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
