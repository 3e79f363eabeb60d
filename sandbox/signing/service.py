"""The signing service: remote keys, the practice phone, one ledger for each practice space.

Seven instruments (spec/signing-practice.md §3).
Private keys never leave this package, PINs are kept only as salted scrypt.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sandbox.clock import Clock
from sandbox.pki import RsaPool, TrainingAuthority
from sandbox.signing import ledger_store, store
from sandbox.signing.apps import Apps
from sandbox.signing.asking import Asking
from sandbox.signing.by_code import ByCode
from sandbox.signing.confirming import Confirming
from sandbox.signing.faults import Faults
from sandbox.signing.instruments import Instruments
from sandbox.signing.issuing import Issuing
from sandbox.signing.keys import KeyRing
from sandbox.signing.model import HolderSeed, LedgerLine
from sandbox.signing.office import Office
from sandbox.signing.otp import Otp
from sandbox.signing.phones import Phones
from sandbox.signing.sim import Sim
from sandbox.signing.token_signing import TokenSigning
from sandbox.signing.tokens import Tokens
from sandbox.web import Database, Space, Spaces


class SigningService:
    """What the pages and the service-to-service routes talk to.

    `issuing` (holders, certificates, unlock), `asking` (requests), `confirming` (the phone),
    `phones` (pairing), `otp` (one-time codes), `apps` (activation), `sim`, `by_code`. Every
    method that names a space works on that space's rows alone.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        spaces: Spaces,
        authority: TrainingAuthority,
        seed: str,
        *,
        rsa_pool: RsaPool | None = None,
    ) -> None:
        self._database, self.spaces = database, spaces
        self.office = office = Office(database, clock, authority, KeyRing(seed, pool=rsa_pool))
        self.issuing = Issuing(office)
        self.asking = Asking(office)
        self.confirming = Confirming(office)
        self.phones = Phones(office)
        self.otp = Otp(office)
        self.instruments = Instruments(office, seed)
        self.faults = Faults(office)
        self.tokens = Tokens(office, self.issuing)
        self.token_signing = TokenSigning(office, self.confirming, self.instruments)
        self.apps = Apps(office, self.otp)
        self.sim = Sim(office, self.confirming, self.instruments)
        self.by_code = ByCode(office, self.confirming, self.instruments, self.otp)

    def prepare(self) -> None:
        """Create the tables that are not there yet."""
        self._database.create(store.METADATA)

    def open_space(self, space: Space, holders: Sequence[HolderSeed] = ()) -> None:
        """Add the holders that are not there yet; those that are stay as they are."""
        self.issuing.add(space, holders)

    def reset_space(self, space_id: str) -> None:
        """Delete every row of one space."""
        with self._database.write() as connection:
            store.delete_space(connection, space_id)

    def ledger(
        self,
        space: Space,
        *,
        holder: str | None = None,
        holders: Collection[str] = (),
        event: str | None = None,
        day: str | None = None,
        before: int | None = None,
        limit: int | None = None,
    ) -> list[LedgerLine]:
        """Return ledger lines, newest first; see `ledger_store.lines` for what is chosen."""
        with self._database.read() as connection:
            return ledger_store.lines(
                connection,
                space.id,
                holder=holder,
                holders=holders,
                event=event,
                day=day,
                before=before,
                limit=limit,
            )

    def ledger_is_intact(self, space: Space) -> bool:
        """Compute every hash of the space's ledger again; False when somebody changed a line."""
        with self._database.read() as connection:
            return ledger_store.intact(connection, space.id)
