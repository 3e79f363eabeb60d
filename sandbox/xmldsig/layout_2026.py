"""The parts of a record of the 2026 profile, reached by position (spec/record-format.md §6.1).

Lenient only where that section is: the teachers' block may stand inside the data or behind it,
and CBQL anywhere below PHAT_HANH_HOC_BA.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sandbox.documents.tags_2026 import INNER_TAG, ISSUE_TAG, SHEET_TAG, TEACHERS_TAG
from sandbox.documents.tree import Element
from sandbox.domain.report_card_2026 import Post, Slot2026
from sandbox.xmldsig.names import DATA_TAG, SLOTS_TAG, ds
from sandbox.xmldsig.scope import id_of

SIGNATURE: Final = ds("Signature")
HOLDERS: Final = frozenset({SLOTS_TAG, ISSUE_TAG})
_SLOTS: Final = frozenset(str(post) for post in Post)


class LayoutError(Exception):
    """A part is missing or stands more than once."""

    def __init__(self, tag: str, found: int) -> None:
        super().__init__(tag)
        self.tag = tag
        self.code = "SBX-2001" if found == 0 else "SBX-2002"


@dataclass(frozen=True, slots=True, eq=False)
class Layout2026:
    """What is signed, by whom, and where the signatures go."""

    data: Element
    """DU_LIEU_HOC_BA."""
    inner: Element
    """THONG_TIN_HOC_BA."""
    general: Mapping[str, Element]
    """THONG_TIN_CHUNG by tag."""
    sheets: tuple[Element, ...]
    """DIEM_TONG_KET, in order."""
    blocks: Mapping[Slot2026, Element | None]
    """The slots that are due, in signing order; None for one that is not there."""
    beside: tuple[Element, ...]
    """GVBM slots that belong to no DIEM_TONG_KET, or twice to one."""

    def target(self, slot: Slot2026) -> Element:
        """Return the element that the signature in *slot* covers (§5.2)."""
        if slot.post is Post.GVBM:
            return self.sheets[slot.number - 1]
        return self.inner if slot.post is Post.GVCN else self.data

    def teacher(self, slot: Slot2026) -> Element | None:
        """Return the GVBM of the sheet that belongs to *slot*."""
        return self.sheets[slot.number - 1].find("GVBM")

    def signatures(self, slot: Slot2026) -> list[Element]:
        """Return the Signatures that stand in *slot*."""
        block = self.blocks.get(slot)
        return [] if block is None else block.findall(SIGNATURE)


def take_apart_2026(record: Element) -> Layout2026:
    """Return the parts of *record*. Raises `LayoutError` where one has no clear place."""
    data = _only(record.findall(DATA_TAG), DATA_TAG)
    inner = _only(data.findall(INNER_TAG), INNER_TAG)
    general = inner.find("THONG_TIN_CHUNG")
    signing = _only(data.findall(SLOTS_TAG) + record.findall(SLOTS_TAG), SLOTS_TAG)
    issue = _only(record.findall(ISSUE_TAG), ISSUE_TAG)
    sheets = tuple(inner.findall(f"TONG_KET/BANG_DIEM/{SHEET_TAG}"))
    blocks: dict[Slot2026, Element | None] = {}
    left = signing.findall(f"{TEACHERS_TAG}/GVBM")
    for number, sheet in enumerate(sheets, start=1):
        teacher = sheet.find("GVBM")
        wanted = "" if teacher is None else id_of(teacher)
        found = next((one for one in left if wanted and id_of(one) == wanted), None)
        blocks[Slot2026(Post.GVBM, number)] = found
        left = [one for one in left if one is not found]
    for post, places in (
        (Post.GVCN, signing.findall(Post.GVCN)),
        (Post.CBQL, list(issue.iter(Post.CBQL))),
        (Post.KY_PHAT_HANH, issue.findall(Post.KY_PHAT_HANH)),
    ):
        blocks[Slot2026(post)] = _only(places, post) if places else None
    named = {} if general is None else {str(child.tag): child for child in general}
    return Layout2026(data, inner, named, sheets, blocks, tuple(left))


def is_slot_of_2026(signature: Element) -> bool:
    """Say whether *signature* stands in a slot, or inside another Signature."""
    above = [str(one.tag) for one in signature.iterancestors()]
    # a Signature inside a Signature is for the check of components to name
    return SIGNATURE in above or (above[0] in _SLOTS and not HOLDERS.isdisjoint(above))


def _only(found: Iterable[Element], tag: str) -> Element:
    elements = list(found)
    if len(elements) != 1:
        raise LayoutError(tag, len(elements))
    return elements[0]
