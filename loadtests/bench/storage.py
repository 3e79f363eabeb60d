"""Ways to keep the original bytes: what each costs in bytes and microseconds per record."""

from __future__ import annotations

import random
import statistics
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import zstandard

from loadtests.bench.sample import Sample
from sandbox.documents import parse
from sandbox.ministry.packing import LEVEL

DICTIONARY: Final = 112_640
"""Bytes of a trained dictionary, as the zstd command line makes them."""
DICTIONARY_SCHOOLS: Final = 3
"""Turns (schools) it is trained on; the others are what it is tried on."""
ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Way:
    """One way to keep a package's records."""

    name: str
    keep: Callable[[list[bytes]], list[bytes]]
    """The records of a package → what is stored of them."""
    fetch: Callable[[list[bytes], int], bytes]
    """What is stored, and a record's place → that record, byte for byte."""


def measure(sample: Sample) -> dict[str, dict[str, float]]:
    """Return bytes, µs to keep and µs to fetch one record, of each way."""
    schools = [
        [[record.original for record in parse(package.xml).records] for package in turn]
        for turn in sample.turns
    ]
    train: list[bytes | bytearray | memoryview] = [
        record
        for school in schools[:DICTIONARY_SCHOOLS]
        for package in school
        for record in package
    ]
    tried = [package for school in schools[DICTIONARY_SCHOOLS:] for package in school]
    assert tried, "schools that the dictionary has not seen"
    return {way.name: _measured(way, tried) for way in _ways(train)}


def _ways(train: list[bytes | bytearray | memoryview]) -> list[Way]:
    dictionary = zstandard.train_dictionary(DICTIONARY, train)
    small, large = _zstd(None), _zstd(dictionary)
    return [
        Way("raw", list, lambda kept, place: kept[place]),
        _each("zlib_record", lambda data: zlib.compress(data, 6), zlib.decompress),
        _each("zstd_record", *small),
        _each("zstd_dictionary", *large),
        _frame("zstd_package", *small),
    ]


def _zstd(
    dictionary: zstandard.ZstdCompressionDict | None,
) -> tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]:
    compressor: Any = zstandard.ZstdCompressor(level=LEVEL, dict_data=dictionary)
    expander: Any = zstandard.ZstdDecompressor(dict_data=dictionary)
    return compressor.compress, expander.decompress


def _each(name: str, compress: Callable[[bytes], bytes], expand: Callable[[bytes], bytes]) -> Way:
    """One blob per record."""
    return Way(
        name,
        lambda records: [compress(record) for record in records],
        lambda kept, place: expand(kept[place]),
    )


def _frame(name: str, compress: Callable[[bytes], bytes], expand: Callable[[bytes], bytes]) -> Way:
    """One frame per package; a record is cut out of it by position and length."""
    ends: dict[int, list[int]] = {}

    def keep(records: list[bytes]) -> list[bytes]:
        frame = compress(b"".join(records))
        places = [0]
        for record in records:
            places.append(places[-1] + len(record))
        ends[hash(frame)] = places
        return [frame]

    def fetch(kept: list[bytes], place: int) -> bytes:
        places = ends[hash(kept[0])]
        return expand(kept[0])[places[place] : places[place + 1]]

    return Way(name, keep, fetch)


def _measured(way: Way, packages: list[list[bytes]]) -> dict[str, float]:
    records = sum(len(package) for package in packages)
    keeping, fetching = [], []
    kept: list[list[bytes]] = []
    for _ in range(ROUNDS):
        began = time.process_time()
        kept = [way.keep(package) for package in packages]
        keeping.append((time.process_time() - began) / records)
        asked = [
            (one, place, package[place])
            for one, package in zip(kept, packages, strict=True)
            for place in random.Random(len(package)).sample(range(len(package)), 3)
        ]
        began = time.process_time()
        found = [way.fetch(one, place) for one, place, _ in asked]
        fetching.append((time.process_time() - began) / len(asked))
        assert found == [record for _, _, record in asked], way.name
    return {
        "bytes_per_record": round(sum(len(blob) for one in kept for blob in one) / records, 1),
        "keep_us": round(statistics.median(keeping) * 1e6, 2),
        "fetch_us": round(statistics.median(fetching) * 1e6, 2),
    }
