"""Lesson 01 equals PyTorch, over sizes, masks and types that catch sloppy code."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from common.attention import (
    BorderWriter,
    MultiHeadAttention,
    TransformerBlock,
    attention_weights,
    causal_mask,
    reinforce_gradient,
    scaled_dot_product_attention,
    sinusoidal_positions,
    softmax,
    where_it_looked,
    write_border,
)

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 3e-2}
MASKS = ["none", "causal", "padding", "random"]


def random(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


def mask_of(kind: str, batch: int, n: int, m: int) -> torch.Tensor | None:
    """A mask in which every query may look somewhere, [n, m] or [batch, 1, n, m]."""
    if kind == "none":
        return None
    if kind == "causal":
        return torch.ones(n, m, dtype=torch.bool).tril()
    if kind == "padding":
        return (torch.arange(m) < max(1, m - 2)).expand(batch, 1, n, m)
    keep = torch.rand(batch, 1, n, m, generator=torch.Generator().manual_seed(1)) < 0.5
    keep[..., 0] = True
    return keep


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize(("batch", "heads", "n", "m"), [(1, 1, 1, 1), (3, 2, 5, 7), (1, 4, 9, 4)])
def test_attention_equals_pytorch(dtype, kind, batch, heads, n, m):
    query, key = random(batch, heads, n, 8, dtype=dtype), random(batch, heads, m, 8, dtype=dtype)
    value = random(batch, heads, m, 6, dtype=dtype, seed=2)
    mask = mask_of(kind, batch, n, m)
    output, weights = scaled_dot_product_attention(query, key, value, mask)
    expected = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    assert output.shape == (batch, heads, n, 6) and weights.shape == (batch, heads, n, m)
    assert output.dtype == dtype
    assert (output - expected).abs().max() <= TOLERANCE[dtype]
    assert (weights.sum(-1) - 1).abs().max() <= TOLERANCE[dtype]


def test_softmax_equals_pytorch_where_naive_code_overflows():
    scores = random(3, 5) * 1_000
    assert torch.allclose(softmax(scores), scores.softmax(-1), atol=1e-6)
    assert torch.allclose(softmax(scores, dim=0), scores.softmax(0), atol=1e-6)


def test_gradients_equal_pytorch():
    ours = [random(2, 3, 4, dtype=torch.float64, seed=s).requires_grad_() for s in range(3)]
    theirs = [x.detach().clone().requires_grad_() for x in ours]
    mask = causal_mask(3)
    scaled_dot_product_attention(*ours, mask)[0].square().sum().backward()
    F.scaled_dot_product_attention(*theirs, attn_mask=mask).square().sum().backward()
    for a, b in zip(ours, theirs, strict=True):
        assert torch.allclose(a.grad, b.grad, atol=1e-12)


def test_wholly_masked_row_gives_zeros_and_finite_gradients():
    query, key, value = (random(2, 3, 4, seed=s).requires_grad_() for s in range(3))
    mask = torch.ones(2, 3, 3, dtype=torch.bool)
    mask[1, 2] = False
    output, weights = scaled_dot_product_attention(query, key, value, mask)
    assert output[1, 2].eq(0).all() and weights[1, 2].eq(0).all()
    output.sum().backward()
    assert all(x.grad.isfinite().all() for x in (query, key, value))


def test_scores_are_divided_by_the_root_of_the_key_width():
    query, key = random(4_000, 1, 64), random(4_000, 16, 64, seed=1)
    logs = attention_weights(query, key).log()
    assert (logs - logs.mean(-1, keepdim=True)).var().item() == pytest.approx(15 / 16, rel=0.05)


def test_causal_mask_lets_nothing_through_from_later():
    block, x = TransformerBlock(16, 4, 32), random(3, 7, 16)
    for position in range(1, 7):
        changed = x.clone()
        changed[:, position] += 1
        before, after = block(x, causal_mask(7))[0], block(changed, causal_mask(7))[0]
        assert torch.equal(before[:, :position], after[:, :position])
        assert not torch.allclose(before[:, position], after[:, position])


def copy_weights(ours: MultiHeadAttention, theirs: nn.MultiheadAttention) -> None:
    linears = (ours.to_query, ours.to_key, ours.to_value)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([linear.weight for linear in linears]))
        theirs.out_proj.weight.copy_(ours.to_out.weight)
        if theirs.in_proj_bias is not None:
            theirs.in_proj_bias.copy_(torch.cat([linear.bias for linear in linears]))
            theirs.out_proj.bias.copy_(ours.to_out.bias)


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("batch", "heads", "n", "m"), [(1, 1, 1, 3), (3, 2, 5, 7), (2, 6, 4, 4)])
def test_heads_equal_nn_multihead_attention(kind, bias, batch, heads, n, m):
    ours = MultiHeadAttention(12, heads, bias)
    theirs = nn.MultiheadAttention(12, heads, bias=bias, batch_first=True)
    copy_weights(ours, theirs)
    query, key, value = random(batch, n, 12), random(batch, m, 12, seed=1), random(batch, m, 12)
    mask = mask_of(kind, batch, n, m)
    if mask is not None and mask.ndim == 4:
        mask = mask[:, 0]  # [batch, n, m]: the same for every head
    theirs_mask = None if mask is None else ~mask  # theirs: True = must not look
    if theirs_mask is not None and theirs_mask.ndim == 3:
        theirs_mask = theirs_mask.repeat_interleave(heads, dim=0)
    output, weights = ours(query, key, value, mask)
    expected, expected_weights = theirs(
        query, key, value, attn_mask=theirs_mask, average_attn_weights=False
    )
    assert (output - expected).abs().max() < 1e-5
    assert (weights - expected_weights).abs().max() < 1e-5


def test_self_attention_is_cross_attention_with_itself():
    attention, x = MultiHeadAttention(12, 3), random(2, 5, 12)
    assert torch.equal(attention(x)[0], attention(x, x, x)[0])


def test_heads_must_share_the_width():
    with pytest.raises(ValueError, match=r"d_model=10.*3"):
        MultiHeadAttention(10, 3)


@pytest.mark.parametrize("kind", ["none", "causal"])
@pytest.mark.parametrize(("batch", "n"), [(1, 1), (3, 6), (2, 9)])
def test_block_equals_nn_transformer_encoder_layer(kind, batch, n):
    ours = TransformerBlock(16, 4, 40)
    theirs = nn.TransformerEncoderLayer(
        16, 4, 40, dropout=0, activation="gelu", batch_first=True, norm_first=True
    )
    copy_weights(ours.attention, theirs.self_attn)
    theirs.norm1.load_state_dict(ours.norm_1.state_dict())
    theirs.norm2.load_state_dict(ours.norm_2.state_dict())
    theirs.linear1.load_state_dict(ours.feed_forward[0].state_dict())
    theirs.linear2.load_state_dict(ours.feed_forward[2].state_dict())
    x, mask = random(batch, n, 16), mask_of(kind, batch, n, n)
    output, _ = ours(x, mask)
    expected = theirs(x, src_mask=None if mask is None else ~mask)
    assert (output - expected).abs().max() < 1e-5


@pytest.mark.parametrize(("n", "d"), [(1, 2), (7, 8), (5, 9)])
def test_positions_are_the_papers(n, d):
    codes = sinusoidal_positions(n, d)
    assert codes.shape == (n, d)
    for position in range(n):
        for i in range(d):
            angle = position / 10_000 ** ((i - i % 2) / d)
            expected = math.cos(angle) if i % 2 else math.sin(angle)
            assert codes[position, i].item() == pytest.approx(expected, abs=1e-4)


def test_reinforce_is_unbiased_and_the_baseline_calms_it():
    scores = torch.tensor([0.3, -1.0, 2.0, 0.0], requires_grad=True)
    losses = torch.tensor([4.0, 1.0, 3.0, 6.0])
    expected = softmax(scores) @ losses
    (exact,) = torch.autograd.grad(expected, scores)
    draws = {
        b: reinforce_gradient(scores, losses, 200_000, b, torch.Generator().manual_seed(0))
        for b in (0.0, expected.item())
    }
    for each in draws.values():
        assert (each.mean(0) - exact).abs().max() < 0.02
    assert draws[expected.item()].var(0).sum() < 0.5 * draws[0.0].var(0).sum()


def test_border_is_written_one_tile_at_a_time():
    model, start = BorderWriter(length=9), torch.tensor([[1, 2, 3], [4, 5, 6]])
    written = write_border(model, start, length=9)
    assert written.shape == (2, 9) and torch.equal(written[:, :3], start)
    assert torch.equal(write_border(model, written[:, :5], length=9), written)
    looked_at = where_it_looked(model, written)
    assert looked_at.shape == (2, 8) and (looked_at <= torch.arange(8)).all()
