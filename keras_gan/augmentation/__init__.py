"""Augmentation of what the discriminator receives."""
