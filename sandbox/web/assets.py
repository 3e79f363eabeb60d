"""Static files under /tinh: addressed by content, kept by browsers for a day."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

OWN = Path(__file__).parent / "static"
KEEP = "max-age=86400, immutable"


class Assets(StaticFiles):
    """The skin's files, and each app's own under its name (`/tinh/portal/…`)."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        super().__init__(directory=OWN)
        self._others = {name: StaticFiles(directory=folder) for name, folder in folders.items()}
        self._folders = dict(folders)
        self._versions: dict[str, str] = {}

    def address(self, name: str) -> str:
        """Return the address of the file *name* with its version. Raises FileNotFoundError."""
        if name not in self._versions:
            first, _, rest = name.partition("/")
            path = self._folders[first] / rest if first in self._folders else OWN / name
            self._versions[name] = hashlib.sha256(path.read_bytes()).hexdigest()[:10]
        return f"/tinh/{name}?v={self._versions[name]}"

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer one file; a versioned address may be kept, any other must be asked again.

        What is not there is answered with a bare status: no person reads it.
        """
        first, _, rest = path.replace("\\", "/").partition("/")
        try:
            if rest and first in self._others:
                answer = await self._others[first].get_response(rest, scope)
            else:
                answer = await super().get_response(path, scope)
        except HTTPException as missing:
            return Response(status_code=missing.status_code)
        versioned = b"v=" in scope.get("query_string", b"")
        answer.headers["cache-control"] = KEEP if versioned else "no-cache"
        return answer
