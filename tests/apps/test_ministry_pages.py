"""The desk's pages: officer, progress, public verification, API."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sandbox.domain.rejections import CATALOGUE
from sandbox.wire.officer import forms_of
from tests.builders.ministry import (
    MINUTE,
    Caller,
    Installation,
    installed,
    signed,
    unit_certificate,
)


@pytest.fixture
def ministry(tmp_path: Path) -> Iterator[Installation]:
    with installed(f"sqlite:///{tmp_path / 'ministry.db'}", pages=True) as installation:
        installation.open_space("tap", approved=False)
        yield installation


@pytest.fixture
def open_ministry(tmp_path: Path) -> Iterator[Installation]:
    with installed(f"sqlite:///{tmp_path / 'open.db'}", pages=True) as installation:
        installation.open_space("tap")
        yield installation


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append(data.strip())


def words(page: str) -> str:
    """Return what a reader sees of a page."""
    reader = _Words()
    reader.feed(page)
    return " ".join(" ".join(reader.words).split())


def press(ministry: Installation, page: str, *, ending: str, **typed: str) -> Any:
    """Send the form of *page* whose address ends with *ending*, and follow to the next page."""
    html = ministry.client.get(page).text
    form = next(f for f in forms_of(html) if f.action.split("?")[0].endswith(ending))
    ministry.clock.advance(1)
    return ministry.client.post(form.action, data={**form.fields, **typed})


def register(ministry: Installation, caller: Caller, **said: Any) -> str:
    """Register the caller's certificate and return the messageid."""
    messageid = str(uuid.uuid4())
    answer = caller.post("chung-thu-so", caller.registration(messageid=messageid, **said))
    assert answer.json()["error"] == "0", answer.text
    return messageid


def state_of(caller: Caller, messageid: str) -> dict[str, Any]:
    """Ask type 4."""
    body = {"authenticationRequest": caller.fields(messageid=messageid, ma_nam_hoc=2024)}
    return dict(caller.post("chung-thu-so/trang-thai", body).json())


def test_a_registration_waits_until_an_officer_decides(ministry: Installation) -> None:
    """Type 4 has no value for pending: SBX-1201 until the officer acts (§2.5)."""
    school = Caller.of_school(ministry).log_in()

    answer = state_of(school, register(ministry, school))

    assert (answer["error"], answer["trang_thai_phe_duyet"]) == ("SBX-1201", None)


def test_an_officer_approves_with_one_button(ministry: Installation) -> None:
    """After the button type 4 answers 1 and the school may hand in."""
    school = Caller.of_school(ministry).log_in()
    messageid = register(ministry, school)

    press(ministry, "/kho/so/48/can-bo", ending=f"{messageid}/duyet")

    assert state_of(school, messageid)["trang_thai_phe_duyet"] == 1
    assert school.hand_in([signed(ministry.cards[0])])[0]["error"] == "0"


def test_an_officer_refuses_with_a_reason_the_school_reads(ministry: Installation) -> None:
    """Type 4 answers 0 with SBX-1122 and the officer's own words."""
    school = Caller.of_school(ministry).log_in()
    messageid = register(ministry, school)

    press(
        ministry,
        f"/kho/so/48/can-bo/cts/{messageid}",
        ending="/tu-choi",
        ly_do="Chứng thư số đã cũ",
    )

    answer = state_of(school, messageid)
    assert (answer["trang_thai_phe_duyet"], answer["error"]) == (0, "SBX-1122")
    assert "Chứng thư số đã cũ" in answer["error_description"]


def test_a_refusal_without_a_reason_shows_the_form_again(ministry: Installation) -> None:
    """Nothing is decided, and the page says what is missing."""
    school = Caller.of_school(ministry).log_in()
    messageid = register(ministry, school)

    answer = press(ministry, f"/kho/so/48/can-bo/cts/{messageid}", ending="/tu-choi")

    assert "Ghi lý do trước khi từ chối." in words(answer.text)
    assert state_of(school, messageid)["error"] == "SBX-1201"


def test_an_approval_without_its_form_token_decides_nothing(ministry: Installation) -> None:
    """A POST without the one-time token shows the page again (learner-experience §8.1)."""
    school = Caller.of_school(ministry).log_in()
    messageid = register(ministry, school)

    ministry.client.post(f"/kho/so/48/can-bo/cts/{messageid}/duyet", data={})

    assert state_of(school, messageid)["error"] == "SBX-1201"


def test_a_certificate_declared_otherwise_than_it_is_never_reaches_the_officer(
    ministry: Installation,
) -> None:
    """SBX-1120 in type 4, and no button at the officer's desk."""
    school = Caller.of_school(ministry).log_in()
    messageid = register(ministry, school, serial_number="0A")

    answer = state_of(school, messageid)

    assert (answer["trang_thai_phe_duyet"], answer["error"]) == (0, "SBX-1120")
    assert messageid + "/duyet" not in ministry.client.get("/kho/so/48/can-bo").text


def test_a_provider_off_the_list_is_taken_and_shown_as_another(ministry: Installation) -> None:
    """Codes printed as examples are accepted on input, and no such name is shown (§2.4)."""
    school = Caller.of_school(ministry).log_in()
    messageid = register(ministry, school, nha_phat_hanh="BAN_CO_YEU")

    shown = words(ministry.client.get(f"/kho/so/48/can-bo/cts/{messageid}").text)

    assert state_of(school, messageid)["error"] == "SBX-1201"
    assert "Nhà cung cấp khác" in shown
    assert "BAN_CO_YEU" not in shown


def register_as_another(ministry: Installation) -> dict[str, Any]:
    """Let the second school register the first one's certificate; return its type 4 answer."""
    first = Caller.of_school(ministry)
    second = Caller.of_school(ministry, number=1).log_in()
    borrowed = Caller(
        ministry, second.user_name, first.unit_code, first.unit_name, second.base, second.token
    )
    body = borrowed.registration()
    body["authenticationRequest"]["ma_don_vi"] = second.unit_code
    second.post("chung-thu-so", body)
    return state_of(second, body["authenticationRequest"]["messageid"])


def test_one_certificate_cannot_serve_two_units(ministry: Installation) -> None:
    """SBX-1121: the serial is another school's already (§6)."""
    register(ministry, Caller.of_school(ministry).log_in())

    assert register_as_another(ministry)["error"] == "SBX-1121"


def test_a_certificate_of_another_unit_is_declared_wrongly(ministry: Installation) -> None:
    """SBX-1120: nobody has registered it yet, but it names another unit."""
    assert register_as_another(ministry)["error"] == "SBX-1120"


def test_a_replaced_certificate_seals_no_new_records(ministry: Installation) -> None:
    """The old one stays good for what was signed while it was approved (§6)."""
    school = Caller.of_school(ministry).log_in()
    old = register(ministry, school)
    press(ministry, "/kho/so/48/can-bo", ending=f"{old}/duyet")
    ministry.clock.advance(3600)
    school.log_in()
    new = register(ministry, school, label="second")
    press(ministry, "/kho/so/48/can-bo", ending=f"{new}/duyet")
    space = ministry.spaces.get("tap")
    assert space is not None
    later = space.now(ministry.clock)

    before = signed(ministry.cards[0])
    after = signed(ministry.cards[1], later)
    rows = school.hand_in([before, after], at=later + 4 * MINUTE, label="second")

    assert [row["error"] for row in rows] == ["0", "SBX-3009"]


def test_the_officer_sees_who_sent_what(open_ministry: Installation) -> None:
    """The list names account, unit and counts; the package page names each pupil's result."""
    school = Caller.of_school(open_ministry).log_in()
    school.hand_in([signed(open_ministry.cards[0])])

    listed = open_ministry.client.get("/kho/so/48/can-bo/goi").text
    link = re.search(r'href="(/kho/so/48/can-bo/goi/[^"?]+)', listed)
    assert link is not None
    package = open_ministry.client.get(link.group(1)).text

    assert f"{school.user_name}: nhận 1/1 học bạ" in words(listed)
    assert open_ministry.cards[0].general.pupil_name in words(package)


def test_the_progress_page_counts_what_was_accepted(open_ministry: Installation) -> None:
    """Accepted records, share of the total, schools that have handed in."""
    school = Caller.of_school(open_ministry).log_in()
    school.hand_in([signed(card) for card in open_ministry.cards])

    shown = words(open_ministry.client.get("/kho/so/48/tien-do").text)

    assert "30 học bạ đã nhận" in shown
    assert "1/2 trường đã nộp" in shown


def upload(ministry: Installation, xml: bytes) -> str:
    """Verify a file and return what the reader sees."""
    page = ministry.client.get("/kho/tra-cuu").text
    form = next(f for f in forms_of(page) if f.action.split("?")[0].endswith("/tep"))
    ministry.clock.advance(1)
    answer = ministry.client.post(
        form.action, data=form.fields, files={"tep": ("hoc-ba.xml", xml, "application/xml")}
    )
    return words(answer.text)


SIX = [
    "1. Người ký, tổ chức cấp",
    "2. Thời điểm ký",
    "3. Hiệu lực",
    "4. Toàn vẹn dữ liệu",
    "5. Chứng thư số",
    "6. Cấu trúc XML",
]


def test_an_accepted_record_verifies_line_by_line(open_ministry: Installation) -> None:
    """All six lines of 1789 đ.12 pass and the file equals the stored copy."""
    school = Caller.of_school(open_ministry).log_in()
    record = signed(open_ministry.cards[0])
    school.hand_in([record])

    shown = upload(open_ministry, record)

    assert "Học bạ có giá trị" in shown
    for line in SIX:
        assert f"{line} ✔ Đúng" in shown
    assert "Trùng từng byte với bản lưu" in shown


def test_a_changed_mark_fails_the_line_of_integrity(open_ministry: Installation) -> None:
    """A record edited after signing is not valid: line 4, and another file than the stored one."""
    school = Caller.of_school(open_ministry).log_in()
    record = signed(open_ministry.cards[0])
    school.hand_in([record])
    name = open_ministry.cards[0].general.address.encode()

    shown = upload(open_ministry, record.replace(name, name + " sửa".encode()))

    assert "Học bạ không có giá trị" in shown
    assert "4. Toàn vẹn dữ liệu ✖ Sai" in shown
    assert "Khác bản lưu" in shown
    assert "SBX-3002" in shown


def test_a_signed_record_the_desk_never_accepted_is_not_valid(open_ministry: Installation) -> None:
    """Part two of the authentication: the authority stores no such record (1789 đ.2.13)."""
    shown = upload(open_ministry, signed(open_ministry.cards[0]))

    assert "Học bạ không có giá trị" in shown
    assert "4. Toàn vẹn dữ liệu ✔ Đúng" in shown
    assert "Nơi tiếp nhận không lưu học bạ này" in shown


def test_a_file_that_is_no_record_fails_the_line_of_structure(open_ministry: Installation) -> None:
    """The other lines were not reached."""
    shown = upload(open_ministry, b"<khac/>")

    assert "6. Cấu trúc XML ✖ Sai" in shown
    assert "4. Toàn vẹn dữ liệu ○ Chưa kiểm được" in shown


def test_a_revoked_signature_of_the_past_stays_valid_and_says_so(
    open_ministry: Installation,
) -> None:
    """Validity at signing decides; the state now is shown beside it (lifecycle §7.1)."""
    school = Caller.of_school(open_ministry).log_in()
    record = signed(open_ministry.cards[0])
    school.hand_in([record])
    seal = unit_certificate(school.unit_code, school.unit_name)
    open_ministry.clock.advance(3600)
    space = open_ministry.spaces.get("tap")
    assert space is not None
    open_ministry.responders.revoke(seal, at=space.now(open_ministry.clock))

    shown = upload(open_ministry, record)

    assert "Học bạ có giá trị" in shown
    assert "Còn hiệu lực Đã thu hồi" in shown


def look_up(ministry: Installation, **items: str) -> str:
    """Enter the five items, doing the sum, and return what the reader sees."""
    page = ministry.client.get("/kho/tra-cuu").text
    form = next(f for f in forms_of(page) if f.action.split("?")[0].endswith("/nam-muc"))
    found = re.search(r"(\d+) cộng (\d+)", page)
    assert found is not None
    ministry.clock.advance(1)
    typed = {"xac_nhan": str(int(found.group(1)) + int(found.group(2))), **items}
    return words(ministry.client.post(form.action, data={**form.fields, **typed}).text)


def five_items(ministry: Installation) -> dict[str, str]:
    """Return the items of the first card."""
    general = ministry.cards[0].general
    return {
        "ma_tra_cuu": general.record_id,
        "ho_ten": general.pupil_name.upper(),
        "ngay_sinh": f"{general.birth_date:%d/%m/%Y}",
        "so_cccd": general.pupil_id,
    }


def test_five_items_find_a_record_without_showing_marks(open_ministry: Installation) -> None:
    """Way 2 answers valid, and nothing of the record's content (lifecycle §7.2)."""
    school = Caller.of_school(open_ministry).log_in()
    school.hand_in([signed(open_ministry.cards[0])])

    shown = look_up(open_ministry, **five_items(open_ministry))

    assert "Học bạ có giá trị" in shown
    assert open_ministry.cards[0].summary.teacher_comment not in shown


@pytest.mark.parametrize(
    ("item", "value"),
    [("ho_ten", "Người Khác"), ("ngay_sinh", "01/01/2016"), ("so_cccd", "948316000099")],
)
def test_one_wrong_item_finds_nothing_and_does_not_say_which(
    open_ministry: Installation, item: str, value: str
) -> None:
    """The same words whichever item is wrong."""
    school = Caller.of_school(open_ministry).log_in()
    school.hand_in([signed(open_ministry.cards[0])])

    shown = look_up(open_ministry, **{**five_items(open_ministry), item: value})

    assert "Không có học bạ nào khớp cả năm mục." in shown


def test_a_wrong_confirmation_code_looks_nothing_up(open_ministry: Installation) -> None:
    """The sum must be right first."""
    school = Caller.of_school(open_ministry).log_in()
    school.hand_in([signed(open_ministry.cards[0])])

    shown = look_up(open_ministry, **five_items(open_ministry), xac_nhan="1")

    assert "Làm phép cộng ở dưới rồi nhập kết quả." in shown


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize(
    "path",
    [
        "/kho",
        "/kho/so/48",
        "/kho/tien-do",
        "/kho/so/48/tien-do",
        "/kho/can-bo",
        "/kho/can-bo/goi",
        "/kho/tra-cuu",
        "/kho/api",
    ],
)
def test_every_page_is_there_in_both_languages(
    open_ministry: Installation, path: str, language: str
) -> None:
    """Strict catalogues raise on a missing word; each page has its one h1 and its language."""
    answer = open_ministry.client.get(path, params={"ngon_ngu": language})

    assert answer.status_code == 200
    assert answer.text.count("<h1") == 1
    assert f'<html lang="{language}"' in answer.text


def test_the_openapi_lists_every_code_of_every_service(open_ministry: Installation) -> None:
    """Every code of the catalogue but success and the recall is found at some service."""
    document = open_ministry.client.get("/kho/api/openapi.json").json()

    listed = {
        code
        for path in document["paths"].values()
        for operation in path.values()
        for code in operation["x-ma-loi"]
    }
    recall = {code for code, r in CATALOGUE.items() if r.stage == "recall"}
    assert set(CATALOGUE) - {"0"} - recall <= listed


def test_the_openapi_names_the_fields_of_a_submission(open_ministry: Installation) -> None:
    """The request schema carries the printed names."""
    document = open_ministry.client.get("/kho/api/openapi.json").json()
    body = document["paths"]["/kho/sandbox/v1/hoc-ba"]["post"]["requestBody"]

    assert {"authenticationRequest", "content"} <= set(
        body["content"]["application/json"]["schema"]["properties"]
    )
    assert "nam_hoc" in json.dumps(body)
