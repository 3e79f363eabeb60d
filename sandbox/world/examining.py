"""`hocba doctor`: why a signature does not hold, by the checks the ministry makes.

Approvals, revocation lists and stored copies are not at hand: what could therefore not be checked
is listed. The verdict is that of `hocba validate` as far as signatures go.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.clock import DEFAULT_SPACE_START, MachineClock, SpaceTime
from sandbox.errors import Misuse
from sandbox.ministry import signature_words as wording
from sandbox.ministry.checking import Context
from sandbox.ministry.exercise import exercise_of
from sandbox.ministry.signature_view import Look, look_at
from sandbox.ministry.signature_words import Say, place_words, signature_rows
from sandbox.pki import TrainingAuthority, Trust
from sandbox.settings import Settings
from sandbox.web.messages import Messages
from sandbox.web.spaces import Space
from sandbox.world.validating import read_delivery

LOCALE = Path(wording.__file__).parent / "locale"


def examine_file(
    file: Path,
    *,
    settings: Callable[[], Settings],
    at: datetime | None = None,
    record: int | None = None,
) -> Look:
    """Return what the signatures of *file* say: a record or package, a content, a JSON request.

    *at* takes the place of a space's clock, *record* is the number of the record to look into.
    Raises `Misuse` for a file that cannot be read or is none of these.
    """
    delivery = read_delivery(file)
    clock = MachineClock()
    known = settings()
    plain = Space(
        id="offline",
        code="",
        title="",
        seed=known.seed,
        era="63",
        topology="A",
        school_year="2024-2025",
        time=SpaceTime(DEFAULT_SPACE_START, clock.epoch()),
    )
    context = Context(
        at=at or clock.now(),
        exercise=exercise_of(plain),
        trust=Trust(TrainingAuthority.from_seed(known.seed).issuer_certificates),
        sender=delivery.sender,
    )
    found = delivery.content if delivery.content is not None else delivery.xml or b""
    return look_at(found, context, only=record)


def say_in(language: str) -> Say:
    """Return the ministry's words of a look, for the command."""
    return lambda key, **values: _words().text(
        language, wording.KIND, f"ministry.look.{key}", **values
    )


def verdict_in(language: str, look: Look) -> str:
    """Return the verdict in one sentence."""
    return _words().text(language, "cau", f"ministry.look.verdict.{look.conclusion}")


@cache
def _words() -> Messages:
    return Messages((LOCALE,))


def as_json(look: Look, language: str) -> dict[str, Any]:
    """Return the look for machines, as the service answers it."""
    return wording.as_json(look, say_in(language), language=language)


def lines_of(look: Look, language: str) -> list[str]:
    """Return what the command prints below the verdict: signatures, then causes."""
    say = say_in(language)
    lines = []
    for exam in signature_rows(look):
        place = place_words(exam.place, say)
        who = exam.certificate
        if who is None:
            said = say("cli.nobody", place=place)
        else:
            said = say("cli.signed", place=place, name=who.common_name, at=exam.signing_time)
        lines.append(f"{'✔' if exam.holds else '✖'} {said}")
        for step in exam.steps:
            if not step.passed:
                name = say(f"step.{step.name}")
                lines.append(
                    f"    {step.code} {name}: {step.computed or '–'} ≠ {step.expected or '–'}"
                )
    for number, row in enumerate(wording.cause_rows(look.causes, say, language=language), start=1):
        places = ", ".join(row["places"])
        lines.append(f"{number}. [{row['strength_words']}] {row['what']} ({places})")
        lines += [f"    {text}" for text in (row["proof"], row["mend"]) if text]
    return lines


def write_bytes(look: Look, folder: Path) -> list[Path]:
    """Write the canonical bytes of every signature shown, and those really hashed.

    Returns the files.

    Raises `Misuse` when the folder cannot be written.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for exam in signature_rows(look):
            parts = {f"{part}.xml": data for part, data in exam.canonical.items()}
            if exam.certificate is not None:
                parts["certificate.der"] = exam.certificate.der
            for number, cause in enumerate(exam.causes, start=1):
                if cause.form is not None:
                    parts[f"{number}-{cause.key}.bin"] = cause.form
            for name, data in parts.items():
                path = folder / f"{str(exam.place).lower()}-{name}"
                path.write_bytes(data)
                written.append(path)
    except OSError as error:
        raise Misuse(str(error), file=str(folder), remedy="--bytes FOLDER") from error
    return written
