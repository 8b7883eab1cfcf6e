"""Settings from the environment, read once and checked at start; a wrong one is a sentence, not a traceback."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


class BadSetting(Exception):
    """A setting in the environment can't be used; the text says which and what would be right."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an installation decides; everything that a lender decides is in the lender's own row."""

    database_url: str
    secret_key: str
    base_url: str
    port: int
    demo: bool
    stripe_api_base: str | None
    folder: Path
    smtp_url: str | None = field(default=None, repr=False)
    mail_from: str | None = None
    twilio_account_sid: str | None = None
    twilio_auth_token: str | None = field(default=None, repr=False)
    sms_from: str | None = None
    twilio_api_base: str | None = None
    tsa_url: str | None = None
    tsa_roots: Path | None = None

    @property
    def local(self) -> bool:
        """Say whether the database is the one file that is made where none is named."""
        return self.database_url == f"sqlite:///{self.folder / 'portal.sqlite'}"

    @property
    def secure(self) -> bool:
        """Say whether people reach the portal by https."""
        return self.base_url.startswith("https://")


def sqlalchemy_url(url: str) -> str:
    """Give the URL with the driver that is installed: `postgres://` and `postgresql://` mean psycopg 3.

    :raises BadSetting: if the URL is of a database that the portal doesn't run on.
    """
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    if url.startswith(("sqlite:///", "postgresql+psycopg://")):
        return url
    raise BadSetting(
        "DATABASE_URL must begin with sqlite:/// or postgresql://, for example postgresql://user@localhost/portal."
    )


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    :raises BadSetting: if one can't be used.
    """
    env = os.environ if environment is None else environment
    folder = Path(env.get("PORTAL_VAR", "var")).resolve()
    demo = _yes_or_no(env, "PORTAL_DEMO")
    port = _port(env.get("PORT", "8000"))
    base_url = env.get("BASE_URL", f"http://127.0.0.1:{port}").rstrip("/")
    if not base_url.startswith(("http://", "https://")):
        raise BadSetting("BASE_URL must be the address that people type, beginning with https:// (or http:// here).")
    return Settings(
        database_url=sqlalchemy_url(env.get("DATABASE_URL", f"sqlite:///{folder / 'portal.sqlite'}")),
        secret_key=_secret_key(env, folder=folder),
        base_url=base_url,
        port=port,
        demo=demo,
        stripe_api_base=env.get("STRIPE_API_BASE") or None,
        folder=folder,
        tsa_url=_tsa_url(env),
        tsa_roots=_tsa_roots(env),
        **_providers(env),
    )


def _tsa_url(env: Mapping[str, str]) -> str | None:
    url = env.get("TSA_URL") or None
    if url is not None and not url.startswith(("http://", "https://")):
        raise BadSetting("TSA_URL must be the address of a time stamp authority, beginning with http:// or https://.")
    return url


def _tsa_roots(env: Mapping[str, str]) -> Path | None:
    given = env.get("TSA_ROOTS") or None
    if given is not None and not Path(given).is_file():
        raise BadSetting(
            "TSA_ROOTS must be a file with the certificates (PEM) of time stamp authorities; it isn't there."
        )
    return Path(given) if given else None


def _providers(env: Mapping[str, str]) -> dict[str, str | None]:
    """Give who takes e-mail and SMS; half of what one of them needs is a mistake."""
    mail, sms = ("SMTP_URL", "MAIL_FROM"), ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "SMS_FROM")
    for names, example in ((mail, "MAIL_FROM=no-reply@example.com"), (sms, "SMS_FROM=+12125550100")):
        missing = [name for name in names if not env.get(name)]
        if missing and len(missing) < len(names):
            raise BadSetting(f"{' and '.join(names)} belong together; {missing[0]} is missing, for example {example}.")
    return {name.lower(): env.get(name) or None for name in (*mail, *sms, "TWILIO_API_BASE")}


def _yes_or_no(env: Mapping[str, str], name: str) -> bool:
    value = env.get(name, "0").lower()
    if value not in {"0", "1", "no", "yes", "false", "true"}:
        raise BadSetting(f"{name} must be 1 or 0, not {value!r}.")
    return value in {"1", "yes", "true"}


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise BadSetting(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def _secret_key(env: Mapping[str, str], *, folder: Path) -> str:
    """Give the key that signs cookies: the environment's, else one kept beside the local database."""
    if key := env.get("SECRET_KEY"):
        if len(key) < 32:
            raise BadSetting("SECRET_KEY must have at least 32 characters.")
        return key
    kept = folder / "secret_key"
    if not kept.exists():
        folder.mkdir(parents=True, exist_ok=True)
        # Two processes may start at once: the first to create the file decides.
        try:
            descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return kept.read_text()
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
    return kept.read_text()
