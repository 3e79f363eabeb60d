"""Waiting for the signer's yes, and the result row by row."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from sandbox import web
from sandbox.domain.lifecycle import Role
from sandbox.domain.report_card import Slot
from sandbox.portal import selection
from sandbox.portal.context import Actor, Reason, Stopped
from sandbox.portal.model import ItemStatus, RequestRow, Subject
from sandbox.portal.pages_frame import Frame, new_router, page_of, way
from sandbox.portal.pages_signing import TASKS, only_ready
from sandbox.portal.service import PortalService
from sandbox.portal.signings import RequestView
from sandbox.wire.signing import Instrument, entry


def router(service: PortalService) -> APIRouter:
    """Return the pages."""
    routes, frame = new_router(), Frame(service)
    _wait(routes, frame)
    _window(routes, frame)
    _result(routes, frame)
    return routes


async def _view(frame: Frame, request: Request, request_id: str) -> tuple[Actor, RequestView]:
    """Return a request of the visitor's own unit, as it stands now.

    A teacher sees what concerns their own class; other classes' names are none of their business.
    """
    actor = await frame.actor(request)
    space = web.space_of(request)
    view = await frame.service.signings.look(space, request_id)
    asked, me = view.request, actor.identity
    if asked.unit_code != me.unit_code:
        raise Stopped(Reason.NOT_FOUND, target=request_id)
    if me.role is Role.GVCN and asked.signer_id != me.person_id:
        await web.off_loop(frame.service.records.class_row, space, actor, asked.class_name or "")
    return actor, view


def back_from(row: RequestRow) -> str:
    """Return where the work goes on when a request has ended."""
    if row.subject is Subject.PACKAGE:
        return "/cong/goi"
    if row.subject is Subject.REGISTRATION:
        return "/cong/chung-thu"
    if row.slot is Slot.GVCN:
        return way("/cong/lop", lop=row.class_name)
    name = "duyet" if row.slot is Slot.CBQL else "phat-hanh"
    return f"/cong/ky/{name}"


def family_of(instrument: Instrument) -> str:
    """Return whose words a waiting page speaks: the app's, the SIM's, a code's, a token's."""
    if instrument.in_app:
        return "app"
    return {Instrument.S: "sim", Instrument.A_OTP: "ma"}.get(instrument, "usb")


def _wait(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/yeu-cau/{request_id}")
    async def wait(request: Request, request_id: str, hoi: int = 0) -> Response:
        actor, view = await _view(frame, request, request_id)
        if not view.live:
            to = web.visit(request).url(f"/cong/yeu-cau/{request_id}/ket-qua")
            return RedirectResponse(to, 303)
        mine = view.request.signer_id == actor.identity.person_id
        phone = (
            await frame.service.signings.phone(web.space_of(request), view.request.signer_id)
            if mine and not view.away
            else None
        )
        if mine and view.request.instrument.in_app:
            await frame.service.signings.waiting.follow_stranger(
                web.space_of(request), view.request.signer_id
            )
        return await frame.show(
            request,
            "portal/gone.html" if view.request.pc_gone and mine else "portal/wait.html",
            page="portal.cho",
            actor=actor,
            records=[item.target_id for item in view.items],
            passing={"transaction": view.request.transaction_id or ""},
            view=view,
            mine=mine,
            phone=phone,
            door=None
            if phone is None
            else way(entry(phone, view.request.instrument), ve=f"/cong/yeu-cau/{request_id}?hoi=1"),
            family=family_of(view.request.instrument),
            seconds=frame.service.signings.waiting.seconds_left(
                web.space_of(request), view.request
            ),
            wrong=view.request.pc_gone,
            asked=bool(hoi),
            back=back_from(view.request) if mine else "/cong",
        )

    @routes.get("/cong/yeu-cau/{request_id}/tinh-trang")
    async def state(request: Request, request_id: str) -> Response:
        _actor, view = await _view(frame, request, request_id)
        words = "" if view.live else web.text(request, "cau", "portal.wait.confirmed")
        return JSONResponse({"xong": not view.live, "chu": words})

    @routes.post("/cong/yeu-cau/{request_id}/gui-lai")
    async def resend(request: Request, request_id: str) -> Response:
        actor, view = await _view(frame, request, request_id)
        here = f"/cong/yeu-cau/{request_id}"

        async def work(_form: web.Form) -> str:
            kind = view.request.slot.value if view.request.slot else view.request.subject.value
            await frame.service.signings.send(
                web.space_of(request),
                request_id,
                purpose=web.text(request, "cau", f"portal.purpose.again.{kind}", n=len(view.items)),
                portal=web.text(request, "nhan", "portal.asks", unit=actor.identity.unit_name),
                return_path=here,
            )
            return here

        return await frame.submit(
            request, action=f"portal.resend:{request_id}", work=work, again=here
        )

    @routes.post("/cong/yeu-cau/{request_id}/huy")
    async def withdraw(request: Request, request_id: str) -> Response:
        actor, _request_view = await _view(frame, request, request_id)

        async def work(_form: web.Form) -> str:
            await frame.service.signings.withdraw(web.space_of(request), actor, request_id)
            return f"/cong/yeu-cau/{request_id}/ket-qua"

        return await frame.submit(
            request,
            action=f"portal.withdraw:{request_id}",
            work=work,
            again=f"/cong/yeu-cau/{request_id}",
        )


def _window(routes: APIRouter, frame: Frame) -> None:
    @routes.post("/cong/yeu-cau/{request_id}/dong-ho")
    async def clock(request: Request, request_id: str) -> Response:
        actor, view = await _view(frame, request, request_id)
        here = f"/cong/yeu-cau/{request_id}"

        async def work(form: web.Form) -> str:
            if view.request.signer_id != actor.identity.person_id or not view.live:
                return here
            waiting = frame.service.signings.waiting
            step = waiting.extend if form.get("viec") == "them" else waiting.close
            await web.off_loop(step, web.space_of(request), view.request)
            return here

        return await frame.submit(
            request, action=f"portal.clock:{request_id}", work=work, again=here
        )


async def _next_batch(request: Request, view: RequestView) -> int:
    """Return how many of the class were left over for the next request, by the instrument's cap."""
    asked = view.request
    if asked.slot is None or asked.class_name is None:
        return 0
    task = next(t for t in TASKS.values() if t.slot is asked.slot)
    return len(await selection.chosen(request, task.name, asked.class_name))


def _result(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/yeu-cau/{request_id}/ket-qua")
    async def result(request: Request, request_id: str, tu: int = 1) -> Response:
        actor, view = await _view(frame, request, request_id)
        if view.live:
            return RedirectResponse(web.visit(request).url(f"/cong/yeu-cau/{request_id}"), 303)
        failed = [item for item in view.items if item.status is not ItemStatus.SIGNED]
        rows = [*failed, *(i for i in view.items if i.status is ItemStatus.SIGNED)]
        shown, more = page_of(rows, tu)
        package = view.items[0].target_id if view.request.subject is Subject.PACKAGE else None
        mine = view.request.signer_id == actor.identity.person_id
        onward = back_from(view.request) if mine else "/cong"
        return await frame.show(
            request,
            "portal/result.html",
            page="portal.ket_qua",
            actor=actor,
            records=[item.target_id for item in shown],
            view=view,
            rows=shown,
            more=more,
            failed=len(failed),
            mine=mine,
            next_batch=await _next_batch(request, view) if mine and not failed else 0,
            onward=f"/cong/goi/{package}" if package else onward,
            by_token=view.request.instrument.token,
            wrong=view.signed == 0,
        )

    @routes.post("/cong/yeu-cau/{request_id}/ky-lai")
    async def again(request: Request, request_id: str) -> Response:
        actor, view = await _view(frame, request, request_id)
        slot, class_name = view.request.slot, view.request.class_name
        if slot is None or class_name is None:
            raise Stopped(Reason.MOVED, target=request_id)
        task = next(t for t in TASKS.values() if t.slot is slot)

        async def work(_form: web.Form) -> str:
            failed = [i.target_id for i in view.items if i.status is not ItemStatus.SIGNED]
            await selection.keep(request, task.name, class_name, failed)
            ready = await only_ready(frame, request, actor, task, class_name)
            if not ready:
                raise web.Stale(
                    back_from(view.request), web.say("cau", "portal.result.nothing_left")
                )
            return way(f"/cong/ky/{task.name}/xem-lai", lop=class_name)

        return await frame.submit(
            request,
            action=f"portal.again:{request_id}",
            work=work,
            again=f"/cong/yeu-cau/{request_id}/ket-qua",
        )
