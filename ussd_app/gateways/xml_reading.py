"""XML callbacks, read by name whatever the case, order and namespace; and XML attributes, written.

The same elements come in another order, case or namespace from each operator: adapters ask for
them by their local names in lower case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from xml.etree.ElementTree import Element

from ussd_app.gateways import base
from ussd_app.messages import Action, BadCallback


def local(name: str) -> str:
    """The name of an element or attribute without its namespace, in lower case."""
    return name.rpartition("}")[2].lower()


def child(element: Element, name: str) -> Element | None:
    """The first child of that (lower-case, local) name."""
    return next((each for each in element if local(each.tag) == name), None)


def texts(element: Element) -> dict[str, str]:
    """The texts of the children by name, the first of each; raises `BadCallback`."""
    return _bounded("element", ((each.tag, each.text or "") for each in element))


def attributes(element: Element) -> dict[str, str]:
    """The attributes by name; raises `BadCallback`."""
    return _bounded("attribute", element.attrib.items())


def have(values: Mapping[str, str], name: str) -> str:
    """A value that must be there but may be empty; raises `BadCallback`."""
    value = values.get(name.lower())
    if value is None:
        raise BadCallback(f'"{name}" is missing')
    return value


def need(values: Mapping[str, str], name: str) -> str:
    """A value that must be there and not empty, without outer blanks; raises `BadCallback`."""
    value = have(values, name).strip()
    if not value:
        raise BadCallback(f'"{name}" is empty')
    return value


def attribute(text: str) -> str:
    """A text as a quoted attribute value; line breaks and tabs survive an XML parser."""
    escaped = base.xml_text(text).replace('"', "&quot;")
    return '"' + escaped.replace("\n", "&#10;").replace("\t", "&#9;") + '"'


def shown(body: bytes) -> Element:
    """The root of a reply, read as a gateway reads it; raises ValueError."""
    try:
        return base.xml_root(body)
    except BadCallback as error:
        raise ValueError(f"the reply: {error}") from None


def action_of(root: Element, path: str, words: Mapping[Action, str]) -> Action:
    """What a reply's element lets the phone do, in that gateway's `words`; raises ValueError."""
    value = root.findtext(path)
    for action, word in words.items():
        if value == word:
            return action
    accepted = " nor ".join(words.values())
    raise ValueError(f'the reply\'s "{path.rpartition("/")[2]}" is neither {accepted}')


def _bounded(what: str, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for count, (tag, value) in enumerate(pairs):
        name = local(tag)
        if count >= base.PARAMETERS_MAX:
            raise BadCallback(f"there are over {base.PARAMETERS_MAX} {what}s side by side")
        if len(value) > base.PARAMETER_MAX:
            raise BadCallback(
                f'{what} "{ascii(name[:40])[1:-1]}" is over {base.PARAMETER_MAX} characters long'
            )
        found.setdefault(name, value)
    return found
