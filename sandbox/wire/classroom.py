"""The coach strip: what a portal or phone page asks the classroom for (architecture §4).

No import ties the systems: a page that a learner opens asks over HTTP, waits 300 ms at most, and
is shown without a strip when no answer comes.
"""

from __future__ import annotations

import httpx
from pydantic import BaseModel, ConfigDict, Field

from sandbox.wire.http import async_client

TIME_LIMIT = 0.3
"""Seconds a page waits for its strip."""


class CoachQuestion(BaseModel):
    """Which page of which learner wants a strip."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    learner: str | None = Field(default=None, max_length=64, description="Visitor's key")
    holder: str | None = Field(
        default=None, max_length=64, description="Whose phone: for a second device"
    )
    page: str = Field(min_length=1, max_length=64)
    language: str = Field(default="vi", pattern="^(vi|en)$")
    passing: dict[str, str] = Field(default_factory=dict)
    """What else the page knows: record id, transaction id."""


class Strip(BaseModel):
    """What stands in the strip; every text is already in the page's language."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    lesson: int
    lesson_name: str
    step: int
    steps: int
    card: str
    """The number on the printed card, such as "3.7"."""
    heading: str | None = None
    """The instruction that takes the place of the page's own h1; None at level "tu"."""
    sentence: str | None = None
    hint: str | None = None
    """Words of the button to press; filled after [Gợi ý] was pressed."""
    hint_place: str | None = None
    done: bool = False
    """The lesson is passed: the page offers the way home."""
    home: str
    """Path of the learner's task list, without space prefix."""
    hint_path: str
    hint_action: str
    """Name of the action its form is made with."""


class CoachClient:
    """Asks the classroom at *base_url* (without space prefix) for strips.

    Never raises for a classroom that is away, slow or answers nonsense: the page matters more.
    """

    def __init__(self, base_url: str, *, token: str) -> None:
        self._base_url = base_url
        self._headers = {"Authorization": f"Bearer {token}"}

    async def strip(self, prefix: str, question: CoachQuestion) -> Strip | None:
        """Return the strip for *question* in the space at path *prefix*, or None."""
        try:
            async with async_client(
                self._base_url, read_s=TIME_LIMIT, headers=self._headers
            ) as http:
                answer = await http.post(f"{prefix}/lop/v1/dai", json=question.model_dump())
            if answer.status_code != httpx.codes.OK:
                return None
            return Strip.model_validate(answer.json())
        except (httpx.HTTPError, ValueError):
            return None
