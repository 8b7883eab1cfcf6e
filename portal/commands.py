"""The `flask` commands: what a lender's engineer or an operator types."""

from __future__ import annotations

import json
import sys
import threading
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import click
from flask import current_app
from sqlalchemy import or_, select

from portal import (
    clock,
    compare,
    demo,
    import_commands,
    jobs,
    migrate_commands,
    plan_commands,
    queue,
    sequencer,
    start,
    start_commands,
    survey,
    verify,
    workers,
)
from portal.autopay import night as autopay_night
from portal.care.commands import late_lines, requests_group
from portal.config import Settings
from portal.contact import write
from portal.contact.commands import bounces_command, messages_command
from portal.db import session, transaction
from portal.debts.models import Debt
from portal.debts.statement import debt_of, owner_of_reference
from portal.evidence.log import THOROUGH
from portal.evidence.record import OPERATOR
from portal.finance.commands import account_names_command, journal_command, refund_limit_command
from portal.helpdesk.commands import people_index_command
from portal.lenders import brand as brands
from portal.lenders import hosts
from portal.lenders import settings as lenders
from portal.lenders.commands import account_command, brand_command, email_address, urgent_command
from portal.lenders.models import Lender
from portal.letters import issue, kept, pdf
from portal.letters.commands import lender_letters_command, seal_command
from portal.limits.reading import LimitsError, parse
from portal.migrate import migrate
from portal.money import EXPONENTS, InexactAmount, Money, NotAnAmount
from portal.payments import disputes, giving_back, going_back, reconcile, settle, stripe_gateway
from portal.payments.checkout import NoPaymentsYet, account_of
from portal.payments.commands import ways_command
from portal.payments.models import Payment
from portal.people import sign_in
from portal.people.models import Debtor
from portal.plans import negotiate
from portal.plans.models import Proposal
from portal.post import words
from portal.staff import lender_forms, opening
from portal.staff.commands import staff_group
from portal.terminal import Sentence, bar, no_such_lender, of_lender, plainly, settings_in_use
from portal.web.spreadsheet import csv_text
from portal.you.commands import contact_group

LIMITS = start.ROOT / "limits" / "demo.toml"


_plainly = plainly(
    {
        lenders.NoSuchLender: no_such_lender,
        LimitsError: lambda problem: "\n".join(problem.problems),
    }
)


def _key() -> str:
    return str(current_app.config["SECRET_KEY"])


@click.command("get-ready", hidden=True)
def get_ready_command() -> None:
    """Do what a start leaves for later: look for system libraries, fill a demo, connect webhooks, print sign-ins."""
    settings = settings_in_use()
    if missing := pdf.check_system():
        raise Sentence("\n".join(missing))
    if settings.demo and lenders.none_yet():
        click.echo("Making a demo lender with made-up debts …")
        demo.fill(folder=settings.folder, limits=LIMITS)
    session.remove()
    api_base = current_app.config["STRIPE_API_BASE"]
    if api_base and api_base.startswith("http://127.0.0.1"):
        _connect_webhooks(settings, api_base=api_base)
    click.echo(f"\nThe portal runs at {settings.base_url}   (Ctrl-C stops it)")
    if settings.demo:
        click.echo(f"What it sends can be read at {settings.base_url}/outbox\n")
        for person in demo.sign_ins(base_url=settings.base_url, key=_key()):
            click.echo(
                f"  {person.name}: reference {person.reference}, born {person.date_of_birth}\n    {person.invite_url}"
            )
        demo.staff(key=_key())
        click.echo(f"\n  Staff signs in at {settings.base_url}/staff/sign-in; `flask --app wsgi demo` says how.")


def _connect_webhooks(settings: Settings, *, api_base: str | None) -> None:
    """Tell the stand-in where each lender's webhooks go, unless it knows."""
    for lender in lenders.all_lenders():
        url = f"{settings.base_url}/webhooks/stripe/{lender.slug}"
        if lender.stripe_webhook_url == url and lender.stripe_webhook_secret:
            continue
        try:
            account = account_of(lender, api_base=api_base)
        except NoPaymentsYet:
            continue
        if account.live:
            continue
        lender_id = lender.id
        try:
            secret = stripe_gateway.register_webhook(account, url=url)
        except (stripe_gateway.PaymentRefused, stripe_gateway.PaymentServiceDown):
            click.echo(f"Stripe does not take the key of {lender.slug}: nobody can pay this lender until it is right.")
            continue
        with transaction() as s:
            row = s.get_one(type(lender), lender_id)
            row.stripe_webhook_secret, row.stripe_webhook_url = secret, url


@click.command("worker")
@click.option("--count", type=click.IntRange(1, 64), default=1, help="So many processes, which end together.")
@click.option("--but", "left", multiple=True, help="Leave work of this name to other workers, such as letters.issue.")
@_plainly
def worker_command(count: int, left: tuple[str, ...]) -> None:
    """Do queued work until told to stop; what is begun is finished first."""
    todo = dict(jobs.table(current_app._get_current_object()))  # type: ignore[attr-defined]
    if unknown := sorted(set(left) - todo.keys()):
        raise Sentence(f"There is no work called {unknown[0]!r}. There is: {', '.join(sorted(todo))}.")
    for name in left:
        del todo[name]
    base_url = settings_in_use().base_url

    def work(stop: threading.Event) -> None:
        sequencing = threading.Thread(target=lambda: sequencer.work(base_url=base_url, stop=stop))
        sequencing.start()
        queue.work(todo, stop=stop)
        sequencing.join()
        pdf.close()

    if count == 1:
        workers.work_until_told(work)
    else:
        workers.several(count, work)


@click.command("log-place")
def log_place_command() -> None:
    """Put the records of all lenders into their logs now; a running worker does it every two seconds."""
    placed = sequencer.place_all(base_url=settings_in_use().base_url, back=THOROUGH)
    click.echo(f"{placed} records took their places.")


@click.command("demo")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@_plainly
def demo_command(as_json: bool) -> None:
    """Print how to sign in to the demo, with fresh links; fills an empty database first."""
    settings = settings_in_use()
    migrate(settings.database_url)
    if lenders.none_yet() and not (settings.demo or settings.local):
        raise Sentence("This database isn't a demo's: set PORTAL_DEMO=1 to fill it with made-up debts.")
    if lenders.none_yet():
        demo.fill(folder=settings.folder, limits=LIMITS)
    url = start.running_at(settings)
    people = demo.sign_ins(base_url=url, key=_key())
    colleagues = demo.staff(key=_key()) if settings.demo else ()
    if as_json:
        told = {
            "url": url,
            "outbox_url": f"{url}/outbox?format=json",
            "debtors": [asdict(person) for person in people],
            "staff": [asdict(one) for one in colleagues],
        }
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    for person in people:
        click.echo(f"{person.name}: reference {person.reference}, born {person.date_of_birth}, {person.invite_url}")
    for one in colleagues:
        click.echo(f"{one.role}: {url}/staff/sign-in {one.email}, password {one.password}, app {one.totp_secret}")


@click.group("lender")
def lender_group() -> None:
    """Add and list lenders."""


@lender_group.command("add")
@click.option("--slug", required=True, help="Short name in addresses: a-z, 0-9 and -.")
@click.option("--name", required=True, help="The name that people know.")
@click.option("--legal-name", default="", help="As registered; the name if left out.")
@click.option("--currency", required=True, help="ISO 4217, for example USD.")
@click.option("--zone", required=True, help="IANA zone, for example America/New_York.")
@click.option("--jurisdiction", default="", help="ISO 3166 country, for example US.")
@click.option("--phone", default="")
@click.option("--email", default="")
@click.option("--urgent-email", callback=email_address, help="Who is told at once when a request can't wait.")
@click.option("--website", default="")
@click.option("--licence", default="")
@click.option("--remind-days-before", type=click.IntRange(1, 14), default=3, help="Reminders before a payment is due.")
@click.option("--address", multiple=True, help="A line of the address; may be given several times.")
@click.option("--host", default=None, help="A host of its own, under which there is nobody else, as pay.bank.example.")
@click.option("--language", "languages", multiple=True, type=click.Choice(["en", "zh-Hans"]), help="All if left out.")
@click.option("--accent", default=None, help="The colour of its pages, as #17595b; `lender brand` says more.")
@click.option("--admin-email", callback=email_address, help="Who is invited as its first administrator.")
@click.option("--admin-name", default="", help="The name of that person.")
@click.option(
    "--stripe-key", default=None, help="Secret key of the lender's own Stripe account; better by `lender stripe`."
)
@click.option("--stripe-webhook-secret", default=None, help="Signing secret of its webhook endpoint.")
@_plainly
def lender_add(**values: Any) -> None:
    """Add a lender."""
    if not values["slug"] or set(values["slug"]) - set("abcdefghijklmnopqrstuvwxyz0123456789-"):
        raise Sentence("The short name may have a-z, 0-9 and - only.")
    if values["currency"] not in EXPONENTS:
        raise Sentence(f"{values['currency']!r} is no ISO 4217 currency, such as USD or CNY.")
    if values["zone"] not in available_timezones():
        raise Sentence(f"{values['zone']!r} is no IANA zone, such as Europe/Berlin.")
    host = hosts.host_named(values["host"]) if values["host"] else None
    if values["host"] and (host is None or host == hosts.everybodys()):
        raise Sentence(f"{values['host']!r} is no host that a lender can have for itself, such as pay.bank.example.")
    admin = (values["admin_name"] or values["admin_email"], values["admin_email"]) if values["admin_email"] else None
    with transaction():
        done = opening.open_lender(
            look=opening.Look(values["accent"], "round") if values["accent"] else None,
            administrator=admin,
            language="en",
            key=_key(),
            values={
                "slug": values["slug"],
                "name": values["name"],
                "legal_name": values["legal_name"] or values["name"],
                "address": list(values["address"]),
                "licence": values["licence"],
                "phone": values["phone"],
                "email": values["email"],
                "urgent_email": values["urgent_email"],
                "website": values["website"],
                "jurisdiction": values["jurisdiction"],
                "currency": values["currency"],
                "zone": values["zone"],
                "languages": list(values["languages"]) or ["en", "zh-Hans"],
                "host": host,
                "remind_days_before": values["remind_days_before"],
                "stripe_secret_key": values["stripe_key"],
                "stripe_webhook_secret": values["stripe_webhook_secret"],
            },
        )
    match done:
        case opening.Taken(what="slug"):
            raise Sentence(f"There is a lender called {values['slug']!r} already.")
        case opening.Taken():
            raise Sentence(f"Another lender has the host {host}.")
        case brands.Weak(instead=instead):
            raise Sentence(f"{values['accent']} can't be read by everybody. The nearest that can is {instead}.")
    click.echo(f"Added {values['slug']}.")
    if done.token is not None:
        click.echo(f"{current_app.config['BASE_URL']}/staff/{values['slug']}/join/{done.token}")


@lender_group.command("stripe")
@click.argument("slug")
@click.option("--webhook", is_flag=True, help="Give the signing secret of the webhook, and not the key.")
@_plainly
def lender_stripe(slug: str, webhook: bool) -> None:  # noqa: FBT001
    """Give a lender another key of Stripe: typed unseen or piped in, kept sealed, and never shown again."""
    lenders.by_slug(slug)
    if sys.stdin.isatty():
        given = click.prompt("The signing secret" if webhook else "The secret key", hide_input=True)
    else:
        given = sys.stdin.readline()
    given = given.strip()
    if not (lender_forms.is_webhook_secret(given) if webhook else lender_forms.is_stripe_key(given)):
        raise Sentence(f"That is not what Stripe gives: it begins with {'whsec_' if webhook else 'sk_ or rk_'}.")
    with transaction():
        opening.set_keys(
            lenders.by_slug(slug),
            secret_key=None if webhook else given,
            webhook_secret=given if webhook else None,
            by=OPERATOR,
        )
    click.echo(f"{slug} has another {'signing secret' if webhook else 'key'}.")


@lender_group.command("host")
@click.argument("slug")
@click.argument("host", required=False)
@click.option("--none", "nothing", is_flag=True, help="Let the lender be found at the host of all alone.")
@_plainly
def lender_host(slug: str, host: str | None, nothing: bool) -> None:  # noqa: FBT001
    """Give a lender a host of its own, under which there is nobody else, or take it away."""
    name = hosts.host_named(host) if host else None
    if not nothing and (name is None or name == hosts.everybodys()):
        raise Sentence("Give the name of a host alone, such as pay.bank.example, or --none.")
    with transaction() as s:
        lender = lenders.by_slug(slug)
        if name and s.scalars(select(Lender.id).where(Lender.host == name, Lender.id != lender.id)).first():
            raise Sentence(f"Another lender has the host {name}.")
        lenders.set_host(lender, host=name, by=OPERATOR)
    click.echo(f"{slug} is found at {name or 'the host of all'}.")


@lender_group.command("list")
def lender_list() -> None:
    """List the lenders."""
    for lender in lenders.all_lenders():
        click.echo(f"{lender.slug}\t{lender.currency}\t{lender.zone}\t{lender.name}")


@click.group("limits")
def limits_group() -> None:
    """Load, check and explain what a lender allows (docs/limits.md is the language)."""


_limits_file = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as problem:
        raise Sentence(f"{file.name} is not text in UTF-8.") from problem


@limits_group.command("load")
@_limits_file
@of_lender
@_plainly
def limits_load(file: Path, slug: str) -> None:
    """Load a lender's limits from a file, as a new version."""
    lender = lenders.by_slug(slug)
    lender_id, currency = lender.id, lender.currency
    text = _text_of(file)
    with transaction():
        version = negotiate.load_limits(text, lender_id=lender_id, currency=currency)
    click.echo(f"Version {version.number} is loaded and applies from {version.effective_from}.")


@limits_group.command("check")
@_limits_file
@of_lender
@_plainly
def limits_check(file: Path, slug: str) -> None:
    """Say whether a file could be loaded, and which debts of the portfolio it has no card for. Changes nothing."""
    lender = lenders.by_slug(slug)
    limits = negotiate.drafted(_text_of(file), lender_id=lender.id, currency=lender.currency)
    count, example = negotiate.without_card(limits, lender_id=lender.id, today=clock.today(lender.zone))
    if example is not None:
        click.echo(
            f"Warning: no card fits {count} of the open debts, for example {example.reference}. "
            "Their owners are led to a person."
        )
    click.echo(f"{file.name} can be loaded: {len(limits.cards)} cards, from {limits.effective_from} on.")


@limits_group.command("explain")
@of_lender
@click.option("--debt", "reference", required=True, help="The lender's own reference of an open debt.")
@_plainly
def limits_explain(slug: str, reference: str) -> None:
    """Say which card counts for a debt today, of which version, and why those above it don't."""
    lender = lenders.by_slug(slug)
    today = clock.today(lender.zone)
    owner = owner_of_reference(lender.id, reference)
    debt = debt_of(lender_id=lender.id, debtor_id=owner, reference=reference) if owner else None
    if debt is None:
        raise Sentence(f"{slug} has no open debt with the reference {reference!r}.")
    try:
        version, tried = negotiate.explain(debt, today=today)
    except negotiate.NoLimits as problem:
        raise Sentence(f"{slug} has no limits that are in force on {today}.") from problem
    click.echo(f'Version {version.number} ("{version.limits.name}") is in force since {version.limits.effective_from}.')
    for card, hindrances in tried:
        if hindrances:
            click.echo(f'Not "{card.name}": {" ".join(hindrances)}')
        else:
            click.echo(f'"{card.name}" counts: it is the first that fits.')
    if tried[-1][1]:
        click.echo("No card fits; the owner of the debt is led to a person.")
        return
    click.echo("Can be asked for: " + ", ".join(way.value for way in negotiate.ways_for(debt, today=today)) + ".")
    offer = negotiate.newest_proposal(debt)
    if offer is None or offer.outcome is None:
        return
    reasons = ", ".join(offer.reasons) or "nothing in its way"
    click.echo(f"Last asked for: {offer.kind}, round {offer.round or 1}: {offer.outcome} ({reasons}). Behind it:")
    for step in negotiate.trace_of(offer):
        given = " ".join(f"{name}={json.dumps(value)}" for name, value in step["given"].items())
        click.echo(f"  {step['rule']}: {json.dumps(step['result'])}{' <- ' if given else ''}{given}")


@click.command("survey")
@of_lender
@click.option("--letters", type=click.IntRange(0, 1000), default=0, help="Draw so many statements as a sample.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Where CSV, picture and letters go.")
@click.option(
    "--limits",
    "files",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Compare what these limits would answer on the late debts instead; once for each file.",
)
@_plainly
def survey_command(slug: str, letters: int, out: Path | None, files: tuple[Path, ...]) -> None:
    """Run the main job over every debt, read only: balance, answers, schedule, letters."""
    lender = lenders.by_slug(slug)
    out = out or settings_in_use().folder / f"survey-{slug}"
    if files:
        for line in _compared(lender, files, out):
            click.echo(line)
        return
    summary = survey.run(lender=lender, letters=letters, out=out, progress=bar("survey"))
    for line in summary.lines():
        click.echo(line)
    pdf.close()


def _compared(lender: Lender, files: tuple[Path, ...], out: Path) -> Iterator[str]:
    """Compare sets of limits on a lender's late debts; two files of one name would be one column."""
    names = [file.stem for file in files]
    if len(set(names)) < len(names):
        raise Sentence("Two of the files have the same name.")
    sets = {file.stem: parse(_text_of(file), currency=lender.currency) for file in files}
    out.mkdir(parents=True, exist_ok=True)
    table, picture = out / "rule-sets.csv", out / "rule-sets.svg"
    late = compare.late_debts(lender)
    found = compare.run(title=lender.slug, currency=lender.currency, late=late, sets=sets, table=table)
    picture.write_text(compare.picture([found]), encoding="utf-8")
    yield from found.lines()
    yield f"table: {table}"
    yield f"picture: {picture}"


@click.command("verify")
@click.option("--lender", "slug", default=None, help="Only this lender.")
@_plainly
def verify_command(slug: str | None) -> None:
    """Add everything up again, by other means than those that keep the totals."""
    roots = settings_in_use().tsa_roots
    checked = verify.run(
        lender_id=lenders.by_slug(slug).id if slug else None, authorities=roots.read_text("utf-8") if roots else None
    )
    for line in checked.lines():
        click.echo(line)
    if checked.disagreements:
        raise click.exceptions.Exit(1)


@click.command("nightly")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where what needs a person is written as CSV; nightly.csv beside the other files if left out.",
)
@_plainly
def nightly_command(report: Path | None) -> None:
    """Look at every plan whose day has come, and again at payments that no word has come of. Twice a day is once."""
    report = report or settings_in_use().folder / "nightly.csv"
    report.parent.mkdir(parents=True, exist_ok=True)
    with report.open("w", newline="", encoding="utf-8-sig") as file:
        night, for_persons = plan_commands.night(file)
    for line in night.lines():
        click.echo(line)
    open_ = session.execute(
        select(Payment.lender_id, Payment.id).where(
            Payment.state.in_(("created", "sent", "processing")),
            or_(Payment.session_id.is_not(None), Payment.payment_intent_id.is_not(None)),
        )
    ).all()
    # On the last day on which a bank can take something back, it is asked once more: a word of it may have been lost.
    today = clock.today("UTC")
    ending = session.execute(
        select(Payment.lender_id, Payment.id).where(
            Payment.returns_end_on.between(today - timedelta(days=1), today + timedelta(days=1)),
            Payment.state.in_(("succeeded", "partly_refunded")),
        )
    ).all()
    moving = giving_back.moving() + disputes.moving() + [(row.lender_id, row.id) for row in ending]
    with transaction():
        for payment in open_:
            settle.ask(lender_id=payment.lender_id, payment_id=payment.id)
        for lender_id, payment_id in moving:
            settle.ask(lender_id=lender_id, payment_id=payment_id)
    click.echo(f"{len(open_)} open payments to look at again.")
    click.echo(f"{autopay_night.run()} automatic payments to look at.")
    click.echo(f"{reconcile.begin_all()} lenders whose books are held against Stripe.")
    for line in late_lines():
        click.echo(f"request needs a person: {line}")
    if by_hand := len(kept.waiting_for_person()):
        click.echo(f"{by_hand} letters wait for a person: `flask letters` lists them.")
    if for_persons:
        click.echo(f"{for_persons} lines about plans wait for a person; they are in {report}.")
    if night.stuck:
        raise Sentence(f"{night.stuck} plans could not be moved on; {report} names them, and the log says why.")


@click.command("invite")
@click.argument("reference")
@of_lender
@click.option("--send", is_flag=True, help="Send it to the person as well, in daytime.")
@_plainly
def invite_command(reference: str, slug: str, send: bool) -> None:
    """Make a link for the person whose debt has a reference; it works for 72 hours."""
    lender = lenders.by_slug(slug)
    lender_id = lender.id
    debtor_id = session.scalar(
        select(Debt.debtor_id).where(Debt.lender_id == lender_id, Debt.reference == reference, Debt.state == "open")
    )
    if debtor_id is None:
        raise Sentence(f"{slug} has no open debt with the reference {reference!r}.")
    if session.get_one(Debtor, (lender_id, debtor_id)).born_on is None:
        raise Sentence("No date of birth is on file for this person, so a link could not be opened.")
    with transaction():
        token = sign_in.invite(lender_id=lender_id, debtor_id=debtor_id, key=_key())
        url = f"{settings_in_use().base_url}/i/{token}"
        sent = send and write.to(
            lender_id=lender_id,
            debtor_id=debtor_id,
            kind="invitation",
            words=lambda name: words.invitation(name=name, lender=lender.name, url=url),
            holding=jobs.holding,
        )
    click.echo(url)
    if send and not sent:
        raise Sentence("The link was made, but not sent: there is no contact, or nobody may write there.")


@click.command("refund")
@click.argument("reference")
@of_lender
@click.option("--amount", default=None, help="In major units, for example 20.00; all of it if left out.")
@_plainly
def refund_command(reference: str, slug: str, amount: str | None) -> None:
    """Give a payment back. The books follow when Stripe confirms it."""
    lender = lenders.by_slug(slug)
    payment = session.scalars(
        select(Payment).where(Payment.lender_id == lender.id, Payment.reference == reference)
    ).one_or_none()
    if payment is None or payment.payment_intent_id is None:
        raise Sentence(f"{slug} has no payment {reference!r} that has money in it.")
    try:
        wanted = Money.of(amount, payment.currency) if amount else None
    except (NotAnAmount, InexactAmount) as problem:
        raise Sentence(f"{amount!r} is not an amount in {payment.currency}.") from problem
    api_base = current_app.config["STRIPE_API_BASE"] or start.stand_in_beside(settings_in_use())
    account = account_of(lender, api_base=api_base)
    intent_id, lender_id, payment_id = payment.payment_intent_id, lender.id, payment.id
    with transaction():
        came = going_back.came_of(giving_back.payment_locked(lender_id=lender_id, payment_id=payment_id))
        left = giving_back.left_of(giving_back.payment_locked(lender_id=lender_id, payment_id=payment_id), came.aside)
        there = giving_back.open_of(lender_id, intent_id)
        # The same command again, after a crash or a broken line, goes on with what it began.
        again = (
            there is not None and there.asked_by is None and wanted in (None, Money(there.amount_minor, left.currency))
        )
        asked = giving_back.ask(
            came,
            amount=left if wanted is None else wanted,
            reason="",
            form_key=there.form_key if there is not None and again else uuid.uuid4().hex,
            alone=True,
            by=OPERATOR,
            member_id=None,
            facts={},
        )
    match asked:
        case giving_back.TooMuch(left):
            raise Sentence(f"Of this payment {left} can be given back.")
        case giving_back.OneIsOpen(number):
            raise Sentence(f"Another refund of this payment is open: {number}.")
        case giving_back.NotNow():
            raise Sentence("Nothing of this payment can be given back now.")
        case giving_back.Asked(number):
            row = giving_back.by_number(lender_id=lender_id, number=number)
    try:
        sent = giving_back.send(lender_id=lender_id, refund_id=row.id, api_base=account.api_base) if row else None
    except stripe_gateway.PaymentServiceDown as problem:
        raise Sentence("Stripe can't be reached. Nothing was lost: the same command may be given again.") from problem
    match sent:
        case giving_back.Sent(given):
            click.echo(f"{given} is on its way back.")
        case giving_back.Refused(code):
            raise Sentence(f"Stripe refused: {code}.")
        case None:
            click.echo(f"The refund {number} is on its way already.")


@click.command("offers")
@of_lender
@_plainly
def offers_command(slug: str) -> None:
    """List the offers that wait for a person of the lender, as CSV."""
    lender = lenders.by_slug(slug)
    rows = session.execute(
        select(Proposal, Debt.reference, Debtor.name)
        .join(Debt, (Debt.lender_id == Proposal.lender_id) & (Debt.id == Proposal.debt_id))
        .join(Debtor, (Debtor.lender_id == Proposal.lender_id) & (Debtor.id == Proposal.debtor_id))
        .where(Proposal.lender_id == lender.id, Proposal.state == "with_a_person")
        .order_by(Proposal.made_at)
    )
    lines = [
        (
            negotiate.number_of(offer),
            reference,
            name,
            Money(offer.amount_minor, offer.currency).amount,
            offer.currency,
            offer.frequency,
            offer.made_at.isoformat(timespec="minutes"),
            negotiate.answer_by(offer, zone=lender.zone),
            offer.kind,
            offer.outcome or "",
            " ".join(offer.reasons),
        )
        for offer, reference, name in rows
    ]
    header = (
        *("offer", "debt", "person", "amount", "currency", "frequency"),
        *("made", "answer by", "kind", "outcome", "reasons"),
    )
    click.echo(csv_text(header, lines), nl=False)


@click.command("letters")
@of_lender
@click.option("--again", is_flag=True, help="Try to draw them again, after a font was added.")
@click.option("--sent", "number", default=None, help="Note that the letter with this number was sent by hand.")
@_plainly
def letters_command(slug: str, again: bool, number: str | None) -> None:
    """List the letters that no font can draw and that wait for a person, as CSV."""
    lender = lenders.by_slug(slug)
    lender_id = lender.id
    if number is not None:
        with transaction():
            found = [one for one in kept.waiting_for_person(lender_id=lender_id) if one.number == number]
            for one in found:
                issue.sent_by_hand(one, by=OPERATOR)
        if not found:
            raise Sentence(f"No letter {number!r} of {slug} waits for a person.")
        click.echo(f"{number} was sent by hand.")
        return
    if again:
        with transaction():
            waiting = kept.waiting_for_person(lender_id=lender_id)
            for one in waiting:
                issue.try_again(one)
            count = len(waiting)
        click.echo(f"{count} letters are tried again.")
        return
    lines = [
        (
            one.number,
            one.kind,
            session.get_one(Debt, (lender_id, one.debt_id)).reference,
            session.get_one(Debtor, (lender_id, one.debtor_id)).name,
            one.characters,
            one.asked_at.isoformat(timespec="minutes"),
        )
        for one in kept.waiting_for_person(lender_id=lender_id)
    ]
    click.echo(csv_text(("letter", "kind", "debt", "person", "characters", "asked"), lines), nl=False)


def register(group: click.Group) -> None:
    """Put the commands into a group."""
    import_commands.register(group)
    migrate_commands.register(group)
    start_commands.register(group)
    plan_commands.register(group)
    lender_group.add_command(brand_command)
    lender_group.add_command(urgent_command)
    lender_group.add_command(ways_command)
    lender_group.add_command(seal_command)
    lender_group.add_command(lender_letters_command)
    lender_group.add_command(account_command)
    for command in (
        get_ready_command,
        worker_command,
        demo_command,
        lender_group,
        limits_group,
        survey_command,
        verify_command,
        nightly_command,
        invite_command,
        refund_command,
        refund_limit_command,
        account_names_command,
        journal_command,
        offers_command,
        contact_group,
        staff_group,
        requests_group,
        messages_command,
        bounces_command,
        letters_command,
        people_index_command,
        log_place_command,
    ):
        group.add_command(command)
