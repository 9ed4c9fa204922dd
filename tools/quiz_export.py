"""Quizzes for a learning platform: GIFT (Moodle and others) or Moodle XML, feedback included.

python -m tools.quiz_export export --format gift|moodle --lang hi|en [--to FILE] [LESSON…]

Without --to the result goes to the screen, without LESSON it holds every quiz. Import it in Moodle
under Question bank → Import. Each part of a lesson becomes a category.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from xml.etree import ElementTree

from common import quiz
from common.quiz import marked, say

FORMATS = ("gift", "moodle")


def main(arguments: list[str] | None = None) -> int:
    """The command line; 0 if all went well, 1 with a message if a quiz is wrong."""
    parser = argparse.ArgumentParser(prog="quiz_export", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("export", help="write quizzes in a platform's format")
    command.add_argument("lessons", nargs="*", metavar="LESSON", help="such as 01-attention")
    command.add_argument("--format", choices=FORMATS, required=True)
    command.add_argument("--lang", choices=("hi", "en"), required=True)
    command.add_argument("--to", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    lessons = options.lessons or sorted(path.stem for path in quiz.QUIZZES.glob("*.yml"))
    try:
        quizzes = [quiz.load(lesson) for lesson in lessons]
    except quiz.QuizError as error:
        print(error, file=sys.stderr)
        return 1
    result = (gift if options.format == "gift" else moodle)(quizzes, options.lang)
    if options.to:
        options.to.parent.mkdir(parents=True, exist_ok=True)
        options.to.write_text(result, encoding="utf-8")
    else:
        sys.stdout.reconfigure(encoding="utf-8")
        print(result, end="")
    return 0


def gift(quizzes: list[dict], language: str) -> str:
    """The quizzes in GIFT, with HTML texts."""
    blocks = []
    for category, questions in _categories(quizzes):
        blocks.append(f"$CATEGORY: {category}")
        for name, question in questions:
            answers = "\n".join(_gift_answers(question, language))
            text = _gift(_question_html(question, language))
            blocks.append(f"::{_gift(name)}::[html]{text}{answers}\n}}")
    return "\n\n".join(blocks) + "\n"


def moodle(quizzes: list[dict], language: str) -> str:
    """The quizzes in Moodle XML."""
    root = ElementTree.Element("quiz")
    for category, questions in _categories(quizzes):
        _text(ElementTree.SubElement(root, "question", type="category"), "category", category)
        for name, question in questions:
            _moodle_question(root, name, question, language)
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _categories(quizzes: list[dict]) -> Iterator[tuple[str, list[tuple[str, dict]]]]:
    """Each part as (category, [(name, question)]); names sort in the order of the quiz."""
    for one in quizzes:
        for part in quiz.PARTS:
            names = [
                (f"{one['lesson']} {part} {number:02} {question['id']}", question)
                for number, question in enumerate(one[part], 1)
            ]
            yield f"$course$/top/Srijan/{one['lesson']}/{part}", names


def _type(question: dict) -> str:
    """Moodle's type; a predicted output that is no number is a short answer."""
    if "options" in question:
        return "multichoice"
    answers = [question["answer"], *(entry["answer"] for entry in question["wrong"])]
    return "numerical" if all(map(_is_number, answers)) else "shortanswer"


def _is_number(answer: object) -> bool:
    return bool(re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", str(answer)))


def _answers(question: dict, language: str) -> Iterator[tuple[str, float, str]]:
    """(answer, its share of the marks in percent, feedback as HTML).

    In a multiple question all right options make 100 and all wrong ones -100, so that ticking
    everything gains nothing. The last answer of a typed question is *: anything else.
    """
    if "options" in question:
        options = question["options"]
        right = sum("correct" in option for option in options)
        several = question["kind"] == "multiple"
        for option in options:
            correct = "correct" in option
            share = 100 / right if correct else -100 / (len(options) - right) if several else 0
            yield marked(say(option["text"], language)), share, _why(option, language)
        return
    escaped = _type(question) == "shortanswer"
    for entry in (question, *question["wrong"]):
        answer = str(entry["answer"])
        answer = answer.replace("*", "\\*") if escaped else answer  # * alone is the joker
        yield answer, 100 if entry is question else 0, _why(entry, language)
    yield "*", 0, marked(say(question["hint"], language))


def _why(entry: dict, language: str) -> str:
    return marked(say(entry["why"], language))


def _question_html(question: dict, language: str) -> str:
    html = f'<p lang="{language}">{marked(say(question["text"], language))}</p>'
    if "code" in question:
        html += f"<pre><code>{escape(question['code'].rstrip())}</code></pre>"
    return html


def _explanation(question: dict, language: str) -> str:
    """What everyone reads in the end: the right answers, each with its reason."""
    if "options" not in question:
        return f"<p><code>{escape(str(question['answer']))}</code>: {_why(question, language)}</p>"
    return "".join(
        f"<p><b>{marked(say(option['text'], language))}</b> {_why(option, language)}</p>"
        for option in question["options"]
        if "correct" in option
    )


def _share(share: float) -> str:
    """Moodle knows shares by five decimals: 33.33333, but 50."""
    return f"{share:.5f}".rstrip("0").rstrip(".")


def _gift(text: str) -> str:
    """Text in which GIFT sees none of its own signs, on one line."""
    return re.sub(r"([~=#{}:\\])", r"\\\1", text).replace("\n", "\\n")


def _gift_answers(question: dict, language: str) -> Iterator[str]:
    """The lines from the opening brace to the last feedback."""
    kind = _type(question)
    yield "{#" if kind == "numerical" else "{"
    for answer, share, feedback in _answers(question, language):
        if kind == "numerical" and answer == "*":
            yield f"~#{_gift(feedback)}"
        elif kind == "numerical":
            near = question.get("tolerance", 0)
            yield f"=%{_share(share)}%{answer}:{near}#{_gift(feedback)}"
        elif kind == "multichoice":
            start = "=" if question["kind"] == "single" and share else f"~%{_share(share)}%"
            yield f"{start}{_gift(answer)}#{_gift(feedback)}"
        else:
            yield f"=%{_share(share)}%{_gift(answer)}#{_gift(feedback)}"
    yield f"####{_gift(_explanation(question, language))}"


def _moodle_question(root: ElementTree.Element, name: str, question: dict, language: str) -> None:
    kind = _type(question)
    element = ElementTree.SubElement(root, "question", type=kind)
    _text(element, "name", name)
    _text(element, "questiontext", _question_html(question, language), format="html")
    _text(element, "generalfeedback", _explanation(question, language), format="html")
    settings = {"defaultgrade": "1", "penalty": "0.3333333", "hidden": "0"}
    if kind == "multichoice":
        single = str(question["kind"] == "single").lower()
        settings |= {"single": single, "shuffleanswers": "true", "answernumbering": "ABCD"}
    elif kind == "shortanswer":
        settings["usecase"] = "0"
    for tag, value in settings.items():
        ElementTree.SubElement(element, tag).text = value
    form = "html" if kind == "multichoice" else "moodle_auto_format"
    for answer, share, feedback in _answers(question, language):
        entry = ElementTree.SubElement(element, "answer", fraction=_share(share), format=form)
        ElementTree.SubElement(entry, "text").text = answer
        _text(entry, "feedback", feedback, format="html")
        if kind == "numerical":
            near = 0 if answer == "*" else question.get("tolerance", 0)
            ElementTree.SubElement(entry, "tolerance").text = str(near)


def _text(parent: ElementTree.Element, tag: str, text: str, **attributes: str) -> None:
    """Moodle's way of holding a text: <tag><text>…</text></tag>."""
    element = ElementTree.SubElement(parent, tag, attributes)
    ElementTree.SubElement(element, "text").text = text


if __name__ == "__main__":
    sys.exit(main())
