package org.sparsercnn.io;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.razorvine.pickle.IObjectConstructor;
import net.razorvine.pickle.Opcodes;
import net.razorvine.pickle.PickleException;
import net.razorvine.pickle.PickleUtils;
import net.razorvine.pickle.Unpickler;

/**
 * Reads pickles of protocols 2 to 5 without ever running what they ask for. The library's reader is closed at the one
 * place every opcode passes: opcodes that find classes, call or change objects, or believe a length are answered here;
 * plain values go on to the library; all others are refused. Globals resolve through {@code allowed} alone, never
 * through the library's registry.
 *
 * <p>Python's values become: dict {@link PyDict}, list {@link List}, tuple {@code Object[]}, bytes {@code byte[]}, text
 * {@link String} (Python 2's byte strings as Latin-1, as upstream reads them), numbers and booleans their boxes.
 */
final class RestrictedUnpickler extends Unpickler {
    /** A full R101 checkpoint with its optimiser takes about 200,000. */
    private static final long MOST_OPERATIONS = 20_000_000;

    /** A dict in insertion order; an OrderedDict's attributes ({@code _metadata} of a state dict) stand beside it. */
    static final class PyDict extends LinkedHashMap<Object, Object> implements Stateful {
        private transient Map<?, ?> attributes = Map.of();

        Map<?, ?> attributes() {
            return attributes;
        }

        @Override
        public Object put(Object key, Object value) {
            if (key instanceof Collection || key instanceof Map) {
                throw new Malformed("damaged pickle: a list or dict as a dict's key");
            }
            return super.put(key, value);
        }

        @Override
        public void setState(Object state) {
            if (!(state instanceof Map<?, ?> map)) {
                throw new Malformed("damaged pickle: attributes of a dict that are not a dict");
            }
            attributes = map;
        }
    }

    /** An object that a pickle may fill after construction (opcode BUILD). */
    interface Stateful {
        void setState(Object state);
    }

    /** A class that is only mentioned, never called: numpy.ndarray, torch.FloatStorage. */
    record Token(String name) {}

    /** Gives the object that a persistent id stands for: in PyTorch's files, a storage. */
    @FunctionalInterface
    interface PersistentIds {
        Object load(Object[] id);
    }

    private final Map<String, Object> allowed;
    private final PersistentIds persistentIds;
    private SegmentInput segment;
    private long operations;

    /**
     * @param allowed "module name" to what stands for it: a {@link Token} or an {@link IObjectConstructor} of ours
     */
    RestrictedUnpickler(Map<String, Object> allowed, PersistentIds persistentIds) {
        this.allowed = allowed;
        this.persistentIds = persistentIds;
    }

    /** Reads one pickle and leaves {@code in} behind its last byte. */
    Object read(SegmentInput in) {
        segment = in;
        operations = 0;
        try {
            return load(in);
        } catch (Malformed e) {
            throw e;
        } catch (PickleException | IOException e) {
            throw new Malformed("truncated or damaged pickle: " + e.getMessage());
        } catch (IndexOutOfBoundsException | ClassCastException | NegativeArraySizeException | NumberFormatException
                | NullPointerException e) {
            // The library leaves malformed streams (an empty stack, a string where a dict was due) to the JVM's checks.
            throw new Malformed("truncated or damaged pickle (" + e.getClass().getSimpleName() + ")");
        }
    }

    @Override
    protected Object dispatch(short opcode) throws IOException {
        if (++operations > MOST_OPERATIONS) {
            throw new Malformed("the pickle has more than " + MOST_OPERATIONS + " operations: not a checkpoint");
        }
        switch (opcode) {
            case Opcodes.GLOBAL -> {
                String module = PickleUtils.readline(input);
                stack.add(global(module, PickleUtils.readline(input)));
            }
            case Opcodes.STACK_GLOBAL -> {
                String name = (String) stack.pop();
                stack.add(global((String) stack.pop(), name));
            }
            case Opcodes.REDUCE -> {
                Object[] arguments = (Object[]) stack.pop();
                if (!(stack.pop() instanceof IObjectConstructor constructor)) {
                    throw new Malformed("damaged pickle: it calls something that is no function");
                }
                stack.add(constructor.construct(arguments));
            }
            case Opcodes.BUILD -> {
                Object state = stack.pop();
                if (!(stack.peek() instanceof Stateful target)) {
                    throw new Malformed("damaged pickle: it sets the state of something that has none");
                }
                target.setState(state);
            }
            case Opcodes.EMPTY_DICT -> stack.add(new PyDict());
            case Opcodes.DICT -> {
                List<Object> items = stack.pop_all_since_marker();
                stack.add(fill(new PyDict(), items));
            }
            case Opcodes.SETITEM -> {
                Object value = stack.pop();
                Object key = stack.pop();
                fill((PyDict) stack.peek(), Arrays.asList(key, value));
            }
            case Opcodes.SETITEMS -> {
                List<Object> items = stack.pop_all_since_marker();
                fill((PyDict) stack.peek(), items);
            }
            case Opcodes.EMPTY_LIST -> stack.add(new ArrayList<>(0));
            case Opcodes.BINSTRING, Opcodes.BINUNICODE, Opcodes.BINBYTES, Opcodes.LONG4 -> {
                segment.requireIntPrefixed();
                return super.dispatch(opcode);
            }
            case Opcodes.BINUNICODE8, Opcodes.BINBYTES8, Opcodes.BYTEARRAY8 -> {
                segment.requireLongPrefixed();
                return super.dispatch(opcode);
            }
            case Opcodes.PROTO, Opcodes.FRAME, Opcodes.MARK, Opcodes.STOP, Opcodes.POP, Opcodes.POP_MARK, Opcodes.DUP,
                    Opcodes.NONE, Opcodes.NEWTRUE, Opcodes.NEWFALSE, Opcodes.INT, Opcodes.BININT, Opcodes.BININT1,
                    Opcodes.BININT2, Opcodes.LONG1, Opcodes.BINFLOAT, Opcodes.SHORT_BINSTRING,
                    Opcodes.SHORT_BINUNICODE, Opcodes.SHORT_BINBYTES, Opcodes.EMPTY_TUPLE, Opcodes.TUPLE,
                    Opcodes.TUPLE1, Opcodes.TUPLE2, Opcodes.TUPLE3, Opcodes.APPEND, Opcodes.APPENDS,
                    Opcodes.MEMOIZE, Opcodes.BINPUT, Opcodes.LONG_BINPUT, Opcodes.BINGET,
                    Opcodes.LONG_BINGET, Opcodes.BINPERSID -> {
                return super.dispatch(opcode);
            }
            default -> throw new Malformed(String.format("not a pickle of weights: opcode 0x%02x (%s) is refused",
                    opcode & 0xff, opcode > 32 && opcode < 127 ? "'" + (char) opcode + "'" : "binary"));
        }
        return NO_RETURN_VALUE;
    }

    @Override
    protected Object persistentLoad(Object id) {
        return persistentIds.load((Object[]) id);
    }

    private Object global(String module, String name) {
        Object known = allowed.get(module + " " + name);
        if (known == null) {
            throw new Malformed("refused: the pickle asks for Python's '" + printable(module) + "." + printable(name)
                    + "', which weights do not need; nothing was run. If you trust the file, load it with PyTorch and"
                    + " save its weights alone: torch.save({'model': model.state_dict()}, 'weights.pth')");
        }
        return known;
    }

    /** The library would go through a HashMap, which loses the order and hashes whatever it is given. */
    private static PyDict fill(PyDict dict, List<?> alternatingKeysAndValues) {
        for (int i = 0; i + 1 < alternatingKeysAndValues.size(); i += 2) {
            dict.put(alternatingKeysAndValues.get(i), alternatingKeysAndValues.get(i + 1));
        }
        return dict;
    }

    private static String printable(String text) {
        String clean = text.replaceAll("\\p{Cntrl}", "?");
        return clean.length() <= 80 ? clean : clean.substring(0, 80) + "…";
    }
}
