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
# # Style transfer: exercises
#
# Fourteen short exercises, about 91 minutes in all. Do them when you have read the lesson; take any of them, in any order.
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
# - **Find the bug**: the function runs, and is wrong. Each of the six is a mistake of published style-transfer code, and none raises an error.
# - **Predict, then run**: say what will come out before you see it. A wrong guess is where the learning is.
#
# An answer has the dtype of its input. A *place* is one spot of a feature map, a row and a column; a layer has `H · W` of them. *Run all* works at any time: where your function is not right yet, the course's own takes its place, and the cells below go on. Hints are folded, and in the course's own notebook the solutions too; open them when you have tried.
# %% [markdown] lang="hi" of="c3062042"
# # शैली-अंतरण: अभ्यास
#
# यहाँ चौदह छोटे अभ्यास हैं, कुल मिलाकर लगभग 91 मिनट के। पहले पाठ पढ़ लीजिए, फिर जो अभ्यास चाहें और जिस क्रम में चाहें, कीजिए।
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
# - **ग़लती ढूँढिए**: फ़ंक्शन चलता तो है, पर जवाब ग़लत देता है। ये छहों ग़लतियाँ शैली-अंतरण के छपे हुए कोड में मिली हैं, और किसी से एरर (error) नहीं आता।
# - **पहले बताइए, फिर चलाइए**: नतीजा देखने से पहले सोचकर बताइए कि क्या आएगा। अनुमान ग़लत निकले, तो सबसे ज़्यादा सीखने को मिलता है।
#
# जवाब का dtype वही रखिए जो इनपुट का है। *जगह* यानी फ़ीचर मैप का एक ठिकाना, एक पंक्ति और एक कॉलम; हर लेयर में ऐसी `H · W` जगहें हैं। *Run all* कभी भी चला सकते हैं: जहाँ आपका फ़ंक्शन अभी सही नहीं है, वहाँ कोर्स का अपना फ़ंक्शन काम करता है और नीचे के सेल चलते रहते हैं। संकेत बंद रखे हैं, और कोर्स की अपनी नोटबुक में हल भी; पहले कोशिश कीजिए, फिर खोलिए।
# %% tags=["start"]
# %% name="imports"
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common import plots
from common.art import neon, warli
from common.check import style as check
from common.lang import t
from common.rangoli import rangoli


# %% [markdown] lang="en" name="part-gram"
# ## The Gram matrix
# %% [markdown] lang="hi" of="4cd160ea"
# ## ग्राम मैट्रिक्स
# %% [markdown] lang="en" name="predict-moved-card"
# ### 1. Predict: what moves, and what the Gram matrix sees of it
#
# ★ · 4 minutes · predict, then run · *what a style loss cannot see, and what it can*
#
# A feature map has two channels on 4×4 places. Channel 0 is {a} in the left half and 0 in the right half. Channel 1 is {b} in the right half and 0 in the left half. The content loss is the mean squared difference over all 32 numbers. The Gram matrix is divided by the 16 places.
#
# - Both channels swap their halves. How great is the content loss against the map before?
# - What is the greatest change of any entry of the Gram matrix then?
# - Now, from the first map again, only channel 1 swaps its halves. What is the greatest change of any entry of the Gram matrix?
#
# Return the three numbers.
#
# <details><summary>Hint</summary>
#
# Write down the vector (channel 0, channel 1) of one place on the left and one on the right: before, after the first move, after the second. The Gram matrix is a mean over these vectors.
#
# </details>
# %% [markdown] lang="hi" of="2d464db8"
# ### 1. पहले बताइए: क्या खिसका, और ग्राम मैट्रिक्स को क्या दिखा
#
# ★ · 4 मिनट · पहले बताइए, फिर चलाइए · *शैली-लॉस को क्या दिखता है, और क्या नहीं*
#
# एक फ़ीचर मैप में 4×4 जगहें और दो चैनल हैं। चैनल 0 बाएँ आधे में {a} है, दाएँ में 0। चैनल 1 दाएँ आधे में {b} है, बाएँ में 0। विषय-लॉस (content loss) सारी 32 संख्याओं पर अंतर के वर्ग का औसत है। ग्राम मैट्रिक्स (Gram matrix) को 16 जगहों से भाग दिया गया है।
#
# - दोनों चैनलों के आधे आपस में बदल गए: बायाँ दाएँ, दायाँ बाएँ। पहले वाले मैप के मुक़ाबले विषय-लॉस कितना होगा?
# - तब ग्राम मैट्रिक्स की कोई संख्या ज़्यादा-से-ज़्यादा कितनी बदली?
# - फिर पहले वाले मैप से शुरू कीजिए, और इस बार सिर्फ़ चैनल 1 के आधे बदलिए। अब ग्राम मैट्रिक्स की कोई संख्या ज़्यादा-से-ज़्यादा कितनी बदली?
#
# तीनों संख्याएँ लौटाइए।
#
# <details><summary>संकेत</summary>
#
# बाईं ओर की एक जगह और दाईं ओर की एक जगह का वेक्टर (चैनल 0, चैनल 1) लिखिए: शुरू में, पहले बदलाव के बाद, दूसरे के बाद। ग्राम मैट्रिक्स इन्हीं वेक्टरों पर औसत है।
#
# </details>
# %% name="predict-moved" tags=["exercise"] points=1
def predict_moved() -> tuple[float, float, float]:
    """The content loss, and the greatest changes of the Gram matrix: both moved, one moved."""
    ### BEGIN SOLUTION
    return 6.5, 0, 3
    ### END SOLUTION


# %% name="predict-moved-check" tags=["check"]
predict_moved = check.predict_moved.given(a=2, b=3)(predict_moved)

# %% [markdown] lang="en" name="predict-moved-why"
# <details><summary>Why</summary>
#
# Before, the places have the vectors (2, 0) and (0, 3), eight of each. When both channels move, there are eight of each again, only elsewhere: in every place one number changed by 2 and one by 3, so the content loss is (2² + 3²) / 2 = 6.5, and the Gram matrix is the same. When one channel moves alone, the vectors become (2, 3) and (0, 0): the two channels answer together in half of the places, and the entry off the diagonal goes from 0 to 2 · 3 / 2 = 3. A Gram matrix forgets *where*; it keeps *what together with what*.
#
# </details>
# %% [markdown] lang="hi" of="419e1de6"
# <details><summary>क्यों</summary>
#
# शुरू में जगहों के वेक्टर (2, 0) और (0, 3) हैं, आठ-आठ। दोनों चैनल साथ खिसकें, तो फिर वही आठ-आठ वेक्टर हैं, बस दूसरी जगहों पर: हर जगह एक संख्या 2 से बदली और एक 3 से, इसलिए विषय-लॉस (2² + 3²) / 2 = 6.5, और ग्राम मैट्रिक्स ज्यों की त्यों। एक चैनल अकेला खिसके, तो वेक्टर (2, 3) और (0, 0) हो जाते हैं: आधी जगहों में दोनों चैनल साथ-साथ जवाब देते हैं, और विकर्ण (diagonal) से बाहर की संख्या 0 से 2 · 3 / 2 = 3 हो जाती है। ग्राम मैट्रिक्स भूल जाती है कि *कहाँ*; याद रखती है कि *किसके साथ क्या*।
#
# </details>


# %% [markdown] lang="en" name="gram-matrix-card"
# ### 2. Write: the Gram matrix
#
# ★★ · 6 minutes · write it · *style as a table: which channels answer together (Gatys et al. 2015)*
#
# - `features` `[N, C, H, W]`: the feature maps of `N` pictures.
# - Return `[N, C, C]`, a matrix for **each** picture: the entry (c, d) is the mean, over the places, of channel c times channel d. No mean is taken off.
#
# <details><summary>Hint 1</summary>
#
# `features.flatten(2)` is `[N, C, H·W]`: one row for each channel of each picture.
#
# </details>
# <details><summary>Hint 2</summary>
#
# A matrix product of the rows with themselves, `rows @ rows.transpose(1, 2)`, sums over the places. What makes a mean of a sum?
#
# </details>
# %% [markdown] lang="hi" of="fc400db6"
# ### 2. लिखिए: ग्राम मैट्रिक्स
#
# ★★ · 6 मिनट · ख़ुद लिखिए · *शैली एक तालिका है: कौन-से चैनल साथ-साथ जवाब देते हैं (Gatys et al. 2015)*
#
# - `features` `[N, C, H, W]`: `N` चित्रों के फ़ीचर मैप।
# - `[N, C, C]` लौटाइए, **हर** चित्र की अपनी मैट्रिक्स: संख्या (c, d) यानी चैनल c गुणा चैनल d, जगहों पर औसत लेकर। फ़ीचर में से उनका औसत मत घटाइए।
#
# <details><summary>संकेत 1</summary>
#
# `features.flatten(2)` का आकार `[N, C, H·W]` है: हर चित्र के हर चैनल की एक पंक्ति।
#
# </details>
# <details><summary>संकेत 2</summary>
#
# पंक्तियों का अपने-आप से गुणन, `rows @ rows.transpose(1, 2)`, जगहों पर जोड़ देता है। जोड़ से औसत कैसे बनता है?
#
# </details>
# %% name="gram-matrix" tags=["exercise"] points=2
def gram_matrix(features: Tensor) -> Tensor:
    """features [N, C, H, W] -> the Gram matrix of each picture [N, C, C]."""
    ### BEGIN SOLUTION
    rows = features.flatten(2)
    return rows @ rows.transpose(1, 2) / rows.shape[2]
    ### END SOLUTION


# %% name="gram-matrix-check" tags=["check"]
gram_matrix = check.gram_matrix(gram_matrix)

# %% [markdown] lang="en" name="scattered"
# Your function looks at a rangoli whose tiles, and then whose pixels, were scattered. The features are once the three colours of each pixel, once the answers of 24 random filters of 3×3 pixels. The numbers above the pictures say how much each Gram matrix has changed, as a share of what it was.
# %% [markdown] lang="hi" of="f905eaa3"
# आपका फ़ंक्शन अब एक ऐसी रंगोली को देखता है जिसके पहले टुकड़े बिखेरे गए, फिर सारे पिक्सल। फ़ीचर एक बार हर पिक्सल के तीन रंग हैं, और एक बार 3×3 के 24 रैंडम फ़िल्टरों के जवाब। चित्रों के ऊपर लिखी संख्याएँ बताती हैं कि हर ग्राम मैट्रिक्स पहले के मुक़ाबले कितनी बदली।
# %% name="scattered-claim"
torch.manual_seed(0)
flower = rangoli(4, seed=3, size=48)[0][:1] / 255
filters = torch.randn(24, 3, 3, 3)
filters = filters - filters.mean((1, 2, 3), keepdim=True)
filters = filters / filters.flatten(1).norm(dim=1).view(-1, 1, 1, 1)


def scattered(picture: Tensor, tile: int) -> Tensor:
    """picture [1, 3, S, S], its square tiles in another order."""
    tiles = F.unfold(picture, tile, stride=tile)
    tiles = tiles[:, :, torch.randperm(tiles.shape[2])]
    return F.fold(tiles, picture.shape[2:], tile, stride=tile)


def moved(features: Tensor, before: Tensor) -> float:
    """How much the Gram matrix has changed, as a share of what it was."""
    old, new = gram_matrix(before), gram_matrix(features)
    return ((new - old).square().sum() / old.square().sum()).item()


pictures = {t("as it was"): flower}
for title, tile in ((t("tiles scattered"), 8), (t("pixels scattered"), 1)):
    pictures[title] = scattered(flower, tile)
changes = {
    title: (moved(p, flower), moved(F.conv2d(p, filters), F.conv2d(flower, filters)))
    for title, p in pictures.items()
}
plots.show_images(
    torch.cat(list(pictures.values())),
    titles=[
        t("{title}: colours {a:.2f}, filters {b:.2f}", title=title, a=a, b=b)
        for title, (a, b) in changes.items()
    ],
    alt=t("A rangoli, the same in scattered tiles, and its pixels as noise"),
    columns=3,
)
(_, whole), (in_tiles, seams), (in_pixels, grey) = changes.values()
assert max(in_tiles, in_pixels) < 1e-6 and whole == 0 and 0 < 3 * seams < grey


# %% [markdown] lang="en" name="scattered-why"
# The Gram matrix of the colours does not notice either. That of the filters notices the scattered pixels: a filter sees a neighbourhood, and there is none left. So *what* a style loss keeps is decided by how much each feature sees, and that grows from layer to layer.
# %% [markdown] lang="hi" of="bd6beab6"
# रंगों की ग्राम मैट्रिक्स को दोनों में से कुछ पता नहीं चलता। फ़िल्टरों वाली को पिक्सलों का बिखरना दिखता है: फ़िल्टर आस-पड़ोस देखता है, और पड़ोस बचा ही नहीं। यानी शैली-लॉस *क्या* याद रखेगा, यह इस पर है कि हर फ़ीचर कितनी दूर तक देखता है; और वह लेयर-दर-लेयर बढ़ता जाता है।


# %% [markdown] lang="en" name="batch-style-card"
# ### 3. Find the bug: the pictures of a batch meddle with each other
#
# ★★ · 6 minutes · find the bug · *a Gram matrix for each picture*
#
# A well-known tutorial makes rows of all channels of all pictures, and multiplies them with themselves. For one picture that is right. Here are several, each with a style of its own, and the loss is not 0 even where every picture has exactly its style's Gram matrix.
#
# - `pictures` `[N, C, H, W]`, `styles` `[N, C, H', W']`: feature maps; style i belongs to picture i.
# - Return the mean of `(G − A)²` over all entries of the `N` pairs of Gram matrices `[]`, each divided by its number of places.
#
# <details><summary>Hint 1</summary>
#
# With `N` pictures the matrix is `[N·C, N·C]`. What do the entries mean that do not lie in a block of `C × C` on the diagonal?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Keep the pictures apart: rows of the shape `[n, c, h * w]`, and `rows.transpose(1, 2)` instead of `rows.T`.
#
# </details>
# %% [markdown] lang="hi" of="4f5934b1"
# ### 3. ग़लती ढूँढिए: एक ही बैच के चित्र एक-दूसरे के काम में टाँग अड़ाते हैं
#
# ★★ · 6 मिनट · ग़लती ढूँढिए · *हर चित्र की अपनी ग्राम मैट्रिक्स*
#
# एक जाने-माने ट्यूटोरियल में सारे चित्रों के सारे चैनल एक ही ढेर में पंक्तियाँ बनते हैं, और फिर उनका अपने-आप से गुणन होता है। चित्र एक हो, तो यह सही है। यहाँ कई हैं, हर एक की अपनी शैली है; और हर चित्र की ग्राम मैट्रिक्स ठीक उसकी शैली वाली हो, तब भी लॉस 0 नहीं आता।
#
# - `pictures` `[N, C, H, W]`, `styles` `[N, C, H', W']`: फ़ीचर मैप; शैली i चित्र i की है।
# - ग्राम मैट्रिक्सों की `N` जोड़ियों की सारी संख्याओं पर `(G − A)²` का औसत `[]` लौटाइए; हर मैट्रिक्स को अपनी जगहों की गिनती से भाग देना है।
#
# <details><summary>संकेत 1</summary>
#
# `N` चित्र हों, तो यह मैट्रिक्स `[N·C, N·C]` है। विकर्ण पर `C × C` के जो टुकड़े हैं, उनसे बाहर की संख्याओं का क्या मतलब है?
#
# </details>
# <details><summary>संकेत 2</summary>
#
# चित्रों को अलग रखिए: पंक्तियों का आकार `[n, c, h * w]`, और `rows.T` की जगह `rows.transpose(1, 2)`।
#
# </details>
# %% name="batch-style" tags=["exercise"] points=2
def batch_style(pictures: Tensor, styles: Tensor) -> Tensor:
    """pictures [N, C, H, W], styles [N, C, H', W'] -> the mean squared error of their Grams []."""
    ### BEGIN SOLUTION

    def gram(features: Tensor) -> Tensor:
        n, c, h, w = features.shape
        rows = features.reshape(n, c, h * w)
        return rows @ rows.transpose(1, 2) / (h * w)

    return F.mse_loss(gram(pictures), gram(styles))
    ### STUB
    # def gram(features: Tensor) -> Tensor:
    #     n, c, h, w = features.shape
    #     rows = features.reshape(n * c, h * w)
    #     return rows @ rows.T / (h * w)
    #
    # return F.mse_loss(gram(pictures), gram(styles))
    ### END SOLUTION


# %% name="batch-style-check" tags=["check"]
batch_style = check.batch_style(batch_style)


# %% [markdown] lang="en" name="predict-growth-card"
# ### 4. Predict: how the Gram matrix grows
#
# ★★ · 5 minutes · predict, then run · *why a style loss needs a stated normalisation*
#
# All features of a layer, those of the picture and those of the style, are {k} times as large as before (another network, say). `G` is the picture's Gram matrix, `A` the style's; both are divided by the number of places. How many times as large are now
#
# - an entry of `G`?
# - `‖G − A‖²`, the sum of the squared differences?
# - `‖G − A‖² / ‖A‖²`?
#
# And last: a feature map is laid down {n}×{n} times, like tiles. How many times as large does an entry of its Gram matrix become when it is **not** divided by the number of places?
#
# Return the four numbers.
#
# <details><summary>Hint</summary>
#
# How many features are multiplied in one summand of an entry? And over how many places does the sum go?
#
# </details>
# %% [markdown] lang="hi" of="7356a3d1"
# ### 4. पहले बताइए: ग्राम मैट्रिक्स कैसे बढ़ती है
#
# ★★ · 5 मिनट · पहले बताइए, फिर चलाइए · *शैली-लॉस में नॉर्मलाइज़ेशन (normalisation) साफ़-साफ़ बताना क्यों ज़रूरी है*
#
# एक लेयर के सारे फ़ीचर, चित्र के भी और शैली के भी, पहले से {k} गुना हो गए (मान लीजिए नेटवर्क दूसरा है)। `G` चित्र की ग्राम मैट्रिक्स है, `A` शैली की; दोनों को जगहों की गिनती से भाग दिया गया है। अब ये कितने गुना हुए:
#
# - `G` की एक संख्या?
# - `‖G − A‖²`, यानी अंतरों के वर्गों का जोड़?
# - `‖G − A‖² / ‖A‖²`?
#
# और आख़िरी: एक फ़ीचर मैप टाइलों की तरह {n}×{n} बार बिछा दिया गया। ग्राम मैट्रिक्स को जगहों की गिनती से भाग **न** दें, तो उसकी एक संख्या कितने गुना हो जाएगी?
#
# चारों संख्याएँ लौटाइए।
#
# <details><summary>संकेत</summary>
#
# मैट्रिक्स की एक संख्या बहुत-से गुणनफलों का जोड़ है: हर गुणनफल में कितने फ़ीचर हैं? और जोड़ कितनी जगहों पर चलता है?
#
# </details>
# %% name="predict-growth" tags=["exercise"] points=2
def predict_growth() -> tuple[float, float, float, float]:
    """How many times as large: an entry, the error, its share of ‖A‖²; an entry of {n}×{n} tiles."""
    ### BEGIN SOLUTION
    return 9, 81, 1, 4
    ### END SOLUTION


# %% name="predict-growth-check" tags=["check"]
predict_growth = check.predict_growth.given(k=3, n=2)(predict_growth)

# %% [markdown] lang="en" name="predict-growth-why"
# <details><summary>Why</summary>
#
# Each summand is a product of two features, so an entry grows 3² = 9-fold, and its squared error 3⁴ = 81-fold. So a layer that answers three times as strongly would count 81 times as much, for no reason; `‖A‖²` grows in the same way, and the ratio stays. Tiles of 2 × 2 are 4 times the places, and as many summands; a mean over the places does not mind. Published codes divide the matrix by H·W, by C·H·W or by nothing, and the error by 4·C²·(H·W)² (Gatys) or by nothing: that is why a “style weight of a million” in one and of 10 in another can mean the same.
#
# </details>
# %% [markdown] lang="hi" of="f27a13a4"
# <details><summary>क्यों</summary>
#
# हर गुणनफल में दो फ़ीचर हैं, इसलिए मैट्रिक्स की संख्या 3² = 9 गुना होती है और अंतर का वर्ग 3⁴ = 81 गुना। जो लेयर तीन गुना ज़ोर से जवाब दे, वह बेवजह 81 गुना गिनी जाती; `‖A‖²` भी उतना ही बढ़ता है, इसलिए अनुपात वही रहता है। 2 × 2 टाइलें यानी 4 गुना जगहें, और जोड़ में उतने ही ज़्यादा पद; जगहों पर औसत लें, तो कुछ नहीं बदलता। छपे हुए कोड में मैट्रिक्स को कहीं H·W से भाग दिया है, कहीं C·H·W से, कहीं किसी से नहीं; और अंतर के वर्ग को कहीं 4·C²·(H·W)² से (Gatys), कहीं किसी से नहीं: इसीलिए एक का “शैली का वज़न दस लाख” और दूसरे का 10 एक ही बात हो सकती है।
#
# </details>


# %% [markdown] lang="en" name="style-loss-card"
# ### 5. Find the bugs: one layer drowns all the others
#
# ★★ · 7 minutes · find the bug · *two divisions that a style loss needs*
#
# The style loss looks at several layers. They are of different size, and answer with different strength. Wanted is the mean, over the layers, of
#
# `‖G − A‖² / ‖A‖²`,
#
# where each Gram matrix is divided by the number of places of **its own** map. Here **two divisions are missing**. So a pattern and the same pattern, tiled to twice the size, have a great loss; and the layer that answers most strongly makes up nearly all of it.
#
# - `features` and `styles`: lists with a map for each layer, `[C, H, W]` and `[C, H', W']`; C, H and W differ from layer to layer.
# - Return the loss `[]`.
#
# <details><summary>Hint 1</summary>
#
# `rows.shape[1]` is the number of places. Which loss does a tiled pattern have when the sum is a mean?
#
# </details>
# <details><summary>Hint 2</summary>
#
# `‖A‖²` is `wanted.square().sum()`. It belongs inside the loop: one for each layer.
#
# </details>
# %% [markdown] lang="hi" of="768caa33"
# ### 5. ग़लतियाँ ढूँढिए: एक लेयर बाक़ी सबको दबा देती है
#
# ★★ · 7 मिनट · ग़लती ढूँढिए · *शैली-लॉस के लिए दो जगह भाग देना ज़रूरी है*
#
# शैली-लॉस कई लेयरों को देखता है। उनके आकार अलग हैं, और कोई धीमे जवाब देती है, कोई ज़ोर से। हमें लेयरों पर इसका औसत चाहिए:
#
# `‖G − A‖² / ‖A‖²`,
#
# जिसमें हर ग्राम मैट्रिक्स को **अपने ही** मैप की जगहों की गिनती से भाग दिया गया हो। यहाँ **दो भाग छूट गए हैं**। इसलिए वही पैटर्न दोगुने आकार में बिछा हो, तब भी लॉस बहुत बड़ा आता है; और जो लेयर सबसे ज़ोर से जवाब देती है, लगभग सारा लॉस उसी का होता है।
#
# - `features` और `styles`: सूचियाँ, हर लेयर का एक मैप, `[C, H, W]` और `[C, H', W']`; C, H और W हर लेयर में अलग हैं।
# - लॉस `[]` लौटाइए।
#
# <details><summary>संकेत 1</summary>
#
# `rows.shape[1]` जगहों की गिनती है। जोड़ की जगह औसत हो, तो बिछाए हुए पैटर्न का लॉस कितना आएगा?
#
# </details>
# <details><summary>संकेत 2</summary>
#
# `‖A‖²` यानी `wanted.square().sum()`। इससे भाग लूप के अंदर देना है: हर लेयर में अपना।
#
# </details>
# %% name="style-loss" tags=["exercise"] points=2
def style_loss(features: list[Tensor], styles: list[Tensor]) -> Tensor:
    """features [C, H, W] and styles [C, H', W'] of each layer -> the mean of their errors []."""
    ### BEGIN SOLUTION

    def gram(layer: Tensor) -> Tensor:
        rows = layer.flatten(1)
        return rows @ rows.T / rows.shape[1]

    errors = []
    for layer, style in zip(features, styles, strict=True):
        wanted = gram(style)
        errors.append((gram(layer) - wanted).square().sum() / wanted.square().sum())
    return torch.stack(errors).mean()
    ### STUB
    # def gram(layer: Tensor) -> Tensor:
    #     rows = layer.flatten(1)
    #     return rows @ rows.T
    #
    # errors = []
    # for layer, style in zip(features, styles, strict=True):
    #     wanted = gram(style)
    #     errors.append((gram(layer) - wanted).square().sum())
    # return torch.stack(errors).mean()
    ### END SOLUTION


# %% name="style-loss-check" tags=["check"]
style_loss = check.style_loss(style_loss)


# %% [markdown] lang="en" name="squared-mmd-card"
# ### 6. Write: the style loss as a distance of two clouds
#
# ★★ · 8 minutes · write it · *Gram matching is maximum mean discrepancy with a quadratic kernel (Li et al. 2017)*
#
# “It applies filters from the style image” is how style transfer is often explained. What it does instead: it takes the vectors of all places of a layer as a cloud of points, and makes the clouds of two pictures alike. How far apart two clouds are, all pairs can tell (maximum mean discrepancy, squared):
#
# mean of `k(x, x')` over all pairs of the first cloud + mean of `k(y, y')` over all pairs of the second − 2 · mean of `k(x, y)` over all mixed pairs,
#
# here with the kernel `k(a, b) = (a · b)²`, the square of the dot product. Pairs of a place with itself count too.
#
# - `x` `[n, C]`, `y` `[m, C]`: the vectors of n and of m places. Return the distance `[]`.
#
# <details><summary>Hint</summary>
#
# `x @ y.T` has the dot products of all mixed pairs, `[n, m]`.
#
# </details>
# %% [markdown] lang="hi" of="5b652f4e"
# ### 6. लिखिए: शैली-लॉस यानी दो बादलों की दूरी
#
# ★★ · 8 मिनट · ख़ुद लिखिए · *ग्राम मैट्रिक्स मिलाना यानी MMD, जिसका कर्नेल वर्ग वाला है (Li et al. 2017)*
#
# अक्सर समझाया जाता है कि शैली-अंतरण “शैली वाले चित्र के फ़िल्टर लगा देता है”। असल में होता यह है: लेयर की सारी जगहों के वेक्टरों को बिंदुओं का एक बादल मानिए; दो चित्रों के बादल एक-से किए जाते हैं। दो बादल कितने दूर हैं, यह सारी जोड़ियाँ मिलकर बता देती हैं (maximum mean discrepancy का वर्ग):
#
# पहले बादल की सब जोड़ियों पर `k(x, x')` का औसत + दूसरे बादल की सब जोड़ियों पर `k(y, y')` का औसत − 2 · सब मिली-जुली जोड़ियों पर `k(x, y)` का औसत;
#
# यहाँ कर्नेल (kernel) है `k(a, b) = (a · b)²`, यानी डॉट प्रोडक्ट का वर्ग। किसी जगह की अपने-आप से जोड़ी भी गिनी जाती है।
#
# - `x` `[n, C]`, `y` `[m, C]`: n और m जगहों के वेक्टर। दूरी `[]` लौटाइए।
#
# <details><summary>संकेत</summary>
#
# `x @ y.T` में सब मिली-जुली जोड़ियों के डॉट प्रोडक्ट हैं, `[n, m]`।
#
# </details>
# %% name="squared-mmd" tags=["exercise"] points=2
def squared_mmd(x: Tensor, y: Tensor) -> Tensor:
    """x [n, C], y [m, C] -> how far apart the two clouds of vectors are []."""
    ### BEGIN SOLUTION

    def mean_kernel(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T).square().mean()

    return mean_kernel(x, x) + mean_kernel(y, y) - 2 * mean_kernel(x, y)
    ### END SOLUTION


# %% name="squared-mmd-check" tags=["check"]
squared_mmd = check.squared_mmd(squared_mmd)

# %% [markdown] lang="en" name="same-number"
# Two functions of yours that have nothing in common, one with Gram matrices and one with pairs of places, give the same number:
# %% [markdown] lang="hi" of="5d9184d8"
# आपके दो फ़ंक्शन, एक ग्राम मैट्रिक्सों से और एक जगहों की जोड़ियों से चलने वाला; दोनों में कुछ भी एक-सा नहीं, फिर भी संख्या वही आती है:
# %% name="same-number-claim" tags=["nbval-check-output"]
ours, theirs = torch.randn(1, 6, 5, 8), torch.randn(1, 6, 4, 4) + 0.5
by_grams = (gram_matrix(ours) - gram_matrix(theirs)).square().sum()
by_pairs = squared_mmd(ours[0].flatten(1).T, theirs[0].flatten(1).T)
print(t("the same number: {same}", same=torch.allclose(by_grams, by_pairs, rtol=1e-4)))
assert torch.allclose(by_grams, by_pairs, rtol=1e-4)


# %% [markdown] lang="en" name="part-pixels"
# ## Painting pixels
# %% [markdown] lang="hi" of="1eec322b"
# ## पिक्सलों पर चित्रकारी
# %% [markdown] lang="en" name="captured-features-card"
# ### 7. Find the bug: features that change after they were kept
#
# ★★ · 6 minutes · find the bug · *`inplace=True` writes over what you hold in your hand*
#
# The function walks through a network and keeps what comes out of each convolution. About half of those numbers should be negative. But wherever a ReLU follows, not one of those returned is: it has `inplace=True`, as in torchvision's VGG, and writes its answer into the very tensor that was kept.
#
# - `net`: an `nn.Sequential` of convolutions, ReLUs and poolings. `x` `[N, C, H, W]`.
# - Return the list of the convolutions' outputs, as they were; what the layers after them see must stay as it is, too. Gradients must pass: with them the pixels will be painted.
#
# <details><summary>Hint 1</summary>
#
# `features.append(x)` keeps no copy: the list and the next layer hold the same numbers. (`x.detach()` does not copy either.)
#
# </details>
# <details><summary>Hint 2</summary>
#
# `x.clone()` copies and lets gradients pass. Or call `F.relu(x)` yourself where the layer is an `nn.ReLU`.
#
# </details>
# %% [markdown] lang="hi" of="774fc9a1"
# ### 7. ग़लती ढूँढिए: सँभालकर रखे फ़ीचर बाद में बदल गए
#
# ★★ · 6 मिनट · ग़लती ढूँढिए · *`inplace=True` आपके हाथ में रखी चीज़ पर ही लिख देता है*
#
# फ़ंक्शन नेटवर्क की लेयरों से एक-एक करके गुज़रता है और हर कनवॉल्यूशन से जो निकले, उसे रख लेता है। इनमें लगभग आधी संख्याएँ ऋणात्मक होनी चाहिए। पर जहाँ-जहाँ आगे ReLU है, वहाँ लौटाई गई संख्याओं में एक भी ऋणात्मक नहीं: torchvision के VGG की तरह उसमें `inplace=True` है, और वह अपना जवाब उसी टेंसर में लिख देता है जो रखा गया था।
#
# - `net`: कनवॉल्यूशन, ReLU और पूलिंग वाला `nn.Sequential`। `x` `[N, C, H, W]`।
# - कनवॉल्यूशनों से जो निकला, उसकी सूची लौटाइए, ठीक वैसी जैसी निकली थी; और आगे की लेयरों को भी वही मिले जो मिलना चाहिए। ग्रेडिएंट उनसे होकर जा सके: उसी से आगे पिक्सल बदलेंगे।
#
# <details><summary>संकेत 1</summary>
#
# `features.append(x)` से कॉपी नहीं बनती: सूची और अगली लेयर के हाथ में वही संख्याएँ हैं। (`x.detach()` से भी कॉपी नहीं बनती।)
#
# </details>
# <details><summary>संकेत 2</summary>
#
# `x.clone()` कॉपी बनाता है और ग्रेडिएंट को जाने देता है। या जहाँ लेयर `nn.ReLU` हो, वहाँ ख़ुद `F.relu(x)` लगाइए।
#
# </details>
# %% name="captured-features" tags=["exercise"] points=2
def captured_features(net: nn.Sequential, x: Tensor) -> list[Tensor]:
    """x [N, C, H, W] -> what comes out of each convolution of `net`."""
    ### BEGIN SOLUTION
    features = []
    for layer in net:
        x = layer(x)
        if isinstance(layer, nn.Conv2d):
            features.append(x.clone())
    return features
    ### STUB
    # features = []
    # for layer in net:
    #     x = layer(x)
    #     if isinstance(layer, nn.Conv2d):
    #         features.append(x)
    # return features
    ### END SOLUTION


# %% name="captured-features-check" tags=["check"]
captured_features = check.captured_features(captured_features)


# %% [markdown] lang="en" name="variation-loss-card"
# ### 8. Write: the variation loss
#
# ★ · 5 minutes · write it · *what keeps speckles away (Johnson et al. 2016; Gatys had none)*
#
# Neighbouring pixels should not differ for nothing. For each picture: the mean of the squared differences of vertical neighbours, plus the mean of the squared differences of horizontal neighbours.
#
# - `x` `[N, C, H, W]`, with H and W at least 2. Return `[N]`.
#
# <details><summary>Hint</summary>
#
# `x.diff(dim=2)` has the differences of neighbouring rows; or `x[:, :, 1:] - x[:, :, :-1]`. The mean for each picture goes over the axes `(1, 2, 3)`.
#
# </details>
# %% [markdown] lang="hi" of="7e3ec976"
# ### 8. लिखिए: वेरिएशन लॉस
#
# ★ · 5 मिनट · ख़ुद लिखिए · *चित्र को दानेदार होने से क्या बचाता है (Johnson et al. 2016; Gatys के पेपर में यह नहीं था)*
#
# पड़ोसी पिक्सलों में बेवजह फ़र्क़ न हो। हर चित्र के लिए: ऊपर-नीचे के पड़ोसियों के अंतर के वर्ग का औसत, और उसमें जोड़िए अगल-बग़ल के पड़ोसियों के अंतर के वर्ग का औसत।
#
# - `x` `[N, C, H, W]`; H और W कम-से-कम 2। `[N]` लौटाइए।
#
# <details><summary>संकेत</summary>
#
# `x.diff(dim=2)` में पड़ोसी पंक्तियों के अंतर हैं; या `x[:, :, 1:] - x[:, :, :-1]`। हर चित्र का औसत अक्षों `(1, 2, 3)` पर लीजिए।
#
# </details>
# %% name="variation-loss" tags=["exercise"] points=1
def variation_loss(x: Tensor) -> Tensor:
    """x [N, C, H, W] -> how much the neighbouring pixels of each picture differ [N]."""
    ### BEGIN SOLUTION
    down, across = x.diff(dim=2), x.diff(dim=3)
    return down.square().mean((1, 2, 3)) + across.square().mean((1, 2, 3))
    ### END SOLUTION


# %% name="variation-loss-check" tags=["check"]
variation_loss = check.variation_loss(variation_loss)


# %% [markdown] lang="en" name="objective-card"
# ### 9. Write: what the pixels are asked for
#
# ★★★ · 12 minutes · write it · *content, style and variation in one sum*
#
# One picture is painted, and this is what it is asked for:
#
# - **content**: in the **last** layer, the mean of `(F − P)²`, where `F` are the picture's features and `P` those of the content (`content`); divided by how much `P` varies: the mean of `(P − P̄)²`, where `P̄` is each channel's mean over the places.
# - **style**: the mean, over all layers, of `‖G − A‖² / ‖A‖²`. `G` is the picture's Gram matrix divided by the places, `A` the style's, given in `grams`.
# - **variation**: as in exercise 8, for this one picture.
# - **total**: content + `style_weight` · style + `variation_weight` · variation.
#
# `x` `[3, H, W]`; `features`: a list of `[C, h, w]`; `content` of the shape of the last one; `grams`: a list of `[C, C]`. Return the four numbers, each `[]`: the first three without weights. Detach nothing: the pixels' gradient goes through it.
#
# <details><summary>Hint 1</summary>
#
# Write the three terms one after the other; `gram_matrix(layer[None])[0]` and `variation_loss(x[None])[0]` are yours to use.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The variance of the content: `content.var((1, 2), correction=0).mean()`.
#
# </details>
# %% [markdown] lang="hi" of="5c4a18e8"
# ### 9. लिखिए: पिक्सलों से क्या माँगा जाता है
#
# ★★★ · 12 मिनट · ख़ुद लिखिए · *विषय, शैली और वेरिएशन, एक ही जोड़ में*
#
# एक चित्र बन रहा है, और उससे यह माँगा जाता है:
#
# - **विषय**: **आख़िरी** लेयर में `(F − P)²` का औसत; `F` चित्र के फ़ीचर हैं और `P` विषय वाले चित्र के (`content`)। इसे इससे भाग दीजिए कि `P` ख़ुद कितना घटता-बढ़ता है: `(P − P̄)²` का औसत, जिसमें `P̄` हर चैनल का जगहों पर औसत है।
# - **शैली**: सारी लेयरों पर `‖G − A‖² / ‖A‖²` का औसत। `G` चित्र की ग्राम मैट्रिक्स है, जगहों से भाग देकर; `A` शैली की, जो `grams` में दी है।
# - **वेरिएशन**: अभ्यास 8 जैसा, इसी एक चित्र का।
# - **कुल**: विषय + `style_weight` · शैली + `variation_weight` · वेरिएशन।
#
# `x` `[3, H, W]`; `features`: `[C, h, w]` की सूची; `content` का आकार सूची के आख़िरी मैप जैसा; `grams`: `[C, C]` की सूची। चारों संख्याएँ लौटाइए, हर एक `[]`: पहली तीन बिना वज़न के। detach कहीं मत लगाइए: पिक्सलों का ग्रेडिएंट यहीं से होकर जाता है।
#
# <details><summary>संकेत 1</summary>
#
# तीनों पद एक-एक करके लिखिए; `gram_matrix(layer[None])[0]` और `variation_loss(x[None])[0]` आपके अपने हैं, काम में लीजिए।
#
# </details>
# <details><summary>संकेत 2</summary>
#
# विषय का वेरिएंस: `content.var((1, 2), correction=0).mean()`।
#
# </details>
# %% name="objective" tags=["exercise"] points=3
def objective(
    x: Tensor,
    features: list[Tensor],
    content: Tensor,
    grams: list[Tensor],
    style_weight: float,
    variation_weight: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """x [3, H, W], features [C, h, w] of each layer -> content, style, variation, total, all []."""
    ### BEGIN SOLUTION
    of_content = (features[-1] - content).square().mean()
    of_content = of_content / content.var((1, 2), correction=0).mean()
    errors = []
    for layer, wanted in zip(features, grams, strict=True):
        rows = layer.flatten(1)
        gram = rows @ rows.T / rows.shape[1]
        errors.append((gram - wanted).square().sum() / wanted.square().sum())
    of_style = torch.stack(errors).mean()
    of_pixels = x.diff(dim=1).square().mean() + x.diff(dim=2).square().mean()
    total = of_content + style_weight * of_style + variation_weight * of_pixels
    return of_content, of_style, of_pixels, total
    ### END SOLUTION


# %% name="objective-check" tags=["check"]
objective = check.objective(objective)

# %% [markdown] lang="en" name="painted"
# Your objective paints. It starts from noise, with the flower as content and slanting stripes as style, and the features of random 3×3 filters at three sizes of the picture. (What a trained network sees more than that, the lesson shows.)
# %% [markdown] lang="hi" of="2ca8fe4a"
# आपका फ़ंक्शन अब चित्र बनाता है। शुरुआत शोर से है, विषय है फूल और शैली है तिरछी धारियाँ; फ़ीचर हैं 3×3 के रैंडम फ़िल्टर, चित्र के तीन आकारों पर। (सिखाया हुआ नेटवर्क इससे ज़्यादा क्या देखता है, यह पाठ में है।)
# %% name="painted-claim"
rows, columns = torch.meshgrid(torch.arange(48.0), torch.arange(48.0), indexing="ij")
stripe = 0.5 + 0.5 * torch.sin(0.8 * (rows + columns))
blue, gold = torch.tensor([[0.05, 0.2, 0.5], [1, 0.75, 0.2]])[..., None, None]
stripes = (blue + (gold - blue) * stripe)[None]


def seen(x: Tensor) -> list[Tensor]:
    """x [1, 3, S, S] -> features at three sizes, each [24, h, w]."""
    maps = []
    for size in (1, 2, 4):
        small = F.pad(F.avg_pool2d(x, size), (1, 1, 1, 1), mode="replicate")
        maps.append(F.conv2d(small, filters).relu()[0])
    return maps


grams = [gram_matrix(layer[None])[0] for layer in seen(stripes)]
content = seen(flower)[-1]
noise = torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(1))
x, mean, square, styles = noise, 0.0, 0.0, []
for step in range(1, 91):  # Adam, written out
    x = x.detach().requires_grad_()
    _, of_style, _, total = objective(x[0], seen(x), content, grams, 3.0, 3.0)
    styles.append(of_style.item())
    (gradient,) = torch.autograd.grad(total, x)
    mean = 0.9 * mean + 0.1 * gradient
    square = 0.99 * square + 0.01 * gradient.square()
    direction = (mean / (1 - 0.9**step)) / ((square / (1 - 0.99**step)).sqrt() + 1e-8)
    x = (x - 0.06 * direction).detach().clamp(0, 1)
plots.show_images(
    torch.cat([flower, stripes, noise, x]),
    titles=[
        t("content picture"),
        t("style picture"),
        t("start: style loss {loss:.2f}", loss=styles[0]),
        t("after 90 steps: style loss {loss:.2f}", loss=styles[-1]),
    ],
    alt=t("A flower, blue and golden stripes, noise, and stripes that have grown out of the noise"),
    columns=4,
)
assert styles[-1] < 0.15 * styles[0]


# %% [markdown] lang="en" name="pixel-gradient-card"
# ### 10. Find the bugs: a judge that keeps learning
#
# ★★ · 7 minutes · find the bug · *the network only looks: `eval()`, and frozen*
#
# The pixels are to change, the network is to stay. Here it has just been built, so it is in training mode, and its weights are open to gradients: **two things are missing**. Batch norm measures with the mean of this very picture, so a picture that has exactly the wanted features still gets a loss; and the backward pass works out gradients for all weights, which costs about as much again.
#
# - `net`: a network with batch norm. `x` `[N, 3, H, W]`: pictures. `target`: the features that they should have, of the shape of `net(x)`.
# - Return the loss `[]`, its gradient at the pixels, and how many of the network's parameters have got a gradient (0 is right; this line is right).
#
# <details><summary>Hint 1</summary>
#
# `net.eval()` makes batch norm use what it has learnt.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `net.requires_grad_(False)` freezes all weights. (`torch.no_grad()` would take the pixels' gradient away too.)
#
# </details>
# %% [markdown] lang="hi" of="0c6b7986"
# ### 10. ग़लतियाँ ढूँढिए: परखने वाला ख़ुद सीखता जा रहा है
#
# ★★ · 7 मिनट · ग़लती ढूँढिए · *नेटवर्क को बस देखना है: `eval()`, और जमा हुआ*
#
# बदलना पिक्सलों को है, नेटवर्क को वैसा ही रहना है। यहाँ नेटवर्क अभी-अभी बना है, इसलिए ट्रेनिंग वाले मोड में है और उसके भार ग्रेडिएंट के लिए खुले हैं: **दो चीज़ें छूट गई हैं**। बैच नॉर्म इसी चित्र के औसत से नापता है, इसलिए जिस चित्र के फ़ीचर ठीक वही हों जो चाहिए, उसका भी लॉस आता है; और पीछे जाते समय सारे भारों के ग्रेडिएंट भी निकलते हैं, जिसमें लगभग उतना ही समय और लगता है।
#
# - `net`: बैच नॉर्म वाला नेटवर्क। `x` `[N, 3, H, W]`: चित्र। `target`: जो फ़ीचर होने चाहिए, `net(x)` के आकार के।
# - तीन चीज़ें लौटाइए: लॉस `[]`, पिक्सलों पर उसका ग्रेडिएंट, और नेटवर्क के कितने पैरामीटरों को ग्रेडिएंट मिला (सही जवाब 0 है; यह लाइन सही है)।
#
# <details><summary>संकेत 1</summary>
#
# `net.eval()` से बैच नॉर्म वह काम में लेता है जो उसने पहले सीखा है।
#
# </details>
# <details><summary>संकेत 2</summary>
#
# `net.requires_grad_(False)` सारे भार जमा देता है। (`torch.no_grad()` तो पिक्सलों का ग्रेडिएंट भी छीन लेगा।)
#
# </details>
# %% name="pixel-gradient" tags=["exercise"] points=2
def pixel_gradient(net: nn.Module, x: Tensor, target: Tensor) -> tuple[Tensor, Tensor, int]:
    """x [N, 3, H, W] -> the loss [], its gradient at x, how many parameters have a gradient."""
    ### BEGIN SOLUTION
    net.eval().requires_grad_(False)
    x = x.clone().requires_grad_()
    loss = F.mse_loss(net(x), target)
    loss.backward()
    return loss.detach(), x.grad, sum(p.grad is not None for p in net.parameters())
    ### STUB
    # x = x.clone().requires_grad_()
    # loss = F.mse_loss(net(x), target)
    # loss.backward()
    # return loss.detach(), x.grad, sum(p.grad is not None for p in net.parameters())
    ### END SOLUTION


# %% name="pixel-gradient-check" tags=["check"]
pixel_gradient = check.pixel_gradient(pixel_gradient)


# %% [markdown] lang="en" name="descend-card"
# ### 11. Find the bug: colours that no screen can show
#
# ★★ · 7 minutes · find the bug · *clamp where the picture is measured, not when it is finished*
#
# Pixels go down the gradient, and the finished picture is cut to 0 … 1. But on the way they may be −0.4 or 1.7, and the loss becomes small *with* them: cut off, the picture is no longer the one that was found. The pixels have to be put back into 0 … 1 at every step, before the loss is measured again (with L-BFGS: inside the closure).
#
# - `net`: frozen; `target`: the features that it should see, of the shape of `net(start)`. `start`: a picture in 0 … 1.
# - Take `steps` steps with the learning rate `rate`, each time putting the pixels back. Return the picture and its loss `[]`.
#
# <details><summary>Hint</summary>
#
# One line moves by four spaces. (Not `net(x.clamp(0, 1))`: there the gradient of a pixel outside is 0, and it never comes back.)
#
# </details>
# %% [markdown] lang="hi" of="9fd1bc38"
# ### 11. ग़लती ढूँढिए: ऐसे रंग जो कोई स्क्रीन दिखा ही नहीं सकती
#
# ★★ · 7 मिनट · ग़लती ढूँढिए · *clamp वहाँ लगाइए जहाँ चित्र नापा जाता है, चित्र बन जाने के बाद नहीं*
#
# पिक्सल ग्रेडिएंट के सहारे नीचे उतरते हैं, और बना-बनाया चित्र आख़िर में 0 … 1 में काट दिया जाता है। पर रास्ते में वे −0.4 या 1.7 भी हो सकते हैं, और लॉस *उन्हीं* से घटता है: काटने के बाद चित्र वह नहीं रहता जो खोजा गया था। पिक्सलों को हर क़दम पर 0 … 1 में लौटाना होगा, लॉस दोबारा नापने से पहले (L-BFGS हो, तो closure के अंदर)।
#
# - `net`: जमा हुआ; `target`: जो फ़ीचर उसे दिखने चाहिए, `net(start)` के आकार के। `start`: 0 … 1 में एक चित्र।
# - लर्निंग रेट `rate` से `steps` क़दम चलिए, और हर बार पिक्सलों को लौटाइए। चित्र और उसका लॉस `[]` लौटाइए।
#
# <details><summary>संकेत</summary>
#
# बस एक लाइन चार ख़ाली जगह दाईं ओर खिसकेगी। (`net(x.clamp(0, 1))` नहीं: उसमें बाहर गए पिक्सल का ग्रेडिएंट 0 है, और वह कभी नहीं लौटता।)
#
# </details>
# %% name="descend" tags=["exercise"] points=2
def descend(
    net: nn.Module, target: Tensor, start: Tensor, rate: float, steps: int
) -> tuple[Tensor, Tensor]:
    """start in 0…1, target of the shape of net(start) -> the picture in 0…1, its loss []."""
    ### BEGIN SOLUTION
    x = start
    for _ in range(steps):
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(F.mse_loss(net(x), target), x)
        x = (x - rate * gradient).detach()
        x = x.clamp(0, 1)
    return x, F.mse_loss(net(x), target)
    ### STUB
    # x = start
    # for _ in range(steps):
    #     x = x.detach().requires_grad_()
    #     (gradient,) = torch.autograd.grad(F.mse_loss(net(x), target), x)
    #     x = (x - rate * gradient).detach()
    # x = x.clamp(0, 1)
    # return x, F.mse_loss(net(x), target)
    ### END SOLUTION


# %% name="descend-check" tags=["check"]
descend = check.descend(descend)


# %% [markdown] lang="en" name="part-fast"
# ## Any style at once
# %% [markdown] lang="hi" of="b951d905"
# ## कोई भी शैली, झटपट
# %% [markdown] lang="en" name="adain-card"
# ### 12. Find the bug: a picture in its own style is another picture
#
# ★★ · 6 minutes · find the bug · *AdaIN with the same measure on both sides (Huang & Belongie 2017)*
#
# AdaIN takes the mean and the spread of each channel of the content off, and puts those of the style on. So `adain(x, x)` should be `x`. Here it is not: the spread is measured in one way on the left and in another on the right. Published code has this mixture, one line from instance norm and one from `std`.
#
# The spread is to be `sqrt(variance + eps)` on **both** sides, with the variance divided by the number of places (not by one less).
#
# - `content` `[N, C, H, W]`, `style` `[N, C, H', W']`: feature maps. Mean and spread are those of each channel of each picture. Return `[N, C, H, W]`.
#
# <details><summary>Hint</summary>
#
# `std` and `var` divide by n − 1, unless one says `correction=0`. Measure both with one and the same line.
#
# </details>
# %% [markdown] lang="hi" of="96f9aa5f"
# ### 12. ग़लती ढूँढिए: अपनी ही शैली में चित्र कुछ और हो गया
#
# ★★ · 6 मिनट · ग़लती ढूँढिए · *AdaIN में दोनों ओर एक ही पैमाना (Huang & Belongie 2017)*
#
# AdaIN विषय के हर चैनल से उसका औसत और फैलाव (spread) हटाता है और शैली वाले लगा देता है। तो `adain(x, x)` को `x` ही होना चाहिए। यहाँ नहीं होता: फैलाव एक ओर एक तरह से नपा है, दूसरी ओर दूसरी तरह से। छपे हुए कोड में यह घालमेल मिलता है, एक लाइन इंस्टेंस नॉर्म से और एक `std` से।
#
# **दोनों** ओर फैलाव `sqrt(variance + eps)` हो, और वेरिएंस में भाग जगहों की गिनती से हो (एक कम से नहीं)।
#
# - `content` `[N, C, H, W]`, `style` `[N, C, H', W']`: फ़ीचर मैप। औसत और फैलाव हर चित्र के हर चैनल के अपने हैं। `[N, C, H, W]` लौटाइए।
#
# <details><summary>संकेत</summary>
#
# `correction=0` न कहें, तो `std` और `var` n − 1 से भाग देते हैं। दोनों को एक ही लाइन से नापिए।
#
# </details>
# %% name="adain" tags=["exercise"] points=2
def adain(content: Tensor, style: Tensor, eps: float) -> Tensor:
    """content [N, C, H, W], style [N, C, H', W'] -> the content with the style's statistics."""
    ### BEGIN SOLUTION

    def measured(features: Tensor) -> tuple[Tensor, Tensor]:
        variance, mean = torch.var_mean(features, (2, 3), correction=0, keepdim=True)
        return mean, (variance + eps).sqrt()

    mean, spread = measured(content)
    style_mean, style_spread = measured(style)
    return (content - mean) / spread * style_spread + style_mean
    ### STUB
    # mean = content.mean((2, 3), keepdim=True)
    # spread = (content.var((2, 3), correction=0, keepdim=True) + eps).sqrt()
    # style_mean = style.mean((2, 3), keepdim=True)
    # style_spread = style.std((2, 3), keepdim=True)
    # return (content - mean) / spread * style_spread + style_mean
    ### END SOLUTION


# %% name="adain-check" tags=["check"]
adain = check.adain(adain)


# %% [markdown] lang="en" name="mix-styles-card"
# ### 13. Write: a mixture of styles
#
# ★★ · 8 minutes · write it · *two sliders: which style, and how much of it*
#
# Restyle the content with each style by AdaIN, as in exercise 12. The mixture is the sum of the results, each times its share. Then `strength` goes from the content as it was (0) to the whole mixture (1), in a straight line.
#
# - `content` `[N, C, H, W]`; `styles`: a list of `[N, C, H', W']`, of any size; `shares`: a number for each style, 1 in all.
# - Return `[N, C, H, W]`.
#
# <details><summary>Hint</summary>
#
# `adain(content, style, eps)` is yours. `torch.lerp(content, mixture, strength)` goes from the first to the second.
#
# </details>
# %% [markdown] lang="hi" of="2acf79fd"
# ### 13. लिखिए: शैलियों का मिश्रण
#
# ★★ · 8 मिनट · ख़ुद लिखिए · *दो स्लाइडर: कौन-सी शैली, और कितनी*
#
# अभ्यास 12 की तरह AdaIN से विषय को हर शैली में ढालिए। मिश्रण इन नतीजों का जोड़ है, हर एक अपने हिस्से से गुणा होकर। फिर `strength` (ताक़त) 0 पर विषय ज्यों का त्यों है, 1 पर पूरा मिश्रण, और बीच में सीधी रेखा पर।
#
# - `content` `[N, C, H, W]`; `styles`: `[N, C, H', W']` की सूची, आकार कुछ भी; `shares`: हर शैली का हिस्सा, कुल 1।
# - `[N, C, H, W]` लौटाइए।
#
# <details><summary>संकेत</summary>
#
# `adain(content, style, eps)` आपका अपना है। `torch.lerp(content, mixture, strength)` पहले से दूसरे की ओर जाता है।
#
# </details>
# %% name="mix-styles" tags=["exercise"] points=2
def mix_styles(
    content: Tensor, styles: list[Tensor], shares: list[float], strength: float, eps: float
) -> Tensor:
    """content [N, C, H, W], styles [N, C, H', W'] with their shares -> [N, C, H, W]."""
    ### BEGIN SOLUTION

    def measured(features: Tensor) -> tuple[Tensor, Tensor]:
        variance, mean = torch.var_mean(features, (2, 3), correction=0, keepdim=True)
        return mean, (variance + eps).sqrt()

    mean, spread = measured(content)
    plain, mixture = (content - mean) / spread, 0
    for style, share in zip(styles, shares, strict=True):
        style_mean, style_spread = measured(style)
        mixture = mixture + share * (plain * style_spread + style_mean)
    return (1 - strength) * content + strength * mixture
    ### END SOLUTION


# %% name="mix-styles-check" tags=["check"]
mix_styles = check.mix_styles(mix_styles)

# %% [markdown] lang="en" name="mixtures"
# Your function on plain colours, as if red, green and blue were the features. The content is the flower, the styles are a neon rangoli and a Warli one. Colours pass over; strokes do not, for three channels of single pixels know none. In the lesson the channels are those of a network.
# %% [markdown] lang="hi" of="137b4a2d"
# आपका फ़ंक्शन सीधे रंगों पर, मानो लाल, हरा और नीला ही फ़ीचर हों। विषय वही फूल है; शैलियाँ हैं एक नियॉन (neon) रंगोली और एक वारली रंगोली। रंग आ जाते हैं, रेखाएँ नहीं: एक-एक पिक्सल के तीन चैनल रेखाएँ जानते ही नहीं। पाठ में ये चैनल नेटवर्क के हैं।
# %% name="mixtures-claim"
styles = [rangoli(1, seed=5, size=48, style=style)[0] / 255 for style in (neon, warli)]
mixtures = [([1.0, 0.0], 0.5), ([1.0, 0.0], 1.0), ([0.5, 0.5], 1.0), ([0.0, 1.0], 1.0)]
drawn = [mix_styles(flower, styles, shares, strength, 1e-5) for shares, strength in mixtures]
plots.show_images(
    torch.cat([flower, *styles, *drawn]).clamp(0, 1),
    titles=[
        t("content picture"),
        t("neon"),
        t("Warli"),
        t("half neon"),
        t("all neon"),
        t("half and half"),
        t("all Warli"),
    ],
    alt=t("A yellow flower takes the colours of a neon rangoli, of a mixture, and of a Warli one"),
    columns=7,
    zoom=3,
)
for picture, style in ((drawn[1], styles[0]), (drawn[3], styles[1])):
    assert torch.allclose(picture.mean((2, 3)), style.mean((2, 3)), atol=1e-3)
    assert torch.allclose(picture.std((2, 3)), style.std((2, 3)), atol=1e-2)


# %% [markdown] lang="en" name="predict-norms-card"
# ### 14. Predict: instance norm and batch norm
#
# ★ · 4 minutes · predict, then run · *why fast style networks normalise each picture by itself (Ulyanov et al. 2016)*
#
# A batch has two pictures with one channel. Half of the pixels of the first are 0, half are 2. The second is the same picture, {b} brighter: half {b}, half {b} + 2. Take a normalisation without learnt numbers and without eps.
#
# What becomes of the value 2 of the first picture
#
# - under instance norm?
# - under batch norm, in training mode?
#
# Return the two numbers, each right to within 2 %.
#
# <details><summary>Hint</summary>
#
# Which pixels go into the mean? For the variance: that of each picture around its own mean, plus that of the two means.
#
# </details>
# %% [markdown] lang="hi" of="2a8992ec"
# ### 14. पहले बताइए: इंस्टेंस नॉर्म और बैच नॉर्म
#
# ★ · 4 मिनट · पहले बताइए, फिर चलाइए · *झटपट शैली बदलने वाले नेटवर्क हर चित्र को अलग क्यों नॉर्मलाइज़ करते हैं (Ulyanov et al. 2016)*
#
# एक बैच में दो चित्र हैं, एक ही चैनल के। पहले के आधे पिक्सल 0 हैं, आधे 2। दूसरा वही चित्र है, बस {b} ज़्यादा चमकीला: आधे पिक्सल {b}, आधे {b} + 2। नॉर्म ऐसा लीजिए जिसमें सीखी हुई संख्याएँ नहीं, eps भी नहीं।
#
# पहले चित्र का मान 2 क्या बन जाएगा
#
# - इंस्टेंस नॉर्म (instance norm) से?
# - बैच नॉर्म से, ट्रेनिंग वाले मोड में?
#
# दोनों संख्याएँ लौटाइए; हर एक में 2 % तक की चूक चलेगी।
#
# <details><summary>संकेत</summary>
#
# औसत में कौन-कौन से पिक्सल आते हैं? वेरिएंस के लिए: हर चित्र का अपने औसत के चारों ओर का वेरिएंस, और उसमें दोनों औसतों का वेरिएंस जोड़िए।
#
# </details>
# %% name="predict-norms" tags=["exercise"] points=1
def predict_norms() -> tuple[float, float]:
    """What becomes of the value 2, beside a picture {b} brighter: instance norm, batch norm."""
    ### BEGIN SOLUTION
    return 1, -2 / 10**0.5
    ### END SOLUTION


# %% name="predict-norms-check" tags=["check"]
predict_norms = check.predict_norms.given(b=6)(predict_norms)

# %% [markdown] lang="en" name="predict-norms-why"
# <details><summary>Why</summary>
#
# Instance norm sees the first picture alone: mean 1, spread 1, so 2 becomes (2 − 1) / 1 = 1. Under batch norm the mean of all pixels is 4 and the variance 1 + 3² = 10, so 2 becomes (2 − 4) / √10 = −0.63: the brightest pixel of a picture counts as dark, because its neighbour in the batch is bright. A style network should paint a pale photograph like a brilliant one. With instance norm, brightness and contrast are taken off before the style puts its own on; AdaIN is this step with the style's numbers in place of learnt ones.
#
# </details>
# %% [markdown] lang="hi" of="e00f9464"
# <details><summary>क्यों</summary>
#
# इंस्टेंस नॉर्म को सिर्फ़ पहला चित्र दिखता है: औसत 1, फैलाव 1, इसलिए 2 बन जाता है (2 − 1) / 1 = 1। बैच नॉर्म में सारे पिक्सलों का औसत 4 है और वेरिएंस 1 + 3² = 10, इसलिए 2 बन जाता है (2 − 4) / √10 = −0.63: चित्र का सबसे चमकीला पिक्सल भी अँधेरा गिना गया, क्योंकि बैच में उसका पड़ोसी चमकीला है। शैली वाले नेटवर्क को फीकी तस्वीर भी उसी तरह बनानी है जैसे चटक तस्वीर। इंस्टेंस नॉर्म पहले चित्र की अपनी चमक और कंट्रास्ट हटा देता है, फिर शैली अपने लगाती है; AdaIN यही क़दम है, बस सीखी हुई संख्याओं की जगह शैली वाले चित्र की संख्याएँ।
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
