"""What a process counts in memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.clock import FixedClock
from sandbox.ministry.checking.verdict import PackageVerdict
from sandbox.ministry.metering import FAMILIES, Meter
from sandbox.ministry.metering_figures import Figures
from sandbox.ministry.metering_watch import PackageWatch
from sandbox.ministry.model import Claim, Package, PackageState


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


def test_packages_settled_together_share_their_time() -> None:
    """Three packages in nine seconds took three each, however long each one waited."""
    clock, meter = FixedClock(), Meter()
    watch = PackageWatch(meter, clock, worker="a")
    claims = [claim_of(number, received=clock.epoch() - 10) for number in range(3)]
    for claim in claims:
        watch.begun(claim)
        clock.advance(2)
    clock.advance(3)
    for claim in claims:
        watch.settled(claim, PackageVerdict(timings={"4": 1.0}))
    for number in (7, 8):  # dropped while the database was away; given up
        watch.begun(claim_of(number, received=clock.epoch(), until=7.0))
    watch.given_up(claim_of(8, received=clock.epoch(), until=7.0), "SBX-9001")
    clock.advance(5000)
    alone = claim_of(9, received=clock.epoch())
    watch.begun(alone)
    clock.advance(5)
    watch.settled(alone, PackageVerdict(timings={"4": 1.0}))

    figures = figures_of(meter)
    (spread,) = figures.spreads("package_seconds").values()
    (waited,) = figures.spreads("package_wait_seconds").values()
    steps = {labels[0][1]: found.total for labels, found in figures.spreads("step_seconds").items()}
    assert (spread.count, spread.total) == (5, 14.0)
    assert waited.total == 10 + 12 + 14
    assert steps == {"4": 4.0, "rest": 10.0}


def claim_of(number: int, *, received: float, until: float = 60.0) -> Claim:
    package = Package(
        space="tap",
        desk="kho",
        messageid=str(number),
        user_name="truong",
        unit_code="48999401",
        nam_hoc=2024,
        request_hash="h",
        size=4,
        state=PackageState.CLAIMED,
        received_epoch=received,
        received_at="2025-05-28T08:00:00+07:00",
        due_epoch=received,
    )
    return Claim(package, b"", "a", until)
