"""Planted broken client: it signs first and builds the final text afterwards.

After the three signatures it still "tidies" the class teacher's comment, so the desk finds data
changed after signing (SBX-3002). A rehearsal must fail at the first submission.
"""

import sys

import reference


class SignsTooEarly(reference.Client):
    """Changes one sentence after the signatures."""

    def sign_record(self, xml: bytes) -> bytes:
        signed = super().sign_record(xml)
        return signed.replace(b"</NHAN_XET_GVCN>", " (đã duyệt)</NHAN_XET_GVCN>".encode(), 1)


if __name__ == "__main__":
    sys.exit(reference.main(SignsTooEarly))
