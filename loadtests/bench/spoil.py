"""Packages that are wrong in one place each: a path that lets one through is not worth timing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, Protocol

from loadtests.bench.sample import (
    Class,
    Package,
    Sample,
    revocation_lists,
    sealed,
)
from sandbox.corpora import Credential
from sandbox.documents import parse_record, read_report_card
from sandbox.domain.report_card import Slot
from sandbox.pki import PersonSubject, Profile, TrainingAuthority
from sandbox.xmldsig import RecordStamp, stamp_record

FEW: Final = 6
"""Records of a trial's package."""
PLACE: Final = 3
"""Which of them is spoiled."""


class Path(Protocol):
    """A check path: ours, or one with a library in it."""

    name: str

    def accepted(self, package: Package) -> int:
        """Return how many records of *package* count."""


class NoVerifierError(AssertionError):
    """A path refused what is good, or let through what is bad."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One package and how many of its records must count."""

    name: str
    package: Package = field(repr=False)
    accepted: int


def require(path: Path, trials: list[Trial]) -> None:
    """Raise `NoVerifierError` unless *path* judges each of *trials* as it must."""
    for trial in trials:
        found = path.accepted(trial.package)
        if found != trial.accepted:
            raise NoVerifierError(
                f"{path.name}, {trial.name}: {found} accepted, not {trial.accepted}"
            )


def trials(sample: Sample, one: Class) -> tuple[Sample, list[Trial]]:
    """Return the trials on class *one*, and *sample* with what they need to be known.

    Only the spoiled record may be refused; where the package's own signature is spoiled, all.
    """
    signed = one.maker.signed_class(one.school, one.plan)
    records = list(signed.records[:FEW])
    revoked, revoked_signer = _signed_by(
        one, _another_certificate(one, one.maker.signers.authority)
    )
    stranger = TrainingAuthority.from_seed("bench stranger")
    foreign, _ = _signed_by(one, _another_certificate(one, stranger))

    def packed(record: bytes) -> Package:
        spoiled = [*records[:PLACE], record, *records[PLACE + 1 :]]
        xml = sealed(one.maker, one.school, spoiled, at=signed.package_at)
        return Package.of(one.school.code, xml, records=FEW)

    good = packed(records[PLACE])
    found = [Trial("good", good, FEW)]
    spoiled = [*_spoiled(records[PLACE]), ("revoked signer", revoked), ("stranger's CA", foreign)]
    found += [Trial(name, packed(record), FEW - 1) for name, record in spoiled]
    found += [
        Trial(f"package: {name}", Package.of(one.school.code, xml, records=FEW), 0)
        for name, xml in _spoiled_packages(good.xml)
    ]
    serial = revoked_signer.certificate.serial
    known = replace(sample, lists=revocation_lists(one.maker.signers.authority, serial))
    return known, found


def _spoiled(record: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield *record* with one change each that no schema sees."""
    yield "data", _changed(record, rb"<QUE_QUAN>[^<]*?([a-z])", _other_letter)
    for slot in Slot:
        start = record.index(f"<{slot}>".encode())
        end = record.index(f"</{slot}>".encode())
        block = record[start:end]
        value = _changed(block, rb"<SignatureValue>.{20}(.)", _other_letter)
        yield f"{slot} signature value", record[:start] + value + record[end:]
        # both places say the same time afterwards: only the second digest can tell
        time = re.search(rb"<NGAY_KY>([^<]+)", block)
        assert time is not None
        moved = time.group(1)[:-7] + b"1" + time.group(1)[-6:]
        yield (
            f"{slot} properties",
            record[:start] + block.replace(time.group(1), moved) + record[end:],
        )


def _spoiled_packages(xml: bytes) -> Iterator[tuple[str, bytes]]:
    own = xml.rindex(b"<Signature ")
    records, signature = xml[:own], xml[own:]
    yield "data", _changed(records, rb"<QUE_QUAN>[^<]*?([a-z])", _other_letter) + signature
    yield (
        "signature value",
        records + _changed(signature, rb"<SignatureValue>.{20}(.)", _other_letter),
    )
    time = re.search(rb"<SigningTime>[^<]+:0(0)\+", signature)
    assert time is not None
    at = time.start(1)
    yield "properties", records + signature[:at] + b"1" + signature[at + 1 :]


def _changed(text: bytes, pattern: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Return *text* with the one byte of the first match's group changed."""
    found = re.search(pattern, text, re.DOTALL)
    assert found is not None, pattern
    return text[: found.start(1)] + change(found.group(1)) + text[found.end(1) :]


def _other_letter(letter: bytes) -> bytes:
    return b"b" if letter == b"a" else b"a"


def _another_certificate(one: Class, authority: TrainingAuthority) -> Credential:
    """Return another certificate of the class's teacher with the same key, from *authority*."""
    teacher = one.maker.nation.teacher(one.school.number, one.plan.index)
    own = one.maker.signers.teacher(teacher.name, teacher.personal_id, school=one.school.code)
    certificate = authority.issue_as(
        Profile.TEACHER,
        subject=PersonSubject(teacher.name, teacher.personal_id),
        public_key=own.key.public_key,
        serial_label="bench another",
    )
    return Credential(certificate, own.key)


def _signed_by(one: Class, teacher: Credential) -> tuple[bytes, Credential]:
    """Return the spoiled place's record with *teacher* in the class teacher's slot."""
    unsigned = one.maker.nation.class_records(one.school.number, one.plan.index)[PLACE]
    general = read_report_card(parse_record(unsigned)).general
    leader = one.maker.signers.leader(
        general.leader_name, general.leader_id, school=one.school.code
    )
    signers = {
        Slot.GVCN: teacher,
        Slot.CBQL: leader,
        Slot.KY_PHAT_HANH: one.maker.seal_of(one.school),
    }
    issued = one.maker.signed_class(one.school, one.plan).package_at - timedelta(minutes=15)
    stamps = [
        RecordStamp(slot, signer.certificate, signer.key, at=issued)
        for slot, signer in signers.items()
    ]
    return stamp_record(unsigned, stamps), teacher
