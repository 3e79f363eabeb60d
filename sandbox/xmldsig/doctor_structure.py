"""Causes that stand in the file for whoever looks: algorithms, Ids, parts, second signatures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from sandbox.documents.tree import Element, attributes_of, bare_name, is_element
from sandbox.errors import Finding
from sandbox.xmldsig.doctor_forms import C14N_11, COMMENTS, EXCLUSIVE
from sandbox.xmldsig.doctor_model import BY_CODE, PACKAGE_PLACE, Cause, Strength
from sandbox.xmldsig.doctor_reading import ReferenceRead, SignatureRead
from sandbox.xmldsig.names import C14N, ENVELOPED, PROPERTIES_TYPE, SHA256
from sandbox.xmldsig.scope import id_of, ids_within

_KNOWN_C14N: Final = (
    C14N + COMMENTS,
    EXCLUSIVE,
    EXCLUSIVE + "WithComments",
    C14N_11,
    C14N_11 + COMMENTS,
    "http://www.w3.org/2010/xml-c14n2",
)
_ALLOWED: Final = ("rsa-sha256", "ecdsa-sha256", "sha256-rsa-MGF1")
_OF_A_SIGNATURE: Final = "structure"


def causes_read(read: SignatureRead, scope: Element) -> list[Cause]:
    """Return the causes that stand in *read*; *scope* is the record, or the package's root."""
    reader = _Reader(read, scope)
    return [
        *reader.sisters(),
        *reader.prefix(),
        *reader.algorithms(),
        *reader.transforms(),
        *reader.references(),
        *reader.targets(),
    ]


class _Reader:
    def __init__(self, read: SignatureRead, scope: Element) -> None:
        self._read, self._scope = read, scope

    def _cause(self, key: str, code: str, **facts: str) -> Cause:
        return Cause(
            key=key,
            strength=Strength.READ,
            place=self._read.place,
            part=_OF_A_SIGNATURE,
            code=code,
            facts=facts,
        )

    def sisters(self) -> Iterator[Cause]:
        """SBX-3013: signed again instead of replaced."""
        if self._read.sisters > 1:
            yield self._cause("double_signature", "SBX-3013", count=str(self._read.sisters))

    def prefix(self) -> Iterator[Cause]:
        """SBX-2002: `ds:` is one declaration more than a record may hold."""
        prefix = self._read.element.prefix
        if prefix:
            yield self._cause("namespace_prefix", "SBX-2002", prefix=str(prefix))

    def algorithms(self) -> Iterator[Cause]:
        """SBX-3006, by its reason."""
        said = self._read.canonicalization
        if said != C14N and self._read.signed_info is not None:
            yield self._cause("canonicalisation", "SBX-3006", algorithm=said or "–")
        methods = [self._read.algorithm, *(r.method for r in self._read.references)]
        for method in dict.fromkeys(methods):
            cause = self._method(method)
            if cause is not None:
                yield cause

    def _method(self, uri: str) -> Cause | None:
        name = uri.rpartition("#")[2].lower()
        if uri == SHA256 or uri.rpartition("#")[2] in _ALLOWED or not uri:
            return None
        if "hmac" in name:
            return self._cause("hmac", "SBX-3006", algorithm=uri)
        if name.endswith("sha1") or name == "sha1-rsa-mgf1":
            return self._cause("sha1", "SBX-3006", algorithm=uri)
        return self._cause("algorithm", "SBX-3006", algorithm=uri)

    def transforms(self) -> Iterator[Cause]:
        """SBX-3017: another canonicalisation, or steps that leave something out."""
        for number, reference in enumerate(self._read.references, start=1):
            enveloped = self._read.place == PACKAGE_PLACE and number == 1
            due = (ENVELOPED, C14N) if enveloped else (C14N,)
            if reference.transforms == due:
                continue
            other = [t for t in reference.transforms if t in _KNOWN_C14N]
            key = "canonicalisation" if other else "transform"
            said = other[0] if other else " ".join(reference.transforms) or "–"
            yield self._cause(key, "SBX-3017", algorithm=said)

    def references(self) -> Iterator[Cause]:
        """SBX-3018: the signing time is not covered, or something else is covered too."""
        found = self._read.references
        if self._read.signed_info is None:
            return
        if len(found) < 2:
            yield self._cause("time_not_covered", "SBX-3018", count=str(len(found)))
        elif len(found) > 2 or found[1].kind != PROPERTIES_TYPE:
            yield self._cause("references", "SBX-3018", count=str(len(found)))

    def targets(self) -> Iterator[Cause]:
        """SBX-3004, SBX-3005: which way a URI misses what it must point at."""
        wanted = (self._read.target, self._read.properties)
        for reference, target in zip(self._read.references, wanted, strict=False):
            if target is not None:
                cause = self._target(reference, target)
                if cause is not None:
                    yield cause

    def _target(self, reference: ReferenceRead, target: Element) -> Cause | None:
        uri, due = reference.uri, id_of(target)
        name = uri.removeprefix("#")
        facts = {"uri": uri or '""', "due": f"#{due}"}
        if uri == "":
            return self._cause("wrong_target", "SBX-3004", what="/", **facts)
        found = ids_within(self._scope).get(name, [])
        if not uri.startswith("#"):
            key = "uri_form" if found else "outside"
            return self._cause(key, "SBX-3004", **facts)
        if self._read.place == PACKAGE_PLACE and target is self._scope and name == due:
            return None
        if len(found) > 1:
            return self._cause("id_twice", "SBX-3005", **facts)
        if found:
            what = bare_name(found[0].tag)
            is_right = found[0] is target
            return None if is_right else self._cause("wrong_target", "SBX-3004", what=what, **facts)
        return self._lost(name, facts)

    def _lost(self, name: str, facts: Mapping[str, str]) -> Cause:
        """Say where the Id is that no Id attribute carries."""
        for node in self._scope.iter():
            if not is_element(node):
                continue
            for attribute, value in attributes_of(node).items():
                written = attribute.replace("{http://www.w3.org/XML/1998/namespace}", "xml:")
                what = bare_name(node.tag)
                if value == name and attribute not in ("Id", "id", "ID"):
                    said = {"attribute": written, "what": what}
                    return self._cause("id_attribute", "SBX-3004", **said, **facts)
                if attribute in ("Id", "id", "ID") and value.lower() == name.lower():
                    return self._cause("uri_form", "SBX-3004", **facts)
        for node in self._scope.getroottree().getroot().iter():
            if is_element(node) and name in attributes_of(node).values():
                return self._cause("other_record_id", "SBX-3005", **facts)
        return self._cause("id_missing", "SBX-3004", **facts)


def causes_of_findings(findings: Iterable[Finding], *, place: str) -> list[Cause]:
    """Return what the strict verifier's own findings say, one cause for each code.

    What it names precisely (a comment, a declaration) gets its own words, the rest the catalogue's.
    """
    found: dict[str, Cause] = {}
    for finding in findings:
        for one in finding.within or (finding,):
            key, facts = _named(one)
            found.setdefault(
                f"{key} {one.code}",
                Cause(
                    key=key,
                    strength=Strength.READ,
                    place=place,
                    part="document" if one.code < "SBX-3" else _OF_A_SIGNATURE,
                    code=finding.code if finding.within else one.code,
                    facts={"code": one.code, **facts},
                ),
            )
    return list(found.values())


def _named(finding: Finding) -> tuple[str, dict[str, str]]:
    field = finding.field or ""
    if finding.code in ("SBX-2002", "SBX-1109"):
        if field == "comment":
            return "comment_inside", {"xpath": finding.xpath or ""}
        if field.startswith("xmlns"):
            return "declared_namespace", {"xpath": finding.xpath or "", "namespace": field}
        if field == "xml:id":
            return "id_attribute", {"attribute": field, "what": _last(finding.xpath), "uri": "–",
                                    "due": "id"}  # fmt: skip
    if finding.code == "SBX-3021":
        return "components", {
            "xpath": finding.xpath or "",
            "found": finding.value or "–",
            "due": finding.expected or "–",
        }
    return BY_CODE, {}


def _last(xpath: str | None) -> str:
    return (xpath or "").rpartition("/")[2]
