"""An independent program, pyHanko's CSC signer, signs PDFs through the service unmodified."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from typing import Any

import aiohttp
import pytest
from asn1crypto import x509
from pyhanko.pdf_utils import generic, writer
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import csc_signer
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from tests.builders.csc import P256, RSA, SEAL, Gateway, Program, gateway


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("csc")) as opened:
        yield opened


class Authorizer(csc_signer.CSCAuthorizationManager):
    """What the library leaves to its user: getting a SAD with PIN and code."""

    def __init__(self, info: Any, credential: Any, *, program: Program) -> None:
        super().__init__(info, credential)
        self.program = program

    async def authorize_signature(self, hash_b64s: list[str]) -> csc_signer.CSCAuthorizationInfo:
        credential = self.csc_session_info.credential_id
        code = await asyncio.to_thread(self.program.otp, credential)
        body = self.format_csc_auth_request(
            hash_b64s=hash_b64s, pin=self.program.gateway.pin(), otp=code
        )
        answer = await asyncio.to_thread(self.program.post, "credentials/authorize", body)
        return self.parse_csc_auth_response(answer.json())


def a_pdf() -> bytes:
    """Return a PDF of one empty page."""
    made = writer.PdfFileWriter()
    contents = made.add_object(generic.StreamObject(stream_data=b""))
    made.insert_page(writer.PageObject(contents=contents, media_box=(0, 0, 200, 200)))
    out = BytesIO()
    made.write(out)
    return out.getvalue()


def signed(desk: Gateway, program: Program, place: int, *names: str) -> list[bytes]:
    """Return one signed PDF for each field name, all in one batch."""
    session_info = csc_signer.CSCServiceSessionInfo(
        service_url=f"{desk.room.base}/ky-so",
        credential_id=program.credential(place),
        oauth_token=program.token,
    )

    async def work() -> list[bytes]:
        async with aiohttp.ClientSession() as session:
            credential = await csc_signer.fetch_certs_in_csc_credential(session, session_info)
            assert credential.hash_pinning_required
            assert credential.max_batch_size == 50
            signer = csc_signer.CSCSigner(
                session,
                Authorizer(session_info, credential, program=program),
                batch_size=len(names),
                client_data="tests",
            )
            return list(await asyncio.gather(*(one(signer, name) for name in names)))

    async def one(signer: signers.Signer, name: str) -> bytes:
        metadata = signers.PdfSignatureMetadata(field_name=name, md_algorithm="sha256")
        spec = fields.SigFieldSpec(name)
        pdf = IncrementalPdfFileWriter(BytesIO(a_pdf()))
        out = await signers.PdfSigner(metadata, signer, new_field_spec=spec).async_sign_pdf(pdf)
        return bytes(out.getvalue())

    return asyncio.run(work())


def verdict(desk: Gateway, pdf: bytes) -> Any:
    """Return what pyHanko's own validator says, trusting the practice root alone."""
    (embedded,) = PdfFileReader(BytesIO(pdf)).embedded_signatures
    root = x509.Certificate.load(desk.room.service.office.authority.root.certificate.der)
    moment: datetime = desk.room.space.now(desk.clock)
    context = ValidationContext(
        trust_roots=[root], moment=moment, allow_fetching=False, revocation_mode="soft-fail"
    )
    return validate_pdf_signature(embedded, context)


@pytest.mark.parametrize("place", [RSA, P256, SEAL])
def test_pyhanko_signs_a_pdf_that_its_own_validator_believes(desk: Gateway, place: int) -> None:
    """`credentials/info`, `authorize`, `signHash` by an RSA key, an EC key and a seal's."""
    program = desk.user()
    (pdf,) = signed(desk, program, place, "ChuKy")
    status = verdict(desk, pdf)

    assert status.bottom_line, status.pretty_print_details()
    assert status.pkcs7_signature_mechanism == ("sha256_rsa" if place == RSA else "sha256_ecdsa")
    info = program.post(
        "credentials/info", {"credentialID": program.credential(place), "certInfo": True}
    ).json()
    assert f"{status.signing_cert.serial_number:X}" == info["cert"]["serialNumber"].lstrip("0")


def test_pyhanko_signs_a_batch_in_one_authorisation(desk: Gateway) -> None:
    """Three documents, one PIN, one code, one call of signHash."""
    before = [event for event, _ in desk.ledger()]
    pdfs = signed(desk, desk.user(), P256, "Mot", "Hai", "Ba")
    after = [event for event, _ in desk.ledger()]

    assert all(verdict(desk, pdf).bottom_line for pdf in pdfs)
    for event in ("authorized", "hashes_signed"):
        assert after.count(event) - before.count(event) == 1


def test_a_changed_pdf_is_not_believed(desk: Gateway) -> None:
    """The validator is no yes-man: one byte of the signed part changed, and it says no."""
    (pdf,) = signed(desk, desk.user(), RSA, "ChuKy")
    changed = pdf.replace(b"200 200", b"200 201", 1)

    assert changed != pdf
    assert not verdict(desk, changed).bottom_line


def test_pyhanko_is_refused_without_a_token(desk: Gateway) -> None:
    """The library sees an HTTP error and says so; nothing is signed."""
    program = desk.user()
    place = program.credential(RSA)
    info = csc_signer.CSCServiceSessionInfo(f"{desk.room.base}/ky-so", place, oauth_token="x")

    async def ask() -> None:
        async with aiohttp.ClientSession() as session:
            await csc_signer.fetch_certs_in_csc_credential(session, info)

    with pytest.raises(SigningError):
        asyncio.run(ask())
