"""What a sender sends, and what must be so beforehand for its fault to show."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Literal

from sandbox.documents import envelope

ABSENT: Final = object()
"""An edit that takes a field away."""


@dataclass(frozen=True, slots=True)
class CertificateEvent:
    """Something the issuing CA published about a certificate."""

    issuer: str
    """`GIA_LAP_CA` or `GIA_LAP_CO_YEU`."""
    serial_hex: str
    kind: Literal["revoke", "suspend", "resume"]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What the practice space must hold before the delivery arrives."""

    events: tuple[CertificateEvent, ...] = ()
    earlier: tuple[bytes, ...] = field(default=(), repr=False)
    """Good package documents of the same school, sent and accepted before, in this order."""
    clock: datetime | None = None
    """The space clock set to this moment."""
    same_messageid: str | None = field(default=None, repr=False)
    """Content to be sent first under the delivery's own messageid."""
    allowed_ips: tuple[str, ...] = ()
    """The only addresses the school's account may call from."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One submission (type 1) with one fault.

    Most faults lie in the `package`; some in the envelope around it (`sent_content`), some in
    the request around that (`edits`, `raw_body`).
    """

    package: bytes | None = field(default=None, repr=False)
    """The package document; None when the envelope holds none that could be shown."""
    sent_content: str | None = field(default=None, repr=False)
    """The envelope, where it is not simply the package packed."""
    edits: tuple[tuple[str, Any], ...] = ()
    """Changes to a good request: JSON pointer and value, or `ABSENT`."""
    raw_body: bytes | None = field(default=None, repr=False)
    """The HTTP body, where it is not JSON of the right shape at all."""
    nam_hoc: int = 2024
    record_id: str | None = None
    """MA_TRA_CUU_UUID of the faulty record, where one record is at fault."""
    needs: Needs = field(default_factory=Needs)

    @cached_property
    def content(self) -> str:
        """The envelope that is sent."""
        if self.sent_content is not None:
            return self.sent_content
        return envelope.pack(self.package or b"")

    def body(self, fields: Mapping[str, Any]) -> bytes:
        """Return the HTTP body; *fields* are those of a good `authenticationRequest`.

        They must hold token, user_name, password, ma_don_vi and messageid; year, type and
        function are added here.
        """
        if self.raw_body is not None:
            return self.raw_body
        inside = {
            **fields,
            "nam_hoc": self.nam_hoc,
            "type": "1",
            "function": "NOP_HOC_BA",
        }
        request: dict[str, Any] = {"authenticationRequest": inside, "content": self.content}
        for pointer, value in self.edits:
            request = _edited(request, pointer, value)
        return json.dumps(request, ensure_ascii=False).encode("utf-8")

    def needing(self, needs: Needs) -> Delivery:
        """Return the same delivery with *needs*."""
        return replace(self, needs=needs)


def _edited(request: dict[str, Any], pointer: str, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(request)
    *path, last = pointer.strip("/").split("/")
    parent = changed
    for step in path:
        parent = parent[step]
    if value is ABSENT:
        parent.pop(last)
    else:
        parent[last] = value
    return changed
