"""Endpoints: named instances of a gateway, with whom each trusts and what each can carry.

Read from one YAML file:

    cassou: 1
    endpoints:
      demo:
        gateway: africastalking
        trust: {peers: [127.0.0.0/8]}       # or {header: X-Key, secret_variable: NAME}, or open
        service_codes: ["*789#"]
        country: BF
        septets_max: 160
        reply_seconds: 5

Its URL is /ussd/demo; notices of a session's end, where the gateway sends them to a URL of
their own, come to /ussd/demo/events.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ussd_app.flow.diagnostics import FlowError, did_you_mean
from ussd_app.flow.reader import Reader
from ussd_app.flow.syntax import Mapping as MappingNode
from ussd_app.flow.syntax import Node, Scalar, read
from ussd_app.gateways import GATEWAYS, Endpoint, Gateway
from ussd_app.messages import Budget, HttpRequest

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
)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose callbacks are believed: peers by network, or a secret in a header, or anybody."""

    peers: tuple[Network, ...] = ()
    header: str = ""
    secret: str = ""
    open: bool = False

    def __repr__(self) -> str:
        return f"Trust(peers={self.peers!r}, header={self.header!r}, open={self.open!r})"

    def accepts(self, request: HttpRequest) -> bool:
        """Whether this request is believed."""
        if self.open:
            return True
        if self.header:
            given = request.headers.get(self.header, "")
            return hmac.compare_digest(given.encode(), self.secret.encode())
        try:
            peer = ipaddress.ip_address(request.peer)
        except ValueError:
            return False
        return any(peer in network for network in self.peers)


@dataclass(frozen=True, slots=True)
class ConfiguredEndpoint:
    """One endpoint: what the web needs to answer it."""

    facts: Endpoint
    gateway: Gateway
    trust: Trust
    budget: Budget


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
        raise FlowError(reader.problems, {str(path): source})
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
    return ConfiguredEndpoint(facts, gateway, _trust(reader, body, key, environment), budget)


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


def _trust(reader: Reader, body: MappingNode, key: Scalar, environment: Mapping[str, str]) -> Trust:
    node = body.get("trust")
    if node is None:
        sentence = f'endpoint "{key.value}" must say whom it trusts: peers, header or open'
        reader.problem(key.at, "missing-key", sentence)
        return Trust()
    if isinstance(node, Scalar):
        if node.value != "open":
            reader.problem(node.at, "wrong-type", '"trust:" is open, or {peers: …}, {header: …}')
        return Trust(open=True)
    inner = reader.mapping(node, '"trust:"', ("peers", "header", "secret_variable"))
    if "header" in inner.by_name and "peers" in inner.by_name:
        sentence = "say peers or header: with both, one would be left out unsaid"
        reader.problem(inner.at, "wrong-shape", sentence)
    if "header" in inner.by_name:
        variable = reader.word(inner, "secret_variable", '"trust:"')
        secret = environment.get(variable, "")
        if len(secret) < 16:
            sentence = f"the variable {variable} must hold a secret of 16 characters or more"
            reader.problem(inner.at, "missing-secret", sentence)
        return Trust(header=reader.word(inner, "header", '"trust:"').lower(), secret=secret)
    networks = []
    for item in reader.sequence(inner.get("peers"), '"peers:"', inner.at):
        typed = reader.scalar(item, "a network").value
        try:
            networks.append(ipaddress.ip_network(typed))
        except ValueError:
            reader.problem(item.at, "wrong-type", f'"{typed}" is not a network such as 10.0.0.0/8')
    return Trust(peers=tuple(networks))
