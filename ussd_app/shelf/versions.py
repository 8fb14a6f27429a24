"""The shelf of published flows: versions on disk, which every web process follows at once.

A version is everything one flow was compiled from, kept under its hash and never changed. What is
current is a list of publications per flow, newest last:

    lock                    held (flock) by whoever writes
    changes                 empty of content: its size counts, see below
    versions/HASH.json      one version, written once
    current/FLOW.json       the publications of one flow

Both kinds of file are written beside their place, synced, and renamed into it: a reader sees the
old one or the new one, and a publisher that is killed leaves a whole one.

Readers ask only for the size of `changes`. It grows by one before a publication is renamed into its
place and by one after: an odd size says that one is under way, and nothing read now may be relied
upon later. So no change hides in the same tick of the file system's clock, nor behind an inode used
again, and none is missed because its publisher died between two steps: the size stays odd, readers
look at the lists themselves, and the next to write evens it. The file is grown without content, for
which a full disk has room.

Several machines may share the directory where `flock` and rename hold across them (NFS 4 does);
they follow as soon as their client's attribute cache lets them, which takes seconds.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

log = logging.getLogger("cassou.shelf")

#: Of the layout of both kinds of file. A file with another one is refused, never guessed at.
FORMAT = 1

_FLOW = re.compile(r"[a-z][a-z0-9-]*")
_HASH = re.compile(r"[0-9a-f]{32}")


class ShelfBroken(Exception):  # noqa: N818  # what is so
    """A file of the shelf is damaged, or cannot be read or written; the sentence says which."""


class ShelfRefused(ValueError):  # noqa: N818  # what is so
    """What was asked for makes no sense: a bad name, or a version that is not held."""


class Note(StrEnum):
    """How a version became current."""

    PUBLISHED = "published"
    RELEASED = "released"
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True, slots=True)
class Publication:
    """One time that a version became current; `at` is in seconds of the Unix epoch."""

    version: str
    at: float
    who: str
    note: Note


@dataclass(frozen=True, slots=True)
class Version:
    """What one flow was compiled from: `bundle` holds sources by file name, `main` its own file's.

    Raises `ShelfRefused` for names that are no names of a flow or of files below a directory.
    """

    flow: str
    main: str
    bundle: Mapping[str, str]

    def __post_init__(self) -> None:
        _check_flow(self.flow)
        for name in self.bundle:
            if not name.isprintable() or "\\" in name or {"", ".", ".."} & set(name.split("/")):
                raise ShelfRefused(f"{name!r} is no file name below a flow's directory")
        if self.main not in self.bundle:
            raise ShelfRefused(f"the main file {self.main!r} of {self.flow} is not in its bundle")

    @property
    def hash(self) -> str:
        """32 hexadecimal digits, the same for the same flow, main file, names and sources."""
        told = [self.flow, self.main, sorted(self.bundle.items())]
        try:
            canonical = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
        except UnicodeEncodeError:
            raise ShelfRefused(f"a file of {self.flow} is no text that UTF-8 can carry") from None
        return hashlib.sha256(canonical).hexdigest()[:32]


def _check_flow(flow: str) -> None:
    if not _FLOW.fullmatch(flow):
        raise ShelfRefused(
            f"{flow!r} is no name of a flow: small letters, digits and -, a letter first"
        )


class Shelf:
    """The shelf in `directory`, of which nothing is made until something is written.

    Reading needs no right to write. Every method raises `ShelfBroken`, and `ShelfRefused` for a bad
    name. Any number of threads, processes and machines may write at once: they take turns.
    """

    def __init__(self, directory: Path) -> None:
        self._root = directory
        self._versions = directory / "versions"
        self._current = directory / "current"
        self._changes = directory / "changes"

    # Reading.

    def bundle(self, version: str) -> Version | None:
        """A version, its hash checked again; None if it is not held."""
        if not _HASH.fullmatch(version):
            return None
        path = self._versions / f"{version}.json"
        raw = _read(path)
        if raw is None:
            return None
        try:
            found = Version(raw["flow"], raw["main"], dict(raw["files"]))
            whole = found.hash == version
        except (KeyError, TypeError, ValueError, AttributeError):
            whole = False
        if not whole:
            raise ShelfBroken(
                f"{path} is damaged: it holds not what its name says. Keep that version again"
            )
        return found

    def history(self, flow: str) -> tuple[Publication, ...]:
        """The publications of a flow, newest last; none for a flow never published."""
        _check_flow(flow)
        path = self._current / f"{flow}.json"
        raw = _read(path)
        if raw is None:
            return ()
        try:
            return _entries(raw, flow)
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            raise ShelfBroken(
                f"{path} is damaged: it is no list of publications. Move it away and publish again"
            ) from error

    def standing(self, flow: str) -> tuple[str, ...]:
        """The versions that rolling back steps through, the current one last."""
        return _standing(self.history(flow))

    def current(self, flow: str) -> str | None:
        """The hash of the current version; None for a flow never published."""
        return next(reversed(self.standing(flow)), None)

    def flows(self) -> tuple[str, ...]:
        """The names of all flows ever published, sorted."""
        return _names(self._current, _FLOW)

    def versions(self) -> tuple[str, ...]:
        """The hashes of all versions that are held, current or not, sorted."""
        return _names(self._versions, _HASH)

    def stamp(self) -> object:
        """Equal to an earlier one only if no current version has changed since then.

        One stat of a file. Take it before what you read; ask again whether that still holds.
        """
        try:
            seen = self._changes.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _told(error, self._root, "read") from error
        if seen.st_size % 2:
            return object()
        # The size alone would do, unless the whole directory were made anew.
        return seen.st_size, seen.st_ino, seen.st_mtime_ns

    # Writing.

    def keep(self, flow: str, main: str, bundle: Mapping[str, str]) -> str:
        """Store a version, and return its hash; harmless if it is held, mended if it is damaged."""
        version = Version(flow, main, dict(bundle))
        name = version.hash
        try:
            if self.bundle(name) is not None:
                return name
        except ShelfBroken as damage:
            log.warning("%s; it is written anew", damage)
        content = {"format": FORMAT, "flow": flow, "main": main, "files": version.bundle}
        with self._writing():
            path = self._versions / f"{name}.json"
            _write_beside(path, content).replace(path)
            _sync(self._versions)
        return name

    def publish(
        self, flow: str, version: str, at: float, who: str, *, released: bool = False
    ) -> bool:
        """Make a version current; False, and nothing is changed, if it is the current one.

        `at` is in seconds of the Unix epoch; `released` says that it came with a release. Raises
        `ShelfRefused` unless that version of that flow is held.
        """
        note = Note.RELEASED if released else Note.PUBLISHED
        self._check_held(flow, version)
        with self._writing():
            if self.current(flow) == version:
                return False
            self._add(flow, Publication(version, at, who, note))
        return True

    def roll_back(self, flow: str, at: float, who: str) -> str | None:
        """Make the version before the current one current, and return it; None if there is none.

        Rolling back again goes one further back. A version published after that stands on the one
        that was rolled back to.
        """
        if len(self.standing(flow)) < 2:
            return None
        with self._writing():
            standing = self.standing(flow)
            if len(standing) < 2:
                return None
            self._check_held(flow, standing[-2])
            self._add(flow, Publication(standing[-2], at, who, Note.ROLLED_BACK))
        return standing[-2]

    def _check_held(self, flow: str, version: str) -> None:
        _check_flow(flow)
        held = self.bundle(version)
        if held is None or held.flow != flow:
            raise ShelfRefused(f"no version {version} of {flow} is held here: keep it first")

    def _add(self, flow: str, entry: Publication) -> None:
        """Append to a flow's publications; the lock is held."""
        entries = [
            {"version": each.version, "published_at": each.at, "who": each.who, "note": each.note}
            for each in (*self.history(flow), entry)
        ]
        path = self._current / f"{flow}.json"
        content = {"format": FORMAT, "flow": flow, "publications": entries}
        ready = _write_beside(path, content)
        self._count()
        ready.replace(path)
        _sync(self._current)
        self._count()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One writer at a time; what the system refuses is told plainly."""
        try:
            for folder in (self._root, self._versions, self._current):
                if not folder.is_dir():
                    folder.mkdir(parents=True, exist_ok=True)
                    _sync(folder.parent)
            lock = os.open(self._root / "lock", os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if self._changes.exists() and self._changes.stat().st_size % 2:
                    # Left by a publisher that died; whichever list it left is whole.
                    self._count()
                yield
            finally:
                # A child forked meanwhile holds the same lock; closing alone would leave it that.
                fcntl.flock(lock, fcntl.LOCK_UN)
                os.close(lock)
        except OSError as error:
            raise _told(error, self._root, "written") from error

    def _count(self) -> None:
        counter = os.open(self._changes, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            os.ftruncate(counter, os.fstat(counter).st_size + 1)
            os.fsync(counter)
        finally:
            os.close(counter)


def _standing(entries: tuple[Publication, ...]) -> tuple[str, ...]:
    """What publications and roll backs leave standing; raises ValueError, IndexError."""
    standing: list[str] = []
    for each in entries:
        if each.note is not Note.ROLLED_BACK:
            standing.append(each.version)
        else:
            standing.pop()
            if standing[-1] != each.version:
                raise ValueError(each.version)
    return tuple(standing)


def _entries(raw: Mapping[str, Any], flow: str) -> tuple[Publication, ...]:
    """The publications that a file of `flow` holds, which must follow from one another."""
    entries = tuple(_publication(each) for each in raw["publications"])
    _standing(entries)
    if raw["flow"] != flow:
        raise ValueError(raw["flow"])
    return entries


def _publication(raw: Mapping[str, Any]) -> Publication:
    version, who = raw["version"], raw["who"]
    if not isinstance(who, str) or not _HASH.fullmatch(version):
        raise TypeError(version)
    return Publication(version, float(raw["published_at"]), who, Note(raw["note"]))


def _names(folder: Path, pattern: re.Pattern[str]) -> tuple[str, ...]:
    """What the files of a folder of the shelf are about, sorted."""
    try:
        names = [each.name for each in os.scandir(folder)]
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise _told(error, folder, "read") from error
    found = [name.removesuffix(".json") for name in names if name.endswith(".json")]
    return tuple(sorted(name for name in found if pattern.fullmatch(name)))


def _read(path: Path) -> Any:
    """What a file of the shelf holds, to be checked by who asked; None if there is no such file."""
    try:
        raw = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _told(error, path, "read") from error
    except (ValueError, RecursionError) as error:
        raise ShelfBroken(f"{path} is damaged: it is no JSON. Publish again") from error
    number = raw.get("format") if isinstance(raw, dict) else None
    if number != FORMAT:
        raise ShelfBroken(
            f"{path} has format {number}, and this Cassou reads {FORMAT}: it is damaged, or a "
            "newer Cassou wrote it"
        )
    return raw


def _write_beside(path: Path, content: Mapping[str, object]) -> Path:
    """A synced file, to be renamed to `path`. Under the lock, so that its name is nobody else's."""
    ready = path.with_name(f"{path.name}.new")
    octets = json.dumps(content, indent=1, allow_nan=False).encode()
    try:
        with ready.open("wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        ready.unlink(missing_ok=True)
        raise
    return ready


def _sync(folder: Path) -> None:
    """Make what was renamed into a folder, or made in it, outlive a power cut."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _told(error: OSError, path: Path, what: str) -> ShelfBroken:
    return ShelfBroken(
        f"{error.filename or path} cannot be {what}: {error.strerror or error}. See that this user "
        "may do that there, and that the disk is neither full nor away"
    )
