"""The words of XML Signature as the sandbox uses them (spec/record-format.md §5.3)."""

from __future__ import annotations

from typing import Final

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
C14N: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
ENVELOPED: Final = f"{DS}enveloped-signature"
PROPERTIES_TYPE: Final = f"{DS}SignatureProperties"

SIGNATURE_OPEN: Final = f'<Signature xmlns="{DS}"'
"""How every Signature starts, here and in all but eccentric records from elsewhere."""

PACKAGE_ID: Final = "dataDanhSach"
REGISTRATION_ID: Final = "dataChungThuSo"
PACKAGE_TAG: Final = "DANH_SACH_HOC_BA"
REGISTRATION_TAG: Final = "DANG_KY_CHUNG_THU_SO"
RECORD_TAG: Final = "HOC_BA"
DATA_TAG: Final = "DU_LIEU_HOC_BA"
SLOTS_TAG: Final = "DANH_SACH_THONG_TIN_KY"


def ds(name: str) -> str:
    """Return *name* in the XML Signature namespace, as lxml writes tags."""
    return f"{{{DS}}}{name}"
