"""Runs the built notebooks and makes a gallery of what they show.

    python -m tools.run [LESSON ...] [--lang hi|en]

Executed copies, their pages and the gallery are written to build/gallery; the lessons' own
notebooks stay as they are. One that fails does not stop the others; the exit status is then 1.
"""

from __future__ import annotations

import argparse
import copy
import html
import shutil
import sys
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from tools import cards, execute
from tools.lessons import (
    LANGUAGE_NAMES,
    LANGUAGES,
    ROOT,
    LessonError,
    figures,
    pictures,
    wanted_sources,
    write,
)
from tools.page import document

STYLE = """\
body { font: 16px/1.5 system-ui, "Noto Sans Devanagari", sans-serif; max-width: 72rem;
  margin: auto; padding: 0 1rem; color: #111; background: #fff; }
.figures { display: flex; flex-wrap: wrap; gap: .75rem; align-items: start; }
.figures img { max-width: 18rem; max-height: 14rem; border: 1px solid #ccc; }
.failed { color: #a00000; font-weight: bold; }
"""
SECTION = """<section lang="{lang}">
<h2><a href="{page}">{title}</a></h2>
<p>{facts}</p>
<div class="figures">
{figures}
</div>
</section>"""
TITLE = {"hi": "पाठों की गैलरी", "en": "Gallery of the lessons"}
PASSED = {"hi": "सब सेल चले", "en": "all cells ran"}
FAILED = {"hi": "यहाँ रुका", "en": "stopped in"}


def with_alt_texts(notebook: NotebookNode) -> NotebookNode:
    """A copy whose pictures are HTML, for nbconvert leaves out the alt text of any other."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            shown = list(pictures(output))
            if shown and "text/html" not in output.data:
                output.data = NotebookNode({"text/html": "".join(map(embedded, shown))})
    return notebook


def embedded(picture: tuple[str, str, str]) -> str:
    mime, data, alt = picture
    return f'<img src="data:{mime};base64,{data}" alt="{html.escape(alt)}">'


def section(job: execute.Job, title: str, folder: Path) -> str:
    """Writes a notebook's copy, page and pictures to ``folder``; returns its part of the index."""
    name = Path(job.label).name
    lang = name.rsplit(".", 1)[1]
    exporter = HTMLExporter(language_code=lang)
    page, _ = exporter.from_notebook_node(
        with_alt_texts(job.notebook), {"metadata": {"name": title}}
    )
    write(folder / f"{name}.html", page)
    write(folder / f"{name}.ipynb", nbformat.writes(job.notebook))
    shown = []
    for number, figure in enumerate(figures(job.notebook), 1):
        path = folder / f"{name}-{number}{figure.suffix}"
        write(path, figure.bytes())
        source = f"{folder.name}/{path.name}"
        shown.append(f'<img src="{source}" alt="{html.escape(figure.alt)}" loading="lazy">')
    facts = f"{LANGUAGE_NAMES[lang]} · {job.wall:.1f} s · "
    if job.failure:
        cell, error = (html.escape(text) for text in job.failure)
        facts += f'<span class="failed">✘ {FAILED[lang]} <code>{cell}</code>: {error}</span>'
    else:
        facts += f"✔ {PASSED[lang]}"
    return SECTION.format(
        lang=lang,
        page=f"{folder.name}/{name}.html",
        title=html.escape(title),
        facts=facts,
        figures="\n".join(shown),
    )


def run(wanted: list[str], languages: tuple[str, ...] = LANGUAGES, root: Path = ROOT) -> bool:
    """Runs the lessons ``wanted`` (all when empty); returns whether all passed."""
    jobs: list[execute.Job] = []
    titles: dict[str, str] = {}
    for lesson, paths in wanted_sources(root, wanted).items():
        for part in cards.outlines(lesson):
            if part.source.path not in paths:
                continue
            for lang in languages:
                if lang not in part.notebooks:
                    path = part.source.notebook_path(lang).relative_to(root)
                    raise LessonError(f"{path} is not built: run `python3 course.py build`")
                cwd = part.source.notebook_path(lang).parent
                label = f"{lesson.name}/{part.source.name}.{lang}"
                job = execute.Job(part.notebooks[lang], cwd, label)
                for cell in job.notebook.cells:  # what is shown of a cell that is not reached
                    if cell.cell_type == "code":
                        cell.update(outputs=[], execution_count=None)
                titles[label] = part.title(lang)
                jobs.append(job)

    gallery = root / "build" / "gallery"
    shutil.rmtree(gallery, ignore_errors=True)
    sections: dict[str, str] = {}

    def done(job: execute.Job) -> None:
        print(job.line(), flush=True)
        sections[job.label] = section(job, titles[job.label], gallery / job.label.split("/")[0])

    execute.run(jobs, done)
    title = " · ".join(TITLE[lang] for lang in languages)
    heading = " · ".join(f'<span lang="{lang}">{TITLE[lang]}</span>' for lang in languages)
    body = "\n".join([f"<h1>{heading}</h1>", *(sections[job.label] for job in jobs)])
    write(gallery / "index.html", document(languages[0], title, STYLE, body))
    failed = sum(job.failure is not None for job in jobs)
    print(
        f"{len(jobs) - failed} of {len(jobs)} notebooks ran; {gallery.relative_to(root)}/index.html"
    )
    return not failed


def main(argv: list[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="course.py run", description=__doc__.split("\n")[0])
    parser.add_argument(
        "lessons", nargs="*", metavar="LESSON", help="01-attention, 01, 01/exercises"
    )
    parser.add_argument("--lang", choices=LANGUAGES, help="run one language only")
    options = parser.parse_args(argv)
    try:
        return (
            0 if run(options.lessons, (options.lang,) if options.lang else LANGUAGES, root) else 1
        )
    except LessonError as error:
        print(str(error).replace(f"{root}/", ""), file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
