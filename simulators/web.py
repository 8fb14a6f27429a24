"""What the three Flask simulators have in common: auth, errors, their contract, the fault desk."""

import hmac
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from flask import Flask, Response, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from simulators.faults import (
    Answer,
    FaultBook,
    FaultRefusedError,
    FaultyAnswers,
    as_order,
    json_response,
)

LONG_POLL_SECONDS_MAX = 60.0
"""A long poll answers after this at the latest, in seconds."""

_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed"}


@dataclass(frozen=True, slots=True)
class Party:
    """How one simulator speaks.

    `name` is its name on the command line and in its log, `contract` its OpenAPI file,
    `subject_name` what its faults are armed for ("msisdn", "serial"), `say_error` its error body
    for a code and a message.
    """

    name: str
    contract: Path
    subject_name: str
    say_error: Callable[[str, str], dict[str, object]]


def create_base_app(
    party: Party, book: FaultBook, stop: threading.Event, api_key: str | None
) -> tuple[Flask, FaultyAnswers]:
    """A Flask app with the contract at /openapi.json and the fault desk at /_sandbox/faults.

    With an `api_key`, every business call must present it as a bearer token (401 otherwise);
    /_sandbox and the contract stay open.
    """
    app = Flask(f"simulators.{party.name}")
    _guard(app, party, api_key)
    _explain_errors(app, party)

    @app.get("/openapi.json")
    def openapi() -> Response:
        return json_response(Answer(200, _read_contract(party.contract)))

    @app.get("/_sandbox/faults")
    def list_faults() -> Response:
        return json_response(Answer(200, {"faults": book.listing(party.subject_name)}))

    @app.post("/_sandbox/faults")
    def arm_fault() -> Response:
        number = book.arm(as_order(json_object(), party.subject_name))
        return json_response(Answer(201, {"number": number}))

    @app.delete("/_sandbox/faults")
    def clear_faults() -> Response:
        book.clear()
        return json_response(Answer(200, {"cleared": True}))

    return app, FaultyAnswers(book, stop, party.say_error)


@cache
def _read_contract(path: Path) -> object:
    return yaml.safe_load(path.read_text("utf-8"))


def _guard(app: Flask, party: Party, api_key: str | None) -> None:
    if api_key is None:
        return
    expected = f"Bearer {api_key}".encode()

    @app.before_request
    def require_key() -> Response | None:
        if request.path.startswith("/_sandbox/") or request.path == "/openapi.json":
            return None
        if hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected):
            return None
        message = "The bearer token is missing or wrong; send the key this simulator was given."
        return json_response(Answer(401, party.say_error("unauthorised", message)))


def _explain_errors(app: Flask, party: Party) -> None:
    @app.errorhandler(ValidationError)
    def malformed(error: ValidationError) -> Response:
        # Never pydantic's own text: it quotes the input, which may be a token.
        fields = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'body'}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        )
        return json_response(Answer(422, party.say_error("bad_request", f"Malformed: {fields}.")))

    @app.errorhandler(FaultRefusedError)
    def refused(error: FaultRefusedError) -> Response:
        return json_response(Answer(422, party.say_error("bad_request", f"{error}.")))

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        code = _CODES.get(status, "internal")
        message = f"{error.name}: {request.method} on this path is not in /openapi.json."
        return json_response(Answer(status, party.say_error(code, message)))


def json_object() -> dict[str, Any]:
    """The request's body as a JSON object; anything else reads as an empty one."""
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}


def wait_seconds() -> float:
    """The query's `wait_seconds`, at most `LONG_POLL_SECONDS_MAX`; 0 when absent or malformed."""
    asked = request.args.get("wait_seconds", 0.0, type=float)
    return min(max(asked, 0.0), LONG_POLL_SECONDS_MAX)


def note(party: str, *words: object) -> None:
    """One short line on standard output for a notable event. Never a full MSISDN or token."""
    sys.stdout.write(f"{party}: {' '.join(map(str, words))}\n")
    sys.stdout.flush()


def mask_msisdn(msisdn: str) -> str:
    """`+22670999000` as `+226*****000`."""
    return f"{msisdn[:4]}*****{msisdn[-3:]}"
