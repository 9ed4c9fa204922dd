"""The lessons' sources: where they are, what their cells say, how a file is written.

A source is a py:percent file in ``lessons/NN-name/``. Its code cells belong to both languages; each
English markdown cell is followed by its Hindi twin. Every tool reads sources through this module,
and takes the ``root`` of a course, so that a test can plant a small one.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode, ValidationError

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("hi", "en")
LANGUAGE_NAMES = {"hi": "हिंदी", "en": "English"}
EXERCISES = "exercises"  # the source whose solutions the student does not get
MARKER = re.compile(r"# %%(?!%)")
GIVEN = re.compile(r"(?<=\.given\()[^()]*(?=\))")  # in a check cell: the numbers of its exercise

IMAGES = {"image/png": ".png", "image/jpeg": ".jpg"}

# Percent cells as they stand: jupytext would otherwise make "# copy this" a shell command.
PERCENT = {"extension": ".py", "format_name": "percent", "comment_magics": False}


class LessonError(Exception):
    """A source, or a name given by the user, that the tools cannot go on with."""


@dataclass(frozen=True)
class Cell:
    """One cell of a source; ``line`` is that of its marker, counted from 1."""

    kind: str  # "markdown" or "code"
    source: str
    id: str
    line: int
    lang: str | None = None
    of: str | None = None  # of a Hindi cell: hash of the English that it was checked against
    tags: tuple[str, ...] = ()
    options: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """A source file and its cells, in order."""

    path: Path
    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def lesson(self) -> Path:
        """The lesson's folder."""
        return self.path.parent

    def notebook_path(self, lang: str) -> Path:
        return self.lesson / "notebooks" / f"{self.name}.{lang}.ipynb"


def text_hash(text: str) -> str:
    """Eight hex digits that change when the words of ``text`` do, and not with its line breaks."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:8]


def code_hash(sources: list[str]) -> str:
    """Names the code of a notebook: the stored outputs are good as long as it stays the same."""
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()[:16]


def marker_lines(text: str) -> list[int]:
    """The indices of the lines on which cells begin."""
    return [i for i, line in enumerate(text.splitlines()) if MARKER.match(line)]


def read_source(path: Path, numbers: dict[str, dict[str, int]] | None = None) -> Source:
    """Reads a source. Raises LessonError where jupytext sees other cells than the markers show.

    An exercise whose check cell says ``check.NAME.given(d=64)(NAME)`` has 64 for ``{d}`` in its
    card and its cell. ``numbers``: exercise → the numbers of one student, in their place.
    """
    text = path.read_text("utf-8")
    try:
        raw = jupytext.reads(text, fmt=PERCENT).cells
    except (ValueError, ValidationError) as error:
        raise LessonError(f"{path}: {str(error).splitlines()[0]}") from None
    lines = marker_lines(text)
    if len(raw) != len(lines):
        raise LessonError(
            f"{path}: {len(lines)} lines begin with '# %%', but {len(raw)} cells read"
        )

    cells: list[Cell] = []
    seen: Counter[str] = Counter()
    for cell, line in zip(raw, lines, strict=True):
        meta = cell.metadata
        lang = meta.get("lang")
        if lang == "hi" and cells and cells[-1].lang == "en":
            name = cells[-1].id  # a twin has its English cell's id
        else:
            start = "start" if "start" in meta.get("tags", ()) else None
            name = meta.get("name") or start or "c" + text_hash(cell.source)
            seen[name] += 1
            if seen[name] > 1:
                if "name" in meta:
                    raise LessonError(f"{path}: {name}: two cells have this name: rename one")
                name = f"{name}-{seen[name]}"
            if not re.fullmatch(r"[a-z0-9-]{1,64}", name):
                raise LessonError(f"{path}: {name}: a name has small letters, digits and - only")
        cells.append(
            Cell(
                kind=cell.cell_type,
                source=cell.source,
                id=name,
                line=line + 1,
                lang=lang,
                of=str(meta["of"]) if "of" in meta else None,
                tags=tuple(meta.get("tags", ())),
                options={k: meta[k] for k in ("module", "points") if k in meta},
            )
        )
    return Source(path, tuple(_with_numbers(cells, numbers or {})))


def _with_numbers(cells: list[Cell], numbers: dict[str, dict[str, int]]) -> Iterator[Cell]:
    """The cells with each exercise's numbers in its card, its own cell and its check."""

    def exercise(cell: Cell) -> str:
        return re.sub("-(card|check)$", "", cell.id).replace("-", "_")

    given = {}
    for cell in cells:
        if "check" in cell.tags and (found := GIVEN.search(cell.source)):
            own = dict(re.findall(r"(\w+)=(\d+)", found[0]))
            given[exercise(cell)] = own | numbers.get(exercise(cell), {})
    for cell in cells:
        if values := given.get(exercise(cell)):
            said = ", ".join(f"{key}={value}" for key, value in values.items())
            text = GIVEN.sub(said, cell.source) if "check" in cell.tags else cell.source
            text = re.sub(r"\{(\w+)\}", lambda m, of=values: str(of.get(m[1], m[0])), text)
            cell = replace(cell, source=text)
        yield cell


def read_notebook(path: Path) -> NotebookNode | None:
    """A stored notebook; None where there is none, or what is there is not one."""
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, ValidationError):
        return None


def lesson_dirs(root: Path = ROOT) -> list[Path]:
    """The folders of the lessons, in order."""
    return sorted(p for p in (root / "lessons").glob("[0-9][0-9]-*") if p.is_dir())


def source_paths(lesson: Path) -> list[Path]:
    """A lesson's sources in reading order: the numbered ones, then the exercises."""
    return sorted(lesson.glob("*.py"), key=lambda p: (p.stem == EXERCISES, p.name))


def wanted_sources(root: Path, names: Iterable[str]) -> dict[Path, list[Path]]:
    """Lesson → its sources, of the lessons named (all when none is).

    A name is the lesson's folder ("01-attention"), its number ("1", "01") or its word
    ("attention"); "01/exercises" is one source alone. Raises LessonError with the choices for a
    name that nothing has.
    """
    folders = lesson_dirs(root)
    found: dict[Path, set[Path]] = {}
    for name in names or [folder.name for folder in folders]:
        key, _, stem = name.strip("/").removeprefix("lessons/").partition("/")
        named = [
            f for f in folders if key in (f.name, *f.name.split("-", 1), f.name[:2].lstrip("0"))
        ]
        if not named:
            choices = ", ".join(f.name for f in folders) or "none yet"
            raise LessonError(f"no lesson is called {key!r}: choose from {choices}")
        paths = source_paths(named[0])
        chosen = [path for path in paths if not stem or stem in (path.stem, path.name)]
        if stem and not chosen:
            choices = ", ".join(path.stem for path in paths)
            raise LessonError(f"{named[0].name} has no source {stem!r}: choose from {choices}")
        found.setdefault(named[0], set()).update(chosen)
    return {f: [p for p in source_paths(f) if p in found[f]] for f in folders if f in found}


def write(path: Path, content: str | bytes) -> bool:
    """Writes a file whole or not at all, and only if it changed. Returns whether it did."""
    data = content.encode() if isinstance(content, str) else content
    if path.exists() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return True


@dataclass(frozen=True)
class Figure:
    """A picture among a notebook's outputs; ``alt`` is empty where nobody wrote one."""

    cell: str
    mime: str
    data: str  # base64
    alt: str
    cover: bool  # its cell is tagged "cover": the lesson's picture

    def bytes(self) -> bytes:
        return base64.b64decode(self.data)

    @property
    def suffix(self) -> str:
        return IMAGES[self.mime]


def pictures(output: NotebookNode) -> Iterator[tuple[str, str, str]]:
    """What an output shows, as image data or in HTML: (MIME type, base64, alt text)."""
    data, meta = output.get("data", {}), output.get("metadata", {})
    for mime in IMAGES:
        if mime in data:
            alt = meta.get(mime, {}).get("alt") or meta.get("alt") or ""
            yield mime, "".join(data[mime].split()), alt.strip()
    for tag in re.findall(r"<img\b[^>]*>", data.get("text/html", "")):
        image = re.search(r"""\bsrc=["']data:(image/\w+);base64,([^"']+)""", tag)
        if image and image[1] in IMAGES:
            alt = re.search(r"""\balt=(["'])(.*?)\1""", tag)
            yield image[1], image[2], html.unescape(alt[2]).strip() if alt else ""


def figures(notebook: NotebookNode) -> Iterator[Figure]:
    """All pictures of a notebook, in order."""
    for cell in notebook.cells:
        cover = "cover" in cell.metadata.get("tags", ())
        for output in cell.get("outputs", ()):
            for mime, data, alt in pictures(output):
                yield Figure(cell.id, mime, data, alt, cover)
