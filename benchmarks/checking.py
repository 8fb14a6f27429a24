"""What checking a flow costs: 1,000 states, and whether the cost grows with the flow alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import yaml

from ussd_app.flow.compiler import Library, examine

_CATALOGUE = """\
cassou: 1
backends:
  stock.find:
    inputs: {word: text}
    outcomes:
      found:
        fields:
          name: {type: text, longest: "A product with quite a long name"}
          price: {type: integer, longest: "100000"}
          rows: {type: rows, rows_max: 8, fields: {name: {type: text, longest: "A product"}}}
        sample: {name: Maize, price: "500", rows: [{name: Maize}]}
      none: {}
"""
_HEAD = """\
cassou: 1
flow: large
service_codes: ["*123#"]
languages: {default: fr, also: [en]}
start: menu_0
vars:
"""
#: Five states that ask, look up, branch, list and show, and lead on to the next five.
_BLOCK = """\
  menu_{n}:
    menu: {{fr: "Étape {n}, que voulez-vous faire?", en: "Step {n}, what do you want to do?"}}
    options:
      - {{label: {{fr: Chercher, en: Search}}, next: ask_{n}}}
      - {{label: {{fr: Suivant, en: Next}}, next: menu_{next}}}
      - {{label: {{fr: Partir, en: Leave}}, next: bye}}
  ask_{n}:
    input: {{fr: "Que cherchez-vous?", en: "What are you looking for?"}}
    save: word_{n}
    attempts: {{max: 3, next: bye}}
    next: find_{n}
  find_{n}:
    call: stock.find
    with: {{word: "{{word_{n}}}"}}
    save: stock_{n}
    outcomes: {{found: dear_{n}, none: menu_{n}, late: menu_{n}, failed: bye}}
  dear_{n}:
    branch: [{{when: "{{stock_{n}.price}} > 1000", next: rows_{n}}}]
    else: menu_{next}
  rows_{n}:
    list:
      fr: "{{word_{n}}}: {{stock_{n}.name}} à {{stock_{n}.price|money}}"
      en: "{{word_{n}}}: {{stock_{n}.name}} at {{stock_{n}.price|money}}"
    rows: "{{stock_{n}.rows}}"
    row: "{{row.name}}"
    save: row_{n}
    empty: menu_{n}
    next: menu_{next}
"""


def flow_of(states: int) -> str:
    """The source of a flow of about so many states."""
    blocks = states // 5
    variables = "".join(f"  word_{n}: {{type: text, lengths: [1, 20]}}\n" for n in range(blocks))
    body = "".join(_BLOCK.format(n=n, next=(n + 1) % blocks) for n in range(blocks))
    return f'{_HEAD}{variables}states:\n{body}  bye: {{end: {{fr: "Au revoir.", en: Goodbye.}}}}\n'


def _cpu_seconds(work: Callable[[], object]) -> float:
    """The least CPU time of five runs."""
    found = []
    for _ in range(5):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def _parse(source: str) -> None:
    for _ in yaml.parse(source, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        pass


def run() -> int:
    """Print the figures; 1 if the flow is not found right."""
    print("\nchecking a flow, one core, CPU seconds")
    library = Library.of({"catalogue.yaml": _CATALOGUE})
    wrong, seconds = 0, {}
    for states in (240, 480, 960, 1920):
        source = flow_of(states)
        wrong += len(examine(source, "large.yaml", library).diagnostics)
        checked = _cpu_seconds(partial(examine, source, "large.yaml", library))
        parsed = _cpu_seconds(partial(_parse, source))
        seconds[states] = checked
        ratio = checked / parsed
        print(f"{states:>6} states {checked:>8.3f} s, {ratio:>5.1f} times parsing the YAML")
    growth = seconds[1920] / seconds[480]
    print(f"four times the states cost {growth:.1f} times as much; problems found: {wrong}")
    return 1 if wrong else 0
