"""Registration of a unit's certificate and its approval (transactions §2.4, §2.5, §6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sandbox.clock import VIETNAM
from sandbox.domain.rejections import SUCCESS
from sandbox.errors import Finding, Refused
from sandbox.ministry import answers, certificate_store, store
from sandbox.ministry import findings as kept
from sandbox.ministry.answers import Outcome
from sandbox.ministry.model import (
    Account,
    Audit,
    CertificateState,
    RegisteredCertificate,
)
from sandbox.ministry.receipt import Call
from sandbox.ministry.registration_check import Registration, check_registration
from sandbox.ministry.submissions import request_hash
from sandbox.ministry.tables_store import Transaction
from sandbox.pki import Certificate, Trust
from sandbox.web.spaces import Space
from sandbox.web.store import Database
from sandbox.wire.ministry import RegistrationRequest, RegistrationStateRequest

REASON_LETTERS = 500
"""Longest reason an officer may give."""


def serial_key(serial: int) -> str:
    """Return a serial number in the form in which serials are compared: as numbers (§2.4)."""
    return f"{serial:x}"


def register(
    connection: Transaction,
    call: Call,
    account: Account,
    request: RegistrationRequest,
    *,
    trust: Trust,
) -> dict[str, Any]:
    """Take in a registration (type 3) and answer its receipt.

    The enclosed certificate is checked at once; a fault is answered to type 4, like every result.

    Raises:
        Refused: SBX-1107 when the messageid stands for another registration.
    """
    said = request.authentication_request
    fingerprint = request_hash("3", account.unit_code, request.content)
    messageid = said.messageid.lower()
    found = _of(connection, call, messageid)
    if found is None:
        checked = check_registration(
            request, unit_code=account.unit_code, trust=trust, at=call.moment.at
        )
        entry = _entry(connection, call, account, request, checked, fingerprint)
        if certificate_store.add_certificate(
            connection, entry, space=call.space.id, desk=call.desk.desk
        ):
            _audit(connection, call, entry, actor=account.user_name, action="dang_ky_cts")
            found = entry
        else:
            found = _of(connection, call, messageid)
    if found is None or found.request_hash != fingerprint:
        raise Refused(Finding("SBX-1107", field="messageid", value=said.messageid))
    return answers.registration(Outcome(call.language, echo=said.messageid))


def _of(connection: Transaction, call: Call, messageid: str) -> RegisteredCertificate | None:
    return certificate_store.certificate_of(
        connection, messageid, space=call.space.id, desk=call.desk.desk
    )


def _entry(
    connection: Transaction,
    call: Call,
    account: Account,
    request: RegistrationRequest,
    checked: Registration,
    fingerprint: str,
) -> RegisteredCertificate:
    said = request.authentication_request
    certificate, faults = checked.certificate, checked.findings
    if certificate is not None and _is_taken(connection, call, account, certificate):
        faults = (Finding("SBX-1121", field="serial_number", value=said.serial_number),)
    now = call.moment.iso
    entry = RegisteredCertificate(
        messageid=said.messageid.lower(),
        unit_code=account.unit_code,
        serial=said.serial_number,
        serial_key=serial_key(int(said.serial_number, 16)),
        issuer="",
        subject="",
        der=b"",
        not_before=said.ngay_hieu_luc,
        not_after="",
        kind=said.ma_kieu_chu_ky,
        provider=said.nha_phat_hanh,
        state=CertificateState.REFUSED if faults else CertificateState.PENDING,
        registered_at=now,
        decided_at=now if faults else None,
        request_hash=fingerprint,
        findings=kept.all_to_json(faults),
    )
    return entry if certificate is None else _with_certificate(entry, certificate)


def _with_certificate(
    entry: RegisteredCertificate, certificate: Certificate
) -> RegisteredCertificate:
    return replace(
        entry,
        serial_key=serial_key(certificate.serial),
        issuer=certificate.issuer_name,
        subject=certificate.subject_rfc4514,
        der=certificate.der,
        not_before=_local(certificate.not_before),
        not_after=_local(certificate.not_after),
    )


def _local(moment: datetime) -> str:
    return moment.astimezone(VIETNAM).isoformat()


def _is_taken(
    connection: Transaction, call: Call, account: Account, certificate: Certificate
) -> bool:
    other = certificate_store.other_unit_with_serial(
        connection,
        space=call.space.id,
        desk=call.desk.desk,
        serial_key=serial_key(certificate.serial),
        issuer=certificate.issuer_name,
        unit_code=account.unit_code,
    )
    return other is not None


def seeded(unit_code: str, der: bytes, *, at: datetime) -> RegisteredCertificate:
    """Return the registration of a certificate that is approved from the start."""
    certificate = Certificate.from_der(der)
    now = at.isoformat()
    entry = RegisteredCertificate(
        messageid=f"seed-{serial_key(certificate.serial)[:31]}",
        unit_code=unit_code,
        serial=certificate.serial_hex,
        serial_key="",
        issuer="",
        subject="",
        der=b"",
        not_before="",
        not_after="",
        kind="REMOTE_SIGNING",
        provider=certificate.issuer_code,
        state=CertificateState.APPROVED,
        registered_at=now,
        decided_at=now,
        approved_at=now,
    )
    return _with_certificate(entry, certificate)


def state(
    connection: Transaction, call: Call, account: Account, request: RegistrationStateRequest
) -> dict[str, Any]:
    """Answer type 4.

    Raises:
        Refused: SBX-1202 when the unit has made no such registration.
    """
    said = request.authentication_request
    found = _of(connection, call, said.messageid.lower())
    if found is None or found.unit_code != account.unit_code:
        raise Refused(Finding("SBX-1202", field="messageid", value=said.messageid))
    findings = found.findings
    if found.state is CertificateState.PENDING:
        findings = kept.all_to_json([Finding("SBX-1201", field="trang_thai_phe_duyet")])
    elif found.state is CertificateState.REFUSED and not findings:
        findings = kept.all_to_json(
            [Finding("SBX-1122", field="trang_thai_phe_duyet", value=found.reason)]
        )
    code = findings[0]["code"] if findings else SUCCESS
    outcome = Outcome(call.language, code, said.messageid, findings)
    return answers.registration_state(outcome, found=found)


class Registrations:
    """The officer's side: what was registered, and the decision."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def listed(self, space: Space, desk: str) -> list[RegisteredCertificate]:
        """Return all registrations of a desk, oldest first."""
        with self._database.read() as connection:
            return certificate_store.certificates_of(connection, space=space.id, desk=desk)

    def find(self, space: Space, desk: str, messageid: str) -> RegisteredCertificate | None:
        """Return one registration."""
        with self._database.read() as connection:
            return certificate_store.certificate_of(
                connection, messageid, space=space.id, desk=desk
            )

    def approve(self, call: Call, messageid: str) -> bool:
        """Approve a pending registration; False when it was not pending any more."""
        with self._database.write() as connection:
            decided = certificate_store.approve(
                connection,
                messageid,
                space=call.space.id,
                desk=call.desk.desk,
                at=call.moment.iso,
            )
            if decided is not None:
                _audit(connection, call, decided, actor=call.desk.desk, action="duyet_cts")
        return decided is not None

    def refuse(self, call: Call, messageid: str, *, reason: str) -> bool:
        """Refuse a pending registration, with the reason its sender will read."""
        with self._database.write() as connection:
            decided = certificate_store.refuse(
                connection,
                messageid,
                space=call.space.id,
                desk=call.desk.desk,
                at=call.moment.iso,
                reason=reason[:REASON_LETTERS],
            )
            if decided is not None:
                _audit(connection, call, decided, actor=call.desk.desk, action="tu_choi_cts")
        return decided is not None


def _audit(
    connection: Transaction, call: Call, entry: RegisteredCertificate, *, actor: str, action: str
) -> None:
    line = Audit(
        actor=actor,
        action=action,
        outcome=entry.findings[0]["code"] if entry.findings else SUCCESS,
        space_time=call.moment.iso,
        machine_time=call.moment.machine.isoformat(),
        new_state=entry.state.value,
        address=call.address[:64],
    )
    store.add_audit(connection, [line], space=call.space.id, desk=call.desk.desk)
