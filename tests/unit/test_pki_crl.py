"""Revocation lists: what they say of any moment, past ones included."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.errors import Unavailable
from sandbox.pki import (
    CertificateHistory,
    Suspension,
    TrainingAuthority,
    build_crl,
    read_crl,
)
from tests.builders.signing import AUTHORITY

ISSUER = AUTHORITY.issuers["GIA_LAP_CA"]
NOW = datetime(2025, 5, 28, 1, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SERIAL = 0x7B01


def crl(*histories: CertificateHistory, issuer=ISSUER) -> bytes:
    return build_crl(
        issuer, histories, this_update=NOW, next_update=NOW + timedelta(hours=1), number=7
    )


def state(at: datetime, **history) -> str:
    read = read_crl(crl(CertificateHistory(SERIAL, **history)), ISSUER.certificate)
    return read.state_at(SERIAL, at)


def test_a_certificate_nobody_complained_about_is_good():
    """An empty list knows nothing bad."""
    assert read_crl(crl(), ISSUER.certificate).state_at(SERIAL, NOW) == "good"


def test_a_list_says_when_it_was_made_and_until_when_it_holds():
    """thisUpdate, nextUpdate, number and issuer come back as they went in."""
    read = read_crl(crl(), ISSUER.certificate)

    assert (read.this_update, read.next_update, read.number) == (NOW, NOW + timedelta(hours=1), 7)
    assert read.issuer_name == ISSUER.certificate.subject_rfc4514


@pytest.mark.parametrize(
    ("at", "expected"), [(NOW - DAY, "good"), (NOW, "revoked"), (NOW + DAY, "revoked")]
)
def test_revocation_counts_from_its_moment_on_for_ever(at, expected):
    """What was signed before the revocation stays good."""
    assert state(at, revoked_at=NOW) == expected


@pytest.mark.parametrize(
    ("days", "expected"),
    [(-4, "good"), (-3, "suspended"), (-2, "suspended"), (-1, "good"), (0, "good")],
)
def test_a_lifted_suspension_is_remembered(days, expected):
    """A CRL forgets lifted holds; the private extension keeps them (transactions §6)."""
    periods = (Suspension(NOW - 3 * DAY, NOW - DAY),)

    assert state(NOW + days * DAY, suspensions=periods) == expected


def test_revocation_after_a_suspension_wins():
    """A certificate on hold that is then revoked is revoked, before that suspended."""
    history = {"suspensions": (Suspension(NOW - 3 * DAY),), "revoked_at": NOW - DAY}

    assert state(NOW, **history) == "revoked"
    assert state(NOW - 2 * DAY, **history) == "suspended"


def test_the_same_events_give_the_same_list_byte_for_byte():
    """Deterministic signatures, entries ordered by serial."""
    one, other = CertificateHistory(5, revoked_at=NOW), CertificateHistory(4, revoked_at=NOW)

    assert crl(one, other) == crl(other, one)


def test_a_list_of_another_authority_is_not_believed():
    """Same name, another key: not this issuer's list."""
    other = TrainingAuthority.from_seed("elsewhere").issuers["GIA_LAP_CA"]

    with pytest.raises(Unavailable):
        read_crl(crl(issuer=other), ISSUER.certificate)


def test_a_list_of_the_other_issuer_is_not_believed():
    """Each list speaks for its own issuer only."""
    with pytest.raises(Unavailable):
        read_crl(crl(issuer=AUTHORITY.issuers["GIA_LAP_CO_YEU"]), ISSUER.certificate)


@pytest.mark.parametrize("der", [b"", b"<html>", crl()[:-10]])
def test_bytes_that_are_no_list_are_unavailable_not_a_refusal(der):
    """Who checks waits for a readable list; the sender is not to blame."""
    with pytest.raises(Unavailable):
        read_crl(der, ISSUER.certificate)


def test_openssl_reads_revocations_and_holds(tmp_path):
    """An independent implementation checks the signature and sees both kinds of entry."""
    (tmp_path / "ca.pem").write_text(AUTHORITY.chain_pem)
    (tmp_path / "list.crl").write_bytes(
        crl(
            CertificateHistory(0x7B01, revoked_at=NOW - DAY),
            CertificateHistory(0x7B02, suspensions=(Suspension(NOW - DAY),)),
            CertificateHistory(0x7B03, suspensions=(Suspension(NOW - 3 * DAY, NOW - DAY),)),
        )
    )

    done = subprocess.run(
        ["openssl", "crl", "-inform", "der", "-in", "list.crl", "-CAfile", "ca.pem", "-text"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "verify OK" in done.stderr
    assert "7B01" in done.stdout
    assert "Certificate Hold" in done.stdout
    assert "7B03" not in done.stdout.split("Revoked Certificates")[1]
