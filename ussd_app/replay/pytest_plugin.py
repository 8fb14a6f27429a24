"""Pytest collects transcripts, `*.dial.yaml`, wherever they lie, and plays them in this process.

Installed with the project and so loaded into every run of pytest beside it: what costs time is only
imported where a transcript lies.
"""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options in pytest's own configuration file."""
    parser.addini(
        "cassou_menus",
        "menus directory, from the root directory, of transcripts that have no directory with a "
        "catalogue.yaml above them (default: the shipped menus)",
        type="string",
        default="",
    )
    parser.addini(
        "cassou_application",
        "filters, rules and functions of the flows, as module:name; a line "
        "`DIRECTORY module:name` is for the menus in that directory alone, from the root directory "
        "(default: what CASSOU_APPLICATION says)",
        type="linelist",
        default=[],
    )
    parser.addini(
        "cassou_septets",
        "GSM-7 septets that a screen holds (default: 160)",
        type="int",
        default=160,
    )
    parser.addini(
        "cassou_ucs2",
        "characters that a screen holds where one of them is outside GSM-7, such as 80; 0 where "
        "none such can be shown (default: 0)",
        type="int",
        default=0,
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The transcripts of a `*.dial.yaml`."""
    if not file_path.name.endswith(".dial.yaml"):
        return None
    from ussd_app.replay.collecting import DialFile  # noqa: PLC0415  # see above

    return DialFile.from_parent(parent, path=file_path)
