"""Lesson 03's exercises: right answers pass in any style, and each mistake is told by its name."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from exercise_proofs import Answer, Exercises, Proofs, english  # noqa: F401
from torch import Tensor

from common.check import vqgan as check

# ---- answers that learners write -----------------------------------------------------------------
# Each wrong one is written on its own, not taken from the list of known mistakes.


def by_loops(better):
    """The code that is `better` than the others, place by place, with NumPy."""

    def nearest(z, codebook):
        a, e = z.double().numpy(), codebook.double().numpy()
        found = torch.zeros(a.shape[0], *a.shape[2:], dtype=torch.int64)
        for b, i, j in np.ndindex(found.shape):
            found[b, i, j] = min(range(len(e)), key=lambda k: better(a[b, :, i, j], e[k]))
        return found

    return nearest


def square(z, e):
    return ((z - e) ** 2).sum()


def by_cdist(z, codebook):
    rows = z.flatten(2).transpose(1, 2)
    return torch.cdist(rows, codebook.expand(len(z), -1, -1)).argmin(2).view(-1, *z.shape[2:])


def cut_across(z, codebook):
    rows = z.contiguous().view(-1, z.shape[1])
    return torch.cdist(rows, codebook).argmin(1).view(z.shape[0], z.shape[2], z.shape[3])


def passing(of):
    """The output of(z_e, z_q) and the gradients that a backward pass leaves."""

    def through(z_e, z_q, upstream):
        a, b = torch.empty_like(z_e).copy_(z_e), torch.empty_like(z_q).copy_(z_q)
        a.requires_grad_(), b.requires_grad_()
        output = of(a, b)
        (output * upstream).sum().backward()
        return [output.detach()] + [
            torch.zeros_like(x) if x.grad is None else x.grad for x in (a, b)
        ]

    return through


class Snap(torch.autograd.Function):
    """The straight-through trick as a function with a backward of its own."""

    @staticmethod
    def forward(context, z_e, z_q):
        return z_q.clone()

    @staticmethod
    def backward(context, upstream):
        return upstream, None


def pull(share_q, share_e, number=None):
    """Gradients by hand: the mean of squares has 2 · difference / how many."""

    def both(z_e, z_q, beta):
        d = z_e - z_q
        n, b = d.numel(), beta
        loss = (share_q(b) + share_e(b)) * d.pow(2).mean() if number is None else number(d, b)
        return loss, share_e(b) * 2 * d / n, -share_q(b) * 2 * d / n

    return both


def follow(counts, sums, z, indices, decay):
    """Right, code by code."""
    new_counts, new_sums = counts.clone(), sums.clone()
    for k in range(len(counts)):
        mine = z[indices == k]
        new_counts[k] = decay * counts[k] + (1 - decay) * len(mine)
        new_sums[k] = decay * sums[k] + (1 - decay) * mine.sum(0)
    return [new_counts, new_sums, new_sums / new_counts.unsqueeze(1)]


def follow_by_index_add(counts, sums, z, indices, decay, share=None, last="", mean=False):
    share = 1 - decay if share is None else share
    n = torch.zeros_like(counts).index_add_(0, indices, torch.ones_like(z[:, 0]))
    if last:
        s = torch.zeros_like(sums)
        for i, k in enumerate(indices.tolist()):
            s[k] = z[i]
        if last == "both":
            n.clamp_(max=1)
    else:
        s = torch.zeros_like(sums).index_add_(0, indices, z)
    if mean:
        s = s / n.clamp_min(1)[:, None]
    new_counts, new_sums = counts * decay + n * share, sums * decay + s * share
    return new_counts, new_sums, new_sums / new_counts[:, None]


def follow_used(counts, sums, z, indices, decay):
    new_counts, new_sums, _ = follow(counts, sums, z, indices, decay)
    idle = [k for k in range(len(counts)) if k not in indices.tolist()]
    new_counts[idle], new_sums[idle] = counts[idle], sums[idle]
    return new_counts, new_sums, new_sums / new_counts[:, None]


def follow_means(counts, sums, z, indices, decay):
    new_counts, new_sums, _ = follow(counts, sums, z, indices, decay)
    codebook = sums / counts[:, None]
    for k in set(indices.tolist()):
        codebook[k] = codebook[k] * decay + z[indices == k].mean(0) * (1 - decay)
    return new_counts, new_sums, codebook


def shares(indices, codes=None):
    """The shares of those codes that occur."""
    return indices.unique(return_counts=True)[1] / indices.numel()


def bits(indices, codes=None):
    p = shares(indices)
    return -(p * p.log2()).sum()


def digits_by_loops(z, levels, squash=math.tanh, fit=round, worth=None, scale=None, low=None):
    """Right, number by number."""
    values, numbers = torch.empty_like(z), []
    for i, row in enumerate(z.tolist()):
        number, place = 0, 1
        for j, (x, level) in enumerate(zip(row, levels, strict=True)):
            half = (level - 1) // 2
            whole = fit(half * squash(x))
            values[i, j] = whole / half if scale is None else whole / scale
            number += int(whole + (half if low is None else low)) * (
                place if worth is None else worth(levels, j)
            )
            place *= level
        numbers.append(number)
    return values, torch.tensor(numbers)


def digits_by_columns(half_of):
    def quantise(z, levels):
        whole, number, place = torch.empty_like(z), 0, 1
        for j, level in enumerate(levels):
            whole[:, j] = torch.round(half_of(level) * torch.tanh(z[:, j]))
            number = number + (whole[:, j] + half_of(level)) * place
            whole[:, j] /= half_of(level)
            place *= level
        return whole, number.long()

    return quantise


def balance(weigh, cut=lambda w, limit: w.clamp(0, limit), graph=False, add=None):
    """`weigh(length of rec's gradient, length of gan's)`; the gradient through a vector weight."""

    def weighted(last, discriminator, features, target, limit):
        picture = features @ last.weight.T + last.bias
        losses = (picture - target).pow(2).mean(), discriminator(picture).mean().neg()
        rec, gan = (
            torch.autograd.grad(x, last.weight, retain_graph=True, create_graph=graph)[0]
            for x in losses
        )
        w = cut(weigh(rec, gan, *losses), limit)
        total = losses[0] + w * losses[1] if add is None else add(*losses, w)
        return w.detach(), torch.autograd.grad(total, last.weight)[0]

    return weighted


def length(x):
    return torch.linalg.vector_norm(x)


def published(rec, gan, *losses):
    return length(rec) / (length(gan) + 1e-4)


def unclamped(w, limit):
    return w.detach()


def balance_by_parts(last, discriminator, features, target, limit):
    """Right: the two gradients are added up as they are."""
    picture = last(features)
    (rec,) = torch.autograd.grad(F.mse_loss(picture, target), last.weight, retain_graph=True)
    (gan,) = torch.autograd.grad(-discriminator(picture).mean(), last.weight)
    w = min(limit, float(rec.norm()) / (float(gan.norm()) + 1e-4))
    return rec.new_tensor(w), rec + w * gan


def flat(gradients):
    return torch.cat([g.flatten() for g in gradients])


def wish(decoder, discriminator, z_q, real, hear=lambda fake: fake):
    fake = decoder(z_q)
    return (fake - real).pow(2).mean() - discriminator(hear(fake)).mean()


def judge(decoder, discriminator, z_q, real, hear=Tensor.detach, tell=lambda logits: logits):
    r, f = discriminator(real), tell(discriminator(hear(decoder(z_q))))
    return F.relu(1 - r).mean() + F.relu(1 + f).mean()


def as_is(x):
    return x


def each_its_own(decoder, discriminator, z_q, real):
    """Right: only the gradients that are wanted are worked out at all."""
    networks = decoder, discriminator
    of = [wish(*networks, z_q, real), judge(*networks, z_q, real, as_is)]
    return [
        flat(torch.autograd.grad(loss, list(n.parameters())))
        for loss, n in zip(of, networks, strict=True)
    ]


def one_after_the_other(first=as_is, second=Tensor.detach, tell=as_is, clear=1):
    """backward twice; `clear`: 0 nobody's gradients in between, 1 the judge's, 2 all."""

    def both(decoder, discriminator, z_q, real):
        for network in (decoder, discriminator):
            network.zero_grad()
        wish(decoder, discriminator, z_q, real, first).backward()
        for network in [discriminator, decoder][:clear]:
            network.zero_grad()
        judge(decoder, discriminator, z_q, real, second, tell).backward()
        return [
            flat(torch.zeros_like(p) if p.grad is None else p.grad for p in n.parameters())
            for n in (decoder, discriminator)
        ]

    return both


def frozen_judge(decoder, discriminator, z_q, real):
    """Right: the discriminator has no gradients in the decoder's step, as in many codes."""
    decoder.zero_grad(), discriminator.zero_grad()
    discriminator.requires_grad_(False)
    wish(decoder, discriminator, z_q, real).backward()
    discriminator.requires_grad_(True)
    judge(decoder, discriminator, z_q, real).backward()
    return [flat(p.grad for p in n.parameters()) for n in (decoder, discriminator)]


def predicting(inputs, wanted=as_is, total=torch.mean):
    """Cross-entropy by the logarithm of softmax."""

    def loss(prior, codes, start):
        logs = prior(inputs(codes, start)).log_softmax(-1)
        return -total(logs.gather(2, wanted(codes)[..., None]))

    return loss


def moved(codes, start):
    inputs = codes.roll(1, dims=1)
    inputs[:, 0] = start
    return inputs


def moved_by_pad(codes, start):
    return F.pad(codes[:, :-1], (1, 0), value=start)


def by_places(codes, logits, count, mask, sure=None, take=None, open_to=None, places=None):
    """Right, picture by picture with sorted lists."""
    sure = sure or (lambda row: row.softmax(-1).max())
    new = codes.clone()
    for b in range(len(codes)):
        where = [i for i in range(codes.shape[1]) if codes[b, i] == mask or open_to]
        where.sort(key=lambda i: -float(sure(logits[b, i])))
        for i in (take or (lambda x: x[:count]))(where):
            if codes[b, i] == mask or open_to == "overwrite":
                new[b, i] = logits[b, i].argmax()
    return new


def over_the_batch(codes, logits, count, mask):
    return by_places(codes.view(1, -1), logits.view(1, -1, logits.shape[2]), count, mask).view_as(
        codes
    )


def one_by_one(data, noise, t):
    """Right, with a loop over the batch."""
    points = [torch.lerp(n, d, float(s)) for d, n, s in zip(data, noise, t, strict=True)]
    return torch.stack(points), data - noise


def line(data, noise, t):
    share = t.reshape(len(t), *[1 for _ in data.shape[1:]])
    return noise + share * (data - noise), share


def steered(of, move=lambda x, v, dt: x + v * dt):
    def step(x, velocity, scale, dt):
        return move(x, of(velocity[: len(x)], velocity[len(x) :], scale), dt)

    return step


def unit(x, dim=1):
    return x / x.norm(dim=dim, keepdim=True)


def both_ways(images, texts, temperature):
    """Right, by softmax over rows and columns."""
    scores = torch.einsum("id,jd->ij", unit(images), unit(texts)) / temperature
    rows, columns = scores.log_softmax(1).diagonal(), scores.log_softmax(0).diagonal()
    return -(rows + columns).mean() / 2


def contrast(of=unit, axes=(0, 1), share=0.5, heat=lambda s, c: s / c, total=torch.mean):
    def loss(images, texts, temperature):
        scores = heat(of(images) @ of(texts).mT, temperature)
        return -share * sum(total(scores.log_softmax(axis).diagonal()) for axis in axes)

    return loss


RIGHT: dict[str, list[Answer]] = {
    "predict_codebook": [lambda: [1, 256, 10 / 256], lambda: torch.tensor([1.0, 256, 0.039])],
    "nearest_code": [by_loops(square), by_cdist],
    "straight_through": [
        passing(Snap.apply),
        passing(lambda e, q: q.detach() + e - e.detach()),
        lambda z_e, z_q, upstream: (z_q, upstream, torch.zeros_like(z_q)),
    ],
    "codebook_loss": [pull(lambda b: 1, lambda b: b)],
    "ema_update": [follow, follow_by_index_add],
    "predict_usage": [lambda: [2, 32], lambda: torch.tensor([2, 32])],
    "perplexity": [
        lambda indices, codes: 2 ** bits(indices),
        lambda indices, codes: shares(indices).pow(-shares(indices)).prod(),
        lambda indices, codes: (  # with the usual small number
            -(p := torch.bincount(indices.view(-1), minlength=codes) / indices.numel())
            @ (p + 1e-10).log()
        ).exp(),
    ],
    "fsq": [digits_by_loops, digits_by_columns(lambda level: level // 2)],
    "weighted_gradient": [balance_by_parts, balance(published, lambda w, c: w.clip(0, c).detach())],
    "both_gradients": [each_its_own, one_after_the_other(), frozen_judge],
    "prior_loss": [predicting(moved), predicting(moved_by_pad)],
    "keep_surest": [by_places],
    "flow_pair": [one_by_one, lambda d, n, t: (line(d, n, t)[0], d - n)],
    "guided_step": [
        steered(lambda words, empty, scale: (1 - scale) * empty + scale * words),
        steered(lambda words, empty, scale: torch.lerp(empty, words, scale)),
    ],
    "contrastive_loss": [both_ways, contrast()],
    "predict_processes": [lambda: [4, 3.5], lambda: np.array([4.0, 112 / 32])],
}

WRONG: dict[str, list[tuple[str, Answer]]] = {
    "predict_codebook": [
        ("one-byte", lambda: (0.25, 256, 0.039)),
        ("bits-not-bytes", lambda: (8, 256, 0.039)),
        ("decimal", lambda: (1.05, 256, 0.039)),
        ("one-side", lambda: (1, 16, 0.039)),
        ("a-code-per-pixel", lambda: (1, 65536, 0.039)),
        ("shrunk-once", lambda: (1, 4096, 0.039)),
        ("bits-of-a-code", lambda: (1, 256, 10)),
        ("vector-sent", lambda: (1, 256, 32)),
        ("whole-book", lambda: (1, 256, 4)),
        ("count", lambda: (1, 256)),
    ],
    "nearest_code": [
        ("misread", cut_across),
        ("farthest", by_loops(lambda z, e: -square(z, e))),
        ("dot-product", by_loops(lambda z, e: -(z @ e))),
        ("cosine", by_loops(lambda z, e: -(z @ e) / np.sqrt(e @ e))),
        ("sum-of-sizes", by_loops(lambda z, e: np.abs(z - e).sum())),
        ("plus-sign", by_loops(lambda z, e: square(z, -e))),
        ("one-row", lambda z, e: by_cdist(z, e).view(-1)),
        ("axes-swapped", lambda z, e: by_cdist(z, e).transpose(1, 2)),
        ("dtype", lambda z, e: by_cdist(z, e).float()),
        ("type", lambda z, e: by_cdist(z, e).numpy()),
        ("library", lambda z, e: vq(z, e)),  # noqa: F821
    ],
    "straight_through": [
        ("no-detach", passing(lambda e, q: e - (e - q))),
        ("only-code-detached", passing(lambda e, q: e - (e - q.detach()))),
        ("codebook-too", passing(lambda e, q: q + (e - e.detach()))),
        ("sign", passing(lambda e, q: q.detach() - (e - e.detach()))),
        ("not-quantised", passing(lambda e, q: e)),
        ("added", passing(lambda e, q: e + q.detach())),
        ("encoder-detached", passing(lambda e, q: e.detach() + (q - q.detach()))),
        ("error", passing(lambda e, q: q.detach())),
        ("count", lambda e, q, up: (q, up)),
    ],
    "codebook_loss": [
        ("beta-on-codebook", pull(lambda b: b, lambda b: 1)),
        ("no-beta", pull(lambda b: 1, lambda b: 1)),
        ("beta-on-both", pull(lambda b: b, lambda b: b)),
        (
            "nothing-detached",
            pull(lambda b: 1 + b, lambda b: 1 + b, lambda d, b: (1 + b) * (d * d).mean()),
        ),
        ("codebook-only", pull(lambda b: 1, lambda b: 0)),
        ("commitment-only", pull(lambda b: 0, lambda b: b)),
        (
            "summed",
            lambda e, q, b: [
                x * (1 if i < 0 else e.numel())
                for i, x in enumerate(pull(lambda b: 1, lambda b: b)(e, q, b))
            ],
        ),
    ],
    "ema_update": [
        ("decay-swapped", lambda c, s, z, i, d: follow(c, s, z, i, 1 - d)),
        ("overwritten", lambda *args: follow_by_index_add(*args, last="sums")),
        ("overwritten", lambda *args: follow_by_index_add(*args, last="both")),
        ("mean-of-batch", lambda *args: follow_by_index_add(*args, mean=True)),
        ("only-used", follow_used),
        ("not-divided", lambda *args: [*follow(*args)[:2], follow(*args)[1]]),
        ("old-counts", lambda c, *args: [*(f := follow(c, *args))[:2], f[1] / c[:, None]]),
        ("mean-of-means", follow_means),
        ("added", lambda *args: follow_by_index_add(*args, share=1)),
        ("error", lambda c, s, z, i, d: follow(c + 0 * torch.bincount(i), s, z, i, d)),
        ("count", lambda *args: follow(*args)[2]),
        ("changed-input", lambda c, *args: [c.copy_((f := follow(c, *args))[0]), *f[1:]]),
    ],
    "predict_usage": [
        ("all", lambda: (32, 32)),
        ("half", lambda: (16, 32)),
        ("one", lambda: (1, 32)),
        ("none", lambda: (0, 32)),
        ("restart-is-no-help", lambda: (2, 2)),
        ("swapped", lambda: (32, 2)),
    ],
    "perplexity": [
        (
            "log-of-zero",
            lambda i, k: (
                -sum(p * p.log() for p in torch.bincount(i.view(-1), minlength=k) / i.numel())
            ).exp(),
        ),
        ("entropy", lambda i, k: bits(i) * math.log(2)),
        ("used-codes", lambda i, k: torch.tensor(float(len(i.unique())))),
        ("bases-mixed", lambda i, k: bits(i).exp()),
        ("bases-mixed", lambda i, k: (bits(i) * math.log(2)).exp2()),
        ("sign", lambda i, k: 1 / 2 ** bits(i)),
        ("per-picture", lambda i, k: sum(2 ** bits(one) for one in i) / len(i)),
        ("share-of-codes", lambda i, k: 2 ** bits(i) / k),
        ("type", lambda i, k: float(2 ** bits(i))),
        ("library", lambda i, k: torch.distributions.Categorical(shares(i)).perplexity()),
    ],
    "fsq": [
        ("no-tanh", lambda z, levels: digits_by_loops(z, levels, squash=float)),
        (
            "clamped",
            lambda z, levels: digits_by_loops(z, levels, squash=lambda x: max(-1, min(1, x))),
        ),
        (
            "rounded-first",
            lambda z, levels: digits_by_loops(z, levels, squash=lambda x: math.tanh(round(x))),
        ),
        ("floor", lambda z, levels: digits_by_loops(z, levels, fit=math.floor)),
        ("not-scaled-back", lambda z, levels: digits_by_loops(z, levels, scale=1)),
        ("negative-digits", lambda z, levels: digits_by_loops(z, levels, low=0)),
        (
            "places-too-great",
            lambda z, levels: digits_by_loops(
                z, levels, worth=lambda all, j: math.prod(all[: j + 1])
            ),
        ),
        (
            "places-reversed",
            lambda z, levels: digits_by_loops(
                z, levels, worth=lambda all, j: math.prod(all[j + 1 :])
            ),
        ),
        (
            "one-base",
            lambda z, levels: digits_by_loops(z, levels, worth=lambda all, j: all[j] ** j),
        ),
        ("digits-added", lambda z, levels: digits_by_loops(z, levels, worth=lambda all, j: 1)),
        ("one-level-too-many", digits_by_columns(lambda level: level // 2 + 1)),
        ("one-level-too-many", digits_by_columns(lambda level: level / 2)),
        ("count", lambda z, levels: digits_by_loops(z, levels)[0]),
        ("dtype", lambda z, levels: [(f := digits_by_loops(z, levels))[0], f[1].to(z)]),
        ("library", lambda z, levels: FSQ(levels)(z)),  # noqa: F821
    ],
    "weighted_gradient": [
        ("loose", balance(published, lambda w, c: w, graph=True)),
        ("not-detached", balance(published, graph=True)),
        ("not-clamped", balance(published, unclamped)),
        ("inverted", balance(lambda r, g, *of: length(g) / (length(r) + 1e-4))),
        ("of-losses", balance(lambda r, g, a, b: (a / (b.abs() + 1e-4)).detach())),
        ("squared", balance(lambda r, g, *of: r.pow(2).sum() / (g.pow(2).sum() + 1e-4))),
        ("no-epsilon", balance(lambda r, g, *of: length(r) / length(g))),
        ("everything-weighted", balance(published, add=lambda a, b, w: w * a + w * b)),
        ("no-adversary", balance(published, add=lambda a, b, w: a + w.detach() * b.item())),
        ("count", lambda *args: balance_by_parts(*args)[1]),
    ],
    "both_gradients": [
        ("not-detached", one_after_the_other(second=as_is)),
        ("decoder-detached", one_after_the_other(first=Tensor.detach)),
        ("decoder-detached", one_after_the_other(first=Tensor.detach, second=as_is)),
        ("logits-detached", one_after_the_other(tell=Tensor.detach)),
        ("all-cleared", one_after_the_other(clear=2)),
        ("all-cleared", one_after_the_other(clear=2, second=as_is)),
        ("not-cleared", one_after_the_other(clear=0)),
    ],
    "prior_loss": [
        ("leak", predicting(lambda codes, start: codes)),
        ("rolled", predicting(lambda codes, start: torch.cat([codes[:, -1:], codes[:, :-1]], 1))),
        ("future", predicting(lambda codes, start: F.pad(codes[:, 1:], (0, 1), value=start))),
        (
            "no-first-code",
            predicting(lambda codes, start: codes[:, :-1], lambda codes: codes[:, 1:]),
        ),
        (
            "not-shifted",
            predicting(lambda codes, start: F.pad(codes[:, 1:], (1, 0), value=start)),
        ),
        ("summed", predicting(moved, total=torch.sum)),
        ("pictures-shifted", predicting(lambda codes, start: torch.cat([codes[-1:], codes[:-1]]))),
        ("shape", lambda *args: predicting(moved)(*args)[None]),
    ],
    "keep_surest": [
        ("known-counted", lambda *args: by_places(*args, open_to="count")),
        ("known-overwritten", lambda *args: by_places(*args, open_to="overwrite")),
        ("least-sure", lambda *args: by_places(*args, sure=lambda row: -row.softmax(-1).max())),
        ("by-logit", lambda *args: by_places(*args, sure=lambda row: row.max())),
        ("all-at-once", lambda *args: by_places(*args, take=lambda where: where)),
        ("across-pictures", over_the_batch),
        ("across-pictures", lambda c, l, n, m: over_the_batch(c, l, n * len(c), m)),
        ("error", lambda c, l, n, m: by_places(c, l, c.float().topk(n).values.shape[1], m)),
        ("dtype", lambda *args: by_places(*args).double()),
    ],
    "flow_pair": [
        ("time-runs-back", lambda d, n, t: (line(n, d, t)[0], d - n)),
        ("time-runs-back", lambda d, n, t: (line(n, d, t)[0], n - d)),
        ("sign", lambda d, n, t: (line(d, n, t)[0], n - d)),
        ("time-along-columns", lambda d, n, t: ((1 - t) * n + t * d, d - n)),
        ("one-time", lambda d, n, t: (torch.lerp(n, d, float(t[0])), d - n)),
        ("what-is-left", lambda d, n, t: (line(d, n, t)[0], d - line(d, n, t)[0])),
        ("noise-wanted", lambda d, n, t: (line(d, n, t)[0], n)),
        ("data-wanted", lambda d, n, t: (line(d, n, t)[0], d)),
        ("count", lambda d, n, t: line(d, n, t)[0]),
    ],
    "guided_step": [
        ("halves-swapped", steered(lambda w, e, scale: scale * e + (1 - scale) * w)),
        ("one-too-many", steered(lambda w, e, scale: (1 + scale) * w - scale * e)),
        ("words-only", steered(lambda w, e, scale: w * scale)),
        ("difference-only", steered(lambda w, e, scale: scale * w - scale * e)),
        (
            "interleaved",
            lambda x, v, scale, dt: x + dt * torch.lerp(v[1::2], v[0::2], scale),
        ),
        ("backwards", steered(lambda w, e, s: torch.lerp(e, w, s), lambda x, v, dt: x - v * dt)),
        ("no-step", steered(lambda w, e, s: torch.lerp(e, w, s), lambda x, v, dt: v)),
        ("leap", steered(lambda w, e, s: torch.lerp(e, w, s), lambda x, v, dt: x + v)),
        ("shape", lambda x, v, scale, dt: torch.cat([x, x]) + dt * v),
    ],
    "contrastive_loss": [
        ("not-normalised", contrast(as_is)),
        ("wrong-axis", contrast(lambda x: unit(x, 0))),
        ("one-way", contrast(axes=(1,), share=1)),
        ("one-way", contrast(axes=(0,), share=1)),
        ("both-added", contrast(share=1)),
        ("times-temperature", contrast(heat=lambda s, c: s * c)),
        ("no-temperature", contrast(heat=lambda s, c: s)),
        ("pairs-only", lambda i, x, c: -F.cosine_similarity(i, x).mean() / c),
        ("summed", contrast(total=torch.sum)),
    ],
    "predict_processes": [
        ("counted-by-pictures", lambda: (3.5, 3.5)),
        ("always-the-same", lambda: (4, 4)),
        ("added", lambda: (8, 3.5)),
        ("swapped", lambda: (3.5, 4)),
        ("shares-swapped", lambda: (4, 4.5)),
    ],
}
# What is right, from the numbers alone
EXPECTED: dict[str, Callable[..., Any]] = {
    "predict_codebook": lambda k, d, side: (k * d / 2**18, side**2 / 256, math.log2(k) / 256),
    "predict_usage": lambda k: (2, k),
    "predict_processes": lambda a, b: (4, (3 * a + 5 * b) / (a + b)),
}
# A student's own numbers
THEIRS = {
    "predict_codebook": {"k": 512, "d": 512, "side": 128},
    "predict_usage": {"k": 16},
    "predict_processes": {"a": 48, "b": 12},
}
# Known mistakes that cannot cope with every case
UNABLE = {("flow_pair", "time-along-columns")}

LESSON = Exercises("03-vqgan", check.sheet, RIGHT, WRONG, EXPECTED, THEIRS, UNABLE)


class TestExercises(Proofs):
    lesson = LESSON


# ---- what the cards say --------------------------------------------------------------------------


def test_beta_on_the_wrong_term_leaves_the_loss_as_it_is() -> None:
    z_e, z_q, beta = torch.tensor([1.0]), torch.tensor([3.0]), 0.25
    right, wrong = (
        pull(*shares)(z_e, z_q, beta)
        for shares in ((lambda b: 1, lambda b: b), (lambda b: b, lambda b: 1))
    )
    assert right[0] == wrong[0] == 5
    assert (right[1].item(), right[2].item()) == (-1, 4)
    assert (wrong[1].item(), wrong[2].item()) == (-4, 1)
    assert [x.item() for x in check.codebook_loss.reference(z_e, z_q, beta)] == [5, -1, 4]


def test_a_prior_that_copies_scores_nothing_with_the_leak_alone() -> None:
    (_, prior, codes, start), *_ = check.prior_loss.cases()
    assert predicting(lambda codes, start: codes)(prior, codes, start) < 1e-4
    assert predicting(moved)(prior, codes, start) > 1


def test_the_leak_takes_away_what_the_discriminator_told_the_decoder() -> None:
    """Most of it cancels, within the hinge all of it."""
    for _, decoder, discriminator, z_q, real in check.both_gradients.cases():
        with torch.no_grad():
            discriminator[2].weight.mul_(1e-3)  # no place is beyond the hinge
            discriminator[2].bias.zero_()
        gradients = [
            play(decoder, discriminator, z_q, real)[0]
            for play in (
                one_after_the_other(second=as_is),
                one_after_the_other(first=Tensor.detach),
                one_after_the_other(),
            )
        ]
        assert torch.allclose(*gradients[:2], atol=1e-6)
        assert not torch.allclose(*gradients[1:], atol=1e-6)


def test_a_start_amid_the_vectors_needs_no_restart() -> None:
    """The other half of what the prediction says."""
    assert check._used(torch.linspace(0, 1, 32), restart=False) == 32
