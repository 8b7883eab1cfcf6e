"""Lets every lender's log grow while people act: every two seconds, and once an hour looking further back."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from urllib.parse import urlsplit

from portal.db import session
from portal.evidence.log import THOROUGH, USUAL, place
from portal.lenders.settings import all_lenders

log = logging.getLogger(__name__)
_PAUSE_SECONDS = 2.0
_USUAL_ONES = 1_800


def origin_of(slug: str, *, base_url: str) -> str:
    """Give the name of a lender's log: where it is, without the scheme, as checkpoints name it."""
    return f"{urlsplit(base_url).netloc}/log/{slug}"


def place_all(*, base_url: str, back: timedelta = USUAL) -> int:
    """Put the new records of all lenders into their trees; gives how many.

    A lender whose log can't grow, as when its key can't be opened, keeps none of the others waiting.
    """
    lenders = [(lender.id, lender.slug) for lender in all_lenders()]
    session.rollback()
    placed = 0
    for id_, slug in lenders:
        try:
            placed += place(id_, origin=origin_of(slug, base_url=base_url), back=back)
        except Exception:
            log.exception("records of %s could not take their places in the log", slug)
            session.rollback()
    return placed


def work(*, base_url: str, stop: threading.Event, pause: float = _PAUSE_SECONDS) -> None:
    """Do so until told to stop; what fails is tried again at the next turn."""
    turn = 0
    while not stop.is_set():
        try:
            place_all(base_url=base_url, back=THOROUGH if turn % _USUAL_ONES == 0 else USUAL)
        except Exception:
            log.exception("the lenders could not be read")
        finally:
            session.remove()
        turn += 1
        stop.wait(pause)
