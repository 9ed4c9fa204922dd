"""Notebook 3.3: priors over codes and latents, prompts, guidance, and a contrastive model."""

import math

import pytest
import torch
import torch.nn.functional as F

from common.attention import MultiHeadAttention
from common.data import to_float
from common.metrics import load_judge
from common.rangoli import (
    all_factors,
    captions,
    held_out,
    rangoli,
    render,
    sample_factors,
)
from common.vqgan import (
    LENGTH,
    NOTHING,
    PAD,
    VQVAE,
    CodePrior,
    CrossBlock,
    FlowPrior,
    LatentAutoencoder,
    SmallClip,
    TextEncoder,
    TextToRangoli,
    caption_table,
    contrast,
    follow,
    guided,
    heun,
    nothing_like,
    optimise_codes,
    prior_of,
    prompt_accuracy,
    sample_codes,
    sample_flow,
    train_prior,
    vocabulary,
)

RED = ["नीली पृष्ठभूमि पर लाल कमल", "a red lotus on a blue background"]


def small_flow(width: int = 16, depth: int = 1, **options) -> FlowPrior:
    torch.manual_seed(0)
    prior = FlowPrior(width, depth, heads=2, **options)
    for last in (prior.to_shifts, prior.to_velocity):  # as if trained: they begin at zero
        torch.nn.init.normal_(last.weight, std=0.3)
    return prior.eval()


def small_codes(kind: str, places: int = 16) -> CodePrior:
    torch.manual_seed(0)
    return CodePrior(kind, width=16, depth=2, heads=2, codes=8, places=places).eval()


# --- words


def test_every_caption_can_be_read_and_is_not_cut():
    kinds, words = all_factors(), vocabulary()
    for tongue in ("hi", "en"):
        for symmetry in (False, True):
            texts = captions(kinds, tongue, symmetry=symmetry)
            tokens = words.encode(texts)
            assert tokens.shape[1] <= LENGTH and words.decode(tokens) == texts


def test_the_table_of_captions_belongs_to_its_pictures():
    factors = sample_factors(30, torch.Generator().manual_seed(3))
    table = caption_table(factors)
    for variant, (tongue, symmetry) in enumerate(
        [("hi", False), ("hi", True), ("en", False), ("en", True)]
    ):
        assert vocabulary().decode(table[:, variant]) == captions(
            factors, tongue, symmetry=symmetry
        )


def test_numbers_of_words_stay_what_shipped_weights_learnt():
    words = vocabulary()
    assert len(words) == 72 and (PAD, NOTHING) == (0, 1)
    assert [words.words[i] for i in (2, 18, 36, 71)] == ["a", "lotus", "आठ", "हीरा"]


def test_spelling_that_people_type():
    words = vocabulary()
    assert words.encode(["Red LOTUS."]).tolist() == words.encode(["red lotus"]).tolist()
    assert words.encode(["सफेद कमल।"]).tolist() == words.encode(["सफ़ेद कमल"]).tolist()


def test_unknown_words_are_named_with_near_ones():
    with pytest.raises(ValueError, match=r"lotsu.*lotus"):
        vocabulary().encode(["a red lotsu"])
    with pytest.raises(ValueError, match=r"कमाल.*कमल"):
        vocabulary().encode(["लाल कमाल"])
    with pytest.raises(ValueError, match="zzzz"):
        vocabulary().encode(["zzzz"])
    for special in ("<pad>", "<nothing>"):
        with pytest.raises(ValueError):
            vocabulary().encode([special])


def test_a_string_and_a_long_prompt_are_refused():
    with pytest.raises(ValueError, match="list"):
        vocabulary().encode("a red lotus")
    with pytest.raises(ValueError, match="13 words"):
        vocabulary().encode(["red " * 13])


def test_an_empty_prompt_is_nothing():
    tokens = vocabulary().encode(RED)
    assert vocabulary().encode(["", RED[1]])[:1].equal(nothing_like(tokens)[:1])


def test_filling_changes_no_word_and_no_picture():
    tokens = vocabulary().encode(RED)
    longer = vocabulary().encode(RED, LENGTH)
    torch.manual_seed(0)
    encoder = TextEncoder(16, 2)
    assert torch.allclose(encoder(tokens)[0], encoder(longer)[0][:, : tokens.shape[1]], atol=1e-6)
    prior = small_flow()
    same = [sample_flow(prior, which, steps=2) for which in (tokens, longer)]
    assert torch.allclose(*same, atol=1e-5)


# --- blocks and priors


def test_the_cross_attention_is_lesson_ones_with_linear_keys_and_values():
    block = CrossBlock(16, 2)
    assert isinstance(block.read, MultiHeadAttention)
    assert type(block.read.to_key) is type(block.read.to_value) is torch.nn.Linear
    words, readable = TextEncoder(16, 2)(vocabulary().encode(RED))
    x, weights = block(torch.randn(2, 5, 16), words, readable)
    assert x.shape == (2, 5, 16) and weights.shape == (2, 2, 5, 7)
    assert torch.allclose(weights.sum(-1), torch.ones(2, 2, 5))
    assert weights[0, :, :, 5:].eq(0).all()  # the Hindi prompt has five words


@pytest.mark.parametrize("kind", ["ar", "masked"])
def test_only_the_autoregressive_prior_is_causal(kind):
    prior, tokens = small_codes(kind), vocabulary().encode(RED[:1])
    x = torch.randint(8, (1, 16), generator=torch.Generator().manual_seed(0))
    other = x.clone()
    other[0, 9] = (x[0, 9] + 1) % 8
    read = prior.text(tokens)
    moved = (prior(x, *read) - prior(other, *read)).abs().amax(-1)[0] > 1e-6
    assert moved.nonzero().min() == (10 if kind == "ar" else 0)
    assert moved[10:].all()


def test_writing_code_by_code_gives_the_scores_of_the_whole():
    prior, tokens = small_codes("ar"), vocabulary().encode(RED)
    x = torch.randint(8, (2, 16), generator=torch.Generator().manual_seed(0))
    read = prior.text(tokens)
    past, before = [{} for _ in prior.blocks], torch.full((2,), 8)
    for place in range(16):
        scores = prior.next_code(before, place, *read, past)
        assert torch.allclose(scores, prior(x, *read)[:, place], atol=1e-5)
        before = x[:, place]


def test_the_masked_loss_is_of_masked_places_only():
    prior, tokens = small_codes("masked"), vocabulary().encode(RED[:1]).expand(64, -1)
    x = torch.zeros(64, 4, 4, dtype=torch.long)
    seen = []
    forward = prior.forward
    prior.forward = lambda codes, *read: seen.append(codes) or forward(codes, *read)
    loss = prior.loss(x, tokens, torch.Generator().manual_seed(0))
    (given,) = seen
    hidden = given == 8
    assert hidden.any(1).all() and not hidden.all()
    scores = forward(given, *prior.text(tokens))
    by_hand = -scores.log_softmax(-1)[hidden][:, 0].mean()
    assert torch.allclose(loss, by_hand)


def test_an_unknown_kind_of_prior_is_refused():
    with pytest.raises(ValueError, match="gan"):
        CodePrior("gan")


def test_flow_loss_is_the_published_formula():
    prior, tokens = small_flow(), vocabulary().encode(RED)
    x = torch.randn(2, 24, 8, 8, generator=torch.Generator().manual_seed(1))
    loss = prior.loss(x, tokens, torch.Generator().manual_seed(2))
    dice = torch.Generator().manual_seed(2)
    noise = torch.randn(x.shape, generator=dice)
    time = 1 / (1 + torch.exp(-torch.randn(2, generator=dice)))
    total = 0.0
    for i in range(2):
        between = (1 - time[i]) * noise[i] + time[i] * x[i]
        said = prior(between[None], time[i : i + 1], *prior.text(tokens[i : i + 1]))[0]
        total += (said - (x[i] - noise[i])).square().sum().item()
    assert loss.item() == pytest.approx(total / x.numel(), rel=1e-5)


def test_a_patch_returns_to_its_place():
    """The velocity of a patch depends on the tokens of all patches, but is written to its own."""
    prior = small_flow()
    x = torch.zeros(1, 24, 8, 8, requires_grad=True)
    with torch.no_grad():
        prior.blocks = torch.nn.ModuleList()  # no patch hears of another
        prior.positions.zero_()
    read = prior.text(vocabulary().encode(RED[:1]))
    prior.velocity_and_reading = lambda x, time, *_: (_only_tokens(prior, x), None)
    prior(x, torch.zeros(1), *read)[0, :, 2:4, 4:6].sum().backward()
    touched = x.grad[0].abs().sum(0) > 0
    assert touched[2:4, 4:6].all() and touched.sum() == 4


def _only_tokens(prior: FlowPrior, x: torch.Tensor) -> torch.Tensor:
    from einops import rearrange

    h = prior.to_token(rearrange(x, "b c (h p) (w q) -> b (h w) (c p q)", p=2, q=2))
    return rearrange(
        prior.to_velocity(h), "b (h w) (c p q) -> b c (h p) (w q)", p=2, q=2, h=x.shape[2] // 2
    )


# --- sampling


def test_heun_is_exact_on_a_velocity_that_is_linear_in_time():
    end = heun(lambda x, time: torch.full_like(x, 3 - 4 * time), torch.zeros(5), 3)
    assert torch.allclose(end, torch.ones(5), atol=1e-6)
    grown = heun(lambda x, time: x, torch.ones(1), 20)  # e, with an error of order h²
    assert grown.item() == pytest.approx(math.e, abs=2e-3)


def test_guidance_one_is_the_model_and_zero_forgets_the_prompt():
    prior, tokens = small_flow(), vocabulary().encode(RED)
    noise = torch.randn(2, 24, 8, 8, generator=torch.Generator().manual_seed(0))
    one = sample_flow(prior, tokens, 1.0, 3, noise=noise)
    almost = sample_flow(prior, tokens, 1.0 + 1e-6, 3, noise=noise)
    words = prior.text(tokens)
    by_hand = heun(lambda x, time: prior(x, torch.full((2,), time), *words), noise, 3)
    assert torch.allclose(one, by_hand, atol=1e-5) and torch.allclose(one, almost, atol=1e-4)
    none = sample_flow(prior, tokens, 0.0, 3, noise=noise)
    empty = sample_flow(prior, vocabulary().encode(["", ""]), 1.0, 3, noise=noise)
    assert torch.allclose(none, empty, atol=1e-4)
    assert not torch.allclose(sample_flow(prior, tokens, 3.0, 3, noise=noise), one, atol=1e-3)


def test_guided_goes_through_what_was_told():
    told, untold = torch.tensor([3.0]), torch.tensor([1.0])
    assert [guided(told, untold, g).item() for g in (0, 1, 2)] == [1, 3, 5]


def test_the_same_seed_draws_the_same_and_another_does_not():
    prior, tokens = small_flow(), vocabulary().encode(RED)
    first, again, other = (sample_flow(prior, tokens, steps=2, seed=s) for s in (3, 3, 4))
    assert first.equal(again) and not first.equal(other)


@pytest.mark.parametrize("kind", ["ar", "masked"])
@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_every_place_gets_a_code(kind, guidance):
    prior = small_codes(kind)
    for steps in (1, 5, 30):
        codes = sample_codes(prior, vocabulary().encode(RED), guidance, steps)
        assert codes.shape == (2, 4, 4) and codes.min() >= 0 and codes.max() < 8


def test_codes_are_thrown_by_their_chances():
    """As often as their scores say. (In many rounds the masked one prefers what is probable.)"""
    for kind in ("ar", "masked"):
        prior = small_codes(kind)
        torch.nn.init.zeros_(prior.to_code.weight)
        with torch.no_grad():
            prior.to_code.bias.copy_(torch.tensor([0.0, 0, 0, 2, 0, 0, 0, 0]))
        tokens = vocabulary().encode(RED[:1]).expand(400, -1)
        share = (sample_codes(prior, tokens, 1.0, steps=1) == 3).float().mean().item()
        assert share == pytest.approx(math.e**2 / (math.e**2 + 7), abs=0.03)


def test_a_code_once_kept_stays():
    prior = small_codes("masked")
    seen = []
    forward = prior.forward
    prior.forward = lambda x, *read: seen.append(x.clone()) or forward(x, *read)
    final = sample_codes(prior, vocabulary().encode(RED[:1]), 1.0, 6).flatten(1)
    counts = [(x == 8).sum().item() for x in seen]
    assert counts == [int(16 * math.cos(math.pi / 2 * i / 6)) for i in range(6)]
    for x in seen:
        known = x != 8
        assert x[known].equal(final[known])


# --- training


def test_training_moves_the_average_behind_the_model():
    torch.manual_seed(0)
    prior = FlowPrior(16, 1, 2)
    start = prior.to_token.weight.clone()
    data, tokens = torch.randn(8, 24, 8, 8), caption_table(sample_factors(8))
    averaged, training = train_prior(prior, data, tokens, 3, batch=4)
    assert len(training.history["loss"]) == 3
    far = (prior.to_token.weight - start).abs().max()
    near = (averaged.to_token.weight - start).abs().max()
    assert 0 < near < far


def test_follow_is_a_moving_average():
    a, b = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
    expected = 0.9 * a.weight + 0.1 * b.weight
    follow(a, b, 0.9)
    assert torch.allclose(a.weight, expected)


def test_muon_moves_the_hidden_matrices_only():
    torch.manual_seed(0)
    data, tokens = torch.randn(8, 24, 8, 8), caption_table(sample_factors(8))
    _, training = train_prior(FlowPrior(16, 1, 2), data, tokens, 2, batch=4, muon=0.02)
    moved = {p.shape for group in training.parts["muon"].param_groups for p in group["params"]}
    assert moved == {(16, 16), (48, 16), (16, 48), (32, 16), (16, 32)}
    count = sum(len(group["params"]) for group in training.parts["muon"].param_groups)
    assert count == 8 + 2 + 4 + 2  # of the block, and of the text's block


def test_moment_moves_the_times():
    torch.manual_seed(0)
    seen = {}
    for moment in (0.0, -1.0):
        prior = FlowPrior(16, 1, 2, moment=moment)
        times = []
        prior.register_forward_pre_hook(lambda _, inputs, times=times: times.append(inputs[1]))
        tokens = caption_table(sample_factors(500))[:, 0]
        prior.loss(torch.zeros(500, 24, 8, 8), tokens, torch.Generator().manual_seed(0))
        seen[moment] = times[0]
    assert torch.allclose(seen[0.0].logit() - 1, seen[-1.0].logit(), atol=1e-4)
    assert abs(seen[0.0].median() - 0.5) < 0.05


def test_a_tenth_of_the_prompts_is_nothing():
    prior = small_flow()
    told = []
    prior.loss = lambda x, tokens, dice: told.append(tokens) or prior.to_token.weight.sum()
    train_prior(
        prior, torch.zeros(9, 24, 8, 8), caption_table(sample_factors(9)), 30, batch=64, rate=1e-6
    )
    share = (torch.cat(told)[:, 0] == NOTHING).float().mean().item()
    assert share == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize("kind", ["flow", "ar", "masked"])
def test_each_prior_learns(kind):
    """Two pictures, two captions: the loss must fall far below that of knowing nothing."""
    torch.manual_seed(0)
    tokens = caption_table(all_factors()[torch.tensor([0, 700])])
    if kind == "flow":
        prior, data = FlowPrior(32, 1, 2, channels=2), torch.randn(2, 2, 8, 8).sign()
        most = 1.5  # noise itself costs 1, a picture of ±1 another 1
    else:
        prior = CodePrior(kind, 32, 1, 2, codes=8, places=16)
        data, most = torch.randint(8, (2, 4, 4)), 0.6 * math.log(8)
    _, training = train_prior(prior, data, tokens, 60, batch=32, rate=5e-3)
    assert sum(loss for _, loss in training.history["loss"][-10:]) / 10 < most


# --- the whole


def test_latents_are_standardised_and_bounded():
    torch.manual_seed(0)
    model = LatentAutoencoder(16, 4).eval()
    x = torch.rand(40, 3, 32, 32) * 2 - 1
    model.settle(x)
    z = model.encode(x)
    assert z.shape == (40, 4, 8, 8) and model.bounded(100 * x).abs().max() <= 3
    assert torch.allclose(z.mean((0, 2, 3)), torch.zeros(4), atol=1e-4)
    assert torch.allclose(z.std((0, 2, 3)), torch.ones(4), atol=1e-3)
    assert torch.allclose(model.decode(z), model(x)[0].clamp(-1, 1), atol=1e-4)
    model.train()
    assert not torch.allclose(model(x)[0], model(x)[0])  # noise
    model.eval()
    assert torch.allclose(model(x)[0], model(x)[0])


def test_draw_gives_pictures_and_takes_noise():
    model = TextToRangoli(small_flow(), LatentAutoencoder(16).eval(), steps=1)
    pictures = model.draw([*RED, "हरा तारा"], seed=2)
    assert pictures.shape == (3, 3, 32, 32) and pictures.min() >= 0 and pictures.max() <= 1
    noise = torch.randn(3, 24, 8, 8, generator=torch.Generator().manual_seed(2))
    assert torch.allclose(model.draw([*RED, "हरा तारा"], noise=noise), pictures)
    many = model.draw(
        [RED[0]] * 70, seed=2
    )  # more than one batch: the same noise, whatever the cut
    assert torch.allclose(
        many[:3], model.draw([RED[0]] * 3, noise=noise.new_tensor(_noise(70))[:3]), atol=1e-5
    )


def _noise(many: int):
    return torch.randn(many, 24, 8, 8, generator=torch.Generator().manual_seed(2)).numpy()


@pytest.mark.parametrize("split", ["all", "train", "held-out"])
def test_prompt_accuracy_of_the_truth_is_one(split):
    judge = load_judge("rangoli")
    wanted = sample_factors(128, torch.Generator().manual_seed(1), split)
    asked = []
    right = prompt_accuracy(
        lambda said: asked.extend(said) or to_float(render(wanted)), judge, 128, split
    )
    assert asked[0] == captions(wanted[:1], "hi", symmetry=True)[0]
    assert asked[1] == captions(wanted[1:2], "en", symmetry=True)[0]
    assert min(right[key] for key in ("both", "all", "hi", "en", "symmetry")) > 0.96
    assert ("held-out" in right) == bool(held_out(wanted).any())
    assert ("seen" in right) == (split != "held-out")


def test_prompt_accuracy_of_other_pictures_is_chance():
    judge = load_judge("rangoli")
    right = prompt_accuracy(lambda said: to_float(rangoli(len(said), seed=9)[0]), judge, 200)
    assert right["both"] < 0.08 and right["motif"] < 0.25 and right["ground"] < 0.4


@pytest.mark.parametrize(("width", "depth"), [(16, 1), (32, 3)])
def test_a_prior_is_known_by_its_numbers(width, depth):
    for kind in ("flow", "ar", "masked"):
        prior = FlowPrior(width, depth) if kind == "flow" else CodePrior(kind, width, depth)
        again = prior_of(prior.state_dict(), kind)
        assert type(again) is type(prior) and len(again.blocks) == depth
        assert getattr(again, "kind", "flow") == kind


# --- CLIP


def test_contrast_is_cross_entropy_where_all_captions_differ():
    scores = torch.randn(5, 5, generator=torch.Generator().manual_seed(0))
    same = torch.eye(5)
    assert torch.allclose(contrast(scores, same), F.cross_entropy(scores, torch.arange(5)))
    same[0, 1] = same[1, 0] = 1  # the first two captions are one
    loss = contrast(scores, same)
    p = scores.log_softmax(1)
    by_hand = -((p[0, 0] + p[0, 1]) / 2 + (p[1, 0] + p[1, 1]) / 2 + p[2, 2] + p[3, 3] + p[4, 4])
    assert torch.allclose(loss, by_hand / 5)


def test_clip_lives_on_a_sphere_and_ignores_filling():
    torch.manual_seed(0)
    clip = SmallClip(8, 16)
    tokens = vocabulary().encode(RED)
    words = clip.of_words(tokens)
    assert torch.allclose(words.norm(dim=1), torch.ones(2))
    assert torch.allclose(words, clip.of_words(vocabulary().encode(RED, LENGTH)), atol=1e-6)
    pictures = clip.of_pictures(torch.rand(3, 3, 32, 32))
    assert torch.allclose(pictures.norm(dim=1), torch.ones(3))


def test_optimising_codes_raises_the_score_and_leaves_the_networks():
    torch.manual_seed(0)
    model = VQVAE(16, 4, 32).eval()
    before = [p.clone() for p in model.state_dict().values()]
    start = model.quantizer.look_up(torch.randint(32, (2, 8, 8)))
    score = lambda x: x[:, 0].mean((1, 2))  # noqa: E731  redder is better
    pictures, codes, scores = optimise_codes(model, score, start, steps=15)
    assert (score(pictures) > scores[0]).all() and len(scores) == 15
    assert pictures.equal(model.decode(codes)) and codes.shape == (2, 8, 8)
    assert all(a.equal(b) for a, b in zip(before, model.state_dict().values(), strict=True))
    assert all(p.grad is None for p in model.parameters())
