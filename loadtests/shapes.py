"""Load shapes: how many users there are at each moment. Apart from the personas on purpose."""

from __future__ import annotations

from locust import LoadTestShape

from loadtests.plan import Plan
from loadtests.volume.plan import VolumePlan


class Steady(LoadTestShape):
    """The profile's users from the first second until the run's time is up."""

    abstract = True
    plan: Plan | VolumePlan

    def tick(self) -> tuple[int, float] | None:
        """Return users and spawn rate, or None to end the run."""
        profile = self.plan.profile
        if self.get_run_time() >= profile.bounds.time_s:  # type: ignore[no-untyped-call]
            return None
        users = self.plan.users if isinstance(self.plan, VolumePlan) else profile.shape.users
        return users, profile.shape.spawn_per_s


SHAPES: dict[str, type[Steady]] = {"steady": Steady, "closed": Steady, "open": Steady}
"""By the name a profile gives under `shape: kind`; closed and open differ in when a user sends."""
