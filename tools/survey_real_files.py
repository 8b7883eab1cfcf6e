"""Run the main job on the public loan files: import, survey with three letters, verify; one table row a file.

    python tools/survey_real_files.py [FOLDER] [--out FOLDER] [--only NAME] [--rule-sets]

FOLDER holds the files (else $PORTAL_DATA, else ../shared/data). Works in a throw-away SQLite database, or where
DATABASE_URL says: then the lenders of this tool are added there and stay. Tables, pictures and letters go to --out.
With --rule-sets it puts the same proposals for every late loan to three sets of limits instead, and compares.
"""

import argparse
import importlib.util
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from flask import Flask  # noqa: E402

from portal import clock, compare, config, survey, verify  # noqa: E402
from portal.app import create_app  # noqa: E402
from portal.db import session, transaction  # noqa: E402
from portal.debts import intake  # noqa: E402
from portal.debts.mapping_file import load_mapping  # noqa: E402
from portal.debts.portfolio import open_portfolio  # noqa: E402
from portal.debts.results import NothingOwed  # noqa: E402
from portal.debts.runs import Summary  # noqa: E402
from portal.lenders import settings as lenders  # noqa: E402
from portal.lenders.models import Lender  # noqa: E402
from portal.letters import pdf  # noqa: E402
from portal.migrate import migrate  # noqa: E402
from portal.plans import negotiate  # noqa: E402
from tools import compare_rule_sets  # noqa: E402


@dataclass(frozen=True)
class Source:
    """One public file: how it is read, and what a lender with such debts would be like."""

    name: str
    file: str
    mapping: str
    currency: str
    zone: str
    limits: str


_US = "America/New_York"
SOURCES = (
    Source("lendingclub", "lendingclub_distressed_plus_current.csv", "lendingclub", "USD", _US, "standard"),
    Source("openintro", "openintro_lc2018_late_plus_current.csv", "openintro", "USD", _US, "standard"),
    Source("berka", "berka_loans_682.csv", "berka", "CZK", "Europe/Prague", "large-units"),
    Source("zindi", "zindi_superlender_loans.csv", "zindi", "NGN", "Africa/Lagos", "large-units"),
    Source("homecredit", "homecredit_instalments.csv", "homecredit/contracts", "CZK", "Europe/Prague", "large-units"),
)


@dataclass(frozen=True)
class Done:
    """What became of one file."""

    source: Source
    brought: Summary
    nothing_owed: Counter[str]
    surveyed: survey.Summary
    checked: verify.Checked
    seconds: tuple[float, float, float]

    @property
    def adds_up(self) -> bool:
        """Say whether every row that was read is accounted for, with its reason."""
        brought = self.brought
        return (
            brought.read == brought.accepted + brought.nothing_owed + brought.refused
            and brought.nothing_owed == self.nothing_owed.total()
            and brought.refused == brought.reasons.total()
        )


def data_folder() -> Path:
    """Give the folder of the files."""
    return Path(os.environ.get("PORTAL_DATA", ROOT.parent / "shared" / "data"))


@contextmanager
def application(out: Path) -> Iterator[Flask]:
    """Make the application on DATABASE_URL, or on an SQLite database that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        url = config.sqlalchemy_url(os.environ.get("DATABASE_URL", f"sqlite:///{folder}/real.sqlite"))
        migrate(url)
        app = create_app(
            config.Settings(
                database_url=url,
                secret_key="only for reading the public files, never for people",
                base_url="http://127.0.0.1:8000",
                port=8000,
                demo=True,
                stripe_api_base=None,
                folder=out,
            )
        )
        with app.app_context():
            yield app
            engine = session.get_bind()
            session.remove()
        engine.dispose()  # type: ignore[union-attr]


def a_lender(source: Source) -> Lender:
    """Find or add the lender of a file, with its limits."""
    slug = f"real-{source.name}"
    try:
        return lenders.by_slug(slug)
    except lenders.NoSuchLender:
        pass
    with transaction():
        lender = lenders.add(
            values={
                "slug": slug,
                "name": f"Lender of the {source.name} file",
                "legal_name": "Nobody (a stand-in for the lender of a public file)",
                "address": ["No address"],
                "licence": "",
                "phone": "",
                "email": "",
                "website": "",
                "jurisdiction": "none",
                "currency": source.currency,
                "zone": source.zone,
                "languages": ["en", "zh-Hans"],
                "made_up": True,
            }
        )
        text = (ROOT / "limits" / f"{source.limits}.toml").read_text(encoding="utf-8")
        negotiate.load_limits(text, lender_id=lender.id, currency=source.currency)
    return lenders.by_slug(slug)


def file_of(source: Source, data: Path, out: Path) -> Path:
    """Give the file to import; Home Credit's three are joined into one first."""
    if source.name != "homecredit":
        return data / source.file
    about = importlib.util.spec_from_file_location("join_homecredit", ROOT / "tools" / "join_homecredit.py")
    if about is None or about.loader is None:
        raise FileNotFoundError("tools/join_homecredit.py")
    tool = importlib.util.module_from_spec(about)
    about.loader.exec_module(tool)
    rows, counts = tool.joined(data, -180)
    tool.write(rows, out / "joined.csv")
    print(tool.said(counts, len(rows)))
    return out / "joined.csv"


def do(source: Source, *, data: Path, out: Path, letters: int = 3) -> Done:
    """Import one file, survey it and verify its books."""
    out.mkdir(parents=True, exist_ok=True)
    lender = a_lender(source)
    file, mapping = file_of(source, data, out), load_mapping(ROOT / "mappings" / f"{source.mapping}.toml")
    today = clock.today(source.zone)
    with open_portfolio(file, mapping=mapping, today=today, currencies={source.currency}) as read:
        # The import counts these rows and keeps no reason; here the reasons must add up too.
        nothing_owed = Counter(result.why for result in read.results() if isinstance(result, NothingOwed))
    times = [time.monotonic()]
    brought = intake.bring_in(
        file,
        lender=lender,
        mapping=mapping,
        keep_good=True,
        report=out / "refused.csv",
    )
    times.append(time.monotonic())
    lender = lenders.by_slug(f"real-{source.name}")
    surveyed = survey.run(lender=lender, letters=letters, out=out)
    times.append(time.monotonic())
    checked = verify.run(lender_id=lenders.by_slug(f"real-{source.name}").id)
    times.append(time.monotonic())
    seconds = (times[1] - times[0], times[2] - times[1], times[3] - times[2])
    return Done(source, brought, nothing_owed, surveyed, checked, seconds)


def compared(source: Source, *, data: Path, out: Path) -> compare.Comparison:
    """Import one file, and put the same proposals for each late debt to three sets of limits."""
    out.mkdir(parents=True, exist_ok=True)
    lender, file = a_lender(source), file_of(source, data, out)
    mapping = load_mapping(ROOT / "mappings" / f"{source.mapping}.toml")
    intake.bring_in(file, lender=lender, mapping=mapping, keep_good=True, report=out / "refused.csv")
    means = compare_rule_sets.means_in(source.name, file, source.currency)
    return compare.run(
        title=source.file,
        currency=source.currency,
        late=compare.late_debts(lenders.by_slug(f"real-{source.name}"), means=means),
        sets=compare_rule_sets.sets_in(source.currency),
        table=out / "rule-sets.csv",
    )


def compare_all(sources: list[Source], *, data: Path, out: Path) -> None:
    """Print what three sets of limits answer on the late debts of the files, with tables and a picture of all."""
    found = []
    for source in sources:
        found.append(compared(source, data=data, out=out / source.name))
        print(*found[-1].lines(), f"  ({compare_rule_sets.scaling(source.currency)})", sep="\n", flush=True)
        if source.name == "lendingclub":
            sets = compare_rule_sets.sets_in(source.currency)
            print("", *compare_rule_sets.real_plans(data / source.file, sets), "", sep="\n")
    (out / "rule-sets.svg").write_text(compare.picture(found), encoding="utf-8")
    print(f"picture: {out / 'rule-sets.svg'}; tables: rule-sets.csv in the folder of each file")


HEADER = (
    "| file | rows read = accepted + nothing owed + refused | open debts, owed | 12 months | half of the least "
    "| longest term | plans checked, failing | letters | verify | import, survey, verify |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)


def row(done: Done) -> str:
    """Give one row of the table, in Markdown."""
    brought, found = done.brought, done.surveyed
    reasons = ", ".join(f"{reason.value} {count:,}" for reason, count in brought.reasons.most_common())
    whys = ", ".join(f"{why.rstrip('.')} {count:,}" for why, count in done.nothing_owed.most_common())
    answers = [
        ", ".join(f"{name} {count:,}" for name, count in found.answers[proposal].most_common())
        for proposal in survey.Proposal
    ]
    cells = [
        done.source.file,
        f"{brought.read:,} = {brought.accepted:,} + {brought.nothing_owed:,} + {brought.refused:,}"
        + (f"; nothing owed: {whys}" if whys else "")
        + (f"; refused: {reasons}" if reasons else "")
        + ("" if done.adds_up else " DOES NOT ADD UP"),
        f"{found.debts:,}, {found.owed.amount:,} {found.currency}",
        *answers,
        f"{found.plans_checked:,}, {found.failing}",
        f"{len(found.letters)} drawn, {len(found.letters_failing)} not",
        done.checked.lines()[-1],
        ", ".join(f"{seconds:.1f} s" for seconds in done.seconds),
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    about = argparse.ArgumentParser(description="Run the main job on the public loan files.")
    about.add_argument("folder", type=Path, nargs="?", default=data_folder())
    about.add_argument("--out", type=Path, default=ROOT / "var" / "survey-real-files")
    about.add_argument("--only", choices=[source.name for source in SOURCES])
    about.add_argument("--lines", action="store_true", help="Print each summary as well.")
    about.add_argument("--rule-sets", action="store_true", help="Compare three sets of limits on the late loans.")
    told = about.parse_args()
    told.out.mkdir(parents=True, exist_ok=True)
    right = True
    chosen = [source for source in SOURCES if told.only in (None, source.name)]
    with application(told.out):
        if told.rule_sets:
            compare_all(chosen, data=told.folder, out=told.out)
            return
        print(HEADER)
        for source in chosen:
            done = do(source, data=told.folder, out=told.out / source.name)
            print(row(done), flush=True)
            if told.lines:
                print(*done.surveyed.lines(), *done.checked.lines(), sep="\n", file=sys.stderr)
            right = right and done.adds_up and not (done.surveyed.failing or done.checked.disagreements)
    pdf.close()
    if not right:
        sys.exit(1)


if __name__ == "__main__":
    main()
