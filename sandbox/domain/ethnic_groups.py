"""The 54 ethnic groups in the order of QCVN 109:2017/BTTTT annex E; DAN_TOC holds the name."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sandbox.domain import tables


@dataclass(frozen=True, slots=True)
class EthnicGroup:
    """One group; the share is that of the 2019 census, in percent."""

    code: str
    name: str
    share_percent: Decimal


ETHNIC_GROUPS: tuple[EthnicGroup, ...] = tuple(
    EthnicGroup(row["code"], row["name"], Decimal(row["share_percent"]))
    for row in tables.rows("ethnic_groups.csv")
)

ETHNIC_GROUP_NAMES: frozenset[str] = frozenset(group.name for group in ETHNIC_GROUPS)
