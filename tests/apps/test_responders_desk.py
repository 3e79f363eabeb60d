"""Every persona's signature at a real desk: its own code, and what a year later makes of it."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import sandbox.responders
from sandbox.clock import DEFAULT_SPACE_START
from sandbox.ministry.verification import PublicVerification
from sandbox.responders import RespondersService, pages
from sandbox.responders.gallery import ACCEPTED, Gallery, Persona
from sandbox.responders.trying import DeskTrial, Trial
from sandbox.web import Space
from sandbox.wire.officer import forms_of
from sandbox.wire.responders import EventKind, fetch_crl
from tests.builders.ministry import ADMIN_TOKEN, MINISTRY, Installation, authority, installed
from tests.builders.web import build_house, serve

HERE = Path(sandbox.responders.__file__).parent

NOW = DEFAULT_SPACE_START
LOCKED = "SBX-5005"
LATER = NOW + timedelta(days=400)


@dataclass
class Desk:
    """A Cổng on a loopback port, and the gallery's school at it."""

    house: Installation
    trial: DeskTrial
    gallery: Gallery

    @property
    def space(self) -> Space:
        found = self.house.spaces.get("tap")
        assert found is not None
        return found

    def personas(self) -> dict[str, Persona]:
        return {one.id: one for one in self.gallery.personas}

    def ask(self, persona: Persona, *, at: datetime | None = None) -> Trial:
        self.house.clock.advance(2)  # a school may ask ten times a second, by the machine's clock
        number = asyncio.run(self.trial.submit(self.space, persona, at=at))
        self.house.work()
        found = asyncio.run(self.trial.result(self.space, number))
        assert found is not None
        return found

    def verify(self, persona: Persona, *, at: datetime | None = None):
        record = self.gallery.sample("tap", persona, at=at).record
        return PublicVerification(self.house.service).of_file(self.space, record, address="")


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("gallery-desk")
    with installed(f"sqlite:///{folder / 'desk.db'}", pages=True) as house:
        house.open_space("tap")
        gallery = house.responders.service.gallery
        with serve(house.app) as base:
            trial = DeskTrial(
                gallery, desk_url=lambda _, desk: f"{base}/kho/so/{desk[3:]}", token=ADMIN_TOKEN
            )
            yield Desk(house, trial, gallery)


def test_the_gallery_is_large_and_its_codes_are_many(desk):
    """At least twelve personas; every code of the signature stage that a certificate can earn."""
    answers = {one.package or one.answer for one in desk.gallery.personas}

    assert len(desk.gallery.personas) >= 12
    assert answers == {
        ACCEPTED,
        *("SBX-1111", "SBX-3006", "SBX-3007", "SBX-3008", "SBX-3009", "SBX-3010"),
        *("SBX-3014", "SBX-3015", "SBX-3016", "SBX-3019", "SBX-3020"),
    }


def test_the_desk_gives_each_persona_its_own_code(desk):
    """Registered, approved, sent and checked over HTTP; the first code is the table's."""
    found = {one.id: desk.ask(one).code for one in desk.gallery.personas}

    assert found == {one.id: one.package or one.answer for one in desk.gallery.personas}


def test_sending_a_sample_again_changes_nothing(desk):
    """The same bytes under the same message id: the stored receipt, the stored answer."""
    teacher = desk.personas()["giao-vien"]

    assert desk.ask(teacher).code == desk.ask(teacher).code == ACCEPTED


def test_the_public_verification_finds_the_same_code(desk):
    """A record alone, without its package: the record's own code."""
    for one in desk.gallery.personas:
        codes = [row["code"] for row in desk.verify(one).findings]

        assert (codes[0] if codes else ACCEPTED) == one.answer, one.id


def test_four_hundred_days_later_the_right_ones_are_invalid(desk):
    """Expired then and not before; what was signed before stays what it was."""
    people = desk.personas()
    before = {name: desk.verify(one) for name, one in people.items()}
    desk.house.spaces.move_clock("tap", LATER)
    try:
        after = {name: desk.verify(one) for name, one in people.items()}
        fresh = {name: desk.ask(one, at=LATER).code for name, one in people.items()}
        told = {name: fresh_code(desk, one) for name, one in people.items()}
    finally:
        desk.house.spaces.move_clock("tap", NOW)

    assert {n: v.findings for n, v in after.items()} == {n: v.findings for n, v in before.items()}
    assert before["giao-vien"].valid
    assert after["giao-vien"].valid
    assert after["giao-vien"].signers[0].state_now == "expired"
    assert {n: _of_the_signature(code) for n, code in fresh.items()} == told
    assert fresh["giao-vien"] == fresh["het-han"] == "SBX-3007"
    assert fresh["chua-hieu-luc"] == fresh["khoi-phuc"] == fresh["hieu-truong"] == LOCKED
    assert fresh["tam-dung"] == "SBX-3015"
    assert fresh["thu-hoi"] == "SBX-3016"


def _of_the_signature(code: str) -> str:
    """The year is locked by then: what passes the signatures stops at the lock, and only there."""
    return ACCEPTED if code == LOCKED else code


def fresh_code(desk: Desk, persona: Persona) -> str:
    """What the gallery's page foretells of a record signed at `LATER`."""
    certificate = desk.gallery.holder("tap", persona).certificate
    service = desk.house.responders.service
    state = service.state(desk.space, certificate)
    return persona.package or persona.answer_now(certificate, at=LATER, state=state)


def test_openssl_agrees_at_both_moments(desk, tmp_path):
    """`verify -crl_check` by that moment's list, and OCSP, for every persona, 400 days apart."""
    service, url = desk.house.responders.service, desk.house.responders.url
    (tmp_path / "ca.pem").write_text(service.chain_pem)
    for at in (NOW, LATER):
        desk.house.spaces.move_clock("tap", at)
        for code in ("GIA_LAP_CA", "GIA_LAP_CO_YEU"):
            (tmp_path / f"{code}.crl").write_bytes(fetch_crl(url, code))
            (tmp_path / f"{code}.pem").write_text(service.issuer(code).pem)
        for one in desk.gallery.personas:
            if one.is_foreign:
                continue
            held = desk.gallery.holder("tap", one).certificate
            code = held.issuer_code
            (tmp_path / "held.pem").write_text(held.pem)
            verified = openssl(
                tmp_path,
                *("verify", "-crl_check", "-CAfile", "ca.pem", "-CRLfile", f"{code}.crl"),
                *("-attime", f"{at.timestamp():.0f}", "held.pem"),
            )
            told = openssl(
                tmp_path,
                *("ocsp", "-issuer", f"{code}.pem", "-cert", "held.pem", "-CAfile", "ca.pem"),
                *("-url", f"{url}/ca/ocsp/{code}", "-validity_period", "1000000000"),
            )
            state = service.state(desk.space, held)
            in_time = held.not_before <= at <= held.not_after
            assert (verified.returncode == 0) == (in_time and state == "good"), (one.id, at)
            assert ("held.pem: good" in told.stdout) == (state == "good"), (one.id, at)
            assert ("certificateHold" in told.stdout) == (state == "suspended"), (one.id, at)
    desk.house.spaces.move_clock("tap", NOW)


def openssl(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_public_verification_asks_for_the_state_of_this_moment(desk):
    """A revocation is seen at once, where a list may be a minute old; the record stays valid."""
    seal, leader = desk.gallery.seal("tap").certificate, desk.personas()["hieu-truong"]
    held = desk.gallery.holder("tap", leader).certificate
    before = desk.verify(leader).signers
    desk.house.responders.service.record(
        desk.space, issuer=held.issuer_code, serial=held.serial_hex, kind=EventKind.SUSPEND
    )
    after = desk.verify(leader)
    desk.house.responders.service.record(
        desk.space, issuer=held.issuer_code, serial=held.serial_hex, kind=EventKind.RESUME
    )

    assert [s.state_now for s in before] == ["good"] * 3
    assert [s.state_now for s in after.signers if s.serial == held.serial_hex] == ["suspended"]
    assert [s.state_now for s in after.signers if s.serial == seal.serial_hex] == ["good"]
    assert after.findings == ()


def test_with_the_responder_away_the_verification_waits_and_says_why(desk):
    """503 with the issuer's name and what to do; nobody is called invalid, nothing is noted."""
    page = desk.house.client.get("/kho/tra-cuu", follow_redirects=True)
    form = next(f for f in forms_of(page.text) if "/tep" in f.action)
    record = desk.gallery.sample("tap", desk.personas()["giao-vien"]).record
    desk.house.clock.advance(61)  # the lists at hand are too old by now
    desk.house.responders.away = True
    answer = desk.house.client.post(form.action, data=form.fields, files={"tep": record})
    desk.house.responders.away = False

    assert answer.status_code == 503
    assert "Chưa tra được trạng thái chứng thư số" in answer.text
    assert "GIA_LAP_CA" in answer.text


def test_the_page_hands_a_sample_in_and_shows_what_the_desk_says(desk, tmp_path):
    """One button; the answer waits for the checking, then stands there with cause and remedy."""
    people = build_house(
        tmp_path,
        templates={"responders": HERE / "templates", "ministry": MINISTRY / "templates"},
        locales=[HERE / "locale", MINISTRY / "locale"],  # one skin speaks for both in one process
    )
    service = RespondersService(
        *(people.database, people.clock, people.spaces, authority()),
        desk_url=desk.trial.desk_url,
        admin_token=ADMIN_TOKEN,
    )
    service.prepare()
    for router in pages.routers(service):
        people.app.include_router(router)
    browser = people.browser()
    browser.headers["accept"] = "text/html"
    desk.house.clock.advance(5)
    path = "/ca/bo-suu-tap/ma-hoa"
    form = next(f for f in forms_of(browser.get(path, follow_redirects=True).text) if f.buttons)
    sent = browser.post(form.action, data={**form.fields, "luc": "moi"})
    waiting = browser.get(sent.headers["location"]).text
    desk.house.work()
    answered = browser.get(sent.headers["location"]).text
    never = browser.get("/ca/bo-suu-tap/khoa-yeu/tra-loi?luc=1").text

    assert "Cổng đang kiểm tra" in waiting
    assert "SBX-3020" in answered
    assert "chưa được nộp thử" in never
