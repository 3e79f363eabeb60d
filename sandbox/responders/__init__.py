"""The certificate responders: CRLs and CA certificates, as a space's clock and events have them."""

from sandbox.responders.service import ContradictionError, RespondersService

__all__ = ["ContradictionError", "RespondersService"]
