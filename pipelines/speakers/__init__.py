"""Who speaks, judged from the words, where the microphone does not say."""

from pipelines.speakers.labelling import label, label_voice

__all__ = ["label", "label_voice"]
