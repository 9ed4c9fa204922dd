"""Lesson 01's exercises: right answers pass in any style, and each mistake is told by its name."""

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from exercise_proofs import Answer, Exercises, Proofs, english  # noqa: F401
from torch import Tensor, nn

from common import attention
from common.check import Exercise, Sheet
from common.check import attention as check
from tools.build import split_solution
from tools.lessons import LANGUAGES

# ---- answers that learners write -----------------------------------------------------------------
# Each wrong one is written on its own, not taken from the list of known mistakes.


def scores_of(query: Tensor, key: Tensor, scale: float | None = None) -> Tensor:
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    return torch.einsum("...nd,...md->...nm", query, key) * scale


def no_scale(query, key, value, mask=None):
    scores = scores_of(query, key, 1.0)
    if mask is not None:
        scores[~mask.expand_as(scores)] = -math.inf
    weights = scores.softmax(-1).nan_to_num(0)
    return weights @ value, weights


def by_d(query, key, value, mask=None):
    scores = scores_of(query, key, 1 / query.shape[-1])
    if mask is not None:
        scores = torch.where(mask, scores, -math.inf)
    weights = scores.softmax(-1).nan_to_num(0)
    return weights @ value, weights


def opposite_mask(query, key, value, mask=None):
    scores = scores_of(query, key)
    if mask is not None:
        scores = torch.where(mask, -math.inf, scores)
    weights = scores.softmax(-1).nan_to_num(0)
    return weights @ value, weights


def nan_in_empty_row(query, key, value, mask=None):
    bias = 0.0 if mask is None else torch.zeros(mask.shape).masked_fill_(~mask, -math.inf)
    weights = F.softmax(scores_of(query, key) + bias, dim=-1)
    return weights @ value, weights


def large_negative(query, key, value, mask=None):
    scores = scores_of(query, key)
    if mask is not None:
        scores = scores.masked_fill(mask == 0, torch.finfo(scores.dtype).min)
    weights = scores.softmax(-1)
    return weights @ value, weights


def over_queries(query, key, value, mask=None):
    scores = scores_of(query, key)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(dim=-2).nan_to_num(0)
    return weights @ value, weights


def masked_late(query, key, value, mask=None):
    weights = scores_of(query, key).softmax(-1)
    if mask is not None:
        weights = torch.where(mask, weights, 0.0)
    return weights @ value, weights


def attending(scale=None, hide=lambda s, mask: s.masked_fill(~mask, -math.inf)):
    """`scale(query, key, value)`; `hide(scores, mask)` where there is a mask."""

    def attend(query, key, value, mask=None):
        scores = scores_of(query, key, scale and scale(query, key, value))
        weights = (scores if mask is None else hide(scores, mask)).softmax(-1).nan_to_num(0)
        return weights @ value, weights

    return attend


def attention_by_loops(query, key, value, mask=None):
    """Right, one query at a time, with Python's own sums."""
    shape = query.shape[:-2]
    q, k, v = (x.reshape(-1, *x.shape[-2:]) for x in (query, key, value))
    n, m = q.shape[1], k.shape[1]
    allowed = torch.ones(*shape, n, m, dtype=torch.bool)
    if mask is not None:
        allowed = allowed & mask
    allowed = allowed.reshape(-1, n, m)
    weights = torch.zeros(len(q), n, m, dtype=query.dtype)
    for b in range(len(q)):
        for i in range(n):
            seen = [j for j in range(m) if allowed[b, i, j]]
            if seen:
                row = torch.stack([q[b, i] @ k[b, j] for j in seen]) / math.sqrt(q.shape[-1])
                exps = [math.exp(s - max(row.tolist())) for s in row.tolist()]
                for j, e in zip(seen, exps, strict=True):
                    weights[b, i, j] = e / sum(exps)
    output = (weights @ v).reshape(*shape, n, v.shape[-1])
    return output, weights.reshape(*shape, n, m)


def softmax_numpy(scores, dim=-1):
    a = scores.numpy()
    e = np.exp(a - a.max(axis=dim, keepdims=True))
    return torch.from_numpy(e / e.sum(axis=dim, keepdims=True))


def softmax_logsumexp(scores, dim=-1):
    return (scores - torch.logsumexp(scores, dim, keepdim=True)).exp()


def mask_by_loops(lengths, n, sees=lambda i, j, length: j <= i and j < length):
    rows = [[[sees(i, j, int(length)) for j in range(n)] for i in range(n)] for length in lengths]
    return torch.tensor(rows)


def window(shape_of, keep):
    """A causal attention whose word i sees the words j for which keep(i, j)."""

    def attend(words):
        n = words.shape[1]
        rows = [[keep(i, j) for j in range(n)] for i in range(n)]
        return shape_of(words, torch.tensor(rows))

    return attend


def mix(words, mask):
    return attention.scaled_dot_product_attention(words, words, words, mask)[0]


def by_prefixes(words):
    """Right: word i is the last of the prefix that ends with it, and that needs no mask."""
    ends = [mix(words[:, : i + 1], None)[:, -1] for i in range(words.shape[1])]
    return torch.stack(ends, dim=1)


def library(attn_mask):
    return lambda layer, words, allowed: layer(words, words, words, attn_mask=attn_mask(allowed))[0]


def minus_infinity(allowed):
    return torch.zeros(allowed.shape, dtype=torch.float64).masked_fill(~allowed, -math.inf)


def library_float_mask(layer, words, allowed):
    return layer(words, words, words, attn_mask=minus_infinity(allowed).to(words.dtype))[0]


def padded(last, after):
    def weights(scores, lengths):
        rows = []
        for table, length in zip(scores, lengths, strict=True):
            seen = torch.arange(table.shape[-1]) <= int(length) - 1 + last
            rows.append(after(table, seen))
        return torch.stack(rows)

    return weights


def filled(scores, seen, low):
    return scores.masked_fill(~seen, low).softmax(-1).masked_fill(~seen, 0)


def padded_by_cutting(scores, lengths):
    out = torch.zeros_like(scores)
    for b, length in enumerate(lengths.tolist()):
        if length:
            out[b, :, :length] = scores[b, :, :length].softmax(-1)
    return out


def split_by_chunks(x, n_heads):
    return torch.stack(x.chunk(n_heads, dim=-1), dim=1)


def cells_by_loops(query, features):
    maps = []
    for q, f in zip(query, features, strict=True):
        scores = (f * q[:, None, None]).sum(0) / len(q) ** 0.5
        e = (scores - scores.max()).exp()
        maps.append(e / e.sum())
    return torch.stack(maps)


def cells(normalise):
    return lambda q, f: normalise((q[:, :, None, None] * f).sum(1) / q.shape[1] ** 0.5)


def pointing_by_loops(weights, target):
    hits = 0
    for w, wanted in zip(weights, target, strict=True):
        row, column = divmod(int(w.argmax()), w.shape[1])
        hits += bool(wanted[row, column])
    return hits / len(weights)


def additive_by_loops(query, key, w_query, w_key, v):
    batch, n, m = len(query), query.shape[1], key.shape[1]
    scores = query.new_empty(batch, n, m)
    for b in range(batch):
        for i in range(n):
            for j in range(m):
                scores[b, i, j] = torch.tanh(query[b, i] @ w_query + key[b, j] @ w_key) @ v
    return scores


def additive(combine):
    def scores(query, key, w_query, w_key, v):
        q = torch.einsum("bnd,de->bne", query, w_query).unsqueeze(2)
        k = torch.einsum("bmd,de->bme", key, w_key).unsqueeze(1)
        return combine(q, k, v)

    return scores


def autograd(objective):
    def gradient(logits, choice, reward, baseline):
        leaf = logits.detach().clone().requires_grad_()
        log_p = F.log_softmax(leaf, -1)[range(len(choice)), choice]
        objective(log_p, reward, baseline).sum().backward()
        return leaf.grad

    return gradient


RIGHT: dict[str, list[Answer]] = {
    "predict_weights": [lambda: torch.tensor([0.6, 0.3, 0.1]), lambda: (3 / 5, 3 / 10, 1 / 10)],
    "softmax": [softmax_numpy, softmax_logsumexp],
    "predict_spread": [lambda: [8.0, 1.0], lambda: (math.sqrt(64), np.float32(1))],
    "scaled_dot_product_attention": [attention_by_loops],
    "predict_shapes": [lambda: [torch.Size([2, 5, 7]), [2, 5, 32]]],
    "decoder_mask": [mask_by_loops],
    "causal_attention": [by_prefixes, window(mix, lambda i, j: j <= i)],
    "library_attention": [library_float_mask, library(torch.logical_not)],
    "padded_weights": [
        padded_by_cutting,
        padded(0, lambda s, seen: s.masked_fill(~seen, -math.inf).softmax(-1).nan_to_num(0)),
    ],
    "split_heads": [split_by_chunks],
    "merge_heads": [lambda heads: torch.cat(heads.unbind(1), dim=-1)],
    "predict_memory": [lambda: np.array([32, 512]), lambda: (2**5, 2**9)],
    "cell_weights": [cells_by_loops],
    "pointing_accuracy": [pointing_by_loops, lambda w, m: torch.tensor(pointing_by_loops(w, m))],
    "additive_scores": [additive_by_loops],
    "choice_gradient": [autograd(lambda log_p, reward, baseline: (reward - baseline) * log_p)],
}

WRONG: dict[str, list[tuple[str, Answer]]] = {
    "predict_weights": [
        ("not-normalised", lambda: (6, 3, 1)),
        ("hard-max", lambda: torch.tensor([1.0, 0.0, 0.0])),
        ("uniform", lambda: [0.333, 0.333, 0.333]),
        ("no-exp", lambda: [0.36, 0.34, 0.30]),
        ("base-10", lambda: [0.45, 0.34, 0.21]),
        ("count", lambda: 0.6),
    ],
    "softmax": [
        ("overflow", lambda s, dim=-1: torch.exp(s) / torch.exp(s).sum(dim=dim, keepdim=True)),
        ("wrong-axis", lambda s, dim=0: softmax_logsumexp(s, 0)),
        ("fixed-axis", lambda s, dim=-1: softmax_numpy(s, -1)),
        ("whole-sum", lambda s, dim=-1: (s - s.max()).exp() / (s - s.max()).exp().sum()),
        ("whole-max", lambda s, dim=-1: (e := (s - s.max()).exp()) / e.sum(dim, keepdim=True)),
        ("sigmoid", lambda s, dim=-1: 1 / (1 + torch.exp(-s))),
        ("no-exp", lambda s, dim=-1: s / s.sum(dim).unsqueeze(dim)),
        ("log", lambda s, dim=-1: s - s.logsumexp(dim, keepdim=True)),
        ("library", lambda s, dim=-1: F.softmax(s, dim)),
    ],
    "predict_spread": [
        ("variance", lambda: (64, 1)),
        ("variance-over-root", lambda: (64, 8)),
        ("over-d", lambda: (8, 0.125)),
        ("no-growth", lambda: (1, 0.125)),
    ],
    "scaled_dot_product_attention": [
        ("not-scaled", no_scale),
        ("divided-by-d", by_d),
        ("mask-inverted", opposite_mask),
        ("nan-row", nan_in_empty_row),
        ("uniform-row", large_negative),
        ("wrong-axis", over_queries),
        ("mask-after", masked_late),
        ("multiplied-by-root", attending(lambda q, k, v: math.sqrt(q.shape[-1]))),
        ("root-of-value-width", attending(lambda q, k, v: v.shape[-1] ** -0.5)),
        ("root-of-count", attending(lambda q, k, v: k.shape[-2] ** -0.5)),
        ("mask-ignored", attending(hide=lambda s, mask: s)),
        ("mask-zero-score", attending(hide=lambda s, mask: torch.where(mask, s, 0.0))),
        ("count", lambda q, k, v, mask=None: attention_by_loops(q, k, v, mask)[0]),
        ("library", lambda q, k, v, mask=None: F.scaled_dot_product_attention(q, k, v, mask)),
    ],
    "predict_shapes": [
        ("transposed", lambda: ([2, 7, 5], [2, 5, 32])),
        ("key-width", lambda: ((2, 5, 7), (2, 5, 16))),
        ("swapped", lambda: ((2, 5, 32), (2, 5, 7))),
        ("row-per-key", lambda: (torch.Size([2, 5, 7]), torch.Size([2, 7, 32]))),
    ],
    "decoder_mask": [
        ("blind-to-itself", lambda ls, n: mask_by_loops(ls, n) & ~torch.eye(n).bool()),
        ("padding-forgotten", lambda ls, n: torch.stack([mask_by_loops([n], n)[0] for _ in ls])),
        ("inverted", lambda ls, n: mask_by_loops(ls, n).logical_not()),
        ("length-off-by-one", lambda ls, n: mask_by_loops([int(x) + 1 for x in ls], n)),
        ("causal-forgotten", lambda ls, n: mask_by_loops(ls, n, lambda i, j, o: j < o)),
        ("padding-as-rows", lambda ls, n: mask_by_loops(ls, n, lambda i, j, o: j <= i < o)),
        ("leak-by-one", lambda ls, n: mask_by_loops(ls, n, lambda i, j, o: j < min(i + 2, o))),
        ("looks-ahead", lambda ls, n: mask_by_loops(ls, n, lambda i, j, o: i <= j < o)),
        ("dtype", lambda ls, n: mask_by_loops(ls, n) * 1.0),
        ("dtype", lambda ls, n: mask_by_loops(ls, n).int()),
    ],
    "causal_attention": [
        ("leak-by-one", window(mix, lambda i, j: j <= i + 1)),
        ("blind-to-itself", window(mix, lambda i, j: j < i)),
        ("no-mask", lambda words: mix(words, None)),
        ("looks-ahead", window(mix, lambda i, j: j >= i)),
    ],
    "library_attention": [
        ("inverted", library(lambda allowed: allowed)),
        ("nan-hidden", lambda *inputs: library(lambda mask: mask)(*inputs).nan_to_num(0)),
        ("no-mask", library(lambda allowed: torch.zeros_like(allowed))),
        ("transposed", library(lambda allowed: ~allowed.T)),
        ("numbers", library(lambda allowed: 1.0 * allowed)),
    ],
    "padded_weights": [
        ("nan-row", padded(0, lambda s, seen: torch.where(seen, s, -math.inf).softmax(-1))),
        ("uniform-row", padded(0, lambda s, seen: s.masked_fill(~seen, -1e30).softmax(-1))),
        ("mask-after", padded(0, lambda s, seen: s.softmax(-1) * seen)),
        ("all-zero", lambda s, lengths: padded_by_cutting(s, lengths) * bool(lengths.all())),
        ("length-off-by-one", padded(1, lambda s, seen: s.masked_fill(~seen, -1e30).softmax(-1))),
        ("uniform-row", padded(0, lambda s, seen: s.masked_fill(~seen, -100).softmax(-1))),
        *(
            ("fill-too-high", padded(0, lambda s, seen, low=low: filled(s, seen, low)))
            for low in (-100, -1_000, -10_000)
        ),
        ("fill-too-high", padded(0, lambda s, seen: (s - 100.0 * ~seen).softmax(-1) * seen)),
    ],
    "split_heads": [
        ("words-mixed", lambda x, h: x.view(x.shape[0], h, x.shape[1], x.shape[2] // h)),
        ("not-swapped", lambda x, h: torch.stack(x.chunk(h, dim=-1), dim=2)),
        ("interleaved", lambda x, h: torch.stack([x[..., i::h] for i in range(h)], dim=1)),
        ("heads-first", lambda x, h: torch.stack(x.chunk(h, dim=-1))),
        ("whole-width", lambda x, h: torch.stack([x] * h, dim=1)),
    ],
    "merge_heads": [
        ("words-mixed", lambda x: x.contiguous().view(len(x), x.shape[2], -1)),
        ("interleaved", lambda x: torch.stack(x.unbind(1), dim=-1).flatten(2)),
        ("summed", lambda x: sum(x.unbind(1))),
        ("wrong-axes", lambda x: x.permute(0, 3, 2, 1).flatten(1).view(len(x), x.shape[2], -1)),
    ],
    "predict_memory": [
        ("times-two", lambda: (32, 64)),
        ("times-four", lambda: (32, 128)),
        ("one-head", lambda: (4, 64)),
        ("one-byte", lambda: (8, 128)),
        ("bytes", lambda: (33554432, 536870912)),
    ],
    "cell_weights": [
        ("per-row", cells(lambda s: F.softmax(s, 2))),
        ("per-column", cells(lambda s: F.softmax(s, 1))),
        ("over-batch", cells(lambda s: F.softmax(s, 0))),
        ("over-everything", cells(lambda s: s.exp() / s.exp().sum())),
        ("averaged", cells(lambda s: F.softmax(s, 2) / s.shape[1])),
        ("two-softmaxes", cells(lambda s: F.softmax(F.softmax(s, 2), 1))),
    ],
    "pointing_accuracy": [
        ("mass", lambda w, m: w[m].sum() / len(w)),
        ("percent", lambda w, m: 100 * pointing_by_loops(w, m)),
        ("count", lambda w, m: m.flatten(1)[range(len(w)), w.flatten(1).argmax(1)].sum()),
        (
            "half",
            lambda w, m: sum(bool(a[b].sum() > 0.5) for a, b in zip(w, m, strict=True)) / len(w),
        ),
        ("per-row", lambda w, m: m[w == w.amax(2, keepdim=True)].float().mean()),
        ("over-batch", lambda w, m: m.flatten()[w.flatten().argmax()].float()),
    ],
    "additive_scores": [
        ("no-tanh", additive(lambda q, k, v: q @ v + k @ v)),
        ("tanh-apart", additive(lambda q, k, v: q.tanh() @ v + k.tanh() @ v)),
        ("multiplied", additive(lambda q, k, v: torch.tanh(q * k) @ v)),
        ("softmaxed", additive(lambda q, k, v: (torch.tanh(q + k) @ v).softmax(2))),
        ("scaled", additive(lambda q, k, v: torch.tanh(q + k) @ v / v.shape[0] ** 0.5)),
        ("transposed", additive(lambda q, k, v: (torch.tanh(q + k) @ v).transpose(1, 2))),
    ],
    "choice_gradient": [
        ("descends", autograd(lambda log_p, reward, baseline: -(reward - baseline) * log_p)),
        ("no-baseline", autograd(lambda log_p, reward, baseline: reward * log_p)),
        ("baseline-added", autograd(lambda log_p, reward, baseline: (reward + baseline) * log_p)),
        ("of-probability", autograd(lambda log_p, reward, b: (reward - b) * log_p.exp())),
        ("averaged", autograd(lambda log_p, reward, b: (reward - b) * log_p / len(log_p))),
        (
            "no-probabilities",
            lambda logits, c, reward, b: torch.eye(logits.shape[1])[c] * (reward - b)[:, None],
        ),
    ],
}
# What is right, from the numbers alone
EXPECTED: dict[str, Callable[..., Any]] = {
    "predict_spread": lambda d: (math.sqrt(d), 1),
    "predict_shapes": lambda n, m, d_k, d_v: ((2, n, m), (2, n, d_v)),
    "predict_memory": lambda heads: (heads * 32**4 * 4 / 2**20, heads * 64**4 * 4 / 2**20),
}
# A student's own numbers
THEIRS = {
    "predict_spread": {"d": 144},
    "predict_shapes": {"n": 3, "m": 9, "d_k": 8, "d_v": 24},
    "predict_memory": {"heads": 12},
}
# Known mistakes that cannot cope with every case
UNABLE = {("library_attention", "numbers")}

LESSON = Exercises("01-attention", check.sheet, RIGHT, WRONG, EXPECTED, THEIRS, UNABLE)


class TestExercises(Proofs):
    lesson = LESSON


# ---- what the cards say --------------------------------------------------------------------------


def test_the_hint_on_empty_rows_says_what_each_softmax_gives() -> None:
    empty = torch.full((2,), -math.inf)
    space = {"Tensor": Tensor}
    exec(split_solution(LESSON.cells["softmax"].source)[1], space)
    assert space["softmax"](empty).isnan().all() and (attention.softmax(empty) == 0).all()
    for cell in LESSON.source.cells:
        if cell.id == "scaled-dot-product-attention-card":
            hint = cell.source.split("<details>")[3]
            assert re.search(r"0/0.*`nan`.*`nan`.*\b0\b", hint, re.DOTALL)
            assert re.search("the course's own|कोर्स का अपना", hint)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_card_shows_none_of_the_courses_own_numbers(lang: str) -> None:
    own, default = LESSON.texts(lang, THEIRS), LESSON.texts(lang)
    assert {id for id in own if own[id] != default[id]} == {
        *("predict-spread-card", "predict-spread", "predict-spread-check"),
        *("predict-shapes-card", "predict-shapes-check"),
        *("predict-memory-card", "predict-memory", "predict-memory-check"),
    }
    assert "64" not in own["predict-spread-card"] + own["predict-spread"]
    assert "`√144`" in own["predict-spread-card"] and "`[2, 3, 8]`" in own["predict-shapes-card"]


# ---- the machinery -------------------------------------------------------------------------------


def double(x: Tensor) -> Tensor:
    return 2 * x


@pytest.fixture
def exercise() -> Exercise:
    @Sheet().exercise(double, title=lambda: "double")
    def doubled(g: torch.Generator) -> Iterator[tuple[Any, ...]]:
        yield "with three numbers", torch.tensor([1.0, 2.0, 3.0])
        yield "with noise", torch.randn(2, 3, generator=g)

    return doubled


def raises_stub(x: Tensor) -> Tensor:
    raise NotImplementedError


def raises_inside(x: Tensor) -> Tensor:
    y = x + 1
    return y.reshape(7, 7)


def torch_not_implemented(x: Tensor) -> Tensor:
    return torch.softmax(x.long(), -1)


def changes_input(x: Tensor) -> Tensor:
    return x.mul_(2)


def exits(x: Tensor) -> Tensor:
    raise SystemExit


@pytest.mark.parametrize(
    ("candidate", "id", "part"),
    [
        (raises_inside, "error", "return y.reshape(7, 7)"),
        (torch_not_implemented, "error", "not implemented for"),
        (exits, "error", "SystemExit"),
        (lambda: 1, "error", "TypeError"),
        (lambda x: print(end=""), "none", "returns nothing"),
        (lambda x: 2.0, "type", "you return 2"),
        (lambda x: (2 * x).numpy(), "type", "numpy.ndarray [3]"),
        (lambda x: (2 * x, x), "type", "2 values"),
        (lambda x: 2 * x[None], "shape", "yours is [1, 3]"),
        (lambda x: (2 * x).double(), "dtype", "torch.float64"),
        (lambda x: x + 2, "value", "with three numbers: at [0] you give 3, it should be 2"),
        (lambda x: 2 * x / 0, "value", "you give inf"),
        (changes_input, "changed-input", "work on a copy"),
        (lambda x: type("Odd", (), {"__eq__": None})(), "type", "Odd"),
        (3, "not-a-function", "should be a function"),
        (None, "not-a-function", "should be a function"),
    ],
)
def test_what_can_go_wrong_is_told(exercise: Exercise, candidate: Any, id: str, part: str) -> None:
    result = exercise.judge(candidate)
    assert (result.passed, result.todo, result.mistake_id) == (False, False, id)
    assert part in result.message


def test_verdict_in_the_notebook(exercise: Exercise, capsys: pytest.CaptureFixture) -> None:
    right = lambda x: x + x  # noqa: E731
    assert exercise(right) is right and exercise.result.passed
    assert exercise(raises_stub) is double and exercise.result.todo
    assert exercise(raises_inside) is double and not exercise.result.todo
    signs = [line[0] for line in capsys.readouterr().out.splitlines() if line[0] != " "]
    assert signs == ["✔", "…", "✘"]


def test_running_the_check_again_gives_no_marks(exercise: Exercise) -> None:
    doubled = exercise(raises_stub)  # the course's function now has the learner's name
    exercise(doubled)
    assert exercise.result.todo and not exercise.result.passed


def test_no_function_sees_what_another_did_to_its_inputs(exercise: Exercise) -> None:
    exercise.judge(changes_input)
    assert exercise.judge(lambda x: x + x).passed
    assert exercise.truths()[0].numbers == [2, 4, 6]


def test_patches_gain_nothing(exercise: Exercise, monkeypatch: pytest.MonkeyPatch) -> None:
    @Sheet().exercise(lambda x: attention.softmax(x), title=lambda: "weights")
    def weights(g: torch.Generator) -> Iterator[tuple[Any, ...]]:
        yield "with two numbers", torch.tensor([1.0, 2.0])

    for name in ("allclose", "equal", "isclose"):
        monkeypatch.setattr(torch, name, lambda *args, **kw: True)
    monkeypatch.setattr(torch.testing, "assert_close", lambda *args, **kw: None)
    monkeypatch.setattr(Tensor, "__eq__", lambda *args: torch.tensor(True))
    monkeypatch.setattr(Tensor, "tolist", lambda self: [2.0, 4.0, 6.0])
    monkeypatch.setattr(attention, "softmax", lambda scores, dim=-1: scores)
    assert not exercise.judge(lambda x: x).passed
    assert not weights.judge(lambda x: x).passed


def test_an_odd_tensor_gains_nothing(exercise: Exercise) -> None:
    class Agrees(Tensor):
        def tolist(self) -> list[float]:
            return [2.0, 4.0, 6.0]

    assert exercise.judge(lambda x: x.as_subclass(Agrees)).mistake_id == "type"
    assert not exercise.judge(lambda x: nn.Parameter(x)).passed


def test_ctrl_c_stops_it(exercise: Exercise) -> None:
    def interrupted(x: Tensor) -> Tensor:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exercise.judge(interrupted)


def test_a_prediction_is_told_only_after_a_guess() -> None:
    stub = check.predict_memory.judge(lambda: raises_stub(None))
    assert stub.todo and "512" not in stub.message
    for guess in (lambda: (32, 512), lambda: (32, 64), lambda: (1, 1)):
        assert "512" in check.predict_memory.judge(guess).message


def test_the_reason_and_the_table_are_of_the_students_numbers(
    capsys: pytest.CaptureFixture,
) -> None:
    own = check.predict_spread.given(d=100)
    assert own is check.predict_spread.given(d=100) and own is not check.predict_spread
    assert check.predict_spread.given(d=64) is own.given(d=64) is check.predict_spread
    message = own.judge(lambda: (10, 1)).message
    assert "adds 100 products" in message and "√100 = 10" in message
    assert "√64 = 8" in check.predict_spread.judge(lambda: (8, 1)).message
    check.predict_spread.result = None
    assert own(lambda: 3) is own.reference and not check.predict_spread.result.passed
    assert own(own.reference) is own.reference and check.predict_spread.result.todo
    own(lambda: (10, 1))
    assert check.predict_spread.result.passed
    for wrong in ({"d": 65}, {"n": 5}):
        with pytest.raises(ValueError, match="choose from"):
            check.predict_spread.given(**wrong)
