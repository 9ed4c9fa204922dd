"""The build, on a small planted course: what it writes, carries over, refuses, and leaves alone."""

import copy
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import tiny_course
from nbformat.v4 import new_output

from tools import build, cards, execute, lessons, start_cell
from tools.lessons import LessonError

BROKEN = """\
# %% tags=["start"]
# %% name="fine"
print("fine")
# %% name="boom"
1 / 0
# %% name="after"
print("never")
"""


@pytest.fixture(autouse=True, scope="module")
def tiny_start_cell():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start_cell, "start_cell", tiny_course.start_cell)
        patch.setattr(start_cell, "badge", lambda path, lang: "")
        yield


@pytest.fixture
def root(tmp_path):
    return tiny_course.plant(tmp_path)


@pytest.fixture(scope="module")
def built_once(tiny_start_cell, tmp_path_factory):
    """The course as built without kernels."""
    root = tiny_course.plant(tmp_path_factory.mktemp("built"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execute, "run", tiny_course.pretend)
        assert build.build(root=root) == []
    return root


@pytest.fixture
def built(built_once, tmp_path):
    return Path(shutil.copytree(built_once, tmp_path / "course"))


@pytest.fixture
def ran(monkeypatch):
    """What is run, which is pretended."""
    labels = []

    def run(jobs, done):
        labels.extend(job.label for job in jobs)
        tiny_course.pretend(jobs, done)

    monkeypatch.setattr(execute, "run", run)
    return labels


def files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def source(root: Path, name: str = "1-tiny") -> Path:
    return root / "lessons" / "07-tiny" / f"{name}.py"


def notebook(root: Path, name: str) -> nbformat.NotebookNode:
    return nbformat.read(root / "lessons/07-tiny/notebooks" / f"{name}.ipynb", as_version=4)


def cells(notebook: nbformat.NotebookNode) -> dict[str, nbformat.NotebookNode]:
    return {cell.id: cell for cell in notebook.cells}


def exported(root: Path) -> dict[str, str]:
    found = build.modules([lessons.read_source(source(root))], root)
    return {path.name: code for path, code in found.items()}


# --- with kernels ---------------------------------------------------------------------------------


def test_real_kernels_run_twice_alike_and_a_failure_keeps_the_old_notebook(root, capsys):
    """One build with kernels for all that only they can show."""
    source(root, "exercises").unlink()
    broken = root / "lessons" / "08-broken"
    old = broken / "notebooks" / "1-broken.en.ipynb"
    old.parent.mkdir(parents=True)
    old.write_text(nbformat.writes(nbformat.v4.new_notebook()))
    before = old.read_bytes()
    (broken / "1-broken.py").write_text(BROKEN)

    problems = build.build(root=root)
    printed = capsys.readouterr().out
    assert sorted(problems) == [
        f"08-broken/1-broken.{lang}: boom: ZeroDivisionError: division by zero"
        for lang in ("en", "hi")
    ]
    assert "  2 cells  FAILED in boom: ZeroDivisionError" in printed
    assert old.read_bytes() == before

    hindi = notebook(root, "1-tiny.hi")
    assert cells(hindi)["count"].outputs == [
        new_output("stream", name="stdout", text="4.0\n1 अंक\n")
    ]
    assert [c.execution_count for c in hindi.cells if c.cell_type == "code"] == list(range(1, 8))
    assert all(set(cell.metadata) <= {"tags"} for cell in hindi.cells)
    assert hindi.metadata.course.seconds > 0
    assert cells(notebook(root, "1-tiny.en"))["figure"].outputs[0].metadata == {
        "image/png": {"alt": "one black point"}
    }

    first = files(root / "lessons" / "07-tiny")
    assert build.build(["tiny"], root=root) == []
    assert files(root / "lessons" / "07-tiny") == first
    assert "up to date" in capsys.readouterr().out


# --- what is run, and what is carried over --------------------------------------------------------


def test_warnings_stop_a_notebook_from_being_written(root, monkeypatch):
    def run(jobs, done):
        def warn(job):
            start = cells(job.notebook)["start"]
            start.outputs = [new_output("stream", name="stderr", text="a\nwatch out\n")]
            done(job)

        tiny_course.pretend(jobs, warn)

    monkeypatch.setattr(execute, "run", run)
    problems = build.build(root=root)
    assert problems[0] == "07-tiny/1-tiny.hi: start: writes to stderr: watch out"
    assert len(problems) == 4
    assert not (root / "lessons/07-tiny/notebooks/1-tiny.hi.ipynb").exists()


def test_a_second_build_runs_nothing_and_changes_no_byte(built, ran):
    before = files(built)
    assert build.build(root=built) == []
    assert ran == []
    assert files(built) == before


def test_changed_code_is_run_again(built, ran):
    edit(source(built), "print(double(2))", "print(double(2) + 0)")
    assert build.build(root=built) == []
    assert ran == ["07-tiny/1-tiny.hi", "07-tiny/1-tiny.en"]


def test_changed_words_and_start_cells_keep_the_outputs(built, ran, monkeypatch):
    outputs = cells(notebook(built, "1-tiny.hi"))["count"].outputs
    edit(source(built), "## देखिए", "## देखिए न")
    monkeypatch.setattr(start_cell, "start_cell", lambda lang: f'LANG = "{lang}"  # published')
    assert build.build(root=built) == []
    assert ran == []
    now = cells(notebook(built, "1-tiny.hi"))
    assert now["see"].source.startswith("## देखिए न")
    assert now["start"].source == 'LANG = "hi"  # published'
    assert now["count"].outputs == outputs


def test_a_notebook_edited_by_hand_is_run_again(built, ran):
    path = built / "lessons/07-tiny/notebooks/1-tiny.en.ipynb"
    edit(path, "print(double(2))", "print(double(3))")
    assert build.build(root=built) == []
    assert ran == ["07-tiny/1-tiny.en"]
    assert "double(3)" not in path.read_text("utf-8")


def test_run_runs_all_and_no_run_none(built, ran):
    assert build.main(["--run"], built) == 0
    assert len(ran) == 4
    edit(source(built), "print(double(2))", "print(double(2) + 0)")
    assert build.main(["--no-run"], built) == 0
    assert len(ran) == 4
    changed = notebook(built, "1-tiny.en")
    assert "double(2) + 0" in cells(changed)["count"].source
    assert not any(cell.get("outputs") for cell in changed.cells)
    assert build.main([], built) == 0  # and a later build knows that they were never run
    assert len(ran) == 6


def test_clean_joins_streams_and_drops_widgets():
    outputs = [
        new_output("stream", text="a\n"),
        new_output("stream", text="b\n"),
        new_output("display_data", {build.WIDGET: {"model_id": "1"}, "text/plain": "x"}),
        new_output("stream", text="c\n"),
        new_output("stream", name="stderr", text="d\n"),
        new_output("execute_result", {"text/plain": "1"}, execution_count=7),
    ]
    given = copy.deepcopy(outputs)
    cleaned = build.clean(outputs, 3)
    assert [o.get("text") for o in cleaned] == ["a\nb\nc\n", "d\n", None]
    assert cleaned[-1].execution_count == 3
    assert outputs == given


# --- notebooks ------------------------------------------------------------------------------------


def test_each_language_gets_its_cells_with_the_same_ids(built):
    hindi, english = notebook(built, "1-tiny.hi"), notebook(built, "1-tiny.en")
    again = "c" + lessons.text_hash("from IPython.display import display")
    ids = ["title", "start", "imports", "double", "count", "see", again, "figure"]
    ids += ["c" + lessons.text_hash("$$ E = mc^2 $$"), again + "-2"]
    assert [cell.id for cell in hindi.cells] == [cell.id for cell in english.cells] == ids
    assert cells(hindi)["title"].source.startswith("# 7.1 · छोटी चीज़ें")
    assert cells(english)["title"].source.startswith("# 7.1 · Tiny things")
    assert cells(hindi)["start"].source == tiny_course.start_cell("hi")
    assert cells(hindi)["double"].source.startswith("# copy what")  # not taken for a shell command
    assert cells(hindi)["count"].metadata == {"tags": ["nbval-check-output"]}
    assert hindi.metadata.course.lesson == "07-tiny"
    assert hindi.metadata.course.lang == "hi"
    assert hindi.metadata.kernelspec.name == "python3"


def test_a_badge_comes_first_where_there_is_one(root, monkeypatch):
    monkeypatch.setattr(start_cell, "badge", lambda path, lang: f"[![Colab](b.svg)]({lang}:{path})")
    first = build.skeleton(lessons.read_source(source(root)), "hi", root).cells[0]
    assert first.source == "[![Colab](b.svg)](hi:lessons/07-tiny/notebooks/1-tiny.hi.ipynb)"


def test_the_student_gets_stubs_and_folded_solutions(built):
    made = notebook(built, "exercises.en")
    order = [cell.id for cell in made.cells]
    assert order[2:] == ["half", "mend", "mend-check", "half-solution", "mend-solution"]
    by_id = cells(made)
    assert by_id["half"].source == (
        'def half(x):\n    """Half of x."""\n    raise NotImplementedError'
    )
    assert by_id["mend"].source == (
        "def mend(x):\n    for i in range(1):\n        x = x + i\n\n    return x"
    )
    folded = by_id["half-solution"].source
    assert folded.startswith("<details>\n<summary>Solution</summary>\n\n```python\ndef half")
    assert "    return x / 2\n```" in folded
    assert "###" not in "".join(cell.source for cell in made.cells)
    assert "हल" in cells(notebook(built, "exercises.hi"))["mend-solution"].source


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("    ### END SOLUTION\n# %% name", "# %% name", "half: an exercise has ### BEGIN"),
        ("    ### BEGIN SOLUTION\n    return", "    return", "half: ### END SOLUTION is out of"),
        ("    ### STUB", "    ### BEGIN SOLUTION", "mend: ### BEGIN SOLUTION is out of place"),
        ('tags=["check"]', "", "half: no check cell follows"),
        ('"mend" tags=["exercise"]', '"mend"', "mend: a solution shows"),
        ('name="mend"', 'name="half"', "half: two cells have this name"),
        ('name="mend"', 'name="Mend it"', "Mend it: a name has"),
    ],
)
def test_broken_sources_are_refused_with_their_cell(root, old, new, says, capsys):
    edit(source(root, "exercises"), old, new)
    assert build.main(["--no-run"], root) == 1
    error = capsys.readouterr().err
    assert f"lessons/07-tiny/exercises.py: {says}" in error
    assert not (root / "lessons/07-tiny/notebooks/exercises.hi.ipynb").exists()


def test_a_source_with_text_before_its_first_cell_is_refused(root):
    path = source(root, "exercises")
    path.write_text("x = 1\n" + path.read_text("utf-8"), "utf-8")
    with pytest.raises(LessonError, match="lines begin with"):
        lessons.read_source(source(root, "exercises"))


# --- modules --------------------------------------------------------------------------------------


def test_the_module_has_what_is_exported_and_only_needed_imports(built):
    module = built / "common" / "tiny.py"
    code = module.read_text("utf-8")
    assert "from\nlessons/07-tiny/1-tiny.py: edit there" in code
    assert [line for line in code.splitlines() if "import " in line] == ["import math"]
    assert "print" not in code
    run = "import common.tiny as m; print(m.double(4), m.double.__doc__)"
    result = subprocess.run([sys.executable, "-c", run], cwd=built, capture_output=True, text=True)
    assert result.stdout == "8.0 Twice x.\n"
    clean = [sys.executable, "-m", "ruff", "format", "--check", "--config"]
    clean += [str(lessons.ROOT / "pyproject.toml"), str(module)]
    assert subprocess.run(clean, capture_output=True).returncode == 0


def test_several_sources_share_a_module_and_may_name_another(root):
    (root / "lessons/07-tiny/2-more.py").write_text(
        '# %% tags=["export"]\nfrom common.tiny import double\nfrom math import tau\n\n'
        "def four(x):\n    return double(double(x)) + 0 * tau\n"
        '# %% tags=["export"] module="other"\nTHREE = 3\n'
    )
    paths = lessons.source_paths(root / "lessons/07-tiny")
    assert [path.stem for path in paths] == ["1-tiny", "2-more", "exercises"]
    made = {
        p.name: code
        for p, code in build.modules(list(map(lessons.read_source, paths)), root).items()
    }
    assert set(made) == {"tiny.py", "other.py"}
    assert "common.tiny import" not in made["tiny.py"]  # it would import itself
    assert "import math\nfrom math import tau\n" in made["tiny.py"]
    assert made["tiny.py"].index("def double") < made["tiny.py"].index("def four")
    assert made["other.py"].endswith("THREE = 3\n")


@pytest.mark.parametrize(
    ("new", "says"),
    [
        ("    return 2 * x + device", "Undefined name `device`"),
        ("    return 2 * x\n\nprint(double(1))", "double: an export cell only defines"),
        ("    return 2 *", "double: invalid syntax"),
    ],
)
def test_an_export_that_would_not_stand_alone_is_refused(root, new, says):
    edit(source(root), "    return 2 * x + 0 * math.pi", new)
    with pytest.raises(LessonError, match=says):
        exported(root)


def test_a_module_written_by_hand_is_not_overwritten(root, capsys):
    (root / "common" / "tiny.py").write_text("HAND = 1\n")
    assert build.main(["--no-run"], root) == 1
    assert "common/tiny.py: written by hand" in capsys.readouterr().err
    assert (root / "common" / "tiny.py").read_text() == "HAND = 1\n"


# --- cards, names, files --------------------------------------------------------------------------


def test_card_and_front_page_show_the_lesson(built):
    card = (built / "lessons/07-tiny/README.md").read_text("utf-8")
    assert card.startswith("# 07 · छोटी चीज़ें · Tiny things\n")
    assert '<img src="picture.png" width="480" alt="एक काला बिंदु · one black point">' in card
    assert "Twice `x` is $2x$" in card
    assert "[English](notebooks/exercises.en.ipynb) | 0.0 |" in card
    assert "- देखिए · Look" in card
    assert (built / "lessons/07-tiny/picture.png").read_bytes().startswith(b"\x89PNG")
    front = (built / "README.md").read_text("utf-8")
    assert front.startswith("# Course\n") and front.endswith("\nThe end.\n")
    assert "[07 · छोटी चीज़ें · Tiny things](lessons/07-tiny/README.md)" in front
    assert "[हिंदी](lessons/07-tiny/notebooks/1-tiny.hi.ipynb)" in front


def test_the_picture_is_of_the_cell_tagged_cover(built):
    path = built / "lessons/07-tiny/notebooks/1-tiny.en.ipynb"
    made = nbformat.read(path, as_version=4)
    page = {"text/html": '<img alt="a &lt; b" src="data:image/jpeg;base64,AAAA">'}
    cells(made)["double"].outputs = [new_output("display_data", page)]
    build.save(path, made)
    assert [(f.cell, f.alt) for f in lessons.figures(made)] == [
        ("double", "a < b"),
        ("figure", "one black point"),
    ]
    card = built / "lessons/07-tiny/README.md"
    assert cards.write_all(built) == []
    assert 'alt="एक काला बिंदु · a &lt; b"' in card.read_text("utf-8")
    cells(made)["figure"].metadata["tags"] = ["cover"]
    build.save(path, made)
    assert cards.write_all(built) == []
    assert 'alt="एक काला बिंदु · one black point"' in card.read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "stems"),
    [
        ("07-tiny", ["1-tiny", "exercises"]),
        ("7", ["1-tiny", "exercises"]),
        ("07", ["1-tiny", "exercises"]),
        ("tiny", ["1-tiny", "exercises"]),
        ("lessons/07-tiny/", ["1-tiny", "exercises"]),
        ("7/exercises", ["exercises"]),
        ("lessons/07-tiny/1-tiny.py", ["1-tiny"]),
    ],
)
def test_lessons_and_sources_have_several_names(root, name, stems):
    found = lessons.wanted_sources(root, [name])
    assert [path.name for path in found] == ["07-tiny"]
    assert [path.stem for path in found[root / "lessons/07-tiny"]] == stems


def test_one_source_may_be_built_alone(root, ran):
    assert build.main(["tiny/exercises"], root) == 0
    assert ran == ["07-tiny/exercises.hi", "07-tiny/exercises.en"]
    assert (root / "common/tiny.py").exists()  # modules are of the whole lesson


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("tinny", "no lesson is called 'tinny': choose from 07-tiny"),
        ("7/exercise", "07-tiny has no source 'exercise': choose from 1-tiny, exercises"),
    ],
)
def test_a_wrong_name_is_answered_with_the_choices(root, name, says, capsys):
    assert build.main([name], root) == 1
    assert says in capsys.readouterr().err


def test_writing_is_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "file"
    assert lessons.write(path, "old")
    assert not lessons.write(path, "old")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("no disk")))
    with pytest.raises(OSError, match="no disk"):
        lessons.write(path, "new")
    assert files(tmp_path) == {"file": b"old"}
