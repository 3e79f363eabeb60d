"""The one database of an installation: what it refuses to start on."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Column, MetaData, String, Table

from sandbox.errors import Misuse
from sandbox.web.store import Database


def tables(*columns: str) -> MetaData:
    metadata = MetaData()
    Table("notes", metadata, *(Column(name, String(8)) for name in columns))
    return metadata


def test_a_database_of_another_version_is_refused_by_name(tmp_path: Path) -> None:
    """Data made by an older version are named with the remedy; nothing is half read or changed."""
    database = Database(f"sqlite:///{tmp_path}/old.sqlite")
    database.create(tables("a"))

    with pytest.raises(Misuse) as refused:
        database.create(tables("a", "b"))

    assert "notes.b" in str(refused.value)
    assert "--data" in (refused.value.remedy or "")
    database.create(tables("a"))
