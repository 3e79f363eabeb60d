"""The training authority and what its certificates say."""

from __future__ import annotations

import subprocess
from datetime import datetime

import pytest

from sandbox.clock import VIETNAM
from sandbox.pki import (
    SIGNING_USAGE,
    Certificate,
    CertificateError,
    PersonSubject,
    Profile,
    TrainingAuthority,
    Trust,
    UnitSubject,
    derive_p256,
    parse_rfc4514,
)
from tests.builders.signing import (
    AUTHORITY,
    DEPARTMENT_SUBJECT,
    LEADER_SUBJECT,
    SCHOOL_SUBJECT,
    TEACHER,
    TEACHER_SUBJECT,
    TRUST,
    holder,
    rsa_key,
)


def test_the_same_seed_gives_the_same_certificates_byte_for_byte():
    """Golden data depends on it: root, issuers and leaves are decided by the seed."""
    again = TrainingAuthority.from_seed("tests")

    assert again.root.certificate.der == AUTHORITY.root.certificate.der
    assert again.chain_pem == AUTHORITY.chain_pem
    assert holder(TEACHER_SUBJECT, authority=again).certificate == TEACHER.certificate


def test_another_seed_is_another_authority():
    """Certificates of another installation are not believed."""
    other = TrainingAuthority.from_seed("elsewhere")
    foreign = holder(TEACHER_SUBJECT, authority=other).certificate

    assert foreign.issuer_name == TEACHER.certificate.issuer_name
    assert TRUST.issuer_of(foreign) is None


def test_a_persons_certificate_says_who_and_for_what():
    """Subject, usage and validity are those of spec/record-format.md §5.6."""
    found = TEACHER.certificate

    assert found.subject_rfc4514 == (
        "UID=CCCD:948185000021,CN=Phạm Thị Mẫu Năm,O=DU LIEU GIA LAP,C=VN"
    )
    assert (found.uid, found.common_name) == ("CCCD:948185000021", "Phạm Thị Mẫu Năm")
    assert found.key_usage == SIGNING_USAGE
    assert found.not_before == datetime(2024, 1, 1, tzinfo=VIETNAM)
    assert found.not_after == datetime(2026, 12, 31, 23, 59, 59, tzinfo=VIETNAM)
    assert (found.public_key_kind, found.issuer_code) == ("EC-P256", "GIA_LAP_CA")


@pytest.mark.parametrize(
    ("profile", "subject", "issuer"),
    [
        (Profile.TEACHER, TEACHER_SUBJECT, "GIA_LAP_CA"),
        (Profile.PRINCIPAL, LEADER_SUBJECT, "GIA_LAP_CO_YEU"),
        (Profile.SCHOOL_SEAL, SCHOOL_SUBJECT, "GIA_LAP_CO_YEU"),
        (Profile.DEPARTMENT, DEPARTMENT_SUBJECT, "GIA_LAP_CO_YEU"),
        (Profile.MINISTRY, UnitSubject("Bộ (giả lập)", "BO"), "GIA_LAP_CO_YEU"),
    ],
)
def test_each_profile_comes_from_its_own_issuer(profile, subject, issuer):
    """Teachers are with the public CA, everybody else with the government's (practice §2)."""
    made = AUTHORITY.issue_as(
        profile,
        subject=subject,
        public_key=derive_p256("t", "k").public_key,
        serial_label="p",
    )

    assert made.issuer_code == issuer
    assert TRUST.issuer_of(made) == AUTHORITY.issuers[issuer].certificate


def test_a_seal_cannot_be_issued_to_a_person():
    """A profile for units refuses a person's subject."""
    with pytest.raises(ValueError):
        AUTHORITY.issue_as(
            Profile.SCHOOL_SEAL,
            subject=TEACHER_SUBJECT,
            public_key=derive_p256("t", "k").public_key,
            serial_label="p",
        )


def test_a_name_longer_than_64_bytes_is_issued_and_read():
    """64 characters of Vietnamese are far more than 64 bytes; the name is kept whole."""
    name = "Sở Giáo dục và Đào tạo Thành phố Hồ Chí Minh (giả lập), cơ sở hai"

    assert holder(UnitSubject(name, "79")).certificate.common_name == name


def test_serials_are_positive_and_written_with_an_even_number_of_digits():
    """The form of serial_number on the wire (transactions §2.4)."""
    found = TEACHER.certificate

    assert found.serial > 0
    assert int(found.serial_hex, 16) == found.serial
    assert len(found.serial_hex) % 2 == 0
    assert found.serial_hex == found.serial_hex.upper()


def test_openssl_accepts_the_chain(tmp_path):
    """An independent implementation believes root → issuer → leaf, for P-256 and RSA."""
    chain, leaves = tmp_path / "chain.pem", []
    chain.write_text(AUTHORITY.chain_pem)
    rsa = holder(LEADER_SUBJECT, key=rsa_key(), issuer="GIA_LAP_CO_YEU").certificate
    for number, certificate in enumerate((TEACHER.certificate, rsa)):
        leaf = tmp_path / f"{number}.pem"
        leaf.write_text(certificate.pem)
        leaves.append(str(leaf))
    moment = str(int(datetime(2025, 5, 28, tzinfo=VIETNAM).timestamp()))

    done = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-attime", moment, "-CAfile", str(chain), *leaves],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("der", [b"", b"\x30\x03\x02\x01\x01", b"\x00" * 5000])
def test_bytes_that_are_no_certificate_are_an_error_of_their_own(der):
    """Whatever the reader stumbles over, it is CertificateError."""
    with pytest.raises(CertificateError):
        Certificate.from_der(der)


def test_a_certificate_survives_pem():
    """PEM out and in is the same certificate."""
    assert Certificate.from_pem(TEACHER.certificate.pem) == TEACHER.certificate


def test_trust_in_nobody_is_refused():
    """An empty set of issuers is a mistake, not a policy."""
    with pytest.raises(ValueError):
        Trust([])


def test_a_leaf_is_no_issuer():
    """Trust takes CA certificates only."""
    with pytest.raises(ValueError):
        Trust([TEACHER.certificate.der])


@pytest.mark.parametrize(
    "written",
    [
        "UID=CCCD:948185000021,CN=Phạm Thị Mẫu Năm,O=DU LIEU GIA LAP,C=VN",
        "uid=CCCD:948185000021, cn=Phạm Thị Mẫu Năm, o=du lieu gia lap, c=vn",
        "0.9.2342.19200300.100.1.1=CCCD:948185000021,CN=Phạm Thị Mẫu Năm,O=DU LIEU GIA LAP,C=VN",
        r"UID=CCCD:948185000021,CN=Ph\E1\BA\A1m Thị Mẫu Năm,O=DU LIEU GIA LAP,C=VN",
        "UID=#0c11434343443a393438313835303030303231,CN=Phạm Thị Mẫu Năm,O=DU LIEU GIA LAP,C=VN",
    ],
)
def test_the_same_name_may_be_written_in_several_ways(written):
    """Names are compared as parsed names, not as text (§5.3)."""
    assert parse_rfc4514(written) == TEACHER.certificate.subject


@pytest.mark.parametrize(
    "written",
    [
        "C=VN,O=DU LIEU GIA LAP,CN=Phạm Thị Mẫu Năm,UID=CCCD:948185000021",
        "UID=CCCD:948185000021+CN=Phạm Thị Mẫu Năm,O=DU LIEU GIA LAP,C=VN",
        "UID=CCCD:948185000021,CN=Phạm Thị Mẫu Nam,O=DU LIEU GIA LAP,C=VN",
    ],
)
def test_another_name_or_order_is_not_the_same(written):
    """Attributes, their order and their grouping count."""
    assert parse_rfc4514(written) != TEACHER.certificate.subject


@pytest.mark.parametrize("written", ["", "Phạm Thị Mẫu Năm", "XYZ=1", "CN=#zz", "CN=", "CN=#0c05"])
def test_text_that_is_no_name_is_a_value_error(written):
    """A name that cannot be parsed is said to be none."""
    with pytest.raises(ValueError):
        parse_rfc4514(written)


def test_a_comma_in_a_name_is_escaped_and_found_again():
    """RFC 4514 escapes what would split the name."""
    subject = PersonSubject('Lê, Văn + "Mẫu" \\', "948075000032")
    found = holder(subject).certificate

    assert parse_rfc4514(found.subject_rfc4514) == found.subject


def test_an_issuer_knows_the_serials_it_gave_out_and_no_others():
    """Whatever the label; not its neighbour's, not another authority's, not made-up ones."""
    mine, other = TrainingAuthority.from_seed("one"), TrainingAuthority.from_seed("two")
    key = derive_p256("one", "anybody").public_key
    subject = PersonSubject("Người Mẫu", "948185000021")
    given = [mine.issue(subject, key, serial_label=f"{n}").serial for n in range(20)]
    foreign = [other.issue(subject, key, serial_label=f"{n}").serial for n in range(20)]

    assert all(mine.has_issued("GIA_LAP_CA", serial) for serial in given)
    assert not any(mine.has_issued("GIA_LAP_CO_YEU", serial) for serial in given)
    strangers = [*foreign, *(serial + 1 for serial in given), 0, -1, 1, 1 << 140]
    assert not any(mine.has_issued("GIA_LAP_CA", serial) for serial in strangers)
