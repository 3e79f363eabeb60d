"""Public verification: what a receiving officer must check (1789 đ.12, lifecycle §7).

Two parts (1789 đ.2.13): the signatures hold and the data is unchanged; and the file equals the
copy the authority stored. Any failed check takes the record's value away. The state of a
certificate is shown at signing and now, and only the former decides (**I**).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sandbox.clock import VIETNAM
from sandbox.documents import ParsedRecord, check_schema, identify, locate, parse_upload
from sandbox.documents import read_report_card as read_card
from sandbox.domain.consistency import check_consistency
from sandbox.domain.lifecycle import RecordState
from sandbox.domain.rejections import CATALOGUE
from sandbox.errors import Finding, Refused
from sandbox.ministry import findings as kept
from sandbox.ministry import store
from sandbox.ministry.checking.at_desk import DeskChecks
from sandbox.ministry.checking.context import Context
from sandbox.ministry.model import Audit, Desk, DeskKind, StoredRecord
from sandbox.ministry.service import MinistryService
from sandbox.ministry.status_now import StatusAsker
from sandbox.pki.names import ISSUER_NAMES
from sandbox.web.spaces import Space
from sandbox.wire.responders import ask_ocsp
from sandbox.xmldsig import SignatureFacts, SignatureRefused, SignedRecord, Step, verify_record

LINES: Final = {
    1: frozenset({"SBX-3001", "SBX-3008", "SBX-3009", "SBX-3010", "SBX-3013"}),
    2: frozenset({"SBX-3011", "SBX-3012"}),
    3: frozenset({"SBX-3007", "SBX-3014", "SBX-3015", "SBX-3016"}),
    4: frozenset(
        {"SBX-3002", "SBX-3003", "SBX-3004", "SBX-3005", "SBX-3006", "SBX-3017", "SBX-3018"}
        | {"SBX-3021"}
    ),
    5: frozenset(
        {"SBX-3007", "SBX-3008", "SBX-3014", "SBX-3015", "SBX-3016", "SBX-3019", "SBX-3020"}
    ),
    6: frozenset(),
}
"""The six checks of 1789 đ.12 and the codes that fail them; 6, the structure, is step 4's."""

PASSED, FAILED, UNKNOWN = "dung", "sai", "chua_kiem"
SAME, DIFFERENT, ABSENT = "trung", "khac", "khong_co"
_DEAD: Final = frozenset({RecordState.RECALLED.value, RecordState.SUPERSEDED.value})


@dataclass(frozen=True, slots=True)
class Signer:
    """One signature, as the officer reads it."""

    slot: str
    name: str
    issuer: str
    signed_at: str
    serial: str
    valid_from: str
    valid_to: str
    state_now: str
    """good, suspended, revoked, unknown or expired, by OCSP: shown, and decides nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The answer of the public verification page; JSON-ready through `to_json`."""

    uuid: str | None
    at: str
    lines: dict[int, str]
    """Check number → passed, failed, or not reached."""
    signers: tuple[Signer, ...] = ()
    copy: str = ABSENT
    """Whether the authority's stored copy is the same file."""
    state: str | None = None
    """State of the stored record."""
    desk: str | None = None
    findings: tuple[dict[str, Any], ...] = field(default=())

    @property
    def valid(self) -> bool:
        """True when every check passed and the stored copy is the same and alive."""
        return (
            all(result == PASSED for result in self.lines.values())
            and self.copy == SAME
            and self.state not in _DEAD
        )

    def to_json(self) -> dict[str, Any]:
        """Return the answer as JSON, to be shown by the page the visitor is sent to."""
        return {
            "valid": self.valid,
            "uuid": self.uuid,
            "at": self.at,
            "lines": [[number, result] for number, result in self.lines.items()],
            "signers": [
                {name: getattr(signer, name) for name in Signer.__slots__}
                for signer in self.signers
            ],
            "stored": self.copy,
            "state": self.state,
            "desk": self.desk,
            "findings": list(self.findings),
        }


class PublicVerification:
    """Verifies a record for anybody. Blocking: pages call it off the loop."""

    def __init__(self, service: MinistryService) -> None:
        self._service = service
        self._checks = DeskChecks(service)

    def of_file(self, space: Space, xml: bytes, *, address: str) -> Verification:
        """Verify an uploaded file (way 1 of lifecycle §7.2).

        Raises:
            Unavailable: a revocation list or an OCSP responder is away.
        """
        moment = self._service.moment(space)
        try:
            record = _only_record(xml)
        except Refused as refusal:
            result = Verification(
                uuid=None,
                at=moment.iso,
                lines={**dict.fromkeys(range(1, 6), UNKNOWN), 6: FAILED},
                findings=kept.all_to_json(refusal.findings),
            )
        else:
            result = self._verify(space, record, moment.at)
        self._audit(space, result, address=address)
        return result

    def of_items(
        self,
        space: Space,
        *,
        uuid: str,
        name: str,
        birth_date: str,
        pupil_id: str,
        address: str,
    ) -> Verification | None:
        """Verify the stored copy named by four items (way 2); None when no record fits them all.

        Which item does not fit is not told, and no marks are shown. *birth_date* is ISO.

        Raises:
            Unavailable: a revocation list or an OCSP responder is away.
        """
        found = self._stored(space, uuid.strip().lower())
        if found is None:
            return None
        _, stored = found
        said = (_plain(name), birth_date, pupil_id.strip())
        if said != (_plain(stored.pupil_name), stored.birth_date, stored.pupil_id):
            return None
        return self.of_file(space, stored.xml, address=address)

    def look_at(self, space: Space, record: ParsedRecord, at: datetime) -> Verification:
        """Verify *record* as `of_file` does, for a page that shows more; no audit line.

        Raises:
            Unavailable: a revocation list or an OCSP responder is away.
        """
        return self._verify(space, record, at)

    def stored_xml(self, space: Space, uuid: str) -> bytes | None:
        """Return the authority's copy of a record, None when there is none."""
        found = self._stored(space, uuid.strip().lower())
        return None if found is None else found[1].xml

    def _verify(self, space: Space, record: ParsedRecord, at: datetime) -> Verification:
        context = self._context(space, record)
        structure = _structure(record, context)
        asker = self._asker(space, context, at)
        signers: tuple[Signer, ...] = ()
        found: list[Finding] = list(structure)
        try:
            signed = verify_record(
                record,
                trust=context.trust,
                revocations=asker.lists,
                at=at,
                registered=context.approvals.may_seal if context.approvals else None,
            )
            steps: Iterable[Step] = signed.steps
            signers = _signers(signed, asker, at)
        except SignatureRefused as refusal:
            steps = refusal.report.steps
            found += refusal.findings
        stored = self._stored(space, (identify(record).uuid or "").lower())
        copy, state, where = _compare(stored, record)
        return Verification(
            uuid=identify(record).uuid,
            at=at.isoformat(),
            lines={**_lines(steps), 6: FAILED if structure else PASSED},
            signers=signers,
            copy=copy,
            state=state,
            desk=where,
            findings=kept.all_to_json(found),
        )

    def _context(self, space: Space, record: ParsedRecord) -> Context:
        """Return the context of the desk that knows the school: its Cổng, else the Kho."""
        desks = self._service.desks(space)
        if not desks:
            raise Refused(Finding("SBX-5001", field="MA_SO_GIAO_DUC"))
        school = identify(record).school_code or ""
        own = [d for d in desks if d.kind is DeskKind.CONG and d.desk == f"so-{school[:2]}"]
        desk = (own or desks)[0]
        return self._checks.context(space, desk, None)

    def _asker(self, space: Space, context: Context, at: datetime) -> StatusAsker:
        """Return who asks OCSP; past suspensions are in the revocation lists alone."""
        base, allowed = self._service.responders_url, self._service.allowed_hosts
        assert context.revocations is not None
        assert context.trust is not None
        return StatusAsker(
            lambda issuer, request: ask_ocsp(
                f"{base}{space.prefix}", issuer, request, allowed=allowed
            ),
            lists=context.revocations,
            trust=context.trust,
            at=at,
        )

    def _stored(self, space: Space, uuid: str) -> tuple[Desk, StoredRecord] | None:
        """Return the stored copy: the Cổng's, the original database, before the Kho's."""
        desks = self._service.desks(space)
        for desk in sorted(desks, key=lambda row: row.kind is DeskKind.KHO):
            stored = self._service.record(space, desk.desk, uuid)
            if stored is not None:
                return desk, stored
        return None

    def _audit(self, space: Space, result: Verification, *, address: str) -> None:
        moment = self._service.moment(space)
        line = Audit(
            actor="cong_khai",
            action="xac_minh",
            outcome="0" if result.valid else _first_code(result.findings),
            space_time=moment.iso,
            machine_time=moment.machine.isoformat(),
            record_uuid=(result.uuid or "")[:36].lower() or None,
            address=address[:64],
        )
        desk = result.desk or self._service.desks(space)[0].desk
        with self._service.database.write() as connection:
            store.add_audit(connection, [line], space=space.id, desk=desk)


def _only_record(xml: bytes) -> ParsedRecord:
    """Return the one record of a file: alone, or alone in its package."""
    uploaded = parse_upload(xml)
    if isinstance(uploaded, ParsedRecord):
        return uploaded
    if len(uploaded.records) != 1:
        raise Refused(Finding("SBX-1109", value=str(len(uploaded.records)), expected="1 HOC_BA"))
    return uploaded.records[0]


def _structure(record: ParsedRecord, context: Context) -> list[Finding]:
    """Check 6: the XML structure as prescribed, errors only."""
    findings = check_schema(record, switches=context.exercise.switches)
    errors = [f for f in findings if not CATALOGUE[f.code].is_warning]
    if errors:
        return errors
    return [locate(record, finding) for finding in check_consistency(read_card(record))]


def _lines(steps: Iterable[Step]) -> dict[int, str]:
    """Return checks 1 to 5: failed by one failed step, not reached without any."""
    taken = list(steps)
    results = {}
    for number in range(1, 6):
        mine = [step for step in taken if step.code in LINES[number]]
        if any(not step.passed for step in mine):
            results[number] = FAILED
        else:
            results[number] = PASSED if mine else UNKNOWN
    if any(not step.passed for step in taken):
        results = {n: _doubt(n, r, taken) for n, r in results.items()}
    return results


def _doubt(number: int, result: str, steps: list[Step]) -> str:
    """A check some signature never reached is not passed: its signature failed before."""
    if result != PASSED:
        return result
    places = {step.place for step in steps}
    reached = {step.place for step in steps if step.code in LINES[number]}
    return PASSED if places - {"record"} <= reached else UNKNOWN


def _signers(signed: SignedRecord, asker: StatusAsker, at: datetime) -> tuple[Signer, ...]:
    return tuple(_signer(slot.value, facts, asker, at) for slot, facts in signed.signatures.items())


def _signer(slot: str, facts: SignatureFacts, asker: StatusAsker, at: datetime) -> Signer:
    certificate = facts.signer
    state = asker.status(certificate.issuer_name, certificate.serial).status.value
    if state == "good" and at > certificate.not_after:
        state = "expired"
    local: Callable[[datetime], str] = lambda moment: moment.astimezone(VIETNAM).isoformat()  # noqa: E731
    return Signer(
        slot=slot,
        name=certificate.common_name,
        issuer=ISSUER_NAMES.get(certificate.issuer_code, certificate.issuer_name),
        signed_at=local(facts.signing_time),
        serial=certificate.serial_hex,
        valid_from=local(certificate.not_before),
        valid_to=local(certificate.not_after),
        state_now=state,
    )


def _compare(
    stored: tuple[Desk, StoredRecord] | None, record: ParsedRecord
) -> tuple[str, str | None, str | None]:
    if stored is None:
        return ABSENT, None, None
    desk, kept_copy = stored
    copy = SAME if kept_copy.xml == record.original else DIFFERENT
    return copy, kept_copy.state, desk.desk


def _first_code(findings: Iterable[dict[str, Any]]) -> str:
    return next((str(row["code"]) for row in findings), "SBX-5006")


def _plain(name: str) -> str:
    """Return a name as two people would agree on it: NFC, one space, no case."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())
