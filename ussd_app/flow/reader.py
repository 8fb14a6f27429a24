"""Reads nodes against a schema and collects what is wrong; the vocabulary of the parsers."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ussd_app.flow.diagnostics import Diagnostic, Position, did_you_mean, meant
from ussd_app.flow.model import Body, Condition, Operator, Part, Text, When
from ussd_app.flow.syntax import Mapping, Node, Scalar, Sequence
from ussd_app.render import texts

#: Names of states, variables, fields: what a text may name between braces.
NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
#: Codes of languages (ISO 639), as keys of a text.
LANGUAGE = re.compile(r"[a-z]{2,3}\Z")
_DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)(ms|s|m|h|d)\Z")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_COMPARED = re.compile(r"(\{[^{}]+\})\s*(==|!=|<=|>=|<|>)\s*(\S.*)\Z")
_IS_SET = re.compile(r"(\{[^{}]+\})\s+(is set|is not set)\Z")
#: A comment that a plain text runs into, or that is all there is.
_CUT = re.compile(r"\s*#")
#: What a literal cannot hold: the author meant to go on to a second condition.
_SECOND = re.compile(r"(?<=\s)(?:and|or)(?=\s)|&&|\|\|", re.IGNORECASE)
_TWO = "one condition each: write a list for `and`, two cases for `or`"
#: Parts of one text, and conditions of one `when:`.
PARTS_MAX = 20
CONDITIONS_MAX = 10
_PART_KEYS = ("text", "when", "rows")

EMPTY = texts.parse("")


class Reader:
    """Typed access to nodes; every refusal becomes a diagnostic and a harmless default."""

    def __init__(self, file: str, source: str = "") -> None:
        self.file = file
        self._lines = lines_of(source)
        self.problems: list[Diagnostic] = []
        self.languages: tuple[str, ...] = ()
        #: Names that something unread may set; "*" where it may set any.
        self.unread: set[str] = set()
        self._misspelt: set[Position] = set()

    def problem(self, at: Position, check: str, sentence: str) -> None:
        """Note one problem."""
        self.problems.append(Diagnostic(at, check, sentence))

    def mapping(
        self,
        node: Node | None,
        what: str,
        known: Iterable[str] | None,
        parent: Position | None = None,
    ) -> Mapping:
        """`node` as a mapping whose keys are all `known` (None: any name).

        A misspelt key is told, and stands in what is given back under the name that was meant.
        `parent` is where to say that there is no such node at all.
        """
        if node is None:
            at = parent or Position(self.file, 1, 1, 1, 2)
            self.problem(at, "missing-key", f"{what} must be given, and is not")
            return Mapping((), at)
        if not isinstance(node, Mapping):
            self.problem(node.at, "wrong-shape", f"{what} must be keys with values")
            return Mapping((), node.at)
        return node if known is None else self._known(node, what, set(known))

    def _known(self, node: Mapping, what: str, names: set[str]) -> Mapping:
        misspelt: dict[str, str] = {}
        for key, value in node.entries:
            if key.value in names:
                continue
            if self._is_rest(key, value):
                hint = "; put quotes around a text with a comma"
            else:
                hint = did_you_mean(key.value, names)
                near = meant(key.value, names)
                if near and near not in node.by_name and near not in misspelt.values():
                    misspelt[key.value] = near
            self.problem(key.at, "unknown-key", f'{what} has no key "{key.value}"{hint}')
        return self.renamed(node, misspelt) if misspelt else node

    def renamed(self, node: Mapping, misspelt: dict[str, str]) -> Mapping:
        """`node` with misspelt keys under the names that were meant: told already."""
        self._misspelt |= {key.at for key, _ in node.entries if key.value in misspelt}
        entries = tuple(
            (Scalar(misspelt.get(key.value, key.value), key.at, key.plain), value)
            for key, value in node.entries
        )
        return Mapping(entries, node.at, {key.value: value for key, value in entries})

    def _is_rest(self, key: Scalar, value: Node) -> bool:
        """Whether a key is the rest of a text between braces that has a comma in it."""
        at = key.at
        if not isinstance(value, Scalar) or value.value or at.end_line > len(self._lines):
            return False
        behind = self._lines[at.end_line - 1][at.end_column - 1 :].lstrip()
        return behind.startswith((",", "}"))

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
        scalar = self.scalar(node, f'"{key}:"')
        if not scalar.value.strip() and isinstance(node, Scalar):
            at = self._key_at(parent, key)
            if at not in self._misspelt:
                self.problem(at, "missing-key", f'"{key}:" is empty')
        return scalar.value

    def _key_at(self, parent: Mapping, key: str) -> Position:
        return next(each.at for each, _ in parent.entries if each.value == key)

    def target(
        self, parent: Mapping, key: str, what: str, default: str | None = None
    ) -> tuple[str, Position]:
        """The text under `key`, and where it stands."""
        node = parent.get(key)
        return self.word(parent, key, what, default), node.at if node is not None else parent.at

    def scalar(self, node: Node, what: str) -> Scalar:
        """`node` as a text."""
        if isinstance(node, Scalar):
            return node
        self.problem(node.at, "wrong-shape", f"{what} must be one text")
        return Scalar("", node.at)

    def version(self, top: Mapping, what: str) -> None:
        """Check the version of the language a file is written in."""
        typed = self.word(top, "cassou", what)
        if typed.strip() not in {"1", ""}:
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

    def seconds(
        self, parent: Mapping, key: str, default: float, most: float | None = None
    ) -> float:
        """A duration such as 3s, 250ms or 10m, in seconds; with `most`, over 0 and at most that."""
        node = parent.get(key)
        if node is None:
            return default
        match = _DURATION.match(self.scalar(node, f'"{key}:"').value)
        if match is None:
            sentence = f'"{key}:" must be a duration such as 3s, 10m or 90d'
            self.problem(node.at, "wrong-type", sentence)
            return default
        found = float(match[1]) * _UNIT_SECONDS[match[2]]
        if most is not None and not 0 < found <= most:
            sentence = f'"{key}:" must be longer than nothing and at most {most / 3600:g}h'
            self.problem(node.at, "wrong-type", sentence)
            return default
        return found

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
        self._whole(scalar)
        try:
            return texts.parse(scalar.value)
        except texts.BadText as error:
            at = place_at(self._lines, scalar.at, scalar.value, error.offset, error.length)
            self.problem(at, "bad-text", str(error))
            return EMPTY

    def _whole(self, scalar: Scalar) -> None:
        """Notice a text that a `#` has cut: a comment begins where the author went on writing."""
        at = scalar.at
        if not scalar.plain or at.end_line > len(self._lines):
            return
        end = at.end_column if scalar.value else at.column
        cut = _CUT.match(self._lines[at.end_line - 1], end - 1)
        if cut is not None:
            where = Position(self.file, at.end_line, cut.end(), at.end_line, cut.end() + 1)
            sentence = "this # begins a comment, so the text ends before it; put quotes around it"
            sentence += ", or the comment on a line of its own"
            self.problem(where, "yaml-trap", sentence)

    def text(self, node: Node | None, what: str, at: Position) -> Text:
        """A text in every language of the flow: one text for all, or language by language."""
        if node is None:
            self.problem(at, "missing-key", f"{what} needs a text")
            return Text(dict.fromkeys(self.languages, EMPTY), at)
        if isinstance(node, Scalar):
            template = self._words(node, what)
            places = dict.fromkeys(self.languages, node.at)
            return Text(dict.fromkeys(self.languages, template), node.at, places)
        if not isinstance(node, Mapping):
            self.problem(node.at, "wrong-shape", f"{what} must be a text, or one per language")
            return Text(dict.fromkeys(self.languages, EMPTY), node.at)
        if len(node.entries) == 1 and not LANGUAGE.match(node.entries[0][0].value):
            # {customer.name}, unquoted, is a mapping to YAML.
            sentence = f"{what} must be a text, or one per language"
            self.problem(node.at, "yaml-trap", f"{sentence}; put quotes around a text with braces")
            return Text(dict.fromkeys(self.languages, EMPTY), node.at)
        return self._translated(self.mapping(node, what, self.languages), what)

    def _translated(self, node: Mapping, what: str) -> Text:
        by_language, places = {}, {}
        # A language that is written differently is one mistake, not two.
        others = sum(key.value not in {*self.languages, *_PART_KEYS} for key, _ in node.entries)
        missing = sum(language not in node.by_name for language in self.languages)
        for language in self.languages:
            inner = node.get(language)
            if inner is None and missing <= others:
                by_language[language] = EMPTY
            elif inner is None:
                sentence = f'{what} has no text in "{language}"'
                self.problem(node.at, "missing-translation", sentence)
                by_language[language] = EMPTY
            else:
                word = self.scalar(inner, what)
                by_language[language] = self._words(word, what) if word is inner else EMPTY
                places[language] = inner.at
        return Text(by_language, node.at, places)

    def _words(self, scalar: Scalar, what: str) -> texts.Template:
        before = len(self.problems)
        template = self.template(scalar)
        if len(self.problems) == before and not scalar.value.strip():
            self.problem(scalar.at, "bad-text", f"{what} is empty")
        return template

    def body(self, node: Node | None, what: str, at: Position) -> Body:
        """The text of a screen: one text, or parts one under the other."""
        if not isinstance(node, Sequence):
            text = self.text(node, what, at)
            return Body((Part(text),), text.at)
        if not node.items:
            self.problem(node.at, "bad-text", f"{what} is empty")
        items = self.most(node, PARTS_MAX, what, "parts")
        return Body(tuple(self._part(item, what) for item in items), node.at)

    def most(self, node: Sequence, most: int, what: str, of: str) -> tuple[Node, ...]:
        """The items of a list, of which there may be so many."""
        if len(node.items) > most:
            sentence = f"{what} has {len(node.items)} {of}; {most} are the most"
            self.problem(node.at, "too-large", sentence)
        return node.items[:most]

    def _part(self, node: Node, what: str) -> Part:
        if not isinstance(node, Mapping) or not set(_PART_KEYS) & set(node.by_name):
            return Part(self.text(node, f"a part of {what}", node.at))
        part = f"a part of {what}"
        keys: tuple[str, ...] = _PART_KEYS
        if "text" not in node.by_name and set(self.languages) & set(node.by_name):
            keys = (*_PART_KEYS[1:], *self.languages)
        node = self.mapping(node, part, keys)
        own = node.get("text")
        rows = node.get("rows")
        return Part(
            self.text(own, part, node.at) if own is not None else self._translated(node, part),
            self.when(node),
            self.place(rows, '"rows:"', node.at) if rows is not None else None,
            rows.at if rows is not None else None,
        )

    def place(self, node: Node | None, what: str, at: Position) -> texts.Place:
        """One `{name.field}` and nothing beside it."""
        if isinstance(node, Scalar):
            parts = self.template(node).parts
            if len(parts) == 1 and isinstance(parts[0], texts.Place):
                return parts[0]
        check, hint = "missing-key" if node is None else "wrong-shape", ""
        if isinstance(node, Mapping):
            check, hint = "yaml-trap", "; put quotes around it"
        sentence = f"{what} must be one {{name}} or {{name.field}}{hint}"
        self.problem(node.at if node else at, check, sentence)
        return texts.Place("", None, (), 0)

    def when(self, parent: Mapping) -> When:
        """The conditions under `when:`: one, or a list that must all hold."""
        node = parent.get("when")
        if node is None:
            return ()
        items: tuple[Node, ...] = (node,)
        if isinstance(node, Sequence):
            items = self.most(node, CONDITIONS_MAX, '"when:"', "conditions")
        if not items:
            self.problem(node.at, "bad-condition", '"when:" has no condition')
        found = (self._condition(item) for item in items)
        return tuple(condition for condition in found if condition is not None)

    def _condition(self, node: Node) -> Condition | None:
        scalar = self.scalar(node, "a condition")
        self._whole(scalar)
        typed = scalar.value.strip()
        match = _IS_SET.match(typed) or _COMPARED.match(typed)
        if self._is_two(scalar, typed, match):
            return None
        if match is None:
            if typed or isinstance(node, Scalar):
                example = '"{amount} > 10" or "{amount} is set"'
                sentence = f'"{typed}" is not a condition such as {example}'
                self.problem(scalar.at, "bad-condition", sentence)
            return None
        left = self.place(Scalar(match[1], scalar.at), "the left side", scalar.at)
        operator = Operator(match[2])
        if operator in {Operator.SET, Operator.UNSET}:
            return Condition(left, operator, None, scalar.at)
        right = match[3].strip()
        if right.startswith("{"):
            side = self.place(Scalar(right, scalar.at), "the right side", scalar.at)
            return Condition(left, operator, side, scalar.at)
        return Condition(left, operator, right.strip("\"'"), scalar.at)

    def _is_two(self, scalar: Scalar, typed: str, match: re.Match[str] | None) -> bool:
        """Whether one condition goes on to another, which is told."""
        start = match.start(3) if match and match.re is _COMPARED else typed.find("}") + 1
        right = typed[start:]
        quoted = right[:1] in {'"', "'"} and right.find(right[0], 1) == len(right) - 1
        if quoted or not start:
            return False
        second = _SECOND.search(right)
        offset, length = (second.start(), len(second[0])) if second else (right.find("{", 1), 1)
        if offset < 0 or (second is None and match is None):
            return False
        offset += start + scalar.value.find(typed)
        at = place_at(self._lines, scalar.at, scalar.value, offset, length)
        self.problem(at, "bad-condition", _TWO)
        return True


def lines_of(source: str) -> list[str]:
    """The lines of a YAML source, as YAML counts them."""
    return re.split("\r\n|[\n\r\x85\u2028\u2029]", source.removeprefix("\ufeff"))


def place_at(lines: list[str], scalar: Position, value: str, offset: int, length: int) -> Position:
    """Where `length` characters at `offset` of a scalar stand; the whole scalar if not known."""
    if scalar.line != scalar.end_line or not 0 < scalar.line <= len(lines):
        return scalar
    wanted = value[offset : offset + length]
    written = lines[scalar.line - 1][scalar.column - 1 : scalar.end_column - 1]
    # The same words may stand there twice: the one that as many others precede.
    nth = value.count(wanted, 0, offset)
    start = -1
    for _ in range(nth + 1):
        start = written.find(wanted, start + 1)
        if start < 0:
            return scalar
    column = scalar.column + start
    return Position(scalar.file, scalar.line, column, scalar.line, column + length)
