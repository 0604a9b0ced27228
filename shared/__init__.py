"""What two or more services need: events, link identity, outbound requests, text, the event log, storage."""
