"""The operator over HTTP: wallet and SMS centre as in operator.yaml, and the sandbox's admin."""

import threading
from pathlib import Path
from typing import Annotated

from flask import Flask, Response, request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from simulators import operator_debits, operator_refunds, operator_sms, operator_wallets
from simulators.clock import Clock
from simulators.faults import Answer, FaultBook, FaultyAnswers, json_response
from simulators.operator_debits import DebitOrder, Debits, PromptAction, PromptSettings
from simulators.operator_refunds import RefundOrder, Refunds
from simulators.operator_sms import SmsCentre, SmsOrder
from simulators.operator_wallets import Mode
from simulators.seed import Msisdn, OperatorSeed
from simulators.store import Store
from simulators.web import Party, create_base_app, mask_msisdn, note, wait_seconds

SCHEMA = (
    operator_wallets.SCHEMA + operator_debits.SCHEMA + operator_refunds.SCHEMA + operator_sms.SCHEMA
)
OPERATIONS = {
    "debit": True,
    "debit_status": True,
    "refund": True,
    "refund_status": True,
    "sms": False,
    "sms_status": False,
}
"""What a fault can be ordered for, and whether its answer carries an amount."""

_Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$")]
_key = TypeAdapter(_Key)


class WalletPut(BaseModel):
    """The body of PUT /_sandbox/wallets/{msisdn}. `mode` None follows the operator's setting."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    balance_minor: int = Field(ge=0)
    mode: Mode | None = None


def say_error(code: str, message: str) -> dict[str, object]:
    """An error as operator.yaml shapes it."""
    return {"status": "error", "code": code, "message": message}


PARTY = Party("operator", Path(__file__).with_name("operator.yaml"), "msisdn", say_error)


def create_operator(
    store: Store,
    seed: OperatorSeed,
    *,
    clock: Clock,
    stop: threading.Event,
    prompts: PromptSettings,
    api_key: str | None = None,
) -> Flask:
    """The operator as a Flask app over `store` (made with SCHEMA), which gets the wallets."""
    book = FaultBook(OPERATIONS, seed.faults())
    app, answers = create_base_app(PARTY, book, stop, api_key)
    debits = Debits(store, clock, prompts)
    refunds = Refunds(store, clock)
    centre = SmsCentre(store, clock, stop)

    def plant() -> None:
        with store.transaction() as db:
            for wallet in seed.wallets:
                operator_wallets.seed_wallet(db, wallet, clock())

    plant()
    _add_wallet_routes(app, answers, debits, refunds)
    _add_sms_routes(app, answers, centre)
    _add_prompt_routes(app, debits)
    _add_ledger_routes(app, store, debits)

    @app.get("/_sandbox/wallets/<msisdn>")
    def get_wallet(msisdn: str) -> Response:
        debits.settle_due()
        found = store.row("SELECT mode FROM wallets WHERE msisdn = ?", msisdn)
        if found is None:
            message = "This number has no wallet; PUT one here."
            return json_response(Answer(404, say_error("not_found", message)))
        with store.transaction() as db:
            held = operator_wallets.balance(db, msisdn)
        mode = found["mode"] or prompts.mode
        return json_response(
            Answer(200, {"msisdn": msisdn, "balance_minor": held, "currency": "XOF", "mode": mode})
        )

    @app.put("/_sandbox/wallets/<msisdn>")
    def put_wallet(msisdn: str) -> Response:
        TypeAdapter(Msisdn).validate_python(msisdn)
        body = WalletPut.model_validate_json(request.get_data())
        debits.settle_due()
        with store.transaction() as db:
            operator_wallets.put_wallet(db, msisdn, body.balance_minor, body.mode, clock())
        return get_wallet(msisdn)

    @app.post("/_sandbox/reset")
    def reset() -> Response:
        store.reset()
        book.reset()
        plant()
        return json_response(Answer(200, {"reset": True}))

    return app


def _add_wallet_routes(
    app: Flask, answers: FaultyAnswers, debits: Debits, refunds: Refunds
) -> None:
    @app.post("/wallet/debits")
    def debit() -> Response:
        key = _key.validate_python(request.headers.get("Idempotency-Key", ""))
        order = DebitOrder.model_validate_json(request.get_data())

        def do(surplus_minor: int) -> Answer:
            answer = debits.make(key, order, surplus_minor)
            _note_money("debit", order.msisdn, order.amount_minor, answer)
            return answer

        return answers.answer("debit", order.msisdn, do)

    @app.get("/wallet/debits/<key>")
    def debit_status(key: str) -> Response:
        return answers.answer(
            "debit_status", debits.owner(key), lambda surplus: debits.status(key, surplus)
        )

    @app.post("/wallet/refunds")
    def refund() -> Response:
        key = _key.validate_python(request.headers.get("Idempotency-Key", ""))
        order = RefundOrder.model_validate_json(request.get_data())
        owner = debits.owner(order.debit_key)

        def do(surplus_minor: int) -> Answer:
            debits.settle_due()
            answer = refunds.make(key, order, surplus_minor)
            _note_money("refund", owner or "", order.amount_minor, answer)
            return answer

        return answers.answer("refund", owner, do)

    @app.get("/wallet/refunds/<key>")
    def refund_status(key: str) -> Response:
        return answers.answer(
            "refund_status", refunds.owner(key), lambda surplus: refunds.status(key, surplus)
        )


def _add_sms_routes(app: Flask, answers: FaultyAnswers, centre: SmsCentre) -> None:
    @app.post("/sms")
    def send() -> Response:
        order = SmsOrder.model_validate_json(request.get_data())

        def do(_surplus_minor: int) -> Answer:
            answer = centre.accept(order)
            note("operator", "sms", mask_msisdn(order.to), answer.status)
            return answer

        return answers.answer("sms", order.to, do)

    @app.get("/sms/<sms_id>")
    def sms_status(sms_id: str) -> Response:
        return answers.answer("sms_status", centre.owner(sms_id), lambda _: centre.status(sms_id))

    @app.get("/_sandbox/inbox/<msisdn>")
    def inbox(msisdn: str) -> Response:
        after = request.args.get("after", 0, type=int)
        messages = centre.inbox(msisdn, after, wait_seconds())
        return json_response(Answer(200, {"messages": messages}))


def _add_prompt_routes(app: Flask, debits: Debits) -> None:
    def no_prompt() -> Response:
        message = "No prompt is open on this phone; start a debit in prompt mode first."
        return json_response(Answer(404, say_error("no_prompt", message)))

    @app.get("/_sandbox/prompts/<msisdn>")
    def get_prompt(msisdn: str) -> Response:
        prompt = debits.prompt(msisdn)
        return no_prompt() if prompt is None else json_response(Answer(200, prompt))

    @app.post("/_sandbox/prompts/<msisdn>")
    def answer_prompt(msisdn: str) -> Response:
        body = PromptAction.model_validate_json(request.get_data())
        settled = debits.answer_prompt(msisdn, body.action)
        return no_prompt() if settled is None else json_response(Answer(200, settled))


def _add_ledger_routes(app: Flask, store: Store, debits: Debits) -> None:
    select = (
        "SELECT n, kind, key, msisdn, ABS(delta_minor) AS amount_minor, at FROM entries "
        "WHERE kind IN ('debit', 'refund')"
    )

    @app.get("/_sandbox/ledger")
    def ledger() -> Response:
        debits.settle_due()
        msisdn = request.args.get("msisdn")
        if msisdn is None:
            entries = store.rows(f"{select} ORDER BY n")
        else:
            entries = store.rows(f"{select} AND msisdn = ? ORDER BY n", msisdn)
        return json_response(Answer(200, {"entries": entries}))

    @app.get("/_sandbox/statement/<day>")
    def statement(day: str) -> Response:
        debits.settle_due()
        entries = store.rows(f"{select} AND substr(at, 1, 10) = ? ORDER BY n", day)
        totals = {
            kind: sum(entry["amount_minor"] for entry in entries if entry["kind"] == kind)
            for kind in ("debit", "refund")
        }
        return json_response(
            Answer(
                200,
                {
                    "day": day,
                    "currency": "XOF",
                    "debits_minor": totals["debit"],
                    "refunds_minor": totals["refund"],
                    "entries": entries,
                },
            )
        )


def _note_money(what: str, msisdn: str, amount_minor: int, answer: Answer) -> None:
    body = answer.body if isinstance(answer.body, dict) else {}
    outcome = body.get("reason") or body.get("code") or body.get("status")
    note("operator", what, mask_msisdn(msisdn), f"{amount_minor} F", outcome)
