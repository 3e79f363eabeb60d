"""`hocba validate` without a space: the same codes as the desk, and a list of what it left out."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from sandbox.defects import DEFECTS, Defect, Delivery, Kit
from sandbox.domain.rejections import CATALOGUE, Stage
from sandbox.pki import TrainingAuthority
from sandbox.settings import DEFAULT_SEED as INSTALLATION_SEED
from sandbox.settings import read_settings
from sandbox.synthetic import DEFAULT_SEED
from sandbox.world.validating import Verdict, validate_file
from tests.builders.campaign import said_by, written

STAGES = (Stage.PACKAGE, Stage.SCHEMA, Stage.SIGNATURE, Stage.RULES)
OFFLINE = [name for name, defect in DEFECTS.items() if defect.stage in STAGES]
LISTS_AND_APPROVALS = {"SBX-3009", "SBX-3015", "SBX-3016"}
"""What only a desk can see of a signature: its approvals and the revocation lists."""


@cache
def kit() -> Kit:
    return Kit(TrainingAuthority.from_seed(INSTALLATION_SEED), seed=DEFAULT_SEED)


@cache
def delivery_of(name: str) -> Delivery:
    return DEFECTS[name].make(kit())


ABOUT_THE_REQUEST = {"school_year_of_the_request_differs", "record_instead_of_package"}
"""No fault of the document: the request says otherwise, or wanted a package."""


def stands_alone(name: str) -> bool:
    """Whether the fault of mutation *name* is in the package document itself."""
    made = delivery_of(name)
    whole = made.package is not None and made.sent_content is None and not made.edits
    return whole and name not in ABOUT_THE_REQUEST


def validated(delivery: Delivery, folder: Path, *, as_request: bool) -> Verdict:
    return validate_file(
        written(delivery, folder, unit_code=kit().school_code if as_request else None),
        space=None,
        desk=None,
        settings=lambda: read_settings({"HOCBA_DATA": str(folder)}),
        at=kit().now,
    )


def is_left_out(defect: Defect, verdict: Verdict) -> bool:
    """Whether the check that finds *defect* is among those the verdict could not make."""
    return (defect.within or defect.provokes) in verdict.not_checked


@pytest.mark.parametrize("name", OFFLINE)
def test_offline_the_first_code_is_the_desks(tmp_path: Path, name: str) -> None:
    """A request's file gets the desk's code, or the check is listed as one not made here."""
    defect = DEFECTS[name]
    verdict = validated(delivery_of(name), tmp_path, as_request=True)

    if is_left_out(defect, verdict):
        assert (defect.within or defect.provokes) in LISTS_AND_APPROVALS
    elif defect.is_warning:
        assert verdict.accepted
        assert defect.provokes in said_by(verdict)
    else:
        assert verdict.codes[0] == defect.provokes


def test_the_package_document_alone_gets_the_same_codes(tmp_path: Path) -> None:
    """Without the request around it, what is wrong in a package is still found and named."""
    alone = [name for name in OFFLINE if stands_alone(name)]
    silent = []
    for name in alone:
        defect = DEFECTS[name]
        verdict = validated(delivery_of(name), tmp_path, as_request=False)
        refused = verdict.codes[:1] == (defect.provokes,)
        warned = defect.is_warning and defect.provokes in said_by(verdict)
        if not refused and not warned and not is_left_out(defect, verdict):
            silent.append((name, verdict.codes))

    assert len(alone) >= 150
    assert silent == []


def test_what_was_not_checked_is_listed(tmp_path: Path) -> None:
    """A good package passes offline; every code that needs a desk is said not to be checked."""
    good = Delivery(package=kit().good_package())
    verdict = validated(good, tmp_path, as_request=True)

    registers = {code for code, row in CATALOGUE.items() if row.stage is Stage.REGISTER}
    assert verdict.accepted
    assert set(verdict.not_checked) >= LISTS_AND_APPROVALS | {"SBX-1111"}
    assert set(verdict.not_checked) & registers
    assert verdict.as_json("en")["not_checked"]


def test_few_faults_are_beyond_an_offline_check() -> None:
    """Most of the parity above is a code found, not a check left out."""
    beyond = [
        n for n in OFFLINE if (DEFECTS[n].within or DEFECTS[n].provokes) in LISTS_AND_APPROVALS
    ]

    assert len(beyond) <= len(OFFLINE) // 10
