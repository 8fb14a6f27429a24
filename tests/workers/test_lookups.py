"""The look-ups against the catalogue they serve: outcomes, fields, types and lengths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import RateLimitItem
from redis.exceptions import RedisError

from ledger.model import Purchase, Resolution, State
from ledger.store import Ledger, open_engine
from outward.results import Declined, Misconfigured, NotFound, NotSent, Reason, Result, Unknown
from outward.results import Success as Done
from platform_client.client import Meter, Quote, Tariff, Tranche
from tests.workers.saga_world import MENUS, SETTINGS, WINDOWS, new_purchase
from ussd_app.effects import FAILED, Call, CallResult
from ussd_app.flow.catalogue import parse_catalogue
from ussd_app.flow.model import Shape, Type
from ussd_app.flow.values import fits
from ussd_app.render.texts import Messages
from ussd_app.sealing import Sealer
from workers import frontdesk, lookups
from workers.application import FILTERS
from workers.guesses import Guesses
from workers.lookups import BACKENDS, CODES_MAX, LEDGER_BACKENDS, kwh_tenths, kwh_text
from workers.office import Office

CATALOGUE = parse_catalogue(
    (MENUS / "catalogue.yaml").read_text("utf-8"), "catalogue.yaml"
).backends
MSISDN = "+22670123456"
METER = Meter(
    serial="0417135790000",
    customer="Abdoulaye Ouedraogo Sawadogo",
    status="active",
    tariff_id="domestic",
)
QUOTE = Quote(
    id="6f9619ff-8b86-d011-b42d-00cf4fc964ff",
    serial="0417135790000",
    kwh_tenths=16383,
    total_minor=2_000_000,
    currency="XOF",
    valid_until="2026-11-22T12:00:00.000000+00:00",
)
TRANCHES = [
    Tranche(from_kwh_tenths=low, to_kwh_tenths=high, price_minor_per_kwh=10_000)
    for low, high in ((0, 500), (500, 10_000), (10_000, 16_380), (16_380, None))
]
TARIFF = Tariff(
    id="domestic",
    name="Tarif domestique (exemple) 2026",
    label_example=True,
    currency="XOF",
    tranches=TRANCHES,
    fixed_charge_minor=0,
    vat_percent_hundredths=1800,
    minimum_kwh_tenths=5,
    maximum_kwh_tenths=5000,
    rounding_step_minor=5,
)
#: What is an outcome of no look-up.
FAILURES: list[Result[Any]] = [
    NotSent("refused"),
    Unknown("no answer"),
    NotFound(),
    Misconfigured("401"),
]


#: (back-end, the platform's answer, the outcome) of every outcome that needs no row of the ledger.
CASES: list[tuple[str, Result[Any], str]] = [
    ("meters.find", Done(METER), "found"),
    ("meters.find", Declined(Reason.UNKNOWN_METER), "unknown"),
    ("meters.find", Declined(Reason.METER_BLOCKED), "blocked"),
    ("tariffs.quote", Done(QUOTE), "ok"),
    ("tariffs.quote", Declined(Reason.BELOW_MINIMUM, limit=16_383), "below_minimum"),
    ("tariffs.quote", Declined(Reason.ABOVE_MAXIMUM, limit=5), "above_maximum"),
    ("tariffs.quote", Declined(Reason.ABOVE_MAXIMUM), "refused"),
    ("tariffs.quote", Declined(Reason.METER_BLOCKED), "refused"),
    ("tariffs.show", Done(TARIFF), "ok"),
]


@dataclass
class Platform:
    """Answers every question with the one result."""

    result: Result[Any]

    def meter(self, serial: str, _deadline: float) -> Result[Any]:
        return self.result

    def quote(self, serial: str, _kwh_tenths: int, _deadline: float) -> Result[Any]:
        return self.result

    def tariff(self, tariff_id: str, _deadline: float) -> Result[Any]:
        return self.result


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    ledger = Ledger(engine, Sealer(bytes(32)))
    ledger.create()
    yield ledger
    engine.dispose()


def _asked(
    ledger: Ledger, backend: str, result: Result[Any], arguments: Mapping[str, str] | None = None
) -> CallResult:
    given = {"serial": "0417135790000", "kwh": "1638.3"} if arguments is None else arguments
    call = Call("c-1", backend, given, 3.0, msisdn=MSISDN, language="fr")
    return lookups.run(_office(ledger, result), call)


def _office(ledger: Ledger, result: Result[Any]) -> Office:
    return Office(
        SETTINGS,
        ledger,
        doorbell=cast("Any", None),
        wallet=cast("Any", None),
        sms=cast("Any", None),
        platform=cast("Any", Platform(result)),
        hes=cast("Any", None),
        messages=Messages.load(MENUS / "sms.yaml", FILTERS),
        windows=WINDOWS,
        clock=lambda: 0.0,
    )


def _fits(declared: Mapping[str, Shape], given: Mapping[str, object]) -> bool:
    """Whether `given` has exactly the declared fields, each of its type and within its length."""
    return set(declared) == set(given) and all(
        _value_fits(field, given[name]) for name, field in declared.items()
    )


def _value_fits(shape: Shape, value: object) -> bool:
    if shape.type is Type.ROWS and not value:
        return False
    kind = {Type.INTEGER: int, Type.ROWS: tuple}.get(shape.type, str)
    return isinstance(value, kind) and fits(shape, value)


def _vended(number: int) -> Purchase:
    return replace(
        new_purchase(),
        id=f"p-{number}",
        receipt=frontdesk.receipt_of(f"p-{number}"),
        msisdn=MSISDN,
        serial="0417135790000",
        kwh_tenths=16_383,
        state=State.COMPLETED,
        resolution=Resolution.VEND,
        token="01234567890123456789",
        created_at=new_purchase().created_at + number,
    )


def test_the_catalogue_and_what_is_served_are_the_same() -> None:
    assert set(CATALOGUE) == {*BACKENDS, *LEDGER_BACKENDS, "purchase.start"} == frontdesk.SERVED
    assert [name for name, backend in CATALOGUE.items() if backend.once] == ["purchase.start"]


@pytest.mark.parametrize(("backend", "result", "outcome"), CASES)
def test_an_outcome_has_exactly_its_fields(
    ledger: Ledger, backend: str, result: Result[Any], outcome: str
) -> None:
    found = _asked(ledger, backend, result)

    assert (found.call_id, found.outcome) == ("c-1", outcome)
    assert _fits(CATALOGUE[backend].outcomes[outcome].fields, found.fields)


def test_an_open_purchase_is_told_with_exactly_its_fields(ledger: Ledger) -> None:
    ledger.insert(replace(_vended(1), state=State.VENDING, resolution=Resolution.NONE))

    found = LEDGER_BACKENDS["purchases.open"](ledger, _question("purchases.open"))

    assert found.fields == {
        "receipt": frontdesk.receipt_of("p-1"),
        "kwh": "1638.3",
        "serial": "0417135790000",
    }
    assert _fits(CATALOGUE["purchases.open"].outcomes["open"].fields, found.fields)


def test_the_last_codes_are_no_more_than_a_list_holds(ledger: Ledger) -> None:
    for number in range(CODES_MAX + 2):
        ledger.insert(_vended(number))

    found = LEDGER_BACKENDS["purchases.recent"](ledger, _question("purchases.recent"))

    assert found.outcome == "found"
    assert len(cast("tuple[object, ...]", found.fields["codes"])) == CODES_MAX
    assert _fits(CATALOGUE["purchases.recent"].outcomes["found"].fields, found.fields)


@pytest.mark.parametrize("backend", ["meters.find", "tariffs.quote", "tariffs.show"])
@pytest.mark.parametrize("result", FAILURES, ids=lambda each: type(each).__name__)
def test_whatever_is_no_outcome_is_failed(
    ledger: Ledger, backend: str, result: Result[Any]
) -> None:
    assert _asked(ledger, backend, result) == CallResult("c-1", FAILED)


def test_a_price_in_another_currency_is_no_price(ledger: Ledger) -> None:
    euros = QUOTE.model_copy(update={"currency": "EUR"})

    assert _asked(ledger, "tariffs.quote", Done(euros)) == CallResult("c-1", FAILED)


def test_every_declared_outcome_of_a_look_up_can_come() -> None:
    """The table above names each outcome; a new one of the catalogue needs its row."""
    declared = {
        (name, outcome)
        for name, backend in CATALOGUE.items()
        for outcome in backend.outcomes
        if name in BACKENDS
    }

    assert {(case[0], case[2]) for case in CASES} == declared


def _question(backend: str) -> Call:
    return Call("c-1", backend, {}, 1.0, msisdn=MSISDN, language="fr")


@pytest.mark.parametrize("backend", list(LEDGER_BACKENDS))
def test_a_number_without_purchases_is_told_so(ledger: Ledger, backend: str) -> None:
    assert LEDGER_BACKENDS[backend](ledger, _question(backend)) == CallResult("c-1", "none")


@given(st.integers(min_value=0, max_value=10**9))
def test_energy_as_text_and_back_is_the_same(tenths: int) -> None:
    text = kwh_text(tenths)

    assert kwh_tenths(text) == tenths
    assert not text.endswith(".0")


@given(st.integers(min_value=1, max_value=10**6), st.integers(min_value=2, max_value=6))
def test_energy_of_more_than_one_decimal_is_refused(number: int, places: int) -> None:
    text = f"{number}.{'0' * (places - 1)}1"

    with pytest.raises(ValueError, match="more than one decimal"):
        kwh_tenths(text)


@pytest.mark.parametrize("text", ["", "ten", "1,5", "1.5.5", "NaN", "Infinity"])
def test_what_is_no_energy_raises(text: str) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        kwh_tenths(text)


class Hour:
    """A limiter of one hour."""

    def __init__(self) -> None:
        self.counted: dict[str, int] = {}
        self.is_down = False

    def _room(self, item: RateLimitItem, name: str) -> bool:
        if self.is_down:
            raise RedisError
        return self.counted.get(name, 0) < item.amount

    def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        name = ":".join(identifiers)
        if not self._room(item, name):
            return False
        self.counted[name] = self.counted.get(name, 0) + cost
        return True

    def test(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        return self._room(item, ":".join(identifiers))


def _found_by(ledger: Ledger, guesses: Guesses, result: Result[Any], msisdn: str) -> str:
    office = replace(_office(ledger, result), guesses=guesses)
    arguments = {"serial": "0417135790000"}
    call = Call("c-1", "meters.find", arguments, 3.0, msisdn=msisdn, language="fr")
    return lookups.run(office, call).outcome


def test_a_number_that_guesses_serials_waits_whatever_it_names(ledger: Ledger) -> None:
    hour = Hour()
    guesses = Guesses(hour, Sealer(bytes(32)), 3)
    nobody = Declined(Reason.UNKNOWN_METER)

    outcomes = [_found_by(ledger, guesses, nobody, MSISDN) for _ in range(5)]

    assert outcomes == ["unknown"] * 3 + [FAILED] * 2
    assert _found_by(ledger, guesses, Done(METER), MSISDN) == FAILED
    assert _found_by(ledger, guesses, nobody, "+22670000001") == "unknown"
    assert not [name for name in hour.counted if "70123456" in name]


def test_known_meters_are_no_guesses_and_nobody_waits_for_redis(ledger: Ledger) -> None:
    hour = Hour()
    guesses = Guesses(hour, Sealer(bytes(32)), 1)

    assert {_found_by(ledger, guesses, Done(METER), MSISDN) for _ in range(5)} == {"found"}
    hour.is_down = True
    assert _found_by(ledger, guesses, Declined(Reason.UNKNOWN_METER), MSISDN) == "unknown"
    free = Guesses(hour, Sealer(bytes(32)), 0)
    assert _found_by(ledger, free, Declined(Reason.UNKNOWN_METER), MSISDN) == "unknown"
