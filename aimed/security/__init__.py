"""`aimed check security`: what is set loosely, and what to do about it."""
