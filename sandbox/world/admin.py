"""The side door for harnesses and trainers: open, reset, list and delete practice spaces.

Only with the installation's admin token. Answers are the models of `sandbox.wire.admin`.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from sandbox import web
from sandbox.wire.admin import ADMIN_PATH, OpenedSpace, OpenSpaceRequest
from sandbox.world import handing, spaces

if TYPE_CHECKING:
    from sandbox.world.build import World


class MoveClock(BaseModel):
    """Body of `POST …/khong-gian/{id}/gio`."""

    model_config = ConfigDict(extra="forbid")

    den: datetime = Field(description="ISO date-time with offset")


class SpaceRow(BaseModel):
    """One row of the list of spaces."""

    khong_gian: str
    ma_lop: str
    tieu_de: str
    ke_hoach: str
    gio_khong_gian: datetime


def routers(world: World) -> list[APIRouter]:
    """Return the routes under `/quan-tri/v1/khong-gian`."""
    router = APIRouter(
        prefix=f"{ADMIN_PATH}/khong-gian",
        dependencies=[Depends(web.require_admin)],
        tags=["quan-tri"],
    )

    @router.get("")
    async def every_space() -> list[SpaceRow]:
        """List the spaces of this installation."""
        found = await web.off_loop(world.spaces.all)
        return [
            SpaceRow(
                khong_gian=space.id,
                ma_lop=space.code,
                tieu_de=space.title,
                ke_hoach=str(space.switches.get("plan", "")),
                gio_khong_gian=space.now(world.clock),
            )
            for space in found
        ]

    @router.post("", status_code=201)
    async def open_space(request: OpenSpaceRequest) -> OpenedSpace:
        """Open a fresh space and hand out its accounts, keys and unsigned records."""
        space = await web.off_loop(
            spaces.open_fresh,
            world,
            plan=request.ke_hoach,
            title=request.tieu_de,
            seed=request.hat_giong,
            profile=request.ho_so,
        )
        return await web.off_loop(handing.hand_out, world, space)

    @router.get("/{space_id}")
    async def show_space(space_id: str) -> OpenedSpace:
        """Hand out once more what a space was opened with."""
        return await web.off_loop(handing.hand_out, world, await _known(space_id))

    @router.delete("/{space_id}", status_code=204)
    async def delete_space(space_id: str) -> None:
        """Forget a space and all its rows."""
        space = await _known(space_id)
        if space.id == web.PRACTICE_SPACE:
            raise HTTPException(409, "the practice space can be reset, not deleted")
        await web.off_loop(spaces.delete, world, space.id)

    @router.post("/{space_id}/lam-moi", status_code=204)
    async def reset_space(space_id: str) -> None:
        """Put a space back to its first day."""
        await web.off_loop(spaces.reset, world, (await _known(space_id)).id)

    @router.post("/{space_id}/gio", status_code=204)
    async def move_clock(space_id: str, body: MoveClock) -> None:
        """Move the space's clock; nobody is logged out."""
        if body.den.tzinfo is None:
            raise HTTPException(422, "den: an offset is needed, such as +07:00")
        await web.off_loop(world.spaces.move_clock, (await _known(space_id)).id, body.den)

    async def _known(space_id: str) -> web.Space:
        space = await web.off_loop(world.spaces.get, space_id)
        if space is None:
            raise HTTPException(404, "no such space")
        return space

    return [router]
