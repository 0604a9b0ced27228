"""Pure text work that ingest and linkcheck both need."""
