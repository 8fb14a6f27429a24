"""The operator: each key moves money once, prompts follow the clock, SMS arrive once."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

GOOD = "+22670999000"


def debit(
    url: str, key: str, *, msisdn: str = GOOD, amount_minor: object = 1180, **more: object
) -> requests.Response:
    body = {
        "msisdn": msisdn,
        "amount_minor": amount_minor,
        "currency": "XOF",
        "reference": "P7K2M9",
        "text": "Compteur 1379",
        **more,
    }
    return requests.post(
        f"{url}/wallet/debits", json=body, headers={"Idempotency-Key": key}, timeout=5
    )


def refund(url: str, key: str, debit_key: str, amount_minor: int) -> requests.Response:
    body = {"debit_key": debit_key, "amount_minor": amount_minor, "currency": "XOF"}
    return requests.post(
        f"{url}/wallet/refunds", json=body, headers={"Idempotency-Key": key}, timeout=5
    )


def get(url: str, path: str) -> Any:
    return requests.get(f"{url}{path}", timeout=5).json()


def balance(url: str, msisdn: str = GOOD) -> object:
    return get(url, f"/_sandbox/wallets/{msisdn}")["balance_minor"]


def test_a_debit_takes_the_money_and_says_so(operator: str) -> None:
    answer = debit(operator, "p1:debit")

    assert answer.status_code == 200
    assert answer.json()["status"] == "success"
    assert answer.json()["amount_minor"] == 1180
    assert balance(operator) == 998_820
    assert get(operator, "/wallet/debits/p1:debit") == answer.json()


def test_the_same_key_and_body_debits_once(operator: str) -> None:
    first, second = debit(operator, "p1:debit"), debit(operator, "p1:debit")

    assert second.json() == first.json()
    assert len(get(operator, "/_sandbox/ledger")["entries"]) == 1


def test_twenty_at_once_with_one_key_debit_once(operator: str) -> None:
    answers: list[requests.Response] = []
    threads = [
        threading.Thread(target=lambda: answers.append(debit(operator, "p1:debit")))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {answer.text for answer in answers} == {answers[0].text}
    assert len(answers) == 20
    assert balance(operator) == 998_820


def test_the_same_key_with_another_body_is_refused(operator: str) -> None:
    debit(operator, "p1:debit")

    answer = debit(operator, "p1:debit", amount_minor=1185)

    assert answer.status_code == 409
    assert answer.json()["code"] == "key_reused"
    assert balance(operator) == 998_820


def test_a_key_that_never_arrived_is_not_found(operator: str) -> None:
    answer = requests.get(f"{operator}/wallet/debits/nothing", timeout=5)

    assert (answer.status_code, answer.json()) == (404, {"status": "not_found"})


@pytest.mark.parametrize(
    "broken",
    [
        {"amount_minor": 1180.0},
        {"amount_minor": "1180"},
        {"amount_minor": -5},
        {"amount_minor": True},
        {"currency": "EUR"},
        {"msisdn": "70999000"},
        {"surprise": 1},
    ],
)
def test_a_malformed_debit_is_refused_and_forgotten(operator: str, broken: dict[str, Any]) -> None:
    answer = debit(operator, "p1:debit", **broken)

    assert answer.status_code == 422
    assert answer.json()["code"] == "bad_request"
    assert get(operator, "/wallet/debits/p1:debit") == {"status": "not_found"}


def test_a_debit_without_a_key_is_refused(operator: str) -> None:
    answer = debit(operator, "")

    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("amount_minor", "reason"),
    [
        (4, "amount_too_low"),
        (1182, "amount_too_low"),
        (2_000_005, "amount_too_high"),
        (1_000_005, "insufficient_funds"),
    ],
)
def test_the_operators_limits_hold(operator: str, amount_minor: int, reason: str) -> None:
    answer = debit(operator, "p1:debit", amount_minor=amount_minor)

    assert answer.status_code == 402
    assert answer.json()["reason"] == reason
    assert balance(operator) == 1_000_000


@pytest.mark.parametrize(
    ("last_two", "reason"),
    [
        ("01", "insufficient_funds"),
        ("02", "wrong_pin"),
        ("03", "pin_locked"),
        ("04", "cancelled"),
        ("05", "prompt_expired"),
        ("06", "not_registered"),
        ("07", "barred"),
        ("08", "amount_too_high"),
        ("09", "daily_limit"),
        ("10", "count_limit"),
        ("11", "amount_too_low"),
    ],
)
def test_magic_numbers_decline_with_either_wallet(
    operator: str, prompting_operator: str, hands: list[datetime], last_two: str, reason: str
) -> None:
    msisdn = f"+226709990{last_two}"

    at_once = debit(operator, "p1:debit", msisdn=msisdn)
    debit(prompting_operator, "p1:debit", msisdn=msisdn)
    hands[0] += timedelta(seconds=61)
    later = get(prompting_operator, "/wallet/debits/p1:debit")

    assert at_once.status_code == 402
    assert at_once.json()["reason"] == reason
    assert later["reason"] == reason
    assert get(operator, "/_sandbox/ledger")["entries"] == []
    assert get(prompting_operator, "/_sandbox/ledger")["entries"] == []


def test_a_number_that_nobody_seeded_is_called_a_test_number(operator: str) -> None:
    answer = debit(operator, "p1:debit", msisdn="+22671000000")

    assert answer.status_code == 402
    assert answer.json()["reason"] == "not_registered"
    assert answer.json()["message"].startswith("unknown test number: this sandbox knows only")


def test_the_busy_number_is_busy_once(operator: str) -> None:
    msisdn = "+22670999012"

    first = debit(operator, "p1:debit", msisdn=msisdn)
    second = debit(operator, "p2:debit", msisdn=msisdn)

    assert first.json()["reason"] == "session_busy"
    assert second.json()["status"] == "success"
    assert debit(operator, "p1:debit", msisdn=msisdn).json() == first.json()


def test_the_slow_number_is_pending_for_ninety_seconds(
    operator: str, hands: list[datetime]
) -> None:
    msisdn = "+22670999013"
    pending = debit(operator, "p1:debit", msisdn=msisdn)
    hands[0] += timedelta(seconds=89)
    still = get(operator, "/wallet/debits/p1:debit")
    hands[0] += timedelta(seconds=1)

    assert (pending.status_code, pending.json()["status"]) == (202, "pending")
    assert still["status"] == "pending"
    assert get(operator, "/wallet/debits/p1:debit")["status"] == "success"
    assert balance(operator, msisdn) == 998_820


def test_the_endless_number_is_pending_for_ever(operator: str, hands: list[datetime]) -> None:
    debit(operator, "p1:debit", msisdn="+22670999014")
    hands[0] += timedelta(days=30)

    assert get(operator, "/wallet/debits/p1:debit")["status"] == "pending"


def test_the_dear_number_takes_more_than_asked(operator: str) -> None:
    answer = debit(operator, "p1:debit", msisdn="+22670999036")

    assert answer.json()["amount_minor"] == 1230
    assert balance(operator, "+22670999036") == 998_770


def test_the_unauthorised_number_is_refused_once(operator: str) -> None:
    answers = [debit(operator, "p1:debit", msisdn="+22670999050") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [401, 200]


def test_a_prompt_is_approved_after_a_while(prompting_operator: str, hands: list[datetime]) -> None:
    pending = debit(prompting_operator, "p1:debit")
    prompt = get(prompting_operator, f"/_sandbox/prompts/{GOOD}")
    before = balance(prompting_operator)
    hands[0] += timedelta(seconds=2)

    assert pending.status_code == 202
    assert prompt["text"] == "Compteur 1379"
    assert before == 1_000_000
    assert get(prompting_operator, "/wallet/debits/p1:debit")["status"] == "success"
    assert balance(prompting_operator) == 998_820


@pytest.mark.parametrize(
    ("action", "status", "reason"),
    [
        ("approve", "success", None),
        ("cancel", "declined", "cancelled"),
        ("wrong_pin", "declined", "wrong_pin"),
    ],
)
def test_a_person_can_act_on_the_prompt(
    prompting_operator: str, action: str, status: str, reason: str | None
) -> None:
    debit(prompting_operator, "p1:debit")

    url = f"{prompting_operator}/_sandbox/prompts/{GOOD}"
    settled = requests.post(url, json={"action": action}, timeout=5)

    assert settled.json()["status"] == status
    assert settled.json().get("reason") == reason
    assert requests.get(url, timeout=5).status_code == 404
    assert requests.post(url, json={"action": action}, timeout=5).status_code == 404


def test_one_prompt_is_open_on_a_phone(prompting_operator: str) -> None:
    debit(prompting_operator, "p1:debit")

    second = debit(prompting_operator, "p2:debit")

    assert second.status_code == 402
    assert second.json()["reason"] == "session_busy"


def test_money_that_left_during_the_prompt_is_missed(
    prompting_operator: str, hands: list[datetime]
) -> None:
    debit(prompting_operator, "p1:debit")
    wallet = f"{prompting_operator}/_sandbox/wallets/{GOOD}"
    requests.put(wallet, json={"balance_minor": 10}, timeout=5)
    hands[0] += timedelta(seconds=2)

    settled = get(prompting_operator, "/wallet/debits/p1:debit")

    assert settled["reason"] == "insufficient_funds"


def test_the_wallet_is_switched_number_by_number(operator: str) -> None:
    wallet = f"{operator}/_sandbox/wallets/+22671000000"
    requests.put(wallet, json={"balance_minor": 5000, "mode": "prompt"}, timeout=5)

    assert debit(operator, "p1:debit", msisdn="+22671000000").status_code == 202
    assert debit(operator, "p2:debit").status_code == 200


def test_a_refund_pays_once_and_never_more_than_the_debit(operator: str) -> None:
    debit(operator, "p1:debit")

    first = refund(operator, "p1:refund", "p1:debit", 1180)
    again = refund(operator, "p1:refund", "p1:debit", 1180)
    more = refund(operator, "p1:refund2", "p1:debit", 5)

    assert (first.status_code, first.json()["amount_minor"]) == (200, 1180)
    assert again.json() == first.json()
    assert (more.status_code, more.json()["code"]) == (409, "exceeds_debit")
    assert get(operator, "/wallet/refunds/p1:refund") == first.json()
    assert balance(operator) == 1_000_000


def test_refunds_that_make_no_sense_are_refused(operator: str) -> None:
    debit(operator, "p1:debit")
    debit(operator, "p2:debit", msisdn="+22670999001")
    refund(operator, "p1:refund", "p1:debit", 100)

    assert refund(operator, "p3:refund", "p3:debit", 100).status_code == 404
    assert refund(operator, "p2:refund", "p2:debit", 100).json()["code"] == "not_debited"
    assert refund(operator, "p1:refund", "p1:debit", 200).json()["code"] == "key_reused"
    assert get(operator, "/wallet/refunds/p9") == {"status": "not_found"}


@pytest.mark.parametrize(
    ("last_two", "reason"), [("41", "payee_limit"), ("42", "payee_float_empty")]
)
def test_magic_numbers_refuse_refunds(operator: str, last_two: str, reason: str) -> None:
    msisdn = f"+226709990{last_two}"
    debit(operator, "p1:debit", msisdn=msisdn)

    answer = refund(operator, "p1:refund", "p1:debit", 1180)

    assert (answer.status_code, answer.json()["reason"]) == (402, reason)
    assert get(operator, "/wallet/refunds/p1:refund")["reason"] == reason
    assert balance(operator, msisdn) == 998_820


def test_the_statement_of_a_day_adds_up(operator: str, hands: list[datetime]) -> None:
    debit(operator, "p1:debit")
    refund(operator, "p1:refund", "p1:debit", 180)
    hands[0] += timedelta(days=1)
    debit(operator, "p2:debit")

    statement = get(operator, "/_sandbox/statement/2026-11-23")

    assert (statement["debits_minor"], statement["refunds_minor"]) == (1180, 180)
    assert [entry["key"] for entry in statement["entries"]] == ["p1:debit", "p1:refund"]
    assert len(get(operator, "/_sandbox/ledger?msisdn=%2B22670999000")["entries"]) == 3


def send(url: str, sms_id: str, text: str, to: str = GOOD) -> requests.Response:
    return requests.post(f"{url}/sms", json={"sms_id": sms_id, "to": to, "text": text}, timeout=5)


def test_an_sms_is_delivered_once(operator: str) -> None:
    first, again = send(operator, "p1:sms", "Bonjour"), send(operator, "p1:sms", "Bonjour")

    messages = get(operator, f"/_sandbox/inbox/{GOOD}")["messages"]

    assert first.status_code == 202
    assert again.json() == first.json()
    assert [message["text"] for message in messages] == ["Bonjour"]
    assert get(operator, "/sms/p1:sms")["status"] == "delivered"
    assert send(operator, "p1:sms", "Bonsoir").status_code == 409
    assert requests.get(f"{operator}/sms/p2:sms", timeout=5).status_code == 404


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("[" * 80, 1),
        ("[" * 81, 2),
        ("é" * 160, 1),
        ("ê" * 70, 1),
        ("ê" * 71, 2),
    ],
)
def test_parts_are_counted_as_the_network_does(operator: str, text: str, parts: int) -> None:
    assert send(operator, "p1:sms", text).json()["parts"] == parts


@pytest.mark.parametrize(("sms_id", "text"), [("", "a"), ("p1", ""), ("p1", "a" * 1600)])
def test_a_bad_sms_is_refused(operator: str, sms_id: str, text: str) -> None:
    assert send(operator, sms_id, text).status_code == 422


def test_the_inbox_can_be_waited_on(operator: str) -> None:
    answers: list[Any] = []
    path = f"/_sandbox/inbox/{GOOD}?after=0&wait_seconds=4"
    waiting = threading.Thread(target=lambda: answers.append(get(operator, path)))
    waiting.start()
    send(operator, "p1:sms", "Bonjour")
    waiting.join()

    assert [message["text"] for message in answers[0]["messages"]] == ["Bonjour"]
    after = answers[0]["messages"][0]["n"]
    assert get(operator, f"/_sandbox/inbox/{GOOD}?after={after}") == {"messages": []}


def test_reset_goes_back_to_the_seed(operator: str) -> None:
    debit(operator, "p1:debit")
    send(operator, "p1:sms", "Bonjour")

    requests.post(f"{operator}/_sandbox/reset", timeout=5)

    assert balance(operator) == 1_000_000
    assert get(operator, "/wallet/debits/p1:debit") == {"status": "not_found"}
    assert get(operator, f"/_sandbox/inbox/{GOOD}") == {"messages": []}
