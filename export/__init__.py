"""Trained generators as files that load elsewhere and describe themselves.

Uses the public names of `keras_gan` only; what it writes needs neither package.
"""
