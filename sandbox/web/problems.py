"""Problem pages: what happened, what it means, what to do, one big button (E1r–E3r).

People get a page, programs get JSON; nobody gets a traceback.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.domain.rejections import CATALOGUE, explain_all
from sandbox.errors import Finding, Refused, SandboxError, Unavailable
from sandbox.web.messages import Message, say
from sandbox.web.skin import audience_of, page, text
from sandbox.web.visits import visit

LOG = logging.getLogger("sandbox.web")
KNOWN_STATUSES = (400, 403, 404, 405, 409, 413, 422, 503)


class Problem(SandboxError):
    """A problem page in the learner's own words (errors-teachers-meet, E1–E15).

    *heading* says what, *meaning* why ("Nghĩa là: …"), *remedy* what to do ("Thầy cô làm: …");
    *button* performs the remedy and leads to the path *to*. *quote* is the real sentence people
    will see on real software. Raise it anywhere in a page route or in `submit`'s handle.
    """

    def __init__(
        self,
        heading: Message,
        *,
        meaning: Message,
        remedy: Message,
        button: Message,
        to: str,
        quote: Message | None = None,
        code: str = "",
        status: int = 422,
    ) -> None:
        self.heading, self.meaning, self.remedy = heading, meaning, remedy
        self.button, self.to, self.quote = button, to, quote
        self.code, self.status = code, status
        super().__init__(heading.key)

    def to_json(self) -> dict[str, Any]:
        """Return the problem as JSON, to be shown again to whoever repeats the form."""
        words = ("heading", "meaning", "remedy", "button", "quote")
        packed = {
            name: [said.kind, said.key, {k: str(v) for k, v in said.values.items()}]
            for name in words
            if (said := getattr(self, name)) is not None
        }
        return {**packed, "to": self.to, "code": self.code, "status": self.status}

    @classmethod
    def from_json(cls, packed: Mapping[str, Any]) -> Problem:
        """Return the problem that `to_json` packed."""
        words: dict[str, Any] = {
            name: Message(*value) if isinstance(value, list) else value
            for name, value in packed.items()
        }
        return cls(words.pop("heading"), **words)

    def answer(self, request: Request) -> Response:
        """Return the page, or its JSON for a program."""
        if wants_json(request):
            words = {
                name: _plain(request, getattr(self, name))
                for name in ("heading", "meaning", "remedy")
            }
            body = _body(self.code, words["heading"], words["meaning"], words["remedy"])
            return JSONResponse(body, status_code=self.status)
        return page(
            request,
            "web/problem.html",
            status=self.status,
            wrong=True,
            banner="short",
            problem=self,
            details=(),
        )


def wants_json(request: Request) -> bool:
    """Return whether the asker is a program: it says so, sends JSON, or asks a service path."""
    accept = request.headers.get("accept", "")
    if "text/html" in accept:
        return False
    sends = request.headers.get("content-type", "")
    return "json" in accept or "json" in sends or "/v1/" in request.scope["path"]


def refusal_page(
    request: Request, findings: Sequence[Finding], *, again: str | None = None
) -> Response:
    """Answer a refusal: 409 where the catalogue says so on a page, else 422; JSON by catalogue."""
    first = findings[0]
    rejection = CATALOGUE[first.code]
    language = visit(request).language
    rows = explain_all(findings, language)
    if wants_json(request):
        body = _body(
            first.code,
            rejection.title[language],
            rejection.cause[language],
            rejection.remedy[language],
        )
        return JSONResponse({**body, "chi_tiet": rows}, status_code=rejection.http_status or 422)
    professional = audience_of(request) == "professional"
    problem = Problem(
        say("tieu_de", "web.problem.refused.title"),
        meaning=say("cau", "web.text", text=rejection.plain_meaning[language]),
        remedy=say("cau", "web.text", text=rejection.plain_remedy[language]),
        button=say("nut", "web.problem.refused.button"),
        to=again or visit(request).path,
        code=first.code,
        status=409 if rejection.http_status == 409 else 422,
    )
    if professional:
        problem.heading = say("cau", "web.text", text=rejection.title[language])
        problem.meaning = say("cau", "web.text", text=rejection.cause[language])
        problem.remedy = say("cau", "web.text", text=rejection.remedy[language])
    return page(
        request,
        "web/problem.html",
        status=problem.status,
        wrong=True,
        banner="short",
        problem=problem,
        details=rows if professional else (),
    )


def status_page(
    request: Request,
    status: int,
    *,
    headers: Mapping[str, str] | None = None,
    to: str = "/",
) -> Response:
    """Answer a bare status (404, 405, 413, …) with its own words and a button to the path *to*."""
    known = status if status in KNOWN_STATUSES else 400 if status < 500 else 500
    button = "look_again" if status == 503 else "home"
    key = f"web.problem.{known}"
    return _spoken(request, key, status=status, headers=headers, to=to, button=button)


def incident_page(request: Request, error: BaseException) -> Response:
    """Log *error* under a number and answer 500 with that number, and nothing else of it."""
    number = secrets.token_hex(4)
    LOG.error("incident %s on %s", number, request.scope["path"], exc_info=error)
    return _spoken(request, "web.problem.500", status=500, code=f"SBX-9001 · {number}")


def _spoken(
    request: Request,
    key: str,
    *,
    status: int,
    code: str = "",
    to: str = "/",
    button: str = "home",
    headers: Mapping[str, str] | None = None,
) -> Response:
    problem = Problem(
        say("tieu_de", f"{key}.title"),
        meaning=say("loi_nghia", f"{key}.meaning"),
        remedy=say("loi_lam", f"{key}.remedy"),
        button=say("nut", f"web.problem.{button}"),
        to=to,
        code=code or str(status),
        status=status,
    )
    answer = problem.answer(request)
    answer.headers.update(headers or {})
    return answer


async def on_refused(request: Request, error: Exception) -> Response:
    """Answer a `Refused` that left a route."""
    assert isinstance(error, Refused)
    return refusal_page(request, error.findings)


async def on_problem(request: Request, error: Exception) -> Response:
    """Answer a `Problem` that left a route."""
    assert isinstance(error, Problem)
    return error.answer(request)


async def on_unavailable(request: Request, error: Exception) -> Response:
    """Answer `Unavailable` that left a route."""
    assert isinstance(error, Unavailable)
    return unavailable_page(request, error)


def unavailable_page(request: Request, error: Unavailable) -> Response:
    """Answer that something is away: 503, Retry-After, and a button that tries again."""
    LOG.warning("unavailable on %s: %s", request.scope["path"], error)
    again = visit(request).path if request.method == "GET" else "/"
    return status_page(request, 503, headers={"Retry-After": str(error.retry_after)}, to=again)


async def on_unauthorised(request: Request, error: Exception) -> Response:
    """Answer a service route without its token: 401 JSON."""
    words = (text(request, "chuyen_mon", f"web.problem.401.{part}") for part in _PARTS)
    headers = {"WWW-Authenticate": "Bearer"}
    return JSONResponse(_body("401", *words), status_code=401, headers=headers)


_PARTS = ("title", "meaning", "remedy")


async def on_http(request: Request, error: Exception) -> Response:
    """Answer a status the framework or a route raised."""
    assert isinstance(error, HTTPException)
    return status_page(request, error.status_code, headers=error.headers)


async def on_validation(request: Request, error: Exception) -> Response:
    """Answer input that does not fit a route's model: SBX-1101 with pointers for programs."""
    assert isinstance(error, RequestValidationError)
    if not wants_json(request):
        return status_page(request, 422)
    findings = [
        Finding("SBX-1101", pointer=_pointer(row["loc"]), expected=str(row["type"]))
        for row in error.errors()
    ]
    return refusal_page(request, findings)


def _pointer(place: Sequence[Any]) -> str:
    steps = place[1:] if place and place[0] == "body" else place
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def _plain(request: Request, message: Message) -> str:
    return text(request, message.kind, message.key, **message.values)


def _body(code: str, title: str, cause: str, remedy: str) -> dict[str, Any]:
    return {"error": code, "title": title, "cause": cause, "remedy": remedy}
