"""Report card → XML of the 2026 profile, unsigned: its slots are empty elements.

Canonical as it is written, like `render`'s; Ids end in the record's UUID, so that records of one
package never share one.
"""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.documents.render import branch, element, escape, leaves
from sandbox.documents.tags_2026 import (
    ASSESSMENT_2026,
    COMMENTS_2026,
    DATA,
    GENERAL,
    HISTORY,
    HISTORY_ROW,
    ID,
    INNER,
    ISSUE,
    RECORD,
    SHEET,
    SIGNING,
    SUBJECT_ROW,
    SUBJECTS,
    SUMMARY,
    TEACHER,
    TEACHERS_TAG,
    YEAR_END_2026,
)
from sandbox.domain.circular27 import EXEMPT, scores_due
from sandbox.domain.report_card import SubjectResult
from sandbox.domain.report_card_2026 import ReportCard2026, Sheet


def render_record_2026(card: ReportCard2026) -> bytes:
    """Return the unsigned record of *card* with an empty slot for each signature.

    Values are written as they are; an exempt subject with a year-end test gets the score M.
    """
    uuid = escape(card.record_id.lower()).replace('"', "&quot;")
    rows = (branch(HISTORY_ROW.tag, leaves(HISTORY_ROW.children, row)) for row in card.history)
    inner = (
        branch(GENERAL.tag, leaves(GENERAL.children, card.general)),
        branch(HISTORY.tag, rows),
        branch(SUMMARY.tag, _summary(card, uuid)),
    )
    numbers = range(1, len(card.summary.sheets) + 1)
    teachers = [branch(TEACHER.tag, (), identity=f"gvbm-{n}-{uuid}", attribute=ID) for n in numbers]
    data = (
        branch(INNER.tag, inner, identity=f"thongtinhocba-{uuid}", attribute=ID),
        branch(SIGNING.tag, (branch(TEACHERS_TAG, teachers), branch("GVCN", ()))),
    )
    record = (
        branch(DATA.tag, data, identity=f"data-{uuid}", attribute=ID),
        branch(ISSUE.tag, (branch("CBQL", ()), branch("KY_PHAT_HANH", ()))),
    )
    return branch(RECORD.tag, record).encode("utf-8")


def _summary(card: ReportCard2026, uuid: str) -> Iterator[str]:
    summary, due = card.summary, frozenset(scores_due(card.general.grade))
    yield from leaves(YEAR_END_2026, summary)
    yield branch(
        SUBJECTS.tag,
        (
            _sheet(sheet, uuid, number=number, due=due)
            for number, sheet in enumerate(summary.sheets, start=1)
        ),
    )
    ratings = (element(tag, letter) for tag, letter in summary.ratings)
    yield branch(ASSESSMENT_2026.tag, (*ratings, *leaves(COMMENTS_2026, summary)))


def _sheet(sheet: Sheet, uuid: str, *, number: int, due: frozenset[str]) -> str:
    teacher = f'<{TEACHER.tag} {ID}="gvbm-{number}-{uuid}">{escape(sheet.teacher)}</{TEACHER.tag}>'
    rows = (branch(SUBJECT_ROW.tag, _row(row, due)) for row in sheet.subjects)
    return branch(SHEET.tag, (teacher, *rows), identity=f"diem-{number}-{uuid}", attribute=ID)


def _row(row: SubjectResult, due: frozenset[str]) -> Iterator[str]:
    yield from leaves(SUBJECT_ROW.children, row)
    if row.level == EXEMPT and row.score is None and row.code in due:
        yield element("DIEM_KIEM_TRA_DINH_KY", EXEMPT)
