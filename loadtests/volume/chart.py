"""One picture of a run, as SVG: records settled per second, and packages waiting."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 960, 420
LEFT, RIGHT, TOP, BOTTOM = 80, 80, 56, 48
POINTS = 240
RATE, QUEUE = "#0b5394", "#b45309"


def chart(title: str, *, rates: Sequence[float], waiting: Sequence[float], seconds: float) -> str:
    """Return the picture of *rates* (left scale) and *waiting* (right scale) over *seconds*."""
    rates, waiting = _thinned(rates), _thinned(waiting)
    top_rate, top_queue = _round_up(max(rates, default=0)), _round_up(max(waiting, default=0))
    described = (
        f"{title}: {seconds:.0f} s, records/s up to {max(rates, default=0):,.0f}, "
        f"packages waiting up to {max(waiting, default=0):,.0f}"
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-labelledby="what" font-family="sans-serif" font-size="14">',
        f'<title id="what">{escape(described)}</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="24" font-size="16">{escape(title)}</text>',
        *_grid(top_rate, top_queue, seconds),
        _line(waiting, top_queue, QUEUE, dashes="6 4"),
        _line(rates, top_rate, RATE),
        f'<text x="{LEFT}" y="46" fill="{RATE}">— records/s</text>',
        f'<text x="{WIDTH - RIGHT}" y="46" fill="{QUEUE}" text-anchor="end">'
        "- - packages waiting</text>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _thinned(values: Sequence[float]) -> list[float]:
    """Return at most `POINTS` values, each the mean of its neighbours."""
    size = max(1, -(-len(values) // POINTS))
    parts = [values[start : start + size] for start in range(0, len(values), size)]
    return [sum(part) / len(part) for part in parts]


def _round_up(value: float) -> float:
    """Return the next 1, 2 or 5 times a power of ten."""
    step = 1.0
    while True:
        for times in (1, 2, 5):
            if value <= times * step:
                return times * step
        step *= 10


def _grid(top_rate: float, top_queue: float, seconds: float) -> list[str]:
    parts = []
    for quarter in range(5):
        y = _y(quarter / 4)
        parts += [
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.0f}" y2="{y:.0f}" stroke="#ccc"/>',
            f'<text x="{LEFT - 8}" y="{y + 5:.0f}" text-anchor="end" fill="{RATE}">'
            f"{top_rate * quarter / 4:,.4g}</text>",
            f'<text x="{WIDTH - RIGHT + 8}" y="{y + 5:.0f}" fill="{QUEUE}">'
            f"{top_queue * quarter / 4:,.4g}</text>",
        ]
        x = LEFT + (WIDTH - LEFT - RIGHT) * quarter / 4
        parts.append(
            f'<text x="{x:.0f}" y="{HEIGHT - 18}" text-anchor="middle">'
            f"{seconds * quarter / 4:,.0f} s</text>"
        )
    return parts


def _line(values: Sequence[float], top: float, colour: str, *, dashes: str = "none") -> str:
    across = WIDTH - LEFT - RIGHT
    last = max(1, len(values) - 1)
    points = " ".join(
        f"{LEFT + across * place / last:.1f},{_y(value / top):.1f}"
        for place, value in enumerate(values)
    )
    return (
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" '
        f'stroke-dasharray="{dashes}"/>'
    )


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share
