"""Lesson 05's exercises: right answers pass in any style, and each mistake is told by its name."""

import copy
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from exercise_proofs import Answer, Exercises, Proofs, english  # noqa: F401
from torch import nn

from common.check import hypernetwork as check

# ---- answers that learners write -----------------------------------------------------------------
# Each wrong one is written on its own, not taken from the list of known mistakes.


def as_is(x):
    return x


def added(x, f, s):
    return x.add(f, alpha=s)


def scaled_whole(x, f, s):
    return (x + f).mul(s)


def by_matrices(shuffle=lambda k: k.permute(0, 2, 1, 3, 4), bias=(1, 1), between=as_is):
    """Kernels by matrix products; `shuffle` gets them as [L, I, O, k, k]."""

    def written(z, rows, rows_bias, out, out_bias):
        a = torch.stack([rows @ code + bias[0] * rows_bias for code in z])
        flat = between(a) @ out.flatten(0, 2).T + bias[1] * out_bias.flatten()
        return shuffle(flat.reshape(*a.shape[:2], *out_bias.shape))

    return written


def by_numpy(z, rows, rows_bias, out, out_bias):
    (count, inputs, outputs), side = (len(z), len(rows), len(out)), out.shape[1]
    kernels = np.empty((count, outputs, inputs, side, side))
    z, rows, rows_bias, out, out_bias = (
        p.detach().double().numpy() for p in (z, rows, rows_bias, out, out_bias)
    )
    for layer, o, i, y, x in np.ndindex(kernels.shape):
        a = rows[i] @ z[layer] + rows_bias[i]
        kernels[layer, o, i, y, x] = out[o, y, x] @ a + out_bias[o, y, x]
    return kernels


def channel_by_channel(z, rows, rows_bias, out, out_bias):
    """Right, one input channel of one layer after the other."""
    kernels = []
    for code in z:
        maps = [out @ (w @ code + b) + out_bias for w, b in zip(rows, rows_bias, strict=True)]
        kernels.append(torch.stack(maps, dim=1))
    return torch.stack(kernels)


def spread(variance, root=True):
    def start(noise, channels, kernel):
        v = torch.tensor(variance(noise.shape[1], channels, kernel)).item()
        return noise * (v**0.5 if root else v)

    return start


def in_two_steps(noise, channels, kernel):
    """Right: first what He asks of the kernel, then what the sum over d adds."""
    return noise / noise[0].numel() ** 0.5 * (2 / channels) ** 0.5 / kernel


def led(end=added, bend=F.silu, sides=lambda key, value: (key, value), keys=True, values=True):
    def steered(words, to_key, to_value, key_module, value_module, strength):
        results = []
        pairs = zip(
            (to_key, to_value), sides(key_module, value_module), (keys, values), strict=True
        )
        for projection, (first, last), wanted in pairs:
            f = last(bend(first(words)))
            results.append(projection(end(words, f, strength) if wanted else words))
        return tuple(results)

    return steered


def with_sequential(words, to_key, to_value, key_module, value_module, strength):
    nets = [nn.Sequential(m[0], nn.SiLU(), m[1]) for m in (key_module, value_module)]
    return (
        to_key(words + nets[0](words) * strength),
        to_value(words + nets[1](words) * strength),
    )


def in_a_row(words, to_key, to_value, key_module, value_module, strength):
    results = []
    for projection, (first, last) in ((to_key, key_module), (to_value, value_module)):
        words = added(words, last(F.silu(first(words))), strength)
        results.append(projection(words))
    return results


def stepped(zero=lambda first, last: [last.weight, last.bias], end=added):
    def step(x, target, first, last, strength, rate):
        for p in zero(first, last):
            p.data.fill_(0)
        net = nn.Sequential(first, nn.SiLU(), last)
        before = end(x, net(x), strength)
        (before - target).pow(2).mean().backward()
        for p in net.parameters():
            p.data.sub_(rate * p.grad)
        return before.detach(), end(x, net(x), strength).detach()

    return step


def emptied_each_time(x, target, first, last, strength, rate):
    def output():
        for p in last.parameters():
            nn.init.zeros_(p)
        return x + strength * last(F.silu(first(x)))

    before = output()
    F.mse_loss(before, target).backward()
    for p in (*first.parameters(), *last.parameters()):
        p.data -= rate * p.grad
    return before.detach(), output().detach()


def from_new_layers(x, target, first, last, strength, rate):
    """Right: another last layer, made of zeros, instead of emptying this one."""
    last = copy.deepcopy(last)
    last.load_state_dict({name: torch.zeros_like(p) for name, p in last.state_dict().items()})
    return stepped(lambda first, last: [])(x, target, first, last, strength, rate)


def deep(bend_after=lambda i, n: i + 1 < n, bend=F.silu, end=added):
    def adapter(x, layers, strength):
        h = x
        for i, layer in enumerate(layers):
            h = layer(h)
            h = bend(h) if bend_after(i, len(layers)) else h
        return end(x, h, strength)

    return adapter


def recursive(x, layers, strength):
    def f(h, rest):
        return rest[0](h) if len(rest) == 1 else f(F.silu(rest[0](h)), rest[1:])

    return torch.lerp(x, x + f(x, layers), strength)


def beside(
    scale=lambda s, alpha, r: s * alpha / r,
    bias=1,
    merged=lambda weight, thin: weight + thin,
):
    """The thin part beside the frozen one, not merged."""

    def lora(x, weight, b, down, up, alpha, strength):
        factor = scale(strength, alpha, down.shape[0])
        y = torch.nn.functional.linear(x, weight, bias * b)
        y = y + factor * torch.mm(torch.mm(x, down.T), up.T)
        return y, merged(weight, factor * torch.einsum("or,ri->oi", up, down))

    return lora


def by_width(width):
    return beside(lambda s, alpha, r: s * alpha / width)


def adamw(put_back=lambda old, new, row: torch.where(rows(old) == row, new, old), **options):
    """AdamW on the whole table, then `put_back`."""

    def steps(table, gradients, row, rate, decay):
        decay = options.get("decay", decay)
        m = v = torch.zeros_like(table)
        new = table
        for i in range(len(gradients)):
            g = gradients[i]
            if options.get("mask"):
                g = torch.where(rows(g) == row, g, torch.zeros_like(g))
            if options.get("l2"):
                g = g + decay * new
            m, v = torch.lerp(m, g, 0.1), torch.lerp(v, g * g, 0.01)
            if not options.get("l2"):
                new = new * (1 - rate * decay)
            unbiased = v.div(1 - 0.99 ** (i + 1)).sqrt()
            new = new - rate * m.div(1 - 0.9 ** (i + 1)) / (unbiased + 1e-8)
        return put_back(table, new, row)

    return steps


def rows(table):
    return torch.arange(len(table))[:, None]


def everything(old, new, row):
    return new


def one_row(table, gradients, row, rate, decay):
    """Right: the parameter is the row alone, as in the course's PseudoWord."""
    word = adamw(everything)(table[row][None], [g[row][None] for g in gradients], 0, rate, decay)
    return torch.cat([table[:row], word, table[row + 1 :]])


RIGHT: dict[str, list[Answer]] = {
    "predict_written": [lambda: (2304, 1040, 1120), lambda: torch.tensor([2304.0, 1040, 1120])],
    "written_kernel": [by_matrices(), channel_by_channel],
    "start_scale": [spread(lambda d, c, k: 2 / (c * k * k * d)), in_two_steps],
    "steered": [led(), with_sequential],
    "predict_awake": [lambda: (78, 6, 162)],
    "first_step": [stepped(), from_new_layers],
    "deep_adapter": [deep(), recursive],
    "lora_linear": [beside()],
    "predict_trained": [lambda: (5120, 1280, 2144)],
    "word_steps": [adamw(), adamw(mask=True), one_row],
}

WRONG: dict[str, list[tuple[str, Answer]]] = {
    "predict_written": [
        ("no-biases", lambda: (2304, 832, 912)),
        ("not-shared", lambda: (2304, 16 * 740, 16 * 740 + 80)),
        ("one-first-map", lambda: (2304, 740, 820)),
        ("embedding-inside", lambda: (2304, 1044, 1120)),
        ("one-channel", lambda: (144, 1040, 1120)),
        ("a-network-each", lambda: (2304, 1040, 20880)),
        ("no-embeddings", lambda: (2304, 1040, 1040)),
        ("one-embedding", lambda: (2304, 1040, 1044)),
        ("all-written", lambda: (2304, 1040, 46080)),
        ("value", lambda: (2304, 1040, 1124)),
    ],
    "written_kernel": [
        ("channels-swapped", by_matrices(as_is)),
        (
            "misread",
            by_matrices(lambda k: k.reshape(len(k), k.shape[2], k.shape[1], *k.shape[3:])),
        ),
        ("no-first-bias", by_matrices(bias=(0, 1))),
        ("no-last-bias", by_matrices(bias=(1, 0))),
        ("bent", by_matrices(between=F.relu)),
        ("one-embedding", lambda z, *more: by_matrices()(z[[0] * len(z)], *more)),
        ("shape", lambda z, *more: by_matrices()(z[:1], *more)[0]),
        ("type", by_numpy),
        ("no-gradient", lambda z, *more: torch.from_numpy(by_numpy(z, *more)).to(z.dtype)),
        ("no-gradient", lambda *arguments: by_matrices()(*map(torch.detach, arguments))),
        ("no-gradient", torch.no_grad()(channel_by_channel)),
        ("library", lambda *arguments: KernelHypernetwork()(arguments[0])),  # noqa: F821
    ],
    "start_scale": [
        ("own-fan-in", spread(lambda d, c, k: 1 / d)),
        ("he-for-itself", spread(lambda d, c, k: 2 / d)),
        ("without-d", spread(lambda d, c, k: 2 / (c * k**2))),
        ("variance", spread(lambda d, c, k: 2 / (c * k**2 * d), root=False)),
        ("no-two", spread(lambda d, c, k: 1 / (c * k**2 * d))),
        ("channels-only", spread(lambda d, c, k: 2 / (c * d))),
        ("side-only", spread(lambda d, c, k: 2 / (c * k * d))),
        ("kernel-only", spread(lambda d, c, k: 2 / (k**2 * d))),
        ("fan-out", lambda noise, c, k: noise * (2 / len(noise) / noise.shape[1]) ** 0.5),
        ("forty", lambda noise, channels, kernel: noise / 40),
        ("library", lambda noise, c, k: principled_init(noise, c * k * k)),  # noqa: F821
    ],
    "steered": [
        ("no-residual", led(lambda x, f, s: f * s)),
        ("strength-on-x", led(scaled_whole)),
        ("lerp", led(lambda x, f, s: (1 - s) * x + s * f)),
        ("no-strength", led(lambda x, f, s: f + x)),
        ("linear", led(bend=as_is)),
        ("relu", led(bend=F.relu)),
        ("one-module", led(sides=lambda key, value: [key] * 2)),
        ("modules-swapped", led(sides=lambda key, value: [value, key])),
        ("values-first", lambda *arguments: tuple(reversed(led()(*arguments)))),
        ("one-after-the-other", in_a_row),
        ("bent-twice", led(lambda x, f, s: added(x, F.silu(f), s))),
        ("values-plain", led(values=False)),
        ("keys-plain", led(keys=False)),
        ("count", lambda *arguments: led()(*arguments)[0]),
        ("no-gradient", torch.no_grad()(with_sequential)),
        ("no-gradient", led(lambda x, f, s: added(x, f.detach(), s))),
        ("no-gradient", lambda *arguments: [(r := led()(*arguments))[0], r[1].detach()]),
    ],
    "predict_awake": [
        ("nobody", lambda: (0, 6, 162)),
        ("everybody", lambda: (162, 6, 162)),
        ("the-other-layer", lambda: (84, 6, 162)),
        ("bias-forgotten", lambda: (72, 0, 144)),
        ("both-like-one", lambda: (78, 78, 162)),
        ("both-dead", lambda: (78, 0, 162)),
        ("value", lambda: (78, 6, 150)),
    ],
    "first_step": [
        ("both", stepped(lambda first, last: [], scaled_whole)),
        ("strength-on-x", stepped(end=scaled_whole)),
        ("strength-only-on-x", stepped(end=lambda x, f, s: s * x + f)),
        ("no-strength", stepped(end=lambda x, f, s: x + f)),
        ("no-residual", stepped(end=lambda x, f, s: s * f)),
        ("zeroed-again", emptied_each_time),
        ("not-zero", stepped(lambda first, last: [])),
        ("bias-left", stepped(lambda first, last: [last.weight])),
        ("weight-left", stepped(lambda first, last: [last.bias])),
        ("first-zero", stepped(lambda first, last: first.parameters())),
        ("all-zero", stepped(lambda *layers: nn.ModuleList(layers).parameters())),
        ("count", lambda *arguments: stepped()(*arguments)[0]),
    ],
    "deep_adapter": [
        ("linear", deep(lambda i, n: False)),
        ("bent-at-the-end", deep(lambda i, n: True)),
        ("only-at-the-end", deep(lambda i, n: i + 1 == n)),
        ("once", deep(lambda i, n: i == 0 and n > 1)),
        (
            "bent-first",
            lambda x, layers, s: x + s * deep(end=lambda x, f, s: f)(F.silu(x), layers, s),
        ),
        ("no-strength", deep(end=lambda x, f, s: x + f)),
        ("relu", deep(bend=F.relu)),
        ("strength-on-x", deep(end=scaled_whole)),
        ("whole-bent", deep(lambda i, n: False, end=lambda x, f, s: F.silu(added(x, f, s)))),
        ("no-gradient", torch.no_grad()(deep())),
        ("no-gradient", deep(end=lambda x, f, s: added(x, f.detach(), s))),
    ],
    "lora_linear": [
        ("no-alpha", beside(lambda s, alpha, r: s)),
        ("not-divided", beside(lambda s, alpha, r: alpha * s)),
        ("root-of-rank", beside(lambda s, alpha, r: alpha * s / r**0.5)),
        ("upside-down", beside(lambda s, alpha, r: r * s / alpha)),
        ("by-inputs", lambda x, *others: by_width(x.shape[1])(x, *others)),
        ("by-outputs", lambda x, weight, *others: by_width(len(weight))(x, weight, *others)),
        ("no-strength", beside(lambda s, alpha, r: alpha / r)),
        ("strength-on-all", lambda x, w, *others: beside()(x, others[-1] * w, *others)),
        (
            "output-frozen",
            lambda x, w, b, *others: (F.linear(x, w, b), beside()(x, w, b, *others)[1]),
        ),
        ("thin-alone", beside(merged=lambda weight, thin: thin)),
        ("not-merged", beside(merged=lambda weight, thin: weight.clone())),
        ("no-bias", beside(bias=0)),
        ("bias-twice", beside(bias=2)),
        ("count", lambda *arguments: beside()(*arguments)[0]),
        ("no-gradient", torch.no_grad()(beside())),
        ("no-gradient", lambda *arguments: [y.detach() for y in beside()(*arguments)]),
        ("no-gradient", lambda *arguments: ((r := beside()(*arguments))[0].detach(), r[1])),
        ("no-gradient", beside(merged=lambda weight, thin: weight + thin.detach())),
    ],
    "predict_trained": [
        ("keys-only", lambda: (2560, 640, 2144)),
        ("one-thin-matrix", lambda: (5120, 640, 2144)),
        ("rank-squared", lambda: (5120, 80, 2144)),
        ("full-and-thin", lambda: (5120, 6400, 2144)),
        ("not-shared", lambda: (5120, 1280, 21440)),
        ("one-module", lambda: (5120, 1280, 1072)),
        ("no-biases", lambda: (5120, 1280, 2048)),
        ("not-widened", lambda: (5120, 1280, 1088)),
        ("value", lambda: (5120, 1280, 2000)),
    ],
    "word_steps": [
        ("all-shrink", adamw(everything, mask=True)),
        ("no-decay", adamw(everything, mask=True, decay=0)),
        ("everything-learns", adamw(everything)),
        (
            "the-others",
            adamw(lambda old, new, row: torch.where(rows(old) == row, old, new), mask=True),
        ),
        ("coupled", adamw(l2=True)),
        ("emptied", adamw(lambda old, new, row: new * (rows(old) == row))),
        ("nothing-learns", adamw(lambda old, new, row: old)),
        ("library", lambda table, *more: torch.optim.AdamW([table])),
    ],
}
# What is right, from the numbers alone
EXPECTED: dict[str, Callable[..., Any]] = {
    "predict_written": lambda k, n: (256 * k**2, 320 + 80 * k**2, 320 + 80 * k**2 + 4 * n),
    "predict_awake": lambda w, h: (w * h + w, w, 2 * w * h + w + h),
    "predict_trained": lambda d, r: (20 * d**2, 40 * d * r, 8 * d**2 + 6 * d),
}
# A student's own numbers
THEIRS = {
    "predict_written": {"k": 5, "n": 30},
    "predict_awake": {"w": 10, "h": 15},
    "predict_trained": {"d": 20, "r": 3},
}

LESSON = Exercises("05-hypernetwork", check.sheet, RIGHT, WRONG, EXPECTED, THEIRS)


class TestExercises(Proofs):
    lesson = LESSON


def test_two_numbers_are_shown_with_enough_digits_to_tell_them_apart() -> None:
    nearly = lambda noise, c, k: noise * (2 / (c * k**2 * noise.shape[1])) ** 0.5 * 1.00021  # noqa: E731
    for seed in range(5):
        message = LESSON.of["start_scale"].judge(nearly, seed).message
        yours, wanted = re.search(r"you give (\S+), it should be (\S+)", message).groups()
        assert yours != wanted, message


def test_a_count_is_shown_as_it_was_written() -> None:
    message = LESSON.of["predict_written"].judge(lambda: (2304, 1040, 46080)).message
    assert "you said [2304, 1040, 46080]" in message


# ---- what the cards say --------------------------------------------------------------------------


def test_the_papers_kernel_takes_its_numbers() -> None:
    shapes = (16, 4, 4), (16, 4), (16, 7, 7, 4), (16, 7, 7)
    parts = [torch.randn(shape) for shape in shapes]
    kernel = check.written_kernel.reference(torch.randn(1, 4), *parts)
    assert (kernel.numel(), sum(part.numel() for part in parts)) == (12544, 4240)


def test_written_weights_start_with_the_variance_that_he_wants() -> None:
    dice = torch.Generator().manual_seed(0)
    noise, a = torch.randn(16 * 9, 8, generator=dice), torch.randn(4000, 8, generator=dice)
    for start, variance in (
        (check.start_scale.reference, 2 / 144),
        (WRONG["start_scale"][0][1], 1.0),
    ):
        assert (a @ start(noise, 16, 3).T).var().item() == pytest.approx(variance, rel=0.15)


def test_a_new_adapter_is_exactly_the_identity_and_then_learns() -> None:
    for _, x, target, first, last, strength, rate in check.first_step.cases():
        layers = copy.deepcopy((first, last))
        before, after = check.first_step.reference(x, target, *layers, strength, rate)
        assert torch.equal(before, x) and torch.equal(after, x) == (strength == 0)
        spoilt, _ = WRONG["first_step"][0][1](x, target, first, last, strength, rate)
        assert not torch.allclose(spoilt, x, atol=1e-2)


def test_without_bends_layers_are_affine() -> None:
    _, x, layers, _ = check.deep_adapter.cases()[1]
    a, b, zero = x[:1], x[1:2], torch.zeros_like(x[:1])
    for answer, affine in ((deep(lambda i, n: False), True), (deep(), False)):
        f = [answer(p, layers, 1.0) for p in (a, b, a + b, zero)]
        assert torch.allclose(f[0] + f[1], f[2] + f[3], atol=1e-5) == affine


def test_a_merged_matrix_does_the_work_of_both() -> None:
    for _, x, weight, bias, down, up, alpha, strength in check.lora_linear.cases():
        y, merged = check.lora_linear.reference(x, weight, bias, down, up, alpha, strength)
        assert torch.allclose(F.linear(x, merged, bias), y, atol=1e-5)
        assert torch.linalg.matrix_rank(merged - weight) == (len(down) if strength else 0)


def test_the_old_words_stay_bit_for_bit_and_the_new_one_goes_adamws_way() -> None:
    """Against PyTorch's own AdamW, which the exercise writes out."""
    for _, table, gradients, row, rate, decay in check.word_steps.cases():
        word = table.clone().requires_grad_()
        optimizer = torch.optim.AdamW([word], rate, (0.9, 0.99), weight_decay=decay, foreach=False)
        for gradient in gradients:
            word.grad = gradient.clone()
            optimizer.step()
        found = check.word_steps.reference(table, gradients, row, rate, decay)
        others = torch.arange(len(table)) != row
        assert torch.equal(found[others], table[others])
        assert torch.allclose(found[row], word[row], atol=1e-5)
