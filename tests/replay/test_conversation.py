"""Dialogs in Python: each step says what the transcript's step says, and writes it down."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.replay.shop import open_shop, program_in
from ussd_app.handset import Handset, NoSession
from ussd_app.messages import Budget
from ussd_app.replay.player import EPOCH, ScriptedBackends, play_in_process
from ussd_app.replay.reading import parse
from ussd_app.replay.transcript import Transcript, Verb
from ussd_app.replay.writing import as_yaml
from ussd_app.screens import Program
from ussd_app.testing import Conversation

pytest_plugins = ["pytester"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The shop."""
    return program_in(open_shop(tmp_path_factory.mktemp("shop")))


def wrong(conversation: Conversation, *steps: tuple[str, str]) -> str:
    """What the last of these steps raises."""
    *good, (verb, text) = steps
    for step, said in good:
        getattr(conversation, step)(said)
    with pytest.raises(AssertionError) as told:
        getattr(conversation, verb)(text)
    return str(told.value)


def test_a_dialog_is_told_in_one_breath(shop: Program) -> None:
    Conversation.of(shop).dial("*11#").sees("The shop").answers("1").sees(
        exact="Eggs, 900 F.\n1. Pay\n0.Back 00.Home"
    ).repeats().answers("1").ends(regex=r"^Paid\.").after(calls={"stock.find": 1}, messages=0)


def test_back_ends_answer_as_scripted_and_the_last_answer_stays(shop: Program) -> None:
    conversation = (
        Conversation.of(shop)
        .backend("stock.find", "found", name="Milk")
        .backend("stock.find", "none")
    )

    conversation.dial("*11#").answers("1").sees("Milk, 900 F.")
    conversation.dial("*11#").answers("1").ends("Sold out.")
    conversation.dial("*11#").answers("1").ends("Sold out.")


def test_a_back_end_is_late_or_fails_once(shop: Program) -> None:
    conversation = Conversation.of(shop).dial("*11#")

    conversation.late("stock.find").answers("1").sees("1. Continue").answers("1").sees("Eggs")
    conversation.dial("*11#").failed("stock.find").answers("1").ends("We are closed.")


def test_who_leaves_gets_the_sms_of_the_flow(shop: Program) -> None:
    conversation = Conversation.of(shop).dial("*11#").answers("1")

    conversation.drops("timeout").texts("kept for you").after(messages=1)

    with pytest.raises(AssertionError, match="1 SMS were sent, not 2"):
        conversation.after(messages=2)


def test_time_goes_by_on_a_clock_that_nothing_else_moves(shop: Program) -> None:
    conversation = Conversation.of(shop).dial("*11#").waits(minutes=2, seconds=5)

    (step,) = conversation.transcript("a wait").steps
    assert (step.verb, step.text, step.seconds) == (Verb.WAIT, "125s", 125.0)


def test_a_step_that_does_not_hold_shows_the_dialog_and_the_screen(shop: Program) -> None:
    conversation = Conversation.of(shop).dial("*11#").answers("1")

    told = wrong(conversation, ("sees", "Milk"))

    here, _, rest = told.partition(":")
    assert here == __file__
    assert "dial *11#" in rest
    assert "│ Eggs, 900 F. " in rest
    assert "Milk" in rest


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ([("ends", "The shop")], "The shop"),
        ([("answers", "2"), ("sees", "Goodbye.")], "Goodbye."),
        ([("answers", "2"), ("answers", "1")], "the session has ended"),
        ([("dial", "*22#")], 'nothing answers "*22#" here; dial *11#'),
        ([("answers", "1"), ("drops", "cancel"), ("texts", "Milk")], "no SMS came"),
    ],
)
def test_every_step_is_held_to_what_it_says(
    shop: Program, steps: list[tuple[str, str]], sentence: str
) -> None:
    assert sentence in wrong(Conversation.of(shop).dial("*11#"), *steps)


def test_what_must_hold_afterwards_is_held(shop: Program) -> None:
    conversation = Conversation.of(shop).dial("*11#").answers("1")

    with pytest.raises(AssertionError, match=r"stock\.find was called 1 times, not 2"):
        conversation.after(calls={"stock.find": 2})
    with pytest.raises(AssertionError, match=r'"good\.name" stood on a screen'):
        conversation.after(masked=["good.name"])


def test_misuse_is_told(shop: Program) -> None:
    conversation = Conversation.of(shop)

    with pytest.raises(NoSession, match="dial first"):
        conversation.answers("1")
    with pytest.raises(ValueError, match=r'nothing answers "\*22#" here'):
        conversation.dial("*22#")
    conversation.dial("*11#")
    with pytest.raises(ValueError, match=r"script stock\.find before the first dial"):
        conversation.backend("stock.find", "none")
    with pytest.raises(ValueError, match="give one text"):
        conversation.sees()
    with pytest.raises(ValueError, match="give one text"):
        conversation.sees("one", exact="two")
    with pytest.raises(ValueError, match='by cancel or timeout, not by "boredom"'):
        conversation.drops("boredom")


def test_the_dialog_so_far_is_a_transcript_that_plays_again(shop: Program) -> None:
    said = Conversation.of(shop, "+243812000001").backend("stock.find", "found", name="Milk")
    said.dial("*11#").sees("The shop").late("stock.find").answers("1").waits(seconds=2)
    said.answers("1").sees(regex="^Milk").repeats().drops("cancel").texts("Milk are kept")
    said.dial("*11#").failed("stock.find").answers("1").ends(exact="We are closed.")
    said.after(calls={"stock.find": 2}, messages=1)

    source = as_yaml(said.transcript("milk, then nothing"))
    (read,) = parse(source, "x.dial.yaml")

    assert "transcript: " in source
    assert meaning(read) == meaning(said.transcript("milk, then nothing"))
    assert play_in_process(read, shop, Budget()).failure == ""


def meaning(transcript: Transcript) -> tuple[object, ...]:
    """A transcript without its places."""
    steps = [(step.verb, step.how, step.text, step.seconds) for step in transcript.steps]
    after = transcript.after
    held = after.calls, after.messages, after.masked
    said = transcript.name, transcript.msisdn, transcript.dial
    return *said, transcript.backends, steps, held


def test_there_is_a_step_for_every_verb(shop: Program) -> None:
    said = Conversation.of(shop).dial("*11#").sees("shop").late("stock.find").failed("stock.find")
    said.answers("1").repeats().drops("cancel").waits(seconds=1).texts("x").dial("*11#")
    said.answers("2").ends("Goodbye.")

    assert {step.verb for step in said.transcript("all").steps} == set(Verb)


def test_any_phone_will_do_and_what_is_not_there_is_passed_over(shop: Program) -> None:
    samples = ScriptedBackends(shop.flow.backends, {})
    handset = Handset(shop, samples.answer, "+243812000001", clock=lambda: EPOCH)

    said = Conversation.on(handset, msisdn="+243812000001").dial("*11#").late("stock.find")
    said.answers("1").sees("Eggs")

    assert [step.verb for step in said.passed_over] == [Verb.LATE]
    assert said.screen.text.startswith("Eggs, 900 F.")
    assert said.transcript("x").msisdn == "+243812000001"
    with pytest.raises(ValueError, match="cannot be scripted"):
        Conversation.on(handset).backend("stock.find", "none").dial("*11#")


def test_pytest_shows_the_authors_lines_alone(pytester: pytest.Pytester) -> None:
    open_shop(pytester.path)
    pytester.makepyfile("""\
        from pathlib import Path
        from tests.replay.shop import program_in
        from ussd_app.testing import Conversation

        def test_eggs():
            (
                Conversation.of(program_in(Path.cwd()))
                .dial("*11#")
                .sees("The market")
                .answers("1")
            )
        """)

    result = pytester.runpytest_inprocess("--assert=plain", "-p", "no:cacheprovider")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([">*.sees(*", "E*:9:1: expected (contains)*", "E*The shop*"])
    result.stdout.no_fnmatch_line("*testing.py*")


def test_a_transcript_lies_where_its_dialog_was_told(shop: Program) -> None:
    said = Conversation.of(shop).dial("*11#")

    assert Path(said.transcript("x").file) == Path(__file__)
