"""Making, checking, mending and cancelling records: everything but the signatures.

Issue procedure steps 1–3 (2088-PL1 §III.2) and the school-side request to cancel a signed record
(curriculum.md §4.1). Nothing here calls a neighbour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date

from sqlalchemy import Connection

from sandbox.domain.assessment import check_rules
from sandbox.domain.consistency import check_consistency
from sandbox.domain.lifecycle import RecordEvent, RecordState, Role, transition
from sandbox.domain.rejections import CATALOGUE, Severity
from sandbox.domain.report_card import ReportCard, Slot
from sandbox.errors import Finding, Refused
from sandbox.portal import record_store, store
from sandbox.portal.cards import data_digest, with_changed_comment, without_slots
from sandbox.portal.context import Actor, Context, Reason, Stopped, own_school, packers
from sandbox.portal.model import (
    POINTS,
    ClassRow,
    Identity,
    PupilRow,
    RecordLine,
    RecordRow,
    SignatureRow,
    VersionRow,
)
from sandbox.web.spaces import Space

EDITABLE = (RecordState.DRAFT, RecordState.CHECKED)
SIGNED = (RecordState.SIGNED_GVCN, RecordState.SIGNED_CBQL, RecordState.ISSUE_SIGNED)
NOT_COMPLETED = "Chưa hoàn thành"
"""Year result with which a record waits for extra assessment (TT27 art. 11)."""

Edit = Callable[[ReportCard], ReportCard]


class Records:
    """What the people of a school do with records before, between and after signatures."""

    def __init__(self, context: Context) -> None:
        self._context = context

    # -- looking -------------------------------------------------------------------------------

    def classes(
        self, space: Space, actor: Actor
    ) -> list[tuple[ClassRow, dict[RecordState, int], int]]:
        """Return (class, records per state, pupils) the actor may see: a teacher sees her own."""
        with self._context.database.read() as connection:
            code = actor.identity.unit_code
            counts = record_store.counts(connection, space.id, code)
            rows = []
            for row in store.classes(connection, space.id, code):
                if actor.role is Role.GVCN and row.teacher_id != actor.identity.person_id:
                    continue
                number = len(store.pupils(connection, space.id, code, row.name))
                rows.append((row, counts.get(row.name, {}), number))
            return rows

    def class_row(self, space: Space, actor: Actor, class_name: str) -> ClassRow:
        """Return one class the actor may see. Raises `Stopped` (not found, not yours)."""
        for row, _counts, _number in self.classes(space, actor):
            if row.name == class_name:
                return row
        raise Stopped(Reason.NOT_FOUND, target=class_name)

    def pupils(self, space: Space, actor: Actor, class_name: str) -> list[PupilRow]:
        """Return the pupils of a class with the record each one has."""
        with self._context.database.read() as connection:
            return store.pupils(connection, space.id, actor.identity.unit_code, class_name)

    def lines(self, space: Space, actor: Actor, class_name: str) -> list[RecordLine]:
        """Return the records of a class by number."""
        with self._context.database.read() as connection:
            return record_store.lines_of_class(
                connection, space.id, actor.identity.unit_code, class_name
            )

    def open(
        self, space: Space, actor: Actor, record_id: str
    ) -> tuple[RecordRow, list[SignatureRow], list[VersionRow]]:
        """Return a record of the actor's unit with its signatures and its former versions."""
        with self._context.database.read() as connection:
            row = self._row(connection, space, actor, record_id)
            made = record_store.signatures(connection, space.id, [record_id]).get(record_id, [])
            kept = record_store.versions(connection, space.id, record_id)
        return row, [s for s in made if s.version == row.line.version], kept

    def _row(
        self, connection: Connection, space: Space, actor: Actor, record_id: str
    ) -> RecordRow:
        row = record_store.record(connection, space.id, record_id)
        if row is None or row.line.school_code != actor.identity.unit_code:
            raise Stopped(Reason.NOT_FOUND, target=record_id)
        if actor.role is Role.GVCN:
            own = {
                c.name
                for c in store.classes(connection, space.id, row.line.school_code)
                if c.teacher_id == actor.identity.person_id
            }
            if row.line.class_name not in own:
                raise Stopped(Reason.NOT_FOUND, target=record_id)
        return row

    # -- step 2: initialise ----------------------------------------------------------------------

    def initialise(
        self, space: Space, actor: Actor, class_name: str, numbers: Iterable[int]
    ) -> list[str]:
        """Make records for the chosen pupils from their closed year results; return their ids.

        A pupil who has a record keeps it. Year result "Chưa hoàn thành" gives WAIT_EXTRA.
        """
        wanted = sorted(set(numbers))
        if not wanted:
            raise Stopped(Reason.NOTHING_CHOSEN)
        today = self._context.now(space).date()
        made: list[str] = []
        with self._context.database.write() as connection:
            school = own_school(connection, space, actor, roles=(Role.VAN_THU, Role.QUAN_TRI))
            if actor.role not in packers(school):
                raise Stopped(Reason.NOT_YOURS, target=actor.role.value)
            rows = store.year_results(connection, space.id, school.code, class_name, wanted)
            for number, known, card in rows:
                if known is not None:
                    continue
                fresh = self._fresh(connection, space, card, today)
                tied = store.tie_pupil(
                    connection, space.id, school.code, class_name, number, fresh.record_id
                )
                if not tied:
                    continue
                self._add(connection, space, actor, school.code, class_name, number, fresh)
                made.append(fresh.record_id)
        return made

    def _fresh(
        self, connection: Connection, space: Space, card: ReportCard, today: date
    ) -> ReportCard:
        """Return the year results as a new record: dated today, with an id never used before."""
        used = record_store.record(connection, space.id, card.record_id) is not None
        return dated(card, today, record_id=self._context.uuid() if used else card.record_id)

    def _add(
        self, connection: Connection, space: Space, actor: Actor, school_code: str,
        class_name: str, number: int, card: ReportCard,
    ) -> None:
        event = (
            RecordEvent.WAIT if card.summary.result == NOT_COMPLETED else RecordEvent.INITIALISE
        )
        state = transition(None, event, actor.role)
        record_store.add_record(
            connection, space.id, school_code=school_code, class_name=class_name, number=number,
            card=card, state=state,
        )
        self._context.audit(
            connection, space, actor, "khoi_tao", record_id=card.record_id, new=state.value
        )

    # -- step 3: check ---------------------------------------------------------------------------

    def check(
        self, space: Space, actor: Actor, record_id: str, points: Iterable[str]
    ) -> RecordLine:
        """Confirm that a record is right: all four points seen, nothing reported, rules pass.

        Raises `Stopped`, or `Refused` with the findings of the rules.
        """
        with self._context.database.write() as connection:
            row = self._row(connection, space, actor, record_id)
            if row.line.state is RecordState.CHECKED and not row.line.wrong:
                return row.line
            if set(points) < set(POINTS):
                raise Stopped(Reason.POINTS_LEFT, target=record_id)
            if row.line.wrong:
                raise Stopped(Reason.WRONG_REPORTED, target=record_id)
            refuse_errors(row.card)
            return self._move(connection, space, actor, row, RecordEvent.CHECK, "kiem_dung")

    def report_wrong(
        self, space: Space, actor: Actor, record_id: str, points: Iterable[str]
    ) -> RecordLine:
        """Mark points of an unsigned record as wrong; it cannot be signed until mended."""
        wrong = tuple(p for p in POINTS if p in set(points))
        if not wrong:
            raise Stopped(Reason.NOTHING_CHOSEN, target=record_id)
        if actor.role is not Role.GVCN:
            raise Stopped(Reason.NOT_YOURS, target=actor.role.value)
        with self._context.database.write() as connection:
            row = self._row(connection, space, actor, record_id)
            if row.line.state not in EDITABLE:
                raise Stopped(Reason.SIGNED, target=record_id)
            self._change(connection, space, row.line, state=RecordState.DRAFT, wrong=wrong)
            self._context.audit(
                connection, space, actor, "bao_sai", record_id=record_id,
                old=row.line.state.value, new=RecordState.DRAFT.value, outcome=",".join(wrong),
            )
            return self._line(connection, space, record_id)

    # -- editing ---------------------------------------------------------------------------------

    def edit(
        self, space: Space, actor: Actor, record_id: str, change: Edit, *, what: str
    ) -> RecordLine:
        """Change the data of an unsigned record; the rules are applied before it is stored.

        *what* is `ket_qua` (comments, levels, scores: the class teacher) or `ho_so` (profile:
        học vụ, which the clerk plays). An administrator touches neither (1789 art. 33). Raises
        `Stopped` for a signed record, `Refused` with the findings when the rules do not pass.
        """
        with self._context.database.write() as connection:
            row = self._row(connection, space, actor, record_id)
            if row.line.state not in EDITABLE or row.line.request_id is not None:
                raise Stopped(Reason.SIGNED, target=record_id)
            doer = self._editor(connection, space, actor, row, what)
            card = change(row.card)
            if card == row.card and not row.line.wrong:
                return row.line
            refuse_errors(card)
            state = transition(row.line.state, RecordEvent.EDIT, Role.GVCN)
            self._next_version(
                connection, space, doer, row, card=card, state=state, reason="sua", kept="da_sua"
            )
            return self._line(connection, space, record_id)

    def _editor(
        self, connection: Connection, space: Space, actor: Actor, row: RecordRow, what: str
    ) -> Actor:
        """Return who makes the change: a teacher hands profile data over to học vụ."""
        if what == "ket_qua" and actor.role is Role.GVCN:
            return actor
        if what == "ho_so" and actor.role in (Role.GVCN, Role.VAN_THU):
            clerks = store.staff(connection, space.id, row.line.school_code)
            clerk = next((c for c in clerks if c.role is Role.VAN_THU), actor.identity)
            return replace(actor, identity=clerk)
        raise Stopped(Reason.NOT_YOURS, target=actor.role.value)

    # -- cancelling a signed record ----------------------------------------------------------------

    def ask_cancel(self, space: Space, actor: Actor, record_id: str, reason: str) -> RecordLine:
        """Ask to cancel a signed record, with a reason (E12 when empty)."""
        if actor.role is not Role.GVCN:
            raise Stopped(Reason.NOT_YOURS, target=actor.role.value)
        if not reason.strip():
            raise Stopped(Reason.REASON_EMPTY, target=record_id)
        with self._context.database.write() as connection:
            row = self._row(connection, space, actor, record_id)
            if row.line.cancel_reason is not None:
                return row.line
            if row.line.state not in SIGNED or row.line.request_id is not None:
                raise Stopped(Reason.MOVED, target=record_id)
            self._change(connection, space, row.line, cancel_reason=reason.strip()[:300])
            self._context.audit(
                connection, space, actor, "de_xuat_huy", record_id=record_id,
                old=row.line.state.value, new=row.line.state.value,
            )
            return self._line(connection, space, record_id)

    def answer_cancel(
        self, space: Space, actor: Actor, record_id: str, *, agree: bool
    ) -> RecordLine:
        """Let the head agree (a new version without signatures, the old one kept) or refuse."""
        if actor.role is not Role.CBQL:
            raise Stopped(Reason.NOT_YOURS, target=actor.role.value)
        with self._context.database.write() as connection:
            row = self._row(connection, space, actor, record_id)
            reason = row.line.cancel_reason
            if reason is None or row.line.state not in SIGNED:
                return row.line
            if not agree:
                self._change(connection, space, row.line, cancel_reason=None)
                self._context.audit(
                    connection, space, actor, "tu_choi_huy", record_id=record_id,
                    old=row.line.state.value, new=row.line.state.value,
                )
                return self._line(connection, space, record_id)
            state = transition(row.line.state, RecordEvent.CANCEL_AGREED, Role.GVCN)
            self._next_version(
                connection, space, actor, row, card=row.card, state=state, reason=reason,
                kept="da_huy",
            )
            return self._line(connection, space, record_id)

    # -- after a refusal -----------------------------------------------------------------------------

    def mend(self, space: Space, actor: Actor, record_id: str) -> RecordLine:
        """Take a refused record back for repair, as far back as its fault needs.

        Wrong packaging: the same record may be sent again. Only the leader's signature missing:
        back to after the teacher. Anything else: new version, all signatures again. The code of
        the record stays, unless it is itself the fault (SBX-5004).
        """
        with self._context.database.write() as connection:
            row = self._row(connection, space, actor, record_id)
            if row.line.state is not RecordState.REJECTED:
                return row.line
            if actor.role not in (Role.GVCN, Role.CBQL, Role.VAN_THU, Role.QUAN_TRI):
                raise Stopped(Reason.NOT_YOURS, target=actor.role.value)
            code = row.line.code or ""
            if code.startswith("SBX-1"):
                return self._move(connection, space, actor, row, RecordEvent.REPACK, "dong_goi_lai")
            if code == "SBX-3001" and only_leader_missing(row):
                return self._without_leader(connection, space, actor, row)
            state = transition(row.line.state, RecordEvent.REPAIR, actor.role)
            self._next_version(
                connection, space, actor, row, card=row.card, state=state, reason=code,
                kept="bi_tra",
            )
            return self._line(connection, space, record_id)

    def _without_leader(
        self, connection: Connection, space: Space, actor: Actor, row: RecordRow
    ) -> RecordLine:
        state = transition(row.line.state, RecordEvent.LEADER_MISSING, actor.role)
        xml = without_slots(row.xml or b"", Slot.CBQL.value, Slot.KY_PHAT_HANH.value)
        self._change(
            connection, space, row.line, state=state, xml=xml, code=None, planted=False,
            package_id=None,
        )
        record_store.drop_signatures(
            connection, space.id, record_id=row.line.record_id, version=row.line.version,
            slots=(Slot.CBQL, Slot.KY_PHAT_HANH),
        )
        self._context.audit(
            connection, space, actor, "tra_ve", record_id=row.line.record_id,
            old=row.line.state.value, new=state.value, before=data_digest(row.xml),
            after=data_digest(xml), outcome=row.line.code or "0",
        )
        return self._line(connection, space, row.line.record_id)

    # -- practice: planting a fault --------------------------------------------------------------------

    def plant(self, space: Space, actor: Actor, record_id: str, fault: str) -> RecordLine:
        """Spoil one sealed record on purpose, past the portal's own checks (practice only).

        *fault*: `sua_sau_ky` edits the data after signing (SBX-3002), `thieu_cbql` takes the
        leader's signature out (SBX-3001). Both are real faults in the bytes that are sent.
        """
        if actor.role is not Role.VAN_THU:
            raise Stopped(Reason.NOT_YOURS, target=actor.role.value)
        with self._context.database.write() as connection:
            row = self._row(connection, space, actor, record_id)
            if row.line.state is not RecordState.ISSUE_SIGNED or row.xml is None:
                raise Stopped(Reason.MOVED, target=record_id)
            if row.line.planted:
                return row.line
            xml = PLANTS[fault](row.xml)
            self._change(connection, space, row.line, xml=xml, planted=True)
            self._context.audit(
                connection, space, actor, f"gieo_loi:{fault}", record_id=record_id,
                old=row.line.state.value, new=row.line.state.value, before=data_digest(row.xml),
                after=data_digest(xml),
            )
            return self._line(connection, space, record_id)

    # -- shared steps ---------------------------------------------------------------------------------

    def _line(self, connection: Connection, space: Space, record_id: str) -> RecordLine:
        return record_store.lines(connection, space.id, [record_id])[0]

    def _change(
        self, connection: Connection, space: Space, line: RecordLine, **values: object
    ) -> None:
        if not record_store.change(connection, space.id, line, **values):
            raise Stopped(Reason.MOVED, target=line.record_id)

    def _move(
        self, connection: Connection, space: Space, actor: Actor, row: RecordRow,
        event: RecordEvent, action: str,
    ) -> RecordLine:
        state = transition(row.line.state, event, actor.role)
        self._change(connection, space, row.line, state=state, package_id=None, code=None)
        self._context.audit(
            connection, space, actor, action, record_id=row.line.record_id,
            old=row.line.state.value, new=state.value, before=data_digest(row.xml),
            after=data_digest(row.xml),
        )
        return self._line(connection, space, row.line.record_id)

    def _next_version(
        self, connection: Connection, space: Space, actor: Actor, row: RecordRow, *,
        card: ReportCard, state: RecordState, reason: str, kept: str,
    ) -> None:
        """Keep the present version in the history and put an unsigned one in its place."""
        now = self._context.now(space)
        record_store.keep_version(
            connection, space.id, row, state=kept, reason=reason, at=now.isoformat()
        )
        fresh = replace(card, general=replace(card.general, issue_planned_on=now.date()))
        self._change(
            connection, space, row.line, card=fresh, state=state, version=row.line.version + 1,
            pupil_name=fresh.general.pupil_name, xml=None, wrong=(), cancel_reason=None,
            code=None, planted=False, package_id=None,
        )
        self._context.audit(
            connection, space, actor, kept, record_id=row.line.record_id,
            old=row.line.state.value, new=state.value, before=data_digest(row.xml),
        )


PLANTS: dict[str, Callable[[bytes], bytes]] = {
    "sua_sau_ky": lambda xml: with_changed_comment(xml, " (sửa sau khi ký)"),
    "thieu_cbql": lambda xml: without_slots(xml, Slot.CBQL.value),
}
"""Faults a trainer or clerk may plant (labelled as practice on the page)."""


def refuse_errors(card: ReportCard) -> None:
    """Raise `Refused` with the errors the rules find in *card*; warnings pass."""
    found: Sequence[Finding] = [*check_consistency(card), *check_rules(card)]
    errors = [f for f in found if CATALOGUE[f.code].severity is not Severity.WARNING]
    if errors:
        raise Refused(*errors)


def dated(card: ReportCard, today: date, *, record_id: str) -> ReportCard:
    """Return *card* as a record made today and planned to be issued today (field 34, 35)."""
    return replace(
        card,
        general=replace(
            card.general, record_id=record_id, created_on=today, issue_planned_on=today
        ),
    )


def only_leader_missing(row: RecordRow) -> bool:
    """Tell whether the bytes sent held every signature but the leader's."""
    xml = row.xml or b""
    return b"<CBQL>" not in xml and b"<GVCN>" in xml and b"<KY_PHAT_HANH>" in xml


def teacher_of(row: RecordRow) -> Identity | None:
    """Return the class teacher the record names, or None when there is none (SBX-3062)."""
    general = row.card.general
    if general.teacher_id is None or general.teacher_name is None:
        return None
    return Identity(
        person_id=general.teacher_id, name=general.teacher_name, role=Role.GVCN, title="",
        unit_code=general.school_code, unit_name=general.school_name,
        department_code=general.department_code,
    )
