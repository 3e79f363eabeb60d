"""Where things stand in the package of a defect: the good record first, the faulty one second."""

from __future__ import annotations

from typing import Final

ROOT: Final = "/DANH_SACH_HOC_BA"
PACKAGE_SIGNATURE: Final = f"{ROOT}/Signature"
RECORD: Final = f"{ROOT}/HOC_BA[2]"
DATA: Final = f"{RECORD}/DU_LIEU_HOC_BA"
GENERAL: Final = f"{DATA}/THONG_TIN_CHUNG"
HISTORY: Final = f"{DATA}/QUA_TRINH_HOC_TAP"
SUMMARY: Final = f"{DATA}/TONG_KET"
SUBJECTS: Final = f"{SUMMARY}/BANG_DIEM"
ASSESSMENT: Final = f"{SUMMARY}/DANH_GIA_NANG_LUC_PHAM_CHAT"
ALONE: Final = f"{ROOT}/HOC_BA[1]/DU_LIEU_HOC_BA/THONG_TIN_CHUNG"
"""THONG_TIN_CHUNG of a record that travels without neighbour."""
SLOTS: Final = f"{RECORD}/DANH_SACH_THONG_TIN_KY"
TEACHER: Final = f"{SLOTS}/GVCN"
LEADER: Final = f"{SLOTS}/CBQL"
SEAL: Final = f"{SLOTS}/KY_PHAT_HANH"
CERTIFICATE: Final = "KeyInfo/X509Data/X509Certificate"
