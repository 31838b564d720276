"""Amazon Web Services: speech recognition by Transcribe, and S3 as a home for recordings."""
