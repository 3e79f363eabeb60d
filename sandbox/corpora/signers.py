"""Who signs in the nation: keys and certificates derived when they are asked for.

A school of thirty classes needs a teacher's certificate per class, its leader's and its seal's;
the nation some 300,000. None is stored: key, serial and certificate follow from the seed and the
signer's own number, so that any part of a corpus made alone carries the same ones.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sandbox.pki import (
    Certificate,
    PersonSubject,
    PrivateKey,
    Profile,
    RsaPool,
    Subject,
    TrainingAuthority,
    UnitSubject,
    derive_p256,
)
from sandbox.synthetic.chance import path_key, rolled

POOL_SIZE: Final = 16
"""RSA keys; certificates that share one differ in serial, subject and everything else."""
_KEPT: Final = 16
"""Credentials kept: leader and seal sign every class, a teacher one or two in a row."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate with its key."""

    certificate: Certificate
    key: PrivateKey = field(repr=False)


class Signers:
    """Credentials of everybody who signs in the nation under one seed.

    *seed* decides keys and dice, *authority* issues. *rsa_per_mille* of the schools hold RSA-2048
    keys (all their signers), drawn from a pool made once in *pool_folder*; the others P-256.
    """

    def __init__(
        self,
        seed: str,
        authority: TrainingAuthority,
        *,
        rsa_per_mille: int = 0,
        pool_folder: Path | None = None,
    ) -> None:
        """Raises `ValueError` when RSA is asked for and there is no folder for the pool."""
        if rsa_per_mille and pool_folder is None:
            raise ValueError("RSA keys need a folder for their pool")
        self.authority = authority
        self._seed = seed
        self._rsa_per_mille = rsa_per_mille
        self._pool = RsaPool(seed, pool_folder, POOL_SIZE) if pool_folder else None
        self._dice = path_key(seed, "corpora", "rsa")
        self._known: OrderedDict[str, Credential] = OrderedDict()

    def teacher(self, name: str, personal_id: str, *, school: str) -> Credential:
        """Return the credential of a class teacher of *school* (its code)."""
        return self._credential(Profile.TEACHER, PersonSubject(name, personal_id), school)

    def leader(self, name: str, personal_id: str, *, school: str) -> Credential:
        """Return the credential of the head or deputy who signs for *school* (its code)."""
        return self._credential(Profile.PRINCIPAL, PersonSubject(name, personal_id), school)

    def seal(self, name: str, code: str) -> Credential:
        """Return the credential of a school's seal."""
        return self._credential(Profile.SCHOOL_SEAL, UnitSubject(name, code), code)

    def holds_rsa(self, school: str) -> bool:
        """Tell whether the signers of *school* (its code) hold RSA-2048 keys."""
        dice = rolled(self._dice, int(school))
        return int.from_bytes(dice[:4], "big") * 1_000 >> 32 < self._rsa_per_mille

    def _credential(self, profile: Profile, subject: Subject, school: str) -> Credential:
        # Codes and names of schools change with the era, teachers with the school they work for:
        # the label names all that the certificate depends on.
        label = f"nation/{profile.value}/{subject.uid}/{subject.name}/{school}"
        found = self._known.get(label)
        if found is not None:
            self._known.move_to_end(label)
            return found
        key = self._key(label, school)
        certificate = self.authority.issue_as(
            profile, subject=subject, public_key=key.public_key, serial_label=label
        )
        made = self._known[label] = Credential(certificate, key)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return made

    def _key(self, label: str, school: str) -> PrivateKey:
        if self._pool is not None and self.holds_rsa(school):
            return self._pool.key(int.from_bytes(path_key(self._seed, label)[:4], "big"))
        return derive_p256(self._seed, label)
