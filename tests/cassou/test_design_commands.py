"""The designers' commands, as they are typed: what they print, write, and exit with."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from cassou.cli import main
from tests.whole_system import MENUS

SHIPPED = MENUS / "buy-electricity.yaml"
BROKEN = """\
cassou: 1
flow: small
service_codes: ["*123#"]
languages: {default: fr}
start: home
states:
  home:
    menu: Bonjour
    options:
      - {label: Partir, next: goodby}
  goodbye: {end: Au revoir.}
"""
LEAVING = """\
cassou: 1
flow: leaving
service_codes: ["*123#"]
languages: {default: fr}
start: home
on_drop: [{states: [home], text: À bientôt.}]
states:
  home:
    menu: Bonjour
    options: [{label: Partir, next: goodbye}]
  goodbye: {end: Au revoir.}
"""


@pytest.fixture(autouse=True)
def own_var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the checkout's own data is touched."""
    monkeypatch.setenv("CASSOU_VAR_DIR", str(tmp_path / "var"))


def cassou(*arguments: object, typed: str = "") -> Result:
    """One command; whatever escapes it fails the test."""
    return CliRunner().invoke(
        main, [str(each) for each in arguments], input=typed, catch_exceptions=False
    )


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A file with one mistake."""
    path = tmp_path / "small.yaml"
    path.write_text(BROKEN, "utf-8")
    return path


def test_the_shipped_menus_are_clean() -> None:
    result = cassou("check")

    assert (result.exit_code, result.output) == (0, "")


def test_a_mistake_is_told_with_its_place_its_line_and_what_was_meant(broken: Path) -> None:
    result = cassou("check", broken)

    assert result.exit_code == 1
    assert result.output.splitlines() == [
        (
            f'{broken}:10:31: error: state "home" goes to "goodby", which does not exist; '
            'did you mean "goodbye"? [unknown-state]'
        ),
        "   |",
        "10 |       - {label: Partir, next: goodby}",
        "   |                               ^^^^^^",
    ]


def test_machines_read_the_same_as_json(broken: Path) -> None:
    result = cassou("check", broken, "--format", "json")

    assert result.exit_code == 1
    assert json.loads(result.output) == [
        {
            "file": str(broken),
            "line": 10,
            "column": 31,
            "end_line": 10,
            "end_column": 37,
            "severity": "error",
            "id": "unknown-state",
            "message": 'state "home" goes to "goodby", which does not exist; '
            'did you mean "goodbye"?',
        }
    ]
    assert json.loads(cassou("check", SHIPPED, "--format", "json").output) == []


def test_github_shows_them_in_the_lines_of_a_pull_request(broken: Path) -> None:
    result = cassou("check", broken, "--format", "github")

    assert result.output.startswith(f"::error file={broken},line=10,endLine=10,col=31,endColumn=37")
    assert cassou("check", SHIPPED, "--format", "github").output == ""


def test_a_flow_on_standard_input_is_checked(tmp_path: Path) -> None:
    del tmp_path
    result = cassou("check", "-", typed=BROKEN)

    assert result.exit_code == 1
    assert result.output.startswith("<stdin>:10:31: error:")


@pytest.mark.parametrize(
    "arguments", [("nowhere.yaml",), ("-", "x.yaml"), ("--format", "xml"), ("--septets", "9")]
)
def test_asking_for_what_is_not_there_is_usage(arguments: tuple[str, ...]) -> None:
    assert cassou("check", *arguments).exit_code == 2


def test_a_wrong_catalogue_is_told_and_not_what_follows_from_it(tmp_path: Path) -> None:
    shutil.copytree(MENUS, tmp_path / "menus")
    catalogue = tmp_path / "menus" / "catalogue.yaml"
    catalogue.write_text(catalogue.read_text("utf-8").replace("once: true", "once: yes"), "utf-8")

    told = cassou("check", tmp_path / "menus", "--format", "json")

    assert [each["id"] for each in json.loads(told.output)] == ["wrong-type"]


def test_wrong_texts_of_sms_are_told(tmp_path: Path) -> None:
    path = tmp_path / "sms.yaml"
    path.write_text('default_language: fr\nmessages:\n  a: {en: "{x|mony}"}\n', "utf-8")

    told = json.loads(cassou("check", path, "--format", "json").output)

    assert [each["id"] for each in told] == ["missing-translation", "unknown-filter"]


def test_a_transcript_is_checked_as_one(tmp_path: Path) -> None:
    path = tmp_path / "x.dial.yaml"
    path.write_text("cassou: 1\ntranscript: x\ndial: '*1#'\nsteps: [{se: x}]\n", "utf-8")

    told = json.loads(cassou("check", path, "--format", "json").output)

    assert [each["id"] for each in told] == ["unknown-key"]


def test_octets_that_are_no_text_are_told(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_bytes(BROKEN.replace("Au revoir", "\xc0 bient\xf4t").encode("latin-1"))

    result = cassou("check", path)

    assert result.exit_code == 1
    assert "save it as UTF-8" in result.output


def test_a_new_flow_is_clean_laid_out_and_can_be_dialled(tmp_path: Path) -> None:
    path = tmp_path / "flows" / "my_menu.yaml"

    assert cassou("new", path, "--code", "*384#").exit_code == 0
    assert cassou("check", path).output == ""
    assert cassou("fmt", "--check", path).exit_code == 0
    assert "*384#" in cassou("dial", "--flow", path, typed="q\n").output
    again = cassou("new", path)
    assert (again.exit_code, "nothing was written" in again.output) == (2, True)


def test_fmt_lays_out_and_says_so_once(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_bytes(BROKEN.replace("\n", "\r\n").encode())

    assert cassou("fmt", "--check", path).exit_code == 1
    assert path.read_bytes().count(b"\r\n") > 0
    assert cassou("fmt", path).output == f"{path} laid out\n"
    assert path.read_bytes().count(b"\r\n") == 0
    assert cassou("fmt", path).output == ""


def test_the_map_and_the_sheet_are_written(tmp_path: Path) -> None:
    assert cassou("draw", SHIPPED).output.startswith("flowchart")
    assert cassou("draw", SHIPPED, "--format", "svg", "-o", tmp_path / "map.svg").exit_code == 0
    assert (tmp_path / "map.svg").read_text("utf-8").startswith("<svg")
    assert cassou("draw", SHIPPED, "--language", "de").exit_code == 2
    assert cassou("preview", SHIPPED, "-o", tmp_path / "sheet.html").exit_code == 0
    assert "Énergie prépayée" in (tmp_path / "sheet.html").read_text("utf-8")


def test_tools_refuse_a_flow_that_is_wrong(broken: Path, tmp_path: Path) -> None:
    for arguments in (("draw", broken), ("preview", broken, "-o", tmp_path / "x.html")):
        result = cassou(*arguments)
        assert (result.exit_code, "[unknown-state]" in result.output) == (1, True)
    assert not (tmp_path / "x.html").exists()


def test_diff_says_what_changes_for_the_client(tmp_path: Path) -> None:
    shutil.copytree(MENUS, tmp_path / "menus")
    changed = tmp_path / "menus" / SHIPPED.name
    changed.write_text(SHIPPED.read_text("utf-8").replace("fr: Acheter", "fr: Payer"), "utf-8")

    same, other = cassou("diff", SHIPPED, SHIPPED), cassou("diff", SHIPPED, changed)

    assert same.exit_code == 0
    assert other.exit_code == 1
    assert "Payer" in other.output
    assert isinstance(json.loads(cassou("diff", SHIPPED, changed, "--format", "json").output), list)


def test_schemas_are_written(tmp_path: Path) -> None:
    assert cassou("schema", "-o", tmp_path).exit_code == 0
    names = {path.name for path in tmp_path.glob("*.schema.json")}
    of = ("flow", "catalogue", "system", "transcript")
    assert names == {f"{name}.schema.json" for name in of}


def test_the_shipped_schemas_are_the_current_ones(tmp_path: Path) -> None:
    cassou("schema", "-o", tmp_path)

    for path in tmp_path.glob("*.schema.json"):
        assert (MENUS / path.name).read_text("utf-8") == path.read_text("utf-8"), (
            "run `cassou schema`"
        )


def test_translations_go_out_and_come_back(tmp_path: Path) -> None:
    menus = shutil.copytree(MENUS, tmp_path / "menus")
    flow, po = menus / SHIPPED.name, tmp_path / "en.po"

    assert cassou("i18n", "export", flow, "en", "-o", po).exit_code == 0
    before = flow.read_bytes()
    assert cassou("i18n", "import", flow, po, "en").exit_code == 0
    assert flow.read_bytes() == before
    po.write_text(po.read_text("utf-8").replace('msgstr "Buy"', 'msgstr "Purchase"'), "utf-8")
    assert cassou("i18n", "import", flow, po, "en").exit_code == 0
    assert flow.read_text("utf-8") == SHIPPED.read_text("utf-8").replace(
        "en: Buy}", "en: Purchase}"
    )
    assert "en" in cassou("i18n", "status", flow).output


def test_a_made_up_language_shows_what_overflows(tmp_path: Path) -> None:
    assert cassou("i18n", "pseudo", SHIPPED, "-o", tmp_path / "pseudo").exit_code == 0
    result = cassou("check", tmp_path / "pseudo" / SHIPPED.name)

    assert "qps" in (tmp_path / "pseudo" / SHIPPED.name).read_text("utf-8")
    assert "unknown" not in result.output


def test_publishing_needs_a_flow_that_is_right(broken: Path) -> None:
    refused = cassou("publish", broken)
    assert (refused.exit_code, "[unknown-state]" in refused.output) == (1, True)
    broken.write_text(BROKEN.replace("goodby}", "goodbye}"), "utf-8")

    first = cassou("publish", broken)
    assert (first.exit_code, "is current for new sessions" in first.output) == (0, True)
    assert "was current already" in cassou("publish", broken).output
    none_before = cassou("publish", "--rollback", "small")
    assert (none_before.exit_code, "before its current version" in none_before.output) == (1, True)


def test_a_flow_is_dialled_with_nothing_else_running(tmp_path: Path) -> None:
    flow = tmp_path / "leaving.yaml"
    flow.write_text(LEAVING, "utf-8")

    left = cassou("dial", "--flow", flow, typed="q\n").output
    ended = cassou("dial", "--flow", flow, typed="1\nq\n").output

    assert ("Bonjour" in left, "À bientôt." in left) == (True, True)
    assert ("Au revoir." in ended, "À bientôt." in ended) == (True, False)


def test_the_person_may_say_what_a_call_comes_to() -> None:
    shown = cassou("dial", "--flow", SHIPPED, "--ask", typed="1\n1\n04246801379\nunknown\nq\n")

    assert "Compteur 04246801379 inconnu." in shown.output


def test_an_unknown_application_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASSOU_APPLICATION", "nowhere:X")

    result = cassou("check")

    assert result.exit_code == 2
    assert "CASSOU_APPLICATION=nowhere:X" in result.output


def test_the_shipped_menus_are_laid_out() -> None:
    files = sorted(MENUS.glob("*.yaml"))

    assert cassou("fmt", "--check", *files).output == ""


def test_gateways_are_listed_with_what_they_carry() -> None:
    rows = json.loads(cassou("gateways", "--json").output)

    assert len(rows) == 34
    assert {"name", "confidence", "septets", "input", "auth"} <= set(rows[0])
    assert "africastalking" in cassou("gateways").output


def test_an_adapter_is_held_to_a_recorded_dialog() -> None:
    fixtures = Path(__file__).parents[1] / "gateways" / "fixtures"
    good = cassou("gateway-check", "hubtel", *sorted((fixtures / "hubtel").glob("*.json")))
    other = cassou("gateway-check", "uzo", fixtures / "nalo" / "dialog.json")

    assert (good.exit_code, good.output.count("steps agree")) == (0, 3)
    assert (other.exit_code, "expected" in other.output) == (1, True)
    assert cassou("gateway-check", "hubtl", SHIPPED).exit_code == 2
    assert cassou("gateway-check", "hubtel", SHIPPED).exit_code == 2


def flow(path: Path, name: str, code: str) -> Path:
    """A flow that is right, in a file."""
    source = BROKEN.replace("goodby}", "goodbye}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source.replace("flow: small", f"flow: {name}").replace("*123#", code), "utf-8")
    return path


def told(*arguments: object) -> list[tuple[str, str]]:
    """File and sentence of each problem."""
    found = json.loads(cassou("check", *arguments, "--format", "json").stdout)
    return [(Path(each["file"]).name, each["message"]) for each in found]


def test_a_name_or_a_code_that_stands_twice_is_told_at_the_second(tmp_path: Path) -> None:
    one, two = flow(tmp_path / "one.yaml", "one", "*1#"), flow(tmp_path / "two.yaml", "two", "*1#")
    same = flow(tmp_path / "z.yaml", "one", "*2#")
    code = 'flow "one" in one.yaml answers "*1#" already'
    name = 'one.yaml holds a flow "one" already'

    assert told(tmp_path) == [("two.yaml", code), ("z.yaml", name)]
    assert told(two) == [("two.yaml", code)]
    assert told(same) == [("z.yaml", name)]
    assert told(one) == [
        ("one.yaml", 'z.yaml holds a flow "one" already'),
        ("one.yaml", 'flow "two" in two.yaml answers "*1#" already'),
    ]


SUB = """\
cassou: 1
flow: ask
languages: {default: fr}
start: said
returns: {done: {}}
states:
  said: {show: Un., next: done}
"""
ENTERING = """\
cassou: 1
flow: entering
service_codes: ["*7#"]
languages: {default: fr}
start: asked
states:
  asked: {flow: ask, outcomes: {done: over}}
  over: {show: Fin., next: bye}
  bye: {end: Au revoir.}
"""


def test_two_sub_flows_with_one_name_are_told_and_not_published(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SUB, "utf-8")
    entering = tmp_path / "entering.yaml"
    entering.write_text(ENTERING, "utf-8")
    assert cassou("check", tmp_path).output == ""
    (tmp_path / "b.yaml").write_text(SUB.replace("Un.", "Deux."), "utf-8")

    assert told(tmp_path) == [("b.yaml", 'a.yaml holds a flow "ask" already')]
    refused = cassou("publish", entering)
    assert (refused.exit_code, "[duplicate-key]" in refused.output) == (1, True)


def test_a_code_that_another_flow_answers_is_not_published(tmp_path: Path) -> None:
    thief = flow(tmp_path / "a" / "thief.yaml", "thief", "*789#")
    first = flow(tmp_path / "b" / "first.yaml", "first", "*5#")
    second = flow(tmp_path / "c" / "second.yaml", "second", "*5#")

    shipped = cassou("publish", thief)
    sentence = 'nothing is published: flow "buy-electricity" answers "*789#" already'
    assert shipped.exit_code == 1
    assert shipped.output == f"{sentence}; give one of them another\n"
    assert cassou("publish", first).exit_code == 0
    refused = cassou("publish", second)
    assert (refused.exit_code, 'flow "first" answers "*5#"' in refused.output) == (1, True)
    assert "nothing was published" in cassou("publish", "second", "--history").output


def test_rolling_back_takes_no_code_that_another_flow_answers_by_now(tmp_path: Path) -> None:
    path = flow(tmp_path / "a" / "first.yaml", "first", "*5#")
    assert cassou("publish", path).exit_code == 0
    assert cassou("publish", flow(path, "first", "*6#")).exit_code == 0
    assert cassou("publish", flow(tmp_path / "b" / "x.yaml", "second", "*5#")).exit_code == 0

    refused = cassou("publish", "first", "--rollback")
    assert (refused.exit_code, 'flow "second" answers "*5#"' in refused.output) == (1, True)


def test_publishing_needs_endpoints_that_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = flow(tmp_path / "a" / "first.yaml", "first", "*5#")
    endpoints = tmp_path / "endpoints.yaml"
    monkeypatch.setenv("CASSOU_ENDPOINTS_FILE", str(endpoints))

    absent = cassou("publish", path)
    assert (absent.exit_code, "set CASSOU_ENDPOINTS_FILE" in absent.output) == (2, True)
    endpoints.write_text("cassou: 1\nendpoints: {}\n", "utf-8")
    wrong = cassou("publish", path)
    assert (wrong.exit_code, "no endpoint is configured" in wrong.output) == (2, True)
    endpoints.write_bytes(b"\xff")
    assert cassou("publish", path).exit_code == 2
    assert "nothing was published" in cassou("publish", "first", "--history").output


def test_what_would_be_passed_over_is_refused(tmp_path: Path) -> None:
    other = flow(tmp_path / "small.yml", "small", "*1#")
    below = flow(tmp_path / "below" / "deep" / "small.yaml", "small", "*1#")

    for path in (other, tmp_path):
        refused = cassou("check", path)
        assert (refused.exit_code, f"name it {tmp_path}/small.yaml" in refused.output) == (2, True)
    empty = cassou("check", tmp_path / "below")
    assert (empty.exit_code, "holds no flow" in empty.output) == (2, True)
    assert cassou("check", below.parent).exit_code == 0
    (below.parent / "compose.yml").write_text("services: {}\n", "utf-8")
    assert cassou("check", below.parent).exit_code == 0
    new = cassou("new", tmp_path / "bus.yml")
    assert (new.exit_code, "bus.yaml" in new.output) == (2, True)
    assert not (tmp_path / "bus.yml").exists()


def test_with_the_catalogue_or_a_sub_flow_what_stands_on_it_is_checked(tmp_path: Path) -> None:
    menus = shutil.copytree(MENUS, tmp_path / "menus")
    catalogue = menus / "catalogue.yaml"
    catalogue.write_text(
        catalogue.read_text("utf-8").replace("meters.find", "meters.seek"), "utf-8"
    )
    (sentence,) = {sentence for _, sentence in told(catalogue)}
    assert "the catalogue has no back-end" in sentence

    sub = tmp_path / "subs" / "ask.yaml"
    sub.parent.mkdir()
    sub.write_text(SUB.replace("done", "gone"), "utf-8")
    (sub.parent / "entering.yaml").write_text(ENTERING, "utf-8")
    flow(sub.parent / "wrong.yaml", "wrong", "no code")
    assert {file for file, _ in told(sub)} == {"entering.yaml"}


def test_yaml_that_is_no_flow_is_told_so(tmp_path: Path) -> None:
    workflow = tmp_path / "menus.yaml"
    workflow.write_text("name: menus\non: [push]\njobs: {}\n", "utf-8")
    catalogue = tmp_path / "bank.yaml"
    catalogue.write_text("cassou: 1\nbackends: {}\n", "utf-8")
    plain = 'this is no flow: at its top stands neither "flow:" nor "states:"'

    assert told(workflow) == [("menus.yaml", plain)]
    assert told(catalogue) == [
        ("bank.yaml", "this is no flow but a catalogue: name it catalogue.yaml")
    ]
    before = workflow.read_bytes()
    refused = cassou("fmt", catalogue, workflow)
    assert (refused.exit_code, refused.output) == (1, f"{workflow}: {plain}\n")
    assert workflow.read_bytes() == before
    assert cassou("fmt", catalogue).exit_code == 0


def test_octets_that_are_no_text_are_told_alike_from_wherever_they_come(tmp_path: Path) -> None:
    octets = b"flow: \xff\n"
    path = tmp_path / "x.yaml"
    path.write_bytes(octets)
    dialog = tmp_path / "x.dial.yaml"
    dialog.write_bytes(octets)
    arguments = ["check", "-", "--format", "json"]
    piped = CliRunner().invoke(main, arguments, input=octets, catch_exceptions=False)

    sentence = "not UTF-8 text: octet 7 cannot be read; save it as UTF-8"
    assert [each["message"] for each in json.loads(piped.stdout)] == [sentence]
    assert piped.exit_code == 1
    assert told(path) == [("x.yaml", sentence)]
    assert told(dialog) == [("x.dial.yaml", sentence)]


def test_problems_are_told_once_and_by_one_command(broken: Path) -> None:
    assert cassou("draw", broken).output == cassou("check", broken).output


def test_the_hooks_look_at_menus_alone() -> None:
    root = Path(__file__).parents[2]
    hooks = yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text("utf-8"))

    assert {hook["id"] for hook in hooks} == {"cassou-check", "cassou-fmt"}
    for hook in hooks:
        for path in ("menus/bus.yaml", "app/menus/bus.yaml", "menus/dialogs/x.dial.yaml"):
            assert re.search(hook["files"], path)
        for path in ("endpoints.yaml", ".github/workflows/menus.yaml", "menus/x.json"):
            assert not re.search(hook["files"], path)
