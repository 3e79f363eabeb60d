"""Every refusal says what happened, what it means and what to do; nobody sees the inside."""

from __future__ import annotations

import re

import pytest
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from sandbox import web
from sandbox.domain.rejections import CATALOGUE
from sandbox.errors import Finding, Refused, Unavailable
from tests.builders.web import House, build_house


class Parcel(BaseModel):
    """Something a program sends."""

    name: str
    rows: list[int]


def faulty_router() -> APIRouter:
    router = APIRouter()

    @router.get("/hong")
    def broken() -> None:
        raise RuntimeError("password=secret")

    @router.get("/tu-choi/{code}")
    def refused(code: str) -> None:
        raise Refused(Finding(code, field="HO_VA_TEN", xpath="/HOC_BA/HO_VA_TEN", value="x"))

    @router.get("/kho/tu-choi/{code}")
    def refused_to_officers(code: str) -> None:
        raise Refused(Finding(code, field="HO_VA_TEN", xpath="/HOC_BA/HO_VA_TEN", value="x"))

    @router.get("/ban")
    def away() -> None:
        raise Unavailable("neighbour away", retry_after=9)

    @router.post("/kho/v1/goi")
    def receive(parcel: Parcel) -> dict[str, str]:
        return {"name": parcel.name}

    @router.get("/kho/v1/kin", dependencies=[Depends(web.require_internal)])
    def internal() -> dict[str, bool]:
        return {"open": True}

    @router.post("/tai-len")
    async def upload(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    return router


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return build_house(tmp_path_factory.mktemp("house"), routers=[faulty_router()])


@pytest.mark.parametrize(
    ("path", "status"),
    [("/nope", 404), ("/s/lop-x/", 404), ("/hong", 500), ("/ban", 503), ("/vao", 405)],
)
def test_a_problem_page_names_what_it_means_and_what_to_do(
    house: House, path: str, status: int
) -> None:
    """E1r–E3r: title with "Lỗi:", two plain lines, one big button, a small code."""
    answer = house.browser().get(path)

    assert answer.status_code == status
    assert "<title>Lỗi: " in answer.text
    assert "Nghĩa là:" in answer.text
    assert "Thầy cô làm:" in answer.text
    assert answer.text.count('class="chinh"') == 1
    assert "BẢN TẬP" in answer.text


def test_an_unexpected_error_shows_a_number_and_nothing_of_itself(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """The number on the page is found in the log, with the reason; the page has no traceback."""
    answer = house.browser().get("/hong")
    number = re.search(r"Mã: SBX-9001 · (\w{8})", answer.text)

    assert number
    assert number.group(1) in caplog.text
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_an_unexpected_error_is_told_to_a_program_as_json(house: House) -> None:
    """Programs get code, title, cause and remedy."""
    answer = house.browser(page=False).get("/hong", headers={"accept": "application/json"})

    assert answer.status_code == 500
    assert answer.json()["error"].startswith("SBX-9001 · ")
    assert set(answer.json()) == {"error", "title", "cause", "remedy"}


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_rejection_can_be_shown_to_a_learner(house: House, code: str) -> None:
    """The plain words of the catalogue, and the code on one small line."""
    answer = house.browser().get(f"/tu-choi/{code}")

    assert answer.status_code in {409, 422}
    assert CATALOGUE[code].plain_remedy["vi"].split()[0] in answer.text
    assert f"Mã: {code}" in answer.text


def test_a_rejection_is_shown_to_an_officer_with_its_place(house: House) -> None:
    """Officers and engineers see title, place, cause and remedy of the catalogue."""
    page = house.browser().get("/kho/tu-choi/SBX-2003").text

    assert CATALOGUE["SBX-2003"].title["vi"] in page
    assert "/HOC_BA/HO_VA_TEN" in page


def test_a_rejection_is_told_to_a_program_with_its_details(house: House) -> None:
    """JSON in the asker's language, the status of the catalogue, one row per finding."""
    answer = house.browser(page=False).get(
        "/tu-choi/SBX-1104?ngon_ngu=en", headers={"accept": "application/json"}
    )

    assert answer.status_code == 413
    assert answer.json()["title"] == CATALOGUE["SBX-1104"].title["en"]
    assert answer.json()["chi_tiet"][0]["xpath"] == "/HOC_BA/HO_VA_TEN"


def test_who_finds_a_neighbour_away_is_told_when_to_come_back(house: House) -> None:
    """503 with Retry-After, and a button that tries the same page again."""
    answer = house.browser().get("/ban")

    assert answer.headers["retry-after"] == "9"
    assert 'href="/ban?m=' in answer.text


def test_json_that_does_not_fit_is_refused_with_pointers(house: House) -> None:
    """SBX-1101, status 400, the place of each fault as a JSON pointer."""
    answer = house.browser(page=False).post("/kho/v1/goi", json={"rows": ["x"]})

    assert (answer.status_code, answer.json()["error"]) == (400, "SBX-1101")
    pointers = {row["con_tro_json"] for row in answer.json()["chi_tiet"]}
    assert pointers == {"/name", "/rows/0"}


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer wrong", "Basic internal", "internal"])
def test_a_service_without_its_token_stays_closed(house: House, header: str | None) -> None:
    """401 as JSON, also for a browser."""
    headers = {} if header is None else {"authorization": header}
    answer = house.browser().get("/kho/v1/kin", headers=headers)

    assert (answer.status_code, answer.json()["error"]) == (401, "401")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_service_opens_for_its_token(house: House) -> None:
    """The bearer token of the installation lets a neighbour in."""
    answer = house.browser().get("/kho/v1/kin", headers={"authorization": "Bearer internal"})

    assert answer.json() == {"open": True}


def test_an_oversized_body_is_refused_before_it_is_read(house: House) -> None:
    """413 by its announced length."""
    answer = house.browser().post("/tai-len", content=b"x" * 100_001)

    assert answer.status_code == 413
    assert "Tệp gửi lên quá lớn" in answer.text


def test_an_oversized_body_without_a_length_is_refused_while_it_is_read(house: House) -> None:
    """413 as soon as more arrives than is read at all."""
    parts = (b"x" * 30_000 for _ in range(5))

    assert house.browser().post("/tai-len", content=parts).status_code == 413


def test_a_body_within_the_limit_arrives(house: House) -> None:
    """The limit itself is allowed."""
    assert house.browser().post("/tai-len", content=b"x" * 100_000).json() == {"bytes": 100_000}


@pytest.mark.parametrize("length", ["-1", "many", "1e3"])
def test_a_nonsense_length_is_not_an_error_of_ours(house: House, length: str) -> None:
    """A header that is no number never makes a 500."""
    answer = house.browser().get("/rieng-tu", headers={"content-length": length})

    assert answer.status_code < 500
