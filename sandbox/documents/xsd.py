"""The XML Schemas of profile v1.0 and of the 2026 profile, written from the tag tables.

`schemas/hoc_ba_v1.xsd`, its relaxed sister and `hoc_ba_2026.xsd` are committed for people and
other tools; a test proves them equal to what is rendered here. The sandbox compiles the text
itself, because the switches of v1.0 change it.

What XSD 1.0 cannot say (NFC, calendar, second year = first + 1, the district rule) is in
`walker`. ds:Signature is skipped here and looked into by xmldsig only.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from sandbox.documents import tags_2026
from sandbox.documents.bounds import Switches
from sandbox.documents.tags import ID_ATTRIBUTES, RECORD, SIGNING, XMLDSIG, Branch, Leaf

SCHEMA_FOLDER: Final = Path(__file__).parent / "schemas"
COMMITTED: Final = {
    "hoc_ba_v1.xsd": Switches(),
    "hoc_ba_v1_relaxed.xsd": Switches(sequence=False),
}
COMMITTED_2026: Final = "hoc_ba_2026.xsd"

_HEAD: Final = """<?xml version="1.0" encoding="UTF-8"?>
<!-- Written from the tag table in sandbox/documents/%s.py; do not edit by hand. -->
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="unqualified">
"""


@lru_cache(maxsize=16)
def compiled_schema(switches: Switches) -> etree.XMLSchema:
    """Return the schema for *switches*, compiled once per process."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    return etree.XMLSchema(etree.fromstring(render_schema(switches).encode("utf-8"), parser))


def render_schema(switches: Switches) -> str:
    """Return the text of the schema of one `HOC_BA` for *switches*.

    `switches.aliases` changes nothing here: both spellings pass, and the walker decides.
    """
    return _rendered(RECORD, switches, table="tags")


@lru_cache(maxsize=1)
def compiled_schema_2026() -> etree.XMLSchema:
    """Return the schema of the 2026 profile, compiled once per process."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    return etree.XMLSchema(etree.fromstring(render_schema_2026().encode("utf-8"), parser))


def render_schema_2026() -> str:
    """Return the text of the schema of one `HOC_BA` of the 2026 profile; it has no switches."""
    return _rendered(tags_2026.RECORD, Switches(), table="tags_2026")


def _rendered(record: Branch, switches: Switches, *, table: str) -> str:
    writer = _Writer(switches)
    body = [f'  <xs:element name="{record.tag}" type="{record.tag}"/>']
    body.extend(writer.branch_types(record))
    return _HEAD % table + "\n".join([*body, *writer.simple_types()]) + "\n</xs:schema>\n"


class _Writer:
    """Writes types and remembers which simple types were used."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._used: dict[str, Leaf] = {}

    def branch_types(self, branch: Branch, *, path: str = "") -> Iterator[str]:
        """Yield the complex type of *branch*, then those below it."""
        name = f"{path}{branch.tag}"
        yield f'  <xs:complexType name="{name}">'
        yield from self._content(branch, path=f"{name}.")
        if branch.takes_id:
            for attribute in ID_ATTRIBUTES:
                yield f'    <xs:attribute name="{attribute}" type="xs:string"/>'
        if branch.own_id:
            yield _own_id(branch.own_id)
        yield "  </xs:complexType>"
        for child in branch.children:
            if isinstance(child, Branch):
                yield from self.branch_types(child, path=f"{name}.")

    def _content(self, branch: Branch, *, path: str) -> Iterator[str]:
        if branch is SIGNING and self._switches.sequence:
            yield from self._at_least_one(branch, path=path)
        elif branch.takes_signatures:
            yield from self._slot(branch, path=path)
        elif self._switches.sequence or any(child.repeats for child in branch.children):
            yield "    <xs:sequence>"
            yield from self._children(branch, path=path)
            yield "    </xs:sequence>"
        else:
            yield "    <xs:all>"
            yield from self._children(branch, path=path)
            yield "    </xs:all>"

    def _children(self, branch: Branch, *, path: str) -> Iterator[str]:
        for child in branch.children:
            yield from self._particle(child, path=path)

    def _particle(
        self, child: Leaf | Branch, *, path: str, required: bool = False
    ) -> Iterator[str]:
        type_name = f"{path}{child.tag}" if isinstance(child, Branch) else self._simple_type(child)
        occurs = "" if child.required or required else ' minOccurs="0"'
        if child.repeats:
            occurs += ' maxOccurs="unbounded"'
        if child.own_id and isinstance(child, Leaf):
            yield from self._with_own_id(child, type_name, occurs)
        elif child.alias is None:
            yield f'      <xs:element name="{child.tag}" type="{type_name}"{occurs}/>'
        elif self._switches.sequence:
            yield f"      <xs:choice{occurs}>"
            for tag in (child.tag, child.alias):
                yield f'        <xs:element name="{tag}" type="{type_name}"/>'
            yield "      </xs:choice>"
        else:
            # xs:all takes no choice: here either spelling passes, the walker counts them
            for tag in (child.tag, child.alias):
                yield f'      <xs:element name="{tag}" type="{type_name}" minOccurs="0"/>'

    def _with_own_id(self, leaf: Leaf, type_name: str, occurs: str) -> Iterator[str]:
        yield f'      <xs:element name="{leaf.tag}"{occurs}>'
        yield "        <xs:complexType><xs:simpleContent>"
        yield f'        <xs:extension base="{type_name}">'
        yield f"      {_own_id(str(leaf.own_id))}"
        yield "        </xs:extension>"
        yield "        </xs:simpleContent></xs:complexType>"
        yield "      </xs:element>"

    def _at_least_one(self, branch: Branch, *, path: str) -> Iterator[str]:
        """An empty block of signatures is an empty tag; each slot alone is optional."""
        yield "    <xs:choice>"
        for first in range(len(branch.children)):
            yield "      <xs:sequence>"
            for place, child in enumerate(branch.children[first:]):
                yield from self._particle(child, path=path, required=place == 0)
            yield "      </xs:sequence>"
        yield "    </xs:choice>"

    def _slot(self, branch: Branch, *, path: str) -> Iterator[str]:
        yield "    <xs:sequence>"
        yield from self._children(branch, path=path)
        yield f'      <xs:any namespace="{XMLDSIG}" processContents="skip"'
        yield '              minOccurs="0" maxOccurs="unbounded"/>'
        yield "    </xs:sequence>"

    def _simple_type(self, leaf: Leaf) -> str:
        longest = leaf.longest(strict_lengths=self._switches.strict_lengths)
        name = leaf.form.name if leaf.form.longest or not longest else f"{leaf.form.name}{longest}"
        self._used.setdefault(name, leaf)
        return name

    def simple_types(self) -> Iterator[str]:
        """Yield the simple types that were used."""
        for name, leaf in sorted(self._used.items()):
            form = leaf.form
            yield f'  <xs:simpleType name="{name}">'
            base = "xs:dateTime" if form.name == "dateTime" else "xs:string"
            yield f'    <xs:restriction base="{base}">'
            longest = leaf.longest(strict_lengths=self._switches.strict_lengths)
            for pattern in (*form.patterns, *([form.xsd_pattern] if form.xsd_pattern else [])):
                yield f"      <xs:pattern value={_attribute(pattern)}/>"
            for value in (*form.values, *(form.words if self._switches.words else ())):
                yield f'      <xs:enumeration value="{escape(value)}"/>'
            if longest:
                yield f'      <xs:maxLength value="{longest}"/>'
            yield "    </xs:restriction>"
            yield "  </xs:simpleType>"


def _own_id(kind: str) -> str:
    return f'    <xs:attribute name="Id" type="{kind}" use="required"/>'


def _attribute(pattern: str) -> str:
    """Return *pattern* as an attribute value, what is not ASCII as character references."""
    return quoteattr(pattern).encode("ascii", "xmlcharrefreplace").decode("ascii")


def write_committed_schemas() -> None:
    """Write the committed schemas anew: `python -m sandbox.documents.xsd`."""
    (SCHEMA_FOLDER / COMMITTED_2026).write_text(render_schema_2026(), encoding="utf-8")
    for name, switches in COMMITTED.items():
        (SCHEMA_FOLDER / name).write_text(render_schema(switches), encoding="utf-8")


if __name__ == "__main__":
    write_committed_schemas()
