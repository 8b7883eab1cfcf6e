"""The floor of the webhook: a bare Flask route that inserts one row, by hand-written SQL, through the same pool."""

from __future__ import annotations

import json
import os
import uuid
from datetime import UTC, datetime

import uuid_utils.compat
from flask import Flask, request

from portal.db import make_engine

_URL = os.environ["DATABASE_URL"]
_SQLITE = _URL.startswith("sqlite")
_PLACE = "?" if _SQLITE else "%s"
_INSERT = (
    "insert into webhook_event (lender_id, id, event_id, kind, facts, received_at, outcome) "
    f"values ({', '.join([_PLACE] * 7)}) on conflict (lender_id, event_id) do nothing"
)
app = Flask("floor", static_folder=None)
_engine = make_engine(_URL)
_lenders: list[uuid.UUID | str] = []


@app.post("/webhooks/stripe/<slug>")
def stripe(slug: str) -> tuple[str, int]:
    """Keep one event."""
    event = json.loads(request.get_data())
    connection = _engine.raw_connection()
    try:
        cursor = connection.cursor()
        if not _lenders:
            cursor.execute(f"select id from lender where slug = {_PLACE}", (slug,))
            _lenders.append(cursor.fetchall()[0][0])
        id_, now = uuid_utils.compat.uuid7(), datetime.now(UTC)
        cursor.execute("BEGIN IMMEDIATE" if _SQLITE else "BEGIN")
        cursor.execute(
            _INSERT,
            (
                _lenders[0],
                id_.hex if _SQLITE else id_,
                event["id"],
                event["type"],
                json.dumps({"object_id": event["data"]["object"]["id"]}),
                now.replace(tzinfo=None).isoformat(" ") if _SQLITE else now,
                "waiting",
            ),
        )
        cursor.execute("COMMIT")
    finally:
        connection.close()
    return "", 200
