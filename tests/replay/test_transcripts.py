"""Transcripts read, written, filled from tables, brought up to date; what is wrong, and where."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator  # it ships no types

from ussd_app.flow.diagnostics import FlowError, Position
from ussd_app.messages import Budget
from ussd_app.replay import reading, report, writing
from ussd_app.replay.player import play_in_process
from ussd_app.replay.schema import transcript_schema
from ussd_app.replay.transcript import After, How, Scripted, Step, Transcript, Verb
from ussd_app.replay.updating import updated
from ussd_app.screens import Program

VALIDATOR = Draft7Validator(transcript_schema())
ROOT = Path(__file__).parents[2]
FILES = sorted([*ROOT.glob("tests/dialogs/*.dial.yaml"), *ROOT.glob("examples/*/dialogs/*.yaml")])
SERIAL = "04246801379"
GOOD = """\
cassou: 1
transcript: a dialog   # a comment stays
dial: "*789#"
steps:
  - see: Acheter
  - send: "1"
"""


def said(transcript: Transcript) -> object:
    """All that a transcript says, without its places."""
    steps = [(each.verb, each.text, each.how, each.seconds) for each in transcript.steps]
    after = transcript.after
    backends = {
        name: [(each.outcome, json.dumps(each.fields)) for each in answers]
        for name, answers in transcript.backends.items()
    }
    head = (transcript.name, transcript.msisdn, transcript.dial)
    return head, backends, steps, (after.calls, after.messages, after.masked)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_written_is_read_the_same_again(path: Path) -> None:
    for transcript in reading.load(path):
        (plain,) = reading.parse(writing.as_yaml(transcript), "x")
        (line,) = reading.recorded(writing.as_json(transcript), "x", 1)
        (slow,) = reading.parse(writing.as_json(transcript), "x")

        assert said(plain) == said(line) == said(slow) == said(transcript)


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\x7f\x85\ufeff\ufffe\uffff", min_codepoint=32)
    | st.just("\n"),
    max_size=20,
)
NOWHERE = Position("", 0, 0, 0, 0)
SPOKEN = st.builds(
    Step,
    st.sampled_from([Verb.SEND, Verb.DIAL]),
    TEXTS,
    st.just(NOWHERE),
) | st.builds(
    Step,
    st.sampled_from([Verb.SEE, Verb.END, Verb.SMS]),
    TEXTS,
    st.just(NOWHERE),
    st.sampled_from([How.EXACT, How.CONTAINS]),
)
ROWS = st.lists(st.dictionaries(st.sampled_from(["a", "b"]), TEXTS, min_size=1), max_size=2)
FIELDS = st.dictionaries(st.sampled_from(["x", "y"]), TEXTS | ROWS.map(tuple), max_size=2)


@given(
    st.lists(SPOKEN, max_size=5).map(tuple),
    st.dictionaries(
        st.sampled_from(["a.b", "c.d"]),
        st.lists(st.builds(Scripted, st.just("ok"), FIELDS), min_size=1, max_size=2).map(tuple),
    ),
    st.floats(0.0, 900_000.0).map(lambda seconds: round(seconds, 3)),
)
def test_whatever_is_said_survives_being_written(
    steps: tuple[Step, ...], backends: dict[str, tuple[Scripted, ...]], seconds: float
) -> None:
    wait = Step(Verb.WAIT, "", NOWHERE, seconds=seconds)
    after = After({"a.b": 2}, 1, ("pin",))
    transcript = Transcript("n", "", "+22670000001", "*1#", backends, (*steps, wait), after)

    for read in (
        reading.parse(writing.as_yaml(transcript), "x"),
        reading.recorded(writing.as_json(transcript), "x", 1),
    ):
        (one,) = read
        *others, last = one.steps
        assert last.seconds == pytest.approx(seconds)
        assert [(each.verb, each.text, each.how) for each in others] == [
            (each.verb, each.text, each.how) for each in steps
        ]
        assert said(one)[1] == said(transcript)[1]  # type: ignore[index]


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("cassou: 1", "cassou: 2", '1:9: error: this Cassou reads "cassou: 1", not "2"'),
        ("  - send", "  - sned", '6:5: error: no step "sned"; did you mean "send"? [unknown-key]'),
        ("dial:", "dail:", '3:1: error: a transcript has no key "dail"; did you mean "dial"?'),
        ("see: Acheter", "see: {regex: '('}", "5:18: error: not a regular expression"),
        ("see: Acheter", "see: {is: x}", "5:11: error: "),
        ('send: "1"', "wait: soon", '6:11: error: "wait:" must be a duration such as 3s'),
        ('send: "1"', "drop: away", '6:11: error: "drop:" cannot be "away"; known are cancel'),
        ('send: "1"', "repeat: other", '6:13: error: "repeat:" cannot be "other"'),
        ('send: "1"', "late: {a: b}", '6:11: error: "late:" takes one text'),
        ("steps:", "examples: []\nsteps:", '4:11: error: "examples:" needs one row at least'),
        (
            "steps:",
            "examples: [{a: 1}, {b: 2}]\nsteps:",
            "4:20: error: every example has the same columns: a",
        ),
        (
            "steps:",
            "examples: [{serail: 1}]\nsteps:\n  - send: '{serial}'",
            '6:5: error: no column "serial"; did you mean "serail"?',
        ),
        ("steps:", "examples: [{a: 1}]\nsteps:", '4:11: error: no step uses the column "a"'),
        ("steps:", "after: {calls: {a.b: many}}\nsteps:", "4:22: error: "),
    ],
)
def test_a_mistake_is_told_where_it_stands(before: str, after: str, line: str) -> None:
    with pytest.raises(FlowError) as caught:
        reading.parse(GOOD.replace(before, after, 1), "x.dial.yaml")

    assert f"x.dial.yaml:{line}" in str(caught.value)


def test_what_is_no_yaml_is_told_once() -> None:
    with pytest.raises(FlowError) as caught:
        reading.parse("cassou: [1\n", "x")

    assert len(caught.value.diagnostics) == 1


def test_a_mistake_on_a_line_of_recordings_is_told_with_its_line() -> None:
    with pytest.raises(FlowError, match="x:7:") as caught:
        reading.recorded('{"cassou": 1, "transcript": "n", "dial": "*1#", "stops": []}', "x", 7)

    assert 'did you mean "steps"?' in str(caught.value)


TABLE = """\
cassou: 1
transcript: meter {serial}
dial: "*789#"
examples:
  - {serial: "04246801379", name: Awa, seen: "A**"}
  - {serial: "04246802740", name: "I. (O)", seen: "I. (O)"}
backends:
  meters.find: [{outcome: found, fields: {customer: "{name}"}}]
steps:
  - send: "1"
  - send: "{serial}"
  - see: {regex: '^{seen}'}
"""


def test_a_table_makes_a_transcript_of_each_row(program: Program) -> None:
    one, two = reading.parse(TABLE, "x")

    assert (one.name, two.name) == ("meter 04246801379", "meter 04246802740")
    assert two.backends["meters.find"][0].fields == {"customer": "I. (O)"}
    # In a regular expression a value stands for itself.
    assert (one.steps[2].text, two.steps[2].text) == (r"^A\*\*", r"^I\.\ \(O\)")


@pytest.mark.parametrize(
    ("steps", "after", "sentence"),
    [
        ("", "calls: {meters.find: 1}", "meters.find was called 0 times, not 1"),
        ('  - send: "1"\n  - send: "04246801379"\n', "calls: {meters.find: 1}", ""),
        ("", "messages: 1", "0 SMS were sent, not 1"),
        (
            '  - send: "1"\n  - send: "04246801379"\n  - send: "10"\n',
            "masked: [meter.customer]",
            "",
        ),
        (
            '  - send: "1"\n  - send: "04246801379"\n  - send: "10"\n',
            "masked: [serial]",
            '"serial" stood on a screen or in an SMS, unmasked',
        ),
        ("", "calls: {meter.find: 1}", 'no back-end "meter.find"; did you mean "meters.find"?'),
        ("", "masked: [metre]", 'has no variable "metre"'),
        ("  - late: meters.fin\n", "messages: 0", 'no back-end "meters.fin"'),
        ("  - dial: '*999#'\n", "messages: 0", "nothing answers"),
    ],
)
def test_what_must_hold_afterwards_is_looked_at(
    program: Program, steps: str, after: str, sentence: str
) -> None:
    (transcript,) = reading.parse(f"{GOOD[:-14]}{steps}after: {{{after}}}\n", "x")

    assert sentence in play_in_process(transcript, program, Budget()).failure
    assert bool(sentence) == bool(play_in_process(transcript, program, Budget()).failure)


FAULTS = """\
cassou: 1
transcript: faults
dial: "*789#"
steps:
  - send: "1"
  - failed: meters.find
  - send: "04246801379"
  - end: Service momentanément indisponible
  - dial: "*789#"
  - see: Acheter
  - send: "1"
  - drop: cancel
  - wait: 5m
  - dial: "*789#"
  - see: Acheter
after: {calls: {meters.find: 1}}
"""


def test_faults_are_played(program: Program) -> None:
    (transcript,) = reading.parse(FAULTS, "x")

    assert play_in_process(transcript, program, Budget()).failure == ""


OLD = """\
# kept
cassou: 1
transcript: old
dial: "*789#"
steps:
  - see: Nothing   # kept too
  - send: "1"
  - see: {regex: ^x}
  - end: 'Numéro'
  - send: "04246801379"
  - see: |
      many
      lines
  - send: "10"
"""


def test_expectations_are_rewritten_and_nothing_else(program: Program) -> None:
    new, wrong = updated(OLD, "x", lambda each: play_in_process(each, program, Budget()))

    assert wrong == []
    assert new.splitlines()[0] == "# kept"
    assert new.splitlines()[5].endswith('4. English"}   # kept too')
    assert '  - see: {exact: "Numéro de série' in new
    assert "  - see: 'Numéro'\n" in new
    assert "many" not in new
    (transcript,) = reading.parse(new, "x")
    assert play_in_process(transcript, program, Budget()).failure == ""
    assert updated(new, "x", lambda each: play_in_process(each, program, Budget())) == (new, [])


def test_what_two_examples_share_is_a_persons_to_change(program: Program) -> None:
    shared = TABLE.replace("{regex: '^{seen}'}", "nothing").replace(', seen: "A**"', "")
    shared = shared.replace(', seen: "I. (O)"', "")
    _, wrong = updated(shared, "x", lambda each: play_in_process(each, program, Budget()))

    assert [each.transcript.name for each in wrong] == ["meter 04246802740"]


def test_reports_tell_the_same_in_every_format(program: Program) -> None:
    good = reading.parse(GOOD, "good.dial.yaml")[0]
    bad = reading.parse(GOOD.replace("Acheter", "<Vendre>"), "bad.dial.yaml")[0]
    results = [
        report.Result(each, play_in_process(each, program, Budget()), seconds=0.5)
        for each in (good, bad)
    ]

    found = json.loads(report.as_json(results))
    assert [bool(each["failure"]) for each in found["transcripts"]] == [False, True]
    suite = fromstring(report.as_junit(results))  # noqa: S314  # we wrote it a line ago
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert "bad.dial.yaml:5:5" in (suite[1][0].text or "")
    page = report.as_html(results)
    assert "&lt;Vendre&gt;" in page
    assert "<Vendre>" not in page
    assert report.summary(results) == "1 of 2 as written; 3 hops"


def test_the_transcripts_of_the_documentation_play(program: Program) -> None:
    page = (ROOT / "docs" / "transcripts.md").read_text("utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    transcripts = [each for block in blocks for each in reading.parse(block, "transcripts.md")]

    assert [play_in_process(each, program, Budget()).failure for each in transcripts] == [""] * 3


def test_the_documentation_tells_every_step() -> None:
    page = (ROOT / "docs" / "transcripts.md").read_text("utf-8")

    assert [verb for verb in Verb if f"`{verb}" not in page] == []


def in_python(source: str) -> object:
    """What an editor's YAML makes of a source."""
    return yaml.safe_load(source)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_schema_takes_what_is_good(path: Path) -> None:
    assert not list(VALIDATOR.iter_errors(in_python(path.read_text("utf-8"))))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("cassou: 1", "cassou: 2"),
        ("  - send", "  - sned"),
        ("dial:", "dail:"),
        ("see: Acheter", "see: {is: x}"),
        ('send: "1"', "wait: soon"),
        ('send: "1"', "drop: away"),
        ('send: "1"', "repeat: other"),
        ('send: "1"', "late: {a: b}"),
        ("steps:", "examples: []\nsteps:"),
        ("steps:", "after: {calls: {a.b: many}}\nsteps:"),
        ('send: "1"', 'send: "1"\n    see: x'),
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(before: str, after: str) -> None:
    source = GOOD.replace(before, after, 1)

    assert list(VALIDATOR.iter_errors(in_python(source)))
    with pytest.raises(FlowError):
        reading.parse(source, "x")


def test_the_shipped_schema_is_the_one_that_is_made() -> None:
    shipped = ROOT / "ussd_app" / "menus" / "transcript.schema.json"

    assert json.loads(shipped.read_text("utf-8")) == transcript_schema()
