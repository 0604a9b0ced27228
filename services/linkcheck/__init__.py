"""Resolves, archives and tracks every cited link, and says what happened to the claim it supports."""
