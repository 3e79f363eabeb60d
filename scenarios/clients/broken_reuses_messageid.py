"""Planted broken client: it sends the mended record under the refused package's messageid.

The desk has seen that messageid with another content (SBX-1107). A rehearsal must fail at the
step in which the record is mended, and not earlier.
"""

import sys

import reference


class ReusesMessageId(reference.Client):
    """Keeps one messageid per pupil instead of one per request."""

    def submit(self, record) -> None:
        pupil = self.about["records"][record.stem]["uuid"]
        self.current = pupil
        super().submit(record)

    def new_messageid(self) -> str:
        self.known = getattr(self, "known", {})
        return self.known.setdefault(self.current, super().new_messageid())


if __name__ == "__main__":
    sys.exit(reference.main(ReusesMessageId))
