"""Everything about one debt as one file: taken by its owner and by the lender, and checked without us."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session
from werkzeug.test import TestResponse

from portal import clock, sequencer
from portal.db import new_id, session, transaction
from portal.debts.statement import Standing
from portal.evidence import log, notes
from portal.evidence.models import EvidenceRecord, LogStamp
from portal.evidence.record import OPERATOR, PORTAL, Act, record
from portal.lenders.models import Lender
from portal.letters import certificates, seals
from portal.letters.models import IssuedLetter
from portal.package import words
from portal.staff.roles import Role
from tests.factories import a_debt
from tests.journeys.acts import agree, come_in, give_code, newest_code, rows
from tests.journeys.staff import a_client, a_worker, cheap, come_to_work
from tests.journeys.test_prove_it import BASE, VERIFIER, loaded, verify
from tests.pages import CheckingClient, page_of
from tests.settling import a_payment, stripe_says

SENIOR, HELPER = "Selma Zweifelsfrei", 'Hel O\'Desk "Zwei"'
PDF = b"%PDF-1.7 made up for this test"


def a_letter(debt: Standing) -> str:
    """A letter as it is kept; drawing one is no point of this."""
    with transaction() as s:
        s.add(
            IssuedLetter(
                lender_id=debt.lender_id,
                id=new_id(),
                number="LT-TEST-0001",
                kind="statement-of-account",
                cause=f"statement:{debt.id}:test",
                debtor_id=debt.debtor_id,
                debt_id=debt.id,
                language="en",
                facts={},
                pdf=PDF,
                sha256=hashlib.sha256(PDF).hexdigest(),
                issued_at=clock.now(),
            )
        )
    return "09-letters/LT-TEST-0001.pdf"


def the_story(
    app: Flask, client: CheckingClient, lender: Lender, debt: Standing, monkeypatch: pytest.MonkeyPatch
) -> CheckingClient:
    """A debt with a plan, a payment, messages, a letter, a request that somebody took up, a note; gives who helped."""
    cheap(monkeypatch)
    come_in(client, debt)
    client.fill(client.get("/code"), {"again": "1"})
    client.fill(client.get("/code"), {"code": newest_code()})
    plan = agree(client, debt)
    with app.app_context():
        stripe_says(a_payment(debt, amount="100.00", plan=plan.reference), monkeypatch)
    client.fill(client.get(f"/help/wrong-amount?debt={debt.reference}"), {"words": "Two payments are missing."})
    a_letter(debt)
    helper = a_client(app)
    come_to_work(helper, a_worker(app, lender, Role.SENIOR, name=SENIOR, email="selma@linden.example"))
    person = f"/staff/people/{debt.debtor_id}"
    helper.fill(helper.get(person, follow_redirects=True), {"reason": f"Asked by {SENIOR}"})
    helper.fill(helper.get(f"{person}/notes/new"), {"text": f"Works days, says {SENIOR}."})
    return helper


def opened(answer: TestResponse) -> zipfile.ZipFile:
    assert (answer.status_code, answer.mimetype) == (200, "application/zip"), answer.status
    package = zipfile.ZipFile(io.BytesIO(answer.get_data()))
    # As a server does when all is sent: the temporary file goes with it.
    answer.close()
    return package


def all_of(package: zipfile.ZipFile) -> str:
    return "\n".join(package.read(name).decode("utf-8", "replace") for name in package.namelist())


def resealed(package: zipfile.ZipFile, path: str, change: Callable[[str], str], *, lender: Lender) -> bytes:
    """Give the package with one file changed and signed anew, as somebody with the key could."""
    files = {name: package.read(name) for name in package.namelist()}
    files[path] = change(files[path].decode("utf-8-sig")).encode()
    manifest = json.loads(files["manifest.json"])
    for each in manifest["files"]:
        each["sha256"] = hashlib.sha256(files[each["path"]]).hexdigest()
    files["manifest.json"] = json.dumps(manifest).encode()
    said = ("evidence package", hashlib.sha256(files["manifest.json"]).hexdigest())
    files["manifest.note"] = log.sign_lines(lender.id, said).encode()
    return zipped(files)


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for name, content in files.items():
            package.writestr(name, content)
    return out.getvalue()


def without_line(number: int) -> Callable[[str], str]:
    def change(text: str) -> str:
        lines = text.splitlines(keepends=True)
        return "".join(lines[:number] + lines[number + 1 :])

    return change


def swapped(text: str) -> str:
    head, first, second, *rest = text.splitlines(keepends=True)
    return "".join((head, second, first, *rest))


def stamped_by_somebody(lender: Lender) -> None:
    """A time stamp over the log as it is, and one record more; and certificates with which letters are sealed."""
    signed, now = log.newest(lender.id), clock.now()
    assert signed is not None
    with transaction() as s:
        stamp = {"response": b"stamped", "authority": "Somebody", "stamped_at": now, "kept_at": now}
        s.add(LogStamp(lender_id=lender.id, id=new_id(), size=signed.size, **stamp))
        record(Act.SIGNED_IN, by=PORTAL, lender_id=lender.id)
        seals.set_seal(s.get_one(Lender, lender.id), certificates.made_for(lender.legal_name, now=now), by=OPERATOR)
    sequencer.place_all(base_url=BASE)


def with_proofs_swapped(text: str) -> str:
    first, second, *rest = (json.loads(line) for line in text.splitlines())
    first["proof"], second["proof"] = second["proof"], first["proof"]
    return "".join(json.dumps(each) + "\n" for each in (first, second, *rest))


@pytest.fixture
def program() -> ModuleType:
    return loaded()


def test_both_packages_are_whole_say_who_took_them_and_any_change_is_found(
    app: Flask,
    client: CheckingClient,
    lender: Lender,
    debt: Standing,
    db: scoped_session[Session],
    program: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    helper = the_story(app, client, lender, debt, monkeypatch)
    address, desk = f"/debts/{debt.reference}/evidence", f"/staff/people/{debt.debtor_id}/evidence"
    # Nothing is signed yet: nothing is given out, and nothing is on record.
    before = rows()
    assert page_of(client.get(f"{address}.zip", follow_redirects=True)).says("The log has not been signed yet.")
    assert rows() == before
    sequencer.place_all(base_url=BASE)
    stamped_by_somebody(lender)
    key = log.key_of(lender.id) or ""

    assert page_of(client.get(address)).says("All that is on record about")
    mine, again = client.get(f"{address}.zip"), client.get(f"{address}.zip")
    assert mine.get_data() == again.get_data()
    again.close()
    form = helper.get(desk)
    assert helper.fill(form, {"debt": debt.reference, "reason": " "}).status_code == 422
    theirs = helper.fill(form, {"debt": debt.reference, "reason": "The court asked for it"})
    own, full = opened(mine), opened(theirs)

    # The fourteen parts, each with what it holds, and with what nobody has.
    folders = [part.folder for part in words.parts()]
    assert len(folders) == 14
    for package in (own, full):
        assert [name.split("/")[0] for name in package.namelist() if name.endswith("/about.txt")] == folders
        assert "No call was recorded with this portal" in package.read("06-calls/about.txt").decode()
        assert "Nothing of this kind is on record" in package.read("06-calls/about.txt").decode()
        assert "Nothing of this kind" not in package.read("10-payments/about.txt").decode()
        assert package.read("09-letters/LT-TEST-0001.pdf") == PDF
        assert package.read("14-verify/verify.py") == VERIFIER.read_bytes()
        assert "Two payments are missing." in package.read("11-care/requests.json").decode()
        assert json.loads(package.read("10-payments/payments.json"))[0]["amount_minor"] == 10_000
        assert json.loads(package.read("04-ledger/balances.json"))["minor"]["credit"] == 0
        assert any(each["kind"] == "one_time_code" for each in json.loads(package.read("05-messages/messages.json")))
        assert lender.legal_name in package.read("13-certificate/certificate.txt").decode()

    # The newest time stamp from outside, what it is of, and that the log only grew since; whom to trust for seals.
    assert own.read("01-log/stamp.tsr") == b"stamped" and own.read("01-log/stamped.txt") != full.read(
        "01-log/checkpoint.txt"
    )
    grew, stamped = (own.read(f"01-log/{name}.txt").decode() for name in ("grew", "stamped"))
    assert "nothing of them was changed" in program.check_growth(grew, stamped, key)
    assert own.read("09-letters/roots.pem").startswith(b"-----BEGIN CERTIFICATE")

    # The lender's names its people, the debtor's none of them, though what they did is proven all the same.
    assert SENIOR in all_of(full) and "Works days" in all_of(full)
    member = next(json.loads(line) for line in full.read("01-log/records.jsonl").splitlines() if b'staff\\"' in line)
    staff_id = json.loads(member["entry"])["by"]["id"]
    for said in (SENIOR, "selma@linden.example", staff_id, staff_id.replace("-", "")):
        assert said not in all_of(own), said
    records = [json.loads(line) for line in own.read("01-log/records.jsonl").splitlines()]
    hidden = [each for each in records if "leaf" in each]
    assert hidden and len(hidden) < len(records)
    assert len(records) == len(full.read("01-log/records.jsonl").splitlines())
    assert "A person at your lender opened your page" in own.read("01-log/timeline.csv").decode()
    assert "rules-1.txt" in " ".join(full.namelist()) and "rules-1.txt" not in " ".join(own.namelist())

    # Who took what, with which fingerprint and why, is on record and on the timeline.
    session.rollback()
    taken = [
        json.loads(entry)["facts"]
        for entry in db.scalars(
            select(EvidenceRecord.entry).where(EvidenceRecord.act == "package_taken").order_by(EvidenceRecord.id)
        )
    ]
    assert [each["sha256"] for each in taken] == [
        hashlib.sha256(answer.get_data()).hexdigest() for answer in (mine, again, theirs)
    ]
    assert (taken[2]["name"], taken[2]["reason"]) == (SENIOR, "The court asked for it")
    timeline = page_of(client.get("/timeline"))
    assert timeline.says(f"You took everything about {debt.reference} along as one file")
    assert timeline.says("along as one file. The reason given: The court asked for it")

    # Anybody checks it with the program alone.
    file = tmp_path / "evidence.zip"
    for answer in (mine, theirs):
        file.write_bytes(answer.get_data())
        code, said = verify(str(file), "--key", key)
        assert (code, "The package is whole" in said) == (0, True), said
    files = {name: own.read(name) for name in own.namelist()}
    ledger, wrong = "04-ledger/ledger.csv", "04-ledger/ledger.csv was changed."
    tampered = [
        (zipped(files | {ledger: files[ledger].replace(b"principal", b"interest", 1)}), wrong),
        (
            zipped({name: content for name, content in files.items() if name != ledger}),
            f"removed, added or moved: {ledger}",
        ),
        (zipped(files | {"99-more/more.txt": b"more"}), "removed, added or moved: 99-more/more.txt"),
        (zipped(files | {"manifest.json": files["manifest.json"] + b" "}), "manifest.json was changed"),
    ]
    # Another's key does not open it, not even under the same name.
    for name in (key.partition("+")[0], "localhost/log/other"):
        with pytest.raises(SystemExit, match="not signed by this key"):
            program.check_package(
                zipfile.ZipFile(io.BytesIO(mine.get_data())), notes.verifier_key(name, notes.new_key()[1])
            )
    tampered += [
        (zipped({"../../outside.txt": b"x"} | files), r"removed, added or moved: \.\./\.\./outside\.txt"),
        (zipped(dict(reversed(files.items()))), "removed, added or moved"),
        (zipped(files | {"manifest.note": b""}), "not signed by this key"),
    ]
    sealed = [
        (ledger, without_line(1), "Line 1 of the ledger does not follow"),
        (ledger, swapped, "Line 1 of the ledger does not follow"),
        (ledger, lambda text: without_line(len(text.splitlines()) - 1)(text), "does not add up to the balances"),
        ("01-log/records.jsonl", lambda text: text.replace("signed_in", "signed_up", 1), "does not stand in the log"),
        # A text that somebody made up beside a hash that does stand in the log, and two proofs that changed places.
        ("01-log/records.jsonl", lambda text: text.replace('"leaf":', '"entry":"{}","leaf":', 1), "does not stand in"),
        ("01-log/records.jsonl", with_proofs_swapped, "does not stand in the log"),
        ("01-log/checkpoint.txt", lambda text: text.replace("\n", "0\n", 2), "not signed by this key"),
    ]
    tampered += [(resealed(own, path, change, lender=lender), said) for path, change, said in sealed]
    for content, expected in tampered:
        with pytest.raises(SystemExit, match=expected.replace("(", r"\(")):
            program.check_package(zipfile.ZipFile(io.BytesIO(content)), key)
    file.write_bytes(tampered[0][0])
    assert verify(str(file), "--key", key) == (1, f"{wrong}\n")

    # One changed byte in any of its files.
    bits = random.Random(8)  # noqa: S311 - which byte is no secret
    whole = mine.get_data()
    for info in own.infolist():
        start = info.header_offset + 30 + sum(struct.unpack("<HH", whole[info.header_offset + 26 :][:4]))
        # The last three say that the file ends here: whatever stands there, what is in the file is the same.
        at = start + bits.randrange(max(info.compress_size - 3, 1))
        flipped = bytearray(whole)
        flipped[at] ^= 0xFF
        with pytest.raises((SystemExit, zipfile.BadZipFile, ValueError, zlib.error)):
            program.check_package(zipfile.ZipFile(io.BytesIO(flipped)), key)

    # Another's debt is not there, and without a code nothing leaves; an act by somebody without the right does nothing.
    other = a_debt(lender=lender)
    assert client.get(f"/debts/{other.reference}/evidence").status_code == 404
    assert client.get(f"/debts/{other.reference}/evidence.zip").status_code == 404
    come_in(client, other)
    assert client.get(f"{address}.zip").status_code in (302, 303, 404)
    give_code(client)
    assert client.get(f"{address}.zip").status_code == 404
    plain = a_client(app)
    come_to_work(plain, a_worker(app, lender, Role.HELPDESK, name=HELPER, email="hel@linden.example"))
    before = rows()
    assert plain.get(desk).status_code == 403
    assert rows() == before
    assert list(csv.DictReader(io.StringIO(files[ledger].decode("utf-8-sig"))))[-1]["owed_after"] == str(
        sum(json.loads(files["04-ledger/balances.json"])["minor"].values())
    )
