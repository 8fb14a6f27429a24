"""The STS room against the published vectors (compliance test keys, never real ones)."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from hes_adapter.sts import misty1
from hes_adapter.sts.amount import decode_amount, encode_amount
from hes_adapter.sts.block import CrcError, crc16
from hes_adapter.sts.credit import (
    ElectricityCredit,
    decode_electricity_credit,
    encode_electricity_credit,
)
from hes_adapter.sts.keys import (
    KeyRecordError,
    VendingKey,
    cipher_for,
    decoder_key,
    derivation_message,
)
from hes_adapter.sts.serial import SerialError, check_pan, check_serial, luhn_digit, pan_of
from hes_adapter.sts.tid import BaseDate, TidExhaustedError, tid_of, usable_minute, utc_minute
from hes_adapter.sts.token import MalformedTokenError, Token, UnsupportedTokenError

FILE: Final[dict[str, Any]] = json.loads(Path(__file__).with_name("sts-vectors.json").read_text())
PRIMITIVES: Final[dict[str, Any]] = FILE["primitives"]
ELECTRICITY: Final = [t for t in FILE["tokens"] if (t["cls"], t["sub"]) == (0, 0)]
OTHERS: Final = [t for t in FILE["tokens"] if (t["cls"], t["sub"]) != (0, 0)]
DKGA04: Final = [k for k in PRIMITIVES["decoder_keys"] if k["dkga"] == "04"]


def vending_key(vector: dict[str, Any]) -> VendingKey:
    return VendingKey(
        sgc=vector["sgc"],
        krn=vector["krn"],
        kt=vector["kt"],
        ea=vector["ea"],
        dkga=vector["dkga"],
        base_date=BaseDate(int(vector["base_date"])),
        ken=vector.get("ken", 255),
        test=True,
        secret=bytes.fromhex(vector["vk"]),
    )


def issue_minute(vector: dict[str, Any], stamp: str) -> int:
    return usable_minute(utc_minute(datetime.fromisoformat(vector[stamp]).replace(tzinfo=UTC)))


def test_the_file_holds_the_vectors_this_suite_counts_on() -> None:
    assert len(ELECTRICITY) == 22
    assert len(DKGA04) == 33
    assert len(PRIMITIVES["tid"]["vectors"]) == 200


def test_the_substitution_tables_are_the_published_ones() -> None:
    s7 = hashlib.sha256(misty1._S7).hexdigest()
    s9 = hashlib.sha256(b"".join(word.to_bytes(2, "big") for word in misty1._S9)).hexdigest()

    assert s7 == "2ef2f333a517fe3bf0d0d4afd2c1d4b743ce2eb4eacd4b65b5e6dbcd4ca733e7"
    assert s9 == "3921809db7e7b172acd29dbb6e5478d750782b890b2bc1a232139399ab31c7c6"
    assert sorted(misty1._S7) == list(range(128))
    assert sorted(misty1._S9) == list(range(512))


@pytest.mark.parametrize("vector", PRIMITIVES["misty1_ea11"]["vectors"])
def test_misty1_agrees_with_rfc_2994_both_ways(vector: dict[str, Any]) -> None:
    cipher = misty1.Misty1(bytes.fromhex(PRIMITIVES["misty1_ea11"]["key"]))
    plain, encrypted = int(vector["plain"], 16), int(vector["cipher"], 16)

    assert cipher.encrypt(plain) == encrypted
    assert cipher.decrypt(encrypted) == plain


@pytest.mark.parametrize("vector", PRIMITIVES["crc16"]["vectors"])
def test_the_crc_agrees_with_the_worked_examples(vector: dict[str, Any]) -> None:
    assert crc16(bytes.fromhex(vector["input"])) == int(vector["crc"], 16)


@pytest.mark.parametrize("vector", PRIMITIVES["amount"]["vectors"], ids=lambda v: str(v["tenths"]))
def test_an_amount_takes_the_published_sixteen_bits(vector: dict[str, Any]) -> None:
    assert encode_amount(vector["tenths"]) == vector["value16"]
    assert decode_amount(vector["value16"]) == vector["meter_credits_tenths"]


@pytest.mark.parametrize("vector", PRIMITIVES["transposition"])
def test_the_class_is_transposed_as_in_the_worked_example(vector: dict[str, Any]) -> None:
    token = Token.join(vector["cls"], int(vector["cipher64"], 16))

    assert token.digits == vector["token20"]
    assert int(token.digits) == int(vector["token66"], 16)
    assert token.split() == (vector["cls"], int(vector["cipher64"], 16))


@pytest.mark.parametrize("vector", FILE["tokens"], ids=lambda v: v["id"])
def test_every_published_token_carries_its_class_and_can_be_put_together_again(
    vector: dict[str, Any],
) -> None:
    token_class, block = Token(vector["token"]).split()

    assert token_class == vector["cls"]
    assert Token.join(token_class, block).digits == vector["token"]


@pytest.mark.parametrize("drn", PRIMITIVES["luhn"]["valid_drn"])
def test_a_real_meter_number_is_accepted(drn: str) -> None:
    check_serial(drn)
    pan = pan_of(drn)

    assert len(pan) == 18
    assert luhn_digit(pan[:-1]) == pan[-1]


@pytest.mark.parametrize(
    "drn", [*PRIMITIVES["luhn"]["invalid_drn"], "", "1234567890", "0418566365x"]
)
def test_an_invented_meter_number_is_refused(drn: str) -> None:
    with pytest.raises(SerialError):
        check_serial(drn)


def test_a_13_digit_meter_number_has_a_pan_too() -> None:
    assert pan_of("0417135790000") == "000004171357900005"


@pytest.mark.parametrize(("digits", "check"), PRIMITIVES["luhn"]["check_digit"])
def test_luhn_agrees_with_the_published_digits(digits: str, check: str) -> None:
    assert luhn_digit(digits) == check


@pytest.mark.parametrize("pan", PRIMITIVES["luhn"]["pan"])
def test_the_pans_of_the_test_suites_are_accepted(pan: str) -> None:
    wrong = pan[:-1] + str((int(pan[-1]) + 1) % 10)

    check_pan(pan)
    with pytest.raises(SerialError):
        check_pan(wrong)


@pytest.mark.parametrize("vector", PRIMITIVES["tid"]["vectors"], ids=lambda v: str(v["issued"]))
def test_a_tid_counts_minutes_and_avoids_the_reserved_one(vector: dict[str, Any]) -> None:
    base_date = BaseDate(int(vector["base_date"]))
    asked = utc_minute(datetime.fromisoformat(vector["issued"]).replace(tzinfo=UTC))

    assert tid_of(usable_minute(asked), base_date) == vector["tid"]
    assert (usable_minute(asked) != asked) is vector["special"]


@pytest.mark.parametrize("vector", PRIMITIVES["tid"]["rollover"], ids=lambda v: v["base_date"])
def test_a_base_date_ends_where_its_24_bits_end(vector: dict[str, Any]) -> None:
    base_date = BaseDate(int(vector["base_date"]))
    last = utc_minute(datetime.fromisoformat(vector["at"]).replace(tzinfo=UTC))

    assert tid_of(last, base_date) == vector["last_tid"]
    with pytest.raises(TidExhaustedError):
        tid_of(last + 1, base_date)


@pytest.mark.parametrize("vector", DKGA04)
def test_dkga04_derives_the_published_decoder_key(vector: dict[str, Any]) -> None:
    key = vending_key(vector)

    assert derivation_message(key, vector["pan"], vector["ti"]).hex() == vector["hmac_message"]
    assert decoder_key(key, vector["pan"], vector["ti"]).hex() == vector["decoder_key"]


def test_ea07_is_not_offered() -> None:
    vector = next(v for v in DKGA04 if v["ea"] == "07")

    with pytest.raises(KeyRecordError, match="licensed"):
        cipher_for(vending_key(vector), vector["pan"], vector["ti"])


@pytest.mark.parametrize("vector", ELECTRICITY, ids=lambda v: v["id"])
def test_an_electricity_credit_encodes_to_the_published_digits(vector: dict[str, Any]) -> None:
    key = vending_key(vector)
    credit = ElectricityCredit(
        tid=tid_of(issue_minute(vector, "date"), key.base_date),
        kwh_tenths=vector["amount_tenths"],
        rnd=vector["rnd"],
    )

    token = encode_electricity_credit(credit, cipher_for(key, vector["pan"], vector["ti"]))

    assert token.digits == vector["token"]


@pytest.mark.parametrize("vector", ELECTRICITY, ids=lambda v: v["id"])
def test_an_electricity_credit_decodes_to_the_published_fields(vector: dict[str, Any]) -> None:
    cipher = cipher_for(vending_key(vector), vector["pan"], vector["ti"])

    credit = decode_electricity_credit(Token(vector["token"]), cipher)

    assert credit.tid == vector["tid"]
    assert credit.rnd == vector["rnd"]
    assert credit.kwh_tenths == decode_amount(vector["value16"])


@pytest.mark.parametrize("vector", OTHERS, ids=lambda v: v["id"])
def test_a_token_of_another_kind_is_never_read_as_electricity(vector: dict[str, Any]) -> None:
    # A key change token is under the meter's old key; a token of class 1 is under no key at all.
    key = vector.get("old", vector).get("decoder_key", ELECTRICITY[0]["decoder_key"])
    cipher = misty1.Misty1(bytes.fromhex(key))

    # Currency credit has a CRC of its own, so it fails at the CRC rather than at the subclass.
    with pytest.raises((UnsupportedTokenError, CrcError)):
        decode_electricity_credit(Token(vector["token"]), cipher)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5938632347213742696",
        "593863234721374269670",
        "5938 6323 4721 3742 6967",
        "5938632347213742696x",
        "\u0665" * 20,
        str(2**66),
        "99999999999999999999",
    ],
)
def test_digits_that_are_no_token_are_refused(text: str) -> None:
    with pytest.raises(MalformedTokenError):
        Token(text)
