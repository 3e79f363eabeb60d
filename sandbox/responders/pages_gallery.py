"""The gallery of certificates: each one's life, what the desk answers, and buttons to change it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request, Response

from sandbox import web
from sandbox.clock import VIETNAM
from sandbox.domain.rejections import title
from sandbox.pki import Certificate, CertificateHistory
from sandbox.responders.drawing import Drawing, draw
from sandbox.responders.gallery import ACCEPTED, FIRST_MOMENT, Persona
from sandbox.responders.service import ContradictionError, RespondersService
from sandbox.wire.responders import EventKind

PAGE: Final = "/ca/bo-suu-tap"
KIND: Final = "chuyen_mon"
GROUPS: Final = (
    ("good", ("giao-vien", "hieu-truong", "con-dau")),
    ("time", ("het-han", "chua-hieu-luc", "tam-dung", "khoi-phuc", "thu-hoi")),
    ("person", ("sai-ten", "so-cu", "ca-nhan", "chua-dang-ky")),
    ("kind", ("goc-la", "ma-hoa", "khoa-yeu", "duong-cong-la")),
)
_FIRST_DAY: Final = datetime(2024, 1, 1, tzinfo=VIETNAM)
_LAST_DAY: Final = datetime(2026, 12, 31, 23, 59, 59, tzinfo=VIETNAM)
_TONES: Final = {"good": "good", "early": "wait", "suspended": "wait", "unknown": "bad"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A persona as the pages show it."""

    id: str
    certificate: Certificate
    state: str
    """good, suspended, revoked, unknown, expired or early, by the space's clock."""
    tone: str
    answer: str
    """Code of the sample; "0" accepted."""
    answer_words: str
    fresh: str
    """Code of what it would sign now."""
    fresh_words: str
    years: Drawing
    days: Drawing
    can: tuple[str, ...]
    """What may be done to it: kinds of events."""


def router(service: RespondersService) -> APIRouter:
    """Return the gallery's pages, downloads and forms."""
    routes = APIRouter(include_in_schema=False)
    _add_downloads(routes, service)
    _add_pages(routes, service)
    _add_forms(routes, service)
    return routes


def _add_downloads(routes: APIRouter, service: RespondersService) -> None:
    @routes.get(f"{PAGE}/tai/{{name}}")
    async def download(request: Request, name: str) -> Response:
        """`{id}.crt`, `{id}.xml` and `{id}-goi.xml` as signed then, `{id}-moi.xml` signed now."""
        stem, _, ending = name.rpartition(".")
        is_fresh, is_package = stem.endswith("-moi"), stem.endswith("-goi")
        persona = _persona(service, stem.removesuffix("-moi").removesuffix("-goi"))
        space = web.space_of(request)
        if ending == "crt":
            held = service.gallery.holder(space.id, persona).certificate
            return Response(held.der, media_type="application/pkix-cert", headers=_named(name))
        if ending != "xml":
            raise HTTPException(404)
        at = service.now(space) if is_fresh else None
        sample = await web.off_loop(service.gallery.sample, space.id, persona, at=at)
        body = sample.package if is_package else sample.record
        return Response(body, media_type="application/xml", headers=_named(name))


def _add_pages(routes: APIRouter, service: RespondersService) -> None:
    @routes.get(PAGE)
    async def gallery(request: Request) -> Response:
        shown = await web.off_loop(_all_shown, request, service)
        groups = [(name, [shown[one] for one in members]) for name, members in GROUPS]
        now = service.now(web.space_of(request))
        return web.page(
            request, "responders/gallery.html", groups=groups, now=now, count=len(shown)
        )

    @routes.get(f"{PAGE}/{{name}}")
    async def one(request: Request, name: str) -> Response:
        persona = _persona(service, name)
        shown = await web.off_loop(_shown, request, service, persona)
        return web.page(
            request,
            "responders/persona.html",
            one=shown,
            persona=persona,
            now=service.now(web.space_of(request)),
            with_desk=service.trial is not None,
            address=str(request.base_url).rstrip("/") + web.space_of(request).prefix,
        )

    @routes.get(f"{PAGE}/{{name}}/tra-loi")
    async def answer(request: Request, name: str, luc: str = "") -> Response:
        persona, space = _persona(service, name), web.space_of(request)
        if service.trial is None:
            raise HTTPException(404)
        number = service.trial.message_id(space, persona, _moment(luc))
        found = await service.trial.result(space, number)
        language = web.visit(request).language
        return web.page(
            request,
            "responders/answer.html",
            persona=persona,
            found=found,
            luc=luc,
            words=_words(request, found.code) if found is not None and found.code else "",
            language=language,
        )


def _add_forms(routes: APIRouter, service: RespondersService) -> None:
    @routes.post(f"{PAGE}/{{name}}/nop-thu")
    async def send(request: Request, name: str) -> Response:
        async def handle(form: web.Form) -> str:
            persona, space = _persona(service, name), web.space_of(request)
            if service.trial is None:
                raise HTTPException(404)
            at = service.now(space) if form.get("luc") == "moi" else None
            await service.trial.submit(space, persona, at=at)
            when = "" if at is None else f"?luc={at.timestamp():.0f}"
            return f"{PAGE}/{name}/tra-loi{when}"

        return await web.submit(
            request, action=f"responders.try:{name}", handle=handle, again=f"{PAGE}/{name}"
        )

    @routes.post(f"{PAGE}/{{name}}/su-kien")
    async def happen(request: Request, name: str) -> Response:
        async def handle(form: web.Form) -> str:
            persona, space = _persona(service, name), web.space_of(request)
            held = service.gallery.holder(space.id, persona).certificate
            await record_event(
                request, service, held.issuer_code, held.serial_hex, form, again=f"{PAGE}/{name}"
            )
            return f"{PAGE}/{name}"

        return await web.submit(
            request, action=f"responders.event:{name}", handle=handle, again=f"{PAGE}/{name}"
        )


async def record_event(
    request: Request,
    service: RespondersService,
    issuer: str,
    serial: str,
    form: web.Form,
    *,
    again: str,
) -> None:
    """Write down what the form's button says. Raises `web.Stale` when it cannot follow."""
    chosen = form.get("viec")
    if chosen not in set(EventKind):
        raise web.Invalid({"viec": web.say(KIND, "responders.event.which")})
    try:
        await web.off_loop(
            service.record,
            web.space_of(request),
            issuer=issuer,
            serial=serial,
            kind=EventKind(chosen),
        )
    except ContradictionError as contradiction:
        raise web.Stale(again, web.say(KIND, "responders.event.stale")) from contradiction


def _persona(service: RespondersService, name: str) -> Persona:
    found = service.gallery.persona(name)
    if found is None:
        raise HTTPException(404)
    return found


def _all_shown(request: Request, service: RespondersService) -> dict[str, Shown]:
    return {one.id: _shown(request, service, one) for one in service.gallery.personas}


def _shown(request: Request, service: RespondersService, persona: Persona) -> Shown:
    space = web.space_of(request)
    now = service.now(space)
    held = service.gallery.holder(space.id, persona).certificate
    history = None if persona.is_foreign else service.history(space, held)
    responder = "good" if persona.is_foreign else service.state(space, held).value
    state = "unknown" if persona.is_foreign else _state(held, responder, now)
    answer = persona.package or persona.answer
    fresh = persona.package or persona.answer_now(held, at=now, state=responder)
    signed_at = FIRST_MOMENT - timedelta(minutes=30)
    if persona.slot != "KY_PHAT_HANH":
        signed_at = FIRST_MOMENT - timedelta(hours=23 if persona.slot == "GVCN" else 17)
    marks: dict[str, Any] = {"now": now, "signed_at": signed_at}
    return Shown(
        id=persona.id,
        certificate=held,
        state=state,
        tone=_TONES.get(state, "bad"),
        answer=answer,
        answer_words=_words(request, answer),
        fresh=fresh,
        fresh_words=_words(request, fresh),
        years=draw(
            held, history, first=_FIRST_DAY, last=max(_LAST_DAY, now + timedelta(days=60)), **marks
        ),
        days=draw(
            held,
            history,
            first=FIRST_MOMENT - timedelta(days=4),
            last=FIRST_MOMENT + timedelta(days=2),
            **marks,
        ),
        can=() if persona.is_foreign else _possible(history, responder),
    )


def _state(held: Certificate, responder: str, now: datetime) -> str:
    if responder != "good":
        return responder
    if now < held.not_before:
        return "early"
    return "expired" if now > held.not_after else "good"


def _possible(history: CertificateHistory | None, responder: str) -> tuple[str, ...]:
    if history is not None and history.revoked_at is not None:
        return ()
    pause = EventKind.RESUME if responder == "suspended" else EventKind.SUSPEND
    return (pause.value, EventKind.REVOKE.value)


def _words(request: Request, code: str) -> str:
    if code == ACCEPTED:
        return web.text(request, KIND, "responders.answer.accepted")
    return title(code, web.visit(request).language)


def _moment(seconds: str) -> datetime | None:
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 12):
        return None
    return datetime.fromtimestamp(int(seconds), VIETNAM)


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
