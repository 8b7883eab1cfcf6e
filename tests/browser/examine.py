"""Looks at a page as it stands: everything that a machine can notice of what people would stumble over."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import CDPSession, Page

ROOT = Path(__file__).resolve().parents[2]
LOOK = (Path(__file__).parent / "look.js").read_text("utf-8").rstrip()
HTMLCS = ROOT / "tools" / "browser" / "node_modules" / "html_codesniffer" / "build" / "HTMLCS.js"
# A page with more stops than this would be a finding in itself.
MOST_STOPS = 150
HEIGHT = 800
# Of what is right axe gives no list of its own; writing it takes a third of its time.
AXE = {"rules": {"target-size": {"enabled": True}}, "resultTypes": ["violations"]}
# What HTML_CodeSniffer says although it isn't so, each with the reason. It is of 2019 and knows no newer CSS.
KNOWN_FALSE: dict[str, str] = {}


@lru_cache(maxsize=1)
def _sniffer() -> str:
    return HTMLCS.read_text("utf-8")


def scripts(cdp: CDPSession, *, on: bool) -> None:
    """Switch the page's own scripts on or off; what looks at the page runs either way, but axe only with them on."""
    cdp.send("Emulation.setScriptExecutionDisabled", {"value": not on})


def findings(page: Page, *, width: int, height: int, keyboard: bool = True) -> list[str]:
    """Look at what needs no scripts: width, large text, labels, targets, keyboard, HTML_CodeSniffer."""
    # Once a page, for every question after it.
    page.evaluate(f"() => {{ globalThis.examined = {LOOK} }}")
    found = _ask(page, "structure") + _ask(page, "overflow") + _ask(page, "targets") + _sniffed(page)
    if keyboard:
        found += _by_keyboard(page, one_column=width < 500)
    if width < 1_000:
        # Text of twice the size, on a usual small phone.
        page.set_viewport_size({"width": max(width, 360), "height": height})
        page.evaluate("size => { document.documentElement.style.fontSize = size }", "200%")
        found += [f"with text of twice the size {said}" for said in _ask(page, "overflow")]
        page.evaluate("document.documentElement.style.fontSize = ''")
        page.set_viewport_size({"width": width, "height": height})
    return found


def overflow(page: Page, *, widths: Sequence[int]) -> list[str]:
    """Look for what does not fit at other widths of the same page."""
    found = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        found += [f"at {width} {said}" for said in _ask(page, "overflow")]
    return found


def _ask(page: Page, what: str) -> Any:
    return page.evaluate(f"() => examined.{what}()")


def _sniffed(page: Page) -> list[str]:
    page.evaluate(f"{_sniffer()};1")
    found = _ask(page, "sniffed")
    assert found is not None, "HTML_CodeSniffer did not finish"
    return [f"htmlcs {code}: {said}" for code, said in found if code not in KNOWN_FALSE]


def by_axe(page: Page) -> list[str]:
    """Let axe look; it needs scripts."""
    return [
        f"axe {finding['id']}: {node['html'][:160]} {node.get('failureSummary', '')}"
        for finding in Axe().run(page, options=AXE).response["violations"]
        for node in finding["nodes"][:2]
    ]


def _by_keyboard(page: Page, *, one_column: bool) -> list[str]:
    """Go through the page with the tab key: every stop once, in its order, seen, down the page."""
    expected, found = _ask(page, "expected"), []
    # From the top, whatever the page has put the focus on.
    page.evaluate(
        "() => { document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex') }"
    )
    stops: list[dict[str, Any]] = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        at = _ask(page, "focus")
        if at is None or (stops and at["index"] == stops[0]["index"]):
            break
        # A field for a date has several stops inside.
        if not stops or at["index"] != stops[-1]["index"]:
            stops.append(at)
    for before, after in zip([None, *stops], stops, strict=False):
        if not after["marked"]:
            found.append(f"the focus can't be seen on {after['here']}")
        if not after["inside"]:
            found.append(f"the focus is outside the screen on {after['here']}")
        if before is None:
            continue
        if after["index"] < before["index"]:
            found.append(f"the focus goes back from {before['here']} to {after['here']}")
        if one_column and before["main"] and after["main"] and after["bottom"] < before["top"] - 1:
            found.append(f"the focus jumps up the page from {before['here']} to {after['here']}")
    if len(stops) < expected - 1:
        found.append(f"the tab key reaches {len(stops)} of {expected} stops")
    return found
