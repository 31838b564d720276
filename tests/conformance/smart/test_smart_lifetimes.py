"""Codes and grants end. OWASP ASVS 5.0 V10.4.3 and V10.4.8; RFC 6749 4.1.2."""

from __future__ import annotations

from tests.conformance.smart.site import Site

DAY = 24 * 3600


async def test_a_code_lives_a_minute(site: Site) -> None:
    code = await site.code("user/Patient.rs")
    with site.clock.later(61):
        late = await site.exchange(code)
    assert late.status_code == 400
    assert late.json()["error"] == "invalid_grant"
    code = await site.code("user/Patient.rs")
    with site.clock.later(30):
        assert (await site.exchange(code)).status_code == 200


async def test_a_grant_ends_however_often_it_is_renewed(site: Site) -> None:
    """AIMED_FHIR__SMART__GRANT_DAYS: 365 days, each refresh well within the 90 of disuse."""
    token = (await site.granted("offline_access user/Patient.rs"))["refresh_token"]
    for days in range(60, 361, 60):
        with site.clock.later(days * DAY):
            answer = await site.refresh(token)
        assert answer.status_code == 200, (days, answer.text)
        token = answer.json()["refresh_token"]
    with site.clock.later(366 * DAY):
        answer = await site.refresh(token)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_grant"
