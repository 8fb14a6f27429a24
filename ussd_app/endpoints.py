"""Endpoints: named instances of a gateway, with whom each trusts and what each can carry.

Read from one YAML file:

    cassou: 1
    endpoints:
      demo:
        gateway: africastalking
        trust: {peers: [127.0.0.0/8]}       # docs/gateways.md has every way; or open
        service_codes: ["*789#"]
        country: BF
        septets_max: 160
        reply_seconds: 5
        callbacks_per_second: 500

Its URL is /ussd/demo; notices of a session's end, where the gateway sends them to a URL of
their own, come to /ussd/demo/events.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from phonenumbers import SUPPORTED_REGIONS

from ussd_app.flow.diagnostics import FlowError, did_you_mean
from ussd_app.flow.reader import Reader
from ussd_app.flow.syntax import Mapping as MappingNode
from ussd_app.flow.syntax import Node, Scalar, read
from ussd_app.gateways import GATEWAYS, Endpoint, Gateway
from ussd_app.messages import Budget
from ussd_app.trust import Trust
from ussd_app.trust_file import read_trust

_KEYS = (
    "gateway",
    "trust",
    "service_codes",
    "country",
    "septets_max",
    "ucs2_max",
    "reply_seconds",
    "structured",
    "options",
    "secret_variables",
    "callbacks_per_second",
    "capture",
)


_LITERAL = re.compile(r"(\bsecret\s*:\s*)([^,}\n]+)")


@dataclass(frozen=True, slots=True)
class ConfiguredEndpoint:
    """One endpoint: what the web needs to answer it.

    `callbacks_per_second` is how many are let in, 0 any number; `capture` the file that exchanges
    are written to, where somebody wants them.
    """

    facts: Endpoint
    gateway: Gateway
    trust: Trust
    budget: Budget
    callbacks_per_second: int = 0
    capture: Path | None = None


def load(path: Path, environment: Mapping[str, str]) -> dict[str, ConfiguredEndpoint]:
    """The endpoints of a file, by name; raises `FlowError` with positions, OSError.

    `environment` holds the secrets that the file names and never contains.
    """
    source = path.read_text("utf-8")
    reader = Reader(str(path), source)
    node, problems = read(source, str(path))
    reader.problems += problems
    top = reader.mapping(node, "the endpoints file", ("cassou", "endpoints"))
    reader.version(top, "the endpoints file")
    found = {}
    for key, value in reader.mapping(top.get("endpoints"), '"endpoints:"', None).entries:
        found[reader.name(key, "endpoint")] = _endpoint(reader, key, value, environment)
    if not found and not reader.problems:
        reader.problem(top.at, "missing-key", "no endpoint is configured")
    if reader.problems:
        # A secret that somebody wrote into the file is not shown again.
        shown = _LITERAL.sub(lambda match: match[1] + "…" * len(match[2]), source)
        raise FlowError(reader.problems, {str(path): shown})
    return found


def budgets_of(endpoints: Mapping[str, ConfiguredEndpoint]) -> tuple[Budget, ...]:
    """The sizes that screens must fit, each once."""
    sizes = {(each.budget.septets_max, each.budget.ucs2_max) for each in endpoints.values()}
    return tuple(Budget(septets, ucs2_max=ucs2) for septets, ucs2 in sorted(sizes)) or (Budget(),)


def _endpoint(
    reader: Reader, key: Scalar, node: Node, environment: Mapping[str, str]
) -> ConfiguredEndpoint:
    what = f'endpoint "{key.value}"'
    body = reader.mapping(node, what, _KEYS)
    name = reader.word(body, "gateway", what)
    gateway = GATEWAYS.get(name)
    if gateway is None:
        at = body.by_name["gateway"].at if "gateway" in body.by_name else key.at
        reader.problem(at, "unknown-gateway", f'no gateway "{name}"{did_you_mean(name, GATEWAYS)}')
        gateway = next(iter(GATEWAYS.values()))
    codes = body.get("service_codes")
    service_codes = tuple(
        reader.scalar(item, "a service code").value
        for item in (reader.sequence(codes, '"service_codes:"', key.at) if codes else ())
    )
    facts = Endpoint(
        key.value,
        reader.word(body, "country", what, "BF"),
        service_codes,
        reader.boolean(body, "structured", default=False),
        _options(reader, body, environment),
    )
    budget = Budget(
        reader.integer(body, "septets_max", 160, 40, 182),
        float(reader.integer(body, "reply_seconds", 5, 1, 120)),
        reader.integer(body, "ucs2_max", 0, 0, 91),
    )
    trust = read_trust(reader, body.get("trust"), key, environment, gateway)
    _check_options(reader, body, key, gateway, facts)
    per_second = reader.integer(body, "callbacks_per_second", 500, 0, 1_000_000)
    capture = reader.word(body, "capture", what, "")
    return ConfiguredEndpoint(
        facts, gateway, trust, budget, per_second, Path(capture) if capture else None
    )


def _check_options(
    reader: Reader, body: MappingNode, key: Scalar, gateway: Gateway, facts: Endpoint
) -> None:
    """What an adapter needs is there, and nothing else is."""
    at = body.by_name["options"].at if "options" in body.by_name else key.at
    for name in sorted(gateway.options - set(facts.options)):
        sentence = f'endpoint "{key.value}" needs the option "{name}"'
        reader.problem(at, "missing-key", sentence)
    known = gateway.options | gateway.more_options
    for name in sorted(set(facts.options) - known):
        hint = did_you_mean(name, known)
        sentence = f'{gateway.name} knows no option "{name}"{hint}'
        reader.problem(at, "unknown-key", sentence)
    if facts.country not in SUPPORTED_REGIONS:
        sentence = f'no country "{facts.country}"; two capital letters, as BF'
        reader.problem(body.by_name["country"].at, "wrong-type", sentence)


def _options(reader: Reader, body: MappingNode, environment: Mapping[str, str]) -> dict[str, str]:
    """An adapter's own settings; the secrets among them are read from the variables named."""
    given, secrets = body.get("options"), body.get("secret_variables")
    found = {
        name.value: reader.scalar(value, f'"{name.value}:"').value
        for name, value in (reader.mapping(given, '"options:"', None).entries if given else ())
    }
    for name, value in (
        reader.mapping(secrets, '"secret_variables:"', None).entries if secrets else ()
    ):
        variable = reader.scalar(value, f'"{name.value}:"').value
        if not environment.get(variable):
            sentence = f"the variable {variable} must hold the secret"
            reader.problem(value.at, "missing-secret", sentence)
        found[name.value] = environment.get(variable, "")
    return found
