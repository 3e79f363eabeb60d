"""Puts a process's figures into the database every few seconds, in one small transaction.

What a process counts between two of these is lost when it is killed, some seconds' worth; what
was written never is. Nothing here may disturb the process's own work: when the database is busy or
full, counting goes on and the next report carries all of it.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from sandbox.ministry import metering_store as kept
from sandbox.ministry.metering import Series
from sandbox.ministry.service import MinistryService

LOG = logging.getLogger("sandbox.ministry.metering")
EVERY_S = 5.0
"""How often a process reports while it has something new to say, machine seconds."""
QUIET_EVERY_S = 15.0
"""How often it says that it is there."""

SILENT_S = 600.0
"""After this long without a report a process counts as gone."""
_SAMPLED = (
    "packages_received",
    "packages_settled",
    "records_accepted",
    "records_refused",
)


class Recorder:
    """Reports for one process: `web` or `checker`. *folder*: where free disk space is measured."""

    def __init__(self, service: MinistryService, *, role: str, folder: Path) -> None:
        self._service, self._role, self._folder = service, role, folder
        self._database, self._clock = service.database, service.clock
        self.name = f"{role}-{os.getpid()}-{secrets.token_hex(2)}"
        self._process = psutil.Process()
        self._cpu_series: Series = ("process_cpu_seconds", (("role", role),))
        self._started = self._clock.epoch()
        self._last: dict[Series, float] = {}
        self._base: dict[Series, float] = {}
        self._reported: tuple[float, float] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._complained = False

    def start(self) -> None:
        """Report in the background from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Report a last time, and say that this process has ended in good order; only once."""
        if self._stop.is_set():
            return
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(EVERY_S)
        self._try(self._end)

    def _run(self) -> None:
        self._try(self.write_once)
        while not self._stop.wait(EVERY_S):
            self._try(self.write_once)

    def _try(self, report: Callable[[], None]) -> None:
        """Make a report; a failure is told once, until one has worked again."""
        try:
            report()
            self._complained = False
        except Exception:
            if not self._complained:
                LOG.warning("figures could not be written; trying again", exc_info=True)
            self._complained = True

    def write_once(self) -> None:
        """Report now, and take the sample of this moment if nobody has."""
        epoch = self._clock.epoch()
        self._report(epoch)
        self._take_sample(epoch)

    def _end(self) -> None:
        epoch = self._clock.epoch()
        self._report(epoch)
        with self._database.write() as connection:
            kept.silence(connection, self.name, at_epoch=epoch - SILENT_S - 1)

    def _report(self, epoch: float) -> None:
        used = self._process.cpu_times()
        cpu = used.user + used.system
        figures = self._service.meter.figures()
        quiet = figures.keys() == self._last.keys() and figures == self._last
        if quiet and self._reported and 0 <= epoch - self._reported[0] < QUIET_EVERY_S:
            return
        told = {**figures, self._cpu_series: cpu}
        with self._database.write() as connection:
            kept.spare_the_disk(connection)
            base = self._base
            if self._reported and not kept.is_known(connection, self.name):
                base = self._told_last()  # folded while this machine slept: begin at zero again
            kept.write_process(connection, self._row(epoch, cpu))
            kept.write_figures(connection, self.name, self._news(told, base))
        self._base, self._last, self._reported = base, figures, (epoch, cpu)

    def _told_last(self) -> dict[Series, float]:
        assert self._reported is not None
        return {**self._last, self._cpu_series: self._reported[1]}

    def _news(
        self, figures: Mapping[Series, float], base: Mapping[Series, float]
    ) -> dict[Series, float]:
        return {
            series: value - base.get(series, 0.0)
            for series, value in figures.items()
            if value != self._last.get(series)
        }

    def _row(self, epoch: float, cpu: float) -> kept.ProcessRow:
        share = 0.0
        if self._reported and epoch > self._reported[0]:
            share = max(0.0, cpu - self._reported[1]) / (epoch - self._reported[0])
        return kept.ProcessRow(
            process=self.name,
            role=self._role,
            pid=self._process.pid,
            started_epoch=self._started,
            at_epoch=epoch,
            memory=self._process.memory_info().rss,
            cpu_share=round(share, 4),
            disk_free=psutil.disk_usage(str(self._folder)).free,
        )

    def _take_sample(self, epoch: float) -> None:
        slot = int(epoch // kept.SLOT_S)
        with self._database.read() as connection:
            if kept.is_sampled(connection, slot=slot):
                return
            desks = sampled_desks(
                kept.queues(connection), kept.totals(connection, _SAMPLED), epoch=epoch
            )
        spaces = {space.id for space in self._service.spaces.all()}
        with self._database.write() as connection:
            kept.spare_the_disk(connection)
            if kept.add_sample(connection, kept.Sample(epoch, desks), slot=slot):
                kept.fold(connection, silent_since=epoch - SILENT_S, spaces=spaces)


def sampled_desks(
    queues: list[kept.QueueRow], totals: Mapping[Series, float], *, epoch: float
) -> tuple[kept.DeskSample, ...]:
    """Return the desks where something is open or was counted."""
    names = dict(zip(_SAMPLED, ("received", "settled", "accepted", "refused"), strict=True))
    found: dict[tuple[str, str], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for (name, labels), value in totals.items():
        said = dict(labels)
        found[said["space"], said["desk"]][names[name]] += value
    for row in queues:
        found[row.space, row.desk] |= {
            "open": row.waiting + row.claimed,
            "oldest_s": max(0.0, epoch - row.oldest_epoch),
        }
    return tuple(
        kept.DeskSample(space, desk, **figures)  # type: ignore[arg-type]
        for (space, desk), figures in sorted(found.items())
    )
