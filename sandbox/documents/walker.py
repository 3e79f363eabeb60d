"""Why a record breaks the schema: every fault with its code, XPath and line.

The XSD says yes or no; this walks the record against the same tag table and gives the exact
code, in the order of the document (spec/record-format.md §1–§4):

====  ==========================================================================
2001  required tag missing
2002  unknown tag, attribute, comment, text between tags; wrong order; repeated tag
2003  tag without a value
2004  form of a date, number or code, calendar and school year included
2005  too long
2006  record id not a UUID v4
2007  not NFC
2008  outside its closed list
2009  the tolerated extra NAM_HOC differs from TEN_NAM_HOC
2090  misspelt tag written the ordinary way (warning)
2091  date written another way (warning)
====  ==========================================================================
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections import Counter
from typing import Final, TypeAlias

from sandbox.documents import forms
from sandbox.documents.bounds import Switches
from sandbox.documents.package import ParsedRecord
from sandbox.documents.tags import (
    GENERAL,
    ID_ATTRIBUTES,
    RECORD,
    SIGNATURE,
    XMLDSIG,
    Branch,
    Leaf,
)
from sandbox.documents.tree import (
    Element,
    attributes_of,
    bare_name,
    is_comment,
    is_element,
    line_of,
)
from sandbox.errors import Finding

MOST_FINDINGS: Final = 100
LAST_YEAR_WITH_DISTRICTS: Final = 2024
"""First calendar year of 2024-2025: from 2025-2026 on there is no district level."""

_LAYOUT: Final = " \t\r\n"
_Known: TypeAlias = tuple[Element, "Leaf | Branch", str]
"""A child the table knows: the element, its row in the table, its XPath."""


def walk(record: ParsedRecord, *, switches: Switches) -> list[Finding]:
    """Return what is wrong with *record*, warnings included, at most `MOST_FINDINGS`."""
    walker = Walker(switches)
    walker.branch(record.element, RECORD, record.xpath)
    return walker.findings


class Walker:
    """Walks one record along a tag table; `findings` grows."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self.findings: list[Finding] = []

    @property
    def _full(self) -> bool:
        return len(self.findings) >= MOST_FINDINGS

    def say(
        self,
        code: str,
        element: Element,
        xpath: str,
        *,
        field: str,
        value: str | None = None,
        expected: str | None = None,
    ) -> None:
        """Note a finding at *element*, unless there are enough."""
        if not self._full:
            line = line_of(element)
            self.findings.append(
                Finding(code, field=field, xpath=xpath, line=line, value=value, expected=expected)
            )

    def branch(self, element: Element, branch: Branch, xpath: str) -> None:
        """Check a complex tag and everything below it."""
        self._attributes(element, branch, xpath)
        self._loose_text(element, branch, xpath)
        if len(element) == 0:
            if not branch.may_be_empty and not (element.text or "").strip(_LAYOUT):
                self.say("SBX-2003", element, xpath, field=branch.tag)
            return
        children = self._known_children(element, branch, xpath)
        self._order(children, branch)
        for child, spec, path in children:
            if self._full:
                return
            if isinstance(spec, Branch):
                self.branch(child, spec, path)
            else:
                self._leaf(child, spec, path)
        self._missing(element, branch, xpath, {spec.tag for _, spec, _ in children})
        self.across(element, branch, xpath)

    def across(self, element: Element, branch: Branch, xpath: str) -> None:
        """Check what holds over several tags of one complex tag."""
        if branch is GENERAL:
            self._general(element, xpath)

    def _known_children(self, element: Element, branch: Branch, xpath: str) -> list[_Known]:
        known: list[_Known] = []
        totals = Counter(child.tag for child in element)
        numbers: Counter[object] = Counter()
        signed = False
        for child in element:
            if not is_element(child):
                self._hidden(child, xpath)
                continue
            numbers[child.tag] += 1
            path = f"{xpath}/{bare_name(child.tag)}"
            if totals[child.tag] > 1:
                path += f"[{numbers[child.tag]}]"
            if branch.takes_signatures and child.tag == SIGNATURE:
                signed = True
                self._inside_signature(child, path)
                continue
            spec = None if signed else branch.child(child.tag)
            if spec is None:
                self.say("SBX-2002", child, path, field=bare_name(child.tag))
            elif self._takes_spelling(child, spec, path):
                known.append((child, spec, path))
        return known

    def _takes_spelling(self, child: Element, spec: Leaf | Branch, xpath: str) -> bool:
        if spec.alias != child.tag:
            return True
        code = "SBX-2090" if self._switches.aliases else "SBX-2002"
        self.say(code, child, xpath, field=bare_name(child.tag), expected=spec.tag)
        return self._switches.aliases

    def _hidden(self, node: Element, xpath: str) -> None:
        """A comment or an instruction inside a record."""
        field = "<!-- -->" if is_comment(node) else "<? ?>"
        self.say("SBX-2002", node, xpath, field=field, value=(node.text or "").strip() or None)

    def _inside_signature(self, signature: Element, xpath: str) -> None:
        """Look for what would change a digest once the record moves into another document."""
        declared = {None: XMLDSIG}
        for node in signature.iter():
            if self._full:
                return
            if not is_element(node):
                self._hidden(node, xpath)
            elif dict(node.nsmap) != declared:
                expected = f'xmlns="{XMLDSIG}"'
                self.say("SBX-2002", node, xpath, field=bare_name(node.tag), expected=expected)
                return
            elif any(name.startswith("{") for name in attributes_of(node)):
                self.say("SBX-2002", node, xpath, field=bare_name(node.tag))

    def _attributes(self, element: Element, spec: Branch | Leaf, xpath: str) -> None:
        attributes = attributes_of(element)
        if spec.own_id and not attributes.get("Id"):
            self.say("SBX-2001", element, xpath, field="Id")
        for name, value in attributes.items():
            is_id = name in ID_ATTRIBUTES if spec.takes_id else name == "Id" and spec.own_id
            if not is_id:
                self.say("SBX-2002", element, xpath, field=bare_name(name), value=value)
        if element.nsmap:
            parent = element.getparent()
            inherited = {} if parent is None else parent.nsmap
            for prefix in element.nsmap.keys() - inherited.keys():
                field = f"xmlns:{bare_name(prefix)}" if prefix else "xmlns"
                self.say("SBX-2002", element, xpath, field=field)

    def _loose_text(self, element: Element, branch: Branch, xpath: str) -> None:
        """A complex tag holds child tags only; white space between them is layout."""
        for text in (element.text, *(child.tail for child in element)):
            if text and text.strip(_LAYOUT):
                value = text.strip(_LAYOUT)
                self.say("SBX-2002", element, xpath, field=branch.tag, value=value)

    def _order(self, children: list[_Known], branch: Branch) -> None:
        places = {spec.tag: place for place, spec in enumerate(branch.children)}
        seen: set[str] = set()
        single: list[_Known] = []
        for child, spec, path in children:
            if spec.tag in seen and not spec.repeats:
                self.say("SBX-2002", child, path, field=bare_name(child.tag), expected="<= 1")
            else:
                single.append((child, spec, path))
            seen.add(spec.tag)
        if not (self._switches.sequence or branch.takes_signatures):
            return
        kept = _longest_rising([places[spec.tag] for _, spec, _ in single])
        for number, (child, _, path) in enumerate(single):
            if number not in kept:
                self.say("SBX-2002", child, path, field=bare_name(child.tag))

    def _missing(self, element: Element, branch: Branch, xpath: str, present: set[str]) -> None:
        for spec in branch.children:
            if spec.required and spec.tag not in present:
                self.say("SBX-2001", element, xpath, field=spec.tag)

    def _leaf(self, element: Element, leaf: Leaf, xpath: str) -> None:
        self._attributes(element, leaf, xpath)
        for child in element:
            if is_element(child):
                path = f"{xpath}/{bare_name(child.tag)}"
                self.say("SBX-2002", child, path, field=bare_name(child.tag))
            else:
                self._hidden(child, xpath)
        if len(element) == 0:
            self._value(element, leaf, xpath)

    def _value(self, element: Element, leaf: Leaf, xpath: str) -> None:
        text = element.text or ""
        if forms.is_blank(text):
            self.say("SBX-2003", element, xpath, field=leaf.tag)
            return
        if not unicodedata.is_normalized("NFC", text):
            self.say("SBX-2007", element, xpath, field=leaf.tag, value=text)
        elif not self.fits(leaf, text):
            form = leaf.form
            self.say(form.code, element, xpath, field=leaf.tag, value=text, expected=form.expected)
        longest = leaf.longest(strict_lengths=self._switches.strict_lengths)
        if longest is not None and len(text) > longest:
            limit = f"<= {longest}"
            self.say("SBX-2005", element, xpath, field=leaf.tag, value=text, expected=limit)
        if leaf.form is forms.DATE and "-" in text and self.fits(leaf, text):
            plain = leaf.form.expected
            self.say("SBX-2091", element, xpath, field=leaf.tag, value=text, expected=plain)

    def fits(self, leaf: Leaf, text: str) -> bool:
        """Say whether *text* has the form of *leaf*, calendar included."""
        form = leaf.form
        if not form.matches(text, words=self._switches.words):
            return False
        if form is forms.DATE:
            return forms.read_day(text) is not None
        if form is forms.MOMENT:
            return forms.read_moment(text) is not None
        return form is not forms.SCHOOL_YEAR or forms.follows_on(text)

    def _general(self, element: Element, xpath: str) -> None:
        """The two rules of form that hold over several tags of THONG_TIN_CHUNG."""
        year = element.findtext("TEN_NAM_HOC") or ""
        extra = element.find("NAM_HOC")
        if extra is not None and extra.text and year and extra.text != year:
            path = f"{xpath}/NAM_HOC"
            self.say("SBX-2009", extra, path, field="NAM_HOC", value=extra.text, expected=year)
        if element.find("TEN_QUAN_HUYEN") is None and needs_district(year):
            self.say("SBX-2001", element, xpath, field="TEN_QUAN_HUYEN")


def needs_district(school_year: str) -> bool:
    """Say whether a record of *school_year* must name a district (field 9)."""
    return school_year[:4].isdecimal() and int(school_year[:4]) <= LAST_YEAR_WITH_DISTRICTS


def _longest_rising(places: list[int]) -> set[int]:
    """Return the indexes of a longest run of *places* that never falls.

    What is left out was moved; naming only that keeps one misplaced tag one finding.
    """
    tails: list[int] = []
    tail_indexes: list[int] = []
    before: list[int] = []
    for index, place in enumerate(places):
        position = bisect_left(tails, place + 1)
        before.append(tail_indexes[position - 1] if position else -1)
        if position == len(tails):
            tails.append(place)
            tail_indexes.append(index)
        else:
            tails[position] = place
            tail_indexes[position] = index
    kept: set[int] = set()
    index = tail_indexes[-1] if tail_indexes else -1
    while index >= 0:
        kept.add(index)
        index = before[index]
    return kept
