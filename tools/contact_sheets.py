"""Photographs every page of the table in every width, scheme and language, for a person to look through.

`make sheets` writes var/sheets: one picture a page and view, sheets with all pages of one view, and index.html.
`ARGS="--only home --width 320"` takes fewer.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from html import escape
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser import views  # noqa: E402  (tools/ is a folder of commands and not a package)
from tests.browser.gallery import Gallery  # noqa: E402
from tests.browser.phone import open_browser  # noqa: E402
from tests.browser.portal_process import PortalProcess  # noqa: E402
from tests.debtor_pages import PAGES, DebtorPage  # noqa: E402

SHEETS = ROOT / "var" / "sheets"
# What a sheet shows of a page: wide enough to read its headings, and no longer than three screens.
THUMB_WIDTH = 300
LONGEST = 900
GAP = 16
LABEL = 20


def main() -> None:
    """Photograph what was asked for."""
    parser = argparse.ArgumentParser(prog="make sheets", description=__doc__)
    parser.add_argument("--only", default="", help="pages with these words in their name")
    parser.add_argument("--width", type=int, choices=tuple(views.WIDTHS), help="only this width")
    parser.add_argument("--language", choices=views.LANGUAGES, help="only this language")
    parser.add_argument("--scheme", choices=views.SCHEMES, help="only light or dark")
    parser.add_argument("--to", type=Path, default=SHEETS, help="the folder to write to")
    told = parser.parse_args()
    pages = [page for page in PAGES if told.only in page.name]
    chosen = [
        view
        for view in views.ALL
        if view.javascript
        and told.width in (None, view.width)
        and told.language in (None, view.language)
        and told.scheme in (None, view.scheme)
    ]
    told.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="portal-sheets-") as name, sync_playwright() as playwright:
        folder = Path(name)
        portal = PortalProcess(database_url=f"sqlite:///{folder / 'portal.sqlite'}", folder=folder)
        portal.start()
        try:
            browser = open_browser(playwright)
            gallery = Gallery(portal)
            for view in chosen:
                photograph(browser, gallery, view, pages, to=told.to)
            browser.close()
        finally:
            portal.stop()
    write_index(pages, chosen, to=told.to)
    print(f"{len(pages) * len(chosen)} pictures: {told.to / 'index.html'}")


def file_of(page: DebtorPage, view: views.View) -> str:
    """Give the name of one picture."""
    words = "-".join("".join(sign if sign.isalnum() else " " for sign in page.name).split())
    return f"{folder_of(view)}/{PAGES.index(page):02}-{words}.png"


def folder_of(view: views.View) -> str:
    """Give the name of the folder of one view."""
    return f"{view.width}-{view.scheme}-{view.language}"


def photograph(browser: Browser, gallery: Gallery, view: views.View, pages: list[DebtorPage], *, to: Path) -> None:
    """Photograph all pages in one view, and put them on one sheet."""
    (to / folder_of(view)).mkdir(exist_ok=True)
    for page in pages:
        with gallery.open(browser, page, view) as opened:
            opened.page.screenshot(path=to / file_of(page, view), full_page=True)
            for problem in opened.problems:
                print(f"{page.name} ({view}): {problem}")
    montage([(page.name, to / file_of(page, view)) for page in pages], to=to / f"sheet-{folder_of(view)}.png")
    print(f"sheet-{folder_of(view)}.png", flush=True)


def montage(pictures: list[tuple[str, Path]], *, to: Path) -> None:
    """Put pictures side by side under their names, in rows as high as their longest."""
    across = 6
    thumbs = []
    for name, path in pictures:
        with Image.open(path) as picture:
            scale = THUMB_WIDTH / picture.width
            small = picture.convert("RGB").resize((THUMB_WIDTH, max(1, int(picture.height * scale))))
        thumbs.append((name, small.crop((0, 0, THUMB_WIDTH, min(small.height, LONGEST)))))
    rows = [thumbs[start : start + across] for start in range(0, len(thumbs), across)]
    heights = [max(small.height for _name, small in row) + LABEL + GAP for row in rows]
    sheet = Image.new("RGB", (across * (THUMB_WIDTH + GAP) + GAP, sum(heights) + GAP), "#777777")
    draw, font, top = ImageDraw.Draw(sheet), ImageFont.load_default(size=14), GAP
    for row, height in zip(rows, heights, strict=True):
        for column, (name, small) in enumerate(row):
            left = GAP + column * (THUMB_WIDTH + GAP)
            draw.text((left, top), name, fill="white", font=font)
            sheet.paste(small, (left, top + LABEL))
        top += height
    sheet.save(to)


def write_index(pages: list[DebtorPage], chosen: list[views.View], *, to: Path) -> None:
    """Write a page that shows each page in all views side by side."""
    out = ["<!doctype html><meta charset=utf-8><title>Contact sheets</title>"]
    out.append("<style>body{font:14px sans-serif;background:#777;color:#fff}img{vertical-align:top;margin:4px}</style>")
    out += [f'<a href="sheet-{folder_of(view)}.png" style="color:#fff">{folder_of(view)}</a> ' for view in chosen]
    for page in pages:
        out.append(f"<h2>{escape(page.name)} <small>{escape(page.path)}, {escape(page.who)}</small></h2><div>")
        for view in chosen:
            name = escape(file_of(page, view))
            out.append(
                f'<a href="{name}"><img src="{name}" loading="lazy" width="{min(view.width, 480)}" title="{view}"></a>'
            )
        out.append("</div>")
    (to / "index.html").write_text("\n".join(out), "utf-8")


if __name__ == "__main__":
    main()
