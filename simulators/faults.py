"""Faults to order: which request goes wrong, how, and how many times.

A fault is armed for one operation and one subject (a number, a serial, or `*`). Whether the thing
asked for is *done* before the answer is lost is the whole point, so each kind says it.
"""

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NoReturn

from flask import Response, json, request
from pydantic import BaseModel, ConfigDict, Field

from simulators.wire import keep_silent, reset_on_close

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ANYONE = "*"
"""The subject that every request matches."""

SURPLUS_MINOR = 50
"""What `wrong_amount` adds to the amount, in XOF minor units (one is one franc)."""

TRICKLE_SECONDS = 0.5
"""Between two bytes of a trickled answer, in seconds, unless the fault says another number."""


_FAILED = "Failed to order; ask what became of it."
"""Before and after doing alike: a client must not be able to tell the two apart."""


class Kind(StrEnum):
    """What goes wrong."""

    REFUSE = "refuse"
    """503 at once, nothing done."""
    HANG = "hang"
    """No answer, nothing done, until the client gives up."""
    HANG_AFTER = "hang_after"
    """Done; no answer until the client gives up."""
    RESET_BEFORE = "reset_before"
    """TCP RST, nothing done."""
    RESET_AFTER = "reset_after"
    """Done, then TCP RST."""
    ERROR_BEFORE = "error_before"
    """500, nothing done."""
    ERROR_AFTER = "error_after"
    """Done, answered with 500."""
    HTML = "html"
    """Done, answered with status 200 and a page of HTML, as a proxy on the way may."""
    TRUNCATE = "truncate"
    """Done; the JSON body is cut in half."""
    TRICKLE = "trickle"
    """Done; one byte every `seconds`, so that no single read ever times out."""
    SLOW = "slow"
    """Done at once, answered after `seconds`."""
    UNKNOWN_STATUS = "unknown_status"
    """200 with a status word that no document knows; nothing done."""
    WRONG_AMOUNT = "wrong_amount"
    """Done with, and answered with, an amount that is `SURPLUS_MINOR` too high."""
    UNAUTHORISED = "unauthorised"
    """401, nothing done."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and the JSON body that goes with it."""

    status: int
    body: object


class FaultOrder(BaseModel):
    """A fault as ordered over HTTP or in a seed file.

    `times` None means for ever. `seconds` is read by `slow` and `trickle` only.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: str = ANYONE
    operation: str
    fault: Kind
    times: int | None = Field(default=1, ge=1)
    seconds: float | None = Field(default=None, ge=0, le=600)


class FaultRefusedError(ValueError):
    """The fault makes no sense for that operation; the text says which operations there are."""


@dataclass(slots=True)
class _Armed:
    number: int
    order: FaultOrder
    seeded: bool
    left: int | None
    hits: int = 0

    def matches(self, operation: str, subject: str | None) -> bool:
        return (
            self.left != 0
            and self.order.operation == operation
            and self.order.subject in {ANYONE, subject}
        )


@dataclass(slots=True)
class FaultBook:
    """The faults armed in one simulator. Safe from many threads.

    `operations` maps each operation to whether its answer carries an amount (only then can
    `wrong_amount` be ordered). `seeded` faults are the behaviour of the magic numbers: `clear`
    leaves them, `reset` arms them anew.
    """

    operations: dict[str, bool]
    seeded: tuple[FaultOrder, ...] = ()
    _armed: list[_Armed] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.reset()

    def arm(self, order: FaultOrder) -> int:
        """Arm a fault and return its number. Raises FaultRefusedError."""
        self._check(order)
        with self._lock:
            armed = _Armed(next(self._numbers), order, seeded=False, left=order.times)
            # What a person orders goes before what the seed says of a magic number.
            position = sum(not other.seeded for other in self._armed)
            self._armed.insert(position, armed)
            return armed.number

    def take(self, operation: str, subject: str | None) -> FaultOrder | None:
        """The first armed fault that matches, counted down; None when the request goes well."""
        with self._lock:
            for armed in self._armed:
                if armed.matches(operation, subject):
                    armed.hits += 1
                    if armed.left is not None:
                        armed.left -= 1
                    return armed.order
        return None

    def listing(self, subject_name: str) -> list[dict[str, object]]:
        """Every fault with how often it struck (`hits`) and will strike (`left`)."""
        with self._lock:
            return [
                {
                    "number": armed.number,
                    subject_name: armed.order.subject,
                    "operation": armed.order.operation,
                    "fault": armed.order.fault.value,
                    "seconds": armed.order.seconds,
                    "left": armed.left,
                    "hits": armed.hits,
                    "seeded": armed.seeded,
                }
                for armed in self._armed
            ]

    def clear(self) -> None:
        """Disarm all that was ordered; the magic numbers keep their behaviour."""
        with self._lock:
            self._armed = [armed for armed in self._armed if armed.seeded]

    def reset(self) -> None:
        """Back to the seed, with every count at its beginning."""
        for order in self.seeded:
            self._check(order)
        with self._lock:
            self._armed = [
                _Armed(next(self._numbers), order, seeded=True, left=order.times)
                for order in self.seeded
            ]

    def _check(self, order: FaultOrder) -> None:
        if order.operation not in self.operations:
            known = ", ".join(sorted(self.operations))
            raise FaultRefusedError(
                f'unknown operation "{order.operation}"; expected one of {known}'
            )
        if order.fault is Kind.WRONG_AMOUNT and not self.operations[order.operation]:
            raise FaultRefusedError(
                f'"{order.operation}" answers no amount; order wrong_amount on another operation'
            )


@dataclass(frozen=True, slots=True)
class FaultyAnswers:
    """Does what a request asks for and answers it, as well or as badly as the book says.

    `stop` ends every silence at once when the server goes down. `say_error` shapes an error
    (code, message) as this party's contract does.
    """

    book: FaultBook
    stop: threading.Event
    say_error: Callable[[str, str], dict[str, object]]

    def answer(self, operation: str, subject: str | None, do: Callable[[int], Answer]) -> Response:
        """Run `do(surplus_minor)` unless a fault forbids it; answer as the fault says.

        Must be called within a Flask request whose body has been read: silence watches the
        socket for the client's leaving.
        """
        fault = self.book.take(operation, subject)
        if fault is None:
            return json_response(do(0))
        return self._before(fault) or self._after(fault, do)

    def _before(self, fault: FaultOrder) -> Response | None:
        match fault.fault:
            case Kind.REFUSE:
                return self._error(503, "unavailable", "Refused to order; try again later.")
            case Kind.UNAUTHORISED:
                return self._error(401, "unauthorised", "Refused to order; present a token again.")
            case Kind.ERROR_BEFORE:
                return self._error(500, "internal", _FAILED)
            case Kind.RESET_BEFORE:
                return _Dropped(reset=True)
            case Kind.HANG:
                self._keep_silent()
                return _Dropped(reset=False)
            case Kind.UNKNOWN_STATUS:
                return json_response(Answer(200, {"status": "escrowed"}))
            case _:
                return None

    def _after(self, fault: FaultOrder, do: Callable[[int], Answer]) -> Response:
        answer = do(SURPLUS_MINOR if fault.fault is Kind.WRONG_AMOUNT else 0)
        match fault.fault:
            case Kind.HANG_AFTER:
                self._keep_silent()
                return _Dropped(reset=False)
            case Kind.RESET_AFTER:
                return _Dropped(reset=True)
            case Kind.ERROR_AFTER:
                return self._error(500, "internal", _FAILED)
            case Kind.HTML:
                return Response(
                    "<html><body><h1>Service momentanement indisponible</h1></body></html>",
                    content_type="text/html; charset=utf-8",
                )
            case Kind.TRUNCATE:
                body = json.dumps(answer.body).encode()
                return _promised(answer.status, len(body), [body[: len(body) // 2]])
            case Kind.TRICKLE:
                body = json.dumps(answer.body).encode()
                gap = TRICKLE_SECONDS if fault.seconds is None else fault.seconds
                return _promised(answer.status, len(body), self._byte_by_byte(body, gap))
            case Kind.SLOW:
                self.stop.wait(fault.seconds or 0)
        return json_response(answer)

    def _keep_silent(self) -> None:
        keep_silent(request.environ["werkzeug.socket"], self.stop)

    def _byte_by_byte(self, body: bytes, gap_seconds: float) -> Iterator[bytes]:
        for value in body:
            yield bytes([value])
            if self.stop.wait(gap_seconds):
                raise ConnectionAbortedError("the simulator is going down")

    def _error(self, status: int, code: str, message: str) -> Response:
        return json_response(Answer(status, self.say_error(code, message)))


class _Dropped(Response):
    """The connection ends without an answer."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self._reset = reset

    def __call__(self, environ: "WSGIEnvironment", _start: "StartResponse") -> NoReturn:
        if self._reset:
            reset_on_close(environ["werkzeug.socket"])
        # werkzeug takes a ConnectionError for a client that left, and closes quietly.
        raise ConnectionAbortedError("dropped to order")


def json_response(answer: Answer) -> Response:
    """`answer` as an HTTP response."""
    return Response(json.dumps(answer.body), status=answer.status, content_type="application/json")


def _promised(status: int, octets: int, body: Iterable[bytes]) -> Response:
    """A JSON response whose Content-Length says `octets`, whatever `body` holds."""
    response = Response(body, status=status, content_type="application/json")
    response.headers["Content-Length"] = str(octets)
    return response


def as_order(body: dict[str, Any], subject_name: str) -> FaultOrder:
    """A fault as this simulator's admin names it: the subject under its own name.

    Raises pydantic's ValidationError.
    """
    named = dict(body)
    if subject_name in named:
        named["subject"] = named.pop(subject_name)
    return FaultOrder.model_validate(named)
