"""Bài 3 on the real pages: coached, judged by the state of the systems, never by clicks."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser

from tests.builders.life import Walker
from tests.builders.running import RunningSandbox

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("lesson")]


@pytest.fixture(params=[False, True], ids=["script off", "script on"])
def learner(request: pytest.FixtureRequest, chromium: Browser, sandbox_up: RunningSandbox):
    """Somebody who has just joined the class, on a 320 px phone."""
    context = chromium.new_context(
        viewport={"width": 320, "height": 640}, java_script_enabled=request.param
    )
    page = context.new_page()
    page.set_default_timeout(30_000)
    walker = Walker(page, sandbox_up.base_url)
    walker.go("/lop")
    page.fill("#ten", "cô Hoa")
    page.fill("#may", "7")
    walker.press_main()
    yield walker
    context.close()


def begin(walker: Walker) -> tuple[str, str]:
    """Open the lesson; returns the attempt's path and the practice PIN on the card."""
    walker.go("/lop/bai/3")
    walker.press_main()
    pin = re.search(r"Mã PIN tập\s+(\d{6})", walker.main())
    assert pin, walker.main()
    return walker.page.url.removeprefix(walker.root).partition("?")[0], pin.group(1)


def where(walker: Walker) -> str:
    """Return the orientation line; a strip that took longer than 300 ms comes on reloading."""
    for _ in range(10):
        line = walker.page.inner_text("nav.dieu-huong span")
        if "Thẻ" in line:
            return line
        walker.page.reload()
    return line


def test_the_lesson_leads_step_by_step_and_is_passed_by_one_real_signature(learner):
    """Every step stands on the real page with its card number; the end is real state."""
    attempt, pin = begin(learner)
    seen = []

    learner.press_main()  # [Mở lớp …]
    seen.append(where(learner))
    learner.open_first()
    seen.append(where(learner))
    learner.press("Ký số")
    seen.append(where(learner))
    learner.press_main()
    seen.append(where(learner))
    learner.press("Tôi đã xác nhận xong")  # the deliberate mistake
    assert "Điện thoại chưa xác nhận" in learner.page.inner_text("body")
    learner.press("Mở điện thoại tập")
    seen.append(where(learner))
    learner.press_main()
    seen.append(where(learner))
    learner.press_main()
    seen.append(where(learner))
    learner.page.fill("#pin", pin)
    learner.press_main()
    seen.append(where(learner))
    learner.press_main()
    seen.append(where(learner))

    cards = [re.search(r"Thẻ (3\.\d+)", text) for text in seen]
    assert [found and found.group(1) for found in cards] == [f"3.{n}" for n in range(1, 10)]
    learner.go(attempt)
    assert "Thầy cô đã làm xong bài" in learner.heading()
    learner.go("/lop/nha")
    assert "Đã xong" in learner.main()


def test_pressing_through_every_page_without_a_signature_never_passes(learner):
    """Visiting each page, refusing on the phone, reloading the end: the lesson stays open."""
    attempt, _ = begin(learner)
    learner.press_main()
    learner.open_first()
    learner.press("Ký số")
    learner.press_main()
    for _ in range(3):
        learner.press("Tôi đã xác nhận xong")
        learner.page.wait_for_url("**hoi=1**")
        learner.page.go_back()
    learner.press("Mở điện thoại tập")
    learner.press_main()
    learner.press("Từ chối")
    learner.go(attempt)

    assert "Thầy cô đã làm xong bài" not in learner.heading()
    learner.go("/lop/nha")
    assert "Đang làm" in learner.main()


def test_two_learners_get_schools_of_their_own(learner, chromium: Browser):
    """Nobody can disturb anybody: other pupils, other teacher, other PIN."""
    _, pin = begin(learner)
    mine = learner.main()
    context = chromium.new_context(viewport={"width": 320, "height": 640})
    other = Walker(context.new_page(), learner.root)
    other.go("/lop")
    other.page.fill("#ten", "cô Mai")
    other.press_main()
    _, other_pin = begin(other)

    assert pin != other_pin
    assert mine != other.main()
    context.close()
