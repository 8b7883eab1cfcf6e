"""Put the application together: settings, database, login, headers, error pages, routes."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from sqlite3 import SQLITE_ERROR
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import click
from flask import Flask, Response, g, render_template, request
from flask.cli import AppGroup
from flask_login import current_user
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from portal import config, db, models
from portal.autopay.views import autopay, template_words
from portal.banking import views as bank_pages
from portal.banking.transfer_pages import transfers
from portal.batches import views as batch_pages
from portal.care.requests import open_request, taken_back
from portal.care.views import care
from portal.changes.views import changes
from portal.contact.office import channels
from portal.contact.views import post
from portal.contact.webhook import sms_webhooks
from portal.debts.statement import owner_of_reference
from portal.design.views import design
from portal.desk.card_pages import desk_cards
from portal.desk.draft_pages import desk_drafts
from portal.desk.try_pages import desk_try
from portal.desk.views import desk
from portal.files import views as file_pages
from portal.finance.reconciliation_pages import reconciliation
from portal.finance.views import finance
from portal.helpdesk.acting_pages import helpdesk_people
from portal.helpdesk.offer_pages import helpdesk_offers
from portal.helpdesk.plan_pages import staff_plans
from portal.helpdesk.planning_pages import helpdesk_plans
from portal.helpdesk.views import helpdesk
from portal.helpdesk.words import told_at_the_start
from portal.home.views import home
from portal.lenders.brand import look_of
from portal.lenders.hosts import only_lender_here
from portal.lenders.views import brand
from portal.letterhead.views import letterhead
from portal.letters.views import letters
from portal.package.views import package, package_desk
from portal.payments import on_the_way
from portal.payments.stripe_gateway import PaymentServiceDown
from portal.payments.views import payments
from portal.payments.webhook import webhooks
from portal.people import permissions, staff_requests
from portal.people.sign_in import IDLE
from portal.people.views import people
from portal.plans.views import plans
from portal.points.views import points
from portal.post.smtp import BadServer
from portal.public.letter_pages import letter_check
from portal.public.views import public
from portal.staff import gates
from portal.staff.lender_pages import staff_lenders
from portal.staff.own_pages import staff_own
from portal.staff.team_pages import staff_team
from portal.staff.views import staff
from portal.timeline.log_pages import log_pages
from portal.timeline.views import timeline
from portal.web import addresses, languages, own_lender, pictures, security, static_files
from portal.web.references import ReferenceConverter
from portal.web.templates import PageTemplates
from portal.you.contact_pages import contact_pages
from portal.you.passkey_pages import passkey_pages
from portal.you.views import you
from portal.you.wrong_person_pages import not_me_pages

ROOT = Path(__file__).resolve().parents[1]
# A hundred thousand characters of any living script, as browsers send them: the field says what is too long.
LARGEST_FORM = 1024 * 1024

__all__ = ["create_app", "models"]


_ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


class CommandsWhenAsked(AppGroup):
    """The `flask` commands, read only when one is asked for: a web process starts in half the time without them."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app.name)
        self._app = app

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Give a command by its name."""
        self._read()
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names of all commands."""
        self._read()
        return super().list_commands(ctx)

    def _read(self) -> None:
        importlib.import_module("portal.commands").register(self)


class Portal(Flask):
    """Flask, with a log that names the page and not its address: the ends of some of ours open doors."""

    def log_exception(self, exc_info: _ExcInfo) -> None:
        """Write down what went wrong."""
        self.logger.error("Exception on %s [%s]", request.url_rule, request.method, exc_info=exc_info)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Give a function as it is; Flask would ask a dozen on each page whether one is a coroutine, and none is."""
        return func


def create_app(settings: config.Settings | None = None) -> Flask:
    """Make the application.

    :raises portal.config.BadSetting: if the environment holds a setting that can't be used.
    """
    settings = settings or config.from_environment()
    app = Portal("portal", template_folder=str(ROOT / "templates"), static_folder=None)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_SECURE=settings.secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_NAME="__Host-portal" if settings.secure else "portal",
        MAX_CONTENT_LENGTH=LARGEST_FORM,
        DEMO=settings.demo,
        BASE_URL=settings.base_url,
        STRIPE_API_BASE=settings.stripe_api_base,
        WTF_CSRF_TIME_LIMIT=None,
        SETTINGS=settings,
    )
    try:
        channels(settings)
    except BadServer as problem:
        raise config.BadSetting(f"SMTP_URL or MAIL_FROM can't be used: {problem}.") from problem
    app.url_map.converters["reference"] = ReferenceConverter
    app.jinja_environment = PageTemplates  # type: ignore[assignment]
    app.jinja_env.globals.update(
        demo=settings.demo,
        url_for=addresses.url_for,
        door=addresses.door,
        pictures=pictures,
        idle_seconds=int(IDLE.total_seconds()),
    )
    db.Sealed.use(settings.secret_key)
    db.connect(settings.database_url)
    own_lender.install(app)
    languages.install(app)
    permissions.install(app, gates.load)
    addresses.install(app)
    # Before anything reads what is sent.
    file_pages.install(app)
    bank_pages.install(app)
    security.protect(app, checkout_origin=_origin(settings.stripe_api_base) or security.STRIPE_CHECKOUT)
    static_files.install(app)
    app.extensions["owner_of_reference"] = owner_of_reference
    app.extensions["told_at_the_start"] = told_at_the_start
    app.extensions[staff_requests.OPENER] = open_request
    app.extensions[staff_requests.TAKER_BACK] = taken_back
    for blueprint in (public, letter_check, people, home, plans, payments, points, letters, care, post, brand, design):
        app.register_blueprint(blueprint)
    app.jinja_env.globals.update(template_words() | on_the_way.template_words())
    for blueprint in (
        timeline,
        log_pages,
        changes,
        autopay,
        transfers,
        you,
        contact_pages,
        passkey_pages,
        not_me_pages,
    ):
        app.register_blueprint(blueprint)
    for blueprint in (staff, staff_own, staff_team, staff_lenders, staff_plans):
        app.register_blueprint(blueprint)
    for blueprint in (helpdesk, helpdesk_offers, helpdesk_people, helpdesk_plans):
        app.register_blueprint(blueprint)
    for blueprint in (desk, desk_drafts, desk_cards, desk_try, file_pages.files):
        app.register_blueprint(blueprint)
    for blueprint in (
        finance,
        reconciliation,
        bank_pages.banking,
        batch_pages.batches,
        letterhead,
        package,
        package_desk,
    ):
        app.register_blueprint(blueprint)
    app.register_blueprint(webhooks)
    app.register_blueprint(sms_webhooks)
    app.teardown_appcontext(lambda _problem: db.session.remove())
    app.context_processor(_what_every_page_has)
    _error_pages(app)
    app.cli = CommandsWhenAsked(app)
    if settings.secure:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    return app


def _what_every_page_has() -> dict[str, object]:
    """Give the lender whose page it is, the language, and whether somebody is signed in."""
    visitor = current_user._get_current_object()
    signed_in = permissions.is_debtor()
    colleague = gates.colleague()
    lender = g.get("lender")
    if lender is None and not g.get("database_is_away"):
        lender = g.lender = visitor.lender if signed_in or colleague else only_lender_here()
    return {
        "lender": lender,
        "look": look_of(lender),
        "language": languages.tag(languages.page_language()),
        "languages": tuple(languages.LANGUAGES.items()),
        "signed_in": signed_in,
        "colleague": colleague,
        "idle_until": visitor.idle_until if signed_in else None,
        "stay_url": addresses.url_for("you.stay") if signed_in else None,
    }


def _origin(url: str | None) -> str | None:
    if not url:
        return None
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _is_away(problem: SQLAlchemyError) -> bool:
    """Say whether a database is away, full or locked, and not asked for what it can't do."""
    if isinstance(problem, PoolTimeout):
        return True
    said = problem.orig if isinstance(problem, DBAPIError) else problem.__cause__
    driver = db.session.get_bind().dialect.loaded_dbapi
    # SQLite says of a mistake in a statement, too, that it can't operate.
    mistake = getattr(said, "sqlite_errorcode", None) == SQLITE_ERROR
    return isinstance(said, (driver.OperationalError, driver.InterfaceError)) and not mistake


def _error_pages(app: Flask) -> None:
    known = {400, 403, 404, 405, 413, 429, 500, 503}

    def http_error(problem: HTTPException) -> tuple[str, int] | Response:
        code = problem.code or 500
        if problem.response is not None or not code >= 400:
            return Response(problem.get_response().response)
        if request.path.startswith("/webhooks/"):
            return "", code
        if code >= 500:
            # After an error of its own PostgreSQL takes nothing more in a transaction, and the page asks whose it is.
            db.session.rollback()
        shown = code if code in known else (400 if code < 500 else 500)
        return render_template(f"errors/{shown}.html"), code

    def service_down(_problem: PaymentServiceDown) -> tuple[str, int]:
        return render_template("payments/service_down.html", again_url=request.path, noted=False), 503

    def database_down(problem: SQLAlchemyError) -> tuple[str, int, dict[str, str]]:
        """Say calmly that it does not work now, in the lender's name, or in nobody's where that can't be read either.

        Nothing was committed, and whoever sends again is told by the unique keys what was done before.
        """
        if not _is_away(problem):
            raise problem
        app.logger.error("the database failed on %s [%s]", request.url_rule, request.method, exc_info=problem)
        again = {"Retry-After": "30"}
        if request.path.startswith("/webhooks/"):
            return "", 503, again
        try:
            db.session.rollback()
            return render_template("errors/500.html"), 503, again
        except SQLAlchemyError:
            db.session.remove()
            app.login_manager._update_request_context_with_user(None)  # type: ignore[attr-defined]
            g.lender, g.database_is_away = None, True
            return render_template("errors/500.html"), 503, again

    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(PaymentServiceDown, service_down)
    # A database that is away, full, or locked for too long; a mistake in what was asked of it is none of these.
    for kind in (OperationalError, InterfaceError, PoolTimeout, db.CouldNotRead):
        app.register_error_handler(kind, database_down)
