"""The endpoints file: read with positions, and whom its endpoints trust."""

from __future__ import annotations

from pathlib import Path

import pytest

from ussd_app.endpoints import ConfiguredEndpoint, load
from ussd_app.flow.diagnostics import FlowError
from ussd_app.messages import HttpRequest
from ussd_app.trust import Trust

GOOD = """\
cassou: 1
endpoints:
  demo:
    gateway: africastalking
    trust: {peers: [127.0.0.0/8, "::1/128"]}
    service_codes: ["*789#"]
    country: BF
    septets_max: 182
    reply_seconds: 7
  keyed:
    gateway: moov_xml
    trust: {header: X-Key, secret_variable: MOOV_KEY}
    structured: true
  anyone:
    gateway: africastalking
    trust: open
"""
SECRET = "a secret of sixteen"


def read(tmp_path: Path, source: str) -> dict[str, ConfiguredEndpoint]:
    path = tmp_path / "endpoints.yaml"
    path.write_text(source)
    return load(path, {"MOOV_KEY": SECRET, "SHORT": "secret"})


def refused(tmp_path: Path, source: str) -> list[str]:
    """The first line of each diagnostic, without the directory."""
    with pytest.raises(FlowError) as caught:
        read(tmp_path, source)
    prefix = f"{tmp_path}/"
    return [
        line.removeprefix(prefix)
        for line in str(caught.value).splitlines()
        if line.startswith(prefix)
    ]


def test_endpoints_hold_what_the_file_says(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD)

    assert list(found) == ["demo", "keyed", "anyone"]
    demo, keyed = found["demo"], found["keyed"]
    assert (demo.gateway.name, demo.facts.service_codes) == ("africastalking", ("*789#",))
    assert (demo.budget.septets_max, demo.budget.reply_seconds) == (182, 7.0)
    assert (keyed.gateway.name, keyed.facts.structured) == ("moov_xml", True)
    assert (keyed.budget.septets_max, keyed.facts.country) == (160, "BF")
    assert [each.trust.open for each in found.values()] == [False, False, True]


def test_the_shipped_endpoints_are_good() -> None:
    path = Path(__file__).parent.parent.parent / "endpoints.yaml"
    assert {each.trust.open for each in load(path, {}).values()} == {False}


def test_peers_are_believed_by_their_network(tmp_path: Path) -> None:
    trust = read(tmp_path, GOOD)["demo"].trust

    assert [peer for peer in ("127.0.0.1", "127.9.9.9", "::1") if not believed(trust, peer)] == []
    strangers = ("10.0.0.1", "::2", "", "localhost", "127.0.0.1, 10.0.0.1")
    assert [peer for peer in strangers if believed(trust, peer)] == []


def believed(trust: Trust, peer: str, **headers: str) -> bool:
    return trust.why_not_head(HttpRequest("POST", headers=headers, peer=peer), 0.0) == ""


def test_a_forwarded_address_is_not_believed(tmp_path: Path) -> None:
    trust = read(tmp_path, GOOD)["demo"].trust
    request = HttpRequest("POST", headers={"x-forwarded-for": "127.0.0.1"}, peer="10.0.0.1")

    assert trust.why_not_head(request, 0.0)


@pytest.mark.parametrize("given", ["", "secret", SECRET[:-1], SECRET + " ", SECRET.upper(), "é"])
def test_a_wrong_secret_is_not_believed(tmp_path: Path, given: str) -> None:
    trust = read(tmp_path, GOOD)["keyed"].trust

    assert not believed(trust, "127.0.0.1", **{"x-key": given})
    assert not believed(trust, "127.0.0.1")
    assert believed(trust, "127.0.0.1", **{"x-key": SECRET})


def test_a_secret_never_shows(tmp_path: Path) -> None:
    assert SECRET not in repr(read(tmp_path, GOOD))


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        (
            "gateway: africastalking",
            "gateway: africastalkin",
            (
                '4:14: error: no gateway "africastalkin"; did you mean "africastalking"? '
                "[unknown-gateway]"
            ),
        ),
        (
            '    trust: {peers: [127.0.0.0/8, "::1/128"]}\n',
            "",
            (
                '3:3: error: endpoint "demo" must say whom it trusts: peers, header, path, '
                "basic, bearer, hmac, rsa, mtls or open [missing-key]"
            ),
        ),
        (
            "cassou: 1",
            "cassou: 2",
            '1:9: error: this Cassou reads "cassou: 1", not "2" [wrong-version]',
        ),
        (
            "127.0.0.0/8",
            "127.0.0.1/8",
            (
                '5:21: error: "127.0.0.1/8" is not a network; 127.0.0.0/8 is the one it is in '
                "[wrong-type]"
            ),
        ),
        (
            "trust: open",
            "trust: anybody",
            (
                '16:12: error: "trust:" is open, or a map such as {peers: [10.1.0.0/16]}'
                "; known are open [wrong-type]"
            ),
        ),
        (
            "MOOV_KEY",
            "SHORT",
            (
                "12:45: error: the variable SHORT must hold a secret of 16 characters or more "
                "[missing-secret]"
            ),
        ),
        (
            ", secret_variable: MOOV_KEY",
            "",
            '12:12: error: "trust:" needs "secret_variable:" or "secret_file:" [missing-key]',
        ),
        (
            "header: X-Key",
            "bearer: true, header: X-Key",
            "12:12: error: say one of header and bearer: there is one secret [wrong-shape]",
        ),
        (
            "septets_max: 182",
            "septets_max: 183",
            '8:18: error: "septets_max:" must be a whole number, 40 to 182 [wrong-type]',
        ),
        (
            "reply_seconds: 7",
            "reply_seconds: 7s",
            '9:20: error: "reply_seconds:" must be a whole number, 1 to 120 [wrong-type]',
        ),
        (
            "structured: true",
            "structured: yes",
            '13:17: error: "structured:" must be true or false [wrong-type]',
        ),
        (
            "  keyed:",
            "  Keyed!:",
            (
                '10:3: error: endpoint "Keyed!" must be lower-case letters, digits and underscores '
                "[bad-name]"
            ),
        ),
        (
            "  keyed:",
            "  demo:",
            '10:3: error: "demo" stands twice; first at line 3 [duplicate-key]',
        ),
        (
            "country: BF",
            "countri: BF",
            (
                '7:5: error: endpoint "demo" has no key "countri"; did you mean "country"? '
                "[unknown-key]"
            ),
        ),
    ],
)
def test_a_mistake_is_told_where_it_stands(
    tmp_path: Path, before: str, after: str, line: str
) -> None:
    assert f"endpoints.yaml:{line}" in refused(tmp_path, GOOD.replace(before, after, 1))


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    source = GOOD.replace("182", "900").replace("africastalking", "at").replace("open", "all")

    assert len(refused(tmp_path, source)) == 4


@pytest.mark.parametrize("source", ["", "cassou: 1\n", "cassou: 1\nendpoints: {}\n", "- a\n"])
def test_a_file_without_endpoints_is_refused(tmp_path: Path, source: str) -> None:
    assert refused(tmp_path, source)
