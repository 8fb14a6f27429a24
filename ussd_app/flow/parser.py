"""Nodes to states. The key that names a state's kind is the leading one; the rest are its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Mapping as MappingType
from decimal import Decimal, InvalidOperation

from ussd_app.flow.diagnostics import Position, did_you_mean
from ussd_app.flow.model import (
    Branch,
    CallState,
    Check,
    Condition,
    End,
    Input,
    Keys,
    Listing,
    Menu,
    Option,
    Show,
    State,
    Text,
    Type,
    Variable,
    Wait,
)
from ussd_app.flow.reader import Reader
from ussd_app.flow.syntax import Mapping, Node, Scalar

TOP_KEYS = (
    "cassou",
    "flow",
    "service_codes",
    "languages",
    "start",
    "home",
    "keys",
    "vars",
    "states",
)
_VARIABLE_KEYS = ("type", "lengths", "min", "max", "places", "sensitive", "label")
_CONDITION = re.compile(r"(\{[^{}]+\})\s*(==|!=|<=|>=|<|>)\s*(.+)\Z")
_KEY = re.compile(r"[0-9*#]{1,3}\Z")


class FlowParser:
    """Parses one flow's parts with one reader. Cross-references are the checks' business."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._kinds: MappingType[
            str, tuple[tuple[str, ...], Callable[[Scalar, Mapping], State | None]]
        ] = {
            "menu": (("options", "shortcut"), self._menu),
            "list": (("rows", "row", "save", "next"), self._list),
            "input": (("save", "check", "attempts", "next", "shortcut"), self._input),
            "show": (("next", "rows", "row"), self._show),
            "wait": (("next",), self._wait),
            "end": ((), self._end),
            "call": (
                ("with", "save", "deadline", "outcomes", "once_per", "waits"),
                self._call,
            ),
            "branch": (("else",), self._branch),
        }

    def state(self, key: Scalar, node: Node) -> State | None:
        """One state, or None where its kind cannot be told."""
        self.reader.name(key, "state")
        if not isinstance(node, Mapping) or not node.entries:
            self.reader.problem(key.at, "wrong-shape", f'state "{key.value}" has no content')
            return None
        kinds = [name.value for name, _ in node.entries if name.value in self._kinds]
        if len(kinds) != 1:
            known = ", ".join(self._kinds)
            found = " and ".join(kinds) or "none"
            hint = "" if kinds else did_you_mean(node.entries[0][0].value, self._kinds)
            sentence = f'state "{key.value}" must have one kind of {known}; it has {found}{hint}'
            self.reader.problem(key.at, "wrong-shape", sentence)
            return None
        keys, parse = self._kinds[kinds[0]]
        self.reader.mapping(node, f'{kinds[0]} "{key.value}"', (kinds[0], *keys))
        return parse(key, node)

    def variable(self, key: Scalar, node: Node) -> Variable:
        """One variable's declaration."""
        reader = self.reader
        name = reader.name(key, "variable")
        body = reader.mapping(node, f'variable "{name}"', _VARIABLE_KEYS)
        kind = reader.one_of(body, "type", tuple(Type), "text")
        if "type" not in body.by_name:
            reader.problem(key.at, "missing-key", f'variable "{name}" needs "type:"')
        lengths_node = body.get("lengths")
        lengths = tuple(
            self._length(item)
            for item in (
                reader.sequence(lengths_node, '"lengths:"', key.at) if lengths_node else ()
            )
        )
        numeric = kind in {Type.INTEGER, Type.DECIMAL}
        for bound in ("lengths",) if numeric else ("min", "max", "places"):
            if bound in body.by_name:
                hint = '"min:" and "max:"' if numeric else '"lengths:"'
                sentence = f'"{bound}:" is not for {kind}; bound it with {hint}'
                reader.problem(body.by_name[bound].at, "unknown-key", sentence)
        return Variable(
            name,
            Type(kind),
            key.at,
            lengths,
            self._bound(body, "min"),
            self._bound(body, "max"),
            reader.integer(body, "places", 0, 0, 6),
            reader.boolean(body, "sensitive", default=False),
        )

    def keys(self, node: Node | None) -> Keys:
        """Keys that work everywhere."""
        if node is None:
            return Keys()
        body = self.reader.mapping(node, '"keys:"', ("back", "home", "more"))
        default = Keys()
        return Keys(
            self.reader.word(body, "back", "keys", default.back),
            self.reader.word(body, "home", "keys", default.home),
            self.reader.word(body, "more", "keys", default.more),
        )

    def _length(self, item: Node) -> int:
        typed = self.reader.scalar(item, "a length").value
        if typed.isascii() and typed.isdigit() and 0 < int(typed) <= 180:
            return int(typed)
        self.reader.problem(item.at, "wrong-type", "a length is a whole number, 1 to 180")
        return 1

    def _bound(self, body: Mapping, key: str) -> str | None:
        node = body.get(key)
        if node is None:
            return None
        typed = self.reader.scalar(node, f'"{key}:"').value
        try:
            Decimal(typed)
        except InvalidOperation:
            self.reader.problem(node.at, "wrong-type", f'"{key}:" must be a number')
            return None
        return typed

    def _text(self, key: Scalar, body: Mapping, name: str) -> Text:
        return self.reader.text(body.get(name), f'state "{key.value}"', key.at)

    def _next(self, key: Scalar, body: Mapping) -> str:
        return self.reader.word(body, "next", f'state "{key.value}"')

    def _shortcut(self, body: Mapping) -> bool:
        return self.reader.one_of(body, "shortcut", ("allow", "never"), "allow") == "allow"

    def _menu(self, key: Scalar, body: Mapping) -> Menu:
        items = self.reader.sequence(body.get("options"), f'options of "{key.value}"', key.at)
        options = tuple(self._option(item, str(place)) for place, item in enumerate(items, 1))
        seen: dict[str, Position] = {}
        for option in options:
            if option.key in seen:
                line = seen[option.key].line
                sentence = f'key "{option.key}" is taken by the option at line {line}'
                self.reader.problem(option.at, "reserved-key", sentence)
            seen.setdefault(option.key, option.at)
        text = self._text(key, body, "menu")
        return Menu(key.value, key.at, text, options, self._shortcut(body))

    def _option(self, node: Node, number: str) -> Option:
        reader = self.reader
        body = reader.mapping(node, "an option", ("key", "label", "next", "language"))
        typed = reader.word(body, "key", "an option", number)
        if not _KEY.match(typed):
            reader.problem(node.at, "bad-key", f'key "{typed}" must be one to three of 0-9 * #')
        label = reader.text(body.get("label"), "an option", node.at)
        language = body.get("language")
        switch = reader.scalar(language, '"language:"').value if language is not None else None
        if switch is not None and switch != "toggle" and switch not in reader.languages:
            hint = did_you_mean(switch, (*reader.languages, "toggle"))
            at = language.at if language is not None else node.at
            reader.problem(at, "wrong-type", f'no language "{switch}"{hint}')
        return Option(typed, label, reader.word(body, "next", "an option"), node.at, switch)

    def _list(self, key: Scalar, body: Mapping) -> Listing:
        return Listing(
            key.value,
            key.at,
            self._text(key, body, "list"),
            self.reader.place(body.get("rows"), f'rows of "{key.value}"', key.at),
            self.reader.text(body.get("row"), f'row of "{key.value}"', key.at),
            self.reader.word(body, "save", f'list "{key.value}"'),
            self._next(key, body),
        )

    def _input(self, key: Scalar, body: Mapping) -> Input:
        reader = self.reader
        checks_node = body.get("check")
        checks = tuple(
            self._check(item)
            for item in (reader.sequence(checks_node, '"check:"', key.at) if checks_node else ())
        )
        attempts_max, attempts_next = 0, ""
        attempts = body.get("attempts")
        if attempts is not None:
            inner = reader.mapping(attempts, '"attempts:"', ("max", "next"))
            attempts_max = reader.integer(inner, "max", 3, 1, 10)
            attempts_next = reader.word(inner, "next", '"attempts:"')
        return Input(
            key.value,
            key.at,
            self._text(key, body, "input"),
            reader.word(body, "save", f'input "{key.value}"'),
            self._next(key, body),
            checks,
            attempts_max,
            attempts_next,
            self._shortcut(body),
        )

    def _check(self, node: Node) -> Check:
        body = self.reader.mapping(node, "a check", ("rule", "error"))
        error = self.reader.text(body.get("error"), "a check", node.at)
        return Check(self.reader.word(body, "rule", "a check"), error, node.at)

    def _show(self, key: Scalar, body: Mapping) -> Show:
        rows, row = body.get("rows"), body.get("row")
        if (rows is None) != (row is None):
            sentence = '"rows:" and "row:" go together'
            self.reader.problem(key.at, "missing-key", sentence)
        return Show(
            key.value,
            key.at,
            self._text(key, body, "show"),
            self._next(key, body),
            self.reader.place(rows, "rows", key.at) if rows is not None else None,
            self.reader.text(row, "a row", key.at) if row is not None else None,
        )

    def _wait(self, key: Scalar, body: Mapping) -> Wait:
        return Wait(key.value, key.at, self._text(key, body, "wait"), self._next(key, body))

    def _end(self, key: Scalar, body: Mapping) -> End:
        return End(key.value, key.at, self._text(key, body, "end"))

    def _call(self, key: Scalar, body: Mapping) -> CallState:
        reader = self.reader
        given = body.get("with")
        arguments = {
            name.value: reader.template(reader.scalar(value, f'"{name.value}:"'))
            for name, value in (
                reader.mapping(given, '"with:"', None).entries if given is not None else ()
            )
        }
        entries = reader.mapping(body.get("outcomes"), '"outcomes:"', None).entries
        outcomes = {name.value: reader.scalar(value, "an outcome").value for name, value in entries}
        places = {name.value: value.at for name, value in entries}
        places[""] = body.by_name["call"].at
        return CallState(
            key.value,
            key.at,
            reader.word(body, "call", "a call"),
            arguments,
            outcomes,
            places,
            reader.seconds(body, "deadline", 0.0),
            reader.word(body, "save", "a call", ""),
            reader.one_of(body, "once_per", ("session", "visit"), ""),
            reader.integer(body, "waits", 3, 0, 3),
        )

    def _branch(self, key: Scalar, body: Mapping) -> Branch:
        cases = []
        for item in self.reader.sequence(body.get("branch"), '"branch:"', key.at):
            inner = self.reader.mapping(item, "a case", ("when", "next"))
            typed = self.reader.word(inner, "when", "a case")
            match = _CONDITION.match(typed)
            if match is None:
                sentence = f'"{typed}" is not a condition such as {{kwh}} > 10'
                self.reader.problem(item.at, "bad-condition", sentence)
                continue
            left = self.reader.place(Scalar(match[1], item.at), "the left side", item.at)
            condition = Condition(left, match[2], match[3].strip().strip("\"'"))
            cases.append((condition, self.reader.word(inner, "next", "a case")))
        otherwise = self.reader.word(body, "else", f'branch "{key.value}"')
        return Branch(key.value, key.at, tuple(cases), otherwise)
