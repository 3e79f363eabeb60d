"""How a record is shown: order of the form, words for states, plain words for a refusal.

The order is that of the ministry's display template (2088-PL2) as far as it is known.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.domain.assessment import COMPETENCES, QUALITIES
from sandbox.domain.lifecycle import RecordState, Role
from sandbox.domain.rejections import CATALOGUE
from sandbox.domain.report_card import ReportCard
from sandbox.portal.model import RecordLine

GENERAL_COMPETENCES = COMPETENCES[:3]
SPECIFIC_COMPETENCES = COMPETENCES[3:]

_STEPS = {
    RecordState.WAIT_EXTRA: 1,
    RecordState.DRAFT: 2,
    RecordState.CHECKED: 3,
    RecordState.SIGNED_GVBM: 3,
    RecordState.SIGNED_GVCN: 4,
    RecordState.SIGNED_CBQL: 5,
    RecordState.ISSUE_SIGNED: 6,
    RecordState.SENT: 8,
    RecordState.REJECTED: 8,
}
"""Which of the eight steps of a record's life comes next; 9 = all done."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a desk refused, in plain words."""

    code: str
    title: str
    meaning: str
    remedy: str
    field: str | None


@dataclass(frozen=True, slots=True)
class Marks:
    """Ratings of a card in the groups of the form."""

    qualities: tuple[tuple[str, str], ...]
    general: tuple[tuple[str, str], ...]
    specific: tuple[tuple[str, str], ...]


def marks(card: ReportCard) -> Marks:
    """Return the ratings as (tag, letter), grouped as the form groups them."""
    given = dict(card.summary.ratings)

    def group(tags: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        return tuple((tag, given[tag]) for tag in tags if tag in given)

    return Marks(group(QUALITIES), group(GENERAL_COMPETENCES), group(SPECIFIC_COMPETENCES))


def step_of(state: RecordState) -> int:
    """Return the number of the step that comes next (kit.steps)."""
    return _STEPS.get(state, 9)


def status_word(line: RecordLine, role: Role) -> str:
    """Return the status word a row shows (learner-experience §11.4), a key of `kit.status`."""
    if line.request_id is not None:
        return "dang_cho"
    if line.state is RecordState.REJECTED:
        return "bi_tra_ve"
    if line.state is RecordState.SENT:
        return "da_gui"
    if line.state in (RecordState.CIRCULATING, RecordState.REPORTED):
        return "da_nhan"
    unsigned = {
        Role.CBQL: (RecordState.SIGNED_GVCN,),
        Role.VAN_THU: (RecordState.SIGNED_GVCN, RecordState.SIGNED_CBQL),
        Role.QUAN_TRI: (RecordState.SIGNED_GVCN, RecordState.SIGNED_CBQL),
    }.get(role, ())
    before = (RecordState.DRAFT, RecordState.CHECKED, RecordState.WAIT_EXTRA, *unsigned)
    return "chua_ky" if line.state in before else "da_ky"


def refusal(code: str | None, language: str) -> Refusal | None:
    """Return the plain words of *code*, or None when nothing was refused."""
    if code is None or code not in CATALOGUE:
        return None
    found = CATALOGUE[code]
    return Refusal(
        code=code,
        title=found.title[language],
        meaning=found.plain_meaning[language],
        remedy=found.plain_remedy[language],
        field=found.field,
    )
