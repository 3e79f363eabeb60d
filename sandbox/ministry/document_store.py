"""What was sent, and the documents of settled packages out of which records are cut."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, select

from sandbox.documents import envelope
from sandbox.ministry import tables_store as t
from sandbox.ministry.packing import compress, expand
from sandbox.web.bulk import insert_rows


def content_of(connection: Connection, messageid: str, *, space: str, desk: str) -> str | None:
    """Return the content of a package as it was sent, None when the desk has no such package.

    Of a package whose document is kept instead it is packed again: the same document, in an
    envelope that another library may have compressed differently (record-format §3).
    """
    found = connection.execute(
        select(t.body.c.content).where(_key(t.body, space, desk, messageid))
    ).scalar_one_or_none()
    if found is not None:
        return bytes(found).decode()
    document = document_of(connection, messageid, space=space, desk=desk)
    return None if document is None else envelope.pack(document)


def document_of(connection: Connection, messageid: str, *, space: str, desk: str) -> bytes | None:
    """Return the document of a settled package, byte for byte; None where none is kept."""
    kept = connection.execute(
        select(t.frame.c.document).where(_key(t.frame, space, desk, messageid))
    ).scalar_one_or_none()
    return None if kept is None else expand(bytes(kept))


def _key(table: Any, space: str, desk: str, messageid: str) -> ColumnElement[bool]:
    return and_(table.c.space == space, table.c.desk == desk, table.c.messageid == messageid)


def keep_documents(
    connection: Connection, documents: Mapping[str, bytes], *, space: str, desk: str
) -> None:
    """Keep the documents of settled packages, by messageid: records are cut out of them."""
    insert_rows(
        connection,
        t.frame,
        [
            {"space": space, "desk": desk, "messageid": key, "document": compress(document)}
            for key, document in documents.items()
        ],
    )


def drop_bodies(
    connection: Connection, messageids: Collection[str], *, space: str, desk: str
) -> None:
    """Let go of what was sent, where the document tells everything."""
    if messageids:
        connection.execute(
            delete(t.body).where(
                t.body.c.space == space,
                t.body.c.desk == desk,
                t.body.c.messageid.in_(sorted(messageids)),
            )
        )
