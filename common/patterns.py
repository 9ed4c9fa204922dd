"""Broad pictures, drawn by code: what the autoencoder of lesson 03 learns from.

An autoencoder that has seen only rangoli rebuilds nothing else, and a base model on top of it could
never be taught a new style. So it learns from all sorts: strokes, outlines and fills, hatching,
textures, gradients, patches of photographs and rangoli in colours of chance. The three styles that
lesson 05 keeps for itself (`common/art.py`) are not among them.

    patterns(64, seed=0)            # uint8 [64, 3, 32, 32]
"""

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from common.data import photographs, to_float
from common.lang import t
from common.rangoli import Layers, coverage, render, sample_factors


def patterns(n: int, seed: int = 0, size: int = 32) -> Tensor:
    """n pictures of all kinds, mixed: uint8 [n, 3, size, size].

    The same seed gives the same pictures: a larger n only adds to them.
    """
    if n < 0 or size < 8:
        raise ValueError(t("patterns takes n of at least 0 and size of at least 8"))
    generator = torch.Generator().manual_seed(seed)
    images = torch.empty(n, 3, size, size, dtype=torch.uint8)
    for start in range(0, n, BLOCK):
        block = torch.cat([draw(count, size, generator) for draw, count in KINDS])
        block = block[torch.randperm(BLOCK, generator=generator)].clamp(0, 1)
        part = images[start : start + BLOCK]
        part.copy_((block * 255).round()[: len(part)])
    return images


# ---------------------------------------------------------------------------- chance


def _uniform(n: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """[n, 1, 1], to lay over pictures [n, S, S]."""
    return low + (high - low) * torch.rand(n, 1, 1, generator=generator)


def _choice(n: int, values: list[float], generator: torch.Generator) -> Tensor:
    """[n, 1, 1], each one of the values."""
    return torch.tensor(values)[torch.randint(len(values), (n, 1, 1), generator=generator)]


def _colours(n: int, generator: torch.Generator) -> Tensor:
    """[n, 3, 1, 1]: any colour, often a pure one, now and then a grey, black or white."""
    colour = torch.rand(n, 3, 1, 1, generator=generator)
    kind = torch.rand(n, 1, 1, 1, generator=generator)
    pure = torch.sigmoid(10 * (colour - 0.5))
    grey = torch.sigmoid(8 * (colour[:, :1] - 0.5)).expand(-1, 3, -1, -1)
    return torch.where(kind < 0.4, pure, torch.where(kind < 0.6, grey, colour))


def _places(n: int, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """x, y [n, S, S] in -1…1: each picture's middle is moved, and most are turned."""
    axis = (torch.arange(size) + 0.5) * (2 / size) - 1
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    x = x - _uniform(n, -0.3, 0.3, generator)
    y = y - _uniform(n, -0.3, 0.3, generator)
    turn = _uniform(n, 0, 2 * math.pi, generator)
    upright = _uniform(n, 0, 1, generator) < 0.3
    turn = torch.where(upright, (turn * 2 / math.pi).floor() * math.pi / 2, turn)
    return x * turn.cos() + y * turn.sin(), y * turn.cos() - x * turn.sin()


def _smooth(n: int, channels: int, cells: int, size: int, generator: torch.Generator) -> Tensor:
    """Hills and valleys, [n, channels, S, S] about -1…1: `cells` of them along a side."""
    hills = 2 * torch.rand(n, channels, cells, cells, generator=generator) - 1
    return F.interpolate(hills, size=(size, size), mode="bicubic", align_corners=False)


def _ground(n: int, size: int, generator: torch.Generator) -> Tensor:
    """What the others are drawn on, [n, 3, S, S]: plain, or a slope from one colour to another."""
    a, b = _colours(n, generator), _colours(n, generator)
    x, y = _places(n, size, generator)
    plain = _uniform(n, 0, 1, generator) < 0.6
    slope = torch.where(plain, torch.zeros(()), (0.5 + 0.5 * x).clamp(0, 1))
    ripple = 0.08 * _uniform(n, -1, 1, generator) * torch.sin(_uniform(n, 4, 14, generator) * y)
    return a + slope[:, None] * (b - a) + ripple[:, None]


# ---------------------------------------------------------------------------- shapes by distance


def _fold(x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Half of the pictures become stars: what is drawn once appears on each of 2 … 12 arms."""
    n = len(x)
    slice_ = 2 * math.pi / _choice(n, [2, 3, 4, 5, 6, 7, 8, 10, 12], generator)
    radius, angle = torch.hypot(x, y), torch.atan2(y, x)
    angle = torch.remainder(angle + slice_ / 2, slice_) - slice_ / 2
    alone = _uniform(n, 0, 1, generator) < 0.5
    return (
        torch.where(alone, x, radius * angle.cos()),
        torch.where(alone, y, radius * angle.sin()),
    )


def _shape(x: Tensor, y: Tensor, kind: int, generator: torch.Generator) -> Tensor:
    """The signed distance [n, S, S] of a disc, box, rhombus, stroke, ring or wave."""
    n = len(x)
    x = x - _uniform(n, 0.0, 0.8, generator)
    y = y - _uniform(n, -0.25, 0.25, generator)
    a, b = _uniform(n, 0.08, 0.6, generator), _uniform(n, 0.04, 0.4, generator)
    if kind == 0:
        return torch.hypot(x, y) - a
    if kind == 1:
        return torch.maximum(x.abs() - a, y.abs() - b)
    if kind == 2:
        return (x.abs() / a + y.abs() / b - 1) / (1 / a**2 + 1 / b**2).sqrt()
    if kind == 3:
        return torch.hypot((x.abs() - a).clamp(min=0), y) - 0.15 * b
    if kind == 4:
        return (torch.hypot(x, y) - a).abs() - 0.2 * b
    return (y - b * torch.sin(_uniform(n, 3, 12, generator) * x)).abs() - 0.2 * a


def _lay(picture: Tensor, distance: Tensor, generator: torch.Generator) -> Tensor:
    """Paints a shape over a picture: filled, as an outline, in rings or with a wide soft edge."""
    n, pixel = len(picture), 2 / picture.shape[-1]
    way = _uniform(n, 0, 1, generator)
    width = _uniform(n, 0.012, 0.06, generator)
    gap = _uniform(n, 0.1, 0.3, generator)
    rings = (torch.remainder(distance, gap) - gap / 2).abs() - width
    line = torch.where(way < 0.7, distance.abs() - width, rings)
    distance = torch.where(way < 0.3, distance, line)
    soft = torch.where(way > 0.9, _uniform(n, 2, 6, generator), torch.ones(()))
    share = coverage(distance / soft, pixel)[:, None]
    return picture + share * (_colours(n, generator) - picture)


def _shapes(n: int, size: int, generator: torch.Generator) -> Tensor:
    picture = _ground(n, size, generator)
    x, y = _fold(*_places(n, size, generator), generator)
    for kind in torch.randint(6, (4,), generator=generator).tolist():
        picture = _lay(picture, _shape(x, y, kind, generator), generator)
    return picture


def _strokes(n: int, size: int, generator: torch.Generator) -> Tensor:
    """Thin lines and arcs, often all of one colour, as if with one pen."""
    picture = _ground(n, size, generator)
    pen, mixed = _colours(n, generator), _uniform(n, 0, 1, generator)[..., None] < 0.4
    for _ in range(6):
        x, y = _places(n, size, generator)
        bend = _uniform(n, -1.5, 1.5, generator)
        length = _uniform(n, 0.2, 1.2, generator)
        width = _uniform(n, 0.012, 0.07, generator)
        across = (y + bend * x**2) / (1 + (2 * bend * x) ** 2).sqrt()
        distance = torch.maximum(across.abs() - width, x.abs() - length)
        ink = torch.where(mixed, _colours(n, generator), pen)
        picture = picture + coverage(distance, 2 / size)[:, None] * (ink - picture)
    return picture


def _hatching(n: int, size: int, generator: torch.Generator) -> Tensor:
    """Parallel lines, crossed or chequered, over shapes or a plain ground or in a part of it."""
    half = n // 2
    shapes, ground = _shapes(half, size, generator), _ground(n - half, size, generator)
    picture = torch.cat([shapes, ground.expand(-1, -1, size, size)])
    for _ in range(2):
        x, y = _places(n, size, generator)
        gap = _uniform(n, 0.13, 0.6, generator)
        width = gap * _uniform(n, 0.12, 0.35, generator)
        along, across = ((torch.remainder(v, gap) - gap / 2).abs() - width for v in (x, y))
        way = _uniform(n, 0, 1, generator)
        crossed = torch.where(way < 0.7, torch.minimum(along, across), torch.maximum(along, across))
        lines = torch.where(way < 0.4, along, crossed)
        hills = _smooth(n, 1, 3, size, generator)[:, 0]
        part = torch.where(_uniform(n, 0, 1, generator) < 0.5, 0.3 * hills, -torch.ones(()))
        share = coverage(torch.maximum(lines, part), 2 / size)[:, None]
        picture = picture + share * (_colours(n, generator) - picture)
    return picture


def _textures(n: int, size: int, generator: torch.Generator) -> Tensor:
    """Clouds, marble and grain: hills of several sizes, some of them cut into two colours."""
    hills = sum(
        _smooth(n, 4, cells, size, generator) * _uniform(n, 0, 1, generator)[..., None]
        for cells in (2, 4, size // 6, size // 3)
    )
    a, b = _colours(n, generator), _colours(n, generator)
    steep = _choice(n, [1, 1, 3, 12], generator)[..., None]
    share = torch.sigmoid(2 * steep * hills[:, :1])
    return a + share * (b - a) + 0.1 * hills[:, 1:]


@cache
def _photographs() -> list[Tensor]:
    """All that are here, each at several scales, float [3, H, W] in 0…1."""
    scaled = []
    for photograph in photographs().values():
        picture = to_float(photograph[None])
        while min(picture.shape[-2:]) >= 48:
            if max(picture.shape[-2:]) <= 400:
                scaled.append(picture[0])
            picture = F.avg_pool2d(picture, 2)
    return scaled


def _patches(n: int, size: int, generator: torch.Generator) -> Tensor:
    """Squares out of photographs; half of them get channels in another order, or a negative."""
    sources = _photographs()
    patches = []
    for _ in range(n):
        source = sources[int(torch.randint(len(sources), (), generator=generator))]
        height, width = source.shape[-2:]
        side = min(size, height, width)
        top = int(torch.randint(height - side + 1, (), generator=generator))
        left = int(torch.randint(width - side + 1, (), generator=generator))
        patch = source[None, :, top : top + side, left : left + side]
        patches.append(patch if side == size else F.interpolate(patch, (size, size)))
    return _recolour(torch.cat(patches), generator)


def _recolour(images: Tensor, generator: torch.Generator) -> Tensor:
    """Half of the pictures [n, 3, S, S] with the channels in another order, some also inverted."""
    n = len(images)
    order = torch.rand(n, 3, generator=generator).argsort(1)
    changed = images.gather(1, order[:, :, None, None].expand_as(images))
    kind = torch.rand(n, 1, 1, 1, generator=generator)
    changed = torch.where(kind < 0.2, 1 - changed, changed)
    return torch.where(kind < 0.5, changed, images)


def _rangoli(n: int, size: int, generator: torch.Generator) -> Tensor:
    """Rangoli whose layers and ground have colours of chance, or the course's, changed."""

    def recoloured(layers: Layers) -> Tensor:
        count = len(layers.main)
        picture = _colours(count, generator).expand(-1, -1, *layers.x.shape[1:])
        for distance in layers.distances:
            share = coverage(distance, layers.pixel)[:, None]
            picture = picture + share * (_colours(count, generator) - picture)
        return picture

    factors = sample_factors(n, generator)
    half = n // 2
    ours = to_float(render(factors[:half], size, generator))
    free = to_float(render(factors[half:], size, generator, style=recoloured))
    return torch.cat([_recolour(ours, generator), free])


# Each kind, and how many of it there are in a block
KINDS = (
    (_shapes, 192),
    (_strokes, 96),
    (_hatching, 80),
    (_textures, 32),
    (_patches, 48),
    (_rangoli, 64),
)
BLOCK = sum(count for _, count in KINDS)
