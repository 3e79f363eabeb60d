"""The gallery: a school whose people hold every kind of certificate one may meet (all **I**).

Certificates, what happened to them and the sample records are decided by the installation's seed
and the space's id; nothing of it is stored. The table is `personas.toml`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from sandbox.clock import DEFAULT_SPACE_START, VIETNAM
from sandbox.defects.edits import block_of, text_of, valued, with_block
from sandbox.defects.kit import Kit, Signer, Times
from sandbox.domain.report_card import General, Slot
from sandbox.pki import (
    SIGNING_USAGE,
    Certificate,
    KeyUsage,
    PrivateKey,
    TrainingAuthority,
    derive_p384,
    derive_rsa,
)
from sandbox.responders.store import EventRow
from sandbox.wire.responders import EventKind

FIRST_MOMENT: Final = DEFAULT_SPACE_START
"""When the samples were signed, and what the days and hours of the table count from."""
SCHOOL_NUMBER: Final = 498
ACCEPTED: Final = "0"
SEAL: Final = "con-dau"
_FOREIGN: Final = "foreign"
_BEFORE_TIME: Final = frozenset({"SBX-3006", "SBX-3008"})
"""Codes that are found before anybody looks at dates and states (record-format §5.3)."""
_MISTAKEN: Final = (
    *(("ng", "n"), ("n", "ng"), ("i", "y"), ("y", "i"), ("a", "e"), ("e", "a")),
    *(("m", "n"), ("t", "c"), ("c", "t")),
)
_CLASS_SIZE: Final = 42
"""Pupils whom the personas' class teacher teaches: the first class the kit draws from."""


@dataclass(frozen=True, slots=True)
class GalleryEvent:
    """Something that had happened to a persona's certificate when the space was opened."""

    kind: EventKind
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """One row of the table."""

    id: str
    number: int
    slot: Slot
    answer: str
    """Code of the sample record at the desk; "0" is accepted."""
    package: str | None = None
    """Code of the whole package, when the desk refuses that."""
    subject: str = "named"
    issuer: str = "GIA_LAP_CA"
    not_before: datetime | None = None
    not_after: datetime | None = None
    key: str = "p256"
    usage: frozenset[KeyUsage] = SIGNING_USAGE
    events: tuple[GalleryEvent, ...] = ()
    packs: bool = False

    @property
    def is_foreign(self) -> bool:
        """Whether a root of somebody's own making issued the certificate."""
        return self.issuer == _FOREIGN

    @property
    def always(self) -> str:
        """The code whatever the clock says: "0" when dates and events alone decide."""
        by_time = ("SBX-3007", "SBX-3014", "SBX-3015", "SBX-3016")
        return ACCEPTED if self.answer in by_time else self.answer

    def answer_now(self, certificate: Certificate, *, at: datetime, state: str) -> str:
        """Return the code for what is signed at *at*, when the certificate's state is *state*."""
        if self.always in _BEFORE_TIME:
            return self.always
        if at < certificate.not_before:
            return "SBX-3014"
        if at > certificate.not_after:
            return "SBX-3007"
        return {"suspended": "SBX-3015", "revoked": "SBX-3016"}.get(state, self.always)


@dataclass(frozen=True, slots=True)
class Sample:
    """A record a persona signed, and the package the school would send it in."""

    record: bytes
    package: bytes
    record_id: str
    signed_at: datetime


class Gallery:
    """The personas of every space of one installation."""

    def __init__(self, authority: TrainingAuthority) -> None:
        self._authority = authority
        self.seed = f"{authority.seed} gallery"
        """What the school and the keys are made from; not for pages."""
        self._holder = lru_cache(maxsize=2048)(self._made)

    @property
    def personas(self) -> tuple[Persona, ...]:
        """All personas, in the order of the page."""
        return _table()

    def persona(self, name: str) -> Persona | None:
        """Return the persona called *name*, or None."""
        return next((one for one in _table() if one.id == name), None)

    def holder(self, space_id: str, persona: Persona) -> Signer:
        """Return the persona's certificate and key in one space; always the same ones."""
        return self._holder(space_id, persona.id)

    def seal(self, space_id: str) -> Signer:
        """Return the seal of the gallery's school, the one it has approved at its desk."""
        return self._holder(space_id, SEAL)

    @property
    def school(self) -> General:
        """What the records say about the gallery's school."""
        return self._kit.card(1).general

    def events(self, space_id: str, issuer: str) -> list[EventRow]:
        """Return what had happened to *issuer*'s certificates when the space was opened."""
        return [
            EventRow(
                0,
                issuer,
                self.holder(space_id, persona).certificate.serial_hex,
                event.kind,
                event.at,
            )
            for persona in _table()
            if persona.issuer == issuer
            for event in persona.events
        ]

    def sample(self, space_id: str, persona: Persona, *, at: datetime | None = None) -> Sample:
        """Return a record the persona signed before the first moment, or at *at*.

        A record signed at another moment is another pupil's, so that both can be sent; which one,
        the moment decides.
        """
        kit = self._kit_of(space_id, FIRST_MOMENT if at is None else at)
        if at is None:
            kit = kit.with_pupils(persona.number)
        else:
            others = _CLASS_SIZE - len(_table())
            turn = int(at.timestamp()) + persona.number
            kit = kit.with_pupils(len(_table()) + turn % others)
            kit.times = Times(at, at, at, at)
        signer = self.holder(space_id, persona)
        record = kit.signed(by={**self._staff(space_id), persona.slot: signer})
        if persona.subject == "nine_digits":
            record = _with_the_number_of_the_record(record)
        package = kit.sealed(kit.packed(record), by=signer if persona.packs else None)
        return Sample(record, package, kit.card(1).record_id, kit.times.of(persona.slot))

    @property
    def _kit(self) -> Kit:
        return _school_kit(self._authority.seed)

    def _kit_of(self, space_id: str, now: datetime) -> Kit:
        return Kit(
            self._authority,
            seed=self.seed,
            number=SCHOOL_NUMBER,
            seal=self.seal(space_id),
            now=now,
        )

    def _staff(self, space_id: str) -> dict[Slot, Signer]:
        """Return the people who sign what the persona does not; they are in no gallery."""
        general = self.school
        teacher = general.teacher_name or "", general.teacher_id or ""
        label = f"{space_id} staff"
        return {
            Slot.GVCN: self._kit.person(*teacher, label=label),
            Slot.CBQL: self._kit.person(
                general.leader_name, general.leader_id, label=label, issuer="GIA_LAP_CO_YEU"
            ),
        }

    def _made(self, space_id: str, name: str) -> Signer:
        persona = self.persona(name)
        if persona is None:
            raise KeyError(name)
        kit, general = self._kit, self.school
        terms: dict[str, Any] = {
            "label": f"{space_id} {name}",
            "key": _key(self.seed, persona),
            "not_before": persona.not_before,
            "not_after": persona.not_after,
            "key_usage": persona.usage,
            "issuer": persona.issuer,
        }
        if persona.is_foreign:
            terms["authority"] = TrainingAuthority.from_seed(f"{self.seed} foreign")
            terms["issuer"] = "GIA_LAP_CA"
        if persona.slot is Slot.KY_PHAT_HANH and persona.subject != "person":
            return kit.unit(general.school_name, general.school_code, **terms)
        if persona.slot is Slot.GVCN:
            who, number = general.teacher_name or "", general.teacher_id or ""
        else:
            who, number = general.leader_name, general.leader_id
        if persona.subject == "misspelt":
            who = misspelt(who)
        if persona.subject == "nine_digits":
            number = number[3:]
        return kit.person(who, number, **terms)


def misspelt(name: str) -> str:
    """Return *name* with an ending that is often mistaken, a mistake that accents cannot excuse."""
    for ending, other in _MISTAKEN:
        if name.endswith(ending):
            return name.removesuffix(ending) + other
    return f"{name}h"


def _with_the_number_of_the_record(record: bytes) -> bytes:
    """Return *record* with the teacher's new number beside the signature, as software writes it."""
    number = text_of(record, "SO_CCCD_GIAO_VIEN_CHU_NHIEM")
    return with_block(record, Slot.GVCN, valued(block_of(record, Slot.GVCN), "SO_CCCD", number))


@cache
def _school_kit(seed: str) -> Kit:
    """Return the kit that invents the school; its own certificates are not used."""
    return Kit(TrainingAuthority.from_seed(seed), seed=f"{seed} gallery", number=SCHOOL_NUMBER)


@lru_cache(maxsize=16)
def _weak_key(seed: str) -> PrivateKey:
    return derive_rsa(seed, "weak", bits=1024)


def _key(seed: str, persona: Persona) -> PrivateKey | None:
    """Return the key of an unusual kind; None for the usual one."""
    if persona.key == "rsa1024":
        return _weak_key(seed)
    return derive_p384(seed, persona.id) if persona.key == "p384" else None


@cache
def _table() -> tuple[Persona, ...]:
    text = Path(__file__).with_name("personas.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)["persona"]
    return tuple(_persona(number, row) for number, row in enumerate(rows))


def _persona(number: int, row: dict[str, Any]) -> Persona:
    said = dict(row)
    first, last = said.pop("from", None), said.pop("to", None)
    events = tuple(
        GalleryEvent(EventKind(event["kind"]), FIRST_MOMENT + timedelta(hours=event["hours"]))
        for event in said.pop("events", ())
    )
    usage = said.pop("usage", None)
    return Persona(
        number=number,
        slot=Slot(said.pop("slot")),
        not_before=None if first is None else _day(first, time()),
        not_after=None if last is None else _day(last, time(23, 59, 59)),
        usage=SIGNING_USAGE if usage is None else frozenset(KeyUsage(one) for one in usage),
        events=events,
        **said,
    )


def _day(days: int, at: time) -> datetime:
    day = FIRST_MOMENT.astimezone(VIETNAM).date() + timedelta(days=days)
    return datetime.combine(day, at, tzinfo=VIETNAM)
