"""Which single field, row or place was changed after signing: found by changing it back.

Works on canonical bytes alone. A digest cannot be turned round, so only changes that leave few
possibilities can be found: an element moved or put in, a score, a level, a small number, a date.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain, islice, pairwise
from typing import Final

from sandbox.documents.forms import read_day
from sandbox.xmldsig.doctor_reading import spans

MOST_TRIALS: Final = 60_000
MOST_HASHED: Final = 500_000_000
"""Digests tried, and bytes hashed for them, for one signature: about a third of a second."""
LONGEST: Final = 400_000
"""Canonical bytes beyond which a change of one field is not looked for."""
_DAYS: Final = 400
_LEAF: Final = re.compile(rb"<(\w+)(?: [^<>]*)?>([^<]*)</\1>")
_NAME: Final = re.compile(rb"<([\w.-]+)")
_WORDS: Final = tuple(
    word.encode() for word in ("T", "H", "C", "Đ", *map(str, range(11)), "Nam", "Nữ")
)
_DECIMAL: Final = re.compile(rb"(\d{1,3})([.,])(\d)")


@dataclass(frozen=True, slots=True)
class Change:
    """What was done after signing, and the bytes before it was done."""

    key: str
    """`moved_node`, `added_node` or `field_edited`."""
    xpath: str
    was: str
    now: str
    before: bytes


def change_found(data: bytes, digest: bytes) -> Change | None:
    """Return the one change that, undone, gives SHA-256 *digest*; None when no trial did.

    *data* are canonical bytes of an element as it is now.
    """
    if len(data) > LONGEST or len(digest) != 32:
        return None
    places = spans(data)
    attempts = chain(_edited(data), _put_in(data, places), _moved(data, places))
    head, start = hashlib.sha256(), -1
    for undo in islice(attempts, min(MOST_TRIALS, MOST_HASHED // len(data))):
        if undo.start != start:
            head, start = hashlib.sha256(data[: undo.start]), undo.start
        trial = head.copy()
        for part in undo.parts:
            trial.update(part)
        if trial.digest() == digest:
            return undo.done(data)
    return None


@dataclass(frozen=True, slots=True)
class _Undo:
    """One change undone: the bytes up to *start* as they are, then *parts*."""

    key: str
    at: int
    start: int
    parts: tuple[memoryview | bytes, ...]
    was: str = ""
    now: str = ""

    def done(self, data: bytes) -> Change:
        """Return what was done to *data*, and the bytes before."""
        before = data[: self.start] + b"".join(self.parts)
        return Change(self.key, path_at(data, self.at), self.was, self.now, before)


def _edited(data: bytes) -> Iterator[_Undo]:
    """Every short text replaced by what it may have been; likelier texts first."""
    view = memoryview(data)
    leaves = [(match.start(2), match.end(2)) for match in _LEAF.finditer(data)]
    for alternatives in (_words, _numbers, _days):
        for start, end in leaves:
            now = data[start:end]
            for was in alternatives(now):
                if was != now:
                    parts = (was, view[end:])
                    yield _Undo("field_edited", start, start, parts, was.decode(), now.decode())


def _words(now: bytes) -> Iterator[bytes]:
    if len(now) <= 4:
        yield from _WORDS


def _numbers(now: bytes) -> Iterator[bytes]:
    match = _DECIMAL.fullmatch(now)
    if match is not None:
        other = b"," if match[2] == b"." else b"."
        yield match[1] + other + match[3]
        for tenths in range(100, 2000):
            yield b"%d%b%d" % (tenths // 10, match[2], tenths % 10)
    elif now.isdigit() and len(now) <= 3:
        yield from (b"%d" % n for n in range(200))


def _days(now: bytes) -> Iterator[bytes]:
    day = read_day(now.decode()) if 8 <= len(now) <= 10 else None
    if day is None:
        return
    yield from (form(day).encode() for form in _DAY_FORMS)
    for distance in range(1, _DAYS):
        for step in (distance, -distance):
            yield f"{day + timedelta(days=step):%d/%m/%Y}".encode()


_DAY_FORMS: Final[tuple[Callable[[date], str], ...]] = (
    lambda day: f"{day:%d/%m/%Y}",
    lambda day: f"{day:%Y-%m-%d}",
    lambda day: f"{day:%d-%m-%Y}",
    lambda day: f"{day:%m/%d/%Y}",
    lambda day: f"{day.day}/{day.month}/{day.year}",
)


def _put_in(data: bytes, places: list[tuple[int, int]]) -> Iterator[_Undo]:
    """Every element taken out again."""
    view = memoryview(data)
    for start, end in places[1:]:
        yield _Undo("added_node", start, start, (view[end:],))


def _moved(data: bytes, places: list[tuple[int, int]]) -> Iterator[_Undo]:
    """Every element put before or behind each of its sisters."""
    view = memoryview(data)
    for children in _families(places):
        edges = [children[0][0], *(end for _, end in children)]
        if any(end != start for (_, end), (start, _) in pairwise(children)):
            continue  # white space between them: nobody moves a node and leaves that in order
        for number, (start, end) in enumerate(children):
            for other, edge in enumerate(edges):
                if other in (number, number + 1):
                    continue
                if edge < start:
                    parts = (view[start:end], view[edge:start], view[end:])
                else:
                    parts = (view[end:edge], view[start:end], view[edge:])
                yield _Undo("moved_node", start, min(edge, start), parts)


def _families(places: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Yield the children of each element that has two or more."""
    children: dict[int, list[tuple[int, int]]] = {}
    stack: list[int] = []
    for number, (start, end) in enumerate(places):
        while stack and places[stack[-1]][1] <= start:
            stack.pop()
        if stack:
            children.setdefault(stack[-1], []).append((start, end))
        stack.append(number)
    yield from (found for found in children.values() if 1 < len(found) <= 60)


def path_at(data: bytes, offset: int) -> str:
    """Return the path of the element at or around *offset* of canonical bytes."""
    steps: list[str] = []
    stack: list[tuple[int, dict[str, int]]] = []
    top: dict[str, int] = {}
    for start, end in spans(data):
        if start > offset:
            break
        while stack and stack[-1][0] <= start:
            stack.pop()
            steps.pop()
        counted = stack[-1][1] if stack else top
        match = _NAME.match(data, start)
        name = match[1].decode() if match else "?"
        counted[name] = counted.get(name, 0) + 1
        steps.append(name if counted[name] == 1 else f"{name}[{counted[name]}]")
        stack.append((end, {}))
    while stack and stack[-1][0] <= offset:
        stack.pop()
        steps.pop()
    return "/".join(steps)
