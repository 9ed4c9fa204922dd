"""What lesson 01-attention builds, for what comes later.

Built by `python3 course.py build` from
lessons/01-attention/1-attention.py: edit there, not here.
"""

import math

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from einops import rearrange
from matplotlib.figure import Figure
from torch import Tensor, nn

from common import plots
from common.lang import t
from common.rangoli import Factors, render


def softmax(scores: Tensor, dim: int = -1) -> Tensor:
    """Turn scores into weights that are positive and sum to 1 along `dim`.

    A row of nothing but -inf (all masked) gives zeros, not NaN.
    """
    highest = scores.amax(dim, keepdim=True).detach()  # without it, exp overflows
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
    causal: bool, steps: int = 400, seed: int = 0, device: torch.device | str = "cpu"
) -> tuple[BorderWriter, Tensor]:
    """Train on borders of 12 tiles with a random rule of 3; returns the model and its losses."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = BorderWriter().to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
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
