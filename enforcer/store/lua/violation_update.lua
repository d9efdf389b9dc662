-- Writes what became of a violation, unless meanwhile it was withdrawn, forgotten, or found to be one of another record.
-- KEYS: all (hash), open (sorted set, by text), closed (sorted set, by time), times (the same of all).
-- ARGV: id, json, "tag name id" if it is resolved or "".
-- Returns 1 if it was written.
local known = redis.call('HGET', KEYS[1], ARGV[1])
if not known then
  return 0
end
local before, now = cjson.decode(known), cjson.decode(ARGV[2])
if before.state == 'withdrawn' or before.recorded ~= now.recorded then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if ARGV[3] ~= '' then
  redis.call('ZREM', KEYS[2], ARGV[3])
  redis.call('ZADD', KEYS[3], redis.call('ZSCORE', KEYS[4], ARGV[1]) or 0, ARGV[1])
end
return 1
