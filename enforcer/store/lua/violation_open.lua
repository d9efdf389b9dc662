-- Adds a violation once; one that is known is replaced if it was withdrawn or is of another record.
-- KEYS: all (hash), times (sorted set), open (sorted set, by text).
-- ARGV: id, json, time in milliseconds, "tag name " if it is unresolved or "", how many are kept. Returns 1 if it is news.
local id, json, time, name, kept = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local known = redis.call('HGET', KEYS[1], id)
if known then
  local before, now = cjson.decode(known), cjson.decode(json)
  if before.state ~= 'withdrawn' and before.recorded == now.recorded then
    return 0
  end
end
redis.call('HSET', KEYS[1], id, json)
redis.call('ZADD', KEYS[2], time, id)
if name ~= '' then
  redis.call('ZADD', KEYS[3], 0, name .. id)
end
local surplus = redis.call('ZCARD', KEYS[2]) - kept
if surplus > 0 then
  for _, old in ipairs(redis.call('ZRANGE', KEYS[2], 0, surplus - 1)) do
    local gone = redis.call('HGET', KEYS[1], old)
    if gone then
      gone = cjson.decode(gone)
      redis.call('ZREM', KEYS[3], gone.registry .. '/' .. gone.repository .. ':' .. gone.tag .. ' ' .. old)
    end
    redis.call('ZREM', KEYS[2], old)
    redis.call('HDEL', KEYS[1], old)
  end
end
return 1
