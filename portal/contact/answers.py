"""What people answer by SMS: a keyword does what it says, anything else is a request for a person, with its words.

Invariant: nobody loses anything by an answer. Words are kept only where they belong to people of one lender.
"""

from __future__ import annotations

import logging
import re
import unicodedata
import uuid
from collections.abc import Sequence
from datetime import timedelta
from enum import Enum

from flask import current_app
from sqlalchemy import exists, select

from portal import clock
from portal.care import requests
from portal.care.models import CareRequest
from portal.care.states import Kind
from portal.contact import choices, facts
from portal.contact.write import address_of
from portal.db import session
from portal.evidence.record import Actor
from portal.lenders.models import Lender
from portal.lenders.settings import only_lender
from portal.people.models import Debtor
from portal.people.sign_in import hashed, masked
from portal.post import phones
from portal.post.models import StopLink
from portal.post.outbox import links_to
from portal.web.languages import DEFAULT, best, force_locale
from portal.web.languages import gettext as _

log = logging.getLogger(__name__)


class Keyword(Enum):
    """What one word by SMS asks for."""

    STOP = "stop"
    START = "start"
    HELP = "help"


# What Twilio itself answers, and then carries nothing more to the number, or carries it again.
ANSWERED_BY_PROVIDER = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "revoke", "start", "unstop", "yes"}
)
# Without spaces and accents: those of Twilio and of 47 CFR 64.1200(a)(10), what Chinese messages end with, and how the
# languages of our lenders' debtors say it.
_KEYWORDS = {
    Keyword.STOP: (
        "stop stopall unsubscribe cancel end quit optout revoke remove t td tdtd 退订 退訂 停 停止 取消 取消订阅 "
        "取消訂閱 不要再发 拒收 alto parar pare baja sair cancelar arret arreter stopp berhenti huy tumigil стоп توقف"
    ),
    Keyword.START: "start unstop yes 恢复 恢復 开始 開始",
    Keyword.HELP: "help info 帮助 幫助 信息 資訊",
}
_BY_WORD = {word: keyword for keyword, words in _KEYWORDS.items() for word in words.split()}
# What people add to such a word and that changes nothing. Not "it" or "all": "end it all" is for a person to read.
_POLITE_WORDS = "please pls plz thanks thank you 请 請 谢谢 sms text texts texting message messages sending"
_POLITE = frozenset(_POLITE_WORDS.split())
# An answer that only says stop is shorter; nobody's time is spent on more.
MOST_CHARACTERS = 200
# Somebody whose phone answers by itself gets one message back in this time.
TOLD_ONCE_IN = timedelta(days=1)


def keyword_of(text: str) -> Keyword | None:
    """Give what a text asks for if it is a keyword and no more than courtesy; anything else is for a person to read.

    >>> [keyword_of(text) for text in ("Please STOP!", "opt-out", "«Arrêt»", "stop calling my mother", "please help")]
    [<Keyword.STOP: 'stop'>, <Keyword.STOP: 'stop'>, <Keyword.STOP: 'stop'>, None, None]
    """
    if text.strip() in {"?", "？"}:
        return Keyword.HELP
    folded = unicodedata.normalize("NFKD", text[:MOST_CHARACTERS]).casefold()
    words = re.findall(r"[^\W_]+", "".join(sign for sign in folded if not unicodedata.combining(sign)))
    found = _BY_WORD.get("".join(word for word in words if word not in _POLITE))
    return None if found is Keyword.HELP and not _POLITE.isdisjoint(words) else found


def heed(*, number: str, text: str, name: str) -> str | None:
    """Take an SMS that came in; gives what to answer at once, or None. Part of the caller's transaction.

    `number` as providers write it; `name` is the provider's for this SMS, so that the same one twice is one.
    """
    links = _of_number(number)
    keyword = keyword_of(text)
    with force_locale(_language(links, text)):
        match keyword:
            case Keyword.HELP:
                return _help(links)
            case Keyword.STOP | Keyword.START:
                choices.by_number(number, on=keyword is Keyword.START)
                if not links or text.strip().casefold() in ANSWERED_BY_PROVIDER:
                    return None
                return _switched(on=keyword is Keyword.START)
    return _ask(links, number=number, text=text, name=name)


def _of_number(number: str) -> list[StopLink]:
    """Give whom a number belongs to now: we wrote to it, and it is on file."""
    return [
        link
        for link in links_to(channel="sms", address=number)
        if any(
            number == phones.international(point.address, jurisdiction=_lender(link).jurisdiction)
            for point in facts.contacts(lender_id=link.lender_id, debtor_id=link.debtor_id)
            if point.channel == "sms"
        )
    ]


def _lender(link: StopLink) -> Lender:
    return session.get_one(Lender, link.lender_id)


def _people(links: Sequence[StopLink]) -> set[tuple[uuid.UUID, uuid.UUID]]:
    return {(link.lender_id, link.debtor_id) for link in links}


def _only_lender(links: Sequence[StopLink]) -> Lender | None:
    return _lender(links[0]) if len({link.lender_id for link in links}) == 1 else None


def _language(links: Sequence[StopLink], text: str) -> str:
    """Give the language to answer in: of the one person whose number it is, else that of the text."""
    people = _people(links)
    if len(people) == 1:
        return best((session.get_one(Debtor, people.pop()).language,)) or DEFAULT
    return "zh_Hans" if any("CJK" in unicodedata.name(sign, "") for sign in text) else DEFAULT


def _help(links: Sequence[StopLink]) -> str:
    lender = _only_lender(links) or (None if links else only_lender())
    places = " / ".join(place for place in (address_of("care.help"), lender.phone if lender else "") if place)
    if lender is None:
        return _("Help: %(places)s. No more SMS: reply STOP.", places=places)
    return _("%(lender)s. Help: %(places)s. No more SMS: reply STOP.", lender=lender.name, places=places)


def _switched(*, on: bool) -> str:
    if on:
        return _("You get our SMS again. No more SMS: reply STOP.")
    return _("You get no more SMS from us, except codes that you ask for. To get them again, reply START.")


def _ask(links: Sequence[StopLink], *, number: str, text: str, name: str) -> str | None:
    """Open a request for a person of the lender whose people have this number; whoever shares it stays unnamed."""
    lender = _only_lender(links)
    if lender is None:
        # Neither the number nor a word: they are somebody's, and nobody here may read them.
        log.warning("an SMS came from a number of %s, and was not kept", "several lenders" if links else "nobody here")
        return None
    people = _people(links)
    debtor_id = people.pop()[1] if len(people) == 1 else None
    done = requests.open_request(
        lender_id=lender.id,
        debtor_id=debtor_id,
        kind=Kind.TALK,
        debt_id=None,
        words=text,
        by=Actor("phone", masked(number)),
        key=f"sms:{name}",
        reply_by="sms" if debtor_id else "call",
        contact=number,
        visitor=hashed("visitor", number, key=str(current_app.config["SECRET_KEY"])) if debtor_id is None else None,
        tell=debtor_id is not None and not _told_lately(lender.id, debtor_id),
    )
    if isinstance(done, requests.TooMany):
        log.warning("more SMS came from one number than are kept in a day")
    return None


def _told_lately(lender_id: uuid.UUID, debtor_id: uuid.UUID) -> bool:
    return bool(
        session.scalar(
            select(
                exists().where(
                    CareRequest.lender_id == lender_id,
                    CareRequest.debtor_id == debtor_id,
                    CareRequest.form_key.startswith(f"{debtor_id.hex}:sms:"),
                    CareRequest.opened_at > clock.now() - TOLD_ONCE_IN,
                )
            )
        )
    )
