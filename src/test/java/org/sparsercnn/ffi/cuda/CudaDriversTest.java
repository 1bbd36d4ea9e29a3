package org.sparsercnn.ffi.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.sparsercnn.util.BadInput;

class CudaDriversTest {
    private StandIn standIn;

    @BeforeEach
    void open() {
        standIn = StandIn.of(1, 1 << 20);
    }

    @AfterEach
    void close() {
        System.clearProperty(CudaDrivers.BINDING_PROPERTY);
        standIn.close();
    }

    @Test
    void autoIsPanama() {
        assertThat(CudaDrivers.open()).isInstanceOf(PanamaDriver.class).returns("panama", CudaDriver::binding);
        System.setProperty(CudaDrivers.BINDING_PROPERTY, "panama");
        assertThat(CudaDrivers.open()).isInstanceOf(PanamaDriver.class);
        System.setProperty(CudaDrivers.BINDING_PROPERTY, "cudart");
        assertThatThrownBy(CudaDrivers::open).isInstanceOf(BadInput.class)
                .hasMessage("-Dsparsercnn.cuda.binding=cudart: wanted auto, panama or jcuda");
    }

    @Test
    void anOldDriverIsToldWhatIsWanted() {
        standIn.version(12080);
        assertThatThrownBy(CudaDrivers::open).isInstanceOf(BadInput.class).hasMessageContaining("supports CUDA 12.8 at most")
                .hasMessageContaining("CUDA 13.0 is wanted").hasMessageContaining("install driver 580 or newer");
        standIn.version(13010);
        assertThat(CudaDrivers.open().version()).isEqualTo(13010);
    }

    @Test
    void aDriverThatDoesNotStartSaysWhatToDo() {
        standIn.fail("cuInit", 1, 803);
        assertThatThrownBy(CudaDrivers::open).isInstanceOf(BadInput.class).hasMessageContaining("CUDA_ERROR_SYSTEM_DRIVER_MISMATCH")
                .hasMessageContaining("restart the machine");
        standIn.fail("cuInit", 1, 999);
        assertThatThrownBy(CudaDrivers::open).isInstanceOf(BadInput.class).hasMessageContaining("nvidia-smi");
    }

    @Test
    void aMachineWithoutAGpuSaysSo() {
        standIn.close(); // leaves none
        standIn = StandIn.of(0, 0);
        assertThatThrownBy(CudaDrivers::open).isInstanceOf(BadInput.class).hasMessageContaining("CUDA_ERROR_NO_DEVICE")
                .hasMessageContaining("nvidia-smi -L");
    }

    @Test
    void aDeviceMustBeThereAndNewEnough() {
        CudaDriver driver = CudaDrivers.open();
        CudaDrivers.requireDevice(driver, 0);
        assertThatThrownBy(() -> CudaDrivers.requireDevice(driver, 7)).isInstanceOf(BadInput.class)
                .hasMessageStartingWith("There is no GPU cuda:7; found cuda:0 (Stand-in 0)");
        assertThatThrownBy(() -> CudaDrivers.requireDevice(driver, -1)).isInstanceOf(BadInput.class);
        standIn.capability(75);
        assertThatThrownBy(() -> CudaDrivers.requireDevice(driver, 0)).isInstanceOf(BadInput.class)
                .hasMessageContaining("cuda:0 (Stand-in 0) has compute capability 7.5; 8.0 (Ampere, 2020) or newer is wanted");
        standIn.capability(80);
        CudaDrivers.requireDevice(driver, 0);
    }
}
