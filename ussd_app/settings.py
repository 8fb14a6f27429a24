"""Every setting, read once from the environment, passed to whoever needs it.

Each field has a default, its unit in its name, and a line of help; the variable that sets it is
its name in capitals after `CASSOU_`. All bad values are reported at once.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

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


class Wallet(StrEnum):
    """How the operator debits: at once, or after asking the client for the PIN on the phone."""

    DIRECT = "direct"
    PROMPT = "prompt"


class Settings(BaseSettings):
    """All settings, with their defaults."""

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
    ledger_url: str = Field("", description="purchases, SQLAlchemy URL; empty: SQLite in var_dir")

    web_host: str = Field("127.0.0.1", description="address the callback endpoint binds to")
    web_port: int = Field(8000, ge=0, le=65535, description="its port; 0: any free one")
    web_processes: int = Field(2, ge=1, le=64, description="web processes")
    web_threads: int = Field(16, ge=2, le=256, description="threads of each web process")
    waiting_callers_max: int = Field(
        12, ge=0, le=255, description="callers of one web process that may wait for a back-end"
    )
    body_octets_max: int = Field(16_384, ge=256, description="longest callback body that is read")

    session_ttl_seconds: int = Field(
        180, ge=10, description="an idle session ends after this; the next hop is told so"
    )
    session_memory_seconds: int = Field(
        900, ge=60, description="how long an ended session is remembered for repeats"
    )
    reply_margin_seconds: float = Field(
        1.0, gt=0, description="kept free of a gateway's reply budget for everything but waiting"
    )

    calls_threads: int = Field(8, ge=1, le=128, description="look-ups in flight per calls worker")
    calls_workers: int = Field(1, ge=1, le=64, description="worker processes of the calls queue")
    purchases_workers: int = Field(2, ge=1, le=64, description="workers of the purchases queue")
    call_deadline_seconds: float = Field(4.0, gt=0, description="a look-up's own HTTP deadline")
    money_deadline_seconds: float = Field(
        6.0, gt=0, description="HTTP deadline of a debit, sale, vend, refund or SMS"
    )
    lookup_fresh_seconds: int = Field(60, ge=0, description="meters and tariffs may be this old")

    wallet: Wallet = Field(Wallet.DIRECT, description="direct, or prompt (PIN asked on the phone)")
    prompt_delay_seconds: float = Field(
        2.0, ge=0, description="prompt wallet: debit this long after our session ended"
    )
    lease_seconds: float = Field(15.0, gt=0, description="a worker's hold on a purchase")
    settle_seconds: float = Field(
        30.0, gt=0, description="after a doubtful call, nothing is sent again for so long"
    )
    ask_seconds: float = Field(2.0, gt=0, description="first wait before asking about a doubt")
    ask_seconds_max: float = Field(300.0, gt=0, description="longest wait between two questions")
    not_found_seconds: float = Field(
        600.0, gt=0, description="a debit the operator does not know for so long never happened"
    )
    retry_seconds_max: float = Field(60.0, gt=0, description="longest wait before a safe retry")
    notice_seconds: float = Field(
        120.0, gt=0, description="a purchase unresolved for so long is told by SMS"
    )
    screen_seconds: float = Field(
        8.0, gt=0, description="a refusal is told by SMS if no screen has shown it by then"
    )
    sweep_seconds: float = Field(1.0, gt=0, description="the sweeper looks for due rows so often")

    operator_url: str = Field("http://127.0.0.1:8101", description="wallet and SMS centre")
    operator_key: SecretStr = Field(SecretStr(""), description="our bearer token there")
    platform_url: str = Field("http://127.0.0.1:8102", description="meters, tariffs, sales")
    platform_key: SecretStr = Field(SecretStr(""), description="our bearer token there")
    hes_url: str = Field("http://127.0.0.1:8103", description="head end system")
    hes_key: SecretStr = Field(SecretStr(""), description="our bearer token there")
    ca_file: str = Field("", description="CA bundle that outward TLS must match; empty: certifi's")

    @model_validator(mode="after")
    def _agree(self) -> Settings:
        problems = []
        key = self.secret_key.get_secret_value()
        if key and (len(key) != 64 or not _is_hex(key)):
            problems.append(f"{PREFIX}SECRET_KEY must be 64 hex digits (32 octets)")
        if not key and self.environment is Environment.PRODUCTION:
            problems.append(f"{PREFIX}SECRET_KEY must be set in production")
        if self.lease_seconds <= 2 * self.money_deadline_seconds:
            problems.append("lease_seconds must be over twice money_deadline_seconds")
        if self.settle_seconds <= self.lease_seconds:
            problems.append("settle_seconds must be over lease_seconds")
        if self.waiting_callers_max >= self.web_threads:
            problems.append("waiting_callers_max must be below web_threads, so that some answer")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def published(self) -> Path:
        """The directory of published versions."""
        return Path(self.published_dir) if self.published_dir else self.var_dir / "published"

    def ledger(self) -> str:
        """The ledger's SQLAlchemy URL."""
        return self.ledger_url or f"sqlite:///{(self.var_dir / 'ledger.sqlite3').absolute()}"


def _is_hex(text: str) -> bool:
    return all(character in "0123456789abcdefABCDEF" for character in text)


def load(**overrides: object) -> Settings:
    """The settings of this process; raises `BadSettings` with every problem."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks each
    except ValidationError as error:
        problems = _problems(error)
        # What must agree is only looked at once every field is good: look again without the bad.
        bad = {str(each["loc"][0]) for each in error.errors() if each["loc"]}
        defaults = {name: Settings.model_fields[name].default for name in bad}
        if bad:
            try:
                Settings(**{**overrides, **defaults})
            except ValidationError as further:
                problems += _problems(further)
        raise BadSettings("\n".join(problems)) from None


def load_connected() -> Settings:
    """The settings of a process that others have started; raises `BadSettings`."""
    settings = load()
    if not settings.redis_url:
        raise BadSettings(f"{PREFIX}REDIS_URL must be set; `cassou run` brings a server along")
    return settings


def _problems(error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors():
        name = str(problem["loc"][0]) if problem["loc"] else ""
        sentence = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{PREFIX}{name.upper()}: {sentence}" if name else sentence)
    return lines


def secret_octets(settings: Settings) -> bytes:
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


def rows(settings: Settings) -> Iterator[tuple[str, str, str, str]]:
    """(variable, value with secrets masked, where it comes from, help) of every setting."""
    for name, field in Settings.model_fields.items():
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
