"""Join, minify, name by content and compress the files that pages ask for, so that a first visit fits one round trip.

Reads `static/css/order.txt` and the style sheets it lists, and everything in `static/images` and `static/js`; writes
`static/build/<name>.<12 hex><ending>`, each with its `.br` and `.gz`, and `static/build/manifest.json`
(plain name to hashed name). The same sources always give the same bytes. `letter.css` and fonts, for PDFs, stay out;
`design.css` is for the page of all components alone.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import brotli

STATIC = Path(__file__).resolve().parent.parent / "static"
PDF_ONLY = "letter"
# Added on the page of all components, where the demo shows it.
DESIGN_ONLY = "design"


class BadOrder(Exception):
    """The list of style sheets and the folder do not name the same files."""

    def __init__(self, *, unlisted: tuple[str, ...], missing: tuple[str, ...]) -> None:
        super().__init__(f"static/css/order.txt: not listed {unlisted}, listed but not there {missing}")
        self.unlisted = unlisted
        self.missing = missing


def ordered_sheets(*, static: Path) -> tuple[Path, ...]:
    """Return the style sheets in the order of order.txt.

    :raises BadOrder: if a sheet is there but not listed, or listed but not there.
    """
    lines = (line.strip() for line in (static / "css" / "order.txt").read_text("utf-8").splitlines())
    listed = tuple(line for line in lines if line and not line.startswith("#"))
    there = {path.stem for path in (static / "css").glob("*.css")} - {PDF_ONLY, DESIGN_ONLY}
    unlisted, missing = tuple(sorted(there - set(listed))), tuple(sorted(set(listed) - there))
    if unlisted or missing:
        raise BadOrder(unlisted=unlisted, missing=missing)
    return tuple(static / "css" / f"{name}.css" for name in listed)


def minified(css: str) -> str:
    """Return CSS without comments and needless white space; what stands in quotes is left as it is."""
    # Strings are matched first, so a comment sign inside one is not taken for a comment.
    parts = re.split(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|/\*.*?\*/)""", css, flags=re.DOTALL)
    out: list[str] = []
    for part in parts:
        if part.startswith("/*"):
            continue
        if part[:1] in {'"', "'"}:
            out.append(part)
            continue
        text = re.sub(r"\s+", " ", part)
        # A space before a colon or a bracket can mean "descendant", and around + or - it makes calc() valid: both stay.
        text = re.sub(r" ?([{};,>]) ?", r"\1", text)
        text = re.sub(r": ", ":", text)
        out.append(text.replace(";}", "}"))
    return "".join(out).replace("} ", "}").strip()


def flattened(css: str) -> str:
    """Return minified CSS without its layers: a browser that does not know them (before 2022) would skip all of it.

    The order of the files is the order of the layers, so only selectors of the same element could change places, and a
    component's are never weaker than a bare element's.
    """
    css = re.sub(r"@layer [\w, -]+;", "", css)
    out, at = [], 0
    while (found := re.compile(r"@layer [\w-]+\{").search(css, at)) is not None:
        out.append(css[at : found.start()])
        depth, end = 1, found.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(css[end], 0)
            end += 1
        out.append(css[found.end() : end - 1])
        at = end
    return "".join([*out, css[at:]])


def plain_script(script: str) -> str:
    """Return JavaScript without comments on lines of their own, indents and empty lines; nothing else is touched."""
    lines = (line.strip() for line in re.sub(r"^\s*/\*.*?\*/", "", script, flags=re.DOTALL | re.MULTILINE).splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def with_shown_states(css: str) -> str:
    """Return rules that show what a pointer or the keyboard does, for pictures of components on /design.

    `.button:hover` becomes `.show-hover .button`, `.button:focus-visible` becomes `.show-focus .button`.
    """
    out = []
    for selectors, rules in re.findall(r"([^{}]*:(?:hover|focus-visible)[^{}]*)\{([^{}]*)\}", css):
        shown = []
        for selector in selectors.split(","):
            for state, word in ((":hover", "show-hover"), (":focus-visible", "show-focus")):
                if selector.strip().endswith(state) and ":has(" not in selector:
                    shown.append(f".{word} {selector.strip().removesuffix(state) or ':is(a,button,input,select)'}")
        if shown:
            out.append(f"{','.join(shown)}{{{rules}}}")
    return "".join(out)


def write_named(*, build: Path, name: str, content: bytes) -> str:
    """Write the content under a name made from its hash, beside its compressed forms, and return that name."""
    stem, dot, ending = name.rpartition(".")
    hashed = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}{dot}{ending}"
    (build / hashed).write_bytes(content)
    (build / f"{hashed}.br").write_bytes(brotli.compress(content, quality=11))
    # The time inside a gzip header would make every build differ.
    (build / f"{hashed}.gz").write_bytes(gzip.compress(content, compresslevel=9, mtime=0))
    return hashed


def built(*, static: Path = STATIC) -> Mapping[str, str]:
    """Build everything and return the manifest, plain name to hashed name; files of an older build are removed.

    :raises BadOrder: if order.txt and the folder do not name the same style sheets.
    """
    sheets = "\n".join(path.read_text("utf-8") for path in ordered_sheets(static=static))
    app = flattened(minified(sheets))
    design = minified((static / "css" / f"{DESIGN_ONLY}.css").read_text("utf-8"))
    sources = {"app.css": app.encode(), "design.css": (with_shown_states(app) + flattened(design)).encode()}
    for path in sorted((static / "js").glob("*.js")):
        sources[path.name] = plain_script(path.read_text("utf-8")).encode()
    for path in sorted((static / "images").glob("*")):
        if path.is_file():
            sources[path.name] = path.read_bytes().strip()
    build = static / "build"
    build.mkdir(parents=True, exist_ok=True)
    manifest = {name: write_named(build=build, name=name, content=content) for name, content in sources.items()}
    keep = {"manifest.json"} | {hashed + end for hashed in manifest.values() for end in ("", ".br", ".gz")}
    for path in build.iterdir():
        if path.is_file() and path.name not in keep:
            path.unlink()
    (build / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", "utf-8")
    return manifest


def main() -> int:
    """Build, and print each file with its size as sent."""
    for name, hashed in built().items():
        print(f"{name:12} {hashed:28} {(STATIC / 'build' / (hashed + '.br')).stat().st_size:6} bytes as brotli")
    return 0


if __name__ == "__main__":
    sys.exit(main())
