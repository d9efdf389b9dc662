-- Appends events of one registry to the log, each with when it was done by the clock that is read here, and finds out
-- whether a drain is already on its way.
--
-- KEYS: log (stream), flag, the registry's sources (hash: name -> numbers, as `FIELDS` has them), what its clock is
--       behind this one (microseconds, as its own answers tell; none if unknown), the registry's latest events (hash:
--       fingerprint -> answer), and these in their order (list).
-- ARGV: seconds that the flag lasts, how many sources are kept, how many of the latest events, then for each event: its
--       source, the time that it tells in microseconds, its json, the fingerprint of that.
-- Returns 1 if a drain must be enqueued, then for each event: its place in the log, and the microseconds at which it
-- was done, '' where its arrival decides.
local log, flag, sources, latest, in_order = KEYS[1], KEYS[2], KEYS[3], KEYS[5], KEYS[6]
local clock = tonumber(redis.call('GET', KEYS[4]))
local FIELDS = {'first', 'heard', 'usual', 'half', 'least', 'before', 'at', 'told'}
local HALF, CLOSE, NEVER = 1800000000, 2000000, 1e18 -- half an hour, 2 seconds
local time = redis.call('TIME')
local milliseconds = time[1] * 1000 + math.floor(time[2] / 1000)
local now = milliseconds * 1000 -- no more than what the places in the log tell
local half = math.floor(now / HALF)

local function forget_oldest()
  local names, oldest, since = redis.call('HGETALL', sources), nil, NEVER
  for at = 1, #names, 2 do
    local heard = tonumber(string.match(names[at + 1], '^%S+ (%S+)'))
    if heard < since then
      oldest, since = names[at], heard
    end
  end
  redis.call('HDEL', sources, oldest)
end

local function read(name)
  local text = redis.call('HGET', sources, name)
  if not text then
    if redis.call('HLEN', sources) >= tonumber(ARGV[2]) then
      forget_oldest()
    end
    return {first = now, usual = 0, half = half, least = NEVER, before = NEVER, at = 0, told = -NEVER}
  end
  local source, at = {}, 0
  for number in string.gmatch(text, '%S+') do
    at = at + 1
    source[FIELDS[at]] = tonumber(number)
  end
  return source
end

local function write(name, source)
  local numbers = {}
  for at, field in ipairs(FIELDS) do
    numbers[at] = string.format('%.0f', source[field])
  end
  redis.call('HSET', sources, name, table.concat(numbers, ' '))
end

-- The least delay of the last hour, in two halves: longer ones are the network's, and this is between the clocks.
local function skew_of(source, delay)
  if source.half ~= half then
    source.before = source.half == half - 1 and source.least or NEVER
    source.half, source.least = half, NEVER
  end
  source.least = math.min(source.least, delay)
  return math.min(source.least, source.before)
end

local function done_at(name, told)
  local source = read(name)
  local skew = skew_of(source, now - told)
  local is_known = clock and math.abs(skew - clock) <= CLOSE
  source.heard = now
  if is_known and now - told - skew <= CLOSE then
    source.usual = now
  end
  local is_harbor, at = name == 'harbor', now
  if is_known then
    -- A Harbor tells whole seconds, so what is less than one is no skew.
    at = told + (is_harbor and math.floor(skew / 1e6) * 1e6 or skew)
  end
  -- The queue of a process is in order, whatever its clock does. The webhooks of a Harbor are not: its times are.
  if not is_harbor or told >= source.told then
    at = math.max(at, source.at)
    source.told = told
    source.at = at < now and at or now + 1000 -- the end of this millisecond: after everything that arrived in it
  end
  write(name, source)
  return at < now and string.format('%.0f', at) or ''
end

local function append(name, told, json)
  local at = ''
  -- What names no source, and what we say ourselves, tells nothing of a registry's clock.
  if name ~= '' and name ~= 'enforcer' then
    at = done_at(name, told)
  end
  return redis.call('XADD', log, '*', 'event', json, 'at', at), at
end

local function note(fingerprint, place, at)
  redis.call('HSET', latest, fingerprint, place .. ' ' .. at)
  if redis.call('RPUSH', in_order, fingerprint) > tonumber(ARGV[3]) then
    redis.call('HDEL', latest, redis.call('LPOP', in_order))
  end
end

local answer = {0}
for event = 4, #ARGV, 4 do
  -- A registry sends again what it was not answered to: that arrived when it first did.
  local fingerprint = ARGV[event + 3]
  local place, at = string.match(redis.call('HGET', latest, fingerprint) or '', '^(%S+) (.*)$')
  if not place then
    place, at = append(ARGV[event], tonumber(ARGV[event + 1]), ARGV[event + 2])
    note(fingerprint, place, at)
  end
  answer[#answer + 1] = place
  answer[#answer + 1] = at
end
if redis.call('SET', flag, 1, 'NX', 'EX', ARGV[1]) then
  answer[1] = 1
end
return answer
