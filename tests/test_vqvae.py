"""What 1-vqvae teaches: quantisers (beside a library's), their gradients, networks, measures."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F

from common.rangoli import rangoli
from common.vqgan import (
    FSQ,
    VQVAE,
    AsItIs,
    Decoder,
    Encoder,
    LampModel,
    Quantizer,
    ResidualBlock,
    Snap,
    lamp_error,
    lamps,
    psnr,
    train_lamps,
    train_vqvae,
    usage,
)

library = pytest.importorskip("vector_quantize_pytorch")


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def plain(codes: int = 32, dim: int = 8, **options) -> Quantizer:
    """A quantiser that does nothing unasked: no k-means, no restarts."""
    return Quantizer(codes, dim, **{"kmeans": False, "restart": False, **options})


def twin(ours: Quantizer, **options) -> torch.nn.Module:
    """The library's quantiser with the same settings and the same codes."""
    theirs = library.VectorQuantize(
        dim=ours.dim,
        codebook_size=ours.codes,
        decay=ours.decay,
        commitment_weight=ours.beta,
        use_cosine_sim=ours.normalize,
        rotation_trick=False,
        accept_image_fmap=True,
        **options,
    )
    theirs._codebook.embed.data.copy_(ours.codebook[None])
    theirs._codebook.embed_avg.copy_(ours.codebook[None])
    return theirs.train()


# --- beside the library ---------------------------------------------------------------------------


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 5, 7), (4, 1, 1)])
def test_the_ema_quantizer_is_the_librarys(shape, normalize):
    ours = plain(normalize=normalize).train()
    theirs = twin(ours)
    n, h, w = shape
    for step in range(12):  # the codes move in between: later steps test the updates
        z = (random(n, 8, h, w, seed=step) * 0.7 + 0.3).requires_grad_()
        z_theirs = z.detach().clone().requires_grad_()
        wanted = random(n, 8, h, w, seed=100 + step)
        vectors, indices, loss = ours(z)
        their_vectors, their_indices, their_loss = theirs(z_theirs)
        assert torch.equal(indices, their_indices)
        torch.testing.assert_close(vectors, their_vectors, atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(loss, their_loss.squeeze(), atol=1e-6, rtol=1e-5)
        ((vectors * wanted).sum() + loss).backward()
        ((their_vectors * wanted).sum() + their_loss.sum()).backward()
        torch.testing.assert_close(z.grad, z_theirs.grad, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(ours.codebook, theirs._codebook.embed[0], atol=1e-6, rtol=1e-6)
        torch.testing.assert_close(ours.counts, theirs._codebook.cluster_size[0])


def test_the_gradient_codebook_is_the_librarys_where_both_terms_weigh_1():
    ours = plain(update="gradient", beta=1.0).train()
    theirs = twin(ours, learnable_codebook=True, ema_update=False)
    z, wanted = random(3, 8, 5, 4), random(3, 8, 5, 4, seed=1)
    inputs = [z.clone().requires_grad_() for _ in range(2)]
    vectors, indices, loss = ours(inputs[0])
    their_vectors, their_indices, their_loss = theirs(inputs[1])
    assert torch.equal(indices, their_indices)
    torch.testing.assert_close(loss, 2 * their_loss.squeeze())  # they add up one, we two
    ((vectors * wanted).sum() + loss).backward()
    ((their_vectors * wanted).sum() + their_loss.sum()).backward()
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(ours.codebook.grad, theirs._codebook.embed.grad[0])


@pytest.mark.parametrize("levels", [(8, 6, 5), (4, 4, 4, 4), (3,), (7, 5, 5, 5)])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 3, 5)])
def test_fsq_is_the_librarys(levels, shape):
    ours, theirs = FSQ(levels), library.FSQ(list(levels))
    n, h, w = shape
    z = 2 * random(n, len(levels), h, w)
    inputs = [z.clone().requires_grad_() for _ in range(2)]
    vectors, indices, loss = ours(inputs[0])
    their_vectors, their_indices = theirs(inputs[1])
    assert torch.equal(indices, their_indices.long()) and loss == 0
    torch.testing.assert_close(vectors, their_vectors)
    wanted = random(*z.shape, seed=1)
    (vectors * wanted).sum().backward()
    (their_vectors * wanted).sum().backward()
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad)
    torch.testing.assert_close(ours.look_up(indices), vectors.detach())
    torch.testing.assert_close(ours.codebook, theirs.implicit_codebook)
    assert ours.codes == math.prod(levels) and ours.dim == len(levels)


@pytest.mark.parametrize("levels", [(), (2, 4)])
def test_fsq_names_levels_that_cannot_be(levels):
    with pytest.raises(ValueError, match="at least 3"):
        FSQ(levels)


# --- the straight-through gradient, and who is moved by which loss --------------------------------


@pytest.mark.parametrize("update", ["ema", "gradient"])
def test_the_decoders_gradient_reaches_the_encoder_unchanged(update):
    z, wanted = random(2, 8, 3, 5).requires_grad_(), random(2, 8, 3, 5, seed=1)
    quantizer = plain(update=update).train()
    vectors = quantizer(z).vectors
    (gradient,) = torch.autograd.grad((vectors * wanted).sum(), z)
    assert torch.equal(gradient, wanted)
    indices = plain(update=update)(z).indices
    torch.testing.assert_close(vectors, plain(update=update).look_up(indices))


def test_beta_is_on_the_commitment_and_not_on_the_codebook():
    z = random(2, 8, 3, 5)

    def gradients(beta: float) -> tuple[torch.Tensor, torch.Tensor]:
        quantizer, leaf = plain(update="gradient", beta=beta).train(), z.clone().requires_grad_()
        return torch.autograd.grad(quantizer(leaf).loss, (leaf, quantizer.codebook))

    (encoder, codebook), (encoder_4, codebook_4) = gradients(0.25), gradients(1.0)
    torch.testing.assert_close(encoder_4, 4 * encoder)
    torch.testing.assert_close(codebook_4, codebook)
    assert codebook.abs().max() > 0
    quantizer = plain(beta=0.25)
    nearest = quantizer.look_up(quantizer.nearest(z))
    torch.testing.assert_close(quantizer(z).loss, 0.25 * F.mse_loss(z, nearest))


def test_an_ema_codebook_has_nothing_for_an_optimiser():
    assert not list(Quantizer().parameters())
    assert [name for name, _ in Quantizer(update="gradient").named_parameters()] == ["codebook"]
    with pytest.raises(ValueError, match="ema"):
        Quantizer(update="adam")


# --- choosing, looking up, starting, restarting ---------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 4, 7), (1, 1, 1)])
@pytest.mark.parametrize("options", [{}, {"update": "gradient"}, {"normalize": True}])
def test_nearest_and_look_up(shape, options):
    quantizer = plain(**options).eval()
    n, h, w = shape
    z = random(n, 8, h, w)
    indices = quantizer.nearest(z)
    rows = z.permute(0, 2, 3, 1)
    rows = F.normalize(rows, dim=-1) if "normalize" in options else rows
    distances = (rows[..., None, :] - quantizer.codebook).norm(dim=-1)  # the long way
    assert torch.equal(indices, distances.argmin(-1)) and indices.shape == (n, h, w)
    vectors = quantizer.look_up(indices)
    assert vectors.shape == z.shape
    assert torch.equal(vectors[0, :, -1, 0], quantizer.codebook[indices[0, -1, 0]])
    assert torch.equal(quantizer(z).indices, indices)


@pytest.mark.parametrize("shape", [(2, 7, 4, 4), (2, 8, 4), (8, 4)])
def test_wrong_shapes_are_named(shape):
    for quantizer in (Quantizer(), FSQ([3] * 8)):
        with pytest.raises(ValueError, match=r"\[N, 8, H, W\]"):
            quantizer(random(*shape))


def test_in_eval_nothing_changes():
    quantizer = Quantizer(16, 8).eval()
    before = copy.deepcopy(quantizer.state_dict())
    quantizer(random(2, 8, 4, 4))
    after = quantizer.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not quantizer.started  # k-means waits for training


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("update", ["ema", "gradient"])
def test_kmeans_finds_the_heaps(update, normalize):
    centres = 5 * random(6, 8)
    heaps = centres[torch.arange(600) % 6] + 0.01 * random(600, 8, seed=1)
    z = heaps.view(6, 10, 10, 8).permute(0, 3, 1, 2)
    quantizer = Quantizer(24, 8, update=update, normalize=normalize).train()
    quantizer(z)
    assert quantizer.started
    wanted = F.normalize(centres, dim=1) if normalize else centres
    assert torch.cdist(wanted, quantizer.codebook.detach()).min(1).values.max() < 0.02
    sizes = quantizer.codebook.detach().norm(dim=1)
    assert not normalize or torch.allclose(sizes, torch.ones(24))
    codes = quantizer.codebook.detach().clone()
    quantizer.eval()(z + 100)  # started once and for all
    assert torch.equal(codes, quantizer.codebook)


def test_kmeans_with_fewer_vectors_than_codes():
    quantizer = Quantizer(64, 8).train()
    vectors, _, loss = quantizer(random(1, 8, 2, 3))
    assert torch.isfinite(quantizer.codebook).all() and loss < 1e-6
    torch.testing.assert_close(vectors, random(1, 8, 2, 3))


@pytest.mark.parametrize("update", ["ema", "gradient"])
def test_restart_revives_dead_codes_and_no_others(update):
    z = random(4, 8, 8, 8)
    for restart in (False, True):
        quantizer = plain(64, update=update, restart=restart).train()
        with torch.no_grad():
            quantizer.codebook[16:] += 100  # nobody will choose these
            quantizer.sums.copy_(quantizer.codebook)
        assert usage(quantizer(z).indices, 64)[0] <= 16
        for _ in range(45):
            quantizer(z)
        used = usage(quantizer.eval()(z).indices, 64)[0]
        assert used > 60 if restart else used <= 16
        far = (quantizer.codebook > 50).any(1)
        assert far.sum() == (0 if restart else 48)


def test_a_code_in_use_is_left_alone():
    quantizer = plain(8, restart=True, update="gradient").train()
    quantizer.counts.copy_(torch.tensor([1.0, 1, 1, 1, 1, 1, 1, 0.01]))
    before = quantizer.codebook.detach().clone()
    vectors = random(50, 8, seed=3)
    quantizer.revive(vectors)
    assert torch.equal(quantizer.codebook[:7], before[:7])
    assert (vectors == quantizer.codebook[7]).all(1).any()


def test_dice_are_its_own_and_are_kept():
    """Global random numbers stay untouched; the same seed gives the same codes; copies work."""
    state = torch.get_rng_state()
    runs = []
    for _ in range(2):
        quantizer = Quantizer(64, 8, seed=3).train()
        for step in range(40):
            quantizer(random(1, 8, 4, 4, seed=step))
        runs.append(quantizer)
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(runs[0].codebook, runs[1].codebook)
    assert not torch.equal(runs[0].codebook, Quantizer(64, 8, seed=4).codebook)
    other = copy.deepcopy(runs[0])
    other(random(1, 8, 4, 4, seed=99))
    runs[0](random(1, 8, 4, 4, seed=99))
    assert torch.equal(other.codebook, runs[0].codebook)


def test_a_saved_quantizer_does_not_start_again():
    quantizer = Quantizer(8, 8).train()
    quantizer(random(2, 8, 4, 4))
    loaded = Quantizer(8, 8, seed=5).train()
    loaded.load_state_dict(quantizer.state_dict())
    codes = loaded.codebook.clone()
    loaded.rows(random(2, 8, 4, 4))
    assert loaded.started and torch.equal(codes, quantizer.codebook)
    loaded(50 + random(2, 8, 4, 4))  # far away: k-means would go there at once
    assert (loaded.codebook.mean() - 50).abs() > 10


# --- lamps ----------------------------------------------------------------------------------------


def test_a_lamp_stands_where_it_is_told():
    pictures = lamps(torch.tensor([[0.0, 1.0], [1.0, 3 / 7]])).view(2, 8, 8)  # [down, right]
    assert pictures.shape == (2, 8, 8) and pictures.max() == 1
    assert pictures[0, 7, 0] == 1 and pictures[1, 3, 7] == 1
    assert pictures[0, :4].max() < 0.01


def test_lamps_are_learnt_as_latents_and_as_codes():
    state = torch.get_rng_state()
    plain_model = LampModel(AsItIs())
    before = lamp_error(plain_model)
    assert train_lamps(plain_model, 120) == []
    assert lamp_error(plain_model) < 0.5 * before
    model = LampModel(Snap(Quantizer(16, 2)))
    looks = train_lamps(model, 120, look_every=60)
    assert [look.step for look in looks] == [0, 60, 120]
    for look in looks:
        assert look.latents.shape == look.places.shape == (400, 2)
        assert look.codes.shape == (16, 2) and look.chosen.sum() == 400
    assert not torch.equal(looks[0].codes, looks[-1].codes)  # a look is a copy
    assert lamp_error(model) < 0.8 and not model.training
    assert torch.equal(state, torch.get_rng_state())


def test_snap_gives_codes_and_passes_the_gradient():
    snap = Snap(plain(16, 2)).train()
    z = random(5, 2).requires_grad_()
    vectors, price = snap(z)
    (gradient,) = torch.autograd.grad(vectors.sum(), z)
    assert torch.equal(gradient, torch.ones(5, 2)) and price > 0
    distances = torch.cdist(vectors.detach(), plain(16, 2).codebook)
    assert distances.min(1).values.max() < 1e-6


# --- the networks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1, 32, 32), (3, 32, 32), (1, 4, 4), (2, 20, 36)])
@pytest.mark.parametrize(("width", "dim"), [(16, 3), (64, 8)])
def test_shapes(size, width, dim):
    n, height, width_of_picture = size
    x = random(n, 3, height, width_of_picture).clamp(-1, 1)
    model = VQVAE(width, dim, codes=16).eval()
    restored, quantized = model(x)
    cells = (n, height // 4, width_of_picture // 4)
    assert restored.shape == x.shape and restored.abs().max() <= 1
    assert quantized.vectors.shape == (n, dim, *cells[1:])
    codes = model.encode(x)
    assert codes.shape == cells and codes.dtype == torch.long
    assert torch.equal(codes, quantized.indices) and 0 <= codes.min() <= codes.max() < 16
    torch.testing.assert_close(model.decode(codes), restored, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("shape", [(1, 3, 30, 32), (1, 3, 32, 33), (1, 1, 32, 32), (3, 32, 32)])
def test_the_encoder_names_pictures_it_cannot_take(shape):
    with pytest.raises(ValueError, match="multiples of 4"):
        Encoder(16)(torch.zeros(shape))


def test_pictures_of_a_batch_do_not_mix():
    x = random(3, 3, 16, 16)
    encoder, decoder = Encoder(16), Decoder(16)
    torch.testing.assert_close(encoder(x)[1:2], encoder(x[1:2]), atol=1e-5, rtol=1e-4)
    z = random(3, 8, 4, 4)
    torch.testing.assert_close(decoder(z)[1:2], decoder(z[1:2]), atol=1e-5, rtol=1e-4)


def test_a_residual_block_begins_as_the_identity_and_can_learn():
    block, x = ResidualBlock(16), random(2, 16, 5, 3)
    assert torch.equal(block(x), x)
    block(x).square().sum().backward()
    assert block.net[-1].weight.grad.abs().max() > 0


def test_the_autoencoder_has_197_thousand_numbers():
    assert sum(p.numel() for p in VQVAE().parameters()) == 196_692


def test_fsq_takes_the_quantizers_place():
    model = VQVAE(16, quantizer=FSQ((8, 6, 5))).eval()
    x = random(2, 3, 8, 8).clamp(-1, 1)
    restored, quantized = model(x)
    assert restored.shape == x.shape and quantized.vectors.shape == (2, 3, 2, 2)
    torch.testing.assert_close(model.decode(model.encode(x)), restored, atol=1e-5, rtol=1e-4)


# --- measures -------------------------------------------------------------------------------------


def test_psnr_by_hand():
    zero = torch.zeros(2, 3, 4, 4)
    assert psnr(zero, zero + 0.2) == pytest.approx(20, abs=1e-4)  # (2 / 0.2)² = 100
    mixed = torch.stack([zero[0] + 0.2, zero[0] + 0.02])
    assert psnr(zero, mixed) == pytest.approx((20 + 40) / 2, abs=1e-3)  # a mean over pictures
    assert math.isfinite(psnr(zero, zero))


def test_usage_by_hand():
    used, perplexity = usage(torch.tensor([[0, 1], [2, 3]]), 16)
    assert used == 4 and perplexity == pytest.approx(4)
    assert usage(torch.zeros(5, dtype=torch.long), 16) == (1, pytest.approx(1))
    used, perplexity = usage(torch.tensor([0, 0, 0, 1]), 2)
    entropy = 0.75 * math.log(4 / 3) + 0.25 * math.log(4)
    assert used == 2 and perplexity == pytest.approx(math.exp(entropy))


# --- training -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    return rangoli(200, seed=50, split="train")[0]


def small(seed: int = 0, **options) -> VQVAE:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return VQVAE(16, quantizer=Quantizer(32, 4, **options))


def test_training_learns_starts_the_codes_and_repeats(pictures):
    state = torch.get_rng_state()
    runs = []
    for _ in range(2):
        model = small()
        started = []
        history = train_vqvae(
            model,
            pictures,
            30,
            batch=16,
            start_at=10,
            note=lambda s, m, to=started: to.append(bool(m.quantizer.started)),
        )
        runs.append(model)
    assert torch.equal(state, torch.get_rng_state())
    assert started == [False] * 10 + [True] * 20
    losses = [value for _, value in history["reconstruction"]]
    assert len(losses) == 30 and sum(losses[-5:]) < 0.8 * sum(losses[:5])
    for a, b in zip(runs[0].state_dict().values(), runs[1].state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_short_training_still_starts_the_codes(pictures):
    model = small()
    train_vqvae(model, pictures, 5, batch=16)
    assert model.quantizer.started


def test_training_goes_on_where_it_was_killed(pictures, tmp_path):
    whole = small()
    train_vqvae(whole, pictures, 14, batch=8, start_at=4, folder=tmp_path / "whole")

    class Killed(Exception):
        pass

    def kill(step: int, _model: VQVAE) -> None:
        if step == 9:
            raise Killed

    def go_on(**options) -> VQVAE:
        model = small()
        train_vqvae(model, pictures, 14, batch=8, start_at=4, folder=tmp_path / "cut", **options)
        return model

    import common.training

    kept = common.training.Training.__init__.__kwdefaults__
    before = kept["save_every"]
    kept["save_every"] = 0
    try:
        with pytest.raises(Killed):
            go_on(note=kill)
        resumed = go_on()
    finally:
        kept["save_every"] = before
    for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("wrong", [torch.zeros(4, 3, 32, 32), torch.zeros(3, 32, 32).byte()])
def test_training_names_pictures_it_cannot_take(wrong):
    with pytest.raises(ValueError, match="uint8"):
        train_vqvae(small(), wrong, 1)
