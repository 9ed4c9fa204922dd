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
# # 5.1 · Hypernetworks: a network that writes another network's weights
#
# So far training has written the weights, once, and then they stood. Here a second network writes them: give it a few numbers that say *which* network is wanted, and it hands over that network's weights. You begin with an auto-rickshaw's fare and two numbers, then let one **hypernetwork** write a whole family of small networks, and then the kernels of a digit reader, as Ha, Dai and Le did in 2016. At the end you move a single slider, the kernels change before your eyes, and the same picture is read first as a 6 and then as a 9.
# On the way you see why such a pair of networks often does not learn at all, and the one line that cures it.
#
# **You need** Python, PyTorch, and what a convolution and a gradient are. Lessons 1 to 4 are not required. **Time**: about an hour to read and try; *Run all* takes about a minute on two CPU cores.
# %% [markdown] lang="hi" of="ac0b5669"
# # 5.1 · हाइपरनेटवर्क: दूसरे नेटवर्क के भार लिखने वाला नेटवर्क
#
# अब तक ट्रेनिंग भार एक बार लिख देती थी, और फिर वे वैसे ही रहते थे। यहाँ उन्हें एक दूसरा नेटवर्क लिखता है: उसे कुछ संख्याओं से बताइए कि *कौन-सा* नेटवर्क चाहिए, और वह उस नेटवर्क के भार (weights) थमा देता है। शुरुआत ऑटो-रिक्शा के किराये और दो संख्याओं से होगी; फिर एक ही **हाइपरनेटवर्क (hypernetwork)** छोटे नेटवर्कों का पूरा परिवार लिखेगा; फिर अंक पढ़ने वाले नेटवर्क के कर्नेल, जैसा 2016 में Ha, Dai और Le ने किया था। अंत में आप बस एक स्लाइडर खिसकाएँगे, कर्नेल आँखों के सामने बदलेंगे, और वही चित्र पहले 6 पढ़ा जाएगा, फिर 9।
# रास्ते में यह भी दिखेगा कि नेटवर्कों की ऐसी जोड़ी अक्सर सीखती ही क्यों नहीं, और वह एक पंक्ति भी, जिससे बात बन जाती है।
#
# **क्या आना चाहिए**: Python, PyTorch, और यह कि कनवॉल्यूशन और ग्रेडिएंट क्या होते हैं। पाठ 1 से 4 ज़रूरी नहीं। **समय**: पढ़ने और आज़माने में लगभग एक घंटा; *Run all* दो CPU कोर पर लगभग एक मिनट लेता है।
# %% tags=["start"]
# %% name="imports" tags=["export"]
import math
from collections.abc import Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from einops import rearrange
from matplotlib.figure import Figure
from torch import Tensor, nn

from common import plots, quiz
from common.data import digits, image_folder, to_float
from common.interact import interact
from common.lang import t
from common.training import Training

# %% [markdown] lang="en" name="preview-text"
# This is where section 2 leads. Each line is a network of its own with 97 weights that draws one curve, the shape of a swinging sitar string: one long wave at the bottom, four short ones at the top. None of these networks was ever trained: a single hypernetwork wrote the weights of all of them.
# %% [markdown] lang="hi" of="ff22747f"
# सेक्शन 2 यहाँ पहुँचेगा। हर रेखा 97 भारों वाला एक अलग नेटवर्क है, जो एक वक्र खींचता है, सितार के काँपते तार जैसा: सबसे नीचे एक लंबी लहर, सबसे ऊपर चार छोटी। इनमें से किसी नेटवर्क की अपनी ट्रेनिंग नहीं हुई: सबके भार एक ही हाइपरनेटवर्क ने लिखे।
# %% name="preview" tags=["cover"]
# You will meet every line of this below. (It trains for two seconds.)
from common.hypernetwork import HyperMLP, draw_family, train_family

strings = train_family(HyperMLP().to(device), 800, rate=1e-2)
figure, ax = plt.subplots(figsize=(8, 2.9), layout="constrained")
draw_family(ax, strings, 25)
plots.show(
    figure,
    alt=t("Twenty-five curves from slow to fast swings, violet to yellow, fanned out like strings"),
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
quiz.show("05-hypernetwork", "before")

# %% [markdown] lang="en" name="two-numbers-text"
# ## 1 · Two numbers
#
# An auto-rickshaw: fare = rate × kilometres. The **main network** is that one multiplication, `fare = weight * km`: it maps inputs to targets, and has a single weight. By day the rate is ₹ 16, at night one and a half times as much. So *which* weight is right depends on something that is no kilometre at all: the hour.
#
# The smallest **hypernetwork** has two numbers, a and b. Its input z says which network is wanted (0 = day, 1 = night), its output *is the weight*:
#
# $$w(z) = a\,z + b, \qquad \text{fare} = w(z)\cdot \text{km}$$
#
# Training changes a and b only. The weight w is no longer a parameter: it is a result on the way, and the gradient flows through it by the chain rule, ∂L/∂a = ∂L/∂w · z.
# %% [markdown] lang="hi" of="a3295731"
# ## 1 · दो संख्याएँ
#
# ऑटो-रिक्शा लीजिए: किराया = दर × किलोमीटर। यही एक गुणा हमारा **मुख्य नेटवर्क (main network)** है, `fare = weight * km`: इनपुट से जवाब तक ले जाता है, और उसमें एक ही भार है। दिन में दर ₹ 16 है, रात में उसकी डेढ़ गुनी। यानी *कौन-सा* भार सही है, यह ऐसी बात पर टिका है जो किलोमीटर है ही नहीं: वक़्त पर।
#
# सबसे छोटे **हाइपरनेटवर्क** में दो संख्याएँ हैं, a और b। उसका इनपुट z बताता है कि कौन-सा नेटवर्क चाहिए (0 = दिन, 1 = रात), और उसका आउटपुट *ही वह भार है*:
#
# $$w(z) = a\,z + b, \qquad \text{fare} = w(z)\cdot \text{km}$$
#
# ट्रेनिंग सिर्फ़ a और b को बदलती है। भार w अब पैरामीटर नहीं रहा: वह बीच में निकलने वाला नतीजा है, और ग्रेडिएंट चेन रूल से उसके पार जाता है, ∂L/∂a = ∂L/∂w · z।
# %% name="chain-rule" tags=["nbval-check-output"]
a, b = torch.tensor(0.0, requires_grad=True), torch.tensor(1.0, requires_grad=True)
z, km, fare = torch.tensor(1.0), torch.tensor([1.0, 2.0]), torch.tensor([24.0, 48.0])  # at night
weight = a * z + b  # the hypernetwork
weight.retain_grad()
loss = (weight * km - fare).square().mean()  # the main network
loss.backward()
print(t("∂L/∂w = {w:.0f}, ∂L/∂a = {a:.0f}, ∂L/∂b = {b:.0f}", w=weight.grad, a=a.grad, b=b.grad))
by_hand = (2 * (weight.detach() * km - fare) * km).mean()
assert weight.grad == by_hand and a.grad == by_hand * z and b.grad == by_hand

# %% [markdown] lang="en" name="rickshaw-text"
# All three are equal only because z is 1 at night. By day z is 0, and then a gets no gradient at all: a day's ride says nothing about the night.
#
# Now train a and b on rides by day and by night. Two **controls** see the same rides: a network that ignores the hour, `p·km`, and one that gets the hour as a *second input*, `p·km + q·z + r`. So that nothing hangs on how well they were trained, both are given the best values that there are (least squares).
# %% [markdown] lang="hi" of="8ca55593"
# तीनों बराबर बस इसलिए हैं कि रात में z का मान 1 है। दिन में z = 0 है, और तब a को कोई ग्रेडिएंट नहीं मिलता: दिन का सफ़र रात के बारे में कुछ नहीं बताता।
#
# अब a और b को दिन और रात के सफ़रों पर सिखाइए। दो **कंट्रोल (control)** भी वही सफ़र देखते हैं: एक नेटवर्क जो वक़्त देखता ही नहीं, `p·km`, और एक जिसे वक़्त *दूसरे इनपुट* के रूप में मिलता है, `p·km + q·z + r`। बात इस पर न अटके कि वे कितना अच्छा सीखे, इसलिए दोनों को वे मान दिए गए हैं जिनसे बेहतर मान हो ही नहीं सकते (least squares)।
# %% name="rickshaw"
measured: list[list[object]] = []  # the table at the end
dice = torch.Generator().manual_seed(0)
hour = torch.randint(0, 2, (200,), generator=dice).float()  # 0 day, 1 night
km = 1 + 4 * torch.rand(200, generator=dice)
fare = torch.where(hour == 1, 24.0, 16.0) * km

with torch.no_grad():
    a.zero_(), b.fill_(1.0)
optimizer = torch.optim.SGD([a, b], 0.03)
for _ in range(400):
    loss = ((a * hour + b) * km - fare).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def best_error(*inputs: Tensor) -> float:
    """The root mean square error in ₹ of the best sum of these inputs, each times a number."""
    table = torch.stack(inputs, dim=1)
    best = torch.linalg.lstsq(table, fare[:, None]).solution
    return (table @ best - fare[:, None]).square().mean().sqrt().item()


ignores_hour = best_error(km)
adds_hour = best_error(km, hour, torch.ones(200))
writes_weight = loss.item() ** 0.5
plots.table(
    [
        [t("w(z) = a·z + b writes the weight"), 2, writes_weight],
        [t("ignores the hour: p·km"), 1, ignores_hour],
        [t("adds the hour: p·km + q·z + r"), 3, adds_hour],
    ],
    columns=[t("network"), t("numbers"), t("error, ₹")],
    caption=t("What 200 rides cost, day and night"),
)
print(t("a = {a:.2f}, b = {b:.2f}", a=a.item(), b=b.item()))
print(t("at dusk, z = 0.5, it writes {w:.2f}", w=(a * 0.5 + b).item()))
assert abs(a.item() - 8) < 0.1 and abs(b.item() - 16) < 0.1
assert writes_weight < 0.1 < 3 * writes_weight + 1 < adds_hour < ignores_hour
measured.append([t("rickshaw: error, ₹"), writes_weight, adds_hour, t("the hour as an input")])

# %% [markdown] lang="en" name="rickshaw-read"
# The sum cannot do it at any values: adding the hour moves the line up and down, but night makes it *steeper*. Writing a weight is a **multiplication** of what z says with what km says; that is what a hypernetwork brings. (A larger network with both as inputs can imitate it, with its bends. Section 2 compares.)
# And the hypernetwork answers for a z that no ride had: at dusk it writes the rate half-way. Whether that is *right* nobody has told it.
# %% [markdown] lang="hi" of="0945388b"
# जोड़ने वाला किसी भी मान से यह काम नहीं कर सकता: वक़्त जोड़ने से रेखा ऊपर-नीचे खिसकती है, जबकि रात उसे *ज़्यादा खड़ी* करती है। भार लिखने का मतलब है z की बात और km की बात का **गुणा**; हाइपरनेटवर्क की ख़ास देन यही है। (दोनों इनपुट वाला बड़ा नेटवर्क अपने मोड़ों से इसकी नक़ल कर सकता है। सेक्शन 2 में तुलना है।)
# और हाइपरनेटवर्क उस z का भी जवाब देता है जो किसी सफ़र में था ही नहीं: शाम के लिए वह बीच की दर लिखता है। वह *सही* है या नहीं, यह उसे किसी ने नहीं बताया।

# %% [markdown] lang="en" name="family-text"
# ## 2 · A family of curves: one hypernetwork, many small networks
#
# A string can swing in one half wave to each side of its middle, in four, and in anything between. `c` from −1 to 1 says how many; the main network shall map a place x on the string to its height. It is small: 1 → 8 → 8 → 1 with tanh, **97 weights**. The hypernetwork reads c and writes all 97.
#
# `HyperLinear` is a linear layer without weights of its own: it gets `h`, what the hypernetwork has made of c, and from it makes a matrix and a bias. (How it is initialised is the subject of section 4.)
# %% [markdown] lang="hi" of="073d1b07"
# ## 2 · वक्रों का परिवार: हाइपरनेटवर्क एक, छोटे नेटवर्क कई
#
# तार अपने बीच से हर ओर एक आधी लहर में काँप सकता है, चार में, या इनके बीच की किसी भी गिनती में। कितनी, यह `c` बताता है, −1 से 1 तक; मुख्य नेटवर्क को तार की जगह x से उसकी ऊँचाई निकालनी है। वह छोटा है: 1 → 8 → 8 → 1, tanh के साथ, कुल **97 भार**। हाइपरनेटवर्क c पढ़कर सारे 97 लिखता है।
#
# `HyperLinear` ऐसी लीनियर लेयर है जिसके अपने भार नहीं: उसे `h` मिलता है (हाइपरनेटवर्क ने c से जो बनाया), और उससे वह एक मैट्रिक्स और एक बायस (bias) बनाती है। (उसके शुरुआती मान कैसे रखे जाएँ, यह सेक्शन 4 की बात है।)


# %% name="principled" tags=["export"]
@torch.no_grad()
def principled_init(
    layer: nn.Linear,
    fan_in: int,
    *,
    gain: float = 2.0,
    moment: float = 1.0,
    dice: torch.Generator | None = None,
) -> nn.Linear:
    """Set the last layer of a hypernetwork so that the weights that it writes have variance
    gain / fan_in, as He's initialisation gives to a layer of its own; its bias becomes 0.

    fan_in: of the layer that will use the weights (for a convolution: channels × kernel area).
    gain: 2 where a ReLU follows, 1 for none or tanh. moment: the mean square of what goes into
    `layer`. (Chang et al. 2020, "hyperfan-in")
    """
    if fan_in < 1 or not (gain > 0 and moment > 0):
        raise ValueError(t("fan_in, gain and moment must be greater than 0"))
    deviation = math.sqrt(gain / (fan_in * layer.in_features * moment))
    noise = torch.randn(layer.weight.shape, generator=dice)
    layer.weight.copy_(deviation * noise)
    layer.bias.zero_()
    return layer


# %% name="hyper-linear" tags=["export"]
class HyperLinear(nn.Module):
    """A linear layer whose weights are written anew for every h [B, width]."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        width: int,
        gain: float = 1.0,
        dice: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.inputs, self.outputs = inputs, outputs
        self.to_weight = principled_init(
            nn.Linear(width, inputs * outputs), inputs, gain=gain, dice=dice
        )
        self.to_bias = principled_init(nn.Linear(width, outputs), 4, gain=gain, dice=dice)

    def weights(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """h [B, width] -> the matrices [B, outputs, inputs] and the biases [B, outputs]."""
        matrix = rearrange(self.to_weight(h), "b (o i) -> b o i", i=self.inputs)
        return matrix, self.to_bias(h)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        """x [B, N, inputs], and one h [B, width] for the N places of each -> [B, N, outputs]."""
        matrix, bias = self.weights(h)
        return torch.baddbmm(bias[:, None], x, matrix.transpose(1, 2))


class HyperMLP(nn.Module):
    """A hypernetwork and the small network that it writes: f(x; weights(c)).

    sizes: of the small network's layers. width: how many numbers say which network is wanted.
    """

    def __init__(
        self, sizes: Sequence[int] = (1, 8, 8, 1), hidden: int = 16, width: int = 8, seed: int = 0
    ) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.read = nn.Sequential(nn.Linear(1, hidden), nn.SiLU(), nn.Linear(hidden, width))
            dice = torch.Generator().manual_seed(seed)
            self.layers = nn.ModuleList(
                HyperLinear(before, after, width, dice=dice) for before, after in pairwise(sizes)
            )
        self.width = width

    def describe(self, c: Tensor) -> Tensor:
        """c [B, 1] -> h [B, width], brought to mean square 1, as `principled_init` expects."""
        return F.layer_norm(self.read(c), (self.width,))

    def weights(self, c: Tensor) -> Tensor:
        """c [B, 1] -> all numbers of the small network, [B, 97] for the usual sizes."""
        h = self.describe(c)
        return torch.cat([p.flatten(1) for layer in self.layers for p in layer.weights(h)], dim=1)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """Places x [B, N, 1] and, for each row, which network: c [B, 1] -> heights [B, N, 1]."""
        h = self.describe(c)
        for number, layer in enumerate(self.layers):
            x = layer(x if number == 0 else x.tanh(), h)
        return x


def numbers_in(module: nn.Module) -> int:
    """How many numbers training may change in a module."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


# %% name="hyper-shapes" tags=["nbval-check-output"]
model = HyperMLP()
c, x = torch.tensor([[-1.0], [0.0], [1.0]]), torch.zeros(3, 50, 1)
print(t("three networks of {n} weights, all at once:", n=97), list(model.weights(c).shape))
print(t("heights:"), list(model(x, c).shape))
print(t("numbers in the hypernetwork: {n}", n=numbers_in(model)))
print(t("numbers in the main network itself: {n}", n=0))
assert model.weights(c).shape == (3, 1 * 8 + 8 + 8 * 8 + 8 + 8 * 1 + 1)

# %% [markdown] lang="en" name="train-family-text"
# **What training is, here:** draw a few c, let the hypernetwork write a network for each, let each draw its curve, compare, and go back through curve *and* weights to the numbers of the hypernetwork. No small network is kept. The next step writes new ones.
# %% [markdown] lang="hi" of="80eecd6c"
# **यहाँ ट्रेनिंग का मतलब:** कुछ c चुनिए, हर एक के लिए हाइपरनेटवर्क से नेटवर्क लिखवाइए, हर नेटवर्क से उसका वक्र खिंचवाइए, मिलाइए, और फिर वक्र *और* भार, दोनों के पार हाइपरनेटवर्क की संख्याओं तक लौटिए। कोई छोटा नेटवर्क सँभालकर नहीं रखा जाता। अगले क़दम पर नए लिखे जाते हैं।


# %% name="train-family" tags=["export"]
def string(x: Tensor, c: Tensor) -> Tensor:
    """The heights of strings at places x [B, N, 1] in -1…1: c [B, 1] from -1, one half wave to
    each side, to 1, four."""
    half_waves = 1 + 1.5 * (c[:, None] + 1)
    return torch.sin(math.pi * half_waves * x)


def train_family(model: nn.Module, steps: int, *, rate: float, seed: int = 0) -> nn.Module:
    """Train model(x, c) on strings of random c; the rate falls to 0 over the second half."""
    device = next(model.parameters()).device
    dice = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.train().parameters(), rate, fused=True)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * min(1.0, 2 * (1 - step / steps))
        c = (2 * torch.rand(16, 1, generator=dice) - 1).to(device)
        x = (2 * torch.rand(16, 32, 1, generator=dice) - 1).to(device)
        loss = F.mse_loss(model(x, c), string(x, c))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


@torch.no_grad()
def family_error(model: nn.Module, count: int = 19) -> float:
    """The mean squared error over strings of `count` c; 0.5 is that of a straight line at 0."""
    device = next(model.parameters()).device
    c = torch.linspace(-0.95, 0.95, count, device=device)[:, None]
    x = torch.linspace(-1, 1, 101, device=device).expand(count, -1)[..., None]
    return F.mse_loss(model(x, c), string(x, c)).item()


@torch.no_grad()
def draw_family(ax: plt.Axes, model: nn.Module, count: int, title: str = "") -> None:
    """The curves of `count` c from -1 (violet) to 1 (yellow), each a little above the last."""
    device = next(model.parameters()).device
    c = torch.linspace(-1, 1, count, device=device)[:, None]
    x = torch.linspace(-1, 1, 161, device=device)
    heights = model(x.expand(count, -1)[..., None], c)[..., 0].cpu()
    colours = plt.get_cmap("plasma")(torch.linspace(0, 0.92, count).numpy())
    for row, (line, colour) in enumerate(zip(heights, colours, strict=True)):
        ax.plot(x.cpu(), line + 0.3 * row, color=colour, linewidth=1.4)
    ax.set(xticks=[], yticks=[], title=title)
    ax.spines[:].set_visible(False)


# %% name="compare-family"
class WithInput(nn.Module):
    """The control: one network with c as a second input, and no weights but its own."""

    def __init__(self, width: int, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.layers = nn.Sequential(
                nn.Linear(2, width),
                nn.Tanh(),
                nn.Linear(width, width),
                nn.Tanh(),
                nn.Linear(width, 1),
            )

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        return self.layers(torch.cat([x, c[:, None].expand_as(x)], dim=2))


class Separate(nn.Module):
    """The other control: five small networks with weights of their own, for five c; a c between
    them gets the nearest."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("known", torch.linspace(-1, 1, 5)[:, None])
        with torch.no_grad():  # each begins as the hypernetwork would write it
            h = HyperMLP()
            self.numbers = nn.ParameterList(
                nn.Parameter(p) for layer in h.layers for p in layer.weights(h.describe(self.known))
            )

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        nearest = (c - self.known.T).abs().argmin(1)
        for at in range(0, len(self.numbers), 2):
            matrix, bias = self.numbers[at][nearest], self.numbers[at + 1][nearest]
            x = torch.baddbmm(bias[:, None], x if at == 0 else x.tanh(), matrix.transpose(1, 2))
        return x


family = {
    t("hypernetwork"): train_family(HyperMLP().to(device), 800, rate=1e-2),
    t("c as an input, as many numbers"): train_family(WithInput(29).to(device), 800, rate=4e-2),
    t("c as an input, as small"): train_family(WithInput(8).to(device), 800, rate=4e-2),
}
family[t("five separate networks")] = train_family(Separate().to(device), 800, rate=1e-2)
multiplications = [80, 2 * 29 + 29 * 29 + 29, 2 * 8 + 8 * 8 + 8, 80]
rows = [
    [name, numbers_in(model), each, family_error(model)]
    for (name, model), each in zip(family.items(), multiplications, strict=True)
]
plots.table(
    rows,
    columns=[
        t("network"),
        t("numbers trained"),
        t("multiplications a place"),
        t("squared error, 0.5 = a line at 0"),
    ],
    caption=t("800 steps on the same curves"),
)
errors = [row[3] for row in rows]
assert errors[0] < 0.03 and errors[1] < 0.03  # both learn it
assert errors[2] > 2 * errors[0] and errors[3] > 5 * errors[0]
measured += [
    [t("curves: squared error"), errors[0], errors[1], t("c as an input, as many numbers")],
    [t("curves: squared error"), errors[0], errors[2], t("c as an input, as small")],
]

# %% name="family-figure"
figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.2), layout="constrained")
line = torch.linspace(-1, 1, 61, device=device)[:, None]
place = torch.linspace(-1, 1, 101, device=device).expand(61, -1)[..., None]
with torch.no_grad():
    for name, model in family.items():
        by_c = (model(place, line) - string(place, line)).square().mean((1, 2)).cpu()
        left.plot(line.cpu(), by_c, label=name)
    written = family[t("hypernetwork")].weights(line).cpu()
left.set(yscale="log", xlabel="c", ylabel=t("squared error"), ylim=(1e-4, 60))
left.set_title(t("Separate networks leave humps between them"))
left.legend(fontsize=8, loc="upper left", ncols=2)
right.plot(line.cpu(), written[:, ::4], linewidth=1)
right.set(xlabel="c", title=t("25 of the 97 weights, as c moves"))
plots.show(
    figure,
    alt=t(
        "Left errors over c, with humps for the separate networks; right smooth lines of weights"
    ),
)

# %% [markdown] lang="en" name="family-read"
# Read the table honestly. **Against an equally large network with c as an input the hypernetwork does not win**: both learn the family (each at the best of the learning rates that we tried), and in our trials with other seeds and fewer steps the plain one was even a little ahead. What you get is elsewhere:
#
# - once c is fixed, what has to *run* is the small network, with less than a tenth of the multiplications; a network as small as that with c as an input is clearly worse;
# - five separate networks, each in charge of the c nearest to its own, can draw one curve each, a compromise between all the strings of their stretch. So the error rises at the borders between two of them (left, the humps), and towards c = 1, where the waves are short, they are hardly better than a line at 0. The hypernetwork's weights move smoothly with c (right), so there is a network for every c.
#
# That is the use of a hypernetwork in one line: **a dear network decides once, a cheap one runs often.**
# %% [markdown] lang="hi" of="db7eb5bf"
# तालिका ईमानदारी से पढ़िए। **जिस नेटवर्क को c इनपुट में मिलता है और जो उतना ही बड़ा है, उससे हाइपरनेटवर्क नहीं जीतता**: दोनों परिवार को सीख लेते हैं (हर एक उस लर्निंग रेट पर, जो आज़माई हुई दरों में उसके लिए सबसे अच्छी निकली), और दूसरे सीडों व कम क़दमों वाली आज़माइशों में सादा नेटवर्क थोड़ा आगे भी रहा। फ़ायदा कहीं और है:
#
# - c तय हो जाए, तो *चलाना* बस छोटे नेटवर्क को पड़ता है, दसवें हिस्से से भी कम गुणा में; उतना ही छोटा नेटवर्क जिसे c इनपुट में मिले, साफ़ तौर पर कमज़ोर है;
# - पाँच अलग नेटवर्कों में हर एक अपने आस-पास के c सँभालता है और एक ही वक्र खींच सकता है: अपने हिस्से के सब तारों के बीच का समझौता। इसलिए दो हिस्सों की सीमा पर ग़लती बढ़ती है (बाएँ, टीले), और c = 1 की ओर, जहाँ लहरें छोटी हैं, वे 0 पर सीधी रेखा से बस नाम भर को बेहतर हैं। हाइपरनेटवर्क के भार c के साथ धीरे-धीरे बदलते हैं (दाएँ), इसलिए हर c के लिए एक नेटवर्क है।
#
# हाइपरनेटवर्क का काम एक वाक्य में: **महँगा नेटवर्क एक बार तय करता है, सस्ता बार-बार चलता है।**

# %% [markdown] lang="en" name="kernel-text"
# ## 3 · Ha, Dai and Le: kernels from an embedding
#
# The hypernetwork's input needs no meaning of its own. In the paper it is an **embedding**: a few numbers z for every layer, learnt along with everything else, that come to describe the *structure* of that layer's weights. A 7 × 7 kernel with 16 channels in and out has 7 · 7 · 16 · 16 = 12,544 weights. It is written in two steps, both linear. For each input channel i:
#
# $$a_i = W_i\,z + B_i, \qquad K_i = W_{\text{out}}\,a_i + B_{\text{out}}$$
#
# Each W_i makes d numbers out of those of z (here both are 4); one *shared* W_out makes from these the 7 · 7 · 16 weights that go from channel i to all outputs. Count before you run: how many numbers are learnt?
# %% [markdown] lang="hi" of="829c5cd7"
# ## 3 · Ha, Dai और Le: एम्बेडिंग से कर्नेल
#
# हाइपरनेटवर्क के इनपुट का पहले से कोई मतलब होना ज़रूरी नहीं। उस शोध-पत्र में वह एक **एम्बेडिंग (embedding)** है: हर लेयर के लिए थोड़ी-सी संख्याएँ z, जो बाक़ी सब के साथ ही सीखी जाती हैं और आख़िर उस लेयर के भारों की *बनावट* बताने लगती हैं। 7 × 7 का कर्नेल (kernel), जिसमें 16 चैनल आते और 16 जाते हैं, 7 · 7 · 16 · 16 = 12,544 भारों का है। उसे दो चरणों में लिखा जाता है, दोनों लीनियर। हर आने वाले चैनल i के लिए:
#
# $$a_i = W_i\,z + B_i, \qquad K_i = W_{\text{out}}\,a_i + B_{\text{out}}$$
#
# हर W_i, z की संख्याओं से d संख्याएँ बनाता है (यहाँ दोनों 4 हैं); एक *साझा* W_out उनसे वे 7 · 7 · 16 भार बनाता है जो चैनल i से सारे आउटपुट तक जाते हैं। चलाने से पहले गिनिए: कितनी संख्याएँ सीखनी होंगी?


# %% name="kernel-hypernetwork" tags=["export"]
class KernelHypernetwork(nn.Module):
    """Writes convolution kernels from embeddings (Ha et al. 2016, two linear layers).

    inputs, outputs: channels; kernel: its side; numbers: in an embedding z; width: of the layer
    between, d in the paper.
    """

    def __init__(
        self,
        inputs: int = 16,
        outputs: int = 16,
        kernel: int = 7,
        numbers: int = 4,
        width: int = 4,
        seed: int = 0,
    ) -> None:
        super().__init__()
        dice = torch.Generator().manual_seed(seed)
        self.inputs, self.outputs, self.kernel, self.numbers = inputs, outputs, kernel, numbers
        # Unit variance first, then what He's initialisation asks of the kernel
        self.to_rows = principled_init(nn.Linear(numbers, inputs * width), 1, gain=1, dice=dice)
        self.to_kernel = principled_init(
            nn.Linear(width, outputs * kernel * kernel), inputs * kernel * kernel, dice=dice
        )

    def forward(self, z: Tensor) -> Tensor:
        """z [..., numbers] -> kernels [..., outputs, inputs, kernel, kernel]; z of variance 1."""
        rows = rearrange(self.to_rows(z), "... (i d) -> ... i d", i=self.inputs)
        k = self.kernel
        return rearrange(self.to_kernel(rows), "... i (o y x) -> ... o i y x", y=k, x=k)

    def tiled(self, z: Tensor) -> Tensor:
        """z [rows, columns, numbers] -> one kernel [rows · outputs, columns · inputs, k, k]: a
        larger kernel is laid out of pieces, each with an embedding of its own."""
        return rearrange(self(z), "r c o i y x -> (r o) (c i) y x")


# %% name="count-kernel" tags=["nbval-check-output"]
hyper = KernelHypernetwork(inputs=16, outputs=16, kernel=7, numbers=4, width=4)
kernel = hyper(torch.zeros(4))
print(t("kernel {shape}: {n:,} weights", shape=list(kernel.shape), n=kernel.numel()))
first, last = numbers_in(hyper.to_rows), numbers_in(hyper.to_kernel)
print(t("W and B: {a:,} + {b:,} = {n:,} numbers", a=first, b=last, n=numbers_in(hyper)))
print(t("and z: {n} numbers", n=hyper.numbers))
assert kernel.numel() == 12_544 and numbers_in(hyper) == 4_240 and hyper.numbers == 4

# %% [markdown] lang="en" name="count-wrn-text"
# The very numbers of the paper: 12,544 weights out of 4,240 + 4.
#
# A saving by two thirds is nice. It becomes large when **one hypernetwork serves many layers**: then each further layer costs one more z only. A layer that is wider than 16 channels is laid out of 16 × 16 pieces, each with its z. The paper does that with two wide residual networks for CIFAR-10, depth 40 (z of 64 numbers, d = 64): WRN-40-1, and WRN-40-2 with twice the channels. Count them:
# %% [markdown] lang="hi" of="936ff2fb"
# ठीक वही संख्याएँ जो शोध-पत्र में हैं: 12,544 भार, 4,240 + 4 से।
#
# दो-तिहाई की बचत अच्छी है। पर बड़ी बचत तब है जब **एक हाइपरनेटवर्क कई लेयरों का काम करे**: तब हर नई लेयर का दाम बस एक और z है। 16 चैनल से चौड़ी लेयर 16 × 16 के टुकड़ों से जोड़ी जाती है, हर टुकड़े का अपना z। शोध-पत्र ने यह CIFAR-10 के दो चौड़े रेज़िडुअल नेटवर्कों पर किया, गहराई 40 (z में 64 संख्याएँ, d = 64): WRN-40-1, और दोगुने चैनलों वाला WRN-40-2। गिनिए:


# %% name="wide-resnet" tags=["export"]
def wide_resnet_numbers(widen: int, blocks: int = 6) -> dict[str, int]:
    """Counts the numbers of WRN-40-`widen`, and of the same network with written kernels.

    "kernels": of the 3 × 3 kernels in its 3 · 2 · `blocks` layers. "pieces": of how many 16 × 16
    pieces these kernels consist. "hyper": one hypernetwork and an embedding of 64 for each piece.
    "rest": what both have. The paper does not print how it counts that; this reading gives its
    totals: a bias in each convolution, batch norm before each and after the first and the last,
    shortcuts without numbers (zeros are added where channels are).
    """
    channels, kernels, pieces = 16, 0, 0
    rest = 3 * 16 * 9 + 16 + 2 * 16  # the first convolution, its bias and its batch norm
    for width in (16 * widen, 32 * widen, 64 * widen):
        for _ in range(2 * blocks):
            kernels += channels * width * 9
            pieces += (channels // 16) * (width // 16)
            rest += 2 * channels + width
            channels = width
    rest += 2 * channels + channels * 10 + 10
    hyper = numbers_in(KernelHypernetwork(16, 16, kernel=3, numbers=64, width=64)) + 64 * pieces
    return {"kernels": kernels, "pieces": pieces, "hyper": hyper, "rest": rest}


# %% name="count-wrn"
paper = {1: (0.563, 0.097), 2: (2.236, 0.148)}  # millions: plain, hypernetwork
rows = []
for widen, (plain_paper, hyper_paper) in paper.items():
    n = wide_resnet_numbers(widen)
    plain, small = n["kernels"] + n["rest"], n["hyper"] + n["rest"]
    rows.append([f"WRN-40-{widen}", n["pieces"], plain, plain_paper, small, hyper_paper])
    assert f"{plain / 1e6:.3f}" == f"{plain_paper}" and f"{small / 1e6:.3f}" == f"{hyper_paper}"
    saved = n["kernels"] - n["hyper"]  # whatever the rest may be
    assert f"{saved / 1e6:.3f}" == f"{plain_paper - hyper_paper:.3f}"
plots.table(
    rows,
    columns=[
        t("network"),
        t("pieces"),
        t("plain"),
        t("paper, millions"),
        t("written"),
        t("paper, millions"),
    ],
    caption=t("Numbers to be learnt, counted and as published"),
)
measured += [[t("numbers of {name}", name=row[0]), row[4], row[2], t("plain")] for row in rows]

# %% [markdown] lang="en" name="rank-text"
# All four agree with the published figures to the last digit. (How the paper counts biases, batch norms and shortcuts it does not print; `wide_resnet_numbers` says which reading gives its totals. The *saving* needs no such reading, and agrees too.)
#
# What is the price? Take the written kernel apart. As a table with 16 rows, one for each input channel, a free kernel has **rank** 16: its rows point in 16 different directions. The written one is made of 4 numbers per row and a shared W_out:
# %% [markdown] lang="hi" of="e7e2da3e"
# चारों गिनतियाँ प्रकाशित आँकड़ों से आख़िरी अंक तक मिलती हैं। (शोध-पत्र यह नहीं छापता कि बायस, बैच नॉर्म और शॉर्टकट कैसे गिने गए; किस तरह गिनने पर उसके जोड़ आते हैं, यह `wide_resnet_numbers` में लिखा है। *बचत* को इसकी ज़रूरत ही नहीं, और वह भी मिलती है।)
#
# क़ीमत क्या चुकाई? लिखा हुआ कर्नेल खोलकर देखिए। उसे 16 पंक्तियों की तालिका मानिए, हर आने वाले चैनल की एक पंक्ति। आज़ाद कर्नेल का **रैंक (rank)** 16 है: उसकी पंक्तियाँ 16 अलग दिशाओं में हैं। लिखे हुए कर्नेल की हर पंक्ति 4 संख्याओं और साझा W_out से बनी है:
# %% name="rank" tags=["nbval-check-output"]
dice = torch.Generator().manual_seed(1)
with torch.no_grad():
    for bias in (hyper.to_rows.bias, hyper.to_kernel.bias):  # as if they had been trained
        bias.copy_(torch.randn(bias.shape, generator=dice))
    written_kernel = hyper(torch.randn(4, generator=dice))
free_kernel = torch.randn(16, 16, 7, 7, generator=dice)
ranks = [
    int(torch.linalg.matrix_rank(rearrange(k, "o i y x -> i (o y x)")))
    for k in (written_kernel, free_kernel)
]
print(t("rank of the written kernel: {w}, of a free one: {f}", w=ranks[0], f=ranks[1]))
assert ranks == [5, 16]

# %% [markdown] lang="en" name="rank-read"
# Five directions instead of sixteen: d = 4, and one from the bias. That is the bargain, and why the paper calls it *relaxed weight sharing*: the layers are not equal, but of one mould. (On CIFAR-10 it costs the paper's networks roughly one and a half percentage points of accuracy.) Section 5 measures what it costs us.
#
# Mind one thing: with a *single* layer the embedding saves nothing. a_i = W_i z + B_i is then 64 numbers, and one could just as well learn those. z earns its keep when there are several: several layers (section 4) or several tasks (section 6).
# %% [markdown] lang="hi" of="2a7ce5bc"
# सोलह की जगह पाँच दिशाएँ: d = 4, और एक बायस से। सौदा यही है, और इसीलिए शोध-पत्र इसे *relaxed weight sharing* कहता है, यानी भारों का ढीला साझा: लेयरें एक-सी नहीं, पर एक ही साँचे की हैं। (CIFAR-10 पर शोध-पत्र के नेटवर्कों की सटीकता इससे मोटे तौर पर डेढ़ प्रतिशत अंक घटी।) हमें यह कितने में पड़ता है, सेक्शन 5 नापेगा।
#
# एक बात पर ध्यान दीजिए: लेयर *एक ही* हो, तो एम्बेडिंग कुछ नहीं बचाती। तब a_i = W_i z + B_i बस 64 संख्याएँ हैं, और सीधे उन्हीं को सीखा जा सकता था। z तब काम का है जब कई हों: कई लेयरें (सेक्शन 4) या कई काम (सेक्शन 6)।

# %% [markdown] lang="en" name="init-text"
# ## 4 · Why it often does not learn, and the cure
#
# A layer of its own is initialised so that its output is about as large as its input: its weights get variance 2 / fan_in (He et al. 2015), where fan_in is how many numbers are added up. A hypernetwork's last layer is an ordinary layer *for itself*; its fan_in is the width d. But what it puts out is a kernel, and **that** should have variance 2 / (channels · kernel area). Nobody told it. So work back from the kernel to the layer that writes it:
#
# $$\operatorname{Var}(K) = d\cdot \operatorname{Var}(W_{\text{out}})\cdot \operatorname{E}[a^2] = \frac{2}{\text{fan}_{\text{in}}(K)} \quad\Rightarrow\quad \operatorname{Var}(W_{\text{out}}) = \frac{2}{\text{fan}_{\text{in}}(K)\; d\;\operatorname{E}[a^2]}$$
#
# That is the line in `principled_init` (Chang, Flokas and Lipson 2020). To see what it is worth: six layers of 3 × 3, all written by one hypernetwork from six embeddings (of 16 numbers, d = 16), started in four ways: the principled one; PyTorch's own for `nn.Linear`; unit normal numbers; and normal numbers of 0.01. The picture shows how large the activations are, layer by layer, *before any training*, with five seeds each.
# %% [markdown] lang="hi" of="9cbc22b1"
# ## 4 · अक्सर सीखता क्यों नहीं, और इलाज
#
# जिस लेयर के अपने भार हों, उसके शुरुआती भार ऐसे रखे जाते हैं कि आउटपुट लगभग इनपुट जितना बड़ा रहे: इन भारों का वेरिएंस 2 / fan_in हो (He et al. 2015), जहाँ fan_in बताता है कि कितनी संख्याएँ जुड़ती हैं। हाइपरनेटवर्क की आख़िरी लेयर *अपने लिए* साधारण लेयर है; उसका fan_in चौड़ाई d है। पर उससे निकलता है कर्नेल, और वेरिएंस 2 / (चैनल · कर्नेल का क्षेत्रफल) **उसका** होना चाहिए। यह उसे किसी ने नहीं बताया। तो कर्नेल से उलटा चलिए, उसे लिखने वाली लेयर तक:
#
# $$\operatorname{Var}(K) = d\cdot \operatorname{Var}(W_{\text{out}})\cdot \operatorname{E}[a^2] = \frac{2}{\text{fan}_{\text{in}}(K)} \quad\Rightarrow\quad \operatorname{Var}(W_{\text{out}}) = \frac{2}{\text{fan}_{\text{in}}(K)\; d\;\operatorname{E}[a^2]}$$
#
# `principled_init` में यही पंक्ति है (Chang, Flokas और Lipson 2020)। उसका मोल देखने के लिए: 3 × 3 की छह लेयरें, सब एक हाइपरनेटवर्क की लिखी, छह एम्बेडिंग से (16-16 संख्याएँ, d = 16), और चार तरह की शुरुआत: सोची-समझी (principled); PyTorch की अपनी, `nn.Linear` वाली; इकाई नॉर्मल संख्याएँ; और 0.01 वाली नॉर्मल संख्याएँ। चित्र दिखाता है कि लेयर-दर-लेयर एक्टिवेशन कितने बड़े हैं, *किसी भी ट्रेनिंग से पहले*; हर शुरुआत पाँच सीड (seed) से।


# %% name="stack" tags=["export"]
class WrittenStack(nn.Module):
    """Reads digits [N, 1, 28, 28] with `layers` convolutions, all written by one hypernetwork."""

    def __init__(self, hyper: KernelHypernetwork, layers: int = 6, seed: int = 0) -> None:
        super().__init__()
        self.hyper = hyper
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.z = nn.Parameter(torch.randn(layers, hyper.numbers))
            self.first = nn.Conv2d(1, hyper.inputs, 3, padding=1)
            self.last = nn.Linear(hyper.outputs * 9, 10)

    def layers(self, x: Tensor) -> list[Tensor]:
        """What comes out of the first convolution and of each written one [N, C, H, W]."""
        outputs = [self.first(F.avg_pool2d(x, 2)).relu()]
        for number, kernel in enumerate(self.hyper(self.z)):
            x = F.max_pool2d(outputs[-1], 2) if number == 2 else outputs[-1]
            outputs.append(F.conv2d(x, kernel, padding="same").relu())
        return outputs

    def forward(self, x: Tensor) -> Tensor:
        return self.last(F.adaptive_avg_pool2d(self.layers(x)[-1], 3).flatten(1))


# %% name="train-digits" tags=["export"]
def train_reader(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    steps: int,
    *,
    rate: float = 2e-3,
    batch: int = 32,
    seed: int = 0,
    turned: bool = False,
) -> nn.Module:
    """Train a reader of pictures [N, 1, 28, 28] in 0…1 with labels [N].

    turned: half of each batch stands on its head, and is read by model(x, 1).
    """
    dice = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.train().parameters(), rate, fused=True)
    training = Training({"model": model, "optimizer": optimizer, "dice": dice})
    for _ in training.steps(steps):
        chosen = torch.randint(len(images), (batch,), generator=dice).to(images.device)
        x = images[chosen]
        if turned:
            upright, headlong = x.chunk(2)
            scores = torch.cat([model(upright, 0), model(headlong.flip(2, 3), 1)])
        else:
            scores = model(x)
        loss = F.cross_entropy(scores, labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        training.note(loss=loss)
    return model.eval()


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor, *which: int | Tensor) -> float:
    """The share of pictures [N, 1, 28, 28] that model(images, *which) reads right."""
    return (model(images, *which).argmax(1) == labels).float().mean().item()


# %% name="starts"
images, labels = digits(split="train")
test, test_labels = digits(split="test")  # no network here is trained on them
images, test = to_float(images).to(device), to_float(test).to(device)
labels, test_labels = labels.to(device), test_labels.to(device)


def started(way: str, seed: int = 0) -> WrittenStack:
    """The stack, its hypernetwork started in one of four ways."""
    hyper = KernelHypernetwork(kernel=3, numbers=16, width=16, seed=seed)
    stack = WrittenStack(hyper, seed=seed)
    dice = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in (stack.hyper.to_rows, stack.hyper.to_kernel):
            noise = torch.randn(layer.weight.shape, generator=dice)
            if way == "pytorch":  # evenly from -1/√fan_in to 1/√fan_in: deviation 1/√(3 fan_in)
                layer.weight.copy_(noise / math.sqrt(3 * layer.in_features))
            elif way != "principled":
                layer.weight.copy_(noise * {"unit": 1.0, "tiny": 0.01}[way])
    return stack.to(device)


def sizes(stack: WrittenStack) -> list[float]:
    """The root mean square of each layer's output, divided by that of the first."""
    with torch.no_grad():
        size = [x.square().mean().sqrt().item() for x in stack.layers(images[:64])]
    return [value / size[0] for value in size]


ways = {
    t("principled"): "principled",
    t("PyTorch's for nn.Linear"): "pytorch",
    t("unit normal"): "unit",
    t("normal × 0.01"): "tiny",
}
figure, ax = plt.subplots(figsize=(6.6, 3.3), layout="constrained")
grown, rows = {}, []
for (name, way), colour in zip(ways.items(), plots.COLOURS, strict=False):
    lines = [sizes(started(way, seed)) for seed in range(5)]
    ax.plot(torch.tensor(lines).T, color=colour, linewidth=1)
    ax.plot([], color=colour, label=name)
    grown[way] = [line[-1] for line in lines]
    stack = train_reader(started(way), images, labels, 120, rate=1e-3)
    rows.append([name, min(grown[way]), max(grown[way]), accuracy(stack, test, test_labels)])
ax.set(yscale="log", xlabel=t("written layer"), ylabel=t("size of the activations"))
ax.set_title(t("Only one start keeps six layers of one size"))
ax.legend(fontsize=9)
plots.show(
    figure,
    alt=t("Four bundles of lines over six layers: one level, two rising steeply, one falling"),
)
plots.table(
    rows,
    columns=[
        t("start"),
        t("size after six layers: least"),
        t("greatest of five seeds"),
        t("read right after 120 steps"),
    ],
    caption=t("Before training, and after"),
)
scores = {way: row[3] for way, row in zip(ways.values(), rows, strict=True)}
assert min(grown["principled"]) > 0.05 and max(grown["principled"]) < 20
assert min(grown["pytorch"]) > 20 and max(grown["pytorch"]) < min(grown["unit"])
assert max(grown["tiny"]) < 1e-6
assert all(scores["principled"] > scores[way] + 0.15 for way in ("pytorch", "unit", "tiny"))
measured.append(
    [t("six written layers: read right"), scores["principled"], scores["pytorch"], t("PyTorch's")]
)

# %% [markdown] lang="en" name="starts-read"
# The scale is a factor *per layer*, so over six layers it becomes a power. Too large a start explodes, and training then spends its steps on bringing the size down (PyTorch's start does learn, but 120 steps take it only to 42 %); too small a start vanishes to nothing, and from there these steps find no way at all. The principled start holds the size within a small factor with all five seeds, and it learns. (Not exactly: few numbers, few dice. With z of 4 and d = 4 luck takes a larger part; try it.)
#
# In published code one finds a magic number here instead, such as `randn(…) / 40`, with no word on why 40. The formula says what should stand there, and how it changes with the kernel.
# %% [markdown] lang="hi" of="205de8f7"
# यह गुणक *हर लेयर* पर लगता है, इसलिए छह लेयरों में घात बन जाता है। शुरुआत बहुत बड़ी हो तो सब फट पड़ता है, और ट्रेनिंग के क़दम आकार घटाने में ही निकल जाते हैं (PyTorch वाली शुरुआत सीखती तो है, पर 120 क़दमों में 42 % तक ही पहुँचती है); बहुत छोटी हो तो सब मिट जाता है, और वहाँ से इतने क़दमों में कोई रास्ता ही नहीं मिलता। सोची-समझी शुरुआत पाँचों सीडों पर आकार को थोड़े-से फ़र्क़ के भीतर थामे रखती है, और सीखती है। (ठीक-ठीक नहीं: संख्याएँ कम, तो पासे कम। z में 4 संख्याएँ और d = 4 हो, तो क़िस्मत का हिस्सा बढ़ जाता है; आज़माइए।)
#
# प्रकाशित कोड में यहाँ कोई जादुई संख्या भी मिल जाती है, जैसे `randn(…) / 40`, और यह कहीं नहीं लिखा होता कि 40 ही क्यों। सूत्र बताता है कि वहाँ क्या होना चाहिए, और कर्नेल बदलने पर वह कैसे बदलेगा।

# %% [markdown] lang="en" name="digits-text"
# ## 5 · Real digits: written against learnt
#
# Now the paper's own experiment, with 4,000 digits of MNIST instead of 60,000, and a few seconds. Two convolutions of 7 × 7; the first has weights of its own, the kernel of the second is **written**. The controls: the plain network, with all 12,544 weights of that kernel learnt; and a plain network that has only about as many numbers there as the hypernetwork, and so 5 channels instead of 16. All are judged by 1,000 digits that none was trained on.
# %% [markdown] lang="hi" of="7e1f0776"
# ## 5 · असली अंक: लिखे भार बनाम सीखे भार
#
# अब शोध-पत्र का अपना प्रयोग, MNIST के 60,000 की जगह 4,000 अंकों पर, और कुछ ही सेकंड में। 7 × 7 के दो कनवॉल्यूशन; पहले के अपने भार हैं, दूसरे का कर्नेल **लिखा** जाता है। कंट्रोल: सादा नेटवर्क, जो उस कर्नेल के सारे 12,544 भार सीखता है; और एक सादा नेटवर्क, जिसके पास वहाँ लगभग उतनी ही संख्याएँ हैं जितनी हाइपरनेटवर्क के पास, इसलिए 16 की जगह 5 चैनल। सबको 1,000 ऐसे अंकों पर परखते हैं जिन पर कोई नहीं सीखा।


# %% name="digit-reader" tags=["export"]
class DigitReader(nn.Module):
    """Reads digits [N, 1, 28, 28]; its second kernel is learnt, or written if there is a `hyper`.

    channels: of the second convolution, without a hypernetwork. ways: how many embeddings.
    """

    def __init__(
        self,
        hyper: KernelHypernetwork | None = None,
        channels: int = 16,
        ways: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.hyper = hyper
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.first = nn.Conv2d(1, 16, 7, padding=3)
            if hyper is None:
                start = torch.randn(channels, 16, 7, 7) * math.sqrt(2 / (16 * 7 * 7))
                self.own_kernel = nn.Parameter(start)
            else:
                channels = hyper.outputs
                self.z = nn.Parameter(torch.randn(ways, hyper.numbers))
            self.bias = nn.Parameter(torch.zeros(channels))
            self.last = nn.Linear(channels * 7 * 7, 10)

    def kernel(self, which: int | Tensor = 0) -> Tensor:
        """The second kernel [channels, 16, 7, 7]: of an embedding's number, or of a z itself."""
        if self.hyper is None:
            return self.own_kernel
        return self.hyper(which if isinstance(which, Tensor) else self.z[which])

    def forward(self, x: Tensor, which: int | Tensor = 0) -> Tensor:
        x = F.max_pool2d(self.first(x).relu(), 2)
        x = F.conv2d(x, self.kernel(which), self.bias, padding="same").relu()
        return self.last(F.max_pool2d(x, 2).flatten(1))


# %% name="written-against-learnt"
readers = {
    t("written from z"): DigitReader(KernelHypernetwork()),
    t("learnt"): DigitReader(),
    t("learnt, 5 channels"): DigitReader(channels=5),
}
rows = []
for name, reader in readers.items():
    train_reader(reader.to(device), images, labels, 250)
    own = numbers_in(reader) - sum(
        numbers_in(layer) for layer in (reader.first, reader.last)
    )  # what stands for the second convolution
    own -= reader.bias.numel()
    rows.append([name, own, accuracy(reader, test, test_labels)])
plots.table(
    rows,
    columns=[t("second kernel"), t("numbers learnt for it"), t("read right, of 1,000 new digits")],
    caption=t("The same steps, the same digits"),
)
assert [row[1] for row in rows] == [4_244, 12_544, 3_920]
assert min(row[2] for row in rows) > 0.88 and abs(rows[0][2] - rows[1][2]) < 0.04
measured.append([t("digits: read right"), rows[0][2], rows[1][2], t("kernel learnt")])

# %% [markdown] lang="en" name="digits-read"
# With a third of the numbers the written kernel reads about as many digits right; the paper found the same on all of MNIST (99.24 % against 99.28 %). But look at the third row as well: the plain network with *few* channels is hardly worse. Digits are easy, and on an easy task almost any saving is free. Differences of about one percentage point are noise here: of 1,000 digits that is ten, and another seed can easily move as many.
# What the hypernetwork has, and the small network has not, is a **handle**: z.
# %% [markdown] lang="hi" of="592bdd32"
# एक-तिहाई संख्याओं में लिखा हुआ कर्नेल लगभग उतने ही अंक सही पढ़ता है; पूरे MNIST पर शोध-पत्र ने भी यही पाया (99.28 % के सामने 99.24 %)। पर तीसरी पंक्ति भी देखिए: *कम* चैनलों वाला सादा नेटवर्क भी ख़ास पीछे नहीं। अंक आसान हैं, और आसान काम पर लगभग हर बचत मुफ़्त है। यहाँ लगभग एक प्रतिशत का फ़र्क़ शोर है: 1,000 में वह बस दस चित्र है, और इतना तो सीड बदलने से भी हो सकता है।
# हाइपरनेटवर्क के पास जो है और छोटे नेटवर्क के पास नहीं, वह है एक **हत्था**: z।

# %% [markdown] lang="en" name="two-ways-text"
# ## 6 · Turn the handle: walk from one z to another
#
# You see a 6. Is it one, or a 9 that stands on its head? It depends on how the paper lies, and the picture does not say. So tell it to the *weights*. One reader, one hypernetwork, **two embeddings**: with z₀ it learns digits that stand upright, with z₁ digits turned by 180°. All else is shared; the two networks differ by 4 numbers, from which the kernel follows.
# %% [markdown] lang="hi" of="0c7122b2"
# ## 6 · हत्था घुमाइए: एक z से दूसरे तक
#
# आपको 6 दिखता है। वह 6 ही है, या सिर के बल खड़ा 9? यह इस पर टिका है कि काग़ज़ कैसे रखा है, और चित्र यह नहीं बताता। तो यह बात *भारों* को बता दीजिए। पढ़ने वाला एक, हाइपरनेटवर्क एक, **एम्बेडिंग दो**: z₀ के साथ वह सीधे खड़े अंक सीखता है, z₁ के साथ 180° घुमाए हुए। बाक़ी सब साझा है; दोनों नेटवर्कों में 4 संख्याओं का फ़र्क़ है, और कर्नेल उन्हीं से निकलता है।
# %% name="two-ways"
turner = DigitReader(KernelHypernetwork(), ways=2).to(device)
train_reader(turner, images, labels, 200, batch=64, turned=True)
some, some_labels = test[:500], test_labels[:500]
with torch.no_grad():
    z_upright, z_turned = turner.z
    path = torch.linspace(-0.5, 1.5, 9)
    zs = [torch.lerp(z_upright, z_turned, at.to(device)) for at in path]
    dice = torch.Generator().manual_seed(3)
    strangers = torch.randn(6, 4, generator=dice).to(device)
    upright = [accuracy(turner, some, some_labels, z) for z in zs]
    turned = [accuracy(turner, some.flip(2, 3), some_labels, z) for z in zs]
    by_chance = [accuracy(turner, some, some_labels, z) for z in strangers]
figure, ax = plt.subplots(figsize=(6.6, 3.1), layout="constrained")
ax.plot(path, upright, marker="o", label=t("digits upright"))
ax.plot(path, turned, marker="o", label=t("digits on their heads"))
ax.axvline(0, color="0.7", linewidth=1), ax.axvline(1, color="0.7", linewidth=1)
ax.set(xlabel=t("how far from z₀ (0) to z₁ (1)"), ylabel=t("read right"), ylim=(0, 1.02))
ax.set_title(t("Half-way the kernel reads both, at each end one"))
ax.legend(loc="lower left")
plots.show(
    figure,
    alt=t("Two crossing lines: upright falls from high to low, turned rises from low to high"),
)
at_0, at_1 = 2, 6  # path[2] is z₀, path[6] is z₁
print(t("upright: z₀ {a:.2f}, z₁ {b:.2f}", a=upright[at_0], b=upright[at_1]))
print(t("turned: z₀ {a:.2f}, z₁ {b:.2f}", a=turned[at_0], b=turned[at_1]))
print(t("half-way: upright {a:.2f}, turned {b:.2f}", a=upright[4], b=turned[4]))
print(t("upright, six random z: {low:.2f} to {high:.2f}", low=min(by_chance), high=max(by_chance)))
assert min(upright[at_0], turned[at_1]) > 0.85 and min(upright[4], turned[4]) > 0.75
assert max(upright[at_1], turned[at_0]) < 0.75 and min(by_chance) < upright[at_0] - 0.1
measured += [
    [t("upright digits with z₀"), upright[at_0], upright[at_1], t("the same with z₁")],
    [t("turned digits with z₁"), turned[at_1], turned[at_0], t("the same with z₀")],
]

# %% [markdown] lang="en" name="walk-text"
# ### Try it: the slider
#
# Left the picture; it never changes. In the middle the 16 kernels through which the second layer sees one of its 16 channels. Right what the reader says. Move the slider from z₀ to z₁, and beyond. Where does a 6 become a 9, and what does it say on the way?
# %% [markdown] lang="hi" of="56d4d114"
# ### आज़माइए: स्लाइडर
#
# बाएँ चित्र है; वह कभी नहीं बदलता। बीच में वे 16 कर्नेल, जिनसे दूसरी लेयर अपने 16 चैनलों में से एक को देखती है। दाएँ पढ़ने वाले का जवाब। स्लाइडर को z₀ से z₁ तक ले जाइए, और आगे भी। 6 कहाँ 9 बन जाता है, और बीच रास्ते में जवाब क्या होता है?
# %% name="walk"
with torch.no_grad():
    said_0, said_1 = turner(test, 0).softmax(1), turner(test, 1).softmax(1)
    power = [turner.kernel(n).square().mean((0, 2, 3)) for n in (0, 1)]
    busy = (power[0] * power[1]).argmax().item()  # a channel that both networks look at
found = {}
for truth, name in ((6, t("a 6")), (9, t("a 9")), (0, t("a 0")), (4, t("a 4"))):
    headlong = {6: 9, 9: 6}.get(truth, truth)  # what it is when turned; for the 4 nothing is
    surest = torch.minimum(said_0[:, truth], said_1[:, headlong] if truth != 4 else said_0[:, 4])
    found[name] = test[surest.masked_fill(test_labels != truth, 0).argmax()]
    if truth == 6:
        assert surest[test_labels == 6].max() > 0.5  # one and the same picture: a 6, and a 9


def draw_walk(position: float, digit: str) -> Figure:
    with torch.no_grad():
        z = torch.lerp(z_upright, z_turned, position)
        chances = turner(found[digit][None], z).softmax(1)[0].cpu()
        kernels = turner.kernel(z)[:, busy].cpu()
    figure, (left, middle, right) = plt.subplots(
        1, 3, figsize=(5.6, 2.1), layout="constrained", width_ratios=[1, 1.3, 1.3]
    )
    left.imshow(found[digit][0].cpu(), cmap="gray")
    grid = F.pad(kernels, (1, 0, 1, 0), value=float("nan"))
    middle.imshow(
        rearrange(grid, "(r c) y x -> (r y) (c x)", r=4), cmap="RdBu", vmin=-0.3, vmax=0.3
    )
    for ax in (left, middle):
        ax.set_axis_off()
    best = chances.argmax().item()
    bars = [plots.COLOURS[3] if n == best else "0.7" for n in range(10)]
    right.bar(range(10), chances, color=bars)
    right.set(xticks=range(10), yticks=[], ylim=(0, 1))
    right.spines["left"].set_visible(False)
    figure.suptitle(t("at {p:.2f} it reads {n}", p=position, n=best), fontsize=11)
    return figure


interact(
    draw_walk,
    position=(-0.5, 1.5, 0.05),
    digit=list(found),
    labels={"position": t("from z₀ to z₁"), "digit": t("picture")},
    static=[{"position": at, "digit": t("a 6")} for at in (0.0, 0.5, 1.0)],
    alt=t("A handwritten 6, sixteen small kernels in red and blue, and bars for the ten digits"),
)

# %% [markdown] lang="en" name="walk-read"
# The path between is no rubbish: at every point of it stands a whole network that reads many digits right, of both sorts; half-way about nine in ten of each. And even the wrong end reads about half: a 0, a 1 or an 8 looks much the same on its head, and all but the kernel is shared. The embedding has become a small **space of networks**, and one can walk about in it, mix two networks, and go a little beyond them. Not everywhere, though: a z from the dice may make a reader that is no good at all.
# %% [markdown] lang="hi" of="f8fe6b39"
# बीच का रास्ता कबाड़ नहीं: उसके हर बिंदु पर एक पूरा नेटवर्क खड़ा है, जो दोनों तरह के बहुत-से अंक सही पढ़ता है; आधे रास्ते पर तो दोनों तरह के दस में से लगभग नौ। और ग़लत सिरे पर भी लगभग आधे सही निकलते हैं: 0, 1 और 8 उलटे होकर भी लगभग वैसे ही दिखते हैं, और कर्नेल को छोड़ बाक़ी सब साझा है। एम्बेडिंग अब **नेटवर्कों की छोटी-सी दुनिया** है, जिसमें घूमा जा सकता है, दो नेटवर्क मिलाए जा सकते हैं, और उनसे ज़रा आगे भी जाया जा सकता है। हर कहीं नहीं: पासे से निकले z का नेटवर्क बिल्कुल बेकार भी निकल सकता है।

# %% [markdown] lang="en" name="one-name-text"
# ## 7 · One name, two things
#
# > **You may have read** about "hypernetworks" for Stable Diffusion, a list of styles to load in a web interface. They share the name with this notebook, and nothing else. That file holds small networks f, and the model computes `x + f(x)` on the text's vectors before they become keys and values: **it generates no weights at all.** It is an *adapter*. Texts that mix the two up will tell you, for example, that a Stable Diffusion hypernetwork "creates weights for the main network" (it does not).
#
# Two questions tell them apart: what shape does it put out, and do the main network's weights depend on it?
# %% [markdown] lang="hi" of="3f018dae"
# ## 7 · नाम एक, चीज़ें दो
#
# > **आपने पढ़ा होगा** Stable Diffusion के "हाइपरनेटवर्क" के बारे में: वेब इंटरफ़ेस में लोड होने वाली शैलियों की सूची। इस नोटबुक से उनका बस नाम मिलता है। उस फ़ाइल में छोटे नेटवर्क f होते हैं, और मॉडल पाठ के वेक्टरों पर `x + f(x)` निकालता है, उनके की और वैल्यू बनने से पहले: **भार वह एक भी नहीं बनाता।** वह *अडैप्टर (adapter)* है। जो लेख दोनों को एक समझ लेते हैं, वे लिख देते हैं कि Stable Diffusion का हाइपरनेटवर्क "मुख्य नेटवर्क के भार बनाता है" (नहीं बनाता)।
#
# दो सवाल दोनों को अलग कर देते हैं: जो निकलता है वह किस आकार का है, और क्या मुख्य नेटवर्क के भार उस पर टिके हैं?
# %% name="one-name" tags=["nbval-check-output"]
torch.manual_seed(0)
words = torch.randn(1, 5, 32)  # five words of a prompt, 32 numbers each
to_key = nn.Linear(32, 16, bias=False)  # part of the main network
key_weights = to_key.weight.clone()
f = nn.Sequential(nn.Linear(32, 64), nn.SiLU(), nn.Linear(64, 32))  # the web interface's kind
adapted = words + f(words)
keys = to_key(adapted)
print(
    t(
        "adapter: {a} -> {b}, like the words; the weights are {c}",
        a=[1, 5, 32],
        b=list(adapted.shape),
        c=list(to_key.weight.shape),
    )
)
print(t("the main network's weights are unchanged:"), torch.equal(to_key.weight, key_weights))

ha = HyperLinear(32, 16, width=4)  # Ha's kind
written_1, written_2 = (ha.weights(torch.randn(1, 4))[0] for _ in range(2))
print(t("hypernetwork: {a} -> {b}, like the weights", a=[1, 4], b=list(written_1.shape)))
print(t("the weights are the same for another z:"), torch.equal(written_1, written_2))
assert adapted.shape == words.shape and written_1.shape[1:] == to_key.weight.shape
assert torch.equal(to_key.weight, key_weights) and not torch.equal(written_1, written_2)

# %% [markdown] lang="en" name="memory-text"
# The next notebook builds that adapter, and teaches it a style.
#
# > **You may have read** that a hypernetwork has a "memory of the images generated" and "learns from new inputs". When it is *used*, nothing in it changes: no gradient is taken, no number moves. What it has learnt, it learnt in training. Test it: read a thousand new digits, then compare every number with the one before, and every answer.
# %% [markdown] lang="hi" of="3a314951"
# अगली नोटबुक वही अडैप्टर बनाएगी और उसे एक शैली सिखाएगी।
#
# > **आपने पढ़ा होगा** कि हाइपरनेटवर्क में "बनाई हुई इमेजों की याददाश्त" होती है और वह "नए इनपुट से सीखता" है। *इस्तेमाल* में उसके भीतर कुछ नहीं बदलता: न ग्रेडिएंट निकलता है, न कोई संख्या हिलती है। जो सीखा, ट्रेनिंग में सीखा। परखिए: हज़ार नए अंक पढ़वाइए, फिर हर संख्या को पहले वाली से मिलाइए, और हर जवाब को भी।
# %% name="frozen" tags=["nbval-check-output"]
before = {name: p.clone() for name, p in turner.state_dict().items()}
with torch.no_grad():
    first_answer = turner(test[:8], 0)
    for batch in test.split(100):  # a thousand new inputs, each read in two ways
        turner(batch, 0), turner(batch, 1)
    again = turner(test[:8], 0)
same = all(torch.equal(before[name], p) for name, p in turner.state_dict().items())
print(
    t("every number as before: {a}; every answer: {b}", a=same, b=torch.equal(first_answer, again))
)
assert same and torch.equal(first_answer, again)

# %% [markdown] lang="en" name="own-text"
# ## 8 · Your own handwriting
#
# Photograph digits that you wrote, one to a picture, large, dark on light, put them into a folder and write its name below (on Colab and phones: any name, `uploaded(files.upload(), size=20)` in place of `image_folder(…)`, and above it `from common.data import uploaded` and `from google.colab import files`). Without a folder, digits from another collection are read: other hands, other paper, and only 8 × 8 pixels enlarged. Expect clearly fewer to be read right than of MNIST: a reader knows the kind of picture it was trained on. The number above each picture is what the reader with the written kernel takes it for.
# %% [markdown] lang="hi" of="9ee69caf"
# ## 8 · आपकी अपनी लिखावट
#
# अपने लिखे अंकों की फ़ोटो लीजिए: हर चित्र में एक अंक, बड़ा, हल्के पर गहरा। उन्हें एक फ़ोल्डर में रखकर नीचे उसका नाम लिखिए (Colab या फ़ोन पर: नाम कुछ भी, `image_folder(…)` की जगह `uploaded(files.upload(), size=20)`, और उसके ऊपर `from common.data import uploaded` और `from google.colab import files`)। फ़ोल्डर न हो, तो एक दूसरे संग्रह के अंक पढ़े जाते हैं: दूसरे हाथ, दूसरा काग़ज़, और बस 8 × 8 पिक्सल, बड़े किए हुए। इनमें MNIST से साफ़ तौर पर कम अंक सही पढ़े जाएँगे: नेटवर्क उसी तरह के चित्र पहचानता है जिन पर सीखा हो। हर चित्र के ऊपर लिखी संख्या लिखे कर्नेल वाले नेटवर्क का जवाब है।
# %% name="own"
FOLDER = ""  # for example "my-digits"


def as_digits(pictures: Tensor) -> Tensor:
    """Pictures uint8 [N, C, 20, 20], dark on light or light on dark -> white on black, in 0…1,
    with the black border that MNIST has: [N, 1, 28, 28]."""
    grey = to_float(pictures).mean(1, keepdim=True)
    edge = torch.cat([grey[..., 0, :], grey[..., -1, :]], dim=-1).mean(-1)[..., None, None]
    grey = torch.where(edge > 0.5, 1 - grey, grey)
    grey = grey - grey.amin((2, 3), keepdim=True)
    return F.pad(grey / grey.amax((2, 3), keepdim=True).clamp_min(1e-6), (4, 4, 4, 4))


if FOLDER:
    own, report = image_folder(FOLDER, size=20, limit=64)
    print(report)
else:
    own, own_labels = digits("sklearn", size=20, split="test")
own = as_digits(own).to(device)
with torch.no_grad():
    read = {name: reader(own).argmax(1).cpu() for name, reader in readers.items()}
shown = own[:16].cpu()
plots.show_images(
    shown,
    titles=[str(n) for n in read[t("written from z")][:16].tolist()],
    columns=8,
    zoom=2,
    colours=32,
    alt=t("Handwritten digits, each with what the reader with the written kernel takes it for"),
)
if not FOLDER:
    other_hands = {name: (said == own_labels).float().mean().item() for name, said in read.items()}
    for name, share in other_hands.items():
        print(t("{name}: {share:.2f} of the other collection", name=name, share=share))
    assert max(other_hands.values()) < max(row[2] for row in rows)
    measured.append(
        [
            t("other hands, written kernel: read right"),
            other_hands[t("written from z")],
            rows[0][2],
            t("digits of the same collection"),
        ]
    )

# %% [markdown] lang="en" name="gallery-text"
# ## 9 · The result
#
# Six networks of the space of section 6: the kernels that the hypernetwork writes on the way from z₀ to z₁, a row for each place. Each row is 16 of the 256 little kernels.
# %% [markdown] lang="hi" of="78efc201"
# ## 9 · नतीजा
#
# सेक्शन 6 की दुनिया के छह नेटवर्क: z₀ से z₁ तक हाइपरनेटवर्क के लिखे कर्नेल, रास्ते की हर जगह की एक पंक्ति। हर पंक्ति में 256 छोटे कर्नेलों में से 16 हैं।
# %% name="gallery"
figure, axes = plt.subplots(6, 1, figsize=(9.2, 3.7), layout="constrained")
for ax, at in zip(axes, torch.linspace(0, 1, 6).tolist(), strict=True):
    with torch.no_grad():
        kernels = turner.kernel(torch.lerp(z_upright, z_turned, at))[:, busy].cpu()
    row = rearrange(F.pad(kernels, (0, 1), value=float("nan")), "o y x -> y (o x)")
    ax.imshow(row, cmap="RdBu", vmin=-0.3, vmax=0.3)
    ax.set(xticks=[], yticks=[])
    ax.set_ylabel({0.0: "z₀", 1.0: "z₁"}.get(at, f"{at:.1f}"), rotation=0, ha="right", va="center")
    ax.spines[:].set_visible(False)
figure.suptitle(t("Trained: the first and the last. Those between follow"))
plots.show(
    figure,
    alt=t("Six rows of sixteen small kernels; from row to row each changes a little"),
)
plots.table(
    measured,
    columns=[t("measurement"), t("with"), t("control"), t("the control is")],
    caption=t("Every number was computed in this notebook"),
)

# %% [markdown] lang="en" name="outlook"
# ## 10 · Outlook: where hypernetworks went
#
# - **Weights that change while one reads.** Ha et al. also let a small LSTM write, at every letter, the scales of a large one's weights (*dynamic* hypernetwork). A weight that depends on the input: attention (lesson 1) does the same in another way.
# - **Skipping the training.** Train a hypernetwork on many tasks, and it writes an adapter for a new one at once: HyperDreamBooth writes from *one* photograph a first version of what the next notebook trains from sixteen pictures (Ruiz et al. 2023).
# - **Trying architectures.** SMASH (Brock et al. 2017) writes weights for an architecture that nobody has trained, to see whether training it would be worth while.
# - **Not forgetting.** One z a task: what was learnt first stays when more is learnt (von Oswald et al. 2019).
#
# And what stands against it: writing *all* weights of a large network needs a last layer as large as that network times d. So today what is written is small: scales, biases, low-rank adapters. That is the bridge to the next notebook.
# %% [markdown] lang="hi" of="3ea5e274"
# ## 10 · आगे: हाइपरनेटवर्क कहाँ पहुँचे
#
# - **पढ़ते-पढ़ते बदलते भार।** Ha et al. ने एक छोटे LSTM से हर अक्षर पर बड़े LSTM के भारों के पैमाने भी लिखवाए (*dynamic* हाइपरनेटवर्क)। इनपुट पर टिका भार: ध्यान (पाठ 1) यही काम दूसरे ढंग से करता है।
# - **ट्रेनिंग से छुट्टी।** हाइपरनेटवर्क को बहुत-से कामों पर सिखाइए, तो नए काम के लिए वह अडैप्टर झट से लिख देता है: अगली नोटबुक जो चीज़ सोलह चित्रों से सिखाती है, HyperDreamBooth उसका पहला रूप *एक* फ़ोटो से लिखता है (Ruiz et al. 2023)।
# - **ढाँचे आज़माना।** SMASH (Brock et al. 2017) ऐसे ढाँचे के भार लिखता है जिसे किसी ने नहीं सिखाया, ताकि पता चले कि उसे सिखाना फ़ायदे का होगा या नहीं।
# - **भूलना नहीं।** हर काम का एक z: नया सीखने पर पहले का सीखा बना रहता है (von Oswald et al. 2019)।
#
# और मुश्किल क्या है: बड़े नेटवर्क के *सारे* भार लिखने के लिए आख़िरी लेयर उस नेटवर्क की d गुनी चाहिए। इसलिए आज जो लिखा जाता है वह छोटा होता है: पैमाने, बायस, कम रैंक वाले अडैप्टर। अगली नोटबुक तक का पुल यही है।
# %% [markdown] lang="en" name="exercises-text"
# ## Exercises, and where this leads
#
# - Write the hypernetwork's core yourself and find the published bugs in the [exercises](exercises.en.ipynb). The lesson's second quiz waits at the end of [5.2](2-teach-a-style.en.ipynb).
# - [5.2](2-teach-a-style.en.ipynb) takes the text-to-rangoli model of lesson 3 and teaches it a style from sixteen pictures, in four ways.
#
# **References.** Ha, Dai & Le 2016, *HyperNetworks* ([1609.09106](https://arxiv.org/abs/1609.09106)) · Chang, Flokas & Lipson 2020, *Principled weight initialization for hypernetworks* ([2312.08399](https://arxiv.org/abs/2312.08399)) · He et al. 2015, *initialisation for ReLU* ([1502.01852](https://arxiv.org/abs/1502.01852)) · Zagoruyko & Komodakis 2016, *wide residual networks* ([1605.07146](https://arxiv.org/abs/1605.07146)) ·
# Brock et al. 2017, *SMASH* ([1708.05344](https://arxiv.org/abs/1708.05344)) · von Oswald et al. 2019, *continual learning* ([1906.00695](https://arxiv.org/abs/1906.00695)) · Ruiz et al. 2023, *HyperDreamBooth* ([2307.06949](https://arxiv.org/abs/2307.06949))
# %% [markdown] lang="hi" of="381fe4e9"
# ## अभ्यास, और आगे का रास्ता
#
# - हाइपरनेटवर्क का मुख्य हिस्सा ख़ुद लिखिए और प्रकाशित कोड की ग़लतियाँ ढूँढिए: [अभ्यास](exercises.hi.ipynb)। पाठ का दूसरा क्विज़ [5.2](2-teach-a-style.hi.ipynb) के अंत में है।
# - [5.2](2-teach-a-style.hi.ipynb) पाठ 3 का शब्दों से रंगोली बनाने वाला मॉडल लेती है और उसे सोलह चित्रों से एक शैली सिखाती है, चार तरीक़ों से।
#
# **संदर्भ।** Ha, Dai & Le 2016, *HyperNetworks* ([1609.09106](https://arxiv.org/abs/1609.09106)) · Chang, Flokas & Lipson 2020, *Principled weight initialization for hypernetworks* ([2312.08399](https://arxiv.org/abs/2312.08399)) · He et al. 2015, *ReLU के शुरुआती भार* ([1502.01852](https://arxiv.org/abs/1502.01852)) · Zagoruyko & Komodakis 2016, *wide residual networks* ([1605.07146](https://arxiv.org/abs/1605.07146)) ·
# Brock et al. 2017, *SMASH* ([1708.05344](https://arxiv.org/abs/1708.05344)) · von Oswald et al. 2019, *continual learning* ([1906.00695](https://arxiv.org/abs/1906.00695)) · Ruiz et al. 2023, *HyperDreamBooth* ([2307.06949](https://arxiv.org/abs/2307.06949))
