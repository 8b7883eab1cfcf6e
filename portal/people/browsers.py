"""RULES: what kind of browser this is, from the text that browsers send; two words are kept, and never the text."""

from __future__ import annotations

# Many call themselves by the names of others: the first that fits is right. Words are names and need no translation.
_BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("Alipay", "Alipay"),
    ("SamsungBrowser", "Samsung Internet"),
    ("UCBrowser", "UC Browser"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Opera", "Opera"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Chromium", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)


def kind(user_agent: str) -> str:
    """Give browser and system, as `Firefox, Android`; one alone if the other is unknown, and nothing for neither.

    >>> kind("Mozilla/5.0 (Android 14; Mobile; rv:131.0) Gecko/131.0 Firefox/131.0")
    'Firefox, Android'
    """
    said = user_agent[:400]
    found = (next((word for sign, word in names if sign in said), "") for names in (_BROWSERS, _SYSTEMS))
    return ", ".join(word for word in found if word)
