"""Steps 9 and 10: what was checked is judged by what came before, and written, at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.domain.lifecycle import RecordState
from sandbox.ministry import document_store, package_store, record_store, store
from sandbox.ministry import findings as kept
from sandbox.ministry.checking.at_desk import earlier_at
from sandbox.ministry.checking.context import Context
from sandbox.ministry.checking.package import Opened, conclude
from sandbox.ministry.checking.record import Draft
from sandbox.ministry.checking.settling import SoFar, settle
from sandbox.ministry.checking.storing import audit_lines, result_line, stored_rows, tallies
from sandbox.ministry.checking.verdict import PackageVerdict
from sandbox.ministry.crosscheck_sampling import Sampler
from sandbox.ministry.metering_watch import PackageWatch
from sandbox.ministry.model import (
    Audit,
    Claim,
    Desk,
    DeskKind,
    Moment,
    PackageState,
    RecordRow,
    Tally,
)
from sandbox.ministry.package_store import Settlement
from sandbox.ministry.record_store import Earlier
from sandbox.ministry.service import MinistryService
from sandbox.ministry.tables_store import Transaction, take_numbers
from sandbox.web.spaces import Space


@dataclass(frozen=True, slots=True)
class Examined:
    """A claimed package after steps 1 to 8."""

    claim: Claim
    space: Space
    desk: Desk
    opened: Opened | PackageVerdict
    """A verdict where the package itself was refused."""
    drafts: tuple[Draft, ...]
    context: Context


class Settler:
    """Writes what packages of one desk end with, in one transaction."""

    def __init__(self, service: MinistryService, watch: PackageWatch) -> None:
        self._service, self._watch = service, watch
        self._sampler = Sampler()
        self._database, self._clock = service.database, service.clock

    def settle(self, examined: Sequence[Examined]) -> None:
        """Settle *examined*, all of one desk, in their order; what was lost is left alone.

        The second package sees what the first one brought, as if it came after it.
        """
        space, desk = examined[0].space, examined[0].desk
        state = RecordState.REPORTED if desk.kind is DeskKind.KHO else RecordState.CIRCULATING
        here = {"space": space.id, "desk": desk.desk}
        books = _Books()
        with self._database.write() as connection:
            # The counter's row is the desk's turnstile: packages settle one after the other.
            count = sum(len(one.drafts) for one in examined)
            number = take_numbers(connection, name="luu-hanh", count=count, **here)
            earlier = self._earlier(connection, examined)
            so_far = SoFar()
            for one in examined:
                with_this = so_far.next_package()
                verdict = _judge(one, earlier, with_this)
                if not package_store.settle(connection, one.claim, self._settlement(one, verdict)):
                    package_store.outlive(connection, one.claim, epoch=self._clock.epoch())
                    self._watch.lost(one.claim)
                    continue
                so_far = with_this
                moment = self._service.moment(space)
                number += books.enter(one, verdict, number=number, state=state, moment=moment)
                package = one.claim.package
                self._sampler.note(connection, package, verdict.records, epoch=moment.epoch)
            books.write(connection, space=space.id, desk=desk.desk)
        for claim, verdict in books.settled:
            self._watch.settled(claim, verdict)

    def _earlier(self, connection: Transaction, examined: Sequence[Examined]) -> Earlier:
        """Return what the desk holds about the records and pupils of *examined*."""
        cards = [
            draft.verdict.card
            for one in examined
            for draft in one.drafts
            if draft.verdict.card is not None
        ]
        first = examined[0]
        return earlier_at(connection, space=first.space.id, desk=first.desk.desk, cards=cards)

    def _settlement(self, one: Examined, verdict: PackageVerdict) -> Settlement:
        return Settlement(
            state=PackageState.REFUSED if verdict.refused else PackageState.DONE,
            findings=kept.all_to_json(verdict.findings),
            lines=tuple(result_line(record) for record in verdict.records),
            timings={step: round(spent, 6) for step, spent in verdict.timings.items()},
            epoch=self._clock.epoch(),
        )


def _judge(one: Examined, earlier: Earlier, so_far: SoFar) -> PackageVerdict:
    """Return the verdict of a package, judged by all that came before it."""
    if isinstance(one.opened, PackageVerdict):
        return one.opened
    with one.context.timed("9"):
        records = settle(one.drafts, one.context, earlier=earlier, so_far=so_far)
    return conclude(one.opened, records, one.context)


_NOTHING = Tally(0, 0, 0)


class _Books:
    """What a transaction writes once for all its packages."""

    def __init__(self) -> None:
        self.settled: list[tuple[Claim, PackageVerdict]] = []
        self._rows: list[RecordRow] = []
        self._lines: list[Audit] = []
        self._tallies: dict[str, Tally] = {}
        self._documents: dict[str, bytes] = {}
        self._bodies: list[str] = []
        """Messageids of packages of which the document tells everything."""
        self._closed: Counter[tuple[str, str, str]] = Counter()

    def enter(
        self,
        one: Examined,
        verdict: PackageVerdict,
        *,
        number: int,
        state: RecordState,
        moment: Moment,
    ) -> int:
        """Enter a settled package whose accepted records are numbered on from *number*.

        Returns how many there are.
        """
        package = one.claim.package
        accepted = [record for record in verdict.records if record.accepted]
        self._rows += stored_rows(
            accepted, package, first_number=number, state=state, at=one.context.at
        )
        self._lines += audit_lines(package, verdict.records, accepted_as=state, moment=moment)
        for school, tally in tallies(verdict.records).items():
            self._tallies[school] = self._tallies.get(school, _NOTHING) + tally
        if isinstance(one.opened, Opened):
            self._documents[package.messageid] = one.opened.package.xml
            if not verdict.findings:
                self._bodies.append(package.messageid)
        self._closed[package.account] += 1
        self.settled.append((one.claim, verdict))
        return len(accepted)

    def write(self, connection: Transaction, *, space: str, desk: str) -> None:
        """Write everything entered; accounts first, as intake locks them, the audit trail last."""
        here = {"space": space, "desk": desk}
        package_store.leave(connection, self._closed)
        document_store.keep_documents(connection, self._documents, **here)
        document_store.drop_bodies(connection, self._bodies, **here)
        record_store.add_records(connection, self._rows, **here)
        record_store.count_up(connection, self._tallies, **here)
        store.add_audit(connection, self._lines, **here)
