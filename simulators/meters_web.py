"""The meters over HTTP, as in meters.yaml: the network's side, the keypad's side, the admin's."""

import threading
from pathlib import Path

from flask import Flask, Response, request
from pydantic import BaseModel, ConfigDict
from pydantic import Field as BodyField

from simulators import meters_field
from simulators.clock import Clock
from simulators.faults import Answer, FaultBook, json_response
from simulators.meter import Via
from simulators.meters_field import Field
from simulators.seed import Device, MetersSeed
from simulators.store import Store
from simulators.web import Party, create_base_app, json_object, note, wait_seconds

SCHEMA = meters_field.SCHEMA
OPERATIONS = {"meter": False, "token": False, "log": False}
"""What a fault can be ordered for; no answer carries an amount of money."""


class TokenEntry(BaseModel):
    """The body of POST /meters/{serial}/tokens. A malformed token is the meter's to refuse."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    token: str = BodyField(max_length=64)
    via: Via


def say_error(code: str, message: str) -> dict[str, object]:
    """An error as meters.yaml shapes it."""
    return {"code": code, "message": message}


PARTY = Party("meters", Path(__file__).with_name("meters.yaml"), "serial", say_error)


def create_meters(
    store: Store,
    seed: MetersSeed,
    *,
    clock: Clock,
    stop: threading.Event,
    api_key: str | None = None,
) -> Flask:
    """The meters as a Flask app over `store` (made with SCHEMA), which gets the seed's meters."""
    book = FaultBook(OPERATIONS)
    app, answers = create_base_app(PARTY, book, stop, api_key)
    field = Field(store, seed, clock, stop)

    @app.get("/meters/<serial>")
    def meter(serial: str) -> Response:
        return answers.answer("meter", serial, lambda _: field.get(serial))

    @app.post("/meters/<serial>/tokens")
    def enter(serial: str) -> Response:
        entry = TokenEntry.model_validate_json(request.get_data())

        def do(_surplus_minor: int) -> Answer:
            answer = field.enter(serial, entry.token, entry.via)
            body = answer.body if isinstance(answer.body, dict) else {}
            note("meters", "token", entry.via, serial, body.get("result") or body.get("code"))
            return answer

        return answers.answer("token", serial, do)

    @app.get("/meters/<serial>/log")
    def log(serial: str) -> Response:
        after = request.args.get("after", 0, type=int)
        seconds = wait_seconds()
        return answers.answer("log", serial, lambda _: field.log(serial, after, seconds))

    @app.put("/_sandbox/meters/<serial>")
    def put_meter(serial: str) -> Response:
        return json_response(field.put(_device(serial)))

    @app.post("/_sandbox/reset")
    def reset() -> Response:
        store.reset()
        book.reset()
        field.plant()
        return json_response(Answer(200, {"reset": True}))

    return app


def _device(serial: str) -> Device:
    """The device of the request's body, as in a seed file."""
    return Device.model_validate({**json_object(), "serial": serial})
