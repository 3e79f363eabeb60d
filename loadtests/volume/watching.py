"""What the processes behind a desk cost: CPU seconds by role, and proportional memory.

A process's CPU includes that of children it has buried, so nobody who dies in between is lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import psutil

from loadtests.volume.target import CHECKERS, WEB, Target

MEGABYTE = 1_048_576


class Watch:
    """Looks at a target's processes whenever it is asked to."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._peaks: dict[tuple[str, int], float] = {}

    def cpu(self) -> dict[str, float]:
        """Return CPU seconds used so far, by role."""
        used: dict[str, float] = defaultdict(float)
        for role, process in self._processes():
            try:
                spent = process.cpu_times()
            except psutil.Error:
                continue
            used[role] += spent.user + spent.system + spent.children_user + spent.children_system
        return dict(used)

    def look_at_memory(self) -> None:
        """Keep the most each process has held: its own share of what is shared (PSS)."""
        for role, process in self._processes():
            try:
                held = process.memory_full_info().pss / MEGABYTE
            except psutil.Error:
                continue
            key = role, process.pid
            self._peaks[key] = max(held, self._peaks.get(key, 0.0))

    def peaks(self) -> dict[str, list[float]]:
        """Return the peak of each process in MB, the largest first, by role."""
        found: dict[str, list[float]] = defaultdict(list)
        for (role, _), held in self._peaks.items():
            found[role].append(round(held, 1))
        return {role: sorted(held, reverse=True) for role, held in found.items()}

    def _processes(self) -> Iterator[tuple[str, psutil.Process]]:
        for role, pids in self._target.roots().items():
            for pid in pids:
                try:
                    root = psutil.Process(pid)
                    tree = [root, *root.children(recursive=True)]
                except psutil.Error:
                    continue
                for process in tree:
                    yield _role_of(process, role), process


def _role_of(process: psutil.Process, role: str) -> str:
    """Return *role*, or that a child of the web server is a checking process."""
    if role != WEB:
        return role
    try:
        return CHECKERS if "worker" in process.cmdline() else WEB
    except psutil.Error:
        return WEB
