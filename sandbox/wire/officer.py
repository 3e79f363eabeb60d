"""The officer's desk, used as the officer uses it: the page, its form, its button.

Approving a certificate is a person's act; there is no service for it, neither in the printed
documents nor in the sandbox. A rehearsal that plays the officer presses the same button.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx

from sandbox.errors import Unavailable
from sandbox.wire.http import client

OFFICER_PAGE = "/can-bo"


@dataclass(slots=True)
class PageForm:
    """One form of a page: where it goes, what it carries unseen, its buttons."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self._open: PageForm | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note forms, hidden fields and buttons."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = PageForm(given.get("action", ""))
            self.forms.append(self._open)
        elif self._open is not None and tag == "input" and given.get("type") == "hidden":
            self._open.fields[given.get("name", "")] = given.get("value", "")
        elif self._open is not None and tag == "button" and given.get("name"):
            self._open.buttons.append((given["name"], given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        """Close the form."""
        if tag == "form":
            self._open = None


def forms_of(page: str) -> list[PageForm]:
    """Return the forms of an HTML page, in order."""
    reader = _Forms()
    reader.feed(page)
    return reader.forms


class OfficerDesk:
    """The officer's pages of one receiving desk (`…/kho` or `…/kho/so/48`).

    Raises `Unavailable` when the desk is away.
    """

    def __init__(self, desk_url: str, *, read_s: float = 10.0) -> None:
        self._desk = desk_url.rstrip("/")
        self._http = client(self._desk, read_s=read_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._http.close()

    def approve(self, messageid: str) -> bool:
        """Approve the registration *messageid*; False when it does not wait at the desk."""
        found = self._get(f"{self._desk}{OFFICER_PAGE}/cts/{messageid}")
        for form in forms_of(found):
            if form.action.split("?")[0].endswith(f"/{messageid}/duyet"):
                return self._press(form)
        return False

    def _press(self, form: PageForm) -> bool:
        start = urlsplit(self._desk)
        url = f"{start.scheme}://{start.netloc}{form.action}"
        try:
            answer = self._http.post(url, data=form.fields)
        except httpx.HTTPError as error:
            raise Unavailable(f"{OFFICER_PAGE}: {type(error).__name__}") from error
        return answer.status_code == 303

    def _get(self, url: str) -> str:
        """Return a page, going through the one redirect that gives a newcomer a visitor token."""
        for _ in range(4):
            try:
                answer = self._http.get(url)
            except httpx.HTTPError as error:
                raise Unavailable(f"{OFFICER_PAGE}: {type(error).__name__}") from error
            if answer.status_code in (302, 303, 307) and "location" in answer.headers:
                url = str(answer.url.join(answer.headers["location"]))
                continue
            if answer.status_code >= 400:
                raise Unavailable(f"{OFFICER_PAGE}: {answer.status_code}")
            return answer.text
        raise Unavailable(f"{OFFICER_PAGE}: redirects")
