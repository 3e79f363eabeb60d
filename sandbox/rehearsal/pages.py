"""Pages of the rehearsal desk: what can be rehearsed, how, what results mean, what ran."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from sandbox import web
from sandbox.rehearsal.results import PASSED, Fault, Result
from sandbox.rehearsal.service import RehearsalDesk

TONES = {
    Result.PASS: "good",
    Result.FAIL: "bad",
    Result.ERROR: "bad",
    Result.WAIT: "wait",
    Result.CANCEL: "wait",
    Result.SKIP: "open",
    Result.OMIT: "open",
}
COMMAND = 'hocba rehearse {name} --client "python scenarios/clients/reference.py"'


def routers(desk: RehearsalDesk) -> list[APIRouter]:
    """Return the pages under `/dien-tap`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/dien-tap")
    async def front(request: Request) -> Response:
        """List the scenarios and, in the practice space, the runs of this installation."""
        here = web.space_of(request).id == web.PRACTICE_SPACE
        return web.page(
            request,
            "rehearsal/front.html",
            scenarios=await web.off_loop(desk.scenarios),
            runs=await web.off_loop(desk.runs) if here else [],
            results=list(Result),
            tones=TONES,
        )

    @router.get("/dien-tap/kich-ban/{group}/{name}")
    async def scenario(request: Request, group: str, name: str) -> Response:
        """Show one scenario, step by step."""
        found = await web.off_loop(desk.scenario, f"{group}/{name}")
        if found is None:
            raise HTTPException(404)
        return web.page(
            request,
            "rehearsal/scenario.html",
            name=found.name,
            scenario=found.scenario,
            command=COMMAND.format(name=found.name),
        )

    @router.get("/dien-tap/lan-chay/{run_id}")
    async def run(request: Request, run_id: str) -> Response:
        """Show one run: each step with its result, reason, remedy and evidence."""
        here = web.space_of(request).id == web.PRACTICE_SPACE
        report = await web.off_loop(desk.run, run_id) if here else None
        if report is None:
            raise HTTPException(404)
        return web.page(
            request,
            "rehearsal/run.html",
            report=report,
            tones=TONES,
            passed=report.exit_code == PASSED,
            no_fault=Fault.NONE,
        )

    return [router]
