"""Compares the course's code with published recipes and libraries.

    python3 course.py bench             lists what can be compared
    python3 course.py bench gan         the GANs of lesson 02, at equal seconds and at equal steps
    python3 course.py bench vq          the quantiser of lesson 03 beside a library's, in time
    python3 course.py bench style       the painting of lesson 04 beside the usual loop, in time

--help after a name tells its options.

Results go to benchmarks/NAME.json, each as soon as it is there, and as a table to NAME.md. A run
of the same recipe, budget and seed takes the place of the earlier one, be it better or worse.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from common.art import painting
from common.data import digits, photograph
from common.features import Features, VggFeatures, load_features
from common.gan import (
    OURS,
    PUBLISHED,
    Discriminator,
    GanConfig,
    Generator,
    Trained,
    precision_recall,
    sample,
    train_gan,
)
from common.metrics import Judge, load_judge, modes, real_features, real_images
from common.rangoli import rangoli
from common.style import StyleObjective, stylise
from common.vqgan import Quantizer
from tools import clock

FOLDER = Path(__file__).parent.parent / "benchmarks"
CLASSES = {"rangoli": 64, "digits": 10}  # motif × colour, or the digit
FACTORS = (8, 8, 4, 3)  # motifs, colours, grounds and symmetries: 768 kinds of rangoli
COUNT = 2000  # pictures on each side of a measure
NEVER = 10**9  # steps
Row = dict[str, Any]


# ---------------------------------------------------------------------------- what is compared


class Wish(nn.Module):
    """Labels 0…767 [N] -> [N, size]: the sum of a vector for each factor of the rangoli.

    So what a red star teaches of red serves the red lotus as well: 23 vectors instead of 768.
    """

    def __init__(self, size: int, limit: Callable[[nn.Module], nn.Module] = lambda x: x) -> None:
        super().__init__()
        self.tables = nn.ModuleList(limit(nn.Embedding(count, size)) for count in FACTORS)

    def forward(self, label: Tensor) -> Tensor:
        parts = torch.unravel_index(label, FACTORS)
        return sum(table(part) for table, part in zip(self.tables, parts, strict=True))


@dataclass(frozen=True)
class ByFactors(GanConfig):
    """A conditional GAN whose labels tell all four factors, in both networks by `Wish`."""

    def make(self, channels: int) -> tuple[Generator, Discriminator]:
        generator, discriminator = super().make(channels)
        generator.embed = Wish(self.latent)
        discriminator.embed = Wish(4 * self.width, spectral_norm)
        return generator, discriminator


def recipes(data: str, each: bool = False) -> dict[str, GanConfig]:
    """The recipes by name. each: also ours with one thing at a time as it is in the published.

    The last of them starts from PyTorch's own random weights.
    """
    conditional = replace(OURS, classes=CLASSES[data])
    found = {
        "published": PUBLISHED,
        "ours": OURS,
        "ours, conditional": conditional,
        "ours, conditional, packed": replace(conditional, pack=2),
    }
    if data == "rangoli":
        every = asdict(OURS) | {"classes": math.prod(FACTORS), "pack": 2}
        found["ours, conditional, packed, by factors"] = ByFactors(**every)
    if each:
        changes = {
            part.name: getattr(PUBLISHED, part.name)
            for part in fields(GanConfig)
            if getattr(PUBLISHED, part.name) != getattr(OURS, part.name)
        } | {"small_start": False}
        for name, value in changes.items():
            found[f"ours, but {name} {value}"] = replace(OURS, **{name: value})
    return found


def pictures(data: str) -> tuple[Tensor, dict[int, Tensor]]:
    """What the GANs learn from: uint8 [N, C, 32, 32] and, by how many there are, classes [N]."""
    if data == "digits":
        images, digit = digits(size=32, split="train")
        return images, {10: digit}
    images, factors = rangoli(20_000, seed=0)  # all 768 combinations
    kind = factors.motif * 8 + factors.colour
    return images, {64: kind, 768: (kind * 4 + factors.ground) * 3 + factors.symmetry}


# ---------------------------------------------------------------------------- measuring


def scores(data: str, images: Tensor, device: torch.device) -> Row:
    """What the judge says of pictures [N, C, 32, 32] in 0…1; None where they are not numbers."""
    names = ("fid", "kid", "precision", "recall", "covered", "covered5", "confident")
    if not images.isfinite().all():
        return dict.fromkeys(names) | {"of": CLASSES[data]}
    judge = load_judge(data, device)
    seen = judge(images)
    fid, kid = fid_and_kid(judge, real_images(data), images)
    precision, recall = precision_recall(real_features(data, device), seen)
    found = modes(judge, seen)
    told = (fid, kid, precision, recall, found.covered, found.covered5, found.confident)
    return dict(zip(names, told, strict=True)) | {"of": found.of}


def fid_and_kid(judge: Judge, real: Tensor, fake: Tensor) -> tuple[float, float]:
    """By torchmetrics, which knows nothing of this course, over the judge's features."""
    torchmetrics = _torchmetrics()
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # that it keeps all features in memory: 64 numbers each
        torch.manual_seed(0)  # KID draws its subsets from the global state
        size = min(1000, len(real), len(fake))
        measures = (
            torchmetrics.image.fid.FrechetInceptionDistance(feature=judge),
            torchmetrics.image.kid.KernelInceptionDistance(feature=judge, subset_size=size),
        )
        for measure in measures:
            measure.to(next(judge.parameters()).device)
            for images, is_real in ((real, True), (fake, False)):
                for batch in images.split(500):
                    measure.update(batch, real=is_real)
        fid, (kid, _) = (measure.compute() for measure in measures)
    return float(fid), float(kid)


def _torchmetrics() -> ModuleType:
    try:
        import torchmetrics.image.fid
        import torchmetrics.image.kid
    except ImportError as error:
        raise SystemExit(
            "torchmetrics नहीं मिला; FID और KID उसी से नापे जाते हैं। इसे इस कमांड से लगाइए:\n"
            "torchmetrics is missing; it measures FID and KID here. Install it with\n"
            "    .venv/bin/python -m pip install torchmetrics"
        ) from error
    return torchmetrics


class _Enough(Exception):
    """The seconds are used up."""


def train(
    config: GanConfig,
    data: tuple[Tensor, dict[int, Tensor]],
    device: torch.device,
    seed: int,
    seconds: float | None = None,
    steps: int | None = None,
) -> tuple[nn.Module, int, float]:
    """Train for `seconds` of computing or for `steps`: the generator, its steps, its seconds."""
    images, classes = data
    options: Row = {"labels": classes.get(config.classes), "seed": seed, "device": device}
    last: Trained | None = None
    done = 0

    def note(step: int, trained: Trained) -> None:
        nonlocal last, done
        last, done = trained, step
        if seconds is not None and clock.seconds(device) - began >= seconds:
            raise _Enough

    def over(step: int) -> float:  # rates fall by the clock: no pace need be guessed
        return min(1.0, (clock.seconds(device) - began) / seconds)

    if steps is None:
        options["progress"], steps = over, NEVER
    began = clock.seconds(device)
    with suppress(_Enough):
        train_gan(config, images, steps=steps, note=note, **options)
    return last.average, done, clock.seconds(device) - began


def compare(
    known: dict[str, GanConfig],
    data: str,
    device: torch.device,
    seed: int,
    seconds: float,
    steps: int,
) -> Iterator[Row]:
    """A row for real pictures, then for each recipe after `seconds`, then after `steps`.

    seconds or steps 0: not that part.
    """
    row: Row = {"data": data, "recipe": "real pictures", "budget": "–", "seed": seed}
    row |= {"steps": 0, "seconds": 0.0}
    yield row | scores(data, real_images(data, COUNT, seed=2), device)
    learn = pictures(data)
    for limit in [{"seconds": seconds}] * (seconds > 0) + [{"steps": steps}] * (steps > 0):
        for name, config in known.items():
            generator, done, spent = train(config, learn, device, seed, **limit)
            # each class alike often; those that get one picture more lie spread over all
            labels = torch.arange(COUNT) * config.classes // COUNT if config.classes else None
            fake = sample(generator, COUNT, seed=seed + 1, device=device, labels=labels)
            budget = f"{seconds:g} s" if "seconds" in limit else f"{steps} steps"
            row |= {"recipe": name, "budget": budget, "steps": done, "seconds": round(spent, 1)}
            yield row | scores(data, fake, device)


# ---------------------------------------------------------------------------- the table


HEADINGS = {
    "data": "data · डेटा",
    "budget": "budget · सीमा",
    "recipe": "recipe · विधि",
    "steps": "steps · क़दम",
    "seconds": "seconds · सेकंड",
    "fid": "FID",
    "kid": "KID",
    "precision": "precision · प्रिसिज़न",
    "recall": "recall · रिकॉल",
    "covered": "modes ≥ 1 · मोड",
    "covered5": "modes ≥ 5 · मोड",
    "seed": "seed · सीड",
}
ABOUT = """# GANs compared · GAN की तुलना

Made by `python3 course.py bench gan` on {device}, PyTorch {torch}, torchmetrics {torchmetrics}.
FID and KID are torchmetrics' own, over the features of the course's judge (they compare with each
other, not with figures from papers); {count} pictures on each side. A mode is a motif in a colour
(64), or a digit (10). Seconds are those of training, of one core; measuring is not counted. Where
seconds are the budget, falling learning rates fall by the clock, to 0 when it ends. "–": the
pictures were not numbers. *published*: the recipe of the official PyTorch DCGAN tutorial, written
anew. *real pictures*: others than those compared with, the best that can be had.

`python3 course.py bench gan` से बना। FID और KID torchmetrics के हैं, फ़ीचर कोर्स के जज के (आपस में तुलना
कीजिए, शोध-पत्रों की संख्याओं से नहीं); हर तरफ़ {count} चित्र। सेकंड सिर्फ़ ट्रेनिंग के हैं, नापने के नहीं।
जहाँ सीमा सेकंड में है, वहाँ घटते लर्निंग रेट घड़ी के साथ घटते हैं और समय पूरा होने पर 0 हो जाते हैं।
*published* आधिकारिक PyTorch DCGAN ट्यूटोरियल की विधि है, जो यहाँ नए सिरे से लिखी गई है। *real pictures*
दूसरे असली चित्र हैं: इससे अच्छा अंक मिलना मुमकिन नहीं।

{table}
"""


def table(rows: list[Row], headings: dict[str, str] = HEADINGS) -> str:
    """All rows, in the order in which they are."""
    lines = [list(headings.values()), ["---"] * len(headings)]
    lines += [[_cell(row, name) for name in headings] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(row: Row, name: str) -> str:
    value = row[name]
    if value is None:
        return "–"
    if name in ("covered", "covered5"):
        return f"{value} / {row['of']}"
    if name == "kid":
        return f"{value:.3f}"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def keep(
    row: Row,
    path: Path,
    about: Row,
    headings: dict[str, str] = HEADINGS,
    text: str = ABOUT,
    same: tuple[str, ...] = ("data", "recipe", "budget", "seed"),
) -> list[Row]:
    """Put a row into the JSON file, in place of the same run's earlier one, and remake the table.

    same: what makes it the same run. Both files are whole at every moment. Returns all rows.
    """
    rows = json.loads(path.read_text("utf-8"))["rows"] if path.exists() else []
    place = [i for i, old in enumerate(rows) if all(old[key] == row[key] for key in same)]
    if place:
        rows[place[0]] = row
    else:
        rows.append(row)
    _write(path, json.dumps({**about, "rows": rows}, indent=1, ensure_ascii=False) + "\n")
    page = text.format(**about, table=table(rows, headings), count=COUNT)
    _write(path.with_suffix(".md"), page)
    return rows


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, "utf-8")
    part.replace(path)


# ---------------------------------------------------------------------------- the quantiser

SIZES = ((256, 8, 64), (1024, 8, 64), (256, 64, 64), (1024, 64, 64))  # codes, dim, pictures
VQ_HEADINGS = {
    "codes": "codes · कोड",
    "dim": "dimension · आयाम",
    "vectors": "vectors · वेक्टर",
    "ours": "ours, ms · हमारा",
    "theirs": "library, ms · लाइब्रेरी",
    "ratio": "ours ÷ library · अनुपात",
    "half": "middle half · बीच के आधे",
    "pairs": "pairs · जोड़ियाँ",
}
VQ_ABOUT = """# Two quantisers compared · दो क्वांटाइज़र की तुलना

Made by `python3 course.py bench vq` on {device}, PyTorch {torch}. `Quantizer` of lesson 03 beside
`VectorQuantize` of vector-quantize-pytorch {library}, both with moving averages and the
straight-through gradient. One training step is forward, update of the codes, backward. The two take
turns, and so does who is first; the ratio is that of each pair, its median and its middle half.
Under 1 ours is faster. That both give the same numbers is tested in `tests/test_vqvae.py`.

`python3 course.py bench vq` से बना: पाठ 03 का `Quantizer` और vector-quantize-pytorch का
`VectorQuantize`, बारी-बारी से, हर जोड़ी का अनुपात (माध्यिका और बीच के आधे)। 1 से कम यानी हमारा तेज़ है।

{table}
"""


def beside_library(codes: int, dim: int, pictures: int, pairs: int, device: torch.device) -> Row:
    """The milliseconds of a training step on feature maps of 8 × 8, ours and the library's."""
    ours = Quantizer(codes, dim, kmeans=False, restart=False)
    theirs = _vector_quantize_pytorch().VectorQuantize(
        dim=dim,
        codebook_size=codes,
        decay=ours.decay,
        commitment_weight=ours.beta,
        rotation_trick=False,
        accept_image_fmap=True,
    )
    lot = torch.Generator().manual_seed(0)
    start, pull = torch.randn(2, pictures, dim, 8, 8, generator=lot).to(device)

    def spent(quantizer: nn.Module) -> float:
        z = start.clone().requires_grad_()
        began = clock.seconds(device)
        vectors, _, loss = quantizer(z)
        ((vectors * pull).sum() + loss.sum()).backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return 1000 * (clock.seconds(device) - began)

    both = [quantizer.to(device).train() for quantizer in (ours, theirs)]
    times = []
    for i in range(pairs + 3):
        pair = [spent(both[j]) for j in ((0, 1) if i % 2 else (1, 0))]
        times.append(pair if i % 2 else pair[::-1])
    measured = torch.tensor(times[3:])  # [pairs, 2]; the first are slow
    low, ratio, high = (measured[:, 0] / measured[:, 1]).quantile(torch.tensor([0.25, 0.5, 0.75]))
    typical = measured.median(0).values.tolist()
    return {
        "codes": codes,
        "dim": dim,
        "vectors": pictures * 64,
        **dict(zip(("ours", "theirs"), typical, strict=True)),
        "ratio": ratio.item(),
        "half": f"{low:.2f} … {high:.2f}",
        "pairs": pairs,
    }


def _vector_quantize_pytorch() -> ModuleType:
    try:
        import vector_quantize_pytorch
    except ImportError as error:
        raise SystemExit(
            "vector-quantize-pytorch नहीं मिला। इसे इस कमांड से लगाइए:\n"
            "vector-quantize-pytorch is missing. Install it with\n"
            "    .venv/bin/python -m pip install vector-quantize-pytorch"
        ) from error
    return vector_quantize_pytorch


# ---------------------------------------------------------------------------- the painting

PAIRS = (("china", "swirl"), ("chelsea", "mosaic"), ("coffee", "ikat"))  # photograph, painting
STYLE_HEADINGS = {
    "photograph": "photograph · फ़ोटो",
    "painting": "painting · पेंटिंग",
    "seed": "seed · सीड",
    "loss": "loss to reach · लक्ष्य लॉस",
    "budget": "usual loop, s · आम लूप",
    "evaluations": "its evaluations · उसकी गणनाएँ",
    "ours": "ours, s · हमारा",
    "ratio": "ours ÷ usual · अनुपात",
}
STYLE_ABOUT = """# Two ways to paint a picture compared · चित्र बनाने के दो तरीक़ों की तुलना

Made by `python3 course.py bench style` on {device}, PyTorch {torch}. `stylise` of lesson 04 (L-BFGS
on waves instead of pixels: precondition=0.5) beside the loop of the PyTorch tutorial on neural
style transfer, written anew: L-BFGS at the full size from the start, 20 evaluations for each call,
pixels cut to 0…1 before each. Both have the same network, weights, photograph to begin with and
scale of the loss, {side} × {side} pixels. The loss to reach is the least that the usual loop has
seen when its seconds are over; ours counts until it first sees as little at the full size. Seeds
are those of the painting. "–": not reached in as many seconds.

Time that ours took, median of the rows: {ratio}.

One evaluation and its gradient, median of {turns} turns, milliseconds (networks in turn; that of
VGG19 has random weights, which takes as long): ours {slim:.0f}; VGG19 to relu5_1, as Gatys et al.,
{vgg:.0f}, {times:.1f} times as long; VGG19 to its fifth convolution, as the tutorial, {cut:.0f},
{cut_times:.1f} times.

`python3 course.py bench style` से बना: पाठ 04 का `stylise` और PyTorch के ट्यूटोरियल जैसा लूप, जो यहाँ
नए सिरे से लिखा गया है। दोनों का नेटवर्क, वज़न, शुरुआत और लॉस एक ही हैं। लक्ष्य वह सबसे कम लॉस है जो आम लूप को अपने
सेकंडों में मिला; हमारा समय वहाँ तक का है जहाँ पूरे आकार पर पहली बार उतना ही कम लॉस मिला।

{table}
"""


class CutVgg(VggFeatures):
    """VGG19 as far as the tutorial looks: five convolutions."""

    layers = ("relu1_1", "relu2_1", "relu3_1")
    content = 2
    depth = (*VggFeatures.depth[:2], (256, 1))


def usual_loop(
    objective: StyleObjective, content: Tensor, seconds: float, device: torch.device
) -> list[float]:
    """The loss of each evaluation until the seconds are over."""
    x = content.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([x])
    losses: list[float] = []

    def closure() -> Tensor:
        if clock.seconds(device) - began >= seconds:
            raise _Enough
        with torch.no_grad():
            x.clamp_(0, 1)
        optimizer.zero_grad()
        loss = objective.terms(x).total.sum()
        (1000 * loss).backward()
        losses.append(loss.item())
        return 1000 * loss.detach()

    began = clock.seconds(device)
    with suppress(_Enough):
        while True:
            before = len(losses)
            optimizer.step(closure)
            if len(losses) - before <= 1:  # it sees no way on: from anew, as from a new call
                optimizer = torch.optim.LBFGS([x])
    return losses


def race(
    net: Features, pair: tuple[str, str], seed: int, seconds: float, side: int, device: torch.device
) -> Row:
    """How soon ours is where the usual loop is after `seconds`."""
    content = photograph(pair[0], side)[None].to(device)
    style = painting(pair[1], side, seed)[None].to(device)
    objective = StyleObjective(net, content, style)
    objective.terms(content.clone().requires_grad_()).total.sum().backward()  # the first is slow
    losses = usual_loop(objective, content, seconds, device)
    goal = min(losses)
    ours, paused = None, 0.0

    def note(_: int, picture: Tensor) -> None:
        nonlocal ours, paused
        now = clock.seconds(device)
        if now - began - paused >= seconds:
            raise _Enough
        with torch.no_grad():
            if max(picture.shape[2:]) == side and objective.terms(picture).total.item() <= goal:
                ours = now - began - paused
                raise _Enough
        paused += clock.seconds(device) - now  # that we look is not counted

    began = clock.seconds(device)
    with suppress(_Enough):
        how = {"sizes": (side,), "steps": NEVER, "start": "content", "precondition": 0.5}
        stylise(content, style, net, **how, note=note)
    return {
        "photograph": pair[0],
        "painting": pair[1],
        "seed": seed,
        "loss": goal,
        "budget": seconds,
        "evaluations": len(losses),
        "ours": ours,
        "ratio": None if ours is None else ours / seconds,
    }


def step_times(side: int, turns: int, device: torch.device) -> dict[str, float]:
    """Milliseconds of an evaluation and its gradient, with our network and with VGG19's."""
    content, style = (
        x[None].to(device) for x in (photograph("china", side), painting("swirl", side))
    )
    nets = {"slim": load_features(device=device)}
    for name, net in (("vgg", VggFeatures()), ("cut", CutVgg())):
        net.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)
        nets[name] = net
    objectives = {name: StyleObjective(net, content, style) for name, net in nets.items()}
    times: dict[str, list[float]] = {name: [] for name in nets}
    for _ in range(turns + 2):
        for name, objective in objectives.items():
            x = content.clone().requires_grad_()
            began = clock.seconds(device)
            objective.terms(x).total.sum().backward()
            x.grad.sum().item()
            times[name].append(1000 * (clock.seconds(device) - began))
    typical = {name: statistics.median(some[2:]) for name, some in times.items()}
    ratios = {"times": typical["vgg"] / typical["slim"]}
    return typical | ratios | {"cut_times": typical["cut"] / typical["slim"]}


# ---------------------------------------------------------------------------- the command


def gan(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="course.py bench gan")
    parser.add_argument(
        "--seconds", type=float, default=60, help="of training, each (60; 0: leave out)"
    )
    parser.add_argument("--steps", type=int, default=150, help="at equal steps (150; 0: leave out)")
    parser.add_argument("--data", choices=list(CLASSES), action="append", help="(both)")
    parser.add_argument("--only", metavar="NAME", action="append", help="a recipe (all)")
    parser.add_argument("--each", action="store_true", help="ours, one thing at a time changed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--to", type=Path, default=FOLDER, help="(benchmarks)")
    options = parser.parse_args(argv)
    os.environ["COURSE_STATIC"] = "1"  # no progress bars: a row is printed as soon as it is there
    device = torch.device(options.device)
    about = {
        "device": clock.words(device),
        "torch": torch.__version__.split("+")[0],
        "torchmetrics": _torchmetrics().__version__,
    }
    rows: list[Row] = []
    for data in options.data or CLASSES:
        known = recipes(data, options.each)
        for name in options.only or []:
            if name not in known:
                parser.error(f"--only {name!r}: {', '.join(map(repr, known))}")
        if options.only:
            known = {name: known[name] for name in options.only}
        for row in compare(known, data, device, options.seed, options.seconds, options.steps):
            print(table([row]).splitlines()[-1], flush=True)
            rows.append(row)
            keep(row, options.to / "gan.json", about)
    print("\n" + table(rows))


def vq(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="course.py bench vq")
    parser.add_argument("--pairs", type=int, default=40, help="of steps, for each size (40)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--to", type=Path, default=FOLDER, help="(benchmarks)")
    options = parser.parse_args(argv)
    _vector_quantize_pytorch()
    device = torch.device(options.device)
    about = {
        "device": clock.words(device),
        "torch": torch.__version__.split("+")[0],
        "library": version("vector-quantize-pytorch"),
    }
    for size in SIZES:
        row = beside_library(*size, options.pairs, device)
        print(table([row], VQ_HEADINGS).splitlines()[-1], flush=True)
        same = ("codes", "dim", "vectors")
        rows = keep(row, options.to / "vq.json", about, VQ_HEADINGS, VQ_ABOUT, same)
    print("\n" + table(rows, VQ_HEADINGS))


def ratios(rows: list[Row]) -> str:
    """The median for each budget; one that was not reached counts as longer than any."""
    found: dict[float, list[float]] = {}
    for row in rows:
        ratio = float("inf") if row["ratio"] is None else row["ratio"]
        found.setdefault(row["budget"], []).append(ratio)
    medians = {budget: statistics.median(some) for budget, some in sorted(found.items())}
    return ", ".join(
        f"{'over 1' if ratio > 1 else f'{ratio:.2f}'} of {budget:g} s"
        for budget, ratio in medians.items()
    )


def style(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="course.py bench style")
    parser.add_argument("--seconds", type=float, default=60, help="of the usual loop, each (60)")
    parser.add_argument("--seeds", type=int, default=3, help="of each pair (3)")
    parser.add_argument("--side", type=int, default=256, help="pixels (256)")
    parser.add_argument("--turns", type=int, default=9, help="of an evaluation that is timed (9)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--to", type=Path, default=FOLDER, help="(benchmarks)")
    options = parser.parse_args(argv)
    device, path = torch.device(options.device), options.to / "style.json"
    about: Row = {
        "device": clock.words(device),
        "torch": torch.__version__.split("+")[0],
        "side": options.side,
        "turns": options.turns,
        "ratio": None,
    } | step_times(options.side, options.turns, device)
    print({name: round(value, 1) for name, value in about.items() if isinstance(value, float)})
    net, same = load_features(device=device), ("photograph", "painting", "seed", "budget")
    for seed in range(options.seeds):
        for pair in PAIRS:
            row = race(net, pair, seed, options.seconds, options.side, device)
            print(table([row], STYLE_HEADINGS).splitlines()[-1], flush=True)
            rows = keep(row, path, about, STYLE_HEADINGS, STYLE_ABOUT, same)
            about["ratio"] = ratios(rows)
            keep(row, path, about, STYLE_HEADINGS, STYLE_ABOUT, same)
    print("\n" + table(rows, STYLE_HEADINGS) + f"\n{about['ratio']}")


BENCHES: dict[str, Callable[[list[str]], None]] = {"gan": gan, "vq": vq, "style": style}


def main(argv: list[str] | None = None) -> int:
    name, *rest = (sys.argv[1:] if argv is None else argv) or [""]
    if name in BENCHES:
        BENCHES[name](rest)
        return 0
    print("\n".join(BENCHES))
    return 2 if name else 0


if __name__ == "__main__":
    raise SystemExit(main())
