# %% [markdown]
# # The paper's propositions
#
# Sections 3 and 4 of [Goodfellow et al. 2014](https://arxiv.org/abs/1406.2661), each next to the
# functions that compute it and the tests that check it. The cells run in a second.
#
# | statement | function | tests |
# |---|---|---|
# | equation (1): V(D, G) | `theory.value`; over samples `losses.discriminator` | [test_theory.py](../../tests/test_theory.py) |
# | equation (2), Proposition 1: D* | `theory.optimal_discriminator`, `theory.optimal_logit` | the same |
# | equation (3), Theorem 1: C(G) | `theory.criterion`, `theory.jensen_shannon` | the same |
# | Proposition 2: convergence | the cell below | the same |
# | section 3: no gradient where D's slope is 0 | `GAN.fit` | the same |
# | Algorithm 1 | `GAN.train_step` | [test_gan.py](../../tests/test_gan.py) |
# | Figure 1 | `python -m reproduce.figure_1` | [test_figure_1.py](../../tests/test_figure_1.py) |
# | section 6: G maps many z to one x | `evaluation.collapse` | [test_diagnostics.py](../../tests/test_diagnostics.py) |
#
# A density is an array of numbers over cells, `width` the size of a cell. All values are in nats.

# %%
import numpy as np
from scipy import optimize, special, stats

from keras_gan.evaluation import theory

x = np.linspace(-8, 8, 801)
width = x[1] - x[0]
p_data = stats.norm(0, 1).pdf(x)
p_g = stats.norm(1, 1.5).pdf(x)

# %% [markdown]
# ## Proposition 1: the best discriminator for a fixed G
#
# D*(x) = p_data(x) / (p_data(x) + p_g(x)). An optimizer that knows nothing of the formula finds
# the same D. With seven cells:

# %%
random = np.random.default_rng(0)
p, q = random.dirichlet(np.ones(7)), random.dirichlet(np.ones(7))
found = optimize.minimize(lambda logits: -theory.value(p, q, logits=logits), np.zeros(7))
distance = np.abs(special.expit(found.x) - theory.optimal_discriminator(p, q)).max()
print(f"largest distance to the formula: {distance:.1e}")
assert distance < 1e-3

# %% [markdown]
# ## Equation (3) and Theorem 1: what G minimizes
#
# With D = D*, the value is C(G) = -log 4 + 2 JSD(p_data, p_g). Its minimum, -log 4, is reached
# only at p_g = p_data, where D = 1/2 everywhere.

# %%
best = theory.value(p_data, p_g, logits=theory.optimal_logit(p_data, p_g), width=width)
print(f"V(D*, G) {best:.6f}, C(G) {theory.criterion(p_data, p_g, width):.6f}")
print(
    f"C at p_g = p_data: {theory.criterion(p_data, p_data, width):.6f}; -log 4 = {-np.log(4):.6f}"
)
assert np.isclose(best, theory.criterion(p_data, p_g, width))
assert np.isclose(theory.criterion(p_data, p_data, width), -np.log(4))

# %% [markdown]
# ## Proposition 2: small steps of p_g lead to p_data
#
# C is convex in p_g, and at D* the derivative of V with respect to p_g(x) is log(1 - D*(x)). So
# gradient descent on the density itself converges if D is optimal at every step. The density is
# written as a softmax, to stay one.

# %%
weights = np.log(q)
for _ in range(3000):
    density = special.softmax(weights)
    gradient = special.log_expit(-theory.optimal_logit(p, density))
    weights -= density * (gradient - density @ gradient)
print(f"JSD after 3,000 steps: {theory.jensen_shannon(p, density):.1e}")
assert theory.jensen_shannon(p, density) < 1e-3

# %% [markdown]
# This is a statement about densities. It proves nothing about networks, whose parameters are the
# variables in practice: [evaluation](../evaluation.md) measures what they reach.
#
# ## Why G maximizes log D(G(z)) in practice
#
# Early in training D is sure that samples are false. Then log(1 - D(G(z))) hardly changes with
# G, and log D(G(z)) does. Slopes with respect to D's logit on samples:

# %%
for logit in (-10.0, 0.0):
    saturating = -special.expit(logit)  # of log(1 - D)
    non_saturating = -special.expit(-logit)  # of -log D
    print(f"logit {logit:5}: minimax {saturating:.5f}, non-saturating {non_saturating:.5f}")

# %% [markdown]
# ## The gradient through G
#
# Section 3 trains G through D by the limit, for s to 0, of the gradient of the mean of f(x + e), e
# being normal with the standard deviation s: it is the gradient of f. With f(x) = x^3 at x = 2,
# where the gradient is 12 and the mean's is 12 + 3 s^2:

# %%
noise = random.standard_normal(100_000)
for s in (1.0, 0.1, 0.01):
    print(f"s = {s}: {np.mean(3 * (2 + s * noise) ** 2):.3f}")
assert abs(np.mean(3 * (2 + 0.01 * noise) ** 2) - 12) < 0.01

# %% [markdown]
# ## Table 2 and related work
#
# [Table 2](../tables.md) compares four families of models; every entry about adversarial nets has
# its test. The paper sets itself apart from:
#
# | method | there | in adversarial nets |
# |---|---|---|
# | noise-contrastive estimation | D tells data from a fixed noise distribution | the other distribution is learned |
# | predictability minimization | competition regularizes hidden units | competition is the only criterion |
# | adversarial examples | inputs that a classifier mistakes, to study it | samples, to train a generator |
# | variational autoencoders | hidden units must be differentiable | visible units must be |
#
# The last row as numbers: rounded samples have no gradient, so a generator of discrete data
# cannot be trained this way.

# %%
import tensorflow as tf

z = tf.constant([0.3, 0.6])
with tf.GradientTape() as tape:
    tape.watch(z)
    score = tf.reduce_sum(tf.sigmoid(tf.round(3 * z)))
gradient = tape.gradient(score, z)
print("gradient through rounding:", gradient)
assert gradient is None
