"""Takes articles in: verifies, parses, finds claims and citations, publishes `article.received`."""
