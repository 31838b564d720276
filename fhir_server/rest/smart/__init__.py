"""The HTTP edge of the SMART authorization server."""
