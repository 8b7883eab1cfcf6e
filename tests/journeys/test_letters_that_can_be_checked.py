"""Letters leave sealed, and anybody can check one: its state, its file, and nothing of whose it is."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key, pkcs12
from flask import Flask
from sqlalchemy import func, select, text, update
from werkzeug.test import TestResponse

from portal import sequencer, verify
from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.evidence import log
from portal.evidence.record import OPERATOR
from portal.lenders.models import Lender
from portal.lenders.settings import by_slug
from portal.letters import certificates, issue, pdf, seals
from portal.letters.contents import Letter
from portal.letters.models import IssuedLetter, LenderSeal
from portal.queue import QueuedJob
from portal.verify import Kind
from tests.conftest import Clock
from tests.factories import a_debt, a_lender
from tests.journeys.acts import Stripe, acts_of, agree, come_in, command, give_code, go_pay, payment_on, work
from tests.pages import CheckingClient, page_of
from tests.sandbox_process import SandboxProcess


@pytest.fixture(scope="module", autouse=True)
def pool_is_closed() -> Iterator[None]:
    yield
    pdf.close()


@pytest.fixture
def authority(
    app: Flask, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[SandboxProcess]:
    """The stand-in as time stamp authority, trusted."""
    roots = tmp_path / "authorities.pem"
    roots.write_bytes(urlopen(f"{sandbox.url}/tsa/root.pem").read())
    settings = replace(app.config["SETTINGS"], tsa_url=f"{sandbox.url}/tsa", tsa_roots=roots)
    monkeypatch.setitem(app.config, "SETTINGS", settings)
    yield sandbox
    sandbox._json("POST", "stamps", {"works": True})


def seal_for(lender: Lender, clock: Clock) -> None:
    with transaction():
        seals.set_seal(by_slug(lender.slug), certificates.made_for(lender.legal_name, now=clock.at), by=OPERATOR)


def letters() -> list[IssuedLetter]:
    session.rollback()
    found = list(session.scalars(select(IssuedLetter).order_by(IssuedLetter.id)))
    session.expunge_all()
    return found


def issued(client: CheckingClient, debt: Standing, app: Flask) -> IssuedLetter:
    """Agree to a plan, and have the agreement written."""
    come_in(client, debt)
    agree(client, debt)
    work(app, letters=True)
    (letter,) = letters()
    return letter


def shown(app: Flask, number: str) -> TestResponse:
    """What a stranger sees who scanned the code."""
    return app.test_client().get(f"/check-a-letter/{number}")


def brought(app: Flask, content: bytes, *, address: str = "198.51.100.9") -> TestResponse:
    """What a stranger sees who brings a file."""
    stranger = app.test_client()
    token = dict(page_of(stranger.get("/check-a-letter")).forms[-1].fields)["csrf_token"]
    return stranger.post(
        "/check-a-letter",
        data={"csrf_token": token, "upload": (io.BytesIO(content), "letter.pdf")},
        content_type="multipart/form-data",
        environ_base={"REMOTE_ADDR": address},
    )


def written(content: bytes) -> str:
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=content, capture_output=True, check=True)
    return " ".join(done.stdout.decode().split())


def test_a_letter_leaves_sealed_and_stamped_and_can_be_checked_by_anybody(
    client: CheckingClient, debt: Standing, lender: Lender, app: Flask, clock: Clock, authority: SandboxProcess
) -> None:
    seal_for(lender, clock)
    sequencer.place_all(base_url="http://localhost")
    before = log.newest(lender.id)
    assert before is not None
    session.expunge(before)
    letter = issued(client, debt, app)
    assert letter.stamped_at is not None and letter.drawn_size and letter.seal_id
    assert letter.sha256 == hashlib.sha256(letter.pdf).hexdigest()
    said = written(letter.pdf)
    for words in (
        f"http://localhost/check-a-letter/{letter.number}",
        "This file is sealed",
        f"had {before.size} entries",
    ):
        assert words in said, said
    assert before.root in said.replace(" ", "")
    # What was drawn is still what the kept facts give.
    kept = Letter.from_json(json.dumps(letter.facts))
    with app.app_context():
        assert issue.drawn(kept).pdf == letter.pdf[: letter.drawn_size]

    page = page_of(shown(app, letter.number))
    for words in (
        "We wrote this letter, and it still holds", lender.legal_name, "Plan agreement", letter.number, "Valid",
        "Sealed, with an outside time of", letter.sha256,
    ):  # fmt: skip
        assert page.says(words), words
    everything = shown(app, letter.number).text + brought(app, letter.pdf).text
    for secret in ("Robin", debt.reference, debt.reference[-4:], "900", "$"):
        assert secret not in everything.replace(letter.sha256, "").replace(letter.number, ""), secret
    assert page_of(brought(app, letter.pdf)).says("This file is real, unchanged, and still holds")
    assert acts_of(lender.id)["letter_issued"] == 1
    roots = app.config["SETTINGS"].tsa_roots.read_text()
    checked = verify.run(lender_id=lender.id, authorities=roots)
    assert checked.disagreements == ()
    assert f"letters: {lender.slug}: 1 hashed, the seals of the newest 1 opened" in checked.lines()


def test_a_changed_file_is_no_letter_of_ours(
    client: CheckingClient, debt: Standing, lender: Lender, app: Flask, clock: Clock, authority: SandboxProcess
) -> None:
    seal_for(lender, clock)
    content = issued(client, debt, app).pdf
    flipped = content[:5_000] + bytes([content[5_000] ^ 1]) + content[5_001:]
    assert page_of(brought(app, flipped)).says("This is not a file that we wrote")
    for more in (b"\n", b"0", b"\n9 0 obj\n<<>>\nendobj\nxref\n0 0\ntrailer\n<<>>\nstartxref\n0\n%%EOF\n"):
        assert page_of(brought(app, content + more)).says("This file was changed")
    hidden = content.rindex(b"00000000>") + 3
    assert page_of(brought(app, content[:hidden] + b"1" + content[hidden + 1 :])).says(
        "This is not a file that we wrote"
    )
    for nonsense in (b"%PDF-1.7\n/ByteRange [0 1 2 3]", b"\0" * 1_000, b"/ByteRange [0 999999999 999999999 1]"):
        assert page_of(brought(app, nonsense)).says("This is not a file that we wrote")
    assert brought(app, b"").status_code == 422
    # Somebody who changes our database as well has no key to seal it with.
    with transaction() as s:
        s.execute(update(IssuedLetter).values(pdf=flipped, sha256=hashlib.sha256(flipped).hexdigest()))
    assert page_of(brought(app, flipped)).says("The seal of this file is not good")
    assert [(each.kind, each.counted) for each in verify.disagreements(lender.id)] == [(Kind.LETTER, "not good")]
    with transaction() as s:
        s.execute(update(IssuedLetter).values(pdf=content))
    (found,) = verify.disagreements(lender.id)
    assert found.kind == Kind.LETTER and found.what.startswith("hash of letter")


def test_a_number_is_understood_however_it_is_typed_and_guessing_is_slow(
    client: CheckingClient, debt: Standing, app: Flask, clock: Clock
) -> None:
    letter = issued(client, debt, app)
    stranger = app.test_client()
    asks = stranger.get("/check-a-letter")
    token = dict(page_of(asks).forms[-1].fields)["csrf_token"]
    for typed in (
        letter.number.lower().replace("-", " "),
        f"http://localhost/check-a-letter/{letter.number}",
        f" {letter.number} ",
    ):
        sent = stranger.post("/check-a-letter", data={"csrf_token": token, "number": typed})
        assert (sent.status_code, sent.location) == (303, f"/check-a-letter/{letter.number}"), typed
    for typed in ("", "hello", "LT-", "-" * 500):
        assert stranger.post("/check-a-letter", data={"csrf_token": token, "number": typed}).status_code == 422, typed
    # Who has real letters never waits.
    assert {shown(app, letter.number).status_code for _ in range(30)} == {200}
    answers = [shown(app, f"LT-2222-2222-{22 + n}").status_code for n in range(25)]
    assert answers == [404] * 20 + [429] * 5
    assert page_of(shown(app, letter.number)).says("Please wait a while")
    assert brought(app, letter.pdf, address="127.0.0.1").status_code == 429
    assert brought(app, letter.pdf).status_code == 200  # From elsewhere.
    clock.forward(minutes=31)
    assert shown(app, letter.number).status_code == 200


def test_a_letter_of_a_lender_without_a_certificate_says_that_it_has_no_seal(
    client: CheckingClient, debt: Standing, lender: Lender, app: Flask, authority: SandboxProcess
) -> None:
    letter = issued(client, debt, app)
    assert (letter.seal_id, letter.drawn_size, letter.stamped_at) == (None, None, None)
    assert "This file has no digital seal." in written(letter.pdf)
    assert page_of(shown(app, letter.number)).says("Not sealed")
    assert page_of(brought(app, letter.pdf)).says("This file is real, unchanged, and still holds")
    assert app.test_client().get(f"/check-a-letter/roots/{lender.slug}.pem").status_code == 404


def test_while_the_authority_is_silent_letters_wait_a_quarter_of_an_hour_and_then_leave_without_its_time(
    client: CheckingClient, debt: Standing, lender: Lender, app: Flask, clock: Clock, authority: SandboxProcess
) -> None:
    seal_for(lender, clock)
    authority._json("POST", "stamps", {"works": False})
    come_in(client, debt)
    agree(client, debt)
    work(app, letters=True)
    assert letters() == [] and page_of(client.get("/letters")).says("Being made")
    clock.forward(minutes=14)
    work(app, letters=True)
    assert letters() == []
    clock.forward(minutes=2)
    work(app, letters=True)
    (letter,) = letters()
    assert letter.seal_id is not None and letter.stamped_at is None
    page = page_of(shown(app, letter.number))
    assert page.says("Sealed") and not page.says("outside time")
    assert session.scalar(select(func.max(QueuedJob.attempts)).where(QueuedJob.name == "letters.issue")) == 1
    # The next one is stamped again, and nothing is remembered of the silence.
    authority._json("POST", "stamps", {"works": True})
    client.fill(client.get("/letters"), {"debt": debt.reference}, to="/letters/ask")
    work(app, letters=True)
    assert letters()[-1].stamped_at is not None
    assert session.scalars(select(LenderSeal.silent_since)).all() == [None]


def test_a_receipt_is_withdrawn_when_the_bank_takes_the_payment_back_and_holds_again_when_it_gives_it_back(
    client: CheckingClient, debt: Standing, stripe: Stripe, lender: Lender, app: Flask, clock: Clock
) -> None:
    seal_for(lender, clock)
    come_in(client, debt)
    agree(client, debt)
    stripe.pay(go_pay(client, debt, choice="next"))
    stripe.settle()
    work(app, letters=True)
    receipt = next(letter for letter in letters() if letter.kind == "payment-receipt")
    assert page_of(shown(app, receipt.number)).says("it still holds")
    dispute = stripe.sandbox.dispute(payment_on(debt).payment_intent_id or "")
    clock.forward(minutes=1)
    stripe.settle()
    for page in (shown(app, receipt.number), brought(app, receipt.pdf)):
        assert page_of(page).says("We wrote this letter, but it is no longer true")
        assert page_of(page).says("Taken back")
    stripe.sandbox.close_dispute(dispute, won=True)
    clock.forward(minutes=1)
    stripe.settle()
    assert page_of(shown(app, receipt.number)).says("it still holds")


def test_a_newer_statement_takes_the_place_of_an_older_one(
    client: CheckingClient, debt: Standing, app: Flask, clock: Clock
) -> None:
    come_in(client, debt)
    agree(client, debt)
    for _day in range(2):
        client.fill(client.get("/letters"), {"debt": debt.reference}, to="/letters/ask")
        work(app, letters=True)
        clock.forward(days=1)
        come_in(client, debt)
        give_code(client)
    older, newer = (letter for letter in letters() if letter.kind == "statement-of-account")
    assert page_of(shown(app, older.number)).says("there is a newer one")
    assert page_of(shown(app, newer.number)).says("it still holds")
    assert page_of(client.get("/letters")).says("Replaced by a newer one")


def test_the_key_is_sealed_at_rest_and_what_it_sealed_is_good_after_it_is_gone(
    client: CheckingClient, debt: Standing, lender: Lender, app: Flask, clock: Clock
) -> None:
    made = command(app, "lender", "seal", lender.slug, "--make")
    assert made.exit_code == 0 and "good until 2031" in made.output
    at_rest = session.scalar(text("select key from seal"))
    assert at_rest.startswith("1.") and "PRIVATE" not in at_rest
    letter = issued(client, debt, app)
    first = command(app, "lender", "seal", lender.slug, "--roots").output
    assert command(app, "lender", "seal", lender.slug, "--none").output.endswith(
        "letters are not sealed, and say so.\n"
    )
    assert session.scalar(text("select key from seal")) is None
    assert page_of(brought(app, letter.pdf)).says("This file is real, unchanged, and still holds")
    assert app.test_client().get(f"/check-a-letter/roots/{lender.slug}.pem").text == first
    assert acts_of(lender.id)["lender_seal_set"] == 2
    command(app, "lender", "seal", lender.slug, "--make")
    assert command(app, "lender", "seal", lender.slug, "--roots").output.count("BEGIN CERTIFICATE") == 2


def test_a_pkcs12_file_is_brought_by_command(lender: Lender, app: Flask, clock: Clock, tmp_path: Path) -> None:
    pair = certificates.made_for("Of the bank", now=clock.at)
    own, *others = x509.load_pem_x509_certificates(pair.chain.encode())
    key = load_pem_private_key(pair.key.encode(), None)
    file, password = tmp_path / "seal.p12", tmp_path / "password"
    file.write_bytes(
        pkcs12.serialize_key_and_certificates(b"x", key, own, others, BestAvailableEncryption(b"open"))  # type: ignore[arg-type]
    )
    words = ("lender", "seal", lender.slug, "--pkcs12", str(file), "--password-file", str(password))
    password.write_text("wrong\n")
    refused = command(app, *words)
    assert refused.exit_code == 1 and "can't be opened" in refused.output
    assert seals.seal_of(lender.id) is None
    password.write_text("open\n")
    assert "CN=Of the bank" in command(app, *words).output
    usable = seals.usable(lender.id)
    assert usable is not None and usable.key == pair.key
    # Its certificate ends one day: then letters leave unsealed, and whoever looks is told.
    clock.forward(days=365 * 6)
    assert seals.usable(lender.id) is None
    assert "can't be used" in command(app, "lender", "seal", lender.slug).output
    assert command(app, "lender", "seal", "nobody").exit_code == 1
    assert command(app, "lender", "seal", lender.slug, "--make", "--none").exit_code == 1


def test_a_letter_is_checked_at_its_own_lenders_host_alone(
    client: CheckingClient, debt: Standing, lender: Lender, app: Flask
) -> None:
    letter = issued(client, debt, app)
    other = a_lender(slug="other")
    a_debt("10.00", lender=other)
    with transaction() as s:
        s.execute(update(Lender).where(Lender.id == other.id).values(host="pay.other.example"))
    stranger = app.test_client()
    assert stranger.get(f"/check-a-letter/{letter.number}", base_url="http://pay.other.example").status_code == 404
    assert stranger.get(f"/check-a-letter/{letter.number}").status_code == 200
