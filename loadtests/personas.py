"""Personas: who calls, and in which order. How many of them there are is the shape's business."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Any

import gevent
from locust import task
from locust.contrib.fasthttp import FastHttpUser
from locust.exception import StopUser

from loadtests.plan import Plan, Registration, Sample, Sender, Submission
from loadtests.recorder import Recorder
from sandbox.errors import SandboxError
from sandbox.wire.ministry import (
    BASE,
    Receipt,
    RegistrationFields,
    RegistrationReply,
    RegistrationRequest,
    RegistrationStateFields,
    RegistrationStateReply,
    RegistrationStateRequest,
    Request,
    ResultFields,
    ResultReply,
    ResultRequest,
    SubmitFields,
    SubmitRequest,
    TokenReply,
    TokenRequest,
)
from sandbox.wire.officer import OfficerDesk

LISTS = (
    "danh-muc/kieu-chu-ky",
    "danh-muc/nha-cung-cap",
    "danh-muc/truong",
    "danh-muc/ma-loi",
)
RESULT_WITHIN_S = 30.0
"""After this a package counts as not answered; its records are not accepted."""
ASK_EVERY_S = 0.5


class SchoolUser(FastHttpUser):
    """A school's software: connects, reads the lists, registers, submits, reads each result.

    Users share the senders of the plan in turn. A call the desk refuses is a failed sample;
    `SBX-1201` (not ready yet) is a good one.
    """

    abstract = True
    connection_timeout = 10.0
    network_timeout = 20.0
    max_redirects = 0
    plan: Plan
    recorder: Recorder
    turns: Iterator[int]

    def on_start(self) -> None:
        """Take a sender; nothing is called yet."""
        number = next(self.turns)
        self.sender: Sender = self.plan.senders[number % len(self.plan.senders)]
        self.token = ""
        self.registered = number >= len(self.plan.senders)

    @task
    def one_of_each(self) -> None:
        """One round: every service once, the submission until its result is known."""
        if not self.sender.submissions or self.recorder.full:
            raise StopUser
        submission = self.sender.submissions.pop(0)
        self.connect()
        for path in ("thong-tin", *LISTS):
            self.call(path)
        self.register()
        self.submit(submission)

    def connect(self) -> None:
        """Service 3.1."""
        request = TokenRequest(
            user_name=self.sender.user_name,
            password=self.sender.password,
            ma_don_vi=self.sender.unit_code,
        )
        answer = self.call("token", request)
        self.token = (TokenReply.model_validate(answer).token or "") if answer else ""

    def register(self) -> None:
        """Types 3 and 4; the officer's approval in between is no measured call."""
        registration = self.sender.registration
        if not self.registered:
            self.registered = True
            self._register(registration)
        fields = RegistrationStateFields(
            **self.identification(),
            messageid=registration.messageid,
            ma_nam_hoc=self.plan.school_year,
            type="4",
            function="TRA_KET_QUA_CTS",
        )
        request = RegistrationStateRequest(authenticationRequest=fields)
        answer = self.call("chung-thu-so/trang-thai", request)
        if answer:
            RegistrationStateReply.model_validate(answer)

    def _register(self, registration: Registration) -> None:
        fields = RegistrationFields.model_validate(
            {
                **self.identification(),
                "messageid": registration.messageid,
                "type": "3",
                "function": "DANG_KY_CTS",
                "serial_number": registration.serial_number,
                "ngay_hieu_luc": registration.ngay_hieu_luc,
                "ma_kieu_chu_ky": "REMOTE_SIGNING",
                "nha_phat_hanh": registration.nha_phat_hanh,
            }
        )
        request = RegistrationRequest(authenticationRequest=fields, content=registration.content)
        answer = self.call("chung-thu-so", request)
        if not answer or RegistrationReply.model_validate(answer).error != "0":
            return
        try:
            with OfficerDesk(self.plan.desk, read_s=30.0) as officer:
                officer.approve(registration.messageid)
        except SandboxError as error:
            self.environment.events.user_error.fire(
                user_instance=self, exception=error, tb=error.__traceback__
            )

    def submit(self, submission: Submission) -> None:
        """Types 1 and 2: one package, asked about until its result is final."""
        fields = SubmitFields(
            **self.identification(),
            nam_hoc=self.plan.school_year,
            messageid=submission.messageid,
            type="1",
            function="NOP_HOC_BA",
        )
        request = SubmitRequest(authenticationRequest=fields, content=submission.content)
        began = time.perf_counter()
        answer = self.call("hoc-ba", request)
        accepted, turnaround = 0, None
        if answer and Receipt.model_validate(answer).accepted:
            reply = self.result(submission.messageid, until=began + RESULT_WITHIN_S)
            if reply is not None:
                turnaround = time.perf_counter() - began
                accepted = sum(row.trang_thai == 1 for row in reply.rows)
        self.recorder.package(
            records=submission.records, accepted=accepted, turnaround_s=turnaround
        )
        if self.recorder.finished:
            self.recorder.ended_by = "done"
            self.environment.runner.quit()

    def result(self, messageid: str, *, until: float) -> ResultReply | None:
        """Ask for a result until it is final; None when it did not come in time."""
        fields = ResultFields(
            **self.identification(), messageid=messageid, type="2", function="TRA_KET_QUA_NOP"
        )
        request = ResultRequest(authenticationRequest=fields)
        while time.perf_counter() < until and not self.recorder.full:
            answer = self.call("hoc-ba/trang-thai", request)
            if answer:
                reply = ResultReply.model_validate(answer)
                if not reply.pending:
                    return reply
            gevent.sleep(ASK_EVERY_S)
        return None

    def identification(self) -> dict[str, str]:
        """Return the four fields that say who speaks."""
        return {
            "token": self.token,
            "user_name": self.sender.user_name,
            "password": self.sender.password,
            "ma_don_vi": self.sender.unit_code,
        }

    def call(self, path: str, request: Request | None = None) -> dict[str, Any] | None:
        """Make one measured call and return its JSON, or None when it failed."""
        gevent.sleep(self.plan.profile.pause_s)
        if self.recorder.full:
            self.recorder.ended_by = "calls"
            self.environment.runner.quit()
            raise StopUser
        url = f"{self.plan.desk}{BASE}/{path}"
        body = request.model_dump(by_alias=True, exclude_none=True) if request else None
        began = time.perf_counter()
        with self.client.request(
            "POST" if request else "GET",
            url,
            name=path,
            json=body,
            headers={"Authorization": f"Bearer {self.token}"} if not request else {},
            catch_response=True,
        ) as response:
            took = 1000 * (time.perf_counter() - began)
            answer = _json_of(response)
            error = None if answer is None else str(answer.get("Error", answer.get("error")))
            good = response.status_code == 200 and error in ("0", "SBX-1201")
            if good:
                response.success()
            else:
                response.failure(f"{response.status_code} {error}")
        self.recorder.call(
            Sample(
                call=path,
                at=round(began, 4),
                ms=round(took, 3),
                status=response.status_code or 0,
                error=error,
                failed=not good,
            )
        )
        return answer if good else None


def _json_of(response: Any) -> dict[str, Any] | None:
    try:
        answer = response.json()
    except (ValueError, TypeError):
        return None
    return answer if isinstance(answer, dict) else None


def turns() -> Iterator[int]:
    """Return the numbers by which users choose their sender."""
    return itertools.count()


PERSONAS: dict[str, type[SchoolUser]] = {"school": SchoolUser}
"""By the name a profile gives under `persona`."""
