"""What is handed out: nbgrader takes it, no student finds a solution in it, nothing is lost."""

import json
import re

import nbformat
import pytest

import course
from common.check import attention as check
from tests import tiny_course
from tools import start_cell
from tools.build import split_solution
from tools.check import banned_forms, check_nfc, check_words
from tools.grading import GradingError, assign
from tools.lessons import LANGUAGES, ROOT, LessonError, read_source

LESSON = "01-attention"
SOURCE = read_source(ROOT / "lessons" / LESSON / "exercises.py")
EXERCISES = {cell.id: cell for cell in SOURCE.cells if "exercise" in cell.tags}
DOCUMENT = (ROOT / "docs" / "instructors.md").read_text("utf-8")


@pytest.fixture(scope="module", params=LANGUAGES)
def handed_out(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("course") / request.param
    assign.assign("attention", request.param, folder, seed=4711)
    return folder, request.param


def notebook(folder, part):
    return nbformat.read(folder / part / LESSON / "exercises.ipynb", as_version=4)


def by_id(book):
    return {cell.id: cell for cell in book.cells}


# --- the release


def test_the_release_has_every_stub_and_no_solution(handed_out):
    folder, _ = handed_out
    release = notebook(folder, "release")
    cells = by_id(release)
    for name, cell in EXERCISES.items():
        assert cells[name].source == split_solution(cell.source)[0]
    everything = json.dumps(release, ensure_ascii=False)
    assert not re.search("### (BEGIN|STUB|END)|judge|<summary>(हल|Solution)|4711", everything)
    only_solved = {  # lines of solutions that no stub has
        line.strip()
        for cell in EXERCISES.values()
        for line in split_solution(cell.source)[1].splitlines()
        if line.strip() not in split_solution(cell.source)[0]
    }
    assert len(only_solved) > 15
    given = {line.strip() for cell in release.cells for line in cell.source.splitlines()}
    assert only_solved & given == set()
    assert not any(cell.get("outputs") for cell in release.cells)


def test_the_release_has_the_text_and_the_start_cell_of_its_language(handed_out):
    folder, lang = handed_out
    cells = by_id(notebook(folder, "release"))
    assert cells["start"].source == start_cell.start_cell(lang)
    assert bool(re.search("[ऀ-ॿ]", cells["softmax-card"].source)) == (lang == "hi")
    assert [*cells][:3] == ["title", "hand-in", "start"]
    assert cells["hand-in"].source == assign.HAND_IN[lang]


def test_once_published_it_fetches_the_course_and_does_not_link_to_the_solutions(monkeypatch):
    published = {"repository": "https://github.com/a/b", "tag": "v0.1.0"}
    monkeypatch.setattr(start_cell, "settings", lambda: published)
    cells = by_id(assign.student_notebook(SOURCE, "en"))
    assert '"https://github.com/a/b", "v0.1.0"' in cells["start"].source
    assert not any("colab.research" in cell.source for cell in cells.values())


def test_every_check_is_graded_with_its_points_and_every_answer_can_be_written(handed_out):
    folder, _ = handed_out
    cells = by_id(notebook(folder, "release"))
    for name, exercise in EXERCISES.items():
        answer, graded = cells[name].metadata, cells[f"{name}-check"].metadata
        flags = answer.nbgrader
        assert (flags.solution, flags.grade, flags.locked) == (True, False, False)
        assert answer.get("editable", True)
        flags = graded.nbgrader
        assert (flags.solution, flags.grade, flags.locked) == (False, True, True)
        assert flags.points == exercise.options["points"] and not graded.editable
        assert flags.schema_version == 3 and flags.grade_id == f"{name}-check"
    locked = [c for c in cells.values() if c.metadata.get("nbgrader", {}).get("locked")]
    code = [c for c in cells.values() if c.cell_type == "code"]
    assert len(locked) == len(code) - len(EXERCISES)


# --- the source, as nbgrader sees it


def test_nbgrader_finds_metadata_gradebook_and_release_in_order(handed_out):
    assign.find_programs()
    from nbgrader.api import Gradebook
    from nbgrader.nbgraderformat import MetadataValidator

    folder, _ = handed_out
    for part in ("source", "release"):
        MetadataValidator().validate_nb(notebook(folder, part))
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}", assign.COURSE) as book:
        cells = book.find_notebook("exercises", LESSON).grade_cells
        points = {cell.name: cell.max_score for cell in cells}
    wanted = {f"{name}-check": cell.options["points"] for name, cell in EXERCISES.items()}
    assert points == wanted


def test_hidden_tests_pass_solutions_and_fail_stubs_and_visible_tricks(handed_out, capsys):
    """An answer made for the visible numbers alone passes its check, and not the hidden tests."""
    folder, _ = handed_out
    cells = by_id(notebook(folder, "source"))
    space = {}
    exec(cells["imports"].source, space)
    shown = [e.nested for e in check.split_heads.truths()]

    def learnt_by_heart(x, n_heads):
        return space["torch"].tensor(shown.pop(0), dtype=x.dtype)

    def grade(name, answer):
        space[name] = answer
        exec(cells[f"{name.replace('_', '-')}-check"].source, space)

    for name, cell in EXERCISES.items():
        function = name.replace("-", "_")
        exec(cell.source, space)
        grade(function, space[function])
        exec(split_solution(cell.source)[0], space)
        with pytest.raises(AssertionError):
            grade(function, space[function])
    assert check.split_heads(learnt_by_heart) is learnt_by_heart
    shown.extend(e.nested for e in check.split_heads.truths())
    with pytest.raises(AssertionError):
        grade("split_heads", learnt_by_heart)


def test_course_json_says_what_grading_needs(handed_out):
    folder, lang = handed_out
    said = json.loads((folder / "course.json").read_text("utf-8"))
    points = {name.replace("-", "_"): cell.options["points"] for name, cell in EXERCISES.items()}
    assert [*said["points"].items()] == [*points.items()]
    assert [*points] == [*check.sheet.exercises]
    assert (said["lesson"], said["lang"], said["seed"]) == (LESSON, lang, 4711)


# --- each student's own numbers


@pytest.fixture(scope="module")
def with_students(handed_out, tmp_path_factory):
    """The same, made anew with a list of students."""
    folder, lang = handed_out
    path = tmp_path_factory.mktemp("list") / "students.csv"
    path.write_text("\ufeffName,Student\nAsha K,24CS01\nBina,24 CS 02\n\nChand,24CS03\n", "utf-8")
    to = tmp_path_factory.mktemp("own") / lang
    command = ["01", "--lang", lang, "--to", str(to), "--seed", "4711", "--students", str(path)]
    assert assign.main(command) == 0
    return to, folder, lang


def variant_of(folder, student):
    return nbformat.read(folder / "variants" / student / "exercises.ipynb", as_version=4)


def test_each_student_gets_own_numbers_and_the_same_ones_again(with_students):
    folder, _, lang = with_students
    said = json.loads((folder / "course.json").read_text("utf-8"))["students"]
    assert [*said] == ["24CS01", "24_CS_02", "24CS03"]
    assert said["24CS01"] == assign.draw(LESSON, 4711, "24CS01")
    assert said["24CS01"] != said["24_CS_02"] != said["24CS03"]
    for student, numbers in said.items():
        cells = by_id(variant_of(folder, student))
        for function, own in numbers.items():
            name = function.replace("_", "-")
            exercise = check.sheet.exercises[function]
            assert all(value in exercise.choices[key] for key, value in own.items())
            given = ", ".join(f"{key}={value}" for key, value in own.items())
            call = f"{function} = check.{function}.given({given})({function})"
            assert cells[f"{name}-check"].source.strip() == call
        card = cells["predict-spread-card"].source
        assert f"`√{numbers['predict_spread']['d']}`" in card
        assert bool(re.search("[ऀ-ॿ]", card)) == (lang == "hi")
    drawn = [assign.draw(LESSON, 4711, str(i)) for i in range(60)]  # no number is never drawn
    for function, exercise in check.sheet.exercises.items():
        for key, choices in exercise.choices.items():
            assert {one[function][key] for one in drawn} == set(choices)
    assert drawn != [assign.draw(LESSON, 4712, str(i)) for i in range(60)]


def test_the_common_release_stays_and_a_variant_differs_in_numbers_alone(with_students):
    assign.find_programs()
    from nbgrader.nbgraderformat import MetadataValidator
    from nbgrader.utils import compute_checksum

    folder, plain, _ = with_students
    common = notebook(folder, "release")
    assert common == notebook(plain, "release")
    for student in ("24CS01", "24_CS_02", "24CS03"):
        own = variant_of(folder, student)
        MetadataValidator().validate_nb(own)
        nbformat.validate(own)
        for cell, base in zip(own.cells, common.cells, strict=True):
            assert re.sub(r"\d+", "#", cell.source) == re.sub(r"\d+", "#", base.source)
            if cell.source != base.source:
                assert cell.id.startswith(("predict-spread", "predict-shapes", "predict-memory"))
            flags = cell.metadata.get("nbgrader", {})
            assert {**flags, "checksum": 0} == {**base.metadata.get("nbgrader", {}), "checksum": 0}
            if "checksum" in flags:
                assert flags.checksum == compute_checksum(cell)
        assert sum("checksum" in c.metadata.get("nbgrader", {}) for c in own.cells) >= 16
    assert not assign.SECRET.search(json.dumps(own, ensure_ascii=False))


@pytest.mark.parametrize(
    ("text", "students"),
    [
        ("asha\nbina\n\nasha\n", ["asha", "bina"]),
        ("id,name\n7,Asha\n", ["7"]),
        ("आशा\r\nबीना\r\n", ["आशा", "बीना"]),
        ("../x\n", ["x"]),
    ],
)
def test_a_list_of_students_is_read(tmp_path, text, students):
    (tmp_path / "list").write_bytes(text.encode())
    assert assign.read_students(tmp_path / "list") == students


def test_a_list_without_students_is_named(tmp_path):
    (tmp_path / "list").write_text("student,name\n")
    for path in (tmp_path / "list", tmp_path / "none"):
        with pytest.raises(GradingError, match="names no student"):
            assign.read_students(path)


# --- the command


def test_nothing_is_overwritten_unless_forced_and_marks_never(tmp_path, monkeypatch):
    release = tmp_path / "release" / LESSON / "exercises.ipynb"

    def nbgrader(folder, lesson):
        book = assign.student_notebook(SOURCE, language)
        release.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(book, release)
        return book

    monkeypatch.setattr(assign, "release", nbgrader)
    language = "en"
    seed = assign.assign("1", "en", tmp_path)["seed"]
    assert seed > 0
    (tmp_path / "marks").mkdir()
    (tmp_path / "marks" / "a.json").write_text("{}")
    with pytest.raises(GradingError, match="--force"):
        assign.assign("1", "en", tmp_path)
    language = "hi"
    made = assign.assign("1", "hi", tmp_path, force=True, students=["asha", "bina"])
    assert made["seed"] == seed and made["lang"] == "hi"
    assert assign.assign("1", "hi", tmp_path, force=True) == made  # with its students
    made = assign.assign("1", "hi", tmp_path, force=True, students=["bina"])
    found = [path.parent.name for path in (tmp_path / "variants").glob("*/*")]
    assert found == [*made["students"]] == ["bina"]
    assert (tmp_path / "marks" / "a.json").read_text() == "{}"
    (tmp_path / "file").write_text("")
    with pytest.raises(GradingError, match="not empty"):
        assign.assign("1", "en", tmp_path / "file", force=True)
    broken = assign.student_notebook(SOURCE, "hi")
    broken.cells[5].source += "\n### STUB"
    monkeypatch.setattr(assign, "release", lambda *_: broken)
    with pytest.raises(GradingError, match="do not hand it out"):
        assign.assign("1", "hi", tmp_path, force=True)


def test_the_command_names_a_wrong_lesson_language_or_seed(tmp_path, capsys):
    to = ["--to", str(tmp_path / "x")]
    assert assign.main(["99", "--lang", "hi", *to]) == 1
    assert LESSON in capsys.readouterr().err
    for wrong in (["--lang", "ta"], ["--lang", "hi", "--seed", "0"]):
        with pytest.raises(SystemExit):
            assign.main(["01", *wrong, *to])
    assert "0 is what the students" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('print("to do")', "mend = check.mend(mend)", "no cell half-check checks it"),
        ("def half(x)", "def third(x)", r"defines no half\(\)"),
    ],
)
def test_an_exercise_that_cannot_be_graded_is_named(tmp_path, old, new, complaint):
    root = tiny_course.plant(tmp_path / "root")
    path = root / "lessons" / "07-tiny" / "exercises.py"
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    with pytest.raises(LessonError, match=complaint):
        assign.assign("07", "en", tmp_path / "x", root=root)
    assert not (tmp_path / "x").exists()


# --- the instructors' document


def test_the_documents_tables_are_those_of_the_exercises():
    """One row an exercise, in both languages: function, points, minutes; and each lesson's sums."""
    sources = [read_source(path) for path in sorted(ROOT.glob("lessons/*/exercises.py"))]
    wanted, sums = [], []
    for source in sources:
        cards = {c.id.removesuffix("-card"): c.source for c in source.cells if c.lang == "en"}
        cells = [cell for cell in source.cells if "exercise" in cell.tags]
        minutes = [re.search(r"(\d+) minutes ·", cards[cell.id])[1] for cell in cells]
        points = [cell.options["points"] for cell in cells]
        names = [cell.id.replace("-", "_") for cell in cells]
        lesson = zip(names, map(str, points), minutes, strict=True)
        wanted += [(str(number), *row) for number, row in enumerate(lesson, 1)]
        lesson = source.path.parent.name[:2]
        sums.append((lesson, str(sum(points)), str(sum(map(int, minutes)))))
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| .+? \| (\d+) \| (\d+) \|", DOCUMENT, re.M)
    assert rows == 2 * wanted
    said = re.findall(r"^(?:पाठ|Lesson) (\d\d): .*?\*\*(\d+)\*\*.*? (\d+) ", DOCUMENT, re.M)
    assert said == 2 * sums


def test_the_document_says_the_same_in_both_languages_and_in_good_hindi():
    hindi, english = DOCUMENT.split('<a id="english"></a>')
    for what in (r"^#{2,3} \d", "^```console", r"^\| "):
        assert len(re.findall(what, hindi, re.M)) == len(re.findall(what, english, re.M)), what
    prose = re.sub(r"```.*?```|`[^`]*`", "", hindi, flags=re.S)
    faults = [*check_nfc(hindi), *check_words(prose, banned_forms(ROOT))]
    assert faults == []
    commands = set(re.findall(r"course\.py (\w+)", DOCUMENT))
    assert {"assign", "collect", "grade", "report", "quiz", "publish"} <= commands
    assert commands <= course.COMMANDS.keys()
