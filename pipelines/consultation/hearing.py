"""From a final transcript to journal, facts and alerts, in one transaction.

A crash therefore leaves either all of a segment's consequences or none, and none are made twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from fhir_server.store import UnitOfWork
from pipelines import alerts, facts, speakers
from pipelines.consultation import events
from pipelines.consultation.chart import read_chart
from pipelines.consultation.engines import ALERT_RULES
from pipelines.consultation.fact_resources import proposed
from pipelines.consultation.overlap import heard_until, unheard
from pipelines.consultation.people import patient_of
from pipelines.consultation.services import Services
from pipelines.ports import AudioFormat, Chart, Role, Segment, TranscriptFinal
from pipelines.resources import detected_issue, device
from pipelines.resources.identity import derived_id
from pipelines.store import AlertRecord, ConsultationRecord

_log = structlog.get_logger("aimed.consultation")


@dataclass(frozen=True)
class _Consequences:
    facts: tuple[facts.Fact, ...] = ()
    alerts: tuple[alerts.Alert, ...] = ()


class Hearing:
    """What has been heard so far in one consultation, in step with the database."""

    def __init__(
        self, services: Services, record: ConsultationRecord, chart: Chart, journal: list[Segment]
    ) -> None:
        self._services = services
        self._record = record
        self.chart = chart
        self.segments: list[Segment] = []
        self._facts: list[facts.Fact] = []
        self.alerted = {alert.key for alert in record.alerts}
        self._proposals = set(record.proposals)
        self.heard = heard_until(journal)
        self.settled = record.settled
        for segment in journal:
            self._facts.extend(self._extract(segment))
            self.segments.append(segment)

    @classmethod
    async def load(cls, services: Services, encounter: str) -> Hearing:
        """Continue where the database says the consultation is."""
        record = await services.consultations.read(encounter)
        chart = await read_chart(services.store, record.patient, services.clock().date())
        return cls(services, record, chart, await services.journal.load(encounter))

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Words of the chart that the recogniser should expect."""
        return tuple(entry.text for entry in (*self.chart.medications, *self.chart.allergies))

    @property
    def quiet(self) -> bool:
        """Whether nobody is in the middle of something, as far as is known."""
        return self.settled >= max(self.heard.values(), default=0.0)

    def role(self, channel: int, text: str, speaker: str | None = None) -> Role:
        """Whose channel it is, or else who seems to be speaking."""
        return role_of(self._record.audio, channel, text, self.segments, speaker)

    async def take(self, final: TranscriptFinal) -> Segment | None:
        """Make a final transcript durable with all that follows from it.

        None when these words were journalled before a restart.
        """
        new = unheard(final, self.heard.get(final.channel, 0.0))
        if new is None or not new.text.strip():
            return None
        segment = self._segment(new)
        consequences = self._consequences(segment)
        settled = max(self.settled, new.settled)

        async def body(unit: UnitOfWork) -> list[str]:
            await self._journal(unit, segment, settled)
            for alert in consequences.alerts:
                await self._raise(unit, alert)
            return await self._propose(unit, consequences)

        proposals = await self._services.store.transact(body)
        self.segments.append(segment)
        self._facts.extend(consequences.facts)
        self.alerted.update(alert.key for alert in consequences.alerts)
        self._proposals.update(proposals)
        self.heard[segment.channel] = max(self.heard.get(segment.channel, 0.0), segment.end)
        self.settled = settled
        return segment

    def _segment(self, final: TranscriptFinal) -> Segment:
        text = final.text.strip()
        return Segment(
            id=f"s{len(self.segments) + 1}",
            channel=final.channel,
            role=self.role(final.channel, text, final.speaker),
            start=final.start,
            end=final.end,
            text=text,
            confidence=final.confidence,
            words=final.words,
            speaker=final.speaker,
            engine=final.engine,
        )

    def _extract(self, segment: Segment) -> tuple[facts.Fact, ...]:
        try:
            return tuple(facts.extract(segment, self.segments))
        except Exception as error:
            # A rule that fails on odd words must not cost the words themselves.
            _log.error("facts failed", fault=type(error).__name__, segment=segment.id)
            return ()

    def _consequences(self, segment: Segment) -> _Consequences:
        found = self._extract(segment)
        try:
            raised = alerts.evaluate([*self._facts, *found], self.chart)
        except Exception as error:
            _log.error("alert rules failed", fault=type(error).__name__, segment=segment.id)
            raised = ()
        return _Consequences(found, tuple(one for one in raised if one.key not in self.alerted))

    async def _journal(self, unit: UnitOfWork, segment: Segment, settled: float) -> None:
        encounter, seq = self._record.encounter, len(self.segments) + 1
        await self._services.journal.add(unit, encounter, seq, segment)
        await self._services.consultations.set(unit, encounter, segments=seq, settled=settled)
        await events.emit(unit, encounter, events.FINAL, events.final(segment))

    async def _raise(self, unit: UnitOfWork, alert: alerts.Alert) -> None:
        record = self._record
        id = derived_id(record.encounter, "alert", alert.key)
        issue = detected_issue.raised(
            id,
            patient=patient_of(record),
            author=device.link(ALERT_RULES),
            transcript=record.transcript,
            rule=alert.rule,
            severity=str(alert.severity),
            title=alert.title,
            detail=alert.detail,
            evidence=alert.evidence,
            implicated=alert.implicated,
            at=self._services.clock(),
        )
        await unit.create(issue)
        payload = events.alert(
            id,
            rule=alert.rule,
            severity=str(alert.severity),
            title=alert.title,
            detail=alert.detail,
            evidence=alert.evidence,
            implicated=alert.implicated,
        )
        stored = AlertRecord(id, alert.key, payload)
        await self._services.consultations.add_alert(unit, record.encounter, stored)
        await events.emit(unit, record.encounter, events.ALERT_RAISED, payload)

    async def _propose(self, unit: UnitOfWork, consequences: _Consequences) -> list[str]:
        found = proposed(consequences.facts, self._record, self._services.clock())
        new = {to: one for to, one in found.items() if to not in self._proposals}
        for resource in new.values():
            await unit.create(resource)
        if new:
            await self._services.consultations.propose(unit, self._record.encounter, list(new))
        return list(new)


def role_of(
    audio: AudioFormat,
    channel: int,
    text: str,
    previous: list[Segment],
    speaker: str | None = None,
) -> Role:
    """The role declared for `channel`, else the one that all words of a voice suggest.

    Without a voice (`speaker`) these words alone have to tell.
    """
    if channel < len(audio.roles) and audio.roles[channel] is not Role.UNKNOWN:
        return audio.roles[channel]
    if speaker is not None:
        return speakers.label_voice(text, speaker, previous)
    return speakers.label(text, previous)
