"""The text of one Signature, canonical as it is written (spec/record-format.md §5.5).

Nothing here passes through a serializer: attributes stand in C14N order, nothing is indented and
base64 has no line breaks, so the bytes that are signed are the bytes that are sent.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from sandbox.xmldsig.names import C14N, DS, ENVELOPED, PROPERTIES_TYPE, SHA256

_XMLNS = f' xmlns="{DS}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureText:
    """Everything one Signature says, before its value is known."""

    signature_id: str
    target_id: str
    """Id of the element signed."""
    target_digest: str
    """SHA-256 of its canonical form, base64."""
    enveloped: bool
    """True for packages and registrations: the Signature lies inside what it signs."""
    algorithm: str
    """SignatureMethod URI."""
    subject_name: str
    """Subject of the certificate, RFC 4514."""
    certificate: str
    """DER, base64 without line breaks."""
    signing_time: str
    """`YYYY-MM-DDThh:mm:ss+07:00`."""

    @property
    def properties_id(self) -> str:
        """Id of the SignatureProperties."""
        return f"{self.signature_id}-props"

    def signed_info(self) -> bytes:
        """Return the canonical SignedInfo: the bytes a key signs."""
        return self._signed_info(_XMLNS).encode()

    def canonical_properties(self) -> bytes:
        """Return the canonical SignatureProperties: what the second Reference covers."""
        return self._properties(_XMLNS).encode()

    def render(self, signature_value: bytes) -> bytes:
        """Return the whole Signature with *signature_value* in it."""
        value = base64.b64encode(signature_value).decode()
        return (
            f'<Signature{_XMLNS} Id="{attribute(self.signature_id)}">'
            f"{self._signed_info('')}<SignatureValue>{value}</SignatureValue>"
            f"<KeyInfo><X509Data><X509SubjectName>{text(self.subject_name)}</X509SubjectName>"
            f"<X509Certificate>{self.certificate}</X509Certificate></X509Data></KeyInfo>"
            f"<Object>{self._properties('')}</Object></Signature>"
        ).encode()

    def _signed_info(self, xmlns: str) -> str:
        transforms = (ENVELOPED, C14N) if self.enveloped else (C14N,)
        properties = hashlib.sha256(self.canonical_properties()).digest()
        return (
            f"<SignedInfo{xmlns}>"
            f'<CanonicalizationMethod Algorithm="{C14N}"></CanonicalizationMethod>'
            f'<SignatureMethod Algorithm="{attribute(self.algorithm)}"></SignatureMethod>'
            + _reference(self.target_id, transforms, self.target_digest)
            + _reference(
                self.properties_id,
                (C14N,),
                base64.b64encode(properties).decode(),
                kind=PROPERTIES_TYPE,
            )
            + "</SignedInfo>"
        )

    def _properties(self, xmlns: str) -> str:
        return (
            f'<SignatureProperties{xmlns} Id="{attribute(self.properties_id)}">'
            f'<SignatureProperty Target="#{attribute(self.signature_id)}">'
            f"<SigningTime>{self.signing_time}</SigningTime>"
            "</SignatureProperty></SignatureProperties>"
        )


def text(value: str) -> str:
    """Return *value* as C14N writes text."""
    return (
        value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")
    )


def attribute(value: str) -> str:
    """Return *value* as C14N writes it between double quotes."""
    return (
        value.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace('"', "&quot;")
        .replace("\t", "&#x9;")
        .replace("\n", "&#xA;")
        .replace("\r", "&#xD;")
    )


def _reference(
    target: str, transforms: tuple[str, ...], digest: str, *, kind: str | None = None
) -> str:
    said = f' Type="{kind}"' if kind else ""
    steps = "".join(f'<Transform Algorithm="{step}"></Transform>' for step in transforms)
    return (
        f'<Reference{said} URI="#{attribute(target)}"><Transforms>{steps}</Transforms>'
        f'<DigestMethod Algorithm="{SHA256}"></DigestMethod>'
        f"<DigestValue>{digest}</DigestValue></Reference>"
    )
