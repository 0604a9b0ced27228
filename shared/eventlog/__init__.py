"""The event log: outbox and inbox in the transaction of the effect; the database or Kafka as carrier."""
