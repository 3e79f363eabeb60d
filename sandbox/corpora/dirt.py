"""Dirty data: defects mixed into a corpus at chosen rates, and the truth about every one.

Which records are spoiled, and how, follows from seed and record id: the same records are dirty
alone, in their school and in the whole. The faults are those of `sandbox.defects`, made on the
nation's own pupil with the nation's own signers. Left out are faults that need a second package,
an event or the neighbour of one certain record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sandbox.corpora.signers import Credential
from sandbox.defects import DEFECTS, Defect, Kit, Signer
from sandbox.defects.kit import GRADE, Times
from sandbox.defects.xpaths import RECORD
from sandbox.domain.identifiers import new_uuid
from sandbox.domain.rejections import Stage
from sandbox.domain.report_card import ReportCard, Slot
from sandbox.pki import TrainingAuthority
from sandbox.synthetic.chance import path_key, rolled
from sandbox.synthetic.nation import Nation
from sandbox.synthetic.plans import ClassPlan, SchoolPlan

ANY: Final = "*"
"""The label of all defects together."""
MILLION: Final = 1_000_000
_SENT_AFTER: Final = timedelta(minutes=30)
"""From the seal to the moment the package is sent."""
_STAGES: Final = (Stage.SCHEMA, Stage.SIGNATURE, Stage.RULES, Stage.REGISTER)
_PACKAGE_SIGNATURE: Final = b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#" Id="sig-goi-'


@dataclass(frozen=True, slots=True)
class Fault:
    """One spoiled record: the truth a checker is held against."""

    place: int
    """In its package, from 1."""
    uuid: str
    """The pupil's record id in the nation; a fault may have altered what the record says."""
    defect: str
    code: str
    """What must answer for the record; a warning leaves it accepted."""
    xpath: str | None
    """Where, in the package."""

    def moved(self, by: int) -> Fault:
        """Return the same fault *by* places further on."""
        xpath = self.xpath and self.xpath.replace(
            f"/HOC_BA[{self.place}]", f"/HOC_BA[{self.place + by}]", 1
        )
        return replace(self, place=self.place + by, xpath=xpath)


class NationKit(Kit):
    """A kit whose faulty record is a pupil of the nation, signed by the nation's signers."""

    def __init__(
        self,
        authority: TrainingAuthority,
        *,
        seed: str,
        cards: tuple[ReportCard, ReportCard],
        neighbour: bytes,
        slots: Mapping[Slot, Credential],
        times: Times,
        now: datetime,
    ) -> None:
        """*cards*: a neighbour's and the pupil's; *neighbour*: the first one's signed record."""
        self.authority = authority
        self.seed = seed
        self.now = now
        self.times = times
        self.school_code = cards[1].general.school_code
        self._cards = cards
        self._neighbour = neighbour
        self._slots = {slot: Signer(c.certificate, c.key) for slot, c in slots.items()}
        self.seal = self._slots[Slot.KY_PHAT_HANH]
        self.teacher = self._slots[Slot.GVCN]
        self.leader = self._slots[Slot.CBQL]

    def with_pupils(self, number: int) -> Kit:
        """Return this kit: it has one pupil."""
        return self

    def card(self, place: int, **general: Any) -> ReportCard:
        """Return the neighbour's card (0) or the pupil's (1), fields changed."""
        card = self._cards[1 if place else 0]
        return replace(card, general=replace(card.general, **general))

    def new_id(self, label: str) -> str:
        """Return a UUID that the pupil's record and *label* decide."""
        return new_uuid(self.seed, "dirt", self._cards[1].record_id, label)

    def named_in(self, record: bytes, slot: Slot) -> Signer:
        """Return the nation's signer, or whoever a spoiled *record* names instead."""
        if slot is Slot.KY_PHAT_HANH:
            return self.seal
        general = self._cards[1].general
        mine = {Slot.GVCN: general.teacher_id, Slot.CBQL: general.leader_id}[slot] or ""
        if f">{mine}<".encode() in record:
            return self._slots[slot]
        return super().named_in(record, slot)

    def neighbour(self) -> bytes:
        """Return the neighbour's signed record."""
        return self._neighbour


class Dirt:
    """Spoils the records of classes at the rates of one order."""

    def __init__(self, seed: str, rates: tuple[tuple[str, int], ...]) -> None:
        """*rates*: label and records per million. Raises `ValueError` for an unknown label."""
        self._seed = seed
        self._rates = [(mixable(label), rate) for label, rate in rates]
        if sum(rate for _, rate in rates) > MILLION:
            raise ValueError("the rates of dirty records exceed the whole")
        self._dice = path_key(seed, "corpora", "dirt")

    def chosen(self, record_id: str, *, grade: int, rsa: bool, school_year: str) -> Defect | None:
        """Return what is wrong with the record *record_id*; mostly nothing."""
        dice = rolled(self._dice, int(record_id[-12:], 16))
        chance = int.from_bytes(dice[:8], "big") * MILLION >> 64
        for defects, rate in self._rates:
            if chance < rate:
                fit = [
                    defect
                    for defect in defects
                    if fits(defect, grade=grade, rsa=rsa, school_year=school_year)
                ]
                return fit[int.from_bytes(dice[8:16], "big") * len(fit) >> 64] if fit else None
            chance -= rate
        return None

    def spoil(
        self,
        records: list[bytes],
        *,
        nation: Nation,
        school: SchoolPlan,
        plan: ClassPlan,
        slots: Mapping[Slot, Credential],
        at: Mapping[Slot, datetime],
        authority: TrainingAuthority,
    ) -> tuple[Fault, ...]:
        """Replace chosen ones of a class's signed *records* by faulty ones; return which."""
        if not self._rates:
            return ()
        cards = nation.school_class(school.number, plan.index).cards
        good = tuple(records)
        issue = at[Slot.KY_PHAT_HANH]
        rsa = slots[Slot.KY_PHAT_HANH].certificate.public_key.is_rsa
        times = Times(teacher=at[Slot.GVCN], leader=at[Slot.CBQL], issue=issue, package=issue)
        faults = []
        for place, card in enumerate(cards):
            defect = self.chosen(
                card.record_id, grade=plan.grade, rsa=rsa, school_year=school.school_year
            )
            if defect is None:
                continue
            other = place - 1 if place else len(cards) - 1
            kit = NationKit(
                authority,
                seed=self._seed,
                cards=(cards[other], card),
                neighbour=good[other],
                slots=slots,
                times=times,
                now=issue + _SENT_AFTER,
            )
            records[place] = faulty_record(defect, kit)
            faults.append(
                Fault(
                    place=place + 1,
                    uuid=card.record_id,
                    defect=defect.name,
                    code=defect.provokes,
                    xpath=_place_of(defect, card, place + 1),
                )
            )
        return tuple(faults)


_OTHER_RECORDS: Final = frozenset(
    {
        "pupil_code_changed_within_the_package",
        "signature_of_the_neighbour",
        "signed_record_hidden_in_the_package",
    }
)
"""Faults that lie between two records of one package."""


def _is_mixable(defect: Defect) -> bool:
    alone = defect.place is not None and not defect.place.startswith(RECORD)
    return (
        defect.stage in _STAGES
        and not defect.needs
        and not alone
        and defect.name not in _OTHER_RECORDS
    )


MIXABLE: Final = {name: defect for name, defect in DEFECTS.items() if _is_mixable(defect)}
"""The defects that can be mixed in, by name."""


def mixable(label: str) -> tuple[Defect, ...]:
    """Return the defects of *label*: a name, a rejection code or `*` for all.

    Raises `ValueError` when nothing of that label can be mixed into a corpus.
    """
    found = tuple(d for d in MIXABLE.values() if label in (ANY, d.name, d.provokes))
    if not found:
        raise ValueError(f"no defect {label!r} can be mixed in")
    return found


_ONLY_IN_ITS_GRADE: Final = frozenset(
    {"tags_out_of_order", "year_missing_from_the_history", "history_ends_in_another_class"}
)
"""Beside the rules, which are written for one grade's subjects and texts."""
_ONLY_WITH_P256: Final = frozenset({"signed_with_sha_1", "signed_with_hmac"})
"""They put another algorithm in the place of ECDSA's name."""
_YEARS: Final[Mapping[str, Callable[[int], bool]]] = {
    "extra_school_year_differs": lambda begins: begins != 2023,
    "district_missing": lambda begins: begins < 2025,
    "signing_time_altered": lambda begins: begins == 2024,
}
"""Faults written for certain years; in others they change nothing or cannot be made."""


def fits(defect: Defect, *, grade: int, rsa: bool, school_year: str) -> bool:
    """Tell whether *defect* provokes its code on a record of that kind."""
    if grade != GRADE and (defect.stage is Stage.RULES or defect.name in _ONLY_IN_ITS_GRADE):
        return False
    if rsa and defect.name in _ONLY_WITH_P256:
        return False
    fits_year = _YEARS.get(defect.name)
    return fits_year is None or fits_year(int(school_year[:4]))


def _place_of(defect: Defect, card: ReportCard, place: int) -> str | None:
    """Return where *defect* shows in the record of *card*, number *place* of its package."""
    if defect.place is None:
        return None
    # the kit's pupils never repeated a year; the nation's may have one row more
    last = f"/NAM_HOC_ITEM[{len(card.history)}]/"
    said = defect.place.replace(f"/NAM_HOC_ITEM[{GRADE}]/", last)
    return f"{RECORD.removesuffix('[2]')}[{place}]{said.removeprefix(RECORD)}"


def faulty_record(defect: Defect, kit: NationKit) -> bytes:
    """Return the record that *defect* makes of the kit's pupil, cut out of its delivery."""
    package = defect.build(kit).package or b""
    start = package.index(kit.neighbour()) + len(kit.neighbour())
    return package[start : package.rindex(_PACKAGE_SIGNATURE)]
