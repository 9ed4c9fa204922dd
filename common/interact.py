"""Controls that redraw a picture: sliders, lists, and the cells of a picture to click.

In a live notebook they are ipywidgets (7.7 or newer). Where nobody can move them (the stored
outputs, GitHub, the course's web site) the pictures of a few settings stand in their place.
"""

import base64
import html
import os
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from common import plots
from common.lang import t

if TYPE_CHECKING:
    from ipywidgets import HTML, Widget
    from matplotlib.figure import Figure

STATIC_WIDTH = 720  # pixels: more side by side cannot be read on a phone
CELL_WIDTH = 64  # pixels: wide enough for a finger, and for the tick of the chosen one


def interact(
    draw: Callable[..., "Figure"],
    *,
    alt: str,
    static: Sequence[Mapping[str, Any]],
    labels: Mapping[str, str] | None = None,
    **controls: Any,
) -> None:
    """Let the reader choose the arguments of `draw(**values) -> Figure` and see its picture.

    A control is (least, greatest, step) for a slider, or a list or {text: value} to choose from.
    `labels` gives each control its name for the reader. `static` holds the settings to show where
    there is no live notebook; the controls start at the first. `alt` says what the picture shows;
    the chosen values are added to it.

        interact(draw, temperature=(0.1, 4.0, 0.1), word=words, alt=t("…"),
                 static=[{"temperature": 1.0, "word": words[0]}, …])
    """
    labels = {name: (labels or {}).get(name, name) for name in controls}

    def describe(**values: Any) -> str:
        return ", ".join(
            f"{labels[name]}: {_word(control, values[name])}" for name, control in controls.items()
        )

    if not _live():
        _show_static(draw, static, describe, alt)
        return

    import ipywidgets
    from IPython.display import display

    widgets = [
        _widget(control, static[0][name], labels[name]) for name, control in controls.items()
    ]
    picture = ipywidgets.HTML()

    def redraw(_change: object = None) -> None:
        values = dict(zip(controls, (widget.value for widget in widgets), strict=True))
        _redraw(picture, draw, values, describe, alt)

    for widget in widgets:
        widget.observe(redraw, names="value")
    redraw()
    display(ipywidgets.VBox([*widgets, picture]))


def pick_cell(
    draw: Callable[[int, int], "Figure"],
    image: Any,
    *,
    rows: int,
    columns: int,
    alt: str,
    static: Sequence[tuple[int, int]],
    zoom: int = 2,
) -> None:
    """Let the reader click a cell of `image` and see the picture of `draw(row, column)`.

    image: [C, H, W], floats in 0…1 or uint8, shown cut into rows × columns tiles with a button
    under each. `static` and `alt` as in `interact`, but a setting is a pair (row, column) from 0.
    """
    settings = [{"row": row, "column": column} for row, column in static]

    def describe(row: int, column: int) -> str:
        return t("row {row}, column {column}", row=row + 1, column=column + 1)

    if not _live():
        _show_static(draw, settings, describe, alt)
        return

    import ipywidgets
    from IPython.display import display

    picture = ipywidgets.HTML()
    buttons: dict[tuple[int, int], ipywidgets.Button] = {}

    def pick(row: int, column: int) -> None:
        for cell, button in buttons.items():
            chosen = cell == (row, column)
            button.button_style = "primary" if chosen else ""
            button.description = f"{'✔ ' * chosen}{cell[0] + 1}, {cell[1] + 1}"
        _redraw(picture, draw, {"row": row, "column": column}, describe, alt)

    boxes = []
    pixels = np.kron(plots.as_bytes([image])[0], np.ones((zoom, zoom, 1), np.uint8))
    for row, strip in enumerate(np.array_split(pixels, rows, axis=0)):
        for column, tile in enumerate(np.array_split(strip, columns, axis=1)):
            button = ipywidgets.Button(
                tooltip=describe(row, column),
                layout=ipywidgets.Layout(width="auto", min_width=f"{CELL_WIDTH}px"),
            )
            button.on_click(lambda _button, row=row, column=column: pick(row, column))
            buttons[row, column] = button
            look = ipywidgets.HTML(_img(Image.fromarray(tile), describe(row, column)))
            boxes.append(ipywidgets.VBox([look, button]))
    pick(*static[0])
    layout = ipywidgets.Layout(grid_template_columns=f"repeat({columns}, max-content)")
    display(ipywidgets.VBox([ipywidgets.GridBox(boxes, layout=layout), picture]))


def _live() -> bool:
    """Whether there is a reader who can move controls: a notebook kernel that has ipywidgets."""
    from IPython import get_ipython

    if os.environ.get("COURSE_STATIC") == "1" or find_spec("ipywidgets") is None:
        return False
    return hasattr(get_ipython(), "kernel")


def _show_static(
    draw: Callable[..., "Figure"],
    settings: Sequence[Mapping[str, Any]],
    describe: Callable[..., str],
    alt: str,
) -> None:
    """Show the pictures of all `settings` as one, each under its setting."""
    pictures = [np.asarray(plots.picture(draw(**values))) for values in settings]
    titles = [describe(**values) for values in settings]
    columns = max(1, STATIC_WIDTH // max(picture.shape[1] for picture in pictures))
    together = plots.grid(pictures, titles, columns, fontsize=11)
    plots.publish(together, alt=f"{alt} ({'; '.join(titles)})")


def _redraw(
    picture: "HTML",
    draw: Callable[..., "Figure"],
    values: Mapping[str, Any],
    describe: Callable[..., str],
    alt: str,
) -> None:
    """Replace `picture` by what `draw` makes of `values`, or by what went wrong."""
    try:
        image = plots.picture(draw(**values))
        picture.value = _img(image, f"{alt} ({describe(**values)})")
    except Exception as error:  # of the reader's own code: the controls must stay usable
        import matplotlib.pyplot as plt

        plt.close("all")  # else the half-drawn figure appears under the next cell
        message = t("This cannot be drawn: {error}", error=f"{type(error).__name__}: {error}")
        picture.value = f'<p role="alert">{html.escape(message)}</p>'


def _img(image: Image.Image, alt: str) -> str:
    """An HTML element that holds `image`."""
    mime, data = plots.encode(image)
    source = f"data:{mime};base64,{base64.b64encode(data).decode()}"
    return f'<img alt="{html.escape(alt)}" src="{source}" style="max-width:100%">'


def _widget(control: Any, value: Any, label: str) -> "Widget":
    """The ipywidget of one control, at `value`."""
    import ipywidgets

    common = {
        "value": value,
        "description": label,
        "style": {"description_width": "initial"},
        "layout": ipywidgets.Layout(width="100%", max_width="480px"),
    }
    if not isinstance(control, tuple):
        return ipywidgets.Dropdown(options=list(_options(control).items()), **common)
    least, greatest, step = control
    whole = all(isinstance(number, int) for number in control)
    slider = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
    # Redraw when the slider is let go: a picture takes longer than a step of the mouse
    return slider(min=least, max=greatest, step=step, continuous_update=False, **common)


def _options(control: Any) -> dict[str, Any]:
    """The choices of a list or a dict as {text for the reader: value}."""
    return control if isinstance(control, Mapping) else {str(value): value for value in control}


def _word(control: Any, value: Any) -> str:
    """A control's `value` as the reader sees it."""
    if isinstance(control, tuple):
        return f"{value:g}"
    return next((text for text, one in _options(control).items() if one == value), str(value))
