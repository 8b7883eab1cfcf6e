"""`make bench`: print the figures against the bare floor; `--only PART` for one part, `--quick` for a shorter run."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks import (
    answer,
    audit,
    autopaying,
    importing,
    lettering,
    logging_records,
    machine,
    pages,
    paint,
    payments,
    portfolio,
    search,
    sweeping,
)
from benchmarks.databases import KINDS, Databases
from tests.browser.gallery import Gallery

NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
TARGET = 0.5


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parts = (
        *("answer", "pages", "import", "search", "sweep", "log", "payments", "autopay", "letters"),
        *("visit", "audit", "paint"),
    )
    parser.add_argument("--only", choices=parts, help="only this part")
    parser.add_argument("--quick", action="store_true", help="shorter rounds and smaller files")
    told = parser.parse_args()
    # Whoever ends a run gets the same clean end as one that has finished: no server and no file stays behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as name, Databases(Path(name)) as databases:
        print(machine.line(postgresql=databases.postgresql_version), flush=True)
        if told.only in (None, "answer"):
            show_answer(quick=told.quick)
        if told.only in (None, "pages"):
            show_pages(databases, Path(name), quick=told.quick)
        if told.only in (None, "import"):
            show_import(databases, Path(name), quick=told.quick)
        if told.only in (None, "search"):
            show_search(databases, Path(name), quick=told.quick)
        if told.only in (None, "sweep"):
            show_sweep(databases, Path(name), quick=told.quick)
        if told.only in (None, "log"):
            show_log(databases, quick=told.quick)
        if told.only in (None, "payments"):
            show_payments(databases, Path(name), quick=told.quick)
        if told.only in (None, "autopay"):
            show_autopay(databases, Path(name), quick=told.quick)
        if told.only in (None, "letters"):
            show_letters(quick=told.quick)
            show_batches(databases, Path(name), quick=told.quick)
        if told.only in (None, "visit"):
            show_visit(databases, Path(name))
        if told.only in (None, "audit", "paint"):
            with audit.portal(Path(name)) as gallery:
                if told.only in (None, "paint"):
                    show_paint(gallery, quick=told.quick)
                if told.only in (None, "audit"):
                    show_audit(gallery, Path(name))


def _verdict(ratio: float) -> str:
    return f"{ratio:.2f}" + ("" if ratio >= TARGET else f"  (under {TARGET})")


def show_answer(*, quick: bool) -> None:
    """Print one answer with all its alternatives against drawing one level plan, and how it grows."""
    print("\nOne answer with all alternatives and its trace, against drawing one level plan of as many payments")
    print("  processor time; medians of rounds in turns")
    print(f"  {'':<34}{'answer ms':>11}{'floor ms':>10}{'answer/floor':>14}")
    for found in answer.compare(rounds=5 if quick else 15):
        took = f"{found.answer * 1000:>11.3f}{found.floor * 1000:>10.3f}{found.answer / found.floor:>14.1f}"
        print(f"  {found.name:<34}{took}", flush=True)


def show_pages(databases: Databases, folder: Path, *, quick: bool) -> None:
    """Print home, debt, plan, change of a plan and preview against their floors."""
    rounds, seconds = (3, 1.5) if quick else (7, 3.0)
    print(
        f"\nPages of a person with 2 debts and a plan of {portfolio.PAYMENTS} payments, {portfolio.PAID} of them paid; "
        f"{pages.DEBTS:,} debts in the books"
    )
    print("  portal: translated, forgery tokens, headers, gzip; floor: bare Flask, SQL by hand, one template")
    print("  both read on the same kind of pool, in one transaction")
    print("  granian, 2 workers of 1 thread, 4 connections; median of rounds in turns")
    print(f"  {'':<18}{'answers/s':>11}{'p50 ms':>9}{'p99 ms':>9}{'server ms':>11}")
    for kind in KINDS:
        for found in pages.compare(databases, kind=kind, folder=folder, rounds=rounds, seconds=seconds):
            name = f"{NAMES[kind]:<12}{found.page:<8}"
            for who, figures in (("portal", found.portal), ("floor", found.floor)):
                numbers = f"{figures.rate:>11,.0f}{figures.p50:>9.1f}{figures.p99:>9.1f}{figures.cost:>11.2f}"
                print(f"  {name}{numbers}   {who}")
            print(
                f"  {name}portal to floor: {_verdict(found.ratio)} "
                f"(turns {found.ratios[0]:.2f} to {found.ratios[-1]:.2f}), "
                f"by the servers' processor time {_verdict(found.ratio_by_processor)}",
                flush=True,
            )


def show_import(databases: Databases, folder: Path, *, quick: bool) -> None:
    """Print the import against its floor, and its memory by size."""
    debts = 20_000 if quick else 100_000
    print(f"\nImport of a CSV of {debts:,} debts with the real command, against executemany of the rows that it wrote")
    print("  same tables, keys, indexes, pragmas and batches; each time into an empty database; medians of 3 turns")
    for kind in KINDS:
        found = importing.compare(databases, kind=kind, folder=folder, debts=debts, rounds=3)
        print(
            f"  {NAMES[kind]:<12}portal {found.portal:.1f} s ({debts / found.portal:,.0f} debts/s; "
            f"of it start {found.start:.1f} s), "
            f"floor {found.floor:.1f} s ({found.rows:,} rows), ratio {_verdict(found.ratio)}, "
            f"without the start {found.ratio_without_start:.2f} "
            f"(by the processor time of both {found.by_processor:.2f})",
            flush=True,
        )
    sizes = (10_000, 100_000) if quick else (10_000, 100_000, 1_000_000)
    for size, cost in importing.memory(databases, folder=folder, sizes=sizes).items():
        print(f"  peak memory of importing {size:>9,} debts: {cost.peak / 1e6:.0f} MB (SQLite, {cost.seconds:.1f} s)")


def show_search(databases: Databases, folder: Path, *, quick: bool) -> None:
    """Print the helpdesk's search over many people against the same over few."""
    many = 100_000 if quick else 1_000_000
    print(f"\nSearch of the helpdesk over {many:,} made-up people, against the same over {search.FEW:,}")
    print("  what 95 of 100 searches take at most, ms, without a network: the page with the answer (and the finding in")
    print("  it); a fixed mix, in turns, medians of the turns")
    for kind in KINDS:
        made = search.compare(databases, kind=kind, many=many, rounds=3 if quick else 5, folder=folder)
        verdict = "" if made.ratio <= search.MOST_TIMES else f"  (over {search.MOST_TIMES})"
        few, much = (f"{shown:.2f} ({found:.2f})" for shown, found in zip(made.shown, made.found, strict=True))
        print(
            f"  {NAMES[kind]:<12}{few} over {search.FEW:,}, {much} over {many:,}: "
            f"{made.ratio:.2f} times as long{verdict}; filled in {made.filled:.0f} s"
        )
        for name, ((few_page, much_page), (few_found, much_found)) in made.by_kind.items():
            print(
                f"  {'':<12}{name:<18}{few_page:>8.2f}{much_page:>8.2f}{f'({few_found:.2f}':>10}{much_found:>8.2f})",
                flush=True,
            )


def show_sweep(databases: Databases, folder: Path, *, quick: bool) -> None:
    """Print a night over many plans against the bare query and the bare writes."""
    plans = 30_000 if quick else 1_000_000
    print(f"\nA night over {plans:,} running plans of which 1 in {sweeping.ONE_IN} changes: a third each is reminded,")
    print("  has interest come due, or did not pay; against a query for those due and executemany of the rows written")
    for kind in KINDS:
        found = sweeping.compare(databases, kind=kind, folder=folder, plans=plans)
        each = found.seconds / found.due * 1000
        print(
            f"  {NAMES[kind]:<12}portal {found.seconds:.2f} s for {found.due:,} plans ({each:.2f} ms each), "
            f"the query {found.query:.3f} s, {found.rows:,} rows written; "
            f"memory {found.start / 1e6:.0f} MB at the start, {found.peak / 1e6:.0f} MB at most"
        )
        print(
            f"  {'':<12}floor in as many transactions, {sweeping.sweep.AT_ONCE} plans each: {found.floor:.2f} s, "
            f"the night takes {found.ratio:.2f} times as long (by the processor time of both {found.by_processor:.2f})"
        )
        print(
            f"  {'':<12}floor in a transaction a plan: {found.one_by_one:.2f} s, the night takes "
            f"{found.seconds / found.one_by_one:.2f} times as long"
        )
        print(f"  {'':<12}a second night over the same plans, of which none changes: {found.idle:.2f} s")
        print(
            f"  {'':<12}then a worker writes what was put off: {found.writing * 1000:.1f} ms a message, and "
            f"{found.sending * 1000:.1f} ms to send it ({found.messages} of them)",
            flush=True,
        )
    for kind in KINDS:
        asked = sweeping.posting(databases, kind=kind, folder=folder)
        counts = ", ".join(f"{count} after {earlier}" for earlier, count in asked.items())
        print(f"  {NAMES[kind]:<12}statements for one payment of a plan, by how many came before: {counts}", flush=True)


def show_log(databases: Databases, *, quick: bool) -> None:
    """Print what the signed log takes at two sizes."""
    print("\nThe signed log of records; ms where nothing else is said")
    names = ("written/s", "placed/s", "root", "proof", "growth")
    print(f"  {'':<12}{'records':>10}{''.join(f'{name:>10}' for name in names)}{'all again':>12}")
    for kind in KINDS:
        sizes = (10_000, 100_000) if quick else (100_000, 1_000_000)
        made = [logging_records.measure(databases, kind=kind, records=records) for records in sizes]
        for found in made:
            print(
                f"  {NAMES[kind]:<12}{found.records:>10,}{found.records / found.writing:>10,.0f}"
                f"{found.records / found.placing:>10,.0f}"
                f"{found.root * 1000:>10.2f}{found.proof * 1000:>10.2f}{found.growth * 1000:>10.2f}"
                f"{found.audit:>10.1f} s   a proof has {found.bytes_of_proof} bytes; "
                f"{found.memory / 1e6:.0f} MB held for all again",
            )
        few, many = made
        grown = ((many.root, few.root), (many.proof, few.proof), (many.growth, few.growth), (many.audit, few.audit))
        # Of writing and placing, how long one record takes among so many.
        each = ((found.writing / found.records, found.placing / found.records) for found in (many, few))
        ratios = [more / less for more, less in (*zip(*each, strict=True), *grown)]
        print(
            f"  {NAMES[kind]:<12}{f'x {many.records // few.records}':>10}"
            f"{''.join(f'{ratio:>9.2f}x' for ratio in ratios[:-1])}{ratios[-1]:>11.2f}x   times as long",
            flush=True,
        )


def show_payments(databases: Databases, folder: Path, *, quick: bool) -> None:
    """Print what taking a webhook costs, how many payments are settled, and what one asks of the database."""
    print("\nTaking a webhook of Stripe's, against a bare Flask route that inserts one row; each event once, signed")
    print("  granian, 2 workers of 1 thread, 4 connections; median of rounds in turns")
    for kind in KINDS:
        found = payments.intake(
            databases, kind=kind, folder=folder, rounds=3 if quick else 7, seconds=2.0 if quick else 4.0
        )
        for who, each in (("portal", found.portal), ("floor", found.floor)):
            print(
                f"  {NAMES[kind]:<12}{each.rate:>8,.0f} events/s, p50 {each.p50:.1f} ms, p99 {each.p99:.1f} ms, "
                f"server {each.cost:.2f} ms   {who}"
            )
        print(
            f"  {NAMES[kind]:<12}portal to floor: {_verdict(found.ratio)} "
            f"(turns {found.ratios[0]:.2f} to {found.ratios[-1]:.2f}), "
            f"by the servers' processor time {_verdict(found.by_processor)}",
            flush=True,
        )
    print("\nPayments settled a second, each told of by two events, by workers that leave receipts and mail to others")
    for kind in KINDS:
        for after in (0.0, 0.1):
            rates = payments.settling(
                databases,
                kind=kind,
                folder=folder,
                workers=(1,) if kind == "sqlite" else (1, 2, 4),
                answer=after,
                payments=60 if quick else 400,
            )
            how = "answers at once" if not after else f"answers after {after * 1000:.0f} ms"
            shown = ", ".join(f"{each.rate:.1f} with {each.workers}" for each in rates)
            print(f"  {NAMES[kind]:<12}Stripe {how}: {shown}", flush=True)
    sizes = (1_000, 100_000) if quick else (1_000, 100_000, 1_000_000)
    print("\nOne settled payment, from its two events on, by how many entries of each kind the history has")
    for kind in KINDS:
        asked = payments.statements(databases, kind=kind, folder=folder, sizes=sizes)
        shown = "; ".join(f"{size:,}: {count} statements, {ms:.1f} ms" for size, (count, ms) in asked.items())
        print(f"  {NAMES[kind]:<12}{shown}", flush=True)
    print("\nHow long a job waits for an idle worker, in the middle and at most")
    for kind in KINDS:
        for workers in (1,) if kind == "sqlite" else (1, 4):
            middle, most = payments.latency(
                databases, kind=kind, folder=folder, workers=workers, times=10 if quick else 40
            )
            print(f"  {NAMES[kind]:<12}{workers} workers: {middle * 1000:.0f} ms, {most * 1000:.0f} ms", flush=True)


def show_autopay(databases: Databases, folder: Path, *, quick: bool) -> None:
    """Print a night of autopay against the bare query and the bare inserts of its jobs."""
    due = 5_000 if quick else 100_000
    print(f"\nThe night of autopay over {due:,} payments that are due: it puts off a look at each and charges nothing")
    for kind in KINDS:
        found = autopaying.compare(databases, kind=kind, folder=folder, due=due)
        print(
            f"  {NAMES[kind]:<12}portal {found.seconds:.2f} s for {found.due:,}, floor {found.floor:.2f} s, "
            f"{found.ratio:.2f} times as long; a second night {found.idle:.2f} s; "
            f"memory {found.start / 1e6:.0f} MB at the start, {found.peak / 1e6:.0f} MB at most; "
            f"then a look that writes a notice: {found.look * 1000:.1f} ms",
            flush=True,
        )


def show_letters(*, quick: bool) -> None:
    """Print a letter drawn, sealed and stamped against WeasyPrint alone."""
    print("\nOne letter, warm, against WeasyPrint alone on the same HTML with nothing reused")
    print(
        f"  {'':<18}{'alone ms':>9}{'drawn':>7}{'sealed':>8}{'stamped':>9}{'drawn bytes':>13}{'sealed and stamped':>20}"
    )
    for found in lettering.compare(rounds=5 if quick else 25):
        print(
            f"  {found.name:<18}{found.alone * 1000:>9.0f}{found.drawn / found.alone:>7.2f}"
            f"{found.sealed / found.alone:>8.2f}{found.stamped / found.alone:>9.2f}"
            f"{found.drawn_bytes:>13,}{found.stamped_bytes:>20,}",
            flush=True,
        )


def show_batches(databases: Databases, folder: Path, *, quick: bool) -> None:
    """Print how many letters of a batch are made in a second."""
    print("\nLetters of a batch in a second, sealed, by workers that are warm")
    for kind in KINDS:
        found = lettering.batch(databases, kind=kind, folder=folder, letters=40 if quick else 400)
        one, two = found.by_processes[1], found.by_processes[2]
        print(f"  {NAMES[kind]:<12}{found.letters:>4} letters: 1 process {one:.1f}, 2 processes {two:.1f}", flush=True)


def show_visit(databases: Databases, folder: Path) -> None:
    """Print what a first visit fetches."""
    found = pages.first_visit(databases, folder=folder)
    print("\nFirst visit of the signed-in home, every file, compressed")
    for file in found:
        print(f"  {file.body:>7,} bytes ({file.encoding:<4}) + {file.head:>5,} of headers  {file.path}")
    body, head = sum(file.body for file in found), sum(file.head for file in found)
    print(f"  {body:>7,} bytes in {len(found)} requests; headers {head:,}")


def show_paint(gallery: Gallery, *, quick: bool) -> None:
    """Print when something is first seen on a bad day: slow 3G, a slow phone, an empty cache."""
    rounds = 3 if quick else 9
    print("\nFirst contentful paint of home, and of its content on two kits; slow 3G (400 kbps, 400 ms), processor / 4")
    print(f"  one bare server for all, medians of {rounds} in turns")
    print(f"  {'':<10}{'seen s':>8}{'loaded s':>10}{'requests':>10}{'bytes':>9}")
    for found in paint.compare(gallery, rounds=rounds):
        print(
            f"  {found.who:<10}{found.first:>8.2f}{found.loaded:>10.2f}{found.requests:>10}{found.bytes:>9,}",
            flush=True,
        )


def show_audit(gallery: Gallery, folder: Path) -> None:
    """Print Lighthouse's marks of the main pages."""
    print("\nLighthouse, mobile, of 100: " + ", ".join(audit.CATEGORIES))
    for found in audit.audit(gallery, folder=folder):
        marks = "".join(f"{mark:>5}" for mark in found.marks)
        print(f"  {found.page:<24}{marks}  {', '.join(found.lost)}".rstrip(), flush=True)


if __name__ == "__main__":
    main()
