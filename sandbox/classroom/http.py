"""Service to service: the coach strip of a page (`POST /lop/v1/dai`)."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response
from starlette.requests import Request

from sandbox import web
from sandbox.classroom.service import ClassroomService
from sandbox.errors import Unavailable
from sandbox.wire.classroom import CoachQuestion, Strip


def routers(service: ClassroomService) -> list[APIRouter]:
    """Return the routes other systems call."""
    router = APIRouter(prefix="/lop/v1", dependencies=[Depends(web.require_internal)], tags=["lop"])

    @router.post("/dai", response_model=None)
    async def strip(request: Request, question: CoachQuestion) -> Strip | Response:
        """Return the strip for one page; 204 where the page is no step of a running lesson."""
        try:
            found = await service.strip(web.space_of(request), question)
        except Unavailable:  # portal or signing away: the page is shown without strip
            found = None
        return found or Response(status_code=204)

    return [router]
