"""OCSP and CRL over HTTP, judged by OpenSSL's own tools, for every certificate of the gallery."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from cryptography.x509 import ocsp as independent

import sandbox.responders
from sandbox.clock import DEFAULT_SPACE_START
from sandbox.errors import Unavailable
from sandbox.pki import Certificate, TrainingAuthority, read_crl
from sandbox.pki.ocsp import LONGEST_NONCE, Status, StatusNow, build_request, read_response
from sandbox.responders import RespondersService, http
from sandbox.responders.gallery import Persona
from sandbox.wire.responders import EventKind, ask_ocsp, fetch_crl
from tests.builders.signing import AUTHORITY, TEACHER, TEACHER_SUBJECT
from tests.builders.web import House, build_house, serve

HERE = Path(sandbox.responders.__file__).parent
NOW, DAY = DEFAULT_SPACE_START, timedelta(days=1)
EVER = "1000000000"
"""Seconds OpenSSL forgives: the space's clock is not the machine's."""


@dataclass
class Live:
    """The responders on a loopback port, and a folder for OpenSSL to work in."""

    house: House
    service: RespondersService
    base: str
    folder: Path

    def openssl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["openssl", *arguments], cwd=self.folder, capture_output=True, text=True, check=False
        )

    def held(self, persona: Persona) -> Certificate:
        certificate = self.service.gallery.holder("tap", persona).certificate
        (self.folder / f"{persona.id}.pem").write_text(certificate.pem)
        return certificate

    def ask(self, *certificates: str, issuer: str, url: str = "") -> str:
        """Ask the live responder through OpenSSL's client and return all it says."""
        named = [word for one in certificates for word in ("-cert", one)]
        place = url or f"{self.base}/ca/ocsp/{issuer}"
        done = self.openssl(
            *("ocsp", "-issuer", f"{issuer}.pem", *named, "-url", place, "-nonce"),
            *("-CAfile", "ca.pem", "-validity_period", EVER),
        )
        assert "Response verify OK" in done.stderr, done
        assert "nonce" not in done.stderr.lower(), done
        return done.stdout


@pytest.fixture(scope="module")
def live(tmp_path_factory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("ocsp")
    house = build_house(
        folder, templates={"responders": HERE / "templates"}, locales=[HERE / "locale"]
    )
    service = RespondersService(house.database, house.clock, house.spaces, AUTHORITY)
    service.prepare()
    for router in http.routers(service):
        house.app.include_router(router)
    (folder / "ca.pem").write_text(AUTHORITY.chain_pem)
    for code, issuer in AUTHORITY.issuers.items():
        (folder / f"{code}.pem").write_text(issuer.certificate.pem)
    with serve(house.app) as base:
        yield Live(house, service, base, folder)


def issuer_of(persona: Persona) -> str:
    return "GIA_LAP_CA" if persona.is_foreign else persona.issuer


def test_openssl_and_the_service_agree_on_every_persona(live):
    """Live OCSP with nonce, CRL, and chain checking against it: one truth in three places."""
    for code in AUTHORITY.issuers:
        (live.folder / f"{code}.crl").write_bytes(fetch_crl(live.base, code))
    said = {}
    for persona in live.service.gallery.personas:
        certificate, code = live.held(persona), issuer_of(persona)
        answer = live.ask(f"{persona.id}.pem", issuer=code)
        state = next(s for s in ("good", "revoked", "unknown") if f"pem: {s}" in answer)
        held = "certificateHold" in answer
        listed = live.openssl(
            *("verify", "-crl_check", "-CAfile", "ca.pem", "-CRLfile", f"{code}.crl"),
            *("-attime", str(int(NOW.timestamp())), f"{persona.id}.pem"),
        )
        text = listed.stdout + listed.stderr
        said[persona.id] = (state, held)
        revoked = "certificate revoked" in text
        assert revoked == (state == "revoked"), (persona.id, answer, text)
        history = live.service.history(live.house.spaces.get("tap"), certificate)
        ours = StatusNow.of(history, NOW).status
        if not persona.is_foreign:
            assert (ours is Status.GOOD) == (state == "good"), (persona.id, answer)
        fine = persona.id not in {"het-han", "chua-hieu-luc", "goc-la"} and state == "good"
        assert fine == text.rstrip().endswith("OK"), (persona.id, text)

    assert {name: row for name, row in said.items() if row != ("good", False)} == {
        "tam-dung": ("revoked", True),
        "thu-hoi": ("revoked", False),
        "goc-la": ("unknown", False),
    }


def test_openssl_accepts_the_lists_themselves(live):
    """`openssl crl -verify` against the issuing CA, for both lists."""
    for code in AUTHORITY.issuers:
        (live.folder / f"{code}.crl").write_bytes(fetch_crl(live.base, code))
        said = ("-inform", "DER", "-in", f"{code}.crl", "-CAfile", "ca.pem", "-noout", "-verify")
        done = live.openssl("crl", *said)

        assert "verify OK" in done.stdout + done.stderr


def test_one_question_about_several_certificates_gets_as_many_answers(live):
    """RFC 6960 §4.1.1 allows a list; each is told apart."""
    names = ("giao-vien", "tam-dung", "thu-hoi")
    for name in names:
        live.held(live.service.gallery.persona(name))

    answer = live.ask(*(f"{name}.pem" for name in names), issuer="GIA_LAP_CA")

    assert [line.split(": ")[1] for line in answer.splitlines() if ".pem: " in line] == [
        "good",
        "revoked",
        "revoked",
    ]


def test_a_signed_request_is_answered_like_any_other(live):
    """Who asks is nobody's concern."""
    (live.folder / "asker.pem").write_text(TEACHER.certificate.pem)
    (live.folder / "asker.key").write_text(TEACHER.key.pem())
    done = live.openssl(
        *("ocsp", "-issuer", "GIA_LAP_CA.pem", "-cert", "asker.pem", "-signer", "asker.pem"),
        *("-signkey", "asker.key", "-url", f"{live.base}/ca/ocsp/GIA_LAP_CA", "-CAfile", "ca.pem"),
        *("-validity_period", EVER),
    )

    assert "asker.pem: good" in done.stdout


def test_a_serial_nobody_was_given_is_unknown(live):
    """So is another authority's, and a certificate asked of the wrong issuing CA."""
    stranger = TrainingAuthority.from_seed("another")
    other = stranger.issue(TEACHER_SUBJECT, TEACHER.key.public_key, serial_label="x")
    (live.folder / "other.pem").write_text(other.pem)
    (live.folder / "teacher.pem").write_text(TEACHER.certificate.pem)

    def ask(*arguments: str, of: str) -> str:
        return live.openssl(
            *("ocsp", "-issuer", "GIA_LAP_CA.pem", *arguments, "-noverify"),
            *("-url", f"{live.base}/ca/ocsp/{of}", "-validity_period", EVER),
        ).stdout

    assert "0x1234: unknown" in ask("-serial", "0x1234", of="GIA_LAP_CA")
    assert "other.pem: unknown" in ask("-cert", "other.pem", of="GIA_LAP_CA")
    assert "teacher.pem: unknown" in ask("-cert", "teacher.pem", of="GIA_LAP_CO_YEU")
    assert "teacher.pem: good" in ask("-cert", "teacher.pem", of="GIA_LAP_CA")


def test_events_and_the_clock_decide_what_is_said(live):
    """Suspended, resumed, revoked in another space; a clock that goes back makes it good again."""
    space = live.house.spaces.get("lop-a")
    certificate = TEACHER.certificate
    issuer = AUTHORITY.issuers[certificate.issuer_code].certificate

    def status(at=NOW, where="/s/lop-a"):
        nonce = os.urandom(16)
        request = build_request(certificate.serial, issuer, nonce=nonce)
        der = ask_ocsp(live.base + where, certificate.issuer_code, request)
        return read_response(der, certificate.serial, issuer, nonce=nonce, at=at).status

    said = [status()]
    for days, kind in ((0, EventKind.SUSPEND), (1, EventKind.RESUME), (2, EventKind.REVOKE)):
        live.house.spaces.move_clock("lop-a", NOW + days * DAY)
        live.service.record(
            space, issuer=certificate.issuer_code, serial=certificate.serial_hex, kind=kind,
            at=NOW + days * DAY,
        )  # fmt: skip
        said.append(status(NOW + days * DAY))
    live.house.spaces.move_clock("lop-a", NOW - DAY)
    said.append(status(NOW - DAY))

    assert said == ["good", "suspended", "good", "revoked", "good"]
    assert status(where="") == "good"


def test_the_address_may_hold_the_question(live):
    """RFC 6960 A.1: GET with the request in base64, escaped or not."""
    issuer = AUTHORITY.issuers["GIA_LAP_CA"].certificate
    for nonce in (b"\xff" * 16, b"\x3e\x3f" * 8):
        request = base64.b64encode(
            build_request(TEACHER.certificate.serial, issuer, nonce=nonce)
        ).decode()
        for written in (request, quote(request, safe="")):
            answer = httpx.get(f"{live.base}/ca/ocsp/GIA_LAP_CA/{written}", trust_env=False)
            found = read_response(
                answer.content, TEACHER.certificate.serial, issuer, nonce=nonce, at=NOW
            )

            assert answer.headers["Content-Type"] == "application/ocsp-response"
            assert found.status is Status.GOOD


def test_what_is_no_request_is_answered_in_the_protocols_words(live):
    """The answer malformedRequest, for rubbish, cut-off, oversized and empty bodies."""
    issuer = AUTHORITY.issuers["GIA_LAP_CA"].certificate
    good = build_request(TEACHER.certificate.serial, issuer, nonce=b"1" * 16)
    long = build_request(TEACHER.certificate.serial, issuer, nonce=b"1" * (LONGEST_NONCE + 1))
    kind = {"Content-Type": "application/ocsp-request"}
    place = f"{live.base}/ca/ocsp/GIA_LAP_CA"
    for body in (b"", b"rubbish", good[:-1], good + b"\0", b"\x30" * 100_000, long):
        answer = httpx.post(place, content=body, headers=kind, trust_env=False)
        assert answer.status_code == 200, (body[:9], answer.text)
        found = independent.load_der_ocsp_response(answer.content)

        assert found.response_status is independent.OCSPResponseStatus.MALFORMED_REQUEST
    assert httpx.get(f"{place}/%25%25", trust_env=False).content == answer.content
    assert httpx.post(place, content=good, trust_env=False).status_code == 415
    assert httpx.post(f"{live.base}/ca/ocsp/AI_DO", content=good, headers=kind).status_code == 404


def test_an_answer_that_cannot_be_believed_is_as_good_as_none(live):
    """Another nonce, another certificate, another time, another signer: who checks waits."""
    issuer = AUTHORITY.issuers["GIA_LAP_CA"].certificate
    nonce = b"1" * 16
    der = ask_ocsp(
        live.base, "GIA_LAP_CA", build_request(TEACHER.certificate.serial, issuer, nonce=nonce)
    )
    stranger = TrainingAuthority.from_seed("another").issuers["GIA_LAP_CA"].certificate
    other = live.held(live.service.gallery.persona("giao-vien"))

    def read(der=der, certificate=TEACHER.certificate, by=issuer, nonce=nonce, at=NOW):
        return read_response(der, certificate.serial, by, nonce=nonce, at=at)

    assert read().status is Status.GOOD
    for said in (
        {"nonce": b"2" * 16},
        {"certificate": other},
        {"at": NOW + 2 * DAY},
        {"at": NOW - DAY},
        {"by": stranger},
        {"der": der[:-1] + bytes([der[-1] ^ 1])},
        {"der": b""},
        {"der": b"\x30\x03\x0a\x01\x01"},
    ):
        with pytest.raises(Unavailable):
            read(**said)


def test_the_delegate_may_sign_answers_and_nothing_else(live):
    """id-kp-OCSPSigning, id-pkix-ocsp-nocheck, and not one of those who sign records."""
    for code, issuer in AUTHORITY.issuers.items():
        delegate = AUTHORITY.ocsp_responder(code).certificate
        (live.folder / "delegate.pem").write_text(delegate.pem)
        text = live.openssl("x509", "-in", "delegate.pem", "-noout", "-text").stdout

        assert delegate.is_issued_by(issuer.certificate)
        assert "OCSP Signing" in text
        assert "OCSP No Check" in text
        assert "Non Repudiation" not in text


def test_lists_and_answers_tell_the_same_history(live):
    """What the CRL says on hold or revoked, OCSP says too, for all that ever happened."""
    issuer = AUTHORITY.issuers["GIA_LAP_CA"].certificate
    listed = read_crl(fetch_crl(live.base, "GIA_LAP_CA"), issuer)
    for persona in live.service.gallery.personas:
        certificate = live.held(persona)
        if persona.is_foreign or persona.issuer != "GIA_LAP_CA":
            continue
        nonce = os.urandom(16)
        der = ask_ocsp(
            live.base, "GIA_LAP_CA", build_request(certificate.serial, issuer, nonce=nonce)
        )

        found = read_response(der, certificate.serial, issuer, nonce=nonce, at=NOW)
        assert found.status == listed.state_at(certificate.serial, NOW), persona.id
