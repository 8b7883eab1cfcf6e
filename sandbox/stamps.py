"""A time stamp authority (RFC 3161) at /tsa, for the demo and for tests; its time is this machine's.

Its root is at /tsa/root.pem. Key and certificates lie beside the stand-in's memory, so that they stay the same.
"""

from __future__ import annotations

import importlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from flask import Blueprint, Response, current_app, request

stamps = Blueprint("stamps", __name__)
_YEARS = 10


class Authority:
    """The key of the authority; made when it is first needed, for that takes a while."""

    def __init__(self, file: Path) -> None:
        self.works = True
        self._file = file
        self._lock = Lock()
        self._stamper: Any = None

    def root(self) -> bytes:
        """Give its certificate, which is its own root, as PEM."""
        with self._lock:
            return x509.load_pem_x509_certificate(self._made()).public_bytes(Encoding.PEM)

    def answer(self, asked: bytes) -> bytes:
        """Stamp what was asked."""
        with self._lock:
            if self._stamper is None:
                self._stamper = _stamper(self._made())
            answer: bytes = self._stamper.request_tsa_response(tsp.TimeStampReq.load(asked)).dump()
        return answer

    def _made(self) -> bytes:
        if not self._file.exists():
            self._file.write_bytes(_new())
        return self._file.read_bytes()


def _stamper(pem: bytes) -> Any:
    # Only who asks for a stamp waits until pyHanko is read in.
    keys = importlib.import_module("pyhanko.keys")
    made_up = importlib.import_module("pyhanko.sign.timestamps.dummy_client")

    (own,) = keys.load_certs_from_pemder_data(pem[pem.index(b"-----BEGIN CERTIFICATE") :])
    return made_up.DummyTimeStamper(own, keys.load_private_key_from_pemder_data(pem, passphrase=None))


def _new() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Made-up time stamp authority")])
    now = datetime.now(UTC)
    own = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    kept = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return kept + own.public_bytes(Encoding.PEM)


def _authority() -> Authority:
    authority: Authority = current_app.config["AUTHORITY"]
    return authority


@stamps.post("/tsa")
def stamp() -> Response:
    """Answer a request for a time stamp."""
    if not _authority().works:
        return Response("The authority is down.", 503)
    return Response(_authority().answer(request.get_data()), content_type="application/timestamp-reply")


@stamps.get("/tsa/root.pem")
def root() -> Response:
    """Give the root that stamps lead to."""
    return Response(_authority().root(), mimetype="application/x-pem-file")
