"""What clients type and back-ends answer: right values, values at their bounds, and junk."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import cast

from ussd_app.effects import Value
from ussd_app.flow.model import Shape, Type
from ussd_app.flow.values import day, plain, room

#: Characters and words that take room in one way or another: extension, ligatures, marks, capitals.
_PIECES = (
    "m", "€", "㎯", "⑽", "…", "ß", "ΐ", "½", "ﬃ", "a ", "é", "ç", "e\u0301", "\u00ad", "日", "😀",
    "{", "}", "Awa", "№", "\u202f", "ŉ", "İ", "^", " ", "1", "ﷺ", "😀 ", "€ ", "\r", "\x1b", "\x0c",
)  # fmt: skip
JUNK = (
    "", "{serial}", "{{msisdn}}", "nan", "-1", "1e999", "١٢٣", "9" * 182, "*", "#", "\x00", "0",
    "00", "98", "99", "**", "1*2", "None", " ", "-0", "1,5", ".", "+226", "31022026", "true",
    "\ud800",
)  # fmt: skip
ANYTHING: tuple[object, ...] = (
    None, True, False, -1, 0, 10**15, 2**63 - 1, 1.5, float("nan"), float("inf"), "", "x", "nan",
    "1e999999", "9" * 500, "m" * 500, "😀" * 90, [], {}, [{}], [1, 2], {"a": {"b": [1]}}, [[]],
    "2026-02-30", "+22670123456", "true", ({"a": 1},), "{msisdn}", b"x", " ", "0" * 40, "\r\n",
    "…" * 40, ["x"] * 60, {"language": "fr"}, "-0", "\x1b\x0c", "0.0000001",
)  # fmt: skip


def words(random: Random, most: int, *, wide: bool) -> str:
    """A text of no more room than `most`, often of all of it."""
    piece = random.choice(_PIECES) if wide else "Awa "
    found = ""
    while True:
        grown = found + (random.choice(_PIECES) if random.random() < 0.3 else piece)
        if room(grown) > most or len(grown) > 400:
            return found
        found = grown


def typed(random: Random, shape: Shape, today: date) -> str:
    """What a client may type for a value of this shape: right as a rule."""
    match shape.type:
        case Type.DIGITS | Type.PIN:
            length = random.choice(shape.lengths) if shape.lengths else random.randint(1, 20)
            return "".join(random.choice("0123456789") for _ in range(length))
        case Type.INTEGER | Type.DECIMAL:
            return str(_number(random, shape))
        case Type.TEXT:
            least, most = shape.lengths
            found = words(random, random.choice([least, most, most]), wide=random.random() < 0.6)
            return found.strip().ljust(least, "a")
        case Type.CHOICE:
            values = list(shape.choices)
            number = random.randrange(len(values))
            return random.choice([values[number], str(number + 1)])
        case Type.MSISDN:
            return random.choice(["+22670123456", "70123456", "+33612345678", "+2250701020304"])
        case Type.DATE:
            found_day = _day(random, shape, today)
            return found_day.strftime("%d%m%Y") if random.random() < 0.7 else "29/02/2024"
    return "1"


def _number(random: Random, shape: Shape) -> Decimal:
    low = Decimal(shape.low if shape.low is not None else 0)
    high = Decimal(shape.high if shape.high is not None else 10**15 - 1)
    step = Decimal(1).scaleb(-shape.places)
    between = low + Decimal(random.random()).quantize(step) * (high - low)
    inner = [low + step, high - step, between.quantize(step)]
    return Decimal(plain(random.choice([low, high, *inner])))


def _day(random: Random, shape: Shape, today: date) -> date:
    low = day(shape.low, today) if shape.low else today - timedelta(days=9000)
    high = day(shape.high, today) if shape.high else low + timedelta(days=9000)
    return random.choice([low, high, low + (high - low) / 2])


def answered(random: Random, fields: Mapping[str, Shape]) -> dict[str, Value]:
    """The fields of a result: right, as long as declared, or junk."""
    mood = random.random()
    found = {}
    for name, shape in fields.items():
        if mood < 0.15 and random.random() < 0.5:
            if random.random() < 0.6:
                found[name] = cast("Value", random.choice(ANYTHING))
        else:
            found[name] = field_value(random, shape)
    if mood > 0.95:
        found["unheard_of"] = "x"
    return found


def field_value(random: Random, shape: Shape) -> Value:
    """A value of a back-end's field."""
    longest = shape.longest
    match shape.type:
        case Type.TEXT:
            most = room(longest) if longest else max(shape.lengths, default=20)
            return words(random, random.choice([0, 1, most, most, 3 * most]), wide=True)
        case Type.DIGITS:
            most = len(longest) or max(shape.lengths, default=20)
            return random.choice("0123456789") * random.choice([1, most])
        case Type.INTEGER:
            if not longest:
                return int(_number(random, shape))
            nines = 10 ** len(longest) - 1
            given: list[Value] = [int(longest), int(longest) // 2, longest, nines, 0]
            return random.choice(given)
        case Type.DECIMAL:
            if not longest:
                return str(_number(random, shape))
            return random.choice([longest, "9" * len(longest), f"9.{'9' * (len(longest) - 2)}"])
        case Type.DATE:
            return random.choice(["2026-11-22", "2000-02-29", "0001-01-01", "9999-12-31"])
        case Type.MSISDN:
            return random.choice(["+22670123456", "+888888888888888"])
        case Type.BOOLEAN:
            truths: list[Value] = [True, False, "true"]
            return random.choice(truths)
        case Type.ROWS:
            count = random.choice([0, 1, shape.rows_max, shape.rows_max, shape.rows_max + 2])
            rows = [
                {name: field_value(random, each) for name, each in shape.fields.items()}
                for _ in range(count)
            ]
            return cast("Value", tuple(rows) if random.random() < 0.5 else rows)
        case Type.ROW:
            made = {name: field_value(random, each) for name, each in shape.fields.items()}
            return cast("Value", made)
    return next(iter(shape.choices), "x")
