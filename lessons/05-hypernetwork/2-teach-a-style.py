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
# # 5.2 · Teach a style: sixteen pictures, and the model draws like them
#
# In lesson 3 you met a small Stable Diffusion: words in, rangoli out. It has never seen **Warli**, the white-on-mud line art of Maharashtra, and no prompt brings it out. In this notebook you teach it Warli with sixteen pictures in five ways, each in well under a minute on one CPU core: a new word (*textual inversion*), the *hypernetwork* of the image-generation world in two sizes, *LoRA*, and full fine-tuning.
# Then you measure, with a judge that taught none of them: what did the style cost? What is left of the prompts that have nothing to do with it?
#
# **You need** [5.1](1-hypernetwork.en.ipynb), cross-attention from [3.3](../../03-vqgan/notebooks/3-words-to-pictures.en.ipynb) and attention from lesson 1. **Time**: about an hour and a half to read and try; *Run all* takes two to three minutes on two CPU cores.
# %% [markdown] lang="hi" of="906242d7"
# # 5.2 · शैली सिखाइए: सोलह चित्र, और मॉडल उन्हीं की तरह बनाने लगे
#
# पाठ 3 में आप एक छोटे-से Stable Diffusion से मिले थे: शब्द दीजिए, रंगोली लीजिए। **वारली** उसने कभी देखी ही नहीं, यानी महाराष्ट्र की वह कला जिसमें मिट्टी की दीवार पर सफ़ेद रेखाएँ होती हैं; कोई प्रॉम्प्ट उससे वारली नहीं बनवा सकता। इस नोटबुक में आप उसे सोलह चित्रों से वारली सिखाएँगे, पाँच तरीक़ों से, और एक CPU कोर पर कोई भी तरीक़ा मिनट भर भी नहीं लेता: एक नया शब्द (*textual inversion*), AI से चित्र बनाने की दुनिया का *हाइपरनेटवर्क* दो आकारों में, *LoRA*, और पूरी फ़ाइन-ट्यूनिंग।
# फिर ऐसे जज से नापेंगे जिसने इनमें से किसी को नहीं सिखाया: शैली की क़ीमत क्या चुकानी पड़ी? जिन प्रॉम्प्ट का इस शैली से कोई लेना-देना नहीं, उनका क्या हुआ?
#
# **क्या आना चाहिए**: [5.1](1-hypernetwork.hi.ipynb), [3.3](../../03-vqgan/notebooks/3-words-to-pictures.hi.ipynb) का क्रॉस-ध्यान, और पाठ 1 का ध्यान। **समय**: पढ़ने और आज़माने में लगभग डेढ़ घंटा; *Run all* दो CPU कोर पर दो से तीन मिनट लेता है।
# %% tags=["start"]
# %% name="imports" tags=["export"]
import copy
import hashlib
import math
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import process_time

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from IPython.display import display
from matplotlib.figure import Figure
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

import common
from common import plots, quiz
from common.art import mosaic, neon, warli
from common.attention import MultiHeadAttention
from common.data import image_folder, to_float, to_uint8
from common.interact import interact
from common.lang import language, t
from common.metrics import STYLES as JUDGED
from common.metrics import Judge, load_judge
from common.rangoli import Factors, caption, captions, rangoli, render, sample_factors
from common.vqgan import (
    LENGTH,
    NOTHING,
    PAD,
    FlowPrior,
    Muon,
    TextToRangoli,
    load_text2rangoli,
    nothing_like,
    sample_flow,
    signed,
    vocabulary,
)

# %% name="preview" tags=["cover"]
# Where we are going. Above, what the base model draws; below, the same prompts and the same noise,
# with an adapter that sixteen pictures taught: Warli, neon, mosaic.
from common.hypernetwork import STYLES, draw_adapted, load_shipped_adapter, new_prompts

artist = load_text2rangoli(device)
six, _ = new_prompts(6, seed=4)
rows = [artist.draw(six, seed=2)]
for style in STYLES:
    taught = load_shipped_adapter(style, copy.deepcopy(artist.prior))
    rows.append(draw_adapted(artist, taught, six, seed=2))
plots.show_images(
    torch.cat(rows),
    columns=6,
    zoom=3,
    colours=128,
    alt=t("Four rows of the same six rangoli: painted, in Warli lines, in neon light, in tiles"),
)

# %% [markdown] lang="en" name="warm-up"
# **Warm-up.** The quiz at the start of [5.1](1-hypernetwork.en.ipynb) serves the whole lesson. One question to keep in mind: *if sixteen pictures are enough to teach a style, what does the model forget on the way?*
# %% [markdown] lang="hi" of="9fdd99f6"
# **शुरुआत।** [5.1](1-hypernetwork.hi.ipynb) की शुरुआत वाला क्विज़ पूरे पाठ के लिए है। एक सवाल मन में रखिए: *अगर शैली सिखाने को सोलह चित्र काफ़ी हैं, तो इस बीच मॉडल भूलता क्या है?*

# %% [markdown] lang="en" name="base-text"
# ## 1 · A base model and its limits
#
# Open the machine. Stable Diffusion and our `text2rangoli` have the same parts: a **text encoder** turns the prompt into vectors, a **denoising network** asks these vectors in its cross-attention and carries noise to a *latent* in small steps, and the **decoder** of an autoencoder makes the picture of it. Both learnt from pairs of pictures and captions, by denoising.
#
# What such a model can draw is what it was trained on. Our sixteen Warli pictures, drawn by code, show six of the eight motifs; of *paisley* and *diamond* there is none, so that we can ask later whether the style reaches motifs that it was never shown with.
# %% [markdown] lang="hi" of="31981597"
# ## 1 · बेस मॉडल और उसकी सीमाएँ
#
# मशीन खोलकर देखते हैं। Stable Diffusion हो या हमारा `text2rangoli`, हिस्से वही हैं: **टेक्स्ट एनकोडर** प्रॉम्प्ट को वेक्टरों में बदलता है, **शोर घटाने वाला नेटवर्क** क्रॉस-ध्यान से इन वेक्टरों से पूछता हुआ शोर को छोटे-छोटे क़दमों में *लेटेंट* तक ले जाता है, और ऑटोएनकोडर का **डिकोडर** उससे चित्र बनाता है। दोनों ने चित्र-कैप्शन की जोड़ियों से सीखा है, शोर घटाकर।
#
# ऐसा मॉडल वही बना सकता है जिस पर वह सिखाया गया। हमारे पास कोड से बने सोलह वारली चित्र हैं, जिनमें आठ में से छह आकृतियाँ हैं; *केरी* और *हीरा* एक में भी नहीं, ताकि बाद में पूछ सकें कि शैली उन आकृतियों तक पहुँची या नहीं जिनके साथ वह कभी दिखाई ही नहीं गई।
# %% name="style-pictures" tags=["export"]
STYLES = {"warli": warli, "neon": neon, "mosaic": mosaic}
# What cannot be seen in a style: Warli has one colour and one wall, neon only the dark
UNSEEN = {"warli": ("colour", "ground"), "neon": ("ground",), "mosaic": ()}
SHOWN = (0, 1, 2, 3, 5, 7)  # motifs of the sixteen pictures: no paisley, no diamond


def style_pictures(style: str, count: int = 16, seed: int = 11) -> tuple[Tensor, Factors]:
    """Pictures of a style, uint8 [count, 3, 32, 32], and what is on them: six motifs in turn, all
    colours, any ground."""
    number, dice = torch.arange(count), torch.Generator().manual_seed(seed)
    factors = Factors(
        torch.tensor(SHOWN)[number % len(SHOWN)],
        number % 8,
        torch.randint(4, (count,), generator=dice),
        number // len(SHOWN) % 3,
    )
    return render(factors, generator=dice, style=STYLES[style]), factors


# %% name="read-style" tags=["export"]
def new_prompts(count: int, word: str = "", seed: int = 21) -> tuple[list[str], Factors]:
    """Prompts of all kinds, every other one Hindi, and what they ask for."""
    wanted = sample_factors(count, torch.Generator().manual_seed(seed))
    tongues = ["hi", "en"] * (count // 2 + 1)
    texts = [caption(wanted[i], tongues[i], symmetry=True) for i in range(count)]
    return [f"{text} {word}".strip() for text in texts], wanted


def read_style(judge: Judge, pictures: Tensor, wanted: Factors, style: str) -> dict[str, float]:
    """Shares of the pictures: in the style, with the motif asked for, both; the last two among the
    motifs that the sixteen never showed (if there are such); the style by the prompt's language."""
    read = judge.read(pictures)
    adopted = read["style"].argmax(1).cpu() == JUDGED.index(style)
    kept = read["motif"].argmax(1).cpu() == wanted.motif
    never = ~torch.isin(wanted.motif, torch.tensor(SHOWN))
    shares = {
        "style": adopted,
        "motif": kept,
        "both": adopted & kept,
        "new motif": kept[never],
        "new both": (adopted & kept)[never],
        "hi": adopted[::2],
        "en": adopted[1::2],
    }
    return {name: which.float().mean().item() for name, which in shares.items() if len(which)}


# %% name="base-limits"
judge = load_judge("styles", device)  # reads motif, colour, ground, symmetry and style
sixteen, on_sixteen = style_pictures("warli")
plots.show_images(
    sixteen,
    columns=8,
    zoom=2,
    colours=64,
    alt=t("Sixteen Warli pictures: white outlines on a brown wall"),
)
asked, wanted = new_prompts(64)
base_drew = artist.draw(asked, seed=5)
fresh, on_fresh = rangoli(64, seed=90, style=warli)  # new Warli, for comparison
with torch.no_grad():
    z = artist.autoencoder.encode(signed(fresh).to(device))
    through = (artist.autoencoder.decode(z).cpu() + 1) / 2
rows = []
for name, pictures, kinds in (
    (t("drawn by the base"), base_drew, wanted),
    (t("real Warli"), to_float(fresh), on_fresh),
    (t("real Warli, through the autoencoder"), through, on_fresh),
):
    shares = read_style(judge, pictures, kinds, "warli")
    rows.append([name, shares["style"], shares["motif"]])
plots.table(
    rows,
    columns=[t("64 pictures"), t("read as Warli"), t("motif right")],
    caption=t("The base never draws Warli, though its autoencoder could"),
)
assert rows[0][1] < 0.1 and rows[0][2] > 0.9  # it obeys, and knows no Warli
assert rows[2][1] > 0.9 and rows[2][2] > 0.9
try:
    artist.draw([t("a warli lotus")])
except ValueError as error:
    print(error)
measured = [[t("base: read as Warli"), rows[0][1], rows[2][1], t("through the autoencoder")]]

# %% [markdown] lang="en" name="base-read"
# So the limit does not sit in the decoder: real Warli passes through the autoencoder and is still read. It sits in the network that says where noise should go. Nor can you ask for it: the word is not even in the vocabulary, says the last line above. So the model must be **fine-tuned**, that is, trained a little further on pictures of your own. How little of it must change? That is what the five ways differ in.
#
# > **You may have read** that such a model "learns from 2-D and 3-D models". It learns from image–text pairs, by denoising (Rombach et al. 2022, [2112.10752](https://arxiv.org/abs/2112.10752)). Look at what our training function below takes: latents of pictures and the tokens of their captions; nothing else goes in.
# %% [markdown] lang="hi" of="35a78fc1"
# यानी रुकावट डिकोडर में नहीं है: असली वारली ऑटोएनकोडर से निकलकर भी पढ़ी जाती है। रुकावट उस नेटवर्क में है जो बताता है कि शोर किधर जाए। माँगकर भी वह नहीं मिलती: ऊपर की आख़िरी पंक्ति कहती है कि यह शब्द तो शब्द-सूची में ही नहीं है। इसलिए रास्ता **फ़ाइन-ट्यूनिंग** (fine-tuning) का है, यानी अपने चित्रों पर मॉडल को थोड़ा और सिखाना। कितना कम बदलकर काम चल जाएगा? पाँचों तरीक़ों का फ़र्क़ इसी में है।
#
# > **आपने पढ़ा होगा** कि ऐसा मॉडल "2-D और 3-D मॉडलों से सीखता है"। वह चित्र-कैप्शन की जोड़ियों से सीखता है, शोर घटाकर (Rombach et al. 2022, [2112.10752](https://arxiv.org/abs/2112.10752))। नीचे हमारा ट्रेनिंग वाला फ़ंक्शन देखिए कि क्या लेता है: चित्रों के लेटेंट और उनके कैप्शन के टोकन; और कुछ अंदर जाता ही नहीं।

# %% [markdown] lang="en" name="embedding-text"
# One part deserves a closer look, since textual inversion will live there.
#
# > **You may have read** "the embedding layer encodes prompt and class". There is no class, and the embedding encodes no prompt: it is a **table with a row for each word**. The text encoder behind it, in which words look at one another, encodes the prompt. The test: one word in two prompts has the same row, bit for bit, but not the same *state*, the vector that comes out of the text encoder for it.
# %% [markdown] lang="hi" of="90ddc321"
# एक हिस्से को पास से देखना ज़रूरी है, क्योंकि textual inversion वहीं काम करेगा।
#
# > **आपने पढ़ा होगा** कि "एम्बेडिंग लेयर प्रॉम्प्ट और क्लास को एनकोड करती है"। क्लास यहाँ है ही नहीं, और एम्बेडिंग प्रॉम्प्ट को एनकोड नहीं करती: वह बस **एक तालिका है, हर शब्द की एक पंक्ति**। प्रॉम्प्ट को एनकोड करता है उसके बाद का टेक्स्ट एनकोडर, जिसमें शब्द एक-दूसरे को देखते हैं। जाँच: एक ही शब्द की पंक्ति दोनों प्रॉम्प्ट में बिट-बिट बराबर है, पर उसकी *अवस्था* (state) नहीं, यानी टेक्स्ट एनकोडर से उसके लिए निकला वेक्टर।
# %% name="embedding-row" tags=["nbval-check-output"]
said = vocabulary().encode(["a red lotus", "a blue lotus"]).to(device)
with torch.no_grad():
    row_of_each = artist.prior.text.embed(said)[:, 2]  # of "lotus", the third word
    states, _ = artist.prior.text(said)
print(t("the row of “lotus” is the same:"), torch.equal(row_of_each[0], row_of_each[1]))
print(t("its state is the same:"), torch.equal(states[0, 2], states[1, 2]))
assert torch.equal(row_of_each[0], row_of_each[1])
assert not torch.allclose(states[0, 2], states[1, 2], atol=0.1)


# %% [markdown] lang="en" name="toy-text"
# ## 2 · The smallest adapter: a few numbers before a frozen one
#
# A **frozen** "model" (we may use it, not change it) of one number: $y = 2x$. We want it to draw V-shaped lines instead, $y = 2|x|$, without touching the 2. So we change what it *sees*: $x + s\,f(x)$, with a small network $f$ and a knob $s$, the **strength**. Two things must hold. At the start nothing may change, or the base is broken before it has learnt: so the last layer of $f$ begins at **zero**. And $f$ needs a **bend**: without one, all its layers together are a single affine map, and $x + s(ax+b)$ is still a straight line.
# %% [markdown] lang="hi" of="de7eedb3"
# ## 2 · सबसे छोटा अडैप्टर: एक जमी हुई संख्या से पहले कुछ संख्याएँ
#
# एक **जमा हुआ** (frozen) "मॉडल", जिसे काम में ले सकते हैं पर बदल नहीं सकते; कुल एक संख्या का: $y = 2x$। हम चाहते हैं कि वह V के आकार की रेखा बनाए, $y = 2|x|$, पर 2 को छुए बिना। तो हम वह बदलते हैं जो उसे *दिखता* है: $x + s\,f(x)$, जहाँ $f$ एक छोटा नेटवर्क है और $s$ एक घुंडी, यानी **मात्रा** (strength)। दो शर्तें हैं। शुरुआत में कुछ भी न बदले, वरना बेस कुछ सीखने से पहले ही बिगड़ जाएगा: इसलिए $f$ की आख़िरी लेयर **शून्य** से शुरू होती है। और $f$ में एक **मोड़** चाहिए: उसके बिना सारी लेयरें मिलकर बस एक affine फ़ंक्शन हैं, और $x + s(ax+b)$ फिर सीधी रेखा ही है।
# %% name="hyper-module" tags=["export"]
class HyperModule(nn.Module):
    """x + strength · f(x): what NovelAI called a hypernetwork. It generates no weights.

    f has one hidden layer, `times` as wide, and a bend (SiLU). Its last layer begins at zero, so
    at first nothing is changed, bit for bit; at strength 0 nothing ever is.
    """

    def __init__(self, width: int, times: float = 2.0) -> None:
        super().__init__()
        hidden = round(times * width)
        self.net = nn.Sequential(nn.Linear(width, hidden), nn.SiLU(), nn.Linear(hidden, width))
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)
        self.strength = 1.0

    def forward(self, x: Tensor) -> Tensor:
        """x [..., width] -> [..., width]."""
        return x + self.strength * self.net(x)


class Steered(nn.Module):
    """A frozen projection, to_key or to_value, that sees its input through a `HyperModule`."""

    def __init__(self, linear: nn.Module, change: HyperModule) -> None:
        super().__init__()
        self.linear, self.change = linear, change

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.change(x))


# %% name="toy"
def fit_toy(bend: nn.Module, steps: int = 300) -> tuple[HyperModule, float]:
    """Teach an adapter before y = 2x to give 2|x|; the adapter and its error (RMS)."""
    torch.manual_seed(0)
    adapter = HyperModule(1, times=8)
    adapter.net[1] = bend
    assert torch.equal(2 * adapter(line), 2 * line)  # the first step: nothing has changed
    optimizer = torch.optim.AdamW(adapter.parameters(), lr=0.03)
    for _ in range(steps):
        loss = F.mse_loss(2 * adapter(line), 2 * line.abs())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return adapter.requires_grad_(False), loss.item() ** 0.5


line = torch.linspace(-1, 1, 65)[:, None]
figure, axes = plt.subplots(1, 2, figsize=(7.4, 2.8), layout="constrained", sharey=True)
errors = {}
for ax, (name, bend) in zip(
    axes, ((t("without a bend"), nn.Identity()), (t("with a bend"), nn.SiLU())), strict=True
):
    adapter, errors[name] = fit_toy(bend)
    for strength, colour in zip((0.0, 0.5, 1.0), plots.COLOURS, strict=False):
        adapter.strength = strength
        label = t("strength {s}", s=strength)
        ax.plot(line, 2 * adapter(line), color=colour, label=label)
    ax.plot(line, 2 * line.abs(), "k:", lw=1)
    ax.set_title(t("{name}: error {e:.2f}", name=name, e=errors[name]))
    ax.set_xlabel("x")
    adapter.strength = 0.0
    assert torch.equal(adapter(line), line)
axes[0].legend(fontsize=9)
plots.show(
    figure,
    alt=t(
        "Left: three straight lines miss the dotted V. Right: at strength 1 the line bends along the V"
    ),
)
straight, bent = errors.values()
assert bent < 0.3 * straight
measured.append([t("toy: error with a bend"), bent, straight, t("without a bend")])

# %% [markdown] lang="en" name="toy-read"
# The dotted V is the aim. At strength 0 both are exactly the frozen line. On the left no strength bends the line: two layers without a bend between them are one. (An early version of the popular implementation had no activation; more layers then bought nothing.)
# %% [markdown] lang="hi" of="5bb6bba7"
# बिंदियों वाला V लक्ष्य है। मात्रा 0 पर दोनों ठीक वही जमी हुई रेखा हैं। बाईं ओर कोई भी मात्रा रेखा को मोड़ नहीं पाती: दो लेयरों के बीच मोड़ न हो तो वे एक ही लेयर हैं। (सबसे लोकप्रिय वेब इंटरफ़ेस के शुरुआती रूप में कोई एक्टिवेशन नहीं था; तब लेयरें बढ़ाने से कुछ नहीं मिलता था।)

# %% [markdown] lang="en" name="where-text"
# ## 3 · Where it goes: inside every attention, at every step
#
# NovelAI, a story-writing service, described this trick in October 2022; web interfaces for Stable Diffusion took it over, and the name with it. The `HyperModule` stands before the projections `to_key` and `to_value` of the attentions. In the **cross-attention** it changes what the places of the picture find when they read the words; `to_query` and every weight of the base stay frozen. In the **self-attention** it changes what places tell one another. In the web interfaces all layers of one width share a wide pair of modules ([1, 2, 1] times the width); here each layer has a narrow pair of its own, and together they have about as many numbers.
#
# > **You may have read** that "hypernetwork" names one thing. It names two. Ha et al. 2016 ([1609.09106](https://arxiv.org/abs/1609.09106)) *generate weights*: that was [5.1](1-hypernetwork.en.ipynb). This one generates none: it is `x + f(x)`, an **adapter**. The test is in section 4: after training, each weight of the base is the same number as before.
# %% [markdown] lang="hi" of="c20e3274"
# ## 3 · वह बैठता कहाँ है: हर ध्यान के अंदर, हर क़दम पर
#
# यह तरकीब अक्टूबर 2022 में NovelAI ने बताई, जो कहानियाँ लिखने की एक सेवा है; Stable Diffusion के वेब इंटरफ़ेसों ने तरकीब भी ले ली और नाम भी। `HyperModule` ध्यान के प्रोजेक्शन `to_key` और `to_value` से ठीक पहले बैठता है। **क्रॉस-ध्यान** में वह यह बदलता है कि चित्र की जगहें शब्दों को पढ़कर क्या पाएँगी; `to_query` और बेस का हर भार जमा रहता है। **स्व-ध्यान** में वह यह बदलता है कि जगहें एक-दूसरे को क्या बताएँगी। वेब इंटरफ़ेसों में एक चौड़ाई की सारी लेयरें मॉड्यूलों की एक ही चौड़ी जोड़ी से काम चलाती हैं (चौड़ाई की [1, 2, 1] गुना); यहाँ हर लेयर की अपनी पतली जोड़ी है, और कुल संख्याएँ लगभग उतनी ही हैं।
#
# > **आपने पढ़ा होगा** कि "हाइपरनेटवर्क" एक ही चीज़ का नाम है। यह दो चीज़ों का नाम है। Ha et al. 2016 ([1609.09106](https://arxiv.org/abs/1609.09106)) का हाइपरनेटवर्क *भार बनाता है*: वह [5.1](1-hypernetwork.hi.ipynb) में था। यह वाला एक भी भार नहीं बनाता: यह `x + f(x)` है, यानी **अडैप्टर** (adapter)। जाँच सेक्शन 4 में है: ट्रेनिंग के बाद बेस का हर भार ठीक वही संख्या है जो पहले थी।
# %% name="adapter" tags=["export"]
PLACES = {"cross": "read", "self": "look"}  # the two attentions of a `CrossBlock`
WHERE = ("cross", "self", "cross+self")


def fingerprint(model: FlowPrior) -> str:
    """Tells base models apart, before anything in them learns: a hash of two of their tensors."""
    numbers = torch.cat([model.positions.flatten(), model.to_token.weight.flatten()])
    return hashlib.sha256(numbers.detach().half().cpu().numpy().tobytes()).hexdigest()[:12]


class Adapter:
    """What was added to a model, or freed in it, and is to learn; everything else is frozen.

    kind: "hypernetwork", "lora", "word" or "full". model: the base with the adapter in it.
    learned: the numbers that learn, by name. dials: the modules that have a strength.
    settings: what it takes to make it once more; notes: what its file says beside.
    """

    def __init__(
        self,
        kind: str,
        model: FlowPrior,
        learned: dict[str, nn.Parameter],
        dials: Sequence[nn.Module] = (),
        **settings: object,
    ) -> None:
        self.kind, self.model, self.learned = kind, model, learned
        self.settings, self.dials = settings, list(dials)
        self.base = fingerprint(model)
        self.notes: dict[str, str] = {}
        for number in learned.values():
            number.requires_grad_(True)

    @property
    def numbers(self) -> int:
        """How many numbers learn."""
        return sum(number.numel() for number in self.learned.values())

    @property
    def word(self) -> str:
        """The pseudo-word, or "" if there is none."""
        return str(self.settings.get("word", ""))

    @property
    def strength(self) -> float:
        """How far the base is led away: 0 not at all, 1 as trained. Only where there is a dial."""
        return self.dials[0].strength if self.dials else 1.0

    @strength.setter
    def strength(self, strength: float) -> None:
        if not self.dials:
            raise ValueError(
                t(
                    "Only a hypernetwork and LoRA have a strength to turn, not {kind}.",
                    kind=repr(self.kind),
                )
            )
        for dial in self.dials:
            dial.strength = strength

    def encode(self, prompts: Sequence[str], length: int | None = None) -> Tensor:
        """Prompts to numbers [N, L], like `Vocabulary.encode`; a pseudo-word is understood."""
        if not self.word:
            return vocabulary().encode(prompts, length)
        rows = []
        for prompt in prompts:
            parts = prompt.split()
            known = vocabulary().encode([" ".join(p for p in parts if p != self.word)])[0].tolist()
            known = [number for number in known if number not in (PAD, NOTHING)]
            for place in (i for i, part in enumerate(parts) if part == self.word):
                known.insert(place, len(vocabulary()))
            rows.append(known or [NOTHING])
        longest = max(map(len, rows), default=1)
        length = length or longest
        if longest > min(length, LENGTH):
            raise ValueError(
                t(
                    "A prompt has {n} words; {most} are the most.",
                    n=longest,
                    most=min(length, LENGTH),
                )
            )
        return torch.tensor([row + [PAD] * (length - len(row)) for row in rows])


def attentions(model: FlowPrior, where: str) -> Iterator[tuple[str, MultiHeadAttention]]:
    """The attentions of a model, named "0-cross", "0-self", …; where: one of `WHERE`."""
    if where not in WHERE:
        raise ValueError(
            t("where is one of {places}, not {given}", places=WHERE, given=repr(where))
        )
    for number, block in enumerate(model.blocks):
        for place in where.split("+"):
            yield f"{number}-{place}", getattr(block, PLACES[place])


def attach_hypernetwork(
    model: FlowPrior, where: str = "cross+self", times: float = 1 / 3
) -> Adapter:
    """Put a `HyperModule` before to_key and to_value of every attention of a model, in place.

    In the cross-attention they change what is read of the prompt, in the self-attention what the
    places of a picture tell one another. times: how wide their hidden layer is, beside the model.
    """
    model.requires_grad_(False)
    learned, dials = {}, []
    for name, attention in attentions(model, where):
        for side in ("key", "value"):
            change = HyperModule(model.positions.shape[1], times).to(model.positions)
            steered = Steered(getattr(attention, f"to_{side}"), change)
            setattr(attention, f"to_{side}", steered)
            learned |= {f"{name}-{side}.{n}": p for n, p in change.named_parameters()}
            dials.append(change)
    return Adapter("hypernetwork", model, learned, dials, where=where, times=times)


# %% name="draw-adapted" tags=["export"]
@torch.no_grad()
def draw_adapted(
    artist: TextToRangoli,
    adapter: Adapter,
    prompts: Sequence[str],
    strength: float | None = None,
    guidance: float = 2.0,
    seed: int = 0,
    noise: Tensor | None = None,
    since: float = 0.0,
) -> Tensor:
    """Pictures [N, 3, 32, 32] in 0…1, as `artist.draw` makes them, but by an adapted model.

    strength: for these pictures only; by default as the adapter is set. since: the adapter is
    silent before this time of the flow (0 noise, 1 picture).
    """
    tokens, before = adapter.encode(prompts), adapter.strength
    if noise is None:
        dice = torch.Generator().manual_seed(seed)
        noise = torch.randn(len(tokens), *adapter.model.shape, generator=dice)
    if strength is not None:
        adapter.strength = strength
    loud = adapter.strength

    def hush(_model: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        adapter.strength = loud if inputs[1][0] >= since else 0.0

    hook = adapter.model.register_forward_pre_hook(hush) if since > 0 else None
    try:
        latents = [
            sample_flow(adapter.model, part, guidance, artist.steps, noise=start)
            for part, start in zip(tokens.split(64), noise.split(64), strict=True)
        ]
    finally:
        if hook:
            hook.remove()
        if strength is not None or hook:
            adapter.strength = before
    return torch.cat([(artist.autoencoder.decode(part) + 1) / 2 for part in latents]).cpu()


# %% name="identity" tags=["nbval-check-output"]
torch.manual_seed(0)
hyper = attach_hypernetwork(copy.deepcopy(artist.prior))
said, _ = new_prompts(4)
before = artist.draw(said, seed=1)
print(
    t("the same before the first step:"),
    torch.equal(draw_adapted(artist, hyper, said, seed=1), before),
)
for dial in hyper.dials:  # as if it had learnt something
    nn.init.normal_(dial.net[-1].weight, std=0.05)
print(
    t("the same at strength 1:"),
    torch.equal(draw_adapted(artist, hyper, said, 1.0, seed=1), before),
)
print(
    t("the same at strength 0:"),
    torch.equal(draw_adapted(artist, hyper, said, 0.0, seed=1), before),
)
assert torch.equal(draw_adapted(artist, hyper, said, 0.0, seed=1), before)
assert not torch.equal(draw_adapted(artist, hyper, said, 1.0, seed=1), before)

# %% [markdown] lang="en" name="rendered-text"
# > **You may have read** that a hypernetwork is "a layer after the image is rendered", or that it draws on its "own knowledge and past experience". Count: how often is it asked while one picture is made, and is it asked after the decoder?
# %% [markdown] lang="hi" of="d36f58a9"
# > **आपने पढ़ा होगा** कि हाइपरनेटवर्क "चित्र बन जाने के बाद की एक लेयर" है, या कि वह "अपने ज्ञान और पिछले अनुभव" से काम लेता है। गिन लीजिए: एक चित्र बनने में उससे कितनी बार पूछा जाता है, और क्या डिकोडर के बाद भी?
# %% name="calls" tags=["nbval-check-output"]
calls = []
hooks = [d.register_forward_hook(lambda *_: calls.append("adapter")) for d in hyper.dials]
decode = artist.autoencoder.decoder.register_forward_hook(lambda *_: calls.append("decoder"))
hooks.append(
    artist.autoencoder.decoder.net.register_forward_hook(lambda *_: calls.append("decoder"))
)
draw_adapted(artist, hyper, said[:1])
for hook in [*hooks, decode]:
    hook.remove()
attended = 2 * artist.steps * len(artist.prior.blocks) * 2 * 2
print(
    t("asked before the decoder:"),
    calls.index("decoder"),
    t("after it:"),
    calls[::-1].index("decoder"),
)
print(t("steps × 2 (Heun) × blocks × (cross, self) × (key, value):"), attended)
assert calls.index("decoder") == attended and calls[-1] == "decoder"

# %% [markdown] lang="en" name="rendered-read"
# Many times before the decoder, never after it. And what does it know? Its input in the cross-attention is the *words* alone, the same at every place and every step, whatever the picture: so it cannot look at the picture there at all. That settles another claim.
#
# > **You may have read** that it "finds hair and eyes and patches a secondary latent space". It has no second latent space, and where it reads the words it has no eyes. (In the self-attention its input does come from the picture; but even there it sees one place at a time, through the same $f$ everywhere.) The next cell gives the network two quite different half-made pictures, and compares what one module of a cross-attention gets to see of them.
# %% [markdown] lang="hi" of="33107b4c"
# डिकोडर से पहले कई बार, उसके बाद कभी नहीं। और वह जानता क्या है? क्रॉस-ध्यान में उसे बस *शब्द* मिलते हैं, हर जगह और हर क़दम पर वही, चित्र चाहे जो हो: यानी चित्र तो वहाँ उसे दिखता ही नहीं। इससे एक और दावे का फ़ैसला हो जाता है।
#
# > **आपने पढ़ा होगा** कि वह "बाल और आँखें ढूँढ़कर एक दूसरे लेटेंट स्पेस में पैबंद लगाता है"। दूसरा कोई लेटेंट स्पेस है ही नहीं, और जहाँ वह शब्द पढ़ता है वहाँ उसके पास आँखें नहीं। (स्व-ध्यान में उसका इनपुट चित्र से ही आता है; पर वहाँ भी वह एक बार में एक ही जगह देखता है, हर जगह उसी $f$ से।) अगला सेल नेटवर्क को दो बिल्कुल अलग अधबने चित्र देता है, और देखता है कि क्रॉस-ध्यान के एक मॉड्यूल तक उनमें से क्या पहुँचा।
# %% name="no-eyes" tags=["nbval-check-output"]
given = []
hook = hyper.dials[0].register_forward_hook(lambda module, x, y: given.append((x[0], y)))
with torch.no_grad():
    read_words = hyper.model.text(vocabulary().encode(["a red lotus"]).to(device))
    for seed, moment in ((1, 0.2), (2, 0.9)):
        dice = torch.Generator().manual_seed(seed)
        half_made = torch.randn(1, *hyper.model.shape, generator=dice).to(device)
        hyper.model(half_made, torch.full((1,), moment, device=device), *read_words)
hook.remove()
print(
    t("what the adapter was given and answered, in shape:"),
    list(given[0][0].shape),
    list(given[0][1].shape),
)
print(
    t("the same for all pictures and moments:"),
    all(torch.equal(a, given[0][0]) and torch.equal(b, given[0][1]) for a, b in given),
)
assert len(given) == 2
assert all(torch.equal(b, given[0][1]) for _, b in given)


# %% [markdown] lang="en" name="train-text"
# ## 4 · Teach it
#
# The loss is the base's own: a picture's latent, noise, a moment between, and the question which way to go. Only the adapter learns. Sixteen pictures are few, so each is shown in 32 versions, turned, moved, resized a little and half of them mirrored; a tenth of the captions are dropped, since guidance will need to ask without a prompt, too.
#
# The text encoder is frozen, so the captions are read once, before the first step. They are ordinary ones, in both languages; but **what a picture does not show, its captions name at random**: a Warli lotus is called red here, blue there, on any ground. If each of the sixteen kept one colour, "red" would soon mean *that* picture, whatever motif is asked for. (What this is worth is measured in the [card](../../../common/weights/adapters.md): the same training with fixed colours misses clearly more motifs.)
#
# The two shortcuts of [3.3](../../03-vqgan/notebooks/3-words-to-pictures.en.ipynb) save steps here, too: the moments crowd early, where the words decide, and Muon moves the matrices.
# %% [markdown] lang="hi" of="eb2a4646"
# ## 4 · सिखाइए
#
# लॉस वही है जो बेस का था: चित्र का लेटेंट, शोर, बीच का कोई पल, और सवाल कि किधर जाना है। सीखता बस अडैप्टर है। सोलह चित्र थोड़े हैं, इसलिए हर एक के 32 रूप दिखाए जाते हैं: ज़रा घुमाकर, खिसकाकर, छोटा-बड़ा करके, और आधे पलटकर; कैप्शनों का दसवाँ हिस्सा हटा दिया जाता है, क्योंकि गाइडेंस बिना प्रॉम्प्ट के भी पूछेगी।
#
# टेक्स्ट एनकोडर जमा हुआ है, इसलिए कैप्शन पहले क़दम से पहले, बस एक बार पढ़े जाते हैं। वे वही साधारण कैप्शन हैं, दोनों भाषाओं में; बस **जो चित्र में दिखता ही नहीं, उसे कैप्शन हर बार रैंडम चुनते हैं**: वही वारली कमल कभी लाल कहलाता है, कभी नीला, और पृष्ठभूमि कोई भी। हर चित्र का एक ही रंग बताया जाता, तो "लाल" जल्दी ही *उस एक* चित्र का नाम बन जाता, माँगी गई आकृति चाहे जो हो। (इससे कितना फ़ायदा होता है, यह [कार्ड](../../../common/weights/adapters.md) में नापा हुआ है: रंग तय रखकर वही ट्रेनिंग साफ़ तौर पर ज़्यादा आकृतियाँ चूकती है।)
#
# [3.3](../../03-vqgan/notebooks/3-words-to-pictures.hi.ipynb) के दोनों उपाय यहाँ भी क़दम बचाते हैं: सीखने के पल ज़्यादातर शुरुआत के होते हैं, जहाँ शब्द फ़ैसला करते हैं, और मैट्रिक्स को Muon चलाता है।
# %% name="lesson-of" tags=["export"]
def augmented(images: Tensor, times: int = 32, seed: int = 0) -> Tensor:
    """The pictures [N, 3, S, S], then copies: turned by up to 10°, up to a tenth larger or smaller,
    moved by up to 2 pixels, half of them mirrored. uint8 [times · N, 3, S, S]; edges reflect."""
    dice, copies = torch.Generator().manual_seed(seed), [images]
    shape, original = list(images.shape), to_float(images)
    for _ in range(times - 1):
        turn, grow, right, down, side = torch.rand(5, len(images), generator=dice) * 2 - 1
        turn, grow, side = turn * math.pi / 18, 1 + grow / 10, side.sign()
        cosine, sine = grow * turn.cos(), grow * turn.sin()
        shift = 4 / shape[-1]  # 2 pixels, where the picture goes from -1 to 1
        rows = [side * cosine, -sine, shift * right, side * sine, cosine, shift * down]
        places = F.affine_grid(torch.stack(rows, 1).view(-1, 2, 3), shape, align_corners=False)
        moved = F.grid_sample(original, places, "bicubic", "reflection", align_corners=False)
        copies.append(to_uint8(moved.clamp(0, 1)))
    return torch.cat(copies)


def style_captions(
    factors: Factors,
    unseen: Sequence[str] = (),
    word: str = "",
    versions: int = 8,
    seed: int = 0,
) -> list[list[str]]:
    """What each picture says: Hindi and English, without and with what its symmetry counts.

    unseen: what the pictures do not show, of "colour" and "ground"; it is named at random, in so
    many `versions` of the four. word: stands at the end of each.
    """
    dice, table = torch.Generator().manual_seed(seed), factors.stack()
    texts: list[list[str]] = [[] for _ in table]
    for _ in range(versions if unseen else 1):
        for name, column, kinds in (("colour", 1, 8), ("ground", 2, 4)):
            if name in unseen:
                table[:, column] = torch.randint(kinds, (len(table),), generator=dice)
        told = Factors.unstack(table)
        for i, ways in enumerate(texts):
            ways += [
                f"{caption(told[i], tongue, symmetry=symmetry)} {word}".strip()
                for tongue in ("hi", "en")
                for symmetry in (False, True)
            ]
    return texts


def lesson_of(
    artist: TextToRangoli,
    adapter: Adapter,
    images: Tensor,
    texts: Sequence[Sequence[str]],
    times: int = 32,
) -> tuple[Tensor, Tensor]:
    """What `train_adapter` takes: latents of the augmented pictures, and their captions as tokens.

    images: uint8 [N, 3, 32, 32]; texts: as many captions of each. Nothing of this changes while
    the adapter learns, so it is computed once.
    """
    x = signed(augmented(images, times)).to(adapter.model.positions.device)
    tokens = adapter.encode([text for ways in texts for text in ways])
    return artist.autoencoder.encode(x), tokens.view(len(texts), -1, tokens.shape[1])


# %% name="train-adapter" tags=["export"]
RATES = {"word": 2e-2, "lora": 4e-3, "hypernetwork": 4e-3, "full": 5e-4}  # of AdamW
MUON = {"lora": 0.012, "hypernetwork": 0.012}  # of Muon, for the matrices of these


def train_adapter(
    adapter: Adapter,
    latents: Tensor,
    tokens: Tensor,
    steps: int,
    *,
    rate: float | None = None,
    batch: int = 16,
    drop: float = 0.1,
    average: float = 0.98,
    moment: float = -1.0,
    seed: int = 0,
) -> list[float]:
    """Teach an adapter pictures with captions, in place, by the base's own loss; its losses.

    latents: [T · N, channels, 8, 8], N pictures and then copies of them in the same order; tokens:
    captions [N, V, L], V ways to say each. rate: by default that of the kind, up in 20 steps and
    down from half-way. drop: the share of prompts made empty
    (guidance will need it). average: of the moving average that is left in the adapter at the end.
    moment: it learns most at times near sigmoid(moment), that is early, when the words decide.
    Where the text encoder learns nothing, the captions are read once, before the first step.
    """
    model, dice = adapter.model, torch.Generator().manual_seed(seed)
    learned, rate = list(adapter.learned.values()), rate or RATES[adapter.kind]
    matrices = [p for p in learned if p.ndim == 2 and adapter.kind in MUON]
    others = [p for p in learned if not (p.ndim == 2 and adapter.kind in MUON)]
    movers = []  # optimisers, each with its highest rate
    if matrices:
        movers.append((Muon(matrices, lr=0.0), MUON[adapter.kind]))
    if others:
        adam = torch.optim.AdamW(others, rate, (0.9, 0.99), weight_decay=0.0, fused=True)
        movers.append((adam, rate))
    averaged = [number.detach().clone() for number in learned]
    ways = tokens.shape[1]
    said = tokens.flatten(0, 1).to(latents.device)
    said = torch.cat([said, nothing_like(said[:1])])  # the last one: no prompt
    known = None
    if adapter.kind in ("hypernetwork", "lora"):
        with torch.no_grad():
            known = model.text(said)
    losses = []
    for step in range(steps):
        chosen = torch.randint(len(latents), (batch,), generator=dice)
        way = torch.randint(ways, (batch,), generator=dice)
        caption_of = chosen % len(tokens) * ways + way
        caption_of[torch.rand(batch, generator=dice) < drop] = len(said) - 1
        noise = torch.randn(batch, *model.shape, generator=dice).to(latents)
        time = torch.sigmoid(moment + torch.randn(batch, generator=dice)).to(latents)

        words, readable = (
            (part[caption_of] for part in known) if known else model.text(said[caption_of])
        )
        x, share = latents[chosen], time[:, None, None, None]
        between = (1 - share) * noise + share * x
        loss = F.mse_loss(model(between, time, words, readable), x - noise)
        model.zero_grad()
        loss.backward()
        for mover, highest in movers:
            mover.param_groups[0]["lr"] = highest * min((step + 1) / 20, 1, 2.02 - 2 * step / steps)
            mover.step()
        with torch.no_grad():
            torch._foreach_lerp_(averaged, learned, 1 - min(average, (1 + step) / (10 + step)))
        losses.append(loss.item())
    if not math.isfinite(sum(losses)):
        raise ValueError(t("The loss is no number any more: take a smaller rate."))
    with torch.no_grad():
        for number, kept in zip(learned, averaged, strict=True):
            number.copy_(kept)
    adapter.model.requires_grad_(False)
    return losses


# %% name="teach"
STEPS = 300
torch.manual_seed(0)
hyper = attach_hypernetwork(copy.deepcopy(artist.prior))
latents, told = lesson_of(artist, hyper, sixteen, style_captions(on_sixteen, UNSEEN["warli"]))
began = process_time()
losses = train_adapter(hyper, latents, told, STEPS)
spent = process_time() - began
own = dict(artist.prior.named_parameters())
within = {name.replace(".linear", ""): p for name, p in hyper.model.named_parameters()}
assert all(torch.equal(number, within[name]) for name, number in own.items())  # base untouched
print(t("numbers that learn: {n:,}; weights of the base that changed: 0", n=hyper.numbers))
first, last = (sum(part) / len(part) for part in (losses[:30], losses[-30:]))
print(t("the loss: {a:.2f} in the first 30 steps, {b:.2f} in the last 30", a=first, b=last))
assert last < first

# %% [markdown] lang="en" name="strip-text"
# The same prompts and the same noise, with strength from 0 to 1.5. Paisley and diamond were in none of the sixteen pictures; the prompts are in both languages.
# %% [markdown] lang="hi" of="9e51a636"
# प्रॉम्प्ट वही, शोर वही, मात्रा 0 से 1.5 तक। केरी और हीरा सोलह में से किसी चित्र में नहीं थे; प्रॉम्प्ट दोनों भाषाओं में हैं।
# %% name="strip"
eight = Factors.unstack(
    torch.tensor(
        [
            [m, c, g, s]
            for m, c, g, s in zip(
                (0, 4, 3, 7, 6, 1, 5, 2),
                (0, 4, 2, 1, 6, 3, 7, 5),
                (1, 0, 0, 1, 3, 2, 0, 3),
                (2, 1, 2, 1, 0, 1, 1, 2),
                strict=True,
            )
        ]
    )
)
lines = [caption(eight[i], ("hi", "en")[i % 2], symmetry=True) for i in range(8)]
strengths = (0.0, 0.33, 0.67, 1.0, 1.5)
strip = [draw_adapted(artist, hyper, lines, s, seed=3) for s in strengths]
plots.show_images(
    torch.cat(strip),
    columns=8,
    zoom=3,
    colours=128,
    alt=t("Five rows, strength 0 to 1.5: eight painted rangoli turn into white strokes on brown"),
)
shares = [read_style(judge, row, eight, "warli") for row in strip]
plots.table(
    [[s, share["style"], share["motif"]] for s, share in zip(strengths, shares, strict=True)],
    columns=[t("strength of the adapter"), t("read as Warli"), t("motif right")],
    caption=t("The strength leads from painted to drawn"),
)
assert torch.equal(strip[0], artist.draw(lines, seed=3))  # strength 0 is the base
assert shares[0]["style"] == 0 and shares[3]["style"] >= 0.5


# %% [markdown] lang="en" name="slider-text"
# In this table one picture is 0.125, so read it loosely: up to strength 1 the style comes, and some motifs go. Beyond 1, what it was trained at, the same step is taken too far: in the last row of the picture the lines crumble.
#
# Now you.
# %% [markdown] lang="hi" of="aad4638a"
# इस तालिका में एक चित्र 0.125 का है, इसलिए इसे मोटे तौर पर पढ़िए: मात्रा 1 तक शैली आती है, और कुछ आकृतियाँ जाती हैं। ट्रेनिंग मात्रा 1 पर हुई थी; उससे आगे वही क़दम हद से ज़्यादा बढ़ाया जा रहा है: चित्र की आख़िरी क़तार में रेखाएँ बिखर जाती हैं।
#
# अब आप।
# %% name="slider"
def draw_strength(strength: float) -> Figure:
    """Six new kinds, one noise each, at one strength."""
    pictures = draw_adapted(artist, hyper, six, strength, seed=2)
    figure, axes = plt.subplots(2, 3, figsize=(2.6, 1.8), layout="constrained")
    for ax, picture in zip(axes.flat, pictures, strict=True):
        ax.imshow(picture.permute(1, 2, 0).clamp(0, 1))
        ax.axis("off")
    return figure


interact(
    draw_strength,
    strength=(0.0, 1.5, 0.1),
    labels={"strength": t("strength of the adapter")},
    static=[{"strength": s} for s in (0.0, 0.5, 1.0, 1.5)],
    alt=t("Six rangoli between painted and Warli"),
)


# %% [markdown] lang="en" name="lora-text"
# ## 5 · Four other ways
#
# **LoRA** (Hu et al. 2021, [2106.09685](https://arxiv.org/abs/2106.09685)) stands *beside* a frozen map, not before it: $Wx + s\,BAx$, with $A$ and $B$ so thin that their product has rank 3. It has no bend and needs none: it changes the map $W$ itself, and the network around it has bends enough. That is why, after training, it can be added into $W$ and costs nothing more; a hypernetwork, with its bend, cannot.
# %% [markdown] lang="hi" of="6951c8c3"
# ## 5 · चार और तरीक़े
#
# **LoRA** (Hu et al. 2021, [2106.09685](https://arxiv.org/abs/2106.09685)) जमी हुई मैट्रिक्स से पहले नहीं, उसकी *बग़ल में* बैठता है: $Wx + s\,BAx$, जहाँ $A$ और $B$ इतने पतले हैं कि गुणनफल का रैंक बस 3 है। इसमें मोड़ नहीं है और चाहिए भी नहीं: यह $W$ को ही बदलता है, और मोड़ तो आसपास के नेटवर्क में काफ़ी हैं। इसीलिए ट्रेनिंग के बाद इसे $W$ में जोड़ सकते हैं और आगे कोई ख़र्च नहीं; मोड़ वाले हाइपरनेटवर्क के साथ यह नहीं हो सकता।
# %% name="lora" tags=["export"]
class LoRALinear(nn.Module):
    """W x + strength · B A x: a frozen linear map and a thin one beside it, of so small a rank.

    A is random and B zero at first, so B A begins as nothing. Hu et al. 2021, 2106.09685, with
    α = rank.
    """

    def __init__(self, linear: nn.Module, width: int, rank: int = 4) -> None:
        super().__init__()
        self.linear = linear
        self.down, self.up = nn.Linear(width, rank, bias=False), nn.Linear(rank, width, bias=False)
        nn.init.zeros_(self.up.weight)
        self.strength = 1.0

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.strength * self.up(self.down(x))


def attach_lora(
    model: FlowPrior,
    where: str = "cross+self",
    rank: int = 3,
    sides: Sequence[str] = ("key", "value"),
) -> Adapter:
    """Put a `LoRALinear` in place of projections ("query", "key", "value", "out"), in place."""
    model.requires_grad_(False)
    learned, dials = {}, []
    for name, attention in attentions(model, where):
        for side in sides:
            thin = LoRALinear(getattr(attention, f"to_{side}"), model.positions.shape[1], rank)
            thin.to(model.positions)
            setattr(attention, f"to_{side}", thin)
            learned[f"{name}-{side}.down"] = thin.down.weight
            learned[f"{name}-{side}.up"] = thin.up.weight
            dials.append(thin)
    return Adapter("lora", model, learned, dials, where=where, rank=rank, sides="+".join(sides))


# %% [markdown] lang="en" name="word-text"
# **Textual inversion** (Gal et al. 2022, [2208.01618](https://arxiv.org/abs/2208.01618), at Tel Aviv University *and* NVIDIA) changes nothing in the network. It adds a row to the table of words, a *pseudo-word* `S*`, and learns only that row; whoever writes `S*` into a prompt gets the thing, all other prompts stay as they are. In web interfaces it is called an "embedding", and the name that you give it is its trigger. In the paper it stands for an object, mimics a style, or lessens a bias of the base (a new word for "doctor" learnt from a few balanced pictures).
#
# One trap: an optimiser that holds the *whole* table and gets zero gradients for the old rows still changes them: AdamW's weight decay shrinks every row at every step. So make only the new row a parameter.
# %% [markdown] lang="hi" of="1e464917"
# **Textual inversion** (Gal et al. 2022, [2208.01618](https://arxiv.org/abs/2208.01618); Tel Aviv University *और* NVIDIA में) नेटवर्क में कुछ नहीं बदलता। वह शब्दों की तालिका में एक पंक्ति जोड़ता है, एक *गढ़ा हुआ शब्द* (pseudo-word) `S*`, और बस वही पंक्ति सीखता है; जो प्रॉम्प्ट में `S*` लिखे उसे वह चीज़ मिलेगी, बाक़ी सारे प्रॉम्प्ट जैसे थे वैसे रहेंगे। वेब इंटरफ़ेसों में इसे "embedding" कहते हैं, और आप जो नाम रखें वही उसका ट्रिगर है। पेपर में ऐसा शब्द किसी चीज़ का नाम बनता है, किसी शैली की नक़ल करता है, या बेस का कोई झुकाव कम करता है (जैसे कुछ संतुलित चित्रों से सीखा हुआ "डॉक्टर" का नया शब्द)।
#
# एक फंदा: ऑप्टिमाइज़र के हाथ में *पूरी* तालिका हो और पुरानी पंक्तियों का ग्रेडिएंट शून्य कर दें, तो भी वे बदलेंगी: AdamW का weight decay हर क़दम पर हर पंक्ति को ज़रा सिकोड़ता है। इसलिए पैरामीटर सिर्फ़ नई पंक्ति को बनाइए।
# %% name="pseudo-word" tags=["export"]
class PseudoWord(nn.Module):
    """An embedding with one more row. Only that row is a parameter of its own, so no optimiser,
    whatever its weight decay, can touch the others."""

    def __init__(self, embed: nn.Embedding, start: Tensor) -> None:
        super().__init__()
        self.embed, self.row = embed, nn.Parameter(start.clone()[None])

    def forward(self, tokens: Tensor) -> Tensor:
        return F.embedding(tokens, torch.cat([self.embed.weight, self.row]))


def add_pseudo_word(model: FlowPrior, word: str = "S*", like: Sequence[str] = ()) -> Adapter:
    """Textual inversion (Gal et al. 2022): the only thing to learn is the vector of a new word.

    It begins as the mean of the words `like`, or of all. Write it into prompts: "a red lotus S*".
    """
    model.requires_grad_(False)
    rows = [vocabulary().number(name) for name in like] or slice(NOTHING + 1, None)
    model.text.embed = PseudoWord(model.text.embed, model.text.embed.weight[rows].mean(0))
    return Adapter("word", model, {"row": model.text.embed.row}, word=word)


def unfreeze(model: FlowPrior) -> Adapter:
    """Full fine-tuning: all numbers of the model learn."""
    return Adapter("full", model, dict(model.named_parameters()))


# %% name="decay-trap" tags=["nbval-check-output"]
table = nn.Embedding.from_pretrained(artist.prior.text.embed.weight.cpu().clone(), freeze=False)
kept = table.weight.detach().clone()
optimizer = torch.optim.AdamW(table.parameters(), lr=2e-2)  # weight decay 0.01 is its default
for _ in range(5):
    table(torch.tensor([[len(vocabulary()) - 1]])).square().sum().backward()
    table.weight.grad[:-1] = 0  # "only the last row learns"
    optimizer.step()
    optimizer.zero_grad()
moved = (table.weight[:-1] != kept[:-1]).any(1)
print(t("old rows that moved although their gradient was zero:"), bool(moved.all()))
assert moved.all()


# %% [markdown] lang="en" name="five-text"
# **Full fine-tuning** frees every number. All five ways now get the same sixteen pictures and the same number of steps. The hypernetwork has just been trained; LoRA and full fine-tuning learn before your eyes, three cells below. The word and a small hypernetwork, in the cross-attention only, learnt beforehand and come as files; so the next cell says how an adapter is written and read.
#
# Each is then asked for new kinds, half in Hindi, half in English, and judged by the network that taught none. *Motif never shown* counts only paisley and diamond. *Spared* and *drift* look at ordinary prompts, without the new word: the share still drawn in the base's style, and how far the pictures moved from the base's.
# %% [markdown] lang="hi" of="0a251827"
# **पूरी फ़ाइन-ट्यूनिंग** हर संख्या को खुला छोड़ देती है। अब पाँचों तरीक़ों को वही सोलह चित्र और उतने ही क़दम मिलते हैं। हाइपरनेटवर्क अभी-अभी सीखा है; LoRA और पूरी फ़ाइन-ट्यूनिंग तीन सेल नीचे आपके सामने सीखते हैं। शब्द, और सिर्फ़ क्रॉस-ध्यान वाला छोटा हाइपरनेटवर्क, पहले ही सीख चुके हैं और फ़ाइलों से आते हैं; इसलिए अगला सेल बताता है कि अडैप्टर लिखा और पढ़ा कैसे जाता है।
#
# फिर हर तरीक़े से नए-नए चित्र माँगे जाते हैं, आधे हिंदी में, आधे अंग्रेज़ी में, और फ़ैसला वह नेटवर्क करता है जिसने किसी को नहीं सिखाया। *अनदेखी आकृति* में बस केरी और हीरा गिने जाते हैं। *बचे* और *भटकाव* (drift) साधारण प्रॉम्प्ट पर नापे जाते हैं, जिनमें नया शब्द नहीं होता: कितने अब भी बेस की शैली में बने, और चित्र बेस वालों से कितने हटे।
# %% name="adapter-files" tags=["export"]
def save_adapter(adapter: Adapter, path: str | Path, **notes: object) -> int:
    """Write what was learnt in half precision, whole or not at all; the file's size in bytes.

    notes: what else to write beside, such as whose pictures it learnt from.
    """
    path = Path(path)
    notes = {name: str(value) for name, value in (notes | adapter.settings).items()}
    notes |= {"made-for": FORMAT, "kind": adapter.kind, "base": adapter.base}
    numbers = {name: p.detach().half().cpu().contiguous() for name, p in adapter.learned.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    save_file(numbers, unfinished, notes)
    unfinished.replace(path)
    return path.stat().st_size


def load_adapter(path: str | Path, model: FlowPrior) -> Adapter:
    """Put the adapter of a file into a model, in place. It goes before those that are in already.

    FileNotFoundError, or a ValueError that says what the file is and what was expected.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(t("There is no file {path}.", path=path))
    try:
        with safe_open(path, "pt") as file:
            notes = file.metadata() or {}
            numbers = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(
            t("{path} is no safetensors file, or not a whole one.", path=path.name)
        ) from error
    if notes.get("made-for") != FORMAT:
        raise ValueError(
            t(
                "{path} is no adapter of this course: it holds {names} …; an adapter is made by "
                "save_adapter.",
                path=path.name,
                names=", ".join(sorted(numbers)[:2]),
            )
        )
    kind, make = notes["kind"], MAKERS.get(notes["kind"])
    if make is None:
        raise ValueError(
            t(
                "{path} holds an adapter of the kind {kind}; known are {kinds}.",
                path=path.name,
                kind=repr(kind),
                kinds=", ".join(MAKERS),
            )
        )
    if notes["base"] != fingerprint(model):
        raise ValueError(t("{path} was made for another base model than this one.", path=path.name))
    adapter = make(model, notes)
    wrong = [
        name
        for name in sorted({*numbers, *adapter.learned})
        if name not in numbers
        or name not in adapter.learned
        or numbers[name].shape != adapter.learned[name].shape
    ]
    if wrong:
        raise ValueError(
            t("{path} does not fit its own notes: {name}.", path=path.name, name=wrong[0])
        )
    with torch.no_grad():
        for name, number in adapter.learned.items():
            number.copy_(numbers[name])
    model.requires_grad_(False)
    adapter.notes = notes
    return adapter


def load_shipped_adapter(name: str, model: FlowPrior) -> Adapter:
    """One of the adapters that came with the course, see `SHIPPED`, put into a model, in place."""
    if name not in SHIPPED:
        raise ValueError(
            t("name is one of {names}, not {given}", names=", ".join(SHIPPED), given=repr(name))
        )
    return load_adapter(
        Path(common.__file__).parent / "weights" / f"adapter-{name}.safetensors", model
    )


SHIPPED = ("warli", "neon", "mosaic", "warli-word", "warli-cross")
FORMAT = "srijan text2rangoli adapter 1"
MAKERS: dict[str, Callable[[FlowPrior, dict[str, str]], Adapter]] = {
    "hypernetwork": lambda model, notes: attach_hypernetwork(
        model, notes["where"], float(notes["times"])
    ),
    "lora": lambda model, notes: attach_lora(
        model, notes["where"], int(notes["rank"]), notes["sides"].split("+")
    ),
    "word": lambda model, notes: add_pseudo_word(model, notes["word"]),
    "full": lambda model, notes: unfreeze(model),
}


# %% name="report" tags=["export"]
def adapter_report(
    artist: TextToRangoli,
    adapter: Adapter,
    judge: Judge,
    style: str,
    plain: Tensor | None = None,
    count: int = 160,
    seed: int = 5,
) -> tuple[dict[str, float], Tensor]:
    """What an adapter does to prompts that it was not trained on, half Hindi, half English.

    plain: what the base draws for `new_prompts(n)` from the same noise (the same seed), if it is
    known already; else count pictures are drawn.
    Returns the pictures too, and these shares: those of `read_style`, for prompts that ask for the
    style (with the pseudo-word, if there is one); numbers: how many were trained; drift: how far
    the pictures of *ordinary* prompts moved (RMS); spared: the share of these that are still drawn
    the base's way.
    """
    count = count if plain is None else len(plain)
    asked, wanted = new_prompts(count, adapter.word)
    ordinary, _ = new_prompts(count)
    if plain is None:
        plain = artist.draw(ordinary, seed=seed)
    drawn = draw_adapted(artist, adapter, asked, seed=seed)
    usual = draw_adapted(artist, adapter, ordinary, seed=seed) if adapter.word else drawn
    spared = judge.read(usual)["style"].argmax(1).cpu() == JUDGED.index("base")
    found = read_style(judge, drawn, wanted, style) | {
        "numbers": adapter.numbers,
        "drift": (usual - plain).square().mean().sqrt().item(),
        "spared": spared.float().mean().item(),
    }
    return found, drawn


# %% name="five-ways"
COUNT = 64  # prompts for each way, half of them Hindi
WORD, LORA, FULL = t("textual inversion"), t("LoRA, rank 3"), t("full fine-tuning")
CROSS, BOTH = t("hypernetwork, cross"), t("hypernetwork, cross + self")
adapters = {
    WORD: load_shipped_adapter("warli-word", copy.deepcopy(artist.prior)),
    CROSS: load_shipped_adapter("warli-cross", copy.deepcopy(artist.prior)),
    BOTH: hyper,
}
seconds = {name: float(adapters[name].notes["seconds"]) for name in (WORD, CROSS)}
seconds[BOTH] = spent
for name, make in ((LORA, attach_lora), (FULL, unfreeze)):
    torch.manual_seed(0)
    adapters[name] = make(copy.deepcopy(artist.prior))
    began = process_time()
    train_adapter(adapters[name], latents, told, STEPS)
    seconds[name] = process_time() - began
ordinary, wanted = new_prompts(COUNT)
plain = artist.draw(ordinary, seed=5)  # the base, from the same noise
assert all(int(adapters[name].notes["steps"]) == STEPS for name in (WORD, CROSS))
whole, rows, drawn = sum(p.numel() for p in artist.prior.parameters()), [], {}
with tempfile.TemporaryDirectory() as place:
    for name in (WORD, LORA, CROSS, BOTH, FULL):
        adapter = adapters[name]
        found, drawn[name] = adapter_report(artist, adapter, judge, "warli", plain)
        size = save_adapter(adapter, Path(place) / "adapter.safetensors")
        rows.append(
            [
                name,
                adapter.numbers,
                adapter.numbers / whole,
                round(size / 1000, 1),
                seconds[name],
                *(found[key] for key in ("style", "motif", "new motif", "spared", "drift")),
            ]
        )
plots.table(
    rows,
    columns=[
        t("method"),
        t("numbers"),
        t("of the base"),
        t("file, kB"),
        t("seconds"),
        t("style adopted"),
        t("motif kept"),
        t("motif never shown"),
        t("ordinary prompts spared"),
        t("drift (RMS)"),
    ],
    caption=t("Five ways, the same sixteen pictures, {n} steps each", n=STEPS),
)
plots.show_images(
    torch.cat([x[:8] for x in (plain, *drawn.values())]),
    columns=8,
    zoom=2,
    colours=128,
    alt=t("Rows: the base; then the five ways. The pseudo-word alone draws no Warli"),
)
by = {row[0]: row for row in rows}
assert by[WORD][5] < 0.3 < min(by[way][5] for way in (LORA, BOTH, FULL))  # who adopts the style
assert by[WORD][9] == 0 and by[WORD][8] > 0.8 and by[BOTH][9] > 0.1  # who leaves the rest alone
assert by[LORA][2] < 0.01
obeyed = read_style(judge, plain, wanted, "warli")["motif"]  # by the base
assert max(by[way][6] for way in (LORA, CROSS, BOTH, FULL)) < obeyed  # the motif pays
measured.append([t("style adopted: hypernetwork | word"), by[BOTH][5], by[WORD][5], WORD])
measured.append([t("style adopted: LoRA | full"), by[LORA][5], by[FULL][5], FULL])
measured.append([t("ordinary prompts spared: word | hypernetwork"), by[WORD][8], by[BOTH][8], BOTH])

# %% [markdown] lang="en" name="five-read"
# Seconds are CPU seconds; those of textual inversion and of the small hypernetwork were taken when their files were made (`course.py train adapters`: the same pictures, the same steps), the other three in this notebook. Read the columns against each other:
#
# - A **word** is the smallest and the safest, and cannot carry the style. Its row in the picture shows what it can do: ask the frozen network for paler colours. White outlines it cannot ask for.
# - **LoRA** takes on most of the style with less than a hundredth of the base's numbers, but misses the most motifs.
# - The **hypernetwork** of the cross-attention alone is level with the twice as large one here: at this price the words are enough of a lever.
# - **Nobody gets the style for nothing.** In section 1 the base drew the motifs rightly; all four that learnt the style now miss many of them, full fine-tuning too. A likely reason: the fine lines are new to the network, and sixteen pictures show few of them. In the picture, too, their rows are white strokes on brown, still broken; the judge only says which of four styles is nearest.
# - The **motifs never shown** are only twelve pictures here, so read that column loosely. But guessing among eight motifs would hit one or two of the twelve, and these four hit most of them. (A motif counts here in any style; the next table also counts those that are Warli, too.)
# - And all four **drift**: ordinary prompts are Warli now, too. (Only the word has prompts of its own. For the other four, the prompts that ask for the style *are* the ordinary ones: so *style adopted* and *spared* add up to about 1.)
# %% [markdown] lang="hi" of="7e7ee66a"
# सेकंड CPU के सेकंड हैं; textual inversion और छोटे हाइपरनेटवर्क के सेकंड उनकी फ़ाइलें बनाते समय लिए गए (`course.py train adapters`: वही चित्र, उतने ही क़दम), बाक़ी तीन के इसी नोटबुक में। कॉलमों को एक-दूसरे के सामने रखकर पढ़िए:
#
# - **शब्द** सबसे छोटा और सबसे सुरक्षित है, और शैली नहीं ढो पाता। चित्र में उसकी क़तार बताती है कि वह क्या कर सकता है: जमे हुए नेटवर्क से फीके रंग माँग सकता है। सफ़ेद रूपरेखाएँ वह नहीं माँग पाता।
# - **LoRA** बेस की संख्याओं के सौवें हिस्से से भी कम में शैली का बड़ा हिस्सा अपना लेता है, पर आकृतियाँ सबसे ज़्यादा चूकता है।
# - सिर्फ़ क्रॉस-ध्यान वाला **हाइपरनेटवर्क** यहाँ दुगने बड़े वाले के बराबर है: इस क़ीमत पर शब्दों की राह ही काफ़ी है।
# - **शैली मुफ़्त किसी को नहीं मिलती।** सेक्शन 1 में बेस आकृतियाँ सही बनाता था; शैली सीखने वाले चारों अब कई चूक जाते हैं, पूरी फ़ाइन-ट्यूनिंग भी। वजह शायद यह है: बारीक रेखाएँ नेटवर्क के लिए नई हैं, और सोलह चित्रों में वे थोड़ी ही दिखती हैं। चित्र में भी उनकी क़तारों में भूरे पर सफ़ेद रेखाएँ अभी टूटी-टूटी हैं; जज तो बस इतना कहता है कि चार शैलियों में सबसे पास कौन-सी है।
# - **अनदेखी आकृतियों** के यहाँ बस बारह चित्र हैं, इसलिए वह कॉलम मोटे तौर पर पढ़िए। पर आठ आकृतियों में से तुक्का लगाएँ तो बारह में एक-दो ही सही निकलें, और ये चारों ज़्यादातर सही बनाते हैं। (यहाँ आकृति गिनी जाती है, शैली चाहे जो हो; अगली तालिका उन्हें भी गिनती है जो वारली भी हैं।)
# - और चारों **भटकते** भी हैं: अब साधारण प्रॉम्प्ट से भी वारली ही बनती है। (अपने अलग प्रॉम्प्ट बस शब्द के हैं। बाक़ी चारों से शैली *साधारण* प्रॉम्प्ट से ही माँगी जाती है: इसलिए *शैली अपनाई* और *बचे* का जोड़ लगभग 1 है।)

# %% [markdown] lang="en" name="longer-text"
# **More steps, less strength.** The table compares ways at a price that a notebook can pay. The adapter that came with the course is the same hypernetwork, taught longer with the same sixteen pictures. And the strength is a knob: what if it is turned down a little from what it was trained at? Both, on twice as many prompts as above.
# %% [markdown] lang="hi" of="08f04052"
# **क़दम ज़्यादा, मात्रा कम।** तालिका तरीक़ों की तुलना उस क़ीमत पर करती है जो एक नोटबुक चुका सके। कोर्स के साथ आया अडैप्टर वही हाइपरनेटवर्क है, उन्हीं सोलह चित्रों पर ज़्यादा देर सिखाया हुआ। और मात्रा तो एक घुंडी है: ट्रेनिंग वाली मात्रा से ज़रा घटा दें तो? दोनों बातें, ऊपर से दुगने प्रॉम्प्ट पर।
# %% name="longer"
shipped = load_shipped_adapter("warli", copy.deepcopy(artist.prior))
many, on_many = new_prompts(2 * COUNT)
longer = {}
for name, adapter, strength in (
    (t("{n} steps", n=STEPS), hyper, 1.0),
    (t("{n} steps", n=int(shipped.notes["steps"])), shipped, 1.0),
    (t("the same, strength 0.9"), shipped, 0.9),
):
    pictures = draw_adapted(artist, adapter, many, strength, seed=5)
    longer[name] = read_style(judge, pictures, on_many, "warli")
plots.table(
    [
        [name, *(found[key] for key in ("style", "motif", "both", "new motif", "new both"))]
        for name, found in longer.items()
    ],
    columns=[
        BOTH,
        t("style adopted"),
        t("motif kept"),
        t("both"),
        t("motif never shown"),
        t("of these, both"),
    ],
    caption=t("The same sixteen pictures; {n} prompts", n=2 * COUNT),
)
few_steps, long, milder = longer.values()
print(
    t(
        "{n} steps, style adopted: {hi:.2f} of the Hindi prompts, {en:.2f} of the English ones",
        n=int(shipped.notes["steps"]),
        hi=long["hi"],
        en=long["en"],
    )
)
measured.append([t("style adopted by Hindi prompts"), long["hi"], long["en"], t("by English ones")])
assert min(long["hi"], long["en"]) > 0.8
measured.append(
    [t("motif kept, longer and milder"), milder["motif"], few_steps["motif"], t("the live one")]
)
assert milder["style"] > 0.8 and milder["motif"] > few_steps["motif"] - 0.05

# %% [markdown] lang="en" name="when-text"
# **Or let it speak later.** The words decide most early, while the picture is nearly all noise ([3.3](../../03-vqgan/notebooks/3-words-to-pictures.en.ipynb) measured that); perhaps the motif is settled then, and what comes later is how it is painted. So keep the adapter silent at first (strength 0: there the base draws, which knows its motifs), and let it speak from a time on, at full strength. The time runs from 0 (noise) to 1 (picture). Nothing is trained anew. The control is the row in which it speaks from the beginning.
# %% [markdown] lang="hi" of="3a1ba4ed"
# **या उसे देर से बोलने दें।** शब्द सबसे ज़्यादा फ़ैसला शुरू में ही करते हैं, जब चित्र लगभग पूरा शोर होता है ([3.3](../../03-vqgan/notebooks/3-words-to-pictures.hi.ipynb) में हमने यह नापा था); शायद आकृति तभी तय हो जाती है, और बाद में बस यह कि वह किस ढंग से बने। तो शुरू में अडैप्टर को चुप रखिए (मात्रा 0: तब तक बेस बनाता है, जिसे अपनी आकृतियाँ अच्छी तरह आती हैं), और एक समय के बाद ही उसे पूरी मात्रा पर बोलने दीजिए। समय 0 (शोर) से 1 (चित्र) तक चलता है। नए सिरे से कुछ नहीं सिखाना पड़ता। कंट्रोल वह पंक्ति है जिसमें वह शुरू से बोलता है।
# %% name="when"
later = {0.0: long}
for since in (0.1, 0.2):
    late = draw_adapted(artist, shipped, many, seed=5, since=since)
    later[since] = read_style(judge, late, on_many, "warli")
plots.table(
    [
        [since, *(found[key] for key in ("style", "motif", "both", "new motif", "new both"))]
        for since, found in later.items()
    ],
    columns=[
        t("it speaks from time"),
        t("style adopted"),
        t("motif kept"),
        t("both"),
        t("motif never shown"),
        t("of these, both"),
    ],
    caption=t("Silent at first: more of the motifs never shown, less style"),
)
measured.append(
    [
        t("motif never shown, speaking from 0.2"),
        later[0.2]["new motif"],
        long["new motif"],
        t("from the beginning"),
    ]
)
assert later[0.2]["new motif"] > long["new motif"] + 0.1

# %% [markdown] lang="en" name="when-read"
# Read the two tables together:
#
# - **More steps** bring more style, but fewer of the motifs never shown (31 of the 128 prompts ask for these). The adapter learns not only lines but also the *shapes* of its sixteen, it seems, and leads a paisley towards them.
# - **Less strength** and **later** are trades, and nearly even ones: about as many pictures lose the style as win their motif back. Turned down a tenth, the adapter keeps more motifs of both kinds. Kept silent up to time 0.2, it keeps more motifs too, but the gain is nearly all in paisley and diamond: while it is silent, the base lays the paisley down. The price is style, for less time is left to change it.
#
# *Motif* counts a motif even if it is still painted; *both* only if it is Warli, too. There the knobs change little on the whole, and help the motifs never shown: so the style does reach these. Which setting is right for you? That depends on what you want to draw; the knobs cost nothing to try.
# %% [markdown] lang="hi" of="ed4b6123"
# दोनों तालिकाएँ साथ पढ़िए:
#
# - **क़दम ज़्यादा** हों तो शैली ज़्यादा आती है, पर अनदेखी आकृतियाँ कम बचती हैं (128 में से 31 प्रॉम्प्ट इन्हें माँगते हैं)। लगता है कि अडैप्टर सिर्फ़ रेखाएँ नहीं, अपने सोलह चित्रों की *आकृतियाँ* भी सीख लेता है, और केरी को उन्हीं की ओर खींचता है।
# - **मात्रा कम** करना और **देर से** बोलने देना सौदे हैं, और लगभग बराबरी के: जितने चित्रों में आकृति लौटती है, क़रीब उतनों में शैली चली जाती है। मात्रा दसवाँ हिस्सा घटाने पर अडैप्टर दोनों तरह की आकृतियाँ ज़्यादा बचाता है। समय 0.2 तक चुप रखने पर जो फ़ायदा होता है, वह लगभग सारा केरी और हीरे का है: वह चुप रहे, तो बेस केरी का ढाँचा रख देता है। क़ीमत शैली से चुकती है, क्योंकि उसे बदलने का समय कम बचता है।
#
# *आकृति* वाले कॉलम में वह भी गिनी जाती है जो अब भी रंगी हुई है; *दोनों* में बस वही जो वारली भी है। वहाँ इन घुंडियों से कुल मिलाकर फ़र्क़ कम पड़ता है, और भला अनदेखी आकृतियों का होता है: यानी शैली उन तक भी पहुँचती है। आपके लिए कौन-सी जगह ठीक है? यह इस पर है कि आपको बनाना क्या है; घुंडियाँ घुमाकर देखने में कुछ नहीं जाता।

# %% [markdown] lang="en" name="drift-text"
# ## 6 · "It skews everything"
#
# > **You may have read** that a hypernetwork "skews *all* results towards its training data". That one is true, and the table of section 5 says by how much. *Spared* is the share of **ordinary** prompts (no word of them asks for Warli) that are still drawn the base's way, and *drift* by how much their pictures changed. Nothing tells an ordinary prompt from another one here: the captions had no trigger, and the adapter stands in every attention, whatever is asked. It even skews the empty prompt.
#
# Only the pseudo-word is polite: who does not write it gets the base, bit for bit.
# %% [markdown] lang="hi" of="6ac7b782"
# ## 6 · "वह सब कुछ टेढ़ा कर देता है"
#
# > **आपने पढ़ा होगा** कि हाइपरनेटवर्क "*सारे* नतीजों को अपने ट्रेनिंग-डेटा की ओर झुका देता है"। यह बात सही है, और कितनी, यह सेक्शन 5 की तालिका बताती है। *बचे* का मतलब है **साधारण** प्रॉम्प्ट का वह हिस्सा (जिनके किसी शब्द ने वारली नहीं माँगी) जो अब भी बेस के ढंग से बनता है, और *भटकाव* यह कि उनके चित्र कितने बदल गए। साधारण प्रॉम्प्ट को किसी और से अलग पहचानने का यहाँ कोई ज़रिया ही नहीं: कैप्शनों में कोई ट्रिगर नहीं था, और अडैप्टर हर ध्यान में बैठा है, माँगा चाहे जो जाए। ख़ाली प्रॉम्प्ट भी नहीं बचता।
#
# लिहाज़ बस गढ़ा हुआ शब्द करता है: जो उसे न लिखे, उसे बेस ही मिलता है, बिट-बिट।
# %% name="drift"
few, _ = new_prompts(12)
noise = torch.randn(12, *artist.prior.shape, generator=torch.Generator().manual_seed(6))
silent = [""] * 12
word = adapters[WORD]
same_word = torch.equal(draw_adapted(artist, word, few, noise=noise), artist.draw(few, noise=noise))
unasked = draw_adapted(artist, hyper, silent, noise=noise)
before = judge.read(artist.draw(silent, noise=noise))["style"].argmax(1) == 0
after = judge.read(unasked)["style"].argmax(1) == 0
print(t("ordinary prompts with the pseudo-word's model, bit for bit the base's:"), same_word)
print(
    t(
        "empty prompts drawn the base's way: {a} of 12 before, {b} of 12 with the hypernetwork",
        a=int(before.sum()),
        b=int(after.sum()),
    )
)
assert same_word and after.sum() < 0.6 * before.sum()


# %% [markdown] lang="en" name="resemble-text"
# Does every output then *resemble the training pictures*? In style, yes, that is what it was for. As copies? For each picture drawn, take the nearest of the sixteen (in pixels, also mirrored and moved); and for comparison the nearest to *new* Warli of the same kinds, which surely copies nothing. A copy would lie much nearer than new Warli does.
# %% [markdown] lang="hi" of="9aeb74f3"
# तो क्या हर नतीजा *ट्रेनिंग वाले चित्रों जैसा* हो जाता है? शैली में हाँ, काम ही यही था। पर क्या वे हूबहू नक़ल हैं? हर बने चित्र के लिए सोलह में से सबसे पास वाला लीजिए (पिक्सल में, पलटा और खिसका हुआ भी); और तुलना के लिए उन्हीं क़िस्मों की *नई* वारली का सबसे पास वाला, जो पक्का किसी की नक़ल नहीं। नक़ल होती तो नई वारली से कहीं ज़्यादा पास निकलती।
# %% name="resemble"
def nearest(pictures: Tensor, others: Tensor) -> Tensor:
    """RMS difference from each picture to the nearest of the others."""
    return torch.cdist(pictures.flatten(1), others.flatten(1)).amin(1) / 3072**0.5


known = torch.isin(wanted.motif, torch.tensor(SHOWN))
library = to_float(augmented(sixteen, 48))
genuine = to_float(render(wanted, generator=torch.Generator().manual_seed(9), style=warli))
distances = {
    t("drawn by the hypernetwork"): nearest(drawn[BOTH][known], library),
    t("new Warli, drawn by code"): nearest(genuine[known], library),
}
plots.table(
    [[name, d.mean().item(), d.amin().item()] for name, d in distances.items()],
    columns=[t("pictures"), t("mean distance to the nearest"), t("least")],
    caption=t("How near to one of the sixteen?"),
)
near_drawn, near_new = (d.mean().item() for d in distances.values())
measured.append([t("distance to the nearest of the sixteen"), near_drawn, near_new, t("new Warli")])
assert near_drawn > 0.5 * near_new

# %% [markdown] lang="en" name="memory-text"
# They are no nearer than new Warli is, on the average nor at the least: no copies. (Part of the distance is their broken strokes, which are far from every clean picture.)
#
# > **You may have read** that such a network has "memory of the images it generated", that it "retains" them and so "learns faster". At inference every weight is frozen. The test: draw one picture, draw others, draw the first again; and compare all weights.
# %% [markdown] lang="hi" of="785f2331"
# वे नई वारली से ज़्यादा पास नहीं हैं, न औसत में, न सबसे कम दूरी में: यानी नक़ल नहीं। (दूरी का कुछ हिस्सा उनकी टूटी-टूटी रेखाओं का है, जो हर साफ़ चित्र से दूर पड़ती हैं।)
#
# > **आपने पढ़ा होगा** कि ऐसे नेटवर्क को "अपने बनाए चित्र याद रहते हैं" और इसलिए वह "जल्दी सीखता है"। चित्र बनाते समय हर भार जमा रहता है। जाँच: एक चित्र बनाइए, फिर कई और, फिर पहला दोबारा; और सारे भार मिलाइए।
# %% name="no-memory" tags=["nbval-check-output"]
weights = [p.clone() for p in hyper.model.parameters()]
first = draw_adapted(artist, hyper, few[:1], seed=7)
draw_adapted(artist, hyper, few[1:], seed=8)
again = draw_adapted(artist, hyper, few[:1], seed=7)
print(t("the same picture after eleven others:"), torch.equal(first, again))
same = all(torch.equal(a, b) for a, b in zip(weights, hyper.model.parameters(), strict=True))
print(t("all weights as before:"), same)
assert torch.equal(first, again) and same

# %% [markdown] lang="en" name="portrait-text"
# ## 7 · A word or a network for a *thing*?
#
# > **You may have read** "embeddings are easier than a hypernetwork for self-portraits". Put it to the test, both on the same pictures. Our "portrait" is a thing that the base *can* draw, a pink diya; but we keep its name to ourselves, as if it had none. Eight pictures of it, captioned by their ground only; once a pseudo-word learns them, once a hypernetwork.
# %% [markdown] lang="hi" of="02a3ddef"
# ## 7 · किसी *चीज़* के लिए शब्द या नेटवर्क?
#
# > **आपने पढ़ा होगा** कि "अपनी तस्वीर के लिए embedding हाइपरनेटवर्क से आसान है"। दोनों को एक ही चित्रों पर परखते हैं। हमारी "तस्वीर" ऐसी चीज़ है जिसे बेस बना *सकता* है, एक गुलाबी दीया; पर उसका नाम हम नहीं बताते, मानो उसका कोई नाम ही न हो। उसके आठ चित्र, कैप्शन में बस पृष्ठभूमि; एक बार उन्हें गढ़ा हुआ शब्द सीखता है, एक बार हाइपरनेटवर्क।
# %% name="portrait"
PORTRAIT_STEPS = 120
me = Factors.unstack(torch.tensor([[7, 6, g, s] for g in (0, 1) for s in (0, 1, 2, 0)]))
portraits = render(me, generator=torch.Generator().manual_seed(12))
grounds = [
    [f"on a {g} background", f"{h} पृष्ठभूमि पर"]
    for g, h in (("black", "काली"), ("blue", "नीली"))
    for _ in range(4)
]
new_grounds = [f"{h} पृष्ठभूमि पर" for h in ("भूरी", "स्लेटी")] * 12  # none of them was in a picture
ordinary, usual = new_prompts(24)
rows = []
for name, make in ((WORD, add_pseudo_word), (BOTH, attach_hypernetwork)):
    torch.manual_seed(0)
    learner = make(copy.deepcopy(artist.prior))
    mark = f" {learner.word}" if learner.word else ""
    z, told = lesson_of(
        artist, learner, portraits, [[text + mark for text in pair] for pair in grounds], times=4
    )
    train_adapter(learner, z, told, PORTRAIT_STEPS)
    read = judge.read(draw_adapted(artist, learner, [g + mark for g in new_grounds], seed=3))
    mine = (read["motif"].argmax(1).cpu() == 7) & (read["colour"].argmax(1).cpu() == 6)
    put = read["ground"].argmax(1).cpu() == torch.tensor([2, 3] * 12)
    left = (
        judge.read(draw_adapted(artist, learner, ordinary, seed=3))["motif"].argmax(1).cpu()
        == usual.motif
    )
    rows.append([name, learner.numbers, *(x.float().mean().item() for x in (mine, put, left))])
plots.table(
    rows,
    columns=[
        t("method"),
        t("numbers that learn"),
        t("it is a pink diya"),
        t("on the new ground"),
        t("ordinary prompts right"),
    ],
    caption=t("The same eight pictures of one thing, the same steps"),
)
by_word, by_network = rows
assert by_word[4] > by_network[4] and min(by_word[3], by_network[3]) > 0.8
measured.append(
    [t("ordinary prompts right, word for a thing"), by_word[4], by_network[4], t("hypernetwork")]
)

# %% [markdown] lang="en" name="portrait-read"
# In so few steps neither learns the thing well: with either, fewer than half of the pictures are a pink diya. The ground is as asked for every time, though no picture showed these two. So far no difference; that is in the last column: the word leaves ordinary prompts alone, the network has turned many of them. So for a thing *inside* the base's world the saying holds; not because a word learns better, but because it disturbs nothing, with less than a thousandth of the numbers. For a style *outside* it, section 5 showed the opposite: a word can only choose among what the model can already draw, a network can change what it draws.
# %% [markdown] lang="hi" of="652d64cc"
# इतने कम क़दमों में दोनों ही उस चीज़ को ठीक से नहीं सीख पाते: दोनों के आधे से कम चित्र गुलाबी दीया हैं। पृष्ठभूमि हर बार वही है जो माँगी गई, जबकि ये दोनों पृष्ठभूमियाँ किसी चित्र में नहीं थीं। यहाँ तक कोई फ़र्क़ नहीं; फ़र्क़ आख़िरी कॉलम में है: शब्द साधारण प्रॉम्प्ट को छेड़ता नहीं, नेटवर्क ने उनमें से कई पलट दिए। यानी जो चीज़ बेस की दुनिया के *अंदर* है, उसके लिए वह बात ठीक है; इसलिए नहीं कि शब्द बेहतर सीखता है, बल्कि इसलिए कि वह कुछ बिगाड़ता नहीं, और संख्याएँ हज़ारवें हिस्से से भी कम लगती हैं। जो शैली उसके *बाहर* है, उसके लिए सेक्शन 5 में उलटा दिखा: शब्द बस उसी में से चुन सकता है जो मॉडल पहले से बना सकता है; नेटवर्क यह बदल सकता है कि मॉडल बनाता क्या है।

# %% [markdown] lang="en" name="mix-text"
# ## 8 · Files, and two adapters at once
#
# An adapter is a small file beside a large model: send it, load it, turn it up and down. Those of three whole styles came with this course (the first picture shows them). Two in one model add their changes one after the other; each has its own strength. In the picture neon goes down from 1 to 0, row by row, and mosaic up. And a file that is no adapter is refused: the last line says why.
# %% [markdown] lang="hi" of="1ba6914b"
# ## 8 · फ़ाइलें, और एक साथ दो अडैप्टर
#
# अडैप्टर बड़े मॉडल के साथ चलने वाली एक छोटी फ़ाइल है: भेजिए, जोड़िए, घटाइए-बढ़ाइए। तीन पूरी शैलियों के अडैप्टर इस कोर्स के साथ आए हैं (सबसे पहले चित्र में वही हैं)। एक ही मॉडल में दो हों तो उनके बदलाव एक के बाद एक जुड़ते हैं; हर एक की अपनी मात्रा है। चित्र में क़तार-दर-क़तार नियॉन 1 से 0 तक घटता है और मोज़ेक बढ़ता है। और जो फ़ाइल अडैप्टर न हो, वह नहीं ली जाती: आख़िरी पंक्ति वजह बताती है।
# %% name="mix"
both = copy.deepcopy(artist.prior)
first, second = (load_shipped_adapter(style, both) for style in ("neon", "mosaic"))
rows, seen_as = [], []
for neon_share in (1.0, 0.75, 0.5, 0.25, 0.0):
    first.strength, second.strength = neon_share, 1 - neon_share
    rows.append(draw_adapted(artist, first, six, seed=2))
    read = judge.read(rows[-1])["style"].mean(0)
    shares = (read[JUDGED.index(style)].item() for style in ("neon", "mosaic"))
    seen_as.append([neon_share, 1 - neon_share, *shares])
plots.show_images(
    torch.cat(rows),
    columns=6,
    zoom=3,
    colours=128,
    alt=t("Five rows of the same six rangoli, from neon light to mosaic tiles"),
)
plots.table(
    seen_as,
    columns=[t("neon's strength"), t("mosaic's"), t("looks like neon"), t("like mosaic")],
    caption=t("Two adapters in one model; how sure the judge is of each style"),
)
assert seen_as[0][2] > seen_as[-1][2] and seen_as[-1][3] > seen_as[0][3]
first.strength = second.strength = 0.0
assert torch.equal(draw_adapted(artist, first, six, seed=2), artist.draw(six, seed=2))
with tempfile.TemporaryDirectory() as place:
    size = save_adapter(hyper, Path(place) / "mine.safetensors")
    back = load_adapter(Path(place) / "mine.safetensors", copy.deepcopy(artist.prior))
    print(t("a file of {kb:.0f} kB; loaded again: {kind}", kb=size / 1000, kind=back.kind))
    try:  # the weights of something else
        load_adapter(
            Path(common.__file__).parent / "weights" / "feature-net.safetensors",
            copy.deepcopy(artist.prior),
        )
    except ValueError as error:
        print(error)

# %% [markdown] lang="en" name="ethics-text"
# ## 9 · Whose style is it?
#
# Sixteen pictures and under a minute: so anyone can copy a living artist's hand, or a person's face. The tool does not ask; you must.
#
# - **Consent.** Warli is the art of a living Adivasi community, protected in India as a geographical indication since 2014. The pictures here are drawn by code from circles and lines, they copy no painter's work. If you train on someone's pictures, ask them, name them, and share what you earn.
# - **Likeness.** A face is not a style. Generated pictures of a real person without their consent are deepfakes; obscene ones can be punished in India (IT Act, section 67) and in many other countries.
# - **Small sets remember.** Sixteen pictures seen hundreds of times may come back nearly whole (measure it, as in section 6, before you publish an adapter).
# - **Say so.** Name the base, the pictures and the method in the file's notes; label the pictures as generated.
#
# **Discuss (10 minutes, in pairs).** A textile shop trains an adapter on 16 photographs of a Warli painter's works that it bought. It sells printed cloth. (1) What has the painter lost, what the shop gained? (2) What would change if the pictures were 200 years old? If the painter were paid for each metre? (3) Write three sentences that the shop should have sent before training. One of you argues for the shop, one for the painter; then change sides.
# %% [markdown] lang="hi" of="5bec94df"
# ## 9 · शैली किसकी है?
#
# सोलह चित्र, मिनट भर से कम: यानी कोई भी किसी जीवित कलाकार के अंदाज़ की, या किसी के चेहरे की, नक़ल कर सकता है। औज़ार नहीं पूछता; पूछना आपको है।
#
# - **सहमति।** वारली एक जीवित आदिवासी समुदाय की कला है, और भारत में 2014 से भौगोलिक संकेत (GI) के रूप में संरक्षित है। यहाँ के चित्र कोड ने गोलों और रेखाओं से बनाए हैं, किसी चित्रकार की कृति की नक़ल नहीं हैं। किसी के चित्रों पर सिखाएँ, तो उनसे पूछिए, उनका नाम दीजिए, और कमाई में हिस्सा भी।
# - **चेहरा।** चेहरा शैली नहीं है। बिना सहमति के बनाई किसी की तस्वीर डीपफ़ेक है; अश्लील हो तो भारत में (IT Act, धारा 67) और बहुत-से देशों में सज़ा हो सकती है।
# - **छोटे सेट याद रह जाते हैं।** सोलह चित्र सैकड़ों बार देखे जाएँ, तो वे लगभग पूरे-के-पूरे लौट सकते हैं (अडैप्टर बाँटने से पहले नापिए, जैसे सेक्शन 6 में)।
# - **बताइए।** फ़ाइल में लिखिए कि बेस कौन-सा है, चित्र किसके हैं और तरीक़ा क्या था; बने हुए चित्रों पर लिखिए कि मशीन ने बनाए हैं।
#
# **चर्चा (10 मिनट, जोड़ी में)।** कपड़ों की एक दुकान ने एक वारली चित्रकार की 16 पेंटिंग ख़रीदीं, उनकी तस्वीरों पर अडैप्टर सिखाया, और अब छपा हुआ कपड़ा बेचती है। (1) चित्रकार ने क्या खोया, दुकान ने क्या पाया? (2) चित्र 200 साल पुराने होते तो क्या बदलता? हर मीटर पर चित्रकार को पैसे मिलते तो? (3) वे तीन वाक्य लिखिए जो दुकान को सिखाने से पहले भेजने चाहिए थे। एक जन दुकान की ओर से बोले, एक चित्रकार की ओर से; फिर पाले बदलिए।

# %% [markdown] lang="en" name="own-style-text"
# ## 10 · Your own style
#
# Put ten to thirty pictures of one style into a folder and name it in `FOLDER`. If a file's name says what is on it, in words the model knows ("red lotus.png", "नीला कमल.jpg"), that is its caption; any other picture gets the empty one. Without a folder, neon pictures drawn by code are written to one, so that you see the whole way.
# %% [markdown] lang="hi" of="4d5596d5"
# ## 10 · आपकी अपनी शैली
#
# एक ही शैली के दस से तीस चित्र किसी फ़ोल्डर में रखिए और उसका नाम `FOLDER` में लिखिए। फ़ाइल के नाम में लिखा हो कि चित्र में क्या है, और शब्द मॉडल के जाने हुए हों ("red lotus.png", "नीला कमल.jpg"), तो वही कैप्शन है; बाक़ी चित्रों का कैप्शन ख़ाली रहता है। फ़ोल्डर न दें तो कोड से बने नियॉन चित्र एक फ़ोल्डर में लिखे जाते हैं, ताकि पूरा रास्ता दिख जाए।
# %% name="own-style"
FOLDER = None  # for example "my-style"
OWN_STEPS = 80  # for a folder of your own: 300 to 600


def caption_from(name: str) -> str:
    """The words of a file's name that the model knows, if it knows them all; else no prompt."""
    text = " ".join(word for word in re.split(r"[\s_.-]+", Path(name).stem) if not word.isdigit())
    try:
        vocabulary().encode([text])
    except ValueError:
        return ""
    return text


def neon_folder(folder: Path) -> Path:
    """Sixteen neon pictures as files, each named by what it shows."""
    pictures, factors = style_pictures("neon")
    for number, picture in enumerate(pictures):
        text = caption(factors[number], ("hi", "en")[number % 2])
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(folder / f"{number} {text}.png")
    return folder


with tempfile.TemporaryDirectory() as place:
    own, report = image_folder(FOLDER or neon_folder(Path(place)), size=32)
print(report)
torch.manual_seed(0)
mine = attach_hypernetwork(copy.deepcopy(artist.prior))
own_latents, own_told = lesson_of(artist, mine, own, [[caption_from(name)] for name in report.read])
train_adapter(mine, own_latents, own_told, OWN_STEPS)
plots.show_images(
    torch.cat([to_float(own[:6]), draw_adapted(artist, mine, six, seed=2)]),
    columns=6,
    zoom=3,
    colours=128,
    alt=t("Above, six pictures of the folder; below, six new ones in their style, begun"),
)

# %% [markdown] lang="en" name="large-text"
# ## 11 · The same in the large
#
# Real Stable Diffusion has these places, too: in `diffusers`, every attention of the U-Net has `to_k` and `to_v`. The next cell runs only with a GPU, an internet connection and `pip install diffusers transformers accelerate peft`, and only if you set `RUN_LARGE = True` and name your folder in `LARGE_FOLDER` (it fetches several gigabytes; read the model's licence first). It shows the places that you have just changed by hand, and trains a LoRA on your folder with the library that everybody uses.
# %% [markdown] lang="hi" of="c3c47f06"
# ## 11 · बड़े पैमाने पर यही
#
# असली Stable Diffusion में भी यही जगहें हैं: `diffusers` में U-Net के हर ध्यान के पास `to_k` और `to_v` हैं। अगला सेल तभी चलता है जब GPU हो, इंटरनेट हो, `pip install diffusers transformers accelerate peft` किया हो, और आप `RUN_LARGE = True` लिखें और `LARGE_FOLDER` में अपने फ़ोल्डर का नाम दें (कई गीगाबाइट आते हैं; पहले मॉडल का लाइसेंस पढ़िए)। इसमें वे जगहें दिखती हैं जिन्हें आपने अभी हाथ से बदला, और आपके फ़ोल्डर पर LoRA उसी लाइब्रेरी से सीखता है जो सब इस्तेमाल करते हैं।
# %% name="diffusers" tags=["gpu", "network"]
RUN_LARGE = False
LARGE_FOLDER = None  # your pictures, for example "my-style"


def teach_stable_diffusion(
    folder: str, said: str, steps: int = 500
) -> Callable[[str], Image.Image]:
    """A LoRA of rank 4 on Stable Diffusion 1.5, from a folder; returns a function that draws."""
    from diffusers import DDPMScheduler, StableDiffusionPipeline
    from peft import LoraConfig

    name = "stable-diffusion-v1-5/stable-diffusion-v1-5"
    pipe = StableDiffusionPipeline.from_pretrained(name, torch_dtype=torch.float16).to("cuda")
    noising = DDPMScheduler.from_config(pipe.scheduler.config)
    for part in (pipe.unet, pipe.vae, pipe.text_encoder):
        part.requires_grad_(False)
    pipe.unet.add_adapter(LoraConfig(r=4, lora_alpha=4, target_modules=["to_k", "to_v"]))
    learned = [p for p in pipe.unet.parameters() if p.requires_grad]
    for p in learned:
        p.data = p.data.float()
    pictures, report = image_folder(folder, size=512)
    print(report)
    with torch.no_grad():
        x = signed(pictures).to("cuda", torch.float16)
        z = torch.cat([pipe.vae.encode(p[None]).latent_dist.mean for p in x])
        z = z * pipe.vae.config.scaling_factor
        words, _ = pipe.encode_prompt(said, "cuda", 1, False)
    optimizer = torch.optim.AdamW(learned, lr=1e-4)
    for _ in range(steps):
        chosen = torch.randint(len(z), (1,))
        noise, moment = torch.randn_like(z[chosen]), torch.randint(1000, (1,), device="cuda")
        with torch.autocast("cuda", torch.float16):
            guess = pipe.unet(noising.add_noise(z[chosen], noise, moment), moment, words).sample
        loss = F.mse_loss(guess.float(), noise.float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return lambda prompt: pipe(prompt, num_inference_steps=25).images[0]


if RUN_LARGE and LARGE_FOLDER and torch.cuda.is_available():
    draw_large = teach_stable_diffusion(LARGE_FOLDER, "a picture in the style of sks")
    display(draw_large("a lotus in the style of sks"))
else:
    print(t("Skipped: needs a GPU, a network, a folder, and RUN_LARGE = True."))

# %% [markdown] lang="en" name="gallery-text"
# ## Gallery
#
# All eight motifs in Warli, from prompts in your language, by the adapter that came with the course, at strength 0.9; paisley and diamond it never saw in this style. The strokes are rough still, those of diamond and diya the most.
# %% [markdown] lang="hi" of="b368279c"
# ## गैलरी
#
# वारली में आठों आकृतियाँ, आपकी भाषा के प्रॉम्प्ट से, कोर्स के साथ आए अडैप्टर की बनाई, मात्रा 0.9 पर; केरी और हीरा उसने इस शैली में कभी नहीं देखे। रेखाएँ अभी खुरदरी हैं, सबसे ज़्यादा हीरे और दीये की।
# %% name="gallery" tags=["cover"]
every = Factors.unstack(
    torch.tensor([[m, (3 * m + 1) % 8, m % 4, (m + k) % 3] for k in (0, 1) for m in range(8)])
)
texts = captions(every, language(), symmetry=True)
plots.show_images(
    draw_adapted(artist, shipped, texts, 0.9, seed=8),
    titles=texts,
    columns=4,
    zoom=4,
    colours=64,
    alt=t("Sixteen Warli pictures with their prompts: two of each motif"),
)

# %% [markdown] lang="en" name="results-text"
# ## Results: what we measured
# %% [markdown] lang="hi" of="27d3f378"
# ## नतीजे: हमने क्या नापा
# %% name="results"
plots.table(
    measured,
    columns=[t("measurement"), t("here"), t("control"), t("the control is")],
    caption=t("Every number was computed in this notebook"),
)
# %% [markdown] lang="en" name="finish"
# ## Exercises, quiz, and where this leads
#
# - Write LoRA and the hypernetwork's module yourself, and find the weight-decay trap, in the [exercises](exercises.en.ipynb).
# - This was the last lesson. You have built attention, GANs, a codebook, a small Stable Diffusion, style transfer, and what people add to such a model. Next: teach it *your* style, measure the drift, and publish the adapter with a card that names the pictures' makers.
#
# **References.** Gal et al. 2022, *Textual Inversion* ([2208.01618](https://arxiv.org/abs/2208.01618)) · Hu et al. 2021, *LoRA* ([2106.09685](https://arxiv.org/abs/2106.09685)) · Ha, Dai & Le 2016, *HyperNetworks* ([1609.09106](https://arxiv.org/abs/1609.09106)) · Rombach et al. 2022, *latent diffusion* ([2112.10752](https://arxiv.org/abs/2112.10752)) ·
# Ruiz et al. 2022, *DreamBooth* ([2208.12242](https://arxiv.org/abs/2208.12242)) · Loshchilov & Hutter 2017, *AdamW* ([1711.05101](https://arxiv.org/abs/1711.05101))
# %% [markdown] lang="hi" of="709da128"
# ## अभ्यास, क्विज़, और आगे का रास्ता
#
# - [अभ्यास](exercises.hi.ipynb) में LoRA और हाइपरनेटवर्क का मॉड्यूल ख़ुद लिखिए, और weight decay वाला फंदा ढूँढिए।
# - यह आख़िरी पाठ था। आप ध्यान, GAN, कोडबुक, एक छोटा-सा Stable Diffusion, शैली-अंतरण, और ऐसे मॉडल में जो जोड़ा जाता है, सब बना चुके हैं। आगे: इसे *अपनी* शैली सिखाइए, भटकाव नापिए, और अडैप्टर को ऐसे कार्ड के साथ बाँटिए जिसमें चित्र बनाने वालों के नाम हों।
#
# **संदर्भ।** Gal et al. 2022, *Textual Inversion* ([2208.01618](https://arxiv.org/abs/2208.01618)) · Hu et al. 2021, *LoRA* ([2106.09685](https://arxiv.org/abs/2106.09685)) · Ha, Dai और Le 2016, *HyperNetworks* ([1609.09106](https://arxiv.org/abs/1609.09106)) · Rombach et al. 2022, *लेटेंट डिफ़्यूज़न* ([2112.10752](https://arxiv.org/abs/2112.10752)) ·
# Ruiz et al. 2022, *DreamBooth* ([2208.12242](https://arxiv.org/abs/2208.12242)) · Loshchilov और Hutter 2017, *AdamW* ([1711.05101](https://arxiv.org/abs/1711.05101))
# %% name="quiz-after"
quiz.show("05-hypernetwork", "after")
