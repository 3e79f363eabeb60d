"""The steps that brought the desks' tables from version 1 to that of today, in order.

A step never changes once it is out: append the next one. See `sandbox.web.migrations_store`.
"""

from __future__ import annotations

from sqlalchemy import Connection


def _indexes_of_the_backlog(connection: Connection) -> None:
    """Version 2: what was settled lately, and how much waits, are read from indexes alone.

    Both are asked each second while packages come in; without the indexes each answer read all
    packages of the desk, contents included.
    """
    connection.exec_driver_sql(
        "CREATE INDEX ministry_package_settled ON ministry_package (finished_epoch, space, desk)"
    )
    connection.exec_driver_sql(
        "CREATE INDEX ministry_package_weight ON ministry_package (size)"
        " WHERE state IN ('cho', 'dang_kiem')"
    )


STEPS = (_indexes_of_the_backlog,)
"""`STEPS[0]` leads to version 2; each step one transaction on SQLite and on PostgreSQL."""
