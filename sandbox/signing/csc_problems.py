"""Why the CSC API refuses: the standard's error and words, and this service's own code beside it.

The standard says `invalid_request` to nearly everything; a program under test needs to know more
exactly. Each case therefore has a code of its own (`csc_errors.toml`), told in the member
`sandbox` with cause and remedy in both languages (**I**).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way to be refused."""

    code: str
    error: str
    description: str
    """The standard's English words; `{…}` are filled in."""
    status: int = 400
    invented: bool = False


@cache
def cases() -> Mapping[str, Case]:
    """Return every case by code, in the order of the table."""
    with (Path(__file__).parent / "csc_errors.toml").open("rb") as file:
        return {code: Case(code=code, **row) for code, row in tomllib.load(file).items()}


class CscRefused(SandboxError):
    """The CSC API will not do what was asked.

    *told* are small facts that go into the answer beside the code (`attempts_left`, …); *values*
    fill the texts. Never give it anything that was typed into a secret field.
    """

    def __init__(
        self, code: str, *, told: Mapping[str, Any] | None = None, **values: object
    ) -> None:
        self.case = cases()[code]
        self.told = dict(told or {})
        self.values = values
        super().__init__(code)

    @property
    def code(self) -> str:
        """The case's code."""
        return self.case.code

    @property
    def description(self) -> str:
        """The standard's words."""
        return self.case.description.format_map(self.values)
