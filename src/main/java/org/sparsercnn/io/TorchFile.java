package org.sparsercnn.io;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** The two containers of {@code torch.save}: a ZIP archive (since 1.6), and before that pickles followed by storages. */
final class TorchFile {
    private static final BigInteger MAGIC = new BigInteger("1950a86a20f9469cfc6c", 16);
    private static final long LEGACY_PROTOCOL = 1001;

    private TorchFile() {}

    /** The object graph of a ZIP checkpoint: {@code <root>/data.pkl} and one stored entry {@code <root>/data/<key>} per storage. */
    static Object readZip(MemorySegment file) {
        ZipArchive zip = new ZipArchive(file);
        String data = zip.names().stream().filter(n -> n.endsWith("/data.pkl") || n.equals("data.pkl")).findFirst()
                .orElseThrow(() -> new Malformed("a ZIP archive, but without the data.pkl of torch.save"
                        + (zip.names().stream().anyMatch(n -> n.endsWith("constants.pkl"))
                                ? " (a TorchScript model? save its state_dict() instead)" : "")));
        String root = data.substring(0, data.length() - "data.pkl".length());
        if (zip.names().contains(root + "byteorder")) {
            String order = new String(zip.read(root + "byteorder").toArray(ValueLayout.JAVA_BYTE), StandardCharsets.US_ASCII);
            if (!order.strip().equals("little")) {
                throw new Malformed("written by a big-endian machine (byteorder '" + order.strip() + "'): save it on another");
            }
        }
        TorchPickle pickle = new TorchPickle(file.byteSize());
        Object graph = pickle.read(new SegmentInput(zip.read(data)));
        for (TorchPickle.Storage storage : pickle.storages().values()) {
            MemorySegment bytes = zip.read(root + "data/" + storage.key);
            requireSize(storage, bytes.byteSize() / storage.dtype.bytes());
            storage.data = bytes;
        }
        return graph;
    }

    static boolean isLegacy(MemorySegment file) {
        byte[] start = file.asSlice(0, Math.min(32, file.byteSize())).toArray(ValueLayout.JAVA_BYTE);
        byte[] magic = MAGIC.toByteArray();
        for (int at = 2; at + magic.length <= start.length; at++) {
            int i = 0;
            while (i < magic.length && start[at + i] == magic[magic.length - 1 - i]) {
                i++;
            }
            if (i == magic.length) {
                return true;
            }
        }
        return false;
    }

    /** Pickles of a magic number, the protocol, system facts, the object and the storages' keys; then the storages. */
    static Object readLegacy(MemorySegment file) {
        SegmentInput in = new SegmentInput(file);
        if (!MAGIC.equals(plainPickle(in)) || !Long.valueOf(LEGACY_PROTOCOL).equals(PickleValues.integer(plainPickle(in)))) {
            throw new Malformed("damaged: the head of a PyTorch file of before 1.6 is not as it should be");
        }
        if (plainPickle(in) instanceof Map<?, ?> system && Boolean.FALSE.equals(system.get("little_endian"))) {
            throw new Malformed("written by a big-endian machine: save it on another");
        }
        TorchPickle pickle = new TorchPickle(file.byteSize());
        Object graph = pickle.read(in);
        if (!(plainPickle(in) instanceof List<?> keys)) {
            throw new Malformed("damaged: the list of storages is missing");
        }
        for (Object key : keys) {
            TorchPickle.Storage storage = pickle.storages().get(PickleValues.text(key));
            if (storage == null) {
                throw new Malformed("damaged: the storage '" + key + "' belongs to no tensor");
            }
            long elements = in.takeLong();
            requireSize(storage, elements);
            storage.data = in.take(HostTensor.byteSize(storage.dtype, new long[] {elements}));
        }
        return graph;
    }

    private static Object plainPickle(SegmentInput in) {
        return new RestrictedUnpickler(Map.of(), _ -> {
            throw new Malformed("damaged: a storage in the head of the file");
        }).read(in);
    }

    private static void requireSize(TorchPickle.Storage storage, long elements) {
        if (elements != storage.elements) {
            throw new Malformed("the storage '" + storage.key + "' has " + elements + " elements, its tensors want "
                    + storage.elements);
        }
    }
}
