package org.sparsercnn.dist;

import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.sparsercnn.device.Collective;
import org.sparsercnn.device.DType;
import org.sparsercnn.device.Device;
import org.sparsercnn.device.Readback;
import org.sparsercnn.tensor.Scope;
import org.sparsercnn.tensor.Shape;
import org.sparsercnn.tensor.Tensor;

/** What ranks tell each other that is no tensor: bytes and text, carried as tensors are. Every rank makes the same calls. */
public final class HostData {
    private final Device device;
    private final Collective group;

    public HostData(Device device, Collective group) {
        this.device = device;
        this.group = group;
    }

    /** The bytes of rank {@code root}; those that the others give are not looked at. */
    public byte[] share(byte[] mine, int root) {
        if (group.size() == 1) {
            return mine;
        }
        boolean sends = group.rank() == root;
        try (Scope scope = new Scope(device)) {
            Tensor length = scope.empty(DType.I64, Shape.of(1));
            length.set(new long[] {sends ? mine.length : 0});
            group.broadcast(length, length.bytes(), root);
            int bytes = Math.toIntExact(awaited(length)[0]);
            if (bytes == 0) {
                return new byte[0];
            }
            Tensor data = scope.empty(DType.U8, Shape.of(bytes));
            if (sends) {
                data.set(mine);
            }
            group.broadcast(data, bytes, root);
            try (Readback readback = device.read(data, bytes)) {
                byte[] there = group.await(readback).asSlice(0, bytes).toArray(ValueLayout.JAVA_BYTE);
                return sends ? mine : there;
            }
        }
    }

    private long[] awaited(Tensor numbers) {
        try (Readback readback = device.read(numbers, numbers.bytes())) {
            return group.await(readback).toArray(ValueLayout.JAVA_LONG);
        }
    }

    /** What each rank gives, in the order of ranks. */
    public List<byte[]> gather(byte[] mine) {
        List<byte[]> all = new ArrayList<>(group.size());
        for (int r = 0; r < group.size(); r++) {
            all.add(share(mine, r));
        }
        return all;
    }

    public String share(String mine, int root) {
        return new String(share(mine.getBytes(StandardCharsets.UTF_8), root), StandardCharsets.UTF_8);
    }
}
