"""The shared skin of every page: install it, render with `page`, change things with `submit`.

::

    # app.py ------------------------------------------------------------------------------
    app = web.application()                       # FastAPI without its documentation pages
    skin = web.Skin({"portal": HERE / "templates"}, [HERE / "locale"])   # + statics={"portal": …}
    spaces = web.Spaces(database, clock); spaces.prepare()
    spaces.open("tap", code="1234", title="…")    # the space of addresses without /s/{space}
    web.install(app, skin=skin, database=database, spaces=spaces, clock=clock, secret="…")

    # pages.py ----------------------------------------------------------------------------
    router = APIRouter()

    @router.get("/cong/hoc-ba/{record}")
    async def show(request: Request, record: str) -> Response:
        me = await web.session(request).get("portal.identity")
        card = await web.off_loop(service.card, web.space_of(request), record)
        return web.page(request, "portal/card.html", card=card, me=me)

    @router.post("/cong/hoc-ba/{record}/ky")
    async def sign(request: Request, record: str) -> Response:
        async def handle(form: web.Form) -> str:
            if not form.get("lop"):
                raise web.Invalid({"lop": web.say("loi_lam", "portal.sign.class_missing")})
            if await already_signed(record):
                raise web.Stale(f"/cong/hoc-ba/{record}", web.say("cau", "portal.sign.already"))
            await start_signing(record)           # may raise Refused, web.Problem, Unavailable
            return f"/cong/hoc-ba/{record}/cho"   # bare path: space and token are added

        return await web.submit(request, action=f"portal.sign:{record}", handle=handle,
                                again=f"/cong/hoc-ba/{record}")

    {# templates/card.html ----------------------------------------------------------------- #}
    {% extends "web/base.html" %}
    {% set heading = _('tieu_de', 'portal.sign.title') %}     {# <title> and <h1> #}
    {% set back = '/cong/lop' %}                              {# "‹ Quay lại"; bare path #}
    {% block content %}                                       {# what follows the h1 #}
    {% call form('portal.sign:' ~ card.id, '/cong/hoc-ba/' ~ card.id ~ '/ky') %}
      {{ kit.field('lop', _('nhan', 'portal.class'), hint=_('goi_y', 'portal.class')) }}
      {{ kit.button(_('nut', 'portal.sign.go', n=1)) }}
    {% endcall %}
    {{ kit.link(_('nut', 'portal.back_to_list'), '/cong/lop') }}
    {% endblock %}

Rules. Every address in a template goes through `url('/path', key=value)` or a `kit` macro (these
take bare paths and call it themselves). Every POST of a page goes through `submit`, its form
through the `form` macro with the *same* action. Two POSTs of one action by one visitor within
600 ms are one tap: put the object into the action's name, and in a browser test wait 0.7 s before
repeating an action on purpose. Fields named pin, mat_khau, password, otp never come back filled.
After `Invalid` the page shows the errors by itself, fields made with `kit` come back filled and
marked. Templates may set: heading, back, where ("Bài 3 · Bước 7/10 · Thẻ 3.7"), banner ('full' or
'short' on PIN, confirm, problem pages), audience ('learner' or 'professional'; by default pages
under /kho, /ca, /tai, /dien-tap are professional, a route may set request.state.audience),
read_aloud (key of a `cau` message for "Nghe đọc"), trainer_word (a line in the yellow box), wide
(a learner page as wide as a professional one), heartbeat (path the script asks every 10 s).
Blocks: title, coach, orientation, main (all of it) or content (below the h1), panel (beside main,
professional pages). Components: see templates/web/kit.html. Words: `locale/vi.po` and `en.po` of
the app, msgctxt = kind, msgid = key, `{n}` placeholders, plural forms by `n`, `**strong**`.
Tests: tests/builders/web.py (houses, servers, a browser without cookies), tests/browser/lint.py
(`assert_clean(page)`), tests/structure/test_messages.py (words and keys of every app).
"""

from sandbox.web.forms import Form, Invalid, Stale, Upload, carry, submit
from sandbox.web.gate import TooLarge
from sandbox.web.guards import Unauthorised, off_loop, require_admin, require_internal
from sandbox.web.install import Installation, application, install
from sandbox.web.labels import LabelRefused, label
from sandbox.web.messages import Message, say
from sandbox.web.problems import Problem, refusal_page, status_page, wants_json
from sandbox.web.sessions import Session, session
from sandbox.web.skin import Skin, page, text
from sandbox.web.spaces import PRACTICE_SPACE, Space, Spaces
from sandbox.web.store import Database
from sandbox.web.visits import CameBy, Visit, local_path, space_of, visit

__all__ = [
    "PRACTICE_SPACE",
    "CameBy",
    "Database",
    "Form",
    "Installation",
    "Invalid",
    "LabelRefused",
    "Message",
    "Problem",
    "Session",
    "Skin",
    "Space",
    "Spaces",
    "Stale",
    "TooLarge",
    "Unauthorised",
    "Upload",
    "Visit",
    "application",
    "carry",
    "install",
    "label",
    "local_path",
    "off_loop",
    "page",
    "refusal_page",
    "require_admin",
    "require_internal",
    "say",
    "session",
    "space_of",
    "status_page",
    "submit",
    "text",
    "visit",
    "wants_json",
]
