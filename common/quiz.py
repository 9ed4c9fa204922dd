"""The quizzes before and after each lesson: `quiz.show("01-attention", "before")`.

The questions lie in `quizzes/NN-name.yml`, in both languages. One renderer serves the notebooks and
the site: a form that needs nothing from the network, works by keyboard alone, and, where no script
may run (GitHub, print), still reads well, with the answers and their reasons folded.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from html import escape
from pathlib import Path
from string import ascii_uppercase

import yaml

from common import lang
from common.lang import t

QUIZZES = Path(__file__).parents[1] / "quizzes"
PARTS = ("before", "after")

# name: (light, dark); each pair of text and ground has a contrast of at least 4.5 : 1
COLOURS = {
    "panel": ("#faf6ef", "#1c1916"),
    "card": ("#ffffff", "#262220"),
    "code": ("#f1eae0", "#37312c"),
    "line": ("#d9cebf", "#4d453e"),
    "ink": ("#221c17", "#f4ede4"),
    "quiet": ("#635649", "#bdb1a4"),
    "accent": ("#9a3412", "#fdba74"),
    "right": ("#166534", "#86efac"),
    "wrong": ("#b3161b", "#fda4a4"),
    "right-card": ("#eefaf1", "#15291c"),
    "wrong-card": ("#fdf1f0", "#371c1c"),
}


class QuizError(ValueError):
    """A quiz file is wrong: the message names the file, the question and the problem."""


def show(lesson: str, part: str) -> None:
    """Show a lesson's quiz, "before" or "after", in the notebook's language."""
    from IPython.display import display

    quiz, language = load(lesson), lang.language()
    bundle = {"text/html": html(quiz, part, language), "text/plain": text(quiz, part, language)}
    display(bundle, raw=True)


def load(lesson: str, folder: Path = QUIZZES) -> dict:
    """Read and check `quizzes/<lesson>.yml`; QuizError lists every problem, one a line."""
    path = folder / f"{lesson}.yml"
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.yml")))
        raise QuizError(f"{path.name}: there is no such quiz; there are: {known or 'none'}")
    try:
        quiz = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise QuizError(f"{path.name}: {error}") from error
    problems = list(_form_problems(quiz)) or list(_sense_problems(quiz, lesson))
    if problems:
        raise QuizError("\n".join(f"{path.name}: {problem}" for problem in problems))
    return quiz


def html(quiz: dict, part: str, language: str, remember: bool = False) -> str:
    """One part of a quiz as HTML that can stand anywhere in a page, several times too.

    `remember` keeps the learner's answers in the browser, for both languages together.
    """
    questions = _questions(quiz, part)
    with _speaking(language):
        words = json.dumps(_words(len(questions)), ensure_ascii=False, separators=(",", ":"))
        forms = [_form(question, number) for number, question in enumerate(questions, 1)]
        note = t("Run this notebook to answer here. The answers are folded under each question.")
        title = _title(part)
    words = escape(words, quote=False).replace("'", "&#39;")
    keep = f' data-remember="srijan-quiz/{quiz["lesson"]}/{part}"' if remember else ""
    style, script = _assets()
    return "\n".join(
        [
            f'<div class="srijan-quiz" lang="{language}" role="group" aria-label="{escape(title)}"'
            f"{keep} data-words='{words}'>",
            f"<style>{style}</style>",
            f'<p class="note">{escape(note)}</p>',
            *forms,
            f"<script>{script}</script>",
            "</div>",
        ]
    )


def text(quiz: dict, part: str, language: str) -> str:
    """One part of a quiz as plain text, without the answers."""
    with _speaking(language):
        lines = [_title(part)]
    for number, question in enumerate(_questions(quiz, part), 1):
        lines += ["", f"{number}. {say(question['text'], language)}"]
        lines += [f"       {line}" for line in question.get("code", "").splitlines()]
        lines += [
            f"   {letter}. {say(option['text'], language)}"
            for letter, option in zip(ascii_uppercase, question.get("options", []), strict=False)
        ]
    return "\n".join(lines)


def page(lesson: str, part: str, language: str) -> str:
    """A whole HTML document with one quiz, which remembers the answers."""
    with _speaking(language):
        title = escape(f"{_title(part)} · {lesson.replace('-', ' ')}")
    ground, ink = (f"light-dark({', '.join(COLOURS[name])})" for name in ("panel", "ink"))
    return f"""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
:root[data-theme="light"] {{ color-scheme: light; }}
:root[data-theme="dark"] {{ color-scheme: dark; }}
body {{ max-width: 46rem; margin: 0 auto; padding: 0 .5rem; background: {ground}; color: {ink}; }}
h1 {{ margin: 1.5rem .6rem 0; font: 600 1.4rem/1.5 system-ui, "Noto Sans Devanagari", sans-serif; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{html(load(lesson), part, language, remember=True)}
</main>
</body>
</html>
"""


def say(text: str | dict[str, str], language: str) -> str:
    """A quiz file's text in one language; a bare string is the same in both."""
    return text if isinstance(text, str) else text[language]


def marked(text: str) -> str:
    """Plain text with `code` spans as HTML."""
    pieces = escape(text, quote=False).split("`")
    return "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(pieces))


def _words(total: int) -> dict[str, str]:
    """What the script says, in the language in use."""
    return {
        "check": t("Check the answer"),
        "right": "✔ " + t("Right"),
        "wrong": "✘ " + t("Not right. Change your answer and check it again."),
        "chosen": t("you chose it, but it is wrong:"),
        "missed": t("you missed it, and it is right:"),
        "empty": t("Give an answer first."),
        "number": t("Write a number, such as 0.5, 3/4 or -2."),
        # the script fills in the two that change
        "score": t(
            "Score: {right} of {n} · answered: {done}", right="{right}", n=total, done="{done}"
        ),
        "again": t("Start again"),
    }


def _title(part: str) -> str:
    return t("Quiz before the lesson") if part == "before" else t("Quiz after the lesson")


def _form(question: dict, number: int) -> str:
    """One question; the script enables its fields and adds the button."""
    language = lang.language()
    kind = question["kind"]
    legend = f"<legend><b>{number}</b> {marked(say(question['text'], language))}</legend>"
    code = question.get("code", "")
    block = code and f'<pre tabindex="0"><code>{escape(code.rstrip())}</code></pre>'
    fields = _options(question) if "options" in question else _typed(kind)
    near = f' data-tolerance="{question["tolerance"]}"' if "tolerance" in question else ""
    return (
        f'<form data-id="{question["id"]}" data-kind="{kind}"{near}><fieldset disabled>{legend}'
        f"{block}{fields}</fieldset>"
        f"<details><summary>{escape(t('Answer and reasons'))}</summary>"
        f"{_reasons(question)}</details></form>"
    )


def _options(question: dict) -> str:
    """The options of a single or multiple question, lettered from A."""
    several = question["kind"] == "multiple"
    ask = t("Choose every right answer.") if several else t("Choose one answer.")
    button = f'<input type="{"checkbox" if several else "radio"}" name="answer">'
    options = "".join(
        f"<div><label>{button} <b>{letter}</b> "
        f"<span>{marked(say(option['text'], lang.language()))}</span></label></div>"
        for letter, option in zip(ascii_uppercase, question["options"], strict=False)
    )
    return f'<p class="note">{escape(ask)}</p>{options}'


def _typed(kind: str) -> str:
    """The field of a number or predict question; any form of number is taken, so it is a text."""
    label = t("Your answer:") if kind == "number" else t("It prints:")
    mode = ' inputmode="decimal"' if kind == "number" else ""
    return f'<div><label class="type">{escape(label)} <input type="text"{mode}></label></div>'


def _reasons(question: dict) -> str:
    """Every answer with its reason; the script reads right and wrong from the same list."""
    language = lang.language()
    right, wrong = escape(t("Right")), escape(t("Wrong"))

    def item(verdict: str, why: dict, attributes: str) -> str:
        return f"<li{attributes}><b>{verdict}:</b> {marked(say(why, language))}</li>"

    if "options" in question:
        items = [
            item(right, option["why"], " data-right")
            if "correct" in option
            else item(wrong, option["why"], "")
            for option in question["options"]
        ]
        return f'<ol type="A">{"".join(items)}</ol>'

    def known(verdict: str, entry: dict, attributes: str = "") -> str:
        answer = escape(str(entry["answer"]))
        name = f"{verdict} <code>{answer}</code>"
        return item(name, entry["why"], f'{attributes} data-answer="{answer}"')

    items = [known(right, question, " data-right")]
    items += [known(wrong, entry) for entry in question["wrong"]]
    hint = f"<b>{escape(t('Hint'))}:</b> {marked(say(question['hint'], language))}"
    return f'<p class="hint">{hint}</p><ul>{"".join(items)}</ul>'


@cache
def _assets() -> tuple[str, str]:
    """The style sheet and the script, without comments and indentation."""
    folder = Path(__file__).parent
    colours = "".join(f"--{name}:light-dark({','.join(pair)});" for name, pair in COLOURS.items())
    style = re.sub(r"/\*.*?\*/", "", (folder / "quiz.css").read_text("utf-8"), flags=re.DOTALL)
    style = re.sub(r"\s*([{};,>])\s*|(?<=:)\s+", r"\1", style).replace(";}", "}")
    style += f".srijan-quiz{{{colours}}}"
    script = (folder / "quiz.js").read_text("utf-8")
    return style, re.sub(r"^\s*(//.*\n?)?", "", script, flags=re.MULTILINE).strip()


@contextmanager
def _speaking(language: str) -> Iterator[None]:
    """Let `t` speak `language` for a while."""
    before = lang.language()
    lang.use_language(language)
    try:
        yield
    finally:
        lang.use_language(before)


def _questions(quiz: dict, part: str) -> list[dict]:
    if part not in PARTS:
        raise ValueError(f"a quiz has the parts {' and '.join(PARTS)}, not {part!r}")
    return quiz[part]


def _form_problems(quiz: object) -> Iterator[str]:
    """Where the file is not as `schema.json` says."""
    from jsonschema import Draft202012Validator

    schema = json.loads((QUIZZES / "schema.json").read_text(encoding="utf-8"))
    for error in Draft202012Validator(schema).iter_errors(quiz):
        place: list[str] = []
        value = quiz
        for step in error.absolute_path:
            value = value[step]
            named = isinstance(value, dict) and isinstance(value.get("id"), str)
            place.append(value["id"] if named else str(step))
        note = f" ({error.schema['description']})" if "description" in error.schema else ""
        yield f"{'/'.join(place) or 'the file'}: {error.message}{note}"


def _sense_problems(quiz: dict, lesson: str) -> Iterator[str]:
    """What a schema cannot say."""
    if quiz["lesson"] != lesson:
        yield f"lesson: says {quiz['lesson']!r}, but the file is {lesson}.yml"
    ids = Counter(question["id"] for part in PARTS for question in quiz[part])
    yield from (f"{name}: {n} questions have this id" for name, n in ids.items() if n > 1)
    for part in PARTS:
        for question in quiz[part]:
            for problem in (*_text_problems(question), *_answer_problems(question)):
                yield f"{part}/{question['id']}: {problem}"


def _text_problems(value: object) -> Iterator[str]:
    """What is wrong with any text inside `value`, in either language."""
    if isinstance(value, list):
        for entry in value:
            yield from _text_problems(entry)
    elif isinstance(value, dict) and value.keys() == {"en", "hi"}:
        spans = {}
        for language, words in value.items():
            spans[language] = Counter(re.findall("`([^`]*)`", words))
            start = f"{language} text {words[:40]!r}"
            if words.count("`") % 2:
                yield f"{start}: a backtick is not closed"
            if "$" in words:
                yield f"{start}: no $ (it would start a formula): write plain Unicode or `code`"
            if re.search("[\u0900-\u097f]", "".join(spans[language])):
                yield f"{start}: Devanagari inside backticks"
        if spans["en"] != spans["hi"]:
            odd = (spans["en"] - spans["hi"]) + (spans["hi"] - spans["en"])
            yield f"{start}: the languages differ in their code: {', '.join(odd)}"
    elif isinstance(value, dict):
        for entry in value.values():
            yield from _text_problems(entry)


def _answer_problems(question: dict) -> Iterator[str]:
    """Answers that contradict each other, and code that is not Python."""
    if question["kind"] in ("single", "multiple"):
        right = sum("correct" in option for option in question["options"])
        if question["kind"] == "single" and right != 1:
            yield f"a single question has one right option, not {right}"
        elif right in (0, len(question["options"])):
            yield f"{right} of {len(question['options'])} options are right"
    else:
        known = [_read(entry["answer"]) for entry in (question, *question["wrong"])]
        near = question.get("tolerance", 0)
        for i, one in enumerate(known):
            for other in known[:i]:
                numbers = isinstance(one, float) and isinstance(other, float)
                if one == other or (numbers and abs(one - other) <= near):
                    yield f"the answers {other} and {one} cannot be told apart"
    code = question.get("proof") or (question["kind"] == "predict" and question["code"])
    if code:
        try:
            compile(code, question["id"], "exec")
        except SyntaxError as error:
            yield f"its code is not Python: {error.msg}, line {error.lineno}"


def _read(answer: float | str) -> float | str:
    """An answer as the script reads it: a number if it can be one, else without spaces and case."""
    try:
        return float(answer) if str(answer).lower() != "nan" else "nan"
    except ValueError:
        return "".join(answer.split()).lower()
