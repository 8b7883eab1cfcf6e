"""Check what a stranger sees first: a short README with both commands, pinned requirements, nothing of our machine."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
FIRST_SCREEN = 25
PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[a-z,]+\])?==[0-9][A-Za-z0-9.]*")
# Put together from halves, or this file would find itself.
MACHINE = re.compile("|".join(("/ro" + "ot/", "/ho" + "me/[a-z]+/", "/wo" + "rk/", "/Us" + "ers/")))


def requirements(name: str) -> list[str]:
    lines = (ROOT / name).read_text("utf-8").splitlines()
    return [line.partition("#")[0].strip() for line in lines if line.partition("#")[0].strip()]


def tracked() -> list[Path]:
    """The files that belong to the project: tracked by git, or every file where there is no git."""
    if shutil.which("git"):
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
        if listed.returncode == 0 and listed.stdout:
            return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    out = {".git", ".venv", "var", "build", "__pycache__"}
    return [path for path in ROOT.rglob("*") if path.is_file() and not out & set(path.relative_to(ROOT).parts)]


def test_the_readme_is_short_and_has_both_commands_on_its_first_screen() -> None:
    lines = README.splitlines()
    assert len(lines) <= 100
    first = "\n".join(lines[:FIRST_SCREEN])
    assert "make run" in first
    assert "make test" in first


def test_the_readme_names_files_that_are_there() -> None:
    named = set(re.findall(r"`((?:portal|sandbox|tests|docs|tools|limits|mappings)/[\w./-]*\w\.\w+)`", README))
    assert len(named) >= 5
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_the_readme_says_why_each_library_is_here() -> None:
    direct = (ROOT / "requirements.txt").read_text("utf-8").partition("# What those need")[0]
    names = [line.partition("==")[0].partition("[")[0] for line in direct.splitlines() if "==" in line]
    assert len(names) >= 15
    assert [name for name in names if name.lower() not in README.lower()] == []


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned(name: str) -> None:
    loose = [line for line in requirements(name) if not PIN.fullmatch(line) and line != "-r requirements.txt"]
    assert loose == []


def test_what_ci_runs_is_what_the_readme_says() -> None:
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert [line for line in lines if line.startswith("exec m")] == ["exec make test"]


def test_no_file_holds_a_path_of_the_machine_it_was_written_on() -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in MACHINE.finditer(text)]
    assert found == []


def test_no_file_of_the_project_is_large() -> None:
    # The rare Chinese characters of names are 8.0 MB.
    assert [str(path) for path in tracked() if path.stat().st_size > 8_200_000] == []
