"""Hostile packages mixed into a run, each made once and sent under ever new messageids.

They come from a school of the nation that the corpus does not hold, entered at the desk for this
run, so that nothing but their content is wrong.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from loadtests.volume.corpus import Corpus
from loadtests.volume.plan import PoisonLine
from sandbox.corpora import Maker
from sandbox.documents import Limits, envelope
from sandbox.domain.identifiers import new_uuid
from sandbox.errors import Misuse
from sandbox.synthetic.plans import SchoolPlan
from sandbox.wire.admin import NewAccount, NewSchool
from sandbox.wire.ministry import wire_password
from sandbox.xmldsig import PackageStamp

MEBIBYTE = 1_048_576
SCHOOL = 11_185
"""The one school of the nation with more records than a package may hold."""
ACCOUNT, PASSWORD = "poison", "GiaLap-poison"
WRONG_PARTS = (
    "signature_over_the_whole_file",
    "signature_over_its_own_record",
    "signature_of_an_absent_record",
    "signed_data_hidden_in_the_signature",
)
"""Defects of which a package over wrong parts holds a mixture, one in every record."""


class Poisoner:
    """Makes the hostile packages of one large school of a corpus's nation."""

    def __init__(self, corpus: Corpus) -> None:
        self._order = corpus.order
        self._maker = Maker(corpus.order)
        self.school: SchoolPlan = self._maker.nation.school(SCHOOL)

    def as_new_school(self) -> NewSchool:
        """Return the school as a desk is told about it, with its account and seal."""
        place, seal = self.school.place, self._maker.seal_of(self.school)
        return NewSchool(
            ma_truong=self.school.code,
            ten_truong=self.school.name,
            ma_so_giao_duc=self.school.department_code,
            ten_so_gd=self.school.department_name,
            ten_xa_phuong=place.commune,
            ten_quan_huyen=place.district,
            ten_tinh_thanh_pho=place.province.name,
            so_hoc_ba=self.school.records,
            tai_khoan=NewAccount(user_name=ACCOUNT, mat_khau=PASSWORD, ho_so="so"),
            chung_thu=[base64.b64encode(seal.certificate.der).decode()],
        )

    def huge_text(self) -> str:
        """A class name of 12 MiB, longer than the parser takes a text."""
        return envelope.pack(self._with(b"</TEN_LOP>", b"a" * 12 * MEBIBYTE))

    def deep_nesting(self) -> str:
        """A million elements inside each other."""
        return envelope.pack(self._with(b"</TEN_LOP>", b"<a>" * 1_000_000))

    def gzip_bomb(self) -> str:
        """A small length in front of a block that inflates to 300 MiB."""
        member = zlib.compressobj(1, wbits=31)
        piece = b" " * MEBIBYTE
        packed = b"".join(member.compress(piece) for _ in range(300)) + member.flush()
        raw = struct.pack("<i", 500_000) + packed
        return binascii.b2a_base64(raw, newline=False).decode("ascii")

    def wrong_parts(self) -> str:
        """A package whose records carry signatures over something else than themselves."""
        each = 1_000_000 // len(WRONG_PARTS)
        maker = Maker(replace(self._order, dirty=tuple((name, each) for name in WRONG_PARTS)))
        return envelope.pack(next(maker.packs(SCHOOL)).xml)

    def at_the_limit(self) -> str:
        """As many records as a package may hold, all of them good."""
        return self._of(Limits().records)

    def above_the_limit(self) -> str:
        """One record more than a package may hold."""
        return self._of(Limits().records + 1)

    def _with(self, before: bytes, inserted: bytes) -> bytes:
        xml = next(self._maker.packs(SCHOOL)).xml
        return xml.replace(before, inserted + before, 1)

    def _of(self, count: int) -> str:
        signed = [self._maker.signed_class(self.school, plan) for plan in self.school.classes]
        records = [record for part in signed for record in part.records][:count]
        seal = self._maker.seal_of(self.school)
        stamp = PackageStamp(seal.certificate, seal.key, at=max(s.package_at for s in signed))
        package_id = new_uuid(self._order.seed, "poison", str(count))
        return envelope.pack(stamp.seal(records, package_id=package_id))


KINDS: tuple[Callable[[Poisoner], str], ...] = (
    Poisoner.huge_text,
    Poisoner.deep_nesting,
    Poisoner.at_the_limit,
    Poisoner.gzip_bomb,
    Poisoner.above_the_limit,
    Poisoner.wrong_parts,
)


@dataclass(frozen=True, slots=True)
class Poison:
    """What a run mixes in, and the school that must be entered at the desk for it."""

    school: NewSchool
    lines: list[PoisonLine]


def make_poison(corpus: Corpus, folder: Path) -> Poison:
    """Write each kind's content into *folder* and return how to send it.

    Raises `Misuse` when the corpus itself holds the school.
    """
    poisoner = Poisoner(corpus)
    if corpus.holds(poisoner.school.code):
        raise Misuse(
            f"{poisoner.school.code}: in the corpus", remedy="a smaller corpus, no --poison"
        )
    lines = []
    for make in KINDS:
        file = folder / f"{make.__name__}.content"
        file.write_text(make(poisoner), encoding="ascii")
        line = PoisonLine(
            kind=make.__name__,
            unit=poisoner.school.code,
            user_name=ACCOUNT,
            password=wire_password(PASSWORD),
            file=str(file),
        )
        lines.append(line)
    return Poison(poisoner.as_new_school(), lines)
