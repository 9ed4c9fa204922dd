"""Hands a lesson's exercises out as an nbgrader course.

    python -m tools.grading.assign LESSON --lang hi|en --to DIR [--seed N] [--students FILE] …

DIR/source has the solutions and the hidden tests, DIR/release what students get. nbgrader itself
makes the one from the other, so that its own tools go on from there; what it made is then held
against what the course's own build gives to students. With a list of students DIR/variants has a
release for each, in which the numbers are the student's own wherever an exercise lets them vary.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import csv
import hashlib
import importlib
import io
import json
import os
import re
import secrets
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

import common
from tools import build, start_cell
from tools.grading import NOTEBOOK, GradingError, load_course, say, utf8_output, variant_path
from tools.grading.collect import clean
from tools.lessons import (
    EXERCISES,
    LANGUAGES,
    ROOT,
    Cell,
    LessonError,
    Source,
    read_source,
    wanted_sources,
    write,
)

COURSE = "srijan"  # nbgrader's name for the course, in gradebook.db
SECRET = re.compile(r"### (BEGIN|STUB|END)|judge\(|<summary>(Solution|हल|Why|क्यों)")

HAND_IN = {
    "hi": (
        "> **जमा करने के लिए** – जवाब इसी नोटबुक के जवाब वाले सेल में लिखिए; चाहें तो अपने सेल भी"
        " जोड़िए। फिर पूरी `.ipynb` फ़ाइल भेजिए: Colab में *File → Download → Download .ipynb*,"
        " JupyterLab में *File → Download*। जाँच के सेल तुरंत बताते हैं कि जवाब कैसा है। अंक भी"
        " इसी जाँच से मिलते हैं, बस दूसरी संख्याओं पर।"
    ),
    "en": (
        "> **To hand in** – write your answers in the answer cells of this notebook; add cells of"
        " your own if you like. Then send the whole `.ipynb` file: in Colab *File → Download →"
        " Download .ipynb*, in JupyterLab *File → Download*. The check cells tell you at once how"
        " an answer does. Marks come from the same checks, with other numbers."
    ),
}

HIDDEN = """\
### BEGIN HIDDEN TESTS
hidden = check.{name}.judge({name}, seed={seed})
### END HIDDEN TESTS
{visible}
### BEGIN HIDDEN TESTS
assert hidden.passed, hidden.message
### END HIDDEN TESTS"""

CONFIG = '''\
"""nbgrader's settings for this folder: its commands, run here, find them."""

import re

from nbgrader import preprocessors as p
from nbgrader.converters import GenerateAssignment

STUB = re.compile(
    r"^ *### BEGIN SOLUTION\\n(?:(?! *### END).*\\n)*?"
    r" *### STUB\\n((?:.*\\n)*?) *### END SOLUTION\\n?",
    re.MULTILINE,
)


class ClearToStubs(p.ClearSolutions):
    """Leaves the wrong program that is to be mended, where an exercise has one under ### STUB."""

    def preprocess_cell(self, cell, resources, cell_index):
        text, count = STUB.subn(
            lambda found: re.sub(r"^(\\s*)# ?", r"\\1", found[1], flags=re.MULTILINE),
            cell.source + "\\n",
        )
        if not count:
            return super().preprocess_cell(cell, resources, cell_index)
        cell.source = text.rstrip("\\n")
        return cell, resources


c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "<course>"
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
c.ClearToStubs.code_stub = c.ClearSolutions.code_stub
c.GenerateAssignment.preprocessors = [
    ClearToStubs if step is p.ClearSolutions else step
    for step in GenerateAssignment().preprocessors
]
'''.replace("<course>", COURSE)


# --- the notebooks --------------------------------------------------------------------------------


def function_of(cell: Cell) -> str:
    """The function that an exercise asks for: the cell's name in Python's spelling."""
    return cell.id.replace("-", "_")


def points_of(source: Source) -> dict[str, int]:
    """Function → points, in the notebook's order. Raises LessonError for an exercise that cannot
    be graded: one whose cell defines another name, or without a check cell of its own."""
    checks = {cell.id: cell for cell in source.cells if "check" in cell.tags}
    points = {}
    for cell in source.cells:
        if "exercise" not in cell.tags:
            continue
        name = function_of(cell)
        if not re.search(rf"^def {name}\(", cell.source, re.MULTILINE):
            raise LessonError(f"{source.path}: {cell.id}: defines no {name}()")
        check = checks.get(f"{cell.id}-check")
        if check is None or not re.search(rf"check\.{name}(\.given\([^()]*\))?\(", check.source):
            raise LessonError(f"{source.path}: {cell.id}: no cell {cell.id}-check checks it")
        points[name] = int(cell.options.get("points", 1))
    if not points:
        raise LessonError(f"{source.path}: there are no exercises in it")
    return points


def student_notebook(source: Source, lang: str, root: Path = ROOT) -> NotebookNode:
    """What students get: the built notebook without its folded solutions, their reasons, and the
    badge, which would open the copy that has them; with nbgrader's metadata."""
    points = points_of(source)
    cells = {cell.id: cell for cell in source.cells if cell.lang in (None, lang)}
    notebook = build.skeleton(source, lang, root)
    notebook.cells = [
        cell for cell in notebook.cells if cell.id in cells and not cell.id.endswith("-why")
    ]
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        tags = cells[cell.id].tags
        name = cell.id.removesuffix("-check").replace("-", "_")
        graded = "check" in tags and name in points
        cell.metadata.nbgrader = {
            "grade_id": cell.id,
            "schema_version": 3,
            "grade": graded,
            "solution": "exercise" in tags,
            "locked": "exercise" not in tags,
            "task": False,
        } | ({"points": points[name]} if graded else {})
    notebook.cells.insert(1, new_markdown_cell(HAND_IN[lang], id="hand-in"))
    notebook.metadata.course = {"lesson": source.lesson.name, "lang": lang}
    return notebook


def source_notebook(source: Source, lang: str, seed: int, root: Path = ROOT) -> NotebookNode:
    """The same with the solutions, and with hidden tests of numbers that nobody has seen."""
    notebook = student_notebook(source, lang, root)
    solutions = {cell.id: cell.source for cell in source.cells if "exercise" in cell.tags}
    for cell in notebook.cells:
        if cell.id in solutions:
            cell.source = solutions[cell.id]
        elif cell.metadata.get("nbgrader", {}).get("grade"):
            name = cell.id.removesuffix("-check").replace("-", "_")
            cell.source = HIDDEN.format(name=name, seed=seed, visible=cell.source)
    return notebook


# --- each student's own numbers -------------------------------------------------------------------


def read_students(path: Path) -> list[str]:
    """The students of a list: one a line, or the column `student` of a CSV (else `id`, else its
    first, which then has no heading). Raises GradingError."""
    try:
        rows = [row for row in csv.reader(io.StringIO(path.read_text("utf-8-sig"))) if any(row)]
    except (OSError, ValueError, csv.Error):
        rows = []
    head = [cell.strip().lower() for cell in rows[0]] if rows else []
    place = next((head.index(word) for word in ("student", "id") if word in head), None)
    names = [row[place or 0] for row in rows[place is not None :] if len(row) > (place or 0)]
    students = list(dict.fromkeys(filter(None, map(clean, names))))
    if not students:
        raise GradingError(
            f"{path} में कोई विद्यार्थी नहीं मिला: हर लाइन में एक लिखिए, या CSV में student कॉलम बनाइए।",
            f"{path} names no student: write one a line, or a CSV with the column student.",
        )
    return students


def draw(lesson: str, seed: int, student: str) -> dict[str, dict[str, int]]:
    """Function → the numbers of `student`, of each exercise that has a choice of them."""
    module = lesson.split("-", 1)[1].replace("-", "_")
    exercises = importlib.import_module(f"common.check.{module}").sheet.exercises

    def pick(choices: tuple[int, ...], *what: object) -> int:
        digest = hashlib.sha256(" ".join(map(str, (seed, student, *what))).encode()).digest()
        return choices[int.from_bytes(digest[:8], "big") % len(choices)]

    return {
        name: {key: pick(choices, name, key) for key, choices in exercise.choices.items()}
        for name, exercise in exercises.items()
        if exercise.choices
    }


def variant(released: NotebookNode, own: NotebookNode) -> NotebookNode:
    """The release that nbgrader made, with the numbers of `own`, a student's notebook."""
    notebook = copy.deepcopy(released)
    sources = {cell.id: cell.source for cell in own.cells}
    for cell in notebook.cells:
        cell.source = sources[cell.id]
        if "checksum" in cell.metadata.get("nbgrader", {}):
            from nbgrader.utils import compute_checksum

            cell.metadata.nbgrader.checksum = compute_checksum(cell)
    compare(notebook, own)
    return notebook


def find_programs() -> None:
    """nbgrader calls `alembic`, which lies beside our Python, whether or not that is on PATH."""
    here = str(Path(sys.executable).parent)
    if here not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = here + os.pathsep + os.environ["PATH"]


# --- the folder -----------------------------------------------------------------------------------


def release(folder: Path, lesson: str) -> NotebookNode:
    """Has nbgrader make the release of `lesson`, and enter it into gradebook.db.

    Raises GradingError with nbgrader's own words where it refuses.
    """
    find_programs()
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import PyFileConfigLoader

    config = PyFileConfigLoader("nbgrader_config.py", path=str(folder)).load_config()
    config.CourseDirectory.root = str(folder.resolve())
    with contextlib.redirect_stderr(io.StringIO()):
        result = NbGraderAPI(config=config).generate_assignment(lesson, force=True)
    path = folder / "release" / lesson / NOTEBOOK
    if not result["success"] or not path.is_file():
        said = result.get("log", "").strip() or result.get("error", "")
        raise GradingError("nbgrader ने इसे नहीं लिया:", f"nbgrader refused it:\n{said}")
    return nbformat.read(path, as_version=4)


def compare(made: NotebookNode, wanted: NotebookNode) -> None:
    """Raises GradingError if what nbgrader made is not what students should get."""
    got = {cell.id: cell.source for cell in made.cells}
    for cell in wanted.cells:
        if got.pop(cell.id, None) != cell.source or SECRET.search(cell.source):
            raise GradingError(
                f"विद्यार्थियों वाली नोटबुक में यह सेल ठीक नहीं बना, उसे मत बाँटिए: {cell.id}",
                f"the students' notebook has a wrong cell, do not hand it out: {cell.id}",
            )
    if got:
        raise GradingError(f"फ़ालतू सेल: {', '.join(got)}", f"cells too many: {', '.join(got)}")


def assign(
    lesson: str,
    lang: str,
    to: Path,
    seed: int | None = None,
    force: bool = False,
    root: Path = ROOT,
    students: list[str] | None = None,
) -> dict:
    """Makes the folder `to`; returns what its course.json says.

    `seed` chooses the numbers of the hidden tests: a random one unless given, or kept from the
    folder. `students` get numbers of their own: those of the folder, unless given. `force`
    writes source and release anew, and leaves what was received and graded alone.
    Raises LessonError for an unknown lesson, GradingError for a folder that has something in it.
    """
    (source,) = [
        read_source(path)
        for paths in wanted_sources(root, [f"{lesson.strip('/')}/{EXERCISES}"]).values()
        for path in paths
    ]
    name = source.lesson.name
    course_file = to / "course.json"
    old = {}
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        if course_file.is_file():
            old = load_course(to)
        if not to.is_dir() or not force:
            raise GradingError(
                f"{to} ख़ाली नहीं है: दूसरा फ़ोल्डर चुनिए, या --force से फिर बनाइए।",
                f"{to} is not empty: choose another folder, or make it anew with --force.",
            )
        if old and old["lesson"] != name:
            raise GradingError(
                f"{to} पाठ {old['lesson']} का है: हर पाठ का अपना फ़ोल्डर रखिए।",
                f"{to} is of lesson {old['lesson']}: keep a folder for each lesson.",
            )
    seed = seed or old.get("seed") or 1 + secrets.randbelow(10**6)
    course = {"lesson": name, "lang": lang, "seed": seed, "version": common.__version__}
    course["points"] = points_of(source)
    student = student_notebook(source, lang, root)
    full = nbformat.writes(source_notebook(source, lang, seed, root)) + "\n"

    write(to / "nbgrader_config.py", CONFIG)
    write(to / "source" / name / NOTEBOOK, full)
    released = release(to, name)
    compare(released, student)
    before = list(old.get("students", ()))
    students = before if students is None else students
    if students:
        course["students"] = {one: draw(name, seed, one) for one in students}
    for one in set(before) - set(students):
        variant_path(to, one).unlink(missing_ok=True)
    for one, numbers in course.get("students", {}).items():
        own = student_notebook(read_source(source.path, numbers), lang, root)
        write(variant_path(to, one), nbformat.writes(variant(released, own)) + "\n")
    write(course_file, json.dumps(course, ensure_ascii=False, indent=1) + "\n")  # last: it is whole
    return course


def main(argv: list[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="course.py assign", description=__doc__.split("\n")[0])
    parser.add_argument("lesson", metavar="LESSON", help="such as 01-attention, or 01")
    parser.add_argument("--lang", choices=LANGUAGES, required=True, help="of the students")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="a new folder")
    parser.add_argument("--seed", type=int, metavar="N", help="of the hidden tests; else by chance")
    parser.add_argument(
        "--students", type=Path, metavar="FILE", help="one a line, or CSV: each gets own numbers"
    )
    parser.add_argument("--force", action="store_true", help="make source and release anew")
    options = parser.parse_args(argv)
    if options.seed is not None and options.seed < 1:
        parser.error("--seed: 1 or more (0 is what the students' own checks use)")
    try:
        students = read_students(options.students) if options.students else None
        course = assign(
            options.lesson, options.lang, options.to, options.seed, options.force, root, students
        )
    except (LessonError, GradingError) as error:
        print(error, file=sys.stderr)
        return 1
    handed = options.to / "release" / course["lesson"] / NOTEBOOK
    count, total = len(course["points"]), sum(course["points"].values())
    say(
        f"{count} अभ्यास, कुल {total} अंक। विद्यार्थियों को दीजिए: {handed}",
        f"{count} exercises, {total} points in all. Give the students: {handed}",
    )
    if own := course.get("students"):
        folder = options.to / "variants"
        say(
            f"{len(own)} विद्यार्थियों की अपनी-अपनी संख्याओं वाली नोटबुक: {folder}",
            f"For {len(own)} students, each with numbers of their own: {folder}",
        )
    if not start_cell.settings()["repository"]:
        say(
            "कोर्स अभी प्रकाशित नहीं है: यह नोटबुक कोर्स के फ़ोल्डर के अंदर खुलेगी, Colab में अकेली"
            " नहीं। पहले `python3 course.py publish` कीजिए, फिर --force से दोबारा बनाइए।",
            "The course is not published yet: this notebook opens inside the course's folder,"
            " not by itself in Colab. Run `python3 course.py publish` first, then this again"
            " with --force.",
        )
    return 0


if __name__ == "__main__":
    utf8_output()
    sys.exit(main())
