"""Loading vending keys and meters from a YAML file, at start, as often as one likes.

The file holds keys in clear: one with live keys is removed once it has been loaded.
"""

from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from hes_adapter.embedded.refusals import Refusal
from hes_adapter.embedded.registry import add_key, put_meter
from hes_adapter.embedded.vault import Vault
from hes_adapter.sts.keys import VendingKey
from hes_adapter.sts.tid import BaseDate
from hes_adapter.sts.token import StsError


class SeedError(Exception):
    """The seed file cannot be loaded; nothing of it was. Its message shows no key."""


def load_seed(engine: Engine, vault: Vault, path: Path) -> tuple[int, int]:
    """Load a file in one transaction and give the numbers of new keys and new meters.

    What is stored already and the same is left alone, and so is whether a meter is blocked. Raises
    SeedError for a file that cannot be read or contradicts the store.
    """
    try:
        seed = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        # A YAML error quotes the line it stopped at, which may hold a key.
        raise SeedError(f"{path} cannot be read as YAML ({type(error).__name__}).") from None
    try:
        with engine.begin() as connection:
            keys = [
                add_key(connection, vault, _key(entry))
                for entry in _entries(seed, "vending_keys", path)
            ]
            meters = [
                put_meter(connection, vault, blocked=None, **_meter(entry))
                for entry in _entries(seed, "meters", path)
            ]
    except (KeyError, TypeError, ValueError) as error:
        reason = str(error) if isinstance(error, StsError) else _shape(error)
        raise SeedError(f"{path}: {reason}") from None
    except Refusal as error:
        raise SeedError(f"{path}: {error}") from None
    except SQLAlchemyError as error:
        raise SeedError(f"{path} was not loaded: {type(error).__name__}.") from None
    return sum(keys), sum(meters)


def _shape(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"an entry has no {error}; demo.yaml shows what one holds."
    return "an entry has a value of the wrong kind; demo.yaml shows what one holds."


def _entries(seed: Any, name: str, path: Path) -> list[dict[str, Any]]:
    entries = seed.get(name, []) if isinstance(seed, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SeedError(f"{path}: `{name}` is a list of mappings; demo.yaml shows one.")
    return entries


def _key(entry: dict[str, Any]) -> VendingKey:
    return VendingKey(
        sgc=_text(entry, "sgc"),
        krn=_number(entry, "krn"),
        kt=_number(entry, "kt"),
        ea=_text(entry, "ea"),
        dkga=_text(entry, "dkga"),
        base_date=BaseDate(_number(entry, "base_date")),
        ken=_number(entry, "ken"),
        test=entry["test"] is not False,
        secret=bytes.fromhex(_text(entry, "key")),
    )


def _meter(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "serial": _text(entry, "serial"),
        "sgc": _text(entry, "sgc"),
        "krn": _number(entry, "krn"),
        "ti": _text(entry, "ti"),
    }


def _text(entry: dict[str, Any], name: str) -> str:
    value = entry[name]
    if not isinstance(value, str):
        # YAML reads 01 and 0417135790000 as numbers, and their zeros are gone then.
        raise StsError(f"`{name}` is text: put it in quotes.")
    return value


def _number(entry: dict[str, Any], name: str) -> int:
    value = entry[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise StsError(f"`{name}` is a whole number, without quotes.")
    return value
