"""Pages under `/quoc-gia`: province, school, class, pupil, record."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from sandbox import web
from sandbox.atlas.service import YEARS, Atlas

Found = TypeVar("Found")

_BETWEEN = re.compile(r">(?=<(?!/))")


def routers(atlas: Atlas) -> list[APIRouter]:
    """Return the pages of *atlas*, in the school year of the visitor's space or `?nam=`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/quoc-gia")
    async def country(request: Request) -> Response:
        """List the provinces with their schools and records."""
        year = _year(request)
        provinces = await web.off_loop(atlas.provinces, year)
        return _page(request, "country.html", provinces=provinces, years=YEARS)

    @router.get("/quoc-gia/tinh/{code}")
    async def province(request: Request, code: str) -> Response:
        """List a province's schools, a page at a time."""
        page = _number(request.query_params.get("trang", "1"))
        view = _there(await web.off_loop(atlas.province, _year(request), code, page=page))
        return _page(request, "province.html", view=view, page=page)

    @router.get("/quoc-gia/truong/{number}")
    async def school(request: Request, number: str) -> Response:
        """Show a school: where it is, who leads it, its classes."""
        view = _there(await web.off_loop(atlas.school, _year(request), _number(number)))
        return _page(request, "school.html", view=view)

    @router.get("/quoc-gia/truong/{number}/lop/{index}")
    async def school_class(request: Request, number: str, index: str) -> Response:
        """List the pupils of a class."""
        view = _there(
            await web.off_loop(atlas.school_class, _year(request), _number(number), _number(index))
        )
        return _page(request, "class.html", view=view)

    @router.get("/quoc-gia/truong/{number}/lop/{index}/hoc-ba/{seat}")
    async def record(request: Request, number: str, index: str, seat: str) -> Response:
        """Show one record: what it says, and the XML that would be signed."""
        view = _there(
            await web.off_loop(
                atlas.record, _year(request), _number(number), _number(index), _number(seat)
            )
        )
        return _page(request, "record.html", view=view, xml=_lined(view.xml.decode()))

    @router.get("/quoc-gia/truong/{number}/lop/{index}/ho-so-2026/{place}")
    async def case(request: Request, number: str, index: str, place: str) -> Response:
        """Show the 2026 record of a pupil whom v1.0 cannot carry, and why."""
        view = _there(
            await web.off_loop(
                atlas.case, _year(request), _number(number), _number(index), _number(place)
            )
        )
        return _page(request, "case.html", view=view, xml=_lined(view.xml.decode()))

    return [router]


def _page(request: Request, template: str, **context: Any) -> Response:
    request.scope["state"]["audience"] = "professional"
    return web.page(request, f"atlas/{template}", year=_year(request), **context)


def _year(request: Request) -> str:
    asked = request.query_params.get("nam") or web.space_of(request).school_year
    if asked not in YEARS:
        raise HTTPException(404)
    return asked


def _number(text: str) -> int:
    """Read a number of an address; whatever else stands there is no page."""
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise HTTPException(404)
    return int(text)


def _there(found: Found | None) -> Found:
    if found is None:
        raise HTTPException(404)
    return found


def _lined(xml: str) -> str:
    """Return *xml* with a line per element, for reading: never signed, never sent like this."""
    return _BETWEEN.sub(">\n", xml)
