"""Notebook 5.2: adapters of a text-to-image model; what each may change, and what it must not."""

import copy

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from common import hypernetwork
from common.attention import MultiHeadAttention
from common.hypernetwork import (
    SHIPPED,
    HyperModule,
    LoRALinear,
    adapter_report,
    add_pseudo_word,
    attach_hypernetwork,
    attach_lora,
    augmented,
    draw_adapted,
    lesson_of,
    load_adapter,
    load_shipped_adapter,
    new_prompts,
    read_style,
    save_adapter,
    style_captions,
    style_pictures,
    train_adapter,
    unfreeze,
)
from common.metrics import load_judge
from common.rangoli import COLOURS, MOTIFS, captions
from common.vqgan import (
    FlowPrior,
    TextToRangoli,
    load_latent_autoencoder,
    load_text2rangoli,
    vocabulary,
)

KINDS = {
    "hypernetwork": attach_hypernetwork,
    "lora": attach_lora,
    "word": add_pseudo_word,
    "full": unfreeze,
}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def base() -> FlowPrior:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        prior = FlowPrior(16, 2, heads=2)
        for last in (prior.to_shifts, prior.to_velocity):  # as if trained: they begin at zero
            nn.init.normal_(last.weight, std=0.3)
    return prior.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def artist(base) -> TextToRangoli:
    return TextToRangoli(base, load_latent_autoencoder(), steps=2)


def made(kind: str, base: FlowPrior):
    return KINDS[kind](copy.deepcopy(base))


def answer(model: FlowPrior, tokens=None) -> torch.Tensor:
    dice = torch.Generator().manual_seed(3)
    if tokens is None:
        tokens = vocabulary().encode(["a red lotus", "नीला तारा"])
    x = torch.randn(len(tokens), *model.shape, generator=dice)
    with torch.no_grad():
        return model(x, torch.full((len(x),), 0.4), *model.text(tokens))


def shaken(adapter):
    """As if it had learnt something."""
    with torch.no_grad():
        for number in adapter.learned.values():
            number.add_(0.3 * torch.randn_like(number))
    return adapter


def little_lesson(artist, adapter, count=4):
    images, factors = style_pictures("warli", count)
    return lesson_of(artist, adapter, images, style_captions(factors, word=adapter.word), times=2)


# ---------------------------------------------------------------------------- identity


@pytest.mark.parametrize("kind", KINDS)
def test_before_the_first_step_nothing_has_changed(base, kind):
    assert torch.equal(answer(made(kind, base).model), answer(base))


@pytest.mark.parametrize("kind", ["hypernetwork", "lora"])
def test_strength_zero_is_the_base_bit_for_bit_and_strength_scales(base, kind):
    adapter = shaken(made(kind, base))
    assert adapter.strength == 1 and not torch.allclose(answer(adapter.model), answer(base))
    adapter.strength = 0.0
    assert torch.equal(answer(adapter.model), answer(base))


def test_a_word_and_full_fine_tuning_have_no_strength(base):
    for kind in ("word", "full"):
        with pytest.raises(ValueError, match="strength"):
            made(kind, base).strength = 0.5


def test_without_a_bend_the_module_is_one_affine_map():
    def crooked(module):
        nn.init.normal_(module.net[-1].weight)
        a, b = torch.randn(2, 5, 8)
        with torch.no_grad():
            off = module(a + b) - module(a) - module(b) + module(torch.zeros(1, 8))
        return off.abs().max().item()

    bent, flat = HyperModule(8), HyperModule(8)
    flat.net[1] = nn.Identity()
    assert crooked(flat) < 1e-4 < 0.1 < crooked(bent)


def test_where_says_which_attentions_change(base):
    adapter = shaken(attach_hypernetwork(copy.deepcopy(base), "cross"))
    blocks = adapter.model.blocks
    assert all(type(block.look.to_key) is nn.Linear for block in blocks)
    assert all(type(block.read.to_query) is nn.Linear for block in blocks)
    changes = {id(d) for b in blocks for d in (b.read.to_key.change, b.read.to_value.change)}
    assert changes == {id(dial) for dial in adapter.dials} and len(changes) == 4
    assert 2 * adapter.numbers == made("hypernetwork", base).numbers
    with pytest.raises(ValueError, match="cross"):
        attach_hypernetwork(copy.deepcopy(base), "crossed")


def test_two_adapters_in_one_model_have_strengths_of_their_own(base):
    model = copy.deepcopy(base)
    first = shaken(attach_hypernetwork(model))
    alone = answer(model)
    second = shaken(attach_lora(model))
    together = answer(model)
    second.strength = 0.0
    assert torch.equal(answer(model), alone) and not torch.allclose(together, alone)
    first.strength = 0.0
    assert torch.equal(answer(model), answer(base))


# ---------------------------------------------------------------------------- LoRA


def test_lora_can_be_added_into_the_weight(base):
    linear = nn.Linear(8, 8)
    thin = LoRALinear(linear, 8, rank=2)
    nn.init.normal_(thin.up.weight)
    thin.strength = 0.7
    merged = linear.weight + 0.7 * thin.up.weight @ thin.down.weight
    x = torch.randn(5, 8)
    torch.testing.assert_close(thin(x), nn.functional.linear(x, merged, linear.bias))
    assert torch.linalg.matrix_rank(thin.up.weight @ thin.down.weight) == 2


def test_lora_is_that_of_peft():
    peft = pytest.importorskip("peft")  # its import takes long: this one test only
    attention = MultiHeadAttention(16, 2)
    config = peft.LoraConfig(r=3, lora_alpha=3, target_modules=["to_key", "to_value"])
    theirs = peft.inject_adapter_in_model(config, copy.deepcopy(attention))
    for side in ("to_key", "to_value"):
        thin = LoRALinear(getattr(attention, side), 16, rank=3)
        nn.init.normal_(thin.up.weight)
        setattr(attention, side, thin)
        like = getattr(theirs, side)
        like.lora_A["default"].weight.data.copy_(thin.down.weight)
        like.lora_B["default"].weight.data.copy_(thin.up.weight)
    x = torch.randn(2, 5, 16)
    torch.testing.assert_close(attention(x)[0], theirs(x)[0])
    for side in ("to_key", "to_value"):  # the knob, too
        getattr(attention, side).strength = 0.4
        getattr(theirs, side).scaling["default"] = 0.4
    torch.testing.assert_close(attention(x)[0], theirs(x)[0])


# ---------------------------------------------------------------------------- textual inversion


def test_a_pseudo_word_leaves_ordinary_prompts_bit_equal(base, artist):
    adapter = made("word", base)
    latents, tokens = little_lesson(artist, adapter)
    train_adapter(adapter, latents, tokens, 3, batch=4)
    rows = adapter.model.text.embed
    assert torch.equal(rows.embed.weight, base.text.embed.weight)
    assert not torch.equal(rows.row[0], base.text.embed.weight[2:].mean(0))
    assert torch.equal(answer(adapter.model), answer(base))
    spoken = adapter.encode(["a red lotus S*"])
    assert not torch.allclose(answer(adapter.model, spoken), answer(base, spoken[:, :3]))
    drawn = draw_adapted(artist, adapter, ["a red lotus", ""], seed=4)
    assert torch.equal(drawn, artist.draw(["a red lotus", ""], seed=4))


def test_a_pseudo_word_is_read_where_it_stands(base):
    adapter = made("word", base)
    new = len(vocabulary())
    red, lotus = vocabulary().number("red"), vocabulary().number("lotus")
    assert adapter.encode(["S* red lotus", "red S* lotus", "S*"]).tolist() == [
        [new, red, lotus],
        [red, new, lotus],
        [new, 0, 0],
    ]
    assert adapter.encode([""]).tolist() == vocabulary().encode([""]).tolist()
    with pytest.raises(ValueError, match="warli"):
        adapter.encode(["warli S*"])
    with pytest.raises(ValueError, match="13"):
        adapter.encode([" ".join(["red"] * 12) + " S*"])
    begun = add_pseudo_word(copy.deepcopy(base), like=["red"])
    assert torch.equal(begun.model.text.embed.row[0], base.text.embed.weight[red])


# ---------------------------------------------------------------------------- training


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_adapter_learns_and_the_loss_falls(base, artist, kind):
    adapter = made(kind, base)
    latents, tokens = little_lesson(artist, adapter)
    before = {name: p.clone() for name, p in adapter.model.named_parameters()}
    mine = {id(p) for p in adapter.learned.values()}
    losses = train_adapter(adapter, latents, tokens, 40, rate=1e-2, batch=8)
    changed = {n for n, p in adapter.model.named_parameters() if not torch.equal(p, before[n])}
    assert changed and changed <= {n for n, p in adapter.model.named_parameters() if id(p) in mine}
    if kind != "word":
        assert sum(losses[-10:]) < sum(losses[:10])
    assert not any(p.requires_grad for p in adapter.model.parameters())


def test_the_captions_read_once_teach_the_same_as_read_at_each_step(base, artist, monkeypatch):
    monkeypatch.setattr(hypernetwork, "MUON", {})  # both by AdamW
    adapter, slow = made("lora", base), made("lora", base)
    torch.manual_seed(0)
    for number, other in zip(adapter.learned.values(), slow.learned.values(), strict=True):
        other.data.copy_(number)
    latents, tokens = little_lesson(artist, adapter)
    fast = train_adapter(adapter, latents, tokens, 3, batch=4)
    slow.kind, rate = "full", hypernetwork.RATES["lora"]  # a kind whose text may learn
    torch.testing.assert_close(fast, train_adapter(slow, latents, tokens, 3, rate=rate, batch=4))


def test_training_is_repeatable_and_says_when_it_breaks(base, artist):
    runs = []
    for _ in range(2):
        torch.manual_seed(0)
        adapter = made("lora", base)
        lesson = little_lesson(artist, adapter)
        runs.append(train_adapter(adapter, *lesson, 3, batch=4))
    assert runs[0] == runs[1]
    with pytest.raises(ValueError, match="rate"):
        train_adapter(made("full", base), lesson[0] * torch.nan, lesson[1], 2, batch=4)


def test_the_lesson_is_what_the_pictures_say(base, artist):
    images, factors = style_pictures("warli")
    assert images.shape == (16, 3, 32, 32) and images.dtype == torch.uint8
    assert (
        set(factors.motif.tolist()) == set(hypernetwork.SHOWN) and len(factors.colour.unique()) == 8
    )
    assert not torch.equal(images, style_pictures("neon")[0])
    adapter = made("word", base)
    texts = style_captions(factors, word=adapter.word)
    assert texts[3][2] == captions(factors, "en")[3] + " S*"
    latents, tokens = lesson_of(artist, adapter, images, texts, times=3)
    assert latents.shape == (48, 24, 8, 8) and tokens.shape[:2] == (16, 4)
    assert (tokens == len(vocabulary())).sum() == 16 * 4  # the new word stands in each


def test_what_a_picture_does_not_show_is_named_at_random():
    factors = style_pictures("warli")[1]
    texts = style_captions(factors, ("colour", "ground"), versions=8)
    assert texts == style_captions(factors, ("colour", "ground"), versions=8)
    for i, ways in enumerate(texts):
        motif = MOTIFS[factors.motif[i]]
        assert len(ways) == 32
        assert all(motif.hi in text or motif.en in text for text in ways)
        assert len({text.split()[1] for text in ways if text.startswith("a")}) > 2  # colours
    only_ground = style_captions(factors, ("ground",), versions=8)
    colour = COLOURS[factors.colour[5]].en
    assert all(f" {colour} " in text for text in only_ground[5] if text.startswith("a"))
    assert len({text for text in only_ground[5] if text.startswith("a")}) > 2


def test_copies_of_a_picture_share_its_captions(base, artist):
    adapter, told_each = made("word", base), made("word", base)
    latents, tokens = little_lesson(artist, adapter)
    assert len(latents) == 2 * len(tokens)
    losses = train_adapter(adapter, latents, tokens, 4, batch=8)
    assert losses == train_adapter(told_each, latents, tokens.repeat(2, 1, 1), 4, batch=8)


def test_augmented_pictures_are_the_same_ones_a_little_moved():
    images = style_pictures("warli", 6)[0]
    many = augmented(images, 9, seed=3)
    assert many.shape == (54, 3, 32, 32) and many.dtype == torch.uint8
    assert torch.equal(many[:6], images) and torch.equal(many, augmented(images, 9, seed=3))
    assert len({tuple(x.flatten().tolist()) for x in many}) == 54

    def rough(x):
        return nn.functional.avg_pool2d(x.float(), 8).flatten(1)

    both = torch.cat([rough(images), rough(images.flip(3))])
    whose = torch.cdist(rough(many), both).argmin(1)
    right = (whose % 6 == torch.arange(6).repeat(9)).float().mean()
    assert right > 0.8 and 0.2 < (whose[6:] >= 6).float().mean() < 0.8  # and some are mirrored


# ---------------------------------------------------------------------------- files


@pytest.mark.parametrize("kind", KINDS)
def test_an_adapter_comes_back_from_its_file(base, kind, tmp_path):
    adapter = shaken(made(kind, base))
    path = tmp_path / "deep" / "mine.safetensors"
    size = save_adapter(adapter, path, pictures="my own")
    assert size == path.stat().st_size and not list(path.parent.glob("*.part"))
    back = load_adapter(path, copy.deepcopy(base))
    assert back.kind == kind and back.notes["pictures"] == "my own"
    assert not any(p.requires_grad for p in back.model.parameters())
    for name, number in adapter.learned.items():
        assert torch.equal(back.learned[name], number.half().float())


def test_wrong_and_foreign_files_are_named(base, tmp_path):
    def refused(path, match, error=ValueError):
        model = copy.deepcopy(base)
        with pytest.raises(error, match=match):
            load_adapter(path, model)

    refused(tmp_path / "no.safetensors", "no.safetensors", FileNotFoundError)
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes(b"no tensors at all")
    refused(torn, "safetensors")
    foreign = tmp_path / "foreign.safetensors"
    save_file({"lora_te_text.alpha": torch.ones(1)}, foreign)
    refused(foreign, "lora_te_text.alpha.*save_adapter")
    good = tmp_path / "good.safetensors"
    save_adapter(made("lora", base), good)
    torch.manual_seed(9)
    other = FlowPrior(16, 2, heads=2)
    with pytest.raises(ValueError, match="another base"):
        load_adapter(good, other)
    adapter = made("lora", base)
    adapter.settings["rank"] = 5  # its notes lie
    save_adapter(adapter, good)
    refused(good, "down")
    adapter.kind = "dream"
    save_adapter(adapter, good)
    refused(good, "dream.*hypernetwork")
    with pytest.raises(ValueError, match="warli"):
        load_shipped_adapter("vangogh", copy.deepcopy(base))


# ---------------------------------------------------------------------------- the report


def test_the_report_asks_with_the_word_and_measures_drift_without_it(base, artist):
    judge, adapter = load_judge("styles"), shaken(made("word", base))
    report, pictures = adapter_report(artist, adapter, judge, "warli", count=6)
    assert report["drift"] == 0 and report["numbers"] == 16 and len(pictures) == 6
    ordinary, wanted = new_prompts(6)
    spared = judge.read(artist.draw(ordinary, seed=5))["style"].argmax(1) == 0
    assert report["spared"] == pytest.approx(spared.float().mean().item())
    assert read_style(judge, pictures, wanted, "warli").items() <= report.items()
    report, _ = adapter_report(artist, shaken(made("lora", base)), judge, "warli", count=6)
    assert report["drift"] > 0


def test_the_judge_reads_every_style():
    judge = load_judge("styles")
    for style in hypernetwork.STYLES:
        images, factors = style_pictures(style, 48, seed=5)
        shares = read_style(judge, images / 255, factors, style)
        assert shares["style"] > 0.95 and shares["motif"] > 0.95


# ---------------------------------------------------------------------------- what ships


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_adapters_are_small_and_fit_the_base(name):
    path = hypernetwork.Path(hypernetwork.common.__file__).parent / "weights"
    path = path / f"adapter-{name}.safetensors"
    assert path.stat().st_size <= 1_000_000
    model = load_text2rangoli().prior
    plain = copy.deepcopy(model)
    adapter = load_shipped_adapter(name, model)
    assert adapter.notes["pictures"] and float(adapter.notes["seconds"]) > 0
    tokens = vocabulary().encode(["a red lotus"])
    if adapter.kind == "hypernetwork":
        assert adapter.numbers < 0.15 * sum(p.numel() for p in plain.parameters())
        assert not torch.allclose(answer(model, tokens), answer(plain, tokens))
        adapter.strength = 0.0
    assert torch.equal(answer(model, tokens), answer(plain, tokens))
