"""From one picture to another: digits from their edges, with a loss of one's own.

    python examples/pix2pix.py            # MNIST, downloaded if necessary
    python examples/pix2pix.py digits     # the small digits of scikit-learn

D's logit is the mean over the patches that it judges; in the original each patch has its own.

The original: "pix2pix: Image-to-image translation with a conditional GAN",
https://www.tensorflow.org/tutorials/generative/pix2pix
Lines of code: 258 there, 56 here.
"""

import math
import sys

import keras
import numpy as np
from keras import layers

import keras_gan


@keras.saving.register_keras_serializable("pix2pix")
class NearTheTruth(keras_gan.losses.NonSaturating):
    """G also minimizes 100 times the mean absolute difference to the true picture."""

    generator_uses_real = True  # in G's step, too, row i of the data has row i's condition

    def generator(self, real, fake):
        difference = keras.ops.mean(abs(fake.examples - real.examples), axis=(1, 2, 3))
        return super().generator(real, fake) + 100 * difference


def edges(images):
    """Length of the gradient at each pixel, float32 `[n, h, w, 1]`."""
    down, right = np.gradient(images, axis=(1, 2))
    return np.hypot(down, right).astype("float32")


def down(x, channels):
    """Half the size."""
    return layers.LeakyReLU(0.2)(layers.Conv2D(channels, 4, strides=2, padding="same")(x))


def up(x, channels):
    """Twice the size."""
    return layers.ReLU()(layers.Conv2DTranspose(channels, 4, strides=2, padding="same")(x))


def make_generator(shape, width):
    """A small U-Net, with the latents at its lowest resolution."""
    latents, condition = keras.Input((16,)), keras.Input(shape, name="condition")
    first = down(condition, width)
    second = down(first, 2 * width)
    noise = layers.Dense(math.prod(second.shape[1:]))(latents)
    x = layers.Add()([second, layers.Reshape(second.shape[1:])(noise)])
    x = layers.Concatenate()([up(x, width), first])
    x = layers.Concatenate()([up(x, width), condition])
    return keras.Model([latents, condition], layers.Conv2D(1, 3, padding="same")(x))


def make_discriminator(shape, width):
    """Patches of edges and picture together."""
    image, condition = keras.Input(shape), keras.Input(shape, name="condition")
    x = down(down(layers.Concatenate()([image, condition]), width), 2 * width)
    patches = layers.Conv2D(1, 3, padding="same")(x)
    return keras.Model([image, condition], layers.GlobalAveragePooling2D()(patches))


def main(dataset="mnist", epochs=10, limit=None, width=32):
    """Trains on the first `limit` images; returns the model and digits from edges of the test."""
    data = keras_gan.data.load(dataset, download=True)
    images = keras_gan.data.UnitRange().normalize(data.train.x[:limit])
    shape = images.shape[1:]

    gan = keras_gan.GAN(
        make_generator(shape, width),
        make_discriminator(shape, width),
        keras_gan.priors.Normal(16),
        condition=keras_gan.conditioning.Vectors(shape),
    )
    gan.compile(
        generator_optimizer=keras_gan.optimizers.Adam(2e-4, beta_1=0.5),
        discriminator_optimizer=keras_gan.optimizers.Adam(2e-4, beta_1=0.5),
        loss=NearTheTruth(),
    )
    gan.fit(images, edges(images), batch_size=32, epochs=epochs)

    truth = keras_gan.data.UnitRange().normalize(data.test.x[:8])
    painted = gan.generate(8, condition=edges(truth)).clip(0, 1)
    rows = np.concatenate([edges(truth), painted, truth])
    keras_gan.plotting.save_image(keras_gan.plotting.grid(rows.clip(0, 1), 8), "pix2pix.png")
    return gan, painted


if __name__ == "__main__":
    main(*sys.argv[1:])
