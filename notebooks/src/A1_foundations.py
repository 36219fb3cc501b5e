# %% [markdown]
# # A1 · Foundations
#
# **The question:** What happens when a machine "learns", and how do you know that it did?

# %% [markdown]
# ## You will be able to
#
# - read a shape such as `Float[Tensor, "B T D"]`, and predict the shape of what comes next;
# - write softmax and cross-entropy yourself, work both out by hand in nats, and say what the loss
#   must be before training begins;
# - find a gradient with the chain rule, and check it against autograd to the last digits;
# - say what back-propagation does and what the optimiser does, and write a step of AdamW;
# - train a model in twelve lines, and report its score so that others can believe it.

# %% [markdown]
# ## Before you start
#
# | | |
# |---|---|
# | Builds on | Python functions and lists; what a slope is |
# | Your time | about 90 minutes for the core sections, 30 more for the optional ones. The quiz in lesson 00 tells you which ones you may skip |
# | On a CPU | about half a minute on one free core, under 1 GB of memory |
# | On a GPU | not needed; the cell under *On a GPU* repeats one comparison with a bigger model |

# %% [markdown]
# ## Recall
#
# Answer from memory, then open the answer.
#
# 1. You toss a fair coin three times. How likely are three heads?
#
# <details><summary>Answer</summary>
#
# $1/2 \cdot 1/2 \cdot 1/2 = 1/8$. Probabilities of independent things multiply.
#
# </details>
#
# 2. What is $\ln(ab)$, if you know $\ln a$ and $\ln b$? And what is $\ln 1$?
#
# <details><summary>Answer</summary>
#
# $\ln(ab) = \ln a + \ln b$, and $\ln 1 = 0$. A logarithm turns products into sums.
#
# </details>
#
# 3. How steep is the curve $y = x^2$ at $x = 3$? And which way do you step to get lower?
#
# <details><summary>Answer</summary>
#
# Its slope is $2x = 6$. The slope is positive, so the curve rises to the right: step to the left.
#
# </details>

# %% [markdown]
# ## Set-up

# %%
# @setup

# %% [markdown]
# The imports. `course_lib` is the course's own library: you can open and read all of it. The pieces
# that matter most you will write yourself.

# %%
import math

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.testing import assert_close

from course_lib.data import load
from course_lib.data.splits import split_by_group
from course_lib.embeddings import bag_of_words
from course_lib.evaluation import bootstrap_interval, proportion_interval
from course_lib.lesson import answer_quiz, check, hint, quiz
from course_lib.nn import cross_entropy_gradient, log_softmax
from course_lib.plotting import show, use_course_style
from course_lib.plotting.curves import (
    Curve,
    Panel,
    Regions,
    plot_intervals,
    plot_panels,
    plot_regions,
)
from course_lib.seeding import make_generator
from course_lib.tokenizers import Vocabulary, split_words
from course_lib.training import AdamWConfig, train_on_batches

use_course_style()

# %% [markdown]
# ## 1 · Numbers in boxes
#
# *(core)*
#
# Everything in this course is a box of numbers: a word, a sentence, the weights of a model. Such a box
# is called a **tensor**. It has a **shape**: how many numbers along each axis. Here are two sentences
# of three words each, every word described by four numbers.

# %%
# NBVAL_CHECK_OUTPUT
x = torch.arange(24.0).reshape(2, 3, 4)
print("shape", tuple(x.shape), "  type of the numbers", x.dtype, "  lives on", x.device)
print("the second word of the first sentence:", x[0, 1])

# %% [markdown]
# In this course, shapes are written into the code, with one letter per axis:
#
# ```python
# def mean_word(x: Float[Tensor, "B T D"]) -> Float[Tensor, "B D"]: ...
# ```
#
# Read it like this. `x` is a box of floating-point numbers with three axes: `B` sentences (a *batch*),
# `T` words each (*time*, because words come one after the other), `D` numbers per word (the *depth*
# or width of the model). What comes out has no `T` any more: the words were averaged away.
#
# Four more signs that you will meet:
#
# - `" V"`: one axis. The space is there only so that Python does not take `V` for a variable.
# - `"*B V"`: any number of axes, then `V`.
# - `""`: no axis at all, a single number.
# - `Int` and `Bool` instead of `Float`: whole numbers, or yes and no.
#
# The letters mean something only within one function. There, the same letter must be the same
# number. Our tests check that at every call. You can ask too:

# %%
# NBVAL_CHECK_OUTPUT
print('is x a Float[Tensor, "B T D"]?  ', isinstance(x, Float[Tensor, "B T D"]))
print('is x a Float[Tensor, "B D"]?    ', isinstance(x, Float[Tensor, "B D"]))
print('is x a Float[Tensor, "2 T 4"]?  ', isinstance(x, Float[Tensor, "2 T 4"]))

# %% [markdown]
# ### The dot product
#
# How does a machine say that two things are alike? It multiplies their numbers in pairs and adds up:
#
# $$a \cdot b = \sum_{i=1}^{D} a_i b_i$$
#
# with `a` and `b` of shape `" D"`. By hand, for $(1, 2, 3)$ and $(4, 0, -1)$: $4 + 0 - 3 = 1$.
#
# The sum is large if both vectors are large in the same places, 0 if they are at right angles, and
# negative if they point apart. You will meet it everywhere: word vectors, attention, every layer.
#
# A **matrix product** `a @ b` is nothing but many dot products: each row of `a` with each column of
# `b`. So the last axis of `a` must be as long as the first of `b`, and that axis disappears.
#
# **Predict** the four shapes below before you run the cell. (In the last one, the vector is added to
# every row; this is called *broadcasting*: axes are lined up from the right.)

# %%
# NBVAL_CHECK_OUTPUT
a, b = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([4.0, 0.0, -1.0])
print("a · b =", (a @ b).item())
weights, offset = torch.ones(4, 5), torch.ones(5)
for what, result in {
    "a @ b": a @ b,
    "x @ weights": x @ weights,
    "x.mean(dim=1)": x.mean(dim=1),
    "x @ weights + offset": x @ weights + offset,
}.items():
    print(f"{what:22}", tuple(result.shape))

# %% [markdown]
# `(2, 3, 4) @ (4, 5)` gives `(2, 3, 5)`: for every word of every sentence, four numbers became five.
# That is what a layer of a neural network does. The rest of the lesson is about how it finds the
# right `weights`.
#
# **What we learnt.** A shape says what the axes mean. In a product, the inner axis disappears.

# %% [markdown]
# ## 2 · Logarithms and probability
#
# *(core)*
#
# A language model gives every next word a probability. How likely is a whole page? The probabilities
# multiply.
#
# **Predict.** A page has 400 words, and each gets the probability 1/10. That is a good model. What does
# the computer say when you multiply 400 times?

# %%
# NBVAL_CHECK_OUTPUT
page = torch.full((400,), 0.1)
print("product of the probabilities:", page.prod().item())
print(f"sum of their logarithms:      {page.log().sum().item():.1f}")

# %% [markdown]
# $10^{-400}$ is too small for the computer's numbers, so it becomes 0. The good page now looks
# impossible, and every other page does too. The sum of the logarithms has no such trouble. That is
# why this course adds logarithms and never multiplies probabilities:
#
# $$\ln(p_1 p_2 \cdots p_n) = \ln p_1 + \ln p_2 + \cdots + \ln p_n$$
#
# The **surprise** at something of probability $p$ is $-\ln p$. Something certain surprises you by 0.
# The rarer it is, the greater the surprise, without end. With the natural logarithm, its unit is the
# **nat**. With $\log_2$ it would be the bit, and 1 nat is $1 / \ln 2 = 1.44$ bits. We use nats
# throughout.
#
# The average surprise of something random is its **entropy**:
#
# $$H = -\sum_i p_i \ln p_i$$
#
# By hand, for probabilities 1/2, 1/4 and 1/4: $H = \frac{1}{2} \ln 2 + \frac{1}{4} \ln 4 + \frac{1}{4} \ln 4$,
# which is $\frac{3}{2} \ln 2$.
#
# **Predict.** Which of the three dice below has the highest entropy? Which the lowest?

# %%
dice = {
    "fair, six sides": [1 / 6] * 6,
    "loaded: half the time a six": [0.1] * 5 + [0.5],
    "the three-sided one from above": [1 / 2, 1 / 4, 1 / 4],
}
for name, sides in dice.items():
    p = torch.tensor(sides)
    entropy = -(p * p.log()).sum().item()
    print(f"{name:32} {entropy:.3f} nats, at most ln {len(p)} = {math.log(len(p)):.3f}")

# %% [markdown]
# Nothing with $n$ outcomes has more entropy than $\ln n$, and only equal probabilities reach it. Keep
# this number in mind. It comes back in section 4.
#
# **What we learnt.** Logarithms turn tiny products into ordinary sums. Surprise is $-\ln p$, in nats.
# Entropy is its average, and no model can beat it: you will see that under *Known truth*.

# %% [markdown]
# ## 3 · Softmax: from scores to probabilities
#
# *(core)*
#
# The last layer of a model gives one score per class, any number from minus to plus infinity. These
# scores are called **logits**. How do they become probabilities, which are positive and sum to 1?
#
# Take $e$ to the power of each score: now all are positive, in the same order. Divide by their sum:
# now they sum to 1. This is the **softmax**. For logits $z$ of shape `" V"`:
#
# $$p_i = \frac{e^{z_i}}{\sum_{j=1}^{V} e^{z_j}}$$
#
# By hand: the logits $0$, $\ln 2$ and $\ln 5$ have the powers 1, 2 and 5, whose sum is 8. So the
# probabilities are 1/8, 2/8 and 5/8.
#
# **Predict.** What happens to these if you add 1,000 to all three logits? On paper, and on the
# computer?

# %%
logits = torch.tensor([1.0, 2.0, 5.0]).log()
for shift in (0, 1, 1000):
    powers = (logits + shift).exp()
    print(f"logits + {shift:4}:  powers {powers.tolist()}  →  {(powers / powers.sum()).tolist()}")

# %% [markdown]
# On paper, nothing: each power is multiplied by $e^{1000}$, and so is their sum. On the computer
# $e^{1000}$ is infinite, and infinity over infinity is not a number (`nan`).
#
# So only *differences* of logits matter, and you are free to shift a row. Which shift makes sure that
# no power is ever too large?
#
# **Exercise (easy).** Write `softmax`, for any number of leading axes, so that it survives huge scores.
# If you get stuck, run `hint("a1:softmax")` in a cell of its own, more than once if you like. If you
# skip it, the lesson goes on with the library's version.

# %%
# @exercise course_lib.nn.loss:softmax

# %%
softmax = check("a1:softmax", softmax)

# %%
assert_close(softmax(logits + 1000), torch.tensor([1 / 8, 2 / 8, 5 / 8]), rtol=1e-4, atol=0)
assert_close(softmax(x), F.softmax(x, dim=-1))
print("Agrees with the numbers by hand, and with torch.")

# %% [markdown]
# **What we learnt.** Softmax compares scores; a common shift changes nothing. And a formula that is
# right on paper may still need care on the computer.

# %% [markdown]
# ## 4 · Cross-entropy: the price of surprise
#
# *(core)*
#
# The model gave its probabilities; now the right answer is revealed. How good was the model? It pays
# for its surprise: $-\ln p$, where $p$ is what it gave to the *right* class. The mean price over all
# examples is the **cross-entropy**, the loss of every language model in this course:
#
# $$L = -\frac{1}{N} \sum_{n=1}^{N} \ln p_n$$
#
# where $N$ is the number of examples **that count**. (Padding, the filler that makes short sentences
# as long as the longest, does not count; nor does a text that the model is given and not asked to
# predict. Their target is the special id −100.)
#
# By hand: the model gave 1/4 to the first right answer and 1/2 to the second. $L = (\ln 4 + \ln 2) / 2$,
# which is $\frac{3}{2} \ln 2 = 1.04$ nats.
#
# **Exercise (core).** Write `cross_entropy`. It gets logits, not probabilities. Mind the rows that do
# not count, above *and* below the fraction bar. `log_softmax` is imported and ready to use.

# %%
# @exercise course_lib.nn.loss:cross_entropy

# %%
cross_entropy = check("a1:cross_entropy", cross_entropy)

# %%
# NBVAL_CHECK_OUTPUT
by_hand = cross_entropy(torch.tensor([[1.0, 3.0], [1.0, 1.0]]).log(), torch.tensor([0, 1]))
print(
    f"by hand (ln 4 + ln 2) / 2 = {(math.log(4) + math.log(2)) / 2:.3f}, computed {by_hand:.3f} nats"
)

# %% [markdown]
# ### What is the loss before training?
#
# A model that knows nothing gives each of $V$ classes the probability $1/V$. Its surprise is always
# $-\ln(1/V) = \ln V$. So the first number that your training prints is no accident. If it is not near
# $\ln V$, something is wrong already.
#
# **Predict.** "Knows nothing" can go two ways. The logits may all be near 0. Or they may be large and
# random: strong opinions, all unfounded. Does the second model also start at $\ln V$?
#
# (In the table, the *sd*, for standard deviation, says how far the logits typically lie from 0.
# Section 10 gives its formula.)

# %%
class_counts = [10, 100, 1000, 10000]
starts = {}
for spread in (0.02, 1.0, 3.0):
    generator = make_generator(0)
    starts[spread] = [
        cross_entropy(
            spread * torch.randn(400, v, generator=generator),
            torch.randint(v, (400,), generator=generator),
        ).item()
        for v in class_counts
    ]
pd.DataFrame(starts, index=class_counts).assign(lnV=np.log(class_counts)).round(2).rename(
    columns=lambda c: "ln V" if c == "lnV" else f"sd of the logits {c}"
).rename_axis("V classes: loss in nats")

# %%
probabilities = np.linspace(0.005, 1, 200)
show(
    plot_panels(
        Panel(
            title="The price of surprise",
            axis_labels=("probability given to the right class", "surprise / nats"),
            curves={"−ln p": Curve(x=list(probabilities), y=list(-np.log(probabilities)))},
            levels={"ln 2: a coin": math.log(2), "ln 10: a digit": math.log(10)},
        ),
        Panel(
            title="Loss before training",
            axis_labels=("number of classes V", "cross-entropy / nats"),
            curves={
                "ln V": Curve(x=class_counts, y=list(np.log(class_counts))),
                **{f"logits with sd {s}": Curve(x=class_counts, y=y) for s, y in starts.items()},
            },
            log_x=True,
        ),
    ),
    alt="Left: the surprise, minus ln p, falls from over 5 nats near probability 0 to 0 at probability 1. "
    "Right: the loss before training against the number of classes on a logarithmic axis. With logits of "
    "standard deviation 0.02 it lies on the straight line ln V; with 1 and with 3 it runs above, by about "
    "half a nat and over two nats.",
)

# %% [markdown]
# Small logits start on the line $\ln V$. Large random ones start *above* it. Being confidently wrong
# costs more than admitting that you do not know. That is why models begin with small random weights.
#
# ### And why not squared errors?
#
# You could also punish the distance: $(1 - p)^2$, the **mean squared error** (MSE). For predicting
# a temperature it is the usual choice. For a class it has a flaw. Look at a model that is badly wrong:
# its logit for "yes" is −8, that for "no" is 0, and the answer is yes. (With the second logit fixed at
# 0, softmax is called the **sigmoid**: $p = e^z / (e^z + 1)$.) How strongly does each loss pull at the
# logit, that is, how fast does it fall when the logit rises?

# %%
for logit in (-8.0, -2.0, 2.0):
    z = torch.tensor(logit, requires_grad=True)
    p = torch.sigmoid(z)
    (of_squares,) = torch.autograd.grad((1 - p) ** 2, z, retain_graph=True)
    (of_surprise,) = torch.autograd.grad(-p.log(), z)
    print(
        f"logit {logit:4}: p = {p.item():.4f}   pull of MSE {-of_squares:.4f}   of cross-entropy {-of_surprise:.4f}"
    )

# %% [markdown]
# Where the model is most wrong, MSE hardly pulls at all. Cross-entropy pulls with nearly full force.
# (`requires_grad` and `grad` are the subject of the next section.)
#
# **What we learnt.** Cross-entropy is the mean of $-\ln p$ over the targets that count. An ignorant and
# modest model starts at $\ln V$; an ignorant and confident one starts higher.

# %% [markdown]
# ## 5 · Slopes: the chain rule and autograd
#
# *(core)*
#
# We have a number that says how bad the model is. To make it smaller, we need to know, for every
# weight: if I turn it up a little, does the loss rise or fall, and how fast? This slope is the
# **gradient**.
#
# Take the smallest model there is: $\hat y = wx + b$, with the loss $L = (\hat y - y)^2$. A change of $w$
# changes $\hat y$, and that changes $L$. The **chain rule** says: multiply the slopes along the way.
#
# $$\frac{dL}{dw} = \frac{dL}{d\hat y} \cdot \frac{d\hat y}{dw} = 2(\hat y - y) \cdot x$$
#
# By hand, for $w = 3$, $b = 1$, $x = 2$, $y = 5$: $\hat y = 7$, so $dL/d\hat y = 2 \cdot 2 = 4$, and
# $dL/dw = 4 \cdot 2 = 8$.
#
# There are two ways to check such a result. The plain one: turn $w$ up by a hair and look. The clever
# one: **autograd**. While torch computes, it writes down every step, and on `backward()` it walks
# back through its notes and multiplies the slopes.
#
# **Predict** what `b.grad` will be.

# %%
w = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
b = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
loss = (w * 2 + b - 5) ** 2
loss.backward()
hair = 1e-6
plain = (((3 + hair) * 2 + 1 - 5) ** 2 - ((3 - hair) * 2 + 1 - 5) ** 2) / (2 * hair)
print(f"by hand 8, by a hair's breadth {plain:.6f}, by autograd {w.grad.item():.6f}")
print("b.grad =", b.grad.item())

# %% [markdown]
# So why does anyone use autograd? For a model with a million weights, the plain way needs two million
# runs. Walking back needs one, about twice as long as the way forward.
#
# ### The one gradient worth knowing by heart
#
# For softmax followed by cross-entropy, the chain rule collapses into something simple. The slope of
# one row's loss with respect to its logits is
#
# $$\frac{dL}{dz_i} = p_i - t_i$$
#
# where $t_i$ is 1 for the right class and 0 elsewhere: *prediction minus truth*. (For a mean over $N$
# rows, divide by $N$.) By hand: with $p = (1/8, 2/8, 5/8)$ and the second class right, the slopes are
# $1/8$, $-6/8$ and $5/8$. To lower the loss: the right logit up, the others down, each in proportion to
# how wrong it was.

# %%
z = torch.tensor([[1.0, 2.0, 5.0]], dtype=torch.float64).log().requires_grad_()
target = torch.tensor([1])
(by_autograd,) = torch.autograd.grad(cross_entropy(z, target), z)
assert_close(by_autograd, cross_entropy_gradient(z.detach(), target))
print("autograd:", by_autograd.tolist())

# %% [markdown]
# **What we learnt.** A gradient is a slope per weight. The chain rule multiplies slopes along the way;
# autograd does so for you. For softmax and cross-entropy it is prediction minus truth.

# %% [markdown]
# ## 6 · XOR: what one layer cannot do
#
# *(core)*
#
# Here is a tiny problem with a long history: say 1 if exactly one of two inputs is 1. It is called XOR,
# "exclusive or".
#
# - In 1943, McCulloch and Pitts described nets of all-or-none units that compute logical formulas. The
#   connections were designed, not learned.
# - In 1958, Rosenblatt's *perceptron* learned from examples, with one layer of weights that change.
# - In 1969, Minsky and Papert worked out what such a layer cannot do.
# - In 1986, Rumelhart, Hinton and Williams made back-propagation known as the way to train *hidden*
#   layers, and the two volumes on *parallel distributed processing* (PDP) made **connectionism** a movement:
#   knowledge as the strengths of many connections. A thing is not stored in one unit but as a pattern
#   over many, and each unit takes part in many patterns: a **distributed representation**. The word
#   vectors of lesson 01 are just that.
#
# A perceptron says 1 on one side of a line and 0 on the other: $w_1 x_1 + w_2 x_2 + b > 0$.
#
# **Predict.** Of the four points of XOR, how many can the best line get right?

# %%
# NBVAL_CHECK_OUTPUT
points = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
labels = torch.tensor([0, 1, 1, 0])

generator = make_generator(0)
lines = torch.randn(100_000, 3, generator=generator, dtype=torch.float64)
says_one = points @ lines[:, :2].T + lines[:, 2] > 0
n_right = (says_one == labels[:, None].bool()).sum(dim=0)
print("right out of 4, best of 100,000 random lines:", n_right.max().item())

# %% [markdown]
# Three of four: 75 %. And not for want of luck. Suppose a line got all four. Then $b \le 0$ from the
# point (0, 0), and both $w_1 + b > 0$ and $w_2 + b > 0$. Add these two: $w_1 + w_2 + 2b > 0$, so
# $w_1 + w_2 + b > -b \ge 0$. But the point (1, 1) asks for $w_1 + w_2 + b \le 0$. Contradiction.
#
# ### One hidden layer
#
# Now put a layer in between. Each hidden unit draws a line of its own, and bends the result with
# $\tanh$. The last layer sees only what the hidden units say. With `x` of shape `"B D"`, $H$ hidden
# units and $C$ classes:
#
# $$h = \tanh(x W_1 + b_1), \qquad z = h W_2 + b_2$$
#
# $h$ has the shape `"B H"`, and $z$, the logits, the shape `"B C"`. Here is the library's version:

# %%
# @sync course_lib.nn.mlp:mlp_forward

# %% [markdown]
# To train it we need four gradients. Start from the slope at the logits, which you know: prediction
# minus truth. Then walk back, one station at a time.
#
# | station | slope with respect to it | shape |
# |---|---|---|
# | $z = h W_2 + b_2$ | `grad_logits` | `"B C"` |
# | $W_2$: each example adds $h$ times the slope | $h^T$ `@ grad_logits` | `"H C"` |
# | $h$: how much each unit mattered to each logit | `grad_logits @` $W_2^T$ | `"B H"` |
# | before $\tanh$: times its slope, $1 - h^2$ | yours to write | `"B H"` |
# | $W_1$: the same as for $W_2$, one layer earlier | yours to write | `"D H"` |
# | $b_1$, $b_2$: one offset, added to every example | yours to write | `" H"`, `" C"` |
#
# By hand, with one of everything: $x = 2$, $h = 0.5$, $w_2 = 3$ and a slope of $0.1$ at the logit. The
# slope at $w_2$ is $0.5 \cdot 0.1 = 0.05$. At $h$ it is $0.1 \cdot 3 = 0.3$, before tanh
# $0.3 \cdot (1 - 0.25) = 0.225$, and at $w_1$: $2 \cdot 0.225 = 0.45$.
#
# **Exercise (stretch).** Write `mlp_backward`. If shapes do not fit, write them down beside each line:
# a gradient has the shape of the thing it belongs to.

# %%
# @exercise course_lib.nn.mlp:mlp_backward

# %%
mlp_backward = check("a1:mlp_backward", mlp_backward)

# %% [markdown]
# Is it right? Compare with autograd, in 64-bit numbers. The largest relative difference should be as
# small as rounding, far below one in a million.

# %%
# NBVAL_CHECK_OUTPUT
generator = make_generator(0)
shapes = [(2, 5), (5,), (5, 2), (2,)]
parameters = [
    torch.randn(s, generator=generator, dtype=torch.float64).requires_grad_() for s in shapes
]
z, hidden = mlp_forward(points, *parameters)
by_autograd = torch.autograd.grad(cross_entropy(z, labels), parameters)
by_hand = mlp_backward(
    points, hidden.detach(), parameters[2].detach(), cross_entropy_gradient(z.detach(), labels)
)
worst = max(
    ((a - b).abs().max() / b.abs().max()).item() for a, b in zip(by_hand, by_autograd, strict=True)
)
print("largest relative difference below 1e-6:", worst < 1e-6)

# %% [markdown]
# Now learn. At each step: forward, backward, and one small step downhill. **Predict:** two hidden units
# are enough to *represent* XOR. Are they enough to *find* it, from ten different random starts?

# %%
nets = {}
for n_hidden in (2, 4, 8):
    for seed in range(10):
        generator = make_generator(seed)
        shapes = [(2, n_hidden), (n_hidden,), (n_hidden, 2), (2,)]
        net = [torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes]
        for _ in range(400):
            z, hidden = mlp_forward(points, *net)
            slopes = mlp_backward(points, hidden, net[2], cross_entropy_gradient(z, labels))
            net = [p - 0.5 * slope for p, slope in zip(net, slopes, strict=True)]
        nets[n_hidden, seed] = net
solved = {
    key: bool((mlp_forward(points, *net)[0].argmax(dim=1) == labels).all())
    for key, net in nets.items()
}
for n_hidden in (2, 4, 8):
    print(
        f"{n_hidden} hidden units: {sum(solved[n_hidden, s] for s in range(10))} of 10 starts get all four points right"
    )

# %% [markdown]
# One hidden layer solves XOR completely; a perceptron never does. But note the difference between what
# a net *can* say and what training *finds*. With a few units to spare, every start succeeds. This is
# one reason why large networks are easier to train than small ones.
#
# What did the hidden layer do? Take a net with two hidden units that succeeded, and look at the plane
# of its hidden values.

# %%
seed = next(s for s in range(10) if solved[2, s])
w1, b1, w2, b2 = nets[2, seed]
distances = (points @ lines[:, :2].T + lines[:, 2]).abs().amin(dim=0) / lines[:, :2].norm(dim=1)
best = lines[(distances * (n_right == 3)).argmax()]  # of the best lines, the clearest
axis = torch.linspace(-0.4, 1.4, 120, dtype=torch.float64)
plane = torch.cartesian_prod(axis, axis).flip(1)
wide = torch.linspace(-1.2, 1.2, 120, dtype=torch.float64)
hidden_plane = torch.cartesian_prod(wide, wide).flip(1)
_, hidden_points = mlp_forward(points, w1, b1, w2, b2)
margin = {
    "One line: 3 of 4": plane @ best[:2] + best[2],
    "One hidden layer: 4 of 4": mlp_forward(plane, w1, b1, w2, b2)[0].diff(dim=1).flatten(),
    "Seen by the hidden layer": (hidden_plane @ w2 + b2).diff(dim=1).flatten(),
}
show(
    plot_regions(
        *(
            Regions(
                title=title,
                axis_labels=("hidden unit 1", "hidden unit 2")
                if "Seen" in title
                else ("input 1", "input 2"),
                scores=scores.reshape(120, 120).numpy(),
                corners=(-1.2, 1.2, -1.2, 1.2) if "Seen" in title else (-0.4, 1.4, -0.4, 1.4),
                points=(hidden_points if "Seen" in title else points).numpy(),
                labels=labels.numpy(),
            )
            for title, scores in margin.items()
        )
    ),
    alt="Three panels with the four points of XOR and two coloured regions. Left: a straight line leaves one "
    "point on the wrong side. Middle: the net with one hidden layer puts class 0 into a band between two "
    "borders, and all four points are on the right side. Right: the same four points at their hidden values; the two of class 0 now "
    "lie on nearly the same spot, and a straight line separates the classes.",
)

# %% [markdown]
# The last layer is still a single straight line. But the hidden layer has moved the points: the two
# zeros lie on nearly the same spot now. It made a new picture of the input in which a line suffices. *Making pictures in which the rest is easy* is what
# all the layers of all the models in this course do.
#
# **What we learnt.** One layer draws one line. A hidden layer with a bend in it moves the points first.
# (Without the bend, more layers add nothing: see *Claims, tested*.)

# %% [markdown]
# ## 7 · Saturation: why the bend matters
#
# *(optional)*
#
# The bend is called the **activation function**. Early nets used the sigmoid or tanh; later ones ReLU,
# which is $\max(0, x)$; BERT and GPT use GELU, a smooth relative of ReLU. Does it matter which?
#
# The chain rule multiplies one slope per layer. The sigmoid's slope is at most 1/4. By hand: after 20
# layers, that alone leaves at most $(1/4)^{20}$, about $10^{-12}$.
#
# To be fair to each function, we give it the weights that suit it: random, and scaled so that the mean
# square of the activations stays the same from layer to layer.
#
# **Predict.** What share of the gradient that enters at layer 20 arrives at layer 0? (We take the mean
# of five random nets each: the mean of the logarithms, as shares multiply.)

# %%
activations = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "ReLU": F.relu, "GELU": F.gelu}
n_layers, width = 20, 128
normal = torch.randn(100_000, generator=make_generator(0))
arrived, gains = {name: [] for name in activations}, {}
for name, activation in activations.items():
    gains[name] = gain = 1 / activation(normal).square().mean().sqrt().item()
    for seed in range(5):
        generator = make_generator(seed)
        layers = [torch.randn(64, width, generator=generator).requires_grad_()]
        for _ in range(n_layers):
            weight = torch.randn(width, width, generator=generator) * gain / math.sqrt(width)
            layers.append(activation(layers[-1] @ weight))
        slopes = torch.autograd.grad(
            (layers[-1] * torch.randn(64, width, generator=generator)).sum(), layers
        )
        arrived[name].append([(slope.norm() / slopes[-1].norm()).item() for slope in slopes])
shares = {name: np.exp(np.log(runs).mean(axis=0)) for name, runs in arrived.items()}
for name, share in shares.items():
    print(
        f"{name:8} weights scaled by {gains[name]:.2f}   share arriving at layer 0: {share[0]:.1e}"
    )

# %%
inputs = torch.linspace(-5, 5, 201)
bends = {}
for name, activation in activations.items():
    at = inputs.clone().requires_grad_()
    bends[name] = torch.autograd.grad(activation(at).sum(), at)[0]
show(
    plot_panels(
        Panel(
            title="Slopes of four activation functions",
            axis_labels=("input", "slope"),
            curves={
                name: Curve(x=inputs.tolist(), y=slope.tolist()) for name, slope in bends.items()
            },
        ),
        Panel(
            title="The gradient on its way back",
            axis_labels=("layer", "share of the gradient that arrives"),
            curves={
                name: Curve(x=list(range(n_layers + 1)), y=share.tolist())
                for name, share in shares.items()
            },
            log_y=True,
        ),
    ),
    alt="Left: slopes against the input. The sigmoid's never exceeds a quarter; tanh's is 1 at 0 and vanishes "
    "beyond 3; ReLU's jumps from 0 to 1; GELU's goes smoothly from 0 to slightly above 1. Right: share of the "
    "gradient against the layer, on a logarithmic axis. Going back from layer 20 to 0, the sigmoid's falls by "
    "many powers of ten, the other three stay within a factor of about ten.",
)

# %% [markdown]
# With the sigmoid, the first layer learns next to nothing: its gradient has *vanished*. For large
# inputs it is worse, because there the curve is flat. That is **saturation**, and tanh has it too. ReLU and
# GELU pass gradients on wherever they are active.
#
# Two numbers may surprise you. With the sigmoid, more than $10^{-12}$ arrives: the weights multiply
# the gradient too, and those that suit the sigmoid enlarge it. And with tanh and GELU the share is above 1:
# here the weights enlarge the gradient a little more than the slopes shrink it.
#
# **What we learnt.** Slopes multiply. Choose an activation whose slope is near 1 over much of its range,
# and scale the weights to suit it.

# %% [markdown]
# ## 8 · Who finds the slope, and who walks
#
# *(core)*
#
# Two jobs are often mixed up. **Back-propagation** computes the gradient. The **optimiser** uses it to
# change the weights. The simplest optimiser is gradient descent. If each step looks at a random
# sample of the data, it is called *stochastic* gradient descent, **SGD**:
#
# $$\theta \leftarrow \theta - \eta \, g$$
#
# $\theta$ is a parameter (any shape), $g$ its gradient (the same shape), and $\eta$ the **learning rate**. By
# hand: $\theta = 2$, $g = -2$, $\eta = 0.1$ gives $2 + 0.2 = 2.2$.

# %%
# @sync course_lib.training.optimisers:sgd_step

# %% [markdown]
# ### AdamW
#
# SGD has one learning rate for all. But gradients can differ a thousandfold from weight to weight. In a
# language model, a rare word's weights hear from the data once in a while, those of "the" all the time. **AdamW**,
# with which most language models are trained, keeps two running means for each weight: of its
# gradient, and of its square. It then steps by their ratio.
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2) g^2$$
#
# $m$ and $v$ have the shape of $g$. $\beta_1$ and $\beta_2$ lie between 0 and 1: they say how much of the
# old mean is kept. Both means start at 0, so at first they are too small. Divide to make up for it,
# where $t$ counts the steps from 1:
#
# $$\hat m = \frac{m}{1 - \beta_1^t}, \qquad \hat v = \frac{v}{1 - \beta_2^t}$$
#
# Then shrink the parameter a little (this is the W, *weight decay*, with its share $\lambda$), and step:
#
# $$\theta \leftarrow \theta - \eta \lambda \theta - \eta \frac{\hat m}{\sqrt{\hat v} + \epsilon}$$
#
# $\epsilon$ is a tiny number that keeps the division finite where all gradients were 0. By hand, the very
# first step: $\hat m = g$ and $\hat v = g^2$, so the ratio is $g / |g|$, which is $+1$ or $-1$. **Predict:** with the gradients 4 and −0.02, how far does each of two weights move?
#
# **Exercise (core).** Write `adamw_step`. It returns three new tensors and leaves the old ones alone.

# %%
# @exercise course_lib.training.optimisers:adamw_step

# %%
adamw_step = check("a1:adamw_step", adamw_step)

# %%
settings = AdamWConfig(learning_rate=0.1, weight_decay=0.0)
zeros = torch.zeros(2)
after, _, _ = adamw_step(zeros, torch.tensor([4.0, -0.02]), zeros, zeros, 1, settings)
print("one step with AdamW:", [round(value, 4) for value in after.tolist()])
print(
    "one step with SGD:  ",
    [round(value, 4) for value in sgd_step(zeros, torch.tensor([4.0, -0.02]), 0.1).tolist()],
)

# %% [markdown]
# SGD moves the two weights by distances that differ 200-fold. AdamW moves both by the learning rate.
# Does it do what torch's own AdamW does? Five steps on the curve $y = \theta^4$, side by side:

# %%
start = torch.randn(3, generator=make_generator(0), dtype=torch.float64)
settings = AdamWConfig(learning_rate=0.05, weight_decay=0.1)
ours, mean, mean_square = start, torch.zeros_like(start), torch.zeros_like(start)
theirs = start.clone().requires_grad_()
optimizer = torch.optim.AdamW([theirs], lr=0.05, weight_decay=0.1)
for n_steps in range(1, 6):
    optimizer.zero_grad()
    (theirs**4).sum().backward()
    optimizer.step()
    ours, mean, mean_square = adamw_step(ours, 4 * ours**3, mean, mean_square, n_steps, settings)
assert_close(ours, theirs.detach())
print("Five steps agree with torch.optim.AdamW.")

# %% [markdown]
# ### Which one is better? A race with a known finish
#
# We need a problem that is real and whose best possible loss we know. Take the articles of a Wikipedia
# excerpt, keep the 299 commonest words and call the others "rest". Count how often each word follows
# each other word. The model is one table of logits: row = this word, column = next word. That makes
# $V^2$ weights, all 0 at the start.
#
# The loss can go no lower than the entropy of the next word given this one, computed from the counts
# themselves. That is our finish line. (It is a race on the *training* data. Whether the winner is
# also good on new text is another question, for section 10.)
#
# Three racers: SGD, AdamW, and SGD with **momentum**. That one steps along a running sum of its gradients,
# so that pushes in the same direction add up. All three see all the counts at every step. Nothing is
# random here, and SGD is plain gradient descent.
#
# **Predict.** Where does the loss start? And who is nearest to the finish after 150 steps, if each may
# choose its best learning rate?

# %%
articles = [split_words(text) for text in load("wikipedia-excerpt").documents]
vocabulary = Vocabulary.from_sentences(articles, max_size=299)
rank = {word: place + 1 for place, word in enumerate(vocabulary.words)}
ids = [torch.tensor([rank.get(word, 0) for word in words]) for words in articles]
vocab_size = len(rank) + 1

follows = sum(torch.bincount(i[:-1] * vocab_size + i[1:], minlength=vocab_size**2) for i in ids)
joint = (follows / follows.sum()).reshape(vocab_size, vocab_size)
conditional = joint / joint.sum(dim=1, keepdim=True)
finish = -torch.xlogy(joint, conditional).sum().item()
print(
    f"{follows.sum():,} pairs of neighbours; start ln {vocab_size} = {math.log(vocab_size):.3f}, finish {finish:.3f} nats"
)

# %%
racers = {
    "SGD": (torch.optim.SGD, {}, (3, 10, 30, 100)),
    "SGD with momentum 0.9": (torch.optim.SGD, {"momentum": 0.9}, (10, 20, 30, 60)),
    "AdamW": (torch.optim.AdamW, {}, (0.01, 0.1, 1, 10, 30)),
}
runs = {}
for name, (make, options, rates) in racers.items():
    for rate in rates:
        table = nn.Embedding(vocab_size, vocab_size)  # one row of logits per word
        nn.init.zeros_(table.weight)
        optimizer = make(table.parameters(), lr=rate, **options)
        runs[name, rate] = train_on_batches(
            table,
            [joint] * 150,
            lambda model, pairs: -(pairs * log_softmax(model.weight)).sum(),
            optimizer,
        )
best_rate = {
    name: min(rates, key=lambda r, n=name: runs[n, r][-1]) for name, (_, _, rates) in racers.items()
}
for name, rate in best_rate.items():
    print(
        f"{name:22} best learning rate {rate:<5} after 150 steps {runs[name, rate][-1]:.3f} nats, {runs[name, rate][-1] - finish:.3f} above the finish"
    )

# %%
show(
    plot_panels(
        Panel(
            title="Each at its best learning rate",
            axis_labels=("steps", "loss / nats per word"),
            curves={n: Curve(x=list(range(150)), y=runs[n, r]) for n, r in best_rate.items()},
            levels={"finish": finish},
            y_range=(2.3, 6.0),
        ),
        Panel(
            title="After 150 steps, by learning rate",
            axis_labels=("learning rate", "loss / nats per word"),
            curves={
                n: Curve(x=list(rates), y=[runs[n, r][-1] for r in rates])
                for n, (_, _, rates) in racers.items()
            },
            levels={"finish": finish},
            log_x=True,
            y_range=(2.3, 6.0),
        ),
    ),
    alt="Left: loss against steps, each optimiser at its best learning rate. All start at ln 300, about 5.7 "
    "nats. AdamW reaches the finish line, about 2.5, within some fifty steps; momentum is on its way down; "
    "plain SGD stays highest. Right: loss after 150 steps against the learning rate on a logarithmic axis; each optimiser has "
    "a valley, at very different rates, and AdamW's is the lowest and the widest. At its largest rate, SGD with momentum "
    "leaves the picture at the top.",
)

# %% [markdown]
# AdamW wins this race clearly. The reason is in the data: a few words are very common and most are rare. See how SGD
# zigzags: its steps are already too long for the row of "the", and still far too short for a word that stands once in
# ten thousand (Kunstner et al. 2024 study just this). AdamW divides by each weight's own gradient size.
#
# Two things to take away. Look where the valleys lie: SGD's best learning rate is many times that of AdamW, so
# *comparing optimisers at one learning rate is meaningless*. And one race is not a law: in *Claims, tested* there is one that AdamW
# does not win.
#
# **What we learnt.** Back-propagation finds slopes; the optimiser walks. AdamW gives each weight a step of
# its own.

# %% [markdown]
# ## 9 · The training loop in twelve lines
#
# *(core)*
#
# Now put it all together. The task: given two words, predict the third. The model looks up 32 numbers for
# each word (`nn.Embedding`), lays them side by side (`nn.Flatten`), and sends them through a hidden layer. The first 90
# articles are for training; the others are kept for later.

# %%
train_rows = torch.cat([i.unfold(0, 3, 1) for i in ids[:90]])
dev_rows = torch.cat([i.unfold(0, 3, 1) for i in ids[90:]])[::15]  # every 15th will do
print("rows of three words: train", len(train_rows), " dev", len(dev_rows))

# %%
torch.manual_seed(0)
model = nn.Sequential(
    nn.Embedding(vocab_size, 32),
    nn.Flatten(),
    nn.Linear(64, 64),
    nn.GELU(),
    nn.Linear(64, vocab_size),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
generator = make_generator(0)
history = []
for _ in range(150):
    batch = train_rows[torch.randint(len(train_rows), (128,), generator=generator)]
    loss = cross_entropy(model(batch[:, :2]), batch[:, 2])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    history.append(loss.item())

# %% [markdown]
# Twelve lines, if you count the model as one. Every model in this course, up to the largest, is trained by these
# twelve, with some comfort around them. Say aloud what each line does. Three of them make a little drama of their own:
#
# - `zero_grad()` empties the gradients of the step before, because `backward()` *adds* to them;
# - `backward()` is back-propagation: it computes gradients, and changes no weight;
# - `step()` is the optimiser: it changes weights, and computes no gradient.
#
# **Predict.** What becomes of the loss if you forget `zero_grad()`?

# %%
torch.manual_seed(0)
careless = nn.Sequential(
    nn.Embedding(vocab_size, 32),
    nn.Flatten(),
    nn.Linear(64, 64),
    nn.GELU(),
    nn.Linear(64, vocab_size),
)
optimizer = torch.optim.AdamW(careless.parameters(), lr=0.01)
generator, without = make_generator(0), []
for _ in range(150):
    batch = train_rows[torch.randint(len(train_rows), (128,), generator=generator)]
    loss = cross_entropy(careless(batch[:, :2]), batch[:, 2])
    loss.backward()
    optimizer.step()
    without.append(loss.item())
print(f"first loss {history[0]:.2f}, ln {vocab_size} = {math.log(vocab_size):.2f}")
print(
    f"mean of the last 20 losses: {np.mean(history[-20:]):.2f} with zero_grad, {np.mean(without[-20:]):.2f} without"
)

# %% [markdown]
# No error, no warning: just a worse model. The worst bugs in this trade are silent, and this is why the course
# checks numbers that it can know, such as the first loss.
#
# From here on we use the library's `train_on_batches`, which is the loop above plus one comfort: it stops if the loss is no
# longer a finite number. The same seed, the same losses:

# %%
generator = make_generator(0)
batches = [
    train_rows[torch.randint(len(train_rows), (128,), generator=generator)] for _ in range(150)
]


def word_loss(model, batch):
    return cross_entropy(model(batch[:, :2]), batch[:, 2])


torch.manual_seed(0)
again = nn.Sequential(
    nn.Embedding(vocab_size, 32),
    nn.Flatten(),
    nn.Linear(64, 64),
    nn.GELU(),
    nn.Linear(64, vocab_size),
)
assert_close(
    train_on_batches(again, batches, word_loss, torch.optim.AdamW(again.parameters(), lr=0.01)),
    history,
)
print("train_on_batches() gives the same 150 losses.")

# %% [markdown]
# **What we learnt.** Predict, measure the loss, zero, backward, step; repeat.

# %% [markdown]
# ## 10 · A score that others can believe
#
# *(core)*
#
# A model is not good because its training loss is low. It may have learnt the examples by heart. So the data are
# split in three, *before* anything else:
#
# - **train**: what the optimiser sees;
# - **dev** (also called validation): what *you* look at to choose settings;
# - **test**: looked at once, at the very end. Every further look turns it into a dev set.
#
# `split_by_group` does it, and it never puts rows of one group (an author, a film, a page) on two sides. Why that
# matters is tested at the end of the lesson.
#
# And one score is not enough. Another seed gives other starting weights, other batches, another split, and
# another score. Report the mean over several runs and their **standard deviation**:
#
# $$\text{sd} = \sqrt{\frac{1}{n - 1} \sum_{i=1}^{n} (s_i - \bar s)^2}$$
#
# where $\bar s$ is the mean of the $n$ scores $s_i$. By hand, for 0.7, 0.5 and 0.9: the mean is 0.7, the squares are
# 0, 0.04 and 0.04, their sum over 2 is 0.04, and its root 0.2. We write $0.7 \pm 0.2$ (mean ± sd, 3 runs).
#
# **Exercise (easy).** Write `mean_and_sd`. Mind the $n - 1$, and what to do with a single run.

# %%
# @exercise course_lib.evaluation.spread:mean_and_sd

# %%
mean_and_sd = check("a1:mean_and_sd", mean_and_sd)

# %%
# NBVAL_CHECK_OUTPUT
mean, sd = mean_and_sd([0.7, 0.5, 0.9])
print(f"{mean:.2f} ± {sd:.2f}")

# %% [markdown]
# There are two kinds of doubt about a score, and they are not the same:
#
# - **Would another run give the same?** Repeat it with other seeds: mean ± sd.
# - **Would another test set give the same?** Give an interval that follows from its size $n$. For a share of right
#   answers, `proportion_interval` does it with a formula (Wilson's). For anything else there is the **bootstrap**:
#   `bootstrap_interval` draws $n$ rows from the $n$ test rows, with replacement, a thousand times, computes the score
#   of each draw, and gives the range of the middle 95 %.
#
# **Predict.** Out of 40 test sentences 24 are right, 60 %. Could the truth be a coin toss, 50 %?

# %%
# NBVAL_CHECK_OUTPUT
for n_right_answers, n_total in ((24, 40), (240, 400), (2400, 4000)):
    low, high = proportion_interval(n_right_answers, n_total)
    print(f"{n_right_answers:4} of {n_total:4} right: 60 %, 95 % interval {low:.0%} to {high:.0%}")

# %% [markdown]
# With 40 sentences you cannot tell. With 400 you can. Never read a score without its $n$, its interval and its
# baseline.
#
# **What we learnt.** Train to learn, dev to choose, test to report, once. Mean ± sd over runs; an interval for $n$.

# %% [markdown]
# ## Known truth
#
# Real data never tell you how good a model *could* be. So let us make data of which we know everything: five
# numbers go in, and one of three classes is drawn with probabilities that we set ourselves. Even a perfect model is
# surprised by the draw. Its mean surprise is the entropy of our own probabilities: the **floor**.
#
# **Predict.** We train on 100, 200, … 3,200 examples and measure on new ones. How does the distance to the floor
# shrink when the data double?

# %%
truth = torch.randn(5, 3, generator=make_generator(0), dtype=torch.float64)
worlds = {}
for name, n_rows, seed in [("new", 5000, 99)] + [
    ((n, s), n, s) for n in (100, 200, 400, 800, 1600, 3200) for s in range(5)
]:
    generator = make_generator(seed)
    inputs = torch.randn(n_rows, 5, generator=generator, dtype=torch.float64)
    worlds[name] = (
        inputs,
        torch.multinomial(softmax(inputs @ truth), 1, generator=generator).squeeze(1),
    )
new_inputs, _ = worlds["new"]
true_probabilities = softmax(new_inputs @ truth)
floor = -(true_probabilities * true_probabilities.log()).sum(dim=1).mean().item()
print(f"floor {floor:.3f} nats, against ln 3 = {math.log(3):.3f} for knowing nothing")
print(f"best possible share of right answers: {true_probabilities.max(dim=1).values.mean():.1%}")


# %%
def row_loss(model, rows):
    return cross_entropy(model(rows[0]), rows[1])


def new_loss(model):
    return -(true_probabilities * log_softmax(model(new_inputs))).sum(dim=1).mean().item()


sizes = [100, 200, 400, 800, 1600, 3200]
above = {n: [] for n in sizes}
for n in sizes:
    for seed in range(5):
        linear = nn.Linear(5, 3, dtype=torch.float64)
        nn.init.zeros_(linear.weight)
        nn.init.zeros_(linear.bias)
        optimizer = torch.optim.AdamW(linear.parameters(), lr=0.1, weight_decay=0)
        train_on_batches(linear, [worlds[n, seed]] * 70, row_loss, optimizer)
        with torch.no_grad():
            above[n].append(new_loss(linear) - floor)
for n in sizes:
    mean, sd = mean_and_sd(above[n])
    print(
        f"n = {n:4}: {mean:.4f} ± {sd:.4f} nats above the floor (5 runs); theory {12 / (2 * n):.4f}"
    )

# %% [markdown]
# The model comes down to the floor and never goes below it. And theory tells how fast: with $k$ free weights and $n$
# examples, the excess is about $k / (2n)$ nats, once $n$ is large. (Here $k = 12$: three classes with five weights and
# an offset each, less one class, because only differences of logits count.) Double the data, halve the excess.
#
# Now the opposite: a model with far more weights than it needs, and 200 examples. **Predict** what the *training*
# loss does at the floor.

# %%
torch.manual_seed(0)
greedy = nn.Sequential(nn.Linear(5, 64), nn.GELU(), nn.Linear(64, 3)).double()
optimizer = torch.optim.AdamW(greedy.parameters(), lr=0.01)
on_train, on_new = [], []
for _ in range(30):
    with torch.no_grad():
        on_new.append(new_loss(greedy))
    on_train.append(train_on_batches(greedy, [worlds[200, 0]] * 8, row_loss, optimizer)[0])
steps = [8 * k for k in range(30)]
means, sds = zip(*(mean_and_sd(above[n]) for n in sizes), strict=True)
show(
    plot_panels(
        Panel(
            title="A model of the right size comes down",
            axis_labels=("training examples n", "nats above the floor"),
            curves={
                "measured, 5 runs: mean ± sd": Curve(x=sizes, y=means, sd=sds),
                "theory: k / 2n": Curve(x=sizes, y=[12 / (2 * n) for n in sizes]),
            },
            log_x=True,
            log_y=True,
        ),
        Panel(
            title="A greedy one goes through the floor",
            axis_labels=("steps", "cross-entropy / nats"),
            curves={
                "on its 200 training rows": Curve(x=steps, y=on_train),
                "on new rows": Curve(x=steps, y=on_new),
            },
            levels={"floor": floor},
        ),
    ),
    alt="Left: distance to the entropy floor against the number of training examples, both axes logarithmic. The "
    "measured points fall along the straight line of theory, from about a tenth of a nat at 100 examples to about "
    "0.002 at 3,200. Right: loss against steps for a large network. The training loss sinks through the floor "
    "towards 0, while the loss on new rows turns round near the floor and climbs above 1.5 nats.",
)

# %% [markdown]
# The best moment of the greedy model was early, near where its training loss crossed the floor. From there on, what
# it gained was memory: the accidents of its 200 rows. On new rows it got worse and worse. *A training loss
# below the entropy floor is not brilliance. It is proof of memorising.* With real text you do not know the floor; you have
# the dev set instead, and you stop when its loss turns round.

# %% [markdown]
# ## Real text
#
# A first real task: is a sentence from a film review praise or complaint? We have 200 sentences, half and
# half, so the baseline (always say the same) is right in 50 %. The model is softmax over a bag of words: one input per
# word of the training sentences, 1 if it is there. The vocabulary comes from the training rows only; anything else would be peeking.
#
# **Predict.** 120 sentences to train on, of some twenty words each. What share will be right on the training rows? On
# the test rows?

# %%
reviews = load("movie-polarity")
sentences = [split_words(text) for text in reviews["text"]]
praise = torch.tensor(reviews["label"])
shares = {"train": [], "dev": [], "test": []}
last_test = None
for seed in range(10):
    parts = split_by_group(range(len(sentences)), seed=seed)
    known = Vocabulary.from_sentences([sentences[row] for row in parts.train])
    bags = torch.tensor(bag_of_words(sentences, known, binary=True).toarray(), dtype=torch.float32)
    classifier = nn.Linear(len(known), 2)
    nn.init.zeros_(classifier.weight)
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=0.05)
    train_on_batches(
        classifier, [(bags[parts.train], praise[parts.train])] * 40, row_loss, optimizer
    )
    hits = classifier(bags).argmax(dim=1) == praise
    for name, rows in parts._asdict().items():
        shares[name].append(hits[rows].double().mean().item())
    if seed == 0:
        last_test = int(hits[parts.test].sum())
for name, values in shares.items():
    mean, sd = mean_and_sd(values)
    print(
        f"{name:5} {mean:.2f} ± {sd:.2f} right (10 runs, each with another split; n = {len(getattr(parts, name))} a run)"
    )
print(
    f"words a sentence: {np.mean([len(words) for words in sentences]):.1f}; in the vocabulary of the last run: {len(known)}"
)
low, high = proportion_interval(last_test, 40)
print(
    f"the first run alone: {last_test} of 40 test sentences, 95 % interval {low:.0%} to {high:.0%}; baseline 50 %"
)

# %% [markdown]
# All training sentences right, and on new ones hardly better than a coin. This is an honest result, and a common
# one: with so many words as inputs and only 120 examples, the model can learn every example by heart. The test
# score's interval includes the baseline, so we may *not* say that it works.
#
# Is the method useless, then? Ask it something easier, with more data: is a passage of 19 words, as long as a film
# sentence, from a news story or from an encyclopedia? Passages of one document resemble each other. So we split *by document*, and for the interval we draw
# whole documents again and again, not passages.

# %%
passages, of_news, document = [], [], []
for kind, name in ((1, "lee-news"), (0, "wikipedia-excerpt")):
    for number, text in enumerate(load(name).documents[:100]):
        words = split_words(text)
        for begin in range(0, min(len(words) - 18, 190), 19):
            passages.append(words[begin : begin + 19])
            of_news.append(kind)
            document.append((kind, number))
of_news = torch.tensor(of_news)
parts = split_by_group(document, seed=0)
order = torch.randperm(len(parts.train), generator=make_generator(0))
test_documents = pd.Series([document[row] for row in parts.test])
print(
    f"{len(passages)} passages of {len(set(document))} documents, {of_news.double().mean():.0%} of them news"
)


# %%
def bag(rows):
    table = bag_of_words([passages[row] for row in rows], known, binary=True)
    return torch.tensor(table.toarray(), dtype=torch.float32)


scores = {}
for n_rows in (30, 120, 480, len(parts.train)):
    rows = [parts.train[k] for k in order[:n_rows]]
    known = Vocabulary.from_sentences([passages[row] for row in rows])
    classifier = nn.Linear(len(known), 2)
    nn.init.zeros_(classifier.weight)
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=0.05)
    train_on_batches(classifier, [(bag(rows), of_news[rows])] * 40, row_loss, optimizer)
    hits = classifier(bag(parts.test)).argmax(dim=1) == of_news[parts.test]
    by_document = pd.Series(hits.numpy()).groupby(test_documents).mean().to_numpy()
    scores[f"{n_rows} training passages"] = by_document.mean(), *bootstrap_interval(by_document)
for name, (score, low, high) in scores.items():
    print(f"{name:24} {score:.2f} right, 95 % interval {low:.2f} to {high:.2f}")
news_share = np.mean([kind for kind, _ in set(test_documents)])
print(f"n = {len(by_document)} documents with {len(parts.test)} passages")
print(f"baseline, always the commoner kind: {max(news_share, 1 - news_share):.2f}")

# %%
film = {
    f"run {k + 1}": (share, *proportion_interval(round(40 * share), 40))
    for k, share in enumerate(shares["test"][:5])
}
show(
    plot_intervals(
        {"praise or complaint?": film, "news or encyclopedia?": scores},
        axis_label="share of right answers on the test set, with 95 % interval\n"
        f"(n = 40 sentences in each of the runs; n = {len(by_document)} documents below)",
        baseline=("a coin", 0.5),
    ),
    alt="Nine points with intervals, one below the other, and a dotted line at one half. Praise or complaint: "
    "five runs with different splits scatter around one half; every interval is some 0.3 wide and includes it. "
    "News or encyclopedia: the share of right answers rises with the number of training passages, from 30 to over "
    "a thousand, and no interval touches one half.",
)

# %% [markdown]
# The same few lines: useless on one task, good on another. What differs is how loud the evidence is, and how much of it
# there is per weight. Word vectors (lesson 01) and pretrained models (lesson 07) attack just this: they bring knowledge
# of words along, so that fewer sentences are enough.

# %% [markdown]
# ## On a GPU
#
# The next cell repeats a race between SGD and AdamW with a larger model: more words, wider layers, more steps, several learning
# rates each. It computes if you run the lesson at scale `t4` or `full` on a GPU (a few minutes), and otherwise shows
# what was recorded. The small race that answers the same question on your CPU stands under *Claims, tested*.

# %% tags=["gpu"]
if run.gpu_cell:
    n_words, width, n_gpu_steps = run.pick(
        small=(300, 32, 5), t4=(8000, 512, 1500), full=(8000, 1024, 4000)
    )
    big = Vocabulary.from_sentences(articles[:90], max_size=n_words - 1)
    place = {word: number + 1 for number, word in enumerate(big.words)}
    big_ids = [torch.tensor([place.get(word, 0) for word in words]) for words in articles]
    rows, held_out = (
        torch.cat([i.unfold(0, 4, 1) for i in part]).to(run.device)
        for part in (big_ids[:90], big_ids[90:])
    )

    def four_loss(model, batch):
        return cross_entropy(model(batch[:, :3]), batch[:, 3])

    result = {}
    for name, rates in {"SGD": (0.1, 0.3, 1.0, 3.0), "AdamW": (1e-4, 3e-4, 1e-3, 3e-3)}.items():
        for rate in rates:
            torch.manual_seed(0)
            deep = nn.Sequential(
                nn.Embedding(n_words, width),
                nn.Flatten(),
                nn.Linear(3 * width, width),
                nn.GELU(),
                nn.Linear(width, width),
                nn.GELU(),
                nn.Linear(width, n_words),
            ).to(run.device)
            draws = (
                torch.randint(len(rows), (512,), device=run.device) for _ in range(n_gpu_steps)
            )
            optimizer = getattr(torch.optim, name)(deep.parameters(), lr=rate)
            try:
                trained = train_on_batches(deep, (rows[d] for d in draws), four_loss, optimizer)
                with torch.no_grad():
                    dev = four_loss(deep, held_out[:20000]).item()
                if not math.isfinite(dev):
                    raise FloatingPointError
                score = {"train_nats": float(np.mean(trained[-20:])), "dev_nats": dev}
            except FloatingPointError:
                score = {"diverged": True}
            result[f"{name} {rate:g}"] = score
    print(pd.DataFrame(result).T.to_string())
    run.record(
        "a1-optimisers", {"n_words": n_words, "width": width, "steps": n_gpu_steps, "runs": result}
    )
else:
    recorded = run.recorded("a1-optimisers")
    if recorded.measured:
        print(pd.DataFrame(recorded.result["runs"]).T.to_string())

# %% [markdown]
# ## Exercises
#
# They stand where they belong in the sections above:
#
# | | level | section |
# |---|---|---|
# | `softmax` | easy | [3](#3-·-Softmax:-from-scores-to-probabilities) |
# | `cross_entropy` | core | [4](#4-·-Cross-entropy:-the-price-of-surprise) |
# | `mlp_backward` | stretch | [6](#6-·-XOR:-what-one-layer-cannot-do) |
# | `adamw_step` | core | [8](#8-·-Who-finds-the-slope,-and-who-walks) |
# | `mean_and_sd` | easy | [10](#10-·-A-score-that-others-can-believe) |
#
# Three more without a check, if you like:
#
# - *Easy.* In the race of section 8, start all weights at 3 times random normal numbers instead of 0. Where does the loss
#   start now? Guess first.
# - *Core.* Under *Known truth*, give the greedy model `weight_decay=1.0`. Does the loss on new rows still climb?
# - *Stretch.* Replace `tanh` in your `mlp_backward` and in a copy of `mlp_forward` by ReLU. How many of the ten starts with
#   two hidden units solve XOR now?

# %% [markdown]
# ## In your own words
#
# A colleague writes: "My new classifier is right in 71 % of cases, the old one only in 68 %. We should switch." Which questions do you
# ask before you agree? Answer in five sentences or fewer.

# %% [markdown]
# <!-- @answer is-it-better -->
# *Write your answer here: double-click this cell.*

# %% [markdown]
# <details><summary>What a good answer contains</summary>
#
# - How large was the test set, and what are the intervals? At $n = 200$ both scores may be the same.
# - What does the baseline get? If 70 % of the cases belong to one class, neither score says much.
# - How many seeds or splits? One run each cannot separate the method from luck: mean ± sd of several.
# - Were settings chosen on this same test set? Then it has become a dev set, and the score is too rosy.
# - Do rows of one author or document stand on both sides of the split?
#
# Four of the five is good.
#
# </details>

# %% [markdown]
# ## Claims, tested
#
# Six sentences that you will read elsewhere, each met by an experiment. **Predict** each time, before you look at
# the output: true or false?
#
# ### “Back-propagation is an optimiser.”
#
# One call of `backward()`: do the weights change? Then three optimisers get the gradient that it computed.

# %%
# NBVAL_CHECK_OUTPUT
probe = nn.Linear(5, 3, dtype=torch.float64)
before = probe.weight.detach().clone()
cross_entropy(probe(new_inputs), worlds["new"][1]).backward()
print("weights unchanged by backward():", torch.equal(probe.weight, before))
g, none = probe.weight.grad, torch.zeros_like(before)
moved = {
    "SGD, rate 0.1": sgd_step(before, g, 0.1),
    "SGD, rate 0.01": sgd_step(before, g, 0.01),
    "AdamW": adamw_step(before, g, none, none, 1, AdamWConfig())[0],
}
print(
    "different weights after one step:",
    len({tuple(after.flatten().tolist()) for after in moved.values()}),
)

# %% [markdown]
# **Verdict: false, as the words are used today.** Back-propagation computes gradients and changes no weight. What happens
# next is up to the optimiser, and three of them do three different things with the same gradient.
# (The confusion has a history: the paper of 1986 calls the whole procedure back-propagation, adjustment of the weights included.)
#
# ### “More layers always give more power.”
#
# Three linear layers, one after the other: how much more can they say than one? Compare them with the product of
# their matrices, and let them try XOR, without and with a bend between them.

# %%
# NBVAL_CHECK_OUTPUT
generator = make_generator(0)
first, second, third = (
    torch.randn(s, generator=generator, dtype=torch.float64) for s in ((7, 11), (11, 3), (3, 7))
)
some = torch.randn(50, 7, generator=generator, dtype=torch.float64)
assert_close(((some @ first) @ second) @ third, some @ (first @ second @ third))
print(
    "three layers equal one; rank of that one:",
    torch.linalg.matrix_rank(first @ second @ third).item(),
    "of 7",
)
for name, bend in {"without a bend": nn.Identity, "with GELU": nn.GELU}.items():
    torch.manual_seed(0)
    stack = nn.Sequential(
        nn.Linear(2, 8), bend(), nn.Linear(8, 8), bend(), nn.Linear(8, 2)
    ).double()
    train_on_batches(
        stack, [(points, labels)] * 300, row_loss, torch.optim.AdamW(stack.parameters(), lr=0.02)
    )
    right = (stack(points).argmax(dim=1) == labels).sum().item()
    print(
        f"three layers {name:15} on XOR: {'all four right' if right == 4 else 'at most three right'}"
    )

# %% [markdown]
# **Verdict: false, without a bend between them.** Three linear layers are one linear layer:
# $((x W_1) W_2) W_3 = x (W_1 W_2 W_3)$. A narrow one in the middle even takes power away: the rank of the product (how
# many independent directions it keeps) is at most the smallest width.
#
# ### “An untrained model's loss is at most ln V.”
#
# Random logits for 50 classes, from all 0 to very large:

# %%
for spread in (0.0, 1.0, 10.0, 100.0):
    wild = cross_entropy(
        spread * torch.randn(2000, 50, generator=make_generator(0)), torch.arange(2000) % 50
    )
    print(f"random logits with sd {spread:5}: {wild:7.2f} nats; ln 50 = {math.log(50):.2f}")

# %% [markdown]
# **Verdict: false.** $\ln V$ is what a *modest* ignorant model pays. One that is confident and wrong pays more, without
# limit (section 4).
#
# ### “AdamW is always better than SGD.”
#
# It won the race of section 8. Here is one on the same text, with the small network and the random batches of
# section 9. Each optimiser may choose its learning rate; measured on articles that neither has seen, with three seeds.
# (The rates are chosen on these same dev rows, so both best scores are a little too rosy. That is fair to both.)

# %%
final = {}
for name, rates in {"SGD": (0.3, 1.0, 3.0), "AdamW": (0.003, 0.01, 0.03)}.items():
    for rate in rates:
        final[name, rate] = []
        for seed in range(3):
            torch.manual_seed(seed)
            small = nn.Sequential(
                nn.Embedding(vocab_size, 32),
                nn.Flatten(),
                nn.Linear(64, 64),
                nn.GELU(),
                nn.Linear(64, vocab_size),
            )
            draws = (torch.randint(len(train_rows), (128,)) for _ in range(150))
            train_on_batches(
                small,
                (train_rows[d] for d in draws),
                word_loss,
                getattr(torch.optim, name)(small.parameters(), lr=rate),
            )
            with torch.no_grad():
                final[name, rate].append(word_loss(small, dev_rows).item())
for (name, rate), values in final.items():
    mean, sd = mean_and_sd(values)
    print(
        f"{name:5} rate {rate:<5}  dev loss {mean:.3f} ± {sd:.3f} nats (3 seeds, n = {len(dev_rows)})"
    )

# %% [markdown]
# **Verdict: false.** On this task, there is no difference that three seeds could show: the two best scores lie within one sd of each other. What is
# true: AdamW copes better where gradients differ much in size, as they do in large language models. "Better" needs a
# task, a budget and a learning rate of one's own for each.
#
# ### “The accuracy of one run is the result.”
#
# These are the ten test scores of the film sentences. Same data, same method; only the seed differs, and with it the
# split.

# %%
ordered = sorted(shares["test"])
mean, sd = mean_and_sd(ordered)
print("ten runs, in order:", "  ".join(f"{share:.2f}" for share in ordered))
print(
    f"the luckiest {ordered[-1]:.2f}, the unluckiest {ordered[0]:.2f}; together {mean:.2f} ± {sd:.2f} (n = 40 a run)"
)

# %% [markdown]
# **Verdict: false.** Whoever reports the best one reports luck.
#
# ### “A random split is a fair split.”
#
# Suppose that rows come in groups. Forty authors write ten rows each. Every author has a voice (64 random numbers) and a
# label *drawn with a coin*, which has nothing to do with the voice. So there is nothing to learn: on a new author, nobody
# can do better than 50 %.

# %%
by_split = {"random rows": [], "whole authors": []}
for seed in range(10):
    generator = make_generator(seed)
    author = torch.arange(40).repeat_interleave(10)
    rows = torch.randn(40, 64, generator=generator)[author] + torch.randn(
        400, 64, generator=generator
    )
    coin = torch.randint(2, (40,), generator=generator)[author]
    for name, groups in {"random rows": range(400), "whole authors": author.tolist()}.items():
        parts = split_by_group(groups, seed=seed)
        reader = nn.Linear(64, 2)
        train_on_batches(
            reader,
            [(rows[parts.train], coin[parts.train])] * 60,
            row_loss,
            torch.optim.AdamW(reader.parameters(), lr=0.03),
        )
        by_split[name].append(
            (reader(rows[parts.test]).argmax(dim=1) == coin[parts.test]).double().mean().item()
        )
for name, values in by_split.items():
    mean, sd = mean_and_sd(values)
    print(f"split by {name:14} {mean:.2f} ± {sd:.2f} right (10 runs, n = 80 a run); truth: 0.50")

# %% [markdown]
# **Verdict: false, if rows come in groups.** Split by rows, the test set praises a model that has learnt to recognise authors, and nothing else. Split by author, the
# truth lies within the spread of the scores. (And that spread is wide. There are 80 test rows, but only 8 authors: what
# counts is $n = 8$.)

# %% [markdown]
# ## Quiz

# %%
quiz("a1")

# %% [markdown]
# In a notebook without buttons, answer like this: `answer_quiz("a1", 2, "b")`.

# %% [markdown]
# ## Summary
#
# - A tensor has a shape; `Float[Tensor, "B T D"]` says what its axes mean. In a product, the inner axis disappears.
# - Probabilities multiply, logarithms add. Surprise is $-\ln p$, in nats; entropy is its mean, and a floor for every model.
# - Softmax turns logits into probabilities; cross-entropy is the mean surprise over the targets that count. It starts near $\ln V$ if the logits start small.
# - The chain rule multiplies slopes. Back-propagation is the chain rule, walked backwards; the optimiser then takes the step.
# - One layer draws a line. A hidden layer with a bend moves the points so that a line suffices.
# - AdamW scales each weight's step by that weight's own gradients. Compare optimisers only at the best learning rate of each.
# - Train, dev, test; no group on two sides; mean ± sd over runs; an interval, an $n$ and a baseline for every score.

# %% [markdown]
# ## Further reading
#
# - McCulloch and Pitts 1943, *A logical calculus of the ideas immanent in nervous activity*, <https://doi.org/10.1007/BF02478259>.
# - Rosenblatt 1958, *The perceptron: a probabilistic model for information storage and organization in the brain*, <https://doi.org/10.1037/h0042519>.
# - Minsky and Papert 1969, *Perceptrons*, MIT Press.
# - Rumelhart, Hinton and Williams 1986, *Learning representations by back-propagating errors*, <https://doi.org/10.1038/323533a0>; Rumelhart, McClelland and the PDP Research
#   Group 1986, *Parallel Distributed Processing*, two volumes, MIT Press.
# - Shannon 1948, *A Mathematical Theory of Communication*, <https://doi.org/10.1002/j.1538-7305.1948.tb01338.x>: entropy.
# - Glorot and Bengio 2010, *Understanding the difficulty of training deep feedforward neural networks*, <https://proceedings.mlr.press/v9/glorot10a.html>; He, Zhang, Ren and Sun 2015,
#   *Delving Deep into Rectifiers*, <https://arxiv.org/abs/1502.01852>: scaling the weights to the activation. Hendrycks and Gimpel 2016, *Gaussian Error Linear Units*, <https://arxiv.org/abs/1606.08415>.
# - Kingma and Ba 2015, *Adam*, <https://arxiv.org/abs/1412.6980>; Loshchilov and Hutter 2019, *Decoupled Weight Decay Regularization*, <https://arxiv.org/abs/1711.05101>; Kunstner et al. 2024,
#   *Heavy-Tailed Class Imbalance and Why Adam Outperforms Gradient Descent on Language Models*, <https://arxiv.org/abs/2402.19449>.
# - Pang and Lee 2005, *Seeing stars*, <https://aclanthology.org/P05-1015/>: the film sentences.

# %%
run.summary()
