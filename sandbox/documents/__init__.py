"""Report card ↔ XML: profile v1.0, packages, envelopes, one hardened parser.

What ends in `_2026` does the same for the 2026 profile, which no desk of the sandbox takes in.
The verbs are `render_record`, `build_package`, `parse`, `parse_record`, `check_schema`,
`read_report_card` and `envelope.pack`/`unpack`. What is read here is only known to have the
right form; whether it is signed, and by whom, is `sandbox.xmldsig`.
"""

from sandbox.documents import envelope
from sandbox.documents.bounds import Limits, Switches
from sandbox.documents.package import (
    ParsedPackage,
    ParsedRecord,
    build_package,
    parse,
    parse_record,
    parse_upload,
)
from sandbox.documents.places import locate, path_of
from sandbox.documents.reading import RecordIdentity, data_element, identify, read_report_card
from sandbox.documents.reading_2026 import is_2026, read_report_card_2026
from sandbox.documents.registration import (
    ParsedRegistration,
    Registration,
    parse_registration,
    render_registration,
)
from sandbox.documents.render import render_record
from sandbox.documents.render_2026 import render_record_2026
from sandbox.documents.schema import check_schema
from sandbox.documents.schema_2026 import check_schema_2026

__all__ = [
    "Limits",
    "ParsedPackage",
    "ParsedRecord",
    "ParsedRegistration",
    "RecordIdentity",
    "Registration",
    "Switches",
    "build_package",
    "check_schema",
    "data_element",
    "check_schema_2026",
    "envelope",
    "identify",
    "is_2026",
    "locate",
    "parse",
    "parse_record",
    "parse_registration",
    "parse_upload",
    "path_of",
    "read_report_card",
    "read_report_card_2026",
    "render_record",
    "render_record_2026",
    "render_registration",
]
