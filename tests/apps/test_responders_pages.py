"""The gallery's pages and buttons: what a trainer clicks is what everybody is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from lxml import html

import sandbox.responders
from sandbox.clock import DEFAULT_SPACE_START
from sandbox.pki import Certificate, PrivateKey, read_crl
from sandbox.responders import RespondersService, http, pages
from sandbox.wire.officer import PageForm, forms_of
from sandbox.wire.responders import list_personas
from tests.builders.signing import AUTHORITY, TEACHER
from tests.builders.web import House, build_house, serve

HERE = Path(sandbox.responders.__file__).parent
GALLERY = "/ca/bo-suu-tap"
NOW, DAY = DEFAULT_SPACE_START, timedelta(days=1)


@dataclass
class Room:
    """A visitor in front of the authority's pages."""

    house: House
    service: RespondersService

    def __post_init__(self) -> None:
        self.client = self.house.browser()

    def page(self, path: str) -> str:
        answer = self.client.get(path, follow_redirects=True)
        assert answer.status_code == 200, answer.text
        return answer.text

    def press(self, path: str, name: str, value: str, **typed: str) -> str:
        """Press the button *name*=*value* of page *path* and return the page one comes to."""
        form = _form_with(self.page(path), name, value, typed)
        answer = self.client.post(form.action, data={**form.fields, name: value, **typed})
        assert answer.status_code == 303, answer.text
        return self.page(answer.headers["location"])

    def state(self, certificate: Certificate) -> str:
        code = certificate.issuer_code
        der = self.client.get(f"/ca/crl/{code}.crl").content
        found = read_crl(der, AUTHORITY.issuers[code].certificate)
        return found.state_at(certificate.serial, found.this_update)


def _form_with(page: str, name: str, value: str, typed: dict[str, str]) -> PageForm:
    wanted = [f for f in forms_of(page) if (name, value) in f.buttons]
    return wanted[0] if wanted else next(f for f in forms_of(page) if _records_events(f))


def _records_events(form: PageForm) -> bool:
    return form.action.split("?")[0].endswith("/su-kien")


def text_of(page: str) -> str:
    return " ".join(html.fromstring(page).text_content().split())


@pytest.fixture
def room(tmp_path) -> Room:
    house = build_house(
        tmp_path,
        templates={"responders": HERE / "templates"},
        locales=[HERE / "locale"],
        tap_seconds=0,
    )
    service = RespondersService(house.database, house.clock, house.spaces, AUTHORITY)
    service.prepare()
    house.app.state.admin_token = "admin"
    for router in (*http.routers(service), *pages.routers(service)):
        house.app.include_router(router)
    return Room(house, service)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_gallery_shows_every_persona_with_its_life_and_its_answer(room, language):
    """Linked from /ca; a drawing, the dates, the state and the code for each."""
    room.client.cookies.set("ngon_ngu", language)
    assert GALLERY in room.page("/ca")
    page = room.page(GALLERY)
    tree = html.fromstring(page)

    assert len(tree.xpath("//section//svg[@role='img']")) == len(room.service.gallery.personas)
    for persona in room.service.gallery.personas:
        assert f"{GALLERY}/{persona.id}" in page
        code = persona.package or persona.answer
        assert code == "0" or code in page
        one = room.page(f"{GALLERY}/{persona.id}")
        assert room.service.gallery.holder("tap", persona).certificate.serial_hex in one


def test_a_trainer_suspends_resumes_and_revokes_by_buttons(room):
    """Each click is at once in the list; then no button is left but on other certificates."""
    teacher = room.service.gallery.persona("giao-vien")
    held = room.service.gallery.holder("tap", teacher).certificate
    path, said = f"{GALLERY}/giao-vien", []
    for kind in ("tam_dung", "mo_lai", "thu_hoi"):
        page = room.press(path, "viec", kind)
        said.append((room.state(held), "SBX-3015" in page, "SBX-3016" in page))
        room.house.clock.advance(60)

    assert said == [("suspended", True, False), ("good", False, False), ("revoked", False, True)]
    assert not any(_records_events(form) for form in forms_of(room.page(path)))


def test_a_button_pressed_too_late_changes_nothing(room):
    """Two trainers, one certificate: the second is told that its state has changed."""
    path = f"{GALLERY}/giao-vien"
    stale = _form_with(room.page(path), "viec", "tam_dung", {})
    room.press(path, "viec", "tam_dung")
    answer = room.client.post(stale.action, data={**stale.fields, "viec": "tam_dung"})
    events = room.service.events(room.house.spaces.get("tap"))

    assert answer.status_code in (303, 409)
    assert len(events) == 1


def test_any_certificate_of_the_authority_may_be_revoked_by_its_serial(room):
    """Typed with spaces and in small letters; a serial nobody was given is not taken."""
    spaced = TEACHER.certificate.serial_hex.lower()
    spaced = f"{spaced[:8]} {spaced[8:]}"
    page = room.press("/ca", "viec", "thu_hoi", so_hieu=spaced)
    refused = room.press("/ca", "viec", "thu_hoi", so_hieu="1234")
    unreadable = room.press("/ca", "viec", "thu_hoi", so_hieu="xyz")

    assert room.state(TEACHER.certificate) == "revoked"
    assert TEACHER.certificate.serial_hex in page
    assert "Không nơi cấp nào ở đây từng cấp số hiệu này" in refused
    assert "Số hiệu chỉ có chữ số" in unreadable
    assert len(room.service.events(room.house.spaces.get("tap"))) == 1


def test_the_clock_is_moved_by_buttons_and_states_follow(room):
    """On by 400 days: the one-year certificate has expired, the early one holds; and back."""
    first = text_of(room.page(f"{GALLERY}/giao-vien"))
    room.press("/ca", "ngay", "400")
    later = text_of(room.page(f"{GALLERY}/giao-vien"))
    early = text_of(room.page(f"{GALLERY}/chua-hieu-luc"))
    room.press("/ca", "ngay", "dau")

    assert "Đã hết hạn" not in first
    assert "Đã hết hạn" in later
    assert "SBX-3007" in later
    assert "✔ Còn hiệu lực" in early
    assert room.house.spaces.get("tap").now(room.house.clock) == NOW


def test_a_button_that_is_not_there_cannot_be_pressed(room):
    """A made-up value is an error in the form, and the clock stays."""
    form = _form_with(room.page("/ca"), "ngay", "400", {})
    answer = room.client.post(form.action, data={**form.fields, "ngay": "99999"})

    assert answer.status_code == 303
    assert "Hãy chọn một nút" in room.page(answer.headers["location"])
    assert room.house.spaces.get("tap").now(room.house.clock) == NOW


def test_certificates_and_samples_can_be_downloaded(room):
    """The certificate, the sample, its package, and a record signed this moment."""
    gallery = room.service.gallery
    persona = gallery.persona("khoa-yeu")
    fetched = {
        name: room.client.get(f"{GALLERY}/tai/{name}")
        for name in ("khoa-yeu.crt", "khoa-yeu.xml", "khoa-yeu-goi.xml", "khoa-yeu-moi.xml")
    }
    sample = gallery.sample("tap", persona)

    assert fetched["khoa-yeu.crt"].content == gallery.holder("tap", persona).certificate.der
    assert fetched["khoa-yeu.xml"].content == sample.record
    assert fetched["khoa-yeu-goi.xml"].content == sample.package
    assert b"2025-05-28T08:00:00+07:00" in fetched["khoa-yeu-moi.xml"].content
    for name in ("la.crt", "giao-vien.exe", "giao-vien-goi.crt.xml"):
        assert room.client.get(f"{GALLERY}/tai/{name}").status_code == 404
    assert room.client.get(f"{GALLERY}/la").status_code == 404


def test_two_spaces_have_galleries_of_their_own(room):
    """The same school, other certificates; what happens to one does not happen to the other."""
    gallery = room.service.gallery
    persona = gallery.persona("giao-vien")
    here, there = (gallery.holder(space, persona).certificate for space in ("tap", "lop-a"))
    room.press(f"{GALLERY}/giao-vien", "viec", "thu_hoi")

    assert here.serial != there.serial
    assert here.subject == there.subject
    assert "✔ Còn hiệu lực" in text_of(room.page(f"/s/lop-a{GALLERY}/giao-vien"))


def test_tools_are_given_the_personas_with_their_keys(room):
    """For a practice phone; only with a token, each key its certificate's."""
    with serve(room.house.app) as base:
        rows = list_personas(base, token="admin")

    assert [row.ma for row in rows] == [one.id for one in room.service.gallery.personas]
    for row in rows:
        certificate = Certificate.from_pem(row.chung_thu)
        assert PrivateKey.from_pem(row.khoa).public_key.der == certificate.public_key.der
    assert room.client.get("/ca/v1/nhan-vat").status_code == 401
