"""One module per kind of webhook: bytes and headers in, a verified `Submission` out."""
