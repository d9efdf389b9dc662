-- Adds a violation once; one that is known is replaced if it was withdrawn or is of another record.
-- Beyond the limit the oldest closed ones are forgotten, and open ones only beyond the larger one.
-- KEYS: all (hash), times (sorted set), open (sorted set, by text), closed (sorted set, by time).
-- ARGV: id, json, time in milliseconds, "tag name " if it is unresolved or "", how many are kept, how many at most.
-- Returns 1 if it is news.
local id, json, time, name = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local kept, most = tonumber(ARGV[5]), tonumber(ARGV[6])
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
  redis.call('ZREM', KEYS[4], id)
else
  redis.call('ZADD', KEYS[4], time, id)
end

local function forget(oldest, limit)
  local surplus = redis.call('ZCARD', KEYS[2]) - limit
  if surplus <= 0 then
    return
  end
  for _, old in ipairs(redis.call('ZRANGE', oldest, 0, surplus - 1)) do
    local gone = redis.call('HGET', KEYS[1], old)
    if gone then
      gone = cjson.decode(gone)
      redis.call('ZREM', KEYS[3], gone.registry .. '/' .. gone.repository .. ':' .. gone.tag .. ' ' .. old)
    end
    redis.call('ZREM', KEYS[2], old)
    redis.call('ZREM', KEYS[4], old)
    redis.call('HDEL', KEYS[1], old)
  end
end

forget(KEYS[4], kept)
forget(KEYS[2], most)
return 1
