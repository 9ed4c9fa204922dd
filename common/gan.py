"""What lesson 02-gan builds, for what comes later.

Built by `python3 course.py build` from
lessons/02-gan/1-adversarial-game.py,
lessons/02-gan/2-dcgan.py,
lessons/02-gan/3-bigger-pictures.py: edit there, not here.
"""

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange
from matplotlib.axes import Axes
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

import common
from common import plots
from common.data import Report, image_folder, photographs, split_indices
from common.lang import t
from common.rangoli import all_factors, render
from common.training import Training


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-E log σ(real) - E log(1 - σ(fake)), any shapes: real is labelled 1, fake is labelled 0.

    Goodfellow et al. 2014, equation 1, with the sign turned. softplus(x) = log(1 + eˣ) does not
    overflow, as log σ would.
    """
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def saturating_loss(fake_logits: Tensor) -> Tensor:
    """E log(1 - σ(fake)): the generator's side of the minimax game. It is negative."""
    return -F.softplus(fake_logits).mean()


def non_saturating_loss(fake_logits: Tensor) -> Tensor:
    """-E log σ(fake): as if the fakes were labelled 1."""
    return F.softplus(-fake_logits).mean()


def r1_penalty(discriminator: Callable[..., Tensor], real: Tensor, *condition: Tensor) -> Tensor:
    """E ‖∇ₓ D(x)‖² over real samples [N, ...]; times γ/2 it is added to the discriminator's loss.

    `condition` goes to the discriminator unchanged (labels, say). The result can be trained on.
    ValueError if there is nothing to differentiate. Mescheder et al. 2018, equation 9.
    """
    if not real.is_floating_point() or len(real) == 0:
        raise ValueError(
            t("R1 needs real samples as floats [N, …] with N > 0: use images.float() / 255")
        )
    real = real.detach().requires_grad_()
    logits = discriminator(real, *condition)
    (slope,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
    return slope.flatten(1).square().sum(1).mean()


def ring_centres(modes: int = 8, radius: float = 2.0) -> Tensor:
    """The centres of `modes` heaps on a circle: [modes, 2]. ValueError without a mode."""
    if modes < 1:
        raise ValueError(t("A ring needs at least one mode, not {modes}", modes=modes))
    angle = torch.arange(modes) * (2 * math.pi / modes)
    return radius * torch.stack([angle.cos(), angle.sin()], dim=1)


def ring(
    count: int,
    generator: torch.Generator,
    modes: int = 8,
    radius: float = 2.0,
    spread: float = 0.15,
) -> Tensor:
    """`count` points [count, 2] of `modes` Gaussian heaps on a circle, each as likely as another.

    ValueError for a negative count or without a mode.
    """
    if count < 0:
        raise ValueError(t("A ring of {count} points? Ask for 0 or more", count=count))
    centres = ring_centres(modes, radius)
    which = torch.randint(modes, (count,), generator=generator)
    return centres[which] + spread * torch.randn(count, 2, generator=generator)


def ring_coverage(
    points: Tensor,
    modes: int = 8,
    radius: float = 2.0,
    spread: float = 0.15,
    least: float = 1 / 3,
) -> tuple[int, float]:
    """How many heaps `points` [N, 2] cover, and the share of points that are good.

    Good: within 3 `spread` of a heap's centre (98.9 % of real points are). Covered: the heap has at
    least `least` of the good points that it would have if the points were real. ValueError for
    another shape, or no points.
    """
    if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
        raise ValueError(
            t("Points must have the shape [N, 2] with N > 0, not {shape}", shape=list(points.shape))
        )
    distance = torch.cdist(points.detach().cpu().float(), ring_centres(modes, radius))
    good = distance < 3 * spread  # [N, modes]; NaN is in no heap
    covered = int((good.float().mean(0) >= least / modes).sum())
    return covered, good.any(1).float().mean().item()


def draw_points(ax: Axes, points: Tensor, title: str = "") -> None:
    """Points [N, 2] in blue, over real ones in grey."""
    real = ring(500, torch.Generator().manual_seed(0))
    ax.plot(*real.T, ".", color="0.75", markersize=2)
    ax.plot(*points.detach().cpu().T, ".", color=plots.COLOURS[0], markersize=2)
    ax.set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), xticks=[], yticks=[], aspect="equal")
    ax.spines[:].set_visible(False)
    ax.set_title(title, fontsize=9)


class SideBySide(nn.Module):
    """Several small networks (MLPs) of one kind, each with its own row of numbers.

    `sizes` are the widths of the layers, from input to output; there is one network a seed.
    """

    def __init__(self, sizes: Sequence[int], seeds: Sequence[int]) -> None:
        super().__init__()
        self.shapes = list(pairwise(sizes))
        rows = []
        for seed in seeds:
            generator = torch.Generator().manual_seed(seed)
            for fan_in, fan_out in self.shapes:  # He et al. 2015
                rows.append(
                    torch.randn(fan_in * fan_out, generator=generator) * math.sqrt(2 / fan_in)
                )
                rows.append(torch.zeros(fan_out))
        self.numbers = nn.Parameter(torch.cat(rows).view(len(seeds), -1))  # [games, numbers]

    def forward(self, x: Tensor) -> Tensor:
        """x [games, n, first size] -> [games, n, last size]."""
        lengths = [length for a, b in self.shapes for length in (a * b, b)]
        parts = iter(self.numbers.split(lengths, dim=1))
        for layer, (fan_in, fan_out) in enumerate(self.shapes):
            weight, bias = next(parts).view(-1, fan_in, fan_out), next(parts)[:, None]
            x = torch.baddbmm(bias, x if layer == 0 else F.leaky_relu(x, 0.2), weight)
        return x

    def copies(self, games: Sequence[int]) -> "SideBySide":
        """New networks with the numbers of these `games` (one may come several times)."""
        twin = SideBySide([a for a, _ in self.shapes] + [self.shapes[-1][1]], seeds=games)
        twin.numbers = nn.Parameter(self.numbers.detach()[list(games)].clone())
        return twin


class RowAdam:
    """Adam (Kingma & Ba 2014) for `SideBySide`, with a learning rate for each game.

    `rate`: a number, or [games, 1].
    """

    def __init__(
        self, players: SideBySide, rate: float | Tensor, betas: tuple[float, float] = (0.5, 0.99)
    ) -> None:
        self.numbers, self.rate, self.betas = players.numbers, rate, betas
        self.mean, self.square = (torch.zeros_like(self.numbers) for _ in range(2))
        self.steps = torch.zeros_like(self.numbers[:, :1])

    def step(self, loss: Tensor, plays: Tensor | None = None) -> None:
        """One step down `loss`; games where `plays` [games] is False stay as they are."""
        (slope,) = torch.autograd.grad(loss, self.numbers)
        moves = torch.ones_like(self.steps) if plays is None else plays[:, None].to(slope.dtype)
        with torch.no_grad():
            self.steps += moves
            self.mean += moves * (1 - self.betas[0]) * (slope - self.mean)
            self.square += moves * (1 - self.betas[1]) * (slope**2 - self.square)
            n = self.steps.clamp(min=1)
            mean, square = (
                self.mean / (1 - self.betas[0] ** n),
                self.square / (1 - self.betas[1] ** n),
            )
            self.numbers -= moves * self.rate * mean / (square.sqrt() + 1e-8)


class Look(NamedTuple):
    """What each of several games made at a step; all tensors on the CPU."""

    step: int
    points: Tensor  # [games, 1000, 2]
    covered: Tensor  # [games], of 8
    good: Tensor  # [games], share of points in a heap
    loss_d: Tensor  # [games], mean since the look before
    loss_g: Tensor  # [games]: non-saturating, whatever G trains on
    skipped: Tensor  # [games], share of D's turns that it sat out


def play(
    generators: SideBySide,
    discriminators: SideBySide,
    steps: int,
    *,
    rates: tuple[float | Tensor, float | Tensor] = (1e-3, 1e-2),
    generator_loss: Callable[[Tensor], Tensor] = non_saturating_loss,
    gamma: Tensor | None = None,
    d_turns: int = 1,
    skip_above: Tensor | None = None,
    seed: int = 0,
    look_every: int = 100,
    batch: int = 64,
) -> list[Look]:
    """Let `generators` and `discriminators` play on the ring for `steps`, changing both in place.

    rates: of G and of D, each a number or [games, 1]. gamma: weight of R1, [games]. skip_above: D
    sits out where it judges more than this share of its batch rightly, [games].
    """
    numbers = generators.numbers
    games, device = len(numbers), numbers.device
    width = generators.shapes[0][0]
    dice = torch.Generator().manual_seed(seed)
    fixed = torch.randn(1_000, width, generator=torch.Generator().manual_seed(9))
    adam_g, adam_d = RowAdam(generators, rates[0]), RowAdam(discriminators, rates[1])
    sums, looks = torch.zeros(3, games, device=device), []

    def make() -> Tensor:
        return generators(torch.randn(games, batch, width, generator=dice).to(device))

    def stretched(x: Tensor) -> Tensor:  # a slope × √γ counts γ times in R1
        return gamma.sqrt()[:, None, None] * discriminators(x.view(games, batch, 2))

    for step in range(1, steps + 1):
        for _ in range(d_turns):
            real = ring(games * batch, dice).view(games, batch, 2).to(device)
            with torch.no_grad():
                fake = make()
            real_logits, fake_logits = discriminators(torch.cat([real, fake], dim=1)).chunk(
                2, dim=1
            )
            loss = discriminator_loss(real_logits, fake_logits)
            if gamma is not None:
                loss = loss + r1_penalty(stretched, real.flatten(0, 1)) / 2
            plays = None
            if skip_above is not None:
                right = ((real_logits > 0).float() + (fake_logits < 0).float()).mean((1, 2)) / 2
                plays = right <= skip_above
                sums[2] += ~plays / d_turns
            adam_d.step(loss, plays)
        logits = discriminators(make())
        adam_g.step(generator_loss(logits))

        with torch.no_grad():
            sums[0] += (F.softplus(-real_logits) + F.softplus(fake_logits)).mean((1, 2))
            sums[1] += F.softplus(-logits).mean((1, 2))
            if step % look_every == 0 or step == steps:
                points = generators(fixed.expand(games, -1, -1).to(device)).cpu()
                covered, good = zip(*map(ring_coverage, points), strict=True)
                since = (step - 1) % look_every + 1
                means = (sums / since).cpu().unbind()
                looks.append(
                    Look(step, points, torch.tensor(covered).float(), torch.tensor(good), *means)
                )
                sums.zero_()
    return looks


class SelfModulation(nn.Module):
    """Batch norm whose gain and shift are read from a style: x [N, C, H, W], style [N, S].

    (1 + gain(style)) · (x - mean) / deviation + shift(style), after Chen et al. 2018 (1810.01365).
    """

    def __init__(self, channels: int, style: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.gain, self.shift = nn.Linear(style, channels), nn.Linear(style, channels)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        gain, shift = 1 + self.gain(style), self.shift(style)  # [N, C]
        return torch.addcmul(shift[..., None, None], gain[..., None, None], self.norm(x))


class Generator(nn.Module):
    """Noise [N, latent] and, with classes, labels [N] -> pictures [N, channels, 32, 32] in -1…1.

    A picture grows 4 × 4 -> 8 × 8 -> 16 × 16 -> 32 × 32, and its channels shrink. upsampling:
    "nearest" doubles the pixels and convolves, "transposed" uses transposed convolutions as in
    Radford et al. 2015. classes: an embedding of the label is put beside the noise. modulated: the
    noise also sets the gain and shift of every batch norm, by `SelfModulation`.
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 32,
        latent: int = 64,
        classes: int = 0,
        upsampling: str = "nearest",
        modulated: bool = False,
    ) -> None:
        super().__init__()
        if upsampling not in ("nearest", "transposed"):
            raise ValueError(
                t('upsampling is "nearest" or "transposed", not {given}', given=repr(upsampling))
            )
        self.latent, self.classes = latent, classes
        self.embed = nn.Embedding(classes, latent) if classes else None
        told = latent * (2 if classes else 1)
        # 4·width maps of 4 × 4: the same as a transposed convolution of a 1 × 1 picture
        self.begin = nn.Linear(told, 4 * width * 16, bias=False)
        self.style = nn.Sequential(nn.Linear(told, latent), nn.ReLU()) if modulated else None
        if upsampling == "nearest":
            last = [nn.Conv2d(width, 4 * channels, 3, padding=1), nn.PixelShuffle(2)]
        else:
            last = [nn.ConvTranspose2d(width, channels, 4, 2, 1, bias=False)]

        def normal(count: int) -> nn.Module:
            return SelfModulation(count, latent) if modulated else nn.BatchNorm2d(count)

        def grow(before: int, after: int) -> list[nn.Module]:
            """Layers that double the picture's side."""
            if upsampling == "nearest":
                convolution = nn.Conv2d(before, after, 3, padding=1, bias=False)
                up = [nn.Upsample(scale_factor=2), convolution]
            else:
                up = [nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False)]
            return [*up, normal(after), nn.ReLU()]

        self.body = nn.Sequential(
            nn.Unflatten(1, (4 * width, 4, 4)),
            normal(4 * width),
            nn.ReLU(),
            *grow(4 * width, 2 * width),  # [N, 2·width, 8, 8]
            *grow(2 * width, width),  # [N, width, 16, 16]
            *last,  # [N, channels, 32, 32]
            nn.Tanh(),
        )

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        check_labels(label, self.classes, len(z))
        if z.shape[1:] != (self.latent,):
            raise ValueError(
                t("z must be [N, {latent}], not {shape}", latent=self.latent, shape=list(z.shape))
            )
        if self.embed is not None:
            z = torch.cat([z, self.embed(label)], dim=1)
        x, style = self.begin(z), self.style(z) if self.style else None
        for layer in self.body:
            x = layer(x, style) if isinstance(layer, SelfModulation) else layer(x)
        return x


def check_labels(label: Tensor | None, classes: int, count: int) -> None:
    """ValueError, with the cure, unless there is one label in 0…classes-1 for each of `count`."""
    if not classes:
        if label is not None:
            raise ValueError(
                t("This network has no classes: make it with classes=…, or give no labels.")
            )
        return
    if label is None:
        raise ValueError(
            t("This network has {classes} classes: give it a label for each.", classes=classes)
        )
    if label.shape != (count,):
        raise ValueError(
            t(
                "{count} pictures need labels of shape [{count}], not {shape}",
                count=count,
                shape=list(label.shape),
            )
        )
    if len(label) and not 0 <= int(label.min()) <= int(label.max()) < classes:
        raise ValueError(
            t(
                "Labels must lie in 0…{last}; these go from {low} to {high}",
                last=classes - 1,
                low=int(label.min()),
                high=int(label.max()),
            )
        )


class Discriminator(nn.Module):
    """Pictures [N, channels, 32, 32] in -1…1 and, with classes, labels [N] -> logits [N].

    The generator upside down: 32 × 32 -> 16 × 16 -> 8 × 8 -> 4 × 4 -> one number; strides instead
    of pooling. norm: "spectral" (Miyato et al. 2018), "batch" or "none". first: "unshuffle" folds
    2 × 2 pixels into channels, "stride" convolves the full picture with stride 2. classes: the
    projection of Miyato & Koyama 2018 adds <embedding of the label, features> to the logit.
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 32,
        norm: str = "spectral",
        minibatch_std: bool = False,
        classes: int = 0,
        first: str = "unshuffle",
    ) -> None:
        super().__init__()
        if norm not in ("spectral", "batch", "none"):
            raise ValueError(
                t('norm is "spectral", "batch" or "none", not {given}', given=repr(norm))
            )
        self.channels, self.classes = channels, classes
        limit = spectral_norm if norm == "spectral" else lambda layer: layer
        bias = norm != "batch"

        def halve(before: int, after: int) -> list[nn.Module]:
            """Layers that halve the picture's side: a convolution of stride 2, no pooling."""
            normal = [nn.BatchNorm2d(after)] if norm == "batch" else []
            convolution = limit(nn.Conv2d(before, after, 4, 2, 1, bias=bias))
            return [convolution, *normal, nn.LeakyReLU(0.2)]

        if first == "unshuffle":
            begin = [nn.PixelUnshuffle(2), limit(nn.Conv2d(4 * channels, width, 3, padding=1))]
        else:
            begin = [limit(nn.Conv2d(channels, width, 4, 2, 1, bias=bias))]
        self.body = nn.Sequential(
            *begin,  # [N, width, 16, 16]
            nn.LeakyReLU(0.2),
            *halve(width, 2 * width),  # [N, 2·width, 8, 8]
            *halve(2 * width, 4 * width),  # [N, 4·width, 4, 4]
        )
        self.spread = MinibatchStd() if minibatch_std else nn.Identity()
        self.judge = limit(nn.Conv2d(4 * width + minibatch_std, 1, 4, bias=bias))
        self.embed = limit(nn.Embedding(classes, 4 * width)) if classes else None

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        if x.shape[1:] != (self.channels, 32, 32):
            raise ValueError(
                t(
                    "Pictures must be [N, {channels}, 32, 32], not {shape}",
                    channels=self.channels,
                    shape=list(x.shape),
                )
            )
        check_labels(label, self.classes, len(x))
        features = self.body(x)  # [N, 4·width, 4, 4]
        logits = self.judge(self.spread(features)).flatten()
        if self.embed is not None:
            logits = logits + (self.embed(label) * features.sum((2, 3))).sum(1)
        return logits


@dataclass(frozen=True)
class GanConfig:
    """All that a GAN's recipe sets. rates: the learning rates of generator and discriminator."""

    loss: str = "hinge"  # or "non-saturating", "saturating"
    norm: str = "spectral"  # of the discriminator: or "batch", "none"
    upsampling: str = "nearest"  # of the generator: or "transposed"
    modulated: bool = (
        False  # the noise reaches every batch norm of the generator (`SelfModulation`)
    )
    width: int = 32  # channels next to the picture, in both networks
    latent: int = 64
    classes: int = 0
    rates: tuple[float, float] = (7e-4, 1.4e-3)
    betas: tuple[float, float] = (0.0, 0.9)
    muon: float = 0.0  # the rate of `Muon` for D's convolutions but the last; 0: Adam has all
    batch: int = 32
    average: float = 0.995  # decay of the generator's moving average; 0: none
    decay: bool = False  # the learning rates fall to 0 over the second half
    r1: float = 0.0  # gamma of the R1 penalty, paid every 8th step
    minibatch_std: bool = False
    pack: int = 1  # pictures, of one label, that the discriminator judges together
    generator_steps: int = 1  # for one of the discriminator
    first: str = "unshuffle"  # the discriminator's first layer: or "stride"
    small_start: bool = True  # weights from N(0, 0.02), as in Radford et al. 2015

    def make(self, channels: int) -> tuple[Generator, Discriminator]:
        """A new pair of networks, from torch's global random state."""
        generator = Generator(
            channels, self.width, self.latent, self.classes, self.upsampling, self.modulated
        )
        discriminator = Discriminator(
            channels * self.pack,
            self.width,
            self.norm,
            self.minibatch_std,
            self.classes,
            self.first,
        )
        if self.small_start:
            # A spectral norm divides the scale out again: there it would only raise the rate
            both = [generator] if self.norm == "spectral" else [generator, discriminator]
            for module in (module for network in both for module in network.modules()):
                if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                    nn.init.normal_(module.weight, 0, 0.02)
                elif isinstance(module, nn.BatchNorm2d) and module.affine:
                    nn.init.normal_(module.weight, 1, 0.02)
        return generator, discriminator


PUBLISHED = GanConfig(
    loss="non-saturating",
    norm="batch",
    upsampling="transposed",
    width=64,
    latent=100,
    rates=(2e-4, 2e-4),
    betas=(0.5, 0.999),
    batch=128,
    average=0.0,
    first="stride",
)
OURS = GanConfig(
    modulated=True, rates=(1.2e-3, 2.4e-3), muon=0.02, batch=16, average=0.98, decay=True
)


def hinge_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Real should be above 1, fake below -1; what is further away costs nothing."""
    return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()


def hinge_generator_loss(fake_logits: Tensor) -> Tensor:
    """-D(G(z)): the generator wants its pictures' logits as high as it can get them."""
    return -fake_logits.mean()


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """average <- decay · average + (1 - decay) · model, in place; buffers are copied."""
    for mine, new in zip(average.parameters(), model.parameters(), strict=True):
        mine.lerp_(new, 1 - decay)
    for mine, new in zip(average.buffers(), model.buffers(), strict=True):
        mine.copy_(new)  # batch norm's statistics: running means already


class MinibatchStd(nn.Module):
    """Adds one map that says how much the pictures of a batch differ. Karras et al. 2017.

    [N, C, H, W] -> [N, C + 1, H, W]; the deviation is taken over groups of 4 pictures.
    """

    def forward(self, x: Tensor) -> Tensor:
        group = 4 if len(x) % 4 == 0 else len(x)
        groups = x.view(group, -1, *x.shape[1:])  # [4, N / 4, C, H, W]
        deviation = (groups.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3))  # [N / 4]
        extra = deviation.repeat(group)[:, None, None, None].expand(-1, 1, *x.shape[2:])
        return torch.cat([x, extra], dim=1)


def evened(matrices: Tensor, rounds: int = 5) -> Tensor:
    """Matrices [k, n, m] with the same directions, all made about equally strong: singular values
    of 0.7 to 1.2. Newton–Schulz, which needs nothing but products of matrices."""
    x = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-7)
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    for _ in range(rounds):
        square = x @ x.mT
        x = 3.4445 * x + (2.0315 * square @ square - 4.775 * square) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Moves matrices by their evened momentum (Jordan et al. 2024); for the hidden layers only.

    A kernel [out, in, h, w] counts as a matrix [out, in · h · w]; what is neither stays with Adam.
    """

    def __init__(self, matrices: Sequence[nn.Parameter], lr: float, momentum: float = 0.95) -> None:
        super().__init__(matrices, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            alike: dict[torch.Size, list[nn.Parameter]] = {}  # of one shape: evened all at once
            for p in group["params"]:
                if p.grad is not None:
                    alike.setdefault(p.shape, []).append(p)
            for shape, same in alike.items():
                rows, columns = shape[0], shape[1:].numel()
                for p in same:
                    kept = self.state[p].setdefault("momentum", torch.zeros_like(p))
                    kept.lerp_(p.grad, 1 - group["momentum"])
                ahead = [p.grad.lerp(self.state[p]["momentum"], group["momentum"]) for p in same]
                length = group["lr"] * max(1, rows / columns) ** 0.5
                steps = evened(torch.stack(ahead).flatten(2)).view(-1, *shape)
                torch._foreach_add_(same, list(steps), alpha=-length)


@dataclass
class Trained:
    """What training leaves: the networks, the generator's moving average, and the history.

    history: {name: [(step, value), …]} of the two losses and the mean logits of real and fake.
    """

    generator: nn.Module
    average: nn.Module
    discriminator: nn.Module
    history: dict[str, list[tuple[int, float]]] = field(default_factory=dict)


def train_gan(
    config: GanConfig,
    images: Tensor,
    *,
    steps: int,
    labels: Tensor | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    start: Trained | None = None,
    folder: Path | None = None,
    note: Callable[[int, Trained], dict[str, float] | None] | None = None,
    progress: Callable[[int], float] | None = None,
) -> Trained:
    """Train the two networks of `config` on pictures uint8 [N, C, 32, 32], with labels [N].

    start: go on from a copy of these networks instead of new ones. folder: keep the run there, and
    go on from what it holds (see common.training). note(step, trained): called after each step;
    the numbers that it returns stand beside the progress bar and in the history. progress(step):
    the share 0…1 of the training that is over, by which rates fall; step / steps if not given.
    """
    if images.dtype != torch.uint8 or images.shape[2:] != (32, 32):
        raise ValueError(
            t(
                "Pictures to train on must be uint8 [N, C, 32, 32], not {dtype} {shape}",
                dtype=str(images.dtype).removeprefix("torch."),
                shape=list(images.shape),
            )
        )
    check_labels(labels, config.classes, len(images))
    if config.batch % config.pack:
        raise ValueError(
            t(
                "A batch of {batch} does not split into packs of {pack}: make it a multiple",
                batch=config.batch,
                pack=config.pack,
            )
        )
    device = torch.device(device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator, discriminator = config.make(images.shape[1])
    average = copy.deepcopy(generator)
    if start is not None:
        generator.load_state_dict(start.generator.state_dict())
        average.load_state_dict(start.average.state_dict())
        discriminator.load_state_dict(start.discriminator.state_dict())
    for network in (generator, average, discriminator):
        network.to(device, memory_format=torch.channels_last).train()
    average.requires_grad_(False)
    hidden = [p for p in discriminator.body.parameters() if p.ndim == 4] if config.muon else []
    others = [p for p in discriminator.parameters() if all(p is not kernel for kernel in hidden)]
    optimizer_g = torch.optim.Adam(
        generator.parameters(), config.rates[0], config.betas, fused=True
    )
    optimizers_d = {
        "optimizer_d": torch.optim.Adam(others, config.rates[1], config.betas, fused=True)
    }
    if hidden:
        optimizers_d["muon_d"] = Muon(hidden, config.muon, momentum=0)
    optimizers = {"optimizer_g": optimizer_g} | optimizers_d
    rates = {name: each.param_groups[0]["lr"] for name, each in optimizers.items()}
    lot = torch.Generator().manual_seed(seed)  # draws the batches and the noise
    parts = {"generator": generator, "average": average, "discriminator": discriminator}
    training = Training(
        {**parts, **optimizers, "lot": lot},
        folder,
        name="gan",
        # with decay, the rates of a step depend on how many there will be
        settings=asdict(config) | {"seed": seed, "steps": steps if config.decay else None},
    )
    trained = Trained(**parts)

    if labels is not None:
        order, many = labels.argsort(), labels.bincount()
        first = many.cumsum(0) - many  # of each label, in that order

    def draw() -> Tensor:
        """Indices [batch]: pictures i, i + batch / pack, … have one label and make one pack."""
        index = torch.randint(len(images), (config.batch // config.pack,), generator=lot)
        partners = []
        for _ in range(config.pack - 1):
            share = torch.rand(len(index), generator=lot, dtype=torch.float64)
            if labels is None:
                partners.append((share * len(images)).long())
            else:
                partners.append(order[first[labels[index]] + (share * many[labels[index]]).long()])
        return torch.cat([index, *partners])

    def together(pictures: Tensor) -> Tensor:
        """[batch, C, H, W] -> [batch / pack, pack · C, H, W]."""
        return torch.cat(pictures.chunk(config.pack), dim=1)

    def noise() -> Tensor:
        return torch.randn(config.batch, config.latent, generator=lot).to(device)

    for step in training.steps(steps):
        if config.decay:
            over = progress(step) if progress else step / steps
            share = min(1.0, 2 * (1 - over))
            for name, optimizer in optimizers.items():
                optimizer.param_groups[0]["lr"] = rates[name] * share
        index = draw()
        real = images[index].to(device, memory_format=torch.channels_last).float() / 127.5 - 1
        label = [] if labels is None else [labels[index].to(device)]
        one = [y[: len(y) // config.pack] for y in label]  # a pack's
        fake = generator(noise(), *label)  # the same pictures serve both steps

        # 1. The discriminator: real up, fake down. detach: the generator does not learn here
        if config.norm == "batch" or config.minibatch_std:  # these must not mix real and fake
            real_logits = discriminator(together(real), *one)
            fake_logits = discriminator(together(fake.detach()), *one)
        else:
            both = torch.cat([together(real), together(fake.detach())])
            real_logits, fake_logits = discriminator(both, *(y.repeat(2) for y in one)).chunk(2)
        loss_d = (hinge_discriminator_loss if config.loss == "hinge" else discriminator_loss)(
            real_logits, fake_logits
        )
        if config.r1 > 0 and step % 8 == 0:  # seldom, but eight times as much
            loss_d = loss_d + 8 * config.r1 / 2 * r1_penalty(discriminator, together(real), *one)
        discriminator.zero_grad()
        loss_d.backward()
        for optimizer in optimizers_d.values():
            optimizer.step()

        # 2. The generator: its pictures up. The discriminator is frozen
        discriminator.requires_grad_(False)
        for again in range(config.generator_steps):
            if again:
                fake = generator(noise(), *label)
            loss_g = {
                "hinge": hinge_generator_loss,
                "non-saturating": non_saturating_loss,
                "saturating": saturating_loss,
            }[config.loss](discriminator(together(fake), *one))
            optimizer_g.zero_grad()
            loss_g.backward()
            optimizer_g.step()
        discriminator.requires_grad_(True)

        # 3. The moving average follows; at first faster, else it would remember the random start
        update_average(average, generator, min(config.average, (1 + step) / (10 + step)))
        training.note(
            loss_d=loss_d.detach(),
            loss_g=loss_g.detach(),
            real=real_logits.detach().mean(),
            fake=fake_logits.detach().mean(),
        )
        trained.history = training.history
        if note:
            training.note(**(note(step + 1, trained) or {}))
    trained.history = training.history
    return trained


@torch.no_grad()
def sample(
    generator: nn.Module,
    count: int,
    *,
    seed: int = 0,
    device: torch.device | str = "cpu",
    labels: Tensor | None = None,
) -> Tensor:
    """`count` pictures in 0…1 [count, C, 32, 32] from the noise of `seed`, on the CPU.

    labels: [count], for a generator with classes.
    """
    noise = torch.randn(count, generator.latent, generator=torch.Generator().manual_seed(seed))
    check_labels(labels, generator.classes, count)
    training = generator.training
    generator.eval()  # batch norm uses its running statistics: a picture depends on its z alone
    pictures = [
        generator(noise[part].to(device), *([] if labels is None else [labels[part].to(device)]))
        for part in torch.arange(count).split(500)
    ]
    generator.train(training)
    return torch.cat(pictures).add(1).div(2).clamp(0, 1).cpu()


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """FID between features [N, d] and [M, d]: ‖μ₁ − μ₂‖² + tr(C₁ + C₂ − 2 (C₁C₂)^½).

    0 if means and covariances agree. At least 2 rows each; few rows make it too large.
    Heusel et al. 2017 (1706.08500).
    """
    real, fake = real.cpu().double(), fake.cpu().double()
    gap = (real.mean(0) - fake.mean(0)).square().sum()
    real_spread, fake_spread = torch.cov(real.T), torch.cov(fake.T)  # [d, d]
    real_spread, fake_spread = torch.atleast_2d(real_spread), torch.atleast_2d(fake_spread)
    # tr (C₁C₂)^½ = tr (A C₂ A)^½ with A = C₁^½: now symmetric, so its eigenvalues are real
    values, vectors = torch.linalg.eigh(real_spread)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    shared = torch.linalg.eigvalsh(root @ fake_spread @ root).clamp(min=0).sqrt().sum()
    return (gap + real_spread.trace() + fake_spread.trace() - 2 * shared).item()


def kernel_distance(real: Tensor, fake: Tensor) -> float:
    """KID between features [N, d] and [M, d]: unbiased MMD² with the kernel (x·y / d + 1)³.

    Its mean is 0 for two sets of one kind, however few, so it can be a little negative.
    At least 2 rows each. Bińkowski et al. 2018 (1801.01401).
    """
    real, fake = real.cpu().double(), fake.cpu().double()

    def alike(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / a.shape[1] + 1) ** 3  # [N, M]

    def within(a: Tensor) -> Tensor:  # the mean over pairs of different pictures
        pairs = alike(a, a)
        return (pairs.sum() - pairs.trace()) / (len(a) * (len(a) - 1))

    return (within(real) + within(fake) - 2 * alike(real, fake).mean()).item()


def precision_recall(real: Tensor, fake: Tensor, k: int = 3) -> tuple[float, float]:
    """Precision: the share of fakes that lie among the real; recall: of the real among the fakes.

    "Among": inside the ball around some point that reaches to its k-th nearest neighbour.
    Features [N, d], [M, d], both longer than k. Kynkäänniemi et al. 2019 (1904.06991).
    """
    real, fake = real.cpu().double(), fake.cpu().double()

    def share(points: Tensor, among: Tensor) -> float:
        reach = torch.cdist(among, among).kthvalue(k + 1).values  # [n]; the nearest is itself
        return (torch.cdist(points, among) <= reach).any(1).double().mean().item()

    return share(fake, among=real), share(real, among=fake)


def load_dcgan(device: torch.device | str = "cpu", name: str = "dcgan-rangoli") -> Generator:
    """The generator that ships with the course: 64 classes, motif × 8 + colour.

    FileNotFoundError, with the cure, where its file is missing.
    """
    path = Path(common.__file__).parent / "weights" / f"{name}.safetensors"
    if not path.is_file():
        raise FileNotFoundError(
            t("{path} is missing: `python3 course.py train dcgan` makes it.", path=path.name)
        )
    with safe_open(path, "pt") as file:
        made = {key: int(value) for key, value in (file.metadata() or {}).items()}
        state = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
    generator = Generator(**made)
    generator.load_state_dict(state)
    return generator.to(device).eval()


def told_eight_arms(count: int, size: int = 64, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Rangoli of eight arms, uint8 [count, 3, size, size]: 8 motifs, 8 colours, 4 grounds.

    Beside them their labels [count]: 8 · motif + colour, of 64.
    """
    kinds = all_factors()
    kinds = kinds[kinds.symmetry == 2]
    lot = torch.Generator().manual_seed(seed)
    factors = kinds[torch.randint(len(kinds), (count,), generator=lot)]
    pictures = render(factors, size, lot, supersample=max(1, 64 // size))
    return pictures, factors.motif * 8 + factors.colour


def eight_arms(count: int, size: int = 64, seed: int = 0) -> Tensor:
    """The pictures of `told_eight_arms` alone."""
    return told_eight_arms(count, size, seed)[0]


def fade_in(old: Tensor, new: Tensor, alpha: float) -> Tensor:
    """(1 - alpha) · old + alpha · new, exactly `old` at 0 and exactly `new` at 1."""
    return torch.lerp(old, new, alpha)


def double(images: Tensor) -> Tensor:
    """[N, C, H, W] -> [N, C, 2H, 2W]: each pixel becomes a block of four."""
    return F.interpolate(images, scale_factor=2, mode="nearest")


def halve(images: Tensor, times: int = 1) -> Tensor:
    """[N, C, H, W] -> [N, C, H / 2^times, W / 2^times]: the mean of each block of pixels."""
    return F.avg_pool2d(images, 2**times) if times else images


class GrowingGenerator(nn.Module):
    """Noise [N, latent] -> pictures of several sizes: stage 0 draws 8 × 8, stage 1 16 × 16, …

    Every block doubles the side, and every block has a small layer `to_rgb` of its own that makes
    a picture of its features. Karras et al. 2017.
    """

    def __init__(
        self, widths: Sequence[int] = (96, 64, 32), latent: int = 64, channels: int = 3
    ) -> None:
        super().__init__()
        self.latent = latent
        self.begin = nn.Linear(latent, widths[0] * 16)
        self.start = nn.Sequential(
            nn.Unflatten(1, (widths[0], 4, 4)), nn.BatchNorm2d(widths[0]), nn.ReLU()
        )
        pairs = zip([widths[0], *widths], widths, strict=False)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Upsample(scale_factor=2),
                nn.Conv2d(before, after, 3, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            )
            for before, after in pairs
        )
        self.to_rgb = nn.ModuleList(nn.Conv2d(width, channels, 1) for width in widths)

    def features(self, z: Tensor, stage: int) -> list[Tensor]:
        """What the blocks 0…stage give, each with twice the side of the one before."""
        x, all_features = self.start(self.begin(z)), []
        for block in self.blocks[: stage + 1]:
            x = block(x)
            all_features.append(x)
        return all_features

    def forward(self, z: Tensor, stage: int | None = None, alpha: float = 1.0) -> Tensor:
        """The pictures of one stage (without `stage`: the last), [N, channels, S, S].

        alpha < 1 blends them with the doubled pictures of the stage before.
        """
        stage = len(self.blocks) - 1 if stage is None else stage
        features = self.features(z, stage)
        picture = self.to_rgb[stage](features[stage])
        if stage and alpha < 1:
            picture = fade_in(double(self.to_rgb[stage - 1](features[stage - 1])), picture, alpha)
        return picture

    def scales(self, z: Tensor) -> list[Tensor]:
        """One picture of every size, the smallest first."""
        features = self.features(z, len(self.blocks) - 1)
        return [rgb(x) for rgb, x in zip(self.to_rgb, features, strict=True)]


def halving_block(before: int, after: int) -> nn.Sequential:
    """[N, before, S, S] -> [N, after, S / 2, S / 2], spectrally normalised."""
    return nn.Sequential(
        spectral_norm(nn.Conv2d(before, after, 4, stride=2, padding=1)), nn.LeakyReLU(0.2)
    )


class GrowingDiscriminator(nn.Module):
    """Pictures of any stage's size -> logits [N]. The growing generator upside down."""

    def __init__(self, widths: Sequence[int] = (96, 64, 32), channels: int = 3) -> None:
        super().__init__()
        self.from_rgb = nn.ModuleList(
            nn.Sequential(spectral_norm(nn.Conv2d(channels, width, 1)), nn.LeakyReLU(0.2))
            for width in widths
        )
        pairs = zip(widths, [widths[0], *widths], strict=False)
        self.blocks = nn.ModuleList(halving_block(before, after) for before, after in pairs)
        self.judge = spectral_norm(nn.Conv2d(widths[0], 1, 4))

    def forward(self, x: Tensor, stage: int | None = None, alpha: float = 1.0) -> Tensor:
        stage = len(self.blocks) - 1 if stage is None else stage
        h = self.blocks[stage](self.from_rgb[stage](x))
        if stage and alpha < 1:
            h = fade_in(self.from_rgb[stage - 1](halve(x)), h, alpha)
        for block in reversed(self.blocks[:stage]):
            h = block(h)
        return self.judge(h).flatten()


def game_step(
    see: Callable[[Tensor | list[Tensor]], Tensor],
    real: Tensor | list[Tensor],
    fake: Tensor | list[Tensor],
    discriminator: nn.Module,
    optimizer_g: torch.optim.Optimizer,
    optimizer_d: torch.optim.Optimizer,
) -> dict[str, Tensor]:
    """One step of both networks with the hinge losses; the fakes are used for both.

    see(pictures) -> logits [N]: the discriminator, told whatever else it must know.
    """
    # 1. The discriminator. The fakes are detached: nothing flows back into the generator
    held = fake.detach() if isinstance(fake, Tensor) else [one.detach() for one in fake]
    real_logits, fake_logits = see(real), see(held)
    loss_d = hinge_discriminator_loss(real_logits, fake_logits)
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()

    # 2. The generator. The discriminator is frozen
    discriminator.requires_grad_(False)
    loss_g = hinge_generator_loss(see(fake))
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    discriminator.requires_grad_(True)
    told = {"loss D": loss_d, "loss G": loss_g, "real": real_logits, "fake": fake_logits}
    return {name: value.detach().mean() for name, value in told.items()}


class MultiScaleDiscriminator(nn.Module):
    """A picture of every size, the smallest first -> logits [N]. Karnewar & Wang 2019.

    The largest enters at the top; each smaller one joins where the features have its size.
    """

    def __init__(self, widths: Sequence[int] = (96, 64, 32), channels: int = 3) -> None:
        super().__init__()
        self.from_rgb = nn.Sequential(
            spectral_norm(nn.Conv2d(channels, widths[-1], 1)), nn.LeakyReLU(0.2)
        )
        extra = [channels] * (len(widths) - 1) + [0]  # room for the picture that joins
        pairs = zip(widths, extra, [widths[0], *widths], strict=False)
        self.blocks = nn.ModuleList(
            halving_block(before + more, after) for before, more, after in pairs
        )
        self.judge = spectral_norm(nn.Conv2d(widths[0], 1, 4))

    def forward(self, pictures: Sequence[Tensor]) -> Tensor:
        h = self.from_rgb(pictures[-1])
        for n, block in reversed(list(enumerate(self.blocks))):
            h = block(h)
            if n:
                h = torch.cat([h, pictures[n - 1]], dim=1)
        return self.judge(h).flatten()


@dataclass
class Grown:
    """What `train_growing` leaves. norms: for each row of the plan, the gradient norm of each of
    the generator's parts at its last step (None: it had no part in the picture)."""

    average: GrowingGenerator
    generator: GrowingGenerator
    discriminator: nn.Module
    norms: list[dict[str, float | None]]
    seconds: float  # of CPU


def gradient_norms(generator: GrowingGenerator) -> dict[str, float | None]:
    """The gradient norm of each part, None where no gradient arrived."""
    parts = {"begin": generator.begin}
    parts |= {f"block {8 * 2**n}": block for n, block in enumerate(generator.blocks)}
    parts |= {f"to_rgb {8 * 2**n}": layer for n, layer in enumerate(generator.to_rgb)}
    norms = {}
    for name, part in parts.items():
        slopes = [p.grad.flatten() for p in part.parameters() if p.grad is not None]
        norms[name] = torch.cat(slopes).norm().item() if slopes else None
    return norms


def train_growing(
    images: Tensor,
    plan: Sequence[tuple[int, int, int]],
    *,
    multi_scale: bool = False,
    widths: Sequence[int] = (64, 32, 16),
    batch: int = 16,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> Grown:
    """Train on pictures uint8 [N, 3, S, S] of the last stage's size.

    plan: rows (stage, steps, fade): so many steps at this stage, of which the first `fade` blend
    it in. multi_scale: the discriminator sees pictures of every size; the plan has one row, with
    the last stage.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator = GrowingGenerator(widths)
        discriminator = (MultiScaleDiscriminator if multi_scale else GrowingDiscriminator)(widths)
    for network in (generator, discriminator):
        network.to(device, memory_format=torch.channels_last)
    average = copy.deepcopy(generator).requires_grad_(False)
    # One optimiser for all layers from the first step to the last: none is ever locked
    optimizer_g = torch.optim.Adam(generator.parameters(), 1e-3, (0.0, 0.9))
    optimizer_d = torch.optim.Adam(discriminator.parameters(), 2e-3, (0.0, 0.9))
    lot = torch.Generator().manual_seed(seed)
    last, done, norms = len(widths) - 1, 0, []
    began = time.process_time()
    for stage, steps, fade in plan:
        for step in range(steps):
            alpha = min(1.0, (step + 1) / fade) if fade else 1.0
            index = torch.randint(len(images), (batch,), generator=lot)
            real = images[index].to(device, memory_format=torch.channels_last).float() / 127.5 - 1
            z = torch.randn(batch, generator.latent, generator=lot).to(device)
            if multi_scale:
                real, fake = [halve(real, last - n) for n in range(last + 1)], generator.scales(z)
                see = discriminator
            else:
                real, fake = halve(real, last - stage), generator(z, stage, alpha)
                if alpha < 1:  # the real pictures sharpen at the same pace
                    real = fade_in(double(halve(real)), real, alpha)
                see = partial(discriminator, stage=stage, alpha=alpha)
            game_step(see, real, fake, discriminator, optimizer_g, optimizer_d)
            update_average(average, generator, min(0.99, (1 + done) / (10 + done)))
            done += 1
        norms.append(gradient_norms(generator))
    return Grown(average.eval(), generator, discriminator, norms, time.process_time() - began)


class MappingNetwork(nn.Module):
    """z [N, latent] -> w [N, latent]. z is first brought to length √latent: only its direction
    counts. Karras et al. 2018. classes: an embedding of the label, just as long, is put beside z.
    """

    def __init__(self, latent: int = 64, depth: int = 3, classes: int = 0) -> None:
        super().__init__()
        self.classes = classes
        self.embed = nn.Embedding(classes, latent) if classes else None
        layers: list[nn.Module] = []
        for n in range(depth):
            inputs = 2 * latent if classes and n == 0 else latent
            layers += [nn.Linear(inputs, latent), nn.LeakyReLU(0.2)]
            nn.init.kaiming_normal_(layers[-2].weight, 0.2)
            nn.init.zeros_(layers[-2].bias)
        self.layers = nn.Sequential(*layers)

    @staticmethod
    def normalise(z: Tensor) -> Tensor:
        """Each row with a mean square of 1."""
        return z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        check_labels(label, self.classes, len(z))
        z = self.normalise(z)
        if self.embed is not None:
            z = torch.cat([z, self.normalise(self.embed(label))], dim=1)
        return self.layers(z)


class ModulatedConv(nn.Module):
    """A convolution whose weights the style w scales, for each picture by itself.

    x [N, inputs, H, W], w [N, latent] -> [N, outputs, H, W]. Karras et al. 2019, equations 1, 3.
    """

    def __init__(
        self, inputs: int, outputs: int, latent: int, kernel: int = 3, demodulate: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(
            torch.randn(outputs, inputs, kernel, kernel) / math.sqrt(inputs * kernel**2)
        )
        self.to_style = nn.Linear(latent, inputs)
        nn.init.normal_(self.to_style.weight, std=1 / math.sqrt(latent))
        nn.init.ones_(self.to_style.bias)  # around 1: no channel is lost
        self.demodulate = demodulate

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        s = self.to_style(w)  # [N, inputs]
        # Scaling the input is the same as scaling the weights, and needs no weights per picture
        y = F.conv2d(x * s[:, :, None, None], self.weight, padding=self.weight.shape[-1] // 2)
        if self.demodulate:
            y = y * self.demodulation(s)[:, :, None, None]
        return y

    def demodulation(self, s: Tensor) -> Tensor:
        """1 / √(Σ (s · weight)²) for each output [N, outputs]."""
        energy = s.square() @ self.weight.square().sum((2, 3)).T  # Σ over inputs and kernel
        return torch.rsqrt(energy + 1e-8)


class StyleBlock(nn.Module):
    """Doubling (but for the first block), modulated convolution, batch norm, noise, bias, bend."""

    def __init__(self, inputs: int, outputs: int, latent: int, up: bool = True) -> None:
        super().__init__()
        self.up = up
        self.convolution = ModulatedConv(inputs, outputs, latent)
        self.norm = nn.BatchNorm2d(outputs, affine=False)  # not in StyleGAN; see the text
        self.strength = nn.Parameter(torch.zeros(()))  # of the noise
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        if self.up:
            x = F.interpolate(x, scale_factor=2, mode="bilinear")
        x = self.norm(self.convolution(x, w))
        if noise is not None:  # [N or 1, 1, S, S]
            x = x + self.strength * noise
        return F.leaky_relu(x + self.bias[:, None, None], 0.2) * math.sqrt(2)


class StyleGenerator(nn.Module):
    """z [N, latent] and, with classes, labels [N] -> pictures [N, 3, size, size] about -1…1, by way
    of w. Karras et al. 2019.

    A picture begins as the same learnt map of 4 × 4 for all; w, and noise, make it this one. The
    last layer makes four pixels of each place, so `size` is 4 · 2^len(widths).
    """

    def __init__(
        self, widths: Sequence[int] = (128, 64, 32, 16), latent: int = 64, classes: int = 0
    ) -> None:
        super().__init__()
        self.latent, self.classes = latent, classes
        self.size = 4 * 2 ** len(widths)
        self.mapping = MappingNetwork(latent, classes=classes)
        self.start = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        self.blocks = nn.ModuleList(
            StyleBlock(before, after, latent, up=n > 0)
            for n, (before, after) in enumerate(zip([widths[0], *widths], widths, strict=False))
        )
        self.to_rgb = ModulatedConv(widths[-1], 12, latent, kernel=3, demodulate=False)
        nn.init.normal_(self.to_rgb.weight, std=0.1 / math.sqrt(widths[-1]))
        self.rgb_bias = nn.Parameter(torch.zeros(12))
        self.register_buffer("mean_w", torch.zeros(latent))

    @property
    def layers(self) -> int:
        """How many layers take a w: the blocks, and `to_rgb`."""
        return len(self.blocks) + 1

    def noise(self, count: int, generator: torch.Generator) -> list[Tensor]:
        """Fresh noise for each block, [count, 1, 4, 4], [count, 1, 8, 8], …"""
        sides = [4 * 2**n for n in range(len(self.blocks))]
        drawn = [torch.randn(count, 1, side, side, generator=generator) for side in sides]
        return [one.to(self.start.device) for one in drawn]

    def synthesise(self, w: Tensor, noise: Sequence[Tensor] | None = None) -> Tensor:
        """w [N, latent], or one for each layer [N, layers, latent]; without noise: none."""
        if w.ndim == 2:
            w = w[:, None].expand(-1, self.layers, -1)
        x = self.start.expand(len(w), -1, -1, -1)
        for n, block in enumerate(self.blocks):
            x = block(x, w[:, n], None if noise is None else noise[n])
        x = self.to_rgb(x, w[:, -1]) + self.rgb_bias[:, None, None]
        return F.pixel_shuffle(x, 2)

    def truncate(self, w: Tensor, psi: float) -> Tensor:
        """mean_w + psi · (w - mean_w): psi = 1 changes nothing, psi = 0 gives the mean for all."""
        return torch.lerp(self.mean_w.expand_as(w), w, psi)

    def forward(
        self,
        z: Tensor,
        noise: Sequence[Tensor] | None = None,
        psi: float = 1.0,
        label: Tensor | None = None,
    ) -> Tensor:
        return self.synthesise(self.truncate(self.mapping(z, label), psi), noise)

    @torch.no_grad()
    def find_mean(self, count: int = 4000) -> None:
        """Set mean_w to the mean of many w, of all labels alike."""
        z = torch.randn(count, self.latent, generator=torch.Generator().manual_seed(0))
        label = torch.arange(count) % self.classes if self.classes else None
        told = [one.to(self.start.device) for one in (z, label) if one is not None]
        self.mean_w.copy_(self.mapping(*told).mean(0))


class StyleDiscriminator(nn.Module):
    """Pictures [N, 3, size, size] -> logits [N], for any size 4 · 2^len(widths)."""

    def __init__(self, widths: Sequence[int] = (16, 32, 64, 96)) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2),
            spectral_norm(nn.Conv2d(12, widths[0], 3, padding=1)),
            nn.LeakyReLU(0.2),
            *(halving_block(a, b) for a, b in pairwise(widths)),
            MinibatchStd(),
            spectral_norm(nn.Conv2d(widths[-1] + 1, 64, 3, padding=1)),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            spectral_norm(nn.Linear(64 * 16, 1)),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)[:, 0]


def augment(images: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Change each picture [N, 3, S, S] by chance, so that gradients still flow. Zhao et al. 2020.

    Brightness, saturation and contrast; a shift of up to an eighth (what comes in is black, -1);
    a square hole of half the side. strength scales it all; 0 returns the pictures unchanged.
    """
    if strength == 0:
        return images
    count, _, height, width = images.shape
    drawn = torch.rand(7, count, generator=generator).to(images.device)
    brightness, saturation, contrast = (drawn[:3] - 0.5)[:, :, None, None, None] * strength
    x = images + brightness
    x = torch.lerp(x.mean(1, keepdim=True), x, 1 + 2 * saturation)
    x = torch.lerp(x.mean((1, 2, 3), keepdim=True), x, 1 + contrast)

    # The shift: each picture looks up its pixels some rows and columns away
    rows, columns = (
        torch.arange(side, device=x.device)
        + ((u - 0.5) * side / 4 * strength).round().long()[:, None]
        for u, side in zip(drawn[3:5], (height, width), strict=True)
    )
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[
        :, None
    ]
    each = torch.arange(count, device=x.device)[:, None, None]
    moved = x.permute(0, 2, 3, 1)[
        each, rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None]
    ].permute(0, 3, 1, 2)
    x = torch.where(inside[:, None], moved, -1.0)

    # The hole, grey, somewhere
    top, left = (
        (torch.arange(side, device=x.device) - (u * side).long()[:, None] + side * strength / 4)
        for u, side in zip(drawn[5:], (height, width), strict=True)
    )
    hole = ((top >= 0) & (top < height * strength / 2))[:, :, None] & (
        (left >= 0) & (left < width * strength / 2)
    )[:, None]
    return x.masked_fill(hole[:, None], 0.0)


@dataclass
class StyleTrained:
    """What `train_style` leaves. history: for each name a number for each step."""

    generator: StyleGenerator
    average: StyleGenerator
    discriminator: nn.Module
    history: dict[str, list[tuple[int, float]]] = field(default_factory=dict)


def mixed_styles(
    generator: StyleGenerator,
    count: int,
    lot: torch.Generator,
    mixing: float,
    label: Tensor | None = None,
) -> Tensor:
    """w for each layer [count, layers, latent]; with the chance `mixing` those of the layers from
    some layer on come from another z, so that layers learn not to rely on each other."""
    z = torch.randn(2 * count, generator.latent, generator=lot).to(generator.start.device)
    w = generator.mapping(z, None if label is None else label.repeat(2))
    one, other = w[:, None].expand(-1, generator.layers, -1).chunk(2)
    cut = torch.randint(1, generator.layers, (count, 1, 1), generator=lot)
    mixed = torch.rand(count, 1, 1, generator=lot) < mixing
    late = torch.arange(generator.layers)[None, :, None] >= cut
    return torch.where((mixed & late).to(one.device), other, one)


def train_style(
    images: Tensor,
    *,
    steps: int,
    labels: Tensor | None = None,
    classes: int = 0,
    widths: Sequence[int] = (128, 64, 32, 16),
    judge_widths: Sequence[int] = (16, 32, 64, 96),
    batch: int = 16,
    rates: tuple[float, float] = (1e-3, 2e-3),
    average_decay: float = 0.995,
    strength: float = 0.0,
    flip: bool = False,
    mixing: float = 0.3,
    seed: int = 0,
    device: torch.device | str = "cpu",
    folder: Path | None = None,
) -> StyleTrained:
    """Train a style generator on pictures uint8 [N, 3, S, S], S = 4 · 2^len(widths).

    classes, labels [N]: then the discriminator is that of 2.2, with projection (S = 32).
    strength: of `augment`, for few pictures. flip: mirror half of the pictures. folder: keep the
    run there, and go on from what lies there. The learning rates fall over the last third.
    """
    check_labels(labels, classes, len(images))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator = StyleGenerator(widths, classes=classes)
        discriminator = (
            Discriminator(classes=classes) if classes else StyleDiscriminator(judge_widths)
        )
    if images.dtype != torch.uint8 or images.shape[1:] != (3, generator.size, generator.size):
        raise ValueError(
            t(
                "These widths need pictures uint8 [N, 3, {size}, {size}], not {dtype} {shape}",
                size=generator.size,
                dtype=str(images.dtype).removeprefix("torch."),
                shape=list(images.shape),
            )
        )
    generator, discriminator = (
        network.to(device, memory_format=torch.channels_last)
        for network in (generator, discriminator)
    )
    average = copy.deepcopy(generator).requires_grad_(False)
    betas = (0.0, 0.9)
    optimizer_g = torch.optim.Adam(generator.parameters(), rates[0], betas, fused=True)
    optimizer_d = torch.optim.Adam(discriminator.parameters(), rates[1], betas, fused=True)
    lot = torch.Generator().manual_seed(seed)
    training = Training(
        {
            "generator": generator,
            "average": average,
            "discriminator": discriminator,
            "optimizer_g": optimizer_g,
            "optimizer_d": optimizer_d,
            "lot": lot,
        },
        folder,
        settings={"widths": list(widths), "batch": batch, "rates": list(rates), "seed": seed}
        | {"strength": strength, "flip": flip, "pictures": int(images.long().sum())}
        | {"classes": classes, "mixing": mixing, "average_decay": average_decay},
    )

    def see(pictures: Tensor, label: list[Tensor]) -> Tensor:
        """The discriminator never sees a picture that was not augmented, real or fake."""
        return discriminator(augment(pictures, lot, strength), *label)

    for step in training.steps(steps):
        share = min(1.0, 3 * (1 - step / steps))
        optimizer_g.param_groups[0]["lr"] = rates[0] * share
        optimizer_d.param_groups[0]["lr"] = rates[1] * share
        index = torch.randint(len(images), (batch,), generator=lot)
        real, label = images[index], [] if labels is None else [labels[index].to(device)]
        if flip:
            mirrored = torch.rand(batch, 1, 1, 1, generator=lot) < 0.5
            real = torch.where(mirrored.to(real.device), real.flip(3), real)
        real = real.to(device, memory_format=torch.channels_last).float() / 127.5 - 1
        w = mixed_styles(generator, batch, lot, mixing, *label)
        fake = generator.synthesise(w, generator.noise(batch, lot))
        see_these = partial(see, label=label)  # the fakes have the labels of the real ones
        told = game_step(see_these, real, fake, discriminator, optimizer_g, optimizer_d)
        update_average(average, generator, min(average_decay, (1 + step) / (10 + step)))
        training.note(**{name.replace(" ", "_"): value for name, value in told.items()})
    average.eval().find_mean()
    return StyleTrained(generator, average, discriminator, training.history)


@torch.no_grad()
def draw_style(generator: StyleGenerator, w: Tensor, seed: int | None = 0) -> Tensor:
    """Pictures in 0…1 of w [N, latent] or [N, layers, latent], by 100 at a time.

    seed: of the noise, which is the same for all of them; None: no noise.
    """
    noise = None
    if seed is not None:
        noise = generator.noise(1, torch.Generator().manual_seed(seed))
    pictures = [generator.synthesise(some, noise) for some in w.split(100)]
    return ((torch.cat(pictures) + 1) / 2).clamp(0, 1)


def load_style_generator(device: torch.device | str = "cpu") -> StyleGenerator:
    """The generator of eight-armed rangoli that comes with the course: 32 × 32, 64 labels."""
    generator = StyleGenerator((128, 64, 32), classes=64)
    stored = load_file(Path(common.__file__).parent / "weights" / "style-rangoli.safetensors")
    generator.load_state_dict({name: value.float() for name, value in stored.items()})
    return generator.eval().requires_grad_(False).to(device)


def slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """From a to b [N, d] along the circle through both: the length changes evenly, and so does the
    angle. Shoemake 1985."""
    cosine = F.cosine_similarity(a, b, dim=1).clamp(-1, 1)
    angle = cosine.acos().clamp(1e-4, math.pi - 1e-4)[:, None]
    between = (
        ((1 - share) * angle).sin() * F.normalize(a) + (share * angle).sin() * F.normalize(b)
    ) / angle.sin()
    return between * torch.lerp(a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True), share)


@torch.no_grad()
def carpet(
    generator: StyleGenerator, rows: int, columns: int, seed: int = 0, psi: float = 1.0
) -> Tensor:
    """One picture [3, rows · size, columns · size] in 0…1, whose edges go on at the opposite edges.

    z walks on a torus, and stays a sample of the Gaussian everywhere. With classes, the label is
    8 · row + column: here the motif changes from row to row, the colour from column to column.
    """
    corners = torch.randn(4, generator.latent, generator=torch.Generator().manual_seed(seed))
    down, right = torch.meshgrid(
        *(torch.arange(n) * (2 * math.pi / n) for n in (rows, columns)), indexing="ij"
    )
    angles = torch.stack([down.cos(), down.sin(), right.cos(), right.sin()], dim=-1)
    z = angles.flatten(0, 1) @ corners / math.sqrt(2)  # [rows · columns, latent]
    row, column = torch.arange(rows)[:, None] % 8, torch.arange(columns) % 8
    label = [(8 * row + column).flatten() % generator.classes] if generator.classes else []
    w = generator.mapping(*(one.to(generator.start.device) for one in (z, *label)))
    tiles = draw_style(generator, generator.truncate(w, psi))
    return rearrange(tiles, "(r c) d h w -> d (r h) (c w)", r=rows)


def demo_pictures(
    folder: Path, count: int = 60, photograph: str = "hubble", side: int = 72
) -> Path:
    """Cut a photograph of your Python packages into `count` squares and save them as files."""
    folder.mkdir(parents=True, exist_ok=True)
    (picture,) = photographs(photograph).values()
    lot = torch.Generator().manual_seed(0)
    for n in range(count):
        top, left = (
            int(torch.randint(length - side + 1, (), generator=lot)) for length in picture.shape[1:]
        )
        square = picture[:, top : top + side, left : left + side].permute(1, 2, 0).numpy()
        Image.fromarray(square).save(folder / f"{photograph}-{n:02d}.png")
    return folder


@dataclass
class OwnTrained:
    """What `train_on_folder` leaves. gap: how much higher the discriminator's mean logit is for the
    pictures that it trained on than for those it never saw, at each look."""

    average: StyleGenerator
    discriminator: StyleDiscriminator
    images: Tensor  # uint8 [N, 3, S, S], those it trained on
    held_out: Tensor  # uint8 [M, 3, S, S]
    report: Report | None
    gap: float


@torch.no_grad()
def memorised(discriminator: nn.Module, images: Tensor, held_out: Tensor) -> float:
    """How much surer the discriminator is of pictures it trained on than of held-out ones.

    Both uint8 [N, 3, S, S]. The difference of the mean logits, in units of their spread.
    """
    device = next(discriminator.parameters()).device
    seen, new = (discriminator(x.to(device).float() / 127.5 - 1) for x in (images, held_out))
    return ((seen.mean() - new.mean()) / torch.cat([seen, new]).std()).item()


def train_on_folder(
    source: str | Path | Tensor,
    *,
    size: int = 64,
    steps: int = 2000,
    strength: float = 1.0,
    flip: bool = True,
    held_out: float = 0.2,
    limit: int | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    keep: Path | None = None,
) -> OwnTrained:
    """Train a style generator on the pictures of a folder (or on a tensor uint8 [N, 3, S, S]).

    size: 32, 64 or 128. strength: of `augment`; 0 switches it off. held_out: the share of pictures
    that is only used to see whether the discriminator learns by heart. keep: a folder in which the
    run is kept, so that it goes on where it was. ValueError, with the cure, if there is no folder,
    nothing in it that can be read, or fewer than 5 pictures.
    """
    widths = {32: (128, 64, 32), 64: (128, 64, 32, 16), 128: (128, 64, 32, 16, 12)}
    if size not in widths:
        raise ValueError(t("size is 32, 64 or 128, not {size}", size=size))
    images, report = source, None
    if not isinstance(source, Tensor):
        images, report = image_folder(source, size=size, limit=limit)
        print(report)
    if len(images) < 5:
        raise ValueError(
            t(
                "{count} pictures are too few: put at least 5 into the folder, better 50 or more.",
                count=len(images),
            )
        )
    train, test = split_indices(len(images), (1 - held_out, held_out), seed=seed)
    trained = train_style(
        images[train],
        steps=steps,
        widths=widths[size],
        judge_widths=tuple(reversed([96 >> n for n in range(len(widths[size]))])),
        strength=strength,
        flip=flip,
        seed=seed,
        device=device,
        folder=keep,
    )
    gap = memorised(trained.discriminator, images[train], images[test])
    return OwnTrained(
        trained.average, trained.discriminator, images[train], images[test], report, gap
    )
