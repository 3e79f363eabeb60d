"""`python -m loadtests.bench`: `command` does it, which the measured processes never load."""

import sys

if __name__ == "__main__":
    from loadtests.bench.command import main

    sys.exit(main())
