"""A GAN without this package: two gradient tapes and Keras's own layers."""

from __future__ import annotations

import keras
import tensorflow as tf

from keras_gan import layers


class PlainGAN(keras.Model):
    """A GAN as users write it after the examples on keras.io."""

    def __init__(self, generator, discriminator, latent_dim):
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.latent_dim = latent_dim
        self.seed_generator = keras.random.SeedGenerator(0)

    def compile(self, d_optimizer, g_optimizer, loss_fn, **kwargs):
        super().compile(**kwargs)
        self.d_optimizer = d_optimizer
        self.g_optimizer = g_optimizer
        self.loss_fn = loss_fn
        self.d_loss_metric = keras.metrics.Mean(name="d_loss")
        self.g_loss_metric = keras.metrics.Mean(name="g_loss")

    @property
    def metrics(self):
        return [self.d_loss_metric, self.g_loss_metric]

    def _latents(self, n):
        return keras.random.uniform(
            (n, self.latent_dim), -(3**0.5), 3**0.5, seed=self.seed_generator
        )

    def train_step(self, real):
        n = keras.ops.shape(real)[0]
        fake = self.generator(self._latents(n))
        combined = keras.ops.concatenate([fake, real], axis=0)
        labels = keras.ops.concatenate([keras.ops.zeros((n, 1)), keras.ops.ones((n, 1))], axis=0)
        with tf.GradientTape() as tape:
            d_loss = self.loss_fn(labels, self.discriminator(combined, training=True))
        gradients = tape.gradient(d_loss, self.discriminator.trainable_weights)
        self.d_optimizer.apply_gradients(
            zip(gradients, self.discriminator.trainable_weights, strict=True)
        )
        with tf.GradientTape() as tape:
            predictions = self.discriminator(self.generator(self._latents(n)), training=True)
            g_loss = self.loss_fn(keras.ops.ones((n, 1)), predictions)
        gradients = tape.gradient(g_loss, self.generator.trainable_weights)
        self.g_optimizer.apply_gradients(
            zip(gradients, self.generator.trainable_weights, strict=True)
        )
        self.d_loss_metric.update_state(d_loss)
        self.g_loss_metric.update_state(g_loss)
        return {"d_loss": self.d_loss_metric.result(), "g_loss": self.g_loss_metric.result()}


class PlainMaxout(keras.layers.Layer):
    """Maxout as one writes it with Keras's own operations."""

    def __init__(self, pieces: int, **kwargs):
        super().__init__(**kwargs)
        self.pieces = pieces

    def call(self, x):
        shape = (-1, *x.shape[1:-1], x.shape[-1] // self.pieces, self.pieces)
        return keras.ops.max(keras.ops.reshape(x, shape), axis=-1)


def in_keras_layers(network: keras.Model) -> keras.Model:
    """The same network with Keras's noise, and maxout of Keras's operations, for this package's."""

    def plain(layer):
        if isinstance(layer, layers.Maxout):
            return PlainMaxout(layer.pieces, name=layer.name)
        if isinstance(layer, layers.Dropout):
            return keras.layers.Dropout(layer.rate, name=layer.name)
        if isinstance(layer, layers.GaussianNoise):
            return keras.layers.GaussianNoise(layer.stddev, name=layer.name)
        return type(layer).from_config(layer.get_config())

    return keras.models.clone_model(network, clone_function=plain)
