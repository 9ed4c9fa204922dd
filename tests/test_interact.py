"""Controls redraw the picture; without a live notebook, chosen settings stand in their place."""

import re

import ipywidgets
import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.figure import Figure

import common.interact as module
from common import plots
from common.interact import interact, pick_cell
from common.lang import use_language

CONTROLS = {"temperature": (0.5, 4.0, 0.5), "n": (1, 9, 1), "word": {"कमल": "lotus", "x": "y"}}
STATIC = [
    {"temperature": 1.0, "n": 2, "word": "lotus"},
    {"temperature": 4.0, "n": 3, "word": "y"},
]
calls: list[dict] = []


def draw(**values: object) -> Figure:
    """A picture as tall as its number of calls, so that no two are the same."""
    calls.append(values)
    if values.get("temperature") == 2.5:
        plt.subplots()
        raise RuntimeError("<too warm>")
    return plt.figure(figsize=(3, 1 + 0.1 * len(calls)))


@pytest.fixture(autouse=True)
def clean():
    calls.clear()
    plt.close("all")
    yield
    use_language("en")


@pytest.fixture
def live(monkeypatch):
    """As in a notebook: the widgets that would be shown."""
    shown: list[ipywidgets.Widget] = []
    monkeypatch.setattr(module, "_live", lambda: True)
    monkeypatch.setattr("IPython.display.display", shown.append)
    return shown


@pytest.fixture
def published(monkeypatch):
    """Without one: the (picture, alternative text) that would be shown."""
    pictures = []
    monkeypatch.setenv("COURSE_STATIC", "1")
    monkeypatch.setattr(plots, "publish", lambda image, *, alt: pictures.append((image, alt)))
    return pictures


def alt(picture: ipywidgets.HTML) -> str:
    return re.search('alt="([^"]*)"', picture.value)[1]


def test_controls_start_at_the_first_setting_and_redraw(live):
    interact(draw, alt="bars", static=STATIC, labels={"temperature": "तापमान"}, **CONTROLS)
    temperature, n, word, picture = live[0].children
    assert isinstance(temperature, ipywidgets.FloatSlider) and temperature.description == "तापमान"
    assert isinstance(n, ipywidgets.IntSlider) and isinstance(word, ipywidgets.Dropdown)
    assert alt(picture) == "bars (तापमान: 1, n: 2, word: कमल)"
    assert calls == [STATIC[0]]

    before = picture.value
    temperature.value = 3.0
    assert picture.value != before and alt(picture) == "bars (तापमान: 3, n: 2, word: कमल)"
    word.value = "y"
    assert calls[-1] == {"temperature": 3.0, "n": 2, "word": "y"}
    assert picture.value.count("<img") == 1, "the picture is replaced, not added to"


def test_an_error_is_told_and_the_controls_live_on(live):
    use_language("hi")
    interact(draw, alt="bars", static=STATIC, **CONTROLS)
    temperature, *_, picture = live[0].children
    temperature.value = 2.5
    assert "यह चित्र नहीं बन पाया: RuntimeError: &lt;too warm&gt;" in picture.value
    assert not plt.get_fignums(), "the half-drawn figure does not appear later"
    temperature.value = 3.0
    assert "<img" in picture.value


def test_static_pictures_stand_side_by_side(published):
    interact(draw, alt="bars", static=STATIC, **CONTROLS)
    ((picture, text),) = published
    assert text == "bars (temperature: 1, n: 2, word: कमल; temperature: 4, n: 3, word: x)"
    assert calls == STATIC
    assert picture.width > 500, "two pictures of 300 pixels"


def test_static_errors_are_raised(published):
    with pytest.raises(RuntimeError, match="too warm"):
        interact(draw, alt="bars", static=[{**STATIC[0], "temperature": 2.5}], **CONTROLS)


def test_static_without_ipywidgets_or_kernel(monkeypatch):
    monkeypatch.delenv("COURSE_STATIC", raising=False)
    assert not module._live(), "pytest is no notebook"

    class Shell:
        kernel = None

    monkeypatch.setattr("IPython.get_ipython", Shell)
    assert module._live()
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert not module._live()
    monkeypatch.undo()
    monkeypatch.setattr("IPython.get_ipython", Shell)
    monkeypatch.setenv("COURSE_STATIC", "1")
    assert not module._live()


def draw_cell(row: int, column: int) -> Figure:
    return draw(row=row, column=column)


def test_a_click_on_a_cell_draws_it(live):
    pick_cell(
        draw_cell, torch.zeros(3, 8, 12), rows=2, columns=3, alt="heads", static=[(1, 1)], zoom=5
    )
    cells, picture = live[0].children
    assert len(cells.children) == 6
    assert alt(picture) == "heads (row 2, column 2)"
    tile, button = cells.children[2].children  # row 0, column 2
    assert alt(tile) == button.tooltip == "row 1, column 3"
    button.click()
    assert calls[-1] == {"row": 0, "column": 2}
    assert alt(picture) == "heads (row 1, column 3)"
    chosen = [b.children[1].description for b in cells.children if "✔" in b.children[1].description]
    assert chosen == ["✔ 1, 3"]


def test_cells_without_a_live_notebook(published):
    use_language("hi")
    picture = torch.zeros(3, 8, 8)
    pick_cell(draw_cell, picture, rows=2, columns=2, alt="हेड", static=[(0, 0), (1, 0)])
    assert published[0][1] == "हेड (पंक्ति 1, कॉलम 1; पंक्ति 2, कॉलम 1)"
    assert calls == [{"row": 0, "column": 0}, {"row": 1, "column": 0}]
