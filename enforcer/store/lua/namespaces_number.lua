-- Gives each namespace a number that it keeps. KEYS: numbers (hash), count. ARGV: names. Returns their numbers.
local numbers = {}
for at, name in ipairs(ARGV) do
  local number = redis.call('HGET', KEYS[1], name)
  if not number then
    number = redis.call('INCR', KEYS[2])
    redis.call('HSET', KEYS[1], name, number)
  end
  numbers[at] = tonumber(number)
end
return numbers
