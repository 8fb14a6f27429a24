"""The outlines by which kinds of states are told; those of the Mermaid map, drawn by ourselves."""

from __future__ import annotations

from ussd_app.designer.draw import Kind
from ussd_app.designer.lettering import at, number
from ussd_app.designer.places import Point

#: How far the sides of a polygon lean, in pixels.
LEAN = 12


def outline(kind: Kind, width: float, height: float) -> str:
    """The SVG of a kind's outline, so wide and high, round (0, 0)."""
    right, bottom = width / 2, height / 2
    left, top = -right, -bottom
    corners: list[Point]
    match kind:
        case Kind.LIST:
            corners = [(left, top), (right, top), (right - LEAN, bottom), (left + LEAN, bottom)]
        case Kind.INPUT:
            corners = [(left + LEAN, top), (right, top), (right - LEAN, bottom), (left, bottom)]
        case Kind.SET:
            corners = [(left + LEAN, top), (right - LEAN, top), (right, bottom), (left, bottom)]
        case Kind.WAIT:
            inner = right - LEAN
            corners = [(-inner, top), (inner, top), (right, 0), (inner, bottom), (-inner, bottom)]
            corners.append((left, 0))
        case Kind.BRANCH:
            corners = [(0, top), (right, 0), (0, bottom), (left, 0)]
        case Kind.CALL:
            cap = f"a{at((right, 6))} 0 0"
            side = number(height - 12)
            over, under = at((width, 0)), at((-width, 0))
            way = f"M{at((left, top + 6))}{cap} 1 {over}v{side}{cap} 1 {under}zm0 0{cap} 0 {over}"
            return f'<path d="{way}"/>'
        case _:
            radius = {Kind.MENU: 10.0, Kind.END: bottom, Kind.EXIT: bottom}.get(kind, 0.0)
            shape = _rectangle(left, top, width, height, radius)
            if kind is Kind.EXIT:
                shape += _rectangle(left + 4, top + 4, width - 8, height - 8, radius - 4)
            if kind is Kind.FLOW:
                bar = f"v{number(height)}"
                bars = f"M{at((left + 7, top))}{bar}M{at((right - 7, top))}{bar}"
                shape += f'<path d="{bars}"/>'
            return shape
    return f'<polygon points="{" ".join(map(at, corners))}"/>'


def _rectangle(x: float, y: float, width: float, height: float, radius: float) -> str:
    return (
        f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}" '
        f'rx="{number(radius)}"/>'
    )
