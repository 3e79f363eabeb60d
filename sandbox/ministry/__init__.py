"""The receiving desks: the Kho of the ministry and the Cổng of each Sở, one code for both."""

from sandbox.ministry.model import AccountSeed, DeskSeed, RegisterUnit
from sandbox.ministry.service import MinistryService

__all__ = ["AccountSeed", "DeskSeed", "MinistryService", "RegisterUnit"]
