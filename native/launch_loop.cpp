// The yardstick of LaunchBenchmark: kernel launches as C makes them, to hold those from Java against.
#include "pool.h"

typedef int (*LaunchKernel)(void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
                            unsigned block_z, unsigned shared_bytes, void* stream, void** parameters, void** extra);

// Launches one block of 32 threads `count` times; returns the first error of the driver's cuLaunchKernel.
extern "C" __attribute__((visibility("default"))) i64 launch_loop(LaunchKernel launch, void* function, void* stream, void** parameters,
                                                                   i64 count) {
    int error = 0;
    for (i64 i = 0; i < count && !error; ++i) error = launch(function, 1, 1, 1, 32, 1, 1, 0, stream, parameters, nullptr);
    return error;
}
