"""What lesson 04-style builds, for what comes later.

Built by `python3 course.py build` from
lessons/04-style/1-gram.py,
lessons/04-style/2-fast-style.py: edit there, not here.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import Tensor, nn

import common
from common.features import load_features
from common.lang import t
from common.training import Training


def as_batch(pictures: Tensor, name: str) -> Tensor:
    """Pictures [N, 3, H, W] in 0…1, checked; ValueError says what is wrong with `name`."""
    if pictures.ndim != 4 or pictures.shape[1] != 3 or min(pictures.shape[2:]) < 8:
        raise ValueError(
            t(
                "{name}: a picture is [N, 3, H, W], at least 8 × 8, not {shape}",
                name=name,
                shape=list(pictures.shape),
            )
        )
    if not pictures.is_floating_point() or not torch.isfinite(pictures).all():
        raise ValueError(t("{name}: the numbers must be finite floats in 0…1", name=name))
    return pictures.float()


def paired(content: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
    """Both checked; ValueError unless there is one style for all, or one for each content."""
    content, style = as_batch(content, t("content")), as_batch(style, t("style"))
    if len(style) not in (1, len(content)):
        raise ValueError(
            t(
                "{styles} styles for {contents} pictures: give one, or one for each",
                styles=len(style),
                contents=len(content),
            )
        )
    return content, style


def scaled(pictures: Tensor, size: int) -> Tensor:
    """Pictures [N, 3, H, W] of the same aspect, the longer side `size`."""
    height, width = pictures.shape[2:]
    factor = size / max(height, width)
    shape = [max(8, round(side * factor)) for side in (height, width)]
    if shape == [height, width]:
        return pictures
    small = F.interpolate(pictures, shape, mode="bilinear", antialias=True, align_corners=False)
    return small.clamp(0, 1)


def gram_matrix(features: Tensor) -> Tensor:
    """Feature maps [N, C, H, W] -> [N, C, C]: which channels answer together, on the mean.

    G[n, c, d] = mean over the places of F[n, c] · F[n, d]. Each picture has its own.
    """
    rows = features.flatten(2)  # [N, C, H·W]: where a place was is forgotten from here on
    return rows @ rows.transpose(1, 2) / rows.shape[2]


def recoloured(content: Tensor, style: Tensor) -> Tensor:
    """Pictures [N, 3, H, W] in the colours of [1 or N, 3, H', W']: the same mean and covariance.

    One 3 × 3 matrix for all of a picture's pixels: nothing moves. Not cut to 0…1.
    """

    def colours(pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean = pictures.mean((2, 3), keepdim=True)
        covariance = gram_matrix(pictures - mean) + 1e-4 * torch.eye(3, device=pictures.device)
        return mean, *torch.linalg.eigh(covariance)

    mean, values, axes = colours(content)
    new_mean, new_values, new_axes = colours(style)
    whiten = axes @ torch.diag_embed(values.rsqrt()) @ axes.mT  # to covariance 1
    paint = new_axes @ torch.diag_embed(new_values.sqrt()) @ new_axes.mT  # from 1 to the style's
    return torch.einsum("ncd,ndhw->nchw", paint @ whiten, content - mean) + new_mean


def content_loss(seen: Tensor, wanted: Tensor) -> Tensor:
    """How far feature maps [N, C, H, W] are from the wanted ones: [N], 0 if they are equal.

    The squared difference, place by place, in units of the wanted maps' own variance.
    """
    spread = wanted - wanted.mean((2, 3), keepdim=True)
    return (seen - wanted).square().mean((1, 2, 3)) / spread.square().mean((1, 2, 3))


def style_loss(seen: Sequence[Tensor], grams: Sequence[Tensor]) -> Tensor:
    """How far the Gram matrices of feature maps are from the wanted [N or 1, C, C]: [N].

    The mean over the layers of |G - wanted|² / |wanted|²: each layer counts alike.
    """
    parts = [
        (gram_matrix(maps) - gram).square().sum((1, 2)) / gram.square().sum((1, 2))
        for maps, gram in zip(seen, grams, strict=True)
    ]
    return torch.stack(parts).mean(0)


def variation_loss(pictures: Tensor) -> Tensor:
    """How much neighbouring pixels differ, squared, on the mean: [N, 3, H, W] -> [N]."""
    down, across = pictures.diff(dim=2), pictures.diff(dim=3)
    return down.square().mean((1, 2, 3)) + across.square().mean((1, 2, 3))


@dataclass(frozen=True)
class Terms:
    """The three losses of each picture and their weighted sum, all [N]."""

    content: Tensor
    style: Tensor
    variation: Tensor
    total: Tensor


class StyleObjective:
    """content + style_weight · style + variation_weight · variation, of any pictures x.

    net: frozen, gives a list of feature maps (`common.features`). content [N, 3, H, W] in 0…1;
    style [1 or N, 3, any height, any width]. What they look like to `net` is computed once.
    """

    def __init__(
        self,
        net: nn.Module,
        content: Tensor,
        style: Tensor,
        style_weight: float = 30.0,
        variation_weight: float = 10.0,
    ) -> None:
        content, style = paired(content, style)
        self.net, self.style_weight, self.variation_weight = net, style_weight, variation_weight
        with torch.no_grad():
            self.wanted = net(content)[net.content]  # [N, C, h, w]
            self.grams = [gram_matrix(maps) for maps in net(style)]

    def terms(self, x: Tensor) -> Terms:
        """The losses of pictures x [N, 3, H, W], with their gradients."""
        seen = self.net(x)
        content = content_loss(seen[self.net.content], self.wanted)
        style, variation = style_loss(seen, self.grams), variation_loss(x)
        total = content + self.style_weight * style + self.variation_weight * variation
        return Terms(content, style, variation, total)


@dataclass
class Stylised:
    """The picture [N, 3, H, W] in 0…1, and of each evaluation its size and its losses.

    history: {"size", "content", "style", "variation", "total": [a number for each evaluation]};
    the losses are means over the pictures.
    """

    image: Tensor
    history: dict[str, list[float]] = field(default_factory=dict)


def wave_gains(height: int, width: int, power: float) -> Tensor:
    """For each wave of `torch.fft.rfft2`, 1 / frequency**power, on the mean 1."""
    rows, columns = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)
    frequency = torch.hypot(rows, columns).clamp(min=1 / max(height, width))
    gains = frequency**-power
    return gains / gains.mean()


def descend(
    objective: StyleObjective,
    image: Tensor,
    steps: int,
    optimiser: str,
    rate: float | None,
    look: Callable[[Tensor, Terms], None],
    precondition: float = 0.0,
) -> Tensor:
    """Change the pixels of `image` until `objective` was evaluated `steps` times.

    look(picture, terms) is called at each evaluation. precondition: see `stylise`.
    """
    best, least, base = image, math.inf, image
    gains = wave_gains(*image.shape[2:], precondition).to(image.device) if precondition else None
    numbers = (image.clone() if gains is None else torch.zeros_like(image)).requires_grad_()

    def pixels() -> Tensor:
        if gains is None:
            return numbers
        return base + torch.fft.irfft2(torch.fft.rfft2(numbers) * gains, s=image.shape[2:])

    def fresh() -> torch.optim.Optimizer:
        if optimiser == "adam":
            return torch.optim.Adam([numbers], rate or 0.03)
        # One evaluation and one move in each step, from the memory of the last 20 moves
        options = {"max_iter": 1, "history_size": 20, "tolerance_grad": 0, "tolerance_change": 0}
        return torch.optim.LBFGS([numbers], rate or 1.0, **options)

    def closure() -> Tensor:
        nonlocal best, least
        optimizer.zero_grad()
        x = pixels()
        picture = x.clamp(0, 1)  # inside the closure: what is measured is what is seen
        terms = objective.terms(picture)
        outside = (x - picture.detach()).square().mean()  # pulls back what a step threw out
        loss = 1000 * (terms.total.sum() + 100 * outside)
        if not torch.isfinite(loss):
            raise FloatingPointError(
                t("The loss is no longer a finite number: take a smaller rate or smaller weights")
            )
        loss.backward()
        look(picture.detach(), terms)
        if terms.total.sum().item() < least:
            best, least = picture.detach().clone(), terms.total.sum().item()
        return loss

    optimizer = fresh()
    for step in range(steps):
        if optimiser == "adam":
            optimizer.param_groups[0]["lr"] = (rate or 0.03) * min(1.0, 1.9 - 1.8 * step / steps)
        loss = optimizer.step(closure).item() / 1000
        if optimiser == "lbfgs" and loss > 2 * least:  # a leap too far: back, and forget
            base = best
            numbers.data.copy_(best if gains is None else 0)
            optimizer = fresh()
    return best


def enlarged(image: Tensor, like: Tensor) -> Tensor:
    """Pictures of any size at the size of `like`."""
    return F.interpolate(image, like.shape[2:], mode="bicubic", antialias=True)


def stylise(
    content: Tensor,
    style: Tensor,
    net: nn.Module,
    *,
    steps: int | Sequence[int] = 40,
    sizes: Sequence[int] = (128, 256),
    optimiser: str = "lbfgs",
    start: str | Tensor = "recoloured",
    style_weight: float = 30.0,
    variation_weight: float = 10.0,
    rate: float | None = None,
    precondition: float = 0.0,
    seed: int = 0,
    note: Callable[[int, Tensor], None] | None = None,
) -> Stylised:
    """Paint pictures `content` [N, 3, H, W] in the style of pictures `style` [1 or N, 3, H', W'].

    sizes: of the longer side, from coarse to fine; the last is that of the result. steps: how often
    the loss is evaluated at each size (one number, or one for each). start: "recoloured" (the
    content in the style's colours), "content", "noise" (of `seed`), or pictures.
    optimiser: "lbfgs" or "adam"; rate: its own without one. precondition: above 0 it moves waves
    instead of pixels, of frequency f by 1 / f**precondition: broad areas first. 0.5 gets lower.
    Each picture is painted on its own, so a batch gives what its pictures give one by one.
    note(evaluations so far, picture [1, 3, h, w]): called at each evaluation.
    ValueError for what cannot be a picture or a setting, FloatingPointError if the loss bursts.
    """
    content, style = paired(content, style)
    steps = [steps] * len(sizes) if isinstance(steps, int) else list(steps)
    if len(steps) != len(sizes) or not sizes or min(steps) < 1:
        raise ValueError(
            t("steps: a number above 0, or one for each of the sizes {sizes}", sizes=list(sizes))
        )
    if optimiser not in ("lbfgs", "adam"):
        raise ValueError(t('optimiser is "lbfgs" or "adam", not {given}', given=repr(optimiser)))
    if isinstance(start, str) and start not in ("recoloured", "content", "noise"):
        raise ValueError(
            t(
                'start is "recoloured", "content", "noise" or pictures, not {given}',
                given=repr(start),
            )
        )
    weights = {"style_weight": style_weight, "variation_weight": variation_weight}
    dice = torch.Generator().manual_seed(seed)
    images, histories = [], []
    for number, picture in enumerate(content.split(1)):
        painting = style[number % len(style)][None]
        source = None  # what it starts from, where that knows the content's finest lines
        if isinstance(start, Tensor):
            image = as_batch(start, "start")[number % len(start)][None]
        elif start == "noise":
            image = torch.rand(scaled(picture, sizes[0]).shape, generator=dice).to(content.device)
        else:
            source = picture if start == "content" else recoloured(picture, painting).clamp(0, 1)
            image = source
        history: dict[str, list[float]] = {}

        def look(now: Tensor, terms: Terms, history: dict = history) -> None:
            values = {"size": max(now.shape[2:])} | {
                name: value.mean().item() for name, value in vars(terms).items()
            }
            for name, value in values.items():
                history.setdefault(name, []).append(value)
            if note:
                note(len(history["size"]), now.detach().clone())

        for turn, (size, count) in enumerate(zip(sizes, steps, strict=True)):
            small = scaled(picture, size)
            objective = StyleObjective(net, small, scaled(painting, size), **weights)
            image = enlarged(image, small)
            if turn and source is not None:  # the lines that the size before had no room for
                lines = scaled(source, size) - enlarged(scaled(source, sizes[turn - 1]), small)
                image = image + lines
            image = descend(
                objective, image.clamp(0, 1), count, optimiser, rate, look, precondition
            )
        images.append(image)
        histories.append(history)
    mean = {
        name: [
            sum(values) / len(values) for values in zip(*(h[name] for h in histories), strict=True)
        ]
        for name in histories[0]
    }
    return Stylised(torch.cat(images), mean)


class StyleJudge:
    """How much of the style is still missing: 1 for the content picture itself, 0 for the style.

    It compares Gram matrices of filters of four sizes on four scales that nothing was trained for
    (Ustyuzhaninov et al. 2016, 1606.00021), so no network that paints knows them. It sees
    texture and colour; whether the subject is still there, it cannot tell.
    content [N, 3, H, W], style [1 or N, 3, H', W'] in 0…1.
    """

    def __init__(self, content: Tensor, style: Tensor, filters: int = 32, seed: int = 0) -> None:
        dice = torch.Generator().manual_seed(seed)
        self.filters = []
        for size in (3, 5, 7, 11):
            weight = torch.randn(filters, 3, size, size, generator=dice)
            weight -= weight.mean((1, 2, 3), keepdim=True)  # what is flat answers 0 …
            weight[: filters // 8] += 0.5 / size  # … except to a few, which see its colour
            weight /= weight.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
            self.filters.append(weight.to(content.device))
        self.grams = [gram.detach() for gram in self.look(style)]
        self.far = self.distances(content)  # [N, scales]

    @torch.no_grad()
    def look(self, pictures: Tensor) -> list[Tensor]:
        """The Gram matrix of each scale."""
        grams = []
        for _ in range(4):
            maps = []
            for weight in self.filters:
                edge = weight.shape[-1] // 2
                padded = F.pad(4 * pictures - 2, (edge,) * 4, mode="replicate")
                maps.append(F.relu(F.conv2d(padded, weight)))
            grams.append(gram_matrix(torch.cat(maps, 1)))
            pictures = F.avg_pool2d(pictures, 2)
        return grams

    def distances(self, pictures: Tensor) -> Tensor:
        """Of each picture at each scale: [N, 4]."""
        pairs = zip(self.look(pictures), self.grams, strict=True)
        parts = [(a - b).square().sum((1, 2)) / b.square().sum((1, 2)) for a, b in pairs]
        return torch.stack(parts, 1)

    def __call__(self, pictures: Tensor) -> Tensor:
        """Pictures [N, 3, H, W], their contents' N: [N], the geometric mean over the scales."""
        return (self.distances(pictures) / self.far).clamp(min=1e-6).log().mean(1).exp()


EPS = 1e-5


def statistics(maps: Tensor, eps: float = EPS) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel of each picture: [N, C, H, W] -> [N, C, 1, 1].

    The variance is that of these places (÷ H·W, "biased"), and eps is added to it.
    """
    variance, mean = torch.var_mean(maps, (2, 3), correction=0, keepdim=True)
    return mean, (variance + eps).sqrt()


def rescale(maps: Tensor, mean: Tensor, std: Tensor, eps: float = EPS) -> Tensor:
    """Maps [N, C, H, W] with this mean and spread in each channel (each [N or 1, C, 1, 1])."""
    own_mean, own_std = statistics(maps, eps)
    return std * (maps - own_mean) / own_std + mean


class Painter(nn.Module):
    """Twelve convolutions from pictures [N, 3, H, W] in 0…1 to pictures of the same size; a norm
    follows all but the last.

    Down to a quarter, three residual blocks, and up again. What stands after each convolution is
    not its own: `forward` is given norm(number, maps). The last one changes what the `ground` has
    already (`keep` of its logits), so a new painter gives almost the ground back. `grain`: noise
    under the picture, without which a flat sky would be painted flat.
    """

    keep = 0.6
    grain = 0.2

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        w = width
        self.widths = [w, 2 * w, *[3 * w] * 7, 2 * w, w]  # channels after each convolution
        kernels = [5] + [3] * 10
        self.layers = nn.ModuleList(
            nn.Conv2d(
                before, after, kernel, 2 if number in (1, 2) else 1, kernel // 2,
                padding_mode="reflect",
            )
            for number, (before, after, kernel) in enumerate(
                zip([3, *self.widths[:-1]], self.widths, kernels, strict=True)
            )
        )  # fmt: skip
        self.last = nn.Conv2d(w, 3, 5, padding=2, padding_mode="reflect")
        nn.init.normal_(self.last.weight, std=0.01)
        nn.init.zeros_(self.last.bias)

    def forward(
        self, pictures: Tensor, ground: Tensor, norm: Callable[[int, Tensor], Tensor]
    ) -> Tensor:
        height, width = pictures.shape[2:]
        # Halved twice, so both sides must be multiples of 4: the border is continued
        x = F.pad(pictures, (0, -width % 4, 0, -height % 4), mode="replicate")

        def layer(number: int, h: Tensor) -> Tensor:
            return norm(number, self.layers[number](h))

        # One grain for all of a size; in training a new one, so that none is learnt by heart
        dice = None if self.training else torch.Generator().manual_seed(0)
        grain = torch.randn(1, 1, *x.shape[2:], generator=dice).to(x)
        h = 4 * x - 2 + self.grain * grain
        for number in range(3):
            h = F.relu(layer(number, h))  # [N, 3w, H/4, W/4]
        for number in (3, 5, 7):
            h = h + layer(number + 1, F.relu(layer(number, h)))
        for number in (9, 10):
            h = F.relu(layer(number, F.interpolate(h, scale_factor=2)))
        change = self.last(h)[:, :, :height, :width]
        return torch.sigmoid(change + self.keep * torch.logit(ground.clamp(0.05, 0.95)))


class FastStyle(nn.Module):
    """One style in the weights: pictures [N, 3, H, W] in 0…1 -> painted pictures, same size.

    norm: "instance" (each picture by its own mean and variance; Ulyanov et al. 2016) or "batch".
    About 165,000 parameters at width 16.
    """

    def __init__(self, width: int = 16, norm: str = "instance") -> None:
        super().__init__()
        kinds = {
            "instance": lambda channels: nn.InstanceNorm2d(channels, affine=True),
            "batch": nn.BatchNorm2d,
        }
        if norm not in kinds:
            raise ValueError(
                t("norm is {known}, not {given}", known=" / ".join(kinds), given=repr(norm))
            )
        self.painter = Painter(width)
        self.norms = nn.ModuleList(kinds[norm](channels) for channels in self.painter.widths)
        self.register_buffer("colours", torch.zeros(2, 3, 1, 1))  # the style's: mean, spread

    def forward(self, pictures: Tensor) -> Tensor:
        pictures = as_batch(pictures, t("content"))
        ground = rescale(pictures, *self.colours) if self.colours[1].any() else pictures
        return self.painter(pictures, ground, lambda number, maps: self.norms[number](maps))


class Crops:
    """Squares out of photographs for training: [batch, 3, size, size] in 0…1.

    photographs: [3, H, W], uint8 or float in 0…1, of any sizes (a list, or a dictionary of them).
    A square has any side from `size` to the whole height, is mirrored half the time, and its
    brightness changes a little; the colours stay, for the networks must learn what to do to them.
    """

    def __init__(
        self, photographs: Mapping[str, Tensor] | Sequence[Tensor], size: int, largest: int = 320
    ) -> None:
        if isinstance(photographs, Mapping):
            photographs = list(photographs.values())
        self.size, self.sources = size, []
        for picture in photographs:
            x = as_batch(
                picture[None] / 255 if picture.dtype == torch.uint8 else picture[None],
                t("photograph"),
            ).cpu()
            factor = max(size, min(largest, *x.shape[2:])) / min(x.shape[2:])
            sides = [max(size, round(side * factor)) for side in x.shape[2:]]
            self.sources.append(F.interpolate(x, sides, mode="bilinear", antialias=True))
        if not self.sources:
            raise ValueError(t("There must be at least one photograph"))

    def draw(self, count: int, dice: torch.Generator) -> Tensor:
        return torch.cat([self._one(dice) for _ in range(count)]).contiguous(
            memory_format=torch.channels_last
        )

    def _one(self, dice: torch.Generator) -> Tensor:
        def chance(limit: int) -> int:
            return int(torch.randint(limit, (), generator=dice))

        source = self.sources[chance(len(self.sources))]
        height, width = source.shape[2:]
        side = self.size + chance(min(height, width) - self.size + 1)
        top, left = chance(height - side + 1), chance(width - side + 1)
        square = source[..., top : top + side, left : left + side]
        square = F.interpolate(square, (self.size, self.size), mode="bilinear", antialias=True)
        square = square.flip(3) if chance(2) else square
        gamma = 0.6 * torch.rand((), generator=dice) - 0.3
        return square.clamp(0, 1) ** gamma.exp()


@dataclass
class TrainedStyle:
    """A painter, trained, and what it was worth at every step: {name: [(step, number), …]}."""

    model: nn.Module
    history: dict[str, list[tuple[int, float]]] = field(default_factory=dict)


def colour_moments(pictures: Tensor) -> list[Tensor]:
    """Gram matrices [N, 4, 4] of red, green, blue and 1: mean and covariance of the colours.

    Of the pixels, and of squares of 4 × 4.
    """
    with_one = F.pad(pictures, (0, 0, 0, 0, 0, 1), value=1.0)  # a fourth channel that is 1
    return [gram_matrix(with_one), gram_matrix(F.avg_pool2d(with_one, 4))]


@dataclass(frozen=True)
class StyleConfig:
    """Of a training: the painter's width, the squares of a step and their side, Adam's highest
    rate, and what style, variation and colours weigh beside the content (which weighs 1)."""

    width: int = 16
    batch: int = 4
    size: int = 128
    rate: float = 4e-3
    style_weight: float = 30.0
    variation_weight: float = 3.0
    colour_weight: float = 10.0


@torch.random.fork_rng(devices=[])  # the grain comes out of torch's own dice
def fit(
    model: nn.Module,
    paint: Callable[[Tensor, Tensor], Tensor],
    styles: Sequence[Tensor],
    photographs: Mapping[str, Tensor] | Sequence[Tensor],
    net: nn.Module,
    config: StyleConfig,
    *,
    steps: int,
    seed: int = 0,
    device: torch.device | str = "cpu",
    folder: Path | None = None,
    note: Callable[[int, nn.Module], Mapping[str, float] | None] | None = None,
) -> TrainedStyle:
    """The loop of both trainings. paint(pictures, which of the styles each gets [N])."""
    torch.manual_seed(seed)
    crops = Crops(photographs, config.size)
    net = net.to(device)
    model.to(device, memory_format=torch.channels_last).train()
    with torch.no_grad():
        grams, colours = [], []  # of each layer, each scale: [styles, C, C]
        for style in styles:
            grams.append([gram_matrix(maps) for maps in net(style.to(device))])
            colours.append(colour_moments(style.to(device)))
    grams = [torch.cat(layer) for layer in zip(*grams, strict=True)]
    colours = [torch.cat(scale) for scale in zip(*colours, strict=True)]
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(learning, config.rate, fused=True)
    dice = torch.Generator().manual_seed(seed)
    training = Training(
        {"model": model, "optimizer": optimizer, "dice": dice},
        folder,
        name="style",
        settings=asdict(config) | {"steps": steps, "seed": seed},
    )
    trained = TrainedStyle(model, training.history)
    for step in training.steps(steps):
        pace = min(1.0, (step + 1) / 10) * max(0.05, 1 - (step / steps) ** 2)
        optimizer.param_groups[0]["lr"] = config.rate * pace
        pictures = crops.draw(config.batch, dice).to(device)
        which = torch.randint(len(styles), (config.batch,), generator=dice).to(device)
        with torch.no_grad():
            wanted = net(pictures)[net.content]
        painted = paint(pictures, which)
        seen = net(painted)
        content = content_loss(seen[net.content], wanted).mean()
        style = style_loss(seen, [gram[which] for gram in grams]).mean()
        pairs = zip(colour_moments(painted), colours, strict=True)
        apart = [
            (a - b[which]).square().sum((1, 2)) / b[which].square().sum((1, 2)) for a, b in pairs
        ]
        loss = content + config.style_weight * style
        loss = loss + config.variation_weight * variation_loss(painted).mean()
        loss = loss + config.colour_weight * torch.stack(apart).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        training.note(content=content, style=style, total=loss)
        trained.history = training.history
        if note:
            training.note(**(note(step + 1, model) or {}))
    model.eval()
    trained.history = training.history
    return trained


def train_fast_style(
    style: Tensor,
    photographs: Mapping[str, Tensor] | Sequence[Tensor],
    net: nn.Module,
    *,
    steps: int,
    seed: int = 0,
    norm: str = "instance",
    start: FastStyle | None = None,
    device: torch.device | str = "cpu",
    folder: Path | None = None,
    note: Callable[[int, nn.Module], Mapping[str, float] | None] | None = None,
    **changes: float,
) -> TrainedStyle:
    """A FastStyle that paints any picture as `style` [3, H, W] or [1, 3, H, W] in 0…1 is painted.

    It learns from squares of the photographs (see `Crops`), by what the frozen `net` sees: the loss
    of 4.1's StyleObjective, and colour_weight · how far the colours' mean and covariance are from
    the style's. changes: fields of StyleConfig. start: go on from a copy of this painter. folder:
    keep the run there, and go on from what it holds. note(step, model): called after each step; the
    numbers it returns stand in the history.
    """
    config = StyleConfig(**changes)
    style = as_batch(style if style.ndim == 4 else style[None], t("style"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = FastStyle(config.width, norm)
    if start is not None:
        model.load_state_dict(start.state_dict())
    model.colours.copy_(torch.cat(statistics(style)))
    run = {"steps": steps, "seed": seed, "device": device, "folder": folder, "note": note}
    return fit(model, lambda x, _which: model(x), [style], photographs, net, config, **run)


def train_adain(
    styles: Mapping[str, Tensor] | Sequence[Tensor],
    photographs: Mapping[str, Tensor] | Sequence[Tensor],
    net: nn.Module,
    *,
    steps: int,
    seed: int = 0,
    device: torch.device | str = "cpu",
    folder: Path | None = None,
    note: Callable[[int, nn.Module], Mapping[str, float] | None] | None = None,
    **changes: float,
) -> TrainedStyle:
    """An AdaINStyle that takes its style from a picture, trained on several: each [3, H, W] in 0…1.

    The rest as for `train_fast_style`.
    """
    config = StyleConfig(**changes)
    if isinstance(styles, Mapping):
        styles = list(styles.values())
    styles = [as_batch(x if x.ndim == 4 else x[None], t("style")).to(device) for x in styles]
    if not styles:
        raise ValueError(t("There must be at least one style"))
    net = net.to(device).requires_grad_(False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AdaINStyle(net, config.width)
    model.to(device)
    with torch.no_grad():  # a style does not change: the eye looks at it once
        seen = torch.cat([model.see(style) for style in styles])
        model.usual.copy_(torch.stack([seen.mean(0), seen.std(0, correction=0).clamp(min=1e-2)]))
        colours = torch.cat([torch.cat(statistics(style), 1).flatten(1) for style in styles])

    def paint(pictures: Tensor, which: Tensor) -> Tensor:
        return model.paint(pictures, model.write_numbers(seen[which], colours[which]))

    run = {"steps": steps, "seed": seed, "device": device, "folder": folder, "note": note}
    return fit(model, paint, styles, photographs, net, config, **run)


def adain(content: Tensor, style: Tensor, eps: float = EPS) -> Tensor:
    """Feature maps of the content with the mean and the spread of the style's, by channel.

    content [N, C, H, W], style [N or 1, C, H', W'] -> [N, C, H, W]. Both sides are measured alike:
    adain(x, x) is x. Huang & Belongie 2017.
    """
    return rescale(content, *statistics(style, eps), eps)


class AdaINStyle(nn.Module):
    """Any style, given as a picture: AdaIN after every convolution of a painter.

    `numbers` looks at a style with the frozen `net` and makes of the mean and spread of its feature
    maps those of all the painter's layers, by a small learnt map (as StyleGAN does of its w, and
    Ghiasi et al. 2017 of a style): [N, 2 · channels]. Styles are mixed by mixing these numbers.
    """

    def __init__(self, net: nn.Module, width: int = 16, hidden: int = 64) -> None:
        super().__init__()
        self.net, self.painter = net, Painter(width)
        with torch.no_grad():
            seen = sum(maps.shape[1] for maps in net(torch.zeros(1, 3, 32, 32)))
        channels = sum(self.painter.widths)
        self.register_buffer("usual", torch.stack([torch.zeros(2 * seen), torch.ones(2 * seen)]))
        self.read = nn.Sequential(nn.Linear(2 * seen, hidden), nn.ReLU())
        self.write = nn.Linear(hidden, 2 * channels)
        nn.init.normal_(self.write.weight, std=0.1)
        nn.init.zeros_(self.write.bias)

    def see(self, style: Tensor) -> Tensor:
        """Mean and spread of what `net` sees in styles [N, 3, H, W], layer by layer: [N, S]."""
        with torch.no_grad():
            pairs = [torch.cat(statistics(maps), 1) for maps in self.net(style)]
        return torch.cat(pairs, 1).flatten(1)

    def write_numbers(self, seen: Tensor, colours: Tensor) -> Tensor:
        """[N, S] of `see` and [N, 6], mean and spread of the colours -> [N, 2 · channels + 6]."""
        usual, spread = self.usual
        return torch.cat([self.write(self.read((seen - usual) / spread)), colours], 1)

    def numbers(self, style: Tensor) -> Tensor:
        """Of styles [N, 3, H, W] in 0…1, all that the painter needs: [N, 2 · channels + 6]."""
        style = as_batch(style, t("style"))
        return self.write_numbers(self.see(style), torch.cat(statistics(style), 1).flatten(1))

    def paint(self, content: Tensor, numbers: Tensor) -> Tensor:
        """Pictures [N, 3, H, W] in the style of these numbers [N or 1, 2 · channels + 6]."""
        content = as_batch(content, t("content"))
        numbers, colours = numbers[:, :-6, None, None], numbers[:, -6:, None, None]
        means, spreads = (part.split(self.painter.widths, 1) for part in numbers.chunk(2, 1))

        def norm(number: int, maps: Tensor) -> Tensor:
            return rescale(maps, means[number], 1 + spreads[number])

        return self.painter(content, rescale(content, *colours.chunk(2, 1)), norm)

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        return self.paint(content, self.numbers(style))

    @torch.no_grad()
    def draw(
        self,
        content: Tensor,
        style: Tensor,
        strength: float = 1.0,
        other: Tensor | None = None,
        share: float = 0.5,
    ) -> Tensor:
        """Pictures [N, 3, H, W] in a style [1 or N, 3, H', W'], or between two.

        strength: 1 the style, 0 the numbers of the content itself. other: a second style, of which
        there is `share`.
        """
        numbers = self.numbers(style)
        if other is not None:
            numbers = torch.lerp(numbers, self.numbers(other), share)
        if strength != 1:
            numbers = torch.lerp(self.numbers(content), numbers, strength)
        return self.paint(content, numbers)


def learnt(model: nn.Module) -> dict[str, Tensor]:
    """What a painter has learnt, to be kept: its state without that of the frozen network."""
    return {
        key: value.detach().cpu().contiguous()
        for key, value in model.state_dict().items()
        if not key.startswith("net.")
    }


def stored_painter(name: str, model: nn.Module, device: torch.device | str) -> Any:
    """`model` with the weights that ship as `name`; FileNotFoundError with the cure."""
    path = Path(common.__file__).parent / "weights" / f"{name}.safetensors"
    if not path.is_file():
        command = f"python3 course.py train {name}"
        raise FileNotFoundError(
            t("{path} is missing: `{command}` makes it.", path=path.name, command=command)
        )
    with safe_open(path, "pt") as file:
        state = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
    model.load_state_dict(state | {k: v for k, v in model.state_dict().items() if k[:4] == "net."})
    model.to(device, memory_format=torch.channels_last)
    return model.eval().requires_grad_(False)


def load_fast_style(style: str, device: torch.device | str = "cpu") -> FastStyle:
    """The painter of one style that ships with the course: "swirl" or "mosaic"."""
    return stored_painter(f"fast-style-{style}", FastStyle(), device)


def load_adain(device: torch.device | str = "cpu") -> AdaINStyle:
    """The painter of any style that ships; every painting but the mosaic taught it."""
    return stored_painter("adain", AdaINStyle(load_features()), device)
