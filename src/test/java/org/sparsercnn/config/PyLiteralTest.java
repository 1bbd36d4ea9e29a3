package org.sparsercnn.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.util.BadInput;

/** Expected values are what Python 3.11's ast.literal_eval gives. */
class PyLiteralTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "1_0.5e-3|float|0.0105", "01.5|float|1.5", "00|int|0", "-0x_ff|int|-255", "0o17|int|15", "0B11|int|3", "1.e2|float|100.0",
        "(1)|int|1", "(1,)|tuple|(1,)", "()|tuple|()", "1,|tuple|(1,)", "[1,]|list|[1]", "[[], ()]|list|[[], ()]",
        "{}|dict|{}", "{'a': [1], 2: None,}|dict|{'a': [1], 2: None}", "set()|set|set()", "{1}|set|{1}",
        "'a' \"b\" r'\\d'|str|'ab\\\\d'", "'\\x41\\u00e9\\101\\q'|str|'AéA\\\\q'", "'\\N{BULLET}'|str|'•'", "'''a'b'''|str|\"a'b\"",
        "b'x' B'y'|bytes|b'xy'", "1-2j|complex|(1-2j)", "...|ellipsis|Ellipsis", "+1|int|1", "( # c|keep|", "-True|keep|",
        "--1|keep|", "1+2|keep|", "1__0|keep|", "1_|keep|", "0_7|keep|", "0x|keep|", "1a|keep|", "[1|keep|", "(1,,2)|keep|",
        ",|keep|", "{1:}|keep|", "{1: 2, 3}|keep|", "'a|keep|", "'\\xg1'|keep|", "b'é'|keep|", "'a' b'b'|keep|", "f'a'|keep|",
        "true|keep|", "nan|keep|", "a.b|keep|", "[a]|keep|", "(1, 2) x|keep|", "\\u0661|keep|"})
    void readsAsPythonDoes(String text, String type, String repr) {
        if (type.equals("keep")) {
            assertThat(PyLiteral.decode(text)).isEqualTo(new PyValue.Str(text));
        } else {
            assertThat(PyLiteral.decode(text).typeName()).isEqualTo(type);
            assertThat(PyLiteral.decode(text).repr()).isEqualTo(repr);
        }
    }

    @Test
    void lineEndsCountInBracketsOnly() {
        assertThat(PyLiteral.decode("(1,\n 2) # two\n")).isEqualTo(PyLiteral.decode("(1, 2)"));
        assertThat(PyLiteral.decode("\n# first\n7")).isEqualTo(new PyValue.Int(7));
        assertThat(PyLiteral.decode("1,\n2")).isInstanceOf(PyValue.Str.class);
        assertThat(PyLiteral.decode("\n 7")).isInstanceOf(PyValue.Str.class);
    }

    @Test
    void deepNestingIsAStringAndNoCrash() {
        assertThat(PyLiteral.decode("(".repeat(200) + ")".repeat(200))).isInstanceOf(PyValue.Tuple.class);
        assertThat(PyLiteral.decode("(".repeat(100_000))).isInstanceOf(PyValue.Str.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{[1]: 2}", "{(1, [2])}", "{{}: 1}", "[{{1}: 2}]"})
    void unhashable(String text) {
        assertThatThrownBy(() -> PyLiteral.decode(text)).isInstanceOf(BadInput.class).hasMessageContaining("unhashable");
    }

    @ParameterizedTest
    @CsvSource({"2.5E-5,2.5e-05", "1.0E-4,0.0001", "1.0E16,1e+16", "1.0E15,1000000000000000.0", "4.9E-324,5e-324", "-0.0,-0.0",
        "1.7976931348623157E308,1.7976931348623157e+308", "1.0E100,1e+100", "123456.789,123456.789", "-1.5E-300,-1.5e-300"})
    void floatsPrintAsPythonPrintsThem(double value, String repr) {
        assertThat(new PyValue.Real(value).repr()).isEqualTo(repr);
    }

    /** What repr writes reads back as the same value: random trees, 2,000 of them. */
    @Test
    void reprReadsBack() {
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < 2000; i++) {
            PyValue value = randomValue(random, 3);
            assertThat(PyLiteral.decode(value.repr())).isEqualTo(value);
        }
    }

    static PyValue randomValue(SplittableRandom random, int depth) {
        return switch (random.nextInt(depth == 0 ? 5 : 7)) {
            case 0 -> new PyValue.None();
            case 1 -> new PyValue.Bool(random.nextBoolean());
            case 2 -> new PyValue.Int(new BigInteger(random.nextInt(1, 90), new java.util.Random(random.nextInt())).negate());
            case 3 -> new PyValue.Real((random.nextDouble() - 0.5) * Math.pow(10, random.nextInt(-300, 300)));
            case 4 -> new PyValue.Str(randomText(random));
            case 5 -> new PyValue.PyList(randomItems(random, depth));
            default -> new PyValue.Tuple(randomItems(random, depth));
        };
    }

    private static List<PyValue> randomItems(SplittableRandom random, int depth) {
        return IntStream.range(0, random.nextInt(4)).mapToObj(_ -> randomValue(random, depth - 1)).toList();
    }

    /** Characters that quoting rules are about. */
    private static String randomText(SplittableRandom random) {
        int[] alphabet = "abn01-.+:#'\"\\ \t\n\r,[]{}()&*!|>%@`~=<é\u2028\u0085\ufeff\u0007\uffff".codePoints().toArray();
        StringBuilder text = new StringBuilder(random.nextInt(20) == 0 ? "\ud83d\ude00" : "");
        random.ints(random.nextInt(8), 0, alphabet.length).forEach(i -> text.appendCodePoint(alphabet[i]));
        return text.toString();
    }
}
