"""The CSC API 1.0.4 of the signing service: every method answers in the standard's form."""

from __future__ import annotations

import base64
import json
import logging
import subprocess
from collections.abc import Iterator

import httpx
import jsonschema
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes as hashing
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from sandbox.signing.csc_accounts import Caller
from sandbox.signing.csc_credentials import Credentials
from sandbox.signing.csc_problems import cases
from sandbox.wire import csc as wire
from sandbox.wire.responders import EventKind
from tests.builders.csc import (
    ENGINEER,
    OTHER,
    P256,
    RSA,
    SEAL,
    Gateway,
    Program,
    code_of,
    gateway,
    hash_of,
    hashes,
)
from tests.builders.phone import TEACHER


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("csc")) as opened:
        yield opened


def conforms(answer: httpx.Response, method: str) -> dict:
    """Return the answer after holding it against the published members of *method*."""
    assert answer.status_code == 200, answer.text
    schema = wire.schemas()[f"output.{method}"]
    jsonschema.validate(answer.json(), schema, format_checker=jsonschema.FormatChecker())
    return answer.json()


def verifies(certificate: str, signature: str, hash_: str) -> None:
    """Raise unless *signature* (base64) is the key's over the hash, in the standard's form."""
    key = x509.load_der_x509_certificate(base64.b64decode(certificate)).public_key()
    value, digest = base64.b64decode(signature), base64.b64decode(hash_)
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(value, digest, padding.PKCS1v15(), Prehashed(hashing.SHA256()))
    else:
        assert isinstance(key, ec.EllipticCurvePublicKey)
        key.verify(value, digest, ec.ECDSA(Prehashed(hashing.SHA256())))


def test_info_tells_everybody_what_the_service_is(desk: Gateway) -> None:
    """No token is needed; each method it names is there, and its logo is a picture."""
    told = conforms(Program(desk).post("info", {"lang": "en"}), "info")

    assert (told["specs"], told["region"], told["lang"]) == ("1.0.4.0", "VN", "en")
    logo = desk.room.client.get(told["logo"])
    assert (logo.headers["content-type"], logo.content[:4]) == ("image/png", b"\x89PNG")
    for method in told["methods"]:
        assert Program(desk).post(method).status_code in (400, 401), method


def test_a_method_nobody_knows_is_not_implemented(desk: Gateway) -> None:
    """501 and the standard's error, never a page."""
    answer = desk.client().post("signatures/timestamp", {})

    assert code_of(answer) == (501, "access_denied", "METHOD_UNKNOWN")


def test_each_error_case_has_its_words_and_form(desk: Gateway) -> None:
    """An error is the standard's; Vietnamese only where it is asked for."""
    plain = desk.client().post("credentials/info", {})
    asked = desk.client().post("credentials/info", {}, **{"Accept-Language": "vi-VN,vi;q=0.9"})

    jsonschema.validate(plain.json(), wire.schemas()["output.error"])
    words = plain.json()["error_description"]
    assert words == "Missing (or invalid type) string parameter credentialID"
    assert asked.json()["error_description"].startswith("Thiếu credentialID")
    assert asked.json()["error"] == plain.json()["error"] == "invalid_request"
    assert len(cases()) == len({case.code for case in cases().values()}) > 50


@pytest.mark.parametrize(
    ("method", "body", "words"),
    [
        ("credentials/info", {"credentialID": 7}, "Missing (or invalid type) string parameter"),
        ("credentials/info", {"credentialID": "00"}, "Invalid parameter credentialID"),
        ("credentials/list", {"userID": ENGINEER, "maxResults": 0}, "Invalid parameter maxResults"),
        ("credentials/list", {"userID": ENGINEER, "pageToken": "x"}, "Invalid parameter pageToken"),
        ("credentials/list", {"userID": "nobody"}, "Invalid parameter userID"),
        ("credentials/list", {}, "Missing (or invalid type) string parameter userID"),
        (
            "auth/revoke",
            {"token": "x", "token_type_hint": "y"},
            "Invalid string parameter token_ty",
        ),
        ("auth/revoke", {"token": "x"}, "Invalid string parameter token"),
        (
            "credentials/authorize",
            {"credentialID": "x", "numSignatures": "2"},
            "Missing (or invalid type) integer parameter numSignatures",
        ),
        (
            "signatures/signHash",
            {"credentialID": "x", "SAD": "x", "hash": "x", "signAlgo": "1.2"},
            "Missing (or invalid type) array parameter hash",
        ),
    ],
)
def test_a_faulty_parameter_is_named(desk: Gateway, method: str, body: dict, words: str) -> None:
    """The standard's sentence for what is missing, of another type or without meaning."""
    answer = desk.client().post(method, body)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert answer.json()["error_description"].startswith(words)


def test_certificates_parameter_takes_three_words(desk: Gateway) -> None:
    """`none`, `single`, `chain`; anything else is an invalid parameter."""
    user = desk.user()
    credential = user.credential()
    counts = {}
    for word in ("none", "single", "chain"):
        body = {"credentialID": credential, "certificates": word}
        told = conforms(user.post("credentials/info", body), "credentials/info")
        counts[word] = len(told["cert"].get("certificates", []))
        assert not {"PIN", "OTP"} & told.keys()
        assert not {"issuerDN", "validFrom"} & told["cert"].keys()

    assert counts == {"none": 0, "single": 1, "chain": 3}
    wrong = user.post("credentials/info", {"credentialID": credential, "certificates": "all"})
    assert wrong.json()["error_description"] == "Invalid parameter certificates"


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff"])
def test_a_body_that_is_no_object_is_malformed(desk: Gateway, body: bytes) -> None:
    """400 and the standard's general sentence."""
    answer = desk.room.client.post(
        f"{desk.url}/info", content=body, headers={"Content-Type": "application/json"}
    )

    assert code_of(answer) == (400, "invalid_request", "MALFORMED_BODY")


def test_a_user_logs_in_refreshes_and_revokes(desk: Gateway) -> None:
    """Basic gives both tokens; the refresh token a new access token; revoked, neither works."""
    program = Program(desk)
    password = desk.csc.practice.password(desk.room.space, ENGINEER)
    first = conforms(program.login(ENGINEER, password, rememberMe=True), "auth/login")
    second = conforms(
        program.post("auth/login", {"refresh_token": first["refresh_token"]}), "auth/login"
    )
    assert first["expires_in"] == 3600
    assert "refresh_token" not in second
    assert "refresh_token" not in program.login(ENGINEER, password).json()

    program.token = second["access_token"]
    assert program.post("auth/revoke", {"token": first["refresh_token"]}).status_code == 204
    again = Program(desk).post("auth/login", {"refresh_token": first["refresh_token"]})
    assert code_of(again) == (400, "invalid_request", "REFRESH_INVALID")
    assert code_of(program.post("credentials/list")) == (401, "expired_token", "TOKEN_EXPIRED")


def test_an_access_token_lives_an_hour_of_the_machines_clock(desk: Gateway) -> None:
    """After 3,600 s it is expired; moving the space's clock alone does nothing to it."""
    user = desk.user()
    desk.room.spaces.move_clock("tap", desk.room.space.now(desk.clock).replace(hour=9))
    assert user.post("credentials/list").status_code == 200
    desk.pass_time(seconds=3601)

    assert code_of(user.post("credentials/list")) == (401, "expired_token", "TOKEN_EXPIRED")


def test_a_client_has_a_token_of_its_own(desk: Gateway) -> None:
    """RFC 6749 §4.4, secrets in the form or in the header; other grants are not there."""
    client = desk.csc.practice.client(desk.room.space)
    form = {"grant_type": "client_credentials", "client_id": client.id}
    basic = base64.b64encode(f"{client.id}:{client.secret}".encode()).decode()
    program = Program(desk)

    conforms(program.form("oauth2/token", {**form, "client_secret": client.secret}), "oauth2/token")
    conforms(program.form("oauth2/token", form, Authorization=f"Basic {basic}"), "oauth2/token")
    other = program.form("oauth2/token", {**form, "grant_type": "password"})
    assert code_of(other) == (400, "unsupported_grant_type", "GRANT_UNSUPPORTED")
    wrong = program.form("oauth2/token", {**form, "client_secret": "x"})
    assert code_of(wrong) == (401, "invalid_client", "CLIENT_WRONG")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "AUTHORIZATION_MISSING"),
        ("Digest x", "AUTHORIZATION_MISSING"),
        ("Basic !", "AUTHORIZATION_MISSING"),
        ("Basic " + base64.b64encode(b"nobody").decode(), "LOGIN_MALFORMED"),
    ],
)
def test_a_malformed_header_is_told(desk: Gateway, header: str, code: str) -> None:
    """`auth/login` without usable Basic credentials; also no method without Bearer."""
    answer = Program(desk).post("auth/login", Authorization=header)

    assert code_of(answer) == (400, "invalid_request", code)
    assert code_of(Program(desk).post("credentials/list"))[2] == "AUTHORIZATION_MISSING"
    assert code_of(Program(desk, token="x").post("credentials/list"))[2] == "TOKEN_INVALID"


def test_five_wrong_passwords_lock_the_account_for_five_minutes(desk: Gateway) -> None:
    """Each answer tells how many tries are left; the right one does not help while locked."""
    program = Program(desk)
    password = desk.csc.practice.password(desk.room.space, OTHER)
    left = [program.login(OTHER, "wrong").json()["sandbox"]["attempts_left"] for _ in range(5)]

    assert left == [4, 3, 2, 1, 0]
    locked = program.login(OTHER, password)
    assert code_of(locked) == (400, "authentication_error", "LOGIN_LOCKED")
    desk.pass_time(minutes=5)
    assert program.login(OTHER, password).status_code == 200
    events = [event for event, _ in desk.ledger()]
    assert events.count("wrong_password") >= 5
    assert "login_locked" in events


def test_credentials_are_listed_page_by_page(desk: Gateway) -> None:
    """Pages of one make the whole list; a user's token knows whose, a client's must say."""
    user, client = desk.user(), desk.client()
    whole = conforms(user.post("credentials/list"), "credentials/list")["credentialIDs"]
    seen, body = [], {"maxResults": 1}
    while True:
        told = conforms(user.post("credentials/list", body), "credentials/list")
        seen += told["credentialIDs"]
        if "nextPageToken" not in told:
            break
        body["pageToken"] = told["nextPageToken"]

    assert (len(whole), seen) == (3, whole)
    assert client.post("credentials/list", {"userID": ENGINEER}).json()["credentialIDs"] == whole
    given = user.post("credentials/list", {"userID": ENGINEER})
    assert given.json()["error_description"] == "userID parameter MUST be null"


@pytest.mark.parametrize(
    ("place", "length", "otp"),
    [(RSA, 2048, "online"), (P256, 256, "online"), (SEAL, 256, "offline")],
)
def test_a_credential_tells_everything(desk: Gateway, place: int, length: int, otp: str) -> None:
    """Key, certificate, PIN and code: what a program needs to authorise and sign."""
    user = desk.user()
    body = {"credentialID": user.credential(place), "certInfo": True, "authInfo": True}
    told = conforms(user.post("credentials/info", body), "credentials/info")

    assert (told["key"]["status"], told["key"]["len"]) == ("enabled", length)
    assert ("curve" in told["key"]) is (length == 256)
    assert (told["cert"]["status"], told["authMode"], told["SCAL"]) == ("valid", "explicit", "2")
    assert (told["multisign"], told["lang"]) == (50, "vi")
    assert told["PIN"]["presence"] == told["OTP"]["presence"] == "true"
    assert told["OTP"]["type"] == otp
    english = user.post("credentials/info", body | {"lang": "en-US"}).json()
    assert (english["lang"], english["PIN"]["label"]) == ("en", "PIN")


def test_key_and_certificate_follow_suspension_and_the_clock(desk: Gateway) -> None:
    """Suspended and expired certificates cannot sign, and the credential says so at once."""
    user = desk.user()
    credential = user.credential(P256)

    def state() -> tuple[str, str]:
        told = user.post("credentials/info", {"credentialID": credential}).json()
        return told["key"]["status"], told["cert"]["status"]

    assert state() == ("enabled", "valid")
    desk.tell(credential, EventKind.SUSPEND)
    assert state() == ("disabled", "suspended")
    refused = user.authorize(credential, hashes(1))
    assert code_of(refused) == (400, "invalid_request", "CERTIFICATE_SUSPENDED")
    desk.tell(credential, EventKind.RESUME)
    now = desk.room.space.now(desk.clock)
    desk.room.spaces.move_clock("tap", now.replace(year=2027))
    desk.pass_time(seconds=2)  # a process may know a space as it was a second ago
    assert state() == ("disabled", "expired")
    assert code_of(user.authorize(credential, hashes(1)))[2] == "CERTIFICATE_EXPIRED"
    desk.room.spaces.move_clock("tap", now)
    desk.pass_time(seconds=2)
    assert state() == ("enabled", "valid")


def test_a_responder_that_is_away_refuses_nothing(desk: Gateway) -> None:
    """The dates alone count then, and the state of the certificate is left unsaid."""
    user = desk.user()
    asked = wire.CredentialRequest.model_validate({"credentialID": user.credential()})
    alone = Credentials(desk.room.service.office, responders_url="http://127.0.0.1:9")
    told = alone.info(
        desk.room.space, Caller(subject="user:x", holder=ENGINEER), asked, language="en"
    ).told()

    assert told["key"]["status"] == "enabled"
    assert "status" not in told["cert"]


@pytest.mark.parametrize("place", [RSA, P256, SEAL])
def test_a_batch_is_authorised_and_signed(desk: Gateway, place: int) -> None:
    """PIN and code give a SAD; each signature is the certificate's own over its hash."""
    user, batch = desk.user(), hashes(3, f"batch {place}")
    credential = user.credential(place)
    answer = user.authorize(credential, batch, clientData="mine", description="Ba tài liệu")
    told = conforms(answer, "credentials/authorize")
    assert told["expiresIn"] == 300
    algorithm = wire.SHA256_RSA_OID if place == RSA else wire.SHA256_ECDSA_OID
    signed = conforms(
        user.sign(credential, told["SAD"], batch, signAlgo=algorithm, clientData="mine"),
        "signatures/signHash",
    )

    info = user.post("credentials/info", {"credentialID": credential}).json()
    for signature, hash_ in zip(signed["signatures"], batch, strict=True):
        verifies(info["cert"]["certificates"][0], signature, hash_)
    if place == SEAL:
        desk.pass_time(seconds=31)  # a time-based code is used once


def test_a_transaction_is_extended_hash_by_hash(desk: Gateway) -> None:
    """Three signatures, one hash at a time: each step a new SAD, the fourth is one too many."""
    client, (one, two, three, four) = desk.client(), hashes(4, "extend")
    credential = client.credential(RSA)
    sad = client.sad(credential, [one], numSignatures=3)
    assert client.sign(credential, sad, [one]).status_code == 200
    for hash_ in (two, three):
        body = {"credentialID": credential, "SAD": sad, "hash": [hash_]}
        method = "credentials/extendTransaction"
        told = conforms(client.post(method, body), method)
        old, sad = sad, told["SAD"]
        assert code_of(client.sign(credential, old, [hash_]))[2] == "SAD_REPLACED"
        assert client.sign(credential, sad, [hash_]).status_code == 200

    body = {"credentialID": credential, "SAD": sad, "hash": [four]}
    fourth = client.post("credentials/extendTransaction", body)
    assert code_of(fourth) == (400, "invalid_request", "SAD_USED")


def test_the_page_documents_every_method_and_error(desk: Gateway) -> None:
    """The engineer's page, in both languages, and the OpenAPI document name them all."""
    client = desk.room.client
    page = client.get(f"{desk.room.base}/ky-so/csc", headers={"Accept": "text/html"})
    english = client.get(f"{desk.room.base}/ky-so/csc?ngon_ngu=en")
    document = client.get(f"{desk.room.base}/ky-so/csc/openapi.json").json()

    assert page.status_code == english.status_code == 200
    for name in ("credentials/extendTransaction", *cases()):
        assert name in page.text
    methods = {f"{wire.BASE_PATH}/{m}" for m in ("info", "signatures/signHash", "oauth2/token")}
    assert methods <= document["paths"].keys()
    secrets = desk.csc.practice.client(desk.room.space).secret, desk.pin()
    assert all(secret in page.text for secret in secrets)


def test_the_examples_of_the_page_sign(desk: Gateway) -> None:
    """Run as printed, the last answer is a signature over the hash of `BAN TAP`."""
    script = desk.room.client.get(f"{desk.room.base}/ky-so/csc/vi-du.sh").text
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    decoder, text, answers = json.JSONDecoder(), done.stdout.strip(), []
    while text:
        value, end = decoder.raw_decode(text)
        answers.append(value)
        text = text[end:].strip()
    info, signed = answers
    verifies(info["cert"]["certificates"][0], signed["signatures"][0], hash_of("BAN TAP"))


def test_codes_are_shown_of_engineers_only(desk: Gateway) -> None:
    """A teacher's codes stand on the teacher's phone and nowhere else."""
    client = desk.client()
    conforms(client.post("sandbox/codes", {"userID": ENGINEER}), "sandbox/codes")

    assert code_of(client.post("sandbox/codes", {"userID": TEACHER}))[2] == "USER_ID_UNKNOWN"


def test_no_secret_is_written_down(desk: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    """PIN, code, password, tokens and SAD are nowhere in the files or the log."""
    caplog.set_level(logging.DEBUG)
    user, (hash_,) = desk.user(), hashes(1, "secret")
    credential = user.credential(RSA)
    code = user.otp(credential)
    wrong = "Tap-tuyet-mat-5511"
    user.login(ENGINEER, wrong)
    user.authorize(credential, [hash_], PIN="908172", OTP=code)
    sad = user.sad(credential, [hash_], OTP=code)
    user.sign(credential, sad, [hash_])
    desk.csc.practice.password(desk.room.space, ENGINEER)

    assert user.token is not None
    hidden = [code, wrong, "908172", sad, user.token, desk.pin()]
    hidden.append(desk.csc.practice.client(desk.room.space).secret)
    hidden.append(desk.csc.practice.password(desk.room.space, ENGINEER))
    written = b"".join(path.read_bytes() for path in desk.room.files())
    assert [secret for secret in hidden if secret.encode() in written] == []
    assert [secret for secret in hidden if secret in caplog.text] == []


def test_spaces_know_nothing_of_each_other(desk: Gateway) -> None:
    """A token of one space is foreign in another, whose client has a secret of its own."""
    other = desk.room.spaces.open("lop-csc", code="7788", title="Lớp CSC")
    user = desk.user()
    there = desk.room.client.post(
        f"{desk.room.base}/s/lop-csc{wire.BASE_PATH}/credentials/list",
        json={},
        headers={"Authorization": f"Bearer {user.token}"},
    )

    assert code_of(there) == (401, "invalid_token", "TOKEN_INVALID")
    assert desk.csc.practice.client(other) != desk.csc.practice.client(desk.room.space)


def test_resetting_a_space_ends_its_tokens(desk: Gateway) -> None:
    """Nothing of the API outlives the space's rows."""
    user = desk.user()
    desk.room.service.reset_space("tap")

    assert code_of(user.post("credentials/list"))[2] == "TOKEN_INVALID"
    assert desk.user().post("credentials/list").status_code == 200
