"""Rate limits on Redis."""

from integrations.redis_limits.limiter import RedisLimiter

__all__ = ["RedisLimiter"]
