"""Hand an e-mail to a mail server, step by step, because what a broken line means depends on the step."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from functools import lru_cache
from urllib.parse import parse_qs, unquote, urlsplit

from portal.post.channels import Answer, NobodyThere, NotNow, Outgoing, Refused, Taken, Unknown
from portal.web.languages import tag

# For each step; the whole may take a few of them, and stays below the time after which a try counts as lost.
STEP_SECONDS = 20.0
# A server may look a message through before it answers.
LAST_STEP_SECONDS = 60.0
# Enhanced codes (RFC 3463) that speak of the address itself: no such person, no such host, moved, malformed.
_ADDRESS_CODES = ("5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1")


class BadServer(Exception):
    """The address of the mail server can't be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server and how to talk to it; `tls` is starttls, implicit or none."""

    host: str
    port: int
    user: str | None
    password: str | None
    tls: str
    sender: str

    def __repr__(self) -> str:
        """Name it without its password."""
        return f"Server({self.host}:{self.port})"


def server_of(url: str, *, sender: str) -> Server:
    """Read `smtp://user:password@host:587?tls=starttls`; `smtps://` means TLS from the first byte.

    :raises BadServer: if it isn't one, or `sender` is no address.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise BadServer("it must look like smtp://user:password@host:587?tls=starttls")
    tls = parse_qs(parts.query).get("tls", ["implicit" if parts.scheme == "smtps" else "starttls"])[0]
    if tls not in {"starttls", "implicit", "none"}:
        raise BadServer(f"tls must be starttls, implicit or none, not {tls!r}")
    if tls == "none" and parts.username and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise BadServer("a password is never sent without TLS")
    try:
        port = parts.port
    except ValueError as problem:
        raise BadServer("its port must be a number from 1 to 65535") from problem
    if "@" not in sender or any(sign.isspace() for sign in sender):
        raise BadServer("the sender must be an e-mail address such as no-reply@example.com")
    return Server(
        host=parts.hostname,
        port=port or (465 if tls == "implicit" else 587),
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password or "") if parts.username else None,
        tls=tls,
        sender=sender,
    )


class NoSuchAddress(Exception):
    """This can be nobody's e-mail address."""


def ascii_address(text: str) -> str:
    """Give an address as mail servers write it: its host in the letters of host names.

    :raises NoSuchAddress: if it can't be one.
    """
    name, at, host = text.strip().rpartition("@")
    try:
        host = host.encode("idna").decode()
    except UnicodeError as problem:
        raise NoSuchAddress from problem
    if not at or not name or not host or any(sign.isspace() or not sign.isprintable() for sign in name):
        raise NoSuchAddress
    return f"{name}@{host}"


def as_email(message: Outgoing, *, sender: str) -> EmailMessage:
    """Give a message as RFC 5322 has it: plain and HTML, a name of its own, and how to stop messages like it.

    :raises NoSuchAddress: if its address can't be one.
    """
    mail = EmailMessage(policy=SMTP)
    name, _at, host = sender.rpartition("@")
    to_name, _at, to_host = ascii_address(message.to).rpartition("@")
    mail["From"] = Address(display_name=" ".join(message.sender.split()), username=name, domain=host)
    mail["To"] = Address(username=to_name, domain=to_host)
    if message.reply_to:
        mail["Reply-To"] = " ".join(message.reply_to.split())
    mail["Subject"] = " ".join(message.subject.split())
    mail["Date"] = message.written_at
    # The same at each try, so that a mailbox that gets it twice can show it once.
    mail["Message-ID"] = f"<{message.name}@{host}>"
    mail["Auto-Submitted"] = "auto-generated"
    if message.stop_url:
        mail["List-Unsubscribe"] = f"<{message.stop_url}/one-click>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(message.body)
    if message.html is not None:
        mail.add_alternative(message.html, subtype="html")
    # Setting the content takes away what is said about it.
    mail["Content-Language"] = tag(message.language)
    return mail


def hand_over(message: Outgoing, *, server: Server) -> Answer:
    """Hand a message over, and say what became of it."""
    try:
        mail = as_email(message, sender=server.sender)
    except NoSuchAddress:
        return NobodyThere("not an e-mail address")
    except ValueError as problem:
        return Refused(f"cannot be written as an e-mail: {problem}")
    line: smtplib.SMTP | None = None
    try:
        line = _connect(server)
        return _converse(line, mail, to=ascii_address(message.to), sender=server.sender)
    except _Said as said:
        return said.answer
    except smtplib.SMTPAuthenticationError as problem:
        # A wrong password is the operator's to mend; the message waits.
        return NotNow(f"{problem.smtp_code} at sign-in")
    except (OSError, smtplib.SMTPException) as problem:
        return NotNow(f"{type(problem).__name__}: {problem}"[:300])
    finally:
        if line is not None:
            line.close()


class _Said(Exception):
    """The server said something that ends the conversation."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    """Give what decides whom to trust: reading all certificates takes longer than handing a message over."""
    return ssl.create_default_context()


def _connect(server: Server) -> smtplib.SMTP:
    context = _trust()
    line: smtplib.SMTP
    if server.tls == "implicit":
        line = smtplib.SMTP_SSL(server.host, server.port, timeout=STEP_SECONDS, context=context)
    else:
        line = smtplib.SMTP(server.host, server.port, timeout=STEP_SECONDS)
    try:
        line.ehlo_or_helo_if_needed()
        if server.tls == "starttls":
            # It raises where the server can't: nothing goes out in the clear by accident.
            line.starttls(context=context)
            line.ehlo()
        if server.user is not None:
            line.login(server.user, server.password or "")
    except BaseException:
        line.close()
        raise
    return line


def _converse(line: smtplib.SMTP, mail: EmailMessage, *, to: str, sender: str) -> Answer:
    utf8 = not to.isascii()
    if utf8 and not line.has_extn("smtputf8"):
        return Refused("the mail server cannot write to an address with such letters")
    _expect(line.mail(sender, ["SMTPUTF8", "BODY=8BITMIME"] if utf8 else []), about_address=False)
    _expect(line.rcpt(to), about_address=True)
    code, words = line.docmd("DATA")
    if code != 354:
        _expect((code, words), about_address=False)
        return NotNow(f"{code} to DATA")
    raw = mail.as_bytes(policy=SMTPUTF8 if utf8 else SMTP)
    stuffed = b"\r\n".join(b"." + each if each.startswith(b".") else each for each in raw.split(b"\r\n"))
    line.send(stuffed.rstrip(b"\r\n") + b"\r\n.\r\n")
    # From here on the server may have it, whatever we hear.
    try:
        if line.sock is not None:
            line.sock.settimeout(LAST_STEP_SECONDS)
        code, words = line.getreply()
    except (OSError, smtplib.SMTPException) as problem:
        return Unknown(f"no answer after the message: {type(problem).__name__}")
    _expect((code, words), about_address=False)
    return Taken(mail["Message-ID"])


def _expect(said: tuple[int, bytes], *, about_address: bool) -> None:
    """Go on if the server agrees.

    :raises _Said: if it doesn't; a 4xx is for now, a 5xx for ever.
    """
    code, raw = said
    if 200 <= code < 300:
        return
    words = raw.decode("utf-8", "replace")
    detail = f"{code} {words}"[:300]
    if 400 <= code < 500 or code < 200:
        raise _Said(NotNow(detail))
    if says_nobody_there(code, words, about_address=about_address):
        raise _Said(NobodyThere(detail))
    raise _Said(Refused(detail))


def says_nobody_there(code: int, words: str, *, about_address: bool) -> bool:
    """Say whether a refusal for good speaks of the address: its number, and the words that came with it.

    Without an enhanced code a plain 550, 551 or 553 to the address does; 5.7.x is about us or the text.
    """
    enhanced = words.split(maxsplit=1)[0] if words else ""
    plain = not enhanced.startswith("5.")
    return enhanced in _ADDRESS_CODES or (about_address and plain and code in (550, 551, 553))
