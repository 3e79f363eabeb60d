"""Which records a second verifier looks at: decided by hashes, noted while a package is settled.

Choosing costs a record a few microseconds and a package at most one insert; the looking happens
elsewhere (`crosscheck`). The choice is a function of the record, so a package that is settled
again after a crash chooses the same ones.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from sandbox.domain.rejections import CATALOGUE, Stage
from sandbox.ministry import crosscheck_store
from sandbox.ministry.crosscheck_store import Waiting, Why
from sandbox.ministry.model import Package
from sandbox.ministry.tables_store import Transaction

if TYPE_CHECKING:
    from sandbox.ministry.checking.verdict import RecordVerdict

ACCEPTED_ONE_IN = 1_000
"""Of accepted records, by the hash of their UUID."""
PACKAGES_ONE_IN = 30
"""Packages of which one accepted record is looked at in any case, by the hash of the messageid."""
REFUSED_ONE_IN = 20
"""Of records refused for their signatures, by the hash of package and place."""
MOST_REFUSED = 5
"""Refused records of one package that are looked at: what spoiled one spoiled its neighbours."""
SIGNERS_KEPT = 100_000
"""Certificates a process remembers, 16 bytes each; forgetting them costs a needless look each."""
MOST_SIGNERS = 3
"""Signatures of an accepted record: class teacher, head, school."""

_OPENING, _CLOSING = b"<X509Certificate>", b"</X509Certificate>"


def draw(text: str) -> int:
    """Return the lot *text* draws: its CRC-32, which costs a tenth of a digest."""
    return zlib.crc32(text.encode())


class Sampler:
    """Chooses records of the packages one process settles."""

    def __init__(self) -> None:
        self._signers: set[bytes] = set()
        self._latest: list[bytes] = []

    def note(
        self,
        connection: Transaction,
        package: Package,
        records: Sequence[RecordVerdict],
        *,
        epoch: float,
    ) -> None:
        """Note what is to be looked at, in the transaction that settles *package*.

        *epoch*: machine seconds. Signers count as known only once that transaction is durable.
        """
        new: list[bytes] = []
        self._latest = []
        chosen = dict(self._choose(package, records, new))
        if not chosen:
            return
        crosscheck_store.add_waiting(
            connection,
            [
                _waiting(package, record, chosen[record.number], epoch)
                for record in records
                if record.number in chosen
            ],
        )
        if new:
            crosscheck_store.when_committed(connection, lambda: self._learn(new))

    def _choose(
        self, package: Package, records: Sequence[RecordVerdict], new: list[bytes]
    ) -> Iterator[tuple[int, Why]]:
        first: tuple[int, int] | None = None
        refused = 0
        for record in records:
            if record.accepted:
                lot = draw((record.identity.uuid or "").lower())
                first = min(first or (lot, record.number), (lot, record.number))
                if self._has_new_signer(package, record.record.original, new):
                    yield record.number, Why.SIGNER
                if lot % ACCEPTED_ONE_IN == 0:
                    yield record.number, Why.SAMPLE
            elif refused < MOST_REFUSED and _is_drawn_refused(package, record):
                refused += 1
                yield record.number, Why.SAMPLE
        if first is not None and draw(package.messageid) % PACKAGES_ONE_IN == 0:
            yield first[1], Why.PACKAGE

    def _has_new_signer(self, package: Package, xml: bytes, new: list[bytes]) -> bool:
        """Tell whether a certificate of *xml* is unknown at the desk, and put it into *new*.

        Records of one class carry the same three: those are compared before they are hashed.
        """
        texts = list(_certificates(xml))
        if texts == self._latest:
            return False
        self._latest = texts
        desk = f"{package.space}/{package.desk} ".encode()
        digests = {hashlib.sha256(desk + text).digest()[:16] for text in texts}
        unknown = digests - self._signers - set(new)
        new += unknown
        return bool(unknown)

    def _learn(self, digests: Iterable[bytes]) -> None:
        if len(self._signers) > SIGNERS_KEPT:
            self._signers.clear()
        self._signers.update(digests)


def _is_drawn_refused(package: Package, record: RecordVerdict) -> bool:
    if record.stage is not Stage.SIGNATURE:
        return False
    return draw(f"{package.messageid} {record.number}") % REFUSED_ONE_IN == 0


def _certificates(xml: bytes) -> Iterator[bytes]:
    """Find the certificates by their tags: an accepted record writes them in one way only.

    From the end, where the signatures are: from the start all data would be searched.
    """
    at = len(xml)
    for _ in range(MOST_SIGNERS):
        at = xml.rfind(_OPENING, 0, at)
        if at < 0:
            return
        yield xml[at + len(_OPENING) : xml.find(_CLOSING, at)]


def _waiting(package: Package, record: RecordVerdict, why: Why, epoch: float) -> Waiting:
    codes = [f.code for f in record.findings if not CATALOGUE[f.code].is_warning]
    return Waiting(
        space=package.space,
        desk=package.desk,
        messageid=package.messageid,
        number=record.number,
        uuid=record.identity.uuid,
        codes="" if record.accepted else " ".join(dict.fromkeys(codes)),
        digest=hashlib.sha256(record.record.original).hexdigest() if record.accepted else "",
        why=why.value,
        noted_epoch=epoch,
    )
