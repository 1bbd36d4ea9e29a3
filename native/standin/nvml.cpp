// A stand-in for NVML, for tests: libnvidia-ml.so.1 that answers what a test told it to, and NOT_SUPPORTED otherwise.
#include <cstdint>
#include <cstring>
#include <map>
#include <string>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

enum Result { success = 0, uninitialized = 1, not_supported = 3, not_found = 6, driver_not_loaded = 9, gpu_is_lost = 15 };

struct Answer {
    int code;
    uint64_t value;
};

int initialized = 0;
char device[] = "0000:01:00.0";
std::map<std::string, Answer> answers;

template <class Number>
int answer(const std::string& name, Number* value) {
    if (!initialized) return uninitialized;
    auto found = answers.find(name);
    if (found == answers.end()) return not_supported;
    *value = (Number)found->second.value;
    return found->second.code;
}

}  // namespace

// What a function answers from now on; those that take a kind are named with it, "nvmlDeviceGetClockInfo 1".
EXPORT void standin_answer(const char* name, int code, uint64_t value) { answers[name] = {code, value}; }
EXPORT void standin_forget() { answers.clear(); }

EXPORT int nvmlInit_v2() {
    if (answers.empty()) return driver_not_loaded;  // as on a machine without a GPU
    ++initialized;
    return success;
}
EXPORT int nvmlShutdown() { return initialized-- > 0 ? success : uninitialized; }
EXPORT const char* nvmlErrorString(int code) {
    switch (code) {
        case driver_not_loaded: return "Driver Not Loaded";
        case not_found: return "Not Found";
        case gpu_is_lost: return "GPU is lost";
        default: return "Unknown Error";
    }
}
EXPORT int nvmlSystemGetDriverVersion(char* text, unsigned length) {
    strncpy(text, "580.65.06", length);
    return success;
}
EXPORT int nvmlDeviceGetHandleByPciBusId_v2(const char* id, void** handle) {
    *handle = device;
    return strcmp(id, device) ? not_found : success;
}
EXPORT int nvmlDeviceGetPowerUsage(void*, unsigned* milliwatts) { return answer("nvmlDeviceGetPowerUsage", milliwatts); }
EXPORT int nvmlDeviceGetEnforcedPowerLimit(void*, unsigned* milliwatts) {
    return answer("nvmlDeviceGetEnforcedPowerLimit", milliwatts);
}
EXPORT int nvmlDeviceGetClockInfo(void*, int kind, unsigned* mhz) {
    return answer("nvmlDeviceGetClockInfo " + std::to_string(kind), mhz);
}
EXPORT int nvmlDeviceGetMaxClockInfo(void*, int kind, unsigned* mhz) {
    return answer("nvmlDeviceGetMaxClockInfo " + std::to_string(kind), mhz);
}
EXPORT int nvmlDeviceGetTemperature(void*, int sensor, unsigned* celsius) {
    return answer("nvmlDeviceGetTemperature " + std::to_string(sensor), celsius);
}
// The name before release 535; the newer one is left out here.
EXPORT int nvmlDeviceGetCurrentClocksThrottleReasons(void*, uint64_t* reasons) {
    return answer("nvmlDeviceGetCurrentClocksThrottleReasons", reasons);
}
EXPORT int nvmlDeviceGetTotalEccErrors(void*, int kind, int counter, uint64_t* count) {
    return answer("nvmlDeviceGetTotalEccErrors " + std::to_string(kind) + " " + std::to_string(counter), count);
}
EXPORT int nvmlDeviceGetMemoryInfo(void*, uint64_t* total_free_used) {
    uint64_t used;
    int code = answer("nvmlDeviceGetMemoryInfo", &used);
    if (code == success) total_free_used[0] = 1 << 30, total_free_used[1] = (1 << 30) - used, total_free_used[2] = used;
    return code;
}
