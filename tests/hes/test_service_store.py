"""What the store keeps, and what it does not give away."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from hes_adapter.embedded.seed import SeedError
from hes_adapter.embedded.service import Service
from hes_adapter.embedded.settings import Settings, SettingsError, read_settings
from hes_adapter.embedded.vault import SealBrokenError, Vault
from hes_adapter.sts.keys import decoder_key
from hes_adapter.sts.serial import pan_of

from .helpers import (
    API_KEY,
    DEMO,
    DEMO_KEY,
    MASTER_KEY,
    OTHER_SERIAL,
    SERIAL,
    Clock,
    running,
    settings_for,
)


def test_a_restart_keeps_every_token_and_the_next_tid(store_url: str) -> None:
    clock = Clock()
    with running(store_url, clock=clock) as hes:
        sold = hes.vend("kept").json()
    with running(store_url, clock=clock) as hes:
        again = hes.vend("kept")
        following = hes.vend("next").json()

    assert (again.status_code, again.json()) == (200, sold)
    assert following["tid"] == sold["tid"] + 1


def test_no_key_and_no_token_stands_in_the_store_in_clear(tmp_path: Path) -> None:
    with running(f"sqlite:///{tmp_path / 'hes.db'}") as hes:
        tokens = [hes.vend(f"v{i}").json()["token"] for i in range(5)]
        # Read while the service runs, so that the write-ahead log is there too.
        stored = b"".join(path.read_bytes() for path in sorted(tmp_path.iterdir()))

    meter_key = decoder_key(DEMO_KEY, pan_of(SERIAL), "01")
    secrets = [DEMO_KEY.secret, meter_key, MASTER_KEY, API_KEY.encode()]
    secrets += [secret.hex().encode() for secret in secrets]
    for token in tokens:
        number = int(token)
        secrets += [token.encode(), number.to_bytes(9, "big"), number.to_bytes(9, "little")]
    assert b"hes_vends" in stored
    assert b"v4" in stored
    assert [secret for secret in secrets if secret in stored] == []


def test_another_master_key_does_not_open_the_store(store_url: str) -> None:
    with running(store_url):
        pass
    other = Settings(store_url=store_url, master_key=bytes(32), api_key=API_KEY)

    with pytest.raises(SealBrokenError, match="CASSOU_HES_MASTER_KEY"):
        Service.open(other)


def test_a_token_moved_to_another_vend_does_not_open(store_url: str) -> None:
    with running(store_url) as hes:
        hes.vend("mine")
        hes.vend("yours", OTHER_SERIAL)
        engine = create_engine(store_url)
        with engine.begin() as connection:
            connection.execute(
                text(
                    "UPDATE hes_vends SET sealed_token ="
                    " (SELECT sealed_token FROM hes_vends WHERE vend_id = 'yours')"
                    " WHERE vend_id = 'mine'"
                )
            )
        engine.dispose()
        with pytest.raises(SealBrokenError):
            hes.service.vending.find("mine")
        assert hes.service.vending.find("yours").token.digits


def test_a_property_of_a_key_cannot_be_altered_in_the_store(store_url: str) -> None:
    with running(store_url):
        pass
    engine = create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE hes_vending_keys SET ken = 254"))
    engine.dispose()

    with pytest.raises(SealBrokenError):
        Service.open(settings_for(store_url))


def test_the_store_itself_refuses_a_second_use_of_a_tid(store_url: str) -> None:
    with running(store_url) as hes:
        hes.vend("first")
    engine = create_engine(store_url)
    copied = (
        "serial, kwh_tenths, base_date, tid, sealed_token, issued_at, delivery,"
        " delivery_result, delivery_attempts, delivery_due_at"
    )
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(
            text(
                f"INSERT INTO hes_vends (vend_id, {copied})"  # noqa: S608 - names, no input
                f" SELECT 'second', {copied} FROM hes_vends"
            )
        )
    engine.dispose()


def test_sqlite_is_set_up_to_survive_a_power_cut(tmp_path: Path) -> None:
    service = Service.open(settings_for(f"sqlite:///{tmp_path / 'hes.db'}"))
    with service.engine.begin() as connection:
        names = ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]
        # The transaction already holds the write lock before its first statement.
        other = sqlite3.connect(tmp_path / "hes.db", timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
    service.close()

    assert found == ["wal", 2, 10_000, 1]


def test_a_seed_can_be_loaded_again_and_again(store_url: str) -> None:
    service = Service.open(settings_for(store_url))
    try:
        assert service.seed(DEMO) == (1, 8)
        assert service.seed(DEMO) == (0, 0)
    finally:
        service.close()


def test_a_seed_does_not_unblock_a_meter(store_url: str) -> None:
    config = {"sgc": "999901", "krn": 1, "ti": "01", "blocked": True}
    with running(store_url) as hes:
        hes.call("PUT", f"/meters/{SERIAL}", json=config)
        hes.service.seed(DEMO)

        assert hes.call("GET", f"/meters/{SERIAL}").json()["blocked"] is True


SECRET_HEX = DEMO_KEY.secret.hex()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (SECRET_HEX, "00" * 20, "Another vending key"),
        ("krn: 1\n    kt: 2", "krn: 2\n    kt: 1", "unique keys"),
        ("test: true", "test: false", "Another vending key"),
        ("krn: 1\n    kt", "krn: 3\n    kt", "already has tokens"),
        ('sgc: "999901"\n', "sgc: 999901\n", "quotes"),
        ("base_date: 2014", "base_date: 2015", "wrong kind"),
        ("ken: 255", "ken: '255'", "whole number"),
        ("    ken: 255\n", "", "ken"),
        (SECRET_HEX, SECRET_HEX[:-2], "20 bytes"),
        (SECRET_HEX, "zz" + SECRET_HEX[2:], "wrong kind"),
        ('"04246801379"', '"04246801378"', "check digit"),
        ("vending_keys:", "vending_keys: {", "YAML"),
        ("meters:\n", "meters: 5\nothers:\n", "list"),
    ],
)
def test_a_wrong_seed_is_refused_whole_without_showing_a_key(
    store_url: str, tmp_path: Path, old: str, new: str, says: str
) -> None:
    wrong = tmp_path / "wrong.yaml"
    assert old in DEMO.read_text()
    # The new number of a key goes to its meters as well, as an operator would do it.
    extra = new.startswith("krn: 3")
    changed = DEMO.read_text().replace(old, new)
    wrong.write_text(changed.replace("krn: 1", "krn: 3") if extra else changed)
    with running(store_url) as hes:
        hes.vend("first")
        before = hes.call("GET", f"/meters/{SERIAL}").json()

        with pytest.raises(SeedError, match=says) as refused:
            hes.service.seed(wrong)

        assert SECRET_HEX[:-2] not in str(refused.value)
        assert hes.call("GET", f"/meters/{SERIAL}").json() == before


def test_test_and_live_keys_never_share_a_store(store_url: str, tmp_path: Path) -> None:
    live = tmp_path / "live.yaml"
    live.write_text(
        DEMO.read_text()
        .split("meters:")[0]
        .replace("test: true", "test: false")
        .replace("999901", "000001")
    )
    with running(store_url) as hes, pytest.raises(SeedError, match="TEST and live"):
        hes.service.seed(live)


def test_the_vault_keeps_its_two_kinds_of_secret_apart() -> None:
    vault = Vault(MASTER_KEY)
    sealed = vault.seal_token("0" * 20, "id")

    assert vault.open_token(sealed, "id") == "0" * 20
    assert vault.seal_token("0" * 20, "id") != sealed
    with pytest.raises(SealBrokenError):
        vault.open_key(sealed, "id")


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "CASSOU_HES_MASTER_KEY"),
        ({"CASSOU_HES_MASTER_KEY": "ab" * 31}, "64 hex digits"),
        ({"CASSOU_HES_MASTER_KEY": "ab" * 32}, "CASSOU_HES_API_KEY"),
        ({"CASSOU_HES_MASTER_KEY": "ab" * 32, "CASSOU_HES_API_KEY": "short"}, "16 characters"),
    ],
)
def test_a_missing_secret_is_named(environment: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        read_settings(environment, store_url="sqlite://", meters_url=None)


def test_settings_show_no_secret() -> None:
    shown = repr(settings_for("sqlite://"))

    assert API_KEY not in shown
    assert "key-at-the-ami" not in shown
    assert repr(MASTER_KEY) not in shown


def test_the_meters_url_is_http() -> None:
    with pytest.raises(SettingsError, match="http"):
        settings_for("sqlite://", "ftp://127.0.0.1")
