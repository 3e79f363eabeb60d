"""Keeps phone tokens out of access logs: whoever has one sees that phone and that computer."""

from __future__ import annotations

import logging
import re

_PHONE = re.compile(r"(/ky-so/(?:dien-thoai|may-tinh)/)[^/?#\s]+")


class MaskPhones(logging.Filter):
    """Strikes the token out of `/ky-so/dien-thoai/{token}…` and `may-tinh` in access log lines."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask every text argument of *record*; never drops it."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                _PHONE.sub(r"\1…", arg) if isinstance(arg, str) else arg for arg in record.args
            )
        return True


def mask_access_log() -> None:
    """Put the filter on the web server's access log, once."""
    log = logging.getLogger("uvicorn.access")
    if not any(isinstance(known, MaskPhones) for known in log.filters):
        log.addFilter(MaskPhones())
