"""The bytes of a file in the database, piece by piece: what is in hand at a time is one piece, whatever its size."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from sqlalchemy import delete, insert, select

from portal.db import new_id, session, table_of
from portal.files.models import UploadPart

PIECE: Final = 512 * 1024


def keep(stream: BinaryIO, *, lender_id: uuid.UUID, upload_id: uuid.UUID, kind: str) -> None:
    """Keep what a stream gives, in the running transaction, instead of what was kept of the kind before."""
    forget(lender_id=lender_id, upload_id=upload_id, kind=kind)
    place = 0
    while piece := stream.read(PIECE):
        session.execute(
            insert(table_of(UploadPart)),
            {
                "lender_id": lender_id,
                "id": new_id(),
                "upload_id": upload_id,
                "kind": kind,
                "place": place,
                "content": piece,
            },
        )
        place += 1


def pieces(*, lender_id: uuid.UUID, upload_id: uuid.UUID, kind: str) -> Iterator[bytes]:
    """Give what is kept, in order."""
    part, place = table_of(UploadPart).c, 0
    while True:
        content = session.scalar(
            select(part.content).where(
                part.lender_id == lender_id, part.upload_id == upload_id, part.kind == kind, part.place == place
            )
        )
        if content is None:
            return
        yield content
        place += 1


def is_kept(*, lender_id: uuid.UUID, upload_id: uuid.UUID, kind: str) -> bool:
    """Say whether anything of a kind is kept."""
    part = table_of(UploadPart).c
    query = select(part.id).where(
        part.lender_id == lender_id, part.upload_id == upload_id, part.kind == kind, part.place == 0
    )
    return session.scalar(query) is not None


def write_out(path: Path, *, lender_id: uuid.UUID, upload_id: uuid.UUID) -> None:
    """Write a file where it can be read."""
    with path.open("wb") as out:
        for piece in pieces(lender_id=lender_id, upload_id=upload_id, kind="file"):
            out.write(piece)


def forget(*, lender_id: uuid.UUID, upload_id: uuid.UUID, kind: str) -> None:
    """Delete what is kept of a kind."""
    session.execute(
        delete(UploadPart).where(
            UploadPart.lender_id == lender_id, UploadPart.upload_id == upload_id, UploadPart.kind == kind
        ),
        execution_options={"synchronize_session": False},
    )
