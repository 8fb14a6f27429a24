"""Nodes to states. The key that names a state's kind is the leading one; the rest are its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Mapping as MappingType

from ussd_app.flow.declarations import DEADLINE_MAX, KEYS, shape_of
from ussd_app.flow.diagnostics import Position, did_you_mean, meant
from ussd_app.flow.linker import GLOBAL
from ussd_app.flow.model import (
    Apply,
    Assignment,
    Branch,
    CallState,
    Case,
    Check,
    End,
    FlowState,
    How,
    Input,
    Keys,
    Listing,
    Menu,
    OnDrop,
    Option,
    Otherwise,
    Resume,
    SetState,
    Show,
    State,
    Text,
    Type,
    Value,
    Variable,
    Wait,
)
from ussd_app.flow.reader import Reader
from ussd_app.flow.syntax import Mapping, Node, Scalar, Sequence

_KEY = re.compile(r"[0-9*#]{1,3}\Z")
#: Options of one menu, checks of one value, entries of `on_drop:`, variables of one flow.
OPTIONS_MAX = 50
CHECKS_MAX = 10
ON_DROP_MAX = 50
VARIABLES_MAX = 500
#: A client who dials again is led back within an hour at most.
_WITHIN_SECONDS_MAX = 3600.0
#: Days a fact may be remembered: ten years.
_REMEMBER_SECONDS_MAX = 3660 * 86_400.0
DEPTH_MAX = 5


class FlowParser:
    """Parses one flow's parts with one reader. Cross-references are the checks' business."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._kinds: MappingType[
            str, tuple[tuple[str, ...], Callable[[Scalar, Mapping], State | None]]
        ] = {
            "menu": (("options", "otherwise", "shortcut", "paged"), self._menu),
            "list": (("rows", "row", "save", "next", "options", "empty", "paged"), self._list),
            "input": (
                ("save", "check", "attempts", "next", "shortcut", "keep", "paged"),
                self._input,
            ),
            "show": (("next", "paged"), self._show),
            "wait": (("next", "paged"), self._wait),
            "end": (("paged",), self._end),
            "call": (
                ("with", "in", "save", "deadline", "outcomes", "once_per", "waits"),
                self._call,
            ),
            "branch": (("else",), self._branch),
            "set": (("forget", "next", "else"), self._set),
            "flow": (("with", "save", "outcomes", "depth", "too_deep"), self._flow),
        }

    def state(self, key: Scalar, node: Node) -> State | None:
        """One state, or None where its kind cannot be told."""
        self.reader.name(key, "state")
        if not isinstance(node, Mapping) or not node.entries:
            sentence = f'state "{key.value}" must be keys with values, such as "end: …"'
            self.reader.problem(key.at, "wrong-shape", sentence)
            return None
        kinds = [name.value for name, _ in node.entries if name.value in self._kinds]
        if len(kinds) != 1:
            self._kind_problem(key, node, kinds)
            kinds = self._meant_kind(node) if not kinds else []
            if not kinds:
                self._set_by(node)
                return None
            node = self.reader.renamed(node, {node.entries[0][0].value: kinds[0]})
        keys, parse = self._kinds[kinds[0]]
        body = self.reader.mapping(node, f'{kinds[0]} "{key.value}"', (kinds[0], *keys))
        return parse(key, body)

    def _set_by(self, node: Mapping) -> None:
        """Note what a state that cannot be read would have set."""
        save, values = node.get("save"), node.get("set")
        if isinstance(save, Scalar):
            self.reader.unread.add(save.value)
        if isinstance(values, Mapping):
            self.reader.unread |= set(values.by_name)

    def _meant_kind(self, node: Mapping) -> list[str]:
        """The kind that a state's first key is nearly, unless that belongs to some kind."""
        first = node.entries[0][0].value
        near = meant(first, self._kinds)
        belongs = any(first in keys for keys, _ in self._kinds.values())
        return [near] if near and not belongs else []

    def _kind_problem(self, key: Scalar, node: Mapping, kinds: list[str]) -> None:
        known = ", ".join(self._kinds)
        if kinds:
            sentence = (
                f'state "{key.value}" is {" and ".join(kinds)} at once; it can be one of them'
            )
            second = [name for name, _ in node.entries if name.value in kinds][1]
            self.reader.problem(second.at, "wrong-shape", sentence)
            return
        first = node.entries[0][0]
        hint = did_you_mean(first.value, self._kinds)
        if not hint.startswith("; did"):
            hint = f"; a kind is one of {known}"
        sentence = f'state "{key.value}" has no kind: "{first.value}" is none{hint}'
        self.reader.problem(first.at, "wrong-shape", sentence)

    def variables(self, node: Node | None, what: str) -> dict[str, Variable]:
        """Declarations of variables, or of a sub-flow's arguments."""
        if node is None:
            return {}
        entries = self.reader.mapping(node, f'"{what}:"', None).entries
        if not isinstance(node, Mapping) or len(entries) > VARIABLES_MAX:
            self.reader.unread.add("*")
        if len(entries) > VARIABLES_MAX:
            sentence = f'"{what}:" has {len(entries)} names; {VARIABLES_MAX} are the most'
            self.reader.problem(node.at, "too-large", sentence)
        return {key.value: self._variable(key, value) for key, value in entries[:VARIABLES_MAX]}

    def _variable(self, key: Scalar, node: Node) -> Variable:
        reader = self.reader
        name = reader.name(key, "variable")
        if name in GLOBAL:
            sentence = f'"{name}" has a meaning of its own; a variable needs another name'
            reader.problem(key.at, "bad-name", sentence)
        what = f'variable "{name}"'
        body = reader.mapping(node, what, (*KEYS, "label", "sensitive", "remember"))
        shape = shape_of(reader, key, body, what)
        seconds = reader.seconds(body, "remember", 0.0)
        sensitive = reader.boolean(body, "sensitive", default=False) or shape.type is Type.PIN
        if seconds > _REMEMBER_SECONDS_MAX:
            at = body.by_name["remember"].at
            reader.problem(at, "wrong-type", "a value is remembered for ten years at most")
        if seconds and sensitive:
            at = body.by_name["remember"].at
            sentence = "what is sensitive is never kept beyond its session"
            reader.problem(at, "sensitive-shown", sentence)
        return Variable(
            name,
            shape,
            key.at,
            sensitive,
            seconds,
            self._label(body, what),
        )

    def _label(self, body: Mapping, what: str) -> Text | None:
        node = body.get("label")
        if node is None:
            return None
        text = self.reader.text(node, what, node.at)
        if any(each.places for each in text.by_language.values()):
            self.reader.problem(text.at, "bad-text", f"the label of {what} has no places in it")
        return text

    def keys(self, node: Node | None, at: Position) -> Keys:
        """Keys that work everywhere."""
        default = Keys(at)
        if node is None:
            return default
        reader = self.reader
        body = reader.mapping(node, '"keys:"', ("back", "home", "more"))
        found: dict[str, str] = {}
        for name, usual in (("back", default.back), ("home", default.home), ("more", default.more)):
            found[name] = self._key(body, name, usual)
        for name, value in found.items():
            if list(found.values()).index(value) != list(found).index(name):
                other = next(each for each in found if found[each] == value)
                place = body.get(name) or body.get(other)
                sentence = f'"{name}:" and "{other}:" are both "{value}"'
                reader.problem(place.at if place else body.at, "reserved-key", sentence)
        return Keys(body.at, found["back"], found["home"], found["more"])

    def _key(self, body: Mapping, name: str, default: str) -> str:
        typed = self.reader.word(body, name, "keys", default)
        if not _KEY.match(typed):
            at = body.by_name[name].at
            sentence = f'key "{typed}" must be one to three of 0-9 * #'
            self.reader.problem(at, "bad-key", sentence)
        return typed

    def resume(self, node: Node | None) -> Resume | None:
        """What happens when a client dials again."""
        if node is None:
            return None
        reader = self.reader
        body = reader.mapping(node, '"resume:"', ("within", "how", "never_into"))
        if "within" not in body.by_name:
            reader.problem(body.at, "missing-key", '"resume:" needs "within:"')
        seconds = reader.seconds(body, "within", 0.0, _WITHIN_SECONDS_MAX)
        return Resume(
            seconds,
            How(reader.one_of(body, "how", tuple(How), How.ASK)),
            self._names(body, "never_into"),
            body.at,
        )

    def on_drop(self, node: Node | None) -> tuple[OnDrop, ...]:
        """SMS to clients whose sessions were dropped."""
        if node is None:
            return ()
        reader = self.reader
        found = []
        if isinstance(node, Sequence):
            reader.most(node, ON_DROP_MAX, '"on_drop:"', "entries")
        for item in reader.sequence(node, '"on_drop:"', node.at)[:ON_DROP_MAX]:
            body = reader.mapping(item, "an entry of on_drop", ("states", "text"))
            states = self._names(body, "states")
            if not states:
                reader.problem(body.at, "missing-key", 'an entry of on_drop needs "states:"')
            text = reader.text(body.get("text"), "an entry of on_drop", body.at)
            found.append(OnDrop(states, text, body.at))
        return tuple(found)

    def returns(self, node: Node | None) -> MappingType[str, MappingType[str, Value]] | None:
        """A sub-flow's exits, each with the fields it gives back."""
        if node is None:
            return None
        reader = self.reader
        entries = reader.mapping(node, '"returns:"', None).entries
        if not entries:
            reader.problem(node.at, "missing-key", '"returns:" needs one exit at least')
        return {
            reader.name(key, "exit"): {
                reader.name(name, "field"): self._value(inner)
                for name, inner in reader.mapping(value, f'exit "{key.value}"', None).entries
            }
            for key, value in entries
        }

    def _names(self, body: Mapping, key: str) -> dict[str, Position]:
        node = body.get(key)
        if node is None:
            return {}
        items = self.reader.sequence(node, f'"{key}:"', node.at)
        scalars = [self.reader.scalar(item, "a state") for item in items]
        for each in scalars:
            if not each.value:
                self.reader.problem(each.at, "missing-key", f'"{key}:" has an empty entry')
        return {each.value: each.at for each in scalars if each.value}

    def _save(self, body: Mapping, what: str, default: str | None) -> str:
        """The name a result is saved under."""
        name = self.reader.word(body, "save", what, default)
        node = body.get("save")
        if name and isinstance(node, Scalar):
            self.reader.name(node, "name")
        return name

    def _next(self, key: Scalar, body: Mapping) -> tuple[str, Position]:
        return self.reader.target(body, "next", f'state "{key.value}"')

    def _shortcut(self, body: Mapping) -> tuple[bool, Position | None]:
        node = body.get("shortcut")
        allowed = self.reader.one_of(body, "shortcut", ("allow", "never"), "allow") == "allow"
        return allowed, node.at if node is not None and allowed else None

    def _paged(self, body: Mapping) -> bool:
        return self.reader.one_of(body, "paged", ("allow", "never"), "allow") == "allow"

    def _menu(self, key: Scalar, body: Mapping) -> Menu:
        what = f'menu "{key.value}"'
        options = self._options(key, body, what)
        otherwise = body.get("otherwise")
        found = self._otherwise(otherwise) if otherwise is not None else None
        certain = any(not option.when and not option.resume for option in options)
        if options and not certain and found is None:
            sentence = f'{what} may show no option at all: leave one without "when:"'
            self.reader.problem(body.by_name["options"].at, "empty-menu", sentence)
        return Menu(
            key.value,
            key.at,
            self.reader.body(body.get("menu"), what, key.at),
            options,
            found,
            *self._shortcut(body),
            self._paged(body),
        )

    def _options(self, key: Scalar, body: Mapping, what: str) -> tuple[Option, ...]:
        node = body.get("options")
        if node is None:
            self.reader.problem(key.at, "missing-key", f'{what} needs "options:"')
            return ()
        items = self.reader.sequence(node, f"options of {what}", key.at)
        if isinstance(node, Mapping | Scalar):
            return ()
        if not items:
            self.reader.problem(node.at, "empty-menu", f"{what} has no option")
        if len(items) > OPTIONS_MAX:
            sentence = f"{what} has {len(items)} options; {OPTIONS_MAX} is the most"
            self.reader.problem(node.at, "too-large", sentence)
        return tuple(self._option(item) for item in items[:OPTIONS_MAX])

    def _option(self, node: Node) -> Option:
        reader = self.reader
        known = ("key", "label", "next", "language", "when", "resume")
        body = reader.mapping(node, "an option", known)
        typed = self._key(body, "key", "1") if "key" in body.by_name else ""
        label = reader.text(body.get("label"), "an option", node.at)
        language = body.get("language")
        switch = reader.scalar(language, '"language:"').value if language is not None else None
        if language is not None and switch != "toggle" and switch not in reader.languages:
            hint = did_you_mean(str(switch), (*reader.languages, "toggle"))
            reader.problem(language.at, "wrong-type", f'no language "{switch}"{hint}')
        resume = reader.boolean(body, "resume", default=False)
        if resume and language is not None:
            sentence = '"resume: true" goes on in the language it was; leave "language:" out'
            reader.problem(language.at, "unknown-key", sentence)
        default = "" if resume else None
        dest, at = reader.target(body, "next", "an option", default)
        if resume and dest:
            sentence = '"resume: true" leads to where the client was; leave "next:" out'
            reader.problem(at, "unknown-key", sentence)
        key = body.get("key")
        return Option(
            label,
            dest,
            node.at,
            at,
            typed,
            switch,
            reader.when(body),
            resume,
            key.at if key is not None else None,
        )

    def _otherwise(self, node: Node) -> Otherwise:
        reader = self.reader
        body = reader.mapping(node, '"otherwise:"', ("save", "check", "next"))
        dest, at = reader.target(body, "next", '"otherwise:"')
        save, save_at = reader.target(body, "save", '"otherwise:"')
        return Otherwise(save, dest, self._checks(body), save_at, at)

    def _list(self, key: Scalar, body: Mapping) -> Listing:
        reader = self.reader
        what = f'list "{key.value}"'
        dest, at = self._next(key, body)
        empty, empty_at = reader.target(body, "empty", what, "")
        fixed = self._options(key, body, what) if "options" in body.by_name else ()
        save, save_at = reader.target(body, "save", what)
        rows = body.get("rows")
        if not empty and not any(not option.when for option in fixed):
            sentence = f'{what} may have no rows: say where it leads then, with "empty:"'
            reader.problem(key.at, "empty-menu", sentence)
        return Listing(
            key.value,
            key.at,
            reader.body(body.get("list"), what, key.at),
            reader.place(rows, f"rows of {what}", key.at),
            reader.text(body.get("row"), f"row of {what}", key.at),
            save,
            dest,
            at,
            fixed,
            empty,
            empty_at if empty else None,
            self._paged(body),
            rows.at if rows is not None else None,
            save_at,
        )

    def _input(self, key: Scalar, body: Mapping) -> Input:
        reader = self.reader
        what = f'input "{key.value}"'
        attempts_max, attempts_next, attempts_at = 0, "", None
        attempts = body.get("attempts")
        if attempts is not None:
            inner = reader.mapping(attempts, '"attempts:"', ("max", "next"))
            attempts_max = reader.integer(inner, "max", 3, 1, 10)
            attempts_next, attempts_at = reader.target(inner, "next", '"attempts:"')
        save, save_at = reader.target(body, "save", what)
        dest, at = self._next(key, body)
        return Input(
            key.value,
            key.at,
            reader.body(body.get("input"), what, key.at),
            save,
            save_at,
            dest,
            at,
            self._checks(body),
            attempts_max,
            attempts_next,
            attempts_at,
            *self._shortcut(body),
            reader.boolean(body, "keep", default=False),
            self._paged(body),
        )

    def _checks(self, body: Mapping) -> tuple[Check, ...]:
        node = body.get("check")
        if node is None:
            return ()
        if isinstance(node, Sequence):
            self.reader.most(node, CHECKS_MAX, '"check:"', "checks")
        items = self.reader.sequence(node, '"check:"', node.at)
        return tuple(self._check(item) for item in items[:CHECKS_MAX])

    def _check(self, node: Node) -> Check:
        reader = self.reader
        body = reader.mapping(node, "a check", ("rule", "when", "error"))
        rule = reader.word(body, "rule", "a check", "")
        if ("rule" in body.by_name) == ("when" in body.by_name):
            reader.problem(node.at, "missing-key", 'a check has either "rule:" or "when:"')
        error = reader.text(body.get("error"), "a check", node.at)
        rule_node = body.get("rule")
        return Check(rule, reader.when(body), error, rule_node.at if rule_node else node.at)

    def _show(self, key: Scalar, body: Mapping) -> Show:
        dest, at = self._next(key, body)
        text = self.reader.body(body.get("show"), f'show "{key.value}"', key.at)
        return Show(key.value, key.at, text, dest, at, self._paged(body))

    def _wait(self, key: Scalar, body: Mapping) -> Wait:
        dest, at = self._next(key, body)
        text = self.reader.body(body.get("wait"), f'wait "{key.value}"', key.at)
        return Wait(key.value, key.at, text, dest, at, self._paged(body))

    def _end(self, key: Scalar, body: Mapping) -> End:
        text = self.reader.body(body.get("end"), f'end "{key.value}"', key.at)
        if text.parts and all(part.when or part.rows is not None for part in text.parts):
            sentence = f'end "{key.value}" may show nothing: leave a part without "when:"'
            self.reader.problem(text.at, "bad-text", sentence)
        return End(key.value, key.at, text, self._paged(body))

    def _call(self, key: Scalar, body: Mapping) -> CallState:
        reader = self.reader
        given = body.get("with")
        entries = reader.mapping(given, '"with:"', None).entries if given is not None else ()
        arguments = {
            name.value: reader.text(value, f'"{name.value}:"', name.at) for name, value in entries
        }
        outcomes, places, outcomes_at = self._outcomes(body)
        places |= {f"with:{name.value}": name.at for name, _ in entries}
        backend, backend_at = reader.target(body, "call", "a call")
        save, save_at = reader.target(body, "save", "a call", "")
        language = body.get("in")
        code = reader.scalar(language, '"in:"').value if language is not None else ""
        if language is not None and code not in reader.languages:
            hint = did_you_mean(code, reader.languages)
            reader.problem(language.at, "wrong-type", f'no language "{code}"{hint}')
        return CallState(
            key.value,
            key.at,
            backend,
            backend_at,
            arguments,
            given.at if given is not None else key.at,
            outcomes,
            outcomes_at,
            places,
            reader.seconds(body, "deadline", 0.0, DEADLINE_MAX),
            save,
            reader.one_of(body, "once_per", ("session", "visit"), ""),
            reader.integer(body, "waits", 3, 0, 3),
            code,
            save_at,
        )

    def _outcomes(self, body: Mapping) -> tuple[dict[str, str], dict[str, Position], Position]:
        reader = self.reader
        node = body.get("outcomes")
        if node is None:
            return {}, {}, body.at  # the checks name each that is missing
        entries = reader.mapping(node, '"outcomes:"', None).entries
        outcomes = {name.value: reader.scalar(value, "an outcome").value for name, value in entries}
        for name, value in entries:
            if isinstance(value, Scalar) and not value.value:
                reader.problem(name.at, "missing-key", f'outcome "{name.value}" leads nowhere')
        places = {name.value: value.at for name, value in entries}
        places |= {f"name:{name.value}": name.at for name, _ in entries}
        keys = [key for key, _ in body.entries if key.value == "outcomes"]
        return outcomes, places, keys[0].at

    def _branch(self, key: Scalar, body: Mapping) -> Branch:
        cases = []
        items = self.reader.sequence(body.get("branch"), '"branch:"', key.at)
        if not items and not isinstance(body.get("branch"), Mapping | Scalar):
            sentence = f'branch "{key.value}" has no case'
            self.reader.problem(body.by_name["branch"].at, "missing-key", sentence)
        for item in items:
            inner = self.reader.mapping(item, "a case", ("when", "next"))
            if "when" not in inner.by_name:
                self.reader.problem(item.at, "missing-key", 'a case needs "when:"')
            dest, at = self.reader.target(inner, "next", "a case")
            cases.append(Case(self.reader.when(inner), dest, at))
        otherwise, at = self.reader.target(body, "else", f'branch "{key.value}"')
        return Branch(key.value, key.at, tuple(cases), otherwise, at)

    def _set(self, key: Scalar, body: Mapping) -> SetState:
        reader = self.reader
        what = f'set "{key.value}"'
        assignments = tuple(
            Assignment(name.value, self._value(value), name.at)
            for name, value in reader.mapping(body.get("set"), what, None).entries
        )
        forget = self._names(body, "forget")
        if not assignments and not forget:
            reader.problem(key.at, "missing-key", f"{what} sets nothing and forgets nothing")
        dest, at = self._next(key, body)
        otherwise, otherwise_at = reader.target(body, "else", what, "")
        return SetState(
            key.value,
            key.at,
            assignments,
            tuple(forget),
            dest,
            at,
            otherwise,
            otherwise_at if otherwise else None,
        )

    def _value(self, node: Node, depth: int = 0) -> Value:
        reader = self.reader
        if not isinstance(node, Mapping) or "function" not in node.by_name:
            return reader.text(node, "a value", node.at)
        body = reader.mapping(node, "a value", ("function", "with"))
        given = body.get("with")
        entries = reader.mapping(given, '"with:"', None).entries if given is not None else ()
        if depth >= DEPTH_MAX:
            reader.problem(node.at, "too-large", f"functions nest {DEPTH_MAX} deep at most")
            entries = ()
        name = reader.scalar(body.by_name["function"], '"function:"')
        return Apply(
            name.value,
            {each.value: self._value(value, depth + 1) for each, value in entries},
            name.at,
        )

    def _flow(self, key: Scalar, body: Mapping) -> FlowState:
        reader = self.reader
        what = f'flow "{key.value}"'
        given = body.get("with")
        entries = reader.mapping(given, '"with:"', None).entries if given is not None else ()
        outcomes, places, outcomes_at = self._outcomes(body)
        places |= {f"with:{name.value}": name.at for name, _ in entries}
        called, called_at = reader.target(body, "flow", what)
        too_deep, too_deep_at = reader.target(body, "too_deep", what, "")
        depth = reader.integer(body, "depth", 1, 1, DEPTH_MAX)
        if ("depth" in body.by_name) != ("too_deep" in body.by_name):
            reader.problem(key.at, "missing-key", '"depth:" and "too_deep:" go together')
        return FlowState(
            key.value,
            key.at,
            called,
            called_at,
            {name.value: self._value(value) for name, value in entries},
            outcomes,
            outcomes_at,
            places,
            self._save(body, what, ""),
            depth,
            too_deep,
            too_deep_at if too_deep else None,
        )
