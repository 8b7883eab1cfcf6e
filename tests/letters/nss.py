"""A folder of trusted roots for `pdfsig`, written by the library that reads it, for `certutil` is one more package.

Run as `python -m tests.letters.nss FOLDER ROOT.pem`: the library keeps to itself what it has opened.
"""

from __future__ import annotations

import ctypes
import ssl
import sys
from pathlib import Path

VALID_CA, TRUSTED_CA = 1 << 3, 1 << 4
RW_NO_PIN = None


class Item(ctypes.Structure):
    _fields_ = (("type", ctypes.c_int), ("data", ctypes.c_char_p), ("len", ctypes.c_uint))


def trust(folder: Path, pem: str) -> None:
    """Make the folder, and let whoever reads it trust one root for everything."""
    nss = ctypes.CDLL("libnss3.so")
    for name in ("PK11_GetInternalKeySlot", "CERT_GetDefaultCertDB", "CERT_NewTempCertificate"):
        getattr(nss, name).restype = ctypes.c_void_p
    assert nss.NSS_InitReadWrite(f"sql:{folder}".encode()) == 0
    slot = ctypes.c_void_p(nss.PK11_GetInternalKeySlot())
    nss.PK11_InitPin(slot, RW_NO_PIN, RW_NO_PIN)
    der = ssl.PEM_cert_to_DER_cert(pem)
    known = ctypes.c_void_p(nss.CERT_GetDefaultCertDB())
    made = nss.CERT_NewTempCertificate(known, ctypes.byref(Item(0, der, len(der))), None, 0, 1)
    assert made, "the root can't be read"
    root = ctypes.c_void_p(made)
    assert nss.PK11_ImportCert(slot, root, ctypes.c_ulong(0), b"root", 0) == 0
    everything = (ctypes.c_uint * 3)(*[VALID_CA | TRUSTED_CA] * 3)
    assert nss.CERT_ChangeCertTrust(known, root, everything) == 0
    nss.NSS_Shutdown()


if __name__ == "__main__":
    trust(Path(sys.argv[1]), Path(sys.argv[2]).read_text("utf-8"))
