# %% [markdown]
# # Read a training run
#
# Unlike the loss of a classifier, the losses of a GAN do not fall steadily: each network makes the
# other's task harder. This guide says what the numbers of a run mean, and which ones show that something is
# wrong. `keras-gan watch RUN` shows them in a browser while a run trains, and
# `keras-gan report RUN` afterwards.

# %%
import keras
import numpy as np

import keras_gan
from keras_gan import callbacks, networks, priors
from keras_gan.evaluation.theory import LOG_4

EPOCHS = 20
WIDTH = 16

data = keras_gan.data.load("digits")
scale = keras_gan.data.SymmetricRange()
images = scale.normalize(data.train.x)

gan = keras_gan.GAN(
    networks.dcgan_generator(images.shape[1:], 32, width=WIDTH, activation="tanh"),
    networks.dcgan_discriminator(images.shape[1:], width=WIDTH),
    priors.Normal(32),
)
gan.compile(
    generator_optimizer=keras.optimizers.Adam(5e-4, beta_1=0.5),
    discriminator_optimizer=keras.optimizers.Adam(5e-4, beta_1=0.5),
)

# %% [markdown]
# Give `fit` validation data, and a callback that examines samples for signs of collapse. It needs
# the training set, held-out examples and the map from G's output to [0, 1].

# %%
from keras_gan.evaluation.collapse import CollapseDetector

unit = keras_gan.data.UnitRange().normalize
detector = CollapseDetector(data.train.x, held_out=data.validation.x, prepare=unit)
monitor = callbacks.CollapseMonitor(detector, scale.denormalize, samples=100, every=EPOCHS)
held_out = scale.normalize(data.validation.x)
history = gan.fit(
    images,
    batch_size=50,
    epochs=EPOCHS,
    validation_data=(held_out, None),
    callbacks=[monitor],
    verbose=0,
).history

# %% [markdown]
# ## The columns
#
# | column | meaning | at the equilibrium |
# |---|---|---|
# | `d_real` | mean of D(x), the probability that D gives to data | 0.5 |
# | `d_fake` | mean of D(G(z)), the same for samples | 0.5 |
# | `value` | V(D, G) of equation (1), nats | -log 4 = -1.386 |
# | `jsd_bound` | (V + log 4) / 2: for this D a lower bound of the Jensen-Shannon divergence | 0 |
# | `d_loss`, `g_loss` | what each network minimizes, by the loss that you chose | |
# | `val_...` | the same for validation data | as without `val_` |
#
# Where D's output is not a probability, as with relativistic losses, Wasserstein, hinge and least
# squares, read only the losses and distances. In a run directory, `metrics.csv` has these columns, and distances and warnings as well.

# %%
last = {name: values[-1] for name, values in history.items()}
print(f"D(x) {last['d_real']:.2f}, D(G(z)) {last['d_fake']:.2f}")
print(f"V {last['value']:.2f}; at the equilibrium {-LOG_4:.2f}")
print(f"Jensen-Shannon divergence at least {last['jsd_bound']:.2f}")

# %% [markdown]
# ## What to look for
#
# | what you see | what it means | what to try |
# |---|---|---|
# | `d_real` near 1 and `d_fake` near 0 from the first epochs on | D wins; G gets no gradient | a gradient penalty, a smaller learning rate of D |
# | `d_real` and `d_fake` both near 0.5, samples are noise | D learns nothing | a larger learning rate of D, a smaller penalty |
# | `d_real` above `val_d_real`, and the difference grows | D overfits | [few pictures](few_pictures.py) |
# | `g_loss` swings, samples change completely between epochs | the step is too large | smaller learning rates, `ema=0.999` |
# | samples look alike | collapse: see the warnings | the relativistic loss with `R1` and `R2` |
# | a loss is NaN | training diverged; `keras-gan train` stops | smaller learning rates; bfloat16 instead of float16 |
#
# A loss that stays constant is no reason to stop: look at samples and distances.
#
# ## Warnings
#
# Each warning has a name, listed with [what raises it](../evaluation.md#warnings), and a sentence
# with the numbers behind it.

# %%
for warning in monitor.warnings:
    print(warning)

# %% [markdown]
# ## Curves
#
# `learning_curves` draws V and D's outputs with their values at the equilibrium.

# %%
table = {"epoch": np.arange(EPOCHS), **history}
keras_gan.plotting.save_image(keras_gan.plotting.learning_curves(table), "curves.png")

# %% [markdown]
# Here both networks slowly approach the equilibrium, and D does not overfit: the curves of
# training and validation stay together.
#
# ![V and D's outputs over 20 epochs](../pictures/guides/curves.png)
#
# ## When to stop, and which weights to keep
#
# The losses do not tell you when to stop. Measure a distance while training: `keras-gan train --distance-every 5`, or the
# callback `ValidationDistance`. The run keeps the weights with the smallest one as `best` and
# `best_ema`. Compare distances only if they come from the same features and equally many
# examples.
