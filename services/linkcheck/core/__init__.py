"""Pure rules: what a page says, what a response means, what changed. No I/O, no clock, no randomness."""
