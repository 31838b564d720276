"""What stands between a consultation and the engines that transcribe and draft."""
