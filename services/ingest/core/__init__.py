"""Pure rules: documents into blocks, sentences, links and citations. No I/O, no clock, no randomness."""
