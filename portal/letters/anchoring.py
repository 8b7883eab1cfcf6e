"""Each lender's log is held fast outside: once a day somebody else puts a time under what was signed of it (RFC 3161).

Invariant: a silent authority is no failure. It is asked again, the log grows meanwhile, and the next stamp covers all
that was signed until then, for the log only grows. A stamp that was kept is never changed.
"""

from __future__ import annotations

import importlib
import logging
from datetime import timedelta
from typing import Any

from flask import current_app

from portal import clock
from portal.db import insert_unless_there, new_id, session, transaction
from portal.evidence import log as signed_log
from portal.evidence.models import LogStamp
from portal.queue import Job, TryLater

AGAIN_AFTER = timedelta(minutes=5)
log = logging.getLogger(__name__)


def run(job: Job) -> None:
    """Let the newest checkpoint of a lender's log be stamped; one that is stamped already stays as it is.

    :raises TryLater: if nobody does; without an authority in the settings it is looked again in an hour.
    """
    if job.lender_id is None:
        raise ValueError("a log is a lender's")
    settings = current_app.config["SETTINGS"]
    authority, trusted = settings.tsa_url, settings.tsa_roots
    if authority is None:
        raise TryLater(timedelta(hours=1))
    signed, last = signed_log.newest(job.lender_id), signed_log.newest_stamp(job.lender_id)
    if signed is None or (last is not None and last.size >= signed.size):
        return
    size, note = signed.size, signed.note
    # Nothing stays open while somebody else is asked.
    session.rollback()
    sealing = sealing_door()
    try:
        authorities = trusted.read_text("utf-8") if trusted else None
        stamp = sealing.stamp(note.encode(), authority=authority, authorities=authorities)
    except sealing.NoTime as problem:
        log.warning("the time stamp authority gives no time for the log of %s: %s", job.lender_id, problem)
        raise TryLater(AGAIN_AFTER) from problem
    with transaction() as s:
        s.execute(
            insert_unless_there(LogStamp)
            .values(
                lender_id=job.lender_id,
                id=new_id(),
                size=size,
                response=stamp.response,
                authority=stamp.authority,
                stamped_at=stamp.at,
                kept_at=clock.now(),
            )
            .on_conflict_do_nothing()
        )


def sealing_door() -> Any:
    """Read pyHanko in, which takes a while: only where something is stamped or a stamp is checked."""
    return importlib.import_module("portal.letters.sealing")
