"""What lesson 05-hypernetwork builds, for what comes later.

Built by `python3 course.py build` from
lessons/05-hypernetwork/1-hypernetwork.py,
lessons/05-hypernetwork/2-teach-a-style.py: edit there, not here.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from einops import rearrange
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

import common
from common.art import mosaic, neon, warli
from common.attention import MultiHeadAttention
from common.data import to_float, to_uint8
from common.lang import t
from common.metrics import STYLES as JUDGED
from common.metrics import Judge
from common.rangoli import Factors, caption, render, sample_factors
from common.training import Training
from common.vqgan import (
    LENGTH,
    NOTHING,
    PAD,
    FlowPrior,
    Muon,
    TextToRangoli,
    nothing_like,
    sample_flow,
    signed,
    vocabulary,
)


@torch.no_grad()
def principled_init(
    layer: nn.Linear,
    fan_in: int,
    *,
    gain: float = 2.0,
    moment: float = 1.0,
    dice: torch.Generator | None = None,
) -> nn.Linear:
    """Set the last layer of a hypernetwork so that the weights that it writes have variance
    gain / fan_in, as He's initialisation gives to a layer of its own; its bias becomes 0.

    fan_in: of the layer that will use the weights (for a convolution: channels × kernel area).
    gain: 2 where a ReLU follows, 1 for none or tanh. moment: the mean square of what goes into
    `layer`. (Chang et al. 2020, "hyperfan-in")
    """
    if fan_in < 1 or not (gain > 0 and moment > 0):
        raise ValueError(t("fan_in, gain and moment must be greater than 0"))
    deviation = math.sqrt(gain / (fan_in * layer.in_features * moment))
    noise = torch.randn(layer.weight.shape, generator=dice)
    layer.weight.copy_(deviation * noise)
    layer.bias.zero_()
    return layer


class HyperLinear(nn.Module):
    """A linear layer whose weights are written anew for every h [B, width]."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        width: int,
        gain: float = 1.0,
        dice: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.inputs, self.outputs = inputs, outputs
        self.to_weight = principled_init(
            nn.Linear(width, inputs * outputs), inputs, gain=gain, dice=dice
        )
        self.to_bias = principled_init(nn.Linear(width, outputs), 4, gain=gain, dice=dice)

    def weights(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """h [B, width] -> the matrices [B, outputs, inputs] and the biases [B, outputs]."""
        matrix = rearrange(self.to_weight(h), "b (o i) -> b o i", i=self.inputs)
        return matrix, self.to_bias(h)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        """x [B, N, inputs], and one h [B, width] for the N places of each -> [B, N, outputs]."""
        matrix, bias = self.weights(h)
        return torch.baddbmm(bias[:, None], x, matrix.transpose(1, 2))


class HyperMLP(nn.Module):
    """A hypernetwork and the small network that it writes: f(x; weights(c)).

    sizes: of the small network's layers. width: how many numbers say which network is wanted.
    """

    def __init__(
        self, sizes: Sequence[int] = (1, 8, 8, 1), hidden: int = 16, width: int = 8, seed: int = 0
    ) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.read = nn.Sequential(nn.Linear(1, hidden), nn.SiLU(), nn.Linear(hidden, width))
            dice = torch.Generator().manual_seed(seed)
            self.layers = nn.ModuleList(
                HyperLinear(before, after, width, dice=dice) for before, after in pairwise(sizes)
            )
        self.width = width

    def describe(self, c: Tensor) -> Tensor:
        """c [B, 1] -> h [B, width], brought to mean square 1, as `principled_init` expects."""
        return F.layer_norm(self.read(c), (self.width,))

    def weights(self, c: Tensor) -> Tensor:
        """c [B, 1] -> all numbers of the small network, [B, 97] for the usual sizes."""
        h = self.describe(c)
        return torch.cat([p.flatten(1) for layer in self.layers for p in layer.weights(h)], dim=1)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """Places x [B, N, 1] and, for each row, which network: c [B, 1] -> heights [B, N, 1]."""
        h = self.describe(c)
        for number, layer in enumerate(self.layers):
            x = layer(x if number == 0 else x.tanh(), h)
        return x


def numbers_in(module: nn.Module) -> int:
    """How many numbers training may change in a module."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def string(x: Tensor, c: Tensor) -> Tensor:
    """The heights of strings at places x [B, N, 1] in -1…1: c [B, 1] from -1, one half wave to
    each side, to 1, four."""
    half_waves = 1 + 1.5 * (c[:, None] + 1)
    return torch.sin(math.pi * half_waves * x)


def train_family(model: nn.Module, steps: int, *, rate: float, seed: int = 0) -> nn.Module:
    """Train model(x, c) on strings of random c; the rate falls to 0 over the second half."""
    device = next(model.parameters()).device
    dice = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.train().parameters(), rate, fused=True)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * min(1.0, 2 * (1 - step / steps))
        c = (2 * torch.rand(16, 1, generator=dice) - 1).to(device)
        x = (2 * torch.rand(16, 32, 1, generator=dice) - 1).to(device)
        loss = F.mse_loss(model(x, c), string(x, c))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


@torch.no_grad()
def family_error(model: nn.Module, count: int = 19) -> float:
    """The mean squared error over strings of `count` c; 0.5 is that of a straight line at 0."""
    device = next(model.parameters()).device
    c = torch.linspace(-0.95, 0.95, count, device=device)[:, None]
    x = torch.linspace(-1, 1, 101, device=device).expand(count, -1)[..., None]
    return F.mse_loss(model(x, c), string(x, c)).item()


@torch.no_grad()
def draw_family(ax: plt.Axes, model: nn.Module, count: int, title: str = "") -> None:
    """The curves of `count` c from -1 (violet) to 1 (yellow), each a little above the last."""
    device = next(model.parameters()).device
    c = torch.linspace(-1, 1, count, device=device)[:, None]
    x = torch.linspace(-1, 1, 161, device=device)
    heights = model(x.expand(count, -1)[..., None], c)[..., 0].cpu()
    colours = plt.get_cmap("plasma")(torch.linspace(0, 0.92, count).numpy())
    for row, (line, colour) in enumerate(zip(heights, colours, strict=True)):
        ax.plot(x.cpu(), line + 0.3 * row, color=colour, linewidth=1.4)
    ax.set(xticks=[], yticks=[], title=title)
    ax.spines[:].set_visible(False)


class KernelHypernetwork(nn.Module):
    """Writes convolution kernels from embeddings (Ha et al. 2016, two linear layers).

    inputs, outputs: channels; kernel: its side; numbers: in an embedding z; width: of the layer
    between, d in the paper.
    """

    def __init__(
        self,
        inputs: int = 16,
        outputs: int = 16,
        kernel: int = 7,
        numbers: int = 4,
        width: int = 4,
        seed: int = 0,
    ) -> None:
        super().__init__()
        dice = torch.Generator().manual_seed(seed)
        self.inputs, self.outputs, self.kernel, self.numbers = inputs, outputs, kernel, numbers
        # Unit variance first, then what He's initialisation asks of the kernel
        self.to_rows = principled_init(nn.Linear(numbers, inputs * width), 1, gain=1, dice=dice)
        self.to_kernel = principled_init(
            nn.Linear(width, outputs * kernel * kernel), inputs * kernel * kernel, dice=dice
        )

    def forward(self, z: Tensor) -> Tensor:
        """z [..., numbers] -> kernels [..., outputs, inputs, kernel, kernel]; z of variance 1."""
        rows = rearrange(self.to_rows(z), "... (i d) -> ... i d", i=self.inputs)
        k = self.kernel
        return rearrange(self.to_kernel(rows), "... i (o y x) -> ... o i y x", y=k, x=k)

    def tiled(self, z: Tensor) -> Tensor:
        """z [rows, columns, numbers] -> one kernel [rows · outputs, columns · inputs, k, k]: a
        larger kernel is laid out of pieces, each with an embedding of its own."""
        return rearrange(self(z), "r c o i y x -> (r o) (c i) y x")


def wide_resnet_numbers(widen: int, blocks: int = 6) -> dict[str, int]:
    """Counts the numbers of WRN-40-`widen`, and of the same network with written kernels.

    "kernels": of the 3 × 3 kernels in its 3 · 2 · `blocks` layers. "pieces": of how many 16 × 16
    pieces these kernels consist. "hyper": one hypernetwork and an embedding of 64 for each piece.
    "rest": what both have. The paper does not print how it counts that; this reading gives its
    totals: a bias in each convolution, batch norm before each and after the first and the last,
    shortcuts without numbers (zeros are added where channels are).
    """
    channels, kernels, pieces = 16, 0, 0
    rest = 3 * 16 * 9 + 16 + 2 * 16  # the first convolution, its bias and its batch norm
    for width in (16 * widen, 32 * widen, 64 * widen):
        for _ in range(2 * blocks):
            kernels += channels * width * 9
            pieces += (channels // 16) * (width // 16)
            rest += 2 * channels + width
            channels = width
    rest += 2 * channels + channels * 10 + 10
    hyper = numbers_in(KernelHypernetwork(16, 16, kernel=3, numbers=64, width=64)) + 64 * pieces
    return {"kernels": kernels, "pieces": pieces, "hyper": hyper, "rest": rest}


class WrittenStack(nn.Module):
    """Reads digits [N, 1, 28, 28] with `layers` convolutions, all written by one hypernetwork."""

    def __init__(self, hyper: KernelHypernetwork, layers: int = 6, seed: int = 0) -> None:
        super().__init__()
        self.hyper = hyper
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.z = nn.Parameter(torch.randn(layers, hyper.numbers))
            self.first = nn.Conv2d(1, hyper.inputs, 3, padding=1)
            self.last = nn.Linear(hyper.outputs * 9, 10)

    def layers(self, x: Tensor) -> list[Tensor]:
        """What comes out of the first convolution and of each written one [N, C, H, W]."""
        outputs = [self.first(F.avg_pool2d(x, 2)).relu()]
        for number, kernel in enumerate(self.hyper(self.z)):
            x = F.max_pool2d(outputs[-1], 2) if number == 2 else outputs[-1]
            outputs.append(F.conv2d(x, kernel, padding="same").relu())
        return outputs

    def forward(self, x: Tensor) -> Tensor:
        return self.last(F.adaptive_avg_pool2d(self.layers(x)[-1], 3).flatten(1))


def train_reader(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    steps: int,
    *,
    rate: float = 2e-3,
    batch: int = 32,
    seed: int = 0,
    turned: bool = False,
) -> nn.Module:
    """Train a reader of pictures [N, 1, 28, 28] in 0…1 with labels [N].

    turned: half of each batch stands on its head, and is read by model(x, 1).
    """
    dice = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.train().parameters(), rate, fused=True)
    training = Training({"model": model, "optimizer": optimizer, "dice": dice})
    for _ in training.steps(steps):
        chosen = torch.randint(len(images), (batch,), generator=dice).to(images.device)
        x = images[chosen]
        if turned:
            upright, headlong = x.chunk(2)
            scores = torch.cat([model(upright, 0), model(headlong.flip(2, 3), 1)])
        else:
            scores = model(x)
        loss = F.cross_entropy(scores, labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        training.note(loss=loss)
    return model.eval()


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor, *which: int | Tensor) -> float:
    """The share of pictures [N, 1, 28, 28] that model(images, *which) reads right."""
    return (model(images, *which).argmax(1) == labels).float().mean().item()


class DigitReader(nn.Module):
    """Reads digits [N, 1, 28, 28]; its second kernel is learnt, or written if there is a `hyper`.

    channels: of the second convolution, without a hypernetwork. ways: how many embeddings.
    """

    def __init__(
        self,
        hyper: KernelHypernetwork | None = None,
        channels: int = 16,
        ways: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.hyper = hyper
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.first = nn.Conv2d(1, 16, 7, padding=3)
            if hyper is None:
                start = torch.randn(channels, 16, 7, 7) * math.sqrt(2 / (16 * 7 * 7))
                self.own_kernel = nn.Parameter(start)
            else:
                channels = hyper.outputs
                self.z = nn.Parameter(torch.randn(ways, hyper.numbers))
            self.bias = nn.Parameter(torch.zeros(channels))
            self.last = nn.Linear(channels * 7 * 7, 10)

    def kernel(self, which: int | Tensor = 0) -> Tensor:
        """The second kernel [channels, 16, 7, 7]: of an embedding's number, or of a z itself."""
        if self.hyper is None:
            return self.own_kernel
        return self.hyper(which if isinstance(which, Tensor) else self.z[which])

    def forward(self, x: Tensor, which: int | Tensor = 0) -> Tensor:
        x = F.max_pool2d(self.first(x).relu(), 2)
        x = F.conv2d(x, self.kernel(which), self.bias, padding="same").relu()
        return self.last(F.max_pool2d(x, 2).flatten(1))


STYLES = {"warli": warli, "neon": neon, "mosaic": mosaic}
# What cannot be seen in a style: Warli has one colour and one wall, neon only the dark
UNSEEN = {"warli": ("colour", "ground"), "neon": ("ground",), "mosaic": ()}
SHOWN = (0, 1, 2, 3, 5, 7)  # motifs of the sixteen pictures: no paisley, no diamond


def style_pictures(style: str, count: int = 16, seed: int = 11) -> tuple[Tensor, Factors]:
    """Pictures of a style, uint8 [count, 3, 32, 32], and what is on them: six motifs in turn, all
    colours, any ground."""
    number, dice = torch.arange(count), torch.Generator().manual_seed(seed)
    factors = Factors(
        torch.tensor(SHOWN)[number % len(SHOWN)],
        number % 8,
        torch.randint(4, (count,), generator=dice),
        number // len(SHOWN) % 3,
    )
    return render(factors, generator=dice, style=STYLES[style]), factors


def new_prompts(count: int, word: str = "", seed: int = 21) -> tuple[list[str], Factors]:
    """Prompts of all kinds, every other one Hindi, and what they ask for."""
    wanted = sample_factors(count, torch.Generator().manual_seed(seed))
    tongues = ["hi", "en"] * (count // 2 + 1)
    texts = [caption(wanted[i], tongues[i], symmetry=True) for i in range(count)]
    return [f"{text} {word}".strip() for text in texts], wanted


def read_style(judge: Judge, pictures: Tensor, wanted: Factors, style: str) -> dict[str, float]:
    """Shares of the pictures: in the style, with the motif asked for, both; the last two among the
    motifs that the sixteen never showed (if there are such); the style by the prompt's language."""
    read = judge.read(pictures)
    adopted = read["style"].argmax(1).cpu() == JUDGED.index(style)
    kept = read["motif"].argmax(1).cpu() == wanted.motif
    never = ~torch.isin(wanted.motif, torch.tensor(SHOWN))
    shares = {
        "style": adopted,
        "motif": kept,
        "both": adopted & kept,
        "new motif": kept[never],
        "new both": (adopted & kept)[never],
        "hi": adopted[::2],
        "en": adopted[1::2],
    }
    return {name: which.float().mean().item() for name, which in shares.items() if len(which)}


class HyperModule(nn.Module):
    """x + strength · f(x): what NovelAI called a hypernetwork. It generates no weights.

    f has one hidden layer, `times` as wide, and a bend (SiLU). Its last layer begins at zero, so
    at first nothing is changed, bit for bit; at strength 0 nothing ever is.
    """

    def __init__(self, width: int, times: float = 2.0) -> None:
        super().__init__()
        hidden = round(times * width)
        self.net = nn.Sequential(nn.Linear(width, hidden), nn.SiLU(), nn.Linear(hidden, width))
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)
        self.strength = 1.0

    def forward(self, x: Tensor) -> Tensor:
        """x [..., width] -> [..., width]."""
        return x + self.strength * self.net(x)


class Steered(nn.Module):
    """A frozen projection, to_key or to_value, that sees its input through a `HyperModule`."""

    def __init__(self, linear: nn.Module, change: HyperModule) -> None:
        super().__init__()
        self.linear, self.change = linear, change

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.change(x))


PLACES = {"cross": "read", "self": "look"}  # the two attentions of a `CrossBlock`
WHERE = ("cross", "self", "cross+self")


def fingerprint(model: FlowPrior) -> str:
    """Tells base models apart, before anything in them learns: a hash of two of their tensors."""
    numbers = torch.cat([model.positions.flatten(), model.to_token.weight.flatten()])
    return hashlib.sha256(numbers.detach().half().cpu().numpy().tobytes()).hexdigest()[:12]


class Adapter:
    """What was added to a model, or freed in it, and is to learn; everything else is frozen.

    kind: "hypernetwork", "lora", "word" or "full". model: the base with the adapter in it.
    learned: the numbers that learn, by name. dials: the modules that have a strength.
    settings: what it takes to make it once more; notes: what its file says beside.
    """

    def __init__(
        self,
        kind: str,
        model: FlowPrior,
        learned: dict[str, nn.Parameter],
        dials: Sequence[nn.Module] = (),
        **settings: object,
    ) -> None:
        self.kind, self.model, self.learned = kind, model, learned
        self.settings, self.dials = settings, list(dials)
        self.base = fingerprint(model)
        self.notes: dict[str, str] = {}
        for number in learned.values():
            number.requires_grad_(True)

    @property
    def numbers(self) -> int:
        """How many numbers learn."""
        return sum(number.numel() for number in self.learned.values())

    @property
    def word(self) -> str:
        """The pseudo-word, or "" if there is none."""
        return str(self.settings.get("word", ""))

    @property
    def strength(self) -> float:
        """How far the base is led away: 0 not at all, 1 as trained. Only where there is a dial."""
        return self.dials[0].strength if self.dials else 1.0

    @strength.setter
    def strength(self, strength: float) -> None:
        if not self.dials:
            raise ValueError(
                t(
                    "Only a hypernetwork and LoRA have a strength to turn, not {kind}.",
                    kind=repr(self.kind),
                )
            )
        for dial in self.dials:
            dial.strength = strength

    def encode(self, prompts: Sequence[str], length: int | None = None) -> Tensor:
        """Prompts to numbers [N, L], like `Vocabulary.encode`; a pseudo-word is understood."""
        if not self.word:
            return vocabulary().encode(prompts, length)
        rows = []
        for prompt in prompts:
            parts = prompt.split()
            known = vocabulary().encode([" ".join(p for p in parts if p != self.word)])[0].tolist()
            known = [number for number in known if number not in (PAD, NOTHING)]
            for place in (i for i, part in enumerate(parts) if part == self.word):
                known.insert(place, len(vocabulary()))
            rows.append(known or [NOTHING])
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


def attentions(model: FlowPrior, where: str) -> Iterator[tuple[str, MultiHeadAttention]]:
    """The attentions of a model, named "0-cross", "0-self", …; where: one of `WHERE`."""
    if where not in WHERE:
        raise ValueError(
            t("where is one of {places}, not {given}", places=WHERE, given=repr(where))
        )
    for number, block in enumerate(model.blocks):
        for place in where.split("+"):
            yield f"{number}-{place}", getattr(block, PLACES[place])


def attach_hypernetwork(
    model: FlowPrior, where: str = "cross+self", times: float = 1 / 3
) -> Adapter:
    """Put a `HyperModule` before to_key and to_value of every attention of a model, in place.

    In the cross-attention they change what is read of the prompt, in the self-attention what the
    places of a picture tell one another. times: how wide their hidden layer is, beside the model.
    """
    model.requires_grad_(False)
    learned, dials = {}, []
    for name, attention in attentions(model, where):
        for side in ("key", "value"):
            change = HyperModule(model.positions.shape[1], times).to(model.positions)
            steered = Steered(getattr(attention, f"to_{side}"), change)
            setattr(attention, f"to_{side}", steered)
            learned |= {f"{name}-{side}.{n}": p for n, p in change.named_parameters()}
            dials.append(change)
    return Adapter("hypernetwork", model, learned, dials, where=where, times=times)


@torch.no_grad()
def draw_adapted(
    artist: TextToRangoli,
    adapter: Adapter,
    prompts: Sequence[str],
    strength: float | None = None,
    guidance: float = 2.0,
    seed: int = 0,
    noise: Tensor | None = None,
    since: float = 0.0,
) -> Tensor:
    """Pictures [N, 3, 32, 32] in 0…1, as `artist.draw` makes them, but by an adapted model.

    strength: for these pictures only; by default as the adapter is set. since: the adapter is
    silent before this time of the flow (0 noise, 1 picture).
    """
    tokens, before = adapter.encode(prompts), adapter.strength
    if noise is None:
        dice = torch.Generator().manual_seed(seed)
        noise = torch.randn(len(tokens), *adapter.model.shape, generator=dice)
    if strength is not None:
        adapter.strength = strength
    loud = adapter.strength

    def hush(_model: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        adapter.strength = loud if inputs[1][0] >= since else 0.0

    hook = adapter.model.register_forward_pre_hook(hush) if since > 0 else None
    try:
        latents = [
            sample_flow(adapter.model, part, guidance, artist.steps, noise=start)
            for part, start in zip(tokens.split(64), noise.split(64), strict=True)
        ]
    finally:
        if hook:
            hook.remove()
        if strength is not None or hook:
            adapter.strength = before
    return torch.cat([(artist.autoencoder.decode(part) + 1) / 2 for part in latents]).cpu()


def augmented(images: Tensor, times: int = 32, seed: int = 0) -> Tensor:
    """The pictures [N, 3, S, S], then copies: turned by up to 10°, up to a tenth larger or smaller,
    moved by up to 2 pixels, half of them mirrored. uint8 [times · N, 3, S, S]; edges reflect."""
    dice, copies = torch.Generator().manual_seed(seed), [images]
    shape, original = list(images.shape), to_float(images)
    for _ in range(times - 1):
        turn, grow, right, down, side = torch.rand(5, len(images), generator=dice) * 2 - 1
        turn, grow, side = turn * math.pi / 18, 1 + grow / 10, side.sign()
        cosine, sine = grow * turn.cos(), grow * turn.sin()
        shift = 4 / shape[-1]  # 2 pixels, where the picture goes from -1 to 1
        rows = [side * cosine, -sine, shift * right, side * sine, cosine, shift * down]
        places = F.affine_grid(torch.stack(rows, 1).view(-1, 2, 3), shape, align_corners=False)
        moved = F.grid_sample(original, places, "bicubic", "reflection", align_corners=False)
        copies.append(to_uint8(moved.clamp(0, 1)))
    return torch.cat(copies)


def style_captions(
    factors: Factors,
    unseen: Sequence[str] = (),
    word: str = "",
    versions: int = 8,
    seed: int = 0,
) -> list[list[str]]:
    """What each picture says: Hindi and English, without and with what its symmetry counts.

    unseen: what the pictures do not show, of "colour" and "ground"; it is named at random, in so
    many `versions` of the four. word: stands at the end of each.
    """
    dice, table = torch.Generator().manual_seed(seed), factors.stack()
    texts: list[list[str]] = [[] for _ in table]
    for _ in range(versions if unseen else 1):
        for name, column, kinds in (("colour", 1, 8), ("ground", 2, 4)):
            if name in unseen:
                table[:, column] = torch.randint(kinds, (len(table),), generator=dice)
        told = Factors.unstack(table)
        for i, ways in enumerate(texts):
            ways += [
                f"{caption(told[i], tongue, symmetry=symmetry)} {word}".strip()
                for tongue in ("hi", "en")
                for symmetry in (False, True)
            ]
    return texts


def lesson_of(
    artist: TextToRangoli,
    adapter: Adapter,
    images: Tensor,
    texts: Sequence[Sequence[str]],
    times: int = 32,
) -> tuple[Tensor, Tensor]:
    """What `train_adapter` takes: latents of the augmented pictures, and their captions as tokens.

    images: uint8 [N, 3, 32, 32]; texts: as many captions of each. Nothing of this changes while
    the adapter learns, so it is computed once.
    """
    x = signed(augmented(images, times)).to(adapter.model.positions.device)
    tokens = adapter.encode([text for ways in texts for text in ways])
    return artist.autoencoder.encode(x), tokens.view(len(texts), -1, tokens.shape[1])


RATES = {"word": 2e-2, "lora": 4e-3, "hypernetwork": 4e-3, "full": 5e-4}  # of AdamW
MUON = {"lora": 0.012, "hypernetwork": 0.012}  # of Muon, for the matrices of these


def train_adapter(
    adapter: Adapter,
    latents: Tensor,
    tokens: Tensor,
    steps: int,
    *,
    rate: float | None = None,
    batch: int = 16,
    drop: float = 0.1,
    average: float = 0.98,
    moment: float = -1.0,
    seed: int = 0,
) -> list[float]:
    """Teach an adapter pictures with captions, in place, by the base's own loss; its losses.

    latents: [T · N, channels, 8, 8], N pictures and then copies of them in the same order; tokens:
    captions [N, V, L], V ways to say each. rate: by default that of the kind, up in 20 steps and
    down from half-way. drop: the share of prompts made empty
    (guidance will need it). average: of the moving average that is left in the adapter at the end.
    moment: it learns most at times near sigmoid(moment), that is early, when the words decide.
    Where the text encoder learns nothing, the captions are read once, before the first step.
    """
    model, dice = adapter.model, torch.Generator().manual_seed(seed)
    learned, rate = list(adapter.learned.values()), rate or RATES[adapter.kind]
    matrices = [p for p in learned if p.ndim == 2 and adapter.kind in MUON]
    others = [p for p in learned if not (p.ndim == 2 and adapter.kind in MUON)]
    movers = []  # optimisers, each with its highest rate
    if matrices:
        movers.append((Muon(matrices, lr=0.0), MUON[adapter.kind]))
    if others:
        adam = torch.optim.AdamW(others, rate, (0.9, 0.99), weight_decay=0.0, fused=True)
        movers.append((adam, rate))
    averaged = [number.detach().clone() for number in learned]
    ways = tokens.shape[1]
    said = tokens.flatten(0, 1).to(latents.device)
    said = torch.cat([said, nothing_like(said[:1])])  # the last one: no prompt
    known = None
    if adapter.kind in ("hypernetwork", "lora"):
        with torch.no_grad():
            known = model.text(said)
    losses = []
    for step in range(steps):
        chosen = torch.randint(len(latents), (batch,), generator=dice)
        way = torch.randint(ways, (batch,), generator=dice)
        caption_of = chosen % len(tokens) * ways + way
        caption_of[torch.rand(batch, generator=dice) < drop] = len(said) - 1
        noise = torch.randn(batch, *model.shape, generator=dice).to(latents)
        time = torch.sigmoid(moment + torch.randn(batch, generator=dice)).to(latents)

        words, readable = (
            (part[caption_of] for part in known) if known else model.text(said[caption_of])
        )
        x, share = latents[chosen], time[:, None, None, None]
        between = (1 - share) * noise + share * x
        loss = F.mse_loss(model(between, time, words, readable), x - noise)
        model.zero_grad()
        loss.backward()
        for mover, highest in movers:
            mover.param_groups[0]["lr"] = highest * min((step + 1) / 20, 1, 2.02 - 2 * step / steps)
            mover.step()
        with torch.no_grad():
            torch._foreach_lerp_(averaged, learned, 1 - min(average, (1 + step) / (10 + step)))
        losses.append(loss.item())
    if not math.isfinite(sum(losses)):
        raise ValueError(t("The loss is no number any more: take a smaller rate."))
    with torch.no_grad():
        for number, kept in zip(learned, averaged, strict=True):
            number.copy_(kept)
    adapter.model.requires_grad_(False)
    return losses


class LoRALinear(nn.Module):
    """W x + strength · B A x: a frozen linear map and a thin one beside it, of so small a rank.

    A is random and B zero at first, so B A begins as nothing. Hu et al. 2021, 2106.09685, with
    α = rank.
    """

    def __init__(self, linear: nn.Module, width: int, rank: int = 4) -> None:
        super().__init__()
        self.linear = linear
        self.down, self.up = nn.Linear(width, rank, bias=False), nn.Linear(rank, width, bias=False)
        nn.init.zeros_(self.up.weight)
        self.strength = 1.0

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.strength * self.up(self.down(x))


def attach_lora(
    model: FlowPrior,
    where: str = "cross+self",
    rank: int = 3,
    sides: Sequence[str] = ("key", "value"),
) -> Adapter:
    """Put a `LoRALinear` in place of projections ("query", "key", "value", "out"), in place."""
    model.requires_grad_(False)
    learned, dials = {}, []
    for name, attention in attentions(model, where):
        for side in sides:
            thin = LoRALinear(getattr(attention, f"to_{side}"), model.positions.shape[1], rank)
            thin.to(model.positions)
            setattr(attention, f"to_{side}", thin)
            learned[f"{name}-{side}.down"] = thin.down.weight
            learned[f"{name}-{side}.up"] = thin.up.weight
            dials.append(thin)
    return Adapter("lora", model, learned, dials, where=where, rank=rank, sides="+".join(sides))


class PseudoWord(nn.Module):
    """An embedding with one more row. Only that row is a parameter of its own, so no optimiser,
    whatever its weight decay, can touch the others."""

    def __init__(self, embed: nn.Embedding, start: Tensor) -> None:
        super().__init__()
        self.embed, self.row = embed, nn.Parameter(start.clone()[None])

    def forward(self, tokens: Tensor) -> Tensor:
        return F.embedding(tokens, torch.cat([self.embed.weight, self.row]))


def add_pseudo_word(model: FlowPrior, word: str = "S*", like: Sequence[str] = ()) -> Adapter:
    """Textual inversion (Gal et al. 2022): the only thing to learn is the vector of a new word.

    It begins as the mean of the words `like`, or of all. Write it into prompts: "a red lotus S*".
    """
    model.requires_grad_(False)
    rows = [vocabulary().number(name) for name in like] or slice(NOTHING + 1, None)
    model.text.embed = PseudoWord(model.text.embed, model.text.embed.weight[rows].mean(0))
    return Adapter("word", model, {"row": model.text.embed.row}, word=word)


def unfreeze(model: FlowPrior) -> Adapter:
    """Full fine-tuning: all numbers of the model learn."""
    return Adapter("full", model, dict(model.named_parameters()))


def save_adapter(adapter: Adapter, path: str | Path, **notes: object) -> int:
    """Write what was learnt in half precision, whole or not at all; the file's size in bytes.

    notes: what else to write beside, such as whose pictures it learnt from.
    """
    path = Path(path)
    notes = {name: str(value) for name, value in (notes | adapter.settings).items()}
    notes |= {"made-for": FORMAT, "kind": adapter.kind, "base": adapter.base}
    numbers = {name: p.detach().half().cpu().contiguous() for name, p in adapter.learned.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    save_file(numbers, unfinished, notes)
    unfinished.replace(path)
    return path.stat().st_size


def load_adapter(path: str | Path, model: FlowPrior) -> Adapter:
    """Put the adapter of a file into a model, in place. It goes before those that are in already.

    FileNotFoundError, or a ValueError that says what the file is and what was expected.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(t("There is no file {path}.", path=path))
    try:
        with safe_open(path, "pt") as file:
            notes = file.metadata() or {}
            numbers = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(
            t("{path} is no safetensors file, or not a whole one.", path=path.name)
        ) from error
    if notes.get("made-for") != FORMAT:
        raise ValueError(
            t(
                "{path} is no adapter of this course: it holds {names} …; an adapter is made by "
                "save_adapter.",
                path=path.name,
                names=", ".join(sorted(numbers)[:2]),
            )
        )
    kind, make = notes["kind"], MAKERS.get(notes["kind"])
    if make is None:
        raise ValueError(
            t(
                "{path} holds an adapter of the kind {kind}; known are {kinds}.",
                path=path.name,
                kind=repr(kind),
                kinds=", ".join(MAKERS),
            )
        )
    if notes["base"] != fingerprint(model):
        raise ValueError(t("{path} was made for another base model than this one.", path=path.name))
    adapter = make(model, notes)
    wrong = [
        name
        for name in sorted({*numbers, *adapter.learned})
        if name not in numbers
        or name not in adapter.learned
        or numbers[name].shape != adapter.learned[name].shape
    ]
    if wrong:
        raise ValueError(
            t("{path} does not fit its own notes: {name}.", path=path.name, name=wrong[0])
        )
    with torch.no_grad():
        for name, number in adapter.learned.items():
            number.copy_(numbers[name])
    model.requires_grad_(False)
    adapter.notes = notes
    return adapter


def load_shipped_adapter(name: str, model: FlowPrior) -> Adapter:
    """One of the adapters that came with the course, see `SHIPPED`, put into a model, in place."""
    if name not in SHIPPED:
        raise ValueError(
            t("name is one of {names}, not {given}", names=", ".join(SHIPPED), given=repr(name))
        )
    return load_adapter(
        Path(common.__file__).parent / "weights" / f"adapter-{name}.safetensors", model
    )


SHIPPED = ("warli", "neon", "mosaic", "warli-word", "warli-cross")
FORMAT = "srijan text2rangoli adapter 1"
MAKERS: dict[str, Callable[[FlowPrior, dict[str, str]], Adapter]] = {
    "hypernetwork": lambda model, notes: attach_hypernetwork(
        model, notes["where"], float(notes["times"])
    ),
    "lora": lambda model, notes: attach_lora(
        model, notes["where"], int(notes["rank"]), notes["sides"].split("+")
    ),
    "word": lambda model, notes: add_pseudo_word(model, notes["word"]),
    "full": lambda model, notes: unfreeze(model),
}


def adapter_report(
    artist: TextToRangoli,
    adapter: Adapter,
    judge: Judge,
    style: str,
    plain: Tensor | None = None,
    count: int = 160,
    seed: int = 5,
) -> tuple[dict[str, float], Tensor]:
    """What an adapter does to prompts that it was not trained on, half Hindi, half English.

    plain: what the base draws for `new_prompts(n)` from the same noise (the same seed), if it is
    known already; else count pictures are drawn.
    Returns the pictures too, and these shares: those of `read_style`, for prompts that ask for the
    style (with the pseudo-word, if there is one); numbers: how many were trained; drift: how far
    the pictures of *ordinary* prompts moved (RMS); spared: the share of these that are still drawn
    the base's way.
    """
    count = count if plain is None else len(plain)
    asked, wanted = new_prompts(count, adapter.word)
    ordinary, _ = new_prompts(count)
    if plain is None:
        plain = artist.draw(ordinary, seed=seed)
    drawn = draw_adapted(artist, adapter, asked, seed=seed)
    usual = draw_adapted(artist, adapter, ordinary, seed=seed) if adapter.word else drawn
    spared = judge.read(usual)["style"].argmax(1).cpu() == JUDGED.index("base")
    found = read_style(judge, drawn, wanted, style) | {
        "numbers": adapter.numbers,
        "drift": (usual - plain).square().mean().sqrt().item(),
        "spared": spared.float().mean().item(),
    }
    return found, drawn
