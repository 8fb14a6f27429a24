"""`python -m workers calls|purchases|sweep`: one process of one kind, until it is told to stop."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import threading
from types import FrameType

import click
from redis.exceptions import RedisError
from rq import SimpleWorker, Worker
from rq.timeouts import TimerDeathPenalty
from sqlalchemy.exc import SQLAlchemyError

from ussd_app.sealing import Sealer
from ussd_app.settings import BadSettings, secret_octets
from workers import settings as settings_module
from workers.office import Office, office
from workers.queue import CALLS, PURCHASES, SealedJob, SealedJson, connect, queue
from workers.settings import Settings

log = logging.getLogger("cassou.workers")


class LookUpWorker(SimpleWorker):
    """Runs look-ups in a thread of this process: they are short and end by their own deadlines."""

    death_penalty_class = TimerDeathPenalty

    def _install_signal_handlers(self) -> None:
        """The process's main thread has the signals."""

    def subscribe(self) -> None:
        """No commands over pub/sub: whoever can write to Redis shall not order workers about."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed to."""


class PurchaseWorker(Worker):
    """Runs each job in a child of its own, so that a job that hangs or dies takes only itself."""

    def subscribe(self) -> None:
        """See `LookUpWorker`."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed to."""


@click.group()
def main() -> None:
    """Workers: the out-of-band half of Cassou."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("rq").setLevel(logging.WARNING)


@main.command()
def calls() -> None:
    """Run look-ups, several at once."""
    settings, sealer = _settings()
    stop = _stop_on_signals()
    workers = [look_up_worker(settings, sealer) for _ in range(settings.calls_threads)]
    threads = [
        threading.Thread(target=_work, args=(worker, stop), name=f"calls-{number}", daemon=True)
        for number, worker in enumerate(workers)
    ]
    for thread in threads:
        thread.start()
    log.info("calls: %d look-ups at once", len(threads))
    stop.wait()


@main.command()
def purchases() -> None:
    """Drive purchases, one at a time."""
    settings, sealer = _settings()
    redis = connect(settings.redis_url, timeout_seconds=None)
    worker = PurchaseWorker(
        [queue(PURCHASES, redis, sealer)],
        connection=redis,
        serializer=SealedJson(sealer),
        job_class=SealedJob,
        worker_ttl=60,
    )
    log.info("purchases: ready")
    worker.work(logging_level="WARNING")


@main.command()
def sweep() -> None:
    """Ring again for every purchase that is due."""
    _settings()
    stop = _stop_on_signals()
    here = office()
    log.info("sweeper: every %g s", here.settings.sweep_seconds)
    while not stop.is_set():
        try:
            sweep_once(here)
        except (SQLAlchemyError, RedisError) as error:
            log.warning("sweep: %s", type(error).__name__)
        stop.wait(here.settings.sweep_seconds)


def sweep_once(here: Office) -> int:
    """Ring for all that is due; how many bells rang."""
    due = here.ledger.due(here.clock())
    return sum(here.doorbell.ring_purchase(purchase_id) for purchase_id in due)


def _settings() -> tuple[Settings, Sealer]:
    try:
        settings = settings_module.load_connected()
    except BadSettings as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    return settings, Sealer(secret_octets(settings))


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    return stop


def look_up_worker(settings: Settings, sealer: Sealer) -> LookUpWorker:
    """One thread's worth of look-ups."""
    redis = connect(settings.redis_url, timeout_seconds=None)
    return LookUpWorker(
        [queue(CALLS, redis, sealer)],
        connection=redis,
        serializer=SealedJson(sealer),
        job_class=SealedJob,
        worker_ttl=60,
    )


def _work(worker: LookUpWorker, stop: threading.Event) -> None:
    """Work, and again after whatever ended it (RQ's workers end when Redis is away for long)."""
    while not stop.is_set():
        with contextlib.suppress(RedisError):
            worker.work(logging_level="WARNING")
        stop.wait(0.5)


if __name__ == "__main__":
    main()
