"""Fixtures shared by all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.builders.running import RunningSandbox, running


@pytest.fixture(scope="session")
def sandbox_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """One whole sandbox on SQLite for a run; a test that changes `tap` opens its own space."""
    with running(tmp_path_factory.mktemp("up")) as sandbox:
        yield sandbox
