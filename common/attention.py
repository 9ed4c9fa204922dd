"""What lesson 01-attention builds, for what comes later.

Built by `python3 course.py build` from
lessons/01-attention/1-attention.py,
lessons/01-attention/2-image-attention.py: edit there, not here.
"""

import math
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from matplotlib.figure import Figure
from safetensors.torch import load_file
from torch import Tensor, nn

import common
from common import plots
from common.data import to_float
from common.lang import language, t
from common.rangoli import Factors, rangoli, render
from common.scenes import (
    CAPTION_LENGTH,
    CELL,
    CELLS,
    EMPTY,
    END,
    NUMBER,
    PAD,
    QUESTION_LENGTH,
    SIDE,
    START,
    WORDS,
    Questions,
    Scenes,
    ask,
    describe,
    make_scenes,
)


def softmax(scores: Tensor, dim: int = -1) -> Tensor:
    """Turn scores into weights that are positive and sum to 1 along `dim`.

    A row of nothing but -inf (all masked, section 5) gives zeros, not NaN.
    """
    highest = scores.detach().amax(dim, keepdim=True)  # without it, exp overflows
    highest = highest.masked_fill(highest == -math.inf, 0.0)
    exponentials = (scores - highest).exp()
    total = exponentials.sum(dim, keepdim=True)
    return exponentials / total.masked_fill(total == 0, 1.0)


def attention_weights(query: Tensor, key: Tensor, mask: Tensor | None = None) -> Tensor:
    """softmax(QKᵀ/√d_k): query [..., n, d_k], key [..., m, d_k] -> weights [..., n, m].

    `mask` is boolean, broadcastable to [..., n, m]; True means "may look".
    Vaswani et al. 2017, equation 1.
    """
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return softmax(scores)


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """softmax(QKᵀ/√d_k)V: value [..., m, d_v] -> output [..., n, d_v] and weights [..., n, m]."""
    weights = attention_weights(query, key, mask)
    return weights @ value, weights


def causal_mask(n: int, device: torch.device | None = None) -> Tensor:
    """[n, n] boolean: position i may look at positions 0 … i and at no later one."""
    return torch.ones(n, n, dtype=torch.bool, device=device).tril()


def reinforce_gradient(
    scores: Tensor, loss_of_choice: Tensor, draws: int, baseline: float, generator: torch.Generator
) -> Tensor:
    """Each draw's estimate of ∂E[L]/∂scores: [draws, n] from scores [n] and losses [n].

    For a softmax, ∇ log p_i = one_hot(i) - p. Williams 1992; for attention, Xu et al. 2015, eq. 11.
    """
    p = softmax(scores.detach())
    choice = torch.multinomial(p, draws, replacement=True, generator=generator)
    grad_log_p = F.one_hot(choice, len(p)) - p
    return (loss_of_choice[choice] - baseline)[:, None] * grad_log_p


class MultiHeadAttention(nn.Module):
    """`n_heads` attentions side by side, each with its own projections of width d_model / n_heads.

    Vaswani et al. 2017, section 3.2.2.
    """

    def __init__(self, d_model: int, n_heads: int, bias: bool = True) -> None:
        super().__init__()
        if d_model % n_heads:
            raise ValueError(
                t(
                    "d_model={d} cannot be shared by {h} heads: choose a multiple",
                    d=d_model,
                    h=n_heads,
                )
            )
        self.n_heads = n_heads
        self.to_query = nn.Linear(d_model, d_model, bias)
        self.to_key = nn.Linear(d_model, d_model, bias)
        self.to_value = nn.Linear(d_model, d_model, bias)
        self.to_out = nn.Linear(d_model, d_model, bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """query [B, n, d_model] -> output [B, n, d_model] and weights [B, n_heads, n, m].

        Without `key` it is self-attention; with it, cross-attention. `mask`: [n, m] or [B, n, m].
        """
        key = query if key is None else key
        value = key if value is None else value
        split = "b n (h d) -> b h n d"
        q = rearrange(self.to_query(query), split, h=self.n_heads)
        k = rearrange(self.to_key(key), split, h=self.n_heads)
        v = rearrange(self.to_value(value), split, h=self.n_heads)
        if mask is not None and mask.ndim == 3:
            mask = mask[:, None]  # the same mask for every head
        heads, weights = scaled_dot_product_attention(q, k, v, mask)
        return self.to_out(rearrange(heads, "b h n d -> b n (h d)")), weights


def sinusoidal_positions(n: int, d_model: int) -> Tensor:
    """[n, d_model] position codes, sines and cosines in turn. Vaswani et al. 2017, section 3.5."""
    position = torch.arange(n)[:, None]
    frequency = 10_000.0 ** (-torch.arange(0, d_model, 2) / d_model)
    angles = position * frequency
    codes = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
    return codes[:, :d_model]


class TransformerBlock(nn.Module):
    """Attention, then a small network for each position; both added to what came in (pre-norm)."""

    def __init__(self, d_model: int, n_heads: int, d_ff: int) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.norm_2 = nn.LayerNorm(d_model)
        self.feed_forward = nn.Sequential(
            nn.Linear(d_model, d_ff), nn.GELU(), nn.Linear(d_ff, d_model)
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x [B, n, d_model] -> the same shape, and the attention weights [B, n_heads, n, n]."""
        attended, weights = self.attention(self.norm_1(x), mask=mask)
        x = x + attended
        return x + self.feed_forward(self.norm_2(x)), weights


class BorderWriter(nn.Module):
    """A one-block Transformer over tiles: which motif (0 … 7) comes next?"""

    def __init__(self, length: int = 12, d_model: int = 32, n_heads: int = 2) -> None:
        super().__init__()
        self.embedding = nn.Embedding(8, d_model)
        self.register_buffer("positions", sinusoidal_positions(length, d_model))
        self.block = TransformerBlock(d_model, n_heads, 2 * d_model)
        self.norm = nn.LayerNorm(d_model)
        self.to_motif = nn.Linear(d_model, 8)

    def forward(self, motifs: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """motifs [B, n] -> logits of the next motif [B, n, 8] and weights [B, n_heads, n, n]."""
        x = self.embedding(motifs) + self.positions[: motifs.shape[1]]
        x, weights = self.block(x, mask)
        return self.to_motif(self.norm(x)), weights


def train_border_writer(
    causal: bool, steps: int = 200, seed: int = 0, device: torch.device | str = "cpu"
) -> tuple[BorderWriter, Tensor]:
    """Train on borders of 12 tiles with a random rule of 3; returns the model and its losses."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = BorderWriter().to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(seed)
    mask = causal_mask(11, device) if causal else None
    losses = []
    for _ in range(steps):
        border = torch.randint(8, (64, 3), generator=generator).repeat(1, 4).to(device)
        logits, _ = model(border[:, :-1], mask)
        loss = F.cross_entropy(logits.flatten(0, 1), border[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return model, torch.stack(losses).cpu()


@torch.no_grad()
def write_border(
    model: BorderWriter, start: Tensor, length: int = 12, causal: bool = True
) -> Tensor:
    """Append the likeliest next motif to start [B, k], one at a time, until [B, length]."""
    border = start
    while border.shape[1] < length:
        mask = causal_mask(border.shape[1], border.device) if causal else None
        following = model(border, mask)[0][:, -1].argmax(-1, keepdim=True)
        border = torch.cat([border, following], dim=1)
    return border


@torch.no_grad()
def where_it_looked(model: BorderWriter, border: Tensor) -> Tensor:
    """For each tile of border [B, n] but the first: the place that its prediction weighed most.

    Mean over heads; [B, n - 1], place i being about tile i + 1.
    """
    _, weights = model(border[:, :-1], causal_mask(border.shape[1] - 1, border.device))
    return weights.mean(1).argmax(-1)


def draw_border(model: BorderWriter, start: Tensor, length: int = 12) -> Figure:
    """The tiles of start [1, k], and those that the model writes after them.

    An arc joins each written tile to the one that its prediction looked at most.
    """
    given, n = start.shape[1], length
    written = write_border(model, start, length)
    looked_at, motifs = where_it_looked(model, written)[0].tolist(), written[0].cpu()
    ground = torch.ones_like(motifs)
    tiles = render(Factors(motifs, motifs, ground, 2 * ground), size=40, jitter=0)
    figure, ax = plt.subplots(figsize=(8.4, 1.9), layout="constrained")
    ax.imshow(rearrange(tiles, "n c h w -> h (n w) c"), extent=(0, n, 0, 1))
    for i in range(given, n):
        ends = {"xy": (looked_at[i - 1] + 0.5, 1.02), "xytext": (i + 0.5, 1.02)}
        rad = min(0.25, 1.5 / (i - looked_at[i - 1]))  # a longer arc is flatter
        arc = {"arrowstyle": "->", "connectionstyle": f"arc3,rad={rad}", "color": plots.COLOURS[0]}
        ax.annotate("", **ends, arrowprops=arc)
    ax.plot([given, given], [0, 1], color=plots.COLOURS[3], linewidth=4)
    ax.set(xlim=(0, n), ylim=(0, 1.9), xticks=[given / 2, (given + n) / 2], yticks=[])
    ax.set_xticklabels([t("given"), t("written by the model; arrows: where it looked")])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return figure


def picture_cnn() -> nn.Sequential:
    """Pictures [B, 3, 72, 72] in 0…1 -> a map of 6 × 6 cells, [B, 64, 6, 6]."""
    return nn.Sequential(
        nn.PixelUnshuffle(4),  # [B, 48, 18, 18]: each block of 4 × 4 pixels becomes one vector
        # The border is repeated, not filled with zeros, so that a motif alone and a motif among
        # others look the same to the CNN
        nn.Conv2d(48, 32, 3, padding=1, padding_mode="replicate", bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=3, bias=False),  # [B, 64, 6, 6]
        nn.BatchNorm2d(64),
        nn.ReLU(),
    )


def fit(
    model: nn.Module,
    loss_of: Callable[[Tensor], Tensor],
    examples: int,
    steps: int,
    batch: int = 64,
    seed: int = 0,
) -> Tensor:
    """Train `model` on random batches; loss_of(the examples' numbers [batch]) -> their loss.

    The learning rate rises to 0.003 and falls again. Returns the losses [steps].
    """
    optimizer = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, steps)
    generator = torch.Generator().manual_seed(seed)
    losses = []
    model.train()
    for _ in range(steps):
        loss = loss_of(torch.randint(examples, (batch,), generator=generator))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.detach())
    model.eval()
    return torch.stack(losses).cpu()


def train_cnn(
    steps: int = 500, seed: int = 0, device: torch.device | str = "cpu"
) -> tuple[nn.Module, nn.Module]:
    """A CNN that names single motifs of 24 × 24 pixels and their colours, frozen; and its head.

    The head: [..., 64] -> [..., 16], scores of the 8 motifs and of the 8 colours.
    """
    images, factors = rangoli(8000, CELL, seed=1, supersample=1)
    images, motif, colour = (x.to(device) for x in (images, factors.motif, factors.colour))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        cnn, head = picture_cnn().to(device), nn.Linear(64, 16).to(device)

    def loss_of(index: Tensor) -> Tensor:
        scores = head(cnn(to_float(images[index])).mean((2, 3)))  # [B, 16]
        motif_loss = F.cross_entropy(scores[:, :8], motif[index])
        return motif_loss + F.cross_entropy(scores[:, 8:], colour[index])

    fit(nn.ModuleList([cnn, head]), loss_of, len(images), steps, seed=seed)
    return cnn.requires_grad_(False), head.requires_grad_(False)


@torch.no_grad()
def see(cnn: nn.Module, images: Tensor) -> Tensor:
    """Pictures uint8 [N, 3, 72, 72] -> their cells [N, 36, 64], in reading order."""
    device = next(cnn.parameters()).device
    maps = [cnn(to_float(batch.to(device))) for batch in images.split(500)]
    return rearrange(torch.cat(maps), "n d h w -> n (h w) d")


def to_nine(cells: Tensor) -> Tensor:
    """[N, 36, 64] -> [N, 9, 64]: the mean of the four cells that cover each motif."""
    return reduce(cells, "n (r i c j) d -> n (r c) d", "mean", r=SIDE, i=2, c=SIDE, j=2)


class AdditiveAttention(nn.Module):
    """Weights from a small network's scores, vᵀ tanh(W_q q + W_k k). Bahdanau et al. 2014."""

    def __init__(self, d_query: int = 64, d_key: int = 64, width: int = 64) -> None:
        super().__init__()
        self.to_query = nn.Linear(d_query, width)
        self.to_key = nn.Linear(d_key, width)
        self.v = nn.Linear(width, 1, bias=False)

    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        """query [B, d_query], key [B, n, d_key] -> weights [B, n]; each row sums to 1."""
        return self.weigh(query, self.to_key(key))

    def weigh(self, query: Tensor, projected_key: Tensor) -> Tensor:
        """The same for keys that went through `to_key` already: once, for many queries."""
        hidden = torch.tanh(self.to_query(query)[:, None] + projected_key)  # [B, n, width]
        return self.v(hidden)[..., 0].softmax(-1)  # PyTorch's own: the same as ours of 1.1


class MeanLook(nn.Module):
    """Every cell counts the same: mean pooling."""

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """query [B, d]; key, value [B, n, d] -> context [B, d], weights [B, 1, n]. All looks do."""
        weights = value.new_full((len(value), 1, value.shape[1]), 1 / value.shape[1])
        return (weights @ value)[:, 0], weights


class SoftLook(nn.Module):
    """Every cell counts by its weight."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = AdditiveAttention()

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        weights = self.attention(query, key)[:, None]
        return (weights @ value)[:, 0], weights


class SceneReader(nn.Module):
    """A question and the cells of a picture in; scores of the answers and weights out."""

    def __init__(self, look: nn.Module, answers: int = 1, positions: int = 0) -> None:
        super().__init__()
        self.embed = nn.Embedding(len(WORDS), 16)
        self.to_query = nn.Linear(16 * QUESTION_LENGTH, 64)
        self.to_value = nn.Linear(64, 64)
        self.positions = nn.Parameter(0.5 * torch.randn(positions, 64)) if positions else None
        self.look = look
        self.to_answer = nn.Sequential(nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 8 * answers))

    def forward(self, cells: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        """cells [B, n, 64], words [B, 9] -> scores [B, answers, 8], weights [B, heads, n]."""
        query = self.to_query(self.embed(words).flatten(1))  # [B, 64]: what is asked
        if self.positions is not None:
            cells = cells + self.positions
        context, weights = self.look(query, cells, self.to_value(cells))  # [B, 64]: what is seen
        scores = self.to_answer(torch.cat([context, query], dim=1))
        return scores.unflatten(1, (-1, 8)), weights


def train_reader(
    make: Callable[[], nn.Module],
    cells: Tensor,
    questions: Questions,
    steps: int = 300,
    batch: int = 64,
    seed: int = 0,
    extra_loss: Callable[[nn.Module, Tensor, Tensor, Tensor], Tensor] | None = None,
) -> nn.Module:
    """Make a reader and train it. cells: [N, n, 64], of the scenes that are asked about.

    extra_loss(reader, scores, weights, answer) is added to the cross-entropy of the answers.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        reader = make().to(cells.device)

    def loss_of(index: Tensor) -> Tensor:
        scores, weights = reader(cells[questions.scene[index]], questions.words[index])
        answer = questions.answer[index]  # [B, answers]
        loss = F.cross_entropy(scores.flatten(0, 1), answer.flatten())
        if extra_loss is not None:
            loss = loss + extra_loss(reader, scores, weights, answer)
        return loss

    fit(reader, loss_of, len(questions), steps, batch, seed)
    return reader


def cell_of(place: Tensor, n: int = 36) -> Tensor:
    """Places on a map of n cells (36 or 9) -> the cells of the 3 × 3 scene that they lie in."""
    side = math.isqrt(n)
    return place // side * SIDE // side * SIDE + place % side * SIDE // side


@torch.no_grad()
def measure(reader: nn.Module, cells: Tensor, questions: Questions) -> tuple[float, Tensor]:
    """Share of questions answered wholly right, and pointing accuracy [heads, answers].

    Pointing: how often a head's heaviest cell lies where the answer stands.
    """
    scores, weights = reader(cells[questions.scene], questions.words)
    right = (scores.argmax(-1) == questions.answer).all(1).float().mean().item()
    top = cell_of(weights.argmax(-1), weights.shape[-1])  # [N, heads]
    return right, (top[:, :, None] == questions.cell[:, None]).float().mean(0).cpu()


def spotlight(image: Tensor, weights: Tensor) -> Tensor:
    """A picture uint8 [3, S, S] lit by its weights [n]: bright where they are heavy. -> 0…1."""
    side = math.isqrt(len(weights))
    light = (weights / weights.max()).view(1, 1, side, side).detach().cpu()
    light = F.interpolate(light, size=image.shape[-2:])[0]  # one block for each cell
    glow = torch.tensor([0.25, 0.2, 0.05])[:, None, None]  # else nothing is seen on black
    return (to_float(image) * (0.2 + 0.75 * light) + glow * light).clamp(0, 1)


class HardLook(nn.Module):
    """One cell alone counts: drawn by lot in training, the heaviest in use."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.attention = AdditiveAttention()
        self.generator = torch.Generator().manual_seed(seed)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        weights = self.attention(query, key)  # [B, n]
        if self.training:
            drawn = torch.multinomial(weights.detach().cpu(), 1, generator=self.generator)
            self.choice = drawn[:, 0].to(weights.device)
        else:
            self.choice = weights.argmax(1)
        return value[torch.arange(len(value)), self.choice], weights[:, None]


def reinforce_loss(reader: nn.Module, scores: Tensor, weights: Tensor, answer: Tensor) -> Tensor:
    """Its gradient is REINFORCE's, with the batch's mean reward as the baseline.

    scores [B, answers, 8], weights [B, 1, n], answer [B, answers].
    """
    reward = (scores.argmax(-1) == answer).float().mean(1)
    log_p = weights[:, 0].gather(1, reader.look.choice[:, None])[:, 0].log()
    spread = torch.special.entr(weights[:, 0]).sum(1)
    return -((reward - reward.mean()) * log_p).mean() - 0.01 * spread.mean()


class HeadsLook(nn.Module):
    """Several heads look at the same time, each through projections of its own."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(64, heads)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        context, weights = self.attention(query[:, None], value)  # one query: n = 1
        return context[:, 0], weights[:, :, 0]


class Captioner(nn.Module):
    """Writes a caption word by word, and looks at the cells anew for each. Xu et al. 2015."""

    def __init__(self, look: str = "soft") -> None:
        super().__init__()
        self.look = look  # "soft", "hard" or "mean"
        self.to_value = nn.Linear(64, 64)
        self.positions = nn.Parameter(0.3 * torch.randn(36, 64))
        self.attention = AdditiveAttention(d_query=128)
        self.embed = nn.Embedding(len(WORDS), 32)
        self.start = nn.Linear(64, 128)
        self.remember = nn.GRUCell(32 + 64, 128)
        self.to_word = nn.Linear(128 + 64, len(WORDS))

    def forward(
        self,
        cells: Tensor,
        first: Tensor,
        words: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """cells [B, 36, 64], first [B] (the language) -> scores [B, 12, words], weights
        [B, 12, 36] and the drawn cells [B, 12], -1 where the weighted sum was used.

        words [B, 12]: the right caption, of which the model is given each word after it was
        asked for; without it, it goes on from its own. generator: draws the cells of a hard look.
        """
        value = self.to_value(cells) + self.positions
        key = self.attention.to_key(value)
        state, word = self.start(value.mean(1)).tanh(), first
        steps = []
        for step in range(CAPTION_LENGTH):
            weights = self.attention.weigh(state, key)  # [B, 36]: where to look now
            if self.look == "mean":
                weights = torch.full_like(weights, 1 / weights.shape[1])
            context = (weights[:, None] @ value)[:, 0]
            drawn = torch.full_like(first, -1)
            if self.look == "hard":
                drawn = self._draw(weights, generator)
                one_cell = value[torch.arange(len(value)), drawn.clamp(min=0)]
                context = torch.where(drawn[:, None] < 0, context, one_cell)
            state = self.remember(torch.cat([self.embed(word), context], dim=1), state)
            scores = self.to_word(torch.cat([state, context], dim=1))  # [B, words]
            steps.append((scores, weights, drawn))
            word = scores.argmax(1) if words is None else words[:, step]
        return tuple(torch.stack(parts, dim=1) for parts in zip(*steps, strict=True))

    def _draw(self, weights: Tensor, generator: torch.Generator | None) -> Tensor:
        """The cell that a hard look takes [B]. In training it is drawn half of the times; -1 says
        the weighted sum, which calms REINFORCE (Xu et al. 2015, section 4.1)."""
        if generator is None:
            return weights.argmax(1)
        drawn = torch.multinomial(weights.detach().cpu(), 1, generator=generator)[:, 0]
        blend = torch.rand(len(drawn), generator=generator) < 0.5
        return drawn.masked_fill(blend, -1).to(weights.device)


def train_captioner(
    cells: Tensor, scenes: Scenes, look: str = "soft", steps: int = 400, seed: int = 0
) -> Captioner:
    """Train on captions in both languages. A hard look learns by REINFORCE: a draw is rewarded
    with the log-probability of the word that was written after it."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        captioner = Captioner(look).to(cells.device)
    captions = torch.stack([describe(scenes, tongue)[0] for tongue in START]).to(cells.device)
    starts = torch.tensor([NUMBER[word] for word in START.values()], device=cells.device)
    generator = torch.Generator().manual_seed(seed) if look == "hard" else None

    def loss_of(index: Tensor) -> Tensor:
        tongue = torch.arange(len(index)) % 2  # half of the batch in each language
        words = captions[tongue, index]
        scores, weights, drawn = captioner(cells[index], starts[tongue], words, generator)
        real = (words != NUMBER[PAD]).float()  # [B, 12]
        each = F.cross_entropy(scores.transpose(1, 2), words, reduction="none") * real
        if look == "hard":
            reward = -each.detach()
            advantage = reward - (reward * real).sum(0) / real.sum(0).clamp(min=1)
            chosen = weights.gather(2, drawn.clamp(min=0)[..., None])[..., 0]
            log_p = chosen.clamp(min=1e-20).log() * (drawn >= 0)
            spread = torch.special.entr(weights).sum(2)
            each = each - (0.5 * advantage * log_p + 0.01 * spread) * real
        return each.sum() / real.sum()

    fit(captioner, loss_of, len(cells), steps, batch=32, seed=seed)
    return captioner


@torch.no_grad()
def measure_captions(
    captioner: Captioner, cells: Tensor, scenes: Scenes, tongue: str
) -> tuple[float, float]:
    """Share of captions in which every word is right, and pointing accuracy of their words.

    Pointing: as a colour or a motif is to be named, does the heaviest cell lie on that motif?
    """
    words, spoken_of = (part.to(cells.device) for part in describe(scenes, tongue))
    first = torch.full((len(words),), NUMBER[START[tongue]], device=cells.device)
    written = captioner(cells, first)[0].argmax(-1)
    exact = ((written == words) | (words == NUMBER[PAD])).all(1).float().mean().item()
    _, weights, _ = captioner(cells, first, words)
    named = spoken_of != EMPTY
    pointing = (cell_of(weights.argmax(-1)) == spoken_of)[named].float().mean().item()
    return exact, pointing


def load_captioners(
    device: torch.device | str = "cpu",
) -> tuple[nn.Module, dict[str, Captioner]]:
    """The CNN and the captioners ("soft", "hard", "mean") that come with the course."""
    stored = load_file(Path(common.__file__).parent / "weights" / "attention-captions.safetensors")
    models = nn.ModuleDict({"cnn": picture_cnn()})
    models.update({look: Captioner(look) for look in ("soft", "hard", "mean")})
    models.load_state_dict({name: value.float() for name, value in stored.items()})
    models.eval().requires_grad_(False).to(device)
    return models["cnn"], {look: models[look] for look in ("soft", "hard", "mean")}


@torch.no_grad()
def looks_of_words(
    captioner: Captioner, cells: Tensor, images: Tensor, tongue: str | None = None
) -> tuple[list[Tensor], list[str]]:
    """A scene (cells [1, 36, 64], images [1, 3, 72, 72]) and, for each word that the captioner
    writes about it, the scene lit where it looked; and the title of each picture."""
    first = torch.tensor([NUMBER[START[tongue or language()]]], device=cells.device)
    scores, weights, _ = captioner(cells, first)
    pictures, titles = [to_float(images[0])], [t("the scene")]
    for word, weight in zip(scores[0].argmax(-1).tolist(), weights[0], strict=True):
        if WORDS[word] in (END, PAD):
            break
        pictures.append(spotlight(images[0], weight))
        titles.append(WORDS[word])
    return pictures, titles


class TinyViT(nn.Module):
    """The question and nine cells look at one another, block by block; then it answers."""

    def __init__(self, heads: int = 4, depth: int = 2) -> None:
        super().__init__()
        self.embed = nn.Embedding(len(WORDS), 16)
        self.to_query = nn.Linear(16 * QUESTION_LENGTH, 64)
        self.to_token = nn.Linear(64, 64)
        self.positions = nn.Parameter(0.5 * torch.randn(CELLS, 64))
        self.blocks = nn.ModuleList(TransformerBlock(64, heads, 128) for _ in range(depth))
        self.norm = nn.LayerNorm(64)
        self.to_answer = nn.Linear(64, 8)

    def look_everywhere(self, cells: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        """cells [B, 9, 64], words [B, 9] -> scores [B, 1, 8] and who looked at whom,
        [B, depth, heads, 10, 10]; token 0 is the question, 1 … 9 are the cells."""
        question = self.to_query(self.embed(words).flatten(1))[:, None]
        x = torch.cat([question, self.to_token(cells) + self.positions], dim=1)  # [B, 10, 64]
        seen = []
        for block in self.blocks:
            x, weights = block(x)
            seen.append(weights)
        return self.to_answer(self.norm(x[:, :1])), torch.stack(seen, dim=1)

    def forward(self, cells: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        """-> scores [B, 1, 8], and the question's weights on the cells in the last block."""
        scores, weights = self.look_everywhere(cells, words)
        return scores, weights[:, -1, :, 0, 1:]


def neighbour_questions(
    cnn: nn.Module, count: int, seed: int, most: int, each: int = 1
) -> tuple[Scenes, Tensor, Questions]:
    """`count` scenes of 4 … `most` motifs, their nine cells [count, 9, 64], and `each` times for
    every scene a question after the right-hand neighbour of a motif."""
    scenes = make_scenes(count, seed, 4, most)
    questions = [ask(scenes, "right", seed=seed + s) for s in range(each)]
    nine = to_nine(see(cnn, scenes.images))
    return scenes, nine, Questions.join(questions).to(nine.device)


def train_vit(nine: Tensor, right: Questions, steps: int) -> tuple[TinyViT, SceneReader]:
    """The ViT, and as its control a reader with one look, on the same data for as many steps."""
    vit = train_reader(TinyViT, nine, right, steps, 128)
    glance = train_reader(lambda: SceneReader(SoftLook(), positions=CELLS), nine, right, steps, 128)
    return vit, glance


def load_vit(device: torch.device | str = "cpu") -> tuple[TinyViT, SceneReader]:
    """The ViT and the reader with one look that come with the course; their cells are those of
    `load_captioners`' CNN."""
    stored = load_file(Path(common.__file__).parent / "weights" / "attention-vit.safetensors")
    models = nn.ModuleList([TinyViT(), SceneReader(SoftLook(), positions=CELLS)])
    models.load_state_dict({name: value.float() for name, value in stored.items()})
    models.eval().requires_grad_(False).to(device)
    return models[0], models[1]
