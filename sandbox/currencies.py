"""Which currencies the stand-in takes, how Stripe counts them, and the least and most that can be charged.

From Stripe's public page on currencies, compared with it in November 2026. The portal keeps its own map, so that one
can catch a mistake in the other.
"""

from __future__ import annotations

from decimal import Decimal

from babel.numbers import format_currency

_NONE = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
_TWO = """
usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc
cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr isk jmd kes kgs khr kyd
kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr
pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah ugx uyu uzs wst xcd
xcg yer zar zmw
"""
_THREE = "bhd jod kwd omr tnd"
_WHOLE = "isk ugx"

NO_DECIMALS = frozenset(_NONE.split())
THREE_DECIMALS = frozenset(_THREE.split())
# Counted in hundredths for old callers' sake, although nothing below one whole unit can be charged.
WHOLE_UNITS_ONLY = frozenset(_WHOLE.split())
KNOWN = NO_DECIMALS | THREE_DECIMALS | frozenset(_TWO.split())

# The least charge in the currency's own counting; 50 where Stripe names none.
_LEAST = {
    "aed": 200, "bgn": 100, "czk": 1500, "dkk": 250, "gbp": 30, "hkd": 400, "huf": 17500, "mxn": 1000, "myr": 200,
    "nok": 300, "pln": 200, "ron": 200, "sek": 300, "thb": 1000, "bhd": 500, "jod": 500, "kwd": 500, "omr": 500,
    "tnd": 500,
}  # fmt: skip
MOST = 99_999_999


def decimals(currency: str) -> int:
    """Return how many decimals Stripe counts for a currency (lower case)."""
    return 0 if currency in NO_DECIMALS else 3 if currency in THREE_DECIMALS else 2


def least(currency: str) -> int:
    """Return the least that can be charged, in Stripe's counting."""
    return _LEAST.get(currency, 50)


def shown(minor: int, currency: str, locale: str) -> str:
    """Return an amount for a reader: 1250 usd is "$12.50"."""
    places = decimals(currency)
    pattern = "¤#,##0" + ("." + "0" * places if places else "")
    amount = Decimal(minor).scaleb(-places)
    return str(format_currency(amount, currency.upper(), pattern, locale=locale, currency_digits=False))
