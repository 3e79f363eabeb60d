"""The receiving desks of an installation: opening them, and everything they answer.

One object serves the Kho and every Cổng of every space; it keeps no state between calls, so any
number of web processes and checking workers may share one database.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.clock import Clock
from sandbox.domain.divisions import first_year
from sandbox.domain.rejections import CATALOGUE, CATALOGUE_VERSION
from sandbox.errors import Misuse, Refused
from sandbox.ministry import (
    answers,
    certificate_store,
    metering_store,
    pace_store,
    package_store,
    record_store,
    registrations,
    store,
    submissions,
)
from sandbox.ministry.answers import Answer, Outcome
from sandbox.ministry.back_pressure import BackPressure
from sandbox.ministry.crosscheck_incidents import Incidents
from sandbox.ministry.estimates import Estimates
from sandbox.ministry.exercise import Exercise, exercise_of
from sandbox.ministry.metering import Meter
from sandbox.ministry.metering_watch import tell_received
from sandbox.ministry.model import (
    HTTP_BODY_BYTES,
    PROFILES,
    RECORDS_PER_PACKAGE,
    UNPACKED_BYTES,
    Account,
    AccountSeed,
    Desk,
    DeskKind,
    DeskSeed,
    Exchange,
    Moment,
    Package,
    RegisterUnit,
    ResultLine,
    SchoolProgress,
    SchoolSeed,
    StoredRecord,
    seal_password,
)
from sandbox.ministry.receipt import Call, Receiving, Service
from sandbox.ministry.tables_store import METADATA, Transaction, forget_space
from sandbox.pki import Trust
from sandbox.pki.certificate import reading_counts
from sandbox.web import text
from sandbox.web.spaces import Space, Spaces
from sandbox.web.store import Database
from sandbox.wire.ministry import (
    TOKEN_LIFETIME_S,
    CirculatingRequest,
    RegistrationRequest,
    RegistrationStateRequest,
    ResultRequest,
    SubmitRequest,
    TokenRequest,
    wire_password,
)
from sandbox.xmldsig.structure import identity_counts

SIGNATURE_KINDS = ("REMOTE_SIGNING", "USB_TOKEN")
PROVIDERS = ("GIA_LAP_CA", "GIA_LAP_CO_YEU")
JOURNAL_PAGE = 500


@dataclass(frozen=True, slots=True)
class QueueState:
    """Honest figures of a desk's queue. Times in machine seconds."""

    waiting: int
    oldest_s: float
    per_minute: float
    """Packages settled in the last minutes, per minute; 0 when none was."""


def _token_shape(outcome: Outcome) -> dict[str, Any]:
    return answers.token(outcome, lifetime_s=TOKEN_LIFETIME_S)


TOKEN = Service(TokenRequest, None, _token_shape)
SUBMIT = Service(SubmitRequest, "1", answers.receipt)
RESULT = Service(ResultRequest, "2", answers.rows)
REGISTER = Service(RegistrationRequest, "3", answers.registration)
REGISTRATION_STATE = Service(RegistrationStateRequest, "4", answers.registration_state)
CIRCULATING = Service(CirculatingRequest, None, answers.rows)


class MinistryService:
    """Everything a desk can be asked. Blocking: pages and handlers call it off the loop."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        spaces: Spaces,
        trust: Trust,
        responders_url: str,
        *,
        allowed_hosts: tuple[str, ...] = (),
        pressure: BackPressure | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.spaces = spaces
        self.trust = trust
        self.responders_url = responders_url.rstrip("/")
        self.allowed_hosts = allowed_hosts
        self.pressure = pressure or BackPressure(database, clock)
        self.estimates = Estimates(clock)
        self.registrations = registrations.Registrations(database)
        self.incidents = Incidents(database)
        self.meter = Meter()
        self.meter.watch_cache("certificate", reading_counts)
        self.meter.watch_cache("identity", identity_counts)
        self._receiving = Receiving(database, told=self._tell)

    # ---------------------------------------------------------------- opening and closing

    def prepare(self) -> None:
        """Create the tables that are not there yet."""
        self.database.create(METADATA)
        self.database.create(metering_store.METADATA)

    def open_space(self, space: Space, desks: Iterable[DeskSeed]) -> None:
        """Open *desks* with their registers, accounts and approved certificates.

        Opening again what is open changes nothing of what came in since.
        """
        now = space.now(self.clock)
        with self.database.write() as connection:
            for seed in desks:
                known = store.desk_of(connection, space=space.id, desk=seed.desk)
                store.add_desk(connection, seed, space=space.id)
                store.add_units(connection, seed.units, space=space.id, desk=seed.desk)
                for account in seed.accounts:
                    store.add_account(connection, _account(space.id, seed.desk, account))
                if known is not None:
                    continue
                for unit_code, der in seed.approved:
                    entry = registrations.seeded(unit_code, der, at=now)
                    certificate_store.add_certificate(
                        connection, entry, space=space.id, desk=seed.desk
                    )

    def reset_space(self, space_id: str) -> None:
        """Delete all rows of a space; every other space keeps its own."""
        with self.database.write() as connection:
            forget_space(connection, space=space_id)

    def add_school(
        self,
        space: Space,
        desk: str,
        unit: RegisterUnit,
        *,
        account: AccountSeed | None = None,
    ) -> None:
        """Enter one more school into a desk's register, with its account. Raises `Misuse`."""
        self.add_schools(space, desk, [SchoolSeed(unit, account)])

    def add_schools(self, space: Space, desk: str, seeds: Iterable[SchoolSeed]) -> dict[str, int]:
        """Enter schools with accounts and approved certificates; doing it again is harmless.

        A new certificate takes the place of those the school had. Accounts of schools are opened
        only where schools hand in (transactions §8). Returns how many schools, accounts and
        certificates were given, opened and new. Raises `Misuse` for a desk that is not there.
        """
        done = {"truong": 0, "tai_khoan": 0, "chung_thu": 0}
        now = space.now(self.clock)
        with self.database.write() as connection:
            found = store.desk_of(connection, space=space.id, desk=desk)
            if found is None:
                raise Misuse(f"{space.id}: no desk {desk}")
            for seed in seeds:
                store.add_units(connection, [seed.unit], space=space.id, desk=desk)
                done["truong"] += 1
                if seed.account is not None and _takes_schools(found, space):
                    store.add_account(connection, _account(space.id, desk, seed.account))
                    done["tai_khoan"] += 1
                for der in seed.approved:
                    entry = registrations.seeded(seed.unit.ma_truong, der, at=now)
                    if certificate_store.add_certificate(
                        connection, entry, space=space.id, desk=desk
                    ):
                        certificate_store.replace_others(
                            connection, entry.messageid, unit_code=entry.unit_code,
                            space=space.id, desk=desk, at=now.isoformat(),
                        )  # fmt: skip
                        done["chung_thu"] += 1
        return done

    # ---------------------------------------------------------------- calls

    def moment(self, space: Space) -> Moment:
        """Return the present instant on both clocks."""
        return Moment(space.now(self.clock), self.clock.epoch(), self.clock.now())

    def desk(self, space: Space, desk: str) -> Desk | None:
        """Return a desk of the space, or None."""
        with self.database.read() as connection:
            return store.desk_of(connection, space=space.id, desk=desk)

    def desk_and_fault(
        self, space: Space, desk: str
    ) -> tuple[Desk, Mapping[str, Any] | None] | None:
        """Return a desk of the space with the fault plan of its edge, or None; in one look."""
        with self.database.read() as connection:
            return store.desk_and_fault(connection, space=space.id, desk=desk)

    def desks(self, space: Space) -> list[Desk]:
        """Return all desks of the space, the Kho first."""
        with self.database.read() as connection:
            return store.desks_of(connection, space=space.id)

    def call(self, space: Space, desk: Desk, *, address: str, language: str, service: str) -> Call:
        """Return who calls what, at this moment."""
        return Call(space, desk, address, language, self.moment(space), service)

    def _tell(self, call: Call, answer: Answer) -> None:
        """Count an answer; the time runs from the moment the call came in."""
        self.meter.answered(
            call.service.strip("/"),
            status=answer.status,
            error=answer.error,
            seconds=self.clock.epoch() - call.moment.epoch,
        )

    def refuse(
        self, call: Call, shape: Callable[[Outcome], dict[str, Any]], refusal: Refused
    ) -> Answer:
        """Answer a refusal decided at the edge, in the shape of the service called."""
        return self._receiving.refuse(call, shape, refusal)

    def token(self, call: Call, body: bytes | None) -> Answer:
        """Answer service 3.1: a token for 3,600 s of the machine clock."""

        def work(
            connection: Transaction, account: Account, _request: TokenRequest
        ) -> dict[str, Any]:
            value = secrets.token_urlsafe(32)
            store.forget_tokens(connection, account, epoch=call.moment.epoch)
            expires = call.moment.epoch + TOKEN_LIFETIME_S
            store.add_token(connection, account, token=value, expires=expires)
            outcome = Outcome(call.language)
            return answers.token(outcome, value=value, lifetime_s=TOKEN_LIFETIME_S)

        return self._receiving.serve(call, TOKEN, body, work)

    def submit(self, call: Call, body: bytes | None) -> Answer:
        """Answer service 3.6 (type 1): stored durably before the receipt leaves."""
        added: list[Package] = []
        answer = self._receiving.serve(
            call, SUBMIT, body, lambda c, a, r: submissions.take_in(c, call, a, r, added=added)
        )
        for package in added:  # committed by now
            tell_received(self.meter, package)
        return answer

    def result(self, call: Call, body: bytes | None) -> Answer:
        """Answer service 3.7 (type 2)."""
        return self._receiving.serve(
            call, RESULT, body, lambda c, a, r: submissions.result(c, call, a, r, self.estimates)
        )

    def register(self, call: Call, body: bytes | None) -> Answer:
        """Answer service 3.4 (type 3)."""
        return self._receiving.serve(
            call,
            REGISTER,
            body,
            lambda c, a, r: registrations.register(c, call, a, r, trust=self.trust),
        )

    def registration_state(self, call: Call, body: bytes | None) -> Answer:
        """Answer service 3.5 (type 4)."""
        return self._receiving.serve(
            call, REGISTRATION_STATE, body, lambda c, a, r: registrations.state(c, call, a, r)
        )

    def circulating(self, call: Call, body: bytes | None) -> Answer:
        """Answer the sandbox's forwarding service (**I**)."""
        return self._receiving.serve(
            call, CIRCULATING, body, lambda c, a, r: submissions.circulating(c, call, a, r)
        )

    def information(self, call: Call, token: str | None) -> Answer:
        """Answer `thong-tin` (**I**, transactions §4.1)."""

        def work(_connection: Transaction, account: Account) -> dict[str, Any]:
            said = _information(call, account, exercise_of(call.space))
            return answers.information(Outcome(call.language), said=said)

        return self._receiving.serve_bearer(call, token, answers.information, work)

    def schools(self, call: Call, token: str | None) -> Answer:
        """Answer `danh-muc/truong` (**I**): the schools the account may submit for."""

        def work(connection: Transaction, account: Account) -> dict[str, Any]:
            units = store.units_of_account(
                connection,
                space=account.space,
                desk=account.desk,
                unit_code=account.unit_code,
                kind=account.kind,
            )
            return answers.rows(Outcome(call.language), listed=[unit.as_row() for unit in units])

        return self._receiving.serve_bearer(call, token, answers.rows, work)

    def signature_kinds(self, call: Call) -> Answer:
        """Answer service 3.2."""
        return self._names(call, "kieu-chu-ky", SIGNATURE_KINDS)

    def providers(self, call: Call) -> Answer:
        """Answer service 3.3: the practice issuers only (transactions §2.4)."""
        return self._names(call, "nha-cung-cap", PROVIDERS)

    def _names(self, call: Call, group: str, codes: Iterable[str]) -> Answer:
        listed = [
            {"ma": code, "ten": text("vi", "chuyen_mon", f"ministry.{group}.{code}")}
            for code in codes
        ]
        return Answer(200, answers.rows(Outcome(call.language), listed=listed))

    def codes(self, call: Call) -> Answer:
        """Answer `danh-muc/ma-loi` (**I**): the catalogue in the asker's language."""
        listed = [
            {
                "ma": code,
                "tieu_de": rejection.title[call.language],
                "cau_thuong": " ".join(
                    (rejection.plain_meaning[call.language], rejection.plain_remedy[call.language])
                ),
                "giai_doan": rejection.stage.value,
                "muc": rejection.severity.value,
            }
            for code, rejection in CATALOGUE.items()
        ]
        return Answer(200, answers.rows(Outcome(call.language), listed=listed))

    # ---------------------------------------------------------------- looking in

    def journal(self, space: Space, desk: str, *, after: int) -> list[Exchange]:
        """Return up to 500 lines of the journal of exchanges after number *after*."""
        with self.database.read() as connection:
            return store.exchanges_after(
                connection, after, space=space.id, desk=desk, limit=JOURNAL_PAGE
            )

    def record(self, space: Space, desk: str, uuid: str) -> StoredRecord | None:
        """Return an accepted record, its bytes as they were signed."""
        with self.database.read() as connection:
            return record_store.record_of(connection, uuid, space=space.id, desk=desk)

    def packages(self, space: Space, desk: str, *, limit: int, skip: int = 0) -> list[Package]:
        """Return the latest packages of a desk, newest first."""
        with self.database.read() as connection:
            return package_store.packages_of(
                connection, space=space.id, desk=desk, limit=limit, skip=skip
            )

    def package(
        self, space: Space, desk: str, messageid: str
    ) -> tuple[Package, list[ResultLine]] | None:
        """Return one package with its result lines."""
        with self.database.read() as connection:
            found = package_store.package_of(connection, messageid, space=space.id, desk=desk)
            if found is None:
                return None
            lines = package_store.results_of(connection, found.messageid, space=space.id, desk=desk)
        return found, lines

    def progress(self, space: Space, desk: str) -> list[SchoolProgress]:
        """Return the progress of every school of a desk's register."""
        with self.database.read() as connection:
            return record_store.progress_of(connection, space=space.id, desk=desk)

    def queue(self, space: Space, desk: str) -> QueueState:
        """Return the honest queue depth of a desk and how fast it is being worked off."""
        epoch = self.clock.epoch()
        with self.database.read() as connection:
            depth = package_store.queue_depth(connection, space=space.id, desk=desk)
            pace = package_store.settled_per_minute(
                connection, space=space.id, desk=desk, epoch=epoch
            )
        oldest = 0.0 if depth.oldest_epoch is None else max(0.0, epoch - depth.oldest_epoch)
        return QueueState(depth.packages, oldest, pace)

    def pace(
        self, space: Space, desk: str, *, since: float, step: float, without: str = ""
    ) -> pace_store.Pace:
        """Return what a desk took in and settled since machine second *since*, step by step."""
        with self.database.read() as connection:
            return pace_store.pace_since(
                connection, since, space=space.id, desk=desk, step=step, without=without
            )

    def set_fault(self, space: Space, desk: str, plan: Mapping[str, Any] | None) -> None:
        """Keep a fault plan for a desk's edge, or drop it."""
        with self.database.write() as connection:
            store.set_fault(connection, plan, space=space.id, desk=desk)


def _takes_schools(desk: Desk, space: Space) -> bool:
    """Tell whether schools have accounts at *desk*: in topology A only at their Cổng (§8)."""
    return desk.kind is DeskKind.CONG or space.topology != "A"


def _account(space: str, desk: str, seed: AccountSeed) -> Account:
    """Return the account of *seed*; only a salted hash of the password goes on."""
    if seed.profile not in PROFILES:
        raise Misuse(f"{seed.user_name}: no profile {seed.profile}", remedy=", ".join(PROFILES))
    salt = secrets.token_hex(16)
    return Account(
        space=space,
        desk=desk,
        user_name=seed.user_name,
        salt=salt,
        secret=seal_password(wire_password(seed.password), salt=salt),
        unit_code=seed.unit_code,
        kind=seed.kind,
        profile=PROFILES[seed.profile],
        allowed_ips=seed.allowed_ips,
    )


def _information(call: Call, account: Account, exercise: Exercise) -> dict[str, Any]:
    space, profile = call.space, account.profile
    return {
        "moi_truong": text("vi", "chuyen_mon", "ministry.environment"),
        "dau": text("vi", "chuyen_mon", "ministry.mark"),
        "khong_gian": space.id,
        "gio_khong_gian": call.moment.iso,
        "nam_hoc": first_year(space.school_year),
        "thoi_ky": space.era,
        "mo_hinh": space.topology,
        "ngay_chot": [exercise.locks.first.isoformat(), exercise.locks.second.isoformat()],
        "gioi_han": {
            "ten": profile.name,
            "yeu_cau_moi_giay": profile.requests_per_second,
            "goi_dang_mo": profile.open_packages,
        },
        "kich_thuoc": {
            "than_http": HTTP_BODY_BYTES,
            "giai_nen": UNPACKED_BYTES,
            "so_hoc_ba": RECORDS_PER_PACKAGE,
        },
        "cong_tac": exercise.switches_said,
        "phien_ban_ma_loi": CATALOGUE_VERSION,
    }
