"""The lines of a tree that `fmt_tree` read: one layout, whatever the source's was."""

from __future__ import annotations

from ussd_app.designer.fmt_tree import STEP, Comment, Document, Entry, Group, Scalar

#: A `{…}` or `[…]` that would reach beyond this column becomes a block.
COLUMNS_MAX = 100
#: Under these keys of the top, blocks stand apart from each other as they do at the top.
_SPACED = frozenset({"states", "backends"})


def lines_of(document: Document) -> list[str]:
    """The file's lines, without their ends."""
    root, value = document.root, document.root.value
    tail = _comment_lines(document.tail, 0)
    line = _one_line(value)
    if isinstance(value, Scalar):
        return _above(root, 0) + _scalar_lines("", value, 0, root.eol) + tail
    if line is not None and (not value.entries or len(line) <= COLUMNS_MAX):
        return [*_above(root, 0), _with_comment(line, root.eol), *tail]
    if root.eol:
        value.entries[0].raise_comments([root.eol])
    root.gap = root.gap or bool(value.entries[0].before)
    inner, body = _group_lines(value, 0, apart=True)
    return _above(root, 0) + inner + body + tail


def _one_line(value: Scalar | Group) -> str | None:
    """A value as it stands inside `{…}`, None if it cannot."""
    if isinstance(value, Scalar):
        return None if value.lines[1:] else value.lines[0] or '""'
    if not value.flow:
        return None
    items = []
    for entry in value.entries:
        line = _one_line(entry.value)
        if line is None:
            return None
        if entry.key is None:
            items.append(line)
        else:
            nothing = isinstance(entry.value, Scalar) and entry.value.lines == [""]
            items.append(entry.key if nothing else f"{entry.key}: {line}")
    return ("[{}]" if value.listed else "{{{}}}").format(", ".join(items))


def _group_lines(group: Group, indent: int, *, apart: bool) -> tuple[list[str], list[str]]:
    """The comments above the first entry, and the lines from there on.

    `apart` puts blank lines between entries of several lines.
    """
    lines: list[str] = []
    first: list[str] = []
    tall = False
    for number, entry in enumerate(group.entries):
        above, body = _entry_lines(entry, indent)
        # At the top, a short key may stand close to the block that it introduces.
        blank = apart and (tall or (len(body) > 1 and indent > 0))
        if number == 0:
            first = above
        else:
            lines += ["", *above] if blank or entry.lead else above
        lines += body
        tall = len(body) > 1
    return first, lines + _comment_lines(group.after, indent)


def _entry_lines(entry: Entry, indent: int) -> tuple[list[str], list[str]]:
    """The comments above an entry, and its lines."""
    value, eol = entry.value, entry.eol
    head = " " * indent + ("-" if entry.key is None else f"{entry.key}:")
    if isinstance(value, Scalar):
        return _above(entry, indent), _scalar_lines(head, value, indent, eol)
    line = _one_line(value)
    if line is not None and (not value.entries or len(head) + 1 + len(line) <= COLUMNS_MAX):
        return _above(entry, indent), [_with_comment(f"{head} {line}", eol)]
    if entry.key is not None:
        apart = indent == 0 and entry.name in _SPACED
        inner, body = _group_lines(value, indent + STEP, apart=apart)
        return _above(entry, indent), [_with_comment(head, eol), *inner, *body]
    if eol:
        first = value.entries[0]
        first.raise_eol()
        if isinstance(first.value, Scalar) and first.value.lines[0][:1] not in {'"', "'"}:
            # Right behind a plain text it would seem to be the rest of that.
            first.raise_comments([eol])
        else:
            first.eol = eol
    inner, body = _group_lines(value, indent + STEP, apart=False)
    raised = [each[STEP:] for each in inner]
    return _above(entry, indent) + raised, [f"{head} {body[0].lstrip(' ')}", *body[1:]]


def _scalar_lines(head: str, value: Scalar, indent: int, eol: Comment | None) -> list[str]:
    """A text behind what stands before it; at the root that is nothing."""
    first = f"{head} {value.lines[0]}".rstrip(" ") if head else value.lines[0] or '""'
    pad = " " * (indent + STEP)
    lines = [first, *(pad + each if each else "" for each in value.lines[1:])]
    place = 0 if value.block else -1
    lines[place] = _with_comment(lines[place], eol)
    return lines


def _above(entry: Entry, indent: int) -> list[str]:
    """The comments above an entry; whether a blank line is above them is told by `lead`."""
    lines = _comment_lines(entry.before, indent)
    if entry.before and entry.before[0].blank:
        lines.pop(0)
    return [*lines, ""] if lines and entry.gap else lines


def _comment_lines(comments: list[Comment], indent: int) -> list[str]:
    lines = []
    for each in comments:
        lines += [""] if each.blank else []
        lines.append(" " * indent + each.text)
    return lines


def _with_comment(line: str, comment: Comment | None) -> str:
    """A comment keeps its distance, by which it may be lined up with others, on the same line."""
    if comment is None:
        return line
    # The dashes of the lists around a line are put before it later.
    same = line.lstrip(" -") == comment.code.lstrip(" -")
    return line + " " * (max(comment.distance, 2) if same else 2) + comment.text
