# %% [markdown]
# # Measure
#
# How good are samples? This guide compares samples of a trained model, and pictures of any other
# program, with real pictures. It takes about a minute on two CPU cores. In a terminal:
#
#     keras-gan measure mnist_conditional mnist         # a preset and a data set
#     keras-gan measure samples.zip photos/             # pictures of any program
#     keras-gan evaluate runs/photos --weights ema      # a run of yours: these numbers and more

# %%
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

import keras_gan
from keras_gan import measure
from keras_gan.evaluation import distances, features

SAMPLES = 179  # as many as the digits have test pictures

# %% [markdown]
# ## A model and its data
#
# `digits` is the name of a preset and of the data set that it was trained on. The command prints
# the distances of the model's samples to the test pictures, and those of training pictures. The
# second column is the floor: no generator can be expected to do better.

# %%
assert measure.measure(["digits", "digits", "--samples", str(SAMPLES)]) == 0

# %% [markdown]
# Read it in this order:
#
# 1. **Fréchet distance and KID**: how far the samples are from real pictures overall. Smaller is
#    better. A distance alone says little; compare it with the floor.
# 2. **Precision and density**: do samples look like real pictures?
# 3. **Recall and coverage**: do all kinds of real pictures occur?
#
# A model with high precision and low recall makes good pictures of a few kinds. One with low
# precision and high recall makes pictures of all kinds, badly.
#
# ## Pictures of another program
#
# A folder, an archive or an array of pictures is measured in the same way. All pictures are brought
# to one size, and equal numbers of both are compared.

# %%
digits = keras_gan.data.load("digits")
folder = Path("digit_samples")
folder.mkdir(exist_ok=True)
samples = keras_gan.GAN.from_preset("digits").generate(SAMPLES, seed=1)
for index, sample in enumerate(np.rint(255 * samples).astype(np.uint8)):
    Image.fromarray(sample[..., 0]).save(folder / f"{index:04d}.png")
assert measure.measure(["digit_samples", "digits", "--output", "distances.json"]) == 0

# %% [markdown]
# `distances.json` holds the numbers with their protocol: the network, the SHA-256 of its weights,
# how pictures were resized, seed, counts and versions. **Two distances may be compared only if all
# of these agree.**
#
# The features of real pictures can be computed once, and then take their place:

# %%
assert measure.reference(["digits", "--output", "digits.npz"]) == 0
assert measure.measure(["digit_samples", "digits.npz"]) == 0

# %% [markdown]
# ## In Python
#
# A feature network turns pictures into features; distances compare features. So any other network
# can be used as well: the functions take arrays.

# %%
network = features.load("efficientnet_lite0")
real = network.features(digits.test.x)  # float32 [n, 1280]
found = distances.compare(real, network.features(samples))
print("samples:", found["frechet"]["distance"], "±", found["standard_errors"].get("frechet"))

# %% [markdown]
# What does a difference mean? Change real pictures in a known way and measure them:

# %%
train = digits.train.x[:SAMPLES]
changed = {
    "unchanged": train,
    "blurred": ndimage.gaussian_filter(train.astype(float), (0, 0.7, 0.7, 0)).astype(np.uint8),
    "only zeros and ones": digits.train.x[digits.train.y < 2][:SAMPLES],
}
for name, pictures in changed.items():
    row = distances.compare(real, network.features(pictures))
    overlap = row["precision_recall"]
    print(
        f"{name}: distance {row['frechet']['distance']:.0f}, "
        f"precision {overlap['precision']:.2f}, recall {overlap['recall']:.2f}"
    )

# %% [markdown]
# [Evaluation](../evaluation.md) has such a table for photographs, names the source of every
# number, and lists the networks, FID's own among them. During training, `keras_gan.callbacks.ValidationDistance`
# logs the distance of each epoch, and `keras-gan train --distance-every 1` chooses the best model
# by it.
