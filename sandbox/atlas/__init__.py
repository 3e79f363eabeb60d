"""The atlas: pages that walk the invented nation from provinces down to one record."""

from sandbox.atlas.service import Atlas

__all__ = ["Atlas"]
