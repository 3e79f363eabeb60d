"""Handing in a package and asking for its result (types 1 and 2), and the forwarding list."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from sandbox.domain.rejections import SUCCESS
from sandbox.errors import Finding, Refused
from sandbox.ministry import answers, package_store, record_store, store
from sandbox.ministry import findings as kept
from sandbox.ministry.answers import Busy, Outcome
from sandbox.ministry.estimates import Estimates
from sandbox.ministry.model import Account, Audit, DeskKind, Package, PackageState
from sandbox.ministry.receipt import Call
from sandbox.ministry.tables_store import Transaction
from sandbox.wire.ministry import CirculatingRequest, ResultRequest, SubmitRequest

ROWS_FORWARDED = 200
OPEN_RETRY_S = 5


def request_hash(kind: str, unit_code: str, content: str) -> str:
    """Return the fingerprint by which two requests are the same (transactions §2.1).

    Same = same type, `ma_don_vi` and `content`; a new token changes nothing.
    """
    digest = hashlib.sha256(f"{kind}\n{unit_code}\n".encode())
    digest.update(content.encode())
    return digest.hexdigest()


def take_in(
    connection: Transaction,
    call: Call,
    account: Account,
    request: SubmitRequest,
    *,
    added: list[Package] | None = None,
) -> dict[str, Any]:
    """Store a submission for checking and answer its receipt (type 1).

    A package that is new here is put into *added* as well.

    Repeating the same request gives the stored receipt again: also while the account's allowance
    of open packages is used up, since nothing new is opened.

    Raises:
        Refused: SBX-1112 for one open package too many, SBX-1107 when the messageid stands for
            another request.
    """
    said = request.authentication_request
    fingerprint = request_hash("1", account.unit_code, request.content)
    found = _package(connection, call, said.messageid)
    if found is None:
        rank = _enter(connection, call, account)
        package = _as_package(call, account, request, fingerprint, rank)
        if package_store.add_package(connection, package, content=request.content.encode()):
            _audit(connection, call, account)
            found = package
            if added is not None:
                added.append(package)
        else:  # the same request came twice in the same moment
            package_store.leave(connection, {(account.space, account.desk, account.user_name): 1})
            found = _package(connection, call, said.messageid)
    elif found.request_hash != fingerprint:
        _require_room(connection, call, account)
    if found is None or found.request_hash != fingerprint:
        raise Refused(Finding("SBX-1107", field="messageid", value=said.messageid))
    outcome = Outcome(call.language, echo=said.messageid)
    return answers.receipt(outcome, size=found.size)


def _package(connection: Transaction, call: Call, messageid: str) -> Package | None:
    return package_store.package_of(
        connection, messageid.lower(), space=call.space.id, desk=call.desk.desk
    )


def _enter(connection: Transaction, call: Call, account: Account) -> int:
    """Return the rank of one more package. Raises `Busy` when the account has too many open."""
    rank = package_store.enter(
        connection,
        space=call.space.id,
        desk=call.desk.desk,
        user_name=account.user_name,
        limit=account.profile.open_packages,
    )
    if rank is None:
        raise _too_many_open(account)
    return rank


def _require_room(connection: Transaction, call: Call, account: Account) -> None:
    waiting = package_store.open_packages(
        connection, space=call.space.id, desk=call.desk.desk, user_name=account.user_name
    )
    if waiting >= account.profile.open_packages:
        raise _too_many_open(account)


def _too_many_open(account: Account) -> Busy:
    limit = account.profile.open_packages
    fault = Finding("SBX-1112", field="goi_dang_mo", value=str(limit), expected=f"< {limit}")
    return Busy(fault, retry_after=OPEN_RETRY_S)


def _as_package(
    call: Call, account: Account, request: SubmitRequest, fingerprint: str, rank: int
) -> Package:
    said = request.authentication_request
    return Package(
        space=call.space.id,
        desk=call.desk.desk,
        messageid=said.messageid.lower(),
        user_name=account.user_name,
        unit_code=account.unit_code,
        nam_hoc=said.nam_hoc,
        request_hash=fingerprint,
        size=len(request.content),
        state=PackageState.WAITING,
        received_epoch=call.moment.epoch,
        received_at=call.moment.iso,
        due_epoch=call.moment.epoch,
        rank=rank,
    )


def _audit(connection: Transaction, call: Call, account: Account) -> None:
    line = Audit(
        actor=account.user_name,
        action="bien_nhan",
        outcome=SUCCESS,
        space_time=call.moment.iso,
        machine_time=call.moment.machine.isoformat(),
        address=call.address[:64],
    )
    store.add_audit(connection, [line], space=call.space.id, desk=call.desk.desk)


def result(
    connection: Transaction,
    call: Call,
    account: Account,
    request: ResultRequest,
    estimates: Estimates,
) -> dict[str, Any]:
    """Answer type 2: one row per record, or `SBX-1201` and an estimate while work is going on.

    Raises:
        Refused: SBX-1202 when the unit has handed in nothing under this messageid.
    """
    said = request.authentication_request
    found = _package(connection, call, said.messageid)
    if found is None or found.unit_code != account.unit_code:
        raise Refused(Finding("SBX-1202", field="messageid", value=said.messageid))
    if found.state in (PackageState.WAITING, PackageState.CLAIMED):
        pending = kept.all_to_json([Finding("SBX-1201", value=found.reason)])
        outcome = Outcome(call.language, "SBX-1201", said.messageid, pending)
        return answers.pending(outcome, seconds=estimates.seconds_until(connection, found))
    lines = package_store.results_of(
        connection, found.messageid, space=call.space.id, desk=call.desk.desk
    )
    code = SUCCESS
    if found.state is PackageState.REFUSED and not lines:
        code = kept.error_words(found.findings)[0]
    return answers.rows(
        Outcome(call.language, code, said.messageid, found.findings),
        listed=[answers.result_row(line, language=call.language) for line in lines],
    )


def circulating(
    connection: Transaction, call: Call, account: Account, request: CirculatingRequest
) -> dict[str, Any]:
    """Answer the sandbox's own forwarding service (**I**): at most 200 records in circulation.

    Raises:
        Refused: SBX-1117 for an account that is not the Sở's own at its Cổng.
    """
    if account.kind != "so" or call.desk.kind is not DeskKind.CONG:
        raise Refused(Finding("SBX-1117", field="ma_don_vi", value=account.unit_code))
    records = record_store.circulating_after(
        connection,
        request.authentication_request.sau,
        space=call.space.id,
        desk=call.desk.desk,
        department=account.unit_code,
        limit=ROWS_FORWARDED,
    )
    listed = [
        {
            "thu_tu": record.number,
            "ma_tra_cuu_uuid": record.uuid,
            "ma_truong": record.school_code,
            "nam_hoc": record.school_year,
            "hoc_ba": base64.b64encode(record.xml).decode(),
        }
        for record in records
    ]
    return answers.rows(Outcome(call.language), listed=listed)
