"""Corpora are the same alone, in their province, in any number of processes, on any day."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import subprocess
import sys

import duckdb
import pytest
import zstandard

from sandbox.corpora import Form, Maker, Packing, SchoolRow, stream
from sandbox.documents import envelope, parse, read_report_card
from sandbox.errors import Misuse
from sandbox.synthetic.nation import Slice
from tests.builders.corpora import NEXT_SCHOOL, SCHOOL, checked, made, order, packages_in
from tests.builders.nation import nation

TWO = Slice(schools=(SCHOOL, NEXT_SCHOOL), per_mille=100)
GOLDEN = "94b5066f05e149fcd205fa6553ae080f3b18be7bbab812a78552d92658ad26eb"
GOLDEN_UNSIGNED = "d050d72e680efc12b237f5e4c154d0ffa7e207425019c5f41e60d6266380e50d"
GOLDEN_PARQUET = "5ad7f59ac08300740f865f1837e5b2616196f5342414aac2716bc643e8dee584"

HASH_A_SLICE = """
import io, sys
from sandbox.corpora import stream
from tests.builders.corpora import SCHOOL, NEXT_SCHOOL, order
from sandbox.synthetic.nation import Slice
part = Slice(schools=(SCHOOL, NEXT_SCHOOL), per_mille=100)
print(stream(order(part=part), io.BytesIO())["sha256"])
"""


def hashed(**said) -> str:
    return stream(order(**said), io.BytesIO())["sha256"]


def test_the_manifest_of_a_slice_is_golden():
    """The same hashes as when this test was written: a change of any byte shows here."""
    assert hashed(part=TWO) == GOLDEN
    assert hashed(part=TWO, form=Form.UNSIGNED) == GOLDEN_UNSIGNED


@pytest.mark.parametrize(("hash_seed", "zone"), [("1", "Pacific/Kiritimati"), ("4711", "UTC")])
def test_neither_process_nor_day_nor_hash_seed_makes_a_difference(hash_seed, zone):
    """A fresh interpreter under another PYTHONHASHSEED, in a zone where it is another day."""
    done = subprocess.run(
        [sys.executable, "-c", HASH_A_SLICE],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == GOLDEN


def test_several_processes_write_the_same_files(tmp_path):
    """One process, three processes: the same manifest, ledger and packages."""
    part = Slice(schools=(SCHOOL, SCHOOL + 3), per_mille=60)
    one = made(tmp_path / "one", part=part)
    several = made(tmp_path / "several", part=part, processes=3)
    assert one == several
    assert packages_in(tmp_path / "one") == packages_in(tmp_path / "several") != []
    ledgers = [(tmp_path / name / "ledger.jsonl").read_bytes() for name in ("one", "several")]
    assert ledgers[0] == ledgers[1]


def test_a_school_alone_equals_the_same_school_in_its_province():
    """What a province's corpus holds of a school is what the school's own corpus holds."""
    province = nation().school(SCHOOL).department_code
    inside = Maker(order(part=Slice(province=province, per_mille=100)))
    alone = Maker(order(part=Slice(schools=(SCHOOL, SCHOOL), per_mille=100)))
    numbers = [n for n in inside.schools if n in (SCHOOL, NEXT_SCHOOL)]
    packs = {number: list(inside.packs(number)) for number in numbers}
    assert packs[SCHOOL] == list(alone.packs(SCHOOL)) != []


def test_every_form_holds_the_same_packages(tmp_path):
    """Files, zstd frames and requests: one content, one hash."""
    hashes = {
        form: made(tmp_path / form, form=form)["sha256"]
        for form in (Form.XML, Form.ZSTD, Form.REQUESTS)
    }
    assert len(set(hashes.values())) == 1
    plain = packages_in(tmp_path / "xml")
    (frames,) = (tmp_path / "zstd").glob("*/*.xml.zst")
    raw = (
        zstandard.ZstdDecompressor()
        .stream_reader(frames.read_bytes(), read_across_frames=True)
        .read()
    )
    assert raw == b"".join(plain)
    (lines,) = (tmp_path / "requests").glob("*/*.jsonl")
    requests = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [envelope.unpack(request["content"]).xml for request in requests] == plain
    fields = requests[0]["authenticationRequest"]
    assert (fields["nam_hoc"], fields["type"], fields["function"]) == (2024, "1", "NOP_HOC_BA")
    assert fields["ma_don_vi"] == nation().school(SCHOOL).code


@pytest.mark.parametrize("packing", list(Packing))
def test_the_desk_accepts_every_package(packing):
    """By class and by school: no finding, not even a warning."""
    maker = Maker(order(packing=packing))
    packs = list(maker.packs(SCHOOL))
    for pack in packs:
        verdict = checked(maker, SCHOOL, envelope.pack(pack.xml))
        assert not verdict.refused
        assert [record.findings for record in verdict.records] == [()] * pack.records
    assert (len(packs) == 1) is (packing is Packing.SCHOOL)


def test_a_package_by_school_stays_below_the_limits():
    """The largest schools are cut into packages of at most 150 records."""
    number = max(range(1, 14_661, 50), key=lambda n: nation().school(n).records)
    plan = nation().school(number)
    assert plan.records > 1_500
    packs = list(
        Maker(order(part=Slice(schools=(number, number)), packing=Packing.SCHOOL)).packs(number)
    )
    assert sum(pack.records for pack in packs) == plan.records
    assert all(pack.records <= 150 and len(pack.xml) < 3 * 1_048_576 for pack in packs)
    assert len({pack.messageid for pack in packs}) == len(packs)


def test_the_table_says_what_the_records_say(tmp_path):
    """One row per record, by the record's own tags; what is absent is empty."""
    made(tmp_path, form=Form.CSV, part=Slice(schools=(SCHOOL, SCHOOL), class_index=3))
    with (tmp_path / "records.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    cards = nation().school_class(SCHOOL, 3).cards
    assert [row["HO_VA_TEN"] for row in rows] == [card.general.pupil_name for card in cards]
    for row, card in zip(rows, cards, strict=True):
        scores = {s.code: s.score for s in card.summary.subjects if s.score is not None}
        said = {k[:3]: int(v) for k, v in row.items() if k.endswith("_DIEM") and v}
        assert said == scores
        assert row["KET_QUA_XEP_LOAI"] == card.summary.result
        assert row["TEN_LOP"] == card.general.class_name
        assert row["HO_VA_TEN_CHA"] == (card.general.father or "")


def test_the_parquet_file_is_golden(tmp_path):
    """The same bytes as when this test was written."""
    made(tmp_path, form=Form.PARQUET, part=Slice(schools=(SCHOOL, SCHOOL), class_index=3))
    raw = (tmp_path / "records.parquet").read_bytes()
    assert raw[:4] == raw[-4:] == b"PAR1"
    assert hashlib.sha256(raw).hexdigest() == GOLDEN_PARQUET


def test_an_independent_reader_finds_the_parquet_file_equal_to_csv_and_xml(tmp_path):
    """DuckDB counts as many rows, in the same order, and every cell says what CSV and XML say."""
    part = Slice(schools=(SCHOOL, NEXT_SCHOOL), per_mille=200)
    manifest = made(tmp_path / "parquet", form=Form.PARQUET, part=part)
    made(tmp_path / "csv", form=Form.CSV, part=part)
    made(tmp_path / "xml", part=part)
    read = duckdb.sql(f"SELECT * FROM read_parquet('{tmp_path}/parquet/records.parquet')")
    kinds = dict(zip(read.columns, map(str, read.types), strict=True))
    assert (kinds["CAN_NANG"], kinds["S01_DIEM"], kinds["HO_VA_TEN"]) == (
        "DOUBLE", "INTEGER", "VARCHAR",
    )  # fmt: skip
    rows = [dict(zip(read.columns, row, strict=True)) for row in read.fetchall()]
    with (tmp_path / "csv" / "records.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert len(rows) == len(table) == manifest["records"] > 100
    for row, said in zip(rows, table, strict=True):
        assert {name: _cell(value) for name, value in row.items()} == {
            name: _cell(float(text) if kinds[name] == "DOUBLE" and text else text or None)
            for name, text in said.items()
        }
    records = [record for xml in packages_in(tmp_path / "xml") for record in parse(xml).records]
    for row, record in zip(rows, records, strict=True):
        card = read_report_card(record)
        general = card.general
        assert (row["MA_TRA_CUU_UUID"], row["HO_VA_TEN"], row["SO_CCCD"], row["TEN_LOP"]) == (
            general.record_id, general.pupil_name, general.pupil_id, general.class_name,
        )  # fmt: skip
        assert (row["CAN_NANG"], row["CHIEU_CAO"]) == (
            float(general.weight_kg),
            float(general.height_cm),
        )
        assert {s.code: row[f"{s.code}_DIEM"] for s in card.summary.subjects} == {
            s.code: s.score for s in card.summary.subjects
        }


def _cell(value) -> str | None:
    return None if value is None else str(value)


# ---- killed and gone on with ---------------------------------------------------------------------


@pytest.mark.parametrize("form", [Form.XML, Form.CSV])
def test_a_run_that_breaks_off_goes_on_and_ends_with_the_same_hashes(tmp_path, form):
    """Broken off between two schools and with half a line in the ledger."""
    part = Slice(schools=(SCHOOL, SCHOOL + 3), per_mille=60)
    whole = made(tmp_path / "whole", part=part, form=form)
    folder = tmp_path / "broken"
    broken_off_after(2, folder, part=part, form=form)
    with (folder / "ledger.jsonl").open("a") as ledger:
        ledger.write('{"number":73')
    assert made(folder, part=part, form=form, resume=True, processes=2) == whole
    for name in ("ledger.jsonl", "manifest.json"):
        assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert packages_in(folder) == packages_in(tmp_path / "whole")


class Broken(Exception):
    pass


def broken_off_after(schools: int, folder, **said) -> None:
    from sandbox.corpora import make

    seen: list[SchoolRow] = []

    def stop(row: SchoolRow) -> None:
        seen.append(row)
        if len(seen) == schools:
            raise Broken

    with pytest.raises(Broken):
        make(order(**said), folder, on_school=stop)


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    """Without --resume, with another order, or with files that are no corpus: misuse."""
    part = Slice(schools=(SCHOOL, SCHOOL), class_index=0)
    made(tmp_path / "one", part=part)
    with pytest.raises(Misuse, match="stands here"):
        made(tmp_path / "one", part=part)
    with pytest.raises(Misuse, match="another corpus"):
        made(tmp_path / "one", part=part, form=Form.ZSTD, resume=True)
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "letter.txt").write_text("dear")
    with pytest.raises(Misuse, match="not empty"):
        made(tmp_path / "two", part=part)


def test_an_order_for_nothing_is_misuse(tmp_path):
    """A province of the other era, a grade the year does not have."""
    with pytest.raises(Misuse, match="no province"):
        made(tmp_path / "a", part=Slice(province="99"))
    with pytest.raises(Misuse, match="no school"):
        made(tmp_path / "b", school_year="2023-2024", part=Slice(schools=(1, 3), grade=5))


def test_memory_does_not_grow_with_the_slice():
    """Packages are made one at a time: the tenth school takes no more than the first."""
    maker = Maker(order(part=Slice(schools=(SCHOOL, SCHOOL + 40))))
    import tracemalloc

    for pack in maker.packs(SCHOOL):
        parse(pack.xml)
    tracemalloc.start()
    for number in range(SCHOOL + 1, SCHOOL + 3):
        for _ in maker.packs(number):
            pass
    after_two, _ = tracemalloc.get_traced_memory()
    for number in range(SCHOOL + 3, SCHOOL + 6):
        for _ in maker.packs(number):
            pass
    after_five, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after_five - after_two < 4_000_000
    assert peak < 40_000_000
