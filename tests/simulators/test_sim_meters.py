"""The meters: tokens published for the standard and tokens made here, and every result."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from hes_adapter.sts.misty1 import Misty1
from simulators.token_reader import CrcError, FormatError, ReadToken, read

AWA = "04246801379"
KEYPAD_ONLY = "04246806857"
AWA_KEY = bytes.fromhex("67222293d363ad60f90fcf92e3fecfce")
BASE = datetime(2014, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)

# Published compliance vectors, EA11 with DKGA04 (STS 531 suites).
KEY_1993 = bytes.fromhex("f94b6ed353c3bfdb113e2d3a7ea3c41d")
KEY_2014 = bytes.fromhex("929bd3a415c9420a05ec5ee9f3ce91c3")


def make_token(*, key: bytes = AWA_KEY, token_class: int = 0, subclass: int = 0, data: int) -> str:
    """A token from class, subclass and the 44 bits after it. Written apart from any reader."""
    covered = f"{token_class:08b}{subclass:04b}{data:044b}"
    crc = 0xFFFF
    for at in range(0, 56, 8):
        crc ^= int(covered[at : at + 8], 2)
        for _ in range(8):
            crc, dropped = crc >> 1, crc & 1
            if dropped:
                crc ^= 0xA001
    swapped = (crc & 0xFF) * 256 + crc // 256
    block = int(covered[8:], 2) * 65536 + swapped
    if token_class != 1:
        block = Misty1(key).encrypt(block)
    bits = f"{block:064b}"
    # Counted from the left, bits 28 and 27 are at 35 and 36; they go to the front.
    placed = f"{bits[35:37]}{bits[:35]}{token_class:02b}{bits[37:]}"
    return f"{int(placed, 2):020d}"


def credit(kwh_tenths: int, at: datetime = NOW, key: bytes = AWA_KEY) -> str:
    tid = int((at - BASE).total_seconds()) // 60
    return make_token(key=key, data=(5 << 40) + (tid << 16) + kwh_tenths)


def enter(url: str, token: str, serial: str = AWA, via: str = "keypad") -> requests.Response:
    return requests.post(
        f"{url}/meters/{serial}/tokens", json={"token": token, "via": via}, timeout=5
    )


def result(url: str, token: str, serial: str = AWA, via: str = "keypad") -> Any:
    return enter(url, token, serial, via).json()["result"]


def install(url: str, serial: str, **device: object) -> None:
    body = {"decoder_key": AWA_KEY.hex(), **device}
    answer = requests.put(f"{url}/_sandbox/meters/{serial}", json=body, timeout=5)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("token", "key", "expected"),
    [
        ("59386323472137426967", KEY_1993, ReadToken(0, 0, tid=5871660, kwh_tenths=1)),
        ("63638916334124550935", KEY_1993, ReadToken(0, 0, tid=5915550, kwh_tenths=256)),
        ("47186281207955155808", KEY_1993, ReadToken(0, 1)),
        ("26521936751055502278", KEY_1993, ReadToken(2, 0)),
        ("40937788669556693706", KEY_1993, ReadToken(2, 3, key_type=2)),
        ("72503171501464925869", KEY_2014, ReadToken(0, 4)),
        ("34494889475378866499", KEY_2014, ReadToken(2, 0)),
    ],
)
def test_published_tokens_are_read(token: str, key: bytes, expected: ReadToken) -> None:
    assert read(token, key) == expected


def test_a_published_class_1_token_needs_no_key() -> None:
    assert read("02305843005052951967", b"\0" * 16) == ReadToken(1, 1, manufacturer=0)


@pytest.mark.parametrize(
    ("field", "kwh_tenths"),
    [
        (0x0001, 1),
        (0x3FFF, 16383),
        (0x4000, 16384),
        (0x416A, 20004),
        (0x8000, 180224),
        (0xC000, 1818624),
        (0xFFFF, 18201624),
    ],
)
def test_amounts_are_those_of_the_standard(field: int, kwh_tenths: int) -> None:
    token = make_token(data=(5 << 40) + (6_000_000 << 16) + field)

    assert read(token, AWA_KEY).kwh_tenths == kwh_tenths


def test_another_key_reads_nothing() -> None:
    with pytest.raises(CrcError):
        read(credit(100), KEY_2014)


@pytest.mark.parametrize(
    "token", ["", "1234", "1234567890123456789a", "73786976294838206464", "1" * 21]
)
def test_what_is_not_a_token_is_refused(token: str) -> None:
    with pytest.raises(FormatError):
        read(token, AWA_KEY)


@pytest.mark.parametrize("via", ["keypad", "ami"])
def test_a_good_token_is_credited(meters: str, via: str) -> None:
    answer = enter(meters, credit(100), via=via)

    assert answer.status_code == 200
    assert answer.json() == {"result": "Accept", "kwh_tenths": 100, "credit_kwh_tenths": 100}
    assert requests.get(f"{meters}/meters/{AWA}", timeout=5).json() == {
        "serial": AWA,
        "connected": True,
        "credit_kwh_tenths": 100,
        "tokens_accepted": 1,
        "last_result": "Accept",
    }


def test_a_token_is_credited_once(meters: str) -> None:
    token = credit(100)
    enter(meters, token, via="ami")

    answer = enter(meters, token)

    assert answer.json() == {"result": "Used", "kwh_tenths": None, "credit_kwh_tenths": 100}


def test_tokens_of_before_manufacture_are_old(meters: str) -> None:
    assert result(meters, credit(100, datetime(2023, 12, 31, tzinfo=UTC))) == "Old"


def test_tokens_may_come_in_any_order_until_the_store_is_full(meters: str) -> None:
    install(meters, AWA, tid_store_size=2)
    minutes = [NOW + timedelta(minutes=minute) for minute in range(4)]

    assert result(meters, credit(10, minutes[2])) == "Accept"
    assert result(meters, credit(10, minutes[1])) == "Accept"
    assert result(meters, credit(10, minutes[0])) == "Old"
    assert result(meters, credit(10, minutes[3])) == "Accept"


def test_another_meters_token_fails_its_check_sum(meters: str) -> None:
    assert result(meters, credit(100), serial="04246802740") == "CRC"


def test_a_key_expires_with_its_number(meters: str) -> None:
    tid = int((NOW - BASE).total_seconds()) // 60
    install(meters, AWA, ken=tid >> 16)
    late = BASE + timedelta(minutes=((tid >> 16) + 1) << 16)

    assert result(meters, credit(10, late)) == "KeyExpired"
    assert result(meters, credit(10)) == "Accept"


def test_credit_under_a_default_key_is_refused(meters: str) -> None:
    install(meters, AWA, key_type=1)

    assert result(meters, credit(10)) == "DDTK"


def test_a_full_register_overflows_and_the_token_keeps(meters: str) -> None:
    install(meters, AWA, credit_max_kwh_tenths=99)

    assert [result(meters, credit(100)) for _ in range(2)] == ["Overflow", "Overflow"]


@pytest.mark.parametrize(
    ("token_class", "subclass", "data", "expected"),
    [
        (0, 1, 5 << 40 | 6_000_000 << 16 | 100, "Function"),
        (1, 0, 0xFFFFFFF << 8, "Function"),
        (1, 0, 0xFFFFFFF << 8 | 4, "Function"),
        (1, 0, 0xFFFFFFF << 8 | 5, "MfrCode"),
        (1, 1, 0xFFFFFFF << 16 | 417, "MfrCode"),
        (2, 1, 5 << 40 | 6_000_000 << 16 | 0xFFFF, "Function"),
        (2, 3, 0b10 << 32, "Function"),
        (2, 3, 0b11 << 32, "KeyType"),
        (3, 0, 0, "Function"),
    ],
)
def test_tokens_that_are_not_for_this_meter_are_told_apart(
    meters: str, token_class: int, subclass: int, data: int, expected: str
) -> None:
    token = make_token(token_class=token_class, subclass=subclass, data=data)

    assert result(meters, token) == expected


def test_a_13_digit_meter_has_a_4_digit_manufacturer(meters: str) -> None:
    token = make_token(token_class=1, subclass=1, data=0xFFFFFFF << 16 | 417)

    assert result(meters, token, serial="0417135790000") == "Function"


def test_three_wrong_entries_deafen_the_keypad_ever_longer(
    meters: str, hands: list[datetime]
) -> None:
    wrong = "00000000000000000001"
    assert [result(meters, wrong) for _ in range(4)] == ["CRC", "CRC", "CRC", "Lockout"]
    assert result(meters, credit(10)) == "Lockout"

    for seconds in (10, 20, 40, 80, 160, 320, 640, 1280, 1280):
        hands[0] += timedelta(seconds=seconds - 1)
        assert result(meters, wrong) == "Lockout"
        hands[0] += timedelta(seconds=1)
        assert result(meters, wrong) == "CRC"

    hands[0] += timedelta(seconds=1280)
    assert result(meters, credit(10)) == "Accept"
    assert [result(meters, wrong) for _ in range(2)] == ["CRC", "CRC"]


def test_the_network_is_never_locked_out(meters: str) -> None:
    wrong = "00000000000000000001"
    assert {result(meters, wrong, via="ami") for _ in range(5)} == {"CRC"}
    assert [result(meters, wrong) for _ in range(4)][-1] == "Lockout"

    assert result(meters, credit(10), via="ami") == "Accept"
    assert result(meters, wrong) == "CRC"


def test_unfinished_entries_do_not_lock(meters: str) -> None:
    assert {result(meters, "123") for _ in range(5)} == {"Format"}
    assert result(meters, credit(10)) == "Accept"


def test_a_meter_off_the_network_takes_tokens_at_its_keypad_only(meters: str) -> None:
    answer = enter(meters, credit(10), serial=KEYPAD_ONLY, via="ami")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_connected")
    assert requests.get(f"{meters}/meters/{KEYPAD_ONLY}/log", timeout=5).json() == []
    assert enter(meters, "123", serial=KEYPAD_ONLY).json()["result"] == "Format"


def test_an_unknown_meter_is_named_so(meters: str) -> None:
    paths = ("04246810966", "04246810966/log")
    answers = [requests.get(f"{meters}/meters/{path}", timeout=5) for path in paths]
    answers.append(enter(meters, credit(10), serial="04246810966"))

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {
        (404, "unknown_meter")
    }


def test_the_log_shows_four_digits_and_can_be_waited_on(meters: str) -> None:
    logs: list[Any] = []
    url = f"{meters}/meters/{AWA}/log?wait_seconds=4"
    waiting = threading.Thread(target=lambda: logs.append(requests.get(url, timeout=9).json()))
    waiting.start()
    token = credit(100)
    enter(meters, token, via="ami")
    waiting.join()

    assert logs == [
        [
            {
                "n": 1,
                "at": "2026-11-23T08:00:00.000000Z",
                "via": "ami",
                "token_last4": token[-4:],
                "result": "Accept",
                "kwh_tenths": 100,
            }
        ]
    ]
    assert requests.get(f"{meters}/meters/{AWA}/log?after=1", timeout=5).json() == []


def test_reset_empties_the_meters(meters: str) -> None:
    enter(meters, credit(100))

    requests.post(f"{meters}/_sandbox/reset", timeout=5)

    assert requests.get(f"{meters}/meters/{AWA}", timeout=5).json()["tokens_accepted"] == 0
    assert result(meters, credit(100)) == "Accept"


def test_a_malformed_request_is_refused_without_repeating_the_token(meters: str) -> None:
    answer = enter(meters, "12345678901234567890", via="post")

    assert answer.status_code == 422
    assert "12345678901234567890" not in answer.text
