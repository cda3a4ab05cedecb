"""Networks whose features distances are computed on."""
