"""Makes the files of this folder: `python -m tests.vectors.make_vectors`.

`record_spec_9.xml` alone is not made here: it is the example printed in the specification.
Everything else follows from a seed, byte for byte, and a test holds the committed files against
what this script makes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from sandbox.defects import DEFECTS, Kit
from sandbox.pki import TrainingAuthority

FOLDER: Final = Path(__file__).parent
SEED: Final = "hoc-ba-so-vectors"
HOSTILE: Final = (
    "package_cut_short",
    "tags_that_overlap",
    "bare_ampersand",
    "declared_as_windows_1258",
    "package_in_utf_16",
    "letter_of_an_old_code_page",
    "doctype_declared",
    "entity_reads_a_file",
    "entity_calls_a_server",
    "external_dtd",
    "entity_bomb",
    "entity_of_html",
    "nested_too_deep",
    "attributes_without_end",
    "namespace_on_the_root",
    "comment_inside_a_name",
    "name_in_nfd",
    "signed_with_sha_1",
    "signature_of_the_neighbour",
    "signed_data_hidden_in_the_signature",
    "signed_record_hidden_in_the_package",
)
"""Defects kept as files, for other verifiers and for people to look at."""


def vectors() -> dict[str, bytes]:
    """Return every file by its name."""
    kit = Kit(TrainingAuthority.from_seed(SEED))
    good = kit.good_package()
    files = {
        "good_package.xml": good,
        "good_record.xml": kit.signed(),
        "good_record_unsigned.xml": kit.record(),
        "chain.pem": kit.authority.chain_pem.encode("ascii"),
    }
    index: dict[str, dict[str, str | None]] = {}
    for name in HOSTILE:
        defect = DEFECTS[name]
        files[f"hostile/{name}.xml"] = defect.make(kit).package or b""
        index[name] = {
            "provokes": defect.provokes,
            "place": defect.place,
            "what": defect.description.partition("\n")[0],
        }
    text = json.dumps(index, ensure_ascii=False, indent=2) + "\n"
    files["hostile/index.json"] = text.encode("utf-8")
    return files


def write() -> None:
    """Write every file below this folder."""
    for name, content in vectors().items():
        path = FOLDER / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    write()
