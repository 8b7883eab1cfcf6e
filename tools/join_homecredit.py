"""Join Home Credit's instalments, contracts and clients into one CSV with a row for each contract, to be imported.

    python tools/join_homecredit.py FOLDER --out joined.csv [--day -180]

FOLDER holds homecredit_instalments.csv, homecredit_contracts.csv and homecredit_clients.csv. DAY counts as the files
do, from each client's application (negative = before); mappings/homecredit/contracts.toml names the same day as its
as-of date, so change both or neither. A row says what was owed on that day:

* overdue: instalments due by DAY, less what was paid by DAY; never below nothing for one instalment;
* to_come: instalments due after DAY, less what was paid ahead;
* late_since_day: the due day of the oldest instalment that was not fully paid (empty: none).

Two rows with the same contract, calendar version and instalment number are one instalment paid in parts. Calendar
version 0 (credit cards) has no schedule and is left out, and so are contracts that were decided after DAY and the part
"samurad_random_20000", whose rows are a random sample of single payments.
"""

import argparse
import csv
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

COLUMNS = (
    "contract", "client", "product", "credit", "decision_day",
    "overdue", "to_come", "late_since_day", "housing", "family",
)  # fmt: skip
PART = "suresh_1000_clients"
PRODUCTS = {"Cash loans": "Cash loan", "Consumer loans": "Consumer loan", "Revolving loans": "Credit line"}


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def joined(folder: Path, day: int) -> tuple[list[dict[str, str]], dict[str, int]]:
    """Return one row for each contract, as it stood on `day`, and how many rows of instalments went where."""
    clients = {row["SK_ID_CURR"]: row for row in read(folder / "homecredit_clients.csv")}
    contracts = {row["SK_ID_PREV"]: row for row in read(folder / "homecredit_contracts.csv")}
    instalments: dict[str, dict[tuple[str, str], list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    counts = dict.fromkeys(("of the random part", "of an unknown contract", "of cards", "decided later", "joined"), 0)
    for row in read(folder / "homecredit_instalments.csv"):
        contract = contracts.get(row["contract"])
        if row["part"] != PART:
            counts["of the random part"] += 1
        elif contract is None:
            counts["of an unknown contract"] += 1
        elif not Decimal(row["calendar_version"]):
            counts["of cards"] += 1
        elif int(Decimal(contract["DAYS_DECISION"])) > day:
            counts["decided later"] += 1
        else:
            counts["joined"] += 1
            instalments[row["contract"]][row["calendar_version"], row["instalment_nr"]].append(row)
    rows = []
    for number, parts in sorted(instalments.items()):
        overdue = to_come = Decimal(0)
        late_since: int | None = None
        for paid_in in parts.values():
            due_day = int(Decimal(paid_in[0]["due_day"]))
            due = max(Decimal(each["amount_due"]) for each in paid_in)
            paid = sum(
                (Decimal(each["amount_paid"]) for each in paid_in if Decimal(each["paid_day"]) <= day), Decimal(0)
            )
            owed = max(due - paid, Decimal(0))
            if due_day > day:
                to_come += owed
            elif owed >= Decimal("0.005"):  # Less than half of the smallest unit is nobody's debt.
                overdue += owed
                late_since = due_day if late_since is None else min(late_since, due_day)
        contract = contracts[number]
        client = clients.get(contract["SK_ID_CURR"], {})
        rows.append(
            {
                "contract": number,
                "client": contract["SK_ID_CURR"],
                "product": PRODUCTS.get(contract["NAME_CONTRACT_TYPE"], "Loan"),
                "credit": contract["AMT_CREDIT"],
                "decision_day": str(int(Decimal(contract["DAYS_DECISION"]))),
                "overdue": str(overdue),
                "to_come": str(to_come),
                "late_since_day": "" if late_since is None else str(late_since),
                "housing": client.get("NAME_HOUSING_TYPE", ""),
                "family": client.get("NAME_FAMILY_STATUS", ""),
            }
        )
    return rows, counts


def said(counts: dict[str, int], contracts: int) -> str:
    """Say what became of all rows of instalments; the numbers add up."""
    parts = " + ".join(f"{count:,} {what}" for what, count in counts.items())
    return f"{sum(counts.values()):,} instalments = {parts}, of {contracts:,} contracts"


def write(rows: list[dict[str, str]], path: Path) -> None:
    """Write the joined rows as a CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Write the joined file."""
    about = argparse.ArgumentParser(description="Join Home Credit's three files into one row for each contract.")
    about.add_argument("folder", type=Path)
    about.add_argument("--out", type=Path, required=True)
    about.add_argument("--day", type=int, default=-180)
    told = about.parse_args()
    rows, counts = joined(told.folder, told.day)
    write(rows, told.out)
    print(said(counts, len(rows)))
    print(f"{len(rows)} contracts written to {told.out}")


if __name__ == "__main__":
    main()
