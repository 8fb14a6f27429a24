"""What a load came to, in lines and as a page with plots. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape

from ussd_app.replay.loading import Load

_WIDTH, _HEIGHT = 640, 180
_LEFT, _BOTTOM = 48, 24


def lines(load: Load) -> list[str]:
    """The figures, a line each."""
    millis = [f"p{part:g} {load.quantile(part / 100) * 1000:.1f} ms" for part in (50, 95, 99)]
    ended = max((hop.due + hop.seconds for hop in load.hops), default=0.0)
    per_second = len(load.hops) / ended if ended else 0.0
    found = [
        f"{load.dialogs} dialogs, {len(load.hops)} hops, {per_second:.0f} hops/s",
        ", ".join(millis),
        f"errors {sum(load.errors.values())}, wrong screens {len(load.wrong)}",
    ]
    found += [f"  {count} x {error}" for error, count in sorted(load.errors.items())]
    if load.not_begun:
        found.append(f"{load.not_begun} dialogs not begun: too many were under way")
    if load.late_seconds > 0.1:
        found.append(f"this machine fell {load.late_seconds:.1f} s behind in beginning dialogs")
    if load.wrong:
        found += ["", "the first wrong screen:", load.wrong[0]]
    return found


def page(load: Load, title: str) -> str:
    """The same as HTML, with hops and times over the seconds."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(["j2"])
    )
    seconds = range(int(max((hop.due for hop in load.hops), default=0.0)) + 1)
    by_second = [[hop.seconds for hop in load.hops if int(hop.due) == each] for each in seconds]
    plots = [
        _plot("hops due in a second", [[float(len(each)) for each in by_second]], ["hops"]),
        _plot(
            "milliseconds of a reply",
            [[_at(each, part) * 1000 for each in by_second] for part in (0.5, 0.99)],
            ["p50", "p99"],
        ),
    ]
    template = environment.get_template("load.html.j2")
    return template.render(title=title, lines=lines(load), plots=plots)


def _at(values: Sequence[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)] if ordered else 0.0


def _plot(title: str, series: list[list[float]], names: list[str]) -> dict[str, object]:
    """One plot: polylines in the page's coordinates, and the marks on its axes."""
    top = max((value for each in series for value in each), default=0.0) or 1.0
    count = max(len(series[0]) - 1, 1)

    def x(place: float) -> float:
        return round(_LEFT + place / count * (_WIDTH - _LEFT - 8), 1)

    def y(value: float) -> float:
        return round(8 + (1 - value / top) * (_HEIGHT - _BOTTOM - 8), 1)

    return {
        "title": title,
        "width": _WIDTH,
        "height": _HEIGHT,
        "lines": [
            {
                "name": name,
                "points": " ".join(f"{x(place)},{y(value)}" for place, value in enumerate(each)),
            }
            for name, each in zip(names, series, strict=True)
        ],
        "marks": [{"y": y(value), "text": f"{value:.0f}"} for value in (0.0, top / 2, top)],
        "ends": [{"x": x(0), "text": "0 s"}, {"x": x(count), "text": f"{count} s"}],
        "left": _LEFT,
        "bottom": _HEIGHT - _BOTTOM,
    }
