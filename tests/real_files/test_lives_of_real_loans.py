"""Real loans lived again as plans; needs ../shared/data, which is not part of this project."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("PORTAL_DATA", ROOT.parent / "shared" / "data"))

pytestmark = [
    pytest.mark.real_files,
    pytest.mark.skipif(not DATA.is_dir(), reason="the public loan files are not on this machine: ../shared/data"),
]


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    about = importlib.util.spec_from_file_location("replay_lives", ROOT / "tools" / "replay_lives.py")
    assert about is not None and about.loader is not None
    loaded = importlib.util.module_from_spec(about)
    monkeypatch.setitem(sys.modules, "replay_lives", loaded)
    monkeypatch.setattr(sys, "path", list(sys.path))
    about.loader.exec_module(loaded)
    yield loaded


def test_no_real_life_contradicts_itself_and_the_page_says_how_they_went(tool: ModuleType) -> None:
    results = tool.results_of(DATA)
    assert [len(found.contradictions) for _source, _setting, found in results] == [0] * 6
    # Every loan of Zindi is a life; of Home Credit a life is a contract and calendar.
    assert {found.lives.total() for source, _setting, found in results if source == "Zindi"} == {24_090}
    kept = [found.lives["kept"] for _source, _setting, found in results]
    # More patience keeps more.
    assert kept[:3] == sorted(kept[:3]) and kept[3:] == sorted(kept[3:])
    assert (ROOT / "docs" / "lives-of-real-loans.md").read_text(encoding="utf-8") == tool.page(results)
    assert (ROOT / "docs" / "lives-of-real-loans.svg").read_text(encoding="utf-8") == tool.picture(results)


def test_what_contradicts_itself_is_found(tool: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    life = tool.zindi(DATA)[0]
    assert tool.replay(life, tool.SETTINGS[0])[3] == ()

    def twice(*args: object, **kwargs: object) -> object:
        found = judge(*args, **kwargs)
        return tool.Standing(found.keeping, found.kept, found.kept, found.missed, found.cure_amount, None, None)

    judge = tool.standing
    monkeypatch.setattr(tool, "standing", twice)
    assert "a payment is counted twice or left out" in tool.replay(life, tool.SETTINGS[0])[3]
