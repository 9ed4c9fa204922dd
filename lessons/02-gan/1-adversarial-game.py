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
# # 2.1 · The adversarial game: a forger and an appraiser
#
# A forger paints, an appraiser says "real" or "forged", and each grows better because the other does. A **GAN** (generative adversarial network) is this game between two networks.
# Here you play it where all its numbers fit on the screen: first with three numbers, then with points in the plane. You make it circle, stall and collapse, and cure it each time.
#
# **You need** Python, a little PyTorch, and what a gradient is. **Time**: about an hour to read and try; *Run all* takes about a minute on two CPU cores.
# %% [markdown] lang="hi" of="e1502039"
# # 2.1 · टक्कर का खेल: जालसाज़ और पारखी
#
# एक जालसाज़ चित्र बनाता है, एक पारखी देखकर कहता है "असली" या "नक़ली"; दोनों एक-दूसरे की वजह से ही बेहतर होते जाते हैं। **GAN** (generative adversarial network) दो नेटवर्कों के बीच यही खेल है।
# यहाँ आप इसे इतने छोटे रूप में खेलेंगे कि सारी संख्याएँ स्क्रीन पर आ जाएँ: पहले तीन संख्याओं से, फिर समतल पर बिखरे बिंदुओं से। आप ख़ुद इससे चक्कर कटवाएँगे, इसे अटकाएँगे और ढहाएँगे, और हर बार ठीक भी करेंगे।
#
# **क्या आना चाहिए**: Python, थोड़ा PyTorch, और यह कि ग्रेडिएंट क्या होता है। **समय**: पढ़ने और आज़माने में लगभग एक घंटा; *Run all* दो CPU कोर पर लगभग एक मिनट लेता है।

# %% tags=["start"]
# %% name="imports" tags=["export"]
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from common import plots, quiz
from common.interact import interact
from common.lang import t

# %% [markdown] lang="en" name="preview-text"
# This is what you will have built. The grey points are real: eight heaps on a ring. The blue ones are made from random numbers by a network that never saw a single grey point;
# it only ever heard its opponent's verdict. In a few hundred steps it finds the ring.
# %% [markdown] lang="hi" of="f35c75ad"
# अंत तक आप यह बना चुके होंगे। स्लेटी बिंदु असली हैं: एक घेरे पर आठ ढेर। नीले बिंदु एक नेटवर्क ने रैंडम संख्याओं से बनाए हैं; उसने एक भी स्लेटी बिंदु कभी नहीं देखा,
# बस अपने विरोधी का फ़ैसला सुना। कुछ सौ क़दमों में वह घेरा ढूँढ लेता है।
# %% name="preview"
# You will meet every line of this below. (It trains for a few seconds.)
from common.gan import SideBySide, draw_points, play

preview = play(
    SideBySide([2, 64, 64, 2], seeds=[0]).to(device),
    SideBySide([2, 64, 64, 1], seeds=[50]).to(device),
    steps=480,
    rates=(1e-3, 1e-2),
    look_every=80,
)
figure, axes = plt.subplots(1, 6, figsize=(9, 1.8), layout="constrained")
for ax, look in zip(axes, preview, strict=True):
    draw_points(ax, look.points[0], title=t("step {n}", n=look.step))
plots.show(
    figure,
    alt=t(
        "Six frames: blue points start as a cloud and gather, step by step, on the ring of grey heaps"
    ),
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
quiz.show("02-gan", "before")

# %% [markdown] lang="en" name="generative-model"
# ## 1 · A model that makes
#
# A classifier gets a picture and gives a label. A **generative model** gives *pictures*: new ones, of the kind that it was shown. Put differently, the examples are draws from a distribution that nobody can write down,
# and the model is a machine for drawing more from it.
#
# One such machine is the **VAE** (variational autoencoder). An encoder squeezes each picture into a few numbers, a *latent*, with some noise added; a decoder restores the picture from them. The latents are kept close to a normal distribution,
# so afterwards you can throw dice for a latent and decode it. It trains steadily, because there is one loss that only has to fall. But that loss compares pixel with pixel: where several pictures are possible, their *mean* is the safest answer, and a mean is blurred.
#
# What if nobody compared pixels? What if the only question were: **could this be real?** That question is a network too.
# %% [markdown] lang="hi" of="2a5e5875"
# ## 1 · बनाने वाला मॉडल
#
# क्लासिफ़ायर को चित्र दीजिए, वह लेबल देता है। **जनरेटिव मॉडल** (generative model) *चित्र* देता है: नए चित्र, पर वैसे ही जैसे उसे दिखाए गए थे। दूसरे शब्दों में, हमारे उदाहरण किसी ऐसे वितरण (distribution) से निकले नमूने हैं जिसे कोई लिख नहीं सकता,
# और मॉडल उसी से और नमूने निकालने की मशीन है।
#
# ऐसी एक मशीन **VAE** (वेरिएशनल ऑटोएनकोडर, variational autoencoder) है। उसका एनकोडर हर चित्र को थोड़ी-सी संख्याओं यानी *लेटेंट* (latent) में समेटता है और उनमें ज़रा-सा शोर मिलाता है; डिकोडर उन्हीं से चित्र वापस बनाता है। लेटेंट को नॉर्मल वितरण (normal distribution) के पास रखा जाता है,
# ताकि बाद में पासा फेंककर कोई भी लेटेंट चुनें और डिकोडर से चित्र बनवा लें। ट्रेनिंग आराम से चलती है, क्योंकि लॉस एक ही है और उसे बस घटना है। पर वह लॉस पिक्सल से पिक्सल मिलाता है: जहाँ कई चित्र संभव हों वहाँ सबसे सुरक्षित जवाब उनका *औसत* है, और औसत धुँधला होता है।
#
# पिक्सल मिलाए ही न जाएँ तो? सवाल बस इतना हो: **क्या यह असली हो सकता है?** यह सवाल पूछने का काम भी एक नेटवर्क को दे दीजिए।

# %% [markdown] lang="en" name="two-players"
# Two players, then:
#
# - The **generator** G takes a random vector z and makes a sample G(z). It has no input but dice; all the variety of its pictures comes from z.
# - The **discriminator** D takes a sample and says how sure it is that the sample is real. It is an ordinary *classifier* with two classes. Its last layer gives one number, the **logit**: above 0 means real. The logistic function σ(logit) = 1/(1 + e⁻ˡᵒᵍⁱᵗ) turns it into a probability.
#
# Take the smallest world there is: the flames of clay lamps, and their heights in cm. Real flames are about 4 high. The generator has *one* number θ, and shifts the dice: G(z) = z + θ. The discriminator has *two*, a slope and a bias: logit = w·x + b.
# %% [markdown] lang="hi" of="989ba924"
# तो दो खिलाड़ी हैं:
#
# - **जनरेटर** (generator) G एक रैंडम वेक्टर z लेता है और नमूना G(z) बनाता है। पासे के सिवा उसके पास कोई इनपुट नहीं; उसके चित्रों की सारी विविधता z से आती है।
# - **डिस्क्रिमिनेटर** (discriminator) D नमूना देखकर बताता है कि उसे कितना भरोसा है कि यह असली है। यह दो क्लासों वाला साधारण *क्लासिफ़ायर* है। आख़िरी लेयर एक संख्या देती है, **लॉजिट** (logit): 0 से ऊपर यानी असली। लॉजिस्टिक फ़ंक्शन σ(logit) = 1/(1 + e⁻ˡᵒᵍⁱᵗ) उसे प्रायिकता में बदलता है।
#
# सबसे छोटी दुनिया लेते हैं: दीये की लौ की ऊँचाई, सेंटीमीटर में। असली लौ की ऊँचाई लगभग 4 होती है। जनरेटर के पास *एक* संख्या θ है, जिससे वह पासे को खिसकाता है: G(z) = z + θ। डिस्क्रिमिनेटर के पास *दो* हैं, ढाल (slope) और बायस (bias): logit = w·x + b।
# %% name="three-numbers"
real = torch.tensor([3.2, 3.8, 4.3, 4.7])  # four real flames
z = torch.tensor([-0.8, -0.2, 0.3, 0.7])  # four throws of the dice
theta = torch.tensor(1.0, requires_grad=True)  # the generator
w = torch.tensor(0.0, requires_grad=True)  # the discriminator …
b = torch.tensor(0.0, requires_grad=True)  # … which has no opinion yet
fake = z + theta
plots.table(
    [
        [t("real"), *real.tolist()],
        [t("dice z"), *z.tolist()],
        [t("made: z + θ"), *fake.tolist()],
        [t("P(real), real flames"), *torch.sigmoid(w * real + b).tolist()],
        [t("P(real), made flames"), *torch.sigmoid(w * fake + b).tolist()],
    ],
    columns=["", "1", "2", "3", "4"],
    caption=t("θ = 1, w = 0, b = 0: the appraiser says ½ to everything"),
)


# %% [markdown] lang="en" name="discriminator-text"
# ## 2 · One turn each
#
# **The discriminator's turn: real is 1, fake is 0.** As for any classifier, the loss is binary cross-entropy (ℓ is the logit of a sample, n the number of samples):
#
# $$L_D = -\tfrac1n\sum_i \log\sigma(\ell_i^{\text{real}}) - \tfrac1n\sum_i \log\big(1-\sigma(\ell_i^{\text{fake}})\big)$$
#
# Never compute σ first and the logarithm after: at a logit of −1000, σ is 0 in a computer, and its logarithm −∞. Since $-\log\sigma(\ell) = \log(1+e^{-\ell}) = \mathrm{softplus}(-\ell)$, and $-\log(1-\sigma(\ell)) = \mathrm{softplus}(\ell)$, there is no need to.
# %% [markdown] lang="hi" of="038c06e8"
# ## 2 · दोनों की एक-एक चाल
#
# **डिस्क्रिमिनेटर की चाल: असली का लेबल 1, नक़ली का 0।** किसी भी क्लासिफ़ायर की तरह लॉस binary cross-entropy है (ℓ नमूने का लॉजिट है, n नमूनों की गिनती):
#
# $$L_D = -\tfrac1n\sum_i \log\sigma(\ell_i^{\text{real}}) - \tfrac1n\sum_i \log\big(1-\sigma(\ell_i^{\text{fake}})\big)$$
#
# पहले σ और फिर लघुगणक (log) कभी मत निकालिए: लॉजिट −1000 हो तो कंप्यूटर में σ ठीक 0 हो जाता है और उसका log −∞। इसकी ज़रूरत भी नहीं, क्योंकि $-\log\sigma(\ell) = \log(1+e^{-\ell}) = \mathrm{softplus}(-\ell)$ और $-\log(1-\sigma(\ell)) = \mathrm{softplus}(\ell)$।
# %% name="discriminator-loss" tags=["export"]
def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-E log σ(real) - E log(1 - σ(fake)), any shapes: real is labelled 1, fake is labelled 0.

    Goodfellow et al. 2014, equation 1, with the sign turned. softplus(x) = log(1 + eˣ) does not
    overflow, as log σ would.
    """
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


# %% name="extreme-logits" tags=["nbval-check-output"]
sure = torch.tensor([-1000.0])  # D is certain that this real flame is forged
print(t("σ first, log after:"), (-torch.sigmoid(sure).log()).item())
print(t("softplus:"), discriminator_loss(sure, torch.tensor([-1000.0])).item())

# %% [markdown] lang="en" name="discriminator-step-text"
# The step, line by line. Two things to watch. The made flames are **detached**: D learns to tell them apart, but its lesson must not move θ. And the gradient has a meaning that you can read off: each sample pulls with "how wrong were you about me?"
#
# $$\frac{\partial L_D}{\partial w} = \tfrac1n\sum_i -\big(1-\sigma(\ell_i^{\text{real}})\big)\,x_i^{\text{real}} + \tfrac1n\sum_i \sigma(\ell_i^{\text{fake}})\,x_i^{\text{fake}}$$
# %% [markdown] lang="hi" of="781ea7b8"
# अब यह चाल, पंक्ति-दर-पंक्ति। दो बातों पर ध्यान दीजिए। बनाई हुई लौ **detach** की गई हैं: D उन्हें पहचानना सीखता है, पर इस सीख से θ नहीं हिलना चाहिए। और ग्रेडिएंट को पढ़कर समझा जा सकता है: हर नमूना उतने ही ज़ोर से खींचता है जितना D उसके बारे में ग़लत था।
#
# $$\frac{\partial L_D}{\partial w} = \tfrac1n\sum_i -\big(1-\sigma(\ell_i^{\text{real}})\big)\,x_i^{\text{real}} + \tfrac1n\sum_i \sigma(\ell_i^{\text{fake}})\,x_i^{\text{fake}}$$
# %% name="discriminator-step"
rate = 0.5
fake = (z + theta).detach()  # 1. make flames; θ is not to learn from this turn
real_logits, fake_logits = w * real + b, w * fake + b  # 2. the appraiser looks at both
loss_d = discriminator_loss(real_logits, fake_logits)  # 3. real is 1, fake is 0
loss_d.backward()  # 4. gradients of w and b
by_hand = (-(1 - torch.sigmoid(real_logits)) * real + torch.sigmoid(fake_logits) * fake).mean()
print(t("gradient of w: autograd {a:.3f}, by hand {h:.3f}", a=w.grad.item(), h=by_hand.item()))
print(t("did a gradient reach θ? {yes}", yes=t("yes") if theta.grad is not None else t("no")))
assert torch.isclose(w.grad, by_hand) and theta.grad is None

with torch.no_grad():  # 5. a step downhill
    w -= rate * w.grad
    b -= rate * b.grad
w.grad, b.grad = None, None
after = discriminator_loss(w * real + b, w * fake + b)
print(f"w = {w.item():.3f}, b = {b.item():.3f}; L_D {loss_d.item():.3f} → {after.item():.3f}")
assert after < loss_d


# %% [markdown] lang="en" name="generator-text"
# **The generator's turn: the target is 1, and D is frozen.** G wants its flames to be called real. So it makes new ones, shows them to D, asks for the label 1, and changes θ alone. D is not to learn now; but the gradient must pass *through* it,
# for it is D's slope that tells G which way "more real" lies.
#
# There are two ways to write this wish. Section 5 is about the difference; for now we take the second.
# %% [markdown] lang="hi" of="ea626566"
# **जनरेटर की चाल: लक्ष्य 1, और D फ़्रीज़।** G चाहता है कि उसकी लौ असली कहलाए। तो वह नई लौ बनाता है, D को दिखाता है, लेबल 1 माँगता है, और सिर्फ़ θ बदलता है। इस बार D को नहीं सीखना; पर ग्रेडिएंट को D के *भीतर से होकर* गुज़रना ही होगा,
# क्योंकि D की ढाल ही G को बताती है कि "ज़्यादा असली" किस ओर है।
#
# यह इच्छा दो तरह से लिखी जा सकती है। दोनों का फ़र्क़ सेक्शन 5 में है; अभी दूसरा तरीक़ा लेते हैं।
# %% name="generator-losses" tags=["export"]
def saturating_loss(fake_logits: Tensor) -> Tensor:
    """E log(1 - σ(fake)): the generator's side of the minimax game. It is negative."""
    return -F.softplus(fake_logits).mean()


def non_saturating_loss(fake_logits: Tensor) -> Tensor:
    """-E log σ(fake): as if the fakes were labelled 1."""
    return F.softplus(-fake_logits).mean()


# %% name="generator-step"
w.requires_grad_(False)  # 1. D is frozen: nothing of it will change …
b.requires_grad_(False)
fake = z + theta  # 2. new flames, not detached
fake_logits = w * fake + b  # 3. … but the gradient goes through it
loss_g = non_saturating_loss(fake_logits)  # 4. the target is 1
loss_g.backward()
by_hand = (-(1 - torch.sigmoid(fake_logits)) * w).mean()
print(t("gradient of θ: autograd {a:.3f}, by hand {h:.3f}", a=theta.grad.item(), h=by_hand.item()))
print(t("did a gradient stay in D? {yes}", yes=t("yes") if w.grad is not None else t("no")))
assert torch.isclose(theta.grad, by_hand) and w.grad is None

with torch.no_grad():
    theta -= rate * theta.grad  # 5. θ alone takes a step
print(t("θ: 1 → {theta:.3f}. Real flames are about 4.", theta=theta.item()))
assert theta > 1


# %% [markdown] lang="en" name="minimax-text"
# ## 3 · Minimax: the highest point, made as low as possible
#
# Seen from above, both turn the same knob. Goodfellow et al. (2014) wrote it as a **value** that D pushes up and G pushes down:
#
# $$\min_G \max_D V(D,G) = \mathbb{E}_{x\sim \text{real}}[\log D(x)] + \mathbb{E}_{z}[\log(1-D(G(z)))]$$
#
# with D = σ(logit); 𝔼 is the mean, over real samples x or over dice z. `discriminator_loss` is −V. Read it from the inside: for each θ, D climbs as high as it can; then G picks the θ where that summit is lowest. The best D is $p_{\text{real}}/(p_{\text{real}}+p_{\text{fake}})$: of all samples that look like this one, the share that is real (the sum of the quiz's red ball). If real flames spread like a bell of width 1 around 4, and made ones around θ,
# its logit is a straight line, w = 4 − θ and b = (θ² − 16)/2: our two numbers suffice. At the bottom real and made are alike, D can only say ½, and V = 2·log ½ = −log 4. Is that so?
# %% [markdown] lang="hi" of="61547313"
# ## 3 · मिनिमैक्स (minimax): सबसे ऊँची चोटी, जितनी नीची हो सके
#
# ऊपर से देखें तो दोनों एक ही संख्या के लिए लड़ रहे हैं। Goodfellow और साथियों (2014) ने उसे **वैल्यू फ़ंक्शन** V लिखा, जिसे D ऊपर धकेलता है और G नीचे:
#
# $$\min_G \max_D V(D,G) = \mathbb{E}_{x\sim \text{real}}[\log D(x)] + \mathbb{E}_{z}[\log(1-D(G(z)))]$$
#
# यहाँ D = σ(logit) है, 𝔼 का मतलब है औसत (असली नमूनों x पर या पासों z पर), और `discriminator_loss` असल में −V ही है। इसे अंदर से पढ़िए: हर θ पर D जितना ऊँचा चढ़ सके चढ़ता है; फिर G वह θ चुनता है जहाँ यह चोटी सबसे नीची हो। सबसे अच्छा D है $p_{\text{real}}/(p_{\text{real}}+p_{\text{fake}})$: ऐसे दिखने वाले सब नमूनों में असली का हिस्सा (क्विज़ की लाल गेंद वाला हिसाब)। असली लौ 4 के आसपास और बनाई हुई θ के आसपास एक जैसी फैली हों (नॉर्मल वितरण, चौड़ाई 1),
# तो उसका लॉजिट सीधी रेखा निकलता है, w = 4 − θ और b = (θ² − 16)/2: यानी हमारी दो संख्याएँ काफ़ी हैं। सबसे नीचे असली और नक़ली एक-से हैं, D बस ½ कह सकता है, और V = 2·log ½ = −log 4। क्या सचमुच ऐसा है?
# %% name="minimax"
generator = torch.Generator().manual_seed(0)
flames = 4 + torch.randn(20_000, generator=generator)  # real
dice = torch.randn(20_000, generator=generator)


def value(theta: float, w: float, b: float) -> float:
    """V of the game: real flames around 4, made flames around theta, logit w·x + b."""
    return -discriminator_loss(w * flames + b, w * (dice + theta) + b).item()


thetas = torch.linspace(0, 8, 41).tolist()
summits = [value(theta, 4 - theta, (theta**2 - 16) / 2) for theta in thetas]
timid = [value(theta, 0.3 * (4 - theta), 0.3 * (theta**2 - 16) / 2) for theta in thetas]
bold = [value(theta, 3 * (4 - theta), 3 * (theta**2 - 16) / 2) for theta in thetas]
lowest = thetas[torch.tensor(summits).argmin()]

figure, ax = plt.subplots(figsize=(6.2, 3.1), layout="constrained")
ax.plot(thetas, summits, label=t("the best D"))
ax.plot(thetas, timid, ":", label=t("logits × 0.3"))
ax.plot(thetas, bold, "--", label=t("logits × 3"))
ax.axhline(-math.log(4), color="grey", linewidth=1)
ax.text(0, -math.log(4) - 0.12, "−log 4")
ax.set(xlabel=t("θ, the generator"), ylabel="V", ylim=(-2.2, 0))
ax.set_title(t("D climbs; G looks for the lowest summit, and finds it at the real 4"))
ax.legend()
plots.show(
    figure, alt=t("Three curves over θ with a minimum at 4, −log 4; the best D's is the highest")
)
assert abs(lowest - 4) < 0.21 and abs(min(summits) + math.log(4)) < 0.01
assert all(best >= max(others) - 1e-3 for best, *others in zip(summits, timid, bold, strict=True))
measured = [[t("V where G is best, against −log 4"), min(summits), -math.log(4), t("theory")]]


# %% [markdown] lang="en" name="circle-text"
# ## 4 · Two players circle
#
# So there is a best point. Do two players who each step downhill get there? Gradient descent on *one* loss would. Here each step of one changes the landscape of the other.
#
# Take away all but the bone: one real sample, at 0; one made sample, at θ. (D keeps its w and b, but b stays close to 0 here.) This is the *Dirac GAN* of [Mescheder et al. 2018](https://arxiv.org/abs/1801.04406). G does best at θ = 0, and D at w = 0. Near there each one's gradient depends on the *other's* place only, θ's on w and w's on θ:
# not "towards the middle", but "at a right angle to it". With the learning rate h, steps at the same time multiply the distance by $\sqrt{1+h^2/4}$ each time: outwards. If they take turns, the distance stays. (Close to the middle, that is; further out the bend of σ brakes them a little.) Let us see.
# %% [markdown] lang="hi" of="e7f12447"
# ## 4 · दोनों चक्कर काटते हैं
#
# यानी सबसे अच्छी जगह मौजूद है। पर दो खिलाड़ी, जो अपनी-अपनी ढाल पर नीचे उतरते हैं, क्या वहाँ पहुँचते भी हैं? लॉस *एक* होता तो ग्रेडिएंट डिसेंट (gradient descent) पहुँचा देता। यहाँ एक का हर क़दम दूसरे की ज़मीन बदल देता है।
#
# सब हटाकर बस ढाँचा रखिए: एक असली नमूना, 0 पर; एक बनाया हुआ, θ पर। (D के पास w और b दोनों हैं, पर यहाँ b लगभग 0 ही रहता है।) इसे [Mescheder और साथियों (2018)](https://arxiv.org/abs/1801.04406) का *Dirac GAN* कहते हैं। G के लिए सबसे अच्छा θ = 0 है और D के लिए w = 0। उसके पास हर एक का ग्रेडिएंट बस *दूसरे* की जगह पर टिका है, θ का w पर और w का θ पर:
# "बीच की ओर" नहीं, बल्कि "उससे समकोण पर"। लर्निंग रेट h हो और दोनों एक साथ क़दम लें, तो बीच से दूरी हर बार $\sqrt{1+h^2/4}$ गुना हो जाती है, यानी बाहर की ओर। बारी-बारी चलें तो दूरी वही रहती है। (यह बीच के पास की बात है; दूर जाने पर σ का मोड़ उन्हें थोड़ा रोकता है।) देखते हैं।
# %% name="dirac"
def dirac_game(
    *,
    rate_g: float = 0.2,
    rate_d: float = 0.2,
    gamma: float = 0.0,
    turns: bool = False,
    start: tuple[float, float] = (0.5, 0.0),
    steps: int = 200,
) -> Tensor:
    """The path of (θ, w), [steps + 1, 2]: one real sample at 0, one made sample at θ.

    `turns`: D moves first and G sees it; else both move at once. `gamma`: weight of R1 (below).
    """
    (theta, w), b = start, 0.0
    path = [start]
    for _ in range(steps):
        doubt = 1 / (1 + math.exp(-(w * theta + b)))  # σ(fake logit): the fake passes for real
        slope_b = doubt - (1 - 1 / (1 + math.exp(-b)))
        new_w = w - rate_d * (doubt * theta + gamma * w)  # the by-hand gradients of section 2
        b -= rate_d * slope_b
        w_seen = new_w if turns else w
        trust = 1 / (1 + math.exp(-(w_seen * theta + b)))
        theta += rate_g * (1 - trust) * w_seen  # non-saturating, target 1
        w = new_w
        path.append((theta, w))
    return torch.tensor(path)


def draw_path(ax: Axes, path: Tensor, title: str) -> None:
    """A path of (θ, w) in the plane: begins at the circle, ends at the square; + is the goal."""
    ax.plot(*path.T, linewidth=1)
    ax.plot(*path[0], "o", color=plots.COLOURS[2])
    ax.plot(*path[-1], "s", color=plots.COLOURS[3])
    ax.plot(0, 0, "k+", markersize=12)
    ax.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), xlabel="θ", ylabel="w", aspect="equal")
    ax.set_title(title, fontsize=10)


# %% [markdown] lang="en" name="r1-text"
# What would calm them? The trouble is that D keeps a slope where the real data lie, although nothing is left to say there. **R1** charges for it: γ/2 times the squared slope of D *at real samples* is added to D's loss. On the Dirac GAN this is γw²/2, a spring that pulls w to 0,
# and each joint step now multiplies the distance by $\sqrt{1-h\gamma+h^2/4}$: inwards. (For γ up to 1; a spring that is too stiff makes D sluggish, and the way home long again.)
# %% [markdown] lang="hi" of="8aaa0c23"
# इन्हें शांत कैसे करें? मुश्किल यह है कि जहाँ असली डेटा है वहाँ भी D ढाल बनाए रखता है, जबकि वहाँ कहने को कुछ बचा नहीं। **R1** इसी पर जुर्माना लगाता है: *असली नमूनों पर* D की ढाल का वर्ग, γ/2 से गुणा करके, D के लॉस में जोड़ा जाता है। Dirac GAN में यह γw²/2 है, एक स्प्रिंग जो w को 0 की ओर खींचती है,
# और अब हर साझा क़दम दूरी को $\sqrt{1-h\gamma+h^2/4}$ गुना करता है, यानी भीतर की ओर। (यह 1 तक के γ की बात है; स्प्रिंग बहुत सख़्त हो तो D सुस्त पड़ जाता है और रास्ता फिर लंबा हो जाता है।)
# %% name="r1-penalty" tags=["export"]
def r1_penalty(discriminator: Callable[..., Tensor], real: Tensor, *condition: Tensor) -> Tensor:
    """E ‖∇ₓ D(x)‖² over real samples [N, ...]; times γ/2 it is added to the discriminator's loss.

    `condition` goes to the discriminator unchanged (labels, say). The result can be trained on.
    ValueError if there is nothing to differentiate. Mescheder et al. 2018, equation 9.
    """
    if not real.is_floating_point() or len(real) == 0:
        raise ValueError(
            t("R1 needs real samples as floats [N, …] with N > 0: use images.float() / 255")
        )
    real = real.detach().requires_grad_()
    logits = discriminator(real, *condition)
    (slope,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
    return slope.flatten(1).square().sum(1).mean()


# %% name="phase-portrait"
h, gamma = 0.2, 0.5
ways = {
    t("at the same time"): ({}, math.sqrt(1 + h**2 / 4)),
    t("in turns"): ({"turns": True}, 1.0),
    t("same time, R1 γ = 0.5"): ({"gamma": gamma}, math.sqrt(1 - h * gamma + h**2 / 4)),
}
figure, axes = plt.subplots(1, 3, figsize=(8.4, 3), layout="constrained")
rows = []
for ax, (name, (options, predicted)) in zip(axes, ways.items(), strict=True):
    draw_path(ax, dirac_game(**options), name)
    close = dirac_game(**options, start=(0.02, 0.0), steps=126).norm(dim=1)  # two rounds
    growth = (close[-1] / close[0]).item() ** (1 / 126)
    rows.append([name, growth, predicted])
    assert abs(growth - predicted) < 0.003
plots.show(
    figure, alt=t("Three paths of θ and w: one winds outwards, one circles, with R1 one comes home")
)
plots.table(
    rows,
    columns=[t("they move"), t("distance × per step"), t("predicted")],
    caption=t("Both at once drives them apart, turns keep them circling, R1 brings them home"),
)
assert rows[0][1] > 1.002 > rows[1][1] > 0.998 > rows[2][1]
measured.append([t("distance × per step, with R1"), rows[2][1], rows[0][1], t("no R1")])

# %% [markdown] lang="en" name="interactive-text"
# ### Try it: calm them
#
# Move the two learning rates and γ. Which γ comes home soonest? What does a quick D with a slow G do to the shape of the circle, and does it cure it?
# %% [markdown] lang="hi" of="3f874352"
# ### आज़माइए: इन्हें शांत कीजिए
#
# दोनों लर्निंग रेट और γ बदलिए। किस γ पर सबसे जल्दी घर पहुँचते हैं? D तेज़ और G धीमा हो तो चक्कर का आकार कैसा हो जाता है, और क्या इतने से बात बन जाती है?


# %% name="interactive-circle"
def draw_game(rate_g: float, rate_d: float, gamma: float) -> Figure:
    """The path of the Dirac game in the plane of (θ, w)."""
    path = dirac_game(rate_g=rate_g, rate_d=rate_d, gamma=gamma)
    figure, ax = plt.subplots(figsize=(2.2, 2.4), layout="constrained")
    draw_path(ax, path, t("from 0.50 to {end:.2f}", end=path[-1].norm().item()))
    return figure


interact(
    draw_game,
    rate_g=(0.02, 0.5, 0.02),
    rate_d=(0.02, 0.5, 0.02),
    gamma=(0.0, 6.0, 0.1),
    labels={"rate_g": t("rate of G"), "rate_d": t("rate of D"), "gamma": "γ"},
    static=[
        {"rate_g": 0.2, "rate_d": 0.2, "gamma": 0.1},
        {"rate_g": 0.1, "rate_d": 0.4, "gamma": 0.0},
        {"rate_g": 0.2, "rate_d": 0.2, "gamma": 6.0},
    ],
    alt=t("The path of the two players: a weak R1 winds in, no R1 circles, a stiff R1 creeps"),
)

# %% [markdown] lang="en" name="two-losses-text"
# ## 5 · Two losses for one wish
#
# "D shall be wrong about my fakes" can be written in two ways:
#
# - **saturating**: make log(1 − D(G(z))) small. This is G's own side of the minimax game.
# - **non-saturating**: make −log D(G(z)) small. These are fakes with the target 1, as in section 2.
#
# Both fall wherever the other falls. What differs is the *slope*: by how much does one made sample pull, given its logit ℓ? For the first −σ(ℓ), for the second −(1 − σ(ℓ)).
# %% [markdown] lang="hi" of="f2750fdd"
# ## 5 · एक इच्छा, दो लॉस
#
# "मेरे नक़ली नमूनों पर D ग़लत हो" – इसे दो तरह से लिख सकते हैं:
#
# - **सैचुरेटिंग** (saturating): log(1 − D(G(z))) छोटा हो। मिनिमैक्स के खेल में G का लॉस यही है।
# - **नॉन-सैचुरेटिंग** (non-saturating): −log D(G(z)) छोटा हो। यानी नक़ली नमूने, लक्ष्य 1, जैसे सेक्शन 2 में।
#
# एक घटता है तो दूसरा भी घटता है। फ़र्क़ *ढाल* में है: लॉजिट ℓ वाला एक नक़ली नमूना कितने ज़ोर से खींचता है? पहले में −σ(ℓ), दूसरे में −(1 − σ(ℓ))।
# %% name="loss-gradients"
logits = torch.linspace(-8, 8, 161, requires_grad=True)
losses = {
    "saturating": lambda x: -F.softplus(x),
    "non-saturating": lambda x: F.softplus(-x),
}
figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
slopes = {}
for (name, loss), style, colour in zip(
    losses.items(), ["--", "-"], [plots.COLOURS[3], plots.COLOURS[0]], strict=True
):
    values = loss(logits)
    (slopes[name],) = torch.autograd.grad(values.sum(), logits)
    axes[0].plot(logits.detach(), values.detach(), style, color=colour, label=name)
    axes[1].plot(logits.detach(), slopes[name], style, color=colour, label=name)
axes[0].set(title=t("the generator's loss"))
axes[1].set(title=t("its gradient"))
for ax in axes:
    ax.axvspan(-8, -3, color="grey", alpha=0.15, linewidth=0)
    ax.set(xlabel=t("logit of a made sample"))
axes[1].text(-7.8, -0.5, t("D is sure:\nforged"), fontsize=9)
axes[0].legend()
plots.show(
    figure,
    alt=t("Where D is sure that a sample is forged, the saturating loss is flat, the other steep"),
)
assert torch.allclose(slopes["saturating"], -torch.sigmoid(logits))
assert torch.allclose(slopes["non-saturating"], -(1 - torch.sigmoid(logits)), atol=1e-6)


# %% [markdown] lang="en" name="ring-text"
# A beginner's fakes all lie in the grey band. To see what that means we need a world with a little more room: **points in the plane**, in eight heaps on a ring. Each heap is a *mode* of the distribution: a kind of thing that there is.
# It is a fine test bed, since we can count. A heap is *covered* if enough of the made points lie in it; and the share of *good* points says how many lie in any heap at all.
# %% [markdown] lang="hi" of="7277f6c2"
# नौसिखिए जनरेटर के सारे नमूने स्लेटी पट्टी में ही होते हैं। इसका मतलब समझने के लिए थोड़ी बड़ी दुनिया चाहिए: **समतल पर बिंदु**, एक घेरे पर आठ ढेरों में। हर ढेर वितरण का एक *मोड* (mode) है, यानी एक क़िस्म की चीज़।
# परखने के लिए यह बढ़िया जगह है, क्योंकि यहाँ गिना जा सकता है। जिस ढेर में बनाए हुए काफ़ी बिंदु पड़ें वह *ढका* (covered) माना जाएगा; और *अच्छे* बिंदुओं का हिस्सा बताता है कि कितने बिंदु किसी भी ढेर में पड़े।
# %% name="ring" tags=["export"]
def ring_centres(modes: int = 8, radius: float = 2.0) -> Tensor:
    """The centres of `modes` heaps on a circle: [modes, 2]. ValueError without a mode."""
    if modes < 1:
        raise ValueError(t("A ring needs at least one mode, not {modes}", modes=modes))
    angle = torch.arange(modes) * (2 * math.pi / modes)
    return radius * torch.stack([angle.cos(), angle.sin()], dim=1)


def ring(
    count: int,
    generator: torch.Generator,
    modes: int = 8,
    radius: float = 2.0,
    spread: float = 0.15,
) -> Tensor:
    """`count` points [count, 2] of `modes` Gaussian heaps on a circle, each as likely as another.

    ValueError for a negative count or without a mode.
    """
    if count < 0:
        raise ValueError(t("A ring of {count} points? Ask for 0 or more", count=count))
    centres = ring_centres(modes, radius)
    which = torch.randint(modes, (count,), generator=generator)
    return centres[which] + spread * torch.randn(count, 2, generator=generator)


def ring_coverage(
    points: Tensor,
    modes: int = 8,
    radius: float = 2.0,
    spread: float = 0.15,
    least: float = 1 / 3,
) -> tuple[int, float]:
    """How many heaps `points` [N, 2] cover, and the share of points that are good.

    Good: within 3 `spread` of a heap's centre (98.9 % of real points are). Covered: the heap has at
    least `least` of the good points that it would have if the points were real. ValueError for
    another shape, or no points.
    """
    if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
        raise ValueError(
            t("Points must have the shape [N, 2] with N > 0, not {shape}", shape=list(points.shape))
        )
    distance = torch.cdist(points.detach().cpu().float(), ring_centres(modes, radius))
    good = distance < 3 * spread  # [N, modes]; NaN is in no heap
    covered = int((good.float().mean(0) >= least / modes).sum())
    return covered, good.any(1).float().mean().item()


def draw_points(ax: Axes, points: Tensor, title: str = "") -> None:
    """Points [N, 2] in blue, over real ones in grey."""
    real = ring(500, torch.Generator().manual_seed(0))
    ax.plot(*real.T, ".", color="0.75", markersize=2)
    ax.plot(*points.detach().cpu().T, ".", color=plots.COLOURS[0], markersize=2)
    ax.set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), xticks=[], yticks=[], aspect="equal")
    ax.spines[:].set_visible(False)
    ax.set_title(title, fontsize=9)


# %% name="ring-measure" tags=["nbval-check-output"]
points = ring(2_000, torch.Generator().manual_seed(1))
one_heap = points[(points - ring_centres()[0]).norm(dim=1) < 0.45]
blur = 2 * torch.randn(2_000, 2, generator=torch.Generator().manual_seed(2))  # everywhere a little
for name, some in {t("real"): points, t("one heap"): one_heap, t("a blur"): blur}.items():
    covered, good = ring_coverage(some)
    print(t("{name}: covered {n} of 8, good points {good:.2f}", name=name, n=covered, good=good))


# %% [markdown] lang="en" name="side-by-side-text"
# The players are now small networks: two hidden layers of 64. And because a single game may go well by luck, we play **several games side by side**: each has its own row of numbers, `[games, numbers]`,
# and one batched product serves them all. Nothing passes from one game to another.
# %% [markdown] lang="hi" of="271100e2"
# अब खिलाड़ी छोटे नेटवर्क हैं: 64-64 की दो छिपी लेयरें। और एक ही खेल क़िस्मत से भी अच्छा जा सकता है, इसलिए हम **कई खेल साथ-साथ** खेलते हैं: हर खेल की संख्याएँ अपनी अलग पंक्ति में हैं, `[games, numbers]`,
# और मैट्रिक्स का एक ही बड़ा गुणा सबका काम कर देता है। एक खेल से दूसरे में कुछ नहीं जाता।
# %% name="side-by-side" tags=["export"]
class SideBySide(nn.Module):
    """Several small networks (MLPs) of one kind, each with its own row of numbers.

    `sizes` are the widths of the layers, from input to output; there is one network a seed.
    """

    def __init__(self, sizes: Sequence[int], seeds: Sequence[int]) -> None:
        super().__init__()
        self.shapes = list(pairwise(sizes))
        rows = []
        for seed in seeds:
            generator = torch.Generator().manual_seed(seed)
            for fan_in, fan_out in self.shapes:  # He et al. 2015
                rows.append(
                    torch.randn(fan_in * fan_out, generator=generator) * math.sqrt(2 / fan_in)
                )
                rows.append(torch.zeros(fan_out))
        self.numbers = nn.Parameter(torch.cat(rows).view(len(seeds), -1))  # [games, numbers]

    def forward(self, x: Tensor) -> Tensor:
        """x [games, n, first size] -> [games, n, last size]."""
        lengths = [length for a, b in self.shapes for length in (a * b, b)]
        parts = iter(self.numbers.split(lengths, dim=1))
        for layer, (fan_in, fan_out) in enumerate(self.shapes):
            weight, bias = next(parts).view(-1, fan_in, fan_out), next(parts)[:, None]
            x = torch.baddbmm(bias, x if layer == 0 else F.leaky_relu(x, 0.2), weight)
        return x

    def copies(self, games: Sequence[int]) -> "SideBySide":
        """New networks with the numbers of these `games` (one may come several times)."""
        twin = SideBySide([a for a, _ in self.shapes] + [self.shapes[-1][1]], seeds=games)
        twin.numbers = nn.Parameter(self.numbers.detach()[list(games)].clone())
        return twin


# %% [markdown] lang="en" name="perfect-text"
# ### What happens to G when D is perfect?
#
# We send G's points far away, where no real point lies, and let D train alone. Its loss falls towards 0. Meanwhile we ask at each stage: *if G now took its turn, how long would its gradient be?*
# %% [markdown] lang="hi" of="8bcb39a1"
# ### D अचूक हो जाए तो G का क्या होगा?
#
# हम G के बिंदु दूर भेज देते हैं, जहाँ कोई असली बिंदु नहीं, और D को अकेले सीखने देते हैं। उसका लॉस 0 की ओर गिरता है। इस बीच हर पड़ाव पर पूछते हैं: *अगर अभी G की चाल हो, तो उसका ग्रेडिएंट कितना लंबा होगा?*
# %% name="perfect-discriminator"
games = 4
players_g = SideBySide([2, 64, 64, 2], seeds=range(games)).to(device)
players_d = SideBySide([2, 64, 64, 1], seeds=range(50, 50 + games)).to(device)
with torch.no_grad():
    players_g.numbers[:, -2:] = 6.0  # the last biases: every made point is shifted by (6, 6)
    players_d.numbers *= 0.5  # three layers of half the size: undecided at first
optimizer = torch.optim.Adam(players_d.parameters(), lr=3e-3)
dice = torch.Generator().manual_seed(0)
d_losses, lengths = [], {"saturating": [], "non-saturating": []}
for step in range(161):
    real = ring(games * 64, dice).view(games, 64, 2).to(device)
    fake = players_g(torch.randn(games, 64, 2, generator=dice).to(device))
    if step % 8 == 0:
        for name, loss in losses.items():  # summed over games, for each game's own gradient
            total = loss(players_d(fake)).mean((1, 2)).sum()
            (slope,) = torch.autograd.grad(total, players_g.numbers, retain_graph=True)
            lengths[name].append(slope.norm(dim=1).cpu())
    loss_d = discriminator_loss(players_d(real), players_d(fake.detach()))
    if step % 8 == 0:
        d_losses.append(loss_d.item())
    optimizer.zero_grad()
    loss_d.backward()
    optimizer.step()

figure, ax = plt.subplots(figsize=(6, 3.1), layout="constrained")
for (name, values), style, colour in zip(
    lengths.items(), ["s--", "o-"], [plots.COLOURS[3], plots.COLOURS[0]], strict=True
):
    middle = torch.stack(values).log().mean(1).exp()  # on a log scale: one wild game is not all
    ax.semilogy(range(0, 161, 8), middle, style, color=colour, label=name)
ax.semilogy(range(0, 161, 8), d_losses, ":", color="grey", label=t("loss of D"))
ax.set(xlabel=t("steps that D trained alone"), ylabel=t("length of G's gradient"))
ax.set_title(t("The better D, the less the saturating loss says"))
ax.legend(fontsize="small")
plots.show(
    figure,
    alt=t("As D's loss falls, G's gradient vanishes under one loss and stays under the other"),
)
first_last_kept = {name: (x[0], x[-1], x[-1] / x[0]) for name, x in lengths.items()}  # [games] each
kept = {name: x[2].log().mean().exp() for name, x in first_last_kept.items()}
plots.table(
    [[name, *(y.log().mean().exp() for y in x)] for name, x in first_last_kept.items()],
    columns=[t("loss of G"), t("untrained D"), t("perfect D"), t("what is left ×")],
    caption=t("Length of G's gradient, geometric mean of {n} games", n=games),
)
assert d_losses[-1] < 0.02 and kept["saturating"] < 0.1
assert first_last_kept["non-saturating"][2].min() > 1  # in every game
measured.append(
    [
        t("G's gradient left at a perfect D ×"),
        kept["non-saturating"],
        kept["saturating"],
        t("saturating loss"),
    ]
)

# %% [markdown] lang="en" name="read-stops"
# > **You may have read** "when the discriminator's loss goes to 0, the generator stops learning". Under the *saturating* loss it does: you have just seen its gradient die. But who trains G towards label 1, as nearly every program does, uses the *non-saturating* loss, and its gradient lives on
# > ([Goodfellow et al. 2014](https://arxiv.org/abs/1406.2661), section 3). Alive does not mean good: far from the data it may point anywhere, and it grows wild ([Arjovsky & Bottou 2017](https://arxiv.org/abs/1701.04862)). A D loss near 0 remains a sign that the match is uneven.
# %% [markdown] lang="hi" of="9cfefde4"
# > **आपने पढ़ा होगा** "डिस्क्रिमिनेटर का लॉस 0 हुआ तो जनरेटर सीखना बंद कर देता है"। *सैचुरेटिंग* लॉस में ऐसा ही है: उसका ग्रेडिएंट आपने अभी मरते देखा। पर लगभग हर प्रोग्राम G को लेबल 1 की ओर सिखाता है, यानी *नॉन-सैचुरेटिंग* लॉस लेता है, और उसमें ग्रेडिएंट ज़िंदा रहता है
# > ([Goodfellow et al. 2014](https://arxiv.org/abs/1406.2661), सेक्शन 3)। ज़िंदा होने का मतलब अच्छा होना नहीं: असली डेटा से दूर वह किसी भी ओर इशारा कर सकता है और बेक़ाबू भी हो जाता है ([Arjovsky & Bottou 2017](https://arxiv.org/abs/1701.04862))। D का लॉस 0 के पास पहुँचे तो इतना ज़रूर समझिए कि मुक़ाबला बराबरी का नहीं रहा।

# %% [markdown] lang="en" name="training-text"
# ## 6 · The ring: the whole training loop
#
# Here it is, with nothing hidden: two turns a step, each as in section 2. Four games run at once, and every 50 steps we look. (D's learning rate is ten times G's; section 8 shows what that is good for.)
# %% [markdown] lang="hi" of="14d5772b"
# ## 6 · घेरा: पूरा ट्रेनिंग लूप
#
# यह रहा पूरा लूप, कुछ भी छिपाए बिना: हर क़दम में दो चालें, दोनों वैसी ही जैसी सेक्शन 2 में थीं। चार खेल एक साथ चलते हैं, और हर 50 क़दम पर हम झाँकते हैं। (D का लर्निंग रेट G से दस गुना है; क्यों, यह सेक्शन 8 में दिखेगा।)
# %% name="ring-training"
players_g = SideBySide([2, 64, 64, 2], seeds=range(games)).to(device)
players_d = SideBySide([2, 64, 64, 1], seeds=range(50, 50 + games)).to(device)
optimizer_g = torch.optim.Adam(players_g.parameters(), lr=1e-3, betas=(0.5, 0.99))
optimizer_d = torch.optim.Adam(players_d.parameters(), lr=1e-2, betas=(0.5, 0.99))
dice = torch.Generator().manual_seed(0)
fixed_z = torch.randn(1_000, 2, generator=dice).expand(games, -1, -1).to(device)
history_d, history_g, coverage, goodness, frames = [], [], [], [], []
for step in range(600):
    # the discriminator's turn: real is 1, fake is 0
    real = ring(games * 64, dice).view(games, 64, 2).to(device)
    fake = players_g(torch.randn(games, 64, 2, generator=dice).to(device)).detach()
    loss_d = discriminator_loss(players_d(real), players_d(fake))
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()

    # the generator's turn: the target is 1; only its own optimizer moves. (The gradients that this
    # leaves in D are cleared before D's next backward: so nobody needs to freeze it.)
    fake = players_g(torch.randn(games, 64, 2, generator=dice).to(device))
    loss_g = non_saturating_loss(players_d(fake))
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()

    # what does it make?
    history_d.append(loss_d.item())
    history_g.append(loss_g.item())
    if step % 50 == 49:
        with torch.no_grad():
            points = players_g(fixed_z)  # [games, 1000, 2]
        covered, good = zip(*map(ring_coverage, points), strict=True)
        coverage.append(sum(covered) / games)
        goodness.append(sum(good) / games)
        frames.append(points[0].cpu())

# %% name="ring-curves"
figure, axes = plt.subplots(1, 3, figsize=(9.2, 2.8), layout="constrained")
axes[0].plot(history_d, linewidth=0.8, label="D")
axes[0].plot(history_g, linewidth=0.8, label="G")
axes[0].set(title=t("The losses waver …"), xlabel=t("step"), ylim=(0, 2.5))
axes[0].legend(ncols=2)
looks = range(50, 601, 50)
axes[1].plot(looks, coverage, "o-", markersize=4)
axes[1].set(title=t("… the heaps covered grow …"), xlabel=t("step"), ylim=(0, 8.3))
axes[2].plot(looks, goodness, "o-", markersize=4, color=plots.COLOURS[2])
axes[2].set(title=t("… and the share of good points"), xlabel=t("step"), ylim=(0, 1))
plots.show(
    figure,
    alt=t(
        "Two losses rise and fall and end where they began; coverage and the share of good points grow"
    ),
)
early, late = (sum(history_g[a:b]) / 100 for a, b in [(50, 150), (500, 600)])
early_d, late_d = (sum(history_d[a:b]) / 100 for a, b in [(50, 150), (500, 600)])
plots.table(
    [
        [t("loss of G"), early, late],
        [t("loss of D"), early_d, late_d],
        [t("heaps covered, of 8"), coverage[1], coverage[-1]],
        [t("share of good points"), goodness[1], goodness[-1]],
    ],
    columns=[t("mean of {n} games", n=games), t("steps 50–150"), t("steps 500–600")],
    caption=t("The samples have become far better; the generator's loss has not"),
)
assert coverage[-1] > 6.5 and coverage[1] < 4 and goodness[-1] > 3 * goodness[1]
assert late > 0.9 * early  # G's loss did not fall by a tenth
measured.append(
    [
        t("heaps covered at step 600"),
        coverage[-1],
        coverage[1],
        t("step 100, about the same loss of G"),
    ]
)


# %% [markdown] lang="en" name="ring-honest"
# Honestly looked at: the generator found the ring and all its heaps, but between the heaps a thread of points remains. G is continuous: where the dice are neighbours, the made points are neighbours too, and to pass from heap to heap it must cross the gap. It can only cross it *quickly*, on few throws. At the end the share of good points still grows, slowly.
# %% [markdown] lang="hi" of="704a0e5d"
# ईमानदारी से देखें तो जनरेटर ने घेरा और उसके सारे ढेर ढूँढ लिए, पर ढेरों के बीच बिंदुओं के धागे बचे हैं। G सतत (continuous) है: पासे पड़ोसी हों तो बने हुए बिंदु भी पड़ोसी होंगे, और एक ढेर से दूसरे तक जाने के लिए बीच का ख़ाली हिस्सा पार करना ही पड़ेगा। वह बस इतना कर सकता है कि उसे *जल्दी* पार करे, ताकि वहाँ थोड़े ही पासे पड़ें। आख़िर में भी अच्छे बिंदुओं का हिस्सा धीरे-धीरे बढ़ ही रहा है।
# %% [markdown] lang="en" name="read-oscillate"
# > **You may have read** "a GAN's losses should oscillate", as if that were a sign of health. They do oscillate, for section 4's reason; and they do not fall, because each player's task grows harder as the other improves. But that says *nothing about quality*.
# > About the same loss of G stood beside hopeless points and beside good ones. **Measure the samples**; the loss only shows that the match is going on. Section 9 puts this to the test over sixteen games.
# %% [markdown] lang="hi" of="656d895d"
# > **आपने पढ़ा होगा** "GAN के लॉस ऊपर-नीचे होने चाहिए", मानो यह अच्छी सेहत की निशानी हो। वे ऊपर-नीचे होते तो हैं (वजह सेक्शन 4 में है), और घटते इसलिए नहीं कि एक खिलाड़ी सुधरे तो दूसरे का काम कठिन हो जाता है। पर इससे *गुणवत्ता का कुछ पता नहीं चलता*।
# > G का लगभग वही लॉस बेकार बिंदुओं के साथ भी था और अच्छे बिंदुओं के साथ भी। **नमूनों को नापिए**; लॉस बस इतना बताता है कि मुक़ाबला जारी है। सेक्शन 9 में सोलह खेलों पर इसकी जाँच होगी।
# %% [markdown] lang="en" name="frames-text"
# ### Try it: wind the film
#
# One of the four games, 50 steps a frame.
# %% [markdown] lang="hi" of="045134d6"
# ### आज़माइए: फ़िल्म आगे-पीछे चलाइए
#
# चार में से एक खेल; हर दो तस्वीरों के बीच 50 क़दम हैं।
# %% name="interactive-frames"
def draw_frame(step: int) -> Figure:
    """What the first game made after so many steps."""
    points = frames[step // 50 - 1]
    covered, good = ring_coverage(points)
    figure, ax = plt.subplots(figsize=(1.75, 2.0), layout="constrained")
    draw_points(ax, points, t("{n} of 8, good {good:.0%}", n=covered, good=good))
    return figure


interact(
    draw_frame,
    step=(50, 600, 50),
    labels={"step": t("step")},
    static=[{"step": step} for step in (50, 300, 600)],
    alt=t("Made points over the ring's grey heaps: a cloud at first, on the ring at last"),
)


# %% [markdown] lang="en" name="knobs-text"
# ## 7 · Mode collapse, on demand
#
# Now we break it on purpose. For that the loop goes into a function with knobs: each game has its own two learning rates, its own γ for R1; D may have several turns a step, or sit out where it already wins. (Adam treats every number on its own, so a rate for each row is no trouble; written out, it is five lines.)
# %% [markdown] lang="hi" of="f133b7e3"
# ## 7 · मोड कोलैप्स (mode collapse), जब चाहें तब
#
# अब इसे जान-बूझकर बिगाड़ते हैं। इसके लिए वही लूप एक फ़ंक्शन में जाता है, जिसमें घुमाने को कई घुंडियाँ हैं: हर खेल के अपने दो लर्निंग रेट, R1 का अपना γ; D को एक क़दम में कई चालें मिल सकती हैं, या जहाँ वह पहले से जीत रहा हो वहाँ वह चाल छोड़ सकता है। (Adam हर संख्या को अलग-अलग देखता है, इसलिए हर पंक्ति का अपना रेट रखना आसान है; पूरा Adam पाँच पंक्तियों का है।)
# %% name="row-adam" tags=["export"]
class RowAdam:
    """Adam (Kingma & Ba 2014) for `SideBySide`, with a learning rate for each game.

    `rate`: a number, or [games, 1].
    """

    def __init__(
        self, players: SideBySide, rate: float | Tensor, betas: tuple[float, float] = (0.5, 0.99)
    ) -> None:
        self.numbers, self.rate, self.betas = players.numbers, rate, betas
        self.mean, self.square = (torch.zeros_like(self.numbers) for _ in range(2))
        self.steps = torch.zeros_like(self.numbers[:, :1])

    def step(self, loss: Tensor, plays: Tensor | None = None) -> None:
        """One step down `loss`; games where `plays` [games] is False stay as they are."""
        (slope,) = torch.autograd.grad(loss, self.numbers)
        moves = torch.ones_like(self.steps) if plays is None else plays[:, None].to(slope.dtype)
        with torch.no_grad():
            self.steps += moves
            self.mean += moves * (1 - self.betas[0]) * (slope - self.mean)
            self.square += moves * (1 - self.betas[1]) * (slope**2 - self.square)
            n = self.steps.clamp(min=1)
            mean, square = (
                self.mean / (1 - self.betas[0] ** n),
                self.square / (1 - self.betas[1] ** n),
            )
            self.numbers -= moves * self.rate * mean / (square.sqrt() + 1e-8)


# %% name="play" tags=["export"]
class Look(NamedTuple):
    """What each of several games made at a step; all tensors on the CPU."""

    step: int
    points: Tensor  # [games, 1000, 2]
    covered: Tensor  # [games], of 8
    good: Tensor  # [games], share of points in a heap
    loss_d: Tensor  # [games], mean since the look before
    loss_g: Tensor  # [games]: non-saturating, whatever G trains on
    skipped: Tensor  # [games], share of D's turns that it sat out


def play(
    generators: SideBySide,
    discriminators: SideBySide,
    steps: int,
    *,
    rates: tuple[float | Tensor, float | Tensor] = (1e-3, 1e-2),
    generator_loss: Callable[[Tensor], Tensor] = non_saturating_loss,
    gamma: Tensor | None = None,
    d_turns: int = 1,
    skip_above: Tensor | None = None,
    seed: int = 0,
    look_every: int = 100,
    batch: int = 64,
) -> list[Look]:
    """Let `generators` and `discriminators` play on the ring for `steps`, changing both in place.

    rates: of G and of D, each a number or [games, 1]. gamma: weight of R1, [games]. skip_above: D
    sits out where it judges more than this share of its batch rightly, [games].
    """
    numbers = generators.numbers
    games, device = len(numbers), numbers.device
    width = generators.shapes[0][0]
    dice = torch.Generator().manual_seed(seed)
    fixed = torch.randn(1_000, width, generator=torch.Generator().manual_seed(9))
    adam_g, adam_d = RowAdam(generators, rates[0]), RowAdam(discriminators, rates[1])
    sums, looks = torch.zeros(3, games, device=device), []

    def make() -> Tensor:
        return generators(torch.randn(games, batch, width, generator=dice).to(device))

    def stretched(x: Tensor) -> Tensor:  # a slope × √γ counts γ times in R1
        return gamma.sqrt()[:, None, None] * discriminators(x.view(games, batch, 2))

    for step in range(1, steps + 1):
        for _ in range(d_turns):
            real = ring(games * batch, dice).view(games, batch, 2).to(device)
            with torch.no_grad():
                fake = make()
            real_logits, fake_logits = discriminators(torch.cat([real, fake], dim=1)).chunk(
                2, dim=1
            )
            loss = discriminator_loss(real_logits, fake_logits)
            if gamma is not None:
                loss = loss + r1_penalty(stretched, real.flatten(0, 1)) / 2
            plays = None
            if skip_above is not None:
                right = ((real_logits > 0).float() + (fake_logits < 0).float()).mean((1, 2)) / 2
                plays = right <= skip_above
                sums[2] += ~plays / d_turns
            adam_d.step(loss, plays)
        logits = discriminators(make())
        adam_g.step(generator_loss(logits))

        with torch.no_grad():
            sums[0] += (F.softplus(-real_logits) + F.softplus(fake_logits)).mean((1, 2))
            sums[1] += F.softplus(-logits).mean((1, 2))
            if step % look_every == 0 or step == steps:
                points = generators(fixed.expand(games, -1, -1).to(device)).cpu()
                covered, good = zip(*map(ring_coverage, points), strict=True)
                since = (step - 1) % look_every + 1
                means = (sums / since).cpu().unbind()
                looks.append(
                    Look(step, points, torch.tensor(covered).float(), torch.tensor(good), *means)
                )
                sums.zero_()
    return looks


# %% [markdown] lang="en" name="starve-text"
# **Starve the discriminator.** Let G learn forty times as fast as D. G then runs to wherever D just now rates highest, with *everything* it has: D cannot tell it in time that one good place is not enough. When D has moved at last, G jumps to the next place. That is **mode collapse**: few kinds of sample at a time. (Here even fewer: the patch hurries so much that mostly it lies *between* the heaps, and covers none.)
#
# Then, from *that very state*, we let the game go on in three ways, three games each: as before (the control), with equal rates (0.003 each), and with a quick D and R1.
# %% [markdown] lang="hi" of="d3ec98b2"
# **डिस्क्रिमिनेटर को भूखा रखिए।** G को D से चालीस गुना तेज़ सीखने दीजिए। तब G *पूरा का पूरा* उसी जगह दौड़ पड़ता है जिसे D अभी सबसे असली मान रहा हो: D समय रहते बता नहीं पाता कि एक अच्छी जगह काफ़ी नहीं। आख़िर D सँभलता है, तो G कूदकर अगली जगह चला जाता है। यही **मोड कोलैप्स** है: एक बार में गिनी-चुनी क़िस्मों के ही नमूने। (यहाँ तो उससे भी कम: बिंदुओं का धब्बा इतनी हड़बड़ी में भागता है कि ज़्यादातर ढेरों के *बीच* में ही रहता है, और एक भी ढेर नहीं ढकता।)
#
# फिर *ठीक उसी हालत* से खेल तीन तरह से आगे चलाते हैं, हर तरह के तीन खेल: जैसा चल रहा था वैसा ही (कंट्रोल), बराबर रेट (दोनों 0.003), और तेज़ D के साथ R1।
# %% name="collapse"
starved_g = SideBySide([2, 64, 64, 2], seeds=range(3)).to(device)
starved_d = SideBySide([2, 64, 64, 1], seeds=range(50, 53)).to(device)
collapse = play(starved_g, starved_d, 150, rates=(2e-2, 5e-4), seed=5, look_every=25)


def column(*values: float, games: int = 3) -> Tensor:
    """Each value for `games` games: [values × games, 1]."""
    return torch.tensor(values).repeat_interleave(games)[:, None].to(device)


same_state = [*range(3)] * 3
cured_g, cured_d = starved_g.copies(same_state).to(device), starved_d.copies(same_state).to(device)
cure = play(
    cured_g,
    cured_d,
    500,
    rates=(column(2e-2, 3e-3, 1e-3), column(5e-4, 3e-3, 1e-2)),
    gamma=column(0, 0, 0.1)[:, 0],
    seed=6,
    look_every=125,
)

# %% name="collapse-cured"
names = [t("as before"), t("equal rates"), t("quick D and R1")]
figure, axes = plt.subplots(4, 5, figsize=(7.4, 6.4), layout="constrained")
for ax, look in zip(axes[0], collapse[1:], strict=True):
    draw_points(ax, look.points[0], t("step {n}: {m} of 8", n=look.step, m=int(look.covered[0])))
axes[0, 0].set_ylabel(t("starved D"))
for row, name in enumerate(names):
    draw_points(axes[row + 1, 0], collapse[-1].points[0], t("the same state"))
    axes[row + 1, 0].set_ylabel(name)
    for ax, look in zip(axes[row + 1, 1:], cure, strict=True):
        points, covered = look.points[3 * row], int(look.covered[3 * row])
        draw_points(ax, points, t("+{n}: {m} of 8", n=look.step, m=covered))
plots.show(
    figure,
    alt=t(
        "Top: all blue points in one wandering patch. Below, from there: still a patch; twice a ring through the heaps"
    ),
)
groups = cure[-1].covered.view(3, 3), cure[-1].good.view(3, 3)
plots.table(
    [
        [
            t("collapsed"),
            collapse[-1].covered.mean(),
            collapse[-1].covered.max(),
            collapse[-1].good.mean(),
        ]
    ]
    + [[name, c.mean(), c.max(), g.mean()] for name, c, g in zip(names, *groups, strict=True)],
    columns=[
        t("500 steps from one state"),
        t("heaps covered"),
        t("most, of 3 games"),
        t("good points"),
    ],
    caption=t("Collapse is no dead end: balance brings the heaps back, waiting does not"),
)
assert collapse[-1].covered.max() <= 2 and groups[0][0].mean() <= 2
assert groups[0][1:].mean() >= 5
measured.append(
    [t("heaps covered after collapse"), groups[0][2].mean(), groups[0][0].mean(), t("no cure")]
)


# %% [markdown] lang="en" name="overfeed-text"
# **Overfeed it.** The other way round: D learns thirty times as fast and has five turns a step. Under the saturating loss G now hears nothing (section 5). It does not collapse; it *stalls*, wherever it is. From the same state, the other loss sets it moving again.
# %% [markdown] lang="hi" of="36e8d2e9"
# **ज़्यादा खिलाइए।** अब उलटा: D तीस गुना तेज़ सीखता है और हर क़दम में पाँच चालें चलता है। सैचुरेटिंग लॉस में अब G को कुछ सुनाई नहीं देता (सेक्शन 5)। वह ढहता नहीं, जहाँ है वहीं *अटक* जाता है। उसी हालत से लॉस बदल दीजिए, तो वह फिर चल पड़ता है।
# %% name="overfed"
def mixed_loss(saturating: Tensor) -> Callable[[Tensor], Tensor]:
    """The saturating loss in the games where `saturating` [games] is True, else the other."""
    return lambda x: torch.where(saturating[:, None, None], -F.softplus(x), F.softplus(-x)).mean()


fed_g = SideBySide([2, 64, 64, 2], seeds=range(3)).to(device)
fed_d = SideBySide([2, 64, 64, 1], seeds=range(50, 53)).to(device)
overfed = {"rates": (1e-3, 3e-2), "d_turns": 5}
stalled = play(fed_g, fed_d, 40, **overfed, generator_loss=saturating_loss, seed=5)
on_g, on_d = fed_g.copies([*range(3)] * 2).to(device), fed_d.copies([*range(3)] * 2).to(device)
which = column(True, False)[:, 0]
goes_on = play(on_g, on_d, 150, **overfed, generator_loss=mixed_loss(which), seed=6, look_every=50)

figure, axes = plt.subplots(2, 4, figsize=(6.2, 3.5), layout="constrained")
for row, name in enumerate(["saturating", "non-saturating"]):
    draw_points(axes[row, 0], stalled[-1].points[0], t("the same state"))
    axes[row, 0].set_ylabel(name, fontsize=9)
    for ax, look in zip(axes[row, 1:], goes_on, strict=True):
        draw_points(
            ax,
            look.points[3 * row],
            t("+{n}: good {g:.0%}", n=look.step, g=look.good[3 * row].item()),
        )
plots.show(
    figure,
    alt=t("Under the saturating loss the blue cloud hardly changes; under the other it gathers"),
)
good = goes_on[-1].good.view(2, 3).mean(1).tolist()
print(
    t(
        "good points, mean of 3 games: saturating {s:.2f}, non-saturating {n:.2f}",
        s=good[0],
        n=good[1],
    )
)
assert good[1] > 1.4 * good[0]
measured.append([t("good points against an overfed D"), good[1], good[0], t("saturating loss")])

# %% [markdown] lang="en" name="read-fools"
# > **You may have read** "in mode collapse the generator is fooled". It is the other way round: the generator fools the *discriminator*, with few kinds of sample. Nothing in its loss asks for variety: each made sample is judged alone. Only D could notice that the same thing comes again and again,
# > and only by learning fast enough that the favourite spot loses its price. (The next notebook lets D see a whole batch at once.)
# %% [markdown] lang="hi" of="06358075"
# > **आपने पढ़ा होगा** "मोड कोलैप्स में जनरेटर धोखा खाता है"। बात उलटी है: जनरेटर गिनी-चुनी क़िस्मों से *डिस्क्रिमिनेटर* को धोखा देता है। उसके लॉस में विविधता की माँग कहीं नहीं है: हर नमूना अकेला परखा जाता है। बार-बार एक-सी चीज़ आ रही है, यह D ही पकड़ सकता है,
# > और तभी, जब वह इतना तेज़ सीखे कि G की मनपसंद जगह का भाव गिर जाए। (अगली नोटबुक में D पूरा बैच एक साथ देखता है।)

# %% [markdown] lang="en" name="balance-text"
# ## 8 · Balance: two usual remedies, tested
#
# When D is too strong, two remedies are passed around: **give the two players separate learning rates**, and **skip D's update while it is winning**. (Skipping: D sits out whenever it judges more than three quarters of its batch rightly.) Do they help? We test both, against doing nothing, under both losses; three games each.
# Which way must the rates differ? Often one reads "slow the discriminator". [Heusel et al. 2017](https://arxiv.org/abs/1706.08500) (*two time-scale update rule*, TTUR) say: D quicker than G.
# %% [markdown] lang="hi" of="8f7d6db9"
# ## 8 · संतुलन: दो मशहूर नुस्ख़े, परखे हुए
#
# D ज़्यादा ताक़तवर हो जाए तो दो नुस्ख़े सुनने को मिलते हैं: **दोनों को अलग-अलग लर्निंग रेट दीजिए**, और **D जीत रहा हो तो उसकी चाल छुड़वा दीजिए**। (चाल छोड़ना: बैच के तीन-चौथाई से ज़्यादा नमूनों पर सही हो तो D उस बार नहीं सीखता।) क्या इनसे फ़ायदा होता है? हम दोनों को दोनों लॉस में परखते हैं, और मुक़ाबले में "कुछ न करना" भी है; हर एक के तीन खेल।
# रेट अलग हों तो किसका ज़्यादा? अक्सर सुनने में आता है "डिस्क्रिमिनेटर को धीमा कीजिए"। [Heusel और साथी (2017)](https://arxiv.org/abs/1706.08500) (*two time-scale update rule*, TTUR) कहते हैं: D को G से तेज़ रखिए।
# %% name="balance"
settings = {  #            rate of G, rate of D, D sits out above
    t("equal rates"): (1e-3, 1e-3, 2.0),
    t("quick D"): (1e-3, 1e-2, 2.0),
    t("quick D, skipping"): (1e-3, 1e-2, 0.75),
}
rate_g, rate_d, skip = (column(*values) for values in zip(*settings.values(), strict=True))
balance = {}
for name, loss in {"saturating": saturating_loss, "non-saturating": non_saturating_loss}.items():
    balance[name] = play(
        SideBySide([2, 64, 64, 2], seeds=[*range(3)] * 3).to(device),
        SideBySide([2, 64, 64, 1], seeds=[*range(50, 53)] * 3).to(device),
        500,
        rates=(rate_g, rate_d),
        skip_above=skip[:, 0],
        generator_loss=loss,
        look_every=500,
    )[-1]

by_setting = {name: look.good.view(3, 3) for name, look in balance.items()}  # [settings, games]
figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
for offset, (name, good), colour in zip(
    [-0.18, 0.18], by_setting.items(), [plots.COLOURS[3], plots.COLOURS[0]], strict=True
):
    places = torch.arange(3) + offset
    ax.bar(places, good.mean(1), width=0.34, color=colour, alpha=0.6, label=name)
    ax.plot(places[:, None].expand(3, 3).flatten(), good.flatten(), "k.", markersize=4)
ax.set(xticks=range(3), xticklabels=list(settings), ylim=(0, 1), ylabel=t("share of good points"))
ax.set_title(t("A quick D helps; skipping helps the saturating loss only"))
ax.legend()
plots.show(
    figure,
    alt=t("Bars for three settings under two losses, a dot for each game; a quick D is highest"),
)
plots.table(
    [
        [
            name,
            loss,
            balance[loss].covered.view(3, 3)[i].mean(),
            good[i].mean(),
            balance[loss].skipped.view(3, 3)[i].mean(),
        ]
        for loss, good in by_setting.items()
        for i, name in enumerate(settings)
    ],
    columns=[
        t("setting"),
        t("loss of G"),
        t("heaps covered"),
        t("good points"),
        t("turns skipped"),
    ],
    caption=t("Means of three games of 500 steps"),
)
equal, quick, skipping = by_setting["non-saturating"].mean(1).tolist()
minimax_equal, minimax_quick, minimax_skipping = by_setting["saturating"].mean(1).tolist()
assert quick > 2 * equal and minimax_quick > minimax_equal
assert minimax_skipping > 1.1 * minimax_quick and skipping < quick + 0.05
measured += [
    [t("good points with a quick D"), quick, equal, t("equal rates")],
    [t("good points when D skips, saturating"), minimax_skipping, minimax_quick, t("no skipping")],
    [t("good points when D skips, non-saturating"), skipping, quick, t("no skipping")],
]

# %% [markdown] lang="en" name="balance-read"
# Two findings. **A quicker D helps** under both losses: a D that lags behind sends G after yesterday's verdict. Does it help because D is quicker *than G*, or because it is quick? And what of a slow D? That takes more games: section 9.
# **Skipping** helps the saturating loss, for there a winning D is silent. The non-saturating loss gains nothing from it. (On this ring. On pictures a D can learn the examples by heart, and then it must be held back: next notebook.)
# %% [markdown] lang="hi" of="ea2147e9"
# दो बातें निकलीं। **D को तेज़ करने से** दोनों लॉस में **फ़ायदा होता है**: D पीछे रह जाए तो G कल के फ़ैसले के पीछे भागता है। पर फ़ायदा किससे हुआ: D के *G से* तेज़ होने से, या बस तेज़ होने से? और D धीमा हो तो? यह जानने के लिए और खेल चाहिए: सेक्शन 9।
# **चाल छोड़ने** से सैचुरेटिंग लॉस को फ़ायदा है, क्योंकि वहाँ जीतता हुआ D चुप रहता है। नॉन-सैचुरेटिंग लॉस को इससे कुछ नहीं मिलता। (यह इस घेरे की बात है। चित्रों पर D उदाहरण रट सकता है, तब उसे रोकना पड़ता है: अगली नोटबुक।)

# %% [markdown] lang="en" name="sweep-text"
# ## 9 · Sixteen games: how touchy is it?
#
# Four rates for G, four for D: sixteen games, one run. And a second question for the same sixteen: whose samples are best, **can you tell from the loss?**
# %% [markdown] lang="hi" of="bc429d8c"
# ## 9 · सोलह खेल: यह कितना नख़रीला है?
#
# G के चार रेट, D के चार: सोलह खेल, एक ही बार में। और इन्हीं सोलह से एक और सवाल: किसके नमूने सबसे अच्छे हैं, **क्या यह लॉस देखकर बताया जा सकता है?**
# %% name="sweep"
rates = [3e-4, 1e-3, 3e-3, 1e-2]
grid_g, grid_d = torch.meshgrid(torch.tensor(rates), torch.tensor(rates), indexing="ij")
sweep = play(
    SideBySide([2, 64, 64, 2], seeds=[0] * 16).to(device),  # all begin with the same numbers
    SideBySide([2, 64, 64, 1], seeds=[50] * 16).to(device),
    500,
    rates=(grid_g.reshape(16, 1).to(device), grid_d.reshape(16, 1).to(device)),
    look_every=500,
)[-1]
covered, good = sweep.covered.view(4, 4), sweep.good.view(4, 4)
figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.4), layout="constrained")
names = [f"{rate:g}" for rate in rates]
plots.heatmap(
    axes[0], covered, rows=names, columns=names, title=t("heaps covered, of 8"), digits=0, vmin=0
)
plots.heatmap(axes[1], good, rows=names, columns=names, title=t("share of good points"), vmin=0)
for ax in axes:
    ax.set(xlabel=t("rate of D"), ylabel=t("rate of G"))
plots.show(
    figure,
    alt=t(
        "Two tables of 16 numbers: high in the right column, where D learns fastest, low on the left"
    ),
)
slow_d, *_, quick_d = good.mean(0)  # of a column: D's rate is the same, G's is each of four
print(t("good points, D's rate 0.01: {d:.2f}; D's rate 0.0003: {s:.2f}", d=quick_d, s=slow_d))
assert quick_d > 1.5 * slow_d and good[3, 3] > 0.7 * good[:, 3].max()  # equal rates, but quick
measured.append([t("good points: D's rate 0.01 | 0.0003"), quick_d, slow_d, t("slow D")])

# %% [markdown] lang="en" name="sweep-read"
# Read the tables by columns: what counts is **how quick D is**. On the left, where it is slow, all games are poor, whatever G's rate; on the right is the best column. But D need not be quicker *than G*: with 0.01 for both (bottom right) the game goes just as well. So "slow the discriminator" is bad advice on this ring, and
# "D quicker than G" is not the point either: D must be quick enough to follow. (There is one game in each place, so small differences may be luck.)
# %% [markdown] lang="hi" of="bddfc777"
# तालिकाओं को कॉलम-कॉलम पढ़िए: असली बात यह है कि **D कितना तेज़ है**। बाईं ओर, जहाँ D धीमा है, सारे खेल कमज़ोर हैं, G का रेट चाहे जो हो; सबसे अच्छा कॉलम दाहिना है। पर D का *G से* तेज़ होना ज़रूरी नहीं: दोनों का रेट 0.01 हो (नीचे दाहिने कोने में), तब भी खेल उतना ही अच्छा चलता है। यानी इस घेरे पर "डिस्क्रिमिनेटर को धीमा कीजिए" ग़लत सलाह है, और
# "D को G से तेज़ रखिए" भी पूरी बात नहीं: D बस इतना तेज़ हो कि साथ चल सके। (हर ख़ाने में एक ही खेल है, इसलिए छोटे अंतर संयोग भी हो सकते हैं।)


# %% [markdown] lang="en" name="loss-text"
# Now rank the sixteen by G's loss. If the loss measured quality, the points would lie along a falling line, and the game with the lowest loss would be the best. What do you expect?
# %% [markdown] lang="hi" of="e3efb4db"
# अब सोलहों को G के लॉस के हिसाब से रखिए। लॉस अगर गुणवत्ता नापता, तो बिंदु नीचे उतरती रेखा पर होते और सबसे कम लॉस वाला खेल सबसे अच्छा होता। आपका अंदाज़ा क्या है?
# %% name="loss-is-no-measure"
def ranks(x: Tensor) -> Tensor:
    """0 for the smallest of x [n], n - 1 for the greatest."""
    return x.argsort().argsort().float()


lowest, best = int(sweep.loss_g.argmin()), int(sweep.good.argmax())
agreement = torch.corrcoef(torch.stack([ranks(-sweep.loss_g), ranks(sweep.good)]))[0, 1].item()
figure, axes = plt.subplots(
    1, 3, figsize=(8.6, 2.8), layout="constrained", gridspec_kw={"width_ratios": [1.6, 1, 1]}
)
axes[0].plot(sweep.loss_g, sweep.good, "o")
axes[0].plot(sweep.loss_g[lowest], sweep.good[lowest], "s", markersize=9, color=plots.COLOURS[3])
axes[0].plot(sweep.loss_g[best], sweep.good[best], "D", markersize=9, color=plots.COLOURS[2])
axes[0].set(xlabel=t("loss of G at the end"), ylabel=t("share of good points"), ylim=(0, 1))
draw_points(axes[1], sweep.points[lowest], t("□ lowest loss: good {g:.0%}", g=sweep.good[lowest]))
draw_points(axes[2], sweep.points[best], t("◇ best: good {g:.0%}", g=sweep.good[best]))
plots.show(
    figure,
    alt=t("Sixteen games: loss against quality, no falling line; the lowest loss looks poor"),
)
print(t("rank agreement of low loss and quality: {r:+.2f} (1 would be perfect)", r=agreement))
assert sweep.good[lowest] < 0.5 * sweep.good[best] and agreement < 0
measured.append(
    [
        t("good points: best game | game of the lowest loss"),
        sweep.good[best],
        sweep.good[lowest],
        t("choose by loss"),
    ]
)

# %% [markdown] lang="en" name="loss-read"
# It is the other way round. G's loss is low where *D is weak*: it is an exam that the candidate's opponent sets. An easy examiner gives good marks and teaches nothing.
# %% [markdown] lang="hi" of="3d8f58c4"
# बात उलटी निकली। G का लॉस वहाँ कम है जहाँ *D कमज़ोर* है: यह ऐसी परीक्षा है जिसका परचा विरोधी बनाता है। ढीला परीक्षक अच्छे अंक देता है और सिखाता कुछ नहीं।
# %% [markdown] lang="en" name="vae-text"
# ## 10 · Who collapses? GAN and VAE on one ring
#
# To compare we need the rival of section 1: a VAE as small as our players. Its loss is the distance to the restored point, plus the price of a latent that strays from the normal distribution.
# %% [markdown] lang="hi" of="545286a3"
# ## 10 · कौन ढहता है? एक ही घेरे पर GAN और VAE
#
# तुलना के लिए सेक्शन 1 वाला प्रतिद्वंद्वी चाहिए: हमारे खिलाड़ियों जितना ही छोटा VAE। उसका लॉस है वापस बने बिंदु की दूरी, और साथ में इस बात का दाम कि लेटेंट नॉर्मल वितरण से कितना भटका।
# %% name="ring-vae"
encoder = SideBySide([2, 64, 64, 4], seeds=range(4)).to(device)  # mean and log variance of 2
decoder = SideBySide([2, 64, 64, 2], seeds=range(50, 54)).to(device)
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-2)
with torch.no_grad():
    encoder.numbers *= 0.7  # a calmer start
    decoder.numbers *= 0.7
dice, vae_losses = torch.Generator().manual_seed(0), []
for _ in range(600):
    real = ring(4 * 64, dice).view(4, 64, 2).to(device)
    mean, log_variance = encoder(real).chunk(2, dim=2)
    noise = torch.randn(4, 64, 2, generator=dice).to(device)
    restored = decoder(mean + noise * (log_variance / 2).exp())
    distance = (real - restored).square().sum(2) / (2 * 0.3**2)  # being off by 0.3 is normal
    price = (mean**2 + log_variance.exp() - log_variance - 1).sum(2) / 2  # KL to the normal
    loss = (distance + price).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    vae_losses.append(loss.item())
with torch.no_grad():
    noise = torch.randn(4, 1_000, 2, generator=torch.Generator().manual_seed(9))
    vae_points = decoder(noise.to(device)).cpu()
vae_covered, vae_good = (sum(x) / 4 for x in zip(*map(ring_coverage, vae_points), strict=True))
quick = (
    balance["non-saturating"].covered.view(3, 3)[1],
    balance["non-saturating"].good.view(3, 3)[1],
)

figure, axes = plt.subplots(1, 3, figsize=(7, 2.5), layout="constrained")
draw_points(axes[0], collapse[-1].points[0], t("GAN, starved D"))
draw_points(axes[1], balance["non-saturating"].points[3], t("GAN, quick D"))
draw_points(axes[2], vae_points[0], "VAE")
plots.show(
    figure,
    alt=t("A patch off the heaps; a ring through all heaps; a wider, blurred band over all heaps"),
)
plots.table(
    [
        [t("GAN, starved D"), collapse[-1].covered.mean(), collapse[-1].good.mean()],
        [t("GAN, quick D"), quick[0].mean(), quick[1].mean()],
        ["VAE", vae_covered, vae_good],
    ],
    columns=["", t("heaps covered, of 8"), t("share of good points")],
    caption=t("A GAN may collapse; the VAE covers all heaps and is less exact"),
)
first, second, third = torch.tensor(vae_losses).view(3, 200).mean(1).tolist()
print(
    t(
        "the VAE's loss, a third of the way each: {a:.2f}, {b:.2f}, {c:.2f}",
        a=first,
        b=second,
        c=third,
    )
)
assert vae_covered > 7 and first > second > third  # one loss that falls
assert collapse[-1].covered.mean() < 2 and vae_good < quick[1].mean()
measured.append(
    [t("heaps covered by a VAE"), vae_covered, collapse[-1].covered.mean(), t("GAN, starved D")]
)

# %% [markdown] lang="en" name="collapse-table"
# So the common table of mode collapse, with what stands behind each line:
#
# | model | does it collapse? | how do you know? |
# |---|---|---|
# | **GAN** | it can: nothing in G's loss asks for variety | sections 7 and 9: from 0 to 8 heaps, by the balance of the players alone |
# | **VAE** | not like this: every example must be restored, so each kind has its place. Its own collapse is another one: a decoder that ignores the latent (*posterior collapse*) | this section, on the ring; the next notebook, on pictures |
# | **VQGAN** | its decoder restores examples, like a VAE; but codes of its codebook can die (*codebook collapse*) | not measured yet: lesson 3 counts the codes in use |
# %% [markdown] lang="hi" of="fb0d3b79"
# तो मोड कोलैप्स की मशहूर तालिका यह रही, और हर पंक्ति के पीछे का सबूत भी:
#
# | मॉडल | ढहता है? | कैसे पता? |
# |---|---|---|
# | **GAN** | ढह सकता है: G के लॉस में विविधता की माँग कहीं नहीं | सेक्शन 7 और 9: सिर्फ़ खिलाड़ियों के संतुलन से 0 से 8 ढेर तक |
# | **VAE** | इस तरह नहीं: हर उदाहरण वापस बनाना पड़ता है, तो हर क़िस्म की जगह बनती है। उसका अपना ढहना दूसरी तरह का है: डिकोडर लेटेंट पर ध्यान ही न दे (*posterior collapse*) | यही सेक्शन, घेरे पर; अगली नोटबुक, चित्रों पर |
# | **VQGAN** | उसका डिकोडर VAE की तरह उदाहरण वापस बनाता है; पर कोडबुक के कोड मर सकते हैं (*codebook collapse*) | अभी नहीं नापा: पाठ 3 गिनेगा कि कितने कोड काम आए |

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
# Now write it yourself: open the [exercises](exercises.en.ipynb). Each has hints, an instant check and a folded solution. The lesson's second quiz waits at the end of the lesson's last notebook.
# %% [markdown] lang="hi" of="b2671692"
# ## अभ्यास
#
# अब ख़ुद लिखिए: [अभ्यास](exercises.hi.ipynb) खोलिए। हर सवाल के साथ संकेत हैं, तुरंत जाँच है, और एक छिपा हुआ हल है जो क्लिक करने पर खुलता है। पाठ का दूसरा क्विज़ पाठ की आख़िरी नोटबुक के अंत में है।
# %% [markdown] lang="en" name="next"
# ## Where this leads
#
# - [The next notebook](2-dcgan.en.ipynb) plays the same game for pictures: the points become rangolis of 32 × 32, the players convolutional networks, and "heaps covered" becomes "motif × colour, of 64".
# - In lesson 3 a discriminator sharpens what a VQ-VAE restores: that is the GAN in VQGAN.
#
# **References.** Goodfellow et al. 2014, *Generative adversarial nets* ([1406.2661](https://arxiv.org/abs/1406.2661)) · Arjovsky & Bottou 2017 ([1701.04862](https://arxiv.org/abs/1701.04862)) ·
# Heusel et al. 2017, *TTUR* ([1706.08500](https://arxiv.org/abs/1706.08500)) · Mescheder et al. 2018, *Which training methods for GANs do actually converge?* ([1801.04406](https://arxiv.org/abs/1801.04406)) ·
# Kingma & Welling 2013, *VAE* ([1312.6114](https://arxiv.org/abs/1312.6114)) · Kingma & Ba 2014, *Adam* ([1412.6980](https://arxiv.org/abs/1412.6980)) · He et al. 2015, *initial weights* ([1502.01852](https://arxiv.org/abs/1502.01852))
# %% [markdown] lang="hi" of="6becb658"
# ## यह आगे कहाँ ले जाता है
#
# - [अगली नोटबुक](2-dcgan.hi.ipynb) में यही खेल चित्रों के लिए खेला जाता है: बिंदुओं की जगह 32 × 32 की रंगोलियाँ, खिलाड़ी कनवॉल्यूशनल नेटवर्क, और "कितने ढेर ढके" की जगह "64 में से कितने आकृति × रंग"।
# - पाठ 3 में एक डिस्क्रिमिनेटर VQ-VAE के वापस बनाए चित्रों को तीखा करता है: VQGAN में GAN वही है।
#
# **संदर्भ।** Goodfellow et al. 2014, *Generative adversarial nets* ([1406.2661](https://arxiv.org/abs/1406.2661)) · Arjovsky & Bottou 2017 ([1701.04862](https://arxiv.org/abs/1701.04862)) ·
# Heusel et al. 2017, *TTUR* ([1706.08500](https://arxiv.org/abs/1706.08500)) · Mescheder et al. 2018, *Which training methods for GANs do actually converge?* ([1801.04406](https://arxiv.org/abs/1801.04406)) ·
# Kingma & Welling 2013, *VAE* ([1312.6114](https://arxiv.org/abs/1312.6114)) · Kingma & Ba 2014, *Adam* ([1412.6980](https://arxiv.org/abs/1412.6980)) · He et al. 2015, *शुरुआती भार* ([1502.01852](https://arxiv.org/abs/1502.01852))
