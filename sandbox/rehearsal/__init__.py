"""Rehearsal desk (diễn tập cho nhà cung cấp): scenarios as data, judged at the receiving desk."""

from sandbox.rehearsal.engine import Limits
from sandbox.rehearsal.report import print_report, write_json, write_junit
from sandbox.rehearsal.results import Fault, Result, RunReport, StepReport
from sandbox.rehearsal.run import Installation, prepare_pack, rehearse
from sandbox.rehearsal.scenario import load_scenario, scenario_names
from sandbox.rehearsal.service import RehearsalDesk, keep_run

__all__ = [
    "Fault",
    "Installation",
    "Limits",
    "RehearsalDesk",
    "Result",
    "RunReport",
    "StepReport",
    "keep_run",
    "load_scenario",
    "prepare_pack",
    "print_report",
    "rehearse",
    "scenario_names",
    "write_json",
    "write_junit",
]
