"""The flow that `cassou new` writes: it compiles as it is, whatever languages it is asked in."""

from __future__ import annotations

import json

import pytest

from ussd_app.designer.fmt import format_source
from ussd_app.designer.starter import starter
from ussd_app.flow import compiler, syntax
from ussd_app.flow.compiler import Library, compile_source
from ussd_app.flow.model import CallState, End, Input, Menu

LANGUAGES = [("fr",), ("en",), ("fr", "en"), ("en", "fr"), ("mos",), ("fr", "en", "mos", "no")]


def library(languages: tuple[str, ...]) -> Library:
    """The framework's own texts, the English ones where there is none in a language."""
    node, _ = syntax.read(compiler.SYSTEM_FILE.read_text("utf-8"), "system.yaml")
    assert isinstance(node, syntax.Mapping)
    found = node.by_name["texts"]
    assert isinstance(found, syntax.Mapping)
    texts = {}
    for key, value in found.entries:
        if isinstance(value, syntax.Mapping):
            known = {
                name: each.value
                for name, each in value.by_name.items()
                if isinstance(each, syntax.Scalar)
            }
            texts[key.value] = {each: known.get(each, known["en"]) for each in languages}
        elif isinstance(value, syntax.Scalar):
            texts[key.value] = dict.fromkeys(languages, value.value)
    source = json.dumps({"cassou": "1", "languages": list(languages), "texts": texts})
    return Library.of({"system.yaml": source})


@pytest.mark.parametrize("languages", LANGUAGES, ids="-".join)
def test_it_compiles_and_is_formatted(languages: tuple[str, ...]) -> None:
    source = starter("my-shop", "*123*4#", languages)

    flow = compile_source(source, "my-shop.yaml", library(languages))

    assert flow.name == "my-shop"
    assert flow.service_codes == ("*123*4#",)
    assert flow.languages == languages
    assert format_source(source) == source
    assert max(map(len, source.splitlines())) <= 100


def test_it_holds_each_thing_a_beginner_needs_and_no_call() -> None:
    flow = compile_source(starter("a", "*1#", ("fr", "en")), "a.yaml", library(("fr", "en")))

    states = flow.states.values()
    assert any(isinstance(each, Input) and each.checks and each.attempts_max for each in states)
    assert sum(isinstance(each, Menu) for each in states) == 2
    assert sum(isinstance(each, End) for each in states) == 2
    assert not any(isinstance(each, CallState) for each in states)


def test_only_several_languages_have_a_toggle() -> None:
    assert "toggle" not in starter("a", "*1#", ("fr",))
    assert 'label: {fr: "English", en: "Français"}, language: toggle' in starter(
        "a", "*1#", ("fr", "en")
    )
    assert '{en: "Français", fr: "mos", mos: "English"}' in starter("a", "*1#", ("en", "fr", "mos"))


def test_texts_that_are_not_translated_are_told() -> None:
    assert "Still in English: the texts in mos, dyu." in starter("a", "*1#", ("fr", "mos", "dyu"))
    assert "Still in English" not in starter("a", "*1#", ("fr",))


@pytest.mark.parametrize(
    ("name", "code", "languages"),
    [
        ("My shop", "*1#", ("fr",)),
        ("", "*1#", ("fr",)),
        ("a", "123", ("fr",)),
        ("a", "*1#", ()),
        ("a", "*1#", ("fr", "fr")),
        ("a", "*1#", ("french",)),
    ],
)
def test_what_no_flow_can_have_is_refused(name: str, code: str, languages: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"must be|name at least"):
        starter(name, code, languages)
