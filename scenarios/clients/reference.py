"""The reference client: a small, complete sender of học bạ số, to be read and copied.

It speaks only HTTP and the published formats. Run it by hand with the variables of
`scenarios/README.md`, or let a rehearsal start it:

    hocba rehearse basics/first-submission --client "python scenarios/clients/reference.py"

XML signing is the one hard part; here a library does it (`sandbox.documents`, `sandbox.xmldsig`),
as your own product would use its own. Everything else is the standard library.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path
from xml.etree import ElementTree

from sandbox.documents import Registration, build_package, envelope, render_registration
from sandbox.domain.report_card import Slot
from sandbox.pki import Certificate, PrivateKey
from sandbox.xmldsig import prepare, prepare_package, prepare_registration

VIETNAM = timezone(timedelta(hours=7))
PENDING = "SBX-1201"
TOKEN_RAN_OUT = "SBX-1103"
JSON = {"Content-Type": "application/json", "Accept-Language": "vi"}
GIVE_UP_AFTER = 120
"""Seconds after which a result is no longer asked for; the next run may ask again."""


class Client:
    """One school's connection to its receiving desk."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.desk = environment["HOCBA_DESK"].rstrip("/") + "/sandbox/v1"
        self.user = environment["HOCBA_USER"]
        self.password = hashlib.sha256(environment["HOCBA_PASSWORD"].encode()).hexdigest()
        self.unit = environment["HOCBA_UNIT"]
        self.pack = Path(environment["HOCBA_PACK"])
        self.about = json.loads((self.pack / "pack.json").read_text(encoding="utf-8"))
        self.seal = self.credential("unit")
        self.token = ""
        self.registration_id = ""

    # -- HTTP ---------------------------------------------------------------------------------

    def post(self, path: str, body: dict) -> dict:
        """Send one request to a service."""
        data = json.dumps(body, ensure_ascii=False).encode()
        return self.send(urllib.request.Request(f"{self.desk}/{path}", data, JSON))

    def get(self, path: str) -> dict:
        """Read one of the lists."""
        bearer = {"Authorization": f"Bearer {self.token}"}
        return self.send(urllib.request.Request(f"{self.desk}/{path}", headers=bearer))

    def send(self, request: urllib.request.Request) -> dict:
        """Send a request; wait and try again while the desk says it is busy (429, 503)."""
        for attempts_left in range(5, -1, -1):
            try:
                with urllib.request.urlopen(request, timeout=30) as response:
                    return json.load(response)
            except urllib.error.HTTPError as error:
                if error.code in (429, 503) and attempts_left:
                    time.sleep(float(error.headers.get("Retry-After", "2")))
                    continue
                return json.load(error)  # refused: the body has the code, cause and remedy
        raise AssertionError("unreachable")

    def call(self, path: str, fields: dict, content: str | None = None) -> dict:
        """Send one of the six types; fetch a new token once when the old one has run out."""
        for _ in range(2):
            body = {
                "authenticationRequest": {
                    "token": self.token,
                    "user_name": self.user,
                    "password": self.password,
                    "ma_don_vi": self.unit,
                    **fields,
                }
            }
            if content is not None:
                body["content"] = content
            answer = self.post(path, body)
            if error_of(answer) != TOKEN_RAN_OUT:
                return answer
            self.connect()
        return answer

    # -- what can be asked ---------------------------------------------------------------------

    def connect(self) -> None:
        """Service 3.1: get a token, which is good for an hour."""
        body = {"user_name": self.user, "password": self.password, "ma_don_vi": self.unit}
        answer = self.post("token", body)
        self.token = answer.get("token") or ""
        tell("token", answer)

    def register(self) -> None:
        """Type 3: register the school's certificate, signed with that very certificate."""
        certificate, key = self.seal
        valid_from = certificate.not_before.astimezone(VIETNAM)
        xml = render_registration(
            Registration(
                unit_code=self.unit,
                unit_name=self.about["unit"]["name"],
                serial_number=certificate.serial_hex,
                holder=certificate.common_name,
                issuer_code=self.about["unit"]["issuer"],
                valid_from=valid_from.date(),
                valid_to=certificate.not_after.astimezone(VIETNAM).date(),
                certificate=certificate.der,
            )
        )
        draft = prepare_registration(
            xml, signer=certificate, at=self.space_time(), registration_id=str(uuid.uuid4())
        )
        signed = draft.complete(key.sign(draft.signed_bytes))
        self.registration_id = str(uuid.uuid4())
        answer = self.call(
            "chung-thu-so",
            {
                "messageid": self.registration_id,
                "type": "3",
                "function": "DANG_KY_CTS",
                "serial_number": certificate.serial_hex,
                "ngay_hieu_luc": valid_from.strftime("%Y-%m-%d"),
                "ma_kieu_chu_ky": "REMOTE_SIGNING",
                "nha_phat_hanh": self.about["unit"]["issuer"],
            },
            envelope.pack(signed),
        )
        tell("register", answer)

    def see_approval(self) -> None:
        """Type 4: ask until the Sở has decided about the certificate."""
        fields = {
            "messageid": self.registration_id,
            "ma_nam_hoc": self.about["school_year"],
            "type": "4",
            "function": "TRA_KET_QUA_CTS",
        }
        tell("approval", self.ask_until_known("chung-thu-so/trang-thai", fields))

    def submit(self, record: Path) -> None:
        """Types 1 and 2: sign, pack and submit one record, then ask until its result is known."""
        signed = self.sign_record(record.read_bytes())
        messageid = self.new_messageid()
        fields = {
            "nam_hoc": self.about["school_year"],
            "messageid": messageid,
            "type": "1",
            "function": "NOP_HOC_BA",
        }
        receipt = self.call("hoc-ba", fields, envelope.pack(self.sign_package([signed])))
        tell("receipt", receipt)
        if error_of(receipt) == "0":
            self.read_result(messageid)

    def read_result(self, messageid: str) -> None:
        """Type 2: one row per record, with code, place, cause and remedy of each refusal."""
        fields = {"messageid": messageid, "type": "2", "function": "TRA_KET_QUA_NOP"}
        answer = self.ask_until_known("hoc-ba/trang-thai", fields)
        tell("result", answer)
        for row in answer.get("DanhSach", []):
            print(" ", row["ma_tra_cuu_uuid"], row["trang_thai"], row["error"])
            for detail in row.get("chi_tiet", []):
                print("   ", detail["ma"], detail["xpath"], detail["nguyen_nhan"])

    # -- building and signing ------------------------------------------------------------------

    def sign_record(self, xml: bytes) -> bytes:
        """Sign in the one lawful order: class teacher, leader, then the school's seal.

        The text of the record is final before the first signature: one changed byte afterwards
        breaks every signature (SBX-3002).
        """
        data = ElementTree.fromstring(xml)
        teacher = data.findtext(".//SO_CCCD_GIAO_VIEN_CHU_NHIEM")
        leader = data.findtext(".//SO_CCCD_GIAM_HIEU_KY_HOC_BA")
        if teacher:
            xml = self.sign(xml, Slot.GVCN, self.credential(f"staff/{teacher}"))
        xml = self.sign(xml, Slot.CBQL, self.credential(f"staff/{leader}"))
        return self.sign(xml, Slot.KY_PHAT_HANH, self.seal)

    def sign(self, xml: bytes, slot: Slot, credential: tuple[Certificate, PrivateKey]) -> bytes:
        """Add one signature: prepare, sign the SignedInfo with the key, complete."""
        certificate, key = credential
        draft = prepare(xml, slot=slot, signer=certificate, at=self.space_time())
        return draft.complete(key.sign(draft.signed_bytes))

    def sign_package(self, records: list[bytes]) -> bytes:
        """Put the signed records into one package, byte for byte, and sign it with the seal."""
        certificate, key = self.seal
        draft = prepare_package(
            build_package(records),
            signer=certificate,
            at=self.space_time(),
            package_id=str(uuid.uuid4()),
        )
        return draft.complete(key.sign(draft.signed_bytes))

    def credential(self, folder: str) -> tuple[Certificate, PrivateKey]:
        """Read certificate and key of a person or unit from the pack."""
        place = self.pack / folder
        return (
            Certificate.from_pem((place / "certificate.pem").read_text()),
            PrivateKey.from_pem((place / "key.pem").read_text()),
        )

    # -- small things --------------------------------------------------------------------------

    def new_messageid(self) -> str:
        """Return a fresh messageid: one per request that is not a repetition."""
        return str(uuid.uuid4())

    def space_time(self) -> datetime:
        """Return the practice space's time: signing times follow it, not this machine's clock."""
        return datetime.fromisoformat(self.get("thong-tin")["gio_khong_gian"])

    def ask_until_known(self, path: str, fields: dict) -> dict:
        """Ask again while the desk answers SBX-1201, more and more slowly."""
        give_up = time.monotonic() + GIVE_UP_AFTER
        pause = 0.5
        answer = self.call(path, fields)
        while error_of(answer) == PENDING and time.monotonic() < give_up:
            time.sleep(pause)
            pause = min(pause * 1.5, 5)
            answer = self.call(path, fields)
        return answer

    def follow(self, step_file: Path) -> None:
        """Do what the step file asks, once each, until it says `done`."""
        done = 0
        while True:
            step = json.loads(step_file.read_text(encoding="utf-8")) if step_file.exists() else {}
            if step.get("task") == "done":
                return
            if step.get("number", 0) > done:
                done = step["number"]
                print(f"== {step['number']} {step['id']}", flush=True)
                self.do(step)
            time.sleep(0.1)

    def do(self, step: dict) -> None:
        """Do one task."""
        if step["task"] == "submit":
            self.submit(self.pack / step["record"])
        else:
            {"connect": self.connect, "register": self.register, "see_approval": self.see_approval}[
                step["task"]
            ]()


def error_of(answer: dict) -> str:
    """Return the code of an answer: the field is written `Error` or `error`."""
    return str(answer.get("Error", answer.get("error")))


def tell(what: str, answer: dict) -> None:
    """Print what was answered, with cause and remedy of a refusal."""
    print(what, error_of(answer), flush=True)
    for detail in answer.get("chi_tiet", []):
        print(" ", detail.get("ma"), detail.get("nguyen_nhan"), detail.get("cach_sua"), flush=True)


def main(client: type[Client] = Client) -> int:
    """Run *client* with the environment of this process."""
    client(dict(os.environ)).follow(Path(os.environ["HOCBA_STEP"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
