"""What each queued job runs. Whoever puts a job off names it here; nobody below imports this module."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Flask

from portal.letters import issue
from portal.payments import settle
from portal.people import notices
from portal.post import outbox
from portal.queue import Job


def table(app: Flask) -> Mapping[str, Callable[[Job], None]]:
    """Give the function of every job's name, each in the application's context, for translations and formats."""
    demo = bool(app.config["DEMO"])

    def inside(run: Callable[[Job], None]) -> Callable[[Job], None]:
        def do(job: Job) -> None:
            with app.app_context():
                run(job)

        return do

    return {
        "post.deliver": inside(lambda job: outbox.deliver(job, demo=demo)),
        "payments.settle": inside(settle.run),
        "payments.heed": inside(settle.heed),
        "letters.issue": inside(issue.run),
        "people.door_locked": inside(notices.door_locked),
    }
