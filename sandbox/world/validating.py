"""`hocba validate`: the ministry's own check functions on a file, offline or with a space.

Offline the registers, approvals, revocation lists and earlier records are not at hand: the codes
that need them are listed as not checked. With a space everything is checked and nothing stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.clock import DEFAULT_SPACE_START, MachineClock, SpaceTime
from sandbox.documents import Limits, ParsedPackage, identify, parse_upload
from sandbox.domain.rejections import CATALOGUE, explain, title
from sandbox.errors import Finding, Misuse, Refused, Unavailable
from sandbox.ministry.checking import (
    Context,
    DeskChecks,
    PackageVerdict,
    Sender,
    check_package,
    check_record_file,
)
from sandbox.ministry.exercise import exercise_of
from sandbox.pki import TrainingAuthority, Trust
from sandbox.settings import Settings
from sandbox.web.spaces import Space
from sandbox.world.packing import read_file

if TYPE_CHECKING:
    from sandbox.world.build import World

SIGNED_IN_FUTURE = "SBX-3012"
"""Needs a space's clock: without one it is looked for only against NGAY_KY."""


@dataclass(frozen=True, slots=True)
class Line:
    """One record's verdict for the command line."""

    number: int
    uuid: str | None
    pupil: str
    accepted: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `hocba validate` says."""

    package_findings: tuple[Finding, ...]
    records: tuple[Line, ...]
    not_checked: tuple[str, ...]
    refused: bool

    @property
    def accepted_count(self) -> int:
        """Records no check refused."""
        return sum(line.accepted for line in self.records)

    @property
    def accepted(self) -> bool:
        """Whether nothing was refused and there was something to check."""
        return not self.refused and bool(self.records) and all(r.accepted for r in self.records)

    @property
    def codes(self) -> tuple[str, ...]:
        """Every code that refuses: the package's, else the records'; the first one first."""
        rows = [self.package_findings] if self.refused else [r.findings for r in self.records]
        return tuple(
            finding.code
            for row in rows
            for finding in row
            if not CATALOGUE[finding.code].is_warning
        )

    def as_json(self, language: str) -> dict[str, Any]:
        """Return the verdict for machines, with the rows of `chi_tiet`."""
        return {
            "accepted": self.accepted,
            "codes": self.codes,
            "package": [explain(finding, language) for finding in self.package_findings],
            "records": [
                {
                    "number": line.number,
                    "ma_tra_cuu_uuid": line.uuid,
                    "accepted": line.accepted,
                    "chi_tiet": [explain(finding, language) for finding in line.findings],
                }
                for line in self.records
            ],
            "not_checked": [
                {"ma": code, "tieu_de": title(code, language)} for code in self.not_checked
            ],
        }


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a file turned out to hold."""

    content: str | None
    xml: bytes | None
    sender: Sender | None
    single: bool = False


def validate_file(
    file: Path,
    *,
    space: str | None,
    desk: str | None,
    settings: Callable[[], Settings],
    at: datetime | None = None,
) -> Verdict:
    """Return the verdict on *file*: a record or package as XML, a content, or a JSON request.

    *space* makes every check with that space's registers; *at* is the moment offline checks take
    for the space's clock. Raises `Misuse` for a file that cannot be read or is none of these,
    `Unavailable` when a revocation list is needed and its responder is away.
    """
    delivery = read_delivery(file)
    if space is None:
        return _verdict(_offline(delivery, settings(), at))
    return _verdict(_at_desk(delivery, settings(), space, desk))


def read_delivery(file: Path) -> Delivery:
    """Tell what *file* holds. Raises `Misuse` naming the file when it is nothing we know."""
    raw = read_file(file)
    start = raw.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start == b"{":
        return _request(file, raw)
    if start == b"<" or b"\x00" in raw[:4] or raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return Delivery(None, raw, None, single=_holds_one_record(raw))
    try:
        return Delivery(raw.decode("ascii").strip(), None, None)
    except UnicodeDecodeError:
        return Delivery(None, raw, None)


def _request(file: Path, raw: bytes) -> Delivery:
    try:
        body = json.loads(raw)
        fields, content = body["authenticationRequest"], body["content"]
        if not isinstance(content, str) or not isinstance(fields, dict):
            raise TypeError("authenticationRequest, content")
    except (ValueError, KeyError, TypeError) as error:
        raise Misuse(
            f"no request of service 3.6 ({error})", file=str(file), remedy="hocba pack …"
        ) from error
    unit, year = str(fields.get("ma_don_vi", "")), fields.get("nam_hoc")
    kind = "so" if len(unit) == 2 else "truong"
    return Delivery(content, None, Sender(unit, kind, year if isinstance(year, int) else None))


def _holds_one_record(raw: bytes) -> bool:
    try:
        return not isinstance(parse_upload(raw, limits=Limits()), ParsedPackage)
    except Refused:
        return False  # the checks say what is wrong with it


def _offline(delivery: Delivery, settings: Settings, at: datetime | None) -> PackageVerdict:
    clock = MachineClock()
    plain = Space(
        id="offline",
        code="",
        title="",
        seed=settings.seed,
        era="63",
        topology="A",
        school_year="2024-2025",
        time=SpaceTime(DEFAULT_SPACE_START, clock.epoch()),
    )
    context = Context(
        at=at or clock.now(),
        exercise=exercise_of(plain),
        trust=Trust(TrainingAuthority.from_seed(settings.seed).issuer_certificates),
        sender=delivery.sender,
        ticks=clock.monotonic,
    )
    if at is None:
        context.skip(SIGNED_IN_FUTURE)
    if delivery.single and delivery.xml is not None:
        return check_record_file(delivery.xml, context)
    return check_package(_payload(delivery), context)


def _at_desk(
    delivery: Delivery, settings: Settings, space_id: str, desk: str | None
) -> PackageVerdict:
    from sandbox.world.build import build_world

    world = build_world(settings)
    space = world.spaces.get(space_id)
    if space is None:
        raise Misuse(f"there is no space {space_id}", remedy="--space tap")
    desks = {row.desk: row for row in world.ministry.desks(space)}
    name = desk or next((name for name in desks if name.startswith("so-")), "kho")
    if name not in desks:
        raise Misuse(f"there is no desk {name}", remedy=", ".join(desks))
    # The commands need no server: the lists are made from the same rows the responders read.
    checks = DeskChecks(world.ministry, fetch=lambda at, issuer: _list_of(world, at, issuer))
    if delivery.single and delivery.xml is not None:
        return checks.check_record(delivery.xml, space, desks[name], delivery.sender)
    sender = delivery.sender or _sender_of(delivery, desks[name].desk)
    return checks.check(_payload(delivery), space, desks[name], sender)


def _list_of(world: World, space: Space, issuer: str) -> bytes:
    found = world.responders.crl(space, issuer)
    if found is None:
        raise Unavailable(f"CRL {issuer}")
    return found


def _sender_of(delivery: Delivery, desk: str) -> Sender | None:
    """Take the unit of the records for the sender where no request names one."""
    if delivery.xml is None:
        return None
    try:
        package = parse_upload(delivery.xml, limits=Limits())
    except Refused:
        return None
    records = package.records if isinstance(package, ParsedPackage) else (package,)
    codes = {identify(record).school_code for record in records}
    code = next(iter(codes), None)
    if desk == "kho":
        return Sender((code or "")[:2], "so")
    return Sender(code, "truong") if code and len(codes) == 1 else None


def _payload(delivery: Delivery) -> str | bytes:
    return delivery.content if delivery.content is not None else delivery.xml or b""


def _verdict(found: PackageVerdict) -> Verdict:
    return Verdict(
        package_findings=found.findings,
        records=tuple(
            Line(
                number=record.number,
                uuid=record.identity.uuid,
                pupil=record.identity.pupil_name or "",
                accepted=record.accepted and not found.refused,
                findings=record.findings,
            )
            for record in found.records
        ),
        not_checked=found.not_checked,
        refused=found.refused,
    )
