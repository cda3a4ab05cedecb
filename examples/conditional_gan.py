"""Digits of a class that you choose, and pictures half way between two classes.

    python examples/conditional_gan.py            # MNIST, downloaded if necessary
    python examples/conditional_gan.py digits     # the small digits of scikit-learn

The condition is a vector, so that it may also lie between the classes. Where it need not,
`conditioning.Classes(10)` and networks with `classes=10` take the labels as they are.

The original: "Conditional GAN", https://keras.io/examples/generative/conditional_gan/
Lines of code: 150 there, 40 here.
"""

import sys

import keras
import numpy as np
from keras import layers

import keras_gan


def main(dataset="mnist", epochs=20, limit=None, width=32):
    """Trains on the first `limit` images; returns the model and images between 1 and 5."""
    data = keras_gan.data.load(dataset, download=True)
    images = keras_gan.data.UnitRange().normalize(data.train.x[:limit])
    # Row c stands for class c; its numbers are as large as the latents are on average.
    classes = 10**0.5 * np.eye(10, dtype="float32")
    labels = classes[data.train.y[:limit]]

    # G: the class next to the latents. D: the class as one more channel of the image.
    # A network finds the condition by the name of its input.
    height, breadth, channels = images.shape[1:]
    latents, condition = keras.Input((128,)), keras.Input((10,), name="condition")
    both = layers.Concatenate()([latents, condition])
    paint = keras_gan.networks.dcgan_generator(
        (height, breadth, channels), latent_dim=138, width=width, activation="sigmoid"
    )
    generator = keras.Model([latents, condition], paint(both))

    image, condition = (
        keras.Input((height, breadth, channels)),
        keras.Input((10,), name="condition"),
    )
    channel = layers.Reshape((height, breadth, 1))(layers.Dense(height * breadth)(condition))
    judge = keras_gan.networks.dcgan_discriminator((height, breadth, channels + 1), width=width)
    discriminator = keras.Model([image, condition], judge(layers.Concatenate()([image, channel])))

    gan = keras_gan.GAN(
        generator,
        discriminator,
        keras_gan.priors.Normal(128),
        condition=keras_gan.conditioning.Vectors((10,)),
    )
    gan.compile(keras.optimizers.Adam(3e-4, beta_1=0.5), keras.optimizers.Adam(3e-4, beta_1=0.5))
    gan.fit(images, labels, batch_size=64, epochs=epochs)

    # Nine images of the same latents on the way from 1 to 5.
    share = np.linspace(0, 1, 9)[:, None]
    between = (1 - share) * classes[1] + share * classes[5]
    same = np.repeat(gan.prior.sample(1, seed=0), 9, axis=0)
    steps = generator.predict([same, between], verbose=0)
    keras_gan.plotting.save_image(keras_gan.plotting.grid(steps, 9), "from_1_to_5.png")
    return gan, steps


if __name__ == "__main__":
    main(*sys.argv[1:])
