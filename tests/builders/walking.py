"""Walks a whole installation from its first page on, as a browser that keeps no cookies."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from fastapi.routing import APIRoute
from lxml import html

from sandbox.web import Database

VISITOR = re.compile(r"[?&]m=([\w-]{22})")
PASSING = {"m", "ngon_ngu", "co", "lai", "ve"}
"""Marks of an address that make no other page of it."""
MARK = {"vi": "BẢN TẬP – DỮ LIỆU GIẢ LẬP", "en": "PRACTICE COPY – INVENTED DATA"}
FILES = (
    "/tinh/",
    "/ca/bo-suu-tap/tai/",
    "/ca/crl/",
    "/ca/chung-thu/",
    "/ca/goc.crt",
    "/kho/api/openapi.json",
)
VISITS = {"web_session", "web_form", "web_tap", "web_visitor"}
ENOUGH = 6
"""Pages of one template that are looked at for one visitor."""


def routes_in(router: Any) -> Iterator[APIRoute]:
    """Every route of an application or router, those of the routers within it too."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif (inner := getattr(route, "original_router", None)) is not None:
            yield from routes_in(inner)


def rows_of(database: Database) -> dict[str, list[str]]:
    """Every row of a SQLite database but those that only say who visits."""
    with database.engine.connect() as connection:
        names = connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).scalars()
        return {
            name: sorted(map(repr, connection.exec_driver_sql(f"SELECT * FROM {name}")))
            for name in names.all()
            if name not in VISITS
        }


@dataclass(frozen=True)
class Form:
    """A form of a page."""

    method: str
    action: str
    fields: dict[str, str]

    @property
    def place(self) -> str:
        """The address without what differs from one object to the next."""
        return re.sub(r"[0-9a-f-]{8,}|\d+", "*", self.action.split("?")[0])


@dataclass
class Seen:
    """One page as it was answered."""

    who: str
    url: str
    """Path and query, without the marks of the visit."""
    template: str
    """Path of the route that answers it."""
    status: int
    text: str

    def __post_init__(self) -> None:
        self.tree = html.fromstring(self.text)

    @property
    def heading(self) -> str:
        return " ".join(self.tree.xpath("string(//h1)").split())

    @property
    def title(self) -> str:
        return " ".join(self.tree.xpath("string(//title)").split())

    @property
    def addresses(self) -> list[str]:
        """Where links and forms lead; not those within the page."""
        found = [*self.tree.xpath("//a/@href"), *self.tree.xpath("//form/@action")]
        return [str(one) for one in found if not str(one).startswith("#")]

    @property
    def forms(self) -> list[Form]:
        return [
            Form(
                form.get("method", "get").lower(),
                form.get("action", ""),
                {one.get("name"): one.get("value", "") for one in form.xpath(".//input[@name]")},
            )
            for form in self.tree.xpath("//form")
        ]

    @property
    def shape(self) -> tuple[Any, ...]:
        """What tells one kind of page from another: template, parts of the page, its forms."""
        parts = {
            f"{node.tag}.{node.get('class', '')}"
            for node in self.tree.xpath("//main//*")
            if isinstance(node.tag, str)
        }
        forms = {
            re.sub(r"[0-9a-f-]{8,}|\d+", "*", form.action.split("?")[0]) for form in self.forms
        }
        return (self.template, self.status, frozenset(parts), frozenset(forms))

    def faults(self) -> list[str]:
        """Return what is wrong with the page as text, for a visitor without cookies."""
        language = self.tree.get("lang", "")
        outside = [
            one
            for one in self.tree.xpath("//@src | //@href | //@action | //@srcset")
            if re.match(r"(?:[a-z]+:)?//", str(one))
        ]
        lost = [one for one in self.addresses if not VISITOR.search(one) and not _is_file(one)]
        checks = [
            (len(self.tree.xpath("//h1")) == 1, f"{len(self.tree.xpath('//h1'))} h1"),
            (bool(self.heading), "an empty h1"),
            (bool(self.title.split(" – ")[0]), "no title"),
            (language in MARK, f"lang={language!r}"),
            (MARK.get(language, "?") in self.tree.text_content(), "no practice mark"),
            (not outside, f"foreign: {outside}"),
            (not lost, f"loses the visitor: {lost[:3]}"),
            (
                all("f" in form.fields for form in self.forms if form.method == "post"),
                "a POST form without its one-time token",
            ),
            (not self.tree.xpath("//*[@style] | //*[@onclick]"), "style or script in the page"),
        ]
        return [f"{self.who} {self.url}: {fault}" for fine, fault in checks if not fine]


def _is_file(address: str) -> bool:
    return urlsplit(address).path.startswith(FILES)


@dataclass
class Walker:
    """One visitor: known by the token in every address, never by a cookie."""

    base: str
    who: str
    language: str = "vi"
    token: str = ""
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60, trust_env=False))

    def __post_init__(self) -> None:
        first = self.get("/")
        found = VISITOR.search(first.text)
        assert found is not None
        self.token = found[1]

    def get(self, path: str) -> httpx.Response:
        """Open *path* and follow where it leads."""
        for _ in range(5):
            answer = self._send("GET", path)
            if answer.status_code != 303:
                return answer
            path = answer.headers["location"]
        raise AssertionError(f"{path} leads in circles")

    def post(self, action: str, fields: dict[str, Any]) -> httpx.Response:
        """Send a form and return the answer itself."""
        return self._send("POST", action, data=fields)

    def press(self, path: str, action: str, *, files: Any = None, **typed: Any) -> str:
        """Fill in the form of page *path* whose address ends with *action*, send it, go along.

        Returns the page one comes to, with the mark that shows what was typed.
        """
        page = Seen(self.who, path, "", 200, self.get(path).text)
        form = next(f for f in page.forms if f.action.split("?")[0].endswith(action))
        answer = self._send("POST", form.action, data={**form.fields, **typed}, files=files)
        assert answer.status_code == 303, answer.text[:500]
        return str(answer.headers["location"])

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        parts = urlsplit(path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if self.token:
            query["m"] = self.token
        query["ngon_ngu"] = self.language
        self.client.cookies.clear()
        url = f"{self.base}{parts.path}?{urlencode(query)}"
        return self.client.request(method, url, headers={"Accept": "text/html"}, **more)

    def walk(self, starts: Iterable[str], templates: list[APIRoute]) -> Iterator[Seen]:
        """Yield every page reachable from *starts* by links, a few of each template."""
        waiting = deque(dict.fromkeys(starts))
        known, counted = set(map(plain, waiting)), Counter[str]()
        while waiting:
            url = waiting.popleft()
            template = template_of(url, templates)
            counted[template] += 1
            if counted[template] > ENOUGH:
                continue
            answer = self.get(url)
            if "text/html" not in answer.headers.get("content-type", ""):
                continue
            final = plain(str(answer.url).removeprefix(self.base))
            known.add(final)
            page = Seen(
                self.who, final, template_of(final, templates), answer.status_code, answer.text
            )
            yield page
            for link in page.tree.xpath("//a/@href"):
                to = plain(str(link))
                if to.startswith("/") and not _is_file(to) and to not in known:
                    known.add(to)
                    waiting.append(to)


def plain(address: str) -> str:
    """Return *address* without the marks of a visit and its fragment."""
    parts = urlsplit(address)
    kept = [pair for pair in parse_qsl(parts.query, True) if pair[0] not in PASSING]
    return parts.path + ("?" + urlencode(kept) if kept else "")


def template_of(url: str, templates: list[APIRoute], *, method: str = "GET") -> str:
    """Return the path of the route that answers *url*."""
    path = re.sub(r"^/s/[a-z0-9-]+", "", urlsplit(url).path) or "/"
    for route in templates:
        if method in route.methods and route.path_regex.match(path):
            return route.path
    return "?"
