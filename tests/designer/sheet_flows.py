"""Flows for sheets and differences: a small one, and one that has every kind of state."""

from __future__ import annotations

from pathlib import Path

from ussd_app import engine
from ussd_app.application import Application
from ussd_app.flow.compiler import Library, compile_source, examine
from ussd_app.flow.model import Flow

MENUS = Path(engine.__file__).parent / "menus"

CATALOGUE = """\
cassou: 1
backends:
  goods.show:
    inputs: {kind: text}
    deadline: 2s
    outcomes:
      found:
        fields:
          goods:
            type: rows
            rows_max: 30
            fields:
              name: {type: text, longest: "Farine de blé 25 kg"}
              price: {type: integer, longest: "100000"}
        sample:
          goods:
            - {name: Riz 5 kg, price: "3500"}
            - {name: Huile 1 l, price: "1200"}
      none: {}
  goods.order:
    inputs: {phone: msisdn, pin: pin, total: integer}
    deadline: 4s
    once: true
    outcomes:
      done: {fields: {receipt: {type: text, longest: "C-7K2M9QXA"}}, sample: {receipt: C-7K2M}}
      refused: {nothing_done: true}
"""

SMALL = """\
cassou: 1
flow: small
service_codes: ["*1#"]
languages: {default: fr, also: [en]}
start: home
vars:
  age: {type: integer, min: 18, max: 99}
states:
  home:
    menu: {fr: Bonjour, en: Hello}
    options:
      - {label: {fr: Age, en: Age}, next: ask}
      - {label: {fr: Aide, en: Help}, next: help}
      - {label: {fr: Quitter, en: Quit}, next: bye}
  ask:
    input: {fr: "Votre âge:", en: "Your age:"}
    save: age
    attempts: {max: 3, next: bye}
    next: told
  told:
    show: {fr: "Vous avez {age} ans.", en: "You are {age}."}
    next: bye
  help:
    show: {fr: "Appelez le 80 00.", en: "Call 80 00."}
    next: home
  bye:
    end: {fr: "Au revoir.", en: "Goodbye."}
"""

CONFIRM = """\
cassou: 1
flow: confirm
languages: {default: fr, also: [en]}
start: ask
args:
  what: {type: text, lengths: [1, 40]}
returns:
  "yes": {}
  "no": {}
states:
  ask:
    menu: {fr: "{what}. Sûr?", en: "{what}. Sure?"}
    options:
      - {label: {fr: Oui, en: Yes}, next: "yes"}
      - {label: {fr: Non, en: No}, next: "no"}
"""

RICH = """\
cassou: 1
flow: rich
service_codes: ["*2#", {code: "*3#", language: en, start: ask_kind}]
languages: {default: fr, also: [en], remember: 90d}
start: known
home: home
resume: {within: 10m, how: entry, never_into: [ask_secret]}
on_drop:
  - {states: [basket], text: {fr: "Panier gardé.", en: "Basket kept."}}
vars:
  kind:
    type: choice
    values: {food: {fr: Nourriture, en: Food}, tools: {fr: Outils, en: Tools}}
  phone: {type: msisdn}
  born: {type: date, max: today-18y, remember: 30d}
  secret: {type: pin, lengths: [4]}
  note: {type: text, lengths: [3, 20]}
  basket:
    type: rows
    rows_max: 9
    fields:
      name: {type: text, lengths: [1, 30]}
      price: {type: integer, min: 0, max: 999999}
  total: {type: integer, min: 0, max: 9999999}
states:
  known:
    branch:
      - {when: "{born} is set", next: home}
    else: ask_born
  ask_born:
    input: {fr: "Date de naissance:", en: "Date of birth:"}
    save: born
    attempts: {max: 3, next: bye}
    keep: true
    next: home
  home:
    menu:
      - {fr: "Boutique", en: "Shop"}
      - {when: "{basket} is set", text: {fr: "Un panier vous attend", en: "A basket waits for you"}}
    options:
      - {label: {fr: Reprendre, en: Go on}, resume: true}
      - {label: {fr: Articles, en: Goods}, next: empty_basket}
      - label: {fr: Mon panier, en: My basket}
        when: ["{basket} is set", "{total} is set"]
        next: basket
      - {label: {fr: "Aide", en: "Help"}, key: "9", next: help}
      - {label: {fr: English, en: "Français"}, language: toggle, next: home}
    otherwise:
      save: note
      check:
        - {when: "{note} != xyz", error: {fr: "Pas xyz.", en: "Not xyz."}}
      next: noted
  noted:
    show: {fr: "Noté: {note}", en: "Noted: {note}"}
    next: home
  empty_basket:
    set: {basket: {function: rows.none}, total: "0"}
    next: ask_kind
    else: bye
  ask_kind:
    input: {fr: "Que cherchez-vous?", en: "What do you look for?"}
    save: kind
    attempts: {max: 3, next: bye}
    shortcut: allow
    next: find
  find:
    call: goods.show
    with: {kind: "{kind}"}
    save: found
    outcomes: {found: goods, none: nothing, late: sorry, failed: sorry}
  goods:
    list: {fr: "{kind}: que prendre?", en: "{kind}: what to take?"}
    rows: "{found.goods}"
    row: "{row.name} {row.price|money}"
    save: chosen
    next: first_basket
    empty: nothing
    options:
      - {label: {fr: Rien, en: Nothing}, next: home}
  first_basket:
    branch:
      - {when: ["{basket} is set", "{total} is set"], next: add}
    else: start_basket
  start_basket:
    set: {basket: {function: rows.none}, total: "0"}
    next: add
    else: bye
  add:
    set:
      basket: {function: rows.add, with: {rows: "{basket}", row: "{chosen}"}}
      total:
        function: rows.sum
        with:
          rows: {function: rows.add, with: {rows: "{basket}", row: "{chosen}"}}
          field: price
    next: basket
    else: too_many
  basket:
    menu:
      - {fr: "Panier:", en: "Basket:"}
      - {rows: "{basket}", text: "{row.number} {row.name}"}
    options:
      - {label: {fr: Commander, en: Order}, next: ask_phone}
      - {label: {fr: Encore, en: More}, next: ask_kind}
  ask_phone:
    input: {fr: "Numéro à appeler:", en: "Number to call:"}
    save: phone
    attempts: {max: 3, next: bye}
    next: ask_secret
  ask_secret:
    input: {fr: "Code secret:", en: "PIN:"}
    save: secret
    attempts: {max: 3, next: bye}
    next: sure
  sure:
    flow: confirm
    with: {what: "Commander"}
    outcomes: {"yes": order, "no": home}
  order:
    call: goods.order
    with: {phone: "{phone}", pin: "{secret}", total: "{total}"}
    once_per: session
    save: ordered
    outcomes: {done: done, refused: sorry, late: sorry, failed: sorry}
  done:
    end: {fr: "Commandé, réf {ordered.receipt}.", en: "Ordered, ref {ordered.receipt}."}
  too_many:
    show: {fr: "Panier plein.", en: "Basket full."}
    next: basket
  nothing:
    show: {fr: "Rien trouvé.", en: "Nothing found."}
    next: home
  help:
    show: {fr: "Aide: appelez.", en: "Help: call."}
    next: home
  sorry:
    end: {fr: "Réessayez plus tard.", en: "Try again later."}
  bye:
    end: {fr: "Au revoir.", en: "Goodbye."}
"""

APPLICATION = Application(
    filters={"kwh": lambda value, _language: f"{value} kWh"},
    rules={"even": lambda typed: int(typed) % 2 == 0},
)


def flow(source: str, system: str = "") -> Flow:
    """A flow beside the catalogue and the sub-flow above; raises `FlowError`."""
    return compile_source(source, "flow.yaml", _library(system))


def examined(source: str) -> Flow:
    """The same though the checker finds fault with it, as long as it can be linked."""
    found = examine(source, "flow.yaml", _library("")).flow
    assert found is not None
    return found


def _library(system: str) -> Library:
    sources = {"catalogue.yaml": CATALOGUE, "confirm.yaml": CONFIRM}
    return Library.of({**sources, **({"system.yaml": system} if system else {})}, APPLICATION)


def shipped(*changes: tuple[str, str]) -> Flow:
    """The shipped flow, with parts of its source replaced; each must be there."""
    source = (MENUS / "buy-electricity.yaml").read_text("utf-8")
    return compile_source(
        edited(source, *changes), "buy-electricity.yaml", Library.load(MENUS, APPLICATION)
    )


def edited(source: str, *changes: tuple[str, str]) -> str:
    """A source with parts replaced; each must be there."""
    for old, new in changes:
        assert old in source, old
        source = source.replace(old, new)
    return source
