"""Renaming the labels of imitated controls, for a trainer (learner-experience §11.4)."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.signing.pages_desk import Desk
from sandbox.web.labels import SWITCH, Label, labels, read_file, renamed, write_file

LABELS = "/ky-so/nhan"


def add(router: APIRouter, desk: Desk) -> None:
    """Add the pages to *router*."""
    _show(router)
    _change(router, desk)


def _show(router: APIRouter) -> None:
    @router.get(LABELS)
    async def every(request: Request) -> Response:
        request.state.audience = "professional"
        names = _names(request)
        return web.page(
            request,
            "signing/labels.html",
            groups=[
                (group, len(rows), sum(one.key in names for one in rows))
                for group, rows in _groups().items()
            ],
            file=write_file(names),
        )

    @router.get(LABELS + "/{group}")
    async def show(request: Request, group: str) -> Response:
        request.state.audience = "professional"
        rows = _group(group)
        return web.page(
            request,
            "signing/labels_group.html",
            group=group,
            rows=rows,
            names=_names(request),
            back=LABELS,
        )


def _change(router: APIRouter, desk: Desk) -> None:
    @router.post(LABELS + "/{group}")
    async def keep(request: Request, group: str) -> Response:
        rows = _group(group)

        async def handle(form: web.Form) -> str:
            typed = {one.key: form.get(_field(one)) for one in rows}
            others = {
                key: name
                for key, name in _names(request).items()
                if key not in {one.key for one in rows}
            }
            errors: dict[str, web.Message] = {}
            kept: dict[str, str] = {}
            for one in rows:
                # An emptied field means: as shipped.
                try:
                    kept |= renamed({one.key: typed[one.key]}) if typed[one.key] else {}
                except web.LabelRefused as refused:
                    errors[_field(one)] = _said(refused)
            if errors:
                raise web.Invalid(errors)
            await _keep(request, desk, others | kept)
            raise web.Stale(LABELS, web.say("chuyen_mon", "signing.labels.kept"))

        return await web.submit(
            request, action=f"signing.labels:{group}", handle=handle, again=f"{LABELS}/{group}"
        )

    @router.post(LABELS)
    async def whole(request: Request) -> Response:
        async def handle(form: web.Form) -> str:
            if form.get("viec") == "trung_tinh":
                await _keep(request, desk, {})
                raise web.Stale(LABELS, web.say("chuyen_mon", "signing.labels.neutral"))
            try:
                names = read_file(form.get("tep"))
            except web.LabelRefused as refused:
                raise web.Invalid({"tep": _said(refused)}) from None
            await _keep(request, desk, names)
            raise web.Stale(LABELS, web.say("chuyen_mon", "signing.labels.kept"))

        return await web.submit(request, action="signing.labels", handle=handle, again=LABELS)


async def _keep(request: Request, desk: Desk, names: Mapping[str, str]) -> None:
    space = web.space_of(request)
    await web.off_loop(desk.service.spaces.set_switches, space.id, **{SWITCH: dict(names)})


def _names(request: Request) -> dict[str, str]:
    return dict(web.space_of(request).switches.get(SWITCH) or {})


def _groups() -> dict[str, list[Label]]:
    found: dict[str, list[Label]] = {}
    for one in labels().values():
        found.setdefault(one.key.split(".")[0], []).append(one)
    return found


def _group(name: str) -> list[Label]:
    rows = _groups().get(name)
    if rows is None:
        raise web.Problem(
            web.say("chuyen_mon", "signing.labels.unknown.title"),
            meaning=web.say("chuyen_mon", "signing.labels.unknown.meaning"),
            remedy=web.say("chuyen_mon", "signing.labels.unknown.remedy"),
            button=web.say("chuyen_mon", "signing.labels.back"),
            to=LABELS,
            status=404,
        )
    return rows


def _field(one: Label) -> str:
    return one.key.replace(".", "-")


def _said(refused: web.LabelRefused) -> web.Message:
    return web.say("chuyen_mon", f"signing.labels.refused.{refused.reason}", label=refused.key)
