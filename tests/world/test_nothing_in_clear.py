"""Everything that a chaotic run wrote, searched for every number, token and input it used."""

from __future__ import annotations

import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from redis import Redis

from tests.whole_system import SERVICE_CODES, World
from ussd_app.gateways import GATEWAYS
from ussd_app.replay.over_http import BadReply, HttpPhone

pytestmark = pytest.mark.world

#: Typed where a serial is asked for, as a client might type a PIN at the wrong place.
MISTYPED = "918273645"
#: Who calls back by GET, with inputs in the query, and who posts a form, JSON, XML.
ENDPOINTS = ("moov", "demo", "arkesel", "comviva_xml", "infobip", "nalo")
FAULTS = ("hang_after", "reset_after", "html", "truncate")


def test_a_chaotic_run_writes_nothing_in_clear(world: World) -> None:
    buyers = [(world.number(), endpoint) for endpoint in ENDPOINTS]
    tokens = [_bought(world, msisdn, endpoint) for msisdn, endpoint in buyers]
    unlucky = [world.number() for _ in FAULTS]
    with ThreadPoolExecutor(len(FAULTS)) as pool:
        for msisdn, fault in zip(unlucky, FAULTS, strict=True):
            world.operator_fault(msisdn, "debit", fault)
            pool.submit(_buys, world, msisdn)
        for name in ("web", "purchases-0", "calls-0", "redis"):
            os.kill(world.stack.pid(name), signal.SIGKILL)
    world.until(lambda: _dials(world), "a dial is answered again")
    strangers = [_refused(world) for _ in range(3)]
    numbers = [msisdn for msisdn, _ in buyers] + unlucky + strangers

    written = _written(world)

    assert sum(map(len, written.values())) > 10_000
    secrets = [each[4:] for each in numbers] + [MISTYPED]
    secrets += [form for token in tokens for form in (token, " ".join(re.findall("....", token)))]
    found = [
        (place, secret)
        for place, content in written.items()
        for secret in secrets
        if secret.encode() in content
    ]
    assert found == []


def _bought(world: World, msisdn: str, endpoint: str) -> str:
    """The token of a purchase in which something was mistyped first."""
    phone = world.phone(endpoint, msisdn)
    phone.dial(SERVICE_CODES[0])
    phone.send("1")
    phone.send(MISTYPED)
    phone.send(next(world.meters))
    phone.send("10")
    phone.send("1")
    return world.sms(msisdn, "Code")[5:29].replace(" ", "")


def _buys(world: World, msisdn: str) -> None:
    """A purchase that something happens to: whatever its last screens are."""
    try:
        world.at_confirm(msisdn).send("1")
    except (BadReply, AssertionError, requests.RequestException):
        # The web side was killed under it.
        return


def _dials(world: World) -> bool:
    try:
        return "Acheter" in world.phone("demo", world.number()).dial(SERVICE_CODES[0]).text
    except (BadReply, requests.RequestException):
        return False


def _refused(world: World) -> str:
    """A number that a callback names in a way nobody can read, and one of a stranger."""
    msisdn = world.number()
    url = f"{world.addresses.web}/ussd"
    query = f"msisdn={msisdn[1:]}&sc=789&user_input={MISTYPED}"
    requests.get(f"{url}/moov?{query}", timeout=10)
    requests.post(f"{url}/demo", data={"phoneNumber": f"{msisdn}x", "text": MISTYPED}, timeout=10)
    phone = HttpPhone(f"{url}/guarded", GATEWAYS["africastalking"], msisdn, SERVICE_CODES)
    with pytest.raises(BadReply, match="HTTP 403"):
        phone.dial(SERVICE_CODES[0])
    return msisdn


def _written(world: World) -> dict[str, bytes]:
    """What stands in Redis, in every file of ours, and in every line any process wrote.

    The books of the simulated parties are theirs, not ours.
    """
    with Redis.from_url(world.addresses.redis) as client:
        client.config_set("rdbcompression", "no")
        kept = b"\n".join(
            key + (dumped if isinstance(dumped := client.dump(key), bytes) else b"")
            for key in client.scan_iter("*")
        )
    found = {"Redis": kept, "logs": "\n".join(world.log).encode()}
    for path in world.stack.var.rglob("*"):
        place = path.relative_to(world.stack.var)
        ours = place.parts[0] != "simulators" or place.name.startswith("hes.")
        if path.is_file() and ours:
            found[str(place)] = _content(path)
    return found


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        # A journal that its database has just taken in.
        return b""
