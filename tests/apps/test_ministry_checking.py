"""Checking: the stages in their order, each record alone, and what a package as a whole can be."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.clock import VIETNAM
from sandbox.documents import build_package, envelope
from sandbox.domain.report_card import ReportCard
from sandbox.ministry import package_store
from sandbox.ministry.checking import Context, check_package, check_record_file
from sandbox.ministry.exercise import exercise_of
from sandbox.pki import Trust
from tests.builders.ministry import (
    MINUTE,
    SIGNED_AT,
    Caller,
    Installation,
    authority,
    changed_card,
    department,
    installed,
    packed,
    person_certificate,
    signed,
    unit_certificate,
)


@pytest.fixture
def ministry(tmp_path: Path) -> Iterator[Installation]:
    with installed(f"sqlite:///{tmp_path / 'ministry.db'}") as installation:
        installation.open_space("tap")
        yield installation


@pytest.fixture
def school(ministry: Installation) -> Caller:
    return Caller.of_school(ministry).log_in()


def codes(rows: list[dict[str, Any]]) -> list[str]:
    return [row["error"] for row in rows]


def whole(school: Caller, content: str, **said: Any) -> dict[str, Any]:
    """Hand in *content*, let it be checked, and return the whole answer of type 2."""
    messageid = str(uuid.uuid4())
    receipt = school.submit(content, messageid=messageid, **said)
    assert receipt.json()["Error"] == "0", receipt.text
    school.installation.work()
    return dict(school.result(messageid).json())


def signed_package(school: Caller, records: list[bytes]) -> bytes:
    """Return the package of *records* as XML, signed by the school."""
    return packed(records, unit_code=school.unit_code, unit_name=school.unit_name)


# ------------------------------------------------------------------------------- the package


def test_content_that_cannot_be_decoded_answers_its_code_and_no_row(school: Caller) -> None:
    """SBX-1108 in the reply's Error; the receipt was given all the same (§5)."""
    answer = whole(school, "khong-phai-base64")

    assert (answer["Error"], answer["DanhSach"]) == ("SBX-1108", [])
    assert answer["chi_tiet"][0]["giai_doan"] == "package"


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        (b"<DANH_SACH_HOC_BA", "SBX-1113"),
        (b"<DANH_SACH_HOC_BA>\xff</DANH_SACH_HOC_BA>", "SBX-1113"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><DANH_SACH_HOC_BA>&b;</DANH_SACH_HOC_BA>", "SBX-1114"),
        (b"<KHAC/>", "SBX-1109"),
        (b'<DANH_SACH_HOC_BA id="dataDanhSach"></DANH_SACH_HOC_BA>', "SBX-1110"),
    ],
)
def test_a_package_that_is_none_answers_its_code(school: Caller, xml: bytes, code: str) -> None:
    """Syntax, entities, root and signature of the package each have their code."""
    assert whole(school, envelope.pack(xml))["Error"] == code


def test_a_signed_package_without_records_is_refused(school: Caller) -> None:
    """SBX-1116: an empty package."""
    assert whole(school, envelope.pack(signed_package(school, [])))["Error"] == "SBX-1116"


def test_an_unsigned_package_answers_every_record_it_holds(
    ministry: Installation, school: Caller
) -> None:
    """SBX-1110 in one row per record that could be read, its cause 3001 in chi_tiet (§5)."""
    xml = build_package([signed(card) for card in ministry.cards[:2]])

    answer = whole(school, envelope.pack(xml))

    assert answer["Error"] == "0"
    assert codes(answer["DanhSach"]) == ["SBX-1110", "SBX-1110"]
    assert [row["trang_thai"] for row in answer["DanhSach"]] == [0, 0]
    assert [d["ma"] for d in answer["DanhSach"][0]["chi_tiet"]] == ["SBX-1110", "SBX-3001"]
    assert answer["DanhSach"][0]["ten_hoc_sinh"] == ministry.cards[0].general.pupil_name


def test_a_package_signed_before_a_record_it_holds_was_issued_is_refused(
    ministry: Installation, school: Caller
) -> None:
    """SBX-1110 with 3011: the package is signed last (record-format §5.4)."""
    rows = school.hand_in([signed(ministry.cards[0])], at=SIGNED_AT + MINUTE)

    assert [d["ma"] for d in rows[0]["chi_tiet"]] == ["SBX-1110", "SBX-3011"]


def test_a_package_signed_with_a_certificate_not_approved_is_refused(
    ministry: Installation, school: Caller
) -> None:
    """SBX-1111: another certificate of the same school is not the approved one."""
    rows = school.hand_in([signed(ministry.cards[0])], label="not approved")

    assert codes(rows) == ["SBX-1111"]


def test_a_certificate_revoked_since_stops_new_submissions(
    ministry: Installation, school: Caller
) -> None:
    """SBX-1111 as soon as the CRL shows it, also for a package signed before (§6)."""
    seal = unit_certificate(school.unit_code, school.unit_name)
    ministry.clock.advance(3600)
    school.log_in()
    space = ministry.spaces.get("tap")
    assert space is not None
    ministry.responders.revoke(seal, at=space.now(ministry.clock) - MINUTE)

    rows = school.hand_in([signed(ministry.cards[0])])

    assert [d["ma"] for d in rows[0]["chi_tiet"]] == ["SBX-1111", "SBX-3016"]


def test_a_package_of_two_schools_is_refused_from_a_school(
    ministry: Installation, school: Caller
) -> None:
    """SBX-1116: a school's package holds one MA_TRUONG (record-format §8)."""
    other = department().schools[1].classes[0].cards[0]

    rows = school.hand_in([signed(ministry.cards[0]), signed(other)])

    assert codes(rows) == ["SBX-1116", "SBX-1116"]


def test_a_request_naming_another_year_than_its_records_is_refused(
    ministry: Installation, school: Caller
) -> None:
    """SBX-1116 with a pointer to nam_hoc."""
    content = school.content_of([signed(ministry.cards[0])])

    answer = whole(school, content, nam_hoc=2023)

    assert codes(answer["DanhSach"]) == ["SBX-1116"]
    assert answer["chi_tiet"][0]["con_tro_json"] == "/authenticationRequest/nam_hoc"


def test_escaped_quotes_are_understood_with_a_warning(
    ministry: Installation, school: Caller
) -> None:
    """SBX-1191 stands in chi_tiet of the reply and refuses nothing (§3)."""
    xml = signed_package(school, [signed(ministry.cards[0])])
    escaped = xml.replace(b"\\", b"\\\\").replace(b'"', b'\\"')

    answer = whole(school, envelope.pack(escaped))

    assert codes(answer["DanhSach"]) == ["0"]
    assert [row["ma"] for row in answer["chi_tiet"]] == ["SBX-1191"]


# ------------------------------------------------------------------------------- each record


def test_one_bad_record_never_refuses_its_neighbours(
    ministry: Installation, school: Caller
) -> None:
    """Record by record: the middle one is refused, the others are accepted (§5)."""
    good = [signed(card) for card in ministry.cards[:3]]
    address = ministry.cards[1].general.address.encode()
    good[1] = good[1].replace(address, address + b" x")

    rows = school.hand_in(good)

    assert codes(rows) == ["0", "SBX-3002", "0"]
    assert [row["ma_tra_cuu_uuid"] for row in rows] == [
        card.record_id for card in ministry.cards[:3]
    ]


def test_a_fault_names_its_place_its_cause_and_its_remedy(
    ministry: Installation, school: Caller
) -> None:
    """chi_tiet carries XPath and line of the third record in the package."""
    records = [signed(card) for card in ministry.cards[:3]]
    code = ministry.cards[2].general.pupil_code.encode()
    records[2] = records[2].replace(b"<MA_HOC_SINH>" + code, b"<MA_HOC_SINH>" + b"9" * 21)

    row = school.hand_in(records)[2]

    detail = row["chi_tiet"][0]
    assert (row["error"], row["error_field_title"]) == ("SBX-2005", "MA_HOC_SINH")
    assert detail["xpath"].startswith("/DANH_SACH_HOC_BA/HOC_BA[3]/")
    assert detail["dong"] == 1
    assert detail["nguyen_nhan"]
    assert detail["cach_sua"]


def test_the_first_stage_that_refuses_answers_alone(ministry: Installation, school: Caller) -> None:
    """A record wrong in schema, signature and register is answered by the schema only (§5)."""
    wrong = changed_card(ministry.cards[0], school_name="Trường khác")
    record = signed(wrong).replace(b"<MA_CAP_HOC>02", b"<MA_CAP_HOC>99")

    row = school.hand_in([record])[0]

    assert {detail["giai_doan"] for detail in row["chi_tiet"]} == {"schema"}


def test_all_codes_of_the_refusing_stage_are_told(ministry: Installation, school: Caller) -> None:
    """Two names off the register give two rows of the register's stage."""
    wrong = changed_card(ministry.cards[0], commune="Phường khác", district="Quận khác")

    row = school.hand_in([signed(wrong)])[0]

    assert [d["truong"] for d in row["chi_tiet"]] == ["TEN_XA_PHUONG", "TEN_QUAN_HUYEN"]
    assert {d["ma"] for d in row["chi_tiet"]} == {"SBX-5001"}


def rules_broken(card: ReportCard) -> ReportCard:
    """Return *card* with a year result nobody would recompute."""
    results = ("Hoàn thành tốt", "Hoàn thành xuất sắc")
    other = results[1] if card.summary.result != results[1] else results[0]
    return replace(card, summary=replace(card.summary, result=other))


def test_the_register_comes_before_the_rules(ministry: Installation, school: Caller) -> None:
    """Step 7 before step 8: a record wrong in both is answered by the register."""
    both = changed_card(rules_broken(ministry.cards[0]), commune="Phường khác")

    assert codes(school.hand_in([signed(both)])) == ["SBX-5001"]
    rows = school.hand_in([signed(rules_broken(ministry.cards[1]))])
    assert rows[0]["chi_tiet"][0]["giai_doan"] == "rules"


def test_a_pupil_with_other_facts_than_held_is_refused_before_the_rules(
    ministry: Installation, school: Caller
) -> None:
    """SBX-5002 is of the register, although it is looked up last; what is held stays untold."""
    card = ministry.cards[0]
    school.hand_in([signed(card)])
    name = "Người Khác Hẳn"
    again = changed_card(rules_broken(card), pupil_name=name, record_id=str(uuid.uuid4()))

    row = school.hand_in([signed(again)])[0]

    assert (row["error"], row["error_field_title"]) == ("SBX-5002", "HO_VA_TEN")
    assert card.general.pupil_name not in row["chi_tiet"][0]["nguyen_nhan"]


def test_a_second_record_of_a_pupil_and_year_is_refused(
    ministry: Installation, school: Caller
) -> None:
    """SBX-5003, across packages and inside one."""
    first, second = ministry.cards[0], ministry.cards[1]
    school.hand_in([signed(first)])
    again = signed(changed_card(first, record_id=str(uuid.uuid4())))
    twice = [signed(second), signed(changed_card(second, record_id=str(uuid.uuid4())))]

    assert codes(school.hand_in([again])) == ["SBX-5003"]
    assert codes(school.hand_in(twice)) == ["0", "SBX-5003"]


def test_an_accepted_uuid_is_used_for_ever(ministry: Installation, school: Caller) -> None:
    """SBX-5004 first, and the living record beside it."""
    record = signed(ministry.cards[0])
    school.hand_in([record])

    row = school.hand_in([record])[0]

    assert [d["ma"] for d in row["chi_tiet"]] == ["SBX-5004", "SBX-5003"]


def test_a_refused_uuid_may_be_used_again(ministry: Installation, school: Caller) -> None:
    """SBX-5004 counts accepted records only: a repaired record keeps its UUID (lifecycle §2)."""
    card = ministry.cards[0]
    refused = school.hand_in([signed(changed_card(card, commune="Phường khác"))])

    assert codes(refused) == ["SBX-5001"]
    assert codes(school.hand_in([signed(card)])) == ["0"]


def test_the_second_record_with_one_uuid_in_a_package_is_refused(
    ministry: Installation, school: Caller
) -> None:
    """SBX-5004 inside a package, whatever became of the first (§5)."""
    one, two = ministry.cards[0], ministry.cards[1]
    shared = changed_card(two, record_id=one.record_id)
    broken = signed(changed_card(one, commune="Phường khác"))

    assert codes(school.hand_in([broken, signed(shared)])) == ["SBX-5001", "SBX-5004"]


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (datetime(2025, 6, 30, 23, 59, 59, tzinfo=VIETNAM), "0"),
        (datetime(2025, 7, 1, 0, 0, 0, tzinfo=VIETNAM), "SBX-5005"),
    ],
)
def test_the_lock_follows_the_space_clock(
    ministry: Installation, school: Caller, at: datetime, code: str
) -> None:
    """Up to the last second of 30 June a record is taken; then SBX-5005 (lifecycle §4)."""
    ministry.spaces.move_clock("tap", at)

    assert codes(school.hand_in([signed(ministry.cards[0])])) == [code]


def test_a_pupil_who_waits_for_extra_assessment_has_until_the_second_date(
    ministry: Installation, school: Caller
) -> None:
    """WAIT_EXTRA: the second lock date counts for the pupils the exercise names."""
    card, other = ministry.cards[0], ministry.cards[1]
    ministry.spaces.set_switches("tap", cho_danh_gia_bo_sung=[card.general.pupil_id])
    ministry.spaces.move_clock("tap", datetime(2025, 8, 1, 8, 0, tzinfo=VIETNAM))

    assert codes(school.hand_in([signed(card), signed(other)])) == ["0", "SBX-5005"]


def test_a_signer_revoked_before_signing_is_refused(ministry: Installation, school: Caller) -> None:
    """SBX-3016: only the CRL tells."""
    general = ministry.cards[0].general
    assert general.teacher_id is not None
    assert general.teacher_name is not None
    teacher = person_certificate(general.teacher_id, general.teacher_name)
    ministry.responders.revoke(teacher, at=SIGNED_AT - timedelta(days=1))

    assert codes(school.hand_in([signed(ministry.cards[0])])) == ["SBX-3016"]


# ------------------------------------------------------------------------------- the worker


def test_with_the_responders_away_a_package_waits_and_says_why(
    ministry: Installation, school: Caller
) -> None:
    """SBX-1201 with the reason, never a refusal; back again, it is checked (§6)."""
    ministry.responders.away = True
    messageid = str(uuid.uuid4())
    school.submit(school.content_of([signed(ministry.cards[0])]), messageid=messageid)
    ministry.work()

    waiting = school.result(messageid).json()
    ministry.responders.away = False
    ministry.clock.advance(10)
    ministry.work()

    assert waiting["Error"] == "SBX-1201"
    assert "CRL GIA_LAP_CO_YEU" in waiting["chi_tiet"][0]["nguyen_nhan"]
    assert codes(school.result(messageid).json()["DanhSach"]) == ["0"]


def test_a_revocation_list_is_read_again_after_sixty_seconds_only(
    ministry: Installation, school: Caller
) -> None:
    """At most 60 s old by the machine clock, and not asked for with each package."""
    school.hand_in([signed(ministry.cards[0])])
    asked = ministry.responders.asked
    ministry.clock.advance(60)
    school.hand_in([signed(ministry.cards[1])])
    assert ministry.responders.asked == asked

    ministry.clock.advance(1)
    school.hand_in([signed(ministry.cards[2])])

    assert ministry.responders.asked == asked + 2


def test_a_package_that_checking_cannot_bear_ends_with_the_sandboxs_own_code(
    ministry: Installation, school: Caller
) -> None:
    """After three more tries SBX-9001, so that it does not stay open for ever."""
    ministry.spaces.set_switches("tap", ngay_chot=["khong phai ngay"])
    messageid = str(uuid.uuid4())
    school.submit(school.content_of([signed(ministry.cards[0])]), messageid=messageid)
    for _ in range(4):
        ministry.work()
        ministry.clock.advance(20)

    assert school.result(messageid).json()["Error"] == "SBX-9001"


def test_a_package_that_brings_its_workers_down_is_answered_in_the_end(
    ministry: Installation, school: Caller
) -> None:
    """Four workers died over it: the fifth does not try, says SBX-9001, and goes on with others."""
    messageid = str(uuid.uuid4())
    school.submit(school.content_of([signed(ministry.cards[0])]), messageid=messageid)
    for number in range(4):
        with ministry.database.write() as connection:
            (claim,) = package_store.claim(
                connection,
                worker=f"dies {number}",
                epoch=ministry.clock.epoch(),
                seconds=60.0,
            )
        assert claim.package.faults == number
        ministry.clock.advance(61)

    rows = school.hand_in([signed(ministry.cards[1])])

    assert school.result(messageid).json()["Error"] == "SBX-9001"
    assert codes(rows) == ["0"]


def test_the_time_spent_in_each_step_is_kept(ministry: Installation, school: Caller) -> None:
    """Every step a package went through has its figure."""
    school.hand_in([signed(ministry.cards[0])])
    space = ministry.spaces.get("tap")
    assert space is not None

    package = ministry.service.packages(space, "so-48", limit=1)[0]

    assert list(package.timings) == ["1", "2", "3", "4", "5-6", "7", "8", "9"]


# ------------------------------------------------------------------------------- offline


def offline(ministry: Installation, **known: Any) -> Context:
    """Return what `hocba validate` knows without a space."""
    space = ministry.spaces.get("tap")
    assert space is not None
    return Context(
        at=SIGNED_AT + 10 * MINUTE,
        exercise=exercise_of(space),
        trust=Trust(authority().issuer_certificates),
        **known,
    )


def test_offline_the_same_checks_say_what_they_could_not_look_for(
    ministry: Installation, school: Caller
) -> None:
    """Registers, lists, approvals and earlier records are missing: their codes are listed."""
    xml = signed_package(school, [signed(ministry.cards[0])])

    verdict = check_package(xml, offline(ministry))

    assert [record.accepted for record in verdict.records] == [True]
    assert verdict.not_checked == (
        "SBX-1111",
        "SBX-3009",
        "SBX-3015",
        "SBX-3016",
        "SBX-5001",
        "SBX-5002",
        "SBX-5003",
        "SBX-5004",
        "SBX-5005",
    )


def test_offline_a_fault_of_the_rules_has_the_code_the_desk_gives(
    ministry: Installation, school: Caller
) -> None:
    """The check functions are the worker's own."""
    record = signed(rules_broken(ministry.cards[0]))
    at_desk = codes(school.hand_in([record]))

    verdict = check_package(signed_package(school, [record]), offline(ministry))

    assert [verdict.records[0].findings[0].code] == at_desk


def test_a_single_record_file_is_checked_without_a_package(ministry: Installation) -> None:
    """What belongs to the package is listed as not checked."""
    verdict = check_record_file(signed(ministry.cards[0]), offline(ministry))

    assert verdict.records[0].accepted
    assert {"SBX-1110", "SBX-1111", "SBX-1116"} <= set(verdict.not_checked)
