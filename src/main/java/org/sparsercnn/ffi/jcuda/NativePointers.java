package org.sparsercnn.ffi.jcuda;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import jcuda.NativePointerObject;

/** Addresses and handles of JCuda's objects, which it lets be set in a constructor at best; set anew, an object is used again. */
final class NativePointers {
    private static final VarHandle ADDRESS = address();

    private NativePointers() {}

    private static VarHandle address() {
        try {
            return MethodHandles.privateLookupIn(NativePointerObject.class, MethodHandles.lookup())
                    .findVarHandle(NativePointerObject.class, "nativePointer", long.class);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("another JCuda than 12.6", e);
        }
    }

    /** The same object, standing for that address. */
    static <T extends NativePointerObject> T at(T object, long address) {
        ADDRESS.set((NativePointerObject) object, address);
        return object;
    }

    static long addressOf(NativePointerObject object) {
        return (long) ADDRESS.get(object);
    }
}
