"""What lesson 03-vqgan builds, for what comes later.

Built by `python3 course.py build` from
lessons/03-vqgan/1-vqvae.py,
lessons/03-vqgan/2-vqgan.py,
lessons/03-vqgan/3-words-to-pictures.py,
lessons/03-vqgan/4-using-it.py: edit there, not here.
"""

import copy
import difflib
import io
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange
from matplotlib.axes import Axes
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

import common
from common.attention import (
    MultiHeadAttention,
    TransformerBlock,
    causal_mask,
    scaled_dot_product_attention,
)
from common.data import to_float, to_uint8
from common.gan import (
    Muon,
    frechet_distance,
    hinge_discriminator_loss,
    hinge_generator_loss,
)
from common.lang import t
from common.metrics import HEADS, Judge
from common.rangoli import (
    Factors,
    all_factors,
    caption,
    captions,
    held_out,
    render,
    sample_factors,
)
from common.training import Training


def lamps(places: Tensor) -> Tensor:
    """Pictures of one lamp at places [N, 2] (right, down, in 0…1): 8 × 8 pixels, as [N, 64]."""
    tiles = torch.arange(8.0, device=places.device)
    right, down = (torch.exp(-(tiles - 7 * places[:, i, None]).square() / 3) for i in (0, 1))
    return (down[:, :, None] * right[:, None, :]).flatten(1)


class AsItIs(nn.Module):
    """The middle of an autoencoder: the latent [N, 2] goes on unchanged, at no price."""

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return z, z.new_zeros(())


class LampModel(nn.Module):
    """64 pixels -> `numbers` latents -> the middle makes 2 of them -> 64 pixels.

    middle: a module that takes the latents [N, numbers] and gives ([N, 2], a price for the loss).
    """

    def __init__(self, middle: nn.Module, numbers: int = 2, seed: int = 0) -> None:
        super().__init__()
        self.middle = middle
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.encoder = nn.Sequential(nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, numbers))
            self.decoder = nn.Sequential(nn.Linear(2, 64), nn.SiLU(), nn.Linear(64, 64))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x [N, 64] -> the restored pictures [N, 64], and the middle's price."""
        z, price = self.middle(self.encoder(x))
        return self.decoder(z), price


class LampLook(NamedTuple):
    """A look at a training. step; places [400, 2] of the lamps looked at; latents [400, 2] as the
    encoder emits them; codes [K, 2] and how often each was chosen [K], None without codes.
    """

    step: int
    places: Tensor
    latents: Tensor
    codes: Tensor | None
    chosen: Tensor | None


def look_at_lamps(model: LampModel, step: int = 0) -> LampLook:
    """Encode 400 lamps in even rows."""
    device = model.decoder[0].weight.device
    line = torch.linspace(0, 1, 20, device=device)
    places = torch.cartesian_prod(line, line)
    with torch.no_grad():
        latents = model.encoder(lamps(places))[:, :2]
    quantizer = getattr(model.middle, "quantizer", None)
    if quantizer is None:
        return LampLook(step, places.cpu(), latents.cpu(), None, None)
    indices = quantizer.nearest(latents[:, :, None, None]).flatten()
    chosen = indices.bincount(minlength=quantizer.codes)
    codes = quantizer.codebook.detach().clone()
    return LampLook(step, places.cpu(), latents.cpu(), codes.cpu(), chosen.cpu())


def train_lamps(
    model: LampModel, steps: int, *, look_every: int = 0, seed: int = 0
) -> list[LampLook]:
    """Train on lamps in random places; look before the first step and every `look_every` steps."""
    device = model.decoder[0].weight.device
    dice = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.train().parameters(), 5e-3, fused=True)
    looks = [look_at_lamps(model)] if look_every else []
    for step in range(1, steps + 1):
        x = lamps(torch.rand(256, 2, generator=dice)).to(device)
        restored, price = model(x)
        loss = F.mse_loss(restored, x) + price
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if look_every and step % look_every == 0:
            looks.append(look_at_lamps(model, step))
    model.eval()
    return looks


@torch.no_grad()
def lamp_error(model: LampModel) -> float:
    """The squared error on 1000 new lamps, as a share of the error of the mean picture."""
    places = torch.rand(1000, 2, generator=torch.Generator().manual_seed(9))
    x = lamps(places).to(model.decoder[0].weight.device)
    return (F.mse_loss(model(x)[0], x) / F.mse_loss(x.mean(0).expand_as(x), x)).item()


def draw_lamps(ax: Axes, look: LampLook, title: str = "", limit: float | None = None) -> None:
    """The plane of latents, coloured by where the lamp stands; codes in use black, others hollow.

    limit: how far the axes reach; without it, as far as the latents and the codes in use.
    """
    right, down = look.places.T
    colour = torch.stack([0.1 + 0.85 * right, 0.35 + 0.3 * down, 0.95 - 0.85 * down], dim=1)
    ax.scatter(*look.latents.T, s=4, c=colour.numpy(), linewidths=0)
    seen = look.latents
    if look.codes is not None:
        used = look.chosen > 0
        ax.plot(*look.codes[used].T, "o", color="black", markersize=3)
        ax.plot(*look.codes[~used].T, "o", color="0.55", markersize=3, fillstyle="none", mew=0.8)
        seen = torch.cat([seen, look.codes[used]])
    low, high = seen.amin(0), seen.amax(0)
    (x, y), reach = ((low + high) / 2).tolist(), 0.55 * (high - low).max().item()
    if limit is not None:
        x, y, reach = 0.0, 0.0, limit
    ax.set(xlim=(x - reach, x + reach), ylim=(y - reach, y + reach), aspect="equal")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(True)
    ax.set_title(title, fontsize=10)


class Quantized(NamedTuple):
    """What a quantiser gives. vectors: [N, d, H, W], for the decoder; indices: Long [N, H, W], the
    codes that stand for the picture; loss: a scalar that draws vectors and codes together.
    """

    vectors: Tensor
    indices: Tensor
    loss: Tensor


class Quantizer(nn.Module):
    """Replaces every vector of a feature map by the nearest of `codes` learnt ones.

    update: how the codebook learns. "gradient": by a loss of its own (van den Oord et al. 2017,
        equation 3). "ema": each code is the moving average of the vectors that chose it (their
        appendix A.1), with `decay`; no gradient reaches it.
    beta: the weight of the commitment loss, which draws the encoder to the codes.
    kmeans: start from the centres of the first batch instead of random numbers.
    restart: a code that serves less than `dead` of an even share of the vectors is put on one of
        the batch's vectors. normalize: vectors and codes have length 1, so only direction counts.

    Its dice are its own (`generator`, from `seed`): the global random numbers are left alone.
    """

    def __init__(
        self,
        codes: int = 256,
        dim: int = 8,
        *,
        update: str = "ema",
        decay: float = 0.9,
        beta: float = 0.25,
        kmeans: bool = True,
        restart: bool = True,
        normalize: bool = False,
        dead: float = 0.05,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if update not in ("ema", "gradient"):
            raise ValueError(t('update is "ema" or "gradient", not {given}', given=repr(update)))
        self.codes, self.dim, self.update, self.decay, self.beta = codes, dim, update, decay, beta
        self.kmeans, self.restart, self.normalize, self.dead = kmeans, restart, normalize, dead
        self.generator = torch.Generator().manual_seed(seed)
        start = self.on_sphere(torch.randn(codes, dim, generator=self.generator))
        if update == "gradient":
            self.codebook = nn.Parameter(start)
        else:
            self.register_buffer("codebook", start)
        self.register_buffer("counts", torch.ones(codes))  # vectors that chose each, smoothed …
        self.register_buffer("sums", start.clone())  # … and their sum
        self.register_buffer("started", torch.tensor(not kmeans))

    def forward(self, z: Tensor) -> Quantized:
        """z: [N, d, H, W]."""
        rows = self.rows(z)  # [M, d], M = N·H·W
        if self.training:
            if not self.started:
                self.start_from(rows.detach())
            elif self.restart:
                self.revive(rows.detach())
        indices = self.nearest_row(rows)
        chosen = F.embedding(indices, self.entries())

        loss = self.beta * F.mse_loss(rows, chosen.detach())  # commitment: moves the encoder
        if self.update == "gradient":
            loss = loss + F.mse_loss(chosen, rows.detach())  # codebook: moves the codes
        if self.training:
            self.count(rows.detach(), indices)
        straight = rows + (chosen - rows).detach()  # forward: chosen; backward: as if rows
        n, _, h, w = z.shape
        vectors = rearrange(straight, "(n h w) d -> n d h w", n=n, h=h)
        return Quantized(vectors, indices.view(n, h, w), loss)

    def nearest(self, z: Tensor) -> Tensor:
        """The codes of z [N, d, H, W]: Long [N, H, W]."""
        n, _, h, w = z.shape
        return self.nearest_row(self.rows(z)).view(n, h, w)

    def look_up(self, indices: Tensor) -> Tensor:
        """The vectors of indices [N, H, W]: [N, d, H, W]."""
        return rearrange(F.embedding(indices, self.entries()), "n h w d -> n d h w")

    def rows(self, z: Tensor) -> Tensor:
        """z [N, d, H, W] as one vector a row, [N·H·W, d]."""
        if z.dim() != 4 or z.shape[1] != self.dim:
            raise ValueError(
                t("z must be [N, {dim}, H, W], not {shape}", dim=self.dim, shape=list(z.shape))
            )
        return self.on_sphere(rearrange(z, "n d h w -> (n h w) d"))

    def on_sphere(self, rows: Tensor) -> Tensor:
        return F.normalize(rows, dim=1, eps=1e-6) if self.normalize else rows

    def entries(self) -> Tensor:
        """The codes [codes, d] as they are compared and handed out."""
        return self.on_sphere(self.codebook) if self.update == "gradient" else self.codebook

    @torch.no_grad()
    def nearest_row(self, rows: Tensor) -> Tensor:
        """argmin over k of ‖z - e_k‖² = ‖z‖² - 2 z·e_k + ‖e_k‖²; ‖z‖² is the same for all k."""
        entries = self.entries()
        return torch.addmm(entries.square().sum(1), rows, entries.T, alpha=-2).min(1).indices

    @torch.no_grad()
    def count(self, rows: Tensor, indices: Tensor) -> None:
        """Note which codes were chosen; with "ema", move them to the mean of what chose them."""
        counts = indices.bincount(minlength=self.codes).to(rows.dtype)
        self.counts.lerp_(counts, 1 - self.decay)
        if self.update == "ema":
            sums = torch.zeros_like(self.sums).index_add_(0, indices, rows)
            self.sums.lerp_(sums, 1 - self.decay)
            total = self.counts.sum()  # Laplace smoothing: never a division by 0
            smooth = (self.counts + 1e-5) / (total + self.codes * 1e-5) * total
            self.codebook.copy_(self.on_sphere(self.sums / smooth[:, None]))

    @torch.no_grad()
    def start_from(self, vectors: Tensor, rounds: int = 10) -> None:
        """Put the codes on the centres that k-means finds in vectors [M, d]."""
        vectors = self.on_sphere(vectors)
        self.put(slice(None), self.draw(vectors, self.codes))
        for _ in range(rounds):
            indices = self.nearest_row(vectors)
            counts = indices.bincount(minlength=self.codes).to(vectors.dtype)[:, None]
            sums = torch.zeros_like(self.sums).index_add_(0, indices, vectors)
            anywhere = self.draw(vectors, self.codes)  # for a centre that nobody chose
            self.put(slice(None), torch.where(counts > 0, sums / counts.clamp(min=1), anywhere))
        self.counts.fill_(len(vectors) / self.codes)
        self.sums.copy_(self.codebook * self.counts[:, None])
        self.started.fill_(True)

    @torch.no_grad()
    def revive(self, vectors: Tensor) -> None:
        """Put every dead code on one of the vectors [M, d], with an even share of them."""
        dead = (self.counts < self.dead * self.counts.mean()).nonzero().squeeze(1)
        if len(dead):
            share = self.counts.mean()
            self.put(dead, self.draw(vectors, len(dead)))
            self.counts[dead] = share
            self.sums[dead] = self.codebook[dead] * share

    def put(self, which: Tensor | slice, vectors: Tensor) -> None:
        self.codebook[which] = self.on_sphere(vectors)

    def draw(self, vectors: Tensor, count: int) -> Tensor:
        """`count` of the vectors [M, d], each at most once as long as there are enough."""
        order = torch.randperm(max(len(vectors), count), generator=self.generator)[:count]
        return vectors[(order % len(vectors)).to(vectors.device)]


class Snap(nn.Module):
    """The middle of a VQ-VAE, for latents [N, d]: each snaps to its nearest code."""

    def __init__(self, quantizer: Quantizer) -> None:
        super().__init__()
        self.quantizer = quantizer

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        quantized = self.quantizer(z[:, :, None, None])  # a feature map of 1 × 1
        return quantized.vectors.flatten(1), quantized.loss


class ResidualBlock(nn.Module):
    """x + what is missing: [N, C, H, W] -> the same shape. It begins as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.GroupNorm(8, channels),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 1),
        )
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.net(x)


class Encoder(nn.Module):
    """A picture [N, 3, H, W] in -1…1 -> a vector for each 4 × 4 pixels, [N, dim, H/4, W/4].

    H and W are multiples of 4, width is a multiple of 16. It emits vectors, not codes.
    """

    def __init__(self, width: int = 64, dim: int = 8) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.PixelUnshuffle(2),  # 2 × 2 pixels become 12 channels
            nn.Conv2d(12, width // 2, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(width // 2, width, 4, stride=2, padding=1),
            ResidualBlock(width),
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, dim, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 4 or x.shape[1] != 3 or x.shape[2] % 4 or x.shape[3] % 4:
            raise ValueError(
                t("Pictures must be [N, 3, H, W], H and W multiples of 4: {s}", s=list(x.shape))
            )
        return self.net(x)


class Decoder(nn.Module):
    """Vectors [N, dim, h, w] -> the picture [N, 3, 4h, 4w] in -1…1."""

    def __init__(self, width: int = 64, dim: int = 8) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(dim, width, 3, padding=1),
            ResidualBlock(width),
            ResidualBlock(width),
            nn.Conv2d(width, 2 * width, 1),
            nn.PixelShuffle(2),  # four channels become 2 × 2 places
            nn.Conv2d(width // 2, width // 2, 3, padding=1),
            nn.SiLU(),
            ResidualBlock(width // 2),
            nn.Conv2d(width // 2, 12, 3, padding=1),
            nn.PixelShuffle(2),
        )

    def forward(self, z: Tensor) -> Tensor:
        return self.net(z).tanh()


class VQVAE(nn.Module):
    """Encoder, quantiser, decoder. Pictures are [N, 3, H, W] in -1…1, codes Long [N, H/4, W/4].

    quantizer: a `Quantizer` or `FSQ`; without one, a Quantizer(codes, dim).
    """

    def __init__(
        self,
        width: int = 64,
        dim: int = 8,
        codes: int = 256,
        quantizer: "Quantizer | FSQ | None" = None,
    ) -> None:
        super().__init__()
        self.quantizer = Quantizer(codes, dim) if quantizer is None else quantizer
        self.encoder = Encoder(width, self.quantizer.dim)
        self.decoder = Decoder(width, self.quantizer.dim)

    def forward(self, x: Tensor) -> tuple[Tensor, Quantized]:
        """The picture as it comes back, and what the quantiser made of it."""
        quantized = self.quantizer(self.encoder(x))
        return self.decoder(quantized.vectors), quantized

    def encode(self, x: Tensor) -> Tensor:
        return self.quantizer.nearest(self.encoder(x))

    def decode(self, indices: Tensor) -> Tensor:
        return self.decoder(self.quantizer.look_up(indices))


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio of pictures [N, …] in -1…1, in dB: the mean over the pictures."""
    error = (a - b).square().flatten(1).mean(1).clamp(min=1e-10)
    return (10 * (4 / error).log10()).mean().item()  # the peak is 2, its square 4


def usage(indices: Tensor, codes: int) -> tuple[int, float]:
    """How many of the codes occur, and their perplexity exp(entropy): `codes` if all are equally
    frequent, 1 if it is always the same one."""
    share = indices.flatten().bincount(minlength=codes) / indices.numel()
    entropy = -torch.special.xlogy(share, share).sum()
    return int((share > 0).sum()), entropy.exp().item()


def reconstruction_loss(restored: Tensor, image: Tensor) -> Tensor:
    """|error| keeps edges, error² punishes blunders: half of one and two of the other."""
    return 0.5 * F.l1_loss(restored, image) + 2 * F.mse_loss(restored, image)


def train_vqvae(
    model: VQVAE,
    images: Tensor,
    steps: int,
    *,
    rate: float = 2e-3,
    batch: int = 64,
    start_at: int = 20,
    seed: int = 0,
    device: torch.device | str = "cpu",
    folder: Path | None = None,
    note: Callable[[int, VQVAE], dict[str, float] | None] | None = None,
) -> dict[str, list[tuple[int, float]]]:
    """Train on pictures uint8 [N, 3, H, W]; returns {name: [(step, value), …]} of the losses.

    Before step `start_at` nothing is quantised if the codes are to start from k-means: there must
    be something to find first. folder: keep the run (see common.training). note(step, model) is
    called after each step; the numbers that it returns are kept too.
    """
    if images.dtype != torch.uint8 or images.dim() != 4:
        raise ValueError(
            t("Pictures to train on must be uint8 [N, 3, H, W], not {s}", s=list(images.shape))
        )
    model.to(device, memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(
        model.parameters(), rate, betas=(0.9, 0.95), weight_decay=1e-4, fused=True
    )
    lot = torch.Generator().manual_seed(seed)  # draws the batches
    parts = {"model": model, "optimizer": optimizer, "lot": lot}
    if isinstance(model.quantizer, Quantizer):
        parts["dice"] = model.quantizer.generator
    settings = {"rate": rate, "batch": batch, "steps": steps, "seed": seed, "start_at": start_at}
    training = Training(parts, folder, name="vqvae", settings=settings)
    for step in training.steps(steps):
        share = min(1.0, (step + 1) / 30, max(0.05, 2 * (1 - step / steps)))  # warm up, decay
        optimizer.param_groups[0]["lr"] = rate * share
        index = torch.randint(len(images), (batch,), generator=lot)
        x = images[index].to(device, memory_format=torch.channels_last).float() / 127.5 - 1

        waiting = isinstance(model.quantizer, Quantizer) and not model.quantizer.started
        if waiting and step < min(start_at, steps - 1):
            z = model.encoder(x)
            restored, extra = model.decoder(z), 0.01 * z.square().mean()
        else:
            restored, quantized = model(x)
            extra = quantized.loss
        loss = reconstruction_loss(restored, x)
        optimizer.zero_grad()
        (loss + extra).backward()
        optimizer.step()

        training.note(reconstruction=loss, quantizer=extra)
        if note is not None:
            training.note(**(note(step, model) or {}))
    return training.history


class FSQ(nn.Module):
    """Finite scalar quantisation (Mentzer et al. 2023): each channel is rounded to one of a few
    levels; the codes are all combinations. Nothing to learn, so nothing can die.

    levels: e.g. (8, 6, 5), three channels and 240 codes. The interface is `Quantizer`'s.
    """

    def __init__(self, levels: Sequence[int]) -> None:
        super().__init__()
        if not levels or min(levels) < 3:
            raise ValueError(t("Every channel needs at least 3 levels: {given}", given=levels))
        self.codes, self.dim = math.prod(levels), len(levels)
        count = torch.tensor(levels)
        self.register_buffer("levels", count, persistent=False)
        places = torch.tensor([1, *levels[:-1]]).cumprod(0)
        self.register_buffer("places", places, persistent=False)
        digits = torch.arange(self.codes)[:, None] // places % count
        self.register_buffer("codebook", (digits - count // 2) / (count // 2), persistent=False)

    def forward(self, z: Tensor) -> Quantized:
        """z: [N, len(levels), H, W]."""
        bounded = self.bound(z)
        whole = bounded + (bounded.round() - bounded).detach()  # straight through the rounding
        half = (self.levels // 2).view(-1, 1, 1)
        indices = (whole.detach().round().long() + half).mul(self.places.view(-1, 1, 1)).sum(1)
        return Quantized(whole / half, indices, z.new_zeros(()))

    def bound(self, z: Tensor) -> Tensor:
        """z as numbers whose rounding has `levels` values, from -⌊levels / 2⌋ on."""
        if z.dim() != 4 or z.shape[1] != self.dim:
            raise ValueError(
                t("z must be [N, {dim}, H, W], not {shape}", dim=self.dim, shape=list(z.shape))
            )
        half = ((self.levels - 1) * (1 + 1e-3) / 2).view(-1, 1, 1)
        offset = (self.levels % 2 == 0).view(-1, 1, 1) * 0.5  # an even number has no middle
        return (z + (offset / half).atanh()).tanh() * half - offset

    def nearest(self, z: Tensor) -> Tensor:
        """The codes of z [N, d, H, W]: Long [N, H, W]."""
        return self(z).indices

    def look_up(self, indices: Tensor) -> Tensor:
        """The vectors of indices [N, H, W]: [N, d, H, W]."""
        return rearrange(F.embedding(indices, self.codebook), "n h w d -> n d h w")


def signed(images: Tensor) -> Tensor:
    """Pictures [N, 3, 32, 32], uint8 or float in -1…1, as float; ValueError names a cure."""
    if images.ndim != 4 or images.shape[1:] != (3, 32, 32):
        raise ValueError(
            t("Pictures must be [N, 3, 32, 32], not {shape}", shape=list(images.shape))
        )
    if images.dtype == torch.uint8:
        images = images.float() / 127.5 - 1
    return images.contiguous(memory_format=torch.channels_last)


def sharpness(pictures: Tensor) -> float:
    """How much neighbouring pixels differ, on the mean, in grey: pictures [N, C, H, W].

    A blurred copy has less than its original, noise has more: read it as a share of the original's.
    """
    grey = pictures.float().mean(1)
    across, down = grey.diff(dim=2), grey.diff(dim=1)
    return (across.abs().mean() + down.abs().mean()).item()


class FeatureNet(nn.Module):
    """Looks at pictures [N, 3, 32, 32] in -1…1 as a small VGG does: convolve, halve, convolve.

    `features` gives what it sees on three scales, forward the logits of {motif, colour, ground,
    symmetry}. Trained as a classifier, then frozen. It is not the judge, and never measures.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()

        def look(before: int, after: int) -> nn.Sequential:
            convolution = nn.Conv2d(before, after, 3, padding=1, bias=False)
            return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.LeakyReLU(0.1))

        self.scales = nn.ModuleList(
            [
                nn.Sequential(nn.PixelUnshuffle(2), look(12, width)),  # [N, width, 16, 16]
                nn.Sequential(  # [N, 2·width, 8, 8]
                    nn.AvgPool2d(2), look(width, 2 * width), look(2 * width, 2 * width)
                ),
                nn.Sequential(nn.AvgPool2d(2), look(2 * width, 4 * width)),  # [N, 4·width, 4, 4]
            ]
        )
        self.heads = nn.ModuleDict(
            {name: nn.Linear(4 * width * 16, count) for name, count in HEADS["rangoli"].items()}
        )

    def features(self, pictures: Tensor) -> list[Tensor]:
        """Three feature maps, from fine (16 × 16) to coarse (4 × 4)."""
        if pictures.shape[1:] != (3, 32, 32):
            raise ValueError(
                t("Pictures must be [N, 3, 32, 32], not {shape}", shape=list(pictures.shape))
            )
        seen = []
        for scale in self.scales:
            pictures = scale(pictures)
            seen.append(pictures)
        return seen

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        last = self.features(pictures)[-1].flatten(1)
        return {name: head(last) for name, head in self.heads.items()}


def train_feature_net(
    images: Tensor,
    labels: Tensor,
    steps: int,
    *,
    batch: int = 64,
    rate: float = 3e-3,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> FeatureNet:
    """A classifier of pictures uint8 [N, 3, 32, 32] by labels [N, 4], frozen when it is done.

    The columns of the labels: motif, colour, ground, symmetry; -1 where there is none to learn.
    """
    if labels.shape != (len(images), 4):
        raise ValueError(
            t("Labels must be [{n}, 4], not {shape}", n=len(images), shape=list(labels.shape))
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = FeatureNet()
    net.to(device, memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(net.parameters(), rate, weight_decay=1e-2, fused=True)
    lot = torch.Generator().manual_seed(seed)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * min(1.0, (step + 1) / 20) * (1 - step / steps)
        index = torch.randint(len(images), (batch,), generator=lot)
        pictures = signed(images[index])
        # A little noise: it is going to look at pictures that are not perfect
        strength = 0.15 * torch.rand(batch, 1, 1, 1, generator=lot)
        pictures = pictures + strength * torch.randn(pictures.shape, generator=lot)
        logits = net(pictures.to(device, memory_format=torch.channels_last))
        loss = torch.zeros((), device=device)
        for said, right in zip(logits.values(), labels[index].T, strict=True):
            known = right >= 0
            if known.any():
                loss = loss + F.cross_entropy(said[known.to(device)], right[known].to(device))
        if loss.requires_grad:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net.eval().requires_grad_(False)


def stored(name: str, cure: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The numbers and the notes of weights that ship; FileNotFoundError with the cure."""
    path = Path(common.__file__).parent / "weights" / f"{name}.safetensors"
    if not path.is_file():
        raise FileNotFoundError(
            t("{path} is missing: `{command}` makes it.", path=path.name, command=cure)
        )
    with safe_open(path, "pt") as file:
        state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        notes = file.metadata() or {}
    return {k: v.float() if v.is_floating_point() else v for k, v in state.items()}, notes


def load_feature_net(device: torch.device | str = "cpu") -> FeatureNet:
    """The feature network that ships with the course, frozen."""
    net = FeatureNet()
    net.load_state_dict(stored("feature-net", "python3 course.py train feature-net")[0])
    return net.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)


def perceptual_loss(net: FeatureNet, pictures: Tensor, originals: Tensor) -> Tensor:
    """How differently `net` sees two batches [N, 3, 32, 32] in -1…1: 0 if they are equal.

    Mean over the scales of |difference| relative to |feature of the original|. The gradient goes to
    `pictures` alone. Johnson et al. 2016; Esser et al. 2020 take LPIPS (Zhang et al. 2018).
    """
    with torch.no_grad():
        wanted = net.features(originals)
    parts = [
        (seen - right).abs().mean() / (right.abs().mean() + 1e-3)
        for seen, right in zip(net.features(pictures), wanted, strict=True)
    ]
    return torch.stack(parts).mean()


class PatchDiscriminator(nn.Module):
    """Pictures [N, 3, 32, 32] in -1…1 -> a logit for each of 8 × 8 places [N, 1, 8, 8].

    Each logit sees a patch of 12 × 12 pixels. Isola et al. 2016. spectral: whether the layers'
    slopes are bounded (Miyato et al. 2018).
    """

    def __init__(self, width: int = 32, spectral: bool = True) -> None:
        super().__init__()
        limit = spectral_norm if spectral else lambda layer: layer
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2),  # [N, 12, 16, 16]
            limit(nn.Conv2d(12, width, 3, padding=1)),
            nn.LeakyReLU(0.2),
            limit(nn.Conv2d(width, 2 * width, 4, 2, 1)),  # [N, 2·width, 8, 8]
            nn.LeakyReLU(0.2),
            limit(nn.Conv2d(2 * width, 2 * width, 1)),
            nn.LeakyReLU(0.2),
            limit(nn.Conv2d(2 * width, 1, 1)),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        if pictures.shape[1:] != (3, 32, 32):
            raise ValueError(
                t("Pictures must be [N, 3, 32, 32], not {shape}", shape=list(pictures.shape))
            )
        return self.body(pictures)


def adaptive_weight(
    reconstruction_loss: Tensor, generator_loss: Tensor, last_layer: Tensor, limit: float = 1e4
) -> Tensor:
    """λ = |∇ reconstruction| / (|∇ generator| + 1e-4), the gradients those of `last_layer`.

    Esser et al. 2020, equation 7. A number without a gradient, at most `limit`. Both losses keep
    their graphs. RuntimeError of torch if a loss does not depend on the layer.
    """
    (pull,) = torch.autograd.grad(reconstruction_loss, last_layer, retain_graph=True)
    (push,) = torch.autograd.grad(generator_loss, last_layer, retain_graph=True)
    return (pull.norm() / (push.norm() + 1e-4)).clamp(max=limit).detach()


def last_layer(model: VQVAE) -> Tensor:
    """The weights of the decoder's last convolution: all that it draws goes through them."""
    return [m for m in model.decoder.modules() if isinstance(m, nn.Conv2d)][-1].weight


@dataclass(frozen=True)
class VqganConfig:
    """All that a VQGAN's recipe sets; with perceptual = adversarial = 0 it is a VQ-VAE."""

    perceptual: float = 0.3  # weight of the perceptual loss
    adversarial: float = 0.4  # of the generator's loss, times λ if adaptive
    adaptive: bool = True
    limit: float = 1e4  # λ is at most that
    start_share: float = 0.4  # of the steps that pass before the generator hears of D
    lead: int = 10  # steps that D learns alone before
    spectral: bool = True  # D's spectral norm
    width: int = 64
    dim: int = 8
    codes: int = 256
    commitment: float = 0.25  # beta
    warm_up: int = 20  # steps without quantiser; then k-means starts the codebook
    rates: tuple[float, float] = (2e-3, 1e-3)  # of autoencoder and discriminator
    batch: int = 64

    def make(self) -> tuple[VQVAE, PatchDiscriminator]:
        """New networks, from torch's global random state."""
        return VQVAE(self.width, self.dim, self.codes), PatchDiscriminator(spectral=self.spectral)


@dataclass
class TrainedVqgan:
    """What training leaves; history: {name: [(step, value), …]}."""

    model: VQVAE
    discriminator: nn.Module
    history: dict[str, list[tuple[int, float]]] = field(default_factory=dict)


def train_vqgan(
    images: Tensor,
    *,
    steps: int,
    config: VqganConfig | None = None,
    features: FeatureNet | None = None,
    start: TrainedVqgan | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    folder: Path | None = None,
    note: Callable[[int, TrainedVqgan], dict[str, float] | None] | None = None,
    **changes: float,
) -> TrainedVqgan:
    """Train a VQGAN on pictures uint8 [N, 3, 32, 32]; changes: fields of the config.

    features: the network of the perceptual loss, needed unless perceptual is 0. start: go on from
    copies of these networks. folder: keep the run there, and go on from what it holds.
    note(step, trained): called after each step; the numbers it returns stand in the history.
    """
    config = replace(config or VqganConfig(), **changes)
    if images.dtype != torch.uint8 or images.shape[1:] != (3, 32, 32):
        raise ValueError(
            t(
                "Pictures to train on must be uint8 [N, 3, 32, 32], not {dtype} {shape}",
                dtype=str(images.dtype).removeprefix("torch."),
                shape=list(images.shape),
            )
        )
    if config.perceptual and features is None:
        raise ValueError(
            t("A perceptual loss needs a network: features=load_feature_net(), or perceptual=0.")
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model, discriminator = config.make()
    if start is not None:
        model, discriminator = copy.deepcopy(start.model), copy.deepcopy(start.discriminator)
    for network in (model, discriminator):
        network.to(device, memory_format=torch.channels_last).train().requires_grad_(True)
    optimizer = torch.optim.AdamW(
        model.parameters(), config.rates[0], (0.9, 0.95), weight_decay=1e-4, fused=True
    )
    optimizer_d = torch.optim.AdamW(
        discriminator.parameters(), config.rates[1], (0.0, 0.9), fused=True
    )
    lot = torch.Generator().manual_seed(seed)  # draws the batches
    training = Training(
        {"model": model, "discriminator": discriminator, "optimizer": optimizer}
        | {"optimizer_d": optimizer_d, "lot": lot, "dice": model.quantizer.generator},
        folder,
        name="vqgan",
        settings=asdict(config) | {"seed": seed, "steps": steps},
    )
    trained = TrainedVqgan(model, discriminator, training.history)
    joins = round(config.start_share * steps)  # the step at which the generator hears of D
    quantise_from = 0 if start is not None else min(config.warm_up, steps // 2)

    for step in training.steps(steps):
        warm = min(1.0, (step + 1) / 30) if start is None else 1.0
        optimizer.param_groups[0]["lr"] = (
            config.rates[0] * warm * max(0.05, min(1.0, 2 * (1 - step / steps)))
        )
        index = torch.randint(len(images), (config.batch,), generator=lot)
        real = signed(images[index]).to(device)

        # 1. The autoencoder: restore the picture; to the eye of `features`, too
        if step < quantise_from:
            codes = model.encoder(real)
            restored, code_loss = model.decoder(codes), 0.01 * codes.square().mean()
        else:
            restored, quantized = model(real)
            code_loss = quantized.loss
        rebuild = reconstruction_loss(restored, real)
        if config.perceptual:
            rebuild = rebuild + config.perceptual * perceptual_loss(features, restored, real)
        loss = rebuild + code_loss
        measures = {"rebuild": rebuild}
        if config.adversarial and step >= joins:
            discriminator.requires_grad_(False)  # D is frozen, but the gradient goes through it
            fooled = hinge_generator_loss(discriminator(restored))
            weight = config.adversarial
            if config.adaptive:
                factor = adaptive_weight(rebuild, fooled, last_layer(model), config.limit)
                weight = weight * factor
                measures["lambda"] = factor
            loss = loss + weight * fooled
            discriminator.requires_grad_(True)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

        # 2. The discriminator: real up, restored down. detach: the autoencoder does not learn here
        if config.adversarial and step >= joins - config.lead:
            both = torch.cat([real, restored.detach()])
            real_logits, fake_logits = discriminator(both).chunk(2)
            loss_d = hinge_discriminator_loss(real_logits, fake_logits)
            optimizer_d.zero_grad()
            loss_d.backward()
            optimizer_d.step()
            measures |= {"loss_d": loss_d, "real": real_logits.mean(), "fake": fake_logits.mean()}
        training.note(**measures)
        trained.history = training.history
        if note:
            training.note(**(note(step + 1, trained) or {}))
    model.eval()
    discriminator.eval()
    trained.history = training.history
    return trained


@torch.no_grad()
def restore(model: VQVAE, images: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures through the model and back: [N, 3, 32, 32] in -1…1, and their codes [N, 8, 8].

    images: uint8, or float in -1…1. Both results lie on the CPU.
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()  # the codebook must not learn from being measured
    parts = []
    for batch in signed(images).split(250):
        indices = model.encode(batch.to(device))
        parts.append((model.decode(indices).clamp(-1, 1).cpu(), indices.cpu()))
    model.train(was_training)
    pictures, codes = zip(*parts, strict=True)
    return torch.cat(pictures), torch.cat(codes)


def vqgan_report(
    model: VQVAE, images: Tensor, labels: Factors, judge: Judge
) -> dict[str, float | int]:
    """One row of the running table, of pictures [N, 3, 32, 32] that the model restores.

    psnr in dB; sharpness as a share of the originals'; rfid: Fréchet distance of the judge's
    features to those of the originals; motif, symmetry: the share that the judge still reads
    rightly; used, perplexity: of the codes. Compare only rows of the same pictures.
    """
    originals = signed(images)
    restored, codes = restore(model, originals)
    used, perplexity = usage(codes, model.quantizer.codes)
    seen, known = (judge((x + 1) / 2) for x in (restored, originals))
    said = judge.read((restored + 1) / 2)
    right = {
        head: (said[head].argmax(1).cpu() == getattr(labels, head)).float().mean().item()
        for head in said
    }
    return {
        "psnr": psnr(restored, originals),
        "rfid": frechet_distance(known, seen),
        "sharpness": sharpness(restored) / sharpness(originals),
        "used": used,
        "perplexity": perplexity,
        **right,
    }


def load_vqgan(device: torch.device | str = "cpu", name: str = "vqgan-rangoli") -> VQVAE:
    """The VQGAN that ships with the course, ready to encode and decode."""
    state, notes = stored(name, f"python3 course.py train {name}")
    model = VQVAE(**{key: int(notes[key]) for key in ("width", "dim", "codes") if key in notes})
    model.load_state_dict(state)
    return model.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)


PAD, NOTHING = 0, 1  # fills up short prompts; stands for "no prompt at all"
LENGTH = 12  # words in a prompt at most


def plain(word: str) -> str:
    """A word as it is looked up: lower case, without full stops, and with or without nukta the
    same (सफ़ेद, सफेद)."""
    word = unicodedata.normalize("NFD", word.lower()).replace("\u093c", "")
    return word.strip(".,!?;:\"'।")


class Vocabulary:
    """The words of the captions of both languages, each with its number.

    words: all of them, in order; len(): how many numbers there are, the two special ones included.
    """

    def __init__(self) -> None:
        kinds = all_factors()
        texts = [text for tongue in ("hi", "en") for text in captions(kinds, tongue, symmetry=True)]
        self.words = [
            "<pad>",
            "<nothing>",
            *sorted({word for text in texts for word in text.split()}),
        ]
        self.numbers = {plain(word): number for number, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def number(self, word: str) -> int:
        """A ValueError names an unknown word, and known ones that look like it."""
        found = self.numbers.get(plain(word))
        if found is None or found in (PAD, NOTHING):
            near = difflib.get_close_matches(plain(word), list(self.numbers)[2:], 3, 0.5)
            if not near:  # then words of the same script
                near = [w for w in self.numbers if w.isascii() == word.isascii()][2:8]
            near = [self.words[self.numbers[w]] for w in near]
            raise ValueError(
                t(
                    "This model has never read the word “{word}”. Near it are: {near}.",
                    word=word,
                    near=", ".join(near),
                )
            )
        return found

    def encode(self, prompts: Sequence[str], length: int | None = None) -> Tensor:
        """Prompts to numbers [N, length], filled up with PAD; an empty prompt is NOTHING.

        Without `length`, that of the longest prompt. ValueError for an unknown word, for a prompt
        of more than LENGTH words, and for one string in place of a list.
        """
        if isinstance(prompts, str):
            raise ValueError(t("Give a list of prompts: [{prompt}]", prompt=repr(prompts)))
        rows = [[self.number(word) for word in prompt.split()] or [NOTHING] for prompt in prompts]
        longest = max(map(len, rows), default=1)
        length = length or longest
        if longest > min(length, LENGTH):
            raise ValueError(
                t(
                    "A prompt has {n} words; {most} are the most.",
                    n=longest,
                    most=min(length, LENGTH),
                )
            )
        return torch.tensor([row + [PAD] * (length - len(row)) for row in rows])

    def decode(self, tokens: Tensor) -> list[str]:
        """The words of each row of numbers [N, length]."""
        return [
            " ".join(self.words[i] for i in row if i not in (PAD, NOTHING))
            for row in tokens.tolist()
        ]


@cache
def vocabulary() -> Vocabulary:
    """The vocabulary of the course's captions; made once."""
    return Vocabulary()


def nothing_like(tokens: Tensor) -> Tensor:
    """As many empty prompts, of the same length: tokens [N, L] -> [N, L]."""
    empty = torch.full_like(tokens, PAD)
    empty[:, 0] = NOTHING
    return empty


def caption_table(factors: Factors) -> Tensor:
    """Four captions of each picture, as tokens [N, 4, L]: Hindi and English, without and with what
    its symmetry counts."""
    kinds = all_factors()
    texts = [
        caption(kinds[i], tongue, symmetry=symmetry)
        for i in range(len(kinds))
        for tongue in ("hi", "en")
        for symmetry in (False, True)
    ]
    table = vocabulary().encode(texts).view(len(kinds), 4, -1)
    kind = ((factors.motif * 8 + factors.colour) * 4 + factors.ground) * 3 + factors.symmetry
    return table[kind.cpu()].to(factors.motif.device)


class TextEncoder(nn.Module):
    """Words that have looked at one another: tokens [B, L] -> states [B, L, width]."""

    def __init__(self, width: int, heads: int = 4, words: int | None = None) -> None:
        super().__init__()
        self.embed = nn.Embedding(words or len(vocabulary()), width)
        self.positions = nn.Parameter(0.02 * torch.randn(LENGTH, width))
        self.block = TransformerBlock(width, heads, 2 * width)
        self.norm = nn.LayerNorm(width)
        nn.init.normal_(self.embed.weight, std=0.5)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """-> states [B, L, width], and where there is a word to read [B, 1, L] (boolean)."""
        readable = (tokens != PAD)[:, None]
        x = self.embed(tokens) + self.positions[: tokens.shape[1]]
        x, _ = self.block(x, readable)
        return self.norm(x), readable


class CrossBlock(nn.Module):
    """The places of a picture look at one another, then they read the prompt, then each thinks.

    A Transformer block with one more attention: its queries are places, its keys and values words.
    """

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.norm_1, self.look = nn.LayerNorm(width), MultiHeadAttention(width, heads)
        self.norm_2, self.read = nn.LayerNorm(width), MultiHeadAttention(width, heads)
        self.norm_3 = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, 3 * width), nn.GELU("tanh"), nn.Linear(3 * width, width)
        )
        self.shifts = nn.Parameter(torch.zeros(6, width))  # added to what the time says

    def forward(
        self,
        x: Tensor,
        words: Tensor,
        readable: Tensor,
        mask: Tensor | None = None,
        time: Tensor | None = None,
        past: dict[str, tuple[Tensor, Tensor]] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """x [B, n, width], words [B, L, width] -> x, and who read which word [B, heads, n, L].

        mask: [n, n], who may look at whom. time: [B, 6, width], see `FlowPrior`. past: what earlier
        calls kept of earlier places, when a picture is written one place at a time.
        """
        if time is None:
            time = x.new_zeros(1, 6, 1)
        scale_1, shift_1, gate_1, scale_2, shift_2, gate_2 = (time + self.shifts)[
            :, :, None
        ].unbind(1)  # each [B, 1, width]
        h = self.norm_1(x) * (1 + scale_1) + shift_1
        looked = self.look(h, mask=mask)[0] if past is None else recall(self.look, h, past)
        x = x + (1 + gate_1) * looked
        read, weights = self.read(self.norm_2(x), words, mask=readable)
        x = x + read
        h = self.norm_3(x) * (1 + scale_2) + shift_2
        return x + (1 + gate_2) * self.feed_forward(h), weights


def recall(attention: MultiHeadAttention, h: Tensor, past: dict) -> Tensor:
    """Causal self-attention of the newest place h [B, 1, width], with the keys and values of all
    earlier ones out of `past`, to which its own are added."""
    split = "b n (h d) -> b h n d"
    query, key, value = (
        rearrange(project(h), split, h=attention.n_heads)
        for project in (attention.to_query, attention.to_key, attention.to_value)
    )
    if "key" in past:
        key, value = torch.cat([past["key"], key], 2), torch.cat([past["value"], value], 2)
    past["key"], past["value"] = key, value
    heads, _ = scaled_dot_product_attention(query, key, value)
    return attention.to_out(rearrange(heads, "b h n d -> b n (h d)"))


class CodePrior(nn.Module):
    """Scores of the codes of a picture, given its words.

    kind="ar": autoregressive, each place sees the places before it (row by row).
    kind="masked": each place sees all places, of which some are masked (MaskGIT).
    """

    def __init__(
        self,
        kind: str,
        width: int = 96,
        depth: int = 3,
        heads: int = 4,
        codes: int = 256,
        places: int = 64,
    ) -> None:
        super().__init__()
        if kind not in ("ar", "masked"):
            raise ValueError(t('kind is "ar" or "masked", not {kind}', kind=repr(kind)))
        self.kind, self.codes, self.places = kind, codes, places
        self.text = TextEncoder(width, heads)
        self.embed = nn.Embedding(codes + 1, width)  # the last one: the start, or the mask
        self.positions = nn.Parameter(0.02 * torch.randn(places, width))
        self.blocks = nn.ModuleList(CrossBlock(width, heads) for _ in range(depth))
        self.norm, self.to_code = nn.LayerNorm(width), nn.Linear(width, codes)
        nn.init.normal_(self.embed.weight, std=0.02)

    def forward(self, x: Tensor, words: Tensor, readable: Tensor) -> Tensor:
        """x: codes [B, places], masked places hold `codes` -> scores [B, places, codes].

        Of an "ar" prior, the scores of place i depend on x[:, :i] only.
        """
        mask = None
        if self.kind == "ar":
            start = torch.full_like(x[:, :1], self.codes)
            x = torch.cat([start, x[:, :-1]], dim=1)
            mask = causal_mask(self.places, x.device)
        h = self.embed(x) + self.positions
        for block in self.blocks:
            h, _ = block(h, words, readable, mask)
        return self.to_code(self.norm(h))

    def next_code(
        self, x: Tensor, place: int, words: Tensor, readable: Tensor, past: list[dict]
    ) -> Tensor:
        """The same scores, of one place [B, codes], from the code before it, x [B]."""
        h = (self.embed(x) + self.positions[place])[:, None]
        for block, kept in zip(self.blocks, past, strict=True):
            h, _ = block(h, words, readable, past=kept)
        return self.to_code(self.norm(h))[:, 0]

    def loss(self, x: Tensor, tokens: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Cross-entropy: of every code ("ar"), or of those that were masked ("masked").

        x: codes [B, 8, 8] or [B, places]; tokens [B, L].
        """
        x, (words, readable) = x.flatten(1), self.text(tokens)
        if self.kind == "ar":
            return F.cross_entropy(self(x, words, readable).flatten(0, 1), x.flatten())
        share = torch.cos(torch.rand(len(x), 1, generator=generator) * math.pi / 2)
        order = torch.rand(x.shape, generator=generator)
        hidden = order <= torch.maximum(share, order.amin(1, keepdim=True))  # at least one
        hidden = hidden.to(x.device)
        scores = self(x.masked_fill(hidden, self.codes), words, readable)
        return F.cross_entropy(scores[hidden], x[hidden])


def heun(velocity: Callable[[Tensor, float], Tensor], x: Tensor, steps: int) -> Tensor:
    """Follow dx/dt = velocity(x, t) from t = 0 to 1. Heun: each step goes by the mean of the
    velocities at both its ends, and so is exact where the velocity changes evenly in t."""
    length = 1 / steps
    for i in range(steps):
        first = velocity(x, i * length)
        second = velocity(x + length * first, (i + 1) * length)
        x = x + length / 2 * (first + second)
    return x


class LatentAutoencoder(nn.Module):
    """Pictures [N, 3, 32, 32] in −1…1 to latents [N, channels, 8, 8] and back; no codebook.

    The latents that `encode` hands out have mean 0 and deviation 1 in every channel, once `settle`
    has measured them. Between encoder and decoder they are bounded by ±3 (tanh), and in training
    noise of 0.15 is added: without both, a latent could hide its message in digits too small for
    a prior to learn. A linear map of each 4 × 4 pixels runs beside either network, so that these
    need to learn only what a linear map cannot do; so pictures unlike the rangoli survive too.
    """

    def __init__(self, width: int = 64, channels: int = 24) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(width, channels), Decoder(width, channels)
        self.shortcut_in = nn.Conv2d(3, channels, 4, stride=4)
        self.shortcut_out = nn.ConvTranspose2d(channels, 3, 4, stride=4)
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1))
        self.register_buffer("std", torch.ones(1, channels, 1, 1))

    def bounded(self, x: Tensor) -> Tensor:
        return 3 * torch.tanh((self.encoder(x) + self.shortcut_in(x)) / 3)

    def restored(self, z: Tensor) -> Tensor:
        return self.decoder.net(z) + self.shortcut_out(z)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The picture restored, and its latents before any noise: what training looks at."""
        z = self.bounded(x)
        noise = 0.15 * torch.randn_like(z) if self.training else 0.0
        return self.restored(z + noise), z

    @torch.no_grad()
    def settle(self, images: Tensor) -> None:
        """Measure mean and deviation of each channel on pictures [N, 3, 32, 32] in −1…1."""
        z = torch.cat([self.bounded(batch) for batch in images.split(500)])
        self.mean.copy_(z.mean((0, 2, 3), keepdim=True))
        self.std.copy_(z.std((0, 2, 3), keepdim=True))

    @torch.no_grad()
    def encode(self, x: Tensor) -> Tensor:
        return torch.cat([(self.bounded(b) - self.mean) / self.std for b in x.split(500)])

    def decode(self, z: Tensor) -> Tensor:
        """Pictures in −1…1, with gradients if z has them."""
        return self.restored(z * self.std + self.mean).clamp(-1, 1)


def load_latent_autoencoder(device: torch.device | str = "cpu") -> LatentAutoencoder:
    """The autoencoder without codes that ships with the course, frozen."""
    state, _ = stored("latent-autoencoder", "python3 course.py train latent-autoencoder")
    model = LatentAutoencoder(channels=state["mean"].shape[1])
    model.load_state_dict(state)
    return model.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)


class FlowPrior(nn.Module):
    """The velocity that carries noise (t = 0) to latents (t = 1), given the words.

    A diffusion Transformer: patches of 2 × 2 latents are its 16 tokens. The time moves and scales
    what each block sees, by numbers that all blocks share but for a shift of their own.
    """

    def __init__(
        self,
        width: int = 144,
        depth: int = 4,
        heads: int = 4,
        channels: int = 24,
        side: int = 8,
        patch: int = 2,
        moment: float = 0.0,
    ) -> None:
        """moment: around which times it learns most, those near sigmoid(moment)."""
        super().__init__()
        self.shape, self.patch, self.moment = (channels, side, side), patch, moment
        self.text = TextEncoder(width, heads)
        numbers = channels * patch**2
        self.to_token = nn.Linear(numbers, width)
        self.positions = nn.Parameter(0.02 * torch.randn((side // patch) ** 2, width))
        self.time = nn.Sequential(
            nn.Linear(64, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )
        self.to_shifts = nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList(CrossBlock(width, heads) for _ in range(depth))
        self.norm, self.to_velocity = nn.LayerNorm(width), nn.Linear(width, numbers)
        for last in (self.to_shifts, self.to_velocity):
            nn.init.zeros_(last.weight)

    def forward(self, x: Tensor, time: Tensor, words: Tensor, readable: Tensor) -> Tensor:
        """x [B, channels, side, side], time [B] in 0…1 -> velocity, shaped like x."""
        return self.velocity_and_reading(x, time, words, readable)[0]

    def velocity_and_reading(
        self, x: Tensor, time: Tensor, words: Tensor, readable: Tensor
    ) -> tuple[Tensor, Tensor]:
        """And who read which word: [B, depth, heads, patches, L]."""
        rates = 100 * torch.exp(-math.log(1000) / 32 * torch.arange(32, device=x.device))
        angles = time[:, None] * rates
        moved = self.time(torch.cat([angles.sin(), angles.cos()], dim=1))
        moved = self.to_shifts(moved).unflatten(1, (6, -1))
        h = rearrange(x, "b c (h p) (w q) -> b (h w) (c p q)", p=self.patch, q=self.patch)
        h = self.to_token(h) + self.positions
        readings = []
        for block in self.blocks:
            h, reading = block(h, words, readable, time=moved)
            readings.append(reading)
        velocity = rearrange(
            self.to_velocity(self.norm(h)),
            "b (h w) (c p q) -> b c (h p) (w q)",
            p=self.patch,
            q=self.patch,
            h=x.shape[2] // self.patch,
        )
        return velocity, torch.stack(readings, 1)

    def loss(self, x: Tensor, tokens: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Flow matching: on the straight line from noise to latent, the velocity is their
        difference. x: latents [B, channels, side, side], tokens [B, L].

        The times crowd around sigmoid(moment) (logit-normal).
        """
        noise = torch.randn(x.shape, generator=generator).to(x)
        time = torch.sigmoid(self.moment + torch.randn(len(x), generator=generator)).to(x)
        share = time[:, None, None, None]
        between = (1 - share) * noise + share * x
        return F.mse_loss(self(between, time, *self.text(tokens)), x - noise)


def train_prior(
    prior: nn.Module,
    data: Tensor,
    tokens: Tensor,
    steps: int,
    *,
    batch: int = 64,
    rate: float = 4e-3,
    drop: float = 0.1,
    average: float = 0.99,
    muon: float = 0.0,
    seed: int = 0,
    folder: Path | None = None,
    look: Callable[[int, nn.Module], dict[str, float] | None] | None = None,
) -> tuple[nn.Module, Training]:
    """Train a prior; returns its moving average, which draws better, and the training's history.

    data: latents [N, C, 8, 8] for a FlowPrior, codes [N, 8, 8] for a CodePrior. tokens: [N, V, L],
    V captions of each picture (see `caption_table`), one is read at a time. drop: the share of
    prompts replaced by nothing, so that guidance has something to compare with. muon: the rate at
    which `Muon` moves the matrices of the blocks; at 0 AdamW moves everything. folder: keep the
    run there, and go on from what it holds. look(step, average) is called after each step; the
    numbers that it returns stand in the history.
    """
    dice, device = torch.Generator().manual_seed(seed), next(prior.parameters()).device
    hidden = [
        p
        for block in (*prior.blocks, prior.text.block)
        for name, p in block.named_parameters()
        if muon and p.ndim == 2 and name != "shifts"
    ]
    theirs = {id(p) for p in hidden}
    others = [p for p in prior.parameters() if id(p) not in theirs]
    groups = [  # only matrices decay
        {"params": [p for p in others if p.ndim > 1], "weight_decay": 0.02},
        {"params": [p for p in others if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizers = {"optimizer": torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), fused=True)}
    settings = {"steps": steps, "batch": batch, "rate": rate, "average": average, "seed": seed}
    if muon:
        optimizers["muon"], settings["muon"] = Muon(hidden, muon), muon
    averaged = copy.deepcopy(prior).eval().requires_grad_(False)
    training = Training(
        {"prior": prior, "average": averaged, **optimizers, "dice": dice},
        folder,
        name="prior",
        settings=settings,
    )
    for step in training.steps(steps):
        for name, optimizer in optimizers.items():  # up in 50 steps, down from a third of the way
            for group in optimizer.param_groups:
                group["lr"] = {"optimizer": rate, "muon": muon}[name] * min(
                    (step + 1) / 50, 1.0, 1.6 * (1 - step / steps) + 0.02
                )
        chosen = torch.randint(len(data), (batch,), generator=dice)
        variant = torch.randint(tokens.shape[1], (batch,), generator=dice)
        told = tokens[chosen, variant].to(device)
        silent = (torch.rand(batch, 1, generator=dice) < drop).to(device)
        told = torch.where(silent, nothing_like(told), told)

        loss = prior.loss(data[chosen].to(device), told, dice)
        prior.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(prior.parameters(), 1.0)
        for optimizer in optimizers.values():
            optimizer.step()
        follow(averaged, prior, min(average, (1 + step) / (10 + step)))
        training.note(loss=loss.item(), **((look and look(step + 1, averaged)) or {}))
    return averaged, training


@torch.no_grad()
def follow(averaged: nn.Module, model: nn.Module, keep: float) -> None:
    """One step of a moving average: averaged = keep · averaged + (1 - keep) · model."""
    torch._foreach_lerp_(list(averaged.parameters()), list(model.parameters()), 1 - keep)
    for kept, new in zip(averaged.buffers(), model.buffers(), strict=True):
        kept.copy_(new)


@torch.no_grad()
def sample_flow(
    prior: FlowPrior,
    tokens: Tensor,
    guidance: float = 2.0,
    steps: int = 12,
    seed: int = 0,
    noise: Tensor | None = None,
) -> Tensor:
    """Latents [N, channels, side, side] for prompts [N, L]. The same seed, the same noise.

    guidance 1 is the model as trained, 0 forgets the prompt, above 1 exaggerates it: what the
    prompt changes in the velocity counts so many times.
    """
    device = next(prior.parameters()).device
    tokens, many = tokens.to(device), len(tokens)
    if noise is None:
        dice = torch.Generator().manual_seed(seed)
        noise = torch.randn(many, *prior.shape, generator=dice)
    said = tokens if guidance == 1 else torch.cat([tokens, nothing_like(tokens)])
    words, readable = prior.text(said)

    def velocity(x: Tensor, time: float) -> Tensor:
        x = x.repeat(len(said) // many, 1, 1, 1)
        seen = prior(x, x.new_full((len(x),), time), words, readable)
        return seen if guidance == 1 else guided(*seen.chunk(2), guidance)

    return heun(velocity, noise.to(device), steps)


def guided(told: Tensor, untold: Tensor, guidance: float) -> Tensor:
    """Classifier-free guidance (Ho & Salimans 2022): from untold through told, and further."""
    return untold + guidance * (told - untold)


class TextToRangoli:
    """Prompts in, pictures out: a prior over latents, and the decoder of an autoencoder."""

    def __init__(self, prior: FlowPrior, autoencoder: LatentAutoencoder, steps: int = 8) -> None:
        self.prior, self.autoencoder, self.steps = prior, autoencoder, steps

    @torch.no_grad()
    def draw(
        self,
        prompts: Sequence[str],
        guidance: float = 2.0,
        seed: int = 0,
        noise: Tensor | None = None,
    ) -> Tensor:
        """Pictures [N, 3, 32, 32] in 0…1 of N prompts, Hindi or English; an empty one is no prompt.

        noise [N, channels, 8, 8] in place of that of the seed: to draw two prompts from the same.
        """
        tokens = vocabulary().encode(prompts)
        latents = [
            sample_flow(self.prior, part, guidance, self.steps, noise=start)
            for part, start in zip(
                tokens.split(64), self._noise(len(tokens), seed, noise).split(64), strict=True
            )
        ]
        pictures = [(self.autoencoder.decode(part) + 1) / 2 for part in latents]
        return torch.cat(pictures).cpu()

    def _noise(self, many: int, seed: int, noise: Tensor | None) -> Tensor:
        if noise is None:
            noise = torch.randn(
                many, *self.prior.shape, generator=torch.Generator().manual_seed(seed)
            )
        return noise


def load_text2rangoli(device: torch.device | str = "cpu", steps: int = 8) -> TextToRangoli:
    """The model that ships with the course and draws from words: a prior and an autoencoder."""
    state, _ = stored("text2rangoli", "python3 course.py train text2rangoli")
    return TextToRangoli(prior_of(state).to(device), load_latent_autoencoder(device), steps)


def prior_of(state: dict[str, Tensor], kind: str = "flow") -> nn.Module:
    """The prior that these numbers belong to, of any width and depth; frozen. kind: "flow", or
    that of a `CodePrior`."""
    width = state["positions"].shape[1]
    depth = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("blocks."))
    if kind == "flow":
        channels = state["to_token.weight"].shape[1] // 4  # patches of 2 × 2
        prior = FlowPrior(width, depth, channels=channels)
    else:
        prior = CodePrior(kind, width, depth)
    prior.load_state_dict(state)
    return prior.eval().requires_grad_(False)


def load_small_priors(device: torch.device | str = "cpu") -> dict[str, nn.Module]:
    """Three priors trained for the same CPU seconds: {"flow": …, "ar": …, "masked": …}."""
    state, _ = stored("small-priors", "python3 course.py train small-priors")
    return {
        kind: prior_of(
            {
                key.removeprefix(f"{kind}."): x
                for key, x in state.items()
                if key.startswith(f"{kind}.")
            },
            kind,
        ).to(device)
        for kind in ("flow", "ar", "masked")
    }


def prompt_accuracy(
    draw: Callable[[list[str]], Tensor],
    judge: Judge,
    n: int = 256,
    split: str = "all",
    seed: int = 1,
    symmetry: bool = True,
) -> dict[str, float]:
    """How often the judge reads on a picture what its prompt said: shares of n pictures.

    draw: prompts to pictures [n, 3, 32, 32] in 0…1. Half the prompts are Hindi, half English, the
    kinds those of sample_factors(n, seed, split). Keys: motif, colour, ground, symmetry; both
    (motif and colour); all (and ground); hi, en: `both` of each language; held-out, seen: `all` of
    the combinations kept from training and of the others, where the split has them.
    """
    wanted = sample_factors(n, torch.Generator().manual_seed(seed), split)
    tongues = ["hi", "en"] * (n // 2 + 1)
    prompts = [caption(wanted[i], tongues[i], symmetry=symmetry) for i in range(n)]
    read = judge.read(draw(prompts))
    right = {
        name: read[name].argmax(1).cpu() == getattr(wanted, name)
        for name in ("motif", "colour", "ground", "symmetry")
    }
    right["both"] = right["motif"] & right["colour"]
    right["all"] = right["both"] & right["ground"]
    new = held_out(wanted)
    right["hi"], right["en"] = right["both"][::2], right["both"][1::2]
    right["held-out"], right["seen"] = right["all"][new], right["all"][~new]
    return {name: which.float().mean().item() for name, which in right.items() if len(which)}


@torch.no_grad()
def sample_codes(
    prior: CodePrior,
    tokens: Tensor,
    guidance: float = 2.0,
    steps: int = 12,
    seed: int = 0,
    temperature: float = 1.0,
) -> Tensor:
    """Codes [N, 8, 8] for prompts [N, L]: one after another ("ar"), or in `steps` rounds, the
    surest first ("masked"; `steps` counts for these only)."""
    device = next(prior.parameters()).device
    dice = torch.Generator().manual_seed(seed)
    tokens, many = tokens.to(device), len(tokens)
    said = tokens if guidance == 1 else torch.cat([tokens, nothing_like(tokens)])
    words, readable = prior.text(said)

    def throw(scores: Tensor) -> tuple[Tensor, Tensor]:
        """A code for each row of guided scores [..., codes], and the logarithm of its chance."""
        scores = scores if guidance == 1 else guided(*scores.chunk(2), guidance)
        chances = (scores / temperature).log_softmax(-1)
        uniform = torch.rand(chances.shape, generator=dice).clamp_(1e-9, 1 - 1e-6).to(device)
        code = (chances - torch.log(-torch.log(uniform))).argmax(-1)  # Gumbel: a fair throw
        return code, chances.gather(-1, code[..., None])[..., 0]

    copies = len(said) // many
    if prior.kind == "ar":
        past = [{} for _ in prior.blocks]
        code, written = torch.full((many,), prior.codes, device=device), []
        for place in range(prior.places):
            code, _ = throw(prior.next_code(code.repeat(copies), place, words, readable, past))
            written.append(code)
        x = torch.stack(written, dim=1)
    else:
        x = torch.full((many, prior.places), prior.codes, device=device)
        for step in range(1, steps + 1):
            masked = x == prior.codes
            code, sure = throw(prior(x.repeat(copies, 1), words, readable))
            uniform = torch.rand(x.shape, generator=dice).clamp_(1e-9, 1 - 1e-6).to(device)
            sure = sure - 2 * (1 - step / steps) * torch.log(-torch.log(uniform))  # some luck
            x = torch.where(masked, code, x)
            keep_masked = int(prior.places * math.cos(math.pi / 2 * step / steps))
            if step < steps and keep_masked:
                least = sure.masked_fill(~masked, math.inf).argsort(1)[:, :keep_masked]
                x = x.scatter(1, least, prior.codes)
    side = math.isqrt(prior.places)
    return x.view(many, side, side)


class SmallClip(nn.Module):
    """Pictures and sentences to points on one sphere, near each other where they belong together.

    Two towers, as in Radford et al. 2021: a small CNN, and the text encoder of this notebook.
    """

    def __init__(self, width: int = 32, size: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        widths = (3, width, 2 * width, 3 * width)
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 4, 2, 1), nn.GroupNorm(8, after), nn.GELU("tanh")]
        self.see = nn.Sequential(*layers, nn.Flatten(), nn.Linear(widths[-1] * 16, size))
        self.text, self.to_size = TextEncoder(64), nn.Linear(64, size)
        self.sharpness = nn.Parameter(torch.tensor(math.log(10.0)))

    def of_pictures(self, x: Tensor) -> Tensor:
        """x [N, 3, 32, 32] in −1…1 -> [N, size], of length 1."""
        return F.normalize(self.see(x), dim=1)

    def of_words(self, tokens: Tensor) -> Tensor:
        """tokens [N, L] -> [N, size], of length 1: the mean of the words' states."""
        words, readable = self.text(tokens)
        share = readable.transpose(1, 2).float()
        return F.normalize(self.to_size((words * share).sum(1) / share.sum(1)), dim=1)

    def loss(self, x: Tensor, tokens: Tensor) -> Tensor:
        """Each picture is to find its caption among all of the batch, each caption its picture.

        Captions that are the same are all right (the published loss takes them for wrong).
        """
        scores = self.sharpness.exp() * self.of_pictures(x) @ self.of_words(tokens).T
        same = (tokens[:, None] == tokens[None]).all(-1).float()
        return (contrast(scores, same) + contrast(scores.T, same.T)) / 2


def contrast(scores: Tensor, same: Tensor) -> Tensor:
    """Cross-entropy of each row of scores [n, n] with the pairs that belong together [n, n]."""
    return -(same / same.sum(1, keepdim=True) * scores.log_softmax(1)).sum(1).mean()


def optimise_codes(
    vqvae: VQVAE,
    score: Callable[[Tensor], Tensor],
    start: Tensor,
    steps: int = 100,
    rate: float = 0.1,
    vary: Callable[[Tensor], Tensor] = lambda x: x,
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """VQGAN+CLIP: change the codes of pictures until a score of what they decode to is high.

    score: pictures [N, 3, 32, 32] in −1…1 -> [N]. start: the latents to begin with [N, d, 8, 8].
    vary: changes pictures at random before they are scored. The networks stay as they are; what
    learns is the latents, and their nearest codes are decoded (straight-through gradient).
    Returns pictures in −1…1, their codes [N, 8, 8], and the scores [N] of every step.
    """
    latents = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([latents], lr=rate)
    scores = []
    for _ in range(steps):
        picture = vqvae.decoder(vqvae.quantizer(latents).vectors)
        now = score(vary(picture))
        (gradient,) = torch.autograd.grad(-now.sum(), latents)
        latents.grad = gradient
        optimizer.step()
        scores.append(now.detach())
    with torch.no_grad():
        codes = vqvae.quantizer.nearest(latents)
        return vqvae.decode(codes), codes, scores


@torch.no_grad()
def codes_of(model: VQVAE, pictures: Tensor) -> Tensor:
    """The codes of pictures [N, 3, H, W] in 0…1: Long [N, H/4, W/4]."""
    device = next(model.parameters()).device
    parts = [model.encode(part.to(device) * 2 - 1) for part in pictures.split(250)]
    return torch.cat(parts)


@torch.no_grad()
def pictures_of(model: VQVAE, codes: Tensor) -> Tensor:
    """The pictures [N, 3, 4h, 4w] in 0…1 that codes [N, h, w] stand for."""
    return torch.cat([(model.decode(part).clamp(-1, 1) + 1) / 2 for part in codes.split(250)])


def put_codes(codes: Tensor, mask: Tensor, new: Tensor) -> Tensor:
    """`codes` [N, h, w] with `new` codes where the boolean `mask` is True; nothing else changes.

    mask and new broadcast to [N, h, w]. ValueError if the mask is not boolean: a mask of 0 and 1
    would be taken for positions.
    """
    if mask.dtype != torch.bool:
        raise ValueError(t("The mask must be True and False, not {kind}", kind=str(mask.dtype)))
    return torch.where(mask.to(codes.device), new.to(codes), codes)


def painted(kinds: Factors, colour: Tensor, seed: int = 5) -> Tensor:
    """Pictures of these kinds in another colour; one seed gives one turn, size and place."""
    changed = Factors(kinds.motif, colour.expand(len(kinds)), kinds.ground, kinds.symmetry)
    return to_float(render(changed, generator=torch.Generator().manual_seed(seed)))


def partner_table(before: Tensor, after: Tensor, codes: int) -> Tensor:
    """For each code, the one that stands most often in its place after a change: Long [codes].

    before, after: codes of the same shape, of the same pictures before and after. A code that
    never occurs before is its own partner. ValueError for different shapes.
    """
    if before.shape != after.shape:
        raise ValueError(
            t("The same pictures twice: {a} and {b}", a=list(before.shape), b=list(after.shape))
        )
    pairs = (before * codes + after).flatten().bincount(minlength=codes * codes)
    counts = pairs.view(codes, codes)
    return torch.where(counts.sum(1) > 0, counts.argmax(1), torch.arange(codes).to(counts.device))


def nearest_codes(codes: Tensor, hidden: Tensor, library: Tensor) -> Tensor:
    """Fill the `hidden` places (bool [h, w]) of codes [N, h, w] from the library [M, h, w].

    Each picture takes them from the one that agrees with it in most of the places that are seen.
    """
    agree = torch.stack(
        [(library[:, ~hidden] == seen).sum(1) for seen in codes[:, ~hidden]]
    )  # [N, M]
    return put_codes(codes, hidden, library[agree.argmax(1)])


@torch.no_grad()
def fill_codes(
    prior: CodePrior,
    codes: Tensor,
    hidden: Tensor,
    prompts: Sequence[str],
    guidance: float = 2.0,
    steps: int = 8,
    seed: int = 0,
) -> Tensor:
    """Fill the hidden places (bool [h, w]) of codes [N, h, w] by a masked prior.

    In each round it throws a code for every missing place, and the surest stay. An empty prompt
    is no prompt. What was not hidden is never touched.
    """
    device = next(prior.parameters()).device
    tokens = vocabulary().encode(prompts).to(device)
    words, readable = prior.text(torch.cat([tokens, nothing_like(tokens)]))
    dice = torch.Generator().manual_seed(seed)
    x = codes.to(device).masked_fill(hidden.to(device), prior.codes).flatten(1)
    for step in range(1, steps + 1):
        missing = x == prior.codes
        scores = guided(*prior(x.repeat(2, 1), words, readable).chunk(2), guidance)
        chances = scores.softmax(-1)
        thrown = torch.multinomial(chances.flatten(0, 1).cpu(), 1, generator=dice)
        code = thrown.view(x.shape).to(device)
        sure = chances.gather(-1, code[..., None])[..., 0].masked_fill(~missing, math.inf)
        again = round(int(hidden.sum()) * math.cos(math.pi / 2 * step / steps))
        least = sure.argsort(1)[:, :again]  # these are guessed anew in the next round
        x = torch.where(missing, code, x).scatter(1, least, prior.codes)
    return x.view(codes.shape)


@torch.no_grad()
def fill_with_words(
    model: TextToRangoli,
    pictures: Tensor,
    hidden: Tensor,
    prompts: Sequence[str],
    guidance: float = 2.0,
    steps: int = 20,
    seed: int = 0,
) -> Tensor:
    """Draw the hidden places anew: pictures [N, 3, 32, 32] in 0…1, hidden bool [8, 8] cells.

    An empty prompt is no prompt. What was not hidden is put back at every step, as noisy as the
    step is (RePaint); at the end it is the model's own reconstruction of it.
    """
    device = next(model.prior.parameters()).device
    hole = hidden.to(device)
    known = model.autoencoder.encode(pictures.to(device) * 2 - 1)  # [N, 24, 8, 8]
    noise = torch.randn(known.shape, generator=torch.Generator().manual_seed(seed)).to(device)
    tokens = vocabulary().encode(prompts).to(device)
    copies = 1 if guidance == 1 else 2
    said = torch.cat([tokens, nothing_like(tokens)][:copies])
    words, readable = model.prior.text(said)
    x = noise
    for step in range(steps):
        now, then = step / steps, (step + 1) / steps
        seen = x.repeat(copies, 1, 1, 1)
        speed = model.prior(seen, seen.new_full((len(seen),), now), words, readable)
        x = x + (then - now) * (speed if copies == 1 else guided(*speed.chunk(2), guidance))
        x = torch.where(hole, x, (1 - then) * noise + then * known)
    return (model.autoencoder.decode(x) + 1) / 2


def bits_per_pixel(size: float, pixels: int) -> float:
    """`size` bytes for so many pixels (not numbers: three channels are one pixel)."""
    return 8 * size / pixels


def expected_bits(codes: Tensor, known: Tensor, entries: int = 256) -> Tensor:
    """Bits that an ideal coder spends on each picture of codes [N, h, w]: float [N].

    It has counted `known` [M, h, w], never `codes`: what follows what to the right, what follows
    what downwards, and what stands where; each with one imagined count of every code, so that
    nothing is impossible. The three guesses are averaged (at an edge, those that there are).
    """

    def chances(seen: Tensor, code: Tensor, contexts: int) -> Tensor:
        pairs = (seen * entries + code).flatten().bincount(minlength=contexts * entries)
        table = pairs.view(contexts, entries) + 1 / entries
        return table / table.sum(1, keepdim=True)

    _, h, w = codes.shape
    place = torch.arange(h * w, device=codes.device).view(h, w)
    guesses = [chances(place.expand_as(known), known, h * w)[place, codes]]
    right = chances(known[:, :, :-1], known[:, :, 1:], entries)[codes[:, :, :-1], codes[:, :, 1:]]
    down = chances(known[:, :-1], known[:, 1:], entries)[codes[:, :-1], codes[:, 1:]]
    guesses += [F.pad(right, (1, 0)), F.pad(down, (0, 0, 1, 0))]
    voices = 1 + (place % w > 0).float() + (place >= w).float()
    return -(sum(guesses) / voices).log2().sum((1, 2))


def jpeg_scan(file: bytes) -> int:
    """How many bytes of a JPEG file are coded pixels: what follows the start-of-scan segment.

    ValueError if there is none.
    """
    at = 2  # behind the two bytes that begin every JPEG
    while at + 4 <= len(file) and file[at] == 0xFF:
        length = int.from_bytes(file[at + 2 : at + 4], "big")
        if file[at + 1] == 0xDA:
            return len(file) - (at + 2 + length) - 2  # two bytes end the file
        at += 2 + length
    raise ValueError(t("This is no JPEG file"))


def packed(
    picture: Image.Image, kind: str, quality: int, **options: object
) -> tuple[bytes, Image.Image]:
    """A picture as a file of this kind ("JPEG", "WEBP", "PNG"), and what comes out of it.

    options: what else Pillow takes for this kind, such as subsampling=0 for full colour.
    """
    file = io.BytesIO()
    extra = {"optimize": True} if kind != "WEBP" else {"method": 4}
    picture.save(file, kind, quality=quality, **extra, **options)
    return file.getvalue(), Image.open(file).convert("RGB")


def read_wish(body: bytes, most: int = 16) -> dict:
    """What a request asks for: {"prompts": [...], "guidance": 2.0, "seed": 0}, checked.

    ValueError, in words for whoever sent it, if anything is wrong.
    """
    try:
        wish = json.loads(body)
    except ValueError:  # of the bytes, or of the JSON
        wish = None
    if not isinstance(wish, dict):
        raise ValueError(t("Send JSON such as {example}", example='{"prompts": ["a red lotus"]}'))
    if unknown := wish.keys() - {"prompts", "guidance", "seed"}:
        raise ValueError(t("There is no setting {name}", name=", ".join(sorted(unknown))))
    prompts = wish.get("prompts")
    if not isinstance(prompts, list) or not all(isinstance(p, str) for p in prompts):
        raise ValueError(t("prompts is a list of texts"))
    if not 1 <= len(prompts) <= most:
        raise ValueError(t("1 to {most} prompts, not {n}", most=most, n=len(prompts)))
    if max(map(len, prompts)) > 200:
        raise ValueError(t("A prompt has at most 200 letters"))
    guidance, seed = wish.get("guidance", 2.0), wish.get("seed", 0)
    if (
        type(guidance) not in (int, float) or not 0 <= guidance <= 10
    ):  # True is no number, NaN fails
        raise ValueError(t("guidance is a number from 0 to 10"))
    if type(seed) is not int or not 0 <= seed < 2**31:
        raise ValueError(t("seed is a whole number from 0 to 2147483647"))
    return {"prompts": prompts, "guidance": float(guidance), "seed": seed}


def as_png(pictures: Tensor) -> bytes:
    """Pictures [N, 3, H, W] in 0…1, side by side in one PNG file."""
    file = io.BytesIO()
    row = rearrange(to_uint8(pictures.cpu()), "n c h w -> h (n w) c")
    Image.fromarray(row.numpy()).save(file, "PNG")
    return file.getvalue()


class PictureServer(ThreadingHTTPServer):
    """`with PictureServer(draw) as server:` answers POST /draw on 127.0.0.1:server.server_port.

    draw(prompts, guidance, seed) -> pictures [N, 3, H, W] in 0…1; a ValueError of it, like any
    fault of the request, is answered with status 400 and {"error": "…"}. GET / says that it is up.
    """

    daemon_threads = True  # a client that never finishes does not keep the notebook alive

    def __init__(self, draw: Callable[..., Tensor], port: int = 0, most: int = 16) -> None:
        super().__init__(("127.0.0.1", port), Answer)
        self.draw, self.most, self.lock = draw, most, threading.Lock()
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> "PictureServer":
        self.thread.start()
        return self

    def handle_error(self, *_: object) -> None:
        """A client that hangs up half-way is no news."""

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.thread.join()
        self.server_close()  # the port is free again


class Answer(BaseHTTPRequestHandler):
    """One request to a `PictureServer`."""

    timeout = 10  # seconds for a client to send what it promised

    def do_GET(self) -> None:
        if self.path == "/":
            self.reply(200, {"ready": True, "prompts at once": self.server.most})
        else:
            self.reply(404, {"error": t("There is only /draw")})

    def do_POST(self) -> None:
        if self.path != "/draw":
            return self.reply(404, {"error": t("There is only /draw")})
        try:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > 20_000:
                raise ValueError(t("A request has a length, at most 20000 bytes"))
            wish = read_wish(self.rfile.read(int(length)), self.server.most)
            with self.server.lock:  # one batch at a time
                pictures = self.server.draw(**wish)
        except ValueError as error:  # the sender's fault, and it can be told
            return self.reply(400, {"error": str(error)})
        except Exception:  # ours: what is inside stays inside
            return self.reply(500, {"error": t("Drawing failed")})
        self.reply(200, as_png(pictures), "image/png")

    def reply(self, status: int, content: dict | bytes, kind: str = "application/json") -> None:
        if isinstance(content, dict):
            content = json.dumps(content, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """No line in the notebook for every request."""


def ask(port: int, wish: object) -> tuple[int, bytes]:
    """Send a wish to the server of this machine, as another program would: status, content."""
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    body = wish if isinstance(wish, bytes) else json.dumps(wish).encode()
    try:
        connection.request("POST", "/draw", body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def some_steps(
    batches: Tensor, update: str, together: Callable | None = None, rate: float = 0.2
) -> list[float]:
    """Train a small VQ-VAE on batches [steps, n, 3, 32, 32] in −1…1; the loss before each step.

    together: what makes one model of many processes (`accelerator.prepare`). In double precision,
    so that what differs is not rounding.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)  # the same start in every process
        book = Quantizer(32, 8, update=update, kmeans=False, restart=False)
        model = VQVAE(width=16, quantizer=book).double()
    model = model if together is None else together(model)
    losses = []
    for batch in batches.double():
        restored, quantized = model(batch)
        loss = F.mse_loss(restored, batch) + quantized.loss
        model.zero_grad()
        loss.backward()  # here the gradients are averaged, if there is anyone to average with
        with torch.no_grad():
            for p in model.parameters():
                p -= rate * p.grad
        losses.append(loss.item())
    return losses


SCRIPT = """
import json, sys
from pathlib import Path

import torch
from accelerate import Accelerator
from safetensors.torch import load_file

from common.vqgan import some_steps

accelerator = Accelerator(cpu=True)  # on the CPU: the processes talk through "gloo"
whole = load_file(sys.argv[1])["batches"]  # [steps, n, 3, 32, 32]
mine = whole[:, accelerator.process_index :: accelerator.num_processes]  # every second picture
losses = {
    "averaged": some_steps(mine, "gradient", accelerator.prepare),
    "alone": some_steps(mine, "gradient"),
    "ema": some_steps(mine, "ema", accelerator.prepare),
}
mean = {way: accelerator.reduce(torch.tensor(x, dtype=torch.float64), "mean").tolist()
        for way, x in losses.items()}
if accelerator.is_main_process:
    Path(sys.argv[2]).write_text(json.dumps({"processes": accelerator.num_processes, **mean}))
accelerator.end_training()
"""


def launch(batches: Tensor, processes: int = 2) -> dict | None:
    """Run SCRIPT by `accelerate launch`: {"processes": 2, "averaged": losses, …}.

    None, and a line that says so, where accelerate is not installed. RuntimeError if it fails.
    """
    if find_spec("accelerate") is None:
        print(t("This cell needs accelerate: python -m pip install accelerate"))
        return None
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "train.py").write_text(SCRIPT, encoding="utf-8")
        save_file({"batches": batches.contiguous()}, folder / "batches.safetensors")
        command = [sys.executable, "-m", "accelerate.commands.launch", "--num_machines=1"]
        # "multi_gpu" means several processes; ours use the CPU, as the script says. (With --cpu
        # accelerate would leave starting them to MPI.) Port 0: any that is free.
        command += ["--multi_gpu", f"--num_processes={processes}", "--main_process_port=0"]
        command += ["--mixed_precision=no", "--dynamo_backend=no"]
        command += [str(folder / name) for name in ("train.py", "batches.safetensors", "out.json")]
        here = str(Path(common.__file__).parents[1])
        run = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": here, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=600,
        )
        if run.returncode:
            raise RuntimeError(run.stderr[-2000:])
        return json.loads((folder / "out.json").read_text(encoding="utf-8"))


def likeness(pictures: Tensor, others: Tensor) -> Tensor:
    """How alike each of pictures [N, 3, H, W] is to the most similar of others [M, …]: [N], ≤ 1.

    The greatest correlation over shifts by up to one pixel: brightness does not matter, nor does
    the noise of a JPEG, and a cut by a pixel is found.
    """

    def standard(x: Tensor) -> Tensor:
        flat = x.flatten(1)
        return F.normalize(flat - flat.mean(1, keepdim=True), dim=1)

    known, best = standard(others).T, torch.full((len(pictures),), -1.0, device=pictures.device)
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            moved = standard(pictures.roll((down, across), (2, 3)))
            best = torch.maximum(best, (moved @ known).amax(1))
    return best
