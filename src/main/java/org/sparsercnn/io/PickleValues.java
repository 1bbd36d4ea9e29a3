package org.sparsercnn.io;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads what an unpickled object graph holds, refusing values of another kind with {@link Malformed}. */
final class PickleValues {
    /** An object of a pickle that is a tensor: PyTorch's or NumPy's. */
    interface TensorValue {
        HostTensor tensor();
    }

    private static final int DEEPEST = 100;
    private static final int MOST_VALUES = 1_000_000;

    private int values;

    private PickleValues() {}

    static long integer(Object value) {
        return switch (value) {
            case Integer i -> i;
            case Long l -> l;
            case null, default -> throw new Malformed("damaged pickle: an integer was expected, not " + kind(value));
        };
    }

    static String text(Object value) {
        return switch (value) {
            case String s -> s;
            case null, default -> throw new Malformed("damaged pickle: text was expected, not " + kind(value));
        };
    }

    static Object[] tuple(Object value) {
        return switch (value) {
            case Object[] t -> t;
            case List<?> l -> l.toArray();
            case null, default -> throw new Malformed("damaged pickle: a tuple was expected, not " + kind(value));
        };
    }

    static long[] integers(Object value) {
        Object[] items = tuple(value);
        long[] out = new long[items.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = integer(items[i]);
        }
        return out;
    }

    static Object argument(Object[] arguments, int i) {
        if (i >= arguments.length) {
            throw new Malformed("damaged pickle: a constructor has " + arguments.length + " arguments, needs " + (i + 1));
        }
        return arguments[i];
    }

    /** A word for messages. */
    static String kind(Object value) {
        return switch (value) {
            case null -> "None";
            case String _ -> "text";
            case Number _ -> "a number";
            case Boolean _ -> "a bool";
            case byte[] _ -> "bytes";
            case Object[] _ -> "a tuple";
            case List<?> _ -> "a list";
            case Map<?, ?> _ -> "a dict";
            case TensorValue _ -> "a tensor";
            default -> "an object";
        };
    }

    /**
     * Plain Java values fit for JSON (Map, List, String, Long, Double, Boolean, null; one-element tensors as numbers);
     * larger tensors and bytes become null. Shared and nested values cannot make it larger than memory.
     */
    static Object plain(Object value) {
        return new PickleValues().plain(value, 0);
    }

    private Object plain(Object value, int depth) {
        if (depth > DEEPEST || ++values > MOST_VALUES) {
            throw new Malformed("values nested more than " + DEEPEST + " deep or more than " + MOST_VALUES
                    + " of them: not a checkpoint");
        }
        return switch (value) {
            case Integer i -> i.longValue();
            case String _, Long _, Double _, Boolean _ -> value;
            case BigInteger big -> big.toString(16);
            case TensorValue t when t.tensor().elements() == 1 -> t.tensor().at(0);
            case Object[] tuple -> plainList(tuple, depth);
            case List<?> list -> plainList(list.toArray(), depth);
            case Map<?, ?> map -> {
                Map<String, Object> out = new LinkedHashMap<>();
                map.forEach((k, v) -> out.put(k instanceof Object[] ? "(…)" : String.valueOf(k), plain(v, depth + 1)));
                yield out;
            }
            case null, default -> null;
        };
    }

    private List<Object> plainList(Object[] items, int depth) {
        List<Object> out = new ArrayList<>(items.length);
        for (Object item : items) {
            out.add(plain(item, depth + 1));
        }
        return out;
    }
}
