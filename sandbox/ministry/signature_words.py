"""A look at signatures in words: rows for the pages, the API and the command, in one place."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sandbox.clock import VIETNAM
from sandbox.domain.rejections import CATALOGUE, explain_all
from sandbox.ministry.signature_view import Look, RecordLook
from sandbox.pki.names import ISSUER_NAMES
from sandbox.xmldsig import moments
from sandbox.xmldsig.doctor_model import BY_CODE, Cause, SignatureExam, Strength

KIND = "chuyen_mon"
Say = Callable[..., str]
"""(key without `ministry.look.`, **values) → words of kind `chuyen_mon`."""
_AROUND = 24
"""Bytes shown before and after the first one that differs."""


def cause_rows(causes: Iterable[Cause], say: Say, *, language: str) -> list[dict[str, Any]]:
    """Return the causes in words, those of one kind in several places together, still ranked."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for cause in causes:
        what, mend = cause_words(cause, say, language=language)
        row = rows.setdefault(
            (cause.key, what),
            {
                "key": cause.key,
                "strength": int(cause.strength),
                "strength_words": say(f"strength.{int(cause.strength)}"),
                "code": cause.code,
                "what": what,
                "mend": mend,
                "proof": _proof(cause, say),
                "places": [],
                "difference": difference(cause),
                "cause": cause,
            },
        )
        place = place_words(cause.place, say)
        if place not in row["places"]:
            row["places"].append(place)
    return list(rows.values())


def cause_words(cause: Cause, say: Say, *, language: str) -> tuple[str, str]:
    """Return what happened and how to mend it."""
    if cause.key == BY_CODE:
        row = CATALOGUE[cause.facts["code"]]
        said = f"{row.code} {row.title[language]}. {row.cause[language]}"
        return said, row.remedy[language]
    return say(f"cause.{cause.key}", **cause.facts), say(f"mend.{cause.key}", **cause.facts)


def _proof(cause: Cause, say: Say) -> str:
    return say(f"proof.{cause.part}") if cause.strength is Strength.PROVED else ""


def difference(cause: Cause) -> dict[str, Any] | None:
    """Return where the bytes of a proved cause and the canonical ones part."""
    one, other = cause.form, cause.right
    if one is None or other is None:
        return None
    at = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    at = min(len(one), len(other)) if at is None else at
    return {"at": at, "was": _around(one, at), "right": _around(other, at)}


def _around(data: bytes, at: int) -> str:
    piece = data[max(0, at - _AROUND) : at + _AROUND]
    text = piece.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def place_words(place: str, say: Say) -> str:
    """Return the name of a place: a slot as it is written, the others in words."""
    return say(f"place.{place}") if place in ("package", "record", "document") else str(place)


def signature_rows(look: Look) -> list[SignatureExam]:
    """Return the signatures to show: the package's, then those of the record shown."""
    rows = []
    if look.examination is not None and look.examination.package is not None:
        rows.append(look.examination.package)
    if look.record is not None and look.record.exam is not None:
        rows += look.record.exam.signatures
    return rows


def signature_facts(exam: SignatureExam) -> dict[str, Any]:
    """Return one signature's facts, language-neutral."""
    certificate = exam.certificate
    return {
        "vi_tri": str(exam.place),
        "xpath": exam.xpath,
        "dong": exam.line,
        "id": exam.signature_id,
        "nguoi_ky": certificate.common_name if certificate else None,
        "uid": certificate.uid if certificate else None,
        "so_seri": certificate.serial_hex if certificate else None,
        "to_chuc_cap": issuer_name(exam),
        "ky_luc": exam.signing_time,
        "thuat_toan": exam.algorithm,
        "dat": exam.holds,
        "buoc": [
            {
                "ten": step.name,
                "ma": step.code,
                "dat": step.passed,
                "can": step.expected,
                "thay": step.computed,
            }
            for step in exam.steps
        ],
        "bam": [
            {
                "phan": digest.part,
                "uri": digest.uri,
                "trong_chu_ky": digest.expected,
                "tinh_lai": digest.computed,
                "trung": digest.equal,
            }
            for digest in exam.digests
        ],
        "gia_tri_dung": exam.value_holds,
    }


def issuer_name(exam: SignatureExam) -> str | None:
    """Return the issuer's name as people know it."""
    certificate = exam.certificate
    if certificate is None:
        return None
    return ISSUER_NAMES.get(certificate.issuer_code, certificate.issuer_name)


def as_json(look: Look, say: Say, *, language: str, with_bytes: bool = False) -> dict[str, Any]:
    """Return a look as JSON, for the API and `hocba doctor --json`."""

    def causes(found: Iterable[Cause]) -> list[dict[str, Any]]:
        return [_cause_json(row) for row in cause_rows(found, say, language=language)]

    def signature(exam: SignatureExam) -> dict[str, Any]:
        row = {**signature_facts(exam), "nguyen_nhan": causes(exam.causes)}
        if with_bytes:
            row["byte"] = {
                part: base64.b64encode(data).decode() for part, data in exam.canonical.items()
            }
        return row

    def record(found: RecordLook) -> dict[str, Any]:
        exams = found.exam.signatures if found.exam else ()
        return {
            "thu_tu": found.number,
            "ma_tra_cuu_uuid": found.identity.uuid,
            "ma": list(found.codes),
            "chi_tiet": list(explain_all(found.findings, language)),
            "chu_ky": [signature(exam) for exam in exams],
        }

    package = None if look.examination is None else look.examination.package
    return {
        "ket_luan": look.conclusion,
        "ma": list(look.codes),
        "loai": {"package": "goi", "record": "hoc_ba"}.get(look.kind, ""),
        "kiem_luc": moments.written(look.at),
        "nguyen_nhan": causes(look.causes),
        "goi": None if package is None else signature(package),
        "hoc_ba": [record(found) for found in look.records],
        "chi_tiet": list(explain_all(look.findings, language)),
        "chua_kiem": list(look.not_checked),
    }


def _cause_json(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "khoa": row["key"],
        "muc": row["strength"],
        "vi_tri": row["places"],
        "ma": row["code"],
        "chuyen_gi": row["what"],
        "cach_sua": row["mend"],
        "bang_chung": row["proof"],
        "khac_o": row["difference"],
    }


def moment_words(text: str) -> str | None:
    """Return a SigningTime as people read it: `08:00 ngày 28/05/2025` without the words."""
    moment = moments.read(text)
    return None if moment is None else f"{moment.astimezone(VIETNAM):%H:%M %d/%m/%Y}"


def day_words(moment: datetime) -> str:
    """Return a day as people read it."""
    return f"{moment.astimezone(VIETNAM):%d/%m/%Y}"
