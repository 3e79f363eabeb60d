"""Filling a practice space: schools, people, classes and the pupils' closed year results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from sandbox.domain.lifecycle import Role
from sandbox.pki import Certificate
from sandbox.portal import record_store, request_store, store
from sandbox.portal.certificates import registered
from sandbox.portal.context import Actor, Context, Reason, Stopped
from sandbox.portal.model import Account, CertificateState, Identity, SchoolRow
from sandbox.synthetic import Department, School, Staff
from sandbox.web.spaces import Space


class Schools:
    """Who and what there is in a space."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def open_space(
        self,
        space: Space,
        department: Department,
        *,
        accounts: Iterable[Account],
        pins: Mapping[str, str] | None = None,
        approved: Iterable[tuple[str, str, bytes]] = (),
    ) -> None:
        """Add a Sở with its schools; what is there already stays as it is.

        *pins*: the practice PIN on each person's card, by personal ID. *approved*: (desk, unit
        code, certificate DER) of certificates approved before the first day.
        """
        with self._context.database.write() as connection:
            known = {code for code, *_rest in store.departments(connection, space.id)}
            record_store.start_audit(connection, space.id)
            if department.code not in known:
                store.add_department(
                    connection, space.id, code=department.code, name=department.name
                )
                unit = (department.code, department.name)
                people = [_person(department.officer, Role.SO, unit, department.code, 0)]
                _add_people(connection, space.id, people, pins or {})
            there = {school.code for school in store.schools(connection, space.id)}
            for school in department.schools:
                if school.code not in there:
                    self._add(connection, space, school, pins or {})
            self._accounts(connection, space, accounts)
            for desk, unit_code, der in approved:
                row = registered(
                    Certificate.from_der(der),
                    unit_code=unit_code,
                    desk=desk,
                    state=CertificateState.APPROVED,
                )
                request_store.put_certificate(connection, space.id, row)

    def add_school(
        self,
        space: Space,
        school: School,
        *,
        accounts: Iterable[Account],
        pins: Mapping[str, str],
        packed_by: Role = Role.VAN_THU,
    ) -> None:
        """Add one more school to a space that is open; one already there stays as it is."""
        with self._context.database.write() as connection:
            if store.school(connection, space.id, school.code) is not None:
                return
            self._add(connection, space, school, pins, packed_by=packed_by)
            self._accounts(connection, space, accounts)

    def _accounts(self, connection: Connection, space: Space, accounts: Iterable[Account]) -> None:
        fresh = [
            {
                "space": space.id,
                "desk": a.desk,
                "unit_code": a.unit_code,
                "user_name": a.user_name,
                "password": a.password,
            }
            for a in accounts
            if store.account(connection, space.id, desk=a.desk, unit_code=a.unit_code) is None
        ]
        store.add_rows(connection, store.ACCOUNT, fresh)

    def _add(
        self,
        connection: Connection,
        space: Space,
        school: School,
        pins: Mapping[str, str],
        *,
        packed_by: Role = Role.VAN_THU,
    ) -> None:
        place = len(store.schools(connection, space.id))
        row = {
            "space": space.id,
            "code": school.code,
            "name": school.name,
            "department_code": school.department_code,
            "department_name": school.department_name,
            "packed_by": packed_by.value,
            "place": place,
        }
        store.add_rows(connection, store.SCHOOL, [row])
        unit = (school.code, school.name)
        people = [
            _person(staff, Role(staff.role), unit, school.department_code, number)
            for number, staff in enumerate(_in_order(school))
        ]
        _add_people(connection, space.id, people, pins)
        store.add_rows(connection, store.SCHOOL_CLASS, _class_rows(space.id, school))
        store.add_rows(connection, store.PUPIL, store.pupil_rows(space.id, school))

    # -- looking

    def schools(self, space: Space) -> list[SchoolRow]:
        """Return the schools of the space."""
        with self._context.database.read() as connection:
            return store.schools(connection, space.id)

    def school(self, space: Space, code: str) -> SchoolRow | None:
        """Return one school, or None."""
        with self._context.database.read() as connection:
            return store.school(connection, space.id, code)

    def departments(self, space: Space) -> list[tuple[str, str]]:
        """Return (code, name) of each Sở."""
        with self._context.database.read() as connection:
            return [(code, name) for code, name, *_rest in store.departments(connection, space.id)]

    def staff(self, space: Space, unit_code: str) -> list[Identity]:
        """Return everybody of a unit who can be played. Raises `Stopped` for an unknown unit."""
        with self._context.database.read() as connection:
            found = store.staff(connection, space.id, unit_code)
        if not found:
            raise Stopped(Reason.NOT_FOUND, target=unit_code)
        return found

    def person(self, space: Space, *, person_id: str, unit_code: str, role: str) -> Identity | None:
        """Return one person in one role, or None (a reset took them away)."""
        if role not in Role.__members__:
            return None
        with self._context.database.read() as connection:
            return store.person(
                connection, space.id, person_id=person_id, unit_code=unit_code, role=Role(role)
            )

    def identities(self, space: Space, person_id: str) -> list[Identity]:
        """Return every role one person has."""
        with self._context.database.read() as connection:
            return store.roles_of(connection, space.id, person_id)

    def card_pin(self, space: Space, person_id: str) -> str | None:
        """Return the practice PIN printed on a person's card, when the space hands it out."""
        with self._context.database.read() as connection:
            return store.card_pin(connection, space.id, person_id)

    def take_role(self, space: Space, actor: Actor) -> None:
        """Note in the audit trail that a visitor plays somebody from now on."""
        with self._context.database.write() as connection:
            self._context.audit(connection, space, actor, "doi_vai", new=actor.role.value)

    def classes_taught(self, space: Space, unit_code: str) -> dict[str, str]:
        """Return class name by its teacher's personal ID."""
        with self._context.database.read() as connection:
            return {
                row.teacher_id: row.name for row in store.classes(connection, space.id, unit_code)
            }

    # -- reminders

    def remind(self, space: Space, actor: Actor, class_name: str, role: Role) -> None:
        """Remind the people of *role* about a class (E10): they see it on their first page."""
        with self._context.database.write() as connection:
            store.remind(
                connection,
                space.id,
                school_code=actor.identity.unit_code,
                class_name=class_name,
                role=role,
                sender_id=actor.identity.person_id,
                at=self._context.stamp(space),
            )
            self._context.audit(connection, space, actor, f"nhac:{role.value}", outcome=class_name)

    def reminders(self, space: Space, actor: Actor) -> list[tuple[str, Role]]:
        """Return (class, role) of the reminders at the actor's school."""
        with self._context.database.read() as connection:
            rows = store.reminders(connection, space.id, actor.identity.unit_code)
        return [(class_name, role) for class_name, role, _sender, _at in rows]

    def set_packed_by(self, space: Space, school_code: str, role: Role) -> None:
        """Say who packs at a school: the clerk (default) or the administrator."""
        with self._context.database.write() as connection:
            store.set_packed_by(connection, space.id, school_code, role)


def _in_order(school: School) -> Sequence[Staff]:
    """Return leaders first, then clerk and administrator, then teachers by class."""
    taught = {group.teacher.personal_id: n for n, group in enumerate(school.classes)}
    rank = {"CBQL": 0, "VAN_THU": 1, "QUAN_TRI": 2}
    return sorted(
        school.staff,
        key=lambda s: (rank.get(Role(s.role).value, 3), taught.get(s.personal_id, 0)),
    )


def _person(
    staff: Staff, role: Role, unit: tuple[str, str], department_code: str, place: int
) -> dict[str, Any]:
    return {
        "person_id": staff.personal_id,
        "role": role.value,
        "name": staff.name,
        "title": staff.title,
        "department_code": department_code,
        "place": place,
        "unit_code": unit[0],
        "unit_name": unit[1],
    }


def _add_people(
    connection: Connection, space: str, people: Sequence[dict[str, Any]], pins: Mapping[str, str]
) -> None:
    rows = [{**person, "space": space, "pin": pins.get(person["person_id"])} for person in people]
    store.add_rows(connection, store.STAFF, rows)


def _class_rows(space: str, school: School) -> list[dict[str, Any]]:
    return [
        {
            "space": space,
            "school_code": school.code,
            "name": group.name,
            "grade": group.grade,
            "school_year": group.cards[0].general.school_year,
            "teacher_id": group.teacher.personal_id,
            "teacher_name": group.teacher.name,
        }
        for group in school.classes
    ]
