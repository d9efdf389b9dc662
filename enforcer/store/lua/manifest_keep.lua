-- Keeps a manifest, if the budget of its registry allows, and counts its bytes.
--
-- KEYS: the repository's kept manifests (hash, digest -> bytes), the bytes kept of each registry (hash), those kept of
--       each of this registry's repositories (sorted set by bytes).
-- ARGV: registry, repository, digest, the manifest's bytes, bytes that every manifest takes besides, the budget, and
--       what smaller repositories may use beyond it.
-- Returns 1 if it is kept and 0 if not, the bytes kept of the registry, and the repository of which most are kept.
local manifests, registries, repositories = KEYS[1], KEYS[2], KEYS[3]
local registry, repository, digest, content = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local besides, budget, limit = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

local before = redis.call('HSTRLEN', manifests, digest)
local growth = #content - before
if before == 0 then
  growth = growth + besides
end
local used = tonumber(redis.call('HGET', registries, registry) or 0) + growth
if growth > 0 and used > budget then
  local own = tonumber(redis.call('ZSCORE', repositories, repository) or 0) + growth
  local most = redis.call('ZREVRANGE', repositories, 0, 0, 'WITHSCORES')
  if used > limit or own > tonumber(most[2] or 0) then
    return { 0, used - growth, most[1] or repository }
  end
end
redis.call('HSET', manifests, digest, content)
redis.call('HINCRBY', registries, registry, growth)
redis.call('ZINCRBY', repositories, growth, repository)
return { 1, used, redis.call('ZREVRANGE', repositories, 0, 0)[1] }
