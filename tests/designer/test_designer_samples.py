"""Samples are values that a client could have typed; the longest are those of the checker."""

from __future__ import annotations

import pytest

from tests.designer.sheet_flows import RICH, SMALL, edited, flow, shipped
from ussd_app.designer.samples import DAY, Longest, accepted, sample_of, samples_of, typed
from ussd_app.designer.walks import visits
from ussd_app.flow import layouts
from ussd_app.flow.assigned import Assigned
from ussd_app.flow.checks.subject import Subject
from ussd_app.flow.checks.widest import Widest
from ussd_app.flow.model import VISIBLE, Input, Shape, Type
from ussd_app.flow.names import Names
from ussd_app.flow.values import accepts, fits, width
from ussd_app.messages import Budget

TYPED = [
    Shape(Type.DIGITS),
    Shape(Type.DIGITS, lengths=(11, 13)),
    Shape(Type.DIGITS, lengths=(1,)),
    Shape(Type.PIN, lengths=(4,)),
    Shape(Type.INTEGER),
    Shape(Type.INTEGER, low="7", high="7"),
    Shape(Type.INTEGER, low="-9", high="-3"),
    Shape(Type.DECIMAL, low="1", high="500", places=1),
    Shape(Type.DECIMAL, low="0.001", high="0.002", places=3),
    Shape(Type.TEXT, lengths=(1, 160)),
    Shape(Type.TEXT, lengths=(30, 40)),
    Shape(Type.TEXT, lengths=(2, 3)),
    Shape(Type.CHOICE, choices={"a": None, "b": None}),
    Shape(Type.MSISDN, country="BF"),
    Shape(Type.MSISDN, country="CI"),
    Shape(Type.DATE),
    Shape(Type.DATE, high="today-18y"),
    Shape(Type.DATE, low="2031-01-01"),
]


@pytest.mark.parametrize("shape", TYPED, ids=lambda shape: shape.type)
def test_a_sample_can_be_typed_and_fits(shape: Shape) -> None:
    sample = sample_of(shape)

    assert fits(shape, sample, DAY)
    assert accepts(shape, typed(shape, sample), DAY)


@pytest.mark.parametrize(
    "shape",
    [
        Shape(Type.BOOLEAN),
        Shape(Type.INTEGER, longest="10000"),
        Shape(Type.DECIMAL, longest="1638.3"),
        Shape(Type.DIGITS, longest="0417135790000"),
        Shape(Type.TEXT, longest="Abdoulaye"),
        Shape(Type.DATE, longest="2026-11-22"),
        Shape(Type.ROW, fields={"a": Shape(Type.INTEGER)}),
        Shape(Type.ROWS, fields={"a": Shape(Type.TEXT, lengths=(1, 9))}, rows_max=3),
    ],
    ids=lambda shape: shape.type,
)
def test_a_sample_of_what_nobody_types_fits(shape: Shape) -> None:
    assert fits(shape, sample_of(shape), DAY)


def test_a_sample_passes_the_checks_of_its_input() -> None:
    found = flow(
        edited(
            SMALL,
            (
                "save: age",
                'save: age\n    check: [{rule: even, error: Pair}, {when: "{age} > 19", error: X}]',
            ),
        )
    )
    ask = found.states["ask"]
    assert isinstance(ask, Input)

    assert accepted(found, "age", ask.checks, {}) == 20


def test_a_sample_is_what_the_catalogue_calls_so() -> None:
    found = shipped()
    serial = found.states["serial"]
    assert isinstance(serial, Input)

    assert accepted(found, "serial", serial.checks, {}) == "04246801379"


def test_one_of_the_samples_has_the_right_check_digit() -> None:
    luhn = shipped().rules["luhn"]
    found = list(samples_of(Shape(Type.DIGITS, lengths=(11,))))

    assert len(found) == 10
    assert any(luhn(str(each)) for each in found)


@pytest.mark.parametrize("source", [SMALL, RICH])
def test_the_longest_values_are_as_wide_as_the_checkers(source: str) -> None:
    found = flow(source)
    names = Names(found)

    subject = Subject(found, names, Assigned(found, names), found.rules, (Budget(),), {})
    for language in found.languages:
        proof = Widest(subject, language)
        words = Longest(found, names, language, natural=False)
        natural = Longest(found, names, language, natural=True)
        for state in found.states.values():
            if isinstance(state, VISIBLE) and state.body.parts:
                proven = layouts.layout(found, state, proof, (), "")
                shown = layouts.layout(found, state, natural, (), "")
                assert layouts.layout(found, state, words, (), "") == proven
                assert width(shown.body) == width(proven.body)
                assert [width(label) for _, label in shown.options] == [
                    width(label) for _, label in proven.options
                ]


def test_a_walk_comes_to_every_state_and_goes_back_over_no_effect() -> None:
    found = flow(RICH)
    walked = visits(found, Names(found))

    assert set(walked) == set(found.states)
    assert walked["done"].trail == ()
    assert walked["basket"].trail == ("ask_kind", "goods")
    assert walked["home"].variables == {"born": "1990-06-15"}
    assert walked["done"].variables["ordered"] == {"receipt": "C-7K2M"}
    assert walked["sorry"].variables["total"] == 3500
