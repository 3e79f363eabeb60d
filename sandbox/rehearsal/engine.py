"""Runs one scenario against one client program and judges what reaches the receiving desk.

The run has a practice space to itself, made for it and forgotten after it. The client is one
program, started once; what is asked of it stands in its step file. It is judged by the desk's
journal, the states of the records and the certificate register, and by nothing it says itself.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sandbox import __version__
from sandbox.clock import Clock
from sandbox.errors import Misuse, Unavailable
from sandbox.rehearsal.checks import (
    MAINTENANCE,
    PENDING_CODE,
    SERVICES,
    Judgement,
    Look,
    Standing,
    read_result_of,
    taken_in,
)
from sandbox.rehearsal.client_program import ClientProgram
from sandbox.rehearsal.desk import Desk, Exchange, Outcome
from sandbox.rehearsal.pack import Pack
from sandbox.rehearsal.results import (
    CheckReport,
    ExchangeReport,
    Fault,
    Result,
    RunReport,
    StepReport,
    overall,
)
from sandbox.rehearsal.scenario import Scenario, Step
from sandbox.rehearsal.words import Words
from sandbox.wire.admin import DeskAway, OpenedSpace
from sandbox.wire.ministry import RegistrationStateReply

LOG = logging.getLogger(__name__)

LOOK_EVERY_S = 0.25
ASKED_BY_US = frozenset({SERVICES["token"], SERVICES["approval"], SERVICES["result"]})
DESK_AWAY_S = 6.0
"""How long the desk may be away before the step ends as `error`."""
LEAVE_SECONDS = 5.0
"""How long the client may take to leave after it was told that nothing more is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Time limits laid over those of the scenario, in seconds; None keeps the scenario's."""

    step_s: float | None = None
    run_s: float | None = None


@dataclass(slots=True, kw_only=True)
class Run:
    """One run in progress."""

    name: str
    scenario: Scenario
    space: OpenedSpace
    pack: Pack
    desk: Desk
    program: ClientProgram
    clock: Clock
    words: Words
    limits: Limits = field(default_factory=Limits)
    omit: Sequence[str] = ()
    stop: threading.Event = field(default_factory=threading.Event)
    on_step: Callable[[StepReport], None] = lambda _: None
    before: list[Exchange] = field(default_factory=list)
    cursor: int = 0
    """Number of the last line of the journal that was looked at."""
    deadline: float = 0.0

    def go(self, *, client: str) -> RunReport:
        """Run all steps in order and return the report. Never raises for what the client does."""
        started, began = self.clock.now(), self.clock.monotonic()
        self.deadline = began + (self.limits.run_s or self.scenario.time_limit_s)
        reports: list[StepReport] = []
        for number, step in enumerate(self.scenario.steps, start=1):
            reports.append(self._take(number, step, reports))
            self.on_step(reports[-1])
        self.pack.finish(len(self.scenario.steps) + 1)
        self.program.wait(LEAVE_SECONDS if not self.stop.is_set() else 0.1)
        left_with = self.program.exit_code
        self.program.end()
        result, fault = overall(reports)
        return RunReport(
            run=self.space.khong_gian,
            scenario=self.name,
            title=self.scenario.title.of(self.words.language),
            language=self.words.language,
            client=client,
            base=self.space.dia_chi.goc,
            started=started,
            seconds=round(self.clock.monotonic() - began, 3),
            result=result,
            fault=fault,
            steps=reports,
            client_exit=left_with,
            client_output=self.program.output(),
            sandbox_version=__version__,
        )

    def _take(self, number: int, step: Step, done: list[StepReport]) -> StepReport:
        """Run one step, or say why it is not run."""
        title = step.title.of(self.words.language)
        if step.id in self.omit or step.topology not in (None, self.space.mo_hinh):
            return StepReport(id=step.id, title=title, result=Result.OMIT)
        passed = {row.id for row in done if row.result in (Result.PASS, Result.OMIT)}
        missing = [needed for needed in self.scenario.needs_of(step) if needed not in passed]
        if missing:
            reason = self.words.reason("needs", steps=", ".join(missing))
            return StepReport(id=step.id, title=title, result=Result.SKIP, reason=reason)
        began = self.clock.monotonic()
        try:
            report = _StepRun(run=self, step=step).go(number)
        except KeyboardInterrupt:
            self.stop.set()
            report = StepReport(id=step.id, title=title, result=Result.CANCEL)
        except (Unavailable, Misuse) as error:
            fault = Fault.ENVIRONMENT if isinstance(error, DeskAway) else Fault.SANDBOX
            report = self._broken(step, fault, str(error))
        except Exception as error:
            LOG.exception("rehearsal step %s broke", step.id)
            report = self._broken(step, Fault.SANDBOX, f"{type(error).__name__}: {error}")
        return report.model_copy(update={"seconds": round(self.clock.monotonic() - began, 3)})

    def _broken(self, step: Step, fault: Fault, what: str) -> StepReport:
        """Report that the harness or the sandbox broke: nothing is said about the client."""
        return StepReport(
            id=step.id,
            title=step.title.of(self.words.language),
            result=Result.ERROR,
            fault=fault,
            reason=self.words.reason("broke", what=what[:300]),
            remedy=self.words.remedy(fault),
        )


@dataclass(slots=True)
class _StepRun:
    """One step while it is judged."""

    run: Run
    step: Step
    now: list[Exchange] = field(default_factory=list)
    known: dict[str, dict[str, Outcome]] = field(default_factory=dict)
    """Results by messageid, then by UUID."""

    def go(self, number: int) -> StepReport:
        """Ask, look until it is decided or the time is up, and judge."""
        run, step = self.run, self.step
        deadline = run.clock.monotonic() + (run.limits.step_s or step.time_limit_s)
        deadline = min(deadline, run.deadline)
        if step.by == "client":
            run.pack.ask(number, step, language=run.words.language)
        judgements: list[Judgement] = []
        try:
            while True:
                if run.stop.is_set():
                    return self._report(Result.CANCEL, judgements)
                left = step.by == "client" and run.program.exit_code is not None
                over = left or run.clock.monotonic() >= deadline
                judgements = self._judge(ask_now=over)
                if decided := self._decided(judgements):
                    return decided
                waits = any(j.standing is Standing.PENDING for j in judgements)
                if over and not (left and waits and run.clock.monotonic() < deadline):
                    return self._at_the_end(judgements)
                run.stop.wait(LOOK_EVERY_S)
        finally:
            run.before.extend(self.now)

    def _judge(self, *, ask_now: bool) -> list[Judgement]:
        """Look at the desk once (again for a moment while it is away) and ask every check."""
        given_up = self.run.clock.monotonic() + DESK_AWAY_S
        while True:
            try:
                look = self._look(ask_now=ask_now)
                return [check.judge(look) for check in self.step.checks]
            except Unavailable:
                if self.run.clock.monotonic() >= given_up or self.run.stop.wait(LOOK_EVERY_S):
                    raise

    def _look(self, *, ask_now: bool) -> Look:
        """See what is there.

        Results are asked for only when the client has read them, or (*ask_now*) when its time is
        over: it is the client who is to ask.
        """
        run = self.run
        self.now += self._fresh()
        registration = self._officer() if self.step.by == "officer" else None
        for messageid in taken_in(self.now) - self.known.keys():
            if ask_now or any(read_result_of(row, messageid) for row in self.now):
                found = run.desk.results(messageid)
                self._pass_over_our_own()
                if found is not None:
                    self.known[messageid] = found
        return Look(
            now=tuple(self.now),
            before=tuple(run.before),
            outcomes=self._outcomes(),
            settled=frozenset(self.known),
            registration=registration,
        )

    def _fresh(self) -> list[Exchange]:
        """Return what came since the last look, without what other accounts of the space did."""
        run = self.run
        rows = run.desk.exchanges(after=run.cursor)
        if rows:
            run.cursor = rows[-1].number
        others = {a.user_name for a in run.space.tai_khoan} - {run.pack.account.user_name}
        return [row for row in rows if row.account not in others]

    def _pass_over_our_own(self) -> None:
        """Leave out the calls just made in the school's name: they are no evidence of anything."""
        self.now += [row for row in self._fresh() if row.service not in ASKED_BY_US]

    def _officer(self) -> RegistrationStateReply | None:
        """Approve what waits, as the Sở's officer does, and see how the registration stands."""
        run = self.run
        sent = [row.messageid for row in run.before if row.service == "chung-thu-so" and row.good]
        if not sent or sent[-1] is None:
            return None
        standing = run.desk.registration(sent[-1], school_year=run.space.nam_hoc)
        if standing.error == PENDING_CODE and run.desk.approve(sent[-1]):
            standing = run.desk.registration(sent[-1], school_year=run.space.nam_hoc)
        self._pass_over_our_own()
        return standing

    def _outcomes(self) -> dict[str, Outcome]:
        """Return what is known of the records this step is about, by name."""
        found: dict[str, Outcome] = {}
        for name in self.step.records():
            uuid = self.run.pack.uuids[name].lower()
            for rows in self.known.values():
                if outcome := rows.get(uuid) or rows.get(""):
                    found[name] = outcome
            if name not in found and (stored := self.run.desk.stored(uuid)):
                found[name] = stored
        return found

    def _decided(self, judgements: list[Judgement]) -> StepReport | None:
        """Return the step's report once nothing can change it any more."""
        if all(j.standing is Standing.MET for j in judgements):
            return self._report(Result.PASS, judgements)
        for judgement in judgements:
            if judgement.standing is Standing.BROKEN:
                return self._report(_result_of(judgement.fault), judgements, because=judgement)
        return None

    def _at_the_end(self, judgements: list[Judgement]) -> StepReport:
        """Judge what is still open when the time is up or the client has left."""
        for judgement in judgements:
            if judgement.standing is Standing.PENDING:
                return self._report(Result.WAIT, judgements, because=judgement)
        judgement = next(j for j in judgements if j.standing is Standing.OPEN)
        if self.now and self.now[-1].error == MAINTENANCE:
            # Whatever the client still owed, it was told to come back later.
            judgement = Judgement(Standing.OPEN, "maintenance", fault=Fault.ENVIRONMENT)
        return self._report(_result_of(judgement.fault), judgements, because=judgement)

    def _report(
        self, result: Result, judgements: list[Judgement], *, because: Judgement | None = None
    ) -> StepReport:
        run, words = self.run, self.run.words
        reason = words.judged(because) if because else ""
        if because and because.standing is Standing.OPEN and run.program.exit_code is not None:
            reason += " " + words.reason("client_left", code=str(run.program.exit_code))
        fault = because.fault if because else Fault.NONE
        return StepReport(
            id=self.step.id,
            title=self.step.title.of(words.language),
            result=result,
            fault=fault,
            reason=reason,
            remedy=words.remedy_of(because) if because else "",
            checks=[
                CheckReport(
                    check=check.check,
                    arguments=check.arguments(),
                    met=judgement.standing is Standing.MET,
                    reason=words.judged(judgement),
                )
                for check, judgement in zip(self.step.checks, judgements, strict=False)
            ],
            exchanges=[
                ExchangeReport(
                    number=row.number,
                    at=row.at,
                    service=row.service,
                    type=row.type,
                    messageid=row.messageid,
                    status=row.status,
                    error=row.error,
                )
                for row in self.now[-50:]
            ],
        )


def _result_of(fault: Fault) -> Result:
    return Result.FAIL if fault is Fault.PROVIDER else Result.ERROR
