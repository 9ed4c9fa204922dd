"""The quiz in a real browser, as learners use it: by mouse, by keyboard alone, in both languages.

Needs Chromium. Without it the tests are skipped on a developer's machine and fail under CI.
"""

import os
import shutil
from collections.abc import Iterator

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from common import quiz
from common.quiz import say

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
LESSON = "01-attention"
QUIZ = quiz.load(LESSON)
LESSONS = sorted(path.stem for path in quiz.QUIZZES.glob("*.yml"))
LANGUAGES = ("hi", "en")
RIGHT = {"hi": "✔ सही", "en": "✔ Right"}
WRONG = {"hi": "✘ सही नहीं है", "en": "✘ Not right"}

# What JupyterLab does: its shortcuts take a key before the element that has the focus.
GREEDY_HOST = """document.addEventListener("keydown", event => {
  if (/^(Arrow|Enter)/.test(event.key) && !event.target.dataset.lmSuppressShortcuts) {
    event.preventDefault(); event.stopImmediatePropagation();
  }
}, true);"""


@pytest.fixture(scope="module")
def browser() -> Iterator:
    if not CHROMIUM:
        missing = "no Chromium on this machine"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, tmp_path) -> Iterator:
    """visit(html, **context options) opens a page from a file; errors and outside requests fail."""
    contexts, faults = [], []

    def open_page(html: str, name: str = "page.html", same: bool = False, **options):
        (tmp_path / name).write_text(html, encoding="utf-8")
        if not same or not contexts:
            contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(5000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.route("**/*", keep_home)
        page.goto((tmp_path / name).as_uri())
        return page

    def keep_home(route):
        if route.request.url.startswith(("file:", "data:", "about:")):
            route.continue_()
        else:
            # nbconvert's own template asks for MathJax and require.js
            faults.extend([] if "cdnjs" in route.request.url else [route.request.url])
            route.abort()

    yield open_page
    for context in contexts:
        context.close()
    assert not faults


def ask(page, question_id: str):
    return page.locator(f'form[data-id="{question_id}"]')


def reply(form) -> str:
    return form.locator(".reply").text_content()


def plain(text: str | dict, language: str) -> str:
    return say(text, language).replace("`", "")


def find(question_id: str) -> dict:
    return next(q for part in quiz.PARTS for q in QUIZ[part] if q["id"] == question_id)


def answer(form, question: dict, right: bool) -> list[dict]:
    """Answer by mouse, rightly or wrongly; gives what the reasons must come from."""
    if "options" not in question:
        entry = question if right else question["wrong"][-1]
        form.locator("input").fill(str(entry["answer"]))
        entries = [entry]
    else:
        options = list(enumerate(question["options"]))
        chosen = [i for i, option in options if ("correct" in option) == right]
        chosen = chosen if right else chosen[-1:]
        for i, _ in options:
            box = form.locator("label").nth(i)
            if box.locator("input").is_checked() != (i in chosen):
                box.click() if i in chosen or question["kind"] == "multiple" else None
        entries = [question["options"][i] for i in chosen]
        if question["kind"] == "multiple" and not right:
            entries += [option for _, option in options if "correct" in option]
    form.get_by_role("button").click()
    return entries


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("part", quiz.PARTS)
@pytest.mark.parametrize("lesson", LESSONS)
def test_mouse_wrong_then_right_gives_the_reasons_and_the_score(visit, lesson, part, language):
    page = visit(quiz.page(lesson, part, language))
    questions = quiz.load(lesson)[part]
    assert page.locator("form").count() == len(questions)
    for right in (False, True):
        for question in questions:
            form = ask(page, question["id"])
            reasons = answer(form, question, right)
            said = reply(form)
            assert said.startswith((RIGHT if right else WRONG)[language]), question["id"]
            for entry in reasons:
                assert plain(entry["why"], language) in said, question["id"]
            others = [o for o in question.get("options", []) if o not in reasons]
            assert not any(plain(o["why"], language) in said for o in others)
        score = page.locator(".score").text_content()
        n, done = len(questions), len(questions) if right else 0
        wanted = {"hi": f"अंक: {n} में से {done} ", "en": f"Score: {done} of {n} "}
        assert score.startswith(wanted[language])
    page.locator(".again").click()
    assert page.locator("form[data-state]").count() == 0
    assert page.locator("input:checked").count() == 0
    assert page.locator("details:visible").count() == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_keyboard_alone_is_enough_even_where_the_host_wants_the_keys(visit, language):
    page = visit(quiz.page(LESSON, "before", language) + f"<script>{GREEDY_HOST}</script>")
    key = page.keyboard.press

    def here() -> str:
        """Id of the question with the focus; the focus must be visible."""
        style = "getComputedStyle(document.activeElement)"
        assert page.evaluate(f"{style}.outlineStyle") == "solid"
        assert page.evaluate(f"parseFloat({style}.outlineWidth)") >= 2
        return page.evaluate("document.activeElement.closest('form')?.dataset.id")

    key("Tab")
    assert here() == "dot-product"
    page.keyboard.type("7")
    key("Enter")
    form = ask(page, "dot-product")
    assert reply(form).startswith(WRONG[language])
    key("Control+a")
    page.keyboard.type("5")
    assert reply(form) == ""
    key("Tab")
    assert here() == "dot-product"
    key("Enter")
    assert reply(form).startswith(RIGHT[language])
    key("Tab")
    key("Enter")
    assert form.locator("details[open] li").first.is_visible()

    key("Tab")
    assert here() == "softmax-shift"
    key("Space")
    key("ArrowDown")
    key("ArrowDown")
    key("Enter")
    assert reply(ask(page, "softmax-shift")).startswith(RIGHT[language])

    for _ in range(20):
        if here() == "sampling":
            break
        key("Tab")
    for i in range(4):
        if i in (0, 3):
            key("Space")
        key("Tab")
    key("Space")
    assert reply(ask(page, "sampling")).startswith(RIGHT[language])
    assert "3" in page.locator(".score").text_content()
    key("Tab")
    key("Tab")
    key("Enter")
    assert here() == "dot-product" and page.locator("form[data-state]").count() == 0


NUMBERS = {
    "weighted-mean": ["17.5", "17,5", "१७.५", " १७,५० ", "35/2", "+17.50", "1.75e1", "17.509"],
    "head-weights": ["256", "२५६", "2 5 6", "256.0"],
    "root-d": ["8", "8.04"],
}


@pytest.mark.parametrize("question_id", NUMBERS)
def test_numbers_are_read_as_people_write_them(visit, question_id):
    part = "before" if find(question_id) in QUIZ["before"] else "after"
    page = visit(quiz.page(LESSON, part, "en"))
    form = ask(page, question_id)

    def give(text: str) -> str:
        form.locator("input").fill(text)
        form.get_by_role("button").click()
        return reply(form)

    for text in NUMBERS[question_id]:
        assert give(text).startswith("✔"), text
    for text in ("17.52", "-17.5", "1,750", "8.06", "0x100"):
        assert not give(text).startswith("✔"), text
    for text in ("abc", "1/2/3", "17.5.", "--8"):
        assert give(text).startswith("Write a number"), text
    assert give("  ").startswith("Give an answer first")
    assert "answered: 0" in page.locator(".score").text_content()
    assert plain(find(question_id)["hint"], "en") in give("123456")


@pytest.mark.parametrize(
    ("question_id", "text", "mark"),
    [
        ("masked-row", " NaN ", "✔"),
        ("masked-row", "१.०", "✘ … The sum is 1"),
        ("cross-shape", "[3,5]", "✔"),
        ("cross-shape", "[ ३, १६ ]", "✘ … That is the shape"),
        ("mean-pooling", "0", "✔"),
        ("mean-pooling", "-0,00", "✔"),
        ("mask-meaning", "5", "✘ … You read True as blocked"),
        ("mask-meaning", "nothing", "✘ … Which values may"),
    ],
)
def test_a_predicted_output_may_differ_in_spaces_case_and_digits(visit, question_id, text, mark):
    page = visit(quiz.page(LESSON, "after", "en"))
    form = ask(page, question_id)
    form.locator("input").fill(text)
    form.get_by_role("button").click()
    start, _, reason = mark.partition(" … ")
    assert reply(form).startswith(start) and reason in reply(form)


def test_a_multiple_answer_names_what_was_chosen_wrongly_and_what_was_missed(visit):
    page = visit(quiz.page(LESSON, "before", "en"))
    form = ask(page, "sampling")
    form.locator("input").nth(1).check()
    form.locator("input").nth(3).check()
    form.get_by_role("button").click()
    paragraphs = form.locator(".reply p").all_text_contents()
    assert len(paragraphs) == 3
    assert paragraphs[1].startswith("A – you missed it")
    assert paragraphs[2].startswith("B – you chose it")
    form.get_by_role("button").click()
    assert form.locator(".reply p").count() == 3, "a second click must not double the reply"
    form.locator("input").nth(0).check()
    assert reply(form) == "" and form.get_attribute("data-state") is None


# --- where a quiz may stand


def test_answers_are_kept_for_both_languages(visit):
    page = visit(quiz.page(LESSON, "before", "en"))
    answer(ask(page, "dot-product"), find("dot-product"), right=False)
    answer(ask(page, "sampling"), find("sampling"), right=True)
    page = visit(quiz.page(LESSON, "before", "hi"), same=True)
    assert reply(ask(page, "dot-product")).startswith(WRONG["hi"])
    assert reply(ask(page, "sampling")).startswith(RIGHT["hi"])
    page.locator(".again").click()
    page.reload()
    assert page.locator("form[data-state]").count() == 0


@pytest.mark.parametrize("kept", ["{", "null", "[]", '{"dot-product": 5, "sampling": [9]}', "7"])
def test_spoilt_memory_does_no_harm(visit, kept):
    page = visit(quiz.page(LESSON, "before", "en"))
    key = page.locator(".srijan-quiz").get_attribute("data-remember")
    page.evaluate("([key, kept]) => localStorage.setItem(key, kept)", [key, kept])
    page.reload()
    answer(ask(page, "feature-map"), find("feature-map"), right=True)
    assert reply(ask(page, "feature-map")).startswith("✔")


def test_a_sandboxed_frame_without_storage_works(visit):
    inner = quiz.page(LESSON, "before", "hi").replace("&", "&amp;").replace('"', "&quot;")
    frame = f'<iframe title="quiz" sandbox="allow-scripts" srcdoc="{inner}"></iframe>'
    page = visit(f"<!doctype html><title>x</title>{frame}")
    handle = page.locator("iframe").element_handle().content_frame()
    assert handle.evaluate("(() => { try { localStorage; } catch { return 'refused'; } })()")
    form = page.frame_locator("iframe").locator('form[data-id="dot-product"]')
    form.locator("input").fill("५")
    form.locator("input").press("Enter")
    assert reply(form).startswith(RIGHT["hi"])
    form.locator("input").fill("7")
    form.get_by_role("button").click()
    assert reply(form).startswith(WRONG["hi"])


def test_without_scripts_it_reads_well_and_folds_the_answers(visit):
    page = visit(quiz.html(QUIZ, "before", "en"), java_script_enabled=False)
    form = ask(page, "sampling")
    assert page.get_by_text("Run this notebook to answer here").is_visible()
    assert page.get_by_role("button").count() == 0 and form.locator("input").first.is_disabled()
    reason = form.locator("li").first
    assert not reason.is_visible()
    form.locator("summary").click()
    assert reason.is_visible() and reason.text_content().startswith("Right:")


def converted(theme: str = "light") -> str:
    """A notebook with three stored quizzes, two of them the same, as nbconvert's HTML."""
    from nbconvert import HTMLExporter

    cells = [new_markdown_cell("# A notebook"), new_markdown_cell("## Its quizzes")]
    for part, language in (("before", "hi"), ("before", "en"), ("before", "en")):
        data = {
            "text/html": quiz.html(QUIZ, part, language),
            "text/plain": quiz.text(QUIZ, part, language),
        }
        cells.append(new_code_cell("…", outputs=[new_output("display_data", data)]))
    notebook = nbformat.from_dict(new_notebook(cells=cells))
    return HTMLExporter(theme=theme).from_notebook_node(notebook)[0]


def test_quizzes_in_a_converted_notebook_do_not_disturb_each_other(visit):
    page = visit(converted())
    assert page.locator(".srijan-quiz[data-live]").count() == 3
    for i, verdict in ((2, RIGHT["en"]), (0, RIGHT["hi"])):
        one = page.locator(".srijan-quiz").nth(i)
        form = one.locator('form[data-id="softmax-shift"]')
        assert form.get_by_role("button").count() == 1
        form.locator("input").nth(2).check()
        form.get_by_role("button").click()
        assert reply(form).startswith(verdict)
    middle = page.locator(".srijan-quiz").nth(1)
    assert middle.locator("input:checked").count() == 0
    assert middle.locator("form[data-state]").count() == 0


# --- for everyone


def violations(page, context: str | None = None) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context=context).response
    assert found["passes"], "axe looked at nothing"
    return [f"{v['id']}: {n['html'][:120]}" for v in found["violations"] for n in v["nodes"]]


def colour(page, selector: str) -> str:
    return page.locator(selector).first.evaluate("e => getComputedStyle(e).backgroundColor")


def rgb(name: str, scheme: str) -> str:
    hexadecimal = quiz.COLOURS[name][scheme == "dark"].lstrip("#")
    return f"rgb{tuple(bytes.fromhex(hexadecimal))}"


@pytest.mark.parametrize(("language", "width"), [("hi", 360), ("en", 1000)])
@pytest.mark.parametrize("lesson", LESSONS)
def test_axe_finds_nothing_before_and_after_answers(visit, lesson, language, width):
    page = visit(quiz.page(lesson, "after", language), viewport={"width": width, "height": 800})
    assert violations(page) == []
    for i, question in enumerate(quiz.load(lesson)["after"]):
        answer(ask(page, question["id"]), question, right=bool(i % 2))
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert colour(page, "body") == rgb("panel", scheme)
        assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("theme", "system"), [("light", "dark"), ("dark", "light")])
def test_axe_finds_nothing_in_a_notebook_and_its_theme_wins_over_the_system(visit, theme, system):
    page = visit(converted(theme), color_scheme=system)
    for question_id, right in (("dot-product", True), ("softmax-shift", False)):
        form = page.locator(".srijan-quiz").first.locator(f'form[data-id="{question_id}"]')
        answer(form, find(question_id), right)
    assert colour(page, ".srijan-quiz form") == rgb("card", theme)
    assert colour(page, ".srijan-quiz legend code") == rgb("code", theme)
    assert violations(page, ".srijan-quiz") == []


def test_a_screen_reader_hears_question_options_and_result(visit):
    page = visit(quiz.page(LESSON, "before", "en"))
    group = page.get_by_role("group", name="softmax turns the scores")
    option = group.get_by_role("radio", name="C They stay the same.")
    option.check()
    group.get_by_role("button", name="Check the answer").click()
    assert page.get_by_role("status").filter(has_text="Right").count() == 1
    assert page.get_by_role("textbox", name="Your answer:").count() == 2
    assert page.get_by_role("group", name="Quiz before the lesson").count() == 1
