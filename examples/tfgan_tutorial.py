"""Three models of digits: of any digit, of a digit that you choose, and one that finds the classes.

    python examples/tfgan_tutorial.py            # MNIST, downloaded if necessary
    python examples/tfgan_tutorial.py digits     # the small digits of scikit-learn

The original: TF-GAN's MNIST example (train.py, train_lib.py, networks.py, data_provider.py),
https://github.com/tensorflow/gan/tree/master/tensorflow_gan/examples/mnist
Lines of code: 247 there, 53 here.
"""

import sys

import keras
from keras import layers

import keras_gan
from keras_gan import conditioning, networks, priors


def unconditional(shape, width):
    """A generator of digits."""
    generator = networks.dcgan_generator(shape, 64, width=width, activation="tanh")
    discriminator = networks.dcgan_discriminator(shape, width=width)
    return keras_gan.GAN(generator, discriminator, priors.Normal(64)), "non_saturating"


def conditional(shape, width):
    """A generator that is told the class: `gan.generate(10, condition=7)`."""
    generator = networks.dcgan_generator(shape, 64, width=width, activation="tanh", classes=10)
    discriminator = networks.dcgan_discriminator(shape, width=width, classes=10)
    condition = conditioning.Classes(10)
    gan = keras_gan.GAN(generator, discriminator, priors.Normal(64), condition=condition)
    return gan, "non_saturating"


def infogan(shape, width):
    """A generator with a code of ten categories and two numbers, which D reads off the images."""
    code = conditioning.Codes(categories=10, continuous=2)
    latents, condition = keras.Input((64,)), keras.Input((code.size,), name="condition")
    paint = networks.dcgan_generator(shape, 64 + code.size, width=width, activation="tanh")
    generator = keras.Model([latents, condition], paint(layers.Concatenate()([latents, condition])))

    judge = networks.dcgan_discriminator(shape, width=width)
    features = judge.get_layer("relu_hidden").output
    outputs = {
        "logits": judge.output,
        "classes": layers.Dense(10)(features),  # scores of the categories
        "codes": layers.Dense(4)(features),  # means and log variances of the two numbers
    }
    discriminator = keras.Model(judge.inputs, outputs)
    gan = keras_gan.GAN(generator, discriminator, priors.Normal(64), condition=code)
    return gan, keras_gan.losses.Info()


def main(dataset="mnist", epochs=20, limit=None, width=32):
    """Trains the three on the first `limit` images and returns them by name."""
    data = keras_gan.data.load(dataset, download=True)
    scale = keras_gan.data.SymmetricRange()  # pixels in [-1, 1]
    images, labels = scale.normalize(data.train.x[:limit]), data.train.y[:limit]
    models = {}
    for make in (unconditional, conditional, infogan):
        gan, loss = make(images.shape[1:], width)
        gan.compile(
            generator_optimizer=keras_gan.optimizers.Adam(2e-4, beta_1=0.5),
            discriminator_optimizer=keras_gan.optimizers.Adam(2e-4, beta_1=0.5),
            loss=loss,
        )
        gan.fit(
            images,
            labels if make is conditional else None,
            batch_size=64,
            epochs=epochs,
            callbacks=[keras_gan.callbacks.SampleGrid(f"runs/{make.__name__}", scale.denormalize)],
        )
        models[make.__name__] = gan
    return models


if __name__ == "__main__":
    main(*sys.argv[1:])
