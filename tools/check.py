"""Finds what the tests do not: stale translations, notebooks that were not rebuilt, lost alt texts.

    python -m tools.check [--accept FILE ...]

One line for each problem, ``file: cell: what: cure``, and exit status 1 if there is any.
``--accept`` says that the Hindi of these sources has been read beside its English: it writes the
hash of each English cell into the marker of its Hindi twin, and touches nothing else.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import string
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import nbformat
import yaml
from nbformat import NotebookNode

from tools import build, cards
from tools.lessons import (
    LANGUAGES,
    ROOT,
    LessonError,
    Source,
    figures,
    lesson_dirs,
    read_source,
    source_paths,
    text_hash,
    write,
)

NOTEBOOK_BYTES = 700_000  # noisy pictures, and a quiz of 70 KB in Hindi, weigh so much
ALL_BYTES = 14_000_000
REBUILD = "run `python3 course.py build`"

DEVANAGARI = re.compile(r"[\u0900-\u097f]")
HINDI_DIGITS = re.compile(r"[\u0966-\u096f]+")
INLINE_CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
FORMULA = re.compile(r"\$\$.+?\$\$|(?<!\\)\$[^$\n]+\$", re.DOTALL)
TARGET = re.compile(r"(!?)\[[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*\]\(([^)\s]+)")
HEADING = re.compile(r"^(#{1,6}) ", re.MULTILINE)
TAG = re.compile(r"<([a-z][a-z0-9]*)[ >]")
SOURCE_OF = re.compile(r"""<(a|img)\b[^>]*?\b(?:href|src)=["']([^"']+)""")
NO_ALT = re.compile(r"""!\[\s*\]\(|<img\b(?![^>]*\balt=(?:"[^"]*\S[^"]*"|'[^']*\S[^']*'))""")
UNNAMED_SVG = re.compile(r"<svg\b(?![^>]*(?:aria-label|aria-labelledby|aria-hidden)=)")
LOCAL_PATH = re.compile(
    r"file://|(?<![\w.~/-])/(?:home|tmp|work|content|root|Users)/|[A-Z]:\\+Users"
)
ADDRESS = re.compile(r" at 0x[0-9a-f]{6,}")


class Problem(NamedTuple):
    """One line of the report."""

    file: Path
    cell: str
    what: str
    cure: str


# --- words ----------------------------------------------------------------------------------------


class Banned(NamedTuple):
    """A Hindi form that nobody says, and what to write."""

    pattern: re.Pattern[str]
    write: str


def banned_forms(root: Path) -> list[Banned]:
    """The glossary's banned forms, each to be found as whole words."""
    path = root / "common" / "glossary.yml"
    letter = "[\u0900-\u0963]"  # or vowel sign
    return [
        Banned(re.compile(f"(?<!{letter})(?:{entry['form']})(?!{letter})"), entry["write"])
        for entry in yaml.safe_load(path.read_text("utf-8"))["banned"]
    ]


def check_words(text: str, banned: list[Banned]) -> Iterator[tuple[str, str]]:
    """What is wrong with a Hindi text, and the cure."""
    if match := HINDI_DIGITS.search(text):
        yield f"the digits {match[0]}", "write 0-9"
    for _, code in INLINE_CODE.findall(FENCE.sub("", text)):
        if DEVANAGARI.search(code):
            yield f"Devanagari inside backticks: {code}", "code is Latin; use quotation marks"
    joined = " ".join(text.split())
    for form in banned:
        if match := form.pattern.search(joined):
            yield f"the banned form {match[0]}", f"write {form.write}"


def check_nfc(text: str) -> Iterator[tuple[str, str]]:
    if not unicodedata.is_normalized("NFC", text):
        yield "not in Unicode's form NFC", "save unicodedata.normalize('NFC', text)"


# --- sources --------------------------------------------------------------------------------------


def features(markdown: str) -> dict[str, list[str]]:
    """What two twins must share; only headings keep their order, for words change places."""
    found: dict[str, list[str]] = {"code blocks": sorted(FENCE.findall(markdown))}
    rest = FENCE.sub("", markdown)
    found["inline code"] = sorted(code for _, code in INLINE_CODE.findall(rest))
    rest = INLINE_CODE.sub("", rest)
    formulas = [re.sub(r"\\text\{[^}]*\}", r"\\text{}", f) for f in FORMULA.findall(rest)]
    found["formulas"] = sorted("".join(f.split()) for f in formulas)
    rest = FORMULA.sub("", rest)
    targets = TARGET.findall(rest) + [
        ("!" if tag == "img" else "", to) for tag, to in SOURCE_OF.findall(rest)
    ]
    # each language links to its own notebooks, and to its own headings in them
    targets = [(mark, re.sub(r"\.(hi|en)\.ipynb(#.*)?$", ".ipynb", to)) for mark, to in targets]
    found["links"] = sorted(to for mark, to in targets if not mark)
    found["images"] = sorted(to for mark, to in targets if mark)
    found["HTML tags"] = sorted(TAG.findall(rest))
    found["heading levels"] = HEADING.findall(rest)
    return found


def words(markdown: str) -> str:
    """What is left of a text for a translator."""
    for pattern in (FENCE, INLINE_CODE, FORMULA):
        markdown = pattern.sub("", markdown)
    return re.sub(r"\]\([^)]*\)|<[^>]*>", "", markdown)


def check_twins(source: Source) -> Iterator[Problem]:
    before = None
    for cell, twin in zip(source.cells, [*source.cells[1:], None], strict=True):
        what = cure = None
        if cell.lang == "en":
            if twin is None or twin.lang != "hi":
                what, cure = "no Hindi twin", 'add one with lang="hi" next'
            else:
                for what, cure in compare(cell.source, twin.source, twin.of):
                    yield Problem(source.path, cell.id, what, cure)
                what = None
        elif cell.lang == "hi":
            if before is None or before.lang != "en":
                what, cure = "Hindi without its English", "put the English just before it"
        elif cell.lang:
            what, cure = f"lang={cell.lang!r}", "write hi or en"
        elif cell.kind == "markdown" and re.search(r"[^\W\d_]", words(cell.source)):
            what, cure = "text without a language", 'lang="en", and a Hindi twin'
        if what:
            yield Problem(source.path, cell.id, what, cure)
        before = cell


def compare(english: str, hindi: str, of: str | None) -> Iterator[tuple[str, str]]:
    """What is wrong with a Hindi twin, checked last against the English of hash ``of``."""
    if of != text_hash(english):
        yield "the Hindi may be stale", "compare them, then `python3 course.py check --accept FILE`"
    if not DEVANAGARI.search(hindi) and re.search(r"[a-z]{3}", words(english)):
        yield "the Hindi twin is not Hindi", "translate it"
    ours, theirs = features(english), features(hindi)
    for kind in ours:
        if ours[kind] != theirs[kind]:
            left = list((Counter(ours[kind]) - Counter(theirs[kind])).elements())
            right = list((Counter(theirs[kind]) - Counter(ours[kind])).elements())
            what = f"the twins' {kind} differ: English {left}, Hindi {right}"
            yield what, "make them the same"


def check_source(source: Source, banned: list[Banned]) -> Iterator[Problem]:
    yield from check_twins(source)
    for cell in source.cells:
        faults = list(check_nfc(cell.source))
        if cell.lang == "hi":
            faults += check_words(cell.source, banned)
        if cell.kind == "markdown" and NO_ALT.search(without_code(cell.source)):
            faults.append(("an image without alt text", "say what it shows"))
        for what, cure in faults:
            yield Problem(source.path, cell.id, what, cure)
    for lang in LANGUAGES:
        level = 0
        for cell in source.cells:
            if cell.kind == "markdown" and cell.lang in (None, lang):
                for marks in HEADING.findall(FENCE.sub("", cell.source)):
                    if len(marks) > level + 1:
                        what = f"a heading of level {len(marks)} after one of level {level}"
                        yield Problem(source.path, f"{cell.id} ({lang})", what, "use one # less")
                    level = len(marks)


def without_code(markdown: str) -> str:
    return INLINE_CODE.sub("", FENCE.sub("", markdown))


# --- notebooks ------------------------------------------------------------------------------------


def check_notebook(path: Path, expected: NotebookNode) -> Iterator[Problem]:
    """A stored notebook against ``expected``, the one that its source makes."""
    if not path.exists():
        yield Problem(path, "-", "not built", REBUILD)
        return
    if path.stat().st_size > NOTEBOOK_BYTES:
        size = f"{path.stat().st_size / 1000:.0f} KB"
        yield Problem(
            path, "-", f"{size} is over {NOTEBOOK_BYTES // 1000}", "show smaller pictures"
        )
    try:
        # ids before nbformat, which gives random ones to cells that have none
        ids = [cell.get("id") for cell in json.loads(path.read_text("utf-8"))["cells"]]
        for name, times in Counter(ids).items():
            if name is None:
                yield Problem(path, "-", f"{times} cells without an id", REBUILD)
            elif times > 1:
                yield Problem(path, name, f"{times} cells have this id", REBUILD)
        if None in ids:
            return
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except (ValueError, KeyError, nbformat.ValidationError) as error:
        yield Problem(path, "-", f"not a notebook ({str(error).splitlines()[0]})", REBUILD)
        return

    yield from check_is_built(path, notebook, expected)
    ran = notebook.metadata.get("course", {}).get("code")  # else one line says it for all cells
    for cell in notebook.cells if ran else ():
        for what, cure in check_cell(cell):
            yield Problem(path, cell.id, what, cure)
    for figure in figures(notebook):
        if not figure.alt:
            yield Problem(
                path, figure.cell, "a figure without alt text", "plots.show(fig, alt=t(…))"
            )
        elif expected.metadata.course.lang == "hi" and not DEVANAGARI.search(figure.alt):
            what = f"alt text that is not Hindi: {figure.alt[:40]}"
            yield Problem(path, figure.cell, what, "give it through t(…)")


def check_is_built(path: Path, notebook: NotebookNode, expected: NotebookNode) -> Iterator[Problem]:
    if "widgets" in notebook.metadata:
        yield Problem(path, "-", "widget state is stored", REBUILD)
    for key in ("kernelspec", "language_info"):
        if notebook.metadata.get(key) != expected.metadata[key]:
            yield Problem(path, "-", f"its {key} is another", REBUILD)
    course = notebook.metadata.get("course", {})
    for key in ("lesson", "lang"):
        if course.get(key) != expected.metadata.course[key]:
            yield Problem(path, "-", f"its course.{key} is another", REBUILD)

    for stored, wanted in zip(notebook.cells, expected.cells, strict=False):
        for part in ("id", "cell_type", "source", "metadata"):
            if stored[part] != wanted[part]:
                what = f"not rebuilt: the {part} is not that of the source's cell {wanted.id}"
                yield Problem(path, stored.id, what, REBUILD)
                return
    if len(notebook.cells) != len(expected.cells):
        count = f"{len(notebook.cells)} cells, the source makes {len(expected.cells)}"
        yield Problem(path, "-", f"not rebuilt: {count}", REBUILD)
    elif course.get("code") != build.notebook_code(expected):
        yield Problem(path, "-", "its outputs are not those of its code", REBUILD)


def check_cell(cell: NotebookNode) -> Iterator[tuple[str, str]]:
    """What is wrong with the outputs of a cell, and the cure."""
    if cell.cell_type != "code":
        return
    tags = cell.metadata.get("tags", ())
    if cell.source.strip() and cell.execution_count is None:
        yield "was never run", REBUILD
    if "nbval-check-output" in tags and not cell.outputs:
        yield "compared, but no output is stored, so that nbval passes it", "let it print"
    for output in cell.outputs:
        if output.output_type == "error" and "raises-exception" not in tags:
            yield f"a stored error: {output.ename}", "mend it, then build"
        if output.get("name") == "stderr":
            yield "writes to stderr", "mend what it warns of"
        data = output.get("data", {})
        if build.WIDGET in data:
            yield "a stored widget, which no reader sees", "show a static picture instead"
        texts = [text for mime, text in data.items() if mime not in ("image/png", "image/jpeg")]
        texts += [output.get("text", ""), *output.get("traceback", ())]
        text = "\n".join(str(part) for part in texts)
        if match := LOCAL_PATH.search(text):
            yield (
                f"a local path in the output: {text[match.start() :][:30]!r}",
                "print a file's name",
            )
        if ADDRESS.search(text):
            yield "an object's address in the output", "end the line with ; or print a value"
        page = data.get("text/html", "") + data.get("image/svg+xml", "")
        if NO_ALT.search(page) or UNNAMED_SVG.search(page):
            yield "a picture without alt text in HTML", "alt= or aria-label="


def check_links(path: Path, notebook: NotebookNode) -> Iterator[Problem]:
    """Links from one file of the course to another lead somewhere."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text = without_code(cell.source)
            for _, target in TARGET.findall(text) + SOURCE_OF.findall(text):
                file = target.split("#")[0]
                if file and ":" not in file and not (path.parent / file).exists():
                    yield Problem(path, cell.id, f"a link to nothing: {target}", "correct it")


# --- texts in code --------------------------------------------------------------------------------


def t_calls(code: str) -> Iterator[tuple[int, str | None, set[str] | None]]:
    """Each call of t: its line, its text (None if not literal), its values (None if by **)."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "t":
            first = node.args[0] if node.args else None
            literal = isinstance(first, ast.Constant) and isinstance(first.value, str)
            values = {keyword.arg for keyword in node.keywords}
            yield node.lineno, first.value if literal else None, None if None in values else values


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def check_strings(root: Path, banned: list[Banned]) -> Iterator[Problem]:
    """Every t("…") has its Hindi, with the same placeholders, and every Hindi text is used."""
    hindi: dict[str, str] = {}
    origin: dict[str, Path] = {}
    for path in sorted((root / "common" / "strings").glob("*.hi.json")):
        texts = json.loads(path.read_text("utf-8"))
        if list(texts) != sorted(texts):
            yield Problem(path, "-", "not sorted", "sort the keys")
        for key, text in texts.items():
            if key in origin:
                yield Problem(path, repr(key), f"also in {origin[key].name}", "keep one")
            origin[key] = path
            for what, cure in [*check_nfc(text), *check_words(text, banned)]:
                yield Problem(path, repr(key), what, cure)
            if placeholders(key) != placeholders(text):
                yield Problem(path, repr(key), "its placeholders differ", "use the English names")
        hindi |= texts

    used = set()
    for path in sorted([*(root / "lessons").glob("*/*.py"), *(root / "common").rglob("*.py")]):
        if build.BUILT in (code := path.read_text("utf-8")):
            continue  # its source is among the lessons
        for line, text, values in sorted(t_calls(code), key=lambda call: call[0]):
            cell = f"line {line}"
            if text is None:
                yield Problem(
                    path, cell, "t() of what is not a literal", 't("plain text {n}", n=n)'
                )
                continue
            if text not in hindi and text not in used:
                yield Problem(path, cell, f"no Hindi for {text!r}", "add it to common/strings")
            used.add(text)
            if values is not None and values != placeholders(text):
                yield Problem(
                    path, cell, f"t({text!r}): values {sorted(values)}", "match its {names}"
                )
    for key in hindi.keys() - used:
        yield Problem(origin[key], repr(key), "no code uses it", "remove it")


# --- the whole ------------------------------------------------------------------------------------


def check_built(root: Path, modules: dict[Path, str], whole: bool) -> Iterator[Problem]:
    """Modules, cards and the front page are as a build would leave them, with nothing left over
    (which is known of modules only if ``whole``: every lesson could be read)."""
    wanted: dict[Path, str | bytes] = dict(modules)
    for lesson in lesson_dirs(root):
        wanted |= cards.files(lesson)
        sources = {path.stem for path in source_paths(lesson)}
        for path in sorted(lesson.glob("notebooks/*.ipynb")):
            if path.name.split(".")[0] not in sources:
                yield Problem(path, "-", "no source makes it", "remove it")
    front, text = cards.front_page(root)
    if text is None:
        yield Problem(front, "-", "no place for the table of lessons", f"add {cards.BEGIN}")
    else:
        wanted[front] = text
    for path, content in wanted.items():
        data = content.encode() if isinstance(content, str) else content
        if not path.exists() or path.read_bytes() != data:
            yield Problem(path, "-", "not up to date", REBUILD)
    for path in sorted((root / "common").glob("*.py")) if whole else ():
        if path not in modules and build.BUILT in path.read_text("utf-8"):
            yield Problem(path, "-", "no source exports it", "remove it")


def check(root: Path = ROOT) -> list[str]:
    """All problems of a course, a line each, its files named from ``root``."""
    banned = banned_forms(root)
    lines: list[str] = []
    unread: list[str] = []
    modules: dict[Path, str] = {}
    total = 0

    def report(problems: Iterable[Problem]) -> None:
        for file, cell, what, cure in problems:
            lines.append(f"{file.relative_to(root).as_posix()}: {cell}: {what}: {cure}")

    for lesson in lesson_dirs(root):
        try:
            sources = [read_source(path) for path in source_paths(lesson)]
            for source in sources:
                report(check_source(source, banned))
            modules |= build.modules(sources, root)
            for source in sources:
                for lang in LANGUAGES:
                    path = source.notebook_path(lang)
                    expected = build.skeleton(source, lang, root)
                    report(check_notebook(path, expected))
                    report(check_links(path, expected))
                    total += path.stat().st_size if path.exists() else 0
        except LessonError as error:
            unread.append(str(error).replace(f"{root}/", ""))
    lines += unread
    if total > ALL_BYTES:
        size, most = f"{total / 1e6:.1f} MB", f"{ALL_BYTES / 1e6:.0f}"
        lines.append(f"lessons: -: the notebooks are {size}, over {most}: smaller pictures")
    try:
        report(check_built(root, modules, whole=not unread))
    except LessonError as error:
        lines.append(str(error).replace(f"{root}/", ""))
    report(check_strings(root, banned))
    for path in sorted((root / "quizzes").glob("*.yml")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            faults = [*check_nfc(line), *check_words(line, banned)]
            report(Problem(path, f"line {number}", what, cure) for what, cure in faults)
    return list(dict.fromkeys(lines))


def accept(path: Path) -> int:
    """Writes the hashes of the English into the Hindi markers; returns how many changed."""
    source = read_source(path)
    lines = path.read_bytes().decode().splitlines(keepends=True)
    changed = 0
    for english, hindi in zip(source.cells, source.cells[1:], strict=False):
        if (english.lang, hindi.lang) == ("en", "hi") and hindi.of != text_hash(english.source):
            marker = lines[hindi.line - 1]
            of = f'of="{text_hash(english.source)}"'
            end = len(marker.rstrip())
            lines[hindi.line - 1] = (
                marker[:end] + " " + of + marker[end:]
                if hindi.of is None
                else re.sub(r'\bof="[^"]*"', of, marker)
            )
            changed += 1
    write(path, "".join(lines))
    return changed


def main(argv: list[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="course.py check", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--accept", nargs="+", type=Path, metavar="FILE", help="the Hindi of these sources was read"
    )
    options = parser.parse_args(argv)
    if options.accept:
        try:
            for path in options.accept:
                print(f"{path}: {accept(path)} Hindi cells accepted")
        except (LessonError, OSError) as error:
            print(error, file=sys.stderr)
            return 1
        return 0
    problems = check(root)
    print("\n".join(problems) or "check: nothing to mend")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
