"""Builds what is made from the lessons' sources: notebooks in both languages, modules, cards.

    python -m tools.build [LESSON ...] [--run | --no-run]

A notebook is run when its code differs from the code whose outputs it stores; else the outputs are
carried over, so that building twice gives the same bytes. One that fails keeps its old file.
"""

from __future__ import annotations

import argparse
import ast
import copy
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import cards, execute, start_cell
from tools.lessons import (
    LANGUAGES,
    ROOT,
    Cell,
    LessonError,
    Source,
    code_hash,
    read_notebook,
    read_source,
    source_paths,
    wanted_sources,
    write,
)

WIDGET = "application/vnd.jupyter.widget-view+json"
BUILT = "Built by `python3 course.py build` from"  # by this we know a module that we may overwrite
SOLUTION = {"hi": "हल (solution)", "en": "Solution"}


# --- exercises ------------------------------------------------------------------------------------


def split_solution(source: str) -> tuple[str, str]:
    """The student's form of an exercise cell, and its solution.

    Between ``### BEGIN SOLUTION`` and ``### END SOLUTION`` the student sees the lines commented
    under ``### STUB``, or ``raise NotImplementedError`` where there are none. Raises ValueError
    when the markers are not paired, or missing.
    """
    student: list[str] = []
    solution: list[str] = []
    stub: list[str] = []
    state = "given"
    found = False
    for line in source.splitlines():
        mark = line.strip()
        indent = line[: len(line) - len(line.lstrip())]
        if mark == "### BEGIN SOLUTION" and state == "given":
            state, stub, found = "solution", [], True
        elif mark == "### STUB" and state == "solution":
            state = "stub"
        elif mark == "### END SOLUTION" and state != "given":
            student += stub or [indent + "raise NotImplementedError"]
            state = "given"
        elif mark in ("### BEGIN SOLUTION", "### STUB", "### END SOLUTION"):
            raise ValueError(f"{mark} is out of place")
        elif state == "stub":
            stub.append(line.replace("# ", "", 1) if mark != "#" else "")
        else:
            solution.append(line)
            if state == "given":
                student.append(line)
    if state != "given" or not found:
        raise ValueError("an exercise has ### BEGIN SOLUTION and ### END SOLUTION")
    return "\n".join(student), "\n".join(solution)


def folded_solution(exercise: Cell, solution: str, lang: str) -> NotebookNode:
    text = f"<details>\n<summary>{SOLUTION[lang]}</summary>\n\n```python\n{solution}\n```\n\n"
    return new_markdown_cell(text + "</details>", id=f"{exercise.id}-solution")


# --- notebooks ------------------------------------------------------------------------------------


def skeleton(source: Source, lang: str, root: Path = ROOT) -> NotebookNode:
    """The notebook of a source in one language, without outputs. Raises LessonError."""
    path = source.notebook_path(lang).relative_to(root).as_posix()
    cells: list[NotebookNode] = []
    if badge := start_cell.badge(path, lang):
        cells.append(new_markdown_cell(badge, id="badge"))
    unsolved: list[NotebookNode] = []  # the folded solutions that the next check cell uncovers
    for cell in source.cells:
        if cell.lang not in (None, lang):
            continue
        meta = {"tags": list(cell.tags)} if cell.tags else {}
        text = cell.source
        if "start" in cell.tags:
            text = start_cell.start_cell(lang)
        elif "exercise" in cell.tags:
            try:
                text, solution = split_solution(text)
            except ValueError as error:
                raise LessonError(f"{source.path}: {cell.id}: {error}") from None
            unsolved.append(folded_solution(cell, solution, lang))
        elif "### BEGIN SOLUTION" in text:
            raise LessonError(f"{source.path}: {cell.id}: a solution shows: tag the cell exercise")
        new = new_code_cell if cell.kind == "code" else new_markdown_cell
        cells.append(new(text, id=cell.id, metadata=meta))
        if "check" in cell.tags:
            cells += unsolved
            unsolved = []
    if unsolved:
        raise LessonError(f"{source.path}: {unsolved[0].id[:-9]}: no check cell follows it")
    return new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "course": {"lesson": source.lesson.name, "lang": lang, "code": "", "seconds": None},
        },
    )


def notebook_code(notebook: NotebookNode) -> str:
    """The hash of a notebook's code. The start cell is left out: publishing changes it alone."""
    return code_hash(
        [
            cell.source
            for cell in notebook.cells
            if cell.cell_type == "code" and "start" not in cell.metadata.get("tags", ())
        ]
    )


def has_outputs_of(old: NotebookNode | None, new: NotebookNode) -> bool:
    """Whether ``old`` was run with the code of ``new`` (and not edited by hand since)."""
    stored = old.metadata.get("course", {}).get("code") if old else None
    return bool(stored) and stored == notebook_code(old) == notebook_code(new)


def take_outputs(new: NotebookNode, old: NotebookNode, seconds: float | None) -> None:
    """Copies the outputs of ``old``, which has the same code cells, into ``new``, cleaned."""
    pairs = zip(
        (cell for cell in new.cells if cell.cell_type == "code"),
        (cell for cell in old.cells if cell.cell_type == "code"),
        strict=True,
    )
    count = 0
    for cell, ran in pairs:
        if cell.source.strip():
            count += 1
            cell.execution_count = count
        cell.outputs = clean(ran.outputs, cell.execution_count)
    new.metadata.course.update(code=notebook_code(new), seconds=seconds)


def clean(outputs: list[NotebookNode], count: int | None) -> list[NotebookNode]:
    """Outputs without what differs from run to run: widgets, and streams cut into pieces."""
    kept: list[NotebookNode] = []
    for output in copy.deepcopy(outputs):
        if WIDGET in output.get("data", {}):
            continue
        output.pop("transient", None)
        if output.output_type == "execute_result":
            output.execution_count = count
        last = kept[-1] if kept else {}
        if output.output_type == "stream" and last.get("name") == output.name:
            last["text"] += output.text
        else:
            kept.append(output)
    return kept


# --- modules --------------------------------------------------------------------------------------


def _ruff(*arguments: str, code: str, path: Path, root: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "ruff", *arguments]
    command += ["--config", str(ROOT / "pyproject.toml"), "--stdin-filename", str(path), "-"]
    return subprocess.run(
        command, input=code, capture_output=True, encoding="utf-8", cwd=root, check=False
    )


def modules(sources: list[Source], root: Path = ROOT) -> dict[Path, str]:
    """The modules that one lesson's ``export`` cells make: path → text.

    Imports of the export cells come first, merged, without those that nothing uses. Raises
    LessonError when a cell does more than define, or when the module would not be clean.
    """
    parts: dict[str, list[tuple[Source, Cell]]] = {}
    for source in sources:
        for cell in source.cells:
            if "export" in cell.tags:
                module = cell.options.get("module") or source.lesson.name.split("-", 1)[1]
                parts.setdefault(module.replace("-", "_"), []).append((source, cell))

    made = {}
    for module, pairs in parts.items():
        imports: list[str] = []
        body: list[str] = []
        for source, cell in pairs:
            lines = cell.source.splitlines()
            try:
                tree = ast.parse(cell.source)
            except SyntaxError as error:
                raise LessonError(f"{source.path}: {cell.id}: {error}") from None
            for node in tree.body:
                if isinstance(node, ast.Expr):
                    raise LessonError(f"{source.path}: {cell.id}: an export cell only defines")
                if isinstance(node, ast.Import | ast.ImportFrom):
                    # a later notebook imports from the very module that it adds to
                    if getattr(node, "module", None) != f"common.{module}":
                        imports.append(ast.unparse(node))
                    lines[node.lineno - 1 : node.end_lineno] = [""] * (
                        node.end_lineno - node.lineno + 1
                    )
            body.append("\n".join(lines).strip("\n"))

        path = root / "common" / f"{module}.py"
        names = dict.fromkeys(source.path.relative_to(root).as_posix() for source, _ in pairs)
        header = f'"""What lesson {pairs[0][0].lesson.name} builds, for what comes later.\n\n'
        header += f"{BUILT}\n" + ",\n".join(names) + ': edit there, not here.\n"""\n\n'
        code = header + "\n".join(imports) + "\n\n\n" + "\n\n\n".join(filter(None, body)) + "\n"
        context = {"path": path, "root": root}
        code = _ruff("check", "--fix", "--select", "I,F401", code=code, **context).stdout
        code = _ruff("format", code=code, **context).stdout
        # `device`, which the start cell gives to notebooks, is unknown to a module
        plain = ("--config", "builtins = []", "--output-format", "concise", "--quiet")
        if fault := _ruff("check", *plain, code=code, **context).stdout:
            faults = "; ".join(line.removeprefix(f"{path}:") for line in fault.splitlines())
            raise LessonError(f"{path}: -: {faults}: mend what {', '.join(names)} exports")
        made[path] = code
    return made


def write_modules(made: dict[Path, str]) -> None:
    for path, code in made.items():
        if path.exists() and BUILT not in path.read_text("utf-8"):
            raise LessonError(f"{path}: written by hand, not built: rename it, or the module")
        if write(path, code):
            print(f"{path.name:<34} module written")


# --- the whole ------------------------------------------------------------------------------------


def build(
    wanted: list[str] | tuple[str, ...] = (), run: bool | None = None, root: Path = ROOT
) -> list[str]:
    """Builds the lessons ``wanted`` (all when empty); returns what went wrong, a line each.

    ``run``: None runs notebooks whose code changed, True all, False none (changed ones are then
    written without outputs).
    """
    problems: list[str] = []
    jobs: list[execute.Job] = []
    targets: dict[str, tuple[Path, NotebookNode]] = {}
    for lesson, paths in wanted_sources(root, wanted).items():
        try:
            sources = [read_source(path) for path in source_paths(lesson)]
            made = modules(sources, root)
            notebooks = [
                (source, lang, skeleton(source, lang, root))
                for source in sources
                if source.path in paths
                for lang in LANGUAGES
            ]
            write_modules(made)
        except LessonError as error:
            problems.append(str(error))
            continue
        for source, lang, new in notebooks:
            path = source.notebook_path(lang)
            label = f"{lesson.name}/{source.name}.{lang}"
            old = read_notebook(path)
            if has_outputs_of(old, new) and not run:
                take_outputs(new, old, old.metadata.course.seconds)
            elif run is not False:
                path.parent.mkdir(exist_ok=True)
                jobs.append(execute.Job(copy.deepcopy(new), path.parent, label))
                targets[label] = (path, new)
                continue
            print(f"{label:<34} {'written' if save(path, new) else 'up to date'}")

    def done(job: execute.Job) -> None:
        print(job.line(), flush=True)
        if job.failure:
            problems.append(f"{job.label}: {job.failure[0]}: {job.failure[1]}")
        elif job.stderr:
            problems.extend(
                f"{job.label}: {cell}: writes to stderr: {text}" for cell, text in job.stderr
            )
        else:
            path, new = targets[job.label]
            take_outputs(new, job.notebook, round(job.cpu, 1))
            save(path, new)

    execute.run(jobs, done)
    problems += cards.write_all(root)
    return problems


def save(path: Path, notebook: NotebookNode) -> bool:
    nbformat.validate(notebook)
    return write(path, nbformat.writes(notebook).rstrip("\n") + "\n")


def main(argv: list[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="course.py build", description=__doc__.split("\n")[0])
    parser.add_argument(
        "lessons", nargs="*", metavar="LESSON", help="01-attention, 01, 01/exercises"
    )
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--run", action="store_true", help="run all, also what did not change")
    choice.add_argument("--no-run", action="store_true", help="run nothing; outputs may be missing")
    options = parser.parse_args(argv)
    run = True if options.run else False if options.no_run else None
    try:
        problems = build(options.lessons, run, root)
    except LessonError as error:
        problems = [str(error)]
    for problem in problems:
        print(problem.replace(f"{root}/", ""), file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
