"""The commands: what they print, and with which code they leave."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.builders.running import PROJECT

FINE, REFUSED, MISUSE, BROKEN = 0, 1, 2, 3


def hocba(*arguments: str, data, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HOCBA_")}
    return subprocess.run(
        [sys.executable, "-m", "sandbox.cli", *arguments],
        cwd=PROJECT,
        env=kept | {"HOCBA_DATA": str(data)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def signed_record(sandbox, folder):
    """A record of the practice space's first school, signed by its three roles."""
    from sandbox.documents import parse_record, read_report_card
    from sandbox.domain.report_card import Slot
    from sandbox.pki import Certificate, PrivateKey
    from sandbox.xmldsig import prepare

    space = sandbox.open_space("practice")
    signers = {row.ma: row for row in space.nguoi_ky}
    record = space.hoc_ba[0]
    xml = record.xml.encode()
    general = read_report_card(parse_record(xml)).general
    for slot, who in (
        (Slot.GVCN, general.teacher_id),
        (Slot.CBQL, general.leader_id),
        (Slot.KY_PHAT_HANH, general.school_code),
    ):
        signer = signers[who]
        draft = prepare(
            xml,
            slot=slot,
            signer=Certificate.from_pem(signer.chung_thu),
            at=space.gio_khong_gian,
        )
        xml = draft.complete(PrivateKey.from_pem(signer.khoa).sign(draft.signed_bytes))
    file = folder / "record.xml"
    file.write_bytes(xml)
    seal = signers[general.school_code]
    (folder / "seal.key").write_text(seal.khoa)
    (folder / "seal.crt").write_text(seal.chung_thu)
    return space, file


def test_version_answers_with_json(tmp_path):
    """`hocba version --json` prints JSON alone and leaves with 0."""
    done = hocba("version", "--json", data=tmp_path)

    assert done.returncode == FINE
    assert set(json.loads(done.stdout)) == {"version", "catalogue"}


@pytest.mark.parametrize(
    ("arguments", "environment", "named"),
    [
        (("validate", "absent.xml"), {}, "absent.xml"),
        (("version",), {"HOCBA_TYPO": "1"}, None),
        (("reset", "nowhere"), {}, "nowhere"),
        (("keys", "12345678"), {}, "12345678"),
        (("reset", "tap"), {"HOCBA_PORT": "eighty"}, "HOCBA_PORT"),
        (("reset", "tap"), {"HOCBA_DATABASE": "mysql://x"}, "HOCBA_DATABASE"),
        (("reset", "tap"), {"HOCBA_TYPO": "1"}, "HOCBA_TYPO"),
        (("serve", "kitchen"), {}, "kitchen"),
        (("load", "pipeclean"), {}, "secrets.json"),
    ],
)
def test_misuse_leaves_with_2_and_names_what_is_wrong(tmp_path, arguments, environment, named):
    """A wrong command, setting or file is exit 2 with its name and no traceback."""
    done = hocba(*arguments, data=tmp_path, **environment)

    assert "Traceback" not in done.stdout + done.stderr
    if named is None:
        assert done.returncode == FINE
        return
    assert done.returncode == MISUSE
    assert named in done.stdout + done.stderr


def test_a_damaged_secrets_file_is_named_with_its_remedy(tmp_path):
    """An installation whose secrets cannot be read says which file, and what to do."""
    (tmp_path / "secrets.json").write_text("{")

    done = hocba("reset", "tap", data=tmp_path)

    assert done.returncode == MISUSE
    assert "secrets.json" in done.stderr
    assert "remove it" in done.stderr


def test_keys_hands_out_a_pair_that_belongs_together(tmp_path, sandbox_up):
    """The seal's key signs what its certificate verifies; the key file is private."""
    from sandbox.pki import Certificate, PrivateKey

    done = sandbox_up.hocba("keys", "48999401", "--out", str(tmp_path), "--json")

    answer = json.loads(done.stdout)
    key = PrivateKey.from_pem((tmp_path / "48999401.key.pem").read_text())
    certificate = Certificate.from_pem((tmp_path / "48999401.crt.pem").read_text())
    assert done.returncode == FINE
    assert key.public_key == certificate.public_key
    assert (tmp_path / "48999401.key.pem").stat().st_mode & 0o077 == 0
    assert {row["dau_moi"] for row in answer["accounts"]} == {"so-48"}


def test_a_record_is_validated_packed_submitted_and_accepted(tmp_path, sandbox_up):
    """From a signed record to the desk's answer with three commands."""
    space, record = signed_record(sandbox_up, tmp_path)
    account = space.school_accounts()[0]
    package = tmp_path / "package.xml"

    offline = sandbox_up.hocba("validate", str(record), "--json")
    packed = sandbox_up.hocba(
        "pack",
        str(record),
        "--key",
        str(tmp_path / "seal.key"),
        "--cert",
        str(tmp_path / "seal.crt"),
        "--out",
        str(package),
        "--at",
        space.gio_khong_gian.isoformat(),
    )
    in_space = sandbox_up.hocba("validate", str(package), "--space", space.khong_gian, "--json")
    submitted = sandbox_up.hocba(
        "submit",
        str(package),
        "--desk",
        space.dia_chi.cong,
        "--user",
        account.user_name,
        "--password",
        account.mat_khau,
        "--unit",
        account.ma_don_vi,
        "--json",
    )

    assert offline.returncode == FINE, offline.stdout + offline.stderr
    assert packed.returncode == FINE, packed.stderr
    assert in_space.returncode == FINE, in_space.stdout
    assert json.loads(in_space.stdout)["not_checked"] == []
    assert submitted.returncode == FINE, submitted.stdout + submitted.stderr
    assert [row["trang_thai"] for row in json.loads(submitted.stdout)["rows"]] == [1]


def test_validate_says_what_it_could_not_check_offline(tmp_path, sandbox_up):
    """Registers, approvals, revocation and earlier records are named as not checked."""
    _, record = signed_record(sandbox_up, tmp_path)

    done = sandbox_up.hocba("validate", str(record), "--json")

    not_checked = {row["ma"] for row in json.loads(done.stdout)["not_checked"]}
    assert {"SBX-3009", "SBX-3015", "SBX-3016", "SBX-5001", "SBX-5003", "SBX-5004"} <= not_checked


def test_a_changed_record_is_refused_with_code_place_and_remedy(tmp_path, sandbox_up):
    """One letter changed after signing: SBX-3002, exit 1, and the place of the data."""
    _, record = signed_record(sandbox_up, tmp_path)
    xml = record.read_bytes()
    record.write_bytes(xml.replace(b"<NHAN_XET_GVCN>", b"<NHAN_XET_GVCN>A", 1))

    done = sandbox_up.hocba("validate", str(record), "--json")

    answer = json.loads(done.stdout)
    assert done.returncode == REFUSED
    assert answer["codes"][0] == "SBX-3002"
    row = answer["records"][0]["chi_tiet"][0]
    assert row["xpath"]
    assert row["cach_sua"]


def test_submit_to_a_desk_that_is_away_is_the_sandbox_not_the_sender(tmp_path, sandbox_up):
    """Nobody listens there: exit 3, one line."""
    _, record = signed_record(sandbox_up, tmp_path)

    done = sandbox_up.hocba(
        "submit", str(record), "--desk", "http://127.0.0.1:9/kho/so/48",
        "--user", "x", "--password", "y", "--unit", "48999401",
    )  # fmt: skip

    assert done.returncode == BROKEN
    assert "Traceback" not in done.stderr


def test_submit_refuses_a_target_outside_this_machine(tmp_path, sandbox_up):
    """Practice packages never leave loopback."""
    _, record = signed_record(sandbox_up, tmp_path)

    done = sandbox_up.hocba(
        "submit", str(record), "--desk", "http://192.0.2.1/kho",
        "--user", "x", "--password", "y", "--unit", "48999401",
    )  # fmt: skip

    assert done.returncode == MISUSE
    assert "192.0.2.1" in done.stderr
