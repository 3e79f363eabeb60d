"""The receipt: every refusal before the answer, and the order in which they are looked for (§5)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.domain.rejections import CATALOGUE
from tests.builders.ministry import Caller, Installation, installed

TEN_MB = 10 * 1_048_576


@pytest.fixture
def ministry(tmp_path: Path) -> Iterator[Installation]:
    with installed(f"sqlite:///{tmp_path / 'ministry.db'}") as installation:
        installation.open_space("tap")
        yield installation


@pytest.fixture
def school(ministry: Installation) -> Caller:
    return Caller.of_school(ministry).log_in()


def answered(answer: Any) -> tuple[int, str]:
    """Return status and code."""
    return answer.status_code, answer.json()["Error"]


def post_raw(school: Caller, body: bytes, **headers: str) -> Any:
    """Post bytes as they are to service 3.6."""
    return school.installation.client.post(f"{school.base}/hoc-ba", content=body, headers=headers)


def test_a_receipt_carries_the_printed_fields_and_nothing_of_the_result(school: Caller) -> None:
    """The receipt has the five printed fields and chi_tiet (2088 PL1 §II.2.2)."""
    messageid = str(uuid.uuid4())

    answer = school.submit("AAAA", messageid=messageid)

    assert answer.status_code == 200
    assert answer.json() == {
        "MessageId": messageid,
        "Error": "0",
        "ErrorDescription": "Thành công",
        "ResponseCode": "TIEP_NHAN",
        "ResponseDescription": "Đã tiếp nhận để xử lý: 4 ký tự content. "
        "Hỏi kết quả bằng messageid.",
        "chi_tiet": [],
    }


def test_a_body_above_ten_mebibytes_is_refused_before_it_is_read_as_json(school: Caller) -> None:
    """SBX-1104 and 413: size comes first, so the broken JSON is never looked at."""
    answer = post_raw(school, b"{" + b"x" * TEN_MB)

    assert answered(answer) == (413, "SBX-1104")


def test_a_body_above_the_bound_of_pages_is_answered_in_the_printed_fields_too(
    school: Caller,
) -> None:
    """However large the body: SBX-1104 with the receipt's fields, never a page's answer."""
    answer = post_raw(school, b"{" + b"x" * (13 * 1_048_576))

    assert answered(answer) == (413, "SBX-1104")


def test_a_body_of_exactly_ten_mebibytes_is_read(school: Caller) -> None:
    """The limit itself is lawful: this body fails only as JSON."""
    answer = post_raw(school, b"{" + b"x" * (TEN_MB - 1))

    assert answered(answer) == (400, "SBX-1101")


def test_a_body_without_a_length_is_bounded_as_well(school: Caller) -> None:
    """A chunked body above the limit is refused, and not kept."""

    def chunks() -> Iterator[bytes]:
        for _ in range(11):
            yield b"x" * 1_048_576

    answer = school.installation.client.post(f"{school.base}/hoc-ba", content=chunks())

    assert answered(answer) == (413, "SBX-1104")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("nothing", b""),
        ("no JSON", b"<xml/>"),
        ("a list", b"[]"),
        ("a number", b"1"),
        ("cut off", b'{"authenticationRequest": {'),
        ("not UTF-8", '{"content": "é"}'.encode("latin-1")),
        ("UTF-16", '{"content": ""}'.encode("utf-16")),
        ("NaN", b'{"content": NaN}'),
        ("a key twice", b'{"content": "a", "content": "b"}'),
        ("a number without end", b'{"content": ' + b"9" * 100_000 + b"}"),
        ("nested without end", b"[" * 200_000),
        ("half a surrogate pair as key", b'{"\\ud800": "", "\\ud800": ""}'),
    ],
)
def test_what_is_no_json_object_is_refused(school: Caller, name: str, body: bytes) -> None:
    """SBX-1101 and 400, whatever the bytes are."""
    assert answered(post_raw(school, body)) == (400, "SBX-1101"), name


def test_a_byte_order_mark_in_front_of_the_json_is_taken(school: Caller) -> None:
    """One BOM is accepted everywhere (record-format §1)."""
    body = json.dumps(school.submission("AAAA")).encode()

    assert answered(post_raw(school, b"\xef\xbb\xbf" + body)) == (200, "0")


@pytest.mark.parametrize("field", ["token", "user_name", "password", "ma_don_vi", "nam_hoc"])
def test_a_missing_field_is_named_with_its_pointer(school: Caller, field: str) -> None:
    """SBX-1101 says which field of authenticationRequest is missing."""
    body = school.submission("AAAA")
    del body["authenticationRequest"][field]

    answer = school.post("hoc-ba", body)

    assert answered(answer) == (400, "SBX-1101")
    assert answer.json()["chi_tiet"][0]["con_tro_json"] == f"/authenticationRequest/{field}"


def test_content_inside_the_wrapper_is_missing_beside_it(school: Caller) -> None:
    """`content` stands beside authenticationRequest, never inside (§2.7)."""
    body = school.submission("AAAA")
    body["authenticationRequest"]["content"] = body.pop("content")

    answer = school.post("hoc-ba", body)

    assert answer.json()["chi_tiet"][0]["con_tro_json"] == "/content"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("nam_hoc", "2024"),
        ("nam_hoc", True),
        ("nam_hoc", 2024.5),
        ("nam_hoc", None),
        ("token", 1),
        ("type", 1),
        ("type", "2"),
        ("function", "NOP"),
        ("messageid", "1"),
        ("messageid", "90000000-0000-1000-8000-000000000001"),
        ("user_name", ["a"]),
        ("ma_don_vi", "\ud800"),
        ("user_name", "a\x00b"),
    ],
)
def test_a_field_of_a_wrong_type_or_form_is_refused(
    school: Caller, field: str, value: object
) -> None:
    """SBX-1101 for a wrong JSON type, a value outside its list, a text nobody can store."""
    body = school.submission("AAAA")
    body["authenticationRequest"][field] = value

    answer = post_raw(school, json.dumps(body).encode())

    assert answered(answer) == (400, "SBX-1101")
    assert answer.json()["chi_tiet"][0]["con_tro_json"] == f"/authenticationRequest/{field}"


def test_a_whole_number_written_with_a_point_is_a_number(school: Caller) -> None:
    """JSON knows one kind of number: 2024.0 is 2024."""
    assert answered(school.submit("AAAA", nam_hoc=2024.0)) == (200, "0")


def test_unknown_fields_are_ignored(school: Caller) -> None:
    """A sender may say more than is asked (§2.7)."""
    assert answered(school.submit("AAAA", ly_do="thừa")) == (200, "0")


def test_a_password_is_never_repeated_in_an_answer(school: Caller) -> None:
    """Even a password of the wrong type stays out of chi_tiet."""
    answer = school.submit("AAAA", password=20242024)

    assert "20242024" not in answer.text


def test_a_wrong_password_and_an_unknown_account_answer_alike(school: Caller) -> None:
    """SBX-1102 and 401 in both cases: nobody learns which accounts exist."""
    wrong = school.submit("AAAA", password="0" * 64)
    unknown = school.submit("AAAA", user_name="ai-do")

    assert answered(wrong) == answered(unknown) == (401, "SBX-1102")


def test_a_unit_that_is_not_the_accounts_is_refused(school: Caller) -> None:
    """SBX-1117 and 403."""
    assert answered(school.submit("AAAA", ma_don_vi="48999402")) == (403, "SBX-1117")


def test_an_account_bound_to_other_addresses_is_refused(ministry: Installation) -> None:
    """SBX-1106 and 403 for a caller off the account's allow-list."""
    ministry.open_space("far", ips=("10.0.0.0/8",))
    far = Caller.of_school(ministry, space="far")

    assert answered(far.submit("AAAA")) == (403, "SBX-1106")


def test_an_account_is_let_in_from_its_own_network(ministry: Installation) -> None:
    """An address inside an allowed network passes."""
    ministry.open_space("near", ips=("127.0.0.0/8",))
    near = Caller.of_school(ministry, space="near").log_in()

    assert answered(near.submit("AAAA")) == (200, "0")


def test_a_token_is_needed_and_must_be_ones_own(ministry: Installation, school: Caller) -> None:
    """SBX-1103 and 401 for no token, and for another school's."""
    other = Caller.of_school(ministry, number=1).log_in()

    assert answered(school.submit("AAAA", token="")) == (401, "SBX-1103")
    assert answered(school.submit("AAAA", token=other.token)) == (401, "SBX-1103")


def test_a_token_lives_3600_seconds_of_the_machine(ministry: Installation, school: Caller) -> None:
    """After an hour the token is refused; a moment before it is good."""
    ministry.clock.advance(3599)
    assert answered(school.submit("AAAA")) == (200, "0")

    ministry.clock.advance(1)

    assert answered(school.submit("AAAA")) == (401, "SBX-1103")


def test_moving_the_space_clock_takes_nobodys_token(ministry: Installation, school: Caller) -> None:
    """Tokens follow the machine clock (lifecycle §4)."""
    space = ministry.spaces.get("tap")
    assert space is not None
    ministry.spaces.move_clock("tap", space.now(ministry.clock).replace(year=2026))

    assert answered(school.submit("AAAA")) == (200, "0")


def test_the_eleventh_request_of_a_second_is_refused(school: Caller) -> None:
    """SBX-1112, 429 and Retry-After: profile `truong` has 10 requests a second (§4)."""
    school.installation.clock.advance(1)
    answers = [school.result(str(uuid.uuid4())) for _ in range(11)]

    assert answered(answers[-2]) == (404, "SBX-1202")
    assert answered(answers[-1]) == (429, "SBX-1112")
    assert answers[-1].headers["Retry-After"] == "1"


def test_a_fifth_open_package_is_refused_until_one_is_settled(
    ministry: Installation, school: Caller
) -> None:
    """SBX-1112: profile `truong` has 4 open packages; open = acknowledged, no result yet."""
    for _ in range(4):
        assert answered(school.submit("AAAA")) == (200, "0")
    assert answered(school.submit("AAAA")) == (429, "SBX-1112")

    ministry.work()

    assert answered(school.submit("AAAA")) == (200, "0")


def test_the_same_request_again_gets_the_stored_receipt(school: Caller) -> None:
    """Repeating a messageid with the same content is harmless, also with a new token (§2.1)."""
    messageid = str(uuid.uuid4())
    first = school.submit("AAAA", messageid=messageid)
    school.log_in()

    again = school.submit("AAAA", messageid=messageid)

    assert again.json() == first.json()
    assert len(school.installation.service.packages(space_of(school), "so-48", limit=9)) == 1


def space_of(school: Caller) -> Any:
    """Return the practice space."""
    return school.installation.spaces.get("tap")


def test_a_repetition_is_answered_even_with_four_packages_open(school: Caller) -> None:
    """It opens nothing new, so the allowance does not matter."""
    messageid = str(uuid.uuid4())
    school.submit("AAAA", messageid=messageid)
    for _ in range(3):
        school.submit("AAAA")

    assert answered(school.submit("AAAA", messageid=messageid)) == (200, "0")


def test_a_messageid_with_another_content_is_refused(school: Caller) -> None:
    """SBX-1107 and 409."""
    messageid = str(uuid.uuid4())
    school.submit("AAAA", messageid=messageid)

    assert answered(school.submit("BBBB", messageid=messageid)) == (409, "SBX-1107")


def test_a_messageid_of_another_unit_is_refused(ministry: Installation, school: Caller) -> None:
    """The sender is part of what makes two requests the same."""
    messageid = str(uuid.uuid4())
    school.submit("AAAA", messageid=messageid)
    other = Caller.of_school(ministry, number=1).log_in()

    assert answered(other.submit("AAAA", messageid=messageid)) == (409, "SBX-1107")


def test_a_desk_under_maintenance_says_so_first(school: Caller) -> None:
    """SBX-1118, 503 and Retry-After come before everything else."""
    admin = {"Authorization": "Bearer admin-of-the-tests"}
    desk = school.base.removesuffix("/sandbox/v1")
    plan = {"unavailable_percent": 100, "seed": "1"}
    school.installation.client.post(f"{desk}/quan-tri/v1/loi", json=plan, headers=admin)

    answer = post_raw(school, b"no json")

    assert answered(answer) == (503, "SBX-1118")
    assert int(answer.headers["Retry-After"]) > 0


ORDER = ["SBX-1101", "SBX-1102", "SBX-1117", "SBX-1103", "SBX-1112", "SBX-1107"]


def test_the_checks_come_in_the_printed_order(school: Caller) -> None:
    """Mending one fault at a time walks through the codes in the order of §5."""
    taken = str(uuid.uuid4())
    school.submit("AAAA", messageid=taken)
    for _ in range(3):
        school.submit("AAAA")
    wrong: dict[str, object] = {
        "type": "9",
        "password": "0" * 64,
        "ma_don_vi": "48999402",
        "token": "x",
    }
    seen = []
    for field in ("type", "password", "ma_don_vi", "token"):
        seen.append(school.submit("BBBB", messageid=taken, **wrong).json()["Error"])
        del wrong[field]
    seen.append(school.submit("BBBB", messageid=taken).json()["Error"])
    school.installation.work()
    seen.append(school.submit("BBBB", messageid=taken).json()["Error"])

    assert seen == ORDER


def test_the_details_follow_accept_language_and_the_printed_title_stays_vietnamese(
    school: Caller,
) -> None:
    """chi_tiet is in the asker's language, ErrorDescription as printed (§2.8)."""
    answer = school.post("hoc-ba", {}, headers={"Accept-Language": "en-GB,en;q=0.8,vi;q=0.5"})

    rejection = CATALOGUE["SBX-1101"]
    assert answer.json()["ErrorDescription"] == rejection.title["vi"]
    assert answer.json()["chi_tiet"][0]["nguyen_nhan"].startswith(rejection.cause["en"])


def test_a_refused_request_leaves_no_package_behind(school: Caller) -> None:
    """Nothing is stored half."""
    school.submit("AAAA", token="x")

    assert school.installation.service.packages(space_of(school), "so-48", limit=9) == []


def test_every_exchange_leaves_a_line_in_the_journal(school: Caller) -> None:
    """Token, refusal and receipt are all told to the inspector, in order."""
    school.submit("AAAA", token="x")
    school.submit("AAAA")

    lines = school.installation.service.journal(space_of(school), "so-48", after=0)

    assert [(line.service, line.status, line.error) for line in lines] == [
        ("/token", 200, "0"),
        ("/hoc-ba", 401, "SBX-1103"),
        ("/hoc-ba", 200, "0"),
    ]


def test_an_unknown_desk_is_not_found(ministry: Installation) -> None:
    """A Sở without a Cổng here is 404."""
    assert ministry.client.post("/kho/so/99/sandbox/v1/token", json={}).status_code == 404
