"""The signing service: who holds which key, the practice phone, the ledger of what was signed."""

from sandbox.signing.model import CredentialSeed, HolderSeed
from sandbox.signing.service import SigningService

__all__ = ["CredentialSeed", "HolderSeed", "SigningService"]
