"""Check that whatever writes also leaves a record of who did it, and that every act in the list is really done."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from portal.evidence.record import Act

ROOT = Path(__file__).resolve().parents[2]
SESSIONS = {"session", "s"}
STATEMENTS = {"insert", "insert_", "pg_insert", "sqlite_insert", "update", "delete"}
LEDGER = {"post", "restate", "open_book", "open_books"}

# A function that writes and leaves no record of its own stands here, with the reason.
WITHOUT_A_RECORD = {
    "evidence/record.py:record": "it is the record",
    "queue.py:later": "a job is no act; what caused it is recorded by whoever asks for it, what it does by the job",
    "queue.py:_claim": "a worker takes a job",
    "queue.py:_finish": "a worker gives a job back",
    "ledger.py:open_book": "the books are written by acts, and each act that posts is recorded where it is decided",
    "ledger.py:open_books": "as open_book",
    "ledger.py:post": "as open_book",
    "ledger.py:restate": "as open_book",
    "people/permissions.py:_touch": "when a session was last seen; nobody decided anything",
    "post/outbox.py:deliver": "what left is seen on the message; that it was written is recorded",
}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT / "portal"))


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function and method of the portal, by file and name; one inside another belongs to the outer one."""
    for path in sorted((ROOT / "portal").rglob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                yield f"{name(path)}:{node.name}", node
            elif isinstance(node, ast.ClassDef):
                for method in node.body:
                    if isinstance(method, ast.FunctionDef):
                        yield f"{name(path)}:{node.name}.{method.name}", method


def calls(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """What a function calls: ("session", "add") for session.add(), ("", "update") for update()."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=called):
                    yield "", called
                case ast.Attribute(value=ast.Name(id=of), attr=called):
                    yield of, called


def writes(function: ast.FunctionDef) -> bool:
    return any(
        (of in SESSIONS and called in {"add", "add_all", "delete", "merge"})
        or (of == "" and called in STATEMENTS)
        or (of == "ledger" and called in LEDGER)
        for of, called in calls(function)
    )


def records(function: ast.FunctionDef) -> bool:
    return any(called == "record" for _of, called in calls(function))


def test_whatever_writes_leaves_a_record_or_stands_on_the_list_with_a_reason() -> None:
    silent = {place for place, function in functions() if writes(function) and not records(function)}
    assert silent - set(WITHOUT_A_RECORD) == set()


def test_the_list_of_what_needs_no_record_names_only_what_is_there() -> None:
    silent = {place for place, function in functions() if writes(function) and not records(function)}
    assert set(WITHOUT_A_RECORD) - silent == set()


def test_every_act_is_done_somewhere() -> None:
    used = set()
    for path in (ROOT / "portal").rglob("*.py"):
        if name(path) == "evidence/record.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Act":
                used.add(node.attr)
    assert {act.name for act in Act} - used == set()


def test_records_are_added_and_never_changed() -> None:
    for path in (ROOT / "portal").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"update", "delete"}:
                assert not any(isinstance(arg, ast.Name) and arg.id == "EvidenceRecord" for arg in node.args), name(path)
