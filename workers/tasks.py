"""The jobs that RQ runs: entry points only, by the names on the queue's list of allowed jobs."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from outward.results import Success
from ussd_app.effects import FAILED, Call, CallResult, Value
from ussd_app.render import gsm7
from workers import lookups, purchases
from workers.office import office

log = logging.getLogger("cassou.tasks")


def look_up(
    call_id: str, backend: str, arguments: Mapping[str, Value], msisdn: str, language: str
) -> None:
    """Do one look-up and put its result where the caller waits; it always gets one."""
    here = office()
    call = Call(call_id, backend, arguments, 0.0, msisdn=msisdn, language=language)
    try:
        result = lookups.run(here, call)
    except Exception:
        log.exception("look-up %s failed", backend)
        result = CallResult(call_id, FAILED)
    here.doorbell.tell(result)


def tell(message_id: str, msisdn: str, text: str) -> None:
    """Send one SMS of a flow; the centre knows its id, so a second order is no second message."""
    here = office()
    seconds = here.settings.call_deadline_seconds
    result = here.sms.send(message_id, msisdn, gsm7.transliterate(text), seconds)
    if not isinstance(result, Success):
        log.warning("an SMS of a flow: %s", type(result).__name__)


def advance(purchase_id: str) -> None:
    """Do what is due of one purchase."""
    here = office()
    here.doorbell.answered(purchase_id)
    purchases.advance(here, purchase_id)
