"""Instant checks of exercises: one line that says right, to do, or which mistake it is.

    from common.check import attention as check
    softmax = check.softmax(softmax)         # the learner's function if right, else the course's
    check.softmax.judge(softmax)             # the same for tests and grading: a Result, no output

A check runs the learner's function and the course's own on the same small inputs. Where they
differ it looks for a *known mistake*, a wrong function that gives what the learner's gives, and
names it. A lesson's module `common/check/<lesson>.py` holds a `Sheet` of such exercises.
"""

import copy
import functools
import inspect
import itertools
import math
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any, NamedTuple

import torch

from common import plots
from common.check.frozen import Array, Attempt, Fault, freeze, try_out
from common.lang import t

ABSOLUTE = 1e-5
Text = Callable[[], str]  # lambda: t("…"), so that it speaks the language of the moment
Case = tuple[Any, ...]  # (what is tried, *the arguments)


@dataclass(frozen=True)
class Result:
    """What a check found. `mistake_id` names the mistake, the same in every language."""

    passed: bool
    todo: bool = False
    message: str = ""
    mistake_id: str | None = None


class Mistake(NamedTuple):
    """A wrong function that learners write, and what to tell them."""

    id: str
    wrong: Callable[..., Any]
    says: Text


class Exercise:
    """A function to be written, repaired or predicted, with its cases and known mistakes.

    `cases(generator)` yields (what is tried, *arguments), from the simplest to the hardest. It is
    run anew for each function that is tried, so that none sees what another did to its inputs.
    """

    def __init__(
        self,
        name: str,
        reference: Callable[..., Any],
        cases: Callable[[torch.Generator], Iterator[Case]],
        title: Text,
        *,
        library: tuple[str, ...] = (),
        planted: str | None = None,
        explain: Text | None = None,
        relative: float = 1e-4,
        gradients: bool = False,
        untaught: bool = False,
        choices: dict[str, tuple[int, ...]] | None = None,
    ) -> None:
        """`library`: calls that would do the work instead of the learner. `planted`: the id of the
        mistake that the learner is given to find. `explain`: makes it a prediction; it is shown
        with the true value after a guess. `relative`: the tolerance beside `ABSOLUTE`.
        `gradients`: each tensor that comes back must pass gradients on to the inputs. `untaught`:
        no backward pass may reach the weights of the networks among the inputs. `choices`:
        the numbers that may vary from student to student, with the values that they may have;
        `reference` has them as keywords with defaults."""
        self.choices = choices or {}
        parameters = inspect.signature(reference).parameters if choices else {}
        self.numbers = {key: parameters[key].default for key in self.choices}
        self.name, self.reference, self.title = name, reference, title
        self.library, self.planted = library, planted
        self.explain = explain and _with(explain, self.numbers)
        self.mistakes: list[Mistake] = []
        self.result: Result | None = None
        self._cases, self._relative = cases, relative
        self._gradients, self._untaught = gradients, untaught
        self._truths: dict[int, list[Any]] = {}
        self._default = self
        self._copies: dict[tuple[int, ...], Exercise] = {tuple(self.numbers.values()): self}
        self.truths()  # now, while nothing can have been patched

    def mistake(self, id: str, wrong: Callable[..., Any], says: Text) -> None:
        """Add a known mistake. The one that agrees with the learner's function most is named.

        Unlike the learner's function, `wrong` is trusted not to change its inputs."""
        self.mistakes.append(Mistake(id, _with(wrong, self.numbers), says))

    def given(self, **numbers: int) -> "Exercise":
        """The same exercise with a student's own numbers. It is one object for the same numbers,
        so that the course's function is known again. Raises ValueError for other than `choices`."""
        for key, value in numbers.items():
            if value not in self.choices.get(key, ()):
                raise ValueError(f"{self.name}: {key}={value}: choose from {self.choices}")
        numbers = self._default.numbers | numbers
        key = tuple(numbers.values())
        if key not in self._copies:
            other = copy.copy(self._default)
            other.numbers, other._truths = numbers, {}
            other.reference = _with(other.reference, numbers)
            other.explain = other.explain and _with(other.explain, numbers)
            other.mistakes = [m._replace(wrong=_with(m.wrong, numbers)) for m in other.mistakes]
            self._copies[key] = other
        return self._copies[key]

    def cases(self, seed: int = 0) -> list[Case]:
        """Fresh inputs; another seed gives other numbers (hidden tests)."""
        return list(self._cases(torch.Generator().manual_seed(seed)))

    def truths(self, seed: int = 0) -> list[Any]:
        """What the reference gives for each case, kept from the first time it is asked."""
        if seed not in self._truths:
            self._truths[seed] = [freeze(self.reference(*args)) for _, *args in self.cases(seed)]
        return self._truths[seed]

    def __call__(self, candidate: Any) -> Callable[..., Any]:
        """Print the verdict; return the learner's function if right, else the course's."""
        result = self._default.result = self.judge(candidate)  # which the summary shows
        sign = "✔" if result.passed else "…" if result.todo else "✘"
        line = f"{sign} {self.name}: {result.message}"
        print(textwrap.fill(line, 96, subsequent_indent="  ", break_on_hyphens=False))
        return candidate if result.passed else self.reference

    def judge(self, candidate: Any, seed: int = 0) -> Result:
        """Try `candidate` on every case. Never raises for what `candidate` does, except Ctrl-C."""
        if not callable(candidate):
            says = t("this should be a function; run the cell that defines it again")
            return Result(False, message=says, mistake_id="not-a-function")
        if candidate is self.reference:
            says = t("to do (this is the course's function: run the cell with yours again)")
            return Result(False, todo=True, message=says)
        if spared := self.spared_by(_names(getattr(candidate, "__code__", None))):
            return spared
        return self.verdict([try_out(candidate, args) for _, *args in self.cases(seed)], seed)

    def spared_by(self, names: Iterable[str]) -> Result | None:
        """The verdict on a function that uses `names`, if one of them does its work."""
        for call in self.library:
            if call in names:
                says = t("right or not, {call} does the work for you: write it out", call=call)
                return Result(False, message=says, mistake_id="library")
        return None

    def verdict(self, attempts: list[Attempt], seed: int = 0) -> Result:
        """What to say of a function that did `attempts` with the cases of `seed`.

        Grading makes the attempts in another process, where the learner's code can do no harm.
        """
        truths = self.truths(seed)
        if any(attempt.error and attempt.error.stub for attempt in attempts):
            return Result(False, todo=True, message=t("to do"))
        for i, (attempt, truth) in enumerate(zip(attempts, truths, strict=True)):
            problem = self._problem(attempt, truth)
            if problem:
                return self._verdict(i, attempts, *problem, seed)
        return Result(True, message=self._reveal(t("right"), truths))

    def _problem(self, attempt: Attempt, truth: Any) -> tuple[str, str] | None:
        if attempt.error is not None:
            return "error", describe(attempt.error)
        if attempt.value is None:
            return "none", t("your function returns nothing; is the return missing?")
        difference = _difference(attempt.value, truth, self._relative)
        if difference is None and attempt.changed_input:
            return "changed-input", t(
                "right, but it changes its own input: work on a copy (`x = x - …`, not `x -= …`)"
            )
        if difference is None and self._gradients and not attempt.passes_gradients:
            return "no-gradient", t(
                "the numbers are right, but no gradient passes through them:"
                " no detach(), no torch.no_grad()"
            )
        if difference is None and self._untaught and attempt.taught:
            return "taught", t(
                "the numbers are right; but on the way gradients of the network's weights were"
                " worked out too, and that cost time: clearing them away afterwards does not win it"
                " back. They should never come about"
            )
        return difference

    def _verdict(
        self, i: int, attempts: list[Attempt], problem_id: str, problem: str, seed: int
    ) -> Result:
        """The result for a function that first fails in case `i`."""
        cases, truths = self.cases(seed), self.truths(seed)
        # an answer whose numbers are right is no known mistake
        right = problem_id in ("changed-input", "no-gradient", "taught")
        known = None if right else self._recognise(i, attempts, cases)
        if self.explain is not None:
            said = t("you said {got}", got=_show(attempts[0].value))
            if known:
                message = self._reveal(f"{said}; {known.says()}", truths)
            else:
                message = self._reveal(said, truths) if problem_id == "value" else problem
        elif known:
            message = known.says()
        else:
            message = t("{case}: {problem}", case=cases[i][0], problem=problem)
        if known is None:
            return Result(False, message=message, mistake_id=problem_id)
        if known.id == self.planted:  # as it was handed out
            message = t("to do – {symptom}", symptom=message)
        return Result(False, known.id == self.planted, message, known.id)

    def _recognise(self, i: int, attempts: list[Attempt], cases: list[Case]) -> Mistake | None:
        """The known mistake that agrees with the attempts in case `i` and in most others."""

        def agrees(mistake: Mistake, attempt: Attempt, case: Case) -> bool:
            if attempt.error is not None:
                return False
            try:
                value = freeze(mistake.wrong(*case[1:]))
            except Exception:  # a mistake need not cope with every case
                return False
            return _difference(attempt.value, value, self._relative) is None

        known, most = None, 0
        for mistake in self.mistakes:
            if agrees(mistake, attempts[i], cases[i]):
                agree = sum(agrees(mistake, *pair) for pair in zip(attempts, cases, strict=True))
                if agree > most:
                    known, most = mistake, agree
        return known

    def _reveal(self, verdict: str, truths: list[Any]) -> str:
        """For a prediction: the true value and why, after the verdict on the guess."""
        if self.explain is None:
            return verdict
        return t(
            "{verdict}. It is {truth}: {why}",
            verdict=verdict,
            truth=_show(truths[0]),
            why=self.explain(),
        )


class Sheet:
    """The exercises of one lesson, in their order."""

    def __init__(self) -> None:
        self.exercises: dict[str, Exercise] = {}

    def exercise(
        self, reference: Callable[..., Any], title: Text, **options: Any
    ) -> Callable[[Callable[[torch.Generator], Iterator[Case]]], Exercise]:
        """Decorator of the function that yields the cases; its name is the exercise's."""

        def register(cases: Callable[[torch.Generator], Iterator[Case]]) -> Exercise:
            exercise = Exercise(cases.__name__, reference, cases, title, **options)
            self.exercises[exercise.name] = exercise
            return exercise

        return register

    def predict(
        self,
        title: Text,
        explain: Callable[..., str],
        relative: float = 0.02,
        **choices: tuple[int, ...],
    ) -> Callable[[Callable[..., Any]], Exercise]:
        """Decorator of the function that computes what the learner predicts.

        `choices`: see `Exercise`. The truth has each of these numbers as a keyword, whose default
        is the course's own; `explain` and the mistakes have those that they need."""

        def register(truth: Callable[..., Any]) -> Exercise:
            exercise = Exercise(
                truth.__name__,
                truth,
                lambda generator: iter([("",)]),
                title,
                explain=explain,
                relative=relative,
                choices=choices,
            )
            self.exercises[exercise.name] = exercise
            return exercise

        return register

    def summary(self) -> None:
        """Show the table of what is solved: the last cell of an exercise notebook."""
        exercises = self.exercises.values()
        solved = sum(e.result is not None and e.result.passed for e in exercises)
        plots.table(
            [(e.title(), e.name, _state(e.result)) for e in exercises],
            [t("exercise"), t("function"), t("state")],
            t("solved: {solved} of {all}", solved=solved, all=len(exercises)),
        )


def _with(function: Callable[..., Any], numbers: dict[str, int]) -> Callable[..., Any]:
    """`function` with those of `numbers` that it takes."""
    if not numbers:
        return function
    taken = inspect.signature(function).parameters.keys() & numbers.keys()
    return functools.partial(function, **{key: numbers[key] for key in taken})


def _state(result: Result | None) -> str:
    if result is None or result.todo:
        return t("… to do")
    return t("✔ solved") if result.passed else t("✘ not yet right")


# ---- the first difference ------------------------------------------------------------------------


def _close(a: float, b: float, relative: float) -> bool:
    both_nan = a != a and b != b
    return a == b or both_nan or abs(a - b) <= ABSOLUTE + relative * abs(b) < math.inf


def _difference(got: Any, truth: Any, relative: float) -> tuple[str, str] | None:
    """The id and description of the first difference of two frozen values, if there is one."""
    if isinstance(truth, Array):
        if not isinstance(got, Array) or got.dtype == "numpy" != truth.dtype:
            return "type", t("a Tensor is wanted, you return {kind}", kind=_kind(got))
        if got.shape != truth.shape:
            wanted, yours = list(truth.shape), list(got.shape)
            says = t("the shape should be {wanted}, yours is {yours}", wanted=wanted, yours=yours)
            return "shape", says
        if got.dtype != truth.dtype:
            says = t(
                "the dtype should be {wanted}, yours is {yours}",
                wanted=truth.dtype,
                yours=got.dtype,
            )
            return "dtype", says
        places = itertools.product(*map(range, truth.shape))
        for place, a, b in zip(places, got.numbers, truth.numbers, strict=True):
            if not _close(a, b, relative):
                yours, wanted = _apart(a, 0.0 if abs(b) < 1e-12 else b)  # not 3.2e-15
                says = t(
                    "at {place} you give {yours}, it should be {wanted}",
                    place=list(place),
                    yours=yours,
                    wanted=wanted,
                )
                return "value", says
        return None
    kind = _kind(got)
    if isinstance(got, Array):  # a tensor where numbers are wanted is as good
        got = freeze(got.nested)
    if isinstance(truth, tuple):
        if not isinstance(got, tuple) or len(got) != len(truth):
            says = t("{n} values are wanted, you return {kind}", n=len(truth), kind=kind)
            return "count", says
        for i, (a, b) in enumerate(zip(got, truth, strict=True), 1):
            difference = _difference(a, b, relative)
            if difference:
                id, says = difference
                return id, t("value {i} of {n}: {says}", i=i, n=len(truth), says=says)
        return None
    if isinstance(truth, float):
        if not isinstance(got, float):
            return "type", t("a number is wanted, you return {kind}", kind=kind)
        if not _close(got, truth, relative):
            yours, wanted = _apart(got, truth)
            says = t("you give {yours}, it should be {wanted}", yours=yours, wanted=wanted)
            return "value", says
        return None
    return None if got == truth else ("type", kind)


def _kind(value: Any) -> str:
    if isinstance(value, Array):
        name = "numpy.ndarray" if value.dtype == "numpy" else "Tensor"
        return f"{name} {list(value.shape)}"
    if isinstance(value, tuple):
        return t("{n} values", n=len(value))
    return _show(value)


def _show(value: Any) -> str:
    if isinstance(value, Array):
        return _show(freeze(value.nested))
    if isinstance(value, tuple):
        return "[" + ", ".join(_show(item) for item in value) + "]"
    if isinstance(value, float):
        counted = value.is_integer() and abs(value) < 1e9  # 46080, not 4.608e+04
        return f"{value:.0f}" if counted else f"{value:.4g}"
    return str(value)


def _apart(yours: float, wanted: float) -> tuple[str, str]:
    """Both numbers, with as many digits as it takes to tell them apart."""
    texts = _show(yours), _show(wanted)
    return texts if texts[0] != texts[1] else (f"{yours:.7g}", f"{wanted:.7g}")


# ---- what went wrong in the learner's code -------------------------------------------------------


def describe(fault: Fault) -> str:
    """Type, text, and the last line of the learner's code that was running."""
    if not fault.line:
        return fault.text
    return t("{error} – in the line: {line}", error=fault.text, line=fault.line)


def _names(code: CodeType | None) -> set[str]:
    """The global names and attributes that a function uses, with those of functions inside it."""
    if code is None:
        return set()
    inner = (_names(const) for const in code.co_consts if isinstance(const, CodeType))
    return set(code.co_names).union(*inner)
