"""The words of the commands, in two languages."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from sandbox.web.messages import Messages

KIND = "chuyen_mon"


@cache
def _messages() -> Messages:
    return Messages((Path(__file__).parent / "locale",))


def say(language: str) -> Callable[..., str]:
    """Return a function that finds a command's text by its key."""

    def found(key: str, **values: object) -> str:
        return _messages().text(language, KIND, f"cli.{key}", **values)

    return found
