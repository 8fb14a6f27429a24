"""Long screens in pages: nothing lost, nothing split, everything within the budget."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ussd_app.render.pages import Layout, Page, TooLong, paginate

MORE = ("98", "Suite")
FOOTER = (("0", "Retour"), ("00", "Accueil"))
WORDS = st.lists(st.text("abcdefgé", min_size=1, max_size=12), max_size=80)
SEPARATORS = st.sampled_from([" ", "\n", "  ", "\n\n"])


def fits(most: int, text: str) -> bool:
    return len(text) <= most


def pages_of(layout: Layout, most: int) -> list[Page]:
    return paginate(layout, lambda text: fits(most, text))


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    body = ""
    for word in draw(WORDS):
        body += word + draw(SEPARATORS)
    labels = draw(st.lists(st.text("klmnop", min_size=1, max_size=20), max_size=12))
    options = tuple((str(number), label) for number, label in enumerate(labels, 1))
    return Layout(body, options, draw(st.sampled_from([(), FOOTER])), MORE)


@given(layouts(), st.integers(60, 182))
def test_every_page_fits_and_nothing_is_lost(layout: Layout, most: int) -> None:
    pages = pages_of(layout, most)

    assert [page.text for page in pages if not fits(most, page.text)] == []
    assert [word for page in pages for word in page.body.split()] == layout.body.split()
    shown = [option for page in pages for option in page.options if option in layout.options]
    assert shown == list(layout.options)


@given(layouts(), st.integers(60, 182))
def test_every_page_but_the_last_offers_more(layout: Layout, most: int) -> None:
    pages = pages_of(layout, most)

    assert [MORE in page.options for page in pages] == [True] * (len(pages) - 1) + [False]


@given(layouts(), st.integers(60, 182))
def test_no_page_is_without_content(layout: Layout, most: int) -> None:
    pages = pages_of(layout, most)
    assume(len(pages) > 1)

    wanted = {*layout.options}
    assert [page for page in pages if not page.body and not wanted & {*page.options}] == []


@given(layouts(), st.integers(60, 182))
def test_a_page_is_its_own_parts(layout: Layout, most: int) -> None:
    for page in pages_of(layout, most):
        assert page.text.startswith(page.body)
        for key, label in page.options:
            assert f"{key}. {label}" in page.text or f"{key}.{label}" in page.text


def test_a_screen_that_fits_is_one_page_with_its_footer() -> None:
    (page,) = pages_of(Layout("Menu", (("1", "Acheter"),), FOOTER, MORE), 160)

    assert page.text == "Menu\n1. Acheter\n0.Retour 00.Accueil"
    assert page.options == (("1", "Acheter"), *FOOTER)


def test_the_footer_goes_before_a_second_page_is_needed() -> None:
    (page,) = pages_of(Layout("m" * 50, (("1", "Acheter"),), FOOTER, MORE), 62)

    assert page.text == "m" * 50 + "\n1. Acheter"


def test_the_footer_goes_where_an_option_would_not_fit_beside_it() -> None:
    long = ("1", "x" * 140)
    pages = pages_of(Layout("Menu", (long, ("2", "y" * 30)), FOOTER, MORE), 160)

    assert [long in page.options for page in pages] == [True, False]
    assert [page for page in pages if FOOTER[0] in page.options] == []


def test_a_word_longer_than_a_page_is_told() -> None:
    with pytest.raises(TooLong, match=r'"x{200}" does not fit a page'):
        pages_of(Layout("Menu " + "x" * 200, (), (), MORE), 160)


def test_an_option_longer_than_a_page_is_told() -> None:
    with pytest.raises(TooLong, match=r'option "2\. y{200}" does not fit a page'):
        pages_of(Layout("Menu", (("1", "a"), ("2", "y" * 200)), (), MORE), 160)
