"""Check the parts that pages are made of: one macro and one sheet a component, nothing inline, small, built alike."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import brotli
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import build_static  # noqa: E402  (tools/ is a folder of commands and not a package)

COMPONENTS = sorted((ROOT / "templates" / "components").glob("*.html"))
LETTERS = ROOT / "templates" / "letters"
# Documents for WeasyPrint follow other rules than pages; the list of letters is a page.
PAGES = sorted(
    path for path in (ROOT / "templates").rglob("*.html") if LETTERS not in path.parents or path.name == "letters.html"
)
SHEETS = sorted(path for path in (ROOT / "static" / "css").glob("*.css") if path.stem != "letter")
# A first visit may take 14 KB in all, and the page itself needs the larger part.
CSS_BUDGET_BYTES = 6 * 1024


@pytest.fixture
def copy_of_static(tmp_path: Path) -> Path:
    for folder in ("css", "images"):
        shutil.copytree(ROOT / "static" / folder, tmp_path / folder)
    return tmp_path


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_same_sources_build_the_same_bytes(copy_of_static: Path) -> None:
    first = build_static.built(static=copy_of_static)
    before = {path.name: path.read_bytes() for path in (copy_of_static / "build").iterdir()}
    second = build_static.built(static=copy_of_static)
    after = {path.name: path.read_bytes() for path in (copy_of_static / "build").iterdir()}
    assert first == second
    assert before == after


def test_a_changed_sheet_gets_a_new_name_and_the_old_file_goes(copy_of_static: Path) -> None:
    old = build_static.built(static=copy_of_static)["app.css"]
    sheet = copy_of_static / "css" / "print.css"
    sheet.write_text(sheet.read_text("utf-8") + "\n@layer print { .changed { color: red } }\n", "utf-8")
    new = build_static.built(static=copy_of_static)["app.css"]
    assert new != old
    assert not (copy_of_static / "build" / old).exists()


def test_the_manifest_names_files_that_exist_with_their_compressed_forms(copy_of_static: Path) -> None:
    build_static.built(static=copy_of_static)
    manifest = json.loads((copy_of_static / "build" / "manifest.json").read_text("utf-8"))
    assert {"app.css", "icon.svg"} <= set(manifest)
    for plain, hashed in manifest.items():
        assert re.fullmatch(re.escape(plain).replace(r"\.", r"\.[0-9a-f]{12}\.", 1), hashed)
        content = (copy_of_static / "build" / hashed).read_bytes()
        assert brotli.decompress((copy_of_static / "build" / f"{hashed}.br").read_bytes()) == content


def test_the_style_sheet_stays_within_its_budget(copy_of_static: Path) -> None:
    hashed = build_static.built(static=copy_of_static)["app.css"]
    assert (copy_of_static / "build" / f"{hashed}.br").stat().st_size <= CSS_BUDGET_BYTES


def test_a_sheet_that_is_not_listed_stops_the_build(copy_of_static: Path) -> None:
    (copy_of_static / "css" / "forgotten.css").write_text("p{}", "utf-8")
    with pytest.raises(build_static.BadOrder) as refused:
        build_static.built(static=copy_of_static)
    assert refused.value.unlisted == ("forgotten",)


@pytest.mark.parametrize(
    ("css", "expected"),
    [
        ("a { color : red; }  /* gone */ b{}", "a{color :red}b{}"),
        ('p::before { content: "a  /* stays */  b" }', 'p::before{content:"a  /* stays */  b"}'),
        ("p { inline-size: calc(1rem + 2px) }", "p{inline-size:calc(1rem + 2px)}"),
        ("a :hover , b > c { margin: 0 0 0 1px }", "a :hover,b>c{margin:0 0 0 1px}"),
    ],
)
def test_minifying_changes_nothing_that_matters(css: str, expected: str) -> None:
    assert build_static.minified(css) == expected


@pytest.mark.parametrize("component", COMPONENTS, ids=name)
def test_a_component_is_one_macro_and_one_sheet_of_its_name(component: Path) -> None:
    macros = re.findall(r"{%-?\s*macro\s+(\w+)", component.read_text("utf-8"))
    assert macros == [component.stem]
    assert (ROOT / "static" / "css" / f"{component.stem}.css").is_file()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_template_holds_style_or_script_of_its_own(page: Path) -> None:
    text = page.read_text("utf-8")
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=[\"']|javascript:", text)
    assert "|safe" not in text
    assert not re.search(r"{%-?\s*trans\b", text)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_template_opens_with_what_it_is_for(page: Path) -> None:
    assert page.read_text("utf-8").startswith("{# ")


@pytest.mark.parametrize("sheet", SHEETS, ids=name)
def test_a_sheet_stands_in_a_layer_and_fetches_nothing(sheet: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text("utf-8"), flags=re.DOTALL).strip()
    assert text.startswith("@layer")
    assert "url(" not in text
    assert "@import" not in text
    assert text.count("{") == text.count("}")


def test_every_class_that_is_styled_is_used() -> None:
    used = " ".join(path.read_text("utf-8") for path in PAGES)
    styled = {found for sheet in SHEETS for found in re.findall(r"\.([a-z][\w-]*)", sheet.read_text("utf-8"))}
    # Names that a macro puts together from a kind or a number: "notice-" ~ kind.
    made = ("notice-", "button-", "tag-", "part-", "input-prefix-")
    assert {found for found in styled if found not in used and not found.startswith(made)} == set()


def test_points_are_never_named_where_an_amount_is_decided() -> None:
    deciding = ("plans/what_can_you_afford", "plans/which_day", "plans/choose", "plans/check", "payments/pay")
    deciding += ("payments/several", "payments/shares", "payments/check", "debts/pay_off")
    shared = [ROOT / "templates" / "layouts" / f"{layout}.html" for layout in ("base", "question")]
    shared += [ROOT / "templates" / "components" / f"{part}.html" for part in ("header", "footer")]
    for path in [ROOT / "templates" / f"{page}.html" for page in deciding] + shared:
        assert "oints" not in path.read_text("utf-8"), name(path)


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two #rrggbb colours, from 1 to 21 (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


TEXT_ON = [
    *((ink, ground) for ink in ("ink", "soft", "brand", "brand-strong") for ground in ("paper", "card", "brand-wash")),
    ("brand-text", "brand"),
    ("brand-text", "brand-strong"),
    *((kind, ground) for kind in ("good", "wait", "bad") for ground in (f"{kind}-wash", "paper", "card")),
    *(("ink", f"{kind}-wash") for kind in ("good", "wait", "bad")),
]
LINES_ON = [(line, ground) for line in ("edge", "focus", "good") for ground in ("paper", "card")]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_pair_of_colours_has_enough_contrast(mode: str) -> None:
    text = (ROOT / "static" / "css" / "tokens.css").read_text("utf-8")
    light, dark = text.split("@media (prefers-color-scheme: dark)")
    tokens = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", light if mode == "light" else dark))
    assert [pair for pair in TEXT_ON if contrast(tokens[pair[0]], tokens[pair[1]]) < 4.5] == []
    assert [pair for pair in LINES_ON if contrast(tokens[pair[0]], tokens[pair[1]]) < 3] == []
