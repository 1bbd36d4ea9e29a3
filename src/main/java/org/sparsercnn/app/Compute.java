package org.sparsercnn.app;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;

/** The type that activations and factors of products have in a run. */
final class Compute {
    private static final Logger LOG = LoggerFactory.getLogger("sparsercnn");

    private Compute() {}

    /** BF16 with SOLVER.AMP.ENABLED where the device computes in it, otherwise F32. */
    static DType of(Config config, Device device) {
        return config.solver().amp().enabled() && device.computesIn(DType.BF16) ? DType.BF16 : DType.F32;
    }

    /** Says which device a run has, in what it computes and how often it looks at an image. */
    static void announce(Config config, Device device) {
        LOG.info("Device: {}; computing in {}", device.name(), of(config, device) == DType.BF16 ? "bf16, weights and sums in fp32"
                : config.allowsTf32() && device.computesIn(DType.BF16) ? "fp32, products in TF32" : "fp32");
        if (config.solver().amp().enabled() && !device.computesIn(DType.BF16)) {
            LOG.warn("SOLVER.AMP.ENABLED: this device computes in fp32 only");
        }
        if (config.test().aug().enabled()) {
            LOG.info("Test-time augmentation: {}", TestTimeAugmentation.of(config).describe());
        }
    }
}
