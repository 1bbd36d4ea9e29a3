package org.sparsercnn.io;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;

/**
 * Writes {@code {"model": OrderedDict(name -> tensor)}} as {@code torch.save} would, so that detectron2 and
 * {@code torch.load(weights_only=True)} read it: a ZIP of stored entries aligned to 64 bytes, the pickle of protocol 2.
 */
public final class TorchWriter {
    private static final int ALIGNMENT = 64;
    private static final String ROOT = "archive/";
    /** Beyond this the ZIP would need its 64-bit form. */
    private static final long LARGEST = 0xffff_0000L;
    private static final int MOST_TENSORS = 65_000;

    private record Entry(byte[] name, int crc, long size, long localHeader) {}

    private final OutputStream out;
    private final List<Entry> entries = new ArrayList<>();
    private long position;

    private TorchWriter(OutputStream out) {
        this.out = out;
    }

    /** Writes {@code file} whole or not at all. */
    public static void write(Path file, StateDict model) {
        if (model.byteSize() + 1024L * model.size() > LARGEST || model.size() > MOST_TENSORS) {
            throw BadInput.of("%s: %d MB in %d tensors are too much for a .pth of ours (4 GB, 65,000); convert to .safetensors, which PyTorch"
                    + " reads through the safetensors package", file, model.byteSize() >> 20, model.size());
        }
        try {
            AtomicFiles.write(file, out -> new TorchWriter(out).writeArchive(model));
        } catch (IOException e) {
            throw new BadInput(file + ": cannot be written: " + AtomicFiles.reason(e)
                    + "; free some space or choose another folder (what was there before is untouched)", e);
        }
    }

    private void writeArchive(StateDict model) throws IOException {
        entry("data.pkl", MemorySegment.ofArray(pickle(model)));
        entry("byteorder", ascii("little"));
        int key = 0;
        for (HostTensor tensor : model.tensors().values()) {
            entry("data/" + key++, tensor.data());
        }
        entry("version", ascii("3\n"));
        directory();
    }

    private static MemorySegment ascii(String text) {
        return MemorySegment.ofArray(text.getBytes(StandardCharsets.US_ASCII));
    }

    private void entry(String name, MemorySegment data) throws IOException {
        byte[] nameBytes = (ROOT + name).getBytes(StandardCharsets.US_ASCII);
        Entry entry = new Entry(nameBytes, ZipArchive.crc32(data), data.byteSize(), position);
        // PyTorch maps tensors straight from the file; the padding is an extra field of its own, "FB".
        int unpadded = 30 + nameBytes.length + 4;
        int padding = (int) Math.floorMod(-(position + unpadded), (long) ALIGNMENT);
        ByteBuffer header = ByteBuffer.allocate(unpadded + padding).order(ByteOrder.LITTLE_ENDIAN);
        header.putInt(0x04034b50).putShort((short) 20);
        common(header, entry, 4 + padding);
        header.put(nameBytes).putShort((short) 0x4246).putShort((short) padding);
        send(header);
        Safetensors.copy(data, out);
        position += data.byteSize();
        entries.add(entry);
    }

    /** The fields that a local header and a directory entry share, from the flags to the extra field's length. */
    private static void common(ByteBuffer header, Entry entry, int extraLength) {
        header.putShort((short) 0).putShort((short) 0); // no flags, stored
        header.putShort((short) 0).putShort((short) 0x21); // 1980-01-01: files do not depend on the clock
        header.putInt(entry.crc).putInt((int) entry.size).putInt((int) entry.size);
        header.putShort((short) entry.name.length).putShort((short) extraLength);
    }

    private void directory() throws IOException {
        long start = position;
        for (Entry e : entries) {
            ByteBuffer header = ByteBuffer.allocate(46 + e.name.length).order(ByteOrder.LITTLE_ENDIAN);
            header.putInt(0x02014b50).putShort((short) 20).putShort((short) 20);
            common(header, e, 0);
            header.putShort((short) 0).putShort((short) 0).putShort((short) 0).putInt(0);
            header.putInt((int) e.localHeader).put(e.name);
            send(header);
        }
        ByteBuffer end = ByteBuffer.allocate(22).order(ByteOrder.LITTLE_ENDIAN);
        end.putInt(0x06054b50).putShort((short) 0).putShort((short) 0);
        end.putShort((short) entries.size()).putShort((short) entries.size());
        end.putInt((int) (position - start)).putInt((int) start).putShort((short) 0);
        send(end);
    }

    private void send(ByteBuffer bytes) throws IOException {
        out.write(bytes.array());
        position += bytes.capacity();
    }

    private static byte[] pickle(StateDict model) {
        PickleBytes p = new PickleBytes();
        p.op(0x80).op(2);
        p.op('}').text("model").global("collections", "OrderedDict").op(')').op('R').op('(');
        int key = 0;
        for (Map.Entry<String, HostTensor> e : model.tensors().entrySet()) {
            HostTensor t = e.getValue();
            p.text(e.getKey()).global("torch._utils", "_rebuild_tensor_v2").op('(');
            p.op('(').text("storage").global("torch", t.dtype().torchStorage()).text(Integer.toString(key++)).text("cpu")
                    .integer(t.elements()).op('t').op('Q');
            p.integer(0).integers(t.shape()).integers(StridedView.contiguousStrides(t.shape()));
            p.op(0x89).global("collections", "OrderedDict").op(')').op('R').op('t').op('R');
        }
        p.op('u').op('s').op('.');
        return p.bytes.toByteArray();
    }

    /** The few opcodes of protocol 2 that a state dict takes. */
    private static final class PickleBytes {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        PickleBytes op(int opcode) {
            bytes.write(opcode);
            return this;
        }

        PickleBytes global(String module, String name) {
            bytes.writeBytes(("c" + module + "\n" + name + "\n").getBytes(StandardCharsets.US_ASCII));
            return this;
        }

        PickleBytes text(String value) {
            byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
            op('X').bytes.writeBytes(littleEndian(utf8.length, 4));
            bytes.writeBytes(utf8);
            return this;
        }

        PickleBytes integer(long value) {
            if (value == (int) value) {
                op('J').bytes.writeBytes(littleEndian(value, 4));
            } else {
                op(0x8a).op(8).bytes.writeBytes(littleEndian(value, 8));
            }
            return this;
        }

        PickleBytes integers(long[] values) {
            op('(');
            for (long value : values) {
                integer(value);
            }
            return op('t');
        }

        private static byte[] littleEndian(long value, int width) {
            byte[] out = new byte[width];
            for (int i = 0; i < width; i++) {
                out[i] = (byte) (value >>> (8 * i));
            }
            return out;
        }
    }
}
