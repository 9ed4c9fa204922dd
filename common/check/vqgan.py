"""The checks of lesson 03's exercises: cases, references and known mistakes."""

import contextlib
import copy
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from common.check import Case, Sheet
from common.lang import t

sheet = Sheet()
summary = sheet.summary
Function = Callable[..., Tensor]
Some = Callable[..., tuple[Tensor, ...]]


@contextlib.contextmanager
def _seeded(g: Generator) -> Iterator[None]:
    """Layers made here have weights from `g`; the learner's random numbers stay as they are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**31, (), generator=g)))
        yield


def _aside(wrong: Callable[..., Any]) -> Callable[..., Any]:
    """`wrong` with copies of its networks: it may leave gradients in them."""
    return lambda *arguments: wrong(*copy.deepcopy(arguments))


# ---- the codebook --------------------------------------------------------------------------------


@sheet.predict(
    title=lambda: t("Predict: what a codebook costs"),
    explain=lambda k, d, side: t(
        "{k} × {d} numbers of 4 bytes; ({side} / 16)² codes; and log₂ {k} bits for each code,"
        " spread over 16 × 16 pixels. The codebook is small. What costs time is the number of"
        " codes, for a prior looks at all their pairs",
        k=k,
        d=d,
        side=side,
    ),
    k=(256, 512, 1024),
    d=(128, 256, 512),
    side=(128, 256, 512),
)
def predict_codebook(k: int = 1024, d: int = 256, side: int = 256) -> tuple[float, float, float]:
    codes = torch.nn.Conv2d(1, 1, 16, 16, device="meta")(torch.empty(1, 1, side, side).to("meta"))
    bits = codes.numel() * (k - 1).bit_length() / side**2
    return k * d * torch.float32.itemsize / 2**20, codes.numel(), bits


def _costs(
    size: Callable[[int, int], float] = lambda k, d: k * d * 4 / 2**20,
    codes: Callable[[int], float] = lambda side: (side / 16) ** 2,
    bits: Callable[[int, int], float] = lambda k, d: math.log2(k) / 256,
) -> Callable[[int, int, int], tuple[float, float, float]]:
    return lambda k, d, side: (size(k, d), codes(side), bits(k, d))


predict_codebook.mistake(
    "one-byte",
    _costs(size=lambda k, d: k * d / 2**20),
    lambda: t("a float32 number takes four bytes"),
)
predict_codebook.mistake(
    "bits-not-bytes",
    _costs(size=lambda k, d: k * d * 32 / 2**20),
    lambda: t("a float32 number has 32 bits: that is four bytes"),
)
predict_codebook.mistake(
    "decimal",
    _costs(size=lambda k, d: k * d * 4 / 1e6),
    lambda: t("nearly: here a MB is 2²⁰ bytes"),
)
predict_codebook.mistake(
    "one-side",
    _costs(codes=lambda side: side / 16),
    lambda: t("that is the codes along one side; the picture has rows of them too"),
)
predict_codebook.mistake(
    "a-code-per-pixel",
    _costs(codes=lambda side: side**2),
    lambda: t("a code stands for a square of 16 × 16 pixels, not for one pixel"),
)
predict_codebook.mistake(
    "shrunk-once",
    _costs(codes=lambda side: side**2 / 16),
    lambda: t("each side shrinks 16-fold, so the area 256-fold"),
)
predict_codebook.mistake(
    "bits-of-a-code",
    _costs(bits=lambda k, d: math.log2(k)),
    lambda: t("that is the bits of one code; it covers 16 × 16 pixels"),
)
predict_codebook.mistake(
    "vector-sent",
    _costs(bits=lambda k, d: 32 * d / 256),
    lambda: t("only the code's number is stored: its vector is in the codebook, which both have"),
)
predict_codebook.mistake(
    "whole-book",
    _costs(bits=lambda k, d: k / 256),
    lambda: t("to tell K codes apart takes log₂ K bits, not K"),
)


def _nearest(distance: Function) -> Function:
    """The code with the smallest `distance(z [N, 1, d], codebook [K, d]) -> [N, K]`."""

    def nearest(z: Tensor, codebook: Tensor) -> Tensor:
        rows = z.permute(0, 2, 3, 1)
        return distance(rows[..., None, :], codebook).argmin(-1)

    return nearest


def _squares(z: Tensor, codebook: Tensor) -> Tensor:
    return (z - codebook).square().sum(-1)


def _misread(z: Tensor, codebook: Tensor) -> Tensor:
    rows = z.reshape(-1, 1, z.shape[1])  # memory in the order of the channels
    return _squares(rows, codebook).argmin(-1).view(len(z), *z.shape[2:])


@sheet.exercise(
    _nearest(_squares),
    title=lambda: t("Write: the nearest code"),
    library=("VectorQuantize", "vq", "Quantizer"),
)
def nearest_code(g: Generator) -> Iterator[Case]:
    def case(batch: int, d: int, h: int, w: int, k: int, **kind: torch.dtype) -> list:
        spread = 0.3 + 2 * torch.rand(k, 1, generator=g, **kind)  # long and short codes
        codebook = spread * torch.randn(k, d, generator=g, **kind)
        return [torch.randn(batch, d, h, w, generator=g, **kind), codebook]

    z = torch.tensor([[[[1.0, 2.0]], [[0.2, 0.0]]]])  # the vectors (1, 0.2) and (2, 0)
    yield t("with two vectors and three codes"), z, torch.tensor([[5.0, 5], [1, 0], [2, 1]])
    yield t("with three pictures of 5×4 vectors"), *case(3, 3, 5, 4, 7)
    yield t("with one vector"), *case(1, 6, 1, 1, 9)
    yield t("with as many codes as channels"), *case(2, 5, 3, 3, 5)
    yield t("with float64"), *case(2, 2, 2, 6, 16, dtype=torch.float64)


nearest_code.mistake(
    "misread",
    _misread,
    lambda: t(
        "reshape cuts the numbers in the order in which they lie in memory, channel by channel:"
        " bring the channels to the end first, permute(0, 2, 3, 1)"
    ),
)
nearest_code.mistake(
    "farthest",
    _nearest(lambda z, codebook: -_squares(z, codebook)),
    lambda: t("this is the farthest code: argmin, not argmax"),
)
nearest_code.mistake(
    "dot-product",
    _nearest(lambda z, codebook: -(z * codebook).sum(-1)),
    lambda: t(
        "the greatest dot product favours long codes: the squared distance has ‖e‖² in it too"
    ),
)
nearest_code.mistake(
    "cosine",
    _nearest(lambda z, codebook: -F.cosine_similarity(z, codebook, dim=-1)),
    lambda: t("this compares directions only; here the lengths count too"),
)
nearest_code.mistake(
    "sum-of-sizes",
    _nearest(lambda z, codebook: (z - codebook).abs().sum(-1)),
    lambda: t("these are sums of the sizes of the differences; squares are wanted"),
)
nearest_code.mistake(
    "plus-sign",
    _nearest(lambda z, codebook: (z + codebook).square().sum(-1)),
    lambda: t("a sign is wrong: ‖z − e‖² = ‖z‖² − 2 z·e + ‖e‖²"),
)
nearest_code.mistake(
    "one-row",
    lambda z, codebook: _nearest(_squares)(z, codebook).flatten(),
    lambda: t("the numbers are right; give them the places of their vectors again: [B, h, w]"),
)
nearest_code.mistake(
    "axes-swapped",
    lambda z, codebook: _nearest(_squares)(z, codebook).mT,
    lambda: t("the rows and columns of places are swapped"),
)


def _through(output_of: Callable[[Tensor, Tensor], Tensor]) -> Some:
    """What goes on to the decoder, and the gradients that reach z_e and z_q."""

    def through(z_e: Tensor, z_q: Tensor, upstream: Tensor) -> tuple[Tensor, ...]:
        z_e, z_q = (z.detach().clone().requires_grad_() for z in (z_e, z_q))
        output = output_of(z_e, z_q)
        both = torch.autograd.grad(output, (z_e, z_q), upstream, materialize_grads=True)
        return output.detach(), *both

    return through


@sheet.exercise(
    _through(lambda z_e, z_q: z_e + (z_q - z_e).detach()),
    title=lambda: t("Find the bug: the encoder learns nothing"),
    planted="no-detach",
)
def straight_through(g: Generator) -> Iterator[Case]:
    def case(*shape: int, **kind: torch.dtype) -> list:
        return list(torch.randn(3, *shape, generator=g, **kind))

    one = [torch.tensor([[0.4, 1.1]]), torch.tensor([[0.0, 1.0]]), torch.tensor([[2.0, -1.0]])]
    yield t("with one vector"), *one
    yield t("with three vectors of five numbers"), *case(3, 5)
    yield t("with two pictures of 4×3 vectors"), *case(2, 6, 4, 3)
    yield t("with float64"), *case(4, 2, dtype=torch.float64)


straight_through.mistake(
    "no-detach",
    _through(lambda z_e, z_q: z_e + (z_q - z_e)),
    lambda: t(
        "the decoder gets the code, but the gradient that reaches the encoder is 0, and the"
        " codebook gets what was meant for the encoder"
    ),
)
straight_through.mistake(
    "only-code-detached",
    _through(lambda z_e, z_q: z_e + (z_q.detach() - z_e)),
    lambda: t(
        "the codebook is left alone now; but z_e comes once with + and once with −, so its gradient"
        " is still 0: the z_e in the bracket needs detach too"
    ),
)
straight_through.mistake(
    "codebook-too",
    _through(lambda z_e, z_q: z_q + z_e - z_e.detach()),
    lambda: t(
        "the encoder has its gradient now; but the code has it too: the codebook learns from its"
        " own loss"
    ),
)
straight_through.mistake(
    "sign",
    _through(lambda z_e, z_q: z_q.detach() + z_e.detach() - z_e),
    lambda: t("the encoder gets the gradient with the wrong sign"),
)
straight_through.mistake(
    "not-quantised",
    _through(lambda z_e, z_q: z_e + 0 * z_q.detach()),
    lambda: t("the gradient is right, but the decoder gets the vector as it was, not the code"),
)
straight_through.mistake(
    "added",
    _through(lambda z_e, z_q: z_e + z_q.detach()),
    lambda: t("the decoder is to get z_q alone: take away the z_e that you add, without gradient"),
)
straight_through.mistake(
    "encoder-detached",
    _through(lambda z_e, z_q: z_q + (z_e - z_q).detach()),
    lambda: t("here the vector goes on, and the gradient goes to the code: the wrong way round"),
)


def _codebook_loss(
    codebook: Callable[[float], float],
    commitment: Callable[[float], float],
    detach: Function = Tensor.detach,
    size: Callable[[Tensor], Tensor] = lambda squares: squares.mean(),
) -> Some:
    """The loss with these shares of the two terms, and its gradients at z_e and z_q."""

    def both(z_e: Tensor, z_q: Tensor, beta: float) -> tuple[Tensor, ...]:
        z_e, z_q = (z.detach().clone().requires_grad_() for z in (z_e, z_q))
        loss = codebook(beta) * size((z_q - detach(z_e)).square())
        loss = loss + commitment(beta) * size((z_e - detach(z_q)).square())
        gradients = torch.autograd.grad(loss, (z_e, z_q), materialize_grads=True)
        return loss.detach(), *gradients

    return both


def _one(beta: float) -> float:
    return 1.0


def _beta(beta: float) -> float:
    return beta


def _none(beta: float) -> float:
    return 0.0


@sheet.exercise(
    _codebook_loss(_one, _beta),
    title=lambda: t("Find the bug: β on the wrong term"),
    planted="beta-on-codebook",
)
def codebook_loss(g: Generator) -> Iterator[Case]:
    def case(rows: int, d: int, beta: float, **kind: torch.dtype) -> list:
        return [*torch.randn(2, rows, d, generator=g, **kind), beta]

    yield t("with one number and β = 0.25"), torch.tensor([[1.0]]), torch.tensor([[3.0]]), 0.25
    yield t("with four vectors of three numbers"), *case(4, 3, 0.25)
    yield t("with β = 2"), *case(3, 5, 2.0)
    yield t("with float64"), *case(5, 2, 0.1, dtype=torch.float64)


codebook_loss.mistake(
    "beta-on-codebook",
    _codebook_loss(_beta, _one),
    lambda: t(
        "the loss is the right number, and both gradients are wrong: the code should move with"
        " weight 1 and the encoder with β; here it is the other way round"
    ),
)
codebook_loss.mistake(
    "no-beta",
    _codebook_loss(_one, _one),
    lambda: t("β is missing: it weighs the commitment term"),
)
codebook_loss.mistake(
    "beta-on-both",
    _codebook_loss(_beta, _beta),
    lambda: t("β weighs the commitment term alone; the codebook term has weight 1"),
)
codebook_loss.mistake(
    "nothing-detached",
    _codebook_loss(_one, _beta, detach=lambda x: x),
    lambda: t(
        "nothing is detached: each term now pulls both ways, and β no longer says who moves how far"
    ),
)
codebook_loss.mistake(
    "codebook-only",
    _codebook_loss(_one, _none),
    lambda: t("the commitment term is missing: nothing keeps the encoder near its codes"),
)
codebook_loss.mistake(
    "commitment-only",
    _codebook_loss(_none, _beta),
    lambda: t("the codebook term is missing: the codes never move"),
)
codebook_loss.mistake(
    "summed",
    _codebook_loss(_one, _beta, size=lambda squares: squares.sum()),
    lambda: t("these are sums; the mean over all numbers was right"),
)


def _ema(
    new: Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]] | None = None,
    mix: Callable[[Tensor, Tensor, float], Tensor] = lambda old, new, decay: (
        decay * old + (1 - decay) * new
    ),
    codebook: Callable[..., Tensor] = lambda counts, sums, *before: sums / counts[:, None],
) -> Some:
    """An update of counts and sums, and the codebook that follows from it."""

    def update(
        counts: Tensor, sums: Tensor, z: Tensor, indices: Tensor, decay: float
    ) -> tuple[Tensor, ...]:
        n, s = (new or _totals)(z, indices, len(counts))
        own_counts, own_sums = mix(counts, n, decay), mix(sums, s, decay)
        return own_counts, own_sums, codebook(own_counts, own_sums, counts, sums, n, s, decay)

    return update


def _totals(z: Tensor, indices: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """How many vectors chose each code [K], and their sum [K, d]."""
    chosen = F.one_hot(indices, k).to(z)
    return chosen.sum(0), chosen.T @ z


def _overwritten(z: Tensor, indices: Tensor, k: int) -> tuple[Tensor, Tensor]:
    counts, sums = z.new_zeros(k), z.new_zeros(k, z.shape[1])
    counts[indices] += 1
    for row, i in zip(z, indices.tolist(), strict=True):  # what sums[indices] += z comes to
        sums[i] = row
    return counts, sums


def _sums_overwritten(z: Tensor, indices: Tensor, k: int) -> tuple[Tensor, Tensor]:
    return _totals(z, indices, k)[0], _overwritten(z, indices, k)[1]


def _means(z: Tensor, indices: Tensor, k: int) -> tuple[Tensor, Tensor]:
    counts, sums = _totals(z, indices, k)
    return counts, sums / counts[:, None].clamp(min=1)


def _only_used(old: Tensor, new: Tensor, decay: float) -> Tensor:
    used = new.abs().reshape(len(new), -1).sum(1) > 0
    return torch.where(used.view(-1, *[1] * (old.ndim - 1)), decay * old + (1 - decay) * new, old)


def _drifting(counts: Tensor, sums: Tensor, *before: Any) -> Tensor:
    """An average of means, which forgets how many vectors each mean was of."""
    old_counts, old_sums, n, s, decay = before
    old, new = old_sums / old_counts[:, None], s / n[:, None].clamp(min=1)
    return torch.where(n[:, None] > 0, decay * old + (1 - decay) * new, old)


@sheet.exercise(_ema(), title=lambda: t("Write: a codebook that follows its vectors"))
def ema_update(g: Generator) -> Iterator[Case]:
    def case(rows: int, d: int, k: int, decay: float, unused: int = 0, **kind: torch.dtype) -> list:
        counts = 0.5 + 3 * torch.rand(k, generator=g, **kind)
        sums, z = (torch.randn(n, d, generator=g, **kind) for n in (k, rows))
        return [counts, sums, z, torch.randint(k - unused, (rows,), generator=g), decay]

    first = [torch.tensor([2.0, 1]), torch.tensor([[2.0], [5]]), torch.tensor([[4.0], [6], [8]])]
    yield t("with three vectors, two of one code"), *first, torch.tensor([0, 0, 1]), 0.5
    # the last one, so that a count without minlength comes out too short
    yield t("with a code that nobody chose"), *case(3, 2, 5, 0.9, unused=1)
    yield t("with forty vectors and four codes"), *case(40, 3, 4, 0.8)
    yield t("with float64"), *case(9, 4, 4, 0.99, dtype=torch.float64)


ema_update.mistake(
    "decay-swapped",
    _ema(mix=lambda old, new, decay: (1 - decay) * old + decay * new),
    lambda: t("decay is the share of the old that stays, 1 − decay what the batch brings"),
)
for _lost in (_overwritten, _sums_overwritten):
    ema_update.mistake(
        "overwritten",
        _ema(new=_lost),
        lambda: t(
            "where several vectors chose the same code, only one of them counts: x[indices] += …"
            " adds once for each place; index_add adds all"
        ),
    )
ema_update.mistake(
    "mean-of-batch",
    _ema(new=_means),
    lambda: t("the sums take up the sum of the batch's vectors, not their mean"),
)
ema_update.mistake(
    "only-used",
    _ema(mix=_only_used),
    lambda: t(
        "a code that nobody chose is to decay too: that is how one sees later that it is dead"
    ),
)
ema_update.mistake(
    "not-divided",
    _ema(codebook=lambda counts, sums, *before: sums),
    lambda: t("a code is a mean: the sums divided by the counts"),
)
ema_update.mistake(
    "old-counts",
    _ema(codebook=lambda counts, sums, old, *before: sums / old[:, None]),
    lambda: t("divide the new sums by the new counts, not by the old ones"),
)
ema_update.mistake(
    "mean-of-means",
    _ema(codebook=_drifting),
    lambda: t(
        "you average the codes themselves: then a batch with one vector counts as much as one with"
        " a hundred. Average counts and sums, and divide at the end"
    ),
)
ema_update.mistake(
    "added",
    _ema(mix=lambda old, new, decay: decay * old + new),
    lambda: t("the batch comes in with the weight 1 − decay"),
)


def _used(start: Tensor, restart: bool) -> float:
    """How many of the codes [K] are used after k-means steps over 100 numbers from 0 to 1."""
    z, codes = torch.linspace(0, 1, 100), start.clone()
    for _ in range(60):
        distances = (z[:, None] - codes).abs()
        indices = distances.argmin(1)
        counts, sums = _totals(z[:, None], indices, len(codes))
        codes = torch.where(counts > 0, sums[:, 0] / counts.clamp(min=1), codes)
        if restart and (dead := counts == 0).any():
            far = (z - codes[indices]).abs().argsort(descending=True)
            codes[dead] = z[far[: int(dead.sum())]]
    return float(len(indices.unique()))


@sheet.predict(
    title=lambda: t("Predict: how many codes are used"),
    explain=lambda k: t(
        "only the code nearest to the vectors on either side wins any. A code that wins none never"
        " moves, so {rest} of {k} stay dead for ever, however long the training. A restart sets"
        " each of them down among the vectors",
        k=k,
        rest=k - 2,
    ),
    k=(8, 16, 32, 64),
)
def predict_usage(k: int = 32) -> tuple[float, float]:
    out = torch.arange(10.0, 10 + k // 2)
    start = torch.cat([-out, 1 + out])
    return _used(start, restart=False), _used(start, restart=True)


predict_usage.mistake(
    "all",
    lambda k: (k, k),
    lambda: t("a code moves only if it is the nearest to some vector; most of them never are"),
)
predict_usage.mistake(
    "half",
    lambda k: (k / 2, k),
    lambda: t("the codes of a side stand one behind the other: only the front one is nearest"),
)
predict_usage.mistake(
    "one",
    lambda k: (1, k),
    lambda: t("one for each side: the vectors on the right are nearer to the codes on the right"),
)
predict_usage.mistake(
    "none",
    lambda k: (0, k),
    lambda: t("every vector chooses some code, however far it is: the nearest"),
)
predict_usage.mistake(
    "restart-is-no-help",
    lambda: (2, 2),
    lambda: t("a restarted code lies on a vector, so at least that vector chooses it"),
)
predict_usage.mistake(
    "swapped",
    lambda k: (k, 2),
    lambda: t("the other way round: first without the restart, then with it"),
)


def _shares(indices: Tensor, codes: int) -> Tensor:
    return torch.bincount(indices.flatten(), minlength=codes) / indices.numel()


def _entropy(indices: Tensor, codes: int) -> Tensor:
    return torch.special.entr(_shares(indices, codes)).sum()


@sheet.exercise(
    lambda indices, codes: _entropy(indices, codes).exp(),
    title=lambda: t("Write: perplexity"),
    library=("Categorical", "usage"),
)
def perplexity(g: Generator) -> Iterator[Case]:
    def case(batch: int, h: int, w: int, codes: int, used: int) -> list:
        return [torch.randint(used, (batch, h, w), generator=g), codes]

    yield t("with half of the places on one code"), torch.tensor([[[0, 0], [1, 2]]]), 3
    yield t("with one code used of eight"), torch.full((1, 2, 2), 3), 8
    yield t("with all of four codes used alike"), torch.arange(4).view(1, 2, 2), 4
    yield t("with three pictures of 5×4 codes"), *case(3, 5, 4, 9, 9)
    yield t("with codes that nobody uses"), *case(2, 4, 4, 64, 11)


perplexity.mistake(
    "log-of-zero",
    lambda indices, codes: (-(_shares(indices, codes) * _shares(indices, codes).log()).sum()).exp(),
    lambda: t(
        "0 · log 0 is nan: a code that nobody uses is to add 0. torch.special.entr(p) does it, or"
        " leave those codes out"
    ),
)
perplexity.mistake(
    "entropy",
    _entropy,
    lambda: t("this is the entropy; the perplexity is exp of it, a number of codes"),
)
perplexity.mistake(
    "used-codes",
    lambda indices, codes: (_shares(indices, codes) > 0).float().sum(),
    lambda: t("you count the codes that are used at all; a code used once counts as much then"),
)
perplexity.mistake(
    "bases-mixed",
    lambda indices, codes: (_entropy(indices, codes) / math.log(2)).exp(),
    lambda: t("log₂ goes with 2 to the power, the natural log with exp: two bases are mixed"),
)
perplexity.mistake(
    "bases-mixed",
    lambda indices, codes: 2 ** _entropy(indices, codes),
    lambda: t("log₂ goes with 2 to the power, the natural log with exp: two bases are mixed"),
)
perplexity.mistake(
    "sign",
    lambda indices, codes: (-_entropy(indices, codes)).exp(),
    lambda: t("the minus sign of −Σ p log p is lost"),
)
perplexity.mistake(
    "per-picture",
    lambda indices, codes: torch.stack([_entropy(one, codes).exp() for one in indices]).mean(),
    lambda: t("count over the whole batch first: one picture alone cannot use many codes"),
)
perplexity.mistake(
    "share-of-codes",
    lambda indices, codes: _entropy(indices, codes).exp() / codes,
    lambda: t("do not divide by the number of codes: the perplexity is itself a number of codes"),
)


def _fsq(
    bound: Callable[[Tensor, Tensor], Tensor] = lambda z, half: half * z.tanh(),
    snap: Function = torch.round,
    half_of: Callable[[Tensor], Tensor] = lambda levels: (levels - 1) / 2,
    place: Callable[[list[int]], list[int]] | None = None,
    value: Callable[[Tensor, Tensor], Tensor] = lambda whole, half: whole / half,
    digit: Callable[[Tensor, Tensor], Tensor] = lambda whole, half: whole + half,
) -> Some:
    def quantise(z: Tensor, levels: Sequence[int]) -> tuple[Tensor, Tensor]:
        half = half_of(torch.tensor(levels, dtype=z.dtype))
        whole = snap(bound(z, half))
        places = torch.tensor((place or _places)(list(levels)), dtype=z.dtype)
        return value(whole, half), (digit(whole, half) * places).sum(1).long()

    return quantise


def _places(levels: list[int]) -> list[int]:
    """What a step in each place of the number is worth: 1, L₁, L₁·L₂, …"""
    return [math.prod(levels[:i]) for i in range(len(levels))]


@sheet.exercise(_fsq(), title=lambda: t("Write: quantisation without a codebook"), library=("FSQ",))
def fsq(g: Generator) -> Iterator[Case]:
    def case(rows: int, *levels: int, **kind: torch.dtype) -> list:
        return [2 * torch.randn(rows, len(levels), generator=g, **kind), list(levels)]

    yield t("with one vector and the levels 3, 5"), torch.tensor([[-3.0, 0.7]]), [3, 5]
    yield t("with the levels 7, 5, 3"), *case(12, 7, 5, 3)
    yield t("with one number"), *case(20, 9)
    yield t("with numbers far from 0"), torch.tensor([[40.0, -40, 0, 25]]), [5, 3, 3, 7]
    yield t("with float64"), *case(8, 5, 5, 9, dtype=torch.float64)


fsq.mistake(
    "no-tanh",
    _fsq(bound=lambda z, half: half * z),
    lambda: t("without tanh the numbers leave their levels: the result should stay in −1 … 1"),
)
fsq.mistake(
    "clamped",
    _fsq(bound=lambda z, half: half * z.clamp(-1, 1)),
    lambda: t("bound the numbers with tanh, not with clamp: outside clamp has no gradient at all"),
)
fsq.mistake(
    "rounded-first",
    _fsq(bound=lambda z, half: half * z.round().tanh()),
    lambda: t("first tanh, then spread to the levels, and round at the end"),
)
fsq.mistake(
    "floor",
    _fsq(snap=torch.floor),
    lambda: t("round to the nearest level; floor always goes down"),
)
fsq.mistake(
    "one-level-too-many",
    _fsq(half_of=lambda levels: levels // 2 + 1),
    lambda: t("L levels lie between −(L−1)/2 and (L−1)/2"),
)
fsq.mistake(
    "one-level-too-many",
    _fsq(half_of=lambda levels: levels / 2),
    lambda: t("L levels lie between −(L−1)/2 and (L−1)/2"),
)
fsq.mistake(
    "not-scaled-back",
    _fsq(value=lambda whole, half: whole),
    lambda: t("divide by (L−1)/2 at the end, so that the decoder gets numbers from −1 to 1"),
)
fsq.mistake(
    "negative-digits",
    _fsq(digit=lambda whole, half: whole),
    lambda: t("the digits run from 0 to L − 1: add (L−1)/2 before you put the number together"),
)
fsq.mistake(
    "places-reversed",
    _fsq(place=lambda levels: _places(levels[::-1])[::-1]),
    lambda: t("the first number counts the ones; you began at the other end"),
)
fsq.mistake(
    "places-too-great",
    _fsq(place=lambda levels: [math.prod(levels[: i + 1]) for i in range(len(levels))]),
    lambda: t("the first digit is worth 1, the second L₁: you begin with L₁"),
)
fsq.mistake(
    "one-base",
    _fsq(place=lambda levels: [level**i for i, level in enumerate(levels)]),
    lambda: t("a place is worth the product of the levels before it, not a power of its own level"),
)
fsq.mistake(
    "digits-added",
    _fsq(place=lambda levels: [1] * len(levels)),
    lambda: t("you add the digits; then different codes get the same number"),
)


# ---- the adversary -------------------------------------------------------------------------------


def _norm(x: Tensor) -> Tensor:
    return x.square().sum().sqrt()


def _weighted(
    detached: bool = True,
    clamped: bool = True,
    ratio: Callable[..., Tensor] = lambda of_rec, of_gan, *losses: (
        _norm(of_rec) / (_norm(of_gan) + 1e-4)
    ),
    total: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda rec, gan, weight: rec + weight * gan,
) -> Some:
    def weighted(
        last: nn.Module, discriminator: nn.Module, features: Tensor, target: Tensor, limit: float
    ) -> tuple[Tensor, Tensor]:
        picture = last(features)
        rec, gan = (picture - target).square().mean(), -discriminator(picture).mean()
        of_rec, of_gan = (
            torch.autograd.grad(loss, last.weight, create_graph=True)[0] for loss in (rec, gan)
        )
        weight = ratio(of_rec, of_gan, rec, gan)
        if clamped:
            weight = weight.clamp(0, limit)
        if detached:
            weight = weight.detach()
        (gradient,) = torch.autograd.grad(total(rec, gan, weight), last.weight)
        return weight.detach(), gradient

    return weighted


@sheet.exercise(
    _weighted(),
    title=lambda: t("Find the bugs: a weight that runs away"),
    planted="loose",
)
def weighted_gradient(g: Generator) -> Iterator[Case]:
    def case(
        batch: int, d: int, p: int, limit: float, strength: float = 1.0, **kind: torch.dtype
    ) -> list:
        with _seeded(g):
            last = nn.Linear(d, p, **kind)
            judge = nn.Sequential(nn.Linear(p, 6, **kind), nn.SiLU(), nn.Linear(6, 3, **kind))
        with torch.no_grad():
            judge[0].weight.mul_(2)
            judge[2].weight.mul_(strength)
        features = torch.randn(batch, d, generator=g, **kind)
        return [last, judge, features, torch.randn(batch, p, generator=g, **kind), limit]

    yield t("with one picture of five numbers"), *case(1, 3, 5, 1e4)
    yield t("with a strong discriminator"), *case(3, 2, 4, 1e4, 20.0)
    yield t("with a discriminator that hardly slopes"), *case(2, 4, 3, 10.0, 1e-3)
    yield t("with a flat discriminator"), *case(2, 3, 5, 1e6, 0.0)
    yield t("with float64"), *case(4, 2, 6, 1e4, dtype=torch.float64)


_mistake = weighted_gradient.mistake
_mistake(
    "loose",
    _weighted(detached=False, clamped=False),
    lambda: t(
        "the gradient is not that of rec + λ·gan with a fixed λ, and where the discriminator hardly"
        " slopes λ goes past its limit"
    ),
)
_mistake(
    "not-detached",
    _weighted(detached=False),
    lambda: t(
        "clamped now; but λ still passes a gradient on, so the step also bends the network to make"
        " λ itself smaller: detach it"
    ),
)
_mistake(
    "not-clamped",
    _weighted(clamped=False),
    lambda: t(
        "detached now; but where the discriminator hardly slopes λ goes past its limit: clamp it"
    ),
)
_mistake(
    "inverted",
    _weighted(ratio=lambda rec, gan, *losses: _norm(gan) / (_norm(rec) + 1e-4)),
    lambda: t(
        "the ratio is upside down: λ brings the discriminator's gradient to the length of the"
        " reconstruction's, so it divides by the discriminator's"
    ),
)
_mistake(
    "of-losses",
    _weighted(ratio=lambda of_rec, of_gan, rec, gan: rec / (gan.abs() + 1e-4)),
    lambda: t("this compares the losses; λ compares the lengths of their gradients"),
)
_mistake(
    "squared",
    _weighted(ratio=lambda rec, gan, *losses: rec.square().sum() / (gan.square().sum() + 1e-4)),
    lambda: t("the lengths are compared, not their squares"),
)
_mistake(
    "no-epsilon",
    _weighted(ratio=lambda rec, gan, *losses: _norm(rec) / _norm(gan)),
    lambda: t("leave the 1e-4: where the discriminator is flat, you divide by 0 without it"),
)
_mistake(
    "everything-weighted",
    _weighted(total=lambda rec, gan, weight: weight * (rec + gan)),
    lambda: t("λ weighs the discriminator's term alone"),
)
_mistake(
    "no-adversary",
    _weighted(total=lambda rec, gan, weight: rec + weight * gan.detach()),
    lambda: t(
        "now the discriminator's term has no gradient any more: only λ is to be detached, not the"
        " loss"
    ),
)


def _gradients(network: nn.Module) -> Tensor:
    return torch.cat(
        [
            torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten()
            for p in network.parameters()
        ]
    )


def _both(
    for_judge: Function = Tensor.detach,
    for_decoder: Function = lambda fake: fake,
    after_judge: Function = lambda logits: logits,
    cleared: str = "discriminator",
) -> Some:
    """One forward pass, two backward passes. `cleared`: whose gradients are, in between."""

    def both(
        decoder: nn.Module, discriminator: nn.Module, z_q: Tensor, real: Tensor
    ) -> tuple[Tensor, Tensor]:
        decoder.zero_grad()
        discriminator.zero_grad()
        fake = decoder(z_q)
        loss = (fake - real).square().mean() - discriminator(for_decoder(fake)).mean()
        loss.backward(retain_graph=True)
        for name, network in (("discriminator", discriminator), ("decoder", decoder)):
            if cleared in (name, "both"):
                network.zero_grad()
        fake_logits = after_judge(discriminator(for_judge(fake)))
        loss = F.relu(1 - discriminator(real)).mean() + F.relu(1 + fake_logits).mean()
        loss.backward()
        return _gradients(decoder), _gradients(discriminator)

    return both


def _same(x: Tensor) -> Tensor:
    return x


@sheet.exercise(
    _both(),
    title=lambda: t("Find the bug: the discriminator's step reaches the decoder"),
    planted="not-detached",
)
def both_gradients(g: Generator) -> Iterator[Case]:
    def case(batch: int, d: int, p: int, **kind: torch.dtype) -> list:
        with _seeded(g):
            decoder = nn.Sequential(nn.Linear(d, 5, **kind), nn.Tanh(), nn.Linear(5, p, **kind))
            judge = nn.Sequential(
                nn.Linear(p, 6, **kind), nn.LeakyReLU(0.2), nn.Linear(6, 4, **kind)
            )
        z_q = torch.randn(batch, d, generator=g, **kind)
        with torch.no_grad():  # half of the logits are beyond the hinge
            judge[2].weight.mul_(6)
            logits = judge(decoder(z_q)).flatten().sort().values
            judge[2].bias.sub_(logits[2 * batch - 1 : 2 * batch + 1].mean() + 1)
        return [decoder, judge, z_q, torch.randn(batch, p, generator=g, **kind)]

    yield t("with one picture of five numbers"), *case(1, 2, 5)
    yield t("with three pictures of seven numbers"), *case(3, 4, 7)
    yield t("with float64"), *case(2, 3, 3, dtype=torch.float64)


both_gradients.mistake(
    "not-detached",
    _aside(_both(for_judge=_same)),
    lambda: t(
        "the decoder's gradient is not that of its own loss: the discriminator's loss has been"
        " added, and it asks the decoder to draw what is easily seen through"
    ),
)
both_gradients.mistake(
    "decoder-detached",
    _aside(_both(for_decoder=Tensor.detach)),
    lambda: t(
        "detached in the wrong loss: now the decoder hears nothing of what the discriminator says"
    ),
)
both_gradients.mistake(
    "decoder-detached",
    _aside(_both(for_decoder=Tensor.detach, for_judge=_same)),
    lambda: t(
        "detached in the wrong loss: now the decoder hears nothing of what the discriminator says"
    ),
)
both_gradients.mistake(
    "logits-detached",
    _aside(_both(after_judge=Tensor.detach)),
    lambda: t(
        "the logits are detached: now the discriminator learns nothing from the reconstructions."
        " Detach what goes into it"
    ),
)
both_gradients.mistake(
    "all-cleared",
    _aside(_both(cleared="both")),
    lambda: t("this clears the decoder's own gradients away too"),
)
both_gradients.mistake(
    "all-cleared",
    _aside(_both(cleared="both", for_judge=_same)),
    lambda: t("this clears the decoder's own gradients away, and keeps just the wrong ones"),
)
both_gradients.mistake(
    "not-cleared",
    _aside(_both(cleared="")),
    lambda: t(
        "the decoder's loss has left gradients in the discriminator: zero_grad() between the two"
        " was right"
    ),
)


# ---- priors --------------------------------------------------------------------------------------


def _shifted(codes: Tensor, start: int) -> Tensor:
    return torch.cat([torch.full_like(codes[:, :1], start), codes[:, :-1]], 1)


def _prior_loss(
    inputs: Callable[[Tensor, int], Tensor],
    targets: Callable[[Tensor], Tensor] = lambda codes: codes,
    reduction: str = "mean",
) -> Function:
    def loss(prior: nn.Module, codes: Tensor, start: int) -> Tensor:
        logits = prior(inputs(codes, start))
        wanted = targets(codes).flatten()
        return F.cross_entropy(logits.flatten(0, 1), wanted, reduction=reduction).detach()

    return loss


@sheet.exercise(
    _prior_loss(_shifted),
    title=lambda: t("Find the bug: a prior that reads the answer"),
    planted="leak",
)
def prior_loss(g: Generator) -> Iterator[Case]:
    def case(batch: int, n: int, k: int, **kind: torch.dtype) -> list:
        table = nn.Embedding.from_pretrained(3 * torch.randn(k + 1, k, generator=g, **kind))
        return [table, torch.randint(k, (batch, n), generator=g), k]

    copies = nn.Embedding.from_pretrained(20 * torch.eye(4, 3))  # it says what it was shown
    yield t("with a prior that copies its input"), copies, torch.tensor([[0, 2, 1, 1]]), 3
    yield t("with two pictures of six codes"), *case(2, 6, 5)
    yield t("with one code"), *case(1, 1, 7)
    yield t("with five pictures of nine codes"), *case(5, 9, 4)
    yield t("with float64"), *case(3, 4, 6, dtype=torch.float64)


prior_loss.mistake(
    "leak",
    _prior_loss(lambda codes, start: codes),
    lambda: t(
        "a prior that merely copies its input has a loss of 0, and has learnt nothing: at each"
        " place it is shown the very code that it should predict"
    ),
)
prior_loss.mistake(
    "rolled",
    _prior_loss(lambda codes, start: codes.roll(1, 1)),
    lambda: t(
        "roll brings the last code round to the first place: a leak. The start token belongs there"
    ),
)
prior_loss.mistake(
    "future",
    _prior_loss(
        lambda codes, start: torch.cat([codes[:, 1:], torch.full_like(codes[:, :1], start)], 1)
    ),
    lambda: t("shifted the wrong way: each place sees the code after it, which is not drawn yet"),
)
prior_loss.mistake(
    "no-first-code",
    _prior_loss(lambda codes, start: codes[:, :-1], lambda codes: codes[:, 1:]),
    lambda: t("the first code is never predicted: put the start token before all the others"),
)
prior_loss.mistake(
    "not-shifted",
    _prior_loss(
        lambda codes, start: torch.cat([torch.full_like(codes[:, :1], start), codes[:, 1:]], 1)
    ),
    lambda: t("only the first place is mended: all the others still see their own code"),
)
prior_loss.mistake(
    "summed",
    _prior_loss(_shifted, reduction="sum"),
    lambda: t("this is the sum over all codes; it should stay a mean"),
)
prior_loss.mistake(
    "pictures-shifted",
    _prior_loss(lambda codes, start: codes.roll(1, 0)),
    lambda: t("this shifts the pictures of the batch; shift the codes within each picture"),
)


def _reveal(
    confidence: Callable[[Tensor], Tensor] = lambda logits: logits.softmax(-1).amax(-1),
    sign: int = 1,
    known_too: bool = False,
    overwrite: bool = False,
    together: bool = False,
    share: Callable[[int, int], int] = lambda count, n: min(count, n),
) -> Function:
    def reveal(codes: Tensor, logits: Tensor, count: int, mask: int) -> Tensor:
        unknown = codes == mask
        sure = sign * confidence(logits)
        if not known_too:
            sure = sure.masked_fill(~unknown, -math.inf)
        rows = sure.reshape(1, -1) if together else sure
        places = rows.topk(share(count, rows.shape[1])).indices
        chosen = torch.zeros_like(rows, dtype=torch.bool).scatter(1, places, True)
        chosen = chosen.view_as(unknown)
        return torch.where(chosen if overwrite else chosen & unknown, logits.argmax(-1), codes)

    return reveal


@sheet.exercise(_reveal(), title=lambda: t("Write: keep the surest codes"))
def keep_surest(g: Generator) -> Iterator[Case]:
    def case(batch: int, n: int, k: int, count: int, known: float, **kind: torch.dtype) -> list:
        codes = torch.randint(k, (batch, n), generator=g)
        codes[torch.rand(batch, n, generator=g) > known] = k
        heat = 0.5 + 3 * torch.rand(batch, n, 1, generator=g, **kind)
        shift = 4 * torch.randn(batch, n, 1, generator=g, **kind)  # which softmax does not see
        return [codes, heat * torch.randn(batch, n, k, generator=g, **kind) + shift, count, k]

    logits = torch.tensor([[[0.0, 5, 0], [1, 0, 0], [3, 0, 0], [9, 9, 8]]])
    yield t("with one known code and three unknown"), torch.tensor([[2, 3, 3, 3]]), logits, 1, 3
    yield t("with nothing known yet"), *case(2, 6, 5, 2, 0.0)
    yield t("with half of the codes known"), *case(3, 16, 7, 3, 0.5)
    yield t("with fewer unknown codes than asked for"), *case(2, 9, 4, 8, 0.7)
    yield t("with float64"), *case(4, 12, 6, 4, 0.3, dtype=torch.float64)
    yield t("with more asked for than there are places"), *case(2, 6, 4, 9, 0.5)


keep_surest.mistake(
    "known-counted",
    _reveal(known_too=True),
    lambda: t(
        "places that are known already take part in the choice, so too few unknown ones are filled"
    ),
)
for _open in (True, False):  # False: where fewer are unknown than asked for
    keep_surest.mistake(
        "known-overwritten",
        _reveal(known_too=_open, overwrite=True),
        lambda: t("a code that is known must stay as it is; you write over some"),
    )
keep_surest.mistake(
    "least-sure",
    _reveal(sign=-1),
    lambda: t("you keep the places of which the model is least sure"),
)
keep_surest.mistake(
    "by-logit",
    _reveal(confidence=lambda logits: logits.amax(-1)),
    lambda: t(
        "a great logit is not yet a great probability: the others at that place may be as great."
        " Take softmax first"
    ),
)
keep_surest.mistake(
    "all-at-once",
    _reveal(share=lambda count, n: n),
    lambda: t("you fill all unknown places at once; only the surest of them are wanted"),
)
keep_surest.mistake(
    "across-pictures",
    _reveal(together=True),
    lambda: t("count for each picture by itself, not over the whole batch"),
)
keep_surest.mistake(
    "across-pictures",
    lambda codes, logits, count, mask: _reveal(together=True)(
        codes, logits, count * len(codes), mask
    ),
    lambda: t("count for each picture by itself, not over the whole batch"),
)


def _flow(
    time: Callable[[Tensor, Tensor], Tensor] = lambda t, x: t.view(-1, *[1] * (x.ndim - 1)),
    mix: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda data, noise, t: (
        (1 - t) * noise + t * data
    ),
    goal: Callable[..., Tensor] = lambda data, noise, x_t, t: data - noise,
) -> Some:
    def pair(data: Tensor, noise: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        share = time(t, data)
        x_t = mix(data, noise, share)
        return x_t, goal(data, noise, x_t, share)

    return pair


@sheet.exercise(_flow(), title=lambda: t("Write: question and answer of flow matching"))
def flow_pair(g: Generator) -> Iterator[Case]:
    def case(*shape: int, **kind: torch.dtype) -> list:
        data, noise = torch.randn(2, *shape, generator=g, **kind)
        return [data, noise, torch.rand(shape[0], generator=g, **kind)]

    yield t("with one number, t = 0.25"), *(torch.tensor(x) for x in ([[4.0]], [[0.0]], [0.25]))
    yield t("with as many latents as columns"), *case(4, 2, 3, 4)
    yield t("with three latents of 2×4×5 numbers"), *case(3, 2, 4, 5)
    yield t("with one latent"), *case(1, 3, 2, 2)
    yield t("with float64"), *case(5, 3, dtype=torch.float64)


flow_pair.mistake(
    "time-runs-back",
    _flow(mix=lambda data, noise, t: (1 - t) * data + t * noise),
    lambda: t("here t = 0 is noise and t = 1 the data; yours is the other way round"),
)
flow_pair.mistake(
    "time-runs-back",
    _flow(
        mix=lambda data, noise, t: (1 - t) * data + t * noise,
        goal=lambda data, noise, x_t, t: noise - data,
    ),
    lambda: t("here t = 0 is noise and t = 1 the data; yours is the other way round"),
)
flow_pair.mistake(
    "sign",
    _flow(goal=lambda data, noise, x_t, t: noise - data),
    lambda: t("the velocity points the wrong way: it should lead from the noise to the data"),
)
flow_pair.mistake(
    "time-along-columns",
    _flow(time=lambda t, x: t),
    lambda: t(
        "[B] meets the last axis, so the time changes from column to column: give it the shape"
        " [B, 1, 1, 1]"
    ),
)
flow_pair.mistake(
    "one-time",
    _flow(time=lambda t, x: t[0]),
    lambda: t("each latent of the batch has a time of its own"),
)
flow_pair.mistake(
    "what-is-left",
    _flow(goal=lambda data, noise, x_t, t: data - x_t),
    lambda: t(
        "this is what is left of the way; the velocity is the whole way, the same at every t"
    ),
)
flow_pair.mistake(
    "noise-wanted",
    _flow(goal=lambda data, noise, x_t, t: noise),
    lambda: t("to predict the noise is diffusion's habit; flow matching predicts the velocity"),
)
flow_pair.mistake(
    "data-wanted",
    _flow(goal=lambda data, noise, x_t, t: data),
    lambda: t("the velocity is wanted, not where it leads to"),
)


def _guided(
    guide: Callable[[Tensor, Tensor, float], Tensor] = lambda words, empty, scale: (
        empty + scale * (words - empty)
    ),
    step: Callable[[Tensor, Tensor, float], Tensor] = lambda x, v, dt: x + dt * v,
    halves: Callable[[Tensor], Sequence[Tensor]] = lambda v: v.chunk(2),
) -> Function:
    return lambda x, velocity, scale, dt: step(x, guide(*halves(velocity), scale), dt)


@sheet.exercise(_guided(), title=lambda: t("Write: a step with guidance"))
def guided_step(g: Generator) -> Iterator[Case]:
    def case(scale: float, dt: float, batch: int, *shape: int, **kind: torch.dtype) -> list:
        x = torch.randn(batch, *shape, generator=g, **kind)
        return [x, torch.randn(2 * batch, *shape, generator=g, **kind), scale, dt]

    one = [torch.tensor([[10.0]]), torch.tensor([[4.0], [3.0]])]
    yield t("with one number, scale 2 and dt = 0.5"), *one, 2.0, 0.5
    yield t("with three latents of 2×4×5 numbers"), *case(3.5, 0.1, 3, 2, 4, 5)
    yield t("with scale 1"), *case(1.0, 0.25, 2, 3)
    yield t("with scale 0"), *case(0.0, 0.25, 2, 3)
    yield t("with float64"), *case(7.0, 0.05, 4, 3, 2, dtype=torch.float64)


guided_step.mistake(
    "halves-swapped",
    _guided(lambda words, empty, scale: words + scale * (empty - words)),
    lambda: t("the halves are swapped: the first half was computed with the words"),
)
guided_step.mistake(
    "one-too-many",
    _guided(lambda words, empty, scale: words + scale * (words - empty)),
    lambda: t(
        "start from the velocity without words: as it stands, scale 0 gives what scale 1 should"
    ),
)
guided_step.mistake(
    "words-only",
    _guided(lambda words, empty, scale: scale * words),
    lambda: t(
        "this only goes faster; guidance goes on in the direction from the empty text to the words"
    ),
)
guided_step.mistake(
    "difference-only",
    _guided(lambda words, empty, scale: scale * (words - empty)),
    lambda: t(
        "the velocity without words itself is missing: scale · (words − empty) is added to it"
    ),
)
guided_step.mistake(
    "interleaved",
    _guided(halves=lambda v: (v[::2], v[1::2])),
    lambda: t("the halves lie one after the other, not in turn: chunk(2)"),
)
guided_step.mistake(
    "backwards",
    _guided(step=lambda x, v, dt: x - dt * v),
    lambda: t("the step goes backwards, to the noise: add dt times the velocity"),
)
guided_step.mistake(
    "no-step",
    _guided(step=lambda x, v, dt: v),
    lambda: t("this is the guided velocity; take the step with it: x + dt · velocity"),
)
guided_step.mistake(
    "leap",
    _guided(step=lambda x, v, dt: x + v),
    lambda: t("this is a leap to the end; the step is dt long"),
)


def _unit(x: Tensor) -> Tensor:
    return F.normalize(x, dim=1)


def _contrast(
    unit: Function = _unit,
    heat: Callable[[Tensor, float], Tensor] = lambda scores, temperature: scores / temperature,
    total: Callable[[Tensor, Tensor], Tensor] = lambda one, other: (one + other) / 2,
    reduction: str = "mean",
) -> Function:
    def loss(images: Tensor, texts: Tensor, temperature: float) -> Tensor:
        scores = heat(unit(images) @ unit(texts).T, temperature)
        own = torch.arange(len(scores))
        return total(*(F.cross_entropy(s, own, reduction=reduction) for s in (scores, scores.T)))

    return loss


@sheet.exercise(
    _contrast(),
    title=lambda: t("Write: which text goes with which picture"),
    library=("CLIPModel",),
)
def contrastive_loss(g: Generator) -> Iterator[Case]:
    def case(n: int, d: int, temperature: float, **kind: torch.dtype) -> list:
        length = 0.5 + 2 * torch.rand(2, n, 1, generator=g, **kind)
        return [*(length * torch.randn(2, n, d, generator=g, **kind)), temperature]

    images, texts = torch.tensor([[3.0, 0], [0, 1]]), torch.tensor([[1.0, 0], [2, 2]])
    yield t("with two pictures and two texts"), images, texts, 0.5
    yield t("with five pictures and temperature 0.1"), *case(5, 3, 0.1)
    yield t("with as many pictures as numbers"), *case(4, 4, 1.0)
    yield t("with float64"), *case(7, 2, 0.07, dtype=torch.float64)


contrastive_loss.mistake(
    "not-normalised",
    _contrast(unit=lambda x: x),
    lambda: t("bring every vector to length 1 first, or the long ones always win"),
)
contrastive_loss.mistake(
    "wrong-axis",
    _contrast(unit=lambda x: F.normalize(x, dim=0)),
    lambda: t("this normalises over the batch; each row by itself is to get length 1 (dim=1)"),
)
contrastive_loss.mistake(
    "one-way",
    _contrast(total=lambda one, other: one),
    lambda: t(
        "this asks one way only, the text for each picture; ask for the picture of each text too,"
        " and take the mean"
    ),
)
contrastive_loss.mistake(
    "one-way",
    _contrast(total=lambda one, other: other),
    lambda: t(
        "this asks one way only, the picture for each text; ask for the text of each picture too,"
        " and take the mean"
    ),
)
contrastive_loss.mistake(
    "both-added",
    _contrast(total=lambda one, other: one + other),
    lambda: t("the two directions are averaged, not added"),
)
contrastive_loss.mistake(
    "times-temperature",
    _contrast(heat=lambda scores, temperature: scores * temperature),
    lambda: t("the scores are divided by the temperature: a low one makes the choice sharp"),
)
contrastive_loss.mistake(
    "no-temperature",
    _contrast(heat=lambda scores, temperature: scores),
    lambda: t("the temperature changes nothing in yours"),
)
contrastive_loss.mistake(
    "pairs-only",
    lambda images, texts, temperature: -(_unit(images) * _unit(texts)).sum(1).mean() / temperature,
    lambda: t(
        "this only draws the pairs together; without the others to be told apart from, all vectors"
        " may become the same"
    ),
)
contrastive_loss.mistake(
    "summed",
    _contrast(reduction="sum"),
    lambda: t("this is the sum over the batch; the mean is wanted"),
)


# ---- many machines -------------------------------------------------------------------------------


@sheet.predict(
    title=lambda: t("Predict: the gradient of two processes"),
    explain=lambda a, b: t(
        "each process takes the mean over its own pictures, and then the two means are averaged as"
        " if they were worth the same: (3 + 5) / 2. One process alone counts pictures:"
        " ({a} · 3 + {b} · 5) / {sum}. With equally large shares both are the same",
        a=a,
        b=b,
        sum=a + b,
    ),
    a=(24, 48, 72),
    b=(4, 8, 12),
)
def predict_processes(a: int = 24, b: int = 8) -> tuple[float, float]:
    own = torch.tensor([3.0] * a), torch.tensor([5.0] * b)
    return torch.stack([x.mean() for x in own]).mean().item(), torch.cat(own).mean().item()


predict_processes.mistake(
    "counted-by-pictures",
    lambda a, b: ((3 * a + 5 * b) / (a + b),) * 2,
    lambda: t("the two processes do not tell each other how many pictures they had"),
)
predict_processes.mistake(
    "always-the-same",
    lambda: (4, 4),
    lambda: t("one process alone counts every picture once: the larger share counts more"),
)
predict_processes.mistake(
    "added",
    lambda a, b: (8, (3 * a + 5 * b) / (a + b)),
    lambda: t("the gradients are averaged over the processes, not added"),
)
predict_processes.mistake(
    "swapped",
    lambda a, b: ((3 * a + 5 * b) / (a + b), 4),
    lambda: t("the other way round: first the two processes, then one alone"),
)
predict_processes.mistake(
    "shares-swapped",
    lambda a, b: (4, (5 * a + 3 * b) / (a + b)),
    lambda: t("the shares are swapped: most pictures have the gradient 3"),
)
