"""The keys of the signing service: derived from seed and label, never stored.

P-256 keys come from the seed and a label; RSA keys are drawn by the label's number from the pool
made once for the installation (architecture §6.4). Nothing secret lies in the database.
"""

from __future__ import annotations

import hashlib

from sandbox.errors import Misuse
from sandbox.pki import PrivateKey, RsaPool, derive_p256
from sandbox.pki.keys import expand
from sandbox.signing.model import Algorithm


class KeyRing:
    """Finds the private key behind a label; it leaves this package only inside a signature."""

    def __init__(self, seed: str, *, pool: RsaPool | None = None) -> None:
        self._seed, self._pool = seed, pool

    def key(self, label: str, algorithm: Algorithm) -> PrivateKey:
        """Return the key of *label*: the same for the same seed.

        Raises `Misuse` when an RSA key is asked for and the installation has no pool.
        """
        if algorithm == "p256":
            return derive_p256(self._seed, label)
        if self._pool is None:
            raise Misuse(
                "no pool of RSA keys", remedy="give SigningService the installation's RsaPool"
            )
        number = int.from_bytes(hashlib.sha256(label.encode()).digest()[:4])
        return self._pool.key(number)

    def secret(self, label: str, length: int) -> bytes:
        """Return *length* secret bytes of *label*: the same for the same seed."""
        return expand(self._seed, f"signing/{label}", length)
