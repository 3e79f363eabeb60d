"""The nation's schools: exact sums, two eras, plausible sizes, invented names."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from sandbox.domain.divisions import MERGED_INTO, PROVINCES_34, PROVINCES_63, Era
from sandbox.domain.ethnic_groups import ETHNIC_GROUPS
from sandbox.domain.identifiers import PRACTICE_MARK, is_school_code
from sandbox.synthetic import tables
from sandbox.synthetic.geography import place_of
from sandbox.synthetic.layout import SPARE_NUMBERS, lay_out, province_rows, slot_totals
from sandbox.synthetic.nation import Nation, Slice
from sandbox.synthetic.peoples import province_shares, school_weights
from sandbox.synthetic.persons import capacity_fits
from sandbox.synthetic.plans import ClassNames
from tests.builders.nation import SEED, nation

KINDS = ("Thành phố ", "Thị xã ", "Huyện ", "Quận ", "Phường ", "Thị trấn ", "Xã ")


@pytest.fixture(scope="module")
def layouts():
    """The schools of all 63 provinces."""
    return {code: lay_out(SEED, code) for code in province_rows()}


def places(era: Era):
    return [
        place_of(code, number, era)
        for code, row in province_rows().items()
        for number in range(1, row.schools + 1)
    ]


def without_kind(name: str) -> str:
    return next(name.removeprefix(kind) for kind in KINDS if name.startswith(kind))


def test_the_tables_have_the_nations_sums():
    """14,661 schools and 8,919,198 records over 63 provinces; HCMC has 5 × 133,000."""
    rows = province_rows()
    assert set(rows) == set(PROVINCES_63)
    assert sum(row.schools for row in rows.values()) == 14_661
    assert sum(row.pupils for row in rows.values()) == 8_919_198
    assert (rows["79"].pupils, rows["01"].pupils, rows["48"].pupils) == (665_000, 762_198, 107_300)


def test_ethnic_shares_are_complete_and_give_the_national_ones():
    """Each province sums to 100 %; weighted by pupils no group is off by 0.5 points."""
    rows, national, by_province = province_rows(), Counter(), Counter()
    for row in tables.rows("nation_ethnic_shares.csv"):
        share = float(row["share_percent"])
        by_province[row["old_code"]] += share
        national[row["group"]] += share * rows[row["old_code"]].pupils / 8_919_198
    assert set(by_province) == set(PROVINCES_63)
    assert all(abs(total - 100) < 1e-6 for total in by_province.values())
    assert set(national) == {group.name for group in ETHNIC_GROUPS}
    assert all(abs(national[g.name] - float(g.share_percent)) < 0.5 for g in ETHNIC_GROUPS)


def test_the_mixes_of_all_schools_give_the_shares_again(layouts):
    """Schools of minorities and others: nation within 0.5 points, each province within three."""
    national: Counter = Counter()
    for code, layout in layouts.items():
        own: Counter = Counter()
        for number, school in enumerate(layout.schools, start=1):
            weights = school_weights(code, number)
            for group, weight in weights.items():
                own[group] += school.records * weight / sum(weights.values())
        national.update(own)
        for group, share in province_shares()[code].items():
            assert abs(100 * own[group] / layout.row.pupils - share / 10_000) < 3
    for group in ETHNIC_GROUPS:
        share = 100 * national[group.name] / 8_919_198
        assert abs(share - float(group.share_percent)) < 0.5


def test_highland_schools_mostly_serve_one_people():
    """In Điện Biên some lead with Thái, some with Hmông; others are mostly Kinh."""
    leaders = Counter()
    for number in range(1, province_rows()["11"].schools + 1):
        weights = school_weights("11", number)
        leader = max(weights, key=lambda group: weights[group])
        leaders[leader] += weights[leader] > 0.6 * sum(weights.values())
    assert leaders["Thái"] > 40
    assert leaders["Hmông"] > 40
    assert leaders["Kinh"] > 5


def test_every_province_holds_exactly_its_records(layouts):
    """Sums of groups are the table's figures, province by province and entry year by year."""
    for code, layout in layouts.items():
        assert len(layout.schools) == province_rows()[code].schools
        for slot, total in enumerate(slot_totals()[code]):
            assert sum(sum(school.groups[slot]) for school in layout.schools) == total
        assert sum(slot_totals()[code]) == province_rows()[code].pupils


@pytest.mark.parametrize(
    ("school_year", "grades", "records"),
    [
        ("2023-2024", (1, 2, 3, 4), 7_100_388),
        ("2024-2025", (1, 2, 3, 4, 5), 8_919_198),
        ("2025-2026", (1, 2, 3, 4, 5), 8_919_198),
    ],
)
def test_each_school_year_has_its_total(school_year, grades, records):
    """The pilot's replay leaves out the fifth grade, 1,818,810 records."""
    opened = nation(school_year)
    assert opened.grades == grades
    assert opened.records == records
    assert sum(plan.school_count for plan in opened.provinces) == 14_661


def test_the_plans_of_a_province_sum_to_its_figure():
    """What the school plans say is what the province says, in each of the three years."""
    for year, code in (("2023-2024", "06"), ("2024-2025", "06"), ("2025-2026", "19")):
        opened = nation(year)
        province = next(plan for plan in opened.provinces if plan.code == code)
        plans = [opened.school(n) for numbers in province.schools for n in numbers]
        assert sum(plan.records for plan in plans) == province.records


def test_the_merger_maps_every_old_province_into_its_new_one():
    """34 provinces of 2025 hold the schools of their old ones, and no others."""
    new = nation("2025-2026").provinces
    assert [plan.code for plan in new] == sorted(PROVINCES_34)
    assert {home: plan.code for plan in new for home in plan.home_codes} == dict(MERGED_INTO)
    old = {plan.code: plan for plan in nation().provinces}
    for plan in new:
        assert plan.records == sum(old[home].records for home in plan.home_codes)
        assert plan.schools == tuple(old[home].schools[0] for home in plan.home_codes)


def test_classes_have_15_to_45_pupils(layouts):
    """G12: main groups and rooms; a small satellite group shares room and teacher."""
    for layout in layouts.values():
        for school in layout.schools:
            for slot, sizes in enumerate(school.groups):
                main = school.at_main_site(slot)
                assert all(15 <= size <= 45 for size in sizes[:main])
                for mixed, size in zip(school.satellites, sizes[main:], strict=True):
                    assert (8 if mixed else 15) <= size <= 22


def test_mixed_rooms_join_two_grades_under_one_teacher():
    """Grades 1 with 2 and 3 with 4 at a satellite; fifth grades meet at the main site."""
    opened = nation()
    rooms: Counter = Counter()
    met = 0
    numbers = opened.provinces[6].schools[0]
    for number in numbers:
        plan = opened.school(number)
        by_post = defaultdict(list)
        for each in plan.classes:
            by_post[each.post].append(each)
        for classes in by_post.values():
            rooms[tuple(each.grade for each in classes)] += 1
            assert 15 <= sum(each.records for each in classes) <= 45
        met += sum(len(each.groups) > 1 for each in plan.classes)
        assert all(each.grade == 5 and each.site == 0 for each in plan.classes if each.groups[1:])
    assert set(rooms) == {(1,), (2,), (3,), (4,), (5,), (1, 2), (3, 4)}
    assert rooms[1, 2] == rooms[3, 4] > 10
    assert met > 5


def test_schools_are_as_big_as_such_schools_are(layouts):
    """Big in the big cities, small in the mountains, none beyond belief."""
    mean = {code: layout.row.pupils / layout.row.schools for code, layout in layouts.items()}
    assert mean["79"] > 1_200
    assert mean["06"] < 320
    sizes = [school.records for layout in layouts.values() for school in layout.schools]
    assert min(sizes) >= 5 * 16
    assert max(sizes) < 3_000
    satellites = sum(bool(s.satellites) for layout in layouts.values() for s in layout.schools)
    assert 0.15 < satellites / 14_661 < 0.30
    assert not any(school.satellites for school in layouts["79"].schools)


@pytest.mark.parametrize(("era", "length"), [("63", 10), ("34", 11)])
def test_no_two_schools_share_a_code(era, length):
    """Old rule: province, 999, level, serial; new rule: province, 99999, serial."""
    codes = [place.code for place in places(Era(era))]
    assert len(set(codes)) == 14_661
    assert all(is_school_code(code) and len(code) == length for code in codes)
    reserved = "999" if era == "63" else "99999"
    assert all(code[2:].startswith(reserved) for code in codes)


def test_codes_of_the_nation_are_never_those_of_practice_schools():
    """Practice schools use the serials 1 to 999, the nation those from 1001."""
    assert all(int(place.code[6:]) > 1000 for place in places(Era.SIXTY_THREE))


def test_the_eras_rename_a_place_and_keep_it():
    """The same school keeps name and commune, loses its district, changes province and code."""
    old, new = place_of("91", 40, Era.SIXTY_THREE), place_of("91", 40, Era.THIRTY_FOUR)
    assert (old.province.name, new.province.name) == ("Kiên Giang", "An Giang")
    assert (old.name, without_kind(old.commune)) == (new.name, without_kind(new.commune))
    assert old.district is not None
    assert new.district is None
    assert (old.code[:2], new.code[:2]) == ("91", "91")
    assert place_of("89", 40, Era.THIRTY_FOUR).code[:2] == "91"


def test_no_place_bears_the_name_of_a_real_district():
    """Invented districts and communes are in no province the name of a known district."""
    known = {n for names in tables.tree("nation_known_districts.toml").values() for n in names}
    assert len(known) > 600
    for place in places(Era.SIXTY_THREE):
        assert without_kind(place.commune) not in known
        assert without_kind(place.district) not in known


def test_districts_are_named_once_and_schools_once_in_their_district():
    """No two districts of the country share a name, no two schools of a district."""
    districts = defaultdict(list)
    for place in places(Era.SIXTY_THREE):
        districts[place.province.code, place.district].append(place.name)
        assert place.name.endswith(PRACTICE_MARK)
    assert len({without_kind(name) for _, name in districts}) == len(districts) > 600
    assert all(len(names) == len(set(names)) for names in districts.values())


def test_pupil_numbers_of_groups_never_overlap(layouts):
    """By construction: each group owns an interval inside province and entry year."""
    for layout in layouts.values():
        assert capacity_fits(layout.numbers)
        for slot in range(5):
            end = 0
            for school in layout.schools:
                assert school.first_number[slot] == end
                end += sum(size + SPARE_NUMBERS for size in school.groups[slot])
            assert end <= layout.numbers


def test_class_names_follow_the_schools_habit(layouts):
    """4A, 4/1, 4.1 or 4A1; no letter that Vietnamese classes leave out; short enough."""
    school = layouts["79"].schools[0]
    texts = [ClassNames(school, style).text(4, 6) for style in range(4)]
    assert texts == ["4G", "4/6", "4.6", "4A6"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"school_year": "2024"}, "school year"),
        ({"school_year": "2019-2020"}, "circular"),
        ({"school_year": "2024-2025", "era": "34"}, "63 provinces"),
    ],
)
def test_a_nation_that_cannot_be_is_refused(arguments, message):
    """Malformed years, years before the circular and another year's era raise ValueError."""
    with pytest.raises(ValueError, match=message):
        Nation(SEED, **arguments)


@pytest.mark.parametrize("number", [0, 14_662])
def test_schools_outside_the_nation_are_refused(number):
    """Schools are numbered 1 to 14,661."""
    with pytest.raises(ValueError, match="14661"):
        nation().school(number)


def test_slices_narrow_the_nation_without_drawing_pupils():
    """Province, schools, grade, class, share and part each narrow; parts are disjoint."""
    opened = nation()
    province = Slice(province="06")
    numbers = list(opened.school_numbers(province))
    assert len(numbers) == province_rows()["06"].schools
    parts = [set(opened.school_numbers(Slice(province="06", part=(n, 3)))) for n in range(3)]
    assert sorted(set.union(*parts)) == numbers
    assert sum(map(len, parts)) == len(numbers)
    third = list(opened.classes(Slice(province="06", grade=3)))
    assert {plan.grade for _, plan in third} == {3}
    everything = list(opened.classes(province))
    tenth = list(opened.classes(Slice(province="06", per_mille=100)))
    assert 0.05 < len(tenth) / len(everything) < 0.16
    one = list(opened.classes(Slice(schools=(7_342, 7_342), class_index=3)))
    assert [(school.number, plan.index) for school, plan in one] == [(7_342, 3)]


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (Slice(province="03"), "no province"),
        (Slice(schools=(1, 14_662)), "14661"),
        (Slice(part=(2, 2)), "numbered 0 to 1"),
    ],
)
def test_slices_of_nothing_are_refused(part, message):
    """A province, a school or a part that does not exist raises ValueError, not an empty slice."""
    with pytest.raises(ValueError, match=message):
        next(nation().classes(part))
