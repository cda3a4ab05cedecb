"""What every other package of keras_gan uses: errors, random numbers, minibatches."""
