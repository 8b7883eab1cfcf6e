"""The only door to the library for codes of an authenticator app (TOTP, RFC 6238): 6 digits, new each 30 seconds."""

from __future__ import annotations

import hmac
from datetime import datetime

import pyotp

# A clock may be half a minute off either way (RFC 6238, 5.2).
_EITHER_SIDE = 1
_SECONDS = 30


def new_secret() -> str:
    """Make a secret of 160 bits (RFC 4226, 4), as the letters that apps take."""
    return pyotp.random_base32()


def address(secret: str, *, person: str, lender: str) -> str:
    """Give what the QR code says to an app: an `otpauth://` address."""
    return pyotp.TOTP(secret).provisioning_uri(name=person, issuer_name=lender)


def step_of(secret: str, code: str, *, at: datetime, after: int) -> int | None:
    """Give the number of the half minute that a code belongs to, or None if it fits none.

    `after` is the last one that was used: no code is good twice (RFC 6238, 5.2).
    """
    now = int(at.timestamp()) // _SECONDS
    app = pyotp.TOTP(secret)
    found = None
    for step in range(now - _EITHER_SIDE, now + _EITHER_SIDE + 1):
        if hmac.compare_digest(app.generate_otp(step).encode(), code.encode()) and step > after:
            found = step
    return found


def code_at(secret: str, *, at: datetime) -> str:
    """Give the code of a moment, as an app would show it."""
    return pyotp.TOTP(secret).at(at)
