"""Report card → XML of profile v1.0, byte for byte the same every time.

The bytes are already canonical (C14N of them is themselves): UTF-8, NFC, no declaration, no
white space between tags, no namespaces. A null is left out together with its tags
(spec/record-format.md §1).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

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
from sandbox.domain.report_card import ReportCard

_C14N_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"})


def render_record(card: ReportCard) -> bytes:
    """Return the unsigned record of *card*: `<HOC_BA id="hocba-…"><DU_LIEU_HOC_BA id="data-…">…`.

    The block of signatures is not there yet; the first signature adds it. Values are written
    as they are: a card that breaks the schema gives a record that breaks it.
    """
    uuid = escape(card.record_id.lower()).replace('"', "&quot;")
    data = branch(
        DATA.tag,
        (
            branch(GENERAL.tag, leaves(GENERAL.children, card.general)),
            branch(
                HISTORY.tag,
                (
                    branch(HISTORY_ROW.tag, leaves(HISTORY_ROW.children, row))
                    for row in card.history
                ),
            ),
            branch(SUMMARY.tag, _summary(card)),
        ),
        identity=f"data-{uuid}",
    )
    return branch(RECORD.tag, (data,), identity=f"hocba-{uuid}").encode("utf-8")


def escape(text: str) -> str:
    """Return *text* in NFC, escaped as canonical XML escapes character data."""
    return unicodedata.normalize("NFC", text).translate(_C14N_TEXT)


def element(tag: str, text: str) -> str:
    """Return a single tag holding *text*."""
    return f"<{tag}>{escape(text)}</{tag}>"


def branch(
    tag: str, children: Iterable[str], *, identity: str | None = None, attribute: str = "id"
) -> str:
    """Return a complex tag holding *children*, *identity* in the *attribute* of that name."""
    opening = f'<{tag} {attribute}="{identity}">' if identity else f"<{tag}>"
    return f"{opening}{''.join(children)}</{tag}>"


def leaves(table: Iterable[object], part: object) -> Iterable[str]:
    """Yield the single tags of *table* that *part* of a card fills."""
    for leaf in table:
        if not isinstance(leaf, Leaf) or leaf.attribute is None:
            continue
        value = getattr(part, leaf.attribute)
        if value is None or value == "":
            continue
        yield element(leaf.tag, leaf.form.write(value))


def _summary(card: ReportCard) -> Iterable[str]:
    summary = card.summary
    yield from leaves(YEAR_END, summary)
    yield branch(
        SUBJECTS.tag,
        (branch(SUBJECT_ROW.tag, leaves(SUBJECT_ROW.children, row)) for row in summary.subjects),
    )
    yield branch(
        ASSESSMENT.tag,
        (
            *(element(tag, letter) for tag, letter in summary.ratings),
            *leaves(COMMENTS, summary),
        ),
    )
