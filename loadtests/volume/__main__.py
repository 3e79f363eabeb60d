"""`python -m loadtests.volume --records N`: stand up, send, measure, judge, take down."""

from __future__ import annotations

import sys

from loadtests.volume.command import main

if __name__ == "__main__":
    sys.exit(main())
