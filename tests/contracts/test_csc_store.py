"""The CSC API's tables hold on both databases: tokens, tries, authorisations, call-backs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sandbox.wire import csc as wire
from tests.builders.csc import P256, code_of, gateway, hashes

ECDSA = {"signAlgo": wire.SHA256_ECDSA_OID}


def test_an_authorisation_lives_its_life(database_url: str, tmp_path: Path) -> None:
    """Log in, authorise, sign, extend, confirm on the phone, revoke, reset: all rows in place."""
    with gateway(tmp_path, url=database_url) as desk:
        user, (one, two, three) = desk.user(), hashes(3)
        credential = user.credential(P256)
        sad = user.sad(credential, [one], numSignatures=2)
        assert user.sign(credential, sad, [one], **ECDSA).status_code == 200
        body = {"credentialID": credential, "SAD": sad, "hash": [two]}
        extended = user.post("credentials/extendTransaction", body).json()["SAD"]
        assert code_of(user.sign(credential, sad, [two], **ECDSA))[2] == "SAD_REPLACED"
        assert user.sign(credential, extended, [two], **ECDSA).status_code == 200
        asked = {
            "credentialID": credential,
            "hash": [three],
            "description": "Ký thử",
            "requestID": "request-1",
            "clientData": "don-17",
            **ECDSA,
        }
        told = user.post("sandbox/confirmation/request", asked).json()
        assert (told["status"], told["clientData"]) == ("pending", "don-17")
        assert user.login(user.holder, "wrong").json()["sandbox"]["attempts_left"] == 4
        assert user.post("auth/revoke", {"token": user.token}).status_code == 204
        assert code_of(user.post("credentials/list"))[2] == "TOKEN_EXPIRED"
        assert desk.room.service.ledger_is_intact(desk.room.space)


def test_a_sad_sent_many_times_at_once_signs_once(database_url: str, tmp_path: Path) -> None:
    """Eight calls race with the same SAD: one signature, seven refusals."""
    with gateway(tmp_path, url=database_url) as desk:
        user, batch = desk.user(), hashes(1)
        credential = user.credential(P256)
        sad = user.sad(credential, batch)
        with ThreadPoolExecutor(8) as pool:
            sent = list(pool.map(lambda _: user.sign(credential, sad, batch, **ECDSA), range(8)))

        refused = [code_of(one)[2] for one in sent if one.status_code != 200]
        assert refused == ["SAD_USED"] * 7
        assert [event for event, _ in desk.ledger()].count("hashes_signed") == 1
