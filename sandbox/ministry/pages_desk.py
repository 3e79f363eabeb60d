"""What every page of a desk needs."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request

from sandbox import web
from sandbox.ministry.model import KHO, Desk, desk_of_department
from sandbox.ministry.service import MinistryService


@dataclass(frozen=True, slots=True)
class DeskPages:
    """What every page of a desk needs."""

    service: MinistryService

    async def desk(self, request: Request) -> Desk:
        """Return the desk the address names; 404 where there is none."""
        code = request.path_params.get("code")
        name = KHO if code is None else desk_of_department(code)
        desk = await web.off_loop(self.service.desk, web.space_of(request), name)
        if desk is None:
            raise HTTPException(404)
        return desk
