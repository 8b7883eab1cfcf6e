"""A lender's brand: set by a command, checked for contrast, worn by its pages, and nothing that could do harm."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import brotli
import pytest
from flask import Flask

from portal.lenders import settings
from portal.lenders.brand import LARGEST_LOGO, BadLogo, Logo, logo_from
from portal.web.colours import contrast
from tests.factories import a_lender
from tests.pages import CheckingClient

MARK = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="16" fill="#8a3b6b"/></svg>'
)


def brand(app: Flask, *words: str) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["lender", "brand", *words])
    return done.exit_code, done.output


def first_page(client: CheckingClient) -> str:
    return client.get("/").get_data(as_text=True)


def sheet_address(client: CheckingClient) -> str:
    found = re.search(r'<link rel="stylesheet" href="([^"]+)">', first_page(client))
    assert found
    return found[1]


def a_png(width: int = 2, *, more: bytes = b"") -> bytes:
    def part(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, 2, 8, 2, 0, 0, 0)
    pixels = zlib.compress((b"\x00" + b"\xff\x00\x00" * width) * 2)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + more + part(b"IDAT", pixels) + part(b"IEND", b"")


def test_without_a_brand_pages_have_the_portals_own_sheet(client: CheckingClient) -> None:
    a_lender(slug="plain")
    assert re.fullmatch(r"/static/app\.[0-9a-f]{12}\.css", sheet_address(client))
    assert client.get("/brand/plain.0123456789ab.css").status_code == 404
    assert client.get("/brand/plain.0123456789ab.svg").status_code == 404


def test_a_brand_is_one_sheet_with_everything_in_it_that_is_kept_for_ever(app: Flask, client: CheckingClient) -> None:
    a_lender(slug="linden")
    assert brand(app, "linden", "--accent", "#8a3b6b", "--corners", "square", "--name", "Linden")[0] == 0
    page = first_page(client)
    # One sheet and one script as before: a brand costs no request.
    assert len(re.findall(r"<(?:link|script|img)\b", page)) == 3
    assert "<span>Linden</span>" in page
    address = sheet_address(client)
    answer = client.get(address, headers={"Accept-Encoding": "br"})
    sheet = brotli.decompress(answer.data).decode()
    assert "--brand:#8a3b6b" in sheet
    assert "--round:0" in sheet
    assert ".button{" in sheet
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers["Vary"]
    plain = client.get(address, headers={"Accept-Encoding": "identity"})
    assert plain.get_data(as_text=True) == sheet


def test_a_new_brand_has_a_new_address_and_the_old_one_is_not_kept_for_ever(app: Flask, client: CheckingClient) -> None:
    a_lender(slug="linden")
    brand(app, "linden", "--accent", "#8a3b6b")
    before = sheet_address(client)
    brand(app, "linden", "--accent", "#17595b")
    assert sheet_address(client) != before
    assert client.get(before).headers["Cache-Control"] == "public, max-age=60"


def test_a_weak_accent_is_refused_with_the_nearest_that_passes_and_nothing_changes(
    app: Flask, client: CheckingClient
) -> None:
    a_lender(slug="linden")
    code, said = brand(app, "linden", "--accent", "#ff9900")
    assert code == 1
    instead = re.search(r"--accent (#[0-9a-f]{6})", said)
    assert instead and contrast(instead[1], "#fbf6ee") >= 4.5
    assert settings.by_slug("linden").brand is None
    assert brand(app, "linden", "--accent", instead[1])[0] == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nobody", "--accent", "#17595b"], "no lender called 'nobody'"),
        (["linden", "--accent", "teal"], "'teal' is no colour"),
        (["linden", "--accent", "#17595b;}body{display:none"], "is no colour"),
        (["linden"], "Give --accent"),
        (["linden", "--accent", "#17595b", "--accent-dark", "#17595b"], "too weak for dark pages"),
        (["linden", "--accent", "#17595b", "--name", " "], "1 to 60 characters"),
        (["linden", "--accent", "#17595b", "--name", "x" * 61], "1 to 60 characters"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(app: Flask, db: object, words: list[str], says: str) -> None:
    a_lender(slug="linden")
    code, said = brand(app, *words)
    assert code == 1
    assert says in said
    assert settings.by_slug("linden").brand is None


def test_a_logo_is_the_icon_too_and_may_do_nothing(app: Flask, client: CheckingClient, tmp_path: Path) -> None:
    a_lender(slug="linden")
    file = tmp_path / "mark.svg"
    file.write_bytes(MARK)
    assert brand(app, "linden", "--accent", "#8a3b6b", "--logo", str(file))[0] == 0
    page = first_page(client)
    addresses = set(re.findall(r"/brand/linden\.[0-9a-f]{12}\.svg", page))
    assert len(addresses) == 1
    answer = client.get(addresses.pop())
    assert answer.mimetype == "image/svg+xml"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Cache-Control"].endswith("immutable")
    # A colour alone changes nothing about the logo.
    assert brand(app, "linden", "--accent", "#17595b")[0] == 0
    assert "/brand/linden." in first_page(client) and ".svg" in first_page(client)
    assert brand(app, "linden", "--accent", "#17595b", "--no-logo")[0] == 0
    assert ".svg" not in first_page(client).replace("icon.", "") or "/brand/linden" in sheet_address(client)
    assert "<img" not in first_page(client)


def test_the_portals_own_look_comes_back(app: Flask, client: CheckingClient) -> None:
    a_lender(slug="linden")
    brand(app, "linden", "--accent", "#8a3b6b")
    assert brand(app, "linden", "--default")[0] == 0
    assert sheet_address(client).startswith("/static/app.")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not-svg-or-png"),
        (b"GIF89a", "not-svg-or-png"),
        (b"\xff\xfe\x00", "not-svg-or-png"),
        (b"<svg/>", "not-svg-or-png"),
        (b"<html xmlns='http://www.w3.org/1999/xhtml'/>", "not-svg-or-png"),
        (MARK.replace(b"<circle", b"<script>alert(1)</script><circle"), "unsafe"),
        (MARK.replace(b"<circle", b'<circle onclick="x()"'), "unsafe"),
        (MARK.replace(b"<circle", b'<circle style="fill:red"'), "unsafe"),
        (MARK.replace(b'fill="#8a3b6b"', b'fill="url(http://evil.example/x)"'), "unsafe"),
        (MARK.replace(b"<circle", b'<image href="http://evil.example/x"/><circle'), "unsafe"),
        (MARK.replace(b"<circle", b"<foreignObject/><circle"), "unsafe"),
        (b"<!DOCTYPE svg [<!ENTITY a 'aaaa'>]>" + MARK, "unsafe"),
        (MARK.replace(b' viewBox="0 0 32 32"', b""), "unsafe"),
        (
            MARK.replace(
                b"</svg>",
                b"<path d='M" + b" ".join(str(n * n * 7919 % 99991).encode() for n in range(2000)) + b"'/></svg>",
            ),
            "too-large",
        ),
        (a_png(4000), "too-many-pixels"),
        (a_png()[:-5], "not-svg-or-png"),
        (a_png().replace(b"IDAT", b"IDAX"), "not-svg-or-png"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 100_000, "too-large"),
    ],
)
def test_a_logo_with_more_in_it_than_a_drawing_is_refused(content: bytes, why: str) -> None:
    found = logo_from(content)
    assert isinstance(found, BadLogo)
    assert found.why == why


def test_what_an_editor_wrote_into_a_logo_is_left_out() -> None:
    drawn = logo_from(MARK.replace(b"<circle", b'<circle class="st0" data-name="a"'))
    assert isinstance(drawn, Logo)
    assert b"class" not in drawn.content and b"data-name" not in drawn.content
    place = b"tEXtLocation\x00home"
    chunk = struct.pack(">I", len(place) - 4) + place + struct.pack(">I", zlib.crc32(place))
    png = logo_from(a_png(more=chunk))
    assert isinstance(png, Logo)
    assert b"Location" not in png.content
    assert len(png.content) <= LARGEST_LOGO
