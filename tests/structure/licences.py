"""Gate: each installed dependency has a licence this project may ship with."""

from __future__ import annotations

import json
import subprocess
import sys

FORBIDDEN = ("AGPL", "AFFERO", "SSPL", "BUSINESS SOURCE", "UNKNOWN")
"""Words in a licence that end the talk."""

OURS = {"hoc-ba-so-sandbox"}

READ_BY_HAND = {"axe-playwright-python": "MIT"}
"""Packages whose metadata name no licence although their licence file does; read and noted here."""


def main() -> int:
    """Print what is not allowed and return 1, or a count and 0."""
    listing = subprocess.run(
        [sys.executable, "-m", "piplicenses", "--format=json", "--from=mixed"],
        check=True,
        capture_output=True,
        text=True,
    )
    packages = json.loads(listing.stdout)
    bad = [
        f"{entry['Name']} {entry['Version']}: {entry['License']}"
        for entry in packages
        if entry["Name"] not in OURS | READ_BY_HAND.keys()
        and any(word in entry["License"].upper() for word in FORBIDDEN)
    ]
    for line in bad:
        sys.stdout.write(f"licence not allowed: {line}\n")
    sys.stdout.write(f"licences: {len(packages)} packages read, {len(bad)} not allowed\n")
    return 1 if bad or not packages else 0


if __name__ == "__main__":
    sys.exit(main())
