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
# # 3.1 · VQ-VAE: pictures spelt with a dictionary
#
# A rangoli (an Indian floor drawing) of 32 × 32 pixels is 3072 numbers: red, green and blue for each pixel. Here you teach a network to write it down as **64 entries of a dictionary** that it makes up itself, and to draw the picture from them again. Pictures become something like sentences: a list of whole numbers that can be stored, edited, and (in 3.3) *written* by a model that has read many of them.
# You meet the idea where it can be seen, with codes that are points in a plane; then you move on to rangoli, watch the dictionary fall out of use, and bring it back.
#
# **You need** Python, PyTorch, and what a convolution and a gradient are; one quiz question and the end of section 9 use attention (lesson 1). Lesson 2 helps but is not required. **Time**: about an hour and a half to read and try; *Run all* takes about a minute on two CPU cores.
# %% [markdown] lang="hi" of="e9f0e5db"
# # 3.1 · VQ-VAE: शब्दकोश से लिखे चित्र
#
# 32 × 32 पिक्सल की एक रंगोली यानी 3072 संख्याएँ: हर पिक्सल के लिए लाल, हरा और नीला। यहाँ आप एक नेटवर्क को सिखाएँगे कि वह उसे **अपने ही बनाए शब्दकोश के 64 शब्दों** में लिख दे, और उन्हीं शब्दों से चित्र फिर बना ले। तब चित्र एक वाक्य जैसा हो जाता है: पूर्णांकों की सूची, जिसे सहेजा जा सकता है, बदला जा सकता है, और (3.3 में) *लिखा* भी जा सकता है, ऐसे मॉडल से जिसने बहुत-सी सूचियाँ पढ़ी हों।
# पहले यह बात वहाँ समझेंगे जहाँ आँखों से दिखती है: कोड समतल के बिंदु होंगे। फिर रंगोली पर जाएँगे, देखेंगे कि शब्दकोश का ज़्यादातर हिस्सा कैसे बेकार पड़ जाता है, और उसे फिर काम पर लगाएँगे।
#
# **क्या आना चाहिए**: Python, PyTorch, और यह कि कनवॉल्यूशन और ग्रेडिएंट क्या होते हैं; क्विज़ के एक सवाल और सेक्शन 9 के अंत में ध्यान (attention, पाठ 1) भी काम आता है। पाठ 2 पढ़ा हो तो अच्छा, पर ज़रूरी नहीं। **समय**: पढ़ने और आज़माने में लगभग डेढ़ घंटा; *Run all* दो CPU कोर पर लगभग एक मिनट लेता है।
# %% tags=["start"]
# %% name="imports" tags=["export"]
import copy
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from einops import rearrange
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from common import plots, quiz
from common.attention import TransformerBlock
from common.interact import interact
from common.lang import t
from common.metrics import load_judge
from common.rangoli import rangoli
from common.training import Training

# %% [markdown] lang="en" name="preview-text"
# This is where the first half leads. Each coloured point is a picture of a small lamp, squeezed into two numbers; the colour tells where in the picture the lamp stands. The black points are the codes of a dictionary of 48; only those that some lamp uses are drawn black, at step 0 just two. From left to right the dictionary is learnt: the codes spread until every lamp has one nearby.
# %% [markdown] lang="hi" of="610c26ec"
# पहला आधा पाठ यहाँ पहुँचता है। हर रंगीन बिंदु छोटे-से दीये का एक चित्र है, जो सिमटकर दो संख्याएँ रह गया; रंग बताता है कि चित्र में दीया कहाँ रखा है। काले बिंदु 48 कोडों वाले शब्दकोश के कोड हैं; काले सिर्फ़ वे हैं जो किसी दीये के काम आए, क़दम 0 पर बस दो। बाएँ से दाएँ शब्दकोश सीखा जा रहा है: कोड फैलते जाते हैं, जब तक हर दीये के पास कोई कोड न आ जाए।
# %% name="preview" tags=["cover"]
# You will meet every line of this below. (It trains for a second.)
from common.vqgan import LampModel, Quantizer, Snap, draw_lamps, train_lamps

film = train_lamps(LampModel(Snap(Quantizer(48, 2))).to(device), 300, look_every=75)
figure, axes = plt.subplots(1, len(film), figsize=(9.2, 2.1), layout="constrained")
for ax, look in zip(axes, film, strict=True):
    draw_lamps(ax, look, t("step {n}", n=look.step))
plots.show(
    figure,
    alt=t("Frames of a training: coloured points unfold into a sheet, black codes spread over it"),
)

# %% [markdown] lang="en" name="warm-up"
# ## Warm-up quiz
#
# A few questions on what this lesson builds on. A wrong answer is welcome: it tells you what to watch for.
# %% [markdown] lang="hi" of="50cd895d"
# ## शुरुआती क्विज़
#
# कुछ सवाल उन बातों पर जिन पर यह पाठ टिका है। जवाब ग़लत हो तो भी अच्छा है: पता चलेगा कि आगे किस बात पर ग़ौर करना है।
# %% name="quiz-before"
quiz.show("03-vqgan", "before")


# %% [markdown] lang="en" name="lamps-text"
# ## 1 · An autoencoder: squeeze, then rebuild
#
# Our smallest world: a dark courtyard of 8 × 8 tiles with one lamp in it. A picture has 64 numbers, but only **two** things differ from picture to picture: how far right the lamp stands, and how far down. So two numbers should be enough to write a picture down.
# %% [markdown] lang="hi" of="6abbfd71"
# ## 1 · ऑटोएनकोडर (autoencoder): समेटो, फिर बनाओ
#
# हमारी सबसे छोटी दुनिया: 8 × 8 टाइलों का अँधेरा आँगन, और उसमें एक दीया। चित्र में 64 संख्याएँ हैं, पर एक चित्र से दूसरे में बस **दो** बातें बदलती हैं: दीया कितना दाएँ है और कितना नीचे। तो चित्र लिखने के लिए दो संख्याएँ काफ़ी होनी चाहिए।
# %% name="lamps" tags=["export"]
def lamps(places: Tensor) -> Tensor:
    """Pictures of one lamp at places [N, 2] (right, down, in 0…1): 8 × 8 pixels, as [N, 64]."""
    tiles = torch.arange(8.0, device=places.device)
    right, down = (torch.exp(-(tiles - 7 * places[:, i, None]).square() / 3) for i in (0, 1))
    return (down[:, :, None] * right[:, None, :]).flatten(1)


# %% name="look-at-lamps"
some_places = torch.tensor([[0.0, 0.0], [0.5, 0.5], [1.0, 0.2], [0.3, 0.9]])
plots.show_images(
    lamps(some_places).view(-1, 1, 8, 8),
    zoom=12,
    alt=t("Four pictures of 8 × 8 tiles, each with one glowing lamp in another place"),
)


# %% [markdown] lang="en" name="autoencoder-text"
# An **autoencoder** is two networks. The **encoder** turns the picture into a few numbers, the *latent*; the **decoder** turns the latent back into a picture. One loss trains both: what comes out shall equal what went in. Nobody tells them what the two numbers mean.
#
# Three models in this notebook are the same but for *what happens to the latent on its way*. We call that the `middle`. For the autoencoder it is nothing at all.
# %% [markdown] lang="hi" of="87ffbab5"
# **ऑटोएनकोडर** दो नेटवर्कों की जोड़ी है। **एनकोडर** चित्र को थोड़ी-सी संख्याओं, यानी *लेटेंट* (latent), में बदलता है; **डिकोडर** लेटेंट से चित्र वापस बनाता है। दोनों को एक ही लॉस सिखाता है: जो भीतर गया, वही बाहर आए। दोनों संख्याओं का मतलब क्या हो, यह कोई नहीं बताता।
#
# इस नोटबुक के तीन मॉडलों में फ़र्क़ बस इतना है कि *रास्ते में लेटेंट के साथ क्या होता है*। इस हिस्से को हम `middle` कहेंगे। ऑटोएनकोडर में वहाँ कुछ नहीं होता।
# %% name="lamp-model" tags=["export"]
class AsItIs(nn.Module):
    """The middle of an autoencoder: the latent [N, 2] goes on unchanged, at no price."""

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return z, z.new_zeros(())


class LampModel(nn.Module):
    """64 pixels -> `numbers` latents -> the middle makes 2 of them -> 64 pixels.

    middle: a module that takes the latents [N, numbers] and gives ([N, 2], a price for the loss).
    """

    def __init__(self, middle: nn.Module, numbers: int = 2, seed: int = 0) -> None:
        super().__init__()
        self.middle = middle
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.encoder = nn.Sequential(nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, numbers))
            self.decoder = nn.Sequential(nn.Linear(2, 64), nn.SiLU(), nn.Linear(64, 64))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x [N, 64] -> the restored pictures [N, 64], and the middle's price."""
        z, price = self.middle(self.encoder(x))
        return self.decoder(z), price


# %% name="train-lamps" tags=["export"]
class LampLook(NamedTuple):
    """A look at a training. step; places [400, 2] of the lamps looked at; latents [400, 2] as the
    encoder emits them; codes [K, 2] and how often each was chosen [K], None without codes.
    """

    step: int
    places: Tensor
    latents: Tensor
    codes: Tensor | None
    chosen: Tensor | None


def look_at_lamps(model: LampModel, step: int = 0) -> LampLook:
    """Encode 400 lamps in even rows."""
    device = model.decoder[0].weight.device
    line = torch.linspace(0, 1, 20, device=device)
    places = torch.cartesian_prod(line, line)
    with torch.no_grad():
        latents = model.encoder(lamps(places))[:, :2]
    quantizer = getattr(model.middle, "quantizer", None)
    if quantizer is None:
        return LampLook(step, places.cpu(), latents.cpu(), None, None)
    indices = quantizer.nearest(latents[:, :, None, None]).flatten()
    chosen = indices.bincount(minlength=quantizer.codes)
    codes = quantizer.codebook.detach().clone()
    return LampLook(step, places.cpu(), latents.cpu(), codes.cpu(), chosen.cpu())


def train_lamps(
    model: LampModel, steps: int, *, look_every: int = 0, seed: int = 0
) -> list[LampLook]:
    """Train on lamps in random places; look before the first step and every `look_every` steps."""
    device = model.decoder[0].weight.device
    dice = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.train().parameters(), 5e-3, fused=True)
    looks = [look_at_lamps(model)] if look_every else []
    for step in range(1, steps + 1):
        x = lamps(torch.rand(256, 2, generator=dice)).to(device)
        restored, price = model(x)
        loss = F.mse_loss(restored, x) + price
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if look_every and step % look_every == 0:
            looks.append(look_at_lamps(model, step))
    model.eval()
    return looks


@torch.no_grad()
def lamp_error(model: LampModel) -> float:
    """The squared error on 1000 new lamps, as a share of the error of the mean picture."""
    places = torch.rand(1000, 2, generator=torch.Generator().manual_seed(9))
    x = lamps(places).to(model.decoder[0].weight.device)
    return (F.mse_loss(model(x)[0], x) / F.mse_loss(x.mean(0).expand_as(x), x)).item()


def draw_lamps(ax: Axes, look: LampLook, title: str = "", limit: float | None = None) -> None:
    """The plane of latents, coloured by where the lamp stands; codes in use black, others hollow.

    limit: how far the axes reach; without it, as far as the latents and the codes in use.
    """
    right, down = look.places.T
    colour = torch.stack([0.1 + 0.85 * right, 0.35 + 0.3 * down, 0.95 - 0.85 * down], dim=1)
    ax.scatter(*look.latents.T, s=4, c=colour.numpy(), linewidths=0)
    seen = look.latents
    if look.codes is not None:
        used = look.chosen > 0
        ax.plot(*look.codes[used].T, "o", color="black", markersize=3)
        ax.plot(*look.codes[~used].T, "o", color="0.55", markersize=3, fillstyle="none", mew=0.8)
        seen = torch.cat([seen, look.codes[used]])
    low, high = seen.amin(0), seen.amax(0)
    (x, y), reach = ((low + high) / 2).tolist(), 0.55 * (high - low).max().item()
    if limit is not None:
        x, y, reach = 0.0, 0.0, limit
    ax.set(xlim=(x - reach, x + reach), ylim=(y - reach, y + reach), aspect="equal")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(True)
    ax.set_title(title, fontsize=10)


# %% name="autoencoder"
measured: list[list[object]] = []  # the table at the end
autoencoder = LampModel(AsItIs()).to(device)
looks = train_lamps(autoencoder, 400, look_every=400)
untrained = lamp_error(LampModel(AsItIs()).to(device))
error = lamp_error(autoencoder)
with torch.no_grad():
    restored, _ = autoencoder(lamps(some_places).to(device))
figure, axes = plt.subplots(1, 2, figsize=(6, 2.8), layout="constrained")
for ax, look in zip(axes, looks, strict=True):
    draw_lamps(ax, look, t("step {n}", n=look.step))
figure.suptitle(t("Nobody told it: two numbers become a map of the courtyard"))
plots.show(
    figure,
    alt=t(
        "Left a crumpled patch of coloured points, right a sheet on which neighbours have like colours"
    ),
)
plots.show_images(
    torch.cat([lamps(some_places), restored.cpu().clamp(0, 1)]).view(-1, 1, 8, 8),
    columns=4,
    zoom=12,
    alt=t("Above four lamps, below the same four as the decoder restores them: nearly alike"),
)
print(
    t("error, as a share of the mean picture's: {e:.3f}; untrained: {u:.2f}", e=error, u=untrained)
)
assert error < 0.2 < 0.9 < untrained
measured.append([t("lamps: error of the autoencoder"), error, untrained, t("untrained")])


# %% [markdown] lang="en" name="vae-text"
# ## 2 · A VAE: a map without holes
#
# Can it also *invent* lamps? Pick a point of the plane and decode it. But which point? The encoder has spread its map as it pleased; between and beyond its points the decoder has never been asked anything.
#
# A **variational autoencoder** (Kingma & Welling 2013) makes the map orderly. For every picture the encoder gives not a point but a small cloud, mean μ and spread σ; a random point of it goes to the decoder (written as μ + σ·noise, so that the gradient passes: *reparameterisation*). And clouds that stray from the normal distribution cost something, the KL divergence:
#
# $$\mathrm{KL} = \tfrac12\sum_i \big(\mu_i^2 + \sigma_i^2 - \log\sigma_i^2 - 1\big)$$
#
# Then the recipe for inventing is fixed beforehand: throw normal dice, decode. We count an invented picture as a lamp if its distance from the nearest real lamp is less than 35 % of a lamp's length (as a vector of 64 numbers).
# %% [markdown] lang="hi" of="9ba6ab2c"
# ## 2 · VAE: बिना छेद का नक़्शा
#
# क्या वह नए दीये भी *गढ़* सकता है? समतल का कोई बिंदु चुनिए और डिकोडर को दीजिए। पर कौन-सा बिंदु? एनकोडर ने अपना नक़्शा मनमाने ढंग से फैलाया है; बिंदुओं के बीच और बाहर क्या बने, यह डिकोडर से कभी पूछा ही नहीं गया।
#
# **वेरिएशनल ऑटोएनकोडर** (VAE, Kingma और Welling 2013) नक़्शे को क़रीने से रखता है। हर चित्र के लिए एनकोडर बिंदु नहीं, एक छोटा-सा बादल बताता है: औसत μ और फैलाव σ। डिकोडर को उस बादल का कोई रैंडम बिंदु मिलता है (μ + σ·शोर के रूप में लिखा हुआ, ताकि ग्रेडिएंट गुज़र सके: *reparameterisation*)। और जो बादल नॉर्मल वितरण से भटके, उसका दाम लगता है, KL डाइवर्जेंस (KL divergence):
#
# $$\mathrm{KL} = \tfrac12\sum_i \big(\mu_i^2 + \sigma_i^2 - \log\sigma_i^2 - 1\big)$$
#
# तब नया चित्र गढ़ने का तरीक़ा पहले से तय है: नॉर्मल वितरण से संख्याएँ निकालिए, डिकोड कीजिए। गढ़े हुए चित्र को हम दीया तब गिनेंगे जब सबसे पास के असली दीये से उसकी दूरी दीये की अपनी लंबाई (64 संख्याओं के वेक्टर के रूप में) के 35 % से कम हो।
# %% name="vae"
class Cloud(nn.Module):
    """The middle of a VAE: 2 means and 2 log variances [N, 4] -> a random point [N, 2]."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight, self.kl = weight, 0.0
        self.dice = torch.Generator().manual_seed(0)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = z.chunk(2, dim=1)
        kl = (mean**2 + log_variance.exp() - log_variance - 1).sum(1).mean() / 2
        self.kl = kl.item()  # to read off
        if self.training:
            noise = torch.randn(mean.shape, generator=self.dice).to(z.device)
            mean = mean + (log_variance / 2).exp() * noise
        return mean, self.weight * kl


vae = LampModel(Cloud(weight=5e-4), numbers=4).to(device)
train_lamps(vae, 400)


def not_a_lamp(pictures: Tensor) -> Tensor:
    """How far pictures [N, 64] are from the nearest real lamp, relative to a lamp: [N]."""
    line = torch.linspace(0, 1, 40)
    every = lamps(torch.cartesian_prod(line, line))
    return torch.cdist(pictures, every).min(1).values / every.norm(dim=1).mean()


noise = torch.randn(1000, 2, generator=torch.Generator().manual_seed(5))
latents = look_at_lamps(autoencoder).latents
guess = latents.mean(0) + noise * latents.std(0)  # the autoencoder's best chance
with torch.no_grad():
    invented = {
        t("autoencoder"): autoencoder.decoder(guess.to(device)).cpu(),
        "VAE": vae.decoder(noise.to(device)).cpu(),
    }
far = {name: not_a_lamp(pictures) for name, pictures in invented.items()}
shares = {name: (values < 0.35).float().mean().item() for name, values in far.items()}
plots.show_images(
    torch.cat([pictures[:8] for pictures in invented.values()]).clamp(0, 1).view(-1, 1, 8, 8),
    columns=8,
    zoom=8,
    alt=t(
        "Invented lamps: above by the autoencoder, some blotched; below by the VAE, mostly lamps"
    ),
)
for name, share in shares.items():
    print(t("{model}: {share:.0%} of the invented pictures are lamps", model=name, share=share))
assert shares["VAE"] > 0.95 > 0.9 > shares[t("autoencoder")]
measured.append(
    [
        t("VAE: share of invented pictures that are lamps"),
        *reversed(shares.values()),
        t("autoencoder"),
    ]
)

# %% [markdown] lang="en" name="posterior-text"
# > **You may have read** "mode collapse: not applicable" in the VAE's line of a table. A VAE has a collapse of its own. Make the price of the KL too high, and the cheapest thing is to *say nothing*: every cloud becomes the same normal bell, and the decoder, which now gets pure noise, draws the mean picture. That is **posterior collapse**.
# > (A VQ-VAE has one too, *codebook collapse*: section 6.)
# %% [markdown] lang="hi" of="04150c91"
# > **आपने पढ़ा होगा** किसी तालिका में VAE के आगे: "मोड कोलैप्स: लागू नहीं"। VAE का कोलैप्स अलग तरह का है। KL का दाम बहुत बढ़ा दीजिए, तो सबसे सस्ता यह है कि *कुछ कहा ही न जाए*: हर बादल वही एक नॉर्मल वितरण बन जाता है, डिकोडर को कोरा शोर मिलता है और वह औसत चित्र बना देता है। इसे **पोस्टीरियर कोलैप्स** (posterior collapse) कहते हैं।
# > (VQ-VAE का भी अपना एक है, *कोडबुक कोलैप्स*: सेक्शन 6।)
# %% name="posterior-collapse"
silent = LampModel(Cloud(weight=0.1), numbers=4).to(device)
train_lamps(silent, 400)
rows = []
for name, model in ((t("KL weight 0.0005"), vae), (t("KL weight 0.1"), silent)):
    model(lamps(torch.rand(500, 2, generator=torch.Generator().manual_seed(1))).to(device))
    rows.append([name, model.middle.kl, lamp_error(model)])
plots.table(
    rows,
    columns=["", t("KL: what the latent says"), t("error, 1 = the mean picture")],
    caption=t("Too dear a latent falls silent"),
)
assert rows[1][1] < 0.05 < 1 < rows[0][1] and rows[1][2] > 0.9 > 0.3 > rows[0][2]
measured.append(
    [t("VAE: error with a KL weight of 0.1"), rows[1][2], rows[0][2], t("weight 0.0005")]
)

# %% [markdown] lang="en" name="nearest-text"
# ## 3 · A dictionary: the nearest code
#
# Now the third `middle`, and the subject of this lesson. Keep a list of K vectors, the **codebook**. Whatever vector the encoder emits, replace it by the *nearest* entry, and let the decoder see only that. To write the picture down, the **number** of the entry is enough: with 4 codes that is 2 bits.
#
# $$k^* = \arg\min_k \lVert z_e - e_k\rVert^2,\qquad z_q = e_{k^*}$$
#
# Four codes and three vectors, so that you can check it with Pythagoras:
# %% [markdown] lang="hi" of="e91d07c1"
# ## 3 · शब्दकोश: सबसे पास का कोड
#
# अब तीसरा `middle`, और इस पाठ का असली विषय। K वेक्टरों की एक सूची रखिए, **कोडबुक** (codebook)। एनकोडर जो भी वेक्टर दे, उसकी जगह सूची का *सबसे पास वाला* वेक्टर रख दीजिए; डिकोडर को बस वही दिखे। चित्र लिखने के लिए उस वेक्टर का **नंबर** काफ़ी है: 4 कोड हों तो 2 बिट।
#
# $$k^* = \arg\min_k \lVert z_e - e_k\rVert^2,\qquad z_q = e_{k^*}$$
#
# चार कोड और तीन वेक्टर, ताकि पाइथागोरस से ख़ुद जाँच सकें:
# %% name="nearest-by-hand" tags=["nbval-check-output"]
codebook = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 3.0], [4.0, 3.0]])
z_e = torch.tensor([[1.0, 1.0], [3.0, 1.0], [1.0, 5.0]])  # what the encoder emits
distances = (z_e[:, None] - codebook[None]).square().sum(2)  # [3, 4]
indices = distances.argmin(1)
z_q = codebook[indices]  # what the decoder gets
print(t("squared distances:"), distances.int().tolist())
print(t("indices:"), indices.tolist())
print("z_q:", z_q.int().tolist())

# %% [markdown] lang="en" name="discrete-box"
# > **You may have read** "the encoder emits discrete codes", or that they come from "a predefined codebook". Neither. The encoder emits ordinary **vectors** of real numbers; they become discrete when the nearest entry is looked up. And the codebook is **learnt**, together with the networks (van den Oord, Vinyals & Kavukcuoglu 2017). *Quantisation* is the name for rounding to such a list.
# > The year is often given as 2020: that is VQGAN's (next notebook). VQ-VAE is of **November 2017** ([1711.00937](https://arxiv.org/abs/1711.00937)).
# %% [markdown] lang="hi" of="5e6cd45f"
# > **आपने पढ़ा होगा** "एनकोडर असतत (discrete) कोड देता है", या यह कि कोड "पहले से तय कोडबुक" से आते हैं। दोनों ग़लत हैं। एनकोडर साधारण **वेक्टर** देता है, जिनमें कोई भी वास्तविक संख्या हो सकती है; असतत वे तब बनते हैं जब सबसे पास का कोड ढूँढा जाता है। और कोडबुक नेटवर्कों के साथ-साथ **सीखी जाती है** (van den Oord, Vinyals और Kavukcuoglu 2017)। हर वेक्टर की जगह ऐसी सूची का सबसे पास वाला रख देने को *क्वांटाइज़ेशन* (quantisation) कहते हैं।
# > साल अक्सर 2020 बताया जाता है: वह VQGAN का है (अगली नोटबुक)। VQ-VAE **नवंबर 2017** का है ([1711.00937](https://arxiv.org/abs/1711.00937))।
# %% [markdown] lang="en" name="straight-text"
# ## 4 · A gradient across a step
#
# There is a catch. "Take the nearest" is a staircase: move $z_e$ a little, and $z_q$ does not move at all. Its slope is 0 nearly everywhere, so the encoder would never hear from the loss. The remedy is bold: on the way forward hand out $z_q$, on the way back **pretend nothing happened**, and give the gradient that arrives at $z_q$ to $z_e$ as it is. In one line:
#
# $$z = z_e + \operatorname{sg}[z_q - z_e]$$
#
# where sg, *stop gradient*, is `.detach()`: its value counts, its slope is 0. This is the **straight-through** gradient (Bengio et al. 2013). Check both claims: move $z_e$ a tiny bit and see whether $z_q$ follows; then compare the gradient that $z_e$ gets with the one that arrived at $z_q$.
# %% [markdown] lang="hi" of="52030f79"
# ## 4 · सीढ़ी के पार ग्रेडिएंट
#
# एक पेच है। "सबसे पास वाला चुनो" सीढ़ी जैसा है: $z_e$ को ज़रा-सा खिसकाइए, $z_q$ हिलता ही नहीं। उसकी ढाल लगभग हर जगह 0 है, यानी एनकोडर तक लॉस की बात कभी पहुँचेगी ही नहीं। इलाज में थोड़ी हिम्मत चाहिए: जाते समय $z_q$ दीजिए, और लौटते समय **मान लीजिए कि कुछ हुआ ही नहीं**: जो ग्रेडिएंट $z_q$ पर आए, वही ज्यों-का-त्यों $z_e$ को दे दीजिए। एक पंक्ति में:
#
# $$z = z_e + \operatorname{sg}[z_q - z_e]$$
#
# sg यानी *stop gradient*, कोड में `.detach()`: उसका मान गिना जाता है, ढाल 0 रहती है। यही **स्ट्रेट-थ्रू ग्रेडिएंट** (straight-through, Bengio et al. 2013) है। दोनों दावे जाँचिए: $z_e$ को ज़रा-सा खिसकाकर देखिए कि $z_q$ हिलता है या नहीं; फिर $z_e$ को मिले ग्रेडिएंट को $z_q$ पर आए ग्रेडिएंट से मिलाइए।
# %% name="straight-through" tags=["nbval-check-output"]
z_e = torch.tensor([[1.0, 1.0], [3.0, 1.0], [1.0, 5.0]], requires_grad=True)


def snap(z: Tensor) -> Tensor:
    return codebook[torch.cdist(z, codebook).argmin(1)]


moved = (snap(z_e + 1e-3) - snap(z_e - 1e-3)).abs().max()
print(t("z_q moves, when z_e moves a little:"), moved.item())
print(t("does a gradient reach z_e without the trick?"), snap(z_e).requires_grad)

z = z_e + (snap(z_e) - z_e).detach()  # forward: z_q. backward: as if it were z_e
print(t("forward it is z_q:"), torch.equal(z, snap(z_e)))
z.retain_grad()
wish = torch.tensor([[0.0, 1.0], [4.0, 0.0], [2.0, 2.0]])
(z - wish).square().sum().backward()  # any decoder and any loss
print(t("gradient at z_q, upstream:"), z.grad.int().tolist())
print(t("gradient at z_e equals it:"), torch.equal(z_e.grad, z.grad))

# %% [markdown] lang="en" name="walk-text"
# Is a borrowed gradient any good? Watch one number. The codes are 0, 1, 2, 3, the decoder is the identity, and 3 is wanted. The table shows every third step. Look at steps 6 to 12: $z_e$ is nearest to 2, the loss says "more!", and $z_e$ moves, though neither code nor loss changes; then it crosses 2½ and the code jumps to 3.
# %% [markdown] lang="hi" of="7cb8bfa6"
# उधार का ग्रेडिएंट किसी काम का है? एक संख्या पर देखिए। कोड हैं 0, 1, 2, 3; डिकोडर कुछ नहीं बदलता; और चाहिए 3। तालिका हर तीसरा क़दम दिखाती है। क़दम 6 से 12 देखिए: $z_e$ के सबसे पास 2 है, लॉस कहता है "और!", और $z_e$ चलता है, हालाँकि न कोड बदलता है न लॉस; फिर वह 2½ पार करता है और कोड छलाँग लगाकर 3 हो जाता है।
# %% name="walk"
line, number, rows = torch.arange(4.0), torch.tensor(0.1, requires_grad=True), []
for step in range(20):
    code = line[(number - line).abs().argmin()]
    loss = (number + (code - number).detach() - 3).square()
    (gradient,) = torch.autograd.grad(loss, number)
    if step % 3 == 0 or code == 3:
        rows.append([step, number.item(), code.item(), loss.item()])
    if code == 3:
        break
    with torch.no_grad():
        number -= 0.06 * gradient
plots.table(
    rows,
    columns=[t("step"), "z_e", t("code"), t("loss")],
    caption=t("The loss stands still, then jumps down: the borrowed gradient leads to code 3"),
)
assert rows[-1][2:] == [3.0, 0.0]

# %% [markdown] lang="en" name="losses-text"
# ## 5 · Two more losses: who moves to whom?
#
# The straight-through line carries the gradient *past* the codebook: the codes themselves get none. And nothing keeps the encoder near the codes. So the loss of van den Oord et al. (their equation 3) has three terms:
#
# $$L = \underbrace{\lVert x - \hat x\rVert^2}_{\text{restore}} + \underbrace{\lVert \operatorname{sg}[z_e] - e\rVert^2}_{\text{codebook: the code comes to the vector}} + \beta\,\underbrace{\lVert z_e - \operatorname{sg}[e]\rVert^2}_{\text{commitment: the vector comes to the code}}$$
#
# The last two have the *same value*. They differ in who may move. **β belongs on the commitment term**, usually 0.25: codes shall follow quickly, the encoder, which has pictures to restore, shall yield a little.
# %% [markdown] lang="hi" of="9b59343a"
# ## 5 · दो लॉस और: कौन किसके पास जाए?
#
# स्ट्रेट-थ्रू वाली पंक्ति ग्रेडिएंट को कोडबुक के *बग़ल से* निकाल देती है: ख़ुद कोडों को कुछ नहीं मिलता। और एनकोडर को कोडों के पास रोके रखने वाला भी कोई नहीं। इसलिए van den Oord et al. के लॉस (उनका समीकरण 3) में तीन पद हैं:
#
# $$L = \underbrace{\lVert x - \hat x\rVert^2}_{\text{restore}} + \underbrace{\lVert \operatorname{sg}[z_e] - e\rVert^2}_{\text{codebook}} + \beta\,\underbrace{\lVert z_e - \operatorname{sg}[e]\rVert^2}_{\text{commitment}}$$
#
# पहला पद चित्र लौटाता है। दूसरा, *कोडबुक लॉस*: कोड वेक्टर के पास आए। तीसरा, *कमिटमेंट लॉस* (commitment loss): वेक्टर कोड के पास आए। दूसरे और तीसरे का *मान एक ही है*; फ़र्क़ इसमें है कि हिलता कौन है। **β कमिटमेंट वाले पद पर लगता है**, आम तौर पर 0.25: कोड जल्दी पीछे आएँ, और एनकोडर, जिसे चित्र भी लौटाने हैं, थोड़ा-सा झुके।
# %% name="who-moves" tags=["nbval-check-output"]
z_e = torch.tensor([[1.0, 1.0], [3.0, 1.0], [1.0, 5.0]], requires_grad=True)
codes = codebook.clone().requires_grad_()
chosen = codes[indices]
codebook_loss = F.mse_loss(chosen, z_e.detach())
commitment_loss = F.mse_loss(z_e, chosen.detach())
print(t("the same value:"), torch.equal(codebook_loss, commitment_loss))
for name, loss in ((t("codebook"), codebook_loss), (t("commitment"), commitment_loss)):
    gradients = torch.autograd.grad(loss, (z_e, codes), retain_graph=True, allow_unused=True)
    encoder_moves, codebook_moves = (gradient is not None for gradient in gradients)
    print(
        t(
            "{term}: moves the encoder {a}, moves the codebook {b}",
            term=name,
            a=t("yes") if encoder_moves else t("no"),
            b=t("yes") if codebook_moves else t("no"),
        )
    )


# %% [markdown] lang="en" name="quantizer-text"
# Here is the whole quantiser, for feature maps: each of the N · H · W vectors is looked up on its own. Three things in it are new, and the next section shows why they are there: the moving average (`count`), the start from k-means (`start_from`), and the restart of dead codes (`revive`). (`normalize` waits for section 7.) With `update="gradient"`, `kmeans=False`, `restart=False` it is the method of the formula above, and nothing else.
# %% [markdown] lang="hi" of="c8dee54a"
# यह रहा पूरा क्वांटाइज़र (quantiser), फ़ीचर मैप के लिए: N · H · W में से हर वेक्टर का कोड अलग से ढूँढा जाता है। इसमें तीन बातें नई हैं, और क्यों हैं, यह अगला सेक्शन दिखाएगा: चलता औसत (`count`), k-means से शुरुआत (`start_from`), और मरे हुए कोडों का रीस्टार्ट (`revive`)। (`normalize` सेक्शन 7 में आएगा।) `update="gradient"`, `kmeans=False`, `restart=False` लिख दें तो यह ठीक ऊपर के सूत्र वाला तरीक़ा है, और कुछ नहीं।
# %% name="quantized" tags=["export"]
class Quantized(NamedTuple):
    """What a quantiser gives. vectors: [N, d, H, W], for the decoder; indices: Long [N, H, W], the
    codes that stand for the picture; loss: a scalar that draws vectors and codes together.
    """

    vectors: Tensor
    indices: Tensor
    loss: Tensor


# %% name="quantizer" tags=["export"]
class Quantizer(nn.Module):
    """Replaces every vector of a feature map by the nearest of `codes` learnt ones.

    update: how the codebook learns. "gradient": by a loss of its own (van den Oord et al. 2017,
        equation 3). "ema": each code is the moving average of the vectors that chose it (their
        appendix A.1), with `decay`; no gradient reaches it.
    beta: the weight of the commitment loss, which draws the encoder to the codes.
    kmeans: start from the centres of the first batch instead of random numbers.
    restart: a code that serves less than `dead` of an even share of the vectors is put on one of
        the batch's vectors. normalize: vectors and codes have length 1, so only direction counts.

    Its dice are its own (`generator`, from `seed`): the global random numbers are left alone.
    """

    def __init__(
        self,
        codes: int = 256,
        dim: int = 8,
        *,
        update: str = "ema",
        decay: float = 0.9,
        beta: float = 0.25,
        kmeans: bool = True,
        restart: bool = True,
        normalize: bool = False,
        dead: float = 0.05,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if update not in ("ema", "gradient"):
            raise ValueError(t('update is "ema" or "gradient", not {given}', given=repr(update)))
        self.codes, self.dim, self.update, self.decay, self.beta = codes, dim, update, decay, beta
        self.kmeans, self.restart, self.normalize, self.dead = kmeans, restart, normalize, dead
        self.generator = torch.Generator().manual_seed(seed)
        start = self.on_sphere(torch.randn(codes, dim, generator=self.generator))
        if update == "gradient":
            self.codebook = nn.Parameter(start)
        else:
            self.register_buffer("codebook", start)
        self.register_buffer("counts", torch.ones(codes))  # vectors that chose each, smoothed …
        self.register_buffer("sums", start.clone())  # … and their sum
        self.register_buffer("started", torch.tensor(not kmeans))

    def forward(self, z: Tensor) -> Quantized:
        """z: [N, d, H, W]."""
        rows = self.rows(z)  # [M, d], M = N·H·W
        if self.training:
            if not self.started:
                self.start_from(rows.detach())
            elif self.restart:
                self.revive(rows.detach())
        indices = self.nearest_row(rows)
        chosen = F.embedding(indices, self.entries())

        loss = self.beta * F.mse_loss(rows, chosen.detach())  # commitment: moves the encoder
        if self.update == "gradient":
            loss = loss + F.mse_loss(chosen, rows.detach())  # codebook: moves the codes
        if self.training:
            self.count(rows.detach(), indices)
        straight = rows + (chosen - rows).detach()  # forward: chosen; backward: as if rows
        n, _, h, w = z.shape
        vectors = rearrange(straight, "(n h w) d -> n d h w", n=n, h=h)
        return Quantized(vectors, indices.view(n, h, w), loss)

    def nearest(self, z: Tensor) -> Tensor:
        """The codes of z [N, d, H, W]: Long [N, H, W]."""
        n, _, h, w = z.shape
        return self.nearest_row(self.rows(z)).view(n, h, w)

    def look_up(self, indices: Tensor) -> Tensor:
        """The vectors of indices [N, H, W]: [N, d, H, W]."""
        return rearrange(F.embedding(indices, self.entries()), "n h w d -> n d h w")

    def rows(self, z: Tensor) -> Tensor:
        """z [N, d, H, W] as one vector a row, [N·H·W, d]."""
        if z.dim() != 4 or z.shape[1] != self.dim:
            raise ValueError(
                t("z must be [N, {dim}, H, W], not {shape}", dim=self.dim, shape=list(z.shape))
            )
        return self.on_sphere(rearrange(z, "n d h w -> (n h w) d"))

    def on_sphere(self, rows: Tensor) -> Tensor:
        return F.normalize(rows, dim=1, eps=1e-6) if self.normalize else rows

    def entries(self) -> Tensor:
        """The codes [codes, d] as they are compared and handed out."""
        return self.on_sphere(self.codebook) if self.update == "gradient" else self.codebook

    @torch.no_grad()
    def nearest_row(self, rows: Tensor) -> Tensor:
        """argmin over k of ‖z - e_k‖² = ‖z‖² - 2 z·e_k + ‖e_k‖²; ‖z‖² is the same for all k."""
        entries = self.entries()
        return torch.addmm(entries.square().sum(1), rows, entries.T, alpha=-2).min(1).indices

    @torch.no_grad()
    def count(self, rows: Tensor, indices: Tensor) -> None:
        """Note which codes were chosen; with "ema", move them to the mean of what chose them."""
        counts = indices.bincount(minlength=self.codes).to(rows.dtype)
        self.counts.lerp_(counts, 1 - self.decay)
        if self.update == "ema":
            sums = torch.zeros_like(self.sums).index_add_(0, indices, rows)
            self.sums.lerp_(sums, 1 - self.decay)
            total = self.counts.sum()  # Laplace smoothing: never a division by 0
            smooth = (self.counts + 1e-5) / (total + self.codes * 1e-5) * total
            self.codebook.copy_(self.on_sphere(self.sums / smooth[:, None]))

    @torch.no_grad()
    def start_from(self, vectors: Tensor, rounds: int = 10) -> None:
        """Put the codes on the centres that k-means finds in vectors [M, d]."""
        vectors = self.on_sphere(vectors)
        self.put(slice(None), self.draw(vectors, self.codes))
        for _ in range(rounds):
            indices = self.nearest_row(vectors)
            counts = indices.bincount(minlength=self.codes).to(vectors.dtype)[:, None]
            sums = torch.zeros_like(self.sums).index_add_(0, indices, vectors)
            anywhere = self.draw(vectors, self.codes)  # for a centre that nobody chose
            self.put(slice(None), torch.where(counts > 0, sums / counts.clamp(min=1), anywhere))
        self.counts.fill_(len(vectors) / self.codes)
        self.sums.copy_(self.codebook * self.counts[:, None])
        self.started.fill_(True)

    @torch.no_grad()
    def revive(self, vectors: Tensor) -> None:
        """Put every dead code on one of the vectors [M, d], with an even share of them."""
        dead = (self.counts < self.dead * self.counts.mean()).nonzero().squeeze(1)
        if len(dead):
            share = self.counts.mean()
            self.put(dead, self.draw(vectors, len(dead)))
            self.counts[dead] = share
            self.sums[dead] = self.codebook[dead] * share

    def put(self, which: Tensor | slice, vectors: Tensor) -> None:
        self.codebook[which] = self.on_sphere(vectors)

    def draw(self, vectors: Tensor, count: int) -> Tensor:
        """`count` of the vectors [M, d], each at most once as long as there are enough."""
        order = torch.randperm(max(len(vectors), count), generator=self.generator)[:count]
        return vectors[(order % len(vectors)).to(vectors.device)]


# %% name="beta-check" tags=["nbval-check-output"]
def gradients(beta: float) -> tuple[Tensor, Tensor]:
    """Of the quantiser's loss: at what the encoder emits, and at the codebook."""
    quantizer = Quantizer(16, 2, update="gradient", kmeans=False, restart=False, beta=beta)
    z = torch.randn(50, 2, 1, 1, generator=torch.Generator().manual_seed(1)).requires_grad_()
    return torch.autograd.grad(quantizer(z).loss, (z, quantizer.codebook))


(encoder_1, codebook_1), (encoder_4, codebook_4) = gradients(0.25), gradients(1.0)
print(t("β × 4: the encoder's gradient × 4:"), torch.allclose(encoder_4, 4 * encoder_1))
print(t("β × 4: the codebook's gradient is the same:"), torch.allclose(codebook_4, codebook_1))


# %% [markdown] lang="en" name="beta-box"
# > **In published code** you may find β on the *codebook* term: a well-known repository has it there as its legacy default, and a popular tutorial copied it. It still trains, since both terms pull the same two things together. But "β = 0.25" then means slow codes and a fully committed encoder, the opposite of the paper.
#
# What is commitment good for? Leave it out (β = 0) and look how far the encoder's vectors spread.
# %% [markdown] lang="hi" of="1d6a597b"
# > **प्रकाशित कोड में** β कभी-कभी *कोडबुक* वाले पद पर मिलता है: एक जानी-मानी रिपॉज़िटरी में पुराने डिफ़ॉल्ट के तौर पर ऐसा ही है, और एक लोकप्रिय ट्यूटोरियल ने वहीं से उतार लिया। ट्रेनिंग फिर भी चलती है, क्योंकि दोनों पद उन्हीं दो चीज़ों को पास लाते हैं। पर तब "β = 0.25" का मतलब है सुस्त कोड और पूरी तरह बँधा एनकोडर, यानी शोध-पत्र का उलटा।
#
# कमिटमेंट किस काम का है? उसे हटा दीजिए (β = 0) और देखिए कि एनकोडर के वेक्टर कहाँ तक फैल जाते हैं।
# %% name="snap" tags=["export"]
class Snap(nn.Module):
    """The middle of a VQ-VAE, for latents [N, d]: each snaps to its nearest code."""

    def __init__(self, quantizer: Quantizer) -> None:
        super().__init__()
        self.quantizer = quantizer

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        quantized = self.quantizer(z[:, :, None, None])  # a feature map of 1 × 1
        return quantized.vectors.flatten(1), quantized.loss


# %% name="commitment"
rows = []
for beta in (0.0, 0.25):
    quantizer = Quantizer(64, 2, update="gradient", kmeans=False, restart=False, beta=beta)
    model = LampModel(Snap(quantizer)).to(device)
    (look,) = train_lamps(model, 300, look_every=300)[1:]
    rows.append([beta, look.latents.std().item(), look.codes.std().item(), lamp_error(model)])
plots.table(
    rows,
    columns=["β", t("spread of z_e"), t("spread of the codes"), t("error, 1 = the mean picture")],
    caption=t("Without commitment the encoder runs away from its codes"),
)
assert rows[0][1] > 4 * rows[1][1] and rows[0][3] > rows[1][3]
measured.append([t("lamps: spread of z_e without commitment"), rows[0][1], rows[1][1], "β = 0.25"])


# %% [markdown] lang="en" name="collapse-text"
# The reason: the decoder sees the codes only, so for it the *length* of $z_e$ is free, and the straight-through gradient keeps saying "further!" after the code has been reached.
#
# ## 6 · See the codebook move, and die
#
# Now the whole thing on lamps: 64 codes, thrown down at random (on purpose much wider than the encoder's first vectors), learnt by the gradient. Black: codes that some lamp chose. Hollow: codes that none chose.
# %% [markdown] lang="hi" of="4c2e96f9"
# वजह यह है: डिकोडर को सिर्फ़ कोड दिखते हैं, इसलिए उसकी नज़र में $z_e$ की *लंबाई* पर कोई रोक नहीं, और कोड तक पहुँच जाने के बाद भी स्ट्रेट-थ्रू ग्रेडिएंट "और आगे!" कहता रहता है।
#
# ## 6 · कोडबुक को चलते देखिए, और मरते भी
#
# अब पूरी चीज़, दीयों पर: 64 कोड, कहीं भी बिखेरे हुए (जान-बूझकर, एनकोडर के पहले वेक्टरों से कहीं ज़्यादा दूर तक), और सिखाने वाला ग्रेडिएंट। काले वे कोड हैं जिन्हें किसी दीये ने चुना; खोखले वे जिन्हें किसी ने नहीं।
# %% name="naive-film"
def thrown_wide(**options) -> Quantizer:
    """64 codes in the plane, much more spread out than the encoder's first vectors."""
    quantizer = Quantizer(64, 2, kmeans=False, **options)
    with torch.no_grad():
        quantizer.codebook.mul_(1.5)
        quantizer.sums.mul_(1.5)
    return quantizer


films, errors = {}, {}
for name, quantizer in {
    t("gradient"): thrown_wide(update="gradient", restart=False),
    t("moving average (EMA)"): thrown_wide(restart=False),
    t("EMA and restart"): thrown_wide(),
    t("EMA, k-means start, restart"): Quantizer(64, 2),
}.items():
    model = LampModel(Snap(quantizer)).to(device)
    films[name] = train_lamps(model, 400, look_every=40)
    errors[name] = lamp_error(model)
naive = films[t("gradient")]
figure, axes = plt.subplots(1, 4, figsize=(9, 2.5), layout="constrained")
for ax, look in zip(axes, (naive[i] for i in (0, 1, 4, 10)), strict=True):
    used = int((look.chosen > 0).sum())
    draw_lamps(ax, look, t("step {n}: {u} of 64", n=look.step, u=used), limit=4)
figure.suptitle(t("Codes that nobody chooses get no gradient, and stay where they fell"))
plots.show(
    figure,
    alt=t("Four frames: a patch of points grows in a wide field of codes, most of them unused"),
)
dead = int((naive[-1].chosen == 0).sum())
still = (naive[-1].codes - naive[0].codes).norm(dim=1) < 1e-6
print(t("unused at the end: {d} of 64; codes that never moved: {s}", d=dead, s=int(still.sum())))
assert dead > 20 and still.sum() > 20

# %% [markdown] lang="en" name="cures-text"
# That is **codebook collapse**: a code moves only when it is chosen, and is chosen only where it already is. The rich get richer. Three cures, all in the class above:
#
# 1. **Moving average (EMA)** instead of the gradient (appendix A.1 of the paper). The codebook term asks each code to sit at the mean of its vectors; so compute that mean, smoothed over the batches. It needs no learning rate, only a `decay`.
# 2. **k-means start**: before the first use, put the codes where the vectors *are*. (k-means begins on some of the vectors; then, ten times over, each centre moves to the mean of the vectors nearest to it.)
# 3. **Restart**: a code that serves almost nobody is put on a random vector of the batch.
#
# First: is the moving average what we claim? Without memory (`decay=0`), every code in use must land exactly on the mean of the vectors that chose it.
# %% [markdown] lang="hi" of="5e62ffd8"
# यही **कोडबुक कोलैप्स** (codebook collapse) है: कोड तभी हिलता है जब चुना जाए, और चुना वहीं जाता है जहाँ वह पहले से है। जिसके पास है, उसी को और मिलता है। तीन इलाज हैं, तीनों ऊपर की क्लास में मौजूद:
#
# 1. ग्रेडिएंट की जगह **चलता औसत (EMA)** (शोध-पत्र का परिशिष्ट A.1)। कोडबुक वाला पद हर कोड से कहता है कि अपने वेक्टरों के औसत पर बैठो; तो वह औसत सीधे निकाल लीजिए, और हर बैच के साथ उसे थोड़ा-थोड़ा ताज़ा कीजिए। लर्निंग रेट की ज़रूरत नहीं, बस `decay` चाहिए।
# 2. **k-means से शुरुआत**: पहले इस्तेमाल से पहले कोडों को वहाँ रखिए जहाँ वेक्टर *हैं*। (k-means कुछ वेक्टरों पर ही केंद्र रखकर शुरू करता है; फिर दस बार, हर केंद्र उन वेक्टरों के औसत पर पहुँचता है जो उसके सबसे पास हैं।)
# 3. **रीस्टार्ट** (restart): जिस कोड का लगभग कोई काम न हो, उसे बैच के किसी रैंडम वेक्टर पर रख दीजिए।
#
# पहले यह: चलता औसत क्या सचमुच वही है जो हम कह रहे हैं? याददाश्त न हो (`decay=0`), तो काम में आया हर कोड ठीक उन वेक्टरों के औसत पर पहुँचना चाहिए जिन्होंने उसे चुना।
# %% name="ema-check" tags=["nbval-check-output"]
quantizer = Quantizer(4, 2, decay=0.0, kmeans=False, restart=False).train()
z = torch.randn(200, 2, 1, 1, generator=torch.Generator().manual_seed(1))
indices = quantizer(z).indices.flatten()
means = torch.stack([z.flatten(1)[indices == code].mean(0) for code in range(4)])
print(
    t("each code is the mean of its vectors:"), torch.allclose(quantizer.codebook, means, atol=1e-5)
)

# %% name="cures"
figure, axes = plt.subplots(1, 4, figsize=(9, 2.7), layout="constrained")
rows = []
for ax, (name, film) in zip(axes, films.items(), strict=True):
    used = int((film[-1].chosen > 0).sum())
    draw_lamps(ax, film[-1], t("{name}:\n{u} of 64", name=name, u=used))
    rows.append([name, used, errors[name]])
plots.show(
    figure,
    alt=t(
        "Four trained codebooks: in the first many codes are missing, in the last all are in use"
    ),
)
plots.table(
    rows,
    columns=[t("codebook"), t("codes in use, of 64"), t("error, 1 = the mean picture")],
    caption=t("400 steps on lamps"),
)
assert rows[0][1] < 45 and rows[-1][1] > 60 and rows[2][1] > 60
measured.append([t("lamps: codes in use, of 64"), rows[-1][1], rows[0][1], t("gradient alone")])


# %% [markdown] lang="en" name="cures-read"
# With all 64 codes at work the error is less than with 22. The three cured codebooks lie close together: here, once no code is idle, a second cure has little left to save.
# Why does the moving average do so well, even without restarts? Partly by luck. Whoever is never chosen has a smoothed count that goes to 0, and the smoothing against division by zero pulls such a code slowly to the origin; the lamps' latents happen to lie there. Do not count on it: on rangoli, below, two thirds of the codes stay dead.
# %% [markdown] lang="hi" of="f59ebb3f"
# 64 के 64 कोड काम में हों तो त्रुटि 22 कोडों वाली से कम है। इलाज वाली तीनों कोडबुक आसपास ही हैं: यहाँ जब कोई कोड बेकार नहीं, तो दूसरे इलाज के लिए बचाने को कम ही बचता है।
# रीस्टार्ट के बिना भी चलता औसत इतना अच्छा क्यों रहा? कुछ तो क़िस्मत से। जिस कोड को कोई नहीं चुनता, उसकी गिनती का चलता औसत 0 की ओर जाता है, और शून्य से भाग रोकने वाली छोटी संख्या ऐसे कोड को धीरे-धीरे मूल बिंदु पर खींच लाती है; संयोग से दीयों के लेटेंट वहीं हैं। इसके भरोसे मत रहिए: आगे रंगोली पर दो-तिहाई कोड मरे ही रहते हैं।
# %% [markdown] lang="en" name="film-text"
# ### Try it: wind the film
#
# Four ways to learn a codebook, 40 steps a frame. With the gradient, watch the hollow codes: they do not stir. With "EMA and restart" find the heap of hollow codes at step 40; where has it gone by step 120?
# %% [markdown] lang="hi" of="18d5c778"
# ### आज़माइए: फ़िल्म आगे-पीछे कीजिए
#
# कोडबुक सीखने के चार तरीक़े, हर फ़्रेम 40 क़दम बाद। "ग्रेडिएंट" में खोखले कोडों पर नज़र रखिए: वे हिलते ही नहीं। "EMA और रीस्टार्ट" में क़दम 40 पर खोखले कोडों का ढेर ढूँढिए; क़दम 120 तक वह कहाँ गया?
# %% name="film"
def draw_film(way: str, step: int) -> Figure:
    look = films[way][step // 40]
    figure, ax = plt.subplots(figsize=(2.2, 2.4), layout="constrained")
    used = int((look.chosen > 0).sum())
    draw_lamps(ax, look, t("step {n}: {u} of 64", n=look.step, u=used))
    return figure


interact(
    draw_film,
    way=list(films),
    step=(0, 400, 40),
    labels={"way": t("codebook"), "step": t("step")},
    static=[
        {"way": t("EMA and restart"), "step": 40},
        {"way": t("EMA and restart"), "step": 120},
        {"way": t("EMA and restart"), "step": 400},
    ],
    alt=t("Codes over the plane of lamps: few in use at first, an even net at the end"),
)


# %% [markdown] lang="en" name="pictures-text"
# ## 7 · Rangoli
#
# The same on pictures. The encoder halves twice: 32 × 32 pixels become a grid of 8 × 8 vectors, one for each 4 × 4 pixels (each sees some of its neighbourhood too). The quantiser looks each of the 64 up. The decoder is the way back.
# %% [markdown] lang="hi" of="3460f8c7"
# ## 7 · रंगोली
#
# अब यही चित्रों पर। एनकोडर दो बार आधा करता है: 32 × 32 पिक्सल से 8 × 8 वेक्टरों की जाली बनती है, हर 4 × 4 पिक्सल के लिए एक वेक्टर (हर वेक्टर थोड़ा आसपास भी देखता है)। क्वांटाइज़र 64 में से हर एक का कोड ढूँढता है। डिकोडर वापसी का रास्ता है।
# %% name="networks" tags=["export"]
class ResidualBlock(nn.Module):
    """x + what is missing: [N, C, H, W] -> the same shape. It begins as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.GroupNorm(8, channels),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 1),
        )
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.net(x)


class Encoder(nn.Module):
    """A picture [N, 3, H, W] in -1…1 -> a vector for each 4 × 4 pixels, [N, dim, H/4, W/4].

    H and W are multiples of 4, width is a multiple of 16. It emits vectors, not codes.
    """

    def __init__(self, width: int = 64, dim: int = 8) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.PixelUnshuffle(2),  # 2 × 2 pixels become 12 channels
            nn.Conv2d(12, width // 2, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(width // 2, width, 4, stride=2, padding=1),
            ResidualBlock(width),
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, dim, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 4 or x.shape[1] != 3 or x.shape[2] % 4 or x.shape[3] % 4:
            raise ValueError(
                t("Pictures must be [N, 3, H, W], H and W multiples of 4: {s}", s=list(x.shape))
            )
        return self.net(x)


class Decoder(nn.Module):
    """Vectors [N, dim, h, w] -> the picture [N, 3, 4h, 4w] in -1…1."""

    def __init__(self, width: int = 64, dim: int = 8) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(dim, width, 3, padding=1),
            ResidualBlock(width),
            ResidualBlock(width),
            nn.Conv2d(width, 2 * width, 1),
            nn.PixelShuffle(2),  # four channels become 2 × 2 places
            nn.Conv2d(width // 2, width // 2, 3, padding=1),
            nn.SiLU(),
            ResidualBlock(width // 2),
            nn.Conv2d(width // 2, 12, 3, padding=1),
            nn.PixelShuffle(2),
        )

    def forward(self, z: Tensor) -> Tensor:
        return self.net(z).tanh()


class VQVAE(nn.Module):
    """Encoder, quantiser, decoder. Pictures are [N, 3, H, W] in -1…1, codes Long [N, H/4, W/4].

    quantizer: a `Quantizer` or `FSQ`; without one, a Quantizer(codes, dim).
    """

    def __init__(
        self,
        width: int = 64,
        dim: int = 8,
        codes: int = 256,
        quantizer: "Quantizer | FSQ | None" = None,
    ) -> None:
        super().__init__()
        self.quantizer = Quantizer(codes, dim) if quantizer is None else quantizer
        self.encoder = Encoder(width, self.quantizer.dim)
        self.decoder = Decoder(width, self.quantizer.dim)

    def forward(self, x: Tensor) -> tuple[Tensor, Quantized]:
        """The picture as it comes back, and what the quantiser made of it."""
        quantized = self.quantizer(self.encoder(x))
        return self.decoder(quantized.vectors), quantized

    def encode(self, x: Tensor) -> Tensor:
        return self.quantizer.nearest(self.encoder(x))

    def decode(self, indices: Tensor) -> Tensor:
        return self.decoder(self.quantizer.look_up(indices))


# %% name="shapes" tags=["nbval-check-output"]
model = VQVAE(codes=256)
x = torch.zeros(5, 3, 32, 32)
z_e = model.encoder(x)
indices = model.encode(x)
print(t("picture:"), list(x.shape))
print(t("the encoder emits:"), list(z_e.shape), z_e.dtype)
print(t("the codes:"), list(indices.shape), indices.dtype)
print(t("decoded from the codes:"), list(model.decode(indices).shape))
print(t("bytes, of the picture and of its codes:"), 3 * 32 * 32, 64 * 8 // 8)
print(t("parameters:"), sum(p.numel() for p in model.parameters()))


# %% [markdown] lang="en" name="measures-text"
# Two measures. **PSNR** says how near the restored picture is, in decibels: +6 dB means that pixels are off by half as much (the squared error is a quarter). **Perplexity** says how many codes are *really* in use, as the number of equally frequent codes that would be just as varied: if 256 codes occur but one makes up 99 % of all places, it is near 1.
# %% [markdown] lang="hi" of="9abaee26"
# दो माप। **PSNR** बताता है कि लौटा हुआ चित्र कितना पास है, डेसिबल में: +6 dB यानी पिक्सलों का फ़र्क़ आधा (और उसका वर्ग चौथाई)। **पर्प्लेक्सिटी** (perplexity) बताती है कि *सचमुच* कितने कोड काम में हैं, यानी यह बँटवारा कितने बराबर-बराबर आने वाले कोडों जितना है: कोड 256 आते हों, पर 99 % जगहों पर एक ही हो, तो वह 1 के पास रहेगी।
# %% name="measures" tags=["export"]
def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio of pictures [N, …] in -1…1, in dB: the mean over the pictures."""
    error = (a - b).square().flatten(1).mean(1).clamp(min=1e-10)
    return (10 * (4 / error).log10()).mean().item()  # the peak is 2, its square 4


def usage(indices: Tensor, codes: int) -> tuple[int, float]:
    """How many of the codes occur, and their perplexity exp(entropy): `codes` if all are equally
    frequent, 1 if it is always the same one."""
    share = indices.flatten().bincount(minlength=codes) / indices.numel()
    entropy = -torch.special.xlogy(share, share).sum()
    return int((share > 0).sum()), entropy.exp().item()


# %% [markdown] lang="en" name="training-text"
# And the training. It is one plain loop: no game, one loss that falls.
# %% [markdown] lang="hi" of="10107ad0"
# और ट्रेनिंग। बस एक सीधा-सा लूप: कोई खेल नहीं, एक ही लॉस, जो घटता है।
# %% name="train-vqvae" tags=["export"]
def reconstruction_loss(restored: Tensor, image: Tensor) -> Tensor:
    """|error| keeps edges, error² punishes blunders: half of one and two of the other."""
    return 0.5 * F.l1_loss(restored, image) + 2 * F.mse_loss(restored, image)


def train_vqvae(
    model: VQVAE,
    images: Tensor,
    steps: int,
    *,
    rate: float = 2e-3,
    batch: int = 64,
    start_at: int = 20,
    seed: int = 0,
    device: torch.device | str = "cpu",
    folder: Path | None = None,
    note: Callable[[int, VQVAE], dict[str, float] | None] | None = None,
) -> dict[str, list[tuple[int, float]]]:
    """Train on pictures uint8 [N, 3, H, W]; returns {name: [(step, value), …]} of the losses.

    Before step `start_at` nothing is quantised if the codes are to start from k-means: there must
    be something to find first. folder: keep the run (see common.training). note(step, model) is
    called after each step; the numbers that it returns are kept too.
    """
    if images.dtype != torch.uint8 or images.dim() != 4:
        raise ValueError(
            t("Pictures to train on must be uint8 [N, 3, H, W], not {s}", s=list(images.shape))
        )
    model.to(device, memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(
        model.parameters(), rate, betas=(0.9, 0.95), weight_decay=1e-4, fused=True
    )
    lot = torch.Generator().manual_seed(seed)  # draws the batches
    parts = {"model": model, "optimizer": optimizer, "lot": lot}
    if isinstance(model.quantizer, Quantizer):
        parts["dice"] = model.quantizer.generator
    settings = {"rate": rate, "batch": batch, "steps": steps, "seed": seed, "start_at": start_at}
    training = Training(parts, folder, name="vqvae", settings=settings)
    for step in training.steps(steps):
        share = min(1.0, (step + 1) / 30, max(0.05, 2 * (1 - step / steps)))  # warm up, decay
        optimizer.param_groups[0]["lr"] = rate * share
        index = torch.randint(len(images), (batch,), generator=lot)
        x = images[index].to(device, memory_format=torch.channels_last).float() / 127.5 - 1

        waiting = isinstance(model.quantizer, Quantizer) and not model.quantizer.started
        if waiting and step < min(start_at, steps - 1):
            z = model.encoder(x)
            restored, extra = model.decoder(z), 0.01 * z.square().mean()
        else:
            restored, quantized = model(x)
            extra = quantized.loss
        loss = reconstruction_loss(restored, x)
        optimizer.zero_grad()
        (loss + extra).backward()
        optimizer.step()

        training.note(reconstruction=loss, quantizer=extra)
        if note is not None:
            training.note(**(note(step, model) or {}))
    return training.history


# %% [markdown] lang="en" name="contest-text"
# ### Which quantiser? Nine in one table
#
# First the naive one; last, as the control, nothing quantised. To be fair, *all but FSQ start from the same trained autoencoder* (nothing quantised, 120 steps), get the same 60 steps and the same pictures. Only the quantiser, the `middle`, differs. (FSQ has 3 numbers to a vector where the others have 8, so it cannot take that autoencoder over: it starts anew and gets all 180 steps.) Two are new:
#
# - **l2-normalised codes** (`normalize=True`): vectors and codes are scaled to length 1, only directions are compared. No code can be missed merely because it is too long or too short (Yu et al. 2021).
# - **FSQ**, finite scalar quantisation (Mentzer et al. 2023): no codebook at all. Each channel is squashed and *rounded* to a few levels; the codes are all combinations. With 8, 6 and 5 levels that is 240.
# %% [markdown] lang="hi" of="d2aa9ac0"
# ### कौन-सा क्वांटाइज़र? नौ, एक ही तालिका में
#
# सबसे पहले सीधा-सादा वाला; सबसे नीचे कंट्रोल, बिना क्वांटाइज़ेशन। बराबरी के लिए *FSQ को छोड़कर सब एक ही सिखाए हुए ऑटोएनकोडर से शुरू करते हैं* (बिना क्वांटाइज़ेशन, 120 क़दम), और सबको वही 60 क़दम, वही चित्र मिलते हैं। फ़र्क़ सिर्फ़ क्वांटाइज़र, यानी `middle`, का है। (FSQ के वेक्टर में 3 संख्याएँ हैं, बाक़ी सबमें 8, इसलिए वह उस ऑटोएनकोडर को नहीं ले सकता: वह नए सिरे से शुरू करता है और पूरे 180 क़दम पाता है।) दो नए हैं:
#
# - **l2 से बराबर किए कोड** (`normalize=True`): वेक्टरों और कोडों की लंबाई 1 कर दी जाती है, तुलना सिर्फ़ दिशा की होती है। तब कोई कोड केवल इसलिए नहीं छूटता कि वह बहुत लंबा या छोटा है (Yu et al. 2021)।
# - **FSQ**, फ़ाइनाइट स्केलर क्वांटाइज़ेशन (Mentzer et al. 2023): कोडबुक है ही नहीं। हर चैनल को दबाकर गिने-चुने स्तरों में से *सबसे पास वाले पर* ले आते हैं; स्तरों का हर मेल एक कोड है। 8, 6 और 5 स्तर हों तो 240 कोड।
# %% name="fsq" tags=["export"]
class FSQ(nn.Module):
    """Finite scalar quantisation (Mentzer et al. 2023): each channel is rounded to one of a few
    levels; the codes are all combinations. Nothing to learn, so nothing can die.

    levels: e.g. (8, 6, 5), three channels and 240 codes. The interface is `Quantizer`'s.
    """

    def __init__(self, levels: Sequence[int]) -> None:
        super().__init__()
        if not levels or min(levels) < 3:
            raise ValueError(t("Every channel needs at least 3 levels: {given}", given=levels))
        self.codes, self.dim = math.prod(levels), len(levels)
        count = torch.tensor(levels)
        self.register_buffer("levels", count, persistent=False)
        places = torch.tensor([1, *levels[:-1]]).cumprod(0)
        self.register_buffer("places", places, persistent=False)
        digits = torch.arange(self.codes)[:, None] // places % count
        self.register_buffer("codebook", (digits - count // 2) / (count // 2), persistent=False)

    def forward(self, z: Tensor) -> Quantized:
        """z: [N, len(levels), H, W]."""
        bounded = self.bound(z)
        whole = bounded + (bounded.round() - bounded).detach()  # straight through the rounding
        half = (self.levels // 2).view(-1, 1, 1)
        indices = (whole.detach().round().long() + half).mul(self.places.view(-1, 1, 1)).sum(1)
        return Quantized(whole / half, indices, z.new_zeros(()))

    def bound(self, z: Tensor) -> Tensor:
        """z as numbers whose rounding has `levels` values, from -⌊levels / 2⌋ on."""
        if z.dim() != 4 or z.shape[1] != self.dim:
            raise ValueError(
                t("z must be [N, {dim}, H, W], not {shape}", dim=self.dim, shape=list(z.shape))
            )
        half = ((self.levels - 1) * (1 + 1e-3) / 2).view(-1, 1, 1)
        offset = (self.levels % 2 == 0).view(-1, 1, 1) * 0.5  # an even number has no middle
        return (z + (offset / half).atanh()).tanh() * half - offset

    def nearest(self, z: Tensor) -> Tensor:
        """The codes of z [N, d, H, W]: Long [N, H, W]."""
        return self(z).indices

    def look_up(self, indices: Tensor) -> Tensor:
        """The vectors of indices [N, H, W]: [N, d, H, W]."""
        return rearrange(F.embedding(indices, self.codebook), "n h w d -> n d h w")


# %% name="autoencoder-of-pictures"
class NotQuantised(nn.Module):
    """In the quantiser's place, to compare with: the vectors go on as they are."""

    codes, dim = 1, 8

    def forward(self, z: Tensor) -> Quantized:
        nothing = torch.zeros_like(z[:, 0], dtype=torch.long)
        return Quantized(z, nothing, 0.01 * z.square().mean())


images, _ = rangoli(4000, seed=50, split="train")
test_bytes, test_factors = rangoli(300, seed=77, split="train")
test = (test_bytes.float() / 127.5 - 1).to(device)


def fresh(quantizer: nn.Module, seed: int = 0) -> VQVAE:
    """A small autoencoder around this quantiser: width 32, a quarter of the usual weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return VQVAE(width=32, quantizer=quantizer)


began = time.perf_counter()
base = fresh(NotQuantised())
history = train_vqvae(base, images, 120, rate=5e-3, batch=32, device=device)
losses = [value for _, value in history["reconstruction"]]
print(t("loss: {a:.3f} at first, {b:.3f} after 120 steps", a=losses[0], b=losses[-1]))
assert losses[-1] < losses[0] / 3


# %% name="contest"
def continue_with(quantizer: nn.Module, images: Tensor = images, steps: int = 60) -> VQVAE:
    """Put the quantiser into a copy of the trained autoencoder, and train on."""
    model = fresh(quantizer)
    model.load_state_dict(base.state_dict(), strict=False)  # all but the quantiser
    train_vqvae(model, images, steps, rate=3e-3, batch=32, start_at=0, seed=1, device=device)
    return model.eval()


@torch.no_grad()
def judge_by_eye_and_number(model: VQVAE) -> tuple[Tensor, float, int, float]:
    """The restored test pictures, PSNR, codes in use, perplexity."""
    restored, quantized = model(test)
    return restored, psnr(restored, test), *usage(quantized.indices, model.quantizer.codes)


contest = {
    t("gradient, naive"): Quantizer(update="gradient", kmeans=False, restart=False),
    t("EMA, naive"): Quantizer(kmeans=False, restart=False),
    t("EMA, k-means"): Quantizer(restart=False),
    t("EMA, restart"): Quantizer(kmeans=False),
    t("EMA, k-means, restart"): Quantizer(),
    t("gradient, k-means, restart"): Quantizer(update="gradient"),
    t("EMA, k-means, restart, l2"): Quantizer(normalize=True),
}
models = {name: continue_with(quantizer) for name, quantizer in contest.items()}
# FSQ has 3 channels where the others have 8: it starts anew, and gets all 180 steps itself
models["FSQ 8 × 6 × 5"] = fresh(FSQ((8, 6, 5)))
train_vqvae(models["FSQ 8 × 6 × 5"], images, 180, rate=5e-3, batch=32, device=device)
models["FSQ 8 × 6 × 5"].eval()
models[t("nothing quantised")] = continue_with(NotQuantised())
results = {name: judge_by_eye_and_number(model) for name, model in models.items()}
plots.table(
    [
        [name, model.quantizer.codes, *((u, p) if model.quantizer.codes > 1 else (None, None)), db]
        for (name, model), (_, db, u, p) in zip(models.items(), results.values(), strict=True)
    ],
    columns=[t("quantiser"), t("codes"), t("in use"), t("perplexity"), t("PSNR, dB")],
    caption=t("Eight quantisers and none: 180 steps each, 300 new pictures"),
)
best, naive = results[t("EMA, k-means, restart")], results[t("gradient, naive")]
free = results[t("nothing quantised")]
assert best[2] > 250 and naive[2] < 180 and best[3] > 3 * naive[3]
assert free[1] > best[1] > naive[1]
measured += [
    [t("rangoli: codes in use, of 256"), best[2], naive[2], t("gradient, naive")],
    [t("rangoli: perplexity"), best[3], naive[3], t("gradient, naive")],
    [t("rangoli: PSNR, dB"), best[1], naive[1], t("gradient, naive")],
    [t("rangoli: PSNR without quantising, dB"), free[1], best[1], t("256 codes")],
]

# %% name="contest-picture"
names = list(results)[-2::-1]
figure, ax = plt.subplots(figsize=(6.8, 3.2), layout="constrained")
for name in names:
    _, db, used, perplexity = results[name]
    cured = name not in (t("gradient, naive"), t("EMA, naive"))
    ax.barh(name, used, color="0.85")
    ax.barh(name, perplexity, color=plots.COLOURS[0 if cured else 3], height=0.5)
    ax.text(260, name, f"{db:.1f} dB", va="center", fontsize=9)
ax.set(xlabel=t("codes that occur (grey) and perplexity (colour)"), xlim=(0, 290))
ax.set_title(t("Left to itself, most of the codebook lies idle"))
plots.show(
    figure, alt=t("Bars for eight quantisers: the two naive ones short, those with a cure near 256")
)


# %% [markdown] lang="en" name="contest-read"
# Read it from the top. Of the naive codebook less than half occurs, and what counts is worse: by its perplexity a few dozen codes do nearly all the work. The naive moving average gives better pictures: still fewer of its codes occur, but they share the work more evenly (higher perplexity). The rest are dead here too. A k-means start *or* restarts bring all 256 to work; together they are the safe choice, and the default of `Quantizer`. (After the k-means start nothing died in these 60 steps, so there the restart changed nothing; it is an insurance for longer training, where vectors wander away from their codes.) With both, even the gradient codebook lives.
# l2 codes gained nothing *here*: the shared autoencoder never knew that only directions would count. FSQ, without a codebook and without any of these cures, uses most of its 240 codes, though unevenly; its pictures are better than those of the naive gradient, but half a decibel behind the best. In long trainings it keeps up: Mentzer et al. find it competitive. The last line is the price of being discrete: about one decibel between vectors and codes.
#
# > **How stable is it?** Of a VQ-VAE nothing oscillates, for nobody plays against anybody; but it is not free of troubles. The hyperparameters that matter are the ones of this table: how the codes start, how fast they move (`decay`), β, and what is done about dead ones.
#
# ## 8 · Two levels: VQ-VAE-2
#
# > **You may have read** "the codebook is hierarchical". In a VQ-VAE, and in VQGAN, it is a flat list, in no order at all. **Two levels** are what **VQ-VAE-2** added (Razavi, van den Oord & Vinyals 2019): a coarse grid of codes for the plan, a fine grid for what is left to say, each with a codebook of its own. It is an elder relative of VQGAN, not a kind of it: it has no discriminator.
#
# Ours: the upper level has 4 × 4 places, the lower 8 × 8. The upper one makes a plan, and is asked to get as near to the encoder's vectors as it can; the lower one quantises what the plan *left unsaid*. That makes 16 + 64 codes of 8 bits, 640 bits. The fair control is a flat VQ-VAE that may use **640 bits too**: 64 codes of 10 bits, that is K = 1024.
# In the picture, from the top: eight rangoli; their plan alone, decoded; both levels; and the same details with the plan of another picture.
# For those swapped pictures a second table asks the **judge**, a network of the course that was trained beforehand to name what is on a rangoli: how often does it read what the plan's picture shows ("that of the upper"), how often what the details' picture shows ("that of the lower")?
# %% [markdown] lang="hi" of="6814a5e7"
# ऊपर से पढ़िए। सीधी-सादी कोडबुक के आधे से कम कोड आते हैं, और असली बात इससे भी बुरी है: पर्प्लेक्सिटी कहती है कि लगभग सारा काम कुछ दर्जन कोड करते हैं। सीधे-सादे चलते औसत से चित्र बेहतर हैं: उसके और भी कम कोड आते हैं, पर काम ज़्यादा बराबर बँटता है (पर्प्लेक्सिटी ज़्यादा है)। बाक़ी कोड यहाँ भी मरे पड़े हैं। k-means से शुरुआत *या* रीस्टार्ट, दोनों में से कोई भी सारे 256 कोडों को काम पर लगा देता है; दोनों साथ हों तो सबसे भरोसेमंद, और `Quantizer` में यही डिफ़ॉल्ट है। (k-means के बाद इन 60 क़दमों में कोई कोड मरा नहीं, इसलिए वहाँ रीस्टार्ट से कुछ नहीं बदला; वह लंबी ट्रेनिंग का बीमा है, जिसमें वेक्टर अपने कोडों से दूर निकल सकते हैं।) दोनों के साथ ग्रेडिएंट वाली कोडबुक भी ज़िंदा रहती है।
# l2 वाले कोडों को *यहाँ* कुछ नहीं मिला: साझे ऑटोएनकोडर को पता ही नहीं था कि गिनी सिर्फ़ दिशा जाएगी। FSQ के पास न सीखी हुई कोडबुक है, न इनमें से कोई इलाज, फिर भी उसके 240 में से ज़्यादातर कोड काम में आते हैं, हालाँकि बराबर-बराबर नहीं; चित्र सीधे-सादे ग्रेडिएंट से बेहतर हैं, पर सबसे अच्छे से आधा डेसिबल पीछे। लंबी ट्रेनिंग में वह बराबरी कर लेता है: Mentzer et al. के नतीजे यही बताते हैं। आख़िरी पंक्ति असतत होने का दाम है: वेक्टरों और कोडों के बीच लगभग एक डेसिबल।
#
# > **यह कितना स्थिर है?** VQ-VAE में कुछ डोलता नहीं, क्योंकि कोई किसी के ख़िलाफ़ नहीं खेलता; पर परेशानियाँ इसमें भी हैं। जो हाइपरपैरामीटर मायने रखते हैं, वे इसी तालिका में हैं: कोड शुरू कहाँ से हों, कितनी तेज़ चलें (`decay`), β कितना हो, और मरे हुए कोडों का क्या किया जाए।
#
# ## 8 · दो मंज़िलें: VQ-VAE-2
#
# > **आपने पढ़ा होगा** "कोडबुक hierarchical होती है", यानी कई मंज़िलों वाली। VQ-VAE में, और VQGAN में भी, वह एक सपाट सूची है, जिसमें कोई क्रम तक नहीं। **दो मंज़िलें** **VQ-VAE-2** (Razavi, van den Oord और Vinyals 2019) ने जोड़ीं: ख़ाके के लिए कोडों की मोटी जाली, बाक़ी बातों के लिए महीन जाली, दोनों की अपनी-अपनी कोडबुक। वह VQGAN का बड़ा रिश्तेदार है, उसकी क़िस्म नहीं: उसमें डिस्क्रिमिनेटर है ही नहीं।
#
# हमारे मॉडल में ऊपर की मंज़िल पर 4 × 4 जगहें हैं, नीचे 8 × 8। ऊपर वाली ख़ाका बनाती है और उससे कहा जाता है कि एनकोडर के वेक्टरों के जितना पास हो सके, पहुँचे; नीचे वाली उसे क्वांटाइज़ करती है जो ख़ाके से *छूट गया*। 8-8 बिट के 16 + 64 कोड, यानी 640 बिट। बराबरी का कंट्रोल वह सपाट VQ-VAE है जिसके पास भी **640 बिट** हों: 10-10 बिट के 64 कोड, यानी K = 1024।
# चित्र में ऊपर से नीचे: आठ रंगोलियाँ; उनका केवल ख़ाका, डिकोड किया हुआ; दोनों मंज़िलें; और वही बारीकियाँ किसी और चित्र के ख़ाके के साथ।
# इन अदला-बदली वाले चित्रों पर दूसरी तालिका **जज** (judge) से पूछती है, यानी कोर्स के उस नेटवर्क से जिसे पहले ही सिखाया गया है कि रंगोली में क्या-क्या है: कितनी बार वह बताता है जो ख़ाके वाले चित्र में था ("ऊपर वाले चित्र का"), और कितनी बार वह जो बारीकियों वाले चित्र में था ("नीचे वाले चित्र का")?
# %% name="two-levels"
class TwoLevels(nn.Module):
    """A VQ-VAE with a plan of 4 × 4 codes above the 8 × 8."""

    def __init__(self, width: int = 32, dim: int = 8, codes: int = 256) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(width, dim), Decoder(width, dim)
        self.to_plan = nn.Sequential(
            nn.Conv2d(dim, width, 4, stride=2, padding=1), nn.SiLU(), nn.Conv2d(width, dim, 1)
        )
        self.from_plan = nn.Sequential(
            nn.ConvTranspose2d(dim, width, 4, stride=2, padding=1),
            nn.SiLU(),
            nn.Conv2d(width, dim, 3, padding=1),
        )
        self.upper, self.lower = Quantizer(codes, dim), Quantizer(codes, dim)
        self.quantizer = self.lower

    def forward(self, x: Tensor) -> tuple[Tensor, Quantized]:
        z = self.encoder(x)
        upper = self.upper(self.to_plan(z))  # [N, d, 4, 4]
        plan = self.from_plan(upper.vectors)  # [N, d, 8, 8]
        lower = self.lower(z - plan)  # what the plan left unsaid
        price = upper.loss + lower.loss + F.mse_loss(plan, z.detach())  # the plan says what it can
        both = Quantized(plan + lower.vectors, lower.indices, price)
        return self.decoder(both.vectors), both

    def decode(self, upper: Tensor, lower: Tensor) -> Tensor:
        """From the codes of both levels, [N, 4, 4] and [N, 8, 8]."""
        plan = self.from_plan(self.upper.look_up(upper))
        return self.decoder(plan + self.lower.look_up(lower))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z = self.encoder(x)
        upper = self.upper.nearest(self.to_plan(z))
        plan = self.from_plan(self.upper.look_up(upper))
        return upper, self.lower.nearest(z - plan)


with torch.random.fork_rng(devices=[]):
    torch.manual_seed(0)
    two = TwoLevels()
two.load_state_dict(base.state_dict(), strict=False)
train_vqvae(two, images, 60, rate=3e-3, batch=32, start_at=0, seed=1, device=device)
two.eval()
flat = {1024: continue_with(Quantizer(1024))}
with torch.no_grad():
    upper, lower = two.encode(test)
    both = two.decode(upper, lower)
    order = torch.randperm(len(test), generator=torch.Generator().manual_seed(3)).to(device)
    swapped = two.decode(upper[order], lower)  # the plan of another picture
    plan_only = two.decoder(two.from_plan(two.upper.look_up(upper)))
two_db, flat_db = psnr(both, test), judge_by_eye_and_number(flat[1024])[1]
plan_db, swapped_db = psnr(plan_only, test), psnr(swapped, test)
plots.table(
    [
        [t("two levels"), two_db],
        [t("flat, 1024 codes"), flat_db],
        [t("the plan alone"), plan_db],
        [t("the details, with the plan of another picture"), swapped_db],
    ],
    columns=["", t("PSNR, dB")],
    caption=t("640 bits a picture, spent in two ways"),
)
used = [usage(upper, 256)[0], usage(lower, 256)[0]]
print(t("codes in use, of 256: upper {u}, lower {w}", u=used[0], w=used[1]))
assert two_db > plan_db + 1 and two_db > swapped_db + 2 and min(used) > 200
assert abs(two_db - flat_db) < 2
measured.append([t("PSNR of two levels at 640 bits, dB"), two_db, flat_db, t("flat, 1024 codes")])
plots.show_images(
    torch.cat([test[:8], plan_only[:8], both[:8], swapped[:8]]).cpu().clamp(-1, 1) / 2 + 0.5,
    columns=8,
    zoom=2,
    colours=64,
    alt=t(
        "Rows: eight pictures; from the plan alone, blurred; from both levels; with another plan"
    ),
)

# %% name="which-level"
judge = load_judge("rangoli", device)


def follows(pictures: Tensor, factors) -> dict[str, float]:
    """In how many pictures the judge reads the colour, motif and ground of `factors`."""
    said = judge.read(pictures.clamp(-1, 1) / 2 + 0.5)
    return {
        head: (said[head].argmax(1).cpu() == getattr(factors, head)).float().mean().item()
        for head in ("ground", "colour", "motif")
    }


with_both = follows(both, test_factors)
by_lower, by_upper = follows(swapped, test_factors), follows(swapped, test_factors[order.cpu()])
plots.table(
    [
        [name, with_both[head], by_upper[head], by_lower[head]]
        for head, name in (("ground", t("ground")), ("colour", t("colour")), ("motif", t("motif")))
    ],
    columns=[
        t("the judge reads"),
        t("both levels of one picture"),
        t("swapped: that of the upper"),
        t("swapped: that of the lower"),
    ],
    caption=t("Which level says what?"),
)

# %% [markdown] lang="en" name="two-levels-read"
# Both levels speak: with the plan of another picture the restored picture is ruined, and what the judge reads is torn between the two. Compare within a row. The ground, which is the same in large areas, is read a little more often as the plan has it; colour and motif clearly more often as the details have them. (Pure chance would give a quarter for the 4 grounds, an eighth for the 8 colours and the 8 motifs.) That is the hierarchy. But is it *better*? Not here: at equal bits and equal training the flat one restores a little more exactly (and the two levels had a few layers to learn from nothing).
# A plan pays where pictures are large: VQ-VAE-2 used 32 × 32 and 64 × 64 codes for 256 × 256 pixels, because one flat grid of them is too long a text to write in one go.
# %% [markdown] lang="hi" of="039955e3"
# दोनों मंज़िलें कुछ कहती हैं: ख़ाका किसी और चित्र का लगा दें तो लौटा हुआ चित्र बिगड़ जाता है, और जज दोनों के बीच बँट जाता है। तुलना हर पंक्ति के भीतर कीजिए। पृष्ठभूमि बड़े-बड़े हिस्सों में एक-सी होती है; उसे जज ख़ाके के मुताबिक़ थोड़ी ज़्यादा बार पढ़ता है, और रंग व आकृति को साफ़ तौर पर बारीकियों के मुताबिक़। (तुक्के से 4 पृष्ठभूमियों में चौथाई बार मेल होगा, 8 रंगों और 8 आकृतियों में आठवें हिस्से में।) मंज़िलों का मतलब यही है। पर क्या यह *बेहतर* है? यहाँ नहीं: बिट और ट्रेनिंग बराबर हों तो सपाट मॉडल चित्र थोड़ा ज़्यादा सही लौटाता है (और दो मंज़िल वाले को कुछ लेयरें एकदम शुरू से सीखनी पड़ीं)।
# ख़ाका वहाँ काम का है जहाँ चित्र बड़े हों: VQ-VAE-2 ने 256 × 256 पिक्सल के लिए 32 × 32 और 64 × 64 कोड लिए, क्योंकि इतने कोडों की एक ही सपाट जाली एक साँस में लिखने के लिए बहुत लंबी है।
# %% [markdown] lang="en" name="size-text"
# ## 9 · How large a codebook?
#
# > **You may have read** that "the codebook's size drives memory and time". Work it out: 1024 codes of 256 numbers are 1 MB, less than one photograph. What costs is the **number of codes in a picture** (a model that writes them has to attend from each to each), and a large codebook that is *not used* costs quality, not memory.
#
# A sweep, with the same start and the same steps as before:
# %% [markdown] lang="hi" of="122d1c4a"
# ## 9 · कोडबुक कितनी बड़ी हो?
#
# > **आपने पढ़ा होगा** कि "मेमोरी और समय कोडबुक के आकार से तय होते हैं"। हिसाब लगाइए: 256 संख्याओं वाले 1024 कोड, कुल 1 MB, एक फ़ोटो से भी कम। महँगी है **एक चित्र में कोडों की गिनती** (उन्हें लिखने वाले मॉडल को हर कोड से हर कोड पर ध्यान देना पड़ता है)। और बड़ी कोडबुक *काम में न आए*, तो नुक़सान मेमोरी का नहीं, गुणवत्ता का है।
#
# अलग-अलग आकार आज़माते हैं; शुरुआत और क़दम वही हैं:
# %% name="codebook-sizes"
for size in (16, 64):
    flat[size] = continue_with(Quantizer(size))
flat[256] = models[t("EMA, k-means, restart")]


def quickest(work: Callable[[], object], tries: int = 5) -> float:
    """The least time of several tries, in ms: what else the computer does only adds."""
    times = []
    for _ in range(tries):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return 1000 * min(times)


# Timed on the CPU: so little work would only show how long a GPU takes to begin
networks, batch, sweep = copy.deepcopy(base).cpu(), test[:64].cpu(), []
with torch.no_grad():
    z = networks.encoder(batch)
    networks_ms = quickest(lambda: networks.decoder(networks.encoder(batch)))
    for size in sorted(flat):
        _, db, used, perplexity = judge_by_eye_and_number(flat[size])
        quantizer = copy.deepcopy(flat[size].quantizer).cpu()
        kilobytes = quantizer.codebook.numel() * 4 / 1000
        look_up_ms = quickest(lambda q=quantizer: q.nearest(z))
        bits = 64 * int(math.log2(size))
        sweep.append([size, bits, kilobytes, look_up_ms, used, perplexity, db])
plots.table(
    sweep,
    columns=[
        t("codes"),
        t("bits a picture"),
        t("codebook, kB"),
        t("look-up, ms a batch"),
        t("in use"),
        t("perplexity"),
        t("PSNR, dB"),
    ],
    caption=t("Codebook size: memory, time, use, quality"),
)
networks_kb = sum(p.numel() for p in base.parameters()) * 4 / 1000
print(t("the networks beside it: {kb:.0f} kB, {ms:.1f} ms a batch", kb=networks_kb, ms=networks_ms))
assert [row[6] for row in sweep] == sorted(row[6] for row in sweep)  # more codes, better pictures
assert sweep[-1][2] < 0.2 * networks_kb and sweep[-1][3] > sweep[0][3]
measured += [
    [t("PSNR with 1024 codes, dB"), sweep[-1][6], sweep[0][6], t("16 codes")],
    [
        t("look-up in 1024 codes, share of the networks' time"),
        sweep[-1][3] / networks_ms,
        1.0,
        t("encoder and decoder"),
    ],
]

# %% [markdown] lang="en" name="tokens-text"
# So: **memory** is no matter (compare it with the networks, which are tiny here). **Time**: the look-up compares with every code, so it grows with K (how steeply depends on the processor, and on what else it is doing); beside these small networks 1024 codes are noticeable already, beside large ones they are not. **Quality** rises a little with every fourfold codebook, which also makes each code 2 bits longer, *as long as the codes are in use*: the naive gradient codebook of section 7, with 256 codes but less than half of them in use, has a lower PSNR than the 64 here.
#
# Now quadruple the *number of codes in a picture* instead. The model of 3.3 that writes them is a Transformer (lesson 1). One block of it, over 64 codes and over 256:
# %% [markdown] lang="hi" of="63095ba8"
# तो, **मेमोरी** की चिंता नहीं (नेटवर्कों से मिलाइए, जो यहाँ ख़ुद बहुत छोटे हैं)। **समय**: हर कोड से तुलना होती है, इसलिए वह K के साथ बढ़ता है (कितनी तेज़ी से, यह प्रोसेसर पर और इस पर टिका है कि वह साथ में और क्या कर रहा है); इन छोटे नेटवर्कों के सामने 1024 कोड दिखने लगते हैं, बड़े नेटवर्कों के सामने नहीं। **गुणवत्ता** कोडबुक को हर बार चौगुना करने पर थोड़ी बढ़ती है, और साथ में हर कोड 2 बिट लंबा होता है, *बशर्ते कोड काम में हों*: सेक्शन 7 में ग्रेडिएंट वाली सीधी-सादी कोडबुक के 256 कोड थे, पर आधे से कम काम में, और उसका PSNR यहाँ के 64 कोडों से भी कम है।
#
# अब इसके बजाय *एक चित्र के कोडों की गिनती* चौगुनी कीजिए। 3.3 में उन्हें लिखने वाला मॉडल ट्रांसफ़ॉर्मर है (पाठ 1)। उसका एक ब्लॉक, 64 कोडों पर और 256 पर:
# %% name="tokens"
block = TransformerBlock(64, 4, 128).eval()  # on the CPU, as above
with torch.no_grad():
    block_ms = {n: quickest(lambda n=n: block(torch.zeros(16, n, 64))) for n in (64, 256)}
ratio = block_ms[256] / block_ms[64]
numbers = {n: 4 * n * n for n in block_ms}  # attention weights of four heads
print(t("attention weights a picture: {a:,} → {b:,}", a=numbers[64], b=numbers[256]))
print(t("time of the block: × {r:.1f}", r=ratio))
assert numbers[256] == 16 * numbers[64] and ratio > 2.5
assert naive[1] < sweep[1][6]  # 256 codes that lie idle are worse than 64 in use
measured.append([t("time of a Transformer block, 256 codes a picture"), ratio, 1.0, t("64 codes")])

# %% [markdown] lang="en" name="gallery-text"
# ## 10 · The result
#
# Three rangoli that none of the models ever saw, as each restores them. Even the best, trained for seconds, are soft: fine edges blur, and the violet of the first picture fades towards the grey around it; with the naive codebook its motif is all but gone. Fine pattern is the first thing that a pixel loss gives up. The next notebook brings it back.
# %% [markdown] lang="hi" of="80ca3995"
# ## 10 · नतीजा
#
# तीन रंगोलियाँ, जो किसी मॉडल ने पहले नहीं देखीं, और हर मॉडल ने उन्हें जैसा लौटाया। कुछ ही सेकंड सीखे इन मॉडलों में सबसे अच्छे भी धुँधले हैं: बारीक किनारे घुल जाते हैं, और पहले चित्र का बैंगनी आसपास के स्लेटी में फीका पड़ जाता है; सीधी-सादी कोडबुक से तो आकृति लगभग मिट ही गई। पिक्सल मिलाने वाला लॉस सबसे पहले बारीक पैटर्न छोड़ता है। अगली नोटबुक उसे वापस लाएगी।
# %% name="gallery"
shown = {
    t("original"): test,
    t("gradient, naive"): naive[0],
    t("16 codes"): judge_by_eye_and_number(flat[16])[0],
    t("256 codes"): best[0],
    t("1024 codes"): judge_by_eye_and_number(flat[1024])[0],
    t("two levels"): both,
    t("nothing quantised"): free[0],
}
figure, axes = plt.subplots(3, len(shown), figsize=(9.2, 4.3), layout="constrained")
for column, (name, pictures) in enumerate(shown.items()):
    for row, ax in enumerate(axes[:, column]):
        ax.imshow((pictures[row].cpu().clamp(-1, 1) / 2 + 0.5).permute(1, 2, 0).numpy())
        ax.set_axis_off()
    axes[0, column].set_title(name, fontsize=9)
plots.show(
    figure,
    alt=t("Three rangoli restored by six models: coarse with 16 codes, clearer with 256 and 1024"),
)
plots.table(
    measured,
    columns=[t("measurement"), t("with"), t("control"), t("the control is")],
    caption=t("Every number was computed in this notebook"),
)

# %% [markdown] lang="en" name="published"
# How far is this from a full recipe? The notebook's models are a quarter of the full size and learn for a few seconds. [3.2](2-vqgan.en.ipynb) loads one of twice the width that learned for minutes; what it reaches stands on its card, `common/weights/vqgan-rangoli.md`. The published VQ-VAE (2017) squeezed 128 × 128 pixels of ImageNet into 32 × 32 codes of K = 512.
# %% [markdown] lang="hi" of="d398c281"
# पूरे नुस्ख़े से यह कितना दूर है? इस नोटबुक के मॉडल पूरे आकार के चौथाई हैं और कुछ ही सेकंड सीखते हैं। [3.2](2-vqgan.hi.ipynb) में दोगुनी चौड़ाई का वह मॉडल लोड होगा जो कई मिनट सीखा; वह कहाँ तक पहुँचा, यह उसके कार्ड `common/weights/vqgan-rangoli.md` में लिखा है। प्रकाशित VQ-VAE (2017) ने ImageNet के 128 × 128 पिक्सल को 32 × 32 कोडों में समेटा था, K = 512 के साथ।
# %% [markdown] lang="en" name="exercises-text"
# ## Exercises, and where this leads
#
# - Write the quantiser's core and its losses yourself, and find the published bugs, in the [exercises](exercises.en.ipynb). The lesson's second quiz waits at the end of [3.4](4-using-it.en.ipynb).
# - [3.2](2-vqgan.en.ipynb) adds a discriminator (lesson 2) and a loss that looks at features instead of pixels: VQGAN.
# - [3.3](3-words-to-pictures.en.ipynb) learns to *write* codes: from a Hindi or an English sentence to a rangoli.
#
# **References.** Kingma & Welling 2013, *VAE* ([1312.6114](https://arxiv.org/abs/1312.6114)) · Bengio et al. 2013, *straight-through* ([1308.3432](https://arxiv.org/abs/1308.3432)) · van den Oord et al. 2017, *VQ-VAE* ([1711.00937](https://arxiv.org/abs/1711.00937)) · Razavi et al. 2019, *VQ-VAE-2* ([1906.00446](https://arxiv.org/abs/1906.00446)) ·
# Dhariwal et al. 2020, *Jukebox*, restarts ([2005.00341](https://arxiv.org/abs/2005.00341)) · Yu et al. 2021, *ViT-VQGAN*, l2 codes ([2110.04627](https://arxiv.org/abs/2110.04627)) · Mentzer et al. 2023, *FSQ* ([2309.15505](https://arxiv.org/abs/2309.15505))
# %% [markdown] lang="hi" of="ac07e974"
# ## अभ्यास, और आगे का रास्ता
#
# - क्वांटाइज़र का मुख्य हिस्सा और उसके लॉस ख़ुद लिखिए, और प्रकाशित कोड की ग़लतियाँ ढूँढिए: [अभ्यास](exercises.hi.ipynb)। पाठ का दूसरा क्विज़ [3.4](4-using-it.hi.ipynb) के अंत में है।
# - [3.2](2-vqgan.hi.ipynb) में एक डिस्क्रिमिनेटर (पाठ 2) और ऐसा लॉस जुड़ता है जो पिक्सल की जगह फ़ीचर देखता है: VQGAN।
# - [3.3](3-words-to-pictures.hi.ipynb) कोड *लिखना* सीखती है: हिंदी या अंग्रेज़ी के एक वाक्य से रंगोली तक।
#
# **संदर्भ।** Kingma & Welling 2013, *VAE* ([1312.6114](https://arxiv.org/abs/1312.6114)) · Bengio et al. 2013, *straight-through* ([1308.3432](https://arxiv.org/abs/1308.3432)) · van den Oord et al. 2017, *VQ-VAE* ([1711.00937](https://arxiv.org/abs/1711.00937)) · Razavi et al. 2019, *VQ-VAE-2* ([1906.00446](https://arxiv.org/abs/1906.00446)) ·
# Dhariwal et al. 2020, *Jukebox*, रीस्टार्ट ([2005.00341](https://arxiv.org/abs/2005.00341)) · Yu et al. 2021, *ViT-VQGAN*, l2 वाले कोड ([2110.04627](https://arxiv.org/abs/2110.04627)) · Mentzer et al. 2023, *FSQ* ([2309.15505](https://arxiv.org/abs/2309.15505))
