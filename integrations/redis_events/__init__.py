"""Events on Redis streams."""

from integrations.redis_events.bus import RedisEventBus

__all__ = ["RedisEventBus"]
