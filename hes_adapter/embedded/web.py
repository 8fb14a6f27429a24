"""The wire of the service: HTTP in, HTTP out, as openapi.yaml says. The only Flask code here."""

import hmac
import re
from collections.abc import Callable
from datetime import date, datetime
from importlib.resources import files
from typing import Any, Final

import yaml
from flask import Flask, Response, jsonify, request
from sqlalchemy import text
from werkzeug.exceptions import HTTPException

from hes_adapter.embedded.refusals import BadRequestError, Refusal
from hes_adapter.embedded.registry import find_key, need_meter, put_meter
from hes_adapter.embedded.service import Service, random_nibble, utc_now
from hes_adapter.embedded.settings import Settings
from hes_adapter.embedded.tables import reading
from hes_adapter.embedded.vending import PAGE_MAX, Vend, in_transaction

EXTENSION: Final = "cassou_hes"
"""Where the app keeps its Service in `app.extensions`, for whoever has to close it."""

_BODY_MAX_OCTETS: Final = 4096
_OPEN_ENDPOINTS: Final = frozenset({"health", "contract"})
_VEND_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def create_app(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = utc_now,
    rnd: Callable[[], int] = random_nibble,
) -> Flask:
    """Open the store, start the courier where there is an AMI, and give the WSGI app.

    `clock` gives the aware current time, `rnd` a number from 0 to 15. Close the app's service with
    `app.extensions[EXTENSION].close()`. Raises what Service.open raises.
    """
    service = Service.open(settings, clock=clock, rnd=rnd)
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _BODY_MAX_OCTETS
    app.extensions[EXTENSION] = service
    _guard(app, settings.api_key)
    _vend_routes(app, service)
    _meter_routes(app, service)
    _open_routes(app, service)
    if service.courier is not None:
        service.courier.start()
    return app


def _guard(app: Flask, api_key: str) -> None:
    expected = f"Bearer {api_key}".encode()

    @app.before_request
    def authenticate() -> tuple[Response, int, dict[str, str]] | None:
        if request.endpoint in _OPEN_ENDPOINTS:
            return None
        given = request.headers.get("Authorization", "").encode()
        if hmac.compare_digest(given, expected):
            return None
        message = "Present the API key of this service as `Authorization: Bearer …`."
        return _error("unauthorized", message), 401, {"WWW-Authenticate": "Bearer"}

    @app.after_request
    def forbid_storing(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.errorhandler(Refusal)
    def refuse(refusal: Refusal) -> tuple[Response, int]:
        return _error(refusal.code, str(refusal)), refusal.status

    @app.errorhandler(HTTPException)
    def explain(error: HTTPException) -> tuple[Response, int]:
        # The description of an unexpected error is Werkzeug's, so nothing inner leaks through it.
        name = (error.name or "error").lower().replace(" ", "_")
        return _error(name, error.description or error.name), error.code or 500


def _vend_routes(app: Flask, service: Service) -> None:
    @app.put("/vends/<vend_id>")
    def put_vend(vend_id: str) -> tuple[Response, int]:
        if not _VEND_ID.fullmatch(vend_id):
            raise BadRequestError(
                "A vend id has 1 to 64 letters, digits and _ . : -, the first a letter or digit."
            )
        body = _body({"serial": str, "kwh_tenths": int}, {})
        vend, is_new = service.vending.vend(vend_id, body["serial"], body["kwh_tenths"])
        if is_new and service.courier is not None:
            service.courier.ring()
        return jsonify(_shown(vend)), 201 if is_new else 200

    @app.get("/vends/<vend_id>")
    def get_vend(vend_id: str) -> Response:
        return jsonify(_shown(service.vending.find(vend_id)))

    @app.get("/vends")
    def list_vends() -> Response:
        given = request.args.get("day", "")
        try:
            day = date.fromisoformat(given) if _DAY.fullmatch(given) else None
        except ValueError:
            day = None
        if day is None:
            raise BadRequestError("Name a day as ?day=YYYY-MM-DD (UTC).")
        page = service.vending.of_day(day, after=request.args.get("after"))
        more = page[-1].vend_id if len(page) == PAGE_MAX else None
        listed = [_listed(vend) for vend in page]
        return jsonify({"day": day.isoformat(), "vends": listed, "next": more})


def _meter_routes(app: Flask, service: Service) -> None:
    def shown(serial: str) -> dict[str, Any]:
        with reading(service.engine).begin() as connection:
            meter = need_meter(connection, serial, lock=False)
            key = find_key(connection, service.vault, meter.sgc, meter.krn)
        if key is None:
            raise AssertionError("A foreign key holds every meter to a stored vending key.")
        return {
            "serial": meter.serial,
            "sgc": meter.sgc,
            "krn": meter.krn,
            "ti": meter.ti,
            "blocked": meter.blocked,
            "key": {
                "kt": key.kt,
                "ea": key.ea,
                "dkga": key.dkga,
                "base_date": int(key.base_date),
                "ken": key.ken,
                "test": key.test,
                "check_value": key.check_value,
            },
        }

    @app.get("/meters/<serial>")
    def get_meter(serial: str) -> Response:
        return jsonify(shown(serial))

    @app.put("/meters/<serial>")
    def put_meter_config(serial: str) -> tuple[Response, int]:
        body = _body({"sgc": str, "krn": int, "ti": str}, {"blocked": bool})
        is_new = in_transaction(
            service.engine,
            lambda connection: put_meter(
                connection,
                service.vault,
                serial=serial,
                sgc=body["sgc"],
                krn=body["krn"],
                ti=body["ti"],
                blocked=body.get("blocked"),
            ),
        )
        return jsonify(shown(serial)), 201 if is_new else 200


def _open_routes(app: Flask, service: Service) -> None:
    described = yaml.safe_load(files(__package__).joinpath("openapi.yaml").read_text("utf-8"))

    @app.get("/health")
    def health() -> Response:
        with reading(service.engine).begin() as connection:
            connection.execute(text("SELECT 1"))
        return jsonify({"status": "ok"})

    @app.get("/openapi.json")
    def contract() -> Response:
        return jsonify(described)


def _body(required: dict[str, type], optional: dict[str, type]) -> dict[str, Any]:
    """Give the JSON object of the request, its fields checked by name and exact type.

    Raises BadRequestError.
    """
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise BadRequestError("Send a JSON object with Content-Type: application/json.")
    known = required | optional
    for name, value in body.items():
        if name not in known:
            raise BadRequestError(
                f"Unknown field {name[:40]!r}; openapi.yaml lists the known ones."
            )
        # Exactly the type: in Python a boolean passes for an integer.
        if type(value) is not known[name]:
            raise BadRequestError(f"The field {name!r} is of the wrong type; see openapi.yaml.")
    for name in required:
        if name not in body:
            raise BadRequestError(f"The field {name!r} is missing.")
    return body


def _error(code: str, message: str) -> Response:
    return jsonify({"code": code, "message": message})


def _shown(vend: Vend) -> dict[str, Any]:
    return _common(vend) | {"token": vend.token.digits}


def _listed(vend: Vend) -> dict[str, Any]:
    return _common(vend) | {"token_last4": vend.token.last4}


def _common(vend: Vend) -> dict[str, Any]:
    return {
        "vend_id": vend.vend_id,
        "serial": vend.serial,
        "kwh_tenths": vend.kwh_tenths,
        "tid": vend.tid,
        "issued_at": vend.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "delivery": vend.delivery,
        "delivery_result": vend.delivery_result,
    }
