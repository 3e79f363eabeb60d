"""Forms that can be sent twice and do their work once (learner-experience §8.1).

A form carries a one-time token, signed when the page is made and bound to visitor, space and
action. The first POST with it does the work; its result is stored; every repetition is answered
with that result, in whichever process it arrives. A second POST of the same action within 600 ms
with the same content (the pressed button included) counts as the same tap, even with another token.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import struct
import unicodedata
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox.clock import Clock
from sandbox.errors import Finding, Refused, SandboxError
from sandbox.web import forms_store, visitors_store
from sandbox.web.guards import off_loop
from sandbox.web.messages import Message, say
from sandbox.web.problems import Problem, refusal_page
from sandbox.web.sessions import session_of
from sandbox.web.skin import Retry
from sandbox.web.store import Database
from sandbox.web.visits import (
    RETRY_QUERY,
    VISIT_SECONDS,
    VISITOR_QUERY,
    CameBy,
    Visit,
    is_visitor,
    visit,
)

TOKEN_FIELD = "f"  # noqa: S105 - the name of a field
TAP_SECONDS = 0.6
WAIT_SECONDS = 20.0
SECRET_FIELDS = ("pin", "mat_khau", "password", "otp")
"""Fields that are never kept, not even to show a form again (F5)."""
MOST_FIELDS = 3000
PRUNE_SECONDS = 3600.0


class Invalid(SandboxError):
    """What was typed cannot be used: the form comes back filled in, with these errors (E1r).

    *errors* maps a field's name to its message, in the order of the page. Nothing was done.
    """

    def __init__(self, errors: Mapping[str, Message]) -> None:
        self.errors = dict(errors)
        super().__init__(", ".join(errors))


class Stale(SandboxError):
    """What the form was about is no longer so: go to *to*, with a calm line. Not an error."""

    def __init__(self, to: str, note: Message) -> None:
        self.to, self.note = to, note
        super().__init__(note.key)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file somebody sent: the name their browser gave it, and its bytes."""

    name: str
    content: bytes


class Form:
    """What was typed. Texts are NFC without outer spaces; secret fields are left as typed."""

    def __init__(self, data: FormData, files: Mapping[str, Upload], secret: Sequence[str]) -> None:
        self._data, self._files, self._secret = data, files, frozenset(secret)

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of *name*, or *default*."""
        return next(iter(self.all(name)), default)

    def all(self, name: str) -> list[str]:
        """Return every value of *name* (check boxes), in the order of the page."""
        values = [value for value in self._data.getlist(name) if isinstance(value, str)]
        if name in self._secret:
            return values
        return [unicodedata.normalize("NFC", value).strip() for value in values]

    def file(self, name: str) -> Upload | None:
        """Return the file sent under *name*; None when none was chosen."""
        return self._files.get(name)

    def kept(self) -> dict[str, list[str]]:
        """Return what may be shown again: everything typed except secrets and marks."""
        hidden = self._secret | {TOKEN_FIELD, VISITOR_QUERY}
        return {name: self.all(name) for name in self._data if name not in hidden}

    def fingerprint(self) -> str:
        """Return a digest of what was sent, the pressed button included, secrets left out.

        Two taps on one button send the same; two buttons of one form do not.
        """
        files = {n: hashlib.sha256(f.content).hexdigest() for n, f in self._files.items()}
        sent = json.dumps([self.kept(), files], sort_keys=True)
        return hashlib.sha256(sent.encode()).hexdigest()[:16]


class Desk:
    """Mints and honours form tokens, for one installation."""

    def __init__(
        self, database: Database, clock: Clock, secret: bytes, *, tap_seconds: float = TAP_SECONDS
    ) -> None:
        self._database, self._clock = database, clock
        self._secret, self._tap = secret, tap_seconds
        self._pruned = clock.epoch()

    def mint(self, who: Visit, action: str) -> str:
        """Return a fresh token for *action* by *who*; nothing is stored until it is used."""
        head = struct.pack(">Q", int(self._clock.epoch() * 1000)) + secrets.token_bytes(16)
        return base64.urlsafe_b64encode(head + self._seal(head, who, action)).decode().rstrip("=")

    def honours(self, token: str, who: Visit, action: str) -> bool:
        """Return whether *token* was minted here for *who* and *action* in the last 20 h."""
        try:
            raw: bytes = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            return False
        head, seal = raw[:24], raw[24:]
        if len(raw) != 40 or not hmac.compare_digest(seal, self._seal(head, who, action)):
            return False
        age = self._clock.epoch() - int.from_bytes(head[:8], "big") / 1000
        return -60 <= age <= VISIT_SECONDS

    def _seal(self, head: bytes, who: Visit, action: str) -> bytes:
        bound = json.dumps([head.hex(), who.space.id, who.visitor, action]).encode()
        return hmac.digest(self._secret, bound, "sha256")[:16]

    def claim(self, who: Visit, action: str, token: str, *, sent: str = "") -> bool:
        """Return whether the caller is the one who may do the work of *token*.

        *sent* is the form's fingerprint: the same action with the same content within 600 ms is
        the same tap.
        """
        now = self._clock.epoch()
        if now - self._pruned > PRUNE_SECONDS:
            self._pruned = now
            forms_store.prune(self._database, before=now - VISIT_SECONDS)
            visitors_store.prune(self._database, before=now - VISIT_SECONDS)
        return forms_store.claim(
            self._database,
            space=who.space.id,
            token=_digest(token),
            visitor=who.key,
            action=f"{action[:180]}|{sent}",
            at=now,
            tap_window=self._tap,
        )

    def finish(self, who: Visit, token: str, result: Mapping[str, Any]) -> None:
        """Store what every repetition of *token* is answered with."""
        forms_store.finish(
            self._database,
            space=who.space.id,
            token=_digest(token),
            result=json.dumps(result, ensure_ascii=False),
        )

    def release(self, who: Visit, token: str) -> None:
        """Give *token* back: its work could not be begun."""
        forms_store.release(self._database, space=who.space.id, token=_digest(token))

    async def result(self, who: Visit, token: str) -> dict[str, Any] | None:
        """Wait for the result of the one who works on *token*; None if there will be none."""
        pause, waited = 0.03, 0.0
        while waited < WAIT_SECONDS:
            known, outcome = await off_loop(
                forms_store.outcome, self._database, space=who.space.id, token=_digest(token)
            )
            if outcome is not None:
                found: dict[str, Any] = json.loads(outcome)
                return found
            if not known:
                return None
            await asyncio.sleep(pause)
            waited += pause
            pause = min(pause * 1.5, 0.3)
        return None


async def submit(
    request: Request,
    *,
    action: str,
    handle: Callable[[Form], Awaitable[str]],
    again: str,
    secret: Sequence[str] = SECRET_FIELDS,
) -> Response:
    """Process the POST of a page, once, and answer with 303.

    *action* is the name the form was made with: name what would be done twice, with its object
    (`"portal.sign:{record}"`). *handle* does the work and returns the path to go to (no space,
    no token: they are added here). *again* is the path of the page that shows the form.

    In *handle* raise `Invalid` (the form again, filled in, with errors), `Stale` (go somewhere
    with a calm line), `Problem` or `Refused` (problem page), `Unavailable` (503; the same form
    may be sent again). A missing, foreign or outdated token shows the form again, filled in.
    """
    form, who = await _read(request, secret)
    token = form.get(TOKEN_FIELD)
    desk: Desk = request.app.state.web.desk
    if not desk.honours(token, who, action):
        to = await carry(request, again, values=form.kept(), note=say("cau", "web.form.again"))
        return _go(who, to)
    if not await off_loop(desk.claim, who, action, token, sent=form.fingerprint()):
        result = await desk.result(who, token)
        if result is None:
            note = say("cau", "web.form.busy")
            result = {"to": await carry(request, again, values=form.kept(), note=note)}
        return _answer(request, who, result, again)
    try:
        result = await _work(request, form, handle, again)
    except BaseException:
        await asyncio.shield(off_loop(desk.release, who, token))
        raise
    await off_loop(desk.finish, who, token, result)
    return _answer(request, who, result, again)


async def _work(
    request: Request, form: Form, handle: Callable[[Form], Awaitable[str]], again: str
) -> dict[str, Any]:
    try:
        return {"to": await handle(form)}
    except Invalid as invalid:
        return {"to": await carry(request, again, values=form.kept(), errors=invalid.errors)}
    except Stale as stale:
        return {"to": await carry(request, stale.to, note=stale.note)}
    except Problem as problem:
        return {"problem": problem.to_json()}
    except Refused as refused:
        return {"refused": [asdict(finding) for finding in refused.findings]}


async def carry(
    request: Request,
    to: str,
    *,
    values: Mapping[str, list[str]] | None = None,
    errors: Mapping[str, Message] | None = None,
    note: Message | None = None,
) -> str:
    """Return the path *to* with a mark by which its page shows *note*, errors and typed values.

    The mark is good for this visitor only and holds 20 h.
    """
    number = secrets.token_urlsafe(9)
    parcel = {
        "values": dict(values or {}),
        "errors": {name: _packed(message) for name, message in (errors or {}).items()},
        "note": _packed(note) if note else None,
    }
    await session_of(request, visit(request)).set(f"web.lai.{number}", parcel)
    path, _, fragment = to.partition("#")
    mark = "&" if "?" in path else "?"
    fragment = "loi" if errors else fragment
    return f"{path}{mark}{RETRY_QUERY}={number}" + (f"#{fragment}" if fragment else "")


def unpacked(parcel: Mapping[str, Any] | None) -> Retry:
    """Return what `carry` sent along."""
    if not parcel:
        return Retry()
    errors = {name: _message(packed) for name, packed in parcel["errors"].items()}
    note = _message(parcel["note"]) if parcel["note"] else None
    return Retry(values=parcel["values"], errors=errors, note=note)


async def _read(request: Request, secret: Sequence[str]) -> tuple[Form, Visit]:
    data = await request.form(max_fields=MOST_FIELDS, max_files=20)
    files = {}
    for name, value in data.items():
        if isinstance(value, UploadFile) and value.filename:
            files[name] = Upload(value.filename, await value.read())
    form = Form(data, files, secret)
    who = visit(request)
    typed = form.get(VISITOR_QUERY)
    if who.came_by is CameBy.NEW and is_visitor(typed):
        who = replace(who, visitor=typed, came_by=CameBy.LINK)
        request.scope["state"]["visit"] = who
    return form, who


def _answer(request: Request, who: Visit, result: Mapping[str, Any], again: str) -> Response:
    if "to" in result:
        return _go(who, result["to"])
    if "problem" in result:
        return Problem.from_json(result["problem"]).answer(request)
    return refusal_page(request, [_finding(row) for row in result["refused"]], again=again)


def _go(who: Visit, to: str) -> Response:
    return RedirectResponse(who.url(to), status_code=303)


def _packed(message: Message) -> list[Any]:
    return [message.kind, message.key, {k: str(v) for k, v in message.values.items()}]


def _message(packed: Sequence[Any]) -> Message:
    return Message(packed[0], packed[1], packed[2])


def _finding(row: Mapping[str, Any]) -> Finding:
    return Finding(**{**row, "within": tuple(_finding(inner) for inner in row["within"])})


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:48]
