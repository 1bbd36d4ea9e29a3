-- For wrk: posts one picture over and over, counts answers by status, and prints one line of JSON at the end.
local file = io.open(os.getenv("PICTURE"), "rb")
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "application/octet-stream"
file:close()

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init()
  ok, busy, other = 0, 0, 0
end

function response(status)
  if status == 200 then ok = ok + 1 elseif status == 503 then busy = busy + 1 else other = other + 1 end
end

function done(summary, latency)
  local ok, busy, other = 0, 0, 0
  for _, thread in ipairs(threads) do
    ok, busy, other = ok + thread:get("ok"), busy + thread:get("busy"), other + thread:get("other")
  end
  local e = summary.errors
  print(string.format('JSON {"answered_per_s": %.1f, "p50_ms": %.1f, "p95_ms": %.1f, "p99_ms": %.1f, "ok": %d, "busy": %d, "other": %d, "lost": %d}',
    ok / (summary.duration / 1e6), latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3,
    ok, busy, other, e.connect + e.read + e.write + e.timeout))
end
