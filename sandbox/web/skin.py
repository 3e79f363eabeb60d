"""The shared skin: templates of all apps, their words, and `page()` that puts them together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse

from sandbox.web import figures
from sandbox.web.assets import Assets
from sandbox.web.labels import label_for
from sandbox.web.messages import Message, Messages
from sandbox.web.visits import Visit, visit

HERE = Path(__file__).parent
PROFESSIONAL_PATHS = ("/kho", "/ca", "/tai", "/dien-tap")
"""Pages for officers and engineers: wide layout, no help bar, words of kind `chuyen_mon`."""


class Skin:
    """Templates, words and static files of the apps named.

    *templates* maps an app's name to its folder (`"portal/list.html"` is found in the folder of
    `portal`), *locales* are folders with `vi.po` and `en.po`, *statics* maps an app's name to its
    folder under `/tinh/{name}/`. *strict*: a missing message or value raises (tests).
    """

    def __init__(
        self,
        templates: Mapping[str, Path] | None = None,
        locales: Sequence[Path] = (),
        *,
        statics: Mapping[str, Path] | None = None,
        strict: bool = False,
        professional: Sequence[str] = PROFESSIONAL_PATHS,
    ) -> None:
        folders = {"web": HERE / "templates" / "web", **(templates or {})}
        self.messages = Messages((HERE / "locale", *locales), strict=strict)
        self.assets = Assets(statics or {})
        self.professional = tuple(professional)
        self.environment = Environment(
            loader=PrefixLoader({name: FileSystemLoader(path) for name, path in folders.items()}),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self.environment.filters.update(figures.FILTERS)
        global _latest  # noqa: PLW0603 - text("vi", …) has no request to find the skin by
        _latest = self

    def render(self, template: str, context: Mapping[str, Any]) -> str:
        """Return the page *template* with the components (`kit`) in scope."""
        kit = self.environment.get_template("web/kit.html").make_module(dict(context))
        values = {**context, "kit": kit, "form": kit.form}  # type: ignore[attr-defined]
        return self.environment.get_template(template).render(values)


_latest: Skin | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """A form shown again: what was typed (never a PIN), what is wrong, and a calm line."""

    values: Mapping[str, list[str]] = field(default_factory=dict)
    errors: Mapping[str, Message] = field(default_factory=dict)
    note: Message | None = None

    def value(self, name: str, otherwise: object = "") -> object:
        """Return what was typed into *name*, else *otherwise*."""
        typed = self.values.get(name)
        return typed[0] if typed else otherwise

    def holds(self, name: str, value: object, *, otherwise: bool = False) -> bool:
        """Return whether *value* was among those chosen for *name*."""
        return str(value) in self.values[name] if name in self.values else otherwise


def audience_of(request: HTTPConnection) -> str:
    """Return whom this page is for: "learner" or "professional".

    A route may say so itself by `request.state.audience`; else the path decides.
    """
    said = request.scope["state"].get("audience")
    if said:
        return str(said)
    path = request.scope["path"]
    skin: Skin = request.app.state.web.skin
    inside = any(path == start or path.startswith(start + "/") for start in skin.professional)
    return "professional" if inside else "learner"


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> HTMLResponse:
    """Return the page *template* for this visitor.

    In scope of every template, besides *context*: `url(path, **query)`, `static(name)`,
    `_(kind, key, **values)`, `label(key, **values)` (the label file), `form` and `kit`
    (web/kit.html), `visit`, `space`, `language`,
    `retry`, `audience`. Raises KeyError for a missing message when the skin is strict.
    """
    who = visit(request)
    skin: Skin = request.app.state.web.skin
    retry: Retry = request.scope["state"].get("retry") or Retry()
    values: dict[str, Any] = {
        "visit": who,
        "space": who.space,
        "language": who.language,
        "text_size": who.text_size,
        "url": who.url,
        "static": skin.assets.address,
        "_": _words(skin, who),
        "said": _said(skin, who),
        "label": _labels(who),
        "token": _minting(request, who),
        "retry": retry,
        "audience": audience_of(request),
        "heading": None,
        "back": None,
        "where": None,
        "coach": None,
        "trainer_word": None,
        "banner": "full",
        "wrong": bool(retry.errors),
        "read_aloud": None,
        "heartbeat": None,
        "wide": False,
        **context,
    }
    return HTMLResponse(skin.render(template, values), status_code=status, headers=headers)


def text(asker: HTTPConnection | str, kind: str, key: str, **values: Any) -> str:
    """Return a message as plain text, in the language of the request or the one named.

    Raises KeyError for a missing message when the skin is strict.
    """
    if isinstance(asker, str):
        if _latest is None:
            raise RuntimeError("no skin has been made yet")
        return _latest.messages.text(asker, kind, key, **values)
    who: Visit = asker.scope["state"]["visit"]
    skin: Skin = asker.app.state.web.skin
    return skin.messages.text(who.language, kind, key, **values)


def _words(skin: Skin, who: Visit) -> Callable[..., Markup]:
    def words(kind: str, key: str, **values: Any) -> Markup:
        return skin.messages.markup(who.language, kind, key, **values)

    return words


def _labels(who: Visit) -> Callable[..., str]:
    def named(key: str, **values: Any) -> str:
        return label_for(who.space.switches, who.language, key, **values)

    return named


def _said(skin: Skin, who: Visit) -> Callable[[Message | str], Markup | str]:
    def said(message: Message | str) -> Markup | str:
        if isinstance(message, str):
            return message
        values = {k: said(v) if isinstance(v, Message) else v for k, v in message.values.items()}
        return skin.messages.markup(who.language, message.kind, message.key, **values)

    return said


def _minting(request: Request, who: Visit) -> Callable[[str], str]:
    def token(action: str) -> str:
        minted: str = request.app.state.web.desk.mint(who, action)
        return minted

    return token
