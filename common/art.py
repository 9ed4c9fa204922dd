"""Three ways to draw a rangoli that the base model of lesson 03 never sees: lesson 05 teaches them.

Each is a style of `common.rangoli.render`: from the layers of a motif to its picture.

    images, factors = rangoli(16, seed=11, style=warli)

No model of lesson 03 may be trained on them (`common/patterns.py` draws what its autoencoder
learns from), so that "what the base cannot draw" stays true.
"""

import torch
from torch import Tensor

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
