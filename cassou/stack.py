"""The whole system on one machine: which processes there are, and what each is told of the others.

`make run`, `make demo`, the end-to-end tests and the benchmarks start the same stack; they differ
in ports, directories and a few settings.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import requests

from cassou.embedded import EmbeddedRedis
from cassou.supervisor import READY_SECONDS_MAX, NotReady, Program, Supervisor
from ussd_app.sealing import Sealer
from ussd_app.settings import PREFIX, secret_octets
from workers import settings as settings_module
from workers.office import open_ledger
from workers.settings import Settings

#: Ports taken where they are free, so that addresses stay the same from run to run.
PORTS = {"web": 8000, "operator": 8101, "platform": 8102, "hes": 8103, "meters": 8104}
_URL = re.compile(r"http://[0-9.]+:\d+")
_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running stack's parts answer."""

    web: str
    operator: str
    platform: str
    meters: str
    hes: str
    hes_faults: str
    redis: str
    ledger: str


@dataclass(slots=True)
class Stack:
    """Everything up. `fixed_ports` asks for the usual ports where they are free."""

    var: Path
    tell: Callable[[str, str], None]
    environment: Mapping[str, str] = field(default_factory=dict)
    fixed_ports: bool = False
    operator_options: tuple[str, ...] = ()
    addresses: Addresses | None = None
    _redis: EmbeddedRedis | None = None
    _supervisor: Supervisor | None = None
    _shared: dict[str, str] = field(default_factory=dict)

    def start(self) -> Addresses:
        """Start all, in order; raises `NotReady`, `DirectoryInUse`, `BadSettings`."""
        self.var.mkdir(parents=True, exist_ok=True)
        if not os.environ.get(f"{PREFIX}REDIS_URL"):
            self._redis = EmbeddedRedis.start(self.var / "redis")
        self._supervisor = Supervisor(self.tell)
        try:
            self.addresses = self._start_all()
        except BaseException:
            self.stop()
            raise
        return self.addresses

    def tend(self, seconds: float) -> None:
        """Keep all up, for so long."""
        if self._redis is not None and self._redis.restart_if_dead():
            self.tell("redis", "ended; started again with its data")
        self._running().tend(seconds)

    def stop(self) -> None:
        """Stop all."""
        if self._supervisor is not None:
            self._supervisor.stop()
            self._supervisor = None
        if self._redis is not None:
            self._redis.stop()
            self._redis = None

    def pid(self, name: str) -> int:
        """The process id of one part: a program's name, or "redis"."""
        if name == "redis" and self._redis is not None:
            return self._redis.pid
        return self._running().pid(name)

    def settings(self) -> Settings:
        """The settings that the stack's processes have."""
        names = {name.removeprefix(PREFIX).lower(): value for name, value in self._shared.items()}
        known = {name: value for name, value in names.items() if name in Settings.model_fields}
        return settings_module.load(**known)

    def _running(self) -> Supervisor:
        if self._supervisor is None:
            raise RuntimeError("the stack is not running")
        return self._supervisor

    def _start_all(self) -> Addresses:
        data = self.var / "simulators"
        data.mkdir(exist_ok=True)
        keys = _kept_keys(self.var / "keys.json")
        simulated = {"CASSOU_SIM_API_KEY": keys["simulators"]}
        operator = self._simulator("operator", data, simulated, self.operator_options)
        platform = self._simulator("platform", data, simulated)
        meters = self._simulator("meters", data, simulated)
        hes_line = self._run(
            "hes",
            "hes_adapter.embedded",
            f"--store=sqlite:///{(data / 'hes.sqlite3').absolute()}",
            f"--meters-url={meters}",
            f"--seed={_ROOT / 'hes_adapter' / 'embedded' / 'demo.yaml'}",
            "--port=0",
            environment={
                "CASSOU_HES_MASTER_KEY": keys["hes_master"],
                "CASSOU_HES_API_KEY": keys["hes"],
                "CASSOU_METERS_API_KEY": keys["simulators"],
            },
            ready="http://",
        )
        behind = _URL.findall(hes_line)[0]
        proxy_line = self._run(
            "hes-proxy",
            "simulators",
            "fault-proxy",
            f"--to={behind}",
            f"--port={self._port('hes')}",
            ready="ready",
        )
        hes, hes_faults = _URL.findall(proxy_line)[:2]
        given = os.environ.get(f"{PREFIX}WEB_PORT")
        port = int(given or 0) or self._port("web") or free_port()
        self._shared = {
            f"{PREFIX}VAR_DIR": str(self.var.absolute()),
            f"{PREFIX}ENDPOINTS_FILE": str(_ROOT / "endpoints.yaml"),
            **({f"{PREFIX}REDIS_URL": self._redis.url} if self._redis else {}),
            f"{PREFIX}OPERATOR_URL": operator,
            f"{PREFIX}OPERATOR_KEY": keys["simulators"],
            f"{PREFIX}PLATFORM_URL": platform,
            f"{PREFIX}PLATFORM_KEY": keys["simulators"],
            f"{PREFIX}HES_URL": hes,
            f"{PREFIX}HES_KEY": keys["hes"],
            f"{PREFIX}WEB_PORT": str(port),
            # What the caller's environment sets is meant.
            **{name: value for name, value in os.environ.items() if name in _FROM_OUTSIDE},
            **self.environment,
        }
        settings = self.settings()
        # Made here, once, so that processes that start together need not race for it.
        open_ledger(settings, Sealer(secret_octets(settings)))
        for number in range(settings.calls_workers):
            self._worker("calls", number)
        for number in range(settings.purchases_workers):
            self._worker("purchases", number)
        self._worker("sweep", 0)
        web = f"http://{settings.web_host}:{port}"
        self._run("web", "cassou.serve", environment=self._shared)
        self._until_healthy(web)
        return Addresses(
            web,
            settings.operator_url,
            settings.platform_url,
            meters,
            settings.hes_url,
            hes_faults,
            settings.redis_url,
            settings.ledger(),
        )

    def _simulator(
        self, name: str, data: Path, environment: Mapping[str, str], options: tuple[str, ...] = ()
    ) -> str:
        line = self._run(
            name,
            "simulators",
            name,
            f"--store={data / name}.sqlite3",
            f"--port={self._port(name)}",
            *options,
            environment=environment,
            ready="ready",
        )
        url: str = _URL.findall(line)[0]
        return url

    def _worker(self, kind: str, number: int) -> None:
        self._run(f"{kind}-{number}", "workers", kind, environment=self._shared, ready="cassou.")

    def _run(
        self,
        name: str,
        module: str,
        *options: str,
        environment: Mapping[str, str] | None = None,
        ready: str = "",
    ) -> str:
        command = (sys.executable, "-m", module, *options)
        return self._running().start(Program(name, command, environment or {}, ready))

    def _port(self, name: str) -> int:
        port = PORTS[name]
        return port if self.fixed_ports and _is_free(port) else 0

    def _until_healthy(self, web: str) -> None:
        until = monotonic() + READY_SECONDS_MAX
        while monotonic() < until:
            self._running().tend(0.05)
            try:
                if requests.get(f"{web}/health", timeout=1).ok:
                    return
            except requests.RequestException:
                continue
        raise NotReady("the web side did not answer; its lines are above")


#: Settings of the caller's environment that every process of a stack gets.
_FROM_OUTSIDE = frozenset(
    PREFIX + name.upper() for name in Settings.model_fields if name != "var_dir"
)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _kept_keys(path: Path) -> dict[str, str]:
    """Keys between our own processes, made once per directory and kept from others."""
    if path.exists():
        kept: dict[str, str] = json.loads(path.read_text("utf-8"))
        return kept
    keys = {name: secrets.token_hex(32) for name in ("simulators", "hes", "hes_master")}
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        json.dump(keys, file)
    # Whole or not at all: a run that is killed here must not spoil the next.
    draft.replace(path)
    return keys
