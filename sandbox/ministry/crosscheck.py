"""The second verifier at work: sampled records are looked at again, beside checking.

Accepted records are read back from the store, so that what is kept is looked at as well; refused
ones are cut out of their package. Two verdicts that cannot both be right are an incident.

It works one record at a time with a pause after each, slower while packages wait. Killed at any
moment it finds its work in the tables again (`crosscheck_store`).
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from sandbox.documents import envelope, parse
from sandbox.domain.rejections import CATALOGUE
from sandbox.errors import Refused, Unavailable
from sandbox.ministry import crosscheck_store as kept
from sandbox.ministry import document_store, package_store, store
from sandbox.ministry import findings as told
from sandbox.ministry.crosscheck_store import Incident, Waiting, Why
from sandbox.ministry.exercise import exercise_of
from sandbox.ministry.model import Audit, Moment, PackageState, ResultLine
from sandbox.ministry.service import MinistryService
from sandbox.ministry.tables_store import Transaction
from sandbox.web.spaces import Space
from sandbox.witness import Opinion, Standing, Witness

LOG = logging.getLogger("sandbox.ministry.crosscheck")
ACTOR = "kiem-tra-cheo"
BUSY_PER_SECOND = 2.0
"""Records a second while packages wait; one costs about 8 ms of processor time."""
CALM_PER_SECOND = 20.0
IDLE_S = 2.0
BATCH = 10
CLAIM_S = 120.0
PAGE = 50
"""Packages read at once by a pass on demand."""

VALID = Standing.VALID.value
BYTES, GONE, UNREADABLE, OTHER = "khac_byte", "mat_hoc_ba", "khong_doc_duoc", "nham_hoc_ba"
"""What is wrong with a stored record before anybody looks at its signatures."""

CERTAIN = frozenset(f"SBX-{number}" for number in (3001, 3002, 3003, 3007, 3008, 3014, 3019, 3020))
"""Refused with one of these: the second verifier must say invalid."""
HOLDING = frozenset(f"SBX-{number}" for number in (3009, 3010, 3011, 3012, 3015, 3016))
"""Refused with none but these: the first verifier found every signature to hold."""


class Gap(StrEnum):
    """Why two verdicts cannot be compared; the second verifier's own reasons stand beside."""

    PACKAGE_GONE = "goi_khong_con"
    NOT_CUT = "khong_cat_duoc"
    BEYOND = "ngoai_tam"
    """Valid to the second verifier, refused by a rule it does not know."""


class Outcome(StrEnum):
    """What became of one look."""

    AGREED = kept.AGREED
    DISAGREED = kept.DISAGREED
    NOT_COMPARABLE = "khong_so"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Two verdicts side by side."""

    outcome: Outcome
    said: str = ""
    """What the second one said: `hop_le`, or the key of what does not hold."""
    slot: str = ""
    detail: str = ""
    signers: tuple[str, ...] = ()

    @property
    def counted_as(self) -> str:
        """The outcome of the tally."""
        if self.outcome is Outcome.NOT_COMPARABLE:
            return f"{kept.NOT_COMPARABLE}{self.said}"
        return self.outcome.value


def judge(codes: str, opinion: Opinion) -> Judgement:
    """Compare the first verdict (*codes* of the refusal, empty: accepted) with the second."""
    found = Judgement(
        outcome=Outcome.AGREED,
        said=VALID if opinion.reason is None else opinion.reason.value,
        slot=opinion.slot,
        detail=opinion.detail,
        signers=opinion.signers,
    )
    refused_for = frozenset(codes.split())
    if opinion.standing is Standing.UNKNOWN:
        return replace(found, outcome=Outcome.NOT_COMPARABLE)
    holds = opinion.standing is Standing.VALID
    if not refused_for:
        return found if holds else replace(found, outcome=Outcome.DISAGREED)
    if holds and refused_for & CERTAIN:
        return replace(found, outcome=Outcome.DISAGREED)
    if holds:
        return replace(found, outcome=Outcome.NOT_COMPARABLE, said=Gap.BEYOND.value, detail=codes)
    if refused_for <= HOLDING and found.said != "thoi_diem":
        return replace(found, outcome=Outcome.DISAGREED)
    return found


class CrossCheck:
    """One installation's second verifier."""

    def __init__(self, service: MinistryService, witness: Witness) -> None:
        self._service, self._witness = service, witness
        self._database, self._clock = service.database, service.clock
        self._cut: tuple[tuple[str, str, str], list[bytes]] | None = None

    # ---------------------------------------------------------------- what was noted

    def run(self, stop: threading.Event) -> None:
        """Look at noted records until *stop* is set."""
        while not stop.is_set():
            try:
                looked = self.run_once(stop)
            except Unavailable as away:  # the database: what was taken in hand is taken again
                LOG.warning("the second verifier waits: %s", away)
                looked = 0
            except Exception:
                LOG.exception("the second verifier stumbled; going on")
                looked = 0
            if not looked:
                stop.wait(IDLE_S)

    def run_once(self, stop: threading.Event | None = None) -> int:
        """Look at the oldest noted records, a few; return how many were taken in hand.

        With *stop* it pauses after each record, and gives the rest back once that is set.
        """
        epoch = self._clock.epoch()
        with self._database.read() as connection:
            if not kept.anything_waits(connection):
                return 0
        with self._database.write() as connection:
            rows = kept.take(connection, epoch=epoch, seconds=CLAIM_S, limit=BATCH)
        for number, row in enumerate(rows):
            if stop is not None and stop.wait(self._pause()):
                with self._database.write() as connection:
                    kept.give_back(connection, rows[number:])
                break
            self._try(row)
        self._cut = None
        return len(rows)

    def _pause(self) -> float:
        with self._database.read() as connection:
            busy = package_store.anything_due(connection, epoch=self._clock.epoch())
        return 1.0 / (BUSY_PER_SECOND if busy else CALM_PER_SECOND)

    def _try(self, row: Waiting) -> None:
        """Work *row* off; one that cannot be worked off holds up no other and is tried again."""
        try:
            self._work_off(row)
        except Unavailable:
            raise
        except Exception:
            LOG.exception("record %d of package %s waits on", row.number, row.messageid)

    def _work_off(self, row: Waiting) -> None:
        space = self._service.spaces.get(row.space)
        found = None if space is None else self.look(row, space)
        with self._database.write() as connection:
            if not kept.take_away(connection, row) or space is None or found is None:
                return
            kept.add_signers(connection, found.signers, space=row.space, desk=row.desk)
            kept.count_outcome(connection, found.counted_as, space=row.space, desk=row.desk)
            if found.outcome is Outcome.DISAGREED:
                self._raise_incident(connection, row, found, self._service.moment(space))

    # ---------------------------------------------------------------- one record

    def look(self, row: Waiting, space: Space) -> Judgement | None:
        """Look at one record; None when it was chosen for signers that are known by now."""
        if row.codes:
            cut = self._cut_out(row, space)
            if isinstance(cut, Gap):
                return Judgement(outcome=Outcome.NOT_COMPARABLE, said=cut.value)
            return judge(row.codes, self._witness.look(cut))
        xml = self._read_back(row)
        if isinstance(xml, Judgement):
            return xml
        if row.why == Why.SIGNER and self._knows_signers(row, xml):
            return None
        opinion = self._witness.look(xml)
        if opinion.standing is Standing.VALID and opinion.uuid.lower() != _uuid(row):
            return _spoiled(OTHER, f"{opinion.uuid} != {row.uuid}")
        return judge("", opinion)

    def _read_back(self, row: Waiting) -> bytes | Judgement:
        """Return an accepted record as it is stored, or what is wrong with the storage."""
        try:
            with self._database.read() as connection:
                stored = kept.stored_record(connection, _uuid(row), space=row.space, desk=row.desk)
        except ValueError as error:
            return _spoiled(UNREADABLE, str(error))
        if stored is None:
            return _spoiled(GONE, _uuid(row))
        digest = hashlib.sha256(stored.xml).hexdigest()
        if row.digest and digest != row.digest:
            return _spoiled(BYTES, f"SHA-256 {digest} != {row.digest}")
        return stored.xml

    def _knows_signers(self, row: Waiting, xml: bytes) -> bool:
        signers = set(self._witness.signers(xml))
        with self._database.read() as connection:
            known = kept.known_signers(connection, signers, space=row.space, desk=row.desk)
        return bool(signers) and known == signers

    def _cut_out(self, row: Waiting, space: Space) -> bytes | Gap:
        """Return a refused record as it came, cut out of its package."""
        key = (row.space, row.desk, row.messageid)
        if self._cut is None or self._cut[0] != key:
            with self._database.read() as connection:
                content = document_store.content_of(
                    connection, row.messageid, space=row.space, desk=row.desk
                )
            if not content:
                return Gap.PACKAGE_GONE
            limits = exercise_of(space).limits
            try:
                package = parse(envelope.unpack(content, limits=limits).xml, limits=limits)
            except Refused:
                return Gap.NOT_CUT
            self._cut = key, [record.original for record in package.records]
        records = self._cut[1]
        return records[row.number - 1] if row.number <= len(records) else Gap.NOT_CUT

    def _raise_incident(
        self, connection: Transaction, row: Waiting, found: Judgement, moment: Moment
    ) -> bool:
        incident = Incident(
            uuid=_uuid(row),
            messageid=row.messageid,
            place=row.number,
            first_said=row.codes,
            second_said=found.said,
            slot=found.slot,
            detail=found.detail,
            at=moment.iso,
        )
        if not kept.add_incident(connection, incident, space=row.space, desk=row.desk):
            return False
        LOG.error(
            "incident: space %s, desk %s, package %s, record %d (%s): the first verifier said "
            "%s, the second %s %s %s",
            *(row.space, row.desk, row.messageid, row.number, incident.uuid),
            *(row.codes or "accepted", found.said, found.slot, found.detail),
        )
        line = Audit(
            actor=ACTOR,
            action="su_co",
            outcome=found.outcome.value,
            space_time=moment.iso,
            machine_time=moment.machine.isoformat(),
            record_uuid=incident.uuid[:36] or None,
        )
        store.add_audit(connection, [line], space=row.space, desk=row.desk)
        return True

    # ---------------------------------------------------------------- on demand

    def stored(self, space: Space) -> Iterator[Waiting]:
        """Return what can be looked at in *space*: the newest packages' records first."""
        for desk in self._service.desks(space):
            skip, seen = 0, set[str]()
            while page := self._service.packages(space, desk.desk, limit=PAGE, skip=skip):
                for package in page:
                    if package.state not in (PackageState.DONE, PackageState.REFUSED):
                        continue
                    if package.messageid not in seen:
                        seen.add(package.messageid)
                        yield from self._records_of(space, desk.desk, package.messageid)
                skip += PAGE

    def _records_of(self, space: Space, desk: str, messageid: str) -> Iterator[Waiting]:
        with self._database.read() as connection:
            lines = package_store.results_of(connection, messageid, space=space.id, desk=desk)
        for line in lines:
            codes = _codes(line)
            if line.accepted or (codes and all(code.startswith("SBX-3") for code in codes)):
                yield Waiting(
                    space=space.id,
                    desk=desk,
                    messageid=messageid,
                    number=line.number,
                    uuid=line.uuid,
                    codes="" if line.accepted else " ".join(codes),
                    why=Why.SAMPLE.value,
                )

    def look_now(self, row: Waiting, space: Space) -> Judgement | None:
        """Look at a record of `stored` at once; what disagrees becomes an incident."""
        found = self.look(row, space)
        if found is not None and found.outcome is Outcome.DISAGREED:
            with self._database.write() as connection:
                self._raise_incident(connection, row, found, self._service.moment(space))
        return found

    def count(self, looks: Mapping[tuple[str, str, str], int]) -> None:
        """Add looks of `look_now` to the figures; keys are (space, desk, `counted_as`)."""
        with self._database.write() as connection:
            for (space, desk, outcome), times in sorted(looks.items()):
                kept.count_outcome(connection, outcome, space=space, desk=desk, times=times)


def _uuid(row: Waiting) -> str:
    return (row.uuid or "").lower()


def _spoiled(said: str, detail: str) -> Judgement:
    return Judgement(outcome=Outcome.DISAGREED, said=said, detail=detail[:300])


def _codes(line: ResultLine) -> list[str]:
    """Return the codes that refused a record, each once."""
    found = [finding.code for finding in map(told.from_json, line.findings)]
    return list(dict.fromkeys(code for code in found if not CATALOGUE[code].is_warning))
