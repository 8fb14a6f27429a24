"""The world a simulator starts with: wallets, customers, tariffs and meters, from one YAML file.

Every simulator reads its own section and ignores the others, so that one file describes one world.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulators.faults import FaultOrder, Kind

DEMO = Path(__file__).with_name("demo.yaml")
"""The demo world, used when no other file is named."""

Msisdn = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{7,14}$")]
"""A number in E.164 form, with its plus sign."""

Serial = Annotated[str, Field(pattern=r"^[0-9]{5,20}$")]
"""A meter's number as printed on it. Wrong check digits are allowed: meters have stickers."""

Reason = Literal[
    "insufficient_funds",
    "amount_too_low",
    "amount_too_high",
    "daily_limit",
    "count_limit",
    "wrong_pin",
    "pin_locked",
    "cancelled",
    "prompt_expired",
    "not_registered",
    "barred",
    "session_busy",
    "other",
]
"""Why a debit was declined. Nothing was taken."""

RefundReason = Literal["payee_limit", "payee_float_empty"]
"""Why a refund was declined: the payee's wallet is full, or the merchant's float is empty."""


class SeedError(ValueError):
    """The seed file cannot be read or says something impossible; the text says where."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WalletFault(_Part):
    """A fault that this number always has (see `simulators.faults`). `times` None: for ever."""

    operation: str
    fault: Kind
    times: int | None = None
    seconds: float | None = None


class Plan(_Part):
    """How a magic number behaves.

    `refuse`: every debit is declined at once, or only the first `refuse_times`.
    `at_prompt`: what the client does with the PIN prompt, instead of approving it; with a direct
    wallet it is the outcome at once.
    `pending_seconds`: the debit stays pending that long in the operator's queue, then succeeds;
    "for ever" never ends. No prompt is open meanwhile.
    `surplus_minor`: the operator takes that much more than asked (a fee inside).
    `refund`: every refund to this number is declined.
    """

    refuse: Reason | None = None
    refuse_times: int | None = None
    at_prompt: Literal["wrong_pin", "pin_locked", "cancelled", "prompt_expired"] | None = None
    pending_seconds: float | Literal["for ever"] | None = None
    surplus_minor: int = 0
    refund: RefundReason | None = None


class Wallet(_Part):
    """A wallet: balance in XOF minor units. `mode` None follows the operator's setting."""

    msisdn: Msisdn
    balance_minor: int = Field(ge=0)
    mode: Literal["direct", "prompt"] | None = None
    plan: Plan = Plan()
    faults: tuple[WalletFault, ...] = ()


class OperatorSeed(_Part):
    """The operator's section."""

    wallets: tuple[Wallet, ...] = ()

    def faults(self) -> tuple[FaultOrder, ...]:
        """The faults of every wallet, each armed for its own number."""
        return tuple(
            FaultOrder(subject=wallet.msisdn, **fault.model_dump())
            for wallet in self.wallets
            for fault in wallet.faults
        )


class Tranche(_Part):
    """A price for the kWh above `from_kwh_tenths` up to `to_kwh_tenths` (None: without end)."""

    from_kwh_tenths: int = Field(ge=0)
    to_kwh_tenths: int | None = Field(default=None, ge=1)
    price_minor_per_kwh: int = Field(ge=0)


class Tariff(_Part):
    """A tariff. Money in XOF minor units, energy in tenths of a kWh, VAT in hundredths of a %."""

    id: str
    name: str
    label_example: bool
    currency: Literal["XOF"] = "XOF"
    valid_from: date
    tranches: tuple[Tranche, ...] = Field(min_length=1)
    fixed_charge_minor: int = Field(ge=0)
    vat_percent_hundredths: int = Field(ge=0)
    minimum_kwh_tenths: int = Field(ge=1)
    maximum_kwh_tenths: int = Field(ge=1)
    rounding_step_minor: int = Field(ge=1)


class CustomerMeter(_Part):
    """A meter as the platform knows it."""

    serial: Serial
    customer: str
    status: Literal["active", "blocked"] = "active"
    tariff_id: str = "default"


class PlatformSeed(_Part):
    """The platform's section. `default_tariff` is what the id `default` stands for."""

    default_tariff: str = ""
    tariffs: tuple[Tariff, ...] = ()
    meters: tuple[CustomerMeter, ...] = ()


class Device(_Part):
    """An STS meter as it left the factory (IEC 62055-41).

    `decoder_key` is 16 bytes in hex (EA11). `key_type` 0 DITK, 1 DDTK, 2 DUTK, 3 DCTK. `ken` is
    the key expiry number, 255 for never. `tid_store_size` TIDs are remembered, all of them preset
    to the TID of `manufactured`. `credit_max_kwh_tenths` is what the register can hold.
    `connected` says whether tokens reach it over the network (AMI) besides its keypad.
    """

    serial: Serial
    decoder_key: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    key_type: int = Field(default=2, ge=0, le=3)
    ken: int = Field(default=255, ge=0, le=255)
    base_date: Literal[1993, 2014, 2035] = 2014
    manufactured: date = date(2024, 1, 1)
    tid_store_size: int = Field(default=50, ge=1, le=1000)
    credit_max_kwh_tenths: int = Field(default=9_999_999, ge=1)
    connected: bool = True


class MetersSeed(_Part):
    """The meters' section."""

    devices: tuple[Device, ...] = ()


class World(_Part):
    """A whole seed file."""

    operator: OperatorSeed = OperatorSeed()
    platform: PlatformSeed = PlatformSeed()
    meters: MetersSeed = MetersSeed()


def load(path: Path = DEMO) -> World:
    """The world that `path` describes. Raises SeedError."""
    try:
        return World.model_validate(yaml.safe_load(path.read_text("utf-8")) or {})
    except (OSError, yaml.YAMLError) as error:
        raise SeedError(f"{path} cannot be read as YAML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise SeedError(f"{path}: {where}: {first['msg']}") from error
