"""Keys: those we sign with, and those of clients that we verify with."""
