"""Every table in one place, for migrations and tests; importing this module fills `Model.metadata`."""

from portal.autopay import models as autopay
from portal.banking import models as banking
from portal.batches import models as batches
from portal.care import models as care
from portal.contact import models as contact
from portal.db import Model
from portal.debts import models as debts
from portal.desk import models as desk
from portal.evidence import models as evidence
from portal.files import models as files
from portal.helpdesk import models as helpdesk
from portal.ledger import Book, Posting, Transfer
from portal.lenders import models as lenders
from portal.letters import models as letters
from portal.payments import models as payments
from portal.people import models as people
from portal.plans import models as plans
from portal.points import models as points
from portal.post import models as post
from portal.queue import QueuedJob
from portal.staff import models as staff

metadata = Model.metadata
WITHOUT_LENDER = frozenset({"lender", "job", "link_token", "message_check", "stop_link"})

__all__ = [
    "Book",
    "Posting",
    "QueuedJob",
    "Transfer",
    "autopay",
    "banking",
    "batches",
    "care",
    "contact",
    "debts",
    "desk",
    "evidence",
    "files",
    "helpdesk",
    "lenders",
    "letters",
    "metadata",
    "payments",
    "people",
    "plans",
    "points",
    "post",
    "staff",
]
