"""Composition root: builds stores, authority, services and apps from settings, seed and clock."""

from __future__ import annotations

from fastapi import FastAPI

from sandbox.settings import read_settings
from sandbox.world.build import World, build_app, build_world
from sandbox.world.watching import watched

__all__ = ["World", "app_from_environment", "build_app", "build_world", "serving_app"]


def app_from_environment() -> FastAPI:
    """Return the web application of the settings in the environment (one of several processes)."""
    return serving_app(build_world(read_settings()))


def serving_app(world: World) -> FastAPI:
    """Return the web application of *world* for this process, which reports its figures."""
    return watched(build_app(world), world)
