"""Networks that look at a picture, so that a loss can compare what they see: for lesson 04.

    net = load_features()             # the first half of EfficientNet-Lite0, which knows ImageNet
    maps = net(pictures)              # [N, 3, H, W] in 0…1 → a list of feature maps [N, C, h, w]
    net.layers                        # their names
    maps[net.content]                 # where contents are compared

They are frozen, normalise the pictures themselves, overwrite nothing in place and take any size.
"""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from common.lang import t

WEIGHTS = Path(__file__).parent / "weights"
# Stages 1 … 4 of EfficientNet-Lite0: blocks, channels, kernel, stride of the first, expansion
STAGES = ((1, 16, 3, 1, 1), (2, 24, 3, 2, 6), (2, 40, 5, 2, 6), (3, 80, 3, 2, 6))


class Features(nn.Module):
    """What all of them have in common."""

    layers: tuple[str, ...]
    content: int  # which of the layers

    def see(self, x: Tensor) -> list[Tensor]:
        """Pictures [N, 3, H, W] in 0…1 → a feature map for each of the layers."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> list[Tensor]:
        if images.ndim != 4 or images.shape[1] != 3:
            raise ValueError(t("Pictures are [N, 3, H, W], not {shape}.", shape=list(images.shape)))
        return self.see(images)


# ---------------------------------------------------------------------------- EfficientNet-Lite0


class Conv(nn.Conv2d):
    """Pads as TensorFlow does ("same"): of an odd number the larger part right and below.

    border: "replicate" goes on with the outermost pixels. "zeros" is how the network was trained;
    but zeros let every layer see where the border is, and a Gram matrix takes that for style.
    """

    border = "replicate"

    def forward(self, x: Tensor) -> Tensor:
        (size, _), (step, _) = self.kernel_size, self.stride
        if size == 1:
            return super().forward(x)
        spare = [max((math.ceil(s / step) - 1) * step + size - s, 0) for s in x.shape[2:]]
        sides = [side for total in reversed(spare) for side in (total // 2, total - total // 2)]
        mode = "constant" if self.border == "zeros" else self.border
        return super().forward(F.pad(x, sides, mode))


class Block(nn.Module):
    """Widen by 1 × 1, look at each channel by itself, narrow by 1 × 1; beside a shortcut."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = channels * expansion
        self.expand = Conv(channels, wide, 1) if expansion > 1 else None
        self.depthwise = Conv(wide, wide, kernel, stride, groups=wide)
        self.project = Conv(wide, out, 1)
        self.shortcut = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        h = x if self.expand is None else F.relu6(self.expand(x))
        h = self.project(F.relu6(self.depthwise(h)))
        return x + h if self.shortcut else h


class SlimFeatures(Features):
    """Stem and first eight blocks of EfficientNet-Lite0, batch norm folded into the convolutions.

    249,888 parameters; a new one has random weights of `seed`. border: see `Conv`.
    """

    layers = ("stem", "block 1", "block 3", "block 5", "block 8")
    content = 3

    def __init__(self, seed: int = 0, border: str = "replicate") -> None:
        super().__init__()
        self.stem = Conv(3, 32, 3, 2)
        plan = [
            (out, kernel, stride if first else 1, expansion)
            for count, out, kernel, stride, expansion in STAGES
            for first in [True] + [False] * (count - 1)
        ]
        widths = [32, *(out for out, *_ in plan)]
        self.blocks = nn.ModuleList(
            Block(*width, *rest) for width, (_, *rest) in zip(pairwise(widths), plan, strict=True)
        )
        generator = torch.Generator().manual_seed(seed)
        for name, conv in self.named_modules():
            if isinstance(conv, Conv):
                conv.border = border
                gain = 1 if name.endswith("project") else 2  # of the others a ReLU takes half
                spread = math.sqrt(gain / conv.weight[0].numel())
                nn.init.normal_(conv.weight, 0, spread, generator=generator)
                nn.init.zeros_(conv.bias)

    def see(self, x: Tensor) -> list[Tensor]:
        x = F.relu6(self.stem((x * 255 - 127) / 128))  # as it was trained
        maps = [x]
        for number, block in enumerate(self.blocks, 1):
            x = block(x)
            if f"block {number}" in self.layers:
                maps.append(x)
        return maps


# ---------------------------------------------------------------------------- VGG19


class VggFeatures(Features):
    """VGG19 up to relu5_1, the network of Gatys et al. A new one has random weights of `seed`.

    The names of the convolutions are those of torchvision, so that its weights fit.
    """

    layers = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    content = 3
    depth = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 1))  # channels, convolutions

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.features = nn.ModuleDict()
        generator = torch.Generator().manual_seed(seed)
        self.plan: list[str | int] = []  # a layer's place among torchvision's, or "pool"
        channels, place = 3, 0
        for stage, (out, count) in enumerate(self.depth):
            if stage:
                self.plan.append("pool")
                place += 1
            for _ in range(count):
                conv = nn.Conv2d(channels, out, 3, padding=1)
                nn.init.normal_(conv.weight, 0, math.sqrt(2 / 9 / channels), generator=generator)
                nn.init.zeros_(conv.bias)
                self.features[str(place)] = conv
                self.plan.append(place)
                channels, place = out, place + 2  # its ReLU has a number too
        for name, value in (("mean", (0.485, 0.456, 0.406)), ("std", (0.229, 0.224, 0.225))):
            buffer = torch.tensor(value).view(3, 1, 1)
            self.register_buffer(name, buffer, persistent=False)

    def see(self, x: Tensor) -> list[Tensor]:
        x = (x - self.mean) / self.std
        maps, fresh = [], True
        for step in self.plan:
            if step == "pool":
                x, fresh = F.max_pool2d(x, 2), True
                continue
            x = F.relu(self.features[str(step)](x))
            if fresh:  # the first of its stage
                maps.append(x)
            fresh = False
        return maps


def _vgg19(**options) -> VggFeatures:
    from torchvision.models import VGG19_Weights

    net = VggFeatures(**options)
    try:
        state = VGG19_Weights.IMAGENET1K_V1.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise ConnectionError(
            t(
                "The weights of VGG19 (550 MB) could not be fetched ({error}). Without a network, "
                "take load_features(), which needs none.",
                error=" ".join(str(error).split()),
            )
        ) from error
    net.load_state_dict({name: state[name] for name in net.state_dict()})
    return net


# ---------------------------------------------------------------------------- loading


def _slim(**options) -> SlimFeatures:
    path = WEIGHTS / "feature-net-imagenet.safetensors"
    if not path.is_file():
        command = "python3 course.py train feature-net-imagenet"
        raise FileNotFoundError(
            t("{path} is missing: `{command}` makes it.", path=path.name, command=command)
        )
    net = SlimFeatures(**options)
    net.load_state_dict({name: value.float() for name, value in load_file(path).items()})
    return net


NETS = {"efficientnet-lite0": _slim, "vgg19": _vgg19, "random": SlimFeatures}


def load_features(
    name: str = "efficientnet-lite0", device: torch.device | str | None = None, **options
) -> Features:
    """A frozen network by name. device: without it, the CPU.

    "efficientnet-lite0" ships with the course. "vgg19" is fetched the first time: needs the
    network, else ConnectionError. "random" is the first one's architecture with random weights.
    options: those of its class, such as border="zeros" or seed=1. ValueError for another name.
    """
    if name not in NETS:
        raise ValueError(
            t("No feature network {name}. There are: {known}", name=name, known=", ".join(NETS))
        )
    # channels_last: a CPU convolves faster
    net = NETS[name](**options).to(device or "cpu", memory_format=torch.channels_last)
    return net.eval().requires_grad_(False)
