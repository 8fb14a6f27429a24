"""What some energy costs under a tariff: exact fractions, rounded once.

The rule, as platform_client/openapi.yaml states it: energy and tax are summed exactly; the total is
that sum rounded UP to the tariff's step, once, at the end. `energy_minor` and `tax_minor` show
whole francs, rounded down, and `rounding_minor` is what is missing to the total.
"""

from dataclasses import dataclass
from fractions import Fraction

from simulators.seed import Tariff


@dataclass(frozen=True, slots=True)
class Price:
    """A price in XOF minor units; `total_minor` is the sum of the other four."""

    energy_minor: int
    fixed_minor: int
    tax_minor: int
    rounding_minor: int
    total_minor: int


def price(tariff: Tariff, kwh_tenths: int) -> Price:
    """The price of `kwh_tenths` tenths of a kWh.

    Tranches are counted within this one purchase: each holds the energy above its
    `from_kwh_tenths` up to and including its `to_kwh_tenths`.
    """
    energy = sum(
        (
            Fraction(_within(kwh_tenths, tranche.from_kwh_tenths, tranche.to_kwh_tenths), 10)
            * tranche.price_minor_per_kwh
            for tranche in tariff.tranches
        ),
        Fraction(0),
    )
    taxable = energy + tariff.fixed_charge_minor
    tax = taxable * Fraction(tariff.vat_percent_hundredths, 10_000)
    step = tariff.rounding_step_minor
    # Floor division of the negated number is the ceiling.
    total = -(-(taxable + tax) // step) * step
    energy_minor, tax_minor = int(energy), int(tax)
    return Price(
        energy_minor=energy_minor,
        fixed_minor=tariff.fixed_charge_minor,
        tax_minor=tax_minor,
        rounding_minor=total - energy_minor - tariff.fixed_charge_minor - tax_minor,
        total_minor=total,
    )


def _within(kwh_tenths: int, lower: int, upper: int | None) -> int:
    top = kwh_tenths if upper is None else min(kwh_tenths, upper)
    return max(top - lower, 0)
