-- Posts one picture over and over; prints what came of it as one line of JSON. PICTURE names the file.
local file = assert(io.open(os.getenv("PICTURE"), "rb"))
wrk.method = "POST"
wrk.body = file:read("*all")
wrk.headers["Content-Type"] = "image/png"
file:close()

function done(summary, latency, requests)
    io.write(string.format('{"requests": %d, "seconds": %.2f, "requests_per_s": %.1f, "p50_ms": %.2f, "p95_ms": %.2f, "p99_ms": %.2f, ' ..
        '"max_ms": %.2f, "not_2xx": %d, "socket_errors": %d}\n', summary.requests, summary.duration / 1e6, summary.requests / summary.duration * 1e6,
        latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3, summary.errors.status,
        summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
