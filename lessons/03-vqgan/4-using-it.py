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
# # 3.4 · Using it: edit, compress, serve, train together
#
# The models are trained; what are they good for? In this notebook you repaint a picture by exchanging numbers, fill a hole in it by words, pack it into 64 bytes, ask whether generated pictures make a classifier better,
# put the model behind an address that any program can call, and train on two processes as on one. Each promise is measured, with a control, and not every one holds.
#
# **You need** [3.1](1-vqvae.en.ipynb), [3.2](2-vqgan.en.ipynb) and [3.3](3-words-to-pictures.en.ipynb): codes, codebook, and the model that draws from words.
# **Time**: about an hour to read and try; *Run all* takes about a minute and a half on two CPU cores.
# %% [markdown] lang="hi" of="f5fdac87"
# # 3.4 · काम में लगाइए: बदलना, समेटना, परोसना, मिलकर सिखाना
#
# मॉडल सीख चुके; अब ये किस काम के हैं? इस नोटबुक में आप कुछ संख्याएँ बदलकर चित्र को नए रंग में रँगेंगे, शब्दों से चित्र का छेद भरेंगे, पूरा चित्र 64 बाइट में समेटेंगे, जाँचेंगे कि बनाए हुए चित्रों से क्लासिफ़ायर सुधरता है या नहीं,
# मॉडल को ऐसे पते पर बिठाएँगे जहाँ कोई भी प्रोग्राम उसे पुकार सके, और दो प्रोसेस पर वैसी ही ट्रेनिंग करेंगे जैसी एक पर होती है। हर दावा कंट्रोल के साथ नापा जाएगा, और हर दावा सही नहीं निकलेगा।
#
# **क्या आना चाहिए**: [3.1](1-vqvae.hi.ipynb), [3.2](2-vqgan.hi.ipynb) और [3.3](3-words-to-pictures.hi.ipynb), यानी कोड, कोडबुक, और शब्दों से चित्र बनाने वाला मॉडल।
# **समय**: पढ़ने और आज़माने में लगभग एक घंटा; *Run all* दो CPU कोर पर लगभग डेढ़ मिनट लेता है।
# %% tags=["start"]
# %% name="imports" tags=["export"]
import io
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from matplotlib.figure import Figure
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

import common
from common import plots, quiz
from common.gan import kernel_distance
from common.data import image_folder, photographs, to_float, to_uint8
from common.interact import interact
from common.lang import language, t
from common.metrics import load_judge
from common.rangoli import (
    COLOURS,
    Factors,
    all_factors,
    captions,
    held_out,
    rangoli,
    render,
    sample_factors,
)
from common.vqgan import (
    VQVAE,
    CodePrior,
    Quantizer,
    TextToRangoli,
    guided,
    load_small_priors,
    load_text2rangoli,
    load_vqgan,
    nothing_like,
    psnr,
    vocabulary,
)


# %% [markdown] lang="en" name="preview-text"
# Where we are going: one rangoli; the same form in three other colours, by looking each of its 64 codes up in a table; and the picture with its lower half hidden. (You will write the table in section 2.)
# %% [markdown] lang="hi" of="84d59063"
# अंत तक आप यह कर चुके होंगे: एक रंगोली; वही आकृति तीन और रंगों में, बस उसके 64 कोड एक तालिका में देखकर बदले गए; और वही चित्र जिसका निचला आधा छिपा दिया गया। (तालिका आप सेक्शन 2 में बनाएँगे।)
# %% name="preview"
# You will meet each of these functions below.
from common.vqgan import codes_of, painted, partner_table, pictures_of, put_codes

vqgan = load_vqgan(device)
few = all_factors()[::8]
there = codes_of(vqgan, painted(few, few.colour))
lotus = Factors(*torch.tensor([[0], [2], [0], [2]]))  # yellow, on black, of eight petals
rangoli_codes = codes_of(vqgan, painted(lotus, lotus.colour, seed=1))
preview = [rangoli_codes]
for colour in (4, 3, 6):  # blue, green, pink
    in_colour = codes_of(vqgan, painted(few, torch.tensor(colour)))
    preview.append(partner_table(there, in_colour, 256)[rangoli_codes])
lower = torch.arange(8)[:, None].expand(8, 8) >= 4
preview.append(put_codes(rangoli_codes, lower, rangoli_codes[:, :1, :1]))
plots.show_images(
    pictures_of(vqgan, torch.cat(preview)),
    columns=5,
    colours=64,
    alt=t("A rangoli in four colours, and the same with its lower half gone"),
)


# %% [markdown] lang="en" name="by-hand-text"
# ## 1 · Editing by hand
#
# A picture of 32 × 32 is now a sheet of 8 × 8 whole numbers, each the number of an entry in the codebook. Who can change a number can change the picture. Two questions: **does a change stay where it is made**, and can you cut and paste?
# %% [markdown] lang="hi" of="f4642cb6"
# ## 1 · हाथ से बदलना
#
# 32 × 32 का चित्र अब 8 × 8 पूर्ण संख्याओं का काग़ज़ है; हर संख्या कोडबुक की एक प्रविष्टि का नंबर। जो संख्या बदल सकता है, वह चित्र बदल सकता है। दो सवाल हैं: **बदलाव वहीं रहता है जहाँ किया गया**, या फैलता है? और क्या काटकर चिपकाया जा सकता है?
# %% name="codes-of" tags=["export"]
@torch.no_grad()
def codes_of(model: VQVAE, pictures: Tensor) -> Tensor:
    """The codes of pictures [N, 3, H, W] in 0…1: Long [N, H/4, W/4]."""
    device = next(model.parameters()).device
    parts = [model.encode(part.to(device) * 2 - 1) for part in pictures.split(250)]
    return torch.cat(parts)


@torch.no_grad()
def pictures_of(model: VQVAE, codes: Tensor) -> Tensor:
    """The pictures [N, 3, 4h, 4w] in 0…1 that codes [N, h, w] stand for."""
    return torch.cat([(model.decode(part).clamp(-1, 1) + 1) / 2 for part in codes.split(250)])


# %% name="set-out"
painter = load_text2rangoli(device)
judge = load_judge("rangoli", device)
drawn, told = rangoli(500, seed=77)  # uint8 [500, 3, 32, 32]: new to every model
pictures = to_float(drawn).to(device)
codes = codes_of(vqgan, pictures)  # Long [500, 8, 8]
restored = pictures_of(vqgan, codes)
measured = []
print(t("the first two rows of codes of the first picture:"), codes[0, :2].tolist())


def right(pictures: Tensor, head: str, wanted: Tensor) -> float:
    """The share of pictures on which the judge reads `wanted` [N]: motif, colour, ground …"""
    return (judge.read(pictures)[head].argmax(1).cpu() == wanted.cpu()).float().mean().item()


def colour_name(number: int) -> str:
    """The name of a colour of the rangoli, in the notebook's language."""
    colour = COLOURS[number]
    return colour.hi if language() == "hi" else colour.en


def show_rows(rows: dict[str, Tensor], alt: str, zoom: int = 2) -> None:
    """Each row's pictures [N, 3, 32, 32] side by side, under the row's name."""
    strips = [
        rearrange(F.pad(x.cpu().clamp(0, 1), (1, 1), value=1.0), "n d h w -> d h (n w)")
        for x in rows.values()
    ]
    plots.show_images(strips, titles=list(rows), columns=1, zoom=zoom, colours=64, alt=alt)


# %% name="put-codes" tags=["export"]
def put_codes(codes: Tensor, mask: Tensor, new: Tensor) -> Tensor:
    """`codes` [N, h, w] with `new` codes where the boolean `mask` is True; nothing else changes.

    mask and new broadcast to [N, h, w]. ValueError if the mask is not boolean: a mask of 0 and 1
    would be taken for positions.
    """
    if mask.dtype != torch.bool:
        raise ValueError(t("The mask must be True and False, not {kind}", kind=str(mask.dtype)))
    return torch.where(mask.to(codes.device), new.to(codes), codes)


# %% name="cut-and-paste"
middle = torch.zeros(8, 8, dtype=torch.bool)
middle[2:6, 2:6] = True
below = torch.zeros(8, 8, dtype=torch.bool)
below[4:] = True
first, second = (told.symmetry == 2).nonzero().squeeze(1)[[0, 5]].tolist()
one, other = codes[[first]], codes[[second]]
plots.show_images(
    torch.cat(
        [
            restored[[first, second]],
            pictures_of(vqgan, put_codes(one, middle, other)),
            pictures_of(vqgan, put_codes(one, below, other)),
        ]
    ),
    titles=["A", "B", t("A, middle of B"), t("A, lower half of B")],
    columns=4,
    colours=64,
    alt=t("Two rangoli; the first with the middle of the second; the first over the second's half"),
)
# %% name="outside-untouched" tags=["nbval-check-output"]
edited = put_codes(codes, middle, codes.roll(1, 0))
print(t("codes outside the mask that changed:"), int((edited != codes)[:, ~middle].sum()))
# %% name="change-map"
row, column = 3, 4  # exchange this one code in every picture
at = torch.zeros(8, 8, dtype=torch.bool)
at[row, column] = True
dice = torch.Generator().manual_seed(0)
instead = put_codes(codes, at, codes[torch.randperm(len(codes), generator=dice).to(device)])
change = (pictures_of(vqgan, instead) - restored).square().mean((0, 1))  # [32, 32]
share = change / change.sum()
cells = {  # how much of the change lies within 1, 3 × 3, 5 × 5 cells around
    1 + 2 * n: share[4 * (row - n) : 4 * (row + n + 1), 4 * (column - n) : 4 * (column + n + 1)]
    .sum()
    .item()
    for n in range(3)
}
figure, ax = plt.subplots(figsize=(3.4, 2.9))
plots.heatmap(
    ax,
    share.sqrt(),
    title=t("{share} of the change in 3 × 3 cells", share=f"{cells[3]:.0%}"),
)
ax.set(xticks=[], yticks=[])
plots.show(figure, alt=t("A map of 32 × 32 pixels: a dark spot around the exchanged code"))
everywhere = (change > 0).float().mean().item()
print(t("share of the pixels that change at all: {all}", all=f"{everywhere:.0%}"))
assert cells[3] > 0.8 and everywhere > 0.9
measured.append([t("change inside 3 × 3 cells of the code"), cells[3], 9 / 64, t("their area")])
# %% [markdown] lang="en" name="by-hand-after"
# Nearly all of the change lies in the code's own cell and its neighbours, because the decoder is made of small convolutions. A trace of it lies *everywhere*: group norm (`GroupNorm` in the decoder's blocks) takes its mean over the whole picture. So the codes outside a mask are untouched to the last digit, the pixels outside are not.
# If pixels must stay, paste the old ones over the result.
# %% [markdown] lang="hi" of="fb42c460"
# लगभग सारा बदलाव कोड के अपने ख़ाने और उसके पड़ोसियों में है, क्योंकि डिकोडर छोटे कनवॉल्यूशन से बना है। पर उसका ज़रा-सा असर *हर जगह* है: ग्रुप नॉर्म (डिकोडर के ब्लॉकों का `GroupNorm`) पूरे चित्र का औसत लेता है। यानी मास्क के बाहर के कोड आख़िरी अंक तक वही रहते हैं, बाहर के पिक्सल नहीं।
# पिक्सल भी वही रखने हों, तो नतीजे पर पुराने पिक्सल चिपका दीजिए।


# %% [markdown] lang="en" name="partners-text"
# ## 2 · Style by exchanging codes: other colours, same form
#
# Can we repaint a picture *without a network*, by a table with one line for each code: "wherever code 17 stands, write 203"? The table can be learnt by **counting**. Draw the same pictures twice, once in any colour, once in blue, with the same form, turn and place; encode both; and note for each code which code stands most often in its place
# after the repainting: its *partner*. One table for each of the eight colours: 8 × 256 numbers, no gradient.
#
# The judge of lesson 2, which never trained any of our models, says whether it worked: is the colour the new one? Are motif and ground still the old ones?
# %% [markdown] lang="hi" of="b2f18f62"
# ## 2 · कोड बदलकर शैली: रंग दूसरा, आकृति वही
#
# क्या *बिना किसी नेटवर्क के* चित्र को नए रंग में रँगा जा सकता है? बस एक तालिका से, जिसमें हर कोड की एक पंक्ति हो: "जहाँ कोड 17 हो, वहाँ 203 लिखो"। ऐसी तालिका **गिनती** से सीखी जा सकती है। वही चित्र दो बार बनाइए, एक बार किसी भी रंग में, एक बार नीले में; आकृति, घुमाव और जगह वही रहे। दोनों के कोड निकालिए, और हर कोड के लिए देखिए
# कि रंग बदलने पर उसकी जगह सबसे ज़्यादा बार कौन-सा कोड आया: वही उसका *जोड़ीदार* (partner) है। आठों रंगों की एक-एक तालिका: 8 × 256 संख्याएँ, कोई ग्रेडिएंट नहीं।
#
# बात बनी या नहीं, यह पाठ 2 का जज बताएगा, जिसने हमारे किसी मॉडल को नहीं सिखाया: रंग नया है? आकृति और पृष्ठभूमि पुरानी ही हैं?
# %% name="painted" tags=["export"]
def painted(kinds: Factors, colour: Tensor, seed: int = 5) -> Tensor:
    """Pictures of these kinds in another colour; one seed gives one turn, size and place."""
    changed = Factors(kinds.motif, colour.expand(len(kinds)), kinds.ground, kinds.symmetry)
    return to_float(render(changed, generator=torch.Generator().manual_seed(seed)))


# %% name="partner-table" tags=["export"]
def partner_table(before: Tensor, after: Tensor, codes: int) -> Tensor:
    """For each code, the one that stands most often in its place after a change: Long [codes].

    before, after: codes of the same shape, of the same pictures before and after. A code that
    never occurs before is its own partner. ValueError for different shapes.
    """
    if before.shape != after.shape:
        raise ValueError(
            t("The same pictures twice: {a} and {b}", a=list(before.shape), b=list(after.shape))
        )
    pairs = (before * codes + after).flatten().bincount(minlength=codes * codes)
    counts = pairs.view(codes, codes)
    return torch.where(counts.sum(1) > 0, counts.argmax(1), torch.arange(codes).to(counts.device))


# %% name="count-partners"
kinds = all_factors()[::2]  # 384 of the 768 kinds


before = codes_of(vqgan, painted(kinds, kinds.colour))
tables = torch.stack(
    [
        partner_table(before, codes_of(vqgan, painted(kinds, torch.tensor(colour))), 256)
        for colour in range(8)
    ]
)  # Long [8, 256]
print(t("to blue, the first ten codes become {codes}", codes=tables[4, :10].tolist()))
# %% name="recolour"
target = (told.colour + 1 + torch.arange(len(told)) % 7) % 8  # never the colour that it has
recoloured = torch.stack([tables[c][grid] for c, grid in zip(target, codes, strict=True)])
order = torch.randperm(256, generator=torch.Generator().manual_seed(1)).to(device)
ways = {
    t("partners by count"): pictures_of(vqgan, recoloured),
    t("control: nothing exchanged"): restored,
    t("control: random partners"): pictures_of(vqgan, order[codes]),
}
rows = {
    name: [
        right(made, "colour", target),
        right(made, "motif", told.motif),
        right(made, "ground", told.ground),
    ]
    for name, made in ways.items()
}
plots.table(
    [[name, *row] for name, row in rows.items()],
    columns=["", t("new colour"), t("motif kept"), t("ground kept")],
    caption=t("500 new pictures, read by the judge: shares of 1"),
)
plots.show_images(
    [
        x
        for n in range(5)
        for x in (restored[n], *pictures_of(vqgan, tables[[0, 3, 4, 6, 7]][:, codes[n]]))
    ],
    titles=[t("as it was"), *(colour_name(c) for c in (0, 3, 4, 6, 7))] + [""] * 24,
    columns=6,
    zoom=2,
    colours=64,
    alt=t("Five rangoli, each repainted in five colours: the form stays"),
)
by_count, nothing, by_chance = rows.values()
assert by_count[0] > 0.5 and by_count[0] > 5 * nothing[0] and by_count[1] > by_chance[1] + 0.3
measured.append(
    [t("repainted: the new colour is read"), by_count[0], by_chance[0], t("random partners")]
)
measured.append(
    [t("repainted: the motif is kept"), by_count[1], by_chance[1], t("random partners")]
)


# %% [markdown] lang="en" name="partners-after"
# A table of 256 numbers repaints, and the form stays because nothing moves. It also errs, and you can see where: a code may stand for more than one thing (a white petal, and the light middle of a pink one), and the table knows only the commonest. And it can do only what the codebook holds: for a brush stroke that no training picture had, there is no code.
# Lesson 4 transfers a style by other means, with statistics of features, and compares the two.
# %% [markdown] lang="hi" of="30a8e74d"
# 256 संख्याओं की तालिका चित्र को नए रंग में रँग देती है, और आकृति बनी रहती है, क्योंकि कुछ भी अपनी जगह से हिलता नहीं। ग़लतियाँ भी होती हैं, और दिखता है कहाँ: एक कोड कई चीज़ों की जगह आ सकता है (सफ़ेद पंखुड़ी, या गुलाबी पंखुड़ी का हलका बीच), और तालिका सिर्फ़ सबसे आम को जानती है। और वह उतना ही कर सकती है जितना कोडबुक में है: जिस तरह का ब्रश ट्रेनिंग के किसी चित्र में नहीं था, उसका कोड भी नहीं।
# पाठ 4 शैली-अंतरण दूसरे रास्ते से करता है, फ़ीचरों के आँकड़ों से, और दोनों की तुलना करता है।
# %% name="try-colours"
def repaint(picture: int, colour: int) -> Figure:
    """One picture before and after; its codes that change are marked."""
    grid = codes[picture]
    new = tables[colour][grid]
    figure, axes = plt.subplots(1, 3, figsize=(6.6, 2.4), layout="constrained")
    for ax, image, title in zip(
        axes,
        (restored[picture], pictures_of(vqgan, new[None])[0]),
        (t("before"), colour_name(colour)),
        strict=False,
    ):
        ax.imshow(image.permute(1, 2, 0).cpu())
        ax.set_title(title)
    axes[2].imshow((new != grid).cpu(), cmap="Blues", vmin=0, vmax=1.5)
    for (y, x), value in np.ndenumerate(new.cpu().numpy()):
        axes[2].text(x, y, value, ha="center", va="center", fontsize=6)
    axes[2].set_title(t("{n} of 64 codes exchanged", n=int((new != grid).sum())))
    for ax in axes:
        ax.set(xticks=[], yticks=[])
    return figure


interact(
    repaint,
    picture=(0, 40, 1),
    colour={colour_name(c): c for c in range(8)},
    labels={"picture": t("picture"), "colour": t("colour")},
    static=[{"picture": 0, "colour": 4}, {"picture": 3, "colour": 6}],
    alt=t("A rangoli, the same in another colour, and its 64 new codes"),
)


# %% [markdown] lang="en" name="inpainting-text"
# ## 3 · Filling a hole
#
# Hide half of the codes, and let something fill them in (**inpainting**). What may stand there depends on what is left, so we need something that knows which codes go together. Candidates, from the one that knows least:
#
# - **random** codes: the control;
# - the **commonest** code of each place: knows nothing of the other half;
# - the **nearest** picture: among 3,000 pictures find the one whose codes agree best where you can see, and copy its codes where you cannot;
# - the small **masked prior** of [3.3](3-words-to-pictures.en.ipynb), which was trained to guess missing codes: guess all that are missing, keep the surest, and look again (Chang et al. 2022, *MaskGIT*);
# - the large **flow prior**, which draws latents from noise in small steps. At each step we put the *known* part back, as noisy as the step is (Lugmayr et al. 2022, *RePaint*), so that only the hole is drawn, with an eye on the rest.
#
# The last two also read words. The judge reads each whole picture: the half that is seen gives much away, so the random codes show where counting begins.
# %% [markdown] lang="hi" of="85b8cfd3"
# ## 3 · छेद भरना
#
# आधे कोड छिपा दीजिए और किसी से भरवाइए (इनपेंटिंग, inpainting)। वहाँ क्या आ सकता है, यह बची हुई आधी पर टिका है; इसलिए ऐसा कुछ चाहिए जिसे पता हो कि कौन-से कोड साथ आते हैं। उम्मीदवार ये रहे, सबसे कम जानने वाले से शुरू करके:
#
# - **रैंडम** कोड: यही कंट्रोल है;
# - हर जगह का **सबसे आम** कोड: उसे दूसरी आधी का कुछ पता नहीं;
# - **सबसे पास** का चित्र: 3,000 चित्रों में वह ढूँढिए जिसके कोड दिखती आधी से सबसे ज़्यादा मिलें, और छिपी आधी के कोड उसी से उठा लीजिए;
# - [3.3](3-words-to-pictures.hi.ipynb) का छोटा **मास्क्ड प्रायर** (masked prior), जिसने छिपे कोड भाँपना ही सीखा है: जो छिपे हैं सब भाँपो, जिन पर सबसे ज़्यादा भरोसा हो उन्हें रखो, और फिर देखो (Chang et al. 2022, *MaskGIT*);
# - बड़ा **फ़्लो प्रायर** (flow prior), जो शोर से छोटे-छोटे क़दमों में लेटेंट बनाता है। हर क़दम पर हम *दिखता* हिस्सा वापस रख देते हैं, उतने ही शोर के साथ जितना उस क़दम पर है (Lugmayr et al. 2022, *RePaint*); इस तरह बनता सिर्फ़ छेद है, पर बाक़ी पर नज़र रखकर।
#
# आख़िरी दो शब्द भी पढ़ते हैं। जज पूरा चित्र पढ़ता है: दिखती आधी से ही काफ़ी कुछ पता चल जाता है, इसलिए गिनती कहाँ से शुरू हो, यह रैंडम कोड बताते हैं।
# %% name="nearest-codes" tags=["export"]
def nearest_codes(codes: Tensor, hidden: Tensor, library: Tensor) -> Tensor:
    """Fill the `hidden` places (bool [h, w]) of codes [N, h, w] from the library [M, h, w].

    Each picture takes them from the one that agrees with it in most of the places that are seen.
    """
    agree = torch.stack(
        [(library[:, ~hidden] == seen).sum(1) for seen in codes[:, ~hidden]]
    )  # [N, M]
    return put_codes(codes, hidden, library[agree.argmax(1)])


# %% name="fill-codes" tags=["export"]
@torch.no_grad()
def fill_codes(
    prior: CodePrior,
    codes: Tensor,
    hidden: Tensor,
    prompts: Sequence[str],
    guidance: float = 2.0,
    steps: int = 8,
    seed: int = 0,
) -> Tensor:
    """Fill the hidden places (bool [h, w]) of codes [N, h, w] by a masked prior.

    In each round it throws a code for every missing place, and the surest stay. An empty prompt
    is no prompt. What was not hidden is never touched.
    """
    device = next(prior.parameters()).device
    tokens = vocabulary().encode(prompts).to(device)
    words, readable = prior.text(torch.cat([tokens, nothing_like(tokens)]))
    dice = torch.Generator().manual_seed(seed)
    x = codes.to(device).masked_fill(hidden.to(device), prior.codes).flatten(1)
    for step in range(1, steps + 1):
        missing = x == prior.codes
        scores = guided(*prior(x.repeat(2, 1), words, readable).chunk(2), guidance)
        chances = scores.softmax(-1)
        thrown = torch.multinomial(chances.flatten(0, 1).cpu(), 1, generator=dice)
        code = thrown.view(x.shape).to(device)
        sure = chances.gather(-1, code[..., None])[..., 0].masked_fill(~missing, math.inf)
        again = round(int(hidden.sum()) * math.cos(math.pi / 2 * step / steps))
        least = sure.argsort(1)[:, :again]  # these are guessed anew in the next round
        x = torch.where(missing, code, x).scatter(1, least, prior.codes)
    return x.view(codes.shape)


# %% name="fill-with-words" tags=["export"]
@torch.no_grad()
def fill_with_words(
    model: TextToRangoli,
    pictures: Tensor,
    hidden: Tensor,
    prompts: Sequence[str],
    guidance: float = 2.0,
    steps: int = 20,
    seed: int = 0,
) -> Tensor:
    """Draw the hidden places anew: pictures [N, 3, 32, 32] in 0…1, hidden bool [8, 8] cells.

    An empty prompt is no prompt. What was not hidden is put back at every step, as noisy as the
    step is (RePaint); at the end it is the model's own reconstruction of it.
    """
    device = next(model.prior.parameters()).device
    hole = hidden.to(device)
    known = model.autoencoder.encode(pictures.to(device) * 2 - 1)  # [N, 24, 8, 8]
    noise = torch.randn(known.shape, generator=torch.Generator().manual_seed(seed)).to(device)
    tokens = vocabulary().encode(prompts).to(device)
    copies = 1 if guidance == 1 else 2
    said = torch.cat([tokens, nothing_like(tokens)][:copies])
    words, readable = model.prior.text(said)
    x = noise
    for step in range(steps):
        now, then = step / steps, (step + 1) / steps
        seen = x.repeat(copies, 1, 1, 1)
        speed = model.prior(seen, seen.new_full((len(seen),), now), words, readable)
        x = x + (then - now) * (speed if copies == 1 else guided(*speed.chunk(2), guidance))
        x = torch.where(hole, x, (1 - then) * noise + then * known)
    return (model.autoencoder.decode(x) + 1) / 2


# %% name="inpainting"
COUNT = 40
half = pictures[:COUNT]
train, train_told = rangoli(3000, seed=50, split="train")
library = codes_of(vqgan, to_float(train))
places = library.flatten(1).T  # [64, 3000]
commonest = places.mode(dim=1).values.view(8, 8)
anything = torch.randint(256, codes[:COUNT].shape, generator=torch.Generator().manual_seed(0))
sentences, no_words = captions(told[:COUNT], "en", symmetry=True), [""] * COUNT
masked = load_small_priors(device)["masked"]
filled = {
    t("nothing hidden"): restored[:COUNT],
    t("random codes"): pictures_of(vqgan, put_codes(codes[:COUNT], below, anything)),
    t("commonest codes"): pictures_of(vqgan, put_codes(codes[:COUNT], below, commonest)),
    t("codes of the nearest picture"): pictures_of(
        vqgan, nearest_codes(codes[:COUNT], below, library)
    ),
    t("the masked prior, no words"): pictures_of(
        vqgan, fill_codes(masked, codes[:COUNT], below, no_words, guidance=1.0)
    ),
    t("the masked prior, with words"): pictures_of(
        vqgan, fill_codes(masked, codes[:COUNT], below, sentences)
    ),
    t("the flow prior, no words"): fill_with_words(painter, half, below, no_words, guidance=1.0),
    t("the flow prior, with words"): fill_with_words(painter, half, below, sentences),
}
fills = {
    name: [
        right(made, "motif", told.motif[:COUNT]),
        right(made, "symmetry", told.symmetry[:COUNT]),
        psnr(made[:, :, 16:] * 2 - 1, half[:, :, 16:] * 2 - 1),
    ]
    for name, made in filled.items()
}
plots.table(
    [[name, *row] for name, row in fills.items()],
    columns=[t("the lower half by"), t("motif read"), t("symmetry read"), t("PSNR there, dB")],
    caption=t("Words help most; without them the nearest picture does as well as a prior"),
)
grey = half.clone()
grey[:, :, 16:] = 0.5
show_rows(
    {
        t("original"): half[:8],
        t("hidden"): grey[:8],
        **{name: made[:8] for name, made in list(filled.items())[2:]},
    },
    alt=t("Eight rangoli whose lower half is hidden, and what six ways put there"),
)
chance, common_, near, _, masked_, _, worded = list(fills.values())[1:]
assert near[0] > max(chance[0], common_[0]) and worded[0] > max(chance[0], common_[0]) + 0.1
measured.append(
    [t("hole filled: motif read, nearest picture"), near[0], common_[0], t("commonest codes")]
)
measured.append(
    [
        t("hole filled: motif read, masked prior, with words"),
        masked_[0],
        chance[0],
        t("random codes"),
    ]
)
measured.append(
    [t("hole filled: motif read, flow prior, with words"), worded[0], chance[0], t("random codes")]
)
# %% [markdown] lang="en" name="rewrite-text"
# Three things to read off. Words help most, for half a motif may belong to several. *Without* words the priors are no better than copying from the nearest picture: among 40 pictures each counts 0.025, so a lead of one or two means nothing. And with words both find the motif, but look at the rows: the lower half of the small prior is a rough one, that of the large one fits, and the PSNR says the same.
# The large one was trained many times as long ([its card](../../../common/weights/text2rangoli.md) and [that of the small one](../../../common/weights/small-priors.md) tell how long); but they also differ in kind (one puts codes, the other latents without a codebook), so the time alone need not be the reason.
#
# With other words the same cell *changes* the picture: keep the upper half, and ask for another colour below.
# %% [markdown] lang="hi" of="824915aa"
# तीन बातें देखिए। सबसे ज़्यादा मदद शब्दों से मिलती है, क्योंकि आधी आकृति कई आकृतियों की हो सकती है। *बिना* शब्दों के प्रायर सबसे पास के चित्र की नक़ल से बेहतर नहीं: 40 चित्रों में हर चित्र 0.025 का है, इसलिए एक-दो की बढ़त का कोई मतलब नहीं। और शब्दों के साथ आकृति दोनों को मिल जाती है, पर पंक्तियाँ देखिए: छोटे प्रायर का निचला आधा खुरदरा है, बड़े का ठीक बैठता है; PSNR भी यही कहता है।
# बड़े वाले को छोटे से कई गुना समय मिला (कितना, यह [उसके](../../../common/weights/text2rangoli.md) और [छोटे वाले के](../../../common/weights/small-priors.md) कार्ड में है); पर दोनों की क़िस्म भी अलग है (एक कोड रखता है, दूसरा बिना कोडबुक वाले लेटेंट), इसलिए ज़रूरी नहीं कि वजह अकेला समय हो।
#
# शब्द दूसरे हों तो यही सेल चित्र को *बदलता* है: ऊपर का आधा रखिए, और नीचे दूसरा रंग माँगिए।
# %% name="rewrite"
wish = Factors(told.motif[:6], (told.colour[:6] + 4) % 8, told.ground[:6], told.symmetry[:6])
rewritten = fill_with_words(painter, pictures[:6], below, captions(wish, "hi"), guidance=3.0)
plots.show_images(
    torch.cat([pictures[:6], rewritten]),
    columns=6,
    zoom=3,
    colours=64,
    alt=t("Six rangoli, and below them the same whose lower half was drawn in another colour"),
)

# %% [markdown] lang="en" name="between-text"
# ## 4 · Between two pictures
#
# In [2.3](../../02-gan/notebooks/3-bigger-pictures.en.ipynb) a walk through w led from one rangoli to another, and there was a rangoli at every step. Here a latent is not one vector, but 64 in their places. What lies half-way?
#
# - **vectors**: the mean of both pictures' vectors, decoded as it is;
# - **codes**: the same mean, replaced by the nearest codes;
# - **exchange**: half of the codes, drawn by lot, from the other picture;
# - control: **pixels**, a plain cross-fade.
# %% [markdown] lang="hi" of="688720a9"
# ## 4 · दो चित्रों के बीच
#
# [2.3](../../02-gan/notebooks/3-bigger-pictures.hi.ipynb) में w से होकर चली सैर एक रंगोली से दूसरी तक जाती थी, और हर क़दम पर एक रंगोली थी। यहाँ लेटेंट एक वेक्टर नहीं, अपनी-अपनी जगह पर 64 हैं। ठीक बीच में क्या है?
#
# - **वेक्टर**: दोनों चित्रों के वेक्टरों का औसत, सीधे डिकोड किया हुआ;
# - **कोड**: वही औसत, पर सबसे पास के कोड से बदला हुआ;
# - **अदला-बदली**: आधे कोड, पर्ची निकालकर, दूसरे चित्र से;
# - कंट्रोल: **पिक्सल**, सीधा-सादा घुलना।
# %% name="between"
a, b = pictures[:200], pictures[200:400]
with torch.no_grad():
    vectors_a, vectors_b = (vqgan.encoder(x * 2 - 1) for x in (a, b))


@torch.no_grad()
def half_way(way: str, amount: float, count: int = 200) -> Tensor:
    """Pictures 0…1 [count, 3, 32, 32], `amount` of the way from a to b."""
    mixed = torch.lerp(vectors_a[:count], vectors_b[:count], amount)
    if way == "vectors":
        return (vqgan.decoder(mixed).clamp(-1, 1) + 1) / 2
    if way == "codes":
        return pictures_of(vqgan, vqgan.quantizer.nearest(mixed))
    if way == "exchange":
        lot = torch.rand(8, 8, generator=torch.Generator().manual_seed(0)) < amount
        return pictures_of(vqgan, put_codes(codes[:count], lot, codes[200 : 200 + count]))
    return torch.lerp(a[:count], b[:count], amount)


def sure(pictures: Tensor) -> float:
    """The share in which the judge sees one motif in one colour, each with more than 0.9."""
    said = judge.read(pictures)
    return ((said["motif"].amax(1) > 0.9) & (said["colour"].amax(1) > 0.9)).float().mean().item()


names = {
    "vectors": t("vectors"),
    "codes": t("codes"),
    "exchange": t("exchange"),
    "pixels": t("pixels"),
}
fade = half_way("pixels", 0.5) * 2 - 1
steps = torch.linspace(0, 1, 17)
halves = {}
for way in names:
    middle_ = half_way(way, 0.5)
    frames = torch.stack([half_way(way, amount.item(), 24) for amount in steps])
    moves = (frames[1:] - frames[:-1]).square().mean((2, 3, 4)).sqrt()  # [16, 24]
    halves[way] = [
        sure(middle_),
        psnr(middle_ * 2 - 1, fade),
        (moves.amax(0) / moves.mean(0)).mean().item(),
    ]
plots.table(
    [[names[way], *halves[way]] for way in ("vectors", "codes", "exchange")]
    + [[names["pixels"], halves["pixels"][0], None, halves["pixels"][2]]],
    columns=[
        t("half-way by"),
        t("judge is sure"),
        t("PSNR against the cross-fade, dB"),
        t("greatest step / mean step"),
    ],
    caption=t("No way finds a rangoli in the middle (ends: {ends})", ends=f"{sure(restored):.2f}"),
)
show_rows(
    {
        name: torch.cat([half_way(way, amount / 8, 1) for amount in range(9)])
        for way, name in names.items()
    },
    alt=t("Four rows from one rangoli to another: all look like two pictures laid over each other"),
)
assert max(row[0] for row in halves.values()) < sure(restored) - 0.15
assert halves["codes"][2] > halves["vectors"][2]  # codes jump
measured.append(
    [
        t("half-way by vectors: the judge is sure"),
        halves["vectors"][0],
        sure(restored),
        t("at the ends"),
    ]
)
measured.append(
    [t("greatest step / mean step: codes"), halves["codes"][2], halves["vectors"][2], t("vectors")]
)
# %% [markdown] lang="en" name="between-after"
# An honest no. A latent with places interpolates **place by place**: what you get is close to a cross-fade. Vectors glide, codes move in jerks, for a code changes wholly or not at all. The decoder was taught to restore pictures, and nobody asked it to make a rangoli out of every mixture. What knows the whole picture is the *prior*: whatever noise and
# prompt you give it ([3.3](3-words-to-pictures.en.ipynb)), it draws one rangoli and not two laid over each other.
# %% [markdown] lang="hi" of="5f11dc3b"
# ईमानदार जवाब: नहीं। जगहों वाले लेटेंट में इंटरपोलेशन **जगह-जगह** होता है: जो मिलता है वह सीधे-सादे घुलने जैसा ही है। वेक्टर सरकते हैं, कोड झटके से बदलते हैं, क्योंकि कोड या तो पूरा बदलता है या बिलकुल नहीं। डिकोडर ने चित्र लौटाना सीखा है; हर मिलावट से रंगोली बनाना उससे किसी ने माँगा ही नहीं। पूरे चित्र को *प्रायर* जानता है: उसे कोई भी शोर और
# प्रॉम्प्ट दीजिए ([3.3](3-words-to-pictures.hi.ipynb)), वह एक ही रंगोली बनाता है, एक-दूसरे पर रखी दो नहीं।

# %% [markdown] lang="en" name="synthesis-text"
# ## 5 · New pictures, and play
#
# **Synthesis.** A decoder turns *any* 64 codes into a picture; a new rangoli needs codes that fit together. Three sources: random codes; each place's codes as often as they occur there, but each place for itself; and the model that draws from words.
# %% [markdown] lang="hi" of="d4fd2ab3"
# ## 5 · नए चित्र, और खेल
#
# **संश्लेषण (synthesis)।** डिकोडर *किन्हीं भी* 64 कोडों से चित्र बना देता है; नई रंगोली के लिए ऐसे कोड चाहिए जो एक-दूसरे से मेल खाएँ। तीन स्रोत: रैंडम कोड; हर जगह के कोड उतनी बार जितनी बार वे वहाँ आते हैं, पर हर जगह अपने-आप में; और शब्दों से चित्र बनाने वाला मॉडल।
# %% name="synthesis"
wanted = sample_factors(32, torch.Generator().manual_seed(3))
dice = torch.Generator().manual_seed(2)
apart = places.gather(1, torch.randint(3000, (64, 32), generator=dice).to(device)).T.view(-1, 8, 8)
sources = {
    t("random codes"): pictures_of(vqgan, anything[:32].to(device)),
    t("each place for itself"): pictures_of(vqgan, apart),
    t("the model that draws from words"): painter.draw(captions(wanted, "hi", symmetry=True)).to(
        device
    ),
    t("real, restored"): restored[:32],
}
far = [kernel_distance(judge(pictures), judge(made)) for made in sources.values()]
plots.table(
    [[name, d, sure(made)] for d, (name, made) in zip(far, sources.items(), strict=True)],
    columns=[t("codes from"), t("KID (less is better)"), t("judge is sure")],
    caption=t("New pictures come from the prior; the decoder alone knows no rangoli"),
)
show_rows(
    {name: made[:10] for name, made in sources.items()},
    alt=t(
        "Rows of ten: random codes give coloured noise, places for themselves blobs, the model rangoli"
    ),
)
as_told = right(sources[t("the model that draws from words")], "motif", wanted.motif)
assert far[2] < 0.5 * min(far[:2]) and as_told > 0.6
measured.append([t("new pictures: KID"), far[2], far[1], t("each place for itself")])
# %% [markdown] lang="en" name="play-text"
# The model's KID is a little below zero, as is that of real pictures: for so few pictures both mean "no difference found". Note the last column: on the noise from random codes the judge is "sure" more than once in five times. A network that never saw noise has no word for it, so its confidence alone proves nothing; a distance to real pictures (KID, [2.2](../../02-gan/notebooks/2-dcgan.en.ipynb)) is not deceived.
#
# **Creative work** is choosing and arranging. The decoder is a convolution: give it a larger sheet of codes, and it draws a larger picture. Here a doorway (*toran*) for a festival: two prompts in Hindi, one in English, and the border repainted with the tables of section 2, all laid out *as codes* and decoded in one go.
# %% [markdown] lang="hi" of="41d7f76a"
# मॉडल का KID शून्य से ज़रा नीचे है, असली चित्रों का भी: इतने कम चित्रों पर दोनों का मतलब है "कोई फ़र्क़ नहीं मिला"। आख़िरी कॉलम देखिए: रैंडम कोड के शोर पर भी जज को पाँच में से एक से ज़्यादा बार "पक्का भरोसा" होता है। जिस नेटवर्क ने शोर देखा ही नहीं, उसके पास उसके लिए कोई नाम नहीं; इसलिए अकेला उसका भरोसा कुछ साबित नहीं करता। असली चित्रों से दूरी (KID, [2.2](../../02-gan/notebooks/2-dcgan.hi.ipynb)) धोखा नहीं खाती।
#
# **रचनात्मक काम** चुनना और सजाना है। डिकोडर कनवॉल्यूशन है: कोड का बड़ा काग़ज़ दीजिए, तो बड़ा चित्र बनाएगा। यहाँ त्योहार का एक *तोरण* है: दो प्रॉम्प्ट हिंदी में, एक अंग्रेज़ी में, किनारी सेक्शन 2 की तालिकाओं से रँगी हुई; सब कुछ *कोड के रूप में* सजाया गया और एक ही बार में डिकोड हुआ।
# %% name="doorway"
prompts = [
    "काली पृष्ठभूमि पर आठ बिंदियों वाला पीला दीया",
    "काली पृष्ठभूमि पर आठ पंखुड़ियों वाला गुलाबी कमल",
    "a white star with eight points on a black background",
]
lamp, lotus, star = codes_of(vqgan, painter.draw(prompts, seed=5))
repainted = [tables[c][lotus] for c in (0, 1, 2, 6, 5, 4, 3)]
top = torch.cat([lamp, *repainted, lamp], dim=1)  # [8, 72]
side = torch.cat([star, tables[2][star], star], dim=0)  # [24, 8]
inside = top.new_full((24, 56), int(lotus[0, 0]))  # the code of a black corner
door = torch.cat([top, torch.cat([side, inside, side], dim=1)], dim=0)  # [32, 72] codes
plots.show_images(
    pictures_of(vqgan, door[None]),
    zoom=2,
    colours=64,
    alt=t(
        "A doorway of rangoli on black: a lamp in both corners, seven lotuses between, stars below"
    ),
)
# %% name="doorway-shape" tags=["nbval-check-output"]
print(t("codes"), list(door.shape), "→", list(pictures_of(vqgan, door[None]).shape[1:]))


# %% [markdown] lang="en" name="augmentation-text"
# ## 6 · Do generated pictures make a classifier better?
#
# You have **five pictures of each motif**, 40 in all, and want a classifier. Would pictures from the model help? Every run below makes the *same number of steps* with the same small network; only its pictures differ. The test pictures are new, and each number is the mean of three runs, with three draws of the 40.
# %% [markdown] lang="hi" of="7d306e6b"
# ## 6 · क्या बनाए हुए चित्रों से क्लासिफ़ायर सुधरता है?
#
# आपके पास **हर आकृति के पाँच चित्र** हैं, कुल 40, और क्लासिफ़ायर चाहिए। क्या मॉडल के बनाए चित्रों से मदद मिलेगी? नीचे हर ट्रेनिंग में *उतने ही क़दम* हैं और वही छोटा नेटवर्क; फ़र्क़ सिर्फ़ चित्रों का है। परखने के चित्र नए हैं, और हर संख्या तीन ट्रेनिंग का औसत है, जिनमें 40 चित्र हर बार नए चुने गए।
# %% name="learn"
def learn(
    pictures: Tensor, labels: Tensor, seed: int, change: Callable | None = None, steps: int = 120
) -> nn.Module:
    """A small classifier of motifs after `steps` steps of 32 pictures (SGD with momentum)."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = nn.Sequential(
            nn.PixelUnshuffle(4),  # 48 channels, 8 × 8
            nn.Conv2d(48, 32, 1),
            nn.ReLU(),
            nn.Conv2d(32, 48, 3, 2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(48 * 16, 8),
        ).to(device)
    numbers, lot = list(net.parameters()), torch.Generator().manual_seed(seed)
    pace = [torch.zeros_like(p) for p in numbers]
    for step in range(steps):
        index = torch.randint(len(pictures), (32,), generator=lot).to(device)
        x = pictures[index] if change is None else change(pictures[index], lot)
        slopes = torch.autograd.grad(F.cross_entropy(net(x * 2 - 1), labels[index]), numbers)
        with torch.no_grad():
            for p, v, slope in zip(numbers, pace, slopes, strict=True):
                p -= 0.05 * (1 - step / steps) * v.mul_(0.9).add_(slope)
    return net


def plain(x: Tensor, lot: torch.Generator) -> Tensor:
    """Mirror, shift by up to 2 pixels, and mix the colour channels: the usual augmentation."""
    flip, down, right_ = (int(n) for n in torch.randint(0, 5, (3,), generator=lot))
    x = (x.flip(3) if flip % 2 else x).roll((down - 2, right_ - 2), (2, 3))
    return x[:, torch.randperm(3, generator=lot)]


# %% name="augmentation"
EACH = 12  # generated for each motif
asked = Factors(
    torch.arange(8).repeat_interleave(EACH),
    *(torch.randint(n, (8 * EACH,), generator=torch.Generator().manual_seed(n)) for n in (8, 4, 3)),
)
generated = painter.draw(captions(asked, "en", symmetry=True), seed=7).to(device)
test, test_told = rangoli(600, seed=11)
test, answers = to_float(test).to(device), test_told.motif.to(device)
scores: dict[str, list[float]] = {}
for seed in range(3):
    draw, facts = rangoli(400, seed=100 + seed)
    five = torch.cat([(facts.motif == m).nonzero().squeeze(1)[:5] for m in range(8)])
    more = torch.cat([(facts.motif == m).nonzero().squeeze(1)[5 : 5 + EACH] for m in range(8)])
    own, label = to_float(draw[five]).to(device), facts.motif[five].to(device)
    grids = codes_of(vqgan, own)
    every_colour = torch.cat([pictures_of(vqgan, table[grids]) for table in tables])
    sets = {
        t("40 pictures"): (own, label, None),
        t("40, plain augmentation"): (own, label, plain),
        t("40, repainted by codes: 360"): (
            torch.cat([own, every_colour]),
            label.repeat(9),
            None,
        ),
        t("40 + 96 generated"): (
            torch.cat([own, generated]),
            torch.cat([label, asked.motif.to(device)]),
            None,
        ),
        t("40 + 96 real"): (
            torch.cat([own, to_float(draw[more]).to(device)]),
            torch.cat([label, facts.motif[more].to(device)]),
            None,
        ),
    }
    for name, (x, y, change) in sets.items():
        net = learn(x, y, seed, change)
        with torch.no_grad():
            guess = net(test * 2 - 1).argmax(1)
        scores.setdefault(name, []).append((guess == answers).float().mean().item())
gains = {name: np.array(row) for name, row in scores.items()}
figure, ax = plt.subplots(figsize=(6.6, 2.9), layout="constrained")
for y, row in enumerate(gains.values()):
    ax.barh(y, row.mean(), color=plots.COLOURS[5])
    ax.plot(row, [y] * len(row), "o", color=plots.COLOURS[0], markersize=4)
alone, usual, by_codes, made, real_ = (row.mean() for row in gains.values())
ax.set_title(t("{a} alone, {b} with generated pictures", a=f"{alone:.0%}", b=f"{made:.0%}"))
ax.axvline(1 / 8, color="0.5", linewidth=1)
ax.set_yticks(range(len(gains)), list(gains))
ax.invert_yaxis()
ax.set(xlim=(0, 1), xlabel=t("motif right on 600 new pictures (line: chance)"))
plots.show(
    figure, alt=t("Five bars of accuracy with three dots each; 40 pictures alone are lowest")
)
plots.table(
    [[name, row.mean(), row.min(), row.max()] for name, row in gains.items()],
    columns=[t("trained on"), t("mean"), t("worst"), t("best")],
    caption=t("Equal steps; chance is 0.125"),
)
measured.append(
    [
        t("classifier, with 96 generated pictures"),
        float(made),
        float(alone),
        t("40 pictures alone"),
    ]
)
measured.append(
    [
        t("classifier, with 96 generated pictures"),
        float(made),
        float(real_),
        t("96 real ones instead"),
    ]
)
measured.append(
    [t("classifier, repainted by codes"), float(by_codes), float(alone), t("40 pictures alone")]
)
assert made > alone + 0.03
# %% [markdown] lang="en" name="augmentation-after"
# Generated pictures help here, and the controls say why that is no magic. The model that drew them has seen a great many pictures *with their captions* ([its card](../../../common/weights/text2rangoli.md) says how many): its 96 pictures bring knowledge that the 40 do not hold. Where no such model is at hand, nothing is gained that you do not pay for elsewhere. Repainting by codes and plain augmentation bring other knowledge:
# that a motif stays the same in another colour, or mirrored. And real pictures are the yardstick: before you believe a report that shows no such bar, ask for it.
# %% [markdown] lang="hi" of="7f5a6305"
# यहाँ बनाए हुए चित्रों से मदद मिली, और कंट्रोल बताते हैं कि इसमें जादू नहीं। जिस मॉडल ने वे बनाए, उसने *कैप्शन समेत* बहुत सारे चित्र देखे हैं (कितने, यह [उसका कार्ड](../../../common/weights/text2rangoli.md) बताता है): उसके 96 चित्र वह जानकारी लाते हैं जो 40 में है ही नहीं। जहाँ ऐसा मॉडल न हो, वहाँ मुफ़्त में कुछ नहीं मिलता। कोड से रँगना और सादा ऑगमेंटेशन दूसरी जानकारी लाते हैं:
# कि रंग बदले या चित्र पलटे, आकृति वही रहती है। और पैमाना असली चित्र हैं: जिस रिपोर्ट में यह तुलना न हो, उस पर भरोसा करने से पहले उसे माँगिए।


# %% [markdown] lang="en" name="compression-text"
# ## 7 · Compression: a picture in 64 bytes
#
# 64 codes of 8 bits (256 = 2⁸ entries) are 512 bits for 32 × 32 = 1024 pixels: **0.5 bits per pixel**. Unpacked, a picture has 24. How good are JPEG and WebP at that size?
#
# Fairness needs care, for a file is not only its picture. A JPEG of 32 × 32 spends most of its bytes on tables that are the same in every file. So we count three ways: the file **as it is**; **without its headers** (the coded pixels alone); and a **sheet** of 256 pictures in one file, where the headers are shared and nothing need be left out.
#
# Codes can be packed tighter too, since they are not equally frequent. An ideal coder spends −log₂ p bits on a code that it expected with probability p. We let it expect by what stands to the left, what stands above, and where the place is, counted over 3,000 *other* pictures.
# %% [markdown] lang="hi" of="abd9c312"
# ## 7 · कंप्रेशन (compression): 64 बाइट में एक चित्र
#
# 8 बिट के 64 कोड (256 = 2⁸ प्रविष्टियाँ) यानी 32 × 32 = 1024 पिक्सल के लिए 512 बिट: **0.5 बिट प्रति पिक्सल**। बिना समेटे चित्र में 24 होते हैं। उतनी ही जगह में JPEG और WebP कितने अच्छे हैं?
#
# बराबरी की तुलना में सावधानी चाहिए, क्योंकि फ़ाइल में सिर्फ़ चित्र नहीं होता। 32 × 32 की JPEG फ़ाइल के ज़्यादातर बाइट ऐसी तालिकाओं में जाते हैं जो हर फ़ाइल में एक-सी हैं। इसलिए गिनती तीन तरह से होगी: फ़ाइल **जैसी है**; **बिना हेडर** (सिर्फ़ पिक्सलों के बिट); और 256 चित्रों की एक **शीट**, जिसमें हेडर सबके साझे हैं और कुछ छोड़ना नहीं पड़ता।
#
# कोड और भी समेटे जा सकते हैं, क्योंकि सब बराबर बार नहीं आते। आदर्श कोडर उस कोड पर −log₂ p बिट ख़र्च करता है जिसकी उसे प्रायिकता p से उम्मीद थी। हम उसे उम्मीद बनाने देते हैं तीन बातों से: बाईं ओर क्या है, ऊपर क्या है, और जगह कौन-सी है; गिनती 3,000 *दूसरे* चित्रों पर।
# %% name="bits" tags=["export"]
def bits_per_pixel(size: float, pixels: int) -> float:
    """`size` bytes for so many pixels (not numbers: three channels are one pixel)."""
    return 8 * size / pixels


def expected_bits(codes: Tensor, known: Tensor, entries: int = 256) -> Tensor:
    """Bits that an ideal coder spends on each picture of codes [N, h, w]: float [N].

    It has counted `known` [M, h, w], never `codes`: what follows what to the right, what follows
    what downwards, and what stands where; each with one imagined count of every code, so that
    nothing is impossible. The three guesses are averaged (at an edge, those that there are).
    """

    def chances(seen: Tensor, code: Tensor, contexts: int) -> Tensor:
        pairs = (seen * entries + code).flatten().bincount(minlength=contexts * entries)
        table = pairs.view(contexts, entries) + 1 / entries
        return table / table.sum(1, keepdim=True)

    _, h, w = codes.shape
    place = torch.arange(h * w, device=codes.device).view(h, w)
    guesses = [chances(place.expand_as(known), known, h * w)[place, codes]]
    right = chances(known[:, :, :-1], known[:, :, 1:], entries)[codes[:, :, :-1], codes[:, :, 1:]]
    down = chances(known[:, :-1], known[:, 1:], entries)[codes[:, :-1], codes[:, 1:]]
    guesses += [F.pad(right, (1, 0)), F.pad(down, (0, 0, 1, 0))]
    voices = 1 + (place % w > 0).float() + (place >= w).float()
    return -(sum(guesses) / voices).log2().sum((1, 2))


def jpeg_scan(file: bytes) -> int:
    """How many bytes of a JPEG file are coded pixels: what follows the start-of-scan segment.

    ValueError if there is none.
    """
    at = 2  # behind the two bytes that begin every JPEG
    while at + 4 <= len(file) and file[at] == 0xFF:
        length = int.from_bytes(file[at + 2 : at + 4], "big")
        if file[at + 1] == 0xDA:
            return len(file) - (at + 2 + length) - 2  # two bytes end the file
        at += 2 + length
    raise ValueError(t("This is no JPEG file"))


def packed(
    picture: Image.Image, kind: str, quality: int, **options: object
) -> tuple[bytes, Image.Image]:
    """A picture as a file of this kind ("JPEG", "WEBP", "PNG"), and what comes out of it.

    options: what else Pillow takes for this kind, such as subsampling=0 for full colour.
    """
    file = io.BytesIO()
    extra = {"optimize": True} if kind != "WEBP" else {"method": 4}
    picture.save(file, kind, quality=quality, **extra, **options)
    return file.getvalue(), Image.open(file).convert("RGB")


# %% name="bits-by-hand" tags=["nbval-check-output"]
print(
    t("codes:"),
    bits_per_pixel(64 * 8 / 8, 32 * 32),
    t("bits per pixel; unpacked:"),
    bits_per_pixel(3 * 1024, 1024),
)
# %% name="one-file"
single = Image.fromarray(drawn[0].permute(1, 2, 0).numpy())
files = {
    "PNG": packed(single, "PNG", 0)[0],
    "JPEG 50": packed(single, "JPEG", 50)[0],
    "JPEG 1": packed(single, "JPEG", 1)[0],
    "WebP 50": packed(single, "WEBP", 50)[0],
    "WebP 0": packed(single, "WEBP", 0)[0],
}
plots.table(
    [
        [
            name,
            len(file),
            bits_per_pixel(len(file), 1024),
            bits_per_pixel(jpeg_scan(file), 1024) if "JPEG" in name else None,
        ]
        for name, file in files.items()
    ]
    + [[t("64 codes"), 64, 0.5, 0.5]],
    columns=[
        t("one picture as"),
        t("bytes"),
        t("bits per pixel, whole file"),
        t("without headers"),
    ],
    caption=t("Of one small JPEG most is header; the codes need the decoder instead"),
)
assert (
    bits_per_pixel(len(files["JPEG 1"]), 1024)
    > 2
    > bits_per_pixel(jpeg_scan(files["JPEG 1"]), 1024)
)


# %% name="sheet"
def to_sheet(pictures: Tensor, columns: int = 16) -> Image.Image:
    """uint8 [N, 3, 32, 32] as one picture; the tiles lie on JPEG's blocks, so none is cut."""
    whole = rearrange(pictures, "(r c) d h w -> (r h) (c w) d", c=columns)
    return Image.fromarray(whole.numpy())


def from_sheet(picture: Image.Image) -> Tensor:
    whole = torch.from_numpy(np.array(picture))
    return to_float(rearrange(whole, "(r h) (c w) d -> (r c) d h w", h=32, w=32)).to(device)


def quality_of(pictures: Tensor, originals: Tensor, motif: Tensor) -> list[float]:
    return [psnr(pictures * 2 - 1, originals * 2 - 1), right(pictures, "motif", motif)]


sheet, originals, motif = to_sheet(drawn[:256]), pictures[:256], told.motif[:256]
curves: dict[str, list[list[float]]] = {}
tries = {  # JPEG usually halves the colour's resolution; "full colour" does not
    "JPEG": (1, 5, 10, 20, 40, 75),
    t("JPEG, full colour"): (1, 5, 10, 20, 40, 60),
    "WebP": (0, 5, 15, 30, 50, 80),
}
for kind, qualities in tries.items():
    options = {"subsampling": 0} if kind == t("JPEG, full colour") else {}
    for quality in qualities:
        file, back = packed(sheet, "WEBP" if kind == "WebP" else "JPEG", quality, **options)
        size = bits_per_pixel(len(file), 256 * 1024)
        curves.setdefault(kind, []).append([size, *quality_of(from_sheet(back), originals, motif)])


def at_bits(kind: str, bits: float, which: int) -> float:
    """What a sheet of this kind reaches at so many bits per pixel, between the measured points."""
    curve = np.array(curves[kind])
    return float(np.interp(math.log(bits), np.log(curve[:, 0]), curve[:, which]))


bits = expected_bits(codes[:256], library)
coded = quality_of(restored[:256], originals, motif)
jpeg_best = max(at_bits(kind, 0.5, 1) for kind in curves if kind != "WebP")
points = {
    t("codes, 8 bits each"): [0.5, *coded],
    t("codes, ideal coder"): [bits.mean().item() / 1024, *coded],
}
figure, axes = plt.subplots(1, 2, figsize=(8, 3.1), layout="constrained")
for ax, which, label in zip(axes, (1, 2), (t("PSNR, dB"), t("motif read right")), strict=True):
    for kind, curve in curves.items():
        ax.plot([p[0] for p in curve], [p[which] for p in curve], "o-", label=kind, markersize=4)
    for mark, (name, point) in zip("D*", points.items(), strict=True):
        ax.plot(point[0], point[which], mark, markersize=11, label=name, color=plots.COLOURS[3])
    ax.set(xlabel=t("bits per pixel"), ylabel=label, xscale="log")
    ax.set_xticks([0.25, 0.5, 1, 2], ["0.25", "0.5", "1", "2"])
    ax.minorticks_off()
axes[0].set_title(
    t("At 0.5 bits: codes {a} dB, JPEG {b} dB", a=f"{coded[0]:.1f}", b=f"{jpeg_best:.1f}")
)
axes[1].legend(fontsize=9, loc="lower right")
plots.show(
    figure,
    alt=t(
        "PSNR and the share of motifs read, against bits per pixel: the codes lie above the curves of JPEG and WebP"
    ),
)


plots.table(
    [[name, *point] for name, point in points.items()]
    + [
        [t("{kind} sheet at 0.5", kind=kind), 0.5, at_bits(kind, 0.5, 1), at_bits(kind, 0.5, 2)]
        for kind in curves
    ]
    + [[t("{kind} sheet, smallest", kind=kind), *curve[0]] for kind, curve in curves.items()],
    columns=[t("256 pictures"), t("bits per pixel"), t("PSNR, dB"), t("motif read right")],
    caption=t("At 0.5 bits per pixel, headers shared by 256 pictures and counted"),
)
assert coded[0] > jpeg_best + 0.5 and points[t("codes, ideal coder")][0] < 0.48
measured.append(
    [
        t("PSNR at 0.5 bits per pixel, codes | JPEG sheet"),
        coded[0],
        jpeg_best,
        "JPEG",
    ]
)
measured.append(
    [
        t("PSNR at 0.5 bits per pixel, codes | WebP sheet"),
        coded[0],
        at_bits("WebP", 0.5, 1),
        "WebP",
    ]
)
measured.append(
    [t("bits per pixel, ideal coder"), points[t("codes, ideal coder")][0], 0.5, t("8 bits a code")]
)
# %% [markdown] lang="en" name="fine-print-text"
# Now the small print, measured as well. The receiver needs the decoder and the codebook: a file of its own. And the codes know **rangoli**. Give them squares of photographs (or your own pictures: name a folder), and JPEG, which knows nothing in particular, overtakes them.
# %% [markdown] lang="hi" of="2767e6b8"
# अब बारीक अक्षरों वाली शर्तें, वे भी नापकर। पाने वाले के पास डिकोडर और कोडबुक होनी चाहिए: वह अपने-आप में एक फ़ाइल है। और ये कोड **रंगोली** जानते हैं। इन्हें तस्वीरों के टुकड़े दीजिए (या अपने चित्र: फ़ोल्डर का नाम लिखिए), तो JPEG, जो किसी एक चीज़ का जानकार नहीं, आगे निकल जाती है।
# %% name="your-own"
FOLDER = None  # for example "my-pictures"

if FOLDER:
    own, report = image_folder(FOLDER, size=32, limit=64)
    print(report)
else:
    squares = [
        p
        for picture in photographs("astronaut", "chelsea", "coffee", "china", size=128).values()
        for p in rearrange(picture, "d (r h) (c w) -> (r c) d h w", h=32, w=32)
    ]
    own = torch.stack(squares)[:64]
foreign = to_float(own).to(device)
through = pictures_of(vqgan, codes_of(vqgan, foreign))
foreign_psnr = psnr(through * 2 - 1, foreign * 2 - 1)
columns = 8 if len(own) % 8 == 0 else len(own)
jpegs = []
for quality in (1, 10, 30):
    file, back = packed(to_sheet(own, columns), "JPEG", quality)
    jpegs.append(
        [
            bits_per_pixel(len(file), len(own) * 1024),
            psnr(from_sheet(back) * 2 - 1, foreign * 2 - 1),
        ]
    )
plots.table(
    [[t("codes"), 0.5, foreign_psnr]] + [["JPEG", *row] for row in jpegs],
    columns=[t("pictures of another world"), t("bits per pixel"), t("PSNR, dB")],
    caption=t("On rangoli the codes reach {psnr} dB", psnr=f"{coded[0]:.1f}"),
)
plots.show_images(
    torch.cat([foreign[8:16], through[8:16]]) if len(own) >= 16 else torch.cat([foreign, through]),
    columns=8 if len(own) >= 16 else len(own),
    zoom=2,
    photographs=True,
    alt=t("Eight squares of photographs, and below them what the rangoli codes make of them"),
)
receiver = sum(p.numel() for p in vqgan.decoder.parameters()) + vqgan.quantizer.codebook.numel()
webp = np.array(curves["WebP"])
as_good = float(np.exp(np.interp(coded[0], webp[:, 1], np.log(webp[:, 0]))))  # bits per pixel
saved = (as_good - 0.5) * 1024 / 8
print(t("decoder and codebook in 16 bits: {kb} kB", kb=receiver * 2 // 1000))
print(
    t(
        "WebP as good as the codes: {bpp} bits per pixel; the decoder has paid for itself after {n} pictures",
        bpp=f"{as_good:.2f}",
        n=f"{receiver * 2 / saved:,.0f}",
    )
    if saved > 0
    else t("WebP is as good at 0.5 bits per pixel: the decoder never pays for itself")
)
sizes, levels = np.array(jpegs).T
jpeg_there = float(np.interp(math.log(0.5), np.log(sizes), levels))
print(t("JPEG at 0.5 bits per pixel here: {psnr} dB", psnr=f"{jpeg_there:.1f}"))
if FOLDER is None:
    assert jpeg_there > foreign_psnr + 1  # on rangoli it was the other way round
    measured.append(
        [t("photographs at 0.5 bits per pixel, PSNR: codes"), foreign_psnr, jpeg_there, "JPEG"]
    )


# %% [markdown] lang="en" name="api-text"
# ## 8 · Behind an address: the model as an API
#
# So far only this notebook can draw. An **API** (application programming interface) lets any program draw: it sends a request over HTTP, and gets a PNG back. That takes no framework; Python's own `http.server` will do to see all the parts:
#
# - the request is read **with distrust**: a wrong one gets status 400 and a sentence that says what is wrong; it never gets as far as the network;
# - many requests come at once, each in a thread; the model draws one batch at a time (a **lock**);
# - the server listens on `127.0.0.1`: this machine only. Port 0 means "any that is free";
# - it is **shut down**, whatever happens, when the `with` block ends.
# %% [markdown] lang="hi" of="edc0d3f7"
# ## 8 · एक पते के पीछे: API के रूप में मॉडल
#
# अब तक सिर्फ़ यह नोटबुक चित्र बनवा सकती है। **API** (application programming interface) हो तो कोई भी प्रोग्राम बनवा सकता है: वह HTTP पर अनुरोध (request) भेजता है और PNG पाता है। इसके लिए कोई फ़्रेमवर्क नहीं चाहिए; सारे हिस्से देखने के लिए Python का अपना `http.server` काफ़ी है:
#
# - अनुरोध **शक की नज़र** से पढ़ा जाता है: ग़लत हो तो स्टेटस 400 और एक वाक्य कि ग़लती क्या है; नेटवर्क तक वह पहुँचता ही नहीं;
# - कई अनुरोध एक साथ आते हैं, हर एक अपने थ्रेड में; मॉडल एक बार में एक ही बैच बनाता है (**लॉक**, lock);
# - सर्वर `127.0.0.1` पर सुनता है: यानी सिर्फ़ इसी मशीन पर। पोर्ट 0 का मतलब है "जो भी ख़ाली हो";
# - `with` का ब्लॉक ख़त्म होते ही वह **बंद हो जाता है**, चाहे कुछ भी हुआ हो।
# %% name="picture-server" tags=["export"]
def read_wish(body: bytes, most: int = 16) -> dict:
    """What a request asks for: {"prompts": [...], "guidance": 2.0, "seed": 0}, checked.

    ValueError, in words for whoever sent it, if anything is wrong.
    """
    try:
        wish = json.loads(body)
    except ValueError:  # of the bytes, or of the JSON
        wish = None
    if not isinstance(wish, dict):
        raise ValueError(t("Send JSON such as {example}", example='{"prompts": ["a red lotus"]}'))
    if unknown := wish.keys() - {"prompts", "guidance", "seed"}:
        raise ValueError(t("There is no setting {name}", name=", ".join(sorted(unknown))))
    prompts = wish.get("prompts")
    if not isinstance(prompts, list) or not all(isinstance(p, str) for p in prompts):
        raise ValueError(t("prompts is a list of texts"))
    if not 1 <= len(prompts) <= most:
        raise ValueError(t("1 to {most} prompts, not {n}", most=most, n=len(prompts)))
    if max(map(len, prompts)) > 200:
        raise ValueError(t("A prompt has at most 200 letters"))
    guidance, seed = wish.get("guidance", 2.0), wish.get("seed", 0)
    if (
        type(guidance) not in (int, float) or not 0 <= guidance <= 10
    ):  # True is no number, NaN fails
        raise ValueError(t("guidance is a number from 0 to 10"))
    if type(seed) is not int or not 0 <= seed < 2**31:
        raise ValueError(t("seed is a whole number from 0 to 2147483647"))
    return {"prompts": prompts, "guidance": float(guidance), "seed": seed}


def as_png(pictures: Tensor) -> bytes:
    """Pictures [N, 3, H, W] in 0…1, side by side in one PNG file."""
    file = io.BytesIO()
    row = rearrange(to_uint8(pictures.cpu()), "n c h w -> h (n w) c")
    Image.fromarray(row.numpy()).save(file, "PNG")
    return file.getvalue()


class PictureServer(ThreadingHTTPServer):
    """`with PictureServer(draw) as server:` answers POST /draw on 127.0.0.1:server.server_port.

    draw(prompts, guidance, seed) -> pictures [N, 3, H, W] in 0…1; a ValueError of it, like any
    fault of the request, is answered with status 400 and {"error": "…"}. GET / says that it is up.
    """

    daemon_threads = True  # a client that never finishes does not keep the notebook alive

    def __init__(self, draw: Callable[..., Tensor], port: int = 0, most: int = 16) -> None:
        super().__init__(("127.0.0.1", port), Answer)
        self.draw, self.most, self.lock = draw, most, threading.Lock()
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> "PictureServer":
        self.thread.start()
        return self

    def handle_error(self, *_: object) -> None:
        """A client that hangs up half-way is no news."""

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.thread.join()
        self.server_close()  # the port is free again


class Answer(BaseHTTPRequestHandler):
    """One request to a `PictureServer`."""

    timeout = 10  # seconds for a client to send what it promised

    def do_GET(self) -> None:
        if self.path == "/":
            self.reply(200, {"ready": True, "prompts at once": self.server.most})
        else:
            self.reply(404, {"error": t("There is only /draw")})

    def do_POST(self) -> None:
        if self.path != "/draw":
            return self.reply(404, {"error": t("There is only /draw")})
        try:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > 20_000:
                raise ValueError(t("A request has a length, at most 20000 bytes"))
            wish = read_wish(self.rfile.read(int(length)), self.server.most)
            with self.server.lock:  # one batch at a time
                pictures = self.server.draw(**wish)
        except ValueError as error:  # the sender's fault, and it can be told
            return self.reply(400, {"error": str(error)})
        except Exception:  # ours: what is inside stays inside
            return self.reply(500, {"error": t("Drawing failed")})
        self.reply(200, as_png(pictures), "image/png")

    def reply(self, status: int, content: dict | bytes, kind: str = "application/json") -> None:
        if isinstance(content, dict):
            content = json.dumps(content, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """No line in the notebook for every request."""


def ask(port: int, wish: object) -> tuple[int, bytes]:
    """Send a wish to the server of this machine, as another program would: status, content."""
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    body = wish if isinstance(wish, bytes) else json.dumps(wish).encode()
    try:
        connection.request("POST", "/draw", body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


# %% name="call-it"
def from_png(data: bytes) -> Tensor:
    """A row of 32 × 32 pictures as [N, 3, 32, 32] in 0…1."""
    row = torch.from_numpy(np.array(Image.open(io.BytesIO(data))))
    return to_float(rearrange(row, "h (n w) c -> n c h w", w=32))


both = ["नीली पृष्ठभूमि पर लाल कमल", "a red lotus on a blue background"]
with PictureServer(painter.draw) as server:
    (status, hindi), (_, english) = (ask(server.server_port, {"prompts": [p]}) for p in both)
    faults = {
        t("an unknown word"): {"prompts": ["a red dragon on a blue background"]},
        t("no list"): {"prompts": "a red lotus"},
        t("too many"): {"prompts": ["a red lotus"] * 17},
        t("guidance: a text"): {"prompts": ["a red lotus"], "guidance": "much"},
        t("not JSON"): b"\xff\xfe",
    }
    refused = {name: ask(server.server_port, wish) for name, wish in faults.items()}
drawn_here = painter.draw([both[0]])
print(
    status,
    "image/png",
    len(hindi),
    t("bytes; the same picture as without a server:"),
    t("yes") if torch.equal(to_uint8(from_png(hindi)), to_uint8(drawn_here)) else t("no"),
)
plots.show_images(
    torch.cat([from_png(hindi), from_png(english)]),
    titles=both,
    columns=2,
    zoom=4,
    alt=t("Two rangoli that came over HTTP: asked for in Hindi, and in English"),
)
plots.table(
    [[name, code, json.loads(told_)["error"]] for name, (code, told_) in refused.items()],
    columns=[t("request"), t("status"), t("answer")],
    caption=t("A wrong request is refused, with the reason"),
)
assert status == 200 and torch.equal(to_uint8(from_png(hindi)), to_uint8(drawn_here))
assert {code for code, _ in refused.values()} == {400} and not server.thread.is_alive()


# %% [markdown] lang="en" name="rate-text"
# **How many pictures a second?** Eight pictures as eight requests, as one request of eight; and, to see what HTTP itself costs, a server whose model has its pictures ready.
# %% [markdown] lang="hi" of="d3bd1c6b"
# **एक सेकंड में कितने चित्र?** आठ चित्र: आठ अनुरोधों में, फिर आठ प्रॉम्प्ट के एक ही अनुरोध में; और यह देखने को कि ख़ुद HTTP कितना समय लेता है, एक ऐसा सर्वर जिसके मॉडल के पास चित्र पहले से तैयार हैं।
# %% name="rate"
def seconds_for(port: int, wishes: list[list[str]]) -> float:
    """CPU seconds (of client and server, both are here) for these requests."""
    began = time.process_time()
    answers = [ask(port, {"prompts": prompts}) for prompts in wishes]
    assert all(code == 200 for code, _ in answers)
    return time.process_time() - began


eight = captions(told[:8], "en")
ready = painter.draw(eight)
with PictureServer(painter.draw) as server:
    singly = seconds_for(server.server_port, [[prompt] for prompt in eight])
    batched = seconds_for(server.server_port, [eight])
with PictureServer(lambda prompts, **_: ready[: len(prompts)]) as server:
    only_http = seconds_for(server.server_port, [[prompt] for prompt in eight])
plots.table(
    [
        [t("eight requests of one"), 1000 * singly / 8, 8 / singly],
        [t("one request of eight"), 1000 * batched / 8, 8 / batched],
        [t("control: HTTP alone"), 1000 * only_http / 8, 8 / only_http],
    ],
    columns=[t("way"), t("CPU ms for a picture"), t("pictures per CPU second")],
    caption=t("The address costs little; a batch spares the model its fixed costs"),
)
assert only_http < singly
measured.append(
    [t("pictures per CPU second: one request of eight"), 8 / batched, 8 / singly, t("eight of one")]
)
# %% [markdown] lang="en" name="api-after"
# A server that many people use waits a few milliseconds, gathers the requests that came meanwhile, and draws them as one batch (*dynamic batching*). What is still missing before you open it to the world: encryption (HTTPS), a key for each user, a limit on how often each may ask, a queue with an end, logs, and a check of what is drawn. For that there are frameworks; the parts above stay the same.
# %% [markdown] lang="hi" of="a51f8b4c"
# बहुत लोगों के काम का सर्वर कुछ मिलीसेकंड रुकता है, इस बीच आए अनुरोध जमा करता है और उन्हें एक ही बैच में बनाता है (*dynamic batching*)। दुनिया के लिए खोलने से पहले अभी इतना और चाहिए: एन्क्रिप्शन (HTTPS), हर उपयोगकर्ता की चाबी, कौन कितनी बार माँग सकता है इसकी सीमा, सीमित क़तार, लॉग, और बनाए गए चित्रों की जाँच। इसके लिए फ़्रेमवर्क हैं; ऊपर के हिस्से वही रहते हैं।


# %% [markdown] lang="en" name="machines-text"
# ## 9 · Training on many machines
#
# Large models are trained on many GPUs at once. What do many do together? The usual answer is **data-parallel training**: every process has the *whole model*, with the same numbers. Each takes its share of the batch and works out its own gradient. Then the gradients are **averaged over all processes**, and everyone makes the same step. The loss is a mean over pictures, so with equal shares
#
# $$\nabla \frac1n\sum_{i=1}^{n} \ell_i \;=\; \frac12\Big(\nabla \frac{2}{n}\sum_{i\le n/2} \ell_i \;+\; \nabla \frac{2}{n}\sum_{i> n/2} \ell_i\Big)$$
#
# Two processes with half a batch each are **one process with the whole batch**, number for number. Let us see that, with `accelerate`, which takes the same script from one CPU to many machines. Averaging is one line, `accelerator.prepare(model)`; that the processes find each other is the launcher's work. The script trains a small VQ-VAE three ways: with averaging, without (each for itself), and with a codebook that learns by moving average (EMA).
# %% [markdown] lang="hi" of="2896701e"
# ## 9 · कई मशीनों पर ट्रेनिंग
#
# बड़े मॉडल एक साथ कई GPU पर सिखाए जाते हैं। कई मिलकर करते क्या हैं? आम जवाब है **डेटा-पैरेलल ट्रेनिंग** (data-parallel training): हर प्रोसेस के पास *पूरा मॉडल* है, वही संख्याएँ। हर एक बैच का अपना हिस्सा लेता है और अपना ग्रेडिएंट निकालता है। फिर **सारे प्रोसेसों के ग्रेडिएंट का औसत** लिया जाता है, और सब एक ही क़दम चलते हैं। लॉस चित्रों का औसत है, इसलिए हिस्से बराबर हों तो
#
# $$\nabla \frac1n\sum_{i=1}^{n} \ell_i \;=\; \frac12\Big(\nabla \frac{2}{n}\sum_{i\le n/2} \ell_i \;+\; \nabla \frac{2}{n}\sum_{i> n/2} \ell_i\Big)$$
#
# आधे-आधे बैच वाले दो प्रोसेस वही हैं जो **पूरे बैच वाला एक प्रोसेस**, संख्या-दर-संख्या। यह `accelerate` के साथ देखते हैं, जिससे एक ही स्क्रिप्ट एक CPU से लेकर कई मशीनों तक चलती है। औसत एक ही पंक्ति है, `accelerator.prepare(model)`; प्रोसेस एक-दूसरे को ढूँढ लें, यह लॉन्चर का काम है। स्क्रिप्ट एक छोटा VQ-VAE तीन तरह से सिखाती है: औसत लेकर, बिना औसत (हर कोई अपने लिए), और ऐसी कोडबुक के साथ जो चलते औसत (EMA) से सीखती है।
# %% name="training-script" tags=["export"]
def some_steps(
    batches: Tensor, update: str, together: Callable | None = None, rate: float = 0.2
) -> list[float]:
    """Train a small VQ-VAE on batches [steps, n, 3, 32, 32] in −1…1; the loss before each step.

    together: what makes one model of many processes (`accelerator.prepare`). In double precision,
    so that what differs is not rounding.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)  # the same start in every process
        book = Quantizer(32, 8, update=update, kmeans=False, restart=False)
        model = VQVAE(width=16, quantizer=book).double()
    model = model if together is None else together(model)
    losses = []
    for batch in batches.double():
        restored, quantized = model(batch)
        loss = F.mse_loss(restored, batch) + quantized.loss
        model.zero_grad()
        loss.backward()  # here the gradients are averaged, if there is anyone to average with
        with torch.no_grad():
            for p in model.parameters():
                p -= rate * p.grad
        losses.append(loss.item())
    return losses


SCRIPT = """
import json, sys
from pathlib import Path

import torch
from accelerate import Accelerator
from safetensors.torch import load_file

from common.vqgan import some_steps

accelerator = Accelerator(cpu=True)  # on the CPU: the processes talk through "gloo"
whole = load_file(sys.argv[1])["batches"]  # [steps, n, 3, 32, 32]
mine = whole[:, accelerator.process_index :: accelerator.num_processes]  # every second picture
losses = {
    "averaged": some_steps(mine, "gradient", accelerator.prepare),
    "alone": some_steps(mine, "gradient"),
    "ema": some_steps(mine, "ema", accelerator.prepare),
}
mean = {way: accelerator.reduce(torch.tensor(x, dtype=torch.float64), "mean").tolist()
        for way, x in losses.items()}
if accelerator.is_main_process:
    Path(sys.argv[2]).write_text(json.dumps({"processes": accelerator.num_processes, **mean}))
accelerator.end_training()
"""


def launch(batches: Tensor, processes: int = 2) -> dict | None:
    """Run SCRIPT by `accelerate launch`: {"processes": 2, "averaged": losses, …}.

    None, and a line that says so, where accelerate is not installed. RuntimeError if it fails.
    """
    if find_spec("accelerate") is None:
        print(t("This cell needs accelerate: python -m pip install accelerate"))
        return None
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "train.py").write_text(SCRIPT, encoding="utf-8")
        save_file({"batches": batches.contiguous()}, folder / "batches.safetensors")
        command = [sys.executable, "-m", "accelerate.commands.launch", "--num_machines=1"]
        # "multi_gpu" means several processes; ours use the CPU, as the script says. (With --cpu
        # accelerate would leave starting them to MPI.) Port 0: any that is free.
        command += ["--multi_gpu", f"--num_processes={processes}", "--main_process_port=0"]
        command += ["--mixed_precision=no", "--dynamo_backend=no"]
        command += [str(folder / name) for name in ("train.py", "batches.safetensors", "out.json")]
        here = str(Path(common.__file__).parents[1])
        run = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": here, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=600,
        )
        if run.returncode:
            raise RuntimeError(run.stderr[-2000:])
        return json.loads((folder / "out.json").read_text(encoding="utf-8"))


# %% name="two-processes"
steps = 6
batches = (pictures[: 32 * steps].cpu() * 2 - 1).view(steps, 32, 3, 32, 32)
one_process = some_steps(batches, "gradient")
one_ema = some_steps(batches, "ema")
two = launch(batches)
if two is not None:
    plots.table(
        [
            [n + 1, f"{one_process[n]:.9f}", f"{two['averaged'][n]:.9f}", f"{two['alone'][n]:.9f}"]
            for n in range(steps)
        ],
        columns=[
            t("step"),
            t("one process, 32 pictures"),
            t("two, 16 each, averaged"),
            t("two, each for itself"),
        ],
        caption=t("Loss before each step: two processes that average are one"),
    )
    apart_by = {
        way: max(abs(x - y) for x, y in zip(two[way], reference, strict=True))
        for way, reference in (("averaged", one_process), ("alone", one_process), ("ema", one_ema))
    }
    print(t("greatest difference from one process: {d:.1e}", d=apart_by["averaged"]))
    print(
        t(
            "without averaging: {d:.1e}; with an EMA codebook: {e:.1e}",
            d=apart_by["alone"],
            e=apart_by["ema"],
        )
    )
    assert two["processes"] == 2 and apart_by["averaged"] < 1e-5
    assert (
        apart_by["alone"] > 10 * apart_by["averaged"]
        and apart_by["ema"] > 10 * apart_by["averaged"]
    )
    measured.append(
        [
            t("two processes | one: difference of the losses"),
            apart_by["averaged"],
            apart_by["alone"],
            t("no averaging"),
        ]
    )
# %% [markdown] lang="en" name="machines-after"
# (For two processes the table shows the mean of their losses.) With averaging they are equal to the last digits that double precision holds. The third number, the EMA codebook's, is a trap: what learns **without a gradient** is not averaged by itself. An EMA codebook (and batch norm) sees only the pictures of its own process; whoever trains on many machines has to add up its counts and sums over all of them. (On these two cores two processes are no faster than one, so we claim no time.)
#
# More processes mean a larger batch for the same number of steps, so the learning rate has to be chosen anew (Goyal et al. 2017). And where a model is too large for one device, the *model* is divided too (sharding); that is another idea with its own costs.
# %% [markdown] lang="hi" of="75415af9"
# (दो प्रोसेस हों तो तालिका उनके लॉस का औसत दिखाती है।) औसत लेने पर संख्याएँ बराबर हैं, लगभग उस आख़िरी अंक तक जो डबल प्रिसिज़न रख सकता है। तीसरी संख्या, EMA वाली कोडबुक की, एक जाल है: जो **बिना ग्रेडिएंट** सीखता है, उसका औसत अपने-आप नहीं लिया जाता। EMA वाली कोडबुक (और बैच नॉर्म) सिर्फ़ अपने प्रोसेस के चित्र देखती है; कई मशीनों पर सिखाना हो, तो उसकी गिनतियाँ और जोड़ सब मशीनों से जमा करने होंगे। (इन दो कोर पर दो प्रोसेस एक से तेज़ नहीं, इसलिए समय का दावा हम नहीं करते।)
#
# प्रोसेस ज़्यादा हों, तो उतने ही क़दमों में बैच बड़ा हो जाता है, इसलिए लर्निंग रेट फिर से चुनना पड़ता है (Goyal et al. 2017)। और मॉडल इतना बड़ा हो कि एक डिवाइस में न समाए, तो *मॉडल* के भी टुकड़े किए जाते हैं (sharding); वह अलग विचार है, और उसकी अपनी लागत है।

# %% [markdown] lang="en" name="proxy-box"
# > **You may have read** that VQGANs are trained and hosted by "proxy servers": that proxies "collect training data", "train in parallel" and "host the model". These are three jobs, and none is a proxy's. A proxy passes requests on for somebody else. **Training in parallel** is what you just saw: processes that average gradients, started by a launcher.
# > **Hosting** is the work of an application server, as in section 8. And **collecting data** is no question of addresses: a proxy that hides who downloads changes nothing about whether you *may*.
# %% [markdown] lang="hi" of="49e9e68f"
# > **आपने पढ़ा होगा** कि VQGAN को "प्रॉक्सी सर्वर" सिखाते और चलाते हैं: कि प्रॉक्सी "ट्रेनिंग का डेटा जुटाते हैं", "एक साथ कई मशीनों पर सिखाते हैं" और "मॉडल को होस्ट करते हैं"। ये तीन अलग काम हैं, और प्रॉक्सी का इनमें से एक भी नहीं। प्रॉक्सी किसी और की ओर से अनुरोध आगे बढ़ाता है, बस। **कई मशीनों पर ट्रेनिंग** वह है जो आपने अभी देखी: ग्रेडिएंट का औसत लेते प्रोसेस, जिन्हें लॉन्चर चलाता है।
# > **होस्ट करना** ऐप्लिकेशन सर्वर का काम है, जैसा सेक्शन 8 में। और **डेटा जुटाना** पते का सवाल है ही नहीं: डाउनलोड करने वाले को छिपा देने से यह नहीं बदलता कि आपको इसकी *इजाज़त* है या नहीं।


# %% [markdown] lang="en" name="data-text"
# ## 10 · Collecting and preparing data
#
# | question | what to do | in this course |
# |---|---|---|
# | **May I?** | note source and licence of every file; what is on the web is not free for that reason | pictures drawn by our own code; photographs from packages, with their licences |
# | **Did they agree?** | ask people who are shown, and artists whose style you would copy; keep a way to take a picture out again | nobody is shown in what we train on |
# | **What is in it?** | count kinds before training; what is missing will be missing in the pictures | eight motifs evenly, by design |
# | **Is it clean?** | unreadable, tiny, wrongly labelled files: report, do not skip in silence | `image_folder` says which and why |
# | **Are there copies?** | exact ones by checksum, near ones by likeness; then split | measured below |
# | **What is kept apart?** | split *before* anything is fitted, by source rather than by file | `held_out` combinations, seeds for each set |
# | **Who can check?** | write it down: a data sheet (Gebru et al. 2018), a card for each model | the cards beside the weights |
#
# The row on copies decides whether your other numbers are true. Let us cheat on purpose: among the test pictures we put 30 training pictures: as they are; cut by one pixel and brightened; and that saved as a fine and as a coarse JPEG. A check may find them by **checksum** (the same bytes), or by **likeness**, with a limit that only 2 % of honest pictures pass.
# %% [markdown] lang="hi" of="3d0375ad"
# ## 10 · डेटा जुटाना और तैयार करना
#
# | सवाल | क्या करें | इस कोर्स में |
# |---|---|---|
# | **क्या मुझे इजाज़त है?** | हर फ़ाइल का स्रोत और लाइसेंस लिखिए; वेब पर होने से कोई चीज़ मुफ़्त नहीं हो जाती | चित्र हमारे अपने कोड ने बनाए; तस्वीरें पैकेजों से, उनके लाइसेंस के साथ |
# | **क्या वे राज़ी हैं?** | जो लोग चित्रों में हैं उनसे पूछिए, और उन कलाकारों से जिनकी शैली उतारेंगे; चित्र वापस निकालने का रास्ता रखिए | हम जिन पर सिखाते हैं उनमें कोई व्यक्ति नहीं |
# | **इसमें है क्या?** | ट्रेनिंग से पहले क़िस्में गिनिए; जो यहाँ नहीं, वह बने हुए चित्रों में भी नहीं होगा | आठों आकृतियाँ बराबर, जान-बूझकर |
# | **साफ़ है?** | न खुलने वाली, बहुत छोटी, ग़लत लेबल वाली फ़ाइलें: बताइए, चुपचाप मत छोड़िए | `image_folder` बताता है कौन-सी और क्यों |
# | **नक़लें हैं?** | हूबहू हों तो checksum से, मिलती-जुलती हों तो समानता से ढूँढिए; फिर बाँटिए | नीचे नापा है |
# | **अलग क्या रखा?** | कुछ भी सिखाने से *पहले* बाँटिए, फ़ाइल के नहीं, स्रोत के हिसाब से | `held_out` जोड़ियाँ, हर हिस्से का अपना seed |
# | **जाँच कौन सकता है?** | लिखकर रखिए: डेटा-शीट (Gebru et al. 2018), हर मॉडल का कार्ड | भारों के साथ रखे कार्ड |
#
# नक़लों वाली पंक्ति से तय होता है कि आपकी बाक़ी संख्याएँ सच हैं या नहीं। जान-बूझकर बेईमानी करते हैं: परखने के चित्रों में ट्रेनिंग के 30 चित्र डाल देते हैं: ज्यों के त्यों; एक पिक्सल काटकर और ज़रा चमकाकर; और उसी को बारीक और मोटी JPEG में सहेजकर। जाँच उन्हें **checksum** से पकड़ सकती है (वही बाइट), या **समानता** से, ऐसी सीमा रखकर जिसे ईमानदार चित्रों में से सिर्फ़ 2 % पार करें।
# %% name="near-copies" tags=["export"]
def likeness(pictures: Tensor, others: Tensor) -> Tensor:
    """How alike each of pictures [N, 3, H, W] is to the most similar of others [M, …]: [N], ≤ 1.

    The greatest correlation over shifts by up to one pixel: brightness does not matter, nor does
    the noise of a JPEG, and a cut by a pixel is found.
    """

    def standard(x: Tensor) -> Tensor:
        flat = x.flatten(1)
        return F.normalize(flat - flat.mean(1, keepdim=True), dim=1)

    known, best = standard(others).T, torch.full((len(pictures),), -1.0, device=pictures.device)
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            moved = standard(pictures.roll((down, across), (2, 3)))
            best = torch.maximum(best, (moved @ known).amax(1))
    return best


# %% name="find-leaks"
def saved(pictures: Tensor, **options: object) -> Tensor:
    """uint8 [N, 3, 32, 32] as they come back from JPEG files."""
    backs = [
        packed(Image.fromarray(p.permute(1, 2, 0).numpy()), "JPEG", **options)[1] for p in pictures
    ]
    return torch.stack([torch.from_numpy(np.array(back)).permute(2, 0, 1) for back in backs])


shifted = to_uint8((to_float(train[:30]).roll(1, 3) * 1.04).clamp(0, 1))
copies = {
    t("as they are"): train[:30],
    t("cut by a pixel, brightened"): shifted,
    t("… and saved as fine JPEG"): saved(shifted, quality=95, subsampling=0),
    t("… and saved as coarse JPEG"): saved(shifted, quality=60),
}
honest = likeness(to_float(rangoli(200, seed=902, split="train")[0]), to_float(train))
limit = honest.quantile(0.98)
sums = {picture.numpy().tobytes() for picture in train}  # stands for a checksum: the bytes
found = {
    name: [
        sum(picture.numpy().tobytes() in sums for picture in copy),
        int((likeness(to_float(copy), to_float(train)) > limit).sum()),
    ]
    for name, copy in copies.items()
}
plots.table(
    [[name, *row] for name, row in found.items()],
    columns=[t("30 copies"), t("found by checksum"), t("found by likeness")],
    caption=t("A copy changed by a hair has another checksum; one changed much is hardly found"),
)
same, cut, fine, coarse = found.values()
pairs = {tuple(row) for row in train_told.stack()[:, :3].tolist()}
kept = all_factors("held-out").stack()[:, :3].tolist()
print(
    t(
        "held-out combinations among the training pictures: {n}",
        n=sum(tuple(row) in pairs for row in kept),
    )
)
assert same == [30, 30] and cut == [0, 30] and fine[0] == 0 and fine[1] > 25
assert not held_out(train_told).any()
measured.append(
    [t("fine JPEG copies found by likeness, of 30"), fine[1], fine[0], t("by checksum")]
)
# %% [markdown] lang="en" name="leaks-after"
# Most coarse copies hide among honest pictures, for our rangoli are few kinds that resemble each other anyway: no limit separates what is not separate. So a check *after* the fact is the second-best; better keep the sources apart from the start. Here each set has a seed of its own, and the held-out combinations are kept away by a rule that a test checks.
# %% [markdown] lang="hi" of="cc36b45c"
# मोटी JPEG वाली ज़्यादातर नक़लें ईमानदार चित्रों में छिप जाती हैं, क्योंकि हमारी रंगोलियाँ थोड़ी-सी क़िस्मों की हैं और आपस में वैसे ही मिलती-जुलती हैं: जो अलग है ही नहीं, उसे कोई सीमा अलग नहीं कर सकती। इसलिए *बाद* की जाँच दूसरे नंबर का उपाय है; बेहतर यह कि स्रोत शुरू से अलग रखे जाएँ। यहाँ हर हिस्से का अपना seed है, और अलग रखी जोड़ियाँ एक नियम से दूर रहती हैं, जिसे एक टेस्ट जाँचता है।

# %% [markdown] lang="en" name="future-text"
# ## 11 · What comes next
#
# Three directions are named everywhere: more **control**, several **modalities** (text, picture, sound in one model), **real time**. We can measure where our own small model stands on each.
# %% [markdown] lang="hi" of="7d29421c"
# ## 11 · आगे क्या
#
# तीन दिशाएँ हर जगह गिनाई जाती हैं: ज़्यादा **नियंत्रण** (control), एक मॉडल में कई **माध्यम** (modalities: शब्द, चित्र, आवाज़), और **रियल टाइम** (real time)। हमारा छोटा मॉडल तीनों में कहाँ है, यह नापा जा सकता है।
# %% name="where-we-stand"
asked = sample_factors(16, torch.Generator().manual_seed(8))
rows = []
for steps in (12, 4, 1):
    quick = TextToRangoli(painter.prior, painter.autoencoder, steps=steps)
    began = time.process_time()
    made = {lang: quick.draw(captions(asked, lang), seed=1) for lang in ("hi", "en")}
    cost = 1000 * (time.process_time() - began) / 32
    agree = [
        (judge.read(made["hi"])[head].argmax(1) == judge.read(made["en"])[head].argmax(1))
        .float()
        .mean()
        .item()
        for head in ("motif", "colour")
    ]
    rows.append(
        [
            steps,
            right(made["hi"], "motif", asked.motif),
            right(made["hi"], "colour", asked.colour),
            min(agree),
            cost,
            1000 / cost,
        ]
    )
plots.table(
    rows,
    columns=[
        t("steps of the prior"),
        t("motif as told"),
        t("colour as told"),
        t("Hindi and English agree"),
        t("CPU ms for a picture"),
        t("pictures per CPU second"),
    ],
    caption=t("Control, two languages, and speed, by the number of steps"),
)
began = time.process_time()
pictures_of(vqgan, codes[:200])
decoder_ms = 1000 * (time.process_time() - began) / 200
print(
    t(
        "the decoder alone: {ms} ms for a picture; 25 pictures a second leave 40 ms",
        ms=f"{decoder_ms:.2f}",
    )
)
assert rows[0][4] > rows[2][4] and decoder_ms < rows[2][4]
measured.append([t("CPU ms for a picture, 12 steps"), rows[0][4], rows[2][4], t("1 step")])
# %% [markdown] lang="en" name="future-after"
# - **Control.** Words steer what they name, the mask of section 3 *where*, the tables of section 2 the colour. Finer control comes from more inputs of the same kind: sketches, poses, depth (Zhang et al. 2023, *ControlNet*), or one picture of your own (lesson 5).
# - **Modalities.** Two languages lead to one picture because both become tokens. Codes make pictures tokens as well, so that one Transformer can read and write words *and* pictures (Ramesh et al. 2021; Team 2024, *Chameleon*): that is where the codebook lives on.
# - **Real time.** The decoder is quick; the prior asks for the time, step by step. For our small world four steps do as well as twelve, and that is quick enough; with a single one the first motifs go wrong. Hence the search for priors with one or a few steps (Song et al. 2023, *Consistency models*), and for codes of which a few suffice (Yu et al. 2024, *An image is worth 32 tokens*).
# %% [markdown] lang="hi" of="47f6c7df"
# - **नियंत्रण।** शब्द बताते हैं *क्या* बने, सेक्शन 3 का मास्क बताता है *कहाँ*, सेक्शन 2 की तालिकाएँ रंग। और बारीक नियंत्रण उसी तरह के दूसरे इनपुट से आता है: रेखाचित्र, मुद्रा, गहराई (Zhang et al. 2023, *ControlNet*), या आपका अपना एक चित्र (पाठ 5)।
# - **माध्यम।** दो भाषाएँ एक ही चित्र तक पहुँचती हैं, क्योंकि दोनों टोकन बन जाती हैं। कोड चित्रों को भी टोकन बना देते हैं, और तब एक ही ट्रांसफ़ॉर्मर शब्द *और* चित्र, दोनों पढ़-लिख सकता है (Ramesh et al. 2021; Team 2024, *Chameleon*): कोडबुक आज इसी रूप में ज़िंदा है।
# - **रियल टाइम।** डिकोडर तेज़ है; समय प्रायर लेता है, क़दम-दर-क़दम। हमारी छोटी दुनिया में चार क़दम बारह जितने ही अच्छे हैं और काफ़ी तेज़ भी; एक ही क़दम हो तो आकृतियाँ बिगड़ने लगती हैं। इसीलिए ऐसे प्रायर खोजे जा रहे हैं जो एक या गिने-चुने क़दम लें (Song et al. 2023, *Consistency models*), और ऐसे कोड जिनमें थोड़े टोकन ही काफ़ी हों (Yu et al. 2024, *An image is worth 32 tokens*)।

# %% [markdown] lang="en" name="results-text"
# ## Results: what we measured
# %% [markdown] lang="hi" of="27d3f378"
# ## नतीजे: हमने क्या नापा
# %% name="results"
plots.table(
    measured,
    columns=[t("measurement"), t("with"), t("control"), t("the control is")],
    caption=t("Every number was computed in this notebook"),
)
# %% name="gallery"
plots.show_images(
    [
        *restored[:6],
        *pictures_of(vqgan, tables[4][codes[:6]]),
        *filled[t("the flow prior, with words")][:6],
        *sources[t("the model that draws from words")][:6],
    ],
    titles=[
        name if n == 0 else ""
        for name in (t("64 bytes each"), t("repainted"), t("lower half filled"), t("from words"))
        for n in range(6)
    ],
    columns=6,
    zoom=3,
    colours=64,
    alt=t("Four rows of six rangoli: packed, repainted blue, filled in, drawn from words"),
)
# %% [markdown] lang="en" name="published"
# How to read it: in most rows more is better, but less is for KID, bits, milliseconds and the difference of two losses. In the two rows of the priors that fill a hole they had the *words*; the nearest picture had none. The copies found are those of the fine JPEG; of the coarse ones hardly any was.
# And some rows are a **no**: half-way between two pictures lies no rangoli, generated pictures do not beat as many real ones, and on photographs JPEG wins.
#
# Beside the published ones; compare the *recipe*, not the scores:
#
# | | this notebook | published |
# |---|---|---|
# | codes per picture | 64 of 256 | VQGAN: 256 of 1,024 or 16,384 (Esser et al. 2020) |
# | bits per pixel | 0.5 for 32 × 32 | 0.04–0.055 for 256 × 256: a code for 16 × 16 pixels instead of 4 × 4 |
# | inpainting | flow prior, known part put back, 20 steps | RePaint: diffusion, 250 steps, with jumps back (Lugmayr et al. 2022) |
# | generated pictures for a classifier | 96 beside 40 | ImageNet: gain from a fine-tuned model beside all real pictures (Azizi et al. 2023) |
# | processes | 2, on one machine | 256 GPUs at a batch of 8,192 (Goyal et al. 2017) |
# %% [markdown] lang="hi" of="57d590fc"
# तालिका ऐसे पढ़िए: ज़्यादातर पंक्तियों में ज़्यादा बेहतर है, पर KID, बिट, मिलीसेकंड और लॉस के फ़र्क़ में कम बेहतर है। छेद भरने वाली दोनों प्रायर-पंक्तियों में प्रायर के पास *शब्द* थे; सबसे पास के चित्र के पास नहीं। मिली हुई नक़लें बारीक JPEG वाली हैं; मोटी वाली तो मुश्किल से कोई मिली।
# और कुछ पंक्तियों का जवाब **नहीं** है: दो चित्रों के ठीक बीच रंगोली नहीं मिलती, बनाए हुए चित्र उतने ही असली चित्रों से आगे नहीं निकलते, और तस्वीरों पर JPEG जीतती है।
#
# शोध-पत्रों के साथ रखकर देखिए; अंकों की नहीं, *नुस्ख़े* की तुलना कीजिए:
#
# | | यह नोटबुक | शोध-पत्र |
# |---|---|---|
# | एक चित्र के कोड | 256 में से 64 | VQGAN: 1,024 या 16,384 में से 256 (Esser et al. 2020) |
# | बिट प्रति पिक्सल | 0.5, 32 × 32 पर | 0.04–0.055, 256 × 256 पर: एक कोड 4 × 4 की जगह 16 × 16 पिक्सल का |
# | छेद भरना | फ़्लो वाला प्रायर, दिखता हिस्सा वापस रखकर, 20 क़दम | RePaint: डिफ़्यूज़न, 250 क़दम, बीच-बीच में पीछे लौटकर (Lugmayr et al. 2022) |
# | क्लासिफ़ायर के लिए बनाए चित्र | 40 के साथ 96 | ImageNet: सारे असली चित्रों के साथ भी फ़ायदा, ख़ास तौर पर सिखाए मॉडल से (Azizi et al. 2023) |
# | प्रोसेस | एक मशीन पर 2 | 8,192 के बैच पर 256 GPU (Goyal et al. 2017) |

# %% [markdown] lang="en" name="finish"
# ## Exercises, quiz, and where this leads
#
# - Write it yourself in the [exercises](exercises.en.ipynb), then take the quiz below.
# - Lesson 4 paints a picture in the style of another; lesson 5 teaches the model of this lesson a style that it never saw, from sixteen pictures.
#
# **Further reading.** *The models:* van den Oord et al. 2017, *VQ-VAE* ([1711.00937](https://arxiv.org/abs/1711.00937)) · Razavi et al. 2019, *VQ-VAE-2* ([1906.00446](https://arxiv.org/abs/1906.00446)) · Esser et al. 2020, *VQGAN* ([2012.09841](https://arxiv.org/abs/2012.09841)) ·
# *editing:* Lugmayr et al. 2022, *RePaint* ([2201.09865](https://arxiv.org/abs/2201.09865)) · Chang et al. 2022, *MaskGIT* ([2202.04200](https://arxiv.org/abs/2202.04200)) · Zhang et al. 2023, *ControlNet* ([2302.05543](https://arxiv.org/abs/2302.05543)) ·
# *data:* Azizi et al. 2023, *Synthetic data from diffusion models improves ImageNet classification* ([2304.08466](https://arxiv.org/abs/2304.08466)) · Gebru et al. 2018, *Datasheets for datasets* ([1803.09010](https://arxiv.org/abs/1803.09010)) ·
# *compression:* Ballé et al. 2016 ([1611.01704](https://arxiv.org/abs/1611.01704)) · Mentzer et al. 2020, *HiFiC* ([2006.09965](https://arxiv.org/abs/2006.09965)) · why a better-looking picture may have less PSNR: Blau & Michaeli 2017 ([1711.06077](https://arxiv.org/abs/1711.06077)) ·
# *a network that is sure of noise:* Goodfellow et al. 2014 ([1412.6572](https://arxiv.org/abs/1412.6572)) ·
# *many machines:* how the averaging is built: Li et al. 2020, *PyTorch Distributed* ([2006.15704](https://arxiv.org/abs/2006.15704)) · Goyal et al. 2017 ([1706.02677](https://arxiv.org/abs/1706.02677)) ·
# *what comes next:* Ramesh et al. 2021 ([2102.12092](https://arxiv.org/abs/2102.12092)) · Team 2024, *Chameleon* ([2405.09818](https://arxiv.org/abs/2405.09818)) · Song et al. 2023 ([2303.01469](https://arxiv.org/abs/2303.01469)) · Yu et al. 2024 ([2406.07550](https://arxiv.org/abs/2406.07550))
# %% [markdown] lang="hi" of="f4ecef6c"
# ## अभ्यास, क्विज़, और आगे का रास्ता
#
# - [अभ्यास](exercises.hi.ipynb) में ख़ुद लिखिए, फिर नीचे का क्विज़ कीजिए।
# - पाठ 4 एक चित्र को दूसरे की शैली में रँगता है; पाठ 5 इसी पाठ के मॉडल को सोलह चित्रों से ऐसी शैली सिखाता है जो उसने कभी नहीं देखी।
#
# **आगे पढ़िए।** *मॉडल:* van den Oord et al. 2017, *VQ-VAE* ([1711.00937](https://arxiv.org/abs/1711.00937)) · Razavi et al. 2019, *VQ-VAE-2* ([1906.00446](https://arxiv.org/abs/1906.00446)) · Esser et al. 2020, *VQGAN* ([2012.09841](https://arxiv.org/abs/2012.09841)) ·
# *चित्र बदलना:* Lugmayr et al. 2022, *RePaint* ([2201.09865](https://arxiv.org/abs/2201.09865)) · Chang et al. 2022, *MaskGIT* ([2202.04200](https://arxiv.org/abs/2202.04200)) · Zhang et al. 2023, *ControlNet* ([2302.05543](https://arxiv.org/abs/2302.05543)) ·
# *डेटा:* Azizi et al. 2023, *Synthetic data from diffusion models improves ImageNet classification* ([2304.08466](https://arxiv.org/abs/2304.08466)) · Gebru et al. 2018, *Datasheets for datasets* ([1803.09010](https://arxiv.org/abs/1803.09010)) ·
# *समेटना:* Ballé et al. 2016 ([1611.01704](https://arxiv.org/abs/1611.01704)) · Mentzer et al. 2020, *HiFiC* ([2006.09965](https://arxiv.org/abs/2006.09965)) · चित्र बेहतर दिखे और PSNR घटे, यह कैसे: Blau & Michaeli 2017 ([1711.06077](https://arxiv.org/abs/1711.06077)) ·
# *शोर पर भी पक्का भरोसा:* Goodfellow et al. 2014 ([1412.6572](https://arxiv.org/abs/1412.6572)) ·
# *कई मशीनें:* औसत लेना भीतर से कैसे चलता है: Li et al. 2020, *PyTorch Distributed* ([2006.15704](https://arxiv.org/abs/2006.15704)) · Goyal et al. 2017 ([1706.02677](https://arxiv.org/abs/1706.02677)) ·
# *आगे:* Ramesh et al. 2021 ([2102.12092](https://arxiv.org/abs/2102.12092)) · Team 2024, *Chameleon* ([2405.09818](https://arxiv.org/abs/2405.09818)) · Song et al. 2023 ([2303.01469](https://arxiv.org/abs/2303.01469)) · Yu et al. 2024 ([2406.07550](https://arxiv.org/abs/2406.07550))
# %% name="quiz-after"
quiz.show("03-vqgan", "after")
