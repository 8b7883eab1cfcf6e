"""Check how the code is cut: imports run downwards, names say what is inside, types and style hold."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PORTAL = sorted((ROOT / "portal").rglob("*.py"))
FOLDERS = ("portal", "sandbox", "tools", "migrations")
OURS = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
SAY_NOTHING = {"utils", "util", "helpers", "helper", "services", "service", "manager", "managers", "handlers", "common"}
LONGEST_CHECK_SECONDS = 300


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def run(*command: str) -> str:
    """Run a checker of this virtual environment; give what it says if it finds something, else nothing."""
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_CHECK_SECONDS
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_imports_run_downwards_only_and_each_vendor_has_one_door() -> None:
    # The linter has no `python -m` of its own; this is the function behind its command.
    check = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_style_holds() -> None:
    assert run("ruff", "check", "--quiet", ".") == ""


def test_types_hold() -> None:
    assert run("mypy", "--no-error-summary") == ""


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@pytest.mark.parametrize("path", [path for path in PORTAL if path.name == "__init__.py"], ids=name)
def test_an_init_file_says_what_the_folder_is_for_and_nothing_else(path: Path) -> None:
    body = tree_of(path).body
    assert len(body) == 1
    assert isinstance(body[0], ast.Expr)
    assert isinstance(body[0].value, ast.Constant)


def test_every_folder_of_the_portal_has_an_init_file() -> None:
    folders = {path.parent for path in PORTAL}
    assert [name(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


@pytest.mark.parametrize("path", OURS, ids=name)
def test_a_module_opens_with_what_it_is_for_and_imports_nothing_inside_functions(path: Path) -> None:
    tree = tree_of(path)
    assert ast.get_docstring(tree), f"{name(path)} has no docstring"
    inside = [
        f"{name(path)}:{node.lineno}"
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert inside == []


def test_no_file_has_a_name_that_says_nothing() -> None:
    files = [*OURS, *(ROOT / "tests").rglob("*.py")]
    assert [name(path) for path in files if SAY_NOTHING & {path.stem, *path.relative_to(ROOT).parts[:-1]}] == []


@pytest.mark.parametrize(
    ("library", "door"),
    [
        ("phonenumbers", "portal/post/phones.py"),
        ("stripe", "portal/payments/stripe_gateway.py"),
        ("twilio", "portal/post/twilio_gateway.py"),
        ("weasyprint", "portal/letters/drawing.py"),
    ],
)
def test_a_vendor_has_one_door(library: str, door: str) -> None:
    importing = set()
    for path in PORTAL:
        if library not in path.read_text("utf-8"):
            continue
        for node in ast.walk(tree_of(path)):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(module.partition(".")[0] == library for module in modules):
                importing.add(name(path))
    assert importing == {door}
