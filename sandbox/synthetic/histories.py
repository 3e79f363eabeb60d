"""The years at school of the nation's pupils: QUA_TRINH_HOC_TAP."""

from __future__ import annotations

from sandbox.synthetic.fragments import HistoryRow
from sandbox.synthetic.geography import other_schools
from sandbox.synthetic.layout import slot_of
from sandbox.synthetic.persons import Career, Person
from sandbox.synthetic.plans import ClassNames, ClassPlan, Cohorts, Group

_OTHER_CLASSES = "ABCDE"


class Histories:
    """Writes QUA_TRINH_HOC_TAP for the pupils of one class."""

    def __init__(self, plan: ClassPlan, names: ClassNames, cohorts: Cohorts, school: str) -> None:
        """*school*: its name."""
        self._names = names
        self._cohorts = cohorts
        self._school = school
        self._grade = plan.grade
        self._groups = {group.place: group for group in plan.groups}
        self._plain: dict[int, tuple[HistoryRow, ...]] = {}

    def of(self, person: Person) -> tuple[HistoryRow, ...]:
        """Return one row per school year, the current one last."""
        rows = self._plain.get(person.group)
        if rows is None:
            group = self._groups[person.group]
            rows = self._plain[person.group] = tuple(
                self._row(group, grade, group.entered + grade - 1)
                for grade in range(1, self._grade + 1)
            )
        if person.career is Career.ORDINARY:
            return rows
        return self._changed(person, rows)

    def _row(self, group: Group, grade: int, year: int) -> HistoryRow:
        number = self._names.number(slot_of(group.entered), group.place, grade)
        return _history_row(year, self._names.text(grade, number), self._school)

    def _changed(self, person: Person, rows: tuple[HistoryRow, ...]) -> tuple[HistoryRow, ...]:
        change, group = person.changed_in, self._groups[person.group]
        if person.career is Career.REPEATED:
            left = self._cohorts.beside(group, years=-1)
            if left is None:
                raise ValueError(f"nobody can stay down into {group}")
            before = [self._row(left, g, left.entered + g - 1) for g in range(1, change + 1)]
            return (*before, *rows[change - 1 :])
        schools = other_schools()
        place = person.ability % len(schools)
        if schools[place] == self._school:
            place -= 1
        letter = _OTHER_CLASSES[person.stout % len(_OTHER_CLASSES)]
        elsewhere = [
            _history_row(group.entered + g - 1, f"{g}{letter}", schools[place])
            for g in range(1, change)
        ]
        here = list(rows[change - 1 :])
        if person.career is Career.MOVED_MID_YEAR:
            # The second term begins in the middle of January.
            year, name, school, _ = here[0]
            here[0] = (year, name, school, f"{13 + person.tall % 12}/01/{year[5:]}")
        return (*elsewhere, *here)


def _history_row(year: int, class_name: str, school: str) -> HistoryRow:
    return f"{year}-{year + 1}", class_name, school, f"05/09/{year}"
