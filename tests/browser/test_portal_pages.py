"""Every page of the portal on a 320 px screen (learner-experience §2, §4, §13)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from sandbox.domain.lifecycle import Role
from sandbox.domain.report_card import Slot
from sandbox.portal.context import Actor
from sandbox.wire.signing import Fault
from tests.browser import lint
from tests.browser.conftest import OpenPage
from tests.builders.portal import WORDS, House, house

# The walk over every page lints one page of each shape; here each state is looked at, at length.
pytestmark = [pytest.mark.browser, pytest.mark.long]

Page = tuple[str, str]
"""Who looks, and at which address."""

NAMES = (
    "code",
    "units",
    "roles",
    "people",
    "home_teacher",
    "home_head",
    "home_clerk",
    "home_admin",
    "home_officer",
    "overview",
    "make_classes",
    "make_choose",
    "make_confirm",
    "class",
    "record_check",
    "record_sign",
    "record_wrong",
    "record_signed",
    "record_refused",
    "history",
    "print",
    "wrong",
    "edit",
    "edit_comment",
    "edit_subjects",
    "edit_subject",
    "edit_ratings",
    "edit_rating",
    "edit_profile",
    "cancel",
    "cancel_wait",
    "cancel_list",
    "cancel_answer",
    "sign_classes",
    "sign_choose",
    "confirm_one",
    "confirm_many",
    "former_missing",
    "means_head",
    "means_clerk",
    "drills",
    "drill",
    "drill_card",
    "subject_teachers",
    "held_by_another",
    "scenarios",
    "scenario",
    "wait",
    "wait_clock",
    "wait_gone",
    "wait_asked",
    "result",
    "result_refused",
    "waiting_stop",
    "pack_classes",
    "pack_confirm",
    "packages",
    "package_draft",
    "package_signed",
    "package_sent",
    "package_answer",
    "results",
    "reason",
    "certificate_new",
    "certificate_done",
    "inbox",
    "inbox_rows",
    "plant_list",
    "plant",
)


class Walk:
    """A house in which every page has something to show, and visitors who play each role."""

    def __init__(self, home: House) -> None:
        self.home = home
        self.pages: dict[str, Page] = {}
        self._fill()

    def token(self, actor: Actor | None) -> str:
        """Return the token of a visitor who plays *actor*."""
        who = actor.identity if actor else None
        name = f"{who.person_id}{who.role}" if who else "nobody"
        token = hashlib.sha256(name.encode()).hexdigest()[:22]
        if who is not None:
            self.home.call(
                "/cong/v1/vao",
                {
                    "nguoi_hoc": hashlib.sha256(token.encode()).hexdigest()[:32],
                    "id": who.person_id,
                    "don_vi": who.unit_code,
                    "vai": who.role.value,
                },
            )
        return token

    def put(self, name: str, actor: Actor | None, path: str, **query: object) -> None:
        pairs = {k: str(v) for k, v in query.items()} | {"m": self.token(actor)}
        self.pages[name] = (name, f"{self.home.base}{path}?{urlencode(pairs)}")

    def tick(self, actor: Actor, path: str, button: str, **fields: list[str]) -> None:
        """Tick boxes as this visitor, so that a review page has something to review."""
        browser = self.home.browser()
        browser.open(f"{path}&m={self.token(actor)}")
        browser.send(button, **fields)

    def _fill(self) -> None:
        home = self.home
        first, second = (group.name for group in home.school().classes[:2])
        teacher = home.actor(Role.GVCN, class_name=first)
        head, clerk = home.actor(Role.CBQL), home.actor(Role.VAN_THU)
        admin, officer = home.actor(Role.QUAN_TRI), home.actor(Role.SO)
        self._identity(teacher)
        for name, actor in (
            ("teacher", teacher),
            ("head", head),
            ("clerk", clerk),
            ("admin", admin),
            ("officer", officer),
        ):
            self.put(f"home_{name}", actor, "/cong")
        self.put("overview", admin, "/cong/so-bo")
        self._making(clerk, first)
        made = home.checked(first, range(1, 13))
        self._records(teacher, head, first, made)
        self._signing(teacher, head, first, made)
        self._packages(clerk, second)
        self._office(clerk, officer)
        self._drills(teacher, head, made)

    def _identity(self, teacher: Actor) -> None:
        unit = teacher.identity.unit_code
        self.put("code", None, "/cong/ma-lop")
        self.put("units", None, "/cong/vai")
        self.put("roles", None, f"/cong/vai/{unit}")
        self.put("people", None, f"/cong/vai/{unit}/GVCN")

    def _making(self, clerk: Actor, class_name: str) -> None:
        self.put("make_classes", clerk, "/cong/khoi-tao")
        self.put("make_choose", clerk, "/cong/khoi-tao/chon", lop=class_name)
        self.put("make_confirm", clerk, "/cong/khoi-tao/xac-nhan", lop=class_name)
        path = f"/cong/khoi-tao/chon?lop={class_name}"
        self.tick(clerk, path, "Chọn cả 30 em")

    def _records(self, teacher: Actor, head: Actor, class_name: str, made: list[str]) -> None:
        home = self.home
        home.portal.records.report_wrong(home.space, teacher, made[0], ["nhan_xet"])
        (draft,) = home.portal.records.initialise(
            home.space, home.actor(Role.VAN_THU), class_name, [20]
        )
        home.sign(Slot.GVCN, teacher, made[1:3])
        home.portal.repairs.ask_cancel(home.space, teacher, made[2], "Sai ngày sinh")
        self.put("class", teacher, "/cong/lop", lop=class_name)
        for name, record_id in (
            ("wrong", made[0]),
            ("check", draft),
            ("sign", made[3]),
            ("signed", made[1]),
        ):
            self.put(f"record_{name}", teacher, f"/cong/hoc-ba/{record_id}")
        here = f"/cong/hoc-ba/{made[3]}"
        self.put("print", teacher, f"{here}/in")
        self.put("wrong", teacher, f"{here}/bao-sai")
        self.put("edit", teacher, f"{here}/sua")
        self.put("edit_comment", teacher, f"{here}/sua/nhan-xet")
        self.put("edit_subjects", teacher, f"{here}/sua/mon")
        self.put("edit_subject", teacher, f"{here}/sua/mon/S01")
        self.put("edit_ratings", teacher, f"{here}/sua/muc")
        self.put("edit_rating", teacher, f"{here}/sua/muc/PHAM_CHAT_NHAN_AI")
        self.put("edit_profile", teacher, f"{here}/sua/ho-so")
        self.put("history", teacher, f"/cong/hoc-ba/{made[1]}/lich-su")
        self.put("cancel", teacher, f"/cong/hoc-ba/{made[1]}/xin-huy")
        self.put("cancel_wait", teacher, f"/cong/hoc-ba/{made[2]}/xin-huy")
        self.put("cancel_list", head, "/cong/xin-huy")
        self.put("cancel_answer", head, f"/cong/hoc-ba/{made[2]}/xin-huy")

    def _signing(self, teacher: Actor, head: Actor, class_name: str, made: list[str]) -> None:
        home = self.home
        self.put("sign_classes", head, "/cong/ky/duyet")
        self.put("sign_choose", teacher, "/cong/ky/gvcn/chon", lop=class_name)
        self.put("confirm_one", teacher, "/cong/ky/gvcn/xem-lai", em=made[3])
        self.put("confirm_many", teacher, "/cong/ky/gvcn/xem-lai", lop=class_name)
        self.put("means_head", head, "/cong/cach-ky")
        self.put("means_clerk", home.actor(Role.VAN_THU), "/cong/cach-ky")
        self.put("former_missing", head, "/cong/ky/duyet/xem-lai", lop=class_name)
        done = home.sign(Slot.GVCN, teacher, [made[4]])
        self.put("result", teacher, f"/cong/yeu-cau/{done}/ket-qua")
        refused = home.ask(Slot.GVCN, teacher, [made[5]])
        home.run(home.portal.signings.withdraw(home.space, teacher, refused))
        self.put("result_refused", teacher, f"/cong/yeu-cau/{refused}/ket-qua")
        waiting = home.ask(Slot.GVCN, teacher, [made[6]])
        self.put("wait", teacher, f"/cong/yeu-cau/{waiting}")
        self.put("wait_asked", teacher, f"/cong/yeu-cau/{waiting}", hoi=1)
        self.put("waiting_stop", teacher, f"/cong/hoc-ba/{made[6]}")
        self.tick(
            teacher, f"/cong/ky/gvcn/chon?lop={class_name}", "Xem lại các em đã chọn", em=made[7:9]
        )
        self.tick(
            head,
            f"/cong/ky/duyet/chon?lop={class_name}",
            "Xem lại các em đã chọn",
            em=[made[1], made[3]],
        )

    def _drills(self, teacher: Actor, head: Actor, made: list[str]) -> None:
        """Pages of what goes wrong on purpose: each is looked at once, so all stay armed."""
        home = self.home
        for name, path in (
            ("drills", "su-co"),
            ("drill", "su-co/E3"),
            ("drill_card", "su-co/E13c"),
            ("scenarios", "tinh-huong"),
            ("scenario", "tinh-huong/3"),
        ):
            self.put(name, teacher, f"/cong/{path}")
        self.arm(teacher, Fault(ma="E11"))
        home.portal.drills.take(home.space, teacher.identity.person_id, "E11")
        self.put("subject_teachers", teacher, "/cong/bo-mon")
        self.arm(head, Fault(ma="E15", so_lan=9))
        self.put("held_by_another", head, "/cong/ky/duyet/xem-lai", em=made[4])
        third = home.school().classes[2].name
        other = home.actor(Role.GVCN, class_name=third)
        self.arm(other, Fault(ma="E2"))
        clock = home.ask(Slot.GVCN, other, home.checked(third, [1]))
        self.put("wait_clock", other, f"/cong/yeu-cau/{clock}")
        fourth = home.school().classes[3].name
        late = home.actor(Role.GVCN, class_name=fourth)
        self.arm(late, Fault(ma="E2", doi_tuong="ngay"))
        gone = home.ask(Slot.GVCN, late, home.checked(fourth, [1]))
        self.put("wait_gone", late, f"/cong/yeu-cau/{gone}")

    def arm(self, actor: Actor, fault: Fault) -> None:
        home = self.home
        home.run(home.portal.drills.arm(home.space, actor.identity.person_id, [fault]))

    def _packages(self, clerk: Actor, class_name: str) -> None:
        home = self.home
        made = home.sealed(class_name, range(1, 8))
        home.portal.repairs.plant(home.space, clerk, made[0], "thieu_cbql")
        answered = home.sent(made[:2])
        home.answered(answered)
        self.put("package_answer", clerk, f"/cong/goi/{answered}")
        self.put("results", clerk, f"/cong/goi/{answered}/ket-qua")
        self.put("reason", clerk, f"/cong/goi/{answered}/ket-qua/1")
        self.put("record_refused", clerk, f"/cong/hoc-ba/{made[0]}")
        self.put("package_sent", clerk, f"/cong/goi/{home.sent(made[2:3])}")
        self.put("package_signed", clerk, f"/cong/goi/{home.packed(made[3:4])}")
        draft = home.portal.packages.pack(home.space, clerk, made[4:5])
        self.put("package_draft", clerk, f"/cong/goi/{draft}")
        self.put("packages", clerk, "/cong/goi")
        self.put("pack_classes", clerk, "/cong/dong-goi")
        self.put("pack_confirm", clerk, "/cong/dong-goi/xac-nhan", lop=class_name)
        self.tick(clerk, f"/cong/dong-goi/chon?lop={class_name}", "Chọn cả 2 em")
        self.put("plant_list", clerk, "/cong/gieo-loi")
        self.put("plant", clerk, f"/cong/gieo-loi/{made[5]}")

    def _office(self, clerk: Actor, officer: Actor) -> None:
        self.put("certificate_done", clerk, "/cong/chung-thu")
        other = self.home.actor(Role.VAN_THU, number=2)
        self.put("certificate_new", other, "/cong/chung-thu")
        self.home.run(self.home.portal.officer.collect(self.home.space, officer))
        self.put("inbox", officer, "/cong/so")
        self.put("inbox_rows", officer, "/cong/so/hoc-ba")


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    assert WORDS
    with house(tmp_path_factory.mktemp("walk")) as served:
        yield Walk(served)


def test_every_page_is_walked(walk: Walk) -> None:
    """The list of names and the pages prepared are the same."""
    assert set(walk.pages) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_keeps_the_rules(walk: Walk, open_page: OpenPage, name: str) -> None:
    """axe, targets, reflow, text sizes, lists, one main button, titles: nothing found."""
    page = open_page(walk.pages[name][1], script="aborted")
    assert "500" not in page.title()
    lint.assert_clean(page)


@pytest.mark.parametrize("name", ["class", "record_sign", "wait", "package_answer"])
def test_the_english_page_keeps_the_same_rules(walk: Walk, open_page: OpenPage, name: str) -> None:
    """The language switch changes words, not the page."""
    page = open_page(walk.pages[name][1] + "&ngon_ngu=en", script="aborted")
    lint.assert_clean(page)
