"""Takes in what students sent, whatever it is, and says for each file what was done.

    python -m tools.grading.collect DIR --from FOLDER [--names FILE.csv]

FOLDER is what a learning platform gives (Moodle, Canvas, Google Classroom), or any folder, with
zips or without. Each file is copied to DIR/received and never changed or overwritten there. Whose
it is comes from its name or its folder (see `student_of`), or from a table with the columns `file`
and `student`. Of several notebooks by one student the latest counts.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import re
import shutil
import sys
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import nbformat
from nbformat import NotebookNode

from tools.grading import (
    NOTEBOOK,
    GradingError,
    both,
    load_course,
    say,
    utf8_output,
    variant_path,
)
from tools.grading.rebuild import Unreadable, read_submission, rebuild
from tools.lessons import LANGUAGES, write

MEBIBYTE = 2**20
LARGEST = 100 * MEBIBYTE  # of one file
LARGEST_ZIP = 2000 * MEBIBYTE  # of all files in one zip together
MOST = 5000  # files in one zip
JUNK = re.compile(r"^(\.|~\$|__MACOSX$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)

TASK = r"(exercises|assignment|अभ्यास)"
# How platforms name what they give: `who` (and `number`) is the student
PLATFORMS = (
    re.compile(r"^(?P<who>.+_\d+)_assignsubmission_(file|onlinetext)"),  # Moodle
    re.compile(r"^(?P<who>[^\W\d_]+)(_LATE)?_(?P<number>\d+)_\d+_."),  # Canvas
    re.compile(rf"^.*{TASK}.* - (?P<who>[^-]+)$", re.IGNORECASE),  # Google Classroom
    re.compile(rf"^(?P<who>[^-]+) - .*{TASK}.*$", re.IGNORECASE),
)
WORDS = re.compile(  # of a name, what is not the student's
    r"\b(exercises?|assignments?|submissions?|submitted|solutions?|answers?|homework|hw\d*|copy of"
    r"|copy|final|lesson|notebooks?|untitled\d*|v\d)\b|\(\d+\)|कॉपी|अभ्यास",
    re.IGNORECASE,
)
NUMBER = re.compile(r"(?:\((\d+)\)|-(\d+))$")


@dataclass
class Received:
    """A file, or a member of a zip. `path` is where it was, the zip's name being a folder."""

    path: PurePosixPath
    whose: PurePosixPath  # the same, without zips in which several students' files are
    kept: str  # in DIR/received
    data: bytes
    time: float  # when it was last changed
    problem: dict[str, str] | None = None


# --- whose it is ----------------------------------------------------------------------------------


def clean(name: str) -> str:
    """A name that can be a folder's on every system."""
    name = unicodedata.normalize("NFC", name)
    name = "".join(c for c in name if c.isprintable() and c not in '\\/:*?"<>|+')
    name = re.sub(r"[\s_]+", "_", name).strip("._- ")
    while len(name.encode()) > 100:
        name = name[:-1]
    return name


def stem(name: str) -> str:
    """Without endings such as .ipynb or .ipynb.txt."""
    return re.sub(r"(\.(ipynb|txt|json|zip|pdf|html|py))+$", "", name, flags=re.IGNORECASE)


def student_of(path: PurePosixPath, lesson: str) -> str:
    """The student whose file lies at `path`; "" where nothing says so.

    In this order: a name as Moodle, Canvas or Classroom make it, of a folder or the file; the
    outermost folder; the file's name. Words such as "exercises (1)" are no name.
    """
    for part in path.parts:
        for platform in PLATFORMS:
            found = platform.match(stem(part))
            if found and own_words(found["who"], lesson):
                number = found.groupdict().get("number")
                return clean(f"{found['who']}_{number}" if number else found["who"])
    names = [own_words(part, lesson) for part in path.parts]
    if re.fullmatch(r"\d{1,2}", names[-1]):  # "exercises 2"; of a folder it is a roll number
        names.pop()
    return next(filter(None, names), "")


def own_words(name: str, lesson: str) -> str:
    """What is left of a name without the words that do not say who it is."""
    rest = re.sub(r"[\s_]+", " ", stem(name)).replace(lesson, " ").strip()
    rest = rest if rest != lesson.split("-", 1)[1] else ""
    rest = WORDS.sub(" ", rest).strip(" -.")
    return clean(re.sub(r"^\d{1,2}\b[\s.-]+(?=\S)", "", rest))


def read_names(path: Path | None) -> dict[str, str]:
    """File (its name, or its path in FOLDER) → student."""
    if path is None:
        return {}
    try:
        rows = csv.DictReader(io.StringIO(path.read_text("utf-8-sig")))
        if not {"file", "student"} <= set(rows.fieldnames or ()):
            raise KeyError
        return {row["file"].strip(): clean(row["student"]) for row in rows}
    except (OSError, ValueError, KeyError, AttributeError, csv.Error):
        raise GradingError(
            f"{path} नहीं पढ़ी जा सकी: यह CSV हो, कॉलम file और student के साथ।",
            f"{path} cannot be read: it should be a CSV with the columns file and student.",
        ) from None


# --- taking in ------------------------------------------------------------------------------------


def keep(path: Path, received: Path, relative: PurePosixPath) -> str:
    """Copy a file into `received`, beside what has the same name already; where it lies now."""
    digest = _digest(path)
    for number in range(1, 10_000):
        name = relative.name if number == 1 else f"{number}~{relative.name}"
        target = received / relative.with_name(name)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f".{target.name}.part")
            shutil.copy2(path, part)
            part.replace(target)
            break
        if target.is_file() and _digest(target) == digest:
            break
    return target.relative_to(received).as_posix()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_in(folder: Path, received: Path, lesson: str) -> Iterator[Received]:
    """Every file that was sent; junk of operating systems and links are passed over."""
    for path in sorted(folder.rglob("*")):
        relative = PurePosixPath(path.relative_to(folder).as_posix())
        if path.is_symlink() or not path.is_file() or any(map(JUNK.match, relative.parts)):
            continue
        facts = path.stat()
        kept = keep(path, received, relative)
        if zipfile.is_zipfile(path):
            yield from unzip(path, Received(relative, relative, kept, b"", facts.st_mtime), lesson)
        elif facts.st_size > LARGEST:
            yield Received(relative, relative, kept, b"", facts.st_mtime, TOO_LARGE)
        else:
            yield Received(relative, relative, kept, path.read_bytes(), facts.st_mtime)


TOO_LARGE = both(
    "फ़ाइल बहुत बड़ी है। आउटपुट हटाकर (Clear outputs) फिर भेजिए।",
    "The file is too large. Clear its outputs and send it again.",
)
DAMAGED = both("यह ज़िप फ़ाइल बिगड़ी हुई है; फिर भेजिए।", "This zip is damaged; send it again.")
NO_NOTEBOOK = both(
    "इस ज़िप में कोई नोटबुक नहीं है। .ipynb फ़ाइल भेजिए।",
    "There is no notebook in this zip. Send the .ipynb file.",
)


def unzip(
    file: Path | BinaryIO, outer: Received, lesson: str, room: list[int] | None = None
) -> Iterator[Received]:
    """The files in a zip, and in zips in it. Nothing is written: names in a zip are only names.

    `room`: how many bytes all of them may have, for zips within zips too.
    """
    nested, room = room is not None, room or [LARGEST_ZIP]
    found = 0
    try:
        with zipfile.ZipFile(file) as archive:
            members = []
            for member in archive.infolist()[:MOST]:
                parts = [p for p in re.split(r"[\\/]", member.filename) if p not in ("", ".", "..")]
                if parts and not member.is_dir() and not any(map(JUNK.match, parts)):
                    members.append((member, PurePosixPath(*parts)))
            inside = {student_of(path, lesson) for _, path in members} - {""}
            whose = outer.whose.parent if len(inside) > 1 else outer.whose
            for member, path in members:
                found += 1
                with archive.open(member) as stream:
                    data = stream.read(min(LARGEST, room[0]) + 1)
                room[0] -= len(data)
                when = _changed(member, outer.time)
                item = Received(outer.path / path, whose / path, outer.kept, data, when)
                if len(data) > LARGEST or room[0] < 0:
                    item.data, item.problem = b"", TOO_LARGE
                    yield item
                    if room[0] < 0:
                        return
                elif not nested and zipfile.is_zipfile(io.BytesIO(data)):
                    yield from unzip(io.BytesIO(data), item, lesson, room)
                else:
                    yield item
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, ValueError, EOFError):
        outer.problem = DAMAGED
        yield outer
        return
    if not found:
        outer.problem = NO_NOTEBOOK
        yield outer


def _changed(member: zipfile.ZipInfo, otherwise: float) -> float:
    try:
        return datetime(*member.date_time).timestamp()
    except (ValueError, OverflowError, OSError):
        return otherwise


# --- the whole ------------------------------------------------------------------------------------

OUTCOMES = {  # what was done with a file
    "taken": both("लिया गया", "taken"),
    "older": both("रखा है; गिना नया वाला जाएगा", "kept; a later one counts"),
    "refused": both("रखा है, पर जाँचा नहीं जा सकता", "kept, but cannot be graded"),
    "beside": both(
        "रखा है; नोटबुक नहीं है, विद्यार्थी की नोटबुक अलग से मिली", "kept beside the student's notebook"
    ),
}


def collect(folder: Path, source: Path, names: Path | None = None) -> list[dict[str, Any]]:
    """Take in all of `source`; returns what collected.json then says, an entry for each file.

    Doing it again changes nothing. Raises GradingError where it cannot begin.
    """
    course = load_course(folder)
    lesson = course["lesson"]
    if not source.is_dir():
        raise GradingError(f"{source} फ़ोल्डर नहीं है।", f"{source} is not a folder.")
    if source.resolve().is_relative_to(folder.resolve()):
        raise GradingError(
            f"{source} तो {folder} के अंदर ही है: बाहर का फ़ोल्डर दीजिए।",
            f"{source} lies inside {folder}: give a folder outside it.",
        )
    common = folder / "release" / lesson / NOTEBOOK

    def release(student: str) -> NotebookNode:
        own = student in course.get("students", ())
        return nbformat.read(variant_path(folder, student) if own else common, as_version=4)

    table = read_names(names)
    record = folder / "collected.json"
    entries: list[dict[str, Any]] = []
    if record.exists():
        entries = json.loads(record.read_text("utf-8"))
    known = {(entry["file"], entry["sha256"]): entry for entry in entries}
    books: dict[tuple[str, str], NotebookNode] = {}  # student, a file's sha256 → rebuilt
    before = {entry["student"] for entry in entries}

    for received in files_in(source, folder / "received", lesson):
        entry = _take(received, release, lesson, table, books)
        if old := known.get((entry["file"], entry["sha256"])):
            old.update(entry)
        else:
            entries.append(entry)
    _settle(entries)
    for entry in entries:
        key = (entry["student"], entry["sha256"])
        if entry["outcome"] == "taken" and key in books:
            target = folder / "submitted" / entry["student"] / lesson / NOTEBOOK
            write(target, nbformat.writes(books[key]) + "\n")
    for student in before - {entry["student"] for entry in entries}:
        _rename_away(folder, student)
    write(record, json.dumps(entries, ensure_ascii=False, indent=1) + "\n")
    write(record.with_suffix(".csv"), _as_csv(entries))
    return entries


def _rename_away(folder: Path, student: str) -> None:
    """Put aside what was made for a student whose files, by --names, are another's."""
    shutil.rmtree(folder / "submitted" / student, ignore_errors=True)  # made from what is received
    marks = folder / "marks" / f"{student}.json"
    if marks.exists():
        (folder / "marks" / "earlier").mkdir(exist_ok=True)
        marks.replace(folder / "marks" / "earlier" / marks.name)


def _take(
    received: Received,
    release: Callable[[str], NotebookNode],
    lesson: str,
    table: dict[str, str],
    books: dict[tuple[str, str], NotebookNode],
) -> dict[str, Any]:
    """What is to be said of one file; its rebuilt notebook goes into `books`."""
    path, digest = received.path, hashlib.sha256(received.data).hexdigest()
    named = table.get(str(path)) or table.get(path.name)
    student = named or student_of(received.whose, lesson)
    entry = {
        "file": str(path),
        "received": received.kept,
        "sha256": digest,
        "student": student or f"unnamed-{digest[:8]}",
        "named": bool(student),
        "time": received.time,
        "lang": "",
        "readable": False,
        "notes": [],
    }
    try:
        if received.problem:
            raise Unreadable(received.problem)
        sent = read_submission(received.data)
        book, entry["notes"] = rebuild(release(entry["student"]), sent, lesson)
        entry |= {"lang": sent.lang, "readable": True}
        books[entry["student"], entry["sha256"]] = book
    except Unreadable as problem:
        entry["notes"] = [problem.text]
    return entry


def _settle(entries: list[dict[str, Any]]) -> None:
    """Decide which file of each student counts, and say so in each entry's `message`."""
    latest: dict[str, dict[str, Any]] = {}
    for entry in entries:
        best = latest.get(entry["student"])
        if entry["readable"] and (best is None or _order(entry) >= _order(best)):
            latest[entry["student"]] = entry
    for entry in entries:
        best = latest.get(entry["student"])
        if entry is best:
            entry["outcome"] = "taken"
        elif entry["readable"]:
            entry["outcome"] = "older"
        else:
            entry["outcome"] = "beside" if best else "refused"
        parts = [OUTCOMES[entry["outcome"]]]
        if not entry["named"]:
            parts.append(
                both(
                    "किसकी है, नाम से पता नहीं चला: --names से बताइए",
                    "its name does not say whose it is: say so with --names",
                )
            )
        parts += entry["notes"]
        entry["message"] = {x: "; ".join(part[x].rstrip("।.") for part in parts) for x in LANGUAGES}


def _order(entry: dict[str, Any]) -> tuple[float, int]:
    """Later files have greater ones: by the minute, then by the number in "exercises (2)"."""
    found = NUMBER.search(stem(PurePosixPath(entry["file"]).name))
    return entry["time"] // 60, int(found[1] or found[2]) if found else 0


def _as_csv(entries: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["file", "student", "outcome", "हिंदी", "English"])
    for e in entries:
        row = [e["file"], e["student"], e["outcome"], e["message"]["hi"], e["message"]["en"]]
        table.writerow([f"'{cell}" if cell[:1] in "=+-@" else cell for cell in row])
    return "\ufeff" + out.getvalue()  # with a byte order mark, by which spreadsheets know UTF-8


def main(argv: list[str] | None = None) -> int:
    utf8_output()
    parser = argparse.ArgumentParser(prog="course.py collect", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, metavar="DIR", help="made by course.py assign")
    parser.add_argument("--from", dest="source", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--names", type=Path, metavar="CSV", help="columns: file, student")
    options = parser.parse_args(argv)
    try:
        entries = collect(options.folder, options.source, options.names)
    except GradingError as error:
        print(error, file=sys.stderr)
        return 1
    for entry in entries:
        print(f"\n{entry['file']} → {entry['student']}")
        print(f"    {entry['message']['hi']}\n    {entry['message']['en']}")
    counts = Counter(entry["outcome"] for entry in entries)
    students = len({entry["student"] for entry in entries})
    refused = counts["refused"]
    say(
        f"\n{len(entries)} फ़ाइलें, {students} विद्यार्थी; {counts['taken']} नोटबुक जाँची जा सकती हैं,"
        f" {refused} फ़ाइलें नहीं।",
        f"{len(entries)} files by {students} students; {counts['taken']} notebooks can be graded,"
        f" {refused} files cannot.",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
