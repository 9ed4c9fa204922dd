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
# # 1.2 · Attention over a picture: where the model looks
#
# Six motifs lie on a carpet, and someone asks: *what is drawn in red?* In this notebook a model learns to look at the right
# place although nobody ever shows it one, and then to describe a whole picture, in Hindi and in English, looking at each
# thing as it names it. The first picture below shows where you will arrive.
#
# **You need** [the first notebook of this lesson](1-attention.en.ipynb) and an idea of what a convolution is.
# **Time**: about an hour to read and try; *Run all* takes about a minute and a half on two CPU cores.
# %% [markdown] lang="hi" of="6a5f59b2"
# # 1.2 · चित्र पर ध्यान: मॉडल कहाँ देखता है
#
# एक क़ालीन पर छह आकृतियाँ बनी हैं और कोई पूछता है: *लाल रंग में क्या बना है?* इस नोटबुक में मॉडल सही जगह देखना ख़ुद सीखेगा;
# जगह उसे कोई नहीं बताएगा। फिर वही मॉडल पूरे चित्र का वर्णन हिंदी और अंग्रेज़ी में लिखेगा, और जिस चीज़ का नाम लिखेगा उसी को देखेगा।
# हम कहाँ पहुँचेंगे, यह नीचे के पहले चित्र में दिखेगा।
#
# **क्या आना चाहिए**: [इस पाठ की पहली नोटबुक](1-attention.hi.ipynb), और इतना अंदाज़ा कि कनवॉल्यूशन क्या होता है।
# **समय**: पढ़ने और आज़माने में लगभग एक घंटा; *Run all* दो CPU कोर पर लगभग डेढ़ मिनट लेता है।
# %% tags=["start"]
# %% name="imports" tags=["export"]
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from safetensors.torch import load_file
from torch import Tensor, nn

import common
from common import plots, quiz
from common.attention import MultiHeadAttention, TransformerBlock, softmax
from common.data import image_folder, photographs, to_float
from common.interact import pick_cell
from common.lang import language, t
from common.rangoli import MOTIFS, rangoli
from common.scenes import (
    CAPTION_LENGTH,
    CELL,
    CELLS,
    EMPTY,
    END,
    NUMBER,
    PAD,
    QUESTION_LENGTH,
    SIDE,
    START,
    WORDS,
    Questions,
    Scenes,
    ask,
    decode,
    describe,
    make_scenes,
)

# %% name="preview"
# Where we are going: in this notebook you write every line behind these calls.
from common.attention import load_captioners, looks_of_words, see

trained_cnn, trained = load_captioners(device)
shown = make_scenes(40, seed=31, least=3, most=3, distinct=False)[[4]]
pictures, titles = looks_of_words(trained["soft"], see(trained_cnn, shown.images), shown.images)
plots.show_images(
    pictures,
    titles=titles,
    columns=5,
    zoom=2,
    alt=t(
        "A scene of three motifs, and for each word of its caption the same scene, lit where the model looked"
    ),
)

# %% [markdown] lang="en" name="warm-up"
# **Warm-up.** The quiz at the start of [1.1](1-attention.en.ipynb) serves both notebooks. One question to keep in mind here: *if you average the
# colours and the shapes of six things, can you still tell which shape was red?*
# %% [markdown] lang="hi" of="e549e0f1"
# **शुरुआती सवाल।** [1.1](1-attention.hi.ipynb) के शुरू का क्विज़ दोनों नोटबुक के लिए है। यहाँ एक सवाल मन में रखिए: *छह चीज़ों के रंगों और आकारों का
# औसत निकाल लें, तो क्या तब भी पता चलेगा कि लाल आकृति कौन-सी थी?*

# %% [markdown] lang="en" name="image-attention"
# ## 1 · A task in which one must look
#
# A scene is a grid of 3 × 3 cells with one to six motifs, each of another colour. A question names a colour, in Hindi or in English; the answer
# is the motif. Since code drew the scene, we know which cell holds the answer. So we can measure two things:
#
# - **answer accuracy**: how often the motif is right;
# - **pointing accuracy**: how often the cell with the heaviest attention weight is the cell that was asked about.
#
# The model is only ever told the answer, never the place.
# %% [markdown] lang="hi" of="f49c7487"
# ## 1 · ऐसा काम जिसमें देखना ही पड़े
#
# हर दृश्य 3 × 3 ख़ानों का है। उसमें एक से छह आकृतियाँ हैं, सबके रंग अलग। सवाल हिंदी या अंग्रेज़ी में एक रंग का नाम लेता है; जवाब में आकृति
# बतानी है। दृश्य कोड ने बनाया है, इसलिए हमें पता है कि जवाब किस ख़ाने में है। तो हम दो बातें नाप सकते हैं:
#
# - **जवाब की सटीकता**: आकृति कितनी बार सही बताई;
# - **इशारे की सटीकता** (pointing accuracy): सबसे बड़े ध्यान-भार (attention weight) वाला ख़ाना कितनी बार वही था जिसके बारे में पूछा गया।
#
# मॉडल को सिर्फ़ जवाब बताया जाता है, जगह कभी नहीं।
# %% name="scenes"
scenes = make_scenes(6000, seed=10)
test_scenes = make_scenes(1000, seed=11, least=4, most=6)  # the harder ones
one, test_one = ask(scenes, "one", seed=0).to(device), ask(test_scenes, "one", seed=1).to(device)
here = ask(test_scenes[:6], "one", language(), seed=1)  # in your language
plots.show_images(
    test_scenes.images[:6],
    titles=[f"{decode(words)}?" for words in here.words],
    columns=3,
    zoom=2,
    alt=t("Six scenes with four to six rangoli motifs each, and a question above each of them"),
)
# %% name="scene-shapes" tags=["nbval-check-output"]
print(
    "images",
    tuple(scenes.images.shape),
    "question",
    tuple(one.words.shape),
    "answer",
    tuple(one.answer.shape),
)
first = one.scene[:1].cpu()
print(
    "the named cell holds the answer:",
    bool((scenes.motif.gather(1, one.cell.cpu()) == one.answer.cpu()).all()),
)


# %% [markdown] lang="en" name="cnn-text"
# ## 2 · From pixels to cells
#
# Attention needs a list of vectors. For a sentence these were words; for a picture they are **cells of a feature map**. A convolutional network turns 72 × 72
# pixels into 6 × 6 cells, each a vector of 64 numbers that says what is to be seen there.
# %% [markdown] lang="hi" of="da8ec762"
# ## 2 · पिक्सल से ख़ानों तक
#
# ध्यान को वेक्टरों की एक सूची चाहिए। वाक्य में ये शब्द थे; चित्र में ये **फ़ीचर मैप (feature map) के ख़ाने** हैं। कनवॉल्यूशनल नेटवर्क (CNN) 72 × 72 पिक्सल
# को 6 × 6 ख़ानों में बदलता है। हर ख़ाना 64 संख्याओं का वेक्टर है, जो बताता है कि वहाँ क्या दिख रहा है।
# %% name="picture-cnn" tags=["export"]
def picture_cnn() -> nn.Sequential:
    """Pictures [B, 3, 72, 72] in 0…1 -> a map of 6 × 6 cells, [B, 64, 6, 6]."""
    return nn.Sequential(
        nn.PixelUnshuffle(4),  # [B, 48, 18, 18]: each block of 4 × 4 pixels becomes one vector
        # The border is repeated, not filled with zeros, so that a motif alone and a motif among
        # others look the same to the CNN
        nn.Conv2d(48, 32, 3, padding=1, padding_mode="replicate", bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=3, bias=False),  # [B, 64, 6, 6]
        nn.BatchNorm2d(64),
        nn.ReLU(),
    )


# %% [markdown] lang="en" name="loop-text"
# One training loop serves every model of this notebook. It counts *steps*, not seconds, so a slow computer gets the same result.
# %% [markdown] lang="hi" of="5138c12c"
# इस नोटबुक के हर मॉडल के लिए ट्रेनिंग का यही एक लूप है। यह सेकंड नहीं, *क़दम* गिनता है, ताकि धीमे कंप्यूटर पर भी नतीजा वही आए।
# %% name="training-loop" tags=["export"]
def fit(
    model: nn.Module,
    loss_of: Callable[[Tensor], Tensor],
    examples: int,
    steps: int,
    batch: int = 64,
    seed: int = 0,
) -> Tensor:
    """Train `model` on random batches; loss_of(the examples' numbers [batch]) -> their loss.

    The learning rate rises to 0.003 and falls again. Returns the losses [steps].
    """
    optimizer = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, steps)
    generator = torch.Generator().manual_seed(seed)
    losses = []
    model.train()
    for _ in range(steps):
        loss = loss_of(torch.randint(examples, (batch,), generator=generator))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.detach())
    model.eval()
    return torch.stack(losses).cpu()


# %% [markdown] lang="en" name="train-cnn-text"
# First the CNN learns to name *single* motifs and their colours, as published captioners start from a CNN that was trained to classify. Then it is frozen.
# It has never seen a scene.
# %% [markdown] lang="hi" of="007ffd74"
# पहले CNN *अकेली* आकृति और उसका रंग पहचानना सीखता है; शोध-पत्रों के कैप्शन वाले मॉडल भी ऐसे CNN से शुरू होते हैं जो पहचानना सीख चुका हो। फिर उसे फ़्रीज़ (frozen) कर देते हैं: उसके भार (weights) आगे नहीं बदलते।
# पूरा दृश्य उसने कभी नहीं देखा।
# %% name="train-cnn" tags=["export"]
def train_cnn(
    steps: int = 500, seed: int = 0, device: torch.device | str = "cpu"
) -> tuple[nn.Module, nn.Module]:
    """A CNN that names single motifs of 24 × 24 pixels and their colours, frozen; and its head.

    The head: [..., 64] -> [..., 16], scores of the 8 motifs and of the 8 colours.
    """
    images, factors = rangoli(8000, CELL, seed=1, supersample=1)
    images, motif, colour = (x.to(device) for x in (images, factors.motif, factors.colour))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        cnn, head = picture_cnn().to(device), nn.Linear(64, 16).to(device)

    def loss_of(index: Tensor) -> Tensor:
        scores = head(cnn(to_float(images[index])).mean((2, 3)))  # [B, 16]
        motif_loss = F.cross_entropy(scores[:, :8], motif[index])
        return motif_loss + F.cross_entropy(scores[:, 8:], colour[index])

    fit(nn.ModuleList([cnn, head]), loss_of, len(images), steps, seed=seed)
    return cnn.requires_grad_(False), head.requires_grad_(False)


# %% name="cnn-to-cells" tags=["export"]
@torch.no_grad()
def see(cnn: nn.Module, images: Tensor) -> Tensor:
    """Pictures uint8 [N, 3, 72, 72] -> their cells [N, 36, 64], in reading order."""
    device = next(cnn.parameters()).device
    maps = [cnn(to_float(batch.to(device))) for batch in images.split(500)]
    return rearrange(torch.cat(maps), "n d h w -> n (h w) d")


def to_nine(cells: Tensor) -> Tensor:
    """[N, 36, 64] -> [N, 9, 64]: the mean of the four cells that cover each motif."""
    return reduce(cells, "n (r i c j) d -> n (r c) d", "mean", r=SIDE, i=2, c=SIDE, j=2)


# %% name="run-cnn"
cnn, head = train_cnn(device=device)
cells, test_cells = see(cnn, scenes.images), see(cnn, test_scenes.images)

# Does a cell of a scene still say what stands there? The head reads the four that cover a motif.
scores, filled = head(to_nine(test_cells)).cpu(), test_scenes.motif != EMPTY
motif_right = (scores[..., :8].argmax(-1) == test_scenes.motif)[filled].float().mean().item()
colour_right = (scores[..., 8:].argmax(-1) == test_scenes.colour)[filled].float().mean().item()
assert min(motif_right, colour_right) > 0.97
measured = [
    [t("CNN reads each motif inside a scene it never saw"), motif_right, 1 / 8, t("chance")]
]
print(f"{motif_right:.3f} {colour_right:.3f}")
# %% name="cells-picture"
figure, axes = plt.subplots(1, 5, figsize=(8.4, 2.1), layout="constrained")
axes[0].imshow(test_scenes.images[0].permute(1, 2, 0))
axes[0].set_title(t("72 × 72 pixels"), fontsize=10)
for ax, channel in zip(axes[1:], test_cells[0].std(0).topk(4).indices.tolist(), strict=True):
    ax.imshow(test_cells[0, :, channel].view(6, 6).cpu(), cmap="magma")
    ax.set_title(t("number {n} of 64", n=channel), fontsize=10)
for ax in axes:
    ax.set(xticks=[], yticks=[])
plots.show(
    figure,
    alt=t("A scene, and four of the 64 numbers of its 6 × 6 cells: each lights up on other motifs"),
)
# %% [markdown] lang="en" name="read-pixels"
# > **You may have read** "attention weighs the pixels". It weighs *cells of a feature map*: here 36, each fed by a patch of about 20 × 20 pixels. In
# > *Show, attend and tell* (Xu et al. 2015) there are 14 × 14 cells from a VGG network, scored by additive attention from the writer's state.
# %% [markdown] lang="hi" of="c83f5da1"
# > **आपने पढ़ा होगा** "ध्यान पिक्सलों को तौलता है"। वह *फ़ीचर मैप के ख़ानों* को तौलता है: यहाँ 36, और हर एक लगभग 20 × 20 पिक्सल के पैच से बनता है।
# > *Show, attend and tell* (Xu et al. 2015) में VGG नेटवर्क के 14 × 14 ख़ाने हैं, जिन्हें स्कोर additive attention देता है; क्वेरी है लिखने वाले नेटवर्क की अवस्था (state)।

# %% [markdown] lang="en" name="by-hand"
# ## 3 · Four cells, by hand
#
# Before 36 cells of 64 numbers: four cells of four numbers. Each says *red? blue? lotus? star?* The question "what is red?" is the query; it matches the
# first number. Follow one picture from features to answer.
# %% [markdown] lang="hi" of="46d992cd"
# ## 3 · चार ख़ाने, अपने हाथ से
#
# 64 संख्याओं वाले 36 ख़ानों से पहले: चार संख्याओं वाले चार ख़ाने। हर ख़ाना बताता है: *लाल? नीला? कमल? तारा?* "लाल क्या है?" यह सवाल क्वेरी है; वह पहली
# संख्या से मिलान करता है। फ़ीचर से जवाब तक एक ही चित्र के साथ चलिए।
# %% name="weighted-sum" tags=["nbval-check-output"]
#                          red blue lotus star
features = torch.tensor([[1.0, 0.0, 1.0, 0.0],   # a red lotus
                         [0.0, 1.0, 0.0, 1.0],   # a blue star
                         [0.0, 0.0, 0.0, 0.0],   # nothing
                         [0.0, 0.0, 0.0, 0.0]])  # nothing  # fmt: skip
red = torch.tensor([4.0, 0.0, 0.0, 0.0])

scores = features @ red  # 1. how well each cell fits the question [4]
weights = softmax(scores)  # 2. the attention map: positive, sums to 1
context = weights @ features  # 3. the weighted sum: one vector for the whole picture
answer = context[2:]  # 4. lotus against star
mean_answer = features.mean(0)[2:]  # the same without looking

print("map", [round(w, 2) for w in weights.tolist()])
print(
    "lotus, star: attention", [round(a, 2) for a in answer.tolist()], "mean", mean_answer.tolist()
)
# %% [markdown] lang="en" name="by-hand-after"
# The mean says "as much lotus as star" (0.25 each) whatever is asked. The colours are in it, and the shapes; *which belongs to which* is lost.
# %% [markdown] lang="hi" of="0bbe46f7"
# साधारण औसत हर सवाल पर यही कहता है: "जितना कमल, उतना ही तारा" (दोनों 0.25)। उसमें रंग भी हैं और आकार भी; *कौन किसका है*, यही खो गया।


# %% [markdown] lang="en" name="additive-text"
# ## 4 · A model that learns where to look
#
# Who scores the cells? In 1.1 it was a dot product. The older form is a small network (Bahdanau et al. 2014), which Xu et al. took over for pictures:
#
# $$e_i = v^\top \tanh(W_q\, q + W_k\, k_i), \qquad \alpha = \mathrm{softmax}(e)$$
# %% [markdown] lang="hi" of="70ccf37c"
# ## 4 · मॉडल जो सीखता है कि कहाँ देखना है
#
# ख़ानों को स्कोर कौन देता है? 1.1 में यह डॉट प्रोडक्ट था। उससे पुराना तरीक़ा एक छोटा नेटवर्क है (Bahdanau et al. 2014), जिसे Xu et al. ने चित्रों के लिए अपनाया:
#
# $$e_i = v^\top \tanh(W_q\, q + W_k\, k_i), \qquad \alpha = \mathrm{softmax}(e)$$
# %% name="additive-attention" tags=["export"]
class AdditiveAttention(nn.Module):
    """Weights from a small network's scores, vᵀ tanh(W_q q + W_k k). Bahdanau et al. 2014."""

    def __init__(self, d_query: int = 64, d_key: int = 64, width: int = 64) -> None:
        super().__init__()
        self.to_query = nn.Linear(d_query, width)
        self.to_key = nn.Linear(d_key, width)
        self.v = nn.Linear(width, 1, bias=False)

    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        """query [B, d_query], key [B, n, d_key] -> weights [B, n]; each row sums to 1."""
        return self.weigh(query, self.to_key(key))

    def weigh(self, query: Tensor, projected_key: Tensor) -> Tensor:
        """The same for keys that went through `to_key` already: once, for many queries."""
        hidden = torch.tanh(self.to_query(query)[:, None] + projected_key)  # [B, n, width]
        return self.v(hidden)[..., 0].softmax(-1)  # PyTorch's own: the same as ours of 1.1


# %% [markdown] lang="en" name="looks-text"
# A **look** turns the cells into one vector. Two looks to compare, alike in everything but the weights:
# %% [markdown] lang="hi" of="f633faa1"
# **नज़र** (look) सारे ख़ानों को एक वेक्टर में बदलती है। तुलना के लिए दो नज़रें, जिनमें ध्यान-भारों के सिवा सब एक-सा है:
# %% name="soft-look" tags=["export"]
class MeanLook(nn.Module):
    """Every cell counts the same: mean pooling."""

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """query [B, d]; key, value [B, n, d] -> context [B, d], weights [B, 1, n]. All looks do."""
        weights = value.new_full((len(value), 1, value.shape[1]), 1 / value.shape[1])
        return (weights @ value)[:, 0], weights


class SoftLook(nn.Module):
    """Every cell counts by its weight."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = AdditiveAttention()

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        weights = self.attention(query, key)[:, None]
        return (weights @ value)[:, 0], weights


# %% name="features-to-answer" tags=["export"]
class SceneReader(nn.Module):
    """A question and the cells of a picture in; scores of the answers and weights out."""

    def __init__(self, look: nn.Module, answers: int = 1, positions: int = 0) -> None:
        super().__init__()
        self.embed = nn.Embedding(len(WORDS), 16)
        self.to_query = nn.Linear(16 * QUESTION_LENGTH, 64)
        self.to_value = nn.Linear(64, 64)
        self.positions = nn.Parameter(0.5 * torch.randn(positions, 64)) if positions else None
        self.look = look
        self.to_answer = nn.Sequential(nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 8 * answers))

    def forward(self, cells: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        """cells [B, n, 64], words [B, 9] -> scores [B, answers, 8], weights [B, heads, n]."""
        query = self.to_query(self.embed(words).flatten(1))  # [B, 64]: what is asked
        if self.positions is not None:
            cells = cells + self.positions
        context, weights = self.look(query, cells, self.to_value(cells))  # [B, 64]: what is seen
        scores = self.to_answer(torch.cat([context, query], dim=1))
        return scores.unflatten(1, (-1, 8)), weights


# %% name="train-reader" tags=["export"]
def train_reader(
    make: Callable[[], nn.Module],
    cells: Tensor,
    questions: Questions,
    steps: int = 300,
    batch: int = 64,
    seed: int = 0,
    extra_loss: Callable[[nn.Module, Tensor, Tensor, Tensor], Tensor] | None = None,
) -> nn.Module:
    """Make a reader and train it. cells: [N, n, 64], of the scenes that are asked about.

    extra_loss(reader, scores, weights, answer) is added to the cross-entropy of the answers.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        reader = make().to(cells.device)

    def loss_of(index: Tensor) -> Tensor:
        scores, weights = reader(cells[questions.scene[index]], questions.words[index])
        answer = questions.answer[index]  # [B, answers]
        loss = F.cross_entropy(scores.flatten(0, 1), answer.flatten())
        if extra_loss is not None:
            loss = loss + extra_loss(reader, scores, weights, answer)
        return loss

    fit(reader, loss_of, len(questions), steps, batch, seed)
    return reader


# %% name="measure" tags=["export"]
def cell_of(place: Tensor, n: int = 36) -> Tensor:
    """Places on a map of n cells (36 or 9) -> the cells of the 3 × 3 scene that they lie in."""
    side = math.isqrt(n)
    return place // side * SIDE // side * SIDE + place % side * SIDE // side


@torch.no_grad()
def measure(reader: nn.Module, cells: Tensor, questions: Questions) -> tuple[float, Tensor]:
    """Share of questions answered wholly right, and pointing accuracy [heads, answers].

    Pointing: how often a head's heaviest cell lies where the answer stands.
    """
    scores, weights = reader(cells[questions.scene], questions.words)
    right = (scores.argmax(-1) == questions.answer).all(1).float().mean().item()
    top = cell_of(weights.argmax(-1), weights.shape[-1])  # [N, heads]
    return right, (top[:, :, None] == questions.cell[:, None]).float().mean(0).cpu()


# %% [markdown] lang="en" name="mean-text"
# Does looking help, and is it luck? Two seeds each, the same CNN, the same questions, the same number of steps. One more control: perhaps the mean only needs
# *longer*, so it also gets twice the steps.
# %% [markdown] lang="hi" of="a4a10bf4"
# क्या देखने से सच में फ़ायदा होता है, या यह संयोग है? दोनों की दो-दो seed; वही CNN, वही सवाल, उतने ही क़दम। एक कंट्रोल और: हो सकता है साधारण औसत को बस *ज़्यादा समय* चाहिए हो,
# इसलिए उसे दुगुने क़दम भी दिए हैं।
# %% name="mean-pooling-fails"
soft = [train_reader(lambda: SceneReader(SoftLook()), cells, one, seed=s) for s in range(2)]
mean = [train_reader(lambda: SceneReader(MeanLook()), cells, one, seed=s) for s in range(2)]
longer = train_reader(lambda: SceneReader(MeanLook()), cells, one, steps=600)


def average(readers: list[nn.Module]) -> tuple[float, float]:
    """Answer and pointing accuracy of one-headed readers, averaged."""
    each = [measure(r, test_cells, test_one) for r in readers]
    return sum(a for a, _ in each) / len(each), sum(p.item() for _, p in each) / len(each)


looks = {
    t("mean pooling"): average(mean),
    t("mean pooling, twice the steps"): average([longer]),
    t("soft attention"): average(soft),
}
plots.table(
    [[name, *numbers] for name, numbers in looks.items()],
    columns=[t("look"), t("answer accuracy"), t("pointing accuracy")],
    caption=t(
        "“What is drawn in red?”: soft attention answers and points right, the mean does neither"
    ),
)
soft_right, mean_right, longer_right = (
    numbers[0] for numbers in (average(soft), average(mean), average([longer]))
)
assert soft_right > 0.95 and average(soft)[1] > 0.95
assert mean_right < 0.55 and longer_right < 0.7
measured.append([t("answer, question by colour"), soft_right, mean_right, t("mean pooling")])


# %% [markdown] lang="en" name="mean-after"
# The mean is far above the 1/8 of blind guessing, since it knows which motifs are in the scene, but it cannot say which of them is red. That is the measured worth of attention
# *on this task*. It is no law: a mean over much wider cells that hold "red-and-lotus" as one number each can store everything, at a price. And where there is one thing
# to see, the mean does well too. That is the next section.
# %% [markdown] lang="hi" of="d2908c68"
# साधारण औसत 1/8 के तुक्के से काफ़ी ऊपर है, क्योंकि उसे पता है कि दृश्य में कौन-कौन सी आकृतियाँ हैं; पर उनमें लाल कौन-सी है, यह वह नहीं बता पाता। *इस काम पर* ध्यान का नापा हुआ फ़ायदा यही है।
# यह कोई नियम नहीं: ख़ाने बहुत चौड़े हों और "लाल-कमल" के लिए अलग संख्या रखें, तो औसत में भी सब समा सकता है, बस महँगा पड़ता है। और जहाँ देखने को एक ही चीज़ हो,
# वहाँ साधारण औसत से भी अच्छा काम चल जाता है। अगला सेक्शन इसी पर है।
# %% name="spotlight" tags=["export"]
def spotlight(image: Tensor, weights: Tensor) -> Tensor:
    """A picture uint8 [3, S, S] lit by its weights [n]: bright where they are heavy. -> 0…1."""
    side = math.isqrt(len(weights))
    light = (weights / weights.max()).view(1, 1, side, side).detach().cpu()
    light = F.interpolate(light, size=image.shape[-2:])[0]  # one block for each cell
    glow = torch.tensor([0.25, 0.2, 0.05])[:, None, None]  # else nothing is seen on black
    return (to_float(image) * (0.2 + 0.75 * light) + glow * light).clamp(0, 1)


# %% name="where-it-looks"
reader = soft[0]
_, maps = reader(test_cells[test_one.scene], test_one.words)
scores, _ = reader(test_cells[:6], here.words.to(device))
answers = [getattr(MOTIFS[i], language()) for i in scores[:, 0].argmax(-1).tolist()]
plots.show_images(
    [spotlight(test_scenes.images[i], maps[i, 0]) for i in range(6)],
    titles=[
        f"{decode(words)}? {answer}" for words, answer in zip(here.words, answers, strict=True)
    ],
    columns=3,
    zoom=2,
    alt=t(
        "The six scenes again, dark but for the motif of the colour that was asked for; answers above"
    ),
)

# %% [markdown] lang="en" name="face-text"
# ## 5 · What weights are, and what they are not
#
# A table often shown to explain attention over a picture: *Face .8, Background .2, Car .7*. Can these be attention weights?
# %% [markdown] lang="hi" of="c9ec5a42"
# ## 5 · ध्यान-भार क्या हैं, और क्या नहीं
#
# चित्र पर ध्यान समझाने के लिए अक्सर यह तालिका दिखती है: *चेहरा .8, पृष्ठभूमि .2, कार .7*। क्या ये ध्यान-भार हो सकते हैं?
# %% name="face-table"
told = torch.tensor([0.8, 0.2, 0.7])
shares = told / told.sum()  # the same proportions, as weights
gates = torch.sigmoid(torch.logit(told))  # three yes-or-no answers, each by itself
plots.table(
    [
        [t("as told"), *told.tolist(), told.sum()],
        [t("as attention weights: divided by 1.7"), *shares.tolist(), shares.sum()],
        [t("as sigmoid gates: each is asked alone"), *gates.tolist(), gates.sum()],
    ],
    columns=[t("reading"), t("face"), t("background"), t("car"), t("sum")],
    caption=t("The weights told sum to 1.7: no softmax gives them"),
)
assert abs(told.sum().item() - 1.7) < 1e-6
assert torch.allclose(shares, torch.tensor([0.47, 0.12, 0.41]), atol=0.005)
# %% [markdown] lang="en" name="background-text"
# The same table comes with the words "so the background is *ignored*". Softmax is never zero. How much weight goes to empty cells, and does it matter? We put noise into the empty
# cells and watch the scores of the answers.
# %% [markdown] lang="hi" of="47b8ca5d"
# उसी तालिका के साथ यह भी लिखा मिलता है: "यानी पृष्ठभूमि *अनदेखी* हो जाती है"। सॉफ़्टमैक्स कभी शून्य नहीं देता। तो ख़ाली ख़ानों पर कितना ध्यान-भार जाता है, और क्या उससे कुछ बदलता है? हम
# ख़ाली ख़ानों के वेक्टर हिलाते हैं और देखते हैं कि जवाबों के स्कोर बदलते हैं या नहीं।
# %% name="background-not-ignored"
empty = (test_scenes.motif == EMPTY).to(device)  # [N, 9]
empty_36 = empty[:, cell_of(torch.arange(36, device=device))]
scores, weights = reader(test_cells, test_one.words)
mass = (weights[:, 0] * empty_36).sum(1)  # of each scene, the weight on its empty cells

generator = torch.Generator().manual_seed(0)
noise = torch.randn(test_cells.shape, generator=generator).to(device) * 0.3
nudged, _ = reader(test_cells + noise * empty_36[..., None], test_one.words)
moved = (nudged - scores).abs().amax((1, 2))
same = (nudged.argmax(-1) == scores.argmax(-1)).float().mean().item()

assert weights.min() > 0 and 0 < mass.mean() < 0.3
assert (moved > 0).float().mean() > 0.99 and same > 0.9
print(
    t(
        "weight on empty cells: {mass}; the smallest weight: {least}",
        mass=f"{mass.mean():.3f}",
        least=f"{weights.min():.0e}",
    )
)
print(
    t(
        "scores moved by {moved} on average; the answer stayed in {same} of the scenes",
        moved=f"{moved.mean():.2f}",
        same=f"{same:.1%}",
    )
)
measured.append(
    [
        t("weight on empty cells"),
        mass.mean(),
        empty_36.float().mean(),
        t("if all cells weighed the same"),
    ]
)

# %% [markdown] lang="en" name="trap-text"
# ## 6 · The trap: one thing to see
#
# Now scenes with a *single* motif among pale grains. We train a reader with mean pooling: it has no attention at all. Then we draw heat maps over its picture anyway, from numbers
# that play no part in the answer: the length of each cell's value vector, and 30 attention layers with random weights that nobody trained.
# %% [markdown] lang="hi" of="72eef846"
# ## 6 · जाल: देखने को एक ही चीज़
#
# अब ऐसे दृश्य जिनमें फीके दानों के बीच *एक ही* आकृति है। हम औसत पूलिंग (mean pooling) वाला रीडर सिखाते हैं: उसमें ध्यान है ही नहीं। फिर भी उसके चित्र पर हीट मैप बनाते हैं, ऐसी संख्याओं से जिनका जवाब
# में कोई हाथ नहीं: हर ख़ाने के वैल्यू-वेक्टर की लंबाई, और रैंडम (random) भारों वाली 30 ध्यान-लेयरें जिन्हें किसी ने नहीं सिखाया।
# %% name="trap"
alone, test_alone = (make_scenes(n, s, 1, 1, clutter=True) for n, s in ((2000, 20), (500, 21)))
alone_cells, test_alone_cells = see(cnn, alone.images), see(cnn, test_alone.images)
ask_alone, test_ask_alone = (ask(s, "one", seed=0).to(device) for s in (alone, test_alone))
no_attention = train_reader(lambda: SceneReader(MeanLook()), alone_cells, ask_alone, steps=200)
answered, _ = measure(no_attention, test_alone_cells, test_ask_alone)


def points_at(map_: Tensor) -> float:
    """How often the top of a map [N, 36] lies on the only motif."""
    return (cell_of(map_.argmax(-1)) == test_ask_alone.cell[:, 0]).float().mean().item()


@torch.no_grad()
def untrained_map(seed: int) -> Tensor:
    """The weights [N, 36] of an attention layer that was never trained, for one random query."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layer, query = AdditiveAttention().to(device), torch.randn(1, 64).to(device)
    return layer(query, test_alone_cells)


unused = no_attention.to_value(test_alone_cells).norm(dim=-1)
untrained = [points_at(untrained_map(seed)) for seed in range(30)]
best = untrained.index(max(untrained))
plots.table(
    [
        [t("length of each cell's vector"), points_at(unused)],
        [t("random attention, the best of 30"), max(untrained)],
        [t("random attention, on average"), sum(untrained) / 30],
        [t("chance"), 1 / CELLS],
    ],
    columns=[t("map that plays no part in the answer"), t("pointing accuracy")],
    caption=t(
        "The reader without attention answers {share} right, and unused maps point right",
        share=f"{answered:.1%}",
    ),
)
assert answered > 0.9 and points_at(unused) > 0.85 and max(untrained) > 0.5
measured.append(
    [t("pointing of an unused map, one motif"), points_at(unused), 1 / CELLS, t("chance")]
)
# %% name="trap-picture"
kinds = {t("length of the vector"): unused, t("random attention"): untrained_map(best)}
plots.show_images(
    [
        spotlight(test_alone.images[i], map_[i] - map_[i].min())  # only the differences
        for map_ in kinds.values()
        for i in range(4)
    ],
    titles=[name for name in kinds for _ in range(4)],
    columns=4,
    zoom=2,
    alt=t(
        "Eight scenes with one motif; maps that the reader never used are brightest on the motif"
    ),
)
# %% [markdown] lang="en" name="trap-after"
# A map that lies on the only object proves nothing. Two habits protect you: choose a task with *several* candidates, and ask whether the answer changes when the map does
# (section 12).
# %% [markdown] lang="hi" of="3e255822"
# जो मैप अकेली चीज़ पर पड़े, वह कुछ साबित नहीं करता। दो आदतें बचाती हैं: ऐसा काम चुनिए जिसमें *कई* दावेदार हों, और देखिए कि मैप बदलने पर जवाब बदलता है या नहीं
# (सेक्शन 12)।


# %% [markdown] lang="en" name="hard-text"
# ## 7 · Hard attention: one cell, by lot
#
# Soft attention mixes all cells. **Hard attention** takes *one*: it draws a cell with the weights as probabilities. A draw has no gradient, so the choice learns by REINFORCE,
# as in 1.1: a choice whose answer was better than the average (the baseline) becomes likelier.
#
# $$\nabla \approx (R - b)\, \nabla \log \alpha_{i}, \qquad i \sim \alpha$$
#
# `R` is 1 for a right answer, else 0; `b` is its mean over the batch. A little entropy keeps the choice open while it learns.
# %% [markdown] lang="hi" of="f1c5af9e"
# ## 7 · हार्ड ध्यान: लॉटरी से एक ख़ाना
#
# सॉफ़्ट ध्यान सब ख़ानों को मिलाता है। **हार्ड ध्यान** (hard attention) *एक* ही लेता है: ध्यान-भारों को प्रायिकता मानकर एक ख़ाने की लॉटरी निकालता है। लॉटरी का कोई ग्रेडिएंट नहीं होता, इसलिए चुनना
# REINFORCE से सीखा जाता है, जैसे 1.1 में: जिस चुनाव का जवाब औसत (बेसलाइन) से अच्छा रहा, उसकी संभावना बढ़ती है।
#
# $$\nabla \approx (R - b)\, \nabla \log \alpha_{i}, \qquad i \sim \alpha$$
#
# जवाब सही हो तो `R` 1 है, वरना 0; `b` पूरे बैच पर उसका औसत है। थोड़ी-सी एंट्रॉपी सीखते समय विकल्प खुले रखती है।
# %% name="hard-attention" tags=["export"]
class HardLook(nn.Module):
    """One cell alone counts: drawn by lot in training, the heaviest in use."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.attention = AdditiveAttention()
        self.generator = torch.Generator().manual_seed(seed)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        weights = self.attention(query, key)  # [B, n]
        if self.training:
            drawn = torch.multinomial(weights.detach().cpu(), 1, generator=self.generator)
            self.choice = drawn[:, 0].to(weights.device)
        else:
            self.choice = weights.argmax(1)
        return value[torch.arange(len(value)), self.choice], weights[:, None]


def reinforce_loss(reader: nn.Module, scores: Tensor, weights: Tensor, answer: Tensor) -> Tensor:
    """Its gradient is REINFORCE's, with the batch's mean reward as the baseline.

    scores [B, answers, 8], weights [B, 1, n], answer [B, answers].
    """
    reward = (scores.argmax(-1) == answer).float().mean(1)
    log_p = weights[:, 0].gather(1, reader.look.choice[:, None])[:, 0].log()
    spread = torch.special.entr(weights[:, 0]).sum(1)
    return -((reward - reward.mean()) * log_p).mean() - 0.01 * spread.mean()


# %% name="hard-against-soft"
train_hard = partial(train_reader, lambda: SceneReader(HardLook()), cells, one, 400)
hard = [train_hard(seed=s, extra_loss=reinforce_loss) for s in range(2)]
untaught = train_hard(seed=0)  # the control: the same lot, but nothing tells it what was good
looks[t("hard attention")] = average(hard)
looks[t("hard attention without REINFORCE")] = average([untaught])
plots.table(
    [[name, *numbers] for name, numbers in looks.items()],
    columns=[t("look"), t("answer accuracy"), t("pointing accuracy")],
    caption=t("A single cell is enough, if the choice is taught"),
)
hard_right, hard_points = average(hard)
assert hard_right > 0.85 and hard_points > 0.85
assert average([untaught])[0] < 0.5
measured.append(
    [t("pointing, hard attention"), hard_points, average([untaught])[1], t("without REINFORCE")]
)
# %% [markdown] lang="en" name="hard-after"
# Hard attention reads one cell of 36 and so is cheap in use, but its lesson is noisy: its seeds differ more. That "it uses sampling" is only half the story; the other half is that
# something must carry a gradient past the draw: REINFORCE, a straight-through or a relaxed estimator.
# %% [markdown] lang="hi" of="90bae7e7"
# हार्ड ध्यान 36 में से एक ही ख़ाना पढ़ता है, इसलिए इस्तेमाल में सस्ता है; पर उसकी सीख में शोर है, seed बदलने पर नतीजा ज़्यादा बदलता है। "वह नमूना (sample) चुनता है", यह आधी बात है; बाक़ी आधी यह कि
# लॉटरी के पार ग्रेडिएंट पहुँचाने को कुछ चाहिए: REINFORCE, straight-through, या कोई नरम (relaxed) रूप।


# %% [markdown] lang="en" name="heads-text"
# ## 8 · Two questions at once: heads
#
# *What is drawn in red **and** in yellow?* Two places are wanted, in order. One softmax can split its weight over both, but then their values are *mixed*: section 3 again. Two heads have
# projections of their own and look at two places at the same time.
# %% [markdown] lang="hi" of="fd5fa05f"
# ## 8 · एक साथ दो सवाल: हेड
#
# *लाल **और** पीले रंग में क्या-क्या बना है?* दो जगहें चाहिए, इसी क्रम में। एक सॉफ़्टमैक्स अपना ध्यान-भार दोनों में बाँट तो सकता है, पर तब दोनों की वैल्यू *घुल-मिल* जाती हैं: फिर वही सेक्शन 3 वाली बात। दो हेड के पास
# अपने-अपने प्रोजेक्शन (projection) हैं और वे एक ही समय में दो जगह देखते हैं।
# %% name="heads-look" tags=["export"]
class HeadsLook(nn.Module):
    """Several heads look at the same time, each through projections of its own."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(64, heads)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        context, weights = self.attention(query[:, None], value)  # one query: n = 1
        return context[:, 0], weights[:, :, 0]


# %% name="two-heads"
two, test_two = (ask(s, "two", seed=i).to(device) for i, s in enumerate((scenes, test_scenes)))
by_heads = {
    n: train_reader(lambda n=n: SceneReader(HeadsLook(n), answers=2), cells, two, steps=500)
    for n in (1, 2)
}
right_of = {n: measure(r, test_cells, test_two) for n, r in by_heads.items()}
figure, axes = plt.subplots(1, 2, figsize=(7.6, 2.0), layout="constrained")
for ax, (n, (right, points)) in zip(axes, right_of.items(), strict=True):
    plots.heatmap(
        ax,
        points,
        rows=[t("head {n}", n=i + 1) for i in range(n)],
        columns=[t("1st colour"), t("2nd colour")],
        title=t("heads: {n}, both answers right: {share}", n=n, share=f"{right:.0%}"),
        vmin=0,
        vmax=1,
        aspect="auto",
    )
plots.show(
    figure,
    alt=t(
        "Pointing accuracy of each head: one head serves one colour only, two heads share the work"
    ),
)
assert right_of[2][0] > 0.85 > 0.7 > right_of[1][0]
assert right_of[2][1].max(1).values.min() > 0.9  # each head has a colour of its own
measured.append([t("both answers right, two heads"), right_of[2][0], right_of[1][0], t("one head")])
# %% name="heads-picture"
asked = ask(test_scenes[:4], "two", language(), seed=1)
scores, weights = by_heads[2](test_cells[asked.scene], asked.words.to(device))
tiles, titles = [], []
for i, scene in enumerate(asked.scene.tolist()):
    tiles += [
        to_float(test_scenes.images[scene]),
        *(spotlight(test_scenes.images[scene], w) for w in weights[i]),
    ]
    titles += [
        f"{decode(asked.words[i])}?",
        *(getattr(MOTIFS[m], language()) for m in scores[i].argmax(-1).tolist()),
    ]
plots.show_images(
    tiles,
    titles=titles,
    columns=6,
    zoom=2,
    alt=t(
        "Four scenes, each asked for two colours; one head lights the first, the other the second"
    ),
)
# %% [markdown] lang="en" name="read-heads"
# > **You may have read** that the heads "process the scores together". They are separate learned projections, run side by side; only their outputs are joined (Vaswani et al. 2017).
# > Nobody told the first head to take the first colour: it is the division of labour that answers best.
# %% [markdown] lang="hi" of="362af26e"
# > **आपने पढ़ा होगा** कि हेड "मिलकर स्कोर पर काम करते हैं"। असल में हर हेड के अपने सीखे हुए प्रोजेक्शन हैं और सब साथ-साथ चलते हैं; जुड़ते सिर्फ़ उनके आउटपुट हैं (Vaswani et al. 2017)।
# > किस हेड को कौन-सा रंग देखना है, यह किसी ने नहीं बताया: काम का यही बँटवारा सबसे अच्छे जवाब देता है।


# %% [markdown] lang="en" name="caption-text"
# ## 9 · A caption, word by word
#
# Now the model speaks. A small recurrent network writes one word at a time; before each word it looks at the cells anew, with its own state as the query. That is the core of *Show, attend
# and tell*. The first word it is given is the language: `<hi>` or `<en>`.
#
# Position codes return here: the caption goes through the picture in reading order, so the model must know where each cell is.
# %% [markdown] lang="hi" of="03da5b7f"
# ## 9 · कैप्शन, शब्द-दर-शब्द
#
# अब मॉडल बोलता है। एक छोटा रिकरेंट (recurrent) नेटवर्क एक-एक शब्द लिखता है; हर शब्द से पहले वह ख़ानों को नए सिरे से देखता है, और उसकी अपनी अवस्था (state) ही क्वेरी होती है। *Show, attend and tell*
# का मूल विचार यही है। उसे पहला शब्द हम देते हैं, यानी भाषा: `<hi>` या `<en>`।
#
# पोज़िशनल एनकोडिंग (positional encoding) यहाँ लौटती है: कैप्शन चित्र को पढ़ने के क्रम में बताता है, इसलिए मॉडल को पता होना चाहिए कि कौन-सा ख़ाना कहाँ है।
# %% name="captioner" tags=["export"]
class Captioner(nn.Module):
    """Writes a caption word by word, and looks at the cells anew for each. Xu et al. 2015."""

    def __init__(self, look: str = "soft") -> None:
        super().__init__()
        self.look = look  # "soft", "hard" or "mean"
        self.to_value = nn.Linear(64, 64)
        self.positions = nn.Parameter(0.3 * torch.randn(36, 64))
        self.attention = AdditiveAttention(d_query=128)
        self.embed = nn.Embedding(len(WORDS), 32)
        self.start = nn.Linear(64, 128)
        self.remember = nn.GRUCell(32 + 64, 128)
        self.to_word = nn.Linear(128 + 64, len(WORDS))

    def forward(
        self,
        cells: Tensor,
        first: Tensor,
        words: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """cells [B, 36, 64], first [B] (the language) -> scores [B, 12, words], weights
        [B, 12, 36] and the drawn cells [B, 12], -1 where the weighted sum was used.

        words [B, 12]: the right caption, of which the model is given each word after it was
        asked for; without it, it goes on from its own. generator: draws the cells of a hard look.
        """
        value = self.to_value(cells) + self.positions
        key = self.attention.to_key(value)
        state, word = self.start(value.mean(1)).tanh(), first
        steps = []
        for step in range(CAPTION_LENGTH):
            weights = self.attention.weigh(state, key)  # [B, 36]: where to look now
            if self.look == "mean":
                weights = torch.full_like(weights, 1 / weights.shape[1])
            context = (weights[:, None] @ value)[:, 0]
            drawn = torch.full_like(first, -1)
            if self.look == "hard":
                drawn = self._draw(weights, generator)
                one_cell = value[torch.arange(len(value)), drawn.clamp(min=0)]
                context = torch.where(drawn[:, None] < 0, context, one_cell)
            state = self.remember(torch.cat([self.embed(word), context], dim=1), state)
            scores = self.to_word(torch.cat([state, context], dim=1))  # [B, words]
            steps.append((scores, weights, drawn))
            word = scores.argmax(1) if words is None else words[:, step]
        return tuple(torch.stack(parts, dim=1) for parts in zip(*steps, strict=True))

    def _draw(self, weights: Tensor, generator: torch.Generator | None) -> Tensor:
        """The cell that a hard look takes [B]. In training it is drawn half of the times; -1 says
        the weighted sum, which calms REINFORCE (Xu et al. 2015, section 4.1)."""
        if generator is None:
            return weights.argmax(1)
        drawn = torch.multinomial(weights.detach().cpu(), 1, generator=generator)[:, 0]
        blend = torch.rand(len(drawn), generator=generator) < 0.5
        return drawn.masked_fill(blend, -1).to(weights.device)


# %% name="train-captioner" tags=["export"]
def train_captioner(
    cells: Tensor, scenes: Scenes, look: str = "soft", steps: int = 400, seed: int = 0
) -> Captioner:
    """Train on captions in both languages. A hard look learns by REINFORCE: a draw is rewarded
    with the log-probability of the word that was written after it."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        captioner = Captioner(look).to(cells.device)
    captions = torch.stack([describe(scenes, tongue)[0] for tongue in START]).to(cells.device)
    starts = torch.tensor([NUMBER[word] for word in START.values()], device=cells.device)
    generator = torch.Generator().manual_seed(seed) if look == "hard" else None

    def loss_of(index: Tensor) -> Tensor:
        tongue = torch.arange(len(index)) % 2  # half of the batch in each language
        words = captions[tongue, index]
        scores, weights, drawn = captioner(cells[index], starts[tongue], words, generator)
        real = (words != NUMBER[PAD]).float()  # [B, 12]
        each = F.cross_entropy(scores.transpose(1, 2), words, reduction="none") * real
        if look == "hard":
            reward = -each.detach()
            advantage = reward - (reward * real).sum(0) / real.sum(0).clamp(min=1)
            chosen = weights.gather(2, drawn.clamp(min=0)[..., None])[..., 0]
            log_p = chosen.clamp(min=1e-20).log() * (drawn >= 0)
            spread = torch.special.entr(weights).sum(2)
            each = each - (0.5 * advantage * log_p + 0.01 * spread) * real
        return each.sum() / real.sum()

    fit(captioner, loss_of, len(cells), steps, batch=32, seed=seed)
    return captioner


# %% name="measure-captions" tags=["export"]
@torch.no_grad()
def measure_captions(
    captioner: Captioner, cells: Tensor, scenes: Scenes, tongue: str
) -> tuple[float, float]:
    """Share of captions in which every word is right, and pointing accuracy of their words.

    Pointing: as a colour or a motif is to be named, does the heaviest cell lie on that motif?
    """
    words, spoken_of = (part.to(cells.device) for part in describe(scenes, tongue))
    first = torch.full((len(words),), NUMBER[START[tongue]], device=cells.device)
    written = captioner(cells, first)[0].argmax(-1)
    exact = ((written == words) | (words == NUMBER[PAD])).all(1).float().mean().item()
    _, weights, _ = captioner(cells, first, words)
    named = spoken_of != EMPTY
    pointing = (cell_of(weights.argmax(-1)) == spoken_of)[named].float().mean().item()
    return exact, pointing


# %% [markdown] lang="en" name="caption-train-text"
# Two to four motifs, colours may repeat, two languages. Your captioner trains for a few hundred steps. A caption counts as right only when *every* word is.
# %% [markdown] lang="hi" of="ac2699d4"
# दो से चार आकृतियाँ, रंग दोहराए जा सकते हैं, भाषाएँ दो। आपका मॉडल कुछ सौ क़दम सीखेगा। कैप्शन तभी सही माना जाएगा जब उसका *हर* शब्द सही हो।
# %% name="caption-training"
told_scenes = make_scenes(6000, seed=30, least=2, most=4, distinct=False)
test_told = make_scenes(500, seed=31, least=2, most=4, distinct=False)
yours = train_captioner(see(cnn, told_scenes.images), told_scenes, steps=200)
yours_exact, yours_points = measure_captions(yours, see(cnn, test_told.images), test_told, "hi")
print(
    t(
        "after 200 steps: {exact} of the captions exact, {points} of the words point right",
        exact=f"{yours_exact:.0%}",
        points=f"{yours_points:.0%}",
    )
)
assert yours_exact > 0.05 and yours_points > 0.4


# %% [markdown] lang="en" name="load-text"
# Where does the road lead? The course ships captioners that went on for longer, with soft, hard and mean looks; [their card](../../../common/weights/attention-captions.md) says
# how they were made, and `python3 course.py train attention-captions` makes them again.
# %% [markdown] lang="hi" of="17ce65fe"
# आगे यह रास्ता कहाँ जाता है? कोर्स के साथ ऐसे मॉडल आते हैं जो देर तक सीखे: सॉफ़्ट, हार्ड और औसत नज़र वाले। वे कैसे बने, यह [उनके कार्ड](../../../common/weights/attention-captions.md) में लिखा है;
# `python3 course.py train attention-captions` उन्हें फिर से बना देता है।
# %% name="load-captioners" tags=["export"]
def load_captioners(
    device: torch.device | str = "cpu",
) -> tuple[nn.Module, dict[str, Captioner]]:
    """The CNN and the captioners ("soft", "hard", "mean") that come with the course."""
    stored = load_file(Path(common.__file__).parent / "weights" / "attention-captions.safetensors")
    models = nn.ModuleDict({"cnn": picture_cnn()})
    models.update({look: Captioner(look) for look in ("soft", "hard", "mean")})
    models.load_state_dict({name: value.float() for name, value in stored.items()})
    models.eval().requires_grad_(False).to(device)
    return models["cnn"], {look: models[look] for look in ("soft", "hard", "mean")}


# %% name="captions"
trained_cnn, trained = load_captioners(device)
told_cells = see(trained_cnn, test_told.images)
captioned = {
    look: [measure_captions(model, told_cells, test_told, tongue) for tongue in START]
    for look, model in trained.items()
}
names = {"soft": t("soft attention"), "hard": t("hard attention"), "mean": t("mean pooling")}
plots.table(
    [[names[look], hi[0], en[0], hi[1], en[1]] for look, (hi, en) in captioned.items()],
    columns=[
        t("look"),
        t("exact, Hindi"),
        t("exact, English"),
        t("pointing, Hindi"),
        t("pointing, English"),
    ],
    caption=t("Whole captions of new 3 × 3 scenes: without looking, almost none is right"),
)
for hi_or_en in (0, 1):
    assert captioned["soft"][hi_or_en][0] > 0.95 and captioned["soft"][hi_or_en][1] > 0.98
    assert captioned["hard"][hi_or_en][1] > 0.9
    assert captioned["mean"][hi_or_en][0] < 0.3
measured.append(
    [
        t("exact captions, Hindi"),
        captioned["soft"][0][0],
        captioned["mean"][0][0],
        t("mean pooling"),
    ]
)
measured.append([t("pointing in captions, soft"), captioned["soft"][0][1], 1 / CELLS, t("chance")])
measured.append([t("pointing in captions, hard"), captioned["hard"][0][1], 1 / CELLS, t("chance")])


# %% name="looks-of-words" tags=["export"]
@torch.no_grad()
def looks_of_words(
    captioner: Captioner, cells: Tensor, images: Tensor, tongue: str | None = None
) -> tuple[list[Tensor], list[str]]:
    """A scene (cells [1, 36, 64], images [1, 3, 72, 72]) and, for each word that the captioner
    writes about it, the scene lit where it looked; and the title of each picture."""
    first = torch.tensor([NUMBER[START[tongue or language()]]], device=cells.device)
    scores, weights, _ = captioner(cells, first)
    pictures, titles = [to_float(images[0])], [t("the scene")]
    for word, weight in zip(scores[0].argmax(-1).tolist(), weights[0], strict=True):
        if WORDS[word] in (END, PAD):
            break
        pictures.append(spotlight(images[0], weight))
        titles.append(WORDS[word])
    return pictures, titles


# %% name="caption-gallery"
pictures, titles = [], []
for i, tongue in zip((0, 3, 5, 8), ("hi", "en", "hi", "en"), strict=True):
    pair = make_scenes(20, seed=50, least=2, most=2, distinct=False)[[i]]
    tiles, words = looks_of_words(
        trained["soft"], see(trained_cnn, pair.images), pair.images, tongue
    )
    pictures, titles = pictures + tiles, titles + words
plots.show_images(
    pictures,
    titles=titles,
    columns=6,
    zoom=2,
    alt=t(
        "Four scenes of two motifs, captioned in Hindi and in English; each word lights the motif it names"
    ),
)

# %% [markdown] lang="en" name="shuffle-text"
# ## 10 · Control: shuffle the cells
#
# Attention over a set knows no order (1.1). So if we shuffle the 36 cells of a picture, the answer to *what is red?* must stay *exactly*, and the map must move with the cells. And a
# model with position codes must tell another caption.
# %% [markdown] lang="hi" of="1cb35263"
# ## 10 · कंट्रोल: ख़ाने फेंट दीजिए
#
# समूह पर ध्यान क्रम नहीं जानता (1.1)। तो चित्र के 36 ख़ाने फेंट दें, तब भी *लाल क्या है?* का जवाब *हूबहू* वही रहना चाहिए, और मैप को ख़ानों के साथ चलना चाहिए। और जिस मॉडल में
# पोज़िशनल एनकोडिंग है, उसका कैप्शन बदल जाना चाहिए।
# %% name="patch-shuffle"
order = torch.randperm(36, generator=torch.Generator().manual_seed(0)).to(device)
scores, weights = reader(test_cells, test_one.words)
shuffled_scores, shuffled_weights = reader(test_cells[:, order], test_one.words)
assert torch.allclose(scores, shuffled_scores, atol=1e-3)
assert torch.allclose(weights[..., order], shuffled_weights, atol=1e-4)

order_9 = torch.tensor([4, 7, 2, 8, 0, 5, 1, 3, 6], device=device)  # whole motifs change places
in_nine = rearrange(told_cells, "n (r i c j) d -> n (r c) (i j) d", r=3, i=2, c=3, j=2)[:, order_9]
moved_cells = rearrange(in_nine, "n (r c) (i j) d -> n (r i c j) d", r=3, i=2)
moved_exact, _ = measure_captions(trained["soft"], moved_cells, test_told, "hi")
print(t("answers unchanged: {same}", same=t("yes")))
print(
    t(
        "captions exact after the motifs changed places: {share} (the caption is told in another order)",
        share=f"{moved_exact:.0%}",
    )
)
assert moved_exact < 0.6
measured.append(
    [t("captions exact, cells in place"), captioned["soft"][0][0], moved_exact, t("cells shuffled")]
)


# %% [markdown] lang="en" name="vit-text"
# ## 11 · A tiny ViT: cells that look at each other
#
# *What is to the right of the red one?* The question finds red, but the answer stands elsewhere, and no cell knows its neighbour. Here one look is not enough. In a **Vision Transformer** (Dosovitskiy et al. 2020)
# the cells look at *each other* (self-attention), block by block, and one extra token among them gathers the answer. In ours that token is the question. It has nine cells and two of the blocks that you wrote in 1.1; its cells come from the CNN, which the paper calls a hybrid.
# %% [markdown] lang="hi" of="57909665"
# ## 11 · नन्हा ViT: ख़ाने एक-दूसरे को देखते हैं
#
# *लाल वाले के दाईं ओर क्या है?* सवाल लाल को तो ढूँढ लेता है, पर जवाब कहीं और है, और किसी ख़ाने को अपने पड़ोसी का पता नहीं। यहाँ एक नज़र काफ़ी नहीं। **Vision Transformer** (Dosovitskiy et al. 2020)
# में ख़ाने हर ब्लॉक में *एक-दूसरे* को देखते हैं (स्व-ध्यान, self-attention), और उनके बीच एक अतिरिक्त टोकन जवाब जुटाता है। यहाँ वह टोकन सवाल है। हमारे ViT में नौ ख़ाने हैं और 1.1 में आपके लिखे दो ब्लॉक; उसके ख़ाने CNN से आते हैं, जिसे पेपर hybrid कहता है।
# %% name="tiny-vit" tags=["export"]
class TinyViT(nn.Module):
    """The question and nine cells look at one another, block by block; then it answers."""

    def __init__(self, heads: int = 4, depth: int = 2) -> None:
        super().__init__()
        self.embed = nn.Embedding(len(WORDS), 16)
        self.to_query = nn.Linear(16 * QUESTION_LENGTH, 64)
        self.to_token = nn.Linear(64, 64)
        self.positions = nn.Parameter(0.5 * torch.randn(CELLS, 64))
        self.blocks = nn.ModuleList(TransformerBlock(64, heads, 128) for _ in range(depth))
        self.norm = nn.LayerNorm(64)
        self.to_answer = nn.Linear(64, 8)

    def look_everywhere(self, cells: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        """cells [B, 9, 64], words [B, 9] -> scores [B, 1, 8] and who looked at whom,
        [B, depth, heads, 10, 10]; token 0 is the question, 1 … 9 are the cells."""
        question = self.to_query(self.embed(words).flatten(1))[:, None]
        x = torch.cat([question, self.to_token(cells) + self.positions], dim=1)  # [B, 10, 64]
        seen = []
        for block in self.blocks:
            x, weights = block(x)
            seen.append(weights)
        return self.to_answer(self.norm(x[:, :1])), torch.stack(seen, dim=1)

    def forward(self, cells: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        """-> scores [B, 1, 8], and the question's weights on the cells in the last block."""
        scores, weights = self.look_everywhere(cells, words)
        return scores, weights[:, -1, :, 0, 1:]


# %% name="neighbour-questions" tags=["export"]
def neighbour_questions(
    cnn: nn.Module, count: int, seed: int, most: int, each: int = 1
) -> tuple[Scenes, Tensor, Questions]:
    """`count` scenes of 4 … `most` motifs, their nine cells [count, 9, 64], and `each` times for
    every scene a question after the right-hand neighbour of a motif."""
    scenes = make_scenes(count, seed, 4, most)
    questions = [ask(scenes, "right", seed=seed + s) for s in range(each)]
    nine = to_nine(see(cnn, scenes.images))
    return scenes, nine, Questions.join(questions).to(nine.device)


# %% name="train-vit" tags=["export"]
def train_vit(nine: Tensor, right: Questions, steps: int) -> tuple[TinyViT, SceneReader]:
    """The ViT, and as its control a reader with one look, on the same data for as many steps."""
    vit = train_reader(TinyViT, nine, right, steps, 128)
    glance = train_reader(lambda: SceneReader(SoftLook(), positions=CELLS), nine, right, steps, 128)
    return vit, glance


# %% name="train-vit-here"
_, nine, right = neighbour_questions(trained_cnn, 2000, seed=40, most=8, each=3)
test_full, test_nine, test_right = neighbour_questions(trained_cnn, 1000, seed=50, most=6)
begun, begun_glance = train_vit(nine, right, steps=80)
vit_one = train_reader(TinyViT, to_nine(cells), one, steps=150)


# %% [markdown] lang="en" name="vit-ships"
# Eighty steps are a taste: for a long while the ViT knows only which motifs are there, then it finds the neighbour almost at once, and with some seeds later than with others.
# So the course ships a pair that went on for 1,500 steps ([card](../../../common/weights/attention-vit.md), `python3 course.py train attention-vit`): the ViT and its control.
# %% [markdown] lang="hi" of="b5dee520"
# अस्सी क़दम तो बस एक झलक हैं: ViT काफ़ी देर तक इतना ही जानता है कि दृश्य में कौन-सी आकृतियाँ हैं, फिर लगभग अचानक पड़ोसी को पकड़ लेता है; किसी seed में जल्दी, किसी में देर से।
# इसलिए कोर्स के साथ ऐसा जोड़ा आता है जो 1,500 क़दम तक सीखा ([कार्ड](../../../common/weights/attention-vit.md), `python3 course.py train attention-vit`): ViT और उसका कंट्रोल।
# %% name="load-vit" tags=["export"]
def load_vit(device: torch.device | str = "cpu") -> tuple[TinyViT, SceneReader]:
    """The ViT and the reader with one look that come with the course; their cells are those of
    `load_captioners`' CNN."""
    stored = load_file(Path(common.__file__).parent / "weights" / "attention-vit.safetensors")
    models = nn.ModuleList([TinyViT(), SceneReader(SoftLook(), positions=CELLS)])
    models.load_state_dict({name: value.float() for name, value in stored.items()})
    models.eval().requires_grad_(False).to(device)
    return models[0], models[1]


# %% name="tiny-vit-measured"
vit, glance = load_vit(device)
begun_right, begun_glance_right, vit_right, glance_right = (
    measure(reader, test_nine, test_right)[0] for reader in (begun, begun_glance, vit, glance)
)
vit_one_right, _ = measure(vit_one, to_nine(test_cells), test_one)
plots.table(
    [
        [t("what is drawn in red?"), soft_right, vit_one_right],
        [t("what is to the right of the red one? (80 steps)"), begun_glance_right, begun_right],
        [t("what is to the right of the red one? (1,500 steps)"), glance_right, vit_right],
    ],
    columns=[t("question"), t("one look"), t("tiny ViT")],
    caption=t(
        "For one place a single look is as good; for a neighbour the cells must look at each other"
    ),
)
assert vit_right > 0.95 > 0.65 > glance_right
measured.append(
    [
        t("answer, “to the right of red”"),
        vit_right,
        glance_right,
        t("one look, same data and steps"),
    ]
)
# %% [markdown] lang="en" name="vit-after"
# How did it do that? If some head lets every cell look at its *left* neighbour, then each cell learns "I stand right of red", and the question only has to find it. We look for such a head.
# %% [markdown] lang="hi" of="23ad25a9"
# उसने यह किया कैसे? अगर किसी हेड में हर ख़ाना अपने *बाएँ* पड़ोसी को देखे, तो हर ख़ाना जान लेता है "मैं लाल के दाईं ओर हूँ", और सवाल को बस उसे ढूँढना है। ऐसा हेड ढूँढते हैं।
# %% name="left-neighbour"
with torch.no_grad():
    _, seen = vit.look_everywhere(test_nine[test_right.scene], test_right.words)
places = [c for c in range(CELLS) if c % SIDE]  # those that have a left neighbour
to_left = (
    torch.stack([seen[:, :, :, c + 1, c] for c in places]).mean((0, 1)).cpu()
)  # [depth, heads]
figure, ax = plt.subplots(figsize=(5.2, 2.0), layout="constrained")
plots.heatmap(
    ax,
    to_left,
    rows=[t("block {n}", n=i + 1) for i in range(2)],
    columns=[t("head {n}", n=i + 1) for i in range(4)],
    title=t("One head watches the left neighbour"),
    vmin=0,
    vmax=1,
)
plots.show(
    figure,
    alt=t(
        "Mean weight of cells on their left neighbour, for two blocks of four heads: one head stands out"
    ),
)
assert to_left.max() > 0.4
measured.append(
    [
        t("weight of that head on the left neighbour"),
        to_left.max(),
        1 / 10,
        t("if all tokens weighed the same"),
    ]
)


# %% [markdown] lang="en" name="click-text"
# **Try it.** Click a cell of the picture: each head of the first block shows where *this cell* looks. Which one goes left?
# %% [markdown] lang="hi" of="0580c6e8"
# **आज़माइए।** चित्र के किसी ख़ाने पर क्लिक कीजिए: पहले ब्लॉक का हर हेड दिखाएगा कि *यह ख़ाना* कहाँ देखता है। कौन-सा हेड बाईं ओर जाता है?
# %% name="pick-cell"
def draw_heads(row: int, column: int) -> plt.Figure:
    """Where cell (row, column) of the scene looks, in each head of the first block."""
    figure, axes = plt.subplots(1, 4, figsize=(8.4, 2.3), layout="constrained")
    for head, ax in enumerate(axes):
        weights = seen[0, 0, head, row * SIDE + column + 1, 1:]
        ax.imshow(spotlight(picked, weights).permute(1, 2, 0))
        ax.add_patch(
            plt.Rectangle(
                (column * CELL, row * CELL),
                CELL - 1,
                CELL - 1,
                fill=False,
                color="white",
                linewidth=2,
            )
        )
        ax.set(xticks=[], yticks=[], title=t("head {n}", n=head + 1))
    return figure


picked = test_full.images[test_right.scene[0].cpu()]
pick_cell(
    draw_heads,
    picked,
    rows=SIDE,
    columns=SIDE,
    static=[(0, 1), (1, 2), (2, 1)],
    alt=t("A scene in four heads' light; the chosen cell is framed in white"),
)


# %% [markdown] lang="en" name="explanation-text"
# ## 12 · Is the map an explanation?
#
# > **You may have read** that a heat map shows *why* a model decided. By itself it does not (Jain & Wallace 2019; Adebayo et al. 2018). A map is evidence only if the answer *depends* on it. So change it, and see.
#
# Two readers, the same three attacks: all weights equal; the weights shuffled over the cells; the weights of another scene. And Adebayo's test: make the *network* random and see whether the map survives.
# %% [markdown] lang="hi" of="d1235774"
# ## 12 · क्या मैप से वजह पता चलती है?
#
# > **आपने पढ़ा होगा** कि हीट मैप बता देता है मॉडल ने *क्यों* यह फ़ैसला किया। अपने आप वह ऐसा नहीं बताता (Jain & Wallace 2019; Adebayo et al. 2018)। मैप सबूत तभी है जब जवाब उस पर *टिका* हो। तो उसे बदलकर देखते हैं।
#
# दो रीडर, दोनों पर वही तीन हमले: सारे ध्यान-भार बराबर; ध्यान-भार ख़ानों में फेंटे हुए; ध्यान-भार किसी और दृश्य के। और Adebayo वाली जाँच: *नेटवर्क* को ही रैंडम कर दीजिए और देखिए कि मैप बचता है या नहीं।
# %% name="not-explanation"
@torch.no_grad()
def answers_with(reader: nn.Module, cells: Tensor, words: Tensor, weights: Tensor) -> Tensor:
    """The reader's answers [N], if its context were made with these weights [N, 1, 36]."""
    query = reader.to_query(reader.embed(words).flatten(1))
    context = (weights @ reader.to_value(cells))[:, 0]
    return reader.to_answer(torch.cat([context, query], dim=1)).argmax(-1)


rows = []
for name, model, its_cells, words, drawn_map in (
    (t("soft attention, several motifs"), reader, test_cells, test_one.words, None),
    (
        t("mean pooling with the trap's map, one motif"),
        no_attention,
        test_alone_cells,
        test_ask_alone.words,
        unused[:, None],
    ),
):
    scores, used = model(its_cells, words)
    answer, shown_map = scores[:, 0].argmax(-1), used if drawn_map is None else drawn_map
    kept = []
    for attack in (torch.full_like(shown_map, 1 / 36), shown_map[..., order], shown_map.roll(1, 0)):
        # The second reader's map is only drawn: what it uses stays as it is
        weights = attack if drawn_map is None else used
        kept.append(
            (answers_with(model, its_cells, words, weights) == answer).float().mean().item()
        )
    rows.append([name, *kept])
plots.table(
    rows,
    columns=[t("reader and its map"), t("all equal"), t("shuffled"), t("of another scene")],
    caption=t(
        "How often the answer stays when the map is changed: the first map is used, the second only drawn"
    ),
)
with torch.random.fork_rng():
    torch.manual_seed(0)
    random_cnn = picture_cnn().eval().to(device)
survives = points_at(
    see(random_cnn, test_alone.images)
    .sub(see(random_cnn, test_alone.images).mean(1, keepdim=True))
    .norm(dim=-1)
)
print(
    t(
        "map of a CNN with random weights: points at the only motif in {share} of the scenes",
        share=f"{survives:.0%}",
    )
)
assert max(rows[0][1:]) < 0.5 and min(rows[1][1:]) == 1.0
measured.append(
    [
        t("answer stays when the map is shuffled"),
        rows[0][2],
        rows[1][2],
        t("a map that is only drawn"),
    ]
)


# %% [markdown] lang="en" name="uses-text"
# ## 13 · What maps are used for: detection and segmentation
#
# A map that the answer depends on can be put to work. Its heaviest cell is a **detection** (where is the red thing?); where it is above a threshold is a **segmentation** (which pixels are it?). Nobody labelled a box or a pixel. We measure
# the overlap with the truth, IoU = intersection ÷ union; the control uses the map of another question; for the box it is chance, 1/9. Expect no fine outline: a map of 6 × 6 cells cannot follow a petal. Captioning was section 9.
# %% [markdown] lang="hi" of="c1669338"
# ## 13 · मैप किस काम आते हैं: detection और segmentation
#
# जिस मैप पर जवाब टिका हो, उससे काम लिया जा सकता है। उसका सबसे भारी ख़ाना **detection** है (लाल चीज़ कहाँ है?); जहाँ वह एक सीमा से ऊपर हो, वह **segmentation** है (कौन-से पिक्सल उसके हैं?)। किसी ने न बॉक्स बताया,
# न पिक्सल। हम असली हिस्से से मेल नापते हैं: IoU = साझा हिस्सा ÷ कुल हिस्सा; कंट्रोल में किसी और सवाल का मैप है; बॉक्स के लिए तुक्का, यानी 1/9। बारीक किनारों की उम्मीद मत रखिए: 6 × 6 ख़ानों का मैप पंखुड़ी के साथ-साथ नहीं मुड़ सकता। कैप्शन सेक्शन 9 में थे।
# %% name="segmentation"
def pixels_above(weights: Tensor, share: float = 0.5) -> Tensor:
    """Weights [N, 36] -> bool [N, 72, 72]: above `share` of the picture's greatest weight."""
    maps = F.interpolate(weights.view(-1, 1, 6, 6), size=SIDE * CELL, mode="bilinear")[:, 0]
    return maps > share * maps.amax((1, 2), keepdim=True)


def overlap(a: Tensor, b: Tensor) -> float:
    """Mean IoU of masks bool [N, H, W]."""
    return ((a & b).sum((1, 2)) / (a | b).sum((1, 2)).clamp(min=1)).mean().item()


ground = test_scenes.images[:, :, :1, :1].float()  # no motif reaches into a corner
painted = (test_scenes.images - ground).abs().sum(1) > 60
boxes = F.one_hot(test_one.cell[:, 0].cpu(), CELLS).view(-1, SIDE, SIDE).bool()
boxes = boxes.repeat_interleave(CELL, 1).repeat_interleave(CELL, 2)  # the cell asked about
truth = painted & boxes
weights = maps[:, 0].detach().cpu()
iou, other_iou = (
    overlap(pixels_above(weights), truth),
    overlap(pixels_above(weights.roll(1, 0)), truth),
)
top = F.one_hot(cell_of(weights.argmax(-1)), CELLS).view(-1, SIDE, SIDE).bool()
box_iou = overlap(top.repeat_interleave(CELL, 1).repeat_interleave(CELL, 2), boxes)
plots.table(
    [[t("segmentation"), iou, other_iou], [t("detection"), box_iou, 1 / CELLS]],
    columns=[t("use"), t("IoU"), t("IoU of the control")],
    caption=t("Boxes and masks from a map that was trained on answers alone"),
)
assert box_iou > 0.9 and iou > 2 * other_iou
measured.append([t("segmentation by the map, IoU"), iou, other_iou, t("map of another question")])
# %% name="segmentation-picture"
tiles, titles = [], []
for i in range(3):
    mask = pixels_above(weights[i : i + 1])[0]
    tiles += [
        to_float(test_scenes.images[i]),
        mask.float().expand(3, -1, -1),
        truth[i].float().expand(3, -1, -1),
    ]
    titles += [f"{decode(here.words[i])}?", t("found"), t("truth")]
plots.show_images(
    tiles,
    titles=titles,
    columns=6,
    zoom=2,
    alt=t(
        "Three scenes, the region that the map finds, and the true pixels of the motif asked about"
    ),
)

# %% [markdown] lang="en" name="own-text"
# ## 14 · Your own pictures
#
# Put pictures into a folder and name it in `FOLDER`; without one, photographs from your Python packages are used. They are cut to a square of 72 × 72 and asked for a colour.
# A warning, and a measurement: this CNN has seen rangoli and nothing else, and it **cannot say "I don't know"**. See how sure it is of nonsense.
# %% [markdown] lang="hi" of="16826eb7"
# ## 14 · आपके अपने चित्र
#
# चित्र किसी फ़ोल्डर में रखिए और उसका नाम `FOLDER` में लिखिए; न लिखें तो आपके Python पैकेजों में रखी तस्वीरें ली जाएँगी। हर चित्र 72 × 72 का चौकोर बनता है और उससे एक रंग पूछा जाता है।
# एक चेतावनी, और एक नाप: इस CNN ने रंगोली के सिवा कुछ नहीं देखा, और यह **"मुझे नहीं पता" नहीं कह सकता**। देखिए बेतुकी बात पर भी वह कितना पक्का है।
# %% name="own-images"
FOLDER = None  # for example "my-pictures"

if FOLDER:
    own, report = image_folder(FOLDER, size=SIDE * CELL, limit=8)
    print(report)
else:
    own = torch.stack(list(photographs(size=SIDE * CELL).values())[:8])
red_question = ask(test_scenes, "one", language(), seed=1)
red_question = red_question.words[
    test_scenes.colour[red_question.scene].gather(1, red_question.cell)[:, 0] == 0
][:1]
scores, weights = reader(see(cnn, own), red_question.expand(len(own), -1).to(device))
sure, guess = scores[:, 0].softmax(-1).max(-1)
plots.show_images(
    [spotlight(image, weight[0]) for image, weight in zip(own, weights, strict=True)],
    titles=[
        f"{getattr(MOTIFS[g], language())} {s:.0%}"
        for g, s in zip(guess.tolist(), sure.tolist(), strict=True)
    ],
    columns=4,
    zoom=2,
    photographs=True,
    alt=t(
        "Photographs lit where the reader looked for something red, with its answer and how sure it was"
    ),
)
print(t("how sure of photographs: {sure}", sure=f"{sure.mean():.0%}"))

# %% [markdown] lang="en" name="results-text"
# ## Results: what we measured
# %% [markdown] lang="hi" of="27d3f378"
# ## नतीजे: हमने क्या नापा
# %% name="results"
plots.table(
    measured,
    columns=[t("measurement"), t("attention, as taught"), t("control"), t("the control is")],
    caption=t("Every number was computed in this notebook"),
)
# %% [markdown] lang="en" name="published"
# Beside a published recipe. The tasks differ, so do not compare the scores; compare the *recipe*:
#
# | | this notebook | Xu et al. 2015 |
# |---|---|---|
# | pictures | code-drawn scenes, 72 × 72 | photographs of MS COCO |
# | cells | 6 × 6 of 64 numbers, small CNN, frozen | 14 × 14 of 512 numbers, VGG, frozen |
# | scoring | additive | additive |
# | writer | GRU, 128 | LSTM |
# | hard attention | REINFORCE, batch mean as baseline, entropy, half the time the weighted sum | REINFORCE, moving average as baseline, entropy, half the time the weighted sum |
# | measured by | exact captions and pointing accuracy | BLEU-4 24.3 (soft), 25.0 (hard) |
# %% [markdown] lang="hi" of="1356a948"
# इसे एक शोध-पत्र के नुस्ख़े के साथ रखकर देखिए। काम अलग-अलग हैं, इसलिए अंकों की तुलना मत कीजिए; *नुस्ख़े* की कीजिए:
#
# | | यह नोटबुक | Xu et al. 2015 |
# |---|---|---|
# | चित्र | कोड से बने दृश्य, 72 × 72 | MS COCO की तस्वीरें |
# | ख़ाने | 6 × 6, हर एक 64 संख्याएँ; छोटा CNN, फ़्रीज़ किया हुआ | 14 × 14, हर एक 512 संख्याएँ; VGG, फ़्रीज़ किया हुआ |
# | स्कोर | additive | additive |
# | लिखने वाला | GRU, 128 | LSTM |
# | हार्ड ध्यान | REINFORCE, बेसलाइन बैच का औसत, एंट्रॉपी, आधी बार भारित औसत | REINFORCE, बेसलाइन चलता औसत, एंट्रॉपी, आधी बार भारित औसत |
# | नाप | हूबहू कैप्शन और इशारे की सटीकता | BLEU-4 24.3 (सॉफ़्ट), 25.0 (हार्ड) |

# %% [markdown] lang="en" name="finish"
# ## Exercises, quiz, and where this leads
#
# - Write it yourself in the [exercises](exercises.en.ipynb), then take the quiz below.
# - Lesson 2 makes pictures instead of reading them. In lesson 3 text steers a picture through the cross-attention that you used here; in lesson 5 an adapter is put inside it.
#
# **References.** Xu et al. 2015, *Show, attend and tell* ([1502.03044](https://arxiv.org/abs/1502.03044)) · Bahdanau et al. 2014 ([1409.0473](https://arxiv.org/abs/1409.0473)) · Vaswani et al. 2017
# ([1706.03762](https://arxiv.org/abs/1706.03762)) · Dosovitskiy et al. 2020, *ViT* ([2010.11929](https://arxiv.org/abs/2010.11929)) · Jain & Wallace 2019 ([1902.10186](https://arxiv.org/abs/1902.10186)) · Adebayo et al. 2018
# ([1810.03292](https://arxiv.org/abs/1810.03292)) · Williams 1992, *REINFORCE* ([doi](https://doi.org/10.1007/BF00992696))
# %% [markdown] lang="hi" of="e3a7ce7b"
# ## अभ्यास, क्विज़, और आगे का रास्ता
#
# - [अभ्यास](exercises.hi.ipynb) में ख़ुद लिखिए, फिर नीचे का क्विज़ कीजिए।
# - पाठ 2 चित्र पढ़ता नहीं, बनाता है। पाठ 3 में लिखे हुए शब्द चित्र को उसी क्रॉस-ध्यान से दिशा देते हैं जो आपने यहाँ इस्तेमाल किया; पाठ 5 में उसी के अंदर एक अडैप्टर लगता है।
#
# **संदर्भ।** Xu et al. 2015, *Show, attend and tell* ([1502.03044](https://arxiv.org/abs/1502.03044)) · Bahdanau et al. 2014 ([1409.0473](https://arxiv.org/abs/1409.0473)) · Vaswani et al. 2017
# ([1706.03762](https://arxiv.org/abs/1706.03762)) · Dosovitskiy et al. 2020, *ViT* ([2010.11929](https://arxiv.org/abs/2010.11929)) · Jain & Wallace 2019 ([1902.10186](https://arxiv.org/abs/1902.10186)) · Adebayo et al. 2018
# ([1810.03292](https://arxiv.org/abs/1810.03292)) · Williams 1992, *REINFORCE* ([doi](https://doi.org/10.1007/BF00992696))
# %% name="quiz-after"
quiz.show("01-attention", "after")
