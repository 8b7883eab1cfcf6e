"""Letters as PDF: what they say, that they are accessible and archival, the same each time, and closed to tricks."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import jinja2
import pytest
from pypdf import PdfReader

from portal.letters import pdf
from portal.letters.contents import Frequency, Kind, Letter
from portal.letters.sheet import BrokenTemplate, MissingGlyph, Rendered, RenderTimeout
from portal.schedules import dates as schedules
from tests.letters import examples
from tests.letters.examples import (
    ROOT,
    a_chinese_letter,
    a_letter,
    a_plan,
    a_receipt,
    a_statement,
    amounts,
    environment,
    usd,
)

LETTERS = examples.every_letter()


def rendered(letter: Letter) -> Rendered:
    return pdf.render_here(
        template=letter.template, letter=letter, environment=environment(letter.language), language=letter.language
    )


def html(letter: Letter) -> str:
    return pdf.write_html(
        template=letter.template, letter=letter, environment=environment(letter.language), language=letter.language
    )


def in_pool(letter: Letter, timeout: float = 30.0) -> Rendered:
    return pdf.render(
        template=letter.template,
        letter=letter,
        environment=environment(letter.language),
        language=letter.language,
        timeout=timeout,
    )


def written(file: bytes) -> str:
    """The text of a PDF as poppler reads it."""
    return subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=file, capture_output=True, check=True
    ).stdout.decode()


@pytest.fixture(scope="module", autouse=True)
def pool_is_closed() -> Iterator[None]:
    yield
    pdf.close()


@pytest.fixture(scope="module")
def files() -> dict[str, Rendered]:
    return {name: rendered(letter) for name, letter in LETTERS.items()}


def test_this_machine_has_what_letters_need() -> None:
    assert pdf.check_system() == []


def test_what_is_missing_is_named_with_its_package(tmp_path: Path) -> None:
    sentences = pdf.check_system(libraries=(("libno-such-thing.so.7", "libno-such-thing7"),), fonts=tmp_path)
    assert sentences[0] == (
        "Letters need the system library libno-such-thing.so.7: run `apt-get install libno-such-thing7`."
    )
    assert len(sentences) == 1 + len(pdf.FONT_FILES)


def test_a_broken_weasyprint_becomes_a_sentence_and_not_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "weasyprint").mkdir()
    (tmp_path / "weasyprint" / "__init__.py").write_text("raise OSError('cannot load library libpango')")
    program = "from portal.letters import pdf; print(pdf.check_system())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "WeasyPrint does not start (cannot load library libpango)" in done.stdout


@pytest.mark.parametrize("name", sorted(LETTERS))
def test_a_letter_is_tagged_marked_and_has_all_its_fonts(name: str, files: dict[str, Rendered], tmp_path: Path) -> None:
    letter = LETTERS[name]
    path = tmp_path / "letter.pdf"
    path.write_bytes(files[name].pdf)
    reader = PdfReader(path)
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == letter.language.replace("_", "-")
    metadata = root["/Metadata"].get_data().decode()
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata
    assert "pdfaid" in metadata
    assert len(reader.pages) == files[name].pages
    fonts = subprocess.run(["pdffonts", path], capture_output=True, text=True, check=True).stdout.splitlines()[2:]
    assert fonts
    assert all(line.split()[-5:-3] == ["yes", "yes"] for line in fonts)  # Embedded, and only what is used.
    subprocess.run(["qpdf", "--check", path], check=True, capture_output=True)


@pytest.mark.parametrize("name", sorted(LETTERS))
def test_the_data_of_a_letter_is_attached_to_it(name: str, files: dict[str, Rendered]) -> None:
    attached = PdfReader(BytesIO(files[name].pdf)).attachments
    assert list(attached) == ["LT-7K3M-2Q9P.json"]
    assert Letter.from_json(attached["LT-7K3M-2Q9P.json"][0].decode()) == LETTERS[name]


@pytest.mark.parametrize("name", sorted(LETTERS))
def test_every_page_says_which_letter_it_is(name: str, files: dict[str, Rendered]) -> None:
    pages = written(files[name].pdf).split("\f")[:-1]
    for number, page in enumerate(pages, start=1):
        assert "LT-7K3M-2Q9P" in page
        foot = f"Page {number} of {len(pages)}" if name.endswith(".en") else f"第 {number} 页，共 {len(pages)} 页"
        assert foot in page


def test_a_plan_agreement_lists_every_payment_with_its_date(files: dict[str, Rendered]) -> None:
    text = " ".join(written(files["plan.en"].pdf).split())
    for number, when, left in ((1, "10 December 2026", "$3,450.00"), (24, "10 November 2028", "$0.00")):
        assert f"{number} {when} $150.00 {left}" in text
    for fact in (
        "P-93TF-05", "Q-5H2C-81", "D-4821-KQ7", "•••• 4821", "EX-0001-2020", "We add no interest while this plan runs.",
        "After each date there are 5 more days.", "you have 30 days to make up for it", "If up to $1.00 is missing",
        "You can stop the plan at any time.", "1. Principal 2. Interest 3. Late charges 4. Fees 5. Costs of recovery",
        "changes nothing that is already in a credit record", "Example Debt Advice (made-up)", "(GMT-05:00)",
        "What you owed on 22 November 2026 $3,600.00", "More than paying everything on 22 November 2026 $0.00",
    ):  # fmt: skip
        assert fact in text, fact


@pytest.mark.parametrize(
    ("frequency", "words", "chinese"),
    [
        ("weekly", "Every week", "每周"),
        ("fortnightly", "Every two weeks", "每两周"),
        ("four_weekly", "Every four weeks", "每四周"),
        ("twice_a_month", "Twice a month", "每月两次"),
        ("monthly", "Every month", "每月"),
        ("quarterly", "Every three months", "每三个月"),
        ("seasonal", "In each month of the season", "还款季每月一次"),
    ],
)
def test_a_plan_agreement_says_how_often(frequency: str, words: str, chinese: str) -> None:
    assert {each.value for each in Frequency} == {each.value for each in schedules.Frequency}
    plan = a_plan(frequency=Frequency(frequency))
    for letter, said in ((a_letter(plan), words), (a_chinese_letter(plan), chinese)):
        assert f"<td>{said}</td>" in " ".join(html(letter).split()).replace("<td> ", "<td>").replace(" </td>", "</td>")


def test_interest_that_goes_on_is_said_and_counted(files: dict[str, Rendered]) -> None:
    text = " ".join(written(files["plan-with-interest.en"].pdf).split())
    assert "word for word Number of payments 23 You pay in all $5,606.76 The rate in a year 11.97% a year (APR)" in text
    assert "Interest goes on while this plan runs, at 12% a year. It adds $606.76" in text
    assert "We add no interest" not in text
    assert "More than paying everything on 22 November 2026 $606.76" in text


def test_a_chinese_letter_is_chinese_from_top_to_bottom(files: dict[str, Rendered]) -> None:
    for name in ("plan.zh_Hans", "receipt.zh_Hans", "statement.zh_Hans"):
        text = written(files[name].pdf)
        assert "欧阳喆垚" in text
        for english in ("payment", "Payment", "interest", "Interest", "You ", "Principal", "days", "None"):
            assert english not in text


def test_the_letters_of_the_end_say_what_a_bank_asks_for(files: dict[str, Rendered]) -> None:
    for name, facts in {
        "paid-in-full.en": ("This debt is paid in full", "Original amount $5,000.00", "Contract from 1 February 2024",
            "Nothing left since 10 September 2026", "In all $3,550.17 $20.00 −$40.00 $3,530.17",
            "12 August 2026 Paid back to you −$500.00", "promises no change"),
        "paid-in-full.zh_Hans": ("欧阳喆垚", "均已还清", "美元叁仟伍佰叁拾元壹角柒分",
            "其中本金：US$3,200.00（美元叁仟贰佰元整）"),
        "settlement-satisfied.en": ("in full and final settlement", "We will not collect it, and we will not sell it.",
            "Less than the whole balance was paid", "In all $3,550.17 $20.00 −$40.00 $3,000.00 $530.17", "Q-5H2C-81"),
        "settlement-offer.en": ("Holds until 6 December 2026", "In all $3,600.00 $600.00",
            "It holds only if the first payment comes by 10 December 2026.", "You can take advice before you answer."),
        "plan-ended.en": ("A person looked at it before the plan was ended.", "$600.17 would have been let off",
            "Interest runs as in your contract: 18.25% a year.", "You owe $3,600.17 again, less what you have paid."),
    }.items():  # fmt: skip
        text = " ".join(written(files[name].pdf).split())
        for fact in facts:
            assert fact in text.replace("， ", "，"), (name, fact)


def test_a_settlement_never_says_that_all_was_paid(files: dict[str, Rendered]) -> None:
    for name in ("settlement-satisfied", "settlement-offer"):
        assert "paid in full" not in " ".join(written(files[f"{name}.en"].pdf).lower().split())
        text = "".join(written(files[f"{name}.zh_Hans"].pdf).split())
        assert not re.search("结清证明|全额还清|均已还清", text)


def test_every_sentence_of_the_letters_has_its_chinese() -> None:
    catalogue = examples.catalogue("zh_Hans")
    assert catalogue is not None
    for name in (*(kind.value for kind in Kind), "layout", "words", "over"):
        source = (ROOT / f"templates/letters/{name}.html").read_text()
        for _, _, message in environment("zh_Hans").extract_translations(source):  # type: ignore[attr-defined]
            key = message if isinstance(message, str) else message[:2]
            assert key in catalogue, key
            assert catalogue[key].string not in ("", (), key), key


def test_a_receipt_never_calls_a_debt_settled_while_something_is_owed(files: dict[str, Rendered]) -> None:
    text = written(files["receipt.en"].pdf)
    assert "$3,450.00 of this debt is still owed." in text
    for claim in ("settled", "Nothing is left", "paid in full"):
        assert claim not in text


def test_a_last_receipt_says_that_nothing_is_left_and_what_is_to_the_debtors_credit(
    files: dict[str, Rendered],
) -> None:
    text = written(files["last-receipt.en"].pdf)
    assert "Nothing is left to pay on this debt" in text
    assert "You have $10.00 to your credit." in text


def test_a_receipt_counts_what_was_let_off_with_it() -> None:
    """The last payment of a settlement: 80.00 of 100.00, and 20.00 is let off."""
    last = a_receipt(
        amount=usd("80.00"),
        balance_before=amounts("100.00"),
        allocation=amounts("80.00"),
        balance_after=amounts("20.00"),
        let_off=usd("20.00"),
    )
    words = " ".join(re.sub(r"<[^>]*>", " ", html(a_letter(last))).split())
    assert "By You owe now $80.00" in words and "$0.00 What it paid for" in words
    assert "Let off by your lender −$20.00 You owe now $0.00" in words
    assert "Nothing is left to pay on this debt" in words


def test_a_long_table_repeats_its_head_on_each_page(files: dict[str, Rendered]) -> None:
    pages = written(files["statement-of-60.en"].pdf).split("\f")
    assert sum("What happened" in page for page in pages) == 3
    assert all(f"TX-{1000 + line}" in "".join(pages) for line in range(60))


RARE = "喆垚犇䶮碶昇㛃𬱖 Nguyễn"


def test_rare_characters_of_names_are_drawn() -> None:
    made = rendered(a_chinese_letter(a_receipt(), debtor_name=RARE))
    assert RARE in written(made.pdf)
    assert rendered(a_letter(a_receipt(), debtor_name="Łukasz Þórður Ивана Ελένη 昇 犇, 㛃")).pages >= 1


@pytest.mark.parametrize("name, characters", [("Somchai สมชาย", ("ส", "ม", "ช", "า", "ย")), ("😀", ("😀",))])
def test_a_character_that_no_font_has_stops_the_letter(name: str, characters: tuple[str, ...]) -> None:
    with pytest.raises(MissingGlyph) as refused:
        rendered(a_letter(a_receipt(), debtor_name=name))
    assert set(refused.value.characters) == set(characters)
    with pytest.raises(MissingGlyph) as refused:
        in_pool(a_letter(a_receipt(), debtor_name=name))
    assert set(refused.value.characters) == set(characters)


PAYLOADS = (
    '<img src="http://127.0.0.1:9/x.png">',
    '<a rel="attachment" href="file:///etc/passwd">x</a>',
    '<link rel="attachment" href="file:///etc/passwd">',
    '<style>@import url("http://127.0.0.1:9/x.css"); body{display:none}</style>',
    '"><object data="file:///etc/passwd"></object>',
    "<svg><image href='file:///etc/passwd'/></svg>",
    "{{ letter.lender }} {% include 'letters/layout.html' %}",
    "</title><script>1</script>",
    "%(page)s %s %d",
)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_text_from_people_stays_text(payload: str) -> None:
    plain = a_letter(a_receipt())
    nasty = replace(
        a_letter(a_receipt(method_detail=payload, payment_reference=payload)),
        debtor_name=payload,
        debt_reference=payload,
        masked_account=payload,
        notices=(payload,),
        lender=examples.the_lender(name=payload, legal_name=payload, address=(payload,), website=payload),
    )
    page = html(nasty)
    for tag in ("<img", "<link", "<style", "<object", "<svg", "<script", "<a "):
        assert tag not in page
    assert page.count("<title>") == html(plain).count("<title>") == 1
    made = PdfReader(BytesIO(rendered(nasty).pdf))
    assert list(made.attachments) == ["LT-7K3M-2Q9P.json"]
    assert not any("/Annots" in sheet for sheet in made.pages)


@pytest.mark.parametrize(
    "line",
    [
        '<img alt="x" src="file:///etc/hostname">',
        '<img alt="x" src="http://127.0.0.1:9/x.png">',
        '<link rel="attachment" href="file:///etc/hostname">',
        '<p style="background:url(file:///etc/hostname)">x</p>',
    ],
)
def test_not_even_a_template_can_fetch(line: str) -> None:
    base = environment("en")
    loader = jinja2.DictLoader({"letters/bad.html": f"<!doctype html><html lang=en><title>x</title><p>x</p>{line}"})
    with pytest.raises(BrokenTemplate):
        pdf.render_here(
            template="letters/bad.html",
            letter=a_letter(a_plan()),
            environment=base.overlay(loader=loader),
            language="en",
        )


def test_an_environment_that_does_not_escape_is_refused() -> None:
    with pytest.raises(pdf.UnsafeEnvironment):
        pdf.write_html(
            template="letters/plan-agreement.html",
            letter=a_letter(a_plan()),
            environment=jinja2.Environment(autoescape=False),
            language="en",
        )


def test_a_letter_is_not_written_in_another_language_than_its_own() -> None:
    with pytest.raises(pdf.WrongLanguage):
        pdf.write_html(
            template="letters/plan-agreement.html",
            letter=a_letter(a_plan()),
            environment=environment("zh_Hans"),
            language="zh_Hans",
        )


def test_the_same_letter_has_the_same_bytes_in_another_process(files: dict[str, Rendered]) -> None:
    for name in ("plan.en", "plan.zh_Hans"):
        elsewhere = in_pool(LETTERS[name])
        assert hashlib.sha256(elsewhere.pdf).hexdigest() == hashlib.sha256(files[name].pdf).hexdigest()


def test_threads_may_ask_at_the_same_time(files: dict[str, Rendered]) -> None:
    names = ["receipt.en", "receipt.zh_Hans", "statement.en"] * 2
    with ThreadPoolExecutor(3) as threads:
        made = list(threads.map(lambda name: in_pool(LETTERS[name]), names))
    assert [each.pdf for each in made] == [files[name].pdf for name in names]


def test_a_letter_that_takes_too_long_is_given_up_and_the_next_one_works() -> None:
    with pytest.raises(RenderTimeout):
        in_pool(a_letter(a_statement(lines=400)), timeout=0.3)
    assert in_pool(LETTERS["receipt.en"]).pages >= 1


def test_a_drawing_process_that_dies_is_replaced() -> None:
    executor = pdf.POOL.executor()
    with pytest.raises(BrokenProcessPool):
        executor.submit(os.abort).result(timeout=10)
    assert in_pool(LETTERS["receipt.en"]).pages >= 1


PROGRAM = """
import multiprocessing, os, sys
from portal.letters import pdf
from tests.letters.examples import a_letter, a_receipt, environment
if __name__ == "__main__":
    letter = a_letter(a_receipt())
    pdf.render(template=letter.template, letter=letter, environment=environment("en"), language="en")
    print(*pdf.POOL.executor()._processes, pdf.POOL._scratch.name, flush=True)
    if sys.argv[1] == "wait":
        sys.stdin.read()
"""


def test_nothing_is_left_behind_when_the_program_ends(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "end"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    *workers, scratch = done.stdout.split()
    assert done.stderr == ""
    assert not Path(scratch).exists()
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


def test_drawing_processes_do_not_outlive_a_killed_parent() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "wait"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        *workers, scratch = parent.stdout.readline().split()
        assert workers
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait(timeout=5)
    until = time.monotonic() + 5
    while any(Path(f"/proc/{worker}").exists() for worker in workers) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert not Path(scratch).exists()


def test_a_qr_code_is_drawn_only_when_there_is_an_address_to_check() -> None:
    assert "<svg" not in html(a_letter(a_receipt()))
    page = html(a_letter(a_receipt(), verify_url="https://pay.harbour.example/check-a-letter/LT-7K3M-2Q9P"))
    assert "<title>QR: https://pay.harbour.example/check-a-letter/LT-7K3M-2Q9P</title>" in page
    assert rendered(a_letter(a_receipt(), verify_url="https://x.example/c?<script>")).pages >= 1


def test_long_names_and_addresses_stay_on_the_page() -> None:
    long = "Wolfeschlegelsteinhausenbergerdorff" * 8
    made = rendered(
        a_letter(
            a_plan(),
            debtor_name=long,
            lender=examples.the_lender(name=long, legal_name=long, website="https://" + long + ".example"),
        )
    )
    boxes = subprocess.run(["pdftotext", "-bbox", "-", "-"], input=made.pdf, capture_output=True, check=True).stdout
    edges = [float(part.split('"')[0]) for part in boxes.decode().split('xMax="')[1:]]
    assert max(edges) <= 595.3
    assert json.loads(PdfReader(BytesIO(made.pdf)).attachments["LT-7K3M-2Q9P.json"][0])["letter"]["debtor_name"] == long


def test_a_second_language_stands_behind_the_first_and_says_which_it_is() -> None:
    letter = examples.a_letter_in("es_MX", a_receipt(), beside="zh_Hant")
    made = pdf.render_here(
        template=letter.template,
        letter=letter,
        environment=environment("es_MX"),
        language="es_MX",
        beside=environment("zh_Hant"),
    )
    first, *_between, last = written(made.pdf).split("\f")[:-1]
    assert "Hemos recibido su pago" in first and "USD3,450.00" in first and "Página 1 de" in first
    assert "我們已收到您的付款" in last or "本收據不會改變任何信用紀錄" in last
    root = PdfReader(BytesIO(made.pdf)).trailer["/Root"]
    parts = [part.get_object() for part in root["/StructTreeRoot"]["/K"][0]["/K"]]
    assert root["/Lang"] == "es-MX"
    assert {part.get("/Lang") for part in parts if part["/S"] == "/Art"} == {"zh-Hant"}
    assert not any(part.get("/Lang") for part in parts if part["/S"] != "/Art")
    with pytest.raises(pdf.WrongLanguage):
        pdf.write_html(template=letter.template, letter=letter, environment=environment("es_MX"), language="es_MX")
