"""The commands. They print and set exit codes; the work is done in `sandbox.world`.

Exit codes: 0 fine, 1 refused, 2 misuse, 3 the sandbox failed.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from sandbox import PRACTICE_MARK, __version__
from sandbox.cli.backup import backup, restore
from sandbox.cli.crosscheck import crosscheck
from sandbox.cli.doctor import doctor
from sandbox.cli.nation import nation, register_corpus
from sandbox.cli.speaking import (
    ERR,
    OUT,
    Exit,
    answers,
    moment_of,
    print_findings,
    print_json,
    words,
)
from sandbox.cli.top import top
from sandbox.errors import Misuse
from sandbox.settings import SYSTEMS, Settings, read_settings

if TYPE_CHECKING:
    from sandbox.world import World

app = typer.Typer(
    name="hocba",
    help=f"Học bạ số Sandbox. {PRACTICE_MARK}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command()(nation)
app.command("register-corpus")(register_corpus)
app.command()(doctor)
app.command()(backup)
app.command()(restore)
app.command()(top)
app.command()(crosscheck)

Data = Annotated[Path | None, typer.Option(help="Data folder (HOCBA_DATA), default ./data")]
Database = Annotated[
    str | None, typer.Option(help="postgresql://… or sqlite:///… (HOCBA_DATABASE)")
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer with JSON")]
Language = Annotated[str, typer.Option("--lang", help="vi or en")]
SpaceName = Annotated[str, typer.Option("--space", help="Practice space")]


def open_world(settings: Settings) -> World:
    """Return the world of *settings* with the practice space in place."""
    from sandbox.world import build_world
    from sandbox.world.spaces import open_practice

    world = build_world(settings)
    open_practice(world)
    return world


@app.command()
@answers
def up(
    port: Annotated[
        int | None, typer.Option(help="Default: 8080, or the next free up to 8089")
    ] = None,
    lan: Annotated[bool, typer.Option("--lan", help="Open to the room's network")] = False,
    data: Data = None,
    database: Database = None,
    lang: Language = "vi",
) -> Exit:
    """Serve everything with practice data: one web process, one checking process."""
    return _serve(
        port=port, host="0.0.0.0" if lan else None, data=data, database=database, lang=lang
    )


@app.command()
@answers
def serve(
    systems: Annotated[list[str], typer.Argument(help=" ".join(SYSTEMS))],
    port: Annotated[int | None, typer.Option()] = None,
    host: Annotated[str | None, typer.Option(help="127.0.0.1 unless set")] = None,
    workers: Annotated[int | None, typer.Option(help="Web processes")] = None,
    data: Data = None,
    database: Database = None,
    lang: Language = "vi",
) -> Exit:
    """Serve some systems alone; neighbours are found by HOCBA_URL_{SYSTEM}."""
    return _serve(
        port=port,
        host=host,
        data=data,
        database=database,
        workers=workers,
        systems=",".join(systems),
        lang=lang,
    )


def _serve(*, port: int | None, lang: str, **flags: Any) -> Exit:
    from sandbox.world import serving_app
    from sandbox.world.serving import addresses_of, free_port
    from sandbox.world.serving import serve as serve_forever

    settings = read_settings(port=port, **flags)
    asked = settings.port if port is not None or "HOCBA_PORT" in _environment() else None
    settings = settings.with_port(free_port(settings.host, asked=asked))
    say = words(lang)
    with OUT.status(say("up.opening")):
        world = open_world(settings)
    OUT.print(f"[bold]{PRACTICE_MARK}[/]")
    for address in addresses_of(settings):
        OUT.print(say("up.address", address=address))
    OUT.print(say("up.stop"))
    serve_forever(
        settings,
        build=lambda: serving_app(world),
        with_checker=bool({"ministry", "portal"} & set(settings.systems)),
    )
    return Exit.FINE


def _environment() -> dict[str, str]:
    import os

    return dict(os.environ)


@app.command(hidden=True)
@answers
def worker(
    data: Data = None,
    database: Database = None,
    with_parent: Annotated[bool, typer.Option("--with-parent")] = False,
    only_checking: Annotated[bool, typer.Option("--only-checking")] = False,
) -> Exit:
    """Check packages and forward records until told to stop (started by `up` and `serve`)."""
    from sandbox.world import build_world
    from sandbox.world.serving import stop_on_signal
    from sandbox.world.working import work

    world = build_world(read_settings(data=data, database=database))
    with stop_on_signal(with_parent=with_parent) as stop:
        work(world, stop, only_checking=only_checking)
    return Exit.FINE


@app.command()
@answers
def validate(
    file: Annotated[Path, typer.Argument(help="Record, package (XML), content or request (JSON)")],
    space: Annotated[
        str | None, typer.Option("--space", help="Make all checks, with this space's registers")
    ] = None,
    desk: Annotated[str | None, typer.Option(help="kho, so-48; default: the Sở's")] = None,
    at: Annotated[str | None, typer.Option(help="Offline: the moment of checking, ISO")] = None,
    data: Data = None,
    database: Database = None,
    lang: Language = "vi",
    as_json: AsJson = False,
) -> Exit:
    """Make the ministry's checks on FILE; offline it says which checks it could not make."""
    from sandbox.domain.rejections import title
    from sandbox.world.validating import validate_file

    verdict = validate_file(
        file,
        space=space,
        desk=desk,
        settings=lambda: read_settings(data=data, database=database),
        at=moment_of(at) if at else None,
    )
    if as_json:
        print_json(verdict.as_json(lang))
        return Exit.FINE if verdict.accepted else Exit.REFUSED
    say = words(lang)
    print_findings(verdict.package_findings, language=lang)
    for record in verdict.records:
        mark = "[green]✔[/]" if record.accepted else "[red]✖[/]"
        OUT.print(f"{mark} {record.number}. {record.uuid or '—'} {record.pupil}")
        print_findings(record.findings, language=lang)
    OUT.print(say("validate.sum", accepted=verdict.accepted_count, all=len(verdict.records)))
    for check in verdict.not_checked:
        OUT.print(say("validate.not_checked", check=f"{check} {title(check, lang)}"))
    return Exit.FINE if verdict.accepted else Exit.REFUSED


@app.command()
@answers
def pack(
    records: Annotated[list[Path], typer.Argument(help="Signed records (XML)")],
    key: Annotated[Path, typer.Option(help="The unit's private key, PEM")],
    cert: Annotated[Path, typer.Option(help="The unit's certificate, PEM")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Package XML; the request goes beside it")
    ],
    unit: Annotated[str | None, typer.Option(help="ma_don_vi; default: the certificate's")] = None,
    year: Annotated[int, typer.Option(help="First year of the school year")] = 2024,
    at: Annotated[str | None, typer.Option(help="SigningTime, ISO; default: now")] = None,
    as_json: AsJson = False,
) -> Exit:
    """Pack signed records, sign the package, write XML and JSON request."""
    from sandbox.clock import VIETNAM, MachineClock
    from sandbox.pki import Certificate, PrivateKey
    from sandbox.world import packing

    moment = moment_of(at) if at else MachineClock().now()
    certificate = Certificate.from_pem(packing.read_file(cert))
    packed = packing.pack(
        packing.read_records(records),
        key=PrivateKey.from_pem(packing.read_file(key)),
        certificate=certificate,
        at=moment.astimezone(VIETNAM).replace(microsecond=0),
        package_id=uuid4(),
    )
    messageid = str(uuid4())
    out.write_bytes(packed.xml)
    request = out.with_suffix(".json")
    request.write_text(
        packed.request(
            unit=unit or certificate.uid.partition(":")[2], school_year=year, messageid=messageid
        ),
        encoding="utf-8",
    )
    result = {"package": str(out), "request": str(request), "messageid": messageid}
    result |= {"records": str(packed.records)}
    if as_json:
        print_json(result)
    else:
        for name, value in result.items():
            OUT.print(f"{name}: {value}", markup=False)
    return Exit.FINE


@app.command()
@answers
def submit(
    package: Annotated[Path, typer.Argument(help="Signed package (XML)")],
    desk: Annotated[str, typer.Option(help="Address of the desk: …/kho or …/kho/so/48")],
    user: Annotated[str, typer.Option(help="user_name")],
    password: Annotated[
        str, typer.Option(envvar="HOCBA_PASSWORD", help="In clear, or HOCBA_PASSWORD")
    ],
    unit: Annotated[str, typer.Option(help="ma_don_vi")],
    year: Annotated[int, typer.Option(help="nam_hoc")] = 2024,
    messageid: Annotated[str | None, typer.Option(help="To repeat a submission")] = None,
    wait: Annotated[
        int, typer.Option(min=0, max=3600, help="Seconds to wait for the result")
    ] = 120,
    lang: Language = "vi",
    as_json: AsJson = False,
) -> Exit:
    """Submit a package to a receiving desk and wait for the answer per record."""
    from sandbox import documents
    from sandbox.clock import MachineClock
    from sandbox.wire.ministry import Account
    from sandbox.world import packing, submitting

    content = documents.envelope.pack(packing.read_file(package))
    say = words(lang)
    with OUT.status(say("submit.waiting"), spinner="dots") as status:
        outcome = asyncio.run(
            submitting.submit(
                desk,
                Account(user_name=user, password=password, unit_code=unit),
                content=content,
                school_year=year,
                messageid=messageid or str(uuid4()),
                clock=MachineClock(),
                wait_s=float(wait),
                on_wait=lambda _seconds: status.update(say("submit.checking")),
            )
        )
    if as_json:
        print_json(
            {
                "messageid": outcome.messageid,
                "receipt": outcome.receipt.model_dump(by_alias=True),
                "final": outcome.final,
                "error": outcome.error,
                "rows": outcome.rows,
                "chi_tiet": outcome.details,
            }
        )
    else:
        _print_outcome(outcome, say)
    if not outcome.final:
        return Exit.BROKEN
    return Exit.FINE if outcome.all_accepted else Exit.REFUSED


def _print_outcome(outcome: Any, say: Callable[..., str]) -> None:
    OUT.print(say("submit.receipt", messageid=outcome.messageid, error=outcome.receipt.error))
    for row in outcome.rows:
        mark = "[green]✔[/]" if row["trang_thai"] == 1 else "[red]✖[/]"
        OUT.print(f"{mark} {row['ten_hoc_sinh']} {row['ma_tra_cuu_uuid']}")
        if row["trang_thai"] != 1:
            OUT.print(f"    {row['error']} {row['error_description']}", markup=False)
    for detail in outcome.details:
        OUT.print(f"{detail['ma']} {detail['nguyen_nhan']} {detail['cach_sua']}", markup=False)
    if outcome.final:
        OUT.print(say("submit.sum", accepted=outcome.accepted, all=len(outcome.rows)))
    else:
        OUT.print(say("submit.pending", messageid=outcome.messageid))


@app.command()
@answers
def keys(
    unit: Annotated[str, typer.Argument(help="School code or Sở code, such as 48999401 or 48")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the PEM files")] = Path(),
    space: SpaceName = "tap",
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> Exit:
    """Hand out a unit's practice key, certificate and chain as PEM, and its accounts."""
    from sandbox.world import handing, opening

    world = open_world(read_settings(data=data, database=database))
    known = world.spaces.get(space)
    if known is None:
        raise Misuse(f"there is no space {space}", remedy="--space tap")
    signer = handing.unit_keys(world, known, unit)
    out.mkdir(parents=True, exist_ok=True)
    files = {
        "key": (out / f"{unit}.key.pem", signer.khoa),
        "certificate": (out / f"{unit}.crt.pem", signer.chung_thu),
        "chain": (out / "chain.pem", world.authority.chain_pem),
    }
    for path, text in files.values():
        path.write_text(text)
    files["key"][0].chmod(0o600)
    result: dict[str, Any] = {name: str(path) for name, (path, _) in files.items()}
    result["accounts"] = [
        account.model_dump()
        for account in handing.accounts(world, known, opening.department_for(known.seed))
        if account.ma_don_vi == unit
    ]
    if as_json:
        print_json(result)
        return Exit.FINE
    for name in files:
        OUT.print(f"{name}: {result[name]}", markup=False)
    for account in result["accounts"]:
        OUT.print(
            f"{account['dau_moi']}: {account['user_name']} {account['mat_khau']}", markup=False
        )
    return Exit.FINE


@app.command()
@answers
def rehearse(
    scenario: Annotated[str, typer.Argument(help="Such as basics/first-submission, or a file")],
    client: Annotated[str, typer.Option(help="Command line of the client program")],
    target: Annotated[
        str, typer.Option(help="Address of the running sandbox")
    ] = "http://127.0.0.1:8080",
    omit: Annotated[list[str] | None, typer.Option(help="Step to leave out")] = None,
    keep: Annotated[Path | None, typer.Option(help="Keep pack and space, in this folder")] = None,
    step_seconds: Annotated[float | None, typer.Option(min=1, help="Most seconds a step")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML here")] = None,
    report_file: Annotated[Path | None, typer.Option("--report", help="Write JSON here")] = None,
    data: Data = None,
    lang: Language = "vi",
    as_json: AsJson = False,
) -> Exit:
    """Run a client program through a scenario; judged by what reaches the receiving desk."""
    from sandbox.rehearsal import Installation, Limits, print_report, write_json, write_junit
    from sandbox.rehearsal import rehearse as run_rehearsal

    settings = read_settings(data=data)
    report = run_rehearsal(
        scenario,
        client=client,
        installation=Installation(base_url=target, admin_token=settings.secrets.admin_token),
        language=lang,
        omit=omit or (),
        limits=Limits(step_s=step_seconds) if step_seconds else None,
        keep=keep,
        history=settings.data / "rehearsals",
        on_step=lambda step: None if as_json else ERR.print(f"· {step.id}: {step.result.value}"),
    )
    if junit:
        write_junit(report, junit)
    if report_file:
        write_json(report, report_file)
    if as_json:
        sys.stdout.write(report.model_dump_json(indent=1) + "\n")
    else:
        print_report(report, console=OUT)
    return Exit(report.exit_code)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
@answers
def load(context: typer.Context) -> Exit:
    """Run a Locust scenario against its objectives: hocba load pipeclean --target URL."""
    from sandbox.world.build import PROJECT

    # The pack is no part of the installed package; it is found beside it, from any folder.
    environment = _environment()
    known = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = f"{PROJECT}:{known}" if known else str(PROJECT)
    ended = subprocess.run(
        [sys.executable, "-m", "loadtests", *context.args], env=environment, check=False
    )
    return Exit(ended.returncode if ended.returncode in set(Exit) else Exit.BROKEN)


@app.command()
@answers
def reset(
    space: Annotated[str, typer.Argument(help="Practice space, such as tap")],
    data: Data = None,
    database: Database = None,
    lang: Language = "vi",
) -> Exit:
    """Put a practice space back to its first day; no other space is touched."""
    from sandbox.world import spaces

    world = open_world(read_settings(data=data, database=database))
    spaces.reset(world, space)
    OUT.print(words(lang)("reset.done", space=space))
    return Exit.FINE


@app.command()
@answers
def version(as_json: AsJson = False) -> Exit:
    """Print the version of the sandbox and of its catalogue of rejections."""
    from sandbox.domain.rejections import CATALOGUE_VERSION

    if as_json:
        print_json({"version": __version__, "catalogue": CATALOGUE_VERSION})
    else:
        OUT.print(f"hocba {__version__} · catalogue {CATALOGUE_VERSION}", markup=False)
    return Exit.FINE


def main() -> None:
    """Run the command line; anything unforeseen leaves with 3 and one line, no traceback."""
    try:
        app()
    except SystemExit:
        raise
    except KeyboardInterrupt:
        sys.exit(int(Exit.FINE))
    except Exception as error:  # the last door: a defect of ours, said plainly
        import logging

        logging.getLogger("hocba").debug("unforeseen", exc_info=True)
        ERR.print(f"[bold red]✖[/] {type(error).__name__}: {error}")
        sys.exit(int(Exit.BROKEN))
