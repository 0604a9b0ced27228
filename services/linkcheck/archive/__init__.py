"""Captures as WARC objects, snapshots, evidence bundles and the mementos of other archives."""
