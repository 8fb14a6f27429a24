"""What outlives a session: where the client was, what is remembered, what is sent after a drop."""

from __future__ import annotations

import pytest

from tests.web.conftest import MSISDN, Rig
from tests.whole_system import MENUS
from ussd_app import engine
from ussd_app.engine import Answer, Begin
from ussd_app.flow.compiler import Library, compile_source
from ussd_app.hop import FixedPrograms
from ussd_app.messages import Budget
from ussd_app.screens import Program
from workers.application import APPLICATION

FLOW = """\
cassou: 1
flow: memory
service_codes: ["*789#", {code: "*790#", language: en, start: colour}]
languages: {default: fr, also: [en], remember: 90d}
start: home
resume: {within: 10m, how: HOW, never_into: [secret]}
on_drop:
  - states: [colour]
    text: {fr: "Il manque votre couleur.", en: "Which colour?"}
vars:
  name: {type: text, lengths: [2, 20], remember: 30d}
  shade: {type: choice, values: {red: {fr: Rouge, en: Red}, blue: {fr: Bleu, en: Blue}}}
  code: {type: pin, lengths: [4]}
states:
  home:
    menu: {fr: Accueil, en: Home}
    options:
      - {label: {fr: Nom, en: Name}, next: name}
      - {label: {fr: Code, en: Code}, next: secret}
      - {label: {fr: English, en: Français}, language: toggle, next: home}
      - {label: {fr: Oublier, en: Forget}, next: forget}
      - {label: {fr: Continuer, en: Go on}, resume: true}
  name:
    input: {fr: "Votre nom:", en: "Your name:"}
    save: name
    keep: true
    next: colour
  colour:
    input:
      - {when: "{name} is set", fr: "{name}, votre couleur:", en: "{name}, your colour:"}
      - {when: "{name} is not set", fr: "Votre couleur:", en: "Your colour:"}
    save: shade
    attempts: {max: 3, next: bye}
    next: done
  secret:
    input: {fr: "Code:", en: "PIN:"}
    save: code
    attempts: {max: 3, next: bye}
    next: judge
  judge: {branch: [{when: "{code} == 1234", next: bye}], else: home}
  done: {end: {fr: "{shade|upper}!", en: "{shade|upper}!"}}
  forget: {set: {}, forget: [name], next: bye}
  bye: {end: {fr: Au revoir., en: Goodbye.}}
"""


def remembering(rig: Rig, how: str = "ask") -> Rig:
    """A rig that runs the flow above."""
    return rig.with_host(programs=FixedPrograms((program_of(how),)))


def program_of(how: str) -> Program:
    """The flow above."""
    source = FLOW.replace("HOW", how)
    if how != "entry":
        source = source.replace("      - {label: {fr: Continuer, en: Go on}, resume: true}\n", "")
    return Program.of(compile_source(source, "memory.yaml", Library.of({})))


def text(rig: Rig, *inputs: str, session: str = "s-1") -> str:
    """The screen at the end of a walk."""
    return rig.walk(*inputs, session=session).get_data(as_text=True)


def test_a_name_is_not_asked_for_twice_and_can_be_forgotten(rig: Rig) -> None:
    rig = remembering(rig)
    assert text(rig, "1") == "CON Votre nom:\n0.Retour 00.Accueil"
    assert text(rig, "1", "Awa", "rouge") == "END ROUGE!"

    assert text(rig, "1", session="s-2").startswith("CON Awa, votre couleur:\n1. Rouge\n2. Bleu")
    rig.post("", "s-4", "+22670123457")
    assert rig.post("1", "s-4", "+22670123457").get_data(as_text=True).startswith("CON Votre nom:")


def test_what_is_forgotten_is_asked_for_again(rig: Rig) -> None:
    rig = remembering(rig)
    assert text(rig, "1", "Awa", "1") == "END ROUGE!"
    assert text(rig, "4", session="s-2") == "END Au revoir."

    assert text(rig, "1", session="s-3").startswith("CON Votre nom:")


def test_the_language_of_last_time_is_the_language_of_next_time(rig: Rig) -> None:
    rig = remembering(rig)
    assert text(rig, "3").startswith("CON Home\n1. Name")
    assert text(rig, "3", "2", "1234") == "END Goodbye."

    assert text(rig, session="s-2").startswith("CON Home\n1. Name")


def test_a_code_may_begin_elsewhere_and_in_another_language() -> None:
    begin = Begin("one", MSISDN, "*790#", language="fr")
    screen = engine.begin(program_of("ask"), begin, 0.0, Budget()).screen

    assert screen is not None
    assert screen.text.startswith("Your colour:\n1. Red\n2. Blue")


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("1", "CON Votre nom:"),
        ("Reprendre", "CON Votre nom:"),
        ("2", "CON Accueil"),
        ("7", "CON Choix inconnu.\nVous étiez ici il y a peu."),
    ],
)
def test_who_dials_again_is_asked_whether_to_go_on(rig: Rig, answer: str, shown: str) -> None:
    rig = remembering(rig)
    text(rig, "1")

    asked = text(rig, session="s-2")
    assert asked == "CON Vous étiez ici il y a peu. Reprendre?\n1. Reprendre\n2. Recommencer"
    assert text(rig, answer, session="s-2").startswith(shown)


def test_at_once_means_without_a_question(rig: Rig) -> None:
    rig = remembering(rig, "at_once")
    text(rig, "1", "Awa")

    assert text(rig, session="s-2").startswith("CON Awa, votre couleur:")


def test_an_entry_of_the_menu_leads_back(rig: Rig) -> None:
    rig = remembering(rig, "entry")
    assert "Continuer" not in text(rig, "1", "Awa")
    home = text(rig, session="s-2")

    assert home.endswith("5. Continuer")
    assert text(rig, "5", session="s-2").startswith("CON Awa, votre couleur:")


@pytest.mark.parametrize("left_at", [("2",), (), ("1", "Awa", "1")])
def test_nobody_is_led_back_into_a_secret_an_end_or_the_start(
    rig: Rig, left_at: tuple[str, ...]
) -> None:
    rig = remembering(rig)
    text(rig, *left_at)

    assert text(rig, session="s-2").startswith("CON Accueil")


def test_after_the_time_the_flow_begins_anew(rig: Rig) -> None:
    rig = remembering(rig)
    text(rig, "1")
    rig.clock[0] += 601

    assert text(rig, session="s-2").startswith("CON Accueil")


def test_a_dial_string_goes_where_it_says(rig: Rig) -> None:
    rig = remembering(rig)
    text(rig, "1")

    # The gateway hands what was dialled after the code to the first hop.
    assert rig.get(1, "*789*1#").get_data(as_text=True).count("Votre nom") == 1


def test_another_number_is_not_led_back(rig: Rig) -> None:
    rig = remembering(rig)
    text(rig, "1")

    shown = rig.post("", "s-2", "+22670123457").get_data(as_text=True)
    assert shown.startswith("CON Accueil")


def test_a_drop_orders_its_sms_once(rig: Rig) -> None:
    rig = remembering(rig)
    text(rig, "1", "Awa")
    rig.notice("Incomplete")
    rig.notice("Incomplete")

    assert [each.text for each in rig.desk.sent] == ["Il manque votre couleur."]


def test_a_drop_elsewhere_orders_nothing(rig: Rig) -> None:
    rig = remembering(rig)
    text(rig, "1")
    rig.notice("Incomplete")

    assert rig.desk.sent == []


def test_the_time_counts_from_the_last_answer(rig: Rig) -> None:
    rig = remembering(rig)
    rig.post("")
    for typed in ("1", "1*A", "1*A*B"):
        rig.clock[0] += 170
        rig.post(typed)
    rig.clock[0] += 590

    assert text(rig, session="s-2").startswith("CON Vous étiez ici il y a peu.")


def test_a_secret_is_typed_anew_by_whoever_is_led_back() -> None:
    source = (
        FLOW.replace("HOW", "at_once")
        .replace(", never_into: [secret]", "")
        .replace("      - {label: {fr: Continuer, en: Go on}, resume: true}\n", "")
        .replace(
            '  judge: {branch: [{when: "{code} == 1234", next: bye}], else: home}',
            "  judge: {menu: Sûr?, options: [{label: Oui, next: told}, {label: Non, next: bye}]}\n"
            '  told: {branch: [{when: "{code} == 1234", next: bye}], else: home}',
        )
    )
    program = Program.of(compile_source(source, "memory.yaml", Library.of({})))
    begun = engine.begin(program, Begin("one", MSISDN, "*789#"), 0.0, Budget()).session
    for typed in ("2", "1234"):
        begun = engine.step(program, begun, Answer(typed), 1.0, Budget()).session
    assert begun.state == "judge"

    again = engine.begin(program, Begin("two", MSISDN, "*789#", before=begun), 2.0, Budget())

    assert again.session.state == "secret"
    assert "code" not in again.session.variables
    assert again.screen is not None
    assert again.screen.masked


def test_a_dial_string_of_many_look_ups_waits_for_the_rest(rig: Rig) -> None:
    blocks = "".join(
        f"  m{n}: {{menu: Menu {n}, options: [{{label: Plus, next: c{n}}},"
        f" {{label: Fin, next: bye}}]}}\n"
        f"  c{n}: {{call: purchases.open, outcomes: {{none: m{n + 1}, open: bye,"
        f" late: bye, failed: bye}}}}\n"
        for n in range(14)
    )
    source = (
        'cassou: 1\nflow: many\nservice_codes: ["*789#"]\nlanguages: {default: fr}\nstart: m0\n'
        f"states:\n{blocks}  m14: {{menu: Arrivé, options: [{{label: Fin, next: bye}}]}}\n"
        "  bye: {end: Fin}\n"
    )
    library = Library.load(MENUS, APPLICATION)
    program = Program.of(compile_source(source, "many.yaml", library))
    rig = rig.with_host(programs=FixedPrograms((program,)))

    shown = rig.post("*".join("1" * 14)).get_data(as_text=True)
    assert shown.startswith("CON Un instant")
    other = rig.post("", "s-9", "+22670123457").get_data(as_text=True)
    assert other.startswith("CON Menu 0")
    assert rig.post("*".join("1" * 15)).get_data(as_text=True).startswith("CON Arrivé")
