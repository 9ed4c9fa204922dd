"""`course.py run`: it runs what is built, goes on after a failure, and shows all in a gallery."""

import re

import pytest
import tiny_course
from nbformat.v4 import new_output

from tools import build, execute, run, start_cell


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(start_cell, "start_cell", tiny_course.start_cell)
    monkeypatch.setattr(start_cell, "badge", lambda path, lang: "")
    monkeypatch.setattr(execute, "run", tiny_course.pretend)
    tiny_course.plant(tmp_path)
    assert build.build(root=tmp_path) == []
    return tmp_path


def test_the_gallery_shows_every_notebook_in_its_language(root, capsys):
    stored = (root / "lessons/07-tiny/notebooks/1-tiny.hi.ipynb").read_bytes()
    assert run.main([], root) == 0
    assert "4 of 4 notebooks ran" in capsys.readouterr().out
    gallery = root / "build" / "gallery"
    index = (gallery / "index.html").read_text("utf-8")
    assert '<html lang="hi">' in index
    assert re.findall(r'<section lang="(\w+)">', index) == ["hi", "en", "hi", "en"]
    pictures = re.findall(r'<img src="([^"]+)" alt="([^"]+)"', index)
    assert pictures == [
        ("07-tiny/1-tiny.hi-1.png", "एक काला बिंदु"),
        ("07-tiny/1-tiny.en-1.png", "one black point"),
    ]
    for target in re.findall(r'(?:src|href)="([^"]+)"', index):
        assert (gallery / target).is_file()
    page = (gallery / "07-tiny/1-tiny.hi.html").read_text("utf-8")
    assert '<html lang="hi">' in page
    assert 'alt="एक काला बिंदु"' in page
    assert "No description" not in page
    assert (gallery / "07-tiny/1-tiny.en.ipynb").is_file()
    assert (root / "lessons/07-tiny/notebooks/1-tiny.hi.ipynb").read_bytes() == stored


def test_one_failure_is_named_and_the_others_still_run(root, monkeypatch, capsys):
    def fail_first(jobs, done):
        first, *others = jobs
        first.failure = ("double", "ValueError: <no>")
        first.notebook.cells[3].outputs = [
            new_output("error", ename="ValueError", evalue="<no>", traceback=["ValueError: <no>"])
        ]
        done(first)
        tiny_course.pretend(others, done)

    monkeypatch.setattr(execute, "run", fail_first)
    assert run.main(["tiny", "--lang", "en"], root) == 1
    printed = capsys.readouterr().out
    assert re.search(r"1-tiny\.en .* FAILED in double: ValueError: <no>\n", printed)
    assert "1 of 2 notebooks ran" in printed
    index = (root / "build/gallery/index.html").read_text("utf-8")
    assert '<html lang="en">' in index
    assert "stopped in <code>double</code>: ValueError: &lt;no&gt;" in index
    assert index.count("all cells ran") == 1
    assert "hi.html" not in index


def test_outputs_of_an_earlier_run_are_not_shown(root, monkeypatch):
    """A notebook that fails before a figure must not show the stored one."""

    def fail(jobs, done):
        for job in jobs:
            job.failure = ("start", "OSError: no")
            done(job)

    monkeypatch.setattr(execute, "run", fail)
    assert run.main([], root) == 1
    assert "<img" not in (root / "build/gallery/index.html").read_text("utf-8")


def test_bad_names_and_missing_notebooks_are_said(root, capsys):
    assert run.main(["9"], root) == 1
    assert "no lesson is called '9': choose from 07-tiny" in capsys.readouterr().err
    (root / "lessons/07-tiny/notebooks/1-tiny.en.ipynb").unlink()
    assert run.main([], root) == 1
    assert "notebooks/1-tiny.en.ipynb is not built" in capsys.readouterr().err


def test_kernels_get_the_environment_of_the_contract(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("MPLBACKEND", "webagg")
    found = execute.environment()
    assert found["OMP_NUM_THREADS"] == "3"  # the user's own
    monkeypatch.delenv("OMP_NUM_THREADS")
    wanted = {
        "COURSE_STATIC": "1",
        "OMP_WAIT_POLICY": "passive",
        "OMP_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "MPLBACKEND": "agg",
    }
    assert wanted.items() <= execute.environment().items()
