"""Figures and tables: Devanagari is shaped, alternative texts are there, pixels are exact."""

import base64
import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from common import fonts, plots
from common.lang import use_language

RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture(autouse=True)
def house_style():
    plots.style()
    yield
    use_language("en")
    plt.close("all")


@pytest.fixture
def shown(monkeypatch):
    """What would be displayed in a notebook: a list of (bundle, metadata)."""
    bundles = []
    monkeypatch.setattr(plots, "_display", lambda b, m=None: bundles.append((b, m)))
    return bundles


def image(bundle: dict[str, str], mime: str = "image/png") -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(bundle[mime])))


# --- Devanagari -----------------------------------------------------------------------------------


needs_shaping = pytest.mark.skipif(bool(fonts._missing()), reason="matplotlib is too old")


def drawn(word: str) -> np.ndarray:
    """`word` as plots draws it, cut to its ink; True = ink."""
    fig = plt.figure(figsize=(8, 3))
    fig.text(0.5, 0.5, word, fontsize=60, ha="center", va="center")
    return cut(plots.picture(fig))


def letter_by_letter(word: str) -> np.ndarray:
    """`word` unshaped, as an old matplotlib draws it; the same font, size and cut."""
    size = round(60 * plots.DPI / 72)
    font = ImageFont.truetype(str(fonts._font()), size, layout_engine=ImageFont.Layout.BASIC)
    canvas = Image.new("RGB", (1200, 300), "white")
    ImageDraw.Draw(canvas).text((100, 100), word, fill="black", font=font)
    return cut(canvas)


def cut(picture: Image.Image) -> np.ndarray:
    ink = np.asarray(picture.convert("L")) < 128
    rows, columns = ink.any(1).nonzero()[0], ink.any(0).nonzero()[0]
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


@needs_shaping
@pytest.mark.parametrize("word", ["क्षेत्र", "ज्ञान", "प्रॉम्प्ट", "दृष्टि"])
def test_conjuncts_are_narrower_than_their_letters(word):
    assert drawn(word).shape[1] < 0.9 * letter_by_letter(word).shape[1]


def stroke_widths(ink: np.ndarray) -> list[int]:
    """The widths of the separate strokes below the head line, from left to right."""
    columns = np.pad(ink[ink.shape[0] // 2 :].any(0).astype(int), 1)
    starts, ends = (np.diff(columns) == 1).nonzero()[0], (np.diff(columns) == -1).nonzero()[0]
    return (ends - starts).tolist()


@needs_shaping
@pytest.mark.parametrize("word", ["हि", "हानि", "दृष्टि"])
def test_short_i_stands_left_of_its_consonant(word):
    """ि is typed last, and its stem is a thin stroke: it must not be drawn last."""
    stem = stroke_widths(letter_by_letter("ि"))[-1]
    assert stroke_widths(letter_by_letter(word))[-1] == stem, "this test can tell them apart"
    assert stroke_widths(drawn(word))[-1] > 2 * stem


def test_both_scripts_and_signs_in_one_label():
    """No sign is missing: each draws something other than the box for an unknown one."""
    with pytest.warns(match="missing"):
        box = drawn("\ue000")
    for sign in "क→√ŷ²≤≥·–−∞ᵀ":
        ink = drawn(sign)
        assert ink.shape != box.shape or (ink != box).any(), sign


# --- figures --------------------------------------------------------------------------------------


def line() -> Figure:
    fig, ax = plt.subplots()
    ax.plot([1, 3, 2])
    ax.set_title("loss")
    return fig


def test_a_figure_is_a_palette_png_with_its_alternative_text(shown):
    fig = line()
    plots.show(fig, alt="a line that rises & falls")
    ((bundle, metadata),) = shown
    assert metadata == {"image/png": {"alt": "a line that rises & falls"}}
    assert bundle["text/plain"] == "a line that rises & falls"
    picture = image(bundle)
    assert picture.mode == "P"
    assert abs(picture.width - 640) < 30 and len(bundle["image/png"]) < 30_000
    assert not plt.fignum_exists(fig.number), "an open figure would be shown a second time"


@pytest.mark.parametrize("alt", ["", "  \n"])
def test_a_figure_needs_an_alternative_text(shown, alt):
    with pytest.raises(ValueError, match="alternative text"):
        plots.show(line(), alt=alt)
    assert shown == []


def test_mathtext_in_a_hindi_label_is_refused(shown):
    fig = line()
    fig.suptitle("हानि $L = 1$")
    with pytest.raises(ValueError, match="No \\$"):
        plots.show(fig, alt="…")


def test_photographs_are_jpeg(shown):
    noise = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    plots.show_images(noise, alt="noise", photographs=True)
    ((bundle, metadata),) = shown
    assert metadata == {"image/jpeg": {"alt": "noise"}}
    assert image(bundle, "image/jpeg").format == "JPEG"


def test_few_colours_stay_what_they_are():
    colours = torch.randint(256, (10, 20, 3), generator=torch.Generator().manual_seed(0))
    picture = Image.fromarray(colours.to(torch.uint8).numpy())  # 200 colours
    back = Image.open(io.BytesIO(plots.encode(picture)[1])).convert("RGB")
    assert (np.asarray(back) == np.asarray(picture)).all()


# --- images ---------------------------------------------------------------------------------------


def test_zoom_is_exact_for_every_pixel(shown):
    images = torch.rand(3, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    plots.show_images(images, alt="noise", columns=2, zoom=3)
    pixels = np.asarray(image(shown[0][0]).convert("RGB"))
    width, height, gap = 21, 15, plots.GAP
    assert pixels.shape == (3 * gap + 2 * height, 3 * gap + 2 * width, 3)
    for number, source in enumerate((images * 255).round().byte().numpy().transpose(0, 2, 3, 1)):
        top, left = gap + number // 2 * (height + gap), gap + number % 2 * (width + gap)
        block = pixels[top : top + height, left : left + width]
        assert (block == np.kron(source, np.ones((3, 3, 1), np.uint8))).all()


def test_many_colours_still_make_blocks_of_one_colour(shown):
    images = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    plots.show_images(images, alt="noise", zoom=4)
    pixels = np.asarray(image(shown[0][0]).convert("RGB"))
    tile = pixels[plots.GAP : plots.GAP + 64, plots.GAP : plots.GAP + 64].reshape(16, 4, 16, 4, 3)
    assert (tile == tile[:, :1, :, :1]).all()
    difference = tile[:, 0, :, 0] - (images[0].numpy().transpose(1, 2, 0) * 255)
    assert np.abs(difference).mean() < 20, "256 colours for 1024 random ones"


@pytest.mark.parametrize("side", [13, 41, 97, 185])
def test_no_size_loses_a_pixel(side):
    """For these, inches times dots an inch is a hair too small, and matplotlib 3.10 floors it."""
    picture = plots.grid([np.zeros((side, side, 3), np.uint8)])
    assert picture.size == (side + 2 * plots.GAP,) * 2


def test_grey_uint8_lists_and_gradients(shown):
    grey = torch.full((2, 1, 4, 4), 128, dtype=torch.uint8)
    learnt = torch.zeros(3, 4, 4, requires_grad=True)
    plots.show_images(grey, alt="grey", zoom=1)
    plots.show_images([learnt, np.ones((3, 4, 4))], alt="black, white", zoom=1)
    for (bundle, _), colours in zip(shown, [{(128,) * 3}, {(0,) * 3, (255,) * 3}], strict=True):
        pixels = np.asarray(image(bundle).convert("RGB"))
        assert colours <= {tuple(pixel) for pixel in pixels.reshape(-1, 3).tolist()}


@pytest.mark.parametrize("title", ["a red sun on a blue sky", "नीले आकाश पर लाल सूरज"])
def test_titles_stand_above_and_leave_the_pixels_alone(shown, title):
    images = torch.tensor([RED, BLUE], dtype=torch.uint8)[:, :, None, None].expand(2, 3, 16, 16)
    plots.show_images(images, alt="red, blue", titles=[title, title], zoom=4)
    pixels = np.asarray(image(shown[0][0]).convert("RGB"))
    assert pixels.shape[1] == 152, "wrapped to the width of its image"
    inside = pixels[-plots.GAP - 64 : -plots.GAP]
    assert (inside[:, 8:72] == RED).all() and (inside[:, 80:144] == BLUE).all()
    head = pixels[: -plots.GAP - 64].mean(2) < 128
    assert head.any(), "the titles"
    assert not head[:, [0, 75, 76, 151]].any(), "no title reaches into the next"


def test_a_word_wider_than_its_image_makes_room(shown):
    plots.show_images(torch.zeros(2, 1, 8, 8), alt="x", titles=["Hypernetworks"] * 2, zoom=4)
    pixels = np.asarray(image(shown[0][0]).convert("RGB"))
    ink = (pixels < 128).all(2)
    assert pixels.shape[1] > 3 * plots.GAP + 2 * 80
    assert not ink[:, pixels.shape[1] // 2].any(), "the two words do not touch"
    assert ink[-plots.GAP - 1].sum() == 64, "two pictures of 32 pixels"


def test_images_that_cannot_be_meant(shown):
    with pytest.raises(ValueError, match="−1…1"):
        plots.show_images(torch.full((1, 3, 4, 4), -1.0), alt="x")
    with pytest.raises(ValueError, match=r"\[1, 4, 4, 3\]"):
        plots.show_images(torch.zeros(1, 4, 4, 3), alt="x")
    with pytest.raises(ValueError, match="1 titles for 2 images"):
        plots.show_images(torch.zeros(2, 3, 4, 4), alt="x", titles=["a"])


# --- heat maps and tables -------------------------------------------------------------------------


def test_a_heat_map_has_its_numbers_and_labels():
    _, ax = plt.subplots()
    values = torch.tensor([[0.25, 0.75], [-torch.inf, 1.0]], requires_grad=True)
    plots.heatmap(ax, values, rows=["कमल", "b"], columns=["x", "y"], title="ध्यान-भार")
    written = {text.get_text(): text.get_color() for text in ax.texts}
    assert written == {"0.25": "black", "0.75": "white", "−∞": "black", "1.00": "white"}
    assert [label.get_text() for label in ax.get_yticklabels()] == ["कमल", "b"]
    assert ax.get_title() == "ध्यान-भार"


def test_a_large_heat_map_has_colours_only():
    _, ax = plt.subplots()
    plots.heatmap(ax, np.zeros((20, 20)))
    assert len(ax.texts) == 0


def test_a_table_is_escaped_and_names_its_rows_and_columns(shown):
    use_language("hi")
    rows = [["<soft>", torch.tensor(0.99812), 12345, True], ["mean", 2e-5, 1234.5, None]]
    plots.table(rows, columns=["method", "accuracy", "steps", "ok"], caption="A & B")
    ((bundle, _),) = shown
    page = bundle["text/html"]
    assert page.startswith('<table lang="hi"><caption>A &amp; B</caption>')
    assert page.count('<th scope="col"') == 4 and page.count('<th scope="row"') == 2
    assert "&lt;soft&gt;" in page and "<soft>" not in page
    for cell in "0.998", "12,345", "2.0e-05", "1,234":
        assert f'<td style="text-align:right">{cell}</td>' in page
    for cell in "हाँ", "–":
        assert f'<td style="text-align:left">{cell}</td>' in page
    lines = bundle["text/plain"].splitlines()
    assert lines[0] == "A & B" and lines[2].split() == ["<soft>", "0.998", "12,345", "हाँ"]
    assert lines[2].index("12,345") + 6 == lines[3].index("1,234") + 5, "numbers end together"


def test_an_empty_table_shows_its_columns(shown):
    plots.table([], columns=["a", "b"], caption="c")
    assert shown[0][0]["text/plain"] == "c\na  b"


def test_a_table_with_a_short_row_is_refused(shown):
    with pytest.raises(ValueError, match="A row of 1 cells for 2 columns"):
        plots.table([["x"]], columns=["a", "b"], caption="c")


def test_a_notebook_gets_the_bundle_as_it_is(monkeypatch):
    displayed = []
    monkeypatch.setattr("IPython.get_ipython", object)
    monkeypatch.setattr(
        "IPython.display.display", lambda bundle, **options: displayed.append((bundle, options))
    )
    plots.show(line(), alt="a line")
    ((bundle, options),) = displayed
    assert bundle.keys() == {"image/png", "text/plain"}
    assert options == {"metadata": {"image/png": {"alt": "a line"}}, "raw": True}


def test_a_plain_program_prints_what_it_cannot_show(capsys):
    plots.show(line(), alt="a line")
    plots.table([["x", 1]], columns=["a", "b"], caption="c")
    assert capsys.readouterr().out == "a line\nc\na  b\nx  1\n"
