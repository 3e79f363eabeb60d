"""Who the pupils of the nation are: drawn from school, entry year, group and seat, nothing else.

A person is the same in every school year and both eras; only the words for places change. Seats
0 to 3 of a group may change hands once: from a grade drawn on, somebody else sits there who came
from another school or stayed down (`careers` of the table of shares).

Who stays down leaves one group for the next: whoever sits in seat 4 or 5 of a group stays down
when the table sends somebody to seat 2 or 3 of the group that entered a year later at the same
place. It is the same person with the same numbers, who in between was not promoted; the seat
left behind goes to somebody from another school.

Identifiers never meet, by construction (spec/README.md §5.1):

* every person has a number of their own inside old province and entry year (`layout`);
* a personal ID holds province, birth year and ``late * capacity + number``; the birth year is
  entry year − 6 − late, so that two holders of one birth year differ in `late` or in the entry
  year, and with one `late` the entry year is the same;
* a pupil code holds province, last digit of the entry year and the number: unique for ten years.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from sandbox.domain.divisions import PROVINCES_63, Era
from sandbox.domain.report_card import Sex
from sandbox.synthetic.chance import path_key, rolled
from sandbox.synthetic.geography import Place, birth_places, native_places
from sandbox.synthetic.naming import Kin, Order, kin_of
from sandbox.synthetic.peoples import school_mix
from sandbox.synthetic.plans import Cohorts, Group
from sandbox.synthetic.schools import personal_number
from sandbox.synthetic.shares import SHARES, threshold, thresholds

LATEST = 3
"""Years older than usual, at most."""
NEWCOMERS = 4
"""Seats of a group that may change hands."""
_STAYING = (4, 5)
"""Seats whose holders may stay down: into the seat two before, a year later."""
_TO_SEAT = 2
_STANDING_IN = 17
"""Numbers of a group after its records: newcomers 4, without a record 13, then who stands in."""
FIRST_CODE = 400_000
"""Numbers below belong to the pupil codes of practice schools."""

_PUPIL = SHARES["pupil"]
_BOYS = threshold(_PUPIL["boys"])
_NO_FATHER = threshold(_PUPIL["no_father_on_file"])
_LATE = thresholds(_PUPIL["years_late"])
_ELSEWHERE = threshold(_PUPIL["native_elsewhere"])
_ELSEWHERE_CITY = threshold(_PUPIL["native_elsewhere_city"])
_MIGRANTS_GO_TO = frozenset({"01", "48", "74", "75", "77", "79"})
_TURN = 256


class Career(StrEnum):
    """How somebody came to sit in this group."""

    ORDINARY = "ordinary"
    MOVED_IN_SUMMER = "moved in summer"
    MOVED_MID_YEAR = "moved mid-year"
    REPEATED = "repeated"


_CAREERS = tuple(
    thresholds([row["moved_in_summer"], row["moved_mid_year"], row["repeated"]])
    for row in SHARES["careers"]
)
_CHANGES = (Career.MOVED_IN_SUMMER, Career.MOVED_MID_YEAR, Career.REPEATED)
_GRADES_OF_CHANGE = {
    Career.MOVED_IN_SUMMER: (2, 3, 4, 5),
    Career.MOVED_MID_YEAR: (1, 2, 3, 4, 5),
    Career.REPEATED: (1, 1, 1, 2, 2, 3, 4, 5),
}


class Person(NamedTuple):
    """A pupil, the same in every year."""

    group: int
    """Place of the person's group among those of the entry year."""
    dice_number: int
    """Keys what is drawn for the person in a year."""
    name: str
    sex: Sex
    ethnic_group: str
    father: str | None
    mother: str
    born: str
    """dd/MM/yyyy."""
    late: int
    personal_id: str
    code: str
    birth_place: str
    native_place: str
    address: int
    """Place in the list of addresses of the school."""
    ability: int
    tall: int
    """Sum of four random bytes."""
    stout: int
    career: Career
    changed_in: int
    """Grade in which the person came or stayed down; 0 for most."""
    entered: int
    """Calendar year in which the person came to this school."""
    register: int
    """Number in the school's register of that year."""
    stays_down_in: int = 0
    """Grade after which the person was not promoted; 0 for most, and once it is repeated."""


class Home:
    """What all pupils of one school share; makes persons."""

    def __init__(
        self,
        seed: str,
        place: Place,
        cohorts: Cohorts,
        *,
        school: int,
        number: int,
        capacity: int,
        era: Era,
    ) -> None:
        """Open school *school* of the nation, *number* of its old province.

        *capacity*: pupil numbers the province uses in a year.

        Raises:
            ValueError: personal IDs or pupil codes would run out of digits.
        """
        if not capacity_fits(capacity):
            raise ValueError(f"too many pupils in one province and year: {capacity}")
        self._seed = seed
        self._cohorts = cohorts
        self._school = school
        self._capacity = capacity
        self.code = place.home_code
        self._region = PROVINCES_63[place.home_code].region
        self._bounds, self._groups = school_mix(place.home_code, number)
        self._kins: dict[str, Kin] = {}
        self._natives = native_places(place.home_code, era)
        self._era = era
        self._births = birth_places(place.province.name)
        goes_far = place.home_code in _MIGRANTS_GO_TO
        self._elsewhere = _ELSEWHERE_CITY if goes_far else _ELSEWHERE

    def records_of(self, group: Group, grade: int) -> list[Person]:
        """Return those of *group* who get a record of profile v1.0, by seat."""
        key = self.key_of(group)
        changing = [
            *(
                self._changed(key, group, seat, grade, change)
                for seat, change in enumerate(self._changes_of(group))
            ),
            *(self._staying(key, group, seat, grade) for seat in _STAYING),
        ]
        rest = range(len(changing), group.size)
        return changing + [self.person(key, group, seat, turn=0, number=seat) for seat in rest]

    def key_of(self, group: Group) -> bytes:
        """Return the key under which everything about *group* is drawn."""
        return path_key(self._seed, "pupils", self._school, group.entered, group.place)

    def _changes_of(self, group: Group) -> tuple[tuple[Career, int], ...]:
        """Return for each of the first seats what happens to it and in which grade."""
        dice = rolled(self.key_of(group), 1 << 32)
        found = []
        for seat, bounds in enumerate(_CAREERS):
            kind = bisect_right(bounds, dice[2 * seat] << 8 | dice[2 * seat + 1])
            if kind == len(_CHANGES):
                found.append((Career.ORDINARY, 0))
            else:
                grades = _GRADES_OF_CHANGE[_CHANGES[kind]]
                found.append((_CHANGES[kind], grades[dice[16 + seat] % len(grades)]))
        return tuple(found)

    def _changed(
        self, key: bytes, group: Group, seat: int, grade: int, change: tuple[Career, int]
    ) -> Person:
        """Return who holds in *grade* a *seat* that may change hands."""
        career, changed_in = change
        if not changed_in or grade < changed_in:
            return self.person(key, group, seat, turn=0, number=seat)
        if career is not Career.REPEATED:
            return self.person(
                key, group, seat, turn=1, number=group.size + seat, career=career,
                changed_in=changed_in,
            )  # fmt: skip
        left = self._cohorts.beside(group, years=-1)
        if left is None:
            return self.person(key, group, seat, turn=0, number=seat)
        before = seat + _TO_SEAT
        person = self.person(self.key_of(left), left, before, turn=0, number=before)
        return person._replace(
            group=group.place,
            dice_number=seat + _TURN,
            late=person.late + 1,
            career=career,
            changed_in=changed_in,
        )

    def _staying(self, key: bytes, group: Group, seat: int, grade: int) -> Person:
        """Return who holds in *grade* a *seat* whose first holder may stay down."""
        stays_down_in = 0
        below = self._cohorts.beside(group, years=1)
        if below is not None:
            career, repeated = self._changes_of(below)[seat - _TO_SEAT]
            stays_down_in = repeated if career is Career.REPEATED else 0
        if not stays_down_in or grade <= stays_down_in:
            person = self.person(key, group, seat, turn=0, number=seat)
            return person._replace(stays_down_in=stays_down_in)
        return self.person(
            key, group, seat, turn=1, number=group.size + _STANDING_IN + seat - _STAYING[0],
            career=Career.MOVED_IN_SUMMER, changed_in=stays_down_in + 1,
        )  # fmt: skip

    def person(
        self,
        key: bytes,
        group: Group,
        seat: int,
        *,
        turn: int,
        number: int,
        career: Career = Career.ORDINARY,
        changed_in: int = 0,
    ) -> Person:
        """Return the holder of *seat*; *number* is the person's own inside the group."""
        d = rolled(key, seat + _TURN * turn)
        boy = (d[0] << 8 | d[1]) < _BOYS
        people = self._groups[
            bisect_right(self._bounds, d[2] << 24 | d[3] << 16 | d[4] << 8 | d[5])
        ]
        kin = self._kins.get(people) or self._kin(people)
        surname = kin.surnames[(d[6] << 8 | d[7]) >> 4]
        other = kin.surnames[(d[8] << 8 | d[9]) >> 4]
        rest = (kin.boys if boy else kin.girls)[(d[10] << 8 | d[11]) >> 4]
        his, hers = (other, surname) if kin.order is Order.LAST else (surname, other)
        father = None
        if (d[12] << 8 | d[13]) >= _NO_FATHER:
            father = kin.full_name(his, kin.men[(d[14] << 8 | d[15]) >> 4])
        late = bisect_right(_LATE, d[18] << 8 | d[19])
        if seat in _STAYING:
            # room for the year that may be added
            late = min(late, LATEST - 1)
        came = group.entered
        register = group.before + seat + 1
        if career is not Career.ORDINARY:
            came += changed_in - 1
            register += 1_000 * changed_in
        year = group.entered - 6 - late
        days = days_of(year)
        index = group.first_number + number
        serial = personal_number(0, 999_999 - late * self._capacity - index)
        return Person(
            group.place,
            seat + _TURN * turn,
            kin.full_name(surname, rest),
            Sex.MALE if boy else Sex.FEMALE,
            people,
            father,
            kin.full_name(hers, kin.women[(d[16] << 8 | d[17]) >> 4]),
            days[(d[22] << 8 | d[23]) * len(days) >> 16],
            late,
            f"9{self.code}{2 if boy else 3}{year % 100:02}{serial:06}",
            f"{self.code}999{group.entered % 10 * 1_000_000 + FIRST_CODE + index:07}",
            self._births[d[24] * len(self._births) >> 8],
            self._native(d),
            d[28],
            d[30] << 8 | d[31],
            d[32] + d[33] + d[34] + d[35],
            d[36] + d[37] + d[38] + d[39],
            career,
            changed_in,
            came,
            register,
        )

    def _kin(self, people: str) -> Kin:
        kin = self._kins[people] = kin_of(people, self._region)
        return kin

    def _native(self, d: bytes) -> str:
        if (d[25] << 8 | d[26]) < self._elsewhere:
            away = _away(self._era)
            return away[(d[27] << 8 | d[29]) * len(away) >> 16]
        return self._natives[d[27] & 63]


@cache
def _away(era: Era) -> tuple[str, ...]:
    """Return four communes of each old province."""
    return tuple(text for code in PROVINCES_63 for text in native_places(code, era)[::16])


@cache
def days_of(year: int) -> tuple[str, ...]:
    """Return the days of *year* as the record writes them."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    days = (first + timedelta(days=day) for day in range((last - first).days + 1))
    return tuple(f"{day.day:02}/{day.month:02}/{day.year}" for day in days)


def capacity_fits(capacity: int) -> bool:
    """Say whether personal IDs of *capacity* pupils a year stay inside their six digits."""
    return (LATEST + 1) * capacity <= 1_000_000 and FIRST_CODE + capacity <= 1_000_000
