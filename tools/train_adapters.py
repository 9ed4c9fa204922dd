"""Trains what lesson 05 ships: the judge of styled rangoli, and adapters of the base model.

Run by `python3 course.py train NAME`, see tools/train.py:

    judge-styles    names motif, colour, ground, symmetry and style; it never trains a model
    adapters        Warli, neon and mosaic for text2rangoli, and two rows of the notebook's table

The second needs the first.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from common import art
from common.data import to_float
from common.hypernetwork import (
    UNSEEN,
    Adapter,
    adapter_report,
    add_pseudo_word,
    attach_hypernetwork,
    lesson_of,
    new_prompts,
    save_adapter,
    style_captions,
    style_pictures,
    train_adapter,
)
from common.metrics import HEADS, STYLES, Judge, load_judge
from common.rangoli import paint, rangoli
from common.vqgan import FlowPrior, load_latent_autoencoder, load_text2rangoli
from tools import clock
from tools.weights import WEIGHTS, card, part, store

JUDGE_STEPS = 900
COMPARED_STEPS = 300  # those of the five ways in the notebook
SHIPPED_STEPS = {"warli": 500, "neon": 300, "mosaic": 300}
CONTROL = "warli, captions as drawn"  # measured beside the others; it does not ship
DRAWN_AS = {"base": paint, "warli": art.warli, "neon": art.neon, "mosaic": art.mosaic}
NOT_ASKED = -100  # what cross-entropy leaves out


# ---------------------------------------------------------------------------- judge-styles


def styled(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """As many pictures of each style, float [4·count, 3, 32, 32], and what is on them [4·count, 5].

    What a style does not show is NOT_ASKED.
    """
    names, pictures, labels = list(HEADS["styles"]), [], []
    for style, drawn in enumerate(STYLES):
        images, factors = rangoli(count, seed=seed + style, style=DRAWN_AS[drawn])
        table = torch.cat([factors.stack(), torch.full((count, 1), style)], dim=1)
        for hidden in UNSEEN.get(drawn, ()):
            table[:, names.index(hidden)] = NOT_ASKED
        pictures.append(to_float(images))
        labels.append(table)
    return torch.cat(pictures), torch.cat(labels)


def fit_judge_of_styles(steps: int, device: torch.device, count: int = 3500) -> Judge:
    """The judge, trained on pictures shifted, softened and made a little noisy; seeds 80 to 83."""
    images, labels = (x.to(device) for x in styled(count, seed=80))
    dice = torch.Generator().manual_seed(80)
    with torch.random.fork_rng():
        torch.manual_seed(80)
        judge = Judge("styles").to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(judge.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, steps)
    judge.train()
    for _ in range(steps):
        chosen = torch.randint(len(images), (64,), generator=dice)
        right, down = torch.randint(-2, 3, (2,), generator=dice).tolist()
        batch = F.pad(images[chosen], (2, 2, 2, 2), mode="replicate")
        batch = batch[:, :, 2 - down : 34 - down, 2 - right : 34 - right]
        soft = 0.6 * torch.rand(64, 1, 1, 1, generator=dice).to(device)
        batch = torch.lerp(batch, F.avg_pool2d(batch, 3, 1, 1, count_include_pad=False), soft)
        strength = 0.06 * torch.rand(64, 1, 1, 1, generator=dice)
        batch = batch + (strength * torch.randn(batch.shape, generator=dice)).to(device)
        scores = judge.scores(batch.contiguous(memory_format=torch.channels_last))
        loss = torch.zeros((), device=device)
        for score, label in zip(scores.values(), labels[chosen].T, strict=True):
            loss = loss + F.cross_entropy(score, label, ignore_index=NOT_ASKED)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    judge.eval()
    judge.settle(images[::7])
    return judge.requires_grad_(False)


def judge_rows(judge: Judge, images: Tensor, labels: Tensor) -> dict[str, dict[str, float | None]]:
    """By style, the share of each head named rightly; None where it is not to be seen."""
    said = {head: p.argmax(1).cpu() for head, p in judge.read(images).items()}
    rows = {}
    for style, name in enumerate(STYLES):
        here = labels[:, -1] == style
        rows[name] = {
            head: None
            if (labels[here, i] == NOT_ASKED).any()
            else (said[head][here] == labels[here, i]).float().mean().item()
            for i, head in enumerate(said)
        }
    return rows


def train_judge(
    device: torch.device, folder: Path = WEIGHTS, scale: float = 1.0
) -> dict[str, dict[str, float | None]]:
    """The judge of styles. scale: of the pictures and steps, for a trial.

    Returns `judge_rows` of 2,000 new pictures.
    """
    began = clock.seconds(device)
    steps, count = part(JUDGE_STEPS, scale), part(3500, scale)
    judge = fit_judge_of_styles(steps, device, count)
    seconds = clock.seconds(device) - began
    state = {
        name: value.half().contiguous() if value.is_floating_point() else value
        for name, value in judge.state_dict().items()
    }
    judge.load_state_dict({name: value.float() for name, value in state.items()})
    images, labels = styled(part(500, scale), seed=90)
    autoencoder = load_latent_autoencoder(device)
    x = (2 * images - 1).to(device)
    through = (autoencoder.decode(autoencoder.encode(x)).cpu() + 1) / 2
    tables = {
        "": judge_rows(judge, images, labels),
        ", through the autoencoder": judge_rows(judge, through, labels),
    }
    store(folder, "judge-styles", state)
    card(
        folder,
        "judge-styles",
        JUDGE_CARD,
        device,
        steps=f"{steps:,}",
        count=f"{4 * count:,}",
        seconds=f"{seconds:.0f}",
        parameters=f"{sum(p.numel() for p in judge.parameters()):,}",
        heads=" | ".join(HEADS["styles"]),
        line="|---" * (len(HEADS["styles"]) + 1) + "|",
        rows="\n".join(
            f"| {style}{how} | "
            + " | ".join("–" if share is None else f"{share:.3f}" for share in row.values())
            + " |"
            for how, table in tables.items()
            for style, row in table.items()
        ),
    )
    return tables[""]


JUDGE_CARD = """# judge-styles: names a rangoli whatever it is drawn like, and what it is drawn like

Made by `python3 course.py train judge-styles` (seed 80, {device}, PyTorch {torch}) and loaded by
`load_judge("styles")` of `common/metrics.py`. The network of `judge-rangoli` ({parameters}
parameters) with one more head: painted (base), Warli, neon or mosaic. It never trains a model.

Data: {count} rangoli, as many of each style (seeds 80 to 83); measured on 500 of each (seeds 90 to
93). {steps} steps of 64, AdamW, {seconds} s. Pictures are shifted by up to 2 pixels, softened and
made a little noisy.

Accuracy on new pictures, as they are and restored by `latent-autoencoder`, which it never met. What
a style does not show is not asked (–): Warli has one colour and one wall, neon only the dark.

| pictures | {heads} |
{line}
{rows}

Limits: it has to choose one of four styles, also for a picture between two of them, or of none.
Licence: as the course's code, MIT.
"""


# ---------------------------------------------------------------------------- adapters


def train_adapters(
    device: torch.device, folder: Path = WEIGHTS, scale: float = 1.0, count: int = 320
) -> dict[str, dict[str, float]]:
    """The adapters that ship. scale: of the steps, for a trial; count: of the prompts that measure.

    Returns what `adapter_report` says of each.
    """
    artist, judge = load_text2rangoli(device), load_judge("styles", device)
    reports, rows = {}, []
    makers: dict[str, tuple[str, Callable[[FlowPrior], Adapter], int]] = {
        "warli": ("warli", attach_hypernetwork, SHIPPED_STEPS["warli"]),
        CONTROL: ("warli", attach_hypernetwork, SHIPPED_STEPS["warli"]),
        "neon": ("neon", attach_hypernetwork, SHIPPED_STEPS["neon"]),
        "mosaic": ("mosaic", attach_hypernetwork, SHIPPED_STEPS["mosaic"]),
        "warli-word": ("warli", add_pseudo_word, COMPARED_STEPS),
        "warli-cross": ("warli", lambda m: attach_hypernetwork(m, "cross"), COMPARED_STEPS),
    }
    plain = artist.draw(new_prompts(count)[0], seed=5)
    for name, (style, make, steps) in makers.items():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            adapter = make(copy.deepcopy(artist.prior))
        images, factors = style_pictures(style)
        texts = style_captions(factors, () if name == CONTROL else UNSEEN[style], adapter.word)
        latents, tokens = lesson_of(artist, adapter, images, texts)
        began = clock.seconds(device)
        train_adapter(adapter, latents, tokens, part(steps, scale))
        seconds = clock.seconds(device) - began
        with torch.no_grad():  # what ships is measured
            for number in adapter.learned.values():
                number.copy_(number.half())
        size = 0
        if name != CONTROL:
            size = save_adapter(
                adapter,
                folder / f"adapter-{name}.safetensors",
                style=style,
                steps=part(steps, scale),
                seconds=f"{seconds:.1f}",
                pictures="drawn by common/art.py",
            )
        for strength in (1.0, 0.9) if style == "warli" and adapter.dials else (1.0,):
            if adapter.dials:
                adapter.strength = strength
            found, _ = adapter_report(artist, adapter, judge, style, plain)
            reports[name if strength == 1 else f"{name}, strength {strength}"] = found
            shares = [found[key] for key in ("style", "motif", "new motif", "spared", "drift")]
            rows.append(
                f"| {name} | {adapter.kind} | {adapter.numbers:,} | "
                f"{f'{size / 1000:.0f}' if size else '–'} | {part(steps, scale):,} | "
                f"{seconds:.0f} | {strength:g} | "
                + " | ".join(f"{share:.3f}" for share in shares)
                + " |"
            )
            print(rows[-1], flush=True)
    card(folder, "adapters", ADAPTER_CARD, device, rows="\n".join(rows), count=count)
    return reports


ADAPTER_CARD = """# adapter-warli, -neon, -mosaic, -warli-word, -warli-cross: text2rangoli's styles

Made by `python3 course.py train adapters` (seed 0, {device}, PyTorch {torch}) and loaded by
`load_shipped_adapter` in lesson 05, notebook 2. Each learnt from sixteen pictures of its style,
which `common/art.py` draws; six motifs are on them, two (paisley, diamond) never. Batches of 16.
Captions name at random what the style does not show (Warli: colour and ground; neon: ground). The
control, which does not ship, was told the colour and the ground that each picture was drawn from.

Measured with `judge-styles`, which had no part in the training, on {count} prompts of all kinds,
half Hindi, half English, guidance 2. *style*: read as that style; *motif*: as the prompt said;
*new*: motif, of the two never shown. *spared*: ordinary prompts (without the pseudo-word, if there
is one) still drawn the base's way; *drift*: how far their pictures moved (RMS).

| adapter | kind | numbers | kB | steps | CPU s | strength | style | motif | new | spared | drift |
|---|---|---|---|---|---|---|---|---|---|---|---|
{rows}

Limits: they fit this base model only. Licence: as the course's code, MIT.
"""


MODELS: dict[str, Callable[[torch.device], object]] = {
    "judge-styles": train_judge,
    "adapters": train_adapters,
}
