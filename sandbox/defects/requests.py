"""Faults of the request around the envelope: found at the receipt, before it is answered."""

from __future__ import annotations

from typing import Final

from sandbox.defects.delivery import ABSENT, Delivery, Needs
from sandbox.defects.kit import Kit
from sandbox.defects.registry import Need, defect
from sandbox.documents import Limits, envelope

_FIELDS: Final = "/authenticationRequest"
_WRONG_DIGEST: Final = "0" * 64


def _good(kit: Kit, *edits: tuple[str, object]) -> Delivery:
    return Delivery(package=kit.good_package(), edits=edits)


@defect(provokes="SBX-1101")
def request_that_is_not_json(kit: Kit) -> Delivery:
    """The package document itself is posted as the body, without JSON around it."""
    package = kit.good_package()
    return Delivery(package=package, raw_body=package)


@defect(provokes="SBX-1101")
def request_in_utf_16(kit: Kit) -> Delivery:
    """The JSON is right, but written in UTF-16 instead of UTF-8."""
    return Delivery(raw_body='{"authenticationRequest": {}, "content": ""}'.encode("utf-16"))


@defect(provokes="SBX-1101")
def request_nested_beyond_reason(kit: Kit) -> Delivery:
    """A hundred thousand brackets: lawful JSON up to a reader's recursion limit."""
    return Delivery(raw_body=b'{"authenticationRequest": ' + b"[" * 100_000)


@defect(provokes="SBX-1101", at=f"{_FIELDS}/messageid")
def request_without_messageid(kit: Kit) -> Delivery:
    """The field messageid is missing."""
    return _good(kit, (f"{_FIELDS}/messageid", ABSENT))


@defect(provokes="SBX-1101", at=f"{_FIELDS}/nam_hoc")
def school_year_as_text(kit: Kit) -> Delivery:
    """The field nam_hoc is a String, where the specification prints Number."""
    return _good(kit, (f"{_FIELDS}/nam_hoc", "2024"))


@defect(provokes="SBX-1101", at="/content")
def request_without_content(kit: Kit) -> Delivery:
    """A submission that leaves content out."""
    return _good(kit, ("/content", ABSENT))


@defect(provokes="SBX-1101", at=f"{_FIELDS}/messageid")
def messageid_that_climbs_folders(kit: Kit) -> Delivery:
    """The messageid is a path that climbs out of a folder, in case it becomes a file name."""
    return _good(kit, (f"{_FIELDS}/messageid", "../../../../etc/passwd"))


@defect(provokes="SBX-1101", at=f"{_FIELDS}/type")
def type_of_another_transaction(kit: Kit) -> Delivery:
    """A recall's type 5 is sent to the service that takes submissions."""
    return _good(kit, (f"{_FIELDS}/type", "5"))


@defect(provokes="SBX-1102")
def password_not_the_accounts(kit: Kit) -> Delivery:
    """The digest is a SHA-256, but of another password."""
    return _good(kit, (f"{_FIELDS}/password", _WRONG_DIGEST))


@defect(provokes="SBX-1103")
def token_made_up(kit: Kit) -> Delivery:
    """The token was never issued."""
    return _good(kit, (f"{_FIELDS}/token", "khong-phai-token"))


@defect(provokes="SBX-1104")
def request_larger_than_10_mb(kit: Kit) -> Delivery:
    """The body is one byte larger than 10 MB; it is refused before it is read as JSON."""
    return Delivery(raw_body=b" " * (Limits().http_body + 1))


@defect(provokes="SBX-1106", needs=(Need.ADDRESS_LIST,))
def address_not_on_the_list(kit: Kit) -> Delivery:
    """The account may be used from one registered address only, and this is another."""
    needs = Needs(allowed_ips=("192.0.2.1",))
    return Delivery(package=kit.good_package(), needs=needs)


@defect(provokes="SBX-1107", needs=(Need.SAME_MESSAGEID,))
def messageid_of_another_package(kit: Kit) -> Delivery:
    """The messageid was used a moment ago for another content."""
    first = envelope.pack(kit.sealed(kit.packed(kit.neighbour())))
    second = kit.sealed(kit.packed(kit.signed()))
    return Delivery(package=second, needs=Needs(same_messageid=first))


@defect(provokes="SBX-1117")
def unit_of_another_account(kit: Kit) -> Delivery:
    """The field ma_don_vi is another school's than the account's."""
    return _good(kit, (f"{_FIELDS}/ma_don_vi", "48999499"))


@defect(provokes="SBX-1117")
def unit_that_climbs_folders(kit: Kit) -> Delivery:
    """The field ma_don_vi is a path that climbs out of a folder."""
    return _good(kit, (f"{_FIELDS}/ma_don_vi", f"../{kit.school_code}"))
