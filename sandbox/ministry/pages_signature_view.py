"""The three levels of one look at signatures: plain words, the six checks, the bytes.

The level is part of the address (`muc`), the verdict stands above all three. An uploaded file is
kept for half an hour for whoever sent it; a package in the officer's desk is read where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.domain.rejections import CATALOGUE, explain_all
from sandbox.errors import Unavailable
from sandbox.ministry import document_store
from sandbox.ministry import signature_view as views
from sandbox.ministry import signature_view_store as store
from sandbox.ministry.model import path_of_desk
from sandbox.ministry.pages_desk import DeskPages
from sandbox.ministry.service import MinistryService
from sandbox.ministry.signature_view import Look, RecordLook, SignatureDesk
from sandbox.ministry.signature_words import (
    cause_rows,
    day_words,
    issuer_name,
    moment_words,
    signature_rows,
)
from sandbox.xmldsig.doctor_model import SignatureExam

PAGE = "/kho/chu-ky"
KIND = "chuyen_mon"
LISTED = 20
"""Records of a package listed below the one shown."""
_TONES = {views.HOLDS: "good", views.RIGHT: "good", views.WRONG: "bad", views.WRONG_PACKAGE: "bad"}
_STEPS_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Shown:
    """What is looked at, and where its page is."""

    delivery: str | bytes
    here: str
    shows_data: bool = True
    of_desk: str = ""


def router(service: MinistryService) -> APIRouter:
    """Return the pages for files somebody sends; one place for all desks of a space."""
    routes = APIRouter(include_in_schema=False)
    desk = SignatureDesk(service)
    _add_asking(routes, service)
    _add_looking(routes, service, desk)
    return routes


def package_router(pages: DeskPages, *, prefix: str) -> APIRouter:
    """Return the same pages for packages that lie at a desk."""
    routes = APIRouter(include_in_schema=False)
    desk = SignatureDesk(pages.service)
    base = f"{prefix}/can-bo/goi/{{messageid}}/chu-ky"

    async def shown(request: Request, messageid: str) -> Shown:
        own = await pages.desk(request)
        content = await web.off_loop(
            _content, pages.service, web.space_of(request).id, own.desk, messageid.lower()
        )
        if content is None:
            raise HTTPException(404)
        here = f"{path_of_desk(own.desk)}/can-bo/goi/{messageid.lower()}/chu-ky"
        return Shown(content, here, of_desk=own.name or own.desk)

    @routes.get(base)
    async def look(request: Request, messageid: str, muc: int = 1, hb: int = 0) -> Response:
        return await _page(request, desk, await shown(request, messageid), level=muc, only=hb)

    @routes.get(base + "/byte/{place}/{part}")
    async def part_of(
        request: Request, messageid: str, place: str, part: str, hb: int = 0
    ) -> Response:
        found = await shown(request, messageid)
        return await _bytes(request, desk, found, place=place, part=part, only=hb)

    return routes


def _content(service: MinistryService, space: str, desk: str, messageid: str) -> str | None:
    with service.database.read() as connection:
        return document_store.content_of(connection, messageid, space=space, desk=desk)


async def keep(
    request: Request, service: MinistryService, content: bytes, *, shows_data: bool = True
) -> str | None:
    """Keep *content* for this visitor; return the path of its page, None when it is too large."""
    if len(content) > store.LARGEST:
        return None
    space, visitor = web.space_of(request).id, web.visit(request).key

    def work() -> str:
        with service.database.write() as connection:
            return store.keep(
                connection,
                content,
                space=space,
                visitor=visitor,
                epoch=service.clock.epoch(),
                shows_data=shows_data,
            )

    return f"{PAGE}/xem/{await web.off_loop(work)}"


def _add_asking(routes: APIRouter, service: MinistryService) -> None:
    @routes.get(PAGE)
    async def ask(request: Request) -> Response:
        return web.page(request, "ministry/signature_ask.html")

    @routes.post(f"{PAGE}/tep")
    async def take(request: Request) -> Response:
        async def handle(form: web.Form) -> str:
            upload = form.file("tep")
            if upload is None or not upload.content:
                raise web.Invalid({"tep": web.say(KIND, "ministry.look.file_missing")})
            path = await keep(request, service, upload.content)
            if path is None:
                raise web.Invalid({"tep": web.say(KIND, "ministry.look.file_large")})
            return path

        return await web.submit(request, action="ministry.look", handle=handle, again=PAGE)


def _add_looking(routes: APIRouter, service: MinistryService, desk: SignatureDesk) -> None:
    async def shown(request: Request, ticket: str) -> Shown | None:
        space, visitor = web.space_of(request).id, web.visit(request).key

        def work() -> store.Kept | None:
            with service.database.read() as connection:
                return store.kept(
                    connection, ticket, space=space, visitor=visitor, epoch=service.clock.epoch()
                )

        kept = await web.off_loop(work)
        if kept is None:
            return None
        return Shown(_delivery(kept.content), f"{PAGE}/xem/{ticket}", kept.shows_data)

    @routes.get(PAGE + "/xem/{ticket}")
    async def look(request: Request, ticket: str, muc: int = 1, hb: int = 0) -> Response:
        found = await shown(request, ticket)
        if found is None:
            return web.page(request, "ministry/signature_gone.html")
        return await _page(request, desk, found, level=muc, only=hb)

    @routes.get(PAGE + "/xem/{ticket}/byte/{place}/{part}")
    async def part_of(
        request: Request, ticket: str, place: str, part: str, hb: int = 0
    ) -> Response:
        found = await shown(request, ticket)
        if found is None:
            raise HTTPException(404)
        return await _bytes(request, desk, found, place=place, part=part, only=hb)


def _delivery(content: bytes) -> str | bytes:
    """Tell a transaction's content (base64 text) from a document."""
    if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
        return content
    try:
        return content.decode("ascii").strip()
    except UnicodeDecodeError:
        return content


async def _look(request: Request, desk: SignatureDesk, shown: Shown, *, only: int) -> Look:
    space = web.space_of(request)
    try:
        return await web.off_loop(desk.look, space, shown.delivery, only=only or None)
    except Unavailable as away:
        raise web.Problem(
            web.say(KIND, "ministry.verify.away"),
            meaning=web.say(KIND, "ministry.verify.away.meaning", who=str(away)),
            remedy=web.say(KIND, "ministry.look.busy"),
            button=web.say(KIND, "ministry.verify.away.again"),
            to=shown.here,
            status=503,
        ) from away


async def _page(
    request: Request, desk: SignatureDesk, shown: Shown, *, level: int, only: int
) -> Response:
    look = await _look(request, desk, shown, only=only)
    words = _Words(request, look, shown)
    level = level if level in (1, 2, 3) else 1
    return web.page(
        request,
        "ministry/signature_view.html",
        look=look,
        level=level,
        here=shown.here,
        number=only or None,
        of_desk=shown.of_desk,
        shows_data=shown.shows_data,
        back=shown.here.removesuffix("/chu-ky") if shown.of_desk else PAGE,
        tone=_TONES.get(look.conclusion, "open"),
        plain=words.plain(),
        cards=words.cards(level),
        causes=words.causes() if level == 3 else [],
        details=words.details() if level == 2 else [],
        missing=words.missing(),
        listed=words.listed(),
        total=len(look.records),
    )


async def _bytes(
    request: Request, desk: SignatureDesk, shown: Shown, *, place: str, part: str, only: int
) -> Response:
    look = await _look(request, desk, shown, only=only)
    exam = next((e for e in signature_rows(look) if e.place == place), None)
    found = None if exam is None else dict(_parts(exam, shows_data=shown.shows_data)).get(part)
    if found is None:
        raise HTTPException(404)
    ending = "der" if part == "certificate" else "bin" if part == "form" else "xml"
    name = f"{place}-{part}.{ending}".lower()
    return Response(
        found,
        media_type="application/octet-stream",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def _parts(exam: SignatureExam, *, shows_data: bool) -> Iterator[tuple[str, bytes]]:
    """Yield what can be downloaded of one signature."""
    for part in ("data", "properties", "signed_info"):
        if part in exam.canonical and (shows_data or part != "data"):
            yield part, exam.canonical[part]
    if exam.certificate is not None:
        yield "certificate", exam.certificate.der
    proved = next((c.form for c in exam.causes if c.form is not None), None)
    if proved is not None and shows_data:
        yield "form", proved


class _Words:
    """A look in the words of one visitor."""

    def __init__(self, request: Request, look: Look, shown: Shown) -> None:
        self._request, self._look, self._shown = request, look, shown
        self._language = web.visit(request).language
        found = look.verification
        self._states = {} if found is None else {s.slot: s.state_now for s in found.signers}

    def say(self, key: str, **values: Any) -> str:
        """Return an officer's word."""
        return web.text(self._request, KIND, f"ministry.look.{key}", **values)

    def cau(self, key: str, **values: Any) -> str:
        """Return a teacher's sentence."""
        return web.text(self._request, "cau", f"ministry.look.{key}", **values)

    def plain(self) -> tuple[str, str] | None:
        """Return the two plain lines of the first code, None when nothing is refused."""
        if not self._look.codes:
            return None
        row = CATALOGUE[self._look.codes[0]]
        return row.plain_meaning[self._language], row.plain_remedy[self._language]

    def cards(self, level: int) -> list[dict[str, Any]]:
        """Return one card for each signature."""
        return [self._card(exam, level) for exam in signature_rows(self._look)]

    def _card(self, exam: SignatureExam, level: int) -> dict[str, Any]:
        place = str(exam.place)
        is_package = place == "package"
        card: dict[str, Any] = {
            "role": self.say("package")
            if is_package
            else web.text(self._request, KIND, f"ministry.slot.{place}"),
            "exam": exam,
            "holds": exam.holds,
            "tone": "good" if exam.holds else "bad" if exam.steps else "open",
        }
        if level == 1:
            card |= self._four_answers(exam, is_package=is_package)
        elif level == 2:
            card["facts"] = self._certificate(exam)
        else:
            card["steps"] = self._steps(exam)
            card["failed"] = sum(not step.passed for step in exam.steps)
            card["downloads"] = self._downloads(exam)
        return card

    def _four_answers(self, exam: SignatureExam, *, is_package: bool) -> dict[str, str]:
        certificate = exam.certificate
        if certificate is None:
            who = self.cau("who.nobody")
        elif exam.holds:
            who = certificate.common_name
        else:
            who = self.cau("who.said", name=certificate.common_name or certificate.uid or "–")
        return {
            "who": who,
            "what": self._what(exam, is_package=is_package),
            "when": moment_words(exam.signing_time) or self.cau("when.unknown"),
            "still": self._still(exam),
        }

    def _what(self, exam: SignatureExam, *, is_package: bool) -> str:
        if not exam.digests or not exam.digests[0].equal:
            return self.cau("what.broken")
        if not all(digest.equal for digest in exam.digests):
            return self.cau("what.time")
        if is_package:
            return self.cau("what.package", n=len(self._look.records))
        record = self._look.record
        name = record.identity.pupil_name if record else None
        year = record.identity.school_year if record else None
        return self.cau("what.record", name=name or "–", year=year or "–")

    def _still(self, exam: SignatureExam) -> str:
        if not exam.steps:
            return self.cau("still.unseen")
        if not exam.holds or exam.certificate is None:
            return self.cau("still.no")
        day = day_words(exam.certificate.not_after)
        ended = "expired" if self._look.at > exam.certificate.not_after else "good"
        return self.cau(f"still.{self._states.get(str(exam.place), ended)}", day=day)

    def _certificate(self, exam: SignatureExam) -> list[tuple[str, str]]:
        certificate = exam.certificate
        if certificate is None:
            return []
        said: Callable[[str], str] = lambda key: web.text(self._request, KIND, key)  # noqa: E731
        state = self._states.get(str(exam.place))
        rows = [
            (said("ministry.signer"), certificate.common_name or "–"),
            (said("ministry.issuer"), issuer_name(exam) or "–"),
            (said("ministry.signed_at"), moment_words(exam.signing_time) or exam.signing_time),
            (said("ministry.serial"), certificate.serial_hex),
            (
                said("ministry.valid"),
                f"{day_words(certificate.not_before)} – {day_words(certificate.not_after)}",
            ),
            (self.say("key"), certificate.public_key_kind),
        ]
        if state is not None:
            rows.append((said("ministry.state_then"), said("ministry.certificate_state.good")))
            rows.append((said("ministry.state_now"), said(f"ministry.certificate_state.{state}")))
        return rows

    def _steps(self, exam: SignatureExam) -> list[tuple[str, ...]]:
        return [
            (
                self.say(f"step.{step.name}"),
                step.code,
                f"✔ {self.say('passed')}" if step.passed else f"✖ {self.say('failed')}",
                step.expected or "–",
                step.computed or "–",
            )
            for step in exam.steps[:_STEPS_SHOWN]
        ]

    def _downloads(self, exam: SignatureExam) -> list[tuple[str, str]]:
        number = self._look.shown or 1
        return [
            (part, f"{self._shown.here}/byte/{exam.place}/{part}?hb={number}")
            for part, _ in _parts(exam, shows_data=self._shown.shows_data)
        ]

    def causes(self) -> list[dict[str, Any]]:
        """Return the ranked causes; without the bytes where no marks may be shown."""
        rows = cause_rows(self._look.causes, self.say, language=self._language)
        return rows if self._shown.shows_data else [{**row, "difference": None} for row in rows]

    def details(self) -> list[dict[str, Any]]:
        """Return the desk's findings: of the document, else of the record shown."""
        record = self._look.record
        findings = self._look.findings or (record.findings if record else ())
        return [dict(row) for row in explain_all(findings, self._language)]

    def missing(self) -> list[tuple[str, str]]:
        """Return the checks that could not be made."""
        return [(c, CATALOGUE[c].title[self._language]) for c in self._look.not_checked]

    def listed(self) -> list[dict[str, Any]]:
        """Return the records of a package, refused ones first."""
        rows = sorted(self._look.records, key=lambda row: (not row.codes, row.number))
        return [self._listed(row) for row in rows[:LISTED]]

    def _listed(self, row: RecordLook) -> dict[str, Any]:
        refused = row.codes or self._look.findings
        code = row.codes[0] if row.codes else ""
        return {
            "number": row.number,
            "name": row.identity.pupil_name or self.say("record", n=row.number),
            "note": self.say("now_shown") if row.number == self._look.shown else "",
            "words": code or self.say("holds_not" if refused else "holds"),
            "tone": "bad" if refused else "good",
        }
