"""What lies on a holder's practice table: their tokens, an old one, somebody else's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from sandbox.signing import holder_store, token_store
from sandbox.signing.issuing import Issuing
from sandbox.signing.model import CredentialSeed, StoredCredential
from sandbox.signing.office import Turn
from sandbox.signing.token_store import Computer, TableToken
from sandbox.web import Space

OWN, OLD, OTHER, SEAL = "rieng", "cu", "nguoi_khac", "truong"
EXPIRED_FOR = timedelta(days=45)
OLD_LIFETIME = timedelta(days=365)


class TokenTable:
    """Lays the tokens of a holder the first time somebody sits down."""

    def __init__(self, issuing: Issuing) -> None:
        self._issuing = issuing

    def laid(self, turn: Turn, space: Space, holder_id: str) -> list[TableToken]:
        """Return the tokens on a holder's table; they are laid the first time.

        A teacher finds an old token, their own and a colleague's; who keeps a unit's certificate
        finds their own, the unit's and the unit's former one.
        """
        known = token_store.tokens_of(turn.connection, turn.space, holder_id)
        if known:
            return known
        held = holder_store.credentials_of(turn.connection, turn.space, holder_id)
        own = next((one for one in held if one.kind == "person"), None)
        seal = next((one for one in held if one.kind == "unit"), None)
        rows: list[tuple[str, StoredCredential]] = []
        if seal is None and own is not None:
            rows = [(OLD, self._expired(turn, space, holder_id, own)), (OWN, own)]
            neighbour = token_store.neighbour_of(
                turn.connection, turn.space, holder_id, unlike=own.subject_id
            )
            rows += [(OTHER, neighbour)] if neighbour is not None else []
        elif seal is not None:
            rows = [(OWN, own)] if own is not None else []
            rows += [(SEAL, seal), (OLD, self._expired(turn, space, holder_id, seal))]
        tokens = [
            TableToken(name=name, number=number, credential=credential)
            for number, (name, credential) in enumerate(rows, start=1)
        ]
        token_store.lay(turn.connection, turn.space, holder_id, tokens)
        if seal is None:
            token_store.keep_computer(turn.connection, turn.space, holder_id, Computer(hand=OWN))
        return tokens

    def _expired(
        self, turn: Turn, space: Space, holder_id: str, like: StoredCredential
    ) -> StoredCredential:
        """Return a certificate of the same subject that ran out 45 days ago."""
        not_after = turn.at - EXPIRED_FOR
        made = self._issuing.issue(
            space,
            token_store.ON_TABLE + "/" + holder_id,
            CredentialSeed(
                kind=like.kind,
                subject_id=like.subject_id,
                subject_name=like.subject_name,
                issuer=like.issuer,
                not_before=not_after - OLD_LIFETIME,
                not_after=not_after,
            ),
        )
        made = replace(made, holder=token_store.ON_TABLE)
        holder_store.add_credentials(turn.connection, turn.space, [made])
        return made


def find(tokens: Sequence[TableToken], name: str) -> TableToken | None:
    """Return the token called *name*."""
    return next((token for token in tokens if token.name == name), None)
