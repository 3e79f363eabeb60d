"""The training cases of a corpus: pupils whom v1.0 cannot carry, as records of the 2026 profile.

They stand beside the corpus, never in a package: no desk takes them in, and totals count v1.0
records. Each is signed by everybody it names when the corpus is signed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sandbox.clock import VIETNAM
from sandbox.corpora.making import Maker, Moments
from sandbox.corpora.signers import Credential
from sandbox.documents import render_record_2026
from sandbox.domain.report_card_2026 import Post, ReportCard2026, Slot2026
from sandbox.synthetic.model import Reason, Staff
from sandbox.synthetic.plans import ClassPlan, SchoolPlan
from sandbox.xmldsig import Signing2026, stamp_record_2026

FOLDER: Final = "cases-2026"
"""Where they stand in a corpus: a folder per school, a file per case."""
INDEX: Final = "cases-2026.jsonl"
"""One line per case: whose it is, why, and where it stands."""

_TEACHERS_BEFORE: Final = timedelta(days=1, hours=17)
"""From 15:00 two days before the issue the teachers sign for their rows, a minute each."""


@dataclass(frozen=True, slots=True)
class Case:
    """One training case."""

    school: SchoolPlan
    plan: ClassPlan
    reason: Reason
    card: ReportCard2026
    xml: bytes = field(repr=False)

    @property
    def file_name(self) -> str:
        """The reason and the record id."""
        return f"{self.reason.value}-{self.card.record_id}.xml"

    def told(self) -> dict[str, Any]:
        """Return what the index says of it, but where it stands and how long it is."""
        return {
            "class": self.plan.name,
            "reason": self.reason.value,
            "record": self.card.record_id,
            "exempt": list(self.card.exempt),
        }


def cases_of(maker: Maker, number: int) -> Iterator[Case]:
    """Yield the cases of school *number* in the classes that *maker*'s order asks for."""
    for school, plan in maker.classes(number):
        for pupil in maker.nation.unrecorded(school.number, plan.index):
            if pupil.card_2026 is not None:
                xml = render_record_2026(pupil.card_2026)
                if maker.order.form.is_signed:
                    xml = _signed(maker, school, plan, pupil.card_2026, xml)
                yield Case(school, plan, pupil.reason, pupil.card_2026, xml)


def _signed(
    maker: Maker, school: SchoolPlan, plan: ClassPlan, card: ReportCard2026, xml: bytes
) -> bytes:
    moments = _moments(card, plan)
    signings = [
        Signing2026(slot, credential.certificate, credential.key, moments[slot])
        for slot, credential in _credentials(maker, school, plan, card).items()
    ]
    return stamp_record_2026(xml, signings)


def _moments(card: ReportCard2026, plan: ClassPlan) -> dict[Slot2026, datetime]:
    """Return when each signs: the others when they sign the records of the class."""
    day = card.general.issue_planned_on
    issued = datetime(day.year, day.month, day.day, 8, tzinfo=VIETNAM)
    of_class = Moments.of_class(issued, plan.index)
    return {
        slot: issued - _TEACHERS_BEFORE + timedelta(minutes=slot.number)
        for slot in card.slots
        if slot.number
    } | {
        Slot2026(Post.GVCN): of_class.teacher,
        Slot2026(Post.CBQL): of_class.leader,
        Slot2026(Post.KY_PHAT_HANH): of_class.issue,
    }


def _credentials(
    maker: Maker, school: SchoolPlan, plan: ClassPlan, card: ReportCard2026
) -> Mapping[Slot2026, Credential]:
    """Return who signs, in signing order."""
    nation, signers = maker.nation, maker.signers
    own = nation.teacher(school.number, plan.index)
    others = nation.subject_teachers(school.number, plan.index)

    def teacher(staff: Staff) -> Credential:
        return signers.teacher(staff.name, staff.personal_id, school=school.code)

    found = {
        Slot2026(Post.GVBM, number): teacher(others.get(sheet.subjects[0].code, own))
        for number, sheet in enumerate(card.summary.sheets, start=1)
    }
    general = card.general
    leader = signers.leader(general.leader_name, general.leader_id, school=school.code)
    return found | {
        Slot2026(Post.GVCN): teacher(own),
        Slot2026(Post.CBQL): leader,
        Slot2026(Post.KY_PHAT_HANH): maker.seal_of(school),
    }
