"""Pieces of a record made once: what stays the same in a class, and small parts by their value.

All of them are made from the tag table that `documents.render_record` follows.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from sandbox.documents.render import element
from sandbox.documents.tags import (
    ASSESSMENT,
    COMMENTS,
    DATA,
    GENERAL,
    HISTORY,
    HISTORY_ROW,
    RECORD,
    SUBJECT_ROW,
    SUBJECTS,
    SUMMARY,
    YEAR_END,
    Leaf,
)
from sandbox.domain.circular27 import AWARD_EXCELLENT, AWARD_MODEL, YearResult, completion_text
from sandbox.domain.report_card import General, Sex
from sandbox.synthetic.forms import Form

HistoryRow = tuple[str, str, str, str]
"""School year, class, school, dd/MM/yyyy of arrival."""

_MOST_KNOWN = 256
"""Rows of ratings, and of subjects without a score, kept per form: nine in ten are among them."""
_SLOT = "%s"
"""Where a value of the pupil goes; no text of the nation holds it."""
_LEAVES = (
    *(leaf for leaf in GENERAL.children if isinstance(leaf, Leaf)),
    *YEAR_END,
    *COMMENTS,
)
_AROUND = {leaf.attribute: f"<{leaf.tag}>{_SLOT}</{leaf.tag}>" for leaf in _LEAVES}
FATHER, AD_HOC_AWARD = (_AROUND[name].encode() for name in ("father", "ad_hoc_award"))
SEXES = {sex: sex.value.encode() for sex in Sex}


def award_of(result: YearResult, *, titled: bool) -> str | None:
    """Return NOI_DUNG_KHEN_THUONG."""
    if not titled:
        return None
    return {YearResult.EXCELLENT: AWARD_EXCELLENT, YearResult.GOOD: AWARD_MODEL}[result]


def outcome_of(grade: int, result: YearResult, promoted: bool, titled: bool) -> dict[str, object]:
    """Return the fields of TONG_KET that follow from the result, by attribute."""
    completed = result is not YearResult.NOT_COMPLETED
    return {
        "result": result.value,
        "promoted": promoted,
        "completion_text": completion_text(result, grade, promoted=promoted),
        "class_completed": completed,
        "primary_completed": completed and grade == 5,
        "award": award_of(result, titled=titled),
    }


_OF_THE_PUPIL = frozenset(
    {
        "record_id", "register_number", "pupil_name", "pupil_id", "pupil_code", "sex",
        "birth_date", "weight_kg", "height_cm", "absent_with_leave", "absent_without_leave",
        "birth_place", "native_place", "address", "ethnic_group", "mother",
    }
)  # fmt: skip


def fixed_pieces(general: General) -> list[bytes]:
    """Return what stands between the values of a pupil; *general* is the pattern of a class."""
    parts = (
        _wrapped(GENERAL.tag, _general_parts(general)),
        _wrapped(HISTORY.tag, (_SLOT,)),
        _wrapped(
            SUMMARY.tag,
            (
                _SLOT,
                _SLOT,
                _AROUND["teacher_comment"],
                _wrapped(SUBJECTS.tag, (_SLOT,)),
                _wrapped(ASSESSMENT.tag, (_SLOT, *(_AROUND[leaf.attribute] for leaf in COMMENTS))),
            ),
        ),
    )
    data = _wrapped(DATA.tag, parts, identity=f"data-{_SLOT}")
    record = _wrapped(RECORD.tag, (data,), identity=f"hocba-{_SLOT}")
    return record.encode().split(_SLOT.encode())


def _general_parts(general: General) -> Iterable[str]:
    for leaf in GENERAL.children:
        if not isinstance(leaf, Leaf) or leaf.attribute is None:
            continue
        if leaf.attribute in _OF_THE_PUPIL:
            yield _AROUND[leaf.attribute]
        elif leaf.attribute == "father":
            yield _SLOT
        else:
            value = getattr(general, leaf.attribute)
            if value is not None:
                yield element(leaf.tag, leaf.form.write(value))


def _wrapped(tag: str, parts: Iterable[str], *, identity: str | None = None) -> str:
    opening = f'<{tag} id="{identity}">' if identity else f"<{tag}>"
    return f"{opening}{''.join(parts)}</{tag}>"


def history_of(rows: tuple[HistoryRow, ...]) -> bytes:
    """Return the rows of QUA_TRINH_HOC_TAP."""
    return "".join(
        _wrapped(
            HISTORY_ROW.tag,
            (element(leaf.tag, text) for leaf, text in zip(HISTORY_ROW.children, row, strict=True)),
        )
        for row in rows
    ).encode()


@cache
def year_end(grade: int, result: YearResult, promoted: bool, titled: bool) -> bytes:
    """Return the tags of TONG_KET up to the award."""
    outcome = outcome_of(grade, result, promoted, titled)
    return "".join(
        element(leaf.tag, leaf.form.write(outcome[leaf.attribute]))
        for leaf in YEAR_END
        if leaf.attribute in outcome and outcome[leaf.attribute] is not None
    ).encode()


@cache
def _row(code: str, name: str, level: str, score: int | None) -> bytes:
    values = (code, name, level, score)
    return _wrapped(
        SUBJECT_ROW.tag,
        (
            element(leaf.tag, str(value))
            for leaf, value in zip(SUBJECT_ROW.children, values, strict=True)
            if value is not None
        ),
    ).encode()


@cache
def _known_rows(form: Form) -> tuple[list[dict[tuple[str, int], bytes]], dict[str, bytes]]:
    """Return the rows with a score by level and score, and all other rows by their levels."""
    scored = [
        {
            (level, score): _row(subject.code, subject.name, level, score)
            for level in "THC"
            for score in range(1, 11)
        }
        for subject in form.subjects[: form.scored]
    ]
    return scored, {}


def rows_of(form: Form, levels: str, scores: bytes) -> bytes:
    """Return the rows of BANG_DIEM."""
    scored, others = _known_rows(form)
    rest = levels[form.scored :]
    text = others.get(rest)
    if text is None:
        text = b"".join(
            _row(subject.code, subject.name, level, None)
            for subject, level in zip(form.subjects[form.scored :], rest, strict=True)
        )
        if len(others) < _MOST_KNOWN:
            others[rest] = text
    marks = zip(scored, levels, scores, strict=False)
    return b"".join([rows[level, score] for rows, level, score in marks]) + text


@cache
def _known_ratings(form: Form) -> dict[str, bytes]:
    return {}


def ratings_of(form: Form, ratings: str) -> bytes:
    """Return the tags of the competences and qualities."""
    known = _known_ratings(form)
    text = known.get(ratings)
    if text is None:
        tags = zip(form.tags, ratings, strict=True)
        text = "".join(element(tag, letter) for tag, letter in tags).encode()
        if len(known) < _MOST_KNOWN:
            known[ratings] = text
    return text
