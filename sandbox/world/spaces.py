"""Opening, resetting and deleting practice spaces across all systems of an installation."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from sandbox.errors import Misuse
from sandbox.ministry import AccountSeed, DeskSeed, RegisterUnit
from sandbox.signing import CredentialSeed, HolderSeed
from sandbox.synthetic import Department, School
from sandbox.web import PRACTICE_SPACE, Space
from sandbox.world import opening
from sandbox.world.opening import Account

if TYPE_CHECKING:
    from sandbox.world.build import World

PRACTICE_CODE = "2025"
"""Class code of the practice space; it may also be entered without."""

PRACTICE_TITLE = "Không gian tập chung"


def open_practice(world: World) -> Space:
    """Return the practice space `tap`, opened and filled at the first start only."""
    known = world.spaces.get(PRACTICE_SPACE)
    if known is not None and known.switches.get("ready"):
        return known
    return _open(
        world,
        PRACTICE_SPACE,
        code=PRACTICE_CODE,
        title=PRACTICE_TITLE,
        switches={"plan": "practice", "profile": "truong", "signing_lifetime": "none"},
        seed=world.settings.seed,
    )


def open_fresh(
    world: World, *, plan: str, title: str, seed: str | None = None, profile: str = "truong"
) -> Space:
    """Open a new space under a fresh id and class code, filled as *plan* says."""
    if plan not in opening.PLANS:
        raise Misuse(f"plan {plan!r}", remedy="one of: " + ", ".join(opening.PLANS))
    taken = {space.code for space in world.spaces.all()}
    code = next(c for c in iter(lambda: f"{secrets.randbelow(9000) + 1000}", "") if c not in taken)
    return _open(
        world,
        f"{plan[:4]}-{secrets.token_hex(4)}",
        code=code,
        title=title,
        switches={"plan": plan, "profile": profile},
        seed=seed or world.settings.seed,
    )


def reset(world: World, space_id: str) -> Space:
    """Put a space back to its first day: same id, code, seed and plan; its clock starts anew."""
    space = world.spaces.get(space_id)
    if space is None:
        raise Misuse(f"there is no space {space_id}", remedy="hocba reset tap")
    _forget_rows(world, space_id)
    world.spaces.delete(space_id)
    first_day = {key: value for key, value in space.switches.items() if key in _FIRST_DAY}
    return _open(
        world, space_id, code=space.code, title=space.title, switches=first_day, seed=space.seed
    )


_FIRST_DAY = ("plan", "profile", "signing_lifetime")


def delete(world: World, space_id: str) -> None:
    """Forget a space and all its rows."""
    _forget_rows(world, space_id)
    world.spaces.delete(space_id)


def _forget_rows(world: World, space_id: str) -> None:
    for service in (
        world.ministry,
        world.signing,
        world.responders,
        world.portal,
        world.classroom,
    ):
        service.reset_space(space_id)


def _open(
    world: World, space_id: str, *, code: str, title: str, switches: dict[str, Any], seed: str
) -> Space:
    space = world.spaces.open(space_id, code=code, title=title, seed=seed, switches=switches)
    department = opening.department_for(seed)
    accounts = opening.accounts_of(department, seed=world.settings.seed, space=space_id)
    pins = _give_phones(world, space, department)
    approved = _approved(world, space, department)
    _open_desks(world, space, department, accounts, approved)
    if switches["plan"] != "rehearsal":
        world.portal.open_space(space, department, accounts=accounts, pins=pins, approved=approved)
    # "ready" is written last: a start that was killed half-way fills the rest at the next one.
    return world.spaces.set_switches(space_id, ready=True)


def _give_phones(world: World, space: Space, department: Department) -> dict[str, str]:
    """Give everybody a phone and a certificate; the clerk's also holds the school's seal."""
    holders, pins = [], {}
    for staff, school in opening.people_of(department):
        pin = opening.pin_of(world.settings.seed, space.id, staff.personal_id)
        # Managers hold certificates of the government's authority (signing-practice §2).
        manager = school is not None and staff == school.leader
        credentials = [
            CredentialSeed(
                kind="person",
                subject_id=staff.personal_id,
                subject_name=staff.name,
                issuer="GIA_LAP_CO_YEU" if manager else "GIA_LAP_CA",
            )
        ]
        if school is not None and staff == school.clerk:
            credentials.append(_seal(school.code, school.name))
        if school is None:
            credentials.append(_seal(department.code, department.name, automatic=True))
        pins[staff.personal_id] = pin
        holders.append(
            HolderSeed(
                holder_id=staff.personal_id,
                name=staff.name,
                pin=pin,
                credentials=tuple(credentials),
            )
        )
    world.signing.open_space(space, holders)
    return pins


def _seal(unit_code: str, unit_name: str, *, automatic: bool = False) -> CredentialSeed:
    return CredentialSeed(
        kind="unit",
        subject_id=unit_code,
        subject_name=unit_name,
        issuer="GIA_LAP_CO_YEU",
        automatic=automatic,
    )


def unit_certificate(world: World, space: Space, holder_id: str) -> bytes:
    """Return the DER of the unit certificate *holder_id* keeps."""
    _, credentials = world.signing.issuing.holder(space, holder_id)
    return next(c.certificate for c in credentials if c.kind == "unit")


Approved = tuple[tuple[str, str, bytes], ...]
"""(desk, unit code, certificate DER) of what is approved from the first day."""


def _approved(world: World, space: Space, department: Department) -> Approved:
    """In a practice space the Sở's certificate and the first school's are approved already.

    The second school's is left unregistered, so that registering can be practised.
    """
    if space.switches["plan"] != "practice":
        return ()
    first = department.schools[0]
    rows = (
        (f"so-{department.code}", first.code, first.clerk.personal_id),
        ("kho", department.code, department.officer.personal_id),
    )
    return tuple((desk, unit, unit_certificate(world, space, who)) for desk, unit, who in rows)


def _open_desks(
    world: World,
    space: Space,
    department: Department,
    accounts: tuple[Account, ...],
    approved: Approved,
) -> None:
    units = tuple(_register_row(school, department) for school in department.schools)
    profile = str(space.switches.get("profile", "truong"))
    seeds = [
        DeskSeed(
            desk=desk,
            kind=kind,
            name=name,
            units=units,
            accounts=tuple(
                AccountSeed(
                    user_name=a.user_name,
                    password=a.password,
                    unit_code=a.unit_code,
                    kind=a.kind,
                    profile=profile if a.kind == "truong" else a.profile,
                )
                for a in accounts
                if a.desk == desk
            ),
            approved=tuple((unit, der) for at, unit, der in approved if at == desk),
        )
        for desk, kind, name in (
            (f"so-{department.code}", "so", department.name),
            ("kho", "kho", "Kho học bạ số (giả lập)"),
        )
    ]
    world.ministry.open_space(space, seeds)


def _register_row(school: School, department: Department) -> RegisterUnit:
    return RegisterUnit(
        ma_truong=school.code,
        ten_truong=school.name,
        ma_so_giao_duc=department.code,
        ten_so_gd=department.name,
        ten_xa_phuong=school.commune,
        ten_quan_huyen=school.district,
        ten_tinh_thanh_pho=school.province,
        so_hoc_ba=sum(len(group.pupils) for group in school.classes),
    )
