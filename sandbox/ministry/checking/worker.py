"""The checking worker: claims packages, checks them, writes their results once.

The results, the accepted records and the counters of the packages in hand are one transaction
that counts only for those whose claim is still held: a worker killed at any moment leaves either
everything or nothing of a package behind, and another worker takes it again when the claim has
run out.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from sandbox.errors import Finding, Unavailable
from sandbox.ministry import findings as kept
from sandbox.ministry import package_store
from sandbox.ministry.checking.at_desk import DeskChecks
from sandbox.ministry.checking.facts import BatchFacts, DeskFacts
from sandbox.ministry.checking.package import check_records, open_package
from sandbox.ministry.checking.settlement import Examined, Settler
from sandbox.ministry.checking.verdict import PackageVerdict
from sandbox.ministry.metering_watch import PackageWatch
from sandbox.ministry.model import Claim, PackageState
from sandbox.ministry.package_store import Settlement
from sandbox.ministry.service import MinistryService

LOG = logging.getLogger("sandbox.ministry.checking")
CLAIM_S = 60.0
"""How long a claim holds without being renewed, machine seconds."""
IDLE_S = 0.25
AWAY_S = 1.0
"""Pause before a database that is away is tried again."""
FAULTS_FORGIVEN = 3
"""How often checking may fail on a package, or its worker die, before it is answered `SBX-9001`."""
BACKOFF_S = (1.0, 5.0, 15.0)
LAPSED_S = 5.0
"""Pause before a package is taken again whose space or desk is just being opened or reset."""


class Lost(Exception):
    """Another worker holds the package now; what was found out is dropped."""


class Worker:
    """One checking process or thread. *batch*: packages it takes in hand at once."""

    def __init__(
        self,
        service: MinistryService,
        *,
        claim_s: float = CLAIM_S,
        idle_s: float = IDLE_S,
        batch: int = 1,
    ) -> None:
        self._service = service
        self._database = service.database
        self._clock = service.clock
        self._claim_s, self._idle_s, self._batch = claim_s, idle_s, batch
        self.name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._checks = DeskChecks(service)
        self._watch = PackageWatch(service.meter, service.clock, worker=self.name)
        self._settler = Settler(service, self._watch)

    def run(self, stop: threading.Event) -> None:
        """Work until *stop* is set; the packages in hand are finished first (drain)."""
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
        """Check what is due, as much as is taken at once; False when there was nothing to do."""
        epoch = self._clock.epoch()
        with self._database.read() as connection:
            if not package_store.anything_due(connection, epoch=epoch):
                return False
        with self._database.write() as connection:
            claims = package_store.claim(
                connection,
                worker=self.name,
                epoch=epoch,
                seconds=self._claim_s,
                limit=self._batch,
            )
        if not claims:
            return False
        renewal = _Renewal(self, claims)
        facts = BatchFacts(self._service, [claim.package for claim in claims])
        examined = [
            one for claim in claims if (one := self._examine(claim, facts, renewal)) is not None
        ]
        for _desk, together in groupby(examined, key=lambda one: (one.space.id, one.desk.desk)):
            self._settle(list(together))
        for one in examined:
            if not isinstance(one.opened, PackageVerdict):
                one.opened.package.let_go()
        return True

    def _examine(self, claim: Claim, facts: BatchFacts, renewal: _Renewal) -> Examined | None:
        """Take a package through steps 1 to 8; None when it is somebody else's or waits."""
        if claim.package.faults > FAULTS_FORGIVEN:
            self._give_up(claim)
            return None
        self._watch.begun(claim)
        try:
            return self._check(claim, facts.of(claim.package), renewal)
        except Lost:
            with self._database.write() as connection:
                package_store.outlive(connection, claim, epoch=self._clock.epoch())
            self._watch.lost(claim)
        except Unavailable as away:
            self._put_back(claim, after=float(away.retry_after), reason=str(away))
        except Exception:
            self._watch.fault(claim)
            self._suffer_fault(claim)
        return None

    def _check(self, claim: Claim, facts: DeskFacts | None, renewal: _Renewal) -> Examined:
        package = claim.package
        if facts is None:
            raise Unavailable(f"{package.space}/{package.desk}", retry_after=int(LAPSED_S))
        context = self._checks.context(
            facts.space,
            facts.desk,
            facts.sender(package),
            facts=facts,
            between_records=lambda: renewal.beat(claim),
        )
        opened = open_package(claim.content.decode(), context)
        drafts = () if isinstance(opened, PackageVerdict) else check_records(opened, context)
        return Examined(claim, facts.space, facts.desk, opened, tuple(drafts), context)

    def _settle(self, examined: list[Examined]) -> None:
        """Settle what was checked for one desk; when that fails, each package for itself."""
        try:
            self._settler.settle(examined)
        except Unavailable:
            raise
        except Exception:
            if len(examined) > 1:
                LOG.exception("settling %s packages failed; each for itself", len(examined))
                for one in examined:
                    self._settle([one])
                return
            self._watch.fault(examined[0].claim)
            self._suffer_fault(examined[0].claim)

    def _put_back(
        self, claim: Claim, *, after: float, reason: str | None, fault: bool = False
    ) -> None:
        due = self._clock.epoch() + min(after, package_store.LONGEST_AHEAD_S / 2)
        with self._database.write() as connection:
            package_store.put_back(connection, claim, due=due, reason=reason, fault=fault)
        self._watch.put_back(claim, reason=reason, after=after)

    def _suffer_fault(self, claim: Claim) -> None:
        """Try again a little later; after the last forgiven fault answer `SBX-9001`."""
        faults = claim.package.faults
        if faults < FAULTS_FORGIVEN:
            self._put_back(claim, after=BACKOFF_S[faults], reason="SBX-9001", fault=True)
        else:
            self._give_up(claim)

    def _give_up(self, claim: Claim) -> None:
        """Answer `SBX-9001`: ours to mend, and nobody else waits for it."""
        settlement = Settlement(
            state=PackageState.REFUSED,
            findings=kept.all_to_json([Finding("SBX-9001")]),
            lines=(),
            timings={},
            epoch=self._clock.epoch(),
        )
        with self._database.write() as connection:
            held = package_store.settle(connection, claim, settlement)
            if held:
                package_store.leave(connection, Counter([claim.package.account]))
        if held:
            self._watch.given_up(claim, "SBX-9001")
        else:
            self._watch.lost(claim)

    def renew(self, claim: Claim) -> float | None:
        """Hold the claim for another stretch and return its end; None when it was lost."""
        until = self._clock.epoch() + self._claim_s
        with self._database.write() as connection:
            held = package_store.renew(connection, claim, until=until)
        return until if held else None

    def needs_renewal(self, until: float) -> bool:
        """Tell whether half of a claim that ends at *until* is over."""
        return until - self._clock.epoch() < self._claim_s / 2


@dataclass(slots=True)
class _Renewal:
    """Renews the claims in hand when half of their time is over.

    A package of 2,000 records takes a while, and those taken with it wait for it.
    """

    worker: Worker
    claims: list[Claim]
    until: float = 0.0
    lost: set[str] = field(default_factory=set)

    def beat(self, current: Claim) -> None:
        """Renew if it is time. Raises `Lost` when another worker has *current*."""
        self.until = self.until or current.until_epoch
        if self.worker.needs_renewal(self.until):
            self.until = min(self._renewed(), default=self.until)
        if current.package.messageid in self.lost:
            raise Lost

    def _renewed(self) -> Iterator[float]:
        for claim in self.claims:
            until = self.worker.renew(claim)
            if until is None:
                self.lost.add(claim.package.messageid)
            else:
                yield until
