"""The closed set of named checks a scenario may use. No expressions: a name and its arguments.

Each check looks at nothing but what reached the receiving desk (`Look`) and answers with a
`Judgement`. A check never asks the client program anything.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sandbox.rehearsal.desk import Exchange, Outcome
from sandbox.rehearsal.results import Fault
from sandbox.wire.ministry import RegistrationStateReply


class Standing(Enum):
    """What a check can say at one moment."""

    MET = "met"
    OPEN = "open"
    """Nothing decisive yet; at the end of the step's time this is the client's fault."""
    PENDING = "pending"
    """The client did its part; the desk has not answered finally."""
    BROKEN = "broken"
    """Decided: it can no longer be met."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A standing with its reason (key of the catalogue) and whose fault it is when broken."""

    standing: Standing
    reason: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    fault: Fault = Fault.PROVIDER


MET = Judgement(Standing.MET)


@dataclass(frozen=True, slots=True)
class Look:
    """What reached the desk: this step's exchanges, those before, and the records' outcomes."""

    now: tuple[Exchange, ...]
    """Exchanges of the account since the step began, oldest first."""
    before: tuple[Exchange, ...]
    outcomes: Mapping[str, Outcome]
    """By the record's name in the scenario; only records with a result known to us."""
    settled: frozenset[str] = frozenset()
    """Submissions of this step whose results are known to us."""
    registration: RegistrationStateReply | None = None
    """How the unit's registration stands; asked for in an officer's step only."""


SERVICES = {
    "token": "token",
    "register": "chung-thu-so",
    "approval": "chung-thu-so/trang-thai",
    "submit": "hoc-ba",
    "result": "hoc-ba/trang-thai",
}
"""Task → path of the service below `/sandbox/v1/` (spec/transactions.md §4)."""

PENDING_CODE = "SBX-1201"
MAINTENANCE = "SBX-1118"

TRY_AGAIN = frozenset({"SBX-1112", MAINTENANCE, "SBX-1103"})
"""Answers after which a good client simply tries again: rate, maintenance, token run out."""

OUR_FAULT = {"SBX-9001": Fault.SANDBOX, MAINTENANCE: Fault.ENVIRONMENT}


class Check(BaseModel):
    """Base of all checks: an unknown argument is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    check: str

    @abstractmethod
    def judge(self, look: Look) -> Judgement:
        """Say how things stand."""

    def arguments(self) -> dict[str, Any]:
        """Return the arguments as they stand in the scenario."""
        return self.model_dump(exclude={"check"})


class TokenIssued(Check):
    """The account was given a token: service 3.1 answered `Error` 0."""

    check: Literal["token_issued"]

    def judge(self, look: Look) -> Judgement:
        """Met by the first good answer of service 3.1."""
        return _answered(look, "token")


class RegistrationReceived(Check):
    """The unit's certificate was registered: a type 3 request was taken in with `Error` 0."""

    check: Literal["registration_received"]

    def judge(self, look: Look) -> Judgement:
        """Met by the first good answer of service 3.4."""
        return _answered(look, "register")


class CertificateApproved(Check):
    """The desk holds the registered certificate as approved."""

    check: Literal["certificate_approved"]

    def judge(self, look: Look) -> Judgement:
        """Met by the desk's answer to type 4; broken when the registration was refused."""
        standing = look.registration
        if standing is None:
            return Judgement(Standing.OPEN, "nothing_registered")
        if standing.trang_thai_phe_duyet == 1:
            return MET
        if standing.error == PENDING_CODE:
            return Judgement(Standing.PENDING, "not_approved", fault=Fault.SANDBOX)
        return Judgement(Standing.BROKEN, "registration_refused", {"code": standing.error})


class ApprovalSeen(Check):
    """The client asked for the state of its registration (type 4) and saw the approval."""

    check: Literal["approval_seen"]

    def judge(self, look: Look) -> Judgement:
        """Met by a good answer of service 3.5: it is good only once approved."""
        return _answered(look, "approval")


class Receipt(Check):
    """A submission (type 1) was acknowledged: receipt with `Error` 0."""

    check: Literal["receipt"]

    def judge(self, look: Look) -> Judgement:
        """Met by the first good receipt of this step."""
        return _answered(look, "submit")


class NewMessageId(Check):
    """This step's submission carries a messageid no earlier submission had."""

    check: Literal["new_message_id"]

    def judge(self, look: Look) -> Judgement:
        """Broken as soon as an earlier messageid comes again with another content."""
        sent = [e.messageid for e in look.now if e.service == SERVICES["submit"] and e.messageid]
        used = {e.messageid for e in look.before if e.service == SERVICES["submit"]}
        for messageid in sent:
            if messageid in used:
                return Judgement(Standing.BROKEN, "messageid_reused", {"messageid": messageid})
        return MET if sent else Judgement(Standing.OPEN, "nothing_submitted")


class Accepted(Check):
    """The record is accepted: it circulates (Cổng) or is reported (Kho)."""

    check: Literal["accepted"]
    record: str

    def judge(self, look: Look) -> Judgement:
        """Met by the stored state, broken by a refusal given in this step."""
        outcome = look.outcomes.get(self.record)
        if outcome is None:
            return _not_there(look, self.record)
        if outcome.accepted:
            return MET
        if outcome.refused and outcome.messageid in taken_in(look.now):
            return Judgement(
                Standing.BROKEN,
                "refused_instead",
                {"record": self.record, "code": outcome.code, "place": outcome.place},
                fault=OUR_FAULT.get(outcome.code, Fault.PROVIDER),
            )
        return _not_there(look, self.record)


class Refused(Check):
    """The record is refused with exactly this first code."""

    check: Literal["refused"]
    record: str
    code: str = Field(pattern=r"^SBX-[0-9]{4}$")

    def judge(self, look: Look) -> Judgement:
        """Met by a refusal with the code; broken by acceptance or by another code."""
        outcome = look.outcomes.get(self.record)
        if outcome is None or outcome.messageid not in taken_in(look.now):
            return _not_there(look, self.record)
        values = {"record": self.record, "expected": self.code, "code": outcome.code}
        if outcome.accepted:
            return Judgement(Standing.BROKEN, "accepted_instead", values)
        if not outcome.refused:
            return _not_there(look, self.record)
        if outcome.code != self.code:
            fault = OUR_FAULT.get(outcome.code, Fault.PROVIDER)
            values["place"] = outcome.place
            return Judgement(Standing.BROKEN, "other_code", values, fault=fault)
        return MET


class ResultSeen(Check):
    """The client asked for the result (type 2) of this step's submission and got the final one."""

    check: Literal["result_seen"]

    def judge(self, look: Look) -> Judgement:
        """Met by a final type 2 answer for a messageid taken in during this step."""
        sent = taken_in(look.now)
        if not sent:
            return Judgement(Standing.OPEN, "nothing_submitted")
        asked = [e for e in look.now if e.service == SERVICES["result"] and e.messageid in sent]
        if any(e.final for e in asked):
            return MET
        return Judgement(Standing.OPEN, "result_not_final" if asked else "result_not_asked")


AnyCheck = Annotated[
    TokenIssued
    | RegistrationReceived
    | CertificateApproved
    | ApprovalSeen
    | Receipt
    | NewMessageId
    | Accepted
    | Refused
    | ResultSeen,
    Field(discriminator="check"),
]

CHECKS: dict[str, type[Check]] = {
    "token_issued": TokenIssued,
    "registration_received": RegistrationReceived,
    "certificate_approved": CertificateApproved,
    "approval_seen": ApprovalSeen,
    "receipt": Receipt,
    "new_message_id": NewMessageId,
    "accepted": Accepted,
    "refused": Refused,
    "result_seen": ResultSeen,
}


def taken_in(exchanges: Iterable[Exchange]) -> set[str]:
    """Return the messageids of the submissions acknowledged among *exchanges*."""
    return {
        e.messageid
        for e in exchanges
        if e.service == SERVICES["submit"] and e.good and e.messageid is not None
    }


def read_result_of(exchange: Exchange, messageid: str) -> bool:
    """Tell whether *exchange* gave its sender the final result of the submission *messageid*."""
    return (
        exchange.service == SERVICES["result"]
        and exchange.messageid == messageid
        and exchange.final
    )


def _answered(look: Look, task: str) -> Judgement:
    """Judge the calls of one service: a good answer is met, a refusal for good is broken."""
    calls = [e for e in look.now if e.service == SERVICES[task]]
    if any(e.good for e in calls):
        return MET
    for exchange in calls:
        if exchange.status >= 500 and exchange.error not in TRY_AGAIN:
            values = {"status": str(exchange.status), "code": exchange.error or "-"}
            return Judgement(Standing.BROKEN, "desk_broke", values, fault=Fault.SANDBOX)
        if exchange.pending or exchange.error in TRY_AGAIN:
            continue
        values = {"service": exchange.service, "code": exchange.error or str(exchange.status)}
        return Judgement(Standing.BROKEN, "call_refused", values)
    if calls and calls[-1].error == MAINTENANCE:
        return Judgement(Standing.OPEN, "maintenance", fault=Fault.ENVIRONMENT)
    if calls:
        values = {"service": SERVICES[task], "code": calls[-1].error or "-"}
        return Judgement(Standing.OPEN, "not_good_yet", values)
    return Judgement(Standing.OPEN, "not_called", {"service": SERVICES[task]})


def _not_there(look: Look, record: str) -> Judgement:
    """No outcome yet: the desk is still working, or the record never came."""
    sent = taken_in(look.now)
    if not sent:
        return Judgement(Standing.OPEN, "nothing_submitted")
    if sent - look.settled:
        return Judgement(
            Standing.PENDING, "desk_working", {"record": record}, fault=Fault.ENVIRONMENT
        )
    return Judgement(Standing.OPEN, "not_in_package", {"record": record})
