"""How a text is written as a scalar of YAML, so that it reads back exactly."""

from __future__ import annotations

import re

#: What may not stand as it is in any scalar (YAML 1.2.2, 5.1), or would end a line there.
_ESCAPED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
#: A text that reads back without quotes wherever it stands, and to any YAML reader as a text.
_PLAIN = re.compile(r"""[^\W\d_](?:[^:?#,\[\]{}"'&*!|>%@`\\]*[^:?#,\[\]{}"'&*!|>%@`\\\s])?\Z""")
#: What a text without quotes may not have inside braces or brackets, to one reader or another.
_NOT_INSIDE = re.compile(r":|.*[,?\[\]{}]")
_TRAPS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_SHORT = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_HEADER = re.compile(r"([|>])([-+0-9]*)(.*)")


def inline(text: str, style: str) -> str:
    """`text` on one line, in the style that begins with the character `style` if it can be."""
    if _ESCAPED.search(text) or style in {"", '"', "|", ">"}:
        return _double(text)
    if style == "'":
        return "'" + text.replace("'", "''") + "'"
    return text if _PLAIN.match(text) and text.lower() not in _TRAPS else _double(text)


def _double(text: str) -> str:
    def code(match: re.Match[str]) -> str:
        number = ord(match[0])
        return _SHORT.get(match[0]) or (f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}")

    quoted = text.replace("\\", _SHORT["\\"]).replace('"', _SHORT['"'])
    return f'"{_ESCAPED.sub(code, quoted)}"'


def word(language: str) -> str:
    """A language as a key or an item."""
    return inline(language, language[:1])


def block(text: str, header: str, indent: str, line_end: str) -> str | None:
    """`text` as a block under a header such as `|-`, or None if it cannot be written so."""
    match = _HEADER.match(header)
    body = text.removesuffix("\n")
    lines = body.split("\n")
    if match is None or is_indent_told(header) or not indent:
        return None
    if not lines[0] or not lines[-1] or _ESCAPED.search(body.replace("\n", "")):
        return None
    if any(line.startswith((" ", "\t")) for line in lines):
        return None
    if match[1] == ">":
        # Folding takes one line break of each run away.
        lines = re.sub("\n+", lambda run: run[0] + "\n", body).split("\n")
    chomp = "" if text.endswith("\n") else "-"
    head = f"{match[1]}{chomp}{match[3]}"
    return line_end.join((head, *(indent + line if line else "" for line in lines)))


def chomping(header: str) -> str:
    """What the header of a block says of the line breaks at its end: `-`, `+`, or "" for one."""
    match = _HEADER.match(header)
    return match[2].strip("0123456789") if match else ""


def is_indent_told(header: str) -> bool:
    """Whether the header of a block says how far its text is indented."""
    match = _HEADER.match(header)
    return match is not None and any(digit.isdigit() for digit in match[2])


def comment(header: str) -> str:
    """What stands behind the header of a block on its line."""
    match = _HEADER.match(header)
    return match[3] if match else ""


def stands_inside(written: str) -> bool:
    """Whether a scalar that stands outside braces and brackets could stand there as it is."""
    return written[:1] in {'"', "'"} or _NOT_INSIDE.match(written) is None
