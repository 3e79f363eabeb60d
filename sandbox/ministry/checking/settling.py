"""Steps 7 (the pupil) and 9: what earlier records decide, looked up last and at once.

The worker calls this inside the transaction that stores the result, so two packages can never
both be the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

from sandbox.documents import ParsedRecord, locate
from sandbox.domain.lifecycle import LockDates, locked
from sandbox.domain.rejections import Stage
from sandbox.domain.report_card import ReportCard
from sandbox.errors import Finding
from sandbox.ministry.checking.context import Context
from sandbox.ministry.checking.record import Draft
from sandbox.ministry.checking.verdict import RecordVerdict, in_order, refuses
from sandbox.ministry.model import PupilFacts

DESK_CODES = ("SBX-5002", "SBX-5003", "SBX-5004", "SBX-5005")
"""Codes that only a desk can look for: it has the earlier records, the clock and the dates."""


class Earlier(Protocol):
    """What earlier packages left behind at the desk."""

    @property
    def pupils(self) -> dict[str, PupilFacts]:
        """Facts held per personal ID."""

    @property
    def used(self) -> frozenset[str]:
        """UUIDs of accepted records, alive or dead."""

    @property
    def alive(self) -> frozenset[tuple[str, str]]:
        """(personal ID, school year) of valid records."""


@dataclass(slots=True)
class SoFar:
    """What the packages being settled have brought, record by record."""

    pupils: dict[str, PupilFacts] = field(default_factory=dict)
    uuids: set[str] = field(default_factory=set)
    alive: set[tuple[str, str]] = field(default_factory=set)
    accepted: set[str] = field(default_factory=set)
    """UUIDs of the records accepted; `uuids` holds those of refused ones of this package too."""

    def next_package(self) -> SoFar:
        """Return what the next package goes on with; this one stays as it is."""
        accepted = set(self.accepted)
        return SoFar(dict(self.pupils), set(accepted), set(self.alive), accepted)


def facts_of(card: ReportCard) -> PupilFacts:
    """Return what is held of a pupil."""
    general = card.general
    return PupilFacts(
        general.pupil_id,
        general.pupil_name,
        general.sex.value,
        general.birth_date.isoformat(),
        general.pupil_code,
    )


def settle(
    drafts: Iterable[Draft],
    context: Context,
    *,
    earlier: Earlier | None,
    so_far: SoFar | None = None,
) -> tuple[RecordVerdict, ...]:
    """Return the verdicts, each draft judged in the package's order by what came before it.

    *so_far*: what packages settled in the same breath brought; this one's is added.
    """
    if earlier is None:
        context.skip(*DESK_CODES)
    so_far = SoFar() if so_far is None else so_far
    return tuple(_settle_one(draft, context, earlier, so_far) for draft in drafts)


def _settle_one(
    draft: Draft, context: Context, earlier: Earlier | None, so_far: SoFar
) -> RecordVerdict:
    verdict = draft.verdict
    uuid = (verdict.identity.uuid or "").lower()
    is_second = bool(uuid) and uuid in so_far.uuids
    so_far.uuids.add(uuid)
    card = verdict.card
    if verdict.stage is not None or card is None:
        return verdict
    stages = (
        (Stage.REGISTER, step_7_pupil(verdict.record, card, earlier, so_far)),
        (Stage.RULES, list(draft.later)),
        (
            Stage.LOCK,
            step_9_duplicates_and_lock(
                verdict.record, card, context, earlier, so_far, is_second=is_second
            ),
        ),
    )
    warnings = list(verdict.findings)
    for stage, findings in stages:
        if refuses(findings):
            return replace(verdict, stage=stage, findings=in_order(findings))
        warnings += findings
    so_far.pupils.setdefault(card.general.pupil_id, facts_of(card))
    so_far.accepted.add(uuid)
    so_far.alive.add((card.general.pupil_id, card.general.school_year))
    return replace(verdict, findings=tuple(warnings))


_FACTS = (
    ("HO_VA_TEN", "name"),
    ("GIOI_TINH", "sex"),
    ("NGAY_SINH", "birth_date"),
    ("MA_HOC_SINH", "pupil_code"),
)


def step_7_pupil(
    record: ParsedRecord, card: ReportCard, earlier: Earlier | None, so_far: SoFar
) -> list[Finding]:
    """SBX-5002: the same personal ID with another name, sex, birth date or pupil code.

    What is held is not told: it may be another pupil's.
    """
    pupil_id = card.general.pupil_id
    held = so_far.pupils.get(pupil_id)
    if held is None and earlier is not None:
        held = earlier.pupils.get(pupil_id)
    if held is None:
        return []
    said = facts_of(card)
    return [
        locate(record, Finding("SBX-5002", field=tag, value=getattr(said, name)))
        for tag, name in _FACTS
        if getattr(said, name) != getattr(held, name)
    ]


def step_9_duplicates_and_lock(
    record: ParsedRecord,
    card: ReportCard,
    context: Context,
    earlier: Earlier | None,
    so_far: SoFar,
    *,
    is_second: bool,
) -> list[Finding]:
    """SBX-5004 used UUID, SBX-5003 a valid record of the year exists, SBX-5005 locked."""
    found = _duplicates(card, earlier, so_far, is_second=is_second)
    lock = () if earlier is None else _lock(card, context)
    return [locate(record, finding) for finding in (*found, *lock)]


def _duplicates(
    card: ReportCard, earlier: Earlier | None, so_far: SoFar, *, is_second: bool
) -> Iterator[Finding]:
    general = card.general
    if is_second or (earlier is not None and general.record_id.lower() in earlier.used):
        yield Finding("SBX-5004", field="MA_TRA_CUU_UUID", value=general.record_id)
    key = (general.pupil_id, general.school_year)
    if key in so_far.alive or (earlier is not None and key in earlier.alive):
        yield Finding("SBX-5003", field="SO_CCCD", value=general.pupil_id)


def _lock(card: ReportCard, context: Context) -> Iterator[Finding]:
    """Lock dates by the space clock; an earlier school year was locked in its own summer."""
    exercise, general = context.exercise, card.general
    dates = exercise.locks
    if general.school_year != exercise.school_year:
        dates = LockDates.of(general.school_year)
    waited = general.pupil_id in exercise.waiting
    if locked(dates, context.at, waited=waited):
        limit = dates.second if waited else dates.first
        yield Finding(
            "SBX-5005",
            field="TEN_NAM_HOC",
            value=general.school_year,
            expected=f"<= {limit.isoformat()}",
        )
