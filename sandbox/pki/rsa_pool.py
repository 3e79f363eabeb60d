"""RSA keys that a seed decides.

The crypto library cannot be given a seed, so the primes are found here: a SHAKE-256 stream, a
sieve, Miller-Rabin. Good for practice keys that must be the same everywhere, and for nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sandbox.errors import Misuse
from sandbox.pki.keys import PrivateKey, expand

_EXPONENT: Final = 65537
_ROUNDS: Final = 12
"""Miller-Rabin rounds; for random 1024-bit candidates far beyond any doubt."""
_WINDOW: Final = 1 << 14
"""How far the sieve looks above each random start."""


def _small_primes(limit: int) -> tuple[int, ...]:
    is_prime = bytearray([1]) * limit
    for n in range(2, int(limit**0.5) + 1):
        if is_prime[n]:
            is_prime[n * n :: n] = bytes(len(is_prime[n * n :: n]))
    return tuple(n for n in range(3, limit) if is_prime[n])


_SIEVE: Final = _small_primes(1 << 13)


def derive_rsa(seed: str, label: str, *, bits: int = 2048) -> PrivateKey:
    """Return the RSA key that belongs to *label* under *seed*; takes about a second for 2048."""
    half = bits // 2
    p = _prime(seed, f"rsa{bits}|{label}|p", half)
    q = _prime(seed, f"rsa{bits}|{label}|q", half)
    return PrivateKey.from_rsa_primes(max(p, q), min(p, q), exponent=_EXPONENT)


@dataclass(frozen=True, slots=True)
class RsaPool:
    """A fixed number of RSA keys, made once from the seed and kept as PEM files in *folder*.

    Keys are drawn by number, so any holder gets the same key on every machine. Raises `Misuse`
    when a kept file cannot be read.
    """

    seed: str
    folder: Path
    size: int = 16
    bits: int = 2048
    _ready: dict[int, PrivateKey] = field(default_factory=dict, repr=False, compare=False)

    def key(self, number: int) -> PrivateKey:
        """Return key *number* modulo the size of the pool; made and kept at the first call."""
        place = number % self.size
        if place not in self._ready:
            self._ready[place] = self._kept(place)
        return self._ready[place]

    def _kept(self, place: int) -> PrivateKey:
        mark = expand(self.seed, "rsa pool", 6).hex()
        path = self.folder / f"rsa{self.bits}-{mark}-{place:03d}.pem"
        if path.exists():
            try:
                return PrivateKey.from_pem(path.read_bytes())
            except ValueError as fault:
                raise Misuse(
                    f"not a private key: {fault}", file=str(path), remedy="delete the file"
                ) from fault
        key = derive_rsa(self.seed, f"pool {place}", bits=self.bits)
        self._keep(path, key)
        return key

    def _keep(self, path: Path, key: PrivateKey) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        # two processes may make the same key at once: each writes its own file, either may win
        fresh = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(key.pem())
        fresh.replace(path)


def _prime(seed: str, label: str, bits: int) -> int:
    for start in _starts(seed, label, bits):
        for candidate in _sieved(start):
            if (candidate - 1) % _EXPONENT and _is_prime(candidate, seed, label):
                return candidate
    raise AssertionError("the stream of starts never ends")


def _starts(seed: str, label: str, bits: int) -> Iterator[int]:
    """Yield odd numbers of *bits* bits, the top two set so that the product is full length."""
    turn = 0
    while True:
        number = int.from_bytes(expand(seed, f"{label}|{turn}", bits // 8), "big")
        yield number | (3 << (bits - 2)) | 1
        turn += 1


def _sieved(start: int) -> Iterator[int]:
    """Yield the numbers from *start* up, two apart, that no small prime divides."""
    out = bytearray(_WINDOW)
    for prime in _SIEVE:
        # smallest k with start + 2k divisible by the prime
        first = (-start) * pow(2, -1, prime) % prime
        out[first::prime] = b"\x01" * len(out[first::prime])
    return (start + 2 * k for k in range(_WINDOW) if not out[k])


def _is_prime(n: int, seed: str, label: str) -> bool:
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for turn in range(_ROUNDS):
        # base 2 first: it turns nearly all composites away at once
        base = 2 if turn == 0 else int.from_bytes(expand(seed, f"{label}|w{turn}", 32), "big") + 2
        x = pow(base, odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True
