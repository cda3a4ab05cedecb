# %% [markdown]
# # Few pictures
#
# With fewer than about 20,000 pictures, the discriminator learns them by heart. It then knows
# training pictures by their details, and G gets no useful gradient. This guide shows how to see
# this, and three remedies.
#
# On the command line the recipe `pictures` chooses the augmentation by the number of pictures:
#
#     keras-gan train --dataset photos/                          # DiffAugment below 200,000
#     keras-gan train --dataset photos/ --init runs/faces        # starts from a trained run
#     keras-gan train --dataset photos/ --init runs/faces --freeze 2

# %%
import keras

import keras_gan
from keras_gan import augmentation, networks, priors, regularizers
from keras_gan.evaluation.collapse import score_gap

AUGMENTATIONS = ("none", "DiffAugment", "ADA")  # to compare
EPOCHS = 200
WIDTH = 32

data = keras_gan.data.load("digits")
scale = keras_gan.data.SymmetricRange()
few = scale.normalize(data.train.x[:200])  # 200 pictures, 8x8
held_out = scale.normalize(data.validation.x)


def make(augment):
    """A DCGAN pair for these pictures."""
    shape = few.shape[1:]
    gan = keras_gan.GAN(
        networks.dcgan_generator(shape, latent_dim=32, width=WIDTH, activation="tanh"),
        networks.dcgan_discriminator(shape, width=WIDTH),
        priors.Normal(32),
        ema=0.99,
    )
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(5e-4, beta_1=0.0, beta_2=0.99),
        discriminator_optimizer=keras.optimizers.Adam(5e-4, beta_1=0.0, beta_2=0.99),
        loss="non_saturating",
        regularizers=[regularizers.R1(0.1)],
        augmentation=augment,
    )
    return gan


# %% [markdown]
# ## See it: D's scores of pictures that it was not trained on
#
# Keep some pictures back. If D gives training pictures higher scores than those, it has learned
# the training set instead of the kind of picture. `auc` is the probability that a training
# picture has the higher score: 0.5 is ideal, above 0.65 the
# [evaluation](../evaluation.md#warnings) raises the warning `discriminator-overfits`.


# %%
def overfitting(gan):
    """How well D tells training pictures from others: 0.5 not at all, 1 always."""
    scores = [gan.discriminator.predict(x, verbose=0) for x in (few, held_out)]
    return score_gap(*scores).auc


# %% [markdown]
# ## DiffAugment and ADA
#
# All pictures that D receives, real and generated, are changed at random: color, translation,
# cutout. G does not learn the changes, because it is trained through them. `DiffAugment` works
# with every loss and is the first thing to try.
#
# Augmentation slows learning where D does not overfit. An adaptive one starts without any change
# and becomes stronger while D overfits: `ADA`, or `DiffAugment` with the probability `Adaptive`.
# `images` is the number of pictures seen until the probability can rise from 0 to 1. The share of
# training pictures that D gets right is taken as a sign of overfitting; if `auc` stays high, try a
# smaller `target` than the paper's 0.6, as here.

# %%
augmentations = {
    "none": None,
    "DiffAugment": augmentation.DiffAugment("color,translation,cutout"),
    "ADA": augmentation.ADA(target=0.3, images=5_000),
}
for name in AUGMENTATIONS:
    gan = make(augmentations[name])
    gan.fit(few, batch_size=50, epochs=EPOCHS, verbose=0)
    print(f"{name}: auc {overfitting(gan):.2f}")

# %% [markdown]
# ## Start from a trained model
#
# A model of similar pictures needs far fewer new ones: `--init RUN` takes its weights where the
# layers match, and `--freeze N` keeps the first N layers of D as they are (FreezeD). In Python,
# load a model, compile it again and call `fit`:

# %%
gan.save("few.keras")
tuned = keras.saving.load_model("few.keras")
tuned.discriminator.layers[1].trainable = False  # the first convolution
tuned.compile(
    keras.optimizers.Adam(1e-4, beta_1=0.0),
    keras.optimizers.Adam(1e-4, beta_1=0.0),
    augmentation=augmentation.DiffAugment(),
)
tuned.fit(held_out, batch_size=50, epochs=1, verbose=0)

# %% [markdown]
# ## Check that G does not copy
#
# A generator can also learn pictures by heart. `keras-gan evaluate RUN` raises the warning
# `training-set-memorized`, also for shifted and mirrored copies. `neighbors.png` in the directory of
# a finished run shows twelve samples, and below each the nearest training picture.
