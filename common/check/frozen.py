"""What a function did with its inputs, as plain Python that can be kept, compared and sent.

Grading uses this module where students' code runs: it has no reference and no known mistake in it.
"""

import math
import traceback
from collections.abc import Callable, Iterator
from numbers import Number
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor, nn

# Kept from before any learner's code runs: nothing that a notebook patches later is asked whether
# an answer is right.
_to_list = Tensor.tolist
_detach = Tensor.detach
_has_gradient = Tensor.requires_grad.__get__
_parameters = nn.Module.parameters
_when_taught = Tensor.register_post_accumulate_grad_hook


class Array(NamedTuple):
    """A tensor or NumPy array as plain Python."""

    dtype: str
    shape: tuple[int, ...]
    numbers: list[float]
    nested: Any


class Fault(NamedTuple):
    """An error in the learner's code: its type and text, and the line that was running."""

    text: str
    line: str = ""
    stub: bool = False  # only the `raise NotImplementedError` that was handed out


class Attempt(NamedTuple):
    """What a function did with one case."""

    value: Any
    error: Fault | None
    changed_input: bool
    passes_gradients: bool = False  # each tensor that came back does
    taught: bool = False  # a backward pass reached the weights of a network among the inputs


def try_out(function: Callable[..., Any], arguments: list[Any]) -> Attempt:
    """Call `function`. Never raises for what it does, except Ctrl-C."""
    before, value, error, passes = repr(freeze(arguments)), None, None, False
    taught = _taught(arguments)
    try:
        answer = function(*arguments)
        value, passes = freeze(answer), _passes_gradients(answer)
    except (Exception, SystemExit) as caught:
        error = fault(caught, getattr(getattr(function, "__code__", None), "co_filename", None))
    return Attempt(value, error, repr(freeze(arguments)) != before, passes, bool(taught))


def _taught(arguments: list[Any]) -> list[Tensor]:
    """A list to which each weight is added that gets a gradient from now on, even one that is
    cleared again."""
    taught: list[Tensor] = []
    for network in (value for value in arguments if isinstance(value, nn.Module)):
        for weight in filter(_has_gradient, _parameters(network)):
            _when_taught(weight, taught.append)
    return taught


def _passes_gradients(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_passes_gradients, value))
    return isinstance(value, Tensor) and _has_gradient(value)


def fault(error: BaseException, file: str | None) -> Fault:
    """What to say of `error`, with the last line in `file` that was running."""
    text = traceback.format_exception_only(error)[-1].strip().splitlines()[0]
    if isinstance(error, SyntaxError):
        return Fault(text, (error.text or "").strip())
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    # torch raises NotImplementedError too, always with a text
    stub = isinstance(error, NotImplementedError) and not error.args
    return Fault(text, (frames[-1].line or "") if frames else "", stub)


def freeze(value: Any) -> Any:
    """Plain numbers, tuples and `Array`s: later changes and patched methods do not reach them."""
    if type(value) in (Tensor, nn.Parameter):
        nested = _to_list(_detach(value))
        return Array(str(value.dtype), tuple(value.shape), list(_flat(nested)), nested)
    if isinstance(value, np.ndarray):
        nested = value.tolist()
        return Array("numpy", value.shape, list(_flat(nested)), nested)
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    if isinstance(value, Number) and not isinstance(value, complex):
        return float(value)
    return None if value is None else type(value).__name__


def _flat(nested: Any) -> Iterator[Any]:
    if not isinstance(nested, list):
        yield nested
        return
    for item in nested:
        yield from _flat(item)


# ---- as JSON -------------------------------------------------------------------------------------


def pack(value: Any) -> Any:
    """A frozen value as what JSON can carry."""
    if isinstance(value, Array):
        return {"dtype": value.dtype, "shape": value.shape, "nested": value.nested}
    return [pack(item) for item in value] if isinstance(value, tuple) else value


def unpack(data: Any) -> Any:
    """The frozen value that was packed. ValueError for data that `pack` does not make: they may
    come from a program that cheats."""
    if isinstance(data, dict):
        if set(data) != {"dtype", "shape", "nested"}:
            raise ValueError("not a packed array")
        numbers = [n if type(n) is bool else unpack(n) for n in _flat(data["nested"])]
        shape = tuple(data["shape"])
        if not all(type(n) in (bool, float) for n in numbers) or len(numbers) != math.prod(shape):
            raise ValueError("not the numbers of an array")
        return Array(str(data["dtype"]), shape, numbers, data["nested"])
    if isinstance(data, list):
        return tuple(unpack(item) for item in data)
    if isinstance(data, int | float):
        try:
            return float(data)
        except OverflowError:
            raise ValueError("too large a number") from None
    if data is None or isinstance(data, str):
        return data
    raise ValueError(f"not a packed value: {type(data).__name__}")
