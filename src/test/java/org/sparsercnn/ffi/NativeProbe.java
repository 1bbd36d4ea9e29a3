package org.sparsercnn.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** A program for tests: loads the native libraries, computes with them and prints the folder they lie in. */
public final class NativeProbe {
    private NativeProbe() {}

    public static void main(String[] args) {
        NativeLibraries.open("sparsercnn");
        System.out.println(dotOfTwoThrees() + " " + NativeLibraries.locate("openblas").getParent());
    }

    /** (3, 3)·(3, 3) by OpenBLAS. */
    static float dotOfTwoThrees() {
        MethodHandle dot = Linker.nativeLinker().downcallHandle(NativeLibraries.open("openblas").findOrThrow("cblas_sdot"),
                FunctionDescriptor.of(JAVA_FLOAT, JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment threes = arena.allocateFrom(JAVA_FLOAT, 3, 3);
            return (float) dot.invokeExact(2, threes, 1, threes, 1);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
