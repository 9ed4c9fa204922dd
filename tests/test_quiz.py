"""The quiz files are right, wrong ones are named, and the exports say what the files say."""

import contextlib
import copy
import io
import itertools
import re
import unicodedata
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
import yaml

from common import lang, quiz
from tools import quiz_export

LESSONS = sorted(path.stem for path in quiz.QUIZZES.glob("*.yml"))
GLOSSARY = Path(quiz.__file__).with_name("glossary.yml")
QUESTIONS = [
    pytest.param(question, id=f"{lesson}-{question['id']}")
    for lesson in LESSONS
    for part in quiz.PARTS
    for question in yaml.safe_load((quiz.QUIZZES / f"{lesson}.yml").read_text("utf-8"))[part]
]
COMPUTED = ("number", "predict")


def prints(code: str) -> str:
    """What a piece of code prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "quiz", "exec"), {"__name__": "quiz"})
    return out.getvalue().strip()


def prose(value: object):
    """Every {en, hi} inside a quiz."""
    if isinstance(value, dict):
        if value.keys() == {"en", "hi"}:
            yield value
        else:
            yield from itertools.chain.from_iterable(map(prose, value.values()))
    elif isinstance(value, list):
        yield from itertools.chain.from_iterable(map(prose, value))


# --- the questions that ship


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_has_enough_questions_and_half_of_them_are_computed(lesson):
    parts = quiz.load(lesson)
    assert len(parts["before"]) >= 4 and len(parts["after"]) >= 8
    computed = [question["kind"] in COMPUTED for question in parts["after"]]
    assert sum(computed) * 2 >= len(computed)


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_right_option_has_no_favourite_place(lesson):
    parts = quiz.load(lesson)
    singles = [q for part in quiz.PARTS for q in parts[part] if q["kind"] == "single"]
    places = [["correct" in o for o in q["options"]].index(True) for q in singles]
    assert len(set(places)) > 1 or len(places) < 2


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_computed_answer_is_the_stated_one(question):
    if question["kind"] == "predict":
        code = question["code"]
        assert prints(code) == question["answer"]
        assert len(code.splitlines()) <= 8 and max(map(len, code.splitlines())) <= 72
        assert set(re.findall(r"^(?:import|from) (\w+)", code, re.MULTILINE)) <= {"torch"}
    elif question["kind"] == "number":
        near = question.get("tolerance", 0) + 1e-9
        assert float(prints(question["proof"])) == pytest.approx(question["answer"], abs=near)


@pytest.mark.parametrize("lesson", LESSONS)
def test_hindi_is_nfc_ends_its_sentences_and_uses_no_banned_form(lesson):
    banned = yaml.safe_load(GLOSSARY.read_text("utf-8"))["banned"]
    for text in prose(quiz.load(lesson)):
        hindi = text["hi"]
        assert unicodedata.is_normalized("NFC", hindi)
        assert hindi.endswith(("।", "?", "।)")), hindi
        for entry in banned:
            form = f"(?<![\u0900-\u097f])(?:{entry['form']})(?![\u0900-\u0963])"
            assert not re.search(form, hindi), (entry["form"], hindi)


# --- wrong files

GOOD = yaml.safe_load("""
lesson: 09-test
before:
  - id: one
    kind: single
    text: {en: "Which `x`?", hi: "कौन-सा `x`?"}
    options:
      - {text: "`x = {1: 2}`", correct: true, why: {en: "Yes.", hi: "हाँ।"}}
      - {text: "0.5", why: {en: "No.", hi: "नहीं।"}}
  - id: some
    kind: multiple
    text: {en: "Which ones?", hi: "कौन-से?"}
    options:
      - {text: {en: "A ~ b", hi: "क ~ ख"}, correct: true, why: {en: "Yes: #1.", hi: "हाँ: #1।"}}
      - {text: {en: "C = d", hi: "ग = घ"}, correct: true, why: {en: "Yes.", hi: "हाँ।"}}
      - {text: {en: "E -> f", hi: "च -> छ"}, correct: true, why: {en: "Yes.", hi: "हाँ।"}}
      - {text: {en: "50% <b>", hi: "50% <b>"}, why: {en: "No.", hi: "नहीं।"}}
after:
  - id: count
    kind: number
    text: {en: "How many & why?", hi: "कितने & क्यों?"}
    answer: 0.5
    tolerance: 0.1
    why: {en: "Half: `1/2 = 0.5`.", hi: "आधा: `1/2 = 0.5`।"}
    hint: {en: "Divide.", hi: "भाग दीजिए।"}
    wrong:
      - {answer: -2, why: {en: "Minus.", hi: "ऋण।"}}
  - id: output
    kind: predict
    text: {en: "What is printed?", hi: "क्या छपेगा?"}
    code: |
      text = {"a": "~#\\n"}  # a comment: {braces}

      print(f"{len(text)} * {text['a'] != ':'}" if 1 < 2 else "//")
    answer: "1 * True"
    why: {en: "One & true.", hi: "एक & सच।"}
    hint: {en: "Count.", hi: "गिनिए।"}
    wrong:
      - {answer: "[2]", why: {en: "No list.", hi: "सूची नहीं।"}}
""")


def written(folder: Path, content: object) -> Path:
    path = folder / "09-test.yml"
    text = content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True)
    path.write_text(text, encoding="utf-8")
    return folder


def test_a_good_file_loads(tmp_path):
    assert quiz.load("09-test", written(tmp_path, GOOD)) == GOOD


def drop(*path):
    def change(content):
        *way, last = path
        for step in way:
            content = content[step]
        del content[last]

    return change


def put(value, *path):
    def change(content):
        *way, last = path
        for step in way:
            content = content[step]
        content[last] = value

    return change


ERRORS = [
    (drop("after"), "the file", "'after' is a required"),
    (put("10-other", "lesson"), "lesson", "the file is 09-test.yml"),
    (put("choice", "before", 0, "kind"), "before/one/kind", "'choice' is not one of"),
    (put("One", "before", 0, "id"), "before/One/id", "does not match"),
    (put("some", "before", 0, "id"), "some", "2 questions have this id"),
    (drop("before", 0, "text", "hi"), "before/one/text", "'hi' is a required"),
    (drop("before", 0, "options", 1, "why"), "before/one/options/1", "'why' is a required"),
    (put("x", "before", 0, "hint"), "before/one", "'hint' was unexpected"),
    (put("Yes", "before", 0, "options", 1, "text"), "before/one/options/1/text", "prose is {en"),
    (put(False, "before", 0, "options", 1, "correct"), "before/one", "only right options"),
    (put(True, "before", 0, "options", 1, "correct"), "before/one", "one right option, not 2"),
    (drop("before", 0, "options", 0, "correct"), "before/one", "one right option, not 0"),
    (put(True, "before", 1, "options", 3, "correct"), "before/some", "4 of 4 options are right"),
    (put("Why `x", "before", 0, "text", "en"), "before/one", "a backtick is not closed"),
    (put("कौन-सा `क`?", "before", 0, "text", "hi"), "before/one", "Devanagari inside backticks"),
    (put("कौन-सा?", "before", 0, "text", "hi"), "before/one", "differ in their code: x"),
    (put("Why $x$?", "before", 0, "text", "en"), "before/one", "no $"),
    (put("0.5", "after", 0, "answer"), "after/count/answer", "not of type 'number'"),
    (put(0.55, "after", 0, "wrong", 0, "answer"), "after/count", "cannot be told apart"),
    (drop("after", 0, "hint"), "after/count", "'hint' is a required"),
    (drop("after", 0, "wrong"), "after/count", "'wrong' is a required"),
    (put("print(", "after", 0, "proof"), "after/count", "is not Python"),
    (put(1, "after", 1, "answer"), "after/output/answer", "in quotes"),
    (drop("after", 1, "code"), "after/output", "'code' is a required"),
    (put("1*TRUE", "after", 1, "wrong", 0, "answer"), "after/output", "cannot be told apart"),
]


@pytest.mark.parametrize(("change", "place", "problem"), ERRORS, ids=lambda value: str(value)[:30])
def test_a_wrong_file_is_refused_with_file_place_and_problem(tmp_path, change, place, problem):
    content = copy.deepcopy(GOOD)
    change(content)
    with pytest.raises(quiz.QuizError) as error:
        quiz.load("09-test", written(tmp_path, content))
    lines = str(error.value).splitlines()
    assert all(line.startswith("09-test.yml: ") for line in lines)
    assert any(line.split(": ")[1].startswith(place) and problem in line for line in lines), lines


def test_what_is_no_yaml_is_refused_with_its_line(tmp_path):
    with pytest.raises(quiz.QuizError, match=r"09-test\.yml: .*(?s:.)*line 2"):
        quiz.load("09-test", written(tmp_path, "lesson: x\nbefore: `\n"))


def test_an_unknown_quiz_names_the_known_ones(tmp_path):
    with pytest.raises(quiz.QuizError, match=r"08-none\.yml.*09-test"):
        quiz.load("08-none", written(tmp_path, GOOD))


# --- what a notebook stores


@pytest.mark.parametrize("language", lang.LANGUAGES)
@pytest.mark.parametrize("part", quiz.PARTS)
@pytest.mark.parametrize("lesson", LESSONS)
def test_html_is_small_repeatable_and_needs_nothing_from_elsewhere(lesson, part, language):
    content = quiz.load(lesson)
    html = quiz.html(content, part, language)
    assert html == quiz.html(content, part, language)
    assert len(html.encode()) < 40 * 1024
    assert not re.search(r"https?:|//cdn|@import|url\(|\sid=", html)
    assert f'lang="{language}"' in html and "data-remember" not in html


def test_html_speaks_the_language_asked_for_and_leaves_the_notebooks_language():
    lang.use_language("en")
    html = quiz.html(GOOD, "before", "hi")
    assert lang.language() == "en" and "कौन-सा" in html and "जवाब जाँचिए" in html
    assert "Which" not in html and "Check the answer" not in html


def test_html_escapes_what_the_writer_wrote():
    html = quiz.html(GOOD, "before", "en") + quiz.html(GOOD, "after", "en")
    assert "50% &lt;b&gt;" in html and "50% <b>" not in html
    assert "if 1 &lt; 2" in html and "How many &amp; why?" in html


def test_show_gives_html_and_text_in_the_notebooks_language(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    lang.use_language("hi")
    quiz.show("01-attention", "before")
    lang.use_language("en")
    assert shown[0].keys() == {"text/html", "text/plain"}
    assert 'lang="hi"' in shown[0]["text/html"] and "डॉट प्रोडक्ट" in shown[0]["text/plain"]


def test_plain_text_has_questions_options_and_code_but_no_answer():
    text = quiz.text(GOOD, "before", "en") + quiz.text(GOOD, "after", "en")
    for piece in ("1. Which", "B. 0.5", "What is printed?", "print(f"):
        assert piece in text
    assert "Half" not in text and "Yes" not in text


def test_an_unknown_part_is_refused():
    with pytest.raises(ValueError, match="before and after"):
        quiz.html(GOOD, "during", "en")


# --- exports

# the shares of the marks that Moodle accepts, in percent
SHARES = {100, 90, 83.33333, 80, 75, 70, 66.66667, 60, 50, 40, 33.33333, 30, 25, 20, 16.66667}
SHARES |= {14.28571, 12.5, 11.11111, 10, 5, 0}


def read_gift(text: str) -> dict[str, SimpleNamespace]:
    """A GIFT reader for what the course writes: question name -> kind, text, answers, general.

    Works in Moodle's order: hide escaped signs, cut at the bare ones, show the escaped again.
    """
    hidden = {rf"\{sign}": chr(0xE000 + i) for i, sign in enumerate("\\~=#{}:n")}
    for escaped, stand_in in hidden.items():
        text = text.replace(escaped, stand_in)

    def shown(piece: str) -> str:
        for escaped, stand_in in hidden.items():
            piece = piece.replace(stand_in, "\n" if escaped == r"\n" else escaped[1])
        return piece.strip()

    questions, category = {}, None
    for block in re.split(r"\n\s*\n", text.strip()):
        if block.startswith("$CATEGORY:"):
            category = block.removeprefix("$CATEGORY:").strip()
            continue
        name, stem, body = re.fullmatch(r"::(.*?)::\[html\](.*?)\{(.*)\}", block, re.S).groups()
        body, general = body.strip().rsplit("####", 1)
        kind = "shortanswer"
        if body.startswith("#"):
            kind, body = "numerical", body[1:]
            body = body.replace("~#", "=%0%*#")
        elif "~" in body:
            kind = "multichoice" if "=" in body else "multichoice, several"
            body = body.replace("=", "~%100%").replace("~", "=")
        answers = []
        for answer in filter(None, map(str.strip, body.split("="))):
            share, given, feedback = re.fullmatch(r"%(.*?)%(.*?)#(.*)", answer, re.S).groups()
            answers.append((shown(given), float(share), shown(feedback)))
        question = SimpleNamespace(kind=kind, text=shown(stem), answers=answers)
        question.category, question.general = category, shown(general)
        questions[shown(name)] = question
    return questions


def read_moodle(text: str) -> dict[str, SimpleNamespace]:
    """The same out of Moodle XML."""
    questions, category = {}, None
    for element in ElementTree.fromstring(text.encode()):
        kind = element.get("type")
        if kind == "category":
            category = element.findtext("category/text")
            continue
        answers = []
        for answer in element.iter("answer"):
            given = answer.findtext("text")
            if kind == "numerical":
                given += "" if given == "*" else f":{answer.findtext('tolerance')}"
            answers.append((given, float(answer.get("fraction")), answer.findtext("feedback/text")))
        if kind == "multichoice":
            assert element.findtext("single") in ("true", "false")
            kind += "" if element.findtext("single") == "true" else ", several"
        question = SimpleNamespace(kind=kind, text=element.findtext("questiontext/text"))
        question.answers, question.category = answers, category
        question.general = element.findtext("generalfeedback/text")
        questions[element.findtext("name/text")] = question
    return questions


READERS = {
    "gift": lambda *arguments: read_gift(quiz_export.gift(*arguments)),
    "moodle": lambda *arguments: read_moodle(quiz_export.moodle(*arguments)),
}


@cache
def text_of(html: str) -> str:
    """HTML without its marks, as a reader sees it."""
    return "".join(ElementTree.fromstring(f"<x>{html}</x>").itertext())


@pytest.mark.parametrize("language", lang.LANGUAGES)
@pytest.mark.parametrize("form", READERS)
@pytest.mark.parametrize("source", [GOOD, *LESSONS], ids=lambda s: s if isinstance(s, str) else "")
def test_an_export_read_back_says_what_the_file_says(form, language, source):
    content = quiz.load(source) if isinstance(source, str) else source
    read = READERS[form]([content], language)
    assert len(read) == sum(len(content[part]) for part in quiz.PARTS)

    def said(text):
        return quiz.say(text, language).replace("`", "")

    for part in quiz.PARTS:
        for number, question in enumerate(content[part], 1):
            found = read[f"{content['lesson']} {part} {number:02} {question['id']}"]
            assert found.category == f"$course$/top/Srijan/{content['lesson']}/{part}"
            stem = said(question["text"]) + question.get("code", "").rstrip()
            assert text_of(found.text) == stem
            if "options" in question:
                wanted = [(said(o["text"]), said(o["why"])) for o in question["options"]]
                assert [(text_of(a), text_of(why)) for a, _, why in found.answers] == wanted
                several = question["kind"] == "multiple"
                assert found.kind == "multichoice" + ", several" * several
                for option, (_, share, _) in zip(question["options"], found.answers, strict=True):
                    assert abs(share) in SHARES
                    assert (share > 0) == ("correct" in option)
                shares = [share for _, share, _ in found.answers]
                assert sum(s for s in shares if s > 0) == pytest.approx(100, abs=1e-3)
                assert not several or sum(shares) == pytest.approx(0, abs=1e-3)
            else:
                known = [question, *question["wrong"]]
                reasons = [said(entry["why"]) for entry in known] + [said(question["hint"])]
                assert [text_of(why) for *_, why in found.answers] == reasons
                assert [share for _, share, _ in found.answers] == [100] + [0] * len(known[1:]) + [
                    0
                ]
                given = [answer for answer, *_ in found.answers]
                assert given[-1] == "*"
                if found.kind == "numerical":
                    near = float(question.get("tolerance", 0))
                    values = [tuple(map(float, answer.split(":"))) for answer in given[:-1]]
                    assert values == [(float(entry["answer"]), near) for entry in known]
                else:
                    assert found.kind == "shortanswer" and question["kind"] == "predict"
                    plain = [answer.replace("\\*", "*") for answer in given[:-1]]
                    assert plain == [entry["answer"] for entry in known]
                    assert all("*" not in answer.replace("\\*", "") for answer in given[:-1])
            assert text_of(found.general)


def test_wrong_options_of_a_multiple_question_cost_what_right_ones_gain():
    found = READERS["moodle"]([GOOD], "en")["09-test before 02 some"]
    assert [share for _, share, _ in found.answers] == [33.33333, 33.33333, 33.33333, -100]


@pytest.mark.parametrize("form", quiz_export.FORMATS)
def test_the_command_writes_a_file(tmp_path, form, capsys):
    path = tmp_path / "new" / "quiz.txt"
    assert not quiz_export.main(["export", "--format", form, "--lang", "hi", "--to", str(path)])
    assert not quiz_export.main(["export", "--format", form, "--lang", "hi", *LESSONS])
    assert path.read_text("utf-8") == capsys.readouterr().out


def test_the_command_names_a_wrong_lesson(capsys):
    assert quiz_export.main(["export", "--format", "gift", "--lang", "en", "99-none"]) == 1
    assert "99-none.yml" in capsys.readouterr().err
