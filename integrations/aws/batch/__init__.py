"""Transcription jobs of Amazon Transcribe: a whole recording at once."""
