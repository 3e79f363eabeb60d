"""A school without its classes: name, place, people. Everything follows from seed and number."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.domain.divisions import Era, Province, era_of, first_year, province_of
from sandbox.domain.identifiers import PRACTICE_MARK, PersonalId, make_school_code, school_serial
from sandbox.domain.lifecycle import Role
from sandbox.domain.report_card import Sex
from sandbox.synthetic import tables
from sandbox.synthetic.chance import draw
from sandbox.synthetic.model import Staff
from sandbox.synthetic.people import people

_PLACES = tables.tree("places.toml")
_SCHOOL_NAMES: list[str] = _PLACES["schools"]
_CITIES = frozenset(_PLACES["provinces_with_city_prefix"])

MOST_SCHOOLS = 999
"""Serial numbers a province may use: each owns a block of 1,000 personal numbers."""
MOST_CLASSES = 7
"""Classes per grade of one school."""
MOST_PUPILS = 45

LEADER, CLERK, ADMINISTRATOR, TEACHERS = 0, 1, 2, 10
"""Places of the staff inside their school's block of personal numbers."""

_TITLES = {
    Role.CBQL: "Hiệu trưởng",
    Role.VAN_THU: "Văn thư",
    Role.QUAN_TRI: "Quản trị viên",
    Role.GVCN: "Giáo viên chủ nhiệm",
    Role.SO: "Chuyên viên",
}
# How many of a hundred holders of a post are women, and between which years they were born.
_POSTS = {
    Role.CBQL: (55, 1966, 1982),
    Role.VAN_THU: (85, 1975, 1998),
    Role.QUAN_TRI: (30, 1980, 1999),
    Role.GVCN: (80, 1968, 2000),
    Role.SO: (45, 1968, 1990),
}


@dataclass(frozen=True, slots=True)
class Site:
    """Where a school stands and what its records call it."""

    seed: str
    number: int
    school_year: str
    begins: int
    """Calendar year in which the school year begins."""
    province: Province
    birth_province: str
    """Old province code that the personal IDs carry."""
    code: str
    name: str
    commune: str
    district: str | None
    department_name: str

    @property
    def place(self) -> str:
        """Province with its prefix, as an address writes it."""
        return with_prefix(self.province.name)

    def address(self, hamlet: str, group: int) -> str:
        """Return an invented address near the school."""
        parts = [f"Tổ {group}, {hamlet}", self.commune, self.district, self.place]
        return ", ".join(part for part in parts if part is not None)


def with_prefix(province: str) -> str:
    """Return *province* as an address writes it: `thành phố Đà Nẵng`, `tỉnh Gia Lai`."""
    if province.startswith("Thành phố"):
        return province
    return f"{'thành phố' if province in _CITIES else 'tỉnh'} {province}"


def department_name(province: Province) -> str:
    """Return TEN_SO_GD with its practice mark."""
    return f"Sở Giáo dục và Đào tạo {province.name}{PRACTICE_MARK}"


def site_of(
    seed: str, *, province: str, number: int, school_year: str, name: str | None = None
) -> Site:
    """Return the place of school *number* of *province*.

    Raises:
        ValueError: unknown province in that year, malformed year or number out of range.
    """
    begins = first_year(school_year)
    found = province_of(province, school_year)
    if begins is None or found is None:
        raise ValueError(f"no province {province!r} in school year {school_year!r}")
    serial = school_serial(number)
    if not 1 <= serial <= MOST_SCHOOLS:
        raise ValueError(f"school numbers run from 401 to 4{MOST_SCHOOLS}: {number}")
    source = draw(seed, "site", province, number)
    commune = source.choice(_PLACES["communes"])
    district = source.choice(_PLACES["districts"])
    city = found.name in _CITIES
    return Site(
        seed=seed,
        number=number,
        school_year=school_year,
        begins=begins,
        province=found,
        birth_province=province,
        code=make_school_code(province, number),
        name=name or school_name(serial),
        commune=f"{'Phường' if city else 'Xã'} {commune}",
        district=(
            None
            if era_of(school_year) is Era.THIRTY_FOUR
            else f"{'Quận' if city else 'Huyện'} {district}"
        ),
        department_name=department_name(found),
    )


def school_name(serial: int) -> str:
    """Return the usual name of school *serial*: a flower, numbered when the list starts again."""
    turn, place = divmod(serial - 1, len(_SCHOOL_NAMES))
    again = f" {turn + 1}" if turn else ""
    return f"Trường Tiểu học {_SCHOOL_NAMES[place]}{again}{PRACTICE_MARK}"


def personal_number(block: int, slot: int) -> int:
    """Return the last six digits for *slot* (0–999) of *block* (0–999).

    A bijection of 0–999,999, so that two holders of one province, sex and birth year never meet
    and neighbours do not look numbered.
    """
    return ((block * 1000 + slot) * 611_953 + 271_828) % 1_000_000


def staff_member(
    seed: str, *, province: Province, birth_province: str, block: int, slot: int, role: Role
) -> Staff:
    """Return the holder of a post; *block* is the school's serial, 0 for the department."""
    source = draw(seed, "staff", birth_province, block, slot)
    women, eldest, youngest = _POSTS[role]
    sex = Sex.FEMALE if source.randrange(100) < women else Sex.MALE
    names = people(source)
    name = names.vn_adult_name(sex, names.vn_surname(province.region))
    return Staff(
        personal_id=PersonalId.make(
            province=birth_province,
            sex=sex,
            birth_year=source.randint(eldest, youngest),
            serial=personal_number(block, slot),
        ),
        name=name,
        sex=sex,
        role=role,
        title=_TITLES[role],
    )


def staff_of(site: Site) -> tuple[Staff, Staff, Staff]:
    """Return leader, clerk and administrator of *site*."""
    leader, clerk, administrator = (
        _member(site, slot, role)
        for slot, role in (
            (LEADER, Role.CBQL),
            (CLERK, Role.VAN_THU),
            (ADMINISTRATOR, Role.QUAN_TRI),
        )
    )
    return leader, clerk, administrator


def teacher_of(site: Site, *, grade: int, class_number: int) -> Staff:
    """Return the class teacher of one class of *site*."""
    slot = TEACHERS + (grade - 1) * MOST_CLASSES + class_number
    return _member(site, slot, Role.GVCN)


def _member(site: Site, slot: int, role: Role) -> Staff:
    return staff_member(
        site.seed,
        province=site.province,
        birth_province=site.birth_province,
        block=school_serial(site.number),
        slot=slot,
        role=role,
    )
