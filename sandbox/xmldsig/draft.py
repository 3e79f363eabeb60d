"""A signature on its way: all but the value, which is made elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import asdict, dataclass, field

from sandbox.xmldsig.layout import SignatureText


@dataclass(frozen=True, slots=True)
class Draft:
    """A document with one Signature still open.

    The key is never here: `digest` goes to whoever holds it, `complete` takes what comes back.
    A draft can be written down and picked up again after a restart.
    """

    before: bytes = field(repr=False)
    after: bytes = field(repr=False)
    text: SignatureText

    @property
    def signed_bytes(self) -> bytes:
        """The canonical SignedInfo."""
        return self.text.signed_info()

    @property
    def digest(self) -> bytes:
        """SHA-256 of `signed_bytes`, 32 bytes: what goes to the signing service."""
        return hashlib.sha256(self.signed_bytes).digest()

    @property
    def signature_id(self) -> str:
        """Id of the Signature being made."""
        return self.text.signature_id

    def complete(self, signature: bytes) -> bytes:
        """Return the document with *signature* in its place, every other byte as it was.

        *signature* is in the form of XMLDSig (ECDSA r ‖ s). It is not checked here: checking is
        `verify`'s, for everybody alike.
        """
        return b"".join((self.before, self.text.render(signature), self.after))

    def to_json(self) -> str:
        """Return the draft as text."""
        return json.dumps(
            {
                "before": base64.b64encode(self.before).decode(),
                "after": base64.b64encode(self.after).decode(),
                "text": asdict(self.text),
            },
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, written: str) -> Draft:
        """Return the draft written by `to_json`. Raises `ValueError` for anything else."""
        try:
            read = json.loads(written)
            return cls(
                before=base64.b64decode(read["before"], validate=True),
                after=base64.b64decode(read["after"], validate=True),
                text=SignatureText(**read["text"]),
            )
        except (KeyError, TypeError) as fault:
            raise ValueError(f"not a draft: {fault}") from fault
