"""The label file: buttons and menus that imitate real software, and what a trainer calls them.

Shipped neutral (`labels.toml`); a space may rename labels to match what is used locally
(learner-experience §11.4). The new names are kept in the space's switch `labels`.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, Literal

from starlette.requests import HTTPConnection

from sandbox.errors import SandboxError
from sandbox.web.visits import Visit

LONGEST = 30
"""Characters of a button or menu (learner-experience §11.4)."""
LONGEST_SENTENCE = 120
SWITCH = "labels"
_HERE = Path(__file__).parent
_WORDS = re.compile(r"\w+")

Reason = Literal["unknown", "empty", "long", "places", "brand", "form"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One label as shipped."""

    key: str
    vi: str
    en: str
    sentence: bool = False
    """A whole question or answer."""

    @property
    def longest(self) -> int:
        """How many characters it may have."""
        return LONGEST_SENTENCE if self.sentence else LONGEST

    @property
    def places(self) -> set[str]:
        """The values it names, such as `n`."""
        return _places(self.vi)


class LabelRefused(SandboxError):
    """A new name that cannot be: of an unknown label, empty, too long, or naming a brand."""

    def __init__(self, key: str, reason: Reason) -> None:
        self.key, self.reason = key, reason
        super().__init__(f"{key}: {reason}")


@cache
def labels() -> Mapping[str, Label]:
    """Return every label by key, in the order of the file."""
    with (_HERE / "labels.toml").open("rb") as file:
        groups: dict[str, dict[str, Any]] = tomllib.load(file)
    return {
        f"{group}.{name}": Label(key=f"{group}.{name}", **row)
        for group, rows in groups.items()
        for name, row in rows.items()
    }


def label(asker: HTTPConnection, key: str, **values: Any) -> str:
    """Return what a control is called in the space of the request, values put in.

    The trainer's name if there is one, else the neutral one in the visitor's language. Raises
    `LabelRefused` for a key that is not in the label file.
    """
    who: Visit = asker.scope["state"]["visit"]
    return label_for(who.space.switches, who.language, key, **values)


def label_for(switches: Mapping[str, Any], language: str, key: str, **values: Any) -> str:
    """Return what a control is called under a space's *switches*. Raises `LabelRefused`."""
    known = _known(key)
    renamed = switches.get(SWITCH) or {}
    told = str(renamed.get(key) or (known.en if language == "en" else known.vi))
    return told.format(**values) if known.places else told


def renamed(names: Mapping[str, str]) -> dict[str, str]:
    """Return *names* as they may be kept: NFC, trimmed, those that are neutral left out.

    Raises `LabelRefused` for the first that cannot be.
    """
    return {
        key: name
        for key, typed in names.items()
        if (name := _checked(_known(key), typed)) != _known(key).vi
    }


def read_file(text: str) -> dict[str, str]:
    """Return the new names of a label file: a JSON object of texts. Raises `LabelRefused`."""
    try:
        names = json.loads(text)
    except ValueError:
        raise LabelRefused("", "form") from None
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise LabelRefused("", "form")
    return renamed(names)


def write_file(names: Mapping[str, str]) -> str:
    """Return *names* as a label file."""
    return json.dumps(dict(names), ensure_ascii=False, indent=1)


def _known(key: str) -> Label:
    try:
        return labels()[key]
    except KeyError:
        raise LabelRefused(key, "unknown") from None


def _checked(known: Label, typed: str) -> str:
    name = " ".join(unicodedata.normalize("NFC", typed).split())
    if not name:
        raise LabelRefused(known.key, "empty")
    if len(name) > known.longest:
        raise LabelRefused(known.key, "long")
    try:
        same = _places(name) == known.places
    except ValueError:
        same = False
    if not same:
        raise LabelRefused(known.key, "places")
    if any(_digest(word) in _brands() for word in _WORDS.findall(name.lower())):
        raise LabelRefused(known.key, "brand")
    return name


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def _digest(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()


@cache
def _brands() -> frozenset[str]:
    with (_HERE / "brands.toml").open("rb") as file:
        return frozenset(tomllib.load(file)["sha256"])
