"""A provider's portal: a school's học bạ software and the Sở's screens, on practice data."""

from sandbox.portal.service import PortalService

__all__ = ["PortalService"]
