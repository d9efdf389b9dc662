-- Writes what was decided of the tags of one repository, each only if its standing is still the one that was judged.
--
-- KEYS: the repository's standings (hash, tag -> "version json"), its history (sorted set of
--       "tag time arrival id {json}", all of score 0: the text is the order), the digests by which its tags are found
--       (sorted set of "digest tag", score 0), its deletions (sorted set by a number that grows).
-- ARGV: how many entries a tag keeps, the number of the last deletion that was known when these were judged or "", then
--       for each tag: tag, version that was judged, new standing, number of entries, and for each entry its place
--       ("tag time arrival id ") and its json; number of digests, and these.
-- Returns the tags that were not written because somebody else had been quicker.
local standings, history, digests, deletions = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local kept, known = tonumber(ARGV[1]), ARGV[2]
local is_current = known == '' or (redis.call('ZREVRANGE', deletions, 0, 0, 'WITHSCORES')[2] or '0') == known

-- The oldest entries, but not the record's own: who made the original is known after any number of overwrites.
local function oldest(record, from, to, surplus)
  local gone = {}
  for _, member in ipairs(redis.call('ZRANGEBYLEX', history, from, to, 'LIMIT', 0, surplus + 1)) do
    local entry = cjson.decode(string.match(member, '^%S+ %S+ %S+ %S+ (.*)$'))
    local is_own = record and record.event and entry.event.id == record.event
    if not is_own and #gone < surplus then
      gone[#gone + 1] = { member = member, record = entry.record }
    end
  end
  return gone
end

-- What only the oldest entries say is not found by its digest any more.
local function forget(tag, standing, from, to, surplus)
  local needed = {}
  local function each_digest(record, act)
    if record then
      act(record.digest)
      for _, child in ipairs(record.children or {}) do
        act(child)
      end
    end
  end
  local record = cjson.decode(string.match(standing, '^%d+ (.*)$')).record
  each_digest(record, function(digest) needed[digest] = true end)
  for _, entry in ipairs(oldest(record, from, to, surplus)) do
    redis.call('ZREM', history, entry.member)
    each_digest(entry.record, function(digest)
      if not needed[digest] then
        redis.call('ZREM', digests, digest .. ' ' .. tag)
      end
    end)
  end
end

local function write(tag, standing, at, entries)
  redis.call('HSET', standings, tag, standing)
  for entry = 0, entries - 1 do
    local place, json = ARGV[at + 2 * entry], ARGV[at + 2 * entry + 1]
    -- the json begins with '{', and '|' comes next: all between is the same event, judged before
    redis.call('ZREMRANGEBYLEX', history, '[' .. place .. '{', '(' .. place .. '|')
    redis.call('ZADD', history, 0, place .. json)
  end
  at = at + 2 * entries
  for digest = at + 1, at + tonumber(ARGV[at]) do
    redis.call('ZADD', digests, 0, ARGV[digest] .. ' ' .. tag)
  end
  local from, to = '[' .. tag .. ' ', '(' .. tag .. '!'
  -- no more at once than fit Lua's stack: the rest goes with the next write
  local surplus = math.min(redis.call('ZLEXCOUNT', history, from, to) - kept, 1000)
  if surplus > 0 then
    forget(tag, standing, from, to, surplus)
  end
end

local conflicts = {}
local at = 3
while at <= #ARGV do
  local tag, judged, standing, entries = ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
  at = at + 4
  local current = redis.call('HGET', standings, tag)
  local version = current and string.match(current, '^%d+') or '0'
  if is_current and version == judged then
    write(tag, standing, at, entries)
  else
    conflicts[#conflicts + 1] = tag
  end
  at = at + 2 * entries
  at = at + 1 + tonumber(ARGV[at])
end
return conflicts
