"""`hocba up`: a second start finds the data as they were; what it starts ends with it."""

from __future__ import annotations

import time

import httpx
import psutil
import pytest

from tests.builders.running import RunningSandbox, free_port, running

pytestmark = pytest.mark.xdist_group("up")

DOORS = ("/cong", "/lop", "/dien-tap", "/kho/api", "/tai")


@pytest.fixture
def own(tmp_path):
    with running(tmp_path) as sandbox:
        yield sandbox


def test_the_first_page_has_three_doors_that_all_lead_somewhere(sandbox_up: RunningSandbox):
    """Teachers, providers, load testers: each link on the landing page answers 200."""
    page = httpx.get(sandbox_up.base_url + "/", trust_env=False).text

    for door in DOORS:
        assert f'href="{door}' in page
        answer = httpx.get(sandbox_up.base_url + door, trust_env=False, follow_redirects=True)
        assert answer.status_code == 200, door


def test_a_second_start_finds_the_data_as_they_were(own: RunningSandbox):
    """Spaces, accounts and certificates survive a stop and a kill -9."""
    opened = own.open_space("practice")
    own.stop()
    own.start()
    with own.admin() as admin:
        url = f"{own.base_url}/quan-tri/v1/khong-gian/{opened.khong_gian}"
        after_stop = admin.call("GET", url)
    own.kill()
    own.start()
    with own.admin() as admin:
        after_kill = admin.call("GET", url)

    told = opened.model_dump(mode="json")
    for again in (after_stop, after_kill):
        for part in ("tai_khoan", "nguoi_ky", "hoc_ba"):
            assert again[part] == told[part]


def test_the_checking_process_is_restarted_when_killed_and_ends_with_the_server(
    own: RunningSandbox,
):
    """Kill -9 on the worker: a new one comes; stopping the server leaves nobody behind."""
    assert own.process is not None
    server = psutil.Process(own.process.pid)
    (worker,) = (p for p in server.children() if "worker" in p.cmdline())
    worker.kill()
    end = time.monotonic() + 30
    fresh: list[psutil.Process] = []
    while not fresh and time.monotonic() < end:
        fresh = [p for p in server.children() if "worker" in p.cmdline() and p.pid != worker.pid]
        time.sleep(0.2)
    own.stop()

    assert fresh
    _, alive = psutil.wait_procs(fresh, timeout=20)
    assert alive == []


def test_a_taken_port_is_named_with_its_remedy(sandbox_up: RunningSandbox, tmp_path):
    """A port asked for by name is not quietly exchanged for another."""
    done = sandbox_up.hocba("up", "--port", str(sandbox_up.port), "--data", str(tmp_path))

    assert done.returncode == 2
    assert str(sandbox_up.port) in done.stderr
    assert "--port" in done.stderr


def test_without_a_port_the_next_free_one_is_taken(monkeypatch):
    """8080 is only the first choice (architecture §2)."""
    import socket

    from sandbox.world import serving

    first = free_port()
    monkeypatch.setattr(serving, "FIRST_PORT", first)
    monkeypatch.setattr(serving, "LAST_PORT", first + 9)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first))
        taken.listen()

        assert serving.free_port("127.0.0.1", asked=None) != first
