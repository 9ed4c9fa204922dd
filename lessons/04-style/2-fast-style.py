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
# # 4.2 · Style in a blink: feed-forward networks and AdaIN
#
# In [4.1](1-gram.en.ipynb) every picture was a small training of its own: dozens of looks through a network, for one photograph. Here that work is done once, beforehand. First a **feed-forward network** that paints *any photograph in one style* in a tenth of a second; you train it here. Then one that is *shown* the style as a second picture (**AdaIN**), and can mix two. You measure what that buys, what it costs, and where it fails.
#
# **You need** [4.1](1-gram.en.ipynb) (Gram matrices, the three losses) and, of [2.2](../../02-gan/notebooks/2-dcgan.en.ipynb), batch norm.
# **Time**: about an hour to read and try; *Run all* takes about two minutes on two CPU cores.
# %% [markdown] lang="hi" of="c3e9bd68"
# # 4.2 · पलक झपकते शैली: फ़ीड-फ़ॉरवर्ड नेटवर्क और AdaIN
#
# [4.1](1-gram.hi.ipynb) में हर चित्र अपने-आप में एक छोटी ट्रेनिंग था: एक ही तस्वीर के लिए नेटवर्क से दर्जनों बार देखना। यहाँ वह मेहनत एक ही बार होती है, पहले से। पहले एक **फ़ीड-फ़ॉरवर्ड नेटवर्क (feed-forward network)**, जो *किसी भी तस्वीर को एक शैली में* सेकंड के दसवें हिस्से में रँग देता है; उसे आप यहीं सिखाएँगे। फिर एक ऐसा, जिसे शैली दूसरे चित्र के रूप में *दिखाई* जाती है (**AdaIN**), और जो दो शैलियाँ मिला भी सकता है। इससे क्या मिलता है, क्या दाम लगता है और कहाँ बात नहीं बनती, यह सब आप नापेंगे।
#
# **क्या आना चाहिए**: [4.1](1-gram.hi.ipynb) (ग्राम मैट्रिक्स, तीनों लॉस), और [2.2](../../02-gan/notebooks/2-dcgan.hi.ipynb) से बैच नॉर्म (batch norm)।
# **समय**: पढ़ने और आज़माने में लगभग एक घंटा; *Run all* दो CPU कोर पर क़रीब दो मिनट लेता है।
# %% tags=["start"]
# %% name="imports" tags=["export"]
import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from safetensors import safe_open
from torch import Tensor, nn

import common
from common import plots, quiz
from common.data import as_picture, photograph, photographs
from common.features import load_features
from common.interact import interact
from common.lang import t
from common.style import as_batch, content_loss, gram_matrix, style_loss, variation_loss
from common.training import Training

# %% name="preview"
# Where we are going. Neither photograph taught any of these painters, and the mosaic taught only its own
from common.art import PAINTINGS, painting
from common.style import StyleJudge, StyleObjective, load_adain, load_fast_style, stylise

net = load_features(device=device)  # the eye of 4.1, frozen
held_out = torch.stack([photograph(name, 256) for name in ("china", "astronaut")]).to(device)
styles = {name: painting(name, 256)[None].to(device) for name in PAINTINGS}
fast = {name: load_fast_style(name, device) for name in ("swirl", "mosaic")}
any_style = load_adain(device)


def gallery(pictures: list, titles: list[str], columns: int, alt: str, height: int = 134) -> None:
    """Pictures of one size in 0…1, brought to this height, with titles above them."""
    size = (height, round(height * pictures[0].shape[2] / pictures[0].shape[1]))
    small = [F.interpolate(x[None].cpu(), size, mode="area")[0].clamp(0, 1) for x in pictures]
    plots.show_images(small, titles=titles, columns=columns, zoom=1, alt=alt, photographs=True)


names = {
    "swirl": t("swirl"),
    "carpet": t("carpet"),
    "warli": t("Warli"),
    "impression": t("impression"),
    "ikat": t("ikat"),
    "mosaic": t("mosaic"),
}
with torch.no_grad():
    painted_swirl, painted_mosaic = (fast[name](held_out) for name in ("swirl", "mosaic"))
gallery(
    [styles[name][0] for name in ("swirl", "mosaic", "ikat")]
    + [painted_swirl[0], painted_mosaic[1], any_style.draw(held_out[1:], styles["ikat"])[0]],
    [names["swirl"], names["mosaic"], names["ikat"], *[t("its own network")] * 2, "AdaIN"],
    columns=3,
    alt=t("Three styles, and below them a pagoda and an astronaut painted in them"),
    height=144,
)


# %% [markdown] lang="en" name="warm-up"
# **Warm-up.** The quiz at the start of [4.1](1-gram.en.ipynb) serves both notebooks. One question to keep in mind here: *a network that has never seen your photograph paints it in a tenth of a second. Where did the other seconds go?*
#
# ## 1 · Solve each case, or learn the rule
#
# The smallest picture has one pixel, of brightness x. Its style wants brightness 0.9. We look for the y that makes "stay like x" plus twice "be like the style" small: (y − x)² + 2 (y − 0.9)².
#
# - **Optimise**: start at y = x and go downhill. For the next pixel, begin again.
# - **Learn the rule**: let y = a·x + b, and adjust a and b so that *the same loss* becomes small, for many x drawn by chance. Nobody ever shows it a right y! Afterwards each new x costs one multiplication and one addition.
# %% [markdown] lang="hi" of="aa7ef3fd"
# **शुरुआती सवाल।** [4.1](1-gram.hi.ipynb) के शुरू का क्विज़ दोनों नोटबुक के लिए है। यहाँ एक सवाल मन में रखिए: *जिस नेटवर्क ने आपकी तस्वीर कभी देखी ही नहीं, वह उसे सेकंड के दसवें हिस्से में रँग देता है। बाक़ी सेकंड कहाँ गए?*
#
# ## 1 · हर सवाल अलग हल करें, या नियम सीख लें
#
# सबसे छोटे चित्र में एक ही पिक्सल है, जिसकी चमक x है। शैली को चमक 0.9 चाहिए। हमें वह y चाहिए जिसके लिए "x जैसे रहो" और "शैली जैसे बनो" का दुगुना, दोनों का जोड़ छोटा हो: (y − x)² + 2 (y − 0.9)²।
#
# - **हर बार ऑप्टिमाइज़ (optimise)**: y = x से चलिए और ढलान पर उतरिए। अगले पिक्सल के लिए फिर शुरू से।
# - **नियम सीखना**: y = a·x + b मानिए, और रैंडम चुने कई x के लिए a और b ऐसे बदलिए कि *वही लॉस* छोटा हो। सही y उसे कोई कभी नहीं दिखाता! इसके बाद हर नया x बस एक गुणा और एक जोड़ माँगता है।
# %% name="one-pixel"
def pixel_loss(y: Tensor, x: Tensor) -> Tensor:
    return ((y - x) ** 2 + 2 * (y - 0.9) ** 2).mean()


def rule_from(examples: Tensor, steps: int = 300) -> Tensor:
    """a and b of the rule y = a·x + b, learnt by gradient descent from x drawn out of these."""
    ab = torch.zeros(2, requires_grad=True)
    dice = torch.Generator().manual_seed(0)
    for _ in range(steps):
        x = examples[torch.randint(len(examples), (16,), generator=dice)]
        (slope,) = torch.autograd.grad(pixel_loss(ab[0] * x + ab[1], x), ab)
        ab = (ab - 0.15 * slope).detach().requires_grad_()
    return ab.detach()


new = torch.tensor([0.05, 0.35, 0.65, 0.95])  # pixels that taught nothing
solved, looks = new.clone(), 0
for _ in range(20):
    solved = solved - 0.1 * (2 * (solved - new) + 4 * (solved - 0.9))  # downhill, each by itself
    looks += 1
rules = {
    t("optimised, one by one"): solved,
    t("rule, learnt from many"): torch.stack([new, torch.ones(4)], 1)
    @ rule_from(torch.rand(1000, generator=torch.Generator().manual_seed(1))),
    t("rule, learnt from one x = 0.1"): torch.stack([new, torch.ones(4)], 1)
    @ rule_from(torch.tensor([0.1])),
}
plots.table(
    [[name, *y] for name, y in rules.items()],
    columns=[t("new pixel x:"), *(f"{x:.2f}" for x in new.tolist())],
    caption=t("The y that each way gives"),
)
by_hand, by_rule, by_one = rules.values()
assert torch.allclose(by_hand, by_rule, atol=0.02) and not torch.allclose(by_hand, by_one, atol=0.1)
print(t("looks for these 4 pixels, optimised: {n}; for 4 more: {n} again", n=4 * looks))

# %% [markdown] lang="en" name="one-pixel-read"
# The rule gives for new pixels what optimisation gives, although it was never told an answer. And the control shows the condition: learnt from *one* example, it is right there and wrong elsewhere. A feed-forward painter is this with 165,000 numbers in place of a and b, photographs in place of x, and the loss of 4.1 (with one term more).
#
# ## 2 · The painter
#
# A network from picture to picture (Johnson et al. 2016): convolutions down to a quarter of each side, three residual blocks, and up again. Some choices in it are there for a reason:
#
# - **Upwards by repeating pixels, then convolving.** A transposed convolution with stride reaches some pixels more often than others: a checkerboard.
# - **The border is mirrored.** Zeros would be a black frame, and the style would grow out of it.
# - **It paints on a ground**: the photograph *recoloured*, each of red, green and blue brought to the mean and spread that it has in the style (`rescale`). A new painter gives this ground back, only paler. So the subject survives a short training, and the colours start where they belong.
# - **Grain**: a little noise under the picture. A flat sky looks the same everywhere, so convolutions would do the same everywhere, that is nothing; noise lets strokes begin. (Ulyanov et al. 2016 fed their texture networks noise alone.)
# - **No layer knows the size**: any height, any width, any number of pictures.
# %% [markdown] lang="hi" of="8e2e8c7d"
# नए पिक्सलों पर नियम वही देता है जो हर बार ऑप्टिमाइज़ करने से मिलता है, जबकि उसे जवाब कभी बताया ही नहीं गया। और कंट्रोल शर्त भी दिखाता है: *एक ही* उदाहरण से सीखा नियम वहीं सही है, बाक़ी जगह ग़लत। फ़ीड-फ़ॉरवर्ड नेटवर्क यही चीज़ है: a और b की जगह 1,65,000 संख्याएँ, x की जगह तस्वीरें, और लॉस 4.1 वाला (एक हिस्सा बढ़ाकर)।
#
# ## 2 · चित्रकार नेटवर्क
#
# चित्र से चित्र बनाने वाला नेटवर्क (Johnson et al. 2016): कनवॉल्यूशन से हर भुजा चौथाई तक छोटी, तीन रेज़िड्युअल ब्लॉक, और फिर वापस बड़ी। इसकी कुछ बातें सोच-समझकर रखी गई हैं:
#
# - **बड़ा करना हो तो पिक्सल दोहराइए, फिर कनवॉल्यूशन।** स्ट्राइड वाला ट्रांसपोज़्ड कनवॉल्यूशन कुछ पिक्सलों तक दूसरों से ज़्यादा बार पहुँचता है: शतरंज जैसे ख़ाने बन जाते हैं।
# - **किनारे के बाहर चित्र का ही प्रतिबिंब (mirror) जोड़ा जाता है।** शून्य लगाएँ तो काला चौखटा बनेगा, और शैली उसी से उगने लगेगी।
# - **वह एक तैयार ज़मीन (ground) पर रँगता है**: *रंग बदली हुई* तस्वीर, जिसमें लाल, हरे और नीले, तीनों का औसत और फैलाव वही कर दिया गया है जो शैली में है (`rescale`)। नया नेटवर्क यही ज़मीन लौटा देता है, बस कुछ फीकी। इसलिए छोटी ट्रेनिंग में भी विषय बचा रहता है, और रंग वहीं से शुरू होते हैं जहाँ उन्हें होना चाहिए।
# - **दाने (grain)**: चित्र के नीचे थोड़ा-सा शोर। सपाट आसमान हर जगह एक-सा दिखता है, तो कनवॉल्यूशन भी हर जगह एक-सा करेगा, यानी कुछ नहीं; शोर से ब्रश के निशान शुरू हो पाते हैं। (Ulyanov et al. 2016 ने बुनावट बनाने वाले नेटवर्कों को सिर्फ़ शोर ही दिया था।)
# - **किसी लेयर को आकार से मतलब नहीं**: कोई भी ऊँचाई, कोई भी चौड़ाई, कितने भी चित्र।
# %% name="recolour" tags=["export"]
EPS = 1e-5


def statistics(maps: Tensor, eps: float = EPS) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel of each picture: [N, C, H, W] -> [N, C, 1, 1].

    The variance is that of these places (÷ H·W, "biased"), and eps is added to it.
    """
    variance, mean = torch.var_mean(maps, (2, 3), correction=0, keepdim=True)
    return mean, (variance + eps).sqrt()


def rescale(maps: Tensor, mean: Tensor, std: Tensor, eps: float = EPS) -> Tensor:
    """Maps [N, C, H, W] with this mean and spread in each channel (each [N or 1, C, 1, 1])."""
    own_mean, own_std = statistics(maps, eps)
    return std * (maps - own_mean) / own_std + mean


# %% name="painter" tags=["export"]
class Painter(nn.Module):
    """Twelve convolutions from pictures [N, 3, H, W] in 0…1 to pictures of the same size; a norm
    follows all but the last.

    Down to a quarter, three residual blocks, and up again. What stands after each convolution is
    not its own: `forward` is given norm(number, maps). The last one changes what the `ground` has
    already (`keep` of its logits), so a new painter gives almost the ground back. `grain`: noise
    under the picture, without which a flat sky would be painted flat.
    """

    keep = 0.6
    grain = 0.2

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        w = width
        self.widths = [w, 2 * w, *[3 * w] * 7, 2 * w, w]  # channels after each convolution
        kernels = [5] + [3] * 10
        self.layers = nn.ModuleList(
            nn.Conv2d(
                before, after, kernel, 2 if number in (1, 2) else 1, kernel // 2,
                padding_mode="reflect",
            )
            for number, (before, after, kernel) in enumerate(
                zip([3, *self.widths[:-1]], self.widths, kernels, strict=True)
            )
        )  # fmt: skip
        self.last = nn.Conv2d(w, 3, 5, padding=2, padding_mode="reflect")
        nn.init.normal_(self.last.weight, std=0.01)
        nn.init.zeros_(self.last.bias)

    def forward(
        self, pictures: Tensor, ground: Tensor, norm: Callable[[int, Tensor], Tensor]
    ) -> Tensor:
        height, width = pictures.shape[2:]
        # Halved twice, so both sides must be multiples of 4: the border is continued
        x = F.pad(pictures, (0, -width % 4, 0, -height % 4), mode="replicate")

        def layer(number: int, h: Tensor) -> Tensor:
            return norm(number, self.layers[number](h))

        # One grain for all of a size; in training a new one, so that none is learnt by heart
        dice = None if self.training else torch.Generator().manual_seed(0)
        grain = torch.randn(1, 1, *x.shape[2:], generator=dice).to(x)
        h = 4 * x - 2 + self.grain * grain
        for number in range(3):
            h = F.relu(layer(number, h))  # [N, 3w, H/4, W/4]
        for number in (3, 5, 7):
            h = h + layer(number + 1, F.relu(layer(number, h)))
        for number in (9, 10):
            h = F.relu(layer(number, F.interpolate(h, scale_factor=2)))
        change = self.last(h)[:, :, :height, :width]
        return torch.sigmoid(change + self.keep * torch.logit(ground.clamp(0.05, 0.95)))


# %% name="fast-style" tags=["export"]
class FastStyle(nn.Module):
    """One style in the weights: pictures [N, 3, H, W] in 0…1 -> painted pictures, same size.

    norm: "instance" (each picture by its own mean and variance; Ulyanov et al. 2016) or "batch".
    About 165,000 parameters at width 16.
    """

    def __init__(self, width: int = 16, norm: str = "instance") -> None:
        super().__init__()
        kinds = {
            "instance": lambda channels: nn.InstanceNorm2d(channels, affine=True),
            "batch": nn.BatchNorm2d,
        }
        if norm not in kinds:
            raise ValueError(
                t("norm is {known}, not {given}", known=" / ".join(kinds), given=repr(norm))
            )
        self.painter = Painter(width)
        self.norms = nn.ModuleList(kinds[norm](channels) for channels in self.painter.widths)
        self.register_buffer("colours", torch.zeros(2, 3, 1, 1))  # the style's: mean, spread

    def forward(self, pictures: Tensor) -> Tensor:
        pictures = as_batch(pictures, t("content"))
        ground = rescale(pictures, *self.colours) if self.colours[1].any() else pictures
        return self.painter(pictures, ground, lambda number, maps: self.norms[number](maps))


# %% name="any-size" tags=["nbval-check-output"]
from common.style import FastStyle

with torch.random.fork_rng():
    torch.manual_seed(0)
    fresh = FastStyle().to(device).eval()
print(t("numbers to learn:"), sum(p.numel() for p in fresh.parameters()))
dice = torch.Generator().manual_seed(0)
with torch.no_grad():
    for shape in ((1, 3, 256, 256), (1, 3, 37, 130), (3, 3, 64, 41)):
        print(shape, "→", list(fresh(torch.rand(shape, generator=dice).to(device)).shape))
    several = torch.rand(3, 3, 40, 56, generator=dice).to(device)
    one_by_one = torch.cat([fresh(picture[None]) for picture in several])
    print(
        t("a batch is painted as one by one:"),
        torch.allclose(fresh(several), one_by_one, atol=1e-4),
    )
    grey, glass = torch.rand(50, 70).numpy(), torch.rand(4, 50, 70)  # grey; red, green, blue, alpha
    print(
        t("grey, with alpha:"),
        *(list(fresh(as_picture(x).to(device)).shape) for x in (grey, glass)),
    )


# %% [markdown] lang="en" name="train-text"
# ## 3 · Train it
#
# A step: cut four squares out of photographs, paint them, look at the result through the eye of 4.1, and push the *painter's* numbers downhill instead of the pixels. The style's Gram matrices are computed once; each picture's content is its own square.
#
# One more term. The eye, being a network, is hardly bothered by a colour that is far too bright, as long as its features go together as they should: a painter can drift into neon, and the loss of 4.1 says little. So `colour_moments` also asks for the style's mean and covariance of red, green and blue. (In the curve below, the loss of the squares has this term, that of the two photographs is the loss of 4.1.)
# %% [markdown] lang="hi" of="a3c2b868"
# ## 3 · उसे सिखाइए
#
# एक क़दम यह है: तस्वीरों से चार चौकोर टुकड़े काटिए, उन्हें रँगवाइए, नतीजे को 4.1 वाली आँख से देखिए, और ढलान पर पिक्सलों को नहीं, *चित्रकार नेटवर्क* की संख्याओं को उतारिए। शैली की ग्राम मैट्रिक्स एक ही बार निकलती हैं; विषय हर बार वही टुकड़ा है जो रँगा गया।
#
# एक हिस्सा और। यह आँख भी एक नेटवर्क ही है: फ़ीचर आपस में ठीक बैठें, तो उसे हद से ज़्यादा चटक रंग लगभग नहीं खटकते। चित्रकार नेटवर्क नियॉन रंगों की ओर बहक सकता है, और 4.1 का लॉस कुछ ख़ास नहीं कहता। इसलिए `colour_moments` लाल, हरे और नीले का औसत और कोवेरिएंस (covariance) भी शैली जैसा माँगता है। (नीचे की रेखाओं में टुकड़ों के लॉस में यह हिस्सा शामिल है, दोनों तस्वीरों का लॉस 4.1 वाला है।)
# %% name="training" tags=["export"]
class Crops:
    """Squares out of photographs for training: [batch, 3, size, size] in 0…1.

    photographs: [3, H, W], uint8 or float in 0…1, of any sizes (a list, or a dictionary of them).
    A square has any side from `size` to the whole height, is mirrored half the time, and its
    brightness changes a little; the colours stay, for the networks must learn what to do to them.
    """

    def __init__(
        self, photographs: Mapping[str, Tensor] | Sequence[Tensor], size: int, largest: int = 320
    ) -> None:
        if isinstance(photographs, Mapping):
            photographs = list(photographs.values())
        self.size, self.sources = size, []
        for picture in photographs:
            x = as_batch(
                picture[None] / 255 if picture.dtype == torch.uint8 else picture[None],
                t("photograph"),
            ).cpu()
            factor = max(size, min(largest, *x.shape[2:])) / min(x.shape[2:])
            sides = [max(size, round(side * factor)) for side in x.shape[2:]]
            self.sources.append(F.interpolate(x, sides, mode="bilinear", antialias=True))
        if not self.sources:
            raise ValueError(t("There must be at least one photograph"))

    def draw(self, count: int, dice: torch.Generator) -> Tensor:
        return torch.cat([self._one(dice) for _ in range(count)]).contiguous(
            memory_format=torch.channels_last
        )

    def _one(self, dice: torch.Generator) -> Tensor:
        def chance(limit: int) -> int:
            return int(torch.randint(limit, (), generator=dice))

        source = self.sources[chance(len(self.sources))]
        height, width = source.shape[2:]
        side = self.size + chance(min(height, width) - self.size + 1)
        top, left = chance(height - side + 1), chance(width - side + 1)
        square = source[..., top : top + side, left : left + side]
        square = F.interpolate(square, (self.size, self.size), mode="bilinear", antialias=True)
        square = square.flip(3) if chance(2) else square
        gamma = 0.6 * torch.rand((), generator=dice) - 0.3
        return square.clamp(0, 1) ** gamma.exp()


@dataclass
class TrainedStyle:
    """A painter, trained, and what it was worth at every step: {name: [(step, number), …]}."""

    model: nn.Module
    history: dict[str, list[tuple[int, float]]] = field(default_factory=dict)


def colour_moments(pictures: Tensor) -> list[Tensor]:
    """Gram matrices [N, 4, 4] of red, green, blue and 1: mean and covariance of the colours.

    Of the pixels, and of squares of 4 × 4.
    """
    with_one = F.pad(pictures, (0, 0, 0, 0, 0, 1), value=1.0)  # a fourth channel that is 1
    return [gram_matrix(with_one), gram_matrix(F.avg_pool2d(with_one, 4))]


@dataclass(frozen=True)
class StyleConfig:
    """Of a training: the painter's width, the squares of a step and their side, Adam's highest
    rate, and what style, variation and colours weigh beside the content (which weighs 1)."""

    width: int = 16
    batch: int = 4
    size: int = 128
    rate: float = 4e-3
    style_weight: float = 30.0
    variation_weight: float = 3.0
    colour_weight: float = 10.0


@torch.random.fork_rng(devices=[])  # the grain comes out of torch's own dice
def fit(
    model: nn.Module,
    paint: Callable[[Tensor, Tensor], Tensor],
    styles: Sequence[Tensor],
    photographs: Mapping[str, Tensor] | Sequence[Tensor],
    net: nn.Module,
    config: StyleConfig,
    *,
    steps: int,
    seed: int = 0,
    device: torch.device | str = "cpu",
    folder: Path | None = None,
    note: Callable[[int, nn.Module], Mapping[str, float] | None] | None = None,
) -> TrainedStyle:
    """The loop of both trainings. paint(pictures, which of the styles each gets [N])."""
    torch.manual_seed(seed)
    crops = Crops(photographs, config.size)
    net = net.to(device)
    model.to(device, memory_format=torch.channels_last).train()
    with torch.no_grad():
        grams, colours = [], []  # of each layer, each scale: [styles, C, C]
        for style in styles:
            grams.append([gram_matrix(maps) for maps in net(style.to(device))])
            colours.append(colour_moments(style.to(device)))
    grams = [torch.cat(layer) for layer in zip(*grams, strict=True)]
    colours = [torch.cat(scale) for scale in zip(*colours, strict=True)]
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(learning, config.rate, fused=True)
    dice = torch.Generator().manual_seed(seed)
    training = Training(
        {"model": model, "optimizer": optimizer, "dice": dice},
        folder,
        name="style",
        settings=asdict(config) | {"steps": steps, "seed": seed},
    )
    trained = TrainedStyle(model, training.history)
    for step in training.steps(steps):
        pace = min(1.0, (step + 1) / 10) * max(0.05, 1 - (step / steps) ** 2)
        optimizer.param_groups[0]["lr"] = config.rate * pace
        pictures = crops.draw(config.batch, dice).to(device)
        which = torch.randint(len(styles), (config.batch,), generator=dice).to(device)
        with torch.no_grad():
            wanted = net(pictures)[net.content]
        painted = paint(pictures, which)
        seen = net(painted)
        content = content_loss(seen[net.content], wanted).mean()
        style = style_loss(seen, [gram[which] for gram in grams]).mean()
        pairs = zip(colour_moments(painted), colours, strict=True)
        apart = [
            (a - b[which]).square().sum((1, 2)) / b[which].square().sum((1, 2)) for a, b in pairs
        ]
        loss = content + config.style_weight * style
        loss = loss + config.variation_weight * variation_loss(painted).mean()
        loss = loss + config.colour_weight * torch.stack(apart).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        training.note(content=content, style=style, total=loss)
        trained.history = training.history
        if note:
            training.note(**(note(step + 1, model) or {}))
    model.eval()
    trained.history = training.history
    return trained


def train_fast_style(
    style: Tensor,
    photographs: Mapping[str, Tensor] | Sequence[Tensor],
    net: nn.Module,
    *,
    steps: int,
    seed: int = 0,
    norm: str = "instance",
    start: FastStyle | None = None,
    device: torch.device | str = "cpu",
    folder: Path | None = None,
    note: Callable[[int, nn.Module], Mapping[str, float] | None] | None = None,
    **changes: float,
) -> TrainedStyle:
    """A FastStyle that paints any picture as `style` [3, H, W] or [1, 3, H, W] in 0…1 is painted.

    It learns from squares of the photographs (see `Crops`), by what the frozen `net` sees: the loss
    of 4.1's StyleObjective, and colour_weight · how far the colours' mean and covariance are from
    the style's. changes: fields of StyleConfig. start: go on from a copy of this painter. folder:
    keep the run there, and go on from what it holds. note(step, model): called after each step; the
    numbers it returns stand in the history.
    """
    config = StyleConfig(**changes)
    style = as_batch(style if style.ndim == 4 else style[None], t("style"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = FastStyle(config.width, norm)
    if start is not None:
        model.load_state_dict(start.state_dict())
    model.colours.copy_(torch.cat(statistics(style)))
    run = {"steps": steps, "seed": seed, "device": device, "folder": folder, "note": note}
    return fit(model, lambda x, _which: model(x), [style], photographs, net, config, **run)


def train_adain(
    styles: Mapping[str, Tensor] | Sequence[Tensor],
    photographs: Mapping[str, Tensor] | Sequence[Tensor],
    net: nn.Module,
    *,
    steps: int,
    seed: int = 0,
    device: torch.device | str = "cpu",
    folder: Path | None = None,
    note: Callable[[int, nn.Module], Mapping[str, float] | None] | None = None,
    **changes: float,
) -> TrainedStyle:
    """An AdaINStyle that takes its style from a picture, trained on several: each [3, H, W] in 0…1.

    The rest as for `train_fast_style`.
    """
    config = StyleConfig(**changes)
    if isinstance(styles, Mapping):
        styles = list(styles.values())
    styles = [as_batch(x if x.ndim == 4 else x[None], t("style")).to(device) for x in styles]
    if not styles:
        raise ValueError(t("There must be at least one style"))
    net = net.to(device).requires_grad_(False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AdaINStyle(net, config.width)
    model.to(device)
    with torch.no_grad():  # a style does not change: the eye looks at it once
        seen = torch.cat([model.see(style) for style in styles])
        model.usual.copy_(torch.stack([seen.mean(0), seen.std(0, correction=0).clamp(min=1e-2)]))
        colours = torch.cat([torch.cat(statistics(style), 1).flatten(1) for style in styles])

    def paint(pictures: Tensor, which: Tensor) -> Tensor:
        return model.paint(pictures, model.write_numbers(seen[which], colours[which]))

    run = {"steps": steps, "seed": seed, "device": device, "folder": folder, "note": note}
    return fit(model, paint, styles, photographs, net, config, **run)


# %% name="train"
from common.style import Painter, train_fast_style

STEPS, EARLY = 180, 30  # the control of section 4 stops at EARLY
lessons = photographs("chelsea", "coffee", "flower", "motorcycle", "rocket")
objective = StyleObjective(net, held_out, styles["swirl"])  # the whole loss of 4.1
judge = StyleJudge(held_out, styles["swirl"])  # knows nothing of the eye
stages, copies = {}, {}


@torch.no_grad()
def look(step: int, model: nn.Module) -> dict[str, float] | None:
    """Every now and then, paint the photographs that teach nothing."""
    if step not in (10, EARLY, STEPS):
        return None
    model.eval()
    stages[step], copies[step] = model(held_out), copy.deepcopy(model)
    model.train()
    return {
        "held_out": objective.terms(stages[step]).total.mean().item(),
        "judge": judge(stages[step]).mean().item(),
    }


began = time.process_time()
mine = train_fast_style(
    styles["swirl"], lessons, net, steps=STEPS, seed=0, device=device, note=look
)
train_seconds = time.process_time() - began
gallery(
    [held_out[0], *(picture[0] for picture in stages.values())],
    [t("photograph"), *(t("after {n} steps", n=n) for n in stages)],
    columns=4,
    alt=t("A pagoda, and how the painter paints it after 10, 30 and 180 steps"),
    height=148,
)

# %% name="train-curve"
recoloured = rescale(held_out, *statistics(styles["swirl"])).clamp(
    0, 1
)  # the control: colours alone
untouched = objective.terms(held_out).total.mean().item()
only_colour = objective.terms(recoloured).total.mean().item()
figure, ax = plt.subplots(figsize=(6, 2.8), layout="constrained")
for key, line, label in (
    ("total", "-", t("squares it learns from")),
    ("held_out", "o-", t("photographs it never saw")),
):
    ax.plot(
        [i + 1 for i, _ in mine.history[key]], [v for _, v in mine.history[key]], line, label=label
    )
ax.axhline(only_colour, color="grey", linewidth=0.8)
ax.text(STEPS, only_colour, t("colours alone"), ha="right", va="bottom", fontsize=8)
ax.set(xlabel=t("step"), ylabel=t("loss"), ylim=(0, None))
ax.legend(fontsize=8)
ax.set_title(t("What it learns from five photographs holds for others"), fontsize=10)
plots.show(figure, alt=t("The loss falls, on the squares and on photographs that taught nothing"))
last, judged = mine.history["held_out"][-1][1], mine.history["judge"][-1][1]
print(
    t(
        "loss on the two held-out photographs: untouched {untouched:.1f}, colours alone {colour:.1f}, painted {painted:.1f}",
        untouched=untouched,
        colour=only_colour,
        painted=last,
    )
)
print(
    t(
        "trained for {seconds:.0f} CPU seconds; the judge: {judged:.2f} (1: the photograph, 0: the style)",
        seconds=train_seconds,
        judged=judged,
    )
)
measured = [
    [t("loss of unseen photographs, painted"), last, only_colour, t("colours alone")],
]
assert last < 0.7 * only_colour and only_colour < untouched

# %% name="grain"
flat = torch.full((1, 3, 128, 128), 0.6, device=device)  # a sky without a cloud
spreads = []
for share in (Painter.grain, 0.0):
    mine.model.painter.grain = share
    with torch.no_grad():
        spreads.append(mine.model(flat)[..., 16:-16, 16:-16].std(dim=(2, 3)).mean().item())
mine.model.painter.grain = Painter.grain
print(
    t(
        "a flat picture, painted: spread of its pixels {with_grain:.3f} with grain, {without:.3f} without",
        with_grain=spreads[0],
        without=spreads[1],
    )
)
measured.append([t("a flat sky, painted: spread with grain"), *spreads, t("no grain")])
assert spreads[0] > 0.02 and spreads[1] < 1e-3

# %% [markdown] lang="en" name="norm-text"
# ## 4 · Instance norm or batch norm?
#
# Johnson et al. used batch norm, as everybody did. Ulyanov et al. (2016) changed one line, and it helped much: **instance norm** takes mean and variance over the places of *one* picture, not over the batch. Why should that matter for style? How strong the contrast of a result is, the *style* says; the contrast of the photograph should not have a say. Instance norm removes it. Four small facts first:
# %% [markdown] lang="hi" of="a131f2c2"
# ## 4 · इंस्टेंस नॉर्म या बैच नॉर्म?
#
# Johnson et al. ने बैच नॉर्म लिया था, जैसा तब सब लेते थे। Ulyanov et al. (2016) ने एक पंक्ति बदली और बहुत फ़र्क़ पड़ा: **इंस्टेंस नॉर्म (instance norm)** औसत और वेरिएंस *एक ही* चित्र की सब जगहों पर लेता है, पूरे बैच पर नहीं। शैली को इससे क्या? नतीजे में कितना कंट्रास्ट हो, यह *शैली* तय करती है; तस्वीर के अपने कंट्रास्ट को इसमें नहीं बोलना चाहिए। इंस्टेंस नॉर्म उसे हटा देता है। पहले चार छोटी बातें:
# %% name="norms" tags=["nbval-check-output"]
dice = torch.Generator().manual_seed(0)
maps = torch.randn(2, 3, 16, 16, generator=dice)
instance, batch_norm = nn.InstanceNorm2d(3), nn.BatchNorm2d(3, affine=False)


def same(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, atol=1e-3)


pale = torch.stack([0.2 * maps[0] + 1, maps[1]])  # the first picture loses its contrast
alone, beside = batch_norm(maps[:1]), batch_norm(maps)[:1]  # in training
print(t("instance norm sees no contrast:"), same(instance(pale), instance(maps)))
print(t("batch norm sees no contrast:"), same(batch_norm(pale), batch_norm(maps)))
print(t("under batch norm a neighbour changes a picture:"), not same(alone, beside))
print(t("with one picture in the batch the two are one:"), same(alone, instance(maps[:1])))

# %% [markdown] lang="en" name="norm-control-text"
# And trained? The same painter with batch norm, the same squares from the same dice, for `EARLY` steps; of ours we kept a copy at that step. (The control's rate falls to its end within these steps, ours had hardly fallen yet: if anything, that helps the control.) Both then paint the held-out photographs twice: as they are, and pale, with a quarter of the contrast left.
# %% [markdown] lang="hi" of="cc54b224"
# और ट्रेनिंग के बाद? वही नेटवर्क, पर बैच नॉर्म के साथ; वही टुकड़े, वही पासे, और `EARLY` क़दम; हमारे नेटवर्क की उसी क़दम की नक़ल रखी हुई है। (कंट्रोल की लर्निंग रेट इतने ही क़दमों में आख़िर तक गिर जाती है, हमारी तब तक मुश्किल से गिरी थी: इससे फ़ायदा होगा तो कंट्रोल को।) फिर दोनों उन तस्वीरों को रँगते हैं जिनसे किसी ने नहीं सीखा, दो बार: जैसी हैं वैसी, और फीकी, जिनमें चौथाई कंट्रास्ट बचा है।
# %% name="norm-control"
control = train_fast_style(
    styles["swirl"], lessons, net, steps=EARLY, seed=0, device=device, norm="batch"
)
pale_ones = 0.5 + 0.25 * (held_out - 0.5)
ways = {t("instance norm"): copies[EARLY].eval(), t("batch norm"): control.model}
shown, rows = [], []
with torch.no_grad():
    for name, model in ways.items():
        strong, faint = model(held_out), model(pale_ones)
        losses = [objective.terms(x).style.mean().item() for x in (strong, faint)]
        rows.append([name, *losses])
        shown += [strong[1], faint[1]]
plots.table(
    rows,
    columns=["", t("style loss: photographs"), t("style loss: the same, pale")],
    caption=t("After {n} steps, on photographs that taught nothing", n=EARLY),
)
gallery(
    shown,
    [f"{name}{', ' + t('pale') if odd else ''}" for name in ways for odd in (0, 1)],
    columns=4,
    alt=t("The astronaut, as she is and pale, by the painter with each norm"),
    height=132,
)
(_, ours, ours_pale), (_, theirs, theirs_pale) = rows
measured.append([t("style loss, instance norm"), ours, theirs, t("batch norm")])
measured.append([t("style loss of pale pictures"), ours_pale, theirs_pale, t("batch norm")])
assert ours < theirs and ours_pale < theirs_pale and abs(ours - ours_pale) < 0.05


# %% [markdown] lang="en" name="norm-read"
# Three things stand in the table and the pictures. Instance norm learns **faster**: after the same steps it has more of the style. Its two numbers nearly **agree**: a pale photograph and a strong one get the same kind of strokes. Batch norm's **do not**: once trained, it measures with the mean and variance that it kept from the training squares. By that measure a pale photograph is almost flat, the layers find little to paint, and what comes out is nearly the bare ground. (That even this has the style's colours, it owes to the ground, which is recoloured from pale and strong alike. Ulyanov et al. had no such ground.)
# %% [markdown] lang="hi" of="69f9e17f"
# तालिका और चित्रों में तीन बातें हैं। इंस्टेंस नॉर्म **जल्दी** सीखता है: बराबर क़दमों में शैली ज़्यादा आ गई। उसकी दोनों संख्याएँ लगभग **बराबर** हैं: तस्वीर फीकी हो या गहरी, ब्रश एक-सा चलता है। बैच नॉर्म की **नहीं**: ट्रेनिंग के बाद वह उसी औसत और वेरिएंस से नापता है जो ट्रेनिंग के टुकड़ों से बचाकर रखे थे। उस नाप से फीकी तस्वीर लगभग सपाट है, लेयरों को रँगने लायक कुछ ख़ास मिलता नहीं, और क़रीब-क़रीब ख़ाली ज़मीन ही निकल आती है। (उसमें भी शैली के रंग हैं, तो ज़मीन की वजह से: उसके रंग फीकी और गहरी, दोनों तस्वीरों से एक-से बदले जाते हैं। Ulyanov et al. के पास ऐसी ज़मीन नहीं थी।)


# %% [markdown] lang="en" name="shipped-text"
# ## 5 · Trained longer
#
# A minute or two of training gives a sketch. The painters that ship were trained by the same function, only longer:
#
# ```python
# bold = train_fast_style(painting("swirl", 256), lessons, net, steps=1400).model
# train_fast_style(painting("swirl", 256), lessons, net, steps=120, start=bold, style_weight=8, rate=2e-3)
# ```
#
# The second call gives more of the subject back: after the first, stars covered the faces. Its steps and its weight were chosen by eye, on these two photographs too: no painter *learnt* from them, but that choice saw them. (`python3 course.py train fast-style-swirl` makes it anew, about ten minutes of one core.) Beside it: what your own minute made, and what 4.1 makes, which works on each picture by itself.
# %% [markdown] lang="hi" of="d59b8471"
# ## 5 · देर तक सिखाने पर
#
# एक-दो मिनट की ट्रेनिंग से ख़ाका भर बनता है। कोर्स के साथ आए नेटवर्क इसी फ़ंक्शन से सीखे हैं, बस ज़्यादा देर:
#
# ```python
# bold = train_fast_style(painting("swirl", 256), lessons, net, steps=1400).model
# train_fast_style(painting("swirl", 256), lessons, net, steps=120, start=bold, style_weight=8, rate=2e-3)
# ```
#
# दूसरी बार की ट्रेनिंग विषय को कुछ हद तक लौटा लाती है: पहली के बाद चेहरे तारों में डूब गए थे। उसके क़दम और शैली का भार आँख से देखकर चुने गए, और इन दो तस्वीरों पर भी: इनसे किसी नेटवर्क ने *सीखा* नहीं, पर यह चुनाव इन्हें देखकर हुआ। (`python3 course.py train fast-style-swirl` उसे नए सिरे से बनाता है, एक कोर पर लगभग दस मिनट में।) साथ में देखिए: आपका एक मिनट, और 4.1 का तरीक़ा, जो एक-एक चित्र पर पूरी मेहनत करता है।
# %% name="shipped"
def cpu_seconds(work: Callable[[], Any], times: int = 1) -> tuple[Any, float]:
    """What `work` returns, and the processor's seconds for one run of it."""
    began = time.process_time()
    for _ in range(times):
        result = work()
    return result, (time.process_time() - began) / times


with torch.no_grad():
    _, fast_seconds = cpu_seconds(lambda: fast["swirl"](held_out[:1]), times=4)
    by_fast = fast["swirl"](held_out)
optimised, slow_seconds = cpu_seconds(
    lambda: stylise(held_out, styles["swirl"], net, steps=30).image
)
slow_seconds /= len(held_out)
ways = (stages[STEPS], by_fast, optimised)
gallery(
    [way[number] for number in (0, 1) for way in ways],
    [t("feed-forward, your training"), t("feed-forward, trained longer"), t("optimised (4.1)")]
    + [""] * 3,
    columns=3,
    alt=t("Pagoda and astronaut in the swirl style by three ways"),
)
print(
    t(
        "one 256 × 256 picture: feed-forward {fast:.0f} ms, optimised {slow:.1f} s (processor time)",
        fast=1000 * fast_seconds,
        slow=slow_seconds,
    )
)
assert fast_seconds < slow_seconds / 10
even = train_seconds / (slow_seconds - fast_seconds)
print(t("your training is paid back after {n} pictures", n=math.ceil(even)))
measured.append(
    [t("seconds for a picture, feed-forward"), fast_seconds, slow_seconds, t("optimised")]
)


# %% [markdown] lang="en" name="shipped-read"
# Look before you believe numbers. The optimised picture is the best: its strokes bend round the subject and into whirls, because it could look at *this* picture again and again. A painter lays the strokes that it knows wherever the picture lets it; one pass, no second look. Your sketch knows long strokes and yellow patches. The one trained longer knows whole stars with rings, and sets them on the roof and on a nose as well. That is the price of a tenth of a second. (Faces suffer most: five photographs, and no human face among them, were all its schooling.)
# %% [markdown] lang="hi" of="8d5243b3"
# संख्याओं पर यक़ीन करने से पहले चित्र देखिए। सबसे अच्छा ऑप्टिमाइज़ किया हुआ है: उसके ब्रश के निशान विषय के चारों ओर मुड़ते हैं और भँवर बनाते हैं, क्योंकि उसे *इसी* चित्र को बार-बार देखने का मौक़ा मिला। चित्रकार नेटवर्क अपने जाने हुए निशान वहाँ रख देता है जहाँ चित्र रखने दे; एक ही बार, दोबारा देखे बिना। आपका नेटवर्क लंबी लकीरें और पीले धब्बे जानता है। देर तक सीखा हुआ घेरों वाले पूरे तारे जानता है, और उन्हें छत पर भी टाँक देता है, नाक पर भी। सेकंड के दसवें हिस्से का यही दाम है। (सबसे ज़्यादा नुक़सान चेहरों का होता है: उसकी सारी पढ़ाई पाँच तस्वीरों की थी, और उनमें इंसान का चेहरा था ही नहीं।)


# %% [markdown] lang="en" name="adain-text"
# ## 6 · AdaIN: style as two numbers for each channel
#
# One network for one style: ten styles, ten trainings. Can the style be an *input*? Look at what instance norm does: it gives every channel mean 0 and spread 1, and then a learnt mean and spread. In a trained painter **those** carry much of the style (Dumoulin et al. 2016 taught one network 32 styles with nothing else changed). **Adaptive instance norm** (Huang & Belongie 2017) does not learn them at all: it takes them from the style's feature maps, for each channel of each picture:
#
# ```
# AdaIN(c, s) = σ(s) · (c − μ(c)) / σ(c) + μ(s)
# ```
#
# One channel, small enough to see all of it:
# %% [markdown] lang="hi" of="e8b44bd0"
# ## 6 · AdaIN: हर चैनल के लिए शैली की दो संख्याएँ
#
# एक शैली, एक नेटवर्क: दस शैलियाँ हों तो दस ट्रेनिंग। क्या शैली ख़ुद *इनपुट* हो सकती है? देखिए, इंस्टेंस नॉर्म करता क्या है: हर चैनल का औसत 0 और फैलाव 1 कर देता है, फिर उसे सीखा हुआ औसत और फैलाव देता है। सीखे हुए नेटवर्क में शैली का बड़ा हिस्सा **इन्हीं में** होता है (Dumoulin et al. 2016 ने बस इन्हें बदलकर एक नेटवर्क को 32 शैलियाँ सिखाईं)। **अडैप्टिव इंस्टेंस नॉर्म (adaptive instance norm, AdaIN)** (Huang & Belongie 2017) इन्हें सीखता ही नहीं: हर चित्र के हर चैनल के लिए शैली के फ़ीचर मैप से ले लेता है:
#
# ```
# AdaIN(c, s) = σ(s) · (c − μ(c)) / σ(c) + μ(s)
# ```
#
# एक चैनल, इतना छोटा कि सब दिखे:
# %% name="adain" tags=["export"]
def adain(content: Tensor, style: Tensor, eps: float = EPS) -> Tensor:
    """Feature maps of the content with the mean and the spread of the style's, by channel.

    content [N, C, H, W], style [N or 1, C, H', W'] -> [N, C, H, W]. Both sides are measured alike:
    adain(x, x) is x. Huang & Belongie 2017.
    """
    return rescale(content, *statistics(style, eps), eps)


# %% name="adain-small" tags=["nbval-check-output"]
c = torch.tensor([1.0, 2.0, 3.0, 6.0]).view(1, 1, 2, 2)
s = torch.tensor([10.0, 10.0, 50.0, 50.0, 30.0, 30.0]).view(1, 1, 2, 3)  # another size: no matter
mixed = adain(c, s)
for name, x in ((t("content"), c), (t("style"), s), ("AdaIN", mixed)):
    mean, std = (round(number.item(), 2) for number in statistics(x))
    values = [round(v, 1) for v in x.flatten().tolist()]
    print(f"{name}: {values}", t("mean {mean}, spread {std}", mean=mean, std=std))
print(t("the order of the places is the content's:"), bool((mixed.flatten().diff() > 0).all()))


# %% [markdown] lang="en" name="mistake-text"
# From the content it keeps *where* it is higher and lower; from the style, *how high* and *how far apart*. No position of the style enters.
#
# > **You may have read** code that writes AdaIN as `F.instance_norm(c) * s.std((2, 3)) + s.mean((2, 3))`. The two sides do not measure alike: `instance_norm` divides by H·W and adds eps inside the root, `std` divides by H·W − 1 and adds none. Then AdaIN(x, x) is not x. It looks harmless, and on large, lively maps it is. On small or faint ones it is not:
# %% [markdown] lang="hi" of="ab890955"
# विषय से यह बात बची रहती है कि *कहाँ* ऊँचा है और कहाँ नीचा; शैली से आता है कि *कितना* ऊँचा और *कितने* फ़ासले पर। शैली में क्या कहाँ था, यह कहीं नहीं आता।
#
# > **आपने पढ़ा होगा** ऐसा कोड जो AdaIN को `F.instance_norm(c) * s.std((2, 3)) + s.mean((2, 3))` लिखता है। दोनों तरफ़ नाप एक-सा नहीं: `instance_norm` H·W से भाग देता है और वर्गमूल के अंदर eps जोड़ता है, `std` H·W − 1 से भाग देता है और कुछ नहीं जोड़ता। तब AdaIN(x, x) ठीक x नहीं रहता। देखने में मामूली बात है, और बड़े, हलचल भरे मैप पर मामूली ही है। पर छोटे या फीके मैप पर नहीं:
# %% name="mistake"
def adain_mistaken(content: Tensor, style: Tensor) -> Tensor:
    mean, std = style.mean((2, 3), keepdim=True), style.std((2, 3), keepdim=True)
    return F.instance_norm(content) * std + mean


rows = []
for side, spread in ((64, 1.0), (4, 1.0), (2, 1.0), (64, 1e-3)):
    x = spread * torch.randn(1, 100, side, side, generator=torch.Generator().manual_seed(0))
    pair = []
    for way in (adain, adain_mistaken):
        again = x
        for _ in range(8):  # through eight layers
            again = way(again, again)
        pair.append((statistics(again, 0)[1] / statistics(x, 0)[1]).mean().item())
    rows.append([t("{side} × {side}, spread {spread}", side=side, spread=spread), *pair])
plots.table(
    rows,
    columns=[t("maps"), t("measured alike"), t("the mistake")],
    caption=t("A map styled as itself, eight times: its spread, as a share of what it was"),
)
assert all(abs(right - 1) < 1e-3 for _, right, _ in rows)
large, _, tiny, faint_ = (wrong for *_, wrong in rows)
assert abs(large - 1) < 0.01 and tiny > 2 and faint_ < 0.1
measured.append([t("AdaIN(x, x) on 2 × 2 maps, eight times"), rows[2][1], tiny, t("the mistake")])


# %% [markdown] lang="en" name="pixels-text"
# The simplest maps are the pixels themselves: three channels. AdaIN on them is *recolouring*, and nothing else (Reinhard et al. 2001 did it in another colour space). We used it as a control above, and shall again.
#
# ## 7 · One painter for any style
#
# Huang and Belongie apply AdaIN once, in the middle: an encoder (VGG), AdaIN, a decoder trained on 80,000 paintings. Ours is small, so it gets the style more often: **after every convolution but the last, eleven times**, as the style steers every layer of a StyleGAN ([2.3](../../02-gan/notebooks/3-bigger-pictures.en.ipynb)). Its means and spreads come from what the *eye* sees in the style, through a small learnt map (as in Ghiasi et al. 2017):
#
# > picture of a style → eye → mean and spread of its channels → learnt map → mean and spread of all the painter's channels
#
# (The painter that ships learnt by `train_adain` from 15 paintings: five kinds, three pictures of each. That took 13 minutes of one core.) So a style is a row of numbers (how many, is counted below). That is why it can be **mixed** (the numbers of two styles, between them) and **dosed** (between the content's own numbers and the style's).
# %% [markdown] lang="hi" of="1c8ef5b9"
# सबसे सीधे मैप ख़ुद पिक्सल हैं: तीन चैनल। उन पर AdaIN यानी *रंग बदलना*, और कुछ नहीं (Reinhard et al. 2001 ने यही एक और रंग-प्रणाली में किया था)। ऊपर यही हमारा कंट्रोल था, आगे भी रहेगा।
#
# ## 7 · हर शैली के लिए एक ही नेटवर्क
#
# Huang और Belongie AdaIN एक ही बार लगाते हैं, बीच में: एनकोडर (VGG), AdaIN, और 80,000 पेंटिंगों पर सीखा डिकोडर। हमारा नेटवर्क छोटा है, इसलिए उसे शैली बार-बार मिलती है: **आख़िरी को छोड़कर हर कनवॉल्यूशन के बाद, ग्यारह बार**, जैसे StyleGAN में शैली हर लेयर को दिशा देती है ([2.3](../../02-gan/notebooks/3-bigger-pictures.hi.ipynb))। उसके औसत और फैलाव इस बात से निकलते हैं कि *आँख* को शैली में क्या दिखता है, एक छोटी सीखी हुई मैपिंग से (जैसे Ghiasi et al. 2017 में):
#
# > शैली का चित्र → आँख → उसके चैनलों के औसत और फैलाव → सीखी हुई मैपिंग → चित्रकार नेटवर्क के सब चैनलों के औसत और फैलाव
#
# (कोर्स के साथ आया नेटवर्क `train_adain` से 15 चित्रों पर सीखा है: पाँच क़िस्में, हर एक के तीन चित्र। एक कोर पर 13 मिनट लगे।) यानी शैली संख्याओं की एक क़तार है (कितनी, यह नीचे गिना है)। इसीलिए शैलियाँ **मिलाई** जा सकती हैं (दो शैलियों की संख्याओं के बीच) और **घटाई-बढ़ाई** भी (विषय की अपनी संख्याओं और शैली की संख्याओं के बीच)।
# %% name="adain-style" tags=["export"]
class AdaINStyle(nn.Module):
    """Any style, given as a picture: AdaIN after every convolution of a painter.

    `numbers` looks at a style with the frozen `net` and makes of the mean and spread of its feature
    maps those of all the painter's layers, by a small learnt map (as StyleGAN does of its w, and
    Ghiasi et al. 2017 of a style): [N, 2 · channels]. Styles are mixed by mixing these numbers.
    """

    def __init__(self, net: nn.Module, width: int = 16, hidden: int = 64) -> None:
        super().__init__()
        self.net, self.painter = net, Painter(width)
        with torch.no_grad():
            seen = sum(maps.shape[1] for maps in net(torch.zeros(1, 3, 32, 32)))
        channels = sum(self.painter.widths)
        self.register_buffer("usual", torch.stack([torch.zeros(2 * seen), torch.ones(2 * seen)]))
        self.read = nn.Sequential(nn.Linear(2 * seen, hidden), nn.ReLU())
        self.write = nn.Linear(hidden, 2 * channels)
        nn.init.normal_(self.write.weight, std=0.1)
        nn.init.zeros_(self.write.bias)

    def see(self, style: Tensor) -> Tensor:
        """Mean and spread of what `net` sees in styles [N, 3, H, W], layer by layer: [N, S]."""
        with torch.no_grad():
            pairs = [torch.cat(statistics(maps), 1) for maps in self.net(style)]
        return torch.cat(pairs, 1).flatten(1)

    def write_numbers(self, seen: Tensor, colours: Tensor) -> Tensor:
        """[N, S] of `see` and [N, 6], mean and spread of the colours -> [N, 2 · channels + 6]."""
        usual, spread = self.usual
        return torch.cat([self.write(self.read((seen - usual) / spread)), colours], 1)

    def numbers(self, style: Tensor) -> Tensor:
        """Of styles [N, 3, H, W] in 0…1, all that the painter needs: [N, 2 · channels + 6]."""
        style = as_batch(style, t("style"))
        return self.write_numbers(self.see(style), torch.cat(statistics(style), 1).flatten(1))

    def paint(self, content: Tensor, numbers: Tensor) -> Tensor:
        """Pictures [N, 3, H, W] in the style of these numbers [N or 1, 2 · channels + 6]."""
        content = as_batch(content, t("content"))
        numbers, colours = numbers[:, :-6, None, None], numbers[:, -6:, None, None]
        means, spreads = (part.split(self.painter.widths, 1) for part in numbers.chunk(2, 1))

        def norm(number: int, maps: Tensor) -> Tensor:
            return rescale(maps, means[number], 1 + spreads[number])

        return self.painter(content, rescale(content, *colours.chunk(2, 1)), norm)

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        return self.paint(content, self.numbers(style))

    @torch.no_grad()
    def draw(
        self,
        content: Tensor,
        style: Tensor,
        strength: float = 1.0,
        other: Tensor | None = None,
        share: float = 0.5,
    ) -> Tensor:
        """Pictures [N, 3, H, W] in a style [1 or N, 3, H', W'], or between two.

        strength: 1 the style, 0 the numbers of the content itself. other: a second style, of which
        there is `share`.
        """
        numbers = self.numbers(style)
        if other is not None:
            numbers = torch.lerp(numbers, self.numbers(other), share)
        if strength != 1:
            numbers = torch.lerp(self.numbers(content), numbers, strength)
        return self.paint(content, numbers)


# %% name="loading" tags=["export"]
def learnt(model: nn.Module) -> dict[str, Tensor]:
    """What a painter has learnt, to be kept: its state without that of the frozen network."""
    return {
        key: value.detach().cpu().contiguous()
        for key, value in model.state_dict().items()
        if not key.startswith("net.")
    }


def stored_painter(name: str, model: nn.Module, device: torch.device | str) -> Any:
    """`model` with the weights that ship as `name`; FileNotFoundError with the cure."""
    path = Path(common.__file__).parent / "weights" / f"{name}.safetensors"
    if not path.is_file():
        command = f"python3 course.py train {name}"
        raise FileNotFoundError(
            t("{path} is missing: `{command}` makes it.", path=path.name, command=command)
        )
    with safe_open(path, "pt") as file:
        state = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
    model.load_state_dict(state | {k: v for k, v in model.state_dict().items() if k[:4] == "net."})
    model.to(device, memory_format=torch.channels_last)
    return model.eval().requires_grad_(False)


def load_fast_style(style: str, device: torch.device | str = "cpu") -> FastStyle:
    """The painter of one style that ships with the course: "swirl" or "mosaic"."""
    return stored_painter(f"fast-style-{style}", FastStyle(), device)


def load_adain(device: torch.device | str = "cpu") -> AdaINStyle:
    """The painter of any style that ships; every painting but the mosaic taught it."""
    return stored_painter("adain", AdaINStyle(load_features()), device)


# %% name="adain-count" tags=["nbval-check-output"]
with torch.no_grad():
    print(t("the eye's numbers of a style:"), any_style.see(styles["swirl"]).shape[1])
    print(t("the painter's numbers of a style:"), any_style.numbers(styles["swirl"]).shape[1])
    half_way = any_style.draw(held_out, styles["swirl"], other=styles["ikat"], share=0.0)
    print(
        t("no share of the other is the first:"),
        same(half_way, any_style(held_out, styles["swirl"])),
    )


# %% [markdown] lang="en" name="mix-text"
# **Mix two styles.** The share of the second goes from one style to the other; the strength from the content's own numbers to the style's. Nothing is trained for it, and each picture takes a fraction of a second. Half and half need not show both: in the middle picture little is left of either. Try to find two styles and a share at which you see *both*.
# %% [markdown] lang="hi" of="e258db3b"
# **दो शैलियाँ मिलाइए।** "दूसरी का हिस्सा" पहली से दूसरी तक ले जाता है; "ताक़त" विषय की अपनी संख्याओं से शैली की संख्याओं तक। इसके लिए कुछ सिखाया नहीं गया, और हर चित्र पल भर में बनता है। आधा-आधा करने से दोनों दिखें, यह ज़रूरी नहीं: बीच वाले चित्र में दोनों में से कम ही कुछ बचा है। ऐसी दो शैलियाँ और ऐसा हिस्सा ढूँढिए जहाँ *दोनों* दिखें।
# %% name="mix"
def draw_mix(photograph: int, first: str, second: str, share: float, strength: float) -> Figure:
    """A photograph in a blend of two styles."""
    content = held_out[photograph][None]
    blend = any_style.draw(content, styles[first], strength, styles[second], share)[0]
    figure, ax = plt.subplots(figsize=(1.55, 1.55), layout="constrained")
    ax.imshow(blend.cpu().clamp(0, 1).permute(1, 2, 0), interpolation="antialiased")
    ax.set_axis_off()
    return figure


kinds = {names[name]: name for name in PAINTINGS}
interact(
    draw_mix,
    photograph={t("pagoda"): 0, t("astronaut"): 1},
    first=kinds,
    second=kinds,
    share=(0.0, 1.0, 0.1),
    strength=(0.0, 1.5, 0.1),
    labels={
        "photograph": t("photograph"),
        "first": t("first style"),
        "second": t("second style"),
        "share": t("share of the second"),
        "strength": t("strength"),
    },
    static=[
        {"photograph": 1, "first": "swirl", "second": "ikat", "share": share, "strength": 1.0}
        for share in (0.0, 0.5, 1.0)
    ],
    alt=t("An astronaut between two styles"),
)
# %% [markdown] lang="en" name="limit-text"
# ## 8 · "Any style"? Measure it
#
# > **You may have read** that AdaIN transfers *arbitrary* styles. It accepts any picture as a style; what it then paints is another matter. So we ask in three grades: pictures it was trained on; **new pictures of kinds it knows** (another seed); and a **kind it never saw** (the mosaic, and photographs of bricks and grass). The control is recolouring alone, AdaIN on the pixels: whatever is not better than that has moved colours and drawn nothing.
# %% [markdown] lang="hi" of="d50e7517"
# ## 8 · "कोई भी शैली"? नापकर देखिए
#
# > **आपने पढ़ा होगा** कि AdaIN *किसी भी* शैली का अंतरण कर देता है। शैली के रूप में वह कोई भी चित्र ले लेता है; पर फिर रँगता क्या है, यह अलग बात है। इसलिए तीन दर्जों में पूछते हैं: वे चित्र जिन पर वह सीखा; **जानी हुई क़िस्मों के नए चित्र** (दूसरा seed); और **वे क़िस्में जो उसने कभी नहीं देखीं** (मोज़ेक, और ईंटों और घास की तस्वीरें)। कंट्रोल है सिर्फ़ रंग बदलना, यानी पिक्सलों पर AdaIN: जो उससे बेहतर नहीं, उसने रंग ही बदले, बनाया कुछ नहीं।
# %% name="limit"
sitter = held_out[1:]  # the astronaut


def members(which: Sequence[str], seed: int) -> dict[str, Tensor]:
    return {names[name]: painting(name, 256, seed)[None].to(device) for name in which}


grades = {
    t("it was trained on"): members([name for name in PAINTINGS if name != "mosaic"], seed=0),
    t("new picture of a known kind"): members(["swirl", "carpet", "ikat"], seed=9),
    t("kind never seen"): members(["mosaic"], seed=0)
    | {
        t("bricks"): photograph("brick", 256)[None].to(device),
        t("grass"): photograph("grass", 256)[None].to(device),
    },
}
rows, shown, worth = [], [], {}
for grade, styles_ in grades.items():
    gains = []
    for name, style in styles_.items():
        pair = (
            any_style.draw(sitter, style),
            rescale(sitter, *statistics(style)).clamp(0, 1),
        )
        loss, ask = StyleObjective(net, sitter, style), StyleJudge(sitter, style)
        with torch.no_grad():
            style_losses = [loss.terms(x).style.item() for x in pair]
        rows.append([grade, name, *style_losses, *(ask(x).item() for x in pair)])
        gains.append(style_losses[0] / style_losses[1])
        if [grade, name] in ([t("it was trained on"), names["carpet"]],) or name in (
            names["mosaic"],
            t("bricks"),
        ):
            shown += [style[0], *(x[0] for x in pair)]
    worth[grade] = sum(gains) / len(gains)
plots.table(
    rows,
    columns=[
        t("style is"),
        "",
        t("style loss: AdaIN"),
        t("colours alone"),
        t("judge: AdaIN"),
        t("colours alone"),
    ],
    caption=t("A held-out photograph; less is better"),
)
gallery(
    shown,
    [t("style"), "AdaIN", t("colours alone")] * (len(shown) // 3),
    columns=3,
    alt=t(
        "A style it knows and two it does not: the style, the astronaut by AdaIN, and recoloured"
    ),
    height=116,
)
for grade, share in worth.items():
    print(
        t("{grade}: style loss, as a share of recolouring's: {share:.2f}", grade=grade, share=share)
    )
known, akin, unknown = worth.values()
measured.append([t("style loss ÷ recolouring's: known style"), known, unknown, t("unknown kind")])
assert known < 0.5 and akin < 0.6 and unknown > 0.9


# %% [markdown] lang="en" name="limit-read"
# The answer depends on the grade:
#
# - **Pictures it was trained on**: far below recolouring. It draws, though not always in good colours: much of the carpet's green comes out as neon.
# - **New pictures of a kind it knows**: about as good. It has learnt kinds, not pictures.
# - **Kinds it never saw**: on the mean worse than recolouring, by the style loss; by the judge, worse in each of the three. The strokes are not those of the new style, and do more harm than good: even the colours go astray, and grey bricks come out brown with white flecks. No tiles, no joints between bricks.
#
# So "any style" means: *any that resembles its school*. Huang and Belongie's school was 80,000 paintings, ours 15, of five kinds. The idea is the same; a wider school is the cure.
# %% [markdown] lang="hi" of="2cfe1308"
# जवाब दर्जे पर टिका है:
#
# - **जिन चित्रों पर सीखा**: सिर्फ़ रंग बदलने से बहुत बेहतर। वह सचमुच बनाता है, हालाँकि रंग हर बार अच्छे नहीं: क़ालीन का हरा कई जगह नियॉन हो गया।
# - **जानी हुई क़िस्मों के नए चित्र**: लगभग उतने ही अच्छे। उसने चित्र नहीं, क़िस्में सीखी हैं।
# - **जो क़िस्में कभी नहीं देखीं**: शैली-लॉस से देखें तो औसत में रंग बदलने से भी बदतर; जज की नज़र में तीनों बार बदतर। ब्रश के निशान नई शैली के नहीं हैं, और उनसे फ़ायदा कम, नुक़सान ज़्यादा है: रंग तक भटक जाते हैं, और स्लेटी ईंटें सफ़ेद छींटों वाली भूरी बन जाती हैं। न मोज़ेक के टुकड़े, न ईंटों के जोड़।
#
# यानी "कोई भी शैली" का मतलब है: *जो उसकी पाठशाला से मिलती-जुलती हो*। Huang और Belongie की पाठशाला में 80,000 पेंटिंग थीं; हमारे नेटवर्क की पाठशाला में 15 चित्र, पाँच क़िस्मों के। विचार वही है; इलाज है बड़ी पाठशाला।


# %% [markdown] lang="en" name="which-text"
# ## 9 · Which one, when?
#
# All three on the same photographs, by the same loss, that of 4.1 (the style counts 30 times in it; the painters were trained on nearly the same, with less weight on variation and one term more), by the judge (which none of them knows), and by what they cost. *Working memory* is what must be held at once for one picture of 256 × 256: optimisation keeps every feature map of the eye for the way back; a painter only passes through.
# %% [markdown] lang="hi" of="4944e303"
# ## 9 · कब कौन-सा?
#
# तीनों, उन्हीं तस्वीरों पर: उसी 4.1 वाले लॉस से (उसमें शैली 30 गुना गिनी जाती है; नेटवर्क लगभग इसी पर सीखे हैं, बस वेरिएशन का भार कम था और एक हिस्सा ज़्यादा), जज से (जिसे इनमें से कोई नहीं जानता), और दाम से। *चालू मेमोरी* वह है जो 256 × 256 के एक चित्र के लिए एक साथ थामनी पड़ती है: ऑप्टिमाइज़ करने वाला तरीक़ा वापसी के लिए आँख के सारे फ़ीचर मैप थामे रहता है; चित्रकार नेटवर्क से तो चित्र बस गुज़रता है।
# %% name="which"
def kept_for_the_way_back(work: Callable[[], Tensor]) -> float:
    """Megabytes that autograd holds for the backward pass of `work`."""
    storages = {}

    def keep(x: Tensor) -> Tensor:
        storage = x.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return x

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        work()
    return sum(storages.values()) / 1e6


def passing_through(model: nn.Module, work: Callable[[], Tensor]) -> float:
    """Megabytes of the largest layer, what goes in and what comes out."""
    largest = [0]

    def watch(_layer: nn.Module, before: tuple, after: Tensor) -> None:
        largest[0] = max(largest[0], 4 * (before[0].numel() + after.numel()))

    hooks = [m.register_forward_hook(watch) for m in model.modules() if isinstance(m, nn.Conv2d)]
    with torch.no_grad():
        work()
    for hook in hooks:
        hook.remove()
    return largest[0] / 1e6


def kilobytes(model: nn.Module) -> float:
    """What its numbers take on disk, at two bytes each."""
    return 2 * sum(value.numel() for value in model.state_dict().values()) / 1000


one = held_out[:1].clone().requires_grad_()
_, any_seconds = cpu_seconds(lambda: any_style.draw(held_out[:1], styles["swirl"]))
candidates = {
    t("optimised"): (
        optimised,
        slow_seconds,
        kept_for_the_way_back(
            lambda: StyleObjective(net, held_out[:1], styles["swirl"]).terms(one).total.sum()
        ),
        kilobytes(net),
        t("no training"),
    ),
    t("feed-forward"): (
        by_fast,
        fast_seconds,
        passing_through(fast["swirl"], lambda: fast["swirl"](held_out[:1])),
        kilobytes(fast["swirl"]),
        t("minutes"),
    ),
    "AdaIN": (
        any_style.draw(held_out, styles["swirl"]),
        any_seconds,
        passing_through(any_style, lambda: any_style.draw(held_out[:1], styles["swirl"])),
        kilobytes(any_style),
        t("one look"),
    ),
}
rows = []
for name, (painted_, seconds, memory, disk, for_new) in candidates.items():
    with torch.no_grad():
        terms = objective.terms(painted_)
    rows.append(
        [
            name,
            terms.total.mean(),
            30 * terms.style.mean(),
            terms.content.mean(),
            judge(painted_).log().mean().exp(),
            seconds,
            memory,
            disk,
            for_new,
        ]
    )
plots.table(
    rows,
    columns=[
        t("way"),
        t("loss"),
        t("of it, style × 30"),
        t("of it, content"),
        t("judge"),
        t("seconds a picture"),
        t("working memory, MB"),
        t("numbers, kB"),
        t("a new style costs"),
    ],
    caption=t("The swirl on two held-out photographs of 256 × 256"),
)
(_, loss_slow, *_), (_, loss_fast, *_), (_, loss_any, *_) = rows
assert loss_slow < min(loss_fast, loss_any) < only_colour
measured.append([t("loss of the feed-forward painter"), loss_fast, loss_slow, t("optimised")])
measured.append([t("loss of AdaIN, a style it knows"), loss_any, loss_slow, t("optimised")])
measured.append([t("working memory in MB, feed-forward"), rows[1][6], rows[0][6], t("optimised")])
assert max(rows[1][5], rows[2][5]) < rows[0][5] / 5 and rows[1][6] < rows[0][6]


# %% [markdown] lang="en" name="which-read"
# - **One picture, as good as it gets, any style**: *optimise*. The smallest loss, and the only one that looks again; seconds and the most memory for each picture.
# - **Many pictures or a video, always the same style**: *feed-forward*. Minutes of training once, then it is the fastest and has the fewest numbers. (A video needs one thing more, that neighbouring frames agree; nobody asked for that here.)
# - **The style changes, or is to be mixed**: *AdaIN*. A new style costs one look, as long as it is of a kind that it knows (section 8). It needs the eye for that, so the eye's numbers are counted with its own.
#
# The loss favours the way that works on this very picture. The judge hardly tells the three apart, and gave even your sketch (section 3) much the same mark: it asks for texture and colour only. Whether the subject is still there you see in "of it, content", and better with your own eyes.
# %% [markdown] lang="hi" of="1205b6af"
# - **एक चित्र, सबसे अच्छा, कोई भी शैली**: *ऑप्टिमाइज़ कीजिए*। लॉस सबसे कम, और दोबारा देखने वाला तरीक़ा यही है; हर चित्र के लिए कई सेकंड और सबसे ज़्यादा मेमोरी।
# - **बहुत-से चित्र या वीडियो, शैली हमेशा एक**: *फ़ीड-फ़ॉरवर्ड*। एक बार कई मिनट की ट्रेनिंग, फिर सबसे तेज़, और संख्याएँ भी सबसे कम। (वीडियो को एक बात और चाहिए: पास-पास के फ़्रेम आपस में मेल खाएँ; यहाँ वह किसी ने माँगा नहीं।)
# - **शैली बदलती रहे, या मिलानी हो**: *AdaIN*। नई शैली का दाम बस एक नज़र; बशर्ते वह जानी हुई क़िस्म की हो (सेक्शन 8)। उस नज़र के लिए आँख चाहिए, इसलिए उसकी संख्याओं में आँख की भी गिनी हैं।
#
# लॉस से फ़ायदा उस तरीक़े को है जो ठीक इसी चित्र पर काम करता है। जज को तीनों में कम ही फ़र्क़ दिखता है, और आपके ख़ाके को भी (सेक्शन 3) उसने लगभग वही अंक दिया था: वह बस बुनावट और रंग देखता है। विषय बचा या नहीं, यह "उसमें विषय" में दिखता है, और उससे बेहतर आपकी अपनी आँखों से।

# %% [markdown] lang="en" name="codes-text"
# ## 10 · And lesson 3's way: exchange codes
#
# [3.4](../../03-vqgan/notebooks/4-using-it.en.ipynb) gave a rangoli another colour by a *table*: wherever code 17 stands, write 203. That, too, is a transfer of style. Both ways now get the same task: 48 rangoli shall become **blue** and stay what they are. AdaIN is shown a blue rangoli as the style (pictures four times as large, for it was trained on large ones). The judge of lesson 2, who trained neither, reads colour and motif.
# %% [markdown] lang="hi" of="510529b7"
# ## 10 · और पाठ 3 का रास्ता: कोड बदलना
#
# [3.4](../../03-vqgan/notebooks/4-using-it.hi.ipynb) में रंगोली का रंग एक *तालिका* से बदला था: जहाँ कोड 17 हो, वहाँ 203 लिखो। वह भी शैली-अंतरण ही है। अब दोनों रास्तों को एक ही काम दीजिए: 48 रंगोलियाँ **नीली** हो जाएँ, और रहें वही की वही। AdaIN को शैली के रूप में एक नीली रंगोली दिखाई जाती है (चित्र चार गुना बड़े, क्योंकि वह बड़े चित्रों पर सीखा है)। रंग और आकृति पाठ 2 का जज पढ़ता है, जिसने दोनों में से किसी को नहीं सिखाया।
# %% name="codes"
from common.metrics import load_judge
from common.rangoli import all_factors, rangoli
from common.vqgan import codes_of, load_vqgan, painted, partner_table, pictures_of

BLUE = 4
vqgan, reader = load_vqgan(device), load_judge("rangoli", device)
pictures, told = rangoli(48, seed=90)
pictures = pictures.float().div(255).to(device)
kinds_ = all_factors()[::4]
in_any, in_blue = (
    codes_of(vqgan, painted(kinds_, colour)) for colour in (kinds_.colour, torch.tensor(BLUE))
)
table = partner_table(in_any, in_blue, 256)
grid = codes_of(vqgan, pictures)
blue_rangoli = painted(all_factors()[:1], torch.tensor(BLUE)).to(device)


def larger(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=4, mode="bilinear")


by_adain = F.avg_pool2d(any_style.draw(larger(pictures), larger(blue_rangoli)), 4)
in_swirl = F.avg_pool2d(fast["swirl"](larger(pictures)), 4)
swirl_as_codes = pictures_of(vqgan, codes_of(vqgan, in_swirl))
made = {
    t("codes, nothing exchanged"): pictures_of(vqgan, grid),
    t("codes exchanged by the table"): pictures_of(vqgan, table[grid]),
    t("AdaIN, shown a blue rangoli"): by_adain,
}
rows = []
for name, x in made.items():
    said = reader.read(x)
    rows.append(
        [
            name,
            (said["colour"].argmax(1) == BLUE).float().mean().item(),
            (said["motif"].argmax(1).cpu() == told.motif).float().mean().item(),
        ]
    )
plots.table(
    rows,
    columns=["", t("is blue"), t("motif kept")],
    caption=t("48 rangoli, read by the judge: shares of 1"),
)
loss_as_codes = (swirl_as_codes - in_swirl).square().mean().sqrt().item()
loss_plain = (pictures_of(vqgan, grid) - pictures).square().mean().sqrt().item()
plots.show_images(
    torch.cat([x[:6] for x in (*made.values(), in_swirl, swirl_as_codes)]).cpu().clamp(0, 1),
    columns=6,
    zoom=2,
    colours=64,
    alt=t(
        "Six rangoli: restored; blue by codes; by AdaIN; painted in swirls; and these restored from codes"
    ),
)
print(
    t(
        "error of a picture kept as codes: rangoli {plain:.2f}, rangoli in swirls {swirl:.2f} (of 1)",
        plain=loss_plain,
        swirl=loss_as_codes,
    )
)
(_, none_blue, _), (_, table_blue, table_motif), (_, adain_blue, adain_motif) = rows
assert table_blue > adain_blue and table_motif > adain_motif
measured.append([t("rangoli made blue by codes: motif kept"), table_motif, adain_motif, "AdaIN"])
measured.append(
    [t("error of codes on rangoli in swirls"), loss_as_codes, loss_plain, t("plain rangoli")]
)
assert table_blue > none_blue + 0.3 and loss_as_codes > 1.3 * loss_plain


# %% [markdown] lang="en" name="codes-read"
# (The rows of pictures: restored from codes; blue by the table; blue by AdaIN; painted in swirls; and these restored from codes.)
#
# At this task the table wins on both counts. It was counted on rangoli, so it knows what "blue" means *here*: the petals, not the ground; and every code stays in its place. (Not without loss: the fourth flower has frayed.) AdaIN knows only the statistics of a whole picture, nothing of petals and ground. Besides, rangoli are a kind that it never saw (section 8): it adds streaks of its own, and seldom gets the blue.
#
# The last two rows show the reverse. A rangoli in swirls is something that the codebook has no words for: the error nearly doubles, the fine strokes are gone, and the fourth flower falls apart. **Exchanging codes** edits inside one world, precisely and in one place; **matching statistics** carries over a look that no codebook holds, but knows no parts. Which is better depends on whether your style is one of *their* words.
# %% [markdown] lang="hi" of="a0af962e"
# (चित्रों की पंक्तियाँ: कोडों से वापस बनी; तालिका से नीली; AdaIN से नीली; भँवर शैली में रँगी; और ये कोडों से वापस बनीं।)
#
# इस काम में तालिका दोनों बातों में आगे है। वह रंगोलियों पर ही गिनी गई थी, इसलिए उसे पता है कि *यहाँ* "नीला" क्या होता है: पंखुड़ियाँ, पृष्ठभूमि नहीं; और हर कोड अपनी जगह रहता है। (नुक़सान यहाँ भी है: चौथे फूल के किनारे उधड़ गए।) AdaIN को सिर्फ़ पूरे चित्र के आँकड़े पता हैं; पंखुड़ी क्या है और पृष्ठभूमि क्या, यह नहीं। ऊपर से, रंगोली ऐसी क़िस्म है जो उसने कभी नहीं देखी (सेक्शन 8): वह अपनी तरफ़ से धारियाँ जोड़ देता है, और रंग कम ही नीला होता है।
#
# आख़िरी दो पंक्तियाँ उलटी बात दिखाती हैं। भँवर शैली की रंगोली के लिए कोडबुक के पास शब्द ही नहीं: ग़लती लगभग दुगुनी हो जाती है, ब्रश के बारीक निशान मिट जाते हैं, और चौथा फूल बिखर जाता है। **कोड बदलना** एक ही दुनिया के अंदर संपादन है, सटीक और अपनी जगह पर; **आँकड़े मिलाना** ऐसा रूप भी ले आता है जो किसी कोडबुक में न हो, पर हिस्सों को नहीं पहचानता। कौन-सा बेहतर है, यह इस पर टिका है कि आपकी शैली *उनके* शब्दों में है या नहीं।

# %% [markdown] lang="en" name="own-text"
# ## 11 · Your own pictures
#
# Any file: tall or wide, grey, with alpha, turned by EXIF. A large one is scaled first, and says so. Put its name below; a second one to be the style (for AdaIN), if you like. Without names, a wide photograph is taken, and two of our styles are mixed.
# %% [markdown] lang="hi" of="9c342246"
# ## 11 · आपके अपने चित्र
#
# कोई भी फ़ाइल: लंबी या चौड़ी, स्लेटी, पारदर्शी हिस्सों वाली, EXIF से घूमी हुई। बहुत बड़ी हो तो पहले छोटी की जाती है, और यह बताया जाता है। नीचे उसका नाम लिखिए; चाहें तो दूसरा नाम भी, जो शैली बने (AdaIN के लिए)। नाम न हों, तो एक चौड़ी तस्वीर ली जाती है और हमारी दो शैलियाँ मिलाई जाती हैं।
# %% name="own"
MY_PICTURE = ""  # for example "my-photo.jpg"
MY_STYLE = ""  # for example "my-painting.png"

content = as_picture(MY_PICTURE or photographs("china")["china"], longest=320).to(device)
if MY_STYLE:
    painted_ = any_style.draw(content, as_picture(MY_STYLE, longest=256).to(device))
else:
    painted_ = any_style.draw(content, styles["swirl"], other=styles["impression"], share=0.5)
with torch.no_grad():
    results = [fast["swirl"](content)[0], fast["mosaic"](content)[0], painted_[0]]
assert all(x.shape == content[0].shape for x in results)
gallery(
    results,
    [names["swirl"], names["mosaic"], "AdaIN"],
    columns=3,
    alt=t("Your picture, or a wide photograph, painted in three styles"),
    height=112,
)

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

# %% [markdown] lang="en" name="quiz-text"
# ## The quiz of the lesson
# %% [markdown] lang="hi" of="b3b94c67"
# ## पाठ का क्विज़
# %% name="quiz-after"
quiz.show("04-style", "after")

# %% [markdown] lang="en" name="finish"
# ## Exercises, and where this leads
#
# - Write the Gram matrix and AdaIN yourself, find published bugs and predict before you run in the [exercises](exercises.en.ipynb).
# - **Lesson 5** asks the question of section 7 again, of a model that draws from words: can a small network *beside* a frozen large one teach it a style? Numbers that one network writes for another: that is a **hypernetwork**. The learnt map of AdaINStyle was your first.
#
# **References.** Johnson et al. 2016, *perceptual losses for real-time style transfer* ([1603.08155](https://arxiv.org/abs/1603.08155)) · Ulyanov et al. 2016, *texture networks* ([1603.03417](https://arxiv.org/abs/1603.03417)) and *instance normalization* ([1607.08022](https://arxiv.org/abs/1607.08022)) · Dumoulin et al. 2016, *a learned representation for artistic style* ([1610.07629](https://arxiv.org/abs/1610.07629)) · Huang & Belongie 2017, *AdaIN* ([1703.06868](https://arxiv.org/abs/1703.06868)) ·
# Ghiasi et al. 2017, *an arbitrary neural artistic stylization network* ([1705.06830](https://arxiv.org/abs/1705.06830)) · Gatys et al. 2015 ([1508.06576](https://arxiv.org/abs/1508.06576)) · Ustyuzhaninov et al. 2016, *texture synthesis with random filters* ([1606.00021](https://arxiv.org/abs/1606.00021)) · Odena et al. 2016, [*deconvolution and checkerboard artifacts*](https://distill.pub/2016/deconv-checkerboard/) ·
# Karras et al. 2018, *StyleGAN* ([1812.04948](https://arxiv.org/abs/1812.04948)) · Esser et al. 2020, *VQGAN* ([2012.09841](https://arxiv.org/abs/2012.09841)) · Reinhard et al. 2001, *color transfer between images* (IEEE CG&A 21)
# %% [markdown] lang="hi" of="04a70231"
# ## अभ्यास, और आगे का रास्ता
#
# - [अभ्यास](exercises.hi.ipynb) में ग्राम मैट्रिक्स और AdaIN ख़ुद लिखिए, छपे हुए कोड की ग़लतियाँ ढूँढिए, और चलाने से पहले अंदाज़ा लगाइए।
# - **पाठ 5** सेक्शन 7 का सवाल फिर पूछता है, इस बार शब्दों से चित्र बनाने वाले मॉडल से: क्या एक बड़े, फ़्रीज़ किए मॉडल के *बग़ल में* लगा छोटा नेटवर्क उसे कोई शैली सिखा सकता है? एक नेटवर्क, जो दूसरे के लिए संख्याएँ लिखे: यही **हाइपरनेटवर्क (hypernetwork)** है। AdaINStyle की सीखी हुई मैपिंग आपका पहला हाइपरनेटवर्क थी।
#
# **संदर्भ।** Johnson et al. 2016, *परसेप्चुअल लॉस से तुरंत शैली-अंतरण* ([1603.08155](https://arxiv.org/abs/1603.08155)) · Ulyanov et al. 2016, *बुनावट के नेटवर्क* ([1603.03417](https://arxiv.org/abs/1603.03417)) और *इंस्टेंस नॉर्म* ([1607.08022](https://arxiv.org/abs/1607.08022)) · Dumoulin et al. 2016, *एक नेटवर्क, कई शैलियाँ* ([1610.07629](https://arxiv.org/abs/1610.07629)) · Huang & Belongie 2017, *AdaIN* ([1703.06868](https://arxiv.org/abs/1703.06868)) ·
# Ghiasi et al. 2017, *मनचाही शैली का नेटवर्क* ([1705.06830](https://arxiv.org/abs/1705.06830)) · Gatys et al. 2015 ([1508.06576](https://arxiv.org/abs/1508.06576)) · Ustyuzhaninov et al. 2016, *रैंडम फ़िल्टरों से बनावट* ([1606.00021](https://arxiv.org/abs/1606.00021)) · Odena et al. 2016, [*शतरंज जैसी गड़बड़ियाँ*](https://distill.pub/2016/deconv-checkerboard/) ·
# Karras et al. 2018, *StyleGAN* ([1812.04948](https://arxiv.org/abs/1812.04948)) · Esser et al. 2020, *VQGAN* ([2012.09841](https://arxiv.org/abs/2012.09841)) · Reinhard et al. 2001, *चित्रों के बीच रंग-अंतरण* (IEEE CG&A 21)
