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
# # Attention: exercises
#
# Sixteen short exercises, about 115 minutes in all. Do them when you have read the lesson; take any of them, in any order.
#
# Every exercise is one function. Write it, run its cell, then run the check below it. The check says one of three things:
#
# | sign | what it means |
# |---|---|
# | ✔ | right |
# | … | to do |
# | ✘ | not yet right, and which mistake it looks like |
#
# There are three kinds:
# - **Write it**: from a description, a few lines.
# - **Find the bug**: the function runs, and is wrong. Published programs have had these very mistakes.
# - **Predict, then run**: say what will come out before you see it. A wrong guess is where the learning is.
#
# An answer has the dtype of its input. *Run all* works at any time: where your function is not right yet, the course's own takes its place, and the cells below go on. Hints are folded, and in the course's own notebook the solutions too; open them when you have tried.
# %% [markdown] lang="hi" of="df572dcd"
# # ध्यान (attention): अभ्यास
#
# यहाँ सोलह छोटे अभ्यास हैं, कुल मिलाकर लगभग 115 मिनट के। पहले पाठ पढ़ लीजिए, फिर जो अभ्यास चाहें और जिस क्रम में चाहें, कीजिए।
#
# हर अभ्यास एक फ़ंक्शन है। उसे लिखिए, उसका सेल चलाइए, फिर नीचे वाला जाँच का सेल चलाइए। जाँच इन तीन में से एक बात बताती है:
#
# | निशान | मतलब |
# |---|---|
# | ✔ | सही |
# | … | बाक़ी है |
# | ✘ | अभी सही नहीं; साथ में लिखा है कि ग़लती क्या लगती है |
#
# अभ्यास तीन तरह के हैं:
# - **ख़ुद लिखिए**: क्या चाहिए यह हम बताते हैं; कोड आप लिखते हैं, बस कुछ लाइनें।
# - **ग़लती ढूँढिए**: फ़ंक्शन चलता तो है, पर जवाब ग़लत देता है। इंटरनेट पर मौजूद लोगों के असली कोड में ठीक यही ग़लतियाँ मिली हैं।
# - **पहले बताइए, फिर चलाइए**: नतीजा देखने से पहले सोचकर बताइए कि क्या आएगा। अनुमान ग़लत निकले, तो सबसे ज़्यादा सीखने को मिलता है।
#
# जवाब का dtype वही रखिए जो इनपुट का है। *Run all* कभी भी चला सकते हैं: जहाँ आपका फ़ंक्शन अभी सही नहीं है, वहाँ कोर्स का अपना फ़ंक्शन काम करता है और नीचे के सेल चलते रहते हैं। संकेत बंद रखे हैं, और कोर्स की अपनी नोटबुक में हल भी; पहले कोशिश कीजिए, फिर खोलिए।
# %% tags=["start"]
# %% name="imports"
import math

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn

from common import plots
from common.check import attention as check
from common.lang import t


# %% [markdown] lang="en" name="part-weights"
# ## From scores to weights
# %% [markdown] lang="hi" of="78542fd7"
# ## स्कोर से ध्यान-भार तक
# %% [markdown] lang="en" name="predict-weights-card"
# ### 1. Predict: the weights of three words
#
# ★ · 3 minutes · predict, then run · *what softmax looks at: differences*
#
# Three words have the scores `log(6)`, `log(3)` and `log(1)` (natural logarithms, `math.log`). Now **10 is added to each score**, and softmax turns them into weights. What are the three weights?
#
# Return a list of three numbers; two decimals are enough.
#
# <details><summary>Hint</summary>
#
# `exp(a + 10)` is `exp(a) * exp(10)`.
#
# </details>
# %% [markdown] lang="hi" of="c252b348"
# ### 1. पहले बताइए: तीन शब्दों के ध्यान-भार
#
# ★ · 3 मिनट · पहले बताइए, फिर चलाइए · *सॉफ़्टमैक्स किस चीज़ को देखता है: स्कोरों के अंतर को*
#
# तीन शब्दों के स्कोर हैं `log(6)`, `log(3)` और `log(1)` (प्राकृतिक log, यानी `math.log`)। अब **हर स्कोर में 10 जोड़ दिया गया**, और सॉफ़्टमैक्स (softmax) से ध्यान-भार (attention weights) निकाले गए। तीनों ध्यान-भार क्या होंगे?
#
# तीन संख्याओं की एक list लौटाइए; दशमलव के दो अंक काफ़ी हैं।
#
# <details><summary>संकेत</summary>
#
# `exp(a + 10)` असल में `exp(a) * exp(10)` ही है।
#
# </details>
# %% name="predict-weights" tags=["exercise"] points=1
def predict_weights() -> list[float]:
    """The weights of three words whose scores are log 6, log 3 and log 1, each plus 10."""
    ### BEGIN SOLUTION
    return [0.6, 0.3, 0.1]
    ### END SOLUTION


# %% name="predict-weights-check" tags=["check"]
predict_weights = check.predict_weights(predict_weights)

# %% [markdown] lang="en" name="predict-weights-why"
# <details><summary>Why</summary>
#
# `exp(log(6) + 10)` is `6 * exp(10)`, and likewise for 3 and 1. Dividing by the sum, `10 * exp(10)`, takes `exp(10)` out again: only the differences between scores count.
#
# </details>
# %% [markdown] lang="hi" of="913d6160"
# <details><summary>क्यों</summary>
#
# `exp(log(6) + 10)` असल में `6 * exp(10)` है; 3 और 1 के साथ भी यही होता है। सबके जोड़ `10 * exp(10)` से भाग दीजिए, तो `exp(10)` कट जाता है: फ़र्क़ सिर्फ़ स्कोरों के अंतर से पड़ता है।
#
# </details>


# %% [markdown] lang="en" name="softmax-card"
# ### 2. Write: a softmax that does not overflow
#
# ★ · 8 minutes · write it · *weights from scores; why one subtracts the maximum*
#
# Turn `scores` into weights: none negative, and summing to 1 along `dim`. Use `exp` and `sum`, not a ready softmax.
#
# - `scores` has any shape; `dim` is the axis along which the weights sum to 1. The result has the same shape.
# - The score 1000 must work, although `exp(1000)` is `inf`. So must a score of `-inf` (its weight is 0).
#
# <details><summary>Hint 1</summary>
#
# You have just seen that adding the same number to all scores of a row changes nothing. So does subtracting. Which number makes every `exp` at most 1?
#
# </details>
# <details><summary>Hint 2</summary>
#
# `scores.amax(dim, keepdim=True)` is the greatest score of each row, in a shape that can be subtracted.
#
# </details>
# %% [markdown] lang="hi" of="f65be72d"
# ### 2. लिखिए: ऐसा सॉफ़्टमैक्स जो बड़े स्कोर पर भी न बिगड़े
#
# ★ · 8 मिनट · ख़ुद लिखिए · *स्कोर से ध्यान-भार; सबसे बड़ा स्कोर क्यों घटाते हैं*
#
# `scores` को ध्यान-भार में बदलिए: कोई ऋणात्मक न हो, और `dim` की दिशा में उनका जोड़ 1 हो। `exp` और `sum` से बनाइए, बना-बनाया सॉफ़्टमैक्स मत लीजिए।
#
# - `scores` किसी भी आकार (shape) का हो सकता है; `dim` वह अक्ष (axis) है जिसकी दिशा में जोड़ 1 होना चाहिए। नतीजे का आकार वही रहता है।
# - स्कोर 1000 पर भी फ़ंक्शन चलना चाहिए, हालाँकि `exp(1000)` तो `inf` है। और `-inf` स्कोर पर भी (उसका ध्यान-भार 0 होगा)।
#
# <details><summary>संकेत 1</summary>
#
# अभी-अभी देखा कि पंक्ति के सब स्कोरों में एक ही संख्या जोड़ने से कुछ नहीं बदलता। घटाने से भी नहीं। कौन-सी संख्या घटाएँ कि हर `exp` ज़्यादा से ज़्यादा 1 हो?
#
# </details>
# <details><summary>संकेत 2</summary>
#
# `scores.amax(dim, keepdim=True)` हर पंक्ति का सबसे बड़ा स्कोर देता है, और ऐसे आकार में कि सीधे घटाया जा सके।
#
# </details>
# %% name="softmax" tags=["exercise"] points=1
def softmax(scores: Tensor, dim: int = -1) -> Tensor:
    """Scores of any shape -> weights of the same shape that sum to 1 along `dim`."""
    ### BEGIN SOLUTION
    exponentials = (scores - scores.amax(dim, keepdim=True)).exp()
    return exponentials / exponentials.sum(dim, keepdim=True)
    ### END SOLUTION


# %% name="softmax-check" tags=["check"]
softmax = check.softmax(softmax)


# %% [markdown] lang="en" name="predict-spread-card"
# ### 3. Predict: how far q·k spreads
#
# ★ · 4 minutes · predict, then run · *why there is a √d in the formula*
#
# A query `q` and a key `k` have {d} numbers each, drawn independently with mean 0 and variance 1. Their score is `q @ k`. What is the **standard deviation** of the score? And of the score divided by `√{d}`?
#
# Return the two numbers.
#
# <details><summary>Hint</summary>
#
# `q @ k` is a sum of {d} products, and each product has variance 1. Variances of independent numbers add up; standard deviations do not.
#
# </details>
# %% [markdown] lang="hi" of="b0c6fbfe"
# ### 3. पहले बताइए: q·k कितना फैलता है
#
# ★ · 4 मिनट · पहले बताइए, फिर चलाइए · *सूत्र में √d क्यों है*
#
# क्वेरी `q` और की (key) `k`, दोनों में {d}-{d} संख्याएँ हैं। हर संख्या रैंडम चुनी गई है और बाक़ी संख्याओं से स्वतंत्र (independent) है: औसत 0, वेरिएंस (variance) 1। इनका स्कोर है `q @ k`। इस स्कोर का **मानक विचलन** (standard deviation) कितना होगा? और स्कोर को `√{d}` से भाग देने पर?
#
# दोनों संख्याएँ लौटाइए।
#
# <details><summary>संकेत</summary>
#
# `q @ k` में {d} गुणनफल जुड़ते हैं, और हर गुणनफल का वेरिएंस 1 है। जो संख्याएँ एक-दूसरे पर निर्भर नहीं, उनके वेरिएंस जुड़ते हैं; मानक विचलन नहीं जुड़ते।
#
# </details>
# %% name="predict-spread" tags=["exercise"] points=1
def predict_spread() -> tuple[float, float]:
    """Standard deviation of q @ k for width {d}, and of q @ k / √{d}."""
    ### BEGIN SOLUTION
    return 8, 1
    ### END SOLUTION


# %% name="predict-spread-check" tags=["check"]
predict_spread = check.predict_spread.given(d=64)(predict_spread)

# %% [markdown] lang="en" name="predict-spread-why"
# <details><summary>Why</summary>
#
# The score adds 64 independent products, each of variance 1: its variance is 64 and its spread the root of that, 8. Divided by `√64`, which is 8, it is 1 again; that is why attention divides by `√d`.
#
# </details>
# %% [markdown] lang="hi" of="0c80e4f4"
# <details><summary>क्यों</summary>
#
# स्कोर में 64 स्वतंत्र गुणनफल जुड़ते हैं, हर एक का वेरिएंस 1: तो स्कोर का वेरिएंस 64 हुआ और मानक विचलन उसका वर्गमूल, यानी 8। `√64` यानी 8 से भाग देने पर वह फिर 1 रह जाता है; ध्यान में `√d` से भाग इसीलिए देते हैं।
#
# </details>


# %% [markdown] lang="en" name="scaled-dot-product-attention-card"
# ### 4. Write: scaled dot-product attention
#
# ★★ · 15 minutes · write it · *the whole equation `softmax(QKᵀ/√d_k)V`, with a mask*
#
# - `query` `[..., n, d_k]`, `key` `[..., m, d_k]`, `value` `[..., m, d_v]`. The dots are any number of leading axes (batch, heads), also none.
# - `mask` is `None`, or boolean and broadcastable to `[..., n, m]`. **True means “may look”.**
# - Return the output `[..., n, d_v]` and the weights `[..., n, m]`.
# - A query that may look nowhere gets weights of 0, and so an output of 0; never `nan`.
#
# <details><summary>Hint 1</summary>
#
# `key.transpose(-2, -1)` swaps the last two axes, whatever is before them.
#
# </details>
# <details><summary>Hint 2</summary>
#
# What may not be looked at gets the score `-inf` before softmax: `scores.masked_fill(~mask, -math.inf)`.
#
# </details>
# <details><summary>Hint 3</summary>
#
# In a row of nothing but `-inf` the usual softmax (PyTorch's, and the one asked for in exercise 2) computes 0/0, which is `nan`. Setting the weights to 0 where the mask is False, after softmax, mends that row and changes no other. You see no `nan`? Then the course's own softmax stands in for yours: it gives 0 there.
#
# </details>
# %% [markdown] lang="hi" of="283d42c8"
# ### 4. लिखिए: scaled dot-product attention
#
# ★★ · 15 मिनट · ख़ुद लिखिए · *पूरा सूत्र `softmax(QKᵀ/√d_k)V`, मास्क के साथ*
#
# - `query` `[..., n, d_k]`, `key` `[..., m, d_k]`, `value` `[..., m, d_v]`। शुरू के तीन बिंदुओं की जगह कितने भी अक्ष हो सकते हैं (बैच, हेड), या एक भी नहीं।
# - `mask` या तो `None` है, या बूलियन, जिसे ब्रॉडकास्ट करके `[..., n, m]` बनाया जा सके। **True का मतलब है “देख सकते हैं”।**
# - आउटपुट `[..., n, d_v]` और ध्यान-भार `[..., n, m]`, दोनों लौटाइए।
# - जिस क्वेरी को कहीं भी देखने की इजाज़त नहीं, उसके सारे ध्यान-भार 0 हों, इसलिए आउटपुट भी 0; `nan` कभी नहीं।
#
# <details><summary>संकेत 1</summary>
#
# `key.transpose(-2, -1)` आख़िरी दो अक्षों की अदला-बदली करता है, उनसे पहले चाहे जो हो।
#
# </details>
# <details><summary>संकेत 2</summary>
#
# जिसे देखना मना है, सॉफ़्टमैक्स से पहले उसका स्कोर `-inf` कर दीजिए: `scores.masked_fill(~mask, -math.inf)`।
#
# </details>
# <details><summary>संकेत 3</summary>
#
# जिस पंक्ति में `-inf` के सिवा कुछ नहीं, वहाँ आम सॉफ़्टमैक्स (PyTorch का, और अभ्यास 2 वाला भी) 0/0 निकालता है, यानी `nan`। सॉफ़्टमैक्स के बाद, जहाँ मास्क False है वहाँ ध्यान-भार 0 कर दीजिए: वह पंक्ति सुधर जाती है और बाक़ी में कुछ नहीं बदलता। आपको `nan` नहीं दिखा? तो आपके सॉफ़्टमैक्स की जगह कोर्स का अपना सॉफ़्टमैक्स चल रहा है: वह वहाँ 0 देता है।
#
# </details>
# %% name="scaled-dot-product-attention" tags=["exercise"] points=2
def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """query [..., n, d_k], key [..., m, d_k], value [..., m, d_v], mask [..., n, m] or None

    -> output [..., n, d_v], weights [..., n, m].
    """
    ### BEGIN SOLUTION
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is None:
        weights = softmax(scores)
    else:
        weights = softmax(scores.masked_fill(~mask, -math.inf)).masked_fill(~mask, 0.0)
    return weights @ value, weights
    ### END SOLUTION


# %% name="scaled-dot-product-attention-check" tags=["check"]
scaled_dot_product_attention = check.scaled_dot_product_attention(scaled_dot_product_attention)


# %% [markdown] lang="en" name="predict-shapes-card"
# ### 5. Predict: two shapes
#
# ★ · 3 minutes · predict, then run · *which axis comes from where*
#
# `query` has the shape `[2, {n}, {d_k}]`, `key` `[2, {m}, {d_k}]`, `value` `[2, {m}, {d_v}]`. Which shape have the weights, and which the output?
#
# Return the two shapes, the weights' first.
# %% [markdown] lang="hi" of="cf166677"
# ### 5. पहले बताइए: दो आकार
#
# ★ · 3 मिनट · पहले बताइए, फिर चलाइए · *कौन-सा अक्ष कहाँ से आता है*
#
# `query` का आकार है `[2, {n}, {d_k}]`, `key` का `[2, {m}, {d_k}]`, `value` का `[2, {m}, {d_v}]`। ध्यान-भार का आकार क्या होगा, और आउटपुट का?
#
# दोनों आकार लौटाइए, ध्यान-भार का पहले।
# %% name="predict-shapes" tags=["exercise"] points=1
def predict_shapes() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shape of the weights and the shape of the output."""
    ### BEGIN SOLUTION
    return (2, 5, 7), (2, 5, 32)
    ### END SOLUTION


# %% name="predict-shapes-check" tags=["check"]
predict_shapes = check.predict_shapes.given(n=5, m=7, d_k=16, d_v=32)(predict_shapes)

# %% [markdown] lang="en" name="predict-shapes-why"
# <details><summary>Why</summary>
#
# Each of the 5 queries gives each of the 7 keys one weight: `[5, 7]`. The output mixes the values by these weights, so it has one row for each query, 32 wide like a value. And the 16? It was summed away in `q @ k`.
#
# </details>
# %% [markdown] lang="hi" of="9ce1ba86"
# <details><summary>क्यों</summary>
#
# 5 क्वेरी हैं और 7 की-वेक्टर; हर क्वेरी हर की-वेक्टर को एक ध्यान-भार देती है: `[5, 7]`। इन्हीं ध्यान-भारों से वैल्यू मिलाकर आउटपुट बनता है, इसलिए उसमें हर क्वेरी की एक पंक्ति है, उतनी चौड़ी जितनी एक वैल्यू, यानी 32। और 16? वह `q @ k` के जोड़ में चला गया।
#
# </details>


# %% [markdown] lang="en" name="part-masks"
# ## Masks: who may look where
# %% [markdown] lang="hi" of="343339f2"
# ## मास्क: कौन कहाँ देख सकता है
# %% [markdown] lang="en" name="decoder-mask-card"
# ### 6. Write: the mask of a decoder
#
# ★★ · 8 minutes · write it · *causal mask and padding mask, together*
#
# Sentences of unequal length lie in one batch, filled up with padding to `n` places. A word may look at **itself and at earlier words**, and at **real words only**, never at padding.
#
# - `lengths` `[B]`: the number of real words of each sentence, from 0 to `n`.
# - Return a boolean mask `[B, n, n]`: `mask[b, i, j]` is True when in sentence `b` place `i` may look at place `j`.
# - The rows of the padding itself do not matter to anyone; let them follow the same rule.
#
# <details><summary>Hint</summary>
#
# Two masks joined by `&`. Causal: `torch.ones(n, n, dtype=torch.bool).tril()`. Padding: `torch.arange(n) < lengths[:, None]` has the shape `[B, n]`; it speaks of the place `j` that is looked at, so it needs one more axis in the middle.
#
# </details>
# %% [markdown] lang="hi" of="6fd4a13a"
# ### 6. लिखिए: डिकोडर का मास्क
#
# ★★ · 8 मिनट · ख़ुद लिखिए · *causal मास्क और पैडिंग का मास्क, एक साथ*
#
# एक बैच में अलग-अलग लंबाई के वाक्य हैं; छोटे वाक्यों के अंत में पैडिंग भरकर सबको `n` जगहों का बना दिया गया है। हर शब्द **ख़ुद को और अपने से पहले के शब्दों को** देख सकता है, और **सिर्फ़ असली शब्दों को**, पैडिंग को कभी नहीं।
#
# - `lengths` `[B]`: हर वाक्य में कितने असली शब्द हैं, 0 से `n` तक।
# - बूलियन मास्क `[B, n, n]` लौटाइए: वाक्य `b` में जगह `i` अगर जगह `j` को देख सकती है, तो `mask[b, i, j]` True हो।
# - पैडिंग की अपनी पंक्तियाँ अलग से बंद मत कीजिए: उन पर भी ठीक यही नियम चलता है।
#
# <details><summary>संकेत</summary>
#
# दो मास्क, जिन्हें `&` जोड़ता है। causal वाला: `torch.ones(n, n, dtype=torch.bool).tril()`। पैडिंग वाला: `torch.arange(n) < lengths[:, None]` का आकार `[B, n]` है; वह उस जगह `j` की बात करता है जिसे देखा जा रहा है, इसलिए उसके बीच में एक अक्ष और चाहिए।
#
# </details>
# %% name="decoder-mask" tags=["exercise"] points=2
def decoder_mask(lengths: Tensor, n: int) -> Tensor:
    """lengths [B] -> boolean mask [B, n, n], True = may look."""
    ### BEGIN SOLUTION
    causal = torch.ones(n, n, dtype=torch.bool).tril()
    real = torch.arange(n) < lengths[:, None]
    return causal & real[:, None, :]
    ### END SOLUTION


# %% name="decoder-mask-check" tags=["check"]
decoder_mask = check.decoder_mask(decoder_mask)

# %% [markdown] lang="en" name="see-weights"
# Your functions at work: five words, each looking back. The words are random vectors, so the numbers mean nothing yet. The zeros above the diagonal do.
# %% [markdown] lang="hi" of="b3c44326"
# देखिए, आपके फ़ंक्शन क्या करते हैं: पाँच शब्द हैं, और हर शब्द सिर्फ़ ख़ुद को और अपने से पहले के शब्दों को देखता है। शब्दों के वेक्टर अभी रैंडम हैं, इसलिए इन संख्याओं का कोई अर्थ नहीं। हाँ, विकर्ण के ऊपर जो 0 हैं, उनका अर्थ है।
# %% name="see-weights-figure"
words = t("Meera drew a red lotus").split()
vectors = torch.randn(1, 5, 8, generator=torch.Generator().manual_seed(0))
_, weights = scaled_dot_product_attention(
    vectors, vectors, vectors, decoder_mask(torch.tensor([5]), 5)
)
figure, axes = plt.subplots(figsize=(4.5, 4))
plots.heatmap(axes, weights[0], rows=words, columns=words, title=t("No word sees a later one"))
plots.show(
    figure,
    alt=t("A 5 by 5 matrix of attention weights; all numbers above the diagonal are 0"),
)


# %% [markdown] lang="en" name="causal-attention-card"
# ### 7. Find the bug: the word that sees its neighbour
#
# ★ · 5 minutes · find the bug · *how a leak of the future is found*
#
# This function should let each word look at itself and at earlier words only. In training its loss falls wonderfully; when it writes a text by itself, it stammers. The check has changed the last word of a sentence, and the output of the word before it changed too.
#
# `words` `[B, n, d]` → mixed words `[B, n, d]`. Mend one line.
#
# <details><summary>Hint</summary>
#
# Print `may_look` for `n = 4` and read its rows aloud: “word 0 sees …”.
#
# </details>
# %% [markdown] lang="hi" of="05a8cbda"
# ### 7. ग़लती ढूँढिए: जो शब्द अगले को देख लेता है
#
# ★ · 5 मिनट · ग़लती ढूँढिए · *आगे की बात कहाँ से लीक हुई, यह कैसे पकड़ें*
#
# इस फ़ंक्शन में हर शब्द को सिर्फ़ ख़ुद को और अपने से पहले के शब्दों को देखना चाहिए। ट्रेनिंग में इसका लॉस ख़ूब गिरता है; पर जब यह ख़ुद लिखने बैठता है तो हकलाता है। जाँच ने वाक्य का आख़िरी शब्द बदला, तो उससे पहले वाले शब्द का आउटपुट भी बदल गया।
#
# `words` `[B, n, d]` → शब्दों को मिलाकर बने वेक्टर `[B, n, d]`। एक ही लाइन सुधारनी है।
#
# <details><summary>संकेत</summary>
#
# `n = 4` के लिए `may_look` को print कीजिए और उसकी पंक्तियाँ बोलकर पढ़िए: “शब्द 0 देखता है …”।
#
# </details>
# %% name="causal-attention" tags=["exercise"] points=1
def causal_attention(words: Tensor) -> Tensor:
    """words [B, n, d] -> [B, n, d], each word mixed from itself and earlier ones."""
    ### BEGIN SOLUTION
    n = words.shape[-2]
    may_look = torch.ones(n, n, dtype=torch.bool).tril()
    mixed, _ = scaled_dot_product_attention(words, words, words, may_look)
    return mixed
    ### STUB
    # n = words.shape[-2]
    # may_look = torch.ones(n, n, dtype=torch.bool).tril(diagonal=1)
    # mixed, _ = scaled_dot_product_attention(words, words, words, may_look)
    # return mixed
    ### END SOLUTION


# %% name="causal-attention-check" tags=["check"]
causal_attention = check.causal_attention(causal_attention)


# %% [markdown] lang="en" name="library-attention-card"
# ### 8. Find the bug: nan from the library
#
# ★★ · 6 minutes · find the bug · *read what a mask means before you hand it over*
#
# `may_look` `[n, n]` is boolean as in this course: True = may look. The function hands it to `nn.MultiheadAttention`. With a causal mask the last word, which may look at all of them, comes out as `nan`.
#
# `words` `[B, n, d]` → `[B, n, d]`. Mend one line; `layer` stays as it is.
#
# <details><summary>Hint</summary>
#
# Read what the documentation of `nn.MultiheadAttention` says about a boolean `attn_mask`, then what that of `F.scaled_dot_product_attention` says.
#
# </details>
# %% [markdown] lang="hi" of="d7566dbb"
# ### 8. ग़लती ढूँढिए: लाइब्रेरी से आया nan
#
# ★★ · 6 मिनट · ग़लती ढूँढिए · *मास्क किसी को देने से पहले पढ़ लीजिए कि वह उसे क्या समझता है*
#
# `may_look` `[n, n]` बूलियन है और कोर्स के नियम से चलता है: True = देख सकते हैं। यह फ़ंक्शन उसे `nn.MultiheadAttention` को देता है। causal मास्क देने पर आख़िरी शब्द, जो सबको देख सकता है, `nan` बनकर निकलता है।
#
# `words` `[B, n, d]` → `[B, n, d]`। एक ही लाइन सुधारनी है; `layer` को मत बदलिए।
#
# <details><summary>संकेत</summary>
#
# पढ़िए कि बूलियन `attn_mask` के बारे में `nn.MultiheadAttention` का डॉक्यूमेंटेशन क्या कहता है, और फिर `F.scaled_dot_product_attention` का क्या कहता है।
#
# </details>
# %% name="library-attention" tags=["exercise"] points=2
def library_attention(layer: nn.MultiheadAttention, words: Tensor, may_look: Tensor) -> Tensor:
    """words [B, n, d], may_look [n, n] (True = may look) -> [B, n, d]."""
    ### BEGIN SOLUTION
    mixed, _ = layer(words, words, words, attn_mask=~may_look)
    return mixed
    ### STUB
    # mixed, _ = layer(words, words, words, attn_mask=may_look)
    # return mixed
    ### END SOLUTION


# %% name="library-attention-check" tags=["check"]
library_attention = check.library_attention(library_attention)


# %% [markdown] lang="en" name="padded-weights-card"
# ### 9. Find the bug: an empty caption
#
# ★★ · 8 minutes · find the bug · *where `nan` comes from, and why hiding it is not enough*
#
# A batch of captions, padded at the end; `lengths` says how many words of each are real. It ran for weeks, until one caption was **empty**, and every loss after it was `nan`.
#
# `scores` `[B, n, m]`, `lengths` `[B]` → weights `[B, n, m]`. Padding gets the weight 0. An empty caption gets nothing but zeros. The other captions stay as they are.
#
# <details><summary>Hint 1</summary>
#
# Putting `-1e9` for `-inf` removes the `nan`, and makes a new bug. Look at what weights the empty caption gets then.
#
# </details>
# <details><summary>Hint 2</summary>
#
# You solved this in exercise 4.
#
# </details>
# %% [markdown] lang="hi" of="c3fe475f"
# ### 9. ग़लती ढूँढिए: ख़ाली कैप्शन
#
# ★★ · 8 मिनट · ग़लती ढूँढिए · *`nan` कहाँ से आता है, और उसे बस छिपा देना काफ़ी क्यों नहीं*
#
# कैप्शनों का एक बैच है; छोटे कैप्शनों के अंत में पैडिंग भरी है; `lengths` बताता है कि किसमें कितने शब्द असली हैं। यह कोड हफ़्तों चलता रहा। फिर एक दिन एक कैप्शन **ख़ाली** आ गया, और उसके बाद हर लॉस `nan` हो गया।
#
# `scores` `[B, n, m]`, `lengths` `[B]` → ध्यान-भार `[B, n, m]`। पैडिंग का ध्यान-भार 0 हो। ख़ाली कैप्शन में सब शून्य हों। बाक़ी कैप्शन जैसे हैं वैसे ही रहें।
#
# <details><summary>संकेत 1</summary>
#
# `-inf` की जगह `-1e9` रखने से `nan` तो हट जाता है, पर एक नई ग़लती आ जाती है। देखिए कि तब ख़ाली कैप्शन को क्या ध्यान-भार मिलते हैं।
#
# </details>
# <details><summary>संकेत 2</summary>
#
# यही बात आप अभ्यास 4 में सुलझा चुके हैं।
#
# </details>
# %% name="padded-weights" tags=["exercise"] points=2
def padded_weights(scores: Tensor, lengths: Tensor) -> Tensor:
    """scores [B, n, m], lengths [B] -> weights [B, n, m], 0 on padding."""
    ### BEGIN SOLUTION
    real = torch.arange(scores.shape[-1]) < lengths[:, None]
    padding = ~real[:, None, :]
    return scores.masked_fill(padding, -math.inf).softmax(dim=-1).masked_fill(padding, 0.0)
    ### STUB
    # real = torch.arange(scores.shape[-1]) < lengths[:, None]
    # padding = ~real[:, None, :]
    # return scores.masked_fill(padding, -math.inf).softmax(dim=-1)
    ### END SOLUTION


# %% name="padded-weights-check" tags=["check"]
padded_weights = check.padded_weights(padded_weights)


# %% [markdown] lang="en" name="part-heads"
# ## Heads: several looks side by side
# %% [markdown] lang="hi" of="a2c16cf8"
# ## हेड: साथ-साथ कई नज़रें
# %% [markdown] lang="en" name="split-heads-card"
# ### 10. Write: split into heads
#
# ★★ · 8 minutes · write it · *`reshape` does not swap axes*
#
# Cut each word's vector into `n_heads` pieces of equal width, and give each head its own pieces of all words.
#
# - `x` `[B, n, d]` → `[B, h, n, d // h]`.
# - Head 0 gets the first `d // h` numbers of every word, head 1 the next, and so on.
#
# <details><summary>Hint</summary>
#
# Two steps. First `[B, n, h, d // h]`: only the last axis is cut, so the numbers stay in their order. Then swap two axes. A single `reshape` to the final shape has the right shape and the wrong numbers.
#
# </details>
# %% [markdown] lang="hi" of="5b0beb01"
# ### 10. लिखिए: हेड में बाँटना
#
# ★★ · 8 मिनट · ख़ुद लिखिए · *`reshape` अक्षों की अदला-बदली नहीं करता*
#
# हर शब्द के वेक्टर को बराबर चौड़ाई के `n_heads` टुकड़ों में काटिए, और हर हेड को सब शब्दों में से उसके हिस्से के टुकड़े दीजिए।
#
# - `x` `[B, n, d]` → `[B, h, n, d // h]`।
# - हर शब्द की पहली `d // h` संख्याएँ हेड 0 की हैं, उसके बाद की हेड 1 की, और इसी तरह आगे।
#
# <details><summary>संकेत</summary>
#
# काम दो क़दम में है। पहले `[B, n, h, d // h]`: इसमें सिर्फ़ आख़िरी अक्ष कटता है, इसलिए संख्याएँ अपने क्रम में रहती हैं। फिर दो अक्षों की अदला-बदली। एक ही `reshape` से सीधे अंतिम आकार बनाएँ तो आकार सही होगा, संख्याएँ ग़लत।
#
# </details>
# %% name="split-heads" tags=["exercise"] points=2
def split_heads(x: Tensor, n_heads: int) -> Tensor:
    """x [B, n, d] -> [B, n_heads, n, d / n_heads]."""
    ### BEGIN SOLUTION
    batch, n, d = x.shape
    return x.reshape(batch, n, n_heads, d // n_heads).transpose(1, 2)
    ### END SOLUTION


# %% name="split-heads-check" tags=["check"]
split_heads = check.split_heads(split_heads)


# %% [markdown] lang="en" name="merge-heads-card"
# ### 11. Find the bug: heads put together wrongly
#
# ★★ · 5 minutes · find the bug · *a right shape proves little*
#
# After attention the heads are laid side by side again. The shape is right, nothing crashes, and the model even learns, only badly: `merge_heads(split_heads(x, h))` is not `x`.
#
# `heads` `[B, h, n, d_head]` → `[B, n, h * d_head]`. Mend it.
#
# <details><summary>Hint</summary>
#
# What has to happen before `reshape`, so that the pieces of one word lie next to each other?
#
# </details>
# %% [markdown] lang="hi" of="3008fb82"
# ### 11. ग़लती ढूँढिए: हेड ग़लत जुड़े हैं
#
# ★★ · 5 मिनट · ग़लती ढूँढिए · *आकार सही होने से कुछ ख़ास साबित नहीं होता*
#
# ध्यान (attention) के बाद सब हेड फिर से अगल-बगल रखे जाते हैं। आकार सही है, कोई एरर नहीं आता, मॉडल सीखता भी है, बस ख़राब सीखता है: `merge_heads(split_heads(x, h))` से `x` वापस नहीं मिलता।
#
# `heads` `[B, h, n, d_head]` → `[B, n, h * d_head]`। इसे सुधारिए।
#
# <details><summary>संकेत</summary>
#
# `reshape` से पहले क्या होना चाहिए, ताकि एक शब्द के सारे टुकड़े पास-पास आ जाएँ?
#
# </details>
# %% name="merge-heads" tags=["exercise"] points=2
def merge_heads(heads: Tensor) -> Tensor:
    """heads [B, h, n, d_head] -> [B, n, h * d_head]."""
    ### BEGIN SOLUTION
    batch, n_heads, n, d_head = heads.shape
    return heads.transpose(1, 2).reshape(batch, n, n_heads * d_head)
    ### STUB
    # batch, n_heads, n, d_head = heads.shape
    # return heads.reshape(batch, n, n_heads * d_head)
    ### END SOLUTION


# %% name="merge-heads-check" tags=["check"]
merge_heads = check.merge_heads(merge_heads)


# %% [markdown] lang="en" name="whole-layer"
# Put together, your functions are the library's layer: the same weights, the same words, the same numbers.
# %% [markdown] lang="hi" of="c066a609"
# आपके फ़ंक्शन मिलकर लाइब्रेरी की पूरी लेयर बन जाते हैं: वही भार (weights), वही शब्द, वही संख्याएँ।
# %% name="whole-layer-claim" tags=["nbval-check-output"]
def multi_head(layer: nn.MultiheadAttention, words: Tensor, mask: Tensor) -> Tensor:
    """words [B, n, d], mask [B, n, n] -> [B, n, d], as `layer` computes it."""
    projected = words @ layer.in_proj_weight.T + layer.in_proj_bias
    query, key, value = (split_heads(x, layer.num_heads) for x in projected.chunk(3, dim=-1))
    mixed, _ = scaled_dot_product_attention(query, key, value, mask[:, None])
    return layer.out_proj(merge_heads(mixed))


layer = nn.MultiheadAttention(16, 4, batch_first=True)
vectors = torch.randn(2, 6, 16)
mask = decoder_mask(torch.tensor([6, 6]), 6)
mine, library = multi_head(layer, vectors, mask), library_attention(layer, vectors, mask[0])
agree = torch.allclose(mine, library, atol=1e-5)
print(t("your functions and nn.MultiheadAttention agree to 1e-5: {agree}", agree=agree))
assert agree


# %% [markdown] lang="en" name="predict-memory-card"
# ### 12. Predict: what a sharper picture costs
#
# ★★ · 5 minutes · predict, then run · *growth with n²*
#
# Every cell of a picture looks at every cell. There are {heads} heads, and one weight is a `float32` (4 bytes). How many MiB (2²⁰ bytes) do the weights of one picture take, for **32×32** cells? And for **64×64**?
#
# Return the two numbers.
#
# <details><summary>Hint</summary>
#
# `n` is the number of cells, not the side. 2²⁰ = 1024 × 1024.
#
# </details>
# %% [markdown] lang="hi" of="1e101ef1"
# ### 12. पहले बताइए: चित्र बारीक करने का ख़र्च
#
# ★★ · 5 मिनट · पहले बताइए, फिर चलाइए · *ख़ाने n हों, तो ध्यान-भार n² के हिसाब से बढ़ते हैं*
#
# चित्र का हर ख़ाना हर ख़ाने को देखता है। {heads} हेड हैं, और एक ध्यान-भार एक `float32` है (4 बाइट)। एक चित्र के सारे ध्यान-भार कितने MiB (2²⁰ बाइट) लेंगे, अगर ख़ाने **32×32** हों? और **64×64** हों तो?
#
# दोनों संख्याएँ लौटाइए।
#
# <details><summary>संकेत</summary>
#
# `n` ख़ानों की गिनती है, चित्र की भुजा नहीं। 2²⁰ = 1024 × 1024।
#
# </details>
# %% name="predict-memory" tags=["exercise"] points=2
def predict_memory() -> tuple[float, float]:
    """MiB of attention weights for 32×32 cells and for 64×64, with {heads} heads."""
    ### BEGIN SOLUTION
    return 32, 512
    ### END SOLUTION


# %% name="predict-memory-check" tags=["check"]
predict_memory = check.predict_memory.given(heads=8)(predict_memory)

# %% [markdown] lang="en" name="predict-memory-why"
# <details><summary>Why</summary>
#
# 32×32 cells are n = 1024, so one head has n² = 2²⁰ weights of 4 bytes, 4 MiB, and 8 heads take 32 MiB. Twice the side is 4 times the cells and 16 times the weights: 512 MiB.
#
# </details>
# %% [markdown] lang="hi" of="6c4ab550"
# <details><summary>क्यों</summary>
#
# 32×32 ख़ाने यानी n = 1024, तो एक हेड के n² = 2²⁰ ध्यान-भार हुए, 4-4 बाइट के: 4 MiB। 8 हेड के 32 MiB। भुजा दोगुनी करें तो ख़ाने 4 गुना और ध्यान-भार 16 गुना हो जाते हैं: 512 MiB।
#
# </details>


# %% [markdown] lang="en" name="part-pictures"
# ## Pictures, and a hard choice
# %% [markdown] lang="hi" of="8aaa17e1"
# ## चित्र, और एक ही ख़ाना चुनना
# %% [markdown] lang="en" name="cell-weights-card"
# ### 13. Find the bug: a picture's weights
#
# ★★ · 6 minutes · find the bug · *what has to sum to 1*
#
# A question looks at a picture: one weight for each cell of the feature map, and **all cells of a picture together sum to 1**. Here a picture of 3 rows sums to 3.
#
# `query` `[B, d]`, `features` `[B, d, h, w]` → weights `[B, h, w]`. Mend it.
#
# <details><summary>Hint</summary>
#
# `softmax` takes one axis. Make `[B, h, w]` into `[B, h * w]` before it (`flatten`), and back after it (`view_as` or `unflatten`).
#
# </details>
# %% [markdown] lang="hi" of="6ce5d8db"
# ### 13. ग़लती ढूँढिए: चित्र के ध्यान-भार
#
# ★★ · 6 मिनट · ग़लती ढूँढिए · *किन-किन का जोड़ 1 होना चाहिए*
#
# एक सवाल चित्र को देखता है: फ़ीचर मैप के हर ख़ाने का एक ध्यान-भार है, और **एक चित्र के सब ख़ानों का जोड़ 1** होना चाहिए। यहाँ 3 पंक्तियों वाले चित्र का जोड़ 3 आता है।
#
# `query` `[B, d]`, `features` `[B, d, h, w]` → ध्यान-भार `[B, h, w]`। इसे सुधारिए।
#
# <details><summary>संकेत</summary>
#
# `softmax` एक ही अक्ष लेता है। उससे पहले `[B, h, w]` को `[B, h * w]` बनाइए (`flatten`), और बाद में वापस वैसा ही कर दीजिए (`view_as` या `unflatten`)।
#
# </details>
# %% name="cell-weights" tags=["exercise"] points=2
def cell_weights(query: Tensor, features: Tensor) -> Tensor:
    """query [B, d], features [B, d, h, w] -> weights [B, h, w] that sum to 1 for each picture."""
    ### BEGIN SOLUTION
    scores = torch.einsum("bd,bdhw->bhw", query, features) / math.sqrt(query.shape[-1])
    return scores.flatten(1).softmax(dim=-1).view_as(scores)
    ### STUB
    # scores = torch.einsum("bd,bdhw->bhw", query, features) / math.sqrt(query.shape[-1])
    # return scores.softmax(dim=-1)
    ### END SOLUTION


# %% name="cell-weights-check" tags=["check"]
cell_weights = check.cell_weights(cell_weights)


# %% [markdown] lang="en" name="pointing-accuracy-card"
# ### 14. Write: does it point at the right place?
#
# ★ · 6 minutes · write it · *a measure for a map, better than a look at it*
#
# A map of weights *points* at its cell of greatest weight. It is a hit when that cell belongs to the target. The pointing accuracy is the share of maps that hit.
#
# - `weights` `[B, h, w]`, `target` `[B, h, w]` boolean (True on the cells of what was asked for; there may be several).
# - Return a number from 0 to 1.
#
# <details><summary>Hint</summary>
#
# `weights.flatten(1).argmax(1)` is one cell number for each map.
#
# </details>
# %% [markdown] lang="hi" of="602740d5"
# ### 14. लिखिए: क्या इशारा सही जगह है?
#
# ★ · 6 मिनट · ख़ुद लिखिए · *ध्यान-मैप को नापिए; सिर्फ़ देख लेना काफ़ी नहीं*
#
# ध्यान-मैप (attention map) उस ख़ाने की ओर *इशारा* करता है जिसका ध्यान-भार सबसे बड़ा है। वह ख़ाना लक्ष्य में आता हो, तो इशारा सही है। कुल मैपों के जितने हिस्से में इशारा सही निकला, वही इशारे की सटीकता (pointing accuracy) है।
#
# - `weights` `[B, h, w]`, `target` `[B, h, w]` बूलियन (जो पूछा गया उसके ख़ानों पर True; ऐसे ख़ाने एक से ज़्यादा हो सकते हैं)।
# - 0 से 1 के बीच की एक संख्या लौटाइए।
#
# <details><summary>संकेत</summary>
#
# `weights.flatten(1).argmax(1)` हर मैप में से एक ख़ाने का नंबर देता है।
#
# </details>
# %% name="pointing-accuracy" tags=["exercise"] points=1
def pointing_accuracy(weights: Tensor, target: Tensor) -> float:
    """weights [B, h, w], target [B, h, w] boolean -> share of maps whose peak is on the target."""
    ### BEGIN SOLUTION
    peak = weights.flatten(1).argmax(1)
    hits = target.flatten(1)[torch.arange(len(peak)), peak]
    return hits.float().mean().item()
    ### END SOLUTION


# %% name="pointing-accuracy-check" tags=["check"]
pointing_accuracy = check.pointing_accuracy(pointing_accuracy)


# %% [markdown] lang="en" name="additive-scores-card"
# ### 15. Write: additive scores
#
# ★★ · 10 minutes · write it · *the attention that came before the dot product (Bahdanau et al. 2014)*
#
# The score of query `i` and key `j` is `tanh(q_i @ w_query + k_j @ w_key) @ v`: both are brought to a common width, added, squashed, and weighed by a vector. Query and key may have different widths.
#
# - `query` `[B, n, d_q]`, `key` `[B, m, d_k]`, `w_query` `[d_q, d]`, `w_key` `[d_k, d]`, `v` `[d]`.
# - Return the scores `[B, n, m]` (not the weights).
#
# <details><summary>Hint</summary>
#
# Every query meets every key when `[B, n, 1, d]` and `[B, 1, m, d]` are added: the result is `[B, n, m, d]`.
#
# </details>
# %% [markdown] lang="hi" of="96202ae5"
# ### 15. लिखिए: जोड़ वाले स्कोर (additive)
#
# ★★ · 10 मिनट · ख़ुद लिखिए · *डॉट प्रोडक्ट से पहले का ध्यान (Bahdanau et al. 2014)*
#
# क्वेरी `i` और की (key) `j` का स्कोर है `tanh(q_i @ w_query + k_j @ w_key) @ v`: दोनों को एक ही चौड़ाई में लाते हैं, जोड़ते हैं, tanh से दबाते हैं, और एक वेक्टर से तौलते हैं। दोनों की चौड़ाई शुरू में अलग-अलग हो सकती है।
#
# - `query` `[B, n, d_q]`, `key` `[B, m, d_k]`, `w_query` `[d_q, d]`, `w_key` `[d_k, d]`, `v` `[d]`।
# - स्कोर `[B, n, m]` लौटाइए (ध्यान-भार नहीं)।
#
# <details><summary>संकेत</summary>
#
# `[B, n, 1, d]` और `[B, 1, m, d]` को जोड़िए, तो हर क्वेरी हर की (key) से मिलती है: नतीजा `[B, n, m, d]` है।
#
# </details>
# %% name="additive-scores" tags=["exercise"] points=2
def additive_scores(
    query: Tensor, key: Tensor, w_query: Tensor, w_key: Tensor, v: Tensor
) -> Tensor:
    """query [B, n, d_q], key [B, m, d_k], w_query [d_q, d], w_key [d_k, d], v [d] -> [B, n, m]."""
    ### BEGIN SOLUTION
    pairs = (query @ w_query)[:, :, None] + (key @ w_key)[:, None]
    return pairs.tanh() @ v
    ### END SOLUTION


# %% name="additive-scores-check" tags=["check"]
additive_scores = check.additive_scores(additive_scores)


# %% [markdown] lang="en" name="choice-gradient-card"
# ### 16. Write: the gradient of a choice (REINFORCE)
#
# ★★★ · 15 minutes · write it · *how hard attention learns although sampling has no derivative*
#
# Hard attention does not mix the cells: it **draws one**, with probability `p = softmax(logits)`, and gets a reward. Drawing has no derivative, but the gradient of the *expected* reward can be estimated from draws. For one draw it is the reward less a baseline, times the gradient of `log p[choice]` with respect to the logits.
#
# - `logits` `[B, m]`, `choice` `[B]` (the number of the cell drawn), `reward` `[B]`, `baseline` a number.
# - Return one estimate for each draw: `[B, m]`. Adding it to the logits should make the expected reward *greater*. (The lesson writes it for a loss, which should become smaller: the same with the sign turned.)
#
# <details><summary>Hint 1</summary>
#
# With `p = softmax(logits)` the gradient of `log p[choice]` is short: 1 at the chosen cell and 0 elsewhere, minus `p`. Work it out from `log p[c] = logits[c] - log(sum(exp(logits)))`, or let autograd do it.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `nn.functional.one_hot(choice, m)` is the 1 at the chosen cell. `(reward - baseline)[:, None]` fits `[B, m]`.
#
# </details>
# %% [markdown] lang="hi" of="288b4a57"
# ### 16. लिखिए: चुनाव का ग्रेडिएंट (REINFORCE)
#
# ★★★ · 15 मिनट · ख़ुद लिखिए · *चुनाव का ग्रेडिएंट नहीं होता, फिर भी हार्ड ध्यान कैसे सीखता है*
#
# हार्ड ध्यान (hard attention) ख़ानों को मिलाता नहीं। वह `p = softmax(logits)` को प्रायिकता मानकर **एक ख़ाना चुनता है**, जैसे पासा फेंककर, और उस चुनाव पर इनाम (reward) पाता है। ऐसे चुनाव का ग्रेडिएंट नहीं होता, पर *औसत* इनाम का ग्रेडिएंट नमूनों (samples) से आँका जा सकता है। एक नमूने से अनुमान यूँ बनता है: इनाम में से बेसलाइन (baseline) घटाइए, फिर उसे `log p[choice]` के उस ग्रेडिएंट से गुणा कीजिए जो logits के सापेक्ष है।
#
# - `logits` `[B, m]`, `choice` `[B]` (चुने हुए ख़ाने का नंबर), `reward` `[B]`, `baseline` एक संख्या।
# - हर नमूने का एक अनुमान लौटाइए: `[B, m]`। उसे logits में जोड़ें तो औसत इनाम *बढ़ना* चाहिए। (पाठ में यही बात लॉस के लिए लिखी है, जिसे घटना चाहिए: वही सूत्र, बस चिह्न उलटा।)
#
# <details><summary>संकेत 1</summary>
#
# `p = softmax(logits)` हो तो `log p[choice]` का ग्रेडिएंट छोटा-सा है: चुने हुए ख़ाने पर 1, बाक़ी पर 0, और उसमें से `p` घटा हुआ। `log p[c] = logits[c] - log(sum(exp(logits)))` से ख़ुद निकालिए, या autograd से निकलवाइए।
#
# </details>
# <details><summary>संकेत 2</summary>
#
# `nn.functional.one_hot(choice, m)` चुने हुए ख़ाने पर 1 रखता है। `(reward - baseline)[:, None]` का आकार `[B, m]` के साथ बैठ जाता है।
#
# </details>
# %% name="choice-gradient" tags=["exercise"] points=3
def choice_gradient(logits: Tensor, choice: Tensor, reward: Tensor, baseline: float) -> Tensor:
    """logits [B, m], choice [B], reward [B] -> an estimate of the gradient for each draw [B, m]."""
    ### BEGIN SOLUTION
    chosen = nn.functional.one_hot(choice, logits.shape[-1])
    return (reward - baseline)[:, None] * (chosen - logits.softmax(dim=-1))
    ### END SOLUTION


# %% name="choice-gradient-check" tags=["check"]
choice_gradient = check.choice_gradient(choice_gradient)

# %% [markdown] lang="en" name="on-average"
# Is your estimate right *on average*? With four cells the average can be worked out without drawing: each cell's estimate, weighed by how often that cell is drawn. It is the exact gradient whatever the baseline is, because `p` times the gradients of `log p` sums to 0. (A good baseline changes how far single estimates scatter; the lesson has the picture.)
# %% [markdown] lang="hi" of="ac754b3e"
# क्या आपका अनुमान *औसत में* सही है? चार ही ख़ाने हैं, तो औसत पासा फेंके बिना ही निकल आता है: हर ख़ाने के अनुमान को उसकी प्रायिकता से तौलकर जोड़ दीजिए। बेसलाइन चाहे जो हो, यह औसत असली ग्रेडिएंट ही है, क्योंकि `log p` के ग्रेडिएंटों को `p` से गुणा करके जोड़ें तो 0 आता है। (अच्छी बेसलाइन से फ़र्क़ इसमें पड़ता है कि अलग-अलग अनुमान कितने बिखरते हैं; उसका चित्र पाठ में है।)
# %% name="on-average-claim" tags=["nbval-check-output"]
logits = torch.tensor([0.0, 1.0, -1.0, 0.5], requires_grad=True)
rewards = torch.tensor([1.0, 0.9, 0.8, 0.7])
p = logits.softmax(dim=-1)
(exact,) = torch.autograd.grad(p @ rewards, logits)

every_cell = torch.arange(4)
for baseline in (0.0, 0.85, 100.0):
    estimates = choice_gradient(logits.expand(4, 4), every_cell, rewards, baseline)  # [4, 4]
    agree = torch.allclose(p @ estimates, exact, atol=1e-4)
    print(t("baseline {b}: the average is the exact gradient: {agree}", b=baseline, agree=agree))
    assert agree

# %% [markdown] lang="en" name="summary-text"
# ## Where you are
#
# The table knows what the checks of this session have seen. After a restart run the checks again.
# %% [markdown] lang="hi" of="b92c97fd"
# ## आप कहाँ तक पहुँचे
#
# इस तालिका में वही है जो इस बार की जाँचों में हुआ। कर्नेल (kernel) दोबारा शुरू किया हो, तो जाँच के सेल फिर चलाइए।
# %% name="summary"
check.summary()
