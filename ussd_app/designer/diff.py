"""What changes for clients between two versions of a flow, in plain sentences.

Comments, layout and the order of a file's parts change nothing; a state or a value under another
name is told once, as renamed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from ussd_app.designer import wording
from ussd_app.designer.diff_dials import dialling
from ussd_app.designer.diff_lengths import lengths
from ussd_app.designer.diff_match import Match
from ussd_app.designer.diff_states import States
from ussd_app.designer.diff_values import values
from ussd_app.designer.diff_words import Difference, Kind, changed, common, quoted, texts
from ussd_app.flow.model import VISIBLE, Body, Flow, Resume, State
from ussd_app.messages import Budget

__all__ = ["Difference", "Kind", "as_json", "as_text", "differences"]

_HEADINGS = {
    Kind.DIALLING: "Dialling",
    Kind.FLOW: "The flow",
    Kind.STATES: "States",
    Kind.OPTIONS: "Options",
    Kind.TEXTS: "Texts",
    Kind.LENGTHS: "Lengths",
    Kind.WAYS: "Where things lead",
    Kind.VALUES: "Values",
    Kind.UNSEEN: "Behind the screens",
    Kind.SESSIONS: "Sessions under way",
}


def differences(old: Flow, new: Flow, budget: Budget) -> list[Difference]:
    """Everything that changes, by kind, then in the order of the new flow; [] if nothing does.

    Both flows are checked ones. `budget` is that of the gateway whose pages are counted and on
    whose phones dial strings are tried.
    """
    match = Match(old, new)
    found = [
        *dialling(old, new, match, budget),
        *_flow(old, new, match),
        *_states(old, new, match),
        *_framework(old, new, match),
        *lengths(old, new, match, budget),
        *values(old, new, match),
    ]
    if found:
        found += _sessions(old, new, match)
    kinds, places = list(Kind), {name: place for place, name in enumerate(new.states)}
    last = len(places)
    return sorted(
        dict.fromkeys(found),
        # Dial strings stand in the order in which they were tried: the shorter ones first.
        key=lambda each: (
            kinds.index(each.kind),
            last if each.kind is Kind.DIALLING else places.get(each.state, last),
        ),
    )


def as_text(found: Sequence[Difference]) -> str:
    """The differences under a heading for each kind; a sentence if there are none."""
    if not found:
        return "Nothing changes for clients.\n"
    blocks = []
    for kind, heading in _HEADINGS.items():
        lines = [_line(each) for each in found if each.kind is kind]
        if lines:
            blocks.append("\n".join((heading, *lines)))
    return "\n\n".join(blocks) + "\n"


def _line(each: Difference) -> str:
    where = f" ({wording.where(each.at)})" if each.at is not None else ""
    return f"  {each.sentence}{where}"


def as_json(found: Sequence[Difference]) -> str:
    """A list of `{kind, state, sentence, file, line, column}`; the last three null if unknown."""
    items = [
        {
            "kind": each.kind,
            "state": each.state,
            "sentence": each.sentence,
            "file": each.at.file if each.at is not None else None,
            "line": each.at.line if each.at is not None else None,
            "column": each.at.column if each.at is not None else None,
        }
        for each in found
    ]
    return json.dumps(items, ensure_ascii=False, indent=2)


def _flow(old: Flow, new: Flow, match: Match) -> Iterator[Difference]:
    """What holds for the whole flow."""
    for language in old.languages:
        if language not in new.languages:
            yield _whole(new, f"the flow speaks {language} no more")
    for language in new.languages:
        if language not in old.languages:
            yield _whole(new, f"the flow speaks {language} now")
    facts = (
        ("the name of the flow", old.name, new.name),
        ("its first language", old.languages[0], new.languages[0]),
        ("the first state", f"`{match.state(old.start)}`", f"`{new.start}`"),
        ("home", f"`{match.state(old.home)}`", f"`{new.home}`"),
        ("the key for back", old.keys.back, new.keys.back),
        ("the key for home", old.keys.home, new.keys.home),
        ("the key for more", old.keys.more, new.keys.more),
        ("the alphabet", old.alphabet, new.alphabet),
        ("the choice of a language", _kept(old), _kept(new)),
        ("dialling again", _resume(old.resume, match), _resume(new.resume, None)),
    )
    for what, before, after in facts:
        if before != after:
            yield _whole(new, changed(what, before, after))
    yield from _on_drop(old, new, match)


def _whole(flow: Flow, sentence: str) -> Difference:
    return Difference(Kind.FLOW, "", sentence, flow.at)


def _kept(flow: Flow) -> str:
    seconds = flow.language_seconds
    return f"remembered {wording.seconds(seconds)}" if seconds else "forgotten after the session"


def _resume(resume: Resume | None, match: Match | None) -> str:
    if resume is None:
        return "always anew"
    names = sorted(
        f"`{match.state(name) if match is not None else name}`" for name in resume.never_into
    )
    never = f", never into {wording.listed(names, 'or')}" if names else ""
    return f"going on within {wording.seconds(resume.within_seconds)} ({resume.how}){never}"


def _on_drop(old: Flow, new: Flow, match: Match) -> Iterator[Difference]:
    """The SMS to clients whose session drops, by the screen it drops at."""
    before = {match.state(name): entry for entry in old.on_drop for name in entry.states}
    after = {name: entry for entry in new.on_drop for name in entry.states}
    for name, entry in after.items():
        was = before.get(name)
        if was is None:
            sentence = f"a session that drops at `{name}` gets an SMS now"
            yield Difference(Kind.TEXTS, name, sentence, entry.states[name])
            continue
        what = f"the SMS after a drop at `{name}`"
        for sentence, at in texts(what, was.text, entry.text, common(old, new), match):
            yield Difference(Kind.TEXTS, name, sentence, at)
    for name, entry in before.items():
        if name not in after:
            sentence = f"a session that drops at `{name}` gets an SMS no more"
            yield Difference(Kind.TEXTS, name, sentence, entry.at)


def _states(old: Flow, new: Flow, match: Match) -> Iterator[Difference]:
    for name in match.gone:
        state = old.states[name]
        sentence = f"`{name}`{_opening(old, state)} is gone"
        yield Difference(Kind.STATES, name, sentence, state.at)
    for name in match.new:
        state = new.states[name]
        sentence = f"`{name}`{_opening(new, state)} is new"
        yield Difference(Kind.STATES, name, sentence, state.at)
    for was, name in match.renamed.items():
        sentence = f"`{was}` is called `{name}` now; clients see no difference"
        yield Difference(Kind.STATES, name, sentence, new.states[name].at)
    compared = States(old, new, match)
    for was, name in match.states.items():
        yield from compared.differences(old.states[was], new.states[name])


def _opening(flow: Flow, state: State) -> str:
    """The kind of a state, and the first words of its screen."""
    kind = wording.kind_of(state)
    body = state.body if isinstance(state, VISIBLE) else Body((), state.at)
    if not body.parts:
        return f" ({kind})"
    source = body.parts[0].text.by_language[flow.languages[0]].source
    return f" ({kind} {quoted(source.partition(chr(10))[0])})"


def _framework(old: Flow, new: Flow, match: Match) -> Iterator[Difference]:
    """The framework's own texts, which an application may bring its own of."""
    for name, text in new.system.items():
        was = old.system.get(name)
        if was is not None:
            what = f"the framework's text `{name}`"
            for sentence, at in texts(what, was, text, common(old, new), match):
                yield Difference(Kind.TEXTS, "", sentence, at)


def _sessions(old: Flow, new: Flow, match: Match) -> Iterator[Difference]:
    """What becomes of sessions that are under way when the new version comes."""
    if match.gone:
        names = wording.listed(f"`{name}`" for name in match.gone)
        sentence = f"{names} have no counterpart: who is there finishes on the old version"
        if len(match.gone) == 1:
            sentence = f"{names} has no counterpart: who is there finishes on the old version"
        yield Difference(Kind.SESSIONS, "", sentence, old.at)
    sentence = "a session stays on the version it began on, and is never resumed on another"
    if old.resume is not None or new.resume is not None:
        sentence += ": who dials again after the change starts anew"
    yield Difference(Kind.SESSIONS, "", sentence, new.at)
