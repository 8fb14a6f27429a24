"""One STS meter: what it does with a token, and how it defends its keypad.

Results are those of the token status register (IEC 62055-52), by name.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from simulators.seed import Device
from simulators.token_reader import CrcError, FormatError, ReadToken, read

Via = Literal["keypad", "ami"]
Result = Literal[
    "Accept",
    "Old",
    "Used",
    "CRC",
    "KeyExpired",
    "DDTK",
    "Overflow",
    "KeyType",
    "Function",
    "MfrCode",
    "Format",
    "Lockout",
]

WRONG_ENTRIES_MAX = 3
LOCKOUT_SECONDS_MIN = 10
LOCKOUT_SECONDS_MAX = 1280
"""After three wrong entries in a row the keypad is deaf for 10 s, after each further one twice as
long, up to 1280 s, as meters in the field do. An accepted token ends it."""

_KEY_TYPE_DEFAULT = 1
_KEY_TYPE_COMMON = 3


@dataclass(frozen=True, slots=True)
class MeterState:
    """What a meter remembers through a power cut.

    `tids` is the TID store, ascending; a TID preset at manufacture stands in it many times.
    `wrong_entries` are in a row, at the keypad.
    """

    credit_kwh_tenths: int
    tids: tuple[int, ...]
    tokens_accepted: int = 0
    last_result: Result | None = None
    wrong_entries: int = 0
    locked_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The state after a token, the result, and the energy credited (None unless accepted)."""

    state: MeterState
    result: Result
    kwh_tenths: int | None = None


def from_factory(device: Device) -> MeterState:
    """A meter without credit, its TID store filled with the TID of its manufacture.

    So tokens made before it left the factory are Old from the first day.
    """
    base = datetime(device.base_date, 1, 1, tzinfo=UTC)
    made = datetime.combine(device.manufactured, datetime.min.time(), UTC)
    first = max(int((made - base).total_seconds()) // 60, 0)
    return MeterState(credit_kwh_tenths=0, tids=(first,) * device.tid_store_size)


def enter(device: Device, state: MeterState, token: str, via: Via, now: datetime) -> Outcome:
    """What the meter makes of a token at `now`. Lockout is the keypad's alone."""
    if via == "keypad" and state.locked_until is not None and now < state.locked_until:
        return Outcome(replace(state, last_result="Lockout"), "Lockout")
    try:
        asked = read(token, bytes.fromhex(device.decoder_key))
    except FormatError:
        # An unfinished entry tries no key, so it does not count towards a lockout.
        return Outcome(replace(state, last_result="Format"), "Format")
    except CrcError:
        return _refused(state, "CRC", via, now)
    result = _judge(device, state, asked)
    if result != "Accept" or asked.tid is None or asked.kwh_tenths is None:
        return _refused(state, result, via, now)
    accepted = replace(
        state,
        credit_kwh_tenths=state.credit_kwh_tenths + asked.kwh_tenths,
        tids=tuple(sorted((*state.tids[1:], asked.tid))),
        tokens_accepted=state.tokens_accepted + 1,
        last_result="Accept",
        wrong_entries=0,
        locked_until=None,
    )
    return Outcome(accepted, "Accept", asked.kwh_tenths)


def _judge(device: Device, state: MeterState, asked: ReadToken) -> Result:
    """The order of the checks is IEC 62055-41, 7.3."""
    if asked.manufacturer and asked.manufacturer != _manufacturer(device):
        return "MfrCode"
    if asked.key_type == _KEY_TYPE_COMMON:
        # A keypad meter must not be moved to a key that it shares with others.
        return "KeyType"
    if asked.token_class == 0 and device.key_type == _KEY_TYPE_DEFAULT:
        return "DDTK"
    if not asked.is_electricity_credit or asked.tid is None or asked.kwh_tenths is None:
        return "Function"
    if asked.tid >> 16 > device.ken:
        return "KeyExpired"
    if asked.tid < state.tids[0]:
        return "Old"
    if asked.tid in state.tids:
        return "Used"
    if state.credit_kwh_tenths + asked.kwh_tenths > device.credit_max_kwh_tenths:
        # Not remembered: the token can be entered again once there is room.
        return "Overflow"
    return "Accept"


def _manufacturer(device: Device) -> int:
    """The first two digits of an 11-digit serial, the first four of a 13-digit one."""
    return int(device.serial[: 4 if len(device.serial) == 13 else 2])


def _refused(state: MeterState, result: Result, via: Via, now: datetime) -> Outcome:
    if via == "ami":
        return Outcome(replace(state, last_result=result), result)
    wrong = state.wrong_entries + 1
    locked_until = None
    if wrong >= WRONG_ENTRIES_MAX:
        seconds = LOCKOUT_SECONDS_MIN * 2 ** min(wrong - WRONG_ENTRIES_MAX, 10)
        locked_until = now + timedelta(seconds=min(seconds, LOCKOUT_SECONDS_MAX))
    refused = replace(state, last_result=result, wrong_entries=wrong, locked_until=locked_until)
    return Outcome(refused, result)
