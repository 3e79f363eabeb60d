"""One look at signatures: the same verdict from the desk, the API, the page on every level."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from lxml import html

from sandbox.documents import envelope
from sandbox.ministry.signature_view_store import KEPT_S, OF_A_VISITOR
from sandbox.wire.officer import forms_of
from sandbox.wire.signature_view import ExamineReply
from tests.builders.ministry import Caller, Installation, installed, signed
from tests.vectors import make_bad_signatures as bad

INDEX: dict[str, dict[str, str]] = json.loads(
    (bad.FOLDER / "index.json").read_text(encoding="utf-8")
)
API = "/kho/sandbox/v1/kham-chu-ky"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("signature-view")
    with installed(f"sqlite:///{folder / 'ministry.db'}", pages=True) as installation:
        installation.open_space("tap")
        yield installation


@pytest.fixture(scope="module")
def school(desk: Installation) -> Caller:
    return Caller.of_school(desk).log_in()


def file_of(name: str) -> bytes:
    return (bad.FOLDER / f"{name}.xml").read_bytes()


def examined(desk: Installation, body: Any, **headers: str) -> ExamineReply:
    """Ask the service and read its answer by its own model."""
    more = {"json": body} if isinstance(body, dict) else {"content": body}
    answer = desk.client.post(API, headers=headers, **more)
    assert answer.status_code == 200, answer.text
    return ExamineReply.model_validate(answer.json())


def sent(desk: Installation, content: bytes) -> str:
    """Send a file to the page and return the path it leads to."""
    page = desk.client.get("/kho/chu-ky").text
    form = next(f for f in forms_of(page) if f.action.split("?")[0].endswith("/tep"))
    desk.clock.advance(1)
    files = {"tep": ("hoc-ba.xml", content, "application/xml")}
    answer = desk.client.post(form.action, data=form.fields, files=files, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"]).split("?")[0]


def text_of(page: str) -> str:
    return " ".join(html.fromstring(page).text_content().split())


def desk_codes(desk: Installation, school: Caller, content: str) -> list[str]:
    """Hand a package in over HTTP and return the codes of its only row, or of the package."""
    messageid = str(uuid.uuid4())
    desk.clock.advance(1)  # at most ten requests a second
    assert school.submit(content, messageid=messageid).json()["Error"] == "0"
    desk.work()
    answer = school.result(messageid).json()
    rows = answer["DanhSach"] or [answer]
    return list(
        dict.fromkeys(d["ma"] for row in rows for d in row["chi_tiet"] if d["muc"] == "loi")
    )


@pytest.mark.parametrize("name", INDEX)
def test_the_doctors_verdict_is_the_ministrys_on_every_bad_signature(
    desk: Installation, school: Caller, name: str
) -> None:
    """What the worker answers to the sender, the service says too, with the cause first."""
    content = envelope.pack(file_of(name))

    found = examined(desk, {"content": content})

    assert list(found.ma) == desk_codes(desk, school, content)
    assert (found.ma[0], found.nguyen_nhan[0].khoa) == (INDEX[name]["code"], INDEX[name]["cause"])


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["comment_edited", ""], id="some"),
        pytest.param(sorted(INDEX), marks=pytest.mark.long, id="all"),
    ],
)
def test_the_same_verdict_stands_on_all_three_levels_and_in_the_api(
    desk: Installation, names: list[str]
) -> None:
    """Verdict line and codes are the same on every level (features-to-beat 44)."""
    for name in names:
        xml = file_of(name) if name else desk_package(desk)
        said = examined(desk, xml)
        path = sent(desk, xml)
        heads = set()
        for level in (1, 2, 3):
            tree = html.fromstring(desk.client.get(f"{path}?muc={level}").text)
            (head,) = tree.xpath("//section[contains(@class, 'ket-luan')]/p[1]")
            heads.add(" ".join(head.text_content().split()))
            if level > 1 and said.ma:
                assert ", ".join(said.ma) in tree.text_content()
        assert len(heads) == 1, name
        assert ("✖" in heads.pop()) == bool(said.ma), name


def desk_package(desk: Installation) -> bytes:
    """A good package of a pupil whose record is not stored."""
    school = desk.school
    return bad.packed([signed(desk.cards[7])], unit_code=school.code, unit_name=school.name)


def test_a_stored_record_is_said_to_hold_and_a_revoked_card_still_to_have_signed(
    desk: Installation, school: Caller
) -> None:
    """The stored copy counts; a certificate revoked afterwards changes nothing but a word."""
    xml = signed(desk.cards[3])
    assert school.hand_in([xml])[0]["trang_thai"] == 1

    found = examined(desk, xml)
    page = text_of(desk.client.get(sent(desk, xml)).text)

    assert (found.ket_luan, found.ma, found.nguyen_nhan) == ("co_gia_tri", (), ())
    assert "Học bạ này đúng và còn giá trị." in page
    assert page.count("Đúng. Thẻ chữ ký số còn hạn đến") == 3
    assert str(desk.cards[3].general.pupil_name) in page


def test_a_good_record_nobody_stored_is_right_and_not_yet_of_value(desk: Installation) -> None:
    """Right signatures are not enough: the desk has no copy (1789 đ.2.13)."""
    assert examined(desk, desk_package(desk)).ket_luan == "chua_luu"


def test_level_two_shows_the_six_checks_with_word_and_sign(desk: Installation) -> None:
    """Each line has a mark and a word, never colour alone."""
    path = sent(desk, file_of("signing_time_edited"))

    tree = html.fromstring(desk.client.get(f"{path}?muc=2").text)

    marks = [
        " ".join(node.text_content().split())
        for node in tree.xpath("(//dl[@class='xem-lai'])[1]//span[contains(@class, 'dau')]")
    ]
    assert len(marks) == 6
    assert {"✖ Sai", "✔ Đúng"} <= set(marks)


def test_level_three_hands_out_the_canonical_bytes_and_those_really_hashed(
    desk: Installation,
) -> None:
    """What an engineer downloads hashes to what the page says."""
    path = sent(desk, file_of("crlf_hashed"))
    page = desk.client.get(f"{path}?muc=3").text
    links = {part: f"{path}/byte/GVCN/{part}?hb=1" for part in ("data", "form", "certificate")}

    answers = {part: desk.client.get(link) for part, link in links.items()}

    assert all(link in page for link in links.values())
    assert answers["form"].content.replace(b"\r\n", b"\n") == answers["data"].content
    assert answers["certificate"].content[:1] == b"\x30"
    assert "attachment" in answers["data"].headers["content-disposition"]


def test_a_file_is_kept_half_an_hour_for_its_visitor_alone_and_only_a_few(
    desk: Installation,
) -> None:
    """Bounded, per visitor, expiring: what the page promises."""
    paths = [sent(desk, file_of("der_value")) for _ in range(OF_A_VISITOR + 1)]

    first, last = (text_of(desk.client.get(path).text) for path in (paths[0], paths[-1]))
    visitor = desk.client.cookies.get("hv")
    desk.client.cookies.clear()
    stranger = text_of(desk.client.get(paths[-1]).text)
    desk.client.cookies.clear()
    desk.client.cookies.set("hv", str(visitor))
    desk.clock.advance(KEPT_S + 1)
    later = text_of(desk.client.get(paths[-1]).text)

    gone = "Tệp đã hết 30 phút"
    assert [gone in page for page in (first, last, stranger, later)] == [True, False, True, True]


def test_public_verification_leads_on_to_the_three_levels(
    desk: Installation, school: Caller
) -> None:
    """By file with everything; by five items without the data, since no marks are shown."""
    card = desk.cards[4]
    school.hand_in([signed(card)])
    page = desk.client.get("/kho/tra-cuu").text
    form = next(f for f in forms_of(page) if f.action.split("?")[0].endswith("/nam-muc"))
    a, b = map(int, re.findall(r"(\d+) cộng (\d+)", page)[0])
    desk.clock.advance(1)
    general = card.general
    answer = desk.client.post(
        form.action,
        data={
            **form.fields,
            "ma_tra_cuu": card.record_id,
            "ho_ten": general.pupil_name,
            "ngay_sinh": f"{general.birth_date:%d/%m/%Y}",
            "so_cccd": general.pupil_id,
            "xac_nhan": str(a + b),
        },
    )
    (link,) = html.fromstring(answer.text).xpath("//a[contains(@href, '/kho/chu-ky/xem/')]/@href")
    look = desk.client.get(f"{link.split('?')[0]}?muc=3")

    assert "Học bạ này đúng và còn giá trị." in text_of(look.text)
    assert "/byte/GVCN/properties" in look.text
    assert "/byte/GVCN/data" not in look.text
    assert desk.client.get(f"{link.split('?')[0]}/byte/GVCN/data").status_code == 404


def test_an_officer_sees_the_signatures_of_a_package_that_lies_at_the_desk(
    desk: Installation, school: Caller
) -> None:
    """From the package's page to the doctor, without sending the file again."""
    content = envelope.pack(file_of("package_reindented"))
    messageid = str(uuid.uuid4())
    school.submit(content, messageid=messageid)
    desk.work()
    here = f"/kho/so/48/can-bo/goi/{messageid}"

    linked = desk.client.get(here).text
    look = desk.client.get(f"{here}/chu-ky?muc=3")

    assert f"{here}/chu-ky" in linked
    assert "thụt dòng lại sau khi ký" in text_of(look.text)
    assert desk.client.get(f"{here}/chu-ky/byte/package/form").status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{}", 400, "SBX-1101"),
        (b"[1]", 400, "SBX-1101"),
        (b"", 400, "SBX-1101"),
        (b"\xff\xfe", 400, "SBX-1101"),
    ],
)
def test_a_request_that_holds_nothing_is_refused_in_the_printed_fields(
    desk: Installation, body: bytes, status: int, code: str
) -> None:
    """Answered, never broken."""
    answer = desk.client.post(API, content=body)

    assert (answer.status_code, answer.json()["Error"]) == (status, code)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<HOC_BA/>", "SBX-2003"),
        (b"<HOC_BA", "SBX-1113"),
        ({"content": "khong-phai-base64"}, "SBX-1108"),
        ({"xml": "<!DOCTYPE a []><a/>"}, "SBX-1114"),
        ({"xml": "<DANH_SACH_HOC_BA id='dataDanhSach'/>"}, "SBX-1110"),
    ],
)
def test_whatever_is_sent_gets_a_verdict_with_a_cause(
    desk: Installation, body: Any, code: str
) -> None:
    """Broken documents are examined as far as they go."""
    found = examined(desk, body)

    assert code in found.ma
    assert found.nguyen_nhan


def test_the_service_speaks_english_and_gives_the_bytes_when_asked(desk: Installation) -> None:
    """Accept-Language decides; `byte` brings the canonical bytes."""
    body = {"xml": file_of("der_value").decode(), "byte": True}

    found = examined(desk, body, **{"accept-language": "en"})

    assert "DER" in found.nguyen_nhan[0].chuyen_gi
    assert found.nguyen_nhan[0].cach_sua.startswith("Take DER apart")
    assert set(found.hoc_ba[0].chu_ky[0].byte or {}) == {"data", "properties", "signed_info"}


def test_the_service_stands_in_the_openapi_with_its_codes(desk: Installation) -> None:
    """Documented like every service; it asks for no token."""
    operation = desk.client.get("/kho/api/openapi.json").json()["paths"][API]["post"]

    assert {"SBX-1101", "SBX-1104", "SBX-3002", "SBX-1110"} <= set(operation["x-ma-loi"])
    assert "content" in json.dumps(operation["requestBody"])
