"""What the tests of the service share: a running service, an AMI, a clock, and the contract."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import requests
import yaml
from openapi_core import Config, OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from werkzeug.serving import make_server

from hes_adapter.embedded import create_app
from hes_adapter.embedded.service import Service
from hes_adapter.embedded.settings import Settings
from hes_adapter.embedded.web import EXTENSION
from hes_adapter.sts.credit import ElectricityCredit, decode_electricity_credit
from hes_adapter.sts.keys import VendingKey, cipher_for
from hes_adapter.sts.serial import pan_of
from hes_adapter.sts.tid import BaseDate
from hes_adapter.sts.token import Token

DEMO: Final = Path(str(files("hes_adapter.embedded").joinpath("demo.yaml")))
CONTRACT: Final[dict[str, Any]] = yaml.safe_load(
    files("hes_adapter.embedded").joinpath("openapi.yaml").read_text("utf-8")
)
MASTER_KEY: Final = bytes(range(32))
API_KEY: Final = "test-api-key-of-the-hes"
SERIAL: Final = "04246801379"
OTHER_SERIAL: Final = "04246802740"
LONG_SERIAL: Final = "0417135790000"
UNKNOWN_SERIAL: Final = "04246810966"
DEMO_KEY: Final = VendingKey(
    sgc="999901",
    krn=1,
    kt=2,
    ea="11",
    dkga="04",
    base_date=BaseDate.Y2014,
    ken=255,
    test=True,
    secret=b"cassou-demo-key-2014",
)
NOON: Final = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC)


def read_as_meter(token: str, serial: str = SERIAL) -> ElectricityCredit:
    return decode_electricity_credit(Token(token), cipher_for(DEMO_KEY, pan_of(serial), "01"))


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, **change: float) -> None:
        self.now += timedelta(**change)


class RealClock(Clock):
    """The machine's clock, for tests in which time has to pass by itself."""

    def __call__(self) -> datetime:
        return datetime.now(UTC)


class Client:
    """Calls a service and holds every answer to openapi.yaml."""

    def __init__(self, address: str) -> None:
        self.address = address
        # That the contract itself is valid has a test of its own.
        unchecked = Config(spec_validator_cls=None)  # type: ignore[arg-type]  # None: unchecked
        self._contract = OpenAPI.from_dict(CONTRACT | {"servers": [{"url": address}]}, unchecked)

    def call(
        self, method: str, path: str, *, key: str | None = API_KEY, **options: Any
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
        answer = requests.request(
            method, self.address + path, headers=headers, timeout=30, **options
        )
        asked = RequestsOpenAPIRequest(answer.request)
        self._contract.validate_response(asked, RequestsOpenAPIResponse(answer))
        return answer

    def vend(self, vend_id: str, serial: str = SERIAL, tenths: int = 98) -> requests.Response:
        return self.call("PUT", f"/vends/{vend_id}", json={"serial": serial, "kwh_tenths": tenths})


@dataclass
class Running(Client):
    """A service on a socket of its own in this process."""

    address: str
    service: Service
    clock: Clock

    def __post_init__(self) -> None:
        super().__init__(self.address)


def settings_for(store_url: str, meters_url: str | None = None) -> Settings:
    return Settings(
        store_url=store_url,
        master_key=MASTER_KEY,
        api_key=API_KEY,
        meters_url=meters_url,
        meters_api_key="key-at-the-ami",
    )


@contextmanager
def running(
    store_url: str, *, clock: Clock | None = None, seed: Path = DEMO, meters_url: str | None = None
) -> Iterator[Running]:
    """Serve a store until the block ends."""
    clock = clock or Clock()
    settings = settings_for(store_url, meters_url)
    app = create_app(settings, clock=clock, rnd=lambda: 5)
    service: Service = app.extensions[EXTENSION]
    server = None
    try:
        service.seed(seed)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Running(f"http://127.0.0.1:{server.server_port}", service, clock)
        server.shutdown()
        thread.join()
    finally:
        if server is not None:
            server.server_close()
        service.close()


@dataclass
class Ami:
    """An AMI that answers hand-overs as a test orders.

    `orders` holds (status, body) for the coming hand-overs; the last one is repeated. `accepted`
    is set when an answer with "Accept" was sent.
    """

    orders: list[tuple[int, str]]
    taken: list[dict[str, Any]] = field(default_factory=list)
    accepted: threading.Event = field(default_factory=threading.Event)
    hold: Callable[[], object] = lambda: None
    address: str = ""

    @contextmanager
    def serving(self) -> Iterator["Ami"]:
        ami = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = json.loads(self.rfile.read(length))
                status, text = ami.orders[0] if len(ami.orders) == 1 else ami.orders.pop(0)
                ami.taken.append(body | {"path": self.path, "key": self.headers["Authorization"]})
                ami.hold()
                self.send_response(status)
                if status == 307:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())
                if "Accept" in text:
                    ami.accepted.set()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def answer(result: str) -> tuple[int, str]:
    return 200, json.dumps({"result": result})
