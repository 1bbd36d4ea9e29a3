package org.sparsercnn.device.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** Numbers in device memory as the CPU's libraries take them: bf16 ones as copies in fp32, fp32 ones where they are. */
final class HalfNumbers implements AutoCloseable {
    private final NullDriver driver;
    private final boolean half;
    private final Arena arena = Arena.ofConfined();
    private final List<Runnable> atEnd = new ArrayList<>();

    HalfNumbers(NullDriver driver, boolean half) {
        this.driver = driver;
        this.half = half;
    }

    long read(long address, long n) {
        driver.requireHeld(address, n * (half ? 2 : 4), "a library's tensor");
        return half ? widened(address, n).address() : address;
    }

    /** What is written there goes back when this is closed. */
    long readAndWrite(long address, long n) {
        if (!half) {
            return read(address, n);
        }
        driver.requireHeld(address, 2 * n, "a library's tensor");
        MemorySegment wide = widened(address, n);
        MemorySegment back = NullDriver.memory(address, 2 * n);
        atEnd.add(() -> {
            for (long i = 0; i < n; i++) {
                back.setAtIndex(ValueLayout.JAVA_SHORT, i, toBf16(wide.getAtIndex(ValueLayout.JAVA_FLOAT, i)));
            }
        });
        return wide.address();
    }

    private MemorySegment widened(long address, long n) {
        MemorySegment narrow = NullDriver.memory(address, 2 * n);
        MemorySegment wide = arena.allocate(4 * n, 64);
        for (long i = 0; i < n; i++) {
            wide.setAtIndex(ValueLayout.JAVA_FLOAT, i, toFloat(narrow.getAtIndex(ValueLayout.JAVA_SHORT, i)));
        }
        return wide;
    }

    static float toFloat(short bf16) {
        return Float.intBitsToFloat(bf16 << 16);
    }

    /** Rounds to nearest, ties to even; NaN stays NaN. */
    static short toBf16(float x) {
        int bits = Float.floatToRawIntBits(x);
        return (short) (Float.isNaN(x) ? bits >>> 16 | 0x40 : bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }

    @Override
    public void close() {
        atEnd.forEach(Runnable::run);
        arena.close();
    }
}
