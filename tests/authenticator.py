"""A phone's keeper of passkeys, in software: makes keys and signs with them as the standard says (WebAuthn level 2)."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, HAS_KEY = 0x01, 0x04, 0x40


def text(raw: bytes) -> str:
    """Write bytes as base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(written: str) -> bytes:
    """Read base64url without padding."""
    return base64.urlsafe_b64decode(written + "=" * (-len(written) % 4))


class Authenticator:
    """One key for one site; each mistake that a forger could make is a parameter."""

    def __init__(self, *, origin: str = "http://localhost", site: str = "localhost") -> None:
        self.origin, self.site = origin, site
        self.id = secrets.token_bytes(16)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.handle = b""
        self.count = 0

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.site.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def make(self, options: dict[str, Any], *, verified: bool = True) -> str:
        """Answer `navigator.credentials.create`."""
        self.handle = raw(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)})
        flags = PRESENT | HAS_KEY | (VERIFIED if verified else 0)
        data = self._data(flags) + bytes(16) + len(self.id).to_bytes(2) + self.id + public
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {
            "clientDataJSON": text(self._client_data("webauthn.create", options["challenge"])),
            "attestationObject": text(attestation),
        }
        return json.dumps({"id": text(self.id), "rawId": text(self.id), "type": "public-key", "response": response})

    def use(self, options: dict[str, Any], *, verified: bool = True, counts: bool = True, spoil: bool = False) -> str:
        """Answer `navigator.credentials.get`."""
        self.count += counts
        data = self._data(PRESENT | (VERIFIED if verified else 0))
        client_data = self._client_data("webauthn.get", options["challenge"])
        signed = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": text(client_data),
            "authenticatorData": text(data),
            "signature": text(signed[:-1] + bytes([signed[-1] ^ 1]) if spoil else signed),
            "userHandle": text(self.handle),
        }
        return json.dumps({"id": text(self.id), "rawId": text(self.id), "type": "public-key", "response": response})
