"""The classroom: learners, attempts in invented schools of their own, coach strips, judgement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.classroom.lesson import AnyCheck, Lesson, Step, read_lessons
from sandbox.classroom.store import ClassroomStore, Row
from sandbox.classroom.watching import Seen, passes, step_of
from sandbox.clock import Clock
from sandbox.errors import Misuse
from sandbox.pki import Trust
from sandbox.web.guards import off_loop
from sandbox.web.spaces import Space, Spaces
from sandbox.web.store import Database
from sandbox.wire.classroom import CoachQuestion, Strip
from sandbox.wire.portal import Enter, NewSchool, PersonReply, PortalClient
from sandbox.wire.signing import SigningClient

FIRST_SCHOOL_NUMBER = 1000
"""Running numbers of schools made for attempts; those of the practice data lie far below."""

LEVELS = ("cung", "tu")
"""cung: the strip says what to do; tu: alone, hints only when asked for."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One learner's run through one lesson."""

    number: int
    lesson: int
    level: str
    school: str | None
    class_name: str | None
    teacher: str | None
    passed: bool
    hint_step: int | None

    @classmethod
    def of(cls, row: Row) -> Attempt:
        """Return the attempt a table row holds."""
        names = ("number", "lesson", "level", "school", "class_name", "teacher", "passed")
        return cls(**{name: row[name] for name in names}, hint_step=row["hint_step"])


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether the lesson's success holds now, check by check."""

    checks: tuple[tuple[AnyCheck, bool], ...]

    @property
    def passed(self) -> bool:
        """Whether all checks hold."""
        return all(held for _, held in self.checks)


class ClassroomService:
    """What the classroom's pages and its one service route talk to."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        spaces: Spaces,
        *,
        portal: PortalClient,
        signing: SigningClient,
        trust: Trust,
        lessons: Path,
    ) -> None:
        self._clock, self.spaces = clock, spaces
        self._portal, self._signing, self._trust = portal, signing, trust
        self._store = ClassroomStore(database)
        self.lessons: Mapping[int, Lesson] = read_lessons(lessons)

    def prepare(self) -> None:
        """Create the tables that are not there yet."""
        self._store.prepare()

    def reset_space(self, space_id: str) -> None:
        """Forget learners, attempts and log of one space."""
        self._store.reset(space_id)

    def lesson(self, number: int) -> Lesson | None:
        """Return a lesson by number, or None."""
        return self.lessons.get(number)

    def learner(self, space: Space, key: str) -> Row | None:
        """Return the learner with that visitor key, or None."""
        return self._store.learner(space.id, key)

    def join(self, space: Space, key: str, *, name: str, seat: int | None) -> None:
        """Write a learner down under the name they gave (never a real identifier)."""
        self._store.join(space.id, key, name=name, seat=seat, at=self._clock.epoch())
        self._log(space, learner=key, kind="vao")

    def attempts(self, space: Space, key: str) -> list[Attempt]:
        """Return the learner's attempts, newest first."""
        return [Attempt.of(row) for row in self._store.attempts(space.id, key)]

    def progress(self, space: Space, key: str) -> dict[int, str]:
        """Return `chua_lam`, `dang_lam` or `da_xong` for each lesson."""
        found = dict.fromkeys(self.lessons, "chua_lam")
        for attempt in reversed(self.attempts(space, key)):
            if found.get(attempt.lesson) != "da_xong":
                found[attempt.lesson] = "da_xong" if attempt.passed else "dang_lam"
        return found

    def attempt(self, space: Space, number: int) -> Attempt | None:
        """Return one attempt, or None."""
        row = self._store.attempt(space.id, number)
        return None if row is None else Attempt.of(row)

    async def begin(self, space: Space, key: str, *, lesson: Lesson, level: str) -> Attempt:
        """Open an attempt: a school of its own, its records checked, the learner its teacher.

        Raises `Unavailable` when portal or signing service are away; begin again then.
        """
        if level not in LEVELS:
            raise Misuse(f"level {level!r}", remedy=", ".join(LEVELS))
        number = await off_loop(
            self._store.begin,
            space.id,
            learner=key,
            lesson=lesson.bai,
            level=level,
            at=self._clock.epoch(),
        )
        portal = self._portal.in_space(space.id)
        school = await portal.add_school(
            NewSchool(
                hat_giong=f"{space.seed}/lop/{number}",
                so=FIRST_SCHOOL_NUMBER + number,
                khoi=(lesson.the_gioi.khoi,),
                so_em=lesson.the_gioi.so_em,
                trang_thai=lesson.the_gioi.trang_thai,
            )
        )
        teacher = next(person for person in school.nguoi if person.lop is not None)
        await portal.enter(
            Enter(nguoi_hoc=key, id=teacher.id, don_vi=school.ma_truong, vai=teacher.vai)
        )
        plan = [planned.fault() for planned in lesson.plan(level)]
        if plan:
            await portal.arm(teacher.id, plan)
        await off_loop(
            self._store.change,
            space.id,
            number,
            school=school.ma_truong,
            class_name=teacher.lop,
            teacher=teacher.id,
        )
        await off_loop(self._log, space, learner=key, kind="bat_dau", attempt=number)
        found = await off_loop(self.attempt, space, number)
        if found is None:
            raise Misuse(f"attempt {number} vanished", remedy="begin again")
        return found

    async def card(self, space: Space, attempt: Attempt) -> PersonReply | None:
        """Return who the learner plays, with the PIN printed on the practice card."""
        if attempt.school is None:
            return None
        school = await self._portal.in_space(space.id).school(attempt.school)
        people = school.nguoi if school else []
        return next((person for person in people if person.id == attempt.teacher), None)

    async def look(self, space: Space, attempt: Attempt) -> Seen:
        """Read what the systems hold for *attempt*. Raises `Unavailable`."""
        if attempt.school is None or attempt.teacher is None:
            return Seen((), (), space.now(self._clock))
        records = await self._portal.in_space(space.id).records(attempt.school)
        ledger = await self._signing.in_space(space.id).ledger(signer=attempt.teacher)
        return Seen(tuple(records), tuple(ledger.lines), space.now(self._clock))

    async def judge(self, space: Space, attempt: Attempt) -> Judgement:
        """Hold the lesson's success against the state of the systems, and remember a pass."""
        lesson = self.lessons[attempt.lesson]
        seen = await self.look(space, attempt)
        checks = tuple((check, passes(check, seen, trust=self._trust)) for check in lesson.dat)
        judgement = Judgement(checks)
        if judgement.passed and not attempt.passed:
            await off_loop(
                self._store.change, space.id, attempt.number, passed=True, ended=self._clock.epoch()
            )
            await off_loop(self._log, space, learner="", kind="dat", attempt=attempt.number)
        return judgement

    async def hint(self, space: Space, attempt: Attempt, *, step: int) -> None:
        """Remember that a hint was asked for on *step*; the strip shows it from now on."""
        row = await off_loop(self._store.attempt, space.id, attempt.number)
        count = 0 if row is None else int(row["hints"])
        await off_loop(
            self._store.change, space.id, attempt.number, hints=count + 1, hint_step=step
        )
        await off_loop(self._log, space, learner="", kind="goi_y", attempt=attempt.number)

    async def strip(self, space: Space, question: CoachQuestion) -> Strip | None:
        """Return the coach strip for a page of a learner, or None where none belongs."""
        attempt = await off_loop(self._present_attempt, space, question)
        if attempt is None:
            return None
        lesson = self.lessons[attempt.lesson]
        if attempt.passed:
            return _closing(lesson, attempt, question.language)
        step = step_of(lesson.buoc, question.page, await self.look(space, attempt))
        if step is lesson.buoc[-1] and (await self.judge(space, attempt)).passed:
            strip = _strip(lesson, step, attempt, question.language)
            return strip.model_copy(update={"done": True})
        return None if step is None else _strip(lesson, step, attempt, question.language)

    def _present_attempt(self, space: Space, question: CoachQuestion) -> Attempt | None:
        """Return the newest attempt of the learner, or of whose phone this is."""
        row: Row | None = None
        if question.learner is not None:
            rows = self._store.attempts(space.id, question.learner)
            row = rows[0] if rows else None
        if row is None and question.holder is not None:
            row = self._store.open_attempt_of_teacher(space.id, question.holder)
        return None if row is None else Attempt.of(row)

    def _log(self, space: Space, *, learner: str, kind: str, **values: Any) -> None:
        at = space.now(self._clock).isoformat()
        self._store.log(space.id, at=at, learner=learner, kind=kind, **values)

    def events(self, space: Space) -> list[Row]:
        """Return the event log of one space, oldest first."""
        return self._store.events(space.id)


def hint_action(attempt: int, step: int) -> str:
    """Return the name of the form that asks for the hint of a step."""
    return f"classroom.hint:{attempt}:{step}"


def _strip(lesson: Lesson, step: Step, attempt: Attempt, language: str) -> Strip:
    alone = attempt.level == "tu"
    hinted = attempt.hint_step == step.so
    return Strip(
        lesson=lesson.bai,
        lesson_name=lesson.ten.of(language),
        step=step.so,
        steps=lesson.steps,
        card=f"{lesson.bai}.{step.so}",
        heading=None if alone else step.h1.of(language),
        sentence=None if alone else step.cau.of(language),
        hint=step.nut.of(language) if hinted else None,
        hint_place=step.cho.of(language) if hinted else None,
        home=f"/lop/bai/{lesson.bai}/lan/{attempt.number}",
        hint_path=f"/lop/lan/{attempt.number}/goi-y/{step.so}",
        hint_action=hint_action(attempt.number, step.so),
    )


def _closing(lesson: Lesson, attempt: Attempt, language: str) -> Strip:
    """Return the strip of a passed lesson: no instruction, only the way home."""
    return Strip(
        lesson=lesson.bai,
        lesson_name=lesson.ten.of(language),
        step=lesson.steps,
        steps=lesson.steps,
        card=f"{lesson.bai}.{lesson.steps}",
        done=True,
        home=f"/lop/bai/{lesson.bai}/lan/{attempt.number}",
        hint_path=f"/lop/lan/{attempt.number}/goi-y/{lesson.steps}",
        hint_action=hint_action(attempt.number, lesson.steps),
    )
