"""Reads what a student sent, and puts its answers on the pristine release.

Only answers and the student's own cells are taken; everything else, with its points and checks,
comes from the release. So it does no harm that cells were deleted, edited or doubled, or that a
program took the metadata away.
"""

from __future__ import annotations

import ast
import codecs
import copy
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from tools.grading import both
from tools.lessons import LANGUAGES

Text = dict[str, str]  # by language
EXTRA = "student-cell"  # tag of a cell that the student added
MISSING = "missing"  # tag of an answer cell that the student did not send

KINDS = (  # how other files begin
    (b"%PDF", "PDF"),
    (b"PK\x03\x04", "zip/docx"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7z"),
    (b"\x1f\x8b", "gzip"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"<", "HTML/XML"),
)
SEND = both(
    "नोटबुक की .ipynb फ़ाइल भेजिए (File → Download)।",
    "Send the notebook's .ipynb file (File → Download).",
)


class Unreadable(Exception):
    """A file that holds no answers to this assignment; `text` says why, in both languages."""

    def __init__(self, text: Text) -> None:
        self.text = text
        super().__init__(text["en"])


def unreadable(hindi: str, english: str) -> Unreadable:
    return Unreadable(both(f"{hindi} {SEND['hi']}", f"{english} {SEND['en']}"))


@dataclass
class Sent:
    """One cell of a submission; what is not there is empty."""

    code: bool
    source: str
    id: str = ""
    grade_id: str = ""
    points: Any = None


@dataclass
class Submission:
    """A notebook as it was sent."""

    cells: list[Sent]
    lesson: str = ""
    lang: str = ""
    notes: list[Text] = field(default_factory=list)


# --- reading --------------------------------------------------------------------------------------

# A byte that is not UTF-8 is what an old editor wrote: Latin-1
codecs.register_error(
    "as-latin-1", lambda error: (error.object[error.start : error.end].decode("latin-1"), error.end)
)


def read_submission(data: bytes) -> Submission:
    """Raises Unreadable for what is not a notebook. Nothing else that `data` can be stops it."""
    if not data.strip():
        raise unreadable("यह फ़ाइल ख़ाली है।", "This file is empty.")
    for start, kind in KINDS:
        if data.lstrip().startswith(start):
            raise unreadable(
                f"यह {kind} फ़ाइल है, नोटबुक नहीं।", f"This is a {kind} file, not a notebook."
            )
    notes = []
    try:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            text = data.decode("utf-16", "replace")
        else:
            text = data.decode("utf-8-sig", "as-latin-1")
            if text != data.decode("utf-8-sig", "ignore"):
                notes.append(
                    both(
                        "कुछ अक्षर UTF-8 में नहीं थे; उन्हें Latin-1 मानकर पढ़ा।",
                        "Some characters were not UTF-8; they were read as Latin-1.",
                    )
                )
        book = json.loads(text, strict=False)
        sheets = book.get("worksheets") or [book]  # notebooks of 2014 have worksheets
        cells = [cell for sheet in sheets for cell in sheet["cells"]]
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        raise unreadable(
            "यह फ़ाइल नोटबुक की तरह पढ़ी नहीं जाती: अधूरी है या बिगड़ गई है।",
            "This file cannot be read as a notebook: it is incomplete or damaged.",
        ) from None
    metadata = _dict(_dict(book).get("metadata"))
    kernel = str(_dict(metadata.get("kernelspec")).get("name", "")) or "python"
    if not kernel.startswith(("python", "conda", ".")) and kernel.lower() in ("ir", "r", "julia"):
        notes.append(
            both(
                f"नोटबुक का कर्नल {kernel} लिखा है; जवाब Python में ही चलाए गए।",
                f"The notebook names the kernel {kernel}; the answers were run in Python.",
            )
        )
    course = _dict(metadata.get("course"))
    sent = Submission([_cell(cell) for cell in cells], str(course.get("lesson", "")), notes=notes)
    said = [m[1] for c in sent.cells if (m := re.search(r'^LANG = "(\w+)"', c.source, re.M))]
    sent.lang = next((x for x in (*said, course.get("lang")) if x in LANGUAGES), "")
    return sent


def _dict(value: Any) -> dict:
    return value if isinstance(value, dict) else {}


def _cell(raw: Any) -> Sent:
    raw = _dict(raw)
    source = raw.get("source", raw.get("input", ""))
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    nbgrader = _dict(_dict(raw.get("metadata")).get("nbgrader"))
    return Sent(
        code=raw.get("cell_type") == "code",
        # a lone surrogate could not be written again
        source=str(source).encode("utf-8", "replace").decode().replace("\r\n", "\n"),
        id=str(raw.get("id", "")),
        grade_id=str(nbgrader.get("grade_id", "")),
        points=nbgrader.get("points"),
    )


# --- rebuilding -----------------------------------------------------------------------------------


def function_of(cell: NotebookNode) -> str:
    """The function that an answer cell of the release defines."""
    return cell.metadata.nbgrader.grade_id.replace("-", "_")


def is_answer(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def same(source: str) -> str:
    """Sources that differ in white space alone are the same."""
    return "".join(source.split())


def defines(source: str, name: str) -> bool:
    return bool(re.search(rf"^(def {name}\b|{name}\s*(:[^=\n]+)?=\s*lambda\b)", source, re.M))


def rebuild(
    release: NotebookNode, sent: Submission, lesson: str
) -> tuple[NotebookNode, list[Text]]:
    """The release with the answers of `sent`, and what is to be said about it.

    An answer is the last cell that defines the function and is not the stub; where none does, the
    cell with the answer's grade_id or id. The student's own code cells come before the answer that
    they preceded. Raises Unreadable for another assignment.
    """
    answers = [cell for cell in release.cells if is_answer(cell)]
    known_ids = {c.id for c in release.cells if c.cell_type == "code"}
    known_sources = {same(c.source) for c in release.cells if c.cell_type == "code"}
    code = [cell for cell in sent.cells if cell.code]
    notes = list(sent.notes)
    chosen: dict[str, int] = {}  # function → index in `code`
    taken: set[int] = set()  # answer cells, whether chosen or not
    for cell in answers:
        name = function_of(cell)
        named = [
            i for i, c in enumerate(code) if cell.metadata.nbgrader.grade_id in (c.grade_id, c.id)
        ]
        defining = [i for i, c in enumerate(code) if defines(c.source, name)]
        mine = sorted({*named, *defining})
        written = [i for i in mine if same(code[i].source) not in (same(cell.source), "")]
        best = [i for i in written if i in defining] or written or mine
        taken.update(mine)
        if not best:
            continue
        chosen[name] = best[-1]
        if len(best) > 1 and len({same(code[i].source) for i in best}) > 1:
            notes.append(
                both(
                    f"{name} के {len(best)} जवाब मिले; आख़िरी वाला लिया गया।",
                    f"{name} has {len(best)} answers; the last one was taken.",
                )
            )
    _must_be_this(sent, lesson, {function_of(c) for c in answers}, chosen, code, known_ids)

    points = {
        c.id: c.metadata.nbgrader.get("points") for c in release.cells if "nbgrader" in c.metadata
    }
    if any(c.points is not None and points.get(c.grade_id, c.points) != c.points for c in code):
        notes.append(
            both(
                "नोटबुक में लिखे अंक बदले गए हैं; असाइनमेंट के अपने अंक ही गिने गए।",
                "The points written in the notebook were changed; those of the assignment count.",
            )
        )
    extras = [
        i
        for i, cell in enumerate(code)
        if i not in taken
        and not known_ids & {cell.id, cell.grade_id}
        and cell.source.strip()
        and same(cell.source) not in known_sources
        and not cell.source.startswith("LANG =")
    ]
    book = copy.deepcopy(release)
    cells: list[NotebookNode] = []
    for cell in book.cells:
        if is_answer(cell):
            place = chosen.get(function_of(cell))
            if place is None:
                cell.metadata.tags = [*cell.metadata.get("tags", []), MISSING]
            else:
                cell.source = code[place].source
                for i in [i for i in extras if i < place]:
                    extras.remove(i)
                    meta = {"tags": [EXTRA]}
                    cells.append(new_code_cell(code[i].source, id=f"extra-{i}", metadata=meta))
        cells.append(cell)
    book.cells = cells
    book.metadata.course.lang = sent.lang or book.metadata.course.lang
    return book, notes


def _must_be_this(
    sent: Submission,
    lesson: str,
    functions: set[str],
    found: Iterable[str],
    code: list[Sent],
    ids: set[str],
) -> None:
    """Raises Unreadable for a notebook that is not the assignment's.

    The lesson that is read defines some of the same functions, so a few of them prove nothing."""
    checks = re.compile(rf"\bcheck\.({'|'.join(functions)})[.(]")
    ours = any({cell.id, cell.grade_id} & ids - {"imports", "start"} for cell in code)
    ours = ours or any(checks.search(cell.source) for cell in code)
    if (sent.lesson and sent.lesson != lesson) or not (ours or len(set(found)) >= 3):
        which = f" ({sent.lesson})" if sent.lesson and sent.lesson != lesson else ""
        raise unreadable(
            f"यह नोटबुक किसी और काम की है{which}, {lesson} के अभ्यासों की नहीं।",
            f"This notebook{which} is not the exercises of {lesson}.",
        )


# --- what is to be run ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """A cell to be run: one that was given, the student's own, or the answer `function`."""

    label: str
    source: str
    function: str = ""
    given: bool = False
    missing: bool = False


def steps(book: NotebookNode, solutions: Iterable[str] = ()) -> list[Step]:
    """The cells of a rebuilt notebook that grading runs, in order.

    Of what was given only the imports and definitions are run which the student's cells use (or
    the `solutions`, which may take their place).
    """
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    given = {
        cell.id: ast.parse(cell.source).body
        for cell in code
        if not is_answer(cell) and not any(_tagged(cell, tag) for tag in ("start", "check", EXTRA))
    }
    words = _words(*(c.source for c in code if is_answer(c) or _tagged(c, EXTRA)), *solutions)
    known = -1
    while known != len(words):  # what is used uses other things
        known = len(words)
        for node in itertools.chain(*given.values()):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in words:
                words |= _words(ast.unparse(node))
    result = []
    for cell in code:
        if is_answer(cell):
            name = function_of(cell)
            result.append(Step(name, cell.source, name, missing=_tagged(cell, MISSING)))
        elif _tagged(cell, EXTRA):
            result.append(Step(cell.id, cell.source))
        elif source := "\n".join(_used(given.get(cell.id, []), words)):
            result.append(Step(cell.id, source, given=True))
    return result


def _tagged(cell: NotebookNode, tag: str) -> bool:
    return tag in cell.metadata.get("tags", ())


def _words(*sources: str) -> set[str]:
    return set(re.findall(r"\w+", "\n".join(sources)))


def _used(nodes: list[ast.stmt], words: set[str]) -> Iterator[str]:
    """The imports and definitions among `nodes` that `words` name."""
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [n for n in node.names if (n.asname or n.name).split(".")[0] in words]
            if names:
                node.names = names
                yield ast.unparse(node)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in words:
            yield ast.unparse(node)
