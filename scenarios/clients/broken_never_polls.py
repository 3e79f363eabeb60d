"""Planted broken client: it submits and never asks for the result.

What it sends is good and is accepted, but it could never tell a school so. A rehearsal must fail
at the first submission, by the check `result_seen`.
"""

import sys

import reference


class NeverPolls(reference.Client):
    """Takes the receipt for the result."""

    def read_result(self, messageid: str) -> None:
        print("submitted", messageid, flush=True)


if __name__ == "__main__":
    sys.exit(reference.main(NeverPolls))
