"""The WebSockets: events out, audio in."""
