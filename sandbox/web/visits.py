"""Who is looking, in which space, language and text size; and the one function for addresses."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.requests import HTTPConnection

from sandbox.web.spaces import Space

VISITOR_COOKIE, LANGUAGE_COOKIE, SIZE_COOKIE = "hv", "ngon_ngu", "co"
VISITOR_QUERY, LANGUAGE_QUERY, SIZE_QUERY, RETRY_QUERY = "m", "ngon_ngu", "co", "lai"
TEXT_SIZES = (100, 125, 150)
VISIT_SECONDS = 72_000
"""20 hours by the machine's clock (M1): cookies, sessions and form tokens."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}\Z")
_PASSING = {VISITOR_QUERY, LANGUAGE_QUERY, SIZE_QUERY, RETRY_QUERY}


class CameBy(StrEnum):
    """How the visitor's token reached us."""

    COOKIE = "cookie"
    LINK = "link"
    """`m` in the address: the browser keeps no cookies."""
    NEW = "new"
    """Neither: this answer sets the cookie, and its links carry `m` until the cookie comes back."""


def new_visitor() -> str:
    """Return a fresh visitor token, 128 random bits."""
    return secrets.token_urlsafe(16)


def is_visitor(token: str) -> bool:
    """Return whether *token* could be one of ours."""
    return bool(_TOKEN.match(token))


@dataclass(frozen=True, slots=True)
class Visit:
    """One request's visitor. `url()` is the only way to write an address."""

    space: Space
    language: str
    visitor: str
    text_size: int
    came_by: CameBy
    path: str = "/"
    """This page's own address without space, token and passing marks."""
    other: str | None = None
    """A different token in the address that lost against the cookie (learner-experience §8.2)."""

    @property
    def key(self) -> str:
        """The name under which the server keeps things for this visitor (a digest, no secret)."""
        return hashlib.sha256(self.visitor.encode()).hexdigest()[:32]

    def url(self, path: str = "", **query: Any) -> str:
        """Return the address of *path* for this visitor.

        Adds `/s/{space}` (not for the practice space) and `m=` when the cookie did not come
        back; keeps query and fragment of *path*; drops values that are None. An address that
        already names a space stays in that space, so `url(url(x)) == url(x)`. No *path*: this
        page itself.
        """
        parts = urlsplit(path or self.path)
        pairs = [pair for pair in parse_qsl(parts.query, True) if pair[0] != VISITOR_QUERY]
        pairs = [pair for pair in pairs if pair[0] not in query]
        pairs += [(key, str(value)) for key, value in query.items() if value is not None]
        if self.came_by is not CameBy.COOKIE:
            pairs.append((VISITOR_QUERY, self.visitor))
        names_space = parts.path.startswith("/s/")
        where = ("" if names_space else self.space.prefix) + quote(
            parts.path or "/", safe="/%:@-._~!$'()*+,;="
        )
        address = where + ("?" + urlencode(pairs) if pairs else "")
        return address + ("#" + parts.fragment if parts.fragment else "")


def visit(request: HTTPConnection) -> Visit:
    """Return who is looking; the answer will carry the visitor's cookie."""
    state = request.scope["state"]
    state["visit_used"] = True
    found: Visit = state["visit"]
    return found


def space_of(request: HTTPConnection) -> Space:
    """Return the practice space of this request (services use it as pages do)."""
    space: Space = request.scope["state"]["space"]
    return space


def local_path(value: str, *, otherwise: str = "/") -> str:
    """Return *value* if it is a path on this site, else *otherwise* (no open redirects)."""
    plain = value.strip()
    if not plain.startswith("/") or plain[1:2] in {"/", "\\"} or any(c < " " for c in plain):
        return otherwise
    return plain


def bare_path(path: str, query: str) -> str:
    """Return an address without the passing marks (`m`, language, size, carried form)."""
    pairs = [pair for pair in parse_qsl(query, True) if pair[0] not in _PASSING]
    return path + ("?" + urlencode(pairs) if pairs else "")


def masked(address: str) -> str:
    """Return *address* with the visitor token struck out, for logs."""
    return re.sub(rf"([?&]{VISITOR_QUERY}=)[^&#\s]+", r"\1…", address)


def chosen_language(query: Mapping[str, str], cookies: Mapping[str, str]) -> str | None:
    """Return the language the visitor asked for in this address, else the remembered one."""
    for source, name in ((query, LANGUAGE_QUERY), (cookies, LANGUAGE_COOKIE)):
        if source.get(name) in {"vi", "en"}:
            return source[name]
    return None


def chosen_size(query: Mapping[str, str], cookies: Mapping[str, str]) -> int | None:
    """Return the text size the visitor asked for in this address, else the remembered one."""
    for source, name in ((query, SIZE_QUERY), (cookies, SIZE_COOKIE)):
        if source.get(name, "") in {str(size) for size in TEXT_SIZES}:
            return int(source[name])
    return None
