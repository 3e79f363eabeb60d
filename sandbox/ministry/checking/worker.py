"""The checking worker: claims a package, checks it, writes its result once.

The result, the accepted records, the pupils' facts and the counters are one transaction that only
the holder of the claim may commit: a worker killed at any moment leaves either everything or
nothing of a package behind, and another worker takes it again when the claim has run out.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
from dataclasses import dataclass

from sandbox.domain.lifecycle import RecordState
from sandbox.errors import Finding, Unavailable
from sandbox.ministry import findings as kept
from sandbox.ministry import package_store
from sandbox.ministry.checking.at_desk import DeskChecks, earlier_at
from sandbox.ministry.checking.context import Context, Sender
from sandbox.ministry.checking.package import Opened, check_records, conclude, open_package
from sandbox.ministry.checking.record import Draft
from sandbox.ministry.checking.settling import settle
from sandbox.ministry.checking.storing import audit, count, result_line, step_10_store
from sandbox.ministry.checking.verdict import PackageVerdict, RecordVerdict
from sandbox.ministry.crosscheck_sampling import Sampler
from sandbox.ministry.metering_watch import PackageWatch
from sandbox.ministry.model import Claim, DeskKind, PackageState
from sandbox.ministry.package_store import Settlement
from sandbox.ministry.service import MinistryService
from sandbox.ministry.tables_store import Transaction, take_numbers

LOG = logging.getLogger("sandbox.ministry.checking")
CLAIM_S = 60.0
"""How long a claim holds without being renewed, machine seconds."""
IDLE_S = 0.25
AWAY_S = 1.0
"""Pause before a database that is away is tried again."""
FAULTS_FORGIVEN = 3
"""How often checking may fail on a package before it is answered `SBX-9001`."""
BACKOFF_S = (1.0, 5.0, 15.0)
LAPSED_S = 5.0
"""Pause before a package is taken again whose space or desk is just being opened or reset."""


class Lost(Exception):
    """Another worker holds the package now; what was found out is dropped."""


class Worker:
    """One checking process or thread."""

    def __init__(
        self, service: MinistryService, *, claim_s: float = CLAIM_S, idle_s: float = IDLE_S
    ) -> None:
        self._service = service
        self._database = service.database
        self._clock = service.clock
        self._claim_s, self._idle_s = claim_s, idle_s
        self.name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._checks = DeskChecks(service)
        self._watch = PackageWatch(service.meter, service.clock, worker=self.name)
        self._sampler = Sampler()

    def run(self, stop: threading.Event) -> None:
        """Work until *stop* is set; the package in hand is finished first (drain)."""
        while not stop.is_set():
            try:
                worked = self.run_once()
            except Unavailable as away:  # the database: what was claimed is taken again
                LOG.warning("checking waits: %s", away)
                worked = False
                stop.wait(AWAY_S)
            except Exception:
                LOG.exception("checking stumbled; going on")
                worked = False
            if not worked:
                stop.wait(self._idle_s)

    def run_once(self) -> bool:
        """Check one package if one is due; False when there was nothing to do."""
        epoch = self._clock.epoch()
        with self._database.read() as connection:
            if not package_store.anything_due(connection, epoch=epoch):
                return False
        with self._database.write() as connection:
            claimed = package_store.claim(
                connection, worker=self.name, epoch=epoch, seconds=self._claim_s
            )
        if claimed is None:
            return False
        self._work(claimed)
        return True

    def _work(self, claimed: Claim) -> None:
        self._watch.begun(claimed)
        try:
            self._check_and_settle(claimed)
        except Lost:
            self._watch.lost(claimed)
        except Unavailable as away:
            self._put_back(claimed, after=float(away.retry_after), reason=str(away))
        except Exception:
            self._watch.fault(claimed)
            self._suffer_fault(claimed)

    def _put_back(
        self, claimed: Claim, *, after: float, reason: str | None, fault: bool = False
    ) -> None:
        due = self._clock.epoch() + min(after, package_store.LONGEST_AHEAD_S / 2)
        with self._database.write() as connection:
            package_store.put_back(connection, claimed, due=due, reason=reason, fault=fault)
        self._watch.put_back(claimed, reason=reason, after=after)

    def _suffer_fault(self, claimed: Claim) -> None:
        """Try again a little later; after the last forgiven fault answer `SBX-9001`."""
        faults = claimed.package.faults
        if faults < FAULTS_FORGIVEN:
            self._put_back(claimed, after=BACKOFF_S[faults], reason="SBX-9001", fault=True)
            return
        settlement = Settlement(
            state=PackageState.REFUSED,
            findings=kept.all_to_json([Finding("SBX-9001")]),
            lines=(),
            timings={},
            epoch=self._clock.epoch(),
        )
        with self._database.write() as connection:
            package_store.settle(connection, claimed, settlement)
        self._watch.given_up(claimed, "SBX-9001")

    def _check_and_settle(self, claimed: Claim) -> None:
        package = claimed.package
        space = self._service.spaces.get(package.space)
        desk = None if space is None else self._service.desk(space, package.desk)
        if space is None or desk is None:
            raise Unavailable(f"{package.space}/{package.desk}", retry_after=int(LAPSED_S))
        sender = self._checks.sender(space, desk, package.user_name, nam_hoc=package.nam_hoc)
        context = self._checks.context(
            space,
            desk,
            sender or Sender(package.unit_code, "truong", package.nam_hoc),
            between_records=_Renewal(self, claimed).beat,
        )
        opened = open_package(claimed.content.decode(), context)
        if isinstance(opened, PackageVerdict):
            self._settle_refused(claimed, opened)
            return
        self._settle(claimed, opened, check_records(opened, context), context, desk.kind)

    def renew(self, claimed: Claim) -> float:
        """Hold the claim for another stretch and return its end. Raises `Lost`."""
        until = self._clock.epoch() + self._claim_s
        with self._database.write() as connection:
            if not package_store.renew(connection, claimed, until=until):
                raise Lost
        return until

    def needs_renewal(self, until: float) -> bool:
        """Tell whether half of a claim that ends at *until* is over."""
        return until - self._clock.epoch() < self._claim_s / 2

    def _settle_refused(self, claimed: Claim, verdict: PackageVerdict) -> None:
        with self._database.write() as connection:
            if not package_store.settle(connection, claimed, self._settlement(verdict)):
                raise Lost
            self._keep_books(connection, claimed, verdict.records, accepted_as=RecordState.REJECTED)
        self._watch.settled(claimed, verdict)

    def _settle(
        self,
        claimed: Claim,
        opened: Opened,
        drafts: list[Draft],
        context: Context,
        kind: DeskKind,
    ) -> None:
        """Steps 7 (pupil), 9 and 10, in the one transaction only the claim's holder commits."""
        package = claimed.package
        state = RecordState.REPORTED if kind is DeskKind.KHO else RecordState.CIRCULATING
        cards = [draft.verdict.card for draft in drafts if draft.verdict.card is not None]
        with self._database.write() as connection:
            # The counter's row is the desk's turnstile: one package settles after the other.
            first = take_numbers(
                connection,
                space=package.space,
                desk=package.desk,
                name="luu-hanh",
                count=len(drafts),
            )
            earlier = earlier_at(connection, space=package.space, desk=package.desk, cards=cards)
            with context.timed("9"):
                records = settle(drafts, context, earlier=earlier)
            verdict = conclude(opened, records, context)
            if not package_store.settle(connection, claimed, self._settlement(verdict)):
                raise Lost
            step_10_store(
                connection,
                package,
                [record for record in records if record.accepted],
                first_number=first,
                state=state,
                held=frozenset(earlier.pupils),
                at=context.at,
            )
            self._keep_books(connection, claimed, records, accepted_as=state)
        self._watch.settled(claimed, verdict)

    def _settlement(self, verdict: PackageVerdict) -> Settlement:
        return Settlement(
            state=PackageState.REFUSED if verdict.refused else PackageState.DONE,
            findings=kept.all_to_json(verdict.findings),
            lines=tuple(result_line(record) for record in verdict.records),
            timings={step: round(spent, 6) for step, spent in verdict.timings.items()},
            epoch=self._clock.epoch(),
        )

    def _keep_books(
        self,
        connection: Transaction,
        claimed: Claim,
        records: tuple[RecordVerdict, ...],
        *,
        accepted_as: RecordState,
    ) -> None:
        space = self._service.spaces.get(claimed.package.space)
        if space is None:
            raise Lost
        moment = self._service.moment(space)
        count(connection, claimed.package, records)
        audit(connection, claimed.package, records, accepted_as=accepted_as, moment=moment)
        self._sampler.note(connection, claimed.package, records, epoch=moment.epoch)


@dataclass(slots=True)
class _Renewal:
    """Renews a claim when half of its time is over: a package of 2,000 records takes a while."""

    worker: Worker
    claimed: Claim
    until: float = 0.0

    def beat(self) -> None:
        """Renew if it is time. Raises `Lost` when another worker has the package."""
        self.until = self.until or self.claimed.until_epoch
        if self.worker.needs_renewal(self.until):
            self.until = self.worker.renew(self.claimed)
