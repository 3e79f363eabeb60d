"""The label file: shipped neutral, renamed by a trainer, shown on phone and SIM (§11.4)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator

import pytest

from sandbox.clock import FixedClock
from sandbox.web.labels import LabelRefused, _brands, labels, read_file, renamed
from sandbox.wire.signing import Instrument
from tests.builders.instruments import Signer, add_signer
from tests.builders.phone import Room, make_room, serving
from tests.structure.word_rules import BRANDS


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    made = make_room(tmp_path_factory.mktemp("labels"), clock=FixedClock())
    with serving(made) as served:
        yield served


@pytest.fixture
def signer(room: Room) -> Iterator[Signer]:
    yield add_signer(room)
    room.spaces.set_switches("tap", labels={})


def test_every_neutral_label_would_be_taken_as_a_new_one() -> None:
    """The shipped file keeps its own rules: length, places, no brand."""
    assert renamed({key: one.vi for key, one in labels().items()}) == {}


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ({"nut.khong_co": "Ký"}, "unknown"),
        ({"dt.ky": "Ký" * 16}, "long"),
        ({"dt.ky": " "}, "empty"),
        ({"hoi.gvcn_n": "Ký hết không?"}, "places"),
        ({"dt.ky": "Ký {n}"}, "places"),
        ({"dt.ky": "Ký {"}, "places"),
    ],
)
def test_a_label_that_cannot_be_is_refused(names: dict[str, str], reason: str) -> None:
    """An unknown key is an error; lengths and places hold for every new name."""
    with pytest.raises(LabelRefused) as caught:
        read_file(json.dumps(names))
    assert caught.value.reason == reason


def test_no_label_may_name_a_brand() -> None:
    """The digests in the shipped list are those of the linter's words, all of them."""
    words = re.findall(r"[a-z]+", BRANDS.pattern.replace("\\b", ""))

    assert {hashlib.sha256(word.encode()).hexdigest() for word in words} == _brands()
    for word in words:
        with pytest.raises(LabelRefused, match="brand"):
            renamed({"dt.ky": f"Ký {word.upper()}"})


def test_a_trainer_renames_buttons_of_phone_and_sim(room: Room, signer: Signer) -> None:
    """What is kept on the trainer's page stands on the pages of the space at once."""
    trainer = room.browser()
    for group, names in (("dt", {"dt-ky": "Xem và ký"}), ("sim", {"sim-menu": "Ký điện tử"})):
        trainer.open("/ky-so")
        trainer.follow("Đặt lại tên nút (người hướng dẫn)")
        trainer.open(f"/ky-so/nhan/{group}")
        page = trainer.press("Lưu", **names)
        assert "Đã lưu tên mới" in page.words
    signer.ask(Instrument.A)
    signer.open(Instrument.A)
    signer.browser.follow("Xem yêu cầu")
    assert signer.browser.follow("Xem và ký").heading == "Nhập mã PIN tập"
    signer.open(Instrument.S)
    assert "Ký điện tử" in signer.browser.sheet.words  # type: ignore[union-attr]


def test_a_label_that_is_too_long_is_told_at_its_field(room: Room, signer: Signer) -> None:
    """Nothing is kept while one field cannot be."""
    trainer = room.browser()
    trainer.open("/ky-so/nhan/dt")

    page = trainer.press("Lưu", **{"dt-ky": "x" * 31, "dt-tu_choi": "Không"})

    assert "Nhãn dt.ky dài quá." in page.words
    assert not room.space.switches.get("labels")


def test_a_label_file_can_be_pasted_and_taken_back(room: Room, signer: Signer) -> None:
    """JSON from another class is taken whole; one press makes every label neutral again."""
    trainer = room.browser()
    trainer.open("/ky-so/nhan")
    assert "không có trong tệp nhãn" in trainer.press("Dùng tệp này", tep='{"a.b": "c"}').words
    trainer.press("Dùng tệp này", tep='{"dt.ky": "Ký đi", "dt.tu_choi": "Từ chối"}')
    assert room.space.switches["labels"] == {"dt.ky": "Ký đi"}

    trainer.press("Trả về tên trung tính", viec="trung_tinh")

    assert room.space.switches["labels"] == {}
