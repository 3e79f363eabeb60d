"""Opening the practice phone: on the same screen, or on a second device by pairing code."""

from __future__ import annotations

import secrets

from sandbox.signing import holder_store
from sandbox.signing.model import Device, DeviceKind, Event
from sandbox.signing.office import Office, Turn
from sandbox.signing.problems import Code, Declined
from sandbox.web import Space

CODE_SECONDS = 20 * 3600
"""A pairing code is good for the class day (curriculum §3.1), by the machine's clock."""
_CODES = 10_000


class Phones:
    """Devices that show a holder's phone: the computer's own page, and the newest paired one."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def phone(self, space: Space, holder_id: str, *, renew: bool = False) -> tuple[Device, str]:
        """Return a holder's page on the same screen and the present pairing code.

        Asking again gives the same two; *renew* gives a new code and cuts off the paired device.
        Raises `Declined` SIGNER_NOT_EXIST.
        """
        now = self._office.clock.epoch()
        with self._office.turn(space) as turn:
            if holder_store.holder_of(turn.connection, space.id, holder_id) is None:
                raise Declined(Code.SIGNER_NOT_EXIST, pointer="/holder_id", signer=holder_id)
            screen = holder_store.screen_of(turn.connection, space.id, holder_id)
            if screen is None:
                screen = _add(turn, holder_id, kind=DeviceKind.SCREEN)
            known = holder_store.pairing_of(turn.connection, space.id, holder_id)
            if known is not None and not renew and now - known[1] < CODE_SECONDS:
                return screen, known[0]
            code = _free_code(turn, now=now)
            holder_store.set_pairing(
                turn.connection, space.id, holder_id, code=code, made_epoch=now
            )
            if renew:
                holder_store.replace_paired(turn.connection, space.id, holder_id)
            return screen, code

    def pair(self, space: Space, code: str) -> tuple[Device, bool] | None:
        """Return a new device for the holder behind *code*, and whether it replaced another.

        None for a code nobody has, or one older than the class day. The device paired before
        is cut off; the page on the computer's own screen stays.
        """
        now = self._office.clock.epoch()
        with self._office.turn(space) as turn:
            found = holder_store.pairing_behind(turn.connection, space.id, code)
            if found is None or now - found[1] >= CODE_SECONDS:
                return None
            replaced = holder_store.replace_paired(turn.connection, space.id, found[0])
            device = _add(turn, found[0], kind=DeviceKind.PAIRED)
            turn.note(Event.PAIRED, holder=found[0], replaced=bool(replaced))
            return device, bool(replaced)

    def device(self, space: Space, token: str) -> Device | None:
        """Return the device behind *token* (it may be replaced), or None."""
        with self._office.database.read() as connection:
            return holder_store.device_of(connection, space.id, token)


def _add(turn: Turn, holder_id: str, *, kind: DeviceKind) -> Device:
    device = Device(token=secrets.token_urlsafe(16), holder=holder_id, kind=kind, replaced=False)
    holder_store.add_device(turn.connection, turn.space, device)
    return device


def _free_code(turn: Turn, *, now: float) -> str:
    """Return four digits nobody in this space uses at present."""
    in_use = {
        code
        for code, made in holder_store.codes_in_use(turn.connection, turn.space).items()
        if now - made < CODE_SECONDS
    }
    free = [f"{number:04d}" for number in range(_CODES) if f"{number:04d}" not in in_use]
    if not free:
        raise RuntimeError("10,000 phones are paired in one practice space today")
    return secrets.choice(free)
