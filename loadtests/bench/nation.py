"""What the invented nation costs: records per second of one core, bytes, and the whole of it.

CPU time of this process is what counts, so that what else the machine does makes no difference.
"""

from __future__ import annotations

import cProfile
import gzip
import io
import pstats
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import zstandard

from sandbox.corpora import Form, Maker, Order, make
from sandbox.corpora.writing import ZSTD_LEVEL
from sandbox.documents import envelope
from sandbox.synthetic.nation import Nation, Slice

SCHOOLS: Final = (1_900, 5_700, 9_500, 13_300)
"""Schools of four provinces, about 2,400 records."""
ROUNDS: Final = 3
CORES: Final = 2
"""For how many cores the whole nation is reckoned."""
WRITTEN: Final = (7_000, 7_039)
"""Schools written to disk by as many processes, about 24,000 records."""
PROFILED: Final = 40
"""Lines of the profile."""


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


def written() -> dict[str, float]:
    """Return records per second of wall time, and bytes on disk, of a corpus made by `CORES`.

    What else the machine does slows this one: read it beside the load average.
    """
    order = Order(part=Slice(schools=WRITTEN), form=Form.ZSTD)
    with tempfile.TemporaryDirectory(prefix="hocba-bench-") as folder:
        began = time.perf_counter()
        manifest = make(order, Path(folder) / "corpus", processes=CORES)
        took = time.perf_counter() - began
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    records, whole = manifest["records"], Nation().records
    return {
        f"written_{CORES}_processes_records_per_s": round(records / took, 1),
        "written_bytes_per_record_on_disk": round(size / records),
        f"nation_written_{CORES}_processes_minutes": round(whole / records * took / 60, 1),
        "nation_written_gb_on_disk": round(whole / records * size / 1e9, 1),
    }


def profile() -> str:
    """Return where the time of signed packages goes: the most expensive functions by own time."""
    maker = Maker(Order())
    _records(maker, _schools(0)[:1])
    profiler = cProfile.Profile()
    profiler.runcall(_records, maker, _schools(1)[:2])
    text = io.StringIO()
    pstats.Stats(profiler, stream=text).strip_dirs().sort_stats("tottime").print_stats(PROFILED)
    return text.getvalue()


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
