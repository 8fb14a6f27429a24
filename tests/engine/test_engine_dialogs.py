"""What a client of the shipped flow sees, screen by screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ussd_app import engine
from ussd_app.effects import Call, CallResult, Dropped
from ussd_app.engine import Answer, Begin, Drop, Hold, Result
from ussd_app.messages import Action, Budget
from ussd_app.screens import FlowStuck
from ussd_app.session import Status

if TYPE_CHECKING:
    from tests.engine.conftest import Dialog

SERIAL = "04246801379"
HOME = "Energie prépayée\n1. Acheter\n2. Mes derniers codes\n3. Tarif\n4. English"


def test_dialling_shows_home(dialog: Dialog) -> None:
    assert dialog.dial().replace("É", "E") == HOME
    assert (dialog.at(), dialog.ended()) == ("home", False)


def test_a_purchase_is_three_answers_and_a_confirmation(dialog: Dialog) -> None:
    dialog.dial()

    assert dialog.send("1").startswith("Numéro de série")
    assert dialog.send(SERIAL) == "A** O********\nCombien de kWh?\n0.Retour 00.Accueil"
    assert dialog.send("10") == (
        f"10 kWh\nCompteur {SERIAL}\nA** O********\nTotal 1 135 F TTC\n"
        "1. Payer\n2. Changer\n0.Retour 00.Accueil"
    )
    assert dialog.send("1") == (
        "Payé. Code: 0123 4567 8901 2345 6789. 10 kWh, réf C-7K2M9QXA. Aussi par SMS."
    )
    assert dialog.ended()
    assert dialog.session is not None
    assert dialog.session.status is Status.ENDED


def test_the_back_ends_are_given_what_was_typed(dialog: Dialog) -> None:
    dialog.dial()
    dialog.send("1", SERIAL, "10,5", "1")
    welcome, find, quote, paying = dialog.calls

    assert (welcome.backend, welcome.arguments) == ("purchases.open", {})
    assert (find.backend, find.arguments) == ("meters.find", {"serial": SERIAL})
    assert quote.arguments == {"serial": SERIAL, "kwh": "10.5"}
    assert paying.arguments == {
        "serial": SERIAL,
        "kwh": "10.5",
        "quote": "q-1",
        "total": "1135",
        "valid_until": "2026-11-22T12:00:00+00:00",
    }
    assert [call.once for call in dialog.calls] == [False, False, False, True]
    assert {(call.msisdn, call.language) for call in dialog.calls} == {("+22670123456", "fr")}


def test_the_language_toggles_to_and_fro(dialog: Dialog) -> None:
    dialog.dial()

    assert dialog.send("4").startswith("Prepaid electricity\n1. Buy")
    assert dialog.send("4").replace("É", "E") == HOME


def test_the_gateways_language_is_taken_if_the_flow_has_it(
    new_dialog: Callable[..., Dialog],
) -> None:
    assert new_dialog().dial(language="en").startswith("Prepaid electricity")
    assert new_dialog().dial(language="de").replace("É", "E") == HOME


def test_back_returns_screen_by_screen(dialog: Dialog) -> None:
    dialog.dial()
    dialog.send("1", SERIAL, "10")

    assert dialog.send("0").startswith("A** O********")
    assert dialog.send("0").startswith("Numéro de série")
    assert dialog.send("0").replace("É", "E") == HOME
    assert dialog.send("0").startswith("Choix inconnu.")
    assert dialog.at() == "home"


def test_wrong_tries_are_counted_over_the_back_key(dialog: Dialog) -> None:
    dialog.dial()
    dialog.send("1", "5", "5", "0", "1")
    assert dialog.at() == "serial"
    dialog.send("5")

    assert dialog.at() == "give_up"


def test_an_accepted_answer_gives_all_its_tries_back(dialog: Dialog) -> None:
    dialog.dial()
    dialog.send("1", "5", "5", SERIAL, "0", "5", "5")

    assert dialog.at() == "serial"


def test_the_home_key_leads_home_from_anywhere_and_forgets_the_way(dialog: Dialog) -> None:
    dialog.dial()

    assert dialog.send("1", SERIAL, "10", "00").replace("É", "E") == HOME
    assert dialog.session is not None
    assert dialog.session.trail == ()
    assert dialog.send("00").replace("É", "E") == HOME


def test_a_label_is_accepted_however_it_is_written(new_dialog: Callable[..., Dialog]) -> None:
    for typed in ("Acheter", "acheter", " ACHETER "):
        one = new_dialog()
        one.dial()
        one.send(typed)
        assert one.at() == "serial"


def test_digits_of_any_script_are_digits(dialog: Dialog) -> None:
    dialog.dial()
    dialog.send("١", "٠٤٢٤٦٨٠١٣٧٩")

    assert dialog.at() == "kwh"
    assert dialog.send("१०").startswith("10 kWh\n")


@pytest.mark.parametrize("typed", ["9", "", "0", "98", "abc", "1 1", "*", "\x00", "11" * 90])
def test_an_unknown_choice_is_told_and_nothing_moves(dialog: Dialog, typed: str) -> None:
    dialog.dial()

    assert dialog.send(typed).startswith("Choix inconnu.\n")
    assert dialog.at() == "home"


def test_a_wrong_check_digit_is_told_in_the_flows_words(dialog: Dialog) -> None:
    dialog.dial()

    assert dialog.send("1", "04246801378").startswith("Numéro incorrect, vérifiez la carte.\n")
    assert dialog.send("12").startswith("Entrez 11 ou 13 chiffres.\n")


def test_a_third_wrong_serial_number_ends_the_session(dialog: Dialog) -> None:
    dialog.dial()

    assert dialog.send("1", "1", "2", "3").startswith("Trop d'essais.")
    assert (dialog.at(), dialog.ended()) == ("give_up", True)


def test_a_dial_string_is_fed_to_the_screens_and_stops_before_paying(dialog: Dialog) -> None:
    text = dialog.dial(f"1*{SERIAL}*10*1")

    assert (dialog.at(), dialog.ended()) == ("confirm", False)
    assert text.startswith(f"10 kWh\nCompteur {SERIAL}\n")
    assert "purchase.start" not in [call.backend for call in dialog.calls]
    assert dialog.session is not None
    assert dialog.session.queue == ()


def test_a_wrong_part_of_a_dial_string_stops_it_there(dialog: Dialog) -> None:
    assert dialog.dial("1*123*10").startswith("Entrez 11 ou 13 chiffres.")
    assert (dialog.at(), dialog.session and dialog.session.queue) == ("serial", ())


def test_an_endless_dial_string_is_cut(dialog: Dialog) -> None:
    dialog.dial("*".join("4" * 500))

    assert dialog.at() == "home"


def test_what_was_dialled_is_dropped_where_an_open_purchase_is_told_first(dialog: Dialog) -> None:
    dialog.answers["purchases.open"] = "open"

    assert dialog.dial(f"1*{SERIAL}").startswith("Achat de 10 kWh en cours")
    dialog.answers["purchases.open"] = "none"
    assert dialog.send("1").replace("É", "E") == HOME


@pytest.mark.parametrize(
    ("outcome", "text", "ends"),
    [
        (
            "paid",
            "Payé, réf C-7K2M9QXA. Vous recevrez le code, ou le remboursement, par SMS.",
            True,
        ),
        ("insufficient_funds", "Solde insuffisant. Rien n'a été débité.", True),
        ("declined", "Paiement refusé par l'opérateur. Rien n'a été débité.", True),
        ("late", "Paiement en cours. Ne payez pas une 2e fois. Réponse par SMS.", True),
        ("failed", "Achat non effectué. Rien n'a été débité. Réessayez plus tard.", True),
        # Doubtful: money may have moved.
        ("unheard_of", "Paiement en cours. Ne payez pas une 2e fois. Réponse par SMS.", True),
    ],
)
def test_what_a_payment_came_to_is_told(
    dialog: Dialog, outcome: str, text: str, *, ends: bool
) -> None:
    dialog.answers["purchase.start"] = outcome
    dialog.dial()

    assert dialog.send("1", SERIAL, "10", "1") == text
    assert dialog.ended() is ends


def test_an_expired_quote_is_quoted_and_confirmed_again(dialog: Dialog) -> None:
    dialog.answers["purchase.start"] = "quote_expired"
    dialog.dial()

    assert dialog.send("1", SERIAL, "10", "1").startswith("Le prix a expiré. Rien n'a été débité.")
    dialog.answers["tariffs.quote"] = ("ok", {"id": "q-2", "total": 1200, "valid_until": "z"})
    assert "Total 1 200 F TTC" in dialog.send("1")
    assert dialog.calls[-1].backend == "tariffs.quote"


def test_back_never_crosses_a_payment(dialog: Dialog) -> None:
    dialog.answers["purchase.start"] = "quote_expired"
    dialog.dial()
    dialog.send("1", SERIAL, "10", "1")

    assert "Retour" not in dialog.send("9")
    assert dialog.send("0").startswith("Choix inconnu.")
    assert dialog.at() == "requote"


def test_holding_screens_are_bounded(dialog: Dialog) -> None:
    dialog.answers["meters.find"] = None
    dialog.dial()
    dialog.send("1")
    shown = [dialog.send(SERIAL), *(dialog.send("1") for _ in range(3))]

    assert shown[:3] == ["Un instant, votre demande est en cours.\n1. Continuer"] * 3
    assert shown[3] == "Service momentanément indisponible. Réessayez plus tard."


def test_a_late_answer_is_still_taken_on_a_holding_screen(dialog: Dialog) -> None:
    dialog.answers["meters.find"] = None
    dialog.dial()
    dialog.send("1", SERIAL, "anything at all")
    dialog.answers["meters.find"] = "found"

    assert dialog.send("1").startswith("A** O********")
    find = [call for call in dialog.calls if call.backend == "meters.find"]
    assert len(find) == 3
    assert len({call.id for call in find}) == 1


def test_a_call_with_no_waits_is_late_at_once(dialog: Dialog) -> None:
    dialog.answers["purchases.open"] = None

    assert dialog.dial().replace("É", "E") == HOME


def test_the_result_of_another_call_is_refused_and_changes_nothing(dialog: Dialog) -> None:
    dialog.answers["meters.find"] = None
    dialog.dial()
    dialog.send("1", SERIAL)
    before = dialog.session

    with pytest.raises(FlowStuck, match='awaits no call "other"'):
        dialog.step(Result(CallResult("other", "found")))
    assert dialog.session == before


@pytest.mark.parametrize("event", [Result(CallResult("", "found")), Hold()])
def test_a_result_nobody_asked_for_is_refused(dialog: Dialog, event: Result | Hold) -> None:
    dialog.dial()

    with pytest.raises(FlowStuck):
        dialog.step(event)


def test_a_drop_is_noted_with_where_and_why(dialog: Dialog) -> None:
    dialog.dial()
    dialog.send("1")
    turn = dialog.step(Drop("left"))

    assert turn.screen is None
    assert turn.effects == (Dropped("instance-1", "serial", "left", 2, 1),)
    assert turn.session.status is Status.DROPPED


def test_codes_bought_before_are_listed_and_shown(dialog: Dialog) -> None:
    dialog.dial()
    assert dialog.send("2").startswith("Mes derniers codes\n1. 22/11/2026 10 kWh ..1379\n")
    assert dialog.send("1").startswith("22/11/2026\nCompteur 04246801379\n10 kWh\n0123 4567 8901")
    assert dialog.send("1").replace("É", "E") == HOME


def test_a_list_longer_than_a_screen_goes_on_with_more(dialog: Dialog) -> None:
    row = {"date": "2026-11-22", "kwh": "1638.3", "serial": "0417135790000", "token": "0" * 20}
    dialog.answers["purchases.recent"] = ("found", {"codes": (row,) * 5})
    dialog.dial()
    first = dialog.send("2")
    second = dialog.send("98")

    assert "98. Suite" in first
    assert "98. Suite" not in second
    assert [n for n in "12345" if f"{n}. 22/11" in first] + [
        n for n in "12345" if f"{n}. 22/11" in second
    ] == list("12345")
    assert dialog.send("0") == first
    assert dialog.send("98", "1").startswith("22/11/2026")


def test_a_notice_that_does_not_fit_hides_nothing(dialog: Dialog) -> None:
    row = {"date": "2026-11-22", "kwh": "1638.3", "serial": "0417135790000", "token": "0" * 20}
    dialog.answers["purchases.recent"] = ("found", {"codes": (row,) * 5})
    dialog.dial()
    first = dialog.send("2")

    assert dialog.send("77") == "Choix inconnu.\n98. Suite"
    assert dialog.send("98") == first
    assert dialog.send("77", "2").startswith("22/11/2026")


def test_more_rows_than_declared_are_cut(dialog: Dialog) -> None:
    row = {"date": "2026-11-22", "kwh": "1", "serial": "1", "token": "0", "secret": "x"}
    dialog.answers["purchases.recent"] = ("found", {"codes": (row,) * 9, "more": "y"})
    dialog.dial()
    dialog.send("2")

    assert dialog.session is not None
    kept = dialog.session.variables["recent"]
    assert kept == {"codes": ({name: row[name] for name in row if name != "secret"},) * 5}


def test_a_value_longer_than_declared_is_cut(dialog: Dialog) -> None:
    dialog.answers["meters.find"] = ("found", {"customer": "x" * 500})
    dialog.dial()

    assert dialog.send("1", SERIAL).startswith("x" + "*" * 27 + "\n")


def test_a_narrow_gateway_gets_the_same_dialog_in_more_pages(
    new_dialog: Callable[..., Dialog],
) -> None:
    narrow = new_dialog(budget=Budget(septets_max=60))
    narrow.dial()
    assert narrow.send("1", "5").startswith("Entrez 11 ou 13 chiffres.\n98. Suite")
    assert narrow.send("98").startswith("Numéro de série")
    narrow.send(SERIAL, "10")
    while "1. Payer" not in narrow.send("98"):
        assert narrow.at() == "confirm"
    pages = [narrow.send("1")]
    while not narrow.ended():
        pages.append(narrow.send("98"))
    assert "0123 4567 8901 2345 6789" in " ".join(page.split("\n98.")[0] for page in pages)


def test_beginning_is_pure(dialog: Dialog) -> None:
    event = Begin("i", "+22670123456", "*789#", "1")
    first, second = (engine.begin(dialog.program, event, 5.0, Budget()) for _ in range(2))

    assert first == second
    assert (first.session.begun_at, first.session.hops, first.session.visit) == (5.0, 1, 1)


def test_an_answer_while_a_call_is_awaited_only_asks_again(dialog: Dialog) -> None:
    dialog.answers["meters.find"] = None
    dialog.dial()
    dialog.send("1", SERIAL)
    turn = dialog.step(Answer("00"))

    assert turn.screen is None
    assert [each.backend for each in turn.effects if isinstance(each, Call)] == ["meters.find"]


def test_an_end_screen_ends(dialog: Dialog) -> None:
    dialog.answers["meters.find"] = "blocked"
    dialog.dial()
    dialog.send("1", SERIAL)

    assert dialog.screen is not None
    assert dialog.screen.action is Action.END
    assert dialog.screen.options == ()
