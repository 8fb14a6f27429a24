"""Where the texts of a file stand, with the path of each: one per language, or one for all.

Read from the nodes of the source, not from a compiled flow, so that a flow that lacks translations
can be translated. Three kinds of file have texts: flows, the framework's own texts, messages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import NoReturn

from ussd_app.flow import syntax
from ussd_app.flow.diagnostics import Diagnostic, FlowError
from ussd_app.flow.functions import FUNCTIONS
from ussd_app.flow.reader import LANGUAGE
from ussd_app.flow.syntax import Node, Scalar

#: What a translation leaves as it is: places and doubled braces.
KEPT = re.compile(r"(\{\{|\}\}|\{[^{}]*\})")
#: Kinds of states that show a text under their own key.
_VISIBLE = ("menu", "list", "input", "show", "wait", "end")
#: Keys of a part of a screen that are no languages.
_PART_KEYS = frozenset({"when", "rows", "text"})


@dataclass(frozen=True, slots=True)
class Found:
    """One text that has a language of its own for each scalar in `by_language`.

    Where `node` is a scalar, it is one text for all languages, the same scalar for each.

    `context` is its path in the file, items of lists counted from 1. `note` says what it is. A
    value (`is_value`) is handed to a back-end, a variable or another flow: it may be a code.
    """

    context: str
    note: str
    node: syntax.Mapping | Scalar
    by_language: Mapping[str, Scalar]
    is_value: bool = False

    @property
    def is_shared(self) -> bool:
        """Whether it is one text for all languages."""
        return isinstance(self.node, Scalar)

    def text(self, language: str) -> str:
        """The text in `language`, "" where there is none."""
        scalar = self.by_language.get(language)
        return scalar.value if scalar is not None else ""


@dataclass(frozen=True, slots=True)
class Document:
    """A file with its texts in the order they stand in.

    `kind` is flow, system or messages; `languages` are the declared ones, the default first (for
    messages, which declare none, those in use). `declared` is the node that declares them.
    """

    kind: str
    name: str
    languages: tuple[str, ...]
    declared: Node | None
    root: syntax.Mapping
    texts: tuple[Found, ...]

    @property
    def default(self) -> str:
        """The language the others are translated from."""
        return self.languages[0]


def worded(text: str) -> bool:
    """Whether a text has a letter outside its places: something to translate."""
    return any(character.isalpha() for character in KEPT.sub("", text))


def find(source: str, file: str) -> Document:
    """The texts of `source`, a flow, system texts or messages; raises `FlowError`.

    One text for all languages is among them if it is `worded`, may be told by language, and is not
    known to be a code or a number.
    """
    root, problems = syntax.read(source, file)

    def refuse(node: Node, sentence: str) -> NoReturn:
        raise FlowError([Diagnostic(node.at, "wrong-shape", sentence)], {file: source})

    if root is None or problems:
        raise FlowError(problems, {file: source})
    if not isinstance(root, syntax.Mapping):
        refuse(root, "a file of texts must be keys with values")
    if root.get("states") is not None:
        return _flow(root, file, refuse)
    if root.get("texts") is not None:
        return _system(root, file, refuse)
    if root.get("messages") is None:
        refuse(root, 'no texts to translate here: neither "states:", "texts:" nor "messages:"')
    return _messages(root, file, refuse)


_Refuse = Callable[[Node, str], NoReturn]


def _flow(root: syntax.Mapping, file: str, refuse: _Refuse) -> Document:
    declared = root.get("languages")
    default = _get(declared, "default")
    if not isinstance(default, Scalar):
        refuse(declared or root, '"languages:" must say which one is the "default:"')
    also = _get(declared, "also")
    languages = (default.value, *(_words(also, refuse) if also is not None else ()))
    name = root.get("flow")
    walk = _Walk(languages)
    walk.flow(root)
    return Document(
        "flow",
        name.value if isinstance(name, Scalar) else PurePath(file).stem,
        languages,
        declared,
        root,
        walk.in_order(),
    )


def _system(root: syntax.Mapping, file: str, refuse: _Refuse) -> Document:
    declared = root.get("languages")
    languages = _words(declared, refuse) if declared is not None else ()
    if not languages:
        refuse(declared or root, '"languages:" must list at least one language')
    walk = _Walk(languages)
    for name, node in _entries(root.get("texts")):
        walk.text(node, f"texts.{name}", f"the framework's own text {name}")
    return Document("system", PurePath(file).stem, languages, declared, root, walk.in_order())


def _messages(root: syntax.Mapping, file: str, refuse: _Refuse) -> Document:
    default = root.get("default_language")
    if not isinstance(default, Scalar):
        refuse(root, 'messages need "default_language:"')
    # A message has a text per language, always.
    walk = _Walk(())
    for name, node in _entries(root.get("messages")):
        walk.text(node, f"messages.{name}", f"SMS {name}")
    used = (language for found in walk.in_order() for language in found.by_language)
    languages = tuple(dict.fromkeys((default.value, *used)))
    return Document("messages", PurePath(file).stem, languages, None, root, walk.in_order())


def _words(node: Node, refuse: _Refuse) -> tuple[str, ...]:
    if not isinstance(node, syntax.Sequence):
        refuse(node, "languages must be a list, such as [en]")
    for item in node.items:
        if not isinstance(item, Scalar):
            refuse(item, "a language must be one word")
    return tuple(item.value for item in node.items if isinstance(item, Scalar))


def _get(node: Node | None, key: str) -> Node | None:
    return node.get(key) if isinstance(node, syntax.Mapping) else None


def _entries(node: Node | None) -> Iterator[tuple[str, Node]]:
    if isinstance(node, syntax.Mapping):
        yield from ((key.value, value) for key, value in node.entries)


def _items(node: Node | None) -> Iterator[tuple[int, Node]]:
    if isinstance(node, syntax.Sequence):
        yield from enumerate(node.items, 1)


class _Walk:
    """Goes where the grammar has texts; a mapping elsewhere, `outcomes:` say, is none."""

    def __init__(self, languages: Sequence[str]) -> None:
        """`languages` are those of a text for all; none where there can be no such text."""
        self._languages = languages
        self._found: list[Found] = []
        self._types: dict[str, str] = {}

    def in_order(self) -> tuple[Found, ...]:
        """What was found, as it stands in the file."""
        return tuple(sorted(self._found, key=lambda found: found.node.at))

    def text(self, node: Node | None, context: str, note: str, ignored: Sequence[str] = ()) -> None:
        """One text."""
        self._keep(node, context, note, frozenset(ignored), is_value=False)

    def flow(self, root: syntax.Mapping) -> None:
        """Every text of a flow."""
        self._types = {
            name: kind.value
            for group in ("vars", "args")
            for name, node in _entries(root.get(group))
            if isinstance(kind := _get(node, "type"), Scalar)
        }
        for group in ("vars", "args"):
            for name, node in _entries(root.get(group)):
                self._variable(node, f"{group}.{name}", f'variable "{name}"')
        for place, node in _items(root.get("on_drop")):
            note = "SMS to a client whose session was dropped"
            self.text(_get(node, "text"), f"on_drop[{place}].text", note)
        for exit_name, fields in _entries(root.get("returns")):
            for name, node in _entries(fields):
                note = f'exit "{exit_name}": the value of {name}'
                self._value(node, f"returns.{exit_name}.{name}", note)
        for name, node in _entries(root.get("states")):
            self._state(node, f"states.{name}", name)

    def _variable(self, node: Node, path: str, what: str) -> None:
        self.text(_get(node, "label"), f"{path}.label", f"{what}: what the client knows it as")
        for value, label in _entries(_get(node, "values")):
            self.text(label, f"{path}.values.{value}", f'{what}: label of the choice "{value}"')

    def _state(self, node: Node, path: str, name: str) -> None:
        kinds = [key for key, _ in _entries(node) if key in (*_VISIBLE, "call", "set", "flow")]
        if not kinds:
            return
        kind = kinds[0]
        what = f'{kind} "{name}"'
        if kind in _VISIBLE:
            self._body(_get(node, kind), f"{path}.{kind}", what)
        for place, option in _items(_get(node, "options")):
            note = f"{what}: label of option {place}"
            self.text(_get(option, "label"), f"{path}.options[{place}].label", note)
        self.text(_get(node, "row"), f"{path}.row", f"{what}: one row of the list")
        self._checks(_get(node, "check"), f"{path}.check", what)
        otherwise = _get(node, "otherwise")
        self._checks(_get(otherwise, "check"), f"{path}.otherwise.check", what)
        for argument, value in _entries(_get(node, "with")):
            self._value(value, f"{path}.with.{argument}", f"{what}: given to it as {argument}")
        if kind == "set":
            for argument, value in _entries(_get(node, "set")):
                is_code = self._types.get(argument, "text") != "text"
                note = f"{what}: the value of {argument}"
                self._value(value, f"{path}.set.{argument}", note, is_code=is_code)

    def _body(self, node: Node | None, path: str, what: str) -> None:
        if not isinstance(node, syntax.Sequence):
            self.text(node, path, f"{what}: the text of the screen")
        for place, part in _items(node):
            repeated = _get(part, "rows") is not None
            note = f"{what}: part {place} of the screen" + (", once per row" if repeated else "")
            inner = _get(part, "text")
            if inner is not None:
                self.text(inner, f"{path}[{place}]", note)
            else:
                self.text(part, f"{path}[{place}]", note, tuple(_PART_KEYS))

    def _checks(self, node: Node | None, path: str, what: str) -> None:
        for place, check in _items(node):
            note = f"{what}: shown when the answer is refused by check {place}"
            self.text(_get(check, "error"), f"{path}[{place}].error", note)

    def _value(self, node: Node, path: str, note: str, *, is_code: bool = False) -> None:
        """A value: a text, or a function of values. A code for all languages is no text."""
        function = _get(node, "function")
        if function is None:
            if not (is_code and isinstance(node, Scalar)):
                self._keep(node, path, note, frozenset(), is_value=True)
            return
        # Those built in take numbers, rows and names of fields.
        is_code = isinstance(function, Scalar) and function.value in FUNCTIONS
        for name, value in _entries(_get(node, "with")):
            inner = f"{note}, given to a function as {name}"
            self._value(value, f"{path}.with.{name}", inner, is_code=is_code)

    def _keep(
        self, node: Node | None, context: str, note: str, ignored: frozenset[str], *, is_value: bool
    ) -> None:
        if isinstance(node, Scalar) and self._languages and worded(node.value):
            shared = dict.fromkeys(self._languages, node)
            self._found.append(Found(context, note, node, shared, is_value))
        if not isinstance(node, syntax.Mapping):
            return
        texts = {key: value for key, value in _entries(node) if key not in ignored}
        scalars = {key: value for key, value in texts.items() if isinstance(value, Scalar)}
        # {name}, unquoted, is a mapping to YAML, but no language.
        if scalars and len(scalars) == len(texts) and all(map(LANGUAGE.match, texts)):
            self._found.append(Found(context, note, node, scalars, is_value))
