# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown] lang="en" name="title"
# # 2.3 · Bigger pictures: growing, style, and your own images
#
# At 8 × 8 a GAN is easy, at 64 × 64 it is not. In this notebook you see why, and the three ideas that made faces a thousand pixels wide possible: **grow** the picture, let the discriminator
# **see every scale**, and let a **style** steer every layer. Then you steer: from one picture to another, with more daring or less, and into a carpet that nobody has drawn. At the end the folder is yours.
#
# **You need** [2.1](1-adversarial-game.en.ipynb) and [2.2](2-dcgan.en.ipynb): the two training steps, the hinge loss, FID, precision and recall.
# **Time**: about an hour to read and try; *Run all* takes about a minute and a half on two CPU cores.
# %% [markdown] lang="hi" of="b90afe9f"
# # 2.3 · बड़े चित्र: धीरे-धीरे बढ़ाना, शैली, और आपके अपने चित्र
#
# 8 × 8 के चित्र GAN आसानी से सीख लेता है, 64 × 64 के नहीं। इस नोटबुक में आप देखेंगे कि दिक़्क़त कहाँ है, और वे तीन विचार जिनसे हज़ार पिक्सल चौड़े चेहरे बनने लगे: चित्र को **धीरे-धीरे बढ़ाना**, डिस्क्रिमिनेटर को
# **हर आकार दिखाना**, और **शैली** से हर लेयर को दिशा देना। फिर कमान आपके हाथ में: एक चित्र से दूसरे तक जाना, कम या ज़्यादा जोखिम लेना, और ऐसा क़ालीन बनाना जो किसी ने नहीं बनाया। आख़िर में GAN आपके अपने चित्रों पर सीखेगा।
#
# **क्या आना चाहिए**: [2.1](1-adversarial-game.hi.ipynb) और [2.2](2-dcgan.hi.ipynb), यानी ट्रेनिंग के दोनों क़दम, हिंज लॉस, FID, प्रिसिज़न और रिकॉल।
# **समय**: पढ़ने और आज़माने में लगभग एक घंटा; *Run all* दो CPU कोर पर लगभग डेढ़ मिनट लेता है।
# %% tags=["start"]
# %% name="imports" tags=["export"]
import copy
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from einops import rearrange
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

import common
from common import plots, quiz
from common.data import Report, image_folder, photographs, split_indices, to_float
from common.gan import (
    Discriminator,
    MinibatchStd,
    check_labels,
    frechet_distance,
    hinge_discriminator_loss,
    hinge_generator_loss,
    precision_recall,
    update_average,
)
from common.interact import interact
from common.lang import t
from common.metrics import load_judge
from common.rangoli import all_factors, render
from common.training import Training, keep_folder

# %% name="preview"
# Where we are going: a carpet from the generator that section 4 explains.
from common.gan import carpet, load_style_generator

trained = load_style_generator(device)
plots.show_images(
    [carpet(trained, rows=3, columns=10, seed=4)],
    zoom=2,
    colours=64,
    alt=t("A carpet of thirty generated rangoli; motif and colour change from tile to tile"),
)
# %% [markdown] lang="en" name="warm-up"
# **Warm-up.** The quiz at the start of [2.1](1-adversarial-game.en.ipynb) serves all three notebooks. One question to keep in mind here: *a forger copies a painting perfectly, but his brush is too thick for the finest hairs. From how
# far away must the expert stand not to notice?*
# %% [markdown] lang="hi" of="23a0b9e6"
# **शुरुआती सवाल।** [2.1](1-adversarial-game.hi.ipynb) के शुरू का क्विज़ तीनों नोटबुक के लिए है। यहाँ एक सवाल मन में रखिए: *एक जालसाज़ किसी चित्र की हूबहू नक़ल करता है, बस उसका ब्रश बारीक बालों के लिए मोटा है। पारखी कितनी
# दूर खड़ा हो कि उसे पता न चले?*


# %% [markdown] lang="en" name="resolution"
# ## 1 · Why resolution is hard
#
# Two things happen when a picture grows. The first is plain cost: twice the side, four times the pixels. The second is worse, and has to do with the game itself. Imagine a generator that is **perfect at 32 × 32**, and let its pictures be doubled to 64 × 64. Motif, colours, petals: all is right,
# only the finest detail is missing. A fresh discriminator learns, for the same few steps, to tell these fakes from real rangoli at 16 × 16, 32 × 32 and 64 × 64. It is a simple one: it looks at blocks of 2 × 2 pixels, one by one, and takes their mean. Then we ask it about a third kind: *real* pictures cut into 16 tiles and put together wrongly.
# %% [markdown] lang="hi" of="d3847a79"
# ## 1 · बड़ा चित्र मुश्किल क्यों है?
#
# चित्र का आकार बढ़ने पर दो बातें होती हैं। पहली सीधी-सादी लागत है: भुजा दोगुनी, पिक्सल चार गुने। दूसरी ज़्यादा गंभीर है और खेल से ही जुड़ी है। मान लीजिए कोई जनरेटर **32 × 32 पर बिलकुल सही** है, और उसके चित्र दोगुने करके 64 × 64 बना दिए गए। आकृति, रंग, पंखुड़ियाँ, सब सही है;
# बस सबसे बारीक ब्योरा नहीं है। तीनों आकारों (16 × 16, 32 × 32 और 64 × 64) पर एक-एक नया डिस्क्रिमिनेटर, बराबर और थोड़े-से क़दमों में, इन नक़लों को असली रंगोली से अलग करना सीखता है। यह सीधा-सादा है: 2 × 2 पिक्सल के टुकड़े अलग-अलग देखता है और उनका औसत लेता है। फिर हम उससे तीसरी तरह के चित्र के बारे में पूछते हैं: *असली* चित्र, 16 टाइलों में काटकर ग़लत जगह जोड़े हुए।
# %% name="eight-arms" tags=["export"]
def told_eight_arms(count: int, size: int = 64, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Rangoli of eight arms, uint8 [count, 3, size, size]: 8 motifs, 8 colours, 4 grounds.

    Beside them their labels [count]: 8 · motif + colour, of 64.
    """
    kinds = all_factors()
    kinds = kinds[kinds.symmetry == 2]
    lot = torch.Generator().manual_seed(seed)
    factors = kinds[torch.randint(len(kinds), (count,), generator=lot)]
    pictures = render(factors, size, lot, supersample=max(1, 64 // size))
    return pictures, factors.motif * 8 + factors.colour


def eight_arms(count: int, size: int = 64, seed: int = 0) -> Tensor:
    """The pictures of `told_eight_arms` alone."""
    return told_eight_arms(count, size, seed)[0]


# %% name="fade-in" tags=["export"]
def fade_in(old: Tensor, new: Tensor, alpha: float) -> Tensor:
    """(1 - alpha) · old + alpha · new, exactly `old` at 0 and exactly `new` at 1."""
    return torch.lerp(old, new, alpha)


def double(images: Tensor) -> Tensor:
    """[N, C, H, W] -> [N, C, 2H, 2W]: each pixel becomes a block of four."""
    return F.interpolate(images, scale_factor=2, mode="nearest")


def halve(images: Tensor, times: int = 1) -> Tensor:
    """[N, C, H, W] -> [N, C, H / 2^times, W / 2^times]: the mean of each block of pixels."""
    return F.avg_pool2d(images, 2**times) if times else images


# %% name="nearly-perfect"
def side_by_side(images: Tensor) -> Tensor:
    """[N, C, H, W] -> one strip [C, H, N·W]."""
    return rearrange(images, "n c h w -> c h (n w)")


rangolis, told = told_eight_arms(1600, seed=10)  # uint8 [1600, 3, 64, 64], [1600]
pictures = to_float(rangolis).to(device)
coarse = double(halve(pictures))  # perfect at 32 × 32
order = torch.randperm(16, generator=torch.Generator().manual_seed(0)).to(device)
tiles = rearrange(pictures, "n c (r h) (s w) -> n (r s) c h w", r=4, s=4)[:, order]
scrambled = rearrange(tiles, "n (r s) c h w -> n c (r h) (s w)", r=4)
plots.show_images(
    [x[n] for n in (0, 1) for x in (pictures, coarse, scrambled)],
    titles=[t("real"), t("perfect at 32 × 32"), t("scrambled")] * 2,
    columns=6,
    zoom=2,
    alt=t("Two rangoli: real, with coarse pixels, and cut into tiles that lie in the wrong places"),
)


# %% name="finest-detail"
def tell_apart(side: int, steps: int = 100) -> list[float]:
    """Train a fresh discriminator at this size. Returns the CPU milliseconds of a step, its
    accuracy on new pictures, and the share of scrambled ones that it takes for real."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        look = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(12, 32, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(32, 32, 1),
            nn.LeakyReLU(0.2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(32, 1),
        ).to(device)
    optimizer = torch.optim.Adam(look.parameters(), 5e-3)
    lot = torch.Generator().manual_seed(0)
    sizes = [halve(x, int(math.log2(64 // side))) * 2 - 1 for x in (pictures, coarse, scrambled)]
    real, fake, wrong = (x[:800] for x in sizes)
    began = time.process_time()
    for _ in range(steps):
        index = torch.randint(600, (16,), generator=lot)
        loss = hinge_discriminator_loss(look(real[index]), look(fake[index]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    cost = (time.process_time() - began) / steps * 1000
    with torch.no_grad():
        up, down, torn = (look(x[600:]) for x in (real, fake, wrong))
    border = torch.cat([up, down]).median()
    right = ((up > border).float().mean() + (down <= border).float().mean()) / 2
    return [cost, right.item(), (torn > border).float().mean().item()]


found_out = {side: tell_apart(side) for side in (16, 32, 64)}
plots.table(
    [[f"{side} × {side}", 3 * side**2, *row[:2]] for side, row in found_out.items()],
    columns=[
        t("size"),
        t("numbers in a picture"),
        t("CPU ms for a step of D"),
        t("accuracy of D after 100 steps"),
    ],
    caption=t("Perfect at 32 × 32, and found out at once at 64 × 64"),
)
told_64, torn_64 = found_out[64][1:]
print(
    t(
        "at 64 × 64 D takes {share} of the scrambled pictures for real",
        share=f"{torn_64:.0%}",
    )
)
assert found_out[16][1] < 0.6 and told_64 > 0.9 and torn_64 > 0.7
measured = [
    [t("D finds the coarse fakes, at 64 × 64"), told_64, found_out[32][1], t("at 32 × 32 (chance)")]
]
# %% [markdown] lang="en" name="resolution-after"
# That is the trouble. At high resolution there are so many fine details to be wrong in that real and fake pictures hardly overlap: the discriminator wins at once, by details, and *its verdict says nothing of the motif*; it would rather have a torn rangoli than a coarse one. Ours cannot do otherwise, for it sees 2 × 2 pixels only; but a larger one, which could see the motif, need not look at it, since the details are enough to win. (At 32 × 32 and 16 × 16 real and fake are the very same pictures: hence chance.) So the gradient teaches the generator texture before form. At low resolution
# only form can be wrong. Hence the idea: play at low resolution first. (Karras et al. 2017, sections 1 and 2; the artefacts that large pictures show, such as checkerboards, are in [2.2](2-dcgan.en.ipynb).)
# %% [markdown] lang="hi" of="50823b1f"
# मुश्किल यही है। बड़े चित्र में बारीक ब्योरे इतने हैं कि कहीं-न-कहीं चूक हो ही जाती है, और असली और नक़ली चित्रों के वितरण लगभग कहीं नहीं मिलते: डिस्क्रिमिनेटर ब्योरों से ही तुरंत जीत जाता है, और *उसके फ़ैसले में आकृति की कोई भूमिका नहीं*; मोटे पिक्सल वाली रंगोली से उसे फटी हुई रंगोली ज़्यादा असली लगती है। हमारा डिस्क्रिमिनेटर और कर भी क्या सकता है, उसे बस 2 × 2 पिक्सल दिखते हैं; पर जो बड़ा हो और आकृति देख सके, उसे भी आकृति देखने की ज़रूरत नहीं: जीतने के लिए ब्योरे काफ़ी हैं। (32 × 32 और 16 × 16 पर असली और नक़ली हूबहू एक ही चित्र हैं, इसलिए वहाँ बस तुक्का चलता है।) इसलिए ग्रेडिएंट जनरेटर को रूप से पहले बनावट सिखाता है। छोटे आकार पर
# ग़लती सिर्फ़ रूप में हो सकती है। विचार यहीं से निकला: पहले छोटे आकार पर खेलिए। (Karras et al. 2017, सेक्शन 1 और 2; बड़े चित्रों की गड़बड़ियाँ, जैसे चेकरबोर्ड यानी बिसात, [2.2](2-dcgan.hi.ipynb) में हैं।)


# %% [markdown] lang="en" name="growing"
# ## 2 · Progressive growing
#
# Train at 8 × 8 until the layout is right. Then put a new block on top for 16 × 16, then one for 32 × 32. A new block knows nothing and would ruin the picture, so it is **faded in**: for a while the output is a blend of the old picture,
# doubled, and the new one, with α rising from 0 to 1:
#
# $$x = (1-\alpha)\cdot \mathrm{double}(x_{\text{old}}) + \alpha\, x_{\text{new}}$$
#
# The smallest example: a picture of one pixel, value 4, and a new block that draws 2 × 2.
# %% [markdown] lang="hi" of="5af718e2"
# ## 2 · प्रोग्रेसिव ग्रोइंग (progressive growing)
#
# 8 × 8 पर तब तक सिखाइए जब तक रूपरेखा ठीक न हो जाए। फिर ऊपर 16 × 16 का नया ब्लॉक रखिए, फिर 32 × 32 का। नया ब्लॉक अभी कुछ नहीं जानता और चित्र बिगाड़ देगा, इसलिए वह **धीरे-धीरे मिलाया जाता है** (फ़ेड-इन, fade-in): कुछ समय तक आउटपुट दोनों का मेल रहता है,
# यानी दोगुना किया हुआ पुराना चित्र और नया चित्र, और α 0 से बढ़कर 1 होता है:
#
# $$x = (1-\alpha)\cdot \mathrm{double}(x_{\text{old}}) + \alpha\, x_{\text{new}}$$
#
# सबसे छोटा उदाहरण: एक पिक्सल का चित्र, मान 4, और नया ब्लॉक जो 2 × 2 बनाता है।
# %% name="fade-by-hand" tags=["nbval-check-output"]
old = double(torch.tensor([[[[4.0]]]]))  # [1, 1, 2, 2], four times 4
new = torch.tensor([[[[8.0, 0.0], [2.0, 6.0]]]])
for alpha in (0.0, 0.25, 1.0):
    print("alpha", alpha, fade_in(old, new, alpha)[0, 0].tolist())


# %% [markdown] lang="en" name="growing-networks-text"
# Here are the networks of the first two ideas. Every block of the generator doubles the side, and every block has a small layer of its own, `to_rgb`, that can make a picture of what the block knows so far. So one generator can draw at
# every size. The discriminator is its mirror image.
# %% [markdown] lang="hi" of="04343921"
# पहले दो विचारों के नेटवर्क ये रहे। जनरेटर का हर ब्लॉक भुजा दोगुनी करता है, और हर ब्लॉक के पास अपनी एक छोटी लेयर `to_rgb` है, जो ब्लॉक को अब तक जितना पता है उसका चित्र बना सकती है। इसलिए एक ही जनरेटर हर आकार का चित्र
# बना सकता है। डिस्क्रिमिनेटर उसका उलटा रूप है।
# %% name="growing-generator" tags=["export"]
class GrowingGenerator(nn.Module):
    """Noise [N, latent] -> pictures of several sizes: stage 0 draws 8 × 8, stage 1 16 × 16, …

    Every block doubles the side, and every block has a small layer `to_rgb` of its own that makes
    a picture of its features. Karras et al. 2017.
    """

    def __init__(
        self, widths: Sequence[int] = (96, 64, 32), latent: int = 64, channels: int = 3
    ) -> None:
        super().__init__()
        self.latent = latent
        self.begin = nn.Linear(latent, widths[0] * 16)
        self.start = nn.Sequential(
            nn.Unflatten(1, (widths[0], 4, 4)), nn.BatchNorm2d(widths[0]), nn.ReLU()
        )
        pairs = zip([widths[0], *widths], widths, strict=False)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Upsample(scale_factor=2),
                nn.Conv2d(before, after, 3, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            )
            for before, after in pairs
        )
        self.to_rgb = nn.ModuleList(nn.Conv2d(width, channels, 1) for width in widths)

    def features(self, z: Tensor, stage: int) -> list[Tensor]:
        """What the blocks 0…stage give, each with twice the side of the one before."""
        x, all_features = self.start(self.begin(z)), []
        for block in self.blocks[: stage + 1]:
            x = block(x)
            all_features.append(x)
        return all_features

    def forward(self, z: Tensor, stage: int | None = None, alpha: float = 1.0) -> Tensor:
        """The pictures of one stage (without `stage`: the last), [N, channels, S, S].

        alpha < 1 blends them with the doubled pictures of the stage before.
        """
        stage = len(self.blocks) - 1 if stage is None else stage
        features = self.features(z, stage)
        picture = self.to_rgb[stage](features[stage])
        if stage and alpha < 1:
            picture = fade_in(double(self.to_rgb[stage - 1](features[stage - 1])), picture, alpha)
        return picture

    def scales(self, z: Tensor) -> list[Tensor]:
        """One picture of every size, the smallest first."""
        features = self.features(z, len(self.blocks) - 1)
        return [rgb(x) for rgb, x in zip(self.to_rgb, features, strict=True)]


# %% name="growing-discriminator" tags=["export"]
def halving_block(before: int, after: int) -> nn.Sequential:
    """[N, before, S, S] -> [N, after, S / 2, S / 2], spectrally normalised."""
    return nn.Sequential(
        spectral_norm(nn.Conv2d(before, after, 4, stride=2, padding=1)), nn.LeakyReLU(0.2)
    )


class GrowingDiscriminator(nn.Module):
    """Pictures of any stage's size -> logits [N]. The growing generator upside down."""

    def __init__(self, widths: Sequence[int] = (96, 64, 32), channels: int = 3) -> None:
        super().__init__()
        self.from_rgb = nn.ModuleList(
            nn.Sequential(spectral_norm(nn.Conv2d(channels, width, 1)), nn.LeakyReLU(0.2))
            for width in widths
        )
        pairs = zip(widths, [widths[0], *widths], strict=False)
        self.blocks = nn.ModuleList(halving_block(before, after) for before, after in pairs)
        self.judge = spectral_norm(nn.Conv2d(widths[0], 1, 4))

    def forward(self, x: Tensor, stage: int | None = None, alpha: float = 1.0) -> Tensor:
        stage = len(self.blocks) - 1 if stage is None else stage
        h = self.blocks[stage](self.from_rgb[stage](x))
        if stage and alpha < 1:
            h = fade_in(self.from_rgb[stage - 1](halve(x)), h, alpha)
        for block in reversed(self.blocks[:stage]):
            h = block(h)
        return self.judge(h).flatten()


# %% name="growing-shapes" tags=["nbval-check-output"]
shapes = GrowingGenerator()
z = torch.randn(3, shapes.latent, generator=torch.Generator().manual_seed(0))
for stage in range(3):
    picture = shapes(z, stage)
    print(
        "stage",
        stage,
        tuple(picture.shape),
        "→",
        tuple(GrowingDiscriminator()(picture, stage).shape),
    )
# %% name="fade-is-exact" tags=["nbval-check-output"]
shapes.eval()
with torch.no_grad():
    print(
        "alpha 0 is the old picture, doubled:",
        torch.equal(shapes(z, 2, alpha=0.0), double(shapes(z, 1))),
    )
    print("alpha 1 is the new picture:", torch.equal(shapes(z, 2, alpha=1.0), shapes(z, 2)))


# %% [markdown] lang="en" name="game-step-text"
# One step of the game, as in 2.2: the discriminator, then the generator. The fakes are made once and serve both, which saves work. `train_growing` calls it and moves α. Note the two optimisers: each is made **once**, for **all** layers.
# %% [markdown] lang="hi" of="8ca58e04"
# खेल का एक क़दम, 2.2 की तरह: पहले डिस्क्रिमिनेटर, फिर जनरेटर। नक़ली चित्र एक ही बार बनते हैं और दोनों के काम आते हैं; इससे मेहनत बचती है। `train_growing` इसे बार-बार बुलाता है और α बढ़ाता है। दोनों ऑप्टिमाइज़र पर ध्यान दीजिए: हर एक **एक ही बार** बनता है, **सारी** लेयरों के लिए।
# %% name="game-step" tags=["export"]
def game_step(
    see: Callable[[Tensor | list[Tensor]], Tensor],
    real: Tensor | list[Tensor],
    fake: Tensor | list[Tensor],
    discriminator: nn.Module,
    optimizer_g: torch.optim.Optimizer,
    optimizer_d: torch.optim.Optimizer,
) -> dict[str, Tensor]:
    """One step of both networks with the hinge losses; the fakes are used for both.

    see(pictures) -> logits [N]: the discriminator, told whatever else it must know.
    """
    # 1. The discriminator. The fakes are detached: nothing flows back into the generator
    held = fake.detach() if isinstance(fake, Tensor) else [one.detach() for one in fake]
    real_logits, fake_logits = see(real), see(held)
    loss_d = hinge_discriminator_loss(real_logits, fake_logits)
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()

    # 2. The generator. The discriminator is frozen
    discriminator.requires_grad_(False)
    loss_g = hinge_generator_loss(see(fake))
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    discriminator.requires_grad_(True)
    told = {"loss D": loss_d, "loss G": loss_g, "real": real_logits, "fake": fake_logits}
    return {name: value.detach().mean() for name, value in told.items()}


# %% name="multi-scale-discriminator" tags=["export"]
class MultiScaleDiscriminator(nn.Module):
    """A picture of every size, the smallest first -> logits [N]. Karnewar & Wang 2019.

    The largest enters at the top; each smaller one joins where the features have its size.
    """

    def __init__(self, widths: Sequence[int] = (96, 64, 32), channels: int = 3) -> None:
        super().__init__()
        self.from_rgb = nn.Sequential(
            spectral_norm(nn.Conv2d(channels, widths[-1], 1)), nn.LeakyReLU(0.2)
        )
        extra = [channels] * (len(widths) - 1) + [0]  # room for the picture that joins
        pairs = zip(widths, extra, [widths[0], *widths], strict=False)
        self.blocks = nn.ModuleList(
            halving_block(before + more, after) for before, more, after in pairs
        )
        self.judge = spectral_norm(nn.Conv2d(widths[0], 1, 4))

    def forward(self, pictures: Sequence[Tensor]) -> Tensor:
        h = self.from_rgb(pictures[-1])
        for n, block in reversed(list(enumerate(self.blocks))):
            h = block(h)
            if n:
                h = torch.cat([h, pictures[n - 1]], dim=1)
        return self.judge(h).flatten()


# %% name="train-growing" tags=["export"]
@dataclass
class Grown:
    """What `train_growing` leaves. norms: for each row of the plan, the gradient norm of each of
    the generator's parts at its last step (None: it had no part in the picture)."""

    average: GrowingGenerator
    generator: GrowingGenerator
    discriminator: nn.Module
    norms: list[dict[str, float | None]]
    seconds: float  # of CPU


def gradient_norms(generator: GrowingGenerator) -> dict[str, float | None]:
    """The gradient norm of each part, None where no gradient arrived."""
    parts = {"begin": generator.begin}
    parts |= {f"block {8 * 2**n}": block for n, block in enumerate(generator.blocks)}
    parts |= {f"to_rgb {8 * 2**n}": layer for n, layer in enumerate(generator.to_rgb)}
    norms = {}
    for name, part in parts.items():
        slopes = [p.grad.flatten() for p in part.parameters() if p.grad is not None]
        norms[name] = torch.cat(slopes).norm().item() if slopes else None
    return norms


def train_growing(
    images: Tensor,
    plan: Sequence[tuple[int, int, int]],
    *,
    multi_scale: bool = False,
    widths: Sequence[int] = (64, 32, 16),
    batch: int = 16,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> Grown:
    """Train on pictures uint8 [N, 3, S, S] of the last stage's size.

    plan: rows (stage, steps, fade): so many steps at this stage, of which the first `fade` blend
    it in. multi_scale: the discriminator sees pictures of every size; the plan has one row, with
    the last stage.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator = GrowingGenerator(widths)
        discriminator = (MultiScaleDiscriminator if multi_scale else GrowingDiscriminator)(widths)
    for network in (generator, discriminator):
        network.to(device, memory_format=torch.channels_last)
    average = copy.deepcopy(generator).requires_grad_(False)
    # One optimiser for all layers from the first step to the last: none is ever locked
    optimizer_g = torch.optim.Adam(generator.parameters(), 1e-3, (0.0, 0.9))
    optimizer_d = torch.optim.Adam(discriminator.parameters(), 2e-3, (0.0, 0.9))
    lot = torch.Generator().manual_seed(seed)
    last, done, norms = len(widths) - 1, 0, []
    began = time.process_time()
    for stage, steps, fade in plan:
        for step in range(steps):
            alpha = min(1.0, (step + 1) / fade) if fade else 1.0
            index = torch.randint(len(images), (batch,), generator=lot)
            real = images[index].to(device, memory_format=torch.channels_last).float() / 127.5 - 1
            z = torch.randn(batch, generator.latent, generator=lot).to(device)
            if multi_scale:
                real, fake = [halve(real, last - n) for n in range(last + 1)], generator.scales(z)
                see = discriminator
            else:
                real, fake = halve(real, last - stage), generator(z, stage, alpha)
                if alpha < 1:  # the real pictures sharpen at the same pace
                    real = fade_in(double(halve(real)), real, alpha)
                see = partial(discriminator, stage=stage, alpha=alpha)
            game_step(see, real, fake, discriminator, optimizer_g, optimizer_d)
            update_average(average, generator, min(0.99, (1 + done) / (10 + done)))
            done += 1
        norms.append(gradient_norms(generator))
    return Grown(average.eval(), generator, discriminator, norms, time.process_time() - began)


# %% [markdown] lang="en" name="race-text"
# Now a race at about equal computing time, on rangoli at 32 × 32: from scratch, grown 8 → 16 → 32, and a third runner, with multi-scale gradients, that section 3 introduces. It is a *short* race. Do not expect beauty: at this point every FID is large, and a few seconds
# decide little. Look at the numbers for what they are.
# %% [markdown] lang="hi" of="52e7b5b6"
# अब एक दौड़, लगभग बराबर कंप्यूटर-समय में, 32 × 32 की रंगोलियों पर: सीधे 32 × 32 से, 8 → 16 → 32 बढ़ाकर, और तीसरा धावक मल्टी-स्केल ग्रेडिएंट वाला, जिसका परिचय सेक्शन 3 में है। दौड़ *छोटी* है। सुंदर चित्रों की उम्मीद मत रखिए: इस मुक़ाम पर सबका FID बड़ा है, और कुछ सेकंड से
# बहुत कुछ तय नहीं होता। इन संख्याओं से इससे ज़्यादा नतीजे मत निकालिए।
# %% name="race"
small = halve(pictures).mul(255).round().to(torch.uint8).cpu()  # [1600, 3, 32, 32]
judge = load_judge("rangoli", device)
real_side = judge(to_float(small))


def distance(pictures: Tensor) -> float:
    """FID of pictures -1…1 [N, 3, 32, 32] against the real rangoli."""
    return frechet_distance(real_side, judge(((pictures + 1) / 2).clamp(0, 1)))


@torch.no_grad()
def first_pictures(grown: Grown, count: int) -> Tensor:
    z = torch.randn(count, 64, generator=torch.Generator().manual_seed(1)).to(device)
    return torch.cat([grown.average(some) for some in z.split(100)])


runs = {
    t("from scratch at 32 × 32"): train_growing(small, [(2, 100, 0)], device=device),
    t("grown 8 → 16 → 32"): train_growing(
        small, [(0, 60, 0), (1, 60, 25), (2, 60, 25)], device=device
    ),
    t("multi-scale gradients"): train_growing(small, [(2, 92, 0)], multi_scale=True, device=device),
}
distances = {name: distance(first_pictures(run, 600)) for name, run in runs.items()}
untrained = distance(first_pictures(train_growing(small, [(2, 1, 0)], device=device), 600))
plots.table(
    [[name, run.seconds, distances[name]] for name, run in runs.items()]
    + [[t("untrained"), 0.0, untrained]],
    columns=[t("training"), t("CPU seconds"), t("FID (less is better)")],
    caption=t("A race of seconds at 32 × 32: everyone has learnt, and growing does not pay yet"),
)
assert max(distances.values()) < 0.8 * untrained
assert distances[t("grown 8 → 16 → 32")] > 0.8 * distances[t("from scratch at 32 × 32")]
# %% name="race-picture"
plots.show_images(
    [side_by_side((first_pictures(run, 8).clamp(-1, 1) + 1) / 2) for run in runs.values()],
    titles=list(runs),
    columns=1,
    zoom=2,
    colours=64,
    alt=t("Eight pictures of each of the three runs after a few seconds: coloured blobs"),
)
# %% [markdown] lang="en" name="race-after"
# An honest result: at 32 × 32 and a few seconds, growing is no gain, and multi-scale gradients are none either. A step at 32 × 32 costs only two or three times one at 8 × 8 here, so there is not much to save. It paid where a step at full size costs a thousand times more: Karras et al. (2017) report comparable pictures two to six times sooner, depending on the final size. Two years later
# StyleGAN2 gave it up again, for skip connections in the spirit of section 3: growing left details stuck to fixed places (Karras et al. 2019, section 4).
# %% [markdown] lang="hi" of="eb20123a"
# ईमानदारी से कहें तो 32 × 32 पर, कुछ सेकंड में, बढ़ाकर सिखाने से फ़ायदा नहीं हुआ, और मल्टी-स्केल ग्रेडिएंट से भी नहीं। यहाँ 32 × 32 का एक क़दम 8 × 8 वाले से दो-तीन गुना ही महँगा है, तो बचाने को ज़्यादा है नहीं। फ़ायदा वहाँ हुआ जहाँ पूरे आकार का क़दम हज़ार गुना महँगा था: Karras et al. (2017) के अनुसार वैसे ही चित्र दो से छह गुना तक जल्दी मिले; कितनी जल्दी, यह आख़िरी आकार पर निर्भर था। दो साल बाद
# StyleGAN2 ने इसे छोड़ भी दिया और सेक्शन 3 जैसे छोटे रास्ते (skip connections) अपनाए: बढ़ाकर सिखाने से ब्योरे एक ही जगह चिपके रह जाते थे (Karras et al. 2019, सेक्शन 4)।
# %% [markdown] lang="en" name="unblocks"
# > **You may have read** that progressive growing "unblocks" one layer after another, as if the others were frozen. Nothing is ever frozen. A layer has no part in the picture before its stage comes; from then on **all layers stay trainable**, the old
# > ones too (Karras et al. 2017, section 2). Here are the gradients of the run above, at the last step of each stage. (An old `to_rgb` hands over to the new one: when the fade is over, it draws nothing any more, and has a dash again.)
# %% [markdown] lang="hi" of="713d8a64"
# > **आपने पढ़ा होगा** कि प्रोग्रेसिव ग्रोइंग एक-एक करके लेयरें "खोलता" है, मानो बाक़ी फ़्रीज़ हों। फ़्रीज़ कुछ भी नहीं होता। किसी लेयर की बारी आने तक चित्र में उसका हाथ नहीं होता; बारी आने के बाद **सारी लेयरें सीखती रहती हैं**, पुरानी
# > भी (Karras et al. 2017, सेक्शन 2)। ऊपर वाली ट्रेनिंग के ग्रेडिएंट ये रहे, हर चरण के आख़िरी क़दम पर। (पुरानी `to_rgb` अपना काम नई को सौंप देती है: फ़ेड-इन पूरा हुआ तो वह कुछ नहीं बनाती, और उसके आगे फिर – दिखता है।)
# %% name="all-trainable"
grown = runs[t("grown 8 → 16 → 32")]
plots.table(
    [[name, *(norms[name] for norms in grown.norms)] for name in grown.norms[0]],
    columns=[t("layer"), t("gradient norm at 8 × 8"), t("at 16 × 16"), t("at 32 × 32")],
    caption=t("A dash: not part of the picture. Everything else learns, at every stage"),
)
for stage, norms in enumerate(grown.norms):
    for part in ["begin", *(f"block {8 * 2**n}" for n in range(stage + 1))]:
        assert norms[part] > 0
    for n in range(stage + 1, 3):
        assert norms[f"block {8 * 2**n}"] is None
# %% name="requires-grad" tags=["nbval-check-output"]
print(
    "layers with requires_grad:",
    sum(p.requires_grad for p in grown.generator.parameters()),
    "of",
    len(list(grown.generator.parameters())),
)


# %% [markdown] lang="en" name="multi-scale"
# ## 3 · Multi-scale gradients
#
# Growing needs a timetable: how many steps for each size, how long each fade? **MSG-GAN** (Karnewar & Wang 2019) does without. The generator gives a picture of *every* size at once, through its `to_rgb` layers, and the discriminator takes each in where its
# features have that size (`MultiScaleDiscriminator` above). So a gradient reaches the first block by a short way, through the small picture, and not only down through all the blocks above it.
#
# How much of the gradient arrives at the first block? The comparison that is fair: its norm over the norm at the last block, after three steps, in runs that differ in nothing else.
# %% [markdown] lang="hi" of="30d90dcd"
# ## 3 · मल्टी-स्केल ग्रेडिएंट (multi-scale gradients)
#
# धीरे-धीरे बढ़ाने में समय-सारणी चाहिए: हर आकार को कितने क़दम, हर फ़ेड-इन कितना लंबा? **MSG-GAN** (Karnewar & Wang 2019) को इसकी ज़रूरत नहीं। जनरेटर अपनी `to_rgb` लेयरों से *हर* आकार का चित्र एक साथ देता है, और डिस्क्रिमिनेटर हर चित्र वहाँ लेता है जहाँ उसके फ़ीचर
# उसी आकार के हैं (ऊपर `MultiScaleDiscriminator`)। इस तरह ग्रेडिएंट पहले ब्लॉक तक छोटे चित्र के छोटे रास्ते से भी पहुँचता है; सिर्फ़ ऊपर के सारे ब्लॉकों से होकर नहीं।
#
# पहले ब्लॉक तक कितना ग्रेडिएंट पहुँचा? सही तुलना यह है: पहले ब्लॉक के ग्रेडिएंट का नॉर्म, आख़िरी ब्लॉक वाले नॉर्म से भाग देकर, तीन क़दमों के बाद; दोनों ट्रेनिंग में और कोई फ़र्क़ नहीं।
# %% name="first-block-gradient"
def share_of_first(multi_scale: bool, seeds: int = 4) -> float:
    """Gradient norm of the first block over that of the last, after 3 steps, over some seeds."""
    ratios = []
    for seed in range(seeds):
        (norms,) = train_growing(
            small, [(2, 3, 0)], multi_scale=multi_scale, seed=seed, device=device
        ).norms
        ratios.append(norms["block 8"] / norms["block 32"])
    return sum(ratios) / seeds


with_scales, without = share_of_first(True), share_of_first(False)
plots.table(
    [[t("every scale"), with_scales], [t("the largest only"), without]],
    columns=[t("what the discriminator sees"), t("gradient of the first block ÷ of the last")],
    caption=t("With every scale in sight, the first block gets a larger share of the gradient"),
)
assert with_scales > 1.2 * without
measured.append(
    [
        t("gradient of the first block ÷ of the last"),
        with_scales,
        without,
        t("D sees the largest picture only"),
    ]
)

# %% [markdown] lang="en" name="style"
# ## 4 · StyleGAN: the style speaks to every layer
#
# In a DCGAN the noise z enters at the bottom and then has to be carried up. StyleGAN (Karras et al. 2018) turns this round: a picture begins as the **same learnt map** for all, and z is first changed into a **style** w, which sets the weights of *every* layer. Three
# parts: a mapping network z → w, convolutions that w modulates, and noise for what is left to chance.
#
# **Modulation, by hand.** A style gives each input channel of a convolution a factor s. The weights become w′ = s · w; that would make some outputs loud and others faint, so each output is divided by the length of its weights: *demodulation* (Karras et al. 2019, equations 1 and 3; here $w_{ijk}$ are the weights of the convolution, not the style w; s comes from that):
#
# $$w'_{ijk} = s_i\, w_{ijk}, \qquad w''_{ijk} = \frac{w'_{ijk}}{\sqrt{\sum_{i,k} w'^2_{ijk} + \epsilon}}$$
# %% [markdown] lang="hi" of="a8bc5844"
# ## 4 · StyleGAN: शैली हर लेयर से बात करती है
#
# DCGAN में शोर z सबसे नीचे से घुसता है और फिर उसे ऊपर तक ढोना पड़ता है। StyleGAN (Karras et al. 2018) इसे उलट देता है: हर चित्र **एक ही सीखे हुए मैप** से शुरू होता है, और z पहले **शैली** (style) w में बदलता है, जो *हर* लेयर के भार (weights) तय करती है। तीन
# हिस्से हैं: मैपिंग नेटवर्क z → w, ऐसे कनवॉल्यूशन जिन्हें w ढालता है, और जो संयोग पर छूटा है उसके लिए शोर।
#
# **शैली-मॉड्यूलेशन (style modulation), अपने हाथ से।** शैली कनवॉल्यूशन के हर इनपुट-चैनल को एक गुणक s देती है। भार बन जाते हैं w′ = s · w; इससे कुछ आउटपुट बहुत तेज़ और कुछ बहुत मंद हो जाते, इसलिए हर आउटपुट को उसके भारों की लंबाई से भाग देते हैं; इसे **डिमॉड्यूलेशन (demodulation)** कहते हैं (Karras et al. 2019, समीकरण 1 और 3; यहाँ $w_{ijk}$ कनवॉल्यूशन के भार हैं, शैली का वेक्टर w नहीं; s उसी शैली से निकलता है):
#
# $$w'_{ijk} = s_i\, w_{ijk}, \qquad w''_{ijk} = \frac{w'_{ijk}}{\sqrt{\sum_{i,k} w'^2_{ijk} + \epsilon}}$$
# %% name="modulate-by-hand" tags=["nbval-check-output"]
weight = torch.tensor([0.6, 0.8])  # one output, two input channels
for s in ([1.0, 1.0], [5.0, 0.0], [3.0, 4.0]):
    modulated = torch.tensor(s) * weight
    demodulated = modulated / modulated.square().sum().sqrt()
    print(
        "s",
        s,
        "modulated",
        [round(x, 2) for x in modulated.tolist()],
        "demodulated",
        [round(x, 2) for x in demodulated.tolist()],
    )


# %% [markdown] lang="en" name="modulate-after"
# The style decides *which* inputs count; the length is always 1. So inputs of variance 1 that do not depend on each other give outputs of variance 1, whatever the style says. Watch it through four layers.
# %% [markdown] lang="hi" of="da05185a"
# शैली तय करती है कि *कौन-से* इनपुट गिने जाएँ; लंबाई हमेशा 1 रहती है। इसलिए इनपुट एक-दूसरे से स्वतंत्र हों और उनका वेरिएंस 1 हो, तो आउटपुट का वेरिएंस भी 1 रहता है, शैली चाहे जो हो। चार लेयरों तक देखिए।
# %% name="mapping-network" tags=["export"]
class MappingNetwork(nn.Module):
    """z [N, latent] -> w [N, latent]. z is first brought to length √latent: only its direction
    counts. Karras et al. 2018. classes: an embedding of the label, just as long, is put beside z.
    """

    def __init__(self, latent: int = 64, depth: int = 3, classes: int = 0) -> None:
        super().__init__()
        self.classes = classes
        self.embed = nn.Embedding(classes, latent) if classes else None
        layers: list[nn.Module] = []
        for n in range(depth):
            inputs = 2 * latent if classes and n == 0 else latent
            layers += [nn.Linear(inputs, latent), nn.LeakyReLU(0.2)]
            nn.init.kaiming_normal_(layers[-2].weight, 0.2)
            nn.init.zeros_(layers[-2].bias)
        self.layers = nn.Sequential(*layers)

    @staticmethod
    def normalise(z: Tensor) -> Tensor:
        """Each row with a mean square of 1."""
        return z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        check_labels(label, self.classes, len(z))
        z = self.normalise(z)
        if self.embed is not None:
            z = torch.cat([z, self.normalise(self.embed(label))], dim=1)
        return self.layers(z)


# %% name="modulated-conv" tags=["export"]
class ModulatedConv(nn.Module):
    """A convolution whose weights the style w scales, for each picture by itself.

    x [N, inputs, H, W], w [N, latent] -> [N, outputs, H, W]. Karras et al. 2019, equations 1, 3.
    """

    def __init__(
        self, inputs: int, outputs: int, latent: int, kernel: int = 3, demodulate: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(
            torch.randn(outputs, inputs, kernel, kernel) / math.sqrt(inputs * kernel**2)
        )
        self.to_style = nn.Linear(latent, inputs)
        nn.init.normal_(self.to_style.weight, std=1 / math.sqrt(latent))
        nn.init.ones_(self.to_style.bias)  # around 1: no channel is lost
        self.demodulate = demodulate

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        s = self.to_style(w)  # [N, inputs]
        # Scaling the input is the same as scaling the weights, and needs no weights per picture
        y = F.conv2d(x * s[:, :, None, None], self.weight, padding=self.weight.shape[-1] // 2)
        if self.demodulate:
            y = y * self.demodulation(s)[:, :, None, None]
        return y

    def demodulation(self, s: Tensor) -> Tensor:
        """1 / √(Σ (s · weight)²) for each output [N, outputs]."""
        energy = s.square() @ self.weight.square().sum((2, 3)).T  # Σ over inputs and kernel
        return torch.rsqrt(energy + 1e-8)


# %% name="output-variance"
lot = torch.Generator().manual_seed(0)
w = 3 * torch.randn(64, 64, generator=lot).to(device)  # strong styles
rows, spread = [], {}
for demodulate in (True, False):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        chain = [ModulatedConv(32, 32, 64, demodulate=demodulate).to(device) for _ in range(4)]
    x, spread[demodulate] = torch.randn(64, 32, 16, 16, generator=lot).to(device), []
    with torch.no_grad():
        for layer in chain:
            x = layer(x, w)
            spread[demodulate].append(x[:, :, 4:-4, 4:-4].var().item())
plots.table(
    [[t("layer {n}", n=n + 1), spread[True][n], spread[False][n]] for n in range(4)],
    columns=[t("after"), t("variance with demodulation"), t("without")],
    caption=t("Demodulation keeps the variance near 1; without it, it explodes"),
)
assert all(0.7 < one < 1.3 for one in spread[True]) and spread[False][3] > 100
measured.append(
    [
        t("variance after four modulated layers"),
        spread[True][3],
        spread[False][3],
        t("without demodulation"),
    ]
)


# %% [markdown] lang="en" name="style-network-text"
# The whole generator. One thing in it is not StyleGAN's: a batch norm after each convolution, as in 2.2, on top of the demodulation. StyleGAN2 demodulates only, and trains for days; we have minutes of a CPU. It can also be told a **label**, as in 2.2: its embedding stands beside z before the mapping network. Noise of one number for each place is added after each convolution, with a strength that each block learns (and that starts at 0).
# %% [markdown] lang="hi" of="368d0116"
# पूरा जनरेटर यह है। इसमें एक चीज़ StyleGAN की नहीं है: 2.2 की तरह हर कनवॉल्यूशन के बाद बैच नॉर्म भी। StyleGAN2 सिर्फ़ डिमॉड्यूलेशन करता है और कई दिन सीखता है; हमारे पास CPU के कुछ मिनट हैं। इसे **लेबल** भी बताया जा सकता है, जैसे 2.2 में: लेबल का एम्बेडिंग मैपिंग नेटवर्क से पहले z के बग़ल में रखा जाता है। हर कनवॉल्यूशन के बाद शोर जुड़ता है, फ़ीचर मैप की हर जगह के लिए एक संख्या; वह कितना असर करे, यह हर ब्लॉक सीखता है (शुरुआत 0 से होती है)।
# %% name="style-block" tags=["export"]
class StyleBlock(nn.Module):
    """Doubling (but for the first block), modulated convolution, batch norm, noise, bias, bend."""

    def __init__(self, inputs: int, outputs: int, latent: int, up: bool = True) -> None:
        super().__init__()
        self.up = up
        self.convolution = ModulatedConv(inputs, outputs, latent)
        self.norm = nn.BatchNorm2d(outputs, affine=False)  # not in StyleGAN; see the text
        self.strength = nn.Parameter(torch.zeros(()))  # of the noise
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        if self.up:
            x = F.interpolate(x, scale_factor=2, mode="bilinear")
        x = self.norm(self.convolution(x, w))
        if noise is not None:  # [N or 1, 1, S, S]
            x = x + self.strength * noise
        return F.leaky_relu(x + self.bias[:, None, None], 0.2) * math.sqrt(2)


# %% name="style-generator" tags=["export"]
class StyleGenerator(nn.Module):
    """z [N, latent] and, with classes, labels [N] -> pictures [N, 3, size, size] about -1…1, by way
    of w. Karras et al. 2019.

    A picture begins as the same learnt map of 4 × 4 for all; w, and noise, make it this one. The
    last layer makes four pixels of each place, so `size` is 4 · 2^len(widths).
    """

    def __init__(
        self, widths: Sequence[int] = (128, 64, 32, 16), latent: int = 64, classes: int = 0
    ) -> None:
        super().__init__()
        self.latent, self.classes = latent, classes
        self.size = 4 * 2 ** len(widths)
        self.mapping = MappingNetwork(latent, classes=classes)
        self.start = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        self.blocks = nn.ModuleList(
            StyleBlock(before, after, latent, up=n > 0)
            for n, (before, after) in enumerate(zip([widths[0], *widths], widths, strict=False))
        )
        self.to_rgb = ModulatedConv(widths[-1], 12, latent, kernel=3, demodulate=False)
        nn.init.normal_(self.to_rgb.weight, std=0.1 / math.sqrt(widths[-1]))
        self.rgb_bias = nn.Parameter(torch.zeros(12))
        self.register_buffer("mean_w", torch.zeros(latent))

    @property
    def layers(self) -> int:
        """How many layers take a w: the blocks, and `to_rgb`."""
        return len(self.blocks) + 1

    def noise(self, count: int, generator: torch.Generator) -> list[Tensor]:
        """Fresh noise for each block, [count, 1, 4, 4], [count, 1, 8, 8], …"""
        sides = [4 * 2**n for n in range(len(self.blocks))]
        drawn = [torch.randn(count, 1, side, side, generator=generator) for side in sides]
        return [one.to(self.start.device) for one in drawn]

    def synthesise(self, w: Tensor, noise: Sequence[Tensor] | None = None) -> Tensor:
        """w [N, latent], or one for each layer [N, layers, latent]; without noise: none."""
        if w.ndim == 2:
            w = w[:, None].expand(-1, self.layers, -1)
        x = self.start.expand(len(w), -1, -1, -1)
        for n, block in enumerate(self.blocks):
            x = block(x, w[:, n], None if noise is None else noise[n])
        x = self.to_rgb(x, w[:, -1]) + self.rgb_bias[:, None, None]
        return F.pixel_shuffle(x, 2)

    def truncate(self, w: Tensor, psi: float) -> Tensor:
        """mean_w + psi · (w - mean_w): psi = 1 changes nothing, psi = 0 gives the mean for all."""
        return torch.lerp(self.mean_w.expand_as(w), w, psi)

    def forward(
        self,
        z: Tensor,
        noise: Sequence[Tensor] | None = None,
        psi: float = 1.0,
        label: Tensor | None = None,
    ) -> Tensor:
        return self.synthesise(self.truncate(self.mapping(z, label), psi), noise)

    @torch.no_grad()
    def find_mean(self, count: int = 4000) -> None:
        """Set mean_w to the mean of many w, of all labels alike."""
        z = torch.randn(count, self.latent, generator=torch.Generator().manual_seed(0))
        label = torch.arange(count) % self.classes if self.classes else None
        told = [one.to(self.start.device) for one in (z, label) if one is not None]
        self.mean_w.copy_(self.mapping(*told).mean(0))


# %% name="style-discriminator" tags=["export"]
class StyleDiscriminator(nn.Module):
    """Pictures [N, 3, size, size] -> logits [N], for any size 4 · 2^len(widths)."""

    def __init__(self, widths: Sequence[int] = (16, 32, 64, 96)) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2),
            spectral_norm(nn.Conv2d(12, widths[0], 3, padding=1)),
            nn.LeakyReLU(0.2),
            *(halving_block(a, b) for a, b in pairwise(widths)),
            MinibatchStd(),
            spectral_norm(nn.Conv2d(widths[-1] + 1, 64, 3, padding=1)),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            spectral_norm(nn.Linear(64 * 16, 1)),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)[:, 0]


# %% name="augment" tags=["export"]
def augment(images: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Change each picture [N, 3, S, S] by chance, so that gradients still flow. Zhao et al. 2020.

    Brightness, saturation and contrast; a shift of up to an eighth (what comes in is black, -1);
    a square hole of half the side. strength scales it all; 0 returns the pictures unchanged.
    """
    if strength == 0:
        return images
    count, _, height, width = images.shape
    drawn = torch.rand(7, count, generator=generator).to(images.device)
    brightness, saturation, contrast = (drawn[:3] - 0.5)[:, :, None, None, None] * strength
    x = images + brightness
    x = torch.lerp(x.mean(1, keepdim=True), x, 1 + 2 * saturation)
    x = torch.lerp(x.mean((1, 2, 3), keepdim=True), x, 1 + contrast)

    # The shift: each picture looks up its pixels some rows and columns away
    rows, columns = (
        torch.arange(side, device=x.device)
        + ((u - 0.5) * side / 4 * strength).round().long()[:, None]
        for u, side in zip(drawn[3:5], (height, width), strict=True)
    )
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[
        :, None
    ]
    each = torch.arange(count, device=x.device)[:, None, None]
    moved = x.permute(0, 2, 3, 1)[
        each, rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None]
    ].permute(0, 3, 1, 2)
    x = torch.where(inside[:, None], moved, -1.0)

    # The hole, grey, somewhere
    top, left = (
        (torch.arange(side, device=x.device) - (u * side).long()[:, None] + side * strength / 4)
        for u, side in zip(drawn[5:], (height, width), strict=True)
    )
    hole = ((top >= 0) & (top < height * strength / 2))[:, :, None] & (
        (left >= 0) & (left < width * strength / 2)
    )[:, None]
    return x.masked_fill(hole[:, None], 0.0)


# %% name="train-style" tags=["export"]
@dataclass
class StyleTrained:
    """What `train_style` leaves. history: for each name a number for each step."""

    generator: StyleGenerator
    average: StyleGenerator
    discriminator: nn.Module
    history: dict[str, list[tuple[int, float]]] = field(default_factory=dict)


def mixed_styles(
    generator: StyleGenerator,
    count: int,
    lot: torch.Generator,
    mixing: float,
    label: Tensor | None = None,
) -> Tensor:
    """w for each layer [count, layers, latent]; with the chance `mixing` those of the layers from
    some layer on come from another z, so that layers learn not to rely on each other."""
    z = torch.randn(2 * count, generator.latent, generator=lot).to(generator.start.device)
    w = generator.mapping(z, None if label is None else label.repeat(2))
    one, other = w[:, None].expand(-1, generator.layers, -1).chunk(2)
    cut = torch.randint(1, generator.layers, (count, 1, 1), generator=lot)
    mixed = torch.rand(count, 1, 1, generator=lot) < mixing
    late = torch.arange(generator.layers)[None, :, None] >= cut
    return torch.where((mixed & late).to(one.device), other, one)


def train_style(
    images: Tensor,
    *,
    steps: int,
    labels: Tensor | None = None,
    classes: int = 0,
    widths: Sequence[int] = (128, 64, 32, 16),
    judge_widths: Sequence[int] = (16, 32, 64, 96),
    batch: int = 16,
    rates: tuple[float, float] = (1e-3, 2e-3),
    average_decay: float = 0.995,
    strength: float = 0.0,
    flip: bool = False,
    mixing: float = 0.3,
    seed: int = 0,
    device: torch.device | str = "cpu",
    folder: Path | None = None,
) -> StyleTrained:
    """Train a style generator on pictures uint8 [N, 3, S, S], S = 4 · 2^len(widths).

    classes, labels [N]: then the discriminator is that of 2.2, with projection (S = 32).
    strength: of `augment`, for few pictures. flip: mirror half of the pictures. folder: keep the
    run there, and go on from what lies there. The learning rates fall over the last third.
    """
    check_labels(labels, classes, len(images))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator = StyleGenerator(widths, classes=classes)
        discriminator = (
            Discriminator(classes=classes) if classes else StyleDiscriminator(judge_widths)
        )
    if images.dtype != torch.uint8 or images.shape[1:] != (3, generator.size, generator.size):
        raise ValueError(
            t(
                "These widths need pictures uint8 [N, 3, {size}, {size}], not {dtype} {shape}",
                size=generator.size,
                dtype=str(images.dtype).removeprefix("torch."),
                shape=list(images.shape),
            )
        )
    generator, discriminator = (
        network.to(device, memory_format=torch.channels_last)
        for network in (generator, discriminator)
    )
    average = copy.deepcopy(generator).requires_grad_(False)
    betas = (0.0, 0.9)
    optimizer_g = torch.optim.Adam(generator.parameters(), rates[0], betas, fused=True)
    optimizer_d = torch.optim.Adam(discriminator.parameters(), rates[1], betas, fused=True)
    lot = torch.Generator().manual_seed(seed)
    training = Training(
        {
            "generator": generator,
            "average": average,
            "discriminator": discriminator,
            "optimizer_g": optimizer_g,
            "optimizer_d": optimizer_d,
            "lot": lot,
        },
        folder,
        settings={"widths": list(widths), "batch": batch, "rates": list(rates), "seed": seed}
        | {"strength": strength, "flip": flip, "pictures": int(images.long().sum())}
        | {"classes": classes, "mixing": mixing, "average_decay": average_decay},
    )

    def see(pictures: Tensor, label: list[Tensor]) -> Tensor:
        """The discriminator never sees a picture that was not augmented, real or fake."""
        return discriminator(augment(pictures, lot, strength), *label)

    for step in training.steps(steps):
        share = min(1.0, 3 * (1 - step / steps))
        optimizer_g.param_groups[0]["lr"] = rates[0] * share
        optimizer_d.param_groups[0]["lr"] = rates[1] * share
        index = torch.randint(len(images), (batch,), generator=lot)
        real, label = images[index], [] if labels is None else [labels[index].to(device)]
        if flip:
            mirrored = torch.rand(batch, 1, 1, 1, generator=lot) < 0.5
            real = torch.where(mirrored.to(real.device), real.flip(3), real)
        real = real.to(device, memory_format=torch.channels_last).float() / 127.5 - 1
        w = mixed_styles(generator, batch, lot, mixing, *label)
        fake = generator.synthesise(w, generator.noise(batch, lot))
        see_these = partial(see, label=label)  # the fakes have the labels of the real ones
        told = game_step(see_these, real, fake, discriminator, optimizer_g, optimizer_d)
        update_average(average, generator, min(average_decay, (1 + step) / (10 + step)))
        training.note(**{name.replace(" ", "_"): value for name, value in told.items()})
    average.eval().find_mean()
    return StyleTrained(generator, average, discriminator, training.history)


# %% name="draw-style" tags=["export"]
@torch.no_grad()
def draw_style(generator: StyleGenerator, w: Tensor, seed: int | None = 0) -> Tensor:
    """Pictures in 0…1 of w [N, latent] or [N, layers, latent], by 100 at a time.

    seed: of the noise, which is the same for all of them; None: no noise.
    """
    noise = None
    if seed is not None:
        noise = generator.noise(1, torch.Generator().manual_seed(seed))
    pictures = [generator.synthesise(some, noise) for some in w.split(100)]
    return ((torch.cat(pictures) + 1) / 2).clamp(0, 1)


# %% [markdown] lang="en" name="style-live-text"
# Train it yourself, for a few seconds, at 32 × 32 and with labels (motif and colour, 64 wishes), against the projection discriminator of 2.2. (`StyleDiscriminator` and `augment` wait for section 8; at strength 0, as here, `augment` does nothing.)
# %% [markdown] lang="hi" of="ceefaa8e"
# कुछ सेकंड ख़ुद सिखाइए: 32 × 32 पर, लेबल के साथ (आकृति और रंग, यानी 64 माँगें), 2.2 के प्रोजेक्शन वाले डिस्क्रिमिनेटर के सामने। (`StyleDiscriminator` और `augment` सेक्शन 8 में काम आएँगे; यहाँ `augment` का ज़ोर (strength) 0 है, यानी वह कुछ नहीं करता।)
# %% name="style-live"
yours = train_style(
    small,
    labels=told,
    classes=64,
    steps=20,  # the course's generator: 4,200
    widths=(128, 64, 32),
    batch=32,
    rates=(7e-4, 1.4e-3),
    mixing=0.0,
    device=device,
)
z = torch.randn(8, 64, generator=torch.Generator().manual_seed(3)).to(device)
plots.show_images(
    draw_style(yours.average, yours.average.mapping(z, torch.arange(8, device=device))),
    zoom=2,
    alt=t("Eight pictures after 20 steps: grey clouds"),
)


# %% [markdown] lang="en" name="style-load-text"
# Clouds, as it must be after 20 steps. The course ships the same network, trained with the same loop for much longer. Why not at 64 × 64? We tried: without labels, 700 steps there had not got beyond coloured blurs (FID 86). The style is the subject here, not the size. [Its card](../../../common/weights/style-rangoli.md) says how, and `python3 course.py train style-rangoli` makes it again. In the next picture real ones stand above, generated ones below. Look for mistakes: speckled grounds, frayed petals, a motif that one can hardly make out. Then look at *recall* in the table: the generator hears the wish, but for each it has nearly one picture only, and z changes little. FID alone would hide it. (Do not read the blots of the 20 steps as better because their recall is a little higher. The balls of 2.2 reach to the third neighbour: around one of many near copies they are tiny, around a blot they are wide, and a few real pictures happen to fall inside.)
# %% [markdown] lang="hi" of="fa54c7ab"
# बादल-से धब्बे; 20 क़दमों के बाद यही होना था। कोर्स के साथ यही नेटवर्क आता है, इसी लूप से बहुत ज़्यादा देर तक सीखा हुआ। 64 × 64 पर क्यों नहीं? हमने करके देखा: वहाँ बिना लेबल के 700 क़दमों के बाद भी रंगीन धब्बे ही थे (FID 86)। यहाँ बात शैली की है, आकार की नहीं। नेटवर्क कैसे बना, [उसके कार्ड](../../../common/weights/style-rangoli.md) में लिखा है, और `python3 course.py train style-rangoli` उसे फिर से बना देता है। अगले चित्र में पहली पट्टी असली है, दूसरी बनाई हुई। ग़लतियाँ ढूँढिए: दानेदार पृष्ठभूमि, बिखरी पंखुड़ियाँ, कहीं आकृति पहचानी ही नहीं जाती। फिर तालिका में *रिकॉल* देखिए: जनरेटर माँग पूरी करता है, पर हर माँग का लगभग एक ही चित्र जानता है, और z से बहुत कम बदलता है। अकेला FID इसे छिपा लेता। (20 क़दम वाले का रिकॉल ज़रा ज़्यादा है, पर इससे उसके धब्बे बेहतर नहीं हो जाते। 2.2 के घेरे तीसरे सबसे पास के पड़ोसी तक जाते हैं: लगभग एक-से चित्रों के बीच वे बहुत छोटे रह जाते हैं, और धब्बों के घेरे बड़े होते हैं, तो कुछ असली चित्र यों ही भीतर आ जाते हैं।)
# %% name="load-style" tags=["export"]
def load_style_generator(device: torch.device | str = "cpu") -> StyleGenerator:
    """The generator of eight-armed rangoli that comes with the course: 32 × 32, 64 labels."""
    generator = StyleGenerator((128, 64, 32), classes=64)
    stored = load_file(Path(common.__file__).parent / "weights" / "style-rangoli.safetensors")
    generator.load_state_dict({name: value.float() for name, value in stored.items()})
    return generator.eval().requires_grad_(False).to(device)


# %% name="style-samples"
z = torch.randn(1000, 64, generator=torch.Generator().manual_seed(20)).to(device)
wishes = torch.randint(64, (1000,), generator=torch.Generator().manual_seed(21)).to(device)
w = trained.mapping(z, wishes)
made = draw_style(trained, w)  # [1000, 3, 32, 32]
plots.show_images(
    [side_by_side(to_float(small[:12]).to(device)), side_by_side(made[:12])],
    titles=[t("real"), t("made")],
    columns=1,
    zoom=2,
    colours=64,
    alt=t("A strip of twelve real rangoli, and a strip of twelve generated ones"),
)


def as_told(pictures: Tensor, wishes: Tensor) -> float:
    """The share of pictures in which the judge sees the motif and the colour of the wish."""
    said = judge.read(pictures)
    drawn = said["motif"].argmax(1) * 8 + said["colour"].argmax(1)
    return (drawn == wishes).float().mean().item()


made_features, real_features_ = judge(made), judge(to_float(small[:1000]).to(device))
others, others_told = told_eight_arms(1000, 32, seed=77)
others, others_told = to_float(others).to(device), others_told.to(device)
early = draw_style(yours.average, yours.average.mapping(z, wishes))
compared = {
    t("yours, 20 steps"): (early, wishes),
    t("the course's"): (made, wishes),
    t("real against real"): (others, others_told),
}
scores = {
    name: (
        frechet_distance(real_features_, judge(some)),
        as_told(some, asked),
        precision_recall(real_features_, judge(some))[1],
    )
    for name, (some, asked) in compared.items()
}
plots.table(
    [[name, *row] for name, row in scores.items()],
    columns=[
        t("pictures"),
        t("FID (less is better)"),
        t("motif and colour as told"),
        t("recall"),
    ],
    caption=t("A small FID, wishes heard, and hardly any recall: nearly one picture for each wish"),
)
(early_fid, early_told, _), (style_fid, style_told, style_recall), floor = scores.values()
assert style_fid < 0.3 * early_fid and style_told > 0.85 and style_recall < 0.2
measured.append([t("FID of the style generator"), style_fid, early_fid, t("20 steps")])
measured.append([t("motif and colour as told"), style_told, early_told, t("20 steps")])
measured.append(
    [t("recall of the style generator"), style_recall, floor[2], t("real against real")]
)


# %% [markdown] lang="en" name="mapping-text"
# **What is the mapping network for?** z must be a Gaussian ball: all directions alike. The kinds of picture are not a ball. A generator fed with z has to fold the ball around the kinds; the mapping network does the folding first, so that w can be laid out as the pictures need. The sign of
# it: a *straight* cut through w should part kinds that only a crooked one parts in z. We let the judge name the colour, the ground and the motif of 1,000 generated pictures and fit the best linear reader to z, and to w, on 700 of them; the other 300 test it. Motif and colour come from the wish, so z knows nothing of them; the control is a mapping with the same inputs that nobody trained. The ground could come from z, but compare the first column with the last: from z it is read no better than by always naming the commonest. (Karras et al. 2018 measure this as *linear separability*.)
# %% [markdown] lang="hi" of="8c259256"
# **मैपिंग नेटवर्क (mapping network) किसलिए?** z गॉसियन से निकलता है, यानी गेंद की तरह हर दिशा में एक-सा फैला है। पर चित्रों की क़िस्में गेंद जैसी नहीं फैली हैं। z से सीधे बनाने वाले जनरेटर को गेंद तोड़-मरोड़कर क़िस्मों पर चढ़ानी पड़ती है; मैपिंग नेटवर्क यह मरोड़ पहले ही निपटा देता है, ताकि w वैसे फैल सके जैसे चित्रों को चाहिए। इसकी
# पहचान: जिन क़िस्मों को z में टेढ़ी रेखा ही अलग कर पाए, उन्हें w में *सीधी* रेखा अलग कर दे। हम जज (judge) से 1,000 बनाए हुए चित्रों का रंग, पृष्ठभूमि और आकृति पूछते हैं, और उनमें से 700 पर z से और w से पढ़ने वाला सबसे अच्छा रैखिक (linear) क्लासिफ़ायर निकालते हैं; बाक़ी 300 पर उसकी परीक्षा होती है। आकृति और रंग लेबल से आते हैं, z को उनका पता नहीं; इसलिए असली कंट्रोल है वही मैपिंग, वही इनपुट, पर बिना सीखी। पृष्ठभूमि z से आ सकती थी, पर पहला कॉलम आख़िरी से मिलाइए: z से पढ़ना हमेशा सबसे आम जवाब देने से बेहतर नहीं। (Karras et al. 2018 इसे *linear separability* कहकर नापते हैं।)
# %% name="disentangled"
def linear_reader(x: Tensor, kind: Tensor) -> float:
    """Accuracy on the last 300 of ridge regression to the kinds, fitted to the first 700."""
    x = torch.cat([(x - x.mean(0)) / x.std(0), torch.ones_like(x[:, :1])], dim=1).double()
    goal = F.one_hot(kind).double()
    train = x[:700]
    gram = train.T @ train + 10 * torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    solution = torch.linalg.solve(gram, train.T @ goal[:700])
    return ((x[700:] @ solution).argmax(1) == kind[700:]).double().mean().item()


read = {name: p.argmax(1) for name, p in judge.read(made).items() if name != "symmetry"}
names = {"motif": t("motif"), "colour": t("colour"), "ground": t("ground")}
with torch.random.fork_rng():
    torch.manual_seed(0)
    # The control: a mapping that nobody trained
    unlearnt = MappingNetwork(classes=64).to(device)(z, wishes)
readings = {
    name: [linear_reader(x, kind) for x in (MappingNetwork.normalise(z), unlearnt, w)]
    for name, kind in read.items()
}
plots.table(
    [
        [names[name], *row, kind_share]
        for (name, row), kind_share in zip(
            readings.items(),
            (read[n].bincount().max().item() / 1000 for n in readings),
            strict=True,
        )
    ],
    columns=[
        t("what is read"),
        t("from z"),
        t("from w, mapping untrained"),
        t("from w"),
        t("always the commonest"),
    ],
    caption=t("The trained mapping lays the kinds out: a straight cut finds them in w"),
)
mean_of = [sum(row[n] for row in readings.values()) / 3 for n in range(3)]
assert mean_of[2] > mean_of[1] + 0.15 and mean_of[1] > mean_of[0]
measured.append(
    [t("linear reader on w, mean of three"), mean_of[2], mean_of[1], t("mapping untrained")]
)

# %% [markdown] lang="en" name="noise-text"
# **What does the noise do?** In photographs of people it places the single hairs. Fix w and draw the noise 40 times: what changes from picture to picture is what the noise decides; what stays is what w decides. Our rangoli have *nothing* that is left to chance once motif, colour, place and turn are given. So we should
# expect: next to nothing. (The maps on the right are brightened to their own maximum; the eye alone would see no change. A generator that hardly heeds z may have learnt to ignore the noise as well; this measurement cannot tell the two reasons apart.)
# %% [markdown] lang="hi" of="06b5a50c"
# **शोर क्या करता है?** लोगों की तस्वीरों में वह एक-एक बाल की जगह तय करता है। w वही रखिए और शोर 40 बार नया निकालिए: एक चित्र से दूसरे में जो बदले, वह शोर तय करता है; जो न बदले, वह w। हमारी रंगोली में आकृति, रंग, जगह और घुमाव तय हो जाएँ तो संयोग पर *कुछ* नहीं बचता। इसलिए उम्मीद यह है:
# बदलाव न के बराबर होगा। (दाएँ वाले मैप उसे बहुत बढ़ाकर दिखाते हैं; आँख से तो कुछ नहीं दिखेगा। पर जो जनरेटर z की ही मुश्किल से सुनता है, उसने शोर को अनदेखा करना भी सीख लिया हो सकता है; दोनों में से वजह कौन-सी है, यह माप नहीं बता सकता।)
# %% name="noise-map"
chosen = w[[0, 3, 6, 9]]
by_noise = torch.stack([draw_style(trained, chosen, seed=seed) for seed in range(40)])
moved = by_noise.std(0).mean(1)  # [4, 32, 32]: how much each place changes
by_w = draw_style(trained, w[:200]).std(0).mean().item()  # the control: another w each time
by_chance = moved.mean().item()
first, *later = [judge.read(some) for some in by_noise]
kept = {
    n: torch.stack([one[n].argmax(1) == first[n].argmax(1) for one in later]).float().mean().item()
    for n in names
}
lit = (moved / moved.amax())[:, None].expand(-1, 3, -1, -1)
plots.show_images(
    [
        picture
        for n in range(4)
        for picture in (
            by_noise[0, n],
            by_noise[1, n],
            draw_style(trained, chosen[n : n + 1], seed=None)[0],
            lit[n],
        )
    ],
    titles=[t("noise A"), t("noise B"), t("no noise"), t("what changes")] * 4,
    columns=8,
    zoom=2,
    alt=t(
        "Four styles, each with two noises and without; and maps of the little that the noise changes, made bright"
    ),
)
print(
    t(
        "change by noise {noise}, by w {style}; the motif stays in {motif} of the draws",
        noise=f"{by_chance:.5f}",
        style=f"{by_w:.5f}",
        motif=f"{kept['motif']:.0%}",
    )
)
assert by_chance < 0.05 * by_w and kept["motif"] > 0.95
measured.append([t("change of a pixel by noise, w fixed"), by_chance, by_w, t("by another w")])


# %% [markdown] lang="en" name="mixing-text"
# **Style mixing.** Since each layer gets its own w, two pictures can share one: the first layers (4 × 4 and 8 × 8) take w from the picture on the left, the others from the one above. Which factor follows which parent? The judge counts. StyleGAN also *trains* on such mixtures; ours never saw one, so expect many to be torn.
# %% [markdown] lang="hi" of="10ad6554"
# **शैली मिलाना (style mixing)।** हर लेयर को अपना w मिलता है, इसलिए एक चित्र में दो का मेल हो सकता है: पहली लेयरों (4 × 4 और 8 × 8) को बाईं ओर वाले चित्र का w मिले, बाक़ी को ऊपर वाले का। कौन-सा गुण किससे आया? गिनती जज करेगा। StyleGAN ऐसे मेल पर *सीखता* भी है; हमारे जनरेटर ने एक भी नहीं देखा, इसलिए कई चित्र बिगड़े मिलेंगे।
# %% name="style-mixing"
def mix(coarse: Tensor, fine: Tensor, cut: int = 2) -> Tensor:
    """w for each layer [N, layers, latent]: the first `cut` from `coarse`, the rest from `fine`."""
    both = torch.stack([coarse, fine], dim=1)
    return both[:, (torch.arange(trained.layers) >= cut).long()]


rows_w, columns_w = w[[0, 3, 6]], w[[1, 2, 5, 7, 8, 11]]
grid = mix(rows_w.repeat_interleave(6, 0), columns_w.repeat(3, 1))
blank = torch.ones(1, 3, 32, 32)
above, left, inside = (draw_style(trained, some).cpu() for some in (columns_w, rows_w, grid))
plots.show_images(
    torch.cat(
        [blank, above, *(torch.cat([left[n : n + 1], inside[6 * n : 6 * n + 6]]) for n in range(3))]
    ),
    columns=7,
    zoom=2,
    colours=64,
    alt=t(
        "Three rangoli at the left, six above, and their mixtures: the first layers from the left, the others from above"
    ),
)
mixed = {
    n: p.argmax(1) for n, p in judge.read(draw_style(trained, mix(w[:300], w[300:600]))).items()
}
came_from = {
    n: [(mixed[n] == parent).float().mean().item() for parent in (read[n][:300], read[n][300:600])]
    for n in names
}
plots.table(
    [[names[n], *row] for n, row in came_from.items()],
    columns=[t("factor"), t("as the parent of the first layers"), t("as the parent of the others")],
    caption=t("Motif rather from the first layers, colour from the others"),
)
assert came_from["motif"][0] > came_from["motif"][1] + 0.05
assert came_from["colour"][1] > came_from["colour"][0] + 0.1
measured.append(
    [t("colour as the parent of the last layers"), *came_from["colour"][::-1], t("of the first")]
)


# %% [markdown] lang="en" name="interpolation"
# ## 5 · From one picture to another
#
# Between two z lie others. Three ways lead across: the **straight line** in z; the **arc** (slerp), on which the length does not sink; and the straight line in **w**. Half-way along the straight line z is too short by a factor of about √½, a place where a Gaussian
# of 64 numbers has practically no points. Our mapping network brings z to one length first, so it does not notice; the DCGAN of 2.2 takes z as it is and has no such help. We keep the wish and change z, which changes little here (section 4): the first three rows of the picture look like nine copies, and only the table tells them apart. From one *wish* to another z has no way at all, but w has: the last row.
# %% [markdown] lang="hi" of="43578328"
# ## 5 · एक चित्र से दूसरे तक
#
# दो z के बीच और भी z हैं। एक से दूसरे तक जाने के तीन रास्ते हैं: z में **सीधी रेखा**; **चाप** (slerp), जिस पर लंबाई घटती नहीं; और **w** में सीधी रेखा। सीधी रेखा के बीचोंबीच z की लंबाई घटकर लगभग √½ गुनी रह जाती है, और वहाँ 64 संख्याओं वाले गॉसियन का
# मुश्किल से कोई बिंदु मिलता है। हमारा मैपिंग नेटवर्क z को पहले एक ही लंबाई का बना लेता है, इसलिए उसे फ़र्क़ नहीं पड़ता; 2.2 का DCGAN z को जैसा है वैसा ही लेता है, उसके पास यह बचाव नहीं। हम लेबल वही रखते हैं और z बदलते हैं; यहाँ इससे कम ही बदलता है (सेक्शन 4): चित्र की पहली तीन पंक्तियों में नौ बार एक-सी रंगोली दिखती है, फ़र्क़ सिर्फ़ तालिका बताती है। एक *लेबल* से दूसरे तक z में कोई रास्ता नहीं, पर w में है: आख़िरी पंक्ति।
# %% name="slerp" tags=["export"]
def slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """From a to b [N, d] along the circle through both: the length changes evenly, and so does the
    angle. Shoemake 1985."""
    cosine = F.cosine_similarity(a, b, dim=1).clamp(-1, 1)
    angle = cosine.acos().clamp(1e-4, math.pi - 1e-4)[:, None]
    between = (
        ((1 - share) * angle).sin() * F.normalize(a) + (share * angle).sin() * F.normalize(b)
    ) / angle.sin()
    return between * torch.lerp(a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True), share)


# %% name="interpolation-lengths"
starts, ends, wish = z[:64], z[64:128], wishes[:64]  # z changes, the wish stays
w_ends = trained.mapping(ends, wish)
shares = torch.linspace(0, 1, 9).tolist()
ways = {
    t("straight in z"): [
        trained.mapping(torch.lerp(starts, ends, share), wish) for share in shares
    ],
    t("arc in z (slerp)"): [trained.mapping(slerp(starts, ends, share), wish) for share in shares],
    t("straight in w"): [torch.lerp(w[:64], w_ends, share) for share in shares],
}
rows, unevenness = [], {}
for name, path in ways.items():
    features = torch.stack([judge(draw_style(trained, some)) for some in path])  # [9, 64, 64]
    steps_ = (features[1:] - features[:-1]).norm(dim=-1)  # [8, 64]: how far each step goes
    unevenness[name] = (steps_.amax(0) / steps_.mean(0)).mean().item()
    rows.append([name, steps_.sum(0).mean(), unevenness[name]])
plots.table(
    rows,
    columns=[
        t("way"),
        t("length of the way, in the judge's features"),
        t("longest step ÷ mean step"),
    ],
    caption=t("The shorter way and the more even steps are the smoother change"),
)
middle = torch.lerp(starts, ends, 0.5).norm(dim=1).mean() / starts.norm(dim=1).mean()
on_arc = slerp(starts, ends, 0.5).norm(dim=1).mean() / starts.norm(dim=1).mean()
print(
    t(
        "length of z half-way, against the ends: straight {straight}, arc {arc}",
        straight=f"{middle:.2f}",
        arc=f"{on_arc:.2f}",
    )
)
assert 0.6 < middle < 0.8 and 0.95 < on_arc < 1.05
straight_z, _, straight_w = rows
assert straight_w[1] < straight_z[1]
measured.append(
    [
        t("length of the way from picture to picture"),
        straight_w[1],
        straight_z[1],
        t("straight in z"),
    ]
)
# %% name="interpolation-picture"
far = int(
    (read["ground"][:64] != judge.read(draw_style(trained, w_ends))["ground"].argmax(1))
    .int()
    .argmax()
)
shown = {name: torch.stack([one[far] for one in path]) for name, path in ways.items()}
shown[t("to a new wish")] = torch.stack([torch.lerp(w[0], w[3], share) for share in shares])
plots.show_images(
    [side_by_side(draw_style(trained, path)) for path in shown.values()],
    titles=list(shown),
    columns=1,
    zoom=2,
    colours=64,
    alt=t(
        "Four rows of nine pictures, from one rangoli to another: by three ways, and to a new wish"
    ),
)


# %% [markdown] lang="en" name="truncation"
# ## 6 · Truncation: daring, with a slider
#
# The mean of many w gives a picture too: the most ordinary one. **Truncation** moves every w towards it:
#
# $$w' = \bar w + \psi\,(w - \bar w)$$
#
# With ψ = 1 nothing changes; with ψ = 0 all pictures are one. Between them you trade variety for safety, *if* the mean is a good picture. The mean of all faces is a face. The mean of 64 kinds of rangoli is a blur; the mean of one wish is not. Move the slider. Towards the mean of its own wish a picture hardly changes, for each wish has nearly one picture anyhow: here you gain no safety, you only lose variety.
# %% [markdown] lang="hi" of="a9e45e40"
# ## 6 · ट्रंकेशन (truncation): जोखिम का स्लाइडर
#
# बहुत-से w का औसत भी एक चित्र देता है: सबसे साधारण चित्र। **ट्रंकेशन** हर w को उसकी ओर खिसकाता है:
#
# $$w' = \bar w + \psi\,(w - \bar w)$$
#
# ψ = 1 पर कुछ नहीं बदलता; ψ = 0 पर सारे चित्र एक हो जाते हैं। बीच में कहीं रुकिए तो विविधता थोड़ी जाती है और चित्र कम बिगड़ते हैं, *बशर्ते* औसत ख़ुद अच्छा चित्र हो। सारे चेहरों का औसत चेहरा ही होता है। 64 क़िस्म की रंगोलियों का औसत धब्बा है; एक ही लेबल वाली रंगोलियों का नहीं। स्लाइडर खिसकाइए। अपने लेबल के औसत की ओर चित्र मुश्किल से बदलते हैं, क्योंकि हर लेबल का लगभग एक ही चित्र था: यहाँ चित्रों के सुधरने की उम्मीद मत रखिए, बस विविधता घटेगी।
# %% name="truncation-slider"
many = torch.randn(6400, 64, generator=torch.Generator().manual_seed(22)).to(device)
each = torch.arange(64, device=device).repeat_interleave(100)
own_means = trained.mapping(many, each).unflatten(0, (64, 100)).mean(1)  # of each wish [64, 64]


def draw_truncated(psi: float) -> plt.Figure:
    """Six pictures at this ψ: above towards the mean of all, below towards that of their wish."""
    figure, axes = plt.subplots(2, 1, figsize=(4.2, 2.2), layout="constrained")
    both = {
        t("towards the mean of all"): trained.truncate(w[:6], psi),
        t("towards the mean of its own wish"): torch.lerp(own_means[wishes[:6]], w[:6], psi),
    }
    for ax, (name, styles) in zip(axes, both.items(), strict=True):
        ax.imshow(side_by_side(draw_style(trained, styles)).permute(1, 2, 0).cpu())
        ax.set(xticks=[], yticks=[])
        ax.set_title(name, fontsize=10)
    return figure


interact(
    draw_truncated,
    psi=(0.0, 1.5, 0.1),
    labels={"psi": "ψ"},
    static=[{"psi": 1.0}, {"psi": 0.6}, {"psi": 0.3}, {"psi": 0.0}],
    alt=t(
        "Six generated rangoli twice: with small ψ they become one blur above, and stay rangoli below"
    ),
)
# %% name="truncation-measured"
psis = (1.0, 0.7, 0.5, 0.3)
at_psi = []
for psi in psis:
    some, asked = w[:500], wishes[:500]
    to_all = draw_style(trained, trained.truncate(some, psi))
    to_own = draw_style(trained, torch.lerp(own_means[asked], some, psi))
    features = judge(to_own)
    within = (
        torch.stack([features[asked == n].var(0, correction=0).sum() for n in range(64)])
        .mean()
        .sqrt()
    )
    at_psi.append((as_told(to_all, asked), as_told(to_own, asked), within.item()))
figure, ax = plt.subplots(figsize=(5.6, 2.8), layout="constrained")
told_all, told_own, variety = zip(*at_psi, strict=True)
ax.plot(psis, told_own, "o-", label=t("as told, towards the mean of its wish"))
ax.plot(psis, [one / variety[0] for one in variety], "s--", label=t("its variety (ψ = 1: 1)"))
ax.plot(psis, told_all, "^:", label=t("as told, towards the mean of all"))
ax.set(
    xlabel="ψ",
    ylabel=t("share"),
    ylim=(0, 1.05),
    xlim=(1.05, 0.25),
    title=t("Less ψ costs variety; towards the mean of all also the wish"),
)
ax.legend()
plots.show(
    figure,
    alt=t(
        "Three curves against ψ: as ψ falls to 0.3, the pictures stay as told towards their wish's mean, but not towards the mean of all; their variety falls"
    ),
)
assert told_own[3] > told_all[3] + 0.3 and told_own[3] > told_own[0] - 0.05
assert variety[3] < 0.6 * variety[0]
measured.append([t("as told at ψ = 0.3"), told_own[3], told_all[3], t("towards the mean of all")])
measured.append([t("variety within a wish at ψ = 1"), variety[0], variety[3], "ψ = 0.3"])

# %% [markdown] lang="en" name="checklist"
# ## 7 · Ten lessons of training GANs, and where you saw them
#
# | | lesson | the cell that shows it |
# |---|---|---|
# | 1 | Look at samples and at a distance such as FID, not at the losses: they oscillate while the pictures improve | [2.1](1-adversarial-game.en.ipynb), `loss-is-no-measure` |
# | 2 | Train the generator with the non-saturating or the hinge loss: its gradient lives while D wins | [2.1](1-adversarial-game.en.ipynb), `loss-gradients` |
# | 3 | Keep the two in balance: do not skip steps of the discriminator; first make it quick enough to follow | [2.1](1-adversarial-game.en.ipynb), `balance`, `sweep` |
# | 4 | Sweep the learning rates first: they decide between all modes and one | [2.1](1-adversarial-game.en.ipynb), `sweep` |
# | 5 | Count the kinds, do not trust eight nice pictures: collapse hides | [2.1](1-adversarial-game.en.ipynb), `collapse` |
# | 6 | Upsample and convolve, or a kernel that the stride divides: no checkerboards | [2.2](2-dcgan.en.ipynb), `overlap` |
# | 7 | Bound the discriminator: spectral norm or R1, and never R1 with batch norm | [2.2](2-dcgan.en.ipynb), `spectral-norm`, `bench-each` |
# | 8 | Sample from the moving average of the generator (EMA), with its buffers | [2.2](2-dcgan.en.ipynb), `average-circle` |
# | 9 | Get the layout right before the detail: small pictures first, or every scale at once (it pays at large sizes; at 32 × 32 it did not yet) | here, `finest-detail`, `race`, `first-block-gradient` |
# | 10 | With few pictures augment real *and* fake for D, and watch held-out pictures | here, `by-heart` |
# %% [markdown] lang="hi" of="17351c9f"
# ## 7 · GAN सिखाने के दस सबक़, और वे कहाँ दिखे
#
# | | सबक़ | जिस सेल में दिखता है |
# |---|---|---|
# | 1 | लॉस नहीं, नमूने और FID जैसी दूरी देखिए: लॉस ऊपर-नीचे होते रहते हैं और चित्र सुधरते जाते हैं | [2.1](1-adversarial-game.hi.ipynb), `loss-is-no-measure` |
# | 2 | जनरेटर को नॉन-सैचुरेटिंग या हिंज लॉस दीजिए: डिस्क्रिमिनेटर जीत रहा हो तब भी ग्रेडिएंट बचा रहता है | [2.1](1-adversarial-game.hi.ipynb), `loss-gradients` |
# | 3 | दोनों में संतुलन रखिए: डिस्क्रिमिनेटर के क़दम छोड़ने की मत सोचिए; पहले उसे इतना तेज़ कीजिए कि जनरेटर के साथ चल सके | [2.1](1-adversarial-game.hi.ipynb), `balance`, `sweep` |
# | 4 | सबसे पहले कई लर्निंग रेट आज़माइए: सारे मोड मिलेंगे या बस एक, यह उन्हीं से तय होता है | [2.1](1-adversarial-game.hi.ipynb), `sweep` |
# | 5 | क़िस्में गिनिए, आठ अच्छे चित्रों पर भरोसा मत कीजिए: मोड कोलैप्स छिपा रहता है | [2.1](1-adversarial-game.hi.ipynb), `collapse` |
# | 6 | अपसैंपलिंग के बाद कनवॉल्यूशन, या ऐसा कर्नेल जिसे स्ट्राइड पूरा-पूरा बाँटे: चेकरबोर्ड नहीं बनेंगे | [2.2](2-dcgan.hi.ipynb), `overlap` |
# | 7 | डिस्क्रिमिनेटर की लगाम कसिए: स्पेक्ट्रल नॉर्म या R1; और R1 के साथ बैच नॉर्म कभी नहीं | [2.2](2-dcgan.hi.ipynb), `spectral-norm`, `bench-each` |
# | 8 | नमूने जनरेटर के भारों के चलते औसत (EMA) से निकालिए, बफ़र समेत | [2.2](2-dcgan.hi.ipynb), `average-circle` |
# | 9 | पहले रूपरेखा, फिर ब्योरा: छोटे चित्रों से शुरू कीजिए, या हर आकार एक साथ (फ़ायदा बड़े आकार पर है; 32 × 32 पर अभी नहीं हुआ) | यहाँ, `finest-detail`, `race`, `first-block-gradient` |
# | 10 | चित्र कम हों तो डिस्क्रिमिनेटर के लिए असली *और* नक़ली दोनों पर ऑगमेंटेशन कीजिए, और अलग रखे चित्रों पर नज़र रखिए | यहाँ, `by-heart` |


# %% [markdown] lang="en" name="art"
# **Generative art.** A walk that returns to its start makes a border without end, and a walk on a *torus* makes a carpet that goes on in both directions. The trick: for Gaussians z₁ … z₄ that know nothing of each other, this sum is again one, for any two angles:
#
# $$z(\theta,\varphi) = \tfrac{1}{\sqrt 2}\,(z_1\cos\theta + z_2\sin\theta + z_3\cos\varphi + z_4\sin\varphi)$$
#
# So no tile ever leaves the places that the generator knows. The wish changes from tile to tile: each row has its motif, each column its colour. So from tile to tile you see the wish; the walk in z shows little, since this generator hardly heeds z. The border walks straight in w through four wishes, and back to the first. Change the seed until a carpet pleases you: choosing is a part of the art.
# %% [markdown] lang="hi" of="e5824ba2"
# **जनरेटिव आर्ट (generative art)।** जो सैर वहीं लौट आए जहाँ से चली थी, उससे ऐसी किनारी बनती है जिसका अंत नहीं; और *टोरस* (torus) पर की गई सैर से ऐसा क़ालीन, जो दोनों ओर चलता जाए। तरकीब यह है: z₁ … z₄ अलग-अलग निकाले गए गॉसियन हों, तो यह जोड़ भी वैसा ही गॉसियन है, कोण कोई भी हों:
#
# $$z(\theta,\varphi) = \tfrac{1}{\sqrt 2}\,(z_1\cos\theta + z_2\sin\theta + z_3\cos\varphi + z_4\sin\varphi)$$
#
# इसलिए कोई टाइल उन जगहों से बाहर नहीं जाती जिन्हें जनरेटर जानता है। लेबल हर टाइल का अलग है: हर पंक्ति की अपनी आकृति, हर कॉलम का अपना रंग। यानी टाइल-दर-टाइल आपको लेबल दिखता है; z की सैर कम ही दिखती है, क्योंकि यह जनरेटर z की कम सुनता है। किनारी w में सीधे-सीधे चार लेबलों से होकर पहले पर लौट आती है। सीड बदलते जाइए, जब तक कोई क़ालीन मन को न भाए: चुनना भी कला है।
# %% name="carpet" tags=["export"]
@torch.no_grad()
def carpet(
    generator: StyleGenerator, rows: int, columns: int, seed: int = 0, psi: float = 1.0
) -> Tensor:
    """One picture [3, rows · size, columns · size] in 0…1, whose edges go on at the opposite edges.

    z walks on a torus, and stays a sample of the Gaussian everywhere. With classes, the label is
    8 · row + column: here the motif changes from row to row, the colour from column to column.
    """
    corners = torch.randn(4, generator.latent, generator=torch.Generator().manual_seed(seed))
    down, right = torch.meshgrid(
        *(torch.arange(n) * (2 * math.pi / n) for n in (rows, columns)), indexing="ij"
    )
    angles = torch.stack([down.cos(), down.sin(), right.cos(), right.sin()], dim=-1)
    z = angles.flatten(0, 1) @ corners / math.sqrt(2)  # [rows · columns, latent]
    row, column = torch.arange(rows)[:, None] % 8, torch.arange(columns) % 8
    label = [(8 * row + column).flatten() % generator.classes] if generator.classes else []
    w = generator.mapping(*(one.to(generator.start.device) for one in (z, *label)))
    tiles = draw_style(generator, generator.truncate(w, psi))
    return rearrange(tiles, "(r c) d h w -> d (r h) (c w)", r=rows)


# %% name="poster"
poster = carpet(trained, rows=8, columns=8, seed=8, psi=0.9)
plots.show_images(
    [poster],
    zoom=2,
    colours=64,
    alt=t("A large carpet of 64 generated rangoli: each row a motif, each column a colour"),
)
# %% name="endless-border"
stations = w[[0, 3, 7, 9]]  # four wishes; between them straight in w, and back to the first
there = zip(stations, stations.roll(-1, 0), strict=True)
round_trip = torch.stack([torch.lerp(a, b, n / 5) for a, b in there for n in range(5)])
border = torch.cat(list(draw_style(trained, round_trip)), dim=2)  # [3, 32, 20 · 32]
plots.show_images(
    [border],
    zoom=2,
    colours=64,
    alt=t("A border of twenty rangoli; its right end goes on at its left end"),
)


# %% [markdown] lang="en" name="own"
# ## 8 · Your own images
#
# Put 50 pictures or more into a folder, and name it in the one line `FOLDER`. Any format goes; a report says which files were left out and why. Without a folder the notebook cuts 60 squares from a photograph of the night sky that lies in scikit-image.
#
# With so few pictures the discriminator soon **learns them by heart**, and then it says "fake" to everything else: to the generator's pictures and to real ones that it has not seen. The cure is **augmentation**: change the pictures by chance each time, *real and fake alike*, and so that the gradient still flows
# back through the change to the generator (Zhao et al. 2020). If only the real ones were changed, the generator would learn to draw changed pictures.
# %% [markdown] lang="hi" of="5eec3da0"
# ## 8 · आपके अपने चित्र
#
# किसी फ़ोल्डर में 50 या ज़्यादा चित्र रखिए और उसका नाम `FOLDER` वाली पंक्ति में लिखिए। फ़ॉर्मैट कोई भी चलेगा; रिपोर्ट बताएगी कि कौन-सी फ़ाइल छूटी और क्यों। फ़ोल्डर न हो, तो नोटबुक scikit-image में रखी रात के आकाश की एक तस्वीर से 60 चौकोर टुकड़े काट लेती है।
#
# इतने कम चित्र हों, तो डिस्क्रिमिनेटर उन्हें जल्दी **रट लेता है**, और फिर बाक़ी सबको "नक़ली" कहता है: जनरेटर के चित्रों को भी, और उन असली चित्रों को भी जो उसने देखे नहीं। इलाज है **ऑगमेंटेशन** (augmentation): हर बार चित्रों में कुछ रैंडम बदलाव किए जाएँ, *असली और नक़ली दोनों में*, और ऐसे कि ग्रेडिएंट उस बदलाव से होकर
# जनरेटर तक पहुँचे (Zhao et al. 2020)। बदलाव सिर्फ़ असली चित्रों में करें, तो जनरेटर बदले हुए चित्र बनाना सीख लेगा।
# %% name="demo-pictures" tags=["export"]
def demo_pictures(
    folder: Path, count: int = 60, photograph: str = "hubble", side: int = 72
) -> Path:
    """Cut a photograph of your Python packages into `count` squares and save them as files."""
    folder.mkdir(parents=True, exist_ok=True)
    (picture,) = photographs(photograph).values()
    lot = torch.Generator().manual_seed(0)
    for n in range(count):
        top, left = (
            int(torch.randint(length - side + 1, (), generator=lot)) for length in picture.shape[1:]
        )
        square = picture[:, top : top + side, left : left + side].permute(1, 2, 0).numpy()
        Image.fromarray(square).save(folder / f"{photograph}-{n:02d}.png")
    return folder


# %% name="train-on-folder" tags=["export"]
@dataclass
class OwnTrained:
    """What `train_on_folder` leaves. gap: how much higher the discriminator's mean logit is for the
    pictures that it trained on than for those it never saw, at each look."""

    average: StyleGenerator
    discriminator: StyleDiscriminator
    images: Tensor  # uint8 [N, 3, S, S], those it trained on
    held_out: Tensor  # uint8 [M, 3, S, S]
    report: Report | None
    gap: float


@torch.no_grad()
def memorised(discriminator: nn.Module, images: Tensor, held_out: Tensor) -> float:
    """How much surer the discriminator is of pictures it trained on than of held-out ones.

    Both uint8 [N, 3, S, S]. The difference of the mean logits, in units of their spread.
    """
    device = next(discriminator.parameters()).device
    seen, new = (discriminator(x.to(device).float() / 127.5 - 1) for x in (images, held_out))
    return ((seen.mean() - new.mean()) / torch.cat([seen, new]).std()).item()


def train_on_folder(
    source: str | Path | Tensor,
    *,
    size: int = 64,
    steps: int = 2000,
    strength: float = 1.0,
    flip: bool = True,
    held_out: float = 0.2,
    limit: int | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    keep: Path | None = None,
) -> OwnTrained:
    """Train a style generator on the pictures of a folder (or on a tensor uint8 [N, 3, S, S]).

    size: 32, 64 or 128. strength: of `augment`; 0 switches it off. held_out: the share of pictures
    that is only used to see whether the discriminator learns by heart. keep: a folder in which the
    run is kept, so that it goes on where it was. ValueError, with the cure, if there is no folder,
    nothing in it that can be read, or fewer than 5 pictures.
    """
    widths = {32: (128, 64, 32), 64: (128, 64, 32, 16), 128: (128, 64, 32, 16, 12)}
    if size not in widths:
        raise ValueError(t("size is 32, 64 or 128, not {size}", size=size))
    images, report = source, None
    if not isinstance(source, Tensor):
        images, report = image_folder(source, size=size, limit=limit)
        print(report)
    if len(images) < 5:
        raise ValueError(
            t(
                "{count} pictures are too few: put at least 5 into the folder, better 50 or more.",
                count=len(images),
            )
        )
    train, test = split_indices(len(images), (1 - held_out, held_out), seed=seed)
    trained = train_style(
        images[train],
        steps=steps,
        widths=widths[size],
        judge_widths=tuple(reversed([96 >> n for n in range(len(widths[size]))])),
        strength=strength,
        flip=flip,
        seed=seed,
        device=device,
        folder=keep,
    )
    gap = memorised(trained.discriminator, images[train], images[test])
    return OwnTrained(
        trained.average, trained.discriminator, images[train], images[test], report, gap
    )


# %% name="own-images"
FOLDER = None  # for example "my-pictures"

with tempfile.TemporaryDirectory() as place:
    own, report = image_folder(FOLDER or demo_pictures(Path(place)), size=32)
print(report)
lot = torch.Generator().manual_seed(0)
shown = to_float(own[:6]) * 2 - 1
plots.show_images(
    (torch.cat([shown, augment(shown, lot), augment(shown, lot)]) + 1) / 2,
    columns=6,
    zoom=2,
    photographs=True,
    alt=t(
        "Six pictures of the folder, and below each of them two random changes: brighter, shifted, with a hole"
    ),
)
# %% [markdown] lang="en" name="by-heart-text"
# How does one *see* learning by heart? Suppose the generator were perfect already. Then its pictures are simply new ones of the same kind, and nothing true can tell the two sides apart. With rangoli we can have that: 24 of them are the folder, "real"; and every "fake" is a rangoli that nobody has seen. Whatever the discriminator still finds, it has **learnt by heart**. Once without and once with augmentation:
# %% [markdown] lang="hi" of="8c2c5ae0"
# रटना *दिखे* कैसे? मान लीजिए, जनरेटर पहले से ही बेदाग़ है। तब उसके चित्र बस उसी तरह के नए चित्र हैं, और दोनों तरफ़ में सचमुच का कोई फ़र्क़ है ही नहीं। रंगोली के साथ हम ऐसा कर सकते हैं: 24 रंगोलियाँ हमारा फ़ोल्डर हैं, यानी "असली"; और हर "नक़ली" एक नई रंगोली है, जो पहले किसी ने नहीं देखी। अब डिस्क्रिमिनेटर को जो भी फ़र्क़ मिले, वह उसने **रटकर** ही निकाला है। एक बार बिना ऑगमेंटेशन के, एक बार उसके साथ:
# %% name="by-heart"
from common.rangoli import rangoli

few, endless, unseen = (rangoli(n, seed=50 + i)[0] for i, n in enumerate((24, 16 * 60, 400)))


def learn_by_heart(strength: float) -> StyleDiscriminator:
    """60 steps of a discriminator alone: the few against ever new pictures of the same kind."""
    torch.manual_seed(0)
    discriminator = StyleDiscriminator((24, 48, 96)).to(device)
    optimizer = torch.optim.Adam(discriminator.parameters(), 2e-3, (0.0, 0.9))
    lot = torch.Generator().manual_seed(0)
    for fake in endless.split(16):
        real = few[torch.randint(len(few), (16,), generator=lot)]
        real_logits, fake_logits = (
            discriminator(augment(to_float(x).to(device) * 2 - 1, lot, strength))
            for x in (real, fake)
        )
        loss = hinge_discriminator_loss(real_logits, fake_logits)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return discriminator


gaps = {}
figure, axes = plt.subplots(1, 2, figsize=(8.6, 2.6), layout="constrained", sharex=True)
for ax, (strength, words) in zip(
    axes, ((0.0, t("without augmentation")), (1.0, t("with augmentation"))), strict=True
):
    discriminator = learn_by_heart(strength)
    gaps[strength] = memorised(discriminator, few, unseen)
    for some, name in ((unseen, t("400 never seen")), (few, t("the 24"))):
        with torch.no_grad():
            logits = discriminator(to_float(some).to(device) * 2 - 1).cpu()
        ax.hist(logits, bins=torch.arange(-5, 5, 0.4), density=True, alpha=0.6, label=name)
    ax.set(
        xlabel=t("logit: how real it looks to D"),
        yticks=[],
        title=t("{words}: apart by {gap}", words=words, gap=f"{gaps[strength]:.1f}"),
    )
axes[0].legend()
plots.show(
    figure,
    alt=t(
        "Logits for the 24 pictures and for new ones: without augmentation two heaps far apart, with it they overlap"
    ),
)
print(t("apart by: the distance of the two means, in units of the spread of all logits"))
assert gaps[0.0] > 1.5 and gaps[1.0] < 0.6 * gaps[0.0]
measured.append(
    [
        t("how far D holds its own 24 pictures from new ones of the kind"),
        gaps[1.0],
        gaps[0.0],
        t("without augmentation"),
    ]
)

# %% [markdown] lang="en" name="own-gap-text"
# Without augmentation a GAN's generator would now be told that even *perfect* pictures are wrong; with it the discriminator has far less to go by. Now your pictures, with augmentation:
# %% [markdown] lang="hi" of="869e0f92"
# बिना ऑगमेंटेशन के GAN के जनरेटर को अब यह सुनना पड़ता कि *बेदाग़* चित्र भी ग़लत हैं; ऑगमेंटेशन हो, तो डिस्क्रिमिनेटर के पास रटने को बहुत कम बचता है। अब आपके चित्र, ऑगमेंटेशन के साथ:
# %% name="own-gap"
STEPS = 60  # a few seconds; for pictures to keep: 5000 and more, on a GPU
with_changes = train_on_folder(
    own, size=32, steps=STEPS, device=device, flip=True, keep=keep_folder("own-images")
)
print(
    t(
        "your pictures after {n} steps: those trained on and those held out are apart by {gap}",
        n=STEPS,
        gap=f"{with_changes.gap:.1f}",
    )
)
assert math.isfinite(with_changes.gap)
# %% name="own-samples"
z = torch.randn(8, 64, generator=torch.Generator().manual_seed(1)).to(device)
plots.show_images(
    torch.cat(
        [
            to_float(with_changes.images[:8]).to(device),
            draw_style(with_changes.average, with_changes.average.mapping(z)),
        ]
    ),
    columns=8,
    zoom=2,
    photographs=True,
    alt=t(
        "Above: eight pictures of the folder. Below: eight generated ones after a few seconds, still rough"
    ),
)
# %% [markdown] lang="en" name="own-after"
# A few seconds are a start, not an end: the generated row is still nearly black, and the number above means little yet: the held-out pictures are few, and it changes with the seed. Watch it in a long run. For pictures worth keeping: a GPU, `size=64` (in both cells: `image_folder` reads the pictures at that size, and `train_on_folder` must be told the same), `STEPS` at 5,000 or more. Nothing is lost if Colab disconnects: `keep_folder` gives a folder on your Drive if it is mounted, and the same cell then goes on where it was. From a phone: `common.data.uploaded(files.upload(), size=64)`
# returns pictures and a report, as `image_folder` does.
#
# Use pictures that are yours to use. A generator trained on sixty pictures of one person's work copies that person.
# %% [markdown] lang="hi" of="3fd070b8"
# कुछ सेकंड शुरुआत हैं, मंज़िल नहीं: बनाए हुए चित्र अभी लगभग काले हैं, और ऊपर की संख्या से अभी कुछ ख़ास पता नहीं चलता: अलग रखे चित्र कम हैं, और वह सीड के साथ बदलती है। लंबी ट्रेनिंग में उस पर नज़र रखिए। सहेजने लायक़ चित्रों के लिए: GPU, `size=64` (दोनों सेलों में: `image_folder` चित्र इसी आकार में पढ़ता है, और `train_on_folder` को भी यही बताना होता है), और `STEPS` 5,000 या ज़्यादा। Colab का कनेक्शन बीच में टूट जाए तो भी कुछ खोता नहीं: Drive जुड़ी हो तो `keep_folder` उसी में फ़ोल्डर देता है, और वही सेल फिर चलाने पर काम वहीं से आगे बढ़ता है। फ़ोन से: `common.data.uploaded(files.upload(), size=64)`
# `image_folder` की तरह चित्र और रिपोर्ट लौटाता है।
#
# चित्र वही लीजिए जिन पर आपका हक़ हो। किसी एक कलाकार के साठ चित्रों पर सीखा जनरेटर उसी कलाकार की नक़ल करता है।

# %% [markdown] lang="en" name="results-text"
# ## Results: what we measured
# %% [markdown] lang="hi" of="27d3f378"
# ## नतीजे: हमने क्या नापा
# %% name="results"
plots.table(
    measured,
    columns=[t("measurement"), t("as taught"), t("control"), t("the control is")],
    caption=t("Every number was computed in this notebook"),
)
# %% name="gallery"
gallery = draw_style(
    trained,
    trained.truncate(
        trained.mapping(
            torch.randn(30, 64, generator=torch.Generator().manual_seed(99)).to(device),
            wishes[-30:],
        ),
        0.9,
    ),
)
plots.show_images(
    gallery,
    columns=10,
    zoom=2,
    colours=64,
    alt=t("Thirty generated rangoli, not chosen, at ψ = 0.9"),
)
# %% [markdown] lang="en" name="published"
# Beside the published one. The tasks differ, so compare the *recipe*, not the scores:
#
# | | this notebook | StyleGAN2, Karras et al. 2019 |
# |---|---|---|
# | pictures | 12,000 drawn rangoli, 32 × 32 | 70,000 photographs of faces, 1024 × 1024 |
# | parameters of the generator | 0.28 million | 30 million |
# | mapping network | 3 layers of 64 | 8 layers of 512 |
# | modulation | weights, demodulated; then batch norm | weights, demodulated |
# | label | motif and colour, 64 | none |
# | bound on D | spectral norm, hinge loss | R1, non-saturating loss |
# | style mixing in training | none | nine in ten |
# | computing | minutes of one CPU core | days of eight GPUs |
# %% [markdown] lang="hi" of="a77c6bec"
# इसे शोध-पत्र के साथ रखकर देखिए। काम अलग-अलग हैं, इसलिए अंकों की नहीं, *नुस्ख़े* की तुलना कीजिए:
#
# | | यह नोटबुक | StyleGAN2, Karras et al. 2019 |
# |---|---|---|
# | चित्र | कोड से बनी 12,000 रंगोलियाँ, 32 × 32 | चेहरों की 70,000 तस्वीरें, 1024 × 1024 |
# | जनरेटर के पैरामीटर | 2.8 लाख | 3 करोड़ |
# | मैपिंग नेटवर्क | 64 की 3 लेयरें | 512 की 8 लेयरें |
# | मॉड्यूलेशन | भारों का, डिमॉड्यूलेशन के साथ; फिर बैच नॉर्म | भारों का, डिमॉड्यूलेशन के साथ |
# | लेबल | आकृति और रंग, 64 | नहीं |
# | डिस्क्रिमिनेटर की लगाम | स्पेक्ट्रल नॉर्म, हिंज लॉस | R1, नॉन-सैचुरेटिंग लॉस |
# | ट्रेनिंग में शैली मिलाना | नहीं | दस में से नौ में |
# | गणना | एक CPU कोर के कुछ मिनट | आठ GPU के कई दिन |

# %% [markdown] lang="en" name="finish"
# ## Exercises, quiz, and where this leads
#
# - Write it yourself in the [exercises](exercises.en.ipynb), then take the quiz below.
# - Lesson 3 puts a discriminator to another use: it sharpens what a codebook rebuilds (VQGAN). The style that steers every layer comes back in lesson 4 (AdaIN) and, as an adapter, in lesson 5.
#
# **References.** Karras et al. 2017, *Progressive growing* ([1710.10196](https://arxiv.org/abs/1710.10196)) · Karnewar & Wang 2019, *MSG-GAN* ([1903.06048](https://arxiv.org/abs/1903.06048)) · Karras et al. 2018, *StyleGAN* ([1812.04948](https://arxiv.org/abs/1812.04948)) · Karras et al. 2019, *StyleGAN2*
# ([1912.04958](https://arxiv.org/abs/1912.04958)) · Zhao et al. 2020, *Differentiable augmentation* ([2006.10738](https://arxiv.org/abs/2006.10738)) · Kynkäänniemi et al. 2019, *Precision and recall* ([1904.06991](https://arxiv.org/abs/1904.06991)) · Shoemake 1985, *Animating rotation with quaternion curves* ([doi](https://doi.org/10.1145/325165.325242))
# %% [markdown] lang="hi" of="c2ebf433"
# ## अभ्यास, क्विज़, और आगे का रास्ता
#
# - [अभ्यास](exercises.hi.ipynb) में ख़ुद लिखिए, फिर नीचे का क्विज़ कीजिए।
# - पाठ 3 डिस्क्रिमिनेटर से दूसरा काम लेता है: वह कोडबुक से फिर बने चित्र को तीखा करता है (VQGAN)। हर लेयर को दिशा देने वाली शैली पाठ 4 में लौटती है (AdaIN), और पाठ 5 में अडैप्टर बनकर।
#
# **संदर्भ।** Karras et al. 2017, *Progressive growing* ([1710.10196](https://arxiv.org/abs/1710.10196)) · Karnewar & Wang 2019, *MSG-GAN* ([1903.06048](https://arxiv.org/abs/1903.06048)) · Karras et al. 2018, *StyleGAN* ([1812.04948](https://arxiv.org/abs/1812.04948)) · Karras et al. 2019, *StyleGAN2*
# ([1912.04958](https://arxiv.org/abs/1912.04958)) · Zhao et al. 2020, *Differentiable augmentation* ([2006.10738](https://arxiv.org/abs/2006.10738)) · Kynkäänniemi et al. 2019, *Precision and recall* ([1904.06991](https://arxiv.org/abs/1904.06991)) · Shoemake 1985, *Animating rotation with quaternion curves* ([doi](https://doi.org/10.1145/325165.325242))
# %% name="quiz-after"
quiz.show("02-gan", "after")
