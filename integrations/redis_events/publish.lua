-- Append one event to an encounter's stream and return its number, or nil if `once` was seen.
-- KEYS: stream, set of origins. ARGV: fields as JSON, once ('' for none), seconds to keep.
-- The entry id is "<seq>-0": numbering and appending cannot drift apart, and a watcher reads on
-- from its seq without a look-up.
if ARGV[2] ~= '' and redis.call('SADD', KEYS[2], ARGV[2]) == 0 then
  return nil
end
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local seq = 1
if newest[1] then
  seq = tonumber(string.match(newest[1][1], '^%d+')) + 1
end
redis.call('XADD', KEYS[1], seq .. '-0', 'event', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return seq
