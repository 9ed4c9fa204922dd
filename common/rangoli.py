"""Rangoli pictures, drawn by code: a data set whose every factor is known exactly.

A picture is 8 motifs × 8 colours × 4 grounds × 3 symmetries = 768 kinds, with a little rotation,
size, place, hue and brightness of its own. Nothing is downloaded, and since each picture is made
from its factors, "how many kinds does my generator draw?" and "did it draw what the prompt said?"
have exact answers.

A motif is a list of *layers*, painted one over another. A layer is a signed distance (negative
inside the shape, positive outside, in units of the picture's half-width) and a shade. Because
layers are distances, not pixels, any size is sharp, and a style can draw the same motif in another
way: `render(..., style=f)`, where `f(layers)` returns the picture (see `Layers`).

    images, factors = rangoli(64, seed=0)       # uint8 [64, 3, 32, 32] and what is on each
    captions(factors, "hi")[0]                  # "काली पृष्ठभूमि पर पीला सूरज"
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from common.lang import t

# ---------------------------------------------------------------------------- drawing a motif

# The shades of a layer. Gold becomes red on a yellow motif, where it would not be seen.
MAIN, LIGHT, DARK, GOLD, FLAME = range(5)
Drawing = list[tuple[Tensor, int]]  # (signed distance [n, S, S], shade), the lowest layer first


class Points:
    """The places to draw at, in the motif's own frame: its reach is 1, y points down.

    x, y: [n, S, S]; arms: [n, 1, 1], the number of petals, rays, spokes… (4, 6 or 8).
    """

    def __init__(self, x: Tensor, y: Tensor, arms: Tensor):
        self.x, self.y, self.arms = x, y, arms
        self.half = torch.sin(math.pi / arms)  # half the gap between neighbouring arms, at reach 1

    @cached_property
    def radius(self) -> Tensor:
        return torch.hypot(self.x, self.y)

    @cached_property
    def angle(self) -> Tensor:
        return torch.atan2(self.x, -self.y)  # 0 is up, so that an arm points up; clockwise

    def fold(self, turn: float = 0.0, twist: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Folds the plane like paper into one arm's slice: what is drawn once appears on each arm.

        Returns (along, across): the distance outwards on the arm's axis, and sideways from it.
        turn: in arms, 0.5 is half-way to the next arm. twist: more angle [n, S, S], in radians.
        """
        slice_ = 2 * math.pi / self.arms
        angle = self.angle + turn * slice_ if twist is None else self.angle + twist
        angle = torch.remainder(angle + slice_ / 2, slice_) - slice_ / 2
        return self.radius * torch.cos(angle), self.radius * torch.sin(angle)


def disc(x: Tensor, y: Tensor, centre, radius) -> Tensor:
    """A circle's distance, its centre on the x axis."""
    return torch.hypot(x - centre, y) - radius


def lens(along: Tensor, across: Tensor, start: float, end: float, width) -> Tensor:
    """A petal pointed at both ends: two circles of one radius overlap, their centres `offset` off
    the axis. `width` is half its greatest width."""
    length = (end - start) / 2
    radius = (length**2 + width**2) / (2 * width)
    offset = radius - width
    return torch.hypot(along - (start + end) / 2, across.abs() + offset) - radius


def drop(along: Tensor, across: Tensor, tip: float, centre: float, radius) -> Tensor:
    """A drop: a disc at `centre`, and the two lines that touch it and meet at `tip`."""
    along, across, length = along - tip, across.abs(), centre - tip
    sine = radius / length  # of the angle between the axis and either line
    cosine = torch.sqrt(1 - sine**2)
    side = across * cosine - along * sine
    foot = along * cosine + across * sine  # where along its line a place is nearest to it
    return torch.where(foot > length * cosine, disc(along, across, length, radius), side)


def diamond_shape(x: Tensor, y: Tensor, centre: float, length: float, width) -> Tensor:
    """A rhombus: |x| / length + |y| / width = 1."""
    slope = 1 / (1 / length**2 + 1 / width**2).sqrt()
    return ((x - centre).abs() / length + y.abs() / width - 1) * slope


def lotus(p: Points) -> Drawing:
    """Two rows of pointed petals, the back row between the front ones, and a golden heart."""
    width = (0.58 * p.half).clamp(max=0.24)
    back = lens(*p.fold(turn=0.5), 0.05, 1.0, width)
    front = lens(*p.fold(), 0.02, 0.86, width)
    rim = front.abs() - 0.024
    return [(back, LIGHT), (front, MAIN), (rim, DARK), (p.radius - 0.16, GOLD)]


def star(p: Points) -> Drawing:
    """A star, and two smaller ones inside it."""
    along, across = p.fold()
    # The edge runs from the point of the arm, (1, 0), to the notch half an arm away.
    notch = torch.where(p.arms < 5, 0.42, torch.where(p.arms < 7, 0.52, 0.58))
    dx, dy = notch * torch.cos(math.pi / p.arms) - 1, notch * p.half
    edge = ((along - 1) * dy - across.abs() * dx) / torch.hypot(dx, dy)
    return [(edge, MAIN), (edge + 0.165, LIGHT), (edge + 0.31, DARK)]


def sun(p: Points) -> Drawing:
    """A golden disc in a rim, and rays that stand free of it."""
    along, across = p.fold()
    width, base = (0.4 * p.half).clamp(max=0.17), 0.55
    slope = width / (1 - base)  # a ray narrows from `width` at its base to nothing at 1
    side = (across.abs() - slope * (1 - along)) / torch.sqrt(1 + slope**2)
    rays = torch.maximum(side, base - along)
    return [(rays, MAIN), (p.radius - 0.44, MAIN), (p.radius - 0.3, GOLD)]


def wheel(p: Points) -> Drawing:
    """A rim with a dark groove, spokes, and a hub."""
    _, across = p.fold()
    middle = p.radius - 0.86
    spokes = torch.maximum(across.abs() - 0.066, middle)
    rim, groove = middle.abs() - 0.12, middle.abs() - 0.03
    hub, axle = p.radius - 0.2, p.radius - 0.09
    return [(rim, MAIN), (spokes, MAIN), (groove, DARK), (hub, MAIN), (axle, GOLD)]


def paisley(p: Points) -> Drawing:
    """Mango-shaped drops, bent into a whirl, each with a golden seed."""
    along, across = p.fold(twist=1.1 * (p.radius - 0.6))
    width = (0.53 * p.half).clamp(max=0.26)
    body = drop(along, across, 0.1, 0.98 - width, width)
    seed = drop(along, across, 0.45, 0.97 - width, 0.4 * width)
    return [(body, MAIN), (seed, GOLD)]


def flower(p: Points) -> Drawing:
    """Round petals, each with a light middle, and a golden heart."""
    along, across = p.fold()
    size = (0.6 * p.half).clamp(max=0.4)
    petals, middles = disc(along, across, 0.6, size), disc(along, across, 0.6, 0.45 * size)
    heart = (0.56 - size).clamp(0.24, 0.31)  # reaches almost to the petals
    return [(petals, MAIN), (middles, LIGHT), (p.radius - heart, GOLD)]


def diamond(p: Points) -> Drawing:
    """Cut stones around a small light one."""
    along, across = p.fold()
    width = (0.48 * p.half).clamp(max=0.27)
    stones = diamond_shape(along, across, 0.64, 0.36, width)
    cut = diamond_shape(along, across, 0.64, 0.36 * 0.45, width * 0.45)
    return [(stones, MAIN), (cut, DARK), (p.radius - 0.12, LIGHT)]


def diya(p: Points) -> Drawing:
    """An oil lamp with its flame, under an arc of lights: one for each arm."""
    x, y = p.x, p.y
    bowl = torch.maximum(((x / 0.62) ** 2 + ((y - 0.18) / 0.52) ** 2 - 1) * 0.26, 0.18 - y)
    rim = torch.maximum(x.abs() - 0.68, (y - 0.2).abs() - 0.06)
    flame = lens(0.12 - y, x, 0.0, 0.62, x.new_tensor(0.17))
    core = lens(0.12 - y, x, 0.06, 0.38, x.new_tensor(0.08))
    # The light nearest to each place, of those spread evenly between -span and span (0 is up).
    span = 1.76
    step = 2 * span / (p.arms - 1)
    nearest = ((p.angle + span) / step).round().clamp(min=0).minimum(p.arms - 1) * step - span
    lights = torch.hypot(x - 0.88 * torch.sin(nearest), y + 0.88 * torch.cos(nearest)) - 0.105
    return [(bowl, MAIN), (rim, LIGHT), (flame, GOLD), (core, FLAME), (lights, MAIN)]


# ---------------------------------------------------------------------------- the factors, by name


@dataclass(frozen=True)
class Motif:
    """en, hi: its name; part_en, part_hi: what its symmetry counts (`hi` as it stands before
    वाला: the oblique plural); feminine: the Hindi noun's gender, with which colours agree."""

    draw: Callable[[Points], Drawing]
    en: str
    hi: str
    part_en: str
    part_hi: str
    feminine: bool = False


@dataclass(frozen=True)
class Colour:
    """hi: the masculine form (पीला कमल); hi_feminine: the feminine (पीली केरी)."""

    en: str
    hi: str
    hi_feminine: str
    rgb: tuple[int, int, int]


@dataclass(frozen=True)
class Ground:
    """hi: feminine, as पृष्ठभूमि (background) is."""

    en: str
    hi: str
    rgb: tuple[int, int, int]


@dataclass(frozen=True)
class Symmetry:
    arms: int
    en: str
    hi: str


MOTIFS = (
    Motif(lotus, "lotus", "कमल", "petals", "पंखुड़ियों"),
    Motif(star, "star", "तारा", "points", "कोनों"),
    Motif(sun, "sun", "सूरज", "rays", "किरणों"),
    Motif(wheel, "wheel", "चक्र", "spokes", "तीलियों"),
    Motif(paisley, "paisley", "केरी", "arms", "भुजाओं", feminine=True),
    Motif(flower, "flower", "फूल", "petals", "पंखुड़ियों"),
    Motif(diamond, "diamond", "हीरा", "facets", "पहलुओं"),
    Motif(diya, "diya", "दीया", "dots", "बिंदियों"),
)
COLOURS = (
    Colour("red", "लाल", "लाल", (225, 30, 40)),
    Colour("orange", "नारंगी", "नारंगी", (255, 130, 20)),
    Colour("yellow", "पीला", "पीली", (255, 215, 40)),
    Colour("green", "हरा", "हरी", (40, 180, 70)),
    Colour("blue", "नीला", "नीली", (45, 125, 255)),
    Colour("purple", "बैंगनी", "बैंगनी", (135, 55, 190)),
    Colour("pink", "गुलाबी", "गुलाबी", (255, 120, 180)),
    Colour("white", "सफ़ेद", "सफ़ेद", (248, 246, 235)),
)
GROUNDS = (
    Ground("black", "काली", (18, 16, 20)),
    Ground("blue", "नीली", (22, 28, 92)),
    Ground("brown", "भूरी", (104, 60, 34)),
    Ground("grey", "स्लेटी", (140, 142, 146)),
)
SYMMETRIES = (Symmetry(4, "four", "चार"), Symmetry(6, "six", "छह"), Symmetry(8, "eight", "आठ"))

_YELLOW = 2
_GOLD, _KERNEL, _FLAME = (255, 205, 70), (225, 60, 40), (255, 120, 30)


@dataclass(eq=False)
class Factors:
    """What is on each picture, as numbers into MOTIFS, COLOURS, GROUNDS, SYMMETRIES.

    Four LongTensors [N]. `factors[3]` is one picture's, `factors[:8]` or `factors[mask]` some;
    `stack()` is [N, 4], and `Factors.unstack` its inverse.
    """

    motif: Tensor
    colour: Tensor
    ground: Tensor
    symmetry: Tensor

    def __len__(self) -> int:
        return len(self.motif)

    def __getitem__(self, index) -> "Factors":
        return Factors(*(getattr(self, field.name)[index] for field in fields(self)))

    def stack(self) -> Tensor:
        """[N, 4], the columns in the order motif, colour, ground, symmetry."""
        return torch.stack([getattr(self, field.name) for field in fields(self)], dim=-1)

    @classmethod
    def unstack(cls, table: Tensor) -> "Factors":
        return cls(*table.long().unbind(-1))


def held_out(factors: Factors) -> Tensor:
    """True for the combinations of motif, colour and ground kept away from training: bool [N].

    One combination in eight (32 of 256), spread evenly: of each motif 4 in 32, of each colour 4 in
    32, of each ground 8 in 64. So every motif, colour and ground, and every pair of them, is seen
    in training; only the three together are new.
    """
    return (factors.motif + factors.colour + factors.ground) % 8 == 0


def all_factors(split: str = "all") -> Factors:
    """Every kind of picture once: 768, or the 672 of "train", or the 96 of "held-out"."""
    counts = [len(names) for names in (MOTIFS, COLOURS, GROUNDS, SYMMETRIES)]
    every = Factors.unstack(torch.cartesian_prod(*map(torch.arange, counts)))
    if split == "all":
        return every
    if split not in ("train", "held-out"):
        raise ValueError(t('split is "all", "train" or "held-out", not {given}', given=repr(split)))
    return every[held_out(every) == (split == "held-out")]


def sample_factors(n: int, generator: torch.Generator | None = None, split: str = "all") -> Factors:
    """n kinds drawn evenly from a split (see `held_out`). Without a generator: that of seed 0."""
    kinds = all_factors(split)
    return kinds[torch.randint(len(kinds), (n,), generator=generator or _seeded(0))]


# ---------------------------------------------------------------------------- rendering


@dataclass(eq=False)
class Layers:
    """What a style is given: n pictures of one motif, before any paint. S is size × supersample.

    distances: list of [n, S, S], the lowest layer first; negative inside, in half-picture units.
    colours:   list of [n, 3] in 0…1, one for each layer; shades: list of MAIN, LIGHT, …
    ground, main: [n, 3], the colours of the ground and of the motif.
    x, y:      [1, S, S], places in the picture, from -1 to 1.
    pixel:     the width of one of the S pixels, in the units of the distances.
    """

    distances: list[Tensor]
    colours: list[Tensor]
    shades: list[int]
    ground: Tensor
    main: Tensor
    x: Tensor
    y: Tensor
    pixel: float


def coverage(distance: Tensor, pixel: float) -> Tensor:
    """How much of each pixel a shape covers, 0…1: the edge is one pixel wide, so it is smooth."""
    return (0.5 - distance / pixel).clamp_(0, 1)


def paint(layers: Layers) -> Tensor:
    """The plain style: each layer in its colour over those below. Returns [n, 3, S, S] in 0…1."""
    free = torch.ones_like(layers.distances[0])  # the share of a pixel not yet covered from above
    shares = []
    for distance in reversed(layers.distances):
        share = coverage(distance, layers.pixel) * free
        free = free - share
        shares.append(share)
    colours = torch.stack([*reversed(layers.colours), layers.ground], dim=2)  # [n, 3, layers + 1]
    shares = torch.stack([*shares, free], dim=1)  # [n, layers + 1, S, S]
    return (colours @ shares.flatten(2)).unflatten(2, shares.shape[2:])


def render(
    factors: Factors,
    size: int = 32,
    generator: torch.Generator | None = None,
    jitter: float = 1.0,
    supersample: int = 2,
    style: Callable[[Layers], Tensor] = paint,
) -> Tensor:
    """Draws what the factors say: uint8 [N, 3, size, size].

    generator: of the variation (rotation, size, place, hue, brightness); without one, that of
    seed 0. Picture i uses the same numbers however the pictures are cut into batches.
    jitter: 1 is the course's variation, 0 none: then pictures of one kind are the same.
    supersample: each pixel is the mean of supersample × supersample finer ones.
    style: from layers to [n, 3, S, S] in 0…1 (see `Layers`).
    """
    if size < 1 or supersample < 1:
        raise ValueError(t("size and supersample must be at least 1"))
    device, fine = factors.motif.device, size * supersample
    variation = torch.rand(len(factors), 9, generator=generator or _seeded(0)) * 2 - 1
    variation = (variation * jitter).to(device)
    axis = (torch.arange(fine, device=device) + 0.5) * (2 / fine) - 1
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    images = torch.empty(len(factors), 3, size, size, dtype=torch.uint8, device=device)
    few = max(1, 2**17 // fine**2)  # pictures at a time, so that their layers stay in the cache
    for motif in factors.motif.unique().tolist():
        for batch in (factors.motif == motif).nonzero().squeeze(1).split(few):
            layers = _layers(MOTIFS[motif], factors[batch], variation[batch], x[None], y[None])
            picture = F.avg_pool2d(style(layers), supersample)
            images[batch] = (picture * 255).round().clamp(0, 255).to(torch.uint8)
    return images


def _layers(motif: Motif, factors: Factors, variation: Tensor, x: Tensor, y: Tensor) -> Layers:
    """One motif n times, each time varied. variation: [n, 9] in -1…1; x, y: [1, S, S]."""
    turn, grow, right, down, *hue, light, shadow = variation[:, :, None, None].unbind(1)
    if motif.draw is diya:
        turn = turn / 2  # a lamp stands upright
    reach = 0.84 + 0.09 * grow
    room = (0.95 - reach).clamp(max=0.06)  # a large motif moves less: it stays inside the frame
    x_, y_ = (x - right * room) / reach, (y - down * room) / reach
    cosine, sine = torch.cos(0.21 * turn), torch.sin(0.21 * turn)
    arms = _table([symmetry.arms for symmetry in SYMMETRIES], factors.symmetry)[:, None, None]
    points = Points(x_ * cosine + y_ * sine, y_ * cosine - x_ * sine, arms)
    distances, shades = zip(*motif.draw(points), strict=True)

    main = _table([colour.rgb for colour in COLOURS], factors.colour) / 255
    main = main + 0.05 * torch.cat(hue, dim=1)[:, :, 0]
    main = (main * (1 + 0.08 * light[:, :, 0])).clamp(0, 1)
    ground = _table([ground.rgb for ground in GROUNDS], factors.ground) / 255
    yellow = (factors.colour == _YELLOW).long()
    tints = {
        MAIN: main,
        LIGHT: (main + 1) / 2,
        DARK: main * 0.55,
        GOLD: _table([_GOLD, _KERNEL], yellow) / 255,
        FLAME: _table([_FLAME], yellow * 0) / 255,
    }
    return Layers(
        distances=[distance * reach for distance in distances],
        colours=[tints[shade] for shade in shades],
        shades=list(shades),
        ground=(ground + 0.03 * shadow[:, :, 0]).clamp(0, 1),
        main=main,
        x=x,
        y=y,
        pixel=2 / x.shape[-1],
    )


def rangoli(
    n: int, size: int = 32, seed: int = 0, split: str = "all", **options
) -> tuple[Tensor, Factors]:
    """n pictures, uint8 [n, 3, size, size], and their factors. options: those of `render`.

    The same seed gives the same pictures: a larger n only adds to them.
    """
    generator = _seeded(seed)
    variation = _seeded(int(torch.randint(2**62, (1,), generator=generator)))
    factors = sample_factors(n, generator, split)
    return render(factors, size, variation, **options), factors


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _table(rows: Sequence, index: Tensor) -> Tensor:
    return torch.tensor(rows, dtype=torch.float32, device=index.device)[index]


# ---------------------------------------------------------------------------- captions


def caption(factors: Factors, language: str, symmetry: bool = False, ground: bool = True) -> str:
    """One picture's caption, from `factors[i]`; "hi" or "en".

    "an orange lotus with six petals on a blue background",
    "नीली पृष्ठभूमि पर छह पंखुड़ियों वाला नारंगी कमल"
    """
    if factors.motif.numel() != 1:
        raise ValueError(t("caption takes one picture, factors[i]; captions takes them all"))
    names = (MOTIFS, COLOURS, GROUNDS, SYMMETRIES)
    motif, colour, behind, count = (
        choices[int(index)] for choices, index in zip(names, factors.stack().view(4), strict=True)
    )
    if language == "hi":
        words = [f"{behind.hi} पृष्ठभूमि पर"] if ground else []
        if symmetry:
            words.append(f"{count.hi} {motif.part_hi} {'वाली' if motif.feminine else 'वाला'}")
        words += [colour.hi_feminine if motif.feminine else colour.hi, motif.hi]
    elif language == "en":
        words = ["an" if colour.en[0] in "aeiou" else "a", colour.en, motif.en]
        if symmetry:
            words.append(f"with {count.en} {motif.part_en}")
        if ground:
            words.append(f"on a {behind.en} background")
    else:
        raise ValueError(t('language is "hi" or "en", not {given}', given=repr(language)))
    return " ".join(words)


def captions(factors: Factors, language: str, **options) -> list[str]:
    """The captions of all pictures. options: those of `caption`."""
    return [caption(factors[i], language, **options) for i in range(len(factors))]
