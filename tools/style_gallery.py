"""The gallery of lesson 04: three photographs, each painted in six styles, as one JPEG.

python -m tools.style_gallery [--size 256] [--out lessons/04-style/gallery.jpg]
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from common.art import PAINTINGS, painting
from common.data import photograph, to_uint8
from common.features import load_features
from common.style import stylise
from tools.lessons import ROOT

PHOTOGRAPHS = ("china", "chelsea", "coffee")
BYTES = 400_000
GAP = 4


def paint_gallery(
    photographs: tuple[str, ...] = PHOTOGRAPHS, size: int = 256, steps: int = 40
) -> list[list[Tensor]]:
    """Rows of pictures [3, size, size]: nothing and the styles; a photograph and its paintings."""
    net = load_features()
    styles = torch.stack([painting(name, size) for name in PAINTINGS])
    rows = [[torch.ones(3, size, size), *styles]]
    for name in photographs:
        photo = photograph(name, size)
        contents = photo.expand(len(styles), -1, -1, -1)
        painted = stylise(contents, styles, net, steps=steps, sizes=(size // 2, size)).image
        rows.append([photo, *painted])
    return rows


def sheet(rows: list[list[Tensor]]) -> Image.Image:
    """Pictures of one size, [3, S, S] in 0…1, in rows on white, a thin gap between them."""
    lines = [torch.cat([F.pad(p, (0, GAP, 0, GAP), value=1.0) for p in row], 2) for row in rows]
    whole = to_uint8(torch.cat(lines, 1)[:, :-GAP, :-GAP])
    return Image.fromarray(whole.permute(1, 2, 0).numpy())


def jpeg(image: Image.Image, most: int = BYTES) -> bytes:
    """The best JPEG of at most so many bytes; ValueError if there is none."""
    for quality in range(90, 20, -5):
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality, optimize=True, progressive=True)
        if file.tell() <= most:
            return file.getvalue()
    raise ValueError(f"no JPEG of {image.width} × {image.height} in {most} bytes")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256, help="of each picture")
    parser.add_argument("--out", type=Path, default=ROOT / "lessons/04-style/gallery.jpg")
    options = parser.parse_args(arguments)
    data = jpeg(sheet(paint_gallery(size=options.size)))
    options.out.write_bytes(data)
    print(f"{options.out.name}: {len(data):,} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
