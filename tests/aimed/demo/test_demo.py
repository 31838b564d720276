"""The main job, as the README's first command does it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from aimed.demo.checks import Check, Evidence
from aimed.demo.latency import Latencies, percentile
from aimed.demo.report import passed, slow
from aimed.demo.run import Result
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


@pytest.mark.timeout(300)
def test_noise_gives_no_note(tmp_path: Path) -> None:
    noise = np.random.default_rng(5).normal(0, 0.01, 8 * 44_100)
    recording = tmp_path / "noise.wav"
    soundfile.write(recording, noise, 44_100)
    done = demo(tmp_path / "var", "--speed", "8", "--audio", str(recording))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no speech captured" in done.stdout
    assert "no speech: there is no note" in done.stdout


@pytest.mark.timeout(300)
def test_a_real_recording_nobody_here_wrote(tmp_path: Path) -> None:
    recording = shared("audio/vitals/audio-vitals-short_01.mp3")
    done = demo(tmp_path / "var", "--speed", "4", "--audio", str(recording))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = demo(tmp_path / "var", "--audio", str(tmp_path / "nothing.mp3"))
    assert done.returncode == 2
    assert "There is no file" in done.stderr
    assert "Traceback" not in done.stderr


NOTHING_KEPT = Evidence({}, None, [], [], [], {}, 0.0, ())


def outcome(first: float, alert: float, *, holds: bool = True) -> Result:
    latencies = Latencies(first_partial=first, finals=(), alerts=(0.1, alert))
    return Result(
        "e1", True, "", 1, NOTHING_KEPT, [Check("it holds", holds)], latencies, {}, 1.0, []
    )


@pytest.mark.parametrize(
    ("result", "timed", "ends_well"),
    [
        (outcome(2.0, 5.0), True, True),
        (outcome(2.1, 5.0), True, False),
        (outcome(2.0, 5.1), True, False),
        (outcome(2.1, 5.1), False, True),
        (outcome(1.0, 1.0, holds=False), False, False),
    ],
)
def test_late_words_and_alerts_count_where_people_would_wait(
    result: Result, timed: bool, ends_well: bool
) -> None:
    assert passed(result, timed=timed) is ends_well


def test_what_is_late_is_said_with_its_limit() -> None:
    assert slow(outcome(2.2, 6.0)) == [
        "first partial after 2.2 s, limit 2 s",
        "slowest alert after 6.0 s, limit 5 s",
    ]


def test_percentiles() -> None:
    assert percentile([3.0, 1.0, 2.0, 4.0], 0.5) == 2.0
    assert percentile([3.0, 1.0, 2.0, 4.0], 0.95) == 4.0
    assert percentile([1.0], 0.5) == 1.0
