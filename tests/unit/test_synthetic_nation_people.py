"""The nation's people: names as they are, numbers nobody else has, nobody real."""

from __future__ import annotations

import unicodedata
from collections import Counter

import pytest

from sandbox.domain.circular27 import subjects_due
from sandbox.domain.divisions import PROVINCES_63
from sandbox.domain.ethnic_groups import ETHNIC_GROUP_NAMES
from sandbox.domain.identifiers import PersonalId, is_practice_id, looks_real
from sandbox.domain.lifecycle import Role
from sandbox.domain.report_card import Sex
from sandbox.synthetic import make_school, tables
from sandbox.synthetic.model import Reason
from sandbox.synthetic.naming import Order, kin_of
from sandbox.synthetic.peoples import school_weights
from sandbox.synthetic.persons import LATEST
from sandbox.synthetic.schools import personal_number
from tests.builders.nation import nation, sample

NAMES = tables.tree("nation_names.toml")
NORTH, SOUTH, PLATEAU = "Đồng bằng sông Hồng", "Đông Nam Bộ", "Tây Nguyên"


@pytest.fixture(scope="module")
def bac_kan():
    """All pupils of the province with the fewest: records, and those without one."""
    opened = nation()
    province = next(plan for plan in opened.provinces if plan.code == "06")
    pupils, without, staff = [], [], []
    for number in province.schools[0][::3]:
        for plan in opened.school(number).classes:
            pupils += opened.school_class(number, plan.index).cards
            without += opened.unrecorded(number, plan.index)
        staff += [employee.staff for employee in opened.staff(number)]
    return pupils, without, staff


def test_nobody_shares_a_number(bac_kan):
    """Personal IDs, pupil codes and record ids of pupils, those without record, and staff."""
    cards, without, staff = bac_kan
    ids = [card.general.pupil_id for card in cards]
    ids += [each.pupil.personal_id for each in without if each.pupil.personal_id]
    ids += [each.card_after_summer.general.pupil_id for each in without if each.card_after_summer]
    summer = sum(each.card_after_summer is not None for each in without)
    ids += list({member.personal_id for member in staff})
    assert len(staff) == len({member.personal_id for member in staff})
    assert len(ids) - summer == len(set(ids))
    codes = [card.general.pupil_code for card in cards] + [each.pupil.code for each in without]
    assert len(codes) == len(set(codes)) > 9_000
    assert len({card.record_id for card in cards}) == len(cards)


def test_numbers_of_different_lateness_never_meet():
    """One birth year joins pupils of four entry years: their numbers lie in four blocks."""
    capacity = 231_941
    blocks = [
        {personal_number(0, 999_999 - late * capacity - index) for index in range(0, capacity, 997)}
        for late in range(LATEST + 1)
    ]
    assert len(set.union(*blocks)) == sum(map(len, blocks))


def test_every_number_is_a_practice_number(bac_kan):
    """9, old province code, century and sex, year: none passes for a real one."""
    cards, without, staff = bac_kan
    for card in cards:
        general = card.general
        parts = PersonalId.parse(general.pupil_id)
        assert (parts.practice, parts.province) == (True, "06")
        assert (parts.sex, parts.birth_year) == (general.sex, general.birth_date.year)
        assert general.pupil_code.startswith("06999")
    ids = [card.general.pupil_id for card in cards] + [member.personal_id for member in staff]
    ids += [each.pupil.personal_id for each in without if each.pupil.personal_id]
    assert all(is_practice_id(number) and not looks_real(number) for number in ids)


def test_numbers_of_the_nation_are_not_those_of_the_practice_schools():
    """In Đà Nẵng: neither personal IDs nor pupil codes of practice school and nation meet."""
    opened = nation()
    province = next(plan for plan in opened.provinces if plan.code == "48")
    ours = [
        card.general
        for number in province.schools[0][::20]
        for card in opened.school_class(number, 0).cards
    ]
    theirs = [card.general for c in make_school("hoc-ba-so").classes for card in c.cards]
    assert not {g.pupil_id for g in ours} & {g.pupil_id for g in theirs}
    assert not {g.pupil_code for g in ours} & {g.pupil_code for g in theirs}


def test_names_are_names_and_the_family_name_comes_first():
    """Letters, marks, space, ' only; NFC; no salutation; Vietnamese names begin with a surname."""
    surnames = {row["surname"] for row in tables.rows("surnames.csv")} | {"Hoàng", "Vũ"}
    for made in sample():
        for card in made.cards:
            general = card.general
            for name in (general.pupil_name, general.father, general.mother):
                if name is not None:
                    assert all(c in " '" or unicodedata.category(c)[0] in "LM" for c in name)
                    assert name == " ".join(name.split())
                    assert unicodedata.is_normalized("NFC", name)
            if general.ethnic_group == "Kinh":
                assert general.pupil_name.split()[0] in surnames
                assert (
                    general.father is None
                    or general.father.split()[0] == (general.pupil_name.split()[0])
                )


def test_kinh_surnames_follow_region_and_national_shares():
    """Nguyễn 38.4 %; Hoàng and Vũ in the North, Huỳnh and Võ in the South."""
    north, south = Counter(kin_of("Kinh", NORTH).surnames), Counter(kin_of("Kinh", SOUTH).surnames)
    assert abs(north["Nguyễn"] / 4096 - 0.384) < 0.001
    assert not {"Huỳnh", "Võ"} & set(north)
    assert not {"Hoàng", "Vũ"} & set(south)


def test_every_people_is_named_in_its_own_way():
    """All 54; clans last for Ê Đê and Gia Rai, no family name for Ba Na, prefixes by sex."""
    listed = [group for style in NAMES["style"].values() for group in style["groups"]]
    assert sorted(listed) == sorted(ETHNIC_GROUP_NAMES)
    ede, bana = kin_of("Ê Đê", PLATEAU), kin_of("Ba Na", PLATEAU)
    assert (ede.order, bana.order) == (Order.LAST, Order.ALONE)
    assert all(name.startswith("Y ") for name in ede.boys)
    assert all(name.startswith("H'") for name in ede.girls)
    assert all(name.startswith("A ") for name in bana.boys)
    assert ede.full_name("Niê", "H'Linh") == "H'Linh Niê"
    thai = kin_of("Thái", "Tây Bắc Bộ").surnames
    assert set(thai) == {r["surname"] for r in tables.rows("surnames.csv") if r["group"] == "Thái"}


def test_the_hard_cases_are_in_every_pool():
    """No middle name, two middle names, 30 letters and more, Đ; the pool is wide."""
    for generation in ("boys", "girls"):
        pool = getattr(kin_of("Kinh", SOUTH), generation)
        syllables = Counter(len(rest.split()) for rest in pool)
        assert 0.01 < syllables[1] / len(pool) < 0.03
        assert 0.2 < syllables[3] / len(pool) < 0.4
        assert any(len(f"Lê {rest}".replace(" ", "")) >= 30 for rest in pool)
        assert any("Đ" in rest for rest in pool)
        assert len(set(pool)) > 1_800


def test_pools_leave_out_pairs_that_name_somebody_well_known():
    """No way to go on after a surname ends with a pair of the list."""
    left_out = set(NAMES["left_out"])
    for region in (NORTH, SOUTH):
        kin = kin_of("Kinh", region)
        for pool in (kin.boys, kin.girls, kin.men, kin.women):
            assert not {" ".join(rest.split()[-2:]) for rest in pool} & left_out


def test_parents_are_named_like_their_generation():
    """Given names of parents and of children come from lists that differ."""
    kin = kin_of("Kinh", NORTH)
    men = Counter(rest.split()[-1] for rest in kin.men)
    boys = Counter(rest.split()[-1] for rest in kin.boys)
    shared = sum(min(men[name] / 4096, boys[name] / 4096) for name in men)
    assert shared < 0.55
    assert sum(rest.startswith("Thị") for rest in kin.women) > 0.5 * 4096
    assert sum(rest.startswith("Thị") for rest in kin.girls) < 0.2 * 4096


def test_peoples_follow_the_mix_of_their_schools(bac_kan):
    """What is drawn is what the schools' mixes say: Tày and Dao in Bắc Kạn, and no Khmer."""
    cards, _, _ = bac_kan
    opened = nation()
    first = next(plan for plan in opened.provinces if plan.code == "06").schools[0].start
    expected: Counter = Counter()
    for code, count in Counter(card.general.school_code for card in cards).items():
        weights = school_weights("06", int(code[-3:]))
        for group, weight in weights.items():
            expected[group] += count * weight / sum(weights.values())
    found = Counter(card.general.ethnic_group for card in cards)
    assert opened.school(first).code.endswith("001")
    assert found["Tày"] > found["Dao"] > 500
    assert all(abs(found[group] - due) < 0.02 * len(cards) for group, due in expected.items())
    assert "Khmer" not in found


def test_every_class_has_a_teacher_and_mixed_rooms_share_one():
    """One homeroom each, two for a mixed room; subjects are those nobody else teaches."""
    opened = nation()
    number = next(
        n for n in opened.provinces[6].schools[0]
        if len({c.post for c in opened.school(n).classes}) < len(opened.school(n).classes)
    )  # fmt: skip
    plan, staff = opened.school(number), opened.staff(number)
    in_charge = [employee for employee in staff if employee.classes]
    assert sorted(name for e in in_charge for name in e.classes) == sorted(
        each.name for each in plan.classes
    )
    assert Counter(len(e.classes) for e in in_charge)[2] >= 2
    assert {len(e.classes) for e in in_charge} == {1, 2}
    for each in plan.classes:
        teacher = opened.school_class(number, each.index).teacher
        assert next(e.staff for e in in_charge if each.name in e.classes) == teacher
    taught = {code for employee in staff for code in employee.subjects}
    assert {subject.code for grade in range(1, 6) for subject in subjects_due(grade)} <= taught


def test_a_school_has_leaders_and_office():
    """One head, one or two deputies, clerk, administrator; ages of people at work."""
    opened = nation()
    for number in (3, 5_000, 9_999):
        staff = opened.staff(number)
        titles = Counter(employee.staff.title for employee in staff)
        assert titles["Hiệu trưởng"] == titles["Văn thư"] == titles["Quản trị viên"] == 1
        assert titles["Phó Hiệu trưởng"] == (2 if len(opened.school(number).classes) >= 28 else 1)
        assert all(22 <= 2024 - employee.birth_year <= 60 for employee in staff)
        for employee in staff:
            parts = PersonalId.parse(employee.staff.personal_id)
            assert (parts.sex, parts.birth_year) == (employee.staff.sex, employee.birth_year)


def test_cards_name_the_signer_the_school_names():
    """Mostly the head, at about one school in eight a deputy, with the right title."""
    opened = nation()
    titles = Counter(opened.signer(number).title for number in range(1, 14_661, 61))
    assert set(titles) == {"Hiệu trưởng", "Phó Hiệu trưởng"}
    assert 0.05 < titles["Phó Hiệu trưởng"] / sum(titles.values()) < 0.2
    for number in (61, 6_100):
        card = opened.school_class(number, 0).cards[0]
        signer = opened.signer(number)
        assert (card.general.leader_name, card.general.leader_id, card.general.leader_title) == (
            signer.name, signer.personal_id, signer.title,
        )  # fmt: skip


def test_each_department_has_its_officers():
    """Five officers of a Sở, different people in each province and from all staff."""
    opened = nation()
    officers = [officer for plan in opened.provinces for officer in opened.officers(plan.code)]
    assert len({officer.personal_id for officer in officers}) == 63 * 5
    assert {officer.role for officer in officers} == {Role.SO}
    with pytest.raises(ValueError, match="no province"):
        opened.officers("03")


def test_pupils_without_a_record_exist_with_a_reason(bac_kan):
    """About one pupil in fifty: exempt, guardian only, no ID, not assessed, or summer."""
    cards, without, _ = bac_kan
    reasons = Counter(each.reason for each in without)
    assert set(reasons) == set(Reason)
    assert 0.01 < len(without) / len(cards) < 0.04
    recorded = {card.general.pupil_code for card in cards}
    for each in without:
        assert each.pupil.code not in recorded
        assert (each.pupil.personal_id == "") == (each.reason is Reason.NO_PERSONAL_ID)
        alone = each.reason is Reason.GUARDIAN_ONLY
        assert (each.guardian is not None) == alone
        assert (each.mother is None) == alone
        assert (each.card_after_summer is not None) == (each.reason is Reason.NEEDS_SUMMER)


@pytest.mark.parametrize("province", [0, 6, 49])
def test_no_class_grows_beyond_45_pupils(province):
    """Pupils with and without a record together: in Hà Nội, Điện Biên, HCMC."""
    opened = nation()
    full = [
        plan.records + len(opened.unrecorded(number, plan.index))
        for number in opened.provinces[province].schools[0][::6]
        for plan in opened.school(number).classes
        if plan.records > 35 or len(plan.groups) > 1
    ]
    assert len(full) > 3
    assert max(full) <= 45


def test_boys_and_girls_are_as_many_as_announced():
    """520 boys of a thousand, three standard deviations allowed."""
    sexes = Counter(card.general.sex for made in sample() for card in made.cards)
    total = sum(sexes.values())
    assert abs(sexes[Sex.MALE] / total - 0.52) < 3 * (0.25 / total) ** 0.5


def test_every_province_has_pupils_of_its_own_numbers():
    """The personal ID carries the old code of the province in which the school stands."""
    found = {card.general.pupil_id[1:3] for made in sample() for card in made.cards}
    assert found == set(PROVINCES_63)
