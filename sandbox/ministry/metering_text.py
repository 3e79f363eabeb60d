"""The figures in the text format of Prometheus, version 0.0.4."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from sandbox import __version__
from sandbox.ministry.metering import FAMILIES, Family
from sandbox.ministry.metering_figures import Figures, Pace
from sandbox.ministry.metering_store import ProcessRow, QueueRow

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
PREFIX = "hocba_"


def in_text(figures: Figures) -> bytes:
    """Return *figures* for a scraper; every name begins with `hocba_`."""
    return generate_latest(_Told(figures))


class _Told(Collector):
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        for name, family in FAMILIES.items():
            yield self._counted(name, family)
        yield from self._queues()
        yield from self._paces()
        yield from self._processes()
        yield from self._house()

    def _counted(self, name: str, family: Family) -> Metric:
        if family.kind == "histogram":
            spread = HistogramMetricFamily(PREFIX + name, family.help, labels=family.labels)
            for labels, found in self._figures.spreads(name).items():
                values = [value for _, value in labels]
                spread.add_metric(values, list(found.buckets), found.total)
            return spread
        counter = CounterMetricFamily(PREFIX + name, family.help, labels=family.labels)
        for labels, value in sorted(self._figures.counter(name).items()):
            counter.add_metric([said for _, said in labels], value)
        return counter

    def _queues(self) -> Iterator[Metric]:
        rows = self._figures.queues
        epoch = self._figures.epoch
        told: tuple[tuple[str, str, Callable[[QueueRow], float]], ...] = (
            ("queue_waiting", "Packages that wait for a worker", lambda row: row.waiting),
            ("queue_claimed", "Packages a worker has in hand", lambda row: row.claimed),
            (
                "queue_oldest_seconds",
                "Age of the oldest package without a result",
                lambda row: max(0.0, epoch - row.oldest_epoch),
            ),
        )
        for name, help_text, value in told:
            gauge = GaugeMetricFamily(PREFIX + name, help_text, labels=("space", "desk"))
            for row in rows:
                gauge.add_metric([row.space, row.desk], value(row))
            yield gauge

    def _paces(self) -> Iterator[Metric]:
        told: tuple[tuple[str, str, Callable[[Pace], float]], ...] = (
            (
                "received_packages_per_second",
                "Packages taken in, over about the last minute",
                lambda pace: pace.received_per_s,
            ),
            (
                "settled_packages_per_second",
                "Packages with a final result, over about the last minute",
                lambda pace: pace.settled_per_s,
            ),
            (
                "settled_records_per_second",
                "Records with a final result, over about the last minute",
                lambda pace: pace.records_per_s,
            ),
        )
        paces = self._figures.paces()
        for name, help_text, value in told:
            gauge = GaugeMetricFamily(PREFIX + name, help_text, labels=("space", "desk"))
            for pace in paces:
                gauge.add_metric([pace.space, pace.desk], value(pace))
            yield gauge

    def _processes(self) -> Iterator[Metric]:
        epoch = self._figures.epoch
        told: tuple[tuple[str, str, Callable[[ProcessRow], float]], ...] = (
            ("process_memory_bytes", "Resident set size", lambda row: row.memory),
            ("process_cpu_share", "Share of one core, lately", lambda row: row.cpu_share),
            (
                "process_silent_seconds",
                "Seconds since the process reported",
                lambda row: max(0.0, epoch - row.at_epoch),
            ),
            (
                "process_up_seconds",
                "Seconds since the process started",
                lambda row: max(0.0, epoch - row.started_epoch),
            ),
        )
        for name, help_text, value in told:
            gauge = GaugeMetricFamily(PREFIX + name, help_text, labels=("process", "role"))
            for row in self._figures.processes:
                gauge.add_metric([row.process, row.role], value(row))
            yield gauge

    def _house(self) -> Iterator[Metric]:
        figures = self._figures
        yield GaugeMetricFamily(
            PREFIX + "database_bytes", "Size of the database", figures.database_bytes
        )
        if figures.disk_free is not None:
            yield GaugeMetricFamily(
                PREFIX + "disk_free_bytes", "Free bytes beside the data", figures.disk_free
            )
        made = GaugeMetricFamily(PREFIX + "build_info", "Version", labels=("version",))
        made.add_metric([__version__], 1)
        yield made
