"""A flow, a catalogue or a transcript laid out anew: the same tree, the same comments.

`fmt_tree` reads a source with its comments, `fmt_lines` writes it. ruamel.yaml's round trip was
tried first: it drops comments inside `{…}` and `[…]`, and writes `null` where nothing was typed.
"""

from __future__ import annotations

from collections import Counter

from ussd_app.designer.fmt_lines import lines_of
from ussd_app.designer.fmt_tree import CannotFormat, Document, Group
from ussd_app.flow import syntax
from ussd_app.flow.diagnostics import FlowError

__all__ = ["CannotFormat", "format_source"]

#: The keys at the top of every kind of file, in the order they are written.
_TOP = (
    *("cassou", "transcript", "msisdn", "dial", "flow", "service_codes", "languages", "start"),
    *("home", "keys", "alphabet", "resume", "on_drop", "vars", "args", "returns", "states"),
    *("backends", "functions", "texts", "steps"),
)
_KINDS = frozenset(
    ("menu", "list", "input", "show", "wait", "end", "call", "branch", "set", "flow")
)


def format_source(source: str, file: str = "flow.yaml") -> str:
    """`source` in the one layout, with LF line ends; formatting that again changes nothing.

    Raises `FlowError`, whose places are in `file`, if it is not readable YAML, and `CannotFormat`
    if anything but the layout would change.
    """
    node, problems = syntax.read(source, file)
    if node is None or problems:
        raise FlowError(problems, {file: source})
    document = Document(source.removeprefix("\ufeff"))
    root = document.root.value
    if isinstance(root, Group) and any(each.name == "cassou" for each in root.entries):
        _order(root)
    laid = "\n".join(lines_of(document)) + "\n"
    again, problems = syntax.read(laid, file)
    if again is None or problems or _plain(again) != _plain(node):
        raise CannotFormat(f"{file} is left as it is: laid out anew it would not mean the same")
    if Counter(document.notes) != Counter(Document(laid).notes):
        raise CannotFormat(f"{file} is left as it is: a comment would get lost")
    return laid


def _plain(node: syntax.Node) -> object:
    """A tree as plain values: two are equal whatever the order of the keys."""
    if isinstance(node, syntax.Scalar):
        return node.value
    if isinstance(node, syntax.Sequence):
        return [_plain(item) for item in node.items]
    return {key.value: _plain(value) for key, value in node.entries}


def _order(root: Group) -> None:
    """The top's keys in their order, an unknown one behind the one it followed; kinds first."""
    rank = -1
    ranked = []
    for entry in root.entries:
        rank = _TOP.index(entry.name) if entry.name in _TOP else rank
        ranked.append((rank, entry))
    root.entries = [entry for _, entry in sorted(ranked, key=lambda pair: pair[0])]
    states = next((each.value for each in root.entries if each.name == "states"), None)
    for state in states.entries if isinstance(states, Group) else ():
        if isinstance(state.value, Group):
            inner = state.value.entries
            kind = next((each for each in inner if each.name in _KINDS), None)
            if kind:
                inner.remove(kind)
                inner.insert(0, kind)
