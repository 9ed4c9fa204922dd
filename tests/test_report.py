"""What people read after grading says what the marks say, in their language."""

import csv
import html
import io
import json
import os
import re
import shutil

import pytest

from common.check import attention as check
from common.lang import use_language
from tools.grading import GradingError, assign, report
from tools.lessons import LANGUAGES

LESSON = "01-attention"
POINTS = assign.points_of(assign.read_source(assign.ROOT / "lessons" / LESSON / "exercises.py"))
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NAMES = {"asha": "आशा वर्मा", "index": "index", "evil": "=HYPERLINK(<b>)"}


def entry(name, status, lang, mistake=None):
    """What grading writes of one exercise."""
    exercise = check.sheet.exercises[name]
    use_language(lang)
    says = next((m.says() for m in exercise.mistakes if m.id == mistake), "")
    points = POINTS[name] if status == "right" else 0
    return {
        "status": status,
        "points": points,
        "max": POINTS[name],
        "mistake_id": mistake,
        "message": f"{says} <i>&" if says else "",
    }


def marks(student, lang, **exercises):
    all_of_them = {name: entry(name, "right", lang) for name in POINTS} | exercises
    return {
        "student": student,
        "lesson": LESSON,
        "lang": lang,
        "seconds": 1.0,
        "notes": ["दो <प्रतियाँ> मिलीं।"] if lang == "hi" else [],
        "exercises": all_of_them,
        "total": sum(e["points"] for e in all_of_them.values()),
        "max": sum(POINTS.values()),
    }


def fill(folder, lang):
    """A class of three, as assign, collect and grade leave it."""
    folder.mkdir()
    course = {"lesson": LESSON, "lang": lang, "seed": 1, "version": "0", "points": POINTS}
    wrong = {"softmax": entry("softmax", "wrong", "hi", check.softmax.mistakes[0].id)}
    lost = {"decoder_mask": entry("decoder_mask", "stopped", "en")}
    lost |= {"merge_heads": entry("merge_heads", "todo", "en")}
    lost |= wrong | {"split_heads": entry("split_heads", "error", "en", "error")}
    written = {
        "course.json": course,
        "collected.json": [
            {"file": "a.ipynb", "student": NAMES["asha"], "notes": []},
            {"file": "essay.pdf", "student": "", "notes": [{"hi": "यह PDF है।", "en": "A PDF."}]},
        ],
        "marks/asha.json": marks(NAMES["asha"], "hi", **wrong),
        "marks/evil.json": marks(NAMES["evil"], "en", **lost),
        "marks/index.json": marks(NAMES["index"], "en"),
    }
    for name, content in written.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    return folder


@pytest.fixture(scope="module", params=LANGUAGES)
def reported(request, tmp_path_factory):
    folder = fill(tmp_path_factory.mktemp("report") / "class", request.param)
    (folder / "report").mkdir()
    (folder / "report" / "gone.html").write_text("a student who is no longer there")
    assert report.main([str(folder)]) == 0
    return folder, request.param


def shown(page):
    """The text of a page, without its marks."""
    return html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.S))


def test_the_table_opens_in_excel_and_holds_every_mark(reported):
    folder, _ = reported
    data = (folder / "report" / "marks.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert list(rows[0]) == ["student", "lang", *POINTS, "total", "max", "notes"]
    by_name = {row["student"]: row for row in rows}
    assert by_name[NAMES["asha"]]["softmax"] == "0"
    assert by_name[NAMES["asha"]]["total"] == "26" and by_name["index"]["total"] == "27"
    assert "'" + NAMES["evil"] in by_name  # no formula
    for row in rows:
        assert sum(float(row[name]) for name in POINTS) == float(row["total"])


def test_each_student_reads_what_was_wrong_in_their_own_language(reported):
    folder, _ = reported
    out = folder / "report"
    assert sorted(path.name for path in out.iterdir()) == [
        "asha.html",
        "evil.html",
        "index.html",
        "index_.html",
        "marks.csv",
    ]
    asha, evil = ((out / f"{name}.html").read_text("utf-8") for name in ("asha", "evil"))
    assert '<html lang="hi">' in asha and '<html lang="en">' in evil
    use_language("hi")
    assert check.softmax.mistakes[0].says() + " <i>&" in shown(asha)
    assert "26 / 27 अंक" in shown(asha) and "दो <प्रतियाँ> मिलीं।" in shown(asha)
    assert NAMES["evil"] in shown(evil) and "<b>)" not in evil
    for words in (state[2] for name, state in report.STATES.items() if name != "missing"):
        assert words in evil
    assert len(re.findall("<li><h3>", evil)) == len(POINTS)


def test_the_class_page_counts_solved_and_names_the_mistakes(reported):
    folder, lang = reported
    page = (folder / "report" / "index.html").read_text("utf-8")
    assert f'<html lang="{lang}">' in page
    use_language(lang)
    row = re.search(r"<tr>(?:(?!<tr>).)*<code>softmax</code>.*?</tr>", page, re.S)[0]
    assert report.text("of", lang, some=1, count=3) in row and ">8<" in row
    assert f"{check.softmax.mistakes[0].says()} (2)" in shown(row)
    assert f"{report.OTHER['stopped'][lang == 'en']} (1)" in page
    assert report.text("tried", lang, todo=1) in page
    assert {"hi": "essay.pdf: यह PDF है।", "en": "essay.pdf: A PDF."}[lang] in page
    label = re.search(r'<svg[^>]*role="img" aria-label="([^"]+)"', page)[1]
    assert "70–80 %: 1" in label and "90–100 %: 2" in label and "0–10 %: 0" in label
    for link in re.findall(r'href="([^"]+)"', page):
        assert (folder / "report" / link).is_file()


def test_pages_need_nothing_from_elsewhere(reported):
    folder, _ = reported
    for path in (folder / "report").glob("*.html"):
        assert not re.search(r"https?:|//|url\(|<script|<link|src=", path.read_text("utf-8"))


def test_nbgrader_shows_the_same_marks_also_after_a_change(reported):
    assign.find_programs()
    from nbgrader.api import Gradebook

    folder, _ = reported
    address = f"sqlite:///{folder / 'gradebook.db'}"

    def scores():
        with Gradebook(address, assign.COURSE) as book:
            found = {s["student"]: s["score"] for s in book.submission_dicts(LESSON)}
            grade = book.find_grade("softmax-check", "exercises", LESSON, NAMES["asha"])
            return found, grade.score

    wanted = {NAMES["asha"]: 26, NAMES["evil"]: 27 - 1 - 2 - 2 - 2, NAMES["index"]: 27}
    assert scores() == (wanted, 0)
    path = folder / "marks" / "asha.json"
    old = path.read_text("utf-8")
    path.write_text(json.dumps(marks(NAMES["asha"], "hi")), "utf-8")
    report.report(folder)
    path.write_text(old, "utf-8")
    assert scores() == (wanted | {NAMES["asha"]: 27}, 1)


def test_without_marks_or_course_it_says_what_to_do_first(tmp_path, capsys):
    assert report.main([str(tmp_path)]) == 1
    assert "course.py assign" in capsys.readouterr().err
    (tmp_path / "course.json").write_text("{}")
    with pytest.raises(GradingError, match=r"course\.py grade"):
        report.report(tmp_path)


def test_every_text_is_in_both_languages():
    for table, start in ((report.TEXT, 0), (report.OTHER, 0), (report.STATES, 1)):
        for pair in table.values():
            hindi, english = pair[start:]
            assert re.search("[ऀ-ॿ]", hindi) and not re.search("[ऀ-ॿ]", english)


def test_pages_are_accessible_and_fit_a_phone(reported):
    if not CHROMIUM:
        missing = "no Chromium on this machine"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    folder, _ = reported
    arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport={"width": 360, "height": 700}, color_scheme=scheme)
            for name in ("index", "asha", "evil"):
                page.goto((folder / "report" / f"{name}.html").as_uri())
                assert Axe().run(page).response["violations"] == []
                assert page.evaluate("document.documentElement.scrollWidth") <= 360
        browser.close()
