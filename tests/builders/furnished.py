"""A house in which something of everything has happened, so that every page has a reason to be."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from fastapi import FastAPI

from sandbox.domain.lifecycle import Role
from sandbox.domain.report_card import Slot
from sandbox.portal.model import POINTS, Identity
from sandbox.rehearsal import Installation, Limits, rehearse
from sandbox.rehearsal.service import RehearsalDesk
from sandbox.signing import SigningService
from sandbox.web import Space
from sandbox.world.crosschecking import second_verifier
from tests.builders.computer import a_teacher, page_in
from tests.builders.documents import VECTORS
from tests.builders.instrument_states import pages_in_every_state
from tests.builders.phone import Room, Sheet
from tests.builders.portal import ADMIN, INTERNAL, WORDS, House
from tests.builders.walking import Walker, plain

APART = ("/khong-co-trang-nay", "/gio-tay", "/khong-phai-toi", "/cong/ma-lop", "/ky-so")
"""Pages no link leads to: what is not there, what a button opens, what stands on a card."""
SCENARIO = "basics/first-submission"


@dataclass
class Furnished:
    """A house, and where what happened can be looked at."""

    home: House
    phones: dict[str, str] = field(default_factory=dict)
    """Address of a practice phone by what is on it."""
    finished: str = ""
    """A request that was signed and not yet looked at by the portal."""

    @property
    def names(self) -> list[str]:
        return [group.name for group in self.home.school().classes]


def furnish(home: House, folder: Path) -> Furnished:
    """Let people of two schools and the Sở do a bit of everything."""
    made = Furnished(home)
    _a_class_answered(made)
    _packages_on_their_way(made)
    _a_class_half_signed(made)
    _requests_in_every_state(made)
    _computers(made)
    _instruments(made, folder)
    _certificates(made)
    _a_rehearsal(made, folder)
    _two_verifiers_disagree(made)
    return made


def _a_class_answered(made: Furnished) -> None:
    """Accepted, refused, mended and reported records of one class."""
    home, name = made.home, made.names[0]
    records = home.sealed(name, range(1, 13))
    clerk = home.actor(Role.VAN_THU)
    home.portal.repairs.plant(home.space, clerk, records[0], "sua_sau_ky")
    home.portal.repairs.plant(home.space, clerk, records[1], "thieu_cbql")
    home.answered(home.sent(records))
    teacher = home.actor(Role.GVCN, class_name=name)
    home.portal.repairs.mend(home.space, teacher, records[0])
    officer = home.actor(Role.SO)
    home.run(home.portal.officer.collect(home.space, officer))
    home.run(home.portal.officer.forward(home.space, officer, purpose="tap"))
    home.answered(home.sent(home.sealed(name, (13, 14))))
    home.run(home.portal.officer.collect(home.space, officer))


def _two_verifiers_disagree(made: Furnished) -> None:
    """At each desk one good record is said to have been refused for its signature."""
    world, space = made.home.world, made.home.space
    verifier = second_verifier(world)
    stored = {row.desk: row for row in verifier.stored(space) if not row.codes}
    for row in stored.values():
        verifier.look_now(replace(row, codes="SBX-3003"), space)
    assert len(stored) == len(world.ministry.desks(space))


def _packages_on_their_way(made: Furnished) -> None:
    """One package as a draft, one signed, one sent; records sealed and planted with a fault."""
    home, name = made.home, made.names[1]
    clerk = home.actor(Role.VAN_THU)
    sealed = home.sealed(name, range(1, 9))
    home.portal.packages.pack(home.space, clerk, sealed[:2])
    home.packed(sealed[2:4])
    home.sent(sealed[4:6])
    home.checked(name, (9,))


def _a_class_half_signed(made: Furnished) -> None:
    """Drafts, checked, signed by the teacher, signed by the head, one to be cancelled."""
    home, name = made.home, made.names[2]
    clerk, teacher = home.actor(Role.VAN_THU), home.actor(Role.GVCN, class_name=name)
    drafts = home.portal.records.initialise(home.space, clerk, name, (1, 2, 3))
    home.portal.records.report_wrong(home.space, teacher, drafts[0], POINTS[:1])
    signed = home.checked(name, (4, 5, 6, 7))
    home.sign(Slot.GVCN, teacher, signed)
    home.sign(Slot.CBQL, home.actor(Role.CBQL), signed[:2])
    home.portal.repairs.ask_cancel(home.space, teacher, signed[2], "Nhầm một nhận xét")
    home.checked(name, (8, 9))


def _requests_in_every_state(made: Furnished) -> None:
    """Phones with a request waiting, signed, refused a PIN once and twice, and locked."""
    home = made.home
    teacher = home.actor(Role.GVCN, class_name=made.names[3])
    signed = home.checked(made.names[3], (1, 2))
    made.finished = home.ask(Slot.GVCN, teacher, signed)
    made.phones["done"] = _path(home, home.confirm(teacher.identity))
    home.ask(Slot.GVCN, teacher, home.checked(made.names[3], range(3, 15)))
    made.phones["waiting"] = _phone(home, teacher.identity.person_id)
    other = home.actor(Role.GVCN, class_name=made.names[4])
    home.ask(Slot.GVCN, other, home.checked(made.names[4], (1, 2)))
    made.phones["locked"] = _phone(home, other.identity.person_id)
    for _ in range(3):
        home.confirm(other.identity, pin="000000")
    head = home.actor(Role.CBQL)
    home.ask(Slot.CBQL, head, signed)
    made.phones["wrong"] = _path(home, home.confirm(head.identity, pin="000000"))
    made.phones["card"] = made.phones["wrong"].replace("/sai-ma", "/xem-the")


COMPUTERS = (
    "home_plugged",
    "stuck_software",
    "stuck_old",
    "certificate",
    "pin",
    "wrong_v",
    "card",
    "done",
    "whole",
    "locked",
)
"""States of the practice computer in which somebody is found."""


@dataclass(frozen=True)
class _Seat:
    """The signing service of the house, for people at a computer."""

    service: SigningService
    space: Space


def _computers(made: Furnished) -> None:
    """Tokens plugged in, read, stuck, wrong, locked and put away."""
    seat = _Seat(made.home.world.signing, made.home.space)
    for state in COMPUTERS:
        made.phones[f"usb_{state}"] = page_in(seat, a_teacher(seat, f"usb-{state}"), state)


INSTRUMENTS = (
    "app-home",
    "app-card",
    "app-change",
    "b-request",
    "b-activate-finger",
    "app-messages",
    "a-activate-pin",
    "blocked-root",
    "sim-menu-first",
    "sim-no-signal",
    "sim-pin",
    "sim-certificate",
    "sim-wrong-certificate",
    "sim-wrong-pin",
    "sim-done",
    "sim-locked",
    "otp-request",
    "otp-password",
    "otp-wait",
    "otp-code",
    "otp-wrong",
    "otp-done",
    "otp-locked",
    "labels",
    "labels-dt",
)
"""States of apps, SIMs and pages for codes in which somebody is found; links lead to others."""


def _instruments(made: Furnished, folder: Path) -> None:
    """Apps activated or not, SIMs, codes: waiting, wrong, locked and done."""
    world = made.home.world
    room = Room(
        app=FastAPI(),
        service=world.signing,
        database=world.database,
        clock=world.clock,
        spaces=world.spaces,
        folder=folder,
        base=made.home.base,
        token=INTERNAL,
    )
    states = dict(pages_in_every_state(room))
    made.phones |= {name: states[name] for name in INSTRUMENTS}


def _phone(home: House, person: str) -> str:
    phone = home.run(home.portal.signings.phone(home.space, person))
    assert phone is not None
    return phone.path


def _path(home: House, sheet: Sheet) -> str:
    return plain(sheet.url.removeprefix(home.base))


def _certificates(made: Furnished) -> None:
    """The second school's registration is signed, sent and waits for the officer."""
    home = made.home
    clerk = home.actor(Role.VAN_THU, number=2)
    request = home.run(home.portal.certificates.begin(home.space, clerk, **WORDS))
    assert request is not None
    home.confirm(clerk.identity)
    home.run(home.portal.signings.look(home.space, request))
    home.run(home.portal.certificates.send(home.space, clerk))


def _a_rehearsal(made: Furnished, folder: Path) -> None:
    """A client that leaves at once: a run with a failure and steps left out."""
    client = folder / "leaves.py"
    client.write_text("raise SystemExit(1)\n", encoding="utf-8")
    desk: RehearsalDesk = made.home.world.rehearsal
    rehearse(
        SCENARIO,
        client=f"{sys.executable} {client}",
        installation=Installation(base_url=made.home.base, admin_token=ADMIN),
        limits=Limits(step_s=5),
        history=made.home.world.settings.data / "rehearsals",
    )
    assert desk.runs()


def visitors(made: Furnished) -> list[tuple[Walker, list[str]]]:
    """Return who walks through the house, and where each starts."""
    home = made.home
    first, second = home.school(1), home.school(2)
    stranger = Walker(home.base, "visitor")
    stranger.press("/gio-tay", "/gio-tay")
    found = [(stranger, ["/", *APART, *_verified(home, stranger)])]
    found.append((Walker(home.base, "phone"), ["/dt", *made.phones.values()]))
    for role, unit in (
        (Role.VAN_THU, first.code),
        (Role.CBQL, first.code),
        (Role.QUAN_TRI, first.code),
        (Role.SO, first.department_code),
        (Role.VAN_THU, second.code),
    ):
        person = next(p for p in home.portal.schools.staff(home.space, unit) if p.role is role)
        walker = _as_person(home, f"{role.value} {unit}", person)
        found.append((walker, ["/cong", *_chosen(made, walker, role, unit)]))
    for name in made.names:
        teacher = home.actor(Role.GVCN, class_name=name).identity
        starts = ["/cong", "/cong/so", "/cong/bo-mon"]
        if name == made.names[3]:
            starts += [f"/cong/yeu-cau/{made.finished}", f"/cong/yeu-cau/{made.finished}/ket-qua"]
        found.append((_as_person(home, f"GVCN {name}", teacher), starts))
    found.append(_learner(home))
    return found


def _as_person(home: House, who: str, person: Identity) -> Walker:
    walker = Walker(home.base, who)
    path = f"/cong/vai/{person.unit_code}/{person.role.value}"
    walker.press(path, path, nguoi=person.person_id)
    return walker


def _chosen(made: Furnished, walker: Walker, role: Role, unit: str) -> list[str]:
    """Return the pages that come after a choice: what is to be made, what is to be packed."""
    if role is Role.SO:
        return [walker.press("/cong/so", "/tu-dong")]
    if role is not Role.VAN_THU or unit != made.home.school(1).code:
        return []
    found = []
    for path, name in (("khoi-tao", made.names[4]), ("dong-goi", made.names[1])):
        where = f"/cong/{path}/chon"
        found.append(walker.press(f"{where}?lop={name}", where, viec="tat_ca"))
        found.append(walker.press(f"{where}?lop={name}", where, viec="xem_lai"))
    return found


def _verified(home: House, walker: Walker) -> list[str]:
    """Return the answers of the public verification: by file, by five fields, to a wrong sum."""
    page, by_file = "/kho/tra-cuu", {"tep": ("hoc-ba.xml", b"<HOC_BA/>", "application/xml")}
    return [
        walker.press(page, "/tep", files=by_file),
        walker.press(page, "/nam-muc", xac_nhan="0"),
        *_looked_at(walker),
    ]


def _looked_at(walker: Walker) -> list[str]:
    """Return the page of a bad signature on each level, and that of a file no longer there."""
    bad = (VECTORS / "bad_signatures" / "signing_time_edited.xml").read_bytes()
    file = {"tep": ("goi.xml", bad, "application/xml")}
    path = walker.press("/kho/chu-ky", "/tep", files=file).partition("?")[0]
    levels = [f"{path}?muc={level}" for level in (1, 2, 3)]
    return [*levels, "/kho/chu-ky/xem/khong-con"]


def _learner(home: House) -> tuple[Walker, list[str]]:
    """Return a learner who has begun lesson 3."""
    walker = Walker(home.base, "learner")
    walker.press("/lop/vao/ten", "/lop/vao/ten", ten="Hoa Mai", may="7")
    attempt = walker.press("/lop/bai/3", "/bat-dau")
    return walker, ["/lop/nha", attempt, "/cong"]
