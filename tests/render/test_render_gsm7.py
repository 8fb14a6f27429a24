"""GSM-7 as the network counts it: literal expectations, then what holds for any text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ussd_app.render import gsm7

#: 3GPP TS 23.038 6.2.1, row by row of the default alphabet, typed anew here (without escape).
BASIC = (
    "@Δ 0¡P¿p£_!1AQaq$Φ\"2BRbr¥Γ#3CScsèΛ¤4DTdtéΩ%5EUeuùΠ&6FVfvìΨ'7GWgw"
    "òΣ(8HXhxÇΘ)9IYiy\nΞ*:JZjzØ+;KÄkäøÆ,<LÖlö\ræ-=MÑmñÅß.>NÜnüåÉ/?O§oà"
)
#: What French and the local languages use and the alphabet lacks.
LACKING = "âçêëîïôœûÿÀÂÈÊËÎÏÔŒÙÛŸ’‘“”«»–—…°²`\u00a0ɛɔŋãẽĩõũɓɗɲƴ"


def test_every_character_of_the_basic_table_costs_one_septet() -> None:
    assert len(set(BASIC)) == len(BASIC) == 127
    assert [character for character in BASIC if gsm7.septets(character) != 1] == []


@pytest.mark.parametrize("character", "^{}\\[]~|€\f")
def test_an_extension_character_costs_two_septets(character: str) -> None:
    assert gsm7.septets(character) == 2
    assert gsm7.septets(f"a{character}b") == 4


def test_escape_itself_is_no_character() -> None:
    assert gsm7.septets("\x1b") is None


def test_every_lacking_french_and_local_letter_is_outside() -> None:
    assert gsm7.outside(LACKING) == list(LACKING)


def test_accents_of_the_alphabet_stay() -> None:
    assert gsm7.transliterate("àèéùìòÉÇäöüÄÖÜñÑæÆß") == "àèéùìòÉÇäöüÄÖÜñÑæÆß"


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("ç", "c"),
        ("Reçu n° 5", "Recu no 5"),
        ("être Ç", "etre Ç"),
        ("À BIENTÔT", "A BIENTOT"),
        ("l’œuvre d’été", "l'oeuvre d'été"),
        ("« oui » – non…", '" oui " - non...'),
        ("10\u202f000\u00a0F", "10 000 F"),
        ("e\u0301 e\u0302", "é e"),
        ("½ kWh", "1/2 kWh"),
        ("a ≠ b", "a <> b"),
        ("ɛɔŋ ẽĩ", "eon ei"),
        ("a\u200bb\u00adc", "abc"),
        ("日本", "??"),
        ("x\x1by\x00", "x?y?"),
    ],
)
def test_what_is_outside_becomes_its_nearest_neighbour(text: str, sent: str) -> None:
    assert gsm7.transliterate(text) == sent


def test_a_text_that_is_not_sendable_has_no_septets_and_the_worst_cost() -> None:
    assert gsm7.septets("ç") is None
    assert gsm7.cost("ç") == 2


@given(st.text())
def test_a_transliterated_text_is_always_sendable(text: str) -> None:
    assert gsm7.septets(gsm7.transliterate(text)) is not None


@given(st.text())
def test_transliterating_twice_changes_nothing_more(text: str) -> None:
    once = gsm7.transliterate(text)
    assert gsm7.transliterate(once) == once


@given(st.text(BASIC + "^{}[]~|\\€"), st.text(BASIC + "^{}[]~|\\€"))
def test_septets_add_up(left: str, right: str) -> None:
    assert gsm7.septets(left + right) == (gsm7.septets(left) or 0) + (gsm7.septets(right) or 0)


@given(st.text())
def test_outside_is_empty_exactly_where_septets_can_be_counted(text: str) -> None:
    assert (gsm7.outside(text) == []) == (gsm7.septets(text) is not None)
