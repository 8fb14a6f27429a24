"""Whole applications of menus from one number: a main flow, its sub-flows, its catalogue."""

from __future__ import annotations

from random import Random

from tests.soundness.growing import NOTHING, Grower, Sub
from tests.soundness.grown_screens import SCREENS
from tests.soundness.grown_silent import SILENT
from tests.soundness.made_files import Data, Menus, Table, system_in
from tests.soundness.made_kinds import Kind, made_catalogue, made_kind
from tests.soundness.made_words import Scope

THIRD = "mos"
_SYSTEM = system_in((THIRD,))
_LANGUAGES = (("fr",), ("en",), ("fr", "en"), ("en", "fr"), ("fr", "en", THIRD), (THIRD,))
_MAKERS = {**SCREENS, **SILENT}
_KEYS: tuple[Table, ...] = (
    {},
    {"back": "*", "home": "#", "more": "**"},
    {"back": "0", "home": "*", "more": "#"},
    {"more": "99"},
)
_DURATIONS = ("10m", "90d", "1h", "5s")


def made_menus(number: int) -> Menus:
    """The application that a number stands for; the same one every time."""
    random = Random(number)  # chance, not secrecy
    languages = random.choice(_LANGUAGES)
    alphabet = random.choice(("transliterate", "transliterate", "ucs2", "error"))
    catalogue, backends = made_catalogue(random)
    subs: dict[str, Sub] = {}
    files: dict[str, Table] = {}
    for name in random.sample(["sign-in", "pick-one"], random.choice([0, 1, 1, 2])):
        more = [each for each in ("fr", "en", THIRD) if each not in languages]
        extra = tuple(more[:1]) if random.random() < 0.1 else ()
        scope = Scope(random, (*languages, *extra), alphabet)
        files[name], subs[name] = _sub_flow(name, scope, backends, dict(subs))
    scope = Scope(random, languages, alphabet)
    flow = _main(scope, backends, subs)
    return Menus(flow, _entered(flow, files), catalogue, _SYSTEM)


def _entered(flow: Table, files: dict[str, Table]) -> dict[str, Table]:
    """The sub-flows that some state enters: what is wrong with others nobody sees."""
    found: dict[str, Table] = {}
    ahead = [flow]
    while ahead:
        states = ahead.pop().get("states", {})
        for state in states.values() if isinstance(states, dict) else ():
            name = state.get("flow") if isinstance(state, dict) else None
            if isinstance(name, str) and name not in found:
                found[name] = files[name]
                ahead.append(files[name])
    return found


def _head(name: str, languages: tuple[str, ...]) -> Table:
    found: Table = {"default": languages[0]}
    if languages[1:]:
        found["also"] = list[Data](languages[1:])
    return {"cassou": "1", "flow": name, "languages": found}


def _sub_flow(
    name: str, scope: Scope, backends: dict[str, Table], subs: dict[str, Sub]
) -> tuple[Table, Sub]:
    random = scope.random
    types = random.sample(["text", "integer", "digits", "rows", "date"], random.randint(0, 2))
    arguments = {f"a{n}": made_kind(random, each, scope.languages) for n, each in enumerate(types)}
    scope.variables |= arguments
    answer = made_kind(
        random, random.choice(["integer", "digits", "choice", "text"]), scope.languages
    )
    scope.variables["v_answer"] = answer
    fields = {"answer": Kind("text" if answer.type == "choice" else answer.type, answer.declared)}
    returned: Table = {"answer": "{v_answer}"}
    for argument, kind in arguments.items():
        if scope.chance(0.5):
            returned[f"was_{kind.type}"] = "{" + argument + "}"
            fields[f"was_{kind.type}"] = kind
    returns: Table = {"ok": returned, "cancelled": {}}
    sub = Sub(name, arguments, {"ok": fields, "cancelled": {}})
    known = frozenset(arguments)
    exits = {"ok": known | {"v_answer"}, "cancelled": NOTHING}
    own = sub if scope.chance(0.6) else None
    grower = Grower(scope, backends, subs, random.randint(3, 9), _MAKERS, exits, own)
    start = grower.begun(known, stops=True)
    state: Table = {
        "input": scope.text(known),
        "save": "v_answer",
        "attempts": {"max": "2", "next": "cancelled"},
        "next": grower.next(known | {"v_answer"}, 3),
    }
    grower.closed(start, state)
    if not _leads(grower.states, "ok"):
        options: list[Data] = [
            {"label": scope.label("1"), "next": state["next"]},
            {"label": scope.label("2"), "next": "ok"},
        ]
        grower.states["way_out"] = {"menu": scope.text(known), "options": options}
        state["next"] = "way_out"
    flow = _head(name, scope.languages) | {"start": start, "returns": returns}
    if arguments:
        flow["args"] = {each: kind.declared for each, kind in arguments.items()}
    _variables(flow, grower, frozenset(arguments))
    flow["states"] = grower.states
    return flow, sub


def _leads(states: Data, name: str) -> bool:
    """Whether anything names a state or an exit."""
    if isinstance(states, str):
        return states == name
    return any(
        _leads(each, name) for each in (states.values() if isinstance(states, dict) else states)
    )


def _main(scope: Scope, backends: dict[str, Table], subs: dict[str, Sub]) -> Table:
    random = scope.random
    grower = Grower(scope, backends, subs, random.randint(5, 30), _MAKERS)
    how = random.choice([None, None, "ask", "at_once", "entry"])
    grower.entry = how == "entry"
    flow = _head("main", scope.languages)
    languages = flow["languages"]
    if scope.chance(0.3) and isinstance(languages, dict):
        languages["remember"] = random.choice(_DURATIONS)
    home = grower.begun(NOTHING, stops=True)
    grower.home = home
    grower.closed(home, SCREENS["menu"](grower, home, NOTHING, 1, "menu"))
    start = home
    if scope.chance(0.4):
        start = grower.new(NOTHING, 3)
        flow["home"] = home
    ended = grower.states[home]
    if isinstance(ended, dict) and isinstance(ended["options"], list):
        ended["options"].append(
            {"label": scope.label("6"), "next": grower.grown(NOTHING, 9, "end")}
        )
        if grower.entry:
            ended["options"].append({"label": scope.label("5"), "resume": "true"})
    flow["start"] = start
    flow["service_codes"] = _codes(scope, grower)
    if scope.chance(0.5):
        flow["keys"] = random.choice(_KEYS) or {"back": "0"}
    if scope.alphabet != "transliterate" or scope.chance(0.2):
        flow["alphabet"] = scope.alphabet
    screens = [
        name
        for name, state in grower.states.items()
        if isinstance(state, dict) and {"menu", "input", "list", "show", "wait"} & set(state)
    ]
    if how is not None:
        resume: Table = {"within": random.choice(_DURATIONS), "how": how}
        if scope.chance(0.3):
            resume["never_into"] = [random.choice(screens)]
        flow["resume"] = resume
    if scope.chance(0.3):
        flow["on_drop"] = [_on_drop(scope, grower, screens)]
    _variables(flow, grower, NOTHING)
    flow["states"] = grower.states
    return flow


def _codes(scope: Scope, grower: Grower) -> list[Data]:
    codes: list[Data] = ["*789#"]
    if scope.chance(0.4):
        code: Table = {"code": "*790*1#"}
        if scope.chance(0.7):
            code["language"] = scope.random.choice(scope.languages)
        able = [name for name, promise in grower.promises.items() if not promise]
        if scope.chance(0.6):
            code["start"] = scope.random.choice(able)
        codes.append(code)
    return codes


def _on_drop(scope: Scope, grower: Grower, screens: list[str]) -> Data:
    chosen = scope.random.sample(screens, min(len(screens), 2))
    known = frozenset.intersection(*(grower.promises[name] for name in chosen))
    return {"states": list[Data](chosen), "text": scope.text(known, 4)}


def _variables(flow: Table, grower: Grower, arguments: frozenset[str]) -> None:
    """Declare what is stored; read what nobody reads, so that it is not refused for that."""
    scope = grower.scope
    stored = _names(grower.states)
    if flow.get("returns"):
        stored |= {"v_answer"}
    declared: Table = {}
    for name, kind in scope.variables.items():
        if name in arguments or name not in stored:
            continue
        made = dict(kind.declared)
        if kind.sensitive and kind.type != "pin":
            made["sensitive"] = "true"
        elif not kind.sensitive and scope.chance(0.12):
            made["remember"] = scope.random.choice(_DURATIONS)
        if scope.chance(0.2):
            made["label"] = scope.label("label")
        declared[name] = made
    if declared:
        flow["vars"] = declared
    unread = [name for name in (*declared, *arguments) if not _reads(grower.states, name)]
    hosts = [
        state
        for name, state in grower.states.items()
        if name in grower.stops and isinstance(state, dict)
    ]
    for name in unread:
        host = scope.random.choice(hosts)
        shown = next(each for each in ("menu", "input", "show", "wait", "end") if each in host)
        body = host[shown]
        parts = body if isinstance(body, list) else [body]
        host[shown] = [*parts, {"when": "{" + name + "} is set", "text": "OK"}]


def _names(states: Data) -> set[str]:
    """Every name that states store under or give back."""
    if isinstance(states, list):
        return {name for each in states for name in _names(each)}
    if not isinstance(states, dict):
        return set()
    found = {name for each in states.values() for name in _names(each)}
    save, assigned, forget = states.get("save"), states.get("set"), states.get("forget")
    found |= {save} if isinstance(save, str) else set()
    found |= set(assigned) if isinstance(assigned, dict) else set()
    return (
        found
        | {str(each) for each in (forget if isinstance(forget, list) else ())}
        | _places(states)
    )


def _places(states: Table) -> set[str]:
    """Variables that only a condition asks about."""
    found = set()
    for each in states.values():
        if isinstance(each, str):
            for piece in each.split("{")[1:]:
                found.add(piece.split("}")[0].split("|")[0].split(".")[0])
        elif isinstance(each, list):
            found |= _places({str(n): inner for n, inner in enumerate(each)})
    return found


def _reads(states: Data, name: str) -> bool:
    if isinstance(states, str):
        return any("{" + name + end in states for end in "}|.")
    inner = states.values() if isinstance(states, dict) else states
    return any(_reads(each, name) for each in inner)
