"""Practice accounts of the CSC API: one client for each space, two engineers, everybody's password.

All secrets follow from the installation's seed and the space: they are printed where programs are
tested, and nowhere stored.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.signing import csc_store
from sandbox.signing.issuing import Issuing
from sandbox.signing.model import CredentialSeed, HolderSeed
from sandbox.signing.office import Office
from sandbox.web import Space

_SHOWN = 20
"""Accounts printed on the engineer's page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The practice client of a space."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who may log in. The PIN of an engineer is printed; a teacher's is on the card."""

    holder: str
    name: str
    password: str = field(repr=False)
    pin: str | None = field(default=None, repr=False)


class Practice:
    """Finds practice accounts and their secrets."""

    def __init__(self, office: Office, issuing: Issuing) -> None:
        self._office, self._issuing = office, issuing

    def prepare(self, space: Space) -> None:
        """Give the engineers their phones and certificates if they have none yet."""
        self._issuing.add(space, [self._seed(space, one) for one in _engineers()])

    def client(self, space: Space) -> Client:
        """Return the practice client of *space*."""
        return Client(
            id=f"phan-mem-{space.id}"[:64],
            secret=self._office.keys.secret(f"csc-client/{space.id}", 24).hex(),
        )

    def password(self, space: Space, holder_id: str) -> str:
        """Return the practice password of a holder."""
        return "Tap-" + self._office.keys.secret(f"csc-password/{space.id}/{holder_id}", 6).hex()

    def accounts(self, space: Space) -> list[Account]:
        """Return the engineers, then others of the space, at most 20 in all."""
        with self._office.database.read() as connection:
            known = csc_store.every_holder(connection, space.id, limit=_SHOWN)
        engineers = {one["holder"]: one["name"] for one in _engineers()}
        rows = [*engineers.items(), *((who, name) for who, name in known if who not in engineers)]
        return [
            Account(
                holder=who,
                name=name,
                password=self.password(space, who),
                pin=self._pin(space, who) if who in engineers else None,
            )
            for who, name in rows[:_SHOWN]
        ]

    def is_engineer(self, holder_id: str) -> bool:
        """Tell whether somebody is one of the invented engineers."""
        return any(one["holder"] == holder_id for one in _engineers())

    def _pin(self, space: Space, holder_id: str) -> str:
        number = int.from_bytes(self._office.keys.secret(f"csc-pin/{space.id}/{holder_id}", 8))
        return f"{number % 900_000 + 100_000}"

    def _seed(self, space: Space, engineer: dict[str, Any]) -> HolderSeed:
        own = {"subject_id": engineer["holder"], "subject_name": engineer["name"]}
        return HolderSeed(
            holder_id=engineer["holder"],
            name=engineer["name"],
            pin=self._pin(space, engineer["holder"]),
            credentials=tuple(
                CredentialSeed(**{**own, **credential}) for credential in engineer["credentials"]
            ),
        )


@cache
def _engineers() -> tuple[dict[str, Any], ...]:
    with (Path(__file__).parent / "csc_practice.toml").open("rb") as file:
        return tuple(tomllib.load(file)["engineer"])
