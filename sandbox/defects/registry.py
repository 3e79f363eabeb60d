"""The list of defects: each a function, registered under its own name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from sandbox.domain.rejections import CATALOGUE, Stage

if TYPE_CHECKING:
    from sandbox.defects.delivery import Delivery
    from sandbox.defects.kit import Kit

_FAMILIES: Final = (
    "requests",
    "envelopes",
    "xml",
    "packages",
    "structure",
    "values",
    "contradictions",
    "slots",
    "references",
    "wrapping",
    "certificates",
    "signers",
    "rules",
    "registers",
)
_found: dict[str, Defect] = {}


class Need(StrEnum):
    """Kinds of setting-up a defect needs in a space; the details stand in `Delivery.needs`."""

    CERTIFICATE_EVENT = "certificate event"
    EARLIER_PACKAGE = "earlier package"
    CLOCK = "clock"
    SAME_MESSAGEID = "same messageid"
    ADDRESS_LIST = "address list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """One thing wrong, with the answer it must get."""

    name: str
    description: str
    """The function's docstring: what is wrong, for whoever reads a report."""
    provokes: str
    """The code that must answer; for a warning the record is accepted and carries it."""
    within: str | None
    """The deeper code behind SBX-1110 or SBX-1111."""
    place: str | None
    """XPath in the decoded XML, or JSON pointer into the request; None where there is none."""
    needs: frozenset[Need]
    number: int
    build: Callable[[Kit], Delivery] = field(repr=False)

    @property
    def stage(self) -> Stage:
        """The stage that must refuse."""
        return CATALOGUE[self.provokes].stage

    @property
    def is_warning(self) -> bool:
        """Whether the record is accepted all the same."""
        return CATALOGUE[self.provokes].is_warning

    def make(self, kit: Kit) -> Delivery:
        """Return the faulty delivery; the same kit gives the same bytes.

        Each defect has pupils of its own, so that any number of them can be sent to one space.
        """
        return self.build(kit.with_pupils(self.number))


def defect(
    *,
    provokes: str,
    at: str | None = None,
    within: str | None = None,
    needs: tuple[Need, ...] = (),
) -> Callable[[Callable[[Kit], Delivery]], Callable[[Kit], Delivery]]:
    """Register the decorated function as a defect that provokes a code at a place."""

    def register(build: Callable[[Kit], Delivery]) -> Callable[[Kit], Delivery]:
        name = build.__name__
        if name in _found:
            raise ValueError(f"two defects called {name}")
        _found[name] = Defect(
            name=name,
            description=inspect.cleandoc(build.__doc__ or ""),
            provokes=provokes,
            within=within,
            place=at,
            needs=frozenset(needs),
            number=len(_found),
            build=build,
        )
        return build

    return register


def _load() -> Mapping[str, Defect]:
    for family in _FAMILIES:
        import_module(f"sandbox.defects.{family}")
    return MappingProxyType(_found)


DEFECTS: Final[Mapping[str, Defect]] = _load()
"""All defects by name, in the order of the stages."""
