"""XML-RPC as USSD gateways speak it: one struct of texts each way (the specification of 1999).

Read by a small walker that takes the first struct it meets: servers in the wild do not all nest
`params` as they should, and of the types only the text inside matters.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from ussd_app.gateways import base, xml_reading
from ussd_app.messages import BadCallback, UssdReply


def members(body: bytes) -> dict[str, str]:
    """The struct's members by name in lower case, values as text; raises `BadCallback`."""
    root = base.xml_root(body)
    struct = next((each for each in root.iter() if xml_reading.local(each.tag) == "struct"), None)
    if struct is None:
        raise BadCallback("the body holds no XML-RPC struct")
    if len(struct) > base.PARAMETERS_MAX:
        raise BadCallback(f"the struct has over {base.PARAMETERS_MAX} members")
    found: dict[str, str] = {}
    for member in struct:
        name, value = (xml_reading.child(member, part) for part in ("name", "value"))
        if name is None or value is None:
            raise BadCallback("a member of the struct has no name or no value")
        text = _text(value)
        if len(text) > base.PARAMETER_MAX:
            raise BadCallback(f"a member is over {base.PARAMETER_MAX} characters long")
        found.setdefault((name.text or "").strip().lower(), text)
    return found


def shown(body: bytes) -> dict[str, str]:
    """The members of a reply, read as a gateway reads it; raises ValueError."""
    try:
        return members(body)
    except BadCallback as error:
        raise ValueError(f"the reply: {error}") from None


def string(text: str) -> str:
    """A value of type string."""
    return f"<string>{base.xml_text(text)}</string>"


def moment(text: str) -> str:
    """A value of type dateTime.iso8601: `20260110T09:00:00`."""
    return f"<dateTime.iso8601>{base.xml_text(text)}</dateTime.iso8601>"


def call(method: str, *values: tuple[str, str]) -> bytes:
    """A call with one struct; `values` are names and values from `string` or `moment`."""
    inside = f"<methodName>{method}</methodName>{_params(values)}"
    return f"{_HEAD}<methodCall>{inside}</methodCall>".encode()


def response(*values: tuple[str, str]) -> UssdReply:
    """A response with one struct, its members in the order given."""
    return base.text_reply(f"{_HEAD}<methodResponse>{_params(values)}</methodResponse>", "text/xml")


_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


def _params(values: tuple[tuple[str, str], ...]) -> str:
    inside = "".join(
        f"<member><name>{name}</name><value>{value}</value></member>" for name, value in values
    )
    return f"<params><param><value><struct>{inside}</struct></value></param></params>"


def _text(value: Element) -> str:
    """The text of a value, typed by an element or, with none, a string."""
    typed = next(iter(value), value)
    return typed.text or ""
