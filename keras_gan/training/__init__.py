"""The `GAN` model and its training step."""
