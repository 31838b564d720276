"""S3 as a home for recordings."""
