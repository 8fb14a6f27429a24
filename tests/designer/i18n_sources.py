"""Small sources for the tests of translations, and what is in any source."""

from __future__ import annotations

from collections.abc import Iterator

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
