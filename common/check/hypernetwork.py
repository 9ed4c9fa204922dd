"""The checks of lesson 05's exercises: cases, references and known mistakes."""

import contextlib
import copy
import itertools
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
Bend = Callable[[Tensor], Tensor]


@contextlib.contextmanager
def _seeded(g: Generator) -> Iterator[None]:
    """Layers made here have weights from `g`; the learner's random numbers stay as they are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**31, (), generator=g)))
        yield


def _aside(wrong: Callable[..., Any]) -> Callable[..., Any]:
    """`wrong` with copies of its layers: it may change them."""
    return lambda *arguments: wrong(*copy.deepcopy(arguments))


def _as_is(x: Tensor) -> Tensor:
    return x


# ---- a network that writes another's weights -----------------------------------------------------


@sheet.predict(
    title=lambda: t("Predict: what it takes to write a kernel"),
    explain=lambda k: t(
        "each of the 16 input channels has a map from 4 to 4 numbers with a bias, 20; one shared"
        " map makes 16 · {k} · {k} weights of 4 numbers, with a bias. A further layer costs its"
        " 4 numbers z, and nothing else",
        k=k,
    ),
    relative=1e-4,
    k=(2, 3, 5),
    n=(10, 20, 30),
)
def predict_written(k: int = 3, n: int = 20) -> tuple[float, float, float]:
    to_rows, to_kernel = (
        nn.Linear(4, 16 * 4, device="meta"),
        nn.Linear(4, 16 * k * k, device="meta"),
    )
    hyper = sum(p.numel() for layer in (to_rows, to_kernel) for p in layer.parameters())
    return float(16 * 16 * k * k), float(hyper), float(hyper + 4 * n)


def _written_counts(
    kernel: Callable[[int], float] = lambda k: 256 * k * k,
    hyper: Callable[[int], float] = lambda k: 320 + 80 * k * k,
    shared: Callable[[float, int], float] = lambda hyper, n: hyper + 4 * n,
) -> Callable[[int, int], tuple[float, float, float]]:
    return lambda k, n: (kernel(k), hyper(k), shared(hyper(k), n))


predict_written.mistake(
    "no-biases",
    _written_counts(hyper=lambda k: 256 + 64 * k * k),
    lambda: t("both maps have a bias: 4 more for each input channel, and one for each weight made"),
)
predict_written.mistake(
    "not-shared",
    _written_counts(hyper=lambda k: 16 * (20 + 80 * k * k)),
    lambda: t("the second map is shared by all 16 input channels: count it once"),
)
predict_written.mistake(
    "one-first-map",
    _written_counts(hyper=lambda k: 20 + 80 * k * k),
    lambda: t("each input channel has a first map of its own; else all would get the same weights"),
)
predict_written.mistake(
    "embedding-inside",
    _written_counts(hyper=lambda k: 324 + 80 * k * k, shared=lambda hyper, n: hyper - 4 + 4 * n),
    lambda: t("the second number is the hypernetwork's alone: z is counted with the layers"),
)
predict_written.mistake(
    "one-channel",
    _written_counts(kernel=lambda k: 16 * k * k),
    lambda: t("a kernel has a square of weights for each pair of channels, 16 · 16 of them"),
)
predict_written.mistake(
    "a-network-each",
    _written_counts(shared=lambda hyper, n: n * (hyper + 4)),
    lambda: t("the layers share one hypernetwork; only z is each one's own"),
)
predict_written.mistake(
    "all-written",
    lambda k, n: (256 * k * k, 320 + 80 * k * k, 256 * k * k * n),
    lambda: t("so many are written; trained are the hypernetwork and each layer's z"),
)
predict_written.mistake(
    "no-embeddings",
    _written_counts(shared=lambda hyper, n: hyper),
    lambda: t("without a z of their own all layers would have the same kernel"),
)
predict_written.mistake(
    "one-embedding",
    _written_counts(shared=lambda hyper, n: hyper + 4),
    lambda: t("without a z of their own all layers would have the same kernel"),
)


def _write(
    first: Callable[..., Tensor] = lambda z, rows, bias: (
        torch.einsum("ide,le->lid", rows, z) + bias
    ),
    last: Callable[..., Tensor] = lambda a, out, bias: (
        torch.einsum("oyxd,lid->loiyx", out, a) + bias[:, None]
    ),
    between: Bend = _as_is,
) -> Callable[..., Tensor]:
    def written_kernel(
        z: Tensor, rows: Tensor, rows_bias: Tensor, out: Tensor, out_bias: Tensor
    ) -> Tensor:
        return last(between(first(z, rows, rows_bias)), out, out_bias)

    return written_kernel


@sheet.exercise(
    _write(),
    title=lambda: t("Write: a kernel from an embedding"),
    library=("KernelHypernetwork",),
    gradients=True,
)
def written_kernel(g: Generator) -> Iterator[Case]:
    def case(layers: int, e: int, d: int, i: int, o: int, k: int, **kind: Any) -> list[Tensor]:
        shapes = (layers, e), (i, d, e), (i, d), (o, k, k, d), (o, k, k)
        return [torch.randn(*shape, generator=g, **kind).requires_grad_() for shape in shapes]

    yield t("with one layer and 1×1 kernels"), *case(1, 2, 3, 2, 3, 1)
    yield t("with three layers"), *case(3, 4, 2, 2, 3, 2)
    yield t("with as many input as output channels"), *case(2, 3, 4, 3, 3, 3)
    yield t("with one number in z"), *case(2, 1, 2, 3, 2, 2)
    yield t("with float64"), *case(2, 2, 3, 2, 4, 3, dtype=torch.float64)


written_kernel.mistake(
    "channels-swapped",
    _write(last=lambda a, out, bias: torch.einsum("oyxd,lid->lioyx", out, a) + bias),
    lambda: t("PyTorch's kernels are [outputs, inputs, k, k]: the output channels come first"),
)
written_kernel.mistake(
    "misread",
    _write(
        last=lambda a, out, bias: (torch.einsum("oyxd,lid->lioyx", out, a) + bias).reshape(
            len(a), len(out), a.shape[1], *out.shape[1:3]
        )
    ),
    lambda: t("reshape does not swap axes, it only cuts anew: the numbers end up in wrong places"),
)
written_kernel.mistake(
    "no-first-bias",
    _write(first=lambda z, rows, bias: torch.einsum("ide,le->lid", rows, z)),
    lambda: t("the bias of the first map is missing"),
)
written_kernel.mistake(
    "no-last-bias",
    _write(last=lambda a, out, bias: torch.einsum("oyxd,lid->loiyx", out, a)),
    lambda: t("the bias of the second map is missing"),
)
written_kernel.mistake(
    "bent",
    _write(between=torch.relu),
    lambda: t("both steps are linear here: no activation between them"),
)
written_kernel.mistake(
    "one-embedding",
    lambda z, *others: _write()(z[:1].expand_as(z), *others),
    lambda: t("all layers got the kernel of the first z"),
)


def _start(deviation: Callable[[int, int, int], float]) -> Callable[[Tensor, int, int], Tensor]:
    """noise [O·k·k, d] times a deviation that may depend on d, the channels and the side."""
    return lambda noise, channels, kernel: noise * deviation(noise.shape[1], channels, kernel)


@sheet.exercise(
    _start(lambda d, c, k: math.sqrt(2 / (c * k * k * d))),
    title=lambda: t("Find the bug: the written layers explode"),
    planted="own-fan-in",
    library=("principled_init",),
)
def start_scale(g: Generator) -> Iterator[Case]:
    def case(o: int, d: int, c: int, k: int, **kind: Any) -> tuple[Tensor, int, int]:
        return torch.randn(o * k * k, d, generator=g, **kind), c, k

    yield t("with 16 channels and 3×3 kernels"), *case(4, 4, 16, 3)
    yield t("with 7×7 kernels"), *case(2, 8, 3, 7)
    yield t("with 1×1 kernels"), *case(5, 6, 12, 1)
    yield t("with one number between the layers"), *case(3, 1, 4, 2)
    yield t("with float64"), *case(3, 5, 7, 2, dtype=torch.float64)


for _id, _deviation, _says in (
    (
        "own-fan-in",
        lambda d, c, k: 1 / math.sqrt(d),
        lambda: t(
            "the written weights have variance 1, and a layer adds up many of them: what leaves it"
            " is many times as large as what came in. Whose fan_in counts?"
        ),
    ),
    (
        "he-for-itself",
        lambda d, c, k: math.sqrt(2 / d),
        lambda: t(
            "the 2 is right, but this is still the fan_in of the hypernetwork's own layer: the"
            " written layer adds up channels · kernel²"
        ),
    ),
    (
        "without-d",
        lambda d, c, k: math.sqrt(2 / (c * k * k)),
        lambda: t(
            "a written weight is itself a sum of d products, so its variance is d times as large"
            " as that of these numbers"
        ),
    ),
    (
        "variance",
        lambda d, c, k: 2 / (c * k * k * d),
        lambda: t("that is the variance; numbers are multiplied by its root"),
    ),
    (
        "no-two",
        lambda d, c, k: 1 / math.sqrt(c * k * k * d),
        lambda: t("a ReLU follows and takes half of the mean square away: hence the 2"),
    ),
    (
        "channels-only",
        lambda d, c, k: math.sqrt(2 / (c * d)),
        lambda: t("a convolution adds up channels · kernel · kernel numbers for each place"),
    ),
    (
        "side-only",
        lambda d, c, k: math.sqrt(2 / (c * k * d)),
        lambda: t("a convolution adds up channels · kernel · kernel numbers for each place"),
    ),
    (
        "kernel-only",
        lambda d, c, k: math.sqrt(2 / (k * k * d)),
        lambda: t("a convolution adds up channels · kernel · kernel numbers for each place"),
    ),
    (
        "forty",
        lambda d, c, k: 1 / 40,
        lambda: t("one fixed number cannot fit every size"),
    ),
):
    start_scale.mistake(_id, _start(_deviation), _says)
start_scale.mistake(
    "fan-out",
    lambda noise, channels, kernel: noise * math.sqrt(2 / noise.numel()),
    lambda: t(
        "len(noise) counts the output channels, O · kernel²; what is added up are the input"
        " channels: channels · kernel²"
    ),
)


# ---- an adapter: x + strength · f(x) -------------------------------------------------------------

Module = tuple[nn.Linear, nn.Linear]


def _change(
    bend: Bend = F.silu,
    end: Callable[[Tensor, Tensor, float], Tensor] = lambda x, f, s: x + s * f,
) -> Callable[[Tensor, Module, float], Tensor]:
    return lambda x, module, strength: end(x, module[1](bend(module[0](x))), strength)


_CHANGE = _change()


def _steer(
    for_key: Callable[[Tensor, Module, float], Tensor] = _CHANGE,
    for_value: Callable[[Tensor, Module, float], Tensor] | None = None,
    modules: Callable[[Module, Module], tuple[Module, Module]] = lambda key, value: (key, value),
) -> Callable[..., tuple[Tensor, Tensor]]:
    def steered(
        words: Tensor,
        to_key: nn.Linear,
        to_value: nn.Linear,
        key_module: Module,
        value_module: Module,
        strength: float,
    ) -> tuple[Tensor, Tensor]:
        mine, its = modules(key_module, value_module)
        change = for_value or for_key
        return to_key(for_key(words, mine, strength)), to_value(change(words, its, strength))

    return steered


def _steer_in_a_row(
    words: Tensor,
    to_key: nn.Linear,
    to_value: nn.Linear,
    key_module: Module,
    value_module: Module,
    strength: float,
) -> tuple[Tensor, Tensor]:
    """The wrong way: the second module changes what the first one has changed."""
    words = _CHANGE(words, key_module, strength)
    return to_key(words), to_value(_CHANGE(words, value_module, strength))


@sheet.exercise(
    _steer(),
    title=lambda: t("Write: keys and values of changed words"),
    library=("HyperModule", "attach_hypernetwork", "Steered"),
    gradients=True,
)
def steered(g: Generator) -> Iterator[Case]:
    def case(n: int, length: int, width: int, strength: float, **kind: Any) -> list[Any]:
        with _seeded(g):
            keys, values = (nn.Linear(width, width + 1, bias=False, **kind) for _ in range(2))
            pairs = [
                (nn.Linear(width, 2 * width, **kind), nn.Linear(2 * width, width, **kind))
                for _ in range(2)
            ]
        words = torch.randn(n, length, width, generator=g, **kind)
        frozen = [layer.requires_grad_(False) for layer in (keys, values)]
        return [words, *frozen, *pairs, strength]

    yield t("with strength 1"), *case(1, 2, 2, 1.0)
    yield t("with strength 0.5"), *case(2, 3, 4, 0.5)
    yield t("with strength 0"), *case(2, 2, 3, 0.0)
    yield t("with strength 1.5"), *case(3, 1, 3, 1.5)
    yield t("with float64"), *case(2, 2, 5, 0.75, dtype=torch.float64)


steered.mistake(
    "no-residual",
    _steer(_change(end=lambda x, f, s: s * f)),
    lambda: t("x itself is lost: at strength 0 the model would see no words at all"),
)
steered.mistake(
    "strength-on-x",
    _steer(_change(end=lambda x, f, s: s * (x + f))),
    lambda: t("the strength belongs to f(x) alone: x has to come through whole at any strength"),
)
steered.mistake(
    "lerp",
    _steer(_change(end=torch.lerp)),
    lambda: t("this goes from x to f(x); the module adds f(x) to x"),
)
steered.mistake(
    "no-strength",
    _steer(_change(end=lambda x, f, s: x + f)),
    lambda: t("the strength is not used"),
)
steered.mistake(
    "linear",
    _steer(_change(_as_is)),
    lambda: t("between the two layers there is a SiLU; without it both are one linear map"),
)
steered.mistake(
    "relu",
    _steer(_change(torch.relu)),
    lambda: t("you bend with ReLU; here it is SiLU"),
)
steered.mistake(
    "one-module",
    _steer(modules=lambda key, value: (key, key)),
    lambda: t("key and value each have a module of their own"),
)
steered.mistake(
    "modules-swapped",
    _steer(modules=lambda key, value: (value, key)),
    lambda: t("key and value have got each other's module"),
)
steered.mistake(
    "values-first",
    lambda *arguments: _steer()(*arguments)[::-1],
    lambda: t("the other way round: keys first, then values"),
)
steered.mistake(
    "one-after-the-other",
    _steer_in_a_row,
    lambda: t("both modules get the words as they came; yours changes them twice for the values"),
)
steered.mistake(
    "bent-twice",
    _steer(_change(end=lambda x, f, s: x + s * F.silu(f))),
    lambda: t("the bend belongs between the layers, not behind the last one"),
)
steered.mistake(
    "values-plain",
    _steer(for_value=lambda x, module, strength: x),
    lambda: t("to_value still sees the words as they were"),
)
steered.mistake(
    "keys-plain",
    _steer(lambda x, module, strength: x, _change()),
    lambda: t("to_key still sees the words as they were"),
)


@sheet.predict(
    title=lambda: t("Predict: who wakes first"),
    explain=lambda w, h: t(
        "on its way to the first layer the gradient is multiplied by the weights of the last one,"
        " and they are 0: in the first step only the last layer learns, {h} · {w} weights and {w}"
        " biases. With both layers at 0 the hidden numbers are 0 too, so only the last bias gets"
        " anything",
        w=w,
        h=h,
    ),
    relative=1e-4,
    w=(4, 6, 10),
    h=(8, 12, 15),
)
def predict_awake(w: int = 6, h: int = 12) -> tuple[float, float, float]:
    def awake(*zero: int) -> float:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            layers = [nn.Linear(w, h), nn.Linear(h, w)]
            x, target = torch.randn(2, 32, w)
        with torch.no_grad():
            for parameter in (p for i in zero for p in layers[i].parameters()):
                parameter.zero_()
        numbers = [p for layer in layers for p in layer.parameters()]
        loss = F.mse_loss(x + layers[1](F.silu(layers[0](x))), target)
        return float(sum((g != 0).sum().item() for g in torch.autograd.grad(loss, numbers)))

    return awake(1), awake(0, 1), awake()


def _awake(
    last: Callable[[int, int], float] = lambda w, h: w * h + w,
    both: Callable[[int, int], float] = lambda w, h: w,
    none: Callable[[int, int], float] = lambda w, h: 2 * w * h + w + h,
) -> Callable[[int, int], tuple[float, float, float]]:
    return lambda w, h: (last(w, h), both(w, h), none(w, h))


predict_awake.mistake(
    "nobody",
    _awake(last=lambda w, h: 0),
    lambda: t(
        "a weight that is 0 may well have a gradient: it is the hidden number times the error, and"
        " neither of these is 0"
    ),
)
predict_awake.mistake(
    "everybody",
    _awake(last=lambda w, h: 2 * w * h + w + h),
    lambda: t("what comes back to the first layer has been multiplied by the last one's weights"),
)
predict_awake.mistake(
    "the-other-layer",
    _awake(last=lambda w, h: w * h + h),
    lambda: t("the other way round: the layer at 0 learns, the one before it waits"),
)
predict_awake.mistake(
    "bias-forgotten",
    _awake(lambda w, h: w * h, lambda w, h: 0, lambda w, h: 2 * w * h),
    lambda: t("layers have biases too; that of the last layer gets the error itself"),
)
predict_awake.mistake(
    "both-like-one",
    _awake(both=lambda w, h: w * h + w),
    lambda: t("with the first layer at 0 the hidden numbers are SiLU(0) = 0: times that, all is 0"),
)
predict_awake.mistake(
    "both-dead",
    _awake(both=lambda w, h: 0),
    lambda: t("the bias of the last layer gets the error itself, whatever the weights are"),
)


def _step(
    zero: Sequence[str] = ("last.weight", "last.bias"),
    end: Callable[[Tensor, Tensor, float], Tensor] = lambda x, f, s: x + s * f,
) -> Callable[..., tuple[Tensor, Tensor]]:
    """The first step of an adapter some of whose numbers begin at zero."""

    def first_step(
        x: Tensor, target: Tensor, first: nn.Linear, last: nn.Linear, strength: float, rate: float
    ) -> tuple[Tensor, Tensor]:
        numbers = {f"first.{name}": p for name, p in first.named_parameters()}
        numbers |= {f"last.{name}": p for name, p in last.named_parameters()}
        for name in zero:
            nn.init.zeros_(numbers[name])

        def output() -> Tensor:
            return end(x, last(F.silu(first(x))), strength)

        before = output()
        gradients = torch.autograd.grad(F.mse_loss(before, target), list(numbers.values()))
        with torch.no_grad():
            for number, gradient in zip(numbers.values(), gradients, strict=True):
                number -= rate * gradient
        return before.detach(), output().detach()

    return first_step


_ON_X: Callable[[Tensor, Tensor, float], Tensor] = lambda x, f, s: s * (x + f)  # noqa: E731


@sheet.exercise(
    _step(),
    title=lambda: t("Find the bugs: spoilt before it has learnt anything"),
    planted="both",
    library=("HyperModule",),
)
def first_step(g: Generator) -> Iterator[Case]:
    def case(n: int, width: int, hidden: int, strength: float, rate: float, **kind: Any) -> list:
        with _seeded(g):
            first, last = nn.Linear(width, hidden, **kind), nn.Linear(hidden, width, **kind)
        x, target = torch.randn(2, n, width, generator=g, **kind)
        return [x, target, first, last, strength, rate]

    yield t("with strength 0.5"), *case(3, 2, 4, 0.5, 0.5)
    yield t("with strength 1"), *case(4, 3, 6, 1.0, 1.0)
    yield t("with strength 0"), *case(2, 3, 5, 0.0, 1.0)
    yield t("with strength 1.5"), *case(5, 4, 3, 1.5, 0.5)
    yield t("with float64"), *case(3, 3, 4, 0.75, 1.0, dtype=torch.float64)


first_step.mistake(
    "both",
    _aside(_step((), _ON_X)),
    lambda: t(
        "a new adapter, at half strength, should give back its input; yours gives back half of it,"
        " and random numbers besides"
    ),
)
first_step.mistake(
    "strength-on-x",
    _aside(_step(end=_ON_X)),
    lambda: t(
        "the new adapter adds nothing now; but the strength still multiplies x, so at 0.5 the"
        " model sees half of everything"
    ),
)
first_step.mistake(
    "strength-only-on-x",
    _aside(_step(end=lambda x, f, s: s * x + f)),
    lambda: t("the strength belongs to f(x) alone: x has to come through whole at any strength"),
)
first_step.mistake(
    "no-strength",
    _aside(_step(end=lambda x, f, s: x + f)),
    lambda: t("the strength is not used"),
)
first_step.mistake(
    "no-residual",
    _aside(_step(end=lambda x, f, s: s * f)),
    lambda: t("x is lost: a new adapter should give it back whole, not 0"),
)
first_step.mistake(
    "zeroed-again",
    lambda x, *others: (x, x),
    lambda: t(
        "the step changes nothing: is the last layer set to zero again after it? Once, before all"
        " else, is enough"
    ),
)
first_step.mistake(
    "not-zero",
    _aside(_step(())),
    lambda: t("x comes through whole now; but a random last layer adds something to it at once"),
)
first_step.mistake(
    "bias-left",
    _aside(_step(("last.weight",))),
    lambda: t("the last layer's bias is still random: set both to zero, its weight and its bias"),
)
first_step.mistake(
    "weight-left",
    _aside(_step(("last.bias",))),
    lambda: t("the last layer's weight is still random: set both to zero, its weight and its bias"),
)
first_step.mistake(
    "first-zero",
    _aside(_step(("first.weight", "first.bias"))),
    lambda: t(
        "you set the first layer to zero; then the last layer's bias is still there, and f(x) is"
        " not 0"
    ),
)
first_step.mistake(
    "all-zero",
    _aside(_step(("first.weight", "first.bias", "last.weight", "last.bias"))),
    lambda: t(
        "with both layers at zero only the last bias learns, and so all x are moved alike; the"
        " rest stays at zero"
    ),
)


def _deep(
    bends: Callable[[int, int], Bend] = lambda i, count: F.silu if i < count - 1 else _as_is,
    end: Callable[[Tensor, Tensor, float], Tensor] = lambda x, f, s: x + s * f,
) -> Callable[[Tensor, Sequence[nn.Linear], float], Tensor]:
    """An adapter of several layers; `bends` says what comes after layer i of so many."""

    def deep_adapter(x: Tensor, layers: Sequence[nn.Linear], strength: float) -> Tensor:
        hidden = x
        for i, layer in enumerate(layers):
            hidden = bends(i, len(layers))(layer(hidden))
        return end(x, hidden, strength)

    return deep_adapter


@sheet.exercise(
    _deep(),
    title=lambda: t("Find the bug: three layers that are one"),
    planted="linear",
    library=("HyperModule",),
    gradients=True,
)
def deep_adapter(g: Generator) -> Iterator[Case]:
    def case(widths: Sequence[int], n: int, strength: float, **kind: Any) -> list[Any]:
        with _seeded(g):
            layers = [nn.Linear(a, b, **kind) for a, b in itertools.pairwise(widths)]
        return [torch.randn(n, widths[0], generator=g, **kind), layers, strength]

    yield t("with widths 2, 4, 2"), *case((2, 4, 2), 3, 1.0)
    yield t("with widths 3, 6, 6, 3"), *case((3, 6, 6, 3), 4, 0.5)
    yield t("with a single layer"), *case((3, 3), 2, 1.0)
    yield t("with four layers"), *case((2, 4, 3, 4, 2), 2, 0.8)
    yield t("with float64"), *case((4, 8, 4), 3, 1.2, dtype=torch.float64)


deep_adapter.mistake(
    "linear",
    _deep(lambda i, count: _as_is),
    lambda: t(
        "any number of layers in a row gives a straight line: f(a) + f(b) = f(a + b) + f(0) for"
        " all a and b. What is missing between them?"
    ),
)
deep_adapter.mistake(
    "bent-at-the-end",
    _deep(lambda i, count: F.silu),
    lambda: t(
        "after the last layer too: then f(x) can hardly be negative, and the adapter can pull in"
        " one direction only"
    ),
)
deep_adapter.mistake(
    "only-at-the-end",
    _deep(lambda i, count: F.silu if i == count - 1 else _as_is),
    lambda: t("the bend belongs between the layers, not behind the last one"),
)
deep_adapter.mistake(
    "once",
    _deep(lambda i, count: F.silu if i == 0 < count - 1 else _as_is),
    lambda: t("only one bend: between every two layers there has to be one"),
)
deep_adapter.mistake(
    "bent-first",
    lambda x, layers, strength: (
        x + strength * _deep(end=lambda x, f, s: f)(F.silu(x), layers, strength)
    ),
    lambda: t("no bend before the first layer: it gets x as it is"),
)
deep_adapter.mistake(
    "no-strength",
    _deep(end=lambda x, f, s: x + f),
    lambda: t("the strength is not used"),
)
deep_adapter.mistake(
    "relu",
    _deep(lambda i, count: torch.relu if i < count - 1 else _as_is),
    lambda: t("you bend with ReLU; here it is SiLU"),
)
deep_adapter.mistake(
    "strength-on-x",
    _deep(end=_ON_X),
    lambda: t("the strength belongs to f(x) alone: x has to come through whole at any strength"),
)
deep_adapter.mistake(
    "whole-bent",
    _deep(lambda i, count: _as_is, lambda x, f, s: F.silu(x + s * f)),
    lambda: t("bent after x was added: then strength 0 is not the identity any more"),
)


# ---- thin matrices, and one row ------------------------------------------------------------------


def _lora(
    scale: Callable[[float, float, int], float] = lambda s, alpha, r: s * alpha / r,
    merged: Callable[[Tensor, Tensor], Tensor] = torch.add,
    output: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor] = lambda x, weight, bias, both: (
        x @ both.T + bias
    ),
) -> Callable[..., tuple[Tensor, Tensor]]:
    def lora_linear(
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        down: Tensor,
        up: Tensor,
        alpha: float,
        strength: float,
    ) -> tuple[Tensor, Tensor]:
        thin = scale(strength, alpha, len(down)) * (up @ down)
        return output(x, weight, bias, weight + thin), merged(weight, thin)

    return lora_linear


@sheet.exercise(
    _lora(),
    title=lambda: t("Write: a thin matrix beside a frozen one"),
    library=("LoRALinear", "attach_lora"),
    gradients=True,
)
def lora_linear(g: Generator) -> Iterator[Case]:
    def case(
        n: int, inputs: int, outputs: int, rank: int, alpha: float, strength: float, **kind: Any
    ) -> list[Any]:
        shapes = (n, inputs), (outputs, inputs), (outputs,), (rank, inputs), (outputs, rank)
        *frozen, down, up = (torch.randn(*shape, generator=g, **kind) for shape in shapes)
        return [*frozen, down.requires_grad_(), up.requires_grad_(), alpha, strength]

    yield t("with rank 1"), *case(1, 2, 3, 1, 5.0, 1.0)
    yield t("with rank 2"), *case(3, 4, 3, 2, 6.0, 0.5)
    yield t("with as many inputs as outputs"), *case(2, 4, 4, 3, 4.5, 1.5)
    yield t("with strength 0"), *case(2, 3, 5, 2, 4.0, 0.0)
    yield t("with rank 4, float64"), *case(3, 5, 6, 4, 2.0, 0.8, dtype=torch.float64)


lora_linear.mistake(
    "no-alpha",
    _lora(lambda s, alpha, r: s),
    lambda: t("the thin part is multiplied by alpha / rank besides"),
)
lora_linear.mistake(
    "not-divided",
    _lora(lambda s, alpha, r: s * alpha),
    lambda: t("alpha is divided by the rank: then another rank needs no other learning rate"),
)
lora_linear.mistake(
    "root-of-rank",
    _lora(lambda s, alpha, r: s * alpha / math.sqrt(r)),
    lambda: t("alpha / √rank exists too (rsLoRA); here it is alpha / rank, as in Hu et al."),
)
lora_linear.mistake(
    "upside-down",
    _lora(lambda s, alpha, r: s * r / alpha),
    lambda: t("alpha / rank, not rank / alpha"),
)
for _id, _side in (
    ("by-inputs", lambda down, up: down.shape[1]),
    ("by-outputs", lambda _, up: len(up)),
):
    lora_linear.mistake(
        _id,
        lambda x, weight, bias, down, up, alpha, strength, side=_side: _lora(
            lambda s, alpha, r: s * alpha / side(down, up)
        )(x, weight, bias, down, up, alpha, strength),
        lambda: t("alpha is divided by the rank r, not by a width"),
    )
lora_linear.mistake(
    "no-strength",
    _lora(lambda s, alpha, r: alpha / r),
    lambda: t("the strength is not used"),
)
lora_linear.mistake(
    "strength-on-all",
    lambda x, weight, bias, down, up, alpha, strength: _lora()(
        x, strength * weight, bias, down, up, alpha, strength
    ),
    lambda: t("the strength belongs to the thin part: at 0 the frozen layer is there as ever"),
)
lora_linear.mistake(
    "output-frozen",
    _lora(output=lambda x, weight, bias, both: F.linear(x, weight, bias)),
    lambda: t("the output is still that of the frozen layer alone: the thin part is missing in it"),
)
lora_linear.mistake(
    "thin-alone",
    _lora(merged=lambda weight, thin: thin),
    lambda: t(
        "the second value should be one matrix that does the work of both: the frozen weight is"
        " missing in it"
    ),
)
lora_linear.mistake(
    "not-merged",
    _lora(merged=lambda weight, thin: weight),
    lambda: t("the second value is still the frozen weight: add the thin part to it"),
)
lora_linear.mistake(
    "no-bias",
    _lora(output=lambda x, weight, bias, both: x @ both.T),
    lambda: t("the frozen layer's bias is missing"),
)
lora_linear.mistake(
    "bias-twice",
    _lora(output=lambda x, weight, bias, both: x @ both.T + 2 * bias),
    lambda: t("the bias is added twice: the thin part has none"),
)


@sheet.predict(
    title=lambda: t("Predict: how much is trained"),
    explain=lambda d, r: t(
        "20 matrices of {d} · {d}; for LoRA 20 pairs of {r} · {d}, one of them to {r} numbers and"
        " one back; and the shared pair is paid once, however many layers use it: two modules of"
        " {d} → 2 · {d} → {d}, with biases",
        d=d,
        r=r,
    ),
    relative=1e-4,
    d=(12, 16, 20),
    r=(1, 2, 3),
)
def predict_trained(d: int = 16, r: int = 2) -> tuple[float, float, float]:
    def count(*layers: nn.Linear) -> float:
        return float(sum(p.numel() for layer in layers for p in layer.parameters()))

    frozen = nn.Linear(d, d, bias=False, device="meta")
    thin = [nn.Linear(a, b, bias=False, device="meta") for a, b in ((d, r), (r, d))]
    module = [nn.Linear(a, b, device="meta") for a, b in ((d, 2 * d), (2 * d, d))]
    return 20 * count(frozen), 20 * count(*thin), 2 * count(*module)


def _trained(
    full: Callable[[int, int], float] = lambda d, r: 20 * d * d,
    lora: Callable[[int, int], float] = lambda d, r: 40 * d * r,
    pair: Callable[[int, int], float] = lambda d, r: 2 * (4 * d * d + 3 * d),
) -> Callable[[int, int], tuple[float, float, float]]:
    return lambda d, r: (full(d, r), lora(d, r), pair(d, r))


predict_trained.mistake(
    "keys-only",
    _trained(lambda d, r: 10 * d * d, lambda d, r: 20 * d * r),
    lambda: t("10 attentions with two projections each: 20 matrices"),
)
predict_trained.mistake(
    "one-thin-matrix",
    _trained(lora=lambda d, r: 20 * d * r),
    lambda: t("LoRA has two thin matrices each: down to the rank, and up again"),
)
predict_trained.mistake(
    "rank-squared",
    _trained(lora=lambda d, r: 20 * r * r),
    lambda: t("a thin matrix has the full width on one of its sides"),
)
predict_trained.mistake(
    "full-and-thin",
    _trained(lora=lambda d, r: 20 * d * d + 40 * d * r),
    lambda: t("beside LoRA the large matrices are frozen: they are used, not trained"),
)
predict_trained.mistake(
    "not-shared",
    _trained(pair=lambda d, r: 20 * (4 * d * d + 3 * d)),
    lambda: t("all 10 attentions share the one pair: count it once"),
)
predict_trained.mistake(
    "one-module",
    _trained(pair=lambda d, r: 4 * d * d + 3 * d),
    lambda: t("a pair: one module for the keys, one for the values"),
)
predict_trained.mistake(
    "no-biases",
    _trained(pair=lambda d, r: 8 * d * d),
    lambda: t("the modules' layers have biases: 2 · width and 1 · width"),
)
predict_trained.mistake(
    "not-widened",
    _trained(pair=lambda d, r: 2 * (2 * d * d + 2 * d)),
    lambda: t("the hidden layer is twice as wide as the model"),
)


def _words(
    keep: Callable[[Tensor, Tensor, int], Tensor] | None = None,
    mask: bool = True,
    decay_by: Callable[[float], float] = lambda decay: decay,
    coupled: bool = False,
) -> Callable[..., Tensor]:
    """AdamW's steps on a table of words; then `keep` makes the new table of old and moved."""

    def only_the_row(table: Tensor, moved: Tensor, row: int) -> Tensor:
        kept = table.clone()
        kept[row] = moved[row]
        return kept

    def word_steps(
        table: Tensor, gradients: Sequence[Tensor], row: int, rate: float, decay: float
    ) -> Tensor:
        decay = decay_by(decay)
        mean, square = torch.zeros_like(table), torch.zeros_like(table)
        moved = table
        for step, gradient in enumerate(gradients, 1):
            if mask:
                others = torch.arange(len(table)) != row
                gradient = gradient.masked_fill(others[:, None], 0)
            if coupled:
                gradient = gradient + decay * moved
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.99 * square + 0.01 * gradient**2
            direction = (mean / (1 - 0.9**step)) / ((square / (1 - 0.99**step)).sqrt() + 1e-8)
            moved = moved - rate * (0 if coupled else decay) * moved - rate * direction
        return (keep or only_the_row)(table, moved, row)

    return word_steps


@sheet.exercise(
    _words(),
    title=lambda: t("Find the bug: the old words shrink"),
    planted="all-shrink",
    library=("AdamW", "Adam", "add_pseudo_word", "PseudoWord"),
)
def word_steps(g: Generator) -> Iterator[Case]:
    def case(
        words: int, width: int, steps: int, row: int, rate: float, decay: float, **kind: Any
    ) -> list[Any]:
        table = torch.randn(words, width, generator=g, **kind)
        gradients = [torch.randn(words, width, generator=g, **kind) for _ in range(steps)]
        return [table, gradients, row, rate, decay]

    yield t("with one step"), *case(3, 2, 1, 2, 0.1, 0.5)
    yield t("with four steps"), *case(4, 3, 4, 3, 0.1, 0.2)
    yield t("with the new word in the middle"), *case(5, 2, 3, 1, 0.05, 1.0)
    yield t("with no weight decay"), *case(3, 4, 2, 0, 0.1, 0.0)
    yield t("with float64"), *case(4, 3, 5, 2, 0.02, 0.8, dtype=torch.float64)


word_steps.mistake(
    "all-shrink",
    _words(lambda table, moved, row: moved),
    lambda: t(
        "the old words' gradients are 0, and yet their rows have moved towards 0. Which line asks"
        " for no gradient?"
    ),
)
word_steps.mistake(
    "no-decay",
    _words(lambda table, moved, row: moved, decay_by=lambda decay: 0),
    lambda: t(
        "the old words stay now; but the new one has lost its weight decay, and should keep it"
    ),
)
word_steps.mistake(
    "everything-learns",
    _words(lambda table, moved, row: moved, mask=False),
    lambda: t("now the old words learn too: their gradients are no longer 0"),
)
word_steps.mistake(
    "the-others",
    _words(
        lambda table, moved, row: torch.cat([moved[:row], table[row : row + 1], moved[row + 1 :]])
    ),
    lambda: t("the other way round: the new row has been put back, and the old ones have moved"),
)
word_steps.mistake(
    "coupled",
    _words(coupled=True),
    lambda: t(
        "you added the decay to the gradient: that is Adam with L2, where the step's length forgets"
        " it. AdamW takes it off the numbers themselves"
    ),
)
word_steps.mistake(
    "emptied",
    _words(
        lambda table, moved, row: torch.zeros_like(table).index_copy(
            0, torch.tensor([row]), moved[row : row + 1]
        )
    ),
    lambda: t("the old words are gone: their rows are 0; they should stay as they were"),
)
word_steps.mistake(
    "nothing-learns",
    _words(lambda table, moved, row: table),
    lambda: t("now nothing moves, not even the new word"),
)
