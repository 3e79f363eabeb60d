"""What the signature doctor is asked and answers over HTTP (invented, **I**)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from sandbox.wire.ministry import Detail, Reply, Request


class ExamineRequest(Request):
    """Body of an examination; XML alone is taken as well."""

    content: str | None = None
    """As in service 3.6: base64 of length and gzip."""
    xml: str | None = None
    """The document itself, where there is no content."""
    byte: bool = False
    """Whether the canonical bytes come along, in base64."""


class Difference(Reply):
    """Where the bytes that were hashed and the canonical ones part."""

    at: int
    was: str
    right: str


class ProbableCause(Reply):
    """One cause, ranked by its place in the list."""

    khoa: str
    """Stable key, such as `reindented`."""
    muc: int
    """3 proved by a trial, 2 read in the file, 1 possible."""
    vi_tri: tuple[str, ...]
    ma: str
    chuyen_gi: str
    cach_sua: str
    bang_chung: str = ""
    khac_o: Difference | None = None


class ExaminedSignature(Reply):
    """One signature, step by step."""

    vi_tri: str
    xpath: str
    id: str
    nguoi_ky: str | None
    so_seri: str | None
    ky_luc: str
    thuat_toan: str
    dat: bool
    buoc: tuple[dict[str, Any], ...]
    bam: tuple[dict[str, Any], ...]
    gia_tri_dung: bool
    nguyen_nhan: tuple[ProbableCause, ...]
    byte: dict[str, str] | None = None


class ExaminedRecord(Reply):
    """One record of the document."""

    thu_tu: int
    ma_tra_cuu_uuid: str | None
    ma: tuple[str, ...]
    chi_tiet: tuple[Detail, ...] = ()
    chu_ky: tuple[ExaminedSignature, ...]


class ExamineReply(Reply):
    """Answer of an examination. `Error` is about the request; the verdict is `ket_luan`, `ma`."""

    error: str = Field(alias="Error")
    error_description: str = Field(default="", alias="ErrorDescription")
    ket_luan: str = ""
    """`co_gia_tri`, `chua_luu`, `khac_ban_luu`, `het_gia_tri`, `khong_dung`, `goi_khong_dung`."""
    ma: tuple[str, ...] = ()
    """What the desk's checking answers; empty when every signature holds."""
    loai: str = ""
    kiem_luc: str = ""
    nguyen_nhan: tuple[ProbableCause, ...] = ()
    goi: ExaminedSignature | None = None
    hoc_ba: tuple[ExaminedRecord, ...] = ()
    chi_tiet: tuple[Detail, ...] = ()
    chua_kiem: tuple[str, ...] = ()
