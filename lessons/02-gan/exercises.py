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
# # GAN: exercises
#
# Sixteen short exercises, about 100 minutes in all. Do them when you have read the lesson; take any of them, in any order.
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
# - **Find the bug**: the function runs, and is wrong. Each of the five is a mistake that is easily made and raises no error.
# - **Predict, then run**: say what will come out before you see it. A wrong guess is where the learning is.
#
# An answer has the dtype of its input. A *logit* is what the discriminator gives before the sigmoid σ: any number, high for “real”. *Run all* works at any time: where your function is not right yet, the course's own takes its place, and the cells below go on. Hints are folded, and in the course's own notebook the solutions too; open them when you have tried.
# %% [markdown] lang="hi" of="94ea1c51"
# # GAN: अभ्यास
#
# यहाँ सोलह छोटे अभ्यास हैं, कुल मिलाकर लगभग 100 मिनट के। पहले पाठ पढ़ लीजिए, फिर जो अभ्यास चाहें और जिस क्रम में चाहें, कीजिए।
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
# - **ग़लती ढूँढिए**: फ़ंक्शन चलता तो है, पर जवाब ग़लत देता है। ये पाँचों ग़लतियाँ आसानी से हो जाती हैं, और कोई एरर (error) नहीं आता।
# - **पहले बताइए, फिर चलाइए**: नतीजा देखने से पहले सोचकर बताइए कि क्या आएगा। अनुमान ग़लत निकले, तो सबसे ज़्यादा सीखने को मिलता है।
#
# जवाब का dtype वही रखिए जो इनपुट का है। *लॉजिट* (logit) वह संख्या है जो डिस्क्रिमिनेटर सिग्मॉइड (σ) से पहले देता है: कोई भी संख्या हो सकती है, बड़ी यानी “असली”। *Run all* कभी भी चला सकते हैं: जहाँ आपका फ़ंक्शन अभी सही नहीं है, वहाँ कोर्स का अपना फ़ंक्शन काम करता है और नीचे के सेल चलते रहते हैं। संकेत बंद रखे हैं, और कोर्स की अपनी नोटबुक में हल भी; पहले कोशिश कीजिए, फिर खोलिए।
# %% tags=["start"]
# %% name="imports"
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

from common import plots
from common.check import gan as check
from common.lang import t


# %% [markdown] lang="en" name="part-game"
# ## The game and its losses
# %% [markdown] lang="hi" of="cee80381"
# ## खेल और उसके लॉस
# %% [markdown] lang="en" name="predict-start-card"
# ### 1. Predict: the losses at the very start
#
# ★ · 3 minutes · predict, then run · *the number by which you know that nothing has been learnt*
#
# The discriminator knows nothing yet and says “real, with probability 1/2” of every picture, real or fake. How large is its loss (the term of the real pictures plus the term of the fakes)? And the generator's non-saturating loss?
#
# Return the two numbers; two decimals are enough.
#
# <details><summary>Hint</summary>
#
# Each term is minus the logarithm of the probability that was given to the answer wanted. The logarithm is the natural one.
#
# </details>
# %% [markdown] lang="hi" of="aca60a65"
# ### 1. पहले बताइए: शुरुआत में लॉस कितना
#
# ★ · 3 मिनट · पहले बताइए, फिर चलाइए · *वह संख्या जिससे पता चलता है कि अभी कुछ सीखा ही नहीं*
#
# डिस्क्रिमिनेटर अभी कुछ नहीं जानता। असली हो या नक़ली, हर चित्र पर वह यही कहता है: “असली होने की प्रायिकता 1/2”। उसका लॉस कितना होगा (असली चित्रों वाला हिस्सा और नक़ली चित्रों वाला हिस्सा जोड़कर)? और जनरेटर का नॉन-सैचुरेटिंग (non-saturating) लॉस?
#
# दोनों संख्याएँ लौटाइए; दशमलव के दो अंक काफ़ी हैं।
#
# <details><summary>संकेत</summary>
#
# जो जवाब चाहिए था, उसे जितनी प्रायिकता मिली, उसका log लीजिए और चिह्न उलट दीजिए: हर हिस्सा बस यही है। log यहाँ प्राकृतिक (natural) है।
#
# </details>
# %% name="predict-start" tags=["exercise"] points=1
def predict_start() -> tuple[float, float]:
    """The discriminator's loss and the generator's when every probability is 1/2."""
    ### BEGIN SOLUTION
    return 1.386, 0.693
    ### END SOLUTION


# %% name="predict-start-check" tags=["check"]
predict_start = check.predict_start(predict_start)

# %% [markdown] lang="en" name="predict-start-why"
# <details><summary>Why</summary>
#
# Every answer wanted got the probability 1/2, and `-log(1/2)` is 0.693. The discriminator pays it for the real pictures and again for the fakes, 1.386 in all; the generator pays it once. Remember the 1.386: a discriminator that still stands there after a while has learnt nothing, or is completely fooled. The loss alone does not say which; the samples do.
#
# </details>
# %% [markdown] lang="hi" of="31ae7fd7"
# <details><summary>क्यों</summary>
#
# जो भी जवाब चाहिए था, उसे प्रायिकता 1/2 मिली, और `-log(1/2)` यानी 0.693। डिस्क्रिमिनेटर इसे असली चित्रों पर एक बार चुकाता है और नक़ली पर दोबारा, कुल 1.386; जनरेटर एक ही बार। 1.386 को याद रखिए: कुछ देर बाद भी डिस्क्रिमिनेटर यहीं हो, तो या उसने कुछ सीखा नहीं, या वह पूरा धोखा खा चुका है। दोनों में से कौन-सी बात है, यह लॉस नहीं बताता; नमूने बताते हैं।
#
# </details>


# %% [markdown] lang="en" name="discriminator-loss-card"
# ### 2. Write: the discriminator's loss, from logits
#
# ★★ · 7 minutes · write it · *one loss for both labels, which never overflows*
#
# The real pictures have the label 1, the fakes the label 0. The loss is the mean of `-log σ(logit)` over the real ones **plus** the mean of `-log(1 - σ(logit))` over the fakes.
#
# - `real_logits` and `fake_logits` may have any shape, and not the same one. Return a tensor with one number.
# - It must be right for a logit of 50 or −120 too, in `float32`. There σ is exactly 1 or 0, and a logarithm of 0 is `-inf`.
#
# <details><summary>Hint 1</summary>
#
# `-log σ(x)` is `log(1 + exp(-x))`. PyTorch has it ready, without overflow: `F.softplus(-x)`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `1 - σ(x)` is `σ(-x)`. Or else: `F.binary_cross_entropy_with_logits`, once with ones and once with zeros as the target.
#
# </details>
# %% [markdown] lang="hi" of="faa95e38"
# ### 2. लिखिए: डिस्क्रिमिनेटर का लॉस, सीधे लॉजिट से
#
# ★★ · 7 मिनट · ख़ुद लिखिए · *दोनों लेबल का एक लॉस, जो बड़ी संख्याओं पर भी न बिगड़े*
#
# असली चित्रों का लेबल 1 है, नक़ली का 0। लॉस में दो हिस्से जुड़ते हैं: असली चित्रों पर `-log σ(logit)` का औसत, **और** नक़ली चित्रों पर `-log(1 - σ(logit))` का औसत।
#
# - `real_logits` और `fake_logits` किसी भी आकार के हो सकते हैं, और दोनों के आकार अलग भी। एक संख्या वाला टेंसर लौटाइए।
# - लॉजिट 50 या −120 हो तब भी जवाब सही आना चाहिए, और वह भी `float32` में। वहाँ σ ठीक 1 या ठीक 0 निकलता है, और 0 का log `-inf` है।
#
# <details><summary>संकेत 1</summary>
#
# `-log σ(x)` असल में `log(1 + exp(-x))` ही है। PyTorch में यह बना-बनाया है, और बड़ी संख्याओं पर भी नहीं बिगड़ता: `F.softplus(-x)`।
#
# </details>
# <details><summary>संकेत 2</summary>
#
# `1 - σ(x)` का मतलब है `σ(-x)`। या फिर `F.binary_cross_entropy_with_logits` लीजिए: एक बार लक्ष्य (target) सब 1, एक बार सब 0।
#
# </details>
# %% name="discriminator-loss" tags=["exercise"] points=2
def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Logits of real and of fake pictures, any shapes -> one number []."""
    ### BEGIN SOLUTION
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
    ### END SOLUTION


# %% name="discriminator-loss-check" tags=["check"]
discriminator_loss = check.discriminator_loss(discriminator_loss)


# %% [markdown] lang="en" name="predict-slopes-card"
# ### 3. Predict: a fake that is seen through
#
# ★★ · 5 minutes · predict, then run · *why hardly anybody trains with the loss of the minimax formula*
#
# The discriminator sees through a fake: its logit is `s`, and `σ(s) = 1/{k}`. How steep is the generator's loss there, as a function of `s`? Give the size of the slope (without its sign) for the **saturating** loss `log(1 - σ(s))`, and for the **non-saturating** loss `-log σ(s)`.
#
# Return the two numbers.
#
# <details><summary>Hint</summary>
#
# `log(1 - σ(s)) = -softplus(s)` and `-log σ(s) = softplus(-s)`. The derivative of `softplus` is σ.
#
# </details>
# %% [markdown] lang="hi" of="d4fb837e"
# ### 3. पहले बताइए: जो नक़ली चित्र साफ़ पकड़ा गया
#
# ★★ · 5 मिनट · पहले बताइए, फिर चलाइए · *मिनिमैक्स (minimax) सूत्र वाले लॉस से शायद ही कोई ट्रेनिंग करता है: क्यों?*
#
# डिस्क्रिमिनेटर ने एक नक़ली चित्र साफ़ पकड़ लिया: उसका लॉजिट `s` है, और `σ(s) = 1/{k}`। यहाँ लॉजिट ज़रा-सा बदले तो जनरेटर का लॉस कितनी तेज़ी से बदलता है? यानी `s` के सापेक्ष ग्रेडिएंट कितना बड़ा है (चिह्न छोड़कर): पहले **सैचुरेटिंग (saturating)** लॉस `log(1 - σ(s))` का, फिर **नॉन-सैचुरेटिंग** लॉस `-log σ(s)` का।
#
# दोनों संख्याएँ लौटाइए।
#
# <details><summary>संकेत</summary>
#
# `log(1 - σ(s)) = -softplus(s)` और `-log σ(s) = softplus(-s)`। और `softplus` का अवकलज (derivative) σ है।
#
# </details>
# %% name="predict-slopes" tags=["exercise"] points=2
def predict_slopes() -> tuple[float, float]:
    """Sizes of the slopes at σ(s) = 1/{k}: saturating loss, non-saturating loss."""
    ### BEGIN SOLUTION
    return 0.01, 0.99
    ### END SOLUTION


# %% name="predict-slopes-check" tags=["check"]
predict_slopes = check.predict_slopes.given(k=100)(predict_slopes)

# %% [markdown] lang="en" name="predict-slopes-why"
# <details><summary>Why</summary>
#
# The derivative of `softplus` is σ. So the saturating loss `-softplus(s)` has the slope `-σ(s)`, here -0.01, and the non-saturating loss `softplus(-s)` has `-σ(-s)`, here -0.99. Both push the logit up. But a fake that is seen through gets a hundredth of a push from the first, and nearly the whole from the second.
#
# </details>
# %% [markdown] lang="hi" of="533e2c48"
# <details><summary>क्यों</summary>
#
# `softplus` का अवकलज σ है। इसलिए सैचुरेटिंग लॉस `-softplus(s)` का ग्रेडिएंट `-σ(s)` है, यहाँ -0.01; और नॉन-सैचुरेटिंग लॉस `softplus(-s)` का `-σ(-s)`, यहाँ -0.99। दोनों लॉजिट को ऊपर ही धकेलते हैं। पर जो चित्र साफ़ पकड़ा गया, उसे पहले लॉस से धक्के का सौवाँ हिस्सा मिलता है, दूसरे से लगभग पूरा धक्का।
#
# </details>


# %% [markdown] lang="en" name="generator-signal-card"
# ### 4. Find the bug: the worst fakes get no gradient
#
# ★★ · 6 minutes · find the bug · *sigmoid first, loss after: a mistake that raises no error*
#
# The function gives the generator's non-saturating loss, and its gradient with respect to the logits of the fakes. With moderate logits all is well. With a logit of −30 the gradient is a tenth of what it should be; with −120 it is exactly 0. So those fakes that are worst are never told.
#
# `fake_logits` of any shape → the loss `[]` and the gradient, of the shape of the logits. Mend it.
#
# <details><summary>Hint 1</summary>
#
# Print `probability` for the logit −120. What can be known of the logit after that?
#
# </details>
# <details><summary>Hint 2</summary>
#
# There is the same loss for logits, with nothing lost on the way: `F.binary_cross_entropy_with_logits`. It has the sigmoid inside.
#
# </details>
# %% [markdown] lang="hi" of="4c38c470"
# ### 4. ग़लती ढूँढिए: सबसे ख़राब नक़ली चित्रों को ग्रेडिएंट ही नहीं मिलता
#
# ★★ · 6 मिनट · ग़लती ढूँढिए · *पहले सिग्मॉइड, फिर लॉस: ऐसी ग़लती जिस पर कोई एरर नहीं आता*
#
# यह फ़ंक्शन जनरेटर का नॉन-सैचुरेटिंग लॉस देता है, और नक़ली चित्रों के लॉजिट के सापेक्ष उसका ग्रेडिएंट। लॉजिट 0 से बहुत दूर न हों तो सब ठीक है। लॉजिट −30 हो तो ग्रेडिएंट जितना होना चाहिए उसका दसवाँ हिस्सा रह जाता है; −120 पर ठीक 0। यानी जो चित्र सबसे ख़राब हैं, उन्हीं को कभी पता नहीं चलता कि बदलना है।
#
# `fake_logits` किसी भी आकार का → लॉस `[]`, और ग्रेडिएंट, जिसका आकार लॉजिट जैसा है। इसे सुधारिए।
#
# <details><summary>संकेत 1</summary>
#
# लॉजिट −120 के लिए `probability` को print कीजिए। उसे देखकर क्या अब कोई बता सकता है कि लॉजिट क्या था?
#
# </details>
# <details><summary>संकेत 2</summary>
#
# यही लॉस सीधे लॉजिट से भी निकलता है, और तब रास्ते में कुछ नहीं खोता: `F.binary_cross_entropy_with_logits`। सिग्मॉइड उसके अंदर ही है।
#
# </details>
# %% name="generator-signal" tags=["exercise"] points=2
def generator_signal(fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """Logits of fakes, any shape -> the non-saturating loss [], its gradient (same shape)."""
    ### BEGIN SOLUTION
    logits = fake_logits.detach().clone().requires_grad_()
    loss = F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))
    (gradient,) = torch.autograd.grad(loss, logits)
    return loss.detach(), gradient
    ### STUB
    # logits = fake_logits.detach().clone().requires_grad_()
    # probability = logits.sigmoid()
    # loss = F.binary_cross_entropy(probability, torch.ones_like(probability))
    # (gradient,) = torch.autograd.grad(loss, logits)
    # return loss.detach(), gradient
    ### END SOLUTION


# %% name="generator-signal-check" tags=["check"]
generator_signal = check.generator_signal(generator_signal)

# %% [markdown] lang="en" name="see-signal"
# What the generator is told, over the whole range of logits. On the left are the worst fakes. Your function is the thick line: the worse the fake, the stronger the push, up to 1. With the sigmoid first it is the same line, until it breaks off below −28: at −30 a tenth is left, at −35 next to nothing. The saturating loss does worst on the left: there it is flat.
# %% [markdown] lang="hi" of="90842749"
# लॉजिट चाहे जो हो, जनरेटर को कितना ग्रेडिएंट मिलता है? बाईं ओर सबसे ख़राब नक़ली चित्र हैं। मोटी रेखा आपका फ़ंक्शन है: चित्र जितना ख़राब, धक्का उतना ज़ोर का, ज़्यादा-से-ज़्यादा 1। पहले सिग्मॉइड लगाएँ तो रेखा वही रहती है, पर −28 के नीचे वह ढह जाती है: −30 पर दसवाँ हिस्सा बचता है, −35 पर लगभग कुछ नहीं। सैचुरेटिंग लॉस बाईं ओर सबसे बेकार है: वहाँ वह सपाट ही है।
# %% name="see-signal-figure"
logits = torch.linspace(-60, 20, 321)
_, gradient = generator_signal(logits)
leaf = logits.clone().requires_grad_()
lost = F.binary_cross_entropy(leaf.sigmoid(), torch.ones_like(leaf), reduction="sum")
(first,) = torch.autograd.grad(lost, leaf)

figure, axis = plt.subplots(figsize=(7, 3))
axis.plot(logits, -gradient * len(logits), lw=5, color=plots.COLOURS[0], label=t("your function"))
axis.plot(logits, -first, "--", color=plots.COLOURS[1], label=t("sigmoid first"))
axis.plot(logits, logits.sigmoid(), ":", color=plots.COLOURS[2], label=t("saturating loss"))
axis.set(
    xlabel=t("logit of the fake"),
    ylabel=t("gradient (size)"),
    title=t("Sigmoid first: below −28 the push breaks off"),
)
axis.legend()
plots.show(
    figure,
    alt=t(
        "Three curves over the logit from −60 to 20: yours stays at 1 on the left, the one with the"
        " sigmoid first falls to 0 from −28 on, the saturating one is 0 left of −5"
    ),
)


# %% [markdown] lang="en" name="one-round-card"
# ### 5. Find the bug: the generator helps its opponent
#
# ★★ · 6 minutes · find the bug · *whose gradients a backward pass leaves behind*
#
# One round of training: a step of the discriminator, then a step of the generator. It runs, and the discriminator learns as it should. The generator's step is wrong: a part of it goes where the *discriminator* wants it.
#
# - `generator` and `discriminator` are networks, `real` `[B, d]`, `z` `[N, …]` the random vectors, `rate` the learning rate of both.
# - Return all weights of the generator and all of the discriminator after the round, as two vectors (this line is right).
#
# Mend one line.
#
# <details><summary>Hint 1</summary>
#
# `backward()` goes back through everything that the loss was computed from. Which networks is the discriminator's loss computed from? Print `next(generator.parameters()).grad` after the first `backward()`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `x.detach()` has the numbers of `x` and forgets where they came from. The discriminator's step needs no more of the fakes than their numbers; and it saves the time to go back through the generator.
#
# </details>
# %% [markdown] lang="hi" of="6b4a5acd"
# ### 5. ग़लती ढूँढिए: जनरेटर अपने ही विरोधी की मदद कर बैठा
#
# ★★ · 6 मिनट · ग़लती ढूँढिए · *backward किस-किस के ग्रेडिएंट छोड़ जाता है*
#
# यह ट्रेनिंग का एक दौर है: पहले डिस्क्रिमिनेटर का एक क़दम, फिर जनरेटर का। कोड चलता है, और डिस्क्रिमिनेटर ठीक सीखता है। पर जनरेटर का क़दम ग़लत है: वह थोड़ा-सा उधर भी जाता है जिधर *डिस्क्रिमिनेटर* चाहता है।
#
# - `generator` और `discriminator` नेटवर्क हैं, `real` `[B, d]`, `z` `[N, …]` रैंडम वेक्टर, और `rate` दोनों का लर्निंग रेट।
# - दौर के बाद जनरेटर के सारे भार (weights) और डिस्क्रिमिनेटर के सारे भार, दो वेक्टर बनाकर लौटाइए (यह लाइन सही है)।
#
# एक ही लाइन सुधारनी है।
#
# <details><summary>संकेत 1</summary>
#
# लॉस जिस-जिस चीज़ से बना है, `backward()` उस सब से होकर पीछे जाता है। डिस्क्रिमिनेटर का लॉस किन नेटवर्कों से बना है? पहले `backward()` के बाद `next(generator.parameters()).grad` को print कीजिए।
#
# </details>
# <details><summary>संकेत 2</summary>
#
# `x.detach()` में संख्याएँ वही हैं जो `x` में, बस यह याद नहीं रहता कि वे आईं कहाँ से। डिस्क्रिमिनेटर के क़दम को नक़ली चित्रों की संख्याएँ ही चाहिए, और कुछ नहीं; जनरेटर से होकर पीछे जाने का समय भी बचता है।
#
# </details>
# %% name="one-round" tags=["exercise"] points=2
def one_round(
    generator: nn.Module, discriminator: nn.Module, real: Tensor, z: Tensor, rate: float
) -> tuple[Tensor, Tensor]:
    """A step of the discriminator, then one of the generator -> the weights of both, as vectors."""
    ### BEGIN SOLUTION
    generator.zero_grad()
    discriminator.zero_grad()
    # the discriminator's step
    fake = generator(z).detach()
    discriminator_loss(discriminator(real), discriminator(fake)).backward()
    with torch.no_grad():
        for weight in discriminator.parameters():
            weight -= rate * weight.grad
    # the generator's step
    fake = generator(z)
    F.softplus(-discriminator(fake)).mean().backward()
    with torch.no_grad():
        for weight in generator.parameters():
            weight -= rate * weight.grad
    return tuple(parameters_to_vector(n.parameters()) for n in (generator, discriminator))
    ### STUB
    # generator.zero_grad()
    # discriminator.zero_grad()
    # # the discriminator's step
    # fake = generator(z)
    # discriminator_loss(discriminator(real), discriminator(fake)).backward()
    # with torch.no_grad():
    #     for weight in discriminator.parameters():
    #         weight -= rate * weight.grad
    # # the generator's step
    # fake = generator(z)
    # F.softplus(-discriminator(fake)).mean().backward()
    # with torch.no_grad():
    #     for weight in generator.parameters():
    #         weight -= rate * weight.grad
    # return tuple(parameters_to_vector(n.parameters()) for n in (generator, discriminator))
    ### END SOLUTION


# %% name="one-round-check" tags=["check"]
one_round = check.one_round(one_round)

# %% [markdown] lang="en" name="whole-gan"
# Your round, 400 times, is a whole GAN. The real points are a slanting cloud around (2, 1). The generator turns and shifts round noise, and never sees a real point: all that it knows comes through the discriminator's gradient.
# %% [markdown] lang="hi" of="d295d426"
# आपका यही दौर 400 बार चलाइए, और पूरा GAN बन गया। असली बिंदु (2, 1) के आसपास एक तिरछा झुंड हैं। जनरेटर गोल झुंड को तिरछा करता है और खिसकाता है। असली बिंदु वह कभी नहीं देखता: जो कुछ जानता है, डिस्क्रिमिनेटर के ग्रेडिएंट से जानता है।
# %% name="whole-gan-claim"
torch.manual_seed(0)
generator = nn.Linear(2, 2)
discriminator = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1), nn.Flatten(0))


def real_points(count: int) -> Tensor:
    """Points [count, 2] of the slanting cloud."""
    return torch.randn(count, 2) @ torch.tensor([[1.0, 0.6], [0.0, 0.4]]) + torch.tensor([2.0, 1.0])


noise = torch.randn(300, 2)
clouds = [(t("before the first round"), generator(noise).detach())]
for _ in range(400):
    one_round(generator, discriminator, real_points(64), torch.randn(64, 2), rate=0.5)
clouds.append((t("after 400 rounds"), generator(noise).detach()))

figure, axis = plt.subplots(figsize=(5, 3.5))
axis.scatter(*real_points(300).T, s=6, color="silver", label=t("real points"))
for i, (name, points) in enumerate(clouds):
    axis.scatter(*points.T, s=6, color=plots.COLOURS[i], label=name)
axis.set_title(t("The generator has found the cloud"))
axis.legend()
plots.show(
    figure,
    alt=t("Grey real points; the generator's lie elsewhere before, and on the real ones after"),
)
assert (clouds[1][1].mean(0) - torch.tensor([2.0, 1.0])).abs().max() < 0.4


# %% [markdown] lang="en" name="part-steady"
# ## What keeps training steady
# %% [markdown] lang="hi" of="dd77826e"
# ## ट्रेनिंग को सँभाले रखना
# %% [markdown] lang="en" name="r1-gradients-card"
# ### 6. Write: a discriminator's gradients with R1
#
# ★★★ · 12 minutes · write it · *a penalty on a gradient, and the gradient of that penalty (Mescheder et al. 2018)*
#
# R1 asks the discriminator to be flat at the real pictures: it adds `gamma / 2` times the mean over the real pictures of `‖∇D(x)‖²` to the loss. `∇D(x)` is the gradient of a picture's logit with respect to **that picture's** numbers, and `‖…‖²` the sum of their squares.
#
# - `discriminator(x)` gives logits `[B]` for `x` `[B, …]`; `real` `[B, …]` and `fake` `[N, …]` are pictures or points.
# - Return a list: the gradient of `discriminator_loss(…) + gamma / 2 · R1` for each of the discriminator's parameters, in their order.
#
# <details><summary>Hint 1</summary>
#
# A copy of the pictures that gradients flow to: `real.detach().clone().requires_grad_()`. The logit of one picture does not depend on another picture, so the gradient of the **sum** of all logits holds each picture's own.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `torch.autograd.grad(logits.sum(), real, create_graph=True)` returns a tuple. With `create_graph=True` the result can itself be differentiated. Without it the penalty is a mere number: it is added, and changes no weight.
#
# </details>
# <details><summary>Hint 3</summary>
#
# The end: `list(torch.autograd.grad(loss, list(discriminator.parameters())))`.
#
# </details>
# %% [markdown] lang="hi" of="a501ad07"
# ### 6. लिखिए: R1 के साथ डिस्क्रिमिनेटर के ग्रेडिएंट
#
# ★★★ · 12 मिनट · ख़ुद लिखिए · *ग्रेडिएंट पर पेनल्टी, और उस पेनल्टी का भी ग्रेडिएंट (Mescheder et al. 2018)*
#
# R1 चाहता है कि असली चित्रों के पास डिस्क्रिमिनेटर सपाट रहे। इसके लिए लॉस में `gamma / 2` गुना पेनल्टी जुड़ती है: असली चित्रों पर `‖∇D(x)‖²` का औसत। `∇D(x)` किसी चित्र के लॉजिट का ग्रेडिएंट है, **उसी चित्र की** संख्याओं के सापेक्ष; `‖…‖²` यानी उन सबके वर्गों का जोड़।
#
# - `discriminator(x)` को `x` `[B, …]` दीजिए तो लॉजिट `[B]` मिलते हैं; `real` `[B, …]` और `fake` `[N, …]` चित्र या बिंदु हैं।
# - एक list लौटाइए: डिस्क्रिमिनेटर के हर पैरामीटर के लिए `discriminator_loss(…) + gamma / 2 · R1` का ग्रेडिएंट, उसी क्रम में।
#
# <details><summary>संकेत 1</summary>
#
# चित्रों की ऐसी कॉपी लीजिए जिस तक ग्रेडिएंट पहुँचे: `real.detach().clone().requires_grad_()`। एक चित्र का लॉजिट दूसरे चित्र पर निर्भर नहीं, इसलिए सब लॉजिट के **जोड़** का ग्रेडिएंट लें तो हर चित्र का अपना-अपना ग्रेडिएंट मिल जाता है।
#
# </details>
# <details><summary>संकेत 2</summary>
#
# `torch.autograd.grad(logits.sum(), real, create_graph=True)` एक tuple लौटाता है। `create_graph=True` हो, तभी इस नतीजे का भी ग्रेडिएंट निकल सकता है। उसके बिना पेनल्टी बस एक संख्या है: जुड़ तो जाती है, पर कोई भार नहीं बदलती।
#
# </details>
# <details><summary>संकेत 3</summary>
#
# आख़िरी लाइन: `list(torch.autograd.grad(loss, list(discriminator.parameters())))`।
#
# </details>
# %% name="r1-gradients" tags=["exercise"] points=3
def r1_gradients(
    discriminator: nn.Module, real: Tensor, fake: Tensor, gamma: float
) -> list[Tensor]:
    """real [B, ...], fake [N, ...] -> a gradient for each parameter of the discriminator."""
    ### BEGIN SOLUTION
    real = real.detach().clone().requires_grad_()
    real_logits = discriminator(real)
    (slope,) = torch.autograd.grad(real_logits.sum(), real, create_graph=True)
    r1 = slope.square().flatten(1).sum(1).mean()
    loss = discriminator_loss(real_logits, discriminator(fake)) + gamma / 2 * r1
    return list(torch.autograd.grad(loss, list(discriminator.parameters())))
    ### END SOLUTION


# %% name="r1-gradients-check" tags=["check"]
r1_gradients = check.r1_gradients(r1_gradients)


# %% [markdown] lang="en" name="penalties-card"
# ### 7. Find the bug: a penalty that depends on the neighbours
#
# ★★ · 5 minutes · find the bug · *what R1 takes for granted*
#
# The function gives the R1 penalty of each picture, with a small discriminator written out: a convolution `first`, a leaky ReLU, the mean over all places, a linear layer `last`. The penalty of a picture should be about that picture alone. Yet when the same picture is put beside other ones, its penalty is another.
#
# `real` `[B, C, h, w]` → penalties `[B]`. One line is to blame. Take it out; nothing comes in its place.
#
# <details><summary>Hint</summary>
#
# In exercise 6 you relied on this: “the logit of one picture does not depend on another picture”. In which line do the pictures of a batch meet?
#
# </details>
# %% [markdown] lang="hi" of="86e1ec40"
# ### 7. ग़लती ढूँढिए: पड़ोसियों पर टिकी पेनल्टी
#
# ★★ · 5 मिनट · ग़लती ढूँढिए · *R1 किस बात को मानकर चलता है*
#
# यह फ़ंक्शन हर चित्र की R1 पेनल्टी देता है। छोटा-सा डिस्क्रिमिनेटर इसी में लिखा है: कनवॉल्यूशन `first`, leaky ReLU, सब जगहों का औसत, और लीनियर लेयर `last`। किसी चित्र की पेनल्टी सिर्फ़ उसी चित्र की होनी चाहिए। पर वही चित्र दूसरे चित्रों के साथ बैच में रखें, तो पेनल्टी बदल जाती है।
#
# `real` `[B, C, h, w]` → पेनल्टी `[B]`। क़सूर एक लाइन का है। उसे हटा दीजिए; उसकी जगह कुछ नहीं आएगा।
#
# <details><summary>संकेत</summary>
#
# अभ्यास 6 इसी भरोसे पर था: “एक चित्र का लॉजिट दूसरे चित्र पर निर्भर नहीं”। यहाँ किस लाइन में बैच के चित्र आपस में मिल जाते हैं?
#
# </details>
# %% name="penalties" tags=["exercise"] points=2
def penalties(real: Tensor, first: nn.Conv2d, last: nn.Linear) -> Tensor:
    """real [B, C, h, w] -> the squared length of each picture's gradient [B]."""
    ### BEGIN SOLUTION
    real = real.detach().clone().requires_grad_()
    features = first(real)  # [B, c, h, w]
    features = F.leaky_relu(features, 0.2)
    logits = last(features.mean((2, 3)))  # [B, 1]
    (gradient,) = torch.autograd.grad(logits.sum(), real)
    return gradient.square().sum((1, 2, 3))
    ### STUB
    # real = real.detach().clone().requires_grad_()
    # features = first(real)  # [B, c, h, w]
    # features = F.batch_norm(features, None, None, training=True)
    # features = F.leaky_relu(features, 0.2)
    # logits = last(features.mean((2, 3)))  # [B, 1]
    # (gradient,) = torch.autograd.grad(logits.sum(), real)
    # return gradient.square().sum((1, 2, 3))
    ### END SOLUTION


# %% name="penalties-check" tags=["check"]
penalties = check.penalties(penalties)


# %% [markdown] lang="en" name="judge-both-card"
# ### 8. Find the bug: the fakes give the real ones away
#
# ★★ · 4 minutes · find the bug · *batch norm looks at the whole batch*
#
# One call in place of two, to save time: real and fake pictures go through the discriminator together. It has batch norm. In training its loss falls to nearly 0 at once, and the generator learns nothing. When only the fakes are changed, the logits of the *real* pictures change too.
#
# - `discriminator` gives logits `[B]` and is in training mode; `real` `[B, C, h, w]`, `fake` `[N, C, h, w]`.
# - Return the logits of the real `[B]` and of the fake pictures `[N]`. Each of the two kinds should be judged by itself, as one batch.
#
# <details><summary>Hint</summary>
#
# Batch norm subtracts the mean of the batch. In a mixed batch that mean lies between real and fake: afterwards the one kind is above it and the other below. The discriminator has only to look on which side a picture is; and in the generator's step, when all are fake, there are no sides.
#
# </details>
# %% [markdown] lang="hi" of="e2e6c089"
# ### 8. ग़लती ढूँढिए: नक़ली चित्र असली का भेद खोल देते हैं
#
# ★★ · 4 मिनट · ग़लती ढूँढिए · *बैच नॉर्म पूरे बैच को देखता है*
#
# समय बचाने के लिए डिस्क्रिमिनेटर को दो की जगह एक ही बार चलाया: असली और नक़ली चित्र साथ-साथ उसमें गए। उसमें बैच नॉर्म (batch norm) है। ट्रेनिंग में उसका लॉस फ़ौरन 0 के पास जा पहुँचता है, और जनरेटर कुछ नहीं सीखता। सिर्फ़ नक़ली चित्र बदलें, तो *असली* चित्रों के लॉजिट भी बदल जाते हैं।
#
# - `discriminator` लॉजिट `[B]` देता है और ट्रेनिंग मोड में है; `real` `[B, C, h, w]`, `fake` `[N, C, h, w]`।
# - असली चित्रों के लॉजिट `[B]` और नक़ली चित्रों के लॉजिट `[N]` लौटाइए। असली चित्र एक बैच हों और नक़ली दूसरा; दोनों की परख अलग-अलग हो।
#
# <details><summary>संकेत</summary>
#
# बैच नॉर्म बैच का औसत घटा देता है। मिले-जुले बैच में यह औसत असली और नक़ली के बीच पड़ता है: घटाने के बाद एक क़िस्म उसके ऊपर रहती है, दूसरी नीचे। डिस्क्रिमिनेटर को बस यह देखना है कि चित्र किस तरफ़ है। और जनरेटर के क़दम में, जहाँ सारे चित्र नक़ली हैं, कोई तरफ़ ही नहीं बचती।
#
# </details>
# %% name="judge-both" tags=["exercise"] points=2
def judge_both(discriminator: nn.Module, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """real [B, C, h, w], fake [N, C, h, w] -> logits of the real [B], logits of the fake [N]."""
    ### BEGIN SOLUTION
    return discriminator(real), discriminator(fake)
    ### STUB
    # logits = discriminator(torch.cat([real, fake]))
    # return logits[: len(real)], logits[len(real) :]
    ### END SOLUTION


# %% name="judge-both-check" tags=["check"]
judge_both = check.judge_both(judge_both)


# %% [markdown] lang="en" name="predict-average-card"
# ### 9. Predict: how fast an average follows
#
# ★ · 4 minutes · predict, then run · *what the decay of an EMA means in steps*
#
# A weight jumps from 0 to 1 and then stays there. Its moving average (EMA) was at 0; in each step it becomes `d · average + (1 - d) · weight`. Where is the average after {n} steps, with `d = 0.99`? And with `d = 0.999`?
#
# Return the two numbers, to three decimals at least. You may compute with Python.
#
# <details><summary>Hint</summary>
#
# Watch the distance that is left, `1 - average`. What does one step do to it?
#
# </details>
# %% [markdown] lang="hi" of="c97ffc71"
# ### 9. पहले बताइए: चलता औसत कितनी जल्दी पहुँचता है
#
# ★ · 4 मिनट · पहले बताइए, फिर चलाइए · *EMA के decay का मतलब, क़दमों में*
#
# एक भार 0 से उछलकर 1 हो गया, और फिर वहीं टिका रहा। उसका चलता औसत (EMA) 0 पर था; हर क़दम पर वह `d · average + (1 - d) · weight` हो जाता है। {n} क़दम बाद औसत कहाँ होगा, जब `d = 0.99`? और जब `d = 0.999`?
#
# दोनों संख्याएँ लौटाइए, दशमलव के कम-से-कम तीन अंकों तक। हिसाब Python से करवा सकते हैं।
#
# <details><summary>संकेत</summary>
#
# बची हुई दूरी पर नज़र रखिए, यानी `1 - average` पर। एक क़दम में उसका क्या होता है?
#
# </details>
# %% name="predict-average" tags=["exercise"] points=1
def predict_average() -> tuple[float, float]:
    """The average after {n} steps, with the decay 0.99 and with 0.999."""
    ### BEGIN SOLUTION
    return 1 - 0.99**100, 1 - 0.999**100
    ### END SOLUTION


# %% name="predict-average-check" tags=["check"]
predict_average = check.predict_average.given(n=100)(predict_average)

# %% [markdown] lang="en" name="predict-average-why"
# <details><summary>Why</summary>
#
# Each step keeps the share `d` of the distance that is left. After 100 steps `0.99 ** 100`, about 0.37, is left of it with the one decay, and `0.999 ** 100`, about 0.90, with the other. Half of the way takes about `0.69 / (1 - d)` steps: 69, or 693. So the decay has to fit the length of the training: with 0.999 and 500 steps `0.999 ** 500`, 0.61 of the average, is still the untrained network.
#
# </details>
# %% [markdown] lang="hi" of="2ae4359a"
# <details><summary>क्यों</summary>
#
# हर क़दम पर बची हुई दूरी का `d` हिस्सा ही रह जाता है। 100 क़दम बाद एक decay से `0.99 ** 100` बचा, लगभग 0.37; दूसरे से `0.999 ** 100`, लगभग 0.90। आधा रास्ता क़रीब `0.69 / (1 - d)` क़दम में कटता है: 69 में, या 693 में। इसलिए decay ट्रेनिंग की लंबाई देखकर चुनिए: decay 0.999 हो और क़दम 500 ही हों, तो औसत का `0.999 ** 500`, यानी 0.61 हिस्सा, अब भी वही नेटवर्क है जिसने कुछ सीखा नहीं था।
#
# </details>


# %% [markdown] lang="en" name="average-picture-card"
# ### 10. Find the bug: a good model, a bad average
#
# ★★ · 7 minutes · find the bug · *a network is more than its parameters*
#
# The pictures are drawn by an average of the generator's weights over time. The model itself draws well by now, and its average should draw better. Instead it draws as if it had only just begun, whatever the decay.
#
# - `average` and `model` are generators of the same form; `z` `[B, …]` random vectors. First the average is brought up to date (each parameter: `decay` of its own, `1 - decay` of the model's), then it draws in `eval()` mode.
# - Return its pictures. Mend it: what is not a parameter is to be **copied** from the model.
#
# <details><summary>Hint 1</summary>
#
# Print `dict(model.named_buffers()).keys()`. In `eval()` mode, batch norm divides by what?
#
# </details>
# <details><summary>Hint 2</summary>
#
# A second loop, over `average.buffers()` and `model.buffers()`, with `copy_`.
#
# </details>
# %% [markdown] lang="hi" of="678eef34"
# ### 10. ग़लती ढूँढिए: मॉडल अच्छा, उसका औसत ख़राब
#
# ★★ · 7 मिनट · ग़लती ढूँढिए · *नेटवर्क में पैरामीटर के सिवा भी कुछ होता है*
#
# यहाँ चित्र जनरेटर के भारों का चलता औसत बनाता है। मॉडल ख़ुद अब अच्छे चित्र बनाता है; औसत को उससे भी अच्छे बनाने चाहिए। पर वह ऐसे बनाता है जैसे ट्रेनिंग अभी-अभी शुरू हुई हो, decay चाहे जो रखें।
#
# - `average` और `model` एक ही बनावट के जनरेटर हैं; `z` `[B, …]` रैंडम वेक्टर। पहले औसत को ताज़ा किया जाता है (हर पैरामीटर में `decay` हिस्सा अपना, `1 - decay` हिस्सा मॉडल का), फिर वह `eval()` मोड में चित्र बनाता है।
# - उसके चित्र लौटाइए। इसे सुधारिए: जो पैरामीटर नहीं है, वह मॉडल से **कॉपी** किया जाए।
#
# <details><summary>संकेत 1</summary>
#
# `dict(model.named_buffers()).keys()` को print कीजिए। `eval()` मोड में बैच नॉर्म किस चीज़ से भाग देता है?
#
# </details>
# <details><summary>संकेत 2</summary>
#
# एक लूप और: `average.buffers()` और `model.buffers()` पर, `copy_` के साथ।
#
# </details>
# %% name="average-picture" tags=["exercise"] points=2
def average_picture(average: nn.Module, model: nn.Module, decay: float, z: Tensor) -> Tensor:
    """z [B, ...] -> pictures [B, C, h, w] of the average, brought up to date with the model."""
    ### BEGIN SOLUTION
    with torch.no_grad():
        for mine, new in zip(average.parameters(), model.parameters(), strict=True):
            mine.lerp_(new, 1 - decay)
        for mine, new in zip(average.buffers(), model.buffers(), strict=True):
            mine.copy_(new)
        return average.eval()(z)
    ### STUB
    # with torch.no_grad():
    #     for mine, new in zip(average.parameters(), model.parameters(), strict=True):
    #         mine.lerp_(new, 1 - decay)
    #     return average.eval()(z)
    ### END SOLUTION


# %% name="average-picture-check" tags=["check"]
average_picture = check.average_picture(average_picture)


# %% [markdown] lang="en" name="part-collapse"
# ## Collapse, and a picture to order
# %% [markdown] lang="hi" of="4790b795"
# ## मोड कोलैप्स, और माँगा हुआ चित्र
# %% [markdown] lang="en" name="predict-recall-card"
# ### 11. Predict: what a measure says of a collapse
#
# ★★ · 5 minutes · predict, then run · *precision and recall of a generator (Kynkäänniemi et al. 2019)*
#
# The real pictures are of {kinds} kinds, all equally frequent, and the kinds are quite unlike each other. The generator draws {drawn} of the kinds perfectly, and never any other. **Precision** is the share of fakes that lie among real pictures; **recall** is the share of real pictures that lie among fakes. How large are the two?
#
# Return precision and recall, as numbers from 0 to 1.
# %% [markdown] lang="hi" of="f00ea379"
# ### 11. पहले बताइए: मोड कोलैप्स को नापें तो क्या दिखेगा
#
# ★★ · 5 मिनट · पहले बताइए, फिर चलाइए · *जनरेटर का प्रिसिज़न (precision) और रिकॉल (recall) (Kynkäänniemi et al. 2019)*
#
# असली चित्र {kinds} क़िस्म के हैं, हर क़िस्म बराबर बार आती है, और क़िस्में एक-दूसरे से बहुत अलग हैं। जनरेटर इनमें से {drawn} क़िस्में एकदम सही बनाता है, और कोई दूसरी कभी नहीं। **प्रिसिज़न** बताता है कि नक़ली चित्रों का कितना हिस्सा असली चित्रों के बीच पड़ता है; **रिकॉल** बताता है कि असली चित्रों का कितना हिस्सा नक़ली चित्रों के बीच पड़ता है। दोनों कितने होंगे?
#
# पहले प्रिसिज़न लौटाइए, फिर रिकॉल; दोनों 0 से 1 के बीच की संख्याएँ।
# %% name="predict-recall" tags=["exercise"] points=2
def predict_recall() -> tuple[float, float]:
    """Precision and recall when {drawn} of {kinds} kinds are drawn, perfectly."""
    ### BEGIN SOLUTION
    return 1, 0.2
    ### END SOLUTION


# %% name="predict-recall-check" tags=["check"]
predict_recall = check.predict_recall.given(kinds=10, drawn=2)(predict_recall)

# %% [markdown] lang="en" name="predict-recall-why"
# <details><summary>Why</summary>
#
# Every fake is as good as a real picture and lies among real ones of its kind: precision 1. Of the real pictures only those of 2 kinds in 10 have fakes around them: recall 0.2. Precision alone would praise a generator that always draws the same picture; that is why the two are always given together.
#
# </details>
# %% [markdown] lang="hi" of="ada877ce"
# <details><summary>क्यों</summary>
#
# हर नक़ली चित्र असली जितना अच्छा है और अपनी क़िस्म के असली चित्रों के बीच पड़ता है: प्रिसिज़न 1। असली चित्रों में 10 में से 2 क़िस्में ही ऐसी हैं जिनके आसपास नक़ली चित्र हैं: रिकॉल 0.2। जनरेटर हर बार एक ही चित्र बनाए, तब भी अकेला प्रिसिज़न उसकी तारीफ़ ही करेगा; इसीलिए दोनों हमेशा साथ बताए जाते हैं।
#
# </details>


# %% [markdown] lang="en" name="minibatch-std-card"
# ### 12. Write: minibatch standard deviation
#
# ★★ · 8 minutes · write it · *a discriminator that can see a collapse (Karras et al. 2017)*
#
# A discriminator that judges each picture by itself cannot notice that all the fakes are the same. So it is shown how much the pictures of the batch differ: **one number**, as one more map beside the features.
#
# - `features` `[B, C, h, w]` → `[B, C + 1, h, w]`. The new map comes last and holds the same number everywhere, for all pictures.
# - The number: at each place of each channel the standard deviation **over the batch**, `√(variance + 1e-8)`, with the variance divided by `B`; then the mean of these over all channels and places.
#
# <details><summary>Hint 1</summary>
#
# `features.var(0, unbiased=False)` has the shape `[C, h, w]`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# A tensor with one number becomes a map by `number.expand(batch, 1, height, width)`; `torch.cat([…], dim=1)` lays it beside the channels.
#
# </details>
# %% [markdown] lang="hi" of="2ac666b4"
# ### 12. लिखिए: मिनीबैच का मानक विचलन
#
# ★★ · 8 मिनट · ख़ुद लिखिए · *ऐसा डिस्क्रिमिनेटर जिसे मोड कोलैप्स दिखे (Karras et al. 2017)*
#
# जो डिस्क्रिमिनेटर हर चित्र को अकेले परखता है, उसे पता ही नहीं चलता कि सारे नक़ली चित्र एक-से हैं। इसलिए उसे यह भी दिखाया जाता है कि बैच के चित्र आपस में कितने अलग हैं: **एक संख्या**, जो फ़ीचर के बग़ल में एक और मैप बनकर रखी जाती है। नाम है minibatch standard deviation।
#
# - `features` `[B, C, h, w]` → `[B, C + 1, h, w]`। नया मैप सबसे अंत में आता है, और उसमें हर जगह, हर चित्र के लिए, वही एक संख्या है।
# - वह संख्या: हर चैनल की हर जगह पर **बैच की दिशा में** मानक विचलन, `√(variance + 1e-8)`, जिसमें वेरिएंस `B` से भाग देकर बना हो; फिर सब चैनलों और सब जगहों पर इनका औसत।
#
# <details><summary>संकेत 1</summary>
#
# `features.var(0, unbiased=False)` का आकार `[C, h, w]` है।
#
# </details>
# <details><summary>संकेत 2</summary>
#
# एक संख्या वाला टेंसर `number.expand(batch, 1, height, width)` से मैप बन जाता है; `torch.cat([…], dim=1)` उसे चैनलों के बग़ल में रख देता है।
#
# </details>
# %% name="minibatch-std" tags=["exercise"] points=2
def minibatch_std(features: Tensor) -> Tensor:
    """features [B, C, h, w] -> [B, C + 1, h, w]; the last map says how much the pictures differ."""
    ### BEGIN SOLUTION
    batch, _, height, width = features.shape
    number = (features.var(0, unbiased=False) + 1e-8).sqrt().mean()
    return torch.cat([features, number.expand(batch, 1, height, width)], dim=1)
    ### END SOLUTION


# %% name="minibatch-std-check" tags=["check"]
minibatch_std = check.minibatch_std(minibatch_std)


# %% [markdown] lang="en" name="projection-logits-card"
# ### 13. Write: the logit of a picture and its label
#
# ★★ · 7 minutes · write it · *the projection discriminator: control over what is drawn (Miyato & Koyama 2018)*
#
# A conditional discriminator asks two things: does the picture look real at all, and does it fit its label? Its logit is a sum of two parts: `linear` of the features, and the dot product of the features with the vector that `embedding` has for the label.
#
# - `features` `[B, d]`, `label` `[B]` (numbers of classes), `linear` a layer from `d` to 1, `embedding` a table with a vector of `d` numbers for each class.
# - Return the logits `[B]`.
#
# <details><summary>Hint</summary>
#
# `linear(features)` is `[B, 1]`; take care when you add `[B]` to it. A dot product for each row: multiply, then `sum(1)`.
#
# </details>
# %% [markdown] lang="hi" of="6d18690d"
# ### 13. लिखिए: चित्र और उसके लेबल का लॉजिट
#
# ★★ · 7 मिनट · ख़ुद लिखिए · *प्रोजेक्शन डिस्क्रिमिनेटर (projection discriminator): जो कहें वही बने (Miyato & Koyama 2018)*
#
# लेबल देखने वाला (conditional) डिस्क्रिमिनेटर दो बातें पूछता है: चित्र असली जैसा लगता भी है? और अपने लेबल से मेल खाता है? उसका लॉजिट दो हिस्सों का जोड़ है: फ़ीचर पर `linear`, और फ़ीचर का उस वेक्टर के साथ डॉट प्रोडक्ट जो `embedding` में इस लेबल का है।
#
# - `features` `[B, d]`, `label` `[B]` (क्लास के नंबर), `linear` लेयर `d` से 1 तक, `embedding` में हर क्लास का `d` संख्याओं वाला वेक्टर।
# - लॉजिट `[B]` लौटाइए।
#
# <details><summary>संकेत</summary>
#
# `linear(features)` का आकार `[B, 1]` है; उसमें `[B]` जोड़ते समय सँभलिए। हर पंक्ति का डॉट प्रोडक्ट: गुणा कीजिए, फिर `sum(1)`।
#
# </details>
# %% name="projection-logits" tags=["exercise"] points=2
def projection_logits(
    features: Tensor, label: Tensor, linear: nn.Linear, embedding: nn.Embedding
) -> Tensor:
    """features [B, d], label [B] -> logits [B]."""
    ### BEGIN SOLUTION
    fits = (features * embedding(label)).sum(1)
    return linear(features).squeeze(1) + fits
    ### END SOLUTION


# %% name="projection-logits-check" tags=["check"]
projection_logits = check.projection_logits(projection_logits)


# %% [markdown] lang="en" name="part-bigger"
# ## Bigger pictures
# %% [markdown] lang="hi" of="afed70bb"
# ## बड़े चित्र
# %% [markdown] lang="en" name="predict-size-card"
# ### 14. Predict: the size after a transposed convolution
#
# ★ · 4 minutes · predict, then run · *“stride 2” is not “twice the size”*
#
# A picture of {h} rows and {w} columns goes through `nn.ConvTranspose2d(…, kernel_size={k}, stride=2, padding=2)`. How many rows and columns come out?
#
# Return the two numbers.
#
# <details><summary>Hint</summary>
#
# Each pixel lays down a whole kernel, and neighbouring pixels lay theirs 2 apart. From the first kernel's beginning to the last one's end: how far is it? Then `padding` cuts 2 off every side: here it is the other way round than in a convolution.
#
# </details>
# %% [markdown] lang="hi" of="e0740b08"
# ### 14. पहले बताइए: ट्रांसपोज़्ड कनवॉल्यूशन के बाद कितना बड़ा
#
# ★ · 4 मिनट · पहले बताइए, फिर चलाइए · *“स्ट्राइड 2” का मतलब “दोगुना” नहीं*
#
# {h} पंक्तियों और {w} कॉलमों का एक चित्र `nn.ConvTranspose2d(…, kernel_size={k}, stride=2, padding=2)` से गुज़रता है, यानी ट्रांसपोज़्ड कनवॉल्यूशन (transposed convolution) से। निकलते समय कितनी पंक्तियाँ और कितने कॉलम होंगे?
#
# दोनों संख्याएँ लौटाइए।
#
# <details><summary>संकेत</summary>
#
# हर पिक्सल पूरा एक कर्नेल बिछाता है, और पास-पास के पिक्सल अपने कर्नेल 2 की दूरी पर बिछाते हैं। पहले कर्नेल की शुरुआत से आख़िरी के अंत तक कितनी दूरी हुई? फिर `padding` हर किनारे से 2 काट देता है: कनवॉल्यूशन से ठीक उलटा।
#
# </details>
# %% name="predict-size" tags=["exercise"] points=1
def predict_size() -> tuple[int, int]:
    """Rows and columns after a transposed convolution of {h}×{w} pixels."""
    ### BEGIN SOLUTION
    return 7, 11
    ### END SOLUTION


# %% name="predict-size-check" tags=["check"]
predict_size = check.predict_size.given(h=4, w=6, k=5)(predict_size)

# %% [markdown] lang="en" name="predict-size-why"
# <details><summary>Why</summary>
#
# The 4 rows lay down 4 kernels, 2 apart: from the first kernel's beginning to the last one's is 3 · 2 = 6, and the last kernel is 5 long, 11 in all. The padding cuts off 2 above and 2 below: 7. In the same way 6 columns become 5 · 2 + 5 - 4 = 11. It is twice the size only where kernel - 2 · padding is the stride, as with kernel 4 and padding 1.
#
# </details>
# %% [markdown] lang="hi" of="298bcde8"
# <details><summary>क्यों</summary>
#
# 4 पंक्तियाँ 4 कर्नेल बिछाती हैं, 2-2 की दूरी पर: पहले कर्नेल की शुरुआत से आख़िरी की शुरुआत तक 3 · 2 = 6, और आख़िरी कर्नेल 5 लंबा है, कुल 11। पैडिंग ऊपर से 2 और नीचे से 2 काट देती है: 7। इसी तरह 6 कॉलम 5 · 2 + 5 - 4 = 11 हो जाते हैं। आकार दोगुना तभी होता है जब कर्नेल - 2 · पैडिंग ठीक स्ट्राइड के बराबर हो, जैसे कर्नेल 4 और पैडिंग 1 पर।
#
# </details>


# %% [markdown] lang="en" name="transposed-conv-card"
# ### 15. Write: a transposed convolution from an ordinary one
#
# ★★★ · 12 minutes · write it · *what “deconvolution” really is: zeros in between, then a convolution*
#
# A transposed convolution lets each pixel lay down the kernel, times the pixel's value, `stride` apart; where kernels overlap, they add up. An ordinary convolution does the same in three steps: put `stride - 1` zeros **between** the pixels, put a border of zeros around, and convolve with the kernel turned by 180°.
#
# - `x` `[B, c_in, h, w]`, `weight` `[c_in, c_out, k, k]` (as in `nn.ConvTranspose2d`; no padding, no bias).
# - Return `[B, c_out, (h - 1) · stride + k, (w - 1) · stride + k]`, with `F.conv2d` and not with a ready transposed convolution.
#
# <details><summary>Hint 1</summary>
#
# The zeros: make `x.new_zeros(…)` of height `(h - 1) * stride + 1`, and set `wide[:, :, ::stride, ::stride] = x`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The border is `k - 1` wide (`padding=k - 1`): then the kernel's last corner meets the first pixel.
#
# </details>
# <details><summary>Hint 3</summary>
#
# `weight.flip(2, 3)` turns the kernel. `F.conv2d` wants the weight as `[c_out, c_in, k, k]`: `transpose(0, 1)`.
#
# </details>
# %% [markdown] lang="hi" of="253da174"
# ### 15. लिखिए: साधारण कनवॉल्यूशन से ट्रांसपोज़्ड कनवॉल्यूशन
#
# ★★★ · 12 मिनट · ख़ुद लिखिए · *“deconvolution” असल में है क्या: बीच-बीच में शून्य, फिर कनवॉल्यूशन*
#
# ट्रांसपोज़्ड कनवॉल्यूशन में हर पिक्सल अपने मान से गुणा करके कर्नेल बिछाता है, `stride` की दूरी पर; जहाँ कर्नेल एक-दूसरे पर चढ़ जाएँ, वहाँ वे जुड़ जाते हैं। साधारण कनवॉल्यूशन भी यही कर सकता है, तीन क़दम में: पिक्सलों के **बीच** में `stride - 1` शून्य रखिए, चारों ओर शून्यों की किनारी लगाइए, और 180° घुमाए हुए कर्नेल से कनवॉल्यूशन कीजिए।
#
# - `x` `[B, c_in, h, w]`, `weight` `[c_in, c_out, k, k]` (जैसा `nn.ConvTranspose2d` में; न पैडिंग, न बायस)।
# - `[B, c_out, (h - 1) · stride + k, (w - 1) · stride + k]` लौटाइए; `F.conv2d` से बनाइए, बना-बनाया ट्रांसपोज़्ड कनवॉल्यूशन मत लीजिए।
#
# <details><summary>संकेत 1</summary>
#
# शून्य कैसे रखें: `(h - 1) * stride + 1` ऊँचाई का `x.new_zeros(…)` बनाइए, फिर `wide[:, :, ::stride, ::stride] = x`।
#
# </details>
# <details><summary>संकेत 2</summary>
#
# किनारी `k - 1` चौड़ी है (`padding=k - 1`): तब कर्नेल का आख़िरी कोना पहले पिक्सल पर पड़ता है।
#
# </details>
# <details><summary>संकेत 3</summary>
#
# `weight.flip(2, 3)` कर्नेल को घुमा देता है। `F.conv2d` को भार `[c_out, c_in, k, k]` के रूप में चाहिए: `transpose(0, 1)`।
#
# </details>
# %% name="transposed-conv" tags=["exercise"] points=3
def transposed_conv(x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """x [B, c_in, h, w], weight [c_in, c_out, k, k] -> [B, c_out, (h-1)·stride+k, …]."""
    ### BEGIN SOLUTION
    batch, channels, height, width = x.shape
    wide = x.new_zeros(batch, channels, (height - 1) * stride + 1, (width - 1) * stride + 1)
    wide[:, :, ::stride, ::stride] = x
    return F.conv2d(wide, weight.flip(2, 3).transpose(0, 1), padding=weight.shape[-1] - 1)
    ### END SOLUTION


# %% name="transposed-conv-check" tags=["check"]
transposed_conv = check.transposed_conv(transposed_conv)

# %% [markdown] lang="en" name="checkerboard"
# Your function shows where checkerboards come from. Every pixel of a 5×5 picture and every number of the kernel is 1, so what comes out counts how many kernels reach a place. With stride 2 and a kernel of 3 some places get four times as much as others close by, before anything has been learnt. A kernel of 4, which the stride divides, is even inside (Odena et al. 2016).
# %% [markdown] lang="hi" of="d5052387"
# आपका फ़ंक्शन दिखा देता है कि शतरंज की बिसात जैसा पैटर्न (चेकरबोर्ड गड़बड़ियाँ, checkerboard artifacts) आता कहाँ से है। 5×5 चित्र का हर पिक्सल 1 है और कर्नेल की हर संख्या भी 1, इसलिए नतीजा बताता है कि किस जगह तक कितने कर्नेल पहुँचे। स्ट्राइड 2 और कर्नेल 3 हो, तो कुछ जगहों को आसपास की दूसरी जगहों से चार गुना मिलता है, और वह भी तब जब अभी कुछ सीखा ही नहीं गया। कर्नेल 4 हो, जो स्ट्राइड से पूरा कट जाता है, तो किनारों के सिवा हर जगह बराबर मिलता है (Odena et al. 2016)।
# %% name="checkerboard-claim" tags=["nbval-check-output"]
ones = torch.ones(1, 1, 5, 5)
counts = {k: transposed_conv(ones, torch.ones(1, 1, k, k), 2)[0, 0] for k in (3, 4)}
titles = [t("Kernel 3: a checkerboard"), t("Kernel 4: even inside")]
figure, axes = plt.subplots(1, 2, figsize=(8, 4))
for axis, count, title in zip(axes, counts.values(), titles, strict=True):
    axis.imshow(count.numpy(), vmin=0, vmax=4)
    axis.set_title(title)
    axis.set_axis_off()
plots.show(
    figure,
    alt=t("Left a checkerboard of 1, 2 and 4 kernels; right one even colour inside the border"),
)
for k, count in counts.items():
    inside = count[2:-2, 2:-2].unique().int().tolist()
    print(t("kernel {k}: kernels that reach a place inside: {inside}", k=k, inside=inside))
assert len(counts[3][2:-2, 2:-2].unique()) == 3 and len(counts[4][2:-2, 2:-2].unique()) == 1


# %% [markdown] lang="en" name="fade-in-card"
# ### 16. Write: fading in a new layer
#
# ★ · 5 minutes · write it · *how progressive growing adds a layer without a shock (Karras et al. 2017)*
#
# A generator of small pictures gets a new layer that doubles the size. At first its pictures are noise. So they are mixed in slowly: `alpha` goes from 0 (the old picture only, enlarged) to 1 (the new picture only).
#
# - `small` `[B, C, h, w]`: the old picture. `large` `[B, C, 2h, 2w]`: the new layer's. `alpha`: a number from 0 to 1.
# - Return the mixture `[B, C, 2h, 2w]`. The old picture is enlarged without smoothing: each pixel becomes 2×2 pixels.
#
# <details><summary>Hint</summary>
#
# `F.interpolate(small, scale_factor=2)` repeats the pixels when it is told nothing else.
#
# </details>
# %% [markdown] lang="hi" of="a2c0c5ad"
# ### 16. लिखिए: नई लेयर को धीरे-धीरे मिलाना
#
# ★ · 5 मिनट · ख़ुद लिखिए · *प्रोग्रेसिव ग्रोइंग (progressive growing) में नई लेयर बिना झटके के कैसे जुड़ती है (Karras et al. 2017)*
#
# छोटे चित्र बनाने वाले जनरेटर में एक नई लेयर जुड़ती है, जो चित्र को दोगुना बड़ा करती है। शुरू में उसके चित्र निरा शोर (noise) होते हैं। इसलिए उन्हें धीरे-धीरे मिलाते हैं (फ़ेड-इन, fade-in): `alpha` 0 से चलता है (सिर्फ़ पुराना चित्र, बड़ा किया हुआ) और 1 तक जाता है (सिर्फ़ नया चित्र)।
#
# - `small` `[B, C, h, w]`: पुराना चित्र। `large` `[B, C, 2h, 2w]`: नई लेयर का चित्र। `alpha`: 0 से 1 के बीच की एक संख्या।
# - मिला हुआ चित्र `[B, C, 2h, 2w]` लौटाइए। पुराने चित्र को बड़ा कीजिए, पर चिकना मत कीजिए: हर पिक्सल 2×2 पिक्सल बन जाए।
#
# <details><summary>संकेत</summary>
#
# `F.interpolate(small, scale_factor=2)` को और कुछ न बताएँ, तो वह पिक्सल को ही दोहरा देता है।
#
# </details>
# %% name="fade-in" tags=["exercise"] points=1
def fade_in(small: Tensor, large: Tensor, alpha: float) -> Tensor:
    """small [B, C, h, w], large [B, C, 2h, 2w] -> [B, C, 2h, 2w]."""
    ### BEGIN SOLUTION
    return (1 - alpha) * F.interpolate(small, scale_factor=2) + alpha * large
    ### END SOLUTION


# %% name="fade-in-check" tags=["check"]
fade_in = check.fade_in(fade_in)

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
