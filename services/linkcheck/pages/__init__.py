"""Server-rendered pages for people; no build step."""
