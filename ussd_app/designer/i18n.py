"""Translations of a flow: out to a PO file, back into its YAML, counted, and made up for a trial.

Everything here takes and gives text and does no I/O. A caller who reads a file for `merge` or
`pseudo` reads it with `newline=""`, so that its line ends come back as they were.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import polib  # ships no types

from ussd_app.designer.i18n_edit import Editor
from ussd_app.designer.i18n_texts import KEPT, Document, Found, find, worded
from ussd_app.flow.diagnostics import Diagnostic, FlowError
from ussd_app.flow.reader import LANGUAGE
from ussd_app.render import texts

_PO_LINE = re.compile(r"\(line (\d+)\)(?:: (.+))?")
#: Letters with their like inside the GSM-7 basic table: each still costs one septet.
_ACCENTS = str.maketrans("aeiounAEOUNC", "àéìòùñÅÉØÜÑÇ")
_FILLING = " lòrém ìpsùm dòlòr sìt àmét"
#: How much longer a translation may be expected to be.
_GROWTH = 0.3


class BadPo(ValueError):  # noqa: N818  # names the thing, as the diagnostics do
    """A PO file that cannot be read, or is for another language; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Status:
    """How far a file is translated into one language.

    Of `total` texts, `translated` have a text in the language and `missing` have none or an empty
    one; `same` of the translated read as in the default language, so they may be copies. One text
    for all languages counts as translated into each, and as the `same`.
    """

    language: str
    total: int
    translated: int
    missing: int
    same: int


class _Lines(str):
    """A PO file's text for polib, which would also end a line at U+2028 inside a text."""

    __slots__ = ()

    def splitlines(self, keepends: bool = False) -> list[str]:  # noqa: FBT001, FBT002  # str's
        return self.split("\n")


def export(source: str, file: str, language: str) -> str:
    """A PO file with each text of `source` that has the default language, and its translation.

    One text for all languages has none yet, except in a file of one language. Raises `FlowError`
    for a source that cannot be read, ValueError for a bad `language`.
    """
    _check_language(language)
    document = find(source, file)
    po = polib.POFile()
    po.header = (
        f"Texts of {document.name}, from {document.default} to {language}.\n"
        "msgctxt is the path of a text in the file; options, parts and checks count from 1.\n"
        "Places such as {price|money} stay as they are, in any order; {{ and }} show one brace."
    )
    po.metadata = {
        "Project-Id-Version": f"Cassou {document.name}",
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "X-Source-Language": document.default,
        "X-Flow": document.name,
    }
    for found in document.texts:
        original = found.text(document.default)
        if original:
            line = found.by_language[document.default].at.line
            po.append(
                polib.POEntry(
                    msgctxt=found.context,
                    msgid=original,
                    msgstr=_translation(document, found, language),
                    comment=_comment(document, found, language),
                    occurrences=[(file, str(line))],
                )
            )
    return str(po)


def _translation(document: Document, found: Found, language: str) -> str:
    """What a text says in a language of its own, "" where it has none."""
    if found.is_shared and document.languages != (language,):
        return ""
    return found.text(language)


def _comment(document: Document, found: Found, language: str) -> str:
    lines = [found.note]
    if found.is_shared and document.languages != (language,):
        lines.append("one text for all languages so far")
    if found.is_value:
        lines.append("a value, perhaps a code: ask its author before you translate it")
    original = found.text(document.default)
    places = dict.fromkeys(piece for piece in KEPT.findall(original) if piece not in {"{{", "}}"})
    if places:
        lines.append(f"must stay: {' '.join(places)}")
    return "\n".join(lines)


def merge(source: str, file: str, po_text: str, language: str) -> tuple[str, list[str]]:
    """`source` with the translations of a PO file put in, and a sentence for each not taken.

    An entry that says what the source says already changes nothing, and so does one without a
    translation. One text for all languages becomes one for each, if it is translated; the others
    keep what it said. Raises `FlowError`, `BadPo`, ValueError for a bad `language`.
    """
    _check_language(language)
    document = find(source, file)
    by_context = {found.context: found for found in document.texts}
    editor = Editor(source, document)
    not_taken: list[str] = []
    seen: set[str] = set()
    changed = False
    for entry in _entries(po_text, language):
        context = entry.msgctxt or ""
        found = by_context.get(context)
        said = _translation(document, found, language) if found is not None else ""
        if entry.msgstr and said == entry.msgstr:
            seen.add(context)
            continue
        reason = _refusal(entry, found, document.default)
        if not reason and context in seen:
            reason = "it stands twice in the PO; the first one counts"
        if found is None or reason:
            not_taken.append(f"{context or 'an entry without msgctxt'}: {reason}")
            continue
        seen.add(context)
        editor.put(found, language, entry.msgstr)
        changed = True
    if changed and language not in document.languages:
        editor.declare(language)
    return editor.result(), not_taken


def _entries(po_text: str, language: str) -> Iterator[polib.POEntry]:
    """The translated entries of a PO file; raises `BadPo`."""
    try:
        # A line break at the end: polib would open a text that is the name of a file.
        po = polib.pofile(_Lines(f"{po_text}\n"))
    except OSError as error:
        match = _PO_LINE.search(str(error))
        what = match[2] if match and match[2] else "this is not a line of a PO file"
        where = f"line {match[1]}: " if match else ""
        raise BadPo(f"{where}{what}") from None
    declared = po.metadata.get("Language", "")
    if declared and _main(declared) != _main(language):
        raise BadPo(f'the PO is for "{declared}" (see its Language: line), not for "{language}"')
    return (entry for entry in po if not entry.obsolete and (entry.msgstr or entry.msgstr_plural))


def _main(language: str) -> str:
    return re.split("[-_]", language)[0].lower()


def _refusal(entry: polib.POEntry, found: Found | None, default: str) -> str:
    """Why a translation is not taken, "" where it is."""
    if found is None:
        return "the file has no such text any more"
    original = found.text(default)
    if entry.msgid != original:
        now = original.replace("\n", "\\n")
        return f'the text has changed since the export; it is now "{now}"'
    if entry.fuzzy:
        return "it is marked fuzzy; confirm it in the PO"
    if not entry.msgstr:
        return "it has plural forms, which a text has not"
    try:
        places = {_as_typed(each) for each in texts.parse(entry.msgstr).places}
    except texts.BadText as error:
        return f"the translation cannot be read: {error}"
    wanted = {piece for piece in KEPT.findall(original) if piece not in {"{{", "}}"}}
    missing, invented = sorted(wanted - places), sorted(places - wanted)
    reasons = []
    if missing:
        reasons.append(f"the translation lacks {' '.join(missing)}")
    if invented:
        reasons.append(f"the source text has no {' '.join(invented)}")
    return "; ".join(reasons)


def _as_typed(place: texts.Place) -> str:
    return "{" + "|".join((place.path, *place.filters)) + "}"


def status(source: str, file: str) -> list[Status]:
    """How far each declared language is, the default first; raises `FlowError`."""
    document = find(source, file)
    counted = [
        found
        for found in document.texts
        if any(scalar.value for scalar in found.by_language.values())
    ]
    rows = []
    for language in document.languages:
        translated = [found for found in counted if found.text(language)]
        same = 0
        if language != document.default:
            same = sum(_is_copy(found, document.default, language) for found in translated)
        missing = len(counted) - len(translated)
        rows.append(Status(language, len(counted), len(translated), missing, same))
    return rows


def _is_copy(found: Found, default: str, language: str) -> bool:
    """Whether a text with a word in it reads the same in both languages."""
    text = found.text(language)
    return worded(text) and text == found.text(default)


def pseudo(source: str, file: str, language: str = "qps") -> str:
    """`source` with one more `language`: the default's texts, accented, longer and in `<` `>`.

    What a preview still shows plain is not translated, and what breaks is too tight. Values for
    back-ends and variables, which may be codes, stay as they are. Raises `FlowError`, and
    ValueError if the file has the language already.
    """
    return _pseudo(source, find(source, file), language)


def pseudo_system(source: str, file: str, language: str = "qps") -> str:
    """The framework's own texts likewise: a flow compiles only in languages that these have.

    Raises as `pseudo` does, and `FlowError` for a file of another kind.
    """
    document = find(source, file)
    if document.kind != "system":
        sentence = 'these are not the framework\'s own texts, which stand under "texts:"'
        raise FlowError([Diagnostic(document.root.at, "wrong-shape", sentence)], {file: source})
    return _pseudo(source, document, language)


def _pseudo(source: str, document: Document, language: str) -> str:
    _check_language(language)
    if language in document.languages:
        raise ValueError(f'"{language}" is a language of {document.name}; choose another name')
    editor = Editor(source, document)
    for found in document.texts:
        if document.default in found.by_language and not (found.is_shared and found.is_value):
            text = found.text(document.default)
            editor.put(found, language, text if found.is_value else _stretched(text))
    editor.declare(language)
    return editor.result()


def _stretched(text: str) -> str:
    """`text` accented, in brackets and about a third longer, its places as they are."""
    inner = text.strip()
    if not inner:
        return text
    pieces = KEPT.split(inner)
    literal = sum(len(piece) for piece in pieces[::2])
    wanted = max(math.ceil(literal * _GROWTH) - 2, 0)
    filling = (_FILLING * (wanted // len(_FILLING) + 1))[:wanted]
    if filling.endswith(" "):
        filling = f"{filling[:-1]}."
    pieces[::2] = [piece.translate(_ACCENTS) for piece in pieces[::2]]
    start = text.index(inner)
    return f"{text[:start]}<{''.join(pieces)}{filling}>{text[start + len(inner) :]}"


def _check_language(language: str) -> None:
    if not LANGUAGE.match(language):
        raise ValueError(f'"{language}" is no language: two or three letters, such as en')
