"""Records per second of the elementary steps, beside a well-kept library on the same bytes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from signxml.verifier import SignatureConfiguration, XMLVerifier

from loadtests.bench.corpus import AT, Corpus
from loadtests.bench.space import space_at
from sandbox.documents import envelope, parse_record, render_record
from sandbox.domain.report_card import Slot
from sandbox.ministry.checking import Context, check_package
from sandbox.ministry.exercise import exercise_of
from sandbox.pki import Trust
from sandbox.xmldsig import verify_record

ROUNDS = 5


def measure(corpus: Corpus) -> dict[str, float]:
    """Return records per second of each step (median of `ROUNDS` rounds), one core."""
    trust = Trust(corpus.authority.issuer_certificates)
    content = envelope.pack(corpus.package)
    size = len(corpus.cards)

    def render() -> None:
        for card in corpus.cards:
            render_record(card)

    def sign() -> None:
        for xml, card in zip(corpus.unsigned, corpus.cards, strict=True):
            corpus.sign(xml, card)

    def verify() -> None:
        for xml in corpus.signed:
            verify_record(
                parse_record(xml), trust=trust, revocations=None, at=corpus.at, registered=None
            )

    def check() -> None:
        verdict = check_package(
            content, Context(at=corpus.at, exercise=exercise_of(space_at(AT)), trust=trust)
        )
        accepted = sum(record.accepted for record in verdict.records)
        if verdict.refused or accepted != size:
            raise RuntimeError(f"the fixture was refused: {verdict}")

    steps: dict[str, Callable[[], None]] = {
        "render": render,
        "sign": sign,
        "verify": verify,
        "check_package": check,
        "signxml_verify": lambda: _by_library(corpus),
    }
    return {name: round(size / seconds, 1) for name, seconds in _side_by_side(steps).items()}


def _by_library(corpus: Corpus) -> None:
    """Verify the same three signatures of each record with signxml, certificates given."""
    for xml, card in zip(corpus.signed, corpus.cards, strict=True):
        general = card.general
        signers = {
            Slot.CBQL: corpus.signers[general.leader_id],
            Slot.KY_PHAT_HANH: corpus.seal,
        }
        if general.teacher_id is not None:
            signers[Slot.GVCN] = corpus.signers[general.teacher_id]
        for slot, (certificate, _) in signers.items():
            where = f"./DANH_SACH_THONG_TIN_KY/{slot}/"
            config = SignatureConfiguration(location=where, expect_references=2)
            verifier = XMLVerifier()
            # lxml writes wrong xmlns="" below a default namespace (record-format §5.3, pitfall)
            verifier.excise_empty_xmlns_declarations = True
            # The W3C schema has no place for the specification's SigningTime.
            verifier.verify(
                xml, x509_cert=certificate.pem, expect_config=config, validate_schema=False
            )


def _side_by_side(steps: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Return the median time of each step; every round runs all of them.

    What else the machine does then slows all steps alike, and their ratios hold.
    """
    times: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(ROUNDS + 1):
        for name, step in steps.items():
            began = time.perf_counter()
            step()
            if number:  # the first round warms up
                times[name].append(time.perf_counter() - began)
    return {name: statistics.median(taken) for name, taken in times.items()}
