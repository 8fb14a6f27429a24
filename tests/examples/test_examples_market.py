"""The market: what its dialogs promise beyond one screen after the other, and its functions."""

from __future__ import annotations

import pytest

from examples.market import application as market
from tests.examples.phones import CUSTOMER, Backends, Programs, phone
from ussd_app.handset import Handset
from ussd_app.messages import Action, Budget
from ussd_app.render import gsm7


def test_a_tree_deeper_than_stated_ends_in_a_sentence(programs: Programs) -> None:
    customer = phone(programs, "*555#", CUSTOMER, shelves__open=["shelves"])
    customer.dial("*555#")

    assert customer.type("1", "1", "1").startswith("Secções:")
    assert customer.type("1").startswith("Nada nesta secção por agora.")
    assert len(customer.backends.calls) == 3


def test_the_basket_goes_to_the_shop_as_rows(programs: Programs) -> None:
    customer = phone(programs, "*555#", CUSTOMER, shelves__open=["goods"])
    customer.dial("*555#")
    customer.type("1", "1", "1", "4", "3", "10,5", "3", "A00000", "1", "casa 14")
    customer.type("1", "20", "11", "2023", "1", "tabanca", "1")

    assert customer.backends.last("orders.place").arguments == {
        "lines": (
            {"name": "Milho-preto", "kg": "25", "amount": 11250},
            {"name": "Gergelim", "kg": "10.5", "amount": 13125},
        ),
        "pay": "23660",
        "pay_by": "Orange Money",
        "day": "2023-11-20",
        "address": "casa 14",
        "recipient": CUSTOMER,
        "password": "tabanca",
    }


def test_what_lies_in_the_basket_is_not_offered_again(programs: Programs) -> None:
    customer = phone(programs, "*555#", CUSTOMER, offers__today=["found"])
    customer.dial("*555#")

    first = customer.type("2")
    customer.type("1", "1")
    second = customer.type("promoções")

    assert "1. Milho-preto" in first
    assert "Milho-preto" not in second
    assert "1. Ureia 46%" in second


def test_a_seventh_article_does_not_fit_the_basket(programs: Programs) -> None:
    customer = phone(programs, "*555#", CUSTOMER, shelves__open=["goods"])
    customer.dial("*555#")
    for _ in range(6):
        customer.type("1", "1", "1")

    assert customer.type("1", "2", "5").startswith("Cesto cheio: 6 artigos no máximo.")
    assert customer.type("1").startswith("Mercado agrícola\nCesto: 6, 67,500 F")


def test_options_appear_with_the_basket_and_their_numbers_close_up(
    programs: Programs,
) -> None:
    customer = phone(programs, "*555#", CUSTOMER, shelves__open=["goods"])

    assert "2. Promoções" in customer.dial("*555#")
    assert "2. Cesto" in customer.type("1", "1", "1")
    assert "2. Promoções" in customer.type("2", "esvaziar")


def test_an_address_is_asked_for_once_and_forgotten_on_demand(programs: Programs) -> None:
    customer = phone(programs, "*555#", CUSTOMER, shelves__open=["goods"])
    customer.dial("*555#")
    customer.type("1", "1", "1", "3", "1", "1")
    assert customer.type("Bairro Militar").startswith("Entregar em Bairro Militar?")

    customer.dial("*555#")
    known = customer.type("1", "1", "1", "3", "1", "1")
    asked = customer.type("2")

    assert known.startswith("Entregar em Bairro Militar?")
    assert asked.startswith("Morada de entrega:")


def test_the_lucky_draw_is_remembered_beyond_the_session(programs: Programs) -> None:
    customer = phone(programs, "*555#", CUSTOMER)
    customer.dial("*555#")
    won = customer.type("sorteio")
    customer.dial("*555#")

    assert won.startswith("Ganhou! 1 kg: ")
    assert customer.type("sorteio").startswith("Só uma vez por mês.")


def test_no_offers_no_draw(programs: Programs) -> None:
    customer = phone(programs, "*555#", CUSTOMER, offers__today=[("found", {"rows": ()})])
    customer.dial("*555#")

    assert customer.type("sorteio").startswith("Não há mais promoções.")
    assert {call.backend for call in customer.backends.calls} == {"offers.today"}


def test_a_day_that_does_not_exist_is_asked_for_again(programs: Programs) -> None:
    customer = phone(programs, "*555#", CUSTOMER, shelves__open=["goods"])
    customer.dial("*555#")
    customer.type("1", "1", "1", "3", "1", "1", "casa 14", "1")

    assert customer.type("31", "11", "2023").startswith("Escolha um dia de amanhã até 14 dias.")
    assert customer.type("1", "17", "11", "2023").startswith("Fechado em 2023-11-17.")
    assert customer.type("1", "28", "11", "2023").startswith("Quem recebe?")


def test_an_option_of_the_menu_leads_back_to_the_basket_of_before(
    programs: Programs,
) -> None:
    customer = phone(programs, "*555#", CUSTOMER, shelves__open=["goods"])
    customer.dial("*555#")
    customer.type("1", "1", "1", "2")
    customer.handset.drop("timeout")

    customer.dial("*555#")
    assert customer.type("continuar").startswith("Cesto: 11,250 F\n1. Milho-preto 25 kg 11,250 F")


def test_where_no_gateway_carries_ucs2_the_market_is_transliterated(
    programs: Programs,
) -> None:
    program = programs["*555#"]
    handset = Handset(program, Backends(program).answer, CUSTOMER, Budget())

    screen = handset.dial("*555#")

    assert screen.text.startswith("Mercado agricola\n")
    assert screen.action is Action.CONTINUE
    assert gsm7.septets(screen.text) is not None


@pytest.mark.parametrize(
    ("price", "kg", "francs"),
    [(450, "12.5", 5625), ("385", "25", 9625), (1, "5.5", 5), (3, "5.8", 15), (1, "12.5", 15)],
)
def test_a_price_is_paid_in_whole_coins(price: object, kg: object, francs: int) -> None:
    assert market.price(price, kg) == francs


def test_a_coupon_has_a_letter_and_digits_that_sum_to_a_ten() -> None:
    assert market.coupon("B12340")
    assert market.coupon("c00000")
    assert not market.coupon("B12345")
    assert not market.coupon("D12340")
    assert not market.coupon("")
    assert market.discount(20625, "B12340") == 2060
    assert market.discount("1000", "A00000") == 50
    assert market.discount(1000, "X") is None


def test_the_market_is_closed_on_fridays() -> None:
    assert not market.open_on("2023-11-17")
    assert market.open_on("2023-11-18")
