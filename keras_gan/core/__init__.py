"""Errors, random numbers and minibatches, which every other package of keras_gan uses."""
