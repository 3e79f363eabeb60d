"""Mending data: comments, subjects, ratings, profile; cancelling; history; planting a fault."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import date

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.domain.assessment import scores_due
from sandbox.domain.lifecycle import RecordState, Role
from sandbox.domain.report_card import ReportCard, SubjectResult
from sandbox.portal import editing
from sandbox.portal.context import Actor, Reason, Stopped
from sandbox.portal.model import RecordRow
from sandbox.portal.pages_frame import Frame, new_router, page_of, way
from sandbox.portal.repairs import PLANTS
from sandbox.portal.service import PortalService

EDITORS = (Role.GVCN, Role.VAN_THU)
LEVELS, RATINGS = ("T", "H", "C"), ("T", "Đ", "C")
REASONS = ("ngay_sinh", "nhan_xet", "diem", "khac")
LONGEST_COMMENT = 500


def router(service: PortalService) -> APIRouter:
    """Return the pages."""
    routes, frame = new_router(), Frame(service)
    _menu(routes, frame)
    _comment(routes, frame)
    _subject(routes, frame)
    _rating(routes, frame)
    _profile(routes, frame)
    _cancel(routes, frame)
    _answer(routes, frame)
    _mend(routes, frame)
    _plant(routes, frame)
    return routes


async def _open(frame: Frame, request: Request, record_id: str) -> tuple[Actor, RecordRow]:
    actor = await frame.actor(request, roles=EDITORS)
    row, _made, _kept = await web.off_loop(
        frame.service.records.open, web.space_of(request), actor, record_id
    )
    return actor, row


async def _save(
    frame: Frame,
    request: Request,
    actor: Actor,
    record_id: str,
    change: Callable[[ReportCard], ReportCard],
    *,
    what: str = "ket_qua",
) -> str:
    """Apply a change and lead back to the record, whose four points are to be seen again."""
    await web.off_loop(
        frame.service.records.edit, web.space_of(request), actor, record_id, change, what=what
    )
    key = "portal.edit.done" if what == "ket_qua" else "portal.edit.done_profile"
    raise web.Stale(f"/cong/hoc-ba/{record_id}", web.say("cau", key))


def _menu(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/hoc-ba/{record_id}/sua")
    async def menu(request: Request, record_id: str) -> Response:
        actor, row = await _open(frame, request, record_id)
        if row.line.state not in (RecordState.DRAFT, RecordState.CHECKED):
            raise Stopped(Reason.SIGNED, target=record_id)
        return await frame.show(
            request,
            "portal/edit.html",
            page="portal.sua",
            actor=actor,
            records=[record_id],
            line=row.line,
        )

    @routes.get("/cong/hoc-ba/{record_id}/sua/mon")
    async def subjects(request: Request, record_id: str, tu: int = 1) -> Response:
        actor, row = await _open(frame, request, record_id)
        shown, more = page_of(row.card.summary.subjects, tu)
        return await frame.show(
            request,
            "portal/edit_subjects.html",
            page="portal.sua_mon",
            actor=actor,
            records=[record_id],
            line=row.line,
            rows=shown,
            more=more,
        )

    @routes.get("/cong/hoc-ba/{record_id}/sua/muc")
    async def ratings(request: Request, record_id: str, tu: int = 1) -> Response:
        actor, row = await _open(frame, request, record_id)
        shown, more = page_of(row.card.summary.ratings, tu)
        return await frame.show(
            request,
            "portal/edit_ratings.html",
            page="portal.sua_muc",
            actor=actor,
            records=[record_id],
            line=row.line,
            rows=shown,
            more=more,
        )


def _comment(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/hoc-ba/{record_id}/sua/nhan-xet")
    async def show(request: Request, record_id: str, o: str = "teacher_comment") -> Response:
        actor, row = await _open(frame, request, record_id)
        if o not in editing.COMMENTS:
            raise Stopped(Reason.NOT_FOUND, target=o)
        return await frame.show(
            request,
            "portal/edit_comment.html",
            page="portal.sua_nhan_xet",
            actor=actor,
            records=[record_id],
            line=row.line,
            which=o,
            text=getattr(row.card.summary, o),
            others=[name for name in editing.COMMENTS if name != o],
        )

    @routes.post("/cong/hoc-ba/{record_id}/sua/nhan-xet")
    async def save(request: Request, record_id: str, o: str = "teacher_comment") -> Response:
        actor, _row = await _open(frame, request, record_id)
        here = way(f"/cong/hoc-ba/{record_id}/sua/nhan-xet", o=o)

        async def work(form: web.Form) -> str:
            text = form.get("nhan_xet")
            if not text:
                raise web.Invalid({"nhan_xet": web.say("loi_lam", "portal.edit.comment_empty")})
            if len(text) > LONGEST_COMMENT:
                raise web.Invalid(
                    {"nhan_xet": web.say("loi_lam", "portal.edit.comment_long", n=LONGEST_COMMENT)}
                )
            if o not in editing.COMMENTS:
                raise Stopped(Reason.NOT_FOUND, target=o)
            return await _save(
                frame,
                request,
                actor,
                record_id,
                lambda card: editing.with_comment(card, o, text),
            )

        return await frame.submit(
            request, action=f"portal.comment:{record_id}:{o}", work=work, again=here
        )


def _found(card: ReportCard, code: str) -> SubjectResult:
    for subject in card.summary.subjects:
        if subject.code == code:
            return subject
    raise Stopped(Reason.NOT_FOUND, target=code)


def _subject(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/hoc-ba/{record_id}/sua/mon/{code}")
    async def show(request: Request, record_id: str, code: str) -> Response:
        actor, row = await _open(frame, request, record_id)
        return await frame.show(
            request,
            "portal/edit_subject.html",
            page="portal.sua_mot_mon",
            actor=actor,
            records=[record_id],
            line=row.line,
            subject=_found(row.card, code),
            levels=LEVELS,
            scored=code in scores_due(row.card.general.grade),
        )

    @routes.post("/cong/hoc-ba/{record_id}/sua/mon/{code}")
    async def save(request: Request, record_id: str, code: str) -> Response:
        actor, row = await _open(frame, request, record_id)
        scored = code in scores_due(row.card.general.grade)

        async def work(form: web.Form) -> str:
            _found(row.card, code)
            level, score = form.get("muc"), form.get("diem")
            if level not in LEVELS:
                raise web.Invalid({"muc": web.say("loi_lam", "portal.edit.level")})
            if scored and not (score.isascii() and score.isdigit() and int(score) <= 10):
                raise web.Invalid({"diem": web.say("loi_lam", "portal.edit.score")})
            return await _save(
                frame,
                request,
                actor,
                record_id,
                lambda card: editing.with_subject(
                    card, code, level=level, score=int(score) if scored else None
                ),
            )

        return await frame.submit(
            request,
            action=f"portal.subject:{record_id}:{code}",
            work=work,
            again=f"/cong/hoc-ba/{record_id}/sua/mon/{code}",
        )


def _rating(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/hoc-ba/{record_id}/sua/muc/{tag}")
    async def show(request: Request, record_id: str, tag: str) -> Response:
        actor, row = await _open(frame, request, record_id)
        given = dict(row.card.summary.ratings)
        if tag not in given:
            raise Stopped(Reason.NOT_FOUND, target=tag)
        return await frame.show(
            request,
            "portal/edit_rating.html",
            page="portal.sua_mot_muc",
            actor=actor,
            records=[record_id],
            line=row.line,
            tag=tag,
            letter=given[tag],
            letters=RATINGS,
        )

    @routes.post("/cong/hoc-ba/{record_id}/sua/muc/{tag}")
    async def save(request: Request, record_id: str, tag: str) -> Response:
        actor, row = await _open(frame, request, record_id)

        async def work(form: web.Form) -> str:
            letter = form.get("muc")
            if tag not in dict(row.card.summary.ratings) or letter not in RATINGS:
                raise web.Invalid({"muc": web.say("loi_lam", "portal.edit.level")})
            return await _save(
                frame,
                request,
                actor,
                record_id,
                lambda card: editing.with_rating(card, tag, letter),
            )

        return await frame.submit(
            request,
            action=f"portal.rating:{record_id}:{tag}",
            work=work,
            again=f"/cong/hoc-ba/{record_id}/sua/muc/{tag}",
        )


def _profile(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/hoc-ba/{record_id}/sua/ho-so")
    async def show(request: Request, record_id: str) -> Response:
        actor, row = await _open(frame, request, record_id)
        return await frame.show(
            request,
            "portal/edit_profile.html",
            page="portal.sua_ho_so",
            actor=actor,
            records=[record_id],
            line=row.line,
            card=row.card,
        )

    @routes.post("/cong/hoc-ba/{record_id}/sua/ho-so")
    async def save(request: Request, record_id: str) -> Response:
        actor, _row = await _open(frame, request, record_id)

        async def work(form: web.Form) -> str:
            name = unicodedata.normalize("NFC", " ".join(form.get("ten").split()))
            name = name.replace("\u2019", "'")  # record-format §4: U+2019 is normalised on forms
            born = read_day(form.get("ngay_sinh"))
            if not name:
                raise web.Invalid({"ten": web.say("loi_lam", "portal.edit.name")})
            if born is None:
                raise web.Invalid({"ngay_sinh": web.say("loi_lam", "portal.edit.birth")})
            return await _save(
                frame,
                request,
                actor,
                record_id,
                lambda card: editing.with_profile(card, name=name, birth_date=born),
                what="ho_so",
            )

        return await frame.submit(
            request,
            action=f"portal.profile:{record_id}",
            work=work,
            again=f"/cong/hoc-ba/{record_id}/sua/ho-so",
        )


def read_day(text: str) -> date | None:
    """Return the day written as dd/MM/yyyy (dots and hyphens understood), or None."""
    parts = text.replace("-", "/").replace(".", "/").replace(" ", "").split("/")
    if len(parts) != 3 or not all(p.isascii() and p.isdigit() for p in parts):
        return None
    day, month, year = (int(p) for p in parts)
    if year < 1000:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _cancel(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/hoc-ba/{record_id}/xin-huy")
    async def ask(request: Request, record_id: str) -> Response:
        actor = await frame.actor(request, roles=(Role.GVCN, Role.CBQL))
        row, _made, _kept = await web.off_loop(
            frame.service.records.open, web.space_of(request), actor, record_id
        )
        template = "cancel_wait" if row.line.cancel_reason is not None else "cancel"
        if actor.role is Role.CBQL:
            if row.line.cancel_reason is None:
                raise Stopped(Reason.MOVED, target=record_id)
            template = "cancel_answer"
        return await frame.show(
            request,
            f"portal/{template}.html",
            page="portal.xin_huy",
            actor=actor,
            records=[record_id],
            line=row.line,
            reasons=REASONS,
        )

    @routes.post("/cong/hoc-ba/{record_id}/xin-huy")
    async def send(request: Request, record_id: str) -> Response:
        actor = await frame.actor(request, roles=(Role.GVCN,))
        here = f"/cong/hoc-ba/{record_id}/xin-huy"

        async def work(form: web.Form) -> str:
            chosen, typed = form.get("ly_do"), form.get("ly_do_khac")
            ready = chosen in REASONS and chosen != "khac"
            reason = web.text(request, "nhan", f"portal.reason.{chosen}") if ready else typed
            if not reason:
                await web.off_loop(
                    frame.service.drills.met_by_mistake,
                    web.space_of(request),
                    actor.identity.person_id,
                    "E12",
                )
                raise web.Invalid({"ly_do": web.say("loi_lam", "portal.stop.E12.remedy")})
            await web.off_loop(
                frame.service.repairs.ask_cancel, web.space_of(request), actor, record_id, reason
            )
            await web.off_loop(
                frame.service.drills.recover,
                web.space_of(request),
                actor.identity.person_id,
                ("E12",),
            )
            return here

        return await frame.submit(
            request, action=f"portal.cancel:{record_id}", work=work, again=here
        )


def _answer(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/xin-huy")
    async def asked(request: Request, tu: int = 1) -> Response:
        actor = await frame.actor(request, roles=(Role.CBQL,))
        lines = await web.off_loop(frame.service.repairs.asked, web.space_of(request), actor)
        shown, more = page_of(lines, tu)
        return await frame.show(
            request,
            "portal/cancel_list.html",
            page="portal.xin_huy_cho",
            actor=actor,
            records=[line.record_id for line in shown],
            rows=shown,
            more=more,
        )

    @routes.post("/cong/hoc-ba/{record_id}/tra-loi-huy")
    async def answer(request: Request, record_id: str) -> Response:
        actor = await frame.actor(request, roles=(Role.CBQL,))

        async def work(form: web.Form) -> str:
            agree = form.get("viec") == "dong_y"
            line = await web.off_loop(
                frame.service.repairs.answer_cancel,
                web.space_of(request),
                actor,
                record_id,
                agree=agree,
            )
            key = "portal.cancel.agreed" if agree else "portal.cancel.refused"
            raise web.Stale("/cong/xin-huy", web.say("cau", key, name=line.pupil_name))

        return await frame.submit(
            request, action=f"portal.answer:{record_id}", work=work, again="/cong/xin-huy"
        )


def _mend(routes: APIRouter, frame: Frame) -> None:
    @routes.post("/cong/hoc-ba/{record_id}/sua-lai")
    async def mend(request: Request, record_id: str) -> Response:
        actor = await frame.actor(request)
        here = f"/cong/hoc-ba/{record_id}"

        async def work(_form: web.Form) -> str:
            space = web.space_of(request)
            line = await web.off_loop(frame.service.repairs.mend, space, actor, record_id)
            turn = NEXT.get(line.state)
            if turn is not None and turn is not actor.role and actor.role is not Role.QUAN_TRI:
                await web.off_loop(
                    frame.service.schools.remind, space, actor, line.class_name, turn
                )
            key = f"portal.mend.{line.state.value}"
            known = turn is not None
            raise web.Stale(
                here, web.say("cau", key if known else "portal.moved", name=line.pupil_name)
            )

        return await frame.submit(request, action=f"portal.mend:{record_id}", work=work, again=here)


NEXT = {
    RecordState.DRAFT: Role.GVCN,
    RecordState.SIGNED_GVCN: Role.CBQL,
    RecordState.ISSUE_SIGNED: Role.VAN_THU,
}
"""Who goes on with a record that was taken back for repair."""


def _plant(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/gieo-loi")
    async def listed(request: Request, tu: int = 1) -> Response:
        actor = await frame.actor(request, roles=(Role.VAN_THU,))
        lines = await web.off_loop(frame.service.repairs.sealed, web.space_of(request), actor)
        shown, more = page_of(lines, tu)
        return await frame.show(
            request,
            "portal/plant_list.html",
            page="portal.gieo_loi",
            actor=actor,
            records=[line.record_id for line in shown],
            rows=shown,
            more=more,
        )

    @routes.get("/cong/gieo-loi/{record_id}")
    async def show(request: Request, record_id: str) -> Response:
        actor = await frame.actor(request, roles=(Role.VAN_THU,))
        row, _made, _kept = await web.off_loop(
            frame.service.records.open, web.space_of(request), actor, record_id
        )
        return await frame.show(
            request,
            "portal/plant.html",
            page="portal.gieo_loi_mot",
            actor=actor,
            records=[record_id],
            line=row.line,
            faults=tuple(PLANTS),
        )

    @routes.post("/cong/gieo-loi/{record_id}")
    async def plant(request: Request, record_id: str) -> Response:
        actor = await frame.actor(request, roles=(Role.VAN_THU,))

        async def work(form: web.Form) -> str:
            fault = form.get("kieu")
            if fault not in PLANTS:
                raise web.Invalid({"kieu": web.say("loi_lam", "portal.plant.none")})
            line = await web.off_loop(
                frame.service.repairs.plant, web.space_of(request), actor, record_id, fault
            )
            raise web.Stale(
                "/cong/gieo-loi", web.say("cau", "portal.plant.done", name=line.pupil_name)
            )

        return await frame.submit(
            request,
            action=f"portal.plant:{record_id}",
            work=work,
            again=f"/cong/gieo-loi/{record_id}",
        )
