"""The R4 (4.0.1) definitions that the server works by, compiled small. See `README.md` there."""
