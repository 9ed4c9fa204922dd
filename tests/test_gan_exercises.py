"""Lesson 02's exercises: right answers pass in any style, and each mistake is told by its name."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from exercise_proofs import Answer, Exercises, Proofs, english  # noqa: F401
from torch import nn

from common.check import gan as check
from tools.lessons import LANGUAGES

# ---- answers that learners write -----------------------------------------------------------------
# Each wrong one is written on its own, not taken from the list of known mistakes.


def bce(real, fake):
    """Right, by the library."""
    of = F.binary_cross_entropy_with_logits
    return of(real, torch.ones_like(real)) + of(fake, torch.zeros_like(fake))


def bce_of_probabilities(real, fake):
    p, q = real.sigmoid(), fake.sigmoid()
    of = F.binary_cross_entropy
    return of(p, torch.ones_like(p)) + of(q, torch.zeros_like(q))


def one_batch(real, fake):
    """One call for both: the greater batch counts more."""
    logits = torch.cat([real.flatten(), fake.flatten()])
    labels = torch.arange(len(logits)) < real.numel()
    return F.binary_cross_entropy_with_logits(logits, labels.to(logits))


def loss_numpy(real, fake):
    terms = np.logaddexp(0, -real.numpy()).mean() + np.logaddexp(0, fake.numpy()).mean()
    return torch.tensor(terms, dtype=real.dtype)


def logs(small):
    def loss(real, fake):
        p, q = torch.sigmoid(real), torch.sigmoid(fake)
        return -torch.log(p + small).mean() - torch.log(1 - q + small).mean()

    return loss


def signal(of):
    """The mean of of(logits), and its gradient."""

    def both(fake_logits):
        x = fake_logits.clone().requires_grad_()
        loss = of(x)
        loss.backward()
        return loss.detach(), x.grad

    return both


def signal_by_hand(fake_logits):
    return F.softplus(-fake_logits).mean(), -torch.sigmoid(-fake_logits) / fake_logits.numel()


def train(network, loss, rate):
    """One step of plain gradient descent, by hand."""
    gradients = torch.autograd.grad(loss, list(network.parameters()), allow_unused=True)
    with torch.no_grad():
        for p, gradient in zip(network.parameters(), gradients, strict=True):
            if gradient is not None:
                p.sub_(gradient, alpha=rate)


def weights(*networks):
    return [torch.cat([p.detach().flatten() for p in n.parameters()]) for n in networks]


def round_by_hand(generator, discriminator, real, z, rate):
    """Right: only the gradients that a step needs are worked out at all."""
    train(discriminator, bce(discriminator(real), discriminator(generator(z))), rate)
    train(generator, F.softplus(-discriminator(generator(z))).mean(), rate)
    return weights(generator, discriminator)


class Descent:
    """torch.optim.SGD, which takes seconds to import."""

    def __init__(self, network, rate):
        self.weights, self.rate = list(network.parameters()), rate

    @torch.no_grad()
    def step(self):
        for p in self.weights:
            if p.grad is not None:
                p -= self.rate * p.grad

    def zero_grad(self):
        for p in self.weights:
            p.grad = None


def adversaries(first, second, before=lambda d_step, g_step: None):
    """A round with optimisers: `first` is D's loss, `second` the generator's."""

    def play(generator, discriminator, real, z, rate):
        g_step = Descent(generator, rate)
        d_step = Descent(discriminator, rate)
        first(generator, discriminator, real, z).backward()
        d_step.step()
        before(d_step, g_step)
        second(generator, discriminator, z).backward()
        g_step.step()
        return weights(generator, discriminator)

    return play


def tied(generator, discriminator, real, z):
    return bce(discriminator(real), discriminator(generator(z)))


def untied(generator, discriminator, real, z):
    with torch.no_grad():
        fake = generator(z)
    return bce(discriminator(real), discriminator(fake))


def deaf(generator, discriminator, real, z):
    return bce(discriminator(real), discriminator(generator(z)).detach())


def wish(generator, discriminator, z):
    return -F.logsigmoid(discriminator(generator(z))).mean()


def wish_detached(generator, discriminator, z):
    return -F.logsigmoid(discriminator(generator(z).detach())).mean()


def wish_saturating(generator, discriminator, z):
    return F.logsigmoid(-discriminator(generator(z))).mean()


def same_time(generator, discriminator, real, z, rate):
    d_loss, g_loss = untied(generator, discriminator, real, z), wish(generator, discriminator, z)
    g_gradients = torch.autograd.grad(g_loss, list(generator.parameters()))
    train(discriminator, d_loss, rate)
    with torch.no_grad():
        for p, gradient in zip(generator.parameters(), g_gradients, strict=True):
            p -= rate * gradient
    return weights(generator, discriminator)


def slopes(discriminator, x, graph=True):
    """The gradient of each one's logit, one after the other."""
    rows = []
    for i in range(len(x)):
        one = x[i : i + 1].clone().requires_grad_()
        rows.append(torch.autograd.grad(discriminator(one)[0], one, create_graph=graph)[0])
    return torch.cat(rows)


def with_r1(penalty):
    def gradients(discriminator, real, fake, gamma):
        discriminator.zero_grad()
        loss = bce(discriminator(real), discriminator(fake))
        (loss + penalty(discriminator, real, fake, gamma)).backward()
        return [p.grad for p in discriminator.parameters()]

    return gradients


def r1_at_once(discriminator, real, fake, gamma):
    x = torch.empty_like(real).copy_(real).requires_grad_()
    logits = discriminator(x)
    rows = torch.autograd.grad(logits.sum(), x, create_graph=True)[0]
    penalty = torch.stack([row.pow(2).sum() for row in rows]).mean()
    (bce(logits, discriminator(fake)) + penalty * gamma * 0.5).backward()
    return tuple(p.grad for p in discriminator.parameters())


def small_judge(norm):
    return lambda x, first, last: last(F.leaky_relu(norm(first(x)), 0.2).mean(dim=(-2, -1)))


def lengths(norm, of=lambda logits: logits.sum(), power=2.0):
    def penalties(real, first, last):
        x = real.clone().requires_grad_()
        of(small_judge(norm)(x, first, last)).backward()
        found = x.grad.flatten(1).norm(dim=1) ** power
        first.zero_grad(), last.zero_grad()
        return found

    return penalties


def lengths_one_by_one(real, first, last):
    return torch.cat([lengths(lambda x: x)(x[None], first, last) for x in real])


def length(gradient):
    return gradient.flatten(1).norm(dim=1)


def batch_norm(x, of=None):
    of = x if of is None else of
    mean, var = of.mean((0, 2, 3), keepdim=True), of.var((0, 2, 3), keepdim=True, correction=0)
    return (x - mean) / (var + 1e-5) ** 0.5


def own_norm(x):
    return F.layer_norm(x, x.shape[1:])


def apart_again(discriminator, real, fake):
    fake_logits = discriminator(fake)
    return [discriminator(real), fake_logits]


def together(discriminator, real, fake):
    return discriminator(torch.cat((real, fake))).split([len(real), len(fake)])


def together_other_way(discriminator, real, fake):
    fake_logits, real_logits = discriminator(torch.cat((fake, real))).split([len(fake), len(real)])
    return real_logits, fake_logits


def ema(of_parameter, of_buffer, mode=nn.Module.eval):
    """An average by names; of_…(mine, new, decay) gives the new value."""

    def picture(average, model, decay, z):
        state = {}
        parameters = dict(average.named_parameters())
        for name, new in model.state_dict().items():
            mine = average.state_dict()[name]
            state[name] = (of_parameter if name in parameters else of_buffer)(mine, new, decay)
        average.load_state_dict(state)
        return mode(average)(z)

    return picture


def share(mine, new, decay):
    return decay * mine + (1 - decay) * new if mine.is_floating_point() else new


def newer(mine, new, decay):
    return new


def older(mine, new, decay):
    return mine


def spread(x, axis=0, small=1e-8):
    return (x.var(axis, correction=0) + small).sqrt()


def std_by_loops(x):
    """Right, with NumPy and a loop."""
    a = x.double().numpy()
    places = [a[:, c, i, j] for c, i, j in np.ndindex(a.shape[1:])]
    number = np.mean([math.sqrt(p.var() + 1e-8) for p in places])
    return torch.cat([x, torch.full_like(x[:, :1], number)], 1)


def one_more(number):
    def widen(x):
        value = number(x)
        extra = torch.ones_like(x[:, :1]) * value.reshape(-1, *[1] * 3)
        return torch.cat([x, extra], dim=1)

    return widen


def projection_by_loops(features, label, linear, embedding):
    rows = []
    for x, y in zip(features, label.tolist(), strict=True):
        rows.append(linear(x)[0] + embedding.weight[y] @ x)
    return torch.stack(rows)


def turned(weight):
    return weight.rot90(2, (2, 3)).transpose(0, 1)


def laid_down(x, weight, stride, kernel=lambda k: k):
    """Right: each pixel lays down its kernel."""
    k = weight.shape[-1]
    height, width = ((n - 1) * stride + k for n in x.shape[2:])
    out = x.new_zeros(len(x), weight.shape[1], height, width)
    for i in range(x.shape[2]):
        for j in range(x.shape[3]):
            spot = torch.einsum("bc,cokl->bokl", x[:, :, i, j], kernel(weight))
            out[:, :, i * stride : i * stride + k, j * stride : j * stride + k] += spot
    return out


def by_gradient(x, weight, stride):
    """Right: it is the backward pass of the convolution."""
    height, width = ((n - 1) * stride + weight.shape[-1] for n in x.shape[2:])
    image = x.new_zeros(len(x), weight.shape[1], height, width).requires_grad_()
    return torch.autograd.grad((F.conv2d(image, weight, stride=stride) * x).sum(), image)[0]


def spaced(x, stride, last=1):
    """Zeros between the pixels; `last`: what stays of the last pixel's cell."""
    for axis in (2, 3):
        parts = []
        for part in x.split(1, dim=axis):
            parts += [part] + [torch.zeros_like(part)] * (stride - 1)
        x = torch.cat(parts[: len(parts) - (stride - 1) * last], dim=axis)
    return x


def conv(x, weight, border=None):
    k = weight.shape[-1]
    return F.conv2d(F.pad(x, [k - 1 if border is None else border] * 4), weight)


def double(x, **how):
    return F.interpolate(x, scale_factor=2, **how)


RIGHT: dict[str, list[Answer]] = {
    "predict_start": [lambda: [2 * math.log(2), math.log(2)], lambda: torch.tensor([1.39, 0.69])],
    "discriminator_loss": [bce, loss_numpy],
    "predict_slopes": [lambda: [0.01, 0.99], lambda: np.array([1, 99]) / 100, lambda: (0.01, 1)],
    "generator_signal": [signal_by_hand, signal(lambda x: -F.logsigmoid(x).mean())],
    "one_round": [
        round_by_hand,
        adversaries(untied, wish),
        # wasteful, and right: what D's step left in the generator is thrown away
        adversaries(tied, wish, lambda d_step, g_step: g_step.zero_grad()),
    ],
    "r1_gradients": [
        r1_at_once,
        with_r1(lambda d, real, fake, gamma: gamma * slopes(d, real).pow(2).sum() / len(real) / 2),
    ],
    "penalties": [lengths(lambda x: x), lengths_one_by_one],
    "judge_both": [apart_again],
    "predict_average": [lambda: [0.634, 0.0952], lambda: 1 - torch.tensor([0.99, 0.999]) ** 100],
    "average_picture": [ema(share, newer)],
    "predict_recall": [lambda: [1.0, 0.2], lambda: torch.tensor([10, 2]) / 10],
    "minibatch_std": [
        std_by_loops,
        one_more(lambda x: ((x - x.mean(0)).pow(2).mean(0) + 1e-8).sqrt().mean()),
    ],
    "projection_logits": [
        projection_by_loops,
        lambda x, y, linear, embedding: ((linear.weight + embedding(y)) * x).sum(1) + linear.bias,
    ],
    "predict_size": [lambda: [7, 11], lambda: torch.Size([7, 11])],
    "transposed_conv": [laid_down, by_gradient],
    "fade_in": [
        lambda small, large, alpha: torch.lerp(double(small), large, alpha),
        lambda small, large, alpha: large + (1 - alpha) * (double(small) - large),
    ],
}

WRONG: dict[str, list[tuple[str, Answer]]] = {
    "predict_start": [
        ("one-term", lambda: (0.69, 0.69)),
        ("base-two", lambda: [2.0, 1.0]),
        ("no-loss", lambda: torch.zeros(2)),
        ("probability", lambda: (0.5, 0.5)),
        ("sign", lambda: (-1.39, -0.69)),
        ("count", lambda: 1.39),
    ],
    "discriminator_loss": [
        ("overflow", logs(0)),
        ("epsilon", logs(1e-8)),
        ("clamped", bce_of_probabilities),
        ("labels-swapped", lambda r, f: bce(f, r)),
        ("halved", lambda r, f: 0.5 * bce(r, f)),
        ("one-mean", one_batch),
        ("summed", lambda r, f: -F.logsigmoid(r).sum() - F.logsigmoid(-f).sum()),
        ("real-only", lambda r, f: -F.logsigmoid(r).mean()),
        ("fake-as-real", lambda r, f: -F.logsigmoid(r).mean() - F.logsigmoid(f).mean()),
        ("softplus-of-probability", lambda r, f: bce(r.sigmoid(), f.sigmoid())),
        ("shape", lambda r, f: F.softplus(-r).mean()[None] + F.softplus(f).mean()),
        ("type", lambda r, f: bce(r, f).item()),
    ],
    "predict_slopes": [
        ("swapped", lambda: [0.99, 0.01]),
        ("of-probability", lambda: (1.01, 100)),
        ("losses", lambda: (0.01005, 4.605)),
        ("both-small", lambda: (0.01, 0.01)),
        ("exactly-zero", lambda: (0, 1)),
        ("sign", lambda: (-0.01, -0.99)),
    ],
    "generator_signal": [
        ("sigmoid-first", signal(lambda x: nn.BCELoss()(x.sigmoid(), torch.full_like(x, 1.0)))),
        ("log-of-zero", signal(lambda x: torch.log(x.sigmoid()).mean().neg())),
        ("epsilon", signal(lambda x: torch.log(x.sigmoid() + 1e-8).mean().neg())),
        (
            "clamped-probability",
            signal(
                lambda x: F.binary_cross_entropy(
                    x.sigmoid().clip(1e-7, 1 - 1e-7), torch.ones_like(x)
                )
            ),
        ),
        ("saturating", signal(lambda x: F.logsigmoid(-x).mean())),
        ("wrong-label", signal(lambda x: -F.logsigmoid(-x).mean())),
        ("summed", signal(lambda x: -F.logsigmoid(x).sum())),
        (
            "sigmoid-twice",
            signal(lambda x: F.binary_cross_entropy_with_logits(x.sigmoid(), torch.ones_like(x))),
        ),
    ],
    "one_round": [
        ("not-detached", adversaries(tied, wish)),
        ("logits-detached", adversaries(deaf, wish)),
        ("never-moves", adversaries(untied, wish_detached)),
        ("follows", adversaries(tied, wish_detached)),
        ("together", same_time),
        ("saturating", adversaries(untied, wish_saturating)),
        ("error", adversaries(untied, lambda g, d, z: wish(g, d, z).detach())),
    ],
    "r1_gradients": [
        (
            "no-graph",
            with_r1(lambda d, r, f, c: c / 2 * slopes(d, r, graph=False).pow(2).sum() / len(r)),
        ),
        ("gamma-not-halved", with_r1(lambda d, r, f, c: c * slopes(d, r).pow(2).sum() / len(r))),
        ("not-squared", with_r1(lambda d, r, f, c: c / 2 * length(slopes(d, r)).mean())),
        (
            "one-centred",
            with_r1(lambda d, r, f, c: c / 2 * ((length(slopes(d, r)) - 1) ** 2).mean()),
        ),
        ("on-fakes", with_r1(lambda d, r, f, c: c / 2 * slopes(d, f).pow(2).sum() / len(f))),
        (
            "mean-of-logits",
            with_r1(lambda d, r, f, c: c / 2 * (slopes(d, r) / len(r)).pow(2).sum() / len(r)),
        ),
        ("summed", with_r1(lambda d, r, f, c: c / 2 * slopes(d, r).pow(2).sum())),
        ("mean-of-numbers", with_r1(lambda d, r, f, c: c / 2 * slopes(d, r).pow(2).mean())),
        ("count", lambda d, r, f, c: [bce(d(r), d(f))]),
    ],
    "penalties": [
        ("batch-norm", lengths(batch_norm)),
        ("layer-norm", lengths(own_norm)),
        ("instance-norm", lengths(lambda x: nn.InstanceNorm2d(x.shape[1])(x))),
        ("mean-of-logits", lengths(lambda x: x, torch.mean)),
        ("not-squared", lengths(lambda x: x, power=1.0)),
        ("detached", lengths(lambda x: batch_norm(x, x.detach()))),
        ("shape", lambda *args: lengths(lambda x: x)(*args).mean()),
    ],
    "judge_both": [
        ("one-batch", together),
        ("one-batch", together_other_way),
        ("eval", lambda d, r, f: together(d.eval(), r, f)),
        ("eval", lambda d, r, f: apart_again(d.eval(), r, f)),
        (
            "one-by-one",
            lambda d, r, f: [torch.stack([d(x.unsqueeze(0))[0] for x in b]) for b in (r, f)],
        ),
        ("swapped", lambda d, r, f: apart_again(d, f, r)),
        ("count", lambda d, r, f: torch.cat([d(r), d(f)])),
    ],
    "predict_average": [
        ("what-is-left", lambda: (0.366, 0.905)),
        ("straight", lambda: (1, 0.1)),
        ("one-step", lambda: (0.01, 0.001)),
        ("arrived", lambda: (1, 1)),
        ("swapped", lambda: (0.095, 0.634)),
    ],
    "average_picture": [
        ("buffers-forgotten", ema(share, older)),
        ("buffers-averaged", ema(share, share)),
        ("training-mode", ema(share, newer, nn.Module.train)),
        ("all-copied", ema(newer, newer)),
        ("decay-swapped", ema(lambda mine, new, decay: share(new, mine, decay), newer)),
    ],
    "predict_recall": [
        ("swapped", lambda: (0.2, 1)),
        ("both-high", lambda: [1, 1]),
        ("both-low", lambda: [0.2, 0.2]),
        ("what-is-missing", lambda: (1, 0.8)),
        ("counts", lambda: (2, 2)),
    ],
    "minibatch_std": [
        (
            "unbiased",
            one_more(lambda x: (((x - x.mean(0)) ** 2).sum(0) / (len(x) - 1) + 1e-8).sqrt().mean()),
        ),
        ("no-epsilon", one_more(lambda x: spread(x, small=0).mean())),
        ("per-picture", one_more(lambda x: spread(x.flatten(1), 1))),
        ("everything", one_more(lambda x: spread(x.flatten()))),
        ("variance", one_more(lambda x: (x.var(0, correction=0) + 1e-8).mean())),
        ("mean-first", one_more(lambda x: (x.var(0, correction=0).mean() + 1e-8).sqrt())),
        ("mean-of-pictures", one_more(lambda x: spread(x.flatten(1).mean(1)))),
        ("a-map-each", lambda x: torch.cat([x, spread(x).repeat(len(x), 1, 1, 1)], 1)),
        (
            "a-map-of-places",
            lambda x: torch.cat([x, spread(x).mean(0)[None, None].repeat(len(x), 1, 1, 1)], 1),
        ),
        ("added", lambda x: x + spread(x).mean()),
        ("value", lambda x: one_more(lambda x: spread(x).mean())(x).roll(1, 1)),
    ],
    "projection_logits": [
        ("label-ignored", lambda x, y, linear, table: linear(x)[:, 0]),
        ("no-plain-part", lambda x, y, linear, table: torch.einsum("bd,bd->b", x, table.weight[y])),
        (
            "broadcast",
            lambda x, y, linear, table: linear(x) + torch.einsum("bd,bd->b", x, table(y)),
        ),
        ("a-column", lambda x, y, linear, table: projection_by_loops(x, y, linear, table)[:, None]),
        (
            "every-pair",
            lambda x, y, linear, table: linear(x)[:, 0] + torch.einsum("bd,cd->bc", x, table(y)),
        ),
        ("mean", lambda x, y, linear, table: linear(x)[:, 0] + (x * table(y)).mean(dim=-1)),
        (
            "scaled",
            lambda x, y, linear, table: (
                linear(x)[:, 0] + (x * table(y)).sum(-1) * x.shape[-1] ** -0.5
            ),
        ),
        ("added", lambda x, y, linear, table: linear(x + table.weight[y]).flatten()),
    ],
    "predict_size": [
        ("times-stride", lambda: (8, 12)),
        ("forward", lambda: (2, 3)),
        ("padding-forgotten", lambda: (11, 15)),
        ("padding-added", lambda: (15, 19)),
        ("gaps", lambda: (9, 13)),
        ("swapped", lambda: (11, 7)),
        ("value", lambda: (7, 12)),
    ],
    "transposed_conv": [
        ("not-turned", lambda x, w, s: laid_down(x, w, s, lambda k: k.flip([-1, -2]))),
        ("flipped-once", lambda x, w, s: conv(spaced(x, s), w.transpose(0, 1).flip(3))),
        ("kernel-transposed", lambda x, w, s: laid_down(x, w, s, lambda k: k.flip([-1, -2]).mT)),
        ("channels-not-swapped", lambda x, w, s: conv(spaced(x, s), w.rot90(2, (2, 3)))),
        ("trailing-zeros", lambda x, w, s: conv(spaced(x, s, 0), turned(w))),
        ("no-border", lambda x, w, s: conv(spaced(x, s), turned(w), 0)),
        ("narrow-border", lambda x, w, s: conv(spaced(x, s), turned(w), w.shape[-1] // 2)),
        ("repeated", lambda x, w, s: conv(F.interpolate(x, scale_factor=s), turned(w))),
        ("library", lambda x, w, s: F.conv_transpose2d(x, w, stride=s)),
    ],
    "fade_in": [
        ("alpha-swapped", lambda small, large, alpha: alpha * double(small) + (1 - alpha) * large),
        ("tiled", lambda small, large, alpha: torch.lerp(small.tile(1, 1, 2, 2), large, alpha)),
        (
            "smoothed",
            lambda small, large, alpha: torch.lerp(double(small, mode="bilinear"), large, alpha),
        ),
        (
            "smoothed",
            lambda small, large, alpha: torch.lerp(
                nn.UpsamplingBilinear2d(scale_factor=2)(small), large, alpha
            ),
        ),
        ("added", lambda small, large, alpha: double(small) + large * alpha),
        ("halves", lambda small, large, alpha: torch.stack([double(small), large]).mean(0)),
        (
            "too-small",
            lambda small, large, alpha: torch.lerp(
                small, large.unfold(2, 2, 2).unfold(3, 2, 2).mean((4, 5)), alpha
            ),
        ),
    ],
}
# What is right, from the numbers alone
EXPECTED: dict[str, Callable[..., Any]] = {
    "predict_slopes": lambda k: (1 / k, 1 - 1 / k),
    "predict_average": lambda n: (1 - 0.99**n, 1 - 0.999**n),
    "predict_recall": lambda kinds, drawn: (1, drawn / kinds),
    "predict_size": lambda h, w, k: (2 * (h - 1) + k - 4, 2 * (w - 1) + k - 4),
}
# A student's own numbers
THEIRS = {
    "predict_slopes": {"k": 500},
    "predict_average": {"n": 300},
    "predict_recall": {"kinds": 16, "drawn": 3},
    "predict_size": {"h": 8, "w": 9, "k": 7},
}
# Known mistakes that cannot cope with every case
UNABLE = {
    ("average_picture", "training-mode"),
    ("transposed_conv", "channels-not-swapped"),
    ("transposed_conv", "no-border"),
}

LESSON = Exercises("02-gan", check.sheet, RIGHT, WRONG, EXPECTED, THEIRS, UNABLE)


class TestExercises(Proofs):
    lesson = LESSON


@pytest.mark.parametrize("lang", LANGUAGES)
def test_an_answers_cell_has_the_numbers_of_its_card(lang: str) -> None:
    own, default = LESSON.texts(lang, THEIRS), LESSON.texts(lang)
    for name in THEIRS:
        id = name.replace("_", "-")
        assert own[id] != default[id]
    assert "1/500" in own["predict-slopes-card"] and "1/100" in default["predict-slopes-card"]


def test_the_courses_round_trains_as_the_learners_does() -> None:
    """It takes the place of a wrong one in the cell that trains a whole GAN."""
    results = []
    for play in (check.one_round.reference, round_by_hand):
        torch.manual_seed(0)
        generator = nn.Linear(2, 2)
        discriminator = nn.Sequential(nn.Linear(2, 4), nn.LeakyReLU(), nn.Linear(4, 1))
        for _ in range(3):
            play(generator, discriminator, torch.randn(5, 2), torch.randn(5, 2), 0.5)
        results.append(torch.cat(weights(generator, discriminator)))
    assert torch.allclose(*results, atol=1e-6)


def test_the_planted_bugs_show_what_their_cards_say() -> None:
    *_, gradient = signal(lambda x: F.binary_cross_entropy(x.sigmoid(), torch.ones_like(x)))(
        torch.tensor([-30.0])
    )
    assert gradient.item() == pytest.approx(-0.094, abs=0.005)  # a tenth
    *_, gradient = signal(lambda x: F.binary_cross_entropy(x.sigmoid(), torch.ones_like(x)))(
        torch.tensor([-120.0])
    )
    assert gradient.item() == 0
    (_, real, first, last), *_ = check.penalties.cases()
    alone = lengths(lambda x: x)
    for penalties, same in ((lengths(batch_norm), False), (alone, True)):
        beside = penalties(torch.cat([real[:1], 3 * real[1:]]), first, last)
        assert torch.allclose(penalties(real, first, last)[0], beside[0]) == same
    (_, discriminator, real, fake), *_ = check.judge_both.cases()
    for judge, same in ((together, False), (apart_again, True)):
        one, other = judge(discriminator, real, fake)[0], judge(discriminator, real, fake + 1)[0]
        assert torch.allclose(one, other) == same
