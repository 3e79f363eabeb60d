"""The bodies of the answers, field for field as printed (transactions §2.2–§2.8).

Every answer, of any status, has the printed fields of its type and `chi_tiet` beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.domain.rejections import CATALOGUE, SUCCESS, title
from sandbox.errors import Finding, Refused
from sandbox.ministry import findings as kept
from sandbox.ministry.model import CertificateState, RegisteredCertificate, ResultLine
from sandbox.web import text

ACCEPTED, REFUSED = "TIEP_NHAN", "TU_CHOI"


class Busy(Refused):
    """Refused for now: the same request may be sent again after `retry_after` seconds."""

    def __init__(self, finding: Finding, *, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(finding)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back over HTTP."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def error(self) -> str:
        """The code answered, whichever way the type spells the field."""
        return str(self.body.get("Error", self.body.get("error", SUCCESS)))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What every shape of answer is made of. `findings` are kept findings."""

    language: str
    code: str = SUCCESS
    echo: str | None = None
    findings: tuple[Mapping[str, Any], ...] = ()
    unit_code: str | None = None

    @property
    def title(self) -> str:
        """Vietnamese title of the code, as printed."""
        return title(self.code, "vi")

    @property
    def chi_tiet(self) -> list[dict[str, Any]]:
        """The details in the asker's language."""
        return kept.details(self.findings, self.language)

    @property
    def field(self) -> str:
        """Name of the field at fault, or empty."""
        return kept.error_words(self.findings)[1] if self.code != SUCCESS else ""


def refused(refusal: Refused, *, language: str, echo: str | None, unit_code: str | None) -> Outcome:
    """Return the outcome of a refusal."""
    return Outcome(language, refusal.code, echo, kept.all_to_json(refusal.findings), unit_code)


def status_of(code: str) -> int:
    """Return the status §2.8 gives *code*; a refusal without one was still answered: 200."""
    return CATALOGUE[code].http_status or 200


def token(outcome: Outcome, *, value: str | None = None, lifetime_s: int) -> dict[str, Any]:
    """Answer service 3.1."""
    return {
        "token": value,
        "het_han_sau": lifetime_s,
        "Error": outcome.code,
        "ErrorDescription": outcome.title,
        "chi_tiet": outcome.chi_tiet,
    }


def receipt(outcome: Outcome, *, size: int = 0) -> dict[str, Any]:
    """Answer type 1: the receipt (biên nhận)."""
    taken = outcome.code == SUCCESS
    if taken:
        said = text("vi", "chuyen_mon", "ministry.receipt.taken", size=size)
    else:
        said = CATALOGUE[outcome.code].cause["vi"]
    return {
        "MessageId": outcome.echo,
        "Error": outcome.code,
        "ErrorDescription": outcome.title,
        "ResponseCode": ACCEPTED if taken else REFUSED,
        "ResponseDescription": said,
        "chi_tiet": outcome.chi_tiet,
    }


def rows(outcome: Outcome, *, listed: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Answer with a list: types 2 and 6, the catalogues and the forwarding service."""
    return {
        "MessageId": outcome.echo,
        "Error": outcome.code,
        "ErrorDescription": outcome.title,
        "DanhSach": list(listed),
        "chi_tiet": outcome.chi_tiet,
    }


def pending(outcome: Outcome, *, seconds: int | None) -> dict[str, Any]:
    """Answer type 2 while work is going on; *seconds*: when the result is expected (**I**)."""
    return {**rows(outcome), "du_kien_giay": seconds}


def information(outcome: Outcome, *, said: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Answer `thong-tin`: one object."""
    return {
        **(said or {}),
        "Error": outcome.code,
        "ErrorDescription": outcome.title,
        "chi_tiet": outcome.chi_tiet,
    }


def result_row(line: ResultLine, *, language: str) -> dict[str, Any]:
    """Return one row of the answer of type 2."""
    error, where, said = (SUCCESS, "", "") if line.accepted else kept.error_words(line.findings)
    return {
        "ma_hoc_sinh": line.pupil_code,
        "ten_hoc_sinh": line.pupil_name,
        "so_cccd": line.pupil_id,
        "ma_tra_cuu_uuid": line.uuid,
        "trang_thai": int(line.accepted),
        "error": error,
        "error_field_title": where,
        "error_description": said,
        "chi_tiet": kept.details(line.findings, language),
    }


def registration(outcome: Outcome) -> dict[str, Any]:
    """Answer type 3; `error_filed_title` is printed so, only here."""
    return {
        "messageid": outcome.echo,
        "error": outcome.code,
        "error_filed_title": outcome.field,
        "error_description": "" if outcome.code == SUCCESS else outcome.title,
        "chi_tiet": outcome.chi_tiet,
    }


def registration_state(
    outcome: Outcome, *, found: RegisteredCertificate | None = None
) -> dict[str, Any]:
    """Answer type 4: approved, refused with its reason, or nothing decided yet."""
    approved = None
    description = "" if outcome.code == SUCCESS else outcome.title
    if found is not None and found.state is not CertificateState.PENDING:
        approved = int(found.state is not CertificateState.REFUSED)
        if not approved and found.reason:
            description = f"{description}: {found.reason}"
    return {
        "messageid": outcome.echo,
        "ma_don_vi": found.unit_code if found else outcome.unit_code,
        "serial_number": found.serial if found else None,
        "trang_thai_phe_duyet": approved,
        "error": outcome.code,
        "error_field_title": outcome.field,
        "error_description": description,
        "chi_tiet": outcome.chi_tiet,
    }
