"""The mark of a restore that is not finished; with it in the data folder nothing is served."""

from __future__ import annotations

from pathlib import Path

from sandbox.errors import Misuse

MARK = "restoring.json"
"""In a data folder whose database is not yet whole."""


def require_whole(data: Path) -> None:
    """Refuse a data folder that a restore has not finished. Raises `Misuse`."""
    if (data / MARK).exists():
        raise Misuse(
            "a restore into this folder was not finished",
            file=str(data / MARK),
            remedy="give the same hocba restore command again",
        )
