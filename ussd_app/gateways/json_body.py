"""What gateways that speak JSON share: members, replies, and dial strings."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ussd_app.gateways import base
from ussd_app.messages import BadCallback, HttpRequest, UssdReply

CONTENT_TYPE = "application/json"
_DIGITS_MAX = 9
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


def need(found: Mapping[str, object], name: str) -> str:
    """A member that must be there and not empty; raises `BadCallback`."""
    value = base.text_of(found, name).strip()
    if not value:
        raise BadCallback(f'member "{name}" is empty')
    return value


def truth(found: Mapping[str, object], name: str) -> bool:
    """A member that is true or false, be it as a text; raises `BadCallback`."""
    value = base.text_of(found, name).strip().lower()
    if value not in _TRUTHS:
        raise BadCallback(f'member "{name}" must be true or false')
    return _TRUTHS[value]


def number(found: Mapping[str, object], name: str) -> int | None:
    """A whole number, be it as a text; None where it is not told; raises `BadCallback`."""
    value = base.text_of(found, name, "").strip()
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= _DIGITS_MAX):
        raise BadCallback(f'member "{name}" must be a whole number')
    return int(value)


def inner(found: Mapping[str, object], name: str) -> Mapping[str, object]:
    """A member that is an object, empty where it is not told; raises `BadCallback`."""
    value = found.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadCallback(f'member "{name}" must be an object')
    return value


def octets(members: Mapping[str, object]) -> bytes:
    """JSON in ASCII: what reads it need not agree with us on a charset."""
    return json.dumps(members, separators=(",", ":")).encode()


def reply(members: Mapping[str, object]) -> UssdReply:
    """A reply of one JSON object."""
    return UssdReply(200, CONTENT_TYPE, octets(members))


def post(members: Mapping[str, object]) -> HttpRequest:
    """A callback of one JSON object, as a gateway sends it."""
    return HttpRequest("POST", "", "", {"content-type": CONTENT_TYPE}, octets(members))


def members_of(sent: UssdReply) -> dict[str, object]:
    """The object that a reply holds; raises ValueError."""
    try:
        found = json.loads(sent.body)
    except RecursionError:
        raise ValueError("the reply nests too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("the reply is not a JSON object")  # noqa: TRY004  # what `read` raises
    return found


def shown(found: Mapping[str, object], name: str) -> str:
    """The text of a reply's member; raises ValueError."""
    value = found.get(name)
    if not isinstance(value, str):
        raise ValueError(f'the reply holds no text "{name}"')  # noqa: TRY004  # what `read` raises
    return value


def is_dial(typed: str, service_code: str) -> bool:
    """Whether `typed` is this service code, with or without more after it."""
    bare, code = typed.strip().strip("*#"), service_code.strip("*#")
    return bool(code) and (bare == code or bare.startswith(f"{code}*"))


def dialled(typed: str, service_code: str) -> str:
    """What was dialled after the service code, where `typed` repeats the whole string."""
    bare = typed.strip().strip("*#")
    if is_dial(typed, service_code):
        return bare[len(service_code.strip("*#")) :].strip("*#")
    return bare


def split(typed: str, endpoint: base.Endpoint) -> tuple[str, str]:
    """(service code, what was dialled after it), for gateways that tell only the whole string.

    Which part is the code, only the endpoint's own codes can tell; without any of them that
    fits, all of it is.
    """
    for code in sorted(endpoint.service_codes, key=len, reverse=True):
        if is_dial(typed, code):
            return base.service_code(code), dialled(typed, code)
    bare = typed.strip().strip("*#")
    return (base.service_code(bare), "") if bare else (first_code(endpoint), "")


def first_code(endpoint: base.Endpoint) -> str:
    """The endpoint's service code, for gateways that do not tell it; "" if it has none."""
    return base.service_code(endpoint.service_codes[0]) if endpoint.service_codes else ""


def dial_string(service_code: str, extra: str) -> str:
    """What a client dials: `*789*1*2#` of `*789#` and `1*2`."""
    code = service_code.strip("*#")
    return f"*{code}*{extra}#" if extra else f"*{code}#"


def typed_of(service_code: str, history: tuple[str, ...]) -> str:
    """What a phone sends at the end of `history`: the dial string first, then each input."""
    extra, *inputs = history or ("",)
    return inputs[-1] if inputs else dial_string(service_code, extra)
