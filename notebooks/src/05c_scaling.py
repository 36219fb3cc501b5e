# %% [markdown]
# # 05c · Scaling: what to spend compute on
#
# **The question:** If you may spend ten times more, on what: a larger model, more text, a better recipe, or more tries?

# %% [markdown]
# ## You will be able to
#
# - compute what a training run costs, in operations and in GPU-days, before you start it;
# - choose a learning rate and a model by experiment, with several seeds, and say how many seeds a difference needs;
# - fit a power law to your own runs, above a known floor, and say how sure it is;
# - share a budget out between parameters and tokens, and check a famous law against its own data;
# - say what several GPUs change and what they do not, and what travels between them;
# - recognise an “emergent” ability that the metric has made.

# %% [markdown]
# ## Before you start
#
# | | |
# |---|---|
# | Builds on | 00: the entropy floor, intervals; 04: GPT, loss and training; 05a: batches, held-out text; 05b: the training loop of the library |
# | Your time | about 80 minutes |
# | On a CPU | about a minute and a quarter on one core, under 2 GB of memory |
# | On a GPU | not needed; the cell under *On a GPU* measures the law again with models a hundred times as large |

# %% [markdown]
# ## Recall
#
# Answer from memory, then open the answer.
#
# 1. A linear layer from 100 to 50 numbers, without offset, reads one token. How many multiplications is that?
#
# <details><summary>Answer</summary>
#
# $100 \cdot 50 = 5000$, one for each parameter (and as many additions).
#
# </details>
#
# 2. What is the entropy floor of the story world, and can a larger model get below it?
#
# <details><summary>Answer</summary>
#
# The surprise of the program that writes the stories, in nats per token. In expectation nobody gets below it: not with more parameters, not with
# more text.
#
# </details>
#
# 3. You have 30 accuracies of one model on 30 different draws. What does the 95 % interval of their mean do if you draw four times as many?
#
# <details><summary>Answer</summary>
#
# It becomes half as wide: the mean of $n$ draws scatters with $1/\sqrt{n}$.
#
# </details>

# %% [markdown]
# ## Set-up

# %%
# @setup

# %% [markdown]
# The imports. Five functions you will write yourself.

# %%
import math
from itertools import islice

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from course_lib.compute import (
    LossLaw,
    ModelAndData,
    PowerLaw,
    besiroglu_law,
    count_gpt_parameters,
    count_parameters,
    fit_loss_law,
    gpu_days,
    hoffmann_law,
)
from course_lib.data.batches import InOrder, PaddedBatches
from course_lib.data.stories import StoryOptions, stream_stories
from course_lib.data.storyworld import split_of_story
from course_lib.evaluation import bootstrap_interval, mean_and_sd, proportion_interval
from course_lib.lesson import answer_quiz, check, hint, quiz
from course_lib.models import GPT, GPTConfig, ModernGPT, ModernGPTConfig
from course_lib.plotting import show, use_course_style
from course_lib.plotting.curves import Curve, Panel, plot_panels
from course_lib.seeding import make_generator
from course_lib.training import (
    AdamWConfig,
    MuonConfig,
    TrainingConfig,
    WarmupStableDecay,
    evaluate,
    train,
)

use_course_style()

# %% [markdown]
# ## 1 · What a run costs
#
# *(core)*
#
# Before you spend, count **operations**: additions and multiplications of numbers (floating-point operations, **FLOPs**). Nearly all of a Transformer's are products of a token's vector with a matrix. Let $N$ be the **parameters that are multiplied** and $D$ the **tokens read**.
#
# - *Forwards*, each parameter takes part in one multiplication and one addition per token: $2N$ operations.
# - *Backwards*, there are two products of the same size for each matrix: one for the gradient of its input, one for its own gradient. That is $4N$.
#
# Together, the operations $C$ of a whole run are
#
# $$C \approx 6 N D$$
#
# **By hand:** a matrix of $3 \times 5$ has 15 parameters. Seven tokens go through it, forwards and backwards: $6 \cdot 15 \cdot 7 = 630$ operations. For GPT-3, $N = 175 \cdot 10^9$ and $D = 300 \cdot 10^9$ (Brown et al. 2020): $C = 3.15 \cdot 10^{23}$.
#
# **Exercise (easy).** Write it, and refuse what is not above 0. Stuck? `hint("05c:training_flops")`.

# %%
# @exercise course_lib.compute.scaling:training_flops

# %%
training_flops = check("05c:training_flops", training_flops)

# %% [markdown]
# Is it true? torch can count the operations that really happen. **Predict.** For GPT-2 small on a text of 1,024 tokens, is the count above or below $6ND$, and by how much?

# %%
# NBVAL_CHECK_OUTPUT
gpt2_config = GPTConfig(vocab_size=50257, max_len=1024, d_model=768, n_heads=12, n_layers=12)
n_gpt2 = count_gpt_parameters(gpt2_config)
counted = {}
with torch.device("meta"):  # shapes without numbers: nothing is computed
    gpt2 = GPT(gpt2_config)
    for n_tokens in (128, 1024):
        with FlopCounterMode(display=False) as counter:
            gpt2(torch.zeros(1, n_tokens, dtype=torch.long)).sum().backward()
        counted[n_tokens] = counter.get_total_flops()
for n_tokens, flops in counted.items():
    ratio = flops / training_flops(n_gpt2, n_tokens)
    print(f"{n_tokens:5,} tokens: counted {flops:,}, or {ratio:.2f} times 6ND")

# %% [markdown]
# The rest is attention: each token is compared with all others, which has no parameters and so does not stand in $6ND$. The longer the text, the larger the rest. For short texts and wide models the rule is good to a few per cent.
#
# (What you count as $N$ matters for *small* models. Looking up a token's vector multiplies nothing; scoring all tokens at the end does. We count the blocks and the output matrix.)
#
# **What we learnt.** Six operations per parameter and token. You can price a run before it starts.

# %% [markdown]
# ## 2 · Choose by experiment
#
# *(core)*
#
# How large a step, how wide a model, how many layers? There are tables of recommended values. They were measured on other data, with other models. A choice is an experiment: change one thing, keep all others, repeat with several **seeds**, and report mean and spread.
#
# The text for this lesson: stories of one plot, *the gift*, so that there are fewer words to learn. A model reads each story at most a few times, and is tested on stories that it has never seen.

# %%
stories = list(
    islice(
        stream_stories(run.seed, StoryOptions(plots=("gift",)), languages=("en",)),
        run.pick(small=3800, t4=20000),
    )
)
split = {"train": [], "validation": [], "test": []}
for story in stories:
    split[split_of_story(story.told["en"].text)].append(story)
words = sorted({word for story in split["train"] for word in story.told["en"].tokens})
id_of = {word: i for i, word in enumerate(words, start=1)}  # 0 begins a story


def encode(story):
    return [0, *(id_of[word] for word in story.told["en"].tokens)]


train_ids = [encode(story) for story in split["train"]]
known_test = [s for s in split["test"] if all(word in id_of for word in s.told["en"].tokens)]
test_stories = known_test[: run.pick(small=100, t4=1000)]
test_ids = [encode(story) for story in test_stories]
VOCAB, ROWS = len(words) + 1, 4
TOKENS_A_STEP = ROWS * sum(map(len, train_ids)) / len(train_ids)
FLOOR = -sum(s.log_prob for s in test_stories) / sum(len(ids) - 1 for ids in test_ids)
held_out = InOrder(PaddedBatches(sorted(test_ids, key=len), n_rows=32, pad_id=0))
print(
    f"{len(train_ids):,} stories to learn from, {sum(map(len, train_ids)):,} tokens, {VOCAB:,} words"
)
print(
    f"{len(known_test)} of {len(split['test'])} test stories have no unknown word; we ask {len(test_ids)}"
)
print(f"entropy floor of the test: {FLOOR:.3f} nats per token")

# %% [markdown]
# One function trains any model for so many steps. Its learning rate rises, stays, and falls in a line (lesson 05b).


# %%
def learn(model, n_steps, optimizer, seed):
    schedule = WarmupStableDecay(n_warmup=max(1, n_steps // 10), decay_share=0.6)
    config = TrainingConfig(n_steps=n_steps, optimizer=optimizer, schedule=schedule, seed=seed)
    train(model, PaddedBatches(train_ids, n_rows=ROWS, seed=seed), config)
    return model.eval()


def nats_per_token(model):
    return evaluate(model, held_out).nats_per_token


def old_model(width):
    sizes = {"d_model": width, "n_heads": 4, "n_layers": 2}
    model = GPT(GPTConfig(vocab_size=VOCAB, max_len=256, **sizes))
    model.tokens.weight.data.mul_(5.0)  # as in lesson 04
    return model


def old_recipe(width, n_steps, rate, seed):
    torch.manual_seed(seed)
    return learn(old_model(width), n_steps, AdamWConfig(learning_rate=rate, beta2=0.95), seed)


# %% [markdown]
# **Predict.** A GPT of width 16 and one of width 64, four learning rates, three seeds each. Is the larger one always better? Do both want the same rate?

# %%
RATES, SEEDS, SHORT = (0.006, 0.012, 0.024, 0.048), (0, 1, 2), run.pick(small=40, t4=300)
grid = {
    (width, rate): [nats_per_token(old_recipe(width, SHORT, rate, seed)) for seed in SEEDS]
    for width in (16, 64)
    for rate in RATES
}
summary = {key: mean_and_sd(losses) for key, losses in grid.items()}
pd.DataFrame(
    {
        f"width {width}": ["{:.2f} ± {:.2f}".format(*summary[width, rate]) for rate in RATES]
        for width in (16, 64)
    },
    index=[f"rate {rate}" for rate in RATES],
)

# %%
# Which learning rate is best, and for whom?
show(
    plot_panels(
        Panel(
            title="The best rate depends on the width",
            axis_labels=("highest learning rate (log scale)", "nats per token of new stories"),
            curves={
                f"width {width}": Curve(
                    x=RATES,
                    y=[summary[width, rate][0] for rate in RATES],
                    sd=[summary[width, rate][1] for rate in RATES],
                )
                for width in (16, 64)
            },
            log_x=True,
        )
    ),
    alt="Loss against the learning rate for two widths, with a band of one standard deviation over three seeds. "
    + "; ".join(
        f"width {width}: " + ", ".join(f"{summary[width, rate][0]:.2f} at {rate}" for rate in RATES)
        for width in (16, 64)
    ),
)

# %%
best_rate = {w: min(RATES, key=lambda rate, w=w: summary[w, rate][0]) for w in (16, 64)}
for width, rate in best_rate.items():
    print(f"width {width}: best rate {rate}, {summary[width, rate][0]:.2f} nats per token")
shared = best_rate[16]
print(f"both at the small model's rate {shared}:", end=" ")
print(", ".join(f"width {width} {summary[width, shared][0]:.2f}" for width in (16, 64)))

# %% [markdown]
# Compare two models at *one* rate, and you have compared how well that rate suits them. At the rate that is best for the small model, the large one may even lose. So: each contender gets its own search, of equal cost. (Theory helps, too: with the right scaling of weights and rates, the best rate of a narrow model can be
# used for a wide one, Yang et al. 2022.)
#
# ### The winner's curse
#
# We looked at 24 runs and named the best. Of several equally good recipes, each measured once, the one that looks best was *lucky*. How much? Suppose that ten recipes are all alike, and each run scatters as ours do.

# %%
spread = math.sqrt(np.mean([sd**2 for (width, _), (_, sd) in summary.items() if width == 16]))
draws = torch.randn(5000, 10, generator=make_generator(run.seed)).double() * spread
curse = {n: -draws[:, :n].amin(dim=1).mean().item() for n in (2, 5, 10)}
print(f"standard deviation across seeds (width 16): {spread:.3f} nats per token")
for n, gain in curse.items():
    print(f"best of {n:2} equal recipes: looks {gain:.3f} nats better than it is")

# %% [markdown]
# The cure is cheap: run the winner again, with *new* seeds, and report that number. And beforehand, ask how many seeds the difference needs.
#
# **The idea.** The mean of $n$ runs scatters with $\mathrm{sd}/\sqrt{n}$, the difference of two such means with $\mathrm{sd}\sqrt{2/n}$. You want a true difference $\delta$ to be seen in (say) 80 % of all cases by a 95 % interval. Then it must be
# $z = 1.960 + 0.842$ such units away from 0:
#
# $$n \geq 2 \left( \frac{z \cdot \mathrm{sd}}{\delta} \right)^2$$
#
# **By hand:** for a difference as large as the spread, $2 \cdot 2.802^2 = 15.7$, so 16 seeds of each. For half of it, four times as many: 63.
#
# **Exercise (core).** Write it. `NormalDist().inv_cdf(0.975)` from Python's `statistics` is 1.960.

# %%
# @exercise course_lib.compute.scaling:seeds_needed

# %%
seeds_needed = check("05c:seeds_needed", seeds_needed)

# %%
for difference in (0.5, 0.2, 0.1, 0.02):
    print(
        f"to see {difference} nats per token: {seeds_needed(difference, spread):,} seeds of each recipe"
    )

# %% [markdown]
# Large differences need few seeds; small ones are rarely worth their seeds. Look at the published “improvements” in the third decimal place with this in mind.
#
# **What we learnt.** Each contender gets its own search. Report means over seeds with their spread, and run the winner again.

# %% [markdown]
# ## 3 · What each ingredient buys
#
# *(core)*
#
# The model above is from 2019. Since then many small changes have come together. What is each one worth? Take the whole recipe, change **one** ingredient, train again: an **ablation**.
#
# The table was *recorded*, not computed here: `benchmarks/time_to_loss.py --ablations`, 22 November 2026, a busy two-core CPU, Shakespeare's plays by character, 170 steps, mean of two seeds. The whole recipe reaches 1.888 nats per character.
#
# | changed | loss is higher by |
# |---|---|
# | AdamW for all, not Muon | 0.257 |
# | the usual rates of Muon and AdamW, not those for a short run | 0.167 |
# | a larger model, half the steps | 0.138 |
# | learnt positions, not rotary | 0.098 |
# | no token shift | 0.038 |
# | GELU, not ReLU² | 0.026 |
# | output matrix tied to the token vectors | 0.024 |
# | random projections and head, not zeros | 0.010 |
# | no value residual | 0.009 |
# | LayerNorm, not RMS norm | 0.006 |
# | bfloat16 | 0.000 |
# | cosine, not a line | −0.001 |
# | queries and keys not normalised | −0.004 |
#
# (Token shift adds some of the token before to each token. A value residual lets the attention values of the first layer join those of every layer. GELU and ReLU² are two ways to bend a line in the feed-forward layer. More in the glossary.)
#
# Two seeds of one recipe differ by 0.01 to 0.02 there. **Judge:** which rows say anything?
#
# <details><summary>Answer</summary>
#
# The first five surely, the next two perhaps; the rest lies within the noise. It does not follow that those ingredients are worthless: their papers
# found gains in larger models and longer runs. It follows that *this experiment* cannot see them. And the rates were tuned for the whole recipe, so AdamW's row is an upper limit.
#
# </details>
#
# The recipe is `ModernGPT` with the optimiser Muon. From here on we use it.


# %%
def new_model(width):
    sizes = {"d_model": width, "n_heads": max(1, width // 16), "n_layers": 2}
    return ModernGPT(ModernGPTConfig(vocab_size=VOCAB, **sizes))


def new_recipe(width, n_steps, seed=run.seed, rate=0.06):
    torch.manual_seed(seed)
    rates = {"learning_rate": rate, "adamw": AdamWConfig(learning_rate=0.75 * rate)}
    muon = MuonConfig(momentum=0.85, precision="float32", **rates)
    return learn(new_model(width), n_steps, muon, seed)


def multiplied_parameters(width):
    with torch.device("meta"):
        model = new_model(width)
    return count_parameters(model).total - model.tokens.weight.numel()


# %%
new_losses = [nats_per_token(new_recipe(64, SHORT, seed)) for seed in SEEDS]
old_mean, old_sd = summary[64, best_rate[64]]
new_mean, new_sd = mean_and_sd(new_losses)
print(
    f"width 64, {SHORT} steps, three seeds: 2019 {old_mean:.2f} ± {old_sd:.2f}, the new recipe {new_mean:.2f} ± {new_sd:.2f}"
)

# %% [markdown]
# **What we learnt.** A recipe is a sum of ingredients; a few of them carry most. The same operations can buy much more.

# %% [markdown]
# ## 4 · A law
#
# *(core)*
#
# Now one recipe, one amount of text, and models of five sizes. **Predict.** Each model has about twice the parameters of the one before. Does the loss fall by the same amount each time?

# %%
WIDTHS, STEPS = (8, 14, 24, 40, 64), run.pick(small=160, t4=1000)
family = {width: new_recipe(width, STEPS) for width in WIDTHS}
sizes = [multiplied_parameters(width) for width in WIDTHS]
family_loss = [nats_per_token(model) for model in family.values()]
pd.DataFrame(
    {
        "parameters": [f"{n:,}" for n in sizes],
        "nats per token": np.round(family_loss, 3),
        "above the floor": np.round(np.array(family_loss) - FLOOR, 3),
    },
    index=[f"width {width}" for width in WIDTHS],
)

# %% [markdown]
# Kaplan et al. (2020) found that over many powers of ten the loss falls as a **power law**:
#
# $$L - E = \frac{A}{N^{\alpha}}$$
#
# Each doubling of $N$ multiplies the part *above the floor* $E$ by the same factor, $2^{-\alpha}$. Take logarithms: $\ln (L - E) = \ln A - \alpha \ln N$. That is a straight line.
#
# **By hand:** with 100 times the parameters, the part above the floor falls from 4.0 to 0.4. So $\alpha = \ln 10 / \ln 100 = 0.5$.
#
# **Exercise (core).** Fit such a law: the line of least squares, in logarithms.

# %%
# @exercise course_lib.compute.scaling:fit_power_law

# %%
fit_power_law = check("05c:fit_power_law", fit_power_law)

# %% [markdown]
# Here we have something that nobody has for real text: the true entropy floor. Take it for $E$, and the fit has only two unknowns. How sure are they? Draw the five models again, with replacement (a bootstrap), and see what happens if $E$ is guessed wrongly.

# %%
above = [loss - FLOOR for loss in family_loss]
law = fit_power_law(sizes, above)
rows = np.array([sizes, above]).T


def exponent_of(table):  # not defined where one model was drawn five times
    return fit_power_law(*table.T.tolist()).exponent if len(set(table[:, 0])) > 1 else math.nan


low, high = bootstrap_interval(rows, exponent_of, n_resamples=300)
print(
    f"true floor {FLOOR:.3f}: exponent {law.exponent:.3f} [{low:.3f}, {high:.3f}], n = {len(sizes)} models"
)
for guess in (0.0, 0.9 * min(family_loss)):
    wrong = fit_power_law(sizes, [loss - guess for loss in family_loss])
    print(f"floor taken as {guess:.3f}: exponent {wrong.exponent:.3f}")
print(f"each doubling of the parameters leaves {2**-law.exponent:.0%} of what is above the floor")

# %%
# Does the line hold?
line = [law.factor * n**-law.exponent for n in sizes]
show(
    plot_panels(
        Panel(
            title="Same text, larger models",
            axis_labels=("parameters (log scale)", "nats per token above the floor (log scale)"),
            curves={"measured": Curve(x=sizes, y=above), "power law": Curve(x=sizes, y=line)},
            log_x=True,
            log_y=True,
        )
    ),
    alt="Loss above the floor against parameters, both axes logarithmic. "
    + ", ".join(f"{a:.2f} at {n:,}" for n, a in zip(sizes, above, strict=True))
    + f". A straight line with slope {-law.exponent:.2f} goes through the points.",
)

# %% [markdown]
# Look at the figure before you believe the number: do the points lie on the line, or do they bend away at an end? A law fitted to a bend will mislead you just where you need it, beyond the last point. The exponent depends strongly on $E$; on real text $E$ must be guessed or fitted, and that is the softest spot of every scaling law. And five models with one seed each are few.
#
# There is a catch even here. All five read the same, small amount of text, and on so little text an endless model would *not* reach the entropy floor. The level that these points approach lies higher. How much of the loss is owed to the model, and how much to the text, a family on one text cannot tell; the next section can.
#
# **What we learnt.** The part above the floor falls by a constant factor per doubling: ever less for the same factor of cost. A law without its floor and its interval is a guess.

# %% [markdown]
# ## 5 · A budget, shared out
#
# *(core)*
#
# So far the text stayed the same, and larger models cost more. Now fix the **budget** $C = 6ND$. A larger model then reads *less*. For each budget, train several sizes: an **isoFLOP curve** (Hoffmann et al. 2022).
#
# **Predict.** Where is the best size: at the smallest model, at the largest, or in between? Where does it go if you may spend three times more?

# %%
ISO_WIDTHS = run.pick(small=(8, 12, 16, 24, 32), t4=(16, 32, 64, 128, 256))
BUDGETS = run.pick(small=(2.5e9, 7.5e9, 2.2e10), t4=(3e11, 1e12, 3e12))
iso, iso_models = [], []
for budget in BUDGETS:
    for width in ISO_WIDTHS:
        n = multiplied_parameters(width)
        n_steps = round(budget / training_flops(n, TOKENS_A_STEP))
        iso_models.append(new_recipe(width, n_steps))
        loss = nats_per_token(iso_models[-1])
        iso.append({"C": budget, "N": n, "D": n_steps * TOKENS_A_STEP, "loss": loss})
iso = pd.DataFrame(iso)


def by_budget(value):
    table = iso.pivot(index="N", columns="C", values=value)
    return table.rename(columns="{:.1e}".format).round(2)


by_budget("loss")

# %%
# Given the operations, how large should the model be?
iso["above"] = iso["loss"] - iso.groupby("C")["loss"].transform("min")
show(
    plot_panels(
        Panel(
            title="IsoFLOP curves, each above its lowest point",
            axis_labels=("parameters (log scale)", "nats per token above the best"),
            curves={
                f"{budget:.1e} operations": Curve(x=part["N"].tolist(), y=part["above"].tolist())
                for budget, part in iso.groupby("C")
            },
            log_x=True,
        )
    ),
    alt="Loss above the lowest of its budget, against parameters; one curve for each budget. "
    + "; ".join(
        f"{budget:.1e} operations: "
        + ", ".join(f"{up:.2f} at {n:,}" for n, up in zip(part["N"], part["above"], strict=True))
        for budget, part in iso.groupby("C")
    ),
)

# %% [markdown]
# Too small, and the model cannot hold what it reads. Too large, and it has hardly begun to learn when the budget is spent. In between lies the best size. Does it move as the budget grows? The left arm rises, since a small model wastes a large budget. But with five sizes the lowest *point* shows that only roughly. Hoffmann et al. therefore lay a parabola through each curve (over $\ln N$) and take *its* lowest place.

# %%
lowest = {}
for budget, part in iso.groupby("C"):
    a, b, _ = np.polyfit(np.log(part["N"]), part["loss"], 2)
    lowest[budget] = math.exp(-b / (2 * a))
    print(f"C = {budget:.1e}: the parabola is lowest at {lowest[budget]:,.0f} parameters")

# %% [markdown]
# The larger the budget, the larger the best model. And the valley is flat: compare what half or twice the best size costs with what three times the budget brings.
#
# Both effects stand in one formula, the law of Chinchilla:
#
# $$L(N, D) = E + \frac{A}{N^{\alpha}} + \frac{B}{D^{\beta}}$$
#
# $E$ is the floor, the second term what a model of $N$ parameters cannot hold, the third what $D$ tokens cannot teach. **By hand:** $E = 1$, $A = 8$, $\alpha = 0.5$, $B = 27$, $\beta = 1$; $N = 16$, $D = 9$: $1 + 8/4 + 27/9 = 6$.
#
# **Exercise (easy).** Write it. `law` is a `LossLaw` with the fields `floor`, `size_factor` ($A$), `size_exponent` ($\alpha$), `data_factor` ($B$) and `data_exponent` ($\beta$).

# %%
# @exercise course_lib.compute.scaling:predicted_loss

# %%
predicted_loss = check("05c:predicted_loss", predicted_loss)

# %% [markdown]
# Where is the minimum, if $6ND = C$? Put $D = C/(6N)$ into the law, set the derivative with respect to $N$ to 0, and solve:
#
# $$N^{*} = G \left( \frac{C}{6} \right)^{\beta / (\alpha + \beta)}, \quad D^{*} = \frac{C}{6 N^{*}}, \quad G = \left( \frac{\alpha A}{\beta B} \right)^{1 / (\alpha + \beta)}$$
#
# If $\alpha = \beta$, both exponents are one half: ten times the budget means $\sqrt{10} \approx 3.2$ times the model *and* 3.2 times the text.
#
# **Exercise (stretch).** Write it.

# %%
# @exercise course_lib.compute.scaling:compute_optimal

# %%
compute_optimal = check("05c:compute_optimal", compute_optimal)

# %%
story_law = fit_loss_law(iso["N"], iso["D"], iso["loss"], floor=FLOOR)
print(
    f"A = {story_law.size_factor:.2g}, alpha = {story_law.size_exponent:.2f}, "
    f"B = {story_law.data_factor:.2g}, beta = {story_law.data_exponent:.2f}; E = {FLOOR:.3f} is given"
)
off = [
    predicted_loss(story_law, n, d) / loss - 1
    for n, d, loss in zip(iso["N"], iso["D"], iso["loss"], strict=True)
]
print(
    f"off by {np.mean(np.abs(off)):.1%} on average, at most by {np.max(np.abs(off)):.1%}, n = {len(iso)} runs"
)
slope = story_law.data_exponent / (story_law.size_exponent + story_law.data_exponent)
print(
    f"ten times the budget: {10**slope:.1f} times the parameters, {10 ** (1 - slope):.1f} times the tokens"
)
by_law = {budget: compute_optimal(story_law, budget) for budget in BUDGETS}
pd.DataFrame(
    {
        "best of those tried": [
            f"{iso.loc[part['loss'].idxmin(), 'N']:,}" for _, part in iso.groupby("C")
        ],
        "by the parabola": [f"{lowest[budget]:,.0f}" for budget in BUDGETS],
        "by the law": [f"{by_law[budget].n_parameters:,.0f}" for budget in BUDGETS],
        "tokens, by the law": [f"{by_law[budget].n_tokens:,.0f}" for budget in BUDGETS],
    },
    index=[f"C = {budget:.1e}" for budget in BUDGETS],
)

# %% [markdown]
# Two ways, the parabolas and the law, put the valley at about the same place. In this small world a larger budget should go mostly into text: our $\alpha$ is much larger than our $\beta$. For large models on real text the two are nearly alike (see *Real text* below), and both grow together. The exponents belong to a kind of text, a recipe and a range of sizes.
#
# Take our constants with care: 15 runs of one seed, one learning rate for all, and a factor of about nine in the budget. What is robust is the shape: a valley, which moves.
#
# **What we learnt.** A budget has a best size of model. Ten times the budget buys both a larger model and more text.

# %% [markdown]
# ## 6 · Many processors
#
# *(core)*
#
# Ten times the operations do not come from waiting ten times as long. They come from more processors. **Data parallelism** is the simplest way: every process holds the whole model and takes a part of each batch; the gradients are added up; all take the same step.
#
# | changes | does not change |
# |---|---|
# | time per step: at best divided by the processes | operations of the run: they are shared, not saved |
# | memory for activations: each holds its own rows | memory for weights, gradients and optimiser: each holds all |
# | gradients must travel, each step | the result: the sum over counted tokens, divided once, is the same |
#
# The last row is tested in this repository: two processes take 20 steps, with ragged texts and odd numbers of rows, and end with the parameters of one process, to $10^{-6}$ in float32 and $10^{-12}$ in float64 (`test_two_processes_train_as_one`, described in `docs/scaling.md`).
#
# What travels? If $P$ processes stand in a ring, each sends and receives $2 (P - 1)/P$ times the bytes of the gradient.

# %%
# NBVAL_CHECK_OUTPUT
n_processes, tokens_a_step = 8, 500_000
sent = 2 * (n_processes - 1) / n_processes * 4 * n_gpt2  # bytes, float32
work = training_flops(n_gpt2, tokens_a_step) / n_processes / (0.4 * 312e12)
print(
    f"GPT-2 small on {n_processes} GPUs: {sent / 1e9:.2f} GB per step and process, {work:.2f} s of work"
)
for name, bytes_per_second in {
    "between GPUs of a machine, 300 GB/s": 300e9,
    "a network of 10 Gbit/s": 1.25e9,
}.items():
    seconds = sent / bytes_per_second
    print(f"{name:36} {seconds:6.3f} s, {seconds / (seconds + work):4.0%} of the step")

# %% [markdown]
# (By formula, for the A100: $312 \cdot 10^{12}$ operations a second, of which 40 % are reached; its links carry 600 GB/s, half in each direction; nothing is sent while computing.) On a slow network, take more tokens per step; but a larger batch also means fewer steps, and beyond some size it learns no better per step.
#
# And does it fit? A number takes 4 bytes in float32, 2 in bfloat16, 1 in 8 bits. Training with AdamW in float32 keeps four numbers per parameter: the weight, its gradient, and two running means.

# %%
# NBVAL_CHECK_OUTPUT
pd.DataFrame(
    {
        name: [f"{n * n_bytes / 1e9:,.1f} GB" for n_bytes in (4, 2, 1, 4 * 4)]
        for name, n in {"GPT-2 small": n_gpt2, "GPT-3": 175e9}.items()
    },
    index=["weights in float32", "in bfloat16", "in 8 bits", "training, without activations"],
)

# %% [markdown]
# A large GPU has about 80 GB. A model that does not fit must itself be cut: `docs/scaling.md`.
#
# **What we learnt.** Processes buy time, not operations. The numbers stay the same, the gradients travel.

# %% [markdown]
# ## 7 · What it is all for
#
# *(core)*
#
# Nobody needs the loss on stories. What pretraining is *for*: another task, for which there are few labels (**few-shot transfer**). Ours: is a *feeling* happy, unhappy, or neither? The stories end with words such as "relieved", "regretful" or "calm". A few of these words get a label; the question is about all
# the **others**, which were never labelled.
#
# The pretrained model has never heard of labels, but it had to predict these words. We keep it frozen and take its output vector of each word as features, for a linear classifier. From scratch, a model that has read only the labelled words knows of the others nothing but their random start: so **random vectors** stand for it. **Predict.** How
# many of the other feelings are classified correctly after 6 labels? After 24?

# %%
mood_of = {}
for story in stories:
    mood_of.setdefault(story.told["en"].cue, story.sentiment)
feelings = sorted(word for word in mood_of if word in id_of)
moods = np.array([mood_of[word] for word in feelings])
feeling_ids = [id_of[word] for word in feelings]
print(
    f"{len(feelings)} feelings:",
    ", ".join(f"{(moods == mood).sum()} {mood}" for mood in np.unique(moods)),
)


def vectors_of(table):
    return F.normalize(table.detach()[feeling_ids], dim=1).numpy()


def right_on_others(vectors, n_labels, seed):
    order = torch.randperm(len(moods), generator=make_generator(seed)).numpy()
    known, others = order[:n_labels], order[n_labels:]
    classifier = LogisticRegression(C=30, max_iter=500).fit(vectors[known], moods[known])
    return classifier.score(vectors[others], moods[others])


# %%
LABELS, DRAWS = (6, 12, 24, 30), range(30)
family_vectors = {width: vectors_of(model.head.weight) for width, model in family.items()}
scratch_table = torch.randn(VOCAB, 64, generator=make_generator(run.seed))
contenders = {
    "pretrained, width 64": family_vectors[64],
    "pretrained, width 8": family_vectors[8],
    "from scratch": vectors_of(scratch_table),
}
task = {
    name: {n: [right_on_others(vectors, n, seed) for seed in DRAWS] for n in LABELS}
    for name, vectors in contenders.items()
}
pd.DataFrame(
    {
        name: [
            "{:.0%} [{:.0%}, {:.0%}]".format(np.mean(by[n]), *bootstrap_interval(by[n]))
            for n in LABELS
        ]
        for name, by in task.items()
    },
    index=[f"{n} labels" for n in LABELS],
)

# %%
# What is a label worth, with pretraining and without?
show(
    plot_panels(
        Panel(
            title="Feelings that were never labelled",
            axis_labels=("labelled words", "share of the other words right"),
            curves={
                name: Curve(x=LABELS, y=[float(np.mean(by[n])) for n in LABELS])
                for name, by in task.items()
            },
            levels={"guessing": 1 / 3},
            y_range=(0, 1.02),
        )
    ),
    alt="Share of unlabelled feelings classified correctly against the number of labelled ones; guessing gives 0.33. "
    + "; ".join(
        f"{name}: " + ", ".join(f"{np.mean(by[n]):.2f} at {n}" for n in LABELS)
        for name, by in task.items()
    ),
)

# %% [markdown]
# (Means and intervals over 30 draws of the labelled words. Random vectors are *below* guessing, because the moods are equally frequent: if happy words happen to be many among the labelled ones, they are few among the others, where the classifier then expects them.) Happy feelings stand where stories end well, so the model had to put their vectors together; a label for one is a label for its neighbours. Without that, a label says something about one word only. This is why one expensive pretraining can pay: its price is shared by all
# tasks that come after. (The small model roughly keeps up with the large one, though its loss is more than twice as high. *Claims, tested* comes back to this.)
#
# It does not pay everywhere. The mood of a *whole ending*, for example, shows in tell-tale phrases, which a model from scratch can learn from labels alone. So compare, each time, with the untrained model, at several numbers of labels. Lesson 06 fine-tunes the whole model.
#
# **What we learnt.** Pretraining moves the cost from labels to text, where the text holds what the task asks.

# %% [markdown]
# ## Known truth
#
# ### Does the fit find the floor?
#
# In section 5 we *told* the fit the floor. Now hide it, and let all five constants be fitted, as one must on real text.

# %%
blind_law = fit_loss_law(iso["N"], iso["D"], iso["loss"])
for name, fitted in {"floor told": story_law, "floor fitted": blind_law}.items():
    print(
        f"{name}: E = {fitted.floor:.3f}, exponents {fitted.size_exponent:.2f} and {fitted.data_exponent:.2f}"
    )
    for times in (1, 100, 10_000):
        best = compute_optimal(fitted, times * BUDGETS[-1])
        promised = predicted_loss(fitted, *best)
        print(f"    {times:6,} times our largest budget: {promised:.2f} nats per token")
print(f"true floor: E = {FLOOR:.3f}")

# %% [markdown]
# Compare the fitted $E$ with the truth. From runs that all end far above the floor, the floor cannot be read: different constants fit the same points about equally well. They agree where we measured, and part where we did not: far out, a law with too low a floor promises what nobody can reach. Remember that when you see a line drawn ten powers of ten beyond its last point.
#
# ### An ability that emerges?
#
# Wei et al. (2022) call an ability **emergent** if small models do not have it, and larger ones do. Here is a test that is either passed or failed: predict **ten tokens in a row** correctly. And one without a threshold: the share of single tokens predicted correctly.


# %%
@torch.no_grad()
def hits_of(model):
    batches = [held_out[i] for i in range(held_out.n_batches)]
    rows = [(model(ids)[:, :-1].argmax(-1) == ids[:, 1:], mask[:, 1:]) for ids, mask in batches]
    return [hit[kept].double() for pair in rows for hit, kept in zip(*pair, strict=True)]


def all_right(hits, length):
    runs = [hit[: len(hit) // length * length].reshape(-1, length) for hit in hits]
    return torch.cat(runs).prod(dim=1)


# %%
hits = {width: hits_of(model) for width, model in family.items()}
single = {width: all_right(found, 1).mean().item() for width, found in hits.items()}
ten = {width: all_right(found, 10) for width, found in hits.items()}
shown = {}
for width, n in zip(WIDTHS, sizes, strict=True):
    k, total = int(ten[width].sum()), len(ten[width])
    low, high = proportion_interval(k, total)
    shown[f"{n:,} parameters"] = {
        "single tokens right": f"{single[width]:.1%}",
        "ten in a row right": f"{k / total:.2%} [{low:.2%}, {high:.2%}]",
        "single, to the power of ten": f"{single[width] ** 10:.2%}",
    }
pd.DataFrame(shown).T

# %%
# Does the ability appear suddenly?
show(
    plot_panels(
        Panel(
            title="All or nothing",
            axis_labels=("parameters (log scale)", "ten tokens in a row right"),
            curves={"ten in a row": Curve(x=sizes, y=[ten[w].mean().item() for w in WIDTHS])},
            log_x=True,
        ),
        Panel(
            title="The same models, token by token",
            axis_labels=("parameters (log scale)", "single tokens right"),
            curves={"single tokens": Curve(x=sizes, y=[single[w] for w in WIDTHS])},
            log_x=True,
            y_range=(0, 1),
        ),
    ),
    alt="Two panels over the number of parameters. Left, ten tokens in a row: "
    + ", ".join(f"{ten[w].mean().item():.3f} at {n:,}" for w, n in zip(WIDTHS, sizes, strict=True))
    + ". Right, single tokens: "
    + ", ".join(f"{single[w]:.2f} at {n:,}" for w, n in zip(WIDTHS, sizes, strict=True)),
)

# %% [markdown]
# The same outputs of the same models. On the left, the smallest model scores next to nothing, and with size the score multiplies; on the right, even progress from a third onwards. If each token is right with chance $p$, ten are right with $p^{10}$: 0.001 at $p = 0.5$, 0.11 at $p = 0.8$. The bend is made by the metric (Schaeffer et al. 2023). (The tokens are not independent, so the measured share is not exactly $p^{10}$: hard and easy
# stretches come in clusters.) This does not prove that nothing ever changes suddenly. It means: before you call something emergent, show a measure without a threshold beside it.

# %% [markdown]
# ## Real text
#
# On real text we cannot train such families here. But we can *check* those who did.
#
# ### A law, and its correction
#
# Hoffmann et al. (2022) trained over 400 models and fitted the law of section 5. They also trained one large model with 20 tokens per parameter: Chinchilla, 70 billion parameters, 1.4 trillion tokens. **Predict.** What do their own constants say about the best number of tokens per parameter, for that budget?

# %%
# NBVAL_CHECK_OUTPUT
chinchilla_budget = 5.76e23
laws = {"as published": hoffmann_law(), "corrected fit": besiroglu_law()}
for name, published in laws.items():
    n_best, d_best = compute_optimal(published, chinchilla_budget)
    loss = predicted_loss(published, n_best, d_best)
    print(
        f"{name:13} {n_best / 1e9:6.1f} billion parameters, {d_best / n_best:5.1f} tokens per parameter, loss {loss:.3f}"
    )

# %% [markdown]
# The published constants contradict the published model: they ask for more than 90 tokens per parameter where 20 were used. Besiroglu et al. (2024) read the points off the paper's figure and fitted again. They found that the optimiser had been stopped too early, by a badly chosen scale of the loss, and that the constants had been rounded so that the predictions are biased. Fitted well, the third
# method agrees with the other two methods of the paper. Two lessons: the *rule* (scale both about equally) survived, and five printed constants did not. And rounding an exponent is no small thing, for it stands above a number like $10^{12}$. Our `fit_loss_law` therefore goes on until nothing changes. And it begins where plain least squares end, because errors that count by their size alone make many valleys.

# %%
# Where do two published laws part?
budgets = np.geomspace(1e18, 1e26, 25)
shares = {}
for name, published in laws.items():
    best = [compute_optimal(published, budget) for budget in budgets]
    shares[name] = [d / n for n, d in best]
show(
    plot_panels(
        Panel(
            title="Tokens per parameter, by two fits of the same runs",
            axis_labels=("operations (log scale)", "best tokens per parameter (log scale)"),
            curves={
                **{name: Curve(x=budgets.tolist(), y=share) for name, share in shares.items()},
                "20, used for Chinchilla": Curve(x=[budgets[0], budgets[-1]], y=[20, 20]),
            },
            log_x=True,
            log_y=True,
        )
    ),
    alt="Best tokens per parameter against operations, 1e18 to 1e26. "
    + "; ".join(f"{name}: from {share[0]:.0f} to {share[-1]:.0f}" for name, share in shares.items())
    + ". A level line at 20, the ratio used for Chinchilla.",
)

# %% [markdown]
# ### What did GPT-3 cost?
#
# $6ND$ gives the operations. To get GPU-days you need what a GPU promises, and which share of it a real run reaches (its **utilisation**). For GPT-3, 3.55 million hours of V100 GPUs have been reported (Patterson et al. 2021); such a GPU promises up to $125 \cdot 10^{12}$ operations a second.

# %%
# NBVAL_CHECK_OUTPUT
gpt3 = training_flops(175e9, 300e9)
ideal = gpu_days(gpt3, peak_flops_per_second=125e12, utilisation=1.0)
reported = 3.55e6 / 24
print(
    f"GPT-3: {gpt3:.3g} operations; at best {ideal:,.0f} days of one V100, or {ideal / 365.25:.0f} years"
)
print(f"reported {reported:,.0f} days, so {ideal / reported:.0%} of what the GPU promises")
for share in (0.2, 0.4, 0.6):
    days = gpu_days(gpt3, peak_flops_per_second=312e12, utilisation=share)
    print(
        f"on A100 GPUs (312e12 operations a second) at {share:.0%}: {days:7,.0f} GPU-days, {days / 1000:5.1f} days on a thousand"
    )

# %% [markdown]
# The formula is good for the operations, and only for a range of GPU-days: the utilisation differs by more than a factor of two (20 % here; 56 % in a benchmark with a trillion parameters, Korthikanti et al. 2022). Energy and carbon come in lesson 11.

# %% [markdown]
# ## On a GPU
#
# The same valley with models a hundred times as large: all plots of the story world, both more budget and more widths. Without a GPU you see what was recorded, if anything was.

# %% tags=["gpu"]
if run.gpu_cell:
    gpu_widths = run.pick(small=(16, 32), t4=(64, 128, 256, 512), full=(128, 256, 512, 768, 1024))
    gpu_budgets = run.pick(small=(2e8, 4e8), t4=(4e12, 1.2e13, 3.6e13), full=(5e13, 2e14, 8e14))
    gpu_rows = run.pick(small=4, t4=32, full=64)
    n_stories = run.pick(small=400, t4=60000, full=400000)
    told = [
        s.told["en"].tokens for s in islice(stream_stories(run.seed, languages=("en",)), n_stories)
    ]
    gpu_words = {
        word: i for i, word in enumerate(sorted({w for text in told for w in text}), start=1)
    }
    gpu_ids = [[0, *(gpu_words[word] for word in text)] for text in told]
    gpu_tokens_a_step = gpu_rows * sum(map(len, gpu_ids)) / len(gpu_ids)
    n_held = len(gpu_ids) // 20
    unread = InOrder(PaddedBatches(gpu_ids[:n_held][:512], n_rows=32, pad_id=0))
    result = {}
    for budget in gpu_budgets:
        for width in gpu_widths:
            torch.manual_seed(run.seed)
            sizes_of = {
                "d_model": width,
                "n_heads": max(1, width // 64),
                "n_layers": run.pick(small=2, t4=6),
            }
            big = ModernGPT(ModernGPTConfig(vocab_size=len(gpu_words) + 1, **sizes_of)).to(
                run.device
            )
            n = count_parameters(big).total - big.tokens.weight.numel()
            batches = PaddedBatches(gpu_ids[n_held:], n_rows=gpu_rows, seed=run.seed)
            steps = max(2, round(budget / training_flops(n, gpu_tokens_a_step)))
            plan = TrainingConfig(
                n_steps=steps,
                optimizer=MuonConfig(learning_rate=0.02, precision="float32"),
                schedule=WarmupStableDecay(n_warmup=max(1, steps // 20), decay_share=0.6),
                seed=run.seed,
            )
            train(big, batches, plan)
            result[f"{budget:.1e} operations, {n} parameters"] = evaluate(
                big, unread
            ).nats_per_token
    recorded = run.record("05c-isoflop", result)
else:
    recorded = run.recorded("05c-isoflop")
for name, value in recorded.result.items():
    print(f"{name}: {value:.3f} nats per token")

# %% [markdown]
# ## Exercises
#
# They stand where they belong in the sections above:
#
# | | level | section |
# |---|---|---|
# | `training_flops` | easy | [1 · What a run costs](#1-·-What-a-run-costs) |
# | `seeds_needed` | core | [2 · Choose by experiment](#2-·-Choose-by-experiment) |
# | `fit_power_law` | core | [4 · A law](#4-·-A-law) |
# | `predicted_loss` | easy | [5 · A budget, shared out](#5-·-A-budget,-shared-out) |
# | `compute_optimal` | stretch | [5 · A budget, shared out](#5-·-A-budget,-shared-out) |
#
# Six more without a check, if you like:
#
# - *Easy.* What would Llama 3 8B on 15 trillion tokens cost, in operations and in days of one H100 at 40 % of $989 \cdot 10^{12}$ operations a second? How many tokens per parameter is that, and why would anybody read so many?
# - *Core.* Leave the smallest model out of the fit of section 4, then the largest. How far does the exponent move, compared with its interval?
# - *Core.* Repeat one column of the isoFLOP table with two more seeds. Is the best size still the best?
# - *Core.* Count *all* parameters as $N$, the token vectors too. What becomes of the best size? (Kaplan et al. and Hoffmann et al. counted differently, which explains much of their disagreement: Pearce and Song 2024.)
# - *Stretch.* Ask for the mood of a whole ending, from the last vectors of a frozen model, of a tuned one, and of one from scratch. From how many labels on are they equal?
# - *Stretch.* Give the larger models their own learning rate in section 5. Does the valley move?

# %% [markdown]
# ## In your own words
#
# Your institute may use ten times more GPU-hours next year. A colleague says: “Then we train a model ten times as large on the same corpus. Our last one was better than the one before, so bigger is better.” Answer in six sentences or fewer.
#
# <details><summary>What a good answer contains</summary>
#
# - Ten times the budget is better shared out: about three times the parameters and three times the text, if the two exponents are alike.
# - If there is no more text, a larger model on the same corpus gains less and less; the law says how much, once it is fitted.
# - Was the last comparison fair: each model with its own learning rate, several seeds?
# - First measure small: a family of models, a fitted law with its interval, then one large run.
# - Who will use it? A smaller model that has read more is cheaper each time it is asked.
#
# Three of the five is good.
#
# </details>

# %% [markdown]
# <!-- @answer ten-times-more -->
# *Write your answer here: double-click this cell.*

# %% [markdown]
# ## Claims, tested
#
# Five sentences that you will read elsewhere. Each was tested in this lesson.
#
# ### “Bigger models are always better.”
#
# **False.** Not at a rate that suits the small one, and not at a fixed budget:

# %%
for width in (16, 64):
    print(
        f"at rate {shared}, width {width}: {summary[width, shared][0]:.2f} ± {summary[width, shared][1]:.2f} nats per token"
    )
for budget, part in iso.groupby("C"):
    best, largest = part.loc[part["loss"].idxmin()], part.iloc[-1]
    print(
        f"C = {budget:.1e}: {best['N']:,.0f} parameters {best['loss']:.2f}, {largest['N']:,.0f} parameters {largest['loss']:.2f}"
    )

# %% [markdown]
# ### “More data is always better than a bigger model.”
#
# **False.** At a fixed budget the smallest model reads most, and is not the best. Both must grow:

# %%
for budget, part in iso.groupby("C"):
    best, smallest = part.loc[part["loss"].idxmin()], part.iloc[0]
    print(
        f"C = {budget:.1e}: {smallest['D']:,.0f} tokens {smallest['loss']:.2f}, {best['D']:,.0f} tokens {best['loss']:.2f}"
    )

# %% [markdown]
# ### “A lower loss always means better at the task.”
#
# **Imprecise.** Over many models the two go together: pretraining loss is well correlated with the task. But the loss is an average over all tokens, and the task asks for a few of them; models of the same loss differ at a task (Liu et al. 2022). Take all models of section 5 to the feelings, with 12 labelled words.

# %%
iso_vectors = [vectors_of(model.head.weight) for model in iso_models]
iso["task"] = [
    np.mean([right_on_others(vectors, 12, seed) for seed in DRAWS]) for vectors in iso_vectors
]
ranks = iso["loss"].corr(iso["task"], method="spearman")
print(f"rank correlation of loss and task, {len(iso)} models of one seed: {ranks:.2f}")
pd.concat({name: by_budget(name) for name in ("loss", "task")}, axis=1)

# %% [markdown]
# Go down the columns of the two smaller budgets: the loss is lowest further down, but the task is solved best at the top, by the smallest model, which has read most. In the middle budget, compare it with the second largest: about the same loss, a very different task.

# %% [markdown]
# ### “Large models have abilities that appear suddenly.”
#
# **Imprecise.** Often it is the metric that is sudden:

# %%
for width, n in zip(WIDTHS, sizes, strict=True):
    print(
        f"{n:8,} parameters: ten in a row {ten[width].mean().item():.2%}, single tokens {single[width]:.1%}"
    )

# %% [markdown]
# ### “The best hyper-parameters are known; take them from a table.”
#
# **False.** They depend on the width, as here, and on the length of the run (section 3: the usual rates lose 0.167 in a short one):

# %%
for width, rate in best_rate.items():
    print(f"width {width}: best of the rates tried {rate}")

# %% [markdown]
# ## Quiz

# %%
quiz("05c")

# %% [markdown]
# In a notebook without buttons, answer like this: `answer_quiz("05c", 2, "b")`.
#
# ## Summary

# %% [markdown]
# - A run costs about $6ND$ operations; price it before it starts. GPU-days need a utilisation, too.
# - A choice is an experiment: own search for each contender, several seeds, the winner run again. A difference of half the spread needs 63 seeds.
# - A few ingredients carry most of a recipe; below the noise you cannot see the rest.
# - Above the floor, loss falls as a power law: each doubling leaves the same share. The floor is the softest constant.
# - At a fixed budget there is a best size; with ten times the budget, model *and* text grow.
# - Famous constants can be wrong; the rule survived its correction.
# - Several processes buy time, not operations, and give the same numbers.
# - Pretraining pays in labels. And a threshold in the metric makes smooth progress look sudden.

# %% [markdown]
# ## Further reading
#
# - Kaplan et al. 2020, *Scaling Laws for Neural Language Models*, <https://arxiv.org/abs/2001.08361>.
# - Hoffmann et al. 2022, *Training Compute-Optimal Large Language Models*, <https://arxiv.org/abs/2203.15556>.
# - Pearce and Song 2024, *Reconciling Kaplan and Chinchilla Scaling Laws*, <https://arxiv.org/abs/2406.12907>.
# - Besiroglu et al. 2024, *Chinchilla Scaling: A replication attempt*, <https://arxiv.org/abs/2404.10102>.
# - Schaeffer et al. 2023, *Are Emergent Abilities of Large Language Models a Mirage?*, <https://arxiv.org/abs/2304.15004>.
# - Wei et al. 2022, *Emergent Abilities of Large Language Models*, <https://arxiv.org/abs/2206.07682>.
# - McKenzie et al. 2023, *Inverse Scaling: When Bigger Isn't Better*, <https://arxiv.org/abs/2306.09479>: tasks at which larger models are worse.
# - Liu et al. 2022, *Same Pre-training Loss, Better Downstream*, <https://arxiv.org/abs/2210.14199>.
# - Yang et al. 2022, *Tensor Programs V*, <https://arxiv.org/abs/2203.03466>: how rates can be carried over from narrow models to wide ones.
# - Patterson et al. 2021, *Carbon Emissions and Large Neural Network Training*, <https://arxiv.org/abs/2104.10350>.
# - Korthikanti et al. 2022, *Reducing Activation Recomputation in Large Transformer Models*, <https://arxiv.org/abs/2205.05198>.
# - Brown et al. 2020, *Language Models are Few-Shot Learners*, <https://arxiv.org/abs/2005.14165>.

# %%
run.summary()
