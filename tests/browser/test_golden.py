"""The portal's pages of every instrument as pictures: grey, text at 200 %, the longest name.

Kept in tests/browser/golden/ and looked at by eye; a picture that changes by more than a few
pixels fails. To keep new ones, delete the old and run this file twice.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page
from sqlalchemy import text

from sandbox.domain.lifecycle import Role
from sandbox.domain.report_card import Slot
from sandbox.portal.context import Actor
from sandbox.wire.signing import Fault, Instrument
from tests.browser.conftest import OpenPage
from tests.builders.erring import token_of
from tests.builders.portal import House, house

pytestmark = [pytest.mark.browser, pytest.mark.long]

GOLDEN = Path(__file__).parent / "golden"
LONG_NAME = "Công Tằng Tôn Nữ Thị Diễm Quỳnh Hương"
TOLERANCE = 0.02
"""Share of pixels that may differ: pairing codes and moments are not always the same."""
DIFFERENT = """async ([one, other]) => {
  const load = async (data) => {
    const image = new Image(); image.src = 'data:image/png;base64,' + data; await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = image.width; canvas.height = image.height;
    const pen = canvas.getContext('2d'); pen.drawImage(image, 0, 0);
    return pen.getImageData(0, 0, image.width, image.height);
  };
  const a = await load(one), b = await load(other);
  if (a.width !== b.width || Math.abs(a.height - b.height) > 80) return 1;
  let changed = 0; const size = Math.min(a.data.length, b.data.length);
  for (let i = 0; i < size; i += 4) if (Math.abs(a.data[i] - b.data[i]) > 48) changed += 1;
  return changed / (size / 4);
}"""
"""Share of pixels that differ between two pictures, computed where pictures can be read."""
WAITS = {
    "wait_app": Instrument.A,
    "wait_code": Instrument.A_OTP,
    "wait_sim": Instrument.S,
    "wait_gone": Instrument.GR,
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, dict[str, str]]]:
    """Bring every kind of page of choosing, reviewing and waiting about, once."""
    with house(tmp_path_factory.mktemp("golden")) as home:
        found: dict[str, str] = {}
        for (name, instrument), group in zip(WAITS.items(), home.school().classes, strict=False):
            teacher = home.actor(Role.GVCN, class_name=group.name)
            made = home.checked(group.name, [1, 2, 3])
            _rename(home, made)
            if name == "wait_app":
                _lists(home, teacher, found)
            home.portal.means.choose(home.space, teacher, instrument)
            if instrument is Instrument.GR:
                arm = [Fault(ma="E2", doi_tuong="ngay")]
                home.run(home.portal.drills.arm(home.space, teacher.identity.person_id, arm))
            request = home.ask(Slot.GVCN, teacher, made[:1])
            found[name] = f"/cong/yeu-cau/{request}?m={token_of(home, teacher)}"
        last = home.school().classes[4].name
        teacher = home.actor(Role.GVCN, class_name=last)
        made = home.checked(last, [1, 2, 3])
        _rename(home, made)
        home.portal.means.choose(home.space, teacher, Instrument.U)
        review = f"/cong/ky/gvcn/xem-lai?em={made[1]}"
        found["review"] = f"{review}&m={token_of(home, teacher)}"
        clerk = home.actor(Role.VAN_THU)
        found["means_seal"] = f"/cong/cach-ky?m={token_of(home, clerk)}"
        yield home, found


def _rename(home: House, made: list[str]) -> None:
    """Give a pupil the longest name there is."""
    with home.world.database.engine.begin() as connection:
        connection.execute(
            text("UPDATE portal_record SET pupil_name = :name WHERE record_id = :record"),
            {"name": LONG_NAME, "record": made[1]},
        )


def _lists(home: House, teacher: Actor, found: dict[str, str]) -> None:
    token = token_of(home, teacher)
    found["means"] = f"/cong/cach-ky?m={token}"
    found["drills"] = f"/cong/su-co?m={token}"


NAMES = ("means", "means_seal", "review", "drills", *WAITS)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_looks_as_it_was_kept(
    pages: tuple[House, dict[str, str]], open_page: OpenPage, name: str
) -> None:
    """Nothing is cut off or covered at 200 % in grey with the longest name; the eye has said so."""
    home, found = pages
    page = open_page(f"{home.base}{found[name]}")
    page.add_style_tag(content="html{font-size:200%!important;filter:grayscale(1)}")
    taken = page.screenshot(full_page=True)
    wide = page.evaluate("document.documentElement.scrollWidth")
    kept = GOLDEN / f"{name}.png"
    if not kept.exists():
        GOLDEN.mkdir(exist_ok=True)
        kept.write_bytes(taken)
        pytest.fail(f"{kept.name} is new: look at it, then run this again")

    assert wide <= 320
    assert _different(page, kept.read_bytes(), taken) <= TOLERANCE


def _different(page: Page, one: bytes, other: bytes) -> float:
    pair = [base64.b64encode(picture).decode() for picture in (one, other)]
    return float(page.evaluate(DIFFERENT, pair))
