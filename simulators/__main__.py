"""`python -m simulators operator|platform|meters|fault-proxy`: one party, in its own process.

Prints one line when it is ready, then one short line per notable event; ends at SIGTERM or SIGINT.
"""

import argparse
import os
import signal
import sys
import threading
import uuid
from pathlib import Path

from flask import Flask

from simulators import meters_web, operator_web, platform_web
from simulators.clock import utc_now
from simulators.fault_proxy import Proxy, create_admin
from simulators.operator_debits import PromptSettings
from simulators.seed import DEMO, SeedError, World, load
from simulators.serving import LISTEN_HOST, NotLoopbackError, RunningServer
from simulators.store import Store

API_KEY_VARIABLE = "CASSOU_SIM_API_KEY"

EXIT_OK = 0
EXIT_CANNOT_START = 1

_SCHEMAS = {
    "operator": operator_web.SCHEMA,
    "platform": platform_web.SCHEMA,
    "meters": meters_web.SCHEMA,
}


def main(arguments: list[str]) -> int:
    """Run one simulator until a signal ends it; 1 when it cannot start."""
    options = _parser().parse_args(arguments)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        if options.party == "fault-proxy":
            _run_proxy(options, ended)
        else:
            _run_party(options, load(options.seed), ended)
    except (NotLoopbackError, SeedError, OSError) as error:
        sys.stderr.write(f"simulators.{options.party} cannot start: {error}\n")
        return EXIT_CANNOT_START
    return EXIT_OK


def _run_party(options: argparse.Namespace, world: World, ended: threading.Event) -> None:
    store = Store(options.store, _SCHEMAS[options.party])
    stop = threading.Event()
    try:
        server = RunningServer(
            _create(options, world, store, stop), stop, options.host, options.port
        )
        _say_ready(options.party, server.url)
        ended.wait()
        server.close()
    finally:
        store.close()


def _create(
    options: argparse.Namespace, world: World, store: Store, stop: threading.Event
) -> Flask:
    api_key = os.environ.get(API_KEY_VARIABLE) or None
    match options.party:
        case "operator":
            prompts = PromptSettings(
                options.wallet, options.prompt_seconds, options.prompt_lifetime_seconds
            )
            return operator_web.create_operator(
                store, world.operator, clock=utc_now, stop=stop, prompts=prompts, api_key=api_key
            )
        case "platform":
            return platform_web.create_platform(
                store,
                world.platform,
                clock=utc_now,
                stop=stop,
                quote_seconds=options.quote_seconds,
                new_id=lambda: uuid.uuid4().hex,
                api_key=api_key,
            )
        case _:
            return meters_web.create_meters(
                store, world.meters, clock=utc_now, stop=stop, api_key=api_key
            )


def _run_proxy(options: argparse.Namespace, ended: threading.Event) -> None:
    proxy = Proxy(options.to, options.host, options.port)
    admin = RunningServer(create_admin(proxy), threading.Event(), options.host, options.admin_port)
    _say_ready("fault-proxy", f"{proxy.url} admin {admin.url}")
    ended.wait()
    proxy.close()
    admin.close()


def _say_ready(party: str, where: str) -> None:
    sys.stdout.write(f"simulators.{party} ready {where}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulators", description=__doc__)
    parties = parser.add_subparsers(dest="party", required=True)
    operator = _party(parties.add_parser("operator", help="wallet and SMS centre"))
    operator.add_argument(
        "--wallet", choices=("direct", "prompt"), default="direct", help="who asks for the PIN"
    )
    operator.add_argument(
        "--prompt-seconds", type=float, default=2.0, help="until the client approves a prompt"
    )
    operator.add_argument(
        "--prompt-lifetime-seconds", type=float, default=60.0, help="until a prompt expires"
    )
    platform = _party(parties.add_parser("platform", help="meters, tariffs, quotes and sales"))
    platform.add_argument(
        "--quote-seconds", type=float, default=600.0, help="how long a quote holds"
    )
    _party(parties.add_parser("meters", help="STS meters: keypad and network"))
    proxy = _listening(parties.add_parser("fault-proxy", help="a bad network, to order"))
    proxy.add_argument("--to", required=True, help="where to forward, http://127.0.0.1:PORT")
    proxy.add_argument("--admin-port", type=int, default=0, help="port of /_faults, 0 = any")
    return parser


def _listening(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--host", default=LISTEN_HOST, help="a loopback address")
    parser.add_argument("--port", type=int, default=0, help="0 = any free port")
    return parser


def _party(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument(
        "--store", default=":memory:", help="SQLite file; without it all is forgotten at exit"
    )
    parser.add_argument("--seed", type=Path, default=DEMO, help="the world to start with (YAML)")
    return _listening(parser)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
