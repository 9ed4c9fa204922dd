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
# # VQGAN: exercises
#
# Sixteen short exercises, about 104 minutes in all. Do them when you have read the lesson; take any of them, in any order.
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
# - **Find the bug**: the function runs, and is wrong. Each of the five is a mistake that is easily made and raises no error; some stand in well-known code.
# - **Predict, then run**: say what will come out before you see it. A wrong guess is where the learning is.
#
# An answer has the dtype of its input; numbers of codes are whole numbers (`torch.int64`). `z_e` is what the encoder says, `z_q` the code that takes its place. *Run all* works at any time: where your function is not right yet, the course's own takes its place, and the cells below go on. Hints are folded, and in the course's own notebook the solutions too; open them when you have tried.
# %% [markdown] lang="hi" of="b37d4cf9"
# # VQGAN: अभ्यास
#
# यहाँ सोलह छोटे अभ्यास हैं, कुल मिलाकर लगभग 104 मिनट के। पहले पाठ पढ़ लीजिए, फिर जो अभ्यास चाहें और जिस क्रम में चाहें, कीजिए।
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
# - **ग़लती ढूँढिए**: फ़ंक्शन चलता तो है, पर जवाब ग़लत देता है। ये पाँचों ग़लतियाँ आसानी से हो जाती हैं, और कोई एरर (error) नहीं आता; कुछ तो जाने-माने कोड में भी मिली हैं।
# - **पहले बताइए, फिर चलाइए**: नतीजा देखने से पहले सोचकर बताइए कि क्या आएगा। अनुमान ग़लत निकले, तो सबसे ज़्यादा सीखने को मिलता है।
#
# जवाब का dtype वही रखिए जो इनपुट का है; कोड के नंबर पूर्णांक हैं (`torch.int64`)। `z_e` वह वेक्टर है जो एनकोडर ने दिया, `z_q` वह कोड जो उसकी जगह रखा गया। *Run all* कभी भी चला सकते हैं: जहाँ आपका फ़ंक्शन अभी सही नहीं है, वहाँ कोर्स का अपना फ़ंक्शन काम करता है और नीचे के सेल चलते रहते हैं। संकेत बंद रखे हैं, और कोर्स की अपनी नोटबुक में हल भी; पहले कोशिश कीजिए, फिर खोलिए।
# %% tags=["start"]
# %% name="imports"
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common import plots
from common.check import vqgan as check
from common.lang import t


# %% [markdown] lang="en" name="part-codebook"
# ## The codebook
# %% [markdown] lang="hi" of="8dc28872"
# ## कोडबुक
# %% [markdown] lang="en" name="predict-codebook-card"
# ### 1. Predict: what a codebook costs
#
# ★ · 4 minutes · predict, then run · *what is small here, and what is not*
#
# A codebook has {k} codes of {d} numbers each, in `float32`. The encoder makes one code out of every 16×16 pixels of a picture of {side}×{side} pixels.
#
# - How many MB does the codebook take? (1 MB = 2²⁰ bytes here.)
# - How many codes is the picture?
# - How many bits per pixel are those codes, when each is stored as its number?
#
# Return the three numbers, each right to within 2 %.
#
# <details><summary>Hint</summary>
#
# A `float32` takes 4 bytes. To tell `K` codes apart takes log₂ K bits. The receiver of the picture has the codebook already.
#
# </details>
# %% [markdown] lang="hi" of="c16d851f"
# ### 1. पहले बताइए: कोडबुक कितनी जगह लेती है
#
# ★ · 4 मिनट · पहले बताइए, फिर चलाइए · *यहाँ छोटा क्या है, और बड़ा क्या*
#
# एक कोडबुक में {k} कोड हैं, हर कोड में {d} संख्याएँ, `float32` में। चित्र {side}×{side} पिक्सल का है, और एनकोडर हर 16×16 पिक्सल से एक कोड बनाता है।
#
# - कोडबुक कितने MB की है? (यहाँ 1 MB = 2²⁰ बाइट।)
# - पूरा चित्र कितने कोड का है?
# - हर कोड का बस नंबर रखा जाए, तो प्रति पिक्सल कितने बिट लगे?
#
# तीनों संख्याएँ लौटाइए; हर एक में 2 % तक की चूक चलेगी।
#
# <details><summary>संकेत</summary>
#
# एक `float32` 4 बाइट लेता है। `K` कोडों में से कौन-सा, यह बताने में log₂ K बिट लगते हैं। चित्र जिसे मिलेगा, उसके पास कोडबुक पहले से है।
#
# </details>
# %% name="predict-codebook" tags=["exercise"] points=1
def predict_codebook() -> tuple[float, float, float]:
    """MB of the codebook, codes of the picture, bits per pixel."""
    ### BEGIN SOLUTION
    return 1, 256, 0.039
    ### END SOLUTION


# %% name="predict-codebook-check" tags=["check"]
predict_codebook = check.predict_codebook.given(k=1024, d=256, side=256)(predict_codebook)

# %% [markdown] lang="en" name="predict-codebook-why"
# <details><summary>Why</summary>
#
# 1024 · 256 numbers of 4 bytes are 1 MB: next to the networks around it that is nothing, so a larger codebook costs hardly any memory or time. The picture is (256 / 16)² = 256 codes. Each has log₂ 1024 = 10 bits, spread over 256 pixels: 0.039 bits per pixel instead of 24. What does cost is the number of codes: a prior with attention looks at all their pairs. Twice the side is four times the codes and sixteen times the pairs.
#
# </details>
# %% [markdown] lang="hi" of="9934600b"
# <details><summary>क्यों</summary>
#
# 1024 · 256 संख्याएँ, 4-4 बाइट की: 1 MB। आसपास के नेटवर्कों के आगे यह कुछ भी नहीं; इसलिए कोडबुक बड़ी करने से मेमोरी या समय में ख़ास फ़र्क़ नहीं पड़ता। चित्र (256 / 16)² = 256 कोड का है। हर कोड में log₂ 1024 = 10 बिट, और वे 256 पिक्सलों में बँटे: प्रति पिक्सल 24 की जगह 0.039 बिट। महँगी चीज़ है कोडों की गिनती: जिस प्रायर (prior) में ध्यान हो, वह हर कोड को हर कोड से मिलाता है। चित्र की भुजा दोगुनी कीजिए, तो कोड चार गुना और जोड़ियाँ सोलह गुना।
#
# </details>


# %% [markdown] lang="en" name="nearest-code-card"
# ### 2. Write: the nearest code
#
# ★★ · 7 minutes · write it · *the step that makes an encoder's vectors discrete*
#
# The encoder gives a vector for each place of a picture. Its code is the entry of the codebook with the smallest squared distance, `‖z − e‖²`.
#
# - `z` `[B, d, h, w]`: the vectors lie along the **second** axis. `codebook` `[K, d]`.
# - Return the numbers of the codes, `[B, h, w]`, `torch.int64`.
#
# <details><summary>Hint 1</summary>
#
# Bring the `d` numbers of a vector together first: `z.permute(0, 2, 3, 1)` is `[B, h, w, d]`. A bare `reshape(-1, d)` would cut across the vectors.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `torch.cdist(rows, codebook)` gives all distances of `[N, d]` and `[K, d]`. Or write it out: `‖z‖² − 2 z·e + ‖e‖²`, in which `‖z‖²` is the same for all codes.
#
# </details>
# %% [markdown] lang="hi" of="2d83f53e"
# ### 2. लिखिए: सबसे पास का कोड
#
# ★★ · 7 मिनट · ख़ुद लिखिए · *एनकोडर के वेक्टर इसी क़दम पर नंबर बनते हैं*
#
# एनकोडर चित्र की हर जगह के लिए एक वेक्टर देता है। उसका कोड कोडबुक का वह वेक्टर है जिससे दूरी का वर्ग, `‖z − e‖²`, सबसे कम हो।
#
# - `z` `[B, d, h, w]`: हर वेक्टर की संख्याएँ **दूसरे** अक्ष पर रखी हैं। `codebook` `[K, d]`।
# - कोडों के नंबर `[B, h, w]` लौटाइए, `torch.int64` में।
#
# <details><summary>संकेत 1</summary>
#
# पहले हर वेक्टर की `d` संख्याओं को साथ लाइए: `z.permute(0, 2, 3, 1)` का आकार `[B, h, w, d]` है। सीधे `reshape(-1, d)` करेंगे तो टुकड़े वेक्टरों के आर-पार कटेंगे।
#
# </details>
# <details><summary>संकेत 2</summary>
#
# `torch.cdist(rows, codebook)` में `[N, d]` और `[K, d]` दें तो सारी दूरियाँ मिल जाती हैं। या खोलकर लिखिए: `‖z‖² − 2 z·e + ‖e‖²`; इसमें `‖z‖²` सब कोडों के लिए एक ही है।
#
# </details>
# %% name="nearest-code" tags=["exercise"] points=2
def nearest_code(z: Tensor, codebook: Tensor) -> Tensor:
    """z [B, d, h, w], codebook [K, d] -> numbers of the nearest codes [B, h, w]."""
    ### BEGIN SOLUTION
    rows = z.permute(0, 2, 3, 1)
    distances = codebook.square().sum(1) - 2 * rows @ codebook.T
    return distances.argmin(-1)
    ### END SOLUTION


# %% name="nearest-code-check" tags=["check"]
nearest_code = check.nearest_code(nearest_code)


# %% [markdown] lang="en" name="straight-through-card"
# ### 3. Find the bug: the encoder learns nothing
#
# ★★ · 6 minutes · find the bug · *how a gradient passes a step that has none*
#
# To choose the nearest code has no gradient. So the straight-through trick gives the decoder `z_q`, and lets the decoder's gradient go on to `z_e` as if nothing had been chosen. Here the decoder gets the right numbers; but the gradient that reaches `z_e` is 0.
#
# - `z_e` and `z_q` have the same shape; `upstream` is the gradient that comes from the decoder.
# - Return what the decoder gets, the gradient at `z_e` and the gradient at `z_q`. The first gradient should **be** `upstream`; the second should be 0, for the codebook has a loss of its own.
#
# Mend one line.
#
# <details><summary>Hint 1</summary>
#
# Work out `z_e + (z_q - z_e)` by hand: which of the two is left? The gradient sees that too.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `x.detach()` has the numbers of `x` and passes no gradient on. What has to be detached so that only the first `z_e` remains for the gradient?
#
# </details>
# %% [markdown] lang="hi" of="07559a89"
# ### 3. ग़लती ढूँढिए: एनकोडर कुछ सीखता ही नहीं
#
# ★★ · 6 मिनट · ग़लती ढूँढिए · *जिस क़दम का ग्रेडिएंट ही नहीं, ग्रेडिएंट उसके पार कैसे जाए*
#
# सबसे पास का कोड चुनने का कोई ग्रेडिएंट नहीं होता। इसलिए एक तरकीब है, स्ट्रेट-थ्रू (straight-through): डिकोडर को `z_q` दीजिए, और डिकोडर से जो ग्रेडिएंट लौटे उसे ज्यों का त्यों `z_e` तक जाने दीजिए, मानो बीच में कुछ चुना ही न गया हो। यहाँ डिकोडर को संख्याएँ सही मिलती हैं; पर `z_e` तक पहुँचने वाला ग्रेडिएंट 0 है।
#
# - `z_e` और `z_q` का आकार एक ही है; `upstream` वह ग्रेडिएंट है जो डिकोडर से लौटता है।
# - तीन चीज़ें लौटाइए: डिकोडर को क्या मिला, `z_e` पर ग्रेडिएंट, और `z_q` पर ग्रेडिएंट। पहला ग्रेडिएंट **ठीक** `upstream` होना चाहिए; दूसरा 0, क्योंकि कोडबुक का अपना लॉस है।
#
# एक ही लाइन सुधारनी है।
#
# <details><summary>संकेत 1</summary>
#
# `z_e + (z_q - z_e)` को काग़ज़ पर सरल कीजिए: दोनों में से कौन बचा? ग्रेडिएंट को भी वही दिखता है।
#
# </details>
# <details><summary>संकेत 2</summary>
#
# `x.detach()` में संख्याएँ वही हैं जो `x` में, पर ग्रेडिएंट उससे आगे नहीं जाता। किस पर detach लगे कि ग्रेडिएंट के लिए सिर्फ़ पहला `z_e` बचे?
#
# </details>
# %% name="straight-through" tags=["exercise"] points=2
def straight_through(z_e: Tensor, z_q: Tensor, upstream: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """z_e, z_q, upstream of one shape -> what the decoder gets, gradients at z_e and at z_q."""
    ### BEGIN SOLUTION
    z_e, z_q = z_e.clone().requires_grad_(), z_q.clone().requires_grad_()
    output = z_e + (z_q - z_e).detach()
    at_e, at_q = torch.autograd.grad(output, (z_e, z_q), upstream, materialize_grads=True)
    return output.detach(), at_e, at_q
    ### STUB
    # z_e, z_q = z_e.clone().requires_grad_(), z_q.clone().requires_grad_()
    # output = z_e + (z_q - z_e)
    # at_e, at_q = torch.autograd.grad(output, (z_e, z_q), upstream, materialize_grads=True)
    # return output.detach(), at_e, at_q
    ### END SOLUTION


# %% name="straight-through-check" tags=["check"]
straight_through = check.straight_through(straight_through)


# %% [markdown] lang="en" name="codebook-loss-card"
# ### 4. Find the bug: β on the wrong term
#
# ★★ · 7 minutes · find the bug · *a loss whose number is right and whose gradients are wrong*
#
# Two terms hold vectors and codes together. Both are the same number, the mean of `(z_e − z_q)²`; they differ in who moves:
# - the **codebook term** moves the codes to the encoder's vectors, with weight 1;
# - the **commitment term** moves the encoder's vectors to their codes, with weight `β` (0.25 in the paper, van den Oord et al. 2017), so that the encoder does not run away from its codes, and stays free to learn.
#
# In this function, as in the default of a well-known repository and in what was copied from it, `β` is on the wrong one. The loss does not show it; the gradients do.
#
# `z_e`, `z_q` of one shape → the loss `[]`, its gradient at `z_e`, its gradient at `z_q`.
#
# <details><summary>Hint 1</summary>
#
# What is detached does not move. So who moves in `F.mse_loss(z_q, z_e.detach())`?
#
# </details>
# <details><summary>Hint 2</summary>
#
# By hand, for one number with `z_e = 1`, `z_q = 3`, `β = 0.25`: the gradient at `z_q` is 2 · 2 = 4, that at `z_e` is 0.25 · 2 · (−2) = −1. What does the function give?
#
# </details>
# %% [markdown] lang="hi" of="be315933"
# ### 4. ग़लती ढूँढिए: β ग़लत लॉस पर लगा है
#
# ★★ · 7 मिनट · ग़लती ढूँढिए · *लॉस की संख्या सही, पर ग्रेडिएंट ग़लत*
#
# वेक्टर और उनके कोड पास-पास रहें, इसके लिए दो लॉस जुड़ते हैं। संख्या दोनों की एक ही है, `(z_e − z_q)²` का औसत; फ़र्क़ यह है कि खिसकता कौन है:
# - **कोडबुक लॉस** (codebook term) कोडों को एनकोडर के वेक्टरों की ओर खिसकाता है, वज़न 1 से;
# - **कमिटमेंट लॉस** (commitment term) एनकोडर के वेक्टरों को उनके कोडों की ओर खिसकाता है, वज़न `β` से (मूल पेपर में 0.25, van den Oord et al. 2017)। इससे एनकोडर अपने कोडों से दूर नहीं भागता, और सीखने की आज़ादी भी बची रहती है।
#
# इस फ़ंक्शन में `β` ग़लत लॉस पर लगा है; एक जाने-माने रिपॉज़िटरी (repository) का डिफ़ॉल्ट भी यही है, और कइयों ने वहीं से उतार लिया। लॉस देखकर पता नहीं चलता; ग्रेडिएंट देखकर चलता है।
#
# `z_e`, `z_q` एक ही आकार के → लॉस `[]`, `z_e` पर उसका ग्रेडिएंट, `z_q` पर उसका ग्रेडिएंट।
#
# <details><summary>संकेत 1</summary>
#
# जिस पर detach लगा है वह नहीं खिसकता। तो `F.mse_loss(z_q, z_e.detach())` में कौन खिसकेगा?
#
# </details>
# <details><summary>संकेत 2</summary>
#
# एक ही संख्या लेकर काग़ज़ पर निकालिए: `z_e = 1`, `z_q = 3`, `β = 0.25`। `z_q` पर ग्रेडिएंट 2 · 2 = 4 है, और `z_e` पर 0.25 · 2 · (−2) = −1। फ़ंक्शन क्या देता है?
#
# </details>
# %% name="codebook-loss" tags=["exercise"] points=2
def codebook_loss(z_e: Tensor, z_q: Tensor, beta: float) -> tuple[Tensor, Tensor, Tensor]:
    """z_e, z_q of one shape -> the loss [], its gradients at z_e and at z_q."""
    ### BEGIN SOLUTION
    z_e, z_q = z_e.clone().requires_grad_(), z_q.clone().requires_grad_()
    loss = F.mse_loss(z_q, z_e.detach()) + beta * F.mse_loss(z_e, z_q.detach())
    at_e, at_q = torch.autograd.grad(loss, (z_e, z_q))
    return loss.detach(), at_e, at_q
    ### STUB
    # z_e, z_q = z_e.clone().requires_grad_(), z_q.clone().requires_grad_()
    # loss = F.mse_loss(z_e, z_q.detach()) + beta * F.mse_loss(z_q, z_e.detach())
    # at_e, at_q = torch.autograd.grad(loss, (z_e, z_q))
    # return loss.detach(), at_e, at_q
    ### END SOLUTION


# %% name="codebook-loss-check" tags=["check"]
codebook_loss = check.codebook_loss(codebook_loss)


# %% [markdown] lang="en" name="ema-update-card"
# ### 5. Write: a codebook that follows its vectors
#
# ★★ · 9 minutes · write it · *codes as moving averages: no gradient, no learning rate*
#
# Instead of the codebook term one can keep, for each code, two moving averages: how many vectors choose it in a batch (`counts`), and the sum of those vectors (`sums`). The code is the mean, `sums / counts`.
#
# - `counts` `[K]`, `sums` `[K, d]`: the averages so far. `z` `[N, d]`: the batch's vectors, `indices` `[N]`: the code that each chose.
# - New average = `decay` · old + `(1 − decay)` · what this batch brings, for **every** code; a code that nobody chose gets 0 from the batch.
# - Return the new `counts` `[K]`, the new `sums` `[K, d]` and the codebook `[K, d]`. Leave the old tensors as they are.
#
# <details><summary>Hint 1</summary>
#
# `F.one_hot(indices, K).to(z)`, where `K` is `len(counts)`, is a table `[N, K]` with a 1 where a vector chose a code. Its sum over the vectors is the counts; `table.T @ z` is the sums.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Or `torch.bincount(indices, minlength=K)` and `torch.zeros_like(sums).index_add(0, indices, z)`. Beware of `x[indices] += z`: a code that occurs twice is added once only.
#
# </details>
# %% [markdown] lang="hi" of="2f7a136a"
# ### 5. लिखिए: अपने वेक्टरों के पीछे चलती कोडबुक
#
# ★★ · 9 मिनट · ख़ुद लिखिए · *कोड यानी चलता औसत (EMA): न ग्रेडिएंट, न लर्निंग रेट*
#
# कोडबुक लॉस के बदले यह भी कर सकते हैं: हर कोड के दो चलते औसत रखिए। एक, बैच में उसे कितने वेक्टर चुनते हैं (`counts`); दूसरा, उन वेक्टरों का जोड़ (`sums`)। कोड इनका भाग है, `sums / counts`, यानी अपने वेक्टरों का औसत।
#
# - `counts` `[K]`, `sums` `[K, d]`: अब तक के औसत। `z` `[N, d]`: बैच के वेक्टर; `indices` `[N]`: किसने कौन-सा कोड चुना।
# - नया औसत = `decay` · पुराना + `(1 − decay)` · इस बैच से जो आया; यह **हर** कोड पर लागू है। जिसे किसी ने नहीं चुना, उसे बैच से 0 मिलता है।
# - नए `counts` `[K]`, नए `sums` `[K, d]` और कोडबुक `[K, d]` लौटाइए। पुराने टेंसर जैसे हैं वैसे ही रहने दीजिए।
#
# <details><summary>संकेत 1</summary>
#
# `F.one_hot(indices, K).to(z)`, जिसमें `K` यानी `len(counts)`, एक तालिका `[N, K]` है: जिस वेक्टर ने जो कोड चुना, वहाँ 1। वेक्टरों पर इसका जोड़ गिनती है; `table.T @ z` वेक्टरों का जोड़ है।
#
# </details>
# <details><summary>संकेत 2</summary>
#
# या `torch.bincount(indices, minlength=K)` और `torch.zeros_like(sums).index_add(0, indices, z)`। `x[indices] += z` से बचिए: जो कोड दो बार आए, उसमें एक ही बार जुड़ता है।
#
# </details>
# %% name="ema-update" tags=["exercise"] points=2
def ema_update(
    counts: Tensor, sums: Tensor, z: Tensor, indices: Tensor, decay: float
) -> tuple[Tensor, Tensor, Tensor]:
    """counts [K], sums [K, d], z [N, d], indices [N] -> new counts, new sums, codebook [K, d]."""
    ### BEGIN SOLUTION
    chosen = F.one_hot(indices, len(counts)).to(z)
    counts = decay * counts + (1 - decay) * chosen.sum(0)
    sums = decay * sums + (1 - decay) * chosen.T @ z
    return counts, sums, sums / counts[:, None]
    ### END SOLUTION


# %% name="ema-update-check" tags=["check"]
ema_update = check.ema_update(ema_update)


# %% [markdown] lang="en" name="predict-usage-card"
# ### 6. Predict: how many codes are used
#
# ★★ · 4 minutes · predict, then run · *codebook collapse, on a line*
#
# The encoder's “vectors” are 100 numbers, spread evenly from 0 to 1. The codebook has {k} codes of one number. Half of them start on the left, at −10, −11, −12 …, the other half on the right, at 11, 12, 13 … In each step every vector chooses its nearest code, and every code that was chosen moves to the mean of its vectors. One that was not stays.
#
# After many steps, how many codes are in use? And how many, if in each step the unused codes are put down on those vectors that lie farthest from their code (dead-code restart)?
#
# Return the two numbers.
#
# <details><summary>Hint</summary>
#
# Which codes win any vector in the first step, and where do they stand after it? How far is the next code from the vectors now, and how far is the winner?
#
# </details>
# %% [markdown] lang="hi" of="49677893"
# ### 6. पहले बताइए: कितने कोड काम आते हैं
#
# ★★ · 4 मिनट · पहले बताइए, फिर चलाइए · *कोडबुक कोलैप्स (codebook collapse), एक रेखा पर*
#
# एनकोडर के “वेक्टर” यहाँ 100 संख्याएँ हैं, 0 से 1 तक बराबर दूरी पर। कोडबुक में {k} कोड हैं, हर कोड एक संख्या। आधे कोड बाईं ओर से शुरू करते हैं, −10, −11, −12 … पर; बाक़ी आधे दाईं ओर से, 11, 12, 13 … पर। हर क़दम में हर वेक्टर अपना सबसे पास का कोड चुनता है, और चुना गया कोड अपने वेक्टरों के औसत पर जा बैठता है। जिसे किसी ने नहीं चुना, वह वहीं रहता है।
#
# बहुत-से क़दमों के बाद कितने कोड काम में होंगे? और अगर हर क़दम में बेकार पड़े कोडों को उन वेक्टरों पर रख दिया जाए जो अपने कोड से सबसे दूर हैं (रीस्टार्ट, dead-code restart), तो कितने?
#
# दोनों संख्याएँ लौटाइए।
#
# <details><summary>संकेत</summary>
#
# पहले क़दम में वेक्टर किन कोडों को मिले, और उसके बाद वे कोड कहाँ पहुँचे? अब अगला कोड वेक्टरों से कितनी दूर है, और जीता हुआ कोड कितनी दूर?
#
# </details>
# %% name="predict-usage" tags=["exercise"] points=2
def predict_usage() -> tuple[int, int]:
    """Codes in use after many steps, of {k}: without the restart, and with it."""
    ### BEGIN SOLUTION
    return 2, 32
    ### END SOLUTION


# %% name="predict-usage-check" tags=["check"]
predict_usage = check.predict_usage.given(k=32)(predict_usage)

# %% [markdown] lang="en" name="predict-usage-why"
# <details><summary>Why</summary>
#
# In the first step only the front code of each side, −10 and 11, is nearest to any vector. They move to 0.25 and 0.75, into the middle of the vectors, and from then on no vector is farther than 0.25 from one of them, and the next code is 11 away. All the others are dead, and no length of training wakes them: they are never chosen, so they never move. A restart puts each of them down on a vector, which then chooses it; so all 32 codes are in use. A start on the data (k-means) avoids the trouble from the beginning.
#
# </details>
# %% [markdown] lang="hi" of="6540693e"
# <details><summary>क्यों</summary>
#
# पहले क़दम में हर ओर का सिर्फ़ सबसे आगे वाला कोड, −10 और 11, किसी वेक्टर के सबसे पास है। ये दोनों 0.25 और 0.75 पर, वेक्टरों के ठीक बीच, जा बैठते हैं। अब हर वेक्टर से इनमें से कोई 0.25 के अंदर है, और अगला कोड 11 दूर। बाक़ी सारे कोड मर चुके हैं, और ट्रेनिंग कितनी भी लंबी हो, जागेंगे नहीं: चुने नहीं जाते, इसलिए खिसकते नहीं। रीस्टार्ट हर मरे हुए कोड को किसी वेक्टर पर रख देता है, और वह वेक्टर उसे चुन लेता है; इसलिए सारे 32 कोड काम में आते हैं। शुरुआत ही डेटा पर कीजिए (k-means), तो यह मुसीबत आती ही नहीं।
#
# </details>


# %% [markdown] lang="en" name="perplexity-card"
# ### 7. Write: perplexity
#
# ★ · 5 minutes · write it · *how many codes are really used*
#
# 256 codes may all be used, and one of them for nearly everything. The perplexity says to how many codes, used equally often, the usage comes: `exp(−Σ p log p)`, where `p` is the share of all places that have the code. A code that nobody uses adds 0.
#
# - `indices` `[B, h, w]`: numbers of codes. `codes`: how many codes there are.
# - Return a tensor with one number. Count over the whole batch.
#
# <details><summary>Hint</summary>
#
# `torch.bincount(indices.flatten(), minlength=codes)` counts. `torch.special.entr(p)` is `−p log p`, and 0 for `p = 0`.
#
# </details>
# %% [markdown] lang="hi" of="1110d2f1"
# ### 7. लिखिए: पर्प्लेक्सिटी
#
# ★ · 5 मिनट · ख़ुद लिखिए · *असल में कितने कोड काम आते हैं*
#
# हो सकता है कि 256 के 256 कोड काम में आएँ, पर लगभग हर जगह एक ही कोड हो। पर्प्लेक्सिटी (perplexity) बताती है कि यह इस्तेमाल बराबर-बराबर चलने वाले कितने कोडों जैसा है: `exp(−Σ p log p)`, जहाँ `p` यह है कि सारी जगहों के कितने हिस्से पर वह कोड है। जो कोड कहीं नहीं आया, वह 0 जोड़ता है।
#
# - `indices` `[B, h, w]`: कोडों के नंबर। `codes`: कुल कितने कोड हैं।
# - एक संख्या वाला टेंसर लौटाइए। गिनती पूरे बैच पर कीजिए।
#
# <details><summary>संकेत</summary>
#
# `torch.bincount(indices.flatten(), minlength=codes)` गिनता है। `torch.special.entr(p)` यानी `−p log p`, और `p = 0` पर 0।
#
# </details>
# %% name="perplexity" tags=["exercise"] points=1
def perplexity(indices: Tensor, codes: int) -> Tensor:
    """indices [B, h, w] -> to how many equally used codes the usage comes []."""
    ### BEGIN SOLUTION
    p = torch.bincount(indices.flatten(), minlength=codes) / indices.numel()
    return torch.special.entr(p).sum().exp()
    ### END SOLUTION


# %% name="perplexity-check" tags=["check"]
perplexity = check.perplexity(perplexity)

# %% [markdown] lang="en" name="two-starts"
# Your three functions train a codebook in the plane. The vectors lie in eight heaps, and there are 16 codes. Once they start far away, once on 16 of the vectors; all the rest is the same.
# %% [markdown] lang="hi" of="687ba400"
# आपके तीनों फ़ंक्शन मिलकर समतल में एक कोडबुक को ट्रेन करते हैं। वेक्टर आठ ढेरों में हैं, और कोड 16। एक बार कोड दूर से शुरू करते हैं, एक बार 16 वेक्टरों के ठीक ऊपर से; बाक़ी सब एक-सा है।
# %% name="two-starts-claim"
torch.manual_seed(0)
heaps = 3 * torch.randn(8, 2)
points = heaps.repeat(40, 1) + 0.3 * torch.randn(320, 2)
starts = [torch.randn(16, 2) + 30, points[:16] + 0.01]

figure, axes = plt.subplots(1, 2, figsize=(9, 3.8))
found = []
for axis, codebook in zip(axes, starts, strict=True):
    counts, sums = torch.ones(16), codebook
    for _ in range(60):
        indices = nearest_code(points.T[None, :, None], codebook)  # [1, 1, 320]
        counts, sums, codebook = ema_update(counts, sums, points, indices.flatten(), decay=0.8)
    used = torch.bincount(indices.flatten(), minlength=16) > 0
    found.append(perplexity(indices, 16).item())
    axis.scatter(*points.T, s=5, color="silver", label=t("vectors"))
    axis.scatter(*codebook[used].T, s=45, color=plots.COLOURS[0], label=t("codes in use"))
    axis.scatter(
        *codebook[~used].T, s=25, marker="x", color=plots.COLOURS[1], label=t("dead codes")
    )
    axis.set_title(
        t("{used} of 16 codes used, perplexity {p:.1f}", used=int(used.sum()), p=found[-1])
    )
axes[0].legend()
plots.show(
    figure,
    alt=t(
        "Left: one code amid all eight heaps of vectors, the dead ones far off. Right: codes in"
        " every heap"
    ),
)
assert found[0] < 2.5 and found[1] > 8


# %% [markdown] lang="en" name="fsq-card"
# ### 8. Write: quantisation without a codebook
#
# ★★ · 8 minutes · write it · *FSQ: round each number, and there is nothing to collapse (Mentzer et al. 2023)*
#
# Finite scalar quantisation has no codebook. Every number of the vector is rounded to one of a few levels; the code is which levels they are. With the levels 7, 5, 3 there are 7 · 5 · 3 = 105 codes.
#
# - `z` `[N, d]`; `levels`: `d` odd numbers. For a number with `L` levels let `half = (L − 1) / 2`: `half · tanh(z)`, rounded, is a whole number from `−half` to `half`.
# - Return the quantised vectors `[N, d]`, the whole numbers (`whole`) divided by `half`, and the numbers of the codes `[N]` (`torch.int64`): with the digits `whole + half` (0 … L − 1) the code is `digit₁ + L₁ · digit₂ + L₁ · L₂ · digit₃ + …`.
#
# (In training the rounding gets the straight-through gradient of exercise 3.)
#
# <details><summary>Hint 1</summary>
#
# `levels = torch.tensor(levels, dtype=z.dtype)` makes all of it one line for all columns.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The worth of the places: 1, L₁, L₁·L₂, … A loop over the columns does it, or `torch.cumprod` of `[1, L₁, L₂, …]` without the last.
#
# </details>
# %% [markdown] lang="hi" of="c4caa89b"
# ### 8. लिखिए: बिना कोडबुक का क्वांटाइज़ेशन
#
# ★★ · 8 मिनट · ख़ुद लिखिए · *FSQ: हर संख्या को गोल कीजिए; कोलैप्स होने को कुछ है ही नहीं (Mentzer et al. 2023)*
#
# FSQ (finite scalar quantisation) में कोडबुक होती ही नहीं। वेक्टर की हर संख्या को गिने-चुने स्तरों (levels) में से एक पर गोल कर देते हैं; कौन-सी संख्या किस स्तर पर आई, बस यही कोड है। स्तर 7, 5, 3 हों तो कोड 7 · 5 · 3 = 105।
#
# - `z` `[N, d]`; `levels`: `d` विषम संख्याएँ। जिस संख्या के `L` स्तर हैं, उसके लिए `half = (L − 1) / 2` लीजिए: `half · tanh(z)` को गोल करें तो `−half` से `half` तक का एक पूर्णांक मिलता है।
# - दो चीज़ें लौटाइए: क्वांटाइज़ किए वेक्टर `[N, d]`, यानी वही पूर्णांक `half` से भाग देकर; और कोडों के नंबर `[N]` (`torch.int64`)। अंक (digit) `whole + half` है, 0 से L − 1 तक, जहाँ `whole` वही पूर्णांक है; और नंबर है `digit₁ + L₁ · digit₂ + L₁ · L₂ · digit₃ + …`।
#
# (ट्रेनिंग में गोल करने वाले क़दम को अभ्यास 3 वाला स्ट्रेट-थ्रू ग्रेडिएंट मिलता है।)
#
# <details><summary>संकेत 1</summary>
#
# `levels = torch.tensor(levels, dtype=z.dtype)` कर लें, तो सारे कॉलमों का काम एक ही लाइन में हो जाता है।
#
# </details>
# <details><summary>संकेत 2</summary>
#
# स्थानों के मान: 1, L₁, L₁·L₂, …। कॉलमों पर लूप चलाइए, या `[1, L₁, L₂, …]` में से आख़िरी छोड़कर `torch.cumprod` लीजिए।
#
# </details>
# %% name="fsq" tags=["exercise"] points=2
def fsq(z: Tensor, levels: list[int]) -> tuple[Tensor, Tensor]:
    """z [N, d], d odd levels -> quantised vectors [N, d] in -1...1, numbers of the codes [N]."""
    ### BEGIN SOLUTION
    half = (torch.tensor(levels, dtype=z.dtype) - 1) / 2
    whole = (half * z.tanh()).round()
    worth = torch.tensor([1, *levels[:-1]]).cumprod(0)
    return whole / half, ((whole + half).long() * worth).sum(1)
    ### END SOLUTION


# %% name="fsq-check" tags=["check"]
fsq = check.fsq(fsq)


# %% [markdown] lang="en" name="part-adversary"
# ## The adversary
# %% [markdown] lang="hi" of="a8387d0f"
# ## विरोधी: डिस्क्रिमिनेटर
# %% [markdown] lang="en" name="weighted-gradient-card"
# ### 9. Find the bugs: a weight that runs away
#
# ★★★ · 8 minutes · find the bug · *VQGAN's adaptive weight (Esser et al. 2020, equation 7)*
#
# How much should the discriminator count beside the reconstruction? VQGAN compares how hard the two pull at the decoder's last layer:
#
# `λ = ‖∇rec‖ / (‖∇gan‖ + 1e-4)`, kept between 0 and `limit`.
#
# λ is to be a mere number: no gradient goes through it. Here **two things are missing**. So the gradient is not that of `rec + λ · gan` with a fixed λ; and where the discriminator is nearly flat, λ grows without limit.
#
# - `last`: the last layer, here a linear one; `features` `[B, d]` go into it, the pictures `target` `[B, p]` should come out. `discriminator` gives each picture several logits.
# - Return λ `[]`, and the gradient of `rec + λ · gan`, of the shape of `last.weight`.
#
# <details><summary>Hint 1</summary>
#
# `create_graph=True` makes λ something that can itself be differentiated. It does no harm if λ is cut off afterwards; even better, leave it out (`retain_graph=True` is what is needed).
#
# </details>
# <details><summary>Hint 2</summary>
#
# `.clamp(0, limit)` and `.detach()`.
#
# </details>
# %% [markdown] lang="hi" of="f751ff15"
# ### 9. ग़लतियाँ ढूँढिए: बेक़ाबू होता λ
#
# ★★★ · 8 मिनट · ग़लती ढूँढिए · *VQGAN का अडैप्टिव वज़न, adaptive weight (Esser et al. 2020, समीकरण 7)*
#
# पुनर्निर्माण के मुक़ाबले डिस्क्रिमिनेटर की बात कितनी मानी जाए? VQGAN यह देखता है कि डिकोडर की आख़िरी लेयर को दोनों कितने ज़ोर से खींचते हैं:
#
# `λ = ‖∇rec‖ / (‖∇gan‖ + 1e-4)`, और इसे 0 और `limit` के बीच रखता है।
#
# λ को बस एक संख्या होना चाहिए: कोई ग्रेडिएंट उससे होकर न जाए। यहाँ **दो चीज़ें छूट गई हैं**। इसलिए ग्रेडिएंट वह नहीं जो λ को स्थिर मानकर `rec + λ · gan` का होता; और जहाँ डिस्क्रिमिनेटर लगभग सपाट है, वहाँ λ की कोई हद नहीं रहती।
#
# - `last`: आख़िरी लेयर, यहाँ एक लीनियर लेयर; उसमें `features` `[B, d]` जाते हैं, और चित्र `target` `[B, p]` निकलने चाहिए। `discriminator` हर चित्र को कई लॉजिट देता है।
# - λ `[]` लौटाइए, और `rec + λ · gan` का ग्रेडिएंट, जिसका आकार `last.weight` जैसा है।
#
# <details><summary>संकेत 1</summary>
#
# `create_graph=True` हो तो λ का भी ग्रेडिएंट निकल सकता है। बाद में λ को काटकर अलग कर दें तो कोई नुक़सान नहीं; बेहतर यह कि उसे हटा ही दें (ज़रूरत `retain_graph=True` की है)।
#
# </details>
# <details><summary>संकेत 2</summary>
#
# `.clamp(0, limit)` और `.detach()`।
#
# </details>
# %% name="weighted-gradient" tags=["exercise"] points=3
def weighted_gradient(
    last: nn.Linear, discriminator: nn.Module, features: Tensor, target: Tensor, limit: float
) -> tuple[Tensor, Tensor]:
    """features [B, d], target [B, p] -> λ [], the gradient of rec + λ·gan at last.weight [p, d]."""
    ### BEGIN SOLUTION
    picture = last(features)
    rec = F.mse_loss(picture, target)
    gan = -discriminator(picture).mean()
    (of_rec,) = torch.autograd.grad(rec, last.weight, retain_graph=True)
    (of_gan,) = torch.autograd.grad(gan, last.weight, retain_graph=True)
    weight = (of_rec.norm() / (of_gan.norm() + 1e-4)).clamp(0, limit).detach()
    (gradient,) = torch.autograd.grad(rec + weight * gan, last.weight)
    return weight, gradient
    ### STUB
    # picture = last(features)
    # rec = F.mse_loss(picture, target)
    # gan = -discriminator(picture).mean()
    # (of_rec,) = torch.autograd.grad(rec, last.weight, create_graph=True)
    # (of_gan,) = torch.autograd.grad(gan, last.weight, create_graph=True)
    # weight = of_rec.norm() / (of_gan.norm() + 1e-4)
    # (gradient,) = torch.autograd.grad(rec + weight * gan, last.weight)
    # return weight, gradient
    ### END SOLUTION


# %% name="weighted-gradient-check" tags=["check"]
weighted_gradient = check.weighted_gradient(weighted_gradient)


# %% [markdown] lang="en" name="both-gradients-card"
# ### 10. Find the bug: the discriminator's step reaches the decoder
#
# ★★ · 7 minutes · find the bug · *one forward pass, two losses: whose gradients are whose*
#
# A reconstruction is costly, so it is computed once and used twice: for the decoder's loss and for the discriminator's. The function runs, and the discriminator's gradients are right. But the decoder's are not those of its own loss: much of what the discriminator had told it is gone again.
#
# - `z_q` `[B, d]` are codes, `real` `[B, p]` the pictures that they stand for, here as plain rows of numbers.
# - Return the gradients that are left in the decoder and in the discriminator, each as one vector (this line is right).
#
# Mend one line.
#
# <details><summary>Hint 1</summary>
#
# Why does the first backward pass need `retain_graph=True`? Because the second one goes through the same decoder again. Should it?
#
# </details>
# <details><summary>Hint 2</summary>
#
# The decoder wants `discriminator(fake)` high, the discriminator wants it low. When both gradients are added up in the decoder, they cancel. `fake.detach()` has the numbers alone.
#
# </details>
# %% [markdown] lang="hi" of="6d9da214"
# ### 10. ग़लती ढूँढिए: डिस्क्रिमिनेटर का क़दम डिकोडर तक जा पहुँचा
#
# ★★ · 7 मिनट · ग़लती ढूँढिए · *चित्र एक बार बना, लॉस दो निकले: किसका ग्रेडिएंट किसका है*
#
# पुनर्निर्माण में समय लगता है, इसलिए उसे एक बार बनाकर दो जगह काम में लेते हैं: डिकोडर के लॉस में भी, डिस्क्रिमिनेटर के लॉस में भी। फ़ंक्शन चलता है, और डिस्क्रिमिनेटर के ग्रेडिएंट सही हैं। पर डिकोडर के ग्रेडिएंट उसके अपने लॉस के नहीं: डिस्क्रिमिनेटर ने उसे जो बताया था, उसका बड़ा हिस्सा मिट गया।
#
# - `z_q` `[B, d]` कोड हैं, `real` `[B, p]` वे चित्र जिनसे ये कोड बने; यहाँ चित्र संख्याओं की सीधी क़तार हैं।
# - डिकोडर में और डिस्क्रिमिनेटर में जो ग्रेडिएंट बचें, उन्हें दो वेक्टर बनाकर लौटाइए (यह लाइन सही है)।
#
# एक ही लाइन सुधारनी है।
#
# <details><summary>संकेत 1</summary>
#
# पहली बार पीछे जाने (backward) में `retain_graph=True` क्यों चाहिए? क्योंकि दूसरी बार फिर उसी डिकोडर से होकर जाना पड़ता है। क्या जाना चाहिए?
#
# </details>
# <details><summary>संकेत 2</summary>
#
# डिकोडर चाहता है कि `discriminator(fake)` बढ़े, डिस्क्रिमिनेटर चाहता है कि घटे। डिकोडर में दोनों ग्रेडिएंट जुड़ें, तो एक-दूसरे को काट देते हैं। `fake.detach()` में सिर्फ़ संख्याएँ हैं।
#
# </details>
# %% name="both-gradients" tags=["exercise"] points=2
def both_gradients(
    decoder: nn.Module, discriminator: nn.Module, z_q: Tensor, real: Tensor
) -> tuple[Tensor, Tensor]:
    """z_q [B, d], real [B, p] -> gradients of decoder and discriminator, as vectors."""
    ### BEGIN SOLUTION
    decoder.zero_grad()
    discriminator.zero_grad()
    fake = decoder(z_q)
    # the decoder's loss
    (F.mse_loss(fake, real) - discriminator(fake).mean()).backward()
    discriminator.zero_grad()
    # the discriminator's loss
    real_logits, fake_logits = discriminator(real), discriminator(fake.detach())
    (F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()).backward()
    return tuple(
        torch.cat([p.grad.flatten() for p in n.parameters()]) for n in (decoder, discriminator)
    )
    ### STUB
    # decoder.zero_grad()
    # discriminator.zero_grad()
    # fake = decoder(z_q)
    # # the decoder's loss
    # (F.mse_loss(fake, real) - discriminator(fake).mean()).backward(retain_graph=True)
    # discriminator.zero_grad()
    # # the discriminator's loss
    # real_logits, fake_logits = discriminator(real), discriminator(fake)
    # (F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()).backward()
    # return tuple(torch.cat([p.grad.flatten() for p in n.parameters()]) for n in (decoder, discriminator))
    ### END SOLUTION


# %% name="both-gradients-check" tags=["check"]
both_gradients = check.both_gradients(both_gradients)


# %% [markdown] lang="en" name="part-priors"
# ## New pictures: priors and words
# %% [markdown] lang="hi" of="506a34b1"
# ## नए चित्र: प्रायर और शब्द
# %% [markdown] lang="en" name="prior-loss-card"
# ### 11. Find the bug: a prior that reads the answer
#
# ★★ · 6 minutes · find the bug · *the shift of an autoregressive prior*
#
# An autoregressive prior predicts the codes of a picture one after the other, each from those before it. In training all places are done at once: `prior(inputs)` gives logits `[B, n, K]`, and those at place i depend on `inputs` at the places up to and **including** i. With this loss, a prior that merely copies its input reaches 0; and what it then draws is rubbish.
#
# - `codes` `[B, n]`: the pictures' codes, 0 … K − 1. `start`: the number of a start token, which is in no picture.
# - Return the mean cross-entropy `[]` over all `n` places of all pictures.
#
# Mend one line.
#
# <details><summary>Hint 1</summary>
#
# At place 2 the prior should predict `codes[:, 2]`. What may it have seen by then? What does `inputs[:, 2]` show it?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Everything moves one place on, and the start token comes first: `torch.cat([torch.full_like(codes[:, :1], start), codes[:, :-1]], dim=1)`.
#
# </details>
# %% [markdown] lang="hi" of="65db92b4"
# ### 11. ग़लती ढूँढिए: जवाब पढ़ लेने वाला प्रायर
#
# ★★ · 6 मिनट · ग़लती ढूँढिए · *ऑटोरिग्रेसिव (autoregressive) प्रायर में एक जगह का खिसकाव*
#
# ऑटोरिग्रेसिव प्रायर चित्र के कोड एक-एक करके बताता है, हर कोड उससे पहले वाले कोड देखकर। ट्रेनिंग में सारी जगहें एक साथ चलती हैं: `prior(inputs)` से लॉजिट `[B, n, K]` मिलते हैं, और जगह i के लॉजिट `inputs` की जगह i तक पर टिके हैं, **i समेत**। इस लॉस में जो प्रायर बस अपना इनपुट दोहरा दे, उसका लॉस 0 आ जाता है; फिर वह जो चित्र बनाता है, बेकार होता है।
#
# - `codes` `[B, n]`: चित्रों के कोड, 0 से K − 1 तक। `start`: शुरुआती टोकन का नंबर, जो किसी चित्र में नहीं आता।
# - सब चित्रों की सब `n` जगहों पर क्रॉस-एंट्रॉपी का औसत `[]` लौटाइए।
#
# एक ही लाइन सुधारनी है।
#
# <details><summary>संकेत 1</summary>
#
# जगह 2 पर प्रायर को `codes[:, 2]` बताना है। तब तक उसे क्या-क्या दिख सकता है? और `inputs[:, 2]` उसे क्या दिखा रहा है?
#
# </details>
# <details><summary>संकेत 2</summary>
#
# सब कुछ एक जगह आगे खिसकता है, और सबसे पहले शुरुआती टोकन आता है: `torch.cat([torch.full_like(codes[:, :1], start), codes[:, :-1]], dim=1)`।
#
# </details>
# %% name="prior-loss" tags=["exercise"] points=2
def prior_loss(prior: nn.Module, codes: Tensor, start: int) -> Tensor:
    """codes [B, n], the number of the start token -> the mean cross-entropy []."""
    ### BEGIN SOLUTION
    inputs = torch.cat([torch.full_like(codes[:, :1], start), codes[:, :-1]], dim=1)
    logits = prior(inputs)
    return F.cross_entropy(logits.flatten(0, 1), codes.flatten())
    ### STUB
    # inputs = codes
    # logits = prior(inputs)
    # return F.cross_entropy(logits.flatten(0, 1), codes.flatten())
    ### END SOLUTION


# %% name="prior-loss-check" tags=["check"]
prior_loss = check.prior_loss(prior_loss)


# %% [markdown] lang="en" name="keep-surest-card"
# ### 12. Write: keep the surest codes
#
# ★★★ · 10 minutes · write it · *a step of MaskGIT: many codes at once, and inpainting for free (Chang et al. 2022)*
#
# A masked prior sees a picture in which some codes are unknown, and gives logits for all places. Of the unknown places only the surest are filled; the next step sees those too.
#
# - `codes` `[B, n]`: the unknown ones have the number `mask`. `logits` `[B, n, K]`.
# - The candidate for an unknown place is its most probable code, and how sure it is, that code's probability (softmax over the K codes).
# - In **each picture** fill the `count` unknown places whose candidates are surest; all of them, where fewer are unknown. Everything else stays as it is. Return the new codes `[B, n]`.
#
# <details><summary>Hint 1</summary>
#
# `sure, best = logits.softmax(-1).max(-1)`. Give the known places a sureness of −1, so that they are never chosen before an unknown one.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `sure.topk(count).indices` are the places `[B, count]` (`count` must not be greater than `n`). `torch.zeros_like(codes, dtype=torch.bool).scatter(1, places, True)` makes a mask of them; then `torch.where(chosen & unknown, best, codes)`.
#
# </details>
# %% [markdown] lang="hi" of="71516c8a"
# ### 12. लिखिए: जिन पर सबसे ज़्यादा भरोसा हो, वही कोड रखिए
#
# ★★★ · 10 मिनट · ख़ुद लिखिए · *MaskGIT का एक क़दम: एक साथ कई कोड, और इनपेंटिंग (inpainting) मुफ़्त में (Chang et al. 2022)*
#
# मास्क वाला प्रायर ऐसा चित्र देखता है जिसके कुछ कोड पता नहीं, और हर जगह के लिए लॉजिट देता है। अनजानी जगहों में से सिर्फ़ वे भरी जाती हैं जिन पर उसे सबसे ज़्यादा भरोसा है; अगले क़दम को वे भी दिखती हैं।
#
# - `codes` `[B, n]`: जो कोड पता नहीं, वहाँ नंबर `mask` लिखा है। `logits` `[B, n, K]`।
# - हर अनजानी जगह का उम्मीदवार वह कोड है जिसकी प्रायिकता सबसे ज़्यादा है; और भरोसा वही प्रायिकता है (K कोडों पर softmax)।
# - **हर चित्र** में `count` अनजानी जगहें भरिए, जिनके उम्मीदवार पर सबसे ज़्यादा भरोसा हो; इतनी अनजानी जगहें न हों तो सारी। बाक़ी सब जैसा है वैसा रहे। नए कोड `[B, n]` लौटाइए।
#
# <details><summary>संकेत 1</summary>
#
# `sure, best = logits.softmax(-1).max(-1)`। जो जगहें पता हैं उनका भरोसा −1 रख दीजिए, ताकि वे किसी अनजानी जगह से पहले कभी न चुनी जाएँ।
#
# </details>
# <details><summary>संकेत 2</summary>
#
# `sure.topk(count).indices` से जगहें `[B, count]` मिलती हैं (`count` को `n` से बड़ा मत होने दीजिए)। `torch.zeros_like(codes, dtype=torch.bool).scatter(1, places, True)` उनका मास्क बनाता है; फिर `torch.where(chosen & unknown, best, codes)`।
#
# </details>
# %% name="keep-surest" tags=["exercise"] points=3
def keep_surest(codes: Tensor, logits: Tensor, count: int, mask: int) -> Tensor:
    """codes [B, n] with `mask` where unknown, logits [B, n, K] -> codes [B, n], some filled in."""
    ### BEGIN SOLUTION
    unknown = codes == mask
    sure, best = logits.softmax(-1).max(-1)
    places = sure.masked_fill(~unknown, -1).topk(min(count, codes.shape[1])).indices
    chosen = torch.zeros_like(unknown).scatter(1, places, True)
    return torch.where(chosen & unknown, best, codes)
    ### END SOLUTION


# %% name="keep-surest-check" tags=["check"]
keep_surest = check.keep_surest(keep_surest)

# %% [markdown] lang="en" name="inpainting"
# Your function fills a hole of 36 codes. In place of a trained prior stands a rule that knows slanting stripes: each known neighbour along the slant votes for its own code, and a place without such neighbours is a mere guess. Eight at a time, the surest first, the hole closes from its edge inwards. Filled all at once, its middle is guesswork.
# %% [markdown] lang="hi" of="558f0d24"
# आपका फ़ंक्शन 36 कोड का एक छेद भरता है। सीखे हुए प्रायर की जगह यहाँ एक सीधा-सा नियम है, जिसे तिरछी धारियाँ आती हैं: धारी पर का हर जाना-पहचाना पड़ोसी अपने कोड के लिए वोट देता है, और जिसका ऐसा कोई पड़ोसी नहीं, वहाँ बस तुक्का है। हर बार आठ, सबसे ज़्यादा भरोसे वाले पहले: छेद किनारे से भीतर की ओर भरता जाता है। सब एक साथ भरें, तो बीच में तुक्के ही तुक्के।
# %% name="inpainting-claim"
rows, columns = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
stripes = (rows + columns) % 4
holed = stripes.clone()
holed[1:7, 1:7] = 4  # the mask


def votes(codes: Tensor) -> Tensor:
    """codes [8, 8] -> logits [1, 64, 4]: what the known neighbours along the slant say."""
    wide = F.pad(F.one_hot(codes, 5)[..., :4], (0, 0, 1, 1, 1, 1))
    return 3.0 * (wide[:-2, 2:] + wide[2:, :-2]).reshape(1, 64, 4)


steps = [holed]
for _ in range(5):
    steps.append(keep_surest(steps[-1].view(1, 64), votes(steps[-1]), 8, mask=4).view(8, 8))
at_once = keep_surest(holed.view(1, 64), votes(holed), 64, mask=4).view(8, 8)
right = {"steps": (steps[5] == stripes).sum().item(), "once": (at_once == stripes).sum().item()}
pictures = {
    t("the hole"): holed,
    t("after 2 steps"): steps[2],
    t("after 5 steps: {n}/64 right", n=right["steps"]): steps[5],
    t("all at once: {n}/64 right", n=right["once"]): at_once,
}
colours = plt.matplotlib.colors.ListedColormap([*plots.COLOURS[:4], "white"])
figure, axes = plt.subplots(1, 4, figsize=(10, 3))
for axis, (title, codes) in zip(axes, pictures.items(), strict=True):
    axis.imshow(codes, cmap=colours, vmin=0, vmax=4)
    axis.set(title=title, xticks=[], yticks=[])
plots.show(
    figure,
    alt=t(
        "Slanting stripes of four colours with a white hole; it closes from the edge and is whole"
        " after 5 steps; filled all at once its middle is wrong"
    ),
)
assert right["steps"] == 64 and right["once"] < 60


# %% [markdown] lang="en" name="flow-pair-card"
# ### 13. Write: question and answer of flow matching
#
# ★★ · 6 minutes · write it · *what a flow prior is asked, and what the answer should be (Lipman et al. 2022)*
#
# Flow matching draws a straight line from noise to a latent. The network is shown a point on it, and should say the velocity there: which way, and how far it is from one end to the other.
#
# - `data` and `noise` `[B, …]`; `t` `[B]`: a time from 0 to 1 for each latent. At time 0 there is only noise, at time 1 only data.
# - Return the points `[B, …]` and the velocities `[B, …]`.
#
# <details><summary>Hint</summary>
#
# The point is `(1 − t) · noise + t · data`; its derivative by `t` is the velocity. Give `t` the shape `[B, 1, 1, …]`, or it meets the last axis: `t.view(-1, *[1] * (data.ndim - 1))`.
#
# </details>
# %% [markdown] lang="hi" of="e4ab7db0"
# ### 13. लिखिए: फ़्लो मैचिंग का सवाल और जवाब
#
# ★★ · 6 मिनट · ख़ुद लिखिए · *फ़्लो प्रायर से क्या पूछा जाता है, और सही जवाब क्या है (Lipman et al. 2022)*
#
# फ़्लो मैचिंग (flow matching) में शोर से लेटेंट तक एक सीधी रेखा खींचते हैं। नेटवर्क को रेखा का एक बिंदु दिखाते हैं, और उसे वहाँ का वेग बताना होता है: किस ओर, और एक सिरे से दूसरे सिरे तक कितना।
#
# - `data` और `noise` `[B, …]`; `t` `[B]`: हर लेटेंट का अपना समय, 0 से 1 के बीच। समय 0 पर सिर्फ़ शोर है, समय 1 पर सिर्फ़ data।
# - बिंदु `[B, …]` और वेग `[B, …]` लौटाइए।
#
# <details><summary>संकेत</summary>
#
# बिंदु है `(1 − t) · noise + t · data`; `t` के सापेक्ष इसका अवकलज (derivative) वेग है। `t` को आकार `[B, 1, 1, …]` दीजिए, नहीं तो वह आख़िरी अक्ष से जा मिलेगा: `t.view(-1, *[1] * (data.ndim - 1))`।
#
# </details>
# %% name="flow-pair" tags=["exercise"] points=2
def flow_pair(data: Tensor, noise: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """data, noise [B, ...], t [B] -> points on the way [B, ...], velocities [B, ...]."""
    ### BEGIN SOLUTION
    t = t.view(-1, *[1] * (data.ndim - 1))
    return (1 - t) * noise + t * data, data - noise
    ### END SOLUTION


# %% name="flow-pair-check" tags=["check"]
flow_pair = check.flow_pair(flow_pair)


# %% [markdown] lang="en" name="guided-step-card"
# ### 14. Write: a step with guidance
#
# ★ · 5 minutes · write it · *classifier-free guidance: more of what the words change (Ho & Salimans 2022)*
#
# The prior is asked twice in one batch: with the words, and with an empty text. Guidance starts from the answer without words and goes on in the direction in which the words changed it, `scale` times as far. Scale 0 is no words, 1 plain words, more than 1 exaggerates them.
#
# - `x` `[B, …]`; `velocity` `[2B, …]`: the first `B` with the words, the last `B` with the empty text.
# - Return `x` after a step of length `dt` with the guided velocity, `[B, …]`.
#
# <details><summary>Hint</summary>
#
# `words, empty = velocity.chunk(2)`, and the guided velocity is `empty + scale * (words - empty)`.
#
# </details>
# %% [markdown] lang="hi" of="0f82fa0c"
# ### 14. लिखिए: गाइडेंस वाला एक क़दम
#
# ★ · 5 मिनट · ख़ुद लिखिए · *गाइडेंस (classifier-free guidance): शब्दों से जो बदला, उसी को और बढ़ाना (Ho & Salimans 2022)*
#
# एक ही बैच में प्रायर से दो बार पूछते हैं: एक बार शब्दों के साथ, एक बार ख़ाली वाक्य के साथ। गाइडेंस बिना शब्दों वाले जवाब से चलता है, और शब्दों ने उसे जिस ओर बदला उसी ओर `scale` गुना जाता है। scale 0 यानी शब्द हैं ही नहीं, 1 यानी शब्द जैसे हैं वैसे, 1 से ज़्यादा यानी शब्दों पर और ज़ोर।
#
# - `x` `[B, …]`; `velocity` `[2B, …]`: पहले `B` शब्दों के साथ, आख़िरी `B` ख़ाली वाक्य के साथ।
# - गाइडेंस वाले वेग से `dt` लंबा एक क़दम चलिए, और नया `x` `[B, …]` लौटाइए।
#
# <details><summary>संकेत</summary>
#
# `words, empty = velocity.chunk(2)`, और गाइडेंस वाला वेग है `empty + scale * (words - empty)`।
#
# </details>
# %% name="guided-step" tags=["exercise"] points=1
def guided_step(x: Tensor, velocity: Tensor, scale: float, dt: float) -> Tensor:
    """x [B, ...], velocity [2B, ...], first with the words, then without -> the new x [B, ...]."""
    ### BEGIN SOLUTION
    words, empty = velocity.chunk(2)
    return x + dt * (empty + scale * (words - empty))
    ### END SOLUTION


# %% name="guided-step-check" tags=["check"]
guided_step = check.guided_step(guided_step)


# %% [markdown] lang="en" name="contrastive-loss-card"
# ### 15. Write: which text goes with which picture
#
# ★★ · 8 minutes · write it · *CLIP's loss: it tells pairs apart, and generates nothing (Radford et al. 2021)*
#
# CLIP has an encoder for pictures and one for texts. In a batch, picture i and text i belong together. The loss asks twice: which of the texts belongs to this picture? And which of the pictures to this text? Each is a choice out of `N`, by cross-entropy.
#
# - `images` and `texts` `[N, d]`: the encoders' vectors, of any length. Bring each to length 1; the score of a pair is their dot product, divided by `temperature`.
# - Return the mean of the two cross-entropies `[]`.
#
# <details><summary>Hint 1</summary>
#
# `F.normalize(images, dim=1)`; all scores at once are a matrix product `[N, N]`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The right answer for row i is i: `torch.arange(N)`. The second question is the same for the transposed matrix.
#
# </details>
# %% [markdown] lang="hi" of="0832318c"
# ### 15. लिखिए: कौन-सा वाक्य किस चित्र का
#
# ★★ · 8 मिनट · ख़ुद लिखिए · *CLIP का लॉस: वह जोड़ियाँ पहचानता है, बनाता कुछ नहीं (Radford et al. 2021)*
#
# CLIP में एक एनकोडर चित्रों का है और एक वाक्यों का। बैच में चित्र i और वाक्य i एक-दूसरे के हैं। लॉस दो बार पूछता है: इस चित्र का वाक्य इनमें से कौन-सा है? और इस वाक्य का चित्र इनमें से कौन-सा? हर बार `N` में से एक चुनना है, और लॉस क्रॉस-एंट्रॉपी है।
#
# - `images` और `texts` `[N, d]`: एनकोडरों के वेक्टर, लंबाई कुछ भी। हर वेक्टर की लंबाई 1 कीजिए; जोड़ी का स्कोर उनका डॉट प्रोडक्ट है, `temperature` (तापमान) से भाग देकर।
# - दोनों क्रॉस-एंट्रॉपी का औसत `[]` लौटाइए।
#
# <details><summary>संकेत 1</summary>
#
# `F.normalize(images, dim=1)`; सारे स्कोर एक साथ मैट्रिक्स के गुणन से मिलते हैं, `[N, N]`।
#
# </details>
# <details><summary>संकेत 2</summary>
#
# पंक्ति i का सही जवाब i है: `torch.arange(N)`। दूसरा सवाल वही है, पंक्ति-कॉलम उलटी हुई (transposed) मैट्रिक्स पर।
#
# </details>
# %% name="contrastive-loss" tags=["exercise"] points=2
def contrastive_loss(images: Tensor, texts: Tensor, temperature: float) -> Tensor:
    """images, texts [N, d]; row i of one belongs to row i of the other -> the loss []."""
    ### BEGIN SOLUTION
    scores = F.normalize(images, dim=1) @ F.normalize(texts, dim=1).T / temperature
    own = torch.arange(len(scores))
    return (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2
    ### END SOLUTION


# %% name="contrastive-loss-check" tags=["check"]
contrastive_loss = check.contrastive_loss(contrastive_loss)


# %% [markdown] lang="en" name="part-processes"
# ## Many machines
# %% [markdown] lang="hi" of="cc48d817"
# ## एक से ज़्यादा मशीनें
# %% [markdown] lang="en" name="predict-processes-card"
# ### 16. Predict: the gradient of two processes
#
# ★ · 4 minutes · predict, then run · *what data-parallel training averages*
#
# Two processes train one model together (data-parallel, as `DistributedDataParallel` does it). Each takes the mean loss over its own pictures; then the gradients of the two processes are averaged, and both take the same step. The first has {a} pictures, the second only {b}. The gradient of a certain weight is 3 for each picture of the first and 5 for each picture of the second.
#
# With which gradient do they step? And with which would one process step that has all the pictures in one batch?
#
# Return the two numbers.
#
# <details><summary>Hint</summary>
#
# Do the two processes know how many pictures the other one had?
#
# </details>
# %% [markdown] lang="hi" of="4a658652"
# ### 16. पहले बताइए: दो प्रोसेस का ग्रेडिएंट
#
# ★ · 4 मिनट · पहले बताइए, फिर चलाइए · *डेटा-पैरेलल ट्रेनिंग (data-parallel) में औसत किसका होता है*
#
# दो प्रोसेस (process) मिलकर एक मॉडल को ट्रेन करते हैं, डेटा आपस में बाँटकर, जैसा `DistributedDataParallel` करता है। हर प्रोसेस अपने चित्रों पर लॉस का औसत लेता है; फिर दोनों के ग्रेडिएंट का औसत निकलता है, और दोनों वही क़दम चलते हैं। पहले के पास {a} चित्र हैं, दूसरे के पास बस {b}। किसी एक भार का ग्रेडिएंट पहले के हर चित्र पर 3 है और दूसरे के हर चित्र पर 5।
#
# वे किस ग्रेडिएंट से क़दम चलेंगे? और अगर एक ही प्रोसेस के पास सारे चित्र एक बैच में होते, तो वह किससे चलता?
#
# दोनों संख्याएँ लौटाइए।
#
# <details><summary>संकेत</summary>
#
# क्या एक प्रोसेस को पता है कि दूसरे के पास कितने चित्र थे?
#
# </details>
# %% name="predict-processes" tags=["exercise"] points=1
def predict_processes() -> tuple[float, float]:
    """The gradient of two processes with {a} and {b} pictures, and that of one with all of them."""
    ### BEGIN SOLUTION
    return 4, 3.5
    ### END SOLUTION


# %% name="predict-processes-check" tags=["check"]
predict_processes = check.predict_processes.given(a=24, b=8)(predict_processes)

# %% [markdown] lang="en" name="predict-processes-why"
# <details><summary>Why</summary>
#
# Each process has a mean, 3 and 5, and the two means count the same: (3 + 5) / 2 = 4. One process with all 32 pictures counts every picture once: (24 · 3 + 8 · 5) / 32 = 3.5. So the last, smaller share of an epoch counts too much. That is why samplers for several processes give each of them the same number of pictures; then the two are the same to the last digits.
#
# </details>
# %% [markdown] lang="hi" of="94a9f66e"
# <details><summary>क्यों</summary>
#
# हर प्रोसेस का अपना औसत है, 3 और 5, और दोनों औसत बराबर गिने जाते हैं: (3 + 5) / 2 = 4। एक ही प्रोसेस सारे 32 चित्र ले, तो हर चित्र एक बार गिना जाता है: (24 · 3 + 8 · 5) / 32 = 3.5। यानी ईपॉक के अंत का छोटा हिस्सा ज़रूरत से ज़्यादा गिना गया। इसीलिए कई प्रोसेस वाले सैंपलर (sampler) सबको बराबर चित्र बाँटते हैं; तब दोनों नतीजे आख़िरी अंकों तक एक-से होते हैं।
#
# </details>


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
