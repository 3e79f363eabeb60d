"""XML signatures of records, packages and registrations (2088 PL1 §II.1.6).

`prepare` → sign elsewhere → `Draft.complete`; `verify_…` returns what was signed or raises. What
ends in `_2026` does the same for records of the 2026 profile.
"""

from sandbox.xmldsig.draft import Draft
from sandbox.xmldsig.layout import SignatureText
from sandbox.xmldsig.package import (
    Approved,
    EnvelopingSignature,
    verify_package,
    verify_registration,
)
from sandbox.xmldsig.persons import Registered, same_name
from sandbox.xmldsig.prepare import prepare, prepare_package, prepare_registration
from sandbox.xmldsig.prepare_2026 import prepare_2026, signature_id_2026
from sandbox.xmldsig.record import SignedRecord, verify_record
from sandbox.xmldsig.record_2026 import SignedRecord2026, verify_record_2026
from sandbox.xmldsig.report import Report, SignatureFacts, SignatureRefused, Step
from sandbox.xmldsig.stamps import PackageStamp, RecordStamp, stamp_record
from sandbox.xmldsig.stamps_2026 import Signing2026, stamp_record_2026
from sandbox.xmldsig.validity import Revocations

__all__ = [
    "Approved",
    "Draft",
    "EnvelopingSignature",
    "PackageStamp",
    "RecordStamp",
    "Registered",
    "Report",
    "Revocations",
    "SignatureFacts",
    "SignatureRefused",
    "SignatureText",
    "SignedRecord",
    "SignedRecord2026",
    "Signing2026",
    "Step",
    "prepare",
    "prepare_2026",
    "prepare_package",
    "prepare_registration",
    "same_name",
    "signature_id_2026",
    "stamp_record",
    "stamp_record_2026",
    "verify_package",
    "verify_record",
    "verify_record_2026",
    "verify_registration",
]
