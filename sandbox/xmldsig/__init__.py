"""XML signatures of records, packages and registrations (2088 PL1 §II.1.6).

`prepare` → sign elsewhere → `Draft.complete`; `verify_…` returns what was signed or raises.
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
from sandbox.xmldsig.record import SignedRecord, verify_record
from sandbox.xmldsig.report import Report, SignatureFacts, SignatureRefused, Step
from sandbox.xmldsig.stamps import PackageStamp, RecordStamp, stamp_record
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
    "Step",
    "prepare",
    "prepare_package",
    "prepare_registration",
    "same_name",
    "stamp_record",
    "verify_package",
    "verify_record",
    "verify_registration",
]
