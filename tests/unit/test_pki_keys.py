"""Keys: decided by seed and label, signing in the form XMLDSig writes."""

from __future__ import annotations

import hashlib
import stat

import pytest

from sandbox.errors import Misuse
from sandbox.pki import PrivateKey, RsaPool, SignatureAlgorithm, derive_p256, derive_rsa
from tests.builders.signing import rsa_key

DATA = b"<SignedInfo></SignedInfo>"


def test_the_same_seed_and_label_give_the_same_p256_key():
    """A derived key depends on seed and label alone."""
    assert derive_p256("a", "x").pem() == derive_p256("a", "x").pem()


@pytest.mark.parametrize(("seed", "label"), [("b", "x"), ("a", "y")])
def test_another_seed_or_label_gives_another_key(seed, label):
    """Neither seed nor label is ignored."""
    assert derive_p256(seed, label).public_key != derive_p256("a", "x").public_key


def test_ecdsa_signatures_are_r_and_s_side_by_side_and_always_the_same():
    """ECDSA values are 64 bytes, not DER, and deterministic (RFC 6979)."""
    key = derive_p256("a", "x")

    assert len(key.sign(DATA)) == 64
    assert key.sign(DATA) == key.sign(DATA)


def test_a_key_signs_a_digest_as_it_signs_the_data():
    """The signing service sees hashes only and makes the same signature."""
    for key in (derive_p256("a", "x"), rsa_key()):
        assert key.sign_digest(hashlib.sha256(DATA).digest()) == key.sign(DATA)


def test_a_digest_of_another_length_is_not_signed():
    """sign_digest takes SHA-256 only."""
    with pytest.raises(ValueError):
        derive_p256("a", "x").sign_digest(b"\x00" * 20)


@pytest.mark.parametrize(
    "key", [derive_p256("a", "x"), rsa_key(), rsa_key().with_pss()], ids=["p256", "rsa", "pss"]
)
def test_each_kind_of_signature_verifies_and_one_flipped_bit_does_not(key):
    """P-256, PKCS#1 v1.5 and PSS values check out with the public key, changed ones do not."""
    value = key.sign(DATA)
    flipped = bytes([value[0] ^ 1]) + value[1:]

    assert key.public_key.verifies(value, DATA, algorithm=key.algorithm)
    assert not key.public_key.verifies(flipped, DATA, algorithm=key.algorithm)
    assert not key.public_key.verifies(value, DATA + b" ", algorithm=key.algorithm)


def test_an_algorithm_of_another_kind_of_key_verifies_nothing():
    """An RSA value declared as ECDSA is simply wrong, not an error."""
    key = rsa_key()

    assert not key.public_key.verifies(
        key.sign(DATA), DATA, algorithm=SignatureAlgorithm.ECDSA_SHA256
    )


def test_a_key_survives_its_pem():
    """PKCS#8 out and in gives the same key."""
    for key in (derive_p256("a", "x"), rsa_key()):
        assert PrivateKey.from_pem(key.pem()).sign(DATA) == key.sign(DATA)


def test_garbage_is_no_private_key():
    """A PEM that holds no RSA or EC key is a ValueError."""
    with pytest.raises(ValueError):
        PrivateKey.from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")


def test_rsa_keys_follow_from_the_seed():
    """The same seed and label give the same RSA key, though no library can be seeded."""
    assert derive_rsa("a", "x", bits=512).pem() == derive_rsa("a", "x", bits=512).pem()
    assert derive_rsa("a", "x", bits=512).public_key != derive_rsa("a", "y", bits=512).public_key


def test_an_rsa_key_has_its_full_length():
    """2048 means 2048."""
    assert rsa_key().public_key.kind == "RSA-2048"


def test_the_pool_makes_a_key_once_and_keeps_it(tmp_path):
    """A second pool over the same folder reads the key instead of looking for primes."""
    made = RsaPool("a", tmp_path, size=2, bits=512).key(1)
    (kept,) = tmp_path.iterdir()
    read = RsaPool("a", tmp_path, size=2, bits=512).key(3)

    assert read.pem() == made.pem() == kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_two_seeds_share_a_folder_without_sharing_keys(tmp_path):
    """The file names of a pool carry a mark of its seed."""
    one, other = (RsaPool(seed, tmp_path, size=1, bits=512).key(0) for seed in ("a", "b"))

    assert one.public_key != other.public_key


def test_a_spoilt_key_file_is_named_with_its_remedy(tmp_path):
    """A kept file that holds no key is a misuse that says which file, never a traceback."""
    RsaPool("a", tmp_path, size=1, bits=512).key(0)
    (kept,) = tmp_path.iterdir()
    kept.write_text("spoilt")

    with pytest.raises(Misuse) as caught:
        RsaPool("a", tmp_path, size=1, bits=512).key(0)
    assert caught.value.file == str(kept)
