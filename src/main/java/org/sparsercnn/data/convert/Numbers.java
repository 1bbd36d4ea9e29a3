package org.sparsercnn.data.convert;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.OptionalDouble;
import java.util.regex.Pattern;
import org.sparsercnn.config.PyValue;

/** Numbers as Python keeps them: {@code int} and {@code float} are two things, here {@link Long} or {@link BigInteger} and {@link Double}. */
final class Numbers {
    private static final Pattern DECIMAL = Pattern.compile("[-+]?(\\d+(\\.\\d*)?|\\.\\d+)([eE][-+]?\\d+)?");
    /** Finer than the six decimals in which fractions are usually written, in any image of more than 200 pixels. */
    private static final int DECIMALS = 4;

    private Numbers() {}

    /** A decimal number and nothing else (Java would take {@code 1f}, {@code NaN} and {@code 0x1p3}). */
    static OptionalDouble parse(String text) {
        if (!DECIMAL.matcher(text).matches()) {
            return OptionalDouble.empty();
        }
        double value = Double.parseDouble(text);
        return Double.isFinite(value) ? OptionalDouble.of(value) : OptionalDouble.empty();
    }

    /** Rounded to a ten-thousandth, which takes away the noise of binary fractions; an integer where it is one. */
    static Number tidy(double value) {
        BigDecimal rounded = BigDecimal.valueOf(value).setScale(DECIMALS, RoundingMode.HALF_UP).stripTrailingZeros();
        return rounded.scale() <= 0 ? (Number) rounded.longValue() : (Number) rounded.doubleValue();
    }

    /** Exact for integers, else of doubles. */
    static Number product(Number a, Number b) {
        if (a instanceof Double || b instanceof Double) {
            return a.doubleValue() * b.doubleValue();
        }
        BigInteger product = new BigInteger(a.toString()).multiply(new BigInteger(b.toString()));
        return product.bitLength() < Long.SIZE ? (Number) product.longValue() : product;
    }

    /** As Python's json module writes it. */
    static String text(Number number) {
        return number instanceof Double d ? new PyValue.Real(d).repr() : number.toString();
    }
}
