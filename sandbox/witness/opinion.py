"""What a witness says of a record."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """Whether all signatures of a record hold, as far as the library can tell."""

    VALID = "hop_le"
    INVALID = "khong_hop_le"
    UNKNOWN = "khong_biet"


class Reason(StrEnum):
    """Why not."""

    UNREADABLE = "khong_doc_duoc"
    STRUCTURE = "cau_truc"
    MISSING = "thieu_chu_ky"
    TIME = "thoi_diem"
    CERTIFICATE = "chung_thu"
    VALIDITY = "thoi_han"
    KEY_USAGE = "muc_dich_khoa"
    METHOD = "thuat_toan"
    VALUE = "gia_tri_ky"
    DIGEST = "tom_luoc"
    TARGET = "vung_ky"
    EMPTY_XMLNS = "xmlns_trong"
    """signxml takes every ` xmlns=""` out of what it hashes, a remark's own text included."""
    STUMBLED = "thu_vien_vap"
    """The library raised something that is no verdict."""


CANNOT_TELL = frozenset({Reason.EMPTY_XMLNS, Reason.STUMBLED})
"""Reasons of `Standing.UNKNOWN`; every other one means invalid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """One look at one record."""

    standing: Standing
    reason: Reason | None = None
    """None only when valid: the first thing that does not hold."""
    slot: str = ""
    """`GVCN`, `CBQL` or `KY_PHAT_HANH`; empty when it concerns the whole record."""
    detail: str = ""
    """The library's own words, at most 300 characters."""
    uuid: str = ""
    """MA_TRA_CUU_UUID of the signed data, as written; empty unless valid."""
    signers: tuple[str, ...] = ()
    """SHA-256 of each signer's certificate, hex; only those that could be read."""


class Doubt(Exception):
    """A signature does not hold; becomes an `Opinion`."""

    def __init__(self, reason: Reason, *, detail: object = "", slot: str = "") -> None:
        super().__init__(str(detail))
        self.reason, self.slot, self.detail = reason, slot, str(detail)[:300]
