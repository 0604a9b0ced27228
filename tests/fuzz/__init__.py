"""Coverage-guided fuzzing of what strangers send (`make fuzz`). Opens no socket."""
