-- Removes kept manifests of a repository that no record needs, and counts anew what is kept of it.
--
-- KEYS: the repository's kept manifests (hash), the digests by which its tags are found (sorted set of "digest tag"),
--       its standings (hash, tag -> "version json"), the bytes kept of each registry (hash), those kept of each of this
--       registry's repositories (sorted set by bytes).
-- ARGV: registry, repository, bytes that every manifest takes besides, then the digests to remove.
-- Returns the bytes kept of the registry.
local manifests, digests, standings, registries, repositories = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local registry, repository, besides = ARGV[1], ARGV[2], tonumber(ARGV[3])

-- A record may have come to need it since the caller looked; its text names all manifests that it needs.
local function is_needed(digest)
  for _, member in ipairs(redis.call('ZRANGEBYLEX', digests, '[' .. digest .. ' ', '(' .. digest .. '!')) do
    local standing = redis.call('HGET', standings, string.match(member, ' (.*)$'))
    if standing and string.find(standing, digest, 1, true) then
      return true
    end
  end
  return false
end

for at = 4, #ARGV do
  if not is_needed(ARGV[at]) then
    redis.call('HDEL', manifests, ARGV[at])
  end
end
local now, before = 0, tonumber(redis.call('ZSCORE', repositories, repository) or 0)
for _, digest in ipairs(redis.call('HKEYS', manifests)) do
  now = now + redis.call('HSTRLEN', manifests, digest) + besides
end
if now > 0 then
  redis.call('ZADD', repositories, now, repository)
else
  redis.call('ZREM', repositories, repository)
end
return redis.call('HINCRBY', registries, registry, now - before)
