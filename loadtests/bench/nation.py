"""What the invented nation costs: records per second of one core, bytes, and the whole of it.

CPU time of this process is what counts, so that what else the machine does makes no difference.
"""

from __future__ import annotations

import gzip
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import zstandard

from sandbox.corpora import Maker, Order
from sandbox.corpora.writing import ZSTD_LEVEL
from sandbox.documents import envelope
from sandbox.synthetic.nation import Nation

SCHOOLS: Final = (1_900, 5_700, 9_500, 13_300)
"""Schools of four provinces, about 2,400 records."""
ROUNDS: Final = 3
CORES: Final = 2
"""For how many cores the whole nation is reckoned."""


def measure() -> dict[str, float]:
    """Return rates of one core, bytes per record, and what the whole nation would take."""
    with tempfile.TemporaryDirectory(prefix="hocba-bench-") as pool:
        order = Order(pool_folder=Path(pool))
        maker, by_rsa = Maker(order), Maker(replace(order, rsa_per_mille=1_000))
        compress = zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress
        unsigned = _rate(lambda turn: sum(1 for n in _schools(turn) for _ in maker.unsigned(n)))
        signed = _rate(lambda turn: _records(maker, _schools(turn)))
        stored = _rate(lambda turn: _records(maker, _schools(turn), also=compress))
        sent = _rate(lambda turn: _records(maker, _schools(turn)[:1], also=envelope.pack))
        rsa = _rate(lambda turn: _records(by_rsa, _schools(turn)[:1]))
        made = [pack for number in SCHOOLS[:2] for pack in maker.packs(number)]
    records = sum(pack.records for pack in made)
    sizes = {
        "raw": sum(len(pack.xml) for pack in made) / records,
        "gzip": sum(len(gzip.compress(pack.xml, 9)) for pack in made) / records,
        "stored": sum(len(compress(pack.xml)) for pack in made) / records,
    }
    whole = Nation().records
    rates = {
        "unsigned": unsigned,
        "signed_p256": signed,
        "signed_p256_stored": stored,
        "signed_p256_as_requests": sent,
        "signed_rsa2048": rsa,
    }
    return {
        **{f"{name}_records_per_s": round(rate, 1) for name, rate in rates.items()},
        "packages_per_s": round(signed * len(made) / records, 2),
        **{f"bytes_per_record_{name}": round(size) for name, size in sizes.items()},
        "nation_records": whole,
        **{
            f"nation_{name}_minutes_{CORES}_cores": round(whole / rate / CORES / 60, 1)
            for name, rate in rates.items()
        },
        **{f"nation_gb_{name}": round(whole * size / 1e9, 1) for name, size in sizes.items()},
    }


def _schools(turn: int) -> tuple[int, ...]:
    """Return other schools each time: nothing kept from the last time helps."""
    return tuple(number + turn for number in SCHOOLS)


def _records(
    maker: Maker, schools: tuple[int, ...], *, also: Callable[[bytes], object] = len
) -> int:
    """Make the packages of *schools*, do *also* with each, and return their records."""
    records = 0
    for number in schools:
        for pack in maker.packs(number):
            also(pack.xml)
            records += pack.records
    return records


def _rate(work: Callable[[int], int]) -> float:
    """Return what *work* counts per second of CPU time (median of `ROUNDS`, one before them)."""
    work(0)
    rates = []
    for turn in range(1, ROUNDS + 1):
        began = time.process_time()
        count = work(turn)
        rates.append(count / (time.process_time() - began))
    return statistics.median(rates)
