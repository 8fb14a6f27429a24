"""The embedded server: it keeps what it said it kept, has one owner, and ends with it."""

import contextlib
import os
import select
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from cassou import embedded, tie
from cassou.embedded import DirectoryInUse, EmbeddedRedis, ServerFailed

DEADLINE_SECONDS = 20

linux_only = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a child that its parent died"
)

OWNER = """\
import pathlib, signal, sys
from cassou.embedded import EmbeddedRedis
server = EmbeddedRedis.start(pathlib.Path(sys.argv[1]))
print("started", flush=True)
signal.pause()
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "redis"


@pytest.fixture
def orphan(directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server in `directory` without an owner, as a killed one leaves it where not Linux.

    Started just as `EmbeddedRedis` does there, with the record, but not tied to anybody. It is
    this test's child, so once ended it stays a zombie, as orphans do in a bare container.
    """
    directory.mkdir()
    socket = embedded._socket_path(directory)
    process = subprocess.Popen(
        embedded._server_command(embedded._server_binary(), directory, socket), cwd=directory
    )
    embedded._write_record(directory, process.pid, socket)
    yield process
    process.kill()
    process.wait()


def client_of(server: EmbeddedRedis) -> redis.Redis:
    return redis.Redis.from_url(server.url, decode_responses=True)


@contextlib.contextmanager
def owner_of(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Run another process that owns the directory and a server that answers in it."""
    command = [sys.executable, "-c", OWNER, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        try:
            assert owner.stdout is not None
            assert owner.stdout.readline() == "started\n"
            yield owner
        finally:
            owner.kill()


def await_exit(pid: int) -> None:
    """Return when the process has ended, whoever's child it is; fail after the deadline."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        ended, _, _ = select.select([handle], [], [], DEADLINE_SECONDS)
    finally:
        os.close(handle)
    assert ended, f"process {pid} still runs after {DEADLINE_SECONDS} s"


def await_answer(process: subprocess.Popen[bytes], directory: Path) -> None:
    """Return when the server answers, with the very patience of `EmbeddedRedis`."""
    server = EmbeddedRedis(directory, embedded._server_binary(), os.open(os.devnull, os.O_RDONLY))
    assert server._wait_until_ready(process) == ""
    assert server._lock is not None
    os.close(server._lock)


def test_it_answers_at_its_url_and_nowhere_else(directory: Path) -> None:
    with EmbeddedRedis.start(directory) as server, client_of(server) as client:
        assert client.ping()
        assert client.config_get("port") == {"port": "0"}
        assert server.url == f"unix://{directory}/redis.sock?db=0"


def test_it_keeps_an_append_only_file_and_never_evicts(directory: Path) -> None:
    names = ["appendonly", "appendfsync", "save", "maxmemory-policy", "dir"]

    with EmbeddedRedis.start(directory) as server, client_of(server) as client:
        kept = {name: client.config_get(name)[name] for name in names}

    assert kept == {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "dir": str(directory),
    }


def test_only_this_user_can_open_what_it_makes(directory: Path) -> None:
    with EmbeddedRedis.start(directory):
        made = [directory, *directory.rglob("*")]
        open_to_others = [path for path in made if stat.S_IMODE(path.stat().st_mode) & 0o077]

    assert len(made) > 5
    assert open_to_others == []


def test_it_runs_what_sessions_and_rq_need(directory: Path) -> None:
    with EmbeddedRedis.start(directory) as server, client_of(server) as client:
        script = client.register_script("return redis.call('INCR', KEYS[1])")
        client.rpush("queue", "bell")
        client.xadd("history", {"turn": "1"})

        assert script(keys=["counter"]) == 1
        assert client.blmove("queue", "taken", 1) == "bell"
        assert len(client.xread({"history": "0"}, block=10)) == 1
        assert client.set("claim", "a", nx=True, get=True) is None
        assert client.set("claim", "b", nx=True, get=True) == "a"
        assert client.function_list() == []


def test_what_was_written_is_there_for_the_next_owner(directory: Path) -> None:
    with EmbeddedRedis.start(directory) as server, client_of(server) as client:
        client.set("session", "kept")

    with EmbeddedRedis.start(directory) as server, client_of(server) as client:
        assert client.get("session") == "kept"


def test_every_acknowledged_write_survives_kill_9_of_the_server(directory: Path) -> None:
    with EmbeddedRedis.start(directory) as server:
        url, first_pid = server.url, server.pid
        with client_of(server) as client:
            for number in range(2_000):
                client.set(f"write:{number}", number)
        os.kill(first_pid, signal.SIGKILL)
        server._running().wait(DEADLINE_SECONDS)

        assert server.restart_if_dead()

        assert server.url == url
        assert server.pid != first_pid
        with client_of(server) as client:
            assert client.mget([f"write:{n}" for n in range(2_000)]) == [
                str(n) for n in range(2_000)
            ]


def test_a_write_cut_in_the_middle_does_not_keep_it_from_starting(directory: Path) -> None:
    with EmbeddedRedis.start(directory) as server, client_of(server) as client:
        client.set("whole", "1")
        client.set("torn", "1")
    (file,) = directory.glob("appendonlydir/*.incr.aof")
    os.truncate(file, file.stat().st_size - 3)

    with EmbeddedRedis.start(directory) as server, client_of(server) as client:
        assert client.keys() == ["whole"]


def test_a_living_server_is_not_restarted(directory: Path) -> None:
    with EmbeddedRedis.start(directory) as server:
        pid = server.pid

        assert not server.restart_if_dead()
        assert server.pid == pid


def test_leaving_the_context_stops_it_and_frees_the_directory(directory: Path) -> None:
    with EmbeddedRedis.start(directory) as server:
        pid = server.pid

    assert not embedded._runs(pid)
    assert not (directory / "redis.sock").exists()
    assert not (directory / "server.pid").exists()
    server.stop()  # again does nothing
    with pytest.raises(RuntimeError, match="has been stopped"):
        server.restart_if_dead()
    with EmbeddedRedis.start(directory) as again:
        assert again.pid != pid


def test_a_second_owner_is_told_who_is_the_first(directory: Path) -> None:
    with EmbeddedRedis.start(directory) as server:
        with pytest.raises(DirectoryInUse, match=f"process {os.getpid()}.*Stop that process"):
            EmbeddedRedis.start(directory)

        with client_of(server) as client:
            assert client.ping()


@linux_only
def test_the_server_ends_when_its_owner_is_killed(directory: Path) -> None:
    with owner_of(directory) as owner:
        pid = int((directory / "server.pid").read_bytes().split()[0])

        owner.kill()

        await_exit(pid)


@linux_only
def test_the_next_owner_need_not_wait_for_the_server_of_a_killed_one(directory: Path) -> None:
    with owner_of(directory) as owner:
        with embedded._client(directory / "redis.sock") as client:
            client.set("session", "kept")

        owner.kill()
        owner.wait()

        with EmbeddedRedis.start(directory) as server, client_of(server) as client:
            assert client.get("session") == "kept"


@linux_only
def test_a_server_whose_owner_ended_first_never_starts(directory: Path) -> None:
    started = [sys.executable, "-I", "-S", "-c", tie._TIE_TO_OWNER]
    not_the_parent = str(os.getppid())

    ended = subprocess.run(
        [*started, not_the_parent, "/bin/true"], stderr=subprocess.PIPE, text=True, check=False
    )

    assert ended.returncode == 1
    assert "owner ended" in ended.stderr


def test_a_server_left_behind_is_stopped_and_its_data_taken_over(
    directory: Path, orphan: subprocess.Popen[bytes]
) -> None:
    await_answer(orphan, directory)
    with embedded._client(directory / "redis.sock") as client:
        client.set("session", "kept")

    with EmbeddedRedis.start(directory) as server, client_of(server) as client:
        assert orphan.wait(DEADLINE_SECONDS) == 0
        assert client.get("session") == "kept"


@linux_only
def test_a_server_left_behind_that_hangs_is_killed(
    directory: Path, orphan: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    await_answer(orphan, directory)
    orphan.send_signal(signal.SIGSTOP)
    with monkeypatch.context() as patience:
        patience.setattr(embedded, "STOP_SECONDS_MAX", 0.1)
        patience.setattr(embedded, "_ANSWER_SECONDS_MAX", 0.1)
        embedded._retire_left_behind(directory)

    assert orphan.wait(DEADLINE_SECONDS) == -signal.SIGKILL
    with EmbeddedRedis.start(directory) as server, client_of(server) as client:
        assert client.ping()


@linux_only
def test_a_server_left_behind_is_found_though_its_socket_was_removed(
    directory: Path, orphan: subprocess.Popen[bytes]
) -> None:
    await_answer(orphan, directory)
    (directory / "redis.sock").unlink()

    with EmbeddedRedis.start(directory):
        assert orphan.wait(DEADLINE_SECONDS) == 0


def test_a_record_that_names_a_stranger_stops_nobody(directory: Path, tmp_path: Path) -> None:
    with (
        EmbeddedRedis.start(tmp_path / "other") as other,
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger,
    ):
        directory.mkdir()
        for socket in (tmp_path / "other" / "redis.sock", tmp_path / "none.sock"):
            embedded._write_record(directory, stranger.pid, socket)
            with EmbeddedRedis.start(directory) as server, client_of(server) as client:
                assert client.ping()

        assert stranger.poll() is None
        assert not other.restart_if_dead()
        with client_of(other) as client:
            assert client.ping()


def test_an_unreadable_record_is_no_record(directory: Path) -> None:
    directory.mkdir()
    (directory / "server.pid").write_bytes(b"half a rec")

    with EmbeddedRedis.start(directory) as server, client_of(server) as client:
        assert client.ping()


def test_a_path_too_long_or_strange_for_a_socket_is_no_obstacle(tmp_path: Path) -> None:
    directory = tmp_path / ("a name with spaces, 100 % and a ? " * 4)

    with EmbeddedRedis.start(directory) as server, client_of(server) as client:
        socket = server._socket
        client.set("session", "kept")
        assert len(os.fsencode(socket)) <= embedded._SOCKET_BYTES_MAX
        assert socket.parent.parent == Path(tempfile.gettempdir())
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700

    assert not socket.parent.exists()
    with EmbeddedRedis.start(directory) as server, client_of(server) as client:
        assert client.get("session") == "kept"


def test_a_strange_name_that_is_short_stands_in_the_url_escaped(tmp_path: Path) -> None:
    with EmbeddedRedis.start(tmp_path / "50 % ? #") as server, client_of(server) as client:
        assert "50%20%25%20%3F%20%23/redis.sock" in server.url
        assert client.ping()


def test_the_temporary_directory_of_a_killed_owner_is_cleared_away(directory: Path) -> None:
    directory.mkdir()
    left = Path(tempfile.mkdtemp(prefix="cassou-"))
    (left / "redis.sock").touch()
    embedded._write_record(directory, 2**22 + 1, left / "redis.sock")  # above Linux's pid limit

    with EmbeddedRedis.start(directory):
        assert not left.exists()


def test_a_server_that_cannot_start_says_why_and_frees_the_directory(directory: Path) -> None:
    with EmbeddedRedis.start(directory):
        pass
    manifest = directory / "appendonlydir" / "appendonly.aof.manifest"
    whole = manifest.read_bytes()
    manifest.write_bytes(b"not a manifest\n")

    with pytest.raises(ServerFailed, match=r"(?s)exit status 1.*AOF manifest file"):
        EmbeddedRedis.start(directory)

    manifest.write_bytes(whole)
    with EmbeddedRedis.start(directory) as server, client_of(server) as client:
        assert client.ping()


def test_values_stay_out_of_its_log(directory: Path) -> None:
    with EmbeddedRedis.start(directory) as server, client_of(server) as client:
        assert client.config_get("hide-user-data-from-log") == {"hide-user-data-from-log": "yes"}
