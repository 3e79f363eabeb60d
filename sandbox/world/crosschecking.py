"""The second verifier of an installation: beside the checking process, and on demand."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.errors import Misuse
from sandbox.ministry.crosscheck import CrossCheck, Judgement, Outcome
from sandbox.ministry.crosscheck_store import Waiting
from sandbox.web.spaces import Space
from sandbox.witness import Witness

if TYPE_CHECKING:
    from sandbox.world.build import World


def second_verifier(world: World) -> CrossCheck:
    """Return the second verifier; it believes the installation's training authority."""
    authority = world.authority
    witness = Witness(roots=[authority.root.certificate.der], issuers=authority.issuer_certificates)
    return CrossCheck(world.ministry, witness)


def look_again(world: World, stop: threading.Event) -> None:
    """Look at sampled records until *stop* is set."""
    second_verifier(world).run(stop)


@dataclass(slots=True)
class Disagreement:
    """A record two verifiers do not agree about."""

    row: Waiting
    found: Judgement


@dataclass(slots=True)
class Pass:
    """What a pass over stored records found."""

    counts: Counter[str] = field(default_factory=Counter)
    """By outcome; `khong_so.{reason}` where two verdicts cannot be compared."""
    disagreements: list[Disagreement] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """True when no record is disputed."""
        return not self.disagreements

    def as_json(self) -> dict[str, Any]:
        """Return the figures and each disputed record with its place."""
        return {
            "records": self.counts.total(),
            "agreed": self.counts[Outcome.AGREED.value],
            "disagreed": len(self.disagreements),
            "not_comparable": {
                name.partition(".")[2]: count
                for name, count in sorted(self.counts.items())
                if "." in name
            },
            "incidents": [
                {
                    "space": one.row.space,
                    "desk": one.row.desk,
                    "messageid": one.row.messageid,
                    "record": one.row.number,
                    "uuid": one.row.uuid,
                    "first": one.row.codes or "0",
                    "second": one.found.said,
                    "slot": one.found.slot,
                    "detail": one.found.detail,
                }
                for one in self.disagreements
            ],
        }


def pass_over(
    world: World, *, space: str | None, records: int, on_each: Callable[[int], None]
) -> Pass:
    """Look at up to *records* stored and refused records, the newest packages first.

    *on_each* is told how many were looked at. What disagrees becomes an incident at once; the
    figures grow when the pass is over. Raises `Misuse` for a space that is not there.
    """
    spaces = world.spaces.all()
    if space is not None:
        spaces = [known for known in spaces if known.id == space]
        if not spaces:
            raise Misuse(f"--space {space}", remedy=", ".join(s.id for s in world.spaces.all()))
    verifier, done = second_verifier(world), Pass()
    looks: Counter[tuple[str, str, str]] = Counter()
    for row, known in _rows(verifier, spaces):
        if done.counts.total() >= records:
            break
        found = verifier.look_now(row, known)
        if found is None:
            continue
        done.counts[found.counted_as] += 1
        looks[row.space, row.desk, found.counted_as] += 1
        if found.outcome is Outcome.DISAGREED:
            done.disagreements.append(Disagreement(row, found))
        on_each(done.counts.total())
    verifier.count(looks)
    return done


def _rows(verifier: CrossCheck, spaces: list[Space]) -> Iterator[tuple[Waiting, Space]]:
    for space in spaces:
        for row in verifier.stored(space):
            yield row, space
