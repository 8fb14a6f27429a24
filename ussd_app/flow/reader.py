"""Reads nodes against a schema and collects what is wrong; the vocabulary of the parsers."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ussd_app.flow.diagnostics import Diagnostic, Position, did_you_mean
from ussd_app.flow.model import Text
from ussd_app.flow.syntax import Mapping, Node, Scalar, Sequence
from ussd_app.render import texts

#: Names of states, variables, fields: what a text may name between braces.
NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)\Z")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}

EMPTY = texts.parse("")


class Reader:
    """Typed access to nodes; every refusal becomes a diagnostic and a harmless default."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Diagnostic] = []
        self.languages: tuple[str, ...] = ()

    def problem(self, at: Position, check: str, sentence: str) -> None:
        """Note one problem."""
        self.problems.append(Diagnostic(at, check, sentence))

    def mapping(self, node: Node | None, what: str, known: Iterable[str] | None) -> Mapping:
        """`node` as a mapping whose keys are all `known` (None: any name)."""
        if not isinstance(node, Mapping):
            at = node.at if node is not None else Position(self.file, 1, 1, 1, 2)
            self.problem(at, "wrong-shape", f"{what} must be keys with values")
            return Mapping((), at)
        if known is not None:
            names = set(known)
            for key, _ in node.entries:
                if key.value not in names:
                    hint = did_you_mean(key.value, names)
                    self.problem(key.at, "unknown-key", f'{what} has no key "{key.value}"{hint}')
        return node

    def sequence(self, node: Node | None, what: str, at: Position) -> tuple[Node, ...]:
        """`node` as a list."""
        if isinstance(node, Sequence):
            return node.items
        self.problem(node.at if node else at, "wrong-shape", f"{what} must be a list")
        return ()

    def word(self, parent: Mapping, key: str, what: str, default: str | None = None) -> str:
        """The text under `key`; required where there is no default."""
        node = parent.get(key)
        if node is None:
            if default is None:
                self.problem(parent.at, "missing-key", f'{what} needs "{key}:"')
            return default or ""
        return self.scalar(node, f'"{key}:"').value

    def scalar(self, node: Node, what: str) -> Scalar:
        """`node` as a text."""
        if isinstance(node, Scalar):
            return node
        self.problem(node.at, "wrong-shape", f"{what} must be one text")
        return Scalar("", node.at)

    def version(self, top: Mapping, what: str) -> None:
        """Check the version of the language a file is written in."""
        typed = self.word(top, "cassou", what)
        if typed not in {"1", ""}:
            at = top.by_name["cassou"].at
            self.problem(at, "wrong-version", f'this Cassou reads "cassou: 1", not "{typed}"')

    def name(self, scalar: Scalar, what: str) -> str:
        """A name: lower-case letters, digits and underscores."""
        if not NAME.match(scalar.value):
            sentence = f'{what} "{scalar.value}" must be lower-case letters, digits and underscores'
            self.problem(scalar.at, "bad-name", sentence)
        return scalar.value

    def integer(self, parent: Mapping, key: str, default: int, low: int, high: int) -> int:
        """A whole number between `low` and `high`."""
        node = parent.get(key)
        if node is None:
            return default
        typed = self.scalar(node, f'"{key}:"').value
        if typed.isascii() and typed.isdigit() and low <= int(typed) <= high:
            return int(typed)
        self.problem(node.at, "wrong-type", f'"{key}:" must be a whole number, {low} to {high}')
        return default

    def boolean(self, parent: Mapping, key: str, *, default: bool) -> bool:
        """`true` or `false`."""
        node = parent.get(key)
        if node is None:
            return default
        typed = self.scalar(node, f'"{key}:"').value
        if typed in {"true", "false"}:
            return typed == "true"
        self.problem(node.at, "wrong-type", f'"{key}:" must be true or false')
        return default

    def seconds(self, parent: Mapping, key: str, default: float) -> float:
        """A duration such as 3s, 250ms or 10m, in seconds."""
        node = parent.get(key)
        if node is None:
            return default
        match = _DURATION.match(self.scalar(node, f'"{key}:"').value)
        if match:
            return float(match[1]) * _UNIT_SECONDS[match[2]]
        self.problem(node.at, "wrong-type", f'"{key}:" must be a duration such as 3s or 10m')
        return default

    def one_of(self, parent: Mapping, key: str, allowed: tuple[str, ...], default: str) -> str:
        """One of the words `allowed`."""
        node = parent.get(key)
        if node is None:
            return default
        typed = self.scalar(node, f'"{key}:"')
        if typed.value in allowed:
            return typed.value
        hint = did_you_mean(typed.value, allowed)
        self.problem(typed.at, "wrong-type", f'"{key}:" cannot be "{typed.value}"{hint}')
        return default

    def template(self, scalar: Scalar) -> texts.Template:
        """A text with places for values."""
        try:
            return texts.parse(scalar.value)
        except texts.BadText as error:
            self.problem(scalar.at, "bad-text", str(error))
            return EMPTY

    def text(self, node: Node | None, what: str, at: Position) -> Text:
        """A text in every language of the flow: one text for all, or language by language."""
        if node is None:
            self.problem(at, "missing-key", f"{what} needs a text")
            return Text(dict.fromkeys(self.languages, EMPTY), at)
        if isinstance(node, Scalar):
            template = self.template(node)
            return Text(dict.fromkeys(self.languages, template), node.at)
        if not isinstance(node, Mapping):
            self.problem(node.at, "wrong-shape", f"{what} must be a text, or one per language")
            return Text(dict.fromkeys(self.languages, EMPTY), node.at)
        found = self.mapping(node, what, self.languages)
        by_language = {}
        for language in self.languages:
            inner = found.get(language)
            if inner is None:
                sentence = f'{what} has no text in "{language}"'
                self.problem(node.at, "missing-translation", sentence)
                by_language[language] = EMPTY
            else:
                by_language[language] = self.template(self.scalar(inner, what))
        return Text(by_language, node.at)

    def place(self, node: Node | None, what: str, at: Position) -> texts.Place:
        """One `{name.field}` and nothing beside it."""
        if isinstance(node, Scalar):
            parts = self.template(node).parts
            if len(parts) == 1 and isinstance(parts[0], texts.Place):
                return parts[0]
        self.problem(node.at if node else at, "wrong-shape", f"{what} must be one {{name.field}}")
        return texts.Place("", None, (), 0)
