package org.sparsercnn.device.cuda;

import org.sparsercnn.ffi.cuda.CudaDriver;
import org.sparsercnn.ffi.cuda.CudaException;
import org.sparsercnn.util.BadInput;

/** What a failed call means to the user. Most failures show late, in a later call, and end every use of the GPU in this process. */
final class Faults {
    private static final int OUT_OF_MEMORY = 2;
    private static final String CUDA = "CUDA";

    private final CudaDriver driver;
    private final String device;
    private final DeviceMemory memory;
    private RuntimeException fatal;

    /** @param device for people */
    Faults(CudaDriver driver, String device, DeviceMemory memory) {
        this.driver = driver;
        this.device = device;
        this.memory = memory;
    }

    /** Throws again what ended the use of this GPU, if anything did. */
    void check() {
        if (fatal != null) {
            throw fatal;
        }
    }

    boolean isFatal() {
        return fatal != null;
    }

    RuntimeException explain(CudaException e) {
        if (fatal != null) {
            return fatal;
        }
        CudaException root = root(e);
        if (root.library().equals(CUDA) && root.code() == OUT_OF_MEMORY) {
            BadInput report = memory.outOfMemory(0);
            report.initCause(root);
            return report;
        }
        String words = root.library().equals(CUDA) ? words(root.code()) : null;
        if (words == null) {
            return e;
        }
        fatal = new BadInput(words.replace("%s", device) + "\n" + root.getMessage(), root);
        return fatal;
    }

    /** What stopped the GPU, where a library only says that something failed: the driver then fails every call with the reason. */
    private CudaException root(CudaException e) {
        if (!e.library().equals(CUDA)) {
            try {
                driver.memoryFree();
            } catch (CudaException reason) {
                return reason;
            }
        }
        return e;
    }

    /** Codes of {@code CUresult} after which this process cannot use the GPU any more; null for the others. */
    private static String words(int code) {
        return switch (code) {
            case 46, 100, 101, 802, 999 -> "The GPU stopped answering: %s. It may have lost power, overheated or fallen off the bus,"
                    + " or its driver failed; `dmesg | grep -i xid` and `nvidia-smi -q -d POWER,TEMPERATURE,PERFORMANCE` tell more."
                    + " What was saved is safe: start again with --resume.";
            case 214, 220, 226 -> "The GPU reports a hardware error: %s. A memory or link error could not be corrected;"
                    + " `nvidia-smi -q -d ECC` and `dmesg | grep -i xid` tell more. Reset or replace the card, then start again with"
                    + " --resume.";
            case 702, 909 -> "The GPU was stopped by a time limit: %s. A card that also drives a display may only compute for seconds"
                    + " at a time; use another one, or run without the display.";
            case 700, 710, 714, 715, 716, 717, 718, 719, 721 -> "A program on the GPU made an invalid access: %s. That is a defect of"
                    + " this program, or of the card's memory (`nvidia-smi -q -d ECC`, `dmesg | grep -i xid`). Run once more with"
                    + " CUDA_LAUNCH_BLOCKING=1 or under compute-sanitizer to see where, and report it.";
            case 708, 709, 4, 201 -> "The GPU was reset or taken away from this process: %s. Start again with --resume.";
            default -> null;
        };
    }
}
