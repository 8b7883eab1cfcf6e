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

from portal.web.colours import DARK, LIGHT, LINES_ON, MODES, TEXT_ON, own_roles, too_weak  # noqa: E402

COMPONENTS = sorted((ROOT / "templates" / "components").glob("*.html"))
LETTERS = ROOT / "templates" / "letters"
# A mail has no sheet to lead to, so its styles stand on its tags.
MAIL = ROOT / "templates" / "post" / "mail.html"
# Documents for WeasyPrint follow other rules than pages; the list of letters is a page.
PAGES = sorted(
    path
    for path in (ROOT / "templates").rglob("*.html")
    if path != MAIL and (LETTERS not in path.parents or path.name == "letters.html")
)
SHEETS = sorted(path for path in (ROOT / "static" / "css").glob("*.css") if path.stem != "letter")
# A first visit may take 14 KB in all, and the page itself needs the larger part.
CSS_BUDGET_BYTES = 6 * 1024
SCRIPT_BUDGET_BYTES = 4 * 1024
TOGETHER_BUDGET_BYTES = 8 * 1024


@pytest.fixture
def copy_of_static(tmp_path: Path) -> Path:
    for folder in ("css", "images", "js"):
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


def test_the_script_and_the_sheet_together_stay_within_their_budget(copy_of_static: Path) -> None:
    manifest = build_static.built(static=copy_of_static)
    size = {name: (copy_of_static / "build" / f"{manifest[name]}.br").stat().st_size for name in ("app.css", "app.js")}
    gzipped = (copy_of_static / "build" / f"{manifest['app.js']}.gz").stat().st_size
    assert gzipped <= SCRIPT_BUDGET_BYTES
    assert sum(size.values()) <= TOGETHER_BUDGET_BYTES


def test_what_is_sent_has_no_layers_because_older_browsers_would_skip_all_of_it(copy_of_static: Path) -> None:
    sent = (copy_of_static / "build" / build_static.built(static=copy_of_static)["app.css"]).read_text("utf-8")
    assert "@layer" not in sent
    assert sent.count("{") == sent.count("}")
    whole = build_static.minified("\n".join(sheet.read_text("utf-8") for sheet in SHEETS if sheet.stem != "design"))
    assert sorted(re.findall(r"[{;}]([\w-]+:[^;{}]+)", sent)) == sorted(re.findall(r"[{;}]([\w-]+:[^;{}]+)", whole))


def test_the_script_is_plain_enough_for_old_phones(copy_of_static: Path) -> None:
    manifest = build_static.built(static=copy_of_static)
    script = (copy_of_static / "build" / manifest["app.js"]).read_text("utf-8")
    # Arrows, let, const, templates and optional chaining stop an old browser at the first line.
    assert not re.search(r"=>|\b(let|const|class|async|await)\b|`|\?\.|\.\.\.", script)
    assert not re.search(r"\beval\b|new Function|innerHTML\s*=\s*[^w]|document\.write", script)


@pytest.mark.parametrize(
    ("css", "expected"),
    [
        ("@layer a, b;@layer a{p{color:red}}", "p{color:red}"),
        ("@layer a{p{color:red}}@layer b{@media print{p{x:y}}q{}}", "p{color:red}@media print{p{x:y}}q{}"),
        ("p{}", "p{}"),
    ],
)
def test_layers_are_taken_off_and_nothing_else(css: str, expected: str) -> None:
    assert build_static.flattened(css) == expected


def test_a_state_of_the_pointer_can_be_shown_without_one() -> None:
    css = ".button:hover,a:focus-visible{color:red}.x:has(:focus-visible){color:blue}"
    assert build_static.with_shown_states(css) == ".show-hover .button,.show-focus a{color:red}"


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
    # The one script is a file of our own, and the layout of all pages names it.
    text = text.replace("""<script src="{{ asset('app.js') }}" defer></script>""", "", int(page.name == "base.html"))
    # Two pages need another one in its place.
    if page.name in {"passkey.html", "passkey_add.html"}:
        text = text.replace("""<script src="{{ asset('passkeys.js') }}" defer></script>""", "", 1)
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
    used += (ROOT / "portal" / "web" / "pictures.py").read_text("utf-8")
    styled = {found for sheet in SHEETS for found in re.findall(r"\.([a-z][\w-]*)", sheet.read_text("utf-8"))}
    # Names that a macro puts together from a kind or a number: "notice-" ~ kind.
    made = ("notice-", "button-", "tag-", "part-", "money-input-sign-", "steps-", "falling-", "on-", "in-", "show-")
    assert {found for found in styled if found not in used and not found.startswith(made)} == set()


def test_points_are_never_named_where_an_amount_is_decided() -> None:
    deciding = ("plans/what_can_you_afford", "plans/which_day", "plans/choose", "plans/check", "payments/pay")
    deciding += ("plans/preview", "plans/ways_to_pay", "plans/way_to_pay", "plans/your_budget", "plans/what_is_left")
    deciding += ("payments/several", "payments/shares", "payments/check", "debts/pay_off")
    shared = [ROOT / "templates" / "layouts" / f"{layout}.html" for layout in ("base", "question")]
    shared += [ROOT / "templates" / "components" / f"{part}.html" for part in ("header", "footer")]
    for path in [ROOT / "templates" / f"{page}.html" for page in deciding] + shared:
        assert "oints" not in path.read_text("utf-8"), name(path)


@pytest.mark.parametrize("mode", MODES)
def test_every_pair_of_colours_has_enough_contrast(mode: str) -> None:
    assert too_weak(own_roles(mode)) == ()
    assert set(own_roles(LIGHT)) == set(own_roles(DARK)) >= {role for pair in (*TEXT_ON, *LINES_ON) for role in pair}


def test_every_colour_of_the_sheets_is_a_role() -> None:
    for sheet in SHEETS:
        if sheet.stem not in {"tokens", "print", "idle_warning"}:
            assert not re.search(r"#[0-9a-f]{3,8}\b|rgb\(", sheet.read_text("utf-8")), name(sheet)
