"""The rehearsal desk as a service: scenarios as JSON for anybody, run reports for the admin."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, HTTPException

from sandbox import web
from sandbox.rehearsal.results import RunReport
from sandbox.rehearsal.service import RehearsalDesk


def routers(desk: RehearsalDesk) -> list[APIRouter]:
    """Return the routes under `/dien-tap/v1`."""
    router = APIRouter(prefix="/dien-tap/v1", tags=["dien-tap"])

    @router.get("/kich-ban")
    async def scenarios() -> dict[str, Any]:
        """List the scenarios with their steps."""
        found = await web.off_loop(desk.scenarios)
        return {
            "DanhSach": [{"ten": row.name, **row.scenario.model_dump(mode="json")} for row in found]
        }

    @router.get("/lan-chay/{run_id}", dependencies=[Depends(web.require_admin)])
    async def run(run_id: str) -> RunReport:
        """Return one run's report."""
        report = await web.off_loop(desk.run, run_id)
        if report is None:
            raise HTTPException(404)
        return report

    return [router]
