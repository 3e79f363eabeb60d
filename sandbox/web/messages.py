"""The words: message catalogues in two languages, read once at start.

A message is found by its kind (PO context; what stands before `|`) and its key (PO id). The kinds
and their limits are those of learner-experience §12. `{name}` placeholders are filled by keyword;
`**…**` is strong text on pages. A message with a plural form chooses by its value `n`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from babel.messages.pofile import PoFileError, read_po
from markupsafe import Markup, escape

from sandbox.errors import Misuse

LANGUAGES = ("vi", "en")
"""First the one a visitor gets who has not chosen."""


@dataclass(frozen=True, slots=True)
class Message:
    """A text by its name, so that it can be shown in the language of whoever looks."""

    kind: str
    key: str
    values: Mapping[str, Any] = field(default_factory=dict)


def say(kind: str, key: str, **values: Any) -> Message:
    """Name a text now, to be shown later (errors of a form, calm lines, problem pages)."""
    return Message(kind, key, values)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All messages of one language: one form, or one for each plural."""

    texts: Mapping[tuple[str, str], tuple[str, ...]]
    plural: Callable[[int], int]


class Messages:
    """The catalogues of all apps together."""

    def __init__(self, folders: Iterable[Path], *, strict: bool = False) -> None:
        self.strict = strict
        self._catalogues = {language: _load(folders, language) for language in LANGUAGES}

    def keys(self, language: str) -> set[tuple[str, str]]:
        """Return every (kind, key) of *language*."""
        return set(self._catalogues[language].texts)

    def forms(self, language: str, kind: str, key: str) -> tuple[str, ...]:
        """Return the raw forms of a message (one, or one for each plural). Raises KeyError."""
        return self._catalogues[language].texts[kind, key]

    def template(self, language: str, kind: str, key: str, values: Mapping[str, Any]) -> str:
        """Return the message before its values are put in.

        A missing message raises KeyError when the catalogues are strict; else its key is shown.
        """
        catalogue = self._catalogues[language if language in self._catalogues else LANGUAGES[0]]
        forms = catalogue.texts.get((kind, key))
        if forms is None:
            if self.strict:
                raise KeyError(f"no message {kind} {key} in {language}")
            return key.replace("{", "{{").replace("}", "}}")
        if len(forms) == 1:
            return forms[0]
        return forms[min(catalogue.plural(int(values.get("n", 1))), len(forms) - 1)]

    def text(self, language: str, kind: str, key: str, **values: Any) -> str:
        """Return the message as plain text."""
        return self._filled(self.template(language, kind, key, values), values).replace("**", "")

    def markup(self, language: str, kind: str, key: str, **values: Any) -> Markup:
        """Return the message for a page: values escaped, `**…**` as strong text."""
        template = self.template(language, kind, key, values)
        parts = str(escape(template)).split("**")
        strong = "".join(
            f"<strong>{part}</strong>" if number % 2 else part for number, part in enumerate(parts)
        )
        return Markup(self._filled(strong, {k: escape(v) for k, v in values.items()}))  # noqa: S704 - escaped above

    def _filled(self, template: str, values: Mapping[str, Any]) -> str:
        try:
            return template.format(**values)
        except (KeyError, IndexError):
            if self.strict:
                raise
            return template


def _load(folders: Iterable[Path], language: str) -> Catalogue:
    texts: dict[tuple[str, str], tuple[str, ...]] = {}
    plural: Callable[[int], int] = lambda n: 0 if n == 1 else 1  # noqa: E731 - a plural rule
    for folder in folders:
        path = folder / f"{language}.po"
        try:
            with path.open("rb") as file:
                catalogue = read_po(file, locale=language, abort_invalid=True)
        except FileNotFoundError:
            continue
        except PoFileError as error:
            raise Misuse(str(error), file=str(path), line=error.lineno + 1) from error
        for message in catalogue:
            if not message.id:
                continue
            key = message.id if isinstance(message.id, str) else message.id[0]
            place = (str(message.context or "").split("|")[0], key)
            if place in texts:
                raise Misuse(f"message {place} is there twice", file=str(path), line=message.lineno)
            if not message.string:
                raise Misuse(f"message {place} is empty", file=str(path), line=message.lineno)
            texts[place] = (
                (message.string,) if isinstance(message.string, str) else tuple(message.string)
            )
    return Catalogue(texts, plural)
