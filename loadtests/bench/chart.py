"""The chart beside the figures: one self-contained SVG, readable in grey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from loadtests.bench import words

WIDTH: Final = 1_000
LEFT: Final = 250
RIGHT: Final = 90
ROW: Final = 40
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

Bar = tuple[str, str, list[tuple[str, float]]]
"""(key of its name, addition to the name, parts: key and µs); a bar of one part has no number."""


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
    longest = max(_sum(parts) for told in kinds.values() for *_, parts in _own(told))
    for kind, told in kinds.items():
        _heading(sheet, kind, _ratios(told))
        for bar in _own(told):
            _bar(sheet, bar, scale=(WIDTH - LEFT - RIGHT) / longest)
    _legend(sheet)
    sheet.y += 10
    _heading(sheet, words.LIBRARIES[0], words.LIBRARIES[1])
    slowest = max(told[name] for told in kinds.values() for name in ("signxml", "xmlsec", "ours"))
    for kind, told in kinds.items():
        for name in ("ours", "xmlsec", "signxml"):
            _bar(
                sheet,
                (name, f" · {kind}", [("", told[name])]),
                scale=(WIDTH - LEFT - RIGHT) / slowest,
                times=told[name] / told["ours"],
            )
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


def _ratios(told: Mapping[str, Any]) -> str:
    said = [f"{_name('ours')} ÷ {_name('floor')}: {told['ratios']['check_to_floor']:.2f}"]
    for database in ("postgresql", "sqlite"):
        found = told["ratios"].get(f"whole_{database}_to_floor")
        if found is not None:
            said.append(f"{database}: {found:.2f}")
    return "; ".join(said)


def _name(key: str) -> str:
    return " / ".join(dict.fromkeys(words.BARS[key]))


def _own(told: Mapping[str, Any]) -> list[Bar]:
    """Return the bars whose parts are known: floor, check, whole path on each database."""
    parts: dict[str, float] = dict.fromkeys(words.PARTS, 0.0)
    for part, spent in told["floor"].items():
        parts[words.JOINED.get(part, part)] += spent
    bars: list[Bar] = [
        ("floor", "", list(parts.items())),
        ("ours", "", list(told["stages"].items())),
    ]
    for database, steps in told["desk"].items():
        bars.append((database, "", [(step, steps[step]) for step in words.STEPS]))
    for database, volume in told.get("http", {}).items():
        bars.append((f"http_{database}", "", [("", volume["core_us_per_record"])]))
    return bars


def _sum(parts: list[tuple[str, float]]) -> float:
    return sum(spent for _, spent in parts)


def _heading(sheet: _Sheet, said: str, beside: str) -> None:
    sheet.y += 26
    sheet.text(20, said, size=15, more=' font-weight="bold"')
    sheet.y += 18
    sheet.text(20, beside, size=12)
    sheet.y += 10


def _bar(sheet: _Sheet, bar: Bar, *, scale: float, times: float | None = None) -> None:
    key, addition, parts = bar
    vietnamese, english = words.BARS[key]
    top = sheet.y
    sheet.y = top + 13
    sheet.text(20, vietnamese + addition, size=13)
    if english != vietnamese:
        sheet.y = top + 26
        sheet.text(20, english, size=11, more=' fill="#444"')
    x = float(LEFT)
    for number, (_, spent) in enumerate(parts):
        wide = spent * scale
        colour = GREYS[number % len(GREYS)]
        sheet.lines.append(
            f'<rect x="{x:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{BAR}" '
            f'fill="{colour}" stroke="#111" stroke-width="0.7"/>'
        )
        if len(parts) > 1 and wide >= NARROWEST:
            ink = "#fff" if colour in DARK else "#111"
            sheet.y = top + 18
            sheet.text(
                x + wide / 2, str(number + 1), size=12, more=f' text-anchor="middle" fill="{ink}"'
            )
        x += wide
    sheet.y = top + 18
    said = f"{_sum(parts):,.0f}" + (f" · {times:.1f}×" if times is not None else "")
    sheet.text(x + 6, said, size=13, more=' font-weight="bold"')
    sheet.y = top + ROW


def _legend(sheet: _Sheet) -> None:
    """Name the numbers in the bars, in three lists."""
    lists = (
        (_name("floor"), words.PARTS),
        (_name("ours"), words.STAGES),
        ("Cả đường / whole path", words.STEPS),
    )
    sheet.y += 14
    top = sheet.y
    column = (WIDTH - 40) / len(lists)
    lowest = top
    for place, (title, names) in enumerate(lists):
        sheet.y = top
        x = 20 + place * column
        sheet.text(x, title, size=12, more=' font-weight="bold"')
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
