"""Planted broken client: it speaks for a unit that is not its account's.

The last digit of the unit code is wrong, as after a copied configuration (SBX-1117). A rehearsal
must fail at the very first step.
"""

import sys

import reference


class WrongUnit(reference.Client):
    """Uses a neighbour's unit code."""

    def __init__(self, environment: dict[str, str]) -> None:
        super().__init__(environment)
        self.unit = self.unit[:-1] + str((int(self.unit[-1]) + 5) % 10)


if __name__ == "__main__":
    sys.exit(reference.main(WrongUnit))
