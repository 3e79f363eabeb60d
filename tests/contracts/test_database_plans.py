"""PostgreSQL plans each statement anew, beside whatever an address asks of it."""

from __future__ import annotations

from sqlalchemy import text

from sandbox.web import Database
from tests.contracts.conftest import Cluster


def test_a_server_keeps_no_plan_and_does_what_its_address_says(cluster: Cluster) -> None:
    """The sandbox's option and those of the address both reach the server."""
    database = Database(f"{cluster.url('postgres')}&options=-c%20application_name%3Dbeside")
    try:
        with database.read() as connection:
            plans = connection.execute(text("SHOW plan_cache_mode")).scalar_one()
            name = connection.execute(text("SHOW application_name")).scalar_one()
    finally:
        database.close()

    assert (plans, name) == ("force_custom_plan", "beside")
