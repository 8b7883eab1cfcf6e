"""What each queued job runs. Whoever puts a job off names it here; nobody below imports this module."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping

from flask import Flask

from portal.autopay import agreeing, charging, reading, saving
from portal.autopay import tell as autopay_tell
from portal.banking import work as bank_work
from portal.batches import acts as batches
from portal.batches import work as batch_work
from portal.care.holds import holding
from portal.contact.office import office
from portal.evidence import log as signed_log
from portal.files import acts as files
from portal.files import work as file_work
from portal.letters import anchoring, caring, endings
from portal.payments import closing, giving_back, reconcile, settle, tell_back
from portal.payments import tell as payment_tell
from portal.people import notices
from portal.plans import from_file, remind
from portal.plans import tell as plan_tell
from portal.post import deliver
from portal.queue import Job

__all__ = ["holding", "still_true", "table"]


def still_true(lender_id: uuid.UUID, about: str) -> bool | None:
    """Say whether what a message is about still is as it says; None if nobody knows."""
    for feature in (remind, payment_tell, autopay_tell):
        said: bool | None = feature.still_true(lender_id, about)
        if said is not None:
            return said
    return None


def table(app: Flask) -> Mapping[str, Callable[[Job], None]]:
    """Give the function of every job's name, each in the application's context, for translations and formats."""
    ours = office(app.config["SETTINGS"], holding=holding, still_true=still_true)

    def inside(run: Callable[[Job], None]) -> Callable[[Job], None]:
        def do(job: Job) -> None:
            with app.app_context():
                run(job)

        return do

    return {
        "post.deliver": inside(lambda job: deliver.run(job, office=ours)),
        "plans.tell": inside(plan_tell.agreed),
        remind.WRITE: inside(lambda job: remind.run(job, holding=holding, covered=reading.covers)),
        from_file.TELL: inside(plan_tell.of_file),
        "payments.tell": inside(payment_tell.run),
        "payments.tell_back": inside(tell_back.run),
        "payments.settle": inside(settle.run),
        "payments.settle_aside": inside(settle.run_aside),
        closing.CLOSE: inside(closing.run),
        "payments.give_back": inside(giving_back.run),
        "payments.heed": inside(settle.heed),
        reconcile.JOB: inside(reconcile.run),
        "autopay.saved": inside(saving.saved),
        "autopay.heed": inside(saving.heed),
        "autopay.followed": inside(charging.followed),
        agreeing.FORGET: inside(saving.forget),
        agreeing.LOOK: inside(charging.look),
        charging.CHARGE: inside(charging.run),
        "letters.issue": inside(lambda job: (caring if job.payload["kind"] in caring.KINDS else endings).run(job)),
        signed_log.STAMP: inside(anchoring.run),
        batches.PREPARE: inside(batch_work.prepare),
        batches.MAKE: inside(batch_work.make),
        files.SEE: inside(file_work.see),
        files.BRING: inside(file_work.bring),
        files.UNDO: inside(file_work.undo),
        files.FORGET: inside(file_work.forget),
        files.BANK_SEE: inside(bank_work.see),
        files.BANK_BRING: inside(bank_work.bring),
        files.BANK_UNDO: inside(bank_work.undo),
        "people.door_locked": inside(notices.door_locked),
    }
