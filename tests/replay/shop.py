"""A small shop that tests dial, as the files of a menus directory."""

from __future__ import annotations

from pathlib import Path

from ussd_app.application import Application
from ussd_app.messages import Budget
from ussd_app.programs import Directory
from ussd_app.screens import Program

CATALOGUE = """\
cassou: 1
backends:
  stock.find:
    outcomes:
      found:
        fields:
          name: {type: text, longest: "Twelve fresh eggs"}
          price: {type: integer, longest: "99999"}
        sample: {name: Eggs, price: "900"}
      none: {}
"""
SHOP = """\
cassou: 1
flow: shop
service_codes: ["*11#"]
languages: {default: en}
start: home

on_drop:
  - states: [order]
    text: "{good.name} are kept for you."

states:
  home:
    menu: The shop
    options:
      - {label: Buy, next: find}
      - {label: Leave, next: bye}

  find:
    call: stock.find
    save: good
    outcomes: {found: order, none: sold_out, late: later, failed: broken}

  order:
    menu: "{good.name}, {good.price} F."
    options:
      - {label: Pay, next: paid}

  paid: {end: "Paid. Thank you."}
  sold_out: {end: Sold out.}
  later: {end: Try again later.}
  broken: {end: We are closed.}
  bye: {end: Goodbye.}
"""


def open_shop(menus: Path, **more: str) -> Path:
    """The shop's files in a directory, and `more` flows by name; the directory."""
    menus.mkdir(parents=True, exist_ok=True)
    files = {"catalogue": CATALOGUE, "shop": SHOP, **more}
    for name, source in files.items():
        (menus / f"{name}.yaml").write_text(source, "utf-8")
    return menus


def counter(code: str, name: str = "counter") -> str:
    """A flow of another name that answers a code."""
    return f"""\
cassou: 1
flow: {name}
service_codes: ["{code}"]
languages: {{default: en}}
start: home
states:
  home:
    menu: The {name}
    options:
      - {{label: Leave, next: bye}}
  bye: {{end: Goodbye.}}
"""


def program_in(menus: Path) -> Program:
    """The shop's program."""
    return Directory(menus, Application(), (Budget(),)).flows["shop"]
