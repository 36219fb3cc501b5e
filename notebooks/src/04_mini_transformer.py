# %% [markdown]
# # 04 · A mini-Transformer
#
# **The question:** What does it take, line by line, to build a language model, to train it, and to know that it is right?

# %% [markdown]
# ## You will be able to
#
# - write the loss and the training loop of a language model, and say what each line does and what happens without it;
# - build a Transformer block from a residual stream, two norms, attention and a feed-forward layer;
# - make an encoder, a decoder and an encoder–decoder from the same block, and count their parameters with a pencil;
# - find the bugs that a falling loss hides: a missing mask, labels shifted twice, labels in a column;
# - prove that your model is GPT-2, number for number;
# - measure how far a model is from the best that any model can do.

# %% [markdown]
# ## Before you start
#
# | | |
# |---|---|
# | Builds on | A1: training loop, AdamW; 00: n-gram models, the entropy floor; 03: attention, masks, positions |
# | Your time | about 100 minutes for the core sections, 40 more for the optional ones |
# | On a CPU | about a minute and a quarter on one core, under 2 GB of memory |
# | On a GPU | not needed; the cell under *On a GPU* trains on the whole story world |

# %% [markdown]
# ## Recall
#
# Answer from memory, then open the answer.
#
# 1. What does a causal mask hide, and how do you test it?
#
# <details><summary>Answer</summary>
#
# The future: a query at place $t$ may attend to the places up to $t$. Test: change a later token; what is computed at
# the places before must stay the same, bit for bit.
#
# </details>
#
# 2. A model gives each of four words the same chance. What is its loss, in nats per token?
#
# <details><summary>Answer</summary>
#
# $-\ln (1/4) = \ln 4 = 1.386$, whatever the right word is.
#
# </details>
#
# 3. In the story world, why does a 5-gram stay so far above the entropy floor?
#
# <details><summary>Answer</summary>
#
# Near its end a story comes back to people and things of its beginning. They stand dozens of tokens back; the 5-gram
# sees four.
#
# </details>

# %% [markdown]
# ## Set-up

# %%
# @setup

# %% [markdown]
# The imports. From the lessons before you know the layers of `course_lib.nn`; now they become models.

# %%
import itertools
import math
import time

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

from course_lib.compute import count_parameters, count_parameters_of
from course_lib.data import load, storyworld
from course_lib.evaluation import bootstrap_interval, proportion_interval
from course_lib.lesson import answer_quiz, check, hint, quiz
from course_lib.models import (
    BERT,
    GPT,
    BERTConfig,
    EncoderDecoder,
    EncoderDecoderConfig,
    GPTConfig,
    KneserNeyConfig,
    KneserNeyModel,
    ModernGPT,
    ModernGPTConfig,
    TreeNetwork,
    TreeNetworkConfig,
    bert_base,
    gpt2_small,
    gpt2_xl,
    gpt_from_hf,
    shift_right,
)
from course_lib.nn import FeedForward, MultiHeadAttention, causal_mask, post_norm_block
from course_lib.plotting import plot_losses, plot_scores, show, use_course_style
from course_lib.plotting.curves import Curve, Panel, plot_panels
from course_lib.seeding import make_generator
from course_lib.tokenizers import Vocabulary
from course_lib.training import AdamWConfig, MuonConfig, make_optimizer, train_on_batches

use_course_style()

# %% [markdown]
# ## 1 · Every token is a question
#
# *(core)*
#
# A text of $T$ tokens contains $T - 1$ questions: after these tokens, which comes next? A decoder answers all of them in one
# pass. It reads `ids` of shape $(B, T)$, that is $B$ texts, and gives `logits` of shape $(B, T, V)$: after each token, one
# score for each of $V$ tokens. The causal mask sees to it that no answer knows more than what stands before it.
#
# So the logits at place $t$ are about the token at place $t + 1$. The loss is the mean surprise,
#
# $$L = -\frac{1}{N} \sum_{b, t} \ln p(x_{b,t+1} \mid x_{b,1} \dots x_{b,t})$$
#
# where $N$ is the number of tokens that are asked for. Two kinds of tokens are not: the first of a text, because nothing
# stands before it, and padding, which fills up the end of shorter texts.
#
# **By hand.** One text "the cat sat", three tokens. The logits have three rows. Row 1 is judged by "cat", row 2 by "sat". Row 3 is
# about a word that we do not have; it is cut off. So $N = 2$.
#
# **Exercise (core).** Write the loss. (`from course_lib.nn import IGNORE_ID` gives a target that is not counted: -100, which torch's
# `cross_entropy` leaves out by default. You may instead pick the tokens that count. Stuck? `hint("04:next_token_loss")`.)

# %%
# @exercise course_lib.nn.next_token:next_token_loss

# %%
next_token_loss = check("04:next_token_loss", next_token_loss)

# %% [markdown]
# ### Two bugs that make no noise
#
# **Labels shifted twice.** A tutorial makes its data as pairs: inputs, and labels that are "the inputs, shifted by one". Then it hands both to a loss
# that shifts once more, as Hugging Face's models do. **Predict:** what will the model learn, and what will its loss look like?
#
# Here is a toy language in which that can be seen: the tokens count upwards from a random start, 0 to 9 and round again, and every second step is
# a jump of 3. And the model is just a table, a bigram model: one row of logits per token.

# %%
steps_up = torch.tensor([1, 3] * 6)
counting = (torch.arange(10)[:, None] + F.pad(steps_up.cumsum(0), (1, 0))) % 10  # (10, 13)
tables = {}
for name, n_shifts in {"shifted once": 1, "shifted twice": 2}.items():
    table = nn.Embedding(10, 10)
    optimizer = torch.optim.AdamW(table.parameters(), lr=0.3)
    for _ in range(80):
        loss = F.cross_entropy(table(counting[:, :-n_shifts]).mT, counting[:, n_shifts:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    true_loss = next_token_loss(table(counting), counting)
    tables[name] = (loss.item(), true_loss.item())
    print(f"{name:14} reported loss {loss.item():.3f}, true loss {true_loss.item():.3f}")

# %% [markdown]
# The wrong one reports the *better* loss: two steps on is always four further, and that is easy. As a model of the next token it is useless. A loss
# that falls says that something is being learned; it does not say what.
#
# **Labels in a column.** A table of labels often comes with the shape $(N, 1)$. Compare it with $N$ predictions:

# %%
# NBVAL_CHECK_OUTPUT
predictions = torch.tensor([0, 1, 0, 1])
labels = torch.tensor([[0], [1], [0], [1]])  # the same four, as a column
print(
    "shapes",
    tuple(predictions.shape),
    tuple(labels.shape),
    "→",
    tuple((predictions == labels).shape),
)
print("accuracy of perfect predictions:", (predictions == labels).double().mean().item())
print("with labels[:, 0]:", (predictions == labels[:, 0]).double().mean().item())

# %% [markdown]
# Each prediction was compared with *every* label. No error, no warning, just a number that looks like guessing. Print shapes.
#
# ### How good is a model that knows nothing?
#
# Fresh weights are small, so all logits are near 0, and all $V$ tokens get nearly the same chance. The loss should be
#
# $$L_0 \approx \ln V$$
#
# **By hand:** $V = 1000$ gives $6.908$ nats. This is the cheapest test there is: a loss far from $\ln V$ before the first step means a bug, or
# odd weights. Let us look at GPTs, fresh from the library, of three vocabularies.

# %%
for vocab_size in (10, 1000, 50257):
    torch.manual_seed(run.seed)
    fresh = GPT(GPTConfig(vocab_size=vocab_size, max_len=16, d_model=32, n_heads=4, n_layers=2))
    ids = torch.randint(vocab_size, (4, 16), generator=make_generator(run.seed))
    with torch.no_grad():
        loss = next_token_loss(fresh(ids), ids)
    print(f"V = {vocab_size:6,}: loss {loss:7.4f}, ln V = {math.log(vocab_size):7.4f}")

# %% [markdown]
# **What we learnt.** The loss pairs logits with the *next* token, once; counts what is asked for, and nothing else; and begins near $\ln V$.

# %% [markdown]
# ## 2 · The training loop, line by line
#
# *(core)*
#
# In lesson A1 you trained by hand, and since then `train_on_batches` has done it for you. Here is all that happens in a step:
#
# 1. **Measure.** `loss = next_token_loss(model(ids), ids, mask)`. The forward pass; torch notes down every operation.
# 2. **Empty.** `optimizer.zero_grad()`. Each parameter has a place for its gradient, and `backward` *adds* to what is there. Without this line, old
#    gradients pile up.
# 3. **Backward.** `loss.backward()`. Back-propagation fills the gradients: for each parameter, how the loss changes when it grows. It changes nothing
#    in the model.
# 4. **Step.** `optimizer.step()`. The optimiser, AdamW, moves each parameter a little, against its gradient. It changes the model, and knows nothing
#    of the loss.
#
# So back-propagation and optimiser are two things: one *computes* gradients, the other *uses* them.
#
# Around it: `model.train()` switches on what belongs to training only (dropout), and the **learning rate** is written into the optimiser before each
# step, because it should not stay the same. In the first steps AdamW knows little of how large gradients are, so the rate **warms up** from 0; at
# the end it **decays**, so that the model settles.
#
# **Exercise (core).** Write the loop, with `torch.optim.AdamW(…, betas=(0.9, 0.95), weight_decay=0.1)`, the usual values for language models. There must
# be as many learning rates as batches, else a `ValueError`: `zip(…, strict=True)` raises it. Every training program later in this course, however large, must reproduce its losses.

# %%
# @exercise course_lib.training.language_model:train_language_model

# %%
train_language_model = check("04:train_language_model", train_language_model)


# %%
def rates(n_steps, peak, n_warmup=20, decay_from=0.4):
    rise = np.arange(1, n_steps + 1) / n_warmup
    fall = (n_steps - np.arange(n_steps)) / ((1 - decay_from) * n_steps)
    return (peak * np.minimum(1.0, np.minimum(rise, fall))).tolist()


# %% [markdown]
# A first run, on the sums from primary school: `3 + 8 = 1 1`, one token a character. The texts have different lengths, so they are padded, and the mask
# says where.

# %%
symbols = "0123456789+= "
sums = [f"{a}+{b}={a + b} " for a, b in itertools.product(range(20), range(20))]
sum_ids = torch.full((len(sums), 9), symbols.index(" "))
for row, text in enumerate(sums):
    sum_ids[row, : len(text)] = torch.tensor([symbols.index(symbol) for symbol in text])
sum_mask = torch.arange(9) < torch.tensor([len(text) for text in sums])[:, None]
order = torch.randperm(len(sums), generator=make_generator(run.seed))
print(sums[7], sum_ids[7].tolist(), sum_mask[7].int().tolist())


def draw_sums(n_steps, generator):
    chosen = order[torch.randint(0, 320, (n_steps, 32), generator=generator)]
    return [(sum_ids[rows], sum_mask[rows]) for rows in chosen]


def make_adder(dropout=0.0):
    torch.manual_seed(run.seed)
    sizes = {"vocab_size": 13, "max_len": 9, "d_model": 32, "n_heads": 4, "n_layers": 2}
    return GPT(GPTConfig(**sizes, dropout=dropout))


# %%
adder = make_adder()
n_steps = run.pick(small=700, t4=3000)
adder_losses = train_language_model(
    adder, draw_sums(n_steps, make_generator(1)), rates(n_steps, peak=0.01)
)
print(f"first loss {adder_losses[0]:.3f}, ln 13 = {math.log(13):.3f}, last {adder_losses[-1]:.3f}")

# %% [markdown]
# **Predict.** What happens if line 2 is missing? The gradient at step $n$ is then the sum of all gradients so far. Here is the loop without it, and
# without everything else that can be left out.

# %%
piled_up, forgetful, n_shown = [], make_adder(), 120
optimizer = torch.optim.AdamW(forgetful.parameters(), betas=(0.9, 0.95), weight_decay=0.1)
batches = draw_sums(n_steps, make_generator(1))
for (ids, mask), rate in zip(batches[:n_shown], rates(n_steps, peak=0.01)[:n_shown], strict=True):
    loss = next_token_loss(forgetful(ids), ids, mask)
    loss.backward()  # adds to the gradients of all steps before
    optimizer.param_groups[0]["lr"] = rate
    optimizer.step()
    piled_up.append(loss.item())
show(
    plot_losses(
        {
            "as it should be": (range(n_shown), adder_losses[:n_shown]),
            "zero_grad forgotten": (range(n_shown), piled_up),
        },
        title="The same loop, with and without one line",
    ),
    alt=f"Two loss curves over {n_shown} steps. Both start at {adder_losses[0]:.2f}. The complete loop "
    f"is then at {adder_losses[n_shown - 1]:.2f}, the one without zero_grad at {piled_up[-1]:.2f}.",
)

# %% [markdown]
# No error, no warning, and no NaN. It looks like a hard problem, or like a bad learning rate; that is why this bug survives in real code.
#
# ### Training mode and evaluation mode
#
# **Dropout** sets numbers inside the model to 0 at random, while training, so that the model does not lean on any one of them. When you measure or
# write, it must be off: `model.eval()`. Forget it, and the same text gets another loss each time:

# %%
dropping = make_adder(dropout=0.3)
dropping.load_state_dict(adder.state_dict())
tests = order[320:]
for mode in (True, False):
    dropping.train(mode)
    with torch.no_grad():
        twice = [
            next_token_loss(dropping(sum_ids[tests]), sum_ids[tests], sum_mask[tests]).item()
            for _ in range(2)
        ]
    name = "training mode" if mode else "evaluation mode"
    print(f"{name:16} {twice[0]:.4f}, once more {twice[1]:.4f}; same: {twice[0] == twice[1]}")

# %% [markdown]
# (`torch.no_grad()` is something else: it only stops torch from noting down operations. It saves memory and time, and does not touch dropout.)
#
# **What we learnt.** Measure, empty, backward, step. Back-propagation computes gradients, the optimiser uses them. Warm up, decay. `train()` before the loop, `eval()`
# before you measure.

# %% [markdown]
# ## 3 · The block
#
# *(core)*
#
# ### The residual stream
#
# A Transformer is a stack of equal **blocks**. Each has two halves. In the first, tokens gather from each other: attention. In the second, each token thinks by itself: a **feed-forward layer**, which
# widens its vector from $D$ to $F$ numbers, bends it with GELU, and narrows it again. (It is the part that tutorials forget, and the largest: with $F = 4D$ it has two thirds of
# the parameters of a block.)
#
# And there is a trick that makes deep stacks possible. No half *replaces* the vectors. Each *adds* to them:
#
# $$x \leftarrow x + \mathrm{part}(x)$$
#
# So there is a **residual stream**, of shape $(B, T, D)$, that runs from the embedding to the output, and every part reads from it and writes into it. The derivative of $x + f(x)$ is $1 + f'(x)$: that 1 lets the gradient
# reach the first block however many lie above it (He et al. 2015).
#
# ### Layer norm
#
# Sums grow: after many additions, the numbers of the stream can have any size. So each part reads a **normalised** copy: mean 0, variance 1, vector by vector, and then a factor $g$ and an offset $b$ per coordinate, which are learned.
#
# $$y = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \cdot g + b \qquad \mu = \frac{1}{D} \sum_i x_i \qquad
# \sigma^2 = \frac{1}{D} \sum_i (x_i - \mu)^2$$
#
# **By hand:** $(1, 3)$ has $\mu = 2$ and $\sigma^2 = 1$, so it becomes $(-1, 1)$. And $(10, 30)$? The same. Scale does not matter any more, but for the tiny $\epsilon$.
#
# **Exercise (easy).** Write it. Which axis? Where does $\epsilon$ stand?

# %%
# @exercise course_lib.nn.norm:layer_norm

# %%
layer_norm = check("04:layer_norm", layer_norm)

# %%
x = torch.randn(2, 3, 8, generator=make_generator(0), dtype=torch.float64)
ones, zeros = torch.ones(8, dtype=torch.float64), torch.zeros(8, dtype=torch.float64)
assert_close(layer_norm(x, ones, zeros), F.layer_norm(x, (8,)))
assert_close(layer_norm(1000 * x, ones, zeros, eps=0.0), layer_norm(x, ones, zeros, eps=0.0))
print("Equal to torch's own, and a thousand times larger input changes nothing.")

# %% [markdown]
# ### Before or after?
#
# In the paper of 2017 the norm stands *after* the addition, on the stream itself (**post-norm**). GPT-2 and nearly all models since put it *before* each part, on the copy that the part reads (**pre-norm**):
#
# $$\mathrm{post:} \; x \leftarrow \mathrm{norm}(x + \mathrm{part}(x)) \qquad \mathrm{pre:} \; x \leftarrow x + \mathrm{part}(\mathrm{norm}(x))$$
#
# It looks like a detail. In pre-norm, nothing ever stands *in* the stream: from the output to the embedding there is a way of additions only.
#
# **Exercise (core).** Write the pre-norm block. The parts are handed in as functions.

# %%
# @exercise course_lib.nn.blocks:pre_norm_block

# %%
pre_norm_block = check("04:pre_norm_block", pre_norm_block)

# %% [markdown]
# And post-norm, from the library, for comparison:

# %%
# @sync course_lib.nn.blocks:post_norm_block


# %%
def plain_block(x, attention, feedforward, attention_norm, feedforward_norm):
    return feedforward(feedforward_norm(attention(attention_norm(x))))


def norm_free_block(x, attention, feedforward, attention_norm, feedforward_norm):
    return pre_norm_block(x, attention, feedforward, nn.Identity(), nn.Identity())


def thoughtless_block(x, attention, feedforward, attention_norm, feedforward_norm):
    return x + attention(attention_norm(x))


BLOCKS = {
    "pre-norm": pre_norm_block,
    "post-norm": post_norm_block,
    "no residual": plain_block,
    "no norm": norm_free_block,
    "no feed-forward": thoughtless_block,
}

# %% [markdown]
# **Predict.** We stack 32 fresh blocks of three kinds: pre-norm, post-norm, and pre-norm without the addition, and send a gradient back from the top. How large is it when it arrives at the lowest block?


# %%
def make_parts(n_layers, d_model):
    look = nn.ModuleList(MultiHeadAttention(d_model, 4) for _ in range(n_layers))
    think = nn.ModuleList(FeedForward(d_model, 4 * d_model) for _ in range(n_layers))
    norms = nn.ModuleList(nn.LayerNorm(d_model) for _ in range(2 * n_layers + 1))
    return nn.ModuleDict({"look": look, "think": think, "norms": norms})


def run_stack(parts, x, block, mask):
    norms = zip(parts["norms"][:-1:2], parts["norms"][1::2], strict=True)
    for look, think, pair in zip(parts["look"], parts["think"], norms, strict=True):
        x = block(x, lambda y, look=look: look(y, mask=mask), think, *pair)
    return x if block is post_norm_block else parts["norms"][-1](x)


# %%
N_LAYERS, gradients = 32, {}
for name in ("pre-norm", "post-norm", "no residual"):
    torch.manual_seed(run.seed)
    parts = make_parts(N_LAYERS, 32)
    x, direction = torch.randn(2, 8, 16, 32)
    (run_stack(parts, x, BLOCKS[name], causal_mask(16)) * direction).mean().backward()
    gradients[name] = [layer.outer.weight.grad.norm().item() for layer in parts["think"]]

show(
    plot_panels(
        Panel(
            title="What reaches each block of a fresh stack",
            axis_labels=("block, counted from below", "gradient norm"),
            curves={
                name: Curve(x=range(1, N_LAYERS + 1), y=norms) for name, norms in gradients.items()
            },
            log_y=True,
        )
    ),
    alt="Gradient norm by block, 1 to 32, on a logarithmic scale. "
    + ". ".join(
        f"{name}: {norms[0]:.0e} at the lowest, {norms[-1]:.0e} at the highest block"
        for name, norms in gradients.items()
    ),
)
for name, norms in gradients.items():
    print(f"{name:12} highest block / lowest block: {norms[-1] / norms[0]:.3g}")

# %% [markdown]
# Without a residual stream, the upper blocks get many times more than the lower ones, and it gets worse with depth. With it, whichever way the norm stands, all blocks of a fresh stack are served about alike. So the difference
# between pre- and post-norm does not show here. It shows in training: with post-norm the gradients near the output are large at the start, so that such models need a careful warm-up (Xiong et al. 2020). See for yourself:
#
# ### What is each part worth?
#
# That was before training. Now take parts away and *train*: a stack of eight blocks as a decoder, without warm-up, on a task that needs memory and order, **copying**. A row of 8 random letters, a sign, and the same letters again. Before the sign nobody can know what
# comes; after it, everything can be known. So we count the loss only after the sign.

# %%
N_LETTERS, LENGTH = 12, 8


def draw_copies(n_rows, generator):
    letters = torch.randint(0, N_LETTERS, (n_rows, LENGTH), generator=generator)
    sign = torch.full((n_rows, 1), N_LETTERS)
    return torch.cat([letters, sign, letters], dim=1)


def make_copier(d_model=32):
    torch.manual_seed(run.seed)
    tables = {"letter": nn.Embedding(13, d_model), "place": nn.Embedding(17, d_model)}
    ends = {"stack": make_parts(8, d_model), "end": nn.Linear(d_model, 13)}
    return nn.ModuleDict({**tables, **ends})


def copy_logits(parts, ids, block):
    x = parts["letter"](ids) + parts["place"].weight[: ids.shape[1]]
    return parts["end"](run_stack(parts["stack"], x, block, causal_mask(ids.shape[1])))


def copy_loss(block):
    asked = torch.arange(17) > LENGTH
    return lambda parts, ids: next_token_loss(
        copy_logits(parts, ids, block), ids, asked.expand(len(ids), 17)
    )


# %%
copiers, copy_losses = {}, {}
n_steps = run.pick(small=110, t4=1000)
for name, block in BLOCKS.items():
    copier, generator = make_copier(), make_generator(run.seed)
    batches = (draw_copies(16, generator) for _ in range(n_steps))
    optimizer = torch.optim.AdamW(copier.parameters(), lr=0.003)
    copy_losses[name] = train_on_batches(copier, batches, copy_loss(block), optimizer)
    copiers[name] = copier
averaged = {
    name: np.convolve(nats, np.ones(10) / 10, "valid") for name, nats in copy_losses.items()
}
show(
    plot_losses(
        {name: (range(len(nats)), nats) for name, nats in averaged.items()},
        0.0,
        title="Copying 8 letters, with parts taken away (mean of 10 steps)",
    ),
    alt=f"Five loss curves over {n_steps} steps, from about {averaged['pre-norm'][0]:.1f}. At the end: "
    + ", ".join(f"{name} {nats[-1]:.2f}" for name, nats in averaged.items()),
)

# %% [markdown]
# One run each, so look at the large differences only. Without residuals the loss stays where guessing is, at $\ln 12 = 2.48$. Post-norm, and no norm at all, learn clearly later than pre-norm. (That copying works without the feed-forward layer should not surprise
# you: copying is looking up, and that is attention's work.)
#
# **What we learnt.** A block adds twice to the residual stream: what tokens gather, what each of them thinks. The stream carries gradients down, the norms keep the sizes in hand.

# %% [markdown]
# ## 4 · One block, three models
#
# *(core)*
#
# What differs between the famous models is mainly *who may look at whom*, and *what is asked*.
#
# | | mask | is asked for | example |
# |---|---|---|---|
# | **encoder** | none but padding: all look at all | words that were hidden | BERT |
# | **decoder** | causal: the past only | the next word | GPT |
# | **encoder–decoder** | an encoder, and a decoder that also looks at it (cross-attention) | the next word of the target | the Transformer of 2017, Marian |
#
# ### Counting
#
# A linear map from $m$ to $n$ numbers has $m \cdot n$ weights and $n$ offsets. The rest is addition. For a GPT with $V$ tokens, $P$ positions, width $D$, inner width $F$ and $N$ layers, two tables at the bottom ($V D$ and $P D$); in each block four maps $D \to D$, one $D \to F$,
# one $F \to D$, two norms of $2D$; a last norm. The output matrix costs nothing: it is the table of tokens again (**tied** weights).
#
# Why can one table do both? At the bottom it is *looked up*: row $i$ for token $i$, which is the product of a one-hot row with the table. At the top the product goes the other way round: a vector times all rows gives each token a score, the higher the more it resembles that token's own row.

# %%
tables = fresh.tokens  # of a GPT of section 1
one_hot = F.one_hot(torch.tensor([7, 2]), fresh.config.vocab_size).float()
assert_close(one_hot @ tables.weight, tables(torch.tensor([7, 2])))
assert_close(tables.logits(tables.weight[:3]), tables.weight[:3] @ tables.weight.T)
print("Looking up is a product with one-hot rows; scoring is a product with the same table.")

# %% [markdown]
# **Exercise (core).** Count.

# %%
# @exercise course_lib.compute.by_formula:count_gpt_parameters

# %%
count_gpt_parameters = check("04:count_gpt_parameters", count_gpt_parameters)

# %%
# NBVAL_CHECK_OUTPUT
for config in (gpt2_small(), gpt2_xl()):
    by_torch = count_parameters_of(GPT, config)
    assert by_torch.total == count_gpt_parameters(config)
    print(f"{config.n_layers} layers of width {config.d_model}: {by_torch.total:,}")
counted = count_parameters_of(GPT, gpt2_small()).by_component
for part, n in counted.items():
    print(f"  {part:26} {n:12,} = {n / sum(counted.values()):.1%}")
encoder = count_parameters_of(BERT, bert_base()).by_component
heads = sum(n for part, n in encoder.items() if part.split(".")[0].endswith("_head"))
print(f"BERT-base, without its two heads: {sum(encoder.values()) - heads:,}")

# %% [markdown]
# (`count_parameters_of` builds the model without giving it memory, so that even one that does not fit can be counted.) And GPT-3, of which you may read that it has "17.5 billion" parameters? Its paper gives the sizes: 96 layers, $D = 12288$, 2048 positions.

# %%
# NBVAL_CHECK_OUTPUT
gpt3 = GPTConfig(vocab_size=50257, max_len=2048, d_model=12288, n_heads=96, n_layers=96)
print(f"{count_gpt_parameters(gpt3):,}")
print(f"12·N·D² alone: {12 * 96 * 12288**2:,}")

# %% [markdown]
# Ten times as many: 175 billion. The rule of thumb $12 N D^2$ is good as soon as the model is wide.
#
# ### Writing
#
# A decoder gives scores for the next token. To write, take the best, append it, and ask again: **greedy decoding**. (Lesson 06 has better ways.)
#
# Many models have a token that ends a text, `end_id`. A text has ended if this is its *last* token; from then on, only `end_id` is written, so that all
# rows stay equally long.
#
# **Exercise (core).** Write it.

# %%
# @exercise course_lib.generation.greedy:greedy_decode

# %%
greedy_decode = check("04:greedy_decode", greedy_decode)

# %% [markdown]
# What does our adder from section 2 do with sums it has never seen?

# %%
adder.eval()
n_right = 0
for row in tests.tolist():
    asked, answer = sums[row].split("=")
    begin = torch.tensor([[symbols.index(symbol) for symbol in asked + "="]])
    written = greedy_decode(adder, begin, len(answer))[0, begin.shape[1] :]
    said = "".join(symbols[i] for i in written.tolist())
    n_right += said == answer
low, high = proportion_interval(n_right, len(tests))
print(
    f"right: {n_right / len(tests):.0%} [{low:.0%}, {high:.0%}], n = {len(tests)}; the last: {asked}={said}"
)

# %% [markdown]
# ### Reading and writing: the encoder–decoder
#
# The task of lesson 03 again: write a row of letters backwards, now with the library's `EncoderDecoder`, the Transformer of 2017. The encoder reads the letters. The decoder is fed with the *right* answer, one place later (`shift_right`), and asked at each place for the next letter.
# That is called **teacher forcing**: in training the model never sees its own mistakes.
#
# The decoder has a causal mask. **Predict.** A second model is the same, but someone has forgotten the mask. Which will have the better loss? And which will write better?

# %%
START, END, ROW, ALPHABET = 0, 1, 12, 28


def draw_rows(n_rows, generator):
    letters = torch.randint(2, ALPHABET, (n_rows, ROW), generator=generator)
    return letters, F.pad(letters.flip(1), (0, 1), value=END)


def make_reverser():
    torch.manual_seed(run.seed)
    sizes = {"vocab_size": ALPHABET, "max_len": ROW + 1, "d_model": 48, "n_heads": 4, "d_ff": 96}
    return EncoderDecoder(EncoderDecoderConfig(**sizes, n_encoder_layers=1, n_decoder_layers=1))


def reverse_loss(model, batch):
    source, target = batch
    return F.cross_entropy(model(source, shift_right(target, START)).mT, target)


def forget_the_mask(block):
    own, everyone = block.forward, torch.ones(ROW + 1, ROW + 1, dtype=torch.bool)
    block.forward = lambda x, memory, _, *rest: own(
        x, memory, everyone[: x.shape[1], : x.shape[1]], *rest
    )


# %%
reversed_right, teacher_losses = {}, {}
n_steps = run.pick(small=500, t4=2000)
for name in ("causal mask", "mask forgotten"):
    reverser, generator = make_reverser(), make_generator(run.seed)
    if name == "mask forgotten":
        forget_the_mask(reverser.decoder[0])
    optimizer = torch.optim.AdamW(reverser.parameters(), lr=0.003)
    train_on_batches(
        reverser, (draw_rows(32, generator) for _ in range(n_steps)), reverse_loss, optimizer
    )
    reverser.eval()
    source, target = draw_rows(300, generator)
    with torch.no_grad():
        teacher_losses[name] = reverse_loss(reverser, (source, target)).item()
    begin = torch.full((len(source), 1), START)
    written = greedy_decode(lambda ids, r=reverser, s=source: r(s, ids), begin, ROW + 1)[:, 1:]
    reversed_right[name] = int((written == target).all(dim=1).sum())
    low, high = proportion_interval(reversed_right[name], len(source))
    print(
        f"{name:15} loss {teacher_losses[name]:.4f}; rows reversed without a mistake: "
        f"{reversed_right[name] / len(source):.1%} [{low:.1%}, {high:.1%}], n = {len(source)}"
    )

# %% [markdown]
# The leaking model has learned to read the answer from its own input, one place to the right. In training that is always there. When it writes by itself, the place to the right is empty.
#
# Nothing in the loss tells the two apart. What does: let the model write by itself, and compare whole answers; or change the future, as in lesson 03.
#
# **What we learnt.** Encoder, decoder and encoder–decoder are the same parts with other masks and other questions. Parameters can be counted with a pencil. A loss under teacher forcing is not yet a working model.

# %% [markdown]
# ## 5 · Hiding words: the encoder as a language model
#
# *(core)*
#
# BERT's question is another one. Take a sentence, hide some of its words behind a `[MASK]`, and ask for them. The encoder sees what is left of the gap *and what is right of it*.
#
# It is often said that BERT is "an autoencoder: it compresses the text and generates it again". Let us see, in a small language that we know completely: a subject in singular or plural, perhaps somebody near, a verb that agrees with the subject, and when.

# %%
subjects = [["dog", "cat", "fox", "king"], ["dogs", "cats", "foxes", "kings"]]
verbs = [["runs", "sleeps", "sings", "waits"], ["run", "sleep", "sing", "wait"]]
near = ["", *(f"near the {noun} " for noun in itertools.chain(*subjects))]
language = [
    f"the {subject} {place}{verb} {when}".split()
    for number in (0, 1)
    for subject, place, verb, when in itertools.product(
        subjects[number], near, verbs[number], ["today", "often", "here", "now"]
    )
]
grammatical = {" ".join(words) for words in language}
names = ["[PAD]", "[MASK]", "[BEGIN]", "[END]", *sorted({w for words in language for w in words})]
PAD, MASK, BEGIN, STOP, LONGEST = 0, 1, 2, 3, 9
tagged = [["[BEGIN]", *words, "[END]"] for words in language]
padded = [words + ["[PAD]"] * (LONGEST - len(words)) for words in tagged]
known = torch.tensor([[names.index(word) for word in words] for words in padded])
print(
    f"{len(grammatical):,} sentences, {len(names)} tokens; one of them: {' '.join(language[100])}"
)

# %% [markdown]
# Two models of the same size, the same number of steps: a GPT that is asked for the next word, and a BERT that is asked for hidden ones.


# %%
def hide(ids, generator, share=0.25):
    return (torch.rand(ids.shape, generator=generator) < share) & (ids > STOP)


def hidden_loss(model, batch):
    ids, hidden = batch
    logits = model(ids.masked_fill(hidden, MASK), mask=ids != PAD)
    return F.cross_entropy(logits[hidden], ids[hidden])


n_steps, size = (
    run.pick(small=500, t4=3000),
    {"d_model": 32, "n_heads": 4, "n_layers": 2, "d_ff": 64},
)
generator = make_generator(run.seed)
torch.manual_seed(run.seed)
writer = GPT(GPTConfig(vocab_size=len(names), max_len=LONGEST, **size))
filler = BERT(BERTConfig(vocab_size=len(names), max_len=LONGEST, **size))
drawn = [known[torch.randint(len(known), (32,), generator=generator)] for _ in range(n_steps)]
train_language_model(writer, [(ids, ids != PAD) for ids in drawn], rates(n_steps, peak=0.01))
with torch.no_grad():
    filler.tokens.weight.mul_(5.0)  # so small a model learns faster from longer vectors
optimizer = torch.optim.AdamW(filler.parameters())
for ids, rate in zip(drawn, rates(n_steps, peak=0.005, n_warmup=50), strict=True):
    loss = hidden_loss(filler, (ids, hide(ids, generator)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.param_groups[0]["lr"] = rate
    optimizer.step()
writer.eval()
filler.eval()
with torch.no_grad():
    inside = filler.hidden(known[:1], mask=known[:1] != PAD)
print(
    f"{known[:1].numel()} ids go in, {inside.numel()} numbers stand inside: {tuple(inside.shape)}"
)

# %% [markdown]
# No **bottleneck** anywhere: every token keeps a vector of its own, and there are more numbers inside than outside. What BERT is trained for is called **denoising**: mend what was spoilt.
#
# Can it generate? Three ways: let GPT write, word by word. Let BERT write in the same manner: append a `[MASK]`, fill it, append the next. And let BERT fill in a sentence of given length, full of masks, one word after the other in random order, a few rounds.


# %%
def draw(logits, generator):
    return torch.multinomial(logits.softmax(dim=-1), 1, generator=generator)


@torch.no_grad()
def write_left_to_right(score, generator, n=300):
    ids = torch.full((n, 1), BEGIN)
    for _ in range(LONGEST - 1):
        ids = torch.cat([ids, draw(score(ids), generator)], dim=1)
    return ids


def next_by_filler(ids):
    longer = F.pad(ids, (0, 1), value=MASK)
    return filler(longer)[:, -1]


@torch.no_grad()
def fill_gaps(ids, places, generator):
    for place in places:
        ids[:, place] = MASK
        ids[:, place] = draw(filler(ids)[:, place], generator)[:, 0]
    return ids


def is_grammatical(row):
    words = [names[i] for i in row.tolist()[1:]]
    return " ".join(words[: words.index("[END]")] if "[END]" in words else words) in grammatical


# %%
generator = make_generator(3)
template = torch.tensor([BEGIN, *[MASK] * 7, STOP]).repeat(300, 1)
rounds = torch.cat([torch.randperm(7, generator=generator) + 1 for _ in range(6)])
written = {
    "GPT, left to right": write_left_to_right(lambda ids: writer(ids)[:, -1], generator),
    "BERT, left to right": write_left_to_right(next_by_filler, generator),
    "BERT, fills 7 gaps": fill_gaps(template, rounds, generator),
}
written_right = {name: sum(map(is_grammatical, ids)) for name, ids in written.items()}
for name, n_right in written_right.items():
    low, high = proportion_interval(n_right, 300)
    sample = " ".join(names[i] for i in written[name][0].tolist()[1:])
    print(f"{name:20} grammatical {n_right / 300:.1%} [{low:.1%}, {high:.1%}], n = 300   {sample}")

# %% [markdown]
# What BERT has never seen is a sentence that stops in the middle, so it cannot write from left to right. But say clearly: masked models *can* generate, if somebody gives the length and lets them go over it several times.
#
# What it is better at is what it was trained for. The subject is hidden: was it singular or plural? From the left, "the …", nobody can know. From both sides one can:

# %%
is_plural = torch.tensor([words[1] in subjects[1] for words in language])
plural_ids = torch.tensor([names.index(noun) for noun in subjects[1]])
gap = known.clone()
gap[:, 2] = MASK
with torch.no_grad():
    chances = {
        "GPT, from the left": writer(known[:, :2])[:, -1].softmax(dim=-1),
        "BERT, from both sides": filler(gap, mask=gap != PAD)[:, 2].softmax(dim=-1),
    }
for name, chance in chances.items():
    n_right = int(((chance[:, plural_ids].sum(dim=1) > 0.5) == is_plural).sum())
    print(
        f"{name:22} number of the hidden subject right in {n_right / len(known):.1%}, n = {len(known):,}"
    )

# %% [markdown]
# **What we learnt.** An encoder that fills gaps uses both sides. It does not compress, and it is no writer by itself.

# %% [markdown]
# ## 6 · Parallel to train, slow to write
#
# *(core)*
#
# "Transformers work in parallel, so they are fast." Half of it. To *score* a text of $T$ tokens, all places are computed at once. To *write* it, each token needs the one before: $T$ passes, one after the other. And the plain loop of
# `greedy_decode` reads the whole text again each time: $1 + 2 + \dots + T$ tokens, about $T^2 / 2$.
#
# The repetition can be saved. What changes for the *old* tokens when a new one comes? Nothing: they may not look at it. So keep their keys and values in a **cache**, and send only the new token through the model.
#
# **Predict.** 128 tokens: how much longer does writing take than scoring? And with the cache?


# %%
@torch.no_grad()
def write_with_cache(model, ids, n_tokens, cache):
    for _ in range(n_tokens):
        newest = model(ids[:, -1:], cache=cache)[:, -1:].argmax(dim=-1)
        ids = torch.cat([ids, newest], dim=1)
    return ids


# %%
torch.manual_seed(run.seed)
talker = GPT(GPTConfig(vocab_size=500, max_len=256, d_model=64, n_heads=4, n_layers=4)).eval()
N_WRITTEN = 128
text = torch.randint(500, (1, N_WRITTEN), generator=make_generator(run.seed))
ways, seconds, results = {}, {}, {}
ways["score, all at once"] = lambda: talker(text)
ways["write, with a cache"] = lambda: write_with_cache(
    talker, text[:, :1], N_WRITTEN - 1, talker.make_cache(n_sequences=1)
)
ways["write, plain"] = lambda: greedy_decode(talker, text[:, :1], N_WRITTEN - 1)
with torch.no_grad():
    for name, way in ways.items():
        measured = []
        for _ in range(3):
            start = time.perf_counter()
            results[name] = way()
            measured.append(time.perf_counter() - start)
        seconds[name] = min(measured)
        print(
            f"{name:20} {1000 * seconds[name]:7.1f} ms, {seconds[name] / min(seconds.values()):5.0f} ×"
        )
assert torch.equal(results["write, with a cache"], results["write, plain"])
print("Both ways of writing gave the same tokens.")

# %% [markdown]
# The cache changes nothing in the result. It costs memory: keys and values of all tokens, in all layers. (For so small a model and so short a text the gain is small, because much of the time goes into calling torch at all.)
#
# ### And long texts?
#
# Attention reaches any place in one step. But a model with learned positions knows only the places it was trained on. We train on rows of 6 to 24 random letters and test on longer ones, for which the model has room (`max_len=64`). Two tasks: at the end of the row, say its **first** letter; or say the **fifth from the end**.
#
# **Predict.** Which of the two will go on working beyond 24 letters?


# %%
def draw_recall(n_rows, length, place, generator):
    letters = torch.randint(0, N_LETTERS, (n_rows, length), generator=generator)
    return torch.cat([letters, torch.full((n_rows, 1), N_LETTERS)], dim=1), letters[:, place]


def recall_loss(model, batch):
    return F.cross_entropy(model(batch[0])[:, -1], batch[1])


recall_lengths, recalled = (12, 18, 24, 30, 36, 48), {}
for task, place, n_steps in (("first", 0, 250), ("fifth from the end", -5, 500)):
    torch.manual_seed(run.seed)
    recaller = GPT(GPTConfig(vocab_size=13, max_len=64, d_model=32, n_heads=4, n_layers=2))
    generator = make_generator(run.seed)
    drawn = torch.randint(6, 25, (n_steps,), generator=generator).tolist()
    batches = (draw_recall(32, length, place, generator) for length in drawn)
    train_on_batches(
        recaller, batches, recall_loss, torch.optim.AdamW(recaller.parameters(), lr=0.003)
    )
    recalled[task] = []
    for length in recall_lengths:
        ids, letter = draw_recall(400, length, place, generator)
        with torch.no_grad():
            recalled[task].append(int((recaller(ids)[:, -1].argmax(dim=-1) == letter).sum()))
show(
    plot_panels(
        Panel(
            title="Trained on rows of up to 24 letters",
            axis_labels=("letters in the row", "share of right letters (n = 400 each)"),
            curves={
                task: Curve(x=recall_lengths, y=[n / 400 for n in counts])
                for task, counts in recalled.items()
            },
            levels={"guessing": 1 / N_LETTERS},
            y_range=(0, 1.05),
        )
    ),
    alt="Share of right letters against the length of the row, 12 to 48. "
    + ". ".join(
        f"{task}: " + ", ".join(f"{n / 400:.2f}" for n in counts)
        for task, counts in recalled.items()
    ),
)

# %% [markdown]
# "First" needs only the place 0, which was there in every row of the training. "Fifth from the end" needs to know where the end is, and the places beyond 24 were never trained: the model falls to guessing at once. And outside `max_len` there is nothing at all.
#
# **What we learnt.** Training is parallel in the places of a text. Writing is not; a cache makes it bearable. Attention reaches far, but only among places that were trained.

# %% [markdown]
# ## 7 · Proof one: it is GPT-2
#
# *(core)*
#
# From-scratch code usually *resembles* the real thing. How would you know whether it *is* it? Give both the same weights, and compare the numbers that come out. Hugging Face's `transformers` has the reference. We make a tiny GPT-2 there, with random weights and odd sizes (nothing is downloaded), and turn
# it into ours.

# %%
from transformers import GPT2Config, GPT2LMHeadModel

torch.manual_seed(run.seed)
sizes = {"vocab_size": 53, "n_positions": 31, "n_embd": 36, "n_layer": 3, "n_head": 3}
sizes |= {"bos_token_id": 0, "eos_token_id": 0}
theirs = GPT2LMHeadModel(GPT2Config(**sizes))
theirs = theirs.double().eval()
theirs.loss_type = "ForCausalLM"  # or it prints that it guesses so
with torch.no_grad():
    for parameter in theirs.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))  # norms and offsets, too
ours = gpt_from_hf(theirs)
ids = torch.randint(53, (4, 29), generator=make_generator(run.seed))
with torch.no_grad():
    difference = (ours(ids) - theirs(ids).logits).abs().max().item()
    hf_loss = theirs(ids, labels=ids).loss
    ours_loss = next_token_loss(ours(ids), ids)
print(f"largest difference of {4 * 29 * 53:,} logits: {difference:.1e}")
print(f"losses: ours {ours_loss:.5f}, theirs {hf_loss:.5f}")
assert difference < 1e-10

# %% [markdown]
# The labels were `ids`, not shifted: their model shifts by itself, as `next_token_loss` does. (Behind the fifth decimal the losses differ, because theirs computes it in 32-bit numbers.)
#
# To see what such a proof is worth, break something. Each of these changes is a small slip of the kind that tutorials make, and none of them raises an error:

# %%
# NBVAL_CHECK_OUTPUT
slips = {
    "norm's eps 1e-12 instead of 1e-5": lambda m: setattr(m.final_norm, "eps", 1e-12),
    "exact GELU instead of tanh": lambda m: setattr(m.blocks[0].feedforward, "activation", F.gelu),
    "one position further": lambda m: m.positions.weight.data.copy_(m.positions.weight.roll(1, 0)),
    "query and key swapped": lambda m: m.blocks[0].attention.qkv.weight.data.copy_(
        m.blocks[0].attention.qkv.weight.unflatten(0, (3, 36))[[1, 0, 2]].flatten(0, 1)
    ),
}
with torch.no_grad():
    for name, slip in slips.items():
        broken = gpt_from_hf(theirs)
        slip(broken)
        found = (broken(ids) - theirs(ids).logits).abs().max().item() > 1e-10
        print(f"{name:34} found: {found}")

# %% [markdown]
# All found, even the first, which moves the logits only far behind the comma. A loss curve would have shown none of them.
#
# From here on, `GPT.from_pretrained("openai-community/gpt2")` is nothing new: the same code, with weights that somebody has trained.
#
# **What we learnt.** Equal weights, equal numbers: that is a proof of an implementation. "The loss goes down" is not.

# %% [markdown]
# ## 8 · Other shapes: trees and storeys
#
# *(optional)*
#
# ### A network along a parse
#
# Two words that sound alike: a **recurrent** network reads from left to right; a **recursive** one follows a *tree*. The vector of a phrase is computed from those of its two parts, with the same weights everywhere (Socher et al. 2013). What is it good for? For meaning that depends on what belongs to what. In
# "(not (good and dull))" the "not" turns the whole bracket around; in "((not good) and dull)" only a half.
#
# We make phrases: a word is good (+1), bad (−1) or neither (0); two parts add up, cut off at ±1; "not" turns the sign. The bag of words sees how often each word occurs, brackets included, but not where.

# %%
MOODS = (0, 1, 1, 1, -1, -1, -1, 0, 0, 0)  # of ten words; word 0 is "not"


def grow(depth, rng):
    if depth == 0 or rng.random() < 0.15:
        return int(rng.integers(1, 10))
    return (0 if rng.random() < 0.35 else grow(depth - 1, rng), grow(depth - 1, rng))


def mood(tree):
    if isinstance(tree, int):
        return MOODS[tree]
    total = -mood(tree[1]) if tree[0] == 0 else mood(tree[0]) + mood(tree[1])
    return max(-1, min(1, total))


def leaves(tree):
    return [tree] if isinstance(tree, int) else [10, *leaves(tree[0]), *leaves(tree[1])]


def bag(trees):
    return torch.stack([torch.bincount(torch.tensor(leaves(tree)), minlength=11) for tree in trees])


# %%
rng = np.random.default_rng(run.seed)
phrases = {"train": 1200, "test": 400}
phrases = {name: [grow(3, rng) for _ in range(n)] for name, n in phrases.items()}
phrases["deeper trees"] = [grow(5, rng) for _ in range(400)]
moods = {name: torch.tensor([mood(t) + 1 for t in trees]) for name, trees in phrases.items()}
torch.manual_seed(run.seed)
tree_network = TreeNetwork(TreeNetworkConfig(vocab_size=10, n_classes=3, d_model=12))
bag_network = nn.Sequential(nn.Linear(11, 64), nn.ReLU(), nn.Linear(64, 3))
readers = {
    "bag of words": (bag_network, lambda trees: bag_network(bag(trees).float())),
    "recursive network": (tree_network, tree_network),
}
mood_right = {}
for name, (network, read) in readers.items():
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01)
    for _ in range(run.pick(small=250, t4=2000)):
        chosen = rng.integers(0, 1200, 32)
        logits = read([phrases["train"][i] for i in chosen])
        loss = F.cross_entropy(logits, moods["train"][chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for split in ("test", "deeper trees"):
        with torch.no_grad():
            n_right = int((read(phrases[split]).argmax(dim=-1) == moods[split]).sum())
        mood_right[name, split] = n_right
        low, high = proportion_interval(n_right, 400)
        print(f"{name:18} {split:13} {n_right / 400:.1%} [{low:.1%}, {high:.1%}], n = 400")

# %% [markdown]
# The tree must be *given*, by a parser or by hand. That, and that trees cannot be computed side by side as easily as rows, is why you meet such networks rarely today.
#
# ### A document in two storeys
#
# Attention costs $T^2$. A document of 12 sentences with 8 words has $96^2 = 9216$ scores. A **hierarchical** model has two storeys: a first encoder reads each sentence by itself ($12 \cdot 8^2 = 768$ scores) and makes one vector of it; a second reads the 12 vectors ($144$).
#
# The task: each sentence has one word that belongs to one of two topics; which of them do most sentences have? Beside it, the usual way out of long documents: cut off after 24 words.


# %%
N_SENTENCES, N_WORDS = 12, 8


def draw_documents(n, generator):
    topic, key = (torch.randint(k, (n, N_SENTENCES), generator=generator) for k in (2, 5))
    words = torch.randint(10, 40, (n, N_SENTENCES, N_WORDS), generator=generator)
    place = torch.randint(N_WORDS, (n, N_SENTENCES, 1), generator=generator)
    return words.scatter(2, place, (key + 5 * topic)[..., None]), (topic.sum(dim=1) > 6).long()


def make_reader(n_tokens):
    torch.manual_seed(run.seed)
    size = {"d_model": 32, "n_heads": 2, "n_layers": 1, "d_ff": 64}
    words = BERT(BERTConfig(vocab_size=40, max_len=n_tokens, **size))
    return nn.ModuleDict({"words": words, "parts": make_parts(1, 32), "end": nn.Linear(32, 2)})


def read_storeys(reader, documents):
    sentences = reader["words"].hidden(documents.flatten(0, 1)).mean(dim=1)
    upstairs = sentences.unflatten(0, documents.shape[:2])
    return reader["end"](run_stack(reader["parts"], upstairs, pre_norm_block, None).mean(dim=1))


def read_flat(reader, documents, n_tokens):
    seen = documents.flatten(1)[:, :n_tokens]
    return reader["end"](reader["words"].hidden(seen).mean(dim=1))


def document_loss(read):
    return lambda reader, batch: F.cross_entropy(read(reader, batch[0]), batch[1])


# %%
designs = {
    "two storeys": (N_WORDS, read_storeys, 12 * 8**2 + 12**2),
    "flat, all 96 words": (96, lambda r, d: read_flat(r, d, 96), 96**2),
    "flat, cut off at 24": (24, lambda r, d: read_flat(r, d, 24), 24**2),
}
documents_right = {}
n_steps = run.pick(small=200, t4=1000)
for name, (n_tokens, read, n_scores) in designs.items():
    reader, generator = make_reader(n_tokens), make_generator(run.seed)
    optimizer = torch.optim.AdamW(reader.parameters(), lr=0.003)
    batches = (draw_documents(32, generator) for _ in range(n_steps))
    train_on_batches(reader, batches, document_loss(read), optimizer)
    documents, answers = draw_documents(400, generator)
    with torch.no_grad():
        n_right = int((read(reader, documents).argmax(dim=-1) == answers).sum())
    documents_right[name] = (n_right, n_scores)
    low, high = proportion_interval(n_right, 400)
    print(f"{name:20} {n_scores:5,} scores: {n_right / 400:.1%} [{low:.1%}, {high:.1%}], n = 400")

# %% [markdown]
# The second storey sees the whole document at a tenth of the cost. What it cannot do is compare two *words* of different sentences.
#
# **What we learnt.** Trees help where meaning follows brackets; storeys help where texts are long. Both put knowledge about the text into the shape of the model.

# %% [markdown]
# ## Known truth
#
# ### Proof two: below the n-gram, above the floor
#
# In lesson 00 a 5-gram read stories whose exact probabilities we know, and stayed far above the entropy floor. We promised that attention would be measured against the same floor. Here it is, in the whole
# world, all twelve plots. Both models read the same stories, each of them once, with the same words, and are tested on the same stories that neither has seen.

# %%
world = load("storyworld", size=2_200, seed=run.seed)
train_stories, test_stories = world["train"]["tokens"], world["test"]["tokens"]
story_vocabulary = Vocabulary.from_sentences(train_stories)
ngram = KneserNeyModel(KneserNeyConfig(order=5)).fit(train_stories, story_vocabulary)
n_test_tokens = sum(len(tokens) for tokens in test_stories)
ngram_token_nats = [-ngram.token_log_probs([ngram.encode(tokens)]) for tokens in test_stories]
ngram_nats = np.array([nats.sum() for nats in ngram_token_nats])
story_floor = storyworld.floor(world["test"])
print(f"{len(train_stories):,} stories to learn from, {len(test_stories)} to be tested on")
print(f"{ngram.vocab_size:,} tokens; ln V = {math.log(ngram.vocab_size):.2f}")
print(f"5-gram: {ngram_nats.sum() / n_test_tokens:.3f} nats per token; floor {story_floor:.3f}")


# %%
def pad_stories(stories):
    rows = [torch.tensor([ngram.end_id, *ngram.encode(tokens)]) for tokens in stories]
    ids = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=ngram.end_id)
    return ids, torch.arange(ids.shape[1]) < torch.tensor([len(row) for row in rows])[:, None]


def cut_batch(ids, mask, rows):
    longest = int(mask[rows].sum(dim=1).max())
    return ids[rows, :longest], mask[rows, :longest]


train_ids, train_mask = pad_stories(train_stories)
test_ids, test_mask = pad_stories(test_stories)

# %% [markdown]
# One reading is little to learn from, and we have a quarter of a minute. With the GPT of section 4 and the loop of section 2, that is not enough. So we take two steps forward, which later lessons explain:
#
# - The optimiser is **Muon**, for the matrices inside the blocks; AdamW does the rest. Lesson 05b shows what it does. In the loop it is *one line*; the other lines are yours from section 2.
# - The model is the library's `ModernGPT`. It is a decoder like the GPT: residual stream, pre-norm, attention, feed-forward layer. What is new: rotary positions (lesson 03), each token knows a little of the one before, and a
#   start at which no block says anything yet. Lesson 05c measures what such changes buy.
#
# What each step buys was recorded (`benchmarks/README.md`; the same stories, once through, two blocks of width 64, the best of two or three learning rates each, one seed), in nats per token of new stories:
#
# | | AdamW | Muon |
# |---|---|---|
# | GPT | 2.91 | 1.80 |
# | ModernGPT | 2.30 | computed below |
#
# Each story begins with the end token of the one before, so that its first word is asked for, too.
#
# **Predict.** Four stories a step, once through the text: will it beat the 5-gram? By how much? Will it reach the floor? And what will its first loss be, exactly? (The output matrix begins with zeros.)

# %%
torch.manual_seed(run.seed)
storyteller = ModernGPT(
    ModernGPTConfig(vocab_size=ngram.vocab_size, d_model=64, n_heads=2, n_layers=2)
)
muon = MuonConfig(
    learning_rate=0.04,
    momentum=0.85,
    precision="float32",
    adamw=AdamWConfig(learning_rate=0.1, beta2=0.95),
)
generator, per_round = make_generator(run.seed), len(train_ids) // 4
n_steps = run.pick(small=per_round, t4=4 * per_round)
chosen = torch.cat(
    [
        torch.randperm(len(train_ids), generator=generator)[: 4 * per_round].reshape(-1, 4)
        for _ in range(math.ceil(n_steps / per_round))
    ]
)
optimizer = make_optimizer(storyteller, muon)  # instead of torch.optim.AdamW(…)
story_losses = []
for rows, share in zip(chosen[:n_steps], rates(n_steps, peak=1.0), strict=True):
    ids, mask = cut_batch(train_ids, train_mask, rows)
    loss = next_token_loss(storyteller(ids), ids, mask)
    optimizer.zero_grad()
    loss.backward()
    for group in optimizer.param_groups:  # Muon's and AdamW's, each with a rate of its own
        group["lr"] = share * group["initial_lr"]
    optimizer.step()
    story_losses.append(loss.item())
print(f"{count_parameters(storyteller).total:,} parameters, {n_steps} steps")
print(f"loss {story_losses[0]:.2f} → {np.mean(story_losses[-10:]):.2f} nats per token")


# %%
@torch.no_grad()
def story_surprise(model, ids, mask):
    surprise = F.cross_entropy(model(ids)[:, :-1].mT, ids[:, 1:], reduction="none")
    return (surprise * mask[:, 1:]).double()


storyteller.eval()
surprise = torch.cat(
    [
        story_surprise(storyteller, test_ids[rows], test_mask[rows])
        for rows in torch.arange(len(test_ids)).split(8)
    ]
)
gpt_nats = surprise.sum(dim=1).numpy()
gpt_loss, ngram_loss = (nats.sum() / n_test_tokens for nats in (gpt_nats, ngram_nats))
smooth = np.convolve(story_losses, np.ones(15) / 15, "valid")
show(
    plot_losses(
        {
            "GPT, while training": (range(len(smooth)), smooth),
            "GPT, new stories": ([0, n_steps], [gpt_loss] * 2),
            "5-gram, new stories": ([0, n_steps], [ngram_loss] * 2),
        },
        story_floor,
        title="A mini-Transformer in the story world",
    ),
    alt=f"Loss of the GPT over {n_steps} steps, falling from {smooth[0]:.1f} to {smooth[-1]:.2f} nats per "
    f"token. Levels on new stories: 5-gram {ngram_loss:.2f}, GPT {gpt_loss:.2f}, entropy floor {story_floor:.2f}.",
)

# %%
gain = ngram_nats - gpt_nats
low, high = bootstrap_interval(gain)
print(
    f"new stories: 5-gram {ngram_loss:.3f}, GPT {gpt_loss:.3f}, floor {story_floor:.3f} nats per token"
)
print(f"GPT saves {gain.mean():.0f} nats a story [{low:.0f}, {high:.0f}], n = {len(gain)} stories")
left = (gpt_loss - story_floor) / (ngram_loss - story_floor)
print(f"of the 5-gram's distance to the floor, {left:.0%} are left")
assert low > 0

# %% [markdown]
# It beats the 5-gram, and it does not reach the floor. Where does it gain? A 5-gram knows a place by the four words before it. So sort all words of the new stories: did these four ever stand together in the training stories, or not?


# %%
def fours_before(tokens):
    padded = [None] * 4 + list(tokens)
    return [tuple(padded[t : t + 4]) for t in range(len(tokens))]


known_fours = {four for tokens in train_stories for four in fours_before(tokens)}
is_known = [[four in known_fours for four in fours_before(tokens)] for tokens in test_stories]
by_story = [
    np.array([spent[: len(tokens)], row[: len(tokens)].numpy()])
    for spent, row, tokens in zip(ngram_token_nats, surprise, test_stories, strict=True)
]
for name, wanted in {"seen before": True, "never seen": False}.items():
    kept = [nats[:, np.array(k) == wanted] for nats, k in zip(by_story, is_known, strict=True)]
    by_ngram, by_gpt = np.concatenate(kept, axis=1).mean(axis=1)
    saved = np.array([(nats[0] - nats[1]).sum() for nats in kept])
    low, high = bootstrap_interval(saved)
    print(
        f"four words {name}: 5-gram {by_ngram:.2f}, GPT {by_gpt:.2f} nats per token, "
        f"n = {sum(nats.shape[1] for nats in kept):,}; GPT saves {saved.mean():.1f} a story [{low:.1f}, {high:.1f}]"
    )

# %% [markdown]
# Where the four words are known, counting is good: the 5-gram is even better. Where they are new, it must fall back on three words, or two; the GPT does not need to have seen the very same words. Its whole gain comes from there. It is
# called **generalisation**: words with similar vectors are treated alike.
#
# And does it remember? Look at the word that brings back a thing mentioned long before.

# %%
returned = [
    row["tokens"][row["callback"]["return_token"]] for row in world["train"] if row["callback"]
]
returns = [
    (
        ngram_token_nats[number][row["callback"]["return_token"]],
        float(surprise[number, row["callback"]["return_token"]]),
        -row["token_log_probs"][row["callback"]["return_token"]],
    )
    for number, row in enumerate(world["test"])
    if row["callback"]
]
for name, costs in zip(("5-gram", "GPT", "generator"), np.array(returns).T, strict=True):
    low, high = bootstrap_interval(costs)
    print(f"{name:10} the returning word costs {costs.mean():.2f} nats [{low:.2f}, {high:.2f}]")
shares = np.unique(returned, return_counts=True)[1] / len(returned)
print(f"n = {len(returns)} returns; {len(shares)} words return in the training stories,")
print(f"who guesses among them by frequency pays {-(shares * np.log(shares)).sum():.2f} nats")

# %% [markdown]
# It does not. It has learned that one of these words must come, which the 5-gram often cannot see, but not which. Attention *could* look it up; lesson 03 trained a reader on just that, and it did. But a way that is open is not yet a habit: one reading of mixed stories has not made it one. That is part of what stands between this model and the floor.
#
# And it can tell a story. Greedy, from the first six words of one that it has not seen:

# %%
told = greedy_decode(storyteller, test_ids[:1, :7], 90, end_id=ngram.end_id)
print(" ".join(ngram.decode(told[0, 1:].tolist())).split(" </s>")[0])

# %% [markdown]
# Read it critically: are the people the same at the end? Does what happens still fit the beginning? Who says what? The loss is an average; a story is not.
#
# ## Real text
#
# Now news again, character by character: 300 short reports. A GPT of two blocks reads 64 characters back, a 5-gram four. Both are asked the same questions: the last 32 characters of windows from reports that they have not read.
#
# **Predict.** The GPT trains for some seconds. Who wins?

# %%
news = [document.lower() for document in load("lee-news").documents]
alphabet = sorted(set("".join(news)))
train_news, test_news = " ".join(news[:270]), " ".join(news[270:])
as_ids = [torch.tensor([alphabet.index(c) for c in text]) for text in (train_news, test_news)]
WINDOW, ASKED = 64, 32
starts = torch.arange(0, len(as_ids[1]) - WINDOW - 1, ASKED)
test_windows = as_ids[1][starts[:, None] + torch.arange(WINDOW + 1)]


def draw_windows(n_rows, generator):
    begin = torch.randint(len(as_ids[0]) - WINDOW - 1, (n_rows, 1), generator=generator)
    windows = as_ids[0][begin + torch.arange(WINDOW + 1)]
    return windows, torch.ones_like(windows, dtype=torch.bool)


# %%
torch.manual_seed(run.seed)
reporter = GPT(
    GPTConfig(vocab_size=len(alphabet), max_len=WINDOW + 1, d_model=64, n_heads=4, n_layers=2)
)
generator, n_steps = make_generator(run.seed), run.pick(small=220, t4=5000)
news_batches = (draw_windows(16, generator) for _ in range(n_steps))
news_losses = train_language_model(reporter, news_batches, rates(n_steps, peak=0.004))
reporter.eval()
with torch.no_grad():
    logits = torch.cat([reporter(windows[:, :-1]) for windows in test_windows.split(256)])
news_nats = F.cross_entropy(logits.mT, test_windows[:, 1:], reduction="none")[:, -ASKED:]

as_letters = [list(document) for document in news[:270]]
speller = KneserNeyModel(KneserNeyConfig(order=5)).fit(
    as_letters, Vocabulary.from_sentences(as_letters)
)
asked_windows = [speller.encode([alphabet[i] for i in row]) for row in test_windows.tolist()]
speller_nats = -speller.token_log_probs(asked_windows).reshape(len(asked_windows), -1)
news_scores = {
    "5-gram": speller_nats[:, -ASKED - 1 : -1].mean(axis=1),
    "GPT": news_nats.mean(dim=1).double().numpy(),
}
news_scores = {name: (nats.mean(), *bootstrap_interval(nats)) for name, nats in news_scores.items()}
for name, (loss, low, high) in news_scores.items():
    print(f"{name:7} {loss:.3f} nats per character [{low:.3f}, {high:.3f}]")
print(f"n = {len(test_windows)} windows; one round of training has {len(as_ids[0]):,} characters")

# %%
show(
    plot_scores(
        {"news, held out": news_scores},
        title="The same questions to both",
        unit="loss in nats per character (lower is better), 95 % interval",
    ),
    alt="Losses with intervals. "
    + ", ".join(f"{name} {loss:.2f}" for name, (loss, _, _) in news_scores.items()),
)

# %% [markdown]
# With so little training the n-gram wins on real text: it has counted all that there is to count, in a second. The Transformer has only begun; it has to *learn* even that "q" likes "u". Give it a hundred times the steps and a larger text, and the order turns round: that is what the rest of this course does. A model is never
# good or bad by itself, but with so much data and so much computation.

# %% [markdown]
# ## On a GPU
#
# More stories, many times through them, and the GPT of section 4 with the loop of section 2, wider and deeper: how far does the recipe of 2019 get if it has the time? Without a GPU you see what was recorded, if anything was.

# %% tags=["gpu"]
if run.gpu_cell:
    size, sizes = run.pick(
        small=(60, {"d_model": 16, "n_heads": 2, "n_layers": 1}),
        t4=(20_000, {"d_model": 256, "n_heads": 8, "n_layers": 4}),
        full=(100_000, {"d_model": 384, "n_heads": 6, "n_layers": 8}),
    )
    whole = load("storyworld", size=size, seed=run.seed)
    ngram = KneserNeyModel(KneserNeyConfig(order=5)).fit(
        whole["train"]["tokens"], Vocabulary.from_sentences(whole["train"]["tokens"])
    )
    ids, mask = (part.to(run.device) for part in pad_stories(whole["train"]["tokens"]))
    new_ids, new_mask = (part.to(run.device) for part in pad_stories(whole["test"]["tokens"]))
    torch.manual_seed(run.seed)
    big = GPT(GPTConfig(vocab_size=ngram.vocab_size, max_len=256, **sizes)).to(run.device)
    n_steps, n_rows = run.pick(small=(2, 4), t4=(3000, 64), full=(10_000, 128))
    generator = make_generator(run.seed)
    draws = (torch.randint(len(ids), (n_rows,), generator=generator) for _ in range(n_steps))
    big_batches = (cut_batch(ids, mask, rows.to(run.device)) for rows in draws)
    big_losses = train_language_model(big, big_batches, rates(n_steps, peak=0.001, n_warmup=100))
    big.eval()
    rows = torch.arange(len(new_ids), device=run.device).split(64)
    nats = sum(float(story_surprise(big, new_ids[r], new_mask[r]).sum()) for r in rows)
    n_tokens = sum(len(tokens) for tokens in whole["test"]["tokens"])
    by_ngram = -sum(ngram.log_prob(ngram.encode(tokens)) for tokens in whole["test"]["tokens"])
    result = {
        "parameters": count_parameters(big).total,
        "GPT, nats per token": nats / n_tokens,
        "5-gram, nats per token": by_ngram / n_tokens,
        "floor, nats per token": storyworld.floor(whole["test"]),
    }
    recorded = run.record("04-whole-story-world", result)
else:
    recorded = run.recorded("04-whole-story-world")
for name, value in recorded.result.items():
    print(f"{name}: {value:,.3f}")

# %% [markdown]
# ## Exercises
#
# They stand where they belong in the sections above:
#
# | | level | section |
# |---|---|---|
# | `next_token_loss` | core | [1 · Every token is a question](#1-·-Every-token-is-a-question) |
# | `train_language_model` | core | [2 · The training loop, line by line](#2-·-The-training-loop,-line-by-line) |
# | `layer_norm` | easy | [3 · The block](#Layer-norm) |
# | `pre_norm_block` | core | [3 · The block](#Before-or-after?) |
# | `count_gpt_parameters` | core | [4 · One block, three models](#Counting) |
# | `greedy_decode` | core | [4 · One block, three models](#Writing) |
#
# Seven more without a check, if you like:
#
# - *Easy.* Multiply the fresh token vectors of a GPT by 50. What is its loss before the first step? Why?
# - *Core.* Train the reverser without its mask and with `ROW = 4`. Does it still cheat? Is there anything to gain from cheating?
# - *Core.* Replace `nn.LayerNorm` in `make_parts` by `RMSNorm` from `course_lib.nn`. Does the copier notice?
# - *Core.* In *Known truth*, take out the warm-up (`n_warmup=1`); then the decay (`decay_from=0.99`). Which costs more?
# - *Core.* In *Known truth*, let the GPT read the stories four times (`n_steps = 4 * per_round`, more than a minute). How far down does the loss go? Which of the two groups of words gains? And the word that returns?
# - *Core.* In *Known truth*, let both read half as many stories (`size=1_100`), then only one plot of the twelve (`plots=["bargain"]`). Who suffers from less text, who gains from a smaller world, and why?
# - *Stretch.* Give the encoder–decoder of section 4 a cache (`make_cache`), and decode with it. The rows must stay the same.

# %% [markdown]
# ## In your own words
#
# A friend writes: "My Transformer from scratch works! The training loss went from 4.1 to 0.01." Answer in five sentences or fewer: what would you like to see before you believe it?
#
# <details><summary>What a good answer contains</summary>
#
# - Whether it writes right answers by itself, greedily, on examples it has not seen: a leak (no mask, labels shifted wrongly) gives a wonderful loss, too.
# - A test of the mask: change the future, and the past must stay the same.
# - The loss before the first step: is it $\ln V$?
# - The same numbers as a reference implementation with the same weights; and a baseline, an n-gram, on the same text.
#
# Three of the four is good.
#
# </details>

# %% [markdown]
# <!-- @answer it-works -->
# *Write your answer here: double-click this cell.*

# %% [markdown]
# ## Claims, tested
#
# Seven sentences that you will read elsewhere. Each was tested in this lesson.
#
# ### “A low loss proves that the model works.”
#
# **False.** Without its mask, a decoder reads the answer from its input. The loss is as low as can be; the writing is wrong:

# %%
for name, n_right in reversed_right.items():
    print(f"{name:15} loss {teacher_losses[name]:.4f}, rows right {n_right / len(source):.1%}")

# %% [markdown]
# ### “BERT is an autoencoder that compresses the text and then generates it.”
#
# **False.** It has no bottleneck, and it mends gaps. From left to right it writes nothing sensible; given the length, it can fill in a whole sentence.

# %%
print(f"numbers in: {known[:1].numel()}, numbers inside: {inside.numel()}")
for name, n_right in written_right.items():
    print(f"{name:20} grammatical {n_right / 300:.1%}")

# %% [markdown]
# ### “Transformers work in parallel, so they write fast.”
#
# **Half true.** They *train* and *score* in parallel. They write one token after the other.

# %%
for name, duration in seconds.items():
    print(f"{name:20} {duration / seconds['score, all at once']:5.0f} × the time of scoring")

# %% [markdown]
# ### “Transformers handle long texts.”
#
# **Imprecise.** Any distance is one step. But with learned positions, what depends on places that were not trained falls to guessing:

# %%
for task, counts in recalled.items():
    shares = zip(recall_lengths, counts, strict=True)
    print(f"{task:18}", ", ".join(f"{n / 400:.0%} of {length}" for length, n in shares))

# %% [markdown]
# (Relative positions, such as ALiBi, were made for this: Press, Smith and Lewis 2021.)
#
# ### “The core of the Transformer is self-attention, positions and several heads.”
#
# **Incomplete.** It leaves out the residual stream, without which the deep stack learns nothing; the norms; and the feed-forward layer, the largest part of GPT-2's blocks:

# %%
for name, nats in copy_losses.items():
    print(
        f"{name:16} loss in the middle {np.mean(nats[50:60]):.2f}, at the end {np.mean(nats[-10:]):.2f}"
    )
share = counted["blocks.feedforward"] / sum(n for part, n in counted.items() if "blocks" in part)
print(f"share of the feed-forward layers in the blocks of GPT-2 small: {share:.1%}")

# %% [markdown]
# ### “Recursive networks are recurrent networks.”
#
# **False.** A recursive network follows a tree. That pays where meaning follows brackets, as with "not":

# %%
for (name, split), n_right in mood_right.items():
    print(f"{name:18} {split:13} {n_right / 400:.1%} right")

# %% [markdown]
# ### “Long documents must be cut off.”
#
# **False.** Two storeys read all of it for a tenth of the scores:

# %%
for name, (n_right, n_scores) in documents_right.items():
    print(f"{name:20} {n_scores:5,} scores, {n_right / 400:.1%} right")

# %% [markdown]
# ## Quiz

# %%
quiz("04")

# %% [markdown]
# In a notebook without buttons, answer like this: `answer_quiz("04", 2, "b")`.
#
# ## Summary

# %% [markdown]
# - A language model answers $T - 1$ questions per text. Logits at a place are about the next token: shift once, count what is asked, begin at $\ln V$.
# - A step is: measure, empty, backward, step. Back-propagation computes gradients, the optimiser uses them.
# - A block adds twice to a residual stream: what tokens gather, and what each of them thinks. Norms keep the sizes in hand.
# - Encoder, decoder and encoder–decoder are the same block with other masks and other questions.
# - Parameters can be counted with a pencil: $12 N D^2$, and the tables.
# - A loss under teacher forcing can lie. Let the model write; change the future; compare with a reference.
# - Equal weights, equal logits: our GPT is GPT-2.
# - In the story world a small GPT beats the 5-gram after one reading, because it need not have seen the same four words before; a floor tells how much is left. On real text, with the recipe of 2019 and little training, the 5-gram still wins.

# %% [markdown]
# ## Further reading
#
# - Vaswani et al. 2017, *Attention Is All You Need*, <https://arxiv.org/abs/1706.03762>: the encoder–decoder.
# - Radford et al. 2019, *Language Models are Unsupervised Multitask Learners*: GPT-2, the decoder of this lesson.
# - Devlin et al. 2018, *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding*, <https://arxiv.org/abs/1810.04805>.
# - He et al. 2015, *Deep Residual Learning for Image Recognition*, <https://arxiv.org/abs/1512.03385>: the addition that carries gradients.
# - Ba, Kiros and Hinton 2016, *Layer Normalization*, <https://arxiv.org/abs/1607.06450>; Xiong et al. 2020, *On Layer Normalization in the Transformer Architecture*,
#   <https://arxiv.org/abs/2002.04745>: before or after.
# - Shazeer 2019, *Fast Transformer Decoding: One Write-Head is All You Need*, <https://arxiv.org/abs/1911.02150>: fast to train, slow to write.
# - Press, Smith and Lewis 2021, *Train Short, Test Long*, <https://arxiv.org/abs/2108.12409>: positions beyond the training.
# - Brown et al. 2020, *Language Models are Few-Shot Learners*, <https://arxiv.org/abs/2005.14165>: table 2.1 has the sizes of GPT-3.
# - Socher et al. 2013, *Recursive Deep Models for Semantic Compositionality Over a Sentiment Treebank*, <https://aclanthology.org/D13-1170>.
# - Yang et al. 2016, *Hierarchical Attention Networks for Document Classification*, <https://aclanthology.org/N16-1174>.

# %%
run.summary()
