package org.sparsercnn.config;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.sparsercnn.util.BadInput;

/** Reads the annotated records out of a {@link CfgTree} and holds every value to its {@link Key}. */
final class Decoder {
    /** Why a value was refused; the caller knows the key. */
    private static final class Refused extends RuntimeException {
        Refused() {
            super(null, null, false, false);
        }
    }

    private final CfgTree tree;

    private Decoder(CfgTree tree) {
        this.tree = tree;
    }

    /** @throws BadInput naming place, key, what was found and what is wanted */
    static <R extends Record> R decode(Class<R> type, CfgTree tree) {
        return new Decoder(tree).section(type, "");
    }

    private <R> R section(Class<R> type, String prefix) {
        List<Object> arguments = new ArrayList<>();
        for (RecordComponent component : type.getRecordComponents()) {
            Section section = component.getAnnotation(Section.class);
            arguments.add(section != null
                    ? section(component.getType(), prefix + section.value() + ".")
                    : key(component, prefix));
        }
        return construct(type, arguments);
    }

    private Object key(RecordComponent component, String prefix) {
        Key key = component.getAnnotation(Key.class);
        String name = prefix + key.name();
        PyValue value = tree.value(name);
        try {
            return read(component.getGenericType(), value, key);
        } catch (Refused _) {
            Place place = tree.place(name);
            throw BadInput.of("%s%s is %s; wanted: %s", place == null ? "" : place + ": ", name, value.repr(),
                    wanted(component.getGenericType(), key));
        }
    }

    private static Object read(Type type, PyValue value, Key key) {
        if (type instanceof ParameterizedType list) { // a List<T>
            List<PyValue> items = items(value);
            if (key.length() > 0 && items.size() != key.length()) {
                throw new Refused();
            }
            return items.stream().map(item -> read(list.getActualTypeArguments()[0], item, key)).toList();
        }
        Object read = scalar((Class<?>) type, value, key);
        boolean listed = key.oneOf().length == 0 || Arrays.asList(key.oneOf()).contains(read.toString());
        // Written so that NaN is refused.
        boolean inside = !(read instanceof Number n) || n.doubleValue() >= key.min() && n.doubleValue() <= key.max();
        if (!listed || !inside) {
            throw new Refused();
        }
        return read;
    }

    private static Object scalar(Class<?> type, PyValue value, Key key) {
        return switch (value) {
            case PyValue.Bool(boolean b) when type == boolean.class -> b;
            case PyValue.Str(String s) when type == String.class -> s;
            case PyValue.None _ when type == String.class -> ""; // as upstream reads MODEL.WEIGHTS None
            case PyValue.Int(BigInteger i) when type == int.class || type == Integer.class -> exact(i, 31).intValue();
            case PyValue.Int(BigInteger i) when type == long.class -> exact(i, 63).longValue();
            case PyValue.Int(BigInteger i) when type == double.class || type == Double.class -> i.doubleValue();
            case PyValue.Real(double d) when (type == double.class || type == Double.class) && Double.isFinite(d) -> d;
            case PyValue.PyList _, PyValue.Tuple _ when type.isRecord() -> positional(type, items(value), key);
            default -> throw new Refused();
        };
    }

    private static BigInteger exact(BigInteger i, int bits) {
        if (i.bitLength() > bits) {
            throw new Refused();
        }
        return i;
    }

    private static List<PyValue> items(PyValue value) {
        return switch (value) {
            case PyValue.PyList(List<PyValue> items) -> items;
            case PyValue.Tuple(List<PyValue> items) -> items;
            default -> throw new Refused();
        };
    }

    /** A record without annotations is a sequence of its components. */
    private static Object positional(Class<?> type, List<PyValue> items, Key key) {
        RecordComponent[] components = type.getRecordComponents();
        if (items.size() != components.length) {
            throw new Refused();
        }
        List<Object> arguments = new ArrayList<>();
        for (int i = 0; i < components.length; i++) {
            arguments.add(read(components[i].getGenericType(), items.get(i), key));
        }
        return construct(type, arguments);
    }

    private static <R> R construct(Class<R> type, List<Object> arguments) {
        try {
            Class<?>[] types = Arrays.stream(type.getRecordComponents()).map(RecordComponent::getType).toArray(Class<?>[]::new);
            return type.getDeclaredConstructor(types).newInstance(arguments.toArray());
        } catch (InvocationTargetException | InstantiationException | IllegalAccessException | NoSuchMethodException e) {
            throw new IllegalStateException(type.getName(), e);
        }
    }

    /** The values a key takes, in words: for messages and docs/config.md. */
    static String wanted(Type type, Key key) {
        String range = range(key);
        if (type instanceof ParameterizedType list) {
            Type item = list.getActualTypeArguments()[0];
            return (key.length() > 0 ? "a list of " + key.length() + " " : "a list of ") + many((Class<?>) item)
                    + (range.isEmpty() ? "" : ", each " + range);
        } else if (key.oneOf().length > 0) {
            return range;
        }
        String scalar = switch (((Class<?>) type).getSimpleName()) {
            case "int" -> "an int";
            case "long" -> "an int (64 bits)";
            case "double" -> "a finite float";
            case "boolean" -> "True or False";
            default -> "a string";
        };
        return range.isEmpty() ? scalar : scalar + ", " + range;
    }

    private static String many(Class<?> item) {
        return switch (item.getSimpleName()) {
            case "Integer" -> "ints";
            case "Double" -> "numbers";
            case "String" -> "strings";
            default -> Arrays.stream(item.getRecordComponents()).map(RecordComponent::getName)
                    .collect(Collectors.joining(", ", "[", "]"));
        };
    }

    private static String range(Key key) {
        if (key.oneOf().length > 0) {
            String values = Arrays.stream(key.oneOf()).map(v -> v.isEmpty() ? "''" : v).collect(Collectors.joining(", "));
            return key.oneOf().length == 1 ? values : "one of " + values;
        }
        boolean lower = key.min() > Double.NEGATIVE_INFINITY;
        boolean upper = key.max() < Double.POSITIVE_INFINITY;
        if (lower && upper) {
            return "from " + plain(key.min()) + " to " + plain(key.max());
        }
        return lower ? "at least " + plain(key.min()) : upper ? "at most " + plain(key.max()) : "";
    }

    private static String plain(double d) {
        return d == Math.rint(d) ? String.valueOf((long) d) : new PyValue.Real(d).repr();
    }
}
