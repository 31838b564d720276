"""Local speech recognition with Whisper on the CPU."""
