"""Whatever students send is taken in, kept, and said something about; whose it is is found."""

import io
import json
import os
import zipfile
from pathlib import Path, PurePosixPath

import classroom
import nbformat
import pytest
from classroom import POINTS, answer, as_bytes, bare, empty, solved, with_answers, with_cell

from tools.grading import NOTEBOOK, GradingError, collect, rebuild

LESSON = classroom.LESSON


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return classroom.make_course(tmp_path / "course")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


def put(inbox: Path, name: str, data: bytes, time: float = 1_000_000) -> Path:
    path = inbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (time, time))
    return path


def zipped(files: dict[str, bytes], hour: int = 12) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 8, 1, hour, 0, 0)), data)
    return out.getvalue()


def taken(folder: Path, student: str) -> nbformat.NotebookNode:
    return nbformat.read(folder / "submitted" / student / LESSON / NOTEBOOK, as_version=4)


def outcomes(entries: list[dict]) -> dict[str, tuple[str, str]]:
    return {entry["file"]: (entry["student"], entry["outcome"]) for entry in entries}


# ---- whose it is ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "student"),
    [
        ("Sharma_Asha_12345_assignsubmission_file_exercises (1).ipynb", "Sharma_Asha_12345"),
        ("Asha Sharma_12345_assignsubmission_file_/exercises.ipynb", "Asha_Sharma_12345"),
        ("all/Asha Sharma_12345_assignsubmission_file/exercises.ipynb", "Asha_Sharma_12345"),
        ("sharmaasha_LATE_12345_67890_exercises-1.ipynb", "sharmaasha_12345"),
        ("sharmaasha_12345_67890_exercises.ipynb", "sharmaasha_12345"),
        ("exercises - Asha Sharma.ipynb", "Asha_Sharma"),
        ("Asha Sharma - exercises.ipynb", "Asha_Sharma"),
        ("submitted/asha/01-attention/exercises.ipynb", "asha"),
        ("आशा शर्मा/exercises.ipynb", "आशा_शर्मा"),
        ("आशा_अभ्यास.ipynb", "आशा"),
        ("21/exercises.ipynb", "21"),
        ("2021CS101.ipynb", "2021CS101"),
        ("Shwetha_hw1_final.ipynb", "Shwetha"),
        ("asha.ipynb.txt", "asha"),
        ("01-attention-exercises-ravi.ipynb", "ravi"),
        ("../../etc/passwd", "etc"),
        ("exercises (2).ipynb", ""),
        ("exercises 2.ipynb", ""),
        ("Copy of exercises.ipynb", ""),
        ("homework.zip/exercises.ipynb", ""),
    ],
)
def test_whose_it_is(path: str, student: str) -> None:
    assert collect.student_of(PurePosixPath(path), LESSON) == student


def test_a_table_says_whose_it_is(folder: Path, inbox: Path, tmp_path: Path) -> None:
    put(inbox, "exercises (1).ipynb", as_bytes(solved()))
    (entry,) = collect.collect(folder, inbox)
    assert entry["student"].startswith("unnamed-") and "--names" in entry["message"]["en"]
    table = tmp_path / "names.csv"
    table.write_text("\ufefffile,student\nexercises (1).ipynb,आशा शर्मा\n", "utf-8")
    (entry,) = collect.collect(folder, inbox, table)
    assert entry["student"] == "आशा_शर्मा" and taken(folder, "आशा_शर्मा")
    assert [p.name for p in (folder / "submitted").iterdir()] == ["आशा_शर्मा"]
    table.write_text("name;who\n", "utf-8")
    with pytest.raises(GradingError, match="columns file and student"):
        collect.collect(folder, inbox, table)


# ---- taking in -----------------------------------------------------------------------------------


def test_of_two_the_latest_counts_and_both_are_kept(folder: Path, inbox: Path) -> None:
    put(inbox, "asha/exercises.ipynb", as_bytes(solved("softmax")), 2_000_000)
    put(inbox, "asha/exercises (1).ipynb", as_bytes(empty()), 1_000_000)
    put(inbox, "ravi/exercises (2).ipynb", as_bytes(solved("softmax")), 1_000_010)
    put(inbox, "ravi/exercises (1).ipynb", as_bytes(empty()), 1_000_015)
    put(inbox, "ravi/answers.pdf", b"%PDF-1.4", 3_000_000)
    said = outcomes(collect.collect(folder, inbox))
    assert said == {
        "asha/exercises.ipynb": ("asha", "taken"),
        "asha/exercises (1).ipynb": ("asha", "older"),
        "ravi/exercises (2).ipynb": ("ravi", "taken"),  # within a minute the number counts
        "ravi/exercises (1).ipynb": ("ravi", "older"),
        "ravi/answers.pdf": ("ravi", "beside"),
    }
    full = answer(solved(), "softmax").source
    for student in ("asha", "ravi"):
        assert answer(taken(folder, student), "softmax").source == full
    for path in inbox.rglob("*.*"):
        kept = folder / "received" / path.relative_to(inbox)
        assert kept.read_bytes() == path.read_bytes()
        assert kept.stat().st_mtime == path.stat().st_mtime


def test_again_changes_nothing_and_overwrites_nothing(folder: Path, inbox: Path) -> None:
    path = put(inbox, "asha.ipynb", as_bytes(solved("softmax")))
    collect.collect(folder, inbox)
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    collect.collect(folder, inbox)
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before

    first = path.read_bytes()
    put(inbox, "asha.ipynb", as_bytes(solved()), 2_000_000)
    entries = collect.collect(folder, inbox)
    assert [entry["outcome"] for entry in entries] == ["older", "taken"]
    assert (folder / "received" / "asha.ipynb").read_bytes() == first
    assert (folder / "received" / "2~asha.ipynb").read_bytes() == path.read_bytes()
    rows = (folder / "collected.csv").read_text("utf-8-sig").splitlines()
    assert rows[0] == "file,student,outcome,हिंदी,English" and len(rows) == 3


def test_zips(folder: Path, inbox: Path) -> None:
    full = as_bytes(solved())
    moodle = {f"Ravi K_{n}_assignsubmission_file_/exercises.ipynb": full for n in (1, 2)}
    moodle["Devi_3_assignsubmission_file_/hw.zip"] = zipped({"my work/exercises.ipynb": full})
    moodle["Tara_4_assignsubmission_file_/photo.jpg"] = b"\xff\xd8\xff"
    moodle["__MACOSX/Tara_4_assignsubmission_file_/._x"] = b"x"
    put(inbox, "CV101-all.zip", zipped(moodle))
    put(inbox, "Asha.zip", zipped({"hw/exercises.ipynb": full, "hw/.DS_Store": b""}))
    put(inbox, "Bad.zip", zipped({"exercises.ipynb": full})[:-40])
    put(inbox, "None.zip", zipped({}))
    put(inbox, "Slip.zip", zipped({"../../../slipped.ipynb": full, "/etc/x.txt": b"x"}))
    said = outcomes(collect.collect(folder, inbox))
    assert said == {
        "CV101-all.zip/Ravi K_1_assignsubmission_file_/exercises.ipynb": ("Ravi_K_1", "taken"),
        "CV101-all.zip/Ravi K_2_assignsubmission_file_/exercises.ipynb": ("Ravi_K_2", "taken"),
        "CV101-all.zip/Devi_3_assignsubmission_file_/hw.zip/my work/exercises.ipynb": (
            "Devi_3",
            "taken",
        ),
        "CV101-all.zip/Tara_4_assignsubmission_file_/photo.jpg": ("Tara_4", "refused"),
        "Asha.zip/hw/exercises.ipynb": ("Asha", "taken"),
        "Bad.zip": ("Bad", "refused"),
        "None.zip": ("None", "refused"),
        "Slip.zip/slipped.ipynb": ("slipped", "taken"),
        "Slip.zip/etc/x.txt": ("etc", "refused"),
    }
    assert {p.name for p in (folder / "received").iterdir()} == {p.name for p in inbox.iterdir()}
    assert not list(folder.parent.parent.rglob("slipped.ipynb"))


def test_a_zip_that_would_fill_the_memory_is_not_unpacked(
    folder: Path, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "LARGEST", 10_000_000)
    monkeypatch.setattr(collect, "LARGEST_ZIP", 25_000_000)
    bomb = zipped({"exercises.ipynb": bytes(20_000_000)})
    put(inbox, "Asha.zip", bomb)
    many = {f"{name}/exercises.ipynb": bytes(9_000_000) for name in ("a", "b", "c", "d")}
    put(inbox, "all.zip", zipped(many))
    entries = {e["file"]: e for e in collect.collect(folder, inbox)}
    assert "too large" in entries["Asha.zip/exercises.ipynb"]["message"]["en"]
    assert "too large" in entries["all.zip/c/exercises.ipynb"]["message"]["en"]
    assert "all.zip/d/exercises.ipynb" not in entries


def test_links_and_junk_are_passed_over(folder: Path, inbox: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(as_bytes(solved()))
    (inbox / "asha.ipynb").symlink_to(secret)
    put(inbox, ".ipynb_checkpoints/exercises.ipynb", as_bytes(solved()))
    put(inbox, "Thumbs.db", b"x")
    assert collect.collect(folder, inbox) == []


def test_what_cannot_be_graded_is_told(
    folder: Path, inbox: Path, capsys: pytest.CaptureFixture
) -> None:
    put(inbox, "a.ipynb", b"")
    put(inbox, "b.pdf", b"%PDF-1.7")
    put(inbox, "c.ipynb", as_bytes(solved())[:3000])
    put(inbox, "d.html", b"<!DOCTYPE html>")
    put(inbox, "e.ipynb", b'{"cells": ' + b"[" * 100_000)
    put(
        inbox,
        "f.ipynb",
        b'{"cells": [1, null, {"source": 7}, {"source": [7, "x"]}], "metadata": 3}',
    )
    put(inbox, "g.ipynb", b"[]")
    assert collect.main([str(folder), "--from", str(inbox)]) == 0
    said = capsys.readouterr().out
    for file, part in {
        "a.ipynb": "This file is empty",
        "b.pdf": "This is a PDF file",
        "c.ipynb": "incomplete or damaged",
        "d.html": "This is a HTML/XML file",
        "e.ipynb": "incomplete or damaged",
        "f.ipynb": "not the exercises of 01-attention",
        "g.ipynb": "incomplete or damaged",
    }.items():
        block = said.split(f"{file} → ")[1].split("\n\n")[0]
        assert part in block and any("ऀ" <= c <= "ॿ" for c in block)
    assert "7 files by 7 students; 0 notebooks can be graded, 7 files cannot." in said


def test_it_says_what_is_missing(tmp_path: Path, inbox: Path, folder: Path) -> None:
    for arguments, part in {
        (str(tmp_path), str(inbox)): "course.json",
        (str(folder), str(tmp_path / "nowhere")): "is not a folder",
        (str(folder), str(folder / "received")): "is not a folder",
    }.items():
        with pytest.raises(GradingError, match=part):
            collect.collect(*map(Path, arguments))
    (folder / "received").mkdir()
    with pytest.raises(GradingError, match="lies inside"):
        collect.collect(folder, folder / "received")


# ---- rebuilding ----------------------------------------------------------------------------------


def rebuilt(data: bytes) -> tuple[nbformat.NotebookNode, list[str]]:
    sent = rebuild.read_submission(data)
    book, notes = rebuild.rebuild(empty(), sent, LESSON)
    nbformat.validate(book)
    return book, [note["en"] for note in notes]


def answers(book: nbformat.NotebookNode) -> dict[str, str]:
    return {name: answer(book, name).source for name in POINTS}


@pytest.mark.parametrize(
    "data",
    [
        as_bytes(solved()),
        bare(solved()),
        bare(solved(), lambda cell: not cell.id.endswith("-check")),
        bare(solved(), lambda cell: cell.cell_type == "code"),
        b"\xef\xbb\xbf" + as_bytes(solved()),
        as_bytes(solved()).decode().encode("utf-16"),
        as_bytes(solved(lang="hi")),
        json.dumps(
            {
                "nbformat": 3,
                "metadata": {},
                "worksheets": [
                    {
                        "cells": [
                            {"cell_type": "code", "input": cell.source, "outputs": []}
                            for cell in solved().cells
                            if cell.cell_type == "code"
                        ]
                    }
                ],
            }
        ).encode(),
    ],
    ids=["whole", "bare", "no checks", "no text", "BOM", "UTF-16", "Hindi", "of 2014"],
)
def test_every_answer_is_found(data: bytes) -> None:
    book, notes = rebuilt(data)
    assert answers(book) == answers(solved()) and notes == []
    given = [c.source for c in book.cells if c.id not in ("start", *answers_ids())]
    wanted = [c.source for c in empty().cells if c.id not in ("start", *answers_ids())]
    assert given == wanted  # nothing else is taken


def answers_ids() -> set[str]:
    return {name.replace("_", "-") for name in POINTS}


def test_the_last_answer_that_is_not_the_stub_counts() -> None:
    first, last = (
        "def softmax(scores, dim=-1):\n    return 1",
        "def softmax(x, dim=-1):\n    return 2",
    )
    stub = answer(empty(), "softmax").source
    book = with_cell(with_cell(with_answers({"softmax": first}), last, 12), stub, 14)
    found, notes = rebuilt(as_bytes(book))
    assert answer(found, "softmax").source == last
    assert notes == ["softmax has 2 answers; the last one was taken."]
    doubled = solved()
    doubled.cells = [cell for cell in doubled.cells for _ in range(2)]
    found, notes = rebuilt(bare(doubled))
    assert answers(found) == answers(solved()) and notes == []


def test_a_missing_answer_is_known_from_an_empty_one() -> None:
    book = empty()
    book.cells.remove(answer(book, "softmax"))
    steps = {step.function: step for step in rebuild.steps(rebuilt(as_bytes(book))[0])}
    assert steps["softmax"].missing and not steps["split_heads"].missing


def test_own_cells_come_before_the_answer_that_they_preceded() -> None:
    book = with_cell(solved(), "HELP = 1", 12)
    place = book.cells.index(answer(book, "split_heads"))
    book = with_cell(book, "%matplotlib inline\nHELP = 2", place)
    labels = [step.label for step in rebuild.steps(rebuilt(as_bytes(book))[0]) if not step.given]
    own = [i for i, label in enumerate(labels) if label.startswith("extra")]
    assert labels[own[1] + 1] == "split_heads" and len(own) == 2
    assert len(labels) == len(POINTS) + 2


def test_of_what_was_given_only_what_is_used_is_run() -> None:
    given = [step.source for step in rebuild.steps(rebuilt(as_bytes(solved()))[0]) if step.given]
    assert "import torch" in given[0] and "import math" in given[0]
    assert "pyplot" not in "".join(given) and "assert" not in "".join(given)
    plots = with_cell(solved(), "plt.figure()", 12)
    given = [step.source for step in rebuild.steps(rebuilt(as_bytes(plots))[0]) if step.given]
    assert "pyplot" in given[0]


def test_a_few_functions_of_the_same_name_prove_nothing() -> None:
    few = bare(solved(), lambda cell: cell.id in ("softmax", "split-heads"))
    with pytest.raises(rebuild.Unreadable, match="not the exercises"):
        rebuilt(few)
    few = bare(solved(), lambda cell: cell.id in ("softmax", "softmax-check"))
    assert answer(rebuilt(few)[0], "softmax").source == answer(solved(), "softmax").source
