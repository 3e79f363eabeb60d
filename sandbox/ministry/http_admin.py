"""The side doors of a desk, for the trainer's and the harness's tools (invented, admin token)."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Base64Bytes, BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request

from sandbox.ministry.model import AccountSeed, Desk, RegisterUnit, SchoolSeed
from sandbox.ministry.service import MinistryService
from sandbox.pki import Certificate, CertificateError
from sandbox.web import off_loop, require_admin, space_of

MOST_SCHOOLS = 500
"""Schools of one request: about a megabyte, and one transaction of some tenths of a second."""
FindDesk = Callable[[Request], Awaitable[Desk]]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AddedAccount(_Body):
    """An account that comes with a school."""

    user_name: str = Field(min_length=1, max_length=200)
    mat_khau: str = Field(min_length=1, max_length=200)
    ho_so: Literal["truong", "so"] = "truong"
    dia_chi_ip: tuple[str, ...] = ()


class AddedSchool(_Body):
    """Body of `POST {desk}/quan-tri/v1/truong`."""

    ma_truong: str = Field(pattern=r"^\d{8,20}$")
    ten_truong: str = Field(min_length=1, max_length=250)
    ma_so_giao_duc: str = Field(pattern=r"^\d{2}$")
    ten_so_gd: str = Field(min_length=1, max_length=250)
    ten_xa_phuong: str = Field(min_length=1, max_length=250)
    ten_quan_huyen: str | None = Field(default=None, max_length=250)
    ten_tinh_thanh_pho: str = Field(min_length=1, max_length=250)
    so_hoc_ba: int = Field(default=0, ge=0)
    tai_khoan: AddedAccount | None = None


class AddedWithCertificates(AddedSchool):
    """A school whose certificates are approved at once."""

    chung_thu: tuple[Base64Bytes, ...] = Field(default=(), max_length=5)
    """DER, base64; each made out to the school."""


class AddedSchools(_Body):
    """Body of `POST {desk}/quan-tri/v1/truong-loat`."""

    truong: tuple[AddedWithCertificates, ...] = Field(min_length=1, max_length=MOST_SCHOOLS)


class PlannedFaults(_Body):
    """Body of `POST {desk}/quan-tri/v1/loi`; all zero takes the plan off."""

    slow_ms: int = Field(default=0, ge=0, le=60_000)
    unavailable_percent: float = Field(default=0.0, ge=0.0, le=100.0)
    seed: str = Field(default="", max_length=120)


def router(service: MinistryService, find_desk: FindDesk, *, prefixes: Sequence[str]) -> APIRouter:
    """Return the side doors; none opens without the installation's admin token."""
    # The guard must be given here: one added later holds for no route.
    guard = [Depends(require_admin)]
    routes = APIRouter(tags=["quan-tri"], include_in_schema=False, dependencies=guard)
    for prefix in prefixes:
        base = f"{prefix}/quan-tri/v1"
        _add_school_route(routes, service, find_desk, base)
        _add_inspection(routes, service, find_desk, base)
        _add_faults(routes, service, find_desk, base)
    return routes


def _add_school_route(
    routes: APIRouter, service: MinistryService, find_desk: FindDesk, base: str
) -> None:
    @routes.post(f"{base}/truong")
    async def add_school(request: Request, body: AddedSchool) -> dict[str, Any]:
        desk = await find_desk(request)
        fields = body.model_dump(exclude={"tai_khoan"})
        unit = RegisterUnit(**fields)
        await off_loop(service.add_school, space_of(request), desk.desk, unit, account=_seed(body))
        return {"desk": desk.desk, **unit.as_row()}

    @routes.post(f"{base}/truong-loat")
    async def add_schools(request: Request, body: AddedSchools) -> dict[str, Any]:
        desk = await find_desk(request)
        seeds = await off_loop(lambda: [_school(said) for said in body.truong])
        done = await off_loop(service.add_schools, space_of(request), desk.desk, seeds)
        return {"desk": desk.desk, **done}


def _school(body: AddedWithCertificates) -> SchoolSeed:
    """Return what is entered. Raises `HTTPException` 422 for a certificate that is no school's."""
    for der in body.chung_thu:
        try:
            holder = Certificate.from_der(der).uid
        except CertificateError as error:
            raise HTTPException(422, f"{body.ma_truong}: chung_thu: {error}") from error
        if holder != f"MDV:{body.ma_truong}":
            raise HTTPException(422, f"{body.ma_truong}: chung_thu: {holder}")
    unit = RegisterUnit(**body.model_dump(exclude={"tai_khoan", "chung_thu"}))
    return SchoolSeed(unit, _seed(body), tuple(body.chung_thu))


def _seed(body: AddedSchool) -> AccountSeed | None:
    said = body.tai_khoan
    if said is None:
        return None
    return AccountSeed(
        user_name=said.user_name,
        password=said.mat_khau,
        unit_code=body.ma_truong,
        kind="truong",
        profile=said.ho_so,
        allowed_ips=said.dia_chi_ip,
    )


def _add_inspection(
    routes: APIRouter, service: MinistryService, find_desk: FindDesk, base: str
) -> None:
    @routes.get(f"{base}/nhat-ky")
    async def journal(request: Request, sau: int = 0) -> dict[str, Any]:
        desk = await find_desk(request)
        lines = await off_loop(service.journal, space_of(request), desk.desk, after=sau)
        return {"DanhSach": [asdict(line) for line in lines]}

    @routes.get(f"{base}/hoc-ba/{{uuid}}")
    async def record(request: Request, uuid: str) -> dict[str, Any]:
        desk = await find_desk(request)
        found = await off_loop(service.record, space_of(request), desk.desk, uuid.lower())
        if found is None:
            raise HTTPException(404)
        row = asdict(found)
        row["xml"] = base64.b64encode(found.xml).decode()
        return row

    @routes.get(f"{base}/hang-doi")
    async def queue(request: Request) -> dict[str, Any]:
        desk = await find_desk(request)
        return asdict(await off_loop(service.queue, space_of(request), desk.desk))

    @routes.get(f"{base}/nhip")
    async def pace(
        request: Request, tu: float = 0.0, buoc: float = 1.0, tru: str = ""
    ) -> dict[str, Any]:
        desk = await find_desk(request)
        seen = await off_loop(
            service.pace,
            space_of(request),
            desk.desk,
            since=tu,
            step=max(0.05, buoc),
            without=tru,
        )
        return asdict(seen)


def _add_faults(
    routes: APIRouter, service: MinistryService, find_desk: FindDesk, base: str
) -> None:
    @routes.post(f"{base}/loi")
    async def plan(request: Request, body: PlannedFaults) -> dict[str, Any]:
        desk = await find_desk(request)
        said = body.model_dump()
        off = not (body.slow_ms or body.unavailable_percent)
        await off_loop(service.set_fault, space_of(request), desk.desk, None if off else said)
        return {"desk": desk.desk, "loi": None if off else said}
