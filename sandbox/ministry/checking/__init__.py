"""Checking: the numbered steps of transactions §5, cheapest first.

The same functions serve the worker and `hocba validate`: what a caller cannot provide (registers,
revocation lists, earlier records) is None in the `Context`, and the codes that could therefore
not be found stand in `not_checked`.
"""

from sandbox.ministry.checking.at_desk import DeskChecks
from sandbox.ministry.checking.context import Context, Sender
from sandbox.ministry.checking.package import check_package, check_record_file, open_package
from sandbox.ministry.checking.verdict import PackageVerdict, RecordVerdict
from sandbox.ministry.checking.worker import Worker

__all__ = [
    "Context",
    "DeskChecks",
    "PackageVerdict",
    "RecordVerdict",
    "Sender",
    "Worker",
    "check_package",
    "check_record_file",
    "open_package",
]
