"""The words of a rehearsal, for console, JSON and JUnit: read from the catalogues once."""

from __future__ import annotations

from pathlib import Path

from sandbox.domain.rejections import CATALOGUE
from sandbox.rehearsal.checks import Judgement
from sandbox.rehearsal.results import Fault
from sandbox.web.messages import Messages

LOCALE = Path(__file__).parent / "locale"
KIND = "chuyen_mon"
"""Words for engineers (learner-experience §12); never on a learner's page."""


class Words:
    """Texts in one language (`vi` or `en`)."""

    def __init__(self, language: str = "vi") -> None:
        self.language = language if language in ("vi", "en") else "vi"
        self._messages = Messages([LOCALE], strict=True)

    def keys(self) -> set[tuple[str, str]]:
        """Return the kind and key of every text there is in this language."""
        return self._messages.keys(self.language)

    def say(self, key: str, **values: str | int) -> str:
        """Return the text `rehearsal.{key}`."""
        return self._messages.text(self.language, KIND, f"rehearsal.{key}", **values)

    def reason(self, key: str, **values: str) -> str:
        """Return why a step did not pass."""
        return self.say(f"reason.{key}", **values)

    def judged(self, judgement: Judgement) -> str:
        """Return the reason of *judgement*, with the titles of the codes in it."""
        if not judgement.reason:
            return ""
        values = {
            key: self._with_title(text) if key in ("code", "expected") else text
            for key, text in judgement.values.items()
        }
        return self.reason(judgement.reason, **values)

    def remedy_of(self, judgement: Judgement) -> str:
        """Return what to do: the catalogue's remedy where a code was given, else by fault."""
        code = judgement.values.get("code", "")
        if judgement.fault is Fault.PROVIDER and code in CATALOGUE:
            return CATALOGUE[code].remedy[self.language]
        return self.remedy(judgement.fault)

    def remedy(self, fault: Fault) -> str:
        """Return what to do about a fault of this kind."""
        return "" if fault is Fault.NONE else self.say(f"remedy.{fault.value}")

    def _with_title(self, code: str) -> str:
        known = CATALOGUE.get(code)
        return f"{code} ({known.title[self.language]})" if known else code
