"""Somebody who signs with one of the instruments, page by page, without script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.clock import FixedClock
from sandbox.signing import CredentialSeed, HolderSeed
from sandbox.wire.signing import Fault, Instrument, Item, Phone, Transaction, entry
from tests.builders.phone import PIN, Browser, Room

FIRST_PIN = "012345"
CANCEL, OK = "Huỷ", "OK"


@dataclass
class Signer:
    """One holder of a room, with a browser that shows their phone and computer."""

    room: Room
    holder: str
    browser: Browser

    def ask(
        self, instrument: Instrument, items: int | Sequence[Item] = 1, **changes: Any
    ) -> Transaction:
        return self.room.ask(items, signer_id=self.holder, instrument=instrument, **changes)

    def refused(self, instrument: Instrument, items: int = 1, **changes: Any) -> dict[str, Any]:
        """Send a request that is refused; return the refusal with its HTTP status."""
        new = self.room.request(items, signer_id=self.holder, instrument=instrument, **changes)
        answer = self.room.post("giao-dich", new)
        assert answer.status_code >= 400, answer.text
        return {**answer.json(), "status": answer.status_code}

    @property
    def phone(self) -> Phone:
        answer = self.room.post("dien-thoai", {"holder_id": self.holder})
        return Phone.model_validate(answer.json())

    def open(self, instrument: Instrument) -> None:
        """Go where the portal's waiting page leads for *instrument*."""
        self.browser.open(entry(self.phone, instrument))

    def secret(self, instrument: Instrument) -> str:
        """Read the practice PIN or password on the card."""
        service = self.room.service.instruments
        return service.training_pin(self.room.space, self.holder, instrument)

    def arm(self, code: str, **more: Any) -> None:
        body = {"faults": [Fault(ma=code, **more).model_dump()]}
        answer = self.room.post(f"nguoi-ky/{self.holder}/su-co", body)
        assert answer.status_code == 200, answer.text

    def mended(self, code: str) -> bool:
        """Whether the fault was met and mended."""
        rows = self.room.get(f"nguoi-ky/{self.holder}/su-co").json()
        return all(row["met"] and row["recovered"] for row in rows if row["ma"] == code)

    def events(self) -> list[str]:
        """What the ledger says of this holder, oldest first."""
        lines = self.room.get(f"so-cai?signer={self.holder}").json()["lines"]
        return [line["event"] for line in lines]

    def signatures(self, transaction: Transaction) -> int:
        return self.room.state(transaction).signed

    # -- what several tests walk

    def code(self, *, by: str = "message") -> str:
        """Read the newest code on the phone's own page."""
        page = self.room.browser().open(
            self.phone.path + ("/tin-nhan" if by == "message" else "/ma-mot-lan")
        )
        return str(page.tree.xpath("//p[contains(@class,'so-to')]")[0].text_content()).strip()

    def register_b(self) -> None:
        """Register the phone with Ký Xa B: message, code, finger."""
        self.browser.open(f"{self.phone.path}?ung_dung=B")
        self.browser.press("Đăng ký thiết bị")
        self.browser.press("Tiếp tục", otp=self.code())
        self.browser.press("Chạm vân tay")

    def change_sim_pin(self) -> None:
        """Change the SIM's first PIN to the one on the card."""
        card = self.secret(Instrument.S)
        self.browser.open(f"{self.phone.path}/sim/doi-pin")
        self.browser.press(OK, pin_old=FIRST_PIN, pin_new=card, pin_again=card)

    def at_sim_pin(self) -> None:
        """Go from the SIM's menu to its PIN."""
        self.open(Instrument.S)
        self.browser.follow_first("Ký giao dịch")
        self.browser.follow_row()
        self.browser.follow(OK)

    def at_code(self, records: int = 1) -> None:
        """Go from the service's page to the field of the one-time code."""
        self.open(Instrument.A_OTP)
        self.browser.follow("Xem yêu cầu")
        self.browser.follow("Tiếp tục, nhập mật khẩu")
        self.browser.press("Tiếp tục", mat_khau=self.secret(Instrument.A_OTP))


def advance(room: Room, seconds: float) -> None:
    """Move the clock of the machine and with it that of the space."""
    assert isinstance(room.clock, FixedClock)
    room.clock.advance(seconds)


def add_signer(room: Room, *, units: bool = False, name: str = "Lê Thị Hoà") -> Signer:
    """Add somebody nobody has met; *units*: the school's certificate lies in the same SIM."""
    holder = f"9481770{next(room.numbers):05d}"
    credentials = [CredentialSeed(kind="person", subject_id=holder, subject_name=name)]
    if units:
        credentials.append(
            CredentialSeed(
                kind="unit",
                subject_id="48999401",
                subject_name="Trường Tiểu học Tập Ký Số (giả lập)",
            )
        )
    seed = HolderSeed(holder_id=holder, name=name, pin=PIN, credentials=tuple(credentials))
    room.service.open_space(room.space, [seed])
    return Signer(room, holder, room.browser())
