"""Checking against what a desk holds: its registers, approvals, revocation lists, records."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from sandbox.domain.report_card import ReportCard
from sandbox.ministry import record_store
from sandbox.ministry.approvals import DeskApprovals
from sandbox.ministry.checking.context import Context, Revocations, Sender
from sandbox.ministry.checking.facts import DeskFacts
from sandbox.ministry.checking.package import (
    check_record_file,
    check_records,
    conclude,
    open_package,
)
from sandbox.ministry.checking.settling import settle
from sandbox.ministry.checking.verdict import PackageVerdict
from sandbox.ministry.exercise import exercise_of
from sandbox.ministry.model import Desk
from sandbox.ministry.record_store import Earlier
from sandbox.ministry.revocation import RevocationReader
from sandbox.ministry.service import MinistryService
from sandbox.ministry.tables_store import Transaction
from sandbox.web.spaces import Space
from sandbox.wire.responders import fetch_crl


class DeskChecks:
    """Builds the context of a check from one installation's database and responders.

    *fetch* gives a revocation list where the caller has it at hand; without it the list is read
    from the responders over HTTP.
    """

    def __init__(
        self, service: MinistryService, *, fetch: Callable[[Space, str], bytes] | None = None
    ) -> None:
        self._service = service
        self._database = service.database
        self._revocations = RevocationReader(
            fetch or self._fetch,
            trust=service.trust,
            clock=service.clock,
            looked=lambda hit: service.meter.cache("crl", hit=hit),
        )

    def _fetch(self, space: Space, issuer: str) -> bytes:
        base = f"{self._service.responders_url}{space.prefix}"
        return fetch_crl(base, issuer, allowed=self._service.allowed_hosts)

    def revocations(self, space: Space) -> Revocations:
        """Return the reader of *space*'s revocation lists; it raises `Unavailable`."""
        return self._revocations.of(space)

    def context(
        self,
        space: Space,
        desk: Desk,
        sender: Sender | None,
        *,
        facts: DeskFacts | None = None,
        between_records: Callable[[], None] | None = None,
    ) -> Context:
        """Return everything a delivery by *sender* is checked against at *desk*, now.

        *facts*: what was looked up of the desk together for several packages.
        """
        facts = facts or DeskFacts(space, desk, self._service)
        context = Context(
            at=space.now(self._service.clock),
            exercise=exercise_of(space),
            trust=self._service.trust,
            revocations=cache(self.revocations(space)),  # a package is checked by one state of them
            approvals=DeskApprovals(desk.kind, facts.certificates),
            sender=sender,
            register=facts.register,
            ticks=self._service.clock.monotonic,
        )
        if between_records is not None:
            context.between_records = between_records
        return context

    def check(
        self, delivery: str | bytes, space: Space, desk: Desk, sender: Sender | None
    ) -> PackageVerdict:
        """Make every check of a package, storing nothing (`hocba validate --space`).

        Raises:
            Unavailable: a revocation list is away.
        """
        context = self.context(space, desk, sender)
        opened = open_package(delivery, context)
        if isinstance(opened, PackageVerdict):
            return opened
        drafts = check_records(opened, context)
        cards = [draft.verdict.card for draft in drafts if draft.verdict.card is not None]
        with self._database.read() as connection:
            earlier = earlier_at(connection, space=space.id, desk=desk.desk, cards=cards)
        return conclude(opened, settle(drafts, context, earlier=earlier), context)

    def check_record(
        self, xml: bytes, space: Space, desk: Desk, sender: Sender | None
    ) -> PackageVerdict:
        """Make every check of a single-record file, storing nothing.

        Raises:
            Unavailable: a revocation list is away.
        """
        verdict = check_record_file(xml, self.context(space, desk, sender))
        cards = [record.card for record in verdict.records if record.card is not None]
        with self._database.read() as connection:
            earlier = earlier_at(connection, space=space.id, desk=desk.desk, cards=cards)
        return check_record_file(xml, self.context(space, desk, sender), earlier=earlier)


def earlier_at(
    connection: Transaction, *, space: str, desk: str, cards: list[ReportCard]
) -> Earlier:
    """Return what a desk holds about the records and pupils of *cards*."""
    return record_store.earlier_of(
        connection,
        space=space,
        desk=desk,
        uuids=[card.record_id.lower() for card in cards],
        pupil_ids=[card.general.pupil_id for card in cards],
    )
