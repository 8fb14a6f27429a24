"""The faults of the proxy: which forwarded request is broken, how, and how many times."""

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

ProxyKind = Literal[
    "refuse",
    "hang",
    "hang_after",
    "reset_before",
    "reset_after",
    "error_before",
    "error_after",
    "html",
    "truncate",
    "slow",
]


class ProxyFault(BaseModel):
    """A fault of the proxy. `times` None means for ever; `seconds` is read by `slow` only.

    `refuse` without method and path resets the connection before a byte is read; with either, the
    request has to be read to know whether it is meant.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fault: ProxyKind
    method: str | None = None
    path_prefix: str = ""
    times: int | None = Field(default=1, ge=1)
    seconds: float = Field(default=0.0, ge=0, le=600)

    def is_blind(self) -> bool:
        """Whether it strikes before the request is read."""
        return self.fault == "refuse" and self.method is None and not self.path_prefix

    def matches(self, method: str, path: str) -> bool:
        """Whether it is meant for this request."""
        return self.method in {None, method} and path.startswith(self.path_prefix)


class ProxyOrder(BaseModel):
    """The body of POST /_faults: a fault, or whether the proxy is down (nothing listens)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    down: bool


@dataclass(slots=True)
class _Armed:
    number: int
    fault: ProxyFault
    left: int | None
    hits: int = 0


@dataclass(slots=True)
class ProxyFaults:
    """The faults of one proxy, first ordered first struck. Safe from many threads."""

    _armed: list[_Armed] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, fault: ProxyFault) -> int:
        """Arm a fault and return its number."""
        with self._lock:
            armed = _Armed(next(self._numbers), fault, fault.times)
            self._armed.append(armed)
            return armed.number

    def take_blind(self) -> ProxyFault | None:
        """The fault that strikes a connection before its request is read, counted down."""
        with self._lock:
            return self._strike(lambda fault: fault.is_blind())

    def take(self, method: str, path: str) -> ProxyFault | None:
        """The fault meant for a request, counted down; None when it is forwarded well."""
        with self._lock:
            return self._strike(lambda fault: not fault.is_blind() and fault.matches(method, path))

    def listing(self) -> list[dict[str, object]]:
        """Every fault with how often it struck (`hits`) and will strike (`left`)."""
        with self._lock:
            return [
                {
                    "number": armed.number,
                    **armed.fault.model_dump(exclude={"times"}),
                    "left": armed.left,
                    "hits": armed.hits,
                }
                for armed in self._armed
            ]

    def clear(self) -> None:
        """Disarm all."""
        with self._lock:
            self._armed.clear()

    def _strike(self, meant: Callable[[ProxyFault], bool]) -> ProxyFault | None:
        for armed in self._armed:
            if armed.left != 0 and meant(armed.fault):
                armed.hits += 1
                if armed.left is not None:
                    armed.left -= 1
                return armed.fault
        return None
