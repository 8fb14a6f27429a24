"""`languages:` of a flow; where it cannot be read, the languages its texts are written in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from ussd_app.flow.diagnostics import did_you_mean
from ussd_app.flow.reader import LANGUAGE, Reader
from ussd_app.flow.syntax import Mapping, Node, Scalar, Sequence

LANGUAGES_MAX = 8
#: Texts looked at to tell the languages of a flow that does not say them.
_TEXTS_MAX = 50


def read_languages(reader: Reader, top: Mapping, known: Collection[str]) -> float:
    """Reads `languages:` into the reader; gives how long a client's choice is remembered, in s.

    `known` are the languages of the framework's own texts.
    """
    before = len(reader.problems)
    node = top.get("languages")
    if node is None:
        reader.problem(top.at, "missing-key", 'a flow needs "languages:"')
    body = Mapping((), top.at)
    if node is not None:
        body = reader.mapping(node, '"languages:"', ("default", "also", "remember"))
        reader.languages = tuple(_listed(reader, body, known))
    if len(reader.problems) > before:
        # One mistake here is not one in every text.
        reader.languages = _written(top, known) or reader.languages or tuple(known)[:1]
    return reader.seconds(body, "remember", 0.0)


def _listed(reader: Reader, body: Mapping, known: Collection[str]) -> list[str]:
    found: list[Scalar] = []
    default = body.get("default")
    if default is None:
        reader.problem(body.at, "missing-key", '"languages:" needs "default:"')
    else:
        found.append(reader.scalar(default, '"default:"'))
    also = body.get("also")
    if also is not None:
        items = reader.sequence(also, '"also:"', body.at)
        found += [reader.scalar(item, "a language") for item in items]
    if len(found) > LANGUAGES_MAX:
        reader.problem(body.at, "too-large", f"a flow has at most {LANGUAGES_MAX} languages")
        found = []
    languages: list[str] = []
    for scalar in found:
        if not LANGUAGE.match(scalar.value):
            sentence = f'"{scalar.value}" is no language: two or three letters, such as fr'
            reader.problem(scalar.at, "bad-name", sentence)
        elif scalar.value in languages:
            reader.problem(scalar.at, "duplicate-key", f'"{scalar.value}" stands twice')
        else:
            languages.append(scalar.value)
            if scalar.value not in known:
                hint = did_you_mean(scalar.value, known)
                sentence = f'the framework has no texts in "{scalar.value}"{hint}'
                reader.problem(scalar.at, "missing-translation", sentence)
    return languages


def _written(top: Mapping, known: Collection[str]) -> tuple[str, ...]:
    """The languages that most of the first texts have."""
    counted: Counter[tuple[str, ...]] = Counter()
    for number, found in enumerate(_texts(top.get("states"), known)):
        if number >= _TEXTS_MAX:
            break
        counted[tuple(sorted(found.by_name))] += 1
    return counted.most_common(1)[0][0] if counted else ()


def _texts(node: Node | None, known: Collection[str]) -> Iterator[Mapping]:
    """What is a text in several languages, as far as its keys say."""
    if isinstance(node, Sequence):
        for item in node.items:
            yield from _texts(item, known)
    elif isinstance(node, Mapping):
        if set(node.by_name) & set(known) and all(LANGUAGE.match(each) for each in node.by_name):
            yield node
        for _, inner in node.entries:
            yield from _texts(inner, known)
