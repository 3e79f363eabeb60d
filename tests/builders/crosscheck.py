"""A desk with its second verifier, and three ways in which a verdict can have gone wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from sqlalchemy import LargeBinary, select, update

from sandbox.domain.report_card import ReportCard
from sandbox.ministry import crosscheck_store as kept
from sandbox.ministry.crosscheck import CrossCheck
from sandbox.ministry.crosscheck_sampling import PACKAGES_ONE_IN, draw
from sandbox.ministry.crosscheck_store import Figures, Incident, Waiting
from sandbox.ministry.packing import compress, expand
from sandbox.ministry.tables_store import METADATA
from sandbox.web import Database, Space
from sandbox.witness import Witness
from tests.builders.ministry import Caller, Installation, authority, signed

DESK = "so-48"
_NUMBERS = count(1)


def a_messageid(suits: Callable[[str], bool]) -> str:
    """Return a messageid nobody has used yet for which *suits* holds."""
    made = (f"90000000-0000-4000-8000-{number:012d}" for number in _NUMBERS)
    return next(messageid for messageid in made if suits(messageid))


def is_drawn(messageid: str) -> bool:
    """Tell whether a record of this package is looked at in any case."""
    return draw(messageid) % PACKAGES_ONE_IN == 0


def witness() -> Witness:
    """Return a second verifier that believes the tests' authority."""
    return Witness(
        roots=[authority().root.certificate.der], issuers=authority().issuer_certificates
    )


@dataclass
class Watched:
    """An installation whose desk is looked at again."""

    installation: Installation

    @property
    def database(self) -> Database:
        return self.installation.database

    def verifier(self) -> CrossCheck:
        """Return the second verifier as a process that has just been started has it."""
        return CrossCheck(self.installation.service, witness())

    def work_off(self) -> int:
        """Let a fresh process look at all that was noted; return how many were taken in hand."""
        verifier, done = self.verifier(), 0
        while taken := verifier.run_once():
            done += taken
        return done

    def hand_in(
        self, space: Space, records: list[bytes], *, messageid: str | None = None
    ) -> list[str]:
        """Hand in *records*, let them be checked, and return what each was answered.

        Unless *messageid* says otherwise the package itself draws no lot.
        """
        school = Caller.of_school(self.installation, space=space.id).log_in()
        messageid = messageid or a_messageid(lambda one: not is_drawn(one))
        assert school.submit(school.content_of(records), messageid=messageid).status_code == 200
        self.installation.work()
        return [row["error"] for row in school.result(messageid).json()["DanhSach"]]

    def class_in(
        self, space: Space, cards: Sequence[ReportCard], *, messageid: str | None = None
    ) -> None:
        """Hand in good records of *cards*, and let them be checked."""
        answers = self.hand_in(space, [signed(card) for card in cards], messageid=messageid)
        assert answers == ["0"] * len(cards)

    def noted(self, space: Space) -> list[Waiting]:
        """Return what waits to be looked at."""
        with self.database.read() as connection:
            rows = connection.execute(select(kept.waiting).where(kept.waiting.c.space == space.id))
            return [
                Waiting(**{name: row[name] for name in row if name != "claim_until"})
                for row in rows.mappings()
            ]

    def note(self, rows: Sequence[Waiting]) -> None:
        """Choose more records."""
        with self.database.write() as connection:
            kept.add_waiting(connection, rows)

    def incidents(self, space: Space) -> list[Incident]:
        return self.installation.service.incidents.listed(space, DESK, limit=100)

    def figures(self, space: Space) -> Figures:
        return self.installation.service.incidents.figures(space, DESK)


def alter_stored(database: Database, space: Space, old: bytes, new: bytes) -> int:
    """Change *old* into *new* wherever records are stored in *space*, as somebody at the database.

    Returns how many values were changed.
    """
    return _change_stored(database, space, old, lambda whole: compress(whole.replace(old, new)))


def ruin_stored(database: Database, space: Space, xml: bytes) -> int:
    """Cut off what holds *xml* where records are stored in *space*, as a bad disk would."""
    return _change_stored(database, space, xml, lambda whole: compress(whole)[:100])


def _change_stored(
    database: Database, space: Space, held: bytes, change: Callable[[bytes], bytes]
) -> int:
    """Change every compressed value of the desks' tables that holds *held*, however it is kept."""
    changed = 0
    with database.write() as connection:
        for table in METADATA.sorted_tables:
            for column in table.columns:
                if not isinstance(column.type, LargeBinary):
                    continue
                rows = connection.execute(
                    select(*table.primary_key, column).where(table.c.space == space.id)
                ).all()
                for *key, value in rows:
                    whole = expand(bytes(value)) if bytes(value).startswith(_ZSTD) else b""
                    if held not in whole:
                        continue
                    here = [c == k for c, k in zip(table.primary_key, key, strict=True)]
                    connection.execute(update(table).where(*here).values({column: change(whole)}))
                    changed += 1
    return changed


_ZSTD = b"\x28\xb5\x2f\xfd"
