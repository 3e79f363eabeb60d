"""The catalogues, the environment, forwarding to the Kho, the client, the side doors."""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from sandbox.documents import parse
from sandbox.domain.rejections import CATALOGUE
from sandbox.errors import Misuse, Unavailable
from sandbox.wire.http import async_client, client, is_loopback
from sandbox.wire.ministry import Account, MinistryClient
from tests.builders.ministry import (
    ADMIN_TOKEN,
    PASSWORD,
    Caller,
    Installation,
    department,
    installed,
    packed,
    register_row,
    signed,
)

T = TypeVar("T")
ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


@pytest.fixture
def ministry(tmp_path: Path) -> Iterator[Installation]:
    with installed(f"sqlite:///{tmp_path / 'ministry.db'}") as installation:
        installation.open_space("tap")
        yield installation


@pytest.fixture
def school(ministry: Installation) -> Caller:
    return Caller.of_school(ministry).log_in()


def get(caller: Caller, path: str, **headers: str) -> Any:
    return caller.installation.client.get(f"{caller.base}/{path}", headers=headers)


def bearer(caller: Caller) -> dict[str, str]:
    return {"Authorization": f"Bearer {caller.token}"}


def test_a_token_is_handed_out_for_an_hour(ministry: Installation) -> None:
    """Service 3.1 answers token, het_han_sau and the printed error fields (§2.8)."""
    caller = Caller.of_school(ministry).log_in()

    assert len(caller.token) > 20


def test_a_refused_token_is_null(ministry: Installation) -> None:
    """The shape stays the same when the password is wrong."""
    caller = Caller.of_school(ministry)
    body = {"user_name": caller.user_name, "password": "x", "ma_don_vi": caller.unit_code}

    answer = caller.post("token", body)

    assert answer.status_code == 401
    assert answer.json()["token"] is None
    assert answer.json()["het_han_sau"] == 3600


@pytest.mark.parametrize(
    ("path", "first"),
    [("danh-muc/kieu-chu-ky", "REMOTE_SIGNING"), ("danh-muc/nha-cung-cap", "GIA_LAP_CA")],
)
def test_the_printed_lists_answer_without_a_token(
    ministry: Installation, path: str, first: str
) -> None:
    """3.2 and 3.3: rows of ma and ten, MessageId null (§2.7, §2.8)."""
    answer = get(Caller.of_school(ministry), path).json()

    assert answer["MessageId"] is None
    assert answer["DanhSach"][0]["ma"] == first
    assert set(answer["DanhSach"][0]) == {"ma", "ten"}


def test_the_catalogue_of_codes_speaks_the_askers_language(ministry: Installation) -> None:
    """danh-muc/ma-loi: every code with title, plain text, stage and severity (§4.1)."""
    caller = Caller.of_school(ministry)

    rows = get(caller, "danh-muc/ma-loi", **{"Accept-Language": "en"}).json()["DanhSach"]

    assert [row["ma"] for row in rows] == list(CATALOGUE)
    assert rows[1]["tieu_de"] == CATALOGUE[rows[1]["ma"]].title["en"]
    assert set(rows[1]) == {"ma", "tieu_de", "cau_thuong", "giai_doan", "muc"}


def test_the_environment_is_described_as_the_specification_lists_it(school: Caller) -> None:
    """thong-tin: clocks, year, lock dates, limits, sizes, switches with their defaults (§4.1)."""
    said = get(school, "thong-tin", **bearer(school)).json()

    assert said["dau"] == "BẢN TẬP – DỮ LIỆU GIẢ LẬP"
    assert said["gio_khong_gian"].startswith("2025-05-28T08:00:0")
    assert said["nam_hoc"] == 2024
    assert said["ngay_chot"] == ["2025-06-30T23:59:59+07:00", "2025-08-15T23:59:59+07:00"]
    assert said["gioi_han"] == {"ten": "truong", "yeu_cau_moi_giay": 10, "goi_dang_mo": 4}
    assert said["kich_thuoc"] == {
        "than_http": 10485760,
        "giai_nen": 33554432,
        "so_hoc_ba": 2000,
    }
    assert said["cong_tac"] == {
        "do_dai_chat": True,
        "thu_tu_the": "sequence",
        "muc_bang_chu": False,
        "gvcn": "theo_ten",
        "bi_danh": True,
    }


def test_the_environment_needs_a_token(ministry: Installation) -> None:
    """SBX-1103 and 401 without one."""
    answer = get(Caller.of_school(ministry), "thong-tin")

    assert (answer.status_code, answer.json()["Error"]) == (401, "SBX-1103")


def test_a_school_sees_itself_and_a_department_all_its_schools(
    ministry: Installation, school: Caller
) -> None:
    """danh-muc/truong: values as records must carry them (§4.1)."""
    own = get(school, "danh-muc/truong", **bearer(school)).json()["DanhSach"]
    sector = Caller.of_department(ministry).log_in()
    all_of_them = get(sector, "danh-muc/truong", **bearer(sector)).json()["DanhSach"]

    assert own == [register_row(department().schools[0]).as_row()]
    assert [row["MA_TRUONG"] for row in all_of_them] == [s.code for s in department().schools]


def test_circulating_records_are_forwarded_and_reported(
    ministry: Installation, school: Caller
) -> None:
    """School → Cổng → Sở copies byte for byte, re-signs → Kho: REPORTED (topology A, §8)."""
    records = [signed(card) for card in ministry.cards[:3]]
    school.hand_in(records)
    at_cong = Caller.of_department(ministry, at="cong").log_in()
    body = {"authenticationRequest": at_cong.fields(sau=0)}
    rows = at_cong.post("luu-hanh", body).json()["DanhSach"]
    copied = [base64.b64decode(row["hoc_ba"]) for row in rows]

    answered = Caller.of_department(ministry).log_in().hand_in(copied)

    space = ministry.spaces.get("tap")
    assert space is not None
    kept = ministry.service.record(space, "kho", ministry.cards[0].general.record_id)
    assert copied == records
    assert [row["error"] for row in answered] == ["0", "0", "0"]
    assert kept is not None
    assert (kept.state, kept.xml) == ("REPORTED", records[0])


def test_a_school_may_not_read_what_circulates(school: Caller) -> None:
    """The forwarding list is the Sở's own (SBX-1117)."""
    answer = school.post("luu-hanh", {"authenticationRequest": school.fields(sau=0)})

    assert (answer.status_code, answer.json()["Error"]) == (403, "SBX-1117")


def test_a_department_hands_in_records_of_its_own_schools_only(
    ministry: Installation,
) -> None:
    """At the Kho a package may hold many schools of one Sở (record-format §8)."""
    cards = [school.classes[0].cards[0] for school in department().schools]
    sector = Caller.of_department(ministry).log_in()

    rows = sector.hand_in([signed(card) for card in cards])

    assert [row["error"] for row in rows] == ["0", "0"]


def test_another_units_messageid_is_not_found(ministry: Installation, school: Caller) -> None:
    """SBX-1202 and 404: nobody sees who else sent what."""
    messageid = str(uuid.uuid4())
    school.submit("AAAA", messageid=messageid)
    other = Caller.of_school(ministry, number=1).log_in()

    answer = other.result(messageid)

    assert (answer.status_code, answer.json()["Error"]) == (404, "SBX-1202")


# ------------------------------------------------------------------------------- the client


def as_school(ministry: Installation, do: Callable[[MinistryClient], Awaitable[T]]) -> T:
    """Let a client of the school *do* something, over the application itself."""
    school = department().schools[0]
    account = Account(f"truong{school.code}", PASSWORD, school.code)

    async def doing() -> T:
        transport = httpx.ASGITransport(ministry.app, client=("127.0.0.1", 1))
        base = "http://testserver/kho/so/48"
        async with MinistryClient(base, account, transport=transport) as desk:
            return await do(desk)

    return asyncio.run(doing())


def test_the_client_submits_and_reads_the_result(ministry: Installation, school: Caller) -> None:
    """It fetches its token by itself and gives typed rows back."""
    content = school.content_of([signed(ministry.cards[0])])
    messageid = str(uuid.uuid4())

    receipt = as_school(ministry, lambda d: d.submit(content, nam_hoc=2024, messageid=messageid))
    ministry.work()
    result = as_school(ministry, lambda d: d.result(messageid))

    assert receipt.accepted
    assert [row.trang_thai for row in result.rows] == [1]


def test_the_client_renews_a_token_that_has_run_out(ministry: Installation) -> None:
    """SBX-1103 is answered by a fresh token and the same call again."""

    async def twice(desk: MinistryClient) -> dict[str, Any]:
        await desk.token()
        ministry.clock.advance(3601)
        return await desk.info()

    assert as_school(ministry, twice)["Error"] == "0"


def test_the_client_says_when_the_desk_is_away(ministry: Installation) -> None:
    """503 is Unavailable with the seconds to wait, never a receipt."""
    plan = {"unavailable_percent": 100}
    ministry.client.post("/kho/so/48/quan-tri/v1/loi", json=plan, headers=ADMIN)

    with pytest.raises(Unavailable) as away:
        as_school(ministry, lambda d: d.submit("AAAA", nam_hoc=2024, messageid=str(uuid.uuid4())))

    assert away.value.retry_after == 30


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "[::1]", "::1"])
def test_this_machine_is_loopback(host: str) -> None:
    """Names and addresses of this machine only."""
    assert is_loopback(host)


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1/kho", "http://kho.example/", "https://[2001:db8::1]"]
)
def test_no_client_is_made_for_an_outside_address(url: str) -> None:
    """Servers call no outside address (architecture §6.15)."""
    for make in (client, async_client):
        with pytest.raises(Misuse):
            make(url)


# ------------------------------------------------------------------------------- the side doors


@pytest.mark.parametrize("desk", ["/kho", "/kho/so/48"])
@pytest.mark.parametrize(
    ("method", "door"),
    [
        ("GET", "nhat-ky"),
        ("GET", "hang-doi"),
        ("GET", "hoc-ba/90000000-0000-4000-8000-000000000001"),
        ("POST", "truong"),
        ("POST", "loi"),
    ],
)
def test_no_side_door_opens_without_the_admin_token(
    ministry: Installation, desk: str, method: str, door: str
) -> None:
    """401 without the token and with a school's."""
    url = f"{desk}/quan-tri/v1/{door}"
    token = Caller.of_school(ministry).log_in().token

    for headers in ({}, {"Authorization": f"Bearer {token}"}):
        assert ministry.client.request(method, url, headers=headers).status_code == 401


def test_a_new_school_may_hand_in_at_once_once_its_certificate_is_approved(
    ministry: Installation,
) -> None:
    """Adding a school opens register row and account at its Cổng."""
    body = {
        "ma_truong": "48999499",
        "ten_truong": "Trường Tiểu học Mới (giả lập)",
        "ma_so_giao_duc": "48",
        "ten_so_gd": department().name,
        "ten_xa_phuong": "Phường Mới",
        "ten_quan_huyen": "Quận Mới",
        "ten_tinh_thanh_pho": "Đà Nẵng",
        "so_hoc_ba": 30,
        "tai_khoan": {"user_name": "moi", "mat_khau": "MatKhau-Gia-Lap-2024"},
    }
    ministry.client.post("/kho/so/48/quan-tri/v1/truong", json=body, headers=ADMIN)
    new = Caller(ministry, "moi", "48999499", "Mới", "/kho/so/48/sandbox/v1").log_in()

    rows = get(new, "danh-muc/truong", **bearer(new)).json()["DanhSach"]

    assert [row["MA_TRUONG"] for row in rows] == ["48999499"]


def test_the_inspector_reads_stored_records_and_the_queue(
    ministry: Installation, school: Caller
) -> None:
    """A record by UUID with state and bytes; the queue's depth."""
    record = signed(ministry.cards[0])
    school.hand_in([record])
    school.submit("AAAA")
    base = "/kho/so/48/quan-tri/v1"
    uuid_ = ministry.cards[0].general.record_id

    stored = ministry.client.get(f"{base}/hoc-ba/{uuid_}", headers=ADMIN).json()
    queue = ministry.client.get(f"{base}/hang-doi", headers=ADMIN).json()

    assert stored["state"] == "CIRCULATING"
    assert base64.b64decode(stored["xml"]) == record
    assert queue["waiting"] == 1


def test_a_fault_plan_is_reproducible_from_its_seed(ministry: Installation) -> None:
    """The same seed takes the desk away at the same calls."""
    caller = Caller.of_school(ministry)

    def statuses(seed: str) -> list[int]:
        base = "/kho/so/48/quan-tri/v1/loi"
        ministry.client.post(base, json={}, headers=ADMIN)
        get(caller, "danh-muc/ma-loi")
        plan = {"unavailable_percent": 50, "seed": seed}
        ministry.client.post(base, json=plan, headers=ADMIN)
        return [get(caller, "danh-muc/kieu-chu-ky").status_code for _ in range(12)]

    first = statuses("a")

    assert set(first) == {200, 503}
    assert statuses("a") == first


def test_a_package_document_keeps_its_records_bytes(ministry: Installation) -> None:
    """What is cut out of a package is what was put in: the forwarding rests on it."""
    records = [signed(card) for card in ministry.cards[:2]]
    school = department().schools[0]

    xml = packed(records, unit_code=school.code, unit_name=school.name)

    assert [record.original for record in parse(xml).records] == records
