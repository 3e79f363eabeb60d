"""The chart beside the figures: one self-contained SVG, readable in grey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from loadtests.bench import words

WIDTH: Final = 1_000
LEFT: Final = 250
RIGHT: Final = 130
ROW: Final = 40
COLUMNS: Final = (20, 280, 540, 770)
"""Where the lists of the legend begin."""
BAR: Final = 26
NARROWEST: Final = 16
"""Pixels below which a part carries no number."""
GREYS: Final = (
    "#1f3a4d",
    "#e3e9ed",
    "#4f7a8c",
    "#c3d3da",
    "#33566b",
    "#f3f5f6",
    "#7fa3b1",
    "#a9c0c9",
)
"""Dark and light in turn, so that neighbours differ on paper, too."""
DARK: Final = frozenset({GREYS[0], GREYS[2], GREYS[4]})


@dataclass(frozen=True, slots=True)
class _Bar:
    """One bar; a bar of one part carries no number inside."""

    name: str
    """Key of `words.BARS`."""
    parts: list[float]
    """µs each, in the order of the legend."""
    times: float | None = None
    """How many times longer than what it is held against."""
    addition: str = ""


@dataclass(slots=True)
class _Sheet:
    """SVG under way, from the top down."""

    lines: list[str]
    y: float = 0.0

    def text(self, x: float, said: str, *, size: int = 13, more: str = "") -> None:
        self.lines.append(
            f'<text x="{x:.1f}" y="{self.y:.1f}" font-size="{size}"{more}>{escape(said)}</text>'
        )


def draw(report: Mapping[str, Any]) -> str:
    """Return the chart of a report's `check` section."""
    sheet = _Sheet([])
    sheet.y = 28
    for size, said in zip((19, 15), words.TITLE, strict=True):
        sheet.text(20, said, size=size, more=' font-weight="bold"' if size > 15 else "")
        sheet.y += 22
    sheet.text(20, _conditions(report), size=12)
    sheet.y += 16
    kinds: Mapping[str, Any] = report["check"]
    _bars(sheet, {kind: _own(told) for kind, told in kinds.items()}, beside=words.AGAINST)
    _legend(sheet)
    sheet.y += 10
    _heading(sheet, words.LIBRARIES[0], words.LIBRARIES[1])
    _bars(sheet, {"": [bar for kind, told in kinds.items() for bar in _peers(kind, told)]})
    height = sheet.y + 24
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'width="{WIDTH}" height="{height:.0f}" role="img" lang="vi" '
        'font-family="DejaVu Sans, Arial, sans-serif" fill="#111">'
        f"<title>{escape(' · '.join(words.TITLE))}</title>"
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="#fff"/>'
    )
    return "\n".join([head, *sheet.lines, "</svg>"]) + "\n"


def _conditions(report: Mapping[str, Any]) -> str:
    load = report["load_average"]
    return (
        f"{report['version']} · {report['measured'][:16]} · {report['machine']} · "
        f"tải / load {load['before'][0]} → {load['after'][0]}"
    )


def _own(told: Mapping[str, Any]) -> list[_Bar]:
    """Return the bars whose parts are known: floor, check, whole path, the same over HTTP."""
    parts = dict.fromkeys(words.PARTS, 0.0)
    for part, spent in told["floor"].items():
        parts[words.JOINED.get(part, part)] += spent
    ratios, stages = told["ratios"], told["stages"]
    scale = told["ours"] / sum(stages.values())  # the clocks between the steps cost a little, too
    bars = [
        _Bar("floor", list(parts.values())),
        _Bar("ours", [spent * scale for spent in stages.values()], ratios["check_to_floor"]),
    ]
    for database, steps in told["desk"].items():
        ratio = ratios.get(f"whole_{database}_to_floor")
        bars.append(_Bar(database, [steps[step] for step in words.STEPS], ratio))
    for database, volume in told.get("http", {}).items():
        roles = volume["cpu_us_per_record"]
        ratio = ratios.get(f"http_{database}_to_floor")
        bars.append(_Bar(f"http_{database}", [roles.get(role, 0.0) for role in words.ROLES], ratio))
    return bars


def _peers(kind: str, told: Mapping[str, Any]) -> list[_Bar]:
    """Return the sandbox's check beside the same with a library in it."""
    ratios = {"ours": 1.0} | {
        name: told["ratios"][f"{name}_to_ours"] for name in ("xmlsec", "signxml")
    }
    return [_Bar(name, [told[name]], ratio, f" · {kind}") for name, ratio in ratios.items()]


def _bars(
    sheet: _Sheet, groups: Mapping[str, list[_Bar]], *, beside: tuple[str, str] | None = None
) -> None:
    """Draw groups of bars on one scale."""
    longest = max(sum(bar.parts) for bars in groups.values() for bar in bars)
    for title, bars in groups.items():
        if beside is not None:
            _heading(sheet, title, " / ".join(beside))
        for bar in bars:
            _bar(sheet, bar, scale=(WIDTH - LEFT - RIGHT) / longest)


def _heading(sheet: _Sheet, said: str, beside: str) -> None:
    sheet.y += 26
    sheet.text(20, said, size=15, more=' font-weight="bold"')
    sheet.y += 18
    sheet.text(20, beside, size=12)
    sheet.y += 10


def _bar(sheet: _Sheet, bar: _Bar, *, scale: float) -> None:
    vietnamese, english = words.BARS[bar.name]
    top = sheet.y
    sheet.y = top + 13
    sheet.text(20, vietnamese + bar.addition, size=13)
    if english != vietnamese:
        sheet.y = top + 26
        sheet.text(20, english, size=11, more=' fill="#444"')
    x = float(LEFT)
    for number, spent in enumerate(bar.parts):
        wide = spent * scale
        colour = GREYS[number % len(GREYS)]
        sheet.lines.append(
            f'<rect x="{x:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{BAR}" '
            f'fill="{colour}" stroke="#111" stroke-width="0.7"/>'
        )
        if len(bar.parts) > 1 and wide >= NARROWEST:
            ink = "#fff" if colour in DARK else "#111"
            sheet.y = top + 18
            sheet.text(
                x + wide / 2, str(number + 1), size=12, more=f' text-anchor="middle" fill="{ink}"'
            )
        x += wide
    sheet.y = top + 18
    said = f"{sum(bar.parts):,.0f}" + (f" · {bar.times:.2f}×" if bar.times is not None else "")
    sheet.text(x + 6, said, size=13, more=' font-weight="bold"')
    sheet.y = top + ROW


def _legend(sheet: _Sheet) -> None:
    """Name the numbers in the bars."""
    lists = {
        "floor": words.PARTS,
        "check": words.STAGES,
        "whole": words.STEPS,
        "http": words.ROLES,
    }
    sheet.y += 14
    top = sheet.y
    lowest = top
    for x, (title, names) in zip(COLUMNS, lists.items(), strict=True):
        sheet.y = top
        sheet.text(x, " / ".join(words.LISTS[title]), size=12, more=' font-weight="bold"')
        for number, (vietnamese, english) in enumerate(names.values()):
            sheet.y += 17
            sheet.lines.append(
                f'<rect x="{x:.1f}" y="{sheet.y - 10:.1f}" width="11" height="11" '
                f'fill="{GREYS[number % len(GREYS)]}" stroke="#111" stroke-width="0.7"/>'
            )
            same = vietnamese == english
            said = vietnamese if same else f"{vietnamese} · {english}"
            sheet.text(x + 17, f"{number + 1} {said}", size=11)
        lowest = max(lowest, sheet.y)
    sheet.y = lowest + 8
