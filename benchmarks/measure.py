"""Servers under measure: started the same way, their CPU read from the operating system."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import requests

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its port, and the process whose tree is measured."""

    port: int
    pid: int


def granian(target: str, port: int, processes: int, threads: int) -> list[str]:
    """Granian as production runs it."""
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--no-ws"),
        *("--host", "127.0.0.1", "--port", str(port), "--log-level", "error"),
        *("--workers", str(processes), "--blocking-threads", str(threads)),
        *("--blocking-threads-idle-timeout", "600", "--backpressure", "1024"),
        target,
    ]


@contextlib.contextmanager
def serving(command: list[str], port: int, environment: Mapping[str, str]) -> Iterator[Server]:
    """A server that answers, stopped at the end."""
    root = str(Path(__file__).parent.parent)
    env = {**os.environ, **environment, "PYTHONPATH": root}
    process = subprocess.Popen(command, env=env, cwd=root, process_group=0)
    try:
        for _ in range(300):
            try:
                if requests.get(f"http://127.0.0.1:{port}/health", timeout=1).ok:
                    break
            except requests.RequestException:
                if process.poll() is not None:
                    raise RuntimeError(f"{command} ended with {process.returncode}") from None
                time.sleep(0.05)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def cpu_seconds(pid: int) -> float:
    """User and system seconds of a process and its living children (proc(5), fields 14, 15)."""
    total = 0.0
    for each in [pid, *_children(pid)]:
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / _TICKS
    return total


def pss_mib(pid: int) -> float:
    """Proportional memory of a process and its children, in MiB."""
    kib = 0
    for each in [pid, *_children(pid)]:
        for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                kib += int(line.split()[1])
    return kib / 1024


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *_children(int(child))]
    return found


def machine() -> str:
    """The machine in a line."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    version = ".".join(str(part) for part in sys.version_info[:3])
    return f"{os.cpu_count()} x {model}, Python {version}"


def median(values: list[float]) -> float:
    """The middle one."""
    return statistics.median(values)
