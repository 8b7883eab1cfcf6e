"""The one table of pages that a debtor can see: whatever is checked on every page is checked on these.

`tests/guards/test_pages.py` fails when an address of the portal is missing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.scene import AGENT, COLLEAGUE, HALF_WAY_IN, STRANGER

# A question that was answered with what nobody can use.
NONSENSE = "not a number"
# Where the pages of a plan are that a colleague makes with somebody.
_TOGETHER = "/staff/people/{agreeing}/act/plan/{agreeing_debt}"


@dataclass(frozen=True)
class DebtorPage:
    """One page in one state.

    `path` has gaps such as `{debt}`, filled from what this person of the scene has. `strong` is after a one-time code.
    `code_sent` asks for a one-time code first. `typed` goes into the form that has these fields; it is sent, and what
    comes back is looked at. `main` is one of the ten that Lighthouse measures; `ours` is for those who build the pages,
    and no debtor ever waits for it.
    """

    name: str
    path: str
    who: str = STRANGER
    strong: bool = False
    status: int = 200
    code_sent: bool = False
    typed: Mapping[str, str] | None = None
    main: bool = False
    ours: bool = False

    @property
    def wrong(self) -> bool:
        """Say whether it is a page that asks to look again."""
        return self.status == 422


PAGES = (
    # Before anybody has signed in.
    DebtorPage("start", "/", main=True),
    DebtorPage("sign in", "/sign-in"),
    DebtorPage("sign in, nothing given", "/sign-in", status=422, typed={"reference": "", "day": ""}),
    DebtorPage("link", "/i/{token}", main=True),
    DebtorPage("link, no such day", "/i/{token}", status=422, typed={"day": "31", "month": "2", "year": "1980"}),
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
    DebtorPage("what would pay it off", "/debts/{debt}/pay-off", "on a plan"),
    # Making a plan.
    DebtorPage("what can you afford", "/debts/{debt}/what-can-you-afford", "newcomer", main=True),
    DebtorPage(
        "what can you afford, no number",
        "/debts/{debt}/what-can-you-afford",
        "newcomer",
        status=422,
        typed={"amount": NONSENSE},
    ),
    DebtorPage("which day", "/debts/{debt}/which-day-suits-you", "deciding"),
    DebtorPage(
        "which day, no such day",
        "/debts/{debt}/which-day-suits-you",
        "deciding",
        status=422,
        typed={"pay_day": "40"},
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
        typed={"code": ""},
    ),
    DebtorPage("sent to a person", "/debts/{debt}/sent-to-a-person", "offering"),
    # In every way.
    DebtorPage("preview", "/debts/{debt}/preview?amount=50&frequency=monthly", "newcomer"),
    DebtorPage("preview, less than works", "/debts/{debt}/preview?amount=2&frequency=monthly", "newcomer"),
    DebtorPage("preview, no number", "/debts/{debt}/preview?amount=x&frequency=monthly", "newcomer", status=422),
    DebtorPage("ways to pay", "/debts/{debt}/ways-to-pay", "with every way"),
    DebtorPage("start low", "/debts/{debt}/ways-to-pay/start-low", "with every way"),
    DebtorPage("more at first", "/debts/{debt}/ways-to-pay/more-at-first", "with every way"),
    DebtorPage("pause first", "/debts/{debt}/ways-to-pay/pause-first", "with every way"),
    DebtorPage("less for a while", "/debts/{debt}/ways-to-pay/less-for-a-while", "with every way"),
    DebtorPage("pay less and be done", "/debts/{debt}/ways-to-pay/pay-less-and-be-done", "with every way"),
    DebtorPage("pay less in parts", "/debts/{debt}/ways-to-pay/pay-less-in-parts", "with every way"),
    DebtorPage("after the harvest", "/debts/{debt}/ways-to-pay/after-the-harvest", "with every way"),
    DebtorPage(
        "pay less and be done, no such day",
        "/debts/{debt}/ways-to-pay/pay-less-and-be-done",
        "with every way",
        status=422,
        typed={"amount": NONSENSE, "pay_by": "2027-02-29"},
    ),
    DebtorPage("what can you afford, of many ways", "/debts/{debt}/what-can-you-afford", "with every way"),
    DebtorPage("choose, not quite", "/debts/{debt}/choose-a-plan", "with every way"),
    DebtorPage("check, a part let off", "/debts/{debt}/check-your-plan/{number}", "with every way"),
    DebtorPage("your budget", "/debts/{debt}/your-budget", "with every way"),
    DebtorPage("your budget, empty", "/debts/{debt}/your-budget", "deciding"),
    DebtorPage(
        "your budget, no number", "/debts/{debt}/your-budget", "deciding", status=422, typed={"earnings": NONSENSE}
    ),
    DebtorPage("what is left", "/debts/{debt}/what-is-left", "with every way"),
    # Keeping it.
    DebtorPage("plan", "/plans/{plan}", "on a plan", main=True),
    DebtorPage("plan, just agreed", "/plans/{plan}?new=1", "late"),
    DebtorPage("plan, a day has passed", "/plans/{plan}", "late"),
    # Changing it.
    DebtorPage("plan, just changed", "/plans/{plan}", "with a changed plan"),
    DebtorPage("change something", "/plans/{plan}/change", "on a plan"),
    DebtorPage("change something, a day has passed", "/plans/{plan}/change", "late"),
    DebtorPage("move one payment", "/plans/{plan}/change/one-date", "on a plan"),
    DebtorPage(
        "move one payment, no such day",
        "/plans/{plan}/change/one-date",
        "on a plan",
        status=422,
        typed={"seq": "3", "to": "2027-02-29"},
    ),
    DebtorPage(
        "move one payment, too far",
        "/plans/{plan}/change/one-date",
        "on a plan",
        status=422,
        typed={"seq": "3", "to": "2199-01-01"},
    ),
    DebtorPage("change the pay day", "/plans/{plan}/change/pay-day", "with a changed plan"),
    DebtorPage(
        "change the pay day, its effect",
        "/plans/{plan}/change/pay-day",
        "with a changed plan",
        typed={"pay_day": "31"},
    ),
    DebtorPage("leave one out", "/plans/{plan}/change/leave-one-out", "with a changed plan"),
    DebtorPage("pause a plan", "/plans/{plan}/change/pause", "with a changed plan"),
    DebtorPage("pause a plan, its effect", "/plans/{plan}/change/pause", "with a changed plan", typed={"months": "2"}),
    DebtorPage("smaller payments", "/plans/{plan}/change/less-for-a-while", "with a changed plan"),
    DebtorPage(
        "smaller payments, their effect",
        "/plans/{plan}/change/less-for-a-while",
        "with a changed plan",
        typed={"amount": "50", "months": "3"},
    ),
    DebtorPage(
        "smaller payments, too small",
        "/plans/{plan}/change/less-for-a-while",
        "with a changed plan",
        status=422,
        typed={"amount": "1", "months": "3"},
    ),
    DebtorPage("pay extra", "/plans/{plan}/change/extra", "on a plan"),
    DebtorPage(
        "pay extra, its effect",
        "/plans/{plan}/change/extra",
        "on a plan",
        typed={"amount": "250", "use": "end_sooner"},
    ),
    DebtorPage("what was changed", "/plans/{plan}/changes", "with a changed plan"),
    DebtorPage("what was changed, nothing", "/plans/{plan}/changes", "on a plan"),
    DebtorPage("a payment is missing", "/plans/{plan}/missed", "late"),
    DebtorPage("another plan", "/plans/{plan}/another", "on a plan"),
    DebtorPage("end a plan", "/plans/{plan}/end", "on a plan"),
    # Paying.
    DebtorPage("pay", "/pay?debt={debt}", "newcomer", main=True),
    DebtorPage("pay, on a plan", "/pay?debt={debt}", "on a plan"),
    DebtorPage(
        "pay, no amount",
        "/pay?debt={debt}",
        "newcomer",
        status=422,
        typed={"choice": "other", "amount": NONSENSE},
    ),
    DebtorPage("pay, which debt", "/pay", "with two debts"),
    DebtorPage("pay, nothing left", "/pay", "nothing left"),
    DebtorPage("pay, check", "/pay?debt={debt}", "newcomer", typed={"choice": "other", "amount": "50"}),
    DebtorPage("pay several", "/pay/several", "with two debts"),
    DebtorPage(
        "pay several, no amount",
        "/pay/several",
        "with two debts",
        status=422,
        typed={"choice": "other", "amount": NONSENSE},
    ),
    DebtorPage("pay several, shares", "/pay/several/shares?currency=USD&amount=10000", "with two debts"),
    DebtorPage("your money with us", "/credit", "with money here"),
    DebtorPage("your money with us, none", "/credit", "newcomer"),
    DebtorPage("use your money", "/debts/{debt}/use-credit-for/{other_debt}", "with money here"),
    DebtorPage("home, with money here", "/home", "with money here"),
    DebtorPage("debt, with money here", "/debts/{debt}", "with money here"),
    DebtorPage("paid", "/pay/result/{payment}", "on a plan"),
    DebtorPage("not gone through with", "/pay/result/{left_payment}?left=1", "newcomer"),
    # What is kept.
    DebtorPage("points", "/points", "on a plan"),
    DebtorPage("points, none yet", "/points", "newcomer"),
    DebtorPage("letters", "/letters", "on a plan", strong=True),
    DebtorPage("letters, none yet", "/letters", "newcomer", strong=True),
    DebtorPage("code", "/code", "newcomer"),
    DebtorPage("code, sent", "/code", "late", code_sent=True),
    DebtorPage("code, none given", "/code", "late", status=422, code_sent=True, typed={"code": ""}),
    DebtorPage("everything that happened", "/timeline", "on a plan"),
    # The other doors.
    DebtorPage("I can't pay", "/help/cant-pay?debt={debt}", "newcomer", main=True),
    DebtorPage("this isn't mine", "/help/not-mine?debt={debt}", "newcomer"),
    DebtorPage("the amount is wrong", "/help/wrong-amount?debt={debt}", "newcomer"),
    DebtorPage("the amount is wrong, said before", "/help/wrong-amount?debt={debt}", "asking"),
    DebtorPage("talk to a person", "/help/talk-to-a-person", "newcomer"),
    DebtorPage("complain", "/help/complain", "newcomer"),
    DebtorPage("which debt is meant", "/help/not-mine", "with two debts"),
    DebtorPage(
        "complain, too much",
        "/help/complain",
        "newcomer",
        status=422,
        typed={"words": "x" * 2_001},
    ),
    DebtorPage("complain, a stranger", "/help/complain"),
    DebtorPage("I can't pay, a stranger", "/help/cant-pay"),
    DebtorPage("complain, a stranger gives nothing", "/help/complain", status=422, typed={"contact": ""}),
    DebtorPage(
        "sent by a stranger", "/help/complain", typed={"contact": "somebody@example.com", "words": "It is not right."}
    ),
    DebtorPage("requests", "/requests", "asking"),
    DebtorPage("requests, none yet", "/requests", "newcomer"),
    DebtorPage("a request", "/requests/{request}", "asking"),
    DebtorPage("home, asking", "/home", "asking"),
    # Messages.
    DebtorPage("messages to you", "/you/messages", "on a plan"),
    DebtorPage("stop messages", "/stop/{stop_token}"),
    DebtorPage("stop messages, no such link", "/stop/no-such-token", status=404),
    # For those who look at the demo or build the pages.
    DebtorPage("messages sent by the demo", "/outbox", ours=True),
    DebtorPage("every component", "/design", ours=True),
    DebtorPage("one component", "/design/road", ours=True),
    # You, and what is one's own.
    DebtorPage("you", "/you", "on a plan"),
    DebtorPage("contacts", "/you/contacts", "on a plan", strong=True),
    DebtorPage("contacts, masked", "/you/contacts", "newcomer"),
    DebtorPage("add a contact", "/you/contacts/add", "newcomer"),
    DebtorPage("add a contact, no number", "/you/contacts/add", "newcomer", status=422, typed={"address": NONSENSE}),
    DebtorPage("change a contact", "/you/contacts/{contact}/change", "on a plan"),
    DebtorPage("a change that waits for codes", "/you/contacts/requests/{change}", "on a plan"),
    DebtorPage("a change with a person", "/you/contacts/requests/{change_with_staff}", "on a plan"),
    DebtorPage("remove a contact", "/you/contacts/{contact}/remove", "on a plan", strong=True),
    DebtorPage("undo a change", "/undo/{undo}"),
    DebtorPage("undo a change, too late", "/undo/no-such-link", status=404),
    DebtorPage("devices", "/you/devices", "on a plan"),
    DebtorPage("passkeys", "/you/passkeys", "on a plan", strong=True),
    DebtorPage("passkeys, none yet", "/you/passkeys", "newcomer", strong=True),
    DebtorPage("name a passkey", "/you/passkeys/{passkey}/name", "on a plan", strong=True),
    DebtorPage("remove a passkey", "/you/passkeys/{passkey}/remove", "on a plan", strong=True),
    DebtorPage("sign in with a passkey", "/sign-in/passkey"),
    DebtorPage("time zone", "/you/time-zone", "newcomer"),
    DebtorPage("time zone, no such place", "/you/time-zone", "newcomer", status=422, typed={"place": NONSENSE}),
    DebtorPage("my data", "/you/data", "on a plan", strong=True),
    DebtorPage("is this really you", "/is-this-really-you"),
    DebtorPage("is this really you, nothing in it", "/is-this-really-you", status=422, typed={"message": "hello"}),
    DebtorPage("not for me", "/i/{token}/not-me"),
    DebtorPage("not for me, said", "/not-me/thanks"),
    # The other door: staff of the lender.
    DebtorPage("staff, sign in", "/staff/sign-in"),
    DebtorPage("staff, sign in, nothing given", "/staff/sign-in", status=422, typed={"email": "", "password": ""}),
    DebtorPage("staff, code of the app", "/staff/second-step", HALF_WAY_IN),
    DebtorPage("staff, no code given", "/staff/second-step", HALF_WAY_IN, status=422, typed={"code": ""}),
    DebtorPage("staff, lost", "/staff/lost"),
    DebtorPage("staff, lost, noted", "/staff/lost/noted"),
    DebtorPage("staff, choose a password", "/staff/{lender}/join/{join}", COLLEAGUE),
    DebtorPage(
        "staff, weak password",
        "/staff/{lender}/join/{join}",
        COLLEAGUE,
        status=422,
        typed={"password": "password", "again": "password"},
    ),
    DebtorPage("staff, set up the app", "/staff/{lender}/join/{join_app}/app", COLLEAGUE),
    DebtorPage("staff, link that is gone", "/staff/{lender}/join/no-such-link", COLLEAGUE, status=404),
    DebtorPage("staff, start", "/staff", COLLEAGUE),
    DebtorPage("staff, colleagues", "/staff/colleagues", COLLEAGUE),
    DebtorPage("staff, a colleague", "/staff/colleagues/{colleague}", COLLEAGUE),
    DebtorPage("staff, invite", "/staff/colleagues/invite", COLLEAGUE),
    DebtorPage("staff, invite, nothing given", "/staff/colleagues/invite", COLLEAGUE, status=422, typed={"email": ""}),
    DebtorPage("staff, roles", "/staff/colleagues/{colleague}/roles", COLLEAGUE),
    DebtorPage("staff, end an account", "/staff/colleagues/{colleague}/end", COLLEAGUE),
    DebtorPage("staff, ways back in", "/staff/colleagues/ways-back", COLLEAGUE),
    DebtorPage("staff, vouch", "/staff/colleagues/ways-back/{recovery}", COLLEAGUE),
    DebtorPage("staff, limits", "/staff/limits", COLLEAGUE),
    DebtorPage("staff, limits as sentences", "/staff/limits/1", COLLEAGUE),
    DebtorPage("staff, go back to a version", "/staff/limits/{version}/go-back", COLLEAGUE),
    DebtorPage("staff, begin with a file", "/staff/limits/drafts/from-file", COLLEAGUE),
    DebtorPage(
        "staff, begin with no file", "/staff/limits/drafts/from-file", COLLEAGUE, status=422, typed={"text": "name ="}
    ),
    DebtorPage("staff, a draft", "/staff/limits/drafts/{draft}", COLLEAGUE),
    DebtorPage("staff, a draft to approve", "/staff/limits/drafts/{draft_sent}", COLLEAGUE),
    DebtorPage("staff, the file of a draft", "/staff/limits/drafts/{draft}/file", COLLEAGUE),
    DebtorPage(
        "staff, a file that is none",
        "/staff/limits/drafts/{draft}/file",
        COLLEAGUE,
        status=422,
        typed={"text": "name = 1", "revision": "0"},
    ),
    DebtorPage("staff, first day of a draft", "/staff/limits/drafts/{draft}/first-day", COLLEAGUE),
    DebtorPage("staff, withdraw a draft", "/staff/limits/drafts/{draft}/withdraw", COLLEAGUE),
    DebtorPage("staff, send a draft back", "/staff/limits/drafts/{draft_sent}/send-back", COLLEAGUE),
    DebtorPage("staff, a card", "/staff/limits/drafts/{draft}/cards/1", COLLEAGUE),
    DebtorPage(
        "staff, a card that is none",
        "/staff/limits/drafts/{draft}/cards/1",
        COLLEAGUE,
        status=422,
        typed={"name": "", "least_payment.amount": "none", "interest.bands.0.name": "Harvest"},
    ),
    DebtorPage("staff, a new card", "/staff/limits/drafts/{draft}/cards/add", COLLEAGUE),
    DebtorPage("staff, remove a card", "/staff/limits/drafts/{draft}/cards/1/remove", COLLEAGUE),
    DebtorPage("staff, try limits", "/staff/limits/try", COLLEAGUE),
    DebtorPage(
        "staff, tried limits",
        "/staff/limits/try",
        COLLEAGUE,
        typed={"balance": "3600", "days_late": "40", "payment": "100", "draft": "1"},
    ),
    DebtorPage("staff, requests", "/staff/requests", COLLEAGUE),
    DebtorPage("staff, a request", "/staff/requests/{number}", COLLEAGUE),
    DebtorPage("staff, a request, no answer", "/staff/requests/{number}", COLLEAGUE, status=422, typed={"words": ""}),
    DebtorPage("staff, an offer", "/staff/requests/{offer}", COLLEAGUE),
    DebtorPage("staff, yes to an offer", "/staff/requests/{offer}/yes?plan=nearest", COLLEAGUE),
    DebtorPage(
        "staff, yes without words",
        "/staff/requests/{offer}/yes?plan=nearest",
        COLLEAGUE,
        status=422,
        typed={"words": ""},
    ),
    DebtorPage("staff, yes beyond the usual", "/staff/requests/{offer}/yes?plan=beyond", COLLEAGUE),
    DebtorPage(
        "staff, beyond the usual without a reason",
        "/staff/requests/{offer}/yes?plan=beyond",
        COLLEAGUE,
        status=422,
        typed={"words": "Yes.", "reason": ""},
    ),
    DebtorPage("staff, being asked", "/staff/requests/{offer}/yes?plan=further_beyond", COLLEAGUE),
    DebtorPage(
        "staff, a no without words",
        "/staff/requests/{offer}/yes?plan=further_beyond",
        COLLEAGUE,
        status=422,
        typed={"why_not": ""},
    ),
    DebtorPage("staff, asking a colleague", "/staff/requests/{offer}/yes?plan=further_beyond", AGENT),
    DebtorPage("staff, requests, asked and answered", "/staff/requests", AGENT),
    DebtorPage("staff, an offer, answered with no", "/staff/requests/{offer}", AGENT),
    DebtorPage("staff, start, told", "/staff", AGENT),
    DebtorPage("staff, find a person", "/staff/people", COLLEAGUE),
    DebtorPage("staff, found", "/staff/people", COLLEAGUE, typed={"typed": "example made up"}),
    DebtorPage("staff, nobody found", "/staff/people", COLLEAGUE, typed={"typed": "zzzzz"}),
    DebtorPage("staff, find, nothing typed", "/staff/people", COLLEAGUE, status=422, typed={"typed": ""}),
    DebtorPage("staff, why it is opened", "/staff/people/{needing_care}/reason", COLLEAGUE),
    DebtorPage(
        "staff, why, nothing said", "/staff/people/{needing_care}/reason", COLLEAGUE, status=422, typed={"reason": ""}
    ),
    DebtorPage("staff, a person", "/staff/people/{person}", COLLEAGUE),
    DebtorPage("staff, a person, what they see", "/staff/people/{person}/screen", COLLEAGUE),
    DebtorPage("staff, a person, payments", "/staff/people/{person}/payments", COLLEAGUE),
    DebtorPage("staff, money that goes back", "/staff/refunds", COLLEAGUE),
    DebtorPage("staff, a refund", "/staff/refunds/{refund}", COLLEAGUE),
    DebtorPage("staff, disputes", "/staff/disputes", COLLEAGUE),
    DebtorPage("staff, money that waits", "/staff/suspense", COLLEAGUE),
    DebtorPage("staff, money that came", "/staff/suspense/{aside}", COLLEAGUE),
    DebtorPage("staff, give money back", "/staff/people/{payer}/payments/{paid}/give-back", COLLEAGUE),
    DebtorPage(
        "staff, give money back, what it does",
        "/staff/people/{payer}/payments/{paid}/give-back",
        COLLEAGUE,
        typed={"amount": "2.00", "why": "Paid by mistake."},
    ),
    DebtorPage(
        "staff, give money back, nothing given",
        "/staff/people/{payer}/payments/{paid}/give-back",
        COLLEAGUE,
        status=422,
        typed={"amount": "", "why": ""},
    ),
    DebtorPage(
        "staff, place money, no such debt",
        "/staff/suspense/{aside}",
        COLLEAGUE,
        status=422,
        typed={"debt": "nobody's", "why": "It is theirs."},
    ),
    DebtorPage("staff, a person, letters", "/staff/people/{person}/letters", COLLEAGUE),
    DebtorPage("staff, a person, requests", "/staff/people/{person}/requests", COLLEAGUE),
    DebtorPage("staff, a person, notes", "/staff/people/{person}/notes", COLLEAGUE),
    DebtorPage("staff, write a note", "/staff/people/{person}/notes/new", COLLEAGUE),
    DebtorPage("staff, correct a note", "/staff/people/{person}/notes/new?instead={note}", COLLEAGUE),
    DebtorPage("staff, an empty note", "/staff/people/{person}/notes/new", COLLEAGUE, status=422, typed={"text": " "}),
    DebtorPage("staff, a call", "/staff/people/{person}/calls/new", COLLEAGUE),
    DebtorPage("staff, an empty call", "/staff/people/{person}/calls/new", COLLEAGUE, status=422, typed={"about": ""}),
    DebtorPage("staff, send a link", "/staff/people/{person}/link", COLLEAGUE),
    DebtorPage("staff, no link", "/staff/people/{person}/link", COLLEAGUE, status=422, typed={"form_key": "a"}),
    DebtorPage("staff, act for somebody", "/staff/people/{person}/act", COLLEAGUE),
    DebtorPage("staff, act, nothing said", "/staff/people/{person}/act", COLLEAGUE, status=422, typed={"about": ""}),
    DebtorPage("staff, acting for somebody", "/staff/people/{agreeing}/act", COLLEAGUE),
    DebtorPage("staff, can't pay, for somebody", "/staff/people/{agreeing}/act/ask?door=cant-pay", COLLEAGUE),
    DebtorPage("staff, complain, for somebody", "/staff/people/{agreeing}/act/ask?door=complain", COLLEAGUE),
    DebtorPage("staff, how much, for somebody", f"{_TOGETHER}/what-can-you-afford", COLLEAGUE),
    DebtorPage(
        "staff, no amount, for somebody",
        f"{_TOGETHER}/what-can-you-afford",
        COLLEAGUE,
        status=422,
        typed={"amount": NONSENSE},
    ),
    DebtorPage("staff, which day, for somebody", f"{_TOGETHER}/which-day-suits-you", COLLEAGUE),
    DebtorPage("staff, ways to pay, for somebody", f"{_TOGETHER}/ways-to-pay", COLLEAGUE),
    DebtorPage("staff, a budget, for somebody", f"{_TOGETHER}/your-budget", COLLEAGUE),
    DebtorPage("staff, choose, for somebody", f"{_TOGETHER}/choose-a-plan", COLLEAGUE),
    DebtorPage("staff, read a plan out", f"{_TOGETHER}/check-your-plan/{{prepared}}", COLLEAGUE),
    DebtorPage(
        "staff, a plan that was not read out",
        f"{_TOGETHER}/check-your-plan/{{prepared}}",
        COLLEAGUE,
        status=422,
        typed={"form_key": "a"},
    ),
    DebtorPage("staff, hand over", "/staff/requests/{number}/hand-over", COLLEAGUE),
    DebtorPage(
        "staff, hand over, no word", "/staff/requests/{number}/hand-over", COLLEAGUE, status=422, typed={"why": ""}
    ),
    DebtorPage("staff, a person, timeline", "/staff/people/{person}/timeline", COLLEAGUE),
    DebtorPage("staff, oneself", "/staff/you", COLLEAGUE),
    DebtorPage("staff, another password", "/staff/you/password", COLLEAGUE),
)

# Addresses that are fetched and are no page, each with why.
NO_PAGE = {
    "public.alive": "one word for whoever watches the server",
    "staff_team.team_csv": "a table for a spreadsheet",
    "desk.version_file": "a file of limits",
    "desk.versions_csv": "a table for a spreadsheet",
    "desk_drafts.draft_file": "as desk.version_file",
    "finance.refunds_csv": "a table for a spreadsheet",
    "finance.disputes_csv": "a table for a spreadsheet",
    "finance.suspense_csv": "a table for a spreadsheet",
    "helpdesk.requests_csv": "a table for a spreadsheet",
    "helpdesk.decisions_csv": "a table for a spreadsheet",
    "helpdesk_people.notes_csv": "a table for a spreadsheet",
    "helpdesk_people.calls_csv": "a table for a spreadsheet",
    "helpdesk_people.frame": "the debtor's own page in a frame; test_the_page_of_a_person.py compares the two",
    "staff_own.add_passkey": "not there under a bare number such as 127.0.0.1; tests/browser/test_passkeys.py opens it",
    "staff.passkey": "as staff_own.add_passkey",
    "letters.download": "a PDF; tests/letters checks it",
    "brand.logo": "a picture",
    "brand.sheet": "a style sheet",
    "plans.dates_ics": "a calendar file",
    "plans.prepared": "as plans.granted",
    "helpdesk_plans.way_to_pay": "plans.way_to_pay, as a colleague sees it; tests/journeys walks it",
    "helpdesk_plans.what_is_left": "plans.what_is_left, as a colleague sees it; tests/journeys walks it",
    "plans.granted": "leads to the page of a quote, or of choices; tests/journeys walks it",
    "care.requests_csv": "a table for a spreadsheet",
    "home.debts_csv": "a table for a spreadsheet",
    "home.changes_csv": "a table for a spreadsheet",
    "letters.letters_csv": "a table for a spreadsheet",
    "plans.payments_csv": "a table for a spreadsheet",
    "points.points_csv": "a table for a spreadsheet",
    "timeline.timeline_csv": "a table for a spreadsheet",
    "passkeys.add": "not there under a bare number such as 127.0.0.1; tests/browser/test_passkeys.py opens it",
    "you.data_file": "JSON and CSV; tests/journeys checks them",
}


def named(name: str) -> DebtorPage:
    """Give the page of a name."""
    return next(page for page in PAGES if page.name == name)
