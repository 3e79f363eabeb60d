"""Log lines of a process, as text or as JSON, and never a word out of a record.

Set by `HOCBA_LOG` (`text` or `json`) and `HOCBA_LOG_FILE`. As text, the terminal shows warnings
only; JSON lines, and any file, hold every step of every package. A line carries what is named in
`FIELDS` and nothing else that was handed along; of an exception it tells the kind and where it
was raised, never its message, which may quote a record.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import WatchedFileHandler
from pathlib import Path
from traceback import FrameSummary, extract_tb
from types import TracebackType
from typing import Any, Literal

FIELDS = (
    "space",
    "desk",
    "messageid",
    "worker",
    "attempt",
    "bytes",
    "records",
    "accepted",
    "refused",
    "codes",
    "reason",
    "seconds",
    "waited",
)
"""What a line may carry beside time, level, logger and message."""
OURS = "sandbox"
_FRAMES = 12
_LONG = re.compile(r"(?<=/)(?!(?:[0-9a-f]+-){4}[0-9a-f]+(?![\w-]))[\w-]{20,}")
"""A part of an address that may be somebody's token: long, and no UUID."""
_LINE_BYTES = 1 << 16
"""A line is written at once up to this size, so that processes may share a file."""


@dataclass(frozen=True, slots=True)
class Logging:
    """How a process tells what it does."""

    form: Literal["text", "json"] = "text"
    file: Path | None = None


def configure(chosen: Logging) -> None:
    """Send all log lines of this process where *chosen* says. Raises `OSError` for a bad file."""
    handler: logging.Handler
    if chosen.file is None:
        handler = logging.StreamHandler(sys.stderr)
    else:
        handler = _SharedFile(chosen.file, encoding="utf-8")
    everything = chosen.form == "json" or chosen.file is not None
    handler.setFormatter(JsonLines() if chosen.form == "json" else TextLines())
    root = logging.getLogger()
    for before in root.handlers[:]:
        root.removeHandler(before)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(logging.INFO if everything else logging.WARNING)


class _SharedFile(WatchedFileHandler):
    """A file several processes append to; each line is one write, a moved file is opened anew."""

    def _open(self) -> TextIOWrapper:
        raw = open(self.baseFilename, "ab", buffering=_LINE_BYTES)  # noqa: SIM115 - stays open
        return TextIOWrapper(raw, encoding=self.encoding, write_through=False)


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, and the fields of `FIELDS`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of *record*."""
        line: dict[str, Any] = {
            "time": moment_of(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message_of(record),
            **said(record),
        }
        if record.exc_info:
            line["error"], line["at"] = raised(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


class TextLines(logging.Formatter):
    """The same for people: `time level message key=value …`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of *record*, the places of an exception below it."""
        words = [f"{name}={_plain(value)}" for name, value in said(record).items()]
        level = record.levelname.lower()
        line = " ".join([moment_of(record), level, f"{record.name}:", message_of(record), *words])
        if not record.exc_info:
            return line
        error, places = raised(record.exc_info[1])
        return "\n    ".join([f"{line} error={error}", *places])


def said(record: logging.LogRecord) -> dict[str, Any]:
    """Return what was handed along and may be told."""
    return {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}


def message_of(record: logging.LogRecord) -> str:
    """Return what is said, without anybody's token."""
    return _LONG.sub("…", record.getMessage())


def moment_of(record: logging.LogRecord) -> str:
    """Return when *record* was made, UTC to the millisecond."""
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def raised(error: BaseException | None) -> tuple[str, list[str]]:
    """Return the kinds of an exception and its causes, and where each was raised."""
    kinds, places = [], []
    for cause in _causes(error):
        kinds.append(type(cause).__qualname__)
        places += [_place(frame) for frame in _frames(cause.__traceback__)]
    return " < ".join(kinds), places


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _frames(traceback: TracebackType | None) -> list[FrameSummary]:
    return list(extract_tb(traceback))[-_FRAMES:]


def _place(frame: FrameSummary) -> str:
    name = Path(frame.filename)
    return f"{'/'.join(name.parts[-3:])}:{frame.lineno} {frame.name}"


def _plain(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
