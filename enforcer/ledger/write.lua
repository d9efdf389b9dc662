-- Writes what was decided of the tags of one repository, each only if its standing is still the one that was judged.
--
-- KEYS: the repository's standings (hash, tag -> "version json"), its history (sorted set of
--       "tag time digest id {json}", all of score 0: the text is the order).
-- ARGV: how many entries a tag keeps, then for each tag: tag, version that was judged, new standing,
--       number of entries, and for each entry its place ("tag time digest id ") and its json.
-- Returns the tags that were not written because somebody else had been quicker.
local standings, history = KEYS[1], KEYS[2]
local kept = tonumber(ARGV[1])
local conflicts = {}
local at = 2
while at <= #ARGV do
  local tag, judged, standing, entries = ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
  at = at + 4
  local current = redis.call('HGET', standings, tag)
  local version = current and string.match(current, '^%d+') or '0'
  if version ~= judged then
    conflicts[#conflicts + 1] = tag
  else
    redis.call('HSET', standings, tag, standing)
    for entry = 0, entries - 1 do
      local place, json = ARGV[at + 2 * entry], ARGV[at + 2 * entry + 1]
      -- the json begins with '{', and '|' comes next: all between is the same event, judged before
      redis.call('ZREMRANGEBYLEX', history, '[' .. place .. '{', '(' .. place .. '|')
      redis.call('ZADD', history, 0, place .. json)
    end
    local from, to = '[' .. tag .. ' ', '(' .. tag .. '!'
    -- no more at once than fit Lua's stack: the rest goes with the next write
    local surplus = math.min(redis.call('ZLEXCOUNT', history, from, to) - kept, 1000)
    if surplus > 0 then
      redis.call('ZREM', history, unpack(redis.call('ZRANGEBYLEX', history, from, to, 'LIMIT', 0, surplus)))
    end
  end
  at = at + 2 * entries
end
return conflicts
