# %% [markdown]
# # Classes
#
# A conditional generator makes pictures of the class that you ask for. Sort your pictures into
# one folder for each class and train:
#
#     keras-gan train --dataset photos/ --classes folders
#
# The rest of this guide does the same in Python, on scikit-learn's digits.

# %%
import keras
import numpy as np

import keras_gan
from keras_gan import conditioning, networks, priors, regularizers
from keras_gan.evaluation.features import Classifier

EPOCHS = 60
WIDTH = 32
CLASSIFIER_EPOCHS = 20

data = keras_gan.data.load("digits")
scale = keras_gan.data.SymmetricRange()
images, labels = scale.normalize(data.train.x), data.train.y  # [n, 8, 8, 1] and int [n]

# %% [markdown]
# ## Networks that take a class
#
# `classes=10` gives both networks a further input named `condition`. G gets a trained vector of
# the class next to z. D adds the inner product of its features with another trained vector
# (projection). The condition tells the model what that input is.

# %%
shape = images.shape[1:]
gan = keras_gan.GAN(
    networks.dcgan_generator(shape, 32, width=WIDTH, activation="tanh", classes=10),
    networks.dcgan_discriminator(shape, width=WIDTH, classes=10),
    priors.Normal(32),
    condition=conditioning.Classes(10),
    ema=0.99,
)
gan.compile(
    generator_optimizer=keras.optimizers.Adam(1e-3, beta_1=0.0, beta_2=0.99),
    discriminator_optimizer=keras.optimizers.Adam(1e-3, beta_1=0.0, beta_2=0.99),
    loss="relativistic",
    regularizers=[regularizers.R1(0.1), regularizers.R2(0.1)],
)
gan.fit(images, labels, batch_size=50, epochs=EPOCHS, verbose=0)

# %% [markdown]
# ## Ask for classes
#
# `condition` is one class for all samples, or one for each. Without it, classes are drawn.

# %%
threes = gan.generate(16, seed=0, condition=3, ema=True)
each = np.repeat(np.arange(10), 8)  # eight samples of each class
rows = scale.denormalize(gan.generate(80, seed=0, condition=each, ema=True))
keras_gan.plotting.save_image(keras_gan.plotting.grid(rows, 8), "classes.png")

# %% [markdown]
# One row for each class:
#
# ![eight samples of each digit](../pictures/guides/classes.png)
#
# ## Does it make the class that was asked for?
#
# Classify samples with a classifier that was trained on the data. Its own accuracy on test images
# says how far the answer can be trusted. Compare several classifiers before you report a number.

# %%
unit = keras_gan.data.UnitRange().normalize
classifier = Classifier.fit(data.train.x, labels, epochs=CLASSIFIER_EPOCHS, prepare=unit)
named = classifier.probabilities(rows).argmax(axis=1)
print(f"test accuracy: {classifier.accuracy(unit(data.test.x), data.test.y):.0%}")
print(f"samples of the class asked for: {np.mean(named == each):.0%}")

# %% [markdown]
# ## From one class to another
#
# Classes are numbers, so there is nothing between 3 and 5. With one-hot vectors as the condition
# there is: [conditional_gan.py](../../examples/conditional_gan.py) interpolates between them.
#
# ## Variants
#
# | you have | use |
# |---|---|
# | classes | `conditioning.Classes(n)`, as above |
# | numbers, vectors or images that describe each picture | `conditioning.Vectors(shape)` |
# | no labels, but you want codes that mean something | `conditioning.Codes` with `losses.Info` |
# | a classifier as part of D (AC-GAN) | `losses.AuxiliaryClassifier` |
# | fully connected networks | `networks.with_classes(g, d, shape, classes)` |
