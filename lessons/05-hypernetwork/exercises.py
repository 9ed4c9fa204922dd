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
# # Hypernetworks and adapters: exercises
#
# Ten short exercises, about 65 minutes in all. Do them when you have read the lesson; take any of them, in any order.
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
# - **Find the bug**: the function runs, and is wrong. Each of the four is a mistake that code for hypernetworks and adapters makes, and none raises an error.
# - **Predict, then run**: say what will come out before you see it. A wrong guess is where the learning is.
#
# An answer has the dtype of its input. `nn.Linear(a, b)` keeps its weight as `[b, a]`, and so do all matrices here: `[outputs, inputs]`. *Run all* works at any time: where your function is not right yet, the course's own takes its place, and the cells below go on. Hints are folded, and in the course's own notebook the solutions too; open them when you have tried.
# %% [markdown] lang="hi" of="4c369b5e"
# # हाइपरनेटवर्क और अडैप्टर: अभ्यास
#
# यहाँ दस छोटे अभ्यास हैं, कुल मिलाकर लगभग 65 मिनट के। पहले पाठ पढ़ लीजिए, फिर जो अभ्यास चाहें और जिस क्रम में चाहें, कीजिए।
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
# - **ग़लती ढूँढिए**: फ़ंक्शन चलता तो है, पर जवाब ग़लत देता है। ये चारों ग़लतियाँ हाइपरनेटवर्क और अडैप्टर के कोड में होती हैं, और किसी से एरर (error) नहीं आता।
# - **पहले बताइए, फिर चलाइए**: नतीजा देखने से पहले सोचकर बताइए कि क्या आएगा। अनुमान ग़लत निकले, तो सबसे ज़्यादा सीखने को मिलता है।
#
# जवाब का dtype वही रखिए जो इनपुट का है। `nn.Linear(a, b)` अपने भार `[b, a]` के आकार में रखता है, और यहाँ हर मैट्रिक्स ऐसी ही है: `[outputs, inputs]`। *Run all* कभी भी चला सकते हैं: जहाँ आपका फ़ंक्शन अभी सही नहीं है, वहाँ कोर्स का अपना फ़ंक्शन काम करता है और नीचे के सेल चलते रहते हैं। संकेत बंद रखे हैं, और कोर्स की अपनी नोटबुक में हल भी; पहले कोशिश कीजिए, फिर खोलिए।
# %% tags=["start"]
# %% name="imports"
import math

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common import plots
from common.check import hypernetwork as check
from common.lang import t


# %% [markdown] lang="en" name="part-written"
# ## A network that writes weights
# %% [markdown] lang="hi" of="72ab93ba"
# ## भार लिखने वाला नेटवर्क
# %% [markdown] lang="en" name="predict-written-card"
# ### 1. Predict: what it takes to write a kernel
#
# ★ · 5 minutes · predict, then run · *what a hypernetwork saves, and when*
#
# A convolution has {k}×{k} kernels, 16 channels in and 16 out, and no bias. A hypernetwork of Ha et al.'s kind writes it from an embedding z of 4 numbers: for each input channel a linear map of its own, from z to 4 numbers; then one linear map, shared by all input channels, from those 4 numbers to all the weights that belong to this channel. Both kinds of maps have biases.
#
# - How many weights has the convolution?
# - How many numbers has the hypernetwork, without z?
# - {n} such convolutions share one hypernetwork. How many numbers are trained in all?
#
# Return the three numbers.
#
# <details><summary>Hint</summary>
#
# A linear map from a to b numbers has b · (a + 1). To one input channel belong 16 squares of weights, one for each output channel.
#
# </details>
# %% [markdown] lang="hi" of="ea3208c1"
# ### 1. पहले बताइए: कर्नेल लिखने में कितनी संख्याएँ लगती हैं
#
# ★ · 5 मिनट · पहले बताइए, फिर चलाइए · *हाइपरनेटवर्क कितना बचाता है, और कब*
#
# एक कनवॉल्यूशन के कर्नेल {k}×{k} के हैं, 16 चैनल आते हैं और 16 निकलते हैं, बायस नहीं है। उसके भार एक हाइपरनेटवर्क लिखता है, जैसा Ha et al. का था, चार संख्याओं की एम्बेडिंग z से: आने वाले हर चैनल का अपना एक लीनियर नक़्शा z से 4 संख्याएँ बनाता है; फिर सारे चैनलों का एक ही साझा लीनियर नक़्शा उन 4 से इस चैनल के सारे भार बनाता है। दोनों तरह के नक़्शों में बायस हैं।
#
# - कनवॉल्यूशन में कितने भार हैं?
# - हाइपरनेटवर्क में कितनी संख्याएँ हैं, z को छोड़कर?
# - ऐसे {n} कनवॉल्यूशन एक ही हाइपरनेटवर्क से काम चलाते हैं। कुल कितनी संख्याएँ सीखनी होंगी?
#
# तीनों संख्याएँ लौटाइए।
#
# <details><summary>संकेत</summary>
#
# a संख्याओं से b बनाने वाले लीनियर नक़्शे में b · (a + 1) संख्याएँ होती हैं। आने वाले एक चैनल के हिस्से भारों के 16 वर्ग आते हैं, निकलने वाले हर चैनल का एक।
#
# </details>
# %% name="predict-written" tags=["exercise"] points=1
def predict_written() -> tuple[int, int, int]:
    """Numbers of a {k}×{k} kernel, of what writes it, and of what writes {n} of them."""
    ### BEGIN SOLUTION
    return 16 * 16 * 9, 16 * 20 + 16 * 9 * 5, 1040 + 20 * 4
    ### END SOLUTION


# %% name="predict-written-check" tags=["check"]
predict_written = check.predict_written.given(k=3, n=20)(predict_written)

# %% [markdown] lang="en" name="predict-written-why"
# <details><summary>Why</summary>
#
# The convolution has 16 · 16 · 9 = 2304 weights. The first maps have 16 · (4 · 4 + 4) = 320 numbers, the shared one 16 · 9 · (4 + 1) = 720: 1040 together, less than half. That is no great saving for one layer. But the second layer costs only its z: twenty of them 1040 + 80 = 1120 numbers, instead of 46,080.
#
# </details>
# %% [markdown] lang="hi" of="08c71168"
# <details><summary>क्यों</summary>
#
# कनवॉल्यूशन में 16 · 16 · 9 = 2304 भार हैं। पहले नक़्शों में 16 · (4 · 4 + 4) = 320 संख्याएँ हैं और साझा वाले में 16 · 9 · (4 + 1) = 720: कुल 1040, आधे से भी कम। लेयर एक ही हो, तो यह कोई बड़ी बचत नहीं। पर दूसरी लेयर का ख़र्च बस उसका z है: बीस लेयरें 1040 + 80 = 1120 संख्याओं में, जबकि उनके अपने भार 46,080 होते।
#
# </details>


# %% [markdown] lang="en" name="written-kernel-card"
# ### 2. Write: a kernel from an embedding
#
# ★★ · 8 minutes · write it · *weights that come out of a network (Ha, Dai and Le 2016)*
#
# For each layer with its embedding z, and each input channel i:
#
# $$a_i = W_i\,z + B_i, \qquad K_i = W_{\text{out}}\,a_i + B_{\text{out}}$$
#
# - `z` `[L, E]`: the embeddings of L layers. `rows` `[I, D, E]`: the matrices W_i of the I input channels; `rows_bias` `[I, D]`.
# - `out` `[O, k, k, D]`: the shared matrix; `out_bias` `[O, k, k]`.
# - Return the kernels `[L, O, I, k, k]`, as `conv2d` takes them. Detach nothing: what learns is the network that writes them, and its gradient comes back through the kernels.
#
# <details><summary>Hint 1</summary>
#
# `torch.einsum("ide,le->lid", rows, z)` sums over e, the only letter that is missing behind the arrow.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The second step sums over d in the same way; with `->loiyx` the axes come in the right order at once. The bias then needs an axis for i.
#
# </details>
# %% [markdown] lang="hi" of="4c776483"
# ### 2. लिखिए: एम्बेडिंग से कर्नेल
#
# ★★ · 8 मिनट · ख़ुद लिखिए · *भार जो किसी नेटवर्क से निकलते हैं (Ha, Dai और Le 2016)*
#
# हर लेयर की अपनी एम्बेडिंग z है। उससे, आने वाले हर चैनल i के लिए:
#
# $$a_i = W_i\,z + B_i, \qquad K_i = W_{\text{out}}\,a_i + B_{\text{out}}$$
#
# - `z` `[L, E]`: L लेयरों की एम्बेडिंग। `rows` `[I, D, E]`: आने वाले I चैनलों की मैट्रिक्स W_i; `rows_bias` `[I, D]`।
# - `out` `[O, k, k, D]`: साझा मैट्रिक्स; `out_bias` `[O, k, k]`।
# - कर्नेल `[L, O, I, k, k]` लौटाइए, जिस आकार में `conv2d` उन्हें लेता है। detach कहीं मत लगाइए: सीखता वह नेटवर्क है जो इन्हें लिखता है, और उसका ग्रेडिएंट इन्हीं से होकर लौटता है।
#
# <details><summary>संकेत 1</summary>
#
# `torch.einsum("ide,le->lid", rows, z)` में जोड़ e पर चलता है: तीर के बाद बस वही अक्षर नहीं है।
#
# </details>
# <details><summary>संकेत 2</summary>
#
# दूसरे क़दम में जोड़ इसी तरह d पर चलेगा; `->loiyx` लिखिए, तो अक्ष (axes) सीधे सही क्रम में आएँगे। फिर बायस में i के लिए एक अक्ष और चाहिए।
#
# </details>
# %% name="written-kernel" tags=["exercise"] points=2
def written_kernel(
    z: Tensor, rows: Tensor, rows_bias: Tensor, out: Tensor, out_bias: Tensor
) -> Tensor:
    """z [L, E], rows [I, D, E], out [O, k, k, D] and their biases -> [L, O, I, k, k]."""
    ### BEGIN SOLUTION
    a = torch.einsum("ide,le->lid", rows, z) + rows_bias
    return torch.einsum("oyxd,lid->loiyx", out, a) + out_bias[:, None]
    ### END SOLUTION


# %% name="written-kernel-check" tags=["check"]
written_kernel = check.written_kernel(written_kernel)

# %% [markdown] lang="en" name="walk"
# Your function at the size of the paper: a 7×7 kernel with 16 channels in and out. And a walk: z goes in a straight line from one embedding to another, and three of the 256 squares of the kernel change with it.
# %% [markdown] lang="hi" of="acde8e02"
# आपका फ़ंक्शन शोध-पत्र वाले आकार पर: 7×7 के कर्नेल, 16 चैनल आते और 16 निकलते। और एक सैर: z एक एम्बेडिंग से दूसरी तक सीधी रेखा पर चलता है, और कर्नेल के 256 वर्गों में से तीन को हम साथ-साथ बदलते देखते हैं।
# %% name="walk-claim"
dice = torch.Generator().manual_seed(2)
hyper = [
    torch.randn(*shape, generator=dice)
    for shape in ((16, 4, 4), (16, 4), (16, 7, 7, 4), (16, 7, 7))
]
ends = torch.randn(2, 4, generator=dice)
steps = torch.linspace(0, 1, 7)[:, None]
kernels = written_kernel(ends[0] + steps * (ends[1] - ends[0]), *hyper)
numbers = sum(part.numel() for part in hyper)
print(
    t(
        "{weights} weights, written by {numbers} + {z} numbers",
        weights=kernels[0].numel(),
        numbers=numbers,
        z=ends[0].numel(),
    )
)
squares = torch.stack([kernels[:, 0, 0], kernels[:, 5, 3], kernels[:, 9, 12]]).flatten(0, 1)
plots.show_images(
    (squares[:, None] / squares.abs().max() / 2 + 0.5).expand(-1, 3, -1, -1),
    titles=[t("z at {share:.2f} of the way", share=share) for share in steps[:, 0].tolist()]
    + [""] * 14,
    alt=t("Three rows of 7×7 squares in grey that change steadily from left to right"),
    columns=7,
    zoom=10,
)
assert (kernels[0].numel(), numbers, ends[0].numel()) == (12544, 4240, 4)
assert torch.allclose(kernels[3], (kernels[0] + kernels[6]) / 2, atol=1e-4)


# %% [markdown] lang="en" name="start-scale-card"
# ### 3. Find the bug: the written layers explode
#
# ★★ · 6 minutes · find the bug · *whose fan_in counts (Chang, Flokas and Lipson 2020)*
#
# The last layer of a hypernetwork makes weights out of `a` `[d]`, numbers whose mean square is 1. Published code initialises it like any other layer, for its own sake: variance 1 / d. Then the *weights that it writes* have variance 1, and the layer that uses them adds up channels · kernel² products; after six such layers of 16 channels and 3×3 the activations are hundreds of thousands of times too large.
#
# - `noise` `[O · k · k, d]`: standard normal numbers. The written kernels are k×k, `kernel` = k, with `channels` input and O output channels; a ReLU follows them.
# - Return the numbers of the last layer, of the same shape, such that the **written** weights have variance 2 / (channels · kernel²), as He's initialisation wants them.
#
# <details><summary>Hint 1</summary>
#
# A written weight is a sum of d products of a number of `a` and a number of this layer. Variances add up: d · 1 · Var.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Noise is multiplied by a standard deviation, the root of the variance.
#
# </details>
# %% [markdown] lang="hi" of="48d4eb40"
# ### 3. ग़लती ढूँढिए: लिखी हुई लेयरें फट पड़ती हैं
#
# ★★ · 6 मिनट · ग़लती ढूँढिए · *किसका fan_in गिना जाए (Chang, Flokas और Lipson 2020)*
#
# हाइपरनेटवर्क की आख़िरी लेयर `a` `[d]` से भार बनाती है; इन संख्याओं के वर्ग का औसत 1 है। छपे हुए कोड में उसकी शुरुआत किसी भी आम लेयर की तरह होती है, मानो बात उसी के आउटपुट की हो: वेरिएंस 1 / d। तब *जो भार वह लिखती है* उनका वेरिएंस 1 होता है, और जो लेयर उन्हें काम में लेती है वह channels · kernel² गुणनफल जोड़ती है; 16 चैनल और 3×3 की ऐसी छह लेयरों के बाद एक्टिवेशन (activations) लाखों गुना बड़े हो चुके होते हैं।
#
# - `noise` `[O · k · k, d]`: मानक नॉर्मल संख्याएँ। लिखे जाने वाले कर्नेल k×k के हैं, `kernel` = k; उनमें `channels` चैनल आते हैं और O निकलते हैं; उनके बाद ReLU है।
# - आख़िरी लेयर की संख्याएँ लौटाइए, उसी आकार में, ऐसी कि **लिखे हुए** भारों का वेरिएंस 2 / (channels · kernel²) हो, जैसा He की शुरुआत में चाहिए।
#
# <details><summary>संकेत 1</summary>
#
# लिखा हुआ हर भार d गुणनफलों का जोड़ है: `a` की एक संख्या गुणा इस लेयर की एक संख्या। वेरिएंस जुड़ते हैं: d · 1 · Var।
#
# </details>
# <details><summary>संकेत 2</summary>
#
# noise को मानक विचलन (standard deviation) से गुणा करते हैं, यानी वेरिएंस के वर्गमूल से।
#
# </details>
# %% name="start-scale" tags=["exercise"] points=2
def start_scale(noise: Tensor, channels: int, kernel: int) -> Tensor:
    """noise [O · k · k, d] -> the numbers that the last layer starts with, of that shape."""
    ### BEGIN SOLUTION
    fan_in = channels * kernel * kernel
    return noise * math.sqrt(2 / (fan_in * noise.shape[1]))
    ### STUB
    # fan_in = noise.shape[1]
    # return noise * math.sqrt(1 / fan_in)
    ### END SOLUTION


# %% name="start-scale-check" tags=["check"]
start_scale = check.start_scale(start_scale)

# %% [markdown] lang="en" name="six-layers"
# Six written layers with your start, beside the start for its own sake: how large the activations are, layer by layer.
# %% [markdown] lang="hi" of="5bee5534"
# छह लिखी हुई लेयरें आपकी शुरुआत से, और साथ में वह शुरुआत जो बस अपने आउटपुट की सोचती है: लेयर-दर-लेयर एक्टिवेशन कितने बड़े हैं।
# %% name="six-layers-claim"
dice = torch.Generator().manual_seed(3)
noise = torch.randn(16 * 9, 16, generator=dice)
codes = torch.randn(6, 16, 16, generator=dice)  # a of 6 layers and their 16 input channels
sizes = {}
for name, weight in (("own", noise / 4), ("yours", start_scale(noise, 16, 3))):
    x = torch.randn(8, 16, 12, 12, generator=torch.Generator().manual_seed(4))
    sizes[name] = [x.square().mean().sqrt().item()]
    for a in codes:
        kernel = (a @ weight.T).unflatten(1, (16, 3, 3)).transpose(0, 1)
        x = F.conv2d(x, kernel, padding=1).relu()
        sizes[name].append(x.square().mean().sqrt().item())
figure, ax = plt.subplots(figsize=(6, 2.8), layout="constrained")
ax.semilogy(sizes["own"], "o-", color="#b5651d", label=t("for its own sake: variance 1 / d"))
ax.semilogy(sizes["yours"], "s-", color="#00796b", label=t("for the weights that it writes"))
ax.set(
    xlabel=t("layer"),
    ylabel=t("root mean square"),
    title=t(
        "after six layers: {own:,.0f} against {yours:.1f}",
        own=sizes["own"][-1],
        yours=sizes["yours"][-1],
    ),
)
ax.legend(frameon=False)
plots.show(
    figure,
    alt=t("Two curves over six layers: one climbs straight up a logarithmic axis, one stays level"),
)
assert sizes["own"][-1] > 1e4 and 0.1 < sizes["yours"][-1] < 10


# %% [markdown] lang="en" name="part-adapter"
# ## An adapter: x + strength · f(x)
# %% [markdown] lang="hi" of="380fd170"
# ## अडैप्टर: x + मात्रा · f(x)
# %% [markdown] lang="en" name="steered-card"
# ### 4. Write: keys and values of changed words
#
# ★★ · 8 minutes · write it · *what NovelAI called a hypernetwork*
#
# A frozen attention reads `words` through `to_key` and `to_value`. Before each of the two stands a module of its own that changes what it sees: $x + s\,f(x)$, where $f$ is a linear layer, a SiLU, and another linear layer. The module's output goes into the projection.
#
# - `words` `[N, L, width]`; `key_module`, `value_module`: pairs `(first, last)` of layers, width → 2 · width → width; `strength`: the number s.
# - Return keys and values. Detach nothing: the modules learn through them.
#
# <details><summary>Hint</summary>
#
# `first, last = key_module`, and `F.silu` between them. Write the module as a little function inside, and use it twice.
#
# </details>
# %% [markdown] lang="hi" of="8b10f7f3"
# ### 4. लिखिए: बदले हुए शब्दों से की (key) और वैल्यू
#
# ★★ · 8 मिनट · ख़ुद लिखिए · *जिसे NovelAI ने हाइपरनेटवर्क कहा*
#
# एक जमा हुआ ध्यान `words` को `to_key` और `to_value` से पढ़ता है। इन दोनों से ठीक पहले एक-एक मॉड्यूल बैठा है, जो यह बदल देता है कि उन्हें क्या दिखे: $x + s\,f(x)$, जहाँ $f$ यानी एक लीनियर लेयर, फिर SiLU, फिर एक और लीनियर लेयर। मॉड्यूल से जो निकले, वह प्रोजेक्शन में जाता है।
#
# - `words` `[N, L, width]`; `key_module`, `value_module`: लेयरों की जोड़ियाँ `(first, last)`, चौड़ाई width → 2 · width → width; `strength`: मात्रा s।
# - की (key) और वैल्यू लौटाइए। detach कहीं मत लगाइए: मॉड्यूलों तक ग्रेडिएंट इन्हीं से होकर लौटता है।
#
# <details><summary>संकेत</summary>
#
# `first, last = key_module`, और दोनों के बीच `F.silu`। मॉड्यूल को अंदर एक छोटा-सा फ़ंक्शन बनाइए और दो बार काम में लीजिए।
#
# </details>
# %% name="steered" tags=["exercise"] points=2
def steered(
    words: Tensor,
    to_key: nn.Linear,
    to_value: nn.Linear,
    key_module: tuple[nn.Linear, nn.Linear],
    value_module: tuple[nn.Linear, nn.Linear],
    strength: float,
) -> tuple[Tensor, Tensor]:
    """words [N, L, width] -> keys and values of words that two modules have changed."""
    ### BEGIN SOLUTION

    def changed(x: Tensor, first: nn.Linear, last: nn.Linear) -> Tensor:
        return x + strength * last(F.silu(first(x)))

    return to_key(changed(words, *key_module)), to_value(changed(words, *value_module))
    ### END SOLUTION


# %% name="steered-check" tags=["check"]
steered = check.steered(steered)


# %% [markdown] lang="en" name="predict-awake-card"
# ### 5. Predict: who wakes first
#
# ★ · 5 minutes · predict, then run · *why zero in the last layer does not stop the learning*
#
# A module x + f(x): a linear layer from {w} to {h} numbers, SiLU, a linear layer from {h} back to {w}, both with biases. Numbers that are not said to be 0 are random, the batch is large, and the output is not what it should be. After one `backward()`, how many numbers of the module have a gradient that is not 0,
#
# - when the weights and biases of the **last** layer are 0, and those of the first are not?
# - when the weights and biases of **both** layers are 0?
# - when neither layer is 0?
#
# Return the three counts.
#
# <details><summary>Hint</summary>
#
# The gradient of the last weight is error times hidden numbers; that of the last bias is the error. What goes back to the first layer is the error times the last weight.
#
# </details>
# %% [markdown] lang="hi" of="7f966434"
# ### 5. पहले बताइए: पहले कौन जागता है
#
# ★ · 5 मिनट · पहले बताइए, फिर चलाइए · *आख़िरी लेयर शून्य हो, तो भी सीखना क्यों नहीं रुकता*
#
# एक मॉड्यूल x + f(x): {w} से {h} संख्याएँ बनाने वाली लीनियर लेयर, फिर SiLU, फिर {h} से वापस {w} बनाने वाली लीनियर लेयर; दोनों में बायस हैं। जिन्हें 0 न कहा जाए वे संख्याएँ रैंडम हैं, बैच बड़ा है, और आउटपुट अभी वह नहीं जो होना चाहिए। एक बार `backward()` चलाने के बाद मॉड्यूल की कितनी संख्याओं का ग्रेडिएंट 0 नहीं है,
#
# - जब **आख़िरी** लेयर के भार और बायस 0 हों, और पहली के नहीं?
# - जब **दोनों** लेयरों के भार और बायस 0 हों?
# - जब दोनों में से कोई लेयर 0 न हो?
#
# तीनों गिनतियाँ लौटाइए।
#
# <details><summary>संकेत</summary>
#
# आख़िरी भारों का ग्रेडिएंट है त्रुटि गुणा बीच की संख्याएँ; आख़िरी बायस का, बस त्रुटि। पहली लेयर तक जो लौटता है, वह त्रुटि गुणा आख़िरी भार है।
#
# </details>
# %% name="predict-awake" tags=["exercise"] points=1
def predict_awake() -> tuple[int, int, int]:
    """How many of the {w} → {h} → {w} numbers get a gradient: last layer 0, both 0, none 0."""
    ### BEGIN SOLUTION
    return 12 * 6 + 6, 6, 2 * 12 * 6 + 12 + 6
    ### END SOLUTION


# %% name="predict-awake-check" tags=["check"]
predict_awake = check.predict_awake.given(w=6, h=12)(predict_awake)

# %% [markdown] lang="en" name="predict-awake-why"
# <details><summary>Why</summary>
#
# With a last layer of zeros the first layer gets nothing in the first step, for the gradient passes through those zeros; but the last layer gets 12 · 6 + 6 = 78 gradients, since the hidden numbers are random. After one step it is no longer zero, and the first layer learns too. With both layers at zero the hidden numbers are SiLU(0) = 0, and only the last bias, 6 numbers, learns: for ever, as all stays as it was. So one layer begins at zero, and never both; LoRA has the same rule.
#
# </details>
# %% [markdown] lang="hi" of="6b6ca4da"
# <details><summary>क्यों</summary>
#
# आख़िरी लेयर शून्य हो, तो पहले क़दम में पहली लेयर को कुछ नहीं मिलता, क्योंकि ग्रेडिएंट उन्हीं शून्यों से होकर लौटता है; पर आख़िरी लेयर को 12 · 6 + 6 = 78 ग्रेडिएंट मिलते हैं, क्योंकि बीच की संख्याएँ रैंडम हैं। एक क़दम बाद वह शून्य नहीं रहती, और पहली लेयर भी सीखने लगती है। दोनों लेयरें शून्य हों, तो बीच की संख्याएँ SiLU(0) = 0 हैं, और सिर्फ़ आख़िरी बायस सीखता है, यानी 6 संख्याएँ: और हमेशा वही, क्योंकि बाक़ी सब शून्य ही रहता है। इसलिए शून्य से एक लेयर शुरू होती है, दोनों कभी नहीं; LoRA का भी यही नियम है।
#
# </details>


# %% [markdown] lang="en" name="first-step-card"
# ### 6. Find the bugs: spoilt before it has learnt anything
#
# ★★ · 8 minutes · find the bug · *exactly nothing at first, and at strength 0 for ever*
#
# An adapter is put into a model that works. Before its first step the model should draw what it drew, bit for bit; at strength 0 always. This one spoils the pictures at once. **Two things are wrong**: where the strength stands, and what the last layer begins with.
#
# - `x`, `target` `[N, width]`: what comes in and what should come out. `first`, `last`: layers as `nn.Linear` makes them. `strength`, `rate`: numbers.
# - Return the output before the first step of gradient descent, and after it. (The step is right.)
#
# <details><summary>Hint 1</summary>
#
# At strength 0, `strength * (x + …)` is 0: the model sees nothing at all.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `nn.init.zeros_(last.weight)`; and a layer has two kinds of numbers.
#
# </details>
# %% [markdown] lang="hi" of="a4cd0a30"
# ### 6. ग़लतियाँ ढूँढिए: सीखने से पहले ही सब बिगाड़ दिया
#
# ★★ · 8 मिनट · ग़लती ढूँढिए · *शुरू में बिल्कुल कुछ नहीं; और मात्रा 0 पर कभी नहीं*
#
# अडैप्टर ऐसे मॉडल में लगता है जो ठीक-ठाक काम कर रहा है। पहले क़दम से पहले मॉडल को बिट-बिट वही बनाना चाहिए जो वह बनाता था; और मात्रा 0 पर हमेशा। यह वाला लगते ही चित्र बिगाड़ देता है। **दो बातें ग़लत हैं**: मात्रा कहाँ लगी है, और आख़िरी लेयर किन संख्याओं से शुरू होती है।
#
# - `x`, `target` `[N, width]`: क्या आया, और क्या निकलना चाहिए था। `first`, `last`: लेयरें, जैसी `nn.Linear` ने बनाईं। `strength`, `rate`: संख्याएँ।
# - ग्रेडिएंट डिसेंट के पहले क़दम से पहले का आउटपुट और उसके बाद का आउटपुट लौटाइए। (क़दम वाला कोड सही है।)
#
# <details><summary>संकेत 1</summary>
#
# मात्रा 0 हो, तो `strength * (x + …)` भी 0 है: मॉडल को कुछ दिखता ही नहीं।
#
# </details>
# <details><summary>संकेत 2</summary>
#
# `nn.init.zeros_(last.weight)`; और लेयर में दो तरह की संख्याएँ होती हैं।
#
# </details>
# %% name="first-step" tags=["exercise"] points=2
def first_step(
    x: Tensor, target: Tensor, first: nn.Linear, last: nn.Linear, strength: float, rate: float
) -> tuple[Tensor, Tensor]:
    """x, target [N, width] -> the output of a new adapter, and after one step of descent."""
    ### BEGIN SOLUTION
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)

    def output() -> Tensor:
        return x + strength * last(F.silu(first(x)))

    before = output()
    numbers = [*first.parameters(), *last.parameters()]
    gradients = torch.autograd.grad(F.mse_loss(before, target), numbers)
    with torch.no_grad():
        for number, gradient in zip(numbers, gradients, strict=True):
            number -= rate * gradient
        return before.detach(), output()
    ### STUB
    # def output() -> Tensor:
    #     return strength * (x + last(F.silu(first(x))))
    #
    # before = output()
    # numbers = [*first.parameters(), *last.parameters()]
    # gradients = torch.autograd.grad(F.mse_loss(before, target), numbers)
    # with torch.no_grad():
    #     for number, gradient in zip(numbers, gradients, strict=True):
    #         number -= rate * gradient
    #     return before.detach(), output()
    ### END SOLUTION


# %% name="first-step-check" tags=["check"]
first_step = check.first_step(first_step)


# %% [markdown] lang="en" name="deep-adapter-card"
# ### 7. Find the bug: three layers that are one
#
# ★★ · 5 minutes · find the bug · *without a bend, any number of layers is a single affine map*
#
# Some web interfaces let one build the module from several layers, and choose the activation from a list in which "linear" stands first. Who leaves it there gets a module that has many numbers and can do no more than one matrix.
#
# - `x` `[N, width]`; `layers`: any number of linear layers, back to width at the end; `strength`: a number.
# - Return x + strength · f(x), where f has a SiLU between every two layers, and none after the last. Detach nothing: it is these layers that learn.
#
# <details><summary>Hint</summary>
#
# Apply the SiLU *before* each layer but the first. (After the last there must be none: SiLU never goes below −0.28, so f(x) could pull almost one way only.)
#
# </details>
# %% [markdown] lang="hi" of="8b4863fe"
# ### 7. ग़लती ढूँढिए: तीन लेयरें, जो असल में एक हैं
#
# ★★ · 5 मिनट · ग़लती ढूँढिए · *मोड़ न हो, तो कितनी भी लेयरें हों, नक़्शा एक ही है और वह भी सीधा*
#
# कुछ वेब इंटरफ़ेस मॉड्यूल को कई लेयरों से बनाने देते हैं, और एक्टिवेशन (activation) एक सूची से चुनवाते हैं जिसमें सबसे ऊपर "linear" है। जो उसे वहीं छोड़ दे, उसे ढेर सारी संख्याओं वाला ऐसा मॉड्यूल मिलता है जो एक अकेली मैट्रिक्स से ज़्यादा कुछ कर ही नहीं सकता।
#
# - `x` `[N, width]`; `layers`: कितनी भी लीनियर लेयरें, आख़िर में चौड़ाई फिर width; `strength`: एक संख्या, मात्रा।
# - x + strength · f(x) लौटाइए, जहाँ f में हर दो लेयरों के बीच SiLU है, और आख़िरी के बाद नहीं। detach कहीं मत लगाइए: सीखना इन्हीं लेयरों को है।
#
# <details><summary>संकेत</summary>
#
# पहली को छोड़कर हर लेयर से *पहले* SiLU लगाइए। (आख़िरी के बाद नहीं: SiLU का मान −0.28 से नीचे कभी नहीं जाता, यानी f(x) लगभग एक ही ओर खींच पाता।)
#
# </details>
# %% name="deep-adapter" tags=["exercise"] points=2
def deep_adapter(x: Tensor, layers: list[nn.Linear], strength: float) -> Tensor:
    """x [N, width] -> x + strength · f(x), where f has these layers, with bends between them."""
    ### BEGIN SOLUTION
    hidden = layers[0](x)
    for layer in layers[1:]:
        hidden = layer(F.silu(hidden))
    return x + strength * hidden
    ### STUB
    # hidden = layers[0](x)
    # for layer in layers[1:]:
    #     hidden = layer(hidden)
    # return x + strength * hidden
    ### END SOLUTION


# %% name="deep-adapter-check" tags=["check"]
deep_adapter = check.deep_adapter(deep_adapter)

# %% [markdown] lang="en" name="bends"
# Your adapter with two hidden layers of random numbers, on a square grid; beside it the same layers without a bend. Strength 0 leaves the grid as it is. The straight one can turn, stretch and shift it, and that is all.
# %% [markdown] lang="hi" of="6c93a8fe"
# आपका अडैप्टर एक चौकोर जाली पर, बीच की दो लेयरें और रैंडम संख्याएँ; बग़ल में वही लेयरें बिना मोड़ के। मात्रा 0 पर जाली जैसी थी वैसी ही रहती है। बिना मोड़ वाला उसे बस घुमा सकता है, खींच सकता है और खिसका सकता है।
# %% name="bends-claim"
with torch.random.fork_rng(devices=[]):
    torch.manual_seed(3)
    layers = [nn.Linear(2, 24), nn.Linear(24, 24), nn.Linear(24, 2)]
    for layer in layers:
        nn.init.normal_(layer.weight, std=1.6 / layer.in_features**0.5)
lines = torch.linspace(-2, 2, 13)
grid = torch.cartesian_prod(lines, lines)
with torch.no_grad():
    straight = grid + layers[2](layers[1](layers[0](grid)))
    results = {
        t("strength 0: as it was"): deep_adapter(grid, layers, 0.0),
        t("without bends: still straight"): straight,
        t("yours: it bends"): deep_adapter(grid, layers, 1.0),
    }
figure, axes = plt.subplots(1, 3, figsize=(8, 2.8), layout="constrained")
for ax, (title, points) in zip(axes, results.items(), strict=True):
    rows = points.view(13, 13, 2)
    for net in (rows, rows.transpose(0, 1)):
        ax.plot(net[..., 0].T, net[..., 1].T, color="#6a1b9a", linewidth=0.8)
    ax.set(title=title, xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
plots.show(
    figure,
    alt=t("A square grid; the same turned and stretched, all lines straight; the same, bent"),
)
second = {
    name: p.view(13, 13, 2).diff(n=2, dim=0).abs().max().item() for name, p in results.items()
}
of_zero, of_straight, of_bent = second.values()
assert of_zero < 1e-5 and of_straight < 1e-4 and of_bent > 0.05


# %% [markdown] lang="en" name="part-thin"
# ## A thin matrix, and one row
# %% [markdown] lang="hi" of="41612fd8"
# ## एक पतली मैट्रिक्स, और एक पंक्ति
# %% [markdown] lang="en" name="lora-linear-card"
# ### 8. Write: a thin matrix beside a frozen one
#
# ★★ · 7 minutes · write it · *LoRA, and why it costs nothing once it is merged (Hu et al. 2021)*
#
# LoRA leaves `weight` frozen and trains two thin matrices beside it. Their product, of a rank r that is small, is added, times `strength` and times `alpha` / r.
#
# - `x` `[N, inputs]`; `weight` `[outputs, inputs]` and `bias` `[outputs]`: a frozen linear layer.
# - `down` `[r, inputs]`, `up` `[outputs, r]`: the thin matrices. `alpha`, `strength`: numbers.
# - Return the output `[N, outputs]`, and the one matrix `[outputs, inputs]` that does the work of all three, so that no adapter need be carried along. Detach neither of the two results: through each of them the gradient comes back to the thin matrices.
#
# <details><summary>Hint</summary>
#
# What matrix takes x down to r numbers, and up again? `up @ down`. The frozen layer computes `x @ weight.T + bias`.
#
# </details>
# %% [markdown] lang="hi" of="0012da7f"
# ### 8. लिखिए: जमी हुई मैट्रिक्स के बग़ल में एक पतली मैट्रिक्स
#
# ★★ · 7 मिनट · ख़ुद लिखिए · *LoRA, और जोड़ देने के बाद उसका ख़र्च शून्य क्यों है (Hu et al. 2021)*
#
# LoRA में `weight` जमी रहती है, और सीखती हैं उसके बग़ल की दो पतली मैट्रिक्स। उनका गुणनफल, जिसका रैंक r छोटा है, `strength` से और `alpha` / r से गुणा होकर जुड़ता है।
#
# - `x` `[N, inputs]`; `weight` `[outputs, inputs]` और `bias` `[outputs]`: जमी हुई लीनियर लेयर।
# - `down` `[r, inputs]`, `up` `[outputs, r]`: पतली मैट्रिक्स। `alpha`, `strength`: संख्याएँ।
# - आउटपुट `[N, outputs]` लौटाइए, और वह एक मैट्रिक्स `[outputs, inputs]` जो अकेली तीनों का काम करे, ताकि अडैप्टर को साथ ढोना न पड़े। लौटाई हुई दोनों चीज़ों में से किसी पर detach मत लगाइए: पतली मैट्रिक्स तक ग्रेडिएंट इन्हीं से होकर लौटता है।
#
# <details><summary>संकेत</summary>
#
# कौन-सी मैट्रिक्स x को नीचे r संख्याओं तक ले जाए और फिर ऊपर? `up @ down`। जमी हुई लेयर `x @ weight.T + bias` निकालती है।
#
# </details>
# %% name="lora-linear" tags=["exercise"] points=2
def lora_linear(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    down: Tensor,
    up: Tensor,
    alpha: float,
    strength: float,
) -> tuple[Tensor, Tensor]:
    """x [N, inputs], a frozen layer, two thin matrices -> the output, and the merged matrix."""
    ### BEGIN SOLUTION
    merged = weight + strength * alpha / len(down) * (up @ down)
    return x @ merged.T + bias, merged
    ### END SOLUTION


# %% name="lora-linear-check" tags=["check"]
lora_linear = check.lora_linear(lora_linear)


# %% [markdown] lang="en" name="predict-trained-card"
# ### 9. Predict: how much is trained
#
# ★ · 5 minutes · predict, then run · *three adapters, three prices*
#
# A model has 10 attentions of width {d}. Each has a `to_key` and a `to_value`, linear maps from {d} to {d} numbers without bias. How many numbers are trained,
#
# - when all `to_key` and `to_value` themselves are?
# - with LoRA of rank {r} beside each of them?
# - with **one** pair of modules, for keys and values, that all 10 attentions share as in the web interfaces: linear layers {d} → 2 · {d} → {d}, with biases?
#
# Return the three numbers.
#
# <details><summary>Hint</summary>
#
# LoRA has no biases. A linear layer from a to b numbers, with bias, has b · (a + 1).
#
# </details>
# %% [markdown] lang="hi" of="9c7878d2"
# ### 9. पहले बताइए: कितनी संख्याएँ सीखती हैं
#
# ★ · 5 मिनट · पहले बताइए, फिर चलाइए · *तीन अडैप्टर, तीन दाम*
#
# एक मॉडल में 10 ध्यान हैं, चौड़ाई {d}। हर एक का अपना `to_key` और अपना `to_value` है: {d} से {d} संख्याएँ बनाने वाले लीनियर नक़्शे, बिना बायस के। कितनी संख्याएँ सीखती हैं,
#
# - जब सारे `to_key` और `to_value` ख़ुद सीखें?
# - जब उनमें से हर एक के बग़ल में रैंक {r} की LoRA हो?
# - जब मॉड्यूलों की **एक ही** जोड़ी हो, एक की (key) के लिए और एक वैल्यू के लिए, और वेब इंटरफ़ेसों की तरह सारे 10 ध्यान उसी से काम चलाएँ: लीनियर लेयरें {d} → 2 · {d} → {d}, बायस के साथ?
#
# तीनों संख्याएँ लौटाइए।
#
# <details><summary>संकेत</summary>
#
# LoRA में बायस नहीं होते। a से b संख्याएँ बनाने वाली लीनियर लेयर में, बायस के साथ, b · (a + 1) संख्याएँ हैं।
#
# </details>
# %% name="predict-trained" tags=["exercise"] points=1
def predict_trained() -> tuple[int, int, int]:
    """Trained numbers at width {d}: the maps themselves, LoRA of rank {r}, one shared pair."""
    ### BEGIN SOLUTION
    return 20 * 16 * 16, 20 * 2 * 16 * 2, 2 * (32 * 17 + 16 * 33)
    ### END SOLUTION


# %% name="predict-trained-check" tags=["check"]
predict_trained = check.predict_trained.given(d=16, r=2)(predict_trained)

# %% [markdown] lang="en" name="predict-trained-why"
# <details><summary>Why</summary>
#
# Ten attentions with two maps of 16² numbers each: 5120. LoRA takes 2 · 16 · 2 for each of the twenty: 1280, a quarter. The pair has 2 · (32 · 17 + 16 · 33) = 2144, as many for ten attentions as for a hundred. Note what depends on what: LoRA grows with the width, the other two with its square. At the widths of Stable Diffusion, 320 to 1280, that is why a LoRA file is small and a hypernetwork file is not.
#
# </details>
# %% [markdown] lang="hi" of="4b03617d"
# <details><summary>क्यों</summary>
#
# दस ध्यान, हर एक में 16² संख्याओं के दो नक़्शे: 5120। LoRA को बीस में से हर एक के लिए 2 · 16 · 2 चाहिए: 1280, यानी चौथाई। जोड़ी में 2 · (32 · 17 + 16 · 33) = 2144 हैं, ध्यान दस हों या सौ। देखिए कि कौन किस पर टिका है: LoRA चौड़ाई के साथ बढ़ती है, बाक़ी दोनों उसके वर्ग के साथ। Stable Diffusion में चौड़ाइयाँ 320 से 1280 तक हैं; इसीलिए वहाँ LoRA की फ़ाइल छोटी होती है और हाइपरनेटवर्क की नहीं।
#
# </details>


# %% [markdown] lang="en" name="word-steps-card"
# ### 10. Find the bug: the old words shrink
#
# ★★ · 8 minutes · find the bug · *textual inversion: only the new row may move (Gal et al. 2022)*
#
# Textual inversion learns one vector, that of a new word. Published code hands the whole table of words to AdamW and sets the gradients of all other rows to 0. It is not enough: AdamW takes rate · decay off **every** number at every step, gradient or none, and so the old words shrink. Here AdamW is written out.
#
# - `table` `[V, width]`: the vectors of V words; `gradients`: a list of `[V, width]`, one for each step; `row`: the new word; `rate`, `decay`: numbers.
# - Return the table after all steps. The new row goes AdamW's way, decay included; the other rows stay as they were, bit for bit.
#
# <details><summary>Hint 1</summary>
#
# The line with `decay` does not ask for the gradient. (`decay = 0` would be no cure: the new word is to keep it.)
#
# </details>
# <details><summary>Hint 2</summary>
#
# Let AdamW work on a copy of the one row, and put that row into a copy of the table at the end. That is why the course's `PseudoWord` makes a parameter of the row alone.
#
# </details>
# %% [markdown] lang="hi" of="c7a47d1a"
# ### 10. ग़लती ढूँढिए: पुराने शब्द सिकुड़ रहे हैं
#
# ★★ · 8 मिनट · ग़लती ढूँढिए · *textual inversion: हिले तो बस नई पंक्ति (Gal et al. 2022)*
#
# Textual inversion एक ही वेक्टर सीखता है, एक नए शब्द का। छपा हुआ कोड शब्दों की पूरी तालिका AdamW को दे देता है और बाक़ी पंक्तियों के ग्रेडिएंट 0 कर देता है। इतना काफ़ी नहीं: AdamW हर क़दम पर **हर** संख्या का rate · decay वाला हिस्सा घटाता है, ग्रेडिएंट हो या न हो, और इससे पुराने शब्द सिकुड़ते जाते हैं। यहाँ AdamW पूरा खोलकर लिखा है।
#
# - `table` `[V, width]`: V शब्दों के वेक्टर; `gradients`: `[V, width]` की सूची, हर क़दम का एक; `row`: नया शब्द; `rate`, `decay`: संख्याएँ।
# - सारे क़दमों के बाद की तालिका लौटाइए। नई पंक्ति पूरी तरह AdamW से चले, decay समेत; बाक़ी पंक्तियाँ बिट-बिट जैसी थीं वैसी रहें।
#
# <details><summary>संकेत 1</summary>
#
# `decay` वाली लाइन ग्रेडिएंट को पूछती ही नहीं। (`decay = 0` इलाज नहीं है: नए शब्द के लिए वह रहना चाहिए।)
#
# </details>
# <details><summary>संकेत 2</summary>
#
# AdamW को बस उस एक पंक्ति की नक़ल पर चलने दीजिए, और आख़िर में उसे तालिका की नक़ल में रख दीजिए। इसीलिए कोर्स का `PseudoWord` सिर्फ़ नई पंक्ति को पैरामीटर बनाता है।
#
# </details>
# %% name="word-steps" tags=["exercise"] points=2
def word_steps(
    table: Tensor, gradients: list[Tensor], row: int, rate: float, decay: float
) -> Tensor:
    """table [V, width], as many gradients as steps -> the table, only its one row moved."""
    ### BEGIN SOLUTION
    word = table[row]
    mean, square = torch.zeros_like(word), torch.zeros_like(word)
    for step, gradient in enumerate(gradients, 1):
        mean = 0.9 * mean + 0.1 * gradient[row]
        square = 0.99 * square + 0.01 * gradient[row] ** 2
        direction = (mean / (1 - 0.9**step)) / ((square / (1 - 0.99**step)).sqrt() + 1e-8)
        word = word - rate * decay * word
        word = word - rate * direction
    learnt = table.clone()
    learnt[row] = word
    return learnt
    ### STUB
    # others = torch.arange(len(table)) != row
    # mean, square = torch.zeros_like(table), torch.zeros_like(table)
    # for step, gradient in enumerate(gradients, 1):
    #     gradient = gradient.masked_fill(others[:, None], 0)
    #     mean = 0.9 * mean + 0.1 * gradient
    #     square = 0.99 * square + 0.01 * gradient**2
    #     direction = (mean / (1 - 0.9**step)) / ((square / (1 - 0.99**step)).sqrt() + 1e-8)
    #     table = table - rate * decay * table
    #     table = table - rate * direction
    # return table
    ### END SOLUTION


# %% name="word-steps-check" tags=["check"]
word_steps = check.word_steps(word_steps)


# %% [markdown] lang="en" name="summary-text"
# ## Where you are
#
# The table knows what the checks of this session have seen. After a restart run the checks again.
# %% [markdown] lang="hi" of="b92c97fd"
# ## आप कहाँ तक पहुँचे
#
# इस तालिका में वही है जो इस बार की जाँचों में हुआ। नोटबुक का कर्नेल (kernel) दोबारा शुरू किया हो, तो जाँच के सेल फिर चलाइए।
# %% name="summary"
check.summary()
