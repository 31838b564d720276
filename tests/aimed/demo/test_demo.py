"""The main job, as the README's first command does it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from aimed.demo.latency import percentile
from tests.shared_data import shared

pytestmark = pytest.mark.slow


def demo(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aimed", "demo", "--exit", "--data", str(data), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)


@pytest.mark.timeout(300)
def test_the_sample_consultation(tmp_path: Path) -> None:
    done = demo(tmp_path / "var", "--speed", "4")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert "FAIL" not in done.stdout
    assert "every note sentence has evidence" in done.stdout


@pytest.mark.timeout(120)
def test_noise_gives_no_note(tmp_path: Path) -> None:
    noise = np.random.default_rng(5).normal(0, 0.01, 8 * 44_100)
    recording = tmp_path / "noise.wav"
    soundfile.write(recording, noise, 44_100)
    done = demo(tmp_path / "var", "--speed", "8", "--audio", str(recording))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no speech captured" in done.stdout
    assert "no speech: there is no note" in done.stdout


@pytest.mark.timeout(120)
def test_a_real_recording_nobody_here_wrote(tmp_path: Path) -> None:
    recording = shared("audio/vitals/audio-vitals-short_01.mp3")
    done = demo(tmp_path / "var", "--speed", "4", "--audio", str(recording))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = demo(tmp_path / "var", "--audio", str(tmp_path / "nothing.mp3"))
    assert done.returncode == 2
    assert "There is no file" in done.stderr
    assert "Traceback" not in done.stderr


def test_percentiles() -> None:
    assert percentile([3.0, 1.0, 2.0, 4.0], 0.5) == 2.0
    assert percentile([3.0, 1.0, 2.0, 4.0], 0.95) == 4.0
    assert percentile([1.0], 0.5) == 1.0
