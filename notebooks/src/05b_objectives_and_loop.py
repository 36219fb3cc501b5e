# %% [markdown]
# # 05b · Objectives and a training loop you can trust
#
# **The question:** What does one step of pretraining optimise, and how do you know that a long run does what you asked?

# %% [markdown]
# ## You will be able to
#
# - write down the causal and the masked objective, say what share of the tokens each learns from, and mask 80/10/10 by hand;
# - define perplexity, know its floor, and measure it on texts longer than the model can see;
# - make gradient accumulation *equal* to one big batch, and recognise the two usual ways of getting it wrong;
# - choose a learning rate by a range test, and say what warm-up, clipping, AdamW, Muon, 16 bits and recomputation each buy;
# - stop a run and resume it bit for bit; and name six faults by the shape of their loss curves.

# %% [markdown]
# ## Before you start
#
# | | |
# |---|---|
# | Builds on | 00: entropy floor; A1: AdamW; 04: loss and mask, the training loop; 05a: batches, leaks |
# | Your time | about 80 minutes for the core sections, 10 more for the optional ones |
# | On a CPU | about a minute on one core, under 2 GB of memory |
# | On a GPU | not needed; the cell under *On a GPU* trains a model of GPT-2's size and counts tokens per second |

# %% [markdown]
# ## Recall
#
# Answer from memory, then open the answer.
#
# 1. One batch has 100 tokens and a mean loss of 3 nats; another has 900 tokens and a mean loss of 2 nats. What is the loss over both?
#
# <details><summary>Answer</summary>
#
# $(100 \cdot 3 + 900 \cdot 2) / 1000 = 2.1$ nats per token. Not 2.5: the mean of the means forgets how many tokens there are.
#
# </details>
#
# 2. What does AdamW remember from one step to the next?
#
# <details><summary>Answer</summary>
#
# For each parameter a running mean of the gradient and a running mean of its square; and the number of steps, which corrects both at the beginning.
#
# </details>
#
# 3. A model reaches a loss below the entropy floor. What do you do?
#
# <details><summary>Answer</summary>
#
# Search for the fault. In expectation no model can be less surprised than the source. There is a leak, or the loss is computed wrongly.
#
# </details>

# %% [markdown]
# ## Set-up

# %%
# @setup

# %% [markdown]
# The imports. You will write five functions of the loop yourself; the rest of it is the library's `train`.

# %%
import math
import tempfile
from copy import deepcopy
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F

from course_lib.compute import peak_flops_per_second
from course_lib.data import load, storyworld
from course_lib.data.batches import InOrder, PackedBatches, PaddedBatches
from course_lib.data.pretraining import pack_documents
from course_lib.evaluation import bootstrap_interval, mean_and_sd, perplexity, proportion_interval
from course_lib.evaluation.sliding import sliding_nats
from course_lib.lesson import answer_quiz, check, hint, quiz
from course_lib.models import BERT, GPT, BERTConfig, GPTConfig
from course_lib.nn.next_token import next_token_loss
from course_lib.plotting import show, use_course_style
from course_lib.plotting.curves import Curve, Panel, plot_panels
from course_lib.seeding import make_generator
from course_lib.tokenizers import BPETokenizer
from course_lib.training import (
    AdamWConfig,
    CausalLM,
    Checkpoints,
    LossSum,
    MaskedLM,
    MuonConfig,
    TrainingConfig,
    WarmupCosine,
    checkpoint_blocks,
    evaluate,
    list_checkpoints,
    newest_good,
    read_checkpoint,
    train,
    train_on_batches,
    write_checkpoint,
)
from course_lib.training.random_state import random_state

use_course_style()

# %% [markdown]
# ## 1 · The text is its own teacher
#
# *(core)*
#
# Nobody labels the text of a language model. One part of it is hidden, and the model is asked for it. The rest of the text is the question, the hidden part the answer. This is **self-supervised** learning: there are right answers, and the text itself provides them. Pretraining is this, on as much text
# as you can get.
#
# Which part is hidden is the **objective**. The **causal** objective hides everything to the right:
#
# $$L = -\sum_t \ln p(x_t \mid x_1, \ldots, x_{t-1})$$
#
# So the right answer at each place is the next token: the labels are the text, shifted by one. *Once.*
#
# ### A world for fast experiments
#
# In this lesson we shall train some fifty models, so each must take a second or two. Here is a world for that. It has four **dialects**, each a Markov chain (lesson 00) over the same 24 letters: a letter decides how likely each next one is, in each dialect differently. The first token of a text names its dialect.
# Everything is known, so we know the floor, too.

# %%
rng, N_TEXTS, PAD, MASK = np.random.default_rng(run.seed), 4000, 0, 1
transitions = rng.dirichlet(np.full(24, 0.15), size=(4, 24))  # (dialect, letter, next letter)
dialect, letters = rng.integers(4, size=N_TEXTS), [rng.integers(24, size=N_TEXTS)]
for _ in range(31):
    chances = transitions[dialect, letters[-1]].cumsum(axis=1)
    letters.append((chances > rng.random((N_TEXTS, 1))).argmax(axis=1))
letters, lengths = np.stack(letters, axis=1), rng.integers(8, 33, size=N_TEXTS)
texts = [
    [2 + int(mark), *(6 + row[:n]).tolist()]
    for mark, row, n in zip(dialect, letters, lengths, strict=True)
]
train_texts, test_texts = texts[400:], texts[:400]
surprise = -np.log(transitions[dialect[:, None], letters[:, :-1], letters[:, 1:]])
in_text = np.arange(31) < lengths[:, None] - 1
floor = (400 * math.log(24) + surprise[:400][in_text[:400]].sum()) / lengths[:400].sum()
print(f"{len(train_texts)} texts to learn from, {len(test_texts)} to be tested on; for example")
print("dialect", texts[0][0] - 2, ":", "".join(chr(97 + i - 6) for i in texts[0][1:]))
print(f"floor: {floor:.3f} nats per token; ln 24 = {math.log(24):.3f}")

# %% [markdown]
# (The first letter is drawn evenly, so it costs $\ln 24$ whoever asks.) A GPT of two blocks, 32 wide, the settings of a run, and the library's loop:


# %%
def new_gpt(seed=run.seed, **sizes):
    torch.manual_seed(seed)
    model = GPT(GPTConfig(vocab_size=30, max_len=40, d_model=32, n_heads=2, n_layers=2, **sizes))
    model.tokens.weight.data.mul_(5.0)  # as in lesson 04
    return model


def settings(rate=0.01, n_steps=150, n_warmup=15, **others):
    schedule = WarmupCosine(n_warmup=n_warmup)
    others.setdefault("optimizer", AdamWConfig(learning_rate=rate, beta2=0.95, weight_decay=0.1))
    return TrainingConfig(n_steps=n_steps, schedule=schedule, **others)


data = PaddedBatches(train_texts, n_rows=32, seed=run.seed)
held_out = InOrder(PaddedBatches(test_texts, n_rows=100))
gpt = new_gpt()
history = train(gpt, data, settings())
print(f"first loss {history.losses[0]:.2f}, ln V = {math.log(30):.2f}")
print(
    f"on new texts {evaluate(gpt, held_out).nats_per_token:.3f}; floor {floor:.3f} nats per token"
)

# %% [markdown]
# The first check of any run: the first loss. A model that knows nothing has about $\ln V$. Much more, and it begins with firm wrong opinions; much less, and it can see the answer. (Ours begins a little above, because we made its token vectors five times longer: that makes its first opinions a little firmer, and lets it learn sooner.)
#
# **What we learnt.** An objective hides a part of the text and asks for it. The causal one hides what comes next.

# %% [markdown]
# ## 2 · Hide and ask: the masked objective
#
# *(core)*
#
# BERT (Devlin et al. 2019) hides *some* tokens anywhere in the text, and the model may look at both sides. 15 % of the tokens are **chosen**. What becomes of a chosen token is drawn:
#
# - in 80 % of the cases, it is replaced by the token `[MASK]`;
# - in 10 %, by some random token;
# - in 10 %, it stays as it is.
#
# The model is asked for all the chosen ones, and only for them. Why not always the mask? Because no text that the model reads later will contain masks. A token that stands there may be wrong, so it must be doubted even where no mask is seen.
#
# **By hand.** The ids are 5 6 7 8, the first three are chosen, their draws are 0.3, 0.85 and 0.95, and the random tokens that would come in are 21, 22, 23. 0.3 is below 0.8: mask. 0.85 is in the next tenth: 22. 0.95: stays. The model reads `[MASK]` 22 7 8 and is asked for 5, 6 and 7.
#
# **Exercise (core).** Write it, for whole batches. Stuck? `hint("05b:mask_tokens")`.

# %%
# @exercise course_lib.training.masked:mask_tokens

# %%
mask_tokens = check("05b:mask_tokens", mask_tokens)

# %%
ids = torch.tensor([text[:13] for text in train_texts if len(text) >= 13])
draw = partial(torch.rand, ids.shape, generator=make_generator(run.seed))
chosen, draws = draw() < 0.15, draw()
random_ids = torch.randint(6, 30, ids.shape, generator=make_generator(run.seed + 1))
hidden = mask_tokens(ids, chosen, draws, random_ids, MASK)
n_chosen = int(chosen.sum())
counts = {
    "masked": int((hidden == MASK).sum()),
    "other token": int(((hidden != ids) & (hidden != MASK)).sum()),
}
for name, n in {**counts, "as it was": n_chosen - sum(counts.values())}.items():
    print(
        "{:12} {:.1%} [{:.1%}, {:.1%}]".format(
            name, n / n_chosen, *proportion_interval(n, n_chosen)
        )
    )
print(f"n = {n_chosen} chosen of {ids.numel()} tokens")

# %% [markdown]
# (A little less than 10 % are *other* tokens: sometimes the random token happens to be the same.)
#
# **Predict.** The same texts, the same size of model, the same number of steps: which objective learns more about the dialects? To compare, we need a question that both can be asked, and its floor. A causal model is asked for a letter, given those before it. The masked one is asked for a letter with both neighbours in sight, so
# it has more to go by. Its floor is lower, and known as well: in a Markov chain
#
# $$p(x_t \mid \mathrm{all\ others}) \propto p(x_t \mid x_{t-1}) \; p(x_{t+1} \mid x_t)$$

# %%
long = lengths[:400] >= 12  # ask for letter 5, with enough letters on both sides
before, here, after = letters[:400][long][:, 4:7].T
table = transitions[dialect[:400][long]]
rows = np.arange(long.sum())
both = table[rows, before] * table[rows, :, after]
one_sided = table[rows, before, here]
two_sided = both[rows, here] / both.sum(axis=1)
asked = torch.tensor([text[:13] for text, enough in zip(test_texts, long, strict=True) if enough])


sizes = {"vocab_size": 30, "max_len": 40, "d_model": 32, "n_heads": 2, "n_layers": 2}


def new_bert():
    torch.manual_seed(run.seed)
    model = BERT(BERTConfig(**sizes, d_ff=128))
    model.tokens.weight.data.mul_(5.0)
    return model


# %%
masked_lm = MaskedLM(mask_id=MASK, vocab_size=30, special_ids=(PAD, MASK, 2, 3, 4, 5))
n_long = run.pick(small=250, t4=3000)
objective_rows = []
for name, model, objective, best in (
    ("causal", new_gpt(), CausalLM(), one_sided),
    ("masked", new_bert(), masked_lm, two_sided),
):
    past = train(model, data, settings(n_steps=n_long), objective=objective)
    question = asked if name == "causal" else asked.index_fill(1, torch.tensor(6), MASK)
    with torch.no_grad():
        log_probs = model.eval()(question).log_softmax(-1)[:, 5 if name == "causal" else 6]
    nats = -log_probs[torch.arange(len(asked)), asked[:, 6]].double().numpy()
    n_read = sum(int(data[i].mask.sum()) for i in range(n_long))
    low, high = bootstrap_interval(nats)
    objective_rows.append(
        [
            f"{n_read:,}",
            f"{sum(past.n_tokens) / n_read:.0%}",
            f"{nats.mean():.2f} [{low:.2f}, {high:.2f}]",
            f"{-np.log(best).mean():.2f}",
        ]
    )
pd.DataFrame(
    objective_rows,
    index=["causal", "masked"],
    columns=["tokens read", "asked for", f"nats for letter 5, n = {len(asked)}", "its floor"],
)

# %% [markdown]
# Both read the same tokens. The causal model was asked for nearly all of them and is close to its floor. The masked one was asked for one in seven, and is not far from even guessing ($\ln 24 = 3.18$) when the other is nearly done: it needs many more steps. What it *can* learn is more, for its floor is lower: to use both sides. (Two caveats. It is a BERT, which differs from a GPT in more than the mask, for example in where the norms stand; and one seed is
# one run.)
#
# So the two are made for different uses. A causal model gives a probability to a whole text, and can write. A masked one gives each token a vector that knows both sides: for classifying and finding (lessons 07 and 08). RoBERTa is BERT with new masks drawn each time a text comes by, more text and more steps, and it was better (Liu et al. 2019). Our `MaskedLM` draws anew, too. RoBERTa also left
# out BERT's second objective, **next-sentence prediction**: two pieces of text, and the question whether the second follows the first in the document or comes from another one. Why that could be left out, you will measure in *Claims, tested*.
#
# **What we learnt.** The masked objective asks for 15 % of the tokens, of which 80 % are hidden, 10 % replaced, 10 % left.

# %% [markdown]
# ## 3 · Perplexity
#
# *(core)*
#
# The loss on new text, in nats per token, is often reported as **perplexity**:
#
# $$\mathrm{PPL} = \exp\left(\frac{\mathrm{summed\ nats}}{\mathrm{counted\ tokens}}\right)$$
#
# A perplexity of 7 means: as unsure as if there were 7 equally likely tokens at each place. A model that knows nothing has $\exp(\ln V) = V$. And the floor has a perplexity as well.
#
# **By hand.** Three tokens had the probabilities 1/2, 1/4, 1/8. The nats are $\ln 2 + \ln 4 + \ln 8 = 6 \ln 2$; per token $2 \ln 2$; the perplexity is $\exp(2 \ln 2) = 4$: the geometric mean of 2, 4 and 8, *not* their mean.
#
# (A masked model has no perplexity in this sense. Its answers come one place at a time, each with all the others in sight, and do not multiply to the probability of a text.)

# %%
found = evaluate(gpt, held_out)
print(f"model {found.perplexity:.2f}, floor {perplexity(floor):.2f}, even guessing {30:.2f}")

# %% [markdown]
# ### Long texts
#
# A model sees `max_len` tokens at a time. A longer text must be cut, and the cut has a price: the first tokens of each window have hardly any context, so they surprise more than they should. The way out: let windows **overlap**. Each further window moves on by a **stride**, reads again what stands before, and is asked only for the new tokens.
#
# **By hand**, for 9 ids, windows of 4, a stride of 2. Ids 0 to 3 are the first window; asked for: 1, 2, 3 (nothing stands before id 0). The next ends 2 later, so it holds 2 to 5 and is asked for 4 and 5. Then 4 to 7, asked for 6 and 7. One id is left: the last window ends with the text, holds 5 to 8, and is asked for 8. Each id but the first exactly once.
#
# As `(start, counted_from, end)`: (0, 1, 4), (2, 4, 6), (4, 6, 8), (5, 8, 9).
#
# **Exercise (core).** Write the cutting.

# %%
# @exercise course_lib.evaluation.sliding:sliding_windows

# %%
sliding_windows = check("05b:sliding_windows", sliding_windows)

# %%
# NBVAL_CHECK_OUTPUT
for stride in (31, 16, 8, 1):
    windows = sliding_windows(2000, 32, stride)
    contexts = np.array([i - w.start for w in windows for i in range(w.counted_from, w.end)])
    print(
        f"stride {stride:2}: {len(windows):4} windows; tokens before the one asked for: "
        f"median {np.median(contexts):.0f}, at least 15 for {np.mean(contexts >= 15):.0%}"
    )

# %% [markdown]
# A short stride gives every token a long context and costs many windows. So the *same* model on the *same* text has many perplexities. Under *Real text* you will measure how many. Report the stride.
#
# **What we learnt.** Perplexity is the exponential of nats per counted token. It has a floor, and for long texts it depends on the windows.

# %% [markdown]
# ## 4 · One step: add up, count, divide once
#
# *(core)*
#
# One optimiser step uses a gradient: the slope of the mean loss over all tokens of the step. Larger batches make a better estimate of it. If they do not fit in memory, the batch is cut into **micro-batches** whose gradients are added: **gradient accumulation**. With texts of different lengths there are three ways to do it, of which one is right:
#
# $$\frac{\sum_i L_i}{\sum_i n_i} \qquad\qquad \frac{1}{k} \sum_i \frac{L_i}{n_i} \qquad\qquad \sum_i \frac{L_i}{n_i}$$
#
# with $L_i$ the summed nats of micro-batch $i$ and $n_i$ its counted tokens. The first is the big batch. The second is the mean of means. The third forgets to divide at all.
#
# **Exercise (core).** Write the first. `compute_sum` gives you the sum and the count.

# %%
# @exercise course_lib.training.accumulation:accumulate_gradients

# %%
accumulate_gradients = check("05b:accumulate_gradients", accumulate_gradients)

# %% [markdown]
# **Predict.** Sixteen texts, sorted by length, in four micro-batches. How far are the two wrong gradients off, in per cent?


# %%
def causal_sum(model, batch):
    return CausalLM()(model, batch, make_generator(0))


def causal_mean(model, batch):
    return LossSum(causal_sum(model, batch).total / causal_sum(model, batch).n_counted, 1)


def as_vector(gradients):
    return torch.cat([gradient.flatten() for gradient in gradients])


exact = new_gpt().double()
step_texts = sorted(train_texts[:16], key=len)
in_step = PaddedBatches(step_texts, n_rows=16)
whole, micro = in_step.take(range(16)), [in_step.take(range(i, i + 4)) for i in range(0, 16, 4)]
_, big = accumulate_gradients(exact, [whole], causal_sum)
big = as_vector(big).clone()
_, right = accumulate_gradients(exact, micro, causal_sum)
right = as_vector(right).clone()
_, mean_of_means = accumulate_gradients(exact, micro, causal_mean)
mean_of_means = as_vector(mean_of_means).clone()
ways = {
    "summed, divided once": right,
    "mean of means": mean_of_means,
    "means added, not divided": 4 * mean_of_means,
}
accumulated = {
    name: {
        "relative error": ((way - big).norm() / big.norm()).item(),
        "length against the big batch": (way.norm() / big.norm()).item(),
    }
    for name, way in ways.items()
}
assert accumulated["summed, divided once"]["relative error"] < 1e-12
pd.DataFrame(accumulated).T.map("{:.2g}".format)

# %% [markdown]
# The right way agrees to the last digits of 64 bits. The third is four times too long, which a low clipping limit or AdamW may hide for a while. The second is the dangerous one: nothing looks wrong. It gives tokens in short texts more weight. In October 2024 it turned out that Hugging Face's `Trainer`, and many other programs, had done it this way (see *Claims, tested*).
#
# What does accumulation save? Let us count what the forward pass keeps for the backward pass.


# %%
def note(kept, x):
    kept.setdefault(x.untyped_storage().data_ptr(), (x.untyped_storage().nbytes(), x))
    return x


def saved_bytes(model, batch):
    kept = {p.untyped_storage().data_ptr(): (0, p) for p in model.parameters()}
    with torch.autograd.graph.saved_tensors_hooks(partial(note, kept), lambda x: x):
        causal_sum(model, batch)
    return sum(n_bytes for n_bytes, _ in kept.values())


n_weights = sum(p.numel() * p.element_size() for p in exact.parameters())
activations = {
    "one batch of 16": saved_bytes(exact, whole),
    "micro-batches of 4, the largest": max(saved_bytes(exact, batch) for batch in micro),
}
for name, n in activations.items():
    print(f"{name:32} keeps {n / 2**20:.2f} MB for the backward pass")
print(f"weights {n_weights / 2**20:.2f} MB, gradients as much, AdamW twice as much: unchanged")

# %% [markdown]
# Accumulation makes the *activations* smaller, and nothing else. It takes as long as the big batch, or a little longer.
#
# **What we learnt.** The loss of a step is a sum over its counted tokens, divided once by their number, however they were cut into batches.

# %% [markdown]
# ## 5 · How far to go
#
# *(core)*
#
# No setting matters as much as the learning rate. A **range test** finds its order of magnitude in one short run: begin far too low, multiply by a constant at each step, and watch the loss.


# %%
def rising(step, n_steps):
    return 10.0 ** (4 * step / n_steps - 4)  # from 0.0001 to 1 of the highest rate


test_config = TrainingConfig(
    n_steps=100,
    schedule=rising,
    optimizer=AdamWConfig(learning_rate=1.0, beta2=0.95, weight_decay=0.1),
)
range_test = train(new_gpt(), data, test_config)
smooth = np.convolve(range_test.losses, np.ones(5) / 5, "valid")
tested_rates = range_test.learning_rates[2:-2]
best = int(np.argmin(smooth))
print(
    f"lowest loss at a rate of {tested_rates[best]:.3f}; a third of it: {tested_rates[best] / 3:.3f}"
)

# %%
# Where does the loss fall fastest, and where does it break?
show(
    plot_panels(
        Panel(
            title="One run through all learning rates",
            axis_labels=("learning rate (log scale)", "loss / nats per token"),
            curves={"loss": Curve(x=tested_rates, y=smooth.tolist())},
            log_x=True,
        )
    ),
    alt=f"Loss against the learning rate from 0.0001 to 1: {smooth[0]:.2f} at first, falling, lowest {smooth[best]:.2f} at "
    f"{tested_rates[best]:.3f}, then slowly and at last steeply rising to {smooth[-1]:.2f}.",
)

# %% [markdown]
# A rule of thumb: take a rate clearly below the one where the loss turns, say a third. (The turning point comes late in this test, when the model has already learnt; the rate is an estimate, not a result.)
#
# ### Warm-up, and a slow end
#
# Right at the start the gradients are large and AdamW's running means know only a few steps. So the rate **warms up**: it rises in a line for some steps. At the end it falls, so that the noise of the batches averages out. The usual fall is half a wave of the cosine.
#
# **By hand**, 10 steps, 4 of warm-up, `final` = 0.1. Steps 0 to 3: 1/4, 2/4, 3/4, 1. At step 7, (7 − 4)/6 = half of the fall is done; the wave stands at (1 + cos(π/2))/2 = 1/2; the factor is 0.1 + 0.9 · 1/2 = 0.55.
#
# **Exercise (easy).** Write the factor before step `step`.

# %%
# @exercise course_lib.training.schedules:warmup_cosine

# %%
warmup_cosine = check("05b:warmup_cosine", warmup_cosine)

# %%
# NBVAL_CHECK_OUTPUT
print([round(warmup_cosine(step, 10, 4, 0.1), 3) for step in range(10)])

# %% [markdown]
# ### Clipping
#
# Now and then a batch gives a gradient far longer than usual. One such step can undo the work of many. So a gradient longer than a limit is **clipped**: multiplied by whatever factor gives it the limit's length. All parameters share the factor, so that the direction stays.
#
# **By hand:** two parameters with gradients 3 and 4. Together they are $\sqrt{3^2 + 4^2} = 5$ long. With a limit of 1: 0.6 and 0.8.
#
# **Exercise (easy).** Write it.

# %%
# @exercise course_lib.training.clipping:clip_by_norm

# %%
clip_by_norm = check("05b:clip_by_norm", clip_by_norm)

# %% [markdown]
# **Predict.** At a rate that is a little too high, 0.02, near the turning point: what do warm-up and clipping do for the loss on new texts? Three seeds each.


# %%
def final_loss(config, seed=run.seed, batches=data):
    model = new_gpt(seed)
    train(model, batches, config)
    return evaluate(model, held_out).nats_per_token


seeds = range(run.pick(small=3, t4=8))
careful = {}
for name, n_warmup, limit in (
    ("warm-up and clipping", 15, 1.0),
    ("no warm-up", 0, 1.0),
    ("no clipping", 15, math.inf),
):
    config = settings(0.02, n_steps=100, n_warmup=n_warmup, max_grad_norm=limit)
    careful[name] = [final_loss(config, seed) for seed in seeds]
for name, found in careful.items():
    print(
        "{:22} {:.2f} ± {:.2f} nats per token".format(name, *mean_and_sd(found)),
        [round(x, 2) for x in found],
    )

# %% [markdown]
# Look at the spread before you believe a mean: that is why there is more than one seed. Both are insurances: they matter most where the rate is high, and they cost next to nothing.
#
# After nine runs you no longer know which was which, unless you wrote it down. Keep three things of *every* run: its settings, its seed, and its history. Here the settings are one object:

# %%
record = {"settings": asdict(config), "seed": run.seed, "losses": careful["no clipping"]}
print({name: record["settings"][name] for name in ("n_steps", "max_grad_norm", "precision")})
print(record["settings"]["optimizer"])

# %% [markdown]
# Change **one** setting at a time, or draw all of them at random within limits that you set before. Give each candidate the same number of steps and seeds, choose by the loss on new texts, and report mean ± standard deviation. That is hyper-parameter search; the rest is patience.
#
# **What we learnt.** Find the rate by a range test; warm up, decay, clip. By how much each helps depends on the rate, so compare at the best rate of each.

# %% [markdown]
# ## 6 · AdamW or Muon?
#
# *(optional)*
#
# AdamW looks at every number of a matrix by itself. **Muon** (Jordan et al. 2024) looks at a hidden matrix as a whole: it takes the averaged gradient and makes it (almost) orthogonal, so that the step goes equally far along all its directions, also those in which the gradient is small. Embeddings, norms and biases stay with AdamW.
#
# A fair comparison gives both the same budget of *tuning*, too: three rates each, then three seeds at the best.

# %%
adamw = AdamWConfig(learning_rate=0.01, beta2=0.95)
tried = {
    "AdamW": {rate: settings(rate, n_steps=60, n_warmup=6) for rate in (0.003, 0.01, 0.03)},
    "Muon": {
        rate: settings(
            n_steps=60,
            n_warmup=6,
            optimizer=MuonConfig(learning_rate=rate, precision="float32", adamw=adamw),
        )
        for rate in (0.02, 0.06, 0.2)
    },
}
optimisers = {}
for name, configs in tried.items():
    first = {rate: final_loss(config) for rate, config in configs.items()}
    best_rate = min(first, key=first.get)
    optimisers[name] = [
        first[best_rate],
        *(final_loss(configs[best_rate], s) for s in seeds if s != run.seed),
    ]
    print(name, {rate: round(loss, 3) for rate, loss in first.items()})
for name, found in optimisers.items():
    print(
        "{:6} {:.3f} ± {:.3f} nats per token after 60 steps, floor {:.3f}".format(
            name, *mean_and_sd(found), floor
        )
    )

# %% [markdown]
# After the same number of steps Muon is nearer to the floor here. That is one small model and 60 steps; for each new size the comparison, tuning included, has to be made again. (Its rates are also not AdamW's: a matrix moves by a fixed length.)
#
# **What we learnt.** Compare optimisers with the same tuning, the same tokens and several seeds.

# %% [markdown]
# ## 7 · Sixteen bits
#
# *(core)*
#
# Numbers of 16 bits take half the memory, and graphics cards multiply them several times faster. There are two kinds. **float16** has 10 bits for the digits and 5 for the exponent. **bfloat16** has 7 and 8: fewer digits, but the range of float32.

# %%
# NBVAL_CHECK_OUTPUT
tiny = torch.tensor([1e-3, 1e-5, 1e-7, 1e-8, 1e-9])
print("as float16: ", [f"{x:.2g}" for x in tiny.half().tolist()])
print("as bfloat16:", [f"{x:.2g}" for x in tiny.bfloat16().tolist()])
print(
    "float16, scaled by 65,536:",
    [f"{x:.2g}" for x in ((tiny * 65536).half().float() / 65536).tolist()],
)
print("largest float16:", torch.finfo(torch.float16).max)
one, step = torch.tensor(1.0), torch.tensor(3e-4)
print(
    "1 + 0.0003:",
    *(
        f"{kind}: {(one.to(kind) + step.to(kind)).item():.4f}"
        for kind in (torch.float32, torch.float16, torch.bfloat16)
    ),
)

try:
    torch.zeros(2).half().masked_fill(torch.tensor([True, False]), -1e20)
except RuntimeError:
    print("-1e20 in a float16 mask: RuntimeError")

# %% [markdown]
# Four traps, and their remedies:
#
# - Small gradients vanish in float16. So the loss is **scaled** before the backward pass, and the gradients are divided afterwards. If they overflow, the step is left out and the scale is halved.
# - A weight of 1 does not move by a small step: the digits do not reach that far, and in bfloat16 still less. So the weights that the optimiser changes stay in float32 (**master weights**). Only the large products are computed in 16 bits: **mixed precision**, `torch.autocast`.
# - Sums over many numbers (softmax, norm, loss) stay in float32.
# - Large constants overflow. Old code hides scores behind −10²⁰, which float16 does not have; −∞ it has.
#
# **Predict.** Four runs with the same settings: float32, mixed precision with each kind, and everything in bfloat16, weights as well. Which one falls behind?

# %%
sixteen = {}
for name, precision in (
    ("float32", "float32"),
    ("mixed, bfloat16", "bfloat16"),
    ("mixed, float16", "float16"),
    ("bfloat16 throughout", "float32"),
):
    model = new_gpt()
    model = model.bfloat16() if "throughout" in name else model
    past = train(
        model, data, settings(0.003, n_steps=run.pick(small=100, t4=1000), precision=precision)
    )
    n_skipped = int(np.isinf(past.grad_norms).sum())
    sixteen[name] = evaluate(model.float(), held_out).nats_per_token
    print(f"{name:20} {sixteen[name]:.3f} nats per token, {n_skipped} steps left out")

# %% [markdown]
# Mixed precision reaches what float32 reaches; 16 bits throughout do not. The gap is small, but it is no chance: all four runs have the same seed, so they begin with the same weights and read the same batches. (It grows with the length of the run. Try 150 steps.) On a CPU 16 bits are usually not faster at all. What they save in memory is part of the next table.
#
# **What we learnt.** 16 bits for the products, 32 for the weights and the sums; float16 needs a loss scale, bfloat16 does not.

# %% [markdown]
# ## 8 · Compute it again
#
# *(optional)*
#
# Most memory in training is taken by what the forward pass keeps for the backward pass. **Activation checkpointing** keeps only the input of each block, and computes the block once more when the backward pass gets there (Chen et al. 2016). The gradients are the same; the price is one more forward pass, about a third of the work of a step.

# %%
torch.manual_seed(run.seed)
plain = GPT(GPTConfig(vocab_size=30, max_len=40, d_model=64, n_heads=4, n_layers=6))
sparing = deepcopy(plain)
checkpoint_blocks(sparing)
batch = data[0]
memory = {"float32": saved_bytes(plain, batch), "recomputed": saved_bytes(sparing, batch)}
with torch.autocast("cpu", dtype=torch.bfloat16):
    memory["mixed, bfloat16"] = saved_bytes(plain, batch)
for name, n in memory.items():
    print(f"{name:16} {n / 2**20:6.2f} MB kept for the backward pass")
_, ours = accumulate_gradients(plain, [batch], causal_sum)
_, theirs = accumulate_gradients(sparing, [batch], causal_sum)
torch.testing.assert_close(ours, theirs)
print("gradients are the same")

# %% [markdown]
# ### What each trick buys
#
# Everything that you have measured so far, in one table: what a trick changes in the loss on new texts, and in memory.


# %%
def change(better, worse):
    return f"{round(np.mean(better) - np.mean(worse), 3) + 0.0:+.3f}"


def shrinks(before, after):
    return f"activations {before / 2**20:.1f} → {after / 2**20:.1f} MB"


full, cautious = sixteen["float32"], careful["warm-up and clipping"]
bought = {
    "accumulation, 4 parts": ("same gradient", shrinks(*activations.values())),
    "recomputation": ("same gradient", shrinks(memory["float32"], memory["recomputed"])),
    "mixed bfloat16": (
        change(sixteen["mixed, bfloat16"], full),
        shrinks(memory["float32"], memory["mixed, bfloat16"]),
    ),
    "bfloat16 throughout": (change(sixteen["bfloat16 throughout"], full), "all of it halved"),
    "warm-up (rate 0.02)": (change(cautious, careful["no warm-up"]), "nothing"),
    "clipping (rate 0.02)": (change(cautious, careful["no clipping"]), "nothing"),
}
pd.DataFrame(bought, index=["loss / nats per token", "memory"]).T

# %% [markdown]
# The first two change memory and nothing else; mixed precision hardly touches the loss; and what helps the loss costs no memory. (Each in its own small experiment, so do not add them up.)
#
# **What we learnt.** Memory can be bought with time. Accumulation shrinks the batch, recomputation the depth, 16 bits the numbers.

# %% [markdown]
# ## 9 · Stop, and go on
#
# *(core)*
#
# A long run will be interrupted. The test of a checkpoint is strict and simple: a run that was stopped and resumed must give *the same numbers, bit for bit*, as one that was not. Anything that a run carries from step to step must be in it: weights, optimiser, the state of the random generators (dropout!), the place in the data, the step for the schedule.
#
# Let us pull the plug, at step 25.


# %%
class PowerCut:
    def update(self, step, *_):
        if step == 25:
            raise RuntimeError("the power is gone")


temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name)
config = settings(n_steps=40)
uninterrupted = new_gpt(dropout=0.1)
whole_history = train(uninterrupted, data, config)
try:
    saved = Checkpoints(folder / "run", every_steps=10)
    train(new_gpt(dropout=0.1), data, config, checkpoints=saved, progress=PowerCut())
except RuntimeError as error:
    print(f"{error}; saved:", [path.name for path in list_checkpoints(folder / "run")])


def resume(name):
    model = new_gpt(seed=99, dropout=0.1)  # other weights: all must come from the checkpoint
    place = Checkpoints(folder / name, every_steps=0, resume=True)
    return model, train(model, data, config, checkpoints=place)


# %% [markdown]
# **Predict.** Now three resumed runs: one with the whole checkpoint, one that has lost the optimiser's state, one that has lost the random generator's. Which of them end where the uninterrupted run ended?

# %%
checkpoint = read_checkpoint(list_checkpoints(folder / "run")[-1])
torch.manual_seed(123)
lost = {
    "optimizer": {name: torch.zeros_like(x) for name, x in checkpoint.tensors["optimizer"].items()},
    "rng": random_state().tensors,
}
for group, replacement in lost.items():
    tensors = {**checkpoint.tensors, group: replacement}
    write_checkpoint(folder / f"without {group}", checkpoint.step, tensors, checkpoint.meta)
resumed = {}
for name in ("run", "without optimizer", "without rng"):
    model, past = resume(name)
    pairs = list(zip(model.parameters(), uninterrupted.parameters(), strict=True))
    distance = max((a - b).abs().max().item() for a, b in pairs)
    resumed[name] = {
        "bit for bit": all(torch.equal(a, b) for a, b in pairs),
        "equal losses, of 40": sum(map(float.__eq__, past.losses, whole_history.losses)),
        "last loss": f"{past.losses[-1]:.2f}",
        "a weight differs by up to": f"{distance:.1g}",
    }
assert [row["bit for bit"] for row in resumed.values()] == [True, False, False]
pd.DataFrame(resumed).T

# %% [markdown]
# The losses of the broken runs look much like the right one. In a curve nobody would notice. So test it: stop and resume a short run, and compare with `==`.
#
# And a file may be damaged: the disk was full, the copy broke off. Each file's digest stands in the checkpoint, so that the newest *good* one is found.

# %%
last = list_checkpoints(folder / "run")[-1]
file = last / "model.safetensors"
file.write_bytes(file.read_bytes()[:1000])
good, problems = newest_good(folder / "run")
print(
    "newest:",
    last.name,
    "| newest good:",
    good.name if good else None,
    "| problems:",
    len(problems),
)

# %% [markdown]
# **What we learnt.** A checkpoint holds all that a step depends on. The proof is equality.

# %% [markdown]
# ## 10 · Six curves, six faults
#
# *(core)*
#
# You will look at loss curves for hours. Each of the six runs A to F has **one** fault. (Look at the curves, not at the code.) The dashed curve is a healthy run, the dotted line the floor. The faults, in another order:
#
# *learning rate too high · neither warm-up nor clipping · `zero_grad` forgotten · data not shuffled (sorted by dialect) · labels shifted twice · the model can see the answer*


# %%
def shifted_twice(model, batch, generator):
    ids, mask = batch.ids[:, 1:], batch.mask[:, 1:]  # shifted once here, and again in the loss
    mean = next_token_loss(model(batch.ids[:, :-1]), ids, mask)
    return LossSum(mean * mask[:, 1:].sum(), int(mask[:, 1:].sum()))


def causal_loss(model, batch):
    return next_token_loss(model(batch.ids), batch.ids, batch.mask)


N_CLINIC = 120
clinic = partial(settings, 0.02, n_steps=N_CLINIC)
healthy = train(new_gpt(), data, clinic()).losses
by_dialect = InOrder(PaddedBatches(sorted(train_texts), n_rows=32))
in_a_row = [by_dialect[i % by_dialect.n_batches] for i in range(N_CLINIC)]
broken, double_shift = new_gpt(), new_gpt()
forgetful = torch.optim.AdamW(broken.parameters(), lr=0.02, betas=(0.9, 0.95), weight_decay=0.1)
forgetful.zero_grad = lambda: None
faults = {
    "A": train(new_gpt(), in_a_row, clinic()).losses,
    "B": train(new_bert(), data, clinic()).losses,
    "C": train(new_gpt(), data, settings(0.7, n_steps=N_CLINIC)).losses,
    "D": train(double_shift, data, clinic(), objective=shifted_twice).losses,
    "E": train_on_batches(broken, (data[i] for i in range(N_CLINIC)), causal_loss, forgetful),
    "F": train(new_gpt(), data, clinic(n_warmup=0, max_grad_norm=math.inf)).losses,
}


def smoothed(losses):
    y = np.convolve(losses, np.ones(5) / 5, "valid").tolist()
    return Curve(x=range(2, N_CLINIC - 2), y=y)  # the mean of five steps, at the middle one


labels, normal = ("optimiser steps", "training loss / nats per token"), smoothed(healthy)
panels, told = {}, {}
for name, losses in faults.items():
    panels[name] = Panel(
        title=f"Run {name}",
        axis_labels=labels,
        curves={f"run {name}": smoothed(losses), "healthy": normal},
        levels={"floor": floor},
        y_range=(0, 8),
    )
    early, middle, late = (np.mean(losses[i : i + 10]) for i in (10, 55, 110))
    told[name] = f"{name}: {early:.2f} after 15 steps, {middle:.2f} after 60, {late:.2f} at the end"
told["healthy"] = f"healthy: {healthy[0]:.2f} to {np.mean(healthy[-10:]):.2f}; floor {floor:.2f}"


# %%
# Runs A to C: which fault is which?
show(
    plot_panels(*map(panels.get, "ABC")),
    alt="Training losses. " + "; ".join(map(told.get, ("A", "B", "C", "healthy"))) + ".",
)

# %%
# Runs D to F: which fault is which?
show(
    plot_panels(*map(panels.get, "DEF")),
    alt="Training losses. " + "; ".join(map(told.get, ("D", "E", "F", "healthy"))) + ".",
)

# %% [markdown]
# Write down six letters before you open the answers.
#
# <details><summary>Answers</summary>
#
# - **A: not shuffled.** It falls while one dialect lasts, and jumps where the next begins: a saw. What it has learnt of the first it forgets over the second.
# - **B: the model can see the answer.** It goes below the floor, and no honest model does. (A model that looks at both sides was trained to predict the next token: it just reads it.)
# - **C: learning rate too high.** The loss rises above even guessing, and comes down only as the schedule lowers the rate. By then nothing is left to learn with.
# - **D: labels shifted twice.** It begins like the healthy one and soon stops, far too high: it is asked for the token after the next, of which little can be known. Nothing in the curve is wild. Only the floor, a comparison, or the text that it writes gives it away.
# - **E: `zero_grad` forgotten.** Every step is pushed by all gradients since the start, also where they have long been wrong. It falls, turns, and climbs higher than even guessing.
# - **F: neither warm-up nor clipping.** It falls like the healthy one, but later. What went wrong in the first steps costs it much of the run, and nothing shows it but the comparison.
#
# C and E are easily confused, and so are D and F at the beginning. What tells C from E: the schedule calms C, and nothing calms E. F goes on falling, D does not. A curve raises a suspicion. The proof is a small experiment: repair one thing, run again.
#
# </details>

# %%
reported = np.mean(faults["D"][-10:])
true_loss = evaluate(double_shift, held_out).nats_per_token
assert np.mean(faults["B"][-10:]) < floor
print(f"run D reports {reported:.2f} nats for the token after the next")
print(f"its loss for the next token, on new texts: {true_loss:.2f}, guessing {math.log(24):.2f}")

# %% [markdown]
# **What we learnt.** Know the first loss ($\ln V$), the floor, and the healthy shape. Then most faults show, and the rest need a test.

# %% [markdown]
# ## 11 · Bug clinic: the loss of GPT-2
#
# *(core)*
#
# A well-known tutorial “pretrains” GPT-2 like this:
#
# ```python
# inputs = tokenizer(text, return_tensors="pt")
# outputs = model(**inputs, labels=inputs["input_ids"])
# loss = outputs.loss
# ```
#
# That is no pretraining yet: there is no backward pass, no optimiser, no loop. But it is a correct loss, because the model shifts the labels *itself*. Three ways of breaking it lie close by. We try them on a tiny GPT-2 with random weights (nothing is downloaded).

# %%
from transformers import GPT2Config, GPT2LMHeadModel, logging

logging.set_verbosity_error()
torch.manual_seed(run.seed)
hf = GPT2LMHeadModel(
    GPT2Config(
        vocab_size=30,
        n_positions=40,
        n_embd=32,
        n_layer=2,
        n_head=2,
        bos_token_id=0,
        eos_token_id=0,
    )
).eval()
text = torch.tensor([train_texts[0][:9]])
with torch.no_grad():
    once = hf(text, labels=text).loss.item()
    by_hand = next_token_loss(hf(text).logits, text).item()
    twice = hf(text[:, :-1], labels=text[:, 1:]).loss.item()
    alone = hf(text[:, :1], labels=text[:, :1]).loss.item()
    padded = torch.cat([text, torch.zeros(1, 12, dtype=torch.long)], dim=1)
    in_sight = torch.arange(21)[None] < 9
    pads_counted = hf(padded, attention_mask=in_sight.long(), labels=padded).loss.item()
    left_out = padded.masked_fill(~in_sight, -100)
    pads_left_out = hf(padded, attention_mask=in_sight.long(), labels=left_out).loss.item()
print(f"labels = ids: {once:.4f}; shifted by hand: {by_hand:.4f}")
print(f"labels shifted before: {twice:.4f} (asks for the token after the next)")
print(f"a text of one token: {alone}")
print(f"pads in the labels: {pads_counted:.4f}; pads set to -100: {pads_left_out:.4f}")

# %% [markdown]
# - **A text of one token** has no next token. The mean over nothing is 0/0 = NaN, and one backward pass with it makes all weights NaN. Our `next_token_loss` refuses; our `train` stops before the optimiser step. Remove such texts from the data.
# - **Pads in the labels** are counted, like real tokens, and make the loss look better or worse than it is. The attention mask does not take them out of the loss; −100 does. If the pad is the end-of-text token, go by the mask, so that real ends still count.
# - **Shifted twice**: the wrong number looks as good as the right one. What comes of it you saw in run D.

# %%
# NBVAL_CHECK_OUTPUT
assert math.isnan(alone)
assert abs(once - by_hand) < 1e-5
assert abs(pads_left_out - once) < 1e-4
try:
    next_token_loss(torch.zeros(1, 1, 30), text[:, :1])
except ValueError as error:
    print("ValueError:", error)

# %% [markdown]
# **What we learnt.** Shift once, count what counts, and divide by a number that is not 0.

# %% [markdown]
# ## Known truth
#
# Now a whole job, as it is done for large models: data, tokens, batches, model, loop, evaluation, checkpoint. It is the story world again, with its plot of bargains, where the program that wrote the stories knows how probable each one is.

# %%
world = load("storyworld", size=1_000, seed=run.seed, plots=["bargain"])
words = ["<end>", "<unknown>", *sorted({word for row in world["train"]["tokens"] for word in row})]
number = {word: i for i, word in enumerate(words)}
story_ids, new_ids = (
    [[0, *(number.get(word, 1) for word in row), 0] for row in world[part]["tokens"]]
    for part in ("train", "test")
)
story_floor = storyworld.floor(world["test"])
torch.manual_seed(run.seed)
teller = GPT(GPTConfig(vocab_size=len(words), max_len=256, d_model=64, n_heads=4, n_layers=2))
teller.tokens.weight.data.mul_(5.0)
n_story_steps = run.pick(small=120, t4=3000)
story_history = train(
    teller,
    PaddedBatches(story_ids, n_rows=6, seed=run.seed),
    settings(
        n_steps=n_story_steps,
        n_warmup=n_story_steps // 10,
        n_micro_batches=1,
        evaluate_every=n_story_steps // 3,
    ),
    held_out=InOrder(PaddedBatches(new_ids[:40], n_rows=10)),
    checkpoints=Checkpoints(folder / "stories", every_steps=n_story_steps // 2),
)
for found in story_history.evaluations:
    print(
        f"step {found.step:4}: {found.nats_per_token:.3f} nats per token on new stories, perplexity {found.perplexity:.2f}"
    )
print(
    f"floor: {story_floor:.3f} nats per token, perplexity {perplexity(story_floor):.2f}; even guessing {len(words):,}"
)

# %%
# How far is it to the floor?
at = [found.step for found in story_history.evaluations]
story_panel = Panel(
    title="A whole pretraining job, small",
    axis_labels=("optimiser steps", "loss / nats per token"),
    curves={
        "training": Curve(
            x=range(5, n_story_steps - 4),
            y=np.convolve(story_history.losses, np.ones(10) / 10, "valid").tolist(),
        ),
        "new stories": Curve(x=at, y=[found.nats_per_token for found in story_history.evaluations]),
    },
    levels={"floor": story_floor},
    y_range=(0, 8),
)
show(
    plot_panels(story_panel),
    alt=f"Training loss from {story_history.losses[0]:.2f} to {np.mean(story_history.losses[-10:]):.2f} nats in {n_story_steps} steps; on new stories "
    + ", ".join(
        f"{found.nats_per_token:.2f} at step {found.step}" for found in story_history.evaluations
    )
    + f"; floor {story_floor:.2f}.",
)

# %% [markdown]
# Training loss and loss on new stories lie together: it has not begun to learn by heart. And there is far to go: with so few steps the run is not *converged*, and only the floor tells you how far it is. On real text, all you would see is a curve that still falls.
#
# ### Lower than the truth
#
# What if there are too few texts? Sixty-four texts of the dialects, over and over:

# %%
few = PaddedBatches(train_texts[:64], n_rows=32, seed=run.seed)
parrot = new_gpt()
memorised = train(parrot, few, settings(n_steps=210, evaluate_every=30), held_out=held_out)
train_loss = np.mean(memorised.losses[-10:])
new_losses = [found.nats_per_token for found in memorised.evaluations]
turning = memorised.evaluations[int(np.argmin(new_losses))]
print(f"training loss {train_loss:.2f} nats, below the floor of {floor:.2f}")
print(
    f"new texts: best {turning.nats_per_token:.2f} at step {turning.step}, at the end {new_losses[-1]:.2f}"
)

# %% [markdown]
# The training loss went below the floor, because those texts are no longer new; and while it fell, the model became worse, far worse than guessing. `TrainingConfig` has `patience` for this: stop when the evaluations do not improve any more.

# %% [markdown]
# ## Real text
#
# Windows on real text: 300 news articles (they ship with gensim), 10 of them held out. A small GPT reads them byte by byte, and sees 32 bytes at a time. (For bytes, perplexity and bits per byte say the same: $\log_2 \mathrm{PPL}$ is the number of bits.)
#
# **Predict.** Without overlap, the bytes that begin a window are read without context. By how much does the perplexity fall if the windows overlap by half?

# %%
news = load("lee-news").documents
news_ids = torch.tensor(list("\n".join(news[10:]).encode()))
new_stream = torch.tensor(list("\n".join(news[:10]).encode()))[: run.pick(small=6000, t4=10_000)]
torch.manual_seed(run.seed)
reader = GPT(GPTConfig(vocab_size=256, max_len=32, d_model=64, n_heads=4, n_layers=2))
reader.tokens.weight.data.mul_(5.0)
packed = PackedBatches(news_ids, n_rows=24, n_tokens=31, seed=run.seed)
n_news_steps = run.pick(small=200, t4=2000)
news_history = train(reader, packed, settings(n_steps=n_news_steps, n_warmup=20))
reader.eval()
stride_ppl = {}
for stride in (31, 16, 8):
    nats, n_asked = sliding_nats(reader, new_stream, 32, stride)
    stride_ppl[stride] = perplexity(nats / n_asked)
    print(
        f"stride {stride:2}: perplexity {stride_ppl[stride]:.3f}, "
        f"{nats / math.log(2) / n_asked:.3f} bits per byte"
    )
print(f"n = {n_asked} bytes, the same in every row")
assert stride_ppl[16] < stride_ppl[31]
rows = new_stream.unfold(0, 32, 31)  # the windows of stride 31
with torch.no_grad():
    by_place = F.cross_entropy(reader(rows[:, :-1]).mT, rows[:, 1:], reduction="none").mean(dim=0)
for first, last in ((0, 1), (1, 2), (2, 4), (4, 8), (8, 16), (16, 31)):
    print(f"bytes {first + 1:2} to {last:2} of a window: {by_place[first:last].mean():.2f} nats")

# %% [markdown]
# Nothing has changed but the windows. The table shows why: the first bytes of a window have nothing to go by. Overlapping by half mends that; more brings hardly anything *here*, because so small a model, trained so briefly, looks back only a few bytes. A model that uses long contexts gains more: for the large GPT-2 on WikiText-2, Hugging Face's page on the perplexity of fixed-length models reports 19.44 without overlap and 16.45 with half. So a perplexity without its
# tokens, its text *and* its stride cannot be compared with another.

# %% [markdown]
# ## On a GPU
#
# The shape of the smallest GPT-2: 12 blocks, 768 wide, mixed precision, with accumulation. (With GPT-2's 50,257 tokens it has 124 million parameters; with our smaller vocabulary, fewer.) It reports tokens per second and **MFU** (model FLOPs utilisation): the share of the card's peak that goes into the $6N$ operations that a token needs at least (lesson 05c). The peak is what the data sheet promises for *dense* products of 16-bit numbers. (Many sheets print twice as much, for matrices half of whose numbers are 0. Divide your MFU by that one, and you are twice as bad as you are.) Without a GPU you see what was recorded, if anything was.

# %% tags=["gpu"]
from course_lib.errors import DataNotFoundError
from course_lib.training import RichProgress

if run.gpu_cell:
    documents, source = news, "lee-news"
    if run.scale != "dry":
        try:
            documents, source = load("wikitext-103").documents, "wikitext-103"
        except DataNotFoundError:
            print("WikiText-103 is not here, so this run uses the news articles instead.")
    n_documents = run.pick(small=20, t4=2000, full=20_000)
    big_bpe = BPETokenizer.train(
        documents[:300] if run.scale != "dry" else documents[:5],
        vocab_size=run.pick(small=300, t4=8192, full=16_384),
        special_tokens=["<|endoftext|>"],
    )
    big_ids = pack_documents(
        big_bpe, documents[5:n_documents], big_bpe.special_tokens["<|endoftext|>"]
    )
    test_ids = torch.tensor(big_bpe.encode("".join(documents[:5])))
    window, n_rows, n_micro = run.pick(small=(16, 2, 2), t4=(512, 16, 2), full=(1024, 16, 4))
    shape = run.pick(
        small={"d_model": 16, "n_heads": 2, "n_layers": 1},
        t4={"d_model": 768, "n_heads": 12, "n_layers": 12},
        full={"d_model": 768, "n_heads": 12, "n_layers": 12},
    )
    has_bfloat16 = run.device.type == "cpu" or torch.cuda.is_bf16_supported(
        including_emulation=False  # a T4 would emulate it, slowly
    )
    torch.manual_seed(run.seed)
    big = GPT(GPTConfig(vocab_size=big_bpe.vocab_size, max_len=window, **shape)).to(run.device)
    n_steps = run.pick(small=2, t4=300, full=1500)
    past = train(
        big,
        PackedBatches(big_ids, n_rows=n_rows, n_tokens=window - 1, seed=run.seed),
        settings(
            6e-4,
            n_steps=n_steps,
            n_warmup=n_steps // 10,
            n_micro_batches=n_micro,
            precision="bfloat16" if has_bfloat16 else "float16",
        ),
        progress=None if run.scale == "dry" else RichProgress(),
    )
    n_parameters = sum(p.numel() for p in big.parameters())
    steady = slice(n_steps // 10, None)
    tokens_per_second = sum(past.n_tokens[steady]) / sum(past.seconds[steady])
    card = torch.cuda.get_device_name() if run.device.type == "cuda" else "none"
    peak = peak_flops_per_second(card)
    nats, n_asked = sliding_nats(big.eval(), test_ids[:5000].to(run.device), window, window // 2)
    result = {
        "text": source,
        "parameters": n_parameters,
        "tokens trained on": sum(past.n_tokens),
        "tokens per second": tokens_per_second,
        "MFU, 6N per token": 6 * n_parameters * tokens_per_second / peak
        if peak
        else "peak unknown",
        "training loss, last 10 steps": float(np.mean(past.losses[-10:])),
        "nats per token of new text": nats / n_asked,
        "perplexity of new text, stride half a window": perplexity(nats / n_asked),
    }
    recorded = run.record("05b-pretraining", result)
else:
    recorded = run.recorded("05b-pretraining")
for name, value in recorded.result.items():
    print(f"{name}: {value}")

# %% [markdown]
# ## Exercises
#
# They stand where they belong in the sections above:
#
# | | level | section |
# |---|---|---|
# | `mask_tokens` | core | [2 · Hide and ask: the masked objective](#2-·-Hide-and-ask:-the-masked-objective) |
# | `sliding_windows` | core | [3 · Perplexity](#3-·-Perplexity) |
# | `accumulate_gradients` | core | [4 · One step: add up, count, divide once](#4-·-One-step:-add-up,-count,-divide-once) |
# | `warmup_cosine` | easy | [5 · How far to go](#5-·-How-far-to-go) |
# | `clip_by_norm` | easy | [5 · How far to go](#5-·-How-far-to-go) |
#
# Six more to try, without a check:
#
# - *Easy.* How does the first loss change if the token vectors are not made five times longer, or twenty times longer? Explain with $\ln V$.
# - *Core.* Train the masked model with `share=0.4` instead of 0.15. Which is better after the same number of steps, and why is more not always better?
# - *Core.* Repeat the range test for a model of width 8 and one of width 128. Does the best rate move?
# - *Core.* Plant a seventh fault: evaluate without `model.eval()` on a model with dropout. What does the curve show, and how would you notice?
# - *Core.* Resume a run with another `seed` in its data. What does `Checkpoints` check, and what can it not know?
# - *Stretch.* Train the masked model at scale `t4`, or for an evening. When does it overtake the causal one on letter 5, and how close does it come to its own floor?

# %% [markdown]
# ## In your own words
#
# A colleague writes: “The loss on the new cluster is lower than on the old machine with the same data: 1.4 instead of 1.9. We use four micro-batches instead of one batch, float16 instead of float32, and we resumed twice. So the cluster is better.” What do you ask, in six sentences or fewer?
#
# <details><summary>What a good answer contains</summary>
#
# - Is it the loss on new text, or the training loss; and are the same tokens counted, pads left out?
# - Is the loss divided by the counted tokens of the whole step, not averaged over micro-batches?
# - Were optimiser, random generator and place in the data restored, or did the run read some texts twice?
# - How many steps were left out by overflow; what do two seeds on the old machine differ by?
# - Is there a floor, or another model on the same test, that says whether 1.4 is possible?
#
# Three of the five is good.
#
# </details>

# %% [markdown]
# <!-- @answer cluster-loss -->
# *Write your answer here: double-click this cell.*

# %% [markdown]
# ## Claims, tested
#
# Six sentences that you will read elsewhere.
#
# ### “A bigger batch gives the same result faster.”
#
# **Imprecise.** With the same number of texts, bigger batches mean fewer steps; with the same number of steps, they mean more work:

# %%
for n_rows, n_steps, rate in (
    (8, 180, 0.01),
    (24, 60, 0.01),
    (96, 15, 0.01),
    (96, 15, 0.02),
    (96, 60, 0.01),
):
    batches = PaddedBatches(train_texts, n_rows=n_rows, seed=run.seed)
    config = settings(rate, n_steps=n_steps, n_warmup=n_steps // 10)
    print(
        f"batches of {n_rows:2}, {n_steps:3} steps, rate {rate}, {n_rows * n_steps:5,} texts: "
        f"{final_loss(config, batches=batches):.3f} nats per token on new texts"
    )

# %% [markdown]
# Compare the first line with the last: about the same loss in a third of the steps, for four times the texts. (A larger batch may allow a higher rate. Here twice the rate did not help.) Up to a **critical size**, which grows as the loss falls, a larger batch saves steps almost without waste; beyond it, the extra texts are hardly used (McCandlish et al. 2018).
#
# ### “Gradient accumulation is the same as a big batch, and saves memory.”
#
# **Imprecise.** The same only if divided once by the counted tokens; and it saves activations only. The common way, the mean of means, was off by

# %%
for name, row in accumulated.items():
    print(f"{name:26} relative error {row['relative error']:.1g}")
for name, n in activations.items():
    print(f"{name:32} {n / 2**20:.2f} MB of activations; weights, gradients and AdamW unchanged")

# %% [markdown]
# Hugging Face announced the repair of their `Trainer` on 16 October 2024.
#
# ### “Half precision is free.”
#
# **False.** It takes float32 weights, and for float16 a loss scale. Without, it costs accuracy:

# %%
for name, loss in sixteen.items():
    print(f"{name:20} {loss:.3f} nats per token on new texts")

# %% [markdown]
# ### “Pretraining is unsupervised.”
#
# **Imprecise.** No human labels are needed, but there is a right answer for each question, taken from the text: *self-supervised*. The loss is the one of a classifier (A1), with as many labelled examples as tokens are asked for. So this is what “without labels” looks like, for one batch:

# %%
labels = data[0].ids[:, 1:][data[0].mask[:, 1:]]
asked_once = masked_lm.draw(data[0], make_generator(run.seed)).target.mask
print(
    f"one batch of 32 texts: {len(labels)} labels for the causal objective, {int(asked_once.sum())} for the masked one; made by people: 0"
)

# %% [markdown]
# ### “Next-sentence prediction teaches BERT how one sentence follows from another.”
#
# **Imprecise.** The wrong pairs come from other documents, and those have other topics. So one can answer without knowing anything about order. Our dialects are topics: somebody guesses the dialect of each piece, and says “follows” whenever the two are the same. Every text gives one right pair and one wrong one:


# %%
def likeliest_dialect(piece):
    steps = np.array(piece) - 6
    return np.log(transitions[:, steps[:-1], steps[1:]] + 1e-9).sum(axis=1).argmax()


in_order = sorted((text for text in test_texts if len(text) >= 17), key=lambda text: text[0])
first, second = (
    np.array([likeliest_dialect(text[part]) for text in in_order])
    for part in (slice(1, 9), slice(9, 17))
)
anywhere = np.random.default_rng(run.seed).permutation(len(in_order))
for name, wrong in (("any text", second[anywhere]), ("the same dialect", np.roll(second, 1))):
    right = np.concatenate([first == second, first != wrong])
    print(
        "wrong pairs from {:16} {:.0%} [{:.0%}, {:.0%}] of {} answers right".format(
            name, right.mean(), *proportion_interval(int(right.sum()), len(right)), len(right)
        )
    )

# %% [markdown]
# So most of the objective is about topics, which the masked one teaches anyway; where both pieces have one topic, nothing is left but guessing. RoBERTa's authors found that the model without it is as good or slightly better on the tasks that follow (Liu et al. 2019). ALBERT's authors asked for the *order* of two pieces of one
# document instead, so that the topic gives nothing away (Lan et al. 2020).
#
# ### “A lower training loss is always better.”
#
# **False.** Lower than the floor is not even possible on new text:

# %%
print(
    f"training loss {train_loss:.2f}, floor {floor:.2f}, loss on new texts {new_losses[-1]:.2f} (at best {turning.nats_per_token:.2f})"
)
print(
    f"run B of the six: training loss {np.mean(faults['B'][-10:]):.2f}, because it could see the answer"
)

# %% [markdown]
# ## Quiz

# %%
quiz("05b")

# %% [markdown]
# In a notebook without buttons, answer like this: `answer_quiz("05b", 2, "b")`.
#
# ## Summary

# %% [markdown]
# - An objective hides a part of the text and asks for it: the causal one all that follows, the masked one 15 % of the tokens, 80/10/10.
# - Perplexity is the exponential of nats per counted token. It has a floor; on long texts it depends on the stride.
# - The loss of a step is one sum over its counted tokens, divided once. Then micro-batches equal the big batch to the last digits.
# - Range test, warm-up, decay, clipping: cheap insurance. Compare optimisers with equal tuning and several seeds.
# - 16 bits for products, 32 for weights and sums. Recomputation buys memory with time.
# - A resumed run must equal the uninterrupted one, bit for bit. Test it.
# - Know $\ln V$, the floor and the healthy shape; then read curves. A suspicion is not a proof: repair one thing and run again.

# %% [markdown]
# ## Further reading
#
# - Devlin et al. 2019, *BERT*, sections 3.1 and A.1, <https://arxiv.org/abs/1810.04805>: the masked objective.
# - Liu et al. 2019, *RoBERTa*, section 4, <https://arxiv.org/abs/1907.11692>: new masks each time, no next-sentence prediction.
# - Lan et al. 2020, *ALBERT*, <https://arxiv.org/abs/1909.11942>: the order of two pieces instead.
# - Hugging Face, *Perplexity of fixed-length models*, <https://huggingface.co/docs/transformers/perplexity>.
# - McCandlish et al. 2018, *An Empirical Model of Large-Batch Training*, <https://arxiv.org/abs/1812.06162>.
# - Smith 2017, *Cyclical Learning Rates for Training Neural Networks*, section 3.3, <https://arxiv.org/abs/1506.01186>: the range test.
# - Pascanu, Mikolov and Bengio 2013, *On the difficulty of training recurrent neural networks*, <https://arxiv.org/abs/1211.5063>: clipping.
# - Jordan et al. 2024, *Muon: An optimizer for hidden layers in neural networks*, <https://kellerjordan.github.io/posts/muon/>.
# - Micikevicius et al. 2018, *Mixed Precision Training*, <https://arxiv.org/abs/1710.03740>.
# - Chen et al. 2016, *Training Deep Nets with Sublinear Memory Cost*, <https://arxiv.org/abs/1604.06174>.
# - Raffel et al. 2020, *Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer*, table 9, <https://arxiv.org/abs/1910.10683>: what repeated text does.

# %%
run.summary()
