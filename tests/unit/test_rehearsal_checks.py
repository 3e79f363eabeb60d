"""The named checks: what they say about what reached the desk."""

from __future__ import annotations

import pytest

from sandbox.rehearsal.checks import (
    Accepted,
    ApprovalSeen,
    CertificateApproved,
    Look,
    NewMessageId,
    Receipt,
    Refused,
    ResultSeen,
    Standing,
    TokenIssued,
)
from sandbox.rehearsal.desk import Exchange, Outcome
from sandbox.rehearsal.results import Fault
from sandbox.wire.ministry import RegistrationStateReply

MESSAGE = "11111111-1111-4111-8111-111111111111"


def exchange(service, *, error="0", status=200, messageid=None, number=1):
    return Exchange(number, "", service, "truong", None, messageid, status, error)


def look(*now, before=(), outcomes=None, settled=(), registration=None):
    return Look(
        now=tuple(now),
        before=tuple(before),
        outcomes=outcomes or {},
        settled=frozenset(settled),
        registration=registration,
    )


SENT = exchange("hoc-ba", messageid=MESSAGE)


def test_a_token_given_is_met():
    """`token_issued` is met by an answer with Error 0."""
    assert TokenIssued(check="token_issued").judge(look(exchange("token"))).standing is Standing.MET


def test_nothing_called_is_open():
    """Until the client calls, nothing is decided."""
    judgement = TokenIssued(check="token_issued").judge(look())

    assert (judgement.standing, judgement.reason) == (Standing.OPEN, "not_called")


def test_a_wrong_unit_is_broken_at_once():
    """A refusal that trying again cannot mend decides the check."""
    refused = exchange("token", error="SBX-1117", status=403)

    judgement = TokenIssued(check="token_issued").judge(look(refused))

    assert (judgement.standing, judgement.fault) == (Standing.BROKEN, Fault.PROVIDER)
    assert judgement.values["code"] == "SBX-1117"


@pytest.mark.parametrize("code", ["SBX-1112", "SBX-1103"])
def test_answers_a_good_client_tries_again_after_decide_nothing(code):
    """Too fast or a token run out: the client may mend it by itself."""
    judgement = Receipt(check="receipt").judge(look(exchange("hoc-ba", error=code, status=429)))

    assert judgement.standing is Standing.OPEN


def test_maintenance_is_nobodys_fault_but_the_environments():
    """A desk that stays under maintenance says nothing about the client."""
    judgement = Receipt(check="receipt").judge(
        look(exchange("hoc-ba", error="SBX-1118", status=503))
    )

    assert (judgement.standing, judgement.fault) == (Standing.OPEN, Fault.ENVIRONMENT)


def test_a_desk_that_breaks_is_the_sandboxs_fault():
    """A 5xx that is no maintenance is ours."""
    judgement = Receipt(check="receipt").judge(
        look(exchange("hoc-ba", error="SBX-9001", status=500))
    )

    assert (judgement.standing, judgement.fault) == (Standing.BROKEN, Fault.SANDBOX)


def test_a_refusal_before_a_good_answer_is_forgiven():
    """What counts is that it worked in the end."""
    calls = look(exchange("hoc-ba", error="SBX-1101", status=400), SENT)

    assert Receipt(check="receipt").judge(calls).standing is Standing.MET


def test_an_accepted_record_is_met():
    """`accepted` is met by the desk's own result."""
    seen = look(SENT, outcomes={"good": Outcome(accepted=True, messageid=MESSAGE)})

    assert Accepted(check="accepted", record="good").judge(seen).standing is Standing.MET


def test_a_record_refused_where_it_should_count_is_broken_with_code_and_place():
    """The reason names what the desk found."""
    outcome = Outcome(accepted=False, code="SBX-3002", place="/HOC_BA", messageid=MESSAGE)

    judgement = Accepted(check="accepted", record="good").judge(
        look(SENT, outcomes={"good": outcome})
    )

    assert (judgement.standing, judgement.values["code"]) == (Standing.BROKEN, "SBX-3002")


def test_a_result_not_there_yet_is_pending_and_no_fault_of_the_client():
    """While the desk works on what it took in, the client is not to blame."""
    judgement = Accepted(check="accepted", record="good").judge(look(SENT))

    assert (judgement.standing, judgement.fault) == (Standing.PENDING, Fault.ENVIRONMENT)


def test_a_package_without_the_record_asked_for_is_the_clients_fault():
    """The desk is done and the record was not in what came."""
    judgement = Accepted(check="accepted", record="good").judge(look(SENT, settled={MESSAGE}))

    assert (judgement.standing, judgement.reason) == (Standing.OPEN, "not_in_package")


def test_the_expected_refusal_is_met():
    """`refused` wants exactly this code."""
    outcome = Outcome(accepted=False, code="SBX-4003", messageid=MESSAGE)
    check = Refused(check="refused", record="bad", code="SBX-4003")

    assert check.judge(look(SENT, outcomes={"bad": outcome})).standing is Standing.MET


def test_another_refusal_is_broken():
    """Refused, but for another reason: the client spoilt something else."""
    outcome = Outcome(accepted=False, code="SBX-3002", messageid=MESSAGE)
    check = Refused(check="refused", record="bad", code="SBX-4003")

    judgement = check.judge(look(SENT, outcomes={"bad": outcome}))

    assert (judgement.standing, judgement.reason) == (Standing.BROKEN, "other_code")


def test_a_record_accepted_where_it_should_be_refused_is_broken():
    """A client that quietly repairs what it is given is found out."""
    outcome = Outcome(accepted=True, messageid=MESSAGE)
    check = Refused(check="refused", record="bad", code="SBX-4003")

    judgement = check.judge(look(SENT, outcomes={"bad": outcome}))

    assert judgement.reason == "accepted_instead"


def test_a_simulated_system_fault_is_never_the_clients():
    """SBX-9001 on a record ends as the sandbox's fault."""
    outcome = Outcome(accepted=False, code="SBX-9001", messageid=MESSAGE)

    judgement = Accepted(check="accepted", record="good").judge(
        look(SENT, outcomes={"good": outcome})
    )

    assert judgement.fault is Fault.SANDBOX


def test_a_result_never_asked_for_is_open_with_that_reason():
    """Taking the receipt for the result is not enough."""
    assert ResultSeen(check="result_seen").judge(look(SENT)).reason == "result_not_asked"


def test_asking_too_early_and_stopping_is_not_enough():
    """SBX-1201 is no result."""
    asked = exchange("hoc-ba/trang-thai", error="SBX-1201", messageid=MESSAGE)

    assert ResultSeen(check="result_seen").judge(look(SENT, asked)).reason == "result_not_final"


def test_the_final_answer_read_is_met():
    """`result_seen` is met by one final type 2 answer for this step's messageid."""
    asked = exchange("hoc-ba/trang-thai", messageid=MESSAGE)

    assert ResultSeen(check="result_seen").judge(look(SENT, asked)).standing is Standing.MET


def test_a_messageid_used_before_is_broken():
    """A mended package is another request and needs another messageid."""
    check = NewMessageId(check="new_message_id")

    assert check.judge(look(SENT, before=[SENT])).standing is Standing.BROKEN


def test_a_registration_refused_is_broken_with_its_code():
    """A faulty registration is the client's, not the officer's."""
    standing = RegistrationStateReply(error="SBX-1122", trang_thai_phe_duyet=0)

    judgement = CertificateApproved(check="certificate_approved").judge(look(registration=standing))

    assert (judgement.standing, judgement.values["code"]) == (Standing.BROKEN, "SBX-1122")


def test_an_approval_seen_too_early_is_not_seen():
    """While nobody has decided, type 4 answers SBX-1201 and the client asks again."""
    early = exchange("chung-thu-so/trang-thai", error="SBX-1201")

    assert ApprovalSeen(check="approval_seen").judge(look(early)).standing is Standing.OPEN
