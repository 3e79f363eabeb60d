"""Keys, PINs and the ledger: what is kept, what never is, and what the service answers for."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.pki import Certificate, TrainingAuthority, Trust
from sandbox.signing import CredentialSeed, HolderSeed, pins
from sandbox.signing.model import Limits
from sandbox.signing.store import METADATA
from sandbox.wire.signing import AutomaticReply, Status
from tests.builders.phone import (
    CLERK,
    DEPARTMENT,
    PEOPLE,
    PIN,
    TEACHER,
    WRONG,
    Room,
    make_items,
    make_room,
    serving,
)

ECDSA = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
RSA = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with serving(make_room(tmp_path)) as served:
        yield served


def confirm(room: Room, holder: str = TEACHER, *, pin: str = PIN) -> None:
    """Confirm the holder's one waiting request through the service."""
    device, _ = room.service.phones.phone(room.space, holder)
    (request,) = room.service.confirming.look(room.space, device).waiting
    room.service.confirming.confirm(room.space, device, request.id, typed=pin)


def certificate_of(room: Room, holder: str = TEACHER, *, kind: str = "person") -> Certificate:
    shown = room.get(f"nguoi-ky/{holder}").json()
    pem = next(c["certificate"] for c in shown["credentials"] if c["kind"] == kind)
    return Certificate.from_pem(pem)


# -- PINs --


def test_a_typed_pin_is_nowhere(room: Room) -> None:
    """Neither right nor wrong digits reach a page, a log line, a file, a table or the ledger."""
    right, wrong = "864209", "975318"
    heard = io.StringIO()
    listener = logging.StreamHandler(heard)
    logging.getLogger().addHandler(listener)
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        holder = HolderSeed(
            holder_id="948185000077",
            name="Lê Thị Bí Mật",
            pin=right,
            credentials=(
                CredentialSeed(
                    kind="person", subject_id="948185000077", subject_name="Lê Thị Bí Mật"
                ),
            ),
        )
        room.service.open_space(room.space, [holder])
        room.ask(signer_id="948185000077")
        pages = []
        browser = room.browser()
        pages.append(browser.open(room.phone_path("948185000077")))
        pages.append(browser.follow("Xem yêu cầu"))
        pages.append(browser.follow("Ký số"))
        pages.append(browser.press("Xác nhận ký 1 học bạ", pin=f"{wrong}7"))
        pages.append(browser.press("Xác nhận ký 1 học bạ", pin=wrong))
        pages.append(browser.follow("Nhập lại"))
        pages.append(browser.press("Xác nhận ký 1 học bạ", pin=right))
        pages.append(browser.open("/ky-so/so-cai"))
        answers = room.get("so-cai").text + room.get("nguoi-ky/948185000077").text
    finally:
        logging.getLogger().removeHandler(listener)
        logging.getLogger().setLevel(logging.WARNING)
    assert "đã ký xong" in pages[-2].heading

    for secret in (right, wrong):
        assert all(secret not in page.text and secret not in page.url for page in pages)
        assert secret not in heard.getvalue()
        assert secret not in answers
        assert all(secret.encode() not in path.read_bytes() for path in room.files())


def test_pins_are_kept_as_salted_scrypt(room: Room) -> None:
    """Two holders with the same PIN have different hashes; the hash alone opens nothing."""
    twins = [
        HolderSeed(holder_id=f"twin-{number}", name="Song Sinh", pin="123123") for number in (1, 2)
    ]
    room.service.open_space(room.space, twins)

    kept = [room.service.issuing.holder(room.space, seed.holder_id)[0] for seed in twins]

    assert kept[0].pin_hash != kept[1].pin_hash
    assert pins.matches("123123", salt=kept[0].pin_salt, expected=kept[0].pin_hash)
    assert not pins.matches("123123", salt=kept[1].pin_salt, expected=kept[0].pin_hash)


def test_a_phone_token_is_struck_out_of_the_access_log(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    """The token is the key to the phone; the log keeps the rest of the address."""
    path = room.phone_path()
    with caplog.at_level(logging.INFO, logger="uvicorn.access"):
        logging.getLogger("uvicorn.access").info('%s - "%s %s"', "127.0.0.1", "GET", path + "?an=1")

    assert path.rsplit("/", 1)[1] not in caplog.text
    assert "/ky-so/dien-thoai/…?an=1" in caplog.text


def test_a_seed_does_not_show_its_pin() -> None:
    """A seed that ends up in a log line or traceback keeps its PIN to itself."""
    assert "246810" not in repr(PEOPLE[0])


@given(st.text(max_size=12) | st.text(alphabet="0123456789٣３ ", max_size=9))
def test_only_six_digits_are_a_pin(typed: str) -> None:
    """Whatever is typed is six digits, or is counted and forgotten."""
    bare = "".join(typed.split())
    if len(bare) == 6 and bare.isdecimal():
        assert pins.read_pin(typed) == "".join(str(int(sign)) for sign in bare)
    else:
        with pytest.raises(pins.NotSixDigits) as caught:
            pins.read_pin(typed)
        assert 0 <= caught.value.received <= len(typed)


# -- keys and certificates --


@pytest.mark.parametrize(
    ("holder", "kind", "pin", "issuer"),
    [
        (TEACHER, "person", PIN, "GIA_LAP_CA"),
        (CLERK, "unit", "975310", "GIA_LAP_CO_YEU"),
    ],
)
def test_signatures_verify_with_the_certificate_shown(
    room: Room, holder: str, kind: str, pin: str, issuer: str
) -> None:
    """Persons and units: r‖s over the hash sent, by a key the authority certified."""
    items = make_items(3)
    asked = room.ask(items, signer_id=holder, serial=room.serial(holder, kind=kind))
    confirm(room, holder, pin=pin)
    certificate = certificate_of(room, holder, kind=kind)

    signed = room.state(asked).items

    assert certificate.issuer_code == issuer
    for item, state in zip(items, signed, strict=True):
        # the tests hash the record's own name, so that name is what was signed
        assert certificate.public_key.verifies(
            state.signature_bytes(), item.record_uuid.encode(), algorithm=ECDSA
        )


def test_an_rsa_credential_signs_too(room: Room) -> None:
    """RSA-2048 from the pool, PKCS#1 v1.5."""
    holder = HolderSeed(
        holder_id="rsa",
        name="Ngô Văn Ba",
        pin="121212",
        credentials=(
            CredentialSeed(
                kind="person",
                subject_id="948085000055",
                subject_name="Ngô Văn Ba",
                algorithm="rsa2048",
            ),
        ),
    )
    room.service.open_space(room.space, [holder])
    items = make_items(1)
    asked = room.ask(items, signer_id="rsa")
    confirm(room, "rsa", pin="121212")
    certificate = certificate_of(room, "rsa")

    assert certificate.public_key_kind == "RSA-2048"
    assert certificate.public_key.verifies(
        room.state(asked).items[0].signature_bytes(),
        items[0].record_uuid.encode(),
        algorithm=RSA,
    )


def test_certificates_come_from_the_training_authority(room: Room) -> None:
    """Every certificate says O=DU LIEU GIA LAP and chains to the practice root."""
    trust = Trust(TrainingAuthority.from_seed("tests").issuer_certificates)

    certificate = certificate_of(room)

    assert "O=DU LIEU GIA LAP" in certificate.subject_rfc4514
    assert certificate.uid == f"CCCD:{TEACHER}"
    assert trust.issuer_of(certificate) is not None


def test_the_same_seed_gives_the_same_certificates(tmp_path: Path) -> None:
    """Keys are derived by seed and label: an installation made anew is the same."""
    rooms = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        rooms.append(make_room(tmp_path / name))

    assert rooms[0].serial() == rooms[1].serial()
    assert (
        rooms[0].service.issuing.holder(rooms[0].space, TEACHER)[1]
        == rooms[1].service.issuing.holder(rooms[1].space, TEACHER)[1]
    )


def test_no_private_key_is_stored(room: Room) -> None:
    """The database holds certificates and labels, and no key in any form."""
    credential = room.service.issuing.holder(room.space, TEACHER)[1][0]
    key = room.service.issuing._office.keys.key(credential.key_label, credential.algorithm)
    scalar = key.material.private_numbers().private_value.to_bytes(32, "big")

    stored = b"".join(path.read_bytes() for path in room.files() if path.suffix != ".pem")

    assert scalar not in stored
    assert scalar.hex().encode() not in stored.lower()
    assert b"PRIVATE KEY" not in stored


# -- automatic signature --


def test_the_department_signs_without_a_person(room: Room) -> None:
    """A unit certificate flagged automatic signs at once; the answer says that this is invented."""
    items = make_items(2, slot="GOI")
    body = {
        "serial": room.serial(DEPARTMENT, kind="unit"),
        "purpose": "Chuyển tiếp lên Kho",
        "items": [item.model_dump() for item in items],
    }

    reply = AutomaticReply.model_validate(room.post("tu-dong", body).json())

    certificate = certificate_of(room, DEPARTMENT, kind="unit")
    assert "tự đặt ra" in reply.note
    assert [state.status for state in reply.items] == [Status.SIGNED, Status.SIGNED]
    assert certificate.public_key.verifies(
        reply.items[0].signature_bytes(), items[0].record_uuid.encode(), algorithm=ECDSA
    )
    again = AutomaticReply.model_validate(room.post("tu-dong", body).json())
    assert again.items == reply.items


def test_a_persons_certificate_never_signs_automatically(room: Room) -> None:
    """Sole control: without the flag a person has to confirm."""
    body = {
        "serial": room.serial(TEACHER),
        "purpose": "x",
        "items": [item.model_dump() for item in make_items(1)],
    }

    answer = room.post("tu-dong", body)

    assert (answer.status_code, answer.json()["code"]) == (403, "CREDENTIAL_NEEDS_PERSON")


def test_a_person_cannot_be_flagged_automatic(room: Room) -> None:
    """The flag counts for units only."""
    holder = HolderSeed(
        holder_id="auto",
        name="Máy Ký Thay",
        pin="121212",
        credentials=(
            CredentialSeed(
                kind="person",
                subject_id="948085000056",
                subject_name="Máy Ký Thay",
                automatic=True,
            ),
        ),
    )
    room.service.open_space(room.space, [holder])

    assert room.service.issuing.holder(room.space, "auto")[1][0].automatic is False


# -- the ledger --


def test_the_ledger_tells_the_whole_story(room: Room) -> None:
    """Issue, request, wrong PIN, lock, unlock, refusal, approval: each one line, in order."""
    device, _ = room.service.phones.phone(room.space, TEACHER)
    first = room.ask()
    for _ in range(3):
        room.service.confirming.confirm(room.space, device, first.id, typed=WRONG)
    room.service.issuing.unlock(room.space, TEACHER, by="trainer")
    second = room.ask()
    room.service.confirming.refuse(room.space, device, second.id)
    room.ask()
    confirm(room)

    told = room.get(f"so-cai?signer={TEACHER}").json()

    assert told["intact"] is True
    assert [line["event"] for line in told["lines"]] == [
        "issued",
        "requested",
        "wrong_pin",
        "wrong_pin",
        "wrong_pin",
        "locked",
        "unlocked",
        "requested",
        "refused",
        "requested",
        "approved",
    ]
    assert told["lines"][-1]["detail"] == {"count": 1, "signed": 1}


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE signing_ledger SET event = 'refused' WHERE event = 'approved'",
        "UPDATE signing_ledger SET detail = '{\"count\":9}' WHERE event = 'approved'",
        "UPDATE signing_ledger SET at = '2025-01-01T00:00:00+07:00' WHERE number = 1",
        "DELETE FROM signing_ledger WHERE event = 'requested'",
        "DELETE FROM signing_ledger WHERE number = (SELECT max(number) FROM signing_ledger)",
    ],
)
def test_a_changed_ledger_is_noticed(room: Room, forgery: str) -> None:
    """Whoever edits a line by hand breaks the chain."""
    room.ask()
    confirm(room)
    assert room.get("so-cai").json()["intact"] is True

    with room.database.write() as connection:
        connection.exec_driver_sql(forgery)

    assert room.get("so-cai").json()["intact"] is False


def test_the_ledger_keeps_space_time_and_machine_time(room: Room) -> None:
    """SigningTime is the space's; the moment of approval on the machine is kept as well."""
    room.ask()
    confirm(room)

    line = room.get("so-cai").json()["lines"][-1]

    assert line["at"] == "2025-05-28T08:00:00+07:00"
    assert line["machine_at"].endswith("+00:00")


# -- spaces --


def test_two_spaces_never_share_keys_or_see_each_other(room: Room) -> None:
    """The same people in two spaces: other keys, other serials, nothing of each other's."""
    other = room.spaces.open("lop-1", code="7777", title="Lớp 1")
    room.service.open_space(other, PEOPLE)
    asked = room.ask()

    mine = {c.serial for c in room.service.issuing.holder(room.space, TEACHER)[1]}
    theirs = {c.serial for c in room.service.issuing.holder(other, TEACHER)[1]}

    assert not mine & theirs
    headers = {"Authorization": "Bearer internal-token-of-the-tests"}
    url = f"{room.base}/s/lop-1/ky-so/v1/giao-dich/{asked.id}"
    assert room.client.get(url, headers=headers).status_code == 404


def test_resetting_a_space_leaves_the_others_rows_unchanged(room: Room) -> None:
    """Every row of one space goes, no row of another."""
    other = room.spaces.open("lop-1", code="7777", title="Lớp 1")
    room.service.open_space(other, PEOPLE)
    asked = room.ask()

    room.service.reset_space("lop-1")

    with room.database.read() as connection:
        left = [
            connection.exec_driver_sql(
                f"SELECT count(*) FROM {table} WHERE space = 'lop-1'"
            ).scalar()
            for table in METADATA.tables
        ]
    assert left == [0] * len(METADATA.tables)
    assert room.state(asked).status is Status.WAITING_CONFIRM


def test_opening_a_space_again_changes_nothing(room: Room) -> None:
    """A second start finds PINs, counters and certificates as they were."""
    asked = room.ask()
    device, _ = room.service.phones.phone(room.space, TEACHER)
    room.service.confirming.confirm(room.space, device, asked.id, typed=WRONG)
    before = room.service.issuing.holder(room.space, TEACHER)

    room.service.open_space(room.space, PEOPLE)

    assert room.service.issuing.holder(room.space, TEACHER) == before
    assert before[0].attempts_left(Limits()) == 2


def test_a_space_reset_and_opened_again_works(room: Room) -> None:
    """After a reset the ledger begins anew."""
    room.service.reset_space("tap")
    room.service.open_space(room.space, PEOPLE)
    room.ask()

    lines = room.get("so-cai").json()["lines"]

    assert lines[0]["number"] == 1
    assert json.loads(room.get("so-cai").text)["intact"] is True
