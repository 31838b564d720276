"""The production client of Transcribe streaming against a strict server on a real socket."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from blockbuster import BlockBuster

from pipelines.engines.errors import (
    EngineError,
    EngineRejected,
    EngineThrottled,
    EngineUnavailable,
)
from pipelines.ports import TranscriptFinal, TranscriptPartial
from tests.integrations.aws.account import (
    ONE,
    TURNS,
    TWO,
    credentials,
    finals,
    noise,
    play,
    settings,
    texts,
    transcriber,
)
from tests.stand_ins.recognition import Said
from tests.stand_ins.transcribe import Fault, Service, serving
from tests.tls import AUTHORITY, SERVER

SECONDS = 6.5
PCM = noise(SECONDS, 2)


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials(monkeypatch)


@pytest.mark.parametrize("kind", ["general", "medical"])
async def test_two_channels(kind: str, no_blocking: BlockBuster) -> None:
    service = Service(PCM, list(TURNS))
    async with serving(service) as url:
        results = await play(transcriber(settings(url, kind=kind)).open(TWO), PCM)
    assert texts(results) == [turn.text for turn in sorted(TURNS, key=lambda one: one.end)]
    for final, turn in zip(finals(results), sorted(TURNS, key=lambda one: one.end), strict=True):
        assert final.channel == turn.channel
        assert final.start == pytest.approx(turn.start, abs=0.01)
        assert final.end == pytest.approx(turn.end, abs=0.01)
        assert [word.text for word in final.words] == turn.text.split()
        assert final.confidence == pytest.approx(0.97)
        assert final.speaker is None
    (heard,) = service.streams
    assert bytes(heard.audio) == PCM
    assert heard.ended
    assert heard.violations == []
    assert set(heard.frames[:-2]) == {6400}
    assert heard.query["number-of-channels"] == "2"
    assert ("partial-results-stability" in heard.query) == (kind == "general")
    assert any(isinstance(one, TranscriptPartial) for one in results)


@pytest.mark.parametrize(("late", "reached"), [(10.0, 104.0), (1.0, 104.5)])
async def test_settled_is_never_beyond_what_is_still_to_come(late: float, reached: float) -> None:
    service = Service(PCM, list(TURNS))
    async with serving(service) as url:
        opened = transcriber(settings(url, limits={"late_seconds": late})).open(TWO, offset=100.0)
        results = finals(await play(opened, PCM))
    for place, final in enumerate(results):
        later = [word.start for other in results[place + 1 :] for word in other.words]
        assert final.settled <= min(later, default=final.end) + 1e-6
        assert final.start >= 100.0
    assert max(final.settled for final in results) == pytest.approx(reached, abs=0.01)


async def test_finals_that_overtake_each_other_keep_the_order_of_their_channel() -> None:
    turns = [Said(0, 0.5, 1.2, "First one."), Said(0, 1.6, 2.4, "Then two.")]
    turns += [Said(0, 2.9, 3.5, "Now three."), Said(0, 4.0, 5.0, "At last four.")]
    service = Service(PCM, turns, reorder=True)
    async with serving(service) as url:
        results = await play(transcriber(settings(url)).open(TWO), PCM)
    assert texts(results) == ["First one.", "Then two.", "Now three.", "At last four."]


async def test_speakers_of_one_channel() -> None:
    turns = [
        Said(0, 0.5, 1.5, "What brings you in?", "0"),
        Said(0, 1.8, 2.8, "My chest hurts.", "1"),
        Said(0, 3.2, 4.2, "Since when?", "0"),
    ]
    mono = noise(5.0, 1)
    service = Service(mono, turns)
    async with serving(service) as url:
        results = finals(await play(transcriber(settings(url)).open(ONE), mono, step=3200))
    assert [final.text for final in results] == [turn.text for turn in turns]
    first, second, third = (final.speaker for final in results)
    assert first == third != second
    assert service.streams[0].query["show-speaker-label"] == "true"


@pytest.mark.parametrize(
    ("name", "kind", "streams"),
    [
        ("BadRequestException", EngineRejected, 1),
        ("LimitExceededException", EngineThrottled, 3),
        ("InternalFailureException", EngineUnavailable, 3),
        ("ConflictException", EngineUnavailable, 3),
        ("ServiceUnavailableException", EngineUnavailable, 3),
        ("SomethingNewException", EngineUnavailable, 3),
        ("close", EngineUnavailable, 3),
        ("refuse 403", EngineRejected, 1),
        ("refuse 429", EngineThrottled, 3),
        ("refuse 503", EngineUnavailable, 3),
    ],
)
async def test_a_service_that_keeps_failing_ends_in_one_clear_error(
    name: str, kind: type[EngineError], streams: int
) -> None:
    faults = [Fault(number, name, 0.3) for number in range(1, 9)]
    service = Service(PCM, list(TURNS), faults=faults)
    async with serving(service) as url:
        with pytest.raises(kind) as caught:
            await play(transcriber(settings(url)).open(TWO), PCM)
    assert service.attempts == streams
    assert caught.value.engine == "aws"
    assert "told to" not in str(caught.value)
    if name == "refuse 429":
        assert isinstance(caught.value, EngineThrottled)
        assert caught.value.retry_after == 7


@pytest.mark.parametrize(
    "name",
    ["InternalFailureException", "ServiceUnavailableException", "ConflictException", "close"],
)
@pytest.mark.parametrize("after", [0.2, 1.9, 3.4])
async def test_a_stream_that_breaks_off_once_costs_nothing(name: str, after: float) -> None:
    service = Service(PCM, list(TURNS), faults=[Fault(1, name, after)])
    async with serving(service) as url:
        results = await play(transcriber(settings(url)).open(TWO), PCM)
    assert len(service.streams) == 2
    assert len({stream.query["session-id"] for stream in service.streams}) == 1
    assert _once(finals(results)) == _everything()


async def test_a_new_stream_does_not_hear_again_what_is_final() -> None:
    """Its clock may differ by more than a seam stands, so the words would come twice."""
    turns = [Said(0, 0.4, 3.4, "It began on Monday morning after the long walk."),
             Said(1, 0.8, 1.6, "Monday?")]  # fmt: skip
    service = Service(PCM, turns, faults=[Fault(1, "close", 2.6)])
    async with serving(service) as url:
        results = await play(transcriber(settings(url)).open(TWO), PCM)
    assert sorted(texts(results)) == ["It began on Monday morning after the long walk.", "Monday?"]


async def test_silence_is_sent_while_nobody_speaks_and_moves_no_times() -> None:
    limits = {"idle_seconds": 0.1, "silence_seconds": 0.3, "keep_alive_seconds": 0.2}
    service = Service(PCM, list(TURNS), silence_limit=2.0)
    half = 3 * 64_000 + 3200
    async with serving(service) as url:
        session = transcriber(settings(url, limits=limits)).open(TWO)

        async def feed() -> None:
            await session.feed(PCM[:half])
            await asyncio.sleep(3.0)
            await session.feed(PCM[half:])
            await session.finish()

        feeding = asyncio.create_task(feed())
        results = [one async for one in session.results()]
        await feeding
    (heard,) = service.streams
    assert heard.violations == []
    added = (len(heard.audio) - len(PCM)) / 64_000
    assert 0.5 < added < 2.9
    assert _once(finals(results)) == _everything()
    for final in finals(results):
        turn = next(one for one in TURNS if one.channel == final.channel and _within(one, final))
        assert turn.start - 0.02 <= final.start <= final.end <= turn.end + 0.02


async def test_without_silence_the_service_would_close() -> None:
    limits = {"idle_seconds": 9.0, "reconnections": 0}
    service = Service(PCM, list(TURNS), silence_limit=0.3)
    async with serving(service) as url:
        session = transcriber(settings(url, limits=limits)).open(TWO)
        await session.feed(PCM[:6400])
        with pytest.raises(EngineUnavailable, match="BadRequest"):
            async for _ in session.results():
                pass


async def test_a_visit_longer_than_a_stream() -> None:
    long, turns = noise(20.0, 2, seed=4), []
    for number in range(9):
        turns.append(Said(number % 2, 2 * number + 0.5, 2 * number + 1.5, f"Sentence {number}."))
    # The sentences are in noise; between them it is quiet.
    pcm = bytearray(long)
    for number in range(9):
        pcm[(2 * number * 64_000) + 112_000 : (2 * number + 2) * 64_000] = b"\1\0" * 8000
    limits = {"stream_seconds": 5.0, "stream_end_seconds": 9.0}
    service = Service(_unlike(bytes(pcm)), turns)
    async with serving(service) as url:
        results = await play(transcriber(settings(url, limits=limits)).open(TWO), service.recording)
    assert texts(results) == [turn.text for turn in turns]
    assert len(service.streams) >= 3
    assert b"".join(bytes(stream.audio) for stream in service.streams) == service.recording
    assert len({stream.query["session-id"] for stream in service.streams}) == len(service.streams)


async def test_no_last_results_in_time() -> None:
    service = Service(PCM, list(TURNS), faults=[Fault(1, "hang", 6.4), Fault(2, "hang", 1.0)])
    async with serving(service) as url:
        session = transcriber(
            settings(url, limits={"last_result_seconds": 0.2, "reconnections": 1})
        ).open(TWO)
        with pytest.raises(EngineUnavailable, match="no last results"):
            await play(session, PCM)


async def test_slow_answers_hold_nothing_up() -> None:
    service = Service(PCM, list(TURNS), delay=0.02)
    async with serving(service) as url:
        results = await play(transcriber(settings(url)).open(TWO), PCM)
    assert len(finals(results)) == len(TURNS)


async def test_audio_that_waits_goes_out_at_the_pace() -> None:
    service, taken = Service(PCM, list(TURNS)), list[float]()
    async with serving(service) as url:
        while len(taken) < 8 and not any(one < 1.9 / 8 + 0.12 for one in taken):
            # A busy machine may be late, and again, but never early.
            opened = transcriber(settings(url, limits={"pace": 8.0})).open(TWO)
            await play(opened, PCM[: 64_000 * 2])
            arrivals = service.streams[-1].arrivals
            taken.append(arrivals[-2] - arrivals[0])
    assert 1.9 / 8 - 0.12 < min(taken) < 1.9 / 8 + 0.12


async def test_a_source_that_is_faster_than_the_service_waits() -> None:
    service = Service(PCM, list(TURNS))
    limits = {"backlog_seconds": 0.5, "pace": 4.0}
    async with serving(service) as url:
        session = transcriber(settings(url, limits=limits)).open(TWO)
        await session.feed(PCM[:64_000])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await session.feed(PCM[64_000:70_000])
        await session.aclose()


@pytest.mark.parametrize("faulty", ["secret", "id"])
async def test_a_wrong_key(faulty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials(monkeypatch, **{faulty: "WRONGWRONGWRONG"})
    service = Service(PCM, list(TURNS))
    async with serving(service) as url:
        with pytest.raises(EngineRejected, match="credentials"):
            await play(transcriber(settings(url)).open(TWO), PCM)
    assert service.refusals == [{"secret": "signature", "id": "credential scope"}[faulty]]


async def test_no_key_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(EngineRejected, match="No credentials were found"):
        await play(transcriber(settings("http://127.0.0.1:9")).open(TWO), PCM)


async def test_a_service_that_is_not_there() -> None:
    with pytest.raises(EngineUnavailable, match="cannot be reached"):
        await play(transcriber(settings("http://127.0.0.1:9")).open(TWO), PCM)


async def test_tls(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    SERVER.configure_cert(context)
    authority = tmp_path / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(authority))
    service = Service(PCM, list(TURNS))
    async with serving(service, tls=context) as url:
        results = await play(transcriber(settings(url, authorities=authority)).open(TWO), PCM)
        with pytest.raises(EngineRejected, match="not trusted"):
            await play(transcriber(settings(url)).open(TWO), PCM)
    assert len(finals(results)) == len(TURNS)


async def test_no_audio_opens_no_stream() -> None:
    service = Service(PCM, list(TURNS))
    async with serving(service) as url:
        assert await play(transcriber(settings(url)).open(TWO), b"") == []
    assert service.attempts == 0


def _everything() -> set[tuple[int, str]]:
    return {(turn.channel, word) for turn in TURNS for word in turn.text.split()}


def _once(results: list[TranscriptFinal]) -> set[tuple[int, str]]:
    """The words, those heard again left out as the consultation leaves them out."""
    from pipelines.consultation.overlap import unheard

    heard: dict[int, float] = {}
    words: list[tuple[int, str]] = []
    for final in results:
        new = unheard(final, heard.get(final.channel, 0.0))
        if new is not None:
            words += [(new.channel, word.text) for word in new.words]
            heard[new.channel] = max(heard.get(new.channel, 0.0), new.end)
    assert len(words) == sum(len(turn.text.split()) for turn in TURNS), words
    return set(words)


def _within(turn: Said, final: TranscriptFinal) -> bool:
    return turn.start - 0.1 <= final.start <= turn.end


def _unlike(pcm: bytes) -> bytes:
    """Quiet that differs from moment to moment, so that it is found again."""
    changed = bytearray(pcm)
    for at in range(0, len(changed) - 3, 4):
        if changed[at : at + 4] == b"\1\0\1\0":
            changed[at : at + 4] = bytes([at // 4 % 251, 0, at // 1004 % 251, 0])
    return bytes(changed)
