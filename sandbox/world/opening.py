"""What a practice space holds when it is opened, as data for each system.

A plan is one of `PLANS`. Everything follows from the installation's seed and the space's own
seed, so that a space opened again after a reset is the same space.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.synthetic import Department, School, Staff, practice_department

PLANS = ("practice", "rehearsal", "empty")
"""practice: portal, signing and desks full; rehearsal: desks and keys, certificates not yet
registered; empty: desks with nothing approved and an empty portal."""

DEFAULT_SPACE = "tap"

INVENTED_UNITS = {"kho": "BO-GIA-LAP"}


@dataclass(frozen=True, slots=True)
class Account:
    """One account at a receiving desk, with its practice password in clear: it is handed out."""

    desk: str
    user_name: str
    password: str
    unit_code: str
    kind: str
    profile: str


def password_of(seed: str, space: str, user_name: str) -> str:
    """Return the practice password of *user_name*: the same after each reset."""
    digest = hashlib.sha256(f"password|{seed}|{space}|{user_name}".encode()).hexdigest()
    return f"GiaLap-{digest[:10]}"


def pin_of(seed: str, space: str, holder_id: str) -> str:
    """Return the six-digit practice PIN printed on the holder's card."""
    digest = hashlib.sha256(f"pin|{seed}|{space}|{holder_id}".encode()).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 900_000 + 100_000}"


def accounts_of(department: Department, *, seed: str, space: str) -> tuple[Account, ...]:
    """Return the accounts of topology A: schools and Sở at the Cổng, the Sở at the Kho."""
    cong = f"so-{department.code}"
    rows = [
        (cong, f"truong{school.code}", school.code, "truong", "truong")
        for school in department.schools
    ]
    rows += [
        (cong, f"so{department.code}", department.code, "so", "so"),
        ("kho", f"so{department.code}", department.code, "so", "so"),
    ]
    return tuple(
        Account(desk, user, password_of(seed, space, f"{desk}/{user}"), unit, kind, profile)
        for desk, user, unit, kind, profile in rows
    )


def people_of(department: Department) -> Iterator[tuple[Staff, School | None]]:
    """Yield everybody who holds a practice phone: school staff, then the Sở's officer."""
    for school in department.schools:
        for staff in school.staff:
            yield staff, school
    yield department.officer, None


def department_for(seed: str) -> Department:
    """Return the practice department drawn from *seed*."""
    return practice_department(seed)
