"""Lesson 04's exercises: right answers pass in any style, and each mistake is told by its name."""

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from exercise_proofs import Answer, Exercises, Proofs, english  # noqa: F401
from torch import Tensor, nn

from common.check import style as check

# ---- answers that learners write -----------------------------------------------------------------
# Each wrong one is written on its own, not taken from the list of known mistakes.


def by_loops(features, share=lambda n, c, places: 1 / places):
    """Gram matrices entry by entry, with NumPy."""
    f = features.double().numpy()
    n, c = f.shape[:2]
    grams = np.zeros((n, c, c))
    for i, a, b in np.ndindex(grams.shape):
        grams[i, a, b] = (f[i, a] * f[i, b]).sum() * share(n, c, f[i, a].size)
    return torch.tensor(grams, dtype=features.dtype)


def by_einsum(features):
    return torch.einsum("nchw,ndhw->ncd", features, features) / features[0, 0].numel()


def stacked(features):
    """All channels of all pictures in one pile, as the tutorial has it."""
    a, b, c, d = features.size()
    pile = features.reshape(a * b, c * d)
    return torch.mm(pile, pile.t()).div(c * d)


def one_for_all(features):
    return torch.einsum("nchw,ndhw->cd", features, features) / features[:, 0].numel()


def batchwise(gram=by_einsum, of=lambda d: d.pow(2).mean()):
    return lambda pictures, styles: of(gram(pictures) - gram(styles))


def picture_by_picture(pictures, styles):
    pairs = zip(pictures[:, None], styles[:, None], strict=True)
    return torch.stack([batchwise()(*pair) for pair in pairs]).mean()


def weighed(
    share=lambda layer: 1 / layer[0].numel(),
    divide=lambda d, g, a: d.pow(2).sum() / a.pow(2).sum(),
    end=lambda errors: sum(errors) / len(errors),
):
    """The loss of some layers: `share` of each Gram matrix, `divide` for each pair, `end`."""

    def loss(features, styles):
        errors = []
        for f, s in zip(features, styles, strict=True):
            g, a = (torch.einsum("chw,dhw->cd", x, x) * share(x) for x in (f, s))
            errors.append(divide(g - a, g, a))
        return end(errors)

    return loss


def by_norms(features, styles):
    """Right: the length of the difference over the length of the style's, squared."""
    grams = [[by_einsum(x[None])[0] for x in layers] for layers in (features, styles)]
    shares = [torch.dist(g, a) / a.norm() for g, a in zip(*grams, strict=True)]
    return torch.stack(shares).square().mean()


def once_for_all(features, styles):
    errors = weighed(divide=lambda d, g, a: d.pow(2).sum(), end=sum)(features, styles)
    norms = weighed(divide=lambda d, g, a: a.pow(2).sum(), end=sum)(features, styles)
    return errors / norms


def crowds(kernel, mean=torch.mean, mixed=2, own=None):
    own = own or mean
    return lambda x, y: own(kernel(x, x)) + own(kernel(y, y)) - mixed * mean(kernel(x, y))


def quadratic(a, b):
    return torch.einsum("ic,jc->ij", a, b) ** 2


def by_gram(x, y):
    """Right, the other way round: the very thing that the exercise shows."""
    return torch.dist(x.T @ x / len(x), y.T @ y / len(y)) ** 2


def pairs_by_loops(x, y):
    def mean(a, b):
        return sum(torch.dot(v, w) ** 2 for v in a for w in b) / (len(a) * len(b))

    return mean(x, x) - 2 * mean(x, y) + mean(y, y)


def others_only(table):
    return table[~torch.eye(len(table), dtype=bool)].mean()


def walking(keep=torch.clone, through=lambda layer, x: layer(x), wanted=nn.Conv2d, first=False):
    def walk(net, x):
        kept = []
        for layer in net.children():
            if first and isinstance(layer, wanted):
                kept.append(x.clone())
            x = through(layer, x)
            if not first and isinstance(layer, wanted):
                kept.append(keep(x))
        return kept

    return walk


def politely(layer, x):
    return F.relu(x) if isinstance(layer, nn.ReLU) else layer(x)


def by_hooks(net, x):
    kept = []
    hooks = [
        layer.register_forward_hook(lambda module, given, out: kept.append(out.clone()))
        for layer in net
        if isinstance(layer, nn.Conv2d)
    ]
    net(x)
    for hook in hooks:
        hook.remove()
    return kept


def not_in_place(net, x):
    for layer in net:
        if isinstance(layer, nn.ReLU):
            layer.inplace = False
    return walking(as_is)(net, x)


def as_is(x):
    return x


def steps(of=lambda d: d**2, mean=lambda d: d.mean((1, 2, 3)), axes=(2, 3), end=as_is):
    def loss(x):
        down, across, colours = x[:, :, 1:] - x[:, :, :-1], x[..., 1:] - x[..., :-1], x.diff(dim=1)
        parts = {1: colours, 2: down, 3: across}
        return end(sum(mean(of(parts[axis])) for axis in axes))

    return loss


def steps_by_loops(x):
    losses = []
    for picture in x.double().numpy():
        down = [np.square(picture[:, i + 1] - picture[:, i]) for i in range(picture.shape[1] - 1)]
        across = [
            np.square(picture[..., i + 1] - picture[..., i]) for i in range(picture.shape[2] - 1)
        ]
        losses.append(np.mean(down) + np.mean(across))
    return torch.tensor(losses, dtype=x.dtype)


def wrapped(x):
    return sum(F.mse_loss(x, x.roll(-1, axis), reduction="none").mean((1, 2, 3)) for axis in (2, 3))


def in_one_mean(x):
    d = [x.diff(dim=axis).flatten(1) for axis in (2, 3)]
    return sum(part.pow(2).sum(1) for part in d) / sum(part.shape[1] for part in d)


def each_channel(f, p):
    return ((f - p).pow(2).mean((1, 2)) / p.var((1, 2), correction=0)).mean()


def asked(
    at=-1,
    error=F.mse_loss,
    spread=lambda p, f: p.flatten(1).var(1, correction=0).mean(),
    tell=lambda c, s, v, a, b: (c, s, v, c + a * s + b * v),
    style=None,
):
    """The four numbers, with other words for each part."""

    def terms(x, features, content, grams, style_weight, variation_weight):
        c = error(features[at], content) / spread(content, features[at])
        s = (style or of_grams())(features, grams)
        v = steps()(x.unsqueeze(0)).squeeze()
        return tell(c, s, v, style_weight, variation_weight)

    return terms


def of_grams(
    share=lambda f: 1 / f[0].numel(),
    norm=lambda a, g: a.norm() ** 2,
    end=lambda e: sum(e) / len(e),
):
    def loss(features, grams):
        errors = []
        for f, a in zip(features, grams, strict=True):
            g = torch.tensordot(f, f, dims=([1, 2], [1, 2])) * share(f)
            errors.append(torch.dist(g, a) ** 2 / norm(a, g))
        return end(errors)

    return loss


def looking(freeze=True, judge=True, total=F.mse_loss, show=lambda x, g: g, clear=as_is):
    def gradient(net, x, target):
        if judge:
            net.eval()
        for p in net.parameters():
            p.requires_grad = not freeze
        pixels = torch.empty_like(x).copy_(x).requires_grad_()
        loss = total(net(pixels), target)
        loss.backward()
        clear(net)
        own = [p for p in net.parameters() if p.grad is not None]
        return loss.item() * torch.ones_like(loss.detach()), show(x, pixels.grad), len(own)

    return gradient


def emptied(net):
    for p in net.parameters():
        p.grad = None


def only_the_pixels(net, x, target):
    """Right: the weights stay open, but nobody asks for their gradients."""
    net.train(False)
    x = x.detach().clone().requires_grad_(True)
    loss = ((net(x) - target) ** 2).mean()
    (gradient,) = torch.autograd.grad(loss, x)
    return loss.detach(), gradient, len([p for p in net.parameters() if p.grad is not None])


def downhill(step=lambda x: x.clamp(0, 1), end=lambda x: x.clamp(0, 1), seen=as_is, before=as_is):
    def walk(net, target, start, rate, steps):
        x = start.clone()
        for _ in range(steps):
            x = before(x.detach().clone()).requires_grad_()
            F.mse_loss(net(seen(x)), target).backward()
            x = step(x.detach() - rate * x.grad)
        x = end(x)
        return x, F.mse_loss(net(x), target).detach()

    return walk


def in_a_closure(net, target, start, rate, steps):
    """Right, as the lesson has it: the closure puts the pixels back before it measures."""
    x = start.clone().requires_grad_()

    def closure():
        with torch.no_grad():
            x.clamp_(0, 1)
        x.grad = None
        loss = (net(x) - target).pow(2).mean()
        loss.backward()
        return loss

    for _ in range(steps):
        closure()
        with torch.no_grad():
            x.sub_(rate * x.grad)
    return x.detach().clamp(0, 1), closure().detach()


def measured_too_early(net, target, start, rate, steps):
    x = start.clone()
    for _ in range(steps):
        x.requires_grad_()
        loss = F.mse_loss(net(x), target)
        (gradient,) = torch.autograd.grad(loss, x)
        x = (x.detach() - rate * gradient).clip(0, 1)
    return x, loss.detach()


def stretched(x):
    return (x - x.amin()) / (x.amax() - x.amin())


def places(f, eps, n=0, inside=True, dims=(2, 3)):
    """Mean and spread of features, by sums."""
    count = math.prod(f.shape[d] for d in dims)
    mean = f.sum(dims, keepdim=True) / count
    variance = ((f - mean) ** 2).sum(dims, keepdim=True) / (count - n)
    return mean, (variance + eps).sqrt() if inside else variance.sqrt() + eps


def restyled(own=places, other=None, back=lambda mine, theirs: theirs):
    def adain(content, style, eps):
        (mine, spread), (theirs, wanted) = own(content, eps), (other or own)(style, eps)
        return wanted * ((content - mine) / spread) + back(mine, theirs)

    return adain


def by_library(content, style, eps):
    """Right: instance norm is the first half."""
    mean, spread = places(style, eps)
    return F.instance_norm(content, eps=eps) * spread + mean if content[0, 0].numel() > 1 else mean


def blended(one=None, weights=as_is, end=lambda c, m, s: torch.lerp(c, m, s)):
    def mix(content, styles, shares, strength, eps):
        mixture = torch.zeros_like(content)
        for style, share in zip(styles, weights(shares), strict=True):
            mixture = mixture + share * (one or restyled())(content, style, eps)
        return end(content, mixture, strength)

    return mix


def statistics_mixed(content, styles, shares, strength, eps, power=1):
    """Right with power 1: mixing means and spreads is the same as mixing the results."""
    mean, spread = places(content, eps)
    both = [places(s, eps) for s in styles]
    wanted_mean = sum(a * m for a, (m, _) in zip(shares, both, strict=True))
    wanted = sum(a * d**power for a, (_, d) in zip(shares, both, strict=True)) ** (1 / power)
    styled = (content - mean) / spread * wanted + wanted_mean
    return content + strength * (styled - content)


def one_after_the_other(content, styles, shares, strength, eps):
    x = content
    for style, share in zip(styles, shares, strict=True):
        x = (1 - share) * x + share * restyled()(x, style, eps)
    return (1 - strength) * content + strength * x


RIGHT: dict[str, list[Answer]] = {
    "predict_moved": [lambda: [6.5, 0, 3], lambda: torch.tensor([6.5, 0, 3])],
    "gram_matrix": [by_loops, by_einsum],
    "batch_style": [batchwise(), picture_by_picture, lambda a, b: batchwise()(a, b)],
    "predict_growth": [lambda: [9, 81, 1, 4], lambda: np.array([9.0, 81, 1, 4])],
    "style_loss": [weighed(), by_norms],
    "squared_mmd": [crowds(quadratic), by_gram, pairs_by_loops],
    "captured_features": [walking(), walking(as_is, politely), by_hooks, not_in_place],
    "variation_loss": [steps(), steps_by_loops],
    "objective": [asked(), asked(spread=lambda p, f: p.var((1, 2), unbiased=False).mean())],
    "pixel_gradient": [looking(), looking(clear=nn.Module.zero_grad), only_the_pixels],
    "descend": [downhill(), in_a_closure, downhill(lambda x: x.minimum(0 * x + 1).relu())],
    "adain": [restyled(), by_library],
    "mix_styles": [blended(), statistics_mixed],
    "predict_norms": [lambda: [1, -0.632], lambda: torch.tensor([1, -0.63])],
}

WRONG: dict[str, list[tuple[str, Answer]]] = {
    "predict_moved": [
        ("gram-sees-places", lambda: (6.5, 3, 3)),
        ("content-sees-nothing", lambda: (0, 0, 3)),
        ("half-the-places", lambda: (3.25, 0, 3)),
        ("channels-added", lambda: (13, 0, 3)),
        ("not-divided", lambda: (6.5, 0, 48)),
        ("everywhere-together", lambda: (6.5, 0, 6)),
        ("never-together", lambda: (6.5, 0, 0)),
        ("count", lambda: (6.5, 0)),
    ],
    "gram_matrix": [
        ("folded", stacked),
        ("one-gram", one_for_all),
        ("not-divided", lambda f: by_loops(f, lambda n, c, places: 1)),
        ("channels-too", lambda f: by_loops(f, lambda n, c, places: 1 / c / places)),
        ("batch-too", lambda f: by_loops(f, lambda n, c, places: 1 / n / places)),
        ("places", lambda f: torch.einsum("nca,ncb->nab", *[f.flatten(2)] * 2) / f[0, 0].numel()),
        (
            "misread",
            lambda f: (
                torch.einsum("npc,npd->ncd", *[f.reshape(len(f), -1, f.shape[1])] * 2)
                / f[0, 0].numel()
            ),
        ),
        ("centred", lambda f: by_einsum(f - f.mean((2, 3), keepdim=True))),
        (
            "centred",
            lambda f: torch.stack([x.flatten(1).cov(correction=0).view(len(x), -1) for x in f]),
        ),
        ("cosines", lambda f: by_loops(f / f.norm(dim=(2, 3), keepdim=True), lambda n, c, p: 1)),
        ("type", lambda f: by_einsum(f).numpy()),
        ("dtype", lambda f: by_einsum(f).half()),
        ("library", lambda f: style.gram_matrix(f)),  # noqa: F821
    ],
    "batch_style": [
        ("folded", batchwise(stacked)),
        ("one-gram", batchwise(one_for_all)),
        (
            "misread",
            batchwise(lambda f: by_einsum(f.reshape(len(f), -1, f.shape[1]).mT[..., None])),
        ),
        ("first-only", lambda a, b: batchwise()(a[:1], b[:1])),
        ("summed", batchwise(of=lambda d: d.pow(2).sum())),
        ("not-divided", batchwise(lambda f: by_loops(f, lambda n, c, places: 1))),
        ("channels-too", batchwise(lambda f: by_loops(f, lambda n, c, places: 1 / c / places))),
        ("batch-too", batchwise(lambda f: by_loops(f, lambda n, c, places: 1 / n / places))),
        ("shape", batchwise(of=lambda d: d.pow(2).mean((1, 2)))),
    ],
    "predict_growth": [
        ("linear", lambda: (3, 9, 1, 4)),
        ("error-not-squared", lambda: (9, 9, 1, 4)),
        ("not-cancelled", lambda: (9, 81, 9, 4)),
        ("not-cancelled", lambda: (9, 81, 81, 4)),
        ("divided", lambda: (9, 81, 1, 1)),
        ("one-side", lambda: (9, 81, 1, 2)),
        ("tiles-squared", lambda: (9, 81, 1, 16)),
        ("value", lambda: (9, 18, 1, 4)),
    ],
    "style_loss": [
        ("not-normalised", weighed(lambda layer: 1, lambda d, g, a: d.pow(2).sum())),
        ("norm-missing", weighed(divide=lambda d, g, a: d.pow(2).sum())),
        ("norm-missing", weighed(divide=lambda d, g, a: d.pow(2).mean())),
        ("not-squared", weighed(divide=lambda d, g, a: d.norm() / a.norm())),
        ("places-missing", weighed(lambda layer: 1)),
        ("norm-not-squared", weighed(divide=lambda d, g, a: d.pow(2).sum() / a.norm())),
        ("own-norm", weighed(divide=lambda d, g, a: d.pow(2).sum() / g.pow(2).sum())),
        ("mean-over-sum", weighed(divide=lambda d, g, a: d.pow(2).mean() / a.pow(2).sum())),
        ("layers-summed", weighed(end=sum)),
        ("all-in-one", once_for_all),
        ("shape", weighed(end=torch.stack)),
    ],
    "squared_mmd": [
        ("not-squared", crowds(lambda a, b: a.matmul(b.t()))),
        ("squared-late", crowds(lambda a, b: a @ b.T, lambda table: table.mean() ** 2)),
        ("distances", crowds(lambda a, b: torch.cdist(a, b) ** 2)),
        ("each-number-squared", crowds(lambda a, b: (a**2) @ (b**2).t())),
        ("summed", crowds(quadratic, torch.sum)),
        ("once", crowds(quadratic, mixed=1)),
        ("added", crowds(quadratic, mixed=-2)),
        ("without-itself", crowds(quadratic, own=others_only)),
        ("rooted", lambda x, y: torch.dist(x.T @ x / len(x), y.T @ y / len(y))),
        (
            "channels-paired",
            lambda x, y: (
                (x.T @ x).pow(2).mean()
                - 2 * ((x.T @ x) * (y.T @ y)).mean()
                + (y.T @ y).pow(2).mean()
            ),
        ),
        ("error", lambda x, y: (x - y).pow(2).mean()),
    ],
    "captured_features": [
        ("overwritten", walking(as_is)),
        ("overwritten", walking(Tensor.detach)),
        ("inputs", walking(first=True)),
        ("not-bent", walking(through=lambda m, x: x if isinstance(m, nn.ReLU) else m(x))),
        ("every-layer", walking(wanted=nn.Module)),
        ("every-layer", walking(wanted=(nn.Conv2d, nn.ReLU))),
        ("last-only", lambda net, x: [walking()(net, x)[-1]]),
        ("reversed", lambda net, x: list(reversed(walking()(net, x)))),
        ("sizes", walking(lambda x: x.abs().clone())),
        ("count", lambda net, x: walking()(net, x)[0]),
        ("no-gradient", walking(lambda x: x.detach().clone())),
        ("no-gradient", torch.no_grad()(walking())),
    ],
    "variation_loss": [
        ("sizes", steps(torch.abs)),
        ("summed", steps(mean=lambda d: d.sum((1, 2, 3)))),
        ("one-direction", steps(axes=(2,))),
        ("one-direction", steps(axes=(3,))),
        ("wrong-axes", steps(axes=(1, 2))),
        ("colours-too", steps(axes=(1, 2, 3))),
        ("round-the-edge", wrapped),
        ("one-mean", in_one_mean),
        ("halved", steps(end=lambda loss: loss / 2)),
        ("one-number", steps(mean=torch.mean)),
        ("rooted", steps(end=torch.sqrt)),
        ("library", lambda x: total_variation(x)),  # noqa: F821
    ],
    "objective": [
        ("content-not-divided", asked(spread=lambda p, f: 1)),
        ("whole-variance", asked(spread=lambda p, f: p.var(correction=0))),
        ("not-centred", asked(spread=lambda p, f: (p * p).mean())),
        (
            "standard-deviation",
            asked(spread=lambda p, f: p.var((1, 2), correction=0).mean().sqrt()),
        ),
        ("standard-deviation", asked(spread=lambda p, f: p.std((1, 2), correction=0).mean())),
        ("channel-by-channel", asked(error=each_channel, spread=lambda p, f: 1)),
        ("own-norm", asked(style=of_grams(norm=lambda a, g: g.norm() ** 2))),
        ("unbiased", asked(spread=lambda p, f: p.flatten(1).var(1).mean())),
        ("own-variance", asked(spread=lambda p, f: f.var((1, 2), correction=0).mean())),
        ("first-layer", asked(at=0)),
        ("gram-not-divided", asked(style=of_grams(share=lambda f: 1))),
        ("norm-missing", asked(style=of_grams(norm=lambda a, g: 1))),
        ("layers-summed", asked(style=of_grams(end=sum))),
        ("weights-swapped", asked(tell=lambda c, s, v, a, b: (c, s, v, c + b * s + a * v))),
        (
            "weighted-twice-told",
            asked(tell=lambda c, s, v, a, b: (c, a * s, b * v, c + a * s + b * v)),
        ),
        ("content-lost", asked(tell=lambda c, s, v, a, b: (c, s, v, a * s + b * v))),
        ("no-weights", asked(tell=lambda c, s, v, a, b: (c, s, v, s + v + c))),
        ("count", asked(tell=lambda c, s, v, a, b: c + a * s + b * v)),
        ("no-gradient", torch.no_grad()(asked())),
        ("no-gradient", asked(tell=lambda c, s, v, a, b: (c, s, v, (c + a * s + b * v).detach()))),
    ],
    "pixel_gradient": [
        ("learning", looking(freeze=False, judge=False)),
        ("not-frozen", looking(freeze=False)),
        ("not-eval", looking(judge=False)),
        ("summed", looking(total=lambda a, b: (a - b).pow(2).sum())),
        ("stepped", looking(show=lambda x, g: x - g)),
        ("sign", looking(show=lambda x, g: g.neg())),
        ("taught", looking(freeze=False, clear=nn.Module.zero_grad)),
        ("taught", looking(freeze=False, clear=emptied)),
        ("taught", lambda *arguments: (*looking(freeze=False)(*arguments)[:2], 0)),
        ("not-eval", looking(freeze=False, judge=False, clear=emptied)),
        ("error", lambda net, x, target: torch.autograd.grad(net.eval()(x).sum(), x)),
    ],
    "descend": [
        ("clamped-at-end", downhill(step=as_is)),
        ("not-clamped", downhill(as_is, as_is)),
        ("not-clamped", downhill(as_is, as_is, before=lambda x: x.clamp(0, 1))),
        ("stale-loss", measured_too_early),
        ("uphill", lambda net, target, start, rate, n: downhill()(net, target, start, -rate, n)),
        ("clamped-in-the-loss", downhill(step=as_is, seen=lambda x: torch.clip(x, 0, 1))),
        ("rescaled", downhill(stretched, as_is)),
        ("sigmoid", downhill(torch.sigmoid, as_is)),
        ("minus-one", downhill(lambda x: x.clip(-1, 1), as_is)),
        ("count", lambda *args: downhill()(*args)[0]),
    ],
    "adain": [
        ("two-measures", restyled(other=lambda f, eps: places(f, 0, n=1))),
        ("unbiased-style", restyled(other=lambda f, eps: places(f, eps, n=1))),
        ("eps-on-one-side", restyled(other=lambda f, eps: places(f, 0))),
        ("both-unbiased", restyled(lambda f, eps: places(f, eps, n=1))),
        ("both-plain", restyled(lambda f, eps: places(f, 0, n=1))),
        ("eps-outside", restyled(lambda f, eps: places(f, eps, inside=False))),
        ("eps-outside", restyled(lambda f, eps: places(f, eps, n=1, inside=False))),
        ("no-root", restyled(lambda f, eps: (places(f, eps)[0], places(f, eps)[1] ** 2))),
        ("no-eps", restyled(lambda f, eps: places(f, 0))),
        ("over-the-batch", restyled(lambda f, eps: places(f, eps, dims=(0, 2, 3)))),
        ("over-channels", restyled(lambda f, eps: places(f, eps, dims=(1, 2, 3)))),
        ("swapped", lambda content, style, eps: restyled()(style, content, eps)),
        ("mean-kept", restyled(back=lambda mine, theirs: mine)),
        ("library", lambda content, style, eps: AdaIN(eps)(content, style)),  # noqa: F821
    ],
    "mix_styles": [
        ("strength-turned-round", blended(end=lambda c, m, s: torch.lerp(m, c, s))),
        ("content-lost", blended(end=lambda c, m, s: s * m)),
        ("no-strength", blended(end=lambda c, m, s: m)),
        ("content-whole", blended(end=lambda c, m, s: s * m + c)),
        ("no-shares", blended(weights=lambda shares: [sum(shares) / len(shares)] * len(shares))),
        ("added-up", blended(weights=lambda shares: [1 for _ in shares])),
        ("chained", one_after_the_other),
        ("variances-mixed", lambda *args: statistics_mixed(*args, power=2)),
        ("unbiased", blended(restyled(lambda f, eps: places(f, eps, n=1)))),
        ("two-measures", blended(restyled(other=lambda f, eps: places(f, 0, n=1)))),
        (
            "means-only",
            blended(lambda c, s, eps: c - places(c, 0)[0] + places(s, 0)[0]),
        ),
    ],
    "predict_norms": [
        ("swapped", lambda: (-0.632, 1)),
        ("the-same", lambda: (1, 1)),
        ("both-together", lambda: (-0.632, -0.632)),
        ("variance", lambda: (1, -0.2)),
        ("spread-of-one", lambda: (1, -2)),
        ("between-only", lambda: (1, -0.667)),
        ("not-centred", lambda: (2, 2)),
        ("count", lambda: 1),
    ],
}
# What is right, from the numbers alone
EXPECTED: dict[str, Callable[..., Any]] = {
    "predict_moved": lambda a, b: ((a * a + b * b) / 2, 0, a * b / 2),
    "predict_growth": lambda k, n: (k**2, k**4, 1, n**2),
    "predict_norms": lambda b: (1, (1 - b / 2) / math.hypot(1, b / 2)),
}
# A student's own numbers
THEIRS = {
    "predict_moved": {"a": 6, "b": 5},
    "predict_growth": {"k": 5, "n": 4},
    "predict_norms": {"b": 8},
}

LESSON = Exercises("04-style", check.sheet, RIGHT, WRONG, EXPECTED, THEIRS)


class TestExercises(Proofs):
    lesson = LESSON


# ---- what the cards say --------------------------------------------------------------------------


def test_the_pile_of_all_pictures_is_right_for_one_and_wrong_for_two() -> None:
    (_, shuffled, styles), _, (_, one, its_style), *_ = check.batch_style.cases()
    assert torch.allclose(batchwise(stacked)(one, its_style), batchwise()(one, its_style))
    assert batchwise()(shuffled, styles) < 1e-10 < 1e-2 < batchwise(stacked)(shuffled, styles)


def test_without_the_divisions_a_tiled_pattern_and_a_strong_layer_spoil_the_loss() -> None:
    (_, tiled, pattern), (_, features, styles), *_ = check.style_loss.cases()
    bare = weighed(lambda layer: 1, lambda d, g, a: d.pow(2).sum(), torch.stack)
    assert by_norms(tiled, pattern) < 1e-10 < 1 < bare(tiled, pattern).sum()
    shares = bare(features, styles) / bare(features, styles).sum()
    assert shares[2] > 0.8  # the layer that answers most strongly


def test_the_style_loss_is_a_maximum_mean_discrepancy() -> None:
    for _, x, y in check.squared_mmd.cases():
        assert torch.allclose(crowds(quadratic)(x, y), by_gram(x, y), rtol=1e-4, atol=1e-5)


def test_kept_features_lose_their_negative_half() -> None:
    for _, net, x in check.captured_features.cases():
        kept, right = walking(as_is)(net, x.clone()), walking()(net, x.clone())
        assert (kept[0] >= 0).all() and (right[0] < 0).any()


def test_a_judge_in_training_finds_fault_with_the_very_features_it_gave() -> None:
    (_, net, x, target), *_ = check.pixel_gradient.cases()
    assert looking()(copy.deepcopy(net), x, target)[0] < 1e-10
    assert looking(judge=False)(copy.deepcopy(net), x, target)[0] > 1e-2


def test_a_cut_at_the_end_costs_what_was_gained() -> None:
    (_, *arguments), *_ = check.descend.cases()
    loss = {
        key: walk(*arguments)[1] for key, walk in (("each", downhill()), ("end", downhill(as_is)))
    }
    found = downhill(as_is, as_is)(*arguments)
    assert found[1] < loss["each"] < loss["end"] and found[0].max() > 1


def test_adain_of_a_picture_with_itself_gives_it_back() -> None:
    (_, same, style, eps), *_ = check.adain.cases()
    assert torch.equal(same, style)
    assert torch.allclose(check.adain.reference(same, style, eps), same, atol=1e-6)
    spoilt = WRONG["adain"][0][1](same, style, eps)
    assert (spoilt.std((2, 3)) > same.std((2, 3))).all()
