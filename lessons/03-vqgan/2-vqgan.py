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
# # 3.2 · VQGAN: what the pixels cannot say
#
# The VQ-VAE of [3.1](1-vqvae.en.ipynb) restores a rangoli from 64 codes, but softly: petals run into each other, thin lines fade. Two networks cure that. One has learnt to *see* and says whether two pictures look alike; the other is the appraiser of lesson 2 and says of every
# patch whether it could be real. VQ-VAE + these two = **VQGAN**. Here you add them one at a time, measure what each is worth and what it costs, and break the whole to see what holds it together.
#
# **You need** [3.1](1-vqvae.en.ipynb) (codes, codebook) [2.1](../../02-gan/notebooks/1-adversarial-game.en.ipynb) (the adversarial game) and, of [2.2](../../02-gan/notebooks/2-dcgan.en.ipynb), the hinge loss, the spectral norm and FID.
# **Time**: about an hour to read and try; *Run all* takes a minute and a half on two CPU cores.
# %% [markdown] lang="hi" of="4fb2ec57"
# # 3.2 · VQGAN: जो बात पिक्सल नहीं कह पाते
#
# [3.1](1-vqvae.hi.ipynb) का VQ-VAE 64 कोडों से रंगोली वापस बना देता है, पर कुछ धुँधली: पंखुड़ियाँ आपस में घुल जाती हैं, महीन लकीरें मिट जाती हैं। इसका इलाज दो नेटवर्क करते हैं। एक *देखना* सीख चुका है और बताता है कि दो चित्र देखने में मिलते हैं या नहीं; दूसरा पाठ 2 का पारखी है, जो हर
# पैच के बारे में कहता है कि यह असली हो सकता है या नहीं। VQ-VAE + ये दोनों = **VQGAN**। यहाँ आप इन्हें एक-एक करके जोड़ेंगे, नापेंगे कि किससे क्या मिला और क्या गया, और फिर पूरे ढाँचे को तोड़कर देखेंगे कि वह टिका किस पर है।
#
# **क्या आना चाहिए**: [3.1](1-vqvae.hi.ipynb) (कोड, कोडबुक), [2.1](../../02-gan/notebooks/1-adversarial-game.hi.ipynb) (टक्कर का खेल), और [2.2](../../02-gan/notebooks/2-dcgan.hi.ipynb) से हिंज लॉस, स्पेक्ट्रल नॉर्म और FID।
# **समय**: पढ़ने और आज़माने में लगभग एक घंटा; *Run all* दो CPU कोर पर डेढ़ मिनट लेता है।
# %% tags=["start"]
# %% name="imports" tags=["export"]
import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from einops import rearrange
from matplotlib.figure import Figure
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

import common
from common import plots
from common.data import image_folder, photographs
from common.gan import (
    Discriminator,
    frechet_distance,
    hinge_discriminator_loss,
    hinge_generator_loss,
    load_dcgan,
    sample,
)
from common.interact import interact
from common.lang import t
from common.metrics import HEADS, Judge, load_judge, modes
from common.rangoli import Factors, rangoli
from common.training import Training
from common.vqgan import VQVAE, Decoder, Encoder, psnr, reconstruction_loss, usage

# %% name="preview"
# Where we are going: in each pair the original above, and below it what 64 codes of 8 bits give back
from common.vqgan import load_vqgan, restore, signed, vqgan_report


def side_by_side(pictures: Tensor) -> Tensor:
    """[N, 3, H, W] -> one strip [3, H, N·W]."""
    return rearrange(pictures, "n c h w -> c h (n w)")


def in_pairs(originals: Tensor, copies: Tensor) -> Tensor:
    """Each original above its copy, both in -1…1 or uint8: [N, 3, 64, 32] in 0…1."""
    return torch.cat([signed(originals), signed(copies)], dim=2).add(1).div(2).clamp(0, 1)


test, test_factors = rangoli(500, seed=65)  # no network here was trained on them
shipped = load_vqgan(device)
plots.show_images(
    in_pairs(test[:16], restore(shipped, test[:16])[0]),
    columns=8,
    zoom=2,
    colours=64,
    alt=t("Sixteen rangoli, each above its copy restored from 64 codes"),
)

# %% [markdown] lang="en" name="warm-up"
# **Warm-up.** The quiz at the start of [3.1](1-vqvae.en.ipynb) serves the whole lesson. One question to keep in mind here: *of two copies of a picture, the one with the smaller pixel error is the better one. Is it?*
#
# ## 1 · What a pixel loss leaves blurred
#
# The smallest picture: a row of 16 pixels, with one thin bright line. Suppose the codes tell the decoder that there *is* a line, but not exactly where: five places are equally likely. What should it draw?
# %% [markdown] lang="hi" of="ac67d63a"
# **शुरुआती सवाल।** [3.1](1-vqvae.hi.ipynb) के शुरू का क्विज़ पूरे पाठ के लिए है। यहाँ एक सवाल मन में रखिए: *एक ही चित्र की दो नक़लों में जिसकी पिक्सल-ग़लती कम हो, वही बेहतर है। क्या सचमुच?*
#
# ## 1 · पिक्सल वाला लॉस क्या धुँधला छोड़ देता है
#
# सबसे छोटा चित्र लीजिए: 16 पिक्सल की एक क़तार, जिसमें एक पतली चमकीली लकीर है। मान लीजिए, कोड डिकोडर को इतना बताते हैं कि लकीर *है*, पर ठीक कहाँ, यह नहीं: पाँच जगहें बराबर संभव हैं। डिकोडर क्या बनाए?
# %% name="thin-line"
truths = torch.eye(16)[3:12:2]  # [5, 16]: five pictures, each as likely as the others
answers = {
    t("the mean of the five"): truths.mean(0),
    t("the median of the five"): truths.median(0).values,
    t("one of the five"): truths[1],
}
rows = [
    [
        name,
        (truths - answer).square().sum(1).mean(),
        (truths - answer).abs().sum(1).mean(),
        answer.max(),
        bool((truths == answer).all(1).any()),
    ]
    for name, answer in answers.items()
]
figure, axes = plt.subplots(3, 1, figsize=(6, 1.9), layout="constrained")
for ax, (name, answer) in zip(axes, answers.items(), strict=True):
    ax.imshow(answer[None], cmap="gray", vmin=0, vmax=1, aspect="auto")
    ax.set(xticks=[], yticks=[])
    ax.set_ylabel(name, rotation=0, ha="right", va="center")
figure.suptitle(t("The least pixel error is not a picture"), fontsize=10)
plots.show(figure, alt=t("Three rows of pixels: five faint smears; nothing; one bright line"))
plots.table(
    rows,
    columns=[
        t("answer"),
        t("squared error"),
        t("absolute error"),
        t("brightest pixel"),
        t("could be real?"),
    ],
    caption=t("Mean errors over the five possible truths"),
)
(mean_2, median_2, guess_2), (mean_1, median_1, guess_1) = (
    [row[i] for row in rows] for i in (1, 2)
)
assert mean_2 < median_2 < guess_2 and median_1 < guess_1


# %% [markdown] lang="en" name="thin-line-read"
# The squared error (L2) wants a grey smear; the absolute error (L1) wants *no line at all*. The only answer that could be real has the worst squared error, and no better absolute error than the smear. So do not blame the decoder: it answers exactly what it is asked. **Ask it something else.** And expect a price: whoever draws crisp lines without knowing where
# they are, pays in pixel error (and so in PSNR, its logarithm).
#
# To see whether a picture is blurred, `sharpness` takes the mean difference of neighbouring pixels, as a share of the original's: below 1 is blurred, above 1 harsh or noisy.
# %% [markdown] lang="hi" of="6a75f623"
# वर्ग-ग़लती (squared error, L2) को स्लेटी धब्बा चाहिए; निरपेक्ष ग़लती (absolute error, L1) को तो लकीर *चाहिए ही नहीं*। जो अकेला जवाब असली हो सकता है, उसकी वर्ग-ग़लती सबसे बुरी है, और निरपेक्ष ग़लती धब्बे से बेहतर नहीं। यानी क़सूर डिकोडर का नहीं: उससे जो पूछा जाता है, वह ठीक उसी का जवाब देता है। **सवाल बदलिए।** और दाम चुकाने को तैयार रहिए: लकीर कहाँ है,
# यह जाने बिना जो साफ़ लकीर खींचेगा, उसकी पिक्सल-ग़लती बढ़ेगी (और PSNR घटेगा, जो उसी का लघुगणक है)।
#
# चित्र धुँधला है या नहीं, यह `sharpness` बताता है: पड़ोसी पिक्सलों का औसत फ़र्क़, मूल चित्र के मुक़ाबले। 1 से कम यानी धुँधला, 1 से ज़्यादा यानी ज़रूरत से ज़्यादा तीखा या शोर भरा।
# %% name="sharpness" tags=["export"]
def signed(images: Tensor) -> Tensor:
    """Pictures [N, 3, 32, 32], uint8 or float in -1…1, as float; ValueError names a cure."""
    if images.ndim != 4 or images.shape[1:] != (3, 32, 32):
        raise ValueError(
            t("Pictures must be [N, 3, 32, 32], not {shape}", shape=list(images.shape))
        )
    if images.dtype == torch.uint8:
        images = images.float() / 127.5 - 1
    return images.contiguous(memory_format=torch.channels_last)


def sharpness(pictures: Tensor) -> float:
    """How much neighbouring pixels differ, on the mean, in grey: pictures [N, C, H, W].

    A blurred copy has less than its original, noise has more: read it as a share of the original's.
    """
    grey = pictures.float().mean(1)
    across, down = grey.diff(dim=2), grey.diff(dim=1)
    return (across.abs().mean() + down.abs().mean()).item()


# %% [markdown] lang="en" name="trunk-text"
# Train a VQ-VAE for 150 steps with the pixel loss alone. (`train_vqgan` is built in section 5; with both its weights at 0 it is the loop of 3.1.) This is the common **trunk**: all variants below go on from it.
# %% [markdown] lang="hi" of="9abd341f"
# सिर्फ़ पिक्सल वाले लॉस से 150 क़दम VQ-VAE सिखाइए। (`train_vqgan` सेक्शन 5 में बनेगा; उसके दोनों भार 0 हों तो वह 3.1 वाला लूप ही है।) यह हमारा साझा **तना** है: आगे के सारे रूप इसी से निकलेंगे।
# %% name="trunk"
from common.vqgan import TrainedVqgan, train_vqgan

images, factors = rangoli(4000, seed=50, split="train")
judge = load_judge("rangoli", device)  # it measures, and trains nothing
trunk_at_60 = {}  # for section 6


def look_at_60(step: int, trained: TrainedVqgan) -> None:
    if step == 60:
        trunk_at_60.update(vqgan_report(trained.model, test, test_factors, judge))


trunk = train_vqgan(
    images,
    steps=150,
    perceptual=0,
    adversarial=0,
    width=48,  # narrower than by default: it learns a third faster
    batch=32,
    seed=0,
    device=device,
    note=look_at_60,
)
trunk_report = vqgan_report(trunk.model, test, test_factors, judge)
plots.show_images(
    in_pairs(test[:8], restore(trunk.model, test[:8])[0]),
    columns=8,
    zoom=3,
    colours=64,
    alt=t("Eight rangoli above their copies: the copies have soft edges and faded colours"),
)
print(
    t(
        "pixel loss alone, 150 steps: PSNR {psnr:.1f} dB, sharpness {sharpness:.2f}, codes used {used}",
        **{key: trunk_report[key] for key in ("psnr", "sharpness", "used")},
    )
)
assert trunk_report["sharpness"] < 1 and trunk_report["used"] > 200


# %% [markdown] lang="en" name="perceptual-text"
# ## 2 · Compare what is seen, not what is stored
#
# A network that can name motif, colour, ground and symmetry has layers that see edges, corners, petals. Let it look at both pictures and compare *those* numbers: the **perceptual loss**. Gatys et al. (2015) and Johnson et al. (2016) did so with VGG; VQGAN takes LPIPS (Zhang et al. 2018), which also weights the layers by what people judged to be alike. Our
# eye is small: a **feature network** of 180,000 numbers, trained on the course's own pictures, then frozen.
#
# One rule of honest measuring: **the network that measures must not teach.** The judge of the tables has other layers, another seed and no part in any loss.
# %% [markdown] lang="hi" of="cfa136e8"
# ## 2 · जो जमा है वह नहीं, जो दिखता है उसे मिलाइए
#
# जो नेटवर्क आकृति, रंग, पृष्ठभूमि और सममिति पहचान लेता है, उसकी लेयरें किनारे, कोने, पंखुड़ियाँ देखती हैं। वह दोनों चित्र देखे और हम *उन* संख्याओं की तुलना करें: यही **परसेप्चुअल लॉस (perceptual loss)** है। Gatys et al. (2015) और Johnson et al. (2016) ने यह काम VGG से लिया; VQGAN में LPIPS (Zhang et al. 2018) है, जो लेयरों को इस हिसाब से भार भी देता है कि लोगों को क्या मिलता-जुलता लगा। हमारी
# आँख छोटी है: 1,80,000 संख्याओं का **फ़ीचर नेटवर्क (feature network)**, जो कोर्स के ही चित्रों पर सीखा और फिर फ़्रीज़ कर दिया गया।
#
# ईमानदारी से नापने का एक नियम: **जो नेटवर्क नापता है, वह सिखाए नहीं।** तालिकाओं वाले जज की लेयरें अलग हैं, seed अलग है, और वह किसी लॉस में शामिल नहीं।
# %% name="feature-net" tags=["export"]
class FeatureNet(nn.Module):
    """Looks at pictures [N, 3, 32, 32] in -1…1 as a small VGG does: convolve, halve, convolve.

    `features` gives what it sees on three scales, forward the logits of {motif, colour, ground,
    symmetry}. Trained as a classifier, then frozen. It is not the judge, and never measures.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()

        def look(before: int, after: int) -> nn.Sequential:
            convolution = nn.Conv2d(before, after, 3, padding=1, bias=False)
            return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.LeakyReLU(0.1))

        self.scales = nn.ModuleList(
            [
                nn.Sequential(nn.PixelUnshuffle(2), look(12, width)),  # [N, width, 16, 16]
                nn.Sequential(  # [N, 2·width, 8, 8]
                    nn.AvgPool2d(2), look(width, 2 * width), look(2 * width, 2 * width)
                ),
                nn.Sequential(nn.AvgPool2d(2), look(2 * width, 4 * width)),  # [N, 4·width, 4, 4]
            ]
        )
        self.heads = nn.ModuleDict(
            {name: nn.Linear(4 * width * 16, count) for name, count in HEADS["rangoli"].items()}
        )

    def features(self, pictures: Tensor) -> list[Tensor]:
        """Three feature maps, from fine (16 × 16) to coarse (4 × 4)."""
        if pictures.shape[1:] != (3, 32, 32):
            raise ValueError(
                t("Pictures must be [N, 3, 32, 32], not {shape}", shape=list(pictures.shape))
            )
        seen = []
        for scale in self.scales:
            pictures = scale(pictures)
            seen.append(pictures)
        return seen

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        last = self.features(pictures)[-1].flatten(1)
        return {name: head(last) for name, head in self.heads.items()}


def train_feature_net(
    images: Tensor,
    labels: Tensor,
    steps: int,
    *,
    batch: int = 64,
    rate: float = 3e-3,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> FeatureNet:
    """A classifier of pictures uint8 [N, 3, 32, 32] by labels [N, 4], frozen when it is done.

    The columns of the labels: motif, colour, ground, symmetry; -1 where there is none to learn.
    """
    if labels.shape != (len(images), 4):
        raise ValueError(
            t("Labels must be [{n}, 4], not {shape}", n=len(images), shape=list(labels.shape))
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = FeatureNet()
    net.to(device, memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(net.parameters(), rate, weight_decay=1e-2, fused=True)
    lot = torch.Generator().manual_seed(seed)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * min(1.0, (step + 1) / 20) * (1 - step / steps)
        index = torch.randint(len(images), (batch,), generator=lot)
        pictures = signed(images[index])
        # A little noise: it is going to look at pictures that are not perfect
        strength = 0.15 * torch.rand(batch, 1, 1, 1, generator=lot)
        pictures = pictures + strength * torch.randn(pictures.shape, generator=lot)
        logits = net(pictures.to(device, memory_format=torch.channels_last))
        loss = torch.zeros((), device=device)
        for said, right in zip(logits.values(), labels[index].T, strict=True):
            known = right >= 0
            if known.any():
                loss = loss + F.cross_entropy(said[known.to(device)], right[known].to(device))
        if loss.requires_grad:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net.eval().requires_grad_(False)


def stored(name: str, cure: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The numbers and the notes of weights that ship; FileNotFoundError with the cure."""
    path = Path(common.__file__).parent / "weights" / f"{name}.safetensors"
    if not path.is_file():
        raise FileNotFoundError(
            t("{path} is missing: `{command}` makes it.", path=path.name, command=cure)
        )
    with safe_open(path, "pt") as file:
        state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        notes = file.metadata() or {}
    return {k: v.float() if v.is_floating_point() else v for k, v in state.items()}, notes


def load_feature_net(device: torch.device | str = "cpu") -> FeatureNet:
    """The feature network that ships with the course, frozen."""
    net = FeatureNet()
    net.load_state_dict(stored("feature-net", "python3 course.py train feature-net")[0])
    return net.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)


# %% name="perceptual-loss" tags=["export"]
def perceptual_loss(net: FeatureNet, pictures: Tensor, originals: Tensor) -> Tensor:
    """How differently `net` sees two batches [N, 3, 32, 32] in -1…1: 0 if they are equal.

    Mean over the scales of |difference| relative to |feature of the original|. The gradient goes to
    `pictures` alone. Johnson et al. 2016; Esser et al. 2020 take LPIPS (Zhang et al. 2018).
    """
    with torch.no_grad():
        wanted = net.features(originals)
    parts = [
        (seen - right).abs().mean() / (right.abs().mean() + 1e-3)
        for seen, right in zip(net.features(pictures), wanted, strict=True)
    ]
    return torch.stack(parts).mean()


# %% [markdown] lang="en" name="two-errors-text"
# What does it see that pixels do not? Spoil rangoli in two ways: **blur** them, and **shift** their brightness a little, everywhere alike. Choose the strength so that the pixel error is *exactly the same*. To the PSNR both copies are equally good. To you?
# %% [markdown] lang="hi" of="2f21de98"
# उसे ऐसा क्या दिखता है जो पिक्सल में नहीं? रंगोलियों को दो तरह बिगाड़िए: एक को **धुँधला** कीजिए, दूसरी की चमक हर जगह एक बराबर थोड़ी **बदल** दीजिए। मात्रा ऐसी रखिए कि पिक्सल-ग़लती *ठीक बराबर* हो। PSNR के लिए दोनों नक़लें एक-सी अच्छी हैं। आपके लिए?
# %% name="two-errors"
from common.vqgan import load_feature_net

eye = load_feature_net(device)
clean = signed(test[:200]).to(device)
blurred = F.avg_pool2d(F.pad(clean, (1, 1, 1, 1), mode="replicate"), 3, 1)
error = (blurred - clean).square().mean((1, 2, 3), keepdim=True).sqrt()  # [200, 1, 1, 1]
brighter = clean + error  # the same error in every pixel
seen = {
    name: perceptual_loss(eye, copy_, clean).item()
    for name, copy_ in ((t("blurred copy"), blurred), (t("brighter copy"), brighter))
}
plots.show_images(
    torch.stack([clean, blurred, brighter], 1)[:4].flatten(0, 1).add(1).div(2).clamp(0, 1).cpu(),
    titles=[t("original"), t("blurred copy"), t("brighter copy")] * 4,
    columns=6,
    zoom=3,
    colours=64,
    alt=t("Four rangoli, each with a blurred and a brighter copy of the same pixel error"),
)
plots.table(
    [
        [t("blurred copy"), psnr(blurred, clean), seen[t("blurred copy")]],
        [t("brighter copy"), psnr(brighter, clean), seen[t("brighter copy")]],
    ],
    columns=[t("copy"), "PSNR", t("perceptual loss")],
    caption=t("The same PSNR; to the eye the blurred copy is further away"),
)
assert abs(psnr(blurred, clean) - psnr(brighter, clean)) < 0.01
assert seen[t("blurred copy")] > 1.2 * seen[t("brighter copy")]
assert perceptual_loss(eye, clean, clean) == 0
measured = [
    [
        t("perceptual loss of a blurred copy"),
        seen[t("blurred copy")],
        seen[t("brighter copy")],
        t("brighter, the same PSNR"),
    ]
]


# %% [markdown] lang="en" name="patch-text"
# ## 3 · An appraiser for every patch
#
# The feature network still compares with *one* original. The line of section 1 needs more: somebody who says "no real picture has such a smear", whatever the original was. That is a **discriminator**, as in lesson 2, with two differences: its fakes are *restored* pictures, not dreams out of noise; and it gives a logit for **every place** instead of one for the picture
# (Isola et al. 2016). Each logit sees a **patch** of 12 × 12 pixels. Whether the whole is a lotus it cannot know, and need not: that is in the codes. It judges texture: edges, rims, lines.
# %% [markdown] lang="hi" of="19813254"
# ## 3 · हर पैच का अपना पारखी
#
# फ़ीचर नेटवर्क अब भी *एक ही* मूल चित्र से मिलाता है। सेक्शन 1 की लकीर को कुछ और चाहिए: कोई जो कहे, "ऐसा धब्बा किसी असली चित्र में नहीं होता", मूल चाहे जो रहा हो। यह **डिस्क्रिमिनेटर (discriminator)** है, पाठ 2 वाला ही, बस दो फ़र्क़ हैं: यहाँ नक़ली वे चित्र हैं जो *वापस बनाए* गए, शोर से निकले सपने नहीं; और यह पूरे चित्र का एक लॉजिट नहीं, **हर जगह** का अलग लॉजिट देता है
# (Isola et al. 2016)। हर लॉजिट 12 × 12 पिक्सल का एक **पैच (patch)** देखता है। पूरा चित्र कमल है या नहीं, यह उसे न पता है, न पता होना ज़रूरी: वह तो कोडों में है। वह बनावट परखता है: किनारे, घेरे, लकीरें।
# %% name="patch-discriminator" tags=["export"]
class PatchDiscriminator(nn.Module):
    """Pictures [N, 3, 32, 32] in -1…1 -> a logit for each of 8 × 8 places [N, 1, 8, 8].

    Each logit sees a patch of 12 × 12 pixels. Isola et al. 2016. spectral: whether the layers'
    slopes are bounded (Miyato et al. 2018).
    """

    def __init__(self, width: int = 32, spectral: bool = True) -> None:
        super().__init__()
        limit = spectral_norm if spectral else lambda layer: layer
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2),  # [N, 12, 16, 16]
            limit(nn.Conv2d(12, width, 3, padding=1)),
            nn.LeakyReLU(0.2),
            limit(nn.Conv2d(width, 2 * width, 4, 2, 1)),  # [N, 2·width, 8, 8]
            nn.LeakyReLU(0.2),
            limit(nn.Conv2d(2 * width, 2 * width, 1)),
            nn.LeakyReLU(0.2),
            limit(nn.Conv2d(2 * width, 1, 1)),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        if pictures.shape[1:] != (3, 32, 32):
            raise ValueError(
                t("Pictures must be [N, 3, 32, 32], not {shape}", shape=list(pictures.shape))
            )
        return self.body(pictures)


# %% name="receptive-field" tags=["nbval-check-output"]
# Which pixels can move the logit in the middle? Those that its gradient reaches
with torch.random.fork_rng():
    torch.manual_seed(0)
    patches = PatchDiscriminator().to(device)
pixels = torch.rand(1, 3, 32, 32, device=device).requires_grad_()
logits = patches(pixels)
logits[0, 0, 4, 4].backward()
reached = (pixels.grad[0] != 0).any(0)
print(t("logits:"), list(logits.shape))
print(
    t("rows and columns that one logit sees:"), int(reached.any(1).sum()), int(reached.any(0).sum())
)

# %% [markdown] lang="en" name="step-text"
# Who learns when? In the discriminator's step the restored pictures are **detached**: its lesson (real up, restored down) must not reach the autoencoder, or it would learn to draw what is *easily recognised as fake*. Forget the `detach`, and see what arrives:
# %% [markdown] lang="hi" of="b1c1be62"
# कौन कब सीखता है? डिस्क्रिमिनेटर की चाल में वापस बने चित्र **detach** किए जाते हैं: उसका सबक़ (असली ऊपर, वापस बना नीचे) ऑटोएनकोडर तक नहीं पहुँचना चाहिए, नहीं तो वह ऐसे चित्र बनाना सीखेगा जो *आसानी से नक़ली पहचाने जाएँ*। `detach` भूल जाइए और देखिए, क्या-क्या पहुँचता है:
# %% name="discriminator-step"
real = signed(images[:16]).to(device)
reaching = {}
for name, cut in ((t("with detach"), True), (t("without detach"), False)):
    restored, _ = trunk.model(real)
    fake = restored.detach() if cut else restored
    real_logits, fake_logits = patches(torch.cat([real, fake])).chunk(2)
    trunk.model.zero_grad()
    patches.zero_grad()
    hinge_discriminator_loss(real_logits, fake_logits).backward()
    grads = [p.grad.norm() for p in trunk.model.parameters() if p.grad is not None]
    reaching[name] = torch.stack(grads).norm().item() if grads else 0.0
    print(
        t(
            "{name}: gradient that reaches the autoencoder {size:.4f}",
            name=name,
            size=reaching[name],
        )
    )
trunk.model.zero_grad()
with_detach, without = reaching.values()
assert with_detach == 0 and without > 0
measured.append(
    [
        t("gradient of D's step that reaches the autoencoder"),
        with_detach,
        without,
        t("without detach"),
    ]
)

# %% [markdown] lang="en" name="cooperate-box"
# > **You may have read** "encoder, generator and discriminator cooperate". Encoder and decoder do. The discriminator is their *adversary*: what lowers its loss raises theirs. That is why the whole can become unstable, and why sections 4 and 6 exist.
# %% [markdown] lang="hi" of="9dbe1418"
# > **आपने पढ़ा होगा** "एनकोडर, जनरेटर और डिस्क्रिमिनेटर मिलकर काम करते हैं"। एनकोडर और डिकोडर, हाँ। डिस्क्रिमिनेटर उनका *विरोधी* है: जिससे उसका लॉस घटता है, उससे उनका बढ़ता है। इसीलिए पूरा ढाँचा डगमगा सकता है, और इसीलिए सेक्शन 4 और 6 हैं।


# %% [markdown] lang="en" name="adaptive-text"
# ## 4 · How loud may the appraiser speak?
#
# The loss is now *reconstruction + w · adversarial*. Which w? The two have no common unit, and their balance changes as training goes on. Esser et al. (2020, equation 7) measure it where all of the picture passes: at the weights $G_L$ of the decoder's **last layer**,
#
# $$\lambda = \frac{\lVert\nabla_{G_L} L_{\text{rec}}\rVert}{\lVert\nabla_{G_L} L_{\text{GAN}}\rVert + 10^{-4}}$$
#
# so that λ times the adversarial gradient is as long there as the reconstruction's. λ is **detached** (a weight, not something to learn from) and **clamped**: beside an appraiser who says nothing, 5 / 10⁻⁴ would be 50,000; the function stops at its limit of 10,000. The recipe then multiplies λ by a fixed 0.4. By hand, with three weights:
# %% [markdown] lang="hi" of="ead31cb4"
# ## 4 · पारखी कितने ज़ोर से बोले?
#
# लॉस अब है *पुनर्निर्माण + w · एडवर्सेरियल*। w कितना हो? दोनों की इकाई एक नहीं, और ट्रेनिंग के साथ उनका संतुलन बदलता रहता है। Esser et al. (2020, समीकरण 7) उसे वहाँ नापते हैं जहाँ से पूरा चित्र गुज़रता है: डिकोडर की **आख़िरी लेयर** के भार $G_L$ पर,
#
# $$\lambda = \frac{\lVert\nabla_{G_L} L_{\text{rec}}\rVert}{\lVert\nabla_{G_L} L_{\text{GAN}}\rVert + 10^{-4}}$$
#
# ताकि वहाँ λ गुना एडवर्सेरियल ग्रेडिएंट उतना ही लंबा हो जितना पुनर्निर्माण का। λ **detach** किया जाता है (वह भार है, सीखने की चीज़ नहीं) और उस पर **ऊपरी सीमा (clamp)** रहती है: पारखी बिल्कुल चुप हो, तो 5 / 10⁻⁴ यानी 50,000 आता; फ़ंक्शन अपनी सीमा 10,000 पर रुक जाता है। फिर नुस्ख़ा λ को एक तय संख्या 0.4 से गुणा करता है। तीन भारों पर, हाथ से:
# %% name="adaptive-weight" tags=["export"]
def adaptive_weight(
    reconstruction_loss: Tensor, generator_loss: Tensor, last_layer: Tensor, limit: float = 1e4
) -> Tensor:
    """λ = |∇ reconstruction| / (|∇ generator| + 1e-4), the gradients those of `last_layer`.

    Esser et al. 2020, equation 7. A number without a gradient, at most `limit`. Both losses keep
    their graphs. RuntimeError of torch if a loss does not depend on the layer.
    """
    (pull,) = torch.autograd.grad(reconstruction_loss, last_layer, retain_graph=True)
    (push,) = torch.autograd.grad(generator_loss, last_layer, retain_graph=True)
    return (pull.norm() / (push.norm() + 1e-4)).clamp(max=limit).detach()


def last_layer(model: VQVAE) -> Tensor:
    """The weights of the decoder's last convolution: all that it draws goes through them."""
    return [m for m in model.decoder.modules() if isinstance(m, nn.Conv2d)][-1].weight


# %% name="adaptive-by-hand" tags=["nbval-check-output"]
weights = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
rebuild = (weights * torch.tensor([3.0, 4.0, 0.0])).sum()  # its gradient: [3, 4, 0], length 5
fooled = (weights * torch.tensor([0.0, 0.0, 0.5])).sum()  # length 0.5
silent = 0 * weights.sum()  # an appraiser who does not care: length 0
print("λ", round(adaptive_weight(rebuild, fooled, weights).item(), 3), "=", round(5 / 0.5001, 3))
print(t("λ of a silent appraiser:"), round(adaptive_weight(rebuild, silent, weights).item()))
print(
    t("the same, clamped at 100:"),
    round(adaptive_weight(rebuild, silent, weights, limit=100.0).item()),
)
print(t("does λ carry a gradient?"), adaptive_weight(rebuild, fooled, weights).requires_grad)


# %% [markdown] lang="en" name="loop-text"
# ## 5 · The loop, and what each term is worth
#
# The recipe has two settings more. **A late start**: for the first 40 % of the steps the generator does not hear the discriminator, for a decoder that cannot yet draw gives the appraiser nothing to appraise. And **a lead** of a few steps in which the discriminator learns alone, so that its first word is not noise.
# %% [markdown] lang="hi" of="ad5b2cce"
# ## 5 · लूप, और किस हिस्से का क्या मोल
#
# नुस्ख़े में दो बातें और हैं। **देर से शुरुआत**: पहले 40 % क़दमों में जनरेटर को डिस्क्रिमिनेटर की बात सुनाई ही नहीं जाती, क्योंकि जो डिकोडर अभी कुछ बना नहीं पाता, उसमें परखने को क्या है? और थोड़ी **बढ़त (lead)**: कुछ क़दम डिस्क्रिमिनेटर अकेले सीखता है, ताकि उसकी पहली बात महज़ शोर न हो।
# %% name="config" tags=["export"]
@dataclass(frozen=True)
class VqganConfig:
    """All that a VQGAN's recipe sets; with perceptual = adversarial = 0 it is a VQ-VAE."""

    perceptual: float = 0.3  # weight of the perceptual loss
    adversarial: float = 0.4  # of the generator's loss, times λ if adaptive
    adaptive: bool = True
    limit: float = 1e4  # λ is at most that
    start_share: float = 0.4  # of the steps that pass before the generator hears of D
    lead: int = 10  # steps that D learns alone before
    spectral: bool = True  # D's spectral norm
    width: int = 64
    dim: int = 8
    codes: int = 256
    commitment: float = 0.25  # beta
    warm_up: int = 20  # steps without quantiser; then k-means starts the codebook
    rates: tuple[float, float] = (2e-3, 1e-3)  # of autoencoder and discriminator
    batch: int = 64

    def make(self) -> tuple[VQVAE, PatchDiscriminator]:
        """New networks, from torch's global random state."""
        return VQVAE(self.width, self.dim, self.codes), PatchDiscriminator(spectral=self.spectral)


# %% name="train-vqgan" tags=["export"]
@dataclass
class TrainedVqgan:
    """What training leaves; history: {name: [(step, value), …]}."""

    model: VQVAE
    discriminator: nn.Module
    history: dict[str, list[tuple[int, float]]] = field(default_factory=dict)


def train_vqgan(
    images: Tensor,
    *,
    steps: int,
    config: VqganConfig | None = None,
    features: FeatureNet | None = None,
    start: TrainedVqgan | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    folder: Path | None = None,
    note: Callable[[int, TrainedVqgan], dict[str, float] | None] | None = None,
    **changes: float,
) -> TrainedVqgan:
    """Train a VQGAN on pictures uint8 [N, 3, 32, 32]; changes: fields of the config.

    features: the network of the perceptual loss, needed unless perceptual is 0. start: go on from
    copies of these networks. folder: keep the run there, and go on from what it holds.
    note(step, trained): called after each step; the numbers it returns stand in the history.
    """
    config = replace(config or VqganConfig(), **changes)
    if images.dtype != torch.uint8 or images.shape[1:] != (3, 32, 32):
        raise ValueError(
            t(
                "Pictures to train on must be uint8 [N, 3, 32, 32], not {dtype} {shape}",
                dtype=str(images.dtype).removeprefix("torch."),
                shape=list(images.shape),
            )
        )
    if config.perceptual and features is None:
        raise ValueError(
            t("A perceptual loss needs a network: features=load_feature_net(), or perceptual=0.")
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model, discriminator = config.make()
    if start is not None:
        model, discriminator = copy.deepcopy(start.model), copy.deepcopy(start.discriminator)
    for network in (model, discriminator):
        network.to(device, memory_format=torch.channels_last).train().requires_grad_(True)
    optimizer = torch.optim.AdamW(
        model.parameters(), config.rates[0], (0.9, 0.95), weight_decay=1e-4, fused=True
    )
    optimizer_d = torch.optim.AdamW(
        discriminator.parameters(), config.rates[1], (0.0, 0.9), fused=True
    )
    lot = torch.Generator().manual_seed(seed)  # draws the batches
    training = Training(
        {"model": model, "discriminator": discriminator, "optimizer": optimizer}
        | {"optimizer_d": optimizer_d, "lot": lot, "dice": model.quantizer.generator},
        folder,
        name="vqgan",
        settings=asdict(config) | {"seed": seed, "steps": steps},
    )
    trained = TrainedVqgan(model, discriminator, training.history)
    joins = round(config.start_share * steps)  # the step at which the generator hears of D
    quantise_from = 0 if start is not None else min(config.warm_up, steps // 2)

    for step in training.steps(steps):
        warm = min(1.0, (step + 1) / 30) if start is None else 1.0
        optimizer.param_groups[0]["lr"] = (
            config.rates[0] * warm * max(0.05, min(1.0, 2 * (1 - step / steps)))
        )
        index = torch.randint(len(images), (config.batch,), generator=lot)
        real = signed(images[index]).to(device)

        # 1. The autoencoder: restore the picture; to the eye of `features`, too
        if step < quantise_from:
            codes = model.encoder(real)
            restored, code_loss = model.decoder(codes), 0.01 * codes.square().mean()
        else:
            restored, quantized = model(real)
            code_loss = quantized.loss
        rebuild = reconstruction_loss(restored, real)
        if config.perceptual:
            rebuild = rebuild + config.perceptual * perceptual_loss(features, restored, real)
        loss = rebuild + code_loss
        measures = {"rebuild": rebuild}
        if config.adversarial and step >= joins:
            discriminator.requires_grad_(False)  # D is frozen, but the gradient goes through it
            fooled = hinge_generator_loss(discriminator(restored))
            weight = config.adversarial
            if config.adaptive:
                factor = adaptive_weight(rebuild, fooled, last_layer(model), config.limit)
                weight = weight * factor
                measures["lambda"] = factor
            loss = loss + weight * fooled
            discriminator.requires_grad_(True)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

        # 2. The discriminator: real up, restored down. detach: the autoencoder does not learn here
        if config.adversarial and step >= joins - config.lead:
            both = torch.cat([real, restored.detach()])
            real_logits, fake_logits = discriminator(both).chunk(2)
            loss_d = hinge_discriminator_loss(real_logits, fake_logits)
            optimizer_d.zero_grad()
            loss_d.backward()
            optimizer_d.step()
            measures |= {"loss_d": loss_d, "real": real_logits.mean(), "fake": fake_logits.mean()}
        training.note(**measures)
        trained.history = training.history
        if note:
            training.note(**(note(step + 1, trained) or {}))
    model.eval()
    discriminator.eval()
    trained.history = training.history
    return trained


# %% name="report" tags=["export"]
@torch.no_grad()
def restore(model: VQVAE, images: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures through the model and back: [N, 3, 32, 32] in -1…1, and their codes [N, 8, 8].

    images: uint8, or float in -1…1. Both results lie on the CPU.
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()  # the codebook must not learn from being measured
    parts = []
    for batch in signed(images).split(250):
        indices = model.encode(batch.to(device))
        parts.append((model.decode(indices).clamp(-1, 1).cpu(), indices.cpu()))
    model.train(was_training)
    pictures, codes = zip(*parts, strict=True)
    return torch.cat(pictures), torch.cat(codes)


def vqgan_report(
    model: VQVAE, images: Tensor, labels: Factors, judge: Judge
) -> dict[str, float | int]:
    """One row of the running table, of pictures [N, 3, 32, 32] that the model restores.

    psnr in dB; sharpness as a share of the originals'; rfid: Fréchet distance of the judge's
    features to those of the originals; motif, symmetry: the share that the judge still reads
    rightly; used, perplexity: of the codes. Compare only rows of the same pictures.
    """
    originals = signed(images)
    restored, codes = restore(model, originals)
    used, perplexity = usage(codes, model.quantizer.codes)
    seen, known = (judge((x + 1) / 2) for x in (restored, originals))
    said = judge.read((restored + 1) / 2)
    right = {
        head: (said[head].argmax(1).cpu() == getattr(labels, head)).float().mean().item()
        for head in said
    }
    return {
        "psnr": psnr(restored, originals),
        "rfid": frechet_distance(known, seen),
        "sharpness": sharpness(restored) / sharpness(originals),
        "used": used,
        "perplexity": perplexity,
        **right,
    }


# %% [markdown] lang="en" name="ablation-text"
# **The ablation.** Four copies of the trunk go on for the same number of steps on the same batches: pixel loss alone, + perceptual, + adversarial, + both. Only so can one say what a term is worth: published comparisons often change several things at once. (The trunk can draw already, so the discriminator is heard after 10 % of the steps.) New in the table is **rFID**: the FID of 2.2 between the originals and their *restored* copies. Compare it only among rows of the same pictures.
# Guess first: will the pixel loss win the PSNR? And what else?
# %% [markdown] lang="hi" of="4b76321d"
# **एक-एक हिस्सा हटाकर देखना (ablation)।** तने की चार नक़लें एक ही बैचों पर बराबर क़दम आगे चलती हैं: सिर्फ़ पिक्सल, + परसेप्चुअल, + एडवर्सेरियल, + दोनों। किस हिस्से का क्या मोल है, यह इसी तरह कहा जा सकता है; छपी हुई तुलनाओं में अक्सर कई चीज़ें एक साथ बदल दी जाती हैं। (तना पहले से चित्र बना लेता है, इसलिए यहाँ डिस्क्रिमिनेटर की बात 10 % क़दमों के बाद ही सुनी जाने लगती है।) तालिका में नया है **rFID**: 2.2 वाला FID, पर मूल चित्रों और उनसे *वापस बनी* नक़लों के बीच। इसकी तुलना उन्हीं पंक्तियों में कीजिए जिनके चित्र एक हों।
# पहले अंदाज़ा लगाइए: PSNR में क्या पिक्सल वाला लॉस जीतेगा? और किसी बात में?
# %% name="ablation"
FORK = 50  # steps of each variant
more = {
    "steps": FORK,
    "batch": 32,
    "seed": 1,
    "device": device,
    "start_share": 0.1,
    "rates": (1e-3, 1e-3),
}
variants = {
    t("pixels alone"): {"perceptual": 0, "adversarial": 0},
    t("+ perceptual"): {"adversarial": 0},
    t("+ adversarial"): {"perceptual": 0},
    t("+ both (VQGAN)"): {},
}
forks, reports = {}, {}
for name, weights_ in variants.items():
    forks[name] = train_vqgan(images, start=trunk, features=eye, **more, **weights_)
    reports[name] = vqgan_report(forks[name].model, test, test_factors, judge)

measures = {"psnr": "PSNR", "sharpness": t("sharpness"), "rfid": "rFID", "motif": t("motif right")}
plots.table(
    [[name, *(r[m] for m in measures), r["used"]] for name, r in reports.items()],
    columns=[t("loss"), *measures.values(), t("codes used")],
    caption=t("Four losses, the same trunk, {n} steps each", n=FORK),
)
close = torch.arange(8, 15)
plots.show_images(
    torch.cat(
        [
            side_by_side(x)[None]
            for x in (
                signed(test[close]),
                *(restore(fork.model, test[close])[0] for fork in forks.values()),
            )
        ]
    )
    .add(1)
    .div(2),
    titles=[t("original"), *forks],
    columns=1,
    zoom=2,
    colours=64,
    alt=t("Seven rangoli as the originals and as four losses restore them"),
)
plain, perceptual, adversarial, both = reports.values()
assert plain["psnr"] > both["psnr"]  # the price
assert both["sharpness"] > plain["sharpness"] + 0.02  # what it buys
assert (perceptual["rfid"] + both["rfid"]) / 2 < plain["rfid"]  # with the eye

# %% name="plane"
figure, axes = plt.subplots(1, 2, figsize=(7.6, 3), layout="constrained")
for ax, (measure, label) in zip(
    axes,
    (("rfid", t("rFID (less is better)")), ("sharpness", t("sharpness (1 is the original's)"))),
    strict=True,
):
    for (name, report), colour in zip(reports.items(), plots.COLOURS, strict=False):
        ax.plot(report["psnr"], report[measure], "o", color=colour, markersize=9, label=name)
    ax.set(xlabel=t("PSNR in dB (more is better)"), ylabel=label)
axes[1].axhline(1, color="grey", linewidth=0.8)
axes[0].legend(fontsize=8)
figure.suptitle(t("What VQGAN gains in looks, it pays in PSNR"), fontsize=10)
plots.show(
    figure,
    alt=t("Two planes of PSNR against rFID and sharpness: a dot for each of the four losses"),
)
measured += [
    [t("rFID of VQGAN"), both["rfid"], plain["rfid"], t("pixels alone, equal steps")],
    [
        t("sharpness of VQGAN"),
        both["sharpness"],
        plain["sharpness"],
        t("pixels alone, equal steps"),
    ],
    [t("PSNR of VQGAN in dB"), both["psnr"], plain["psnr"], t("pixels alone, equal steps")],
]

# %% [markdown] lang="en" name="ablation-read"
# Read it term by term. **Perceptual** (the eye): more sharpness and a better rFID, at next to no cost in PSNR. **Adversarial** alone, after so few steps: sharper, but the judge does not see a better picture yet: crispness in the wrong place is no gain. **Both**: the sharpest, with most of the eye's gain in rFID; the PSNR is lower than with pixels alone, as section 1 foretold. After so few steps the pixel loss has not even a clear win in PSNR: the eye is as good there.
#
# Do fifty steps decide it? The same four losses, from the start, over 300 steps of 64 pictures each (a minute and more of one core; `train_vqgan` with its default settings; 1,000 test pictures):
#
# | loss | PSNR | sharpness | rFID | motif right | codes used |
# |---|---|---|---|---|---|
# | pixels alone | 21.75 | 0.867 | 2.44 | 0.957 | 256 |
# | + perceptual | 21.72 | 0.892 | 1.66 | 0.980 | 256 |
# | + adversarial | 21.47 | 0.895 | 2.55 | 0.945 | 256 |
# | + both (VQGAN) | 21.57 | 0.936 | 1.54 | 0.983 | 256 |
#
# The same story, more clearly. The eye earns the rFID. Each of the two adds sharpness, and together they add up. The adversary *alone* costs PSNR and, sharpness apart, buys nothing that the judge could see; together they are the sharpest *and* have the best rFID. And now the pixel loss does win the PSNR, and nothing else: PSNR and looks are two questions, and here no model wins both. "VQGAN = VQ-VAE + GAN" leaves out the half that did most of the work here.
# %% [markdown] lang="hi" of="fa0c0412"
# एक-एक हिस्सा पढ़िए। **परसेप्चुअल** (आँख): तीखापन बढ़ा, rFID सुधरा, और PSNR में लगभग कुछ नहीं गया। अकेला **एडवर्सेरियल**, इतने कम क़दमों में: तीखापन बढ़ा, पर जज को चित्र अभी बेहतर नहीं लगते: ग़लत जगह का तीखापन किस काम का? **दोनों**: सबसे तीखे, और rFID में आँख वाला ज़्यादातर सुधार भी; PSNR सिर्फ़ पिक्सल वाले से कम, जैसा सेक्शन 1 ने कहा था। इतने कम क़दमों में पिक्सल वाला लॉस PSNR में भी साफ़ नहीं जीतता: वहाँ आँख भी उतनी ही अच्छी है।
#
# क्या पचास क़दम काफ़ी हैं? वही चार लॉस, शुरू से, 64-64 चित्रों के 300 क़दम (एक कोर पर एक मिनट से ज़्यादा; `train_vqgan` की अपनी सेटिंग; जाँच के 1,000 चित्र):
#
# | लॉस | PSNR | तीखापन | rFID | आकृति सही | काम आए कोड |
# |---|---|---|---|---|---|
# | सिर्फ़ पिक्सल | 21.75 | 0.867 | 2.44 | 0.957 | 256 |
# | + परसेप्चुअल | 21.72 | 0.892 | 1.66 | 0.980 | 256 |
# | + एडवर्सेरियल | 21.47 | 0.895 | 2.55 | 0.945 | 256 |
# | + दोनों (VQGAN) | 21.57 | 0.936 | 1.54 | 0.983 | 256 |
#
# कहानी वही है, बस ज़्यादा साफ़। rFID में सुधार आँख से आता है। तीखापन दोनों से बढ़ता है, और साथ हों तो और बढ़ता है। *अकेला* विरोधी PSNR घटाता है और बदले में तीखेपन के सिवा ऐसा कुछ नहीं देता जो जज को दिखे; दोनों साथ हों, तो नक़ल सबसे तीखी भी है और rFID भी सबसे अच्छा। और अब PSNR में पिक्सल वाला लॉस जीतता है, पर बस उसी में: PSNR और दिखना, ये दो अलग सवाल हैं, और यहाँ कोई मॉडल दोनों नहीं जीतता। "VQGAN = VQ-VAE + GAN" कहना उसी आधे हिस्से को छोड़ देना है जिसने यहाँ ज़्यादातर काम किया।

# %% [markdown] lang="en" name="slider-text"
# **Feel the trade.** Two forks of one trunk are so alike that the straight line between their numbers is a model, too (Wang et al. 2018 use this to tune a GAN after training). At 0 you see the fork of pixels alone, at 1 the VQGAN; beyond 1 you overdo it. Watch the sharpness: from 0 to 1 it rises, while the PSNR of these eight pictures hardly moves.
# %% [markdown] lang="hi" of="86894a36"
# **यह सौदा ख़ुद महसूस कीजिए।** एक ही तने से निकले दो मॉडल इतने मिलते-जुलते हैं कि उनकी संख्याओं के बीच की सीधी रेखा पर हर जगह एक काम का मॉडल मिलता है (Wang et al. 2018 इसी तरह ट्रेनिंग के बाद GAN का असर घटाते-बढ़ाते हैं)। 0 पर सिर्फ़ पिक्सल वाला रूप दिखेगा, 1 पर VQGAN; 1 के आगे ज़्यादती है। नज़र तीखेपन पर रखिए: 0 से 1 तक वह बढ़ता है, जबकि इन आठ चित्रों का PSNR मुश्किल से हिलता है।
# %% name="slider"
blend = copy.deepcopy(trunk.model)
ends = [forks[name].model.state_dict() for name in (t("pixels alone"), t("+ both (VQGAN)"))]


def draw_blend(share: float) -> Figure:
    """Eight rangoli restored by the model `share` of the way from pixels alone to VQGAN."""
    blend.load_state_dict(
        {
            key: torch.lerp(value, ends[1][key], share) if value.is_floating_point() else value
            for key, value in ends[0].items()
        }
    )
    copies, _ = restore(blend, test[:8])
    originals = signed(test[:8])
    figure, ax = plt.subplots(figsize=(4.4, 2.5), layout="constrained")
    strips = torch.cat([side_by_side(originals), side_by_side(copies)], 1)
    ax.imshow(strips.add(1).div(2).permute(1, 2, 0), interpolation="nearest")
    ax.set_axis_off()
    ax.set_title(
        t(
            "PSNR {psnr:.2f} dB, sharpness {sharp:.2f}",
            psnr=psnr(copies, originals),
            sharp=sharpness(copies) / sharpness(originals),
        )
    )
    return figure


interact(
    draw_blend,
    share=(0.0, 1.5, 0.25),
    labels={"share": t("share of VQGAN")},
    static=[{"share": 0.0}, {"share": 1.0}],
    alt=t("Eight rangoli above their copies by a blend of two models"),
)

# %% [markdown] lang="en" name="stability-text"
# ## 6 · "VQGAN is stable"
#
# > **You may have read** "VQGAN training is stable". It has an anchor that a GAN lacks: every picture must come back, so the decoder cannot collapse onto one. But the adversary is there, and all the aids of the recipe exist because of it: λ and the late start (*hyperparameters*), the spectral norm (*regularisation*), patches instead of whole pictures (*architecture*).
#
# Take the aids away, from the same trunk, for as many steps. Only the late start has to be tried from the very beginning, in 60 steps, beside a model that after 60 steps has not yet met an adversary:
# %% [markdown] lang="hi" of="82f2e46f"
# ## 6 · "VQGAN स्थिर है"
#
# > **आपने पढ़ा होगा** "VQGAN की ट्रेनिंग स्थिर (stable) होती है"। उसके पास एक लंगर है जो GAN के पास नहीं: हर चित्र को वापस आना होता है, इसलिए डिकोडर एक ही चित्र पर अटक नहीं सकता। पर विरोधी तो मौजूद है, और नुस्ख़े के सारे सहारे उसी की वजह से हैं: λ और देर से शुरुआत (*हाइपरपैरामीटर*), स्पेक्ट्रल नॉर्म (*रेग्युलराइज़ेशन*), पूरे चित्र की जगह पैच (*बनावट*)।
#
# सहारे हटाकर देखिए, उसी तने से, उतने ही क़दमों के लिए। बस देर से शुरुआत को एकदम शुरू से जाँचना पड़ता है, 60 क़दमों में, उस मॉडल के सामने जिसे 60 क़दमों तक कोई विरोधी मिला ही नहीं:
# %% name="stability"
with torch.random.fork_rng():
    torch.manual_seed(0)
    unbounded = Discriminator(channels=3, norm="none")  # of lesson 2: one logit for the picture
breaks = {
    t("λ: a fixed weight of 1"): (trunk, {"adaptive": False, "adversarial": 1.0}),
    t("spectral norm and patches"): (TrainedVqgan(trunk.model, unbounded), {}),
}
as_taught = t("+ both (VQGAN)")
wrecks, broken = {}, {as_taught: reports[as_taught]}
for name, (begin, change) in breaks.items():
    wrecks[name] = train_vqgan(images, start=begin, features=eye, **(more | change)).model
    broken[name] = vqgan_report(wrecks[name], test, test_factors, judge)
hasty = train_vqgan(  # the adversary from the first step on, and no eye
    images, steps=60, perceptual=0, start_share=0, width=48, batch=32, seed=0, device=device
)
hasty_report = vqgan_report(hasty.model, test, test_factors, judge)
taken = [
    (t("nothing: VQGAN"), broken[as_taught]),
    *((name, broken[name]) for name in breaks),
    (t("the late start (60 steps)"), hasty_report),
    (t("the adversary (60 steps)"), trunk_at_60),
]
plots.table(
    [[name, *(r[m] for m in measures), r["used"]] for name, r in taken],
    columns=[t("taken away"), *measures.values(), t("codes used")],
    caption=t(
        "The first three from one trunk, {n} steps each; the last two from the start", n=FORK
    ),
)
loudest = max(value for _, value in forks[as_taught].history["lambda"])
print(
    t(
        "the largest λ of the VQGAN: {loudest:.2f}; its limit: {limit:.0f}",
        loudest=loudest,
        limit=VqganConfig().limit,
    )
)
fixed = t("λ: a fixed weight of 1")
plots.show_images(
    in_pairs(test[:8], restore(wrecks[fixed], test[:8])[0]),
    columns=8,
    zoom=2,
    colours=64,
    alt=t(
        "Eight rangoli above their copies by the model with a fixed weight: in wrong colours, strewn with dots"
    ),
)
assert broken[fixed]["rfid"] > 2 * both["rfid"] and broken[fixed]["psnr"] < both["psnr"] - 1
assert hasty_report["psnr"] < trunk_at_60["psnr"] and loudest < VqganConfig().limit
measured += [
    [t("rFID without λ (fixed weight 1)"), broken[fixed]["rfid"], both["rfid"], t("with λ")],
    [
        t("PSNR without a late start, 60 steps"),
        hasty_report["psnr"],
        trunk_at_60["psnr"],
        t("no adversary yet"),
    ],
]

# %% [markdown] lang="en" name="stability-read"
# Three findings, not all expected:
#
# - **Without λ** the adversary, loud from its first word, spoils the colours and strews dots over the pictures: rFID many times as high, PSNR some dB lower. (A fixed weight *can* be right, but you must find it, and it stays right only for a while.)
# - **Without the late start** the model lags behind in PSNR after the same number of steps. It is the sharper of the two, but rFID is no better for it: nobody can learn drawing from an appraiser who has himself seen nothing yet.
# - **Spectral norm and patches**, both taken away at once, made no difference to speak of *here*: λ already keeps the adversary's push as small as the recipe wants it. In a long run or on richer pictures they may; fifty steps do not show it. And the **clamp** is a fuse that never blew: λ stayed far below its limit. It is for the moment when the discriminator falls silent (section 4).
#
# So: "VQGAN is stable" is true of VQGAN *with its aids*, above all with λ. The adversarial game inside it is as touchy as that of lesson 2.
# %% [markdown] lang="hi" of="483f0e74"
# तीन बातें निकलीं, और सब अपेक्षित नहीं थीं:
#
# - **λ के बिना** विरोधी पहली बात से ही इतना ज़ोर से बोलता है कि चित्रों के रंग बिगड़ जाते हैं और उन पर बिंदियाँ-सी बिखर जाती हैं: rFID कई गुना, PSNR कई dB नीचे। (तय भार भी सही बैठ *सकता* है, पर उसे ढूँढना पड़ता है, और वह थोड़ी ही देर सही रहता है।)
# - **देर से शुरुआत न हो** तो बराबर क़दमों के बाद PSNR में मॉडल उससे पीछे है जिसके पास तब तक विरोधी था ही नहीं। तीखापन उससे ज़्यादा है, पर rFID में इससे कुछ नहीं मिला: जिस पारखी ने ख़ुद अभी कुछ नहीं देखा, उससे कोई बनाना क्या सीखेगा?
# - **स्पेक्ट्रल नॉर्म और पैच** दोनों एक साथ हटाने पर भी *यहाँ* कोई ख़ास फ़र्क़ नहीं पड़ा: विरोधी का धक्का λ पहले ही उतना रखता है जितना नुस्ख़ा चाहता है। लंबी ट्रेनिंग में या ज़्यादा विविध चित्रों पर पड़ सकता है; पचास क़दमों में नहीं दिखता। और **clamp** ऐसा फ़्यूज़ है जो कभी उड़ा ही नहीं: λ अपनी सीमा से बहुत नीचे रहा। वह उस घड़ी के लिए है जब डिस्क्रिमिनेटर चुप हो जाए (सेक्शन 4)।
#
# यानी "VQGAN स्थिर है", यह बात *सहारों समेत* VQGAN पर सही है, सबसे बढ़कर λ के साथ। उसके भीतर का खेल उतना ही नख़रीला है जितना पाठ 2 वाला।


# %% [markdown] lang="en" name="shipped-text"
# ## 7 · Where the road leads
#
# Two hundred steps show a direction. The VQGAN that ships with the course went on in the same way for much longer (`course.py train vqgan-rangoli`; its [card](../../../common/weights/vqgan-rangoli.md) tells how long). In each pair the original is above, its copy below: look for the differences. Large shapes and colours come back; thin lines, such as the spokes of a wheel, are still the hardest. (A sharpness above 1 in the table says that the copies are a little too crisp.)
# %% [markdown] lang="hi" of="5f431e28"
# ## 7 · यह रास्ता कहाँ पहुँचता है
#
# दो सौ क़दम बस दिशा दिखाते हैं। कोर्स के साथ आने वाला VQGAN इसी रास्ते पर बहुत आगे तक चला (`course.py train vqgan-rangoli`; कितना, यह उसका [कार्ड](../../../common/weights/vqgan-rangoli.md) बताता है)। हर जोड़ी में ऊपर मूल चित्र है, नीचे नक़ल; ढूँढिए, फ़र्क़ कहाँ-कहाँ है। बड़े आकार और रंग लौट आते हैं; पहिये की तीलियों जैसी पतली लकीरें अब भी सबसे मुश्किल हैं। (तालिका में 1 से ज़्यादा तीखापन बताता है कि नक़लें ज़रूरत से कुछ ज़्यादा तीखी हैं।)
# %% name="load-vqgan" tags=["export"]
def load_vqgan(device: torch.device | str = "cpu", name: str = "vqgan-rangoli") -> VQVAE:
    """The VQGAN that ships with the course, ready to encode and decode."""
    state, notes = stored(name, f"python3 course.py train {name}")
    model = VQVAE(**{key: int(notes[key]) for key in ("width", "dim", "codes") if key in notes})
    model.load_state_dict(state)
    return model.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)


# %% name="shipped"
shipped_report = vqgan_report(shipped, test, test_factors, judge)
plots.show_images(
    in_pairs(test[16:40], restore(shipped, test[16:40])[0]),
    columns=12,
    zoom=2,
    colours=64,
    alt=t(
        "Twenty-four rangoli above their copies by the shipped VQGAN: most are hard to tell apart, thin lines get tangled"
    ),
)
plots.table(
    [
        [name, *(r[m] for m in measures), r["used"]]
        for name, r in (
            (t("trunk: 150 steps, pixels alone"), trunk_report),
            (t("VQGAN, {n} steps more", n=FORK), both),
            (t("shipped VQGAN"), shipped_report),
        )
    ],
    columns=["", *measures.values(), t("codes used")],
    caption=t("500 pictures that none of them was trained on"),
)
bits = 64 * 8
print(t("a picture in codes: {bits} bits, in pixels: {raw}", bits=bits, raw=32 * 32 * 3 * 8))
assert shipped_report["motif"] > 0.98 and shipped_report["used"] >= 250
assert shipped_report["rfid"] < both["rfid"]
measured += [
    [t("rFID of the shipped VQGAN"), shipped_report["rfid"], both["rfid"], t("this notebook's")],
    [t("motif right, shipped VQGAN"), shipped_report["motif"], both["motif"], t("this notebook's")],
]

# %% [markdown] lang="en" name="resolution-text"
# **"VQGAN makes pictures of high resolution."** What is behind this claim? Encoder and decoder are convolutional, so they take a picture of *any* size; and a prior (next notebook) has to arrange only the codes, not the pixels. Check both: the shipped model saw nothing but 32 × 32. Give it rangoli of 64 × 64. As a control, shrink them to 32 × 32 first and enlarge the result.
# %% [markdown] lang="hi" of="8dc156b9"
# **"VQGAN ऊँचे रिज़ॉल्यूशन के चित्र बनाता है।"** इस दावे के पीछे क्या है? एनकोडर और डिकोडर कनवॉल्यूशनल हैं, इसलिए *किसी भी* आकार का चित्र ले लेते हैं; और प्रायर (अगली नोटबुक) को सिर्फ़ कोड सजाने होते हैं, पिक्सल नहीं। दोनों बातें जाँचिए: इस मॉडल ने 32 × 32 के सिवा कुछ नहीं देखा। इसे 64 × 64 की रंगोली दीजिए। कंट्रोल के लिए पहले उन्हें 32 × 32 का करके नतीजा बड़ा कीजिए।
# %% name="resolution"
large = rangoli(64, size=64, seed=66)[0].float() / 127.5 - 1  # [64, 3, 64, 64]
small = F.interpolate(large, 32, mode="area")
with torch.no_grad():
    large_codes = shipped.encode(large.to(device))
    whole = shipped.decode(large_codes).cpu()
    enlarged = F.interpolate(
        shipped.decode(shipped.encode(small.to(device))).cpu(), 64, mode="bilinear"
    )
plots.show_images(
    torch.cat([large[:4], whole[:4], enlarged[:4]]).add(1).div(2).clamp(0, 1),
    titles=[
        *[t("original, 64 × 64")] * 4,
        *[t("through 16 × 16 codes")] * 4,
        *[t("through 8 × 8 codes, enlarged")] * 4,
    ],
    columns=4,
    zoom=2,
    colours=64,
    alt=t(
        "Four rangoli of 64 × 64, restored whole, and restored from 32 × 32 and enlarged: softer"
    ),
)
plots.table(
    [
        [t("through 16 × 16 codes"), psnr(whole, large), 16 * 16, (16 * 16) ** 2],
        [t("through 8 × 8 codes, enlarged"), psnr(enlarged, large), 8 * 8, (8 * 8) ** 2],
        [t("pixels, nothing lost"), None, 64 * 64, (64 * 64) ** 2],
    ],
    columns=["", "PSNR", t("places to arrange"), t("pairs in self-attention")],
    caption=t("Twice the size: four times the codes, sixteen times the pairs"),
)
assert list(large_codes.shape) == [64, 16, 16]
assert psnr(whole, large) > psnr(enlarged, large)
measured.append(
    [
        t("PSNR at 64 × 64, whole"),
        psnr(whole, large),
        psnr(enlarged, large),
        t("from 32 × 32, enlarged"),
    ]
)

# %% [markdown] lang="en" name="resolution-read"
# So the claim holds in this sense: the codebook of small patches serves larger pictures of the same kind without training, and codes are sixteen times fewer places than pixels (in Esser et al. 256 times: each code stands for 16 × 16 pixels), and attention pays for *pairs* of places. It does not make large pictures free: the published large pictures come from a window that
# slides over the codes, and a kind of picture that the codebook never saw stays badly restored (section 9).
# %% [markdown] lang="hi" of="d6587aea"
# यानी दावा इस अर्थ में सही है: छोटे पैचों की कोडबुक उसी क़िस्म के बड़े चित्रों पर बिना नई ट्रेनिंग के काम करती है, और कोडों की जगहें पिक्सलों से सोलह गुना कम हैं (Esser et al. में 256 गुना: वहाँ एक कोड 16 × 16 पिक्सल का है), जबकि ध्यान (attention) को जगहों की *जोड़ियों* का दाम देना पड़ता है। बड़े चित्र फिर भी मुफ़्त नहीं: छपे हुए बड़े चित्र एक खिड़की से बने
# जो कोडों पर खिसकती है, और जिस क़िस्म के चित्र कोडबुक ने देखे ही नहीं, वे बुरे ही लौटते हैं (सेक्शन 9)।

# %% [markdown] lang="en" name="history"
# > **You may have read** other histories. This is the true one:
# >
# > | when | who | what was new |
# > |---|---|---|
# > | 2017 | van den Oord, Vinyals & Kavukcuoglu | **VQ-VAE**: a learnt codebook, straight-through gradient, a prior over codes |
# > | 2019 | Razavi, van den Oord & Vinyals | **VQ-VAE-2**: two levels of codes. No discriminator; not a kind of VQGAN, but its forerunner |
# > | December 2020 | Esser, Rombach & Ommer (Heidelberg) | **VQGAN**: patch discriminator, perceptual loss, adaptive λ, and a Transformer over the codes |
# > | 2021 | Crowson et al. (paper 2022) | **VQGAN + CLIP**: not another network either, but a search for codes that please CLIP, a network that says how well words fit a picture ([3.3](3-words-to-pictures.en.ipynb)) |
# > | 2021 | Gu et al.; Rombach et al. | **diffusion on codes / on latents**: another family of priors over such an autoencoder |
# >
# > "Its innovation is the encoder"? Encoder and quantiser are VQ-VAE's; new are the losses and the Transformer. "Razavi's group introduced VQGAN"? See the second line.
# %% [markdown] lang="hi" of="bae11fc7"
# > **आपने पढ़ा होगा** कुछ और ही इतिहास। सही इतिहास यह है:
# >
# > | कब | किसने | नया क्या था |
# > |---|---|---|
# > | 2017 | van den Oord, Vinyals और Kavukcuoglu | **VQ-VAE**: सीखी हुई कोडबुक, straight-through ग्रेडिएंट, कोडों पर प्रायर |
# > | 2019 | Razavi, van den Oord और Vinyals | **VQ-VAE-2**: कोडों के दो स्तर। डिस्क्रिमिनेटर नहीं; यह VQGAN की क़िस्म नहीं, उससे पहले की चीज़ है |
# > | दिसंबर 2020 | Esser, Rombach और Ommer (हाइडलबर्ग) | **VQGAN**: पैच डिस्क्रिमिनेटर, परसेप्चुअल लॉस, अडैप्टिव λ, और कोडों पर ट्रांसफ़ॉर्मर |
# > | 2021 | Crowson et al. (शोध-पत्र 2022) | **VQGAN + CLIP**: यह भी नया नेटवर्क नहीं, ऐसे कोडों की खोज है जो CLIP को पसंद आएँ, यानी उस नेटवर्क को जो बताता है कि शब्द चित्र पर कितने ठीक बैठते हैं ([3.3](3-words-to-pictures.hi.ipynb)) |
# > | 2021 | Gu et al.; Rombach et al. | **कोडों या लेटेंट पर diffusion**: ऐसे ही ऑटोएनकोडर पर प्रायरों का एक और परिवार |
# >
# > "नई बात एनकोडर है"? एनकोडर और क्वांटाइज़र VQ-VAE के हैं; नए हैं लॉस और ट्रांसफ़ॉर्मर। "VQGAN Razavi के समूह ने बनाया"? दूसरी पंक्ति देखिए।


# %% [markdown] lang="en" name="four-text"
# ## 8 · VQGAN, GAN, VAE: four measurements instead of four adjectives
#
# The usual table says "discrete / continuous, high / low, rare / common, good / poor". Let us measure. The **GAN** is lesson 2's. The **VAE** we train here: this lesson's encoder and decoder, at half the width, and between them 64 numbers with noise; small and young, so do not read its quality as that of all VAEs.
# %% [markdown] lang="hi" of="cb82b0ad"
# ## 8 · VQGAN, GAN, VAE: चार विशेषणों की जगह चार माप
#
# आम तालिका कहती है "असतत / सतत, ऊँची / नीची, कभी-कभार / आम, अच्छा / ख़राब"। हम नापते हैं। **GAN** पाठ 2 का है। **VAE** यहीं सिखाते हैं: इसी पाठ के एनकोडर और डिकोडर, आधी चौड़ाई के, और बीच में शोर मिली 64 संख्याएँ। यह छोटा है और थोड़ा ही सीखा है, तो इसकी गुणवत्ता को सब VAE की गुणवत्ता मत समझिए।
# %% name="vae"
class SmallVAE(nn.Module):
    """Pictures [N, 3, 32, 32] <-> 64 numbers with noise (Kingma & Welling 2013)."""

    def __init__(self, latent: int = 64) -> None:
        super().__init__()
        self.latent = latent
        self.encoder = nn.Sequential(Encoder(32, 8), nn.Flatten(), nn.Linear(512, 2 * latent))
        self.decoder = nn.Sequential(
            nn.Linear(latent, 512), nn.Unflatten(1, (8, 8, 8)), Decoder(32, 8)
        )

    def forward(self, x: Tensor, dice: torch.Generator) -> tuple[Tensor, Tensor]:
        """The restored pictures, and what each latent number costs: KL [N, latent]."""
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        noise = torch.randn(mean.shape, generator=dice).to(mean.device)
        price = (mean.square() + log_variance.exp() - log_variance - 1) / 2
        return self.decoder(mean + noise * (log_variance / 2).exp()), price


VAE_STEPS = 140
with torch.random.fork_rng():
    torch.manual_seed(0)
    vae = SmallVAE().to(device, memory_format=torch.channels_last)
optimizer = torch.optim.AdamW(vae.parameters(), 3e-3, fused=True)
dice = torch.Generator().manual_seed(0)
for step in range(VAE_STEPS):
    batch = signed(images[torch.randint(len(images), (32,), generator=dice)]).to(device)
    restored, price = vae(batch, dice)
    distance = (restored - batch).square().sum((1, 2, 3)) / (2 * 0.3**2)  # off by 0.3 is normal
    loss = (distance + price.sum(1)).mean()
    optimizer.param_groups[0]["lr"] = 3e-3 * min(1, (step + 1) / 30) * (1 - step / VAE_STEPS)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
_ = vae.eval()

# %% name="four-measurements"
gan = load_dcgan(device)
dice = torch.Generator().manual_seed(5)
labels = torch.arange(512) % 64
with torch.no_grad():
    restored_vae, price = vae(signed(test).to(device), dice)
    from_vae = vae.decoder(torch.randn(512, 64, generator=dice).to(device)).cpu()
    random_codes = torch.randint(256, (512, 8, 8), generator=dice)
    from_vqgan = torch.cat([shipped.decode(c.to(device)).cpu() for c in random_codes.split(256)])
from_gan = sample(gan, 512, seed=5, device=device, labels=labels)
restored_vqgan, test_codes = restore(shipped, test)
known = judge(signed(test).add(1).div(2))


def fid(pictures: Tensor) -> float:
    """Fréchet distance of pictures in -1…1 to the test pictures, as the judge sees them."""
    return frechet_distance(known, judge(pictures.cpu().clamp(-1, 1).add(1).div(2)))


def local(before: Tensor, after: Tensor) -> float:
    """The share of what changed that lies in one window of 12 × 12 pixels, the best for each."""
    change = (before - after).abs().sum(1, keepdim=True)  # [N, 1, 32, 32]
    window = F.avg_pool2d(change, 12, 1).flatten(1).amax(1) * 12 * 12
    return (window / change.flatten(1).sum(1)).nanmean().item()


# Control: change the 28th of the 64 numbers, or codes, of each picture, and nothing else
z = torch.randn(64, 64, generator=dice)
other_z, other_codes = z.clone(), test_codes[:64].clone()
other_z[:, 27] = torch.randn(64, generator=dice)
other_codes[:, 3, 3] = torch.randint(256, (64,), generator=dice)
with torch.no_grad():
    moved = {
        "VQGAN": local(
            shipped.decode(test_codes[:64].to(device)), shipped.decode(other_codes.to(device))
        ),
        "GAN": local(
            gan(z.to(device), labels[:64].to(device)),
            gan(other_z.to(device), labels[:64].to(device)),
        ),
        "VAE": local(vae.decoder(z.to(device)), vae.decoder(other_z.to(device))),
    }
alive = int((price.mean(0) > 0.05).sum())
covered = {
    name: modes(judge, x.cpu().clamp(-1, 1).add(1).div(2)).covered
    for name, x in (
        ("VQGAN", restored_vqgan),
        ("GAN", from_gan * 2 - 1),
        ("VAE", restored_vae),
    )
}
distances = {
    name: fid(pictures)
    for name, pictures in (
        ("restored", restored_vqgan),
        ("restored VAE", restored_vae),
        ("VQGAN", from_vqgan),
        ("GAN", from_gan * 2 - 1),
        ("VAE", from_vae),
    )
}
rows = [
    [
        t("latent"),
        t("64 codes of 256: 512 bits"),
        t("64 dice and a label"),
        t("64 numbers, normal"),
    ],
    [
        t("latent: PSNR of a given picture that is encoded and restored"),
        psnr(restored_vqgan, signed(test)),
        None,
        psnr(restored_vae.cpu(), signed(test)),
    ],
    [
        t("quality: FID of restored pictures"),
        distances["restored"],
        None,
        distances["restored VAE"],
    ],
    [
        t("quality: FID of pictures from dice"),
        distances["VQGAN"],
        distances["GAN"],
        distances["VAE"],
    ],
    [
        t("collapse: kinds seen (restored; GAN: drawn), of 64"),
        covered["VQGAN"],
        covered["GAN"],
        covered["VAE"],
    ],
    [
        t("collapse: of the latent, what is in use"),
        f"{shipped_report['used']} / 256",
        None,
        f"{alive} / 64",
    ],
    [
        t("control: share of a change that stays in one place"),
        moved["VQGAN"],
        moved["GAN"],
        moved["VAE"],
    ],
]
plots.table(
    rows,
    columns=[t("measurement"), "VQGAN", "GAN", "VAE"],
    caption=t("VQGAN, GAN and VAE, measured"),
)
plots.show_images(
    [
        side_by_side(row).clamp(0, 1)
        for row in (from_vqgan[:8].add(1).div(2), from_gan[:64:9], from_vae[:8].add(1).div(2))
    ],
    titles=["VQGAN", "GAN", "VAE"],
    columns=1,
    zoom=2,
    colours=64,
    alt=t(
        "Pictures from dice: scattered bits by the VQGAN, rangoli by the GAN, coloured clouds by the VAE"
    ),
)
assert psnr(restored_vqgan, signed(test)) > psnr(restored_vae.cpu(), signed(test))
assert distances["VQGAN"] > 5 * distances["GAN"]  # codes need a prior
assert moved["VQGAN"] > moved["GAN"] + 0.2 and moved["VQGAN"] > moved["VAE"] + 0.2
measured += [
    [
        t("FID of VQGAN from random codes | restored"),
        distances["VQGAN"],
        distances["restored"],
        t("codes of real pictures"),
    ],
    [
        t("changing 1 of 64 codes: what stays in one place"),
        moved["VQGAN"],
        moved["GAN"],
        t("1 of 64 dice of a GAN"),
    ],
]

# %% [markdown] lang="en" name="four-read"
# Read it line by line. (The pictures from dice: above by the VQGAN, in the middle by the GAN, below by the VAE.)
#
# - **Latent.** The VQGAN's is discrete, and a given picture *has* one; the GAN has no encoder at all, so "–".
# - **Quality.** The first row of pictures shows the most common misunderstanding. **You may have read** "VQGAN's generator takes random noise". Throw dice for the codes and you get scraps. The decoder wants codes *that go together*; a **prior** must learn which do. That is the next notebook.
# - **Collapse.** The rows ask different questions: the VQGAN *restores*, so its kinds are those of its input; what can collapse is its codebook (codes that die). A VAE can lose latent numbers (posterior collapse); the row of what is in use shows whether this one has. (Where fewer kinds are seen among its copies, that is blur: the judge cannot name them.) A GAN can lose kinds of picture; this one, with labels, has not.
# - **Control** (here: of what is drawn). Change one code, and mostly one place of the picture changes; change one of the dice of a GAN or VAE, and it changes all over. (The row measures how much of the change lies in one window of 12 × 12 pixels, the best for each. That window is 14 % of the picture.) So codes can be edited by hand ([3.4](4-using-it.en.ipynb)).
# %% [markdown] lang="hi" of="8087e5cb"
# पंक्ति-दर-पंक्ति पढ़िए। (पासों से बने चित्र: ऊपर VQGAN के, बीच में GAN के, नीचे VAE के।)
#
# - **लेटेंट।** VQGAN का लेटेंट असतत (discrete) है, और दिए गए चित्र का लेटेंट *होता है*; GAN के पास एनकोडर ही नहीं, इसलिए "–"।
# - **गुणवत्ता।** चित्रों की पहली पंक्ति सबसे आम ग़लतफ़हमी दिखाती है। **आपने पढ़ा होगा** "VQGAN का जनरेटर रैंडम शोर लेता है"। कोडों के लिए पासा फेंकिए, तो कतरनें मिलेंगी। डिकोडर को ऐसे कोड चाहिए *जो साथ जँचते हों*; कौन-से जँचते हैं, यह **प्रायर (prior)** को सीखना पड़ता है। वही अगली नोटबुक है।
# - **ढहना।** ये पंक्तियाँ अलग-अलग सवाल पूछती हैं: VQGAN *वापस बनाता* है, तो क़िस्में वही हैं जो इनपुट में थीं; उसमें कोडबुक ढह सकती है (कोड मर जाते हैं)। VAE लेटेंट की संख्याएँ खो सकता है (posterior collapse); इसने खोईं या नहीं, यह "काम में है" वाली पंक्ति दिखाती है। (उसकी नक़लों में कम क़िस्में दिखें, तो वह धुँधलापन है: जज उन्हें पहचान नहीं पाता।) GAN चित्रों की क़िस्में खो सकता है; लेबल वाले इस GAN ने नहीं खोईं।
# - **नियंत्रण।** एक कोड बदलिए, तो ज़्यादातर चित्र की एक ही जगह बदलती है; GAN या VAE का एक पासा बदलिए, तो पूरा चित्र। (पंक्ति यह नापती है कि बदलाव का कितना हिस्सा 12 × 12 पिक्सल की एक ही खिड़की में है, हर चित्र की सबसे अच्छी खिड़की में। ऐसी खिड़की चित्र का 14 % है।) इसलिए कोड हाथ से बदले जा सकते हैं ([3.4](4-using-it.hi.ipynb))।

# %% [markdown] lang="en" name="own-text"
# ## 9 · Your own pictures
#
# Put pictures into a folder and write its name below (or, on Colab and phones, `uploaded(files.upload(), size=32)`, which gives the same two results). Without a folder, photographs that came with the packages are taken. They are cut to a square of 32 × 32, encoded and decoded.
# %% [markdown] lang="hi" of="a44bd0cc"
# ## 9 · आपके अपने चित्र
#
# चित्रों को एक फ़ोल्डर में रखकर नीचे उसका नाम लिखिए (Colab या फ़ोन पर `uploaded(files.upload(), size=32)`, जो वही दो नतीजे देता है)। फ़ोल्डर न हो, तो पैकेजों के साथ आई तस्वीरें ली जाती हैं। हर चित्र 32 × 32 के चौकोर में काटा, कोडों में बदला और वापस बनाया जाता है।
# %% name="own"
FOLDER = ""  # for example "my-pictures"

if FOLDER:
    own, report = image_folder(FOLDER, size=32, limit=64)
    print(report)
else:
    own = torch.stack(
        list(
            photographs(
                "astronaut", "chelsea", "coffee", "flower", "rocket", "camera", size=32
            ).values()
        )
    )
own_restored, _ = restore(shipped, own)
plots.show_images(
    in_pairs(own[:8], own_restored[:8]),
    columns=min(8, len(own)),
    zoom=3,
    colours=128,
    alt=t("Photographs above their copies by a VQGAN of rangoli: coarse and in rangoli's colours"),
)
own_psnr = psnr(own_restored, signed(own))
print(
    t(
        "PSNR: your pictures {own:.1f} dB, rangoli {rangoli:.1f} dB",
        own=own_psnr,
        rangoli=shipped_report["psnr"],
    )
)
if not FOLDER:
    assert own_psnr < shipped_report["psnr"]
    measured.append(
        [t("PSNR of photographs, shipped VQGAN"), own_psnr, shipped_report["psnr"], t("rangoli")]
    )

# %% [markdown] lang="en" name="own-read"
# Honestly: large areas survive, and every detail turns into a blob in rangoli's colours. Its 256 codes are bits of petals, of rims and of flat ground; for a face it has no word. That is no fault of the method, but of the data: a codebook knows what it was trained on. To teach it *your* pictures, go on from it, with a few hundred of them at least:
#
# ```python
# mine = train_vqgan(own, steps=2000, start=TrainedVqgan(shipped, PatchDiscriminator()), features=eye, device=device)
# ```
#
# (The feature network, too, knows only rangoli; for photographs one takes a network that was trained on photographs.)
# %% [markdown] lang="hi" of="87fd2320"
# सच कहें तो बड़े-बड़े हिस्से बच जाते हैं, और हर बारीकी रंगोली के रंगों का धब्बा बन जाती है। इसके 256 कोड पंखुड़ियों, घेरों और सपाट पृष्ठभूमि के टुकड़े हैं; चेहरे के लिए इसके पास कोई शब्द नहीं। यह तरीक़े की नहीं, डेटा की कमी है: कोडबुक वही जानती है जिस पर वह सीखी। *अपने* चित्र सिखाने हों, तो यहीं से आगे चलिए, कम-से-कम कुछ सौ चित्रों के साथ:
#
# ```python
# mine = train_vqgan(own, steps=2000, start=TrainedVqgan(shipped, PatchDiscriminator()), features=eye, device=device)
# ```
#
# (फ़ीचर नेटवर्क भी सिर्फ़ रंगोली जानता है; तस्वीरों के लिए ऐसा नेटवर्क लेते हैं जो तस्वीरों पर सीखा हो।)

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
# - Write λ yourself, find the bugs in a VQGAN step and predict what is blurred in the [exercises](exercises.en.ipynb). The lesson's second quiz waits at the end of [3.4](4-using-it.en.ipynb).
# - [3.3](3-words-to-pictures.en.ipynb): which codes go together? A prior over codes, steered by words.
# - In lesson 4 the features of a network compare *styles*; the perceptual loss of section 2 is half of the way there.
#
# **References.** van den Oord et al. 2017, *VQ-VAE* ([1711.00937](https://arxiv.org/abs/1711.00937)) · Razavi et al. 2019, *VQ-VAE-2* ([1906.00446](https://arxiv.org/abs/1906.00446)) · Esser et al. 2020, *VQGAN* ([2012.09841](https://arxiv.org/abs/2012.09841)) · Isola et al. 2016, *patch discriminator* ([1611.07004](https://arxiv.org/abs/1611.07004)) ·
# Johnson et al. 2016, *perceptual losses* ([1603.08155](https://arxiv.org/abs/1603.08155)) · Gatys et al. 2015 ([1508.06576](https://arxiv.org/abs/1508.06576)) · Zhang et al. 2018, *LPIPS* ([1801.03924](https://arxiv.org/abs/1801.03924)) · Miyato et al. 2018, *spectral norm* ([1802.05957](https://arxiv.org/abs/1802.05957)) · Wang et al. 2018, *ESRGAN* ([1809.00219](https://arxiv.org/abs/1809.00219)) ·
# Heusel et al. 2017, *FID* ([1706.08500](https://arxiv.org/abs/1706.08500)) · Kingma & Welling 2013, *VAE* ([1312.6114](https://arxiv.org/abs/1312.6114)) · Crowson et al. 2022, *VQGAN-CLIP* ([2204.08583](https://arxiv.org/abs/2204.08583)) · Gu et al. 2021 ([2111.14822](https://arxiv.org/abs/2111.14822)) · Rombach et al. 2021 ([2112.10752](https://arxiv.org/abs/2112.10752))
# %% [markdown] lang="hi" of="33b75b9e"
# ## अभ्यास, और आगे का रास्ता
#
# - [अभ्यास](exercises.hi.ipynb) में λ ख़ुद लिखिए, VQGAN की चाल में ग़लतियाँ ढूँढिए, और पहले से बताइए कि क्या धुँधला होगा। पाठ का दूसरा क्विज़ [3.4](4-using-it.hi.ipynb) के अंत में है।
# - [3.3](3-words-to-pictures.hi.ipynb): कौन-से कोड साथ जँचते हैं? कोडों पर एक प्रायर, जिसे शब्द राह दिखाते हैं।
# - पाठ 4 में नेटवर्क के फ़ीचरों से *शैलियों* की तुलना होगी; सेक्शन 2 का परसेप्चुअल लॉस उसका आधा रास्ता है।
#
# **संदर्भ।** van den Oord et al. 2017, *VQ-VAE* ([1711.00937](https://arxiv.org/abs/1711.00937)) · Razavi et al. 2019, *VQ-VAE-2* ([1906.00446](https://arxiv.org/abs/1906.00446)) · Esser et al. 2020, *VQGAN* ([2012.09841](https://arxiv.org/abs/2012.09841)) · Isola et al. 2016, *पैच डिस्क्रिमिनेटर* ([1611.07004](https://arxiv.org/abs/1611.07004)) ·
# Johnson et al. 2016, *perceptual losses* ([1603.08155](https://arxiv.org/abs/1603.08155)) · Gatys et al. 2015 ([1508.06576](https://arxiv.org/abs/1508.06576)) · Zhang et al. 2018, *LPIPS* ([1801.03924](https://arxiv.org/abs/1801.03924)) · Miyato et al. 2018, *स्पेक्ट्रल नॉर्म* ([1802.05957](https://arxiv.org/abs/1802.05957)) · Wang et al. 2018, *ESRGAN* ([1809.00219](https://arxiv.org/abs/1809.00219)) ·
# Heusel et al. 2017, *FID* ([1706.08500](https://arxiv.org/abs/1706.08500)) · Kingma & Welling 2013, *VAE* ([1312.6114](https://arxiv.org/abs/1312.6114)) · Crowson et al. 2022, *VQGAN-CLIP* ([2204.08583](https://arxiv.org/abs/2204.08583)) · Gu et al. 2021 ([2111.14822](https://arxiv.org/abs/2111.14822)) · Rombach et al. 2021 ([2112.10752](https://arxiv.org/abs/2112.10752))
