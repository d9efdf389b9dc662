-- Adds a violation once. KEYS: all (hash), times (sorted set), open (sorted set, by text).
-- ARGV: id, json, time in milliseconds, "tag name " if it is open or "", how many are kept. Returns 1 if it is new.
local id, json, time, name, kept = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
if redis.call('HSETNX', KEYS[1], id, json) == 0 then
  return 0
end
redis.call('ZADD', KEYS[2], time, id)
if name ~= '' then
  redis.call('ZADD', KEYS[3], 0, name .. id)
end
local surplus = redis.call('ZCARD', KEYS[2]) - kept
if surplus > 0 then
  for _, old in ipairs(redis.call('ZRANGE', KEYS[2], 0, surplus - 1)) do
    redis.call('ZREM', KEYS[2], old)
    redis.call('HDEL', KEYS[1], old)
  end
end
return 1
