"""The checks of lesson 01's exercises: cases, references and known mistakes."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Generator, Tensor, nn

from common import attention
from common.check import Case, Sheet
from common.lang import t

sheet = Sheet()
summary = sheet.summary
INF = math.inf
Function = Callable[..., Tensor]


def _few(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float32)


# ---- from scores to weights ----------------------------------------------------------------------

_THREE = (math.log(6), math.log(3), math.log(1))


@sheet.predict(
    title=lambda: t("Predict: the weights of three words"),
    explain=lambda: t(
        "exp gives 6, 3 and 1; dividing by their sum gives the weights. Adding 10 multiplies all"
        " three by the same number, and dividing takes it out again"
    ),
)
def predict_weights() -> list[float]:
    return attention.softmax(torch.tensor(_THREE, dtype=torch.float64) + 10).tolist()


predict_weights.mistake(
    "not-normalised",
    lambda: [6, 3, 1],
    lambda: t("weights sum to 1: divide by the sum"),
)
predict_weights.mistake(
    "no-exp",
    lambda: [(score + 10) / (sum(_THREE) + 30) for score in _THREE],
    lambda: t("you divided the scores themselves: exp comes first"),
)
predict_weights.mistake(
    "hard-max",
    lambda: [1, 0, 0],
    lambda: t("softmax is soft: no weight is ever exactly 0"),
)
predict_weights.mistake(
    "base-10",
    lambda: torch.tensor(_THREE).div(math.log(10)).softmax(0).tolist(),
    lambda: t("math.log is to base e, not 10: exp takes it back, so exp(log(6)) is 6"),
)
predict_weights.mistake(
    "uniform",
    lambda: [1 / 3, 1 / 3, 1 / 3],
    lambda: t("the differences between the scores are still there after adding 10"),
)


@sheet.exercise(
    attention.softmax,
    title=lambda: t("Write: a softmax that does not overflow"),
    library=("softmax", "log_softmax"),
)
def softmax(g: Generator) -> Iterator[Case]:
    yield t("with the scores 1, 2, 3"), _few(1, 2, 3)
    yield t("with two rows of five"), torch.randn(2, 5, generator=g)
    yield t("with a batch of three matrices"), torch.randn(3, 4, 4, generator=g)
    yield t("with the score 1000"), _few(1000, 999, 0)
    yield t("with one very low row"), torch.tensor([[0.0, 1.0], [-1000.0, -1001.0]])
    yield t("with a score of -inf"), torch.tensor([[0.5, -INF, 0.0], [-INF, -INF, 2.0]])
    yield t("with dim=0"), torch.randn(3, 2, generator=g), 0
    yield t("with float64"), torch.randn(1, 7, generator=g, dtype=torch.float64)


def _plain_softmax(scores: Tensor, dim: int = -1) -> Tensor:
    return scores.exp() / scores.exp().sum(dim, keepdim=True)


softmax.mistake(
    "overflow",
    _plain_softmax,
    lambda: t(
        "exp(1000) is inf, and inf/inf is nan: subtract each row's greatest score before exp"
    ),
)
softmax.mistake(
    "wrong-axis",
    lambda scores, dim=-1: attention.softmax(scores, 0),
    lambda: t("each row should sum to 1; in yours the columns do: sum along dim"),
)
softmax.mistake(
    "fixed-axis",
    lambda scores, dim=-1: attention.softmax(scores, -1),
    lambda: t("you always sum along the last axis; dim may be another"),
)
softmax.mistake(
    "whole-sum",
    lambda scores, dim=-1: _plain_softmax(scores - scores.max(), tuple(range(scores.ndim))),
    lambda: t("you divide by the sum of the whole tensor: give sum a dim and keepdim=True"),
)
softmax.mistake(
    "whole-max",
    lambda scores, dim=-1: _plain_softmax(scores - scores.max(), dim),
    lambda: t(
        "you subtract the greatest score of the whole tensor; a row far below it becomes 0/0:"
        " each row needs its own greatest"
    ),
)
softmax.mistake(
    "no-exp",
    lambda scores, dim=-1: scores / scores.sum(dim, keepdim=True),
    lambda: t("you divided the scores themselves: exp comes first"),
)
softmax.mistake(
    "log",
    lambda scores, dim=-1: torch.log_softmax(scores, dim),
    lambda: t("these are the logarithms of the weights"),
)
softmax.mistake(
    "sigmoid",
    lambda scores, dim=-1: torch.sigmoid(scores),
    lambda: t(
        "this is a sigmoid: each weight alone is between 0 and 1, but a row does not sum to 1"
    ),
)


@sheet.predict(
    title=lambda: t("Predict: how far q·k spreads"),
    explain=lambda d: t(
        "q·k adds {d} products, each of variance 1, so its variance is {d} and its spread"
        " √{d} = {root}; divided by √d it is 1 again, for any d (measured on 20,000 pairs)",
        d=d,
        root=math.isqrt(d),
    ),
    relative=0.03,
    d=(16, 36, 64, 100, 144),  # squares
)
def predict_spread(d: int = 64) -> tuple[float, float]:
    generator = Generator().manual_seed(1)
    query, key = torch.randn(2, 20_000, d, generator=generator)
    scores = (query * key).sum(-1)
    return scores.std().item(), (scores / math.sqrt(d)).std().item()


predict_spread.mistake(
    "variance",
    lambda d: (d, 1),
    lambda: t("the first is the variance; the standard deviation is its root"),
)
predict_spread.mistake(
    "variance-over-root",
    lambda d: (d, math.sqrt(d)),
    lambda: t("the first is the variance; the standard deviation is its root"),
)
predict_spread.mistake(
    "over-d",
    lambda d: (math.sqrt(d), 1 / math.sqrt(d)),
    lambda: t("the second is divided by √d, not by d"),
)
predict_spread.mistake(
    "no-growth",
    lambda d: (1, 1 / math.sqrt(d)),
    lambda: t("one product has spread 1, but q·k is a sum of d of them"),
)


@sheet.exercise(
    attention.scaled_dot_product_attention,
    title=lambda: t("Write: scaled dot-product attention"),
    library=("scaled_dot_product_attention", "attention_weights"),
)
def scaled_dot_product_attention(g: Generator) -> Iterator[Case]:
    def inputs(*batch: int, n: int, m: int, d: int, d_v: int, **kind: torch.dtype) -> list[Tensor]:
        shapes = (n, d), (m, d), (m, d_v)
        return [2 * torch.randn(*batch, *shape, generator=g, **kind) for shape in shapes]

    def mask(*shape: int) -> Tensor:
        allowed = torch.rand(shape, generator=g) < 0.6
        allowed[..., 0] = True  # no empty row yet
        allowed[..., 0, -1] = False  # and at least one place that may not be looked at
        return allowed

    # The keys and the values differ in width, and no two sizes are equal, so that a wrong root
    # or a wrong axis cannot be right by accident.
    yield t("with one query"), *inputs(1, n=1, m=3, d=4, d_v=2)
    yield t("with three batches, no mask"), *inputs(3, n=4, m=6, d=5, d_v=7)
    yield t("without a batch axis"), *inputs(n=3, m=5, d=4, d_v=2)
    yield t("with a mask"), *inputs(3, n=4, m=6, d=5, d_v=7), mask(3, 4, 6)
    yield (
        t("with heads, and one mask for all of them"),
        *inputs(2, 3, n=4, m=5, d=8, d_v=6),
        mask(2, 1, 4, 5),
    )
    yield t("with as many keys as queries"), *inputs(1, n=5, m=5, d=4, d_v=4), mask(5, 5)
    empty = mask(3, 4, 6)
    empty[1, 2] = False
    yield t("with a row that may look nowhere"), *inputs(3, n=4, m=6, d=5, d_v=7), empty
    yield t("with float64"), *inputs(1, n=2, m=3, d=9, d_v=2, dtype=torch.float64), mask(2, 3)


def _attend(weights: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    return weights @ value, weights


def _wrong_scale(scale: Callable[[int, int, int], float]) -> Callable[..., tuple[Tensor, Tensor]]:
    """Attention whose scores are multiplied by `scale(d_k, d_v, m)`."""

    def wrong(
        query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        sizes = query.shape[-1], value.shape[-1], key.shape[-2]
        query = query * math.sqrt(query.shape[-1]) * scale(*sizes)
        return attention.scaled_dot_product_attention(query, key, value, mask)

    return wrong


def _wrong_mask(apply: Function) -> Callable[..., tuple[Tensor, Tensor]]:
    """Attention whose weights are `apply(scores, mask)` where there is a mask."""

    def wrong(
        query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
        weights = scores.softmax(-1) if mask is None else apply(scores, mask)
        return _attend(weights, value)

    return wrong


def _over_queries(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -INF)
    return _attend(attention.softmax(scores, -2), value)


def _empty_is(fill: float) -> Function:
    """Weights that are right but for a row that may look nowhere."""
    return lambda scores, mask: scores.masked_fill(~mask, fill).softmax(-1)


_mistake = scaled_dot_product_attention.mistake
_mistake(
    "divided-by-d",
    _wrong_scale(lambda d, d_v, m: 1 / d),
    lambda: t("you divided by d, not by √d"),
)
_mistake(
    "not-scaled",
    _wrong_scale(lambda d, d_v, m: 1),
    lambda: t("the scores are not divided by √d"),
)
_mistake(
    "multiplied-by-root",
    _wrong_scale(lambda d, d_v, m: math.sqrt(d)),
    lambda: t("you multiplied by √d: divide by it"),
)
_mistake(
    "root-of-value-width",
    _wrong_scale(lambda d, d_v, m: 1 / math.sqrt(d_v)),
    lambda: t("√d takes the width of the query and key, not that of the value"),
)
_mistake(
    "root-of-count",
    _wrong_scale(lambda d, d_v, m: 1 / math.sqrt(m)),
    lambda: t("√d takes the width of a key, not the number of keys"),
)
_mistake(
    "wrong-axis",
    _over_queries,
    lambda: t("softmax over the wrong axis: each query's weights over the keys should sum to 1"),
)
_mistake(
    "nan-row",
    _wrong_mask(_empty_is(-INF)),
    lambda: t(
        "a row that may look nowhere gives nan: masked_fill its weights to 0 (nan × 0 is nan)"
    ),
)
_mistake(
    "uniform-row",
    _wrong_mask(_empty_is(-1e9)),
    lambda: t(
        "a row that may look nowhere gets equal weights, so it reads what it may not; its weights"
        " should be 0"
    ),
)
_mistake(
    "mask-inverted",
    _wrong_mask(lambda scores, mask: attention.softmax(scores.masked_fill(mask, -INF))),
    lambda: t("the mask is the wrong way round: True means “may look”"),
)
_mistake(
    "mask-ignored",
    _wrong_mask(lambda scores, mask: scores.softmax(-1)),
    lambda: t("the mask changes nothing in your weights"),
)
_mistake(
    "mask-after",
    _wrong_mask(lambda scores, mask: scores.softmax(-1) * mask),
    lambda: t("masked after softmax, so the rows no longer sum to 1: mask the scores before it"),
)
_mistake(
    "mask-zero-score",
    _wrong_mask(lambda scores, mask: (scores * mask).softmax(-1)),
    lambda: t("a score of 0 still gets a weight, since exp(0) = 1: the masked score must be -inf"),
)


@sheet.predict(
    title=lambda: t("Predict: two shapes"),
    explain=lambda: t(
        "there is a row of weights for each query with one weight for each key; the output has a"
        " row for each query, as wide as a value"
    ),
    n=(3, 4, 5),  # none is a value of m, and none of d_k one of d_v: each mistake can be seen
    m=(6, 7, 8, 9),
    d_k=(8, 16),
    d_v=(24, 32, 64),
)
def predict_shapes(
    n: int = 5, m: int = 7, d_k: int = 16, d_v: int = 32
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    query, key, value = torch.zeros(2, n, d_k), torch.zeros(2, m, d_k), torch.zeros(2, m, d_v)
    output, weights = attention.scaled_dot_product_attention(query, key, value)
    return tuple(weights.shape), tuple(output.shape)


predict_shapes.mistake(
    "transposed",
    lambda n, m, d_v: ((2, m, n), (2, n, d_v)),
    lambda: t("the rows of the weights are the queries, the columns the keys"),
)
predict_shapes.mistake(
    "key-width",
    lambda n, m, d_k: ((2, n, m), (2, n, d_k)),
    lambda: t("the output is a mixture of values, so it is as wide as they are"),
)
predict_shapes.mistake(
    "row-per-key",
    lambda n, m, d_v: ((2, n, m), (2, m, d_v)),
    lambda: t("there is one output for each query, not for each key"),
)
predict_shapes.mistake(
    "swapped",
    lambda n, m, d_v: ((2, n, d_v), (2, n, m)),
    lambda: t("you gave the output first; the weights come first"),
)

# ---- masks ---------------------------------------------------------------------------------------


def _decoder_mask(lengths: Tensor, n: int) -> Tensor:
    real = torch.arange(n) < lengths[:, None]  # [B, m]
    return attention.causal_mask(n) & real[:, None, :]


@sheet.exercise(_decoder_mask, title=lambda: t("Write: the mask of a decoder"))
def decoder_mask(g: Generator) -> Iterator[Case]:
    yield t("with one sentence without padding"), torch.tensor([3]), 3
    yield t("with lengths 2 and 4"), torch.tensor([2, 4]), 4
    yield t("with an empty sentence"), torch.tensor([0, 5, 1]), 5
    yield t("with three random lengths"), torch.randint(1, 8, (3,), generator=g), 7


def _real(lengths: Tensor, n: int) -> Tensor:
    return (torch.arange(n) < lengths[:, None])[:, None, :]


decoder_mask.mistake(
    "blind-to-itself",
    lambda lengths, n: attention.causal_mask(n).tril(-1) & _real(lengths, n),
    lambda: t("a word may look at itself too: the diagonal should be True"),
)
decoder_mask.mistake(
    "leak-by-one",
    lambda lengths, n: torch.ones(n, n, dtype=torch.bool).tril(1) & _real(lengths, n),
    lambda: t("each word sees one word of the future"),
)
decoder_mask.mistake(
    "looks-ahead",
    lambda lengths, n: attention.causal_mask(n).mT & _real(lengths, n),
    lambda: t("the wrong way round: your words see the future and not the past"),
)
decoder_mask.mistake(
    "inverted",
    lambda lengths, n: ~_decoder_mask(lengths, n),
    lambda: t("the mask is the wrong way round: True means “may look”"),
)
decoder_mask.mistake(
    "padding-forgotten",
    lambda lengths, n: attention.causal_mask(n).expand(len(lengths), n, n),
    lambda: t("the padding after the end of a sentence may not be looked at"),
)
decoder_mask.mistake(
    "length-off-by-one",
    lambda lengths, n: _decoder_mask(lengths + 1, n),
    lambda: t("positions count from 0, so the last real word is at length - 1"),
)
decoder_mask.mistake(
    "padding-as-rows",
    lambda lengths, n: attention.causal_mask(n) & _real(lengths, n).mT,
    lambda: t("the padding is to be masked in the columns (where one looks), not in the rows"),
)
decoder_mask.mistake(
    "causal-forgotten",
    lambda lengths, n: _real(lengths, n).expand(-1, n, n),
    lambda: t("the padding is masked, but words still see the future"),
)


def _causal(diagonal: int) -> Function:
    def attend(words: Tensor) -> Tensor:
        n = words.shape[-2]
        may_look = torch.ones(n, n, dtype=torch.bool).tril(diagonal)
        return attention.scaled_dot_product_attention(words, words, words, may_look)[0]

    return attend


@sheet.exercise(
    _causal(0),
    title=lambda: t("Find the bug: the word that sees its neighbour"),
    planted="leak-by-one",
)
def causal_attention(g: Generator) -> Iterator[Case]:
    yield t("with one sentence of three words"), torch.randn(1, 3, 4, generator=g)
    yield t("with three sentences of six words"), torch.randn(3, 6, 5, generator=g)
    yield t("with one word"), torch.randn(1, 1, 4, generator=g)
    yield t("with float64"), torch.randn(2, 5, 3, generator=g, dtype=torch.float64)


causal_attention.mistake(
    "leak-by-one",
    _causal(1),
    lambda: t("when the last word is changed, the output of the word before it changes too"),
)
causal_attention.mistake(
    "blind-to-itself",
    _causal(-1),
    lambda: t("now no word sees itself, and the first has nothing to look at"),
)
causal_attention.mistake(
    "no-mask",
    _causal(10**6),
    lambda: t("now every word sees the whole future"),
)
causal_attention.mistake(
    "looks-ahead",
    lambda words: _causal(0)(words.flip(-2)).flip(-2),
    lambda: t("the wrong way round: your words see the future and not the past"),
)


def _library(may_look: Callable[[Tensor], Tensor | None]) -> Function:
    def attend(layer: nn.MultiheadAttention, words: Tensor, allowed: Tensor) -> Tensor:
        return layer(words, words, words, attn_mask=may_look(allowed))[0]

    return attend


@sheet.exercise(
    _library(lambda allowed: ~allowed),
    title=lambda: t("Find the bug: nan from the library"),
    planted="inverted",
)
def library_attention(g: Generator) -> Iterator[Case]:
    def case(batch: int, n: int, allowed: Tensor, dtype: torch.dtype = torch.float32) -> list:
        with torch.random.fork_rng(devices=[]):  # the learner's random numbers stay as they are
            torch.manual_seed(g.initial_seed())
            layer = nn.MultiheadAttention(6, 2, batch_first=True, dtype=dtype)
        return [layer, torch.randn(batch, n, 6, generator=g, dtype=dtype), allowed]

    yield t("with a causal mask"), *case(1, 4, attention.causal_mask(4))
    window = attention.causal_mask(5) & ~attention.causal_mask(5).tril(-3)
    yield t("with a window of three words"), *case(3, 5, window)
    myself = torch.eye(5, dtype=torch.bool)
    ring = myself | myself.roll(1, 0)
    yield t("with words that see themselves and one other"), *case(2, 5, ring)
    yield t("with float64"), *case(1, 3, attention.causal_mask(3), torch.float64)


library_attention.mistake(
    "inverted",
    _library(lambda allowed: allowed),
    lambda: t("the last word, which may look at all of them, comes out as nan"),
)
library_attention.mistake(
    "nan-hidden",
    lambda *inputs: _library(lambda allowed: allowed)(*inputs).nan_to_num(),
    lambda: t(
        "the nan is hidden, not healed: the mask still says the opposite, so each word looks where"
        " it may not"
    ),
)
library_attention.mistake(
    "no-mask",
    _library(lambda allowed: None),
    lambda: t("now every word sees every other: the mask is needed"),
)
library_attention.mistake(
    "transposed",
    _library(lambda allowed: ~allowed.mT),
    lambda: t(
        "rows and columns are swapped: the rows are those who look, the columns what is seen"
    ),
)
library_attention.mistake(
    "transposed",
    _library(lambda allowed: allowed.mT),
    lambda: t(
        "rows and columns are swapped: the rows are those who look, the columns what is seen"
    ),
)
library_attention.mistake(
    "numbers",
    _library(lambda allowed: allowed.float()),
    lambda: t("a mask of numbers is added to the scores: 0 and 1 block nothing"),
)
library_attention.mistake(
    "numbers",
    _library(lambda allowed: (~allowed).float()),
    lambda: t("a mask of numbers is added to the scores: 0 and 1 block nothing"),
)


def _padded(fill: float, last: int = 0) -> Function:
    def weights(scores: Tensor, lengths: Tensor) -> Tensor:
        real = _real(lengths + last, scores.shape[-1])
        return scores.masked_fill(~real, fill).softmax(-1)

    return weights


def _padded_right(scores: Tensor, lengths: Tensor) -> Tensor:
    return attention.softmax(scores.masked_fill(~_real(lengths, scores.shape[-1]), -INF))


@sheet.exercise(
    _padded_right,
    title=lambda: t("Find the bug: an empty caption"),
    planted="nan-row",
)
def padded_weights(g: Generator) -> Iterator[Case]:
    def case(
        lengths: list[int], n: int, dtype: torch.dtype = torch.float32, drop: float = 0
    ) -> list[Tensor]:
        scores = torch.randn(len(lengths), n, max(lengths) + 1, generator=g, dtype=dtype)
        sizes = torch.tensor(lengths)
        return [scores - drop * _real(sizes, scores.shape[-1]), sizes]

    yield t("with three captions of 2, 4 and 1 words"), *case([2, 4, 1], 2)
    yield t("with an empty caption"), *case([3, 0], 2)
    yield t("with two empty captions of three"), *case([0, 5, 0], 3)
    yield t("with float64"), *case([0, 2], 1, torch.float64)
    # so low that padding filled with -100, -1000 or -10,000 lies above the real words
    low = case([2, 3], 2, torch.float64, drop=50_000)
    yield t("with real words that score far below the padding"), *low


padded_weights.mistake(
    "nan-row",
    _padded(-INF),
    lambda: t("one caption is empty, and all its weights are nan (and nan × 0 is still nan)"),
)
padded_weights.mistake(
    "uniform-row",
    _padded(-1e9),
    lambda: t(
        "the nan is gone, but the empty caption now looks at its padding with equal weights;"
        " they should be 0"
    ),
)
padded_weights.mistake(
    "fill-too-high",
    lambda scores, lengths: _padded(-100)(scores, lengths) * _real(lengths, scores.shape[-1]),
    lambda: t(
        "real words may score lower than the number that you give the padding, which then takes"
        " their weight: only -inf is below every score"
    ),
)
padded_weights.mistake(
    "all-zero",
    lambda scores, lengths: _padded_right(scores, lengths) * (lengths.min() > 0),
    lambda: t("one empty caption must not set the weights of the others to 0"),
)
padded_weights.mistake(
    "mask-after",
    lambda scores, lengths: scores.softmax(-1) * _real(lengths, scores.shape[-1]),
    lambda: t("masked after softmax, so the rows no longer sum to 1: mask the scores before it"),
)
padded_weights.mistake(
    "length-off-by-one",
    _padded(-INF, last=1),
    lambda: t("positions count from 0, so the last real word is at length - 1"),
)

# ---- heads ---------------------------------------------------------------------------------------


def _split(x: Tensor, n_heads: int) -> Tensor:
    return x.unflatten(-1, (n_heads, -1)).transpose(1, 2)


@sheet.exercise(_split, title=lambda: t("Write: split into heads"))
def split_heads(g: Generator) -> Iterator[Case]:
    # counting numbers, so that a wrong order can be read off
    yield t("with two words of width 4 and two heads"), torch.arange(8.0).view(1, 2, 4), 2
    yield t("with a batch of three"), torch.randn(3, 5, 12, generator=g), 4
    yield t("with one head"), torch.randn(1, 3, 4, generator=g), 1
    yield t("with as many heads as words"), torch.randn(2, 3, 6, generator=g), 3
    yield t("with float64"), torch.randn(1, 7, 6, generator=g, dtype=torch.float64), 2


split_heads.mistake(
    "words-mixed",
    lambda x, n_heads: x.reshape(len(x), n_heads, x.shape[1], -1),
    lambda: t(
        "the shape is right, but the pieces lie with the wrong words: cut the width first"
        " ([B, n, h, d_head]), then swap the axes"
    ),
)
split_heads.mistake(
    "not-swapped",
    lambda x, n_heads: x.unflatten(-1, (n_heads, -1)),
    lambda: t("the heads should come before the words: swap the axes 1 and 2"),
)
split_heads.mistake(
    "interleaved",
    lambda x, n_heads: x.unflatten(-1, (-1, n_heads)).permute(0, 3, 1, 2),
    lambda: t("head 0 takes every h-th number; it should take the first d_head in a row"),
)
split_heads.mistake(
    "heads-first",
    lambda x, n_heads: _split(x, n_heads).transpose(0, 1),
    lambda: t("the batch comes first, then the heads"),
)
split_heads.mistake(
    "whole-width",
    lambda x, n_heads: x[:, None].expand(-1, n_heads, -1, -1),
    lambda: t("each head got the whole width; it should get a part of d / h"),
)


def _merge(heads: Tensor) -> Tensor:
    return heads.transpose(1, 2).flatten(2)


@sheet.exercise(
    _merge,
    title=lambda: t("Find the bug: heads put together wrongly"),
    planted="words-mixed",
)
def merge_heads(g: Generator) -> Iterator[Case]:
    yield t("with two heads of two words"), _split(torch.arange(8.0).view(1, 2, 4), 2)
    yield t("with a batch of three"), torch.randn(3, 4, 5, 3, generator=g)
    yield t("with one head"), torch.randn(1, 1, 3, 4, generator=g)
    yield t("with float64"), torch.randn(1, 2, 7, 3, generator=g, dtype=torch.float64)


merge_heads.mistake(
    "words-mixed",
    lambda heads: heads.reshape(len(heads), heads.shape[2], -1),
    lambda: t("the shape is right, yet merging what was split does not give the words back"),
)
merge_heads.mistake(
    "interleaved",
    lambda heads: heads.permute(0, 2, 3, 1).flatten(2),
    lambda: t("the numbers of the heads take turns; each head's should stay together"),
)
merge_heads.mistake(
    "wrong-axes",
    lambda heads: heads.transpose(1, 3).reshape(len(heads), heads.shape[2], -1),
    lambda: t("the wrong axes are swapped: bring the heads next to their width"),
)
merge_heads.mistake(
    "summed",
    lambda heads: heads.sum(1),
    lambda: t("the heads should lie side by side, not be added"),
)


def _weights_in_mib(side: int, heads: int) -> float:
    weights = torch.empty(heads, side**2, side**2, device="meta")  # a shape, no memory
    return weights.numel() * weights.element_size() / 2**20


@sheet.predict(
    title=lambda: t("Predict: what a sharper picture costs"),
    explain=lambda: t(
        "n = side², and the weights are n × n for each head: twice the side is 4 times the cells"
        " and 16 times the memory – if they are stored (F.scaled_dot_product_attention need not)"
    ),
    heads=(6, 8, 12, 16),  # not 4: as many heads as bytes, and two mistakes would be one
)
def predict_memory(heads: int = 8) -> tuple[float, float]:
    return _weights_in_mib(32, heads), _weights_in_mib(64, heads)


predict_memory.mistake(
    "times-two",
    lambda heads: (4 * heads, 8 * heads),
    lambda: t("twice the side is not twice the cells"),
)
predict_memory.mistake(
    "times-four",
    lambda heads: (4 * heads, 16 * heads),
    lambda: t("the cells become 4 times as many, and each looks at 4 times as many"),
)
predict_memory.mistake(
    "one-head",
    lambda: (4, 64),
    lambda: t("that is one head; there are more"),
)
predict_memory.mistake(
    "one-byte",
    lambda heads: (heads, 16 * heads),
    lambda: t("a float32 takes 4 bytes"),
)
predict_memory.mistake(
    "bytes",
    lambda heads: (4 * heads * 2**20, 64 * heads * 2**20),
    lambda: t("these are bytes; the unit asked for is MiB"),
)

# ---- pictures, and a hard choice -----------------------------------------------------------------


def _cells(normalise: Function) -> Function:
    def weights(query: Tensor, features: Tensor) -> Tensor:
        scores = torch.einsum("bd,bdhw->bhw", query, features) / math.sqrt(query.shape[-1])
        return normalise(scores)

    return weights


def _over_cells(scores: Tensor) -> Tensor:
    return scores.flatten(1).softmax(-1).view_as(scores)


@sheet.exercise(
    _cells(_over_cells),
    title=lambda: t("Find the bug: a picture's weights"),
    planted="per-row",
)
def cell_weights(g: Generator) -> Iterator[Case]:
    def case(batch: int, d: int, h: int, w: int, **kind: torch.dtype) -> list[Tensor]:
        return [torch.randn(batch, *s, generator=g, **kind) for s in ((d,), (d, h, w))]

    yield t("with one picture of 3×4 cells"), *case(1, 4, 3, 4)
    yield t("with three pictures"), *case(3, 5, 2, 6)
    yield t("with float64"), *case(2, 8, 5, 3, dtype=torch.float64)


cell_weights.mistake(
    "per-row",
    _cells(lambda scores: scores.softmax(-1)),
    lambda: t("in a picture of 3 rows the weights sum to 3, not to 1"),
)
cell_weights.mistake(
    "per-column",
    _cells(lambda scores: scores.softmax(-2)),
    lambda: t("now each column sums to 1; the whole picture should"),
)
cell_weights.mistake(
    "over-batch",
    _cells(lambda scores: scores.softmax(0)),
    lambda: t("now the pictures of a batch compete with each other"),
)
cell_weights.mistake(
    "over-everything",
    _cells(lambda scores: scores.flatten().softmax(0).view_as(scores)),
    lambda: t("now the whole batch sums to 1; each picture should"),
)
cell_weights.mistake(
    "two-softmaxes",
    _cells(lambda scores: scores.softmax(-1).softmax(-2)),
    lambda: t("two softmaxes in a row are not one softmax over all cells"),
)
cell_weights.mistake(
    "averaged",
    _cells(lambda scores: scores.softmax(-1) / scores.shape[-2]),
    lambda: t("it sums to 1, but each row gets an equal share: the rows do not compete"),
)


def _pointing(weights: Tensor, target: Tensor) -> float:
    peaks = weights.flatten(1).argmax(-1, keepdim=True)
    return target.flatten(1).gather(1, peaks).double().mean().item()


@sheet.exercise(_pointing, title=lambda: t("Write: does it point at the right place?"))
def pointing_accuracy(g: Generator) -> Iterator[Case]:
    def case(batch: int, h: int, w: int, **kind: torch.dtype) -> list[Tensor]:
        weights = torch.randn(batch, h * w, generator=g, **kind).softmax(-1).view(batch, h, w)
        return [weights, torch.rand(batch, h, w, generator=g) < 0.5]

    hit = torch.tensor([[[0.1, 0.4], [0.3, 0.2]]])
    yield t("with one hit"), hit, hit == 0.4
    yield t("with one miss"), hit, hit == 0.3
    yield t("with seven maps of 3×5 cells"), *case(7, 3, 5)
    yield t("with fifty maps of 4×2 cells"), *case(50, 4, 2)
    yield t("with float64"), *case(9, 3, 3, dtype=torch.float64)


pointing_accuracy.mistake(
    "mass",
    lambda weights, target: (weights * target).sum((1, 2)).double().mean().item(),
    lambda: t(
        "this is the weight on the target; what counts is how often the greatest weight lies on it"
    ),
)
pointing_accuracy.mistake(
    "count",
    lambda weights, target: _pointing(weights, target) * len(weights),
    lambda: t("this is the number of hits; divide by the number of maps"),
)
pointing_accuracy.mistake(
    "percent",
    lambda weights, target: _pointing(weights, target) * 100,
    lambda: t("give a share between 0 and 1, not a percentage"),
)
pointing_accuracy.mistake(
    "half",
    lambda weights, target: ((weights * target).sum((1, 2)) > 0.5).double().mean().item(),
    lambda: t("the greatest weight need not be over 0.5: use argmax"),
)
pointing_accuracy.mistake(
    "per-row",
    lambda weights, target: (
        target.gather(2, weights.argmax(2, keepdim=True)).double().mean().item()
    ),
    lambda: t("argmax along one axis gives one cell for each row; a map has one greatest cell"),
)
pointing_accuracy.mistake(
    "over-batch",
    lambda weights, target: float(target.flatten()[weights.argmax()]),
    lambda: t("argmax without flatten(1) gives one cell of the whole batch, not one of each map"),
)


def _additive(inside: Function, after: Function = lambda scores: scores) -> Function:
    def scores(query: Tensor, key: Tensor, w_query: Tensor, w_key: Tensor, v: Tensor) -> Tensor:
        q, k = query @ w_query, key @ w_key
        return after(inside(q[:, :, None], k[:, None]) @ v)

    return scores


def _sum_tanh(q: Tensor, k: Tensor) -> Tensor:
    return (q + k).tanh()


@sheet.exercise(_additive(_sum_tanh), title=lambda: t("Write: additive scores"))
def additive_scores(g: Generator) -> Iterator[Case]:
    def case(batch: int, n: int, m: int, *widths: int, **kind: torch.dtype) -> list[Tensor]:
        d_query, d_key, d = widths
        shapes = (batch, n, d_query), (batch, m, d_key), (d_query, d), (d_key, d), (d,)
        return [torch.randn(shape, generator=g, **kind) for shape in shapes]

    yield t("with one query and three keys"), *case(1, 1, 3, 2, 2, 4)
    yield t("with a batch of three"), *case(3, 2, 5, 4, 6, 3)
    yield t("with as many keys as queries"), *case(2, 4, 4, 3, 5, 2)
    yield t("with float64"), *case(1, 3, 2, 2, 3, 5, dtype=torch.float64)


additive_scores.mistake(
    "tanh-apart",
    _additive(lambda q, k: q.tanh() + k.tanh()),
    lambda: t(
        "tanh of each alone: the query then adds the same to all keys, and softmax takes it out"
        " again; add first, then tanh"
    ),
)
additive_scores.mistake(
    "no-tanh",
    _additive(lambda q, k: q + k),
    lambda: t("tanh is missing; without it the query cannot change which key wins"),
)
additive_scores.mistake(
    "multiplied",
    _additive(lambda q, k: (q * k).tanh()),
    lambda: t("query and key are to be added, not multiplied"),
)
additive_scores.mistake(
    "softmaxed",
    _additive(_sum_tanh, lambda scores: scores.softmax(-1)),
    lambda: t("these are weights; the exercise asks for the scores, before softmax"),
)
additive_scores.mistake(
    "transposed",
    _additive(_sum_tanh, lambda scores: scores.mT),
    lambda: t("the rows should be the queries, the columns the keys"),
)
additive_scores.mistake(
    "scaled",
    lambda query, key, w_query, w_key, v: (
        _additive(_sum_tanh)(query, key, w_query, w_key, v) / math.sqrt(len(v))
    ),
    lambda: t("additive scores are not divided by √d: tanh keeps them small"),
)


def _score_of(logits: Tensor, choice: Tensor) -> Tensor:
    """The gradient of log p(choice) with respect to the logits."""
    return nn.functional.one_hot(choice, logits.shape[-1]) - logits.softmax(-1)


def _reinforce(logits: Tensor, choice: Tensor, reward: Tensor, baseline: float) -> Tensor:
    return (reward - baseline)[:, None] * _score_of(logits, choice)


@sheet.exercise(_reinforce, title=lambda: t("Write: the gradient of a choice (REINFORCE)"))
def choice_gradient(g: Generator) -> Iterator[Case]:
    def case(draws: int, m: int, baseline: float, dtype: torch.dtype = torch.float32) -> list:
        logits = torch.randn(draws, m, generator=g, dtype=dtype)
        choice = torch.randint(m, (draws,), generator=g)
        return [logits, choice, torch.rand(draws, generator=g, dtype=dtype), baseline]

    yield t("with one draw of three cells, baseline 0"), *case(1, 3, 0.0)
    yield t("with five draws, baseline 0"), *case(5, 4, 0.0)
    yield t("with a baseline"), *case(5, 4, 0.4)
    yield t("with as many draws as cells"), *case(3, 3, 0.25)
    yield t("with float64"), *case(1, 7, 0.5, torch.float64)


choice_gradient.mistake(
    "descends",
    lambda *args: -_reinforce(*args),
    lambda: t("the sign is wrong: a rewarded choice becomes rarer"),
)
choice_gradient.mistake(
    "no-baseline",
    lambda logits, choice, reward, baseline: _reinforce(logits, choice, reward, 0.0),
    lambda: t("the baseline is not subtracted from the reward"),
)
choice_gradient.mistake(
    "baseline-added",
    lambda logits, choice, reward, baseline: _reinforce(logits, choice, reward, -baseline),
    lambda: t("the baseline is to be subtracted, not added"),
)
choice_gradient.mistake(
    "no-probabilities",
    lambda logits, choice, reward, baseline: (
        (reward - baseline)[:, None] * nn.functional.one_hot(choice, logits.shape[-1])
    ),
    lambda: t(
        "only the chosen cell has a gradient; softmax ties the cells together: subtract p in"
        " every one"
    ),
)
choice_gradient.mistake(
    "of-probability",
    lambda logits, choice, reward, baseline: (
        logits.softmax(-1).gather(1, choice[:, None]) * _reinforce(logits, choice, reward, baseline)
    ),
    lambda: t("this is the gradient of p, not of log p; the draw has already brought in one p"),
)
choice_gradient.mistake(
    "averaged",
    lambda logits, choice, reward, baseline: (
        _reinforce(logits, choice, reward, baseline) / len(logits)
    ),
    lambda: t("give one estimate for each draw, not divided by the number of draws"),
)
