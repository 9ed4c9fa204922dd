"""The checks of lesson 02's exercises: cases, references and known mistakes."""

import contextlib
import copy
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn
from torch.nn.utils import parameters_to_vector

from common import gan
from common.check import Case, Sheet
from common.lang import t

sheet = Sheet()
summary = sheet.summary
Function = Callable[..., Tensor]
Pair = tuple[Tensor, Tensor]


def _few(*numbers: float, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.tensor(numbers, dtype=dtype)


@contextlib.contextmanager
def _seeded(g: Generator) -> Iterator[None]:
    """Layers made here have weights from `g`; the learner's random numbers stay as they are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**31, (), generator=g)))
        yield


def _points_judge(d: int, dtype: torch.dtype = torch.float32) -> nn.Sequential:
    """A discriminator of points [B, d]: logits [B]."""
    first, last = nn.Linear(d, 5, dtype=dtype), nn.Linear(5, 1, dtype=dtype)
    return nn.Sequential(first, nn.LeakyReLU(0.2), last, nn.Flatten(0))


def _picture_judge(
    height: int, width: int, *middle: nn.Module, dtype: torch.dtype = torch.float32
) -> nn.Sequential:
    """A discriminator of pictures [B, 3, height, width]: logits [B]."""
    first = nn.Conv2d(3, 4, 3, padding=1, dtype=dtype)
    last = nn.Linear(4 * height * width, 1, dtype=dtype)
    return nn.Sequential(first, *middle, nn.LeakyReLU(0.2), nn.Flatten(), last, nn.Flatten(0))


# ---- the game ------------------------------------------------------------------------------------


@sheet.predict(
    title=lambda: t("Predict: the losses at the very start"),
    explain=lambda: t(
        "log(1/2) = −0.693. The discriminator pays it twice, once for the real and once for the"
        " fake pictures: 2·ln 2; the generator pays it once. A discriminator that is still at"
        " 1.386 later has learnt nothing, or has been fooled completely"
    ),
)
def predict_start() -> tuple[float, float]:
    logits = torch.zeros(8)  # σ(0) = 1/2
    return (
        gan.discriminator_loss(logits, logits).item(),
        gan.non_saturating_loss(logits).item(),
    )


predict_start.mistake(
    "one-term",
    lambda: (math.log(2), math.log(2)),
    lambda: t("the discriminator's loss has two terms: real and fake"),
)
predict_start.mistake(
    "base-two",
    lambda: (2, 1),
    lambda: t("that is in bits, with log₂; the loss has the natural logarithm"),
)
predict_start.mistake(
    "no-loss",
    lambda: (0, 0),
    lambda: t("a loss of 0 is for one who is right and certain; guessing costs"),
)
predict_start.mistake(
    "probability",
    lambda: (0.5, 0.5),
    lambda: t("1/2 is the probability; the loss is minus its logarithm"),
)
predict_start.mistake(
    "probability",
    lambda: (1, 0.5),
    lambda: t("1/2 is the probability; the loss is minus its logarithm"),
)
predict_start.mistake(
    "sign",
    lambda: (-2 * math.log(2), -math.log(2)),
    lambda: t("a loss is minus the logarithm, so it is positive"),
)


@sheet.exercise(
    gan.discriminator_loss,
    title=lambda: t("Write: the discriminator's loss, from logits"),
    library=("discriminator_loss",),
)
def discriminator_loss(g: Generator) -> Iterator[Case]:
    def noise(*shape: int, **kind: torch.dtype) -> Tensor:
        return 3 * torch.randn(shape, generator=g, **kind)

    yield t("with one real and one fake picture"), _few(2.0), _few(-1.0)
    yield t("with three real and five fake pictures"), noise(3), noise(5)
    yield t("with a logit for each patch"), noise(1, 1, 3, 5), noise(3, 1, 3, 5)
    yield t("with the logits 50 and −120"), _few(-120, 50, 1), _few(50, -120, 1)
    yield t("with float64"), noise(4, dtype=torch.float64), noise(3, dtype=torch.float64)


def _two_terms(real: Function, fake: Function) -> Function:
    return lambda real_logits, fake_logits: real(real_logits).mean() + fake(fake_logits).mean()


def _minus_log(small: float) -> Function:
    """-log(p + small) for the real and -log(1 - p + small) for the fake pictures."""
    return _two_terms(
        lambda x: -(x.sigmoid() + small).log(), lambda x: -(1 - x.sigmoid() + small).log()
    )


discriminator_loss.mistake(
    "overflow",
    _minus_log(0),
    lambda: t(
        "in float32 σ(50) is exactly 1, so log(1 − σ) is -inf: stay with the logits, softplus takes"
        " them as they are"
    ),
)
discriminator_loss.mistake(
    "clamped",
    lambda real, fake: (
        F.binary_cross_entropy(real.sigmoid(), torch.ones_like(real))
        + F.binary_cross_entropy(fake.sigmoid(), torch.zeros_like(fake))
    ),
    lambda: t(
        "sigmoid and then binary_cross_entropy: it cuts the loss off at 100 to hide log(0); there"
        " is binary_cross_entropy_with_logits"
    ),
)
for _small in (1e-6, 1e-7, 1e-8, 1e-10, 1e-12):
    discriminator_loss.mistake(
        "epsilon",
        _minus_log(_small),
        lambda: t(
            "a small number inside the log hides the inf, and cuts the loss off where the"
            " discriminator is most wrong: use softplus of the logits"
        ),
    )
discriminator_loss.mistake(
    "labels-swapped",
    lambda real, fake: gan.discriminator_loss(fake, real),
    lambda: t("the labels are swapped: real is to get a high logit, fake a low one"),
)
discriminator_loss.mistake(
    "halved",
    lambda real, fake: gan.discriminator_loss(real, fake) / 2,
    lambda: t("the two terms are added, not averaged"),
)
discriminator_loss.mistake(
    "one-mean",
    lambda real, fake: torch.cat([F.softplus(-real).flatten(), F.softplus(fake).flatten()]).mean(),
    lambda: t("take the mean of the real and of the fake pictures apart, then add the two"),
)
discriminator_loss.mistake(
    "summed",
    lambda real, fake: F.softplus(-real).sum() + F.softplus(fake).sum(),
    lambda: t("these are sums; means are wanted, so that the size of the batch does not matter"),
)
discriminator_loss.mistake(
    "real-only",
    lambda real, fake: F.softplus(-real).mean(),
    lambda: t("the term of the fake pictures is missing"),
)
discriminator_loss.mistake(
    "fake-as-real",
    _two_terms(lambda x: F.softplus(-x), lambda x: F.softplus(-x)),
    lambda: t("you ask for 'real' for the fake pictures too: that is the generator's wish"),
)
discriminator_loss.mistake(
    "softplus-of-probability",
    _two_terms(lambda x: F.softplus(-x.sigmoid()), lambda x: F.softplus(x.sigmoid())),
    lambda: t("softplus takes the logits; there is a sigmoid in it already"),
)


def _slope(loss_of: Function, logits: Tensor) -> Pair:
    """The loss of the logits, and its gradient with respect to them."""
    logits = logits.detach().clone().requires_grad_()
    loss = loss_of(logits)
    (gradient,) = torch.autograd.grad(loss, logits)
    return loss.detach(), gradient


@sheet.predict(
    title=lambda: t("Predict: a fake that is seen through"),
    explain=lambda k: t(
        "the slope of log(1 − σ(s)) is −σ(s), that of −log σ(s) is −(1 − σ(s)), and σ(s) = 1/{k}:"
        " where the generator is worst, the saturating loss hardly tells it anything, the"
        " non-saturating one nearly everything",
        k=k,
    ),
    k=(20, 50, 100, 200, 500),
)
def predict_slopes(k: int = 100) -> tuple[float, float]:
    logit = -_few(k - 1, dtype=torch.float64).log()  # σ(logit) = 1/k
    saturating, non_saturating = gan.saturating_loss, gan.non_saturating_loss
    return (
        _slope(saturating, logit)[1].abs().item(),
        _slope(non_saturating, logit)[1].abs().item(),
    )


predict_slopes.mistake(
    "swapped",
    lambda k: (1 - 1 / k, 1 / k),
    lambda: t("the other way round: it is the first one, the saturating loss, that falls asleep"),
)
predict_slopes.mistake(
    "of-probability",
    lambda k: (k / (k - 1), k),
    lambda: t(
        "these are the slopes along the probability; going back to the logit multiplies by"
        " σ·(1 − σ)"
    ),
)
predict_slopes.mistake(
    "losses",
    lambda k: (-math.log(1 - 1 / k), math.log(k)),
    lambda: t("these are the losses themselves; the slope is asked for"),
)
predict_slopes.mistake(
    "both-small",
    lambda k: (1 / k, 1 / k),
    lambda: t("only one of the two vanishes; that is why there are two"),
)
predict_slopes.mistake(
    "exactly-zero",
    lambda k: (0, 1),
    lambda: t("nearly; but not exactly 0 and 1"),
)
predict_slopes.mistake(
    "sign",
    lambda k: (-1 / k, 1 / k - 1),
    lambda: t("right but for the sign; the sizes are asked for"),
)


def _wish(logits: Tensor) -> Tensor:
    """BCE of probabilities: what many published GANs have."""
    return F.binary_cross_entropy(logits.sigmoid(), torch.ones_like(logits))


@sheet.exercise(
    lambda fake_logits: _slope(gan.non_saturating_loss, fake_logits),
    title=lambda: t("Find the bug: the worst fakes get no gradient"),
    planted="sigmoid-first",
)
def generator_signal(g: Generator) -> Iterator[Case]:
    yield t("with the logits 0, 2 and −2"), _few(0, 2, -2)
    yield t("with the logits −30 and −120"), _few(-30, -120)
    yield t("with one logit of 90"), _few(90)
    yield t("with three rows of five"), 10 * torch.randn(3, 5, generator=g)
    yield t("with float64"), _few(-60, -800, 1, dtype=torch.float64)


generator_signal.mistake(
    "sigmoid-first",
    lambda x: _slope(_wish, x),
    lambda: t(
        "a fake with the logit −30 gets a tenth of its gradient, and one with −120 gets none: the"
        " worse the fake, the less it is told"
    ),
)
generator_signal.mistake(
    "log-of-zero",
    lambda x: _slope(lambda logits: -logits.sigmoid().log().mean(), x),
    lambda: t("now σ(−120) is 0 and its log -inf; the gradient becomes nan"),
)
for _small in (1e-6, 1e-7, 1e-8, 1e-10, 1e-12):
    generator_signal.mistake(
        "epsilon",
        lambda x, small=_small: _slope(lambda s: -(s.sigmoid() + small).log().mean(), x),
        lambda: t(
            "a small number inside the log hides the inf; the gradient of the worst fakes is still"
            " nearly 0"
        ),
    )
    generator_signal.mistake(
        "clamped-probability",
        lambda x, small=_small: _slope(
            lambda s: F.binary_cross_entropy(
                s.sigmoid().clamp(small, 1 - small), torch.ones_like(s)
            ),
            x,
        ),
        lambda: t("a clamped probability has no gradient at all outside its limits"),
    )
generator_signal.mistake(
    "saturating",
    lambda x: _slope(gan.saturating_loss, x),
    lambda: t("this is the saturating loss: it does not overflow, but where D is sure it is flat"),
)
generator_signal.mistake(
    "wrong-label",
    lambda x: _slope(lambda logits: F.softplus(logits).mean(), x),
    lambda: t("this pushes the logits down: the generator wants its fakes to be called real"),
)
generator_signal.mistake(
    "summed",
    lambda x: _slope(lambda logits: F.softplus(-logits).sum(), x),
    lambda: t("a sum over the batch; it should stay a mean"),
)
generator_signal.mistake(
    "sigmoid-twice",
    lambda x: _slope(lambda logits: F.softplus(-logits.sigmoid()).mean(), x),
    lambda: t("the sigmoid is there twice: a loss that takes logits has one in it already"),
)


def _aside(wrong: Callable[..., Any]) -> Callable[..., Any]:
    """`wrong` with copies of its networks: it may train them."""
    return lambda *arguments: wrong(*copy.deepcopy(arguments))


def _descend(network: nn.Module, rate: float) -> None:
    """A step as torch.optim.SGD takes it, which takes seconds to import."""
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.grad is not None:
                parameter -= rate * parameter.grad


def _round(
    judged: Callable[[nn.Module, Tensor], Tensor],
    wish: Function = gan.non_saturating_loss,
    detach_again: bool = False,
    together: bool = False,
) -> Callable[..., Pair]:
    """A round of training. `judged(D, fakes)`: the logits in D's step; `detach_again`: in the
    generator's step too; `together`: both losses before either step."""

    def play(
        generator: nn.Module, discriminator: nn.Module, real: Tensor, z: Tensor, rate: float
    ) -> Pair:
        generator.zero_grad()
        discriminator.zero_grad()
        before = copy.deepcopy(discriminator) if together else discriminator
        fake = generator(z)
        gan.discriminator_loss(discriminator(real), judged(discriminator, fake)).backward()
        _descend(discriminator, rate)
        fake = generator(z).detach() if detach_again else generator(z)
        wish(before(fake)).backward()
        _descend(generator, rate)
        return tuple(parameters_to_vector(n.parameters()) for n in (generator, discriminator))

    return play


def _apart(discriminator: nn.Module, fake: Tensor) -> Tensor:
    return discriminator(fake.detach())


def _tied(discriminator: nn.Module, fake: Tensor) -> Tensor:
    return discriminator(fake)


@sheet.exercise(
    _round(_apart),
    title=lambda: t("Find the bug: the generator helps its opponent"),
    planted="not-detached",
)
def one_round(g: Generator) -> Iterator[Case]:
    def case(
        reals: int, fakes: int, d: int, rate: float, dtype: torch.dtype = torch.float32
    ) -> list:
        with _seeded(g):
            generator, judge = nn.Linear(3, d, dtype=dtype), _points_judge(d, dtype)
        real = 1 + torch.randn(reals, d, generator=g, dtype=dtype)
        return [generator, judge, real, torch.randn(fakes, 3, generator=g, dtype=dtype), rate]

    yield t("with one real and one fake point"), *case(1, 1, 2, 1.0)
    yield t("with three real and five fake points"), *case(3, 5, 2, 1.0)
    yield t("with another learning rate"), *case(4, 4, 1, 0.3)
    yield t("with float64"), *case(5, 3, 4, 1.0, torch.float64)


one_round.mistake(
    "not-detached",
    _aside(_round(_tied)),
    lambda: t(
        "the generator has taken a wrong step: a part of it goes where the discriminator wants it"
    ),
)
one_round.mistake(
    "logits-detached",
    _aside(_round(lambda discriminator, fake: discriminator(fake).detach())),
    lambda: t(
        "the logits are detached: now the discriminator learns nothing from the fakes. Detach what"
        " goes into it"
    ),
)
one_round.mistake(
    "never-moves",
    _aside(_round(_apart, detach_again=True)),
    lambda: t(
        "now the generator never moves: in its own step the gradient has to go through the"
        " discriminator into it"
    ),
)
one_round.mistake(
    "follows",
    _aside(_round(_tied, detach_again=True)),
    lambda: t("detached in the wrong step: now the generator does what the discriminator wants"),
)
one_round.mistake(
    "together",
    _aside(_round(_apart, together=True)),
    lambda: t("the generator's step should meet the discriminator as it is after its own step"),
)
one_round.mistake(
    "saturating",
    _aside(_round(_apart, gan.saturating_loss)),
    lambda: t("the generator's loss was right (non-saturating); leave it as it is"),
)

# ---- a steadier discriminator --------------------------------------------------------------------


def _r1(discriminator: nn.Module, real: Tensor) -> Tensor:
    """The squared length of each real picture's gradient [B], ready for a second backward."""
    real = real.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(real).sum(), real, create_graph=True)
    return gradient.square().flatten(1).sum(1)


def _with_penalty(
    penalty: Callable[[nn.Module, Tensor, Tensor], Tensor], share: float = 0.5
) -> Callable[..., list[Tensor]]:
    """The gradients of the loss plus `share` · gamma · `penalty(discriminator, real, fake)`."""

    def gradients(
        discriminator: nn.Module, real: Tensor, fake: Tensor, gamma: float
    ) -> list[Tensor]:
        loss = gan.discriminator_loss(discriminator(real), discriminator(fake))
        loss = loss + share * gamma * penalty(discriminator, real, fake)
        return list(torch.autograd.grad(loss, list(discriminator.parameters())))

    return gradients


@sheet.exercise(
    _with_penalty(lambda d, real, fake: _r1(d, real).mean()),
    title=lambda: t("Write: a discriminator's gradients with R1"),
    library=("r1_penalty",),
)
def r1_gradients(g: Generator) -> Iterator[Case]:
    def points(reals: int, fakes: int, d: int, gamma: float, **kind: torch.dtype) -> list:
        with _seeded(g):
            judge = _points_judge(d, **kind)
        real, fake = (torch.randn(n, d, generator=g, **kind) for n in (reals, fakes))
        return [judge, real, fake - 1, gamma]

    def pictures(batch: int, height: int, width: int, gamma: float) -> list:
        with _seeded(g):
            judge = _picture_judge(height, width)
        real, fake = torch.randn(2, batch, 3, height, width, generator=g)
        return [judge, real, fake - 1, gamma]

    yield t("with one real and one fake point"), *points(1, 1, 2, 1.0)
    yield t("with three real and five fake points"), *points(3, 5, 2, 1.0)
    yield t("with three pictures of 5×4 pixels and gamma 10"), *pictures(3, 5, 4, 10.0)
    yield t("with one picture of 3×3 pixels"), *pictures(1, 3, 3, 0.5)
    yield t("with float64"), *points(4, 2, 3, 2.0, dtype=torch.float64)


_mistake = r1_gradients.mistake
_mistake(
    "no-graph",
    _with_penalty(lambda d, real, fake: _r1(d, real).mean().detach()),
    lambda: t(
        "the penalty changes nothing: these are the gradients of the loss alone. Its gradient needs"
        " create_graph=True"
    ),
)
_mistake(
    "gamma-not-halved",
    _with_penalty(lambda d, real, fake: _r1(d, real).mean(), 1.0),
    lambda: t("half of gamma is the factor: gamma / 2"),
)
_mistake(
    "not-squared",
    _with_penalty(lambda d, real, fake: _r1(d, real).sqrt().mean()),
    lambda: t("the length of the gradient is to be squared"),
)
_mistake(
    "one-centred",
    _with_penalty(lambda d, real, fake: (_r1(d, real).sqrt() - 1).square().mean()),
    lambda: t("this pulls the length to 1, as WGAN-GP does; R1 pulls it to 0"),
)
_mistake(
    "on-fakes",
    _with_penalty(lambda d, real, fake: _r1(d, fake).mean()),
    lambda: t("this is the penalty at the fakes (R2); R1 is taken at the real pictures"),
)
_mistake(
    "mean-of-logits",
    _with_penalty(lambda d, real, fake: _r1(d, real).mean() / len(real) ** 2),
    lambda: t(
        "the gradient of the mean of the logits is smaller by the size of the batch: take their sum"
    ),
)
_mistake(
    "summed",
    _with_penalty(lambda d, real, fake: _r1(d, real).sum()),
    lambda: t("the penalty is the mean over the pictures, not their sum"),
)
_mistake(
    "mean-of-numbers",
    _with_penalty(lambda d, real, fake: _r1(d, real).mean() / real[0].numel()),
    lambda: t("sum over the numbers of a picture, and take the mean only over the pictures"),
)


def _lengths(
    middle: Function, after: Function = lambda lengths: lengths, total: Function = torch.sum
) -> Function:
    """`penalties` with `middle` between the convolution and the leaky ReLU."""

    def penalties(real: Tensor, first: nn.Module, last: nn.Module) -> Tensor:
        real = real.detach().clone().requires_grad_()
        features = F.leaky_relu(middle(first(real)), 0.2)
        (gradient,) = torch.autograd.grad(total(last(features.mean((2, 3)))), real)
        return after(gradient.square().sum((1, 2, 3)))

    return penalties


def _batch_norm(features: Tensor) -> Tensor:
    return F.batch_norm(features, None, None, training=True)


def _frozen_batch_norm(features: Tensor) -> Tensor:
    still = features.detach()
    return F.batch_norm(features, still.mean((0, 2, 3)), still.var((0, 2, 3), unbiased=False))


@sheet.exercise(
    _lengths(lambda features: features),
    title=lambda: t("Find the bug: a penalty that depends on the neighbours"),
    planted="batch-norm",
)
def penalties(g: Generator) -> Iterator[Case]:
    def case(batch: int, channels: int, height: int, width: int, **kind: torch.dtype) -> list:
        with _seeded(g):
            first, last = nn.Conv2d(channels, 6, 3, padding=1, **kind), nn.Linear(6, 1, **kind)
        with torch.no_grad():
            last.weight.mul_(20)  # so that the penalties are not tiny
        return [torch.randn(batch, channels, height, width, generator=g, **kind), first, last]

    yield t("with three pictures of 5×4 pixels"), *case(3, 3, 5, 4)
    yield t("with one picture of 4×6 pixels"), *case(1, 3, 4, 6)
    yield t("with five grey pictures"), *case(5, 1, 3, 7)
    yield t("with float64"), *case(2, 2, 4, 3, dtype=torch.float64)


penalties.mistake(
    "batch-norm",
    _lengths(_batch_norm),
    lambda: t("put the same picture beside other ones, and its penalty is another"),
)
penalties.mistake(
    "detached",
    _lengths(_frozen_batch_norm),
    lambda: t(
        "the neighbours have no gradient any more, but their mean and variance are still in it"
    ),
)
penalties.mistake(
    "layer-norm",
    _lengths(lambda features: F.group_norm(features, 1)),
    lambda: t(
        "a norm of each picture by itself keeps R1 sound, true; here nothing is to take the place"
        " of the batch norm"
    ),
)
penalties.mistake(
    "instance-norm",
    _lengths(F.instance_norm),
    lambda: t(
        "a norm of each picture by itself keeps R1 sound, true; here nothing is to take the place"
        " of the batch norm"
    ),
)
penalties.mistake(
    "mean-of-logits",
    _lengths(lambda features: features, total=torch.mean),
    lambda: t(
        "the gradient of the mean of the logits is smaller by the size of the batch: take their sum"
    ),
)
penalties.mistake(
    "mean-of-logits",
    _lengths(_batch_norm, total=torch.mean),
    lambda: t("that was right: the sum of the logits. The bug is in another line"),
)
penalties.mistake(
    "not-squared",
    _lengths(lambda features: features, torch.sqrt),
    lambda: t("the length of the gradient is to be squared"),
)


def _apart_logits(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Pair:
    return discriminator(real), discriminator(fake)


def _one_batch(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Pair:
    logits = discriminator(torch.cat([real, fake]))
    return logits[: len(real)], logits[len(real) :]


def _in_eval(judge: Callable[..., Pair]) -> Callable[..., Pair]:
    return lambda discriminator, real, fake: judge(discriminator.eval(), real, fake)


def _one_by_one(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Pair:
    return tuple(torch.cat([discriminator(x[None]) for x in batch]) for batch in (real, fake))


def _shuffled(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Pair:
    return discriminator(fake), discriminator(real)


@sheet.exercise(
    _apart_logits,
    title=lambda: t("Find the bug: the fakes give the real ones away"),
    planted="one-batch",
)
def judge_both(g: Generator) -> Iterator[Case]:
    def case(reals: int, fakes: int, height: int, width: int, **kind: torch.dtype) -> list:
        norm = nn.BatchNorm2d(4, **kind)
        with _seeded(g):
            discriminator = _picture_judge(height, width, norm, **kind)
        with torch.no_grad():  # statistics of earlier steps
            norm.running_mean.copy_(torch.randn(4, generator=g, **kind))
            norm.running_var.copy_(1 + torch.rand(4, generator=g, **kind))
        real, fake = (torch.randn(n, 3, height, width, generator=g, **kind) for n in (reals, fakes))
        return [discriminator, real + 1, 2 * fake - 1]

    yield t("with three real and three fake pictures"), *case(3, 3, 5, 4)
    yield t("with two real and five fake pictures"), *case(2, 5, 3, 6)
    yield t("with one real and one fake picture"), *case(1, 1, 4, 7)
    yield t("with float64"), *case(3, 2, 3, 3, dtype=torch.float64)


judge_both.mistake(
    "one-batch",
    _aside(_one_batch),
    lambda: t("change the fakes alone, and the logits of the real pictures change"),
)
judge_both.mistake(
    "eval",
    _aside(_in_eval(_apart_logits)),
    lambda: t(
        "eval() keeps the pictures apart, but it is not how the discriminator trains: here batch"
        " norm should work with the batch at hand"
    ),
)
judge_both.mistake(
    "eval",
    _aside(_in_eval(_one_batch)),
    lambda: t(
        "eval() keeps the pictures apart, but it is not how the discriminator trains: here batch"
        " norm should work with the batch at hand"
    ),
)
judge_both.mistake(
    "one-by-one",
    _aside(_one_by_one),
    lambda: t("one picture at a time is too far apart: all real ones are one batch"),
)
judge_both.mistake(
    "swapped",
    _aside(_shuffled),
    lambda: t("the real pictures' logits come first"),
)


@sheet.predict(
    title=lambda: t("Predict: how fast an average follows"),
    explain=lambda n: t(
        "each step keeps the share d of the distance, so after {n} steps d^{n} of it is left and"
        " 1 − d^{n} is done. Half of the way takes about 0.69 / (1 − d) steps: 69, or 693",
        n=n,
    ),
    n=(50, 100, 200, 300),
)
def predict_average(n: int = 100) -> tuple[float, float]:
    followed = torch.zeros(2, dtype=torch.float64)
    for _ in range(n):
        followed.lerp_(torch.ones_like(followed), 1 - _few(0.99, 0.999, dtype=torch.float64))
    return tuple(followed.tolist())


predict_average.mistake(
    "what-is-left",
    lambda n: (0.99**n, 0.999**n),
    lambda: t("that is the share still to go; the average stands at 1 minus that"),
)
predict_average.mistake(
    "straight",
    lambda n: (min(1, 0.01 * n), 0.001 * n),
    lambda: t("the steps get smaller: each is a share of what is left, not of the whole"),
)
predict_average.mistake(
    "straight",
    lambda n: (0.01 * n, 0.001 * n),
    lambda: t("the steps get smaller: each is a share of what is left, not of the whole"),
)
predict_average.mistake(
    "one-step",
    lambda: (0.01, 0.001),
    lambda: t("that is after one step"),
)
predict_average.mistake(
    "arrived",
    lambda: (1, 1),
    lambda: t("it comes closer for ever, and never arrives"),
)
predict_average.mistake(
    "swapped",
    lambda n: (1 - 0.999**n, 1 - 0.99**n),
    lambda: t("the other way round: a decay nearer to 1 follows more slowly"),
)


def _average(buffers: str, share: Callable[[float], float] = lambda decay: 1 - decay) -> Function:
    """A picture of the average that is brought up to date. `buffers`: what becomes of them."""

    def picture(average: nn.Module, model: nn.Module, decay: float, z: Tensor) -> Tensor:
        with torch.no_grad():
            for mine, new in zip(average.parameters(), model.parameters(), strict=True):
                mine.lerp_(new, share(decay))
            for mine, new in zip(average.buffers(), model.buffers(), strict=True):
                if buffers == "averaged" and mine.is_floating_point():
                    mine.lerp_(new, share(decay))
                elif buffers != "kept":
                    mine.copy_(new)
            return average.train(buffers == "training")(z)

    return picture


def _of_model(average: nn.Module, model: nn.Module, decay: float, z: Tensor) -> Tensor:
    with torch.no_grad():
        return model.eval()(z)


@sheet.exercise(
    _average("copied"),
    title=lambda: t("Find the bug: a good model, a bad average"),
    planted="buffers-forgotten",
)
def average_picture(g: Generator) -> Iterator[Case]:
    def generator(latent: int, sizes: tuple[int, int, int], **kind: torch.dtype) -> nn.Sequential:
        norm = nn.BatchNorm1d(7, **kind)
        with _seeded(g):
            first = nn.Linear(latent, 7, **kind)
            last = nn.Linear(7, math.prod(sizes), **kind)
        with torch.no_grad():
            norm.running_mean.copy_(torch.randn(7, generator=g, **kind))
            norm.running_var.copy_(0.5 + 2 * torch.rand(7, generator=g, **kind))
        return nn.Sequential(first, norm, nn.ReLU(), last, nn.Tanh(), nn.Unflatten(1, sizes))

    def case(batch: int, latent: int, *sizes: int, decay: float, **kind: torch.dtype) -> list:
        average, model = (generator(latent, sizes, **kind) for _ in range(2))
        return [average, model, decay, torch.randn(batch, latent, generator=g, **kind)]

    yield t("with three pictures of 2×3 pixels"), *case(3, 4, 3, 2, 3, decay=0.9)
    yield t("with one picture of 3×3 pixels"), *case(1, 2, 1, 3, 3, decay=0.5)
    yield t("with decay 0.999"), *case(2, 5, 3, 3, 2, decay=0.999)
    yield t("with float64"), *case(4, 3, 1, 1, 5, decay=0.8, dtype=torch.float64)


average_picture.mistake(
    "buffers-forgotten",
    _aside(_average("kept")),
    lambda: t(
        "the model draws well, its average does not: not all that it draws with has been brought"
        " up to date"
    ),
)
average_picture.mistake(
    "buffers-averaged",
    _aside(_average("averaged")),
    lambda: t(
        "you average the buffers too. Many do, and it works; here they are copied: they are"
        " running means already"
    ),
)
average_picture.mistake(
    "training-mode",
    _aside(_average("training")),
    lambda: t("the average should draw in eval(): alone, each picture must come out the same"),
)
average_picture.mistake(
    "all-copied",
    _aside(_of_model),
    lambda: t("now the weights are copied too: this is the model, and no average of it"),
)
average_picture.mistake(
    "decay-swapped",
    _aside(_average("copied", lambda decay: decay)),
    lambda: t("decay is the share that the average keeps, 1 − decay what it takes from the model"),
)

# ---- collapse, and choosing ----------------------------------------------------------------------


def _inside(points: Tensor, cloud: Tensor, k: int) -> float:
    """The share of `points` that lie within the k-th neighbour's distance of one of `cloud`."""
    radius = (
        torch.cdist(cloud, cloud).kthvalue(k + 1, dim=1).values
    )  # the first is the point itself
    return (torch.cdist(points, cloud) <= radius).any(1).double().mean().item()


@sheet.predict(
    title=lambda: t("Predict: what a measure says of a collapse"),
    explain=lambda kinds, drawn: t(
        "every fake lies among real pictures: precision 1. Of the real pictures only those of the"
        " {drawn} kinds have fakes around them: recall {drawn}/{kinds}. Precision alone does not"
        " see a collapse",
        kinds=kinds,
        drawn=drawn,
    ),
    kinds=(8, 10, 16),
    drawn=(2, 3),
)
def predict_recall(kinds: int = 10, drawn: int = 2) -> tuple[float, float]:
    generator = Generator().manual_seed(1)
    centres = 100 * torch.arange(kinds)[:, None, None]
    real = centres + torch.rand(kinds, 40, 2, generator=generator, dtype=torch.float64)
    fake = real[:drawn].flatten(0, 1)  # as good as real
    real = real.flatten(0, 1)
    return _inside(fake, real, 3), _inside(real, fake, 3)


predict_recall.mistake(
    "swapped",
    lambda kinds, drawn: (drawn / kinds, 1),
    lambda: t(
        "precision asks of the fakes whether they are good, recall of the real what is there"
    ),
)
predict_recall.mistake(
    "both-high",
    lambda: (1, 1),
    lambda: t("most kinds are never drawn: one of the two has to notice"),
)
predict_recall.mistake(
    "both-low",
    lambda kinds, drawn: (drawn / kinds, drawn / kinds),
    lambda: t("each fake alone is perfect: one of the two looks at nothing else"),
)
predict_recall.mistake(
    "what-is-missing",
    lambda kinds, drawn: (1, 1 - drawn / kinds),
    lambda: t("the second is the share that is missing; recall is the share that is there"),
)
predict_recall.mistake(
    "counts",
    lambda kinds, drawn: (drawn, drawn),
    lambda: t("shares are asked for, from 0 to 1"),
)


def _spread(deviation: Function) -> Function:
    """Features with one more map that is everywhere `deviation(features)`."""

    def widen(features: Tensor) -> Tensor:
        batch, _, height, width = features.shape
        number = deviation(features).reshape(-1, 1, 1, 1).expand(batch, 1, height, width)
        return torch.cat([features, number], dim=1)

    return widen


def _deviation(features: Tensor, small: float = 1e-8, less: int = 0) -> Tensor:
    squares = (features - features.mean(0)).square().sum(0)
    return (squares / (len(features) - less) + small).sqrt()


@sheet.exercise(
    _spread(lambda x: _deviation(x).mean()),
    title=lambda: t("Write: minibatch standard deviation"),
)
def minibatch_std(g: Generator) -> Iterator[Case]:
    def noise(*shape: int, **kind: torch.dtype) -> Tensor:
        return 2 * torch.randn(shape, generator=g, **kind) + 1

    yield t("with two pictures of one number"), torch.tensor([1.0, 5.0]).view(2, 1, 1, 1)
    yield t("with a batch of three"), noise(3, 2, 5, 4)
    yield t("with three times the same picture"), noise(1, 2, 3, 3).repeat(3, 1, 1, 1)
    yield t("with one picture of 4×6 pixels"), noise(1, 3, 4, 6)
    yield t("with float64"), noise(4, 3, 1, 7, dtype=torch.float64)


minibatch_std.mistake(
    "unbiased",
    _spread(lambda x: _deviation(x, less=1).mean()),
    lambda: t(
        "divide by the number of pictures, not by one less: unbiased=False (or correction=0)"
    ),
)
minibatch_std.mistake(
    "no-epsilon",
    _spread(lambda x: _deviation(x, 0).mean()),
    lambda: t(
        "the 1e-8 under the root is missing: when all pictures are the same, the root of 0 has an"
        " infinite slope, and training becomes nan"
    ),
)
minibatch_std.mistake(
    "per-picture",
    _spread(lambda x: (x.var((1, 2, 3), unbiased=False) + 1e-8).sqrt()),
    lambda: t("this is the spread inside each picture; what is asked is how the pictures differ"),
)
minibatch_std.mistake(
    "everything",
    _spread(lambda x: (x.var(unbiased=False) + 1e-8).sqrt()),
    lambda: t(
        "this is the spread of all numbers together: it stays large even when all pictures are the"
        " same. Take it along the batch axis, then the mean"
    ),
)
minibatch_std.mistake(
    "variance",
    _spread(lambda x: (x.var(0, unbiased=False) + 1e-8).mean()),
    lambda: t("this is the variance; the root is missing"),
)
minibatch_std.mistake(
    "mean-first",
    _spread(lambda x: (x.var(0, unbiased=False).mean() + 1e-8).sqrt()),
    lambda: t("first the root at each place, then the mean: the other order gives another number"),
)
minibatch_std.mistake(
    "mean-of-pictures",
    _spread(lambda x: _deviation(x.mean((1, 2, 3)))),
    lambda: t("you compare only the means of the pictures: compare them place by place"),
)
minibatch_std.mistake(
    "a-map-each",
    lambda x: torch.cat([x, _deviation(x).expand_as(x)], dim=1),
    lambda: t("one number for the whole batch is wanted, so one more map: take the mean over all"),
)
minibatch_std.mistake(
    "a-map-of-places",
    lambda x: torch.cat([x, _deviation(x).mean(0).expand_as(x[:, :1])], dim=1),
    lambda: t(
        "the new map should hold one and the same number everywhere: the mean over places too"
    ),
)
minibatch_std.mistake(
    "added",
    lambda x: x + _deviation(x).mean(),
    lambda: t("the number is to lie beside the features as one more map, not to be added to them"),
)


def _projection(
    class_part: Callable[[Tensor, Tensor], Tensor], plain: bool = True
) -> Callable[..., Tensor]:
    """Logits from `class_part(features, the labels' vectors)` and the unconditional part."""

    def logits(
        features: Tensor, label: Tensor, linear: nn.Linear, embedding: nn.Embedding
    ) -> Tensor:
        part = class_part(features, embedding(label))
        return part + linear(features).squeeze(1) if plain else part

    return logits


def _fits(features: Tensor, vectors: Tensor) -> Tensor:
    return (features * vectors).sum(1)


@sheet.exercise(_projection(_fits), title=lambda: t("Write: the logit of a picture and its label"))
def projection_logits(g: Generator) -> Iterator[Case]:
    def case(labels: list[int], d: int, classes: int, **kind: torch.dtype) -> list:
        with _seeded(g):
            linear, embedding = nn.Linear(d, 1, **kind), nn.Embedding(classes, d, **kind)
        features = torch.randn(len(labels), d, generator=g, **kind)
        return [features, torch.tensor(labels), linear, embedding]

    yield t("with one picture of class 1"), *case([1], 3, 4)
    yield t("with three pictures of two classes"), *case([0, 2, 2], 5, 3)
    yield t("with as many pictures as numbers"), *case([3, 0, 1, 1], 4, 5)
    yield t("with float64"), *case([9, 4], 7, 10, dtype=torch.float64)


projection_logits.mistake(
    "label-ignored",
    lambda features, label, linear, embedding: linear(features).squeeze(1),
    lambda: t(
        "the label changes nothing: the discriminator would accept any picture for any label"
    ),
)
projection_logits.mistake(
    "no-plain-part",
    _projection(_fits, plain=False),
    lambda: t(
        "the part without the label is missing: linear(features), is the picture real at all"
    ),
)
projection_logits.mistake(
    "every-pair",
    _projection(lambda features, vectors: features @ vectors.T),
    lambda: t("every picture meets every label of the batch; each should meet its own only"),
)
projection_logits.mistake(
    "broadcast",
    lambda features, label, linear, embedding: (
        linear(features) + (features * embedding(label)).sum(1)
    ),
    lambda: t(
        "[B, 1] and [B] add up to [B, B]: squeeze the logits of `linear` first (a loss would take"
        " the mean of all and say nothing)"
    ),
)
projection_logits.mistake(
    "a-column",
    lambda features, label, linear, embedding: (
        linear(features) + (features * embedding(label)).sum(1, keepdim=True)
    ),
    lambda: t("right numbers, as a column [B, 1]; one logit for each picture is wanted: [B]"),
)
projection_logits.mistake(
    "mean",
    _projection(lambda features, vectors: (features * vectors).mean(1)),
    lambda: t("a dot product is a sum; you took the mean"),
)
projection_logits.mistake(
    "scaled",
    _projection(
        lambda features, vectors: (features * vectors).sum(1) / math.sqrt(features.shape[1])
    ),
    lambda: t("no √d here: that belongs to attention"),
)
projection_logits.mistake(
    "added",
    lambda features, label, linear, embedding: linear(features + embedding(label)).squeeze(1),
    lambda: t(
        "the label's vector is added to the features: then a label shifts all logits alike,"
        " whatever the picture shows. Multiply (dot product)"
    ),
)

# ---- bigger pictures -----------------------------------------------------------------------------


@sheet.predict(
    title=lambda: t("Predict: the size after a transposed convolution"),
    explain=lambda h, w, k: t(
        "{h} pixels lie 2 apart, so from the first to the last it is ({h} − 1)·2; the kernel of {k}"
        " adds its own width, the padding cuts 2 off each side: ({h} − 1)·2 + {k} − 2·2. So it is"
        " not twice the size; libraries have output_padding for the rest",
        h=h,
        k=k,
    ),
    relative=1e-6,
    h=(4, 7, 8),
    w=(5, 6, 9),
    k=(3, 5, 7),
)
def predict_size(h: int = 4, w: int = 6, k: int = 5) -> tuple[int, int]:
    picture, kernel = torch.zeros(1, 1, h, w), torch.zeros(1, 1, k, k)
    return tuple(F.conv_transpose2d(picture, kernel, stride=2, padding=2).shape[2:])


predict_size.mistake(
    "times-stride",
    lambda h, w: (2 * h, 2 * w),
    lambda: t("twice the size only when the kernel less the padding of both sides is the stride"),
)
predict_size.mistake(
    "forward",
    lambda h, w, k: ((h + 4 - k) // 2 + 1, (w + 4 - k) // 2 + 1),
    lambda: t("this is an ordinary convolution; the transposed one goes the other way"),
)
predict_size.mistake(
    "padding-forgotten",
    lambda h, w, k: (2 * (h - 1) + k, 2 * (w - 1) + k),
    lambda: t("the padding is missing: here it makes the output smaller"),
)
predict_size.mistake(
    "padding-added",
    lambda h, w, k: (2 * (h - 1) + k + 4, 2 * (w - 1) + k + 4),
    lambda: t("padding makes the output of a transposed convolution smaller, not greater"),
)
predict_size.mistake(
    "gaps",
    lambda h, w, k: (2 * h + k - 4, 2 * w + k - 4),
    lambda: t("between n pixels there are n − 1 gaps, so it is h − 1 and w − 1"),
)
predict_size.mistake(
    "swapped",
    lambda h, w, k: (2 * (w - 1) + k - 4, 2 * (h - 1) + k - 4),
    lambda: t("the rows come first"),
)


def _by_convolution(
    kernel: Callable[[Tensor], Tensor] = lambda weight: weight.flip(-2, -1).transpose(0, 1),
    border: Callable[[int], int] = lambda k: k - 1,
    trailing: bool = False,
    repeat: bool = False,
) -> Callable[..., Tensor]:
    """A transposed convolution as zeros between the pixels, a border, and a convolution."""

    def transposed(x: Tensor, weight: Tensor, stride: int) -> Tensor:
        if repeat:
            wide = x.repeat_interleave(stride, 2).repeat_interleave(stride, 3)
        else:
            batch, channels, height, width = x.shape
            wide = x.new_zeros(batch, channels, height * stride, width * stride)
            wide[:, :, ::stride, ::stride] = x
        if not trailing:
            cut = stride - 1
            wide = wide[:, :, : wide.shape[2] - cut, : wide.shape[3] - cut]
        return F.conv2d(wide, kernel(weight), padding=border(weight.shape[-1]))

    return transposed


@sheet.exercise(
    lambda x, weight, stride: F.conv_transpose2d(x, weight, stride=stride),
    title=lambda: t("Write: a transposed convolution from an ordinary one"),
    library=("conv_transpose2d", "ConvTranspose2d", "conv2d_input", "fold"),
)
def transposed_conv(g: Generator) -> Iterator[Case]:
    def case(
        batch: int, before: int, after: int, h: int, w: int, k: int, stride: int, **kind
    ) -> list:
        x = torch.randn(batch, before, h, w, generator=g, **kind)
        return [x, torch.randn(before, after, k, k, generator=g, **kind), stride]

    kernel = torch.arange(1.0, 10).view(1, 1, 3, 3)  # so that a turned one can be read off
    corner = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    yield t("with one pixel of 1 among zeros"), corner, kernel, 2
    yield t("with 2×3 pixels and stride 2"), torch.ones(1, 1, 2, 3), kernel, 2
    yield t("with as many channels after as before"), *case(1, 3, 3, 2, 4, 3, 2)
    yield t("with a batch of three, 2 channels to 4"), *case(3, 2, 4, 3, 5, 4, 2)
    yield t("with stride 1"), *case(1, 2, 1, 4, 3, 3, 1)
    yield t("with stride 3 and a kernel of 2"), *case(2, 1, 2, 3, 2, 2, 3)
    yield t("with float64"), *case(1, 2, 3, 2, 2, 5, 2, dtype=torch.float64)


transposed_conv.mistake(
    "not-turned",
    _by_convolution(lambda weight: weight.transpose(0, 1)),
    lambda: t(
        "one pixel should leave the kernel behind as it is, and leaves it turned by 180°: flip the"
        " kernel's last two axes"
    ),
)
transposed_conv.mistake(
    "flipped-once",
    _by_convolution(lambda weight: weight.flip(-1).transpose(0, 1)),
    lambda: t("the kernel has to be flipped along both of its last axes"),
)
transposed_conv.mistake(
    "flipped-once",
    _by_convolution(lambda weight: weight.flip(-2).transpose(0, 1)),
    lambda: t("the kernel has to be flipped along both of its last axes"),
)
transposed_conv.mistake(
    "kernel-transposed",
    _by_convolution(lambda weight: weight.mT.transpose(0, 1)),
    lambda: t("the kernel is to be turned (flip), not mirrored at its diagonal (transpose)"),
)
transposed_conv.mistake(
    "channels-not-swapped",
    _by_convolution(lambda weight: weight.flip(-2, -1)),
    lambda: t(
        "the channels go the wrong way: here the weight is [in, out, k, k], conv2d wants"
        " [out, in, k, k]"
    ),
)
transposed_conv.mistake(
    "trailing-zeros",
    _by_convolution(trailing=True),
    lambda: t("zeros go between the pixels only, not after the last one"),
)
transposed_conv.mistake(
    "no-border",
    _by_convolution(border=lambda k: 0),
    lambda: t(
        "the border is missing: k − 1 zeros on every side, so that a corner pixel counts too"
    ),
)
transposed_conv.mistake(
    "narrow-border",
    _by_convolution(border=lambda k: k // 2),
    lambda: t("the border is too narrow: k − 1 zeros on every side"),
)
transposed_conv.mistake(
    "repeated",
    _by_convolution(repeat=True),
    lambda: t("you repeat the pixels (that is upsampling); put zeros between them"),
)
transposed_conv.mistake(
    "repeated",
    _by_convolution(repeat=True, trailing=True),
    lambda: t("you repeat the pixels (that is upsampling); put zeros between them"),
)


def _mixed(
    enlarge: Function, mix: Callable[[Tensor, Tensor, float], Tensor]
) -> Callable[[Tensor, Tensor, float], Tensor]:
    return lambda small, large, alpha: mix(enlarge(small), large, alpha)


def _doubled(x: Tensor) -> Tensor:
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def _blend(small: Tensor, large: Tensor, alpha: float) -> Tensor:
    return (1 - alpha) * small + alpha * large


@sheet.exercise(_mixed(_doubled, _blend), title=lambda: t("Write: fading in a new layer"))
def fade_in(g: Generator) -> Iterator[Case]:
    def case(batch: int, channels: int, h: int, w: int, alpha: float, **kind: torch.dtype) -> list:
        small = torch.randn(batch, channels, h, w, generator=g, **kind)
        large = torch.randn(batch, channels, 2 * h, 2 * w, generator=g, **kind)
        return [small, large, alpha]

    small, large = torch.tensor([[[[0.0, 1.0]]]]), torch.full((1, 1, 2, 4), 10.0)
    yield t("with two pixels and alpha 0.25"), small, large, 0.25
    yield t("with three pictures of 5×4 pixels"), *case(3, 3, 5, 4, 0.7)
    yield t("at the start, alpha 0"), *case(1, 3, 2, 3, 0.0)
    yield t("at the end, alpha 1"), *case(1, 3, 3, 2, 1.0)
    yield t("with float64"), *case(2, 1, 1, 3, 0.4, dtype=torch.float64)


fade_in.mistake(
    "alpha-swapped",
    _mixed(_doubled, lambda small, large, alpha: _blend(large, small, alpha)),
    lambda: t("the wrong way round: alpha 0 is the old picture, alpha 1 the new one"),
)
fade_in.mistake(
    "tiled",
    _mixed(lambda x: x.repeat(1, 1, 2, 2), _blend),
    lambda: t(
        "repeat lays the whole picture down four times; each pixel is to become 2×2"
        " (repeat_interleave, or interpolate)"
    ),
)
fade_in.mistake(
    "smoothed",
    _mixed(lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), _blend),
    lambda: t("smoothed between the pixels; the plain doubling (nearest) is wanted"),
)
fade_in.mistake(
    "smoothed",
    _mixed(nn.UpsamplingBilinear2d(scale_factor=2), _blend),
    lambda: t("smoothed between the pixels; the plain doubling (nearest) is wanted"),
)
fade_in.mistake(
    "added",
    _mixed(_doubled, lambda small, large, alpha: small + alpha * large),
    lambda: t("the old picture has to fade out as the new one comes in: 1 − alpha"),
)
fade_in.mistake(
    "halves",
    _mixed(_doubled, lambda small, large, alpha: (small + large) / 2),
    lambda: t("alpha changes nothing in yours"),
)
fade_in.mistake(
    "too-small",
    lambda small, large, alpha: _blend(small, F.avg_pool2d(large, 2), alpha),
    lambda: t("you shrank the new picture; enlarge the old one instead"),
)
