"""Start cell, badge and `course.py publish`; a lone notebook, also with Colab's packages."""

import argparse
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

import common
from tools import publish, start_cell

ROOT = Path(__file__).parents[1]
COLAB = ROOT / ".venv-colab"
LESSON = ROOT / "lessons" / "01-attention" / "notebooks" / "1-attention.hi.ipynb"
TAG = f"v{common.__version__}"

# What a lesson does next, and what the test wants to know of it
AFTER = """
import matplotlib
import matplotlib.pyplot as plt
from common import plots, quiz
from common.lang import remember

fig, ax = plt.subplots()
ax.set_title(remember("हानि", "loss"))
title = ax.get_title()
plots.show(fig, alt="हानि")
quiz.show("01-attention", "before")
print("RESULT", common.__file__, matplotlib.__version__, title)
"""

# Runs in either environment: nbclient of today, and Colab's
EXECUTE = """
import sys
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
nbformat.write(notebook, sys.argv[1])
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> str:
    """The file address of a repository with the course at its tag: only what notebooks import."""
    folder = tmp_path_factory.mktemp("origin")
    for part in ("common", "quizzes"):
        leave_out = shutil.ignore_patterns("__pycache__", "weights")
        shutil.copytree(ROOT / part, folder / part, ignore=leave_out)
    git = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "course"], ["tag", TAG]):
        subprocess.run([*git, *command], cwd=folder, check=True)
    return folder.as_uri()


def start(repository: str) -> str:
    return start_cell.start_cell("hi", repository, TAG)


def run_alone(folder: Path, sources: list[str], python: Path | str, **env: str) -> list[str]:
    """Execute a lone notebook of these code cells in `folder`, with no course in sight.

    Returns the RESULT lines' words after checking what every environment must show.
    """
    path = folder / "notebook.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources]), path)
    hidden = ("PYTHONPATH", "COURSE_STATIC", "MPLBACKEND")
    env = {**{k: v for k, v in os.environ.items() if k not in hidden}, **env}
    done = subprocess.run(
        [python, "-c", EXECUTE, path.name],
        cwd=folder,
        env={**env, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    outputs = [output for c in nbformat.read(path, 4).cells for output in c.outputs]
    assert sorted(p.name for p in folder.iterdir()) == ["notebook.ipynb", f"srijan-{TAG}"]
    shown = [o.data for o in outputs if o.output_type == "display_data"]
    assert any("image/png" in data for data in shown), "no figure"
    assert any("<form" in data.get("text/html", "") for data in shown), "no quiz"
    text = "".join(o.text for o in outputs if o.output_type == "stream")
    results = [line.split()[1:] for line in text.splitlines() if line.startswith("RESULT")]
    course = str(folder / f"srijan-{TAG}" / "common" / "__init__.py")
    assert {file for file, _, _ in results} == {course}
    return [f"{matplotlib} {title}" for _, matplotlib, title in results]


def test_lone_notebook_fetches_the_course(tmp_path, repository):
    cells = [start(repository)]
    if LESSON.exists():  # the real one's first cells
        real = [cell for cell in nbformat.read(LESSON, 4).cells if cell.cell_type == "code"]
        first = next(i for i, c in enumerate(real) if "start" in c.metadata.get("tags", ()))
        cells += [cell.source for cell in real[first + 1 : first + 4]]
    (result,) = run_alone(tmp_path, [*cells, AFTER], sys.executable)
    assert result.endswith(" हानि")


def test_lone_notebook_with_the_packages_of_colab(tmp_path, repository):
    """Without pip's network the labels are English; with it, and the start cell run again, a newer
    matplotlib draws them in Hindi."""
    if not (COLAB / "wheels").is_dir():
        pytest.skip("no .venv-colab: python3 course.py test makes it")
    as_colab = "import os, matplotlib.pyplot"  # which has imported it before the first cell
    network = f"os.environ['PIP_FIND_LINKS'] = {(COLAB / 'wheels').as_uri()!r}"
    pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}
    cells = [as_colab, start(repository), AFTER, network, start(repository), AFTER]
    before, after = run_alone(tmp_path, cells, COLAB / "bin" / "python", **pip)
    assert before == "3.10.0 loss"
    assert after.startswith("3.11") and after.endswith(" हानि")


# --- the cell, without a kernel ----------------------------------------------------------------


@pytest.fixture
def run(monkeypatch):
    """Runs a start cell in a folder, in this process; returns the names that it defined."""

    def run_in(folder: Path, cell: str) -> dict:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "path", [*sys.path])
        names = {}
        exec(compile(cell, "start cell", "exec"), names)
        return names

    return run_in


@pytest.mark.parametrize("lang", ["hi", "en"])
def test_the_language_is_one_line_at_the_top(lang):
    cell = start_cell.start_cell(lang)
    assert cell.split("\n")[0] == f'LANG = "{lang}"  # "hi" या/or "en"'
    assert "<" not in cell and cell.split("\n")[-1] == "device = common.start(LANG)"
    assert max(len(line) for line in cell.split("\n")) <= 100
    with pytest.raises(ValueError, match="hi, en"):
        start_cell.start_cell("ta")


def test_inside_the_course_nothing_is_fetched(run, tmp_path):
    (tmp_path / "common").mkdir()
    (tmp_path / "common" / "start.py").touch()
    inner = tmp_path / "lessons" / "01"
    inner.mkdir(parents=True)
    names = run(inner, start_cell.start_cell("en", "file:///nowhere", TAG))
    assert names["root"] == tmp_path and names["device"].type
    assert list(inner.iterdir()) == []


def test_an_interrupted_fetch_is_done_again_and_a_whole_one_is_not(run, tmp_path, repository):
    part = tmp_path / f".srijan-{TAG}.part"
    (part / "common").mkdir(parents=True)
    (part / "common" / "start.py").touch()
    cell = start_cell.start_cell("en", repository, TAG)
    root = run(tmp_path, cell)["root"]
    assert not part.exists() and (root / "common" / "__init__.py").is_file()
    run(tmp_path, cell.replace(repository, "file:///nowhere"))


@pytest.mark.parametrize("missing", ["repository", "network", "git"])
def test_what_is_missing_is_said_in_both_languages(run, tmp_path, repository, monkeypatch, missing):
    address = {"repository": "", "network": "file:///nowhere", "git": repository}[missing]
    if missing == "git":
        monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError) as error:
        run(tmp_path, start_cell.start_cell("hi", address, TAG))
    english, hindi = {
        "repository": ("inside the course's folder", "फ़ोल्डर में खोलें"),
    }.get(missing, ("check git and the network", "git और नेटवर्क जाँचें"))
    assert english in str(error.value) and hindi in str(error.value)
    assert not (tmp_path / f"srijan-{TAG}").exists()


def test_a_notebook_of_another_version_is_refused(run):
    with pytest.raises(RuntimeError, match="take both from one") as error:
        run(ROOT / "lessons", start_cell.start_cell("hi", "", "v9.9.9"))
    assert "v9.9.9" in str(error.value) and common.__version__ in str(error.value)


def test_the_version_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["version"] == common.__version__
    assert project["tool"]["srijan"]["tag"] == TAG


# --- publish -----------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path, monkeypatch) -> Path:
    """The files that `publish` writes, in a folder of their own."""
    (tmp_path / "common").mkdir()
    for name in ("pyproject.toml", "common/__init__.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.setattr(start_cell, "ROOT", tmp_path)
    return tmp_path


def test_there_is_no_badge_until_the_course_is_published(copy):
    path = "lessons/01-attention/notebooks/1-attention.hi.ipynb"
    publish.replace(copy / "pyproject.toml", "repository", "")
    assert start_cell.badge(path, "hi") == ""
    publish.publish("https://github.com/someone/course", "v1.2.0", copy)
    assert f"/github/someone/course/blob/v1.2.0/{path})" in start_cell.badge(path, "hi")
    assert start_cell.badge(path, "hi").startswith("[![Colab में खोलें](")
    publish.publish("https://example.org/course", "v1.2.0", copy)
    assert start_cell.badge(path, "en") == "", "Colab opens notebooks from GitHub only"


def test_publish_writes_address_and_version_and_nothing_else(copy):
    before = (copy / "pyproject.toml").read_text("utf-8").splitlines()
    publish.publish("https://github.com/someone/course", "v9.2.0", copy)
    after = (copy / "pyproject.toml").read_text("utf-8").splitlines()
    changed = {new for old, new in zip(before, after, strict=True) if old != new}
    assert changed == {
        'version = "9.2.0"',
        'repository = "https://github.com/someone/course"',
        'tag = "v9.2.0"',
    }
    assert '__version__ = "9.2.0"\n' in (copy / "common" / "__init__.py").read_text("utf-8")
    assert 'REPOSITORY, TAG = "https://github.com/someone/course", "v9.2.0"' in (
        start_cell.start_cell("en")
    )


def test_publish_refuses_what_learners_could_not_clone():
    assert publish.address("https://github.com/a/b.git/") == "https://github.com/a/b"
    for text in ("git@github.com:a/b", "github.com/a/b", 'https://a/b"'):
        with pytest.raises(argparse.ArgumentTypeError):
            publish.address(text)
    for text in ("main", "1.0.0", "v1", 'v1.0"'):
        with pytest.raises(argparse.ArgumentTypeError):
            publish.release(text)
    assert publish.release("v1.0.0rc1") == "v1.0.0rc1"


def test_publish_makes_the_notebooks_again(copy, monkeypatch, capsys):
    built = []
    monkeypatch.setattr(publish.build, "main", lambda argv: built.append(argv) or 0)
    monkeypatch.setattr(publish.publish, "__defaults__", (copy,))
    assert publish.main(["--repository", "https://github.com/a/b"]) == 0
    assert start_cell.settings() == {"repository": "https://github.com/a/b", "tag": TAG}
    assert built == [[]] and f"git tag {TAG}" in capsys.readouterr().out
