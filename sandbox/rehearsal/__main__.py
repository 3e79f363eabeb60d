"""`python -m sandbox.rehearsal FOLDER`: write a pack that is ready for `curl`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from sandbox.errors import Misuse, Unavailable
from sandbox.rehearsal.ready import installation_of, ready_pack
from sandbox.rehearsal.results import BROKEN, MISUSED, PASSED


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when the pack lies ready, 2 for misuse, 3 when the sandbox is away."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.rehearsal", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--target", default="http://127.0.0.1:8080")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HOCBA_DATA", "data")))
    asked = parser.parse_args(arguments)
    try:
        installation = installation_of(asked.data, target=asked.target)
        space = ready_pack(asked.folder, installation=installation)
    except (Misuse, Unavailable) as error:
        sys.stderr.write(f"{error}\n")
        return MISUSED if isinstance(error, Misuse) else BROKEN
    sys.stdout.write(f"{asked.folder} {space.dia_chi.goc}\n")
    return PASSED


if __name__ == "__main__":
    sys.exit(main())
