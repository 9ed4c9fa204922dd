"""Grades what was collected: each submission in a process of its own, confined.

    python -m tools.grading.grade DIR [--jobs N] [--container IMAGE | --unconfined] …

The judge, which knows the answers, is this process; it never runs a student's code. It sends a
submission's cells and the inputs of each case to a worker (`worker.py`) inside a sandbox
(`confine.py`), and gets back what the functions returned, as plain numbers. An exercise is right
when it is right with the numbers that students see and with those of the hidden tests. Where it is
not, the course's own function takes its place, as in the notebook, so that one mistake costs one
exercise. Marks are written one submission at a time: after a kill, the same command goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import json
import os
import pickle
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import nbformat
import psutil
from nbformat import NotebookNode
from tqdm import tqdm

from common.check import Exercise, describe
from common.check.frozen import Attempt, Fault, unpack
from common.lang import language, use_language
from tools.grading import NOTEBOOK, GradingError, both, confine, load_course, say, utf8_output
from tools.grading.rebuild import Step, function_of, is_answer, steps
from tools.lessons import write

MEBIBYTE = 2**20
LARGEST_REPLY = 8 * MEBIBYTE
MUCH_PRINTED = MEBIBYTE  # characters
STARTING = 180  # seconds that Python and torch may take to start on a busy machine

SAYS = {
    "missing": both(
        "जमा की गई नोटबुक में यह जवाब नहीं मिला।", "This answer is not in the notebook handed in."
    ),
    "time": both(
        "{seconds} सेकंड में पूरा नहीं हुआ, इसलिए रोक दिया गया: क्या कोई लूप कभी ख़त्म नहीं होता?",
        "Not done in {seconds} seconds, and stopped: is there a loop that never ends?",
    ),
    "died": both(
        "इस जवाब ने Python ही बंद कर दिया (जैसे os._exit से); इसके बिना आगे बढ़े।",
        "This answer ended Python itself (as os._exit does); we went on without it.",
    ),
    "memory": both(
        "इसने बहुत ज़्यादा मेमोरी ली, इसलिए रोक दिया गया।",
        "It took too much memory, and was stopped.",
    ),
    "reply": both(
        "इसका नतीजा पढ़ा नहीं जा सका: बहुत बड़ा है या किसी ने उससे छेड़छाड़ की है।",
        "What it gives cannot be read: it is too large, or was tampered with.",
    ),
    "total": both(
        "पूरी नोटबुक का समय ({seconds} सेकंड) ख़त्म हो गया था।",
        "The time for the whole notebook ({seconds} seconds) was over.",
    ),
    "again": both(
        "आपकी नोटबुक दोबारा चलाने पर हर बार अलग ढंग से रुकी, इसलिए यह जवाब नहीं जाँचा जा सका।",
        "Your notebook stopped in another way each time it was run, so this could not be graded.",
    ),
    "undefined": both(
        "सेल चला, पर उसमें {name} नाम का फ़ंक्शन नहीं बना।",
        "The cell ran, but defined no function {name}.",
    ),
    "cell": both(
        "{name} के सेल में यह गड़बड़ी आई; फ़ंक्शन उससे पहले बन चुका था, इसलिए जाँचा गया: {error}",
        "The cell of {name} stopped at this; its function was there by then, and was graded:"
        " {error}",
    ),
    "printed": both(
        "{name} बहुत कुछ छापता है ({size} MB); वह रखा नहीं गया।",
        "{name} prints very much ({size} MB); it was not kept.",
    ),
    "processes": both(
        "{name} के बाद {count} प्रोसेस चलते रह गए; उन्हें बंद कर दिया गया।",
        "{name} left {count} processes running; they were ended.",
    ),
    "spawn": both(
        "इसने प्रोसेस पर प्रोसेस चला दिए, इसलिए रोक दिया गया।",
        "It started processes without end, and was stopped.",
    ),
    "unlisted": both(
        "आप इस असाइनमेंट की सूची में नहीं हैं, इसलिए जवाब सबकी साझा संख्याओं से जाँचे गए।",
        "You are not in this assignment's list, so the answers were graded with the numbers that"
        " are the same for all.",
    ),
    "own": both(
        "आपका जोड़ा हुआ एक सेल रोकना पड़ा और छोड़ दिया गया: {why}",
        "A cell that you added had to be stopped, and was left out: {why}",
    ),
}


@dataclass(frozen=True)
class Limits:
    """For one submission: seconds for a cell or a function's cases, and in all; bytes."""

    step: float = 10
    total: float = 300
    memory: int = 2048 * MEBIBYTE


class Stopped(Exception):
    """A step after which the worker is gone; `reason` is a key of SAYS."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class WorkerFailed(Exception):
    """The worker did not even start: no fault of the student's."""


# --- talking to a worker --------------------------------------------------------------------------


class Session:
    """A worker in its sandbox. Whatever comes from it may be the work of a cheat."""

    def __init__(self, sandbox: confine.Sandbox, limits: Limits, lang: str) -> None:
        self.sandbox, self.limits = sandbox, limits
        self.number = next(confine.numbers)
        arguments = ["--lang", lang, "--memory", str(limits.memory)]
        arguments += ["--seconds", str(int(limits.total) + STARTING)]
        self.folder = tempfile.TemporaryDirectory() if not sandbox.confined else None
        errors = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            sandbox.command(confine.WORKER, arguments, self.number),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=self.folder.name if self.folder else "/",
            env=None if sandbox.confined else {**os.environ, **confine.ENVIRONMENT},
            start_new_session=True,
        )
        self.replies: queue.Queue[bytes | None] = queue.Queue()
        threading.Thread(target=self._listen, args=(self.process.stdout,), daemon=True).start()
        try:
            if self._reply(STARTING) != "ready":
                raise Stopped("reply")
        except Stopped as stopped:
            self.close()
            errors.seek(0)
            said = errors.read(100_000).decode("utf-8", "replace").strip()
            raise WorkerFailed(said[-2000:] or stopped.reason) from None
        finally:
            errors.close()
        self.known = {process.pid for process in self._processes()}

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        confine.end(self.process, self.sandbox, self.number)
        for thing in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                thing.close()
        if self.folder:
            with contextlib.suppress(OSError):
                self.folder.cleanup()

    def ask(self, *message: Any) -> Any:
        """Send a message; the worker's answer. Raises Stopped, and then the worker is gone."""
        data = pickle.dumps(message)
        data = len(data).to_bytes(4, "big") + data
        # A worker that does not read would keep us waiting: so this waits elsewhere
        threading.Thread(target=self._send, args=(data,), daemon=True).start()
        try:
            return self._reply(self.limits.step)
        except Stopped:
            self.close()
            raise

    def tidy(self) -> int:
        """End the processes that a step has left running; how many they were. Raises Stopped."""
        count = 0
        for _ in range(5):
            left = [process for process in self._processes() if process.pid not in self.known]
            if not left:
                return count
            count += len(left)
            for process in left:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            time.sleep(0.05)
        self.close()  # they start each other faster than they can be ended
        raise Stopped("spawn")

    def _send(self, data: bytes) -> None:
        with contextlib.suppress(OSError, ValueError):  # it may have been closed meanwhile
            self.process.stdin.write(data)
            self.process.stdin.flush()

    def _listen(self, stream: BinaryIO) -> None:
        with contextlib.suppress(OSError, ValueError):
            while head := stream.read(4):
                size = int.from_bytes(head, "big")
                if size > LARGEST_REPLY or self.replies.qsize() > 4:
                    self.replies.put(b"")
                    return
                self.replies.put(stream.read(size))
        self.replies.put(None)

    def _reply(self, seconds: float) -> Any:
        end = time.monotonic() + seconds
        while True:
            try:
                data = self.replies.get(timeout=min(0.5, max(0.0, end - time.monotonic())))
                break
            except queue.Empty:
                if time.monotonic() >= end:
                    raise Stopped("time") from None
                if self._memory() > 1.5 * self.limits.memory + 1024 * MEBIBYTE:
                    raise Stopped("memory") from None
        if data is None:
            raise Stopped("died")
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            raise Stopped("reply") from None

    def _processes(self) -> list[psutil.Process]:
        """What runs in the sandbox; a zombie does not."""
        found = []
        with contextlib.suppress(psutil.Error):
            for process in psutil.Process(self.process.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    if process.status() != psutil.STATUS_ZOMBIE:
                        found.append(process)
        return found

    def _memory(self) -> int:
        """Bytes of all its processes together; each page counted once."""
        total = 0
        for process in self._processes():
            with contextlib.suppress(psutil.Error, AttributeError):
                total += process.memory_full_info().pss
        return total


# --- judging one submission -----------------------------------------------------------------------


@dataclass
class Mark:
    status: str  # right, wrong, todo, error, missing or stopped
    message: str = ""
    mistake_id: str | None = None

    @property
    def points_lost(self) -> bool:
        return self.status != "right"


@dataclass
class Paper:
    """A submission while it is judged: what has been run, and must be again in a new worker."""

    lang: str
    marks: dict[str, Mark] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    numbers: dict[str, dict[str, int]] = field(default_factory=dict)  # the student's own
    names: dict[str, list[str]] = field(default_factory=dict)  # which each answer uses
    history: list[tuple[str, str, str]] = field(default_factory=list)

    def say(self, key: str, **values: Any) -> str:
        return SAYS[key][self.lang].format(**values)


# The language of the checks' messages is one for the whole process
_language = threading.Lock()


class Judge:
    """Knows the answers to one lesson's exercises."""

    def __init__(
        self,
        lesson: str,
        source: NotebookNode,
        seeds: list[int],
        sandbox: confine.Sandbox,
        limits: Limits,
    ) -> None:
        """`source` has the solutions. `seeds`: of the numbers that are tried, 0 being those that
        students see."""
        module = lesson.split("-", 1)[1].replace("-", "_")
        self.exercises: dict[str, Exercise] = importlib.import_module(
            f"common.check.{module}"
        ).sheet.exercises
        # The course's own cells, for the answers that come after a wrong one
        self.solutions = {function_of(c): c.source for c in source.cells if is_answer(c)}
        self.sandbox, self.limits = sandbox, limits
        self.cases: dict[str, dict[int, list[bytes]]] = {}  # function → seed → arguments
        for name in self.solutions:
            exercise = self.exercises[name]
            self.cases[name] = {
                seed: [pickle.dumps(arguments) for _, *arguments in exercise.cases(seed)]
                for seed in (seeds if exercise.explain is None else seeds[:1])
            }

    def judge(
        self, book: NotebookNode, lang: str, numbers: dict[str, dict[str, int]] | None = None
    ) -> Paper:
        """`numbers`: function → the student's own. Raises WorkerFailed where none can be had."""
        paper = Paper(lang, numbers=numbers or {})
        end = time.monotonic() + self.limits.total
        session: Session | None = None
        # All cells are read before one is run, while nothing can have been patched
        todo = [("read", step) for step in steps(book, self.solutions.values())]
        todo += [("run", step) for _, step in todo]
        try:
            for action, step in todo:
                name = step.function
                if name in paper.marks or (action == "read" and not name):
                    continue
                if time.monotonic() > end:
                    self._over(paper, "total", seconds=int(self.limits.total))
                    break
                if step.missing:
                    paper.marks[name] = Mark("missing", paper.say("missing"))
                else:
                    try:
                        session = session or self._open(paper)
                    except Stopped:
                        self._over(paper, "again")
                        break
                    try:
                        if action == "read":
                            self._read(paper, session, step)
                        else:
                            self._run(paper, session, step)
                    except Stopped as stopped:
                        session = None
                        why = paper.say(stopped.reason, seconds=f"{self.limits.step:g}")
                        if name:
                            paper.marks[name] = Mark("stopped", why)
                        else:
                            paper.notes.append(paper.say("own", why=why))
                if name in paper.marks and paper.marks[name].points_lost:
                    session = self._replace(paper, session, name)
        finally:
            if session:
                session.close()
        return paper

    def _open(self, paper: Paper) -> Session:
        """A new worker, in which all is as it was. Raises Stopped where that does not succeed."""
        session = Session(self.sandbox, self.limits, paper.lang)
        for label, source, name in paper.history:
            session.ask("run", label, source, name)
        return session

    def _replace(self, paper: Paper, session: Session | None, name: str) -> Session | None:
        """The course's function for one that is not right: its marks are lost by now."""
        cell = (f"{name}-course", self.solutions[name], name)
        paper.history.append(cell)
        if session:
            try:
                session.ask("run", *cell)
            except Stopped:
                return None
        return session

    def _over(self, paper: Paper, reason: str, **values: Any) -> None:
        for name in self.solutions:
            paper.marks.setdefault(name, Mark("stopped", paper.say(reason, **values)))

    def _read(self, paper: Paper, session: Session, step: Step) -> None:
        """Learn which names a cell uses, and whether it is Python. Raises Stopped."""
        read = _as(dict, session.ask("read", step.source))
        paper.names[step.function] = _as(list, read.get("names"))
        if error := _fault(read.get("error")):
            paper.marks[step.function] = Mark("error", self._describe(paper, error), "error")

    def _run(self, paper: Paper, session: Session, step: Step) -> None:
        """Run a cell and judge its function. Raises Stopped."""
        name = step.function
        cell = (step.label, step.source, name)
        ran = _as(dict, session.ask("run", *cell))
        left = session.tidy()
        paper.history.append(cell)
        if name and not ran.get("defined"):
            error = _fault(ran.get("error"))
            why = self._describe(paper, error) if error else paper.say("undefined", name=name)
            paper.marks[name] = Mark("error", why, "error")
        elif name:
            paper.marks[name] = self._verdict(paper, session, name)
            left += session.tidy()
            if error := _fault(ran.get("error")):
                said = self._describe(paper, error)
                paper.notes.append(paper.say("cell", name=name, error=said))
            if (printed := _as(int, ran.get("printed"))) > MUCH_PRINTED:
                size = f"{printed / MEBIBYTE:.0f}"
                paper.notes.append(paper.say("printed", name=name, size=size))
        if left:
            paper.notes.append(paper.say("processes", name=name or step.label, count=left))

    def _verdict(self, paper: Paper, session: Session, name: str) -> Mark:
        exercise = self.exercises[name].given(**paper.numbers.get(name, {}))
        with _speaking(paper.lang):
            spared = exercise.spared_by(paper.names[name])
        if spared:
            return Mark("wrong", spared.message, spared.mistake_id)
        result = None
        for seed, cases in self.cases[name].items():
            reply = session.ask("call", name, cases)
            try:
                attempts = [_attempt(item) for item in _as(list, reply)]
                with _speaking(paper.lang):
                    result = exercise.verdict(attempts, seed)
            except (ValueError, TypeError, ArithmeticError, RecursionError):
                return Mark("error", paper.say("reply"), "reply")
            if not result.passed:
                break
        status = "right" if result.passed else "todo" if result.todo else "wrong"
        status = "error" if result.mistake_id == "error" else status
        return Mark(status, result.message, result.mistake_id)

    def _describe(self, paper: Paper, error: Fault) -> str:
        with _speaking(paper.lang):
            return describe(error)


@contextlib.contextmanager
def _speaking(lang: str) -> Iterator[None]:
    with _language:
        before = language()
        use_language(lang)
        try:
            yield
        finally:
            use_language(before)


def _as(kind: type, value: Any) -> Any:
    return value if type(value) is kind else kind()


def _fault(data: Any) -> Fault | None:
    if not isinstance(data, list) or len(data) != 3:
        return None
    text, line, stub = data
    return Fault(str(text)[:500], str(line)[:200], stub is True)


def _attempt(data: Any) -> Attempt:
    """Raises ValueError for what no worker sends."""
    value, error, *flags = _as(list, data) or [None, None, False, False, False]
    changed, passes, taught = (flag is True for flag in flags)
    return Attempt(unpack(value), _fault(error), changed, passes, taught)


# --- the whole class ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Submitted:
    """What there is to grade of one student."""

    student: str
    lang: str
    notes: list[str]
    notebook: Path | None  # None where nothing that was sent could be read
    key: str  # changes when there is something new to grade
    target: Path


def papers_of(folder: Path, course: dict[str, Any]) -> list[Submitted]:
    """Every student of whom something was collected. Raises GradingError where nothing was."""
    try:
        entries = json.loads((folder / "collected.json").read_text("utf-8"))
    except (OSError, ValueError):
        raise GradingError(
            "अभी कुछ जमा नहीं किया गया: पहले `course.py collect` चलाइए।",
            "Nothing was collected yet: run `course.py collect` first.",
        ) from None
    papers = []
    for student in sorted({entry["student"] for entry in entries}):
        theirs = [e for e in entries if e["student"] == student]
        # the one that counts; of those that cannot be read, all say why
        counts = [e for e in theirs if e["outcome"] == "taken"] or theirs
        lang = counts[0]["lang"] or course["lang"]
        notes = list(dict.fromkeys(note[lang] for e in counts for note in e["notes"]))
        if course.get("students") and student not in course["students"]:
            notes.insert(0, SAYS["unlisted"][lang])
        taken = counts[0]["outcome"] == "taken"
        path = folder / "submitted" / student / course["lesson"] / NOTEBOOK if taken else None
        parts = [(folder / "course.json").read_bytes(), path.read_bytes() if path else b""]
        parts += [note.encode() for note in notes]
        key = hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
        target = folder / "marks" / f"{student}.json"
        papers.append(Submitted(student, lang, notes, path, key, target))
    return papers


def grade(
    folder: Path,
    *,
    jobs: int = 1,
    image: str | None = None,
    allow_none: bool = False,
    limits: Limits | None = None,
) -> list[str]:
    """Grade what has no marks yet; returns the students who could not be graded, each with why.

    Raises GradingError where grading cannot begin.
    """
    limits = limits or Limits()
    course = load_course(folder)
    papers = papers_of(folder, course)
    waiting = [paper for paper in papers if _json(paper.target).get("key") != paper.key]
    with _alone(folder):
        if waiting:
            judge = _judge(folder, course, limits, image, allow_none)
            label = judge.sandbox.name
        else:
            judge, label = None, "-"

        def one(paper: Submitted) -> None:
            began = time.monotonic()
            marked = Paper(paper.lang)
            if paper.notebook:
                numbers = course.get("students", {}).get(paper.student)
                book = nbformat.read(paper.notebook, as_version=4)
                marked = judge.judge(book, paper.lang, numbers)
            _write_marks(paper, marked, course, time.monotonic() - began, label)

        failed = _all(waiting, one, jobs, label)
        shutil.rmtree(folder / ".sandbox", ignore_errors=True)
    done, before = len(waiting) - len(failed), len(papers) - len(waiting)
    say(
        f"{done} जाँचे, {before} पहले से जाँचे हुए, {len(failed)} नहीं जाँचे जा सके।",
        f"{done} graded, {before} graded before, {len(failed)} could not be graded.",
    )
    return failed


def _judge(
    folder: Path, course: dict[str, Any], limits: Limits, image: str | None, allow_none: bool
) -> Judge:
    """A judge whom the course's own answers have convinced. Raises GradingError."""
    lesson, inside = course["lesson"], folder.resolve() / ".sandbox"
    confine.furnish(inside, lesson)
    sandbox = confine.choose(
        inside,
        image=image,
        memory=limits.memory,
        seconds=int(limits.total) + STARTING,
        allow_none=allow_none,
    )
    source = nbformat.read(folder / "source" / lesson / NOTEBOOK, as_version=4)
    judge = Judge(lesson, source, [0, course["seed"]], sandbox, limits)
    try:
        paper = judge.judge(source, course["lang"])
    except WorkerFailed as failure:
        raise GradingError(
            f"विद्यार्थियों का कोड चलाने वाला प्रोग्राम शुरू नहीं हुआ ({sandbox.name}):",
            f"The program that runs students' code did not start ({sandbox.name}):\n{failure}",
        ) from None
    wrong = [f"{name}: {mark.message}" for name, mark in paper.marks.items() if mark.points_lost]
    if wrong:
        raise GradingError(
            "इस मशीन पर कोर्स के अपने जवाब भी सही नहीं निकले, इसलिए जाँच शुरू नहीं हुई:",
            "On this machine not even the course's own answers come out right, so nothing was"
            " graded:\n" + "\n".join(wrong),
        )
    return judge


def _write_marks(
    paper: Submitted, marked: Paper, course: dict[str, Any], seconds: float, sandbox: str
) -> None:
    """Whole or not at all; marks of an earlier submission are kept beside."""
    unread = Mark("missing", paper.notes[-1] if paper.notes else SAYS["missing"][paper.lang])
    exercises = {}
    for name, most in course["points"].items():
        mark = marked.marks.get(name, unread)
        exercises[name] = {
            "status": mark.status,
            "points": 0 if mark.points_lost else most,
            "max": most,
            "mistake_id": mark.mistake_id,
            "message": mark.message,
        }
    marks = {
        "student": paper.student,
        "lesson": course["lesson"],
        "lang": paper.lang,
        "seconds": round(seconds, 1),
        "notes": [*paper.notes, *marked.notes],
        "exercises": exercises,
        "total": sum(exercise["points"] for exercise in exercises.values()),
        "max": sum(course["points"].values()),
        "sandbox": sandbox,
        "key": paper.key,
    }
    if old := _json(paper.target):
        earlier = paper.target.parent / "earlier" / f"{paper.student}-{old.get('key', 0)}.json"
        write(earlier, paper.target.read_bytes())
    write(paper.target, json.dumps(marks, ensure_ascii=False, indent=1) + "\n")


def _all(
    papers: list[Submitted], one: Callable[[Submitted], None], jobs: int, label: str
) -> list[str]:
    """Do `one` for each; what went wrong, a line each. Nothing that goes wrong stops the rest."""
    failed = []
    with (
        tqdm(total=len(papers), unit="", desc=f"[{label}]", disable=not papers) as bar,
        ThreadPoolExecutor(jobs) as pool,
    ):
        running = {pool.submit(one, paper): paper.student for paper in papers}
        try:
            for future in as_completed(running):
                if error := future.exception():  # ours or the machine's, not the student's
                    text = (str(error).strip().splitlines() or [""])[-1]
                    failed.append(f"{running[future]}: {type(error).__name__}: {text}")
                    bar.write(failed[-1])
                bar.update()
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return failed


def _json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two runs at once would grade twice. The lock is gone with the process, however it ends."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with (folder / ".grading").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise GradingError(
                f"{folder} में एक और जाँच चल रही है।", f"{folder} is being graded by another run."
            ) from None
        yield


def main(argv: list[str] | None = None) -> int:
    utf8_output()
    parser = argparse.ArgumentParser(prog="course.py grade", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, metavar="DIR", help="made by course.py assign")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="submissions at once")
    parser.add_argument(
        "--seconds", type=float, default=Limits.step, help="for one cell or function (10)"
    )
    parser.add_argument(
        "--memory", type=int, default=Limits.memory // MEBIBYTE, metavar="MB", help="(2048)"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--container", metavar="IMAGE", help="in docker or podman; IMAGE has torch")
    where.add_argument(
        "--unconfined", action="store_true", help="students' code may then do all that you may"
    )
    options = parser.parse_args(argv)
    limits = Limits(step=options.seconds, memory=options.memory * MEBIBYTE)
    if options.unconfined:
        say(
            "सावधान: विद्यार्थियों का कोड बिना घेरे के चल रहा है।",
            "Careful: students' code runs without confinement.",
        )
    try:
        failed = grade(
            options.folder,
            jobs=max(1, options.jobs),
            image=options.container,
            allow_none=options.unconfined,
            limits=limits,
        )
    except GradingError as error:
        print(error, file=sys.stderr)
        return 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
