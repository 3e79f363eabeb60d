"""The pages of the seven instruments as pictures that were looked at: grey, and text at 200 %.

Names are as long as names are. Kept in tests/browser/golden/; a changed word fails, and the failure
says where the new picture is and how to accept it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.clock import FixedClock
from tests.browser.conftest import OpenPage
from tests.browser.kept_pictures import GOLDEN, changed
from tests.builders import computer, instrument_states
from tests.builders.phone import Room, make_room, serving

pytestmark = [pytest.mark.browser, pytest.mark.long]

MOST = 6 * 1024 * 1024
TWINS = {
    "app-messages-used",
    "a-no-finger",
    "a-pin-first",
    "blocked-old",
    "otp-ended",
    "otp-none",
    "otp-used",
    "sim-ended",
    "sim-none",
    "two-apps",
}
"""Pages of phones that differ in a sentence from one that is kept, or whose rows have no order."""
COMPUTER_TWINS = {
    "again",
    "away",
    "certificate_old",
    "home_plugged",
    "keyboard",
    "keyboard_caps",
    "pin_hidden",
    "read_loose",
    "read_off",
    "refused",
    "table_plugged",
    "wrong_twice",
}


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with serving(make_room(tmp_path_factory.mktemp("kept"), clock=FixedClock())) as served:
        yield served


def test_the_phones_pages_look_as_they_were_kept(room: Room, open_page: OpenPage) -> None:
    """Apps A, GR and B, the SIM, and passwords with codes, in every state."""
    page, faults = open_page(room.base, script="aborted"), []
    for name, where in instrument_states.pages_in_every_state(room):
        if name not in TWINS and not name.startswith("labels"):
            page.goto(room.base + where)
            faults.append(changed(page, name))

    assert len(faults) > 50
    assert not any(faults), "\n".join(filter(None, faults))


def test_the_computers_pages_look_as_they_were_kept(room: Room, open_page: OpenPage) -> None:
    """USB token and government token: table, plugging in, E4, E5, certificate, PIN, done."""
    page, faults = open_page(room.base, script="aborted"), []
    for name, where in computer.pages_in_every_state(room).items():
        if name not in COMPUTER_TWINS:
            page.goto(room.base + where)
            faults.append(changed(page, f"usb-{name.replace('_', '-')}"))

    assert not any(faults), "\n".join(filter(None, faults))


def test_the_pictures_are_small() -> None:
    """All together at most 6 MB."""
    assert sum(path.stat().st_size for path in GOLDEN.iterdir()) <= MOST
