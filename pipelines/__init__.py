"""The consultation: audio, transcript, facts, note, alerts, events, and its ports."""
