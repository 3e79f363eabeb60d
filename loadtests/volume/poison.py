"""Hostile packages mixed into a run, each made once and sent under ever new messageids.

They come from a school of the corpus itself, so that nothing but their content is wrong.
"""

from __future__ import annotations

import binascii
import csv
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from loadtests.volume.corpus import ACCOUNTS, Corpus
from loadtests.volume.plan import PoisonLine
from sandbox.corpora import Maker
from sandbox.corpora.ledger import LEDGER
from sandbox.corpora.writing import SchoolRow
from sandbox.documents import Limits, envelope
from sandbox.domain.identifiers import new_uuid
from sandbox.synthetic.layout import SCHOOLS
from sandbox.synthetic.plans import SchoolPlan
from sandbox.wire.ministry import wire_password
from sandbox.xmldsig import PackageStamp

MEBIBYTE = 1_048_576
STRIDE = 997
"""From one school to the next whose records a large package borrows."""
WRONG_PARTS = (
    "signature_over_the_whole_file",
    "signature_over_its_own_record",
    "signature_of_an_absent_record",
    "signed_data_hidden_in_the_signature",
)
"""Defects of which a package over wrong parts holds a mixture, one in every record."""


class Poisoner:
    """Makes hostile packages of one school of a corpus."""

    def __init__(self, corpus: Corpus, number: int) -> None:
        self._order = corpus.order
        self._maker = Maker(corpus.order)
        self._school: SchoolPlan = self._maker.nation.school(number)

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
        return envelope.pack(next(maker.packs(self._school.number)).xml)

    def at_the_limit(self) -> str:
        """As many records as a package may hold, each well signed, all of other schools."""
        return self._of(Limits().records)

    def above_the_limit(self) -> str:
        """One record more than a package may hold."""
        return self._of(Limits().records + 1)

    def _with(self, before: bytes, inserted: bytes) -> bytes:
        xml = next(self._maker.packs(self._school.number)).xml
        return xml.replace(before, inserted + before, 1)

    def _of(self, count: int) -> str:
        records = list(islice(self._records(), count))
        seal = self._maker.seal_of(self._school)
        first = next(self._maker.classes(self._school.number))
        at = self._maker.signed_class(*first).package_at
        stamp = PackageStamp(seal.certificate, seal.key, at=at)
        package_id = new_uuid(self._order.seed, "poison", str(count))
        return envelope.pack(stamp.seal(records, package_id=package_id))

    def _records(self) -> Iterator[bytes]:
        """Yield well signed records of schools all over the nation but this one."""
        nation = self._maker.nation
        for number in range(1, SCHOOLS):
            school = nation.school((self._school.number + number * STRIDE) % SCHOOLS + 1)
            for plan in school.classes:
                yield from self._maker.signed_class(school, plan).records


KINDS: tuple[Callable[[Poisoner], str], ...] = (
    Poisoner.huge_text,
    Poisoner.deep_nesting,
    Poisoner.at_the_limit,
    Poisoner.gzip_bomb,
    Poisoner.above_the_limit,
    Poisoner.wrong_parts,
)


def write_poison(corpus: Corpus, folder: Path) -> list[PoisonLine]:
    """Write each kind's content into *folder* and return how to send it."""
    with (
        (corpus.folder / LEDGER).open(encoding="utf-8") as ledger,
        (corpus.folder / ACCOUNTS).open(encoding="utf-8", newline="") as accounts,
    ):
        row = SchoolRow.of_line(next(ledger))
        account = next(csv.DictReader(accounts))
    poisoner = Poisoner(corpus, row.number)
    lines = []
    for make in KINDS:
        file = folder / f"{make.__name__}.content"
        file.write_text(make(poisoner), encoding="ascii")
        lines.append(
            PoisonLine(
                kind=make.__name__,
                unit=row.code,
                user_name=account["user_name"],
                password=wire_password(account["mat_khau"]),
                file=str(file),
            )
        )
    return lines
