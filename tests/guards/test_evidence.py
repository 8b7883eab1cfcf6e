"""Check that whatever writes also leaves a record of who did it, and that every act in the list is really done."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from portal.evidence.record import Act

ROOT = Path(__file__).resolve().parents[2]
SESSIONS = {"session", "s"}
STATEMENTS = {
    "insert", "insert_columns", "insert_unless_there", "put_unless_there", "update", "update_columns", "delete",
}  # fmt: skip
LEDGER = {"post", "accrue", "restate", "open_book", "open_books"}
RECORDS = {"record", "record_many"}

# A function that writes and leaves no record of its own stands here, with the reason.
WITHOUT_A_RECORD = {
    "evidence/record.py:record": "it is the record",
    "evidence/record.py:record_many": "as record",
    "evidence/log.py:open_log": "the tree over the records is made of them, and nobody decides anything",
    "evidence/log.py:_place_some": "as open_log",
    "evidence/log.py:Tiles.put": "as open_log",
    "batches/work.py:prepare": "which letters a batch has; whoever began it is on record",
    "batches/acts.py:ended": "a letter is recorded by letters/issue, what could not be made at the end of its batch",
    "queue.py:later": "a job is no act; what caused it is recorded by whoever asks for it, what it does by the job",
    "queue.py:Keeper.keep": "lets the lease of work that goes on run on",
    "queue.py:many_later": "as later",
    "queue.py:_claim": "a worker takes a job",
    "queue.py:_finish": "a worker gives a job back",
    "ledger.py:open_book": "the books are written by acts, and each act that posts is recorded where it is decided",
    "ledger.py:open_books": "as open_book",
    "ledger.py:post": "as open_book",
    "ledger.py:accrue": "as open_book",
    "ledger.py:restate": "as open_book",
    "ledger.py:reverse_many": "as open_book",
    "payments/going_back.py:claim": "an effect is claimed by an act, which records what it did",
    "payments/told.py:store": "what Stripe told is kept as it came; what it causes is recorded by payments/settle",
    "payments/reconcile.py:begin": "that a night has begun is no act; what it books is recorded",
    "payments/reconcile.py:_write_books": "what stands beside an effect is no act; the effect was recorded",
    "letters/anchoring.py:run": "a time stamp is of what the log says, and nobody decides anything",
    "letters/logos.py:keep": "that letters have it from now on is recorded by lenders/settings.set_letters",
    "letters/seals.py:_silent": "that an authority is silent is no act; a letter that leaves without its time says so",
    "files/kept.py:keep": "a piece of what files/acts or files/work keeps or deletes, which record it",
    "files/kept.py:forget": "as keep",
    "banking/references.py:give": "a reference that was made is no act; what is paid with it is recorded",
    "banking/posting.py:bring": "what counts is recorded by payments/settle.count, what waits by aside.put_at_lender",
    "banking/posting.py:_post": "recorded by payments/settle.count",
    "banking/posting.py:_refuse": "what is not brought in is counted in the record of its file, by banking/work.bring",
    "banking/posting.py:_known": "as _refuse",
    "payments/aside.py:take_out": "whoever takes it out records why: banking/acts.send_back, banking/posting",
    "autopay/saving.py:customer_of": "a person's number at Stripe is no act; the card that is saved for it is recorded",
    "people/kept_forms.py:forget": "what was typed and not sent is no act",
    "people/kept_forms.py:keep": "as forget",
    "people/found_by.py:_put": "by what people are found is no act; whoever writes what it is made of records that",
    "people/found_by.py:_add_terms": "as _put",
    "people/found_by.py:_delete": "as _put",
    "people/permissions.py:touch": "when a session was last seen; nobody decided anything",
    "people/tries.py:note": "wrong answers are counted for a while; who was refused is recorded by whoever asks",
    "people/passkeys.py:use_up": "a challenge is no act; what it was answered for is recorded by whoever asks",
    "staff/entering.py:touch": "as people/permissions.py:touch",
    "staff/members.py:end_sessions": "as _forget_voice",
    "staff/members.py:make_link": "as _forget_voice",
    "staff/members.py:withdraw_links": "as _forget_voice",
    "plans/progress.py:look_again": "when a plan is looked at is no act; why it is looked at again is, in care/outages",
    "plans/allowed.py:keep_version": "who decided that a version counts is recorded by whoever decides",
    "plans/from_file.py:changed": "what changed is recorded by debts/switching; when a plan is looked at is no act",
    "sweep.py:end_offers": "an offer says itself until when it holds; nobody decided anything",
    "debts/runs.py:begin": "a run is read before it counts; what comes of it is recorded when it goes live",
    "debts/runs.py:close_run": "as begin",
    "debts/runs.py:discard": "what was staged never counted, so nothing has happened to anybody",
    "debts/runs.py:delete_debts": "as discard; taking a live import back is recorded by debts/undoing",
    "debts/staging.py:Staging.add": "nobody sees what is staged; it is recorded when debts/switching makes it live",
    "debts/staging.py:Staging._stage_new": "as Staging.add",
    "debts/staging.py:Staging._stage_changes": "as Staging.add",
    "debts/staging.py:Staging._add_people": "as Staging.add",
    "debts/staging.py:Staging._add_contacts": "as Staging.add; for people on file it is a step of the switch",
    "debts/staging.py:Staging._bring_birth_dates": "a step of the switch, which is recorded in debts/switching",
    "debts/staging.py:Staging._take_out": "as discard in debts/runs",
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


@cache
def silent() -> frozenset[str]:
    """What writes and leaves no record: neither itself, nor by a step of it, nor by every act that it is a step of."""
    found = set()
    by_file: dict[str, dict[str, ast.FunctionDef]] = {}
    for place, function in functions():
        file, _, own = place.partition(":")
        by_file.setdefault(file, {})[own] = function
    for file, there in by_file.items():
        called_by = {own: {called for _of, called in calls(at)} for own, at in there.items()}
        uses = {own: {to for to in there if to.split(".")[-1] in called} for own, called in called_by.items()}
        recorded = {own for own, at in there.items() if any(called in RECORDS for _of, called in calls(at))}
        grew = True
        while grew:
            grew = False
            for own in set(there) - recorded:
                users = {user for user, used in uses.items() if own in used and user != own}
                step = own.split(".")[-1].startswith("_") or own.startswith("_")
                if uses[own] & recorded or (step and users and users <= recorded):
                    recorded.add(own)
                    grew = True
        found |= {f"{file}:{own}" for own, at in there.items() if writes(at) and own not in recorded}
    return frozenset(found)


def test_whatever_writes_leaves_a_record_or_stands_on_the_list_with_a_reason() -> None:
    assert silent() - set(WITHOUT_A_RECORD) == set()


def test_the_list_of_what_needs_no_record_names_only_what_is_there() -> None:
    assert set(WITHOUT_A_RECORD) - silent() == set()


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
    """But for those that are erased, which is said in a record of its own."""
    for path in (ROOT / "portal").rglob("*.py"):
        if name(path) == "evidence/erasing.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="update" | "delete"), args=[ast.Name(id="EvidenceRecord"), *_]):
                    raise AssertionError(f"{name(path)}:{node.lineno}")
