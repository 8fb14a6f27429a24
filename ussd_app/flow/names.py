"""What every name of a linked flow stands for: the shape of each variable, field and row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from decimal import Decimal
from typing import Any

from ussd_app.flow.functions import FUNCTIONS, NoFit
from ussd_app.flow.joins import joined
from ussd_app.flow.model import (
    NUMBERS,
    Apply,
    Assignment,
    Body,
    Branch,
    CallState,
    Case,
    Check,
    Condition,
    End,
    Flow,
    FlowState,
    Input,
    Listing,
    Menu,
    Option,
    Otherwise,
    Part,
    SetState,
    Shape,
    Show,
    Text,
    Type,
    Value,
    Wait,
)
from ussd_app.flow.values import longest, plain, room, width
from ussd_app.render import gsm7, texts
from ussd_app.render.texts import Filter, Place, Template

#: Names that every session has without declaring them.
BUILT_IN: Mapping[str, Shape] = {
    "msisdn": Shape(Type.MSISDN, country="BF"),
    "service_code": Shape(Type.TEXT, longest="*" + "8" * 18 + "#"),
}
#: The running number of a row.
ROW_NUMBER = Shape(Type.INTEGER, low="1", high="50")
#: Filters that show a choice's label begin so; the compiler puts them in.
LABEL = "label:"


class Misfit(Exception):  # noqa: N818  # a value has no shape; the sentence says why
    """A value whose shape cannot be told: the check and a sentence for the designer."""

    def __init__(self, check: str, sentence: str) -> None:
        super().__init__(sentence)
        self.check = check


class Names:
    """The shapes of a flow's names. `scalars` are single values, `records` names with fields."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self.scalars: dict[str, Shape] = dict(BUILT_IN)
        #: Fields by record; a field saved with two shapes has one for both.
        self.records: dict[str, dict[str, Shape]] = {}
        #: Records of back-ends and sub-flows that could not be found: nobody knows their fields.
        self.unsure: set[str] = set()
        for name, variable in flow.variables.items():
            if variable.shape.type is Type.ROW:
                self.records[name] = dict(variable.shape.fields)
            else:
                self.scalars[name] = variable.shape
        for save, fields in self._saved():
            _join(self.records.setdefault(save, {}), fields)

    def _saved(self) -> Iterator[tuple[str, Mapping[str, Shape]]]:
        """Everything saved that is not declared: results first, then what stands on them."""
        states = self._flow.states.values()
        for state in states:
            if isinstance(state, FlowState) and state.save:
                self.unsure.add(state.save)
            if isinstance(state, CallState) and state.save:
                backend = self._flow.backends.get(state.backend)
                outcomes = backend.outcomes.values() if backend else ()
                if backend is None:
                    self.unsure.add(state.save)
                yield state.save, {}
                for outcome in outcomes:
                    yield state.save, outcome.fields
        listings = [state for state in states if isinstance(state, Listing) and state.save]
        results = [
            assignment
            for state in states
            if isinstance(state, SetState)
            for assignment in state.assignments
            if assignment.record is not None
        ]
        # What a sub-flow gives back may stand on what an inner one gave back, and so on.
        for _ in range(3):
            for state in listings:
                if state.save not in self._flow.variables:
                    yield state.save, self.row_fields(state.rows)
            for assignment in results:
                yield assignment.name, self._record(assignment)

    def _record(self, assignment: Assignment) -> Mapping[str, Shape]:
        found = {}
        for field, value in (assignment.record or {}).items():
            try:
                found[field] = self.of_value(value)
            except Misfit:
                continue
        return found

    def given(self, place: Place, atoms: frozenset[str]) -> bool:
        """Whether a place has a value once these atoms have one; a declared row is always whole."""
        if place.path in atoms:
            return True
        declared = self._flow.variables.get(place.name)
        row = declared is not None and declared.shape.type is Type.ROW
        return row and place.name in atoms

    def row_fields(self, place: Place) -> Mapping[str, Shape]:
        """The fields of the rows that a place names, with the running number."""
        shape = self.of_place(place)
        if shape is None or shape.type is not Type.ROWS:
            return {}
        return shape.fields

    def of_place(self, place: Place, row: Mapping[str, Shape] | None = None) -> Shape | None:
        """The shape of what a place names, before its filters; None if nothing has that name."""
        if place.name == "row":
            if row is None or place.field is None:
                return None
            return ROW_NUMBER if place.field == "number" else row.get(place.field)
        if place.field is not None:
            return self.records.get(place.name, {}).get(place.field)
        if place.name in self.records:
            return Shape(Type.ROW, fields=self.records[place.name])
        return self.scalars.get(place.name)

    def of_value(self, value: Value) -> Shape:
        """The shape of what a `set` stores; raises `Misfit`."""
        if isinstance(value, Apply):
            return self._of_apply(value)
        places = [single(template) for template in value.by_language.values()]
        if all(place is not None and not place.filters for place in places):
            found = [self.of_place(place) for place in places if place is not None]
            shape = found[0] if found else None
            if shape is None or any(each != shape for each in found):
                raise Misfit("", "its name is not known")
            return shape
        return self._of_text(value)

    def _of_text(self, text: Text) -> Shape:
        """A text's own words, as wide as they can get; a literal number or date is one."""
        widest = ""
        for language, template in text.by_language.items():
            shown = self.widest_text(template, language)
            widest = max(widest, shown, key=width)
        literal = not any(template.places for template in text.by_language.values())
        if literal and (kind := literal_type(widest)) is not None:
            if kind is Type.DATE:
                return Shape(kind, low=widest, high=widest)
            return Shape(kind, low=widest, high=widest, places=len(widest.partition(".")[2]))
        return Shape(Type.TEXT, longest=widest)

    def _of_apply(self, apply: Apply) -> Shape:
        function = self._flow.functions.get(apply.function) or FUNCTIONS.get(apply.function)
        if function is None:
            raise Misfit("", "its function is not known")
        shapes = {name: self.of_value(value) for name, value in apply.arguments.items()}
        if set(shapes) != set(function.inputs):
            raise Misfit("", "its arguments are not those of the function")
        for name, shape in shapes.items():
            if shape.type not in function.inputs[name]:
                wanted = " or ".join(sorted(function.inputs[name]))
                sentence = f'"{name}" of {function.name} takes {wanted}, not {shape.type}'
                raise Misfit("wrong-type", sentence)
        try:
            return function.shape(shapes)
        except NoFit as error:
            raise Misfit("wrong-type", str(error)) from None

    def widest_text(
        self, template: Template, language: str, row: Mapping[str, Shape] | None = None
    ) -> str:
        """A text with the widest value in every place; unknown names take no room."""
        return "".join(
            part if isinstance(part, str) else self.widest_place(part, language, row)
            for part in template.parts
        )

    def widest_place(
        self, place: Place, language: str, row: Mapping[str, Shape] | None = None
    ) -> str:
        """The widest that a place can become, as one word that cannot break."""
        shape = self.of_place(place, row)
        filters = self._flow.filters
        if shape is None or any(name not in filters for name in place.filters):
            return ""
        known, _ = through(shape, place.filters, language, filters)
        if self._flow.alphabet == "ucs2" and (
            shape.type is Type.TEXT or any(gsm7.septets(each) is None for each in known)
        ):
            # ç is outside GSM-7: one of them makes the whole screen UCS-2.
            return "ç" * max((max(gsm7.units(each), width(each)) for each in known), default=0)
        return "m" * max((width(each) for each in known), default=0)


def _join(known: dict[str, Shape], fields: Mapping[str, Shape]) -> None:
    """Add fields to a record; of types that differ, which the checks tell, the first stays."""
    for field, shape in fields.items():
        old = known.get(field)
        if old is None:
            known[field] = shape
        elif old.type is shape.type and old != shape:
            known[field] = joined(old, shape)


def numbered(flow: Flow, names: Names) -> Flow:
    """The flow, its conditions told which of them compare numbers."""

    def is_number(side: str | Place | None) -> bool:
        if isinstance(side, Place):
            shape = names.of_place(side)
            return shape is not None and shape.type in NUMBERS and not side.filters
        return side is not None and literal_type(side) in NUMBERS

    def told(condition: Condition) -> Condition:
        numeric = is_number(condition.left) and is_number(condition.right)
        return replace(condition, numeric=True) if numeric else condition

    states = {name: map_conditions(state, told) for name, state in flow.states.items()}
    return replace(flow, states=states)


def map_conditions(value: Any, change: Callable[[Condition], Condition]) -> Any:
    """A part of a model with every condition changed; all else as it is."""
    if isinstance(value, Condition):
        return change(value)
    if isinstance(value, tuple):
        return tuple(map_conditions(each, change) for each in value)
    if not isinstance(value, _HOLDERS):
        return value
    changes = {
        each.name: map_conditions(getattr(value, each.name), change)
        for each in dataclass_fields(value)
        if each.name in _HOLDING
    }
    return replace(value, **changes)


#: What conditions stand in, and under which names.
_HOLDERS = (
    Menu,
    Listing,
    Input,
    Show,
    Wait,
    End,
    Branch,
    Body,
    Part,
    Option,
    Check,
    Otherwise,
    Case,
)
_HOLDING = frozenset({"body", "parts", "options", "when", "checks", "otherwise", "cases"})


def single(template: Template) -> Place | None:
    """The place that is all of a text, or None."""
    first = template.parts[0]
    return first if len(template.parts) == 1 and isinstance(first, Place) else None


def literal_type(typed: str) -> Type | None:
    """The type a literal value has if it is not just text: a number, a date, a truth."""
    if typed in {"true", "false"}:
        return Type.BOOLEAN
    if typed.isascii() and texts.DATE.match(typed):
        return Type.DATE
    if texts.NUMBER.match(typed) is None:
        return None
    return Type.DECIMAL if "." in typed else Type.INTEGER


def witnesses(shape: Shape) -> list[object]:
    """Values of a shape that between them are the widest whatever filter shows them."""
    widest = longest(shape)
    match shape.type:
        case Type.TEXT:
            return [widest, *_widest_texts(room(widest))]
        case Type.CHOICE:
            return list(shape.choices)
        case Type.INTEGER | Type.DECIMAL:
            low = shape.low if shape.low is not None else "0"
            values = {widest, plain_number(low)}
            if shape.high is not None:
                values.add(plain_number(shape.high))
            if shape.longest:
                # Whatever has as many characters may come, whichever way its sign is.
                count = len(shape.longest)
                values = {widest, "8" * count, "-" + "8" * (count - 1) if count > 1 else "8"}
                if shape.type is Type.DECIMAL and count > 2:
                    values.add("8" * (count - 2) + ".8")
            return [int(each) if shape.type is Type.INTEGER else each for each in sorted(values)]
        case Type.BOOLEAN:
            return [True, False]
        case Type.ROW | Type.ROWS:
            return []
    return [widest]


def plain_number(typed: str) -> str:
    """A number in its one written form."""
    return plain(Decimal(typed))


#: The widest single characters by the septets they are sent as: none is sent as more than five.
_WIDE = {0: "", 1: "a", 2: "€", 3: "…", 4: "⑽", 5: "㎯"}


def _widest_texts(count: int) -> list[str]:
    """Texts that take `count` septets and, shown by some filter, are the widest of all these."""
    if not count:
        return []
    one_letter_words = "a " * ((count - 1) // 2) + _WIDE[2 - count % 2]
    few_characters = [_WIDE[cost] * (count // cost) + _WIDE[count % cost] for cost in (2, 3, 4, 5)]
    pairs = "😀" * (count // 2) + "a" * (count % 2)
    # In capitals, ß becomes two characters and ΐ three.
    return ["m" * count, one_letter_words, "ß" * count, "ΐ" * count, pairs, *few_characters]


def filtered(
    value: object, names: tuple[str, ...], language: str, filters: Mapping[str, Filter]
) -> str | None:
    """A value as its filters show it, or None where one of them cannot take it."""
    try:
        for name in names:
            value = filters[name](value, language)
    except (ValueError, ArithmeticError, LookupError, TypeError):
        return None
    return value if isinstance(value, str) else str(value)


def through(
    shape: Shape, names: tuple[str, ...], language: str, filters: Mapping[str, Filter]
) -> tuple[list[str], int]:
    """Values of a shape as their filters show them, the widest among them.

    With 0; or with nothing and the number, from 1, of the first filter that cannot take them all.
    What a filter has made is any text as wide, but of a choice or a truth all values are known.
    """
    values = witnesses(shape)
    known = shape.type in {Type.CHOICE, Type.BOOLEAN}
    shown = [str(value) for value in values]
    for number, name in enumerate(names, 1):
        made = [filtered(value, (name,), language, filters) for value in values]
        shown = [value for value in made if value is not None]
        if len(shown) < len(made):
            return [], number
        values = list(shown)
        if number < len(names) and not known:
            widest = max((room(value) for value in shown), default=0)
            values = witnesses(Shape(Type.TEXT, longest="m" * widest))
    return shown, 0
