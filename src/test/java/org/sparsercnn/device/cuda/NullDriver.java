package org.sparsercnn.device.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.sparsercnn.ffi.CpuKernels;
import org.sparsercnn.ffi.cuda.CudaDriver;
import org.sparsercnn.ffi.cuda.CudaException;
import org.sparsercnn.ffi.cuda.DeviceAttribute;
import org.sparsercnn.ffi.cuda.FunctionAttribute;

/**
 * A CUDA driver without a GPU: device memory is the host's, spoilt at first, and kernels are run by {@link NullKernels}. It is
 * strict: handles must live, addresses must lie in memory that is held, launches must keep a GPU's limits, and while a stream is
 * captured nothing may be called that a capture forbids. Everything is written down; any call can be made to fail.
 *
 * <p>Work is queued on streams and done as late as is allowed, or at once: what relies on an order that nothing enforces
 * gives wrong numbers in one of the two.
 */
class NullDriver implements CudaDriver {
    /** When queued work is done. */
    enum Pace {
        /** As soon as it is queued. */
        AT_ONCE,
        /** When somebody waits for it. */
        LATE,
        /** That of the first stream when somebody waits for it, that of the others at once. */
        FIRST_STREAM_LATE
    }

    /** A call and what mattered in it. */
    record Call(String name, String detail) {
        @Override
        public String toString() {
            return name + " " + detail;
        }
    }

    /** A kernel as it was launched. */
    record Launched(String kernel, int blocks, int threads, int sharedBytes, long stream, long[] arguments) {}

    /** @param may whether it can be done now; what cannot holds its stream */
    private record Work(String what, BooleanSupplier may, Runnable run) {}

    private record Held(long bytes, boolean pinned) {}

    private static final class Stream {
        final boolean late;
        final Deque<Work> queue = new ArrayDeque<>();
        long queued;
        long done;
        List<Work> capture;
        boolean invalid;

        Stream(boolean late) {
            this.late = late;
        }
    }

    /** A point in a stream; event handles keep the one recorded last. */
    private record Point(Stream stream, long position) {}

    private static final ThreadLocal<NullDriver> OF_THREAD = new ThreadLocal<>();
    private static final Set<Integer> STICKY = Set.of(214, 700, 702, 710, 714, 715, 716, 717, 718, 719, 999);
    private static final int MULTIPROCESSORS = 4;
    private static final int SHARED_OPTIN = 227 << 10;

    private final long memory;
    private final Pace pace;
    private final NullKernels kernels = new NullKernels(this::requireHeld);
    private final Map<Long, Stream> streams = new HashMap<>();
    private final Map<Long, Point> events = new HashMap<>();
    private final Set<Long> timed = new HashSet<>();
    private final Set<Long> modules = new HashSet<>();
    private final Map<Long, String> functions = new HashMap<>();
    private final Map<Long, Integer> sharedAllowed = new HashMap<>();
    private final Map<Long, List<Work>> graphs = new HashMap<>();
    private final TreeMap<Long, Held> held = new TreeMap<>();
    private final ThreadLocal<Long> current = ThreadLocal.withInitial(() -> 0L);
    private final List<Call> calls = new ArrayList<>();
    private final List<Launched> launches = new ArrayList<>();
    private final Map<String, Integer> failures = new HashMap<>();
    private int contexts;
    private int leftBehind;
    private long nextHandle = 1;
    private long used;
    private int sticky;
    private boolean idle;
    private int asked;

    /** @param memory bytes of the device */
    NullDriver(long memory, Pace pace) {
        this.memory = memory;
        this.pace = pace;
    }

    // For tests

    List<Call> calls() {
        return calls;
    }

    long count(String name) {
        return calls.stream().filter(c -> c.name.equals(name)).count();
    }

    List<Launched> launches() {
        return launches;
    }

    /** The next call of that name fails with this code; after some codes, so does every later call. */
    void fail(String name, int code) {
        failures.put(name, code);
    }

    /** From now on launches do nothing and are not written down, so that what the caller costs can be measured. */
    void idle() {
        idle = true;
    }

    /** What was made and is still there. */
    Map<String, Integer> alive() {
        Map<String, Integer> alive = new TreeMap<>();
        alive.put("contexts", contexts);
        alive.put("memory", (int) held.values().stream().filter(h -> !h.pinned).count());
        alive.put("pinned", (int) held.values().stream().filter(h -> h.pinned).count());
        alive.put("streams", streams.size());
        alive.put("events", events.size());
        alive.put("modules", modules.size());
        alive.put("graphs", graphs.size());
        alive.values().removeIf(n -> n == 0);
        return alive;
    }

    /** How many streams, events and modules were not destroyed but went with their context. */
    int leftBehind() {
        return leftBehind;
    }

    /** Queues work as a library does. */
    void enqueue(long stream, String what, Runnable run) {
        enqueue(stream, what, () -> true, run);
    }

    /** The same for work that holds its stream until it may be done. */
    void enqueue(long stream, String what, BooleanSupplier may, Runnable run) {
        begin("library", what);
        queue(stream, what, may, run);
    }

    /** The one whose context is current in this thread. */
    static NullDriver ofThread() {
        return OF_THREAD.get();
    }

    void requireHeld(long address, long bytes, String what) {
        var below = held.floorEntry(address);
        if (bytes > 0 && (below == null || address + bytes > below.getKey() + below.getValue().bytes)) {
            throw new AssertionError(what + ": " + bytes + " bytes at 0x" + Long.toHexString(address) + " are not in memory that is held");
        }
    }

    // Calls

    private void begin(String name, String detail) {
        calls.add(new Call(name, detail));
        Integer code = failures.remove(name);
        if (code != null && STICKY.contains(code)) {
            sticky = code;
        }
        if (sticky != 0 || code != null) {
            throw failure(name, sticky != 0 ? sticky : code);
        }
    }

    private static CudaException failure(String call, int code) {
        return new CudaException("CUDA", call, code, "CUDA_ERROR_" + code, "as the test asked for");
    }

    private void needContext(String name) {
        if (current.get() == 0) {
            throw failure(name, 201);
        }
    }

    /** What a capture in this thread forbids. */
    private void unsafe(String name) {
        for (Stream s : streams.values()) {
            if (s.capture != null) {
                s.invalid = true;
                throw failure(name, 900);
            }
        }
    }

    private static <T> T need(Map<Long, T> map, long handle, String name) {
        T found = map.get(handle);
        if (found == null) {
            throw failure(name, 400);
        }
        return found;
    }

    private void queue(long handle, String what, Runnable run) {
        queue(handle, what, () -> true, run);
    }

    private void queue(long handle, String what, BooleanSupplier may, Runnable run) {
        needContext(what);
        Stream stream = need(streams, handle, what);
        Work work = new Work(what, may, run);
        if (stream.capture != null) {
            stream.capture.add(work);
        } else {
            stream.queue.add(work);
            stream.queued++;
            if (!stream.late) {
                advance(stream, stream.queued);
            }
        }
    }

    /** Does what can be done up to that position. @return whether that is all */
    private static boolean advance(Stream stream, long position) {
        while (stream.done < position && stream.queue.element().may.getAsBoolean()) {
            Work work = stream.queue.remove();
            stream.done++;
            work.run.run();
        }
        return stream.done >= position;
    }

    private static void drain(Stream stream, long position) {
        while (!advance(stream, position)) {
            if (Thread.currentThread().isInterrupted()) {
                throw new AssertionError("interrupted while it waited for " + stream.queue.element().what);
            }
            Thread.onSpinWait();
        }
    }

    private void drainAll() {
        streams.values().forEach(s -> drain(s, s.queued));
    }

    @Override
    public String binding() {
        return "null";
    }

    @Override
    public int version() {
        return 13000;
    }

    @Override
    public int deviceCount() {
        return 2;
    }

    @Override
    public String deviceName(int ordinal) {
        return "Null GPU";
    }

    @Override
    public String devicePciBusId(int ordinal) {
        return "0000:0" + ordinal + ":00.0";
    }

    @Override
    public int deviceAttribute(int ordinal, int attribute) {
        return switch (attribute) {
            case DeviceAttribute.MULTIPROCESSOR_COUNT -> MULTIPROCESSORS;
            case DeviceAttribute.COMPUTE_CAPABILITY_MAJOR -> 9;
            case DeviceAttribute.COMPUTE_CAPABILITY_MINOR -> 0;
            case DeviceAttribute.MAX_SHARED_MEMORY_PER_BLOCK_OPTIN -> SHARED_OPTIN;
            default -> throw new AssertionError("device attribute " + attribute);
        };
    }

    @Override
    public long deviceTotalMemory(int ordinal) {
        return memory;
    }

    @Override
    public long primaryContextRetain(int ordinal) {
        begin("primaryContextRetain", ordinal + "");
        contexts++;
        return 1000 + ordinal;
    }

    @Override
    public void primaryContextRelease(int ordinal) {
        begin("primaryContextRelease", ordinal + "");
        if (--contexts == 0) { // what lived in it goes with it
            leftBehind += streams.size() + events.size() + modules.size();
            streams.clear();
            events.clear();
            modules.clear();
        }
    }

    @Override
    public void setCurrent(long context) {
        begin("setCurrent", context + "");
        current.set(context);
        OF_THREAD.set(this);
    }

    @Override
    public void synchronizeContext() {
        begin("synchronizeContext", "");
        unsafe("synchronizeContext");
        drainAll();
    }

    @Override
    public long memoryFree() {
        begin("memoryFree", "");
        return memory - used;
    }

    @Override
    public long memAlloc(long bytes) {
        begin("memAlloc", bytes + "");
        return allocate("memAlloc", bytes, false);
    }

    private long allocate(String name, long bytes, boolean pinned) {
        needContext(name);
        unsafe(name);
        if (!pinned && used + bytes > memory) {
            return 0;
        }
        long address = CpuKernels.allocate(bytes);
        memory(address, bytes).fill((byte) 0xff);
        held.put(address, new Held(bytes, pinned));
        used += pinned ? 0 : bytes;
        return address;
    }

    static MemorySegment memory(long address, long bytes) {
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    @Override
    public void memFree(long address) {
        begin("memFree", "");
        give("memFree", address, false);
    }

    private void give(String name, long address, boolean pinned) {
        unsafe(name);
        drainAll(); // the driver waits for work that may still use it
        Held freed = held.get(address);
        if (freed == null || freed.pinned != pinned) {
            throw failure(name, 1);
        }
        held.remove(address);
        used -= pinned ? 0 : freed.bytes;
        CpuKernels.free(address, freed.bytes);
    }

    @Override
    public long hostAlloc(long bytes) {
        begin("hostAlloc", bytes + "");
        return allocate("hostAlloc", bytes, true);
    }

    @Override
    public void hostFree(long address) {
        begin("hostFree", "");
        give("hostFree", address, true);
    }

    @Override
    public void copyToDevice(long to, long host, long bytes, long stream) {
        copy("copyToDevice", to, host, bytes, stream);
    }

    @Override
    public void copyToHost(long host, long from, long bytes, long stream) {
        copy("copyToHost", host, from, bytes, stream);
    }

    @Override
    public void copyOnDevice(long to, long from, long bytes, long stream) {
        copy("copyOnDevice", to, from, bytes, stream);
    }

    private void copy(String name, long to, long from, long bytes, long stream) {
        begin(name, bytes + " stream " + stream);
        requireHeld(to, bytes, name + ", target");
        requireHeld(from, bytes, name + ", source");
        queue(stream, name, () -> memory(to, bytes).copyFrom(memory(from, bytes)));
    }

    @Override
    public void fill(long address, byte value, long bytes, long stream) {
        begin("fill", bytes + " stream " + stream);
        requireHeld(address, bytes, "fill");
        queue(stream, "fill", () -> memory(address, bytes).fill(value));
    }

    @Override
    public long streamCreate() {
        begin("streamCreate", "");
        needContext("streamCreate");
        boolean late = pace == Pace.LATE || pace == Pace.FIRST_STREAM_LATE && streams.isEmpty();
        streams.put(nextHandle, new Stream(late));
        return nextHandle++;
    }

    @Override
    public void streamDestroy(long stream) {
        begin("streamDestroy", stream + "");
        Stream s = need(streams, stream, "streamDestroy");
        drain(s, s.queued);
        streams.remove(stream);
    }

    @Override
    public void streamSynchronize(long stream) {
        begin("streamSynchronize", stream + "");
        unsafe("streamSynchronize");
        Stream s = need(streams, stream, "streamSynchronize");
        drain(s, s.queued);
    }

    @Override
    public void streamWaitEvent(long stream, long event) {
        begin("streamWaitEvent", stream + " event " + event);
        Point point = need(events, event, "streamWaitEvent");
        queue(stream, "streamWaitEvent", () -> advance(point.stream, point.position), () -> {});
    }

    @Override
    public long eventCreate(boolean timing) {
        begin("eventCreate", "");
        needContext("eventCreate");
        events.put(nextHandle, new Point(new Stream(false), 0));
        if (timing) {
            timed.add(nextHandle);
        }
        return nextHandle++;
    }

    @Override
    public void eventDestroy(long event) {
        begin("eventDestroy", event + "");
        need(events, event, "eventDestroy");
        events.remove(event);
    }

    @Override
    public void eventRecord(long event, long stream) {
        begin("eventRecord", event + " stream " + stream);
        need(events, event, "eventRecord");
        Stream s = need(streams, stream, "eventRecord");
        if (s.capture != null) {
            throw new AssertionError("an event recorded in a capture");
        }
        events.put(event, new Point(s, s.queued));
    }

    /** Asking now and then does a bit of the work, so that asking again and again comes to an end. */
    @Override
    public boolean eventQuery(long event) {
        begin("eventQuery", event + "");
        unsafe("eventQuery");
        Point point = need(events, event, "eventQuery");
        boolean done = point.stream.done >= point.position;
        if (!done && ++asked % 8 == 0) {
            advance(point.stream, point.stream.done + 1);
        }
        return done;
    }

    @Override
    public void eventSynchronize(long event) {
        begin("eventSynchronize", event + "");
        unsafe("eventSynchronize");
        Point point = need(events, event, "eventSynchronize");
        drain(point.stream, point.position);
    }

    @Override
    public float eventElapsed(long start, long end) {
        begin("eventElapsed", start + " " + end);
        unsafe("eventElapsed");
        Point from = need(events, start, "eventElapsed");
        Point to = need(events, end, "eventElapsed");
        if (!timed.contains(start) || !timed.contains(end)) {
            throw new AssertionError("a time between events that were made without timing");
        }
        if (from.stream.done < from.position || to.stream.done < to.position) {
            throw new AssertionError("a time between events that have not happened");
        }
        return (to.position - from.position) / 1000f;
    }

    @Override
    public long moduleLoad(MemorySegment image) {
        begin("moduleLoad", "");
        needContext("moduleLoad");
        modules.add(nextHandle);
        return nextHandle++;
    }

    @Override
    public void moduleUnload(long module) {
        begin("moduleUnload", "");
        if (!modules.remove(module)) {
            throw failure("moduleUnload", 400);
        }
    }

    @Override
    public long moduleFunction(long module, String name) {
        begin("moduleFunction", name);
        if (!modules.contains(module)) {
            throw failure("moduleFunction", 400);
        }
        if (!NullKernels.has(name)) {
            return 0;
        }
        functions.put(nextHandle, name);
        return nextHandle++;
    }

    @Override
    public int functionAttribute(long function, int attribute) {
        need(functions, function, "functionAttribute");
        return attribute == FunctionAttribute.MAX_THREADS_PER_BLOCK ? 1024 : 0;
    }

    @Override
    public void functionSetAttribute(long function, int attribute, int value) {
        begin("functionSetAttribute", need(functions, function, "functionSetAttribute") + " " + attribute + " " + value);
        if (attribute != FunctionAttribute.MAX_DYNAMIC_SHARED_SIZE_BYTES || value > SHARED_OPTIN) {
            throw failure("functionSetAttribute", 1);
        }
        sharedAllowed.put(function, value);
    }

    @Override
    public void launch(long function, int blocks, int threads, int sharedBytes, long stream, long parameters) {
        if (idle) {
            return;
        }
        String kernel = need(functions, function, "launch");
        begin("launch", kernel + " <<<" + blocks + ", " + threads + ", " + sharedBytes + ">>> stream " + stream);
        if (blocks < 1 || threads < 1 || threads > 1024 || threads % 32 != 0 || sharedBytes > sharedAllowed.getOrDefault(function, 48 << 10)) {
            throw failure("launch", 1);
        }
        long struct = memory(parameters, 8).get(ValueLayout.JAVA_LONG, 0);
        long[] arguments = NullKernels.arguments(kernel, memory(struct, 4096));
        launches.add(new Launched(kernel, blocks, threads, sharedBytes, stream, arguments));
        queue(stream, kernel, () -> {
            try (Arena arena = Arena.ofConfined()) {
                kernels.run(kernel, arena.allocateFrom(ValueLayout.JAVA_LONG, arguments), blocks, threads, sharedBytes);
            }
        });
    }

    @Override
    public void captureBegin(long stream) {
        begin("captureBegin", stream + "");
        unsafe("captureBegin");
        need(streams, stream, "captureBegin").capture = new ArrayList<>();
    }

    @Override
    public long captureEnd(long stream) {
        Stream s = need(streams, stream, "captureEnd");
        if (s.capture == null) {
            throw failure("captureEnd", 401);
        }
        List<Work> work = s.capture;
        boolean invalid = s.invalid;
        s.capture = null;
        s.invalid = false;
        begin("captureEnd", stream + ""); // ends it even where it fails
        if (invalid) {
            throw failure("captureEnd", 901);
        }
        graphs.put(nextHandle, work);
        return nextHandle++;
    }

    @Override
    public long graphInstantiate(long graph) {
        begin("graphInstantiate", "");
        graphs.put(nextHandle, need(graphs, graph, "graphInstantiate"));
        return nextHandle++;
    }

    @Override
    public void graphDestroy(long graph) {
        begin("graphDestroy", "");
        need(graphs, graph, "graphDestroy");
        graphs.remove(graph);
    }

    @Override
    public void graphExecDestroy(long exec) {
        begin("graphExecDestroy", "");
        need(graphs, exec, "graphExecDestroy");
        graphs.remove(exec);
    }

    @Override
    public void graphLaunch(long exec, long stream) {
        begin("graphLaunch", "stream " + stream);
        unsafe("graphLaunch");
        need(graphs, exec, "graphLaunch").forEach(work -> queue(stream, work.what, work.may, work.run));
    }
}
