"""What measures a generator: small classifiers that were trained here, called *judges*.

The published measures ask an Inception network that knows photographs. Ours know the course's own
pictures: `judge-rangoli` names motif, colour, ground and symmetry, `judge-digits` the digit. A
judge never trains a generator; it only looks at what one draws.

    judge = load_judge("rangoli", device)
    judge(images)                            # features [N, 64] of pictures [N, 3, 32, 32] in 0…1
    judge.read(images)["motif"]              # probabilities [N, 8]
    modes(judge, images)                     # Modes(covered=61, covered5=58, of=64, …)
    gan_report(judge, real_features("rangoli", device), images)

The features of real pictures have a total standard deviation of 10, so that distances between
feature sets are of a size to read. How far apart two sets of features are is what lesson 02 writes
by hand: `common.gan` has `frechet_distance`, `kernel_distance` and `precision_recall`.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import prod
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from common.data import digits, to_float
from common.lang import t
from common.rangoli import COLOURS, GROUNDS, MOTIFS, SYMMETRIES, rangoli

WEIGHTS = Path(__file__).parent / "weights"
SIDE = 32
# What each judge names, and how many there are of it
HEADS = {
    "rangoli": {
        "motif": len(MOTIFS),
        "colour": len(COLOURS),
        "ground": len(GROUNDS),
        "symmetry": len(SYMMETRIES),
    },
    "digits": {"digit": 10},
}
STYLES = ("base", "warli", "neon", "mosaic")  # what the judge of lesson 05 tells apart, in order
HEADS["styles"] = HEADS["rangoli"] | {"style": len(STYLES)}
CHANNELS = {"rangoli": 3, "digits": 1, "styles": 3}
# A mode is a kind of picture: 8 motifs × 8 colours, or 10 digits
MODES = {"rangoli": ("motif", "colour"), "digits": ("digit",), "styles": ("motif", "style")}


class Judge(nn.Module):
    """Names what is on a picture, and gives the 64 numbers from which it says so."""

    num_features = 64  # torchmetrics reads this

    def __init__(self, name: str, width: int = 16) -> None:
        super().__init__()
        self.name = name
        layers: list[nn.Module] = []
        plan = ((1, 1), (2, 2), (2, 1), (4, 2), (4, 1), (8, 2))  # (widths, stride) of each layer
        widths = [CHANNELS[name], *(width * times for times, _ in plan)]
        for (before, after), (_, stride) in zip(pairwise(widths), plan, strict=True):
            layers += [
                nn.Conv2d(before, after, 3, stride, 1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            ]
        self.see = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten())  # 4 quarters
        self.to_features = nn.Sequential(nn.Linear(8 * width * 4, self.num_features), nn.ReLU())
        self.heads = nn.ModuleDict(
            {head: nn.Linear(self.num_features, count) for head, count in HEADS[name].items()}
        )
        self.register_buffer("scale", torch.ones(()))  # set after training, see `settle`

    def raw(self, images: Tensor) -> Tensor:
        """The features before scaling [N, 64], with gradients; in training the loss looks here."""
        return self.to_features(self.see(images))

    def scores(self, images: Tensor) -> dict[str, Tensor]:
        """Scores before the softmax: {head: [N, classes]}, with gradients, without checks."""
        features = self.raw(images)
        return {name: head(features) for name, head in self.heads.items()}

    @torch.no_grad()
    def settle(self, real: Tensor) -> None:
        """Set the scale so that the features of `real` [N, C, 32, 32] have total deviation 10."""
        self.scale.fill_(1.0)
        self.scale.fill_(10 / self(real).var(0).sum().sqrt())

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Features [N, 64] of pictures [N, C, 32, 32] in 0…1; a ValueError names the cure."""
        return torch.cat([self.scale * self.raw(batch) for batch in self._batches(images)])

    @torch.no_grad()
    def read(self, images: Tensor) -> dict[str, Tensor]:
        """What is on the pictures: {"motif": probabilities [N, 8], …} or {"digit": [N, 10]}.

        images: pictures [N, C, 32, 32], or their features [N, 64] if they are known already.
        """
        features = images if images.ndim == 2 else self(images)
        return {name: head(features / self.scale).softmax(1) for name, head in self.heads.items()}

    def _batches(self, images: Tensor) -> list[Tensor]:
        self._check(images)
        return [batch.to(self.scale.device) for batch in images.split(500)]

    def _check(self, images: Tensor) -> None:
        channels, shape = CHANNELS[self.name], tuple(images.shape)
        if images.dtype == torch.uint8:
            raise ValueError(
                t("The judge takes numbers in 0…1, these are 0…255. Give it to_float(images).")
            )
        if not images.is_floating_point():
            raise ValueError(
                t("The judge takes float pictures, not {kind}.", kind=str(images.dtype))
            )
        if images.ndim != 4:
            raise ValueError(
                t(
                    "The judge takes pictures [N, {channels}, 32, 32], not {shape}. For one "
                    "picture: image[None].",
                    channels=channels,
                    shape=shape,
                )
            )
        if len(images) == 0:
            raise ValueError(t("There is no picture to judge."))
        if images.shape[1] != channels:
            raise ValueError(
                t(
                    "The judge of {name} takes pictures of {channels} channels, these have "
                    '{given}. Is it the right judge? There are "rangoli" (3) and "digits" (1).',
                    name=self.name,
                    channels=channels,
                    given=images.shape[1],
                )
            )
        if images.shape[2:] != (SIDE, SIDE):
            raise ValueError(
                t(
                    "The judge takes pictures of 32 × 32, these are {height} × {width}. Digits: "
                    "digits(size=32). Others: F.interpolate(images, 32, mode='area').",
                    height=shape[2],
                    width=shape[3],
                )
            )
        low, high = images.min().item(), images.max().item()
        if low < -0.1:
            raise ValueError(
                t(
                    "The judge takes pictures in 0…1, these begin at {low}. A generator that draws "
                    "in −1…1 needs (images + 1) / 2.",
                    low=f"{low:.2f}",
                )
            )
        if not high <= 1.1:  # also where a number is NaN
            raise ValueError(
                t("The judge takes pictures in 0…1, these go to {high}.", high=f"{high:.2f}")
            )


@cache
def load_judge(name: str, device: torch.device | str = "cpu") -> Judge:
    """The judge "rangoli" or "digits", in evaluation mode; it is not to be trained further."""
    if name not in HEADS:
        raise ValueError(t('There are the judges "rangoli" and "digits", not {name}.', name=name))
    judge = Judge(name)
    stored = load_file(WEIGHTS / f"judge-{name}.safetensors")
    judge.load_state_dict({key: value.float() for key, value in stored.items()})
    # channels_last: a CPU convolves twice as fast
    return judge.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)


def real_images(name: str, count: int = 2000, seed: int = 1) -> Tensor:
    """Real pictures to compare with, float [count, C, 32, 32] in 0…1.

    rangoli: newly drawn, others for each seed. digits: out of 4,000; with seed 2 the next
    2,000, without overlap.
    """
    if name == "rangoli":
        return to_float(rangoli(count, seed=seed)[0])
    start = (seed - 1) * 2000
    return to_float(digits(size=SIDE, split="train")[0][start : start + count])


@cache
def real_features(name: str, device: torch.device | str = "cpu") -> Tensor:
    """The judge's features of 2,000 real pictures [2000, 64]: the real side, computed once."""
    return load_judge(name, device)(real_images(name))


@dataclass(frozen=True)
class Modes:
    """Which kinds of picture a set has. covered: kinds seen at least once, covered5: five times,
    of: kinds there are, confident: the share of pictures that the judge could name."""

    covered: int
    covered5: int
    of: int
    confident: float
    counts: Tensor  # LongTensor [of]; of rangoli, kind = 8 × motif + colour

    def __str__(self) -> str:
        return f"{self.covered}/{self.of}"


def modes(judge: Judge, images: Tensor, confident: float = 0.9) -> Modes:
    """Count the kinds among pictures [N, C, 32, 32], or among those of the features [N, 64]; one
    counts if the judge is surer than `confident`.

    Do not trust this alone: noise that deceives the judge covers all modes.
    """
    read = judge.read(images)
    said = [read[head] for head in MODES[judge.name]]
    sure = torch.stack([p.amax(1) > confident for p in said]).all(0)
    kind = torch.zeros(len(images), dtype=torch.long, device=sure.device)
    for probabilities in said:
        kind = kind * probabilities.shape[1] + probabilities.argmax(1)
    of = prod(p.shape[1] for p in said)
    counts = kind[sure].bincount(minlength=of).cpu()
    return Modes(
        int((counts > 0).sum()), int((counts >= 5).sum()), of, sure.float().mean().item(), counts
    )


def gan_report(judge: Judge, real: Tensor, fake: Tensor) -> dict[str, float | int]:
    """One row of the running table: fid, kid, precision, recall, covered, covered5, of, confident.

    real: features [N, 64] (see `real_features`) or pictures; fake: pictures [M, C, 32, 32]. The
    numbers depend on N and M: 2,000 on each side unless said.
    """
    from common.gan import frechet_distance, kernel_distance, precision_recall

    known = real if real.ndim == 2 else judge(real)
    seen = judge(fake)
    precision, recall = precision_recall(known, seen)
    found = modes(judge, seen)
    return {
        "fid": frechet_distance(known, seen),
        "kid": kernel_distance(known, seen),
        "precision": precision,
        "recall": recall,
        "covered": found.covered,
        "covered5": found.covered5,
        "of": found.of,
        "confident": found.confident,
    }
