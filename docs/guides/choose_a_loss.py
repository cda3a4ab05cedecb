# %% [markdown]
# # Choose a loss
#
# Start with the relativistic loss and the penalties R1 and R2 ([terms](../terms.md)), unless you
# need another one. This guide compares it with three others on eight Gaussians on a ring, where
# one can count what a generator has learned.
#
# | loss | use it | with |
# |---|---|---|
# | `relativistic` | by default (R3GAN, 2024) | `R1` and `R2`, no normalization |
# | `non_saturating` | with `ADA`; to compare with most papers before 2017 | `R1`, or noise on D's inputs |
# | `hinge` | with the networks of SNGAN and BigGAN | spectral normalization |
# | `wasserstein` | to reproduce WGAN-GP | `WGANGP`, `discriminator_steps=5` |
# | `least_squares` | to reproduce LSGAN or pix2pix | |
# | `minimax` | to study the paper's theory: D's loss is -V(D, G) | |
#
# [All losses and penalties](../methods.md) with their formulas.

# %%
import keras

import keras_gan
from keras_gan import networks, priors, regularizers
from keras_gan.evaluation.collapse import modes_found
from keras_gan.evaluation.gaussians import GaussianMixture

LOSSES = ("relativistic", "non_saturating", "hinge", "wasserstein")  # to compare
EPOCHS = 400
POINTS = 2560

ring = GaussianMixture.ring(modes=8, radius=2.0, sd=0.1)
points = ring.sample(POINTS)  # float32 [n, 2]

# %% [markdown]
# Everything but the loss and the penalties stays the same: the networks, the number of points that
# D sees, and Adam with a rate that falls to 0 in as many updates as D makes.

# %%
objectives = {
    "relativistic": {
        "loss": "relativistic",
        "regularizers": [regularizers.R1(0.1), regularizers.R2(0.1)],
    },
    "non_saturating": {"loss": "non_saturating"},
    "hinge": {"loss": "hinge", "regularizers": [regularizers.R1(0.1)]},
    "wasserstein": {
        "loss": "wasserstein",
        "regularizers": [regularizers.WGANGP(10.0)],
        "discriminator_steps": 5,
    },
}


def train(objective):
    """A small pair of networks, trained with this objective."""
    gan = keras_gan.GAN(
        networks.leaky_mlp((16,), (2,), width=64, seed=0, name="generator"),
        networks.leaky_mlp((2,), (1,), width=64, seed=1, name="discriminator"),
        priors.Normal(16),
        ema=0.99,
    )
    rate = keras.optimizers.schedules.CosineDecay(1e-3, EPOCHS * POINTS // 128)
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99),
        discriminator_optimizer=keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99),
        **objective,
    )
    gan.fit(points, batch_size=128, epochs=EPOCHS, verbose=0)
    return gan


# %% [markdown]
# A mode counts as found if it has at least a tenth of its share of the samples. A sample is on a
# mode if it is within three standard deviations of its center.

# %%
pictures = []
for name in LOSSES:
    samples = train(objectives[name]).generate(2500, ema=True)
    found = modes_found(samples, ring)
    title = f"{name}: {found.found} of 8 modes, {found.on_modes:.0%} on modes"
    pictures.append(keras_gan.plotting.scatter(samples, points, title=title))
    print(title)
keras_gan.plotting.save_image(keras_gan.plotting.grid(pictures, 2), "losses.png")

# %% [markdown]
# ![samples of the four losses over the data](../pictures/guides/losses.png)
#
# Without a penalty, the samples of `non_saturating` leave out three modes. With
# `discriminator_steps=5`, G makes a fifth of the updates, in which its rate hardly falls, and
# WGAN-GP is far from done.
#
# One seed and one data set decide nothing: repeat a comparison with several seeds before you
# believe it. What usually matters more than the choice of the loss:
#
# - **a gradient penalty**, so that D stays smooth: without one, the loss of D often goes to 0 and
#   G no longer learns;
# - **the weight of the penalty**: try 10 times more and 10 times less. It grows with the square of
#   the number of pixels (0.1 for 32x32 pictures, 1.6 for 64x64);
# - **a moving average** of G's weights (`ema=`), which samples should come from.
#
# ## Your own loss
#
# A loss is a subclass of `keras_gan.losses.Loss` with two methods that return one number for each
# example. It works with every penalty, augmentation and number of devices.


# %%
@keras.saving.register_keras_serializable("guides")
class Exponential(keras_gan.losses.Loss):
    """D minimizes exp(-C(x)) + exp(C(G(z))), C being its output; G minimizes -C(G(z))."""

    def discriminator(self, real, fake):
        return keras.ops.exp(-real.logits) + keras.ops.exp(fake.logits)

    def generator(self, real, fake):
        return -fake.logits


gan = train({"loss": Exponential(), "regularizers": [regularizers.R1(0.1)]})
print(modes_found(gan.generate(2500, ema=True), ring).found, "of 8 modes")
