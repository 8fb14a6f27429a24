"""Settings of the service, read once from the environment and the command line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

_MASTER_KEY: Final = re.compile(r"[0-9a-fA-F]{64}")
_API_KEY_MIN: Final = 16  # shorter ones can be guessed over the network


class SettingsError(ValueError):
    """A setting is missing or wrong. The message names it and says what to write instead."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the service needs to know before it starts.

    `store_url`: SQLAlchemy URL, SQLite or PostgreSQL. `master_key`: the 32 bytes that wrap vending
    keys and tokens at rest; without them the store is unreadable. `api_key`: the bearer token every
    caller presents. `meters_url`: base URL of the AMI that reaches the meters, None when tokens are
    typed in by hand only. `meters_api_key`: our bearer token there, None when it asks for none.
    """

    store_url: str
    master_key: bytes = field(repr=False)
    api_key: str = field(repr=False)
    meters_url: str | None = None
    meters_api_key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if len(self.master_key) != 32:
            raise SettingsError("The master key has 32 bytes (64 hex digits).")
        if len(self.api_key) < _API_KEY_MIN:
            raise SettingsError(
                f"The API key has at least {_API_KEY_MIN} characters; set CASSOU_HES_API_KEY"
                " to a long random text."
            )
        if self.meters_url is not None and urlsplit(self.meters_url).scheme not in (
            "http",
            "https",
        ):
            raise SettingsError("The meters URL begins with http:// or https://.")


def read_settings(
    environment: Mapping[str, str], *, store_url: str, meters_url: str | None
) -> Settings:
    """Join the secrets of the environment with the options of the command line.

    Reads CASSOU_HES_MASTER_KEY, CASSOU_HES_API_KEY and CASSOU_METERS_API_KEY. Raises SettingsError.
    """
    master_key = environment.get("CASSOU_HES_MASTER_KEY", "")
    if not _MASTER_KEY.fullmatch(master_key):
        raise SettingsError(
            "Set CASSOU_HES_MASTER_KEY to 64 hex digits. For a new store, make them with"
            ' `python -c "import secrets; print(secrets.token_hex(32))"` and keep them safe:'
            " without them the store cannot be read."
        )
    return Settings(
        store_url=store_url,
        master_key=bytes.fromhex(master_key),
        api_key=environment.get("CASSOU_HES_API_KEY", ""),
        meters_url=meters_url.rstrip("/") if meters_url else None,
        meters_api_key=environment.get("CASSOU_METERS_API_KEY") or None,
    )
