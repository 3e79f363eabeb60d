"""The append-only logs: for the Sở's officer, for a head, and everybody's own."""

from __future__ import annotations

import re

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.domain.lifecycle import Role
from sandbox.portal.journal import PORTAL, SIGNING, Asked
from sandbox.portal.pages_frame import ROWS, Frame, new_router, way
from sandbox.portal.service import PortalService

READERS = (Role.SO, Role.CBQL)
SIGNERS = (Role.GVCN, Role.CBQL, Role.VAN_THU)
EVENTS = {
    SIGNING: (
        "requested",
        "approved",
        "refused",
        "cancelled",
        "expired",
        "declined",
        "wrong_pin",
        "locked",
        "unlocked",
        "issued",
        "automatic",
        "recalled",
        "activated",
        "deactivated",
        "phone_changed",
        "pin_changed",
        "paired",
        "otp_sent",
        "wrong_otp",
        "otp_locked",
        "code_sent",
        "plugged",
        "fetched",
        "computer",
        "login",
        "wrong_password",
        "login_locked",
        "token_revoked",
        "authorized",
        "extended",
        "hashes_signed",
        "called_back",
        "fault_armed",
        "fault_met",
    ),
    PORTAL: (
        "khoi_tao",
        "kiem_dung",
        "bao_sai",
        "da_sua",
        "xin_ky",
        "ky",
        "chua_ky",
        "de_xuat_huy",
        "tu_choi_huy",
        "da_huy",
        "dong_goi",
        "bo_goi",
        "nop",
        "gui",
        "ket_qua",
        "bi_tra",
        "tra_ve",
        "dong_goi_lai",
        "khai_cts",
        "gui_cts",
        "chuyen_tiep",
        "chuyen_tu_dong",
        "gieo_loi",
        "nhac",
        "doi_cach_ky",
        "doi_vai",
        "in",
        "tai_xml",
    ),
}
"""What the logs tell of, in the order of the choice."""
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


def router(service: PortalService) -> APIRouter:
    """Return the pages."""
    routes, frame = new_router(), Frame(service)
    _all(routes, frame)
    _own(routes, frame)
    return routes


def _number(said: str) -> int | None:
    return int(said) if said.isascii() and said.isdigit() and len(said) < 12 else None


def _asked(log: str, person: str, event: str, day: str, before: str) -> Asked:
    """Return what a visitor asked for; a day may be written 28/05/2025 or 2025-05-28."""
    parts = day.strip().split("/")
    written = "-".join(reversed(parts)) if len(parts) == 3 else day.strip()
    which = log if log in EVENTS else SIGNING
    return Asked(
        log=which,
        person=person or None,
        event=event if event in EVENTS[which] else None,
        day=written if _DAY.match(written) else None,
        before=_number(before),
    )


def _all(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/nhat-ky")
    async def journal(
        request: Request,
        so: str = SIGNING,
        nguoi: str = "",
        viec: str = "",
        ngay: str = "",
        truoc: str = "",
    ) -> Response:
        actor = await frame.actor(request, roles=READERS)
        if actor.role is Role.SO:
            request.state.audience = "professional"
        asked, space = _asked(so, nguoi, viec, ngay, truoc), web.space_of(request)
        leaf = await frame.service.journal.read(space, actor, asked, most=ROWS)
        people = await web.off_loop(frame.service.journal.people, space, actor)
        kept = {"so": asked.log, "nguoi": asked.person, "viec": asked.event, "ngay": asked.day}
        return await frame.show(
            request,
            "portal/journal.html",
            page="portal.nhat_ky",
            actor=actor,
            asked=asked,
            leaf=leaf,
            people=people,
            events=EVENTS[asked.log],
            other=PORTAL if asked.log == SIGNING else SIGNING,
            more=None if leaf.more is None else way("/cong/nhat-ky", **kept, truoc=leaf.more),
            first=way("/cong/nhat-ky", **kept) if asked.before else None,
            back="/cong",
        )


def _own(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/nhat-ky-cua-toi")
    async def mine(request: Request, truoc: str = "") -> Response:
        actor = await frame.actor(request, roles=SIGNERS)
        before = _number(truoc)
        leaf = await frame.service.journal.mine(
            web.space_of(request), actor, before=before, most=ROWS
        )
        here = "/cong/nhat-ky-cua-toi"
        return await frame.show(
            request,
            "portal/journal_mine.html",
            page="portal.nhat_ky_cua_toi",
            actor=actor,
            leaf=leaf,
            more=None if leaf.more is None else way(here, truoc=leaf.more),
            first=here if before else None,
            back="/cong",
        )
