"""Every setting of the framework, read once from the environment, passed to whoever needs it.

Each field has a default, its unit in its name, and a line of help; the variable that sets it is
its name in capitals after `CASSOU_`. All bad values are reported at once. An application adds its
own fields in a subclass.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "CASSOU_"
_HERE = Path(__file__).parent


class BadSettings(Exception):  # noqa: N818  # what is bad, all of it
    """Settings that cannot be used; the text has a line for each."""


class Environment(StrEnum):
    """Where this runs: in production, what is unsafe refuses to start."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class FrameworkSettings(BaseSettings):
    """The settings of the web side, with their defaults."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    environment: Environment = Field(Environment.DEVELOPMENT, description="development, production")
    var_dir: Path = Field(_HERE.parent / "var", description="where embedded parts keep their data")
    secret_key: SecretStr = Field(
        SecretStr(""),
        description="64 hex digits that seal what is stored; empty: made and kept in var_dir",
    )
    endpoints_file: Path = Field(
        _HERE.parent / "endpoints.yaml", description="the gateways that may call back, by name"
    )
    menus_dir: Path = Field(_HERE / "menus", description="flows, catalogue, system and SMS texts")
    application: str = Field(
        "workers.application:APPLICATION",
        description="filters, rules and functions of the flows, as module:name",
    )
    published_dir: str = Field(
        "", description="published versions of flows; empty: published in var_dir"
    )
    redis_url: str = Field("", description="sessions and queues; empty: the embedded server")
    web_host: str = Field("127.0.0.1", description="address the callback endpoint binds to")
    web_port: int = Field(8000, ge=0, le=65535, description="its port; 0: any free one")
    web_processes: int = Field(2, ge=1, le=64, description="web processes")
    web_threads: int = Field(16, ge=2, le=256, description="threads of each web process")
    web_connections_max: int = Field(
        1024, ge=16, description="connections of each web process, idle ones too"
    )
    waiting_callers_max: int = Field(
        12, ge=0, le=255, description="callers of one web process that may wait for a back-end"
    )
    body_octets_max: int = Field(16_384, ge=256, description="longest callback body that is read")
    dials_per_minute: int = Field(
        20, ge=0, le=10_000, description="sessions one number may begin a minute; 0: any number"
    )
    session_ttl_seconds: int = Field(
        180, ge=10, description="an idle session ends after this; the next hop is told so"
    )
    session_memory_seconds: int = Field(
        900, ge=60, description="how long an ended session is remembered for repeats"
    )
    reply_margin_seconds: float = Field(
        1.0, gt=0, description="kept free of a gateway's reply budget for everything but waiting"
    )

    @model_validator(mode="after")
    def _agree(self) -> FrameworkSettings:
        problems = self.disagreements()
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def disagreements(self) -> list[str]:
        """What does not go together, a sentence each."""
        problems = []
        key = self.secret_key.get_secret_value()
        if key and (len(key) != 64 or not _is_hex(key)):
            problems.append(f"{PREFIX}SECRET_KEY must be 64 hex digits (32 octets)")
        if not key and self.environment is Environment.PRODUCTION:
            problems.append(f"{PREFIX}SECRET_KEY must be set in production")
        if self.waiting_callers_max >= self.web_threads:
            problems.append("waiting_callers_max must be below web_threads, so that some answer")
        return problems

    def published(self) -> Path:
        """The directory of published versions."""
        return Path(self.published_dir) if self.published_dir else self.var_dir / "published"


def _is_hex(text: str) -> bool:
    return all(character in "0123456789abcdefABCDEF" for character in text)


S = TypeVar("S", bound=FrameworkSettings)


def load(kind: type[S], **overrides: object) -> S:
    """The settings of this process; raises `BadSettings` with every problem."""
    try:
        return kind(**overrides)  # type: ignore[arg-type]  # pydantic checks each
    except ValidationError as error:
        problems = _problems(error)
        # What must agree is only looked at once every field is good: look again without the bad.
        bad = {str(each["loc"][0]) for each in error.errors() if each["loc"]}
        defaults = {name: kind.model_fields[name].default for name in bad}
        if bad:
            try:
                kind(**{**overrides, **defaults})
            except ValidationError as further:
                problems += _problems(further)
        raise BadSettings("\n".join(problems)) from None


def _problems(error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors():
        name = str(problem["loc"][0]) if problem["loc"] else ""
        sentence = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{PREFIX}{name.upper()}: {sentence}" if name else sentence)
    return lines


def secret_octets(settings: FrameworkSettings) -> bytes:
    """The 32 octets everything is sealed under, made once and kept in development.

    Raises OSError if the file can be neither read nor made.
    """
    given = settings.secret_key.get_secret_value()
    if given:
        return bytes.fromhex(given)
    path = settings.var_dir / "secret.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"secret.key.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        # Processes that start together agree on whichever was linked first, written whole.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return bytes.fromhex(path.read_text("ascii").strip())


def rows(settings: FrameworkSettings) -> Iterator[tuple[str, str, str, str]]:
    """(variable, value with secrets masked, where it comes from, help) of every setting."""
    for name, field in type(settings).model_fields.items():
        variable = PREFIX + name.upper()
        value = getattr(settings, name)
        shown = ("set" if value.get_secret_value() else "") if _secret(value) else str(value)
        origin = "environment" if variable in os.environ else "default"
        yield variable, without_password(shown), origin, field.description or ""


def _secret(value: object) -> bool:
    return isinstance(value, SecretStr)


def without_password(shown: str) -> str:
    """A URL's password never shows, in front of its host or behind its query's mark."""
    shown, mark, _ = shown.partition("?") if "://" in shown else (shown, "", "")
    shown += f"{mark}…" if mark and not shown.startswith("unix:") else ""
    head, at, tail = shown.rpartition("@")
    if not at or "://" not in head:
        return shown
    scheme, _, user = head.partition("://")
    return f"{scheme}://{user.partition(':')[0]}:…@{tail}"
