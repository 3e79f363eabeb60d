"""How much of request bodies one process holds in memory at once."""

from __future__ import annotations

from starlette.types import Message, Receive

from sandbox.errors import Unavailable

BODIES_IN_MEMORY = 256 * 1_048_576
"""Bytes of request bodies a process holds at once unless it is set otherwise."""
CROWDED_RETRY_S = 3
DRAINED_BYTES = 32 * 1_048_576
"""How much of a refused body is still read and dropped, so that its sender hears the answer."""


class Crowded(Unavailable):
    """The bodies of other requests fill what this process may hold; nothing of this one is kept."""

    def __init__(self) -> None:
        super().__init__("request bodies fill the memory", retry_after=CROWDED_RETRY_S)


class Bodies:
    """The bodies now in the memory of this process, counted as they come in.

    A slow sender occupies what it has sent, not what it announced. One body always has room.
    """

    def __init__(self, limit: int = BODIES_IN_MEMORY) -> None:
        self.limit = limit
        self.held = 0
        """Bytes."""

    def body(self, receive: Receive) -> Body:
        """Return a new body that comes by *receive*; the caller releases it."""
        return Body(self, receive)

    def take(self, size: int, *, of: int) -> bool:
        """Add *size* bytes to a body that holds *of*; False when they have no room."""
        others = self.held - of
        if others > 0 and self.held + size > self.limit:
            return False
        self.held += size
        return True


class Body:
    """One request's share."""

    def __init__(self, bodies: Bodies, receive: Receive) -> None:
        self._bodies, self._receive, self._own = bodies, receive, 0

    async def receive(self) -> Message:
        """Receive the next part.

        Raises:
            Crowded: it has no room. What came of the body is given up, the rest read and dropped.
        """
        message = await self._receive()
        size = len(message.get("body", b""))
        if not self._bodies.take(size, of=self._own):
            self.release()
            await self._drain(message)
            raise Crowded
        self._own += size
        return message

    async def _drain(self, message: Message) -> None:
        read = 0
        while message["type"] == "http.request" and message.get("more_body"):
            read += len(message.get("body", b""))
            if read > DRAINED_BYTES:
                return
            message = await self._receive()

    def release(self) -> None:
        """Give the share back: the request is answered."""
        self._bodies.held -= self._own
        self._own = 0
