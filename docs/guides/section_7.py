# %% [markdown]
# # Inpainting, inference, few labels
#
# Section 7 of the paper proposes extensions of adversarial nets. This guide shows three of them
# on scikit-learn's digits; [extensions](../extensions.md) has the methods and their results.
#
#     keras-gan train --recipe mnist_inference --stage1 RUN --update fixed
#     keras-gan train --recipe mnist_inpainting
#     keras-gan train --recipe mnist_semi_supervised --labels 100

# %%
import keras
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import keras_gan
from keras_gan import conditioning, networks, priors
from keras_gan.training.inference import Inference, parameters, refine

EPOCHS = 30
STEPS = 100  # of the refinement

data = keras_gan.data.load("digits")
images = keras_gan.data.UnitRange().normalize(data.train.x)  # [n, 8, 8, 1] in [0, 1]
shape = images.shape[1:]

# %% [markdown]
# ## Inference: from a picture to its latents
#
# A network learns to predict z from G(z). Samples are its training data, so it needs no labels
# and does not change G or D (`update="fixed"`). Here G is that of a preset.

# %%
trained = keras_gan.GAN.from_preset("digits")
prior = trained.prior
encoder = networks.mlp_encoder(shape, parameters(prior), hidden=[128], noise=0.1)
gan = keras_gan.GAN(
    trained.generator,
    trained.discriminator,
    prior,
    auxiliary_networks=[Inference(encoder, prior)],
)
gan.compile("adam", "adam", update="fixed", auxiliary_optimizers=["adam"])
gan.fit(images, batch_size=100, epochs=EPOCHS, verbose=0)

# %% [markdown]
# `encode` gives the center of q(z given x). `refine` improves it by gradient steps on the squared
# error of the picture.

# %%
some = images[:8]
latents = gan.auxiliary_networks[0].encode(some)
nearer = refine(gan.generator, prior, some, latents, steps=STEPS)
for name, z in (("encoded", latents), ("refined", nearer)):
    error = np.mean((keras.ops.convert_to_numpy(gan.generator(z)) - some) ** 2)
    print(f"{name}: mean squared error of a pixel {error:.3f}")

# %% [markdown]
# ## Inpainting: from a part of a picture to the whole
#
# One model completes any missing part. G gets the known pixels, a mask and z; D gets a picture
# and the mask. During training each picture gets a random mask. Known pixels are never changed.

# %%
pixels, code = int(np.prod(shape)), 32
reader = networks.conv_reader(shape, code)
g = networks.mlp_generator(
    16 + code, shape, hidden=[(128, "relu")], output_activation="sigmoid", name="painter"
)
d = networks.maxout_discriminator((pixels + 64,), units=64, input_dropout=0.0, name="judge")
generator, discriminator = networks.with_known_pixels(reader, g, d, shape)
gan = keras_gan.GAN(
    generator, discriminator, priors.Uniform(16), condition=conditioning.Inpainting(shape)
)
gan.compile(
    generator_optimizer=keras.optimizers.Adam(1e-3, beta_1=0.5),
    discriminator_optimizer=keras.optimizers.Adam(1e-3, beta_1=0.5),
    loss="inpainting",
)
gan.fit(images, batch_size=50, epochs=EPOCHS, verbose=0)

mask = conditioning.half_known(8, 8, axis=0)  # the upper half is known
completed = gan.generate(16, seed=0, condition={"known": images[0], "mask": mask})
assert np.array_equal(completed[:, :4], np.repeat(images[:1, :4], 16, axis=0))
keras_gan.plotting.save_image(keras_gan.plotting.grid(completed, 8), "completed.png")

# %% [markdown]
# The sixteen pictures have the same upper half and different lower halves:
#
# ![sixteen completed digits](../pictures/guides/completed.png)
#
# ## Few labels
#
# D has seen all pictures without their labels. Its features improve a classifier that has few
# labels: here 50, with and without D. They are transformers of scikit-learn.

# %%
few = keras_gan.data.labels.draw_labeled(data.train.y, 50)
features = keras_gan.DiscriminatorFeatures("digits")  # of the preset; or a run directory
for name, first in (("features of D", features), ("pixels", None)):
    steps = [step for step in (first, StandardScaler(), LogisticRegression()) if step]
    inputs = (lambda x: x) if first else (lambda x: x.reshape(len(x), -1))
    unit = keras_gan.data.UnitRange().normalize
    model = make_pipeline(*steps).fit(inputs(unit(data.train.x[few])), data.train.y[few])
    error = 1 - model.score(inputs(unit(data.test.x)), data.test.y)
    print(f"{name}: {error:.0%} of the test images wrong")

# %% [markdown]
# A few labels can also train D itself: `loss="semi_supervised"` with a discriminator that returns
# class scores ([few labels](../extensions.md#few-labels-semi-supervised-learning)).
