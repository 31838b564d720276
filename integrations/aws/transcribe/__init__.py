"""Amazon Transcribe and Transcribe Medical, streamed over the documented WebSocket."""
