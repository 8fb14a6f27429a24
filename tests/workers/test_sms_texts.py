"""The SMS texts: every notice the kernel can send, in every language, in one part."""

from __future__ import annotations

import inspect
import re

import pytest
import yaml

from tests.workers.saga_world import MENUS
from ussd_app.render import gsm7
from ussd_app.render.texts import Messages
from workers import saga
from workers.application import FILTERS

SEPTETS_MAX = 160
LANGUAGES = ("fr", "en")
FILE = MENUS / "sms.yaml"
MESSAGES = Messages.load(FILE, FILTERS)
#: The longest value of each place: 13 digits of serial, a transfer amount of 2,000,000 F.
LONGEST = {
    "token": "0" * 20,
    "serial": "0" * 13,
    "kwh": "1638.3",
    "amount": 2_000_000,
    "receipt": "C-7K2M9QXA",
}


def test_the_texts_are_exactly_the_notices_the_kernel_sends() -> None:
    sent = set(re.findall(r'"sms:([a-z_]+)"', inspect.getsource(saga)))

    assert sent == MESSAGES.names()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", sorted(MESSAGES.names()))
def test_the_longest_text_is_one_sms(name: str, language: str) -> None:
    text = gsm7.transliterate(MESSAGES.text(name, language, LONGEST))

    septets = gsm7.septets(text)

    assert septets is not None
    assert septets <= SEPTETS_MAX
    assert "?" not in text


def test_every_text_is_there_in_every_language() -> None:
    found = yaml.safe_load(FILE.read_text("utf-8"))["messages"]

    assert {name: set(texts) for name, texts in found.items()} == {
        name: set(LANGUAGES) for name in found
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_bears_the_receipt_and_only_one_the_token(language: str) -> None:
    texts = {name: MESSAGES.text(name, language, LONGEST) for name in MESSAGES.names()}

    assert all("C-7K2M9QXA" in text for text in texts.values())
    assert [name for name, text in texts.items() if "0000 0000 0000" in text] == ["token"]
