"""Who may talk to the CSC API: logging in, tokens of users and clients, revoking.

Tokens live by the machine's clock (architecture §6.3), locks by the space's. Five wrong passwords
lock an account for five minutes, and each answer tells how many tries are left
(signing-practice §3.1).
"""

from __future__ import annotations

import hmac
import secrets
import uuid
from dataclasses import dataclass, replace
from datetime import datetime

from sandbox.signing import csc_store, holder_store, otp_store
from sandbox.signing.csc_practice import Practice
from sandbox.signing.csc_problems import CscRefused
from sandbox.signing.csc_store import StoredToken, digest_of
from sandbox.signing.model import Event
from sandbox.signing.office import Office, Turn
from sandbox.signing.tries import PASSWORD
from sandbox.web import Space
from sandbox.wire import csc as wire

_LIFETIMES = {"access": wire.TOKEN_SECONDS, "refresh": wire.REFRESH_SECONDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whoever stands behind an access token; a client acts for no user in particular."""

    subject: str
    holder: str | None

    @property
    def name(self) -> str:
        """The user's or the client's own name for itself."""
        return self.subject.partition(":")[2]


class Accounts:
    """Logs in, keeps tokens, revokes them."""

    def __init__(self, office: Office, practice: Practice) -> None:
        self._office, self._practice = office, practice

    def login(self, space: Space, user: str, password: str, *, remember: bool) -> wire.LoginReply:
        """Return tokens of a user. Raises `CscRefused` LOGIN_WRONG, LOGIN_LOCKED."""
        self._practice.prepare(space)
        right = hmac.compare_digest(
            password.encode(), self._practice.password(space, user).encode()
        )
        with self._office.turn(space) as turn:
            known = holder_store.holder_of(turn.connection, space.id, user) is not None
            refused = (
                _tried(turn, user, right=right, prefix="LOGIN")
                if known
                else CscRefused("LOGIN_WRONG", left="–")
            )
            if refused is None:
                turn.note(Event.LOGIN, holder=user, by="password")
                return self._tokens(turn, subject=f"user:{user}", holder=user, refresh=remember)
        raise refused

    def refresh(self, space: Space, token: str) -> wire.LoginReply:
        """Return a new access token for a refresh token. Raises `CscRefused`."""
        if not token:
            raise CscRefused("REFRESH_MALFORMED")
        with self._office.turn(space) as turn:
            known = csc_store.token_of(turn.connection, space.id, token)
            if known is None or known.kind != "refresh":
                raise CscRefused("REFRESH_INVALID")
            if known.revoked or self._office.clock.epoch() >= known.expires_epoch:
                raise CscRefused("REFRESH_INVALID")
            turn.note(Event.LOGIN, holder=known.holder or "", by="refresh")
            secret = self._token(turn, known, kind="access")
        return wire.LoginReply(access_token=secret)

    def client_token(self, space: Space, client_id: str, secret: str) -> wire.TokenReply:
        """Return a token of the space's client. Raises `CscRefused` CLIENT_WRONG, CLIENT_LOCKED."""
        self._practice.prepare(space)
        client = self._practice.client(space)
        right = client_id == client.id and hmac.compare_digest(
            secret.encode(), client.secret.encode()
        )
        with self._office.turn(space) as turn:
            refused = _tried(turn, client.id, right=right, prefix="CLIENT")
            if refused is None:
                turn.note(Event.LOGIN, holder="", by="client", client=client.id)
                reply = self._tokens(
                    turn, subject=f"client:{client.id}", holder=None, refresh=False
                )
                return wire.TokenReply(access_token=reply.access_token)
        raise refused

    def caller(self, space: Space, token: str) -> Caller:
        """Return who stands behind an access token. Raises `CscRefused` TOKEN_INVALID, …EXPIRED."""
        with self._office.database.read() as connection:
            known = csc_store.token_of(connection, space.id, token)
        if known is None or known.kind != "access":
            raise CscRefused("TOKEN_INVALID")
        if known.revoked or self._office.clock.epoch() >= known.expires_epoch:
            raise CscRefused("TOKEN_EXPIRED")
        return Caller(subject=known.subject, holder=known.holder)

    def revoke(self, space: Space, caller: Caller, token: str) -> None:
        """End one of the caller's own tokens; a refresh token takes its access tokens along.

        Raises `CscRefused` REVOKED_UNKNOWN.
        """
        with self._office.turn(space) as turn:
            known = csc_store.token_of(turn.connection, space.id, token)
            if known is None or known.subject != caller.subject:
                raise CscRefused("REVOKED_UNKNOWN")
            csc_store.revoke(turn.connection, space.id, known)
            turn.note(Event.TOKEN_REVOKED, holder=caller.holder or "", kind=known.kind)

    def _tokens(
        self, turn: Turn, *, subject: str, holder: str | None, refresh: bool
    ) -> wire.LoginReply:
        grant = StoredToken(
            digest="",
            kind="access",
            grant=str(uuid.uuid4()),
            subject=subject,
            holder=holder,
            expires_epoch=0.0,
        )
        return wire.LoginReply(
            access_token=self._token(turn, grant, kind="access"),
            refresh_token=self._token(turn, grant, kind="refresh") if refresh else None,
        )

    def _token(self, turn: Turn, grant: StoredToken, *, kind: str) -> str:
        secret = secrets.token_urlsafe(32)
        made = replace(
            grant,
            digest=digest_of(secret),
            kind=kind,
            expires_epoch=self._office.clock.epoch() + _LIFETIMES[kind],
            revoked=False,
        )
        csc_store.add_token(turn.connection, turn.space, made)
        return secret


def _tried(turn: Turn, who: str, *, right: bool, prefix: str) -> CscRefused | None:
    """Count one try of a password; return the refusal it leads to, or None."""
    tries = otp_store.tries_of(turn.connection, turn.space, who, "password")
    until = PASSWORD.until(tries, at=turn.at)
    if until is not None:
        return _locked(prefix, until)
    tries = PASSWORD.after(tries, right=right, at=turn.at)
    otp_store.set_tries(turn.connection, turn.space, who, "password", tries)
    if right:
        return None
    left = PASSWORD.left(tries, at=turn.at)
    turn.note(Event.WRONG_PASSWORD, holder=who, attempts_left=left)
    if tries.locked_until is None:
        return CscRefused(f"{prefix}_WRONG", told={"attempts_left": left}, left=left)
    turn.note(Event.LOGIN_LOCKED, holder=who)
    return _locked(prefix, tries.locked_until)


def _locked(prefix: str, until: datetime) -> CscRefused:
    return CscRefused(f"{prefix}_LOCKED", told={"attempts_left": 0}, until=f"{until:%H:%M:%S}")
