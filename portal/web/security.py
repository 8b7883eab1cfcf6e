"""What protects every page: closed-by-default gates, headers, forgery tokens masked anew, compression with padding."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Flask, Request, Response, abort, current_app, g, request, session
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_wtf.csrf import CSRFProtect, generate_csrf
from isal import isal_zlib
from itsdangerous import TimestampSigner, URLSafeTimedSerializer
from itsdangerous.encoding import want_bytes
from itsdangerous.signer import SigningAlgorithm
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.http import parse_accept_header

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

View = TypeVar("View", bound=Callable[..., object])

# A page that belongs to a signed-in debtor is never kept by a browser or a proxy.
NO_STORE = "no-store"
STRIPE_CHECKOUT = "https://checkout.stripe.com"
SMALLEST_TO_COMPRESS = 500
# What zlib calls a window of 32 KB with the head and end of gzip around it.
GZIP = 31
_ONLY_LOOKING = ("GET", "HEAD", "OPTIONS")
# The longest form of ours has some thirty.
MOST_FIELDS = 1_000


def gate(name: str) -> Callable[[View], View]:
    """Mark a view with the gate that guards it; a view without a mark is never served."""

    def mark(view: View) -> View:
        view.gate = name  # type: ignore[attr-defined]
        return view

    return mark


open_page = gate("open")
SIGNED_BY_SENDER = "signed by sender"
signed_by_sender = gate(SIGNED_BY_SENDER)
demo_only = gate("demo only")


class MaskedForgeryTokens(CSRFProtect):
    """Flask-WTF's protection with tokens that look different in each response, so that compression can't leak them."""

    def protect(self, apply_exemptions: bool = False) -> None:  # noqa: FBT001, FBT002 - as Flask-WTF has it
        """Check the token of what was sent; whoever only looks sends none."""
        if request.method not in _ONLY_LOOKING:
            super().protect(apply_exemptions=apply_exemptions)

    def _get_csrf_token(self) -> str | None:
        return unmask(request.form.get("csrf_token", ""))

    def _is_exempt(self) -> bool:
        # What its sender signs comes from no page of ours and can carry no token.
        view = current_app.view_functions.get(request.endpoint or "")
        return getattr(view, "gate", None) == SIGNED_BY_SENDER


class _Sha1(SigningAlgorithm):
    """HMAC with SHA-1, by which Flask signs its cookies; to set one up for a key takes ten times as long as to sign."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        """Give the signature of a text."""
        made = _keyed(key).copy()
        made.update(value)
        return made.digest()


class _Signer(TimestampSigner):
    """Signs with the key that Flask derives from the secret: the HMAC of what the cookie is called inside."""

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        """Give the key that follows from a secret, by default from the newest."""
        return _derived(want_bytes(self.secret_key if secret_key is None else secret_key), self.salt)


# A process has one secret, and a few older ones while it changes.
@lru_cache(maxsize=8)
def _keyed(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod="sha1")


@lru_cache(maxsize=8)
def _derived(secret: bytes, salt: bytes) -> bytes:
    return hmac.digest(secret, salt, "sha1")


class QuietSessions(SecureCookieSessionInterface):
    """Cookies as Flask keeps them, and none beside an answer that is the same for everybody and is kept."""

    def __init__(self) -> None:
        self._signing: URLSafeTimedSerializer | None = None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Give what signs cookies; its keys stay as long as the process, so it is made once."""
        if self._signing is None and (made := super().get_signing_serializer(app)) is not None:
            made.signer, made.signer_kwargs = _Signer, {"algorithm": _Sha1()}
            self._signing = made
        return self._signing

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Leave cookie and `Vary: Cookie` away from such an answer, or each new cookie would fetch it again."""
        if "public" not in response.headers.get("Cache-Control", ""):
            super().save_session(app, session, response)


def masked_token() -> str:
    """Give this visitor's forgery token under a mask that is new with each response."""
    made: str | None = g.get("masked_token")
    if made is None:
        token = _signed_token().encode()
        mask = secrets.token_bytes(len(token))
        made = g.masked_token = base64.urlsafe_b64encode(mask + _masked(token, mask)).decode()
    return made


def _signed_token() -> str:
    raw = session.get("csrf_token")
    return generate_csrf() if raw is None else _signed_before(str(current_app.secret_key), str(raw))


@lru_cache(maxsize=4096)
def _signed_before(_key: str, _raw: str) -> str:
    """Give Flask-WTF's token of this visitor; it has no time limit, so the one that was signed before is as good."""
    return generate_csrf()


def unmask(text: str) -> str | None:
    """Give the token behind a mask, or None if the text isn't one."""
    try:
        raw = base64.urlsafe_b64decode(text.encode())
        half = len(raw) // 2
        return _masked(raw[half:], raw[:half]).decode() or None if len(raw) == 2 * half else None
    except (ValueError, UnicodeError):
        return None


def _masked(text: bytes, mask: bytes) -> bytes:
    return (int.from_bytes(text) ^ int.from_bytes(mask)).to_bytes(len(text))


def _texts(given: Mapping[str, object]) -> Iterator[str]:
    """Give every name and value of what came with a request."""
    pairs = given.items(multi=True) if isinstance(given, MultiDict) else given.items()
    return (str(text) for pair in pairs for text in pair)


def _few_fields() -> None:
    """Refuse what is no form of ours before its fields are taken apart, which costs far more than to read them."""
    if request.mimetype == "application/x-www-form-urlencoded" and request.get_data().count(b"&") >= MOST_FIELDS:
        abort(413)


def protect(app: Flask, *, checkout_origin: str) -> None:
    """Put gates, forgery protection, headers and compression on an application.

    `checkout_origin` is where a payment form may lead after its redirect: browsers apply `form-action` to it too.
    """
    # Over https Flask-WTF also asks for a referrer, which many browsers are told not to send. The token, SameSite and
    # the __Host- cookie, which no other host can set, do without it.
    app.config["WTF_CSRF_SSL_STRICT"] = False
    app.session_interface = QuietSessions()
    app.before_request(_few_fields)
    MaskedForgeryTokens(app)
    app.jinja_env.globals["csrf_token"] = masked_token
    # Flask-WTF gives templates its plain one too, which would stand before it wherever no macro is around it.
    app.context_processor(lambda: {"csrf_token": masked_token})
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
        f"form-action 'self' {checkout_origin}; base-uri 'none'; frame-ancestors 'none'"
    )
    on_every_answer = [
        ("Content-Security-Policy", policy),
        ("X-Content-Type-Options", "nosniff"),
        # Forms of ours say where they come from, which the forgery check asks for; other sites learn nothing.
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"),
        ("Cache-Control", NO_STORE),
    ]
    if app.config["SESSION_COOKIE_SECURE"]:
        on_every_answer.append(("Strict-Transport-Security", "max-age=31536000; includeSubDomains"))

    @app.before_request
    def closed_by_default() -> None:
        asked: Request = request._get_current_object()  # type: ignore[attr-defined]
        # What only looks at the head of a page, as scanners of mail do, gets that of the page, and does nothing else.
        if asked.method == "HEAD":
            asked.method = "GET"
        # No database keeps this sign: no address of ours has it, and in a form nobody can see it.
        query = asked.args if asked.query_string else {}
        if any("\x00" in text for text in (asked.path, *_texts(query), *_texts(asked.view_args or {}))):
            abort(404)
        if asked.method == "POST" and any("\x00" in text for text in _texts(asked.form)):
            asked.form = ImmutableMultiDict(
                (name.replace("\x00", ""), value.replace("\x00", "")) for name, value in asked.form.items(multi=True)
            )
        if asked.endpoint is not None and not hasattr(app.view_functions[asked.endpoint], "gate"):
            abort(404)

    app.after_request(compressed)
    app.wsgi_app = _with_headers(app.wsgi_app, on_every_answer)  # type: ignore[method-assign, assignment]


def _with_headers(served: WSGIApplication, more: Sequence[tuple[str, str]]) -> WSGIApplication:
    """Put headers on every answer that has none of the same name; here no library looks at each of them again."""
    named = [(name.lower(), (name, value)) for name, value in more]

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
            there = {name.lower() for name, _value in headers}
            return start_response(status, headers + [pair for name, pair in named if name not in there], exc_info)

        return served(environ, start)

    return answer


def compressed(response: Response) -> Response:
    """Compress an HTML answer, with padding of random length so that its size says nothing (BREACH)."""
    if (
        response.mimetype != "text/html"
        or response.direct_passthrough
        or response.headers.get("Content-Encoding")
        or response.status_code == 304
    ):
        return response
    body = response.get_data()
    if len(body) < SMALLEST_TO_COMPRESS:
        return response
    response.headers.add("Vary", "Accept-Encoding")
    body += b"<!-- " + secrets.token_urlsafe(secrets.randbelow(48) + 1).encode() + b" -->"
    if _takes_gzip(request.headers.get("Accept-Encoding", "")):
        # A tenth larger than zlib's, in a fifth of its time; kept files are brotli all the same.
        response.set_data(isal_zlib.compress(body, level=2, wbits=GZIP))
        response.headers["Content-Encoding"] = "gzip"
    return response


@lru_cache(maxsize=256)
def _takes_gzip(accepted: str) -> bool:
    return bool(parse_accept_header(accepted)["gzip"])
