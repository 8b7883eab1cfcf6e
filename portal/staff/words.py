"""Names of roles, states and ways to sign in, as people read them."""

from __future__ import annotations

from portal.staff.passwords import LEAST, MOST, Weak
from portal.staff.roles import Permission, Role
from portal.web.languages import gettext as _


def role_words(role: str) -> str:
    """Give the name of a role; one that is none any more as it is written."""
    return (
        {
            Role.RULE_AUTHOR: _("Author of rules"),
            Role.APPROVER: _("Approver"),
            Role.HELPDESK: _("Helpdesk"),
            Role.SENIOR: _("Senior helpdesk"),
            Role.FINANCE: _("Finance"),
            Role.AUDITOR: _("Auditor"),
            Role.LENDER_ADMINISTRATOR: _("Administrator"),
            Role.PLATFORM_OPERATOR: _("Platform operator"),
        }.get(Role(role), role)
        if role in set(Role)
        else role
    )


def role_hint(role: Role) -> str:
    """Say in a sentence what a role is for."""
    return {
        Role.RULE_AUTHOR: _("Writes drafts of what the lender allows, and sends them to a second person."),
        Role.APPROVER: _("Says yes or no to drafts of others, and goes back to the version before in an emergency."),
        Role.HELPDESK: _("Answers what people ask, and helps them on the phone."),
        Role.SENIOR: _("As the helpdesk, sees who works here, and says yes to offers that are above the helpdesk."),
        Role.FINANCE: _("Gives money back, follows disputes, and finds where money belongs that came unasked."),
        Role.AUDITOR: _("Sees, and can change nothing."),
        Role.LENDER_ADMINISTRATOR: _(
            "Invites colleagues, gives roles, ends accounts; brings files of debts; says how letters look."
        ),
        Role.PLATFORM_OPERATOR: _("Adds lenders, and sees nothing of their people."),
    }[role]


def permission_words(permission: Permission) -> str:
    """Say what a permission lets somebody do."""
    return {
        Permission.SEE_COLLEAGUES: _("see who works here"),
        Permission.MANAGE_COLLEAGUES: _("invite colleagues, give roles, end accounts"),
        Permission.VOUCH: _("say that it is really a colleague who lost the way in"),
        Permission.SEE_REQUESTS: _("see what people asked for"),
        Permission.SEE_LIMITS: _("see what the lender allows"),
        Permission.SEE_PEOPLE: _("find people and see what they owe"),
        Permission.HELP_PEOPLE: _("help people: notes, links, and what they ask to have done for them"),
        Permission.WRITE_LIMITS: _("write drafts of what the lender allows"),
        Permission.APPROVE_LIMITS: _("approve drafts of others, and go back to the version before"),
        Permission.TRY_LIMITS: _("see what a debt would be offered, and why"),
        Permission.ANSWER_REQUESTS: _("answer what people asked for"),
        Permission.GRANT_FURTHER: _("say yes to offers above what agents may grant alone"),
        Permission.SEE_PORTFOLIO: _("see which files of debts came"),
        Permission.BRING_PORTFOLIO: _("bring files of debts in, and take them back"),
        Permission.SEE_LETTERS: _("see which batches of letters were made"),
        Permission.MAKE_LETTERS: _("make letters by the batch"),
        Permission.SET_LETTERS: _("say how letters look"),
        Permission.ADD_LENDERS: _("add lenders"),
        Permission.SEE_MONEY: _("see refunds, disputes and money that waits to be placed"),
        Permission.BRING_BANK_FILE: _("bring in files of the bank"),
        Permission.TAKE_EVIDENCE: _("take everything about a debt along as evidence"),
        Permission.GIVE_BACK: _("give money back, and place money that waits"),
    }[permission]


def state_words(state: str) -> str:
    """Give the state of an account."""
    return {"active": _("Works here"), "invited": _("Invited"), "ended": _("Has left")}[state]


def came_by_words(came_by: str) -> str:
    """Say how somebody signed in."""
    return {"code": _("Password and code"), "passkey": _("Passkey"), "link": _("Link")}[came_by]


def weak_words(weak: Weak) -> str:
    """Say why a password is refused, and what would do."""
    return {
        Weak.SHORT: _(
            "A password has at least %(least)d characters. Four words that don’t belong together are easy to remember.",
            least=LEAST,
        ),
        Weak.LONG: _("A password has at most %(most)d characters.", most=MOST),
        Weak.KNOWN: _(
            "This password is easily guessed: it is on lists of known passwords, or made of words that belong to you. "
            "Four words that don’t belong together are better."
        ),
    }[weak]
