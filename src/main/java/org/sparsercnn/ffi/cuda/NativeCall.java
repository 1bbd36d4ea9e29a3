package org.sparsercnn.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.NoSuchElementException;

/**
 * A function of one of NVIDIA's libraries that returns a status. Every argument is given as a long: addresses and handles are, and an
 * int or smaller travels in a 64-bit register or stack slot of which the callee reads the low part (System V on x86-64, AAPCS64).
 * Kept in a {@code static final}, a call is as fast as a method handle that is; none is critical, since each may block.
 *
 * @param name for messages
 */
record NativeCall(String name, MethodHandle handle) {
    /** @throws NoSuchElementException where the library has no such function */
    static NativeCall of(SymbolLookup library, String name, int arguments) {
        var types = new MemoryLayout[arguments];
        Arrays.fill(types, JAVA_LONG);
        var symbol = library.find(name).orElseThrow(() -> new NoSuchElementException(name));
        return new NativeCall(name, Linker.nativeLinker().downcallHandle(symbol, FunctionDescriptor.of(JAVA_INT, types)));
    }

    int status() {
        try {
            return (int) handle.invokeExact();
        } catch (Throwable e) {
            throw new AssertionError(name, e);
        }
    }

    int status(long a) {
        try {
            return (int) handle.invokeExact(a);
        } catch (Throwable e) {
            throw new AssertionError(name, e);
        }
    }

    int status(long a, long b) {
        try {
            return (int) handle.invokeExact(a, b);
        } catch (Throwable e) {
            throw new AssertionError(name, e);
        }
    }

    int status(long a, long b, long c) {
        try {
            return (int) handle.invokeExact(a, b, c);
        } catch (Throwable e) {
            throw new AssertionError(name, e);
        }
    }

    int status(long a, long b, long c, long d) {
        try {
            return (int) handle.invokeExact(a, b, c, d);
        } catch (Throwable e) {
            throw new AssertionError(name, e);
        }
    }

    int status(long a, long b, long c, long d, long e, long f) {
        try {
            return (int) handle.invokeExact(a, b, c, d, e, f);
        } catch (Throwable failure) {
            throw new AssertionError(name, failure);
        }
    }

    int status(long a, long b, long c, long d, long e, long f, long g) {
        try {
            return (int) handle.invokeExact(a, b, c, d, e, f, g);
        } catch (Throwable failure) {
            throw new AssertionError(name, failure);
        }
    }

    int status(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j, long k) {
        try {
            return (int) handle.invokeExact(a, b, c, d, e, f, g, h, i, j, k);
        } catch (Throwable failure) {
            throw new AssertionError(name, failure);
        }
    }
}
