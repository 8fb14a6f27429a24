"""The platform over HTTP, as in platform_client/openapi.yaml, and the sandbox's admin."""

import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path

from flask import Flask, Response, request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from simulators import platform_quotes, platform_sales
from simulators.clock import Clock
from simulators.faults import Answer, FaultBook, FaultyAnswers, json_response
from simulators.platform_quotes import QuoteOrder, Quotes
from simulators.platform_sales import SaleOrder, Sales, TokenOrder
from simulators.seed import CustomerMeter, PlatformSeed
from simulators.store import Store
from simulators.web import Party, create_base_app, json_object, note

SCHEMA = platform_quotes.SCHEMA + platform_sales.SCHEMA
OPERATIONS = {
    "meter": False,
    "tariff": False,
    "quote": True,
    "quote_status": False,
    "sale": True,
    "sale_status": True,
    "token": False,
    "void": False,
}
"""What a fault can be ordered for, and whether its answer carries an amount."""

CONTRACT = Path(__file__).parents[1] / "platform_client" / "openapi.yaml"
"""The contract is the client's to keep; this simulator only reads it, as data."""


def say_error(code: str, message: str) -> dict[str, object]:
    """An error as the contract shapes it."""
    return {"code": code, "message": message}


PARTY = Party("platform", CONTRACT, "serial", say_error)


class QuoteHold(BaseModel):
    """The body of PUT /_sandbox/quotes: how long new quotes hold, in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seconds: float = Field(ge=0, le=86_400)


def create_platform(
    store: Store,
    seed: PlatformSeed,
    *,
    clock: Clock,
    stop: threading.Event,
    quote_seconds: float,
    new_id: Callable[[], str],
    api_key: str | None = None,
) -> Flask:
    """The platform as a Flask app over `store` (made with SCHEMA), which gets the seed's meters.

    A quote holds for `quote_seconds`; `new_id` makes the ids of quotes.
    """
    book = FaultBook(OPERATIONS)
    app, answers = create_base_app(PARTY, book, stop, api_key)
    quotes = Quotes(store, seed, clock, quote_seconds, new_id)
    sales = Sales(store, quotes, clock)
    _add_quote_routes(app, answers, quotes)
    _add_sale_routes(app, answers, sales)

    @app.put("/_sandbox/meters/<serial>")
    def put_meter(serial: str) -> Response:
        meter = CustomerMeter.model_validate({**json_object(), "serial": serial})
        return json_response(quotes.put_meter(meter))

    @app.put("/_sandbox/quotes")
    def hold_quotes() -> Response:
        order = QuoteHold.model_validate(json_object())
        quotes.hold_for(order.seconds)
        return json_response(Answer(200, {"seconds": order.seconds}))

    @app.post("/_sandbox/reset")
    def reset() -> Response:
        store.reset()
        book.reset()
        quotes.plant()
        return json_response(Answer(200, {"reset": True}))

    return app


def _add_quote_routes(app: Flask, answers: FaultyAnswers, quotes: Quotes) -> None:
    @app.get("/meters/<serial>")
    def meter(serial: str) -> Response:
        return answers.answer("meter", serial, lambda _: quotes.meter(serial))

    @app.get("/tariffs/<tariff_id>")
    def tariff(tariff_id: str) -> Response:
        return answers.answer("tariff", None, lambda _: quotes.tariff(tariff_id))

    @app.post("/quotes")
    def make_quote() -> Response:
        order = QuoteOrder.model_validate_json(request.get_data())

        def do(surplus_minor: int) -> Answer:
            answer = quotes.make(order, surplus_minor)
            _note("quote", order.serial, answer)
            return answer

        return answers.answer("quote", order.serial, do)

    @app.get("/quotes/<quote_id>")
    def quote(quote_id: str) -> Response:
        found = quotes.find(quote_id)
        serial = found["serial"] if found else None
        return answers.answer("quote_status", serial, lambda _: quotes.quote(quote_id))


def _add_sale_routes(app: Flask, answers: FaultyAnswers, sales: Sales) -> None:
    @app.put("/sales/<purchase_id>")
    def put_sale(purchase_id: str) -> Response:
        order = SaleOrder.model_validate_json(request.get_data())

        def do(surplus_minor: int) -> Answer:
            answer = sales.put(purchase_id, order, surplus_minor)
            _note("sale", order.serial, answer)
            return answer

        return answers.answer("sale", order.serial, do)

    @app.get("/sales/<purchase_id>")
    def get_sale(purchase_id: str) -> Response:
        return answers.answer(
            "sale_status",
            sales.serial(purchase_id),
            lambda surplus: sales.get(purchase_id, surplus),
        )

    @app.get("/sales")
    def sales_of_day() -> Response:
        day = TypeAdapter(date).validate_python(request.args.get("day"))
        return answers.answer("sale_status", None, lambda _: sales.of_day(day))

    @app.put("/sales/<purchase_id>/token")
    def put_token(purchase_id: str) -> Response:
        order = TokenOrder.model_validate_json(request.get_data())
        return answers.answer(
            "token", sales.serial(purchase_id), lambda _: sales.put_token(purchase_id, order)
        )

    @app.post("/sales/<purchase_id>/void")
    def void(purchase_id: str) -> Response:
        # Read before any fault: silence watches the socket for what comes after the body.
        request.get_data()
        return answers.answer("void", sales.serial(purchase_id), lambda _: sales.void(purchase_id))


def _note(what: str, serial: str, answer: Answer) -> None:
    body = answer.body if isinstance(answer.body, dict) else {}
    note("platform", what, serial, body.get("code") or answer.status)
