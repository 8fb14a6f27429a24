"""Settings: read once, all that is bad told at once, secrets never shown."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

import wsgi
from ussd_app.settings import PREFIX, BadSettings, Environment, rows, secret_octets
from workers.settings import Settings, Wallet, load

KEY = "ab" * 32


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)


def test_defaults_are_good_as_they_are() -> None:
    settings = load()

    assert (settings.environment, settings.wallet) == (Environment.DEVELOPMENT, Wallet.DIRECT)
    assert settings.menus_dir.joinpath("system.yaml").exists()


def test_the_environment_sets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASSOU_WEB_PORT", "9000")
    monkeypatch.setenv("CASSOU_WALLET", "prompt")
    monkeypatch.setenv("CASSOU_NOBODY_READS_THIS", "x")

    assert (load().web_port, load().wallet) == (9000, Wallet.PROMPT)


def test_all_bad_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASSOU_WEB_PORT", "90000")
    monkeypatch.setenv("CASSOU_WALLET", "cash")
    monkeypatch.setenv("CASSOU_SWEEP_SECONDS", "soon")
    with pytest.raises(BadSettings) as caught:
        load()
    told = str(caught.value).splitlines()

    assert [line.partition(":")[0] for line in told] == [
        "CASSOU_WEB_PORT",
        "CASSOU_WALLET",
        "CASSOU_SWEEP_SECONDS",
    ]


def test_all_that_does_not_agree_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASSOU_ENVIRONMENT", "production")
    monkeypatch.setenv("CASSOU_LEASE_SECONDS", "12")
    monkeypatch.setenv("CASSOU_SETTLE_SECONDS", "12")
    monkeypatch.setenv("CASSOU_WAITING_CALLERS_MAX", "16")
    with pytest.raises(BadSettings) as caught:
        load()

    assert str(caught.value).split("; ") == [
        "CASSOU_SECRET_KEY must be set in production",
        "waiting_callers_max must be below web_threads, so that some answer",
        "lease_seconds must be over twice money_deadline_seconds",
        "settle_seconds must be over lease_seconds",
    ]


@pytest.mark.parametrize("key", ["ab", "zz" * 32, KEY + "0"])
def test_a_bad_key_is_told_and_not_shown(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("CASSOU_SECRET_KEY", key)
    with pytest.raises(BadSettings) as caught:
        load()

    assert str(caught.value) == "CASSOU_SECRET_KEY must be 64 hex digits (32 octets)"


def test_rows_mask_secrets_and_say_where_a_value_comes_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CASSOU_SECRET_KEY", KEY)
    monkeypatch.setenv("CASSOU_OPERATOR_KEY", "operator secret")
    monkeypatch.setenv("CASSOU_REDIS_URL", "redis://:redis-secret@10.0.0.1:6379/0")
    monkeypatch.setenv("CASSOU_LEDGER_URL", "postgresql://ledger:sql@secret@db/cassou")
    shown = {variable: (value, origin) for variable, value, origin, _ in rows(load())}

    assert shown["CASSOU_SECRET_KEY"] == ("set", "environment")
    assert shown["CASSOU_OPERATOR_KEY"] == ("set", "environment")
    assert shown["CASSOU_HES_KEY"] == ("", "default")
    assert shown["CASSOU_REDIS_URL"] == ("redis://:…@10.0.0.1:6379/0", "environment")
    assert shown["CASSOU_LEDGER_URL"] == ("postgresql://ledger:…@db/cassou", "environment")
    assert shown["CASSOU_WEB_PORT"] == ("8000", "default")
    assert not [text for row in shown.values() for text in row if "secret" in text or KEY in text]


def test_every_setting_has_help() -> None:
    assert [variable for variable, _, _, said in rows(load()) if not said] == []


def test_settings_do_not_show_secrets_when_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASSOU_SECRET_KEY", KEY)

    assert KEY not in repr(load())


def test_a_given_key_is_used(tmp_path: Path) -> None:
    assert secret_octets(load(secret_key=KEY, var_dir=tmp_path)) == bytes.fromhex(KEY)
    assert list(tmp_path.iterdir()) == []


def test_without_one_a_key_is_made_once_and_kept_to_its_owner(tmp_path: Path) -> None:
    settings = load(var_dir=tmp_path / "var")
    first = secret_octets(settings)
    path = tmp_path / "var" / "secret.key"

    assert len(first) == 32
    assert secret_octets(settings) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["secret.key"]


def test_the_ledger_is_a_file_unless_told_otherwise(tmp_path: Path) -> None:
    assert load(var_dir=tmp_path).ledger() == f"sqlite:///{tmp_path}/ledger.sqlite3"
    assert load(ledger_url="postgresql://x/y").ledger() == "postgresql://x/y"


ENDPOINTS = """\
cassou: 1
endpoints:
  anyone: {gateway: moov_xml, trust: open}
  written: {gateway: moov_xml, trust: {peers: [10.0.0.0/8]}, capture: seen.jsonl}
  wide: {gateway: moov_xml, trust: {peers: [10.0.0.0/8], proxies: ["::/0"]}}
"""


def test_in_production_what_is_unsafe_refuses_to_start_and_says_why(tmp_path: Path) -> None:
    file = tmp_path / "endpoints.yaml"
    file.write_text(ENDPOINTS)
    settings = load(endpoints_file=file, environment="production", secret_key="ab" * 32)

    with pytest.raises(BadSettings) as caught:
        wsgi.checked_endpoints(settings, {})

    assert str(caught.value).splitlines() == [
        "in production no endpoint may trust anybody: give anyone peers or a secret",
        "in production no network is everybody's: take /0 from wide",
        "in production nobody's callbacks are written to a file: take capture from written",
    ]


def test_on_a_developers_machine_it_starts(tmp_path: Path) -> None:
    file = tmp_path / "endpoints.yaml"
    file.write_text(ENDPOINTS)

    assert set(wsgi.checked_endpoints(load(endpoints_file=file), {})) == {
        "anyone",
        "written",
        "wide",
    }
