"""Signs of collapse and of memorization."""
