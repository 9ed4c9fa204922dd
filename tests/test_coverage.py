"""lessons/coverage.yml: each row of the source documents points at a cell of both languages."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from tools.lessons import LANGUAGES, ROOT, LessonError, lesson_dirs, read_notebook, read_source

# The rows of each lesson, by its number
ROWS = {
    "01": [str(row) for row in range(1, 26)],
    "02": [str(row) for row in range(26, 55)],
    "03": [str(row) for row in range(55, 84)],
    "04": [*(str(row) for row in range(84, 93)), "92b"],
    "05": [str(row) for row in range(93, 116)],
}


def faults(root: Path = ROOT) -> Iterator[str]:
    """What is wrong with the table, a line each."""
    source_of, notebook_of = cache(read_source), cache(read_notebook)  # many rows, few files
    table = yaml.safe_load((root / "lessons" / "coverage.yml").read_text("utf-8"))
    table = {str(row): place for row, place in table.items()}
    wanted = [row for lesson in lesson_dirs(root) for row in ROWS.get(lesson.name[:2], [])]
    for row in wanted:
        if row not in table:
            yield f"row {row} is missing"
    for row, place in table.items():
        if row not in wanted:
            yield f"row {row} belongs to no lesson"
        if set(place) != {"notebook", "cell"}:
            yield f"row {row} has the keys {sorted(place)}"
            continue
        path, cell = root / place["notebook"], place["cell"]
        try:
            source = source_of(path)
        except (OSError, LessonError) as error:
            yield f"row {row}: {error}"
            continue
        text = path.read_text("utf-8")
        if not re.search(rf'^# %%.*\bname="{re.escape(cell)}"', text, re.MULTILINE):
            yield f"row {row}: no cell of {place['notebook']} is named {cell}"
        for lang in LANGUAGES:
            notebook = notebook_of(source.notebook_path(lang))
            if not notebook or cell not in [c.id for c in notebook.cells]:
                yield f"row {row}: {source.notebook_path(lang).name} has no cell {cell}"


def test_every_row_points_at_a_cell_that_is_there():
    assert list(faults()) == []


CELL = '# %% [markdown] lang="en" name="why"\n# Why\n# %% [markdown] lang="hi"\n# क्यों\n'
NOTEBOOK = '{"cells": [{"cell_type": "markdown", "id": "%s", "metadata": {}, "source": "x"}], '
NOTEBOOK += '"metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


@pytest.fixture
def planted(tmp_path):
    lesson = tmp_path / "lessons" / "04-small"
    (lesson / "notebooks").mkdir(parents=True)
    (lesson / "1-small.py").write_text(CELL, "utf-8")
    for lang in LANGUAGES:
        (lesson / "notebooks" / f"1-small.{lang}.ipynb").write_text(NOTEBOOK % "why")
    place = {"notebook": "lessons/04-small/1-small.py", "cell": "why"}
    return tmp_path, {row: dict(place) for row in ROWS["04"]}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda root, table: None, None),
        (lambda root, table: table.pop("92b"), "row 92b is missing"),
        (lambda root, table: table.update({"1": table["84"]}), "row 1 belongs to no lesson"),
        (lambda root, table: table["85"].update(cell="wy"), "is named wy"),
        (lambda root, table: table["85"].update(notebook="lessons/no.py"), "No such file"),
        (lambda root, table: table["85"].pop("cell"), "row 85 has the keys ['notebook']"),
        (
            lambda root, table: (root / "lessons/04-small/notebooks/1-small.hi.ipynb").write_text(
                NOTEBOOK % "other"
            ),
            "1-small.hi.ipynb has no cell why",
        ),
    ],
)
def test_each_fault_is_found(planted, change, says):
    root, table = planted
    change(root, table)
    (root / "lessons" / "coverage.yml").write_text(yaml.safe_dump(table), "utf-8")
    found = list(faults(root))
    assert any(says in line for line in found) if says else found == []
