"""Making, checking and editing unsigned records (issue procedure steps 1–3, 2088-PL1 §III.2).

Nothing here calls a neighbour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date

from sqlalchemy import Connection

from sandbox.domain.assessment import check_rules
from sandbox.domain.consistency import check_consistency
from sandbox.domain.lifecycle import Guard, RecordEvent, RecordState, Role, transition
from sandbox.domain.rejections import is_warning
from sandbox.domain.report_card import ReportCard
from sandbox.errors import Finding, Refused
from sandbox.portal import record_store, store
from sandbox.portal.context import Actor, Reason, Stopped, own_school, packers
from sandbox.portal.model import (
    POINTS,
    ClassRow,
    PupilRow,
    RecordLine,
    RecordRow,
    SignatureRow,
    VersionRow,
)
from sandbox.portal.record_steps import EDITABLE, RecordSteps
from sandbox.web.spaces import Space

NOT_COMPLETED = "Chưa hoàn thành"
"""Year result with which a record waits for extra assessment (TT27 art. 11)."""

Edit = Callable[[ReportCard], ReportCard]


class Records(RecordSteps):
    """What the people of a school do with records before the first signature."""

    # -- looking

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

    def take_copy(
        self, space: Space, actor: Actor, record_id: str, what: str
    ) -> tuple[RecordRow, list[SignatureRow], list[VersionRow]]:
        """Return a record for printing (`in`) or as a file (`tai_xml`), and note who took it."""
        found = self.open(space, actor, record_id)
        state = found[0].line.state.value
        with self._context.database.write() as connection:
            self._context.audit(
                connection, space, actor, what, record_id=record_id, old=state, new=state
            )
        return found

    # -- step 2: initialise

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
        self,
        connection: Connection,
        space: Space,
        actor: Actor,
        school_code: str,
        class_name: str,
        number: int,
        card: ReportCard,
    ) -> None:
        settled = card.summary.result != NOT_COMPLETED
        event = RecordEvent.INITIALISE if settled else RecordEvent.WAIT
        facts = {Guard.RESULTS_COMPLETE: True, Guard.RESULT_SETTLED: settled, Guard.PACKER: True}
        state = transition(None, event, actor.role, facts)
        record_store.add_record(
            connection,
            space.id,
            school_code=school_code,
            class_name=class_name,
            number=number,
            card=card,
            state=state,
        )
        self._context.audit(
            connection, space, actor, "khoi_tao", record_id=card.record_id, new=state.value
        )

    # -- step 3: check

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
            facts = {Guard.RULES_KEPT: True}
            return self._move(
                connection, space, actor, row, RecordEvent.CHECK, "kiem_dung", facts=facts
            )

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
                connection,
                space,
                actor,
                "bao_sai",
                record_id=record_id,
                old=row.line.state.value,
                new=RecordState.DRAFT.value,
                outcome=",".join(wrong),
            )
            return self._line(connection, space, record_id)

    # -- editing

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
            state = transition(
                row.line.state, RecordEvent.EDIT, doer.role, {Guard.NO_SIGNATURE: True}
            )
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
            return replace(actor, identity=replace(clerk, role=Role.HOC_VU))
        raise Stopped(Reason.NOT_YOURS, target=actor.role.value)


def refuse_errors(card: ReportCard) -> None:
    """Raise `Refused` with the errors the rules find in *card*; warnings pass."""
    found: Sequence[Finding] = [*check_consistency(card), *check_rules(card)]
    errors = [finding for finding in found if not is_warning(finding)]
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
