"""What somebody signs with: the instrument chosen, and the certificate that comes with it.

A remote credential is at hand whenever its holder is; a token's certificate has to be read on the
practice computer first (E6), may be past its time or somebody else's (E8), and may be a person's
where the school's belongs (E9; spec/signing-practice.md §3.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from sandbox.domain.lifecycle import Role
from sandbox.errors import Misuse, Unavailable
from sandbox.pki import Certificate
from sandbox.portal import means_store
from sandbox.portal.context import Actor, Context, Reason, Stopped
from sandbox.web.guards import off_loop
from sandbox.web.spaces import Space
from sandbox.wire.signing import Credential, Fetched, Instrument, Phone, SigningRefused, entry

SWITCH = "signing_instrument"
"""Switch of a space: what is signed with where nobody chose anything else."""
FOR_THE_SEAL = (Instrument.A, Instrument.G, Instrument.GR)
"""What the school's seal can be kept in (signing-practice §2)."""


class Flaw(StrEnum):
    """What is wrong with a certificate read from a token (E8, E9)."""

    EXPIRED = "het_han"
    NOT_YET = "chua_hieu_luc"
    OF_ANOTHER = "nguoi_khac"
    PERSONAL = "ca_nhan"
    """A person's, where the school's belongs (E9)."""


@dataclass(frozen=True, slots=True)
class Held:
    """What signs, as it is at hand now."""

    instrument: Instrument
    certificate: Certificate | None
    """None: the token has not been read yet."""
    kind: Literal["person", "unit"]
    flaw: Flaw | None = None

    @property
    def unit(self) -> bool:
        """Whether it is an organisation's certificate."""
        return self.kind == "unit"

    def ready(self, *, sure_of: str | None) -> Certificate:
        """Return the certificate to sign with; *sure_of* is the serial said to be the school's.

        Raises `Stopped`: not read yet (E6), past its time or another's (E8), a person's (E9).
        """
        if self.certificate is None:
            raise Stopped(Reason.NOT_FETCHED)
        if self.flaw is Flaw.PERSONAL and sure_of != self.certificate.serial_hex:
            raise Stopped(Reason.NOT_THE_SCHOOL)
        if self.flaw is not None and self.flaw is not Flaw.PERSONAL:
            raise Stopped(Reason.WRONG_CERTIFICATE)
        return self.certificate


class Means:
    """Chooses instruments, and finds the certificate that goes with the choice."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def possible(self, actor: Actor) -> tuple[Instrument, ...]:
        """Return what somebody can sign with: the seal's keeper has fewer."""
        return FOR_THE_SEAL if actor.role is Role.VAN_THU else tuple(Instrument)

    def chosen(self, space: Space, actor: Actor) -> Instrument:
        """Return what somebody signs with: their choice, else the space's, else the app A."""
        with self._context.database.read() as connection:
            found = means_store.chosen(connection, space.id, actor.identity.person_id)
        wanted = found or usual(space)
        return wanted if wanted in self.possible(actor) else Instrument.A

    def choose(self, space: Space, actor: Actor, instrument: Instrument) -> None:
        """Keep the choice. Raises `Stopped` for what this role cannot sign with."""
        if instrument not in self.possible(actor):
            raise Stopped(Reason.NOT_YOURS, target=actor.role.value)
        with self._context.database.write() as connection:
            means_store.choose(connection, space.id, actor.identity.person_id, instrument)
            self._context.audit(connection, space, actor, "doi_cach_ky", outcome=instrument.value)

    async def held(self, space: Space, actor: Actor, *, unit: bool) -> Held:
        """Return what the actor signs with now: as oneself, or (*unit*) with the school's seal.

        Raises `Stopped` where there is no credential, `Unavailable` when the service is away.
        """
        instrument = await off_loop(self.chosen, space, actor)
        if not instrument.token:
            credential = await self.credential(space, actor, unit=unit)
            certificate = Certificate.from_pem(credential.certificate)
            return Held(instrument, certificate, "unit" if unit else "person")
        client = self._context.signing.in_space(space.id)
        try:
            fetched = await client.fetched(actor.identity.person_id, instrument)
        except SigningRefused as refused:
            raise Stopped(Reason.NO_CREDENTIAL, target=actor.identity.person_id) from refused
        if fetched is None:
            return Held(instrument, None, "unit" if unit else "person")
        return _judged(fetched, actor, unit=unit, at=self._context.now(space))

    async def phone(self, space: Space, holder_id: str) -> Phone | None:
        """Return how to open a signer's practice phone; None while the service is away."""
        try:
            return await self._context.signing.in_space(space.id).phone(holder_id)
        except (Unavailable, SigningRefused):
            return None

    async def door(self, space: Space, holder_id: str, instrument: Instrument) -> str | None:
        """Return the path where *instrument* asks for its yes; None while the service is away."""
        phone = await self.phone(space, holder_id)
        return None if phone is None else entry(phone, instrument)

    async def credential(self, space: Space, actor: Actor, *, unit: bool) -> Credential:
        """Return the actor's own credential, or the unit's that the actor keeps.

        Raises `Stopped` when there is none, `Unavailable` when the service is away.
        """
        try:
            holder = await self._context.signing.in_space(space.id).holder(actor.identity.person_id)
        except SigningRefused as refused:
            raise Stopped(Reason.NO_CREDENTIAL, target=actor.identity.person_id) from refused
        wanted = "unit" if unit else "person"
        for credential in holder.credentials:
            if credential.kind == wanted and (
                not unit or credential.subject_id == actor.identity.unit_code
            ):
                return credential
        raise Stopped(Reason.NO_CREDENTIAL, target=actor.identity.person_id)


def usual(space: Space) -> Instrument:
    """Return what a space signs with where nobody chose. Raises `Misuse` for an unknown one."""
    said = space.switches.get(SWITCH, Instrument.A.value)
    if said not in tuple(Instrument):
        raise Misuse(f"{SWITCH}: {said!r}", remedy=", ".join(Instrument))
    return Instrument(said)


def _judged(fetched: Fetched, actor: Actor, *, unit: bool, at: datetime) -> Held:
    certificate = Certificate.from_pem(fetched.certificate)
    who = actor.identity
    flaw = None
    if certificate.not_after < at:
        flaw = Flaw.EXPIRED
    elif certificate.not_before > at:
        flaw = Flaw.NOT_YET
    elif unit and fetched.kind == "person":
        flaw = Flaw.PERSONAL
    elif fetched.subject_id != (who.unit_code if unit else who.person_id):
        flaw = Flaw.OF_ANOTHER
    return Held(fetched.instrument, certificate, fetched.kind, flaw)
