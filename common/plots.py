"""Figures and tables in the course's house style: readable on a phone, in either script.

A figure is stored as a small palette PNG at the size at which it is shown, always with an
alternative text. matplotlib is imported inside the functions, because `common.fonts` may put a
newer one in its place after this module was imported.
"""

import base64
import html
import io
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from common import fonts
from common.lang import language, t

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

# Okabe and Ito's colours, told apart by colour-blind readers too: blue, orange, green, vermilion,
# purple, sky blue, yellow, black.
COLOURS = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#F0E442",
    "#000000",
)
DPI = 100
GAP = 8  # pixels between the pictures of a grid
NUMBERED_CELLS = 100  # a heat map with more cells than this shows colours only


def style() -> None:
    """Set matplotlib to the house style and to fonts that have both scripts."""
    import matplotlib
    from cycler import cycler

    matplotlib.rcParams.update(
        {
            "font.family": fonts.register(),
            "font.size": 11,
            "axes.titlesize": 12,
            "axes.prop_cycle": cycler(color=COLOURS),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.figsize": (6.4, 3.6),
            "figure.dpi": DPI,
            "figure.constrained_layout.use": True,
            "image.interpolation": "nearest",
            "legend.frameon": False,
            "lines.linewidth": 2,
        }
    )


def show(fig: "Figure", *, alt: str, photographs: bool = False) -> None:
    """Show `fig` with the alternative text `alt`, and close it.

    It becomes a palette PNG, or a JPEG if it holds `photographs`. ValueError if `alt` is empty, or
    if a label mixes Devanagari with `$…$`, which matplotlib cannot shape.
    """
    publish(picture(fig), alt=alt, photographs=photographs)


def picture(fig: "Figure") -> Image.Image:
    """`fig` drawn as an RGB image; closes it."""
    import matplotlib.pyplot as plt
    from matplotlib.text import Text

    for text in fig.findobj(Text):
        if "$" in text.get_text() and re.search("[ऀ-ॿ]", text.get_text()):
            raise ValueError(t("No $ in a Hindi label: {label}", label=text.get_text()))
    file = io.BytesIO()
    fig.savefig(file, format="png", dpi=DPI, bbox_inches="tight", facecolor="white")
    plt.close(fig)
    return Image.open(file).convert("RGB")


def publish(image: Image.Image, *, alt: str, photographs: bool = False, colours: int = 256) -> None:
    """Show an RGB `image` in the notebook at its own size, with its alternative text."""
    if not alt.strip():
        raise ValueError(t("Every picture needs an alternative text: alt=…"))
    mime, data = encode(image, photographs, colours)
    _display({mime: base64.b64encode(data).decode(), "text/plain": alt}, {mime: {"alt": alt}})


def _display(bundle: dict[str, str], metadata: dict[str, Any] | None = None) -> None:
    """Show a MIME bundle in a notebook; print its plain text in an ordinary Python program."""
    from IPython import get_ipython
    from IPython.display import display

    if get_ipython() is None:
        print(bundle["text/plain"])
    else:
        display(bundle, metadata=metadata, raw=True)


def encode(image: Image.Image, photographs: bool = False, colours: int = 256) -> tuple[str, bytes]:
    """An RGB `image` as (MIME type, bytes): PNG of at most so many colours, or JPEG."""
    file = io.BytesIO()
    if photographs:
        image.save(file, "JPEG", quality=85, optimize=True)
        return "image/jpeg", file.getvalue()
    # Few colours have to be chosen well: k-means, else greens turn olive
    means = 3 if colours < 256 else 0
    palette = image.quantize(colours, dither=Image.Dither.NONE, kmeans=means)
    palette.save(file, "PNG", optimize=True)
    return "image/png", file.getvalue()


def show_images(
    images: Any,
    *,
    alt: str,
    titles: Sequence[str] | None = None,
    columns: int = 8,
    zoom: int = 4,
    photographs: bool = False,
    colours: int = 256,
) -> None:
    """Show `images` in a grid, every pixel as a block of `zoom` × `zoom`, without smoothing.

    `images`: a tensor or array [N, C, H, W], or a list of [C, H, W], with 1 or 3 channels; floats
    in 0…1 or uint8. `titles` stand above their images, wrapped to the width of one. Noisy
    pictures take half the bytes with 16 or 32 `colours`. ValueError for another shape, for floats
    that look like −1…1, or for a wrong number of titles.
    """
    blocks = [np.kron(image, np.ones((zoom, zoom, 1), np.uint8)) for image in as_bytes(images)]
    image = grid(blocks, titles, columns)
    publish(image, alt=alt, photographs=photographs, colours=colours)


def _array(values: Any) -> np.ndarray:
    """A tensor (on any device, with a gradient or without), or an array or a list, as numpy's."""
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)


def as_bytes(images: Any) -> np.ndarray:
    """`images`, in any form that `show_images` takes, as uint8 [N, H, W, 3]."""
    stack = np.stack([_array(image) for image in images])
    if stack.ndim != 4 or stack.shape[1] not in (1, 3):
        raise ValueError(
            t("Images must have the shape [N, 1 or 3, H, W], not {shape}", shape=list(stack.shape))
        )
    if stack.dtype != np.uint8:
        stack = np.nan_to_num(stack.astype(np.float32))
        if stack.min() < -0.5:
            raise ValueError(
                t("These images look like −1…1, but 0…1 is needed: show (images + 1) / 2")
            )
        stack = (stack.clip(0, 1) * 255).round().astype(np.uint8)
    stack = stack.transpose(0, 2, 3, 1)
    return np.broadcast_to(stack, (*stack.shape[:3], 3))


def grid(
    pictures: Sequence[np.ndarray],
    titles: Sequence[str] | None = None,
    columns: int = 8,
    fontsize: float = 9,
) -> Image.Image:
    """One image of several uint8 [H, W, 3] `pictures`, pixel for pixel, with titles above them."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if titles is not None and len(titles) != len(pictures):
        raise ValueError(
            t("{titles} titles for {images} images", titles=len(titles), images=len(pictures))
        )
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (0, 1))

    # Titles first, on a canvas of any height: how many lines each needs decides the rows' heights
    fig = Figure(dpi=DPI)
    renderer = FigureCanvasAgg(fig).get_renderer()
    texts = [
        fig.text(0, 0, title, fontsize=fontsize, ha="center", va="bottom") for title in titles or []
    ]
    for text in texts:
        _wrap(text, width, renderer)
    boxes = [text.get_window_extent(renderer) for text in texts]
    width = max([width, *(int(box.width) for box in boxes)])  # a long word cannot be wrapped
    tall = [int(box.height) + 5 for box in boxes]
    heads = [max(tall[row * columns : (row + 1) * columns], default=0) for row in range(rows)]

    full = (columns * (width + GAP) + GAP, sum(heads) + rows * (height + GAP) + GAP)
    fig.set_layout_engine("none")
    fig.set_size_inches(*((side + 0.5) / DPI for side in full))  # rounds down to whole pixels
    places = []
    for number in range(len(pictures)):
        row, column = divmod(number, columns)
        left = GAP + column * (width + GAP)
        top = GAP + sum(heads[: row + 1]) + row * (height + GAP)
        places.append((left + (width - pictures[number].shape[1]) // 2, top))
        if texts:
            texts[number].set_position(((left + width / 2) / full[0], 1 - (top - 3) / full[1]))
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    for (left, top), image in zip(places, pictures, strict=True):
        pixels[top : top + image.shape[0], left : left + image.shape[1]] = image
    return Image.fromarray(pixels)


def _wrap(text: Any, width: int, renderer: Any) -> None:
    """Break a matplotlib text at its spaces so that it is at most `width` pixels wide."""
    lines: list[str] = []
    for word in text.get_text().split():
        longer = f"{lines[-1]} {word}" if lines else word
        text.set_text(longer)
        if lines and text.get_window_extent(renderer).width <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    text.set_text("\n".join(lines))


def heatmap(
    ax: "Axes",
    matrix: Any,
    *,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    title: str = "",
    digits: int = 2,
    **options: Any,
) -> "AxesImage":
    """Draw a labelled `matrix` [rows, columns] on `ax`, with its numbers when it is small.

    −∞ is written as such, on white. `options` go to `ax.imshow`: vmin, vmax, cmap.
    """
    values = _array(matrix).astype(float)
    image = ax.imshow(np.ma.masked_invalid(values), **{"cmap": "Blues", **options})
    ax.set_title(title)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    slant = {"rotation": 35, "ha": "right"} if sum(map(len, columns)) > 40 else {}
    ax.set_xticks(range(len(columns)), columns, **slant)
    ax.set_yticks(range(len(rows)), rows)
    if values.size <= NUMBERED_CELLS:
        for (row, column), value in np.ndenumerate(values):
            word = f"{value:.{digits}f}" if np.isfinite(value) else ("−∞" if value < 0 else "–")
            dark = np.isfinite(value) and np.dot(image.to_rgba(value)[:3], (0.3, 0.59, 0.11)) < 0.5
            ax.text(column, row, word, ha="center", va="center", color="white" if dark else "black")
    return image


def table(rows: Iterable[Sequence[object]], columns: Sequence[str], caption: str) -> None:
    """Show a small table whose first column names its rows.

    Numbers (also those of tensors and numpy) are rounded for reading and stand to the right.
    ValueError if a row has not as many cells as there are `columns`.
    """
    rows = [[_plain(cell) for cell in row] for row in rows]
    for cells in map(len, rows):
        if cells != len(columns):
            raise ValueError(
                t("A row of {row} cells for {columns} columns", row=cells, columns=len(columns))
            )
    lines = [list(columns), *([_text(cell) for cell in row] for row in rows)]
    numbers = [any(map(_is_number, column)) for column in zip(columns, *rows, strict=True)]

    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    plain = [caption]
    for line in lines:
        cells = zip(line, widths, numbers, strict=True)
        plain.append("  ".join(f"{c:>{w}}" if right else f"{c:<{w}}" for c, w, right in cells))

    def row_html(line: list[str], first: str, rest: str) -> str:
        cells = []
        for i, (text, right) in enumerate(zip(line, numbers, strict=True)):
            tag, side = rest if i else first, "right" if right else "left"
            cells.append(f'<{tag} style="text-align:{side}">{html.escape(text)}</{tag[:2]}>')
        return f"<tr>{''.join(cells)}</tr>"

    column, row = 'th scope="col"', 'th scope="row"'
    page = (
        f'<table lang="{language()}"><caption>{html.escape(caption)}</caption>'
        f"<thead>{row_html(lines[0], column, column)}</thead>"
        f"<tbody>{''.join(row_html(line, row, 'td') for line in lines[1:])}</tbody></table>"
    )
    _display({"text/html": page, "text/plain": "\n".join(map(str.rstrip, plain))})


def _plain(value: object) -> object:
    """A tensor's or numpy's single number as Python's; anything else as it is."""
    return value.item() if hasattr(value, "item") else value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: object) -> str:
    """A table's cell as text: three decimals, fewer for large numbers, more for tiny ones."""
    if isinstance(value, bool):
        return t("yes") if value else t("no")
    if isinstance(value, float):
        if 0 < abs(value) < 0.001:
            return f"{value:.1e}"
        return f"{value:,.{0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 3}f}"
    return f"{value:,}" if isinstance(value, int) else "–" if value is None else str(value)
