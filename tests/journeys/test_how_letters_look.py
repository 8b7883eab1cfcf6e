"""An administrator says how the lender's letters look: a sample first, and a logo that is a picture."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Iterator

import pytest
from flask import Flask
from PIL import Image, ImageDraw, ImageFile
from pypdf import PdfReader
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.db import session
from portal.debts.statement import Standing
from portal.evidence.models import EvidenceRecord
from portal.lenders.models import Lender
from portal.letters import issue, logos
from portal.letters.contents import Letter
from portal.letters.models import IssuedLetter, LetterLogo
from portal.letters.sheet import MissingGlyph, Rendered
from portal.staff.roles import Role
from tests.journeys.acts import acts_of
from tests.journeys.staff import a_client, a_worker, cheap, come_to_work
from tests.pages import CheckingClient, page_of

PATH = "/staff/letters/settings"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)


@pytest.fixture
def samples(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Letter]]:
    """Let letters take no time to draw; gives those that were."""
    done: list[Letter] = []

    def blank(letter: Letter, **_more: object) -> Rendered:
        done.append(letter)
        if "ส" in (letter.lender.signatory or ""):
            raise MissingGlyph(("ส",))
        return Rendered(b"%PDF-blank", 1)

    with monkeypatch.context() as patch:
        patch.setattr(issue, "drawn", blank)
        yield done


@pytest.fixture
def boss(app: Flask, lender: Lender) -> CheckingClient:
    browser = a_client(app)
    come_to_work(browser, a_worker(app, lender, Role.LENDER_ADMINISTRATOR))
    return browser


def a_logo(kind: str = "PNG", colour: str = "#17595b", mode: str = "RGBA") -> bytes:
    """A disc and a bar, see-through around them."""
    picture = Image.new("RGBA", (600, 200))
    ImageDraw.Draw(picture).ellipse((20, 20, 180, 180), fill=colour)
    ImageDraw.Draw(picture).rectangle((220, 80, 580, 120), fill="#e0a030")
    out = io.BytesIO()
    picture.convert(mode).save(out, format=kind, **({"exif": b"Exif\0\0secret place"} if kind == "JPEG" else {}))
    return out.getvalue()


def png(width: int, height: int, data: bytes) -> bytes:
    """A PNG that says it is so large, whatever is in it."""
    parts = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", data), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def send(browser: CheckingClient, file: bytes | None = None, **values: str) -> TestResponse:
    form = next(one for one in page_of(browser.get(PATH)).forms if "legal_name" in one.names)
    sent: dict[str, object] = {**dict(form.fields), **values}
    if file is not None:
        sent["logo"] = (io.BytesIO(file), "logo.png")
    return browser.post(PATH, data=sent, content_type="multipart/form-data", follow_redirects=True)


def now(lender: Lender) -> Lender:
    session.rollback()
    return session.get_one(Lender, lender.id, populate_existing=True)


def test_what_is_typed_is_seen_first_and_then_set_once_and_on_record(
    lender: Lender, boss: CheckingClient, samples: list[Letter]
) -> None:
    legal = lender.legal_name
    typed = {"signatory_name": "Lin Wei", "signatory_role": "Head of repayments", "letters_beside": "zh_Hant"}
    shown = send(boss, a_logo(), **typed, sample="1", sample_language="es", accent="#8a3b6b")
    assert shown.mimetype == "application/pdf" and "inline" in shown.headers["Content-Disposition"]
    [sample] = samples
    assert sample.sample and sample.verify_url is None and sample.language.startswith("es")
    assert (sample.beside, sample.brand_colour, sample.lender.signatory) == ("zh_Hant", "#8a3b6b", "Lin Wei")
    assert sample.lender.legal_name == legal and sample.logo is not None
    # Nothing is set by looking.
    assert now(lender).signatory_name is None and now(lender).brand is None
    assert session.scalars(select(LetterLogo)).all() == [] and acts_of(lender.id)["lender_letters_set"] == 0
    assert page_of(send(boss, a_logo(), **typed, accent="#8a3b6b")).says("Letters look like this from now on")
    set_ = now(lender)
    assert (set_.signatory_name, set_.letters_beside, set_.letters_logo) == ("Lin Wei", "zh_Hant", sample.logo)
    assert set_.brand is not None and set_.brand["accent"] == "#8a3b6b"
    # Sent again, it is so already.
    assert page_of(send(boss, a_logo())).says("Nothing has changed")
    assert acts_of(lender.id)["lender_letters_set"] == 1
    kept = boss.get(f"{PATH}/logo.png")
    assert kept.mimetype == "image/png" and kept.data == logos.kept(lender.id, sample.logo)
    # Back, by setting it again; the logo stays kept for the letters that have it.
    send(boss, no_logo="y", signatory_name="", signatory_role="", letters_beside="")
    gone = now(lender)
    assert (gone.letters_logo, gone.signatory_name, gone.letters_beside) == (None, None, None)
    assert boss.get(f"{PATH}/logo.png").status_code == 404
    assert len(session.scalars(select(LetterLogo)).all()) == 1
    facts = [
        json.loads(entry)["facts"]
        for entry in session.scalars(
            select(EvidenceRecord.entry).where(EvidenceRecord.act == "lender_letters_set").order_by(EvidenceRecord.id)
        )
    ]
    assert facts[1]["before"]["signatory_name"] == facts[0]["after"]["signatory_name"] == "Lin Wei"
    assert "legal_name" not in facts[0]["after"]


def test_a_file_that_is_no_picture_or_too_much_changes_nothing(
    lender: Lender, boss: CheckingClient, samples: list[Letter], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As WeasyPrint leaves it in a process that has read it in.
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    noise = io.BytesIO()
    Image.effect_noise((400, 200), 90).convert("RGB").save(noise, format="PNG")
    refused = {
        "no PNG and no JPEG": (svg, b"GIF89a", b"%PDF-1.7", b"", png(10, 10, b"no zlib"), a_logo()[:300]),
        "too large": (b"\x89PNG\r\n\x1a\n" + b"x" * logos.LARGEST_FILE,),
        # One says little and would be gigabytes; the other, just above what is taken, really is what it says.
        "too many pixels": (png(60_000, 60_000, b""), png(4000, 2001, zlib.compress(bytes(12_001 * 2001)))),
        "nothing of this picture would be seen": (white(),),
        "too fine": (noise.getvalue(),),
    }
    for words, files in refused.items():
        for file in files:
            answer = send(boss, file)
            assert answer.status_code == 422 and page_of(answer).says(words), words
    assert now(lender).letters_logo is None and session.scalars(select(LetterLogo)).all() == []
    assert samples == []
    for words, typed in {
        "No font of letters has: ส": {"signatory_name": "สมชาย"},
        "Words in this colour": {"accent": "#ffff00"},
        "Say who answers": {"signatory_role": "Head"},
        "Enter the name": {"legal_name": " "},
    }.items():
        for more in ({}, {"sample": "1"}):
            answer = send(boss, **typed, **more)
            assert answer.status_code == 422 and page_of(answer).says(words), words
    assert acts_of(lender.id)["lender_letters_set"] == 0


def white() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (50, 20), "white").save(out, format="PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGBA"), ("PNG", "P"), ("PNG", "L"), ("JPEG", "RGB"), ("JPEG", "CMYK")]
)
def test_whatever_picture_comes_it_is_written_anew_small_and_plain(kind: str, mode: str) -> None:
    made = logos.mark_from(a_logo(kind, mode=mode))
    assert isinstance(made, logos.LetterMark) and made == logos.mark_from(a_logo(kind, mode=mode))
    assert len(made.content) <= logos.LARGEST_KEPT and b"secret" not in made.content
    again = Image.open(io.BytesIO(made.content))
    assert (again.format, again.mode) == ("PNG", "P") and again.info.keys() <= {"interlace"}
    assert again.width <= logos.WIDTH_MM * 8 and again.height <= logos.HEIGHT_MM * 8
    wide = Image.new("I;16", (40, 20), 30_000)
    out = io.BytesIO()
    wide.save(out, format="PNG")
    grey = logos.mark_from(out.getvalue())
    assert isinstance(grey, logos.LetterMark)
    assert Image.open(io.BytesIO(grey.content)).convert("L").getpixel((5, 5)) == pytest.approx(117, abs=3)


def test_a_letter_with_a_logo_is_drawn_again_to_the_byte_when_the_logo_is_another(
    app: Flask, lender: Lender, debt: Standing, boss: CheckingClient
) -> None:
    shown = send(boss, a_logo(), sample="1", sample_language="en")
    sample = PdfReader(io.BytesIO(shown.data))
    words = sample.pages[0].extract_text()
    assert "This is a sample." in words and "SAMPLE" in words and "/check-a-letter" not in words
    send(boss, a_logo())
    with app.test_request_context():
        issue.statement(lender_id=lender.id, debt_id=debt.id, cause=f"statement-of-account:{debt.id}:one")
    first = session.scalars(select(IssuedLetter)).one()
    drawn = first.pdf[: first.drawn_size]
    [picture] = PdfReader(io.BytesIO(drawn)).pages[0].images
    assert picture.image is not None and picture.image.convert("RGB").getpixel((20, 20)) != (255, 255, 255)
    assert b"/Interpolate true" not in drawn and b"/SMask" not in drawn
    send(boss, a_logo(colour="#aa2211"))
    assert now(lender).letters_logo != first.facts["letter"]["logo"]
    with app.test_request_context():
        letter = Letter.from_json(json.dumps(first.facts))
        assert issue.drawn(letter, logo=logos.kept(lender.id, letter.logo)).pdf == drawn


def test_only_an_administrator_and_only_of_the_own_lender(app: Flask, lender: Lender) -> None:
    finance = a_client(app)
    come_to_work(finance, a_worker(app, lender, Role.FINANCE, Role.AUDITOR, email="fin@linden.example"))
    assert finance.get(PATH).status_code == 403 and finance.get(f"{PATH}/logo.png").status_code == 403
    assert not page_of(finance.get("/staff/letters")).says("How letters look")
