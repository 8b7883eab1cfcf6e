"""The one table of pages that a debtor can see: whatever is checked on every page is checked on these.

`tests/guards/test_pages.py` fails when an address of the portal is missing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.scene import STRANGER

# A question that was answered with what nobody can use.
NONSENSE = "not a number"


@dataclass(frozen=True)
class DebtorPage:
    """One page in one state.

    `path` has gaps such as `{debt}`, filled from what this person of the scene has. `strong` is after a one-time code.
    `code_sent` asks for a one-time code first. `wrong` is typed into the form that has these fields and sent, and what
    comes back is looked at. `main` is one of the ten that Lighthouse measures.
    """

    name: str
    path: str
    who: str = STRANGER
    strong: bool = False
    status: int = 200
    code_sent: bool = False
    wrong: Mapping[str, str] | None = None
    main: bool = False


PAGES = (
    # Before anybody has signed in.
    DebtorPage("start", "/", main=True),
    DebtorPage("sign in", "/sign-in", main=True),
    DebtorPage("sign in, nothing given", "/sign-in", status=422, wrong={"reference": "", "day": ""}),
    DebtorPage("link", "/i/{token}", main=True),
    DebtorPage("link, no such day", "/i/{token}", status=422, wrong={"day": "31", "month": "2", "year": "1980"}),
    DebtorPage("link that is gone", "/i/no-such-link", status=404),
    DebtorPage("link tried too often", "/i/{locked_token}", status=429),
    DebtorPage("help", "/help"),
    DebtorPage("signed out", "/signed-out"),
    DebtorPage("no such page", "/no-such-page", status=404),
    # What is owed.
    DebtorPage("home", "/home", "newcomer"),
    DebtorPage("home, on a plan", "/home", "on a plan", main=True),
    DebtorPage("home, a day has passed", "/home", "late"),
    DebtorPage("home, two debts", "/home", "with two debts"),
    DebtorPage("home, nothing left", "/home", "nothing left"),
    DebtorPage("debt", "/debts/{debt}", "newcomer", main=True),
    DebtorPage("debt, on a plan", "/debts/{debt}", "on a plan"),
    DebtorPage("debt, nothing left", "/debts/{debt}", "nothing left"),
    # Making a plan.
    DebtorPage("what can you afford", "/debts/{debt}/what-can-you-afford", "newcomer", main=True),
    DebtorPage(
        "what can you afford, no number",
        "/debts/{debt}/what-can-you-afford",
        "newcomer",
        status=422,
        wrong={"amount": NONSENSE},
    ),
    DebtorPage("which day", "/debts/{debt}/which-day-suits-you", "deciding"),
    DebtorPage(
        "which day, no such day",
        "/debts/{debt}/which-day-suits-you",
        "deciding",
        status=422,
        wrong={"pay_day": "40"},
    ),
    DebtorPage("choose", "/debts/{debt}/choose-a-plan", "deciding", main=True),
    DebtorPage("check", "/debts/{debt}/check-your-plan/{number}", "deciding", main=True),
    DebtorPage("check, code sent", "/debts/{debt}/check-your-plan/{number}", "deciding", code_sent=True),
    DebtorPage(
        "check, no code given",
        "/debts/{debt}/check-your-plan/{number}",
        "deciding",
        status=422,
        code_sent=True,
        wrong={"code": ""},
    ),
    DebtorPage("sent to a person", "/debts/{debt}/sent-to-a-person", "offering"),
    # Keeping it.
    DebtorPage("plan", "/plans/{plan}", "on a plan", main=True),
    DebtorPage("plan, just agreed", "/plans/{plan}?new=1", "late"),
    DebtorPage("plan, a day has passed", "/plans/{plan}", "late"),
    # Paying.
    DebtorPage("pay", "/pay?debt={debt}", "newcomer", main=True),
    DebtorPage("pay, on a plan", "/pay?debt={debt}", "on a plan"),
    DebtorPage(
        "pay, no amount",
        "/pay?debt={debt}",
        "newcomer",
        status=422,
        wrong={"choice": "other", "amount": NONSENSE},
    ),
    DebtorPage("pay, which debt", "/pay", "with two debts"),
    DebtorPage("pay, nothing left", "/pay", "nothing left"),
    DebtorPage("paid", "/pay/result/{payment}", "on a plan"),
    DebtorPage("not gone through with", "/pay/result/{left_payment}?left=1", "newcomer"),
    # What is kept.
    DebtorPage("points", "/points", "on a plan"),
    DebtorPage("points, none yet", "/points", "newcomer"),
    DebtorPage("letters", "/letters", "on a plan", strong=True),
    DebtorPage("letters, none yet", "/letters", "newcomer", strong=True),
    DebtorPage("code", "/code", "newcomer"),
    DebtorPage("code, sent", "/code", "late", code_sent=True),
    DebtorPage("code, none given", "/code", "late", status=422, code_sent=True, wrong={"code": ""}),
    DebtorPage("messages sent by the demo", "/outbox"),
    # You, and what is one's own.
    DebtorPage("you", "/you", "on a plan"),
    DebtorPage("contacts", "/you/contacts", "on a plan", strong=True),
    DebtorPage("contacts, masked", "/you/contacts", "newcomer"),
    DebtorPage("add a contact", "/you/contacts/add", "newcomer"),
    DebtorPage("add a contact, no number", "/you/contacts/add", "newcomer", status=422, wrong={"address": NONSENSE}),
    DebtorPage("change a contact", "/you/contacts/{contact}/change", "on a plan"),
    DebtorPage("a change that waits for codes", "/you/contacts/requests/{change}", "on a plan"),
    DebtorPage("a change with a person", "/you/contacts/requests/{change_with_staff}", "on a plan"),
    DebtorPage("remove a contact", "/you/contacts/{contact}/remove", "on a plan", strong=True),
    DebtorPage("undo a change", "/undo/{undo}"),
    DebtorPage("undo a change, too late", "/undo/no-such-link", status=404),
    DebtorPage("devices", "/you/devices", "on a plan"),
    DebtorPage("passkeys", "/you/passkeys", "on a plan", strong=True),
    DebtorPage("passkeys, none yet", "/you/passkeys", "newcomer", strong=True),
    DebtorPage("add a passkey", "/you/passkeys/add", "on a plan", strong=True),
    DebtorPage("name a passkey", "/you/passkeys/{passkey}/name", "on a plan", strong=True),
    DebtorPage("remove a passkey", "/you/passkeys/{passkey}/remove", "on a plan", strong=True),
    DebtorPage("sign in with a passkey", "/sign-in/passkey"),
    DebtorPage("time zone", "/you/time-zone", "newcomer"),
    DebtorPage("time zone, no such place", "/you/time-zone", "newcomer", status=422, wrong={"place": NONSENSE}),
    DebtorPage("my data", "/you/data", "on a plan", strong=True),
    DebtorPage("is this really you", "/is-this-really-you"),
    DebtorPage("is this really you, nothing in it", "/is-this-really-you", status=422, wrong={"message": "hello"}),
    DebtorPage("not for me", "/i/{token}/not-me"),
    DebtorPage("not for me, said", "/not-me/thanks"),
)

# What others build at this moment; a page that has come stands above, and `test_pages.py` says so.
TO_COME = (
    DebtorPage("I can't pay", "/help/cant-pay", "newcomer"),
    DebtorPage("this isn't mine", "/help/not-mine", "newcomer"),
    DebtorPage("the amount is wrong", "/help/wrong-amount", "newcomer"),
    DebtorPage("talk to a person", "/help/talk-to-a-person", "newcomer"),
    DebtorPage("complain", "/help/complain", "newcomer"),
    DebtorPage("requests, none yet", "/requests", "newcomer"),
    DebtorPage("messages to you", "/you/messages", "on a plan", strong=True),
    DebtorPage("stop messages", "/stop/no-such-token", status=404),
    DebtorPage("everything that happened", "/timeline", "on a plan"),
    DebtorPage("what would pay it off", "/debts/{debt}/pay-off", "newcomer"),
)

# Addresses that are fetched and are no page, each with why.
NO_PAGE = {
    "public.alive": "one word for whoever watches the server",
    "letters.download": "a PDF; tests/letters checks it",
    "you.data_file": "JSON and CSV; tests/journeys checks them",
}


def named(name: str) -> DebtorPage:
    """Give the page of a name."""
    return next(page for page in PAGES if page.name == name)
