"""Canonical bytes, and the condition under which they may be computed cheaply.

The signatures declare inclusive C14N 1.0. lxml's inclusive mode is wrong for an element below the
one that declares its default namespace, while its exclusive mode gives the right bytes as long as
no other namespace declaration and no `xml:*` attribute is about (spec/record-format.md §5.3). So:
look first, refuse what breaks the condition, then canonicalise exclusively. The tests prove the
equality against xmlsec1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lxml import etree

from sandbox.documents.package import ParsedRecord
from sandbox.documents.places import path_of
from sandbox.documents.tree import (
    Element,
    attributes_of,
    bare_name,
    is_comment,
    is_element,
    line_of,
)
from sandbox.errors import Finding, Refused
from sandbox.xmldsig.names import DS, SIGNATURE_OPEN, SLOTS_TAG, ds

_SIGNATURE = ds("Signature")
_OPEN = SIGNATURE_OPEN.encode()
_FOREIGN = "SBX-2002"


def canonical(element: Element) -> bytes:
    """Return the canonical form of *element*; only where `foreign_…` found nothing."""
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


def canonical_root(root: Element) -> bytes:
    """Return the inclusive canonical form of a document's root element, whatever is inside.

    Raises `Refused` SBX-2002 for a relative namespace name, which no one may canonicalise
    (Canonical XML 1.0 §1.3).
    """
    try:
        return etree.tostring(root, method="c14n", exclusive=False, with_comments=False)
    except etree.C14NError:
        place = f"/{bare_name(root.tag)}"
        raise Refused(Finding(_FOREIGN, field="xmlns", xpath=place, line=line_of(root))) from None


def foreign_parts(
    record: ParsedRecord,
    *,
    signatures: int,
    in_slot: Callable[[Element], bool] | None = None,
) -> list[Finding]:
    """Return what makes a record unfit to be canonicalised or read: SBX-2002, or nothing.

    Comments, processing instructions, namespace declarations other than a Signature's own,
    `xml:*` attributes, and signatures beyond the *signatures* found in their slots. *in_slot*
    tells a Signature in a slot from any other; by default as v1.0 has them.
    """
    raw = record.original
    clean = (
        not record.element.nsmap
        and raw.count(b"xmlns") == raw.count(_OPEN) == signatures
        and b"<!--" not in raw
        and b"<?" not in raw
        and b"xml:" not in raw
    )
    # the bytes can only look worse than they are ("xmlns" may stand in a comment of a teacher)
    return [] if clean else list(_looked_at(record, in_slot or _in_slot))


def foreign_declaration(signature: Element) -> tuple[Element, str] | None:
    """Return the first element below an enveloped *signature* that is declared otherwise.

    Its own default namespace aside, nothing is declared, and no `xml:*` attribute stands there;
    else inclusive and exclusive form of SignedInfo would differ. What was found comes beside it.
    """
    for node in signature.iter():
        what = _what_is_foreign(node, _in_slot, is_top=False) if is_element(node) else None
        if what not in (None, "Signature"):
            return node, str(what)
    return None


def _looked_at(record: ParsedRecord, in_slot: Callable[[Element], bool]) -> Iterator[Finding]:
    for node in record.element.iter():
        what = _what_is_foreign(node, in_slot, is_top=node is record.element)
        if what is not None:
            yield Finding(
                _FOREIGN,
                field=what,
                xpath=_place(node, record),
                line=line_of(node),
                value=what,
            )


def _what_is_foreign(
    node: Element, in_slot: Callable[[Element], bool], *, is_top: bool
) -> str | None:
    """Return a short name of what is foreign about one node, None for nothing."""
    if is_comment(node):
        return "comment"
    if not is_element(node):
        return "processing instruction"
    for name in attributes_of(node):
        if name.startswith("{"):
            return name.replace("{http://www.w3.org/XML/1998/namespace}", "xml:")
    parent = node.getparent()
    inherited = {} if is_top or parent is None else parent.nsmap
    if node.nsmap != inherited and not _opens_signature(node, inherited):
        return "xmlns"
    if node.tag == _SIGNATURE and not in_slot(node):
        return "Signature"
    return None


def _opens_signature(node: Element, inherited: dict[str | None, str]) -> bool:
    return node.tag == _SIGNATURE and not inherited and node.nsmap == {None: DS}


def _in_slot(node: Element) -> bool:
    slot = node.getparent()
    block = None if slot is None else slot.getparent()
    if block is None:
        return False
    # a Signature inside a Signature is for the check of components to name
    return block.tag == SLOTS_TAG or any(a.tag == _SIGNATURE for a in node.iterancestors())


def _place(node: Element, record: ParsedRecord) -> str:
    element = node if is_element(node) else node.getparent()
    return record.xpath if element is None else path_of(element, record=record)
