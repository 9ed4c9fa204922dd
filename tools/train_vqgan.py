"""Trains the models of lesson 03 that ship, by the functions of its notebooks.

Run by `python3 course.py train NAME`, see tools/train.py:

    feature-net          looks at pictures for the perceptual loss
    vqgan-rangoli        pictures as 8 × 8 codes, with perceptual and adversarial loss
    latent-autoencoder   pictures as latents, learnt from broad pictures
    text2rangoli         the prior over these latents: draws from words
    small-priors         three priors of equal cost, for the table of notebook 3

After a break each goes on from `runs/`. vqgan-rangoli needs feature-net, text2rangoli needs
latent-autoencoder, small-priors both autoencoders.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.art import mosaic, neon, warli
from common.metrics import load_judge
from common.patterns import patterns
from common.rangoli import rangoli
from common.training import RUNS, Training
from common.vqgan import (
    CodePrior,
    FlowPrior,
    LatentAutoencoder,
    TextToRangoli,
    VqganConfig,
    caption_table,
    load_feature_net,
    load_latent_autoencoder,
    load_vqgan,
    prompt_accuracy,
    psnr,
    reconstruction_loss,
    sample_codes,
    sharpness,
    signed,
    train_feature_net,
    train_prior,
    train_vqgan,
    vocabulary,
    vqgan_report,
)
from tools import clock
from tools.weights import WEIGHTS, card, halved, part, store

FEATURE_STEPS = 600
VQGAN_STEPS = 2_500
AUTOENCODER_STEPS = 3_000
PRIOR_RATE = 4e-3
# Steps and highest learning rate of each leg; the rate falls within it
PRIOR_LEGS = ((4_500, 4e-3), (4_500, 3e-3), (2_500, 2e-3))
SMALL_STEPS = {"flow": 1_800, "ar": 540, "masked": 510}  # as many CPU seconds each
CHANNELS = 24  # 16 rebuild Warli at 21.3 dB, however long they learn


# ---------------------------------------------------------------------------- feature-net


def train_features(
    device: torch.device, folder: Path = WEIGHTS, scale: float = 1.0
) -> dict[str, float]:
    """The network of the perceptual loss. scale: of the pictures and steps, for a trial.

    Returns the share that it names rightly of 2,000 new pictures, by head.
    """
    images, factors = rangoli(part(12_000, scale), seed=60)
    began = clock.seconds(device)
    net = train_feature_net(images, factors.stack(), part(FEATURE_STEPS, scale), device=device)
    seconds = clock.seconds(device) - began
    state = halved(net)
    images, factors = rangoli(2000, seed=61)
    with torch.no_grad():
        parts = [net(signed(batch).to(device)) for batch in images.split(500)]
    scores = {
        head: (torch.cat([p[head] for p in parts]).argmax(1).cpu() == getattr(factors, head))
        .float()
        .mean()
        .item()
        for head in parts[0]
    }
    store(folder, "feature-net", state)
    card(
        folder,
        "feature-net",
        FEATURE_CARD,
        device,
        steps=f"{part(FEATURE_STEPS, scale):,}",
        seconds=f"{seconds:.0f}",
        parameters=f"{sum(p.numel() for p in net.parameters()):,}",
        row=" | ".join(f"{share:.3f}" for share in scores.values()),
        heads=" | ".join(scores),
    )
    return scores


FEATURE_CARD = """# feature-net: looks at pictures, so that a loss can compare what it sees

Made by `python3 course.py train feature-net` (seed 0, {device}, PyTorch {torch}) and loaded by
`load_feature_net` in lesson 03, notebook 2. A small convolutional classifier of {parameters}
parameters; the perceptual loss compares its features on four scales. It is not the judge: their
layers, pictures and seeds differ, and it never measures a model that it trained.

Data: 12,000 rangoli of seed 60, a little noisy. {steps} steps of 64, AdamW; {seconds} s.

Accuracy on 2,000 pictures of seed 61:

| {heads} |
|---|---|---|---|
| {row} |

Limits: it knows only rangoli of 32 × 32. Licence: as the course's code, MIT.
"""


# ---------------------------------------------------------------------------- vqgan-rangoli


def train_vqgan_rangoli(
    device: torch.device,
    folder: Path = WEIGHTS,
    scale: float = 1.0,
    steps: int = VQGAN_STEPS,
    runs: Path = RUNS / "vqgan-rangoli",
) -> dict[str, float | int]:
    """The VQGAN of notebook 2, trained longer. scale: of the pictures and steps, for a trial.

    Returns what `vqgan_report` says of 2,000 new pictures.
    """
    images, _ = rangoli(part(24_000, scale), seed=50, split="train")
    config, spent = VqganConfig(), clock.Spent(device)
    trained = train_vqgan(
        images,
        steps=part(steps, scale),
        config=config,
        features=load_feature_net(device),
        device=device,
        folder=runs,
        note=lambda step, trained: spent.step(),
    )
    state = halved(trained.model)
    images, factors = rangoli(2000, seed=51)
    report = vqgan_report(trained.model, images, factors, load_judge("rangoli", device))
    sizes = {"width": config.width, "dim": config.dim, "codes": config.codes}
    store(folder, "vqgan-rangoli", state, {name: str(size) for name, size in sizes.items()})
    names = ("psnr", "rfid", "sharpness", "motif", "symmetry", "perplexity")
    card(
        folder,
        "vqgan-rangoli",
        VQGAN_CARD,
        device,
        steps=f"{len(trained.history['rebuild']):,}",
        minutes=f"{clock.total(trained.history) / 60:.1f}",
        config=config,
        parameters=f"{sum(p.numel() for p in trained.model.parameters()):,}",
        row=" | ".join(f"{report[name]:.3f}" for name in names),
        used=f"{report['used']} / {config.codes}",
    )
    return report


VQGAN_CARD = """# vqgan-rangoli: a picture of 32 × 32 as 64 codes out of 256, and back

Made by `python3 course.py train vqgan-rangoli` (seed 0, {device}, PyTorch {torch}) and loaded by
`load_vqgan` in lesson 03. Encoder, codebook and decoder, {parameters} parameters, trained with
pixel, perceptual and adversarial loss; 64 bytes stand for a picture's 3,072.

Data: 24,000 rangoli of seed 50 without the held-out combinations, drawn by `common/rangoli.py`.
{steps} steps, {minutes} minutes of computing. The recipe: {config}.

Measured on 2,000 new pictures of all combinations, by `judge-rangoli`, which had no part in the
training. Sharpness is a share of the originals', motif and symmetry are read on what comes back.

| PSNR, dB | rFID | sharpness | motif | symmetry | perplexity | codes used |
|---|---|---|---|---|---|---|
| {row} | {used} |

Limits: it rebuilds rangoli; of other pictures it keeps the rough colours only.
Licence: as the course's code, MIT.
"""


# ---------------------------------------------------------------------------- latent-autoencoder


def train_autoencoder(
    device: torch.device,
    folder: Path = WEIGHTS,
    scale: float = 1.0,
    steps: int = AUTOENCODER_STEPS,
    runs: Path = RUNS / "latent-autoencoder",
) -> dict[str, dict[str, float]]:
    """The autoencoder under the base model. scale: of the pictures and steps, for a trial.

    Two in three of its pictures are `patterns`, the others rangoli; never one of the three styles.
    Returns PSNR and sharpness of each sort of picture, and the PSNR of the linear start.
    """
    broad = patterns(part(24_000, scale), seed=50)
    own, _ = rangoli(part(12_000, scale), seed=50, split="train")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = LatentAutoencoder(channels=CHANNELS)
        start_from_patches(model, torch.cat([broad[:3000], own[:1500]]))
    model.to(device, memory_format=torch.channels_last)
    steps, rate, batch, spent = part(steps, scale), 1.5e-3, 32, clock.Spent(device)
    before = rebuilt(model)
    optimizer = torch.optim.AdamW(
        model.parameters(), rate, (0.9, 0.95), weight_decay=1e-4, fused=True
    )
    lot = torch.Generator().manual_seed(0)
    training = Training(
        {"model": model, "optimizer": optimizer, "lot": lot},
        runs,
        name="autoencoder",
        settings={"steps": steps, "rate": rate, "batch": batch, "channels": CHANNELS},
    )
    model.train()
    spent.skip()
    for step in training.steps(steps):
        fall = 0.02 + 0.98 * (1 + math.cos(math.pi * step / steps)) / 2
        optimizer.param_groups[0]["lr"] = rate * min(1.0, (step + 1) / 50) * fall
        third = torch.randint(len(own), (batch // 3,), generator=lot)
        others = torch.randint(len(broad), (batch - batch // 3,), generator=lot)
        real = signed(torch.cat([own[third], broad[others]])).to(device)
        restored, latents = model(real)
        loss = reconstruction_loss(restored, real) + 5e-4 * latents.square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        training.note(loss=loss, **spent.step())
    model.eval()
    model.settle(signed(own[:4000]).to(device))
    state = halved(model)
    scores = rebuilt(model)
    store(folder, "latent-autoencoder", state)
    rows = [
        f"| {name} | {row['psnr']:.1f} | {row['sharpness']:.2f} | {before[name]['psnr']:.1f} |"
        for name, row in scores.items()
    ]
    card(
        folder,
        "latent-autoencoder",
        AUTOENCODER_CARD,
        device,
        channels=CHANNELS,
        parameters=f"{sum(p.numel() for p in model.parameters()):,}",
        broad=f"{len(broad):,}",
        own=f"{len(own):,}",
        steps=f"{training.step:,}",
        batch=batch,
        rate=rate,
        minutes=f"{clock.total(training.history) / 60:.1f}",
        rows="\n".join(rows),
    )
    return scores


@torch.no_grad()
def start_from_patches(model: LatentAutoencoder, images: Tensor, spread: float = 0.6) -> None:
    """Let the shortcuts begin as the principal components of 4 × 4 patches, the networks as 0.

    images: uint8 [N, 3, 32, 32]. spread: the deviation of the latents; small enough that a rare
    sharp edge is not bent by their bound, large beside the noise.
    """
    patches = F.unfold(signed(images).contiguous(), 4, stride=4).transpose(1, 2).flatten(0, 1)
    mean = patches.mean(0)
    strength, basis = torch.linalg.eigh((patches - mean).T.cov())
    channels = model.mean.shape[1]
    strength, basis = strength[-channels:], basis[:, -channels:]
    stretch = spread / strength.sqrt()
    model.shortcut_in.weight.copy_((basis * stretch).T.view(channels, 3, 4, 4))
    model.shortcut_in.bias.copy_(-(mean @ basis) * stretch)
    model.shortcut_out.weight.copy_((basis / stretch).T.view(channels, 3, 4, 4))
    model.shortcut_out.bias.copy_(mean.view(3, 16).mean(1))
    for network in (model.encoder, model.decoder):
        last = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)][-1]
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)


@torch.no_grad()
def rebuilt(model: LatentAutoencoder, count: int = 500) -> dict[str, dict[str, float]]:
    """PSNR in dB and sharpness (a share of the originals') by sort of picture, all of them new."""
    tests = {
        "rangoli": rangoli(count, seed=77)[0],
        "Warli": rangoli(count, seed=5, style=warli)[0],
        "neon": rangoli(count, seed=5, style=neon)[0],
        "mosaic": rangoli(count, seed=5, style=mosaic)[0],
        "broad pictures": patterns(count, seed=999),
    }
    was_training, device = model.training, model.mean.device
    model.eval()
    scores = {}
    for name, images in tests.items():
        real = signed(images).to(device)
        back = model.decode(model.encode(real))
        scores[name] = {"psnr": psnr(back, real), "sharpness": sharpness(back) / sharpness(real)}
    model.train(was_training)
    return scores


AUTOENCODER_CARD = """# latent-autoencoder: a picture of 32 × 32 as 8 × 8 latents, and back

Made by `python3 course.py train latent-autoencoder` (seed 0, {device}, PyTorch {torch}) and loaded
by `load_latent_autoencoder` in lesson 03, notebook 3: what text2rangoli draws through. {parameters}
parameters, {channels} channels, no codebook. Each network stands beside a linear shortcut that
begins as the principal components of 4 × 4 pixels, and learns what a linear map cannot.

Data: {broad} broad pictures of `common/patterns.py` (seed 50) and {own} rangoli (seed 50, without
the held-out combinations), one in three. {steps} steps of {batch}, AdamW, the learning rate falls
from {rate} along a cosine, {minutes} minutes of computing. Mean and deviation of the latents are
those of rangoli.

Measured on 500 new pictures of each sort. Warli, neon and mosaic (`common/art.py`) were never
trained on. Sharpness is a share of the originals'; the last column is the linear start.

| pictures | PSNR, dB | sharpness | PSNR at the start |
|---|---|---|---|
{rows}

Limits: pictures of 32 × 32; fine texture is smoothed.
Licence: as the course's code, MIT; the photographs among the patterns are those of scikit-image
and scikit-learn, and no picture can be had back from the weights.
"""


# ---------------------------------------------------------------------------- text2rangoli


def train_text2rangoli(
    device: torch.device,
    folder: Path = WEIGHTS,
    scale: float = 1.0,
    legs: tuple[tuple[int, float], ...] = PRIOR_LEGS,
    runs: Path = RUNS / "text2rangoli",
) -> dict[str, dict[str, float]]:
    """The base model: a flow over the latents. scale: of the pictures and steps, for a trial.

    Each leg sees other pictures and goes on from the average of the one before.
    Returns the prompt accuracy for the combinations seen, and for those never seen.
    """
    autoencoder = load_latent_autoencoder(device)
    judge, shown, spent = load_judge("rangoli", device), time.monotonic(), clock.Spent(device)

    def look(step: int, average: nn.Module) -> dict[str, float]:
        nonlocal shown
        numbers = spent.step()
        if time.monotonic() - shown > 400:
            scores = prompt_accuracy(TextToRangoli(average, autoencoder).draw, judge, n=128)
            print(step, _row(scores), flush=True)
            shown = time.monotonic()
            spent.skip()  # measuring is not counted
        return numbers

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        prior = FlowPrior(channels=autoencoder.mean.shape[1]).to(device)
    done, seconds, pictures = [], 0.0, 0
    for leg, (steps, rate) in enumerate(legs):
        latents, tokens = _latents(autoencoder, part(24_000, scale), device, seed=50 + leg)
        spent.skip()
        prior, training = train_prior(
            prior.train().requires_grad_(True),
            latents,
            tokens,
            part(steps, scale),
            rate=rate,
            average=0.999,
            seed=leg,
            folder=runs / str(leg + 1),
            look=look,
        )
        done.append(f"{training.step:,}")
        seconds += clock.total(training.history)
        pictures += len(latents)
    state = halved(prior)
    model = TextToRangoli(prior, autoencoder)
    count = max(2, part(1024, scale))  # one of each language
    scores = {
        split: prompt_accuracy(model.draw, judge, count, split) for split in ("train", "held-out")
    }
    store(folder, "text2rangoli", state)
    card(
        folder,
        "text2rangoli",
        PRIOR_CARD,
        device,
        parameters=f"{sum(p.numel() for p in prior.parameters()):,}",
        megabytes=f"{sum(2 * value.numel() for value in state.values()) / 1e6:.1f}",
        pictures=f"{pictures:,}",
        rates=" and ".join(f"{rate}" for _, rate in legs),
        steps=" + ".join(done),
        minutes=f"{seconds / 60:.0f}",
        count=f"{count:,}",
        rows="\n".join(f"| {split} | {_row(row)} |" for split, row in scores.items()),
    )
    return scores


def _latents(
    autoencoder: LatentAutoencoder, count: int, device: torch.device, seed: int = 50
) -> tuple[Tensor, Tensor]:
    """Latents of rangoli without the held-out combinations, and their captions as tokens."""
    images, factors = rangoli(count, seed=seed, split="train")
    latents = [autoencoder.encode(signed(batch).to(device)).cpu() for batch in images.split(500)]
    return torch.cat(latents).contiguous(), caption_table(factors)


def _row(scores: dict[str, float]) -> str:
    names = ("motif", "colour", "ground", "symmetry", "both", "all", "hi", "en")
    return " | ".join(f"{scores[name]:.3f}" for name in names)


PRIOR_CARD = """# text2rangoli: draws a rangoli from words, Hindi or English

Made by `python3 course.py train text2rangoli` (seed 0, {device}, PyTorch {torch}) and loaded by
`load_text2rangoli` in lesson 03. A diffusion Transformer of {parameters} parameters ({megabytes} MB
in half precision) that reads the prompt by cross-attention; flow matching over the latents of
`latent-autoencoder`, whose decoder makes the picture. This is the moving average of the weights.

Data: {pictures} rangoli (seeds from 50 on), drawn by `common/rangoli.py`, without the held-out
combinations of motif, colour and ground (one in eight); four captions of each, Hindi and English,
with and without what the symmetry counts. {steps} steps of 64, AdamW; the learning rate begins at
{rates} and falls over the last 60 % of a leg, a leg has pictures of its own and goes on
from the average before it. Moving average 0.999, one prompt in ten empty; {minutes} minutes of
computing.

Measured with `judge-rangoli`, which had no part in the training, on {count} prompts of each row,
half Hindi, half English; guidance 2, 12 steps of Heun. *both*: motif and colour; *all*: and
ground; *hi*, *en*: both, by language.

| combinations | motif | colour | ground | symmetry | both | all | hi | en |
|---|---|---|---|---|---|---|---|---|
{rows}

Limits: it knows the words of these captions and nothing else. Licence: as the course's code, MIT.
"""


# ---------------------------------------------------------------------------- small-priors


def train_small_priors(
    device: torch.device,
    folder: Path = WEIGHTS,
    scale: float = 1.0,
    runs: Path = RUNS / "small-priors",
) -> dict[str, dict[str, float]]:
    """Flow, autoregressive and masked prior of equal cost. scale: of the pictures and steps.

    Returns the prompt accuracy of each.
    """
    autoencoder, codes_of = load_latent_autoencoder(device), load_vqgan(device)
    count = part(24_000, scale)
    latents, tokens = _latents(autoencoder, count, device)
    images, _ = rangoli(count, seed=50, split="train")
    codes = [codes_of.encode(signed(batch).to(device)).cpu() for batch in images.split(500)]
    data = {"flow": latents, "ar": torch.cat(codes), "masked": torch.cat(codes)}
    judge, state, notes, rows, scores = load_judge("rangoli", device), {}, {}, [], {}
    for kind, values in data.items():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            if kind == "flow":
                prior = FlowPrior(width=96, depth=3, channels=latents.shape[1])
            else:
                prior = CodePrior(kind, width=96, depth=3)
        spent, steps = clock.Spent(device), part(SMALL_STEPS[kind], scale)
        prior, training = train_prior(
            prior.to(device),
            values,
            tokens,
            steps,
            rate=PRIOR_RATE,
            folder=runs / kind,
            look=lambda step, average, spent=spent: spent.step(),
        )
        seconds = clock.total(training.history)
        state |= {f"{kind}.{name}": value for name, value in halved(prior).items()}
        notes[kind] = f"steps={training.step} seconds={seconds:.0f}"
        scores[kind] = _accuracy(prior, autoencoder, codes_of, judge, max(2, part(512, scale)))
        rows.append(f"| {kind} | {training.step:,} | {seconds:.0f} | {_row(scores[kind])} |")
        print(rows[-1], flush=True)
    store(folder, "small-priors", state, notes)
    card(folder, "small-priors", SMALL_CARD, device, rows="\n".join(rows))
    return scores


def _accuracy(prior: nn.Module, autoencoder, codes_of, judge, count: int) -> dict[str, float]:
    if isinstance(prior, FlowPrior):
        return prompt_accuracy(TextToRangoli(prior, autoencoder).draw, judge, count)

    def draw(prompts: list[str]) -> Tensor:
        codes = sample_codes(prior, vocabulary().encode(prompts))
        return ((codes_of.decode(codes) + 1) / 2).clamp(0, 1)

    return prompt_accuracy(draw, judge, count)


SMALL_CARD = """# small-priors: three ways to learn what pictures fit a prompt, at equal cost

Made by `python3 course.py train small-priors` (seed 0, {device}, PyTorch {torch}) and loaded by
`load_small_priors` in lesson 03, notebook 3: priors of width 96 and depth 3. *flow* draws latents
of latent-autoencoder, *ar* (one code after another) and *masked* (MaskGIT) codes of vqgan-rangoli.

Data: 24,000 rangoli of seed 50 without the held-out combinations, four captions of each. Steps of
64, AdamW, learning rate 0.004, moving average 0.99; so many that the seconds are alike.

Measured with `judge-rangoli` on 512 prompts of all combinations; guidance 2. *both*: motif and
colour; *all*: and ground; *hi*, *en*: both, by language.

| prior | steps | seconds | motif | colour | ground | symmetry | both | all | hi | en |
|---|---|---|---|---|---|---|---|---|---|---|
{rows}

Limits: half-trained on purpose, to be compared; text2rangoli is the one to use. One seed each.
Licence: as the course's code, MIT.
"""


MODELS: dict[str, Callable[[torch.device], object]] = {
    "feature-net": train_features,
    "vqgan-rangoli": train_vqgan_rangoli,
    "latent-autoencoder": train_autoencoder,
    "text2rangoli": train_text2rangoli,
    "small-priors": train_small_priors,
}
