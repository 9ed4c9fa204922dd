"""A small class: an instructor's folder, and notebooks as students fill and spoil them."""

import copy
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from tools.grading import NOTEBOOK, assign, variant_path
from tools.lessons import ROOT, read_source

LESSON = "01-attention"
SEED = 4711
SOURCE = read_source(ROOT / "lessons" / LESSON / "exercises.py")
POINTS = assign.points_of(SOURCE)
FULL = sum(POINTS.values())

# Right, and nothing like the course's own
OTHERWISE = {
    "softmax": """\
def softmax(scores, dim=-1):
    moved = scores.movedim(dim, -1)
    rows = []
    for row in moved.reshape(-1, moved.shape[-1]).tolist():
        powers = [math.exp(x - max(row)) for x in row]
        rows.append([p / sum(powers) for p in powers])
    return torch.tensor(rows, dtype=scores.dtype).view(moved.shape).movedim(-1, dim)""",
    "scaled_dot_product_attention": """\
import numpy as np

def one_row(q, k, v, seen):
    powers = np.where(seen, np.exp(k @ q / len(q) ** 0.5), 0)
    return powers / max(powers.sum(), 1e-300)

def scaled_dot_product_attention(query, key, value, mask=None):
    shape = (*query.shape[:-1], key.shape[-2])
    seen = torch.ones(shape, dtype=torch.bool) if mask is None else mask.expand(shape)
    arrays = [x.double().numpy() for x in (query, key, value)]
    weights = np.zeros(shape)
    for place in np.ndindex(shape[:-1]):
        batch = place[:-1]
        weights[place] = one_row(
            arrays[0][place], arrays[1][batch], arrays[2][batch], seen[place].numpy()
        )
    weights = torch.tensor(weights, dtype=query.dtype)
    return weights @ value, weights""",
    "decoder_mask": """\
decoder_mask = lambda lengths, n: torch.tensor(
    [[[j <= i and j < length for j in range(n)] for i in range(n)] for length in lengths.tolist()]
)""",
    "split_heads": """\
def split_heads(x, n_heads):
    return torch.stack(x.chunk(n_heads, dim=-1), dim=1)""",
    "predict_memory": """\
def predict_memory():
    return [8 * side ** 4 * 4 / 2 ** 20 for side in (32, 64)]""",
}


def make_course(folder: Path, lang: str = "en", students: Iterable[str] = ()) -> Path:
    """What `course.py assign` makes, without nbgrader's part in it."""
    for name, notebook in {
        "source": assign.source_notebook(SOURCE, lang, SEED),
        "release": assign.student_notebook(SOURCE, lang),
    }.items():
        path = folder / name / LESSON / NOTEBOOK
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    course = {"lesson": LESSON, "lang": lang, "seed": SEED, "version": "0.1.0", "points": POINTS}
    if students:
        course["students"] = {one: assign.draw(LESSON, SEED, one) for one in students}
    for one, numbers in course.get("students", {}).items():
        path = variant_path(folder, one)
        path.parent.mkdir(parents=True)
        nbformat.write(assign.student_notebook(read_source(SOURCE.path, numbers), lang), path)
    (folder / "course.json").write_text(json.dumps(course), "utf-8")
    return folder


def empty(lang: str = "en") -> NotebookNode:
    """The notebook as it is handed out."""
    return assign.student_notebook(SOURCE, lang)


def answer(notebook: NotebookNode, function: str) -> NotebookNode:
    """Its answer cell."""
    name = function.replace("_", "-")
    return next(cell for cell in notebook.cells if cell.id == name)


def solved(*functions: str, lang: str = "en") -> NotebookNode:
    """With the course's answers to `functions`, or to all."""
    notebook, full = empty(lang), assign.source_notebook(SOURCE, lang, SEED)
    for function in functions or POINTS:
        answer(notebook, function).source = answer(full, function).source
    return notebook


def with_answers(answers: dict[str, str], base: NotebookNode | None = None) -> NotebookNode:
    """`base` (all solved, unless given) with other answers."""
    notebook = copy.deepcopy(base) if base else solved()
    for function, source in answers.items():
        answer(notebook, function).source = source
    return notebook


def as_bytes(notebook: NotebookNode) -> bytes:
    return nbformat.writes(notebook).encode()


def with_cell(notebook: NotebookNode, source: str, place: int = 0) -> NotebookNode:
    """A copy with one more code cell."""
    notebook = copy.deepcopy(notebook)
    notebook.cells.insert(place, new_code_cell(source, id=f"mine-{len(notebook.cells)}"))
    return notebook


def bare(notebook: NotebookNode, keep: Callable[[NotebookNode], bool] = bool) -> bytes:
    """As a program saves it that keeps neither ids nor metadata."""
    cells = [
        {"cell_type": c.cell_type, "metadata": {}, "source": c.source.splitlines(True)}
        | ({"outputs": [], "execution_count": None} if c.cell_type == "code" else {})
        for c in notebook.cells
        if keep(c)
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 0, "metadata": {}, "cells": cells}).encode()
