"""The only door to the library for passkeys (WebAuthn): options for browsers, and whether what they answer is true."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

PATIENCE_MILLISECONDS = 120_000
MOST_CHARACTERS = 16 * 1024


class NotTrue(Exception):
    """What a browser answered does not hold: forged, for another site, another challenge, or a copied key."""


class Copied(NotTrue):
    """The key's count did not grow: there are two of it."""


@dataclass(frozen=True, slots=True)
class Site:
    """For whom passkeys are: the host without its port, the origin that browsers say, and a name to show."""

    id: str
    origin: str
    name: str


@dataclass(frozen=True, slots=True)
class NewKey:
    """What is kept of a key that was made."""

    credential_id: str
    public_key: bytes
    sign_count: int


def site(base_url: str, *, name: str) -> Site | None:
    """Give the site at an address, or None where browsers make no passkeys: at a bare IP address."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return Site(id=host, origin=f"{parts.scheme}://{parts.netloc}", name=name)
    return None


def options_to_make(at: Site, *, challenge: bytes, handle: bytes, person: str, have: Iterable[str]) -> dict[str, Any]:
    """Give what `navigator.credentials.create` is asked; `have` are the keys that this person has already."""
    options = webauthn.generate_registration_options(
        rp_id=at.id,
        rp_name=at.name,
        user_id=handle,
        user_name=person,
        challenge=challenge,
        timeout=PATIENCE_MILLISECONDS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(one)) for one in have],
    )
    given: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return given


def options_to_use(at: Site, *, challenge: bytes) -> dict[str, Any]:
    """Give what `navigator.credentials.get` is asked: any key for this site, its owner checked by the device."""
    options = webauthn.generate_authentication_options(
        rp_id=at.id,
        challenge=challenge,
        timeout=PATIENCE_MILLISECONDS,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    given: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return given


def made(at: Site, *, answer: str, challenge: bytes) -> NewKey:
    """Check what came from `create`.

    :raises NotTrue: if it does not hold.
    """
    try:
        found = webauthn.verify_registration_response(
            credential=_parsed(answer),
            expected_challenge=challenge,
            expected_rp_id=at.id,
            expected_origin=at.origin,
            require_user_verification=True,
        )
    except NotTrue:
        raise
    # The library takes apart what strangers send, and not all that can be wrong with it has an exception of its own.
    except Exception as problem:
        raise NotTrue from problem
    return NewKey(bytes_to_base64url(found.credential_id), found.credential_public_key, found.sign_count)


def named(answer: str) -> tuple[str, bytes]:
    """Give the key's id and the person's handle that an answer from `get` names; neither is checked yet.

    :raises NotTrue: if it names none.
    """
    said = _parsed(answer)
    try:
        key_id = bytes_to_base64url(base64url_to_bytes(str(said["id"])))
        return key_id, base64url_to_bytes(str(said["response"]["userHandle"]))
    except (KeyError, TypeError, ValueError) as problem:
        raise NotTrue from problem


def challenge_named(answer: str) -> bytes | None:
    """Give the challenge that an answer says it is for, whether it holds or not; None if it names none."""
    try:
        client = json.loads(base64url_to_bytes(str(_parsed(answer)["response"]["clientDataJSON"])))
        return base64url_to_bytes(str(client["challenge"]))
    except (KeyError, TypeError, ValueError, RecursionError, NotTrue):
        return None


def used(at: Site, *, answer: str, challenge: bytes, public_key: bytes, sign_count: int) -> int:
    """Check what came from `get`, and give the key's new count.

    :raises Copied: if all holds but the count did not grow.
    :raises NotTrue: if it does not hold.
    """
    try:
        # The library looks at the count before the signature; a count that somebody made up shows no copy.
        count = webauthn.verify_authentication_response(
            credential=_parsed(answer),
            expected_challenge=challenge,
            expected_rp_id=at.id,
            expected_origin=at.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        ).new_sign_count
    except NotTrue:
        raise
    except Exception as problem:
        raise NotTrue from problem
    # Keys that are kept in several places at once never count, and say 0 each time.
    if (count or sign_count) and count <= sign_count:
        raise Copied
    return count


def _parsed(answer: str) -> dict[str, Any]:
    if len(answer) > MOST_CHARACTERS:
        raise NotTrue
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError) as problem:
        raise NotTrue from problem
    if not isinstance(said, dict):
        raise NotTrue
    return said
