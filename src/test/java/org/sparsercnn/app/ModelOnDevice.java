package org.sparsercnn.app;

import java.util.function.UnaryOperator;
import org.sparsercnn.config.Config;
import org.sparsercnn.device.Device;

/** A model on a device that a test has put something around. */
public final class ModelOnDevice {
    private ModelOnDevice() {}

    public static LoadedModel open(Environment environment, Config config, DeviceChoice choice, UnaryOperator<Device> around) {
        return LoadedModel.on(around.apply(choice.open(config, 0, 1)), environment, config, choice);
    }
}
