"""The certificate responders: publish what the training authority says, space by space.

The authority belongs to the installation, what happened to its certificates to a space
(architecture §6.4). Lists follow the space clock: an event of tomorrow is in the list as soon as
the clock says tomorrow, and out of it again when the clock is moved back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.clock import Clock
from sandbox.errors import SandboxError
from sandbox.pki import (
    Certificate,
    CertificateHistory,
    Issuer,
    Suspension,
    TrainingAuthority,
    build_crl,
    ocsp,
)
from sandbox.responders import store
from sandbox.responders.gallery import FIRST_MOMENT, Gallery
from sandbox.responders.store import RESPONDERS, EventRow
from sandbox.responders.trying import DeskTrial
from sandbox.web.spaces import Space, Spaces
from sandbox.web.store import Database
from sandbox.wire.responders import EventKind

LIST_HOLDS = timedelta(days=1)
"""nextUpdate − thisUpdate, space time."""


class ContradictionError(SandboxError):
    """An event that cannot follow on what happened: to a revoked certificate, twice the same."""


@dataclass(frozen=True, slots=True)
class Published:
    """One issuing CA and its list in a space, for the page."""

    issuer: Issuer
    this_update: datetime
    next_update: datetime
    revoked: int
    suspended: int


class RespondersService:
    """Lists, answers, certificates and events of one installation.

    *desk_url* gives the address of a receiving desk in a space, *admin_token* opens its side door:
    with them gallery samples can be sent there.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        spaces: Spaces,
        authority: TrainingAuthority,
        *,
        desk_url: Callable[[str, str], str] | None = None,
        admin_token: str = "",
    ) -> None:
        self._database, self._clock, self._spaces = database, clock, spaces
        self._authority = authority
        self.gallery = Gallery(authority)
        self.trial = (
            None
            if desk_url is None
            else DeskTrial(self.gallery, desk_url=desk_url, token=admin_token)
        )
        """The gallery's school at a desk; None where no desk is known."""
        self._responders = {code: authority.ocsp_responder(code) for code in authority.issuers}

    def prepare(self) -> None:
        """Create the tables that are missing."""
        self._database.create(RESPONDERS)

    def reset_space(self, space_id: str) -> None:
        """Forget what happened to certificates in a space: all are good again."""
        store.forget(self._database, space=space_id)

    @property
    def root(self) -> Certificate:
        """The certificate everything hangs on."""
        return self._authority.root.certificate

    @property
    def chain_pem(self) -> str:
        """Both issuing CAs and the root as one PEM text."""
        return self._authority.chain_pem

    def issuer(self, code: str) -> Certificate | None:
        """Return the certificate of an issuing CA, or None for a code that is none."""
        found = self._authority.issuers.get(code)
        return None if found is None else found.certificate

    def crl(self, space: Space, code: str) -> bytes | None:
        """Return the DER of an issuing CA's list in *space*, or None for an unknown code.

        thisUpdate is the space's present; the CRL number comes from the machine's clock, which
        never runs back, so that it grows whatever is done to the space's (RFC 5280 §5.2.3).
        """
        issuer = self._authority.issuers.get(code)
        if issuer is None:
            return None
        now = space.now(self._clock)
        return build_crl(
            issuer,
            self._histories(space, code, until=now),
            this_update=now,
            next_update=now + LIST_HOLDS,
            number=int(self._clock.epoch()),
        )

    def status_answer(self, space: Space, code: str, der: bytes) -> bytes | None:
        """Return the DER of an issuing CA's answer to the request *der*, or None for no such CA.

        What is no request is answered in the protocol's own words. Good, on hold or revoked by
        the space clock; unknown for a serial the CA never gave out, and for other CAs'.
        """
        issuer = self._authority.issuers.get(code)
        if issuer is None:
            return None
        try:
            request = ocsp.read_request(der)
        except ocsp.MalformedError:
            return ocsp.MALFORMED
        now = space.now(self._clock)
        known = {one.serial: one for one in self._histories(space, code, until=now)}

        def status(serial: int) -> ocsp.StatusNow:
            if not self._authority.has_issued(code, serial):
                return ocsp.StatusNow(ocsp.Status.UNKNOWN)
            return ocsp.StatusNow.of(known.get(serial), now)

        return ocsp.answer(
            request,
            issuer=issuer.certificate,
            responder=self._responders[code],
            status=status,
            this_update=now,
            next_update=now + LIST_HOLDS,
        )

    def record(
        self,
        space: Space,
        *,
        issuer: str,
        serial: str,
        kind: EventKind,
        at: datetime | None = None,
    ) -> EventRow:
        """Write down that a certificate was revoked, suspended or resumed.

        *serial* is hex in any form; *at* is space time, by default now, and may lie in the
        future. Raises `ContradictionError` when it does not follow on what happened before.
        """
        moment = (at or space.now(self._clock)).replace(microsecond=0)
        known = [
            event
            for event in self._happened(space, issuer)
            if int(event.serial, 16) == int(serial, 16)
        ]
        _require_sense(known, kind=kind, at=moment)
        return store.add(
            self._database,
            space=space.id,
            issuer=issuer,
            serial=_canonical(serial),
            kind=kind,
            at=moment,
        )

    def now(self, space: Space) -> datetime:
        """Return the present of *space*: whole seconds."""
        return space.now(self._clock)

    def move_clock(self, space: Space, *, days: int | None) -> None:
        """Move the clock of *space* on by *days*; None takes it back to the first moment."""
        to = FIRST_MOMENT if days is None else self.now(space) + timedelta(days=days)
        self._spaces.move_clock(space.id, to)

    def issuer_of(self, serial: str) -> str | None:
        """Return the code of the issuing CA that gave out *serial* (hex), or None."""
        number = int(serial, 16)
        return next(
            (c for c in self._authority.issuers if self._authority.has_issued(c, number)), None
        )

    def events(self, space: Space) -> list[EventRow]:
        """Return what was written down in *space*, future events included."""
        return store.events(self._database, space=space.id)

    def published(self, space: Space) -> list[Published]:
        """Return both issuing CAs with the state of their lists, for the page."""
        now = space.now(self._clock)
        return [
            self._published(issuer, self._histories(space, code, until=now), now=now)
            for code, issuer in self._authority.issuers.items()
        ]

    def history(self, space: Space, certificate: Certificate) -> CertificateHistory | None:
        """Return what has happened to *certificate* by now; None when nothing has."""
        found = self._histories(space, certificate.issuer_code, until=space.now(self._clock))
        return next((one for one in found if one.serial == certificate.serial), None)

    def state(self, space: Space, certificate: Certificate) -> ocsp.Status:
        """Return good, suspended, revoked or unknown: what the responder says of it now."""
        code = certificate.issuer_code
        if code not in self._authority.issuers or not self._authority.has_issued(
            code, certificate.serial
        ):
            return ocsp.Status.UNKNOWN
        now = space.now(self._clock)
        return ocsp.StatusNow.of(self.history(space, certificate), now).status

    def _happened(self, space: Space, code: str) -> list[EventRow]:
        """Return every event of an issuing CA: the gallery's own, then what was written down."""
        written = store.events(self._database, space=space.id, issuer=code)
        return [*self.gallery.events(space.id, code), *written]

    def _published(
        self, issuer: Issuer, histories: list[CertificateHistory], *, now: datetime
    ) -> Published:
        revoked = sum(history.revoked_at is not None for history in histories)
        held = sum(
            history.revoked_at is None and any(s.covers(now) for s in history.suspensions)
            for history in histories
        )
        return Published(issuer, now, now + LIST_HOLDS, revoked, held)

    def _histories(self, space: Space, code: str, *, until: datetime) -> list[CertificateHistory]:
        rows = self._happened(space, code)
        by_serial: dict[int, list[EventRow]] = {}
        for row in rows:
            if row.at <= until:
                by_serial.setdefault(int(row.serial, 16), []).append(row)
        return [_history(serial, found) for serial, found in by_serial.items()]


def _history(serial: int, events: Iterable[EventRow]) -> CertificateHistory:
    """Fold the events of one certificate, in the order of their moments."""
    revoked_at: datetime | None = None
    periods: list[Suspension] = []
    for event in sorted(events, key=lambda e: (e.at, e.number)):
        is_held = bool(periods) and periods[-1].until is None
        if event.kind == EventKind.REVOKE:
            revoked_at = revoked_at or event.at
        elif event.kind == EventKind.SUSPEND and not is_held:
            periods.append(Suspension(event.at))
        elif event.kind == EventKind.RESUME and is_held:
            periods[-1] = Suspension(periods[-1].since, event.at)
    return CertificateHistory(serial, revoked_at, tuple(periods))


def _require_sense(known: list[EventRow], *, kind: EventKind, at: datetime) -> None:
    """Refuse what cannot happen at *at*, given what is written down for moments up to then."""
    before = _history(0, (event for event in known if event.at <= at))
    is_held = bool(before.suspensions) and before.suspensions[-1].until is None
    if any(event.kind == EventKind.REVOKE for event in known):
        raise ContradictionError("revoked already")
    if kind is EventKind.SUSPEND and is_held:
        raise ContradictionError("suspended already")
    if kind is EventKind.RESUME and not is_held:
        raise ContradictionError("not suspended")


def _canonical(serial: str) -> str:
    digits = f"{int(serial, 16):X}"
    return digits if len(digits) % 2 == 0 else f"0{digits}"
