"""`aimed demo`: a consultation played through the running server as a dashboard would."""
