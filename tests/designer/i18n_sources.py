"""Small sources for the tests of translations, and what is in any source."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import strategies as st

from ussd_app.flow.syntax import Mapping, Node, Scalar, Sequence, read


def flow(body: str, languages: str = "{default: fr, also: [en]}") -> str:
    """A flow of one state whose text is `body`."""
    return f"languages: {languages}\nstates:\n  a:\n    end:{body}"


def leaves(node: Node | None, path: tuple[object, ...] = ()) -> Iterator[tuple[object, str]]:
    """Every scalar of a source with its path."""
    if isinstance(node, Scalar):
        yield path, node.value
    elif isinstance(node, Sequence):
        for place, item in enumerate(node.items):
            yield from leaves(item, (*path, place))
    elif isinstance(node, Mapping):
        for key, value in node.entries:
            yield from leaves(value, (*path, key.value))


def values(source: str) -> dict[object, str]:
    """Every scalar of a source by its path."""
    node, problems = read(source, "f.yaml")
    assert not problems
    return dict(leaves(node))


#: Pieces of texts that are hard on YAML, on PO files, or on both.
_PIECES = [
    *"abcéè0 '\"\\:#,[]-&*!|>%@?~`=\n\t\r\x07\x1c\x85\xa0\u2028\ufeff😀𝄞",
    *("\n\n", "  ", ": ", " #", "{{", "}}", "{x}", "yes", "---", "- ", "\\n"),
]
TEXTS = st.lists(st.sampled_from(_PIECES), min_size=1, max_size=12).map("".join)


@st.composite
def written(draw: st.DrawFn, *, block: bool) -> str:
    """A value as a designer may write one; a block is indented by ten."""
    words = draw(st.sampled_from(["Oui", "Énergie prépayée", "Combien de {x}", "n° 1 😀"]))
    styles = ["plain", "single", "double", "lines"] + ["literal", "folded"] * block
    match draw(st.sampled_from(styles)):
        case "plain":
            return words.replace("{x}", "kWh")
        case "single":
            return f"'{words}, l''autre: # {{x}}'"
        case "double":
            return f'"{words}\\n\\"# {{x}} \\u00e9"'
        case "lines":
            return f'"{words}\n\n          # b"'
        case style:
            head = {"literal": "|", "folded": ">"}[style] + draw(st.sampled_from(["", "-", "+"]))
            comment = draw(st.sampled_from(["", "  # k"]))
            more = draw(st.sampled_from(["", "\n          # no comment", "\n\n          end  "]))
            return f"{head}{comment}\n          {words}{more}" + draw(st.sampled_from(["", "\n\n"]))
