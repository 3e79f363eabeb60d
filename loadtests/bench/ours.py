"""The check path of the sandbox, as its worker calls it, and the verifier alone."""

from __future__ import annotations

import cProfile
import io
import pstats
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from loadtests.bench.sample import AT, Package, Sample
from loadtests.bench.space import space_at
from sandbox.documents import envelope, parse
from sandbox.ministry import RegisterUnit
from sandbox.ministry.approvals import DeskApprovals
from sandbox.ministry.checking import Context, Sender, check_package
from sandbox.ministry.exercise import exercise_of
from sandbox.ministry.model import DeskKind, PupilFacts
from sandbox.ministry.registrations import seeded
from sandbox.pki import Certificate, RevocationList
from sandbox.xmldsig import verify_package, verify_record

PROFILED: Final = 45
"""Lines of the profile."""
FIRST_YEAR: Final = 2024

STAGES: Final = {
    "1": "decode",
    "2": "parse",
    "3": "package_signature",
    "4": "schema",
    "5-6": "signatures",
    "7": "register",
    "8": "rules",
    "9": "settle",
}
"""Step of transactions §5 → name in the results."""


@dataclass(frozen=True, slots=True)
class NothingEarlier:
    """A desk that holds no record yet."""

    pupils: dict[str, PupilFacts]
    used: frozenset[str] = frozenset()
    alive: frozenset[tuple[str, str]] = frozenset()


class World:
    """Everything a package of a sample is checked against, kept as long as a worker lives."""

    def __init__(self, sample: Sample) -> None:
        self.trust = sample.trust
        self.revocations: Mapping[str, RevocationList] = sample.revocations()
        self.units = {school.unit.ma_truong: school.unit for school in sample.schools}
        self.seals = {school.unit.ma_truong: school.seal for school in sample.schools}

    def register(self, codes: frozenset[str]) -> dict[str, RegisterUnit]:
        """Return the register's rows of *codes*."""
        return {code: self.units[code] for code in codes if code in self.units}

    def is_seal(self, school: str, certificate: Certificate) -> bool:
        """Tell whether *certificate* seals for *school*."""
        return self.seals.get(school) == certificate.der

    def context(self, package: Package, ticks: Callable[[], float] | None = None) -> Context:
        """Return what *package* is checked against; *ticks* measures its steps."""
        context = Context(
            at=AT,
            exercise=exercise_of(space_at(AT)),
            trust=self.trust,
            revocations=self.revocations.__getitem__,
            approvals=DeskApprovals(
                DeskKind.CONG,
                lambda unit: [seeded(unit, self.seals[unit], at=AT)] if unit in self.seals else [],
            ),
            sender=Sender(package.school, "truong", FIRST_YEAR),
            register=self.register,
        )
        if ticks is not None:
            context.ticks = ticks
        return context


class OurPath:
    """The whole check in this process: from the envelope to every record's verdict."""

    name = "ours"

    def __init__(self, sample: Sample) -> None:
        self._world = World(sample)

    def accepted(self, package: Package) -> int:
        """Check *package* and return how many of its records count."""
        verdict = check_package(
            package.content, self._world.context(package), earlier=NothingEarlier({})
        )
        return sum(record.accepted for record in verdict.records)

    def profile(self, packages: tuple[Package, ...]) -> str:
        """Return where the time goes: the most expensive functions by own time."""
        profiler = cProfile.Profile()
        for package in packages:
            profiler.runcall(self.accepted, package)
        text = io.StringIO()
        pstats.Stats(profiler, stream=text).strip_dirs().sort_stats("tottime").print_stats(PROFILED)
        return text.getvalue()


class OurStages:
    """The same check with a clock before and after each step."""

    def __init__(self, sample: Sample) -> None:
        self._world = World(sample)

    def seconds(self, packages: tuple[Package, ...]) -> dict[str, float]:
        """Return the CPU seconds of each step over *packages*."""
        spent = dict.fromkeys(STAGES.values(), 0.0)
        for package in packages:
            context = self._world.context(package, ticks=time.process_time)
            verdict = check_package(package.content, context, earlier=NothingEarlier({}))
            for step, seconds in verdict.timings.items():
                name = STAGES.get(step, step)
                spent[name] = spent.get(name, 0.0) + seconds
        return spent


class OurVerifier:
    """The three signatures of each record alone: package read and its own signature verified."""

    def __init__(self, sample: Sample) -> None:
        self._world = World(sample)

    def seconds(self, packages: tuple[Package, ...]) -> dict[str, float]:
        """Return the CPU seconds of `verify_record` over all records of *packages*.

        Once as a worker calls it, once step by step with every step written down: what the
        signature doctor does, and what an unusual record costs at least.
        """
        spent = {"verify_record": 0.0, "verify_closely": 0.0}
        for package in packages:
            parsed = parse(envelope.unpack(package.content).xml)
            signature = verify_package(
                parsed,
                trust=self._world.trust,
                revocations=self._world.revocations,
                at=AT,
                registered=None,
            )
            for name, closely in (("verify_record", False), ("verify_closely", True)):
                began = time.process_time()
                for record in parsed.records:
                    verify_record(
                        record,
                        trust=self._world.trust,
                        revocations=self._world.revocations,
                        at=AT,
                        registered=self._world.is_seal,
                        trace=closely,
                        is_canonical=signature.is_canonical,
                    )
                spent[name] += time.process_time() - began
        return spent
