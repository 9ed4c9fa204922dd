"""What is proved of a lesson's exercises: its test brings the answers, right and wrong.

LESSON = Exercises("04-style", check.sheet, RIGHT, WRONG, EXPECTED, THEIRS)

class TestExercises(Proofs):
    lesson = LESSON
"""

import ast
import contextlib
import io
import itertools
import pickle
import re
from collections.abc import Callable, Collection, Iterator
from functools import cached_property
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from common.check import Exercise, Result, Sheet
from common.lang import t, use_language
from tools.build import skeleton, split_solution
from tools.grading.assign import SECRET, student_notebook
from tools.lessons import LANGUAGES, ROOT, Cell, Source, read_source

DEVANAGARI = re.compile("[ऀ-ॿ]")
Answer = Callable[..., Any]
Numbers = dict[str, int]


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    use_language("en")
    yield
    use_language("en")


class Exercises:
    """The exercises of one lesson, and what must hold of them."""

    def __init__(
        self,
        lesson: str,
        sheet: Sheet,
        right: dict[str, list[Answer]],
        wrong: dict[str, list[tuple[str, Answer]]],
        expected: dict[str, Callable[..., Any]],
        theirs: dict[str, Numbers],
        unable: Collection[tuple[str, str]] = (),
    ) -> None:
        """`right` and `wrong`: answers that learners write, the wrong ones written on their own,
        not taken from the list of known mistakes. `expected`: what is right, from a student's own
        numbers alone. `theirs`: such numbers. `unable`: known mistakes, as (exercise, id), that
        cannot cope with every case, and may raise."""
        self.source: Source = read_source(ROOT / "lessons" / lesson / "exercises.py")
        self.of: dict[str, Exercise] = sheet.exercises
        self.right, self.wrong = right, wrong
        self.expected, self.theirs, self.unable = expected, theirs, unable

    @cached_property
    def cells(self) -> dict[str, Cell]:
        """Function → the cell of its answer."""
        cells = self.source.cells
        return {c.id.replace("-", "_"): c for c in cells if "exercise" in c.tags}

    def passes(self, name: str, right: Answer, seed: int) -> None:
        assert self.of[name].judge(right, seed) == Result(True, message=ANY)

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

    def tried_enough(self, name: str) -> None:
        """Three known mistakes at least, none untried, and none that hides another or passes."""
        exercise = self.of[name]
        known = {mistake.id for mistake in exercise.mistakes}
        untried = known - {id for id, _ in self.wrong[name]}
        assert len(known) >= 3 and not untried and self.right[name], untried
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

    def numbers(self, name: str) -> None:
        """Each choice of a student's own numbers has its truth (`expected`) and its mistakes."""
        exercise, expected = self.of[name], self.expected[name]
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
        with_choices = {name for name, exercise in self.of.items() if exercise.choices}
        assert with_choices == set(self.expected) == set(self.theirs)

    def texts(self, lang: str, numbers: dict[str, Numbers] | None = None) -> dict[str, str]:
        """Cell → its text for a student who has `numbers`."""
        source = read_source(self.source.path, numbers) if numbers else self.source
        return {c.id: c.source for c in source.cells if c.lang in (None, lang)}

    def cards(self, lang: str) -> None:
        """Cards, answers and checks have a student's own numbers, and nothing else has."""
        own, default = self.texts(lang, self.theirs), self.texts(lang)
        changed, may_change = {id for id in own if own[id] != default[id]}, set()
        for name, numbers in self.theirs.items():
            exercise, id = self.of[name], name.replace("_", "-")
            must_change = {f"{id}-card", f"{id}-check"}
            may_change |= {*must_change, id}
            assert must_change <= changed, name
            given = ", ".join(f"{key}={number}" for key, number in numbers.items())
            check = f"{name} = check.{name}.given({given})({name})"
            assert own[f"{id}-check"].strip() == check
            for cell in (*must_change, id, f"{id}-why"):
                assert not re.search(r"\{\w+\}", own[cell] + default[cell]), cell
            for texts, shown in ((own, numbers), (default, exercise.numbers)):
                for number in shown.values():
                    found = re.search(rf"(?<!\d){number}(?!\d)", texts[f"{id}-card"])
                    assert found, (name, number)
            assert exercise.given(**numbers).judge(lambda: None).mistake_id == "none", name
        assert changed <= may_change

    def sendable(self, name: str) -> None:
        """The cases can be sent to where answers run, and the course's own code is not there."""
        for _, *arguments in self.of[name].cases():
            sent = pickle.dumps(arguments)
            assert b"common" not in sent
            pickle.loads(sent)

    def random_numbers_stay(self) -> None:
        """A check draws none of the random numbers that the learner would get next."""
        torch.manual_seed(5)
        wanted = torch.rand(3)
        torch.manual_seed(5)
        for name, exercise in self.of.items():
            exercise.judge(self.right[name][0])
            exercise.judge(self.wrong[name][0][1])
        assert torch.equal(torch.rand(3), wanted)

    def inputs_stay(self, name: str) -> None:
        """Known mistakes all see the same inputs: one that trained a network would spoil the
        next one's. And they cope with each case, but for those that are `unable`."""
        for _, *arguments in self.of[name].cases():
            before = list(_state(arguments))
            for mistake in self.of[name].mistakes:
                try:
                    mistake.wrong(*arguments)
                except Exception as error:
                    assert (name, mistake.id) in self.unable, (mistake.id, error)
                after = list(_state(arguments))
                assert len(after) == len(before), mistake.id
                assert all(map(torch.equal, before, after)), mistake.id


def _state(value: Any) -> Iterator[Tensor]:
    """All that a function could change in its arguments, copied."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from _state(item)
    elif isinstance(value, nn.Module):
        yield from _state(list(value.state_dict().values()))
        yield from _state([p.grad for p in value.parameters() if p.grad is not None])
        yield torch.tensor([module.training for module in value.modules()])
        yield torch.tensor([p.requires_grad for p in value.parameters()])
    elif isinstance(value, Tensor):
        yield value.detach().clone()
        if value.grad is not None:
            yield value.grad.clone()


class Proofs:
    """The tests that each lesson's exercises pass: its test file derives a class from this one."""

    lesson: Exercises

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """`name` stands for each exercise, alone or with each of its answers."""
        lesson, wanted = self.lesson, metafunc.fixturenames
        if "wrong" in wanted:
            answers = [(name, *pair) for name, pairs in lesson.wrong.items() for pair in pairs]
            metafunc.parametrize(("name", "id", "wrong"), answers)
        elif "right" in wanted:
            answers = [(name, right) for name, all in lesson.right.items() for right in all]
            metafunc.parametrize(("name", "right"), answers)
        elif "name" in wanted:
            metafunc.parametrize("name", lesson.of)
        if "with_choices" in wanted:
            metafunc.parametrize("with_choices", lesson.expected)
        if "seed" in wanted:
            metafunc.parametrize("seed", [0, 1])
        if "lang" in wanted:
            metafunc.parametrize("lang", LANGUAGES)

    def test_other_right_answers_pass(self, name: str, right: Answer, seed: int) -> None:
        self.lesson.passes(name, right, seed)

    def test_wrong_answers_are_named(self, name: str, id: str, wrong: Answer, seed: int) -> None:
        self.lesson.named(name, id, wrong, seed)

    def test_each_exercise_is_tried_enough(self, name: str) -> None:
        self.lesson.tried_enough(name)

    def test_unfilled_notebook_goes_on_with_the_references(self, lang: str) -> None:
        self.lesson.unfilled(lang)

    def test_solutions_pass(self, lang: str) -> None:
        self.lesson.solved(lang)

    def test_form(self) -> None:
        self.lesson.form()

    def test_each_prediction_has_its_reason_folded_under_the_solution(self, lang: str) -> None:
        self.lesson.reasons(lang)

    def test_each_choice_of_numbers_has_its_truth_and_its_mistakes(self, with_choices: str) -> None:
        self.lesson.numbers(with_choices)

    def test_a_card_shows_the_numbers_that_its_check_gives(self, lang: str) -> None:
        self.lesson.cards(lang)

    def test_the_cases_can_be_sent_to_where_answers_run(self, name: str) -> None:
        self.lesson.sendable(name)

    def test_the_learners_random_numbers_stay(self) -> None:
        self.lesson.random_numbers_stay()

    def test_known_mistakes_leave_their_inputs_alone(self, name: str) -> None:
        self.lesson.inputs_stay(name)


class _Any:
    def __eq__(self, other: object) -> bool:
        return True


ANY = _Any()
