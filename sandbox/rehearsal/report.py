"""Reports of a run: console (rich), JSON, JUnit XML. One content in three dresses."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sandbox.rehearsal.results import Result, RunReport, StepReport
from sandbox.rehearsal.words import Words

STYLES = {
    Result.PASS: "green",
    Result.FAIL: "bold red",
    Result.ERROR: "bold magenta",
    Result.WAIT: "yellow",
    Result.CANCEL: "yellow",
    Result.SKIP: "dim",
    Result.OMIT: "dim",
}


def print_report(report: RunReport, *, console: Console) -> None:
    """Print the steps as a table, then the verdict and, unless it passed, what to do."""
    words = Words(report.language)
    table = Table(title=escape(f"{report.scenario}: {report.title}"), title_justify="left")
    for column in ("step", "result", "seconds", "why"):
        table.add_column(words.say(f"console.{column}"), overflow="fold")
    for step in report.steps:
        style = STYLES[step.result]
        table.add_row(
            escape(step.title),
            f"[{style}]{words.say(f'result.{step.result.value}')}[/]",
            f"{step.seconds:.1f}",
            escape(step.reason),
        )
    console.print(table)
    style = STYLES[report.result]
    verdict = words.say(
        "console.verdict",
        result=words.say(f"result.{report.result.value}"),
        fault=words.say(f"fault.{report.fault.value}"),
        code=report.exit_code,
    )
    console.print(f"[{style}]{escape(verdict)}[/]")
    for step in report.steps:
        if step.remedy:
            console.print(escape(f"{step.id}: {step.remedy}"))
    if report.result is not Result.PASS and report.client_output.strip():
        console.print(words.say("console.output"))
        console.print(escape(report.client_output.strip()[-1500:]), highlight=False)


def write_json(report: RunReport, file: Path) -> None:
    """Write the whole report as JSON (UTF-8)."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(report.model_dump_json(indent=1), encoding="utf-8")


def write_junit(report: RunReport, file: Path) -> None:
    """Write the report as JUnit XML: fail → failure; error, wait, cancel → error; skip, omit."""
    suite = ElementTree.Element(
        "testsuite",
        name=report.scenario,
        timestamp=report.started.isoformat(timespec="seconds"),
        time=f"{report.seconds:.3f}",
        tests=str(len(report.steps)),
        failures=_count(report, Result.FAIL),
        errors=_count(report, Result.ERROR, Result.WAIT, Result.CANCEL),
        skipped=_count(report, Result.SKIP, Result.OMIT),
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (("run", report.run), ("base", report.base), ("client", report.client)):
        ElementTree.SubElement(properties, "property", name=name, value=_clean(value))
    for step in report.steps:
        suite.append(_case(report.scenario, step))
    if report.client_output:
        ElementTree.SubElement(suite, "system-out").text = _clean(report.client_output)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    file.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)


def _case(scenario: str, step: StepReport) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase", classname=scenario, name=step.id, time=f"{step.seconds:.3f}"
    )
    tag = {
        Result.FAIL: "failure",
        Result.ERROR: "error",
        Result.WAIT: "error",
        Result.CANCEL: "error",
        Result.SKIP: "skipped",
        Result.OMIT: "skipped",
    }.get(step.result)
    if tag:
        kind = f"{step.result.value}/{step.fault.value}"
        mark = ElementTree.SubElement(case, tag, type=kind, message=_clean(step.reason))
        mark.text = _clean("\n".join((step.reason, step.remedy)).strip())
    return case


def _count(report: RunReport, *results: Result) -> str:
    return str(sum(step.result in results for step in report.steps))


def _clean(text: str) -> str:
    """Leave out what XML 1.0 cannot hold."""
    return "".join(c for c in text if c in "\t\n" or (c >= " " and c not in "\ufffe\uffff"))
