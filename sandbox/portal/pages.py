"""All pages of the portal."""

from __future__ import annotations

from fastapi import APIRouter

from sandbox.portal import (
    pages_drills,
    pages_editing,
    pages_identity,
    pages_journal,
    pages_means,
    pages_office,
    pages_packages,
    pages_records,
    pages_requests,
    pages_signing,
)
from sandbox.portal.service import PortalService


def routers(service: PortalService) -> list[APIRouter]:
    """Return the routers, the more particular addresses first."""
    parts = (
        pages_identity,
        pages_editing,
        pages_records,
        pages_means,
        pages_journal,
        pages_drills,
        pages_signing,
        pages_requests,
        pages_packages,
        pages_office,
    )
    return [part.router(service) for part in parts]
