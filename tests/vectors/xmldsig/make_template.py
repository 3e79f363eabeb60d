"""Write `record_template.xml`: the example record with its Signatures still to be filled.

Run from the top folder: `python -m tests.vectors.xmldsig.make_template`. The template is what an
integrator who signs with `xmlsec1 --sign` starts from: references, algorithms, subject and
signing time are there; digests, values and certificates are empty.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.builders.signing import signed_record

TEMPLATE = Path(__file__).with_name("record_template.xml")
_FILLED = ("DigestValue", "SignatureValue", "X509Certificate")


def template() -> bytes:
    """Return the template's bytes."""
    xml = signed_record().decode()
    for tag in _FILLED:
        xml = re.sub(rf"<{tag}>[^<]*</{tag}>", f"<{tag}></{tag}>", xml)
    return xml.encode()


if __name__ == "__main__":
    TEMPLATE.write_bytes(template())
