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
# # 1.1 · Attention: who looks at whom
#
# Six words, one question: which of them should we listen to? In this notebook you turn that question into one line of
# maths, `softmax(QKᵀ/√d)V`, and grow it, piece by piece, into a Transformer that finishes the border of a rangoli.
# Three cells further down you see where you will arrive.
#
# **You need** Python, a little PyTorch, and what a matrix product is. **Time**: about an hour to read and try; *Run all* takes about a
# minute on two CPU cores.
# %% [markdown] lang="hi" of="c920fe32"
# # 1.1 · ध्यान (attention): कौन किसे देखे
#
# छह शब्द, एक सवाल: इनमें से किसकी बात सुनें? इस नोटबुक में आप इसी सवाल को गणित की एक पंक्ति `softmax(QKᵀ/√d)V` में
# बदलेंगे, और फिर क़दम-दर-क़दम उससे एक ऐसा ट्रांसफ़ॉर्मर (Transformer) बनाएँगे जो रंगोली की अधूरी किनारी पूरी करता है।
# हम कहाँ पहुँचेंगे, यह तीन सेल नीचे दिखेगा।
#
# **क्या आना चाहिए**: Python, थोड़ा PyTorch, और मैट्रिक्स का गुणा। **समय**: पढ़ने और आज़माने में लगभग एक घंटा; *Run all* दो CPU
# कोर पर लगभग एक मिनट लेता है।

# %% tags=["start"]
# %% name="imports" tags=["export"]
import math
import time
from collections.abc import Callable

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from einops import rearrange
from matplotlib.figure import Figure
from torch import Tensor, nn

from common import plots, quiz
from common.interact import interact
from common.lang import t
from common.rangoli import Factors, render

# %% [markdown] lang="en" name="helpers"
# Three helpers that you will meet in every lesson: `t("…")` shows a text in the notebook's language, `plots` draws, and `assert` stops the notebook if a claim does
# not hold. The list `measured` collects what we find for the table at the end.
# %% [markdown] lang="hi" of="73307dd2"
# तीन सहायक जो हर पाठ में मिलेंगे: `t("…")` कोई पाठ नोटबुक की भाषा में दिखाता है, `plots` चित्र बनाता है, और `assert` नोटबुक को वहीं रोक देता है अगर कोई दावा
# सही न निकले। सूची `measured` में हम नापी हुई बातें जमा करते हैं; अंत की तालिका उसी से बनती है।

# %% name="preview"
# Where we are going: you will meet every line of this model below. (It trains for a few seconds.)
from common.attention import draw_border, train_border_writer

start_tiles = torch.tensor([[0, 4, 7, 0]], device=device)  # lotus, paisley, diya, lotus …
writer, _ = train_border_writer(causal=True, device=device)
plots.show(
    draw_border(writer, start_tiles),
    alt=t("A rangoli border: four tiles given, eight written; arcs lead back to tiles of one kind"),
)

# %% [markdown] lang="en" name="warm-up"
# ## Warm-up quiz
#
# Five questions on what this lesson (both notebooks) builds on. A wrong answer is welcome: it tells you what to watch for.
# %% [markdown] lang="hi" of="f409ee8c"
# ## शुरुआती क्विज़
#
# पाँच सवाल उन बातों पर जिन पर यह पूरा पाठ (दोनों नोटबुक) टिका है। जवाब ग़लत हो तो भी अच्छा है: पता चलेगा कि आगे किस बात पर ग़ौर करना है।
# %% name="quiz-before"
quiz.show("01-attention", "before")

# %% [markdown] lang="en" name="why"
# ## 1 · Why attend?
#
# A sentence carries many things; a question needs one of them. "Which colour?" should listen to one word, "where?" to another.
# Up-weighting what matters and down-weighting the rest is all that attention is. The same idea serves language (translation, summaries),
# speech (which moment of the sound is this letter?) and vision (which part of the picture is this word?).
#
# We give each word four numbers by hand: how much it is about a *colour*, a *thing*, a *place*, an *action*.
# %% [markdown] lang="hi" of="18e9b720"
# ## 1 · ध्यान क्यों चाहिए?
#
# वाक्य में बहुत-सी बातें होती हैं; सवाल का जवाब उनमें से एक में होता है। "कौन-सा रंग?" का जवाब एक शब्द के पास है, "कहाँ?" का दूसरे के पास।
# जो काम का है उसका वज़न बढ़ाना और बाक़ी का घटाना – ध्यान (attention) बस इतना ही है। यही विचार भाषा में काम आता है (अनुवाद, सारांश),
# आवाज़ में भी (यह अक्षर किस पल बोला गया?) और चित्र में भी (यह शब्द चित्र के किस हिस्से का है?)।
#
# हम हर शब्द के लिए ख़ुद चार संख्याएँ लिखते हैं: वह *रंग*, *चीज़*, *जगह* और *क्रिया* के बारे में कितना बताता है।

# %% name="six-words"
meaning = {  #        colour thing place action
    t("a"): torch.tensor([0.1, 0.1, 0.1, 0.1]),
    t("red"): torch.tensor([1.0, 0.2, 0.0, 0.0]),
    t("lotus"): torch.tensor([0.3, 1.0, 0.0, 0.0]),
    t("floats"): torch.tensor([0.0, 0.0, 0.2, 1.0]),
    t("on"): torch.tensor([0.0, 0.0, 0.4, 0.1]),
    t("water"): torch.tensor([0.0, 0.3, 1.0, 0.0]),
}
words = t("a red lotus floats on water").split()
x = torch.stack([meaning[word] for word in words])  # [6 words, 4 features]
print(words, tuple(x.shape))


# %% [markdown] lang="en" name="one-query"
# A question is four numbers too: "where?" is a vector that points at *place*. Its dot product with a word says how well they match.
# That number is a **score**. Scores can be anything; we want shares that add up to 1:
#
# $$\mathrm{softmax}(s)_i = \frac{e^{s_i}}{\sum_j e^{s_j}}$$
#
# Written just like that, it breaks on large scores, because $e^{1000}$ is too large for a computer. Taking the highest score off all of them changes no share, and cures it.
# %% [markdown] lang="hi" of="1c0e9bd1"
# सवाल भी चार संख्याएँ ही है: "कहाँ?" वह वेक्टर है जो *जगह* की ओर इशारा करता है। किसी शब्द के वेक्टर से उसका डॉट प्रोडक्ट (dot product) बताता है कि दोनों कितने मेल खाते हैं।
# यही संख्या **स्कोर** (score) है। स्कोर कुछ भी हो सकता है; हमें ऐसे हिस्से चाहिए जिनका जोड़ 1 हो:
#
# $$\mathrm{softmax}(s)_i = \frac{e^{s_i}}{\sum_j e^{s_j}}$$
#
# इसे ज्यों-का-त्यों लिखें तो बड़े स्कोर पर टूट जाता है, क्योंकि $e^{1000}$ कंप्यूटर के लिए बहुत बड़ा है। सबसे ऊँचा स्कोर सबमें से घटा दीजिए: हिस्से वही रहते हैं, और बात बन जाती है।

# %% name="softmax-overflows" tags=["nbval-check-output"]
large = torch.tensor([1000.0, 1001.0])
print(t("as in the formula:"), (large.exp() / large.exp().sum()).tolist())
shifted = large - large.max()
print(
    t("highest taken off:"),
    [round(share, 3) for share in (shifted.exp() / shifted.exp().sum()).tolist()],
)


# %% name="softmax-first" tags=["export"]
def softmax(scores: Tensor, dim: int = -1) -> Tensor:
    """Turn scores into weights that are positive and sum to 1 along `dim`.

    A row of nothing but -inf (all masked, section 5) gives zeros, not NaN.
    """
    highest = scores.detach().amax(dim, keepdim=True)  # without it, exp overflows
    highest = highest.masked_fill(highest == -math.inf, 0.0)
    exponentials = (scores - highest).exp()
    total = exponentials.sum(dim, keepdim=True)
    return exponentials / total.masked_fill(total == 0, 1.0)


# %% name="score-and-weight"
query = torch.tensor([0.0, 0.0, 4.0, 0.0])  # "where?"; the 4 says how loudly it asks
scores = x @ query  # [6]
weights = softmax(scores)  # [6]
plots.table(
    [
        [word, score, weight]
        for word, score, weight in zip(words, scores.tolist(), weights.tolist(), strict=True)
    ],
    columns=[t("word"), t("score"), t("weight")],
    caption=t("Scores may be anything; weights are positive and sum to {total:.2f}", total=1.0),
)


# %% [markdown] lang="en" name="weighted-sum-text"
# With weights in hand, the answer is a weighted mean of the words: most of the word that matters, a little of the rest. That is **soft attention**.
# %% [markdown] lang="hi" of="babdfad5"
# ध्यान-भार (attention weights) मिल गए, तो जवाब शब्दों का भारित औसत (weighted average) है: काम का शब्द ज़्यादा गिना जाता है, बाक़ी थोड़ा-थोड़ा। इसी को **सॉफ़्ट ध्यान** (soft attention) कहते हैं।

# %% name="weighted-sum"
features = [t("colour"), t("thing"), t("place"), t("action")]
answers = {
    t("weighted sum"): weights @ x,  # [4]
    t("plain mean"): x.mean(0),
    t("the word '{word}'", word=t("water")): meaning[t("water")],
}
plots.table(
    [[name, *vector.tolist()] for name, vector in answers.items()],
    columns=[t("answer to 'where?'"), *features],
    caption=t("The weighted sum is nearly the word that matters"),
)

# %% [markdown] lang="en" name="four-questions-text"
# Does it answer better than the plain mean, in which every word counts the same? We ask four questions and see which word is nearest to the answer. (The plain mean never
# hears the question, so it can be right once at most. Section 10 makes a fair race, with learned weights.)
# %% [markdown] lang="hi" of="c85f91c6"
# क्या यह साधारण औसत से बेहतर है, जिसमें हर शब्द बराबर गिना जाता है? हम चार सवाल पूछते हैं और देखते हैं कि जवाब के सबसे पास कौन-सा शब्द है। (साधारण औसत सवाल
# सुनता ही नहीं, इसलिए ज़्यादा-से-ज़्यादा एक बार सही हो सकता है। बराबरी का मुक़ाबला, सीखे हुए भारों के साथ, सेक्शन 10 में है।)


# %% name="soft-attention"
def nearest(answer: Tensor, x: Tensor) -> int:
    """Which row of x [n, d] points most in the direction of `answer` [d]?"""
    return int(F.cosine_similarity(x, answer[None]).argmax())


questions = dict(
    zip([t("colour?"), t("what?"), t("where?"), t("doing what?")], 4 * torch.eye(4), strict=True)
)
expected = [t("red"), t("lotus"), t("water"), t("floats")]
by_attention = [words[nearest(softmax(x @ q) @ x, x)] for q in questions.values()]
by_mean = [words[nearest(x.mean(0), x)] for _ in questions]
right = [
    sum(a == b for a, b in zip(answers, expected, strict=True))
    for answers in (by_attention, by_mean)
]
plots.table(
    zip(questions, by_attention, by_mean, strict=True),
    columns=[t("question"), t("attention"), t("plain mean")],
    caption=t(
        "Right answers of 4: attention {soft}, plain mean {mean}", soft=right[0], mean=right[1]
    ),
)
assert right[0] == 4 and right[1] <= 1
measured = [[t("questions answered, of 4"), right[0], right[1], t("plain mean")]]
# %% [markdown] lang="en" name="read-score"
# > **You may have read** "attention score = softmax(QKᵀ/√d)". The *scores* are what goes into `softmax`; what comes out are *weights*.
# > The table above shows the difference: scores of 0 are common; a weight is 0 only behind a mask, or when it is too small for the computer's digits.
# %% [markdown] lang="hi" of="3cd331cf"
# > **आपने पढ़ा होगा** "attention score = softmax(QKᵀ/√d)"। *स्कोर* वह है जो `softmax` के अंदर जाता है; जो बाहर आता है वह *ध्यान-भार* है।
# > ऊपर की तालिका में फ़र्क़ दिखता है: 0 स्कोर आम बात है; ध्यान-भार 0 तभी होता है जब मास्क रोके, या वह इतना छोटा हो कि कंप्यूटर के अंकों में न समाए।
# %% name="never-zero" tags=["nbval-check-output"]
print(t("a score of 0: {yes}", yes=bool((scores == 0).any())))
print(t("a weight of 0: {yes}", yes=bool((weights == 0).any())))

# %% [markdown] lang="en" name="temperature-text"
# ### Try it: how sharp should attention be?
#
# Divide the scores by a *temperature* before `softmax`. Cold makes attention pick one word; hot makes it the plain mean.
# %% [markdown] lang="hi" of="56939744"
# ### आज़माइए: ध्यान एक पर टिके या सबमें बँटे?
#
# `softmax` से पहले स्कोर को *तापमान* (temperature) से भाग दीजिए। तापमान कम हो तो ध्यान लगभग एक ही शब्द पर टिकता है; ज़्यादा हो तो लगभग साधारण औसत बन जाता है।


# %% name="interactive-temperature"
def draw_weights(question: str, temperature: float, x: Tensor = x) -> Figure:
    """Bars: how much each word of the sentence counts for `question`, at `temperature`."""
    shares = softmax(x @ questions[question] / temperature)
    figure, ax = plt.subplots(figsize=(2.15, 2.1), layout="constrained")
    ax.bar(words, shares)
    ax.set(ylim=(0, 1), ylabel=t("weight"))
    ax.tick_params(axis="x", rotation=60)
    return figure


interact(
    draw_weights,
    question=list(questions),
    temperature=(0.2, 8.0, 0.2),
    labels={"question": t("question"), "temperature": t("temperature")},
    static=[
        {"question": t("where?"), "temperature": 0.4},
        {"question": t("where?"), "temperature": 1.0},
        {"question": t("where?"), "temperature": 8.0},
    ],
    alt=t("The same scores at three temperatures: one word, a few words, nearly the plain mean"),
)

# %% [markdown] lang="en" name="qkv-text"
# ## 2 · Query, key, value: three roles of a word
#
# In **self-attention** each word asks, each word offers itself, and each word has something to give. Must these be the same numbers?
# Let every word ask with its own vector and see whom it listens to. (`x @ x.T` holds all 36 scores at once: row = who asks, column = who is asked.)
# %% [markdown] lang="hi" of="60b49794"
# ## 2 · क्वेरी, की (key), वैल्यू: एक शब्द, तीन भूमिकाएँ
#
# **स्व-ध्यान** (self-attention) में हर शब्द पूछता है, हर शब्द से पूछा जाता है, और हर शब्द के पास देने को कुछ है। क्या तीनों कामों के लिए वही चार संख्याएँ ठीक हैं?
# हर शब्द को अपने ही वेक्टर से पूछने दीजिए और देखिए वह किसकी सुनता है। (`x @ x.T` में सारे 36 स्कोर एक साथ हैं: पंक्ति = कौन पूछ रहा है, कॉलम = किससे।)

# %% name="self-without-projections"
itself = softmax(4 * x @ x.T)  # [6, 6]
print(
    t(
        "words that listen most to themselves: {n} of 6",
        n=int((itself.argmax(1) == torch.arange(6)).sum()),
    )
)
# %% [markdown] lang="en" name="roles-text"
# Mostly to themselves, which teaches them little. So each word plays three roles, made from it by three matrices:
#
# - the **query** `Q = x W_q`: what am I looking for?
# - the **key** `K = x W_k`: what can I be found by? One key for *each* word.
# - the **value** `V = x W_v`: what do I hand over when found?
#
# A network learns these matrices. Here we write them by hand: a colour looks for a thing and a thing for its colour, an action for a place and a place for what happens there; and a word that is found
# hands over all it has but its place.
# %% [markdown] lang="hi" of="511f3e36"
# ज़्यादातर अपनी ही सुनते हैं, जिससे कुछ नया पता नहीं चलता। इसलिए हर शब्द तीन भूमिकाएँ निभाता है, तीन मैट्रिक्स से:
#
# - **क्वेरी** (query) `Q = x W_q`: मैं क्या ढूँढ रहा हूँ?
# - **की** (key) `K = x W_k`: मुझे किस पहचान से ढूँढा जाए? *हर* शब्द का अपना एक की-वेक्टर।
# - **वैल्यू** (value) `V = x W_v`: मिल जाऊँ तो क्या दूँ?
#
# नेटवर्क ये मैट्रिक्स सीखता है। यहाँ हम इन्हें हाथ से लिखते हैं: रंग चीज़ को ढूँढे और चीज़ अपने रंग को, क्रिया जगह को और जगह वहाँ की क्रिया को; और जो शब्द मिल जाए
# वह अपनी जगह छोड़कर बाक़ी सब दे दे।
# %% name="qkv"
seeks = torch.tensor([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])  # row: who asks
w_query, w_key = 6.0 * seeks, torch.eye(4)  # 6: loudly
w_value = torch.diag(torch.tensor([1.0, 1.0, 0.0, 1.0]))  # everything but the place
query, key, value = x @ w_query, x @ w_key, x @ w_value  # each [6, 4]
projected = softmax(query @ key.T)  # [6, 6]

figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.6), layout="constrained")
plots.heatmap(axes[0], itself, rows=words, columns=words, title=t("No projections: to itself"))
plots.heatmap(axes[1], projected, rows=words, columns=words, title=t("With W_q: to its partner"))
for ax in axes:
    ax.set(ylabel=t("asks"), xlabel=t("is asked"))
plots.show(
    figure, alt=t("Two weight tables: left the diagonal is strong, right red looks at lotus")
)
assert words[projected[words.index(t("red"))].argmax()] == t("lotus")

# %% name="after-attention"
red = words.index(t("red"))
heard = projected @ value  # [6, 4]: what each word hears
plots.table(
    [[t("before"), *x[red].tolist()], [t("heard"), *heard[red].tolist()]],
    columns=[t("the word '{word}'", word=t("red")), *features],
    caption=t("The word for a colour now knows its thing"),
)
assert heard[red].argmax() == 1  # the thing

# %% [markdown] lang="en" name="read-key"
# > **You may have read** "the key is the whole sequence". There is one key per position: `K` has as many rows as there are words.
# > Self- and cross-attention differ only in *where Q, K and V come from*: the same sequence, or two.
# %% [markdown] lang="hi" of="21df60cd"
# > **आपने पढ़ा होगा** "key पूरा sequence है"। असल में हर शब्द का अपना की-वेक्टर होता है: `K` में उतनी ही पंक्तियाँ हैं जितने शब्द।
# > स्व-ध्यान और क्रॉस-ध्यान (cross-attention) में फ़र्क़ बस इतना है कि *Q, K और V कहाँ से आते हैं*: एक ही सीक्वेंस से, या दो से।

# %% name="self-and-cross" tags=["nbval-check-output"]
question = torch.stack(list(questions.values()))[:2]  # two questions, asked of six words
for name, asker in {"self ": x, "cross": question}.items():
    print(name, "Q", tuple(asker.shape), "K", tuple(x.shape), "weights", tuple((asker @ x.T).shape))


# %% [markdown] lang="en" name="scale-text"
# ## 3 · Why divide by √d?
#
# By hand we chose how loudly to ask. What does chance choose? Take a query and a key whose d entries are independent, each with mean 0 and variance 1. Each product $q_i k_i$ then has variance 1 too,
# and $\mathrm{Var}(q \cdot k) = \sum_i \mathrm{Var}(q_i k_i) = d$: **the wider the vectors, the wilder the scores**. Wild scores make `softmax` pick one word, and then its gradient dies:
# nudging a score moves no weight, so nothing can be learnt. Dividing by √d brings the variance back to 1.
#
# We count the rows that are *dead*: those whose gradient (the size of the Jacobian of `softmax`) is below 0.01.
# %% [markdown] lang="hi" of="31f801eb"
# ## 3 · √d से भाग क्यों देते हैं?
#
# ऊपर हमने ख़ुद तय किया कि कितने ज़ोर से पूछना है। रैंडम वेक्टर हों तो? मान लीजिए क्वेरी-वेक्टर और की-वेक्टर की d संख्याएँ एक-दूसरे से स्वतंत्र हैं, हर एक का औसत 0 और वेरिएंस (variance) 1। तब हर गुणनफल $q_i k_i$ का वेरिएंस भी 1 है,
# और $\mathrm{Var}(q \cdot k) = \sum_i \mathrm{Var}(q_i k_i) = d$: **वेक्टर जितने चौड़े, स्कोर उतने बेक़ाबू**। बेक़ाबू स्कोर पर `softmax` एक ही शब्द पकड़ लेता है और फिर उसका ग्रेडिएंट मर जाता है:
# स्कोर ज़रा हिलाने से कोई ध्यान-भार नहीं हिलता, तो सीखना रुक जाता है। √d से भाग देने पर वेरिएंस फिर 1 हो जाता है।
#
# हम गिनते हैं कि कितनी पंक्तियाँ *मर चुकी* हैं: जिनका ग्रेडिएंट (`softmax` के Jacobian का आकार) 0.01 से कम है।
# %% name="why-scale"
def saturation(scores: Tensor) -> tuple[float, float, float]:
    """Of scores [rows, m]: their variance, the weights' mean entropy, and the share of dead rows.

    Entropy in nats (log m = all words equal, 0 = one word). A row is dead if the Frobenius norm of
    softmax's Jacobian, diag(p) - ppᵀ, is below 0.01.
    """
    p = softmax(scores)
    entropy = torch.special.entr(p).sum(-1).mean()
    jacobian = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    dead = (jacobian.flatten(1).norm(dim=1) < 0.01).float().mean()
    return scores.var().item(), entropy.item(), dead.item()


generator = torch.Generator().manual_seed(0)
widths = [4, 16, 64, 256, 1024]
raw, scaled = [], []
for d in widths:
    q, k = torch.randn(2, 256, 16, d, generator=generator)  # 256 rows, 16 keys each
    dots = (q[:, :1] * k).sum(-1)
    raw.append(saturation(dots))
    scaled.append(saturation(dots / math.sqrt(d)))
plots.table(
    [[d, *a, *b] for d, a, b in zip(widths, raw, scaled, strict=True)],
    columns=[
        "d",
        t("variance"),
        t("entropy"),
        t("dead rows"),
        t("variance, ÷√d"),
        t("entropy, ÷√d"),
        t("dead rows, ÷√d"),
    ],
    caption=t(
        "Without scaling the variance is about d and most rows die; with it, width does not matter"
    ),
)
# %% name="why-scale-picture"
figure, axes = plt.subplots(1, 3, figsize=(8.4, 2.6), layout="constrained")
for ax, i, name in zip(axes, range(3), [t("variance"), t("entropy"), t("dead rows")], strict=True):
    ax.plot(widths, [row[i] for row in raw], "o-", color=plots.COLOURS[1], label="q·k")
    ax.plot(widths, [row[i] for row in scaled], "s-", color=plots.COLOURS[0], label="q·k / √d")
    ax.set(xscale="log", xlabel="d", title=name)
axes[0].set_yscale("log")
axes[0].legend()
plots.show(
    figure,
    alt=t("Three curves over the width d: raw scores grow and rows die, scaled ones stay level"),
)
assert all(0.8 * d < row[0] < 1.25 * d for d, row in zip(widths, raw, strict=True))
assert all(0.8 < row[0] < 1.25 for row in scaled)
assert scaled[-1][2] < 0.01 and raw[-1][2] > 0.5
measured.append([t("dead softmax rows at d = 1024"), scaled[-1][2], raw[-1][2], t("without ÷√d")])


# %% [markdown] lang="en" name="equation"
# ## 4 · The whole equation
#
# $$\mathrm{Attention}(Q, K, V) = \mathrm{softmax}\!\left(\frac{QK^\top}{\sqrt{d_k}}\right)V$$
#
# (Vaswani et al. 2017, equation 1.) Read it from the inside: scores, scale, weights, weighted sum. `d_k` is the width of a *key*.
# The code adds one thing that the formula leaves out: a **mask**, which says who may look where (section 5).
# %% [markdown] lang="hi" of="a7e0e6cc"
# ## 4 · पूरा समीकरण
#
# $$\mathrm{Attention}(Q, K, V) = \mathrm{softmax}\!\left(\frac{QK^\top}{\sqrt{d_k}}\right)V$$
#
# (Vaswani et al. 2017, समीकरण 1।) इसे अंदर से बाहर की ओर पढ़िए: पहले स्कोर, फिर √d से भाग, फिर ध्यान-भार, फिर भारित औसत। `d_k` हर की-वेक्टर की चौड़ाई है।
# कोड में एक चीज़ और है जो सूत्र में नहीं लिखी: **मास्क** (mask), जो बताता है कि कौन कहाँ देख सकता है (सेक्शन 5)।


# %% name="softmax-qk" tags=["export"]
def attention_weights(query: Tensor, key: Tensor, mask: Tensor | None = None) -> Tensor:
    """softmax(QKᵀ/√d_k): query [..., n, d_k], key [..., m, d_k] -> weights [..., n, m].

    `mask` is boolean, broadcastable to [..., n, m]; True means "may look".
    Vaswani et al. 2017, equation 1.
    """
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return softmax(scores)


# %% name="attention-with-v" tags=["export"]
def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """softmax(QKᵀ/√d_k)V: value [..., m, d_v] -> output [..., n, d_v] and weights [..., n, m]."""
    weights = attention_weights(query, key, mask)
    return weights @ value, weights


# %% [markdown] lang="en" name="oracle-text"
# Is ours the same as PyTorch's? We compare on sizes that catch sloppy code: tensors `[batch, heads, n, d]` (heads come in section 7), more keys than queries, a value width of its own.
# The shapes: `[n, d] · [d, m] → [n, m]`, then `[n, m] · [m, d_v] → [n, d_v]`.
# %% [markdown] lang="hi" of="970a46c0"
# क्या हमारा कोड वही देता है जो PyTorch का? हम टेंसरों के ऐसे आकार (shape) चुनते हैं जिनमें लापरवाह कोड पकड़ा जाए: `[batch, heads, n, d]` (हेड सेक्शन 7 में आएँगे), की-वेक्टर क्वेरी-वेक्टरों से ज़्यादा, और वैल्यू-वेक्टरों की अलग चौड़ाई।
# आकार ऐसे जुड़ते हैं: `[n, d] · [d, m] → [n, m]`, फिर `[n, m] · [m, d_v] → [n, d_v]`।
# %% name="equals-pytorch" tags=["nbval-check-output"]
generator = torch.Generator().manual_seed(0)
query = torch.randn(3, 2, 5, 8, generator=generator).to(device)
key = torch.randn(3, 2, 7, 8, generator=generator).to(device)
value = torch.randn(3, 2, 7, 6, generator=generator).to(device)
ours, weights = scaled_dot_product_attention(query, key, value)
difference = (ours - F.scaled_dot_product_attention(query, key, value)).abs().max()
print(
    "output", tuple(ours.shape), "weights", tuple(weights.shape), "equal:", bool(difference < 1e-5)
)


# %% [markdown] lang="en" name="mask-text"
# ## 5 · Masks: who may look where
#
# A mask is a table of True and False. Three of them made three families of models:
#
# - **everyone sees everyone**: BERT, an *encoder*. Good for understanding a whole sentence.
# - **only itself and the past** (a causal mask): GPT, a *decoder*. Good for writing, because at writing time the future is not there yet.
# - **the question in full, the answer step by step**: what an encoder–decoder such as the first Transformer or T5 can see, here in a single table (a *prefix* mask).
# %% [markdown] lang="hi" of="61eefed0"
# ## 5 · मास्क: कौन कहाँ देख सकता है
#
# मास्क True और False की एक तालिका है। तीन मास्क, मॉडलों के तीन परिवार:
#
# - **सब सबको देखें**: BERT, यानी *एनकोडर (encoder)*। पूरा वाक्य समझने के लिए अच्छा।
# - **सिर्फ़ ख़ुद को और पीछे वालों को देखें** (causal मास्क): GPT, यानी *डिकोडर (decoder)*। लिखने के लिए अच्छा, क्योंकि लिखते समय आगे का शब्द अभी होता ही नहीं।
# - **सवाल पूरा दिखे, जवाब एक-एक क़दम**: पहला ट्रांसफ़ॉर्मर या T5 जैसा एनकोडर–डिकोडर जो देख सकता है, यहाँ एक ही तालिका में (*prefix* मास्क)।
# %% name="causal-mask" tags=["export"]
def causal_mask(n: int, device: torch.device | None = None) -> Tensor:
    """[n, n] boolean: position i may look at positions 0 … i and at no later one."""
    return torch.ones(n, n, dtype=torch.bool, device=device).tril()


# %% name="bert-gpt-t5"
everyone = torch.ones(6, 6, dtype=torch.bool)
prefix = causal_mask(6) | (torch.arange(6) < 3)  # the first three words are the question
figure, axes = plt.subplots(1, 3, figsize=(8.4, 3.2), layout="constrained")
masks = {"BERT": everyone, "GPT": causal_mask(6), t("prefix"): prefix}
for ax, (name, mask) in zip(axes, masks.items(), strict=True):
    title = t("{name}: {n} of 36 allowed", name=name, n=int(mask.sum()))
    plots.heatmap(ax, mask, rows=words, columns=words, title=title, digits=0, vmin=0, vmax=1.5)
    ax.tick_params(axis="x", rotation=45)
plots.show(
    figure, alt=t("Three masks: all allowed, a triangle, a triangle with three open columns")
)


# %% [markdown] lang="en" name="leak-text"
# Does the mask hold? Change the last word and see whose output moves. With the causal mask nobody before it may notice. The control, without a mask,
# shows that the test can fail.
# %% [markdown] lang="hi" of="0070ed38"
# क्या मास्क सचमुच रोकता है? आख़िरी शब्द बदलिए और देखिए कि किस-किस शब्द का आउटपुट बदला। causal मास्क के साथ पहले वाले शब्दों पर कोई असर नहीं होना चाहिए। मास्क के बिना
# यही जाँच हमारा कंट्रोल (control) है: वहाँ असर दिखता है, यानी यह जाँच गड़बड़ पकड़ सकती है।

# %% name="causal-leak" tags=["nbval-check-output"]
changed = x.clone()
changed[-1] += 1.0
for name, mask in {t("causal mask"): causal_mask(6), t("no mask"): None}.items():
    before, _ = scaled_dot_product_attention(x, x, x, mask)
    after, _ = scaled_dot_product_attention(changed, changed, changed, mask)
    noticed = int((before != after).any(1)[:-1].sum())
    print(t("{name}: {n} of the 5 earlier words noticed", name=name, n=noticed))

# %% [markdown] lang="en" name="masked-row-text"
# The most used mask hides **padding**. Sentences of a batch have different lengths; the short ones are filled up with empty places, which nobody should look at. Two traps wait here:
#
# 1. **A word that may look nowhere**, such as in an empty sentence. Naive code divides 0 by 0 and spreads NaN through the network. Ours gives zeros.
# 2. **True means opposite things.** In `F.scaled_dot_product_attention` True = may look; in `nn.MultiheadAttention` True = must *not* look.
# %% [markdown] lang="hi" of="7d083379"
# सबसे ज़्यादा काम आने वाला मास्क **पैडिंग** (padding) छिपाता है। बैच के वाक्य अलग-अलग लंबाई के होते हैं; छोटे वाक्यों में ख़ाली जगहें भर दी जाती हैं, जिन्हें किसी को नहीं देखना चाहिए। यहाँ दो जाल हैं:
#
# 1. **ऐसा शब्द जो कहीं नहीं देख सकता**, जैसे ख़ाली वाक्य में। सीधा-सादा कोड 0 को 0 से भाग देता है और NaN पूरे नेटवर्क में फैल जाता है। हमारा कोड 0 देता है।
# 2. **True के दो उलटे मतलब।** `F.scaled_dot_product_attention` में True = देख सकते हैं; `nn.MultiheadAttention` में True = *नहीं* देख सकते।
# %% name="masked-row" tags=["nbval-check-output"]
lengths = torch.tensor([3, 0])  # a sentence of three words, and an empty one
may_look = (torch.arange(3) < lengths[:, None])[:, None]  # [2 sentences, 1, 3 words]
sentences = torch.stack([x[:3], x[3:]])  # [2, 3, 4]
scores = sentences @ sentences.transpose(1, 2)
naive = scores.masked_fill(~may_look, -math.inf).softmax(-1)
_, weights = scaled_dot_product_attention(sentences, sentences, sentences, may_look)
print(t("naive code:"), naive[1, 0].tolist())
print(t("ours:"), weights[1, 0].tolist())


# %% name="mask-opposite" tags=["nbval-check-output"]
mask = causal_mask(6)
ours, _ = scaled_dot_product_attention(x, x, x, mask)
library = nn.MultiheadAttention(4, 1, bias=False, batch_first=True)
with torch.no_grad():  # projections that change nothing, so that only the mask differs
    library.in_proj_weight.copy_(torch.eye(4).repeat(3, 1))
    library.out_proj.weight.copy_(torch.eye(4))
for name, library_mask in {"mask ": mask, "~mask": ~mask}.items():
    theirs, _ = library(x[None], x[None], x[None], attn_mask=library_mask)
    print(
        f"nn.MultiheadAttention(attn_mask={name}) equals ours:",
        torch.allclose(theirs[0], ours, atol=1e-6),
    )

# %% [markdown] lang="en" name="hard-text"
# ## 6 · Hard attention: pick one, by chance
#
# Soft attention blends. **Hard attention** draws *one* position from the weights and takes only that, so only one value has to be fetched. But how does it learn?
# A draw has no gradient: nudging the scores does not move a picked index a little.
# %% [markdown] lang="hi" of="2ab7ee11"
# ## 6 · हार्ड ध्यान: पासा फेंककर एक को चुनना
#
# सॉफ़्ट ध्यान सबको मिलाता है। **हार्ड ध्यान** (hard attention) ध्यान-भार को प्रायिकता (probability) मानकर *एक* शब्द चुनता है और बस उसी को लेता है, तो एक ही वैल्यू-वेक्टर लाना पड़ता है। पर सीखे कैसे?
# ऐसे चुनने का ग्रेडिएंट नहीं होता: स्कोर ज़रा-सा हिलाने से चुना हुआ index ज़रा-सा नहीं हिलता।
# %% name="hard-no-gradient" tags=["nbval-check-output"]
scores = torch.tensor([1.0, 0.0, -0.5, 0.5, 0.2, 0.8], requires_grad=True)
pick = torch.multinomial(softmax(scores), 1)
print(
    t(
        "a gradient reaches the scores: soft {soft}, hard {hard}",
        soft=softmax(scores).requires_grad,
        hard=pick.requires_grad,
    )
)


# %% [markdown] lang="en" name="reinforce-text"
# The way out is to ask for the gradient of the *expected* loss. Since $\nabla p_i = p_i \nabla \log p_i$,
#
# $$\nabla \sum_i p_i L_i = \sum_i p_i\, L_i \nabla \log p_i = \mathbb{E}_{i\sim p}\big[(L_i - b)\,\nabla \log p_i\big]$$
#
# An average over draws: **REINFORCE** needs nothing but draws and their losses. "Make likely what turned out better than expected." The baseline b is free, since the $\nabla \log p_i$ average to $\nabla \sum_i p_i = 0$;
# but it makes the estimate far less noisy. With six words we can afford the exact gradient, and so check the estimate. Say the loss is how far each word's answer is from the right one.
# %% [markdown] lang="hi" of="d14ad4c9"
# रास्ता यह है कि *औसत* लॉस का ग्रेडिएंट निकाला जाए। $\nabla p_i = p_i \nabla \log p_i$ है, इसलिए
#
# $$\nabla \sum_i p_i L_i = \sum_i p_i\, L_i \nabla \log p_i = \mathbb{E}_{i\sim p}\big[(L_i - b)\,\nabla \log p_i\big]$$
#
# यह नमूनों (samples) का औसत है: **REINFORCE** को बस नमूने और उनके लॉस चाहिए। "जो उम्मीद से अच्छा निकला, उसकी प्रायिकता बढ़ाइए।" बेसलाइन (baseline) b कुछ भी ले सकते हैं, क्योंकि $\nabla \log p_i$ का औसत $\nabla \sum_i p_i = 0$ है;
# पर वह अनुमान का शोर बहुत घटा देती है। छह शब्द ही हैं, तो असली ग्रेडिएंट भी निकल सकता है – उसी से अनुमान परखते हैं। मान लीजिए लॉस यह है कि हर शब्द का जवाब सही जवाब से कितनी दूर है।
# %% name="reinforce" tags=["export"]
def reinforce_gradient(
    scores: Tensor, loss_of_choice: Tensor, draws: int, baseline: float, generator: torch.Generator
) -> Tensor:
    """Each draw's estimate of ∂E[L]/∂scores: [draws, n] from scores [n] and losses [n].

    For a softmax, ∇ log p_i = one_hot(i) - p. Williams 1992; for attention, Xu et al. 2015, eq. 11.
    """
    p = softmax(scores.detach())
    choice = torch.multinomial(p, draws, replacement=True, generator=generator)
    grad_log_p = F.one_hot(choice, len(p)) - p
    return (loss_of_choice[choice] - baseline)[:, None] * grad_log_p


# %% name="hard-attention-gradient"
loss_of_choice = torch.tensor([3.0, 2.0, 5.0, 4.0, 3.5, 2.5])
expected_loss = softmax(scores) @ loss_of_choice
(exact,) = torch.autograd.grad(expected_loss, scores)
generator = torch.Generator().manual_seed(0)
counts = [10, 100, 1_000, 10_000, 100_000]
errors, noise = {}, {}
for name, baseline in {
    t("no baseline"): 0.0,
    t("baseline = expected loss"): expected_loss.item(),
}.items():
    draws = reinforce_gradient(scores, loss_of_choice, counts[-1], baseline, generator)
    errors[name] = [(draws[:n].mean(0) - exact).norm().item() for n in counts]
    noise[name] = draws.var(0).sum().item()

figure, ax = plt.subplots(figsize=(5.2, 3), layout="constrained")
for (name, error), colour in zip(errors.items(), plots.COLOURS[1::-1], strict=False):
    ax.loglog(counts, error, "o-", label=name, color=colour)
ax.set(xlabel=t("draws"), ylabel=t("error of the estimate"))
ax.set_title(t("REINFORCE reaches the exact gradient; the baseline gets there sooner"))
ax.legend()
plots.show(
    figure,
    alt=t("Error falls with the number of draws for both; the line with a baseline is lower"),
)
without, with_baseline = noise.values()
assert errors[t("baseline = expected loss")][-1] < 0.02
assert without > 3 * with_baseline
print(
    t(
        "noise of one draw: {without:.2f} without, {with_baseline:.2f} with the baseline",
        without=without,
        with_baseline=with_baseline,
    )
)
measured.append([t("variance of a REINFORCE draw"), with_baseline, without, t("no baseline")])

# %% [markdown] lang="en" name="heads-text"
# ## 7 · Several heads
#
# One set of weights gives one blend. Suppose a word must listen to *two* others: its weights are ½ and ½, and it receives their mean.
# Swap the two words: the mean is the same, and who said what is lost. Two **heads**, each with its own weights, keep the two answers apart.
# %% [markdown] lang="hi" of="1c864ddc"
# ## 7 · कई हेड
#
# ध्यान-भार का एक सेट एक ही मिश्रण देता है। मान लीजिए किसी शब्द को *दो* शब्दों की बात सुननी है: ध्यान-भार ½ और ½ होंगे, और उसे दोनों का औसत मिलेगा।
# दोनों शब्द आपस में बदल दीजिए: औसत वही रहता है, पर यह पता नहीं चलता कि किसने क्या कहा। दो **हेड** (heads) हों और हर एक के अपने ध्यान-भार, तो दोनों जवाब अलग-अलग रहते हैं।

# %% name="one-head-blends" tags=["nbval-check-output"]
left, right = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
half = torch.tensor([0.5, 0.5])
for said in [torch.stack([left, right]), torch.stack([right, left])]:
    print(
        t(
            "one head hears {one}, two heads hear {two}",
            one=(half @ said).tolist(),
            two=said.tolist(),
        )
    )


# %% [markdown] lang="en" name="heads-code-text"
# More heads do not mean more parameters: the width d is cut into h slices, and each slice attends on its own. `einops.rearrange` says it in one line (`"b n (h d) -> b h n d"`: split the last axis into h heads).
# The last matrix, `to_out`, mixes what the heads found.
#
# > **You may have read** that heads "process the scores together". They do not meet before that last matrix: each has its own Q, K and V, side by side. We change the second head and see that the first does not notice.
# %% [markdown] lang="hi" of="6df822e8"
# हेड बढ़ाने से पैरामीटर नहीं बढ़ते: चौड़ाई d को h टुकड़ों में काटिए, और हर टुकड़ा अपने ध्यान-भार ख़ुद निकालता है। `einops.rearrange` इसे एक पंक्ति में कह देता है (`"b n (h d) -> b h n d"`: आख़िरी अक्ष को h हेड में बाँटिए)।
# आख़िरी मैट्रिक्स `to_out` हेडों के नतीजे मिलाता है।
#
# > **आपने पढ़ा होगा** कि हेड "मिलकर स्कोर बनाते हैं"। उस आख़िरी मैट्रिक्स से पहले वे मिलते ही नहीं: हर हेड के अपने Q, K और V हैं, साथ-साथ। हम दूसरे हेड को बदलते हैं और देखते हैं कि पहले पर कोई असर नहीं पड़ता।
# %% name="multi-head" tags=["export"]
class MultiHeadAttention(nn.Module):
    """`n_heads` attentions side by side, each with its own projections of width d_model / n_heads.

    Vaswani et al. 2017, section 3.2.2.
    """

    def __init__(self, d_model: int, n_heads: int, bias: bool = True) -> None:
        super().__init__()
        if d_model % n_heads:
            raise ValueError(
                t(
                    "d_model={d} cannot be shared by {h} heads: choose a multiple",
                    d=d_model,
                    h=n_heads,
                )
            )
        self.n_heads = n_heads
        self.to_query = nn.Linear(d_model, d_model, bias)
        self.to_key = nn.Linear(d_model, d_model, bias)
        self.to_value = nn.Linear(d_model, d_model, bias)
        self.to_out = nn.Linear(d_model, d_model, bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """query [B, n, d_model] -> output [B, n, d_model] and weights [B, n_heads, n, m].

        Without `key` it is self-attention; with it, cross-attention. `mask`: [n, m] or [B, n, m].
        """
        key = query if key is None else key
        value = key if value is None else value
        split = "b n (h d) -> b h n d"
        q = rearrange(self.to_query(query), split, h=self.n_heads)
        k = rearrange(self.to_key(key), split, h=self.n_heads)
        v = rearrange(self.to_value(value), split, h=self.n_heads)
        if mask is not None and mask.ndim == 3:
            mask = mask[:, None]  # the same mask for every head
        heads, weights = scaled_dot_product_attention(q, k, v, mask)
        return self.to_out(rearrange(heads, "b h n d -> b n (h d)")), weights


# %% name="heads-equal-pytorch" tags=["nbval-check-output"]
sequence = torch.randn(3, 5, 32, generator=torch.Generator().manual_seed(0))
for n_heads in (1, 2, 4):
    ours, theirs = (
        MultiHeadAttention(32, n_heads),
        nn.MultiheadAttention(32, n_heads, batch_first=True),
    )
    with torch.no_grad():  # the same weights in both: theirs keeps Q, K and V in one matrix
        theirs.in_proj_weight.copy_(
            torch.cat([ours.to_query.weight, ours.to_key.weight, ours.to_value.weight])
        )
        theirs.in_proj_bias.copy_(
            torch.cat([ours.to_query.bias, ours.to_key.bias, ours.to_value.bias])
        )
        theirs.out_proj.load_state_dict(ours.to_out.state_dict())
    difference = (ours(sequence)[0] - theirs(sequence, sequence, sequence)[0]).abs().max()
    numbers = sum(p.numel() for p in ours.parameters())
    same = bool(difference < 1e-5)
    print(t("heads: {h}, trained numbers: {n}, equal: {same}", h=n_heads, n=numbers, same=same))

# %% name="heads-side-by-side" tags=["nbval-check-output"]
attend = MultiHeadAttention(32, 2)
_, before = attend(sequence)
with torch.no_grad():
    attend.to_query.weight[16:] += 1.0  # the query rows of the second head
_, after = attend(sequence)
for head in range(2):
    moved = not torch.equal(before[:, head], after[:, head])
    print(
        t(
            "second head's queries changed; weights of head {h} moved: {moved}",
            h=head + 1,
            moved=moved,
        )
    )

# %% [markdown] lang="en" name="order-text"
# ## 8 · Attention does not know order
#
# Shuffle the words, and the outputs are the same outputs, shuffled: without a mask, attention takes a sentence for a *bag*. (A causal mask does let some order in.) If order matters, each position must carry a mark.
# The first Transformer added waves of many lengths to the words, $\sin$ and $\cos$ of $\mathrm{pos}/10000^{2i/d}$, so that every position has its own pattern. Many models learn the codes instead, or turn q and k by the position (*rotary* codes).
# %% [markdown] lang="hi" of="2d93f8c8"
# ## 8 · ध्यान को क्रम का पता नहीं
#
# शब्दों को आगे-पीछे कर दीजिए: आउटपुट वही रहते हैं, बस उसी तरह आगे-पीछे हो जाते हैं। मास्क न हो तो ध्यान के लिए वाक्य *झोले* में पड़े शब्दों जैसा है: कोई क्रम नहीं। (causal मास्क से थोड़ा क्रम आ जाता है।) जहाँ क्रम मायने रखता हो,
# वहाँ हर पोज़िशन की अपनी पहचान चाहिए: पोज़िशनल एनकोडिंग (positional encoding)। पहले ट्रांसफ़ॉर्मर ने शब्दों के वेक्टरों में अलग-अलग लंबाई की लहरें जोड़ीं, $\mathrm{pos}/10000^{2i/d}$ का $\sin$ और $\cos$, ताकि हर पोज़िशन का अपना पैटर्न हो। कई मॉडल ये कोड सीख लेते हैं, या पोज़िशन के हिसाब से q और k को घुमाते हैं (*rotary*)।


# %% name="positions" tags=["export"]
def sinusoidal_positions(n: int, d_model: int) -> Tensor:
    """[n, d_model] position codes, sines and cosines in turn. Vaswani et al. 2017, section 3.5."""
    position = torch.arange(n)[:, None]
    frequency = 10_000.0 ** (-torch.arange(0, d_model, 2) / d_model)
    angles = position * frequency
    codes = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
    return codes[:, :d_model]


# %% name="permutation" tags=["nbval-check-output"]
attend = MultiHeadAttention(32, 4)
order = torch.tensor([3, 0, 4, 2, 1])
settings = {
    t("no mask, no positions"): (0.0, None),
    t("causal mask, no positions"): (0.0, causal_mask(5)),
    t("no mask, with positions"): (sinusoidal_positions(5, 32), None),
}
for name, (codes, mask) in settings.items():
    shuffled_after = attend(sequence + codes, mask=mask)[0][:, order]
    shuffled_before = attend(sequence[:, order] + codes, mask=mask)[0]
    same = torch.allclose(shuffled_after, shuffled_before, atol=1e-5)
    print(t("{name}: shuffling before or after gives the same: {same}", name=name, same=same))


# %% name="positions-picture"
figure, axes = plt.subplots(1, 2, figsize=(7.4, 2.6), layout="constrained")
codes = sinusoidal_positions(48, 32)
axes[0].imshow(codes.T, aspect="auto", cmap="RdBu")
axes[0].set(xlabel=t("position"), ylabel=t("feature"), title=t("Each position has its own pattern"))
axes[1].plot(codes @ codes[24] / codes[24].norm() ** 2, color=plots.COLOURS[0])
axes[1].set(xlabel=t("position"), title=t("Likeness to position 24"))
plots.show(
    figure,
    alt=t(
        "Left: waves of many lengths over 48 positions. Right: likeness peaks at position 24 and falls on both sides"
    ),
)


# %% [markdown] lang="en" name="block-text"
# ## 9 · The Transformer block
#
# Attention lets the words talk; a small network then lets each word think alone: it widens a vector to `d_ff` numbers, bends them (GELU, a smooth ReLU) and brings them back. Both *add* to what came in (residual), and a layer norm keeps the scale.
# This is the *pre-norm* order that most models use today; the first paper put the norm after the sum ([Xiong et al. 2020](https://arxiv.org/abs/2002.04745) compare them).
# %% [markdown] lang="hi" of="dedb7e7f"
# ## 9 · ट्रांसफ़ॉर्मर ब्लॉक
#
# ध्यान में शब्द आपस में बात करते हैं; फिर एक छोटा नेटवर्क हर शब्द को अकेले सोचने देता है: वेक्टर को `d_ff` संख्याओं तक चौड़ा करता है, मोड़ता है (GELU, एक चिकना ReLU) और वापस लाता है। दोनों अपना नतीजा इनपुट में *जोड़ते* हैं (रेज़िडुअल कनेक्शन), और लेयर नॉर्म पैमाना सँभालता है।
# यह *pre-norm* क्रम है, जो आज के ज़्यादातर मॉडलों में है; मूल पेपर में नॉर्म जोड़ के बाद था ([Xiong et al. 2020](https://arxiv.org/abs/2002.04745) दोनों की तुलना करते हैं)।

# %% name="block-picture"
figure, ax = plt.subplots(figsize=(8.4, 1.7))
parts = ["x", t("layer norm"), t("attention"), "+", t("layer norm"), t("small network"), "+", "x′"]
box = {"boxstyle": "round,pad=0.4", "facecolor": "#DCEBF5", "edgecolor": plots.COLOURS[0]}
for i, part in enumerate(parts):
    ax.text(i, 0, part, ha="center", va="center", bbox=box)
    if i:
        ax.annotate("", (i - 0.42, 0), (i - 0.62, 0), arrowprops={"arrowstyle": "->"})
for start, end in [(0, 3), (3, 6)]:  # the residual connections
    bend = {"arrowstyle": "->", "connectionstyle": "arc3,rad=-0.35", "color": plots.COLOURS[3]}
    ax.annotate("", (end, 0.35), (start, 0.35), arrowprops=bend)
ax.text(3, 1.15, t("residual: what came in is added"), ha="center", color=plots.COLOURS[3])
ax.set(xlim=(-0.5, 7.5), ylim=(-0.5, 1.5))
ax.axis("off")
plots.show(
    figure, alt=t("The block: norm, attention, sum, norm, small network, sum, with two by-passes")
)


# %% name="transformer-block" tags=["export"]
class TransformerBlock(nn.Module):
    """Attention, then a small network for each position; both added to what came in (pre-norm)."""

    def __init__(self, d_model: int, n_heads: int, d_ff: int) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.norm_2 = nn.LayerNorm(d_model)
        self.feed_forward = nn.Sequential(
            nn.Linear(d_model, d_ff), nn.GELU(), nn.Linear(d_ff, d_model)
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x [B, n, d_model] -> the same shape, and the attention weights [B, n_heads, n, n]."""
        attended, weights = self.attention(self.norm_1(x), mask=mask)
        x = x + attended
        return x + self.feed_forward(self.norm_2(x)), weights


# %% name="block-shapes" tags=["nbval-check-output"]
block = TransformerBlock(d_model=32, n_heads=4, d_ff=64)
output, weights = block(sequence, causal_mask(5))
print("in", tuple(sequence.shape), "out", tuple(output.shape), "weights", tuple(weights.shape))


# %% [markdown] lang="en" name="lookup-text"
# ## 10 · Does it help? Against the plain mean
#
# Now it must learn. Five motifs lie on the floor, each in its own colour, and the question names a colour: *which motif is it?* Each motif comes as one vector
# (its colour plus its shape). Both models start from the very same weights; one attends, the control takes the plain mean. A mean of "red lotus" and "blue star" is the mean of "red star" and "blue lotus": it forgets who is which.
# %% [markdown] lang="hi" of="4cdbd0c8"
# ## 10 · क्या ध्यान से फ़ायदा होता है? साधारण औसत से मुक़ाबला
#
# अब सीखने की बारी है। फ़र्श पर पाँच आकृतियाँ हैं, हर एक अलग रंग की, और सवाल में एक रंग का नाम है: *यह रंग किस आकृति का है?* हर आकृति एक वेक्टर है
# (उसका रंग और उसका रूप, जोड़कर)। दोनों मॉडलों की शुरुआत बिल्कुल एक जैसे भारों से होती है; फ़र्क़ बस इतना है कि एक में ध्यान है और दूसरे (कंट्रोल) में साधारण औसत। "लाल कमल" और "नीला तारा" का औसत वही है जो "लाल तारा" और "नीला कमल" का: औसत भूल जाता है कि कौन क्या था।
# %% name="lookup-model"
class Lookup(nn.Module):
    """Answers "which motif has this colour?" about a set of coloured motifs."""

    def __init__(self, attend: bool, d: int = 16) -> None:
        super().__init__()
        self.attend = attend
        self.colour, self.motif = nn.Embedding(8, d), nn.Embedding(8, d)
        self.to_query, self.to_key, self.to_value = (
            nn.Linear(d, d),
            nn.Linear(d, d),
            nn.Linear(d, d),
        )
        self.answer = nn.Sequential(nn.Linear(2 * d, 64), nn.ReLU(), nn.Linear(64, 8))

    def forward(self, colours: Tensor, motifs: Tensor, asked: Tensor) -> tuple[Tensor, Tensor]:
        """colours, motifs [B, 5], asked [B] -> logits over 8 motifs [B, 8] and weights [B, 5]."""
        things, asked = self.colour(colours) + self.motif(motifs), self.colour(asked)[:, None]
        query = (
            self.to_query(asked) if self.attend else torch.zeros_like(asked)
        )  # 0 → equal weights
        found, weights = scaled_dot_product_attention(
            query, self.to_key(things), self.to_value(things)
        )
        return self.answer(torch.cat([found, asked], -1)[:, 0]), weights[:, 0]


def floor_of_motifs(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """n floors: colours [n, 5] and motifs [n, 5], none twice, and the place asked for [n]."""
    colours, motifs = (torch.rand(n, 8, generator=generator).argsort(1)[:, :5] for _ in range(2))
    return colours, motifs, torch.randint(5, (n, 1), generator=generator)


# %% name="attention-against-mean"
accuracy, pointing, shown = {}, {}, {}
for name, attend in {t("attention"): True, t("plain mean"): False}.items():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Lookup(attend).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(1)
    for _ in range(400):
        colours, motifs, place = (part.to(device) for part in floor_of_motifs(128, generator))
        logits, _ = model(colours, motifs, colours.gather(1, place)[:, 0])
        loss = F.cross_entropy(logits, motifs.gather(1, place)[:, 0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    colours, motifs, place = (part.to(device) for part in floor_of_motifs(2_000, generator))
    with torch.no_grad():
        logits, weights = model(colours, motifs, colours.gather(1, place)[:, 0])
    accuracy[name] = (logits.argmax(1) == motifs.gather(1, place)[:, 0]).float().mean().item()
    shown[name] = weights[0].cpu()
    pointing[name] = (weights.argmax(1) == place[:, 0]).float().mean().item()

plots.table(
    [
        [t("attention"), accuracy[t("attention")], pointing[t("attention")]],
        [t("plain mean"), accuracy[t("plain mean")], None],  # all its weights are equal
    ],
    columns=[t("model"), t("right answers"), t("heaviest weight on the right motif")],
    caption=t("The mean knows which motifs lie there, but not which has the colour: 1 in 5"),
)
assert accuracy[t("attention")] > 0.98 and accuracy[t("plain mean")] < 0.3
measured.append(
    [
        t("which motif has this colour?"),
        accuracy[t("attention")],
        accuracy[t("plain mean")],
        t("plain mean"),
    ]
)

# %% name="lookup-picture"
colours, motifs, place = colours[0].cpu(), motifs[0].cpu(), int(place[0])
black = torch.zeros(5, dtype=torch.long)
tiles = render(Factors(motifs, colours, black, black + 2), size=40, jitter=0)
figure, axes = plt.subplots(1, 2, figsize=(7.4, 2.6), layout="constrained", sharey=True)
for ax, (name, bars) in zip(axes, shown.items(), strict=True):
    ax.bar(range(5), bars, color=[plots.COLOURS[3 if i == place else 0] for i in range(5)])
    ax.imshow(
        rearrange(tiles, "n c h w -> h (n w) c"), extent=(-0.5, 4.5, -0.32, -0.02), aspect="auto"
    )
    ax.set(xlim=(-0.5, 4.5), ylim=(-0.32, 1.05), xticks=[], title=name)
axes[0].set(ylabel=t("weight"), yticks=[0, 0.5, 1])
plots.show(
    figure, alt=t("Five motifs with their weights: attention has one bar, on the motif asked for")
)


# %% [markdown] lang="en" name="border-text"
# ## 11 · A Transformer that finishes a border
#
# The border of a rangoli repeats: lotus, paisley, diya, lotus, paisley, diya … (a paisley is the mango shape of Indian cloth; a diya, a lamp). Ours always repeats every three tiles. The model sees the tiles so far and says which comes next. It is a GPT of one
# block: embed, add positions, attend to the past, guess.
# %% [markdown] lang="hi" of="ee125cf4"
# ## 11 · किनारी पूरी करने वाला ट्रांसफ़ॉर्मर
#
# रंगोली की किनारी में आकृतियाँ उसी क्रम में बार-बार आती हैं: कमल, केरी, दीया, कमल, केरी, दीया … हमारी किनारी हर तीन टाइल पर दोहराती है। मॉडल अब तक की टाइलें देखता है और बताता है कि अगली कौन-सी है। यह एक ब्लॉक का GPT है:
# एम्बेडिंग (embedding), पोज़िशनल एनकोडिंग, पिछली टाइलों पर ध्यान, और अगली टाइल का अनुमान।
# %% name="border-writer" tags=["export"]
class BorderWriter(nn.Module):
    """A one-block Transformer over tiles: which motif (0 … 7) comes next?"""

    def __init__(self, length: int = 12, d_model: int = 32, n_heads: int = 2) -> None:
        super().__init__()
        self.embedding = nn.Embedding(8, d_model)
        self.register_buffer("positions", sinusoidal_positions(length, d_model))
        self.block = TransformerBlock(d_model, n_heads, 2 * d_model)
        self.norm = nn.LayerNorm(d_model)
        self.to_motif = nn.Linear(d_model, 8)

    def forward(self, motifs: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """motifs [B, n] -> logits of the next motif [B, n, 8] and weights [B, n_heads, n, n]."""
        x = self.embedding(motifs) + self.positions[: motifs.shape[1]]
        x, weights = self.block(x, mask)
        return self.to_motif(self.norm(x)), weights


# %% name="train-border-writer" tags=["export"]
def train_border_writer(
    causal: bool, steps: int = 200, seed: int = 0, device: torch.device | str = "cpu"
) -> tuple[BorderWriter, Tensor]:
    """Train on borders of 12 tiles with a random rule of 3; returns the model and its losses."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = BorderWriter().to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(seed)
    mask = causal_mask(11, device) if causal else None
    losses = []
    for _ in range(steps):
        border = torch.randint(8, (64, 3), generator=generator).repeat(1, 4).to(device)
        logits, _ = model(border[:, :-1], mask)
        loss = F.cross_entropy(logits.flatten(0, 1), border[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return model, torch.stack(losses).cpu()


# %% name="write-border" tags=["export"]
@torch.no_grad()
def write_border(
    model: BorderWriter, start: Tensor, length: int = 12, causal: bool = True
) -> Tensor:
    """Append the likeliest next motif to start [B, k], one at a time, until [B, length]."""
    border = start
    while border.shape[1] < length:
        mask = causal_mask(border.shape[1], border.device) if causal else None
        following = model(border, mask)[0][:, -1].argmax(-1, keepdim=True)
        border = torch.cat([border, following], dim=1)
    return border


# %% [markdown] lang="en" name="cheating-text"
# The second and third tile cannot be known: the pattern shows itself only after three tiles. An honest model is right there 1 time in 8, and its loss cannot fall below $\frac{2}{11}\ln 8$ (two tiles of eleven are a guess among eight). The control trains *without* the mask.
# Nothing hides the rest of the border, so it can find the answer in a *later* tile of the same kind. When it writes, no later tile exists.
#
# One lucky run proves nothing, so each model is trained three times, from other random numbers (*seeds*); the table gives the lowest and the highest of the three. Watch the loss: half-way the cheat is ahead, at the end it is not. What gives it away are the tiles that nobody can know.
# %% [markdown] lang="hi" of="cb4dc9f8"
# दूसरी और तीसरी टाइल पहले से जानना नामुमकिन है: क्रम तीन टाइलों के बाद ही खुलता है। ईमानदार मॉडल वहाँ 8 में से 1 बार सही होगा, और उसका लॉस $\frac{2}{11}\ln 8$ से नीचे नहीं जा सकता (ग्यारह में से दो टाइलें आठ में से एक का अंदाज़ा हैं)। कंट्रोल मॉडल मास्क के *बिना* सीखता है।
# किनारी का बाक़ी हिस्सा उससे छिपा नहीं, तो वह जवाब *आगे* की वैसी ही किसी टाइल से उठा सकता है। पर जब ख़ुद लिखना पड़ता है, तो आगे कोई टाइल होती ही नहीं।
#
# एक बार का नतीजा क़िस्मत से भी अच्छा आ सकता है, इसलिए हर मॉडल को तीन बार सिखाते हैं, हर बार नई रैंडम संख्याओं (*seed*) से; तालिका में तीनों का सबसे छोटा और सबसे बड़ा मान है। लॉस पर नज़र रखिए: आधे रास्ते पर नक़लची आगे है, अंत में नहीं। उसकी पोल वे टाइलें खोलती हैं जिन्हें कोई पहले से जान ही नहीं सकता।
# %% name="cheating"
test_borders = (
    torch.randint(8, (1_000, 3), generator=torch.Generator().manual_seed(9)).repeat(1, 4).to(device)
)
runs, writers = {}, {}
for name, causal in {t("causal mask"): True, t("no mask"): False}.items():
    mask = causal_mask(11, device) if causal else None
    rows = []
    for seed in range(3):
        writer, losses = train_border_writer(causal, seed=seed, device=device)
        with torch.no_grad():
            guesses = writer(test_borders[:, :-1], mask)[0].argmax(-1)
        hit = (guesses == test_borders[:, 1:]).float()
        written = write_border(writer, test_borders[:, :4], causal=causal)
        wrote = (written == test_borders)[:, 4:].float()
        parts = [losses[80:100], losses[-20:], hit[:, :2], hit[:, 2:], wrote]
        rows.append([part.mean().item() for part in parts])
        writers.setdefault(name, writer)  # the first seed's serves from here on
    runs[name] = torch.tensor(rows)  # [3 seeds, 5 numbers]
floor = 2 / 11 * math.log(8)
table = [
    [name, *(f"{low:.2f}–{high:.2f}" for low, high in zip(run.amin(0), run.amax(0), strict=True))]
    for name, run in runs.items()
]
plots.table(
    [*table, [t("the best an honest model can do"), None, floor, 1 / 8, 1.0, 1.0]],
    columns=[
        t("model"),
        t("loss half-way"),
        t("last loss"),
        t("unknowable tiles right"),
        t("other tiles right"),
        t("right when writing"),
    ],
    caption=t(
        "Too good to be true is a leak: it knows what nobody can know, and writes badly"
        " (lowest–highest of 3 seeds)"
    ),
)
half, last, early, _, wrote = runs[t("causal mask")].T
half_leak, last_leak, early_leak, _, wrote_leak = runs[t("no mask")].T
assert (last - floor).abs().max() < 0.03 and early.max() < 0.2 and wrote.min() > 0.98
assert half_leak.max() < half.min() and last_leak.min() > last.max()
assert early_leak.min() > 0.4 and wrote_leak.max() < 0.6
measured.append(
    [
        t("border tiles written right, mean of 3 seeds"),
        wrote.mean().item(),
        wrote_leak.mean().item(),
        t("trained without mask"),
    ]
)


# %% name="draw-border" tags=["export"]
@torch.no_grad()
def where_it_looked(model: BorderWriter, border: Tensor) -> Tensor:
    """For each tile of border [B, n] but the first: the place that its prediction weighed most.

    Mean over heads; [B, n - 1], place i being about tile i + 1.
    """
    _, weights = model(border[:, :-1], causal_mask(border.shape[1] - 1, border.device))
    return weights.mean(1).argmax(-1)


def draw_border(model: BorderWriter, start: Tensor, length: int = 12) -> Figure:
    """The tiles of start [1, k], and those that the model writes after them.

    An arc joins each written tile to the one that its prediction looked at most.
    """
    given, n = start.shape[1], length
    written = write_border(model, start, length)
    looked_at, motifs = where_it_looked(model, written)[0].tolist(), written[0].cpu()
    ground = torch.ones_like(motifs)
    tiles = render(Factors(motifs, motifs, ground, 2 * ground), size=40, jitter=0)
    figure, ax = plt.subplots(figsize=(8.4, 1.9), layout="constrained")
    ax.imshow(rearrange(tiles, "n c h w -> h (n w) c"), extent=(0, n, 0, 1))
    for i in range(given, n):
        ends = {"xy": (looked_at[i - 1] + 0.5, 1.02), "xytext": (i + 0.5, 1.02)}
        rad = min(0.25, 1.5 / (i - looked_at[i - 1]))  # a longer arc is flatter
        arc = {"arrowstyle": "->", "connectionstyle": f"arc3,rad={rad}", "color": plots.COLOURS[0]}
        ax.annotate("", **ends, arrowprops=arc)
    ax.plot([given, given], [0, 1], color=plots.COLOURS[3], linewidth=4)
    ax.set(xlim=(0, n), ylim=(0, 1.9), xticks=[given / 2, (given + n) / 2], yticks=[])
    ax.set_xticklabels([t("given"), t("written by the model; arrows: where it looked")])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return figure


# %% name="border-picture"
honest = writers[t("causal mask")]
plots.show(
    draw_border(honest, torch.tensor([[3, 5, 6, 3]], device=device)),
    alt=t("A rangoli border: four tiles given, eight written; arcs lead back to tiles of one kind"),
)

# %% [markdown] lang="en" name="intervene-text"
# The arcs say where the weights are heaviest. Does the answer hang on that place? A map alone proves nothing; an experiment does. We replace the tile under the heaviest weight by another motif and count how often the answer changes;
# the control replaces a tile at another place. And what did it learn: *find the repeat*, or *look three back*? We hand it borders that repeat every two or four tiles.
# %% [markdown] lang="hi" of="38aa3b10"
# तीर बताते हैं कि सबसे बड़ा ध्यान-भार कहाँ है। क्या जवाब सचमुच उसी जगह पर टिका है? सिर्फ़ नक़्शा देखकर कुछ साबित नहीं होता; प्रयोग से होता है। हम सबसे बड़े भार वाली टाइल की जगह दूसरी आकृति रखते हैं और गिनते हैं कि जवाब कितनी बार बदला;
# कंट्रोल में किसी और जगह की टाइल बदलते हैं। और मॉडल ने सीखा क्या: *दोहराव ढूँढना*, या बस *तीन पीछे देखना*? हम उसे ऐसी किनारियाँ देते हैं जो हर दो या चार टाइल पर दोहराती हैं।

# %% name="intervene"
mask = causal_mask(11, device)
with torch.no_grad():
    usual = honest(test_borders[:, :-1], mask)[0][:, -1].argmax(-1)  # what comes last?
heaviest = where_it_looked(honest, test_borders)[:, -1:]
changed_answers = {}
for name, place in {t("heaviest"): heaviest, t("one place earlier"): (heaviest - 1) % 11}.items():
    tampered = test_borders[:, :-1].clone()
    tampered.scatter_(1, place, (tampered.gather(1, place) + 1) % 8)
    with torch.no_grad():
        answer = honest(tampered, mask)[0][:, -1].argmax(-1)
    changed_answers[name] = (answer != usual).float().mean().item()
    print(
        t(
            "tile replaced: {name}; answers changed: {share:.0%}",
            name=name,
            share=changed_answers[name],
        )
    )

for period in (2, 3, 4):
    borders = torch.randint(8, (1_000, period), generator=torch.Generator().manual_seed(9))
    borders = borders.repeat(1, 6)[:, :12].to(device)
    right = (write_border(honest, borders[:, :4]) == borders)[:, 4:].float().mean().item()
    print(t("repeats every {n}: tiles written right {share:.0%}", n=period, share=right))
assert changed_answers[t("heaviest")] > changed_answers[t("one place earlier")]
measured.append(
    [t("answers that change with the tile"), *changed_answers.values(), t("another tile")]
)


# %% [markdown] lang="en" name="third-text"
# And positions? Ask a block for the *third* tile of six (its six guesses, one a place, are averaged). With position codes that is easy. Without them it can only know which tiles are there, not where; the best it can do is to guess the commonest.
# %% [markdown] lang="hi" of="21ca0989"
# और पोज़िशनल एनकोडिंग किस काम की है? मॉडल को छह टाइलें दिखाकर पूछिए कि *तीसरी* कौन-सी है (उसके छह अनुमानों का, हर जगह का एक, औसत लेते हैं)। एनकोडिंग हो तो आसान है। न हो तो वह इतना ही जान सकता है कि कौन-कौन सी टाइलें हैं, यह नहीं कि कौन कहाँ है; तब सबसे अच्छा यही है कि सबसे ज़्यादा बार आई टाइल बता दे।
# %% name="third-tile"
def learn_third_tile(model: BorderWriter, steps: int = 75) -> float:
    """Train it to say which of six tiles is third; returns how often it is right on 2,000 rows."""
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        tiles = torch.randint(8, (64, 6), generator=generator).to(device)
        loss = F.cross_entropy(model(tiles)[0].mean(1), tiles[:, 2])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        answer = model(test_tiles)[0].mean(1).argmax(-1)
    return (answer == test_tiles[:, 2]).float().mean().item()


third = {}
test_tiles = torch.randint(8, (2_000, 6), generator=torch.Generator().manual_seed(2)).to(device)
for name, scale in {t("with positions"): 1.0, t("no positions"): 0.0}.items():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BorderWriter(length=6).to(device)
    model.positions *= scale
    third[name] = learn_third_tile(model)
    print(f"{name}: {third[name]:.2f}")
commonest = (test_tiles.mode(dim=1).values == test_tiles[:, 2]).float().mean().item()
print(t("always the commonest: {share:.2f}", share=commonest))
assert third[t("with positions")] > 0.98 and third[t("no positions")] < 0.5
measured.append([t("which tile is third?"), *third.values(), t("no positions")])


# %% [markdown] lang="en" name="residual-text"
# And the by-passes, the residual paths? The same task and as many steps, for one block and for four, with the by-passes and without. Attention mixes: after a few blocks without a by-pass every place holds the same vector, and what each one held is lost ([Dong et al. 2021](https://arxiv.org/abs/2103.03404)). A by-pass carries it on.
# Before training we measure how far the six places still differ (0 = all the same).
# %% [markdown] lang="hi" of="610b3bf2"
# और सीधे रास्ते, यानी रेज़िडुअल कनेक्शन? वही काम, उतने ही क़दम; एक ब्लॉक और चार ब्लॉक, सीधे रास्तों के साथ और उनके बिना। ध्यान मिलाता है: सीधा रास्ता न हो तो कुछ ही ब्लॉकों के बाद हर जगह एक ही वेक्टर रह जाता है, और कहाँ क्या था, यह खो जाता है ([Dong et al. 2021](https://arxiv.org/abs/2103.03404))। सीधा रास्ता हर जगह की अपनी बात आगे पहुँचाता है।
# ट्रेनिंग से पहले हम नापते हैं कि छहों जगहें अब भी एक-दूसरे से कितनी अलग हैं (0 = सब एक जैसी)।
# %% name="residual-control"
class Stack(nn.Module):
    """Blocks one after another, with their residual paths or without."""

    def __init__(self, depth: int, residual: bool) -> None:
        super().__init__()
        self.residual = residual
        self.blocks = nn.ModuleList(TransformerBlock(32, 2, 64) for _ in range(depth))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As TransformerBlock: x [B, n, 32] -> the same shape, and the last block's weights."""
        for block in self.blocks:
            if self.residual:
                x, weights = block(x, mask)
            else:
                x, weights = block.attention(block.norm_1(x), mask=mask)
                x = block.feed_forward(block.norm_2(x))
        return x, weights


rows = []
for depth, residual in [(1, True), (1, False), (4, True), (4, False)]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BorderWriter(length=6)
        model.block = Stack(depth, residual)
    model.to(device)
    with torch.no_grad():
        places, _ = model.block(model.embedding(test_tiles) + model.positions)  # [2000, 6, 32]
        differ = ((places - places.mean(1, keepdim=True)).norm() / places.norm()).item()
    rows.append(
        [depth, t("yes") if residual else t("no"), round(differ, 3), learn_third_tile(model)]
    )
plots.table(
    rows,
    columns=[
        t("blocks"),
        t("residual paths"),
        t("places differ, untrained"),
        t("third tile right"),
    ],
    caption=t("Four blocks without residual paths know no more than chance, 1 in 8"),
)
(*_, shallow), (*_, deep_differ, deep), (*_, collapsed, lost) = rows[1:]
assert shallow > 0.95 and deep > 0.95 and lost < 0.2 and deep_differ > 0.3 and collapsed < 0.01
measured.append([t("third tile, four blocks"), deep, lost, t("no residual paths")])


# %% [markdown] lang="en" name="cost-text"
# ## 12 · What it costs
#
# Every position looks at every other: n² scores. Twice the sequence, four times the scores. And the memory?
#
# > **You may have read** "attention needs O(n²) memory". The arithmetic does grow with n². The memory need not: PyTorch's `F.scaled_dot_product_attention`
# > works through the scores block by block and never keeps them all ([Dao et al. 2022](https://arxiv.org/abs/2205.14135)). We count the bytes that each one keeps for the backward pass (ours: two n×n matrices, the exponentials and the weights).
# %% [markdown] lang="hi" of="a7294bbf"
# ## 12 · क़ीमत क्या है
#
# हर पोज़िशन हर दूसरी पोज़िशन को देखती है: n² स्कोर। सीक्वेंस दोगुना, तो स्कोर चार गुना। और मेमोरी?
#
# > **आपने पढ़ा होगा** "attention को O(n²) मेमोरी चाहिए"। हिसाब तो n² की रफ़्तार से ही बढ़ता है। मेमोरी का बढ़ना ज़रूरी नहीं: PyTorch का `F.scaled_dot_product_attention`
# > स्कोर को टुकड़ों में निपटाता है और सब एक साथ कभी नहीं रखता ([Dao et al. 2022](https://arxiv.org/abs/2205.14135))। हम गिनते हैं कि backward के लिए कौन कितने बाइट बचाकर रखता है (हमारा कोड: दो n×n मैट्रिक्स, घातांक और ध्यान-भार)।


# %% name="cost"
def bytes_kept(attend: Callable, query: Tensor, key: Tensor, value: Tensor) -> int:
    """Bytes that the forward pass keeps for the backward pass."""
    kept = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = attend(query, key, value)  # noqa: F841  keeps the graph, and so the bytes, alive
    return sum(kept.values())


def milliseconds(attend: Callable, query: Tensor, key: Tensor, value: Tensor) -> float:
    """The quicker of three forward passes."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        attend(query, key, value).sum().item()  # .item() waits for a GPU to finish
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


lengths = [256, 512, 1024, 2048]
qkv = [torch.randn(3, 1, 1, n, 64, device=device, requires_grad=True) for n in lengths]
ways = {
    t("ours"): lambda q, k, v: scaled_dot_product_attention(q, k, v)[0],
    "F.scaled_dot_product_attention": F.scaled_dot_product_attention,
}
memory = {name: [bytes_kept(way, *x) / 2**20 for x in qkv] for name, way in ways.items()}
clock = {name: [milliseconds(way, *x) for x in qkv] for name, way in ways.items()}
figure, axes = plt.subplots(1, 2, figsize=(7.8, 3), layout="constrained")
for ax, figures, label in [
    (axes[0], memory, t("memory kept, MiB")),
    (axes[1], clock, t("time, ms")),
]:
    for (name, values), colour in zip(figures.items(), plots.COLOURS, strict=False):
        ax.loglog(lengths, values, "o-", color=colour, label=name)
    ax.set(xlabel=t("positions n"), title=label, xticks=lengths, xticklabels=lengths)
    ax.minorticks_off()
axes[0].legend(fontsize="small")
plots.show(
    figure,
    alt=t(
        "Memory over n: ours rises four times per doubling, PyTorch's twice. Time rises for both"
    ),
)
growth = {name: values[-1] / values[-2] for name, values in memory.items()}
plots.table(
    [[name, *values, growth[name]] for name, values in memory.items()],
    columns=[t("memory kept, MiB"), *[f"n = {n}" for n in lengths], t("last doubling")],
    caption=t("Twice the positions: about 4 times the memory for ours, 2 times for PyTorch's"),
)
assert growth[t("ours")] > 3.4 and growth["F.scaled_dot_product_attention"] < 2.2
measured.append(
    [
        t("memory × when n doubles, in blocks"),
        growth["F.scaled_dot_product_attention"],
        growth[t("ours")],
        t("all weights kept"),
    ]
)

# %% [markdown] lang="en" name="advantages"
# ## 13 · What attention is good for, and what it is not
#
# | claim | where you saw it |
# |---|---|
# | it focuses: important positions count more | section 1: four questions, beside the plain mean |
# | it works on any set of vectors: words, tiles, cells of a picture | sections 10 and 11, and the next notebook |
# | it bends: the same block serves BERT and GPT, with another mask (and another task to train on) | section 5 |
# | every pair of positions is one step apart | section 11: each tile looks straight at an earlier one of its kind |
# | **limit**: the number of scores grows with n² | section 12 |
# | **limit**: heavy weights are no proof of why; test by changing something | section 11, and the next notebook |
# | **limit**: order must be added by hand | sections 8 and 11 |
# | **limit**: large models need much data and time; ours were small on purpose | – |
# %% [markdown] lang="hi" of="95728079"
# ## 13 · ध्यान किस काम का है, और किसका नहीं
#
# | दावा | आपने कहाँ देखा |
# |---|---|
# | जो ज़रूरी है उस पर टिकता है | सेक्शन 1: चार सवाल, साधारण औसत के मुक़ाबले |
# | वेक्टरों के किसी भी समूह पर चलता है: शब्द, टाइलें, चित्र के ख़ाने | सेक्शन 10 और 11, और अगली नोटबुक |
# | लचीला है: वही ब्लॉक BERT में भी है और GPT में भी, बस मास्क (और ट्रेनिंग का काम) अलग | सेक्शन 5 |
# | कोई भी दो पोज़िशन बस एक क़दम दूर हैं | सेक्शन 11: हर टाइल सीधे अपने जैसी पिछली टाइल को देखती है |
# | **सीमा**: स्कोरों की गिनती n² से बढ़ती है | सेक्शन 12 |
# | **सीमा**: बड़ा ध्यान-भार कारण का सबूत नहीं; कुछ बदलकर जाँचिए | सेक्शन 11, और अगली नोटबुक |
# | **सीमा**: क्रम अलग से बताना पड़ता है | सेक्शन 8 और 11 |
# | **सीमा**: बड़े मॉडलों को बहुत डेटा और समय चाहिए; हमारे मॉडल जान-बूझकर छोटे थे | – |

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
# %% [markdown] lang="en" name="exercises-text"
# ## Exercises
#
# Now write it yourself: open the [exercises](exercises.en.ipynb). Each has hints, an instant check and a folded solution. The lesson's second quiz waits at the end of [the next notebook](2-image-attention.en.ipynb).
# %% [markdown] lang="hi" of="a461504a"
# ## अभ्यास
#
# अब ख़ुद लिखिए: [अभ्यास](exercises.hi.ipynb) खोलिए। हर सवाल के साथ संकेत हैं, तुरंत जाँच है, और एक छिपा हुआ हल है जो क्लिक करने पर खुलता है। पाठ का दूसरा क्विज़ [अगली नोटबुक](2-image-attention.hi.ipynb) के अंत में है।
# %% [markdown] lang="en" name="prerequisites"
# ## Where it came from
#
# You could read all this without knowing these; each link is the place to go when a name is new. The story in one line: one vector was too narrow a door, so the writer learned to look back.
#
# | idea | in one line | source |
# |---|---|---|
# | RNN, LSTM | reads a sequence one step at a time and carries a memory | [Hochreiter & Schmidhuber 1997](https://www.bioinf.jku.at/publications/older/2604.pdf) |
# | encoder–decoder | one network squeezes the input into *one* vector, another writes from it | [Sutskever et al. 2014](https://arxiv.org/abs/1409.3215) |
# | additive attention | the writer looks back at *all* positions instead of one vector | [Bahdanau et al. 2014](https://arxiv.org/abs/1409.0473) |
# | layer norm | keeps the numbers of a layer at one scale | [Ba et al. 2016](https://arxiv.org/abs/1607.06450) |
# | residual connection | adds a layer's output to its input, so deep networks train | [He et al. 2015](https://arxiv.org/abs/1512.03385) |
# | Transformer | attention without recurrence | [Vaswani et al. 2017](https://arxiv.org/abs/1706.03762) |
# %% [markdown] lang="hi" of="4b2c3fd6"
# ## यह सब आया कहाँ से
#
# इन्हें जाने बिना भी आपने यह सब पढ़ लिया; कोई नाम नया लगे तो उसका लिंक खोलिए। पूरी कहानी एक पंक्ति में: एक वेक्टर का दरवाज़ा बहुत सँकरा था, तो लिखने वाले ने पीछे मुड़कर देखना सीखा।
#
# | विचार | एक पंक्ति में | स्रोत |
# |---|---|---|
# | RNN, LSTM | सीक्वेंस (sequence) को एक-एक क़दम पढ़ता है और पढ़ा हुआ याद रखता चलता है | [Hochreiter & Schmidhuber 1997](https://www.bioinf.jku.at/publications/older/2604.pdf) |
# | एनकोडर–डिकोडर (encoder–decoder) | एक नेटवर्क पूरे इनपुट को *एक* वेक्टर में समेटता है, दूसरा उससे लिखता है | [Sutskever et al. 2014](https://arxiv.org/abs/1409.3215) |
# | additive attention | लिखने वाला नेटवर्क एक ही वेक्टर के भरोसे नहीं रहता, इनपुट की *हर* पोज़िशन को मुड़कर देखता है | [Bahdanau et al. 2014](https://arxiv.org/abs/1409.0473) |
# | लेयर नॉर्म (layer norm) | लेयर की संख्याओं को एक ही पैमाने पर रखता है | [Ba et al. 2016](https://arxiv.org/abs/1607.06450) |
# | रेज़िडुअल कनेक्शन (residual connection) | लेयर का आउटपुट उसके इनपुट में जोड़ता है, जिससे गहरे नेटवर्क भी सीख पाते हैं | [He et al. 2015](https://arxiv.org/abs/1512.03385) |
# | ट्रांसफ़ॉर्मर | सिर्फ़ ध्यान, recurrence के बिना | [Vaswani et al. 2017](https://arxiv.org/abs/1706.03762) |

# %% [markdown] lang="en" name="next"
# ## Where this leads
#
# - [The next notebook](2-image-attention.en.ipynb) lets the same attention look at a *picture*: features of a CNN instead of words.
# - In lesson 3 the block you wrote turns words into pictures; in lesson 5 an adapter is put inside it.
#
# **References.** Vaswani et al. 2017, *Attention is all you need* ([1706.03762](https://arxiv.org/abs/1706.03762)) · Bahdanau et al. 2014 ([1409.0473](https://arxiv.org/abs/1409.0473)) ·
# Xu et al. 2015, *Show, attend and tell* ([1502.03044](https://arxiv.org/abs/1502.03044)) · Devlin et al. 2018, *BERT* ([1810.04805](https://arxiv.org/abs/1810.04805)) ·
# Dao et al. 2022, *FlashAttention* ([2205.14135](https://arxiv.org/abs/2205.14135)) · Williams 1992, *REINFORCE* ([doi](https://doi.org/10.1007/BF00992696))
# %% [markdown] lang="hi" of="f67cf401"
# ## यह आगे कहाँ ले जाता है
#
# - [अगली नोटबुक](2-image-attention.hi.ipynb) में यही ध्यान *चित्र* को देखता है: शब्दों की जगह CNN के फ़ीचर।
# - पाठ 3 में आपका यही ब्लॉक शब्दों से चित्र बनाता है; पाठ 5 में इसी के भीतर अडैप्टर (adapter) लगता है।
#
# **संदर्भ।** Vaswani et al. 2017, *Attention is all you need* ([1706.03762](https://arxiv.org/abs/1706.03762)) · Bahdanau et al. 2014 ([1409.0473](https://arxiv.org/abs/1409.0473)) ·
# Xu et al. 2015, *Show, attend and tell* ([1502.03044](https://arxiv.org/abs/1502.03044)) · Devlin et al. 2018, *BERT* ([1810.04805](https://arxiv.org/abs/1810.04805)) ·
# Dao et al. 2022, *FlashAttention* ([2205.14135](https://arxiv.org/abs/2205.14135)) · Williams 1992, *REINFORCE* ([doi](https://doi.org/10.1007/BF00992696))
