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
# # 2.2 · DCGAN: pictures out of noise
#
# In [2.1](1-adversarial-game.en.ipynb) two networks played for numbers and for points. Now they play for pictures: a generator that has never seen a rangoli learns to draw them, only from being told "I can tell that
# this one is not real". You build both networks, learn to *measure* what they draw, find out which improvements are worth anything, break the recipe on purpose, mend it, and in the end ask it for a red lotus.
#
# **You need** [2.1](1-adversarial-game.en.ipynb); what a convolution is, you see again here.
# **Time**: about an hour and a half to read and try; *Run all* takes about a minute and a half on two CPU cores.
# %% [markdown] lang="hi" of="8a4eb909"
# # 2.2 · DCGAN: शोर से निकलते चित्र
#
# [2.1](1-adversarial-game.hi.ipynb) में दो नेटवर्क पहले संख्याओं पर और फिर बिंदुओं पर खेले। अब खेल चित्रों का है: जनरेटर ने कभी कोई रंगोली नहीं देखी, फिर भी वह रंगोली बनाना सीख जाता है, सिर्फ़ यह सुन-सुनकर कि "पकड़ लिया, यह
# असली नहीं है"। आप दोनों नेटवर्क बनाएँगे, उनके चित्रों को *नापना* सीखेंगे, परखेंगे कि कौन-सा सुधार कितने काम का है, नुस्ख़े को जान-बूझकर बिगाड़ेंगे, फिर ठीक करेंगे, और आख़िर में उससे कहेंगे: लाल कमल बनाओ।
#
# **क्या आना चाहिए**: [2.1](1-adversarial-game.hi.ipynb); कनवॉल्यूशन यहाँ फिर से देख लेंगे।
# **समय**: पढ़ने और आज़माने में लगभग डेढ़ घंटा; *Run all* दो CPU कोर पर लगभग डेढ़ मिनट लेता है।
# %% tags=["start"]
# %% name="imports" tags=["export"]
import copy
import itertools
import json
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from matplotlib.colors import ListedColormap
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

import common
from common import plots
from common.data import digits, to_float
from common.gan import discriminator_loss, non_saturating_loss, r1_penalty, saturating_loss
from common.interact import interact
from common.lang import language, t
from common.metrics import gan_report, load_judge, modes, real_features, real_images
from common.rangoli import COLOURS, MOTIFS, rangoli
from common.training import Training

# %% name="preview" tags=["cover"]
# Where we are going: every picture below is drawn by a network, from 64 random numbers and a wish
from common.gan import load_dcgan, sample

artist = load_dcgan(device)
wishes = torch.arange(64).view(8, 8)[:, ::2].flatten()  # every motif in four colours
plots.show_images(
    sample(artist, len(wishes), seed=4, device=device, labels=wishes),
    columns=16,
    zoom=1,
    colours=32,
    alt=t("Thirty-two rangoli drawn by a generator: eight motifs in four colours each"),
)

# %% [markdown] lang="en" name="warm-up"
# **Warm-up.** The quiz at the start of [2.1](1-adversarial-game.en.ipynb) serves the whole lesson. One question to keep in mind here: *if a generator's pictures are all beautiful, can it still be a bad generator?*
# %% [markdown] lang="hi" of="0fe20ac0"
# **शुरुआती सवाल।** [2.1](1-adversarial-game.hi.ipynb) के शुरू का क्विज़ पूरे पाठ के लिए है। यहाँ एक सवाल मन में रखिए: *जनरेटर का हर चित्र सुंदर हो, तो क्या तब भी वह ख़राब जनरेटर हो सकता है?*


# %% [markdown] lang="en" name="pictures-text"
# ## 1 · The pictures
#
# Two sets. **Rangoli**, 32 × 32 in colour, drawn by code: 8 motifs × 8 colours × 4 grounds × 3 symmetries, each a little turned, moved and tinted. Since code drew them, we can ask exactly how many of the 64 motif–colour pairs a generator draws. And **real
# handwriting**: 4,000 digits of MNIST, padded to 32 × 32. Networks work with numbers in −1…1, because the generator's last layer, tanh, gives those.
# %% [markdown] lang="hi" of="af862656"
# ## 1 · चित्र
#
# हमारे पास दो तरह के चित्र हैं। **रंगोली**, 32 × 32, रंगीन, कोड से बनी हुई: 8 आकृतियाँ × 8 रंग × 4 पृष्ठभूमियाँ × 3 सममितियाँ, और हर चित्र थोड़ा घूमा, खिसका, रंग में ज़रा अलग। कोड ने बनाया है, इसलिए हम ठीक-ठीक पूछ सकते हैं कि आकृति और रंग की 64 जोड़ियों में से जनरेटर कितनी बनाता है। और **असली लिखावट**:
# MNIST के 4,000 अंक, किनारे जोड़कर 32 × 32 के। नेटवर्क −1…1 की संख्याओं से काम करते हैं, क्योंकि जनरेटर की आख़िरी लेयर tanh यही देती है।
# %% name="pictures"
def side_by_side(pictures: Tensor) -> Tensor:
    """[N, C, H, W] -> one strip [C, H, N·W]."""
    return rearrange(pictures, "n c h w -> c h (n w)")


rangolis, factors = rangoli(6000, seed=0)  # uint8 [6000, 3, 32, 32]
kinds = factors.motif * len(COLOURS) + factors.colour  # 0…63, what the picture shows
digit_images, digit_labels = digits(size=32, split="train")  # uint8 [4000, 1, 32, 32]
plots.show_images(
    [side_by_side(rangolis[:12]), side_by_side(digit_images[:12].expand(-1, 3, -1, -1))],
    columns=1,
    zoom=2,
    alt=t("Twelve rangoli drawn by code and twelve handwritten digits"),
)

# %% [markdown] lang="en" name="layers-text"
# ## 2 · Three ways to look at a picture: convolution, pooling, fully connected
#
# A stroke on a picture of 4 × 4 pixels, and three layers that read it:
#
# - **fully connected**: every output has a weight of its own for every pixel;
# - **convolution**: one small set of weights slides over the picture; every place is asked the same question;
# - **pooling**: no weights at all. Each block of pixels is replaced by one number, its largest (max pooling) or its mean (average pooling). What was there stays; *where* in the block it was is forgotten.
# %% [markdown] lang="hi" of="d0a0083c"
# ## 2 · चित्र को देखने के तीन तरीक़े: कनवॉल्यूशन, पूलिंग, पूरी तरह जुड़ी लेयर
#
# 4 × 4 पिक्सल के चित्र पर एक लकीर है, और उसे पढ़ने वाली तीन लेयरें:
#
# - **पूरी तरह जुड़ी (fully connected)**: हर आउटपुट के पास हर पिक्सल के लिए अपना अलग भार है;
# - **कनवॉल्यूशन (convolution)**: भारों का एक छोटा-सा समूह पूरे चित्र पर खिसकता जाता है; हर जगह से वही सवाल पूछा जाता है;
# - **पूलिंग (pooling)**: इसमें कोई भार नहीं होता। पिक्सलों के हर खंड की जगह एक संख्या रख दी जाती है: सबसे बड़ी (max pooling) या औसत (average pooling)। क्या था, यह बचता है; खंड में *कहाँ* था, यह भुला दिया जाता है।
# %% name="three-layers" tags=["nbval-check-output"]
picture = torch.tensor([[0.0, 1, 0, 0],
                        [0.0, 1, 0, 0],
                        [0.0, 1, 0, 0],
                        [0.0, 0, 0, 0]])[None, None]  # fmt: skip
edge = torch.tensor(
    [[[[-1.0, 1.0]]]]
)  # the convolution's two weights: "is it brighter to the right?"

print("convolution, 2 weights", F.conv2d(picture, edge)[0, 0].tolist())
print("max pooling, 0 weights", F.max_pool2d(picture, 2)[0, 0].tolist())
print("mean pooling, 0 weights", F.avg_pool2d(picture, 2)[0, 0].tolist())
print("fully connected, to as many outputs:", 16 * 16, "weights")

moved = picture.roll(-1, dims=3)  # one pixel to the left: inside the same blocks
print(
    "moved: the convolution moves along:",
    torch.equal(F.conv2d(moved, edge)[..., :2], F.conv2d(picture, edge)[..., 1:]),
)
print(
    "moved: max pooling notices nothing:",
    torch.equal(F.max_pool2d(moved, 2), F.max_pool2d(picture, 2)),
)
# %% [markdown] lang="en" name="pooling-gradient-text"
# A classifier may forget where; a digit is a 7 wherever it stands. A GAN pays for it, because a generator learns from the *gradient that comes back through the discriminator to each pixel*. Max pooling sends it back to one pixel in four; a convolution of stride 2 also halves the picture, and
# reaches all of them.
# %% [markdown] lang="hi" of="4e67f9ba"
# क्लासिफ़ायर जगह भूल जाए तो चलता है: 7 कहीं भी लिखा हो, 7 ही है। पर GAN को यह महँगा पड़ता है, क्योंकि जनरेटर उसी *ग्रेडिएंट से सीखता है जो डिस्क्रिमिनेटर से होकर हर पिक्सल तक लौटता है*। Max pooling उसे चार में से एक ही पिक्सल तक पहुँचने देती है; स्ट्राइड (stride) 2 वाला कनवॉल्यूशन भी चित्र को आधा करता है,
# मगर सब पिक्सलों तक पहुँचता है।
# %% name="pooling-gradient"
with torch.random.fork_rng():
    torch.manual_seed(0)
    strided = nn.Conv2d(3, 3, 4, stride=2, padding=1)
reached = []
for halve in (nn.MaxPool2d(2), strided):
    pixels = (to_float(rangolis[:8]) + 0.01 * torch.rand(8, 3, 32, 32)).requires_grad_()
    halve(pixels).sum().backward()
    reached.append((pixels.grad != 0).float().mean().item())
print(
    t(
        "pixels that the gradient reaches: max pooling {pool}, stride {stride}",
        pool=f"{reached[0]:.0%}",
        stride=f"{reached[1]:.0%}",
    )
)
assert abs(reached[0] - 0.25) < 0.001 and reached[1] == 1.0
measured = [
    [t("pixels reached by the gradient, stride 2"), reached[1], reached[0], t("max pooling")]
]

# %% [markdown] lang="en" name="connected-text"
# ## 3 · A fully connected discriminator against a convolutional one
#
# Nearly all of the first GANs (Goodfellow et al. 2014) had fully connected networks. What is wrong with them? Give two discriminators with *the same number of weights* the same job: some pictures have a patch of 8 × 8 pixels, anywhere, whose pixels were
# shuffled. Which are they? Generators leave just such faults.
# %% [markdown] lang="hi" of="cbee8ff9"
# ## 3 · पूरी तरह जुड़ा डिस्क्रिमिनेटर बनाम कनवॉल्यूशनल डिस्क्रिमिनेटर
#
# शुरू के लगभग सारे GAN (Goodfellow et al. 2014) पूरी तरह जुड़े नेटवर्क थे। उनमें कमी क्या है? दो डिस्क्रिमिनेटरों को, *जिनमें भारों की गिनती बराबर है*, एक ही काम दीजिए: कुछ चित्रों में कहीं भी 8 × 8 पिक्सल का एक टुकड़ा है जिसके पिक्सल फेंट दिए गए हैं।
# बताइए, वे कौन-से चित्र हैं? जनरेटर ठीक ऐसी ही ग़लतियाँ छोड़ते हैं।

# %% name="connected-against-convolutional"
from common.gan import Discriminator  # you build it in the next section


def spoil(pictures: Tensor, lot: torch.Generator) -> Tensor:
    """[N, 1, 32, 32] -> the same with one patch of 8 × 8 pixels shuffled, somewhere in each."""
    spoilt = pictures.clone()
    for picture, (top, left) in zip(
        spoilt, torch.randint(6, 19, (len(spoilt), 2), generator=lot).tolist(), strict=True
    ):
        patch = picture[:, top : top + 8, left : left + 8].flatten(1)
        patch = patch[:, torch.randperm(64, generator=lot)]
        picture[:, top : top + 8, left : left + 8] = patch.view(1, 8, 8)
    return spoilt


def learn_to_judge(network: nn.Module, steps: int = 120, batch: int = 32) -> list[float]:
    """Train on whole and spoilt pictures; the accuracy on 400 of each, unseen, every 30 steps."""
    lot = torch.Generator().manual_seed(0)
    whole = (to_float(digit_images[:2000]) * 2 - 1).to(device)
    broken = (spoil(to_float(digit_images[2000:4000]), lot) * 2 - 1).to(device)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3, betas=(0.5, 0.99))
    right = []
    for step in range(steps):
        index = torch.randint(1600, (batch,), generator=lot)
        loss = discriminator_loss(network(whole[index]), network(broken[index]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % 30 == 0:
            with torch.no_grad():
                good, bad = network(whole[1600:]) > 0, network(broken[1600:]) < 0
            right.append(torch.cat([good, bad]).float().mean().item())
    return right


with torch.random.fork_rng():
    torch.manual_seed(0)
    connected = nn.Sequential(
        nn.Flatten(),
        nn.Linear(32 * 32, 40),
        nn.LeakyReLU(0.2),
        nn.Linear(40, 40),
        nn.LeakyReLU(0.2),
        nn.Linear(40, 1),
        nn.Flatten(0),
    ).to(device)
    convolutional = Discriminator(channels=1, width=16, norm="none").to(device)
weights = [sum(p.numel() for p in net.parameters()) for net in (connected, convolutional)]
curves = [learn_to_judge(net) for net in (connected, convolutional)]

figure, ax = plt.subplots(figsize=(6.4, 2.8), layout="constrained")
for curve, name, count, colour in zip(
    curves, (t("fully connected"), t("convolutional")), weights, plots.COLOURS, strict=False
):
    ax.plot(
        range(30, 121, 30),
        curve,
        "o-",
        color=colour,
        label=t("{name}, {count} weights", name=name, count=f"{count:,}"),
    )
ax.axhline(0.5, color="grey", linewidth=0.8)
ax.annotate(
    t("guessing"), (120, 0.5), xytext=(0, 3), textcoords="offset points", ha="right", color="grey"
)
ax.set(ylim=(0.4, 1.02), xlabel=t("steps"), ylabel=t("accuracy on new pictures"))
ax.set_title(t("A fault can lie anywhere: only the convolution finds it"))
ax.legend(loc="center right", bbox_to_anchor=(1, 0.5), frameon=False)
plots.show(
    figure,
    alt=t(
        "Accuracy over training steps of a fully connected and a convolutional discriminator: the first stays near guessing, the second rises"
    ),
)
print(t("accuracy after 120 steps: fully connected {first}, convolutional {second}",
        first=f"{curves[0][-1]:.0%}", second=f"{curves[1][-1]:.0%}"))  # fmt: skip
assert abs(weights[0] / weights[1] - 1) < 0.02  # a fair fight
assert curves[1][-1] > curves[0][-1] + 0.15
measured.append(
    [
        t("faults found by a convolutional discriminator"),
        curves[1][-1],
        curves[0][-1],
        t("fully connected, as many weights"),
    ]
)
# %% [markdown] lang="en" name="connected-after"
# The fully connected network would have to learn the fault anew for each place. The convolution learns it once and asks everywhere: *weight sharing*. That is why the discriminator, and then the generator too, became convolutional.
# %% [markdown] lang="hi" of="b2f93687"
# पूरी तरह जुड़े नेटवर्क को वही ग़लती हर जगह के लिए नए सिरे से सीखनी पड़ेगी। कनवॉल्यूशन उसे एक बार सीखता है और हर जगह ढूँढता है: इसे *भारों का साझा होना (weight sharing)* कहते हैं। इसीलिए पहले डिस्क्रिमिनेटर और फिर जनरेटर भी कनवॉल्यूशनल बने।

# %% [markdown] lang="en" name="dcgan-text"
# ## 4 · DCGAN: what was taken out, and what was put in
#
# Convolutional GANs would not train at first. Radford, Metz & Chintala (2015) found an architecture that does, the *deep convolutional GAN*, and its rules say as much about what to leave out:
#
# 1. **no pooling**: the discriminator halves with stride 2, the generator doubles with *transposed* convolutions;
# 2. **no fully connected hidden layers**: only the noise is multiplied by a matrix, and reshaped into 4 × 4 cells;
# 3. **batch norm** in both networks (not at the generator's end, not at the discriminator's beginning);
# 4. **ReLU** in the generator, **tanh** at its end;
# 5. **LeakyReLU** in the discriminator, so that a gradient also comes back where it says no.
#
# > **You may have read** "DCGAN is a GAN with convolutions and pooling". It is the one that *removes* pooling, and the fully connected hidden layers with it. A cell below counts them.
#
# Here are the two networks. They can be built as published (`upsampling="transposed"`, `norm="batch"`), or with what was learnt since; this notebook measures what each change is worth. (`SelfModulation`, which comes first, is one of them: skip it until section 7.)
# %% [markdown] lang="hi" of="e0e76972"
# ## 4 · DCGAN: क्या हटाया, क्या लगाया
#
# शुरू में कनवॉल्यूशन वाले GAN सीख ही नहीं पाते थे। Radford, Metz और Chintala (2015) ने ऐसी बनावट ढूँढी जो चल पड़ी, *deep convolutional GAN*। उसके नियम जितना यह बताते हैं कि क्या लगाना है, उतना ही यह भी कि क्या नहीं लगाना:
#
# 1. **पूलिंग नहीं**: डिस्क्रिमिनेटर स्ट्राइड 2 वाले कनवॉल्यूशन से चित्र को आधा करता है, जनरेटर *ट्रांसपोज़्ड* कनवॉल्यूशन (transposed convolution, सेक्शन 6) से दोगुना;
# 2. **बीच में पूरी तरह जुड़ी लेयर नहीं**: सिर्फ़ शोर को एक मैट्रिक्स से गुणा करके 4 × 4 ख़ानों का रूप दिया जाता है;
# 3. दोनों नेटवर्कों में **बैच नॉर्म (batch norm)** (जनरेटर के आख़िर में और डिस्क्रिमिनेटर की शुरुआत में नहीं);
# 4. जनरेटर में **ReLU**, और उसके अंत में **tanh**;
# 5. डिस्क्रिमिनेटर में **LeakyReLU**, ताकि जहाँ वह "ना" कहे, वहाँ से भी ग्रेडिएंट लौटे।
#
# > **आपने पढ़ा होगा** "DCGAN यानी कनवॉल्यूशन और पूलिंग वाला GAN"। असल में DCGAN ने पूलिंग *हटाई*, और साथ में बीच की पूरी तरह जुड़ी लेयरें भी। नीचे एक सेल इन्हें गिनकर दिखाती है।
#
# दोनों नेटवर्क ये रहे। इन्हें वैसे भी बना सकते हैं जैसे शोध-पत्र में हैं (`upsampling="transposed"`, `norm="batch"`), और उन सुधारों के साथ भी जो 2015 के बाद मिले; हर बदलाव कितने काम का है, यह नोटबुक नापकर बताएगी। (सबसे पहले आने वाला `SelfModulation` भी ऐसा ही एक सुधार है: सेक्शन 7 तक उसे छोड़ दीजिए।)


# %% name="generator" tags=["export"]
class SelfModulation(nn.Module):
    """Batch norm whose gain and shift are read from a style: x [N, C, H, W], style [N, S].

    (1 + gain(style)) · (x - mean) / deviation + shift(style), after Chen et al. 2018 (1810.01365).
    """

    def __init__(self, channels: int, style: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.gain, self.shift = nn.Linear(style, channels), nn.Linear(style, channels)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        gain, shift = 1 + self.gain(style), self.shift(style)  # [N, C]
        return torch.addcmul(shift[..., None, None], gain[..., None, None], self.norm(x))


class Generator(nn.Module):
    """Noise [N, latent] and, with classes, labels [N] -> pictures [N, channels, 32, 32] in -1…1.

    A picture grows 4 × 4 -> 8 × 8 -> 16 × 16 -> 32 × 32, and its channels shrink. upsampling:
    "nearest" doubles the pixels and convolves, "transposed" uses transposed convolutions as in
    Radford et al. 2015. classes: an embedding of the label is put beside the noise. modulated: the
    noise also sets the gain and shift of every batch norm, by `SelfModulation`.
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 32,
        latent: int = 64,
        classes: int = 0,
        upsampling: str = "nearest",
        modulated: bool = False,
    ) -> None:
        super().__init__()
        if upsampling not in ("nearest", "transposed"):
            raise ValueError(
                t('upsampling is "nearest" or "transposed", not {given}', given=repr(upsampling))
            )
        self.latent, self.classes = latent, classes
        self.embed = nn.Embedding(classes, latent) if classes else None
        told = latent * (2 if classes else 1)
        # 4·width maps of 4 × 4: the same as a transposed convolution of a 1 × 1 picture
        self.begin = nn.Linear(told, 4 * width * 16, bias=False)
        self.style = nn.Sequential(nn.Linear(told, latent), nn.ReLU()) if modulated else None
        if upsampling == "nearest":
            last = [nn.Conv2d(width, 4 * channels, 3, padding=1), nn.PixelShuffle(2)]
        else:
            last = [nn.ConvTranspose2d(width, channels, 4, 2, 1, bias=False)]

        def normal(count: int) -> nn.Module:
            return SelfModulation(count, latent) if modulated else nn.BatchNorm2d(count)

        def grow(before: int, after: int) -> list[nn.Module]:
            """Layers that double the picture's side."""
            if upsampling == "nearest":
                convolution = nn.Conv2d(before, after, 3, padding=1, bias=False)
                up = [nn.Upsample(scale_factor=2), convolution]
            else:
                up = [nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False)]
            return [*up, normal(after), nn.ReLU()]

        self.body = nn.Sequential(
            nn.Unflatten(1, (4 * width, 4, 4)),
            normal(4 * width),
            nn.ReLU(),
            *grow(4 * width, 2 * width),  # [N, 2·width, 8, 8]
            *grow(2 * width, width),  # [N, width, 16, 16]
            *last,  # [N, channels, 32, 32]
            nn.Tanh(),
        )

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        check_labels(label, self.classes, len(z))
        if z.shape[1:] != (self.latent,):
            raise ValueError(
                t("z must be [N, {latent}], not {shape}", latent=self.latent, shape=list(z.shape))
            )
        if self.embed is not None:
            z = torch.cat([z, self.embed(label)], dim=1)
        x, style = self.begin(z), self.style(z) if self.style else None
        for layer in self.body:
            x = layer(x, style) if isinstance(layer, SelfModulation) else layer(x)
        return x


def check_labels(label: Tensor | None, classes: int, count: int) -> None:
    """ValueError, with the cure, unless there is one label in 0…classes-1 for each of `count`."""
    if not classes:
        if label is not None:
            raise ValueError(
                t("This network has no classes: make it with classes=…, or give no labels.")
            )
        return
    if label is None:
        raise ValueError(
            t("This network has {classes} classes: give it a label for each.", classes=classes)
        )
    if label.shape != (count,):
        raise ValueError(
            t(
                "{count} pictures need labels of shape [{count}], not {shape}",
                count=count,
                shape=list(label.shape),
            )
        )
    if len(label) and not 0 <= int(label.min()) <= int(label.max()) < classes:
        raise ValueError(
            t(
                "Labels must lie in 0…{last}; these go from {low} to {high}",
                last=classes - 1,
                low=int(label.min()),
                high=int(label.max()),
            )
        )


# %% name="discriminator" tags=["export"]
class Discriminator(nn.Module):
    """Pictures [N, channels, 32, 32] in -1…1 and, with classes, labels [N] -> logits [N].

    The generator upside down: 32 × 32 -> 16 × 16 -> 8 × 8 -> 4 × 4 -> one number; strides instead
    of pooling. norm: "spectral" (Miyato et al. 2018), "batch" or "none". first: "unshuffle" folds
    2 × 2 pixels into channels, "stride" convolves the full picture with stride 2. classes: the
    projection of Miyato & Koyama 2018 adds <embedding of the label, features> to the logit.
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 32,
        norm: str = "spectral",
        minibatch_std: bool = False,
        classes: int = 0,
        first: str = "unshuffle",
    ) -> None:
        super().__init__()
        if norm not in ("spectral", "batch", "none"):
            raise ValueError(
                t('norm is "spectral", "batch" or "none", not {given}', given=repr(norm))
            )
        self.channels, self.classes = channels, classes
        limit = spectral_norm if norm == "spectral" else lambda layer: layer
        bias = norm != "batch"

        def halve(before: int, after: int) -> list[nn.Module]:
            """Layers that halve the picture's side: a convolution of stride 2, no pooling."""
            normal = [nn.BatchNorm2d(after)] if norm == "batch" else []
            convolution = limit(nn.Conv2d(before, after, 4, 2, 1, bias=bias))
            return [convolution, *normal, nn.LeakyReLU(0.2)]

        if first == "unshuffle":
            begin = [nn.PixelUnshuffle(2), limit(nn.Conv2d(4 * channels, width, 3, padding=1))]
        else:
            begin = [limit(nn.Conv2d(channels, width, 4, 2, 1, bias=bias))]
        self.body = nn.Sequential(
            *begin,  # [N, width, 16, 16]
            nn.LeakyReLU(0.2),
            *halve(width, 2 * width),  # [N, 2·width, 8, 8]
            *halve(2 * width, 4 * width),  # [N, 4·width, 4, 4]
        )
        self.spread = MinibatchStd() if minibatch_std else nn.Identity()
        self.judge = limit(nn.Conv2d(4 * width + minibatch_std, 1, 4, bias=bias))
        self.embed = limit(nn.Embedding(classes, 4 * width)) if classes else None

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        if x.shape[1:] != (self.channels, 32, 32):
            raise ValueError(
                t(
                    "Pictures must be [N, {channels}, 32, 32], not {shape}",
                    channels=self.channels,
                    shape=list(x.shape),
                )
            )
        check_labels(label, self.classes, len(x))
        features = self.body(x)  # [N, 4·width, 4, 4]
        logits = self.judge(self.spread(features)).flatten()
        if self.embed is not None:
            logits = logits + (self.embed(label) * features.sum((2, 3))).sum(1)
        return logits


# %% [markdown] lang="en" name="config-text"
# A **recipe** is all that one sets: the two networks, the loss, the rates. Two are named: `PUBLISHED`, the one of most tutorials, and `OURS`. Where they differ and what it is worth, you see below.
# %% [markdown] lang="hi" of="c0641475"
# **नुस्ख़ा (recipe)** यानी वह सब कुछ जो हम तय करते हैं: दोनों नेटवर्क, लॉस, लर्निंग रेट। दो के नाम हैं: `PUBLISHED`, जो ज़्यादातर ट्यूटोरियल में मिलता है, और `OURS`। इनमें क्या फ़र्क़ है और वह कितने काम का है, आगे देखेंगे।


# %% name="config" tags=["export"]
@dataclass(frozen=True)
class GanConfig:
    """All that a GAN's recipe sets. rates: the learning rates of generator and discriminator."""

    loss: str = "hinge"  # or "non-saturating", "saturating"
    norm: str = "spectral"  # of the discriminator: or "batch", "none"
    upsampling: str = "nearest"  # of the generator: or "transposed"
    modulated: bool = (
        False  # the noise reaches every batch norm of the generator (`SelfModulation`)
    )
    width: int = 32  # channels next to the picture, in both networks
    latent: int = 64
    classes: int = 0
    rates: tuple[float, float] = (7e-4, 1.4e-3)
    betas: tuple[float, float] = (0.0, 0.9)
    muon: float = 0.0  # the rate of `Muon` for D's convolutions but the last; 0: Adam has all
    batch: int = 32
    average: float = 0.995  # decay of the generator's moving average; 0: none
    decay: bool = False  # the learning rates fall to 0 over the second half
    r1: float = 0.0  # gamma of the R1 penalty, paid every 8th step
    minibatch_std: bool = False
    pack: int = 1  # pictures, of one label, that the discriminator judges together
    generator_steps: int = 1  # for one of the discriminator
    first: str = "unshuffle"  # the discriminator's first layer: or "stride"
    small_start: bool = True  # weights from N(0, 0.02), as in Radford et al. 2015

    def make(self, channels: int) -> tuple[Generator, Discriminator]:
        """A new pair of networks, from torch's global random state."""
        generator = Generator(
            channels, self.width, self.latent, self.classes, self.upsampling, self.modulated
        )
        discriminator = Discriminator(
            channels * self.pack,
            self.width,
            self.norm,
            self.minibatch_std,
            self.classes,
            self.first,
        )
        if self.small_start:
            # A spectral norm divides the scale out again: there it would only raise the rate
            both = [generator] if self.norm == "spectral" else [generator, discriminator]
            for module in (module for network in both for module in network.modules()):
                if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                    nn.init.normal_(module.weight, 0, 0.02)
                elif isinstance(module, nn.BatchNorm2d) and module.affine:
                    nn.init.normal_(module.weight, 1, 0.02)
        return generator, discriminator


PUBLISHED = GanConfig(
    loss="non-saturating",
    norm="batch",
    upsampling="transposed",
    width=64,
    latent=100,
    rates=(2e-4, 2e-4),
    betas=(0.5, 0.999),
    batch=128,
    average=0.0,
    first="stride",
)
OURS = GanConfig(
    modulated=True, rates=(1.2e-3, 2.4e-3), muon=0.02, batch=16, average=0.98, decay=True
)

# %% name="count-layers" tags=["nbval-check-output"]
for network in PUBLISHED.make(channels=3):
    layers = list(network.modules())
    pooling = sum("Pool" in type(layer).__name__ for layer in layers)
    matrices = sum(isinstance(layer, nn.Linear) for layer in layers)
    kernels = sum(isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) for layer in layers)
    print(
        f"{type(network).__name__:13} pooling {pooling}, convolutions {kernels}, matrices {matrices}"
    )
# %% [markdown] lang="en" name="count-layers-after"
# In the published networks no pooling anywhere, and one matrix: the one that turns the noise into the first 4 × 4 cells. It is no hidden layer between two others; the paper calls the step "project and reshape". (Our generator has a few small ones more, for self-modulation: section 7.)
# %% [markdown] lang="hi" of="19ffeb82"
# प्रकाशित नेटवर्कों में पूलिंग कहीं नहीं, और मैट्रिक्स बस एक: वही जो शोर से पहले 4 × 4 ख़ाने बनाती है। वह दो लेयरों के बीच छिपी लेयर नहीं है; शोध-पत्र इस क़दम को "project and reshape" कहता है। (हमारे जनरेटर में कुछ छोटी मैट्रिक्स और हैं, स्व-मॉड्यूलेशन के लिए: सेक्शन 7।)


# %% [markdown] lang="en" name="mirror-text"
# ## 5 · The generator is the discriminator upside down
#
# Write the shapes of both beside each other, the generator's from the end:
# %% [markdown] lang="hi" of="5228248d"
# ## 5 · जनरेटर यानी उलटा डिस्क्रिमिनेटर
#
# दोनों नेटवर्कों के आकार अगल-बग़ल लिखिए, जनरेटर के आख़िर से शुरू करके:
# %% name="mirror"
def shapes_inside(network: nn.Module, *inputs: Tensor) -> dict[int, tuple[int, ...]]:
    """What comes out of the activations: {side of the picture: (channels, height, width)}."""
    seen: dict[int, tuple[int, ...]] = {}
    hooks = [
        layer.register_forward_hook(
            lambda _l, _i, out: seen.update({out.shape[-1]: tuple(out.shape[1:])})
        )
        for layer in network.body
        if isinstance(layer, nn.ReLU | nn.LeakyReLU | nn.Tanh)
    ]
    network(*inputs)
    for hook in hooks:
        hook.remove()
    return seen


generator, discriminator = OURS.make(channels=3)
down = {32: (3, 32, 32)} | shapes_inside(discriminator, torch.zeros(2, 3, 32, 32))
up = shapes_inside(generator, torch.zeros(2, OURS.latent))
by_side = [(down[side], up[side]) for side in (32, 16, 8, 4)]
plots.table(
    [[f"{side} × {side}", *(" × ".join(map(str, shape)) for shape in pair)]
     for side, pair in zip((32, 16, 8, 4), by_side, strict=True)],
    columns=[t("side of the picture"), t("discriminator, downwards ↓"), t("generator, upwards ↑")],
    caption=t("Channels × height × width: where one loses pixels and gains channels, the other does the opposite"),
)  # fmt: skip
assert down == up
# %% [markdown] lang="en" name="mirror-after"
# It is the shape of every *decoder*: few numbers with much meaning become many with little. The decoder of a VAE, later in this notebook, is this very network. Inverted is only the shape, though; nothing is undone: the generator does not give back what
# the discriminator saw. Even layer by layer the two are no inverses. A convolution is a matrix, and the transposed convolution is that matrix **transposed**:
#
# $$\langle \mathrm{conv}(x),\, y\rangle = \langle x,\, \mathrm{conv}^\top(y)\rangle$$
# %% [markdown] lang="hi" of="905dd6ef"
# हर *डिकोडर (decoder)* का यही आकार होता है: थोड़ी-सी संख्याएँ जिनमें बहुत कुछ समाया है, फैलकर बहुत-सी हो जाती हैं। इसी नोटबुक में आगे VAE का डिकोडर यही नेटवर्क होगा। पर उलटा सिर्फ़ आकार है; काम उलटा नहीं होता: डिस्क्रिमिनेटर ने जो देखा, जनरेटर *वही* वापस
# नहीं निकालता। लेयर-दर-लेयर देखें तो भी वे एक-दूसरे के उलट (inverse) नहीं हैं। कनवॉल्यूशन एक मैट्रिक्स है, और ट्रांसपोज़्ड कनवॉल्यूशन उसी मैट्रिक्स का **ट्रांसपोज़**:
#
# $$\langle \mathrm{conv}(x),\, y\rangle = \langle x,\, \mathrm{conv}^\top(y)\rangle$$
# %% name="transpose" tags=["nbval-check-output"]
lot = torch.Generator().manual_seed(0)
x, y = (
    torch.randn(1, 3, 8, 8, generator=lot).double(),
    torch.randn(1, 5, 4, 4, generator=lot).double(),
)
kernel = torch.randn(5, 3, 4, 4, generator=lot).double()
there = F.conv2d(x, kernel, stride=2, padding=1)  # [1, 5, 4, 4]
back = F.conv_transpose2d(there, kernel, stride=2, padding=1)  # [1, 3, 8, 8]: the shape is back…
print("shape restored:", back.shape == x.shape, "| picture restored:", torch.allclose(back, x))
across = (there * y).sum(), (x * F.conv_transpose2d(y, kernel, stride=2, padding=1)).sum()
print("<conv(x), y> = <x, convT(y)>:", torch.allclose(*across))

# %% [markdown] lang="en" name="transposed-text"
# ## 6 · Growing a picture: transposed convolution
#
# The discriminator shrinks 32 × 32 to 4 × 4 with strided convolutions; the generator has to go the other way. The published recipe uses `nn.ConvTranspose2d`, often called "deconvolution". What does it do?
#
# Write a convolution as a matrix. On a line of five numbers, with kernel (1, 2, 3) and stride 2, it has two rows, for it gives two numbers: each row is the kernel, one *stride* further. A **transposed convolution** multiplies by the transpose of such a matrix.
# %% [markdown] lang="hi" of="81757c2a"
# ## 6 · चित्र को बड़ा करना: ट्रांसपोज़्ड कनवॉल्यूशन (transposed convolution)
#
# डिस्क्रिमिनेटर स्ट्राइड वाले कनवॉल्यूशन से 32 × 32 को 4 × 4 तक सिकोड़ता है; जनरेटर को उलटी दिशा में जाना है। प्रकाशित नुस्ख़े में इसके लिए `nn.ConvTranspose2d` है, जिसे अक्सर "deconvolution" कह दिया जाता है। यह करता क्या है?
#
# कनवॉल्यूशन को मैट्रिक्स के रूप में लिखिए। पाँच संख्याओं की रेखा पर, कर्नेल (1, 2, 3) और स्ट्राइड 2 के साथ, जवाब में दो संख्याएँ आती हैं, इसलिए दो पंक्तियाँ हैं: हर पंक्ति वही कर्नेल, एक *स्ट्राइड* आगे। **ट्रांसपोज़्ड कनवॉल्यूशन** ऐसी ही मैट्रिक्स के ट्रांसपोज़ से गुणा करता है।
# %% name="transposed-matrix" tags=["nbval-check-output"]
kernel = torch.tensor([1.0, 2.0, 3.0])
shrink = torch.tensor([[1.0, 2.0, 3.0, 0.0, 0.0],
                       [0.0, 0.0, 1.0, 2.0, 3.0]])  # [2, 5]  # fmt: skip
signal = torch.tensor([5.0, 1.0, 0.0, 2.0, 4.0])

small = shrink @ signal  # five numbers become two
big = shrink.T @ small  # the transpose makes five of them again
print("as a matrix ", small.tolist(), big.tolist())

small = F.conv1d(signal[None, None], kernel[None, None], stride=2)
big = F.conv_transpose1d(small, kernel[None, None], stride=2)
print("as PyTorch  ", small.flatten().tolist(), big.flatten().tolist())
print("the signal  ", signal.tolist())

# An inverse would give back what went in
print("shrink · transpose\n", (shrink @ shrink.T).tolist())
# %% [markdown] lang="en" name="read-deconvolution"
# > **You may have read** "deconvolution is the same as convolution", or "…undoes it". It is neither. A convolution takes *from* its neighbourhood, a transposed one spreads *into* it: matrix and transpose. It brings back the **shape** (five numbers), not the **signal**, since
# > shrink · transpose is not the identity. (With stride 1 the transpose is again a convolution, with the kernel turned round.) It is exactly what `backward` computes for a convolution's input: the generator's layer is the discriminator's gradient.
# %% [markdown] lang="hi" of="30c370d7"
# > **आपने पढ़ा होगा** "deconvolution और convolution एक ही हैं", या "…उसे पलट देता है"। दोनों बातें ग़लत हैं। कनवॉल्यूशन अपने आसपास *से लेता* है, ट्रांसपोज़्ड कनवॉल्यूशन आसपास *में फैलाता* है: एक मैट्रिक्स, दूसरा उसका ट्रांसपोज़। इससे **आकार** लौटता है (पाँच संख्याएँ), **सिग्नल** नहीं,
# > क्योंकि shrink · transpose इकाई मैट्रिक्स नहीं है। (स्ट्राइड 1 हो तो ट्रांसपोज़ भी एक कनवॉल्यूशन ही है, बस कर्नेल उलटा।) `backward` कनवॉल्यूशन के इनपुट का ग्रेडिएंट ठीक इसी तरह निकालता है: जनरेटर की लेयर आगे जाते हुए जो हिसाब करती है, डिस्क्रिमिनेटर की लेयर ग्रेडिएंट लौटाते हुए वही करती है।
# %% name="transposed-gradient" tags=["nbval-check-output"]
signal.requires_grad_()
F.conv1d(signal[None, None], kernel[None, None], stride=2).backward(small)
print("backward is the transposed convolution:", torch.equal(signal.grad, big.flatten()))

# %% [markdown] lang="en" name="overlap-text"
# ### Uneven overlap, and a chessboard
#
# Spreading has a catch. With kernel 3 and stride 2, each second pixel is reached by *two* neighbours and the ones between by one (Odena et al. 2016). Let all inputs and all weights be 1: then every pixel counts how often it was painted.
# %% [markdown] lang="hi" of="f85cc6f0"
# ### असमान ओवरलैप और शतरंज की बिसात
#
# फैलाने में एक पेच है। कर्नेल 3 और स्ट्राइड 2 हो तो हर दूसरे पिक्सल तक *दो* पड़ोसी पहुँचते हैं, बीच वाले तक एक ही (Odena et al. 2016)। सारे इनपुट और सारे भार 1 रख दीजिए: तब हर पिक्सल गिनता है कि उस पर कितनी बार रंग चढ़ा। इससे बनने वाले पैटर्न को **चेकरबोर्ड गड़बड़ियाँ (checkerboard artifacts)** कहते हैं; हम उसे बिसात कहेंगे।
# %% name="overlap"
ones = torch.ones(1, 1, 6, 6)
overlaps = {
    t("transposed, kernel 3, stride 2"): F.conv_transpose2d(ones, torch.ones(1, 1, 3, 3), stride=2),
    t("transposed, kernel 4, stride 2"): F.conv_transpose2d(ones, torch.ones(1, 1, 4, 4), stride=2),
    t("doubled, then kernel 3"): F.conv2d(
        F.interpolate(ones, scale_factor=2), torch.ones(1, 1, 3, 3)
    ),
}
figure, axes = plt.subplots(1, 3, figsize=(8.4, 3), layout="constrained")
for ax, (name, counts) in zip(axes, overlaps.items(), strict=True):
    inside = counts[0, 0, 2:10, 2:10]  # away from the border
    plots.heatmap(ax, inside, title=name, digits=0, vmin=0, vmax=10)
    ax.set(xticks=[], yticks=[])
plots.show(
    figure,
    alt=t(
        "How often each pixel is painted: kernel 3 gives a chessboard of 1, 2 and 4; the two others are even"
    ),
)
varied = [counts[0, 0, 2:10, 2:10].unique().numel() for counts in overlaps.values()]
assert varied == [3, 1, 1]


# %% [markdown] lang="en" name="nyquist-text"
# ### Measured, and cured
#
# A chessboard is the fastest wave that pixels can carry: up, down, up, down. In the Fourier transform it sits at one place, the **Nyquist frequency**. So its strength can be measured: the share of a picture's variance that lies there, in rows or columns. Five layers that double a picture:
#
# | | |
# |---|---|
# | transposed, kernel 3 | overlaps unevenly |
# | transposed, kernel 4 | divisible by the stride, so it overlaps evenly; its weights still have four kinds of place |
# | `Upsample`, then convolution | first double, then smooth: each pixel is made alike |
# | `PixelShuffle` | a convolution makes four maps, which are interleaved: four kinds of place again |
# | `PixelShuffle` + ICNR | the four maps start *equal*, so it starts as a doubling (Aitken et al. 2017) |
#
# Our generator takes the third for its first two steps, and `PixelShuffle` where the picture is made, which is cheaper.
# %% [markdown] lang="hi" of="aaeba4ee"
# ### नापकर देखें, फिर इलाज
#
# बिसात वह सबसे तेज़ लहर है जो पिक्सलों में समा सकती है: ऊपर, नीचे, ऊपर, नीचे। फ़ूरिए ट्रांसफ़ॉर्म में उसकी एक ही जगह है, **नाइक्विस्ट आवृत्ति (Nyquist frequency)**। इसलिए उसे नापा जा सकता है: चित्र के वेरिएंस (variance) का कितना हिस्सा, पंक्तियों या कॉलमों में, वहाँ है। चित्र को दोगुना करने वाली पाँच लेयरें:
#
# | | |
# |---|---|
# | ट्रांसपोज़्ड, कर्नेल 3 | ओवरलैप असमान |
# | ट्रांसपोज़्ड, कर्नेल 4 | स्ट्राइड से पूरा बँटता है, इसलिए ओवरलैप समान; फिर भी पिक्सल चार तरह के रहते हैं, हर तरह के भार अलग |
# | `Upsample`, फिर कनवॉल्यूशन | पहले दोगुना, फिर कनवॉल्यूशन: हर पिक्सल एक ही ढंग से बनता है |
# | `PixelShuffle` | कनवॉल्यूशन चार मैप बनाता है और उनके पिक्सल बारी-बारी से सजते हैं: फिर वही चार तरह की जगहें |
# | `PixelShuffle` + ICNR | चारों मैप शुरू में *बराबर* हैं, तो शुरुआत ठीक दोगुना करने जैसी है (Aitken et al. 2017) |
#
# हमारा जनरेटर चित्र को तीन बार दोगुना करता है: पहली दो बार तीसरी वाली लेयर से, और आख़िरी बार, जहाँ चित्र बनता है, `PixelShuffle` से, जो सस्ता पड़ता है।
# %% name="nyquist"
def chessboard(images: Tensor) -> float:
    """The share of the variance of pictures [N, C, H, W] that alternates from pixel to pixel.

    H and W even; the mean over the pictures of the power at the Nyquist frequency of rows or columns.
    """
    power = torch.fft.fft2(images - images.mean((2, 3), keepdim=True)).abs().square().sum(1)
    row, column = images.shape[2] // 2, images.shape[3] // 2
    there = power[:, row].sum(1) + power[:, :, column].sum(1) - power[:, row, column]
    return (there / power.sum((1, 2))).mean().item()


def doubling(kind: str, before: int, after: int) -> nn.Module:
    """A layer [N, before, H, W] -> [N, after, 2·H, 2·W]."""
    if kind == "transposed 3":
        return nn.ConvTranspose2d(before, after, 3, stride=2, padding=1, output_padding=1)
    if kind == "transposed 4":
        return nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)
    if kind == "resize":
        return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1))
    convolution = nn.Conv2d(before, 4 * after, 3, padding=1)
    if kind == "shuffle ICNR":  # the four maps that become one start equal
        for weights in convolution.parameters():
            weights.data = weights.data[::4].repeat_interleave(4, dim=0)
    return nn.Sequential(convolution, nn.PixelShuffle(2))


flat = 1 - F.one_hot(torch.arange(8) % 2).float()[:, 0]  # 0 1 0 1 …, the fastest wave
assert chessboard(flat.expand(1, 1, 8, 8)) > 0.999
assert chessboard(torch.linspace(0, 1, 8).expand(1, 1, 8, 8)) < 0.1

# %% name="chessboards"
layers = {
    "transposed 3": t("transposed, kernel 3"),
    "transposed 4": t("transposed, kernel 4"),
    "resize": t("doubled, then kernel 3"),
    "shuffle": "PixelShuffle",
    "shuffle ICNR": "PixelShuffle + ICNR",
}
real = to_float(rangoli(256, seed=3)[0]).to(device) * 2 - 1
smooth = torch.randn(64, 8, 3, 3, generator=torch.Generator().manual_seed(0)).to(device)
smooth = F.interpolate(smooth, 8, mode="bicubic")  # [64, 8, 8, 8] without any fast wave
rows = [[t("real pictures"), None, chessboard(real)]]
examples = [real[1]]
for kind, name in layers.items():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        fresh = []
        for _ in range(5):
            ups = nn.Sequential(doubling(kind, 8, 8), nn.LeakyReLU(0.2), doubling(kind, 8, 3))
            with torch.no_grad():
                fresh.append(chessboard(ups.to(device)(smooth)))
        # The last of them as the second half of an autoencoder: it learns to draw rangoli
        down = [nn.Conv2d(3, 8, 3, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 8, 3, 2, 1)]
        model = nn.Sequential(*down, nn.LeakyReLU(0.2), ups).to(device)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    lot = torch.Generator().manual_seed(0)
    for _ in range(40):
        batch = real[torch.randint(256, (16,), generator=lot).to(device)]
        loss = F.mse_loss(model(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        drawn = model(real[:64])
    rows.append([name, sum(fresh) / len(fresh), chessboard(drawn)])
    examples.append(drawn[1])
plots.table(
    rows,
    columns=[t("layer"), t("at the start"), t("after 40 steps")],
    caption=t("Share of the variance at the Nyquist frequency: what a chessboard is made of"),
)
plots.show_images(
    torch.stack(examples).add(1).div(2).clamp(0, 1)[..., 4:20, 4:20],  # a part, enlarged
    titles=[row[0] for row in rows],
    columns=3,
    zoom=12,
    alt=t(
        "A part of a rangoli drawn by five kinds of layer after 40 steps; transposed convolutions and PixelShuffle show a chessboard"
    ),
)
start, after = ({kind: row[i] for kind, row in zip(layers, rows[1:], strict=True)} for i in (1, 2))
assert min(start["transposed 3"], start["transposed 4"], start["shuffle"]) > 0.1
assert max(start["resize"], start["shuffle ICNR"]) < 0.02
assert after["transposed 3"] > after["transposed 4"] > rows[0][2] > after["resize"]
# %% [markdown] lang="en" name="chessboards-after"
# Even overlap alone is no cure: at the start kernel 4 has as much chessboard as kernel 3, because its four kinds of place have four different sets of weights. It only makes the cure *learnable*: after 40 steps it has less. What starts without a chessboard (doubling, ICNR) keeps almost none.
# In a GAN it fades with training as well, but a discriminator with strides makes the same pattern in the *gradient*, so it can come back.
# %% [markdown] lang="hi" of="a5c9a5ca"
# ओवरलैप बराबर कर देना अपने आप में इलाज नहीं: शुरू में कर्नेल 4 की बिसात कर्नेल 3 जितनी ही गहरी है, क्योंकि चार तरह की जगहों पर भार भी चार तरह के हैं। इससे बस इतना होता है कि इलाज *सीखा जा सके*: 40 क़दम बाद बिसात हल्की है। जिसकी शुरुआत ही बिना बिसात के हो (दोगुना करना, ICNR), उसमें वह आगे भी लगभग नहीं आती।
# GAN में भी ट्रेनिंग के साथ वह मिटती जाती है, पर स्ट्राइड वाला डिस्क्रिमिनेटर *ग्रेडिएंट* में वही पैटर्न बनाता है, इसलिए वह लौट भी सकती है।

# %% [markdown] lang="en" name="tools-text"
# ## 7 · Six tools since 2015
#
# **Spectral norm** (Miyato et al. 2018). In 2.1 a discriminator that is too steep starved the generator. This tool bounds the steepness of every layer: lay each layer's weights flat as a matrix, and divide it by its largest singular value σ, that is by the most that it can stretch a vector. Is it so? Two discriminators, whose weights have grown to five times what they began with:
# %% [markdown] lang="hi" of="420fbcd1"
# ## 7 · 2015 के बाद मिले छह औज़ार
#
# **स्पेक्ट्रल नॉर्म (spectral norm)** (Miyato et al. 2018)। 2.1 में आपने देखा कि ज़रूरत से ज़्यादा तीखी ढाल वाला डिस्क्रिमिनेटर जनरेटर तक काम का ग्रेडिएंट नहीं पहुँचने देता। यह औज़ार हर लेयर की ढाल पर लगाम लगाता है: हर लेयर के भार मैट्रिक्स की तरह बिछाइए और उसे उसके सबसे बड़े सिंगुलर मान (singular value) σ से भाग दे दीजिए, यानी उतने से जितना वह मैट्रिक्स किसी वेक्टर को ज़्यादा-से-ज़्यादा खींच सकती है। क्या सचमुच ऐसा होता है? दो डिस्क्रिमिनेटर, जिनके भार शुरुआत के पाँच गुना हो चुके हैं:
# %% name="spectral-norm"
with torch.random.fork_rng():
    torch.manual_seed(0)
    plain, limited = Discriminator(norm="none"), Discriminator(norm="spectral")
for parameter in itertools.chain(plain.parameters(), limited.parameters()):
    parameter.data *= 5  # as large as long training can make them
for _ in range(10):  # σ is found by power iteration, one round in each training step
    limited(torch.zeros(2, 3, 32, 32))
stretch = [
    [
        torch.linalg.matrix_norm(layer.weight.detach().flatten(1), ord=2).item()
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d)
    ]
    for network in (plain, limited)
]
plots.table(
    [[t("layer {n}", n=i + 1), *pair] for i, pair in enumerate(zip(*stretch, strict=True))],
    columns=[t("discriminator"), t("σ without"), t("σ with spectral norm")],
    caption=t("σ of each layer's weights, laid flat as a matrix"),
)
assert all(abs(s - 1) < 0.1 for s in stretch[1]) and max(abs(s - 1) for s in stretch[0]) > 0.15
# %% [markdown] lang="en" name="hinge-text"
# With it goes the **hinge loss**: whoever is right by a margin of 1 is left in peace, so that the discriminator works on the hard pictures instead of on being ever surer of the easy ones.
# %% [markdown] lang="hi" of="3f1eaeb6"
# इसके साथ चलता है **हिंज लॉस (hinge loss)**: जिस चित्र का जवाब सही ओर 1 से आगे निकल चुका, उसे छोड़ दिया जाता है। तब डिस्क्रिमिनेटर मुश्किल चित्रों पर मेहनत करता है, आसान चित्रों पर और-और पक्का होने में नहीं।


# %% name="hinge" tags=["export"]
def hinge_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Real should be above 1, fake below -1; what is further away costs nothing."""
    return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()


def hinge_generator_loss(fake_logits: Tensor) -> Tensor:
    """-D(G(z)): the generator wants its pictures' logits as high as it can get them."""
    return -fake_logits.mean()


# %% name="hinge-picture"
logits = torch.linspace(-3, 3, 121)
zero = torch.full((1,), -99.0)  # a fake that costs nothing
figure, ax = plt.subplots(figsize=(5.6, 2.6), layout="constrained")
for loss, name, colour in (
    (hinge_discriminator_loss, t("hinge"), plots.COLOURS[0]),
    (discriminator_loss, t("log loss of 2.1"), plots.COLOURS[1]),
):
    ax.plot(logits, [loss(value[None], zero) for value in logits], color=colour, label=name)
ax.set(
    xlabel=t("what the discriminator says of a real picture"),
    ylabel=t("loss for a real picture"),
)
ax.set_title(t("Beyond 1 the hinge loss is 0"))
ax.legend(frameon=False)
plots.show(
    figure,
    alt=t(
        "Loss for a real picture against the logit: the hinge is zero beyond 1, the log loss never quite"
    ),
)
assert hinge_discriminator_loss(torch.tensor([1.5]), torch.tensor([-1.5])) == 0
# %% [markdown] lang="en" name="average-text"
# **EMA**, the exponential moving average of the generator's weights. The two players circle around the solution; the *average* of the path lies nearer to it than any single point. Smallest example: a point that circles the origin.
# %% [markdown] lang="hi" of="9b1de7fa"
# **EMA**, यानी जनरेटर के भारों का चलता औसत (exponential moving average)। दोनों खिलाड़ी हल के चारों ओर चक्कर काटते हैं; उस रास्ते का *औसत* किसी भी एक बिंदु से ज़्यादा हल के पास होता है। सबसे छोटा उदाहरण: मूल बिंदु के चारों ओर घूमता एक बिंदु।


# %% name="update-average" tags=["export"]
@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """average <- decay · average + (1 - decay) · model, in place; buffers are copied."""
    for mine, new in zip(average.parameters(), model.parameters(), strict=True):
        mine.lerp_(new, 1 - decay)
    for mine, new in zip(average.buffers(), model.buffers(), strict=True):
        mine.copy_(new)  # batch norm's statistics: running means already


# %% name="average-circle" tags=["nbval-check-output"]
player, follower = nn.Linear(2, 1, bias=False), nn.Linear(2, 1, bias=False)
for step in range(400):
    angle = torch.tensor(step * 0.3)
    player.weight.data = torch.stack([angle.cos(), angle.sin()])[None]
    update_average(follower, player, min(0.98, (1 + step) / (10 + step)))
print("distance from the origin: player", round(player.weight.norm().item(), 2),
      "| average", round(follower.weight.norm().item(), 1))  # fmt: skip
# %% [markdown] lang="en" name="spread-text"
# **Minibatch standard deviation** (Karras et al. 2017). A discriminator that sees one picture at a time cannot know that the generator always draws the *same* one. So give it one more map: how much do the pictures of this batch differ?
# %% [markdown] lang="hi" of="6fed1126"
# **मिनीबैच का मानक विचलन (minibatch standard deviation)** (Karras et al. 2017)। एक बार में एक ही चित्र देखने वाला डिस्क्रिमिनेटर कैसे जाने कि जनरेटर हर बार *वही* चित्र बना रहा है? इसलिए उसे एक मैप और दीजिए: इस बैच के चित्र आपस में कितने अलग हैं?


# %% name="minibatch-std" tags=["export"]
class MinibatchStd(nn.Module):
    """Adds one map that says how much the pictures of a batch differ. Karras et al. 2017.

    [N, C, H, W] -> [N, C + 1, H, W]; the deviation is taken over groups of 4 pictures.
    """

    def forward(self, x: Tensor) -> Tensor:
        group = 4 if len(x) % 4 == 0 else len(x)
        groups = x.view(group, -1, *x.shape[1:])  # [4, N / 4, C, H, W]
        deviation = (groups.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3))  # [N / 4]
        extra = deviation.repeat(group)[:, None, None, None].expand(-1, 1, *x.shape[2:])
        return torch.cat([x, extra], dim=1)


# %% name="spread-example" tags=["nbval-check-output"]
lot = torch.Generator().manual_seed(0)
different = torch.randn(4, 1, 2, 2, generator=lot)
same = different[:1].expand(4, -1, -1, -1)
print("four different:", round(MinibatchStd()(different)[0, -1, 0, 0].item(), 1))
print("four times the same:", round(MinibatchStd()(same)[0, -1, 0, 0].item(), 1))

# %% [markdown] lang="en" name="modulation-text"
# **Self-modulation** (Chen et al. 2018, [1810.01365](https://arxiv.org/abs/1810.01365)). In a DCGAN the noise comes in once, at the bottom; what the last layers should know of it must survive all the way up. Batch norm has two learnt numbers for each map, a gain and a shift. Let the *noise* set them, by way of a small layer (`style`): then it reaches every batch norm, not the bottom alone (`SelfModulation` above; StyleGAN, in 2.3, rests on the same idea). To see it, cut the way at the bottom and ask whether the noise still makes a difference:
# %% [markdown] lang="hi" of="4f35caef"
# **स्व-मॉड्यूलेशन (self-modulation)** (Chen et al. 2018, [1810.01365](https://arxiv.org/abs/1810.01365))। DCGAN में शोर बस एक बार आता है, सबसे नीचे; ऊपर की लेयरों को शोर के बारे में जो जानना है, उसे नीचे से ऊपर तक बचकर पहुँचना पड़ता है। बैच नॉर्म के पास हर मैप के लिए सीखी हुई दो संख्याएँ होती हैं: एक गुणक (gain), एक खिसकाव (shift)। इन्हें *शोर* से तय होने दीजिए, बीच में एक छोटी लेयर (`style`) लगाकर: तब वह सिर्फ़ नीचे नहीं, हर बैच नॉर्म तक पहुँचता है (ऊपर का `SelfModulation`; 2.3 का StyleGAN इसी विचार पर टिका है)। परखने के लिए नीचे का रास्ता काट दीजिए और पूछिए कि शोर से अब भी कोई फ़र्क़ पड़ता है या नहीं:
# %% name="modulation" tags=["nbval-check-output"]
lot = torch.Generator().manual_seed(0)
here, there = torch.randn(2, 4, 64, generator=lot)
for name, painter in (
    ("batch norm", Generator()),
    ("self-modulation", Generator(modulated=True)),
):
    painter.begin.weight.data.zero_()  # nothing of the noise reaches the first 4 × 4 cells
    print(f"{name:15} | does the noise matter?", not torch.equal(painter(here), painter(there)))
# %% [markdown] lang="en" name="muon-text"
# **Muon** (Jordan et al. 2024, [kellerjordan.github.io/posts/muon](https://kellerjordan.github.io/posts/muon/)) changes not the network but the *step*. A layer's gradient is a matrix (a kernel too, once it is laid flat: a row for each map that comes out), and a lopsided one: it pulls hard in a few directions and hardly at all in the many others, though there may be something to learn in them too. Adam evens out the single *entries*. Muon evens out the *directions*: it makes all singular values about equal, and needs nothing but products of matrices to do so. How lopsided is such a gradient? Take the last hidden layer of a new discriminator that sees sixteen rangoli and sixteen made pictures.
# %% [markdown] lang="hi" of="5a4ac67d"
# **Muon** (Jordan et al. 2024, [kellerjordan.github.io/posts/muon](https://kellerjordan.github.io/posts/muon/)) नेटवर्क को नहीं, *क़दम* को बदलता है। किसी लेयर का ग्रेडिएंट एक मैट्रिक्स होता है (कनवॉल्यूशन के कर्नेल का भी, बस उसे बिछा दीजिए: निकलने वाले हर मैप की एक पंक्ति), और वह एकतरफ़ा होता है: गिनी-चुनी दिशाओं में ज़ोर से खींचता है, बाक़ी ढेरों दिशाओं में लगभग नहीं, हालाँकि सीखने को शायद वहाँ भी कुछ हो। Adam एक-एक *संख्या* को बराबरी पर लाता है। Muon *दिशाओं* को: वह सारे सिंगुलर मान लगभग बराबर कर देता है, और इसके लिए बस मैट्रिक्सों के गुणनफल चाहिए। ऐसा ग्रेडिएंट कितना एकतरफ़ा होता है? एक नया डिस्क्रिमिनेटर लीजिए जो सोलह रंगोलियाँ और सोलह बनाए हुए चित्र देखता है, और उसकी आख़िरी छिपी लेयर के ग्रेडिएंट को नापिए।


# %% name="muon" tags=["export"]
def evened(matrices: Tensor, rounds: int = 5) -> Tensor:
    """Matrices [k, n, m] with the same directions, all made about equally strong: singular values
    of 0.7 to 1.2. Newton–Schulz, which needs nothing but products of matrices."""
    x = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-7)
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    for _ in range(rounds):
        square = x @ x.mT
        x = 3.4445 * x + (2.0315 * square @ square - 4.775 * square) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Moves matrices by their evened momentum (Jordan et al. 2024); for the hidden layers only.

    A kernel [out, in, h, w] counts as a matrix [out, in · h · w]; what is neither stays with Adam.
    """

    def __init__(self, matrices: Sequence[nn.Parameter], lr: float, momentum: float = 0.95) -> None:
        super().__init__(matrices, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            alike: dict[torch.Size, list[nn.Parameter]] = {}  # of one shape: evened all at once
            for p in group["params"]:
                if p.grad is not None:
                    alike.setdefault(p.shape, []).append(p)
            for shape, same in alike.items():
                rows, columns = shape[0], shape[1:].numel()
                for p in same:
                    kept = self.state[p].setdefault("momentum", torch.zeros_like(p))
                    kept.lerp_(p.grad, 1 - group["momentum"])
                ahead = [p.grad.lerp(self.state[p]["momentum"], group["momentum"]) for p in same]
                length = group["lr"] * max(1, rows / columns) ** 0.5
                steps = evened(torch.stack(ahead).flatten(2)).view(-1, *shape)
                torch._foreach_add_(same, list(steps), alpha=-length)


# %% name="lopsided"
with torch.random.fork_rng():
    torch.manual_seed(0)
    beginner, critic = OURS.make(channels=3)
    made = beginner(torch.randn(16, OURS.latent)).detach()
hinge_discriminator_loss(critic(to_float(rangolis[:16]) * 2 - 1), critic(made)).backward()
*_, kernel = (p for p in critic.body.parameters() if p.ndim == 4)
gradient = kernel.grad.flatten(1)  # [128, 64 · 4 · 4]
moves = {
    t("the gradient"): gradient,
    t("Adam's first step"): gradient.sign(),  # gradient / √gradient²
    t("Muon's step"): evened(gradient[None])[0],
}
figure, ax = plt.subplots(figsize=(6.4, 2.6), layout="constrained")
strong = {}
for (name, move), colour in zip(moves.items(), plots.COLOURS, strict=False):
    strength = torch.linalg.svdvals(move)
    strength = strength / strength.max()  # of each direction; the strongest has 1
    strong[name] = int((strength >= 0.5).sum())
    ax.plot(range(1, len(strength) + 1), strength, color=colour, label=name)
ax.set(yscale="log", ylim=(1e-3, 1.5), xlabel=t("direction, the strongest first"))
ax.set_ylabel(t("strength of the direction"))
ax.set_title(t("The gradient knows a few directions, Muon all of them"))
ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
plots.show(
    figure,
    alt=t(
        "Strength of each direction: the gradient's falls after the first, Adam's after the second, Muon's stays nearly level"
    ),
)
print(
    t(
        "directions of {all} at least half as strong as the strongest: {counts}",
        all=len(gradient),
        counts=", ".join(f"{name} {count}" for name, count in strong.items()),
    )
)
assert strong[t("the gradient")] <= strong[t("Adam's first step")] < strong[t("Muon's step")] / 4
measured.append(
    [
        t("directions of 128 at least half as strong as the strongest: Muon's step"),
        strong[t("Muon's step")],
        strong[t("Adam's first step")],
        t("Adam's first step"),
    ]
)
# %% [markdown] lang="en" name="lopsided-after"
# The kernel laid flat has 128 rows, so a step has 128 directions: the gradient is strong in one of them, Adam's first step in two, Muon's in all. (Muon proper evens out a moving average of the gradients, the momentum. Our discriminator takes a momentum of 0, as its Adam does, so it evens out the gradient of this very batch.)
#
# In our recipe all convolutions of the *discriminator* but the last learn with Muon; the last, the biases and the whole generator stay with Adam. (Tried apart from this notebook, one seed: for the generator Muon gained nothing.) What it is worth for the discriminator, section 11 says.
# %% [markdown] lang="hi" of="09387097"
# बिछाए हुए कर्नेल में 128 पंक्तियाँ हैं, इसलिए क़दम की 128 दिशाएँ हैं: ग्रेडिएंट का ज़ोर उनमें से एक में है, Adam के पहले क़दम का दो में, Muon के क़दम का सबमें। (असली Muon ग्रेडिएंटों के चलते औसत, यानी मोमेंटम (momentum), की दिशाएँ बराबर करता है। हमारे डिस्क्रिमिनेटर में, उसके Adam की तरह, मोमेंटम 0 है; इसलिए इसी बैच के ग्रेडिएंट की दिशाएँ बराबर होती हैं।)
#
# हमारे नुस्ख़े में *डिस्क्रिमिनेटर* के सारे कनवॉल्यूशन, बस आख़िरी को छोड़कर, Muon से सीखते हैं; आख़िरी कनवॉल्यूशन, बायस और पूरा जनरेटर Adam के पास रहते हैं। (नोटबुक से अलग आज़माया, एक सीड: जनरेटर में Muon से कोई फ़ायदा नहीं हुआ।) डिस्क्रिमिनेटर में इससे कितना फ़ायदा है, यह सेक्शन 11 बताता है।

# %% [markdown] lang="en" name="loop-text"
# ## 8 · The training loop
#
# A recipe is a `GanConfig`; what two recipes differ in is then plain to see. The loop is that of 2.1: one step of the discriminator, one of the generator, and the average follows. With Muon the discriminator has two optimisers (`hidden` goes to Muon, `others` to Adam); with `decay` all rates fall over the second half. What `draw` and `together` do besides serves labels and packs of pictures (section 13); with `pack=1` they give and take a plain batch. `Training` counts the steps, shows how long they will take, and keeps the run if you want it kept
# (more on that below).
# %% [markdown] lang="hi" of="b634f4ab"
# ## 8 · ट्रेनिंग का लूप
#
# हर नुस्ख़ा एक `GanConfig` है; तब दो नुस्ख़ों का फ़र्क़ साफ़ दिखता है। लूप 2.1 वाला ही है: एक क़दम डिस्क्रिमिनेटर का, एक जनरेटर का, और औसत पीछे-पीछे। Muon हो तो डिस्क्रिमिनेटर के दो ऑप्टिमाइज़र हैं (`hidden` Muon के पास, `others` Adam के पास); `decay` हो तो दूसरे आधे में सारे रेट घटते जाते हैं। `draw` और `together` में इससे ज़्यादा जो है, वह लेबल और चित्रों की जोड़ियों के लिए है (सेक्शन 13); `pack=1` हो तो बस सादा बैच है। `Training` क़दम गिनता है, बताता है कि कितना समय और लगेगा, और आप चाहें तो पूरा काम सहेजकर भी रखता है
# (इस पर आगे बात होगी)।


# %% name="train-gan" tags=["export"]
@dataclass
class Trained:
    """What training leaves: the networks, the generator's moving average, and the history.

    history: {name: [(step, value), …]} of the two losses and the mean logits of real and fake.
    """

    generator: nn.Module
    average: nn.Module
    discriminator: nn.Module
    history: dict[str, list[tuple[int, float]]] = field(default_factory=dict)


def train_gan(
    config: GanConfig,
    images: Tensor,
    *,
    steps: int,
    labels: Tensor | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    start: Trained | None = None,
    folder: Path | None = None,
    note: Callable[[int, Trained], dict[str, float] | None] | None = None,
    progress: Callable[[int], float] | None = None,
) -> Trained:
    """Train the two networks of `config` on pictures uint8 [N, C, 32, 32], with labels [N].

    start: go on from a copy of these networks instead of new ones. folder: keep the run there, and
    go on from what it holds (see common.training). note(step, trained): called after each step;
    the numbers that it returns stand beside the progress bar and in the history. progress(step):
    the share 0…1 of the training that is over, by which rates fall; step / steps if not given.
    """
    if images.dtype != torch.uint8 or images.shape[2:] != (32, 32):
        raise ValueError(
            t(
                "Pictures to train on must be uint8 [N, C, 32, 32], not {dtype} {shape}",
                dtype=str(images.dtype).removeprefix("torch."),
                shape=list(images.shape),
            )
        )
    check_labels(labels, config.classes, len(images))
    if config.batch % config.pack:
        raise ValueError(
            t(
                "A batch of {batch} does not split into packs of {pack}: make it a multiple",
                batch=config.batch,
                pack=config.pack,
            )
        )
    device = torch.device(device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator, discriminator = config.make(images.shape[1])
    average = copy.deepcopy(generator)
    if start is not None:
        generator.load_state_dict(start.generator.state_dict())
        average.load_state_dict(start.average.state_dict())
        discriminator.load_state_dict(start.discriminator.state_dict())
    for network in (generator, average, discriminator):
        network.to(device, memory_format=torch.channels_last).train()
    average.requires_grad_(False)
    hidden = [p for p in discriminator.body.parameters() if p.ndim == 4] if config.muon else []
    others = [p for p in discriminator.parameters() if all(p is not kernel for kernel in hidden)]
    optimizer_g = torch.optim.Adam(
        generator.parameters(), config.rates[0], config.betas, fused=True
    )
    optimizers_d = {
        "optimizer_d": torch.optim.Adam(others, config.rates[1], config.betas, fused=True)
    }
    if hidden:
        optimizers_d["muon_d"] = Muon(hidden, config.muon, momentum=0)
    optimizers = {"optimizer_g": optimizer_g} | optimizers_d
    rates = {name: each.param_groups[0]["lr"] for name, each in optimizers.items()}
    lot = torch.Generator().manual_seed(seed)  # draws the batches and the noise
    parts = {"generator": generator, "average": average, "discriminator": discriminator}
    training = Training(
        {**parts, **optimizers, "lot": lot},
        folder,
        name="gan",
        # with decay, the rates of a step depend on how many there will be
        settings=asdict(config) | {"seed": seed, "steps": steps if config.decay else None},
    )
    trained = Trained(**parts)

    if labels is not None:
        order, many = labels.argsort(), labels.bincount()
        first = many.cumsum(0) - many  # of each label, in that order

    def draw() -> Tensor:
        """Indices [batch]: pictures i, i + batch / pack, … have one label and make one pack."""
        index = torch.randint(len(images), (config.batch // config.pack,), generator=lot)
        partners = []
        for _ in range(config.pack - 1):
            share = torch.rand(len(index), generator=lot, dtype=torch.float64)
            if labels is None:
                partners.append((share * len(images)).long())
            else:
                partners.append(order[first[labels[index]] + (share * many[labels[index]]).long()])
        return torch.cat([index, *partners])

    def together(pictures: Tensor) -> Tensor:
        """[batch, C, H, W] -> [batch / pack, pack · C, H, W]."""
        return torch.cat(pictures.chunk(config.pack), dim=1)

    def noise() -> Tensor:
        return torch.randn(config.batch, config.latent, generator=lot).to(device)

    for step in training.steps(steps):
        if config.decay:
            over = progress(step) if progress else step / steps
            share = min(1.0, 2 * (1 - over))
            for name, optimizer in optimizers.items():
                optimizer.param_groups[0]["lr"] = rates[name] * share
        index = draw()
        real = images[index].to(device, memory_format=torch.channels_last).float() / 127.5 - 1
        label = [] if labels is None else [labels[index].to(device)]
        one = [y[: len(y) // config.pack] for y in label]  # a pack's
        fake = generator(noise(), *label)  # the same pictures serve both steps

        # 1. The discriminator: real up, fake down. detach: the generator does not learn here
        if config.norm == "batch" or config.minibatch_std:  # these must not mix real and fake
            real_logits = discriminator(together(real), *one)
            fake_logits = discriminator(together(fake.detach()), *one)
        else:
            both = torch.cat([together(real), together(fake.detach())])
            real_logits, fake_logits = discriminator(both, *(y.repeat(2) for y in one)).chunk(2)
        loss_d = (hinge_discriminator_loss if config.loss == "hinge" else discriminator_loss)(
            real_logits, fake_logits
        )
        if config.r1 > 0 and step % 8 == 0:  # seldom, but eight times as much
            loss_d = loss_d + 8 * config.r1 / 2 * r1_penalty(discriminator, together(real), *one)
        discriminator.zero_grad()
        loss_d.backward()
        for optimizer in optimizers_d.values():
            optimizer.step()

        # 2. The generator: its pictures up. The discriminator is frozen
        discriminator.requires_grad_(False)
        for again in range(config.generator_steps):
            if again:
                fake = generator(noise(), *label)
            loss_g = {
                "hinge": hinge_generator_loss,
                "non-saturating": non_saturating_loss,
                "saturating": saturating_loss,
            }[config.loss](discriminator(together(fake), *one))
            optimizer_g.zero_grad()
            loss_g.backward()
            optimizer_g.step()
        discriminator.requires_grad_(True)

        # 3. The moving average follows; at first faster, else it would remember the random start
        update_average(average, generator, min(config.average, (1 + step) / (10 + step)))
        training.note(
            loss_d=loss_d.detach(),
            loss_g=loss_g.detach(),
            real=real_logits.detach().mean(),
            fake=fake_logits.detach().mean(),
        )
        trained.history = training.history
        if note:
            training.note(**(note(step + 1, trained) or {}))
    trained.history = training.history
    return trained


# %% name="sample" tags=["export"]
@torch.no_grad()
def sample(
    generator: nn.Module,
    count: int,
    *,
    seed: int = 0,
    device: torch.device | str = "cpu",
    labels: Tensor | None = None,
) -> Tensor:
    """`count` pictures in 0…1 [count, C, 32, 32] from the noise of `seed`, on the CPU.

    labels: [count], for a generator with classes.
    """
    noise = torch.randn(count, generator.latent, generator=torch.Generator().manual_seed(seed))
    check_labels(labels, generator.classes, count)
    training = generator.training
    generator.eval()  # batch norm uses its running statistics: a picture depends on its z alone
    pictures = [
        generator(noise[part].to(device), *([] if labels is None else [labels[part].to(device)]))
        for part in torch.arange(count).split(500)
    ]
    generator.train(training)
    return torch.cat(pictures).add(1).div(2).clamp(0, 1).cpu()


# %% name="compare-recipes"
plots.table(
    [[part.name, str(getattr(PUBLISHED, part.name)), str(getattr(OURS, part.name))]
     for part in fields(GanConfig)
     if getattr(PUBLISHED, part.name) != getattr(OURS, part.name)],
    columns=[t("setting"), t("as published"), t("ours")],
    caption=t("Two recipes: the common tutorial's, after Radford et al. 2015, and the one found in this course"),
)  # fmt: skip

# %% [markdown] lang="en" name="measures-text"
# ## 9 · How do you know that it is good?
#
# The two losses do not say: each is measured against the *other network*, which moves. A good generator facing a good discriminator and a poor one facing a poor one can
# have the same losses. And looking at 64 pictures does not show the kinds that are missing. So we ask the pictures themselves:
#
# 1. A **judge**, a classifier trained beforehand on real pictures (in published work an Inception network), turns each picture into 64 numbers, its *features*.
# 2. Now there are two clouds of points: 2,000 real pictures and 2,000 made ones. **How far apart are the clouds?**
#
# Four answers follow. Each has its weakness; which measure notices which fault, the table at the end of the section shows.
# %% [markdown] lang="hi" of="9613ed8b"
# ## 9 · कैसे पता चले कि चित्र अच्छे हैं?
#
# दोनों लॉस यह नहीं बताते: हर लॉस *सामने वाले नेटवर्क* के मुक़ाबले नापा जाता है, और वह ख़ुद बदलता रहता है। अच्छा जनरेटर अच्छे डिस्क्रिमिनेटर के सामने और ख़राब जनरेटर ख़राब के सामने एक-सा लॉस दिखा सकते हैं।
# 64 चित्र देख लेने से भी यह नहीं दिखता कि कौन-सी क़िस्में बनी ही नहीं। इसलिए सीधे चित्रों से पूछते हैं:
#
# 1. एक **जज (judge)**, यानी असली चित्रों पर पहले से सीखा हुआ क्लासिफ़ायर (शोध-पत्रों में Inception नेटवर्क), हर चित्र को 64 संख्याओं में बदलता है। ये उसके *फ़ीचर (features)* हैं।
# 2. अब हमारे पास बिंदुओं के दो बादल हैं: 2,000 असली चित्र और 2,000 बनाए हुए। **दोनों बादल कितने दूर हैं?**
#
# आगे इसके चार जवाब हैं। हर एक की अपनी कमज़ोरी है। कौन-सी नाप कौन-सी गड़बड़ पकड़ती है, यह सेक्शन के आख़िर की तालिका दिखाती है।


# %% [markdown] lang="en" name="frechet-text"
# **1. FID**, the Fréchet distance (Heusel et al. 2017). Describe each cloud by its mean and its spread only, as if it were a Gaussian. On a line the distance has a closed form that you can do in your head:
#
# $$d^2 = (\mu_1-\mu_2)^2 + (\sigma_1-\sigma_2)^2 \qquad\text{and for features}\qquad d^2 = \|\mu_1-\mu_2\|^2 + \operatorname{tr}\!\big(C_1 + C_2 - 2\,(C_1C_2)^{1/2}\big)$$
# %% [markdown] lang="hi" of="40941aea"
# **1. FID**, यानी फ़्रेशे दूरी (Fréchet distance, Heusel et al. 2017)। हर बादल को बस उसके औसत और फैलाव से पहचानिए, मानो वह गॉसियन (Gaussian) हो। एक रेखा पर यह दूरी मन में ही निकल आती है:
#
# $$d^2 = (\mu_1-\mu_2)^2 + (\sigma_1-\sigma_2)^2 \qquad\text{और फ़ीचरों के लिए}\qquad d^2 = \|\mu_1-\mu_2\|^2 + \operatorname{tr}\!\big(C_1 + C_2 - 2\,(C_1C_2)^{1/2}\big)$$
# %% name="frechet-distance" tags=["export"]
def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """FID between features [N, d] and [M, d]: ‖μ₁ − μ₂‖² + tr(C₁ + C₂ − 2 (C₁C₂)^½).

    0 if means and covariances agree. At least 2 rows each; few rows make it too large.
    Heusel et al. 2017 (1706.08500).
    """
    real, fake = real.cpu().double(), fake.cpu().double()
    gap = (real.mean(0) - fake.mean(0)).square().sum()
    real_spread, fake_spread = torch.cov(real.T), torch.cov(fake.T)  # [d, d]
    real_spread, fake_spread = torch.atleast_2d(real_spread), torch.atleast_2d(fake_spread)
    # tr (C₁C₂)^½ = tr (A C₂ A)^½ with A = C₁^½: now symmetric, so its eigenvalues are real
    values, vectors = torch.linalg.eigh(real_spread)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    shared = torch.linalg.eigvalsh(root @ fake_spread @ root).clamp(min=0).sqrt().sum()
    return (gap + real_spread.trace() + fake_spread.trace() - 2 * shared).item()


# %% name="frechet-line" tags=["nbval-check-output"]
line = torch.randn(200_000, 1, generator=torch.Generator().manual_seed(0))
line = (line - line.mean()) / line.std()  # real: exactly mean 0, deviation 1
for name, fake in {
    "the same": line.flip(0),
    "shifted by 2": line + 2,
    "three times as wide": 3 * line,
    "shifted and wide": 3 * line + 2,
    "collapsed to 0": 0 * line,
    # Two peaks with the same mean and spread: FID sees no difference
    "two peaks": line.sign() - line.sign().mean(),
}.items():
    print(f"{name:20} {abs(frechet_distance(line, fake)):.1f}")
# %% [markdown] lang="en" name="frechet-after"
# Shift costs 2² = 4, width (3 − 1)² = 4, both together 8. The last row is FID's blind spot: two peaks and one hill are the same to it, since it knows mean and spread only.
# %% [markdown] lang="hi" of="49cd1bc1"
# खिसकने की क़ीमत 2² = 4, चौड़ाई की (3 − 1)² = 4, दोनों साथ हों तो 8। आख़िरी पंक्ति वह है जो FID को नहीं दिखती: दो चोटियाँ और एक टीला उसके लिए एक ही हैं, क्योंकि वह सिर्फ़ औसत और फैलाव जानता है।


# %% [markdown] lang="en" name="kernel-text"
# **2. KID**, the kernel distance (Bińkowski et al. 2018). Compare pairs of points: how alike are two real ones, two fakes, and a real one with a fake? With the kernel (x·y/d + 1)³ this also sees the third moment, and the estimate is *unbiased*. Why that
# matters: take two sets of real pictures, which are as alike as can be, and let them shrink.
# %% [markdown] lang="hi" of="93900ac8"
# **2. KID**, यानी कर्नेल दूरी (kernel distance, Bińkowski et al. 2018)। बिंदुओं की जोड़ियाँ मिलाकर देखिए: दो असली आपस में कितने मिलते हैं, दो नक़ली कितने, और एक असली एक नक़ली से कितना? कर्नेल (x·y/d + 1)³ हो तो औसत और फैलाव के साथ तिरछापन (skewness) भी दिखता है, और अंदाज़े में कोई *पक्षपात (bias) नहीं* होता। यह
# क्यों ज़रूरी है? असली चित्रों के दो समूह लीजिए (इनसे ज़्यादा मिलते-जुलते और क्या होंगे) और उनमें चित्र घटाते जाइए।
# %% name="kernel-distance" tags=["export"]
def kernel_distance(real: Tensor, fake: Tensor) -> float:
    """KID between features [N, d] and [M, d]: unbiased MMD² with the kernel (x·y / d + 1)³.

    Its mean is 0 for two sets of one kind, however few, so it can be a little negative.
    At least 2 rows each. Bińkowski et al. 2018 (1801.01401).
    """
    real, fake = real.cpu().double(), fake.cpu().double()

    def alike(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / a.shape[1] + 1) ** 3  # [N, M]

    def within(a: Tensor) -> Tensor:  # the mean over pairs of different pictures
        pairs = alike(a, a)
        return (pairs.sum() - pairs.trace()) / (len(a) * (len(a) - 1))

    return (within(real) + within(fake) - 2 * alike(real, fake).mean()).item()


# %% name="sample-size"
judge = load_judge("digits", device)
digit_pictures, more_digits = (
    real_images("digits"),
    real_images("digits", seed=2),
)  # [2000, 1, 32, 32]
digit_features, more_features = real_features("digits", device), judge(more_digits)  # [2000, 64]

counts = [50, 100, 200, 400, 800, 1600]
lot = torch.Generator().manual_seed(0)
floor_fid, floor_kid = [], []
for count in counts:
    pairs = [
        [
            x[torch.randperm(2000, generator=lot)[:count].to(device)]
            for x in (digit_features, more_features)
        ]
        for _ in range(8)
    ]
    floor_fid.append([frechet_distance(*pair) for pair in pairs])
    floor_kid.append([kernel_distance(*pair) for pair in pairs])
figure, axes = plt.subplots(1, 2, figsize=(8, 2.8), layout="constrained")
for ax, name, values in ((axes[0], "FID", floor_fid), (axes[1], "KID", floor_kid)):
    values = torch.tensor(values)  # [6, 8]
    ax.plot(counts, values, "o", color=plots.COLOURS[0], alpha=0.4, markersize=4)
    ax.plot(counts, values.mean(1), color=plots.COLOURS[1])
    ax.axhline(0, color="grey", linewidth=0.8)
    ax.set(xscale="log", xlabel=t("pictures on each side"), ylabel=name)
    ax.set_xticks(counts, [str(count) for count in counts])
    ax.minorticks_off()
axes[0].set_title(t("FID: the fewer, the worse, though all are real"))
axes[1].set_title(t("KID: on average 0, however few"))
plots.show(
    figure,
    alt=t(
        "Distance between two sets of real digits against their size: FID falls with it, KID lies around zero"
    ),
)
fid_means, kid_means = (torch.tensor(values).mean(1) for values in (floor_fid, floor_kid))
assert fid_means[0] > 5 * fid_means[-1]  # eight times the pictures, a fraction of the distance
print(t("FID of real against real with {few} pictures: {first}, with {many}: {last}",
        few=counts[0], first=f"{fid_means[0]:.1f}", many=counts[-1], last=f"{fid_means[-1]:.2f}"))  # fmt: skip
# %% [markdown] lang="en" name="sample-size-after"
# So two FIDs compare only if both were taken with the same number of pictures, and with the same judge. From here on: 2,000 on each side unless said.
# %% [markdown] lang="hi" of="cd330e3b"
# यानी दो FID की तुलना तभी ठीक है जब दोनों में चित्र गिनती में बराबर हों और जज भी वही हो। आगे, जहाँ अलग से न लिखा हो, हर तरफ़ 2,000 चित्र हैं।


# %% [markdown] lang="en" name="precision-text"
# **3. Precision and recall** (Kynkäänniemi et al. 2019). One number cannot say *what* is wrong: bad pictures, or too few kinds? Draw a ball around each real point, out to its third-nearest neighbour. *Precision* is the share of fakes that lie inside
# some ball; *recall* asks the other way round, with balls around the fakes. The smallest example is in the plane:
# %% [markdown] lang="hi" of="9fb00275"
# **3. प्रिसिज़न और रिकॉल (precision, recall)** (Kynkäänniemi et al. 2019)। एक अकेली संख्या नहीं बता सकती कि *गड़बड़ क्या है*: चित्र ख़राब हैं या क़िस्में कम? हर असली बिंदु के चारों ओर एक घेरा बनाइए, उसके तीसरे सबसे पास के पड़ोसी तक। नक़ली बिंदुओं का जितना हिस्सा
# किसी घेरे के अंदर हो, वह *प्रिसिज़न* है; *रिकॉल* उलटी तरफ़ से पूछता है, घेरे नक़ली बिंदुओं के चारों ओर। सबसे छोटा उदाहरण, समतल पर:
# %% name="precision-recall" tags=["export"]
def precision_recall(real: Tensor, fake: Tensor, k: int = 3) -> tuple[float, float]:
    """Precision: the share of fakes that lie among the real; recall: of the real among the fakes.

    "Among": inside the ball around some point that reaches to its k-th nearest neighbour.
    Features [N, d], [M, d], both longer than k. Kynkäänniemi et al. 2019 (1904.06991).
    """
    real, fake = real.cpu().double(), fake.cpu().double()

    def share(points: Tensor, among: Tensor) -> float:
        reach = torch.cdist(among, among).kthvalue(k + 1).values  # [n]; the nearest is itself
        return (torch.cdist(points, among) <= reach).any(1).double().mean().item()

    return share(fake, among=real), share(real, among=fake)


# %% name="precision-plane"
lot = torch.Generator().manual_seed(1)
angles = torch.linspace(0, 2 * torch.pi, 61)[:60]
circle = torch.stack([angles.cos(), angles.sin()], 1) + 0.06 * torch.randn(60, 2, generator=lot)
plane = {
    t("good, but too few kinds"): circle[angles < torch.pi / 2] + 0.02,
    t("every kind, but many bad"): 2.8 * (torch.rand(60, 2, generator=lot) - 0.5),
}
pale = {"color": plots.COLOURS[0], "alpha": 0.08, "linewidth": 0, "antialiased": False}
figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.4), layout="constrained")
for ax, (name, fake) in zip(axes, plane.items(), strict=True):
    for x, y, reach in zip(*circle.T, torch.cdist(circle, circle).kthvalue(4).values, strict=True):
        ax.add_patch(plt.Circle((x, y), reach, **pale))
    ax.plot(*circle.T, "o", color=plots.COLOURS[0], markersize=4, label=t("real"))
    ax.plot(*fake.T, "x", color=plots.COLOURS[1], markersize=5, label=t("made"))
    precision, recall = precision_recall(circle, fake)
    ax.set_title(
        f"{name}\n" + t("precision {p}, recall {r}", p=f"{precision:.2f}", r=f"{recall:.2f}")
    )
    ax.set(xticks=[], yticks=[], aspect="equal")
axes[0].legend(loc="center", frameon=False)
plots.show(
    figure,
    alt=t(
        "Points on a circle with balls around them; on the left the made ones fill a quarter of it, on the right the whole square"
    ),
)
few, wild = (precision_recall(circle, fake) for fake in plane.values())
assert few[0] > 0.9 and few[1] < 0.5 and wild[0] < 0.6 and wild[1] > 0.8


# %% [markdown] lang="en" name="modes-text"
# **4. Mode coverage**: of how many kinds is there at least one that the judge names with more than 90% certainty? For digits there are 10 kinds, for rangoli 8 motifs × 8 colours = 64. This is exact and easily understood, and **easily fooled**.
# The judge has learned ten answers and no way to say "that is nothing". Show it plain noise. And its input can even be *trained* like a weight: we climb the gradient until noise is whichever digit we want (Nguyen et al. 2015).
# %% [markdown] lang="hi" of="90c4faa6"
# **4. कवरेज (mode coverage)**: कितनी क़िस्मों का कम-से-कम एक चित्र ऐसा है जिसे जज 90% से ज़्यादा भरोसे से पहचानता है? अंकों की 10 क़िस्में हैं, रंगोली की 8 आकृतियाँ × 8 रंग = 64। यह गिनती सटीक है और समझने में आसान, पर **धोखा भी आसानी से खा जाती है**।
# जज ने दस जवाब सीखे हैं; "यह तो कुछ भी नहीं" कहना उसने सीखा ही नहीं। उसे सिर्फ़ शोर दिखाकर देखिए। और उसका इनपुट भी भार की तरह *सीखा* जा सकता है: हम ग्रेडिएंट पर चढ़ते जाते हैं, जब तक जज शोर को वही अंक न कहने लगे जो हम चाहते हैं (Nguyen et al. 2015)।
# %% name="deceive"
def deceive(judge: nn.Module, digit: Tensor, steps: int = 40, seed: int = 0) -> Tensor:
    """Noise that the judge reads as the wanted digit [N] -> pictures [N, 1, 32, 32] in 0…1."""
    lot = torch.Generator().manual_seed(seed)
    noise = torch.rand(len(digit), 1, 32, 32, generator=lot).to(digit.device)
    for _ in range(steps):
        noise.requires_grad_()
        score = F.cross_entropy(judge.scores(noise)["digit"], digit, reduction="sum")
        (slope,) = torch.autograd.grad(score, noise)
        noise = (noise.detach() - 0.05 * slope.sign()).clamp(0, 1)
    return noise


plain_noise = torch.rand(500, 1, 32, 32, generator=torch.Generator().manual_seed(2))
certain = judge.read(plain_noise)["digit"][:, 8]
wanted = torch.arange(10, device=device).repeat(2)
trained_noise = deceive(judge, wanted)
sure = judge.read(trained_noise)["digit"].gather(1, wanted[:, None])[:, 0]
plots.show_images(
    torch.cat([plain_noise[:5], trained_noise[:10].cpu()]),
    titles=[
        f"{digit}: {share:.1%}"
        for digit, share in zip(
            [8] * 5 + list(range(10)), [*certain[:5].tolist(), *sure[:10].tolist()], strict=True
        )
    ],
    columns=5,
    zoom=3,
    colours=8,
    alt=t(
        "Fifteen squares of grey noise and what the judge calls them: five of plain noise are 8, ten trained ones are 0 to 9"
    ),
)
print(
    t(
        "plain noise that the judge calls 8 with more than 90%: {share}",
        share=f"{(certain > 0.9).float().mean():.0%}",
    )
)
assert (certain > 0.9).float().mean() > 0.9 and modes(judge, trained_noise).covered >= 8

# %% [markdown] lang="en" name="who-notices-text"
# Now the test of the measures. Seven sets of 500 pictures of which we *know* what is wrong (the first has no fault). Which measure notices it? A ● stands where it is clearly worse than for other real pictures: a distance over three times theirs, a share or a count under 70% of theirs.
# %% [markdown] lang="hi" of="9bae9e0d"
# अब नापों की अपनी परीक्षा। 500-500 चित्रों के सात समूह, और हमें पहले से *पता है* कि किसमें क्या गड़बड़ है (पहले में कोई नहीं)। कौन-सी नाप उसे पकड़ती है? ● वहाँ है जहाँ नतीजा दूसरे असली चित्रों से साफ़ ख़राब है: दूरी उनकी तीन गुना से ज़्यादा, हिस्सा या गिनती उनके 70% से कम।
# %% name="who-notices"
many = 500
others = more_digits[:many]
labels = judge.read(others)["digit"].argmax(1).cpu()
one_of_each = torch.stack([others[labels == digit][0] for digit in range(10)])
lot = torch.Generator().manual_seed(2)
suspects = {
    t("real, other digits"): others,
    t("blurred"): F.avg_pool2d(others, 5, stride=1, padding=2),
    t("noise on top"): (others + 0.15 * torch.randn(others.shape, generator=lot)).clamp(0, 1),
    t("plain noise, called 8"): plain_noise,
    t("noise called 0 … 9"): trained_noise[torch.arange(many) % 20].cpu(),
    t("only real eights"): more_digits[judge.read(more_digits)["digit"].argmax(1).cpu() == 8][
        torch.arange(many) % 150
    ],
    t("one picture of each digit"): one_of_each[torch.arange(many) % 10],
}
known, reports = digit_features[:many], {}
for name, images in suspects.items():
    seen = judge(images)
    found = modes(judge, seen)
    reports[name] = [
        frechet_distance(known, seen),
        kernel_distance(known, seen),
        *precision_recall(known, seen),
        found.covered,
    ]
rows, names = (
    list(reports.values()),
    [t("FID"), t("KID"), t("precision"), t("recall"), t("modes of 10")],
)
# Noticed: much worse than real pictures. Distances grow, shares and modes shrink
floor = rows[0]
noticed = torch.tensor(
    [[v > 3 * abs(f) + 0.5 for v, f in zip(row[:2], floor[:2], strict=True)]
     + [v < 0.7 * f for v, f in zip(row[2:], floor[2:], strict=True)] for row in rows]
)  # fmt: skip
figure, ax = plt.subplots(figsize=(7.6, 3.6), layout="constrained")
ax.imshow(
    noticed.float(), cmap=ListedColormap(["#f2f2f2", "#f5b98a"]), vmin=0, vmax=1, aspect="auto"
)
for (i, j), flag in np.ndenumerate(noticed.numpy()):
    value = rows[i][j]
    text = (
        str(value)
        if j == 4
        else f"{value:.2f}"
        if j in (2, 3) or abs(value) < 10
        else f"{value:.0f}"
    )
    ax.text(j, i, f"● {text}" if flag else text, ha="center", va="center")
ax.set_xticks(range(5), names)
ax.set_yticks(range(len(reports)), list(reports))
ax.tick_params(length=0)
ax.xaxis.tick_top()
ax.spines[:].set_visible(False)
ax.set_title(t("● noticed: FID, KID and recall see every fault; precision and coverage only a few"))
plots.show(
    figure,
    alt=t(
        "Table of seven sets of pictures and five measures; a dot shows which measure notices which fault"
    ),
)

# %% [markdown] lang="en" name="live-text"
# ## 10 · A DCGAN learns, before your eyes
#
# Twelve seconds of one processor core are not much: a few thousand pictures pass by. What can be learnt in them? Three rows of the same noise, early, half-way and at the end; and then *honest samples*: the first twelve, none picked out, under real ones.
# %% [markdown] lang="hi" of="bae519f5"
# ## 10 · DCGAN आपकी आँखों के सामने सीखता है
#
# एक प्रोसेसर कोर के बारह सेकंड बहुत नहीं होते: बस कुछ हज़ार चित्र गुज़रते हैं। इतने में क्या सीखा जा सकता है? एक ही शोर की तीन पंक्तियाँ: शुरू में, बीच में और आख़िर में; फिर *ईमानदार नमूने*: पहले बारह, बिना छाँटे, असली चित्रों के नीचे।
# %% name="live"
LIVE_STEPS = 200
frames = []


def watch(step: int, trained: Trained) -> None:
    if step in (20, LIVE_STEPS // 2, LIVE_STEPS):
        frames.append(sample(trained.average, 8, seed=1, device=device))


live = train_gan(OURS, rangolis, steps=LIVE_STEPS, device=device, note=watch)
plots.show_images(
    [side_by_side(frame) for frame in frames],
    titles=[t("step {n}", n=n) for n in (20, LIVE_STEPS // 2, LIVE_STEPS)],
    columns=1,
    zoom=2,
    colours=32,
    alt=t(
        "Three rows of eight generated pictures from the same noise: dark noise, then coloured blots, then blots with a middle"
    ),
)
# %% name="live-samples"
made = sample(live.average, 2000, seed=2, device=device)
plots.show_images(
    [side_by_side(to_float(rangolis[:12])), side_by_side(made[:12])],
    titles=[t("real"), t("made")],
    columns=1,
    zoom=2,
    colours=32,
    alt=t("Above twelve real rangoli, below the first twelve generated ones, not picked"),
)
judge = load_judge("rangoli", device)
known = real_features("rangoli", device)
with torch.random.fork_rng():
    torch.manual_seed(0)
    never_trained = OURS.make(3)[0].to(device)
blank = judge(sample(never_trained, 500, seed=2, device=device))
report = {
    t("real, other pictures"): gan_report(judge, known, real_images("rangoli", seed=2)),
    t("after {n} steps", n=LIVE_STEPS): gan_report(judge, known, made),
}
untrained = frechet_distance(known, blank)
plots.table(
    [
        [name, *(row[key] for key in ("fid", "kid", "precision", "recall", "covered"))]
        for name, row in report.items()
    ]
    + [[t("before training"), untrained, None, None, None, modes(judge, blank).covered]],
    columns=[t("2,000 rangoli"), t("FID"), t("KID"), t("precision"), t("recall"), t("modes of 64")],
    caption=t(
        "Live training, between two bounds: real pictures, and noise through an untrained generator"
    ),
)
floor, trained_row = report.values()
assert floor["fid"] < trained_row["fid"] < 0.5 * untrained
measured.append([t("rangoli, live training: FID"), trained_row["fid"], untrained, t("not trained")])


# %% [markdown] lang="en" name="copies-text"
# Has it learnt, or copied? Look for the nearest training picture of each sample. A copier's samples would lie *much nearer* to the training set than new real pictures do. (To lie further away is no merit: blots that look like nothing do so too. It only says that nothing was copied.)
# %% [markdown] lang="hi" of="33042f57"
# सीखा है या नक़ल की है? हर नमूने के सबसे पास का ट्रेनिंग वाला चित्र ढूँढिए। नक़लची के नमूने ट्रेनिंग के चित्रों के *कहीं ज़्यादा पास* होंगे, उतने पास तो नए असली चित्र भी नहीं होते। (दूर होना कोई ख़ूबी नहीं: बेढंगे धब्बे भी दूर ही होते हैं। इससे बस इतना पता चलता है कि नक़ल नहीं हुई।)
# %% name="copies"
def nearest(pictures: Tensor, among: Tensor) -> tuple[Tensor, Tensor]:
    """For each picture [N, C, H, W] the distance to the nearest of `among`, and which it is."""
    return torch.cdist(pictures.flatten(1), among.flatten(1)).min(1)


distance, which = nearest(made[:200], to_float(rangolis))
fresh, _ = nearest(real_images("rangoli", seed=2)[:200], to_float(rangolis))
plots.show_images(
    [side_by_side(made[:12]), side_by_side(to_float(rangolis[which[:12]]))],
    titles=[t("made"), t("the nearest training picture of each")],
    columns=1,
    zoom=2,
    colours=32,
    alt=t(
        "Twelve generated pictures and below each the most similar training picture: alike in colour, never the same"
    ),
)
print(t("distance to the nearest training picture: made {made}, new real ones {real}",
        made=f"{distance.mean():.1f}", real=f"{fresh.mean():.1f}"))  # fmt: skip
assert distance.mean() > 0.8 * fresh.mean()
measured.append(
    [
        t("distance of samples to the nearest training picture"),
        distance.mean(),
        fresh.mean(),
        t("new real pictures"),
    ]
)

# %% [markdown] lang="en" name="ladder-text"
# ## 11 · One improvement at a time
#
# Papers change ten things at once. Then nobody knows which of them helped. So change **one** thing and keep all else equal: steps, batch, noise, pictures. And ask what *luck* can do: the same recipe with another seed. Here on the smallest scale, so that it runs now: tiny networks (8 channels
# next to the picture) learn digits for 60 steps. Two changes of the published recipe, each alone and both together:
# %% [markdown] lang="hi" of="0d020a53"
# ## 11 · एक बार में एक सुधार
#
# शोध-पत्र अक्सर दस चीज़ें एक साथ बदल देते हैं; फिर कोई नहीं बता सकता कि काम किससे बना। इसलिए **एक** ही चीज़ बदलिए और बाक़ी सब बराबर रखिए: क़दम, बैच, शोर, चित्र। और यह भी पूछिए कि *क़िस्मत* कितना फ़र्क़ डाल सकती है: वही नुस्ख़ा, दूसरा सीड (seed)। यहाँ सबसे छोटे पैमाने पर, ताकि अभी चल जाए: नन्हे नेटवर्क
# (चित्र के पास 8 चैनल) 60 क़दम तक अंक सीखते हैं। प्रकाशित नुस्ख़े में दो बदलाव, पहले अकेले-अकेले, फिर दोनों साथ:
# %% name="ladder"
LADDER_STEPS = 60
published = replace(PUBLISHED, width=8, latent=64, batch=16)
doubling = {"upsampling": "nearest", "first": "unshuffle"}
faster = {"rates": (1e-3, 1e-3)}
digit_judge, digit_features = load_judge("digits", device), real_features("digits", device)
ladder = {}
for name, change, seed in (
    (t("as published"), {}, 0),
    (t("grow by doubling, not transposed"), doubling, 0),
    (t("learning rate 2e-4 → 1e-3"), faster, 0),
    (t("both"), doubling | faster, 0),
    (t("both, another seed"), doubling | faster, 1),
):
    tiny_gan = train_gan(
        replace(published, **change), digit_images, steps=LADDER_STEPS, seed=seed, device=device
    )
    pictures = sample(tiny_gan.average, 1000, seed=3, device=device)
    ladder[name] = frechet_distance(digit_features[:1000], digit_judge(pictures)), pictures
plots.table(
    [[name, fid] for name, (fid, _) in ladder.items()],
    columns=[t("recipe"), t("FID")],
    caption=t("Tiny networks, {steps} steps, 1,000 digits", steps=LADDER_STEPS),
)
plots.show_images(
    [side_by_side(pictures[:16]) for _, pictures in ladder.values()],
    titles=list(ladder),
    columns=1,
    zoom=1,
    colours=8,
    alt=t(
        "Five rows of sixteen samples: flat grey in the first and third, clouds in the second, white blots on black in the fourth, a dark texture in the fifth"
    ),
)
*alone, both, again = (fid for fid, _ in ladder.values())
assert max(both, again) < min(alone)
measured.append(
    [t("tiny GAN on digits, FID"), max(both, again), alone[0], t("as published, same steps")]
)
# %% [markdown] lang="en" name="ladder-after"
# Neither change does much alone; together they beat all three rows above, with either seed (by how much is largely luck: see the last two rows). Who tries one change at a time *from the old recipe* would have thrown both away. So at full size we go the other way: from the good recipe, take **one** thing away.
# %% [markdown] lang="hi" of="c9383801"
# अकेला कोई बदलाव ख़ास कुछ नहीं करता; दोनों साथ हों, तो दोनों सीड पर ऊपर की तीनों पंक्तियों से अच्छे हैं (कितने अच्छे, इसमें क़िस्मत का बड़ा हाथ है: आख़िरी दो पंक्तियाँ देखिए)। जो *पुराने नुस्ख़े से* एक-एक बदलाव आज़माता, वह दोनों को बेकार समझकर फेंक देता। इसलिए पूरे आकार में हम उलटी दिशा में चलते हैं: अच्छे नुस्ख़े में से **एक** चीज़ हटाइए।

# %% [markdown] lang="en" name="bench-text"
# **At full size** the same question takes minutes of a core: too long for a notebook. So what follows is *read* from `benchmarks/gan.json`; `python3 course.py bench gan --each` made it, and makes it anew on your machine. It is our recipe on rangoli, with **one** setting at a time put back to
# what is published (both recipes have small first weights: in that row they are taken away; `latent` and `first` have no row). All have made the same number of *steps*; what a step of a wide network or of a big batch costs is printed below. One dot for each seed; the grey band is our recipe's own luck.
# %% [markdown] lang="hi" of="2ece1217"
# **पूरे आकार में** यही सवाल एक कोर के कई मिनट लेता है: नोटबुक के लिए बहुत ज़्यादा। इसलिए आगे जो है वह `benchmarks/gan.json` से *पढ़ा* गया है; उसे `python3 course.py bench gan --each` ने बनाया है और आपकी मशीन पर फिर से बना देगा। रंगोली पर हमारा नुस्ख़ा, और हर बार **एक** ही सेटिंग वापस वैसी
# जैसी प्रकाशित नुस्ख़े में है (छोटे शुरुआती भार दोनों नुस्ख़ों में हैं; उनकी पंक्ति में वे हटाए गए हैं; `latent` और `first` की पंक्ति नहीं है)। सबके *क़दम* बराबर हैं; चौड़े नेटवर्क या बड़े बैच का एक क़दम कितना महँगा है, यह नीचे छपा है। हर सीड की एक बिंदी; धूसर पट्टी में हमारे अपने नुस्ख़े की क़िस्मत है।
# %% name="bench-each"
path = Path(common.__file__).parent.parent / "benchmarks" / "gan.json"
bench = json.loads(path.read_text("utf-8"))["rows"]
settings = {
    "ours": t("our recipe"),
    "published": t("as published"),
    "loss": t("loss of both"),
    "norm": t("normalisation of D"),
    "upsampling": t("upsampling"),
    "modulated": t("self-modulation"),
    "width": t("width"),
    "rates": t("learning rates"),
    "betas": t("momentum β"),
    "muon": t("Muon's rate for D"),
    "batch": t("batch"),
    "average": t("average (EMA)"),
    "decay": t("falling rates"),
    "small_start": t("small first weights"),
}
runs: dict[str, dict[str, list[dict]]] = {}  # of a budget, what was changed: a row for each seed
for row in bench:
    setting, *value = row["recipe"].removeprefix("ours, but ").split(maxsplit=1)
    if row["data"] == "rangoli" and row["fid"] is not None and setting in settings:
        name = ": ".join([settings[setting], *value])
        runs.setdefault(row["budget"], {}).setdefault(name, []).append(row)
runs = {budget: found for budget, found in runs.items() if len(found) > 2}  # the ladders
by_steps = {budget: found for budget, found in runs.items() if budget.endswith("steps")}


def fids(rows: list[dict]) -> list[float]:
    return [row["fid"] for row in rows]


def mean(rows: list[dict], key: str) -> float:
    return sum(row[key] for row in rows) / len(rows)


def beyond(found: dict[str, list[dict]]) -> tuple[list[str], list[str]]:
    """What is worse and what is better than ours with every seed; one seed may be luck."""
    ours = fids(found[settings["ours"]])
    twice = {name: fids(rows) for name, rows in found.items() if len(rows) > 1}
    worse = [name for name, values in twice.items() if min(values) > max(ours)]
    return worse, [name for name, values in twice.items() if max(values) < min(ours)]


figure, axes = plt.subplots(
    1, len(by_steps), figsize=(8.6, 3.6), layout="constrained", sharex=True, squeeze=False
)
for ax, (budget, found) in zip(axes[0], by_steps.items(), strict=True):
    ranked = sorted(found, key=lambda name: -mean(found[name], "fid"))
    ours = fids(found[settings["ours"]])
    ax.axvspan(min(ours), max(ours), color="lightgrey")
    for i, name in enumerate(ranked):
        colour = plots.COLOURS[1] if name == settings["ours"] else plots.COLOURS[0]
        ax.plot(fids(found[name]), [i] * len(found[name]), "o", color=colour)
    ax.set_yticks(range(len(ranked)), ranked)
    ax.set(xscale="log", xlabel=t("FID, lower is better"))
    ax.set_xticks([20, 30, 40, 60], ["20", "30", "40", "60"])
    ax.minorticks_off()
    after = t("after {n} steps", n=budget.split()[0])
    ax.set_title(t("{budget}: growing, pace, self-modulation and Muon decide", budget=after))
plots.show(
    figure,
    alt=t(
        "Dots: the FID of our recipe and of its variants with one setting changed; without doubling, fast steps, self-modulation or Muon it is clearly worse"
    ),
)
for budget, found in by_steps.items():
    worse, better = beyond(found)
    print(
        t(
            "{budget}: worse than ours with every seed: {worse}; better with every seed: {better}",
            budget=t("after {n} steps", n=budget.split()[0]),
            worse=", ".join(worse) or "–",
            better=", ".join(better) or "–",
        )
    )
    for setting in ("upsampling", "rates", "betas", "modulated", "muon"):
        (rows,) = (rows for name, rows in found.items() if name.startswith(settings[setting]))
        assert min(fids(rows)) > max(fids(found[settings["ours"]]))
    cost = {name: mean(rows, "seconds") for name, rows in found.items()}
    dear = {name: seconds / cost[settings["ours"]] for name, seconds in cost.items()}
    print(
        t(
            "a step costs, ours = 1: {dear}",
            dear=", ".join(f"{name}: {ratio:.1f}" for name, ratio in dear.items() if ratio > 1.5),
        )
    )

# %% [markdown] lang="en" name="bench-each-after"
# Read it soberly. In so short a training few of the settings decide: how the generator *grows* the picture (doubling, not transposed convolutions), how large and how fast the steps are (learning rates, momentum), whether the noise reaches every batch norm (self-modulation), and in which directions the discriminator's steps go (Muon). Only one row lies clearly on the better side: the big batch. Before you take it, look at what its steps cost, and at the next table.
#
# The famous rest moves the FID hardly more than another seed does. Where the printed line calls one of them worse or better with every seed, look at the gap as well: it is no wider than the one between two dots of other rows, and the seeds are few. Their papers report gains after *long* training, which this does not test.
# %% [markdown] lang="hi" of="58e83107"
# इसे ठंडे दिमाग़ से पढ़िए। इतनी छोटी ट्रेनिंग में गिनी-चुनी सेटिंग ही फ़ैसला करती हैं: जनरेटर चित्र को *बड़ा कैसे करता है* (दोगुना करके, ट्रांसपोज़्ड कनवॉल्यूशन से नहीं), क़दम कितने बड़े और कितने तेज़ हैं (लर्निंग रेट, मोमेंटम), शोर हर बैच नॉर्म तक पहुँचता है या नहीं (स्व-मॉड्यूलेशन), और डिस्क्रिमिनेटर के क़दम किन दिशाओं में पड़ते हैं (Muon)। साफ़ तौर पर बेहतर तरफ़ एक ही पंक्ति है: बड़ा बैच। उसे अपनाने से पहले देखिए कि उसका एक क़दम कितने का पड़ता है, और अगली तालिका भी।
#
# बाक़ी नामी सेटिंगों से FID उतना ही हिलता है जितना सीड बदलने से। छपी हुई पंक्ति उनमें से किसी को हर सीड पर ख़राब या बेहतर बताए, तो फ़ासला भी देखिए: वह दूसरी पंक्तियों की दो बिंदियों के बीच के फ़ासले से ज़्यादा नहीं, और सीड गिने-चुने हैं। उनके शोध-पत्र फ़ायदा *लंबी* ट्रेनिंग के बाद बताते हैं; वह यहाँ नहीं परखा गया।

# %% [markdown] lang="en" name="bench-seconds-text"
# **Equal steps flatter whatever is dear.** What you pay with is not steps but *time*, and who takes dear steps takes fewer of them. So the same question once more, now at equal **seconds** of one core. The table puts both answers side by side:
# %% [markdown] lang="hi" of="6ef82058"
# **बराबर क़दम महँगी चीज़ों पर मेहरबान रहते हैं।** जेब से क़दम नहीं, *समय* जाता है; जिसका एक क़दम महँगा है, वह उतने ही समय में कम क़दम चल पाता है। इसलिए वही सवाल फिर से, इस बार एक कोर के बराबर **सेकंड** पर। तालिका में दोनों जवाब अगल-बगल हैं:
# %% name="bench-seconds"
at_steps = next(iter(by_steps.values()))
by_seconds = {budget: found for budget, found in runs.items() if budget not in by_steps}
for budget, found in by_seconds.items():
    plots.table(
        [
            [
                name,
                round(mean(rows, "steps")),
                mean(at_steps[name], "fid") if name in at_steps else None,
                mean(rows, "fid"),
                len(rows),
            ]
            for name, rows in sorted(found.items(), key=lambda item: mean(item[1], "fid"))
        ],
        columns=[
            t("our recipe, or one thing changed"),
            t("steps it got"),
            t("FID at equal steps"),
            t("FID at equal seconds"),
            t("seeds"),
        ],
        caption=t(
            "Read from benchmarks/gan.json: after {n} seconds of one core, means over the seeds",
            n=budget.split()[0],
        ),
    )
    worse = beyond(found)[0]
    print(
        t(
            "worse than ours with every seed at equal seconds, but not at equal steps: {names}",
            names=", ".join(sorted(set(worse) & set(at_steps) - set(beyond(at_steps)[0]))) or "–",
        )
    )
    for setting in ("width", "batch"):  # steps that cost several times as much
        (rows,) = (rows for name, rows in found.items() if name.startswith(settings[setting] + ":"))
        assert min(fids(rows)) > max(fids(found[settings["ours"]]))
        assert mean(rows, "steps") < 0.7 * mean(found[settings["ours"]], "steps")

# %% [markdown] lang="en" name="bench-seconds-after"
# Nothing about the big batch has got worse; it only had to pay. At equal steps one would take it for the best of all; at equal seconds it is far behind, for it has made far fewer steps. The wide network pays in the same way. A step with Muon is a little dearer too, and worth its price. (A clock also measures what else the machine was doing: compare only what lies far apart.) So always say *what* was equal. And beware of the reverse mistake: with hours to spend, or on a GPU, where a big batch costs hardly more than a small one, the answer can turn round.
# %% [markdown] lang="hi" of="c274fdf9"
# बड़ा बैच ख़राब नहीं हो गया; बस उसे दाम चुकाना पड़ा। क़दम बराबर हों, तो वही सबसे अच्छा लगता है; सेकंड बराबर हों, तो बहुत पीछे रह जाता है, क्योंकि क़दम बहुत कम चल पाया। चौड़ा नेटवर्क भी ऐसे ही दाम चुकाता है। Muon वाला क़दम भी थोड़ा महँगा है, पर अपना दाम वसूल कर देता है। (घड़ी यह भी नाप लेती है कि मशीन साथ में और क्या कर रही थी: उन्हीं की तुलना कीजिए जिनमें बड़ा फ़र्क़ है।) इसलिए हमेशा बताइए कि बराबर *क्या* रखा था। उलटी ग़लती से भी बचिए: घंटों का समय हो, या GPU हो, जहाँ बड़ा बैच छोटे से ज़रा ही महँगा पड़ता है, तो जवाब पलट सकता है।

# %% [markdown] lang="en" name="bench-minute-text"
# Now each recipe gets one minute; ours also with labels (the conditional GAN of section 13), and with labels *packed*, which is explained there. A last kind of label tells more: besides motif and colour also ground and symmetry, by one vector for each of the four, which are added up:
# %% [markdown] lang="hi" of="d4ea449b"
# अब हर नुस्ख़े को एक-एक मिनट; हमारा नुस्ख़ा लेबल के साथ भी (सेक्शन 13 का कंडीशनल GAN), और लेबल के साथ **पैकिंग (packing)** वाला भी, जो वहीं समझाई गई है। एक नुस्ख़े में लेबल और भी बताता है: आकृति और रंग के साथ पृष्ठभूमि और सममिति भी; चारों का एक-एक वेक्टर, और उनका जोड़:
# %% name="bench"
sets = {"rangoli": t("rangoli pictures"), "digits": t("digits")}
kinds_of = {
    "real pictures": t("real pictures"),
    "published": t("as published"),
    "ours": t("our recipe"),
    "ours, conditional": t("our recipe, with labels"),
    "ours, conditional, packed": t("our recipe, with labels, packed"),
    "ours, conditional, packed, by factors": t("our recipe, labels of all four factors, packed"),
}
plots.table(
    [
        [
            f"{sets[row['data']]}: {kinds_of[row['recipe']]}",
            row["steps"],
            *(row[key] for key in ("fid", "precision", "recall")),
            *(f"{row[key]}/{row['of']}" for key in ("covered", "covered5")),
        ]
        for row in sorted(bench, key=lambda row: row["data"] != "rangoli")
        if row["budget"] in ("–", "60 s") and row["seed"] == 0
    ],
    columns=[
        t("recipe"),
        t("steps"),
        t("FID"),
        t("precision"),
        t("recall"),
        t("modes, ≥ 1 picture"),
        t("modes, ≥ 5 pictures"),
    ],
    caption=t("Read from benchmarks/gan.json: 60 seconds of one core each, full size"),
)
minute = {
    row["recipe"]: row
    for row in bench
    if (row["data"], row["budget"], row["seed"]) == ("rangoli", "60 s", 0)
}
told_all = minute["ours, conditional, packed, by factors"]
for key, better in (("fid", min), ("recall", max)):
    others = [row[key] for row in minute.values() if row is not told_all]
    assert better(told_all[key], *others) == told_all[key]

# %% [markdown] lang="en" name="bench-after"
# Read the recall too. With labels alone the pictures of one wish are nearly all alike: precision rises, and recall falls to almost nothing. The label settles *what* to draw, and the generator learns to ignore its noise: a quiet collapse inside each kind. On rangoli the FID hardly notices; on digits it gets much worse, but cannot say why. Packing brings the recall back and pays for it with a little precision; section 13 says how.
#
# And **tell the networks all that you know.** In the last kind of label ground and symmetry are named too, so none of that has to be found in the noise: its row has the best FID and the best recall of all trained ones on rangoli. There are 768 such labels and only about 26 pictures of each; four vectors that are added up learn from all pictures that share a factor. The price: somebody must know the labels.
# %% [markdown] lang="hi" of="c25fedcc"
# रिकॉल भी पढ़िए। सिर्फ़ लेबल हों तो एक माँग के सारे चित्र लगभग एक-से हो जाते हैं: प्रिसिज़न बढ़ता है, रिकॉल लगभग शून्य हो जाता है। *क्या* बनाना है, यह लेबल ही तय कर देता है, और जनरेटर अपने शोर को अनदेखा करना सीख जाता है। यह हर क़िस्म के भीतर चुपचाप हुआ कोलैप्स है। रंगोली पर FID को लगभग पता ही नहीं चलता; अंकों पर वह बहुत बिगड़ता है, पर वजह नहीं बता पाता। पैकिंग से रिकॉल लौट आता है, बदले में ज़रा-सा प्रिसिज़न जाता है; कैसे, यह सेक्शन 13 में है।
#
# और **जो कुछ जानते हैं, नेटवर्क को सब बता दीजिए।** सबसे ज़्यादा बताने वाले लेबल में पृष्ठभूमि और सममिति भी हैं, तो वह सब शोर में से नहीं निकालना पड़ता: रंगोली पर जितने नुस्ख़े सिखाए गए, उनमें सबसे अच्छा FID और रिकॉल इसी का है। ऐसे 768 लेबल हैं और हर एक के बस क़रीब 26 चित्र; पर जुड़ने वाले चारों वेक्टर उन सारे चित्रों से सीखते हैं जिनमें वह आकृति, वह रंग, वह पृष्ठभूमि या वह सममिति है। क़ीमत: किसी को सारे लेबल पता होने चाहिए।

# %% [markdown] lang="en" name="collapse-text"
# ## 12 · Mode collapse on pictures, and its cure
#
# Not every recipe fails quietly. Here is one that collapses on demand: no normalisation in the discriminator, momentum 0.9, a generator that learns ten times as fast and takes three steps for one. It finds a picture that fools the discriminator *now*, and paints nothing else. When the discriminator has learnt that one, it jumps to the next.
#
# Then **the cure, from the very same weights**: nothing is started anew. Equal turns, the discriminator twice as fast as the generator, no momentum, and R1 so that it does not get too steep.
# %% [markdown] lang="hi" of="72ab23dd"
# ## 12 · चित्रों पर मोड कोलैप्स, और उसका इलाज
#
# हर नुस्ख़ा चुपचाप नहीं बिगड़ता। यह वाला तो जब चाहें तब ढह जाता है: डिस्क्रिमिनेटर में कोई नॉर्म नहीं, मोमेंटम 0.9, और जनरेटर दस गुना तेज़ सीखता है, ऊपर से एक के बदले तीन क़दम लेता है। उसे एक चित्र मिल जाता है जो *अभी* डिस्क्रिमिनेटर को चकमा दे देता है, और वह बस वही बनाता रहता है। डिस्क्रिमिनेटर उसे पहचान ले, तो अगले चित्र पर कूद जाता है।
#
# फिर **इलाज, ठीक उन्हीं भारों से**: कुछ भी नए सिरे से शुरू नहीं होता। बारी बराबर की, डिस्क्रिमिनेटर जनरेटर से दोगुना तेज़, मोमेंटम नहीं, और R1, ताकि ढाल बहुत तीखी न हो।
# %% name="collapse"
SICK_STEPS, CURE_STEPS = 60, 150
ill = GanConfig(
    loss="non-saturating",
    norm="none",
    width=16,
    batch=16,
    rates=(2e-3, 2e-4),
    betas=(0.9, 0.99),
    generator_steps=3,
    average=0.0,
)
cure = replace(ill, rates=(1e-3, 2e-3), betas=(0.0, 0.9), generator_steps=1, average=0.95, r1=0.2)
strip: list[tuple[str, Tensor]] = []


def film(steps: tuple[int, ...], word: str) -> Callable[[int, Trained], None]:
    """Keeps 10 pictures of the same noise at these steps."""

    def note(step: int, trained: Trained) -> None:
        if step in steps:
            strip.append(
                (
                    t("{word}, step {n}", word=word, n=step),
                    sample(trained.average, 10, seed=5, device=device),
                )
            )

    return note


sick = train_gan(
    ill, digit_images, steps=SICK_STEPS, device=device, note=film((20, 40, SICK_STEPS), t("ill"))
)
cured = train_gan(
    cure,
    digit_images,
    steps=CURE_STEPS,
    device=device,
    start=sick,
    note=film((40, 90, CURE_STEPS), t("cure")),
)
plots.show_images(
    [side_by_side(pictures) for _, pictures in strip],
    titles=[title for title, _ in strip],
    columns=2,
    zoom=1,
    colours=16,
    alt=t(
        "A strip of six rows of ten digits: three times ten all but equal blots, then after the cure ten different digits"
    ),
)
health = {}
for name, network in ((t("collapsed"), sick), (t("cured, same weights to start with"), cured)):
    pictures = sample(network.average, 1000, seed=6, device=device)
    seen = digit_judge(pictures)
    health[name] = {
        "covered": modes(digit_judge, seen).covered,
        "fid": frechet_distance(digit_features, seen),
        "spread": pictures.std(0).mean().item(),
    }
plots.table(
    [[name, *(row[key] for key in ("covered", "fid", "spread"))] for name, row in health.items()],
    columns=[t("1,000 digits"), t("digits of 10"), t("FID"), t("deviation between pictures")],
    caption=t("Collapse and cure"),
)
collapsed, mended = health.values()
assert collapsed["covered"] <= 2 and mended["covered"] >= 8 and mended["fid"] < collapsed["fid"] / 2
measured.append(
    [
        t("digits of 10 after the cure"),
        mended["covered"],
        collapsed["covered"],
        t("collapsed, where the cure began"),
    ]
)


# %% name="load-dcgan" tags=["export"]
def load_dcgan(device: torch.device | str = "cpu", name: str = "dcgan-rangoli") -> Generator:
    """The generator that ships with the course: 64 classes, motif × 8 + colour.

    FileNotFoundError, with the cure, where its file is missing.
    """
    path = Path(common.__file__).parent / "weights" / f"{name}.safetensors"
    if not path.is_file():
        raise FileNotFoundError(
            t("{path} is missing: `python3 course.py train dcgan` makes it.", path=path.name)
        )
    with safe_open(path, "pt") as file:
        made = {key: int(value) for key, value in (file.metadata() or {}).items()}
        state = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
    generator = Generator(**made)
    generator.load_state_dict(state)
    return generator.to(device).eval()


# %% [markdown] lang="en" name="control-text"
# ## 13 · Ask for it: the conditional GAN
#
# A GAN gives you *a* picture. Which one? z decides, and nobody knows which number of z means "red": it cannot be asked. The answer is to tell **both** networks what is wanted (Mirza & Osindero 2014). The generator gets the label beside the noise (in ours, by way of `style`, at every batch norm too). The discriminator must judge two things, *is it real?* and *is it what was asked for?*, and the **projection**
# of Miyato & Koyama (2018) adds exactly these two:
#
# $$D(x, y) = \psi(\varphi(x)) + \langle e_y,\ \textstyle\sum \varphi(x)\rangle$$
#
# φ(x) are the discriminator's 4 × 4 cells of features, ψ its last layer, $e_y$ a learnt vector for each label. You have seen it in 1.1: the dot product of a query and a key.
# %% [markdown] lang="hi" of="59367898"
# ## 13 · जो चाहिए वह माँगिए: कंडीशनल GAN
#
# GAN आपको *कोई एक* चित्र देता है। कौन-सा? यह z तय करता है, और z की कौन-सी संख्या का मतलब "लाल" है, कोई नहीं जानता: उससे माँगा नहीं जा सकता। उपाय यह है कि **दोनों** नेटवर्कों को बता दिया जाए कि क्या चाहिए (Mirza & Osindero 2014)। जनरेटर को शोर के साथ लेबल मिलता है (हमारे में `style` के रास्ते हर बैच नॉर्म पर भी)। डिस्क्रिमिनेटर को दो बातें परखनी हैं, *असली है?* और *वही है जो माँगा था?* Miyato और Koyama (2018) का **प्रोजेक्शन (projection)**
# ठीक यही दो हिस्से जोड़ता है:
#
# $$D(x, y) = \psi(\varphi(x)) + \langle e_y,\ \textstyle\sum \varphi(x)\rangle$$
#
# φ(x) डिस्क्रिमिनेटर के फ़ीचरों के 4 × 4 ख़ाने हैं, ψ उसकी आख़िरी लेयर, और $e_y$ हर लेबल का सीखा हुआ वेक्टर। यह आपने 1.1 में देखा है: क्वेरी-वेक्टर और की-वेक्टर का डॉट प्रोडक्ट।
# %% name="projection" tags=["nbval-check-output"]
with torch.random.fork_rng():
    torch.manual_seed(0)
    asked = Discriminator(norm="none", classes=64).eval()
with torch.no_grad():
    x, y = to_float(rangolis[:5]) * 2 - 1, kinds[:5]
    cells = asked.body(x)  # φ(x): [5, 128, 4, 4]
    real_part = asked.judge(cells).flatten()
    fits_part = (asked.embed.weight[y] * cells.sum((2, 3))).sum(1)
    print("two parts, one logit:", torch.allclose(asked(x, y), real_part + fits_part, atol=1e-5))


# %% [markdown] lang="en" name="control-grid-text"
# The generator that ships with the course was trained in this way for much longer than we have here (its card, `common/weights/dcgan-rangoli.md`, says how long; `course.py train dcgan` makes it anew). One strip per motif, in it one picture per colour. **The same z goes into all 64 pictures**: only the wish differs. (Here and there the ground turns too: noise and label are mixed.)
# %% [markdown] lang="hi" of="d3aafc2c"
# कोर्स के साथ आने वाला जनरेटर इसी तरह सीखा है, बस इस नोटबुक से कहीं ज़्यादा देर तक (कितनी देर, यह उसका कार्ड `common/weights/dcgan-rangoli.md` बताता है; `course.py train dcgan` उसे नए सिरे से बनाता है)। हर आकृति की एक पट्टी, उसमें हर रंग का एक चित्र। **सभी 64 चित्रों में एक ही z है**: अलग है सिर्फ़ हमारी माँग। (कहीं-कहीं पृष्ठभूमि भी बदल जाती है, क्योंकि शोर और लेबल आपस में मिल जाते हैं।)
# %% name="control-grid"
@torch.no_grad()
def draw_kinds(generator: nn.Module, z: Tensor, labels: Tensor) -> Tensor:
    """One z [latent] drawn as every label [N]: pictures [N, C, 32, 32] in 0…1."""
    place = next(generator.parameters()).device
    pictures = generator(z.to(place).expand(len(labels), -1), labels.to(place))
    return pictures.add(1).div(2).clamp(0, 1).cpu()


artist = load_dcgan(device)
one_z = torch.randn(artist.latent, generator=torch.Generator().manual_seed(7))
everything = torch.arange(64)
plots.show_images(
    [side_by_side(row) for row in draw_kinds(artist, one_z, everything).split(8)],
    titles=[getattr(motif, language()) for motif in MOTIFS],
    columns=2,
    zoom=1,
    colours=20,
    alt=t("Eight strips, one for each motif, each in eight colours, all drawn from the same noise"),
)


def obeyed(features: Tensor, labels: Tensor) -> list[float]:
    """How often the judge sees the wanted motif, the wanted colour, and both."""
    seen = judge.read(features)
    motif = seen["motif"].argmax(1).cpu() == labels // 8
    colour = seen["colour"].argmax(1).cpu() == labels % 8
    return [share.float().mean().item() for share in (motif, colour, motif & colour)]


wanted = torch.arange(2000) % 64
drawn = sample(artist, 2000, seed=8, device=device, labels=wanted)
drawn_features = judge(drawn)
mixed = wanted[torch.randperm(2000, generator=torch.Generator().manual_seed(9))]
rows = [
    [t("conditional: asked by label"), *obeyed(drawn_features, wanted)],
    [t("the same pictures, labels shuffled"), *obeyed(drawn_features, mixed)],
    [t("not conditional: cannot be asked"), *obeyed(judge(made), wanted)],
    [t("chance"), 1 / 8, 1 / 8, 1 / 64],
]
plots.table(
    rows,
    columns=[t("2,000 wishes"), t("motif right"), t("colour right"), t("both right")],
    caption=t("Does it draw what was asked for? The judge reads the pictures"),
)
assert rows[0][3] > 0.8 and rows[1][3] < 0.1 and rows[2][3] < 0.1
measured.append(
    [t("wish fulfilled (motif and colour)"), rows[0][3], rows[1][3], t("labels shuffled")]
)
# %% [markdown] lang="en" name="control-after"
# > **You may have read** that discrete control is what GANs lack, and that tokens (lesson 3) are needed for it. An *unconditional* GAN lacks it. With a label and a projection it obeys. What a label cannot do is carry a *sentence* that was never a class; for that lesson 3 uses words and attention.
# %% [markdown] lang="hi" of="966ac4b2"
# > **आपने पढ़ा होगा** कि GAN से नाम लेकर कोई चीज़ नहीं माँगी जा सकती (discrete control), और उसके लिए टोकन चाहिए (पाठ 3)। यह कमी *बिना लेबल वाले* GAN में है। लेबल और प्रोजेक्शन मिल जाएँ तो वह कहना मानता है। हाँ, लेबल से *वाक्य* नहीं समझाया जा सकता: जो माँग कभी क्लास थी ही नहीं, उसके लिए पाठ 3 में शब्द और ध्यान (attention) हैं।


# %% [markdown] lang="en" name="same-wish-text"
# ### The same wish, another noise
#
# Ask for the same thing again and again: does z still have a say? With labels alone it had next to none (see recall in the last table of section 11). Nothing asked for variety. The discriminator sees one picture at a time, and *one* good red lotus, drawn for every z, passes each time. (The minibatch deviation of section 7 would compare pictures of *different* wishes, which differ anyway.) **Packing** (Lin et al. 2018, *PacGAN*) lets it see **two pictures of the same wish at once**, stacked
# in the channels (`pack=2`: 6 channels instead of 3). Two equal pictures hardly ever come from the real set, so a generator that repeats itself is caught at once. The shipped generator learnt in this way. Twelve noises for one wish, above; real ones, below:
# %% [markdown] lang="hi" of="36d12682"
# ### वही माँग, दूसरा शोर
#
# एक ही चीज़ बार-बार माँगिए: क्या z की अब भी कुछ चलती है? सिर्फ़ लेबल हों तो लगभग नहीं (सेक्शन 11 की आख़िरी तालिका में रिकॉल देखिए)। विविधता तो किसी ने माँगी ही नहीं थी। डिस्क्रिमिनेटर एक बार में एक ही चित्र देखता है, और हर z पर *वही* अच्छा-सा लाल कमल बने, तो भी हर बार पास। (सेक्शन 7 का मिनीबैच का मानक विचलन *अलग-अलग* माँगों के चित्र मिलाकर देखता, और वे तो वैसे भी अलग होते हैं।) **पैकिंग (packing)** (Lin et al. 2018, *PacGAN*) में उसे **एक ही माँग के दो चित्र साथ-साथ** दिखते हैं, चैनलों में
# एक के ऊपर एक (`pack=2`: 3 की जगह 6 चैनल)। असली जोड़ियों में दो चित्र शायद ही कभी एक-से होते हैं, इसलिए जो जनरेटर ख़ुद को दोहराए वह तुरंत पकड़ा जाता है। कोर्स के साथ आया जनरेटर ऐसे ही सीखा है। ऊपर एक माँग पर बारह शोर; नीचे असली:
# %% name="same-wish"
def spread(features: Tensor, labels: Tensor) -> float:
    """How much the pictures of one label differ: the variance of their features, on average."""
    return sum(features[labels == y].var(0).sum().item() for y in range(64)) / 64


fresh_images, fresh_factors = rangoli(2000, seed=77)
fresh_kinds = fresh_factors.motif * len(COLOURS) + fresh_factors.colour
wish = 0  # the first motif in the first colour
plots.show_images(
    [side_by_side(pictures[labels == wish][:12])
     for pictures, labels in ((drawn, wanted), (to_float(fresh_images), fresh_kinds))],
    titles=[t("made"), t("real")],
    columns=1,
    zoom=2,
    colours=64,
    alt=t("Twelve pictures of one wish from twelve noises, above; twelve real ones of that kind, below"),
)  # fmt: skip
varied = spread(drawn_features, wanted)
real_varied = spread(judge(to_float(fresh_images)), fresh_kinds)
print(
    t(
        "variance between pictures of one wish: {share} of that of real pictures",
        share=f"{varied / real_varied:.0%}",
    )
)
assert varied > 0.45 * real_varied  # without packing: under 0.3
measured.append(
    [t("variance between pictures of one wish"), varied, real_varied, t("real pictures")]
)
# %% [markdown] lang="en" name="same-wish-after"
# For comparison: an earlier generator of this course, trained without packing (and without self-modulation and Muon, for fewer steps, on fewer pictures), varied less than a third as much as real pictures, and its recall was close to 0. Where *only* packing differs, you saw in section 11: the last table has the same minute with it and without. The recall of this one stands in the gallery below.
# %% [markdown] lang="hi" of="39c5472d"
# तुलना के लिए: इस कोर्स का एक पिछला जनरेटर बिना पैकिंग के सीखा था (स्व-मॉड्यूलेशन और Muon भी नहीं थे, क़दम और चित्र भी कम थे); उसके चित्रों में असली चित्रों के वेरिएंस की तिहाई भी नहीं थी, और रिकॉल शून्य के पास था। जहाँ फ़र्क़ *सिर्फ़* पैकिंग का है, वह आपने सेक्शन 11 में देखा: आख़िरी तालिका में वही एक मिनट, पैकिंग के साथ और बिना। इस जनरेटर का रिकॉल नीचे गैलरी में है।


# %% [markdown] lang="en" name="pick-text"
# **Try it.** Choose a motif and a colour, and walk from one noise to another: the wish stays, and what it leaves open can change: the ground, the turn, the number of petals. Neighbouring z are neighbouring pictures, so all of it changes little by little, the ground too. And there the generator gives itself away: between two grounds it paints a mixed one, which no real picture has.
# %% [markdown] lang="hi" of="ceda7f2e"
# **आज़माइए।** आकृति और रंग चुनिए, फिर एक शोर से दूसरे तक चलिए: माँग वही रहती है, और जो उसमें तय नहीं था वह बदल सकता है: पृष्ठभूमि, घुमाव, पंखुड़ियों की गिनती। पास-पास के z से पास-पास के चित्र बनते हैं, इसलिए सब कुछ धीरे-धीरे बदलता है, पृष्ठभूमि भी। और यहीं जनरेटर की पोल खुलती है: दो पृष्ठभूमियों के बीच वह मिला-जुला रंग भर देता है, जो किसी असली चित्र में नहीं होता।
# %% name="pick"
def draw_wish(motif: int, colour: int, walk: float) -> plt.Figure:
    """The wished rangoli for five noises beginning at `walk` of the way from one z to another."""
    ends = torch.randn(2, artist.latent, generator=torch.Generator().manual_seed(11))
    figure, axes = plt.subplots(1, 5, figsize=(6.4, 1.5), layout="constrained")
    label = torch.tensor([motif * len(COLOURS) + colour])
    for ax, share in zip(axes, torch.linspace(walk, 1, 5).tolist(), strict=True):
        z = math.cos(share * math.pi / 2) * ends[0] + math.sin(share * math.pi / 2) * ends[1]
        ax.imshow(draw_kinds(artist, z, label)[0].permute(1, 2, 0))
        ax.set(xticks=[], yticks=[])
        ax.set_title(f"{share:.0%}", fontsize=10)
    return figure


interact(
    draw_wish,
    motif={getattr(motif, language()): i for i, motif in enumerate(MOTIFS)},
    colour={getattr(colour, language()): i for i, colour in enumerate(COLOURS)},
    walk=(0.0, 0.9, 0.1),
    labels={"motif": t("motif"), "colour": t("colour"), "walk": t("start of the walk")},
    static=[{"motif": 0, "colour": 0, "walk": 0.0}, {"motif": 4, "colour": 5, "walk": 0.0}],
    alt=t("Five pictures of the chosen motif and colour on the way from one noise to another"),
)

# %% [markdown] lang="en" name="vae-text"
# ## 14 · The other way: a variational autoencoder
#
# What does a GAN have to beat? A plainer generative model (Kingma & Welling 2013). Two networks again, but now they **cooperate**:
#
# - an **encoder** turns a picture x into a small cloud in latent space: a mean μ and a deviation σ for each of 32 numbers;
# - a **decoder** turns a point z of that cloud back into the picture. It is the GAN's generator, layer for layer.
#
# New pictures come from z ~ N(0, 1), so the clouds must together look like N(0, 1). Hence two terms:
#
# $$\mathcal L = \underbrace{\tfrac{1}{2s^2}\|x-\hat x\|^2}_{\text{give the picture back}} \;+\; \underbrace{\tfrac12\sum_j\big(\mu_j^2+\sigma_j^2-1-\ln\sigma_j^2\big)}_{\text{KL}}$$
#
# s says how large an error of a pixel may be; the second term, the **KL divergence**, pulls each cloud towards N(0, 1).
#
# Drawing z is random, and no gradient passes through a draw. The **reparameterisation** moves the draw outside: z = μ + σ·ε with ε ~ N(0, 1). Then z is a smooth function of μ and σ.
# %% [markdown] lang="hi" of="7ec920a0"
# ## 14 · दूसरा रास्ता: वेरिएशनल ऑटोएनकोडर (variational autoencoder, VAE)
#
# GAN की तुलना किससे करें? उससे सीधे-सादे जनरेटिव मॉडल से (Kingma & Welling 2013)। यहाँ भी दो नेटवर्क हैं, पर ये **मिलकर** काम करते हैं:
#
# - **एनकोडर** चित्र x को लेटेंट स्पेस के एक छोटे-से बादल में बदलता है: 32 संख्याओं में हर एक का औसत μ और फैलाव σ;
# - **डिकोडर** उस बादल के किसी बिंदु z से चित्र वापस बनाता है। लेयर-दर-लेयर यह GAN का जनरेटर ही है।
#
# नए चित्र z ~ N(0, 1) से बनेंगे, इसलिए सारे बादल मिलकर N(0, 1) जैसे दिखने चाहिए। तो लॉस के दो हिस्से हैं:
#
# $$\mathcal L = \underbrace{\tfrac{1}{2s^2}\|x-\hat x\|^2}_{\text{चित्र लौटाना}} \;+\; \underbrace{\tfrac12\sum_j\big(\mu_j^2+\sigma_j^2-1-\ln\sigma_j^2\big)}_{\text{KL}}$$
#
# s बताता है कि पिक्सल की कितनी चूक चलेगी; दूसरा हिस्सा, **KL डाइवर्जेंस (KL divergence)**, हर बादल को N(0, 1) की ओर खींचता है।
#
# z का चुनाव एक लॉटरी है, और लॉटरी के आर-पार ग्रेडिएंट नहीं निकलता। **रीपैरामीटराइज़ेशन (reparameterisation)** लॉटरी को बाहर कर देता है: z = μ + σ·ε, जहाँ ε ~ N(0, 1)। अब z सीधे μ और σ का चिकना (smooth) फ़ंक्शन है।
# %% name="reparameterise" tags=["nbval-check-output"]
mean, log_variance = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
lucky = torch.tensor([1.5])  # ε, drawn before
z = mean + (log_variance / 2).exp() * lucky
z.backward()
print("dz/dμ =", mean.grad.item(), "  dz/d ln σ² = σ·ε/2 =", log_variance.grad.item())

with torch.no_grad():
    print("drawn outright: has a gradient?", torch.normal(mean, 1.0).requires_grad)


def kl(mean: float, deviation: float) -> float:
    """KL(N(mean, deviation²) ‖ N(0, 1))."""
    return 0.5 * (mean**2 + deviation**2 - 1 - 2 * math.log(deviation))


for mean_, deviation in ((0, 1), (1, 1), (0, 0.1)):
    print(f"KL of mean {mean_}, deviation {deviation}: {kl(mean_, deviation):.2f}")


# %% name="vae"
class VAE(nn.Module):
    """Pictures [N, channels, 32, 32] in -1…1 -> clouds of `latent` numbers -> pictures.

    Its decoder is a `Generator`, so that VAE and GAN draw with the same layers.
    """

    def __init__(self, channels: int = 3, width: int = 32, latent: int = 64) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(2),  # [N, 4·channels, 16, 16]
            nn.Conv2d(4 * channels, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, 2, 1),  # [N, 2·width, 8, 8]
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 4, 2, 1),  # [N, 4·width, 4, 4]
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(64 * width, 2 * latent),
        )
        self.decoder = Generator(channels, width, latent)

    def forward(self, images: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """noise [N, latent] is ε. Returns the pictures again, the means and the log variances."""
        mean, log_variance = self.encoder(images).chunk(2, dim=1)
        z = mean + (log_variance / 2).exp() * noise
        return self.decoder(z), mean, log_variance


def vae_loss(
    images: Tensor, again: Tensor, mean: Tensor, log_variance: Tensor, deviation: float = 0.3
) -> Tensor:
    """−ELBO of one picture on average, without its constant. deviation: the pixels' s."""
    error = (images - again).square().sum((1, 2, 3)) / (2 * deviation**2)
    divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2
    return (error + divergence).mean()


# %% name="train-vae"
def train_vae(
    images: Tensor,
    *,
    steps: int,
    seed: int = 0,
    device: torch.device | str = "cpu",
    batch: int = 32,
    width: int = 16,
    held_out: Tensor | None = None,
) -> tuple[VAE, list[float], list[float]]:
    """Train on pictures uint8 [N, C, 32, 32]: the VAE, its losses, and those of `held_out`.

    The second list has one number for each tenth of the way: of pictures that it never trains on.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        vae = (
            VAE(images.shape[1], width, latent=32)
            .to(device, memory_format=torch.channels_last)
            .train()
        )
    optimizer = torch.optim.Adam(vae.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, steps)
    lot = torch.Generator().manual_seed(seed)
    losses, checks = [], []

    def loss_of(pictures: Tensor) -> Tensor:
        real = pictures.to(device, memory_format=torch.channels_last).float() / 127.5 - 1
        noise = torch.randn(len(real), vae.decoder.latent, generator=lot).to(device)
        return vae_loss(real, *vae(real, noise))

    for step in range(steps):
        loss = loss_of(images[torch.randint(len(images), (batch,), generator=lot)])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if held_out is not None and (step + 1) % max(1, steps // 10) == 0:
            vae.eval()
            with torch.no_grad():
                checks.append(loss_of(held_out).item())
            vae.train()
    return vae.eval(), losses, checks


# %% [markdown] lang="en" name="vae-converges-text"
# Now train it, on digits, for a few seconds. There is one loss for both networks, and nobody works against it.
# %% [markdown] lang="hi" of="426179b1"
# अब इसे कुछ सेकंड अंकों पर सिखाइए। दोनों नेटवर्कों का एक ही लॉस है, और कोई उसके ख़िलाफ़ काम नहीं कर रहा।
# %% name="vae-converges"
held_out = digits(size=32, split="test")[0][:200]
vae, losses, checks = train_vae(
    digits(size=32, split="train")[0], steps=120, batch=32, device=device, held_out=held_out
)
figure, ax = plt.subplots(figsize=(6, 2.8), layout="constrained")
ax.plot(losses, color=plots.COLOURS[0], alpha=0.5, label=t("training"))
ax.plot(range(11, 120, 12), checks, "o-", color=plots.COLOURS[1], label=t("pictures it never saw"))
ax.set(yscale="log", xlabel=t("step"), ylabel=t("VAE loss (lower is better)"))
ax.set_title(t("A VAE converges: its loss on new pictures only falls"))
ax.legend()
plots.show(figure, alt=t("The VAE's loss falls steadily, on training pictures and on new ones"))
falls = [after < before for before, after in itertools.pairwise(checks)]
print(
    t("the loss on new pictures fell in {falls} of {all} checks", falls=sum(falls), all=len(falls))
)
assert sum(falls) >= len(falls) - 1 and checks[-1] < 0.3 * losses[0]


# %% name="vae-blurs"
@torch.no_grad()
def draw(decoder: nn.Module, count: int, seed: int = 0) -> Tensor:
    """Pictures in 0…1 [count, 1, 32, 32] from z ~ N(0, 1)."""
    z = torch.randn(count, decoder.latent, generator=torch.Generator().manual_seed(seed))
    return decoder(z.to(device)).add(1).div(2).clamp(0, 1).cpu()


def sharpness(images: Tensor) -> float:
    """Energy of the differences between neighbouring pixels: edges have it, blur has not."""
    return sum(images.diff(dim=dim).square().mean().item() for dim in (2, 3))


real = real_images("digits", 1000)
with torch.no_grad():
    mean = vae.encoder((2 * real - 1).to(device)).chunk(2, dim=1)[0]
    again = vae.decoder(mean).add(1).div(2).clamp(0, 1).cpu()
drawn = draw(vae.decoder, 1000)
plots.show_images(
    [side_by_side(pictures[:12]) for pictures in (real, again, drawn)],
    titles=[t("real"), t("VAE: given back"), t("VAE: new")],
    columns=1,
    zoom=2,
    colours=16,
    alt=t(
        "Twelve real digits, the same twelve given back by the VAE, blurred, and twelve new ones, even more so"
    ),
)
rows = [
    [
        name,
        sharpness(images) / sharpness(real),
        frechet_distance(digit_features[:1000], digit_judge(images)),
    ]
    for name, images in {
        t("real, other digits"): real_images("digits", 1000, seed=2),
        t("VAE: given back"): again,
        t("VAE: new"): drawn,
    }.items()
]
plots.table(
    rows,
    columns=[t("pictures"), t("sharpness, real = 1"), t("FID, 1,000 pictures")],
    caption=t("The VAE's pictures have lost most of their edges"),
)
assert rows[2][1] < 0.6 < 0.9 < rows[0][1] and rows[2][2] > 5 * rows[0][2]

# %% [markdown] lang="en" name="read-vae"
# > **You may have read** "a VAE does not converge on paintings". It does: the loss above (of digits, but nothing in it depends on that) fell at each check, also on pictures that it never saw, and it is one plain minimisation, easier than a GAN's game. What a *small* VAE does is **blur**, and the loss asks for it. Where several
# > pictures are possible, the squared error is least for their *average*; a discriminator would see at once that averages are not real. It is no law, either: deep hierarchical VAEs give sharp faces (Vahdat & Kautz 2020).
# %% [markdown] lang="hi" of="f4daccbc"
# > **आपने पढ़ा होगा** "VAE पेंटिंग पर कन्वर्ज नहीं होता"। होता है: ऊपर लॉस हर जाँच में घटा (चित्र अंकों के थे, पर लॉस में ऐसा कुछ नहीं जो अंकों पर टिका हो), अनदेखे चित्रों पर भी; यहाँ बस एक लॉस को घटाना है, जो GAN की होड़ से आसान है। हाँ, *छोटा* VAE **धुँधले चित्र** बनाता है, और लॉस ख़ुद यही माँगता है। जहाँ कई चित्र संभव हों,
# > वहाँ त्रुटि के वर्ग का औसत (squared error) उनके *औसत* पर सबसे कम होता है; डिस्क्रिमिनेटर औसत को देखते ही कह देता कि यह असली नहीं। पर यह भी कोई नियम नहीं: गहरे, कई स्तरों वाले VAE साफ़ चेहरे बनाते हैं (Vahdat & Kautz 2020)।

# %% [markdown] lang="en" name="keep-text"
# ## 15 · When Colab goes away
#
# A real training runs for hours, and free machines vanish. With `folder=` the run is kept: both networks, the average, all optimisers, the random numbers and the step. Run the cell again and it goes on, **to the same bits** as if nothing had happened. `keep_folder("my-gan")` is a folder of your Google Drive if it is mounted, else one beside the course. The ■ button (an
# interrupt) ends a training cleanly, with what was learnt.
#
# Here we break a run off after 4 of 8 steps, and compare it with one that was left alone.
# %% [markdown] lang="hi" of="5814af84"
# ## 15 · Colab बीच में चला जाए तो
#
# असली ट्रेनिंग घंटों चलती है, और मुफ़्त की मशीन कभी भी ग़ायब हो सकती है। `folder=` देने पर सब कुछ सहेजा जाता है: दोनों नेटवर्क, औसत, सारे ऑप्टिमाइज़र, रैंडम संख्याएँ और क़दम। सेल फिर से चलाइए और काम वहीं से आगे बढ़ेगा, **एक-एक बिट वैसा ही** जैसे कुछ हुआ ही न हो। Google Drive जुड़ी हो तो `keep_folder("my-gan")` उसी का एक फ़ोल्डर है, नहीं तो कोर्स के बग़ल का। ■ बटन (interrupt) ट्रेनिंग को
# सलीक़े से रोकता है; तब तक जो सीखा गया, वह बचा रहता है।
#
# यहाँ हम एक ट्रेनिंग को 8 में से 4 क़दम पर तोड़ देते हैं और उसकी तुलना उससे करते हैं जिसे किसी ने नहीं छेड़ा।
# %% name="keep" tags=["nbval-check-output"]
tiny = GanConfig(width=4, batch=8)
with tempfile.TemporaryDirectory() as folder:  # you: folder = keep_folder("my-gan")
    train_gan(tiny, digit_images, steps=4, device=device, folder=Path(folder))
    kept = sorted(path.name for path in Path(folder).iterdir())
    resumed = train_gan(tiny, digit_images, steps=8, device=device, folder=Path(folder))
whole = train_gan(tiny, digit_images, steps=8, device=device)
print("kept:", kept[-1])
same = zip(whole.generator.parameters(), resumed.generator.parameters(), strict=True)
print("broken off and resumed = left alone:", all(torch.equal(a, b) for a, b in same))

# %% [markdown] lang="en" name="gallery-text"
# ## 16 · Gallery: real or made?
#
# The shipped generator against the real thing, nothing picked out. One strip of each pair is real. Guess before you read on. Below stands what the judge says: *precision* (how many look real) and *recall* (how much of the real variety there is).
# %% [markdown] lang="hi" of="49c400ac"
# ## 16 · गैलरी: असली या बनाया हुआ?
#
# कोर्स के साथ आया जनरेटर असली के सामने, एक भी चित्र छाँटा नहीं गया। हर जोड़ी में एक पट्टी असली है। पढ़ने से पहले अंदाज़ा लगाइए। नीचे लिखा है कि जज क्या कहता है: *प्रिसिज़न* (कितने असली जैसे हैं) और *रिकॉल* (असली की कितनी विविधता इनमें है)।
# %% name="gallery"
drawn = sample(artist, 2000, seed=12, device=device, labels=fresh_kinds)
rows = [
    side_by_side(part)
    for pair in zip(drawn[:36].split(12), to_float(fresh_images[:36]).split(12), strict=True)
    for part in pair
]
plots.show_images(
    rows,
    titles=["A", "B", "C", "D", "E", "F"],
    columns=1,
    zoom=2,
    colours=24,
    alt=t(
        "Six strips of twelve rangoli; A, C and E are made by the generator, B, D and F are real"
    ),
)
print(t("Made by the generator: {strips}", strips="A, C, E"))
shipped = gan_report(judge, known, drawn)
plots.table(
    [
        [name, *(row[key] for key in ("fid", "kid", "precision", "recall", "covered", "covered5"))]
        for name, row in (
            (t("real, other pictures"), floor),
            (t("the shipped generator"), shipped),
            (t("after {n} steps", n=LIVE_STEPS), trained_row),
        )
    ],
    columns=[
        t("2,000 rangoli"),
        t("FID"),
        t("KID"),
        t("precision"),
        t("recall"),
        t("modes, ≥ 1 picture"),
        t("modes, ≥ 5 pictures"),
    ],
    caption=t("The shipped generator between real pictures and our live training"),
)
assert shipped["covered"] >= 60 and shipped["fid"] < trained_row["fid"]
measured += [
    [t("shipped generator: FID"), shipped["fid"], trained_row["fid"], t("live training")],
    [
        t("shipped generator: modes of 64"),
        shipped["covered"],
        trained_row["covered"],
        t("live training"),
    ],
]

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

# %% [markdown] lang="en" name="finish"
# ## Exercises, and where this leads
#
# - Write the losses, find the bugs and predict what collapses in the [exercises](exercises.en.ipynb).
# - [2.3](3-bigger-pictures.en.ipynb) goes on to bigger pictures, to StyleGAN, and to **your own images**.
# - In lesson 3 this discriminator turns a blurry autoencoder into a VQGAN; the judge and its measures stay with you to the end of the course.
#
# **References.** Goodfellow et al. 2014 ([1406.2661](https://arxiv.org/abs/1406.2661)) · Kingma & Welling 2013, *VAE* ([1312.6114](https://arxiv.org/abs/1312.6114)) · Radford et al. 2015, *DCGAN* ([1511.06434](https://arxiv.org/abs/1511.06434)) · Odena et al. 2016, *checkerboards* ([doi](https://doi.org/10.23915/distill.00003)) · Heusel et al. 2017, *FID, TTUR* ([1706.08500](https://arxiv.org/abs/1706.08500)) ·
# Karras et al. 2017 ([1710.10196](https://arxiv.org/abs/1710.10196)) · Chen et al. 2018, *self-modulation* ([1810.01365](https://arxiv.org/abs/1810.01365)) · Lin et al. 2018, *PacGAN* ([1712.04086](https://arxiv.org/abs/1712.04086)) · Miyato et al. 2018, *spectral norm* ([1802.05957](https://arxiv.org/abs/1802.05957)) · Miyato & Koyama 2018, *projection* ([1802.05637](https://arxiv.org/abs/1802.05637)) · Mescheder et al. 2018, *R1* ([1801.04406](https://arxiv.org/abs/1801.04406)) · Bińkowski et al. 2018, *KID* ([1801.01401](https://arxiv.org/abs/1801.01401)) ·
# Kynkäänniemi et al. 2019 ([1904.06991](https://arxiv.org/abs/1904.06991)) · Mirza & Osindero 2014 ([1411.1784](https://arxiv.org/abs/1411.1784)) · Vahdat & Kautz 2020, *NVAE* ([2007.03898](https://arxiv.org/abs/2007.03898)) · Jordan et al. 2024, *Muon* ([kellerjordan.github.io/posts/muon](https://kellerjordan.github.io/posts/muon/))
# %% [markdown] lang="hi" of="99a79c50"
# ## अभ्यास, और आगे का रास्ता
#
# - [अभ्यास](exercises.hi.ipynb) में लॉस ख़ुद लिखिए, ग़लतियाँ ढूँढिए, और पहले से बताइए कि क्या ढहेगा।
# - [2.3](3-bigger-pictures.hi.ipynb) आगे ले जाती है: बड़े चित्र, StyleGAN, और **आपके अपने चित्र**।
# - पाठ 3 में यही डिस्क्रिमिनेटर एक धुँधले ऑटोएनकोडर को VQGAN बनाता है; जज और उससे नापने के ये तरीक़े कोर्स के आख़िर तक साथ रहेंगे।
#
# **संदर्भ।** Goodfellow et al. 2014 ([1406.2661](https://arxiv.org/abs/1406.2661)) · Kingma & Welling 2013, *VAE* ([1312.6114](https://arxiv.org/abs/1312.6114)) · Radford et al. 2015, *DCGAN* ([1511.06434](https://arxiv.org/abs/1511.06434)) · Odena et al. 2016, *checkerboards* ([doi](https://doi.org/10.23915/distill.00003)) · Heusel et al. 2017, *FID, TTUR* ([1706.08500](https://arxiv.org/abs/1706.08500)) ·
# Karras et al. 2017 ([1710.10196](https://arxiv.org/abs/1710.10196)) · Chen et al. 2018, *self-modulation* ([1810.01365](https://arxiv.org/abs/1810.01365)) · Lin et al. 2018, *PacGAN* ([1712.04086](https://arxiv.org/abs/1712.04086)) · Miyato et al. 2018, *spectral norm* ([1802.05957](https://arxiv.org/abs/1802.05957)) · Miyato & Koyama 2018, *projection* ([1802.05637](https://arxiv.org/abs/1802.05637)) · Mescheder et al. 2018, *R1* ([1801.04406](https://arxiv.org/abs/1801.04406)) · Bińkowski et al. 2018, *KID* ([1801.01401](https://arxiv.org/abs/1801.01401)) ·
# Kynkäänniemi et al. 2019 ([1904.06991](https://arxiv.org/abs/1904.06991)) · Mirza & Osindero 2014 ([1411.1784](https://arxiv.org/abs/1411.1784)) · Vahdat & Kautz 2020, *NVAE* ([2007.03898](https://arxiv.org/abs/2007.03898)) · Jordan et al. 2024, *Muon* ([kellerjordan.github.io/posts/muon](https://kellerjordan.github.io/posts/muon/))
