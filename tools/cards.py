"""What shows a lesson before it is opened: its card (README.md), and its row on the front page."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from tools.lessons import (
    LANGUAGE_NAMES,
    LANGUAGES,
    ROOT,
    Figure,
    LessonError,
    Source,
    figures,
    lesson_dirs,
    read_notebook,
    read_source,
    source_paths,
    write,
)

BEGIN, END = "<!-- lessons -->", "<!-- /lessons -->"
NOT_WORDS = re.compile(r"\s*(#|!\[|<|\||>|[-*] |\d+\. |\$\$|```)")  # blocks that open with these


@dataclass(frozen=True)
class Outline:
    """What a card says of one source."""

    source: Source
    notebooks: dict[str, NotebookNode]  # language → built notebook, where there is one

    def texts(self, lang: str) -> list[str]:
        return [c.source for c in self.source.cells if c.kind == "markdown" and c.lang == lang]

    def headings(self, lang: str, level: int) -> list[str]:
        """The headings of one level, without their numbers."""
        pattern = re.compile(rf"^#{{{level}}} (?:[\d.]+ · )?(.+)$", re.MULTILINE)
        return [match.strip() for text in self.texts(lang) for match in pattern.findall(text)]

    def title(self, lang: str) -> str:
        return next(iter(self.headings(lang, 1)), self.source.name)

    def opening(self, lang: str) -> str:
        """The first paragraph of plain words."""
        blocks = "\n\n".join(self.texts(lang)[:2]).split("\n\n")
        return next((b.strip() for b in blocks if b.strip() and not NOT_WORDS.match(b)), "")

    @property
    def minutes(self) -> str:
        """Of the slower language, measured on one core."""
        times = [n.metadata.get("course", {}).get("seconds") or 0 for n in self.notebooks.values()]
        return f"{max(times) / 60:.1f}" if any(times) else "–"


def outlines(lesson: Path) -> list[Outline]:
    found = []
    for path in source_paths(lesson):
        source = read_source(path)
        built = {lang: read_notebook(source.notebook_path(lang)) for lang in LANGUAGES}
        found.append(Outline(source, {lang: n for lang, n in built.items() if n}))
    return found


GALLERY = (
    "पहली पंक्ति में शैलियाँ, पहले कॉलम में तस्वीरें, बाक़ी हर ख़ाने में वह तस्वीर उस शैली में · "
    "Styles in the first row, photographs in the first column, and in each other place that "
    "photograph in that style"
)


def both(texts: list[str]) -> str:
    """The Hindi and the English of one thing, once where they are the same."""
    return " · ".join(dict.fromkeys(filter(None, texts)))


def picture(parts: list[Outline]) -> tuple[Figure, str] | None:
    """The lesson's picture, of the cell tagged "cover" or the first there is, and its alt text."""
    shown = {
        lang: [f for part in parts if lang in part.notebooks for f in figures(part.notebooks[lang])]
        for lang in LANGUAGES
    }
    chosen = [
        next((f for f in shown[lang] if f.cover), shown[lang][0])
        for lang in LANGUAGES
        if shown[lang]
    ]
    return (chosen[0], both([f.alt for f in chosen])) if chosen else None


def link(text: str, target: str) -> str:
    return f"[{text}]({target})"


def image(alt: str, target: str, width: int) -> str:
    return f'<img src="{target}" width="{width}" alt="{html.escape(alt)}">'


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def files(lesson: Path) -> dict[Path, str | bytes]:
    """The card of a lesson, and its picture: path → content."""
    parts = outlines(lesson)
    number = lesson.name.split("-")[0]
    made: dict[Path, str | bytes] = {}
    lines = [f"# {number} · {both([parts[0].title(lang) for lang in LANGUAGES])}", ""]
    lines += ["<!-- Built by `python3 course.py build`: edit the sources, not this. -->", ""]
    if cover := picture(parts):
        path = lesson / f"picture{cover[0].suffix}"
        made[path] = cover[0].bytes()
        lines += [image(cover[1], path.name, 480), ""]
    for lang in LANGUAGES:
        if text := parts[0].opening(lang):
            lines += [text, ""]
    lines += ["| नोटबुक · Notebook | हिंदी | English | मिनट · minutes |", "|---|---|---|---:|"]
    for part in parts:
        title = cell(both([part.title(lang) for lang in LANGUAGES]))
        links = [
            link(
                LANGUAGE_NAMES[lang], part.source.notebook_path(lang).relative_to(lesson).as_posix()
            )
            for lang in LANGUAGES
        ]
        lines.append(f"| {title} | {' | '.join(links)} | {part.minutes} |")
    lines += ["", "मिनट एक CPU कोर पर मापे गए हैं · Minutes are measured on one CPU core.", ""]
    lines += ["## क्या-क्या है · What is in it", ""]
    for part in parts:
        pairs = list(zip(*(part.headings(lang, 2) for lang in LANGUAGES), strict=False))
        if pairs:
            lines += [f"**{both([part.title(lang) for lang in LANGUAGES])}**", ""]
            lines += [f"- {both(list(pair))}" for pair in pairs] + [""]
    if (lesson / "gallery.jpg").exists():
        lines += ["## दीर्घा · Gallery", "", image(GALLERY, "gallery.jpg", 900), ""]
    made[lesson / "README.md"] = "\n".join(lines).rstrip("\n") + "\n"
    return made


def table(root: Path = ROOT) -> str:
    """The rows of the front page."""
    lines = ["| | पाठ · Lesson | पढ़ें · Read | मिनट · minutes |", "|---|---|---|---:|"]
    for lesson in lesson_dirs(root):
        parts = outlines(lesson)
        if not parts:
            continue
        where = lesson.relative_to(root).as_posix()
        number = lesson.name.split("-")[0]
        cover = picture(parts)
        shown = image(cover[1], f"{where}/picture{cover[0].suffix}", 200) if cover else ""
        title = cell(f"{number} · {both([parts[0].title(lang) for lang in LANGUAGES])}")
        links = [
            link(
                LANGUAGE_NAMES[lang],
                parts[0].source.notebook_path(lang).relative_to(root).as_posix(),
            )
            for lang in LANGUAGES
        ]
        times = [float(part.minutes) for part in parts if part.minutes != "–"]
        minutes = f"{sum(times):.1f}" if times else "–"
        lines.append(
            f"| {shown} | {link(title, where + '/README.md')} | {' · '.join(links)} | {minutes} |"
        )
    return "\n".join(lines)


def front_page(root: Path = ROOT) -> tuple[Path, str | None]:
    """README.md with the table of lessons put between its markers; None where it has none."""
    path = root / "README.md"
    text = path.read_text("utf-8") if path.exists() else ""
    if BEGIN not in text or END not in text:
        return path, None
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    return path, f"{before}{BEGIN}\n{table(root)}\n{END}{after}"


def write_all(root: Path = ROOT) -> list[str]:
    """Writes every card, and the front page; returns what went wrong."""
    try:
        for lesson in lesson_dirs(root):
            if source_paths(lesson):
                for path, content in files(lesson).items():
                    write(path, content)
        path, text = front_page(root)
    except LessonError as error:
        return [str(error)]
    if text is None:
        return [f"{path}: has no place for the table of lessons: add {BEGIN} and {END}"]
    write(path, text)
    return []
