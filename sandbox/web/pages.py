"""Pages that belong to no system: landing with three doors, help pages, the load testers' page."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from sandbox.web.forms import Form, Invalid, submit
from sandbox.web.guards import off_loop
from sandbox.web.messages import say
from sandbox.web.sessions import session
from sandbox.web.skin import page
from sandbox.web.spaces import Space
from sandbox.web.visits import TEXT_SIZES, is_visitor, local_path, visit

HAND = "web.hand"
"""Session key of a raised hand: `{"where": path}`."""
SAMPLES = ("danh-sach.svg", "dien-thoai.svg", "da-ky.svg")
CODE_LENGTHS = range(4, 9)
LOAD_COMMAND = "hocba load pipeclean --target {origin}"


def routers() -> list[APIRouter]:
    """Return the skin's own pages."""
    return [_entrance(), _help(), _load_testers()]


def _entrance() -> APIRouter:
    router = APIRouter()

    @router.get("/")
    def landing(request: Request) -> Response:
        return page(request, "web/landing.html", wide=True)

    @router.post("/vao")
    async def enter(request: Request) -> Response:
        async def handle(form: Form) -> str:
            space = await _space_of_code(request, form.get("ma"))
            return f"/s/{space.id}/lop"

        return await submit(request, action="web.enter", handle=handle, again="/")

    @router.get("/khong-phai-toi")
    def not_me(request: Request, khac: str = "") -> Response:
        known = khac if is_visitor(khac) else ""
        return page(request, "web/not_me.html", other_token=known)

    @router.post("/khong-phai-toi")
    async def change_person(request: Request) -> Response:
        async def handle(form: Form) -> str:
            token = form.get("khac")
            if is_visitor(token):
                request.scope["state"]["become"] = token
            return "/"

        return await submit(request, action="web.not_me", handle=handle, again="/")

    return router


async def _space_of_code(request: Request, typed: str) -> Space:
    code = "".join(typed.split())
    if not code:
        raise Invalid({"ma": say("loi_lam", "web.enter.empty")})
    if not code.isascii() or not code.isdigit() or len(code) not in CODE_LENGTHS:
        raise Invalid({"ma": say("loi_lam", "web.enter.digits")})
    found = await off_loop(request.app.state.web.spaces.by_code, code)
    if found is None:
        raise Invalid({"ma": say("loi_lam", "web.enter.unknown")})
    space: Space = found
    return space


def _help() -> APIRouter:
    router = APIRouter()

    @router.get("/gio-tay")
    async def hand(request: Request, ve: str = "/") -> Response:
        raised = await session(request).get(HAND)
        return page(request, "web/hand.html", raised=bool(raised), back=local_path(ve))

    @router.post("/gio-tay")
    async def raise_hand(request: Request) -> Response:
        async def handle(form: Form) -> str:
            where = local_path(form.get("ve"))
            await session(request).set(HAND, {"where": where})
            return _hand_page(where)

        return await submit(request, action="web.hand", handle=handle, again="/gio-tay")

    @router.post("/bo-tay")
    async def lower_hand(request: Request) -> Response:
        async def handle(form: Form) -> str:
            await session(request).delete(HAND)
            return local_path(form.get("ve"))

        return await submit(request, action="web.hand_down", handle=handle, again="/gio-tay")

    @router.get("/nghe")
    def listen(request: Request, cau: str = "", ve: str = "/") -> Response:
        known = ("cau", cau) in request.app.state.web.skin.messages.keys("vi")
        key = cau if known and _stands_alone(request, cau) else "web.listen.general"
        return page(request, "web/listen.html", sentence=key, back=local_path(ve))

    @router.get("/xem-mau")
    def sample(request: Request, buoc: int = 1, ve: str = "/") -> Response:
        number = min(max(buoc, 1), len(SAMPLES))
        home = local_path(ve)
        return page(request, "web/sample.html", number=number, pictures=SAMPLES, home=home)

    @router.get("/chinh-chu")
    def text_size(request: Request, ve: str = "/") -> Response:
        return page(request, "web/text_size.html", sizes=TEXT_SIZES, back=local_path(ve))

    @router.get("/rieng-tu")
    def privacy(request: Request, ve: str = "/") -> Response:
        return page(request, "web/privacy.html", back=local_path(ve))

    return router


def _hand_page(where: str) -> str:
    return "/gio-tay?ve=" + where.replace("&", "%26").replace("?", "%3F").replace("#", "%23")


def _stands_alone(request: Request, key: str) -> bool:
    """Return whether the sentence needs no values to be read aloud."""
    messages = request.app.state.web.skin.messages
    return not any("{" in form for form in messages.forms(visit(request).language, "cau", key))


def _load_testers() -> APIRouter:
    router = APIRouter()

    @router.get("/tai")
    def load(request: Request) -> Response:
        origin = str(request.base_url).rstrip("/")
        return page(request, "web/load.html", command=LOAD_COMMAND.format(origin=origin))

    return router
