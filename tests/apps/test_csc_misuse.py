"""Every way of using the CSC API wrongly is refused under its own code, and written down."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.wire import csc as wire
from tests.builders.csc import (
    ENGINEER,
    OTHER,
    P256,
    RSA,
    SEAL,
    Gateway,
    code_of,
    gateway,
    hash_of,
    hashes,
)

INVALID = (400, "invalid_request")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("csc")) as opened:
        yield opened


def declined(desk: Gateway) -> list[str]:
    """Return the codes of the refusals in the ledger, newest first."""
    return [str(detail.get("code")) for event, detail in desk.ledger() if event == "declined"]


def test_a_sad_is_not_used_twice(desk: Gateway) -> None:
    """Replay: the same call again, word for word, is refused and signs nothing."""
    user, batch = desk.user(), hashes(2, "replay")
    credential = user.credential()
    sad = user.sad(credential, batch)
    assert user.sign(credential, sad, batch).status_code == 200

    assert code_of(user.sign(credential, sad, batch)) == (*INVALID, "SAD_USED")
    assert declined(desk)[0] == "SAD_USED"
    assert [event for event, _ in desk.ledger()].count("hashes_signed") == 1


def test_a_hash_is_signed_once_under_an_authorisation(desk: Gateway) -> None:
    """With signatures left, the hash that was signed cannot be signed again."""
    user, (one, two) = desk.user(), hashes(2, "once")
    credential = user.credential()
    sad = user.sad(credential, [one, two])
    assert user.sign(credential, sad, [one]).status_code == 200

    assert code_of(user.sign(credential, sad, [one])) == (*INVALID, "HASH_SIGNED_ALREADY")
    assert user.sign(credential, sad, [two]).status_code == 200


def test_a_sad_is_nobody_elses(desk: Gateway) -> None:
    """Another user, and a client, are refused with a SAD that is good for its owner."""
    user, batch = desk.user(), hashes(1, "other")
    credential = user.credential()
    sad = user.sad(credential, batch)
    client = desk.client()

    assert code_of(client.sign(credential, sad, batch)) == (*INVALID, "SAD_OF_ANOTHER_USER")
    other = desk.user(OTHER)
    assert code_of(other.sign(credential, sad, batch)) == (*INVALID, "CREDENTIAL_OF_ANOTHER")
    own = other.credential()
    foreign = other.sign(own, sad, batch, signAlgo=wire.SHA256_ECDSA_OID)
    assert code_of(foreign) == (*INVALID, "SAD_OF_ANOTHER_USER")
    assert user.sign(credential, sad, batch).status_code == 200


def test_a_sad_is_bound_to_its_credential(desk: Gateway) -> None:
    """The same user's other key does not sign with it."""
    user, batch = desk.user(), hashes(1, "credential")
    sad = user.sad(user.credential(RSA), batch)
    answer = user.sign(user.credential(P256), sad, batch, signAlgo=wire.SHA256_ECDSA_OID)

    assert code_of(answer) == (*INVALID, "SAD_OF_ANOTHER_CREDENTIAL")


def test_another_hash_is_not_signed(desk: Gateway) -> None:
    """One foreign hash in the batch, and nothing of the batch is signed."""
    user, batch = desk.user(), hashes(2, "bound")
    credential = user.credential()
    sad = user.sad(credential, batch)
    answer = user.sign(credential, sad, [batch[0], hash_of("foreign")])

    assert code_of(answer) == (*INVALID, "HASH_NOT_AUTHORISED")
    assert answer.json()["error_description"] == "Hash is not authorized by the SAD"
    assert user.sign(credential, sad, batch).status_code == 200


def test_one_signature_more_than_authorised_is_refused(desk: Gateway) -> None:
    """Two authorised, three asked for: none is made; extending cannot widen it either."""
    user, (one, two, three) = desk.user(), hashes(3, "more")
    credential = user.credential()
    sad = user.sad(credential, [one, two])

    assert code_of(user.sign(credential, sad, [one, two, three])) == (
        *INVALID,
        "MORE_THAN_AUTHORISED",
    )
    body = {"credentialID": credential, "SAD": sad, "hash": [one, two, three]}
    wider = user.post("credentials/extendTransaction", body)
    assert code_of(wider) == (*INVALID, "MORE_THAN_AUTHORISED")
    assert user.sign(credential, sad, [one, two]).status_code == 200


@pytest.mark.parametrize(
    ("number", "count", "code"),
    [
        (51, 51, "NUMBER_TOO_HIGH"),
        (50, 51, "TOO_MANY_HASHES"),
        (0, 1, "NUMBER_INVALID"),
        (1, 2, "NUMBER_INVALID"),
        (1, 0, "HASH_EMPTY"),
    ],
)
def test_counts_have_bounds(desk: Gateway, number: int, count: int, code: str) -> None:
    """At most 50, at least as many signatures as hashes, no code used up by a slip."""
    user = desk.user()
    answer = user.authorize(
        user.credential(), hashes(count, "count"), numSignatures=number, OTP="000000"
    )

    assert code_of(answer) == (*INVALID, code)


def test_fifty_hashes_are_signed_and_fifty_one_are_not(desk: Gateway) -> None:
    """The limit of a request, at both of its sides."""
    user, batch = desk.user(), hashes(50, "fifty")
    credential = user.credential(P256)
    sad = user.sad(credential, batch)
    algorithm = {"signAlgo": wire.SHA256_ECDSA_OID}

    more = user.sign(credential, sad, [*batch, hash_of("51")], **algorithm)
    assert code_of(more) == (*INVALID, "TOO_MANY_HASHES")
    signed = user.sign(credential, sad, batch, **algorithm)
    assert len(set(signed.json()["signatures"])) == 50


def test_a_transaction_expires_by_the_spaces_clock(desk: Gateway) -> None:
    """299 s after it still signs, one second later it does not; extending gives new time."""
    user, (one, two) = desk.user(), hashes(2, "expire")
    credential = user.credential()
    sad = user.sad(credential, [one], numSignatures=2)
    desk.pass_time(seconds=299)
    assert user.sign(credential, sad, [one]).status_code == 200
    body = {"credentialID": credential, "SAD": sad, "hash": [two]}
    extended = user.post("credentials/extendTransaction", body).json()["SAD"]
    desk.pass_time(seconds=300)

    late = user.sign(credential, extended, [two])
    assert code_of(late) == (*INVALID, "SAD_EXPIRED")
    assert late.json()["error_description"] == "SAD expired"
    again = {"credentialID": credential, "SAD": extended, "hash": [two]}
    assert code_of(user.post("credentials/extendTransaction", again))[2] == "SAD_EXPIRED"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"signAlgo": wire.SHA256_ECDSA_OID}, "SIGN_ALGO_INVALID"),
        ({"signAlgo": "1.2.840.113549.1.1.10"}, "SIGN_ALGO_INVALID"),
        ({"signAlgo": wire.RSA_OID, "hashAlgo": None}, "MISSING_PARAMETER"),
        ({"hashAlgo": "1.3.14.3.2.26"}, "HASH_ALGO_INVALID"),
        ({"signAlgoParams": "MDk="}, "INVALID_PARAMETER"),
        ({"hash": ["not base64"]}, "HASH_MALFORMED"),
        ({"hash": ["AAAA"]}, "HASH_LENGTH"),
        ({"SAD": "never-given"}, "SAD_UNKNOWN"),
    ],
)
def test_what_cannot_be_signed_is_told(desk: Gateway, changes: dict, code: str) -> None:
    """Algorithms of another key, hashes of another length, a SAD never given."""
    user = desk.user()

    answer = user.sign(user.credential(RSA), "x", hashes(1), **changes)
    assert code_of(answer) == (*INVALID, code)


def test_three_wrong_pins_lock_the_phone_too(desk: Gateway) -> None:
    """One counter for the API and the phone; what was typed is nowhere in the answer."""
    user, batch = desk.user(OTHER), hashes(1, "pin")
    credential = user.credential(0)
    told = [user.authorize(credential, batch, PIN="102938") for _ in range(3)]

    assert [code_of(one)[1:] for one in told] == [
        ("invalid_pin", "PIN_WRONG"),
        ("invalid_pin", "PIN_WRONG"),
        ("invalid_request", "PIN_LOCKED"),
    ]
    assert [one.json()["sandbox"]["attempts_left"] for one in told] == [2, 1, 0]
    assert "102938" not in "".join(one.text for one in told)
    assert told[0].json()["error_description"] == "The PIN is invalid"
    holder, _ = desk.room.service.issuing.holder(desk.room.space, OTHER)
    assert holder.locked
    assert code_of(user.authorize(credential, batch))[2] == "PIN_LOCKED"
    desk.room.service.issuing.unlock(desk.room.space, OTHER, by="trainer")
    assert user.authorize(credential, batch).status_code == 200


def test_a_pin_of_another_length_uses_up_no_try(desk: Gateway) -> None:
    """As on the phone: five digits are a slip, not a guess."""
    user = desk.user()
    answer = user.authorize(user.credential(), hashes(1), PIN="12345")

    assert code_of(answer) == (400, "invalid_pin", "PIN_FORM")
    holder, _ = desk.room.service.issuing.holder(desk.room.space, ENGINEER)
    assert holder.wrong_pins == 0


@pytest.mark.parametrize("missing", ["PIN", "OTP", "hash"])
def test_each_factor_is_required(desk: Gateway, missing: str) -> None:
    """SCAL 2 with PIN and code: none of the three may be left out."""
    user = desk.user()
    answer = user.authorize(user.credential(), hashes(1), **{"OTP": "000000", missing: None})

    assert code_of(answer) == (*INVALID, "MISSING_PARAMETER")
    assert answer.json()["error_description"].endswith(f"parameter {missing}")


def test_a_code_by_message_is_fresh_and_used_once(desk: Gateway) -> None:
    """Expired after 120 s, stale when a newer was sent, used after use: each its own code."""
    user, batch = desk.user(), hashes(1, "otp")
    credential = user.credential()

    def tried(code: str) -> tuple[str, str]:
        return code_of(user.authorize(credential, batch, OTP=code))[1:]

    late = user.otp(credential)
    desk.pass_time(seconds=120)
    assert tried(late) == ("invalid_otp", "OTP_EXPIRED")
    older, newer = user.otp(credential), user.otp(credential)
    assert tried(older) == ("invalid_otp", "OTP_EXPIRED")
    assert user.authorize(credential, batch, OTP=newer).status_code == 200
    assert tried(newer) == ("invalid_otp", "OTP_USED")


def test_a_wrong_pin_does_not_use_up_the_code(desk: Gateway) -> None:
    """The PIN is looked at first, so that one slip costs one thing only."""
    user, batch = desk.user(), hashes(1, "order")
    credential = user.credential()
    code = user.otp(credential)

    assert code_of(user.authorize(credential, batch, PIN="000001", OTP=code))[2] == "PIN_WRONG"
    assert user.authorize(credential, batch, OTP=code).status_code == 200


def test_five_wrong_codes_lock_this_kind_of_code(desk: Gateway) -> None:
    """The seal's time-based codes lock for five minutes, codes by message go on."""
    user, batch = desk.user(), hashes(1, "totp")
    seal, own = user.credential(SEAL), user.credential(RSA)
    right = user.otp(seal)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    told = [user.authorize(seal, batch, OTP=wrong) for _ in range(5)]

    assert [code_of(one)[2] for one in told] == [*["OTP_WRONG"] * 4, "OTP_LOCKED"]
    assert [one.json()["sandbox"]["attempts_left"] for one in told] == [4, 3, 2, 1, 0]
    assert user.authorize(own, batch).status_code == 200
    desk.pass_time(minutes=5)
    assert user.authorize(seal, batch).status_code == 200


def test_a_time_based_code_changes_every_thirty_seconds(desk: Gateway) -> None:
    """RFC 6238: good for its step and the next, then expired; nothing can be sent for it."""
    user, batch = desk.user(), hashes(1, "step")
    seal = user.credential(SEAL)
    sent = user.post("credentials/sendOTP", {"credentialID": seal})
    assert code_of(sent) == (*INVALID, "OTP_OFFLINE")
    desk.pass_time(seconds=90)
    code = user.otp(seal)
    desk.pass_time(seconds=75)
    assert code_of(user.authorize(seal, batch, OTP=code))[2] == "OTP_EXPIRED"
    code = user.otp(seal)
    desk.pass_time(seconds=29)
    assert user.authorize(seal, batch, OTP=code).status_code == 200


def test_messages_come_late_or_never_where_the_space_says_so(desk: Gateway) -> None:
    """A message 180 s late brings a code that has expired; a lost one brings none."""
    user, space = desk.user(OTHER), desk.room.space
    otp = desk.room.service.otp
    desk.room.spaces.set_switches("tap", signing_otp_delay=180)
    desk.pass_time(seconds=2)
    before = len(otp.messages(desk.room.space, OTHER))
    user.post("credentials/sendOTP", {"credentialID": user.credential(0)})
    assert len(otp.messages(desk.room.space, OTHER)) == before
    desk.pass_time(seconds=180)
    late = otp.messages(desk.room.space, OTHER)[0]
    assert late.expires_at < space.now(desk.clock)
    desk.room.spaces.set_switches("tap", signing_otp_delay="never")
    desk.pass_time(seconds=2)
    user.post("credentials/sendOTP", {"credentialID": user.credential(0)})
    desk.pass_time(hours=1)
    assert otp.messages(desk.room.space, OTHER)[0] == late
    desk.room.spaces.set_switches("tap", signing_otp_delay=0)
    desk.pass_time(seconds=2)


def test_the_ledger_tells_the_whole_story(desk: Gateway) -> None:
    """Log-ins, codes, authorisations, signatures and refusals stand in one unbroken chain."""
    events = {event for event, _ in desk.ledger()}

    assert {
        "login",
        "otp_sent",
        "authorized",
        "extended",
        "hashes_signed",
        "declined",
        "wrong_pin",
        "locked",
        "wrong_otp",
        "otp_locked",
    } <= events
    assert desk.room.service.ledger_is_intact(desk.room.space)
    page = desk.room.client.get(f"{desk.room.base}/ky-so/so-cai")
    assert page.status_code == 200
