"""Turns marks into what people read: a table, a page for each student, a page on the class.

    python -m tools.grading.report DIR

Reads DIR/marks, writes DIR/report/marks.csv, DIR/report/index.html and DIR/report/<student>.html,
each page in its reader's language and complete in itself; and enters the marks into nbgrader's
gradebook.db, so that nbgrader's own tools show the same.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import io
import json
import re
import statistics
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

from common.check import Exercise
from common.lang import use_language
from common.quiz import COLOURS
from tools import cards
from tools.grading import GradingError, load_course, say, utf8_output
from tools.grading.assign import COURSE, find_programs
from tools.lessons import EXERCISES, LANGUAGES, ROOT, Source, read_source, write
from tools.page import document

# state → sign, Hindi, English
STATES = {
    "right": ("✔", "सही", "right"),
    "wrong": ("✘", "अभी सही नहीं", "not right yet"),
    "todo": ("…", "बाक़ी है", "to do"),
    "error": ("⚠", "चलते हुए error से रुका", "stopped with an error"),
    "missing": ("–", "जवाब नहीं मिला", "no answer was found"),
    "stopped": ("■", "समय या मेमोरी की सीमा पर रोका गया", "stopped at a limit of time or memory"),
}
# What a check says of an answer that makes none of the known mistakes: id → Hindi, English
OTHER = {
    "changed-input": ("अपने इनपुट को बदल देता है", "changes its input"),
    "count": ("जितने मान चाहिए, उतने नहीं लौटाए", "returns another number of values"),
    "dtype": ("dtype दूसरा है", "another dtype"),
    "error": ("चलते हुए error", "an error while running"),
    "library": ("सारा काम लाइब्रेरी से कराया", "lets the library do the work"),
    "none": ("कुछ नहीं लौटाया", "returns nothing"),
    "not-a-function": ("फ़ंक्शन ही नहीं है", "is no function"),
    "reply": ("नतीजा पढ़ा नहीं जा सका", "its result cannot be read"),
    "shape": ("आकार (shape) दूसरा है", "another shape"),
    "stopped": STATES["stopped"][1:],
    "type": ("दूसरी क़िस्म की चीज़ लौटाई", "returns another kind of thing"),
    "value": ("मान ग़लत है; ग़लती जानी-पहचानी नहीं", "a wrong value, by no known mistake"),
}
TEXT = {
    "feedback": ("आपके जवाब कैसे रहे", "How your answers did"),
    "points": ("{points} / {max} अंक", "{points} of {max} points"),
    "notes": ("आपकी फ़ाइल के बारे में", "About your file"),
    "one by one": ("एक-एक अभ्यास", "Exercise by exercise"),
    "class": ("कक्षा का हाल", "How the class did"),
    "students": ("विद्यार्थी", "students"),
    "median": ("बीच वाला अंक (median)", "median"),
    "mean": ("औसत", "mean"),
    "spread": ("किसे कितने अंक मिले", "How the marks are spread"),
    "in tens": ("कुल अंकों का प्रतिशत → कितने विद्यार्थी", "percent of all points → students"),
    "exercises": ("अभ्यास", "Exercises"),
    "exercise": ("अभ्यास", "exercise"),
    "minutes": ("मिनट", "minutes"),
    "solved": ("सही किया", "solved"),
    "of": ("{count} में से {some}", "{some} of {count}"),
    "mistakes": ("सबसे आम ग़लतियाँ", "most common mistakes"),
    "no mistakes": ("कोई ग़लती नहीं", "none"),
    "tried": ("बाक़ी: {todo}", "not done: {todo}"),
    "by student": ("एक-एक विद्यार्थी", "Student by student"),
    "student": ("विद्यार्थी", "student"),
    "total": ("अंक", "points"),
    "remarks": ("टिप्पणी", "notes"),
    "unused": ("जिन फ़ाइलों से अंक नहीं बने", "Files that no marks came of"),
    "card": (
        "मिनट अभ्यास के कार्ड से हैं; नापे नहीं गए।",
        "Minutes are those on the exercise's card; they were not measured.",
    ),
}
COLOUR = "".join(f"--{name}: light-dark({', '.join(pair)}); " for name, pair in COLOURS.items())
STYLE = (
    f":root {{ color-scheme: light dark; {COLOUR}}}\n"
    + """\
body { max-width: 60rem; margin: auto; padding: 1rem; background: var(--panel); color: var(--ink);
  font: 1rem/1.6 system-ui, "Noto Sans", "Noto Sans Devanagari", sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.3; } h2 { margin-top: 2rem; font-size: 1.2rem; }
h3 { margin: 0; font-size: 1rem; } a { color: var(--accent); }
code { font: .9em/1.4 ui-monospace, "DejaVu Sans Mono", monospace; color: var(--quiet); }
.total { font-size: 1.3rem; font-weight: 600; }
ol.answers { padding: 0; list-style: none; }
.answers li { padding: .7rem 0; border-top: 1px solid var(--line); }
.answers p { margin: .2rem 0 0; white-space: pre-line; overflow-wrap: anywhere; }
.state { font-weight: 600; } .right { color: var(--right); }
.wrong, .error, .stopped { color: var(--wrong); } .todo, .missing { color: var(--quiet); }
table { width: 100%; border-collapse: collapse; }
.wide { overflow-x: auto; } .wide table { min-width: 52rem; }
caption { text-align: start; color: var(--quiet); }
th, td { padding: .4rem .6rem .4rem 0; border-top: 1px solid var(--line); text-align: start;
  vertical-align: top; } thead th { border-top: 0; font-size: .9rem; }
.number { text-align: end; font-variant-numeric: tabular-nums; white-space: nowrap; }
td ul { margin: 0; padding-inline-start: 1.1rem; } th code { display: block; font-weight: 400; }
svg { width: 100%; max-width: 40rem; height: auto; } svg rect { fill: var(--accent); }
svg text { fill: var(--ink); font-size: 13px; text-anchor: middle; }
svg line { stroke: var(--quiet); }
"""
)


@dataclass
class Class:
    """An assignment with the marks of its students, as they lie in a folder."""

    course: dict
    marks: dict[str, dict]  # name of the file, and so of the page → marks
    unused: list[dict]  # what `collect` received and nothing was graded of
    sheet: dict[str, Exercise]
    source: Source

    @property
    def names(self) -> list[str]:
        return list(self.course["points"])

    def title(self, lang: str) -> str:
        return cards.Outline(self.source, {}).title(lang)

    def minutes(self) -> dict[str, int]:
        """Function → the minutes that its card gives it."""
        found = {}
        for cell in self.source.cells:
            match = re.search(r"· (\d+) minutes ·", cell.source)
            if match and cell.lang == "en":
                found[cell.id.removesuffix("-card").replace("-", "_")] = int(match[1])
        return found

    @property
    def pages(self) -> dict[str, str]:
        """Name in marks → the student's page; never that of the class."""
        return {s: f"{s}_.html" if s.lower() == "index" else f"{s}.html" for s in self.marks}

    def lang(self, mark: dict) -> str:
        """The student's language; the assignment's, where the notebook did not say."""
        return mark.get("lang") if mark.get("lang") in LANGUAGES else self.course["lang"]


def read(folder: Path, root: Path = ROOT) -> Class:
    """Reads what assign, collect and grade left in a folder. Raises GradingError."""
    course = load_course(folder)
    marks = {
        path.stem: json.loads(path.read_text("utf-8")) for path in (folder / "marks").glob("*.json")
    }
    marks = dict(sorted(marks.items(), key=lambda pair: pair[1]["student"]))
    if not marks:
        raise GradingError(
            f"{folder}/marks में अभी कोई अंक नहीं: पहले `course.py grade {folder}` चलाइए।",
            f"{folder}/marks has no marks yet: run `course.py grade {folder}` first.",
        )
    graded = {mark["student"] for mark in marks.values()}
    collected = folder / "collected.json"
    received = json.loads(collected.read_text("utf-8")) if collected.is_file() else []
    module = course["lesson"].split("-", 1)[1].replace("-", "_")
    return Class(
        course=course,
        marks=marks,
        unused=[entry for entry in received if entry.get("student") not in graded],
        sheet=importlib.import_module(f"common.check.{module}").sheet.exercises,
        source=read_source(root / "lessons" / course["lesson"] / f"{EXERCISES}.py"),
    )


# --- words ----------------------------------------------------------------------------------------


def in_language(pair: tuple[str, str], lang: str, **values: object) -> str:
    return pair[LANGUAGES.index(lang)].format(**values)


def text(key: str, lang: str, **values: object) -> str:
    return in_language(TEXT[key], lang, **values)


def words(value: object, lang: str) -> str:
    """A message that may be in one language or in both."""
    return str(value.get(lang) or next(iter(value.values()))) if isinstance(value, dict) else value


def number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def mistake_name(exercise: Exercise, mistake_id: str, lang: str) -> str:
    """A mistake as the check names it, without the particulars of one answer."""
    use_language(lang)
    for mistake in exercise.mistakes:
        if mistake.id == mistake_id:
            return mistake.says()
    return in_language(OTHER[mistake_id], lang) if mistake_id in OTHER else mistake_id


# --- the table ------------------------------------------------------------------------------------


def cell(value: object) -> object:
    """What a spreadsheet would take for a formula is made plain text: names come from files."""
    dangerous = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if dangerous else value


def table(klass: Class) -> str:
    """students × exercises, and the total."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["student", "lang", *klass.names, "total", "max", "notes"])
    for mark in klass.marks.values():
        points = [number(mark["exercises"].get(n, {}).get("points", 0)) for n in klass.names]
        notes = " | ".join(words(note, klass.lang(mark)) for note in mark.get("notes", ()))
        row = [mark["student"], klass.lang(mark), *points]
        rows.writerow(map(cell, [*row, number(mark["total"]), number(mark["max"]), notes]))
    return out.getvalue()


# --- a student's page -----------------------------------------------------------------------------


def listed(items: list[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"


def feedback(klass: Class, mark: dict) -> str:
    """The page of one student, in the student's language."""
    lang = klass.lang(mark)
    heading = text("feedback", lang)
    body = "\n".join(_feedback(klass, mark, lang, heading))
    return document(lang, f"{heading}: {mark['student']}", STYLE, body)


def _feedback(klass: Class, mark: dict, lang: str, heading: str) -> Iterator[str]:
    use_language(lang)
    total = text("points", lang, points=number(mark["total"]), max=number(mark["max"]))
    yield f"<h1>{heading}</h1>\n<p>{escape(mark['student'])} · {escape(klass.title(lang))}</p>"
    yield f'<p class="total">{total}</p>'
    if notes := [words(note, lang) for note in mark.get("notes", ())]:
        yield f"<h2>{text('notes', lang)}</h2>\n{listed(notes)}"
    yield f'<h2>{text("one by one", lang)}</h2>\n<ol class="answers">'
    for position, name in enumerate(klass.names, 1):
        entry = mark["exercises"].get(name, {"status": "missing", "points": 0})
        sign, *state = STATES.get(entry["status"], ("?", entry["status"], entry["status"]))
        points = text(
            "points", lang, points=number(entry["points"]), max=klass.course["points"][name]
        )
        message = words(entry.get("message") or "", lang)
        yield f"<li><h3>{position}. {escape(klass.sheet[name].title())} <code>{name}</code></h3>"
        sign = f'<span aria-hidden="true">{sign}</span>'
        state = in_language(tuple(state), lang)
        yield f'<p class="state {escape(entry["status"])}">{sign} {state} · {points}</p>'
        if message and message != state:
            yield f"<p>{escape(message)}</p>"
        yield "</li>"
    yield "</ol>"


# --- the class ------------------------------------------------------------------------------------


def histogram(percents: list[float], lang: str) -> str:
    """How many students have how many of ten parts of all points, drawn and in words."""
    counts = Counter(min(int(percent // 10), 9) for percent in percents)
    most = max(counts.values())
    label = "; ".join(f"{10 * i}–{10 * i + 10} %: {counts[i]}" for i in range(10))
    label = f"{text('in tens', lang)}. {label}"
    bars = []
    for i in range(10):
        height = 120 * counts[i] / most
        x = 60 * i
        bars.append(f'<rect x="{x + 5}" y="{150 - height:.1f}" width="50" height="{height:.1f}"/>')
        if counts[i]:
            bars.append(f'<text x="{x + 30}" y="{143 - height:.1f}">{counts[i]}</text>')
        bars.append(f'<text x="{x + 30}" y="168">{10 * i}–{10 * i + 10}</text>')
    return (
        f'<svg viewBox="0 0 600 200" role="img" aria-label="{escape(label)}">{"".join(bars)}'
        f'<line x1="0" x2="600" y1="150" y2="150"/>'
        f'<text x="300" y="192">{escape(text("in tens", lang))}</text></svg>'
    )


def overview(klass: Class) -> str:
    """The page on the class, in the assignment's language."""
    lang = klass.course["lang"]
    heading = f"{text('class', lang)}: {klass.title(lang)}"
    return document(lang, heading, STYLE, "\n".join(_overview(klass, lang, heading)))


def _overview(klass: Class, lang: str, heading: str) -> Iterator[str]:
    marks = list(klass.marks.values())
    totals = [mark["total"] for mark in marks]
    yield f"<h1>{escape(heading)}</h1>"
    facts = [
        f"{text('students', lang)}: {len(marks)}",
        f"{text('median', lang)}: {number(statistics.median(totals))} / {marks[0]['max']}",
        f"{text('mean', lang)}: {statistics.mean(totals):.1f}",
    ]
    yield f'<p class="total">{" · ".join(facts)}</p>'
    yield f"<h2>{text('spread', lang)}</h2>"
    yield histogram([100 * mark["total"] / mark["max"] for mark in marks], lang)
    yield f"<h2>{text('exercises', lang)}</h2>"
    yield f'<div class="wide" tabindex="0" role="region" aria-label="{text("exercises", lang)}">'
    yield f"<table><caption>{text('card', lang)}</caption>"
    columns = {"exercise": "", "minutes": "number", "solved": "number", "mistakes": ""}
    yield _head(columns, lang)
    for name in klass.names:
        yield _exercise_row(klass, name, marks, lang)
    yield f"</table></div>\n<h2>{text('by student', lang)}</h2>\n<table>"
    yield _head({"student": "", "total": "number", "remarks": ""}, lang)
    for stem, mark in klass.marks.items():
        notes = [words(note, lang) for note in mark.get("notes", ())]
        link = f'<a href="{quote(klass.pages[stem])}">{escape(mark["student"])}</a>'
        yield (
            f'<tr><th scope="row">{link}</th><td class="number">{number(mark["total"])}</td>'
            f"<td>{listed(notes) if notes else ''}</td></tr>"
        )
    yield "</table>"
    if klass.unused:
        unused = [
            f"{entry['file']}: {' '.join(words(note, lang) for note in entry['notes'])}"
            for entry in klass.unused
        ]
        yield f"<h2>{text('unused', lang)}</h2>\n{listed(unused)}"


def _head(columns: dict[str, str], lang: str) -> str:
    cells = (
        f'<th scope="col" class="{kind}">{text(key, lang)}</th>' for key, kind in columns.items()
    )
    return f"<thead><tr>{''.join(cells)}</tr></thead>"


def _exercise_row(klass: Class, name: str, marks: list[dict], lang: str) -> str:
    exercise = klass.sheet[name]
    entries = [mark["exercises"].get(name, {"status": "missing"}) for mark in marks]
    states = Counter(entry["status"] for entry in entries)
    made = Counter(_mistake_of(entry) for entry in entries)
    del made[None]
    mistakes = [
        f"{mistake_name(exercise, id, lang)} ({count})" for id, count in made.most_common(3)
    ]
    if todo := states["todo"] + states["missing"]:
        mistakes.append(text("tried", lang, todo=todo))
    use_language(lang)
    solved = text("of", lang, some=states["right"], count=len(marks))
    return (
        f'<tr><th scope="row">{escape(exercise.title())}<code>{name}</code></th>'
        f'<td class="number">{klass.minutes().get(name, "–")}</td><td class="number">{solved}</td>'
        f"<td>{listed(mistakes) if mistakes else text('no mistakes', lang)}</td></tr>"
    )


def _mistake_of(entry: dict) -> str | None:
    """What to count an answer under; None for one that is right, or that nobody has begun."""
    if entry["status"] in ("right", "todo", "missing"):
        return None
    return entry.get("mistake_id") or entry["status"]


# --- nbgrader -------------------------------------------------------------------------------------


def fill_gradebook(folder: Path, klass: Class) -> None:
    """Enters the marks into nbgrader's gradebook.db; again with other marks, it changes them."""
    find_programs()
    from nbgrader.api import Gradebook
    from sqlalchemy.exc import SAWarning

    lesson, points = klass.course["lesson"], klass.course["points"]
    warnings.filterwarnings("ignore", category=SAWarning)  # nbgrader's own dealings with SQLAlchemy
    with Gradebook(f"sqlite:///{(folder / 'gradebook.db').resolve()}", COURSE) as book:
        book.update_or_create_assignment(lesson)
        book.update_or_create_notebook(EXERCISES, lesson)
        ids = {f"{name.replace('_', '-')}-check": name for name in points}
        for id, name in ids.items():
            book.update_or_create_grade_cell(
                id, EXERCISES, lesson, max_score=points[name], cell_type="code"
            )
        for mark in klass.marks.values():
            book.update_or_create_student(mark["student"])
            submission = book.update_or_create_submission(lesson, mark["student"])
            for grade in submission.notebooks[0].grades:
                entry = mark["exercises"].get(ids[grade.name], {})
                grade.auto_score = entry.get("points", 0)
                grade.needs_manual_grade = False
            book.db.commit()


# --- the whole ------------------------------------------------------------------------------------


def report(folder: Path, root: Path = ROOT) -> Class:
    """Writes everything that the module's text lists. Raises GradingError."""
    klass = read(folder, root)
    out = folder / "report"
    pages = {klass.pages[stem]: feedback(klass, mark) for stem, mark in klass.marks.items()}
    pages["index.html"] = overview(klass)
    write(out / "marks.csv", table(klass).encode("utf-8-sig"))  # else Excel garbles Devanagari
    for name, content in pages.items():
        write(out / name, content)
    for old in out.glob("*.html"):
        if old.name not in pages:
            old.unlink()
    fill_gradebook(folder, klass)
    return klass


def main(argv: list[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="course.py report", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, metavar="DIR", help="made by course.py assign")
    options = parser.parse_args(argv)
    try:
        klass = report(options.folder, root)
    except GradingError as error:
        print(error, file=sys.stderr)
        return 1
    out = options.folder / "report"
    say(
        f"{len(klass.marks)} विद्यार्थी। कक्षा का हाल: {out / 'index.html'}; अंक: {out / 'marks.csv'}",
        f"{len(klass.marks)} students. The class: {out / 'index.html'}; marks: {out / 'marks.csv'}",
    )
    return 0


if __name__ == "__main__":
    utf8_output()
    sys.exit(main())
