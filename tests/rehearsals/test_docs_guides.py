"""The guides' commands work as they are printed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.running import PROJECT

GUIDES = PROJECT / "training"
FENCE = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(guide: str) -> list[str]:
    """Return the shell blocks of a guide, in order, without the one that starts the sandbox."""
    found = FENCE.findall((GUIDES / guide).read_text(encoding="utf-8"))
    return [block for block in found if block.strip() != "make up"]


def aimed(block: str, base_url: str) -> str:
    """Aim a block at the sandbox of the tests: another port than a newcomer's."""
    block = block.replace("http://127.0.0.1:8080", base_url)
    for command in ("sandbox.rehearsal my-pack", "hocba rehearse basics/first-submission"):
        block = block.replace(command, f"{command} --target {base_url}")
    return block


def shell(script: str, *, sandbox, folder: Path) -> subprocess.CompletedProcess[str]:
    for name, target in ((".venv", Path(sys.prefix)), ("scenarios", PROJECT / "scenarios")):
        if not (folder / name).exists():
            (folder / name).symlink_to(target)
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "HOCBA_DATA": str(sandbox.data), "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_the_quick_start_submits_a_record_with_curl_and_it_is_accepted(sandbox_up, tmp_path):
    """Copied line by line, the provider's quick start ends with an accepted record."""
    pack, submit, ask, *_ = blocks("providers-guide.md")
    script = aimed("\n".join((pack, submit, ask)), sandbox_up.base_url)

    done = shell(script, sandbox=sandbox_up, folder=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"Error":"0"' in done.stdout.replace(" ", "")
    answer = json.loads((tmp_path / "my-pack/curl/result.answer.json").read_text())
    assert [row["trang_thai"] for row in answer["DanhSach"]] == [1]


def test_the_doctor_of_the_providers_guide_looks_at_the_packs_submission(sandbox_up, tmp_path):
    """The command and the service, as printed, say that the prepared submission is signed well."""
    pack, *others = blocks("providers-guide.md")
    doctor = next(block for block in others if "hocba doctor" in block)
    script = aimed("\n".join((pack, doctor)), sandbox_up.base_url)

    done = shell(script, sandbox=sandbox_up, folder=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Các chữ ký đều đúng." in done.stdout
    assert '"ket_luan":"chua_luu"' in done.stdout.replace(" ", "")
    assert (tmp_path / "my-pack/bytes/package-signed_info.xml").exists()


def test_the_pack_is_never_written_over(sandbox_up, tmp_path):
    """A second run with the same folder is misuse: keys and records stay as they were."""
    block = aimed(blocks("providers-guide.md")[0], sandbox_up.base_url)

    codes = [shell(block, sandbox=sandbox_up, folder=tmp_path).returncode for _ in range(2)]

    assert codes == [0, 2]


def test_the_remote_signing_of_the_providers_guide_signs(sandbox_up, tmp_path):
    """The commands under "Connect to remote signing" end with a signature."""
    (block,) = (one for one in blocks("providers-guide.md") if "csc.sh" in one)

    done = shell(aimed(block, sandbox_up.base_url), sandbox=sandbox_up, folder=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r'"signatures":\["[A-Za-z0-9+/=]{344}"\]\}$', done.stdout.strip())


def test_the_rehearsal_of_the_providers_guide_passes(sandbox_up, tmp_path):
    """The command under "Rehearse your program" passes as printed."""
    block = aimed(blocks("providers-guide.md")[-1], sandbox_up.base_url)

    done = shell(block, sandbox=sandbox_up, folder=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_first_run_of_the_load_testers_guide_passes(sandbox_up, tmp_path):
    """The command under "First run" says PASS."""
    (block,) = (one for one in blocks("load-testers-guide.md") if "hocba load pipeclean" in one)

    done = shell(aimed(block, sandbox_up.base_url), sandbox=sandbox_up, folder=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS" in done.stdout


def test_the_look_of_the_load_testers_guide_shows_what_runs(sandbox_up, tmp_path):
    """The command under "Watch it work" shows both processes."""
    (block,) = (one for one in blocks("load-testers-guide.md") if "hocba top" in one)

    done = shell(aimed(block, sandbox_up.base_url), sandbox=sandbox_up, folder=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "checker-" in done.stdout
    assert "web-" in done.stdout


@pytest.mark.long
def test_the_benchmark_of_the_load_testers_guide_measures_and_compares(sandbox_up, tmp_path):
    """The commands under "The benchmark" leave figures, a chart and a comparison behind."""
    (block,) = (one for one in blocks("load-testers-guide.md") if "loadtests.bench" in one)
    (tmp_path / "loadtests").symlink_to(PROJECT / "loadtests")

    done = shell(block, sandbox=sandbox_up, folder=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "signxml_to_ours" in done.stdout
    assert "drift" in done.stdout
    assert {file.suffix for file in (tmp_path / "figures").iterdir()} == {".json", ".svg", ".txt"}


@pytest.mark.long
def test_a_school_of_the_nation_is_sent_as_the_load_testers_guide_says(sandbox_up, tmp_path):
    """The commands under "The whole nation" make, register and send a corpus: all is stored."""
    (block,) = (one for one in blocks("load-testers-guide.md") if "hocba load volume" in one)
    space = sandbox_up.open_space(hat_giong="guide")

    done = shell(aimed(block, space.dia_chi.goc), sandbox=sandbox_up, folder=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS volume" in done.stdout
    assert (tmp_path / "volume.svg").exists()


def test_the_operators_guide_backs_up_and_restores(sandbox_up, tmp_path):
    """Typed line by line beside a running sandbox: a copy that can be backed up itself."""
    script = "\n".join(blocks("operators-guide.md"))

    done = shell(script, sandbox=sandbox_up, folder=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "copy" / "sandbox.db").exists()
    assert '"ministry_record"' in done.stdout


@pytest.mark.parametrize("guide", ["providers-guide.md", "load-testers-guide.md"])
def test_every_file_a_guide_names_is_there(guide):
    """No guide sends its reader to a file that does not exist."""
    text = (GUIDES / guide).read_text(encoding="utf-8")
    named = re.findall(r"`((?:scenarios|loadtests|training)/[\w./-]+)`", text)

    assert named
    assert [name for name in named if not (PROJECT / name).exists()] == []
