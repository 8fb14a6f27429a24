"""The settings of this application: the framework's, and those of money and of the parties."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, SecretStr

from ussd_app import settings as framework
from ussd_app.settings import PREFIX, BadSettings, FrameworkSettings


class Wallet(StrEnum):
    """How the operator debits: at once, or after asking the client for the PIN on the phone."""

    DIRECT = "direct"
    PROMPT = "prompt"


class Settings(FrameworkSettings):
    """All settings, with their defaults."""

    ledger_url: str = Field("", description="purchases, SQLAlchemy URL; empty: SQLite in var_dir")
    calls_threads: int = Field(8, ge=1, le=128, description="look-ups in flight per calls worker")
    calls_workers: int = Field(1, ge=1, le=64, description="worker processes of the calls queue")
    purchases_workers: int = Field(2, ge=1, le=64, description="workers of the purchases queue")
    call_deadline_seconds: float = Field(4.0, gt=0, description="a look-up's own HTTP deadline")
    money_deadline_seconds: float = Field(
        6.0, gt=0, description="HTTP deadline of a debit, sale, vend, refund or SMS"
    )
    lookup_fresh_seconds: int = Field(60, ge=0, description="meters and tariffs may be this old")
    unknown_meters_per_hour: int = Field(
        10, ge=0, description="unknown meters a number may name before it waits; 0: any number"
    )
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

    def disagreements(self) -> list[str]:
        """See `FrameworkSettings.disagreements`."""
        problems = super().disagreements()
        if self.lease_seconds <= 2 * self.money_deadline_seconds:
            problems.append("lease_seconds must be over twice money_deadline_seconds")
        if self.settle_seconds <= self.lease_seconds:
            problems.append("settle_seconds must be over lease_seconds")
        return problems

    def ledger(self) -> str:
        """The ledger's SQLAlchemy URL."""
        return self.ledger_url or f"sqlite:///{(self.var_dir / 'ledger.sqlite3').absolute()}"


def load(**overrides: object) -> Settings:
    """The settings of this process; raises `BadSettings` with every problem."""
    return framework.load(Settings, **overrides)


def load_connected() -> Settings:
    """The settings of a process that others have started; raises `BadSettings`."""
    settings = load()
    if not settings.redis_url:
        raise BadSettings(f"{PREFIX}REDIS_URL must be set; `cassou run` brings a server along")
    return settings
