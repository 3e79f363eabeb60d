"""Giving people and units their phones and certificates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sandbox.pki import PersonSubject, Subject, UnitSubject
from sandbox.signing import holder_store, pins
from sandbox.signing.model import (
    CredentialSeed,
    Event,
    Holder,
    HolderSeed,
    Limits,
    StoredCredential,
)
from sandbox.signing.office import Office, Turn
from sandbox.signing.problems import Code, Declined
from sandbox.web import Space


class Issuing:
    """Holders, their certificates, the lock of their phones."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def add(self, space: Space, seeds: Sequence[HolderSeed]) -> None:
        """Add the holders that are not there yet; those that are keep PIN, counter and keys.

        Raises `Declined` PIN_NOT_SIX_DIGITS or HOLDER_DIFFERS (same id, another name); then
        nothing was added.
        """
        ids = [seed.holder_id for seed in seeds]
        with self._office.database.read() as connection:
            known = holder_store.names(connection, space.id, ids)
        _check_names(seeds, known)
        made = [self._made(space, seed) for seed in seeds if seed.holder_id not in known]
        if not made:
            return
        with self._office.turn(space) as turn:
            known = holder_store.names(turn.connection, space.id, ids)
            _check_names(seeds, known)  # somebody may have added them meanwhile
            for holder, credentials in made:
                if holder.id not in known:
                    self._insert(turn, holder, credentials)

    def _made(self, space: Space, seed: HolderSeed) -> tuple[Holder, list[StoredCredential]]:
        salt = pins.new_salt()
        try:
            pin_hash = pins.hash_pin(seed.pin, salt=salt)
        except pins.NotSixDigits:
            raise Declined(Code.PIN_NOT_SIX_DIGITS, holder=seed.holder_id) from None
        holder = Holder(id=seed.holder_id, name=seed.name, pin_salt=salt, pin_hash=pin_hash)
        credentials = [
            self.issue(space, seed.holder_id, credential, number=number)
            for number, credential in enumerate(seed.credentials)
        ]
        return holder, credentials

    def issue(
        self, space: Space, holder: str, seed: CredentialSeed, *, number: int = 0
    ) -> StoredCredential:
        """Return a certificate for *holder*, not yet stored; each needs its own *number*."""
        # The label names the space: two spaces never share a key, however alike their people.
        label = f"signing/{space.id}/{holder}/{seed.kind}/{seed.subject_id}/{number}"
        subject: Subject = (
            PersonSubject(seed.subject_name, seed.subject_id)
            if seed.kind == "person"
            else UnitSubject(seed.subject_name, seed.subject_id)
        )
        certificate = self._office.authority.issue(
            subject,
            self._office.keys.key(label, seed.algorithm).public_key,
            issuer=seed.issuer,
            not_before=seed.not_before,
            not_after=seed.not_after,
            serial_label=label,
        )
        return StoredCredential(
            serial=certificate.serial_hex,
            holder=holder,
            kind=seed.kind,
            subject_id=seed.subject_id,
            subject_name=seed.subject_name,
            issuer=seed.issuer,
            algorithm=seed.algorithm,
            automatic=seed.automatic and seed.kind == "unit",
            key_label=label,
            not_before=certificate.not_before,
            not_after=certificate.not_after,
            certificate=certificate.der,
        )

    @staticmethod
    def _insert(turn: Turn, holder: Holder, credentials: list[StoredCredential]) -> None:
        holder_store.add_holder(turn.connection, turn.space, holder)
        holder_store.add_credentials(turn.connection, turn.space, credentials)
        for credential in credentials:
            turn.note(
                Event.ISSUED,
                holder=holder.id,
                serial=credential.serial,
                kind=credential.kind,
                subject=credential.subject_name,
                automatic=credential.automatic,
            )

    def holder(self, space: Space, holder_id: str) -> tuple[Holder, list[StoredCredential]]:
        """Return a holder and their certificates. Raises `Declined` SIGNER_NOT_EXIST."""
        with self._office.database.read() as connection:
            holder = holder_store.holder_of(connection, space.id, holder_id)
            if holder is None:
                raise Declined(Code.SIGNER_NOT_EXIST, signer=holder_id)
            return holder, holder_store.credentials_of(connection, space.id, holder_id)

    def unlock(self, space: Space, holder_id: str, *, by: str) -> Holder:
        """Unlock a phone: counter 0; how often it was locked stays (curriculum §4.6).

        *by* is "trainer" or "self" and goes into the ledger. A phone that is not locked stays as
        it is. Raises `Declined` SIGNER_NOT_EXIST.
        """
        with self._office.turn(space) as turn:
            holder = holder_store.holder_of(turn.connection, space.id, holder_id)
            if holder is None:
                raise Declined(Code.SIGNER_NOT_EXIST, signer=holder_id)
            if holder.locked:
                holder_store.set_counter(
                    turn.connection,
                    space.id,
                    holder.id,
                    wrong_pins=0,
                    times_locked=holder.times_locked,
                )
                turn.note(Event.UNLOCKED, holder=holder.id, by=by)
        return self.holder(space, holder_id)[0]

    def attempts_left(self, space: Space, holder: Holder) -> int:
        """Return how many entries may still go wrong."""
        return holder.attempts_left(Limits.of(space.switches))


def _check_names(seeds: Sequence[HolderSeed], known: Mapping[str, str]) -> None:
    for position, seed in enumerate(seeds):
        if known.get(seed.holder_id, seed.name) != seed.name:
            raise Declined(
                Code.HOLDER_DIFFERS, pointer=f"/holders/{position}", holder=seed.holder_id
            )
