"""What gateways that speak JSON share: members of what they send, and of what they read."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ussd_app.gateways import base, dialling
from ussd_app.messages import Action, BadCallback, HttpRequest, UssdReply

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
    return part({"reply": found}, "reply")


def part(found: Mapping[str, object], name: str) -> dict[str, object]:
    """The object in a reply's member; raises ValueError."""
    value = found.get(name)
    if not isinstance(value, dict):
        raise ValueError(f'"{name}" is not a JSON object')  # noqa: TRY004  # what `read` raises
    return value


def shown(found: Mapping[str, object], name: str) -> str:
    """The text of a reply's member; raises ValueError."""
    value = found.get(name)
    if not isinstance(value, str):
        raise ValueError(f'the reply holds no text "{name}"')  # noqa: TRY004  # what `read` raises
    return value


def action_of(found: Mapping[str, object], name: str, words: Mapping[Action, object]) -> Action:
    """What a reply's member lets the phone do, in that gateway's `words`; raises ValueError."""
    value = found.get(name)
    for action, word in words.items():
        # True is 1 to Python, and not to a gateway.
        if type(value) is type(word) and value == word:
            return action
    accepted = " nor ".join(json.dumps(word) for word in words.values())
    raise ValueError(f'the reply\'s "{name}" is neither {accepted}')


def typed_of(service_code: str, history: tuple[str, ...]) -> str:
    """What a phone sends at the end of `history`: the dial string first, then each input."""
    extra, *inputs = history or ("",)
    return inputs[-1] if inputs else f"*{dialling.whole(service_code, extra)}#"
