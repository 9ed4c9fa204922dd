"""The checks of lesson 04's exercises: cases, references and known mistakes."""

import contextlib
import copy
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
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


def _gram(features: Tensor) -> Tensor:
    rows = features.flatten(-2)
    return rows @ rows.mT / rows.shape[-1]


def _moved(features: Tensor, g: Generator) -> Tensor:
    """Features [N, C, H, W] with their places shuffled, in each picture otherwise."""
    orders = [torch.randperm(features[0, 0].numel(), generator=g) for _ in features]
    rows = zip(features.flatten(2), orders, strict=True)
    return torch.stack([row[:, order] for row, order in rows]).view_as(features)


# ---- the Gram matrix -----------------------------------------------------------------------------


@sheet.predict(
    title=lambda: t("Predict: what moves, and what the Gram matrix sees of it"),
    explain=lambda a, b: t(
        "the content loss compares place by place, and every place has changed, by {a} in one"
        " channel and by {b} in the other. The Gram matrix sums over all places, so it does not see"
        " where anything is; but it sees that two channels that never answered together now do",
        a=a,
        b=b,
    ),
    a=(2, 4, 6),
    b=(1, 3, 5),
)
def predict_moved(a: int = 2, b: int = 3) -> tuple[float, float, float]:
    before = torch.zeros(1, 2, 4, 4)
    before[0, 0, :, :2], before[0, 1, :, 2:] = a, b
    both, one = before.flip(3), before.clone()
    one[:, 1] = before[:, 1].flip(2)

    def change(after: Tensor) -> float:
        return (_gram(after) - _gram(before)).abs().max().item()

    return (both - before).square().mean().item(), change(both), change(one)


def _moves(
    content: Callable[[int, int], float] = lambda a, b: (a * a + b * b) / 2,
    both: Callable[[int, int], float] = lambda a, b: 0,
    one: Callable[[int, int], float] = lambda a, b: a * b / 2,
) -> Callable[[int, int], tuple[float, float, float]]:
    return lambda a, b: (content(a, b), both(a, b), one(a, b))


predict_moved.mistake(
    "gram-sees-places",
    _moves(both=lambda a, b: a * b / 2),
    lambda: t(
        "when both move, the vectors of the places stay what they are, and only their order"
        " changes: a sum does not see that"
    ),
)
predict_moved.mistake(
    "content-sees-nothing",
    _moves(content=lambda a, b: 0),
    lambda: t("the content loss compares each place with the same place: it sees the move"),
)
predict_moved.mistake(
    "half-the-places",
    _moves(content=lambda a, b: (a * a + b * b) / 4),
    lambda: t("every place has changed: where there was a number there is 0, and the reverse"),
)
predict_moved.mistake(
    "channels-added",
    _moves(content=lambda a, b: a * a + b * b),
    lambda: t(
        "the mean goes over the channels too: one half of the numbers is of the first channel, the"
        " other of the second"
    ),
)
predict_moved.mistake(
    "not-divided",
    _moves(one=lambda a, b: 8 * a * b),
    lambda: t("here the Gram matrix is divided by the number of places, 16"),
)
predict_moved.mistake(
    "everywhere-together",
    _moves(one=lambda a, b: a * b),
    lambda: t("the two channels now meet in half of the places; in the other half both are 0"),
)
predict_moved.mistake(
    "never-together",
    _moves(one=lambda a, b: 0),
    lambda: t(
        "one channel moved without the other, so the vectors themselves are others now: see the"
        " entry off the diagonal"
    ),
)


@sheet.exercise(
    _gram,
    title=lambda: t("Write: the Gram matrix"),
    library=("gram_matrix", "GramMatrix", "StyleObjective"),
)
def gram_matrix(g: Generator) -> Iterator[Case]:
    def case(*shape: int, **kind: torch.dtype) -> Tensor:
        return 0.3 + torch.randn(*shape, generator=g, **kind)

    yield t("with two channels on three places"), torch.tensor([[[[1.0, 2, 0]], [[3.0, 0, 1]]]])
    yield t("with three pictures of 5×2 places"), case(3, 4, 5, 2)
    yield t("with one place"), case(2, 3, 1, 1)
    yield t("with one channel"), case(2, 1, 3, 3)
    yield t("with as many places as channels"), case(2, 6, 2, 3)
    yield t("with float64"), case(2, 3, 4, 7, dtype=torch.float64)


def _folded(features: Tensor) -> Tensor:
    return _gram(features.flatten(0, 1)[None])[0]


def _one_gram(features: Tensor) -> Tensor:
    """The places of all pictures in one sum [C, C]."""
    return _gram(features.transpose(0, 1).flatten(1)[..., None])


def _misread(features: Tensor) -> Tensor:
    return _gram(features.reshape(len(features), -1, features.shape[1]).mT[..., None])


def _centred(features: Tensor) -> Tensor:
    return _gram(features - features.mean((-2, -1), keepdim=True))


gram_matrix.mistake(
    "folded",
    _folded,
    lambda: t(
        "you folded the pictures into the channels: then the Gram matrix also has products of one"
        " picture with another. A matrix for each picture, [N, C, C]"
    ),
)
gram_matrix.mistake(
    "one-gram",
    _one_gram,
    lambda: t("you summed over the pictures too: each picture has a Gram matrix of its own"),
)
gram_matrix.mistake(
    "not-divided",
    lambda features: _gram(features) * features[0, 0].numel(),
    lambda: t("divide by the number of places, H·W; else a larger picture has a larger matrix"),
)
gram_matrix.mistake(
    "channels-too",
    lambda features: _gram(features) / features.shape[1],
    lambda: t(
        "you divided by C·H·W. That convention exists (Johnson et al. 2016); here it is H·W alone"
    ),
)
gram_matrix.mistake(
    "batch-too",
    lambda features: _gram(features) / len(features),
    lambda: t("you divided by the number of pictures too; each one stands alone"),
)
gram_matrix.mistake(
    "places",
    lambda features: features.flatten(2).mT @ features.flatten(2) / features[0, 0].numel(),
    lambda: t("these are products of places, summed over channels: the other way round"),
)
gram_matrix.mistake(
    "misread",
    _misread,
    lambda: t(
        "the numbers of a channel lie together in memory: flatten(2) keeps them so, but"
        " reshape(N, H·W, C) cuts across them"
    ),
)
gram_matrix.mistake(
    "centred",
    _centred,
    lambda: t("you took the means off first: that is a covariance. The Gram matrix keeps them"),
)
gram_matrix.mistake(
    "cosines",
    lambda features: (
        _gram(nn.functional.normalize(features.flatten(2), dim=2)[..., None])
        * features[0, 0].numel()
    ),
    lambda: t("you brought the channels to length 1: how strongly they answer is lost"),
)


def _batch_style(
    gram: Function = _gram, reduce: Callable[[Tensor], Tensor] = torch.mean
) -> Function:
    return lambda pictures, styles: reduce((gram(pictures) - gram(styles)).square())


@sheet.exercise(
    _batch_style(),
    title=lambda: t("Find the bug: the pictures of a batch meddle with each other"),
    planted="folded",
)
def batch_style(g: Generator) -> Iterator[Case]:
    def case(n: int, c: int, own: tuple[int, int], other: tuple[int, int], **kind: Any) -> list:
        return [torch.randn(n, c, *size, generator=g, **kind) for size in (own, other)]

    styles = torch.randn(2, 3, 4, 4, generator=g)
    yield t("with two pictures in the right styles, shuffled"), _moved(styles, g), styles
    yield t("with three pictures"), *case(3, 2, (4, 5), (4, 5))
    yield t("with one picture"), *case(1, 4, (3, 3), (3, 3))
    yield t("with styles of another size"), *case(2, 3, (4, 4), (2, 5))
    yield t("with float64"), *case(4, 2, (3, 2), (3, 2), dtype=torch.float64)


batch_style.mistake(
    "folded",
    _batch_style(_folded),
    lambda: t(
        "two pictures that have exactly the Gram matrices of their styles get a loss all the same."
        " What is summed up there besides?"
    ),
)
batch_style.mistake(
    "one-gram",
    _batch_style(_one_gram),
    lambda: t(
        "now there is one Gram matrix for the whole batch: one picture may have too much red if"
        " another one has too little"
    ),
)
batch_style.mistake(
    "misread",
    _batch_style(_misread),
    lambda: t(
        "per picture now; but the numbers of a channel lie together in memory: reshape to"
        " [n, c, h·w], not to [n, h·w, c]"
    ),
)
batch_style.mistake(
    "first-only",
    _batch_style(lambda features: _gram(features[:1])),
    lambda: t("only the first picture counts"),
)
batch_style.mistake(
    "summed",
    _batch_style(reduce=torch.sum),
    lambda: t("this is the sum; the mean, as it was, does not grow with the batch"),
)
batch_style.mistake(
    "not-divided",
    _batch_style(lambda features: _gram(features) * features[0, 0].numel()),
    lambda: t("per picture now; but the division by the number of places got lost"),
)
batch_style.mistake(
    "channels-too",
    _batch_style(lambda features: _gram(features) / features.shape[1]),
    lambda: t("per picture now; but you divided by the channels too, and only H·W was meant"),
)
batch_style.mistake(
    "batch-too",
    _batch_style(lambda features: _gram(features) / len(features)),
    lambda: t("per picture now; but you divided by the number of pictures too"),
)


@sheet.predict(
    title=lambda: t("Predict: how the Gram matrix grows"),
    explain=lambda k, n: t(
        "an entry is a sum of products of two features, so {k} · {k}; its square has four factors"
        " {k}; and ‖A‖² has them too, so they cancel. {n} × {n} tiles are so many times the places"
        " to sum over",
        k=k,
        n=n,
    ),
    k=(2, 3, 5),
    n=(2, 3, 4),
)
def predict_growth(k: int = 3, n: int = 2) -> tuple[float, float, float, float]:
    x, y = torch.arange(12.0).view(1, 3, 2, 2), torch.ones(1, 3, 2, 2)
    x[0, :, 0, 0] = torch.tensor([5.0, -1, 2])

    def error(scale: int) -> Tensor:
        return (_gram(scale * x) - _gram(scale * y)).square().sum()

    norm = (_gram(k * y).square().sum() / _gram(y).square().sum()).item()
    tiled = x.tile(1, 1, n, n)
    grown = _gram(tiled)[0, 0, 0] * tiled[0, 0].numel() / (_gram(x)[0, 0, 0] * x[0, 0].numel())
    entry = (_gram(k * x)[0, 0, 0] / _gram(x)[0, 0, 0]).item()
    whole = (error(k) / error(1)).item()
    return entry, whole, whole / norm, grown.item()


def _growth(
    entry: Callable[[int], float] = lambda k: k**2,
    error: Callable[[int], float] = lambda k: k**4,
    share: Callable[[int], float] = lambda k: 1,
    tiled: Callable[[int], float] = lambda n: n**2,
) -> Callable[[int, int], tuple[float, ...]]:
    return lambda k, n: (entry(k), error(k), share(k), tiled(n))


predict_growth.mistake(
    "linear",
    _growth(entry=lambda k: k, error=lambda k: k**2),
    lambda: t("each entry is a sum of products of two features, and both have grown"),
)
predict_growth.mistake(
    "error-not-squared",
    _growth(error=lambda k: k**2),
    lambda: t("the difference of the matrices grows k²-fold; then it is squared"),
)
predict_growth.mistake(
    "not-cancelled",
    _growth(share=lambda k: k**2),
    lambda: t("‖A‖² grows exactly as ‖G − A‖² does: their ratio stays"),
)
predict_growth.mistake(
    "not-cancelled",
    _growth(share=lambda k: k**4),
    lambda: t("‖A‖² grows exactly as ‖G − A‖² does: their ratio stays"),
)
predict_growth.mistake(
    "divided",
    _growth(tiled=lambda n: 1),
    lambda: t("so it is with the division by the number of places; this matrix is not divided"),
)
predict_growth.mistake(
    "one-side",
    _growth(tiled=lambda n: n),
    lambda: t("the tiles fill an area: n along each side, n² in all"),
)
predict_growth.mistake(
    "tiles-squared",
    _growth(tiled=lambda n: n**4),
    lambda: t("so the squared error grows; an entry is a sum over the places, of which n² as many"),
)


def _layers(
    gram: Function = _gram,
    error: Callable[[Tensor, Tensor], Tensor] = lambda got, wanted: (
        (got - wanted).square().sum() / wanted.square().sum()
    ),
    reduce: Callable[[Tensor], Tensor] = torch.mean,
) -> Function:
    """One number of all layers, from the `error` of each one's two Gram matrices."""

    def loss(features: Sequence[Tensor], styles: Sequence[Tensor]) -> Tensor:
        pairs = zip(features, styles, strict=True)
        return reduce(torch.stack([error(gram(f), gram(s)) for f, s in pairs]))

    return loss


def _undivided(features: Tensor) -> Tensor:
    return _gram(features) * features[0].numel()


def _squares(got: Tensor, wanted: Tensor) -> Tensor:
    return (got - wanted).square().sum()


def _in_one(features: Sequence[Tensor], styles: Sequence[Tensor]) -> Tensor:
    nothing = [torch.zeros_like(s) for s in styles]
    whole = _layers(error=_squares, reduce=torch.sum)
    return whole(features, styles) / whole(nothing, styles)


@sheet.exercise(
    _layers(),
    title=lambda: t("Find the bugs: one layer drowns all the others"),
    planted="not-normalised",
)
def style_loss(g: Generator) -> Iterator[Case]:
    def layers(*shapes: tuple[int, int, int], **kind: torch.dtype) -> list[Tensor]:
        scale = [1, 0.3, 4]  # layers answer with different strength
        return [
            scale[i % 3] * torch.randn(*shape, generator=g, **kind)
            for i, shape in enumerate(shapes)
        ]

    pattern = layers((2, 3, 3), (4, 2, 2))
    yield t("with the same pattern, twice as large"), [p.tile(1, 2, 2) for p in pattern], pattern
    shapes = (3, 4, 4), (5, 2, 2), (2, 1, 3)
    yield t("with three layers"), layers(*shapes), layers(*shapes)
    yield t("with one layer"), layers((4, 3, 2)), layers((4, 3, 2))
    yield (
        t("with a style of another size"),
        layers((3, 4, 2), (2, 2, 1)),
        layers((3, 2, 3), (2, 1, 3)),
    )
    wide = [layers((2, 3, 3), (3, 2, 2), dtype=torch.float64) for _ in range(2)]
    yield t("with float64"), *wide


style_loss.mistake(
    "not-normalised",
    _layers(_undivided, _squares),
    lambda: t(
        "the same pattern, merely twice as large, has a great loss; and a layer that answers"
        " strongly makes up nearly all of it"
    ),
)
style_loss.mistake(
    "norm-missing",
    _layers(error=_squares),
    lambda: t(
        "the size of the picture is out of it now; but a layer that answers 4 times as strongly"
        " still counts 256 times as much: divide each layer's error by ‖A‖²"
    ),
)
style_loss.mistake(
    "norm-missing",
    _layers(error=lambda got, wanted: (got - wanted).square().mean()),
    lambda: t(
        "the size of the picture is out of it now; but a layer that answers 4 times as strongly"
        " still counts 256 times as much: divide each layer's error by ‖A‖²"
    ),
)
style_loss.mistake(
    "places-missing",
    _layers(_undivided),
    lambda: t(
        "every layer counts alike now; but a larger picture still has larger matrices: divide each"
        " one by its own number of places"
    ),
)
style_loss.mistake(
    "norm-not-squared",
    _layers(error=lambda got, wanted: _squares(got, wanted) / wanted.square().sum().sqrt()),
    lambda: t("squares are divided by squares: ‖A‖², not ‖A‖"),
)
style_loss.mistake(
    "not-squared",
    _layers(error=lambda got, wanted: _squares(got, wanted).sqrt() / wanted.norm()),
    lambda: t("this is ‖G − A‖ / ‖A‖, the root: both are squared"),
)
style_loss.mistake(
    "own-norm",
    _layers(error=lambda got, wanted: _squares(got, wanted) / got.square().sum()),
    lambda: t(
        "you divide by the norm of the picture's own matrix, which changes as it is painted; the"
        " style's stays"
    ),
)
style_loss.mistake(
    "mean-over-sum",
    _layers(error=lambda got, wanted: (got - wanted).square().mean() / wanted.square().sum()),
    lambda: t("above a mean, below a sum: the layer counts the less the more channels it has"),
)
style_loss.mistake(
    "layers-summed",
    _layers(reduce=torch.sum),
    lambda: t("right for each layer; return their mean, not their sum"),
)
style_loss.mistake(
    "all-in-one",
    _in_one,
    lambda: t("divide in each layer, before you take the mean: else the strong layer rules still"),
)


def _mmd(
    kernel: Callable[[Tensor, Tensor], Tensor] = lambda a, b: (a @ b.T).square(),
    reduce: Callable[[Tensor], Tensor] = torch.mean,
    both: float = 2.0,
    own: Callable[[Tensor], Tensor] | None = None,
) -> Function:
    def discrepancy(x: Tensor, y: Tensor) -> Tensor:
        mean = own or reduce
        return mean(kernel(x, x)) + mean(kernel(y, y)) - both * reduce(kernel(x, y))

    return discrepancy


def _off_diagonal(table: Tensor) -> Tensor:
    return (table.sum() - table.diagonal().sum()) / (table.numel() - len(table))


@sheet.exercise(
    _mmd(),
    title=lambda: t("Write: the style loss as a distance of two clouds"),
    library=("gram_matrix",),
)
def squared_mmd(g: Generator) -> Iterator[Case]:
    def case(n: int, m: int, c: int, **kind: torch.dtype) -> list:
        return [0.4 + torch.randn(size, c, generator=g, **kind) for size in (n, m)]

    cloud = torch.tensor([[1.0, 0], [0, 2]])
    yield t("with two places and three"), cloud, torch.tensor([[1.0, 1], [2, 0], [0, 1]])
    yield t("with the same places in another order"), cloud, cloud.flip(0)
    yield t("with six places and four"), *case(6, 4, 3)
    yield t("with as many places as channels"), *case(5, 5, 5)
    yield t("with float64"), *case(3, 7, 4, dtype=torch.float64)


squared_mmd.mistake(
    "not-squared",
    _mmd(lambda a, b: a @ b.T),
    lambda: t(
        "the kernel is the square of the dot product. Without the square, only the means of the"
        " two clouds are compared"
    ),
)
squared_mmd.mistake(
    "squared-late",
    lambda x, y: sum(
        sign * (a @ b.T).mean().square() for sign, a, b in ((1, x, x), (1, y, y), (-2, x, y))
    ),
    lambda: t("square each dot product first, then take the mean over the pairs"),
)
squared_mmd.mistake(
    "distances",
    _mmd(lambda a, b: (a[:, None] - b).square().sum(-1)),
    lambda: t("these are squared distances; the kernel is the squared dot product"),
)
squared_mmd.mistake(
    "each-number-squared",
    _mmd(lambda a, b: a.square() @ b.square().T),
    lambda: t("first the whole dot product, then the square: (x · y)²"),
)
squared_mmd.mistake(
    "summed",
    _mmd(reduce=torch.sum),
    lambda: t("means, not sums: the clouds may be of different size"),
)
squared_mmd.mistake(
    "once",
    _mmd(both=1),
    lambda: t("the mixed mean is taken off twice; or two equal clouds would not be at distance 0"),
)
squared_mmd.mistake(
    "added",
    _mmd(both=-2),
    lambda: t("the mixed mean is taken off, not added"),
)
squared_mmd.mistake(
    "without-itself",
    _mmd(own=_off_diagonal),
    lambda: t(
        "you left out the pairs of a place with itself. That is another estimate (the unbiased"
        " one); here all pairs count"
    ),
)
squared_mmd.mistake(
    "rooted",
    lambda x, y: _mmd()(x, y).clamp(min=0).sqrt(),
    lambda: t("leave it squared: no root at the end"),
)
squared_mmd.mistake(
    "channels-paired",
    lambda x, y: (
        (x.T @ x).square().mean() + (y.T @ y).square().mean() - 2 * (x.T @ x * (y.T @ y)).mean()
    ),
    lambda: t("here channels are paired with channels, x.T @ x; the pairs are of places, x @ x.T"),
)


# ---- painting pixels -----------------------------------------------------------------------------


def _captured(
    keep: Callable[[Tensor], Tensor] = torch.clone,
    input_too: bool = False,
    kinds: tuple[type, ...] = (nn.Conv2d,),
    skip: tuple[type, ...] = (),
) -> Callable[[nn.Module, Tensor], list[Tensor]]:
    def captured(net: nn.Module, x: Tensor) -> list[Tensor]:
        features = []
        for layer in net:
            before = x.clone()
            x = x if isinstance(layer, skip) else layer(x)
            if isinstance(layer, kinds):
                features.append(before if input_too else keep(x))
        return features

    return captured


@sheet.exercise(
    _captured(),
    title=lambda: t("Find the bug: features that change after they were kept"),
    planted="overwritten",
    gradients=True,
)
def captured_features(g: Generator) -> Iterator[Case]:
    def net(*widths: int, bent: bool = True, pool: bool = False, **kind: torch.dtype) -> nn.Module:
        layers: list[nn.Module] = []
        with _seeded(g):
            for i, (before, after) in enumerate(itertools.pairwise(widths)):
                layers += [nn.Conv2d(before, after, 2, **kind)]
                layers += [nn.ReLU(inplace=True)] * (bent or i < len(widths) - 2)
                layers += [nn.AvgPool2d(2)] * pool
        return nn.Sequential(*layers).requires_grad_(False)

    def picture(n: int, c: int, h: int, w: int, **kind: torch.dtype) -> Tensor:
        return torch.randn(n, c, h, w, generator=g, **kind).requires_grad_()

    wide = torch.float64  # which is convolved much faster at this size
    yield t("with two convolutions"), net(1, 2, 2), picture(1, 1, 4, 3)
    net_and_picture = net(3, 4, 2, bent=False, dtype=wide), picture(2, 3, 4, 4, dtype=wide)
    yield t("with no ReLU after the last layer"), *net_and_picture
    net_and_picture = net(2, 3, 4, pool=True, dtype=wide), picture(1, 2, 8, 7, dtype=wide)
    yield t("with pooling in between"), *net_and_picture


captured_features.mistake(
    "overwritten",
    _captured(torch.relu),
    lambda: t(
        "none of the features that you return is negative, though a convolution has no reason to"
        " avoid that. They were right when they were kept; what happened to them since?"
    ),
)
captured_features.mistake(
    "inputs",
    _captured(input_too=True),
    lambda: t("this is what goes into the convolutions, not what comes out"),
)
captured_features.mistake(
    "not-bent",
    _captured(skip=(nn.ReLU,)),
    lambda: t(
        "nothing is overwritten now, because ReLU is left out: but then the next convolution gets"
        " the wrong input"
    ),
)
captured_features.mistake(
    "every-layer",
    _captured(kinds=(nn.Module,)),
    lambda: t("keep the outputs of the convolutions alone"),
)
captured_features.mistake(
    "every-layer",
    _captured(kinds=(nn.Conv2d, nn.ReLU)),
    lambda: t("keep the outputs of the convolutions alone"),
)
captured_features.mistake(
    "last-only",
    lambda net, x: _captured()(net, x)[-1:],
    lambda: t("only the last convolution is there; keep them all"),
)
captured_features.mistake(
    "reversed",
    lambda net, x: _captured()(net, x)[::-1],
    lambda: t("the right features, the last first: keep them in the order of the network"),
)
captured_features.mistake(
    "sizes",
    lambda net, x: [f.abs() for f in _captured()(net, x)],
    lambda: t("the signs are lost: keep the numbers as the convolution made them"),
)


def _each(x: Tensor, reduce: Callable[..., Tensor] = torch.mean) -> Tensor:
    """One number for each picture of [N, C, H, W]."""
    return reduce(x.flatten(1), dim=1)


def _variation(
    size: Callable[[Tensor], Tensor] = torch.square,
    reduce: Callable[..., Tensor] = torch.mean,
    axes: tuple[int, ...] = (2, 3),
) -> Function:
    return lambda x: sum(_each(size(x.diff(dim=axis)), reduce) for axis in axes)


def _together(x: Tensor) -> Tensor:
    return _each(torch.cat([x.diff(dim=axis).square().flatten(1) for axis in (2, 3)], 1))


@sheet.exercise(
    _variation(),
    title=lambda: t("Write: the variation loss"),
    library=("variation_loss", "total_variation", "total_variation_loss"),
)
def variation_loss(g: Generator) -> Iterator[Case]:
    def case(*shape: int, **kind: torch.dtype) -> Tensor:
        return torch.rand(*shape, generator=g, **kind)

    yield t("with six pixels"), torch.tensor([[[[0.0, 1, 1], [0, 3, 1]]]])
    yield t("with two pictures of 5×3 pixels"), case(2, 3, 5, 3)
    yield t("with a picture of one colour"), torch.full((1, 3, 4, 4), 0.6)
    yield t("with as many rows as channels"), case(2, 4, 4, 6)
    yield t("with float64"), case(1, 3, 2, 7, dtype=torch.float64)


variation_loss.mistake(
    "sizes",
    _variation(torch.abs),
    lambda: t("these are the absolute differences; their squares are wanted"),
)
variation_loss.mistake(
    "summed",
    _variation(reduce=torch.sum),
    lambda: t("means, not sums: else a larger picture has a larger loss"),
)
for _axis in (2, 3):
    variation_loss.mistake(
        "one-direction",
        _variation(axes=(_axis,)),
        lambda: t("neighbours above and below as well as left and right; one of the two is lost"),
    )
variation_loss.mistake(
    "wrong-axes",
    _variation(axes=(1, 2)),
    lambda: t("the axes are [N, C, H, W]: rows are axis 2, columns axis 3"),
)
variation_loss.mistake(
    "colours-too",
    _variation(axes=(1, 2, 3)),
    lambda: t("red and green of one pixel are no neighbours: only axes 2 and 3"),
)
variation_loss.mistake(
    "round-the-edge",
    lambda x: sum(_each((x - x.roll(1, axis)).square()) for axis in (2, 3)),
    lambda: t("roll compares the first row with the last one: they are no neighbours"),
)
variation_loss.mistake(
    "one-mean",
    _together,
    lambda: t("take the mean of the vertical differences and that of the horizontal, and add them"),
)
variation_loss.mistake(
    "halved",
    lambda x: _variation()(x) / 2,
    lambda: t("the two means are added, not averaged"),
)
variation_loss.mistake(
    "one-number",
    lambda x: _variation()(x).mean(),
    lambda: t("this is one number for the whole batch; each picture has a loss of its own, [N]"),
)
variation_loss.mistake(
    "rooted",
    lambda x: _variation()(x).sqrt(),
    lambda: t("no root at the end"),
)


def _spread(content: Tensor) -> Tensor:
    """Mean squared distance of features [C, H, W] from their channel's mean."""
    return (content - content.mean((1, 2), keepdim=True)).square().mean()


def _objective(
    layer: int = -1,
    spread: Callable[..., Tensor] = lambda content, own: _spread(content),
    gram: Function = _gram,
    reduce: Callable[[Tensor], Tensor] = torch.mean,
    norm: Callable[[Tensor, Tensor], Tensor] = lambda got, wanted: wanted.square().sum(),
    shown: Callable[..., tuple[Tensor, ...]] = lambda c, s, v, ws, wv: (
        c,
        s,
        v,
        c + ws * s + wv * v,
    ),
) -> Some:
    def objective(
        x: Tensor,
        features: Sequence[Tensor],
        content: Tensor,
        grams: Sequence[Tensor],
        style_weight: float,
        variation_weight: float,
    ) -> tuple[Tensor, ...]:
        own = features[layer]
        of_content = (own - content).square().mean() / spread(content, own)
        pairs = [(gram(f), wanted) for f, wanted in zip(features, grams, strict=True)]
        of_style = reduce(torch.stack([_squares(*pair) / norm(*pair) for pair in pairs]))
        of_pixels = _variation()(x[None])[0]
        return shown(of_content, of_style, of_pixels, style_weight, variation_weight)

    return objective


def _by_channels(*arguments: Any) -> tuple[Tensor, ...]:
    """The content loss as a mean of quotients, one for each channel."""
    _, features, content, _, *weights = arguments
    error = (features[-1] - content).square().mean((1, 2))
    quotients = error / content.var((1, 2), correction=0)
    _, of_style, of_pixels, _ = _objective()(*arguments)
    terms = quotients.mean(), of_style, of_pixels
    return *terms, sum(w * term for w, term in zip((1, *weights), terms, strict=True))


@sheet.exercise(
    _objective(),
    title=lambda: t("Write: what the pixels are asked for"),
    library=("StyleObjective", "content_loss", "style_loss"),
    gradients=True,
)
def objective(g: Generator) -> Iterator[Case]:
    def case(side: int, channels: list[int], weights: list[float], **kind: torch.dtype) -> list:
        # every layer is of one shape, so that the wrong one has a content loss too
        features = [
            ((i + 1) * torch.randn(c, side, side, generator=g, **kind)).requires_grad_()
            for i, c in enumerate(channels)
        ]
        styles = [2 * torch.randn(c, side, side + 1, generator=g, **kind) for c in channels]
        content = 0.5 + torch.randn(channels[-1], side, side, generator=g, **kind)
        x = torch.rand(3, 2 * side, 2 * side, generator=g, **kind).requires_grad_()
        return [x, features, content, [_gram(s) for s in styles], *weights]

    x = torch.tensor([[[0.0, 1], [0, 1]]], requires_grad=True)
    feature = torch.tensor([[[1.0, 3]]], requires_grad=True)
    content = torch.tensor([[[0.0, 2]]])
    yield t("with one layer of one channel"), x, [feature], content, [torch.ones(1, 1)], 2.0, 3.0
    yield t("with three layers"), *case(2, [3, 3, 3], [30.0, 10.0])
    yield t("with two layers, and no weight on the pixels"), *case(3, [2, 2], [5.0, 0.0])
    yield t("with float64"), *case(2, [4, 4], [3.0, 7.0], dtype=torch.float64)


_mistake = objective.mistake
_mistake(
    "content-not-divided",
    _objective(spread=lambda content, own: torch.ones_like(content.sum())),
    lambda: t("divide the content loss by how much the content's features vary"),
)
_mistake(
    "whole-variance",
    _objective(spread=lambda content, own: (content - content.mean()).square().mean()),
    lambda: t("each channel varies around a mean of its own: take the mean over places alone"),
)
_mistake(
    "not-centred",
    _objective(spread=lambda content, own: content.square().mean()),
    lambda: t("this is the mean square; take the channel's mean off first"),
)
_mistake(
    "standard-deviation",
    _objective(spread=lambda content, own: _spread(content).sqrt()),
    lambda: t("squares are divided by squares: the variance, not its root"),
)
_mistake(
    "standard-deviation",
    _objective(spread=lambda content, own: content.std((1, 2), correction=0).mean()),
    lambda: t("squares are divided by squares: the variance, not its root"),
)
_mistake(
    "channel-by-channel",
    _by_channels,
    lambda: t(
        "one quotient for the whole layer: the mean error over the mean variance, not the mean of"
        " the channels' quotients"
    ),
)
_mistake(
    "unbiased",
    _objective(spread=lambda content, own: content.var((1, 2)).mean()),
    lambda: t("var divides by n − 1 unless you say correction=0; here it is the plain mean"),
)
_mistake(
    "own-variance",
    _objective(spread=lambda content, own: _spread(own)),
    lambda: t(
        "divide by the variance of the content's features, which stays, not by the picture's"
    ),
)
_mistake(
    "first-layer",
    _objective(layer=0),
    lambda: t("the content is compared in the last layer of the list, not in the first"),
)
_mistake(
    "gram-not-divided",
    _objective(gram=_undivided),
    lambda: t("the Gram matrices of the style are divided by the number of places: yours not"),
)
_mistake(
    "norm-missing",
    _objective(norm=lambda got, wanted: torch.ones_like(wanted.sum())),
    lambda: t("divide the error of each layer by ‖A‖²"),
)
_mistake(
    "own-norm",
    _objective(norm=lambda got, wanted: got.square().sum()),
    lambda: t(
        "you divide by the norm of the picture's own matrix, which changes as it is painted; the"
        " style's stays"
    ),
)
_mistake(
    "layers-summed",
    _objective(reduce=torch.sum),
    lambda: t("the style's term is the mean over the layers, not the sum"),
)
_mistake(
    "weights-swapped",
    _objective(shown=lambda c, s, v, ws, wv: (c, s, v, c + wv * s + ws * v)),
    lambda: t("the two weights are swapped"),
)
_mistake(
    "weighted-twice-told",
    _objective(shown=lambda c, s, v, ws, wv: (c, ws * s, wv * v, c + ws * s + wv * v)),
    lambda: t("return the three terms without their weights: only the sum has them"),
)
_mistake(
    "content-lost",
    _objective(shown=lambda c, s, v, ws, wv: (c, s, v, ws * s + wv * v)),
    lambda: t("the content is not in the sum"),
)
_mistake(
    "no-weights",
    _objective(shown=lambda c, s, v, ws, wv: (c, s, v, c + s + v)),
    lambda: t("the sum has no weights"),
)


def _pixels(
    frozen: bool = True,
    judging: bool = True,
    reduce: Callable[[Tensor], Tensor] = torch.mean,
    where: Callable[[Tensor, Tensor], Tensor] = lambda x, gradient: gradient,
) -> Callable[..., tuple[Tensor, Tensor, float]]:
    def pixels(net: nn.Module, x: Tensor, target: Tensor) -> tuple[Tensor, Tensor, float]:
        net.train(not judging).requires_grad_(not frozen)
        x = x.clone().requires_grad_()
        loss = reduce((net(x) - target).square())
        loss.backward()
        taught = sum(p.grad is not None for p in net.parameters())
        return loss.detach(), where(x.detach(), x.grad), taught

    return pixels


@sheet.exercise(
    _aside(_pixels()),
    title=lambda: t("Find the bugs: a judge that keeps learning"),
    planted="learning",
    untaught=True,
)
def pixel_gradient(g: Generator) -> Iterator[Case]:
    def case(n: int, out: int, side: int, met: bool = False, **kind: torch.dtype) -> list:
        with _seeded(g):
            norm = nn.BatchNorm2d(3, **kind)
            last = nn.Linear(3 * side**2, out, **kind)
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 3)
        net = nn.Sequential(norm, nn.SiLU(), nn.Flatten(), last)
        x = torch.randn(n, 3, side, side, generator=g, **kind)
        with torch.no_grad():
            target = net.eval()(x)
        noise = 0 if met else torch.randn(target.shape, generator=g, **kind)
        return [net.train(), x, target + noise]

    yield t("with a picture that has its target's features"), *case(1, 2, 3, met=True)
    yield t("with two pictures"), *case(2, 3, 4)
    yield t("with one picture"), *case(1, 4, 3)
    yield t("with float64"), *case(3, 2, 3, dtype=torch.float64)


_mistake = pixel_gradient.mistake
_mistake(
    "learning",
    _aside(_pixels(frozen=False, judging=False)),
    lambda: t(
        "the picture has exactly the features that are wanted, and still there is a loss; and the"
        " network's own weights get gradients"
    ),
)
_mistake(
    "not-frozen",
    _aside(_pixels(frozen=False)),
    lambda: t(
        "eval is right; but the weights still get gradients: they cost about as much time again as"
        " those of the pixels, and an optimizer that has them would train the judge"
    ),
)
_mistake(
    "not-eval",
    _aside(_pixels(judging=False)),
    lambda: t(
        "no weight learns now; but batch norm still measures with the mean of this very batch, and"
        " its running means move with each call: net.eval()"
    ),
)
_mistake(
    "summed",
    _aside(_pixels(reduce=torch.sum)),
    lambda: t("the mean of the squares was right"),
)
_mistake(
    "stepped",
    _aside(_pixels(where=lambda x, gradient: x - gradient)),
    lambda: t("return the gradient at the pixels, not the pixels after a step"),
)
_mistake(
    "sign",
    _aside(_pixels(where=lambda x, gradient: -gradient)),
    lambda: t("the sign of the gradient is turned round"),
)


def _descended(
    after: Function = lambda x: x.clamp(0, 1),
    at_end: Function = lambda x: x.clamp(0, 1),
    seen: Function = lambda x: x,
    back: Function = lambda x: x,
    sign: int = -1,
    late: bool = False,
) -> Some:
    """Steps down the gradient, with `after` on the pixels at each of them."""

    def descended(
        net: nn.Module, target: Tensor, start: Tensor, rate: float, steps: int
    ) -> tuple[Tensor, Tensor]:
        def loss_of(x: Tensor) -> Tensor:
            return (net(x) - target).square().mean()

        x = before = start
        for _ in range(steps):
            before = x = back(x).detach().requires_grad_()
            (gradient,) = torch.autograd.grad(loss_of(seen(x)), x)
            x = after((x + sign * rate * gradient).detach())
        x = at_end(x)
        return x, loss_of(before if late else x).detach()

    return descended


@sheet.exercise(
    _descended(),
    title=lambda: t("Find the bug: colours that no screen can show"),
    planted="clamped-at-end",
)
def descend(g: Generator) -> Iterator[Case]:
    def case(channels: int, side: int, rate: float, steps: int, **kind: torch.dtype) -> list:
        pixels = channels * side**2
        with _seeded(g):
            net = nn.Sequential(nn.Flatten(), nn.Linear(pixels, 3, **kind)).requires_grad_(False)
            net[1].weight.normal_(std=pixels**-0.5)
        target = 3 * torch.randn(1, 3, generator=g, **kind)
        start = torch.rand(1, channels, side, side, generator=g, **kind)
        return [net, target, start, rate, steps]

    with _seeded(g):
        one = nn.Linear(2, 1, bias=False).requires_grad_(False)
    one.weight.copy_(torch.tensor([[1.0, 0.5]]))
    yield t("with two pixels"), one, torch.tensor([[1.4]]), torch.tensor([[0.6, 0.2]]), 0.3, 8
    wide = torch.tensor([[0.6]]), torch.tensor([[0.9, 0.9]]), 0.7, 6
    yield t("with steps that overshoot"), one, *wide
    yield t("with a picture of 4×4 pixels"), *case(1, 4, 1.0, 8)
    yield t("with one step"), *case(3, 3, 2.0, 1)
    yield t("with float64"), *case(2, 3, 0.7, 10, dtype=torch.float64)


_mistake = descend.mistake
_mistake(
    "clamped-at-end",
    _descended(after=lambda x: x),
    lambda: t(
        "on the way the pixels leave 0 … 1, and the loss is made small with colours that do not"
        " exist; the cut at the end spoils what was found"
    ),
)
_mistake(
    "not-clamped",
    _descended(after=lambda x: x, at_end=lambda x: x),
    lambda: t("the picture that comes out has pixels outside 0 … 1"),
)
_mistake(
    "not-clamped",
    _descended(after=lambda x: x, at_end=lambda x: x, back=lambda x: x.clamp(0, 1)),
    lambda: t("the picture that comes out has pixels outside 0 … 1"),
)
_mistake(
    "stale-loss",
    _descended(late=True),
    lambda: t(
        "the picture is right; but the loss is that of the picture before the last step. Measure"
        " again at the end"
    ),
)
_mistake(
    "uphill",
    _descended(sign=1),
    lambda: t("the sign of the gradient is turned round"),
)
_mistake(
    "clamped-in-the-loss",
    _descended(after=lambda x: x, seen=lambda x: x.clamp(0, 1)),
    lambda: t(
        "here the loss sees the clamped picture, but the pixels themselves stay outside; there the"
        " gradient of clamp is 0, and they never come back. Put the pixels themselves back"
    ),
)
_mistake(
    "rescaled",
    _descended(after=lambda x: (x - x.min()) / (x.max() - x.min())),
    lambda: t("you stretch the picture to 0 … 1 at each step: that changes pixels that were fine"),
)
_mistake(
    "sigmoid",
    _descended(after=torch.sigmoid),
    lambda: t("a sigmoid at each step bends all pixels; clamp only cuts those that are outside"),
)
_mistake(
    "minus-one",
    _descended(after=lambda x: x.clamp(-1, 1), at_end=lambda x: x.clamp(-1, 1)),
    lambda: t("pixels are from 0 to 1 here, not from −1"),
)


# ---- fast styles ---------------------------------------------------------------------------------

_BIASED, _UNBIASED = 0, 1


def _deviation(
    features: Tensor, eps: float, correction: int = _BIASED, dims: tuple[int, ...] = (2, 3)
) -> Tensor:
    return (features.var(dims, correction=correction, keepdim=True) + eps).sqrt()


def _adain(
    of_content: Function = _deviation,
    of_style: Function = _deviation,
    dims: tuple[int, ...] = (2, 3),
    mean: Callable[[Tensor, Tensor], Tensor] = lambda content, style: style,
) -> Function:
    def adain(content: Tensor, style: Tensor, eps: float) -> Tensor:
        own, other = (f.mean(dims, keepdim=True) for f in (content, style))
        scaled = (content - own) / of_content(content, eps) * of_style(style, eps)
        return scaled + mean(own, other)

    return adain


def _plain(features: Tensor, eps: float) -> Tensor:
    return _deviation(features, 0, _UNBIASED)


def _unbiased(features: Tensor, eps: float) -> Tensor:
    return _deviation(features, eps, _UNBIASED)


def _added(features: Tensor, eps: float) -> Tensor:
    return _deviation(features, 0) + eps


def _over_batch(features: Tensor, eps: float) -> Tensor:
    return _deviation(features, eps, dims=(0, 2, 3))


def _over_channels(features: Tensor, eps: float) -> Tensor:
    return _deviation(features, eps, dims=(1, 2, 3))


@sheet.exercise(
    _adain(),
    title=lambda: t("Find the bug: a picture in its own style is another picture"),
    planted="two-measures",
    library=("AdaIN", "adaptive_instance_norm"),
)
def adain(g: Generator) -> Iterator[Case]:
    def case(n: int, c: int, own: tuple[int, int], other: tuple[int, int], **kind: Any) -> list:
        content, style = (torch.randn(n, c, *size, generator=g, **kind) for size in (own, other))
        return [content, 2 * style + 1]

    same = torch.randn(1, 2, 2, 3, generator=g)
    yield t("with a picture in its own style"), same, same.clone(), 1e-3
    yield t("with two pictures of three channels"), *case(2, 3, (3, 4), (3, 4)), 1e-3
    yield t("with a style of another size"), *case(2, 3, (4, 4), (1, 3)), 1e-5
    flat = torch.tensor([[[[2.0, 2], [2, 2]], [[0.0, 1], [2, 3]]]])
    yield t("with a channel of one value"), flat, *case(1, 2, (2, 2), (2, 2))[1:], 0.1
    yield t("with float64"), *case(2, 4, (2, 2), (3, 2), dtype=torch.float64), 0.01


_mistake = adain.mistake
_mistake(
    "two-measures",
    _adain(of_style=_plain),
    lambda: t(
        "AdaIN of a picture with itself should give it back unchanged; here it comes out with more"
        " contrast, because the two sides measure the spread in two ways"
    ),
)
_mistake(
    "unbiased-style",
    _adain(of_style=_unbiased),
    lambda: t("eps is on both sides now; but std divides by n − 1 on the style's: correction=0"),
)
_mistake(
    "eps-on-one-side",
    _adain(of_style=lambda features, eps: _deviation(features, 0)),
    lambda: t("both divide by n now; but eps is on the content's side alone"),
)
_mistake(
    "both-unbiased",
    _adain(_unbiased, _unbiased),
    lambda: t(
        "now both divide by n − 1. That cancels for two pictures of one size, and for others not:"
        " correction=0 on both sides"
    ),
)
_mistake(
    "both-plain",
    _adain(_plain, _plain),
    lambda: t(
        "the same on both sides now; but a channel of one value is divided by 0: keep the eps, and"
        " correction=0"
    ),
)
_mistake(
    "eps-outside",
    _adain(_added, _added),
    lambda: t("eps belongs under the root, with the variance, as in instance norm"),
)
_mistake(
    "eps-outside",
    _adain(*[lambda features, eps: _plain(features, eps) + eps] * 2),
    lambda: t("eps belongs under the root, with the variance, as in instance norm"),
)
_mistake(
    "no-root",
    _adain(*[lambda features, eps: _deviation(features, eps) ** 2] * 2),
    lambda: t("the same on both sides now; but the spread is the root of variance + eps"),
)
_mistake(
    "no-eps",
    _adain(*[lambda features, eps: _deviation(features, 0)] * 2),
    lambda: t("the eps is gone on both sides: a channel of one value is divided by 0"),
)
_mistake(
    "over-the-batch",
    _adain(_over_batch, _over_batch, dims=(0, 2, 3)),
    lambda: t("this measures over the whole batch; each picture has means and spreads of its own"),
)
_mistake(
    "over-channels",
    _adain(_over_channels, _over_channels, dims=(1, 2, 3)),
    lambda: t("this measures over the channels too; each channel has a mean and a spread"),
)
_mistake(
    "swapped",
    lambda content, style, eps: _adain()(style, content, eps),
    lambda: t("the other way round: the content's places with the style's statistics"),
)
_mistake(
    "mean-kept",
    _adain(mean=lambda own, other: own),
    lambda: t("the style's mean is added at the end, not the content's"),
)


def _mixed(
    one: Function | None = None,
    blend: Callable[[Tensor, Tensor, float], Tensor] = lambda content, mix, strength: (
        (1 - strength) * content + strength * mix
    ),
    weigh: Callable[[Sequence[float]], Sequence[float]] = lambda shares: shares,
) -> Function:
    def mixed(
        content: Tensor,
        styles: Sequence[Tensor],
        shares: Sequence[float],
        strength: float,
        eps: float,
    ) -> Tensor:
        pairs = zip(weigh(shares), styles, strict=True)
        return blend(
            content, sum(share * (one or _adain())(content, s, eps) for share, s in pairs), strength
        )

    return mixed


def _chained(
    content: Tensor, styles: Sequence[Tensor], shares: Sequence[float], strength: float, eps: float
) -> Tensor:
    x = content
    for share, style in zip(shares, styles, strict=True):
        x = torch.lerp(x, _adain()(x, style, eps), share)
    return torch.lerp(content, x, strength)


def _variances(
    content: Tensor, styles: Sequence[Tensor], shares: Sequence[float], strength: float, eps: float
) -> Tensor:
    mean = sum(a * s.mean((2, 3), keepdim=True) for a, s in zip(shares, styles, strict=True))
    squares = sum(a * _deviation(s, eps) ** 2 for a, s in zip(shares, styles, strict=True))
    plain = (content - content.mean((2, 3), keepdim=True)) / _deviation(content, eps)
    return torch.lerp(content, plain * squares.sqrt() + mean, strength)


@sheet.exercise(
    _mixed(),
    title=lambda: t("Write: a mixture of styles"),
    library=("AdaIN", "AdaINStyle", "adaptive_instance_norm"),
)
def mix_styles(g: Generator) -> Iterator[Case]:
    def case(n: int, c: int, sizes: list[int], **kind: torch.dtype) -> list:
        styles = [
            (i + 1) * torch.randn(n, c, side, 2, generator=g, **kind) + i
            for i, side in enumerate(sizes)
        ]
        return [torch.randn(n, c, 3, 3, generator=g, **kind), styles]

    yield t("with one style at full strength"), *case(1, 2, [3]), [1.0], 1.0, 1e-5
    yield t("with two styles"), *case(2, 3, [3, 4]), [0.75, 0.25], 1.0, 1e-5
    yield (
        t("with two styles at a third of the strength"),
        *case(1, 2, [2, 5]),
        [0.4, 0.6],
        1 / 3,
        0.01,
    )
    yield t("with three styles at strength 0"), *case(2, 2, [2, 3, 4]), [0.2, 0.3, 0.5], 0.0, 1e-5
    wide = case(1, 3, [4, 2, 3], dtype=torch.float64)
    yield t("with float64"), *wide, [0.5, 0.3, 0.2], 0.8, 0.01


_mistake = mix_styles.mistake
_mistake(
    "strength-turned-round",
    _mixed(blend=lambda content, mix, strength: strength * content + (1 - strength) * mix),
    lambda: t("at strength 1 it is all style, at 0 the content as it was: you have it reversed"),
)
_mistake(
    "content-lost",
    _mixed(blend=lambda content, mix, strength: strength * mix),
    lambda: t("what the styles leave, 1 − strength, belongs to the content"),
)
_mistake(
    "no-strength",
    _mixed(blend=lambda content, mix, strength: mix),
    lambda: t("the strength changes nothing"),
)
_mistake(
    "content-whole",
    _mixed(blend=lambda content, mix, strength: content + strength * mix),
    lambda: t("the content goes down to 1 − strength when the styles come in"),
)
_mistake(
    "no-shares",
    _mixed(weigh=lambda shares: [1 / len(shares)] * len(shares)),
    lambda: t("all styles count alike; take their shares"),
)
_mistake(
    "added-up",
    _mixed(weigh=lambda shares: [1.0] * len(shares)),
    lambda: t("the styles are added whole; take their shares"),
)
_mistake(
    "chained",
    _chained,
    lambda: t(
        "one style after the other: the second one repaints the first. Restyle the content with"
        " each, then mix"
    ),
)
_mistake(
    "variances-mixed",
    _variances,
    lambda: t("mix the spreads themselves (the roots); a mixture of variances comes out larger"),
)
_mistake(
    "unbiased",
    _mixed(_adain(_unbiased, _unbiased)),
    lambda: t("var divides by n − 1 unless you say correction=0; here it is n on both sides"),
)
_mistake(
    "two-measures",
    _mixed(_adain(of_style=_plain)),
    lambda: t("measure the spread of content and style in the same way: correction=0, and eps"),
)
_mistake(
    "means-only",
    _mixed(
        lambda content, style, eps: (
            content - content.mean((2, 3), keepdim=True) + style.mean((2, 3), keepdim=True)
        )
    ),
    lambda: t("only the means are carried over; the spread of each channel is the style's too"),
)


@sheet.predict(
    title=lambda: t("Predict: instance norm and batch norm"),
    explain=lambda b: t(
        "instance norm measures each picture by itself: mean 1, spread 1, so 2 becomes 1 – and the"
        " brightness of the second picture, {b} more, plays no part. Batch norm has one mean for"
        " both: beside the bright picture the whole first one is dark",
        b=b,
    ),
    b=(4, 5, 6, 8),  # with 10, a forgotten variance would be within the tolerance
)
def predict_norms(b: int = 6) -> tuple[float, float]:
    first = torch.tensor([[0.0, 2], [2, 0]])
    batch = torch.stack([first, first + b])[:, None]
    instance = nn.functional.instance_norm(batch, eps=1e-9)
    together = nn.functional.batch_norm(batch, None, None, training=True, eps=1e-9)
    return instance[0, 0, 0, 1].item(), together[0, 0, 0, 1].item()


def _brightest(b: int, share: float = 1.0) -> float:
    """The value 2 of the first picture under batch norm."""
    return (1 - b / 2) / math.sqrt(1 + share * b * b / 4)


predict_norms.mistake(
    "swapped",
    lambda b: (_brightest(b), 1),
    lambda: t("the other way round: first instance norm, then batch norm"),
)
predict_norms.mistake(
    "the-same",
    lambda: (1, 1),
    lambda: t("batch norm takes one mean over both pictures, and the second one is bright"),
)
predict_norms.mistake(
    "both-together",
    lambda b: (_brightest(b), _brightest(b)),
    lambda: t("instance norm takes mean and spread of each picture alone"),
)
predict_norms.mistake(
    "variance",
    lambda b: (1, (1 - b / 2) / (1 + b * b / 4)),
    lambda: t("divide by the root of the variance, not by the variance"),
)
predict_norms.mistake(
    "spread-of-one",
    lambda b: (1, 1 - b / 2),
    lambda: t(
        "the mean is that of the batch now; the spread is too: the two pictures lie far apart"
    ),
)
predict_norms.mistake(
    "between-only",
    lambda b: (1, (1 - b / 2) / (b / 2)),
    lambda: t("that is the variance of the two means; the one within each picture, 1, is added"),
)
predict_norms.mistake(
    "not-centred",
    lambda: (2, 2),
    lambda: t("both norms take a mean off and divide by a spread"),
)
