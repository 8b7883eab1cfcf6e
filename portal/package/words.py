"""What stands in each of the fourteen parts of a package, what no package has, and the page that somebody signs."""

from __future__ import annotations

from dataclasses import dataclass

from portal.lenders.models import LenderCard
from portal.web.languages import gettext as _


@dataclass(frozen=True, slots=True)
class Part:
    """One part: the folder of the file, its name, what it holds, and what is not there because nobody has it."""

    folder: str
    name: str
    holds: str
    not_held: str = ""


def parts() -> tuple[Part, ...]:
    """Give the fourteen parts in their order."""
    return (
        Part(
            "01-log",
            _("List of contents and log"),
            _(
                "manifest.json lists every file with its SHA-256 and is signed in manifest.note. Here are the signed "
                "checkpoint of the lender’s log, its key, each record with its proof, and the same in plain words. If "
                "somebody outside put a time under the log (RFC 3161), here is the newest: stamp.tsr is of "
                "stamped.txt, and grew.txt proves that the log only grew since."
            ),
            _("Records that were written after the checkpoint are not in it."),
        ),
        Part(
            "02-identity",
            _("Who it was"),
            _("When and how somebody signed in, how strongly, which codes were sent when, and which links were made."),
            _("No picture of an identity document and no code is in it."),
        ),
        Part(
            "03-origin",
            _("Where the debt comes from"),
            _("The debt as the lender’s file said it, and the fingerprint of that file."),
            _(
                "This portal holds no credit contract, no assignment and no notice of one. "
                "If the debt was assigned, the lender has to show it."
            ),
        ),
        Part(
            "04-ledger",
            _("The books"),
            _(
                "Every change of what is owed, in its order, with what was owed after it; the balances; the rates, and "
                "the versions of the rules. verify.py adds it all up again."
            ),
        ),
        Part(
            "05-messages",
            _("Messages"),
            _(
                "Every message as it was written, to which address, when it left, and what the service said that "
                "carried it. Whether it was allowed to leave is in the records of part 1."
            ),
            _("Codes, and the ends of links that open something, are left out of the texts."),
        ),
        Part(
            "06-calls",
            _("Calls"),
            _("Calls as somebody wrote them down: when, who called whom, whether it was agreed to speak."),
            _("No call was recorded with this portal: there is no recording."),
        ),
        Part(
            "07-agreement",
            _("How it was agreed"),
            _(
                "What was asked for and answered, the plans that were offered with all their terms, "
                "the agreed text word for word, each payment, and every change."
            ),
            _("No pictures of pages were kept, and nobody measured how long a page was open."),
        ),
        Part(
            "08-affordability",
            _("What could be afforded"),
            _("Income and costs as they were declared, with how surely they were known."),
        ),
        Part(
            "09-letters",
            _("Letters"),
            _("Every letter as it was issued, to the byte, with its fingerprint, its seal and its time stamp."),
            _(
                "A letter can be checked anew with any program for signed PDFs, or at /check-a-letter; the "
                "certificates to trust for that are in roots.pem, if the lender seals its letters."
            ),
        ),
        Part(
            "10-payments",
            _("Payments"),
            _("Payments with the numbers of the payment service, when they arrived, and what went back."),
        ),
        Part(
            "11-care",
            _("Requests, disputes and pauses"),
            _("What was asked for beside paying, by when it was answered, what stopped meanwhile, and what helps."),
        ),
        Part(
            "12-people",
            _("What people did"),
            _("What people of the lender did and looked at, what they approved, and the reasons that they gave."),
        ),
        Part(
            "13-certificate",
            _("Certificate"),
            _("A page for a responsible person of the lender to sign, and one page that explains the log."),
            _("Nobody has signed it: it is made to be signed."),
        ),
        Part(
            "14-verify",
            _("How to check it"),
            _("verify.py, a short program that checks all of this without any network, and how to run it."),
        ),
    )


def about(part: Part, *, rows: int | None) -> str:
    """Give the text that stands in the folder of a part; `rows`: how many there are, None if they are not counted."""
    lines = [part.name, "", part.holds]
    if part.not_held:
        lines.append(part.not_held)
    if rows == 0:
        lines.append(_("Nothing of this kind is on record for this debt."))
    return "\n".join(lines) + "\n"


def left_out() -> str:
    """Say what somebody's own package leaves out."""
    return _(
        "This package was made for the person whose debt it is. People of the lender are named by what they are, not "
        "by name. A record that names one of them stands in it by its fingerprint alone; its place in the log is "
        "proven all the same."
    )


def certificate(*, lender: LenderCard, legal_name: str, debt: str, size: int, root: str) -> str:
    """Give the page that a responsible person signs, if what it says is so."""
    return _(
        "Certificate of records made by an electronic process\n"
        "\n"
        "Lender: %(lender)s (%(legal)s)\n"
        "Debt: %(debt)s\n"
        "Log: %(size)s records, root %(root)s\n"
        "\n"
        "1. I am responsible for, or know by my work, the system that made these records.\n"
        "2. The records were made by that system at or near the time of what they say, in its usual course.\n"
        "3. The system gives an accurate result: each record is hashed when it is written, takes its place in a log "
        "that only grows, and the log is signed.\n"
        "4. The files of this package were copied from that system by a program. Each is identified by its SHA-256 in "
        "manifest.json.\n"
        "5. I know of nothing that makes these statements untrue, except: ______________________________\n"
        "\n"
        "Whether and how this page counts is for the court and the law that applies to say.\n"
        "\n"
        "Name and position: ______________________________\n"
        "Place and date: ______________________________\n"
        "Signature: ______________________________\n",
        lender=lender.name,
        legal=legal_name,
        debt=debt,
        size=size,
        root=root,
    )


def explanation() -> str:
    """Explain the log on one page."""
    return _(
        "How the log works\n"
        "\n"
        "Each act leaves a record: who, for whom, what, when. It is written in the same step as the act, and hashed "
        "with a secret number (SHA-256).\n"
        "Within seconds the hash takes the next place in the lender’s log, a tree of hashes (RFC 9162). The lender’s "
        "key signs how many records there are and the root over all of them: the checkpoint.\n"
        "A record’s proof is the hashes that lead from it to the root. Whoever changes, removes or moves a record "
        "changes the root, and the signed checkpoint does not fit any more.\n"
        "Checkpoints are public. Somebody who kept an older one can check that the log only grew since.\n"
        "What the log does not prove: that what somebody wrote is true. And whoever had the key could sign another "
        "log; only an older checkpoint that somebody else kept would show it.\n"
    )


def instructions(*, address: str) -> str:
    """Say how the package is checked."""
    return _(
        "How to check this package\n"
        "\n"
        "1. Get verify.py from 14-verify, or better from somebody who had it before. It is short: read it.\n"
        "2. Install Python 3.11 or newer and its package “cryptography”.\n"
        "3. Get the lender’s key from %(address)s, or from a letter or a person that you trust. It also stands in "
        "01-log/key.txt, but whoever makes up a package can make up that key as well.\n"
        "4. Run: python verify.py THE-FILE.zip --key KEY\n"
        "\n"
        "It says that the package is whole, or in one sentence what is wrong. It needs no network.\n",
        address=address,
    )
