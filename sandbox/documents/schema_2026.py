"""Stage *schema* for a record of the 2026 profile: every fault with its code and place.

The committed `hoc_ba_2026.xsd` says yes or no; the walk gives the codes of `walker` and knows the
rules that XSD 1.0 cannot say:

* result, levels and ratings are missing only where CO_KHUYET_TAT_KHONG_DANH_GIA is 1 (SBX-2001);
* an exempt subject has M as level and, where a test is due, as score, never only one (SBX-2009);
* the block of teachers' signatures stands once, inside the data or behind it;
* each DIEM_TONG_KET has its slot: the GVBM inside it and one of DANH_SACH_GVBM share an Id that
  nothing else carries (SBX-2009).
"""

from __future__ import annotations

from typing import Final

from sandbox.documents import forms
from sandbox.documents.bounds import Switches
from sandbox.documents.package import ParsedRecord, parse_record
from sandbox.documents.schema import WARNINGS, first_error_of_libxml2
from sandbox.documents.tags import RATINGS, Branch, Leaf
from sandbox.documents.tags_2026 import (
    ASSESSMENT_2026,
    BIRTH_DATE,
    DATA,
    GENERAL,
    ID,
    RECORD,
    SHEET,
    SIGNING,
    SUBJECT_ROW,
    SUMMARY,
    TEACHERS_TAG,
    read_birth_date,
)
from sandbox.documents.tree import Element
from sandbox.documents.walker import Walker
from sandbox.documents.xsd import compiled_schema_2026
from sandbox.domain.circular27 import EXEMPT, RATED_FROM_GRADE_3, scores_due
from sandbox.errors import Finding

_INNER: Final = f"{DATA.tag}/THONG_TIN_HOC_BA"
_LEVEL, _SCORE = "MUC_DAT_DUOC", "DIEM_KIEM_TRA_DINH_KY"


def check_schema_2026(record: ParsedRecord) -> list[Finding]:
    """Return every fault of form in *record*, with XPath and line, warnings included.

    Codes as `check_schema`'s; the lengths of the dictionary are always held. At most 100 findings.
    """
    walker = _Walker2026(record)
    walker.branch(record.element, RECORD, record.xpath)
    findings = walker.findings
    if all(finding.code in WARNINGS for finding in findings):
        # as a file of its own: xs:ID counts Ids over a document, the profile over a record
        alone = parse_record(record.original)
        schema = compiled_schema_2026()
        if not schema.validate(alone.element):
            findings.append(first_error_of_libxml2(alone, schema, xpath=record.xpath))
    return findings


class _Walker2026(Walker):
    def __init__(self, record: ParsedRecord) -> None:
        super().__init__(Switches())
        general = record.element.find(f"{_INNER}/{GENERAL.tag}")
        said = {str(c.tag): c.text or "" for c in general} if general is not None else {}
        self._not_assessed = said.get("CO_KHUYET_TAT_KHONG_DANH_GIA") == "1"
        grade = said.get("MA_KHOI", "")
        self._due = scores_due(int(grade)) if grade in forms.GRADE.values else ()

    def across(self, element: Element, branch: Branch, xpath: str) -> None:
        """Check what holds over several tags of one complex tag."""
        if branch is SUMMARY:
            self._given(element, xpath, "KET_QUA_XEP_LOAI")
        elif branch is ASSESSMENT_2026:
            for leaf in RATINGS:
                spellings = {leaf.tag, leaf.alias}
                if leaf.tag not in RATED_FROM_GRADE_3:
                    found = any(child.tag in spellings for child in element)
                    self._given(element, xpath, leaf.tag, found=found)
        elif branch is SUBJECT_ROW:
            self._given(element, xpath, _LEVEL)
            self._exemption(element, xpath)
        elif branch is RECORD:
            self._slots(element, xpath)

    def fits(self, leaf: Leaf, text: str) -> bool:
        """Say whether *text* has the form of *leaf*, calendar included."""
        if not super().fits(leaf, text):
            return False
        return leaf.form is not BIRTH_DATE or read_birth_date(text) is not None

    def _given(self, element: Element, xpath: str, tag: str, *, found: bool | None = None) -> None:
        """What only a pupil who is not assessed may lack."""
        is_there = element.find(tag) is not None if found is None else found
        if not is_there and not self._not_assessed:
            self.say("SBX-2001", element, xpath, field=tag)

    def _exemption(self, row: Element, xpath: str) -> None:
        level, score = row.findtext(_LEVEL), row.findtext(_SCORE)
        wanted: str | None = None
        if level == EXEMPT and row.findtext("MA_MON_HOC") in self._due:
            wanted = EXEMPT
        if (level == EXEMPT or score == EXEMPT) and score != wanted:
            value = f"{_LEVEL} {level}, {_SCORE} {score or '–'}"
            self.say("SBX-2009", row, xpath, field=_SCORE, value=value, expected=wanted or "–")

    def _slots(self, record: Element, xpath: str) -> None:
        inside = record.findall(f"{DATA.tag}/{SIGNING.tag}")
        blocks = inside + record.findall(SIGNING.tag)
        if not blocks:
            self.say("SBX-2001", record, f"{xpath}/{DATA.tag}", field=SIGNING.tag)
        elif len(blocks) > 1:
            self.say("SBX-2002", blocks[1], xpath, field=SIGNING.tag, expected="<= 1")
        else:
            sheets = record.findall(f"{_INNER}/TONG_KET/BANG_DIEM/{SHEET.tag}/GVBM")
            slots = blocks[0].findall(f"{TEACHERS_TAG}/GVBM")
            place = f"{xpath}/{DATA.tag if inside else ''}".rstrip("/")
            self._pairs(sheets, slots, blocks[0], f"{place}/{SIGNING.tag}/{TEACHERS_TAG}")

    def _pairs(
        self, sheets: list[Element], slots: list[Element], block: Element, xpath: str
    ) -> None:
        wanted = [str(one.get(ID)) for one in sheets]
        found = [str(one.get(ID)) for one in slots]
        if sorted(wanted) != sorted(found) or len(set(wanted)) != len(wanted):
            self.say(
                "SBX-2009", block, xpath,
                field="GVBM", value=" ".join(found), expected=" ".join(wanted),
            )  # fmt: skip
