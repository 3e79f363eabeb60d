"""Why a DigestValue is not the digest of its bytes: each mistake is tried until one fits."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Final

from lxml import etree

from sandbox.clock import VIETNAM
from sandbox.documents.tree import Element, bare_name, is_element
from sandbox.xmldsig import moments
from sandbox.xmldsig.canonical import canonical
from sandbox.xmldsig.doctor_fields import LONGEST, change_found, path_at
from sandbox.xmldsig.doctor_forms import RIGHT, Form, canonical_alone, forms_of
from sandbox.xmldsig.doctor_model import Cause, Strength
from sandbox.xmldsig.doctor_reading import ReferenceRead, alone, spans
from sandbox.xmldsig.names import SHA256, SLOTS_TAG
from sandbox.xmldsig.structure import from_base64

METHODS: Final[Mapping[str, str]] = {
    SHA256: "sha256",
    "http://www.w3.org/2000/09/xmldsig#sha1": "sha1",
    "http://www.w3.org/2001/04/xmldsig-more#sha224": "sha224",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
    "http://www.w3.org/2001/04/xmldsig-more#md5": "md5",
}
OTHER_HASHES: Final = ("sha1", "sha384", "sha512", "sha224", "md5", "sha3_256")
_CHANGED: Final = "SBX-3002"
_TIME: Final = re.compile(rb"(<(?:\w+:)?SigningTime[^<>]*>)([^<]*)(</)")


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One digest to explain."""

    place: str
    part: str
    reference: ReferenceRead
    element: Element
    """What it should cover; for an enveloped signature already without that signature."""
    raw: bytes
    document: bytes
    neighbours: Mapping[str, bytes]
    """Canonical bytes of other things it may cover by mistake, by their names."""
    beside: str = ""
    """NGAY_KY, for the properties."""

    def cause(
        self,
        key: str,
        strength: Strength = Strength.PROVED,
        *,
        form: bytes | None = None,
        right: bytes | None = None,
        facts: Mapping[str, str] | None = None,
    ) -> Cause:
        """Return a cause at this place and part."""
        return Cause(
            key=key,
            strength=strength,
            place=self.place,
            part=self.part,
            code=_CHANGED,
            facts=facts or {},
            form=form,
            right=right,
        )


def hashed(data: bytes, name: str) -> bytes:
    """Return the digest of *data* by hashlib's *name*."""
    return hashlib.new(name, data, usedforsecurity=False).digest()


def explain_digest(question: Question) -> list[Cause]:
    """Return why the DigestValue is wrong, most probable first; empty when it is right.

    Right here means: under the DigestMethod the Reference itself names.
    """
    right = canonical_alone(question.element)
    said = from_base64(question.reference.value) or b""
    name = METHODS.get(question.reference.method, "sha256")
    if said == hashed(right, name):
        return []
    for trial in (_as_written, _by_form, _by_neighbour, _by_time, _by_field):
        cause = trial(question, said, name, right)
        if cause is not None:
            return [cause]
    key = "edited" if question.part == "data" else "properties_edited"
    return [question.cause(key, Strength.POSSIBLE, right=right)]


def _as_written(question: Question, said: bytes, name: str, right: bytes) -> Cause | None:
    """The right bytes, but another hash or another way to write it."""
    text = question.reference.value
    digest = hashed(right, name)
    if text.lower() == digest.hex() or said.lower() == digest.hex().encode():
        return question.cause("hex_digest", form=digest.hex().encode(), right=right)
    for other in OTHER_HASHES:
        if said == hashed(right, other):
            return question.cause("other_hash", right=right, facts={"hash": _title(other)})
        if said.lower() == hashed(right, other).hex().encode():
            return question.cause("hex_digest", form=said, right=right)
    if said in (hashed(digest, name), hashed(digest.hex().encode(), name)):
        return question.cause("hashed_twice", form=digest, right=right)
    if said == hashed(base64.b64encode(digest), name):
        return question.cause("hashed_twice", form=base64.b64encode(digest), right=right)
    if said == hashed(b"", name):
        return question.cause("nothing_hashed", form=b"", right=right)
    return None


def _by_form(question: Question, said: bytes, name: str, right: bytes) -> Cause | None:
    forms = forms_of(question.element, question.raw, document=question.document)
    found = form_with(forms, said, (name, *OTHER_HASHES[:1]))
    if found is None:
        return None
    return question.cause(found.key, form=found.data, right=right, facts=found.facts)


def form_with(forms: Iterable[Form], said: bytes, names: Sequence[str]) -> Form | None:
    """Return the first wrong form whose digest by one of *names* is *said*."""
    for form in forms:
        if form.key != RIGHT and any(said == hashed(form.data, name) for name in names):
            return form
    return None


def _by_neighbour(question: Question, said: bytes, name: str, right: bytes) -> Cause | None:
    """The digest of something else: another element, the whole record, another pupil's data."""
    for what, data in question.neighbours.items():
        if said == hashed(data, name):
            key = "other_record" if what.startswith("#") else "wrong_element"
            return question.cause(key, form=data, right=right, facts={"what": what.lstrip("#")})
    for start, end in parts_of(question.element, right):
        if said == hashed(right[start:end], name):
            is_content = start == right.index(b">") + 1
            tag = bare_name(question.element.tag)
            what = f"{tag}/node()" if is_content else path_at(right, start)
            form = right[start:end]
            return question.cause("wrong_element", form=form, right=right, facts={"what": what})
    return None


def parts_of(element: Element, right: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the content of *element*, and each element below it, stands in *right*."""
    yield right.index(b">") + 1, right.rindex(b"</")
    if len(element.nsmap) or len(right) > LONGEST:
        return
    yield from spans(right)[1:]


def _by_time(question: Question, said: bytes, _name: str, right: bytes) -> Cause | None:
    """The properties with another SigningTime: the one beside it, or one near it."""
    match = _TIME.search(right) if question.part == "properties" else None
    if match is None:
        return None
    now = match[2].decode()
    head = hashlib.sha256(right[: match.start(2)])
    tail = right[match.end(2) :]
    for was in _times_about(now.strip(), question.beside):
        trial = head.copy()
        trial.update(was.encode() + tail)
        if trial.digest() == said:
            before = right[: match.start(2)] + was.encode() + tail
            facts = {"was": was, "now": now}
            return question.cause("signing_time_edited", form=before, right=right, facts=facts)
    return None


def _times_about(now: str, beside: str) -> Iterator[str]:
    """Yield what the SigningTime may have been, the likelier first.

    What stands beside it, other ways to write it, the same hour of other days, and every second of
    three days: 261,000 in all, a fifth of a second.
    """
    yield beside
    for said in (now, beside):
        moment = moments.read(said)
        if moment is None:
            continue
        yield from _written(moment)
        for distance in range(1, 400):
            for step in (-distance, distance):
                yield moments.written(moment + timedelta(days=step))
    moment = moments.read(now)
    if moment is not None:
        today = moment.astimezone(VIETNAM)
        for days in (0, -1, 1):
            day = f"{today + timedelta(days=days):%Y-%m-%d}"
            for hour, minute, second in product(range(24), range(60), range(60)):
                yield f"{day}T{hour:02}:{minute:02}:{second:02}+07:00"


def _written(moment: datetime) -> Iterator[str]:
    local = moment.replace(tzinfo=None)
    yield moments.written(moment)
    yield local.isoformat(timespec="seconds")
    yield f"{local.isoformat(timespec='seconds')}Z"
    yield f"{local.isoformat(timespec='milliseconds')}+07:00"
    yield f"{local:%d/%m/%Y %H:%M:%S}"
    yield f"{(local - timedelta(hours=7)).isoformat(timespec='seconds')}Z"


def _by_field(question: Question, said: bytes, name: str, right: bytes) -> Cause | None:
    if question.part != "data" or name != "sha256":
        return None
    change = change_found(right, said)
    if change is None:
        return None
    facts = {"xpath": change.xpath, "was": change.was, "now": change.now}
    return question.cause(change.key, form=change.before, right=right, facts=facts)


def without(element: Element, child: Element) -> Element:
    """Return a copy of *element* without its child *child*; the text behind it stays."""
    number = list(element).index(child)
    copy = alone(element)
    doomed = copy[number]
    before = doomed.getprevious()
    if doomed.tail:
        if before is None:
            copy.text = (copy.text or "") + doomed.tail
        else:
            before.tail = (before.tail or "") + doomed.tail
    copy.remove(doomed)
    return copy


def neighbours_in(record: Element, document_root: Element) -> dict[str, bytes]:
    """Return what stands about a record's data and may have been hashed in its place.

    Data of other records of the same document are named with `#` in front.
    """
    found = {"HOC_BA": canonical(record)}
    unsigned, empty = alone(record), alone(record)
    for holder in unsigned.findall(SLOTS_TAG):
        unsigned.remove(holder)
    found["HOC_BA (-DANH_SACH_THONG_TIN_KY)"] = _plain(unsigned)
    for holder in empty.findall(SLOTS_TAG):
        for child in list(holder):
            holder.remove(child)
    found["HOC_BA (DANH_SACH_THONG_TIN_KY/)"] = _plain(empty)
    found |= _growing(record)
    for number, other in enumerate(document_root.findall("HOC_BA")[:200], start=1):
        if other is not record:
            data = other.find("DU_LIEU_HOC_BA")
            if data is not None:
                found[f"#HOC_BA[{number}]"] = canonical(data)
    return found


def _growing(record: Element) -> dict[str, bytes]:
    """Return the record as it was before each signature: what an enveloped signature covers."""
    found: dict[str, bytes] = {}
    copy = alone(record)
    blocks = [b for holder in copy.findall(SLOTS_TAG) for b in holder if is_element(b)]
    for block in reversed(blocks):
        for signature in list(block):
            if bare_name(signature.tag) == "Signature":
                block.remove(signature)
        found[f"HOC_BA (-{bare_name(block.tag)}/Signature)"] = _plain(copy)
        holder = block.getparent()
        if holder is not None:
            holder.remove(block)
        found[f"HOC_BA (-{bare_name(block.tag)})"] = _plain(copy)
    return found


def _plain(root: Element) -> bytes:
    return etree.tostring(root, method="c14n", exclusive=False, with_comments=False)


def _title(name: str) -> str:
    return name.upper().replace("_", "-").replace("SHA", "SHA-", 1).replace("--", "-")
