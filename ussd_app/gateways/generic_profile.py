"""What a gateway profile says: the nouns that `generic_reader` makes of a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ussd_app.gateways.base import Capabilities, InputStyle
from ussd_app.gateways.generic_bodies import Body, Template
from ussd_app.messages import Action, Kind


class Carrier(StrEnum):
    """Where a field of a callback stands; a form's fields stand in the query of a GET."""

    QUERY = "query"
    FORM = "form"
    JSON = "json"
    XML = "xml"
    HEADER = "header"
    PATH = "path"


#: The method of callbacks whose fields mostly stand there, where it is not POST.
METHOD = {Carrier.QUERY: "GET", Carrier.HEADER: "GET", Carrier.PATH: "GET"}


@dataclass(frozen=True, slots=True)
class Field:
    """A field: where it stands, and its name; dots lead into JSON objects and XML elements."""

    carrier: Carrier
    name: str

    def __str__(self) -> str:
        return self.name


class How(StrEnum):
    """How a condition looks at its field, or that it looks at something else."""

    IS = "is"
    NOT = "not"
    STARTS = "starts"
    PRESENT = "present"
    #: The callback came to this path.
    PATH = "path"
    #: The input is a whole dial string: it begins with a star and ends with a hash.
    DIALLED = "dialled"
    #: The store decides.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Sample:
    """A value as an example sends it: `bare` where JSON writes it without quotes."""

    text: str
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """What must be so of a callback: one test of one field.

    `values` are those it is compared with, without regard to case; `wanted` is whether a field is
    to be present. `later` is what an example of a later hop holds there.
    """

    how: How
    field: Field | None = None
    values: tuple[Sample, ...] = ()
    wanted: bool = True
    later: Sample | None = None


@dataclass(frozen=True, slots=True)
class End:
    """A condition that makes a callback a notice of a session's end, and the reason it gives."""

    condition: Condition
    kind: Kind
    reason: Template


@dataclass(frozen=True, slots=True)
class Mapped:
    """A field whose values have other names here; a value without one stays as it is."""

    field: Field
    values: Mapping[str, str]


class Dialled(StrEnum):
    """Where what was dialled after the service code stands on the first hop."""

    #: In the input: the whole dial string, or what follows the code.
    EITHER = "either"
    #: In the input, which never holds the code.
    AFTER = "after"
    #: Nowhere.
    NONE = "none"
    #: In a field of its own.
    FIELD = "field"


@dataclass(frozen=True, slots=True)
class Code:
    """Where the service code stands: in a field, else in the dial string, else in the endpoint.

    `needed` is whether the field must come. `shared` is what stands before its value where one code
    is divided among applications.
    """

    field: Field | None = None
    needed: bool = False
    dialled: bool = False
    shared: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """How callbacks are understood, and made up."""

    carrier: Carrier
    methods: tuple[str, ...]
    paths: tuple[str, ...]
    root: str
    any_case: bool
    style: InputStyle
    session: tuple[Field, ...]
    session_else: tuple[Field, ...]
    msisdn: Field
    msisdn_needed: bool
    input: Field
    input_needed: bool
    dialled: Dialled
    dialled_field: Field | None
    code: Code
    position: Field | None
    network: Mapped | None
    language: Mapped | None
    begin: tuple[Condition, ...]
    ends: tuple[End, ...]
    also: tuple[tuple[Field, Sample], ...]

    def fields(self) -> Iterator[Field]:
        """Every field that the profile names, some twice."""
        yield from (*self.session, *self.session_else, self.msisdn, self.input)
        mapped = [each.field for each in (self.network, self.language) if each is not None]
        conditions = (*self.begin, *(each.condition for each in self.ends))
        others = (self.dialled_field, self.code.field, self.position, *mapped)
        for each in (*others, *(condition.field for condition in conditions)):
            if each is not None:
                yield each
        yield from (each for each, _ in self.also)


@dataclass(frozen=True, slots=True)
class Reply:
    """How screens and notices are answered. `newline` stands for the screen's new lines."""

    status: int
    content_type: str
    bodies: Mapping[Action, Body]
    notice: Body | None
    headers: tuple[tuple[str, Mapping[Action, Template]], ...]
    newline: str
    replace: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """One gateway's format. `options` are those that an endpoint must give it."""

    name: str
    source: str
    confidence: str
    capabilities: Capabilities
    request: Request
    reply: Reply
    options: tuple[str, ...]
