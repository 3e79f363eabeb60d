"""What checking is told about the world; a None is a check that cannot be made here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sandbox.domain.rejections import CATALOGUE
from sandbox.ministry.exercise import Exercise
from sandbox.ministry.model import RegisterUnit
from sandbox.pki import Certificate, RevocationList, Trust


@dataclass(frozen=True, slots=True)
class Sender:
    """The account that sent the package and what it said of it."""

    unit_code: str
    kind: str
    """`truong` or `so`."""
    nam_hoc: int | None = None
    """First calendar year of the school year, as in the request."""


class Approvals(Protocol):
    """The certificates a desk has approved (transactions §6)."""

    def may_send(self, unit_code: str, certificate: Certificate) -> bool:
        """Tell whether *certificate* is the unit's approved one now."""

    def may_seal(self, school_code: str, certificate: Certificate) -> bool:
        """Tell whether *certificate* is, or was before it was replaced, approved for the school."""

    def replaced_at(self, school_code: str, certificate: Certificate) -> datetime | None:
        """Return when a once approved certificate was replaced."""


class Register(Protocol):
    """The schools a desk knows."""

    def __call__(self, codes: frozenset[str]) -> Mapping[str, RegisterUnit]:
        """Return the register's rows for those of *codes* that are in it."""


Revocations = Callable[[str], RevocationList]
"""Issuer name → its revocation list, at most 60 s old; raises `Unavailable` when it is away."""


def _still() -> float:
    return 0.0


def _calm() -> None:
    """Do nothing: a caller without a claim to renew."""


@dataclass(slots=True, kw_only=True)
class Context:
    """Everything one package is checked against. *at* is the space clock."""

    at: datetime
    exercise: Exercise
    trust: Trust | None
    revocations: Revocations | None = None
    approvals: Approvals | None = None
    sender: Sender | None = None
    register: Register | None = None
    ticks: Callable[[], float] = _still
    """Monotonic seconds, for the timings of the steps."""
    between_records: Callable[[], None] = _calm
    """Called before each record: the worker renews its claim here."""
    timings: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    skipped: set[str] = field(default_factory=set)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add the time spent inside to *step*."""
        begun = self.ticks()
        try:
            yield
        finally:
            self.timings[step] = self.timings.get(step, 0.0) + self.ticks() - begun

    def skip(self, *codes: str) -> None:
        """Note that *codes* could not be looked for."""
        self.skipped.update(codes)

    @property
    def not_checked(self) -> tuple[str, ...]:
        """Codes that were not looked for, in catalogue order."""
        return tuple(code for code in CATALOGUE if code in self.skipped)
