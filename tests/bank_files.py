"""Files of banks for tests: camt.053 with any entries, its balances worked out, and tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from xml.sax.saxutils import escape

IBAN = "DE89370400440532013000"


@dataclass(frozen=True)
class Ntry:
    """One entry of a statement."""

    amount: str
    text: str = ""
    ref: str = ""
    credit: bool = True
    booked: str | None = "2026-05-04"
    value: str | None = "2026-05-04"
    sent: str | None = None
    currency: str = "USD"
    status: str = "BOOK"
    structured: str = ""
    payer: str = "Ada Example"
    parts: Sequence[tuple[str, str]] = ()
    reversal: bool = False

    def xml(self) -> str:
        """Write it, with the names that all versions share."""
        parts = self.parts or (("", self.text),)
        return (
            f'<Ntry><Amt Ccy="{self.currency}">{self.amount}</Amt><CdtDbtInd>{"CRDT" if self.credit else "DBIT"}'
            f"</CdtDbtInd>{'<RvslInd>true</RvslInd>' if self.reversal else ''}"
            f"<Sts>{self.status}</Sts>{_day('BookgDt', self.booked)}{_day('ValDt', self.value)}"
            f"{f'<AcctSvcrRef>{self.ref}</AcctSvcrRef>' if self.ref else ''}<NtryDtls>"
            + "".join(self._part(amount, text) for amount, text in parts)
            + "</NtryDtls></Ntry>"
        )

    def _part(self, amount: str, text: str) -> str:
        cdtr = "<Strd><CdtrRefInf><Ref>{}</Ref></CdtrRefInf></Strd>".format
        lines = "".join(f"<Ustrd>{escape(line)}</Ustrd>" for line in text.split("|") if line)
        return (
            f"<TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>"
            f"{f'<Amt Ccy={chr(34)}{self.currency}{chr(34)}>{amount}</Amt>' if amount else ''}"
            f"<RltdPties><Dbtr><Nm>{escape(self.payer)}</Nm></Dbtr><DbtrAcct><Id><IBAN>DE02120300000000202051</IBAN></Id>"
            f"</DbtrAcct></RltdPties><RmtInf>{lines}{cdtr(self.structured) if self.structured else ''}</RmtInf>"
            f"{f'<RltdDts><AccptncDtTm>{self.sent}T09:00:00</AccptncDtTm></RltdDts>' if self.sent else ''}</TxDtls>"
        )


def _day(name: str, day: str | None) -> str:
    return "" if day is None else f"<{name}><Dt>{day}</Dt></{name}>"


def statement(
    *entries: Ntry,
    iban: str = IBAN,
    currency: str = "USD",
    opening: str = "1000.00",
    closing: str | None = None,
    version: str = "02",
    id: str = "S-1",  # noqa: A002 - what the file calls it
) -> bytes:
    """Give a statement of one account that adds up, unless another closing balance is said."""
    moved = sum(
        (Decimal(one.amount) * (1 if one.credit else -1) for one in entries if "BOOK" in one.status), Decimal(0)
    )
    closing = closing or str(Decimal(opening) + moved)

    def balance(code: str, amount: str) -> str:
        sign = "DBIT" if amount.startswith("-") else "CRDT"
        return (
            f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{amount.lstrip("-")}</Amt>'
            f"<CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>2026-05-04</Dt></Dt></Bal>"
        )

    return (
        f'<?xml version="1.0" encoding="UTF-8"?>'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}">'
        f"<BkToCstmrStmt><GrpHdr><MsgId>M</MsgId><CreDtTm>2026-05-04T20:00:00</CreDtTm></GrpHdr><Stmt><Id>{id}</Id>"
        f"<Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>{currency}</Ccy></Acct>{balance('OPBD', opening)}"
        f"{balance('CLBD', closing)}{''.join(one.xml() for one in entries)}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def table(*rows: Sequence[str], header: Sequence[str]) -> bytes:
    """Give a table as CSV."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([header, *rows])
    return out.getvalue().encode()
