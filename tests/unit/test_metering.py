"""What a process counts in memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.ministry.metering import FAMILIES, Meter
from sandbox.ministry.metering_figures import Figures


def figures_of(meter: Meter) -> Figures:
    return Figures(0.0, meter.figures(), (), (), (), 0)


def test_threads_lose_no_count() -> None:
    """Eight threads at once, and each package is there."""
    meter = Meter()

    def work(_number: int) -> None:
        for _ in range(500):
            meter.package("tap", "kho", {"4": 0.1, "6": 0.3}, accepted=29, refused={"rules": 1})
            meter.answered("hoc-ba", status=200, error="0", seconds=0.004)
            meter.cache("crl", hit=True)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))

    figures = figures_of(meter)
    assert figures.by("packages_settled", "outcome") == {"done": 4000}
    assert figures.by("records_refused", "stage") == {"rules": 4000}
    assert figures.by("cache_hits", "cache") == {"crl": 4000}
    (answers,) = figures.spreads("intake_seconds").values()
    assert answers.count == 4000
    assert answers.total == pytest.approx(16.0)


def test_a_value_on_a_bound_lies_below_it_and_a_huge_one_above_all() -> None:
    """As Prometheus counts: `le` means less or equal."""
    meter = Meter()
    for seconds in (0.001, 0.0011, 99.0):
        meter.answered("token", status=200, error="0", seconds=seconds)

    (spread,) = figures_of(meter).spreads("intake_seconds").values()
    buckets = dict(spread.buckets)

    assert (buckets["0.001"], buckets["0.0025"], buckets["5"], buckets["+Inf"]) == (1, 2, 2, 3)
    assert spread.quantile(0.5) == 0.0025
    assert spread.quantile(0.99) is None


def test_a_cache_that_counts_for_itself_is_asked_when_figures_are_read() -> None:
    """What it says now is what stands there now."""
    meter, looks = Meter(), [(0, 1)]
    meter.watch_cache("certificate", lambda: looks[0])
    meter.figures()
    looks[0] = (7, 3)

    figures = figures_of(meter)
    assert figures.by("cache_hits", "cache") == {"certificate": 7}
    assert figures.by("cache_misses", "cache") == {"certificate": 3}


def test_every_figure_that_is_counted_is_declared_with_its_labels() -> None:
    """A figure nobody declared would never reach the page or Prometheus."""
    meter = Meter()
    meter.received("tap", "kho", size=10)
    meter.answered("hoc-ba", status=503, error="SBX-1118", seconds=0.1)
    meter.package("tap", "kho", {"1": 0.1}, accepted=1, refused={"schema": 2})
    meter.package("tap", "kho", {}, package_refused=True)
    meter.put_back("CRL")
    meter.lost()
    meter.fault()
    meter.cache("crl", hit=False)
    meter.cache("crl", hit=True)

    counted = set()
    for name, labels in meter.figures():
        family = name.removesuffix("_bucket").removesuffix("_sum")
        counted.add(family)
        assert tuple(label for label, _ in labels if label != "le") == FAMILIES[family].labels
    assert counted == set(FAMILIES) - {"process_cpu_seconds"}
