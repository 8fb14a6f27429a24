"""The service put together: store, vault, vending and, where there is an AMI, the courier."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from sqlalchemy import Engine

from hes_adapter.embedded.delivery import Courier
from hes_adapter.embedded.registry import check_keys
from hes_adapter.embedded.seed import load_seed
from hes_adapter.embedded.settings import Settings
from hes_adapter.embedded.tables import open_engine, reading
from hes_adapter.embedded.vault import Vault
from hes_adapter.embedded.vending import Vending


def utc_now() -> datetime:
    """Give the machine's time, aware UTC."""
    return datetime.now(UTC)


def random_nibble() -> int:
    """Give RND: 0 to 15."""
    return secrets.randbelow(16)


@dataclass(frozen=True, slots=True)
class Service:
    """What a running service holds. `courier` is None without an AMI; `close` ends it all."""

    engine: Engine
    vault: Vault
    vending: Vending
    courier: Courier | None

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = utc_now,
        rnd: Callable[[], int] = random_nibble,
    ) -> Self:
        """Open the store and make the parts; nothing runs in the background yet.

        Raises SealBrokenError for a wrong master key, sqlalchemy.exc.SQLAlchemyError for a store
        that cannot be reached.
        """
        engine = open_engine(settings.store_url)
        vault = Vault(settings.master_key)
        courier = None
        if settings.meters_url is not None:
            courier = Courier(
                engine,
                vault,
                meters_url=settings.meters_url,
                meters_api_key=settings.meters_api_key,
                clock=clock,
            )
        try:
            with reading(engine).begin() as connection:
                check_keys(connection, vault)
        except BaseException:
            engine.dispose()
            raise
        vending = Vending(engine, vault, clock=clock, rnd=rnd, deliver=courier is not None)
        return cls(engine=engine, vault=vault, vending=vending, courier=courier)

    def seed(self, path: Path) -> tuple[int, int]:
        """Load a seed file and give the numbers of new keys and meters. Raises SeedError."""
        return load_seed(self.engine, self.vault, path)

    def close(self) -> None:
        """Stop the courier and let go of the store."""
        if self.courier is not None:
            self.courier.close()
        self.engine.dispose()
