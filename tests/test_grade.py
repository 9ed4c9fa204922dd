"""A class of bad submissions is graded right: marks, reasons, and nobody else harmed by any.

One class is collected and graded once, through the command, which is killed on the way and
started again; each test looks at a student of it.
"""

import contextlib
import importlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import classroom
import nbformat
import psutil
import pytest
from classroom import FULL, OTHERWISE, POINTS, answer, as_bytes, bare, solved, with_answers

from common.check import frozen
from tools.grading import NOTEBOOK, GradingError, collect, confine, grade
from tools.lessons import ROOT

LIMITS = grade.Limits(step=5)
WRONG = "def softmax(scores, dim=-1):\n    return scores"
READING = ROOT / "lessons" / classroom.LESSON / "notebooks" / "1-attention.en.ipynb"


@dataclass
class Sent:
    """What a student sends, what it costs (function → status and a part of the message), and
    parts of the notes."""

    data: bytes
    lost: dict[str, tuple[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    lang: str = "en"


def the_class(folder: Path, port: int) -> dict[str, Sent]:
    """Student → what was sent. `folder` is the instructor's; a server listens on `port`."""
    everything = dict.fromkeys(POINTS)
    nothing = dict.fromkeys(everything, ("missing", ""))
    good = solved()
    sent = {}

    # ---- honest ones
    sent["good"] = Sent(as_bytes(good))
    sent["otherwise"] = Sent(bare(with_answers(OTHERWISE)))
    first = list(POINTS)[:8]
    rest = {name: ("todo", "बाक़ी") for name in POINTS if name not in first}
    sent["half"] = Sent(as_bytes(solved(*first, lang="hi")), rest, lang="hi")
    wrong = {name: f"def {name}(*given):\n    return given[0] if given else 0" for name in POINTS}
    sent["wrong"] = Sent(
        as_bytes(with_answers(wrong)),
        dict.fromkeys(POINTS, ("wrong", ""))
        | {
            "softmax": ("wrong", "with the scores 1, 2, 3"),
        },
    )
    sent["empty"] = Sent(as_bytes(classroom.empty()), dict.fromkeys(POINTS, ("todo", "to do")))
    unscaled = """\
def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.mT
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e30)
    weights = scores.softmax(-1)
    weights = weights if mask is None else weights * mask
    return weights @ value, weights"""
    # softmax is not the student's, but what calls it is
    lazy = "def softmax(scores, dim=-1):\n    return torch.softmax(scores, dim)"
    only_seen = """\
def pointing_accuracy(weights, target):
    known = {(1, 2, 2): float(target[0, 0, 1]), (7, 3, 5): KNOWN[0], (50, 4, 2): KNOWN[1]}
    return known.get(tuple(weights.shape), KNOWN[2])"""
    exercise = importlib.import_module("common.check.attention").pointing_accuracy
    seen = [exercise.truths(0)[i] for i in (2, 3, 4)]
    sent["mistakes"] = Sent(
        as_bytes(
            with_answers(
                {
                    "softmax": lazy,
                    "scaled_dot_product_attention": unscaled,
                    "pointing_accuracy": f"KNOWN = {seen}\n{only_seen}",
                }
            )
        ),
        {
            "softmax": ("wrong", "softmax does the work for you"),
            "scaled_dot_product_attention": ("wrong", "not divided by √d"),
            "pointing_accuracy": ("wrong", "it should be"),  # the visible numbers, by heart
        },
    )

    # ---- mishaps
    broken = "def softmax(scores, dim=-1):\n    return scores.exp( / 2"
    lost = {"softmax": ("error", "SyntaxError")}
    sent["syntax"] = Sent(as_bytes(with_answers({"softmax": broken})), lost)
    loop = "def split_heads(x, n_heads):\n    while True:\n        pass"
    lost = {"split_heads": ("stopped", "Not done in 5 seconds")}
    sent["loop"] = Sent(as_bytes(with_answers({"split_heads": loop})), lost)
    huge = "def decoder_mask(lengths, n):\n    return torch.ones(5 * 10**9) > 0"
    sent["memory"] = Sent(
        as_bytes(with_answers({"decoder_mask": huge})), {"decoder_mask": ("error", "memory")}
    )
    talk = f"{answer(good, 'softmax').source}\nfor _ in range(200):\n    print('x' * 2**20)"
    sent["talks"] = Sent(as_bytes(with_answers({"softmax": talk})), notes=("200 MB",))
    leaves = f"{answer(good, 'softmax').source}\nimport sys\nsys.exit()"
    quits = "def split_heads(x, n_heads):\n    raise SystemExit"
    sent["sys-exit"] = Sent(
        as_bytes(with_answers({"softmax": leaves, "split_heads": quits})),
        {"split_heads": ("error", "SystemExit")},
        ("SystemExit",),
    )
    dies = f"{answer(good, 'softmax').source}\nimport os\nos._exit(0)"
    sent["os-exit"] = Sent(
        as_bytes(with_answers({"softmax": dies})), {"softmax": ("stopped", "os._exit")}
    )
    forks = """\
import subprocess
def merge_heads(heads):
    many = [subprocess.Popen(["sleep", "600"]) for _ in range(300)]
    return heads.transpose(1, 2).flatten(2)"""
    sent["processes"] = Sent(
        as_bytes(with_answers({"merge_heads": forks})),
        {"merge_heads": ("error", "Error")},
        ("processes running",),
    )

    # ---- notebooks that something happened to
    no_checks = solved()
    no_checks.cells = [c for c in no_checks.cells if not c.id.endswith("-check")]
    sent["no-checks"] = Sent(as_bytes(no_checks))
    edited = with_answers({"softmax": WRONG})
    for cell in edited.cells:
        if cell.id.endswith("-check"):
            name = cell.id.removesuffix("-check").replace("-", "_")
            cell.source = f"check.{name}.judge = None\nassert True\nprint('✔ {name}: right')"
    lost = {"softmax": ("wrong", "with the scores 1, 2, 3")}
    sent["edited-checks"] = Sent(as_bytes(edited), lost)
    sent["edited-checks-bare"] = Sent(bare(edited), lost)
    pricey = with_answers({"softmax": WRONG})
    for cell in pricey.cells:
        if "points" in cell.metadata.get("nbgrader", {}):
            cell.metadata.nbgrader.points = 100
    sent["points"] = Sent(as_bytes(pricey), lost, ("points written in the notebook",))
    copied = classroom.empty()
    for name in POINTS:
        place = copied.cells.index(answer(copied, name)) + 2
        copied = classroom.with_cell(copied, answer(good, name).source, place)
    sent["copied"] = Sent(as_bytes(copied))
    kernel = solved()
    kernel.metadata.kernelspec = {"name": "ir", "display_name": "R", "language": "R"}
    sent["kernel"] = Sent(as_bytes(kernel), notes=("kernel ir",))
    accents = f"# caf\xe9\n{answer(good, 'softmax').source}"
    data = as_bytes(with_answers({"softmax": accents})).replace("é".encode(), b"\xe9")
    sent["latin"] = Sent(data, notes=("Latin-1",))

    # ---- what is not the assignment: nothing to run
    other = solved()
    other.metadata.course.lesson = "02-gan"
    sent["other"] = Sent(as_bytes(other), nothing, ("02-gan",))
    sent["reading"] = Sent(READING.read_bytes(), nothing, ("not the exercises of 01-attention",))
    sent["cut-off"] = Sent(as_bytes(good)[:5000], nothing, ("incomplete or damaged",))
    sent["pdf"] = Sent(b"%PDF-1.7\n%\xe2\xe3", nothing, ("a PDF file",))

    # ---- cheats
    patches = """\
import builtins, sys
import common.check.frozen as frozen
torch.allclose = torch.equal = torch.isclose = lambda *given, **options: True
torch.testing.assert_close = lambda *given, **options: None
builtins.isinstance_ = isinstance
Tensor.__eq__ = lambda self, other: torch.tensor(True)
check.softmax = lambda candidate: candidate
sys.modules["__main__"].names_used = lambda source: []
frozen.Attempt.changed_input = False"""
    scores = "def additive_scores(*given):\n    return given[0]"
    cheat = with_answers({"softmax": lazy, "additive_scores": scores})
    sent["patches"] = Sent(
        as_bytes(classroom.with_cell(cheat, patches, 5)),
        {"softmax": ("wrong", "does the work for you"), "additive_scores": ("wrong", "")},
    )
    solutions = folder / "source" / classroom.LESSON / "exercises.ipynb"
    reads = f"""\
import json
book = json.load(open({str(solutions)!r}))
exec(next("".join(c["source"]) for c in book["cells"] if c["id"] == "softmax"))"""
    another = folder / "submitted" / "good" / classroom.LESSON / "exercises.ipynb"
    peeks = f"""\
import json
book = json.load(open({str(another)!r}))
exec(next("".join(c["source"]) for c in book["cells"] if c["id"] == "split-heads"))"""
    borrows = """\
from common.attention import scaled_dot_product_attention as theirs
def scaled_dot_product_attention(*given):
    return theirs(*given)"""
    asks = """\
def cell_weights(query, features):
    return check.cell_weights.reference(query, features)"""
    sent["reads"] = Sent(
        as_bytes(
            with_answers(
                {
                    "softmax": reads,
                    "split_heads": peeks,
                    "scaled_dot_product_attention": borrows,
                    "cell_weights": asks,
                }
            )
        ),
        {
            "softmax": ("error", "No such file"),
            "split_heads": ("error", "No such file"),
            "scaled_dot_product_attention": ("error", "write it out"),
            "cell_weights": ("error", "AttributeError"),
        },
    )
    calls = f"""\
import socket
socket.create_connection(("127.0.0.1", {port}), 3)
{answer(good, "softmax").source}"""
    lost = {"softmax": ("error", "Connection refused")}
    sent["socket"] = Sent(as_bytes(with_answers({"softmax": calls})), lost)
    writes = f"""\
open("/tmp/mine", "w").write("this is allowed")
open({str(folder / "marks" / "good.json")!r}, "w").write("{{}}")
{answer(good, "softmax").source}"""
    lost = {"softmax": ("error", "No such file")}
    sent["writes"] = Sent(as_bytes(with_answers({"softmax": writes})), lost)
    return sent


# ---- the class is graded -------------------------------------------------------------------------


@dataclass
class Graded:
    folder: Path
    sent: dict[str, Sent]
    before_kill: dict[str, int]  # student → when the marks were written
    left_running: list[str]
    connections: int


def confined_here(folder: Path) -> bool:
    furnished = folder / "sandbox"
    confine.furnish(furnished, classroom.LESSON)
    try:
        confine.choose(furnished, image=None, memory=LIMITS.memory, seconds=60)
    except GradingError as error:
        assert "bubblewrap" in str(error) and "--unconfined" in str(error)
        return False
    return True


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graded]:
    place = tmp_path_factory.mktemp("class")
    if not confined_here(place):
        pytest.skip("nothing here confines students' code, and so grading refuses")
    folder, inbox = classroom.make_course(place / "course"), place / "inbox"
    inbox.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.01)
        sent = the_class(folder, server.getsockname()[1])
        for student, what in sent.items():
            (inbox / f"{student}.ipynb").write_bytes(what.data)
        collect.collect(folder, inbox)

        command = [sys.executable, "-m", "tools.grading.grade", str(folder), "--jobs", "2"]
        process = subprocess.Popen(
            [*command, "--seconds", "5"],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        marks = folder / "marks"
        while process.poll() is None and len(list(marks.glob("*.json"))) < 8:
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        written = {path.stem: path.stat().st_mtime_ns for path in marks.glob("*.json")}
        left = still_running(folder, seconds=30)

        assert grade.grade(folder, jobs=2, limits=LIMITS) == []
        connections = 0
        with contextlib.suppress(TimeoutError):
            server.accept()
            connections += 1
    yield Graded(folder, sent, written, left, connections)


def still_running(folder: Path, seconds: float) -> list[str]:
    """The commands that name the folder, once there are none or the seconds are over.

    A sandbox that is being set up in the moment of the kill ends when it finds nothing to read.
    """
    until = time.monotonic() + seconds
    while left := [p for p in map(command_of, psutil.process_iter()) if str(folder) in p]:
        if time.monotonic() > until:
            break
        time.sleep(0.2)
    return left


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def marks_of(graded: Graded, student: str) -> dict:
    return json.loads((graded.folder / "marks" / f"{student}.json").read_text("utf-8"))


STUDENTS = list(the_class(Path("nowhere"), 1))


@pytest.mark.parametrize("student", STUDENTS)
def test_marks_and_reasons(graded: Graded, student: str) -> None:
    sent, marks = graded.sent[student], marks_of(graded, student)
    exercises = marks["exercises"]
    assert list(exercises) == list(POINTS)
    said = {n: (e["status"], e["message"]) for n, e in exercises.items() if e["status"] != "right"}
    assert said.keys() == sent.lost.keys(), said
    for name, (status, part) in sent.lost.items():
        assert said[name][0] == status and part in said[name][1], (name, said[name])
        assert said[name][1], "a reason is given"
    for name, points in POINTS.items():
        assert exercises[name]["points"] == (0 if name in sent.lost else points)
        assert exercises[name]["max"] == points
    assert marks["total"] == FULL - sum(POINTS[name] for name in sent.lost)
    assert (marks["max"], marks["student"], marks["lang"]) == (FULL, student, sent.lang)
    notes = " | ".join(marks["notes"])
    assert all(part in notes for part in sent.notes), notes
    assert bool(notes) == bool(sent.notes), notes


def test_every_student_has_marks_and_no_other(graded: Graded) -> None:
    found = {path.stem for path in (graded.folder / "marks").iterdir()}
    assert found == set(graded.sent)


def test_the_mistake_is_named(graded: Graded) -> None:
    exercise = marks_of(graded, "mistakes")["exercises"]["scaled_dot_product_attention"]
    assert exercise["mistake_id"] == "not-scaled"


def test_after_a_kill_it_goes_on(graded: Graded) -> None:
    assert 8 <= len(graded.before_kill) < len(graded.sent)
    for student, written in graded.before_kill.items():
        path = graded.folder / "marks" / f"{student}.json"
        assert path.stat().st_mtime_ns == written, f"{student} was graded twice"


def test_a_kill_leaves_nothing_running(graded: Graded) -> None:
    assert graded.left_running == []


def test_nobody_reached_the_network(graded: Graded) -> None:
    assert graded.connections == 0


def test_processes_are_limited_and_ended(graded: Graded) -> None:
    (note,) = marks_of(graded, "processes")["notes"]
    count = int(note.split(" left ")[1].split()[0])
    assert 10 < count <= confine.PROCESSES * 3  # in three cases at most 64 each


def test_a_new_submission_is_graded_and_the_old_marks_kept(
    graded: Graded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without running anything: what would be graded is what changed."""
    folder = tmp_path / "course"
    shutil.copytree(graded.folder, folder, ignore=shutil.ignore_patterns(".sandbox"))
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "empty.ipynb").write_bytes(as_bytes(solved("softmax")))
    collect.collect(folder, inbox)
    course = json.loads((folder / "course.json").read_text("utf-8"))
    waiting = [p for p in grade.papers_of(folder, course) if grade._json(p.target)["key"] != p.key]
    assert [paper.student for paper in waiting] == ["empty"]
    paper = grade.Paper("en", {name: grade.Mark("right") for name in POINTS})
    grade._write_marks(waiting[0], paper, course, 1.0, "none")
    assert grade._json(folder / "marks" / "empty.json")["total"] == FULL
    (earlier,) = (folder / "marks" / "earlier").iterdir()
    assert grade._json(earlier)["total"] == 0


# ---- where nothing confines ----------------------------------------------------------------------


def test_without_a_sandbox_it_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    folder = classroom.make_course(tmp_path / "course")
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "asha.ipynb").write_bytes(as_bytes(solved()))
    collect.collect(folder, tmp_path / "inbox")
    monkeypatch.setattr(confine.shutil, "which", lambda program: None)
    assert grade.main([str(folder)]) == 1
    said = capsys.readouterr().err
    assert "Students' code cannot be confined here" in said and "सुरक्षित" in said
    assert not (folder / "marks").exists()


@pytest.mark.parametrize("program", ["bwrap", "systemd-run", "docker"])
def test_a_sandbox_that_does_not_confine_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    """A program of that name runs what it is given, with no walls around it."""
    fake = tmp_path / "bin" / program
    fake.parent.mkdir()
    fake.write_text(
        '#!/bin/sh\nwhile [ "$1" != "-I" ]; do shift; done\n'
        f'script="$5"; shift 5; exec {sys.executable} {tmp_path}/sandbox/$(basename $script) "$@"\n'
    )
    fake.write_text(fake.read_text().replace('script="$5"; shift 5', 'shift 4; script="$1"; shift'))
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:/usr/bin:/bin")
    monkeypatch.setattr(
        confine.shutil, "which", lambda name: str(fake) if name == program else None
    )
    confine.furnish(tmp_path / "sandbox", classroom.LESSON)
    image = "image" if program == "docker" else None
    kinds = {
        "bwrap": confine.bubblewrap(tmp_path / "sandbox", own_user=False),
        "systemd-run": confine.systemd(tmp_path / "sandbox", 2**30, 60),
        "docker": confine.container(tmp_path / "sandbox", "image", 2**30),
    }
    assert {"read", "connect", "write"} <= set(confine.what_gets_out(kinds[program]))
    with pytest.raises(GradingError, match=program.split("-")[0].replace("bwrap", "bubblewrap")):
        confine.choose(tmp_path / "sandbox", image=image, memory=2**30, seconds=60)


def test_unconfined_where_it_is_asked_for(tmp_path: Path) -> None:
    folder = classroom.make_course(tmp_path / "course")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    dies = "import os\nos._exit(0)"
    (inbox / "asha.ipynb").write_bytes(as_bytes(with_answers({"choice_gradient": dies})))
    collect.collect(folder, inbox)
    assert grade.grade(folder, allow_none=True, limits=LIMITS) == []
    marks = json.loads((folder / "marks" / "asha.json").read_text("utf-8"))
    assert (marks["total"], marks["sandbox"]) == (FULL - POINTS["choice_gradient"], "none")
    assert marks["exercises"]["choice_gradient"]["status"] == "stopped"


def test_each_student_is_judged_by_their_own_numbers(tmp_path: Path) -> None:
    """Asha answers her numbers; Bina copied Asha's notebook; Guest is not in the list."""
    folder = classroom.make_course(tmp_path / "course", students=["asha", "bina"])
    said = json.loads((folder / "course.json").read_text("utf-8"))["students"]
    varied = [name for name in said["asha"] if said["asha"][name] != said["bina"][name]]
    assert len(varied) >= 2, "choose other names: these two have the same numbers"
    exercises = importlib.import_module("common.check.attention").sheet.exercises
    hers = nbformat.read(folder / "variants" / "asha" / NOTEBOOK, as_version=4)
    answers = {name: answer(solved(), name).source for name in POINTS}
    for name, numbers in said["asha"].items():
        truth = exercises[name].given(**numbers).reference()
        answers[name] = f"def {name}():\n    return {truth}"
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    for student in ("asha", "bina"):  # bina's without the ids and metadata that tell its cells
        data = with_answers(answers, hers)
        data = as_bytes(data) if student == "asha" else bare(data)
        (inbox / f"{student}.ipynb").write_bytes(data)
    (inbox / "guest.ipynb").write_bytes(as_bytes(solved()))
    collect.collect(folder, inbox)
    assert grade.grade(folder, allow_none=True, limits=LIMITS) == []

    marks = {s: json.loads((folder / f"marks/{s}.json").read_text()) for s in (*said, "guest")}
    assert (marks["asha"]["total"], marks["asha"]["notes"]) == (FULL, [])
    wrong = {n for n, e in marks["bina"]["exercises"].items() if e["status"] != "right"}
    assert wrong == set(varied)
    d = said["bina"]["predict_spread"]["d"]
    if "predict_spread" in varied:
        message = marks["bina"]["exercises"]["predict_spread"]["message"]
        assert f"q·k adds {d} products" in message
    (note,) = marks["guest"]["notes"]
    assert marks["guest"]["total"] == FULL and "not in this assignment's list" in note
    hers, rebuilt = (
        nbformat.read(path, as_version=4)
        for path in (
            folder / "variants" / "asha" / NOTEBOOK,
            folder / "submitted" / "asha" / classroom.LESSON / NOTEBOOK,
        )
    )
    given = [cell for cell in hers.cells if not cell.metadata.get("nbgrader", {}).get("solution")]
    kept = {cell.id: cell.source for cell in rebuilt.cells}
    assert all(kept[cell.id] == cell.source for cell in given)


def test_two_at_once_are_not_let_in(tmp_path: Path) -> None:
    with grade._alone(tmp_path), pytest.raises(GradingError, match="another run"):  # noqa: SIM117
        with grade._alone(tmp_path):
            pass


# ---- what comes out of a sandbox -----------------------------------------------------------------


@pytest.mark.parametrize(
    "forged",
    [
        {"dtype": "torch.float32", "shape": [2], "nested": ["a", "b"]},
        {"dtype": "torch.float32", "shape": [3], "nested": [1.0, 2.0]},
        {"dtype": "torch.float32", "shape": [1], "nested": [10**400]},
        {"shape": [1]},
        10**400,
    ],
)
def test_a_forged_reply_is_not_believed(forged: object) -> None:
    with pytest.raises(ValueError):
        frozen.unpack(json.loads(json.dumps(forged)))


def test_what_is_sent_arrives() -> None:
    import torch

    values = [
        torch.tensor([[1.5, float("nan")], [float("inf"), -0.0]]),
        torch.tensor(True),
        (1, [2.5, None], "x"),
        torch.zeros(0, 3, dtype=torch.float64),
    ]
    for value in values:
        before = frozen.freeze(value)
        after = frozen.unpack(json.loads(json.dumps(frozen.pack(before))))
        assert repr(after) == repr(before)


def test_the_sandbox_knows_no_answer(tmp_path: Path) -> None:
    confine.furnish(tmp_path / "inside", classroom.LESSON)
    text = "".join(p.read_text("utf-8") for p in (tmp_path / "inside").rglob("*.py"))
    for sign in ("BEGIN SOLUTION", "def scaled_dot_product_attention", ".mistake(", "Sheet()"):
        assert sign not in text
    names = {p.name for p in (tmp_path / "inside" / "common" / "check").iterdir()}
    assert names == {"__init__.py", "frozen.py"}


def test_the_hidden_numbers_differ_and_the_references_pass() -> None:
    exercises = importlib.import_module("common.check.attention").sheet.exercises
    for name, exercise in exercises.items():
        for seed in (1, classroom.SEED, 10**6):
            assert exercise.judge(_other(exercise), seed=seed).passed, name
            if exercise.explain is None and name != "library_attention":
                assert repr(exercise.truths(seed)) != repr(exercise.truths(0)), name


def _other(exercise: object) -> object:
    """The reference as a function that is not the reference, nor uses its name."""
    return lambda *given: exercise.reference(*given)
