"""The collector is asked less often inside, and is as before after."""

from __future__ import annotations

import gc

from aimed.seldom_collected import seldom_collected


def test_it_is_as_before_after() -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    with seldom_collected():
        assert gc.get_threshold()[0] > before[0][0]
        assert gc.get_freeze_count() > 1000
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before[0], 0)
