-- Notes that a manifest was deleted, and finds the tags that may need it.
--
-- KEYS: deletions (sorted set by a number that grows), digests (sorted set of "digest tag").
-- ARGV: the deletion as "digest json", its digest, how many are known at most, seconds for which they are.
-- Returns the tags that have or had the digest.
local deletions, digests = KEYS[1], KEYS[2]
local deletion, digest, most, seconds = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local last = redis.call('ZREVRANGE', deletions, 0, 0, 'WITHSCORES')[2] or '0'
redis.call('ZADD', deletions, 'NX', tonumber(last) + 1, deletion)
redis.call('ZREMRANGEBYRANK', deletions, 0, -most - 1)
redis.call('EXPIRE', deletions, seconds)
local tags = {}
for at, member in ipairs(redis.call('ZRANGEBYLEX', digests, '[' .. digest .. ' ', '(' .. digest .. '!')) do
  tags[at] = string.sub(member, #digest + 2)
end
return tags
