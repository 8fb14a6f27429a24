"""The savings group: what its dialogs promise beyond one screen after the other."""

from __future__ import annotations

from tests.examples.phones import MEMBER, Programs, phone
from ussd_app.effects import Row


def test_wrong_codes_lock_the_member_out_of_the_next_session_too(
    programs: Programs,
) -> None:
    member = phone(programs, "*344#", MEMBER, pins__verify=["wrong"])
    member.dial("*344#")
    member.type("1", "1111", "1", "2222", "1")

    last = member.type("3333")
    asked = len(member.backends.calls)
    member.dial("*344#")
    again = member.type("1")

    assert last == "Trop de codes faux. Réessayez demain en composant *344#."
    assert again == last
    # The second time nobody was asked about a code.
    assert [call.backend for call in member.backends.calls[asked:]] == ["members.find"]


def test_a_right_code_forgives_the_wrong_ones(programs: Programs) -> None:
    member = phone(programs, "*344#", MEMBER, pins__verify=["wrong", "right", "wrong"])
    member.dial("*346#")
    member.type("1111", "1", "2222")

    assert "Essais restants: 2." in member.type("00", "1", "3333")


def test_wrong_codes_count_wherever_they_are_asked_for(programs: Programs) -> None:
    member = phone(programs, "*344#", MEMBER, pins__verify=["wrong"])
    member.dial("*344#")
    member.type("1", "1111", "00", "2", "2000", "1")

    assert "Essais restants: 1." in member.type("2222")


def test_the_treasurer_is_told_in_french_whatever_the_member_reads(
    programs: Programs,
) -> None:
    member = phone(programs, "*345#", MEMBER)
    member.dial("*345#")

    end = member.type("2", "2000", "1", "2580")
    told = member.backends.last("sms.send")

    assert end == "Asante. 2,000 F zimelipwa. Risiti 2045 1882 3907."
    assert told.language == "fr"
    assert told.arguments == {
        "to": "+243812345678",
        "text": "Furaha Nabintu a versé 2 000 F. Reçu 2045 1882 3907",
    }


def test_a_statement_is_written_in_the_language_of_the_member(programs: Programs) -> None:
    member = phone(programs, "*345#", MEMBER)
    member.dial("*345#")
    member.type("5", "2")

    assert member.backends.last("sms.send").arguments["text"] == (
        "TUJENGE PAMOJA\nMiezi mitatu: michango 4, 10,000 F\nAkiba 86,000 F"
    )


def test_a_member_without_payments_is_told_so(programs: Programs) -> None:
    member = phone(programs, "*344#", MEMBER, contributions__history=[("found", {"rows": ()})])
    member.dial("*344#")

    assert member.type("3").startswith("Aucun versement pour l'instant.\n1. Continuer")


def test_twenty_payments_take_pages_and_none_is_lost(programs: Programs) -> None:
    rows: tuple[Row, ...] = tuple(
        {"day": f"2023-10-{day:02}", "amount": 2000 + day, "receipt": f"{day:012}"}
        for day in range(1, 21)
    )
    member = phone(programs, "*344#", MEMBER, contributions__history=[("found", {"rows": rows})])
    member.dial("*344#")
    shown = [member.type("3")]
    while "98. Suite" in shown[-1]:
        shown.append(member.type("98"))

    assert len(shown) == 4
    assert [line for page in shown for line in page.split("\n") if " F" in line] == [
        f"{day}. {day:02}/10/2023 2 0{day:02} F" for day in range(1, 21)
    ]
    assert "Recu 0000 0000 0020" in member.type("20")


def test_a_member_who_leaves_while_paying_gets_an_sms_once(programs: Programs) -> None:
    member = phone(programs, "*344#", MEMBER, contributions__pay=["pending"])
    member.dial("*344#")
    member.type("2", "2000", "1", "2580")
    member.handset.drop("hung up")
    member.handset.drop("hung up")

    assert [message.text for message in member.handset.messages] == [
        "Cotisation de 2 000 F: validez la demande de l'opérateur. Réf P-51"
    ]


def test_dialling_again_asks_whether_to_go_on(programs: Programs) -> None:
    member = phone(programs, "*344#", MEMBER)
    member.dial("*344#")
    member.type("2", "2000")
    member.handset.drop("timeout")

    asked = member.dial("*344#")
    resumed = member.type("1")

    assert asked == "Vous étiez ici il y a peu. Reprendre?\n1. Reprendre\n2. Recommencer"
    assert resumed.startswith("Verser 2 000 F au groupe Tujenge Pamoja?")


def test_a_balance_is_never_gone_back_to_without_the_code(programs: Programs) -> None:
    member = phone(programs, "*344#", MEMBER)
    member.dial("*346#")
    assert "86 000 F" in member.type("2580")
    member.handset.drop("timeout")

    assert member.dial("*346#").startswith("Code secret pour voir votre épargne:")


def test_a_language_once_chosen_is_spoken_next_time(programs: Programs) -> None:
    member = phone(programs, "*344#", MEMBER)
    member.dial("*344#")
    member.type("6", "3")

    assert member.dial_tomorrow("*344#").startswith("Kikundi Tujenge Pamoja")


def test_a_payment_has_one_id_for_its_session(programs: Programs) -> None:
    member = phone(programs, "*344#", MEMBER, contributions__pay=[None])
    member.dial("*344#")
    member.type("2", "2000", "1", "2580", "1", "1")

    ids = {call.id for call in member.backends.calls if call.backend == "contributions.pay"}
    assert len(ids) == 1


def test_a_dial_string_stops_before_the_code_and_the_payment(programs: Programs) -> None:
    member = phone(programs, "*344#", MEMBER)

    assert member.dial("*344*2*2000*1*2580#").startswith("Verser 2 000 F")
    assert {call.backend for call in member.backends.calls} == {"members.find"}


def test_a_meeting_goes_on_at_once_with_what_was_recorded(programs: Programs) -> None:
    treasurer = phone(programs, "*347#", MEMBER)
    treasurer.dial("*347#")
    treasurer.type("12345674", "10112023", "1", "2000", "1")
    treasurer.handset.drop("timeout")

    assert treasurer.dial("*347#").startswith("Versés: 1, 2 000 F. Qui paie?\n1. Amani Bahati")


def test_the_book_of_a_group_is_asked_for_once(programs: Programs) -> None:
    treasurer = phone(programs, "*347#", MEMBER)
    treasurer.dial("*347#")
    treasurer.type("12345674", "10112023", "4")

    assert treasurer.dial("*347#").startswith("Tujenge Pamoja\nDate de la séance")


def test_each_member_at_a_meeting_is_a_record_of_its_own(programs: Programs) -> None:
    treasurer = phone(programs, "*347#", MEMBER)
    treasurer.dial("*347#")
    treasurer.type("12345674", "10112023", "1", "2000", "1", "1", "2000", "1")

    calls = [call for call in treasurer.backends.calls if call.backend == "contributions.record"]
    assert [call.arguments["card"] for call in calls] == ["100017", "100025"]
    assert len({call.id for call in calls}) == 2
