"""Live edits: versions of flows on disk, and what a process shows of them. Knows no flow's inside.

Neither may compile, check or order anything: what a version is compiled to is handed in.
"""

from __future__ import annotations

from ussd_app.shelf.follower import OLD_VERSIONS_KEPT, Follower
from ussd_app.shelf.versions import Note, Publication, Shelf, ShelfBroken, ShelfRefused, Version

__all__ = [
    "OLD_VERSIONS_KEPT",
    "Follower",
    "Note",
    "Publication",
    "Shelf",
    "ShelfBroken",
    "ShelfRefused",
    "Version",
]
