"""Regularizers of the discriminator."""
