"""Who speaks, judged from the words, where the microphone does not say."""

from pipelines.speakers.labelling import label

__all__ = ["label"]
