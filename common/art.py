"""Styles, drawn by code.

Three ways to draw a rangoli that the base model of lesson 03 never sees: lesson 05 teaches them.
Each is a style of `common.rangoli.render`: from the layers of a motif to its picture.

    images, factors = rangoli(16, seed=11, style=warli)

No model of lesson 03 may be trained on them (`common/patterns.py` draws what its autoencoder
learns from), so that "what the base cannot draw" stays true.

And six paintings, whose styles lesson 04 lends to photographs:

    painting("swirl", size=256)         # float [3, 256, 256] in 0…1
    painting("ikat", size=(200, 320), seed=1)
"""

import math

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from common.lang import t
from common.rangoli import Layers, coverage, paint

_MUD, _RICE = (120, 58, 30), (250, 245, 230)  # a mud wall, and the paste of rice drawn on it


def warli(layers: Layers) -> Tensor:
    """White lines on a mud wall: each outline is drawn, nothing is filled. [n, 3, S, S] in 0…1."""
    wall = torch.tensor(_MUD, device=layers.x.device)[:, None, None] / 255
    wall = wall * (1 + 0.05 * torch.sin(9 * layers.x + 7 * layers.y))  # [3, S, S]: its plaster
    rice = torch.tensor(_RICE, device=layers.x.device)[:, None, None] / 255
    lines = _lines(layers, 0.026)
    return wall + lines * (rice - wall)


def neon(layers: Layers) -> Tensor:
    """Glowing tubes in the dark: light adds up where outlines meet. [n, 3, S, S] in 0…1."""
    dark = 0.98 * torch.ones_like(layers.distances[0])[:, None].expand(-1, 3, -1, -1)
    for distance, colour in zip(layers.distances, layers.colours, strict=True):
        light = colour[:, :, None, None]
        tube = coverage(distance.abs() - 0.03, layers.pixel)[:, None]
        glow = 0.75 * torch.exp(-distance.abs() / 0.09)[:, None]
        dark = dark * (1 - glow * light) * (1 - tube * (0.4 + 0.6 * light))
    return 1 - dark


def mosaic(layers: Layers, tiles: int = 8) -> Tensor:
    """Square tiles in pale mortar, each a little lighter or darker; a tile is cut where two colours
    meet. [n, 3, S, S] in 0…1."""
    picture = paint(layers)
    side = picture.shape[-1]
    place = (torch.arange(side, device=picture.device) + 0.5) * tiles / side
    tile = place.long()
    tint = 0.5 * torch.sin(12.9898 * (7 * tile[:, None] + 13 * tile))  # [S, S], as if by chance
    picture = (picture * (1 + 0.4 * tint) + 0.04 * tint).clamp(0, 1)
    strip = coverage(place - tile - 0.25, tiles / side)  # at the left and the top edge of each tile
    mortar = 1 - (1 - strip[:, None]) * (1 - strip)
    return picture + 0.6 * mortar * (0.93 - picture)


def _lines(layers: Layers, width: float) -> Tensor:
    """How much of each pixel the outlines cover [n, 1, S, S]; each is 2 × width wide."""
    free = torch.ones_like(layers.distances[0])
    for distance in layers.distances:
        free = free * (1 - coverage(distance.abs() - width, layers.pixel))
    return 1 - free[:, None]


# ---------------------------------------------------------------------------- paintings


def painting(name: str, size: int | tuple[int, int] = 256, seed: int = 0) -> Tensor:
    """A picture whose style lesson 04 lends to photographs: float [3, H, W] in 0…1.

    name: one of PAINTINGS. size: of a square, or (height, width); a longer side shows more of the
    same, a larger size shows it finer. Another seed, another picture of that style.
    ValueError for another name, or below 8 pixels.
    """
    if name not in _PAINTERS:
        known = ", ".join(PAINTINGS)
        raise ValueError(t("No painting {name}. There are: {known}", name=name, known=known))
    height, width = (size, size) if isinstance(size, int) else size
    if min(height, width) < 8:
        raise ValueError(t("A painting has at least 8 × 8 pixels."))
    canvas = _Canvas(height, width)
    _PAINTERS[name](canvas, np.random.default_rng(seed))
    return canvas.picture()


_FINE = 640  # pixels of the shorter side while drawing, or twice what is asked for


class _Canvas:
    """Draws several times finer than asked for. All places and lengths are shares of the shorter
    side, so that the same picture comes at every size; y grows downwards."""

    def __init__(self, height: int, width: int) -> None:
        self.size = (width, height)
        short = min(height, width)
        finer = max(2, math.ceil(_FINE / short))
        self.unit = short * finer  # pixels
        self.width, self.height = width / short, height / short
        self.area = self.width * self.height
        self.image = Image.new("RGB", (width * finer, height * finer))
        self.pen = ImageDraw.Draw(self.image)

    def pixels(self) -> tuple[np.ndarray, np.ndarray]:
        """x [1, W] and y [H, 1] of the middle of each pixel."""
        width, height = self.image.size
        x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
        return (x[None] + 0.5) / self.unit, (y[:, None] + 0.5) / self.unit

    def fill(self, colours: np.ndarray) -> None:
        """Cover all with colours 0…255: [3] or [H, W, 3]."""
        width, height = self.image.size
        colours = np.broadcast_to(colours, (height, width, 3))
        self.image.paste(Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8)))

    def line(self, points, colour, width: float) -> None:
        """points [n, 2]."""
        path = (np.asarray(points) * self.unit).ravel().tolist()
        self.pen.line(path, tuple(colour), max(1, round(width * self.unit)), "curve")

    def polygon(self, points, colour, edge=None, width: float = 0.0) -> None:
        path = np.asarray(points)
        self.pen.polygon((path * self.unit).ravel().tolist(), tuple(colour))
        if edge is not None:
            self.line(np.concatenate([path, path[:2]]), edge, width)

    def dot(self, x: float, y: float, radius: float, colour) -> None:
        box = np.array([x - radius, y - radius, x + radius, y + radius]) * self.unit
        self.pen.ellipse(box.tolist(), tuple(colour))

    def picture(self) -> Tensor:
        small = self.image.resize(self.size, Image.Resampling.LANCZOS)
        return torch.from_numpy(np.array(small)).permute(2, 0, 1).contiguous().float() / 255


class _Hills:
    """Smooth chance: 0…1 at any places, `cells` hills on the shorter side."""

    def __init__(self, canvas: _Canvas, cells: float, chance: np.random.Generator) -> None:
        self.octaves = []
        for octave in range(3):
            fine = cells * 2**octave
            shape = (math.ceil(canvas.height * fine) + 2, math.ceil(canvas.width * fine) + 2)
            self.octaves.append((fine, 0.5**octave * chance.random(shape)))

    def __call__(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        total = 0.0
        for fine, values in self.octaves:
            u, v = (
                np.clip(place * fine, 0, length - 1.001)
                for place, length in ((x, values.shape[1]), (y, values.shape[0]))
            )
            i, j = u.astype(int), v.astype(int)
            u, v = u - i, v - j
            u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
            above = values[j, i] * (1 - u) + values[j, i + 1] * u
            below = values[j + 1, i] * (1 - u) + values[j + 1, i + 1] * u
            total = total + above * (1 - v) + below * v
        # The sum of three is rarely near 0 or 1.75: stretched, so that the ends are reached
        return np.clip((total / 1.75 - 0.5) * 1.6 + 0.5, 0, 1)


def _scatter(
    canvas: _Canvas, density: float, chance: np.random.Generator, beside: np.ndarray | None = None
) -> np.ndarray:
    """Places [n, 2] that keep away from each other, from the border and from those `beside`."""
    size = np.array([canvas.width, canvas.height])
    places = [] if beside is None else list(beside)
    for _ in range(max(1, round(density * canvas.area))):
        candidates = chance.random((24, 2)) * size
        apart = 0.05 + 2 * np.minimum(candidates, size - candidates).min(1)  # from the border
        if places:
            far = np.linalg.norm(candidates[:, None] - np.array(places), axis=2).min(1)
            apart = np.minimum(apart, far)
        places.append(candidates[apart.argmax()])
    return np.array(places)[0 if beside is None else len(beside) :]


def _between(palette: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Colours [..., 3] of a palette [n, 3] at places 0…1 along it."""
    place = np.clip(place, 0, 1) * (len(palette) - 1)
    return np.stack([np.interp(place, range(len(palette)), tone) for tone in palette.T], -1)


def _swirl(canvas: _Canvas, chance: np.random.Generator) -> None:
    """Short thick strokes that follow a wind full of whirls; stars glow in some of them."""
    night = np.array([(14, 24, 66), (24, 52, 122), (40, 88, 164), (82, 138, 194), (158, 198, 214)])
    stars = _scatter(canvas, 10, chance)
    whirls = _scatter(canvas, 10, chance, stars)
    reach = np.concatenate(
        [chance.uniform(0.03, 0.06, len(stars)), chance.uniform(0.07, 0.14, len(whirls))]
    )
    centres, shines = np.concatenate([stars, whirls]), np.arange(len(reach)) < len(stars)
    spin = np.where(chance.random(len(reach)) < 0.5, -1, 1)
    hills, gusts = _Hills(canvas, 2.5, chance), _Hills(canvas, 2, chance)
    phase = chance.uniform(0, 6)

    def around(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """From each centre to each place [n, centres, 2], and how far."""
        away = places[:, None] - centres
        return away, np.linalg.norm(away, axis=2) + 1e-4

    def wind(places: np.ndarray) -> np.ndarray:
        away, far = around(places)
        pull = 3.5 * spin * np.exp(-((far / (reach * (1 + shines))) ** 2)) / far
        turned = np.stack([-away[..., 1], away[..., 0]], -1)
        x, y = places.T
        rise = 0.6 * np.sin(5 * x + phase) + 3 * (gusts(x, y) - 0.5)
        flow = np.stack([np.full_like(x, 0.8), rise], -1) + (pull[..., None] * turned).sum(1)
        return flow / np.linalg.norm(flow, axis=1, keepdims=True)

    canvas.fill(night[1])
    for (x, y), radius in zip(stars, reach, strict=False):
        canvas.dot(x, y, 0.45 * radius, (255, 240, 170))
    for long, thick, density in ((0.075, 0.017, 1800), (0.055, 0.013, 3200), (0.04, 0.008, 4200)):
        count = round(density * canvas.area)
        place = chance.random((count, 2)) * [canvas.width, canvas.height]
        away, far = around(place)
        nearest = (far / reach).argmin(1)
        rows = np.arange(count)
        far, away, reached = far[rows, nearest], away[rows, nearest], reach[nearest]
        arms = np.cos(3 * np.arctan2(away[:, 1], away[:, 0]) + 18 * far * spin[nearest] / reached)
        tone = 0.08 + hills(*place.T) + 0.3 * arms * np.exp(-((far / reached) ** 2))
        colour = _between(night, tone + chance.normal(0, 0.13, count))
        glow = np.where(shines[nearest], np.exp(-((far / reached) ** 2)), 0)
        lit = glow + chance.normal(0, 0.07, count)
        colour[lit > 0.16] = (150, 182, 150)
        colour[lit > 0.28] = (246, 206, 66)
        colour[lit > 0.62] = (250, 168, 40)
        colour[lit > 0.84] = (255, 244, 186)
        colour[chance.random(count) < 0.02] = (210, 178, 96)
        length = np.minimum(long, 1.2 * far + 0.008)[:, None]  # short ones close the eye of a whirl
        path = [place - wind(place) * length / 2]
        for _ in range(5):
            path.append(path[-1] + wind(path[-1]) * length / 5)
        paths = np.stack(path, 1)  # [n, 6, 2]
        colour = colour + chance.normal(0, 9, (count, 1)) + chance.normal(0, 6, (count, 3))
        light = np.clip(colour + 30, 0, 255).astype(int)
        colour = np.clip(colour, 0, 255).astype(int)
        widths = thick * chance.uniform(0.6, 1.2, count)
        strokes = zip(paths, colour.tolist(), light.tolist(), widths, strict=True)
        for points, c, edge, width in strokes:
            canvas.line(points, c, width)
            canvas.line(points - [0, 0.32 * width], edge, width / 5)  # the ridge of thick paint


def _carpet(canvas: _Canvas, chance: np.random.Generator) -> None:
    """Rangoli side by side, large and small, of petals that overlap ring by ring."""
    cream, gold = (252, 243, 222), (243, 194, 52)
    bright = [
        (228, 88, 40),
        (20, 122, 134),
        (210, 40, 92),
        (42, 66, 146),
        (86, 150, 62),
        (250, 240, 220),
        gold,
    ]
    step = 1 / 3
    half = np.sin(np.linspace(0, math.pi, 15)) ** 0.75
    along = np.linspace(0, 1, 15)
    petal = np.concatenate([np.stack([along, half], 1), np.stack([along, -half], 1)[::-1]])

    def flower(x: float, y: float, radius: float) -> None:
        arms = int(chance.choice([8, 10, 12]))
        order = chance.permutation(len(bright))
        rings = 5 if radius > 0.12 else 4
        for ring in range(rings):
            r = radius * (1 - ring / rings)
            n = 2 * arms if ring == 0 else arms
            wide = 1.05 * r * math.sin(math.pi / n)
            colour, spot = bright[order[ring % 7]], bright[order[(ring + 3) % 7]]
            for k in range(n):
                turn = 2 * math.pi * (k + ring % 2 / 2) / n
                c, s = math.cos(turn), math.sin(turn)
                outline = petal * [0.75 * r, wide] + [0.25 * r, 0]
                turned = outline @ np.array([[c, s], [-s, c]]) + [x, y]
                canvas.polygon(turned, colour, cream, 0.0035)
                canvas.dot(x + 0.8 * r * c, y + 0.8 * r * s, 0.3 * wide, spot)
        canvas.dot(x, y, 0.16 * radius, cream)
        canvas.dot(x, y, 0.12 * radius, gold)

    canvas.fill(np.array((118, 18, 46)))
    columns, rows = math.ceil(canvas.width / step) + 1, math.ceil(canvas.height / step) + 1
    places = [(i * step, j * step) for j in range(rows) for i in range(columns)]
    for x, y in places:  # a garland of dots about each large flower
        for turn in np.arange(28) * 2 * math.pi / 28:
            middle = np.array([x, y]) + step / 2
            canvas.dot(*(middle + 0.175 * np.array([math.cos(turn), math.sin(turn)])), 0.006, cream)
    for x, y in places:
        flower(x, y, 0.098)
    for x, y in places:
        flower(x + step / 2, y + step / 2, 0.155)


def _warli_wall(canvas: _Canvas, chance: np.random.Generator) -> None:
    """Rows of people, huts, trees, cattle and suns in rice paste on a mud wall."""
    x, y = canvas.pixels()
    plaster = _Hills(canvas, 7, chance)(*np.broadcast_arrays(x, y))[..., None]
    canvas.fill(np.array((118, 54, 30)) + 36 * (plaster - 0.5))
    rice, thin = (246, 236, 216), 0.0055

    def person(x: float, y: float, h: float) -> None:
        side = chance.choice([-1, 1])
        chest, waist, hip = y - 0.66 * h, y - 0.45 * h, y - 0.25 * h
        w = 0.17 * h
        canvas.polygon([(x - w, chest), (x + w, chest), (x, waist)], rice)
        canvas.polygon([(x - 0.9 * w, hip), (x + 0.9 * w, hip), (x, waist)], rice)
        canvas.line([(x, chest), (x, y - 0.76 * h)], rice, thin)
        canvas.dot(x + 0.02 * h * side, y - 0.82 * h, 0.085 * h, rice)
        canvas.dot(x - 0.1 * h * side, y - 0.86 * h, 0.035 * h, rice)  # a bun
        for s in (-1, 1):
            lift = chance.uniform(-0.22, 0.24) * h
            hand = (x + s * 2.3 * w, chest - 0.02 * h - lift)
            canvas.line([(x + s * w, chest), (x + s * 1.9 * w, chest + 0.1 * h), hand], rice, thin)
            foot = (x + s * 0.8 * w + 0.06 * h * side, y)
            knee = (x + s * 0.9 * w - 0.05 * h * side, y - 0.12 * h)
            toe = (foot[0] + 0.05 * h * side, y)
            canvas.line([(x + s * 0.45 * w, hip), knee, foot, toe], rice, thin)

    def tree(x: float, y: float, h: float) -> None:
        canvas.line([(x, y), (x, y - h)], rice, thin)
        for up in np.linspace(0.22, 0.97, 9):
            for s in (-1, 1):
                start = np.array([x, y - h * up])
                branch = np.array([s, -0.75]) * h * 0.36 * (1.12 - up)
                canvas.line([start, start + branch], rice, thin)
                for part in (0.35, 0.6, 0.85, 1.0):
                    leaf = start + branch * part
                    for lean in ((0.1, -1.0), (1.0, 0.0)):
                        tip = leaf + np.array([s * lean[0], lean[1]]) * 0.05 * h
                        canvas.line([leaf, tip], rice, 0.7 * thin)

    def hut(x: float, y: float, h: float) -> None:
        w, wall, roof = 0.36 * h, y - 0.48 * h, y - 0.98 * h
        corners = np.array([(x - w, y), (x - w, wall), (x + w, wall), (x + w, y)])
        canvas.line(np.concatenate([corners, corners[:1]]), rice, thin)
        for part in np.linspace(0, 1, 8):  # walls of plaited reed, open at the door
            left, right = x - w + 2 * w * 0.36, x - w + 2 * w * 0.64
            up = y - 0.48 * h * part
            canvas.line([(x - w, up), (left, up)], rice, 0.7 * thin)
            canvas.line([(right, up), (x + w, up)], rice, 0.7 * thin)
        canvas.line([(left, y), (left, wall)], rice, thin)
        canvas.line([(right, y), (right, wall)], rice, thin)
        for part in np.linspace(-1, 1, 15):
            canvas.line([(x + 0.5 * h * part, wall + 0.03 * h), (x, roof)], rice, 0.8 * thin)
        canvas.line([(x - 0.5 * h, wall + 0.03 * h), (x + 0.5 * h, wall + 0.03 * h)], rice, thin)

    def cow(x: float, y: float, h: float) -> None:
        s = chance.choice([-1, 1])
        back, belly = y - 0.62 * h, y - 0.3 * h
        middle = (x, (back + belly) / 2 + 0.02 * h)
        canvas.polygon([(x - 0.4 * h, back), (x - 0.4 * h, belly), middle], rice)
        canvas.polygon([(x + 0.4 * h, back), (x + 0.4 * h, belly), middle], rice)
        canvas.polygon([(x - 0.4 * h, back), (x + 0.4 * h, back), middle], rice)
        head = np.array([x + s * 0.46 * h, back - 0.04 * h])
        neck = np.array([(-0.1, 0.02), (-0.06, 0.12), (0.06, 0.04)]) * [s * h, h]
        canvas.polygon(head + neck, rice)
        face = np.array([(-0.02, -0.05), (0.12, -0.04), (0.13, 0.2)]) * [s * h, h]
        canvas.polygon(head + face, rice)
        for side in (-1, 1):
            horn = np.array([(0, 0), (0.09 * side, -0.1), (0.05 * side, -0.22)]) * h
            root = np.array([s * 0.05 * h, -0.04 * h])
            canvas.line(head + root + horn, rice, thin)
        for leg in (-0.36, -0.24, 0.24, 0.36):
            canvas.line([(x + leg * h, belly - 0.03 * h), (x + leg * h, y)], rice, 1.3 * thin)
        tail = np.array([(-0.4, -0.6), (-0.5, -0.45), (-0.48, -0.22)]) * [s * h, h]
        canvas.line(np.add(tail, (x, y)), rice, thin)

    def sun(x: float, y: float, h: float) -> None:
        y, r = y - 0.46 * h, 0.36 * h
        turn = np.linspace(0, 6 * math.pi, 110)
        spiral = np.stack([np.cos(turn), np.sin(turn)], 1) * (r * turn / turn[-1])[:, None]
        canvas.line(np.add(spiral, (x, y)), rice, thin)
        for k in range(20):
            ray = np.array([math.cos(math.pi * k / 10), math.sin(math.pi * k / 10)])
            canvas.line([[x, y] + 1.1 * r * ray, [x, y] + 1.28 * r * ray], rice, thin)

    step = 1 / 5
    figures = (person, person, tree, hut, cow, sun, person)
    columns, rows = math.ceil(canvas.width / step), math.ceil(canvas.height / step)
    for row in range(rows):
        ground = (row + 0.93) * step
        for column in range(columns):
            figure = figures[chance.integers(len(figures))]
            middle = (column + 0.5 + chance.uniform(-0.06, 0.06)) * step
            tall = 0.165 * chance.uniform(0.9, 1.05)
            if figure is person:
                for aside in (-0.25, 0.25):
                    person(middle + aside * step, ground, tall)
            else:
                figure(middle, ground, tall)
        teeth = np.arange(0, canvas.width + 0.02, 0.011)
        zigzag = (row + 0.965) * step + 0.012 * (np.arange(len(teeth)) % 2)
        canvas.line(np.stack([teeth, zigzag], 1), rice, 0.8 * thin)


def _impression(canvas: _Canvas, chance: np.random.Generator) -> None:
    """A garden in dabs of light: broad ones first, then smaller, along the edges of what is lit."""
    garden = np.array(
        [
            (46, 78, 70),
            (84, 124, 84),
            (146, 170, 112),
            (92, 118, 172),
            (160, 150, 196),
            (220, 172, 186),
            (240, 208, 150),
            (206, 96, 84),
            (66, 66, 116),
        ],
        float,
    )
    hills, ways = _Hills(canvas, 2.5, chance), _Hills(canvas, 3, chance)
    x, y = canvas.pixels()
    canvas.fill(_between(garden, hills(*np.broadcast_arrays(x, y))))
    for long, thick, density in ((0.06, 0.026, 1500), (0.042, 0.017, 3000), (0.026, 0.011, 5000)):
        count = round(density * canvas.area)
        place = chance.random((count, 2)) * [canvas.width, canvas.height]
        colour = _between(garden, hills(*place.T))
        colour = colour + 0.4 * (colour - colour.mean(1, keepdims=True))  # purer than mixed paint
        other = chance.random(count) < 0.13
        colour[other] = garden[chance.integers(len(garden), size=int(other.sum()))]
        colour[chance.random(count) < 0.05] = (248, 240, 216)
        colour = colour + chance.normal(0, 14, (count, 1)) + chance.normal(0, 9, (count, 3))
        colour = np.clip(colour, 0, 255).astype(int).tolist()
        turn = 2 * math.pi * ways(*place.T) + chance.normal(0, 0.3, count)
        length = long * chance.uniform(0.5, 1, count)
        reach = np.stack([np.cos(turn), np.sin(turn)], 1) * length[:, None] / 2
        bend = reach[:, ::-1] * [-1, 1] * chance.normal(0, 0.25, (count, 1))
        paths = np.stack([place - reach, place + bend, place + reach], 1)
        widths = thick * chance.uniform(0.6, 1.1, count)
        for points, c, width in zip(paths, colour, widths, strict=True):
            canvas.line(points, c, width)
            for end in (points[0], points[2]):
                canvas.dot(*end, width / 2, c)


def _ikat(canvas: _Canvas, chance: np.random.Generator) -> None:
    """Stepped diamonds; threads dyed before weaving never lie quite where they should."""
    cream = (238, 226, 200)
    blue, red, gold, green = (28, 44, 106), (176, 36, 44), (224, 160, 50), (22, 98, 92)
    x, y = canvas.pixels()
    width, height = canvas.image.size
    thread = 0.0035  # thickness
    strands = chance.normal(0, 1, math.ceil(canvas.width / thread) + 1)
    bundles = chance.normal(0, 1, math.ceil(canvas.width / thread / 4) + 1)
    which = (x[0] / thread).astype(int)
    y = y + 0.0045 * (strands[which] + bundles[which // 4])[None]
    wide, tall = 1 / 4, 1 / 4
    row = np.floor(y / tall)
    across = np.abs((x / wide + row % 2 / 2) % 1 - 0.5)
    up = np.abs(y / tall % 1 - 0.5)
    teeth = np.abs(7 * (across - up) % 1 - 0.5)
    far = across + up + 0.15 * (teeth - 0.3)  # 0 in the middle of a diamond, 0.5 at its edge
    colours = np.empty((height, width, 3), np.float32)
    colours[:] = cream
    odd = (row % 2).astype(bool)
    for radius, even, uneven in (
        (0.5, blue, blue),
        (0.41, cream, cream),
        (0.34, red, gold),
        (0.23, gold, green),
        (0.16, cream, cream),
        (0.12, green, blue),
    ):
        inside = far < radius
        colours[inside & ~odd], colours[inside & odd] = even, uneven
    weft = (chance.normal(0, 6, math.ceil(canvas.height / thread) + 1))[
        (canvas.pixels()[1][:, 0] / thread).astype(int)
    ]
    warp = 6 * strands[which]
    colours += (weft[:, None] + warp[None])[..., None]
    canvas.fill(colours)


def _mosaic_window(canvas: _Canvas, chance: np.random.Generator) -> None:
    """Panes of coloured glass in lead."""
    glass = np.array(
        [
            (196, 28, 40),
            (238, 166, 38),
            (28, 78, 160),
            (28, 128, 92),
            (116, 48, 130),
            (242, 232, 204),
            (80, 168, 204),
            (220, 100, 40),
        ],
        float,
    )
    cell = 1 / 19
    columns, rows = math.ceil(canvas.width / cell) + 6, math.ceil(canvas.height / cell) + 6
    grid = np.stack(np.meshgrid(np.arange(columns) + 0.0, np.arange(rows) + 0.0), -1)
    grid[..., 0] += 0.5 * (np.arange(rows) % 2)[:, None]
    seeds = (grid - 2.5 + chance.uniform(-0.36, 0.36, grid.shape)) * cell  # [rows, columns, 2]
    tone = _Hills(canvas, 3, chance)(seeds[..., 0].clip(0), seeds[..., 1].clip(0))
    kind = np.clip(8 * tone + chance.normal(0, 1.2, tone.shape), 0, 7.99).astype(int)
    pane = glass[kind] * chance.uniform(0.78, 1.2, (rows, columns, 1))
    pane += chance.normal(0, 10, pane.shape)

    x, y = np.broadcast_arrays(*canvas.pixels())
    place = np.stack([x, y], -1)
    j, i = (y / cell + 3).astype(int), (x / cell + 2.75).astype(int)
    near = np.full((2, *x.shape), np.inf, np.float32)
    owner = np.zeros((2, *x.shape), int)
    for down in (-1, 0, 1):
        for right in (-2, -1, 0, 1, 2):
            at = (np.clip(j + down, 0, rows - 1), np.clip(i + right, 0, columns - 1))
            far = ((seeds[at] - place) ** 2).sum(-1)
            index = at[0] * columns + at[1]
            first, second = far < near[0], (far >= near[0]) & (far < near[1])
            near[1] = np.where(first, near[0], np.where(second, far, near[1]))
            owner[1] = np.where(first, owner[0], np.where(second, index, owner[1]))
            near[0], owner[0] = np.where(first, far, near[0]), np.where(first, index, owner[0])
    flat = seeds.reshape(-1, 2)
    between = np.linalg.norm(flat[owner[0]] - flat[owner[1]], axis=-1) + 1e-6
    edge = (near[1] - near[0]) / (2 * between)  # how far it is to the next pane
    colours = pane.reshape(-1, 3)[owner[0]]
    sheen = ((place - flat[owner[0]]) @ np.array([0.6, 0.8]))[..., None]
    colours = colours * (0.98 - 2.5 * sheen) * np.clip(0.7 + edge[..., None] / 0.02, 0, 1)
    colours[edge < 0.0046] = (22, 20, 24)
    canvas.fill(colours)


_PAINTERS = {
    "swirl": _swirl,
    "carpet": _carpet,
    "warli": _warli_wall,
    "impression": _impression,
    "ikat": _ikat,
    "mosaic": _mosaic_window,
}
PAINTINGS = tuple(_PAINTERS)
