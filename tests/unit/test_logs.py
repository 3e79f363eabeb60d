"""Log lines: their form, and what never stands in one."""

from __future__ import annotations

import json
import logging
import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.errors import Misuse
from sandbox.logs import JsonLines, Logging, TextLines, configure
from sandbox.settings import read_settings

SECRET = "Nguyễn Thị Không Được Lộ"
PACKAGE = {"space": "tap", "desk": "so-48", "messageid": "0b8e4c1e-0000-4000-8000-000000000001"}


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Give the root logger back to the tests that follow."""
    root, ours = logging.getLogger(), logging.getLogger("sandbox")
    before = (root.handlers[:], root.level, ours.level)
    yield
    root.handlers[:], level, our_level = before
    root.setLevel(level)
    ours.setLevel(our_level)


def made(**extra: object) -> logging.LogRecord:
    logger = logging.getLogger("sandbox.ministry.package")
    return logger.makeRecord(logger.name, logging.INFO, "f", 1, "settled", (), None, extra=extra)


def failing() -> logging.LogRecord:
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as inner:
            raise ValueError(f"cannot store {SECRET}") from inner
    except ValueError as error:
        record = made(**PACKAGE)
        record.exc_info = (type(error), error, error.__traceback__)
        return record


def test_a_json_line_carries_the_package_and_only_the_fields_that_may_be_told() -> None:
    """Whatever else is handed along stays where it is."""
    line = json.loads(JsonLines().format(made(**PACKAGE, accepted=30, pupil_name=SECRET)))

    assert (
        line.items() >= {**PACKAGE, "accepted": 30, "level": "info", "message": "settled"}.items()
    )
    assert set(line) == {*PACKAGE, "accepted", "time", "level", "logger", "message"}


@pytest.mark.parametrize("lines", [JsonLines(), TextLines()])
def test_an_exception_is_told_by_kind_and_place_never_by_its_words(
    lines: logging.Formatter,
) -> None:
    """What a database or a parser quotes may be out of a record."""
    line = lines.format(failing())

    assert "ValueError < KeyError" in line
    assert "tests/unit/test_logs.py:" in line
    assert SECRET not in line


def test_a_token_in_an_address_is_left_out_and_an_id_is_kept() -> None:
    """The address of a practice phone is somebody's key; that of a package is none."""
    record = made()
    record.msg = f"on /ky-so/dien-thoai/{'aB3-_' * 6}/xong and /goi/{PACKAGE['messageid']}/x"

    line = TextLines().format(record)

    assert f"on /ky-so/dien-thoai/…/xong and /goi/{PACKAGE['messageid']}/x" in line


def test_the_terminal_shows_warnings_a_file_shows_everything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A teacher's terminal stays quiet; whoever names a file wants to know."""
    package = logging.getLogger("sandbox.ministry.package")
    configure(Logging())
    package.info("quiet", extra=PACKAGE)
    package.warning("loud", extra=PACKAGE)
    file = tmp_path / "hocba.log"
    configure(Logging("json", file))
    package.info("kept", extra=PACKAGE)

    said = capsys.readouterr().err
    assert "loud space=tap desk=so-48" in said
    assert "quiet" not in said
    assert json.loads(file.read_text())["messageid"] == PACKAGE["messageid"]


def _write_many(file: Path, name: str) -> None:
    configure(Logging("json", file))
    for number in range(300):
        logging.getLogger(OURS).info("x" * 3000, extra={"worker": name, "attempt": number})


OURS = "sandbox.tests"


def test_processes_share_a_file_without_tearing_lines(tmp_path: Path) -> None:
    """Every line of every process is whole."""
    file = tmp_path / "shared.log"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write_many, args=(file, name)) for name in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(lines) == len({(line["worker"], line["attempt"]) for line in lines}) == 900


@pytest.mark.parametrize(
    ("name", "value"), [("HOCBA_LOG", "xml"), ("HOCBA_LOG_FILE", "/khong/co/thu-muc/hocba.log")]
)
def test_a_wrong_setting_is_misuse(tmp_path: Path, name: str, value: str) -> None:
    """The message names the setting."""
    with pytest.raises(Misuse, match=name):
        read_settings({"HOCBA_DATA": str(tmp_path), name: value})


def test_the_settings_reach_another_process(tmp_path: Path) -> None:
    """What is set for the server holds for its checking processes."""
    said = {"HOCBA_DATA": str(tmp_path), "HOCBA_LOG": "json"}
    settings = read_settings({**said, "HOCBA_LOG_FILE": str(tmp_path / "a.log")})

    assert read_settings(settings.as_environment()).logging == settings.logging
