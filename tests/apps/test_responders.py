"""The certificate responders over HTTP: lists per space, by the space clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import sandbox.responders
from sandbox.clock import DEFAULT_SPACE_START
from sandbox.errors import Unavailable
from sandbox.pki import Certificate, RevocationList, Trust, read_crl
from sandbox.responders import RespondersService, http, pages
from sandbox.wire.responders import EventKind, fetch_crl, record_event
from tests.builders.signing import AUTHORITY, SEAL, TEACHER
from tests.builders.web import House, build_house, serve

HERE = Path(sandbox.responders.__file__).parent
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = DEFAULT_SPACE_START
SERIAL = TEACHER.certificate.serial_hex
ISSUER = TEACHER.certificate.issuer_code


class Desk:
    """A house with the responders in it."""

    def __init__(self, folder: Path) -> None:
        self.house: House = build_house(
            folder, templates={"responders": HERE / "templates"}, locales=[HERE / "locale"]
        )
        self.service = RespondersService(
            self.house.database, self.house.clock, self.house.spaces, AUTHORITY
        )
        self.service.prepare()
        self.house.app.state.admin_token = "admin"
        for router in (*http.routers(self.service), *pages.routers(self.service)):
            self.house.app.include_router(router)
        self.client = self.house.browser(page=False)

    def post(self, kind: str, *, space: str = "", token: str = "admin", **changed: Any):
        body = {"to_chuc_cap": ISSUER, "so_hieu": SERIAL, "su_kien": kind} | changed
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.client.post(f"{space}/ca/v1/su-kien", json=body, headers=headers)

    def crl(self, *, space: str = "", issuer: str = ISSUER) -> RevocationList:
        answer = self.client.get(f"{space}/ca/crl/{issuer}.crl")
        assert answer.status_code == 200
        return read_crl(answer.content, AUTHORITY.issuers[issuer].certificate)

    def state(self, at: datetime = NOW, *, space: str = "") -> str:
        return self.crl(space=space).state_at(TEACHER.certificate.serial, at)


@pytest.fixture
def desk(tmp_path) -> Desk:
    return Desk(tmp_path)


def test_a_list_is_made_by_the_space_clock(desk):
    """ThisUpdate is the space's present, nextUpdate a day later."""
    found = desk.crl()

    assert (found.this_update, found.next_update) == (NOW, NOW + DAY)


def test_a_list_of_a_moved_clock_is_of_that_moment(desk):
    """The list follows the space clock, both ways."""
    desk.house.spaces.move_clock("tap", NOW + 90 * DAY)

    assert desk.crl().this_update == NOW + 90 * DAY


def test_list_numbers_grow_even_when_the_space_clock_goes_back(desk):
    """RFC 5280 §5.2.3: the CRL number never falls; it comes from the machine's clock."""
    first = desk.crl().number
    desk.house.clock.advance(5)
    desk.house.spaces.move_clock("tap", NOW - DAY)

    assert desk.crl().number > first


def test_both_issuers_publish_and_an_unknown_one_is_404(desk):
    """One list for each issuing CA."""
    assert desk.crl(issuer="GIA_LAP_CO_YEU").issuer_name == SEAL.certificate.issuer_name
    assert desk.client.get("/ca/crl/AI_DO.crl").status_code == 404
    assert desk.client.get("/ca/chung-thu/AI_DO.crt").status_code == 404


def test_a_revocation_counts_from_now_on(desk):
    """Without a moment, the space's present."""
    answer = desk.post("thu_hoi")

    assert answer.status_code == 201
    assert datetime.fromisoformat(answer.json()["luc"]) == NOW
    assert (desk.state(NOW - HOUR), desk.state(NOW)) == ("good", "revoked")


def test_a_serial_may_be_written_in_any_case(desk):
    """Compared as a number (transactions §2.4)."""
    desk.post("thu_hoi", so_hieu=SERIAL.lower())

    assert desk.state() == "revoked"


def test_a_suspension_and_its_end_are_remembered(desk):
    """Signed meanwhile stays refused after the suspension was lifted."""
    desk.post("tam_dung", luc=(NOW - 2 * DAY).isoformat())
    desk.post("mo_lai", luc=(NOW - DAY).isoformat())

    assert desk.state(NOW) == "good"
    assert desk.state(NOW - DAY - HOUR) == "suspended"


def test_an_event_of_the_future_waits_for_the_clock(desk):
    """Written down today for tomorrow: in tomorrow's list only."""
    desk.post("thu_hoi", luc=(NOW + DAY).isoformat())
    today = TEACHER.certificate.serial in desk.crl().revoked
    desk.house.spaces.move_clock("tap", NOW + DAY)

    assert not today
    assert desk.state(NOW + DAY) == "revoked"


def test_a_revocation_in_one_space_is_none_in_another(desk):
    """Same authority, same certificates, each space its own history."""
    desk.post("thu_hoi", space="/s/lop-a")

    assert desk.state(space="/s/lop-a") == "revoked"
    assert desk.state() == "good"


def test_resetting_a_space_makes_its_certificates_good_again(desk):
    """And touches no other space."""
    desk.post("thu_hoi")
    desk.post("thu_hoi", space="/s/lop-a")
    desk.service.reset_space("lop-a")

    assert desk.state(space="/s/lop-a") == "good"
    assert desk.state() == "revoked"


@pytest.mark.parametrize(
    "before", [["mo_lai"], ["tam_dung", "tam_dung"], ["thu_hoi", "thu_hoi"], ["thu_hoi", "mo_lai"]]
)
def test_an_event_that_contradicts_what_happened_is_409(desk, before):
    """Nothing follows a revocation, nothing happens twice, nothing ends that did not begin."""
    answers = [desk.post(kind).status_code for kind in before]

    assert answers[-1] == 409
    assert answers[:-1] == [201] * (len(before) - 1)


@pytest.mark.parametrize("token", ["", "wrong"])
def test_events_need_a_token(desk, token):
    """Learners and providers cannot revoke anybody's certificate."""
    assert desk.post("thu_hoi", token=token).status_code == 401
    assert desk.state() == "good"


def test_our_own_services_may_record_events_too(desk):
    """The internal token opens the same door."""
    assert desk.post("tam_dung", token="internal").status_code == 201


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"so_hieu": "xyz"}, "/so_hieu"),
        ({"to_chuc_cap": "VNPT"}, "/to_chuc_cap"),
        ({"su_kien": "xoa"}, "/su_kien"),
        ({"luc": "2025-05-28T08:00:00"}, "/luc"),
        ({"la": 1}, "/la"),
    ],
)
def test_a_malformed_event_says_where(desk, changed, pointer):
    """SBX-1101 with a pointer; nothing is stored."""
    answer = desk.post("thu_hoi", **changed)

    assert answer.status_code == 400
    assert [row["con_tro_json"] for row in answer.json()["chi_tiet"]] == [pointer]
    assert desk.service.events(desk.house.spaces.get("tap")) == []


def test_what_was_recorded_is_listed(desk):
    """Tools see all events of the space, future ones included."""
    desk.post("tam_dung")
    desk.post("thu_hoi", luc=(NOW + DAY).isoformat())
    answer = desk.client.get("/ca/v1/su-kien", headers={"Authorization": "Bearer admin"})

    assert [(row["thu_tu"], row["su_kien"]) for row in answer.json()] == [
        (1, "tam_dung"),
        (2, "thu_hoi"),
    ]


def test_the_authoritys_certificates_can_be_fetched(desk):
    """Issuing CAs and root as DER, all of them as one PEM chain."""
    issuers = [desk.client.get(f"/ca/chung-thu/{code}.crt").content for code in AUTHORITY.issuers]
    root = Certificate.from_der(desk.client.get("/ca/goc.crt").content)

    assert Trust(issuers).issuer_of(TEACHER.certificate) is not None
    assert all(Certificate.from_der(der).is_issued_by(root) for der in issuers)
    assert desk.client.get("/ca/chuoi.pem").text == AUTHORITY.chain_pem


def test_a_worker_fetches_and_tools_record_over_the_wire(desk):
    """wire.responders against a real server, in a space."""
    with serve(desk.house.app) as address:
        base = f"{address}/s/lop-a"
        made = record_event(
            base, token="admin", issuer=ISSUER, serial=SERIAL, kind=EventKind.REVOKE
        )
        found = read_crl(fetch_crl(base, ISSUER), AUTHORITY.issuers[ISSUER].certificate)
        with pytest.raises(ValueError, match="409"):
            record_event(base, token="admin", issuer=ISSUER, serial=SERIAL, kind=EventKind.REVOKE)

    assert made.luc == NOW
    assert found.state_at(TEACHER.certificate.serial, NOW) == "revoked"


def test_an_unreachable_responder_is_unavailable():
    """Who checks waits; nobody is refused for it."""
    with pytest.raises(Unavailable):
        fetch_crl("http://127.0.0.1:9", ISSUER)
    with pytest.raises(Unavailable):
        record_event(
            "http://127.0.0.1:9", token="x", issuer=ISSUER, serial="01", kind=EventKind.REVOKE
        )


@pytest.mark.parametrize(
    ("language", "heading"),
    [("vi", "Tổ chức cấp chứng thư số tập huấn"), ("en", "Practice certificate authority")],
)
def test_the_page_says_what_is_here_in_both_languages(desk, language, heading):
    """Serials, lists and downloads of this space; every message exists (strict skin)."""
    desk.post("thu_hoi")
    browser = desk.house.browser()
    browser.cookies.set("ngon_ngu", language)
    page = browser.get("/ca", follow_redirects=True)

    assert page.status_code == 200
    assert heading in page.text
    assert AUTHORITY.root.certificate.serial_hex in page.text
    assert "/ca/crl/GIA_LAP_CA.crl" in page.text


def test_links_of_the_page_stay_in_the_space(desk):
    """Every address is made by url()."""
    html = desk.house.browser().get("/s/lop-a/ca").text

    assert 'href="/s/lop-a/ca/crl/GIA_LAP_CO_YEU.crl' in html
