"""What is proved of a lesson's exercises: its test brings the answers, right and wrong."""

import ast
import contextlib
import io
import itertools
import re
from collections.abc import Callable
from functools import cached_property
from typing import Any

from common.check import Exercise, Result, Sheet
from common.lang import t, use_language
from tools.build import skeleton, split_solution
from tools.grading.assign import SECRET, student_notebook
from tools.lessons import LANGUAGES, ROOT, Cell, Source, read_source

DEVANAGARI = re.compile("[ऀ-ॿ]")
Answer = Callable[..., Any]


class Exercises:
    """The exercises of one lesson, and what must hold of them."""

    def __init__(self, lesson: str, sheet: Sheet) -> None:
        self.source: Source = read_source(ROOT / "lessons" / lesson / "exercises.py")
        self.of: dict[str, Exercise] = sheet.exercises

    @cached_property
    def cells(self) -> dict[str, Cell]:
        """Function → the cell of its answer."""
        cells = self.source.cells
        return {c.id.replace("-", "_"): c for c in cells if "exercise" in c.tags}

    def named(self, name: str, id: str, wrong: Answer, seed: int) -> None:
        """A wrong answer is rejected as `id`, with what that mistake says, in both languages."""
        exercise = self.of[name]
        result = exercise.judge(wrong, seed)
        assert (result.passed, result.mistake_id) == (False, id), result.message
        assert result.todo == (id == exercise.planted)  # the bug handed out is not yet mended
        says = [mistake.says() for mistake in exercise.mistakes if mistake.id == id]
        assert not says or any(text in result.message for text in says)
        if seed == 0:
            use_language("hi")
            assert DEVANAGARI.search(exercise.judge(wrong).message)

    def tried_enough(self, name: str, wrong: list[tuple[str, Answer]], right: list[Answer]) -> None:
        """Three known mistakes at least, and none that hides another or passes."""
        exercise = self.of[name]
        assert len({id for id, _ in wrong} & {m.id for m in exercise.mistakes}) >= 3 and right
        for mistake in exercise.mistakes:
            result = exercise.judge(lambda *args, wrong=mistake.wrong: wrong(*args), seed=3)
            assert result.mistake_id in (mistake.id, "library"), (mistake.id, result.message)

    def run(self, lang: str, solved: bool) -> tuple[dict[str, Any], str]:
        """The notebook's code, cell after cell in one namespace, and what it printed."""
        for exercise in self.of.values():
            exercise.result = None
        space: dict[str, Any] = {"__name__": "notebook"}
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            for cell in skeleton(self.source, lang).cells:
                if cell.cell_type == "code":
                    answer = self.cells.get(cell.id.replace("-", "_"))
                    code = split_solution(answer.source)[1] if solved and answer else cell.source
                    exec(compile(code, cell.id, "exec"), space)
        return space, printed.getvalue()

    def unfilled(self, lang: str) -> None:
        """As it is handed out, all cells run, with the course's own functions."""
        space, printed = self.run(lang, solved=False)
        for name, exercise in self.of.items():
            assert exercise.result and exercise.result.todo, name
            assert space[name] is exercise.reference
            assert re.search(f"^… {name}: {t('to do')}", printed, re.MULTILINE)
        assert bool(DEVANAGARI.search(printed)) == (lang == "hi")

    def solved(self, lang: str) -> None:
        space, printed = self.run(lang, solved=True)
        for name, exercise in self.of.items():
            assert exercise.result and exercise.result.passed, name
            assert space[name] is not exercise.reference
        assert printed.count("\n✔ ") == len(self.of)
        assert t("solved: {solved} of {all}", solved=len(self.of), all=len(self.of)) in printed

    def form(self) -> None:
        """What building, hand-out and grading rely on: one name for cell, function and card."""
        assert list(self.cells) == list(self.of)
        minutes = 0
        for number, (name, cell) in enumerate(self.cells.items(), 1):
            for code in split_solution(cell.source):
                (function,) = ast.parse(code).body
                assert function.name == name and ast.get_docstring(function)
                assert function.returns and all(arg.annotation for arg in function.args.args)
            cards = {c.lang: c.source for c in self.source.cells if c.id == f"{cell.id}-card"}
            (line,) = (c for c in self.source.cells if c.id == f"{cell.id}-check")
            numbers = ", ".join(f"{key}={value}" for key, value in self.of[name].numbers.items())
            given = f".given({numbers})" if numbers else ""
            assert line.source.strip() == f"{name} = check.{name}{given}({name})"
            assert "check" in line.tags
            for lang in LANGUAGES:
                use_language(lang)
                heading, _, facts = cards[lang].splitlines()[:3]
                assert heading == f"### {number}. {self.of[name].title()}"
                assert facts.count("★") == cell.options["points"]
            minutes += int(re.search(r"(\d+) (?:minutes|मिनट)", facts)[1])
        titles = [c.source for c in self.source.cells[:2]]
        assert all(re.search(rf"\b{minutes} (minutes|मिनट)", title) for title in titles)
        kinds = [sum(bool(e.explain) for e in self.of.values())]
        kinds += [sum(bool(e.planted) for e in self.of.values())]
        assert min(*kinds, len(self.of) - sum(kinds)) >= 3

    def reasons(self, lang: str) -> None:
        """Each prediction has its reason folded under the solution; students do not get it."""
        cells = skeleton(self.source, lang).cells
        ids = [cell.id for cell in cells]
        for name, exercise in self.of.items():
            id = name.replace("_", "-")
            assert (f"{id}-why" in ids) == bool(exercise.explain)
            if exercise.explain:
                place = ids.index(f"{id}-solution")
                assert ids[place - 1 : place + 2] == [f"{id}-check", f"{id}-solution", f"{id}-why"]
                assert bool(DEVANAGARI.search(cells[place + 1].source)) == (lang == "hi")
        handed_out = student_notebook(self.source, lang).cells
        assert not any(c.id.endswith("-why") or SECRET.search(c.source) for c in handed_out)

    def numbers(self, name: str, expected: Callable[..., Any]) -> None:
        """Each choice of a student's own numbers has its truth (`expected`) and its mistakes."""
        exercise = self.of[name]
        values = itertools.product(*exercise.choices.values())
        choices = [dict(zip(exercise.choices, value, strict=True)) for value in values]
        assert exercise.numbers in choices and len(choices) >= 4
        for numbers in choices:
            own, right = exercise.given(**numbers), expected(**numbers)
            assert own.judge(lambda right=right: right) == Result(True, message=ANY), numbers
            for mistake in own.mistakes:
                found = own.judge(lambda wrong=mistake.wrong: wrong()).mistake_id
                assert found == mistake.id, numbers
            if right != expected(**exercise.numbers):
                assert not exercise.judge(lambda right=right: right).passed, numbers


class _Any:
    def __eq__(self, other: object) -> bool:
        return True


ANY = _Any()
